#include "cli/image_size.h"

#include "core/log.h"

#include <stdio.h>

enum { SIZE_TEXT = 32 };

/* "640", or "480 640" where height and width differ: as --img takes it */
static const char *size_text(int h, int w, char buffer[SIZE_TEXT])
{
    if (h == w)
        snprintf(buffer, SIZE_TEXT, "%d", h);
    else
        snprintf(buffer, SIZE_TEXT, "%d %d", h, w);
    return buffer;
}

static struct image_size round_size(struct image_size size, const struct weights *w)
{
    char before[SIZE_TEXT], after[SIZE_TEXT];
    static const struct graph none; /* any network's stride */
    const struct graph *g = w ? &w->deployed : &none;
    const struct image_size rounded = {graph_round_side(g, size.h), graph_round_side(g, size.w)};
    if (rounded.h != size.h || rounded.w != size.w)
        log_info("--img %s becomes %s: sides are multiples of %d", size_text(size.h, size.w, before),
                 size_text(rounded.h, rounded.w, after), graph_largest_stride(g));
    return rounded;
}

/* The size that nobody gave. */
static struct image_size known_size(const struct weights *w, bool square)
{
    char text[SIZE_TEXT];
    struct image_size size = {WEIGHTS_IMG_DEFAULT, WEIGHTS_IMG_DEFAULT};
    if (!w)
        return size;
    if (!weights_image_size(w, &size.h, &size.w)) {
        log_info("--img %d, the default: the weights do not tell their size", size.h);
    } else if (square && size.h != size.w) {
        size_text(size.h, size.w, text);
        size.h = size.w = MAX(size.h, size.w);
        log_info("--img %d, the longer side of the %s from the weights", size.h, text);
    } else {
        log_info("--img %s from the weights", size_text(size.h, size.w, text));
    }
    return size;
}

static struct image_size resolve(const struct options *o, const struct weights *w, bool square)
{
    struct image_size size;
    if (option_given(o, "img"))
        option_size(o, "img", &size.h, &size.w);
    else
        size = known_size(w && option_string(o, "weights") ? w : NULL, square);
    return round_size(size, w);
}

struct image_size image_size_of(const struct options *o, const struct weights *w)
{
    return resolve(o, w, false);
}

int image_side_of(const struct options *o, const struct weights *w)
{
    return resolve(o, w, true).h;
}

void image_size_compare(const struct weights *w, int height, int width)
{
    char here[SIZE_TEXT], there[SIZE_TEXT];
    struct image_size size;
    if (!weights_image_size(w, &size.h, &size.w) || (size.h == height && size.w == width))
        return;
    log_warn("the weights were trained at --img %s, this is %s: expect other accuracy than they were trained for",
             size_text(size.h, size.w, there), size_text(height, width, here));
}
