#include "detect/sources.h"

#include "core/file.h"
#include "core/path.h"
#include "core/text.h"
#include "detect/source_parts.h"
#include "image/decode.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_LIMIT = 256 << 20, INPUT_LIMIT = 1 << 30 };

#define INPUT_NAME "standard input"

/* --- lists --- */

/* The path that a line of the list in `folder` means: absolute, or from the list's folder and, where nothing is there,
 * from the working directory. Heap. */
static char *listed_path(const char *folder, const char *line)
{
    bool own = !strncmp(line, "./", 2);
    char *beside = path_join(strcmp(folder, ".") != 0 ? folder : "", own ? line + 2 : line);
    if (!beside || own || path_exists(beside))
        return beside;
    mem_free(beside);
    return mem_strdup(line);
}

static enum status add_line(struct sources *s, const char *list, const char *folder, char *line, long number)
{
    line += strspn(line, " \t");
    for (size_t n = strlen(line); n && strchr(" \t", line[n - 1]);)
        line[--n] = 0;
    if (!*line)
        return OK;
    char *path = listed_path(folder, line);
    enum status rc = path ? OK : E_NOMEM;
    if (rc == OK && strstr(line, "://") && !path_exists(path)) {
        rc = source_check_kind(line, false);
        if (rc != OK)
            fail_prefix(rc, "%s:%ld", list, number);
    }
    if (rc != OK) {
        mem_free(path);
        return rc;
    }
    return sources_add(s, path);
}

/* Entries with `end` behind each; `list` is the name in sentences. */
static enum status add_lines(struct sources *s, const char *list, const char *folder, struct buf *text, char end)
{
    enum status rc = OK;
    int before = s->count;
    long number = 1;
    char *stop = text->data + text->size;
    for (char *line = text->data; line && line < stop && rc == OK; number++) {
        char *next = memchr(line, end, (size_t)(stop - line));
        if (next)
            *next = 0;
        if (strlen(line) < (size_t)((next ? next : stop) - line))
            return fail(E_FORMAT, "%s:%ld: a zero byte; a list of paths is a text", list, number);
        rc = add_line(s, list, folder, line, number);
        line = next ? next + 1 : NULL;
    }
    if (rc == OK && s->count == before)
        rc = fail(E_FORMAT, "%s: the list names no pictures", list);
    return rc;
}

static enum status add_list(struct sources *s, const char *list)
{
    struct buf text = {0};
    char *folder = path_parent(list);
    enum status rc = folder ? file_read_text(list, LIST_LIMIT, &text) : E_NOMEM;
    if (rc == OK)
        rc = add_lines(s, list, folder, &text, '\n');
    mem_free(folder);
    buf_free(&text);
    return rc;
}

/* --- standard input --- */

