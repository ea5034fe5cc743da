/* What a persistent id says of a storage, in both layouts of PyTorch's files. */
#include "formats/torch_old.h"

bool torch_storage_type(const struct pickle_value *class, enum dtype *out)
{
    static const struct {
        const char *name;
        enum dtype dtype;
    } types[] = {
        {"HalfStorage", DTYPE_F16},      {"FloatStorage", DTYPE_F32}, {"DoubleStorage", DTYPE_F64},
        {"BFloat16Storage", DTYPE_BF16}, {"LongStorage", DTYPE_I64},  {"IntStorage", DTYPE_I32},
        {"ShortStorage", DTYPE_I16},     {"CharStorage", DTYPE_I8},   {"ByteStorage", DTYPE_U8},
        {"BoolStorage", DTYPE_BOOL},
    };
    for (int i = 0; i < COUNT(types); i++) {
        if (pickle_is_global(class, "torch", types[i].name)) {
            *out = types[i].dtype;
            return true;
        }
    }
    return false;
}

const char *torch_storage_key(const struct pickle_value *value)
{
    return value->type == PICKLE_STRING && value->count <= TORCH_KEY_MOST ? pickle_text(value) : NULL;
}
