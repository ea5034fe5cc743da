#include "lab/assign.h"

#include "core/mem.h"
#include "lab/gradients.h"
#include "ops/cpu.h"
#include "train/anchor_candidates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The photo's batch as the loss takes it, and the branches that came out of the network. */
struct run {
    struct assign_figure *f;
    const struct loss_config *config;
    const struct labelled_photo *photo;
    struct team *team;
    struct head_output branches[MAX_BRANCHES]; /* the main one last */
    int n_branches;
};

/* --- objects and places --- */

static enum status list_objects(struct run *r)
{
    struct assign_figure *f = r->f;
    const struct batch *b = r->photo->batch;
    f->n_objects = b->n_targets;
    f->objects = mem_alloc((size_t)b->n_targets, sizeof *f->objects);
    if (!f->objects)
        return E_NOMEM;
    for (int i = 0; i < b->n_targets; i++) {
        const float *t = b->targets[i];
        struct assign_object *o = &f->objects[i];
        const float box[4] = {t[2] * (float)b->w, t[3] * (float)b->h, t[4] * (float)b->w, t[5] * (float)b->h};
        box_cxcywh_to_xyxy(box, o->xyxy);
        o->class = (int)t[1];
        o->photo_w = (double)box[2] / b->pictures[0].map.gain;
        o->photo_h = (double)box[3] / b->pictures[0].map.gain;
        o->size = object_size_names[object_size_of(o->photo_w * o->photo_h)];
    }
    return OK;
}

static enum status list_places(struct run *r)
{
    struct assign_figure *f = r->f;
    const struct head_output *s = &r->branches[0];
    f->shape = *s;
    f->shape.logits = f->shape.d_logits = NULL;
    f->places = mem_alloc((size_t)s->anchors, sizeof *f->places);
    f->levels = mem_alloc((size_t)s->anchors, sizeof *f->levels);
    if (!f->places || !f->levels)
        return E_NOMEM;
    for (int l = 0; l < s->n_levels; l++)
        for (int i = 0; i < s->level[l].h * s->level[l].w; i++) {
            const int cell = s->level[l].first + i, w = s->level[l].w;
            f->places[cell][0] = ((float)(i % w) + 0.5f) * (float)s->level[l].stride;
            f->places[cell][1] = ((float)(i / w) + 0.5f) * (float)s->level[l].stride;
            f->levels[cell] = l;
        }
    return OK;
}

/* --- views --- */

static void name_head(int branch, int n_branches, char *out, size_t size)
{
    if (branch == n_branches - 1)
        snprintf(out, size, "main");
    else if (n_branches == 2)
        snprintf(out, size, "auxiliary");
    else
        snprintf(out, size, "auxiliary %d", branch + 1);
}

static bool same_points(const struct assign_view *a, const struct assign_view *b)
{
    return a->n == b->n && (!a->n || !memcmp(a->points, b->points, (size_t)a->n * sizeof *a->points));
}

/* A new view with room for `most` points. */
static enum status begin_view(struct run *r, const char *assigner, int branch, int top_k, int most,
                              struct assign_view **out)
{
    struct assign_view *v = *out = &r->f->views[r->f->n_views++];
    *v = (struct assign_view){.assigner = assigner, .main = branch == r->n_branches - 1, .top_k = top_k};
    name_head(branch, r->n_branches, v->head, sizeof v->head);
    v->points = mem_calloc((size_t)most, sizeof *v->points);
    return v->points || !most ? OK : E_NOMEM;
}

static void end_view(struct assign_figure *f)
{
    const int last = f->n_views - 1;
    int i = 0;
    while (i < last && !same_points(&f->views[i], &f->views[last]))
        i++;
    f->views[last].same_as = i;
}

static enum status add_aligned(struct run *r, const struct loss *loss, const char *assigner, int branch, int top_k)
{
    const struct loss_assignment a = loss_get_assignment(loss, branch);
    struct assign_view *v;
    int most = 0;
    for (int i = 0; i < r->f->shape.anchors; i++)
        most += a.label[i] >= 0;
    TRY(begin_view(r, assigner, branch, top_k, most, &v));
    for (int i = 0; i < r->f->shape.anchors; i++)
        if (a.label[i] >= 0)
            v->points[v->n++] = (struct assign_point){.object = a.label[i],
                                                      .level = r->f->levels[i],
                                                      .x = r->f->places[i][0],
                                                      .y = r->f->places[i][1],
                                                      .score = a.score[i],
                                                      .iou = a.trace->overlap[i]};
    end_view(r->f);
    return OK;
}

