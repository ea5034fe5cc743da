/* A batch normalisation as a factor and a shift a channel; the first of a sum replaces what `to` holds. */
static void normalise(float *arena, const struct map *from, const struct map *to, const float *factor,
                      const float *shift, int first)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            const float *a = pixel(arena, from, y, x);
            float *out = pixel(arena, to, y, x);
            for (int c = 0; c < to->channels; c++)
                out[c] = (first ? 0.0f : out[c]) + (a[c] * factor[c] + shift[c]);
        }
}

/* The activation of a sum, + added where that is not NULL. */
static void activate_map(float *arena, const struct map *to, enum activation activation, const struct map *added)
{
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++) {
            float *out = pixel(arena, to, y, x);
            const float *more = added ? pixel(arena, added, y, x) : 0;
            for (int c = 0; c < to->channels; c++)
                out[c] = activate(out[c], activation) + (more ? more[c] : 0.0f);
        }
}
