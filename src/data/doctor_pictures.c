/* Pictures one by one: decoded once, by several threads, a few at a time; and the copies among them. */
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/progress.h"
#include "core/rng.h"
#include "core/terminal.h"
#include "data/doctor_parts.h"
#include "data/look.h"
#include "detect/boxes.h"
#include "image/decode.h"
#include "image/kinds.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64, MAX_FILE_BYTES = 1 << 30, TIMES = 4 /* a picture may be so much larger, smaller, longer */ };

/* --- a look at each --- */

struct scratch {
    struct image image;
    struct buf file;
};

struct looking {
    struct doctor *d;
    struct scratch *scratch; /* [threads] */
    const bool *needed;      /* [n_facts] fast: another file has as many bytes */
    int first;
};

static void decode(struct doctor *d, int i, struct scratch *s, const char *path)
{
    struct picture_facts *f = &d->data.facts[i];
    struct look look;
    if (image_decode(s->file.data, s->file.size, path, &s->image) != OK) {
        f->fault = mem_strdup(fail_text());
        return;
    }
    look_of(&s->image, &look);
    f->decoded = true;
    f->flat = look.flat;
    f->grey = look.colourless;
    f->hash = look.hash;
    memcpy(d->looks[i], look.grey, sizeof(look.grey));
}

static void look_at_file(void *context, int part, int thread)
{
    struct looking *l = context;
    struct doctor *d = l->d;
    int i = l->first + part;
    struct picture_facts *f = &d->data.facts[i];
    struct scratch *s = &l->scratch[thread];
    struct file_map map;
    const char *path = d->splits[f->ref.split]->images[f->ref.image].path;
    if (f->same_as >= 0)
        return;
    if (d->config.fast && !l->needed[i]) {
        if (file_map_open(path, &map) == OK) {
            f->kind = image_kind_name(map.data, map.size);
            f->alpha = image_has_alpha(map.data, map.size);
            file_map_close(&map);
        }
        return;
    }
    if (file_read(path, MAX_FILE_BYTES, &s->file) != OK) {
        f->fault = mem_strdup(fail_text());
        return;
    }
    f->read = true;
    f->size = s->file.size;
    f->content = rng_hash_bytes(0, s->file.data, s->file.size);
    f->kind = image_kind_name(s->file.data, s->file.size);
    f->alpha = image_has_alpha(s->file.data, s->file.size);
    if (!d->config.fast)
        decode(d, i, s, path);
}

/* What is known of a file is known under each of its names. */
static void share_facts(struct doctor *d)
{
    for (int i = 0; i < d->data.n_facts; i++) {
        struct picture_facts *f = &d->data.facts[i], *first = f->same_as < 0 ? NULL : &d->data.facts[f->same_as];
        if (!first)
            continue;
        struct picture_facts own = *f;
        *f = *first;
        f->ref = own.ref;
        f->same_as = own.same_as;
        f->fault = NULL; /* told once */
        if (d->looks)
            memcpy(d->looks[i], d->looks[own.same_as], sizeof(d->looks[i]));
    }
}

