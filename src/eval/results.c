#include "eval/results.h"

#include "core/log.h"
#include "core/mem.h"
#include "core/path.h"
#include "formats/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COCO_CLASSES = 80 };

/* 1..90 without 12, 26, 29, 30, 45, 66, 68, 69, 71, 83 (SPEC 12.6). */
static const int coco_ids[COCO_CLASSES] = {
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 27, 28, 31,
    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59,
    60, 61, 62, 63, 64, 65, 67, 70, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 84, 85, 86, 87, 88, 89, 90};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), e = strlen(end);
    return n >= e && !strcmp(text + n - e, end);
}

const int *results_category_ids(const struct dataset_yaml *yaml, enum dataset_split split, const struct dataset *d)
{
    const struct yaml_node *entry = yaml ? yaml->split[split] : NULL;
    if (d->category_ids)
        return d->category_ids;
    bool coco = d->nc == COCO_CLASSES && entry && entry->type == YAML_STRING && ends_with(entry->text, "val2017.txt");
    return coco ? coco_ids : NULL;
}

static double rounded(double x, double unit)
{
    return rint(x * unit) / unit;
}

enum status results_append(json_t *array, const struct dataset_image *image, const struct detection *detections,
                           int count, const int *category_ids)
{
    for (int i = 0; i < count; i++) {
        const struct detection *d = &detections[i];
        double x = (double)d->xyxy[0], y = (double)d->xyxy[1];
        json_t *entry = json_pack("{s:I, s:i, s:[f,f,f,f], s:f}", "image_id", (json_int_t)image->id, "category_id",
                                  category_ids ? category_ids[d->class] : d->class, "bbox", rounded(x, 1e3),
                                  rounded(y, 1e3), rounded((double)d->xyxy[2] - x, 1e3),
                                  rounded((double)d->xyxy[3] - y, 1e3), "score", rounded((double)d->score, 1e5));
        if (!entry || json_array_append_new(array, entry) != 0)
            return fail(E_NOMEM, "out of memory");
    }
    return OK;
}

/* --- reading --- */

struct entry {
    int image; /* of the dataset */
    int place; /* in the file: equal scores keep that order */
    struct detection detection;
};

struct key {
    int64_t id;
    char *stem;
    int image;
};

struct reader {
    const char *path;
    const struct dataset *dataset;
    const int *category_ids;
    struct key *by_id, *by_stem; /* sorted */
    struct entry *entries;
    size_t count;
    long unknown;
};

static int compare_ids(const void *a, const void *b)
{
    int64_t x = ((const struct key *)a)->id, y = ((const struct key *)b)->id;
    return x < y ? -1 : x > y;
}

static int compare_stems(const void *a, const void *b)
{
    return strcmp(((const struct key *)a)->stem, ((const struct key *)b)->stem);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    if (x->detection.score != y->detection.score)
        return x->detection.score > y->detection.score ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static enum status make_keys(struct reader *r)
{
    size_t n = (size_t)r->dataset->n_images;
    r->by_id = mem_calloc(n, sizeof *r->by_id);
    r->by_stem = mem_calloc(n, sizeof *r->by_stem);
    if (!r->by_id || !r->by_stem)
        return E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct dataset_image *image = &r->dataset->images[i];
        r->by_id[i] = (struct key){.id = image->id, .image = (int)i};
        r->by_stem[i] = (struct key){.stem = path_stem(image->path), .image = (int)i};
        if (!r->by_stem[i].stem)
            return E_NOMEM;
    }
    qsort(r->by_id, n, sizeof *r->by_id, compare_ids);
    qsort(r->by_stem, n, sizeof *r->by_stem, compare_stems);
    return OK;
}

/* Index of the picture, or -1. */
static int find_image(const struct reader *r, const json_t *id)
{
    size_t n = (size_t)r->dataset->n_images;
    struct key wanted = {.id = json_integer_value(id), .stem = (char *)(uintptr_t)json_string_value(id)};
    const struct key *found = json_is_integer(id)  ? bsearch(&wanted, r->by_id, n, sizeof wanted, compare_ids)
                              : json_is_string(id) ? bsearch(&wanted, r->by_stem, n, sizeof wanted, compare_stems)
                                                   : NULL;
    return found ? found->image : -1;
}

static int find_class(const struct reader *r, json_int_t category)
{
    if (!r->category_ids)
        return category >= 0 && category < r->dataset->nc ? (int)category : -1;
    for (int i = 0; i < r->dataset->nc; i++) {
        if (r->category_ids[i] == category)
            return i;
    }
    return -1;
}

