/* What the results of each picture of a run are called: from the picture's identity, so that no two pictures ever write
 * one file or share an id, and nothing leads out of the run's folder. */
#ifndef Y9_DETECT_RESULT_NAMES_H
#define Y9_DETECT_RESULT_NAMES_H

#include "core/identity.h"

struct result_names {
    const char *image;    /* the identity as UTF-8, for JSON: "frame.jpg", "a/frame.jpg" */
    const char *image_id; /* its stem, for JSON where the picture has no number */
    /* Below the run's folder, to be made into a path by result_path. */
    const char *picture; /* the annotated picture, without the folder: "a/frame.jpg", "scan.tif.jpg" */
    const char *stem;    /* of labels/: "a/frame"; "frame.jpg" beside a frame.png */
    const char *crop;    /* of crops/CLASS/: the stem, or more where "a_2" is a picture and a second box of "a" too */
};

/* Names of `n` pictures; strings live in `arena` and in the identities. E_FORMAT where two names cannot be told apart
 * once they are UTF-8. *odd (may be NULL): how many names are not UTF-8. */
enum status result_names_find(const struct identity *identities, int n, struct arena *arena, struct result_names *out,
                              int *odd);

/* root/folder/name + ending, heap; folders that are missing are made, none of them a link, and a name that is too long
 * for a file is cut. `folder` may be "". E_IO names a link that stands where the file is to be written. */
enum status result_path(const char *root, const char *folder, const char *name, const char *ending, char **path);

#endif
