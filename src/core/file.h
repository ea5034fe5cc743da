/* Files: read whole, map read-only, write atomically (temporary name, fsync, rename). */
#ifndef Y9_CORE_FILE_H
#define Y9_CORE_FILE_H

#include "core/buf.h"

#include <stdbool.h>
#include <stdio.h>

/* Read a regular file of at most `limit` bytes into `out` (replaced). E_LIMIT names the file and both sizes. */
enum status file_read(const char *path, size_t limit, struct buf *out);

/* The same for a text: a byte order mark at its start is left out and every line ends with \n alone, however the file
 * ends them (CRLF, CR). A text in UTF-16 or UTF-32 is E_UNSUPPORTED. Every reader of text files reads through here. */
enum status file_read_text(const char *path, size_t limit, struct buf *out);
/* For readers that see a text in pieces: do its first bytes say that it is in UTF-16 or UTF-32? And the sentence. */
bool text_is_wide(const void *bytes, size_t size);
enum status fail_not_utf8(const char *path);
/* Its second half, for a text that comes from elsewhere (standard input); `name` begins the sentence of a failure,
 * after which the text is freed. */
enum status file_clean_text(const char *name, struct buf *text);

/* A read-only mapping of a whole file; an empty file gives size 0 and data NULL. */
struct file_map {
    const unsigned char *data;
    size_t size;
};
enum status file_map_open(const char *path, struct file_map *map);
void file_map_close(struct file_map *map);

/* An output that appears under its name only when it is whole:
 *   file_writer_open -> fwrite(..., w.stream) ... -> file_writer_commit, or file_writer_abort on any failure.
 * The temporary file lies in the same folder. commit flushes, fsyncs and renames; a full disk fails there, the
 * temporary file is removed and an older file of that name stays as it was. abort after commit does nothing.
 * A link's target is replaced, not the link; a folder is refused; a device or a pipe is written to directly. */
struct file_writer {
    FILE *stream;
    char *path;      /* NULL: not open */
    char *temporary; /* NULL: written directly */
};
enum status file_writer_open(struct file_writer *w, const char *path);
enum status file_writer_commit(struct file_writer *w);
void file_writer_abort(struct file_writer *w);

/* Remove the temporary files of all writers that are open, in a signal handler that ends the program then. */
void file_remove_temporaries(void);

/* Could an output of that name be written? Says why not, before long work begins; leaves nothing behind. */
enum status file_try_output(const char *path);

/* All of it in one call. */
enum status file_write(const char *path, const void *bytes, size_t size);

#endif
