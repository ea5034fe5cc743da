/* COCO annotation files as they come: pictures, boxes, crowds and areas, without a conversion step. Polygons and
 * run-length masks are passed over before the text is parsed: they are nine tenths of the file and no box needs them.
 */
#include "core/file.h"
#include "core/path.h"
#include "core/terminal.h"
#include "data/box_reach.h"
#include "data/coco.h"
#include "formats/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME_BYTES = 1000 };

static const size_t MAX_TEXT_BYTES = (size_t)2 << 30;

/* Skip a string that starts at `at` ('"'); returns the place behind it, or `end`. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\' && at + 1 < end;
    return at < end ? at + 1 : end;
}

static const char *skip_blank(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at))
        at++;
    return at;
}

/* Skip a JSON value by its brackets alone; newlines are counted so that line numbers stay right. */
static const char *skip_value(const char *at, const char *end, int *newlines)
{
    long depth = 0;
    while (at < end) {
        char c = *at;
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        *newlines += c == '\n';
        if (c == '"') {
            at = skip_string(at, end);
            continue;
        }
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        at++;
    }
    return at;
}

/* Replace every value of the member "segmentation" by 0, in place. Text that is no JSON comes out as no JSON. */
static void drop_segmentations(struct buf *text)
{
    static const char key[] = "\"segmentation\"";
    const char *at = text->data, *end = text->data + text->size;
    char *to = text->data;
    while (at < end) {
        if (*at != '"') {
            *to++ = *at++;
            continue;
        }
        const char *stop = skip_string(at, end), *colon = skip_blank(stop, end);
        bool drop = stop - at == sizeof(key) - 1 && !memcmp(at, key, sizeof(key) - 1) && colon < end && *colon == ':';
        memmove(to, at, (size_t)(stop - at));
        to += stop - at;
        at = stop;
        if (drop) {
            int newlines = 0;
            const char *value = skip_blank(colon + 1, end), *behind = skip_value(value, end, &newlines);
            if (behind - at < 2 + newlines)
                continue; /* no room for ":0": not a value */
            *to++ = ':';
            *to++ = '0';
            for (; newlines; newlines--)
                *to++ = '\n';
            at = behind;
        }
    }
    text->size = (size_t)(to - text->data);
    *to = 0;
}

/* "instances_val2017.json" -> "val2017": the usual name of the picture folder. Heap. */
static char *subset_name(const char *file)
{
    char *stem = path_stem(file), *last = stem ? strrchr(stem, '_') : NULL;
    char *subset = stem ? mem_strdup(last ? last + 1 : stem) : NULL;
    mem_free(stem);
    return subset;
}

/* Pictures that are looked for before the folder is given up: some may be missing. */
enum { PROBES = 20 };

/* The folder in which the pictures lie: beside the file or its folder, in images/, in the subset's own folder, or where
 * the YAML looks. Leading parts of file names that lead nowhere are dropped. */
static enum status search_folder(struct annotations *a, const struct places *places, const json_t *images)
{
    enum status rc = OK;
    for (size_t i = 0; i < MIN(json_array_size(images), (size_t)PROBES); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(images, i), "file_name"));
        int drop = 0;
        char *path = name && *name ? places_search(places, name, &drop) : NULL;
        if (!path)
            continue;
        size_t rest = strlen(place_rest(name, drop)), n = strlen(path);
        if (drop)
            rc = loading_note(a->l, "%s: '%.*s' leads nowhere and is left out of its file names: %s is used for %s",
                              a->file, (int)(strlen(name) - rest), name, path, name);
        path[n > rest && place_rest(name, drop)[0] != '/' ? n - rest : 0] = 0;
        a->folder = path;
        a->drop = drop;
        return rc;
    }
    const char *name = json_string_value(json_object_get(json_array_get(images, 0), "file_name"));
    if (a->l->options->no_pixels)
        return (a->folder = mem_strdup("")) ? OK : E_NOMEM;
    char *where = places_text(places);
    fail(E_IO, "%s: its picture %s is not there (looked in %s)", a->file, name ? name : "", where ? where : "");
    mem_free(where);
    return E_IO;
}

