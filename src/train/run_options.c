#include "train/run_options.h"

#include "graph/backend.h"

#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const run_optimizer_names[] = {"SGD", "Adam", "AdamW", "LION", "auto", NULL};
const char *const run_assign_names[] = {"independent", "lead", "coarse-to-fine", NULL};
const char *const run_assigner_names[] = {"auto", "tal", "tal-inside", "simota", NULL};
const char *const run_cls_loss_names[] = {"bce", "vfl", NULL};
const char *const run_precision_names[] = {[PRECISION_FP32] = "fp32", [PRECISION_BF16] = "bf16", NULL};
static const char *const schedule_words[] = {"linear", "cos", "flat-cos", "fixed", NULL};
static const char *const cache_words[] = {"none", "ram", "val", NULL};

/* In the order of opt.yaml. */
static const struct run_field fields[] = {
#define AT(field) offsetof(struct run_options, field)
    {"cfg", NULL, FIELD_TEXT, AT(cfg), .aside = true},
    {"data", NULL, FIELD_TEXT, AT(data), .aside = true},
    {"weights", NULL, FIELD_TEXT, AT(weights), .aside = true},
    {"epochs", NULL, FIELD_INT, AT(epochs), 1, 1e6},
    {"batch_size", "batch", FIELD_INT, AT(batch), 1, 4096},
    {"nominal_batch", NULL, FIELD_INT, AT(nominal_batch), 1, 65536},
    {"imgsz", "img", FIELD_INT, AT(img), 32, 8192},
    {"close_mosaic", NULL, FIELD_INT, AT(close_mosaic), RUN_DEFAULT, 1e6},
    {"patience", NULL, FIELD_INT, AT(patience), 0, 1e6},
    {"save_period", NULL, FIELD_INT, AT(save_period), -1, 1e6, .aside = true},
    {"save_minutes", NULL, FIELD_DOUBLE, AT(save_minutes), 0, 1e6, .aside = true},
    {"min_items", NULL, FIELD_INT, AT(min_items), 0, 1e6},
    {"seed", NULL, FIELD_INT, AT(seed), 0, 2147483647},
    {"optimizer", NULL, FIELD_CHOICE, AT(optimizer), 0, 0, run_optimizer_names},
    {"schedule", NULL, FIELD_CHOICE, AT(schedule), 0, 0, schedule_words},
    {"assign", NULL, FIELD_CHOICE, AT(assign), 0, 0, run_assign_names},
    {"preset", NULL, FIELD_CHOICE, AT(preset), 0, 0, preset_names, .added = true},
    {"assigner", NULL, FIELD_CHOICE, AT(assigner), 0, 0, run_assigner_names, .added = true},
    {"cls_loss", NULL, FIELD_CHOICE, AT(cls_loss), 0, 0, run_cls_loss_names, .added = true},
    {"precision", NULL, FIELD_CHOICE, AT(precision), 0, 0, run_precision_names, .added = true},
    {"aux_weight", NULL, FIELD_DOUBLE, AT(aux_weight), 0, 1e6},
    {"main_weight", NULL, FIELD_DOUBLE, AT(main_weight), 0, 1e6},
    {"cache", NULL, FIELD_CHOICE, AT(cache), 0, 0, cache_words, .aside = true},
    {"rect", NULL, FIELD_BOOL, AT(rect)},
    {"image_weights", NULL, FIELD_BOOL, AT(image_weights)},
    {"multi_scale", NULL, FIELD_BOOL, AT(multi_scale)},
    {"single_cls", NULL, FIELD_BOOL, AT(single_cls)},
    {"noval", NULL, FIELD_BOOL, AT(noval), .aside = true},
    {"nosave", NULL, FIELD_BOOL, AT(nosave), .aside = true},
    {"noplots", NULL, FIELD_BOOL, AT(noplots), .aside = true},
    {"lr_lag", NULL, FIELD_BOOL, AT(lr_lag)},
    {"official_quirks", NULL, FIELD_BOOL, AT(official_quirks)},
    {"exact", NULL, FIELD_BOOL, AT(exact)},
    {"warmup_iterations", NULL, FIELD_INT, AT(warmup_iterations), RUN_DEFAULT, 1e9, .added = true},
    {"noautoanchor", NULL, FIELD_BOOL, AT(noautoanchor), .added = true},
#undef AT
};

