#include "core/mem.h"
#include "data/synth_parts.h"

#include <math.h>
#include <string.h>

/* Light from one side, darker corners, a cast of colour and a tone curve, in one pass. */
static void shade(struct image *img, struct rng *r)
{
    double turn = rng_range(r, 0, 6.283185307179586), slope = rng_range(r, 0, 0.35), vignette = rng_range(r, 0, 0.45);
    double gamma = rng_range(r, 0.8, 1.25), cast[3];
    double dx = slope * cos(turn) / img->w, dy = slope * sin(turn) / img->h;
    float tone[3][256];
    for (int c = 0; c < 3; c++) {
        cast[c] = rng_range(r, 0.88, 1.1);
        for (int i = 0; i < 256; i++)
            tone[c][i] = (float)(255 * cast[c] * pow(i / 255.0, gamma));
    }
    uint8_t *p = img->data;
    for (int y = 0; y < img->h; y++) {
        double v = (y - img->h / 2.0) / (img->h / 2.0);
        for (int x = 0; x < img->w; x++, p += 3) {
            double u = (x - img->w / 2.0) / (img->w / 2.0);
            float gain = (float)((1 + 2 * (dx * (x - img->w / 2.0) + dy * (y - img->h / 2.0))) *
                                 (1 - vignette * 0.5 * (u * u + v * v)));
            for (int c = 0; c < 3; c++)
                p[c] = (uint8_t)fminf(fmaxf(tone[c][p[c]] * gain + 0.5f, 0), 255);
        }
    }
}

/* (1 2 1) / 4 over n places that lie `step` bytes apart; `line` [n] keeps them as they were. */
static void smooth_line(uint8_t *p, int n, size_t step, uint8_t *line)
{
    for (int i = 0; i < n; i++)
        line[i] = p[(size_t)i * step];
    for (int i = 0; i < n; i++)
        p[(size_t)i * step] = (uint8_t)((line[MAX(i - 1, 0)] + 2 * line[i] + line[MIN(i + 1, n - 1)] + 2) >> 2);
}

static enum status blur(struct image *img, int times)
{
    size_t row = (size_t)img->w * 3;
    uint8_t *line = mem_alloc((size_t)MAX(img->h, img->w), 1);
    if (!line)
        return E_NOMEM;
    for (int i = 0; i < times; i++) {
        for (int y = 0; y < img->h; y++) {
            for (int c = 0; c < 3; c++)
                smooth_line(img->data + (size_t)y * row + c, img->w, 3, line);
        }
        for (size_t x = 0; x < row; x++)
            smooth_line(img->data + x, img->h, row, line);
    }
    mem_free(line);
    return OK;
}

/* About normal noise: the sum of two bytes for each channel. */
static void add_noise(struct image *img, double sigma, struct rng *r)
{
    const double sigma_of_sum = 104.5; /* of two uniform bytes */
    int factor = (int)rint(sigma / sigma_of_sum * 65536);
    uint8_t *p = img->data, *end = p + (size_t)img->h * (size_t)img->w * 3;
    for (; p < end; p += 3) {
        uint64_t bits = rng_next(r);
        for (int c = 0; c < 3; c++, bits >>= 16) {
            int n = (int)(bits & 255) + (int)(bits >> 8 & 255) - 255;
            int value = p[c] + (n * factor + 32768) / 65536;
            p[c] = (uint8_t)MIN(MAX(value, 0), 255);
        }
    }
}

enum status photo_effects(struct image *img, struct rng *r)
{
    shade(img, r);
    int times = (int)rng_below(r, 4);
    enum status rc = blur(img, times);
    if (rc == OK)
        add_noise(img, rng_range(r, 0, 10), r);
    return rc;
}
