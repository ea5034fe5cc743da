#include "weights/naming.h"

#include "core/log.h"
#include "core/terminal.h"
#include "weights/checkpoint_parts.h"
#include "weights/rename.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_PREFIXES = 16,
    NAME_SIZE = 512,
};

/* --- tables --- */

const char *const naming_img_keys[NAMING_IMG_KEYS] = {"imgsz", "img_size", "image_size"};

/* Parts of a prefix by which an average is told from the network itself. */
static const char *const average_parts[] = {"ema", "ema_model", "model_ema", "ema_net", "averaged_model"};

/* Prefixes of tensors that belong to a training and not to a network. */
static const char *const training_parts[] = {"momentum_buffer", "exp_avg", "exp_avg_sq",
                                             "max_exp_avg_sq",  "grad",    "optimizer"};

/* Leaves that carry nothing a network needs. `drop`: they go at once, as if they were not in the file. */
static const struct {
    const char *leaf;
    bool drop;
} bookkeeping[] = {
    {"num_batches_tracked", false},
    {"anchors", false},
    {"anchor_grid", false},
    {"strides", false},
    {"stride", false},
    {"total_ops", true},
    {"total_params", true}, /* the profiler thop */
    {"n_averaged", true},
    {"initted", true},
    {"step", true}, /* averages count their steps */
};

/* Packages by the modules of their classes. */
static const struct package {
    const char *module, *name, *family;
} packages[] = {{"ultralytics.", "the Ultralytics package", "ultralytics"},
                {"models.", "the official code", "official"}};

/* Classes of Ultralytics that are no detector. */
static const struct {
    const char *class, *what;
} tasks[] = {
    {"SegmentationModel", "a network for instance masks"},
    {"PoseModel", "a network for key points"},
    {"OBBModel", "a network for rotated boxes"},
    {"ClassificationModel", "a classifier"},
    {"RTDETRDetectionModel", "an RT-DETR network"},
    {"WorldModel", "a YOLO-World network"},
    {"YOLOEModel", "a YOLOE network"},
};

/* How the head of a network is spelled: by the name of one of its tensors. `row`: a row's number stands in front. */
struct signature {
    const char *leaf;
    bool row;
    rename_fn *rename;   /* NULL: the names are official */
    const char *package; /* who names it so; NULL: nobody in particular */
};
static const struct signature signatures[] = {
    {"cv2.0.2.weight", true, NULL, NULL},
    {"heads.0.anchor_conv.2.weight", true, rename_multimedia, "MultimediaTechLab/YOLO"},
    {"head.cv2.0.2.weight", false, rename_libre, "LibreYOLO"},
    {"m.0.weight", true, NULL, NULL}, /* YOLOv7: a head with anchors */
};

/* Parts of heads that look like ours and are another's. */
static const struct {
    const char *part, *what;
} foreign_parts[] = {
    {".one2one_cv2.", "a YOLOv10 head (or one without NMS)"},
    {".proto.", "a head for instance masks"},
};

/* Parts of bodies that only other networks have, the most telling ones first, behind a row's number. */
static const struct {
    const char *part, *what;
} foreign_bodies[] = {
    {"m.0.weight", "a network with anchor boxes (YOLOv5 or YOLOv7), but neither YOLOv7-tiny, YOLOv7 nor YOLOv7-W6"},
    {"m.0.m.0.cv1.conv.", "a YOLO11 network (or one of its successors)"},
    {"m.0.cv1.conv.", "a network of YOLOv8's kind, but none of its five sizes"}, /* YOLO11 has such parts too */
};

static bool is_one_of(const char *word, size_t length, const char *const *list, int n)
{
    for (int i = 0; i < n; i++) {
        if (strlen(list[i]) == length && !memcmp(list[i], word, length))
            return true;
    }
    return false;
}

static const struct package *find_package(const char *module)
{
    for (int i = 0; i < COUNT(packages); i++) {
        if (!strncmp(module, packages[i].module, strlen(packages[i].module)))
            return &packages[i];
    }
    return NULL;
}

const char *naming_family(const char *module)
{
    const struct package *package = find_package(module);
    return package ? package->family : NULL;
}

const char *naming_package(const char *module)
{
    const struct package *package = find_package(module);
    return package ? package->name : NULL;
}

