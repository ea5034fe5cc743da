static float *pixel(float *arena, const struct map *m, int y, int x)
{
    return arena + m->first +
           ((unsigned long)y * (unsigned long)m->columns + (unsigned long)x) * (unsigned long)m->step;
}
