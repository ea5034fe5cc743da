#include "formats/yaml.h"

#include "core/file.h"
#include "core/log.h"
#include "formats/yaml_scalar.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

enum { MAX_DEPTH = 32, MAX_NODES = 400000, MAX_BYTES = 16 << 20 };

/* The reader: libyaml's events, and a stack of the containers that are still open. */
struct yaml_reader {
    struct yaml *doc;
    const char *file;
    yaml_parser_t parser;
    struct yaml_node *open[MAX_DEPTH];
    int first[MAX_DEPTH]; /* where the open container's children begin in pending */
    int depth, nodes;
    struct yaml_node **pending; /* children of the open containers; keys and values alternate in a map */
    int n_pending, pending_capacity;
    const struct yaml_node *repeated; /* the first key that another one replaces */
};

static enum status push(struct yaml_reader *r, struct yaml_node *node)
{
    if (r->n_pending == r->pending_capacity) {
        int capacity = MAX(64, r->pending_capacity * 2);
        struct yaml_node **grown =
            mem_grow(r->pending, (size_t)r->n_pending * sizeof *grown, (size_t)capacity * sizeof *grown);
        if (!grown)
            return E_NOMEM;
        r->pending = grown;
        r->pending_capacity = capacity;
    }
    r->pending[r->n_pending++] = node;
    return OK;
}

/* True where the next child of the open container is a map's key. */
static bool expects_key(const struct yaml_reader *r)
{
    int d = r->depth - 1;
    return d >= 0 && r->open[d]->type == YAML_MAP && (r->n_pending - r->first[d]) % 2 == 0;
}

static enum status make_node(struct yaml_reader *r, enum yaml_type type, const yaml_event_t *event,
                             struct yaml_node **out)
{
    int line = (int)event->start_mark.line + 1;
    if (++r->nodes > MAX_NODES)
        return fail(E_LIMIT, "%s:%d: more than %d values", r->file, line, MAX_NODES);
    if (expects_key(r) && (type == YAML_LIST || type == YAML_MAP))
        return fail(E_FORMAT, "%s:%d: a key must be plain text", r->file, line);
    struct yaml_node *node = arena_alloc(&r->doc->arena, 1, sizeof *node);
    if (!node)
        return E_NOMEM;
    *node =
        (struct yaml_node){.type = type, .line = line, .column = (int)event->start_mark.column + 1, .file = r->file};
    *out = node;
    return push(r, node);
}

static enum status open_container(struct yaml_reader *r, enum yaml_type type, const yaml_event_t *event)
{
    struct yaml_node *node;
    if (r->depth == MAX_DEPTH)
        return fail(E_LIMIT, "%s:%d: nested deeper than %d levels", r->file, (int)event->start_mark.line + 1,
                    MAX_DEPTH);
    enum status rc = make_node(r, type, event, &node);
    if (rc != OK)
        return rc;
    r->open[r->depth] = node;
    r->first[r->depth++] = r->n_pending;
    return OK;
}

struct key_place {
    const struct yaml_node *key;
    int index;
};

static int by_text(const void *a, const void *b)
{
    const struct key_place *x = a, *y = b;
    int order = strcmp(x->key->text, y->key->text);
    return order ? order : x->index - y->index;
}

/* Of keys that stand twice the last one holds, as other readers of YAML have it. */
static enum status drop_repeated(struct yaml_reader *r, struct yaml_node *map, struct yaml_node **keys,
                                 struct yaml_node **items)
{
    int n = map->count;
    struct key_place *sorted = mem_alloc((size_t)n, sizeof *sorted);
    bool *dropped = mem_calloc((size_t)n, sizeof *dropped);
    if (!sorted || !dropped) {
        mem_free(sorted);
        mem_free(dropped);
        return E_NOMEM;
    }
    for (int i = 0; i < n; i++)
        sorted[i] = (struct key_place){keys[i], i};
    qsort(sorted, (size_t)n, sizeof *sorted, by_text);
    for (int i = 0; i + 1 < n; i++) {
        if (strcmp(sorted[i].key->text, sorted[i + 1].key->text) != 0)
            continue;
        dropped[sorted[i].index] = true;
        map->repeated = map->repeated ? map->repeated : sorted[i + 1].key;
        if (r->doc->n_repeated++ == 0)
            r->repeated = sorted[i].key;
    }
    map->count = 0;
    for (int i = 0; i < n; i++) {
        if (dropped[i])
            continue;
        keys[map->count] = keys[i];
        items[map->count++] = items[i];
    }
    mem_free(sorted);
    mem_free(dropped);
    return OK;
}

static void tell_repeated(const struct yaml_reader *r)
{
    if (r->doc->n_repeated == 1)
        log_warn("%s:%d: the key %s stands again further down, and that value holds", r->file, r->repeated->line,
                 r->repeated->text);
    else if (r->doc->n_repeated)
        log_warn("%s: %d keys stand again further down, and those values hold (%s on line %d is the first)", r->file,
                 r->doc->n_repeated, r->repeated->text, r->repeated->line);
}

