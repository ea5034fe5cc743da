/* One Pascal VOC annotation file (XML, read by expat): a picture's size and its objects. */
#ifndef Y9_DATA_VOC_FILE_H
#define Y9_DATA_VOC_FILE_H

#include "core/mem.h"

#include <stdbool.h>

enum { VOC_MAX_BYTES = 64 << 20, VOC_MAX_OBJECTS = 1 << 20, VOC_MAX_DEPTH = 32, VOC_MAX_TEXT = 4000 };

struct voc_object {
    const char *name;
    double corners[4]; /* xmin, ymin, xmax, ymax as they stand: pixels counted from 1, both corners inside the box */
    bool difficult;
};

/* Owned by its arena. */
struct voc_file {
    const char *filename; /* of the picture, as the file says; "" where it does not */
    int w, h;             /* 0: not told */
    struct voc_object *objects;
    int n_objects;
    struct arena arena;
};

/* Parts of objects (<part>) and everything else that is no box of an object are passed over. Document types are
 * refused, so that no entity is ever expanded and no other file read. E_FORMAT, E_LIMIT: "name:line: ..."; then `out`
 * is empty. */
enum status voc_read(const char *name, const void *bytes, size_t size, struct voc_file *out);
enum status voc_read_file(const char *path, struct voc_file *out);
void voc_free(struct voc_file *v);

#endif