/* The anchor boxes of a cell stand side by side, so that each of them is seen. */
static float beside(const struct head_output *s, int level, int anchor)
{
    const float step = (float)s->level[level].stride / (float)(s->head->n_anchors + 1);
    return ((float)anchor - (float)(s->head->n_anchors - 1) / 2) * step;
}

static enum status add_matched(struct run *r, const struct loss *loss, const char *assigner, int branch, int top_k)
{
    const struct loss_matching m = loss_get_matching(loss, branch);
    const struct head_output *s = &r->f->shape;
    struct assign_view *v;
    TRY(begin_view(r, assigner, branch, top_k, m.first[s->n_levels], &v));
    for (int l = 0; l < s->n_levels; l++)
        for (int i = m.first[l]; i < m.first[l + 1]; i++) {
            const struct anchor_candidate *c = &m.candidates[i];
            if (m.owner[i] < 0)
                continue;
            const int cell = s->level[l].first + c->y * s->level[l].w + c->x;
            v->points[v->n++] = (struct assign_point){.object = m.owner[i],
                                                      .level = l,
                                                      .x = r->f->places[cell][0] + beside(s, l, c->anchor),
                                                      .y = r->f->places[cell][1],
                                                      .score = m.object[i],
                                                      .iou = m.iou[i]};
        }
    end_view(r->f);
    return OK;
}

/* --- the ways of assigning --- */

static enum status run_loss(struct run *r, const struct loss_config *config, struct loss **out)
{
    struct loss_result result;
    const struct batch *b = r->photo->batch;
    TRY(loss_create(config, r->team, out));
    return loss_run(*out, r->branches, r->n_branches, b->targets[0], b->n_targets, &result);
}

static void keep_steps(struct run *r, struct loss *loss)
{
    struct assign_figure *f = r->f;
    f->loss = loss;
    for (int b = r->n_branches - 1; b >= 0; b--) {
        int view = 0; /* of this branch: the first ones are */
        char head[sizeof f->views[0].head];
        name_head(b, r->n_branches, head, sizeof head);
        while (strcmp(f->views[view].head, head) != 0)
            view++;
        f->steps[f->n_steps++] = (struct assign_steps){view, b, loss_get_assignment(loss, b)};
    }
}

static enum status assign_aligned(struct run *r)
{
    static const struct {
        enum loss_assign assign;
        const char *name;
    } ways[] = {
        {ASSIGN_INDEPENDENT, "independent"}, {ASSIGN_LEAD, "lead-guided"}, {ASSIGN_COARSE_TO_FINE, "coarse-to-fine"}};
    enum status rc = OK;
    const int n_ways = r->n_branches > 1 ? COUNT(ways) : 1;
    struct loss *loss = NULL;
    for (int w = 0; w < n_ways; w++) {
        struct loss_config c = *r->config;
        c.assign = ways[w].assign;
        c.trace = true;
        TRY_CLEAN(run_loss(r, &c, &loss));
        for (int b = r->n_branches - 1; b >= 0; b--) {
            const bool coarse = c.assign == ASSIGN_COARSE_TO_FINE && b < r->n_branches - 1;
            TRY_CLEAN(add_aligned(r, loss, ways[w].name, b, coarse ? c.coarse_top_k : c.assigner.top_k));
        }
        if (w == 0)
            keep_steps(r, loss);
        else
            loss_destroy(loss);
        loss = NULL;
    }
cleanup:
    loss_destroy(loss);
    return rc;
}

/* The text takes the 10 best IoUs for the main head and the 20 best for the auxiliary one; the code, where there is an
 * auxiliary head, 20 for both, and without one 10. */
