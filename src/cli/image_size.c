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

static int round_up(int side, int stride)
{
    return (side + stride - 1) / stride * stride;
}

static struct image_size round_size(struct image_size size, int stride)
{
    char before[SIZE_TEXT], after[SIZE_TEXT];
    const struct image_size rounded = {round_up(size.h, stride), round_up(size.w, stride)};
    if (rounded.h != size.h || rounded.w != size.w)
        log_info("--img %s becomes %s: sides are multiples of %d", size_text(size.h, size.w, before),
                 size_text(rounded.h, rounded.w, after), stride);
    return rounded;
}

/* The size that nobody gave. */
static struct image_size known_size(const struct input_facts *facts, bool square)
{
    char text[SIZE_TEXT];
    struct image_size size = {facts->h, facts->w};
    if (!facts->known) {
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

static struct image_size resolve(const struct options *o, const struct input_facts *facts, bool given, bool square)
{
    struct image_size size = {WEIGHTS_IMG_DEFAULT, WEIGHTS_IMG_DEFAULT};
    if (option_given(o, "img"))
        option_size(o, "img", &size.h, &size.w);
    else if (given)
        size = known_size(facts, square);
    return round_size(size, facts->stride);
}

static struct input_facts facts_of(const struct weights *w)
{
    struct input_facts facts = {.stride = GRAPH_LEAST_STRIDE}; /* any network's */
    if (w) {
        facts.stride = graph_largest_stride(&w->deployed);
        facts.known = weights_image_size(w, &facts.h, &facts.w);
    }
    return facts;
}

struct image_size image_size_from(const struct options *o, const struct input_facts *facts, bool given)
{
    return resolve(o, facts, given, false);
}

struct image_size image_size_of(const struct options *o, const struct weights *w)
{
    const struct input_facts facts = facts_of(w);
    return resolve(o, &facts, w && option_given(o, "weights"), false);
}

int image_side_of(const struct options *o, const struct weights *w)
{
    const struct input_facts facts = facts_of(w);
    return resolve(o, &facts, w && option_given(o, "weights"), true).h;
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