/* --- names of tensors --- */

static const char *leaf_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

bool naming_is_bookkeeping(const char *name)
{
    const char *leaf = leaf_of(name);
    for (int i = 0; i < COUNT(bookkeeping); i++) {
        if (!strcmp(leaf, bookkeeping[i].leaf))
            return true;
    }
    return strstr(name, ".dfl") != NULL || strstr(name, ".anc2vec.") != NULL; /* 0, 1, 2 ... whatever they are called */
}

static bool is_dropped(const char *name)
{
    const char *leaf = leaf_of(name);
    for (int i = 0; i < COUNT(bookkeeping); i++) {
        if (bookkeeping[i].drop && !strcmp(leaf, bookkeeping[i].leaf))
            return true;
    }
    return false;
}

/* Does the name end with the signature? *length: of what stands in front of the row (or of the head). */
static bool ends_with(const char *name, const struct signature *s, size_t *length)
{
    size_t n = strlen(name), m = strlen(s->leaf);
    if (n < m || strcmp(name + n - m, s->leaf) != 0)
        return false;
    size_t at = n - m;
    if (!s->row) {
        *length = at;
        return !at || name[at - 1] == '.';
    }
    if (at < 2 || name[at - 1] != '.')
        return false;
    size_t digits = --at;
    while (at && isdigit((unsigned char)name[at - 1]))
        at--;
    *length = at;
    return at < digits && (!at || name[at - 1] == '.');
}

/* Does any part of the prefix "net.ema." stand in the list? */
static bool has_part(const char *prefix, size_t length, const char *const *list, int n)
{
    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length && prefix[end] != '.')
            end++;
        if (is_one_of(prefix + at, end - at, list, n))
            return true;
        at = end + 1;
    }
    return false;
}

/* A network inside a file: what stands in front of its rows. */
struct prefix {
    const char *text; /* `length` bytes of a tensor's name; "model." is not among it where rows have it */
    size_t length;
    bool bare; /* rows stand there without "model." */
    bool average;
    struct rename_heads heads; /* the main one is the first */
};

struct prefixes {
    const struct signature *signature;
    struct prefix list[MAX_PREFIXES];
    int n;
};

static struct prefix prefix_of(const char *name, size_t length, const struct signature *s)
{
    static const char model[] = "model.";
    const size_t n = sizeof model - 1;
    int row = s->row ? (int)MIN(strtol(name + length, NULL, 10), 1L << 20) : 0;
    struct prefix p = {.text = name, .length = length, .bare = true, .heads = {row, -1}};
    if (!s->rename && length >= n && !memcmp(name + length - n, model, n) &&
        (length == n || name[length - n - 1] == '.')) {
        p.length = length - n;
        p.bare = false;
    }
    p.average = has_part(name, p.length, average_parts, COUNT(average_parts));
    return p;
}

/* A further head behind the same prefix; a third one makes a network that nobody knows. */
static void add_head(struct rename_heads *heads, int row)
{
    heads->auxiliary = heads->auxiliary == -1 ? MAX(heads->main, row) : INT_MAX;
    heads->main = MIN(heads->main, row);
}

static enum status find_prefixes(const struct checkpoint *ckpt, const struct checkpoint_model *m,
                                 const struct signature *s, struct prefixes *out)
{
    size_t length;
    *out = (struct prefixes){.signature = s};
    for (int i = 0; i < m->count; i++) {
        const char *name = m->tensors[i].name;
        if (!ends_with(name, s, &length))
            continue;
        struct prefix p = prefix_of(name, length, s);
        if (has_part(p.text, p.length, training_parts, COUNT(training_parts)))
            continue;
        struct prefix *known = NULL;
        for (int k = 0; k < out->n && !known; k++) {
            if (out->list[k].length == p.length && !memcmp(out->list[k].text, p.text, p.length))
                known = &out->list[k];
        }
        if (known) {
            add_head(&known->heads, p.heads.main);
            continue;
        }
        if (out->n == MAX_PREFIXES)
            return fail(E_UNSUPPORTED, "%s: more than %d networks in one file", ckpt->path, MAX_PREFIXES);
        out->list[out->n++] = p;
    }
    return OK;
}