static enum status assign_matched(struct run *r)
{
    enum { FINE = 10, COARSE = 20 };
    const bool alone = r->n_branches == 1;
    const char *const text = alone ? "SimOTA" : "SimOTA, text";
    const char *const code = alone ? "SimOTA, as beside an auxiliary head" : "SimOTA, code";
    enum status rc = OK;
    struct loss *fine = NULL, *coarse = NULL;
    struct loss_config c = *r->config;
    c.trace = true;
    c.anchors.top_k = FINE;
    TRY_CLEAN(run_loss(r, &c, &fine));
    c.anchors.top_k = COARSE;
    TRY_CLEAN(run_loss(r, &c, &coarse));
    const int main = r->n_branches - 1;
    TRY_CLEAN(add_matched(r, fine, text, main, FINE));
    for (int b = main - 1; b >= 0; b--)
        TRY_CLEAN(add_matched(r, coarse, text, b, COARSE));
    for (int b = main; b >= 0; b--)
        TRY_CLEAN(add_matched(r, coarse, code, b, COARSE));
cleanup:
    loss_destroy(fine);
    loss_destroy(coarse);
    return rc;
}

/* --- all --- */

static enum status forward(const struct graph *graph, struct net *net, struct run *r)
{
    TRY(net_plan(net, 1, r->photo->batch->h, r->photo->batch->w));
    struct tensor x = net_input(net);
    image_to_float(&r->photo->input, x.data, x.pixel_stride);
    net_forward(net);
    r->n_branches = graph->n_branches;
    for (int b = 0; b < graph->n_branches; b++)
        r->branches[b] = net_output(net, b);
    return OK;
}

enum status assign_figure_make(const struct graph *graph, float *params, const struct loss_config *config,
                               const struct labelled_photo *photo, struct team *team, struct assign_figure *out)
{
    enum status rc = OK;
    const struct net_config how = {.backend = &cpu_backend, .team = team, .mode = RUN_INFER};
    struct run r = {.f = out, .config = config, .photo = photo, .team = team};
    struct net *net = NULL;
    *out = (struct assign_figure){0};
    TRY_CLEAN(net_create(graph, params, NULL, &how, &net));
    TRY_CLEAN(forward(graph, net, &r));
    TRY_CLEAN(list_objects(&r));
    TRY_CLEAN(list_places(&r));
    TRY_CLEAN(graph->head.kind == HEAD_ANCHORS ? assign_matched(&r) : assign_aligned(&r));
cleanup:
    net_destroy(net);
    return rc;
}

void assign_figure_free(struct assign_figure *f)
{
    for (int i = 0; i < f->n_views; i++)
        mem_free(f->views[i].points);
    mem_free(f->objects);
    mem_free(f->places);
    mem_free(f->levels);
    loss_destroy(f->loss);
    *f = (struct assign_figure){0};
}

struct assign_sum assign_sum_of(const struct assign_view *v, int object, int level)
{
    struct assign_sum s = {0};
    for (int i = 0; i < v->n; i++) {
        const struct assign_point *p = &v->points[i];
        if (p->object != object || (level >= 0 && p->level != level))
            continue;
        s.points++;
        s.mean_score += (double)p->score;
        s.mean_iou += (double)p->iou;
        s.max_score = fmax(s.max_score, (double)p->score);
        s.max_iou = fmax(s.max_iou, (double)p->iou);
    }
    if (!s.points)
        return (struct assign_sum){0, NAN, NAN, NAN, NAN};
    s.mean_score /= s.points;
    s.mean_iou /= s.points;
    return s;
}

static int compare_points(const void *a, const void *b)
{
    const struct assign_point *p = a, *q = b;
    if (p->level != q->level || p->object != q->object)
        return p->level != q->level ? p->level - q->level : p->object - q->object;
    return p->y != q->y ? (p->y > q->y) - (p->y < q->y) : (p->x > q->x) - (p->x < q->x);
}

enum status assign_shared(const struct assign_figure *f, int view, int *points)
{
    const struct assign_view *v = &f->views[view], *main = f->views;
    while (!main->main || strcmp(main->assigner, v->assigner) != 0)
        main++;
    struct assign_point *own = mem_alloc((size_t)(v->n + main->n) + 1, sizeof *own);
    *points = 0;
    if (!own)
        return E_NOMEM;
    struct assign_point *lead = own + v->n;
    if (v->n)
        memcpy(own, v->points, (size_t)v->n * sizeof *own);
    if (main->n)
        memcpy(lead, main->points, (size_t)main->n * sizeof *lead);
    qsort(own, (size_t)v->n, sizeof *own, compare_points);
    qsort(lead, (size_t)main->n, sizeof *lead, compare_points);
    for (int i = 0, k = 0; i < v->n && k < main->n;) {
        const int order = compare_points(&own[i], &lead[k]);
        *points += order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    mem_free(own);
    return OK;
}