static enum status read_input(struct buf *out)
{
    enum { CHUNK = 1 << 16 };
    for (;;) {
        enum status rc = buf_reserve(out, CHUNK + 1);
        if (rc != OK)
            return rc;
        ssize_t n = read(STDIN_FILENO, out->data + out->size, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(INPUT_NAME);
        out->size += (size_t)n;
        out->data[out->size] = 0;
        if (n == 0)
            return OK;
        if (out->size > INPUT_LIMIT)
            return fail(E_LIMIT, INPUT_NAME ": more than %d bytes", INPUT_LIMIT);
    }
}

/* It is called after its kind, in a folder "-" that no file of the disk lies in, so that it meets no other's name. */
static enum status add_input_picture(struct sources *s, const char *kind)
{
    struct buf path = {0};
    enum status rc = buf_printf(&path, "-/stdin.%s", strcmp(kind, "JPEG") != 0 ? kind : "jpg");
    for (char *p = path.data; rc == OK && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    s->input = s->count;
    if (rc == OK)
        rc = sources_add(s, mem_strdup(path.data));
    buf_free(&path);
    return rc;
}

/* Bytes with zeroes among them are a list only where each entry ends with one (find -print0). */
static enum status add_input(struct sources *s)
{
    enum status rc = OK;
    struct buf *bytes = &s->input_file;
    struct image none = {0};
    if (s->input_file.data)
        return fail(E_ARGUMENT, "-: standard input can be read only once");
    TRY(read_input(bytes));
    if (!bytes->size)
        return fail(E_IO, INPUT_NAME ": nothing came; a picture or a list of paths is needed");
    const char *kind = image_kind_name(bytes->data, bytes->size);
    if (kind)
        return add_input_picture(s, kind);
    bool zeroes = memchr(bytes->data, 0, bytes->size) != NULL;
    if (zeroes && bytes->data[bytes->size - 1] == 0)
        return add_lines(s, INPUT_NAME, ".", bytes, 0);
    if (zeroes) {
        rc = image_decode(bytes->data, bytes->size, INPUT_NAME, &none); /* its sentence says what kind of file it is */
        image_free(&none);
        return rc != OK ? rc : fail(E_FORMAT, INPUT_NAME ": neither a picture nor a list of paths");
    }
    TRY(file_clean_text(INPUT_NAME, bytes));
    TRY(add_lines(s, INPUT_NAME, ".", bytes, '\n'));
    return rc;
}

/* --- all of them --- */

static enum status add_source(struct sources *s, const char *source, bool recursive)
{
    struct stat st;
    bool there = stat(source, &st) == 0;
    int error = errno;
    if (!strcmp(source, "-"))
        return add_input(s);
    if (there && S_ISDIR(st.st_mode))
        return source_add_folder(s, source, recursive);
    if (there && !S_ISREG(st.st_mode))
        return fail(E_IO, "%s: is not a regular file; '-' reads standard input", source);
    enum status rc = source_check_kind(source, there);
    if (rc != OK)
        return rc;
    if (there)
        return !strcasecmp(path_extension(source), "txt") ? add_list(s, source) : sources_add(s, mem_strdup(source));
    if (error != ENOENT && error != ENOTDIR && !(error == ENAMETOOLONG && strpbrk(source, "*?[{"))) {
        errno = error;
        return fail_errno("%s", source);
    }
    return source_add_pattern(s, source);
}

/* Each picture once, with its identity. */
static enum status identify(struct sources *s)
{
    int kept = 0;
    s->identities = arena_alloc(&s->arena, (size_t)s->count + 1, sizeof *s->identities);
    TRY(s->identities ? OK : E_NOMEM);
    TRY(identities_find((const char *const *)s->paths, s->count, &s->arena, s->identities));
    for (int i = 0, count = s->count; i < count; i++) {
        if (s->identities[i].first != i) {
            sources_leave_out(s, LEFT_REPEATED, s->paths[i]);
            mem_free(s->paths[i]);
            continue;
        }
        if (i == s->input)
            s->input = kept;
        s->identities[kept] = s->identities[i];
        s->paths[kept++] = s->paths[i];
    }
    s->count = kept;
    return OK;
}

enum status sources_expand(char *const *sources, int n, bool recursive, struct sources *out)
{
    enum status rc = OK;
    *out = (struct sources){.input = -1};
    arena_init(&out->arena);
    for (int i = 0; i < n; i++)
        TRY_CLEAN(add_source(out, sources[i], recursive));
    TRY_CLEAN(identify(out));
    if (out->input < 0)
        buf_free(&out->input_file); /* it was a list */
cleanup:
    if (rc != OK)
        sources_free(out);
    return rc;
}

void sources_free(struct sources *s)
{
    path_list_free(s->paths, s->count);
    buf_free(&s->input_file);
    arena_free(&s->arena);
    *s = (struct sources){.input = -1};
}

enum status sources_describe(const struct sources *s, struct buf *text)
{
    static const struct {
        const char *one, *more;
    } words[LEFT_REASONS] = {
        [LEFT_OTHER] = {"1 file that is no picture is passed over", "%ld files that are no pictures are passed over"},
        [LEFT_HIDDEN] = {"1 hidden picture is passed over", "%ld hidden pictures are passed over"},
        [LEFT_FOLDER] = {"1 sub-folder is not entered without --recursive",
                         "%ld sub-folders are not entered without --recursive"},
        [LEFT_LINK] = {"1 folder is met again through a link and read once",
                       "%ld folders are met again through links and read once"},
        [LEFT_UNREADABLE] = {"1 folder cannot be read", "%ld folders cannot be read"},
        [LEFT_REPEATED] = {"1 picture is named twice and taken once",
                           "%ld pictures are named more than once and taken once"},
    };
    enum status rc = OK;
    for (int i = 0; i < LEFT_REASONS && rc == OK; i++) {
        const struct left_out_count *c = &s->left_out[i];
        if (c->count == 1)
            rc = buf_printf(text, "%s: %s\n", words[i].one, c->example);
        else if (c->count) {
            rc = buf_printf(text, words[i].more, c->count);
            if (rc == OK)
                rc = buf_printf(text, ": %s ...\n", c->example);
        }
    }
    return rc;
}

enum status sources_read(const struct sources *s, long item, struct image *img)
{
    if (item == s->input)
        return image_decode(s->input_file.data, s->input_file.size, INPUT_NAME, img);
    return image_read(s->paths[item], img);
}

char *sources_shown_path(const struct sources *s, long item)
{
    char *path = mem_strdup(item == s->input ? path_name(s->paths[item]) : s->paths[item]);
    if (path)
        text_one_line(path);
    return path;
}
