#include "model/table.h"

#include "core/file.h"
#include "core/log.h"
#include "core/path.h"
#include "formats/yaml.h"
#include "model/activation.h"
#include "model/builtin.h"
#include "model/modules.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void table_free(struct table *t)
{
    arena_free(&t->arena);
    *t = (struct table){0};
}

enum status table_fail(const struct table *t, int row, enum status code, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fail(code, "%s:%d: row %d (%s): %s", t->source, t->rows[row].line, row, t->rows[row].module, text);
}

static enum status keep_text(struct table *t, const char *text, const char **out)
{
    *out = arena_strdup(&t->arena, text);
    return *out ? OK : E_NOMEM;
}

/* --- keys --- */

/* What a table without any key is. The readers below change only what is written. */
static void set_defaults(struct table *t)
{
    t->ch = 3;
    t->anchors = 3;
    t->depth_multiple = t->width_multiple = 1;
    t->activation = ACT_SILU;
    t->family = family_find(NULL);
    t->reg_max = FROM_FORMULA;
    for (int i = 0; i < MAX_BRANCHES; i++)
        head_shape_init(&t->head[i]);
}

static enum status read_multiple(const struct yaml_node *node, const char *key, double *out)
{
    if (!node)
        return OK;
    TRY(yaml_get_double(node, key, out));
    if (*out <= 0 || *out > 100)
        return yaml_fail(node, E_FORMAT, "%s is %g; it must be above 0 and at most 100", key, *out);
    return OK;
}

static enum status read_activation(const struct yaml_node *root, struct table *t)
{
    const struct yaml_node *node = yaml_find(root, "activation");
    const char *text;
    if (!node || node->type == YAML_NULL)
        return OK;
    TRY(yaml_get_string(node, "activation", &text));
    if (!activation_find(text, &t->activation))
        return yaml_fail(node, E_UNSUPPORTED, "activation %.40s is not known; these are: %s", text, activation_list);
    t->has_activation = true;
    return OK;
}

static enum status check_anchor(double size)
{
    if (!(size > 0 && size <= 1e5))
        return fail(E_ARGUMENT, "an anchor is %g wide or high; it must be above 0 pixels and at most 100000", size);
    return OK;
}

enum status table_set_anchors(struct table *t, int n_levels, const struct head *from)
{
    if (n_levels < 1 || n_levels > MAX_LEVELS || from->n_anchors < 1 || from->n_anchors > MAX_ANCHORS)
        return fail(E_ARGUMENT, "%s: %d levels of %d anchors; 1 to %d levels of 1 to %d are possible", t->source,
                    n_levels, from->n_anchors, MAX_LEVELS, MAX_ANCHORS);
    for (int l = 0; l < n_levels; l++)
        for (int i = 0; i < 2 * from->n_anchors; i++)
            TRY(check_anchor((double)from->anchor[l][i / 2][i % 2]));
    t->anchors = from->n_anchors;
    t->anchor_levels = n_levels;
    memcpy(t->anchor, from->anchor, sizeof t->anchor);
    return OK;
}

/* One level: "10,13, 16,30, 33,23". */
static enum status read_anchor_level(const struct yaml_node *node, struct table *t, int level)
{
    TRY(yaml_get_list(node, "anchors of a level", 2, 2 * MAX_ANCHORS));
    if (node->count % 2 || (level && node->count != 2 * t->anchors))
        return yaml_fail(node, E_FORMAT, "anchors are pairs of width and height, as many a level, not %d numbers",
                         node->count);
    t->anchors = node->count / 2;
    for (int i = 0; i < node->count; i++) {
        double size;
        TRY(yaml_get_double(node->items[i], "an anchor", &size));
        if (check_anchor(size) != OK)
            return yaml_fail(node->items[i], E_FORMAT, "%s", fail_text());
        t->anchor[level][i / 2][i % 2] = (float)size;
    }
    return OK;
}

/* anchors: the number a cell, which matters for scaled_width alone, or the list of an anchor head. */
static enum status read_anchors(const struct yaml_node *root, struct table *t)
{
    const struct yaml_node *node = yaml_find(root, "anchors");
    if (!node || node->type == YAML_NULL)
        return OK;
    if (node->type != YAML_LIST)
        return yaml_get_int(node, "anchors", 0, 1000, &t->anchors);
    TRY(yaml_get_list(node, "anchors", 0, MAX_LEVELS));
    for (int l = 0; l < node->count; l++)
        TRY(read_anchor_level(node->items[l], t, l));
    t->anchor_levels = node->count;
    return OK;
}

