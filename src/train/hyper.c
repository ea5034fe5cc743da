#include "train/hyper.h"

#include "core/file.h"
#include "formats/yaml_scalar.h"

#include <stddef.h>
#include <string.h>

/* In the order they are written. */
static const struct key {
    const char *name;
    size_t offset;
    double start, min, max;
} keys[] = {
#define KEY(name, start, min, max)                           \
    {                                                        \
#name, offsetof(struct hyper, name), start, min, max \
    }
    KEY(lr0, 0.01, 0, 100),
    KEY(lrf, 0.01, 0, 100),
    KEY(momentum, 0.937, 0, 0.999999),
    KEY(weight_decay, 0.0005, 0, 100),
    KEY(warmup_epochs, 3, 0, 10000),
    KEY(warmup_momentum, 0.8, 0, 0.999999),
    KEY(warmup_bias_lr, 0.1, 0, 100),
    KEY(box, 7.5, 0, 1e6),
    KEY(cls, 0.5, 0, 1e6),
    KEY(cls_pw, 1, 0, 1e6),
    KEY(obj, 0.7, 0, 1e6),
    KEY(obj_pw, 1, 0, 1e6),
    KEY(dfl, 1.5, 0, 1e6),
    KEY(iou_t, 0.2, 0, 1),
    KEY(anchor_t, 5, 0, 1e6),
    KEY(fl_gamma, 0, 0, 100),
    KEY(label_smoothing, 0, 0, 1),
    KEY(hsv_h, 0.015, 0, 1),
    KEY(hsv_s, 0.7, 0, 1),
    KEY(hsv_v, 0.4, 0, 1),
    KEY(degrees, 0, 0, 180),
    KEY(translate, 0.1, 0, 1),
    KEY(scale, 0.9, 0, 0.999999),
    KEY(shear, 0, 0, 89),
    KEY(perspective, 0, 0, 0.001),
    KEY(flipud, 0, 0, 1),
    KEY(fliplr, 0.5, 0, 1),
    KEY(mosaic, 1, 0, 1),
    KEY(mixup, 0.15, 0, 1),
    KEY(copy_paste, 0.3, 0, 1),
#undef KEY
};

static double *value_of(struct hyper *h, const struct key *key)
{
    return (double *)((char *)h + key->offset);
}

static const struct key *find_key(const char *name, size_t length)
{
    for (int i = 0; i < COUNT(keys); i++)
        if (strlen(keys[i].name) == length && !memcmp(keys[i].name, name, length))
            return &keys[i];
    return NULL;
}

struct hyper hyper_default(void)
{
    struct hyper h;
    memset(&h, 0, sizeof h);
    for (int i = 0; i < COUNT(keys); i++)
        *value_of(&h, &keys[i]) = keys[i].start;
    return h;
}

enum status hyper_read_map(const struct yaml_node *map, struct hyper *h)
{
    enum status rc = OK;
    struct hyper read = *h;
    TRY(yaml_get_map(map, "hyper-parameters"));
    for (int i = 0; i < map->count; i++) {
        const char *name = map->keys[i]->text;
        const struct key *key = find_key(name, strlen(name));
        double value;
        if (!key)
            TRY(yaml_fail(map->keys[i], E_ARGUMENT, "there is no hyper-parameter %s", name));
        TRY(yaml_get_double(map->items[i], name, &value));
        if (!(value >= key->min && value <= key->max))
            TRY(yaml_fail(map->items[i], E_ARGUMENT, "%s is %g: %g to %g is possible", name, value, key->min,
                          key->max));
        *value_of(&read, key) = value;
    }
    *h = read;
cleanup:
    return rc;
}

enum status hyper_read(const char *path, struct hyper *h)
{
    enum status rc = OK;
    struct yaml doc = {0};
    TRY(yaml_open(path, &doc));
    TRY(hyper_read_map(doc.root, h));
cleanup:
    yaml_close(&doc);
    return rc;
}

enum status hyper_set(const char *word, struct hyper *h)
{
    const char *equals = strchr(word, '=');
    if (!equals)
        return fail(E_ARGUMENT, "%s: a hyper-parameter is written key=value", word);
    const struct key *key = find_key(word, (size_t)(equals - word));
    if (!key)
        return fail(E_ARGUMENT, "%s: there is no hyper-parameter of this name", word);
    enum yaml_type type = yaml_resolve(equals + 1);
    double value;
    if ((type != YAML_INT && type != YAML_FLOAT) || !yaml_parse_double(equals + 1, &value))
        return fail(E_ARGUMENT, "%s: %s is no number", word, equals + 1);
    if (!(value >= key->min && value <= key->max))
        return fail(E_ARGUMENT, "%s: %g to %g is possible", word, key->min, key->max);
    *value_of(h, key) = value;
    return OK;
}

void hyper_put(const struct hyper *h, struct yaml_writer *w)
{
    struct hyper copy = *h;
    for (int i = 0; i < COUNT(keys); i++)
        yaml_put_double(w, keys[i].name, *value_of(&copy, &keys[i]));
}

json_t *hyper_json(const struct hyper *h)
{
    json_t *map = json_object();
    for (int i = 0; map && i < COUNT(keys); i++)
        json_object_set_new(map, keys[i].name, json_real(*(const double *)((const char *)h + keys[i].offset)));
    return map;
}

enum status hyper_write(const char *path, const struct hyper *h)
{
    enum status rc = OK;
    struct buf text = {0};
    struct yaml_writer w;
    yaml_begin(&w, &text);
    yaml_begin_map(&w, NULL, false);
    hyper_put(h, &w);
    yaml_end(&w);
    TRY(yaml_finish(&w));
    TRY(file_write(path, text.data, text.size));
cleanup:
    buf_free(&text);
    return rc;
}

void hyper_apply_loss(const struct hyper *h, struct loss_config *loss)
{
    loss->box_gain = h->box;
    loss->cls_gain = h->cls;
    loss->dfl_gain = h->dfl;
    loss->cls_positive_weight = h->cls_pw;
    loss->focal_gamma = h->fl_gamma;
}

void hyper_apply_schedule(const struct hyper *h, struct schedule *schedule)
{
    schedule->lr0 = h->lr0;
    schedule->lrf = h->lrf;
    schedule->momentum = h->momentum;
    schedule->warmup_epochs = h->warmup_epochs;
    schedule->warmup_momentum = h->warmup_momentum;
    schedule->warmup_bias_lr = h->warmup_bias_lr;
}
