/* The training form as a file of torch.save, for the official code: its load_state_dict wants every entry of the state
 * dict, also those that are no parameters here. */
#include "formats/torch_write.h"
#include "model/rows.h"
#include "weights/weights.h"

#include <string.h>

enum { BUFFERS_OF_HEAD = 2 };

static struct safetensor_source source_of(const struct param *p, const float *params, bool half)
{
    struct safetensor_source s = {.name = p->name,
                                  .dtype = half ? DTYPE_F16 : DTYPE_F32,
                                  .rank = p->rank,
                                  .data = params + p->first,
                                  .from_f32 = true};
    for (int k = 0; k < p->rank; k++)
        s.shape[k] = (size_t)p->shape[k];
    return s;
}

/* "model.0.bn.running_var" -> "model.0.bn.num_batches_tracked": how many batches its statistics have seen, which nobody
 * reads where the momentum is fixed. */
static enum status add_counter(const struct param *p, struct arena *arena, struct safetensor_source *out)
{
    const char *dot = strrchr(p->name, '.');
    const int length = dot ? (int)(dot - p->name) : 0;
    int64_t *zero = arena_alloc(arena, 1, sizeof *zero);
    *out = (struct safetensor_source){
        .name = arena_printf(arena, "%.*s.num_batches_tracked", length, p->name), .dtype = DTYPE_I64, .data = zero};
    return out->name && zero ? OK : fail_memory(NULL, 0);
}

/* anchors (levels, anchors, 2) in cells and anchor_grid (levels, 1, anchors, 1, 1, 2) in pixels, never in half
 * precision: the boxes depend on them. */
static enum status add_anchors(const struct weights *w, struct arena *arena, struct safetensor_source *out)
{
    const struct graph *g = &w->training;
    const struct head *h = &g->head;
    const size_t levels = (size_t)g->branch[g->n_branches - 1].n_levels, anchors = (size_t)h->n_anchors;
    float *cells = arena_alloc(arena, levels * anchors * 2, sizeof *cells);
    float *pixels = arena_alloc(arena, levels * anchors * 2, sizeof *pixels);
    const int row = rows_head(&w->table);
    out[0] = (struct safetensor_source){
        .name = arena_printf(arena, "model.%d.anchors", row), .rank = 3, .shape = {levels, anchors, 2}, .data = cells};
    out[1] = (struct safetensor_source){.name = arena_printf(arena, "model.%d.anchor_grid", row),
                                        .rank = 6,
                                        .shape = {levels, 1, anchors, 1, 1, 2},
                                        .data = pixels};
    if (!cells || !pixels || !out[0].name || !out[1].name)
        return fail_memory(NULL, 0);
    for (size_t i = 0; i < levels * anchors * 2; i++) {
        const size_t level = i / (2 * anchors);
        pixels[i] = h->anchor[level][i / 2 % anchors][i % 2];
        cells[i] = pixels[i] / (float)g->stride[level];
    }
    return OK;
}

static enum status list_tensors(const struct weights *w, bool half, struct arena *arena, struct torch_source *out)
{
    const struct graph *g = &w->training;
    struct safetensor_source *all = arena_alloc(arena, 2 * (size_t)g->n_params + BUFFERS_OF_HEAD, sizeof *all);
    int n = 0;
    if (!all)
        return fail_memory(NULL, 0);
    for (int i = 0; i < g->n_params; i++) {
        all[n++] = source_of(&g->params[i], w->params, half);
        if (g->params[i].role == PARAM_VAR)
            TRY(add_counter(&g->params[i], arena, &all[n++]));
    }
    if (g->head.kind == HEAD_ANCHORS) {
        TRY(add_anchors(w, arena, &all[n]));
        n += BUFFERS_OF_HEAD;
    }
    out->tensors = all;
    out->count = n;
    return OK;
}

enum status weights_save_torch(const char *path, const struct weights *w, bool half)
{
    enum status rc = OK;
    struct arena arena;
    struct torch_source source = {
        .names = (const char *const *)w->names, .n_names = w->nc, .img_h = w->img_h, .img_w = w->img_w};
    if (!w->params)
        return fail(E_ARGUMENT,
                    "%s: the weights are folded already: without their training form, which PyTorch's "
                    "network has, there is nothing to load into it",
                    path);
    arena_init(&arena);
    TRY_CLEAN(list_tensors(w, half, &arena, &source));
    TRY_CLEAN(torch_write(path, &source));
cleanup:
    arena_free(&arena);
    return rc;
}
