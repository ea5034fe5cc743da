/* The official checkpoint: a pickled module tree (SPEC 14) read as a state dict. */
#include "weights/checkpoint_parts.h"

#include "core/log.h"
#include "core/path.h"
#include "formats/pickle_yaml.h"
#include "weights/activations.h"
#include "weights/container.h"
#include "weights/naming.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_MODULES = 200000, MAX_TENSORS = 200000, MAX_NAMES = 65536, PATH_SIZE = 512 };

/* A walk over modules; the pickle may be any graph, so depth, modules and tensors are counted. */
struct walk {
    struct checkpoint *ckpt;
    struct checkpoint_activations activations;
    struct checkpoint_tensor *tensors;
    size_t capacity;
    int count, modules;
    char path[PATH_SIZE]; /* of the module being read, with a final dot unless empty */
};

static enum status add_tensor(struct walk *w, const char *leaf, const struct pickle_value *value,
                              enum checkpoint_role role)
{
    struct torch_tensor t;
    struct checkpoint *ckpt = w->ckpt;
    char *name = arena_printf(&ckpt->arena, "%s%s", w->path, leaf);
    if (!name)
        return E_NOMEM;
    if (w->count == MAX_TENSORS)
        return fail(E_LIMIT, "%s: more than %d tensors", ckpt->path, MAX_TENSORS);
    enum status rc = torch_file_tensor(&ckpt->torch, value, name, &t);
    if (rc != OK)
        return rc;
    if ((size_t)w->count == w->capacity) {
        size_t wanted = MAX((size_t)2048, w->capacity * 2), size = sizeof *w->tensors;
        struct checkpoint_tensor *grown = mem_grow(w->tensors, w->capacity * size, wanted * size);
        if (!grown)
            return E_NOMEM;
        w->tensors = grown;
        w->capacity = wanted;
    }
    struct checkpoint_tensor *out = &w->tensors[w->count++];
    *out = (struct checkpoint_tensor){.name = name,
                                      .dtype = t.dtype,
                                      .role = role,
                                      .rank = t.rank,
                                      .count = t.count,
                                      .contiguous = t.contiguous,
                                      .requires_grad = t.requires_grad,
                                      .data = t.data};
    memcpy(out->shape, t.shape, sizeof out->shape);
    memcpy(out->stride, t.stride, sizeof out->stride);
    return OK;
}

static bool holds(const struct pickle_value *set, const char *text)
{
    for (uint32_t i = 0; set && set->type == PICKLE_SET && i < set->count; i++) {
        const char *name = pickle_text(set->items[i]);
        if (name && strcmp(name, text) == 0)
            return true;
    }
    return false;
}

static bool is_norm(const struct pickle_value *module)
{
    return strcmp(module->callee->module, "torch.nn.modules.batchnorm") == 0;
}

/* Entry i of a dict with text keys; NULL: another kind of key. */
static const char *entry_name(const struct pickle_value *dict, uint32_t i)
{
    return pickle_text(dict->items[2 * i]);
}

/* A module's own parameters and persistent buffers; None stands for an absent one. */
static enum status add_own_tensors(struct walk *w, const struct pickle_value *module)
{
    const struct pickle_value *parameters = pickle_attribute(module, "_parameters");
    const struct pickle_value *buffers = pickle_attribute(module, "_buffers");
    const struct pickle_value *fleeting = pickle_attribute(module, "_non_persistent_buffers_set");
    enum status rc = OK;
    for (uint32_t i = 0; i < pickle_entries(parameters) && rc == OK; i++) {
        const struct pickle_value *value = parameters->items[2 * i + 1];
        const char *leaf = entry_name(parameters, i);
        if (!leaf || value->type == PICKLE_NONE)
            continue;
        enum checkpoint_role role = strcmp(leaf, "bias") == 0                        ? CHECKPOINT_BIAS
                                    : strcmp(leaf, "implicit") == 0                  ? CHECKPOINT_NORM_WEIGHT
                                    : strcmp(leaf, "weight") == 0 && is_norm(module) ? CHECKPOINT_NORM_WEIGHT
                                                                                     : CHECKPOINT_WEIGHT;
        rc = add_tensor(w, leaf, value, role);
    }
    for (uint32_t i = 0; i < pickle_entries(buffers) && rc == OK; i++) {
        const struct pickle_value *value = buffers->items[2 * i + 1];
        const char *leaf = entry_name(buffers, i);
        if (leaf && value->type != PICKLE_NONE && !holds(fleeting, leaf))
            rc = add_tensor(w, leaf, value, CHECKPOINT_BUFFER);
    }
    return rc;
}

