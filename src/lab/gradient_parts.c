#include "lab/gradient_parts.h"

#include "core/mem.h"
#include "train/anchor_candidates.h"

#include <string.h>

const char *const object_size_names[OBJECT_SIZES] = {"small", "medium", "large", "background"};

enum object_size object_size_of(double area)
{
    return area < 32 * 32 ? SIZE_SMALL : area < 96 * 96 ? SIZE_MEDIUM : SIZE_LARGE;
}

void head_parts_free(struct head_parts *h)
{
    mem_free(h->whole);
    mem_free(h->size);
    *h = (struct head_parts){0};
}

/* --- whom an anchor point answers for --- */

static double target_area(const float *row, const struct head_output *out)
{
    const double height = (double)out->level[0].h * out->level[0].stride;
    const double width = (double)out->level[0].w * out->level[0].stride;
    return (double)row[4] * width * (double)row[5] * height;
}

static void size_points(struct head_parts *h, const struct loss *loss, int branch)
{
    const struct loss_assignment a = loss_get_assignment(loss, branch);
    for (int image = 0; image < h->out.n; image++)
        for (int cell = 0; cell < h->out.anchors; cell++) {
            const size_t point = (size_t)image * (size_t)h->out.anchors + (size_t)cell;
            if (a.label[point] < 0)
                continue;
            const float *box = a.labels[a.first[image] + a.label[point]].box.xyxy;
            h->size[point] = (unsigned char)object_size_of(((double)box[2] - box[0]) * ((double)box[3] - box[1]));
        }
}

static void size_boxes(struct head_parts *h, const struct loss *loss, int branch, const float *targets)
{
    const struct loss_matching m = loss_get_matching(loss, branch);
    for (int group = 0; group < h->out.n * h->out.n_levels; group++) {
        const int level = group % h->out.n_levels;
        for (int i = m.first[group]; i < m.first[group + 1]; i++) {
            if (m.owner[i] < 0)
                continue;
            const struct anchor_candidate *c = &m.candidates[i];
            const int cell = h->out.level[level].first + c->y * h->out.level[level].w + c->x;
            const size_t point = (size_t)c->image * (size_t)h->out.anchors + (size_t)cell;
            h->size[point * (size_t)h->boxes + (size_t)c->anchor] =
                (unsigned char)object_size_of(target_area(targets + 6 * (size_t)m.owner[i], &h->out));
        }
    }
}

/* --- the gradient in the raw maps --- */

static float *cell_gradient(const struct head_output *o, int image, int cell)
{
    return o->d_logits + (size_t)image * o->image_stride + (size_t)cell * o->stride;
}

static const float *kept_gradient(const struct head_parts *h, int image, int cell)
{
    return h->whole + ((size_t)image * (size_t)h->out.anchors + (size_t)cell) * (size_t)h->out.channels;
}

static enum status keep(struct head_parts *h, const struct head_output *out)
{
    const int cells = out->n * out->anchors;
    h->out = *out;
    h->boxes = head_cell_boxes(out->head);
    h->whole = mem_reserve(h->whole, &h->whole_capacity, cells * out->channels, sizeof *h->whole);
    h->size = mem_reserve(h->size, &h->size_capacity, cells * h->boxes, 1);
    if (!h->whole || !h->size)
        return E_NOMEM;
    memset(h->size, SIZE_NONE, (size_t)cells * (size_t)h->boxes);
    for (int i = 0; i < cells; i++)
        memcpy(h->whole + (size_t)i * (size_t)out->channels, cell_gradient(out, i / out->anchors, i % out->anchors),
               (size_t)out->channels * sizeof *h->whole);
    return OK;
}

enum status head_parts_take(struct head_parts *parts, const struct head_output *branches, int n_branches,
                            const struct loss *loss, const float *targets)
{
    for (int b = 0; b < n_branches; b++) {
        TRY(keep(&parts[b], &branches[b]));
        if (branches[b].head->kind == HEAD_ANCHORS)
            size_boxes(&parts[b], loss, b, targets);
        else
            size_points(&parts[b], loss, b);
    }
    return OK;
}

/* Channels of one box of a cell: all of a head with one box. */
static int box_channels(const struct head_parts *h)
{
    return h->out.channels / h->boxes;
}

void head_parts_show(struct head_parts *parts, int n_branches, int branch, enum object_size size)
{
    for (int b = 0; b < n_branches; b++) {
        const struct head_parts *h = &parts[b];
        const int n = box_channels(h);
        for (int i = 0; i < h->out.n * h->out.anchors; i++) {
            const int image = i / h->out.anchors, cell = i % h->out.anchors;
            float *to = cell_gradient(&h->out, image, cell);
            const float *from = kept_gradient(h, image, cell);
            for (int k = 0; k < h->boxes; k++)
                if (b == branch && h->size[(size_t)i * (size_t)h->boxes + (size_t)k] == size)
                    memcpy(to + k * n, from + k * n, (size_t)n * sizeof *to);
                else
                    memset(to + k * n, 0, (size_t)n * sizeof *to);
        }
    }
}

void head_parts_measure(const struct head_parts *h, enum object_size size, long positives[MAX_LEVELS],
                        double norm[MAX_LEVELS])
{
    const int n = box_channels(h);
    for (int l = 0; l < h->out.n_levels; l++) {
        const int first = h->out.level[l].first, cells = h->out.level[l].h * h->out.level[l].w;
        double squares = 0;
        positives[l] = 0;
        for (int i = 0; i < h->out.n * cells; i++) {
            const int image = i / cells, cell = first + i % cells;
            const size_t point = (size_t)image * (size_t)h->out.anchors + (size_t)cell;
            const float *d = kept_gradient(h, image, cell);
            for (int k = 0; k < h->boxes; k++) {
                if (h->size[point * (size_t)h->boxes + (size_t)k] != size)
                    continue;
                positives[l]++;
                for (int c = k * n; c < (k + 1) * n; c++)
                    squares += (double)d[c] * d[c];
            }
        }
        norm[l] = sqrt(squares);
    }
}
