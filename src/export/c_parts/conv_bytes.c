/* A convolution of bytes. `zeros` are the input's channels where they stand for 0, which is what lies beyond the edge.
 * An output is activation(sum * scale + bias); what it is stored as, and what is added, says struct finish. */
struct byte_conv {
    struct window window;
    int groups;
    enum activation activation;
    const signed char *weights;
    const float *scale, *bias;
    const unsigned char *zeros;
};

struct finish {
    int to_bytes, added_bytes; /* maps of bytes? */
    float factor, zero;        /* of the output: byte = round(x * factor) + zero */
    float step, added_zero;    /* of the map that is added: x = (byte - added_zero) * step */
};

static int byte_taps(float *arena, const struct map *from, const struct byte_conv *c, int y, int x,
                     const unsigned char **tap)
{
    const struct window *w = &c->window;
    int n = 0;
    for (int row = 0; row < w->rows; row++)
        for (int column = 0; column < w->columns; column++) {
            const int v = y * w->stride - w->pad + row * w->dilation;
            const int u = x * w->stride - w->pad + column * w->dilation;
            const int inside = v >= 0 && v < from->rows && u >= 0 && u < from->columns;
            tap[n++] = inside ? byte_pixel(arena, from, v, u) : c->zeros;
        }
    return n;
}

/* A whole panel of sums: over all taps, and `channels` channels of each from `first` on. */
static void byte_panel(const unsigned char *const *tap, int taps, int first, int channels, const signed char *weights,
                       int32_t *out)
{
    int32_t sum[PANEL] = {0};
    for (int t = 0; t < taps; t++) {
        const unsigned char *a = tap[t] + first;
        for (int c = 0; c < channels; c++, weights += PANEL)
            for (int j = 0; j < PANEL; j++)
                sum[j] += a[c] * weights[j];
    }
    for (int j = 0; j < PANEL; j++)
        out[j] = sum[j];
}

/* The same for a narrower panel. */
static void byte_rest(const unsigned char *const *tap, int taps, int first, int channels, const signed char *weights,
                      int outputs, int32_t *sum)
{
    for (int j = 0; j < outputs; j++)
        sum[j] = 0;
    for (int t = 0; t < taps; t++) {
        const unsigned char *a = tap[t] + first;
        for (int c = 0; c < channels; c++, weights += outputs)
            for (int j = 0; j < outputs; j++)
                sum[j] += a[c] * weights[j];
    }
}

/* One pixel's outputs [first, first + n) from their sums. */
static void byte_outputs(float *arena, const struct map *to, const struct byte_conv *c, const struct map *added,
                         const struct finish *f, int y, int x, int first, int n, const int32_t *sum)
{
    for (int j = 0; j < n; j++) {
        const int k = first + j;
        float value = activate((float)sum[j] * c->scale[k] + c->bias[k], c->activation);
        if (added && f->added_bytes)
            value += ((float)byte_pixel(arena, added, y, x)[k] - f->added_zero) * f->step;
        else if (added)
            value += pixel(arena, added, y, x)[k];
        if (f->to_bytes)
            byte_pixel(arena, to, y, x)[k] = byte_of(rintf(value * f->factor) + f->zero);
        else
            pixel(arena, to, y, x)[k] = value;
    }
}

static void conv_bytes(float *arena, const struct map *from, const struct map *to, const struct byte_conv *c,
                       const struct map *added, const struct finish *f)
{
    const int inputs = from->channels / c->groups, outputs = to->channels / c->groups;
    const int area = c->window.rows * c->window.columns;
    const signed char *weights = c->weights;
    for (int first = 0; first < to->channels;) {
        const int group = first / outputs, left = (group + 1) * outputs - first, n = left < PANEL ? left : PANEL;
        for (int y = 0; y < to->rows; y++)
            for (int x = 0; x < to->columns; x++) {
                const unsigned char *tap[TAPS];
                int32_t sum[PANEL];
                const int taps = byte_taps(arena, from, c, y, x, tap);
                if (n == PANEL)
                    byte_panel(tap, taps, group * inputs, inputs, weights, sum);
                else
                    byte_rest(tap, taps, group * inputs, inputs, weights, n, sum);
                byte_outputs(arena, to, c, added, f, y, x, first, n, sum);
            }
        weights += (long)area * inputs * n;
        first += n;
    }
}
