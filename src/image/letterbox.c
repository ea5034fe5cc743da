#include "image/letterbox.h"

#include "image/resize.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* rint is Python's round: halves go to the even side. */
static int round_even(double x)
{
    return (int)rint(x);
}

struct letterbox letterbox_plan(int src_h, int src_w, const struct letterbox_options *options)
{
    assert(src_h > 0 && src_w > 0 && options->h > 0 && options->w > 0);
    struct letterbox box = {.src_h = src_h, .src_w = src_w};
    double r = MIN((double)options->h / src_h, (double)options->w / src_w);
    if (options->no_grow)
        r = MIN(r, 1.0);
    box.ratio_h = box.ratio_w = r;
    box.inner_h = MAX(round_even(src_h * r), 1);
    box.inner_w = MAX(round_even(src_w * r), 1);
    int rest_h = options->h - box.inner_h, rest_w = options->w - box.inner_w;
    if (options->rect) {
        rest_h %= options->stride;
        rest_w %= options->stride;
    } else if (options->stretch) {
        box.inner_h = options->h;
        box.inner_w = options->w;
        box.ratio_h = (double)options->h / src_h;
        box.ratio_w = (double)options->w / src_w;
        rest_h = rest_w = 0;
    }
    box.pad_h = rest_h / 2.0;
    box.pad_w = rest_w / 2.0;
    box.top = round_even(box.pad_h - 0.1);
    box.bottom = round_even(box.pad_h + 0.1);
    box.left = round_even(box.pad_w - 0.1);
    box.right = round_even(box.pad_w + 0.1);
    box.h = box.inner_h + box.top + box.bottom;
    box.w = box.inner_w + box.left + box.right;
    return box;
}

static void fill_bars(const struct letterbox *box, struct image *dst)
{
    size_t row = (size_t)dst->w * 3, left = (size_t)box->left * 3, right = (size_t)box->right * 3;
    memset(dst->data, IMAGE_BORDER, (size_t)box->top * row);
    memset(dst->data + (size_t)(box->top + box->inner_h) * row, IMAGE_BORDER, (size_t)box->bottom * row);
    if (!left && !right)
        return;
    for (int y = box->top; y < box->top + box->inner_h; y++) {
        memset(dst->data + (size_t)y * row, IMAGE_BORDER, left);
        memset(dst->data + (size_t)(y + 1) * row - right, IMAGE_BORDER, right);
    }
}

enum status pixels_letterbox(const struct pixels *src, const struct letterbox *box, struct image *dst)
{
    assert(src->h == box->src_h && src->w == box->src_w);
    enum status rc = image_init(dst, box->h, box->w);
    if (rc != OK)
        return rc;
    fill_bars(box, dst);
    return pixels_resize_into(src, box->inner_h, box->inner_w, dst, box->top, box->left);
}

enum status image_letterbox(const struct image *src, const struct letterbox *box, struct image *dst)
{
    const struct pixels pixels = pixels_of_image(src);
    return pixels_letterbox(&pixels, box, dst);
}
