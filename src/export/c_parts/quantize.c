/* Floats as bytes: round(x * factor) + zero. */
static void quantize(float *arena, const struct map *from, const struct map *to, float factor, float zero)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            const float *a = pixel(arena, from, y, x);
            unsigned char *out = byte_pixel(arena, to, y, x);
            for (int c = 0; c < to->channels; c++)
                out[c] = byte_of(rintf(a[c] * factor) + zero);
        }
}
