#include "data/perspective.h"

#include "image/warp.h"

#include <math.h>
#include <string.h>

enum { POLYGON_SAMPLES = 1000 };

static const double TINY = 1e-16;

static void multiply(const double a[9], const double b[9], double out[9])
{
    double c[9];
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++)
            c[3 * y + x] = a[3 * y] * b[x] + a[3 * y + 1] * b[3 + x] + a[3 * y + 2] * b[6 + x];
    memcpy(out, c, sizeof c);
}

static double radians(double degrees)
{
    return degrees * 3.14159265358979323846 / 180;
}

struct perspective perspective_draw(const struct perspective_range *range, int h, int w, int border_h, int border_w,
                                    struct draws *d)
{
    static const double unit[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    struct perspective p = {.h = h + 2 * border_h, .w = w + 2 * border_w, .projective = range->perspective != 0};
    double centre[9] = {1, 0, -w / 2.0, 0, 1, -h / 2.0, 0, 0, 1};
    double px = draws_uniform(d, -range->perspective, range->perspective);
    double py = draws_uniform(d, -range->perspective, range->perspective);
    double angle = radians(draws_uniform(d, -range->degrees, range->degrees));
    p.scale = draws_uniform(d, 1 - range->scale, 1 + range->scale);
    double shear_x = tan(radians(draws_uniform(d, -range->shear, range->shear)));
    double shear_y = tan(radians(draws_uniform(d, -range->shear, range->shear)));
    double tx = draws_uniform(d, 0.5 - range->translate, 0.5 + range->translate) * p.w;
    double ty = draws_uniform(d, 0.5 - range->translate, 0.5 + range->translate) * p.h;
    double a = p.scale * cos(angle), b = p.scale * sin(angle);
    double project[9] = {1, 0, 0, 0, 1, 0, px, py, 1}, rotate[9] = {a, b, 0, -b, a, 0, 0, 0, 1};
    double shear[9] = {1, shear_x, 0, shear_y, 1, 0, 0, 0, 1}, shift[9] = {1, 0, tx, 0, 1, ty, 0, 0, 1};
    multiply(shift, shear, p.m);
    multiply(p.m, rotate, p.m);
    multiply(p.m, project, p.m);
    multiply(p.m, centre, p.m);
    p.identity = border_h == 0 && border_w == 0;
    for (int i = 0; i < 9; i++)
        p.identity = p.identity && p.m[i] == unit[i];
    return p;
}

enum status perspective_warp(const struct perspective *p, const struct image *src, struct image *dst)
{
    if (p->identity)
        return image_copy(src, dst);
    if (p->projective)
        return image_warp_perspective(src, p->m, p->h, p->w, dst);
    return image_warp_affine(src, p->m, p->h, p->w, dst);
}

static void transform(const struct perspective *p, double x, double y, double out[2])
{
    const double *m = p->m;
    double z = p->projective ? m[6] * x + m[7] * y + m[8] : 1;
    out[0] = (m[0] * x + m[1] * y + m[2]) / z;
    out[1] = (m[3] * x + m[4] * y + m[5]) / z;
}

static double clip(double x, double high)
{
    return x < 0 ? 0 : x > high ? high : x;
}

/* The box around four transformed corners, clipped to the output. */
static void transform_box(const struct perspective *p, const float box[4], double out[4])
{
    double x1 = INFINITY, y1 = INFINITY, x2 = -INFINITY, y2 = -INFINITY;
    for (int corner = 0; corner < 4; corner++) {
        double to[2];
        transform(p, box[corner & 1 ? 2 : 0], box[corner & 2 ? 3 : 1], to);
        x1 = fmin(x1, to[0]);
        y1 = fmin(y1, to[1]);
        x2 = fmax(x2, to[0]);
        y2 = fmax(y2, to[1]);
    }
    out[0] = clip(x1, p->w);
    out[1] = clip(y1, p->h);
    out[2] = clip(x2, p->w);
    out[3] = clip(y2, p->h);
}

/* The box around those of 1000 points of the closed polygon that stay inside the output; zeros if none does. The
 * points are spread evenly over the polygon's corner numbers, not over its length. */
static void transform_polygon(const struct perspective *p, const float (*points)[2], int n, double out[4])
{
    double x1 = INFINITY, y1 = INFINITY, x2 = -INFINITY, y2 = -INFINITY;
    for (int i = 0; i < POLYGON_SAMPLES; i++) {
        double at = i == POLYGON_SAMPLES - 1 ? n : i * ((double)n / (POLYGON_SAMPLES - 1)), to[2];
        int k = MIN((int)at, n - 1);
        const float *from = points[k], *next = points[(k + 1) % n];
        double t = at - k;
        transform(p, from[0] + t * ((double)next[0] - from[0]), from[1] + t * ((double)next[1] - from[1]), to);
        if (to[0] < 0 || to[1] < 0 || to[0] > p->w || to[1] > p->h)
            continue;
        x1 = fmin(x1, to[0]);
        y1 = fmin(y1, to[1]);
        x2 = fmax(x2, to[0]);
        y2 = fmax(y2, to[1]);
    }
    bool any = x1 <= x2;
    out[0] = any ? x1 : 0;
    out[1] = any ? y1 : 0;
    out[2] = any ? x2 : 0;
    out[3] = any ? y2 : 0;
}

/* Is enough left of the label? The old area is taken in float32 from corners already scaled, as the official code. */
static bool is_kept(const struct perspective *p, const float old[4], const double box[4], double least)
{
    const double min_side = 2, max_aspect = 100;
    float s = (float)p->scale, old_w = old[2] * s - old[0] * s, old_h = old[3] * s - old[1] * s;
    double w = box[2] - box[0], h = box[3] - box[1];
    return w > min_side && h > min_side && w * h / (double)(old_w * old_h + (float)TINY) > least &&
           fmax(w / (h + TINY), h / (w + TINY)) < max_aspect;
}

void perspective_labels(const struct perspective *p, struct labels *l)
{
    bool polygons = labels_have_polygons(l);
    const double least = polygons ? 0.01 : 0.10;
    int kept = 0;
    for (int i = 0; i < l->count; i++) {
        struct label label = l->items[i];
        double box[4];
        if (polygons && label.n_points)
            transform_polygon(p, (const float(*)[2])(l->points + label.first_point), label.n_points, box);
        else
            transform_box(p, label.xyxy, box);
        if (!is_kept(p, label.xyxy, box, least))
            continue;
        for (int k = 0; k < 4; k++)
            label.xyxy[k] = (float)box[k];
        label.n_points = 0;
        label.first_point = 0;
        l->items[kept++] = label;
    }
    l->count = kept;
    l->n_points = 0;
}

struct source_region perspective_region(const struct perspective *p, int h, int w)
{
    const double *m = p->m, det = m[0] * m[4] - m[1] * m[3];
    const struct source_region all = {0, 0, w, h};
    if (p->projective || fabs(det) < 1e-9)
        return all;
    double x1 = INFINITY, y1 = INFINITY, x2 = -INFINITY, y2 = -INFINITY;
    for (int corner = 0; corner < 4; corner++) {
        double x = (corner & 1 ? p->w : 0) - m[2], y = (corner & 2 ? p->h : 0) - m[5];
        double from_x = (m[4] * x - m[1] * y) / det, from_y = (m[0] * y - m[3] * x) / det;
        x1 = fmin(x1, from_x);
        y1 = fmin(y1, from_y);
        x2 = fmax(x2, from_x);
        y2 = fmax(y2, from_y);
    }
    /* two pixels for the bilinear tap and the rounding of places */
    return (struct source_region){(int)clip(floor(x1) - 2, w), (int)clip(floor(y1) - 2, h), (int)clip(ceil(x2) + 2, w),
                                  (int)clip(ceil(y2) + 2, h)};
}
