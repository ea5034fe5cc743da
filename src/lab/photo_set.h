/* Photos for measurements: all of one size, with the boxes of their objects. */
#ifndef Y9_LAB_PHOTO_SET_H
#define Y9_LAB_PHOTO_SET_H

#include "image/image.h"

#include <stdbool.h>

struct lab_photo {
    const char *path;     /* borrowed */
    struct image picture; /* (size, size): the photo's middle square, resized */
    float (*boxes)[4];    /* (n_boxes) x1, y1, x2, y2 in shares of that square; may reach beyond it */
    int n_boxes;
};

struct photo_set {
    struct lab_photo *items;
    int n, size;
    bool labelled;       /* every photo has a label file */
    int unlabelled;      /* left out, because others have one */
    const char *example; /* the first of those */
};

/* At most `most` of the n pictures `paths`, spread evenly over them in their order, each scaled and cut to size x size.
 * Label files are those of YOLO: in the folder `labels`, or where `labels` is NULL in the usual place
 * (.../images/a.jpg:
 * .../labels/a.txt, else beside the picture). Where at least one picture has one, pictures without are left out; where
 * none has and `labels` is given, E_IO. Released with photo_set_free, also after a failure. */
enum status photo_set_read(char *const *paths, int n, const char *labels, int size, int most, struct photo_set *out);
void photo_set_free(struct photo_set *s);

/* Does a box hold the point (x, y), in shares of the square? */
bool photo_has_object(const struct lab_photo *p, double x, double y);

#endif