static enum status find_folder(struct annotations *a, const json_t *images)
{
    char *here = path_parent(a->file), *subset = subset_name(a->file), *up = NULL;
    char *made[6] = {NULL};
    struct places places = {0};
    enum status rc = here && subset ? OK : E_NOMEM;
    TRY_CLEAN(rc);
    const bool climbs = !strcmp(here, "/") || !strcmp(here, ".") || !strcmp(path_name(here), "..");
    up = climbs ? path_join(here, "..") : path_parent(here);
    char *up_images = made[0] = up ? place_join(up, "images") : NULL;
    char *here_images = made[1] = place_join(here, "images");
    TRY_CLEAN(up_images && here_images ? OK : E_NOMEM);
    made[2] = place_join(up_images, subset);
    made[3] = place_join(up, subset);
    made[4] = place_join(here, subset);
    made[5] = place_join(here_images, subset);
    const char *const order[] = {made[2], made[3], up, made[4], here, here_images, up_images, made[5]};
    for (int i = 0; i < COUNT(order); i++)
        places_add(&places, order[i]);
    for (int i = 0; i < a->l->places.n; i++)
        places_add(&places, a->l->places.folders[i]);
    TRY_CLEAN(search_folder(a, &places, images));
cleanup:
    for (int i = 0; i < COUNT(made); i++)
        mem_free(made[i]);
    mem_free(here);
    mem_free(up);
    mem_free(subset);
    return rc;
}

/* Heap; a picture that is not there keeps the name it would have, with slashes. */
static char *picture_path(const struct annotations *a, const char *name)
{
    struct places places = {0};
    size_t n = strlen(a->folder);
    places_add(&places, n ? a->folder : ".");
    char *path = places_find(&places, name, a->drop);
    if (!path && (path = place_join(a->folder, place_rest(name, a->drop))))
        for (char *at = path; (at = strchr(at, '\\'));)
            *at = '/';
    return path;
}

static int whole_number(const json_t *object, const char *key)
{
    double x = json_number_value(json_object_get(object, key));
    return x >= 1 && x <= 1e6 ? (int)x : 0;
}

static enum status read_pictures(struct annotations *a)
{
    enum status rc = OK;
    const json_t *list;
    char *path = NULL;
    a->first = a->l->count;
    TRY_CLEAN(coco_list(a, "images", &list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *image = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(image, "file_name"));
        if (!name || !*name || strlen(name) > MAX_NAME_BYTES) {
            rc = fail(E_FORMAT, "%s: images[%zu] has no usable file_name", a->file, i);
            goto cleanup;
        }
        if (!a->folder)
            TRY_CLEAN(find_folder(a, list));
        struct loading_picture *p = loading_add(a->l);
        TRY_CLEAN(p ? OK : E_NOMEM);
        TRY_CLEAN(coco_id(a, image, "images", i, "id", &p->id));
        path = picture_path(a, name);
        TRY_CLEAN(path && (p->path = arena_strdup(&a->l->d->arena, path)) ? OK : E_NOMEM);
        mem_free(path);
        path = NULL;
        p->told_w = whole_number(image, "width");
        p->told_h = whole_number(image, "height");
    }
cleanup:
    mem_free(path);
    return rc;
}

