/* Picture files of every kind, with their orientation: what is accepted has a size within the limits, and pixels. */
#include "target.h"

#include "image/decode.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct image_limits limits = {2048, 1 << 18};
    struct image img = {0};
    if (image_decode_limited(data, size, "fuzz", &limits, &img) == OK) {
        unsigned sum = 0;
        if (img.h < 1 || img.w < 1 || img.h > 2048 || img.w > 2048 || (size_t)img.h * (size_t)img.w > 1 << 18)
            abort();
        for (size_t i = 0; i < (size_t)img.h * (size_t)img.w * 3; i++)
            sum += img.data[i];
        if (sum > 255u * 3 << 18 || !image_kind_name(data, size))
            abort();
    } else if (strncmp(fail_text(), "fuzz: ", 6) != 0) {
        abort();
    }
    image_free(&img);
    return 0;
}
