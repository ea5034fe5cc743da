/* What `--source` names: picture files, folders, globs, and text files that list pictures. */
#ifndef Y9_DETECT_SOURCES_H
#define Y9_DETECT_SOURCES_H

#include "core/status.h"

#include <stdbool.h>

struct sources {
    char **paths; /* owned, in order: as given; inside a folder or glob sorted bytewise */
    int count;
    int other; /* files of the folders that no picture suffix marks: passed over */
};

/* A folder contributes its picture files by suffix (not those of its sub-folders), a glob what it matches, a .txt
 * file one path a line (relative: to the working directory, or to the list's folder when it starts with "./").
 * E_IO names a source that does not exist or a folder or glob without pictures. */
enum status sources_expand(char *const *sources, int n, struct sources *out);
void sources_free(struct sources *s);

#endif
