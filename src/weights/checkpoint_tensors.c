/* Tensors of a checkpoint by their names, and their elements. */
#include "weights/checkpoint_parts.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    const struct checkpoint_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

enum status checkpoint_index(struct checkpoint *ckpt, struct checkpoint_model *model)
{
    struct checkpoint_tensor **sorted = arena_alloc(&ckpt->arena, (size_t)model->count, sizeof *sorted);
    if (!sorted)
        return E_NOMEM;
    for (int i = 0; i < model->count; i++)
        sorted[i] = &model->tensors[i];
    qsort(sorted, (size_t)model->count, sizeof *sorted, by_name);
    for (int i = 0; i + 1 < model->count; i++) {
        if (strcmp(sorted[i]->name, sorted[i + 1]->name) == 0)
            return fail(E_FORMAT, "%s: two tensors named %s", ckpt->path, sorted[i]->name);
    }
    model->sorted = sorted;
    return OK;
}

const struct checkpoint_tensor *checkpoint_find(const struct checkpoint_model *model, const char *name)
{
    struct checkpoint_tensor wanted = {.name = name}, *key = &wanted;
    struct checkpoint_tensor **found = NULL;
    if (model->count)
        found = bsearch(&key, model->sorted, (size_t)model->count, sizeof *model->sorted, by_name);
    return found ? *found : NULL;
}

void checkpoint_read_f32(const struct checkpoint_tensor *t, float *dst)
{
    struct torch_tensor view = {
        .dtype = t->dtype, .rank = t->rank, .count = t->count, .contiguous = t->contiguous, .data = t->data};
    memcpy(view.shape, t->shape, sizeof view.shape);
    memcpy(view.stride, t->stride, sizeof view.stride);
    torch_tensor_read_f32(&view, dst);
}
