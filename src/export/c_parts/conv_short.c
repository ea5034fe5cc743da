/* A convolution whose weights and input are 16-bit floats (bf16): a weight is the upper half of a float. */
struct short_conv {
    struct window window;
    int groups;
    enum activation activation;
    const uint16_t *weights;
    const float *bias;
};

static float float_of(uint16_t upper)
{
    union {
        float f;
        uint32_t u;
    } v;
    v.u = (uint32_t)upper << 16;
    return v.f;
}

/* `outputs` sums over all taps and pairs of channels, of which there are an even number. */
static void short_panel(const float *const *tap, int taps, int first, int channels, const uint16_t *weights,
                        int outputs, float *sum)
{
    for (int j = 0; j < outputs; j++)
        sum[j] = 0;
    for (int t = 0; t < taps; t++) {
        const float *a = tap[t] ? tap[t] + first : 0;
        for (int c = 0; c < channels; c += 2, weights += 2 * outputs)
            for (int j = 0; a && j < outputs; j++)
                sum[j] += a[c] * float_of(weights[j]) + a[c + 1] * float_of(weights[outputs + j]);
    }
}

/* to = activation(weights * from + bias), + added where that is not NULL; `from` holds 16-bit floats. */
static void conv_short(float *arena, const struct map *from, const struct map *to, const struct short_conv *c,
                       const struct map *added)
{
    const int inputs = from->channels / c->groups, outputs = to->channels / c->groups;
    const int area = c->window.rows * c->window.columns;
    const uint16_t *weights = c->weights;
    for (int first = 0; first < to->channels;) {
        const int group = first / outputs, left = (group + 1) * outputs - first, n = left < PANEL ? left : PANEL;
        for (int y = 0; y < to->rows; y++)
            for (int x = 0; x < to->columns; x++) {
                const float *tap[TAPS];
                float sum[PANEL];
                const int taps = float_taps(arena, from, &c->window, y, x, tap);
                short_panel(tap, taps, group * inputs, inputs, weights, n, sum);
                float *out = pixel(arena, to, y, x) + first;
                const float *more = added ? pixel(arena, added, y, x) + first : 0;
                for (int j = 0; j < n; j++) {
                    const float value = activate(sum[j] + c->bias[first + j], c->activation);
                    out[j] = more ? value + more[j] : value;
                }
            }
        weights += (long)area * inputs * n;
        first += n;
    }
}
