#include "core/mem.h"
#include "data/synth_parts.h"

#include <math.h>

struct colour colour_hsv(double hue, double saturation, double value)
{
    double channel[3];
    for (int c = 0; c < 3; c++) { /* a channel falls off with its distance from the hue on the circle */
        static const double home[3] = {0, 1.0 / 3, 2.0 / 3};
        double far = fabs(hue - home[c] - rint(hue - home[c]));
        double level = fmin(fmax(2 - 6 * far, 0), 1);
        channel[c] = 255 * value * (1 - saturation * (1 - level));
    }
    return (struct colour){(uint8_t)(channel[0] + 0.5), (uint8_t)(channel[1] + 0.5), (uint8_t)(channel[2] + 0.5)};
}

/* Add a smooth random field to `field` (h, w): random values on a grid with `cell` pixels between, in between smooth.
 */
static enum status add_octave(float *field, int h, int w, double cell, float amplitude, struct rng *r)
{
    int gh = (int)(h / cell) + 2, gw = (int)(w / cell) + 2;
    float *grid = mem_alloc((size_t)gh * (size_t)gw, sizeof *grid), *line = mem_alloc((size_t)gw, sizeof *line);
    enum status rc = grid && line ? OK : E_NOMEM;
    for (int i = 0; rc == OK && i < gh * gw; i++)
        grid[i] = (float)rng_range(r, -amplitude, amplitude);
    for (int y = 0; rc == OK && y < h; y++) {
        float fy = (float)(y / cell), ty = fy - floorf(fy);
        const float *above = grid + (size_t)fy * (size_t)gw, *below = above + gw;
        ty = ty * ty * (3 - 2 * ty);
        for (int i = 0; i < gw; i++)
            line[i] = above[i] + ty * (below[i] - above[i]);
        for (int x = 0; x < w; x++) {
            float fx = (float)(x / cell), tx = fx - floorf(fx);
            int i = (int)fx;
            tx = tx * tx * (3 - 2 * tx);
            field[(size_t)y * (size_t)w + (size_t)x] += line[i] + tx * (line[i + 1] - line[i]);
        }
    }
    mem_free(grid);
    mem_free(line);
    return rc;
}

enum kind { GROUND_CLOUDS, GROUND_RAMP, GROUND_STRIPES, GROUND_TILES, GROUND_RINGS };

/* What the place (x, y) is made of, 0 = the first colour, 1 = the second; n: the noise there, about -1..1. */
struct pattern {
    enum kind kind;
    double cos_turn, sin_turn, period, x0, y0, side, sharp;
};

static double wave(double phase, double sharp)
{
    return 0.5 + 0.5 * tanh(sharp * sin(phase)) / tanh(sharp);
}

static double pattern_at(const struct pattern *p, double x, double y, double n)
{
    double u = (x * p->cos_turn + y * p->sin_turn) / p->side, v = (y * p->cos_turn - x * p->sin_turn) / p->side;
    switch (p->kind) {
    case GROUND_RAMP:
        return 0.5 + 0.6 * (u - 0.4) + 0.25 * n;
    case GROUND_STRIPES:
        return 0.8 * wave(p->period * u + 1.2 * n, p->sharp) + 0.2 * n;
    case GROUND_TILES:
        return 0.7 * wave(p->period * u + 0.3 * n, p->sharp) * wave(p->period * v + 0.3 * n, p->sharp) + 0.3 * n;
    case GROUND_RINGS:
        return 0.8 * wave(p->period * hypot(u - p->x0, 2.5 * (v - p->y0)) + 2 * n, p->sharp) + 0.2 * n;
    default:
        return 0.5 + 0.7 * n;
    }
}

static struct colour muted_colour(struct rng *r, double value)
{
    return colour_hsv(rng_uniform(r), rng_range(r, 0, 0.45), value);
}

static uint8_t to_byte(double x)
{
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x + 0.5);
}

static void fill_pattern(struct image *img, const struct pattern *p, const float *field, const struct colour ends[2],
                         double grain, struct rng *r)
{
    uint8_t *out = img->data;
    for (int y = 0; y < img->h; y++) {
        for (int x = 0; x < img->w; x++, out += 3, field++) {
            double t = fmin(fmax(pattern_at(p, x, y, *field), 0), 1), g = grain * (rng_uniform(r) - 0.5);
            out[0] = to_byte(ends[0].red + t * (ends[1].red - ends[0].red) + g);
            out[1] = to_byte(ends[0].green + t * (ends[1].green - ends[0].green) + g);
            out[2] = to_byte(ends[0].blue + t * (ends[1].blue - ends[0].blue) + g);
        }
    }
}

enum status ground_draw(struct image *img, struct rng *r)
{
    enum status rc = OK;
    double turn = rng_range(r, 0, 6.283185307179586), side = MIN(img->h, img->w), level = rng_range(r, 0.25, 0.85);
    static const enum kind kinds[] = {GROUND_CLOUDS, GROUND_CLOUDS,  GROUND_CLOUDS, GROUND_RAMP,
                                      GROUND_RAMP,   GROUND_STRIPES, GROUND_TILES,  GROUND_RINGS};
    struct pattern p = {.kind = kinds[rng_below(r, COUNT(kinds))],
                        .cos_turn = cos(turn),
                        .sin_turn = sin(turn),
                        .period = rng_range(r, 15, 70),
                        .x0 = rng_range(r, -0.5, 1.5),
                        .y0 = rng_range(r, -0.5, 1.5),
                        .side = side,
                        .sharp = rng_range(r, 0.5, 4)};
    struct colour ends[2] = {muted_colour(r, fmax(level - rng_range(r, 0.05, 0.25), 0)),
                             muted_colour(r, fmin(level + rng_range(r, 0.05, 0.25), 1))};
    float *field = mem_calloc((size_t)img->h * (size_t)img->w, sizeof *field), amplitude = 0.55f;
    float rough = (float)rng_range(r, 0.4, 0.75);
    if (!field)
        return E_NOMEM;
    for (double cell = side * rng_range(r, 0.2, 0.6); cell > 3; cell /= 2.3, amplitude *= rough)
        TRY_CLEAN(add_octave(field, img->h, img->w, cell, amplitude, r));
    fill_pattern(img, &p, field, ends, rng_range(r, 0, 25), r);
cleanup:
    mem_free(field);
    return rc;
}
