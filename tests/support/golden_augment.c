#include "support/golden_augment.h"

#include "core/mem.h"
#include "data/augment.h"
#include "support/golden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- what a case holds --- */

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* The log of draws; a single number is a list of one. */
static struct draws read_log(struct golden *g, const json_t *list)
{
    int n = (int)json_array_size(list);
    struct draw *log = arena_alloc(&g->arena, (size_t)n + 1, sizeof *log);
    for (int i = 0; log && i < n; i++) {
        const json_t *entry = json_array_get(list, (size_t)i), *value = json_array_get(entry, 1);
        int count = json_is_array(value) ? (int)json_array_size(value) : 1;
        double *values = arena_alloc(&g->arena, (size_t)count + 1, sizeof *values);
        for (int k = 0; values && k < count; k++)
            values[k] = json_number_value(json_is_array(value) ? json_array_get(value, (size_t)k) : value);
        log[i] = (struct draw){json_string_value(json_array_get(entry, 0)), values, count};
    }
    return draws_replay(log, n);
}

static struct perspective_range read_range(const json_t *hyp)
{
    return (struct perspective_range){number(hyp, "degrees"), number(hyp, "translate"), number(hyp, "scale"),
                                      number(hyp, "shear"), number(hyp, "perspective")};
}

/* BGR -> RGB: everything here works on RGB. */
static bool read_picture(struct golden *g, const char *name, struct image *img)
{
    const struct safetensor *t = golden_tensor(g, name);
    if (!t || t->rank != 3 || t->shape[2] != 3 || t->bytes != t->count) {
        golden_fault(g, "%s is not a picture", name);
        return false;
    }
    if (!golden_ok(g, image_init(img, (int)t->shape[0], (int)t->shape[1])))
        return false;
    const unsigned char *bytes = t->data;
    for (size_t i = 0; i < t->count; i++)
        img->data[i] = bytes[i - i % 3 + 2 - i % 3];
    return true;
}

/* hwc: the file holds (h, w, BGR), otherwise (RGB, h, w). */
static void compare_picture(struct golden *g, const char *name, const struct image *img, bool hwc, int tolerance)
{
    const struct safetensor *t = golden_tensor(g, name);
    size_t pixels = (size_t)img->h * (size_t)img->w;
    if (!t || t->rank != 3 || t->count != pixels * 3 || t->shape[hwc ? 0 : 1] != (size_t)img->h) {
        golden_fault(g, "%s has another size than ours (%d x %d)", name, img->w, img->h);
        return;
    }
    const unsigned char *bytes = t->data;
    int error = 0;
    for (size_t i = 0; i < pixels; i++) {
        for (size_t c = 0; c < 3; c++)
            error = MAX(error, abs(bytes[hwc ? 3 * i + 2 - c : c * pixels + i] - img->data[3 * i + c]));
    }
    golden_note(g, name, error, tolerance ? tolerance : 0.5);
}

static void compare_matrix(struct golden *g, const char *name, const double m[9])
{
    size_t count;
    const double *stored = golden_f64(g, name, &count);
    double largest = 0;
    for (size_t i = 0; stored && i < count; i++)
        largest = fmax(largest, fabs(stored[i]));
    if (stored && (count == 6 || count == 9))
        golden_compare_f64(g, name, m, count, 1e-9 * largest);
    else
        golden_fault(g, "%s is no matrix", name);
}

/* Rows of class, x1, y1, x2, y2. */
static void compare_labels(struct golden *g, const char *name, const struct labels *labels)
{
    float *rows = arena_alloc(&g->arena, (size_t)labels->count * 5 + 1, sizeof *rows);
    for (int i = 0; i < labels->count; i++) {
        rows[5 * i] = (float)labels->items[i].class;
        memcpy(rows + 5 * i + 1, labels->items[i].xyxy, sizeof labels->items[i].xyxy);
    }
    golden_compare_within(g, name, rows, (size_t)labels->count * 5, 1e-4);
}

/* --- perspective --- */

