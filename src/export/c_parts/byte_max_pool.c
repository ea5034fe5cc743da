/* The largest of each window of size x size, from the scale of one map of bytes to that of the other. */
static void max_pool_bytes(float *arena, const struct map *from, const struct map *to, int size, int stride, int pad,
                           float factor, float shift)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++)
            for (int c = 0; c < to->channels; c++) {
                int most = 0;
                for (int v = y * stride - pad; v < y * stride - pad + size; v++)
                    for (int u = x * stride - pad; u < x * stride - pad + size; u++) {
                        if (v < 0 || v >= from->rows || u < 0 || u >= from->columns)
                            continue;
                        const int a = byte_pixel(arena, from, v, u)[c];
                        most = a > most ? a : most;
                    }
                byte_pixel(arena, to, y, x)[c] = byte_of(rintf((float)most * factor + shift));
            }
}