static enum status add_module(struct walk *w, const struct pickle_value *module, int depth)
{
    size_t length = strlen(w->path);
    enum status rc = OK;
    if (depth == MAX_DEPTH)
        return fail(E_LIMIT, "%s: modules nested deeper than %d levels", w->ckpt->path, MAX_DEPTH);
    if (++w->modules > MAX_MODULES)
        return fail(E_LIMIT, "%s: more than %d modules", w->ckpt->path, MAX_MODULES);
    TRY(activations_note(&w->activations, &w->ckpt->arena, w->path, module));
    rc = add_own_tensors(w, module);
    const struct pickle_value *children = pickle_attribute(module, "_modules");
    for (uint32_t i = 0; i < pickle_entries(children) && rc == OK; i++) {
        const struct pickle_value *child = children->items[2 * i + 1];
        const char *name = entry_name(children, i);
        if (!name || child->type != PICKLE_OBJECT)
            continue; /* a module may be None */
        if (length + strlen(name) + 2 > PATH_SIZE)
            return fail(E_LIMIT, "%s: a module's name is longer than %d bytes", w->ckpt->path, PATH_SIZE);
        snprintf(w->path + length, PATH_SIZE - length, "%s.", name);
        rc = add_module(w, child, depth + 1);
        w->path[length] = 0;
    }
    return rc;
}

/* names: a list of texts, or {index: text} with any order and gaps */
/* The class that a key of {0: 'person', ...} means, also written as text; -1: none. */
static int64_t class_of_key(const struct pickle_value *key)
{
    enum { DIGITS = 9 };
    const char *text = pickle_text(key);
    size_t n = text ? strspn(text, "0123456789") : 0;
    if (key->type == PICKLE_INT)
        return key->integer == INT64_MAX ? MAX_NAMES : key->integer;
    return n && n <= DIGITS && !text[n] ? atol(text) : -1;
}

static enum status read_names(struct checkpoint *ckpt, const struct pickle_value *names, struct checkpoint_model *model)
{
    int64_t n = 0;
    int lost = 0;
    bool dict = names && names->type == PICKLE_DICT;
    if (!names || (!dict && names->type != PICKLE_LIST && names->type != PICKLE_TUPLE))
        return OK;
    for (uint32_t i = 0; dict && i < pickle_entries(names); i++)
        n = MAX(n, class_of_key(names->items[2 * i]) + 1);
    n = dict ? n : names->count;
    if (n > MAX_NAMES)
        return fail(E_LIMIT, "%s: more than %d class names", ckpt->path, MAX_NAMES);
    const char **out = arena_alloc(&ckpt->arena, (size_t)n, sizeof *out);
    if (!out)
        return E_NOMEM;
    for (uint32_t i = 0; i < (dict ? pickle_entries(names) : names->count); i++) {
        int64_t at = i;
        const struct pickle_value *value = names->items[dict ? 2 * i + 1 : i];
        if (dict)
            at = class_of_key(names->items[2 * i]);
        if (at >= 0)
            out[at] = pickle_text(value);
        lost += at < 0 || !pickle_text(value);
    }
    for (int i = 0; i < n; i++) {
        if (!out[i] && !(out[i] = arena_printf(&ckpt->arena, "class%d", i)))
            return E_NOMEM;
    }
    if (lost)
        log_warn("%s: %d of its %d class names cannot be read", ckpt->path, lost,
                 (int)(dict ? pickle_entries(names) : names->count));
    model->names = out;
    model->n_names = (int)n;
    return OK;
}

static enum status read_strides(struct checkpoint *ckpt, const struct pickle_value *stride,
                                struct checkpoint_model *model)
{
    struct torch_tensor t;
    float values[16];
    if (!torch_is_tensor(stride))
        return OK;
    enum status rc = torch_file_tensor(&ckpt->torch, stride, "stride", &t);
    if (rc != OK)
        return rc;
    if (t.count > (size_t)COUNT(values))
        return fail(E_FORMAT, "%s: %zu head levels", ckpt->path, t.count);
    double *out = arena_alloc(&ckpt->arena, t.count, sizeof *out);
    if (!out)
        return E_NOMEM;
    torch_tensor_read_f32(&t, values);
    for (size_t i = 0; i < t.count; i++)
        out[i] = values[i];
    model->strides = out;
    model->n_strides = (int)t.count;
    return OK;
}

