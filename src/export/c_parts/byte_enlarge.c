/* Each pixel scale x scale times, from the scale of one map of bytes to that of the other. */
static void enlarge_bytes(float *arena, const struct map *from, const struct map *to, int scale, float factor,
                          float shift)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            const unsigned char *a = byte_pixel(arena, from, y / scale, x / scale);
            unsigned char *out = byte_pixel(arena, to, y, x);
            for (int c = 0; c < to->channels; c++)
                out[c] = byte_of(rintf((float)a[c] * factor + shift));
        }
}
