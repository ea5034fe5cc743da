#include "train/loss_batch.h"

#include "core/mem.h"
#include "detect/boxes.h"
#include "train/loss.h"

#include <string.h>

static enum status reserve_images(struct label_groups *g, int images)
{
    if (images <= g->capacity)
        return OK;
    label_groups_free(g);
    g->first = mem_alloc((size_t)images + 1, sizeof *g->first);
    g->next = mem_alloc((size_t)images, sizeof *g->next);
    if (!g->first || !g->next)
        return E_NOMEM;
    g->capacity = images;
    return OK;
}

enum status label_groups_make(struct label_groups *g, int images, const float *targets, int n)
{
    TRY(reserve_images(g, images));
    memset(g->first, 0, ((size_t)images + 1) * sizeof *g->first);
    for (int i = 0; i < n; i++)
        g->first[(int)targets[6 * (size_t)i] + 1]++;
    for (int i = 0; i < images; i++)
        g->first[i + 1] += g->first[i];
    memcpy(g->next, g->first, (size_t)images * sizeof *g->next);
    return OK;
}

int label_groups_place(struct label_groups *g, const float *row)
{
    return g->next[(int)row[0]]++;
}

void label_groups_free(struct label_groups *g)
{
    mem_free(g->first);
    mem_free(g->next);
    *g = (struct label_groups){0};
}

void label_box(const float *row, float width, float height, float xyxy[4])
{
    const float box[4] = {row[2] * width, row[3] * height, row[4] * width, row[5] * height};
    box_cxcywh_to_xyxy(box, xyxy);
}

enum status part_sums_reserve(struct part_sums *s, size_t parts)
{
    if (parts <= s->capacity)
        return OK;
    part_sums_free(s);
    s->item = mem_alloc(parts, LOSS_ITEMS * sizeof *s->item);
    if (!s->item)
        return E_NOMEM;
    s->capacity = parts;
    return OK;
}

void part_sums_free(struct part_sums *s)
{
    mem_free(s->item);
    *s = (struct part_sums){0};
}
