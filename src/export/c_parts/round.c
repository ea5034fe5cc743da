/* x as a 16-bit float (bf16), to the nearest, of two as near ones the even one. */
static float short_float(float x)
{
    union {
        float f;
        uint32_t u;
    } v;
    v.f = x;
    if (x != x)
        return x;
    v.u = (v.u + 0x7fff + (v.u >> 16 & 1)) & 0xffff0000u;
    return v.f;
}

static void shorten(float *arena, const struct map *from, const struct map *to)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            const float *a = pixel(arena, from, y, x);
            float *out = pixel(arena, to, y, x);
            for (int c = 0; c < to->channels; c++)
                out[c] = short_float(a[c]);
        }
}
