/* x times the share of a normal distribution below x. */
static void gelu(float *arena, const struct map *from, const struct map *to)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            const float *a = pixel(arena, from, y, x);
            float *out = pixel(arena, to, y, x);
            for (int c = 0; c < to->channels; c++)
                out[c] = 0.5f * a[c] * (1.0f + erff(a[c] * 0.707106781f));
        }
}