const struct run_field *run_fields(int *count)
{
    *count = COUNT(fields);
    return fields;
}

void run_options_init(struct run_options *o)
{
    *o = (struct run_options){
        .epochs = 100,
        .batch = 16,
        .nominal_batch = 64,
        .img = 640,
        .close_mosaic = RUN_DEFAULT,
        .warmup_iterations = RUN_DEFAULT,
        .patience = 100,
        .save_period = -1,
        .save_minutes = 10,
        .aux_weight = 0.25,
        .main_weight = 1,
        .optimizer = OPTIMIZER_SGD,
        .assign = ASSIGN_INDEPENDENT,
        .schedule = SCHEDULE_LINEAR,
        .lr_lag = true,
        .hyper = hyper_default(),
        .given_hyper = UINT64_MAX,
        .given_schedule = true,
        .given_lr_lag = true,
        .given_optimizer = true,
    };
    arena_init(&o->arena);
}

void run_options_free(struct run_options *o)
{
    arena_free(&o->arena);
    *o = (struct run_options){0};
}

void run_choose_preset(struct run_options *o, enum preset_kind of_network)
{
    if (o->preset == PRESET_AUTO)
        o->preset = (int)of_network;
    const struct hyper base = preset_hyper((enum preset_kind)o->preset);
    hyper_fill(&o->hyper, o->given_hyper, &base);
    const struct preset *preset = preset_get((enum preset_kind)o->preset);
    if (!o->given_schedule)
        o->schedule = (int)preset->schedule;
    if (!o->given_lr_lag)
        o->lr_lag = preset->lr_lag;
    if (!o->given_optimizer)
        o->optimizer = preset->auto_optimizer ? RUN_OPTIMIZER_AUTO : OPTIMIZER_SGD;
}

int run_close_mosaic(const struct run_options *o)
{
    if (o->close_mosaic != RUN_DEFAULT)
        return o->close_mosaic;
    return o->epochs < 30 ? 0 : preset_get((enum preset_kind)MAX(o->preset, PRESET_AUTO + 1))->close_mosaic;
}

int run_patience(const struct run_options *o)
{
    return o->patience < o->epochs ? o->patience : 0;
}

long run_choose_optimizer(struct run_options *o, int pictures, int nc)
{
    enum { MANY = 10000 };
    if (o->optimizer != RUN_OPTIMIZER_AUTO)
        return 0;
    const int at_once = MAX(o->batch, o->nominal_batch);
    const long steps = ((long)pictures + at_once - 1) / at_once * o->epochs;
    o->optimizer = steps > MANY ? OPTIMIZER_SGD : OPTIMIZER_ADAMW;
    struct hyper base = o->hyper;
    base.lr0 = steps > MANY ? 0.01 : nearbyint(0.002 * 5 / (4 + nc) * 1e6) / 1e6;
    base.momentum = 0.9;
    base.warmup_bias_lr = 0;
    hyper_fill(&o->hyper, o->given_hyper, &base);
    return steps;
}

long run_least_warmup(const struct run_options *o)
{
    if (o->warmup_iterations != RUN_DEFAULT)
        return MAX(o->warmup_iterations, 1);
    return preset_get((enum preset_kind)MAX(o->preset, PRESET_AUTO + 1))->least_warmup;
}

