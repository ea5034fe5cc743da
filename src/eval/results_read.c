/* Detections of any tool, read as a stream and scored on a dataset. */
#include "core/class_names.h"
#include "core/identity.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/text.h"
#include "data/box_reach.h"
#include "eval/coco_ids.h"
#include "eval/results.h"
#include "formats/json.h"
#include "formats/json_items.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ENTRIES = 64 << 20, MAX_SIDE = 10000000 };

struct entry {
    int image;                  /* of the dataset */
    unsigned place;             /* in the file: equal scores keep that order */
    struct detection detection; /* its class is -1 - class where the name told it, else the category id */
};

struct number_key {
    int64_t number;
    int image;
};

struct results_reader {
    const char *path;
    const struct dataset *dataset;
    const struct results_options *options;
    const int *category_ids;
    struct arena arena;
    struct identity_index images;
    struct number_key *numbers; /* sorted; pictures without a number are left out */
    int n_numbers;
    struct number_key *categories; /* sorted: category id -> class */
    struct class_index classes;
    struct entry *entries;
    size_t count, capacity, place; /* place: of the entry being read, from 0 */
    int64_t highest_category;
    struct results_left *left;
};

static int compare_numbers(const void *a, const void *b)
{
    const struct number_key *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
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

/* The dataset's pictures by path and by number. */
static enum status index_images(struct results_reader *r)
{
    enum status rc = OK;
    const struct dataset *d = r->dataset;
    const char **paths = mem_alloc((size_t)d->n_images, sizeof *paths);
    r->numbers = arena_alloc(&r->arena, (size_t)d->n_images + 1, sizeof *r->numbers);
    TRY_CLEAN(paths && r->numbers ? OK : E_NOMEM);
    for (int i = 0; i < d->n_images; i++) {
        const struct dataset_image *image = &d->images[i];
        /* a number that two pictures have is none of theirs, but an entry that says it means one of them */
        int64_t number = image->number >= 0 ? image->number : identity_number(image->path);
        TRY_CLEAN((paths[i] = text_utf8(&r->arena, image->path)) ? OK : E_NOMEM); /* as results are written */
        if (number >= 0)
            r->numbers[r->n_numbers++] = (struct number_key){number, i};
    }
    if (r->n_numbers)
        qsort(r->numbers, (size_t)r->n_numbers, sizeof *r->numbers, compare_numbers);
    TRY_CLEAN(identity_index_make(paths, d->n_images, &r->arena, &r->images));
    TRY_CLEAN(class_index_make(d->names, d->nc, &r->arena, &r->classes));
cleanup:
    mem_free(paths);
    return rc;
}

static int find_number(const struct results_reader *r, int64_t number)
{
    const struct number_key wanted = {.number = number};
    const struct number_key *end = r->numbers + r->n_numbers;
    const struct number_key *found =
        r->n_numbers ? bsearch(&wanted, r->numbers, (size_t)r->n_numbers, sizeof wanted, compare_numbers) : NULL;
    if (!found)
        return IDENTITY_UNKNOWN;
    bool twin = (found > r->numbers && found[-1].number == number) || (found + 1 < end && found[1].number == number);
    return twin ? IDENTITY_AMBIGUOUS : found->image;
}

static int find_text(const struct results_reader *r, const char *text)
{
    int found = identity_index_find(&r->images, text);
    size_t digits = strspn(text, "0123456789");
    if (found == IDENTITY_UNKNOWN && digits && digits <= 18 && !text[digits])
        found = find_number(r, strtoll(text, NULL, 10));
    return found;
}

static enum status find_image(const struct results_reader *r, const json_t *e, int *image)
{
    const json_t *name = json_object_get(e, "image"), *id = json_object_get(e, "image_id");
    int64_t number = -1;
    *image = IDENTITY_UNKNOWN;
    if (json_is_string(name))
        *image = find_text(r, json_string_value(name));
    if (*image == IDENTITY_UNKNOWN && json_is_string(id))
        *image = find_text(r, json_string_value(id));
    else if (*image == IDENTITY_UNKNOWN && json_whole_number(id, &number))
        *image = find_number(r, number);
    else if (*image == IDENTITY_UNKNOWN && !json_is_string(name))
        return fail(E_FORMAT, "%s: entry %zu: image_id, category_id, bbox [x, y, w, h] and score are needed", r->path,
                    r->place + 1);
    if (*image != IDENTITY_AMBIGUOUS)
        return OK;
    if (json_is_string(name) || json_is_string(id))
        return fail(E_ARGUMENT,
                    "%s: entry %zu: two pictures of the dataset are called '%s'; names with their folders tell them "
                    "apart (a/%s)",
                    r->path, r->place + 1, json_string_value(json_is_string(name) ? name : id),
                    json_string_value(json_is_string(name) ? name : id));
    return fail(E_ARGUMENT,
                "%s: entry %zu: two pictures of the dataset have the number %lld; image_id as text with the folder "
                "tells them apart (\"a/%lld\")",
                r->path, r->place + 1, (long long)number, (long long)number);
}

static enum status read_box(const struct results_reader *r, const json_t *e, struct detection *out)
{
    const json_t *box = json_object_get(e, "bbox"), *score = json_object_get(e, "score");
    double b[4];
    if (json_array_size(box) != 4 || !json_is_number(score))
        return fail(E_FORMAT, "%s: entry %zu: image_id, category_id, bbox [x, y, w, h] and score are needed", r->path,
                    r->place + 1);
    for (size_t k = 0; k < 4; k++) {
        if (!json_is_number(json_array_get(box, k)))
            return fail(E_FORMAT, "%s: entry %zu: bbox holds something that is no number", r->path, r->place + 1);
        b[k] = json_number_value(json_array_get(box, k));
        if (!(fabs(b[k]) < MAX_SIDE) || (k >= 2 && b[k] < 0))
            return fail(E_FORMAT, "%s: entry %zu: bbox is x, y, width, height in pixels; %.10g is none", r->path,
                        r->place + 1, b[k]);
    }
    *out = (struct detection){
        {(float)b[0], (float)b[1], (float)(b[0] + b[2]), (float)(b[1] + b[3])}, (float)json_number_value(score), 0};
    return OK;
}

/* The name decides where it is there; ids are mapped when all are known. */
static enum status read_class(struct results_reader *r, const json_t *e, int *class)
{
    const char *name = json_string_value(json_object_get(e, "category"));
    const json_t *category = json_object_get(e, "category_id");
    int64_t id = 0;
    if (r->options->single_class) {
        *class = -1;
        return OK;
    }
    int named = name && r->dataset->named ? class_index_find(&r->classes, name, NULL) : -1;
    if (named >= 0) {
        *class = -1 - named;
        return OK;
    }
    if (name && r->dataset->named)
        return fail(E_ARGUMENT, "%s: entry %zu: the dataset has no class '%.*s'", r->path, r->place + 1,
                    CLASS_NAME_MAX_BYTES, name);
    if (!json_whole_number(category, &id))
        return fail(E_FORMAT, "%s: entry %zu: image_id, category_id, bbox [x, y, w, h] and score are needed", r->path,
                    r->place + 1);
    if (id < 0 || id > INT32_MAX)
        return fail(E_FORMAT, "%s: entry %zu: the dataset has no category %lld", r->path, r->place + 1, (long long)id);
    r->highest_category = MAX(r->highest_category, id);
    *class = (int)id;
    return OK;
}

/* What the entry calls its picture: the first of the unknown is told. */
static void keep_example(struct results_reader *r, const json_t *e)
{
    const json_t *name = json_object_get(e, "image"), *id = json_object_get(e, "image_id");
    if (!r->left->example) {
        char *text = json_dumps(json_is_string(name) ? name : id, JSON_ENCODE_ANY);
        r->left->example = text ? mem_strdup(text) : NULL;
        free(text);
    }
}

static enum status read_entry(struct results_reader *r, const json_t *e)
{
    struct entry *out = &r->entries[r->count];
    if (!json_is_object(e))
        TRY(fail(E_FORMAT, "%s: entry %zu: not an object with image_id, category_id, bbox and score", r->path,
                 r->place + 1));
    TRY(read_box(r, e, &out->detection));
    TRY(find_image(r, e, &out->image));
    TRY(read_class(r, e, &out->detection.class));
    out->place = (unsigned)r->place;
    if (out->image >= 0) {
        r->count++;
    } else {
        r->left->unknown++;
        keep_example(r, e);
    }
    return OK;
}

/* The file twice: first only the number of entries, so that memory is taken once. */
static enum status read_entries(struct results_reader *r)
{
    enum status rc = OK;
    struct json_items items = {0};
    json_t *item = NULL;
    TRY_CLEAN(json_items_open(r->path, &items));
    TRY_CLEAN(json_items_count(&items, &r->capacity));
    json_items_close(&items);
    if (r->capacity > MAX_ENTRIES)
        TRY_CLEAN(fail(E_LIMIT, "%s: %zu detections, more than %d", r->path, r->capacity, MAX_ENTRIES));
    TRY_CLEAN((r->entries = mem_alloc(r->capacity + 1, sizeof *r->entries)) ? OK : E_NOMEM);
    TRY_CLEAN(json_items_open(r->path, &items));
    for (; r->place < r->capacity; r->place++) {
        TRY_CLEAN(json_items_next(&items, &item));
        if (!item)
            break; /* it became shorter while it was read */
        TRY_CLEAN(read_entry(r, item));
        json_decref(item);
        item = NULL;
    }
    r->left->detections = r->place;
cleanup:
    json_decref(item);
    json_items_close(&items);
    return rc;
}

/* Category ids to classes. COCO's 91 ids are used by tools that know COCO even where the dataset itself counts classes
 * from 0. */
static enum status map_classes(struct results_reader *r)
{
    const int nc = r->dataset->nc;
    if (!r->category_ids && nc == COCO_CLASSES && r->highest_category >= COCO_CLASSES) {
        log_info("%s: category ids above 79: taken as COCO's 91", r->path);
        r->category_ids = coco_ids;
    }
    r->categories = arena_alloc(&r->arena, (size_t)nc, sizeof *r->categories);
    if (!r->categories)
        return E_NOMEM;
    for (int c = 0; c < nc; c++)
        r->categories[c] =
            (struct number_key){r->category_ids && !r->options->single_class ? r->category_ids[c] : c, c};
    qsort(r->categories, (size_t)nc, sizeof *r->categories, compare_numbers);
    for (size_t i = 0; i < r->count; i++) {
        int *class = &r->entries[i].detection.class;
        const struct number_key wanted = {.number = *class};
        const struct number_key *found =
            *class < 0 ? NULL : bsearch(&wanted, r->categories, (size_t)nc, sizeof wanted, compare_numbers);
        if (*class >= 0 && !found)
            return fail(E_FORMAT, "%s: entry %u: the dataset has no category %d", r->path, r->entries[i].place + 1,
                        *class);
        *class = found ? found->image : -1 - *class;
    }
    return OK;
}

/* A score of boxes that are not in the form that is expected says nothing about them. */
static enum status check_scale(const struct results_reader *r)
{
    bool pixels = false;
    for (size_t i = 0; i < r->count; i++) {
        const float *b = r->entries[i].detection.xyxy;
        const struct dataset_image *image = &r->dataset->images[r->entries[i].image];
        struct box_reach reach = box_reach((const float[4]){b[0], b[1], b[2] - b[0], b[3] - b[1]}, image->w, image->h);
        pixels |= !reach.within_a_pixel;
        r->left->beyond += reach.beyond;
    }
    if (r->count && !pixels)
        return fail(E_FORMAT, "%s: every box lies within one pixel: " BOX_IN_PIXELS, r->path);
    return OK;
}

static enum status add_images(struct results_reader *r, struct evaluation *e)
{
    enum status rc = OK;
    const struct dataset *d = r->dataset;
    const int max_det = r->options->max_det;
    int most = 1;
    for (int i = 0; i < d->n_images; i++)
        most = MAX(most, d->images[i].n_objects + d->images[i].n_crowds);
    struct eval_label *labels = mem_alloc((size_t)most, sizeof *labels);
    struct detection *detections = mem_alloc((size_t)max_det, sizeof *detections);
    TRY_CLEAN(labels && detections ? OK : E_NOMEM);
    TRY_CLEAN(evaluation_reserve(e, r->count));
    size_t at = 0;
    for (int i = 0; i < d->n_images; i++) {
        int n = 0;
        for (; at < r->count && r->entries[at].image == i; at++) {
            if (n < max_det)
                detections[n++] = r->entries[at].detection;
            else
                r->left->surplus++;
        }
        TRY_CLEAN(
            evaluation_add(e, d->images[i].id, detections, n, labels, evaluation_labels(d, &d->images[i], labels)));
    }
cleanup:
    mem_free(labels);
    mem_free(detections);
    return rc;
}

enum status results_evaluate(const char *path, const struct dataset *d, const struct results_options *options,
                             struct evaluation *e, struct results_left *left)
{
    enum status rc = OK;
    struct results_reader r = {
        .path = path, .dataset = d, .options = options, .category_ids = options->category_ids, .left = left};
    *left = (struct results_left){0};
    arena_init(&r.arena);
    TRY_CLEAN(index_images(&r));
    TRY_CLEAN(read_entries(&r));
    if (left->unknown && left->unknown == left->detections)
        TRY_CLEAN(
            fail(E_ARGUMENT,
                 "%s: none of its %zu detections belongs to a picture of the dataset (the first is of picture %s, the "
                 "dataset has %s)",
                 path, left->detections, left->example ? left->example : "?", d->images[0].name));
    TRY_CLEAN(map_classes(&r));
    TRY_CLEAN(check_scale(&r));
    if (r.count)
        qsort(r.entries, r.count, sizeof *r.entries, compare_entries);
    TRY_CLEAN(add_images(&r, e));
cleanup:
    arena_free(&r.arena);
    mem_free(r.entries);
    if (rc != OK) {
        mem_free(left->example);
        left->example = NULL;
    }
    return rc;
}