/* The letter of "yolov8s" or "yolov8s-mine" among the keys of `scales`: what stands between a digit and the end of
 * the word. -1: none. */
static int scale_of_name(const char *name, const struct yaml_node *scales)
{
    for (const char *at = name; *at; at++) {
        size_t length = strcspn(at + 1, "-_. ");
        for (int i = 0; isdigit((unsigned char)*at) && i < scales->count; i++) {
            if (length && strlen(scales->keys[i]->text) == length && !memcmp(scales->keys[i]->text, at + 1, length))
                return i;
        }
    }
    return -1;
}

/* *chosen: entry of `scales`, by the key `scale`, the letter in the name, or as the first. */
static enum status choose_scale(const struct yaml_node *root, const struct yaml_node *scales, const struct table *t,
                                int *chosen)
{
    const struct yaml_node *node = yaml_find(root, "scale");
    const char *text = "";
    if (node && node->type != YAML_NULL)
        TRY(yaml_get_string(node, "scale", &text));
    for (int i = 0; i < scales->count; i++) {
        if (!strcmp(scales->keys[i]->text, text)) {
            *chosen = i;
            return OK;
        }
    }
    if (*text)
        return yaml_fail(node, E_FORMAT, "scale %.20s is none of `scales`", text);
    int named = scale_of_name(t->name, scales);
    *chosen = MAX(named, 0);
    if (named < 0 && scales->count > 1)
        log_warn("%s: its name ends in no scale's letter and `scale` is not given: scale %s is taken, the first",
                 t->source, scales->keys[0]->text);
    return OK;
}

/* scales: {n: [depth, width, max_channels], ...} */
static enum status read_scales(const struct yaml_node *root, struct table *t)
{
    const struct yaml_node *scales = yaml_find(root, "scales");
    int i = 0;
    if (!scales || scales->type == YAML_NULL)
        return OK;
    TRY(yaml_get_map(scales, "scales"));
    if (!scales->count)
        return yaml_fail(scales, E_FORMAT, "scales has no entry");
    TRY(choose_scale(root, scales, t, &i));
    TRY(keep_text(t, scales->keys[i]->text, &t->scale));
    TRY(yaml_get_list(scales->items[i], "a scale", 3, 3));
    TRY(read_multiple(scales->items[i]->items[0], "depth", &t->depth_multiple));
    TRY(read_multiple(scales->items[i]->items[1], "width", &t->width_multiple));
    return yaml_get_int(scales->items[i]->items[2], "max_channels", 1, MAX_CHANNELS, &t->max_channels);
}

static enum status read_family(const struct yaml_node *root, struct table *t)
{
    const struct yaml_node *node = yaml_find(root, "family");
    const char *text;
    if (!node)
        return OK;
    TRY(yaml_get_string(node, "family", &text));
    t->family = family_find(text);
    return t->family ? OK : yaml_fail(node, E_UNSUPPORTED, "there is no family %.40s of networks", text);
}

static enum status get_tower(const struct yaml_node *node, const char *key, int *out)
{
    const char *text;
    TRY(yaml_get_string(node, key, &text));
    for (int i = 0; i < TOWER_COUNT; i++) {
        if (!strcmp(text, cls_tower_name((enum cls_tower)i))) {
            *out = i;
            return OK;
        }
    }
    return yaml_fail(node, E_FORMAT, "%s is %.40s; plain and light are possible", key, text);
}

static enum status get_width(const struct yaml_node *node, const char *key, int *out)
{
    return yaml_get_int(node, key, 1, MAX_CHANNELS, out);
}

/* A property of the head: one value for all branches, or a list with one (or null: the formula) a branch. */
static enum status read_head_key(const struct yaml_node *root, const char *key, size_t offset,
                                 enum status (*get)(const struct yaml_node *, const char *, int *), struct table *t)
{
    const struct yaml_node *node = yaml_find(root, key);
    if (!node)
        return OK;
    if (node->type == YAML_LIST)
        TRY(yaml_get_list(node, key, 1, MAX_BRANCHES));
    for (int i = 0; i < MAX_BRANCHES; i++) {
        int *out = (int *)((char *)&t->head[i] + offset);
        const struct yaml_node *item = node->type == YAML_LIST ? node->items[MIN(i, node->count - 1)] : node;
        *out = FROM_FORMULA;
        if (item->type != YAML_NULL)
            TRY(get(item, key, out));
    }
    return OK;
}

