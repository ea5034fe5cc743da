/* --- boxes --- */

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* A side's distance in cells: what is to be expected of the distribution whose logits these are. */
static float distance(const float *logits)
{
    float most = logits[0], sum = 0, moment = 0;
    for (int k = 1; k < BINS; k++)
        most = logits[k] > most ? logits[k] : most;
    for (int k = 0; k < BINS; k++) {
        const float e = expf(logits[k] - most);
        sum += e;
        moment += e * (float)k;
    }
    return moment / sum;
}

/* The boxes of a level whose best class scores above `confidence`, six numbers each from candidate n on: corners,
 * score, class. A cell has four sides' distances (left, top, right, bottom) and then the logits of the classes. */
static long find_in_level(float *arena, int level, float confidence, float *candidates, long n)
{
    const struct map *m = levels[level].map;
    const float stride = (float)levels[level].stride;
    for (int y = 0; y < m->rows; y++)
        for (int x = 0; x < m->columns; x++) {
            const float *cell = pixel(arena, m, y, x), *logit = cell + 4 * BINS;
            int best = 0;
            for (int k = 1; k < NET_CLASSES; k++)
                best = logit[k] > logit[best] ? k : best;
            const float score = sigmoid(logit[best]), cx = (float)x + 0.5f, cy = (float)y + 0.5f;
            if (!(score > confidence))
                continue;
            float *c = candidates + 6 * n++;
            c[0] = (cx - distance(cell)) * stride;
            c[1] = (cy - distance(cell + BINS)) * stride;
            c[2] = (cx + distance(cell + 2 * BINS)) * stride;
            c[3] = (cy + distance(cell + 3 * BINS)) * stride;
            c[4] = score;
            c[5] = (float)best;
        }
    return n;
}
