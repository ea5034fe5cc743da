/* Inside of weights/checkpoint: the readers of its two kinds of file, and what they share. */
#ifndef Y9_WEIGHTS_CHECKPOINT_PARTS_H
#define Y9_WEIGHTS_CHECKPOINT_PARTS_H

#include "weights/checkpoint.h"

/* Fill everything of `ckpt` from the opened ckpt->torch or ckpt->safetensors. */
enum status checkpoint_read_torch(struct checkpoint *ckpt);
enum status checkpoint_read_safetensors(struct checkpoint *ckpt);

/* Make model->sorted; two tensors of one name are refused. */
enum status checkpoint_index(struct checkpoint *ckpt, struct checkpoint_model *model);

#endif
