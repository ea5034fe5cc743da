#include "image/pixels.h"

#include <string.h>

/* Of a format: planes, and bytes a pixel of the first one. */
static const struct layout {
    int planes, bytes;
    int red, blue; /* places of these in the pixel, where it has colours */
} layouts[PIXELS_FORMATS] = {
    [PIXELS_RGB] = {1, 3, 0, 2},  [PIXELS_BGR] = {1, 3, 2, 0},  [PIXELS_RGBA] = {1, 4, 0, 2},
    [PIXELS_BGRA] = {1, 4, 2, 0}, [PIXELS_GREY] = {1, 1, 0, 0}, [PIXELS_NV12] = {2, 1, 0, 0},
    [PIXELS_I420] = {3, 1, 0, 0},
};

int pixels_planes(enum pixel_format format)
{
    return layouts[format].planes;
}

size_t pixels_row_bytes(const struct pixels *p, int plane)
{
    const size_t half = ((size_t)p->w + 1) / 2;
    if (plane == 0)
        return (size_t)p->w * (size_t)layouts[p->format].bytes;
    return p->format == PIXELS_NV12 ? 2 * half : half;
}

struct pixels pixels_of_image(const struct image *img)
{
    return (struct pixels){.format = PIXELS_RGB,
                           .h = img->h,
                           .w = img->w,
                           .plane = {img->data},
                           .stride = {(size_t)img->w * 3},
                           .slack = true};
}

/* --- brightness and differences of colour --- */

/* R = y (Y - black) + red Cr, G = ... - green_blue Cb - green_red Cr, B = ... + blue Cb; Cb and Cr less 128; in units
 * of 2^-16. From the definitions: kr, kb are the shares of red and blue in brightness (BT.601: 0.299, 0.114; BT.709:
 * 0.2126, 0.0722); red = 2 (1 - kr), blue = 2 (1 - kb), green_red = red kr / kg, green_blue = blue kb / kg; in the
 * limited range brightness is stretched by 255 / 219 and the differences by 255 / 224. */
struct matrix {
    int black, y, red, green_blue, green_red, blue;
};

static int fixed(double x)
{
    return (int)(x * 65536 + 0.5);
}

static struct matrix matrix_of(enum pixel_matrix m)
{
    const bool limited = m == PIXELS_BT601_LIMITED || m == PIXELS_BT709_LIMITED;
    const bool hd = m == PIXELS_BT709_LIMITED || m == PIXELS_BT709_FULL;
    const double kr = hd ? 0.2126 : 0.299, kb = hd ? 0.0722 : 0.114, kg = 1 - kr - kb;
    const double stretch = limited ? 255.0 / 224 : 1, red = 2 * (1 - kr) * stretch, blue = 2 * (1 - kb) * stretch;
    return (struct matrix){.black = limited ? 16 : 0,
                           .y = fixed(limited ? 255.0 / 219 : 1),
                           .red = fixed(red),
                           .green_blue = fixed(blue * kb / kg),
                           .green_red = fixed(red * kr / kg),
                           .blue = fixed(blue)};
}

static uint8_t to_byte(int fixed_value)
{
    const int x = (fixed_value + 32768) >> 16;
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

/* `step` bytes from a difference to the next. Two pixels share one. */
static void convert_row(const struct matrix *m, const uint8_t *restrict y, const uint8_t *restrict cb,
                        const uint8_t *restrict cr, int step, int w, uint8_t *restrict rgb)
{
    for (int x = 0; x < w; x++, rgb += 3) {
        const int b = cb[x / 2 * step] - 128, r = cr[x / 2 * step] - 128, light = (y[x] - m->black) * m->y;
        rgb[0] = to_byte(light + m->red * r);
        rgb[1] = to_byte(light - m->green_blue * b - m->green_red * r);
        rgb[2] = to_byte(light + m->blue * b);
    }
}

/* --- rows --- */

static const uint8_t *row_of(const struct pixels *p, int plane, int y)
{
    return p->plane[plane] + (size_t)y * p->stride[plane];
}

const uint8_t *pixels_row(const struct pixels *p, int y, uint8_t *row)
{
    const struct layout *l = &layouts[p->format];
    const uint8_t *src = row_of(p, 0, y);
    const size_t w = (size_t)p->w;
    struct matrix m;
    switch (p->format) {
    case PIXELS_RGB:
        /* what lies behind a row is readable where a whole row of the picture follows */
        if (p->slack || (y + 1 < p->h && w * 3 >= PIXELS_SLACK))
            return src;
        memcpy(row, src, w * 3);
        return row;
    case PIXELS_GREY:
        for (size_t x = 0; x < w; x++)
            row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = src[x];
        return row;
    case PIXELS_NV12:
        m = matrix_of(p->matrix);
        convert_row(&m, src, row_of(p, 1, y / 2), row_of(p, 1, y / 2) + 1, 2, p->w, row);
        return row;
    case PIXELS_I420:
        m = matrix_of(p->matrix);
        convert_row(&m, src, row_of(p, 1, y / 2), row_of(p, 2, y / 2), 1, p->w, row);
        return row;
    default:
        for (size_t x = 0; x < w; x++, src += l->bytes) {
            row[3 * x] = src[l->red];
            row[3 * x + 1] = src[1];
            row[3 * x + 2] = src[l->blue];
        }
        return row;
    }
}
