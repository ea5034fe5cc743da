/* A checkpoint of either kind: opened, and every tensor of it read. */
#include "target.h"

#include "model/table.h"
#include "weights/activations.h"
#include "weights/checkpoint.h"

#include <stdlib.h>
#include <string.h>

static void read_tensor(const struct checkpoint_tensor *t)
{
    float *values = mem_alloc(t->count, sizeof *values);
    if (!values)
        abort(); /* a tensor is never larger than its file by more than 4 bytes a byte */
    if (t->data)
        checkpoint_read_f32(t, values);
    mem_free(values);
}

static void read_model(const struct checkpoint_model *model)
{
    for (int i = 0; model && i < model->count; i++) {
        if (checkpoint_find(model, model->tensors[i].name) != &model->tensors[i])
            abort();
        read_tensor(&model->tensors[i]);
    }
}

/* The table that came with a module object, and what its activations make of it. */
static void read_table(const struct checkpoint *ckpt)
{
    const char *text = ckpt->model->table_text;
    struct table table;
    if (!text || table_read(text, strlen(text), "fuzz", &table) != OK)
        return;
    activations_apply(ckpt, &table);
    table_free(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct checkpoint ckpt;
    if (checkpoint_open_memory("fuzz", data, size, &ckpt) == OK) {
        if (!ckpt.model || !ckpt.model->tensors)
            abort();
        read_table(&ckpt);
        read_model(ckpt.raw);
        read_model(ckpt.ema);
        for (int i = 0; i < ckpt.n_slots; i++) {
            read_tensor(&ckpt.slots[i].momentum);
            read_tensor(&ckpt.slots[i].exp_avg);
            read_tensor(&ckpt.slots[i].exp_avg_sq);
        }
    }
    checkpoint_close(&ckpt);
    return 0;
}
