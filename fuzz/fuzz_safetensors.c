/* A safetensors file: opened, and every tensor read. */
#include "target.h"

#include "formats/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors st;
    if (safetensors_open_memory("fuzz", data, size, &st) == OK) {
        for (int i = 0; i < st.count; i++) {
            const struct safetensor *t = &st.tensors[i];
            float *values = mem_alloc(t->count, sizeof *values);
            if (!values || safetensors_find(&st, t->name) != t)
                abort();
            safetensor_read_f32(t, values);
            mem_free(values);
        }
        safetensors_metadata(&st, "yolo9.table");
    }
    safetensors_close(&st);
    return 0;
}
