#include "train/anchor_candidates.h"

#include "core/mem.h"

#include <limits.h>
#include <math.h>

enum { OWN, LEFT, UP, RIGHT, DOWN, PASSES };

void anchor_candidates_free(struct anchor_candidates *list)
{
    mem_free(list->items);
    *list = (struct anchor_candidates){0};
}

/* Space for all passes over all pairs of an anchor and a target. */
static enum status reserve(struct anchor_candidates *list, size_t count)
{
    if (count > INT_MAX)
        return fail(E_LIMIT, "the labels of a batch have %zu candidates at a level, more than %d", count, INT_MAX);
    if (count <= (size_t)list->capacity)
        return OK;
    anchor_candidates_free(list);
    list->items = mem_alloc(count, sizeof *list->items);
    if (!list->items)
        return E_NOMEM;
    list->capacity = (int)count;
    return OK;
}

static bool is_near_shape(const float *target, int w, int h, const float anchor[2], float most)
{
    float ratio_w = target[4] * (float)w / anchor[0], ratio_h = target[5] * (float)h / anchor[1];
    return MAX(MAX(ratio_w, 1 / ratio_w), MAX(ratio_h, 1 / ratio_h)) < most;
}

/* The cell's column (row) of a place, within the map. */
static int cell_of(float place, int cells)
{
    return !(place > 0) ? 0 : place >= (float)cells ? cells - 1 : (int)place;
}

/* Does the pass take a centre at (x, y) cells, and for which cell? */
static bool pass_takes(int pass, float x, float y, int w, int h, float reach, int *cell_x, int *cell_y)
{
    const float from[PASSES] = {[LEFT] = x, [UP] = y, [RIGHT] = (float)w - x, [DOWN] = (float)h - y};
    const float dx = pass == LEFT ? reach : pass == RIGHT ? -reach : 0;
    const float dy = pass == UP ? reach : pass == DOWN ? -reach : 0;
    if (pass != OWN && !(from[pass] - floorf(from[pass]) < reach && from[pass] > 1))
        return false;
    *cell_x = cell_of(x - dx, w);
    *cell_y = cell_of(y - dy, h);
    return true;
}

enum status anchor_candidates_find(const struct head_output *shape, int level, const struct anchor_rule *rule,
                                   const float *targets, int n, struct anchor_candidates *list)
{
    const int w = shape->level[level].w, h = shape->level[level].h, anchors = shape->head->n_anchors;
    const float stride = (float)shape->level[level].stride;
    TRY(reserve(list, (size_t)PASSES * (size_t)anchors * (size_t)n));
    list->count = 0;
    for (int pass = OWN; pass < PASSES; pass++)
        for (int a = 0; a < anchors; a++) {
            const float *pixels = shape->head->anchor[level][a];
            const float anchor[2] = {pixels[0] / stride, pixels[1] / stride};
            for (int t = 0; t < n; t++) {
                const float *target = targets + 6 * (size_t)t;
                float x = target[2] * (float)w, y = target[3] * (float)h;
                struct anchor_candidate found = {.image = (int)target[0], .anchor = a, .target = t};
                if (is_near_shape(target, w, h, anchor, rule->most_ratio) &&
                    pass_takes(pass, x, y, w, h, rule->reach, &found.x, &found.y))
                    list->items[list->count++] = found;
            }
        }
    return OK;
}
