/* Each pixel scale x scale times. */
static void enlarge(float *arena, const struct map *from, const struct map *to, int scale)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++)
            memcpy(pixel(arena, to, y, x), pixel(arena, from, y / scale, x / scale),
                   (size_t)to->channels * sizeof(float));
}
