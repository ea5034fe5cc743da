#include "train/hyper.h"

#include "core/file.h"
#include "core/log.h"
#include "core/near.h"
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
_Static_assert(COUNT(keys) <= 64, "a bit for each key");

/* Keys that mean nothing here and stand in files of other releases and of the programs around them. */
static const struct idle {
    const char *name, *reason;
} idle[] = {
    {"anchors", "the network's table has them, and auto-anchor finds better ones"},
    {"loss_ota", "anchor heads are trained with SimOTA, the others as --assign says"},
    {"paste_in", "this augmentation is not offered"},
    {"cutmix", "this augmentation is not offered"},
    {"bgr", "this augmentation is not offered"},
    {"erasing", "this augmentation is not offered"},
    {"crop_fraction", "it belongs to classification"},
    {"auto_augment", "it belongs to classification"},
    {"pose", "it belongs to key points"},
    {"kobj", "it belongs to key points"},
    {"nbs", "it is an option: --nominal-batch"},
    {"close_mosaic", "it is an option: --close-mosaic"},
    {"min_items", "it is an option: --min-items"},
};

/* Keys that every official file has, without effect on heads of one kind or any. */
static const struct {
    const char *name;
    enum head_kind head; /* HEAD_KINDS: any */
    const char *reason;
} idle_heads[] = {
    {"obj", HEAD_DFL, "the loss has no objectness"},
    {"obj_pw", HEAD_DFL, "the loss has no objectness"},
    {"anchor_t", HEAD_DFL, "the network has no anchor boxes"},
    {"label_smoothing", HEAD_DFL, "this loss does not use it, nor does the official one"},
    {"dfl", HEAD_ANCHORS, "the loss has no distribution focal term"},
    {"iou_t", HEAD_KINDS, "no loss uses it"},
};

static double *value_of(struct hyper *h, const struct key *key)
{
    return (double *)((char *)h + key->offset);
}

