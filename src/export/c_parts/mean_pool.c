/* The mean of each window of size x size, which lies inside the map. */
static void mean_pool(float *arena, const struct map *from, const struct map *to, int size, int stride)
{
    const float factor = 1.0f / (float)(size * size);
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            float *out = pixel(arena, to, y, x);
            for (int c = 0; c < to->channels; c++) {
                float sum = 0;
                for (int v = y * stride; v < y * stride + size; v++)
                    for (int u = x * stride; u < x * stride + size; u++)
                        sum += pixel(arena, from, v, u)[c];
                out[c] = sum * factor;
            }
        }
}
