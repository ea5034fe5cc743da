#include "support/golden_pt.h"

#include "formats/json.h"
#include "formats/yaml.h"
#include "weights/checkpoint.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct compare {
    char *message;
    size_t size;
    double worst;
};

static int differs(struct compare *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int differs(struct compare *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->message, c->size, format, args);
    va_end(args);
    return 1;
}

static int check_sum(struct compare *c, const char *name, double got, double want, double tolerance)
{
    double ratio = got == want ? 0 : fabs(got - want) / tolerance;
    c->worst = fmax(c->worst, ratio);
    return ratio <= 1 ? 0 : differs(c, "%s: sum %.17g, golden %.17g", name, got, want); /* also where it is NaN */
}

static int check_shape(struct compare *c, const char *name, const struct checkpoint_tensor *t, const json_t *shape)
{
    if ((size_t)t->rank != json_array_size(shape))
        return differs(c, "%s: %d dimensions, golden %zu", name, t->rank, json_array_size(shape));
    for (int i = 0; i < t->rank; i++) {
        if (t->shape[i] != (size_t)json_integer_value(json_array_get(shape, (size_t)i)))
            return differs(c, "%s: dimension %d is %zu", name, i, t->shape[i]);
    }
    return 0;
}

static int check_values(struct compare *c, const char *name, const struct checkpoint_tensor *t, const json_t *sum,
                        const json_t *abssum)
{
    double total = 0, absolute = 0;
    float *values = mem_alloc(t->count, sizeof *values);
    if (!values)
        return differs(c, "out of memory");
    checkpoint_read_f32(t, values);
    for (size_t i = 0; i < t->count; i++) {
        total += values[i];
        absolute += fabs(values[i]);
    }
    mem_free(values);
    double tolerance = 1e-9 * (abssum ? json_number_value(abssum) : absolute);
    if (check_sum(c, name, total, json_number_value(sum), tolerance))
        return 1;
    return abssum ? check_sum(c, name, absolute, json_number_value(abssum), tolerance) : 0;
}

static int check_tensors(struct compare *c, const struct checkpoint_model *model, const json_t *list)
{
    if ((size_t)model->count != json_array_size(list))
        return differs(c, "%d tensors, golden %zu", model->count, json_array_size(list));
    for (int i = 0; i < model->count; i++) {
        const struct checkpoint_tensor *t = &model->tensors[i];
        const json_t *want = json_array_get(list, (size_t)i);
        const char *name = json_string_value(json_object_get(want, "name"));
        if (strcmp(t->name, name) != 0)
            return differs(c, "tensor %d is %s, golden %s", i, t->name, name);
        if (strcmp(dtype_torch_name(t->dtype), json_string_value(json_object_get(want, "dtype"))) != 0)
            return differs(c, "%s: dtype %s", name, dtype_torch_name(t->dtype));
        if (checkpoint_find(model, name) != t)
            return differs(c, "%s: not found by its name", name);
        if (check_shape(c, name, t, json_object_get(want, "shape")) ||
            check_values(c, name, t, json_object_get(want, "sum"), json_object_get(want, "abssum")))
            return 1;
    }
    return 0;
}

static int check_list(struct compare *c, const char *what, const double *got, int n, const json_t *want)
{
    if ((size_t)n != json_array_size(want))
        return differs(c, "%s: %d values, golden %zu", what, n, json_array_size(want));
    for (int i = 0; i < n; i++) {
        if (got[i] != json_number_value(json_array_get(want, (size_t)i)))
            return differs(c, "%s: value %d is %g", what, i, got[i]);
    }
    return 0;
}

/* The head's own stride tensor, found in the raw pickle. */
static int check_head_stride(struct compare *c, struct checkpoint *ckpt, const char *which, const json_t *want)
{
    const struct pickle_value *module = pickle_find(ckpt->torch.pickle.root, which);
    const struct pickle_value *rows =
        pickle_attribute(pickle_find(pickle_attribute(module, "_modules"), "model"), "_modules");
    struct torch_tensor t;
    float values[16];
    double strides[16];
    if (!rows || rows->count < 2)
        return differs(c, "no rows");
    const struct pickle_value *stride = pickle_attribute(rows->items[rows->count - 1], "stride");
    if (torch_file_tensor(&ckpt->torch, stride, "head stride", &t) != OK || t.count > 16)
        return differs(c, "head stride: %s", fail_text());
    torch_tensor_read_f32(&t, values);
    for (size_t i = 0; i < t.count; i++)
        strides[i] = values[i];
    return check_list(c, "head stride", strides, (int)t.count, want);
}

