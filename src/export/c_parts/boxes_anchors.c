/* --- boxes --- */

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* The boxes of a level whose best class scores above `confidence`, six numbers each from candidate n on: corners,
 * score, class. A cell has for each anchor x, y, w, h, an objectness, and then the logits of the classes; with one
 * class the objectness alone counts. */
static long find_in_level(float *arena, int level, float confidence, float *candidates, long n)
{
    const struct map *m = levels[level].map;
    const float stride = (float)levels[level].stride;
    for (int a = 0; a < ANCHORS; a++)
        for (int y = 0; y < m->rows; y++)
            for (int x = 0; x < m->columns; x++) {
                const float *box = pixel(arena, m, y, x) + a * (5 + NET_CLASSES), *logit = box + 5;
                int best = 0;
                for (int k = 1; k < NET_CLASSES; k++)
                    best = logit[k] > logit[best] ? k : best;
                const float score = sigmoid(box[4]) * (NET_CLASSES == 1 ? 1.0f : sigmoid(logit[best]));
                if (!(score > confidence))
                    continue;
                const float cx = (2 * sigmoid(box[0]) - 0.5f + (float)x) * stride;
                const float cy = (2 * sigmoid(box[1]) - 0.5f + (float)y) * stride;
                const float w = 2 * sigmoid(box[2]), h = 2 * sigmoid(box[3]);
                const float half_w = w * w * anchors[level][a][0] / 2, half_h = h * h * anchors[level][a][1] / 2;
                float *c = candidates + 6 * n++;
                c[0] = cx - half_w;
                c[1] = cy - half_h;
                c[2] = cx + half_w;
                c[3] = cy + half_h;
                c[4] = score;
                c[5] = (float)best;
            }
    return n;
}
