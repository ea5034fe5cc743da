#include "image/palette.h"

#include <math.h>

struct colour palette_get(int number)
{
    static const uint32_t palette[PALETTE_COLOURS] = {
        0x1E87F0, 0xC32D00, 0x00B496, 0x691E5A, 0xD29600, 0x001EFF, 0xE169C3, 0x00B4E1, 0xD20F5A, 0x692D0F,
        0x00C31E, 0x5A5AF0, 0xE100B4, 0x0F693C, 0xF0875A, 0xB496FF, 0x4B6900, 0x961E2D, 0x1EA54B, 0x691E96,
    };
    uint32_t rgb = palette[(number % PALETTE_COLOURS + PALETTE_COLOURS) % PALETTE_COLOURS];
    return (struct colour){(uint8_t)(rgb >> 16), (uint8_t)(rgb >> 8), (uint8_t)rgb};
}

struct colour palette_heat(double t)
{
    static const double stops[5][3] = {{247, 251, 255}, {198, 219, 239}, {107, 174, 214}, {33, 113, 181}, {8, 48, 107}};
    t = fmin(fmax(t, 0.0), 1.0) * 4;
    int i = t < 3 ? (int)t : 3;
    double f = t - i, c[3];
    for (int k = 0; k < 3; k++)
        c[k] = stops[i][k] * (1 - f) + stops[i + 1][k] * f;
    return (struct colour){(uint8_t)c[0], (uint8_t)c[1], (uint8_t)c[2]};
}

/* A byte of sRGB as light, 0..1. */
static double light(uint8_t byte)
{
    double v = byte / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double luminance(struct colour c)
{
    return 0.2126 * light(c.red) + 0.7152 * light(c.green) + 0.0722 * light(c.blue);
}

double colour_contrast(struct colour a, struct colour b)
{
    double x = luminance(a), y = luminance(b);
    return (fmax(x, y) + 0.05) / (fmin(x, y) + 0.05);
}

struct colour text_colour_on(struct colour background)
{
    const struct colour black = {0, 0, 0}, white = {255, 255, 255};
    return colour_contrast(black, background) > colour_contrast(white, background) ? black : white;
}
