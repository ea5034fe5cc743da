/* What lies under the window of output pixel (y, x): a pointer a tap, NULL beyond the edge. */
static int float_taps(float *arena, const struct map *from, const struct window *w, int y, int x, const float **tap)
{
    int n = 0;
    for (int row = 0; row < w->rows; row++)
        for (int column = 0; column < w->columns; column++) {
            const int v = y * w->stride - w->pad + row * w->dilation;
            const int u = x * w->stride - w->pad + column * w->dilation;
            const int inside = v >= 0 && v < from->rows && u >= 0 && u < from->columns;
            tap[n++] = inside ? pixel(arena, from, v, u) : 0;
        }
    return n;
}
