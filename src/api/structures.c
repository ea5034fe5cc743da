/* Structures of the caller, which may be of another version than this library. */
#include "api/api.h"

enum { MOST_BYTES = 4096 }; /* no structure of any version: the size was not set */

static bool is_zero(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) {
        if (p[i])
            return false;
    }
    return true;
}

enum status api_take(void *dst, size_t known, const void *src, const char *what)
{
    size_t size;
    if (!src)
        return fail(E_ARGUMENT, "%s: NULL", what);
    memcpy(&size, src, sizeof size);
    if (size < known || size > MOST_BYTES)
        return fail(E_ARGUMENT, "%s: its member size is %zu, which is no sizeof of it (%zu)", what, size, known);
    if (!is_zero((const char *)src + known, size - known))
        return fail(E_ARGUMENT, "%s: made for a newer version of the library, with fields that %s does not know", what,
                    yolo9_version());
    memcpy(dst, src, known);
    return OK;
}

enum status api_check_reserved(const uint64_t *reserved, int n, const char *what)
{
    if (!is_zero(reserved, (size_t)n * sizeof *reserved))
        return fail(E_ARGUMENT, "%s: its member reserved must be 0", what);
    return OK;
}

void yolo9_options_defaults(struct yolo9_options *options, size_t size)
{
    const struct yolo9_options known = {
        .size = size, .batch = 1, .confidence = 0.25, .iou = 0.45, .max_detections = 1000};
    if (!options || size < sizeof options->size)
        return;
    memset(options, 0, size);
    memcpy(options, &known, MIN(size, sizeof known));
}