static int compare_ids(const void *a, const void *b)
{
    const struct loading_picture *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static enum status sort_pictures(struct annotations *a)
{
    struct loading_picture *p = a->l->pictures + a->first;
    int n = a->l->count - a->first;
    if (n)
        qsort(p, (size_t)n, sizeof(*p), compare_ids);
    for (int i = 1; i < n; i++)
        if (p[i].id == p[i - 1].id)
            return fail(E_FORMAT, "%s: image id %lld stands twice", a->file, (long long)p[i].id);
    return OK;
}

static enum status read_box(const struct annotations *a, const json_t *annotation, size_t index,
                            struct dataset_object *o)
{
    const json_t *box = json_object_get(annotation, "bbox"), *area = json_object_get(annotation, "area");
    for (size_t k = 0; k < 4; k++) {
        const json_t *x = json_array_get(box, k);
        if (json_array_size(box) != 4 || !json_is_number(x) || !(fabs(json_number_value(x)) < 1e6))
            return fail(E_FORMAT, "%s: annotations[%zu] has no bbox of four numbers", a->file, index);
        o->cxcywh[k] = (float)json_number_value(x);
    }
    o->area = json_is_number(area) ? json_number_value(area) : (double)o->cxcywh[2] * o->cxcywh[3];
    return OK;
}

/* One annotation to its picture and class; `crowd` says where it belongs. */
static enum status read_annotation(struct annotations *a, const json_t *annotation, size_t index,
                                   struct loading_picture **picture, struct dataset_object *o, bool *crowd)
{
    struct loading_picture wanted = {.id = -1};
    int64_t id = -1;
    int n = a->l->count - a->first;
    *o = (struct dataset_object){.class = 0};
    TRY(coco_id(a, annotation, "annotations", index, "image_id", &wanted.id));
    TRY(coco_id(a, annotation, "annotations", index, "category_id", &id));
    *picture = n ? bsearch(&wanted, a->l->pictures + a->first, (size_t)n, sizeof(wanted), compare_ids) : NULL;
    const struct category *category = coco_find_category(a, id);
    if (!*picture)
        return fail(E_FORMAT, "%s: annotations[%zu] belongs to image %lld, which is not listed", a->file, index,
                    (long long)wanted.id);
    const json_t *flag = json_object_get(annotation, "iscrowd");
    int64_t number;
    *crowd = json_is_true(flag) || (json_whole_number(flag, &number) && number);
    o->class = a->l->options->single_class ? 0 : category->class;
    TRY(read_box(a, annotation, index, o));
    return OK;
}

/* Three rounds over the annotations: count, then labels, then crowds, so that crowds stand last. */
static enum status read_objects(struct annotations *a)
{
    const json_t *list;
    struct loading_picture *p;
    struct dataset_object o;
    bool crowd;
    TRY(coco_list(a, "annotations", &list));
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++) {
        TRY(read_annotation(a, json_array_get(list, i), i, &p, &o, &crowd));
        p->rows.n_objects++;
    }
    for (int i = a->first; i < a->l->count; i++) {
        struct label_rows *rows = &a->l->pictures[i].rows;
        rows->objects = rows->n_objects ? mem_alloc((size_t)rows->n_objects, sizeof(o)) : NULL;
        TRY(rows->objects || !rows->n_objects ? OK : E_NOMEM);
        rows->n_objects = 0;
    }
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < n; i++) {
            TRY(read_annotation(a, json_array_get(list, i), i, &p, &o, &crowd));
            if (crowd != (round == 1))
                continue;
            p->rows.objects[p->rows.n_objects++] = o;
            p->n_crowds += crowd;
        }
    return OK;
}

/* Boxes that are not what they should be: parts of the picture instead of pixels are refused, because nothing would be
 * learned or found; what reaches beyond its picture by more than rounding is cut to it and counted. */
static enum status check_scale(const struct annotations *a)
{
    long boxes = 0, beyond = 0;
    bool pixels = false;
    const char *example = NULL;
    for (int i = a->first; i < a->l->count; i++) {
        const struct loading_picture *p = &a->l->pictures[i];
        for (int k = 0; k < p->rows.n_objects; k++) {
            const float *b = p->rows.objects[k].cxcywh; /* still x, y, width, height */
            struct box_reach reach = box_reach(b, p->told_w, p->told_h);
            boxes++;
            pixels |= !reach.within_a_pixel;
            if (reach.beyond)
                example = beyond++ ? example : p->path;
        }
    }
    if (boxes && !pixels)
        return fail(E_FORMAT, "%s: every box lies within one pixel: " BOX_IN_PIXELS, a->file);
    if (!beyond)
        return OK;
    return loading_note(a->l, "%s: %ld of %ld boxes reach%s beyond the picture and %s cut to it (%s)%s", a->file,
                        beyond, boxes, noun(beyond, "es", ""), noun(beyond, "is", "are"), example,
                        2 * beyond > boxes ? "; " BOX_NO_CORNERS : "");
}

enum status loading_add_annotations(struct loading *l, const char *path)
{
    enum status rc = OK;
    struct buf text = {0};
    struct annotations a = {.file = path, .l = l};
    l->annotations = true;
    l->folders_only = false;
    TRY_CLEAN(file_read_text(path, MAX_TEXT_BYTES, &text));
    drop_segmentations(&text);
    TRY_CLEAN(json_read_memory(path, text.data, text.size, NULL, &a.root));
    buf_free(&text);
    TRY_CLEAN(coco_read_categories(&a));
    TRY_CLEAN(read_pictures(&a));
    TRY_CLEAN(sort_pictures(&a));
    TRY_CLEAN(read_objects(&a));
    TRY_CLEAN(check_scale(&a));
cleanup:
    json_decref(a.root);
    mem_free(a.folder);
    buf_free(&text);
    return rc;
}