static enum status read_save(struct checkpoint *ckpt, const struct pickle_value *save, struct checkpoint_model *model)
{
    if (!save || save->type != PICKLE_LIST)
        return OK;
    int *out = arena_alloc(&ckpt->arena, save->count, sizeof *out);
    if (!out)
        return E_NOMEM;
    for (uint32_t i = 0; i < save->count; i++) {
        const struct pickle_value *row = save->items[i];
        if (row->type != PICKLE_INT || row->integer < 0 || row->integer > INT_MAX)
            return fail(E_FORMAT, "%s: the list of kept rows is broken", ckpt->path);
        out[i] = (int)row->integer;
    }
    model->save = out;
    model->n_save = (int)save->count;
    return OK;
}

/* Text of a pickled dict, owned by the arena; NULL stays NULL. */
static enum status yaml_of(struct checkpoint *ckpt, const struct pickle_value *dict, const char *what, const char **out)
{
    struct buf text = {0};
    if (!dict || dict->type != PICKLE_DICT)
        return OK;
    enum status rc = pickle_to_yaml(dict, &text);
    if (rc != OK)
        rc = fail_prefix(rc, "%s: %s", ckpt->path, what);
    else if (!(*out = arena_strdup(&ckpt->arena, text.data ? text.data : "")))
        rc = E_NOMEM;
    buf_free(&text);
    return rc;
}

/* The module object's own attributes. */
static enum status read_attributes(struct checkpoint *ckpt, const struct pickle_value *object,
                                   struct checkpoint_model *model)
{
    const struct pickle_value *nc = pickle_attribute(object, "nc");
    const struct pickle_value *rows =
        pickle_attribute(pickle_find(pickle_attribute(object, "_modules"), "model"), "_modules");
    TRY(yaml_of(ckpt, pickle_attribute(object, "yaml"), "the network table", &model->table_text));
    TRY(read_names(ckpt, pickle_attribute(object, "names"), model));
    TRY(read_strides(ckpt, pickle_attribute(object, "stride"), model));
    TRY(read_save(ckpt, pickle_attribute(object, "save"), model));
    if (nc && nc->type == PICKLE_INT && nc->integer >= 0 && nc->integer <= MAX_NAMES)
        model->nc = (int)nc->integer;
    else if (model->n_names)
        model->nc = model->n_names;
    model->class_name = arena_printf(&ckpt->arena, "%s.%s", object->callee->module, pickle_global_name(object->callee));
    if (!model->class_name)
        return E_NOMEM;
    model->family = naming_family(model->class_name);
    if (pickle_entries(rows)) {
        const struct pickle_value *head = rows->items[rows->count - 1];
        if (head->type == PICKLE_OBJECT)
            model->head_class = pickle_global_name(head->callee);
    }
    return OK;
}

/* A module object, or a state dict {name: tensor}, as container_find_networks found it; NULL leaves *out NULL. Names
 * are the official ones afterwards; *average is what stood beside it in the same place. */
static enum status read_model(struct checkpoint *ckpt, const struct pickle_value *value, const char *what,
                              const struct checkpoint_model **out, struct checkpoint_model **average)
{
    struct walk w = {.ckpt = ckpt};
    enum status rc = OK;
    *average = NULL;
    if (!value)
        return OK;
    struct checkpoint_model *model = arena_alloc(&ckpt->arena, 1, sizeof *model);
    if (!model)
        return E_NOMEM;
    model->nc = -1;
    if (value->type == PICKLE_OBJECT && pickle_attribute(value, "_modules")) {
        TRY_CLEAN(add_module(&w, value, 0));
        TRY_CLEAN(read_attributes(ckpt, value, model));
        model->activations = w.activations;
    } else {
        for (uint32_t i = 0; i < pickle_entries(value); i++) {
            const char *name = entry_name(value, i);
            if (name && torch_is_tensor(value->items[2 * i + 1]))
                TRY_CLEAN(add_tensor(&w, name, value->items[2 * i + 1], CHECKPOINT_UNKNOWN));
        }
    }
    if (w.count == 0)
        TRY_CLEAN(fail(E_FORMAT, "%s: its %s has no tensors", ckpt->path, what));
    model->tensors = arena_alloc(&ckpt->arena, (size_t)w.count, sizeof *w.tensors);
    if (!model->tensors)
        TRY_CLEAN(E_NOMEM);
    memcpy(model->tensors, w.tensors, (size_t)w.count * sizeof *w.tensors);
    model->count = w.count;
    TRY_CLEAN(checkpoint_index(ckpt, model));
    TRY_CLEAN(naming_apply(ckpt, model, average));
    *out = model;
cleanup:
    mem_free(w.tensors);
    return rc;
}