static enum status close_container(struct yaml_reader *r)
{
    struct yaml_node *node = r->open[--r->depth];
    int first = r->first[r->depth], n = r->n_pending - first, step = node->type == YAML_MAP ? 2 : 1;
    assert(n % step == 0);
    struct yaml_node **items = arena_alloc(&r->doc->arena, (size_t)n, sizeof *items);
    if (!items)
        return E_NOMEM;
    node->count = n / step;
    for (int i = 0; i < n; i++) /* a map: keys first, then values */
        items[step == 2 ? i % 2 * node->count + i / 2 : i] = r->pending[first + i];
    node->keys = step == 2 ? items : NULL;
    node->items = step == 2 ? items + node->count : items;
    r->n_pending = first;
    return step == 2 ? drop_repeated(r, node, items, items + node->count) : OK;
}

/* The standard tags only say how to read a scalar; any other asks for an object. */
static enum status check_tag(const struct yaml_reader *r, const yaml_event_t *event, const yaml_char_t *tag,
                             bool *string)
{
    static const char *const known[] = {YAML_STR_TAG,  YAML_INT_TAG, YAML_FLOAT_TAG, YAML_BOOL_TAG,
                                        YAML_NULL_TAG, YAML_SEQ_TAG, YAML_MAP_TAG};
    *string = false;
    if (!tag)
        return OK;
    for (int i = 0; i < COUNT(known); i++) {
        if (strcmp((const char *)tag, known[i]) == 0) {
            *string = i == 0;
            return OK;
        }
    }
    return fail(E_UNSUPPORTED, "%s:%d: the tag %s is not supported", r->file, (int)event->start_mark.line + 1,
                (const char *)tag);
}

static enum status add_scalar(struct yaml_reader *r, const yaml_event_t *event)
{
    struct yaml_node *node;
    const char *text = (const char *)event->data.scalar.value;
    bool string, key = expects_key(r);
    enum status rc = check_tag(r, event, event->data.scalar.tag, &string);
    if (rc != OK)
        return rc;
    if (strlen(text) != event->data.scalar.length)
        return fail(E_FORMAT, "%s:%d: text with a zero byte", r->file, (int)event->start_mark.line + 1);
    rc = make_node(r, YAML_STRING, event, &node);
    if (rc != OK)
        return rc;
    node->quoted = string || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = arena_strdup(&r->doc->arena, text);
    if (!node->text)
        return E_NOMEM;
    if (!node->quoted)
        node->type = yaml_resolve(text);
    if (key && node->type == YAML_NULL)
        return fail(E_FORMAT, "%s:%d: a value without a key", r->file, node->line);
    return OK;
}

/* One event; *done after the document's end. */
static enum status take(struct yaml_reader *r, const yaml_event_t *event, bool *done)
{
    bool string;
    enum status rc;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return add_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        rc = check_tag(r, event, event->data.sequence_start.tag, &string);
        return rc != OK ? rc : open_container(r, YAML_LIST, event);
    case YAML_MAPPING_START_EVENT:
        rc = check_tag(r, event, event->data.mapping_start.tag, &string);
        return rc != OK ? rc : open_container(r, YAML_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_container(r);
    case YAML_ALIAS_EVENT:
        return fail(E_UNSUPPORTED, "%s:%d: aliases (*%s) are not supported", r->file, (int)event->start_mark.line + 1,
                    (const char *)event->data.alias.anchor);
    case YAML_DOCUMENT_START_EVENT:
        if (r->n_pending)
            return fail(E_UNSUPPORTED, "%s:%d: more than one document", r->file, (int)event->start_mark.line + 1);
        return OK;
    case YAML_STREAM_END_EVENT:
        *done = true;
        return OK;
    default:
        return OK;
    }
}

static enum status read_events(struct yaml_reader *r)
{
    bool done = false;
    while (!done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event)) {
            const char *problem = r->parser.problem ? r->parser.problem : "not readable as YAML";
            size_t line = r->parser.error == YAML_READER_ERROR ? r->parser.mark.line : r->parser.problem_mark.line;
            if (r->parser.error == YAML_MEMORY_ERROR)
                return fail_memory(r->file, 0);
            return fail(E_FORMAT, "%s:%zu: %s", r->file, line + 1, problem);
        }
        enum status rc = take(r, &event, &done);
        yaml_event_delete(&event);
        if (rc != OK)
            return rc;
    }
    return OK;
}

