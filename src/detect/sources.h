/* What `--source` names: picture files, folders, patterns, lists of paths, standard input. */
#ifndef Y9_DETECT_SOURCES_H
#define Y9_DETECT_SOURCES_H

#include "core/buf.h"
#include "core/identity.h"
#include "image/image.h"

#include <stdbool.h>

/* What was met and is not among the pictures, by reason. */
enum left_out {
    LEFT_OTHER,      /* files without a picture's suffix; pipes and devices */
    LEFT_HIDDEN,     /* pictures whose names begin with a dot (shadow files of macOS) */
    LEFT_FOLDER,     /* sub-folders, without `recursive` */
    LEFT_LINK,       /* folders met again through a link */
    LEFT_UNREADABLE, /* sub-folders that the system does not open */
    LEFT_REPEATED,   /* pictures named more than once */
    LEFT_REASONS
};

struct sources {
    char **paths;                /* owned: as given, then in a folder or pattern sorted bytewise; each picture once */
    struct identity *identities; /* of the pictures in this run */
    int count, capacity;
    int input;             /* index of the picture that came on standard input; -1: none */
    struct buf input_file; /* its bytes */
    struct left_out_count {
        long count;
        char example[128]; /* the first one's name */
    } left_out[LEFT_REASONS];
    struct arena arena; /* of the identities */
};

/* A folder gives its picture files by suffix; hidden ones are passed over; `recursive`: those of all its sub-folders
 * too, a folder's own before theirs. A pattern gives what it matches; "**" stands for any number of folders, "{a,b}"
 * for either. A .txt file is a list of paths, one a line, each from the list's own folder or else from the working
 * directory. "-" is standard input: a picture, or a list of paths with the end of a line, or a zero byte, behind each.
 * E_IO names a source that does not exist, or a folder or pattern without pictures and what is there instead;
 * E_UNSUPPORTED what is no picture: a camera, a URL, a stream, a video. */
enum status sources_expand(char *const *sources, int n, bool recursive, struct sources *out);
void sources_free(struct sources *s);

/* A sentence a line about what was left out, with counts and an example; nothing where nothing was. */
enum status sources_describe(const struct sources *s, struct buf *text);

/* The picture's pixels. */
enum status sources_read(const struct sources *s, long item, struct image *img);
/* The path as messages show it: on one line. Freed by mem_free. */
char *sources_shown_path(const struct sources *s, long item);

#endif