enum status run_choose_assigner(struct run_options *o, const struct family *family, enum head_kind head)
{
    const char *own = head == HEAD_ANCHORS ? run_assigner_names[ASSIGNER_SIMOTA] : family->assigner;
    for (int i = 0; o->assigner == ASSIGNER_AUTO && run_assigner_names[i]; i++) {
        if (!strcmp(run_assigner_names[i], own))
            o->assigner = i;
    }
    if (head == HEAD_ANCHORS && o->assigner != ASSIGNER_SIMOTA)
        return fail(E_USAGE,
                    "--assigner %s: the network's head has anchor boxes, which only simota matches with labels",
                    run_assigner_names[o->assigner]);
    if (head != HEAD_ANCHORS && o->assigner == ASSIGNER_SIMOTA)
        return fail(E_USAGE, "--assigner simota: it matches labels with anchor boxes, and the network's head has none; "
                             "tal and tal-inside are possible");
    return OK;
}

enum status run_options_settle(struct run_options *o, const struct table *table, const struct graph *g, int pictures,
                               struct run_settled *told)
{
    *told = (struct run_settled){.asked = (enum preset_kind)o->preset, .img = o->img};
    TRY(run_choose_assigner(o, table->family, g->head.kind));
    o->img = graph_round_side(g, o->img);
    run_choose_preset(o, preset_for(table->name, table->family, g));
    told->steps = run_choose_optimizer(o, pictures, g->head.nc);
    return OK;
}

struct loss_config run_loss_config(const struct run_options *o, const struct graph *g)
{
    struct loss_config c = loss_config_of(&g->head, g->n_branches);
    hyper_apply_loss(&o->hyper, &c);
    loss_scale_gains(&c, g->branch[0].n_levels, o->img);
    c.anchors.height_for_both = o->official_quirks;
    c.aux_weight = o->aux_weight;
    c.main_weight = o->main_weight;
    c.assign = (enum loss_assign)o->assign;
    c.cls_loss = (enum loss_cls)o->cls_loss;
    c.assigner.inside = o->assigner == ASSIGNER_TAL_INSIDE;
    return c;
}

static void *field_of(struct run_options *o, const struct run_field *f)
{
    return (char *)o + f->offset;
}

static const void *field_in(const struct run_options *o, const struct run_field *f)
{
    return (const char *)o + f->offset;
}

/* --- setting --- */

enum status run_set_text(struct run_options *o, const struct run_field *f, const char *text)
{
    const char *copy = text ? arena_strdup(&o->arena, text) : NULL;
    if (text && !copy)
        return E_NOMEM;
    *(const char **)field_of(o, f) = copy;
    return OK;
}

enum status run_set_number(struct run_options *o, const struct run_field *f, double value)
{
    if (f->kind == FIELD_BOOL) {
        *(bool *)field_of(o, f) = value != 0;
        return OK;
    }
    if (!(value >= f->min && value <= f->max))
        return fail(E_ARGUMENT, "%s is %g: %g to %g is possible", f->key, value, f->min, f->max);
    if (f->kind == FIELD_DOUBLE) {
        *(double *)field_of(o, f) = value;
        return OK;
    }
    if (value != floor(value))
        return fail(E_ARGUMENT, "%s is %g: a whole number is needed", f->key, value);
    *(int *)field_of(o, f) = (int)value;
    return OK;
}

enum status run_set_choice(struct run_options *o, const struct run_field *f, const char *word)
{
    struct buf words = {0};
    for (int i = 0; f->choices[i]; i++) {
        if (!strcasecmp(f->choices[i], word)) {
            *(int *)field_of(o, f) = i;
            buf_free(&words);
            return OK;
        }
        if (buf_printf(&words, "%s%s", i ? ", " : "", f->choices[i]) != OK)
            return E_NOMEM;
    }
    enum status rc = fail(E_ARGUMENT, "%s: %s is none of %s", f->key, word, words.data);
    buf_free(&words);
    return rc;
}

/* --- YAML --- */

