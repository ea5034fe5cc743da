/* The first batches of a validation as pictures: val_batch0_labels.jpg and val_batch0_pred.jpg, and so on to 2. */
#ifndef Y9_EVAL_VAL_SHEETS_H
#define Y9_EVAL_VAL_SHEETS_H

#include "data/batch_sheet.h"
#include "eval/validate.h"

/* Start from {.labels.dataset, .found.dataset, .folder}; val_sheets_free. */
struct val_sheets {
    const char *folder; /* borrowed; it exists */
    struct batch_sheet labels, found;
};

/* Follows a validation picture by picture; a batch's two sheets are written with its last picture. */
enum status val_sheets_add(struct val_sheets *s, const struct validated *v);
void val_sheets_free(struct val_sheets *s);

#endif
