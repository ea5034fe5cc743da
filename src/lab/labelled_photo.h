/* One photo with its YOLO labels as a batch of one, letterboxed as validation sees it. */
#ifndef Y9_LAB_LABELLED_PHOTO_H
#define Y9_LAB_LABELLED_PHOTO_H

#include "data/label_file.h"
#include "data/loader.h"

enum { LABELLED_MOST = 1000 }; /* objects of a photo */

struct labelled_photo {
    const struct batch *batch; /* of the one picture; lives as long as this */
    struct image input;        /* its pixels, a view */
    const char *label_path;
    /* inside */
    struct dataset dataset;
    struct dataset_image item;
    struct label_rows rows;
    struct loader *loader;
};

struct labelled_options {
    const char *path;         /* of the photo */
    const char *labels;       /* its label file; NULL: where datasets have it, images/a.jpg: labels/a.txt */
    const char *const *names; /* (nc) of classes, borrowed */
    int nc;
    int size;   /* longer side of the input, a multiple of stride */
    int stride; /* the network's largest */
};

/* E_IO: there is no label file, E_FORMAT: it has no object, or a class that the network has not; E_LIMIT: more than
 * LABELLED_MOST objects. Released with labelled_photo_free, also after a failure. */
enum status labelled_photo_read(const struct labelled_options *o, struct labelled_photo *out);
void labelled_photo_free(struct labelled_photo *p);

#endif
