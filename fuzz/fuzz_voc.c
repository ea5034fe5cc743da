/* A Pascal VOC annotation from outside: what is accepted holds what voc_file.h promises. */
#include "target.h"

#include "core/class_names.h"
#include "data/voc_file.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct voc_file v;
    if (voc_read("fuzz", size ? (const void *)bytes : "", size, &v) != OK)
        return 0;
    if (!v.filename || v.w < 0 || v.h < 0)
        abort();
    for (int i = 0; i < v.n_objects; i++) {
        if (class_name_check(v.objects[i].name) != OK)
            abort();
        for (int k = 0; k < 4; k++)
            if (!isfinite(v.objects[i].corners[k]))
                abort();
    }
    voc_free(&v);
    return 0;
}