static void put_field(const struct run_options *o, const struct run_field *f, struct yaml_writer *w)
{
    const void *at = field_in(o, f);
    switch (f->kind) {
    case FIELD_TEXT:
        yaml_put_string(w, f->key, *(const char *const *)at);
        break;
    case FIELD_INT:
        yaml_put_int(w, f->key, *(const int *)at);
        break;
    case FIELD_DOUBLE:
        yaml_put_double(w, f->key, *(const double *)at);
        break;
    case FIELD_BOOL:
        yaml_put_bool(w, f->key, *(const bool *)at);
        break;
    case FIELD_CHOICE:
        yaml_put_string(w, f->key, f->choices[*(const int *)at]);
        break;
    }
}

enum status run_options_write(const struct run_options *o, struct buf *out)
{
    struct yaml_writer w;
    yaml_begin(&w, out);
    yaml_begin_map(&w, NULL, false);
    for (int i = 0; i < COUNT(fields); i++)
        put_field(o, &fields[i], &w);
    yaml_begin_list(&w, "freeze", true);
    for (int i = 0; i < o->n_freeze; i++)
        yaml_put_int(&w, NULL, o->freeze[i]);
    yaml_end(&w);
    yaml_begin_map(&w, "hyp", false);
    hyper_put(&o->hyper, &w);
    yaml_end(&w);
    yaml_end(&w);
    return yaml_finish(&w);
}

/* --- JSON --- */

static json_t *field_json(const struct run_options *o, const struct run_field *f)
{
    const void *at = field_in(o, f);
    switch (f->kind) {
    case FIELD_INT:
        return json_integer(*(const int *)at);
    case FIELD_DOUBLE:
        return json_real(*(const double *)at);
    case FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case FIELD_CHOICE:
        return json_string(f->choices[*(const int *)at]);
    case FIELD_TEXT:
        break;
    }
    return json_string(*(const char *const *)at);
}

enum status run_options_recipe(const struct run_options *o, char **out)
{
    json_t *root = json_object(), *freeze = json_array(), *hyper = hyper_json(&o->hyper);
    for (int i = 0; root && i < COUNT(fields); i++) {
        if (!fields[i].aside)
            json_object_set_new(root, fields[i].key, field_json(o, &fields[i]));
    }
    for (int i = 0; freeze && i < o->n_freeze; i++)
        json_array_append_new(freeze, json_integer(o->freeze[i]));
    json_object_set_new(root, "close_mosaic", json_integer(run_close_mosaic(o))); /* its default depends on epochs */
    json_object_set_new(root, "freeze", freeze);
    json_object_set_new(root, "hyp", hyper);
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(root);
    *out = text ? mem_strdup(text) : NULL;
    free(text);
    return *out ? OK : fail_memory(NULL, 0);
}

/* --- comparing --- */

