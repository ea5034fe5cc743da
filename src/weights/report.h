/* What did not match between a weight file and a network, by name. */
#ifndef Y9_WEIGHTS_REPORT_H
#define Y9_WEIGHTS_REPORT_H

#include "core/buf.h"

enum mismatch { MISMATCH_MISSING, MISMATCH_UNEXPECTED, MISMATCH_SHAPE, MISMATCH_COUNT };

struct weights_report {
    int taken, wanted; /* tensors of the network that the file gave, of all it has */
    int count[MISMATCH_COUNT];
    struct buf
        names[MISMATCH_COUNT]; /* one a line; for shapes "name: (80, 64, 1, 1) in the file, (3, 64, 1, 1) here" */
};

enum status report_add(struct weights_report *r, enum mismatch kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "taken 1300 of 1339 tensors; 39 of another shape: model.22.cv2.0.0.conv.weight ... (and 36 more)" appended. */
enum status report_summary(const struct weights_report *r, struct buf *out);
void report_free(struct weights_report *r);

#endif