/* "model.<row>." in front */
static bool is_in_row(const char *name)
{
    return !strncmp(name, "model.", 6) && isdigit((unsigned char)name[6]);
}

/* Is the tensor part of the network behind this prefix? Its official name goes to `out`. */
static bool belongs(const struct prefixes *all, const struct prefix *p, const char *name, char out[NAME_SIZE])
{
    const char *rest = name + p->length;
    if (strncmp(name, p->text, p->length) != 0)
        return false;
    if (all->signature->rename)
        return all->signature->rename(rest, p->heads, out, NAME_SIZE);
    if (p->bare ? !isdigit((unsigned char)*rest) : !is_in_row(rest))
        return false;
    int n = snprintf(out, NAME_SIZE, "%s%s", p->bare ? "model." : "", rest);
    return n < NAME_SIZE;
}

static enum status refuse_foreign(const struct checkpoint *ckpt, const struct checkpoint_model *m)
{
    const char *task = NULL, *package = "the file";
    for (int i = 0; m->class_name && i < COUNT(tasks); i++) {
        const char *class = leaf_of(m->class_name);
        if (!strcmp(class, tasks[i].class))
            task = tasks[i].what;
    }
    if (m->class_name && naming_package(m->class_name))
        package = naming_package(m->class_name);
    if (task)
        return fail(E_UNSUPPORTED, "%s: %s of %s; only detectors are read", ckpt->path, task, package);
    for (int i = 0; i < m->count; i++) {
        const char *name = m->tensors[i].name;
        for (int k = 0; k < COUNT(foreign_parts); k++) {
            if (strstr(name, foreign_parts[k].part))
                return fail(E_UNSUPPORTED, "%s: it has %s (%s), which this program does not run", ckpt->path,
                            foreign_parts[k].what, name);
        }
    }
    return OK;
}

/* Of several networks the one and its average. */
static enum status choose(const struct checkpoint *ckpt, const struct prefixes *all, const struct prefix **raw,
                          const struct prefix **average)
{
    *raw = *average = NULL;
    for (int i = 0; i < all->n; i++) {
        const struct prefix *p = &all->list[i], **place = p->average ? average : raw;
        if (*place)
            return fail(E_UNSUPPORTED, "%s: it holds two networks, '%.*s' and '%.*s'; save one of them alone",
                        ckpt->path, (int)(*place)->length, (*place)->text, (int)p->length, p->text);
        *place = p;
    }
    return OK;
}

/* The tensors under a prefix under their official names; `out` has room for all. */
static enum status take(struct checkpoint *ckpt, const struct checkpoint_model *from, const struct prefixes *all,
                        const struct prefix *p, struct checkpoint_tensor *out, int *count)
{
    char name[NAME_SIZE];
    *count = 0;
    for (int i = 0; i < from->count; i++) {
        struct checkpoint_tensor t = from->tensors[i];
        if (is_dropped(t.name) || !belongs(all, p, t.name, name))
            continue;
        t.name = arena_strdup(&ckpt->arena, name);
        if (!t.name)
            return E_NOMEM;
        out[(*count)++] = t;
    }
    return OK;
}

/* What is neither the network nor its average nor known to be nothing. */
static void tell_aside(const struct checkpoint *ckpt, const struct checkpoint_model *m, const struct prefixes *all)
{
    char buffer[NAME_SIZE];
    int n = 0, first = -1;
    for (int i = 0; i < m->count; i++) {
        const char *name = m->tensors[i].name;
        bool known = naming_is_bookkeeping(name) || has_part(name, strlen(name), training_parts, COUNT(training_parts));
        for (int k = 0; k < all->n && !known; k++)
            known = belongs(all, &all->list[k], name, buffer);
        if (known)
            continue;
        first = first < 0 ? i : first;
        n++;
    }
    if (n)
        log_info("%s: %d %s beside the network %s left aside, the first is %s", ckpt->path, n,
                 noun(n, "tensor", "tensors"), noun(n, "is", "are"), m->tensors[first].name);
}

