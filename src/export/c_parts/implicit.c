/* One number a channel, added to the map, or multiplied with it. */
static void implicit(float *arena, const struct map *from, const struct map *to, const float *vector, int multiplies)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            const float *a = pixel(arena, from, y, x);
            float *out = pixel(arena, to, y, x);
            for (int c = 0; c < to->channels; c++)
                out[c] = multiplies ? a[c] * vector[c] : a[c] + vector[c];
        }
}
