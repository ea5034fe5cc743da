/* The same in a map of bytes. */
static unsigned char *byte_pixel(float *arena, const struct map *m, int y, int x)
{
    unsigned char *bytes = (unsigned char *)arena;
    return bytes + m->first +
           ((unsigned long)y * (unsigned long)m->columns + (unsigned long)x) * (unsigned long)m->step;
}
