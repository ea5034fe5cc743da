#include "formats/pickle.h"

#include <assert.h>
#include <string.h>

/* What may be named at all: values and inert containers of values. Nothing here is ever called; a name that is not
 * here cannot belong to a checkpoint and is refused, so that a hostile file is called by its name. */
bool pickle_is_harmless(const char *module, const char *name)
{
    static const struct {
        const char *module, *names;
    } known[] = {
        {"collections", " OrderedDict defaultdict "},
        {"__builtin__",
         " set frozenset bytes bytearray list dict tuple int float bool str object slice complex getattr "},
        {"builtins", " set frozenset bytes bytearray list dict tuple int float bool str object slice complex getattr "},
        {"torch", " HalfStorage FloatStorage DoubleStorage BFloat16Storage LongStorage IntStorage ShortStorage "
                  "CharStorage ByteStorage BoolStorage Size Tensor device dtype float16 float32 float64 bfloat16 half "
                  "float double int8 int16 int32 int64 uint8 bool long "},
        {"torch._utils", " _rebuild_tensor _rebuild_tensor_v2 _rebuild_parameter "},
        {"torch._tensor", " Tensor "},
        {"torch.nn.parameter", " Parameter Buffer "},
        {"torch.storage", " UntypedStorage TypedStorage _UntypedStorage _TypedStorage "},
        {"numpy", " ndarray dtype bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 "},
        {"numpy.core.multiarray", " _reconstruct scalar "},
        {"numpy._core.multiarray", " _reconstruct scalar "},
        {"numpy.core.numeric", " _frombuffer "},
        {"numpy._core.numeric", " _frombuffer "},
        {"_codecs", " encode "},
        {"pathlib", " Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath "},
        {"argparse", " Namespace "},
        {"types", " SimpleNamespace "},
        {"pytorch_lightning.utilities.parsing", " AttributeDict "},
        {"lightning.pytorch.utilities.parsing", " AttributeDict "},
        {"lightning_fabric.utilities.data", " AttributeDict "},
        {"lightning.fabric.utilities.data", " AttributeDict "},
        {"datetime", " datetime date time timedelta "},
    };
    static const char *const prefixes[] = {"models.", "torch.nn.modules.", "torch.nn.parallel.", "torch.optim.",
                                           "ultralytics."};
    for (int i = 0; i < COUNT(prefixes); i++) {
        if (strncmp(module, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    size_t length = strlen(name);
    for (int i = 0; i < COUNT(known); i++) {
        if (strcmp(module, known[i].module) != 0 || length == 0 || strchr(name, ' '))
            continue;
        for (const char *p = known[i].names; (p = strstr(p, name)) != NULL; p++) {
            if (p[-1] == ' ' && p[length] == ' ')
                return true;
        }
    }
    return false;
}

enum pickle_makes pickle_makes(const struct pickle_value *global)
{
    static const struct {
        const char *module, *name;
        enum pickle_makes makes;
    } table[] = {
        {"collections", "OrderedDict", MAKES_ORDERED_DICT},
        {"collections", "defaultdict", MAKES_DICT},
        {"__builtin__", "set", MAKES_SET},
        {"builtins", "set", MAKES_SET},
        {"__builtin__", "frozenset", MAKES_SET},
        {"builtins", "frozenset", MAKES_SET},
        {"torch", "Size", MAKES_SIZE},
        {"_codecs", "encode", MAKES_BYTES},
        {"__builtin__", "getattr", MAKES_ATTRIBUTE},
        {"builtins", "getattr", MAKES_ATTRIBUTE},
    };
    for (int i = 0; i < COUNT(table); i++) {
        if (pickle_is_global(global, table[i].module, table[i].name))
            return table[i].makes;
    }
    return MAKES_OBJECT;
}

const char *pickle_global_name(const struct pickle_value *global)
{
    assert(global->type == PICKLE_GLOBAL);
    return global->module + strlen(global->module) + 1;
}

bool pickle_is_global(const struct pickle_value *value, const char *module, const char *name)
{
    return value && value->type == PICKLE_GLOBAL && strcmp(value->module, module) == 0 &&
           strcmp(pickle_global_name(value), name) == 0;
}

const char *pickle_text(const struct pickle_value *value)
{
    if (!value || value->type != PICKLE_STRING || strlen(value->text) != value->count)
        return NULL;
    return value->text;
}

uint32_t pickle_entries(const struct pickle_value *value)
{
    return value && value->type == PICKLE_DICT ? value->count / 2 : 0;
}

const struct pickle_value *pickle_find(const struct pickle_value *dict, const char *key)
{
    size_t length = strlen(key);
    if (!dict || (dict->type != PICKLE_DICT && dict->type != PICKLE_OBJECT))
        return NULL;
    for (uint32_t i = 0; i + 1 < dict->count; i += 2) {
        const struct pickle_value *k = dict->items[i];
        if (k->type == PICKLE_STRING && k->count == length && memcmp(k->text, key, length) == 0)
            return dict->items[i + 1];
    }
    return NULL;
}

const struct pickle_value *pickle_attribute(const struct pickle_value *object, const char *name)
{
    return object && object->type == PICKLE_OBJECT ? pickle_find(object->state, name) : NULL;
}