static uint64_t bit_of(const struct key *key)
{
    return (uint64_t)1 << (key - keys);
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

static const struct idle *find_idle(const char *name, size_t length)
{
    for (int i = 0; i < COUNT(idle); i++)
        if (strlen(idle[i].name) == length && !memcmp(idle[i].name, name, length))
            return &idle[i];
    return NULL;
}

/* "; did you mean lr0?", or where the names are. */
static const char *hint(const char *name, char buffer[64])
{
    const char *names[COUNT(keys)];
    for (int i = 0; i < COUNT(keys); i++)
        names[i] = keys[i].name;
    const char *near = nearest_name(name, names, COUNT(names));
    snprintf(buffer, 64, near ? "; did you mean %s?" : "; the run's hyp.yaml lists them", near);
    return buffer;
}

/* Adds "obj (the loss has no objectness)" to the text of the note. */
static enum status note_idle(const char *name, const char *reason, struct buf *note)
{
    return buf_printf(note, "%s%s (%s)", note->size ? ", " : "", name, reason);
}

/* One entry of a file. `note` NULL: a key without a meaning here is unknown. */
static enum status read_entry(const struct yaml_node *name, const struct yaml_node *item, struct hyper *h,
                              uint64_t *given, struct buf *note)
{
    size_t length = strlen(name->text);
    const struct key *key = find_key(name->text, length);
    const struct idle *other = find_idle(name->text, length);
    char buffer[64];
    double value;
    if (!key && other && note)
        return note_idle(other->name, other->reason, note);
    if (!key)
        return yaml_fail(name, E_ARGUMENT, "there is no hyper-parameter %s%s", name->text, hint(name->text, buffer));
    TRY(yaml_get_double(item, key->name, &value));
    if (!(value >= key->min && value <= key->max))
        return yaml_fail(item, E_ARGUMENT, "%s is %g: %g to %g is possible", key->name, value, key->min, key->max);
    *value_of(h, key) = value;
    *given |= bit_of(key);
    return OK;
}

static enum status read_map(const struct yaml_node *map, struct hyper *h, uint64_t *given, struct buf *note)
{
    struct hyper read = *h;
    uint64_t named = 0;
    TRY(yaml_get_map(map, "hyper-parameters"));
    for (int i = 0; i < map->count; i++)
        TRY(read_entry(map->keys[i], map->items[i], &read, &named, note));
    *h = read;
    if (given)
        *given |= named;
    return OK;
}

enum status hyper_read_map(const struct yaml_node *map, struct hyper *h)
{
    return read_map(map, h, NULL, NULL);
}

enum status hyper_read(const char *path, struct hyper *h, uint64_t *given)
{
    enum status rc = OK;
    struct yaml doc = {0};
    struct buf note = {0};
    TRY_CLEAN(yaml_open(path, &doc));
    TRY_CLEAN(read_map(doc.root, h, given, &note));
    if (note.size)
        log_info("%s: without effect here: %s", path, note.data);
cleanup:
    buf_free(&note);
    yaml_close(&doc);
    return rc;
}

enum status hyper_set(const char *word, struct hyper *h, uint64_t *given)
{
    const char *equals = strchr(word, '=');
    if (!equals)
        return fail(E_ARGUMENT, "%s: a hyper-parameter is written key=value", word);
    size_t length = (size_t)(equals - word);
    const struct key *key = find_key(word, length);
    const struct idle *other = find_idle(word, length);
    if (!key && !other) {
        char name[64], buffer[64];
        snprintf(name, sizeof name, "%.*s", (int)MIN(length, sizeof name - 1), word);
        return fail(E_ARGUMENT, "%s: there is no hyper-parameter of this name%s", word, hint(name, buffer));
    }
    if (other)
        log_info("%s has no effect here: %s", word, other->reason);
    if (!key)
        return OK;
    enum yaml_type type = yaml_resolve(equals + 1);
    double value;
    if ((type != YAML_INT && type != YAML_FLOAT) || !yaml_parse_double(equals + 1, &value))
        return fail(E_ARGUMENT, "%s: %s is no number", word, equals + 1);
    if (!(value >= key->min && value <= key->max))
        return fail(E_ARGUMENT, "%s: %g to %g is possible", word, key->min, key->max);
    *value_of(h, key) = value;
    if (given)
        *given |= bit_of(key);
    return OK;
}

void hyper_fill(struct hyper *h, uint64_t given, const struct hyper *base)
{
    struct hyper from = *base;
    for (int i = 0; i < COUNT(keys); i++)
        if (!(given & bit_of(&keys[i])))
            *value_of(h, &keys[i]) = *value_of(&from, &keys[i]);
}

enum status hyper_check_given(const struct hyper *h, uint64_t given, enum head_kind head, struct buf *idle_words,
                              struct buf *words)
{
    struct hyper values = *h;
    for (int i = 0; i < COUNT(idle_heads); i++) {
        const struct key *key = find_key(idle_heads[i].name, strlen(idle_heads[i].name));
        bool applies = idle_heads[i].head == head || idle_heads[i].head == HEAD_KINDS;
        if (applies && (given & bit_of(key)) && *value_of(&values, key) != key->start)
            TRY(note_idle(idle_heads[i].name, idle_heads[i].reason, idle_words));
    }
    /* Without a word boxes would hardly be learnt, or nothing else. */
    const struct key *dfl = find_key("dfl", 3);
    if (head == HEAD_DFL && !(given & bit_of(dfl)) && h->box < 1)
        TRY(buf_printf(
            words, "box is %g, as in files for YOLOv5 and YOLOv7; the gain of this loss is %g (--hyp box=%g cls=%g)\n",
            h->box, hyper_default().box, hyper_default().box, hyper_default().cls));
    if (head == HEAD_ANCHORS && h->obj == 0)
        TRY(buf_printf(words, "the gain of the objectness loss (obj) is zero: nothing will be found\n"));
    if (head == HEAD_ANCHORS && h->box >= 1)
        TRY(buf_printf(words,
                       "box is %g, as in files for networks without anchor boxes; the gain of this loss is 0.05 "
                       "(--hyp yolov7)\n",
                       h->box));
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
    TRY_CLEAN(yaml_finish(&w));
    TRY_CLEAN(file_write(path, text.data, text.size));
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
    loss->anchors.obj_gain = h->obj;
    loss->anchors.obj_positive_weight = h->obj_pw;
    loss->anchors.most_ratio = (float)h->anchor_t;
    loss->anchors.label_smoothing = h->label_smoothing;
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

struct augment_config hyper_augment(const struct hyper *h)
{
    return (struct augment_config){.hsv_h = h->hsv_h,
                                   .hsv_s = h->hsv_s,
                                   .hsv_v = h->hsv_v,
                                   .geometry = {.degrees = h->degrees,
                                                .translate = h->translate,
                                                .scale = h->scale,
                                                .shear = h->shear,
                                                .perspective = h->perspective},
                                   .flipud = h->flipud,
                                   .fliplr = h->fliplr,
                                   .mosaic = h->mosaic,
                                   .mixup = h->mixup,
                                   .copy_paste = h->copy_paste};
}
