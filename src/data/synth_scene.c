#include "core/mem.h"
#include "data/synth.h"
#include "data/synth_parts.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

enum fill { FILL_PLAIN, FILL_LINEAR, FILL_RADIAL, FILL_STRIPES, FILL_KINDS };

struct object {
    int class;
    cairo_path_t *path; /* straight lines in pixels */
    double x, y, radius, turn;
    double x1, y1, x2, y2; /* of the path and its outline */
    struct colour colour, second, edge;
    enum fill fill;
    double alpha, line; /* line: width of the outline, 0 = none */
    double shadow_x, shadow_y, shadow;
};

struct scene {
    struct rng rng;
    int h, w, classes;
    struct object objects[SYNTH_MAX_OBJECTS];
    int count;
    struct rng clutter; /* a copy for the strokes behind: image_paint may draw several times */
};

/* --- geometry --- */

/* The class's outline, turned, stretched, sheared and seen a little from the side. */
static enum status make_path(struct object *o, struct rng *r)
{
    const double unit = 256; /* the outline is flattened at this size: fine enough for any */
    cairo_t *cr = measure_create();
    cairo_scale(cr, unit, unit);
    shape_path(cr, o->class);
    cairo_identity_matrix(cr);
    o->path = cairo_copy_path_flat(cr);
    cairo_destroy(cr);
    if (o->path->status != CAIRO_STATUS_SUCCESS)
        return fail(E_NOMEM, "drawing failed: %s", cairo_status_to_string(o->path->status));
    double aspect = exp(rng_range(r, -0.25, 0.25)), shear = rng_range(r, -0.25, 0.25);
    double px = rng_range(r, -0.18, 0.18), py = rng_range(r, -0.18, 0.18);
    double c = cos(o->turn), s = sin(o->turn);
    o->x1 = o->y1 = INFINITY;
    o->x2 = o->y2 = -INFINITY;
    for (int i = 0; i < o->path->num_data; i += o->path->data[i].header.length) {
        if (o->path->data[i].header.type == CAIRO_PATH_CLOSE_PATH)
            continue;
        cairo_path_data_t *p = &o->path->data[i + 1];
        double u = p->point.x / unit, v = p->point.y / unit, depth = 1 + px * u + py * v;
        double a = aspect * (u + shear * v) / depth, b = v / aspect / depth;
        p->point.x = o->x + o->radius * (c * a - s * b);
        p->point.y = o->y + o->radius * (s * a + c * b);
        o->x1 = fmin(o->x1, p->point.x - o->line);
        o->y1 = fmin(o->y1, p->point.y - o->line);
        o->x2 = fmax(o->x2, p->point.x + o->line);
        o->y2 = fmax(o->y2, p->point.y + o->line);
    }
    return OK;
}

/* Is the place free enough? Some overlap is wanted, but most objects should be seen. */
static bool is_free(const struct scene *s, const struct object *o)
{
    for (int i = 0; i < s->count; i++) {
        const struct object *other = &s->objects[i];
        double w = fmin(o->x2, other->x2) - fmax(o->x1, other->x1), h = fmin(o->y2, other->y2) - fmax(o->y1, other->y1);
        double smaller = fmin((o->x2 - o->x1) * (o->y2 - o->y1), (other->x2 - other->x1) * (other->y2 - other->y1));
        if (w > 0 && h > 0 && w * h > 0.3 * smaller)
            return false;
    }
    return true;
}

/* --- looks --- */

static double distance(struct colour a, struct colour b)
{
    return sqrt(pow(a.red - b.red, 2) + pow(a.green - b.green, 2) + pow(a.blue - b.blue, 2));
}

/* The ground's mean colour around a place. */
static struct colour ground_at(const struct image *img, double x, double y, double radius)
{
    int sum[3] = {0}, n = 0;
    for (int dy = -2; dy <= 2; dy++) {
        for (int dx = -2; dx <= 2; dx++, n++) {
            int px = (int)fmin(fmax(x + dx * radius / 2, 0), img->w - 1);
            int py = (int)fmin(fmax(y + dy * radius / 2, 0), img->h - 1);
            for (int c = 0; c < 3; c++)
                sum[c] += img->data[((size_t)py * (size_t)img->w + (size_t)px) * 3 + (size_t)c];
        }
    }
    return (struct colour){(uint8_t)(sum[0] / n), (uint8_t)(sum[1] / n), (uint8_t)(sum[2] / n)};
}

/* As with real things, a class has a usual colour and often another one; it must stand out from the ground. */
static void choose_colours(struct scene *s, const struct image *img, struct object *o)
{
    struct rng *r = &s->rng;
    struct colour ground = ground_at(img, o->x, o->y, o->radius);
    double best = -1, usual = o->class * 0.381966; /* golden section: neighbours differ most */
    for (int attempt = 0; attempt < 8 && best < 110; attempt++) {
        bool other = rng_uniform(r) < 0.2;
        double hue = other ? rng_uniform(r) : usual + 0.05 * rng_normal(r);
        struct colour c = colour_hsv(hue, rng_range(r, 0.45, 1), rng_range(r, 0.45, 1));
        if (distance(c, ground) > best) {
            best = distance(c, ground);
            o->colour = c;
        }
    }
    double dark = rng_range(r, 0.55, 0.85);
    o->second = (struct colour){(uint8_t)(o->colour.red * dark), (uint8_t)(o->colour.green * dark),
                                (uint8_t)(o->colour.blue * dark)};
    o->edge = rng_uniform(r) < 0.5 ? colour_hsv(0, 0, rng_range(r, 0, 0.25)) : colour_hsv(0, 0, rng_range(r, 0.85, 1));
}