static enum status read_keys(const struct yaml_node *root, bool based, struct table *t)
{
    const struct yaml_node *node = yaml_find(root, "nc");
    if (!node && !based)
        TRY(yaml_need(root, "nc", &node));
    if (node)
        TRY(yaml_get_int(node, "nc", 1, MAX_CLASSES, &t->nc));
    if ((node = yaml_find(root, "ch")))
        TRY(yaml_get_int(node, "ch", 3, 3, &t->ch));
    if ((node = yaml_find(root, "reg_max")))
        TRY(yaml_get_int(node, "reg_max", 1, MAX_REG_MAX, &t->reg_max));
    if ((node = yaml_find(root, "max_channels")))
        TRY(yaml_get_int(node, "max_channels", 1, MAX_CHANNELS, &t->max_channels));
    TRY(read_multiple(yaml_find(root, "depth_multiple"), "depth_multiple", &t->depth_multiple));
    TRY(read_multiple(yaml_find(root, "width_multiple"), "width_multiple", &t->width_multiple));
    TRY(read_scales(root, t));
    TRY(read_activation(root, t));
    TRY(read_anchors(root, t));
    TRY(read_family(root, t));
    TRY(read_head_key(root, "box_width", offsetof(struct head_shape, c_box), get_width, t));
    TRY(read_head_key(root, "class_width", offsetof(struct head_shape, c_cls), get_width, t));
    TRY(read_head_key(root, "box_groups", offsetof(struct head_shape, box_groups), get_width, t));
    TRY(read_head_key(root, "class_tower", offsetof(struct head_shape, cls_tower), get_tower, t));
    return OK;
}

/* --- rows --- */

static int find_tag(const struct table *t, const char *tag)
{
    for (int r = 0; r < t->n_rows; r++) {
        if (t->rows[r].tag && !strcmp(t->rows[r].tag, tag))
            return r;
    }
    return -1;
}

static enum status read_tag(const struct yaml_node *node, struct table *t, struct table_row *row)
{
    const char *text;
    TRY(yaml_get_string(node, "the tag", &text));
    size_t n = strlen(text);
    bool fits = n && n <= TABLE_MAX_TAG && isalpha((unsigned char)*text);
    for (size_t i = 0; fits && i < n; i++)
        fits = isalnum((unsigned char)text[i]) || text[i] == '_';
    if (!fits)
        return yaml_fail(node, E_FORMAT, "tag '%.40s' is no name of at most %d letters, digits and _", text,
                         TABLE_MAX_TAG);
    if (find_tag(t, text) >= 0)
        return yaml_fail(node, E_FORMAT, "tag %s is taken by row %d", text, find_tag(t, text));
    TRY(keep_text(t, text, &row->tag));
    return OK;
}

/* One entry of `from` of the row that becomes number t->n_rows. */
static enum status read_from(const struct yaml_node *node, struct table *t, int *out)
{
    int row = t->n_rows, from;
    if (node->type == YAML_STRING) {
        from = find_tag(t, node->text);
        if (from < 0)
            return yaml_fail(node, E_FORMAT, "row %d reads tag '%.40s', which no earlier row has", row, node->text);
        *out = from;
        return OK;
    }
    enum status rc = yaml_get_int(node, "from", -TABLE_MAX_ROWS, TABLE_MAX_ROWS, &from);
    if (rc != OK)
        return rc;
    if (from == -1) {
        *out = FROM_PREVIOUS;
        return OK;
    }
    if (from < -1 && row + from < 0)
        return yaml_fail(node, E_FORMAT, "row %d reads row %d, which does not exist", row, row + from);
    if (from == row)
        return yaml_fail(node, E_FORMAT, "row %d reads itself", row);
    if (from > row)
        return yaml_fail(node, E_FORMAT, "row %d reads row %d, which comes later", row, from);
    *out = from < -1 ? row + from : from;
    return OK;
}

static enum status read_froms(const struct yaml_node *node, struct table *t, struct table_row *row)
{
    if (node->type != YAML_LIST) {
        row->n_from = 1;
        return read_from(node, t, &row->from[0]);
    }
    TRY(yaml_get_list(node, "from", 1, TABLE_MAX_FROM));
    row->n_from = node->count;
    for (int i = 0; i < node->count; i++)
        TRY(read_from(node->items[i], t, &row->from[i]));
    return OK;
}

static enum status read_arg(const struct yaml_node *node, struct table *t, int depth, struct arg *out);

