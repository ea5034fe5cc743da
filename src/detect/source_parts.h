/* Inside of sources.c: kinds of sources, folders, patterns. */
#ifndef Y9_DETECT_SOURCE_PARTS_H
#define Y9_DETECT_SOURCE_PARTS_H

#include "detect/sources.h"

/* Add a picture; takes ownership of `path`, also on failure. */
enum status sources_add(struct sources *s, char *path);
void sources_leave_out(struct sources *s, enum left_out reason, const char *name);

/* E_UNSUPPORTED with a sentence when the word names something that holds no pictures for this program: a video or a
 * list of streams that is `there`; a camera, URL, stream or the screen where no such file is. */
enum status source_check_kind(const char *source, bool there);

/* A list of paths that grows. */
struct path_set {
    char **paths;
    int count, capacity;
};
enum status path_set_add(struct path_set *set, char *path); /* takes ownership, also on failure */
void path_set_free(struct path_set *set);

/* The folder and all below it, each once whatever links there are, a folder before those inside it, sorted bytewise;
 * hidden ones are passed over. `folder` may be "" for the working directory: paths then have no folder in front. */
enum status source_folders(struct sources *s, const char *folder, struct path_set *out);

enum status source_add_folder(struct sources *s, const char *folder, bool recursive);
enum status source_add_pattern(struct sources *s, const char *pattern);

#endif