static enum status add_object(struct scene *s, const struct image *img)
{
    struct rng *r = &s->rng;
    double side = MIN(s->h, s->w);
    struct object o = {.class = (int)rng_below(r, (uint64_t)s->classes)};
    o.fill = (enum fill)rng_below(r, FILL_KINDS);
    o.alpha = rng_uniform(r) < 0.2 ? rng_range(r, 0.65, 0.9) : 1;
    for (int attempt = 0; attempt < 12; attempt++) {
        o.radius = side * 0.07 * exp(rng_range(r, 0, log(3.4)));
        o.x = rng_range(r, 0, s->w);
        o.y = rng_range(r, 0, s->h);
        o.turn = rng_range(r, -0.22, 0.22) * PI;
        o.line = rng_uniform(r) < 0.45 ? o.radius * rng_range(r, 0.05, 0.14) : 0;
        enum status rc = make_path(&o, r);
        if (rc == OK && is_free(s, &o)) {
            choose_colours(s, img, &o);
            o.shadow = rng_uniform(r) < 0.5 ? rng_range(r, 0.15, 0.45) : 0;
            o.shadow_x = o.radius * rng_range(r, -0.2, 0.2);
            o.shadow_y = o.radius * rng_range(r, 0, 0.25);
            s->objects[s->count++] = o;
            return OK;
        }
        cairo_path_destroy(o.path);
        if (rc != OK)
            return rc;
    }
    return OK; /* no room left: one less */
}

/* --- painting --- */

/* Strokes and blots that are nothing: what a detector must not find. */
static void paint_clutter(cairo_t *cr, const struct scene *s)
{
    struct rng r = s->clutter;
    int n = (int)rng_below(&r, 12);
    double side = MIN(s->h, s->w);
    for (int i = 0; i < n; i++) {
        double x = rng_range(&r, 0, s->w), y = rng_range(&r, 0, s->h), reach = side * rng_range(&r, 0.1, 0.5);
        set_colour(cr, colour_hsv(rng_uniform(&r), rng_range(&r, 0, 0.6), rng_range(&r, 0.1, 0.95)),
                   rng_range(&r, 0.2, 0.7));
        cairo_move_to(cr, x, y);
        for (int k = 0; k < 3; k++) {
            double p[6];
            for (int j = 0; j < 6; j++)
                p[j] = rng_range(&r, -reach, reach);
            cairo_rel_curve_to(cr, p[0], p[1], p[2], p[3], p[4], p[5]);
        }
        if (rng_uniform(&r) < 0.3) {
            cairo_fill(cr);
        } else {
            cairo_set_line_width(cr, side * rng_range(&r, 0.002, 0.02));
            cairo_stroke(cr);
        }
    }
}

static cairo_pattern_t *make_fill(const struct object *o)
{
    double dx = o->radius * cos(3 * o->turn), dy = o->radius * sin(3 * o->turn);
    cairo_pattern_t *p = o->fill == FILL_RADIAL
                             ? cairo_pattern_create_radial(o->x - dx / 3, o->y - dy / 3, 0, o->x, o->y, 1.2 * o->radius)
                             : cairo_pattern_create_linear(o->x - dx, o->y - dy, o->x + dx, o->y + dy);
    const struct colour *ends[2] = {&o->colour, &o->second};
    int stops = o->fill == FILL_PLAIN ? 1 : o->fill == FILL_STRIPES ? 12 : 2;
    for (int i = 0; i < stops; i++) {
        const struct colour *c = ends[i % 2];
        double from = stops > 1 ? (double)i / (stops - (o->fill != FILL_STRIPES)) : 0;
        cairo_pattern_add_color_stop_rgba(p, from, c->red / 255.0, c->green / 255.0, c->blue / 255.0, o->alpha);
        if (o->fill == FILL_STRIPES)
            cairo_pattern_add_color_stop_rgba(p, (i + 1.0) / stops, c->red / 255.0, c->green / 255.0, c->blue / 255.0,
                                              o->alpha);
    }
    return p;
}

static void paint_object(cairo_t *cr, const struct object *o)
{
    cairo_set_fill_rule(cr, CAIRO_FILL_RULE_EVEN_ODD);
    if (o->shadow > 0) {
        cairo_save(cr);
        cairo_translate(cr, o->shadow_x, o->shadow_y);
        cairo_append_path(cr, o->path);
        cairo_restore(cr);
        cairo_set_source_rgba(cr, 0, 0, 0, o->shadow);
        cairo_fill(cr);
    }
    cairo_pattern_t *fill = make_fill(o);
    cairo_append_path(cr, o->path);
    cairo_set_source(cr, fill);
    cairo_fill_preserve(cr);
    cairo_pattern_destroy(fill);
    if (o->line > 0) {
        set_colour(cr, o->edge, o->alpha);
        cairo_set_line_width(cr, o->line);
        cairo_stroke_preserve(cr);
    }
    cairo_new_path(cr);
}

