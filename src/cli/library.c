#include "cli/library.h"

enum status library_status(int code)
{
    static const enum status all[] = {
        [-YOLO9_E_MEMORY] = E_NOMEM,      [-YOLO9_E_IO] = E_IO,
        [-YOLO9_E_FORMAT] = E_FORMAT,     [-YOLO9_E_UNSUPPORTED] = E_UNSUPPORTED,
        [-YOLO9_E_ARGUMENT] = E_ARGUMENT, [-YOLO9_E_SHAPE] = E_SHAPE,
        [-YOLO9_E_LIMIT] = E_LIMIT,       [-YOLO9_E_INTERNAL] = E_FORMAT,
    };
    if (code == YOLO9_OK)
        return OK;
    return fail(code < 0 && -code < COUNT(all) ? all[-code] : E_FORMAT, "%s", yolo9_error());
}

enum status library_opened(const void *handle)
{
    return library_status(handle ? YOLO9_OK : yolo9_error_code());
}

int library_precision(enum precision p)
{
    static const int all[] = {
        [PRECISION_FP32] = YOLO9_FP32, [PRECISION_BF16] = YOLO9_BF16, [PRECISION_INT8] = YOLO9_INT8};
    return all[p];
}