static int check_table(struct compare *c, const struct checkpoint_model *model, const json_t *want)
{
    struct yaml doc;
    int nc = -1, bad = 0;
    if (!model->table_text)
        return differs(c, "no table");
    if (yaml_open_memory("table", model->table_text, strlen(model->table_text), &doc) != OK)
        return differs(c, "table: %s", fail_text());
    const struct yaml_node *node = yaml_find(doc.root, "nc");
    if (!node || yaml_get_int(node, "nc", 0, 10000, &nc) != OK || nc != json_integer_value(want))
        bad = differs(c, "the table's nc is %d", nc);
    else if (!yaml_find(doc.root, "backbone") || !yaml_find(doc.root, "head"))
        bad = differs(c, "the table has no rows");
    yaml_close(&doc);
    return bad;
}

static int check_attributes(struct compare *c, struct checkpoint *ckpt, const char *which,
                            const struct checkpoint_model *model, const json_t *want)
{
    const json_t *names = json_object_get(want, "names");
    double save[256];
    int grads = 0;
    if (!json_is_object(want))
        return differs(c, "no attributes in the golden file");
    if (model->nc != json_integer_value(json_object_get(want, "nc")))
        return differs(c, "nc is %d", model->nc);
    if ((size_t)model->n_names != json_object_size(names))
        return differs(c, "%d class names", model->n_names);
    for (int i = 0; i < model->n_names; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        const char *name = json_string_value(json_object_get(names, key));
        if (!name || strcmp(name, model->names[i]) != 0)
            return differs(c, "class %d is named %s", i, model->names[i]);
    }
    for (int i = 0; i < model->n_save && i < COUNT(save); i++)
        save[i] = model->save[i];
    for (int i = 0; i < model->count; i++)
        grads += model->tensors[i].requires_grad;
    if (grads != json_integer_value(json_object_get(want, "params_require_grad")))
        return differs(c, "%d tensors require gradients", grads);
    return check_list(c, "save", save, model->n_save, json_object_get(want, "save")) ||
           check_list(c, "stride", model->strides, model->n_strides, json_object_get(want, "stride")) ||
           check_head_stride(c, ckpt, which, json_object_get(want, "head_stride")) ||
           check_table(c, model, json_object_get(want, "yaml_nc"));
}

static int check_groups(struct compare *c, const struct checkpoint *ckpt, const json_t *groups)
{
    if ((size_t)ckpt->n_groups != json_array_size(groups))
        return differs(c, "%d parameter groups", ckpt->n_groups);
    for (int i = 0; i < ckpt->n_groups; i++) {
        const struct checkpoint_group *g = &ckpt->groups[i];
        const json_t *want = json_array_get(groups, (size_t)i);
        if (g->lr != json_number_value(json_object_get(want, "lr")) ||
            g->momentum != json_number_value(json_object_get(want, "momentum")) ||
            g->weight_decay != json_number_value(json_object_get(want, "weight_decay")) ||
            g->initial_lr != json_number_value(json_object_get(want, "initial_lr")) ||
            g->nesterov != json_is_true(json_object_get(want, "nesterov")) ||
            g->count != json_integer_value(json_object_get(want, "params")))
            return differs(c, "parameter group %d", i);
    }
    return 0;
}

static int check_optimizer(struct compare *c, const struct checkpoint *ckpt, const json_t *optimizer,
                           const json_t *momentum)
{
    if (!optimizer)
        return ckpt->n_groups ? differs(c, "an optimizer that the golden file has not") : 0;
    if (check_groups(c, ckpt, json_object_get(optimizer, "param_groups")))
        return 1;
    if (ckpt->n_slots != json_integer_value(json_object_get(optimizer, "state_entries")) ||
        (size_t)ckpt->n_slots != json_array_size(momentum))
        return differs(c, "%d optimizer slots", ckpt->n_slots);
    for (int i = 0; i < ckpt->n_slots; i++) {
        const struct checkpoint_slot *slot = &ckpt->slots[i];
        const json_t *want = json_array_get(momentum, (size_t)i);
        if (slot->index != json_integer_value(json_object_get(want, "index")))
            return differs(c, "slot %d has index %d", i, slot->index);
        if (!slot->name)
            return differs(c, "slot %d belongs to no parameter", i);
        if (check_shape(c, slot->name, &slot->momentum, json_object_get(want, "shape")) ||
            check_values(c, slot->name, &slot->momentum, json_object_get(want, "sum"), NULL))
            return 1;
    }
    return 0;
}

