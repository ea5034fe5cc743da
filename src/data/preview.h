/* Pictures that show what training sees: a batch with its boxes, and where and how large the labels are. */
#ifndef Y9_DATA_PREVIEW_H
#define Y9_DATA_PREVIEW_H

#include "data/loader.h"

/* A sheet of the first pictures of a batch (at most 16) with their boxes and file names, as .jpg, .png or .webp by the
 * path's extension. E_NOMEM, E_IO. */
enum status preview_batch(const struct batch *b, const struct dataset *d, const char *path);

/* labels.png: labels a class, boxes laid over each other, centres and sizes. .png or .svg. E_NOMEM, E_IO. */
enum status preview_labels(const struct dataset *d, const char *path);

#endif
