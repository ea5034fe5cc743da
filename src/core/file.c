#include "core/file.h"

#include "core/clock.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status open_regular(const char *path, int *fd, size_t *size)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe nobody writes to would be waited for */
    if (*fd < 0)
        return fail_errno("%s", path);
    if (fstat(*fd, &st) != 0) {
        enum status rc = fail_errno("%s", path);
        close(*fd);
        return rc;
    }
    if (!S_ISREG(st.st_mode)) {
        close(*fd);
        return fail(E_IO, "%s: %s", path, S_ISDIR(st.st_mode) ? "is a folder, not a file" : "is not a regular file");
    }
    *size = (size_t)st.st_size;
    return OK;
}

enum status file_read(const char *path, size_t limit, struct buf *out)
{
    enum status rc = OK;
    int fd = -1;
    size_t size = 0;
    buf_free(out);
    rc = open_regular(path, &fd, &size);
    if (rc != OK)
        return rc;
    if (size > limit) {
        rc = fail(E_LIMIT, "%s: %zu bytes, the limit is %zu", path, size, limit);
        goto cleanup;
    }
    TRY_CLEAN(buf_reserve(out, size));
    while (out->size < size) {
        ssize_t n = read(fd, out->data + out->size, size - out->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = fail_errno("%s", path);
            goto cleanup;
        }
        if (n == 0)
            break; /* the file shrank while it was read: the readers see it as truncated */
        out->size += (size_t)n;
    }
    out->data[out->size] = 0;
cleanup:
    close(fd);
    if (rc != OK)
        buf_free(out);
    return rc;
}

bool text_is_wide(const void *bytes, size_t size)
{
    const unsigned char *b = bytes;
    if (size < 2)
        return false;
    return (b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff) || !b[0] || !b[1];
}

enum status fail_not_utf8(const char *path)
{
    return fail(E_UNSUPPORTED, "%s: the text is not UTF-8 (UTF-16?); save it as UTF-8", path);
}

/* \r\n and a lone \r to \n, in place; lines stay as many as they are. */
static void unify_lines(struct buf *text)
{
    char *from = memchr(text->data, '\r', text->size), *end = text->data + text->size, *to = from;
    while (from && from < end) {
        char *stop = memchr(from, '\r', (size_t)(end - from));
        size_t n = (size_t)((stop ? stop : end) - from);
        memmove(to, from, n);
        to += n;
        from += n;
        if (!stop)
            break;
        *to++ = '\n';
        from += 1 + (from + 1 < end && from[1] == '\n');
    }
    if (to) {
        text->size = (size_t)(to - text->data);
        *to = 0;
    }
}

enum status file_clean_text(const char *name, struct buf *text)
{
    static const char mark[3] = {'\xef', '\xbb', '\xbf'};
    if (text_is_wide(text->data, text->size)) {
        buf_free(text);
        return fail_not_utf8(name);
    }
    if (text->size >= sizeof mark && !memcmp(text->data, mark, sizeof mark)) {
        text->size -= sizeof mark;
        memmove(text->data, text->data + sizeof mark, text->size + 1);
    }
    unify_lines(text);
    return OK;
}

enum status file_read_text(const char *path, size_t limit, struct buf *out)
{
    enum status rc = file_read(path, limit, out);
    return rc == OK ? file_clean_text(path, out) : rc;
}

enum status file_map_open(const char *path, struct file_map *map)
{
    int fd = -1;
    size_t size = 0;
    *map = (struct file_map){0};
    enum status rc = open_regular(path, &fd, &size);
    if (rc != OK)
        return rc;
    if (size) {
        void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0); /* every page is read soon */
        if (p == MAP_FAILED)
            rc = fail_errno("%s", path);
        else
            *map = (struct file_map){.data = p, .size = size};
    }
    close(fd);
    return rc;
}

void file_map_close(struct file_map *map)
{
    if (map->data)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (struct file_map){0};
}

/* --- writing --- */

/* Names of temporary files that are being written, for a signal handler, which can reach nothing else. Whoever takes a
 * name out of its place owns it: the writer, or the handler that removes the file. */
enum { WRITERS = 256 };
static _Atomic(char *) temporaries[WRITERS];

static void remember_temporary(char *name)
{
    for (int i = 0; i < WRITERS; i++) {
        char *empty = NULL;
        if (atomic_compare_exchange_strong(&temporaries[i], &empty, name))
            return;
    }
}

/* false: a signal handler has it, and the program is about to end. */
static bool forget_temporary(char *name)
{
    for (int i = 0; i < WRITERS; i++) {
        char *expected = name;
        if (atomic_compare_exchange_strong(&temporaries[i], &expected, NULL))
            return true;
    }
    return false;
}

void file_remove_temporaries(void)
{
    for (int i = 0; i < WRITERS; i++) {
        char *name = atomic_exchange(&temporaries[i], NULL);
        if (name)
            unlink(name);
    }
}