static bool read_targets(struct golden *g, size_t i, bool segments, struct labels *labels)
{
    size_t count, n_points = 0;
    const float *rows = golden_f32(g, golden_name(g, "targets%zu", i), &count);
    labels_clear(labels);
    for (size_t j = 0; rows && j < count / 5; j++) {
        const float *polygon = segments ? golden_f32(g, golden_name(g, "seg%zu.%zu", i, j), &n_points) : NULL;
        struct label *label;
        if (!golden_ok(g, labels_add(labels, polygon ? (int)n_points / 2 : 0, &label)))
            return false;
        label->class = (int)rows[5 * j];
        memcpy(label->xyxy, rows + 5 * j + 1, sizeof label->xyxy);
        if (polygon)
            memcpy(labels->points + label->first_point, polygon, n_points * sizeof *polygon);
    }
    return rows != NULL;
}

static void perspective_case(struct golden *g, size_t i, const json_t *one, struct image *src, struct image *dst,
                             struct labels *labels)
{
    const json_t *args = json_object_get(one, "args"), *border = json_object_get(args, "border");
    struct perspective_range range = read_range(args);
    struct draws d = read_log(g, json_object_get(one, "draws"));
    if (!read_picture(g, golden_name(g, "in%zu", i), src) ||
        !read_targets(g, i, json_is_true(json_object_get(one, "segments")), labels))
        return;
    struct perspective p = perspective_draw(&range, src->h, src->w, (int)json_integer_value(json_array_get(border, 0)),
                                            (int)json_integer_value(json_array_get(border, 1)), &d);
    golden_ok(g, draws_finish(&d));
    compare_matrix(g, golden_name(g, "M%zu#f64", i), p.m);
    if (golden_ok(g, perspective_warp(&p, src, dst)))
        compare_picture(g, golden_name(g, "out%zu", i), dst, true, 0);
    perspective_labels(&p, labels);
    compare_labels(g, golden_name(g, "out_targets%zu", i), labels);
}

int golden_perspective(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    struct image src = {0}, dst = {0};
    struct labels labels = {0};
    json_t *cases = golden_open(&g, path) ? golden_json(&g, "cases") : NULL;
    for (size_t i = 0; i < json_array_size(cases); i++)
        perspective_case(&g, i, json_array_get(cases, i), &src, &dst, &labels);
    image_free(&src);
    image_free(&dst);
    labels_free(&labels);
    return golden_close(&g, message, size, worst);
}

/* --- mosaic --- */

enum { MAX_PICTURES = 32 };

struct set {
    struct image images[MAX_PICTURES];
    struct picture items[MAX_PICTURES];
    struct dataset_object *objects;
    float (*points)[2];
    int n;
};

static enum status give_pixels(void *context, int index, struct picture_buffer *buffer, const struct image **out)
{
    const struct set *set = context;
    (void)buffer;
    *out = &set->images[index];
    return OK;
}

/* Two passes over labels<i> and segment<i>.<j>: count, then copy. */
static void read_labels(struct golden *g, bool segments, struct set *set)
{
    size_t n_objects = 0, n_points = 0, count, points;
    for (int pass = 0; pass < 2; pass++) {
        if (pass) {
            set->objects = arena_alloc(&g->arena, n_objects + 1, sizeof *set->objects);
            set->points = arena_alloc(&g->arena, n_points + 1, sizeof *set->points);
        }
        n_objects = n_points = 0;
        for (int i = 0; i < set->n; i++) {
            const float *rows = golden_f32(g, golden_name(g, "labels%d", i), &count);
            if (pass)
                set->items[i] =
                    (struct picture){set->images[i].h, set->images[i].w, set->objects + n_objects, (int)(count / 5)};
            for (size_t j = 0; rows && j < count / 5; j++, n_objects++) {
                points = 0;
                const float *polygon = segments ? golden_f32(g, golden_name(g, "segment%d.%zu", i, j), &points) : NULL;
                if (pass) {
                    struct dataset_object *o = &set->objects[n_objects];
                    *o = (struct dataset_object){
                        .class = (int)rows[5 * j], .n_points = (int)points / 2, .first_point = n_points};
                    memcpy(o->cxcywh, rows + 5 * j + 1, sizeof o->cxcywh);
                    if (polygon)
                        memcpy(set->points + n_points, polygon, points * sizeof *polygon);
                }
                n_points += points / 2;
            }
        }
    }
}

