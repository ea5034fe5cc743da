/* The mean of each window of size x size, from the scale of one map of bytes to that of the other. */
static void mean_pool_bytes(float *arena, const struct map *from, const struct map *to, int size, int stride,
                            float factor, float shift)
{
    const float part = factor / (float)(size * size);
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++)
            for (int c = 0; c < to->channels; c++) {
                int sum = 0;
                for (int v = y * stride; v < y * stride + size; v++)
                    for (int u = x * stride; u < x * stride + size; u++)
                        sum += byte_pixel(arena, from, v, u)[c];
                byte_pixel(arena, to, y, x)[c] = byte_of(rintf((float)sum * part + shift));
            }
}