/* An absent number (None) is -1 or NaN in the checkpoint. */
static int check_number(struct compare *c, const char *what, double got, const json_t *want)
{
    const json_t *value = json_is_array(want) ? json_array_get(want, 0) : want;
    bool absent = json_is_null(value), got_absent = isnan(got) || got == -1;
    bool equal = absent ? got_absent : got == json_number_value(value);
    return equal ? 0 : differs(c, "%s is %g", what, got);
}

static int check_rest(struct compare *c, const struct checkpoint *ckpt, const json_t *root)
{
    const json_t *zip = json_object_get(root, "zip");
    const char *date = json_string_value(json_object_get(root, "value_date"));
    const char *prefix = json_string_value(json_object_get(zip, "prefix"));
    if (check_number(c, "epoch", ckpt->epoch, json_object_get(root, "value_epoch")) ||
        check_number(c, "updates", (double)ckpt->updates, json_object_get(root, "value_updates")) ||
        check_number(c, "best_fitness", ckpt->best_fitness, json_object_get(root, "value_best_fitness")))
        return 1;
    if (!ckpt->date || !date || strcmp(ckpt->date, date) != 0)
        return differs(c, "the date is %s", ckpt->date);
    if (!ckpt->options_text)
        return differs(c, "no options");
    if (!prefix || strncmp(ckpt->torch.prefix, prefix, strlen(prefix)) != 0 ||
        strcmp(ckpt->torch.prefix + strlen(prefix), "/") != 0)
        return differs(c, "the prefix is %s", ckpt->torch.prefix);
    if (ckpt->torch.zip.count != json_integer_value(json_object_get(zip, "records")))
        return differs(c, "%d records", ckpt->torch.zip.count);
    if (ckpt->torch.zip.members[0].size != (size_t)json_integer_value(json_object_get(zip, "pickle_bytes")))
        return differs(c, "%zu bytes of pickle", ckpt->torch.zip.members[0].size);
    return 0;
}

static int check_class(struct compare *c, const char *which, const struct checkpoint_model *model, const json_t *root)
{
    const char *want = json_string_value(json_object_get(json_object_get(root, "keys"), which));
    const char *got = model ? model->class_name : "builtins.NoneType";
    return want && strcmp(want, got) == 0 ? 0 : differs(c, "%s is a %s", which, got);
}

static int check_all(struct compare *c, struct checkpoint *ckpt, const json_t *root)
{
    if (check_class(c, "model", ckpt->raw, root) || check_class(c, "ema", ckpt->ema, root))
        return 1;
    if (ckpt->from_ema != (ckpt->ema != NULL) || ckpt->model != (ckpt->ema ? ckpt->ema : ckpt->raw))
        return differs(c, "the wrong model was chosen");
    if (check_tensors(c, ckpt->raw, json_object_get(root, "model")) ||
        check_attributes(c, ckpt, "model", ckpt->raw, json_object_get(root, "model_attrs")))
        return 1;
    if (ckpt->ema && (check_tensors(c, ckpt->ema, json_object_get(root, "ema")) ||
                      check_attributes(c, ckpt, "ema", ckpt->ema, json_object_get(root, "ema_attrs"))))
        return 1;
    return check_optimizer(c, ckpt, json_object_get(root, "optimizer"), json_object_get(root, "momentum")) ||
           check_rest(c, ckpt, root);
}

int golden_pt_case(const char *pt_path, const char *json_path, char *message, size_t size, double *worst)
{
    struct compare c = {.message = message, .size = size, .worst = *worst};
    struct checkpoint ckpt;
    json_t *root;
    message[0] = 0;
    if (json_read_file(json_path, NULL, &root) != OK)
        return differs(&c, "%s", fail_text());
    int bad = 0;
    if (checkpoint_open(pt_path, &ckpt) != OK)
        bad = differs(&c, "%s", fail_text());
    else
        bad = check_all(&c, &ckpt, root);
    checkpoint_close(&ckpt);
    json_decref(root);
    *worst = c.worst;
    return bad;
}

int golden_pt(const char *pt_path, char *message, size_t size, double *worst)
{
    char json_path[4096];
    size_t n = strlen(pt_path);
    if (n < 3 || n + 3 > sizeof json_path) {
        snprintf(message, size, "no name of a .pt");
        return 1;
    }
    snprintf(json_path, sizeof json_path, "%.*s.json", (int)n - 3, pt_path);
    return golden_pt_case(pt_path, json_path, message, size, worst);
}
