/* How a run's weights are validated: after each epoch by the run itself, and afterwards by whoever wants its numbers
 * once more. */
#ifndef Y9_TRAIN_RUN_VALIDATION_H
#define Y9_TRAIN_RUN_VALIDATION_H

#include "eval/validate.h"
#include "train/run_options.h"

/* `val` is borrowed; `g` either form of the network. */
struct loader_config run_val_loader(const struct run_options *o, const struct dataset *val, const struct graph *g,
                                    int workers);
struct validate_config run_val_config(const struct run_options *o, const struct graph *g);

#endif