static enum status read_entry(struct reader *r, const json_t *e, size_t i)
{
    const json_t *id = json_object_get(e, "image_id"), *category = json_object_get(e, "category_id");
    const json_t *box = json_object_get(e, "bbox"), *score = json_object_get(e, "score");
    struct entry *out = &r->entries[r->count];
    double b[4];
    if ((!json_is_integer(id) && !json_is_string(id)) || !json_is_integer(category) || json_array_size(box) != 4 ||
        !json_is_number(score))
        return fail(E_FORMAT, "%s: entry %zu: image_id, category_id, bbox [x, y, w, h] and score are needed", r->path,
                    i + 1);
    for (size_t k = 0; k < 4; k++) {
        if (!json_is_number(json_array_get(box, k)))
            return fail(E_FORMAT, "%s: entry %zu: bbox holds something that is no number", r->path, i + 1);
        b[k] = json_number_value(json_array_get(box, k));
    }
    int class = find_class(r, json_integer_value(category));
    if (class < 0)
        return fail(E_FORMAT, "%s: entry %zu: the dataset has no category %lld", r->path, i + 1,
                    (long long)json_integer_value(category));
    out->image = find_image(r, id);
    if (out->image < 0) {
        r->unknown++;
        return OK;
    }
    out->place = (int)i;
    out->detection = (struct detection){
        {(float)b[0], (float)b[1], (float)(b[0] + b[2]), (float)(b[1] + b[3])}, (float)json_number_value(score), class};
    r->count++;
    return OK;
}

/* COCO's 91 ids are used by tools that know COCO even where the dataset itself counts classes from 0. */
static void guess_ids(struct reader *r, const json_t *root)
{
    if (r->category_ids || r->dataset->nc != COCO_CLASSES)
        return;
    for (size_t i = 0; i < json_array_size(root); i++) {
        if (json_integer_value(json_object_get(json_array_get(root, i), "category_id")) >= COCO_CLASSES) {
            log_info("%s: category ids above 79: taken as COCO's 91", r->path);
            r->category_ids = coco_ids;
            return;
        }
    }
}

static enum status add_images(struct reader *r, int max_det, struct evaluation *e)
{
    enum status rc = OK;
    const struct dataset *d = r->dataset;
    int most = 1;
    for (int i = 0; i < d->n_images; i++)
        most = MAX(most, d->images[i].n_objects + d->images[i].n_crowds);
    struct eval_label *labels = mem_alloc((size_t)most, sizeof *labels);
    struct detection *detections = mem_alloc((size_t)max_det, sizeof *detections);
    if (!labels || !detections) {
        rc = E_NOMEM;
        goto cleanup;
    }
    size_t at = 0;
    for (int i = 0; i < d->n_images; i++) {
        int n = 0;
        for (; at < r->count && r->entries[at].image == i; at++) {
            if (n < max_det)
                detections[n++] = r->entries[at].detection;
        }
        TRY(evaluation_add(e, d->images[i].id, detections, n, labels, evaluation_labels(d, &d->images[i], labels)));
    }
cleanup:
    mem_free(labels);
    mem_free(detections);
    return rc;
}

enum status results_evaluate(const char *path, const struct dataset *d, const int *category_ids, int max_det,
                             struct evaluation *e, long *unknown)
{
    enum status rc = OK;
    json_t *root = NULL;
    struct reader r = {.path = path, .dataset = d, .category_ids = category_ids};
    TRY(json_read_file(path, NULL, &root));
    if (!json_is_array(root)) {
        rc = fail(E_FORMAT, "%s: not an array of detections", path);
        goto cleanup;
    }
    TRY(make_keys(&r));
    guess_ids(&r, root);
    r.entries = mem_calloc(json_array_size(root) + 1, sizeof *r.entries);
    if (!r.entries) {
        rc = E_NOMEM;
        goto cleanup;
    }
    for (size_t i = 0; i < json_array_size(root); i++)
        TRY(read_entry(&r, json_array_get(root, i), i));
    qsort(r.entries, r.count, sizeof *r.entries, compare_entries);
    TRY(add_images(&r, max_det, e));
    *unknown = r.unknown;
cleanup:
    for (int i = 0; r.by_stem && i < d->n_images; i++)
        mem_free(r.by_stem[i].stem);
    mem_free(r.by_id);
    mem_free(r.by_stem);
    mem_free(r.entries);
    json_decref(root);
    return rc;
}