static enum status read_arg_list(const struct yaml_node *node, struct table *t, int depth, const struct arg **out,
                                 int *n)
{
    TRY(yaml_get_list(node, "the arguments", 0, TABLE_MAX_ARGS));
    struct arg *args = arena_alloc(&t->arena, (size_t)node->count + 1, sizeof *args);
    if (!args)
        return E_NOMEM;
    for (int i = 0; i < node->count; i++)
        TRY(read_arg(node->items[i], t, depth, &args[i]));
    *out = args;
    *n = node->count;
    return OK;
}

static enum status read_arg(const struct yaml_node *node, struct table *t, int depth, struct arg *out)
{
    bool truth = false;
    *out = (struct arg){0};
    switch (node->type) {
    case YAML_NULL:
        out->kind = ARG_NONE;
        return OK;
    case YAML_BOOL:
        TRY(yaml_get_bool(node, "an argument", &truth));
        *out = (struct arg){.kind = ARG_BOOL, .number = truth};
        return OK;
    case YAML_INT:
    case YAML_FLOAT:
        out->kind = ARG_NUMBER;
        return yaml_get_double(node, "an argument", &out->number);
    case YAML_STRING:
        out->kind = ARG_TEXT;
        return keep_text(t, node->text, &out->text);
    case YAML_LIST:
        out->kind = ARG_LIST;
        if (depth < 2)
            return read_arg_list(node, t, depth + 1, &out->items, &out->n);
        break;
    case YAML_MAP:
        break;
    }
    return yaml_fail(node, E_FORMAT, "an argument is a number, a text or a list of them");
    return OK;
}

static enum status read_row(const struct yaml_node *node, struct table *t)
{
    struct table_row *row = &t->rows[t->n_rows];
    const char *module;
    *row = (struct table_row){.line = node->line};
    if (node->type != YAML_LIST || node->count < 4 || node->count > 5)
        return yaml_fail(node, E_FORMAT, "row %d must be [from, repeats, module, [arguments]] or that and a tag",
                         t->n_rows);
    TRY(read_froms(node->items[0], t, row));
    TRY(yaml_get_int(node->items[1], "repeats", 1, TABLE_MAX_ROWS, &row->repeats));
    TRY(yaml_get_string(node->items[2], "the module", &module));
    if (!module_find(module))
        return yaml_fail(node->items[2], E_FORMAT, "row %d: there is no module %.60s", t->n_rows, module);
    TRY(keep_text(t, module, &row->module));
    TRY(read_arg_list(node->items[3], t, 0, &row->args, &row->n_args));
    if (node->count == 5)
        TRY(read_tag(node->items[4], t, row));
    t->n_rows++;
    return OK;
}

static enum status read_section(const struct yaml_node *root, const char *key, struct table *t)
{
    const struct yaml_node *list;
    TRY(yaml_need(root, key, &list));
    TRY(yaml_get_list(list, key, 0, TABLE_MAX_ROWS - t->n_rows));
    for (int i = 0; i < list->count; i++)
        TRY(read_row(list->items[i], t));
    return OK;
}

static enum status check_end(const struct yaml_node *root, const struct table *t)
{
    if (!t->n_rows)
        return yaml_fail(root, E_FORMAT, "the table has no rows");
    const struct table_row *last = &t->rows[t->n_rows - 1];
    const struct head_class *head = head_find_row(last->module, last->n_args);
    if (!head)
        return table_fail(t, t->n_rows - 1, E_FORMAT, "the last row must be a head (DDetect, DualDDetect ...)");
    if (last->n_from % head->n_branches)
        return table_fail(t, t->n_rows - 1, E_FORMAT, "%d inputs cannot be shared by %d branches", last->n_from,
                          head->n_branches);
    for (int r = 0; r < t->n_rows - 1; r++) {
        if (head_find(t->rows[r].module))
            return table_fail(t, r, E_FORMAT, "the head must be the last row");
    }
    return OK;
}

static enum status read_table(const char *text, size_t size, const char *source, bool is_base, struct table *out);

bool table_has_module(const struct table *t, const char *module)
{
    for (int r = 0; r < t->n_rows; r++) {
        if (!strcmp(t->rows[r].module, module))
            return true;
    }
    return false;
}

/* Whose table it is, where it does not say so (table.h). */
static void guess_family(const struct yaml_node *root, struct table *t)
{
    bool official =
        yaml_find(root, "depth_multiple") || yaml_find(root, "width_multiple") || yaml_find(root, "anchors");
    if (yaml_find(root, "family"))
        return;
    t->family_guessed = !t->scale && !table_has_module(t, "C2f") && !official && table_has_module(t, "Detect");
    if (t->family_guessed || t->scale || table_has_module(t, "C2f"))
        t->family = family_find("ultralytics");
}

