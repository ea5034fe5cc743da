/* Row or column `place` of `from` ones where there are `to`. */
static int nearest(int place, int from, int to)
{
    const int at = (int)((float)place * ((float)from / (float)to));
    return at < from - 1 ? at : from - 1;
}

/* `from` in the size of `to`, nearest pixels; the first of a sum replaces what `to` holds. */
static void add_resized(float *arena, const struct map *from, const struct map *to, int first)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            const float *a =
                pixel(arena, from, nearest(y, from->rows, to->rows), nearest(x, from->columns, to->columns));
            float *out = pixel(arena, to, y, x);
            for (int c = 0; c < to->channels; c++)
                out[c] = first ? a[c] : out[c] + a[c];
        }
}
