struct conv {
    struct window window;
    int groups;
    enum activation activation;
    const float *weights, *bias; /* bias: one an output channel */
};

/* A whole panel of sums: over all taps, and `channels` channels of each from `first` on. */
static void float_panel(const float *const *tap, int taps, int first, int channels, const float *weights, float *out)
{
    float sum[PANEL] = {0};
    for (int t = 0; t < taps; t++) {
        if (!tap[t]) {
            weights += channels * PANEL;
            continue;
        }
        const float *a = tap[t] + first;
        for (int c = 0; c < channels; c++, weights += PANEL)
            for (int j = 0; j < PANEL; j++)
                sum[j] += a[c] * weights[j];
    }
    for (int j = 0; j < PANEL; j++)
        out[j] = sum[j];
}

/* The same for a narrower panel. */
static void float_rest(const float *const *tap, int taps, int first, int channels, const float *weights, int outputs,
                       float *sum)
{
    for (int j = 0; j < outputs; j++)
        sum[j] = 0;
    for (int t = 0; t < taps; t++) {
        const float *a = tap[t] ? tap[t] + first : 0;
        for (int c = 0; c < channels; c++, weights += outputs)
            for (int j = 0; a && j < outputs; j++)
                sum[j] += a[c] * weights[j];
    }
}

/* to = activation(weights * from + bias), + added where that is not NULL. */
static void conv(float *arena, const struct map *from, const struct map *to, const struct conv *c,
                 const struct map *added)
{
    const int inputs = from->channels / c->groups, outputs = to->channels / c->groups;
    const int area = c->window.rows * c->window.columns;
    const float *weights = c->weights;
    for (int first = 0; first < to->channels;) {
        const int group = first / outputs, left = (group + 1) * outputs - first, n = left < PANEL ? left : PANEL;
        for (int y = 0; y < to->rows; y++)
            for (int x = 0; x < to->columns; x++) {
                const float *tap[TAPS];
                float sum[PANEL];
                const int taps = float_taps(arena, from, &c->window, y, x, tap);
                if (n == PANEL)
                    float_panel(tap, taps, group * inputs, inputs, weights, sum);
                else
                    float_rest(tap, taps, group * inputs, inputs, weights, n, sum);
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
