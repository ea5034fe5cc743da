#include "formats/pickle_yaml.h"

#include "formats/torch_file.h"
#include "formats/yaml_write.h"

#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_VALUES = 200000, MAX_BYTES = 1 << 20 };

struct emitter {
    struct yaml_writer w;
    int values;
};

static void put(struct emitter *e, const char *key, const struct pickle_value *v, int depth);

static bool is_container(const struct pickle_value *v)
{
    return v->type == PICKLE_LIST || v->type == PICKLE_TUPLE || v->type == PICKLE_DICT || v->type == PICKLE_SET;
}

/* A list of rows is written row by row, any other list in one line. */
static bool has_rows(const struct pickle_value *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (is_container(list->items[i]))
            return true;
    }
    return false;
}

/* Keys are text, or numbers as in names {0: red}. */
static void put_entry(struct emitter *e, const struct pickle_value *key, const struct pickle_value *v, int depth)
{
    char number[32];
    const char *text = pickle_text(key);
    if (key->type == PICKLE_INT) {
        snprintf(number, sizeof number, "%lld", (long long)key->integer);
        text = number;
    }
    if (text)
        put(e, text, v, depth);
    else if (e->w.rc == OK)
        e->w.rc = fail(E_UNSUPPORTED, "a key of a pickled dict is neither text nor a whole number");
}

static void put_container(struct emitter *e, const char *key, const struct pickle_value *v, int depth)
{
    if (depth == MAX_DEPTH) {
        if (e->w.rc == OK)
            e->w.rc = fail(E_LIMIT, "pickled values nested deeper than %d levels", MAX_DEPTH);
        return;
    }
    if (v->type == PICKLE_DICT) {
        yaml_begin_map(&e->w, key, false);
        for (uint32_t i = 0; i + 1 < v->count && e->w.rc == OK; i += 2)
            put_entry(e, v->items[i], v->items[i + 1], depth + 1);
    } else {
        yaml_begin_list(&e->w, key, depth > 1 || !has_rows(v));
        for (uint32_t i = 0; i < v->count && e->w.rc == OK; i++)
            put(e, NULL, v->items[i], depth + 1);
    }
    yaml_end(&e->w);
}

/* pathlib.PosixPath('runs', 'train'); other objects by the name of their class */
static void put_object(struct emitter *e, const char *key, const struct pickle_value *v)
{
    double number;
    char text[1024] = "";
    size_t used = 0;
    const struct pickle_value *args = v->args, *callee = v->type == PICKLE_OBJECT ? v->callee : v;
    if (torch_number(v, &number)) {
        yaml_put_double(&e->w, key, number);
        return;
    }
    if (v->type == PICKLE_OBJECT && strcmp(callee->module, "pathlib") == 0) {
        for (uint32_t i = 0; i < args->count && used < sizeof text; i++) {
            const char *part = pickle_text(args->items[i]);
            bool slash = used && text[used - 1] != '/';
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", slash ? "/" : "", part ? part : "");
        }
    } else if (callee && callee->type == PICKLE_GLOBAL) {
        snprintf(text, sizeof text, "%s.%s", callee->module, pickle_global_name(callee));
    }
    yaml_put_string(&e->w, key, text);
}

static void put(struct emitter *e, const char *key, const struct pickle_value *v, int depth)
{
    if (e->w.rc == OK && ++e->values > MAX_VALUES)
        e->w.rc = fail(E_LIMIT, "more than %d pickled values", MAX_VALUES);
    if (e->w.rc == OK && e->w.out->size > MAX_BYTES) /* one long text can be referred to from many places */
        e->w.rc = fail(E_LIMIT, "pickled values of more than %d bytes as text", MAX_BYTES);
    if (e->w.rc != OK)
        return;
    switch (v->type) {
    case PICKLE_NONE:
        yaml_put_null(&e->w, key);
        break;
    case PICKLE_BOOL:
        yaml_put_bool(&e->w, key, v->integer != 0);
        break;
    case PICKLE_INT:
        yaml_put_int(&e->w, key, v->integer);
        break;
    case PICKLE_FLOAT:
        yaml_put_double(&e->w, key, v->real);
        break;
    case PICKLE_STRING:
        yaml_put_string(&e->w, key, pickle_text(v) ? v->text : "");
        break;
    case PICKLE_BYTES:
        yaml_put_string(&e->w, key, "bytes");
        break;
    case PICKLE_TUPLE:
    case PICKLE_LIST:
    case PICKLE_DICT:
    case PICKLE_SET:
        put_container(e, key, v, depth);
        break;
    case PICKLE_GLOBAL:
    case PICKLE_OBJECT:
        put_object(e, key, v);
        break;
    case PICKLE_PERSISTENT:
        yaml_put_string(&e->w, key, "storage");
        break;
    }
}

enum status pickle_to_yaml(const struct pickle_value *value, struct buf *out)
{
    struct emitter e = {0};
    yaml_begin(&e.w, out);
    put(&e, NULL, value, 0);
    return yaml_finish(&e.w);
}