static enum status put_difference(const char *key, const json_t *a, const json_t *b, struct buf *words)
{
    const json_t *pair[] = {a, b};
    TRY(buf_printf(words, "%s is", key));
    for (int i = 0; i < COUNT(pair); i++) {
        char *text = pair[i] ? json_dumps(pair[i], JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
        enum status rc =
            buf_printf(words, "%s %s %s", i ? " and" : "", text ? text : "not given", i ? "here" : "there");
        free(text);
        TRY(rc);
    }
    return OK;
}

/* The first member that differs, looked for in nested objects too. */
static enum status compare_objects(const json_t *a, const json_t *b, struct buf *words)
{
    const char *key;
    json_t *there;
    json_object_foreach((json_t *)a, key, there)
    {
        const json_t *here = json_object_get(b, key);
        if (json_equal(there, here))
            continue;
        return json_is_object(there) && json_is_object(here) ? compare_objects(there, here, words)
                                                             : put_difference(key, there, here, words);
    }
    return OK;
}

static enum status comparable(const struct run_options *o, json_t **out)
{
    char *text = NULL;
    TRY(run_options_recipe(o, &text));
    *out = json_loads(text, 0, NULL);
    mem_free(text);
    if (!*out || json_object_set_new(*out, "patience", json_integer(run_patience(o))) != 0)
        return fail_memory(NULL, 0);
    return OK;
}

enum status run_options_compare(const struct run_options *a, const struct run_options *b, struct buf *words)
{
    enum status rc = OK;
    json_t *there = NULL, *here = NULL;
    TRY_CLEAN(comparable(a, &there));
    TRY_CLEAN(comparable(b, &here));
    TRY_CLEAN(compare_objects(there, here, words));
cleanup:
    json_decref(there);
    json_decref(here);
    return rc;
}

/* --- reading YAML --- */

static enum status read_field(const struct yaml_node *map, const struct run_field *f, struct run_options *o)
{
    enum status rc = OK;
    const struct yaml_node *node;
    const char *text;
    double number;
    bool flag;
    if (f->added && !yaml_find(map, f->key))
        return OK;
    TRY(yaml_need(map, f->key, &node));
    switch (f->kind) {
    case FIELD_TEXT:
        if (node->type == YAML_NULL)
            return OK;
        TRY(yaml_get_string(node, f->key, &text));
        return run_set_text(o, f, text);
    case FIELD_CHOICE:
        TRY(yaml_get_string(node, f->key, &text));
        rc = run_set_choice(o, f, text);
        break;
    case FIELD_BOOL:
        TRY(yaml_get_bool(node, f->key, &flag));
        return run_set_number(o, f, flag);
    case FIELD_INT:
    case FIELD_DOUBLE:
        TRY(yaml_get_double(node, f->key, &number));
        rc = run_set_number(o, f, number);
        break;
    }
    if (rc == E_ARGUMENT)
        fail_prefix(rc, "%s:%d", node->file, node->line);
    return rc;
}

static enum status read_freeze(const struct yaml_node *map, struct run_options *o)
{
    const struct yaml_node *list;
    TRY(yaml_need(map, "freeze", &list));
    TRY(yaml_get_list(list, "freeze", 0, RUN_MAX_FREEZE));
    for (int i = 0; i < list->count; i++)
        TRY(yaml_get_int(list->items[i], "freeze", 0, 100000, &o->freeze[i]));
    o->n_freeze = list->count;
    return OK;
}

/* `recipe`: without what the numbers do not depend on. */
static enum status read_options(const char *name, const char *text, size_t size, bool recipe, struct run_options *o)
{
    enum status rc = OK;
    struct yaml doc = {0};
    const struct yaml_node *hyp;
    run_options_init(o);
    TRY_CLEAN(yaml_open_memory(name, text, size, &doc));
    TRY_CLEAN(yaml_get_map(doc.root, "options"));
    for (int i = 0; i < COUNT(fields); i++)
        if (!recipe || !fields[i].aside)
            TRY_CLEAN(read_field(doc.root, &fields[i], o));
    TRY_CLEAN(read_freeze(doc.root, o));
    TRY_CLEAN(yaml_need(doc.root, "hyp", &hyp));
    TRY_CLEAN(hyper_read_map(hyp, &o->hyper));
cleanup:
    yaml_close(&doc);
    if (rc != OK)
        run_options_free(o);
    return rc;
}

enum status run_options_read(const char *name, const char *text, size_t size, struct run_options *o)
{
    return read_options(name, text, size, false, o);
}

enum status run_options_read_recipe(const char *name, const char *recipe, struct run_options *o)
{
    struct buf where = {0};
    run_options_init(o);
    if (!recipe)
        return OK;
    enum status rc = buf_printf(&where, "%s: yolo9.recipe", name);
    if (rc == OK)
        rc = read_options(where.data, recipe, strlen(recipe), true, o); /* JSON is YAML */
    buf_free(&where);
    return rc;
}
