/* Where the words of a data set lead (SPEC 11.1): the same files whatever the working directory is and however a path
 * is written. A path that leads nowhere is tried without its leading parts, because they are those of another machine
 * or of the tool that wrote them: "../train/images" (Roboflow), "data/obj_train_data/1.jpg" (CVAT), "/content/set/val".
 */
#ifndef Y9_DATA_PLACES_H
#define Y9_DATA_PLACES_H

#include "core/mem.h"

enum { PLACES_MAX = 12 };

/* Folders that relative paths are tried in, in this order; borrowed. */
struct places {
    const char *folders[PLACES_MAX];
    int n;
};
/* A folder that is there already is not added again; NULL is none. */
void places_add(struct places *p, const char *folder);

/* folder/path; "" and "." as folder leave the path as it is. Heap, NULL when short of memory. */
char *place_join(const char *folder, const char *path);

/* The file or folder that `path` names, without its first `drop` parts (0: as it stands; leading "./" do not count), in
 * the first place where it exists. Heap; NULL: nowhere, or short of memory. Backslashes are slashes where only that
 * leads somewhere. */
char *places_find(const struct places *p, const char *path, int drop);

/* The same with as few parts dropped as lead somewhere, from `drop` on; *drop tells how many were. */
char *places_search(const struct places *p, const char *path, int *drop);

/* `path` without its first `drop` parts: a view. */
const char *place_rest(const char *path, int drop);

/* "a, b and c" of the folders, for sentences. Heap. */
char *places_text(const struct places *p);

#endif