static int compare_sizes(const void *a, const void *b)
{
    const struct picture_facts *x = *(const struct picture_facts *const *)a,
                               *y = *(const struct picture_facts *const *)b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    if (x->content != y->content)
        return x->content < y->content ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Facts of different files, those of equal size and content together; the number in *n. */
static struct picture_facts **sort_by_content(const struct doctor *d, int *n)
{
    struct picture_facts **sorted = mem_alloc((size_t)d->data.n_facts, sizeof(*sorted));
    *n = 0;
    for (int i = 0; sorted && i < d->data.n_facts; i++)
        if (d->data.facts[i].same_as < 0 && d->data.facts[i].file.inode)
            sorted[(*n)++] = &d->data.facts[i];
    if (sorted)
        qsort(sorted, (size_t)*n, sizeof(*sorted), compare_sizes);
    return sorted;
}

static enum status mark_equal_sizes(const struct doctor *d, bool *needed)
{
    int n;
    struct picture_facts **sorted = sort_by_content(d, &n);
    if (!sorted)
        return E_NOMEM;
    for (int i = 1; i < n; i++)
        if (sorted[i]->size == sorted[i - 1]->size)
            needed[sorted[i] - d->data.facts] = needed[sorted[i - 1] - d->data.facts] = true;
    mem_free(sorted);
    return OK;
}

static void look_at_all(struct looking *l)
{
    struct doctor *d = l->d;
    struct progress progress;
    if (d->config.progress)
        progress_start(&progress, "pictures", d->data.n_facts);
    for (; l->first < d->data.n_facts && !d->stopped; l->first += CHUNK) {
        team_run(d->config.team, MIN(CHUNK, d->data.n_facts - l->first), look_at_file, l);
        if (d->config.progress)
            progress_step(&progress, MIN(l->first + CHUNK, d->data.n_facts));
        d->stopped = d->config.stop && *d->config.stop;
    }
    if (d->config.progress)
        progress_end(&progress);
}

enum status doctor_look(struct doctor *d)
{
    enum status rc = OK;
    struct looking l = {.d = d};
    int threads = team_size(d->config.team);
    bool *needed = mem_calloc((size_t)d->data.n_facts, sizeof(*needed));
    l.scratch = mem_calloc((size_t)threads, sizeof(*l.scratch));
    if (!d->config.fast)
        d->looks = mem_calloc((size_t)d->data.n_facts, sizeof(*d->looks));
    TRY_CLEAN(needed && l.scratch && (d->looks || d->config.fast) ? OK : E_NOMEM);
    if (d->config.fast)
        TRY_CLEAN(mark_equal_sizes(d, needed));
    l.needed = needed;
    look_at_all(&l);
    share_facts(d);
cleanup:
    for (int t = 0; l.scratch && t < threads; t++) {
        image_free(&l.scratch[t].image);
        buf_free(&l.scratch[t].file);
    }
    mem_free(l.scratch);
    mem_free(needed);
    return rc;
}

/* --- what is odd about one --- */

static enum status add_sized(struct doctor *d, enum finding_kind kind, struct picture_ref ref)
{
    struct finding_item item = doctor_item(&d->data, ref);
    const struct dataset_image *image = &d->splits[ref.split]->images[ref.image];
    item.detail = arena_printf(&d->report.arena, "%d x %d", image->w, image->h);
    return item.detail ? finding_add(&d->report, kind, 1, &item) : E_NOMEM;
}

static enum status check_size(struct doctor *d, const struct picture_facts *f)
{
    const struct dataset_image *image = &d->splits[f->ref.split]->images[f->ref.image];
    int longer = MAX(image->w, image->h), shorter = MIN(image->w, image->h), img = d->config.img;
    struct finding_item item = doctor_item(&d->data, f->ref);
    if (longer * TIMES < img)
        TRY(add_sized(d, FINDING_SMALL_PICTURES, f->ref));
    if (longer > TIMES * img)
        TRY(add_sized(d, FINDING_LARGE_PICTURES, f->ref));
    if (longer > TIMES * shorter)
        TRY(add_sized(d, FINDING_LONG_PICTURES, f->ref));
    if (image->orientation > 1) {
        item.detail = arena_printf(&d->report.arena, "orientation %d", image->orientation);
        TRY(item.detail ? finding_add(&d->report, FINDING_ROTATED, 1, &item) : E_NOMEM);
    }
    return OK;
}

/* Does the name's ending fit the bytes? */
static bool suffix_fits(const char *path, const char *kind)
{
    const char *promised = image_kind_of_name(path);
    return !promised || !strcmp(kind, promised);
}

static enum status check_file(struct doctor *d, const struct picture_facts *f, bool mixed)
{
    struct finding_item item = doctor_item(&d->data, f->ref);
    if (f->fault) {
        item.detail = f->fault;
        item.sentence = true;
        TRY(finding_add(&d->report, FINDING_BAD_PICTURES, 1, &item));
        return OK;
    }
    if (f->decoded && f->flat)
        TRY(finding_add(&d->report, FINDING_FLAT, 1, &item));
    else if (f->decoded && f->grey && mixed)
        TRY(finding_add(&d->report, FINDING_GREY, 1, &item));
    if (f->alpha)
        TRY(finding_add(&d->report, FINDING_ALPHA, 1, &item));
    if (f->kind && !suffix_fits(item.path, f->kind)) {
        item.detail = arena_printf(&d->report.arena, "a %s file", f->kind);
        TRY(item.detail ? finding_add(&d->report, FINDING_WRONG_SUFFIX, 1, &item) : E_NOMEM);
    }
    return OK;
}

enum status doctor_check_pictures(struct doctor *d)
{
    int grey = 0, decoded = 0;
    for (int i = 0; i < d->data.n_facts; i++) {
        decoded += d->data.facts[i].decoded && !d->data.facts[i].flat;
        grey += d->data.facts[i].decoded && !d->data.facts[i].flat && d->data.facts[i].grey;
    }
    for (int i = 0; i < d->data.n_facts; i++) {
        if (d->data.facts[i].same_as >= 0)
            continue;
        TRY(check_size(d, &d->data.facts[i]));
        TRY(check_file(d, &d->data.facts[i], 2 * grey < decoded)); /* a grey set with a few colours is no mixture */
    }
    return OK;
}

/* --- copies --- */

/* Has each box of one picture a box of its class on the other that mostly covers it? */
static bool same_labels(const struct dataset *a, const struct dataset_image *x, const struct dataset *b,
                        const struct dataset_image *y)
{
    enum { MOST = 1000 };
    if (x->n_objects != y->n_objects)
        return false;
    for (int i = 0; i < x->n_objects && x->n_objects <= MOST; i++) {
        const struct dataset_object *o = &a->objects[x->first_object + (size_t)i];
        float box[4], other[4];
        bool found = false;
        box_cxcywh_to_xyxy(o->cxcywh, box);
        for (int k = 0; k < y->n_objects && !found; k++) {
            const struct dataset_object *p = &b->objects[y->first_object + (size_t)k];
            box_cxcywh_to_xyxy(p->cxcywh, other);
            found = p->class == o->class &&
                    (!memcmp(p->cxcywh, o->cxcywh, sizeof(o->cxcywh)) || box_iou(box, other, BOX_EPSILON) > 0.5f);
        }
        if (!found)
            return false;
    }
    return true;
}

static enum status check_conflict(struct doctor *d, struct picture_ref a, struct picture_ref b)
{
    const struct dataset *x = d->splits[a.split], *y = d->splits[b.split];
    const struct dataset_image *p = &x->images[a.image], *q = &y->images[b.image];
    if (same_labels(x, p, y, q))
        return OK;
    struct finding_item item = doctor_pair(&d->data, a, b);
    for (int i = 0; i < p->n_objects && i < ITEM_BOXES; i++)
        item.boxes[item.n_boxes++] = i;
    item.detail = arena_printf(&d->report.arena, "%d and %d %s", p->n_objects, q->n_objects,
                               noun(q->n_objects, "label", "labels"));
    return item.detail ? finding_add(&d->report, FINDING_CONFLICTS, 1, &item) : E_NOMEM;
}

enum status doctor_copies(struct doctor *d)
{
    enum status rc = OK;
    int n;
    struct picture_facts **sorted = sort_by_content(d, &n);
    TRY_CLEAN(sorted ? OK : E_NOMEM);
    for (int i = 1, first = 0; i < n; i++) {
        struct picture_facts *a = sorted[first], *b = sorted[i];
        if (!a->read || !b->read || a->size != b->size || a->content != b->content) {
            first = i;
            continue;
        }
        struct finding_item item = doctor_pair(&d->data, b->ref, a->ref);
        bool across = a->ref.split != b->ref.split;
        b->copy = true;
        TRY_CLEAN(finding_add(&d->report, across ? FINDING_COPIES_ACROSS : FINDING_COPIES_WITHIN, 1, &item));
        TRY_CLEAN(check_conflict(d, b->ref, a->ref));
    }
cleanup:
    mem_free(sorted);
    return rc;
}
