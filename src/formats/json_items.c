#include "formats/json_items.h"

#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status fault(const struct json_items *s, const char *what)
{
    return fail(E_FORMAT, "%s:%ld: %s", s->name, s->line, what);
}

static enum status begin(struct json_items *s, const char *name, FILE *stream)
{
    unsigned char mark[3];
    *s = (struct json_items){.name = name, .stream = stream, .line = 1};
    size_t n = fread(mark, 1, sizeof mark, stream);
    if (n == 3 && mark[0] == 0xef && mark[1] == 0xbb && mark[2] == 0xbf)
        return OK;
    if (text_is_wide(mark, n)) {
        json_items_close(s);
        return fail_not_utf8(name);
    }
    rewind(stream);
    return OK;
}

enum status json_items_open(const char *path, struct json_items *items)
{
    struct stat st;
    *items = (struct json_items){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno("%s", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return fail(E_IO, "%s: %s", path, S_ISDIR(st.st_mode) ? "is a folder, not a file" : "is not a regular file");
    }
    FILE *stream = fdopen(fd, "rb");
    if (!stream) {
        close(fd);
        return fail_errno("%s", path);
    }
    return begin(items, path, stream);
}

enum status json_items_open_memory(const char *name, const void *bytes, size_t size, struct json_items *items)
{
    *items = (struct json_items){0};
    if (!size)
        return fail(E_FORMAT, "%s: empty, JSON expected", name);
    FILE *stream = fmemopen((void *)(uintptr_t)bytes, size, "rb");
    return stream ? begin(items, name, stream) : fail_errno("%s", name);
}

void json_items_close(struct json_items *items)
{
    if (items->stream)
        fclose(items->stream);
    buf_free(&items->text);
    *items = (struct json_items){0};
}

static int next_byte(struct json_items *s)
{
    int c = getc_unlocked(s->stream);
    s->line += c == '\n';
    return c;
}

/* The next byte that is not blank. */
static int next_token(struct json_items *s)
{
    int c;
    do
        c = next_byte(s);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n');
    return c;
}

static void push_back(struct json_items *s, int c)
{
    s->line -= c == '\n';
    ungetc(c, s->stream);
}

static enum status keep(struct json_items *s, int c)
{
    char byte = (char)c;
    if (s->text.size == JSON_ITEM_MAX_BYTES)
        return fail(E_LIMIT, "%s:%ld: an element of more than %d bytes", s->name, s->line, JSON_ITEM_MAX_BYTES);
    if (s->text.size + 1 < s->text.capacity) { /* almost always */
        s->text.data[s->text.size++] = byte;
        return OK;
    }
    return buf_append(&s->text, &byte, 1);
}

/* The bytes of the element that begins with `c`, by its brackets and strings alone; kept in s->text where `keeping`. */
static enum status take_element(struct json_items *s, int c, bool keeping)
{
    int depth = 0;
    bool string = false, escaped = false;
    s->text.size = 0;
    for (;; c = next_byte(s)) {
        if (c == EOF)
            TRY(ferror(s->stream) ? fail_errno("%s", s->name) : fault(s, "the text ends inside an element"));
        if (!string && !depth && (c == ',' || c == ']'))
            break;
        if (keeping)
            TRY(keep(s, c));
        if (string) {
            string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        string = c == '"';
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        if (depth > JSON_ITEM_MAX_DEPTH)
            TRY(fail(E_LIMIT, "%s:%ld: JSON nested deeper than %d levels", s->name, s->line, JSON_ITEM_MAX_DEPTH));
        if (depth < 0)
            TRY(fault(s, "a closing bracket too many"));
    }
    push_back(s, c);
    return OK;
}

/* To the first byte of the next element; EOF in *c: the array is at its end. */
static enum status find_element(struct json_items *s, int *c)
{
    *c = next_token(s);
    if (!s->begun) {
        if (*c == EOF)
            return fail(E_FORMAT, "%s: empty, JSON expected", s->name);
        if (*c != '[')
            return fault(s, "a JSON array is expected");
        s->begun = true;
        *c = next_token(s);
    } else if (*c == ',') {
        *c = next_token(s);
        if (*c == ']')
            return fault(s, "a comma before the end of the array");
    } else if (*c != ']') {
        return fault(s, "the array is not closed");
    }
    if (*c == ',')
        return fault(s, "an element is missing before a comma");
    if (*c == EOF)
        return fault(s, "the array is not closed");
    if (*c == ']') {
        s->ended = true;
        *c = EOF;
        if (next_token(s) != EOF)
            return fault(s, "there is text behind the array");
    }
    return OK;
}

enum status json_items_next(struct json_items *items, json_t **item)
{
    int c;
    json_error_t error;
    *item = NULL;
    if (items->ended)
        return OK;
    TRY(find_element(items, &c));
    if (c == EOF)
        return OK;
    long line = items->line;
    TRY(take_element(items, c, true));
    *item = json_loadb(items->text.data, items->text.size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!*item && json_error_code(&error) == json_error_out_of_memory)
        return fail_memory(items->name, 0);
    if (!*item)
        return fail(E_FORMAT, "%s:%ld: %s", items->name, line + error.line - 1, error.text);
    items->count++;
    return OK;
}

enum status json_items_count(struct json_items *items, size_t *count)
{
    for (int c;;) {
        TRY(find_element(items, &c));
        if (c == EOF)
            break;
        TRY(take_element(items, c, false));
        items->count++;
    }
    *count = items->count;
    return OK;
}