static double number_of(const struct pickle_value *dict, const char *key)
{
    double value;
    return torch_number(pickle_find(dict, key), &value) ? value : NAN;
}

static bool has_implicit(const struct checkpoint_model *model)
{
    for (int i = 0; i < model->count; i++) {
        if (naming_is_implicit(model->tensors[i].name))
            return true;
    }
    return false;
}

/* The official optimizer numbers its parameters group by group: biases, weights, BN weights, each in the order of
 * the modules (SPEC 14); YOLOv7's has the groups the other way round. Gives names[index] for the first `count` indices.
 */
static void name_parameters(const struct checkpoint_model *model, const char **names, int count)
{
    static const enum checkpoint_role orders[][3] = {{CHECKPOINT_BIAS, CHECKPOINT_WEIGHT, CHECKPOINT_NORM_WEIGHT},
                                                     {CHECKPOINT_NORM_WEIGHT, CHECKPOINT_WEIGHT, CHECKPOINT_BIAS}};
    const enum checkpoint_role *order = orders[has_implicit(model)];
    int n = 0;
    for (int g = 0; g < COUNT(orders[0]); g++) {
        for (int i = 0; i < model->count && n < count; i++) {
            if (model->tensors[i].role == order[g])
                names[n++] = model->tensors[i].name;
        }
    }
}

static enum status read_groups(struct checkpoint *ckpt, const struct pickle_value *list, int *parameters)
{
    if (!list || list->type != PICKLE_LIST || list->count > 64)
        return fail(E_FORMAT, "%s: broken optimizer", ckpt->path);
    struct checkpoint_group *groups = arena_alloc(&ckpt->arena, list->count, sizeof *groups);
    if (!groups)
        return E_NOMEM;
    *parameters = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pickle_value *g = list->items[i], *params = pickle_find(g, "params");
        const struct pickle_value *nesterov = pickle_find(g, "nesterov");
        if (!params || params->type != PICKLE_LIST || params->count > MAX_TENSORS)
            return fail(E_FORMAT, "%s: broken optimizer", ckpt->path);
        groups[i] =
            (struct checkpoint_group){.lr = number_of(g, "lr"),
                                      .momentum = number_of(g, "momentum"),
                                      .weight_decay = number_of(g, "weight_decay"),
                                      .initial_lr = number_of(g, "initial_lr"),
                                      .nesterov = nesterov && nesterov->type == PICKLE_BOOL && nesterov->integer,
                                      .first = *parameters,
                                      .count = (int)params->count};
        for (uint32_t j = 0; j < params->count; j++) {
            if (params->items[j]->type != PICKLE_INT || params->items[j]->integer != *parameters + (int64_t)j)
                return fail(E_UNSUPPORTED, "%s: the optimizer's parameters are not numbered in order", ckpt->path);
        }
        *parameters += (int)params->count;
    }
    ckpt->groups = groups;
    ckpt->n_groups = (int)list->count;
    return OK;
}

static enum status read_slot_tensor(struct checkpoint *ckpt, const struct pickle_value *state, const char *key,
                                    struct checkpoint_tensor *out)
{
    struct torch_tensor t;
    const struct pickle_value *value = pickle_find(state, key);
    if (!value || !torch_is_tensor(value))
        return OK;
    enum status rc = torch_file_tensor(&ckpt->torch, value, key, &t);
    if (rc != OK)
        return rc;
    *out = (struct checkpoint_tensor){
        .dtype = t.dtype, .rank = t.rank, .count = t.count, .contiguous = t.contiguous, .data = t.data};
    memcpy(out->shape, t.shape, sizeof out->shape);
    memcpy(out->stride, t.stride, sizeof out->stride);
    return OK;
}

