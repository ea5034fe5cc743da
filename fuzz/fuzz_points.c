/* Accuracies of networks, as CSV or as what val --json writes: numbers in their ranges, or one sentence. */
#include "target.h"

#include "lab/points.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct points p = {0};
    enum status rc = points_read_memory("points", (const char *)data, size, &p);
    if (rc != OK && p.n)
        abort();
    for (int i = 0; i < p.n; i++) {
        const struct point *q = &p.items[i];
        if (!q->family || !q->model || !q->split || !(q->ap >= 0 && q->ap <= 100) || q->h < 0 || q->w < 0 ||
            isinf(q->params_m) || isinf(q->flops_g))
            abort();
    }
    points_free(&p);
    return 0;
}
