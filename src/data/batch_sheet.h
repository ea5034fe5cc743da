/* A sheet of a batch's first pictures with boxes drawn on them: labels, or what a network found. Pictures are brought
 * to the size that they have on the sheet before anything is drawn, so that lines and words are sharp and can be read
 * however small or large the batch's pictures are. */
#ifndef Y9_DATA_BATCH_SHEET_H
#define Y9_DATA_BATCH_SHEET_H

#include "data/loader.h"
#include "detect/nms.h"

enum { SHEET_PICTURES = 16 };

/* Start from {.dataset}; batch_sheet_free. Pictures come one by one, in the batch's order. */
struct batch_sheet {
    const struct dataset *dataset; /* borrowed: names of classes and pictures */
    struct image pictures[SHEET_PICTURES];
    const char *captions[SHEET_PICTURES];
    int count;
};

/* The picture at `place` of the batch with its labels. What lies beyond the first 16 is left out. E_NOMEM. */
enum status batch_sheet_add_labels(struct batch_sheet *s, const struct batch *b, int place);
/* The same with detections (count) in photo pixels, by falling score; those of 0.25 and less are left out. */
enum status batch_sheet_add(struct batch_sheet *s, const struct batch *b, int place, const struct detection *detections,
                            int count);

/* Write it as .jpg, .png or .webp by the path's extension, and empty it; nothing where it is empty. E_NOMEM, E_IO. */
enum status batch_sheet_write(struct batch_sheet *s, const char *path);
void batch_sheet_free(struct batch_sheet *s);

#endif