static bool same_shape(const struct checkpoint_tensor *a, const struct checkpoint_tensor *b)
{
    return a->rank == b->rank && memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

/* One {momentum_buffer: tensor} or {step, exp_avg, exp_avg_sq}. */
static enum status read_slot(struct checkpoint *ckpt, const struct pickle_value *key, const struct pickle_value *state,
                             const char *const *names, int parameters, struct checkpoint_slot *slot)
{
    float step;
    struct checkpoint_tensor step_tensor = {0};
    if (key->type != PICKLE_INT || key->integer < 0 || key->integer >= parameters || state->type != PICKLE_DICT)
        return fail(E_FORMAT, "%s: broken optimizer", ckpt->path);
    slot->index = (int)key->integer;
    slot->step = number_of(state, "step");
    TRY(read_slot_tensor(ckpt, state, "momentum_buffer", &slot->momentum));
    TRY(read_slot_tensor(ckpt, state, "exp_avg", &slot->exp_avg));
    TRY(read_slot_tensor(ckpt, state, "exp_avg_sq", &slot->exp_avg_sq));
    TRY(read_slot_tensor(ckpt, state, "step", &step_tensor));
    if (step_tensor.count == 1) {
        checkpoint_read_f32(&step_tensor, &step);
        slot->step = step;
    }
    const struct checkpoint_tensor *first = slot->momentum.data ? &slot->momentum : &slot->exp_avg;
    const struct checkpoint_tensor *parameter =
        names[slot->index] ? checkpoint_find(ckpt->raw, names[slot->index]) : NULL;
    if (first->data && parameter && same_shape(first, parameter))
        slot->name = parameter->name;
    return OK;
}

static enum status read_optimizer(struct checkpoint *ckpt, const struct pickle_value *optimizer)
{
    enum status rc = OK;
    int parameters = 0;
    const char **names = NULL;
    if (!optimizer || optimizer->type != PICKLE_DICT || !ckpt->raw)
        return OK;
    const struct pickle_value *state = pickle_find(optimizer, "state");
    TRY_CLEAN(read_groups(ckpt, pickle_find(optimizer, "param_groups"), &parameters));
    uint32_t n = pickle_entries(state);
    if (n > (uint32_t)parameters)
        TRY_CLEAN(fail(E_FORMAT, "%s: broken optimizer", ckpt->path));
    struct checkpoint_slot *slots = arena_alloc(&ckpt->arena, n, sizeof *slots);
    names = mem_calloc((size_t)parameters, sizeof *names);
    if (!slots || !names)
        TRY_CLEAN(E_NOMEM);
    name_parameters(ckpt->raw, names, parameters);
    for (uint32_t i = 0; i < n; i++)
        TRY_CLEAN(read_slot(ckpt, state->items[2 * i], state->items[2 * i + 1], names, parameters, &slots[i]));
    ckpt->slots = slots;
    ckpt->n_slots = (int)n;
cleanup:
    mem_free(names);
    return rc;
}

/* "runs/yolov9-c.yaml" -> "yolov9-c": the name of a network, if it is one; NULL where short of memory or none. */
static const char *network_name(struct checkpoint *ckpt, const char *file)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    char *stem = file ? path_stem(file) : NULL;
    bool good = stem && *stem && strlen(stem) < 64 && !stem[strspn(stem, letters)];
    const char *name = good ? arena_strdup(&ckpt->arena, stem) : NULL;
    mem_free(stem);
    return name;
}

/* A side, or a list of rows and columns. Anything else is no image size and is passed over. */
static void read_img(struct checkpoint *ckpt, const struct pickle_value *value)
{
    double side[2] = {0};
    bool list =
        value && (value->type == PICKLE_LIST || value->type == PICKLE_TUPLE) && value->count >= 1 && value->count <= 2;
    for (int i = 0; i < 2; i++) {
        const struct pickle_value *one = list ? value->items[MIN((uint32_t)i, value->count - 1)] : value;
        if (!one || !torch_number(one, &side[i]) || !(side[i] >= 1 && side[i] <= CHECKPOINT_IMG_MOST))
            return;
    }
    ckpt->img_h = (int)side[0];
    ckpt->img_w = (int)side[1];
}

