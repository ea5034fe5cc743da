/* Four pixels of a square as one pixel of four times the channels: top left, bottom left, top right, bottom right. */
static void reorg(float *arena, const struct map *from, const struct map *to)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++)
            for (int k = 0; k < 4; k++)
                memcpy(pixel(arena, to, y, x) + k * from->channels, pixel(arena, from, 2 * y + k % 2, 2 * x + k / 2),
                       (size_t)from->channels * sizeof(float));
}
