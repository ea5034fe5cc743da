/* to = activation(from) */
static void activate_copy(float *arena, const struct map *from, const struct map *to, enum activation activation)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            const float *a = pixel(arena, from, y, x);
            float *out = pixel(arena, to, y, x);
            for (int c = 0; c < to->channels; c++)
                out[c] = activate(a[c], activation);
        }
}