/* Options may be a dict, or an object whose state is one (argparse's Namespace). */
static enum status read_options(struct checkpoint *ckpt, const struct pickle_value *options)
{
    const struct pickle_value *dict = options && options->type == PICKLE_OBJECT ? options->state : options;
    for (int i = 0; i < NAMING_IMG_KEYS && !ckpt->img_h; i++)
        read_img(ckpt, pickle_find(dict, naming_img_keys[i]));
    if (!ckpt->network)
        ckpt->network = network_name(ckpt, pickle_text(pickle_find(dict, "cfg")));
    return yaml_of(ckpt, dict, "its options", &ckpt->options_text);
}

/* Which package wrote it, and which version. */
static enum status read_package(struct checkpoint *ckpt, const struct pickle_value *root, const char *class_name)
{
    const char *package = class_name ? naming_package(class_name) : NULL;
    const char *version = pickle_text(pickle_find(root, "version"));
    if (package)
        ckpt->package = arena_printf(&ckpt->arena, "%s%s%.20s", package, version ? " " : "", version ? version : "");
    return package && !ckpt->package ? E_NOMEM : OK;
}

/* Where the network is a dict of tensors, the names and the number of its classes may stand beside it. */
static enum status read_names_beside(struct checkpoint *ckpt, const struct pickle_value *root)
{
    struct checkpoint_model *models[] = {(struct checkpoint_model *)ckpt->raw, (struct checkpoint_model *)ckpt->ema};
    const double nc = number_of(root, "nc");
    for (int i = 0; i < COUNT(models); i++) {
        if (!models[i] || root->type != PICKLE_DICT)
            continue;
        if (!models[i]->n_names)
            TRY(read_names(ckpt, pickle_find(root, "names"), models[i]));
        if (!models[i]->class_name && models[i]->nc < 0 && nc >= 0 && nc <= MAX_NAMES)
            models[i]->nc = (int)nc;
    }
    return OK;
}

/* LibreYOLO keeps other families and tasks in files of the same kind. */
static enum status check_family(const struct checkpoint *ckpt, const struct pickle_value *root)
{
    const char *family = pickle_text(pickle_find(root, "model_family")), *task = pickle_text(pickle_find(root, "task"));
    if (family && strcmp(family, "yolo9") != 0)
        return fail(E_UNSUPPORTED, "%s: a network of the family %.40s, written by LibreYOLO; only yolo9 is read",
                    ckpt->path, family);
    if (family && task && strcmp(task, "detect") != 0)
        return fail(E_UNSUPPORTED, "%s: a network for the task %.40s, written by LibreYOLO; only detectors are read",
                    ckpt->path, task);
    return OK;
}

enum status checkpoint_read_torch(struct checkpoint *ckpt)
{
    const struct pickle_value *root = ckpt->torch.pickle.root;
    struct network_container found;
    struct checkpoint_model *beside, *none;
    TRY(check_family(ckpt, root));
    TRY(container_find_networks(ckpt->path, root, &found));
    TRY(read_model(ckpt, found.raw, "model", &ckpt->raw, &beside));
    TRY(read_model(ckpt, found.average, "average", &ckpt->ema, &none));
    if (!ckpt->ema)
        ckpt->ema = beside;
    if (ckpt->raw && ckpt->ema && !naming_check_average(ckpt, ckpt->raw, ckpt->ema))
        ckpt->ema = NULL;
    const struct checkpoint_model *model = ckpt->ema ? ckpt->ema : ckpt->raw;
    TRY(read_package(ckpt, root, model->class_name));
    TRY(read_names_beside(ckpt, root));
    double epoch = number_of(root, "epoch"), updates = number_of(root, "updates");
    ckpt->epoch = epoch >= 0 && epoch < INT_MAX ? (int)epoch : -1;
    ckpt->updates = updates >= 0 && updates < INT_MAX ? (long)updates : -1;
    ckpt->stripped = model->class_name && !ckpt->ema && epoch < 0;
    ckpt->best_fitness = number_of(root, "best_fitness");
    ckpt->date = pickle_text(pickle_find(root, "date"));
    ckpt->lightning = pickle_text(pickle_find(root, "pytorch-lightning_version"));
    TRY(read_options(ckpt, found.options ? found.options : root));
    TRY(read_optimizer(ckpt, pickle_find(root, "optimizer")));
    return OK;
}