enum status yaml_open_memory(const char *name, const void *bytes, size_t size, struct yaml *doc)
{
    struct yaml_reader r = {.doc = doc};
    *doc = (struct yaml){0};
    arena_init(&doc->arena);
    if (size > MAX_BYTES)
        return fail(E_LIMIT, "%s: %zu bytes of YAML, the limit is %d", name, size, MAX_BYTES);
    if (!yaml_parser_initialize(&r.parser))
        return fail_memory(name, 0);
    yaml_parser_set_input_string(&r.parser, size ? bytes : (const void *)"", size); /* libyaml asserts not NULL */
    r.file = arena_strdup(&doc->arena, name);
    enum status rc = r.file ? read_events(&r) : E_NOMEM;
    if (rc == OK && r.n_pending == 0) {
        yaml_event_t nothing = {0};
        struct yaml_node *node;
        rc = make_node(&r, YAML_NULL, &nothing, &node);
        if (rc == OK)
            node->text = "";
    }
    if (rc == OK) {
        doc->root = r.pending[0];
        tell_repeated(&r);
    } else {
        yaml_close(doc);
    }
    yaml_parser_delete(&r.parser);
    mem_free(r.pending);
    return rc;
}

enum status yaml_open(const char *path, struct yaml *doc)
{
    struct buf text = {0};
    *doc = (struct yaml){0};
    enum status rc = file_read_text(path, MAX_BYTES, &text);
    if (rc == OK)
        rc = yaml_open_memory(path, text.data, text.size, doc);
    buf_free(&text);
    return rc;
}

void yaml_close(struct yaml *doc)
{
    arena_free(&doc->arena);
    *doc = (struct yaml){0};
}

enum status yaml_fail(const struct yaml_node *node, enum status code, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fail(code, "%s:%d: %s", node->file, node->line, text);
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
    if (map->type != YAML_MAP)
        return NULL;
    for (int i = 0; i < map->count; i++) {
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    }
    return NULL;
}

enum status yaml_need(const struct yaml_node *map, const char *key, const struct yaml_node **out)
{
    *out = yaml_find(map, key);
    return *out ? OK : yaml_fail(map, E_FORMAT, "the key %s is missing", key);
}

/* The type of a scalar as if it had no quotes: '3' is a number where a number is wanted. */
static enum yaml_type plain_type(const struct yaml_node *node)
{
    return node->type == YAML_STRING && node->quoted ? yaml_resolve(node->text) : node->type;
}

enum status yaml_get_int(const struct yaml_node *node, const char *what, int min, int max, int *out)
{
    double value;
    enum yaml_type type = plain_type(node);
    if (type != YAML_INT && type != YAML_FLOAT)
        return yaml_fail(node, E_FORMAT, "%s must be a whole number", what);
    if (!yaml_parse_double(node->text, &value))
        return fail_memory(NULL, 0);
    if (value != floor(value))
        return yaml_fail(node, E_FORMAT, "%s must be a whole number, it is %s", what, node->text);
    if (!(value >= min && value <= max))
        return yaml_fail(node, E_ARGUMENT, "%s must be in %d..%d, it is %s", what, min, max, node->text);
    *out = (int)value;
    return OK;
}

enum status yaml_get_double(const struct yaml_node *node, const char *what, double *out)
{
    double value;
    enum yaml_type type = plain_type(node);
    if (type != YAML_INT && type != YAML_FLOAT)
        return yaml_fail(node, E_FORMAT, "%s must be a number", what);
    if (!yaml_parse_double(node->text, &value))
        return fail_memory(NULL, 0);
    if (!isfinite(value))
        return yaml_fail(node, E_ARGUMENT, "%s must be finite, it is %s", what, node->text);
    *out = value;
    return OK;
}

enum status yaml_get_bool(const struct yaml_node *node, const char *what, bool *out)
{
    bool digit = node->type == YAML_INT && (strcmp(node->text, "0") == 0 || strcmp(node->text, "1") == 0);
    if (node->type != YAML_BOOL && !digit)
        return yaml_fail(node, E_FORMAT, "%s must be true or false", what);
    *out = digit ? node->text[0] == '1' : yaml_is_true(node->text);
    return OK;
}

enum status yaml_get_string(const struct yaml_node *node, const char *what, const char **out)
{
    if (node->type == YAML_LIST || node->type == YAML_MAP || node->type == YAML_NULL)
        return yaml_fail(node, E_FORMAT, "%s must be text", what);
    *out = node->text;
    return OK;
}

enum status yaml_get_list(const struct yaml_node *node, const char *what, int min_count, int max_count)
{
    if (node->type != YAML_LIST)
        return yaml_fail(node, E_FORMAT, "%s must be a list", what);
    if (node->count < min_count || node->count > max_count)
        return yaml_fail(node, E_FORMAT, "%s must have %d to %d elements, it has %d", what, min_count, max_count,
                         node->count);
    return OK;
}

enum status yaml_get_map(const struct yaml_node *node, const char *what)
{
    return node->type == YAML_MAP ? OK : yaml_fail(node, E_FORMAT, "%s must be a map of keys and values", what);
}
