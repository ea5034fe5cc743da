/* The largest of each window of size x size; beyond the edge there is nothing. */
static void max_pool(float *arena, const struct map *from, const struct map *to, int size, int stride, int pad)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            float *out = pixel(arena, to, y, x);
            int taps = 0;
            for (int v = y * stride - pad; v < y * stride - pad + size; v++)
                for (int u = x * stride - pad; u < x * stride - pad + size; u++) {
                    if (v < 0 || v >= from->rows || u < 0 || u >= from->columns)
                        continue;
                    const float *a = pixel(arena, from, v, u);
                    for (int c = 0; c < to->channels; c++)
                        out[c] = !taps || a[c] > out[c] || a[c] != a[c] ? a[c] : out[c];
                    taps++;
                }
        }
}