static void writer_release(struct file_writer *w)
{
    mem_free(w->path);
    if (w->temporary && forget_temporary(w->temporary))
        mem_free(w->temporary);
    *w = (struct file_writer){0};
}

/* "<path>.tmpXXXXXX" with six random hex digits; of a very long name the beginning. Not mkstemp: its files are closed
 * to others, and the umask that would open them can only be read by changing it, which other threads that write would
 * see. */
static int create_temporary(const char *path, char *name, size_t size)
{
    enum { ATTEMPTS = 100, LONGEST_NAME = 240 };
    size_t folder = (size_t)(path_name(path) - path);
    int kept = (int)(folder + MIN(strlen(path + folder), LONGEST_NAME));
    uint64_t random = (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)name ^ (uint64_t)(clock_seconds() * 1e9);
    int fd = -1;
    errno = EEXIST;
    for (int i = 0; i < ATTEMPTS && fd < 0 && errno == EEXIST; i++) {
        random = rng_mix(random);
        snprintf(name, size, "%.*s.tmp%06x", kept, path, (unsigned)(random >> 40));
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    return fd;
}

/* Where an output of that name is to be made: a link's target, not the link, is replaced. *direct: at the path stands a
 * device or a pipe, which is written to and stays. Heap. */
static enum status find_target(const char *path, char **target, bool *direct)
{
    struct stat st;
    char real[PATH_MAX];
    bool there = stat(path, &st) == 0;
    *direct = false;
    if (there && S_ISDIR(st.st_mode))
        return fail(E_IO, "%s: cannot be written: it is a folder", path);
    *direct = there && !S_ISREG(st.st_mode);
    *target = mem_strdup(there && !*direct && realpath(path, real) ? real : path);
    return *target ? OK : E_NOMEM;
}

static int create_output(struct file_writer *w, bool direct)
{
    if (direct)
        return open(w->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    size_t n = strlen(w->path) + 16;
    w->temporary = mem_alloc(n, 1);
    if (!w->temporary)
        return -1;
    w->temporary[0] = 0;
    remember_temporary(w->temporary);
    return create_temporary(w->path, w->temporary, n);
}

enum status file_writer_open(struct file_writer *w, const char *path)
{
    bool direct;
    *w = (struct file_writer){0};
    enum status found = find_target(path, &w->path, &direct);
    if (found != OK)
        return found;
    int fd = create_output(w, direct);
    if (fd < 0) {
        enum status rc = fail_errno("%s: cannot be written", path);
        writer_release(w);
        return rc;
    }
    if (!(w->stream = fdopen(fd, "wb"))) {
        enum status rc = fail_errno("%s: cannot be written", path);
        close(fd);
        if (w->temporary)
            unlink(w->temporary);
        writer_release(w);
        return rc;
    }
    return OK;
}

/* A rename is only durable once the folder's entry is on disk. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[4096] = ".";
    if (slash && (size_t)(slash - path) < sizeof folder) {
        size_t n = (size_t)MAX(slash - path, 1);
        memcpy(folder, path, n);
        folder[n] = 0;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

enum status file_writer_commit(struct file_writer *w)
{
    enum status rc = OK;
    bool bad = ferror(w->stream) != 0 || fflush(w->stream) != 0; /* errno is the first failure's */
    bad = bad || (fsync(fileno(w->stream)) != 0 && errno != EINVAL && errno != EROFS);
    if (bad)
        rc = fail_errno("%s: cannot be written", w->path);
    if (fclose(w->stream) != 0 && rc == OK)
        rc = fail_errno("%s: cannot be written", w->path);
    w->stream = NULL;
    if (rc == OK && w->temporary && rename(w->temporary, w->path) != 0)
        rc = fail_errno("%s: cannot be written", w->path);
    if (rc != OK && w->temporary)
        unlink(w->temporary);
    else if (w->temporary)
        sync_folder(w->path);
    writer_release(w);
    return rc;
}

void file_writer_abort(struct file_writer *w)
{
    if (!w->path)
        return;
    if (w->stream)
        fclose(w->stream);
    if (w->temporary)
        unlink(w->temporary);
    writer_release(w);
}

enum status file_try_output(const char *path)
{
    struct file_writer w;
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) /* opening a pipe might wait */
        return access(path, W_OK) == 0 ? OK : fail_errno("%s: cannot be written", path);
    enum status rc = file_writer_open(&w, path);
    if (rc == OK)
        file_writer_abort(&w);
    return rc;
}

enum status file_write(const char *path, const void *bytes, size_t size)
{
    struct file_writer w;
    enum status rc = file_writer_open(&w, path);
    if (rc != OK)
        return rc;
    if (size)
        fwrite(bytes, 1, size, w.stream); /* a short write sets ferror, which commit reports */
    return file_writer_commit(&w);
}
