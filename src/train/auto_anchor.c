#include "train/auto_anchor.h"

#include "core/mem.h"
#include "core/rng.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BOXES = MAX_LEVELS * MAX_ANCHORS, STARTS = 6, ROUNDS = 50 };

#define LEAST_PIXELS 2.0f

enum status label_sizes_of(const struct dataset *d, int img, struct label_sizes *out)
{
    *out = (struct label_sizes){0};
    if (d->n_objects > INT_MAX)
        return fail(E_LIMIT, "%zu labels are more than auto-anchor can look at", d->n_objects);
    out->size = mem_alloc(d->n_objects, sizeof *out->size);
    if (!out->size)
        return E_NOMEM;
    for (int i = 0; i < d->n_images; i++) {
        const struct dataset_image *image = &d->images[i];
        double scale = (double)img / MAX(image->w, image->h);
        for (int k = 0; k < image->n_objects; k++) {
            const float *box = d->objects[image->first_object + (size_t)k].cxcywh;
            float w = (float)((double)box[2] * image->w * scale);
            float h = (float)((double)box[3] * image->h * scale);
            if (!(w >= LEAST_PIXELS && h >= LEAST_PIXELS)) {
                out->tiny++;
                continue;
            }
            out->size[out->n][0] = w;
            out->size[out->n++][1] = h;
        }
    }
    return OK;
}

void label_sizes_free(struct label_sizes *s)
{
    mem_free(s->size);
    *s = (struct label_sizes){0};
}

/* --- fit --- */

/* The largest factor between the sides of two boxes. */
static float ratio_of(const float a[2], const float b[2])
{
    float w = a[0] > b[0] ? a[0] / b[0] : b[0] / a[0], h = a[1] > b[1] ? a[1] / b[1] : b[1] / a[1];
    return MAX(w, h);
}

static struct anchor_fit fit_of(const float (*boxes)[2], int n, double most_ratio, const struct label_sizes *s)
{
    long matched = 0;
    double close = 0;
    for (int i = 0; i < s->n; i++) {
        float least = INFINITY;
        for (int k = 0; k < n; k++)
            least = fminf(least, ratio_of(s->size[i], boxes[k]));
        if ((double)least < most_ratio) {
            matched++;
            close += 1 / (double)least;
        }
    }
    return (struct anchor_fit){.recall = s->n ? (double)matched / s->n : 1, .close = s->n ? close / s->n : 1};
}

struct anchor_fit anchor_fit_of(const struct head *head, int n_levels, double most_ratio, const struct label_sizes *s)
{
    float boxes[MOST_BOXES][2];
    for (int l = 0; l < n_levels; l++)
        memcpy(boxes + l * head->n_anchors, head->anchor[l], (size_t)head->n_anchors * sizeof *boxes);
    return fit_of((const float(*)[2])boxes, n_levels * head->n_anchors, most_ratio, s);
}

/* --- k-means --- */

/* Boxes and labels as (ln width, ln height): distances are ratios. */
struct clusters {
    const float (*points)[2];
    int n, k;
    double centre[MOST_BOXES][2], sum[MOST_BOXES][2];
    int count[MOST_BOXES];
    float *distance; /* (n) squared, to the nearest centre */
};

static double squared_distance(const struct clusters *c, int point, int centre)
{
    double x = (double)c->points[point][0] - c->centre[centre][0],
           y = (double)c->points[point][1] - c->centre[centre][1];
    return x * x + y * y;
}

static void put_centre(struct clusters *c, int centre, int point)
{
    c->centre[centre][0] = (double)c->points[point][0];
    c->centre[centre][1] = (double)c->points[point][1];
}