static enum status split(struct checkpoint *ckpt, struct checkpoint_model *model, const struct prefixes *prefixes,
                         const struct prefix *raw, const struct prefix *average, struct checkpoint_model **out)
{
    struct checkpoint_model all = *model;
    if (raw && average) {
        struct checkpoint_model *second = arena_alloc(&ckpt->arena, 1, sizeof *second);
        TRY(second ? OK : E_NOMEM);
        *second = all;
        second->tensors = arena_alloc(&ckpt->arena, (size_t)all.count, sizeof *second->tensors);
        TRY(second->tensors ? take(ckpt, &all, prefixes, average, second->tensors, &second->count) : E_NOMEM);
        TRY(checkpoint_index(ckpt, second));
        *out = second;
    }
    model->tensors = arena_alloc(&ckpt->arena, (size_t)all.count, sizeof *model->tensors);
    TRY(model->tensors ? take(ckpt, &all, prefixes, raw ? raw : average, model->tensors, &model->count) : E_NOMEM);
    TRY(checkpoint_index(ckpt, model));
    return OK;
}

/* Is there anything to leave out: counters, or tensors of no row ("criterion.weight")? */
static bool has_others(const struct checkpoint_model *m)
{
    for (int i = 0; i < m->count; i++) {
        if (is_dropped(m->tensors[i].name) || !is_in_row(m->tensors[i].name))
            return true;
    }
    return false;
}

enum status naming_apply(struct checkpoint *ckpt, struct checkpoint_model *model, struct checkpoint_model **average)
{
    struct prefixes all;
    const struct prefix *raw, *averaged;
    *average = NULL;
    TRY(refuse_foreign(ckpt, model));
    all.n = 0;
    for (int i = 0; i < COUNT(signatures) && !all.n; i++)
        TRY(find_prefixes(ckpt, model, &signatures[i], &all));
    TRY(choose(ckpt, &all, &raw, &averaged));
    const struct prefix *only = raw ? raw : averaged;
    bool official = only && !all.signature->rename && !only->bare && !only->length;
    if (only && !(official && all.n == 1 && !has_others(model))) {
        tell_aside(ckpt, model, &all);
        TRY(split(ckpt, model, &all, raw, averaged, average));
        if (all.signature->package && !ckpt->package)
            ckpt->package = all.signature->package;
        ckpt->reordered = all.signature->rename == rename_multimedia && only->heads.auxiliary >= 0;
    }
    return OK;
}

static bool same_shape(const struct checkpoint_tensor *a, const struct checkpoint_tensor *b)
{
    return a->rank == b->rank && !memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape);
}

bool naming_check_average(const struct checkpoint *ckpt, const struct checkpoint_model *raw,
                          const struct checkpoint_model *average)
{
    int missing = 0, wanted = 0;
    const char *first = NULL;
    for (int i = 0; i < raw->count; i++) {
        const struct checkpoint_tensor *t = &raw->tensors[i], *twin;
        if (strncmp(t->name, "model.", 6) != 0 || naming_is_bookkeeping(t->name))
            continue;
        wanted++;
        twin = checkpoint_find(average, t->name);
        if (twin && same_shape(t, twin))
            continue;
        first = first ? first : t->name;
        missing++;
    }
    if (missing)
        log_warn("%s: its averaged weights are not complete (%d of %d tensors are missing or of another shape, the "
                 "first is %s); the others are used",
                 ckpt->path, missing, wanted, first);
    return !missing;
}

/* Is a tensor's part of the name behind its row this one? One that ends in a dot begins it, others are all of it. */
static bool is_part(const char *rest, const char *part)
{
    const size_t n = strlen(part);
    return !strncmp(rest, part, n) && (part[n - 1] == '.' || !rest[n]);
}

const char *naming_guess(const struct checkpoint_model *model)
{
    for (int k = 0; k < COUNT(foreign_bodies); k++)
        for (int i = 0; i < model->count; i++) {
            const char *rest = model->tensors[i].name;
            if (strncmp(rest, "model.", 6) != 0)
                continue;
            rest += 6;
            rest += strspn(rest, "0123456789");
            if (*rest == '.' && is_part(rest + 1, foreign_bodies[k].part))
                return foreign_bodies[k].what;
        }
    return NULL;
}

bool naming_is_implicit(const char *name)
{
    return !strcmp(leaf_of(name), "implicit");
}

bool naming_is_folded_away(const char *name)
{
    return naming_is_implicit(name) || strstr(name, ".m2.") != NULL;
}
