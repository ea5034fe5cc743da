#include "support/golden_image.h"

#include "image/hsv.h"
#include "image/letterbox.h"
#include "image/resize.h"
#include "image/warp.h"
#include "support/golden.h"

#include <stdlib.h>
#include <string.h>

/* A (h, w, 3) tensor as a picture; false with a fault noted. */
static bool get_image(struct golden *g, const char *name, struct image *img)
{
    const struct safetensor *t = golden_tensor(g, name);
    if (!t)
        return false;
    if (t->rank != 3 || t->shape[2] != 3 || t->bytes != t->count) {
        golden_fault(g, "%s is not a picture", name);
        return false;
    }
    if (!golden_ok(g, image_init(img, (int)t->shape[0], (int)t->shape[1])))
        return false;
    memcpy(img->data, t->data, t->count);
    return true;
}

static void compare_image(struct golden *g, const char *name, const struct image *img)
{
    const struct safetensor *t = golden_tensor(g, name);
    if (!t)
        return;
    if (t->rank != 3 || (int)t->shape[0] != img->h || (int)t->shape[1] != img->w)
        golden_fault(g, "%s is %zu x %zu, ours is %d x %d", name, t->shape[0], t->shape[1], img->h, img->w);
    else
        golden_compare_bytes(g, name, img->data, t->count);
}

static void compare_pair(struct golden *g, const char *what, const json_t *pair, double first, double second)
{
    golden_compare_number(g, what, first, json_number_value(json_array_get(pair, 0)), 1e-6);
    golden_compare_number(g, what, second, json_number_value(json_array_get(pair, 1)), 1e-6);
}

static bool flag(const json_t *args, const char *key, bool absent)
{
    const json_t *value = json_object_get(args, key);
    return value ? json_is_true(value) : absent;
}

static struct letterbox_options letterbox_args(const json_t *args)
{
    const json_t *shape = json_object_get(args, "new_shape"), *stride = json_object_get(args, "stride");
    struct letterbox_options o = {
        .h = (int)json_integer_value(json_is_array(shape) ? json_array_get(shape, 0) : shape),
        .w = (int)json_integer_value(json_is_array(shape) ? json_array_get(shape, 1) : shape),
        .stride = stride ? (int)json_integer_value(stride) : 32,
        .rect = flag(args, "auto", true),
        .stretch = flag(args, "scaleFill", false),
        .no_grow = !flag(args, "scaleup", true),
    };
    return o;
}

int golden_letterbox(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    struct image src = {0}, dst = {0};
    json_t *cases = golden_open(&g, path) ? golden_json(&g, "cases") : NULL, *one;
    size_t i;
    json_array_foreach(cases, i, one)
    {
        struct letterbox_options o = letterbox_args(json_object_get(one, "args"));
        if (!get_image(&g, golden_name(&g, "in%zu", i), &src))
            continue;
        struct letterbox box = letterbox_plan(src.h, src.w, &o);
        if (golden_ok(&g, image_letterbox(&src, &box, &dst)))
            compare_image(&g, golden_name(&g, "out%zu", i), &dst);
        compare_pair(&g, "ratio", json_object_get(one, "ratio"), box.ratio_w, box.ratio_h);
        compare_pair(&g, "pad", json_object_get(one, "pad"), box.pad_w, box.pad_h);
    }
    image_free(&src);
    image_free(&dst);
    return golden_close(&g, message, size, worst);
}

int golden_resize(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    struct image src = {0}, dst = {0};
    json_t *cases = golden_open(&g, path) ? golden_json(&g, "cases") : NULL, *one;
    size_t i;
    json_array_foreach(cases, i, one)
    {
        int target = (int)json_integer_value(json_object_get(one, "img_size")), h, w;
        enum load_rule rule = flag(one, "augment", false) ? LOAD_LINEAR : LOAD_AREA;
        enum resize_filter filter;
        if (!get_image(&g, golden_name(&g, "in%zu", i), &src))
            continue;
        load_size(src.h, src.w, target, rule, &h, &w, &filter);
        const char *interp = json_string_value(json_object_get(one, "interp"));
        if (!interp || strcmp(interp, filter == RESIZE_LINEAR ? "linear" : "area") != 0)
            golden_fault(&g, "case %zu: the other filter, not %s", i, interp ? interp : "?");
        if (golden_ok(&g, image_load_resize(&src, target, rule, &dst)))
            compare_image(&g, golden_name(&g, "out%zu", i), &dst);
    }
    image_free(&src);
    image_free(&dst);
    return golden_close(&g, message, size, worst);
}

static void swap_red_and_blue(struct image *img)
{
    uint8_t *p = img->data, *end = p + (size_t)img->h * (size_t)img->w * 3;
    for (; p < end; p += 3) {
        uint8_t keep = p[0];
        p[0] = p[2];
        p[2] = keep;
    }
}

static void hsv_case(struct golden *g, size_t i, const json_t *one, const json_t *gains, struct image *img,
                     struct image *hsv)
{
    const json_t *draw = json_array_get(json_array_get(json_object_get(one, "draws"), 0), 1);
    double r[3];
    for (size_t k = 0; k < 3; k++)
        r[k] = json_number_value(json_array_get(draw, k)) * json_number_value(json_array_get(gains, k)) + 1;
    if (!get_image(g, golden_name(g, "in%zu", i), img) || !golden_ok(g, image_init(hsv, img->h, img->w)))
        return;
    swap_red_and_blue(img);
    rgb_to_hsv(img->data, (size_t)img->h * (size_t)img->w, hsv->data);
    compare_image(g, golden_name(g, "hsv%zu", i), hsv);
    hsv_adjust(img, r[0], r[1], r[2]);
    swap_red_and_blue(img);
    const char *name = golden_name(g, "out%zu", i);
    size_t count;
    const unsigned char *stored = golden_u8(g, name, &count);
    int error = 0;
    for (size_t k = 0; stored && k < count; k++)
        error = MAX(error, abs(stored[k] - img->data[k]));
    golden_note(g, name, error, 1);
}

int golden_hsv(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    struct image img = {0}, hsv = {0};
    bool open = golden_open(&g, path);
    json_t *cases = open ? golden_json(&g, "cases") : NULL, *gains = open ? golden_json(&g, "gains") : NULL, *one;
    size_t i;
    json_array_foreach(cases, i, one)
    {
        hsv_case(&g, i, one, gains, &img, &hsv);
    }
    image_free(&img);
    image_free(&hsv);
    return golden_close(&g, message, size, worst);
}

int golden_perspective_pixels(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    struct image src = {0}, dst = {0};
    json_t *cases = golden_open(&g, path) ? golden_json(&g, "cases") : NULL;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        size_t count;
        const double *m = golden_f64(&g, golden_name(&g, "M%zu#f64", i), &count);
        const struct safetensor *out = golden_tensor(&g, golden_name(&g, "out%zu", i));
        if (!m || !out || !get_image(&g, golden_name(&g, "in%zu", i), &src))
            continue;
        int h = (int)out->shape[0], w = (int)out->shape[1];
        enum status rc =
            count == 9 ? image_warp_perspective(&src, m, h, w, &dst) : image_warp_affine(&src, m, h, w, &dst);
        if (golden_ok(&g, rc))
            compare_image(&g, out->name, &dst);
    }
    image_free(&src);
    image_free(&dst);
    return golden_close(&g, message, size, worst);
}
