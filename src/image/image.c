#include "image/image.h"

#include "core/mem.h"

#include <assert.h>
#include <string.h>

enum { SLACK = 16 };

enum status image_check_size(const char *name, long long h, long long w, const struct image_limits *limits)
{
    static const struct image_limits standard = {IMAGE_MAX_SIDE, IMAGE_MAX_PIXELS};
    if (!limits)
        limits = &standard;
    if (h < 1 || w < 1)
        return fail(E_FORMAT, "%s: a picture of %lld x %lld pixels is empty", name, w, h);
    if (h > limits->max_side || w > limits->max_side)
        return fail(E_LIMIT, "%s: %lld x %lld pixels, the longest side allowed is %d", name, w, h, limits->max_side);
    if ((size_t)h * (size_t)w > limits->max_pixels)
        return fail(E_LIMIT, "%s: %lld x %lld pixels, at most %zu are allowed", name, w, h, limits->max_pixels);
    return OK;
}

enum status image_init(struct image *img, int h, int w)
{
    assert(h > 0 && w > 0);
    size_t bytes = (size_t)h * (size_t)w * 3;
    if (bytes > img->capacity) {
        image_free(img);
        img->data = mem_alloc(bytes + SLACK, 1);
        if (!img->data)
            return E_NOMEM;
        memset(img->data + bytes, 0, SLACK);
        img->capacity = bytes;
    }
    img->h = h;
    img->w = w;
    return OK;
}

void image_free(struct image *img)
{
    mem_free(img->data);
    *img = (struct image){0};
}

enum status image_copy(const struct image *src, struct image *dst)
{
    enum status rc = image_init(dst, src->h, src->w);
    if (rc == OK)
        memcpy(dst->data, src->data, (size_t)src->h * (size_t)src->w * 3);
    return rc;
}

void image_fill(struct image *img, uint8_t red, uint8_t green, uint8_t blue)
{
    size_t pixels = (size_t)img->h * (size_t)img->w;
    if (red == green && green == blue) {
        memset(img->data, red, pixels * 3);
        return;
    }
    for (uint8_t *p = img->data, *end = p + pixels * 3; p < end; p += 3) {
        p[0] = red;
        p[1] = green;
        p[2] = blue;
    }
}

/* Clip the run [s, s+n) of a line of length s_max that goes to [d, d+n) of a line of length d_max. */
static void clip_run(int s_max, int d_max, int *s, int *d, int *n)
{
    int cut = MAX(0, MAX(-*s, -*d));
    *s += cut;
    *d += cut;
    *n = MIN(*n - cut, MIN(s_max - *s, d_max - *d));
}

void image_paste(const struct image *src, int sy, int sx, int h, int w, struct image *dst, int dy, int dx)
{
    clip_run(src->h, dst->h, &sy, &dy, &h);
    clip_run(src->w, dst->w, &sx, &dx, &w);
    if (w <= 0)
        return;
    for (int y = 0; y < h; y++)
        memcpy(dst->data + ((size_t)(dy + y) * (size_t)dst->w + (size_t)dx) * 3,
               src->data + ((size_t)(sy + y) * (size_t)src->w + (size_t)sx) * 3, (size_t)w * 3);
}

enum status image_crop(const struct image *src, int x1, int y1, int x2, int y2, struct image *dst)
{
    assert(src != dst);
    x1 = MAX(x1, 0);
    y1 = MAX(y1, 0);
    x2 = MIN(x2, src->w);
    y2 = MIN(y2, src->h);
    if (x1 >= x2 || y1 >= y2)
        return fail(E_ARGUMENT, "the part %d..%d x %d..%d of a picture of %d x %d pixels is empty", x1, x2, y1, y2,
                    src->w, src->h);
    enum status rc = image_init(dst, y2 - y1, x2 - x1);
    if (rc == OK)
        image_paste(src, y1, x1, y2 - y1, x2 - x1, dst, 0, 0);
    return rc;
}

void image_flip_left_right(struct image *img)
{
    size_t row = (size_t)img->w * 3;
    for (int y = 0; y < img->h; y++) {
        uint8_t *a = img->data + (size_t)y * row, *b = a + row - 3;
        for (; a < b; a += 3, b -= 3) {
            for (int c = 0; c < 3; c++) {
                uint8_t keep = a[c];
                a[c] = b[c];
                b[c] = keep;
            }
        }
    }
}

static void swap_bytes(uint8_t *restrict a, uint8_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t keep = a[i];
        a[i] = b[i];
        b[i] = keep;
    }
}

void image_flip_up_down(struct image *img)
{
    size_t row = (size_t)img->w * 3;
    for (int top = 0, bottom = img->h - 1; top < bottom; top++, bottom--)
        swap_bytes(img->data + (size_t)top * row, img->data + (size_t)bottom * row, row);
}

/* dst (w, h) = src (h, w) transposed, in tiles small enough to stay in the cache. */
static void transpose(const struct image *src, struct image *dst)
{
    enum { TILE = 16 };
    size_t h = (size_t)src->h, w = (size_t)src->w;
    for (size_t y0 = 0; y0 < h; y0 += TILE) {
        size_t y1 = MIN(y0 + TILE, h);
        for (size_t x0 = 0; x0 < w; x0 += TILE) {
            size_t x1 = MIN(x0 + TILE, w);
            for (size_t x = x0; x < x1; x++) {
                for (size_t y = y0; y < y1; y++)
                    memcpy(dst->data + (x * h + y) * 3, src->data + (y * w + x) * 3, 3);
            }
        }
    }
}

enum status image_orient(struct image *img, int orientation)
{
    if (orientation < 2 || orientation > 8)
        return OK;
    if (orientation >= 5) {
        struct image turned = {0};
        enum status rc = image_init(&turned, img->w, img->h);
        if (rc != OK)
            return rc;
        transpose(img, &turned);
        image_free(img);
        *img = turned;
    }
    /* 5 is the transpose; 6 and 8 mirror it once, 7 (anti-transpose) twice, as 3 is 2 and 4 together. */
    if (orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7)
        image_flip_left_right(img);
    if (orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8)
        image_flip_up_down(img);
    return OK;
}

void image_to_float(const struct image *img, float *dst, size_t pixel_stride)
{
    size_t pixels = (size_t)img->h * (size_t)img->w;
    const uint8_t *src = img->data;
    assert(pixel_stride >= 3);
    if (pixel_stride == 3) {
        for (size_t i = 0; i < pixels * 3; i++)
            dst[i] = (float)src[i] / 255.0f;
        return;
    }
    float table[256];
    for (int i = 0; i < 256; i++)
        table[i] = (float)i / 255.0f;
    for (size_t i = 0; i < pixels; i++, src += 3, dst += pixel_stride) {
        dst[0] = table[src[0]];
        dst[1] = table[src[1]];
        dst[2] = table[src[2]];
    }
}