/* k-means++: the next centre is a point, likelier the farther it is from those that are there. */
static void first_centres(struct clusters *c, struct rng *rng)
{
    put_centre(c, 0, (int)rng_below(rng, (uint64_t)c->n));
    for (int i = 0; i < c->n; i++)
        c->distance[i] = INFINITY;
    for (int k = 1; k < c->k; k++) {
        double all = 0;
        for (int i = 0; i < c->n; i++) {
            c->distance[i] = fminf(c->distance[i], (float)squared_distance(c, i, k - 1));
            all += (double)c->distance[i];
        }
        double place = rng_range(rng, 0, all);
        int chosen = 0;
        while (chosen + 1 < c->n && (place -= (double)c->distance[chosen]) > 0)
            chosen++;
        put_centre(c, k, chosen);
    }
}

/* One round; does any centre move? A centre without points stays where it is. */
static bool move_centres(struct clusters *c)
{
    bool moved = false;
    memset(c->sum, 0, sizeof c->sum);
    memset(c->count, 0, sizeof c->count);
    for (int i = 0; i < c->n; i++) {
        int nearest = 0;
        double least = squared_distance(c, i, 0);
        for (int k = 1; k < c->k; k++) {
            double d = squared_distance(c, i, k);
            if (d < least) {
                least = d;
                nearest = k;
            }
        }
        c->sum[nearest][0] += (double)c->points[i][0];
        c->sum[nearest][1] += (double)c->points[i][1];
        c->count[nearest]++;
    }
    for (int k = 0; k < c->k; k++)
        for (int side = 0; side < 2 && c->count[k]; side++) {
            double mean = c->sum[k][side] / c->count[k];
            moved |= fabs(mean - c->centre[k][side]) > 1e-4;
            c->centre[k][side] = mean;
        }
    return moved;
}

static int compare_area(const void *a, const void *b)
{
    const float *x = a, *y = b;
    float left = x[0] * x[1], right = y[0] * y[1];
    return left < right ? -1 : left > right;
}

/* The boxes of the start that fits best. */
static void best_boxes(struct clusters *c, const struct label_sizes *s, double most_ratio, uint64_t seed,
                       float (*best)[2])
{
    double most = -1;
    for (int start = 0; start < STARTS; start++) {
        struct rng rng = rng_seed(seed, (uint64_t)start, rng_hash("auto-anchor"));
        float boxes[MOST_BOXES][2];
        first_centres(c, &rng);
        for (int round = 0; round < ROUNDS && move_centres(c); round++)
            ;
        for (int k = 0; k < c->k; k++)
            for (int side = 0; side < 2; side++)
                boxes[k][side] = fmaxf(roundf((float)exp(c->centre[k][side])), LEAST_PIXELS);
        struct anchor_fit fit = fit_of((const float(*)[2])boxes, c->k, most_ratio, s);
        double value = fit.recall + fit.close;
        if (value > most) {
            most = value;
            memcpy(best, boxes, sizeof boxes);
        }
    }
    qsort(best, (size_t)c->k, sizeof *best, compare_area);
}

enum status anchors_find(const struct label_sizes *s, int n_levels, double most_ratio, uint64_t seed, struct head *head)
{
    enum status rc = OK;
    struct clusters c = {.n = s->n, .k = n_levels * head->n_anchors};
    float best[MOST_BOXES][2];
    float(*points)[2] = NULL;
    if (s->n < c.k)
        TRY(fail(E_ARGUMENT, "%d labels are too few for %d anchor boxes", s->n, c.k));
    points = mem_alloc((size_t)s->n, sizeof *points);
    c.distance = mem_alloc((size_t)s->n, sizeof *c.distance);
    TRY_CLEAN(points && c.distance ? OK : E_NOMEM);
    for (int i = 0; i < s->n; i++)
        for (int side = 0; side < 2; side++)
            points[i][side] = logf(s->size[i][side]);
    c.points = (const float(*)[2])points;
    best_boxes(&c, s, most_ratio, seed, best);
    for (int l = 0; l < n_levels; l++)
        memcpy(head->anchor[l], best + l * head->n_anchors, (size_t)head->n_anchors * sizeof *best);
cleanup:
    mem_free(points);
    mem_free(c.distance);
    return rc;
}
