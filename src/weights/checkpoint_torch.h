/* Inside of weights/checkpoint: what the two kinds of file share. */
#ifndef Y9_WEIGHTS_CHECKPOINT_TORCH_H
#define Y9_WEIGHTS_CHECKPOINT_TORCH_H

#include "weights/checkpoint.h"

/* Fill everything of `ckpt` from the opened ckpt->torch. */
enum status checkpoint_read_torch(struct checkpoint *ckpt);

/* Make model->sorted; two tensors of one name are refused. */
enum status checkpoint_index(struct checkpoint *ckpt, struct checkpoint_model *model);

#endif