/* The rows of the table's own; none where it has a base. */
static enum status read_rows(const struct yaml_node *root, struct table *t)
{
    const struct yaml_node *backbone = yaml_find(root, "backbone"), *head = yaml_find(root, "head");
    int rows = MIN(TABLE_MAX_ROWS, (backbone ? backbone->count : 0) + (head ? head->count : 0));
    t->rows = arena_alloc(&t->arena, (size_t)rows + 1, sizeof *t->rows);
    if (!t->rows)
        return E_NOMEM;
    TRY(read_section(root, "backbone", t));
    t->n_backbone = t->n_rows;
    TRY(read_section(root, "head", t));
    TRY(check_end(root, t));
    guess_family(root, t);
    return OK;
}

/* The built-in table that this one begins as. Those have no base themselves, so nothing goes around. */
static enum status read_base(const struct yaml_node *root, const struct yaml_node *base, bool based, struct table *out)
{
    const char *name;
    TRY(yaml_get_string(base, "base", &name));
    const char *text = model_find_table(name);
    if (based)
        return yaml_fail(base, E_FORMAT, "a table with a base of its own is none for another one");
    if (!text)
        return yaml_fail(base, E_FORMAT, "base: there is no built-in table %.60s", name);
    if (yaml_find(root, "backbone") || yaml_find(root, "head"))
        return yaml_fail(base, E_FORMAT, "a table with a base has no rows of its own");
    return read_table(text, strlen(text), name, true, out);
}

static enum status set_source(struct table *t, const char *source)
{
    char *stem = path_stem(source);
    enum status rc = stem ? keep_text(t, stem, &t->name) : E_NOMEM;
    mem_free(stem);
    TRY(rc);
    return keep_text(t, source, &t->source);
}

static enum status read_table(const char *text, size_t size, const char *source, bool is_base, struct table *out)
{
    enum status rc = OK;
    struct yaml doc = {0};
    *out = (struct table){0};
    arena_init(&out->arena);
    set_defaults(out);
    if (size > TABLE_MAX_BYTES)
        TRY_CLEAN(fail(E_LIMIT, "%s: a table of %zu bytes; %d are possible", source, size, TABLE_MAX_BYTES));
    TRY_CLEAN(yaml_open_memory(source, text, size, &doc));
    TRY_CLEAN(yaml_get_map(doc.root, "a network table"));
    const struct yaml_node *base = yaml_find(doc.root, "base");
    if (base)
        TRY_CLEAN(read_base(doc.root, base, is_base, out));
    TRY_CLEAN(set_source(out, source));
    TRY_CLEAN(read_keys(doc.root, base != NULL, out));
    if (!base)
        TRY_CLEAN(read_rows(doc.root, out));
cleanup:
    yaml_close(&doc);
    if (rc != OK)
        table_free(out);
    return rc;
}

enum status table_read(const char *text, size_t size, const char *source, struct table *out)
{
    return read_table(text, size, source, false, out);
}

enum status table_load(const char *path, struct table *out)
{
    struct buf text = {0};
    *out = (struct table){0};
    enum status rc = file_read_text(path, TABLE_MAX_BYTES, &text);
    if (rc == OK)
        rc = table_read(text.data ? text.data : "", text.size, path, out);
    if (rc == OK && out->scale)
        log_info("%s: scale %s", path, out->scale);
    if (rc == OK && out->family_guessed)
        log_info("%s: built by the Ultralytics package's rules, as it has none of depth_multiple, width_multiple and "
                 "anchors; `family: official` in it asks for the others",
                 path);
    buf_free(&text);
    return rc;
}

enum status table_set_name(struct table *t, const char *name)
{
    return keep_text(t, name, &t->name);
}

const char *model_find_table(const char *name)
{
    for (const struct builtin_table *b = builtin_tables; b->name; b++) {
        if (!strcmp(b->name, name))
            return b->text;
    }
    return NULL;
}

enum status table_open(const char *name_or_path, struct table *out)
{
    const char *text = model_find_table(name_or_path);
    if (text)
        return table_read(text, strlen(text), name_or_path, out);
    if (!path_exists(name_or_path))
        return fail(E_ARGUMENT, "%s: no built-in model has this name, and there is no such file", name_or_path);
    return table_load(name_or_path, out);
}
