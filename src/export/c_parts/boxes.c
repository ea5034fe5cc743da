/* How much two candidates overlap; boxes of different classes are moved apart first. */
static float overlap(const float *a, const float *b)
{
    float p[4], q[4];
    for (int k = 0; k < 4; k++) {
        p[k] = a[k] + a[5] * CLASS_OFFSET;
        q[k] = b[k] + b[5] * CLASS_OFFSET;
    }
    const float w = (p[2] < q[2] ? p[2] : q[2]) - (p[0] > q[0] ? p[0] : q[0]);
    const float h = (p[3] < q[3] ? p[3] : q[3]) - (p[1] > q[1] ? p[1] : q[1]);
    const float common = (w > 0 ? w : 0) * (h > 0 ? h : 0);
    return common / ((p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - common);
}

int net_boxes(float *arena, float confidence, float iou, struct net_box *boxes, int most)
{
    float *candidates = arena + CANDIDATES;
    long n = 0;
    int kept = 0;
    for (int level = 0; level < NET_LEVELS; level++)
        n = find_in_level(arena, level, confidence, candidates, n);
    while (kept < most) {
        const float *best = 0;
        for (long i = 0; i < n; i++) { /* a score of -1: taken, or overlapped by one that was */
            const float *c = candidates + 6 * i;
            if (c[4] >= 0 && (!best || c[4] > best[4]))
                best = c;
        }
        if (!best)
            break;
        const struct net_box box = {best[0], best[1], best[2], best[3], best[4], (int)best[5]};
        boxes[kept++] = box;
        for (long i = 0; i < n; i++) {
            float *c = candidates + 6 * i;
            if (c == best || (c[4] >= 0 && overlap(best, c) > iou))
                c[4] = -1;
        }
    }
    return kept;
}
