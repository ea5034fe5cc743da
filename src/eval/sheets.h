/* val_batch0..2_labels.jpg and _pred.jpg: the first batches of a validation, with their labels and with what the
 * network found. Fed with every picture, in order; keeps at most one batch. */
#ifndef Y9_EVAL_SHEETS_H
#define Y9_EVAL_SHEETS_H

#include "eval/validate.h"

enum { SHEETS = 3, SHEET_PICTURES = 16 };

/* Start from {.folder, .dataset}, both borrowed; release with sheets_free. */
struct sheets {
    const char *folder;
    const struct dataset *dataset;
    struct image pictures[SHEET_PICTURES];
};
enum status sheets_add(struct sheets *s, const struct validated *v);
void sheets_free(struct sheets *s);

#endif