static void read_set(struct golden *g, struct set *set)
{
    const char *segments = golden_text(g, "segments");
    while (set->n < MAX_PICTURES && golden_has(g, golden_name(g, "image%d", set->n))) {
        if (!read_picture(g, golden_name(g, "image%d", set->n), &set->images[set->n]))
            return;
        set->n++;
    }
    read_labels(g, segments && !strcmp(segments, "true"), set);
}

static struct augment_config read_config(const json_t *hyp)
{
    return (struct augment_config){
        .hsv_h = number(hyp, "hsv_h"),
        .hsv_s = number(hyp, "hsv_s"),
        .hsv_v = number(hyp, "hsv_v"),
        .geometry = read_range(hyp),
        .flipud = number(hyp, "flipud"),
        .fliplr = number(hyp, "fliplr"),
        .mosaic = number(hyp, "mosaic"),
        .mixup = number(hyp, "mixup"),
        .copy_paste = number(hyp, "copy_paste"),
    };
}

/* Rows of 0, class, cx, cy, w, h. */
static void compare_targets(struct golden *g, const struct sample *s)
{
    float *rows = arena_alloc(&g->arena, (size_t)s->count * 6 + 1, sizeof *rows);
    for (int i = 0; i < s->count; i++) {
        rows[6 * i + 1] = (float)s->targets[i].class;
        memcpy(rows + 6 * i + 2, s->targets[i].cxcywh, sizeof s->targets[i].cxcywh);
    }
    golden_compare_within(g, "out_labels", rows, (size_t)s->count * 6, 1e-6);
}

static void run_function(struct golden *g, const struct augment *a, struct draws *d, struct augment_work *work,
                         struct sample *s)
{
    const char *function = golden_text(g, "function");
    int index = golden_int(g, "index");
    if (!function) {
        golden_fault(g, "no function is named");
    } else if (!strcmp(function, "getitem")) {
        if (!golden_ok(g, augment_sample(a, index, a->size, a->size, d, work, s)))
            return;
        compare_picture(g, "out_chw_rgb", &s->image, false, 1);
        compare_targets(g, s);
    } else if (!strcmp(function, "mosaic4") || !strcmp(function, "mosaic9")) {
        enum status rc = !strcmp(function, "mosaic4") ? augment_mosaic4(a, index, d, work, &s->image)
                                                      : augment_mosaic9(a, index, d, work, &s->image);
        if (!golden_ok(g, rc))
            return;
        compare_picture(g, "out_img", &s->image, true, 0);
        compare_labels(g, "out_labels", &work->labels);
    } else {
        golden_fault(g, "unknown function %s", function);
    }
    for (int i = 0; i < work->n_used; i++)
        compare_matrix(g, golden_name(g, "M%d#f64", i), work->used[i].m);
    if (golden_has(g, golden_name(g, "M%d#f64", work->n_used)))
        golden_fault(g, "one more matrix is stored than the %d used", work->n_used);
    golden_ok(g, draws_finish(d));
}

int golden_mosaic(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    struct set set = {.n = 0};
    struct augment_work work = {0};
    struct sample s = {0};
    if (golden_open(&g, path)) {
        read_set(&g, &set);
        struct pictures pictures = {set.items, set.n, (const float(*)[2])set.points, give_pixels, &set};
        struct augment a = {.config = read_config(golden_json(&g, "hyp")),
                            .size = golden_int(&g, "img_size"),
                            .mosaic = true,
                            .pictures = &pictures};
        struct draws d = read_log(&g, golden_json(&g, "draws"));
        if (!g.faults)
            run_function(&g, &a, &d, &work, &s);
    }
    augment_work_free(&work);
    sample_free(&s);
    for (int i = 0; i < set.n; i++)
        image_free(&set.images[i]);
    return golden_close(&g, message, size, worst);
}
