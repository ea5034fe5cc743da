/* What a run shows of itself in its folder: pictures of labels, batches and results. */
#ifndef Y9_TRAIN_RUN_REPORT_H
#define Y9_TRAIN_RUN_REPORT_H

#include "data/loader.h"
#include "detect/nms.h"
#include "train/run.h"

/* results.png: losses and metrics over the epochs. Nothing without a row. */
enum status run_plot_results(const struct run_folder *f, const struct run_progress *p);

/* A sheet of a batch's first pictures with detections; they come one by one in order. Start from {.dataset};
 * batch_sheet_free. */
enum { SHEET_PICTURES = 16 };
struct batch_sheet {
    const struct dataset *dataset; /* borrowed: names of classes and pictures */
    struct image pictures[SHEET_PICTURES];
    const char *captions[SHEET_PICTURES];
    int count;
};
/* `detections` are on the photo, by falling score; what lies beyond the first pictures is left out. */
enum status batch_sheet_add(struct batch_sheet *s, const struct batch *b, int place, const struct detection *detections,
                            int count);
enum status batch_sheet_write(struct batch_sheet *s, const struct run_folder *f, const char *name); /* and empty it */
void batch_sheet_free(struct batch_sheet *s);

#endif
