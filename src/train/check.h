/* Says what is wrong with a training run, before its first step and when its numbers break down. */
#ifndef Y9_TRAIN_CHECK_H
#define Y9_TRAIN_CHECK_H

#include "core/buf.h"
#include "graph/net.h"
#include "train/hyper.h"

/* After net_forward of a net that keeps all values: the layer ("model.4.cv1.conv") where, in the order of execution,
 * the first value that is not finite was made; NULL when all are finite. */
const char *check_values(const struct graph *g, const struct net *net);
/* The same for parameter gradients, in the order of the backward pass. */
const char *check_gradients(const struct graph *g, const float *grad);

/* Lines about settings with which nothing can be learnt are appended. */
enum status check_settings(const struct hyper *h, int epochs, struct buf *words);

/* Bytes that training takes. */
struct memory_need {
    size_t fixed;   /* parameters, gradients, optimizer, EMA, packed weights */
    size_t batches; /* what grows with the batch: maps, gradients, loaded pictures */
    int batch, size;
};
/* E_NOMEM tells need, what is there and a batch that would fit. */
enum status check_memory(const struct memory_need *need);

/* E_IO when the disk of the folder (which may still have to be made) has less than `bytes` free. */
enum status check_disk(const char *folder, size_t bytes);

#endif
