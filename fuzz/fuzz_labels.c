/* A label file from outside: what is accepted holds what label_file.h promises. */
#include "target.h"

#include "core/mem.h"
#include "data/label_file.h"

#include <stdlib.h>
#include <string.h>

enum { CLASSES = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct label_rows rows;
    const struct label_rules rules = {.nc = CLASSES, .key_points = size % 3 ? 0 : 2, .key_values = 2 + (int)(size & 1)};
    char *text = mem_calloc(size + 1, 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, bytes, size);
    if (label_text_read("fuzz", text, size, &rules, &rows) == OK) {
        for (int i = 0; i < rows.n_objects; i++) {
            const struct dataset_object *o = &rows.objects[i];
            if (o->class < 0 || o->class >= CLASSES || o->n_points < 0 ||
                o->first_point + (size_t)o->n_points > (size_t)rows.n_points)
                abort();
            for (int k = 0; k < 4; k++)
                if (!(o->cxcywh[k] >= 0 && o->cxcywh[k] <= 1))
                    abort();
        }
        label_rows_free(&rows);
    }
    mem_free(text);
    return 0;
}
