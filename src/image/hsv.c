#include "image/hsv.h"

#include <assert.h>
#include <math.h>

/* Fixed-point quotients of SPEC 11.4, and the hue's sector and the way through it. */
struct tables {
    int s_div[256], h_div[256];
};

static void tables_init(struct tables *t)
{
    t->s_div[0] = t->h_div[0] = 0;
    for (int i = 1; i < 256; i++) {
        t->s_div[i] = (int)rint((255 << 12) / (double)i);
        t->h_div[i] = (int)rint((180 << 12) / (6.0 * i));
    }
}

static void pixel_to_hsv(const struct tables *t, const uint8_t *rgb, uint8_t *hsv)
{
    int r = rgb[0], g = rgb[1], b = rgb[2];
    int v = MAX(MAX(r, g), b), d = v - MIN(MIN(r, g), b);
    int is_r = -(v == r), is_g = -(v == g) & ~is_r; /* masks: a branch here would be a coin's throw */
    int num = (is_r & (g - b)) | (is_g & (b - r + 2 * d)) | (~(is_r | is_g) & (r - g + 4 * d));
    int h = (num * t->h_div[d] + 2048) >> 12; /* arithmetic shift of a negative number, as OpenCV's */
    hsv[0] = (uint8_t)(h < 0 ? h + 180 : h);
    hsv[1] = (uint8_t)((d * t->s_div[v] + 2048) >> 12);
    hsv[2] = (uint8_t)v;
}

static uint8_t to_byte(float x)
{
    return (uint8_t)(int)(x * 255.0f + 0.5f); /* x in 0..1 */
}

static void pixel_to_rgb(const uint8_t *hsv, uint8_t *rgb)
{
    /* Which of v, p, q, t (0..3) each channel takes in the six sectors from red over yellow, green ... */
    static const uint8_t order[6][3] = {{0, 3, 1}, {2, 0, 1}, {1, 0, 3}, {1, 2, 0}, {3, 1, 0}, {0, 1, 2}};
    int sector = hsv[0] / 30;
    float f = (float)(hsv[0] - 30 * sector) * (1.0f / 30.0f);
    float s = (float)hsv[1] * (1.0f / 255.0f), v = (float)hsv[2] * (1.0f / 255.0f);
    assert(sector < 6);
    uint8_t level[4] = {hsv[2], to_byte(v * (1.0f - s)), to_byte(v * (1.0f - s * f)),
                        to_byte(v * (1.0f - s * (1.0f - f)))};
    for (int c = 0; c < 3; c++)
        rgb[c] = level[order[sector][c]];
}

void rgb_to_hsv(const uint8_t *rgb, size_t n, uint8_t *hsv)
{
    struct tables t;
    tables_init(&t);
    for (size_t i = 0; i < n; i++)
        pixel_to_hsv(&t, rgb + 3 * i, hsv + 3 * i);
}

void hsv_to_rgb(const uint8_t *hsv, size_t n, uint8_t *rgb)
{
    for (size_t i = 0; i < n; i++)
        pixel_to_rgb(hsv + 3 * i, rgb + 3 * i);
}

void hsv_adjust(struct image *img, double r_hue, double r_saturation, double r_value)
{
    struct tables t;
    uint8_t lut[3][256];
    assert(r_hue >= 0 && r_saturation >= 0 && r_value >= 0);
    tables_init(&t);
    for (int i = 0; i < 256; i++) {
        lut[0][i] = (uint8_t)fmod(i * r_hue, 180.0);
        lut[1][i] = (uint8_t)MIN(i * r_saturation, 255.0);
        lut[2][i] = (uint8_t)MIN(i * r_value, 255.0);
    }
    uint8_t *p = img->data, *end = p + (size_t)img->h * (size_t)img->w * 3;
    for (; p < end; p += 3) {
        uint8_t hsv[3];
        pixel_to_hsv(&t, p, hsv);
        for (int c = 0; c < 3; c++)
            hsv[c] = lut[c][hsv[c]];
        pixel_to_rgb(hsv, p);
    }
}
