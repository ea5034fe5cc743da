#include "train/run_validation.h"

#include "detect/decode.h"

struct loader_config run_val_loader(const struct run_options *o, const struct dataset *val, const struct graph *g,
                                    int workers)
{
    return (struct loader_config){.dataset = val,
                                  .size = o->img,
                                  .batch = 2 * o->batch,
                                  .rect = true,
                                  .load = LOAD_AREA,
                                  .rect_pad = 0.5,
                                  .stride = graph_largest_stride(g),
                                  .workers = workers,
                                  .ranks = 1,
                                  .cache = o->cache != CACHE_NONE && !o->noval};
}

struct validate_config run_val_config(const struct run_options *o, const struct graph *g)
{
    return (struct validate_config){
        .nc = g->head.nc, .conf = 0.001f, .iou = head_val_iou(&g->head), .max_det = 300, .single_cls = o->single_cls};
}