static void paint_scene(cairo_t *cr, void *context)
{
    const struct scene *s = context;
    paint_clutter(cr, s);
    for (int i = 0; i < s->count; i++)
        paint_object(cr, &s->objects[i]);
}

/* --- what is seen --- */

/* Mark the object's pixels in owner (h, w) as `mark`; *total counts also those outside of the picture. */
static enum status mark_object(const struct object *o, uint8_t mark, uint8_t *owner, int h, int w, int *total)
{
    int left = (int)floor(o->x1), top = (int)floor(o->y1);
    int mask_w = (int)ceil(o->x2) - left + 1, mask_h = (int)ceil(o->y2) - top + 1;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, mask_w, mask_h);
    cairo_t *cr = cairo_create(surface);
    cairo_translate(cr, -left, -top);
    cairo_set_fill_rule(cr, CAIRO_FILL_RULE_EVEN_ODD);
    cairo_append_path(cr, o->path);
    cairo_fill_preserve(cr);
    cairo_set_line_width(cr, o->line);
    if (o->line > 0)
        cairo_stroke(cr);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_flush(surface);
    const unsigned char *alpha = cairo_image_surface_get_data(surface);
    size_t stride = status ? 0 : (size_t)cairo_image_surface_get_stride(surface);
    *total = 0;
    for (int y = 0; !status && y < mask_h; y++) {
        for (int x = 0; x < mask_w; x++) {
            if (alpha[(size_t)y * stride + (size_t)x] < 128)
                continue;
            ++*total;
            int px = x + left, py = y + top;
            if (px >= 0 && px < w && py >= 0 && py < h)
                owner[(size_t)py * (size_t)w + (size_t)px] = mark;
        }
    }
    cairo_surface_destroy(surface);
    return status ? fail(E_NOMEM, "drawing failed: %s", cairo_status_to_string(status)) : OK;
}

/* The labels: boxes around pixels that are still the object's own, for objects of which 30 % or more are. */
static void find_labels(const struct scene *s, const uint8_t *owner, const int *total, struct synth_picture *out)
{
    int seen[SYNTH_MAX_OBJECTS + 1] = {0};
    struct synth_label box[SYNTH_MAX_OBJECTS + 1];
    for (int i = 0; i <= SYNTH_MAX_OBJECTS; i++)
        box[i] = (struct synth_label){.x1 = s->w, .y1 = s->h};
    for (int y = 0; y < s->h; y++) {
        for (int x = 0; x < s->w; x++) {
            int mark = *owner++;
            seen[mark]++;
            box[mark].x1 = MIN(box[mark].x1, x);
            box[mark].y1 = MIN(box[mark].y1, y);
            box[mark].x2 = MAX(box[mark].x2, x + 1);
            box[mark].y2 = MAX(box[mark].y2, y + 1);
        }
    }
    out->n_labels = 0;
    for (int i = 0; i < s->count; i++) {
        struct synth_label *b = &box[i + 1];
        b->class = s->objects[i].class;
        if (seen[i + 1] * 10 >= total[i] * 3 && b->x2 - b->x1 >= 6 && b->y2 - b->y1 >= 6)
            out->labels[out->n_labels++] = *b;
    }
}

enum status synth_draw(uint64_t seed, uint64_t number, int classes, int h, int w, struct synth_picture *out)
{
    enum status rc = OK;
    struct scene s = {.rng = rng_seed(seed, number, (uint64_t)classes), .h = h, .w = w, .classes = classes};
    int total[SYNTH_MAX_OBJECTS];
    uint8_t *owner = mem_calloc((size_t)h * (size_t)w, 1);
    assert(classes >= 1 && classes <= SYNTH_MAX_CLASSES);
    if (!owner)
        return E_NOMEM;
    TRY_CLEAN(image_init(&out->image, h, w));
    TRY_CLEAN(ground_draw(&out->image, &s.rng));
    int wanted = rng_uniform(&s.rng) < 0.04 ? 0 : 1 + (int)rng_below(&s.rng, SYNTH_MAX_OBJECTS - 2);
    for (int i = 0; i < wanted; i++)
        TRY_CLEAN(add_object(&s, &out->image));
    s.clutter = rng_seed(seed, number, rng_hash("clutter"));
    TRY_CLEAN(image_paint(&out->image, paint_scene, &s));
    for (int i = 0; i < s.count; i++)
        TRY_CLEAN(mark_object(&s.objects[i], (uint8_t)(i + 1), owner, h, w, &total[i]));
    find_labels(&s, owner, total, out);
    TRY_CLEAN(photo_effects(&out->image, &s.rng));
    out->quality = 60 + (int)rng_below(&s.rng, 36);
cleanup:
    for (int i = 0; i < s.count; i++)
        cairo_path_destroy(s.objects[i].path);
    mem_free(owner);
    return rc;
}
