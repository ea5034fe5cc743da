/* The losses of anchor heads: candidates, SimOTA, values and gradients against the formulas written out in double, and
 * the door. Recorded cases pin the same numbers (test_golden --section loss, kinds ota and aux_ota). */
#include "support/unit.h"

#include "core/mem.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "train/anchor_candidates.h"
#include "train/loss.h"
#include "train/simota.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 3, BRANCHES = 2, LEVELS = 3, SIDE = 96, MOST_TARGETS = 24, PAD = 3 };

struct maps {
    struct head head;
    struct head_output branch[BRANCHES];
    size_t floats;
    float targets[MOST_TARGETS][6];
    int n_targets;
};

static void maps_init(struct maps *m, int nc, uint64_t seed)
{
    static const float anchors[LEVELS][3][2] = {
        {{4, 5}, {6, 12}, {13, 9}}, {{12, 25}, {25, 18}, {24, 48}}, {{47, 36}, {64, 80}, {140, 120}}};
    struct rng rng = rng_seed(seed, 1, 2);
    *m = (struct maps){.head = {.kind = HEAD_ANCHORS, .nc = nc, .n_anchors = 3}};
    for (int l = 0; l < LEVELS; l++)
        memcpy(m->head.anchor[l], anchors[l], sizeof anchors[l]);
    for (int b = 0; b < BRANCHES; b++) {
        struct head_output *o = &m->branch[b];
        *o = (struct head_output){
            .head = &m->head, .n = IMAGES, .channels = head_channels(&m->head), .n_levels = LEVELS};
        for (int l = 0; l < LEVELS; l++) {
            int stride = 8 << l, cells = SIDE / stride;
            o->level[l].h = o->level[l].w = cells;
            o->level[l].stride = stride;
            o->level[l].first = o->anchors;
            o->anchors += cells * cells;
        }
        o->stride = (size_t)o->channels + PAD;
        o->image_stride = o->stride * (size_t)o->anchors;
        m->floats = o->image_stride * IMAGES;
        o->logits = mem_calloc(m->floats, sizeof(float));
        o->d_logits = mem_calloc(m->floats, sizeof(float));
        assert_true(o->logits && o->d_logits);
        for (size_t k = 0; k < m->floats; k++)
            o->logits[k] = (float)rng_normal(&rng);
    }
    for (m->n_targets = 0; m->n_targets < 14; m->n_targets++) {
        float *t = m->targets[m->n_targets];
        t[0] = (float)(2 * rng_below(&rng, 2)); /* the image in the middle is empty */
        t[1] = (float)rng_below(&rng, (uint64_t)nc);
        t[2] = (float)rng_range(&rng, 0.1, 0.9);
        t[3] = (float)rng_range(&rng, 0.1, 0.9);
        t[4] = (float)rng_range(&rng, 0.05, 0.6);
        t[5] = (float)rng_range(&rng, 0.05, 0.6);
    }
    for (int i = 0; i < 3; i++, m->n_targets++) /* the same boxes again, of other classes */
        memcpy(m->targets[m->n_targets], m->targets[2 * i], sizeof m->targets[0]);
    for (int i = 0; i < 3; i++)
        m->targets[14 + i][1] = (float)((int)(m->targets[2 * i][1] + 1) % nc);
}

static void maps_free(struct maps *m)
{
    for (int b = 0; b < BRANCHES; b++) {
        mem_free(m->branch[b].logits);
        mem_free(m->branch[b].d_logits);
    }
}

static struct loss_config config_of(const struct maps *m, int branches)
{
    struct loss_config c = loss_config_of(&m->head, branches);
    c.cls_positive_weight = 0.8;
    c.anchors.obj_positive_weight = 1.5;
    c.anchors.label_smoothing = 0.1;
    return c;
}

static struct loss *make_loss(const struct loss_config *config, struct team *team)
{
    struct loss *loss;
    assert_int_equal(loss_create(config, team, &loss), OK);
    return loss;
}

static void run(struct loss *loss, const struct maps *m, int branches, struct loss_result *result)
{
    assert_int_equal(loss_run(loss, m->branch + BRANCHES - branches, branches, m->targets[0], m->n_targets, result),
                     OK);
}

/* --- the formulas of SPEC-wild C.7 in double, at a matching that is given --- */

struct kept_box {
    double alpha, object; /* what no gradient flows through: CIoU's alpha, the objectness target */
};

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double bce(double x, double t, double weight)
{
    return (1 - t) * x + (1 + (weight - 1) * t) * (log1p(exp(-fabs(x))) + fmax(-x, 0));
}

/* CIoU of centre boxes; alpha is taken from *alpha, or put there where it is negative. */
static double ciou(const double p[4], const double t[4], double *alpha)
{
    const double eps = 1e-7;
    double w = p[2], h = p[3] + eps, tw = t[2], th = t[3] + eps;
    double iw = fmin(p[0] + p[2] / 2, t[0] + t[2] / 2) - fmax(p[0] - p[2] / 2, t[0] - t[2] / 2);
    double ih = fmin(p[1] + p[3] / 2, t[1] + t[3] / 2) - fmax(p[1] - p[3] / 2, t[1] - t[3] / 2);
    double cw = fmax(p[0] + p[2] / 2, t[0] + t[2] / 2) - fmin(p[0] - p[2] / 2, t[0] - t[2] / 2);
    double ch = fmax(p[1] + p[3] / 2, t[1] + t[3] / 2) - fmin(p[1] - p[3] / 2, t[1] - t[3] / 2);
    double inter = fmax(iw, 0) * fmax(ih, 0), iou = inter / (w * h + tw * th - inter + eps);
    double rho2 = (p[0] - t[0]) * (p[0] - t[0]) + (p[1] - t[1]) * (p[1] - t[1]);
    double turn = atan(tw / (th + eps)) - atan(w / (h + eps)), v = 4 / (M_PI * M_PI) * turn * turn;
    if (*alpha < 0)
        *alpha = v / (v - iou + 1 + eps);
    return iou - (rho2 / (cw * cw + ch * ch + eps) + v * *alpha);
}

static size_t place_of(const struct head_output *o, int level, const struct anchor_candidate *c)
{
    size_t cell = (size_t)(o->level[level].first + c->y * o->level[level].w + c->x);
    return (size_t)c->image * o->image_stride + cell * o->stride + (size_t)(c->anchor * (5 + o->head->nc));
}

/* Items of one branch. `kept` (a candidate) is made where `first`, else used. */
static void reference_branch(const struct maps *m, const struct loss_config *c, const struct head_output *o,
                             const struct loss_matching *match, double weight, bool first, struct kept_box *kept,
                             double item[3])
{
    static const double balance[] = {4, 1, 0.4};
    const int nc = m->head.nc;
    double *object = mem_calloc(m->floats, sizeof *object);
    assert_non_null(object);
    for (int l = 0; l < LEVELS; l++) {
        double box = 0, cls = 0, obj = 0;
        int n = 0, places = 0;
        for (int image = 0; image < IMAGES; image++)
            for (int i = match->first[image * LEVELS + l]; i < match->first[image * LEVELS + l + 1]; i++) {
                if (match->owner[i] < 0)
                    continue;
                const struct anchor_candidate *at = &match->candidates[i];
                const float *t = m->targets[match->owner[i]], *x = o->logits + place_of(o, l, at);
                const double cells = o->level[l].w, stride = o->level[l].stride;
                double s[4], want[4] = {t[2] * cells - at->x, t[3] * cells - at->y, t[4] * cells, t[5] * cells};
                for (int k = 0; k < 4; k++)
                    s[k] = sigmoid((double)x[k]);
                double pred[4] = {2 * s[0] - 0.5, 2 * s[1] - 0.5,
                                  4 * s[2] * s[2] * (double)m->head.anchor[l][at->anchor][0] / stride,
                                  4 * s[3] * s[3] * (double)m->head.anchor[l][at->anchor][1] / stride};
                kept[i].alpha = first ? -1 : kept[i].alpha;
                double value = ciou(pred, want, &kept[i].alpha);
                kept[i].object = first ? fmax(value, 0) : kept[i].object;
                object[place_of(o, l, at)] = kept[i].object; /* the later one wins */
                box += 1 - value;
                for (int k = 0; k < nc; k++)
                    cls += bce((double)x[5 + k],
                               k == (int)t[1] ? 1 - c->anchors.label_smoothing / 2 : c->anchors.label_smoothing / 2,
                               c->cls_positive_weight);
                n++;
            }
        for (int image = 0; image < IMAGES; image++)
            for (int cell = 0; cell < o->level[l].h * o->level[l].w; cell++)
                for (int a = 0; a < 3; a++, places++) {
                    size_t place = (size_t)image * o->image_stride + (size_t)(o->level[l].first + cell) * o->stride +
                                   (size_t)(a * (5 + nc));
                    obj += bce((double)o->logits[place + 4], object[place], c->anchors.obj_positive_weight);
                }
        item[0] += n ? weight * c->box_gain * box / n : 0;
        item[1] += weight * c->anchors.obj_gain * balance[l] * obj / places;
        item[2] += n && nc > 1 ? weight * c->cls_gain * cls / n / nc : 0;
    }
    mem_free(object);
}

static double reference(const struct maps *m, const struct loss_config *c, const struct loss *loss, int branches,
                        bool first, struct kept_box *kept[BRANCHES], double item[3])
{
    item[0] = item[1] = item[2] = 0;
    for (int b = 0; b < branches; b++) {
        struct loss_matching match = loss_get_matching(loss, b);
        reference_branch(m, c, &m->branch[BRANCHES - branches + b], &match, b == branches - 1 ? 1 : 0.25, first,
                         kept[b], item);
    }
    return (item[0] + item[1] + item[2]) * IMAGES;
}

static int count_twice(const struct loss_matching *match)
{
    int twice = 0;
    for (int g = 0; g < IMAGES * LEVELS; g++)
        for (int i = match->first[g]; i < match->first[g + 1]; i++)
            for (int k = match->first[g]; k < i; k++) {
                const struct anchor_candidate *a = &match->candidates[i], *b = &match->candidates[k];
                twice += match->owner[i] >= 0 && match->owner[k] >= 0 && a->anchor == b->anchor && a->y == b->y &&
                         a->x == b->x;
            }
    return twice;
}

static void check_values(int nc, int branches)
{
    struct maps m;
    struct loss_result r;
    struct kept_box *kept[BRANCHES];
    double item[3], rest[3];
    maps_init(&m, nc, 5);
    struct loss_config c = config_of(&m, branches);
    struct loss *loss = make_loss(&c, NULL);
    run(loss, &m, branches, &r);
    for (int b = 0; b < branches; b++) {
        kept[b] = mem_calloc((size_t)loss_get_matching(loss, b).first[IMAGES * LEVELS], sizeof *kept[b]);
        assert_non_null(kept[b]);
    }
    struct loss_matching lead = loss_get_matching(loss, branches - 1);
    assert_true(count_twice(&lead) > 0); /* duplicates are among what is checked */
    double total = reference(&m, &c, loss, branches, true, kept, item);
    for (int i = 0; i < LOSS_ITEMS; i++)
        assert_true(fabs(r.item[i] - item[i]) < 1e-6 * (1 + fabs(item[i])));
    assert_true(fabs(r.total - total) < 1e-5 * fabs(total));
    assert_true(nc > 1 ? r.item[2] > 0 : r.item[2] == 0);

    struct rng rng = rng_seed(9, 9, 9);
    int moved = 0;
    for (int b = 0; b < branches; b++) {
        const struct head_output *o = &m.branch[BRANCHES - branches + b];
        struct loss_matching match = loss_get_matching(loss, b);
        for (int k = 0; k < 250; k++) { /* channels of matched boxes, and some of any others */
            int i = (int)rng_below(&rng, (uint64_t)match.first[IMAGES * LEVELS]), g = 0;
            while (match.owner[i] < 0)
                i = (i + 1) % match.first[IMAGES * LEVELS];
            while (match.first[g + 1] <= i)
                g++;
            size_t place = place_of(o, g % LEVELS, &match.candidates[i]) + rng_below(&rng, (uint64_t)(5 + nc));
            if (k % 5 == 4)
                place = (size_t)rng_below(&rng, IMAGES) * o->image_stride +
                        (size_t)rng_below(&rng, (uint64_t)o->anchors) * o->stride +
                        (size_t)rng_below(&rng, (uint64_t)o->channels);
            float kept_logit = o->logits[place];
            const float step = 1.0f / 256;
            o->logits[place] = kept_logit + step;
            double above = reference(&m, &c, loss, branches, false, kept, rest);
            o->logits[place] = kept_logit - step;
            double below = reference(&m, &c, loss, branches, false, kept, rest);
            double slope = (above - below) / ((double)(kept_logit + step) - (double)(kept_logit - step));
            o->logits[place] = kept_logit;
            assert_true(fabs(slope - (double)o->d_logits[place]) < 2e-6 + 2e-4 * fabs(slope));
            moved += fabs(slope) > 1e-5;
        }
    }
    assert_true(moved > 150 * branches);
    for (int b = 0; b < branches; b++)
        mem_free(kept[b]);
    loss_destroy(loss);
    maps_free(&m);
}

static void values_and_gradients_are_those_of_the_formulas(void **state)
{
    (void)state;
    check_values(4, 1);
    check_values(4, 2);
    check_values(1, 1);
}

/* --- candidates --- */

static int count_at(const struct anchor_candidates *list, int y, int x)
{
    int n = 0;
    for (int i = 0; i < list->count; i++)
        n += list->items[i].y == y && list->items[i].x == x && list->items[i].anchor == 0;
    return n;
}

static void candidates_lie_in_the_own_and_the_neighbouring_cells(void **state)
{
    (void)state;
    struct maps m;
    struct anchor_candidates list = {0};
    maps_init(&m, 2, 1);
    m.head.n_anchors = 2; /* 4x5 fits, 6x12 does not */
    const struct head_output *o = &m.branch[0];
    const float px = 1.0f / SIDE;
    float target[6] = {1, 0, 42 * px, 45 * px, 4 * px, 2.5f * px}; /* cell 5.25, 5.625 */
    const struct anchor_rule near = {4, CANDIDATE_NEAREST}, all = {4, CANDIDATE_ALL};
    assert_int_equal(anchor_candidates_find(o, 0, &near, target, 1, &list), OK);
    assert_int_equal(list.count, 3);
    assert_true(list.items[0].y == 5 && list.items[0].x == 5 && list.items[0].image == 1);
    assert_true(count_at(&list, 5, 4) == 1 && count_at(&list, 6, 5) == 1);
    assert_int_equal(anchor_candidates_find(o, 0, &all, target, 1, &list), OK);
    assert_int_equal(list.count, 5);
    assert_true(count_at(&list, 4, 5) == 1 && count_at(&list, 5, 6) == 1);

    target[2] = 44 * px; /* in the middle of its cell: no neighbour is nearer */
    assert_int_equal(anchor_candidates_find(o, 0, &near, target, 1, &list), OK);
    assert_int_equal(list.count, 2);
    target[2] = target[3] = 1 * px; /* in the corner: there are no cells to the left and above */
    assert_int_equal(anchor_candidates_find(o, 0, &all, target, 1, &list), OK);
    assert_true(list.count == 3 && count_at(&list, 0, 0) == 1 && count_at(&list, 0, 1) == 1);
    target[2] = 1; /* on the border: the last cell */
    target[3] = 1e30f;
    assert_int_equal(anchor_candidates_find(o, 0, &near, target, 1, &list), OK);
    assert_true(list.items[0].x == 11 && list.items[0].y == 11);
    target[3] = 0.5f;
    target[5] = 20 * px; /* four times the anchor box, or more: strictly less is wanted */
    assert_int_equal(anchor_candidates_find(o, 0, &near, target, 1, &list), OK);
    for (int i = 0; i < list.count; i++)
        assert_int_equal(list.items[i].anchor, 1);
    anchor_candidates_free(&list);
    maps_free(&m);
}

/* --- matching --- */

/* A candidate answers for one label, a label has one at least where it has candidates and at most top-k. */
static void every_label_gets_its_share(void **state)
{
    (void)state;
    struct maps m;
    struct loss_result r;
    maps_init(&m, 4, 3);
    struct loss_config c = config_of(&m, 2);
    struct loss *loss = make_loss(&c, NULL);
    run(loss, &m, 2, &r);
    struct loss_matching aux = loss_get_matching(loss, 0), lead = loss_get_matching(loss, 1);
    assert_true(aux.first[IMAGES * LEVELS] > lead.first[IMAGES * LEVELS]);
    int of_target[MOST_TARGETS] = {0};
    for (int i = 0; i < lead.first[IMAGES * LEVELS]; i++) {
        int owner = lead.owner[i];
        assert_true(owner == -1 || (int)m.targets[owner][0] == lead.candidates[i].image);
        if (owner >= 0)
            of_target[owner]++;
    }
    for (int i = 0; i < m.n_targets; i++)
        assert_in_range(of_target[i], 0, 20);
    for (int l = 0; l <= LEVELS; l++)
        assert_int_equal(lead.first[LEVELS + l], lead.first[LEVELS]); /* the empty image */
    loss_destroy(loss);
    maps_free(&m);
}

/* Probabilities that round to one, and logits beyond all measure, cost a finite amount. */
static void sure_predictions_are_matched(void **state)
{
    (void)state;
    struct maps m;
    struct loss_result r;
    maps_init(&m, 4, 3);
    for (int b = 0; b < BRANCHES; b++)
        for (size_t i = 0; i < m.floats; i++)
            m.branch[b].logits[i] *= i % 3 ? 40 : 2000;
    struct loss_config c = config_of(&m, 2);
    struct loss *loss = make_loss(&c, NULL);
    run(loss, &m, 2, &r);
    assert_true(isfinite(r.total));
    struct loss_matching lead = loss_get_matching(loss, 1);
    int owned = 0;
    for (int i = 0; i < lead.first[IMAGES * LEVELS]; i++)
        owned += lead.owner[i] >= 0;
    assert_in_range(owned, 10, 17 * 20);
    loss_destroy(loss);
    maps_free(&m);
}

/* In a wide picture a label is met where it is; the official way takes the height for the width too, and looks in the
 * left half for what lies in the right one. */
static void labels_of_wide_pictures_lie_where_they_are(void **state)
{
    (void)state;
    struct head head = {.kind = HEAD_ANCHORS, .nc = 2, .n_anchors = 1, .anchor = {{{16, 16}}}};
    const float target[6] = {0, 1, 100.0f / 128, 20.0f / 32, 0.125f, 0.5f}; /* 16x16 pixels in 128x32 */
    float logits[4 * 16 * 7] = {0};
    const struct head_output o = {.head = &head,
                                  .logits = logits,
                                  .stride = 7,
                                  .image_stride = 4 * 16 * 7,
                                  .n = 1,
                                  .anchors = 4 * 16,
                                  .channels = 7,
                                  .n_levels = 1,
                                  .level = {{.h = 4, .w = 16, .stride = 8}}};
    for (int quirk = 0; quirk < 2; quirk++) {
        struct loss_config c = loss_config_of(&head, 1);
        struct loss_result r;
        c.anchors.height_for_both = quirk == 1;
        c.anchors.reach = CANDIDATE_ALL;
        struct loss *loss = make_loss(&c, NULL);
        assert_int_equal(loss_run(loss, &o, 1, target, 1, &r), OK);
        struct loss_matching m = loss_get_matching(loss, 0);
        int owned = 0;
        for (int i = 0; i < m.first[1]; i++)
            owned += m.owner[i] == 0;
        /* All boxes are 16x16 about their cells' middles: overlaps of 1 and four times a third make two candidates. */
        assert_int_equal(owned, quirk ? 1 : 2);
        loss_destroy(loss);
    }
}

/* --- batches --- */

static void nothing_to_find_is_a_loss_of_objectness_alone(void **state)
{
    (void)state;
    struct maps m;
    struct loss_result none, tiny;
    maps_init(&m, 4, 3);
    struct loss_config c = config_of(&m, 2);
    struct loss *loss = make_loss(&c, NULL);
    run(loss, &m, 2, &tiny);
    m.n_targets = 0;
    run(loss, &m, 2, &none);
    assert_true(none.item[0] == 0 && none.item[2] == 0 && none.item[1] > 0 && isfinite(none.total));
    const struct head_output *o = &m.branch[1];
    for (size_t i = 0; i < (size_t)o->n * (size_t)o->anchors; i++)
        for (int k = 0; k < o->channels; k++)
            assert_true((o->d_logits[i * o->stride + (size_t)k] != 0) == (k % 9 == 4));
    m.n_targets = 5;
    for (int i = 0; i < m.n_targets; i++) /* labels, but none that an anchor box is near to */
        m.targets[i][4] = m.targets[i][5] = i ? 1e-4f : 0;
    run(loss, &m, 2, &tiny);
    assert_memory_equal(&none, &tiny, sizeof none);
    loss_destroy(loss);
    maps_free(&m);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    for (int threads = 2; threads <= 5; threads += 3) {
        struct maps one, other;
        struct team *team;
        struct loss_result a, b;
        maps_init(&one, 4, 7);
        maps_init(&other, 4, 7);
        struct loss_config c = config_of(&one, 2);
        assert_int_equal(team_create(threads, &team), OK);
        struct loss *single = make_loss(&c, NULL), *many = make_loss(&c, team);
        run(single, &one, 2, &a);
        run(many, &other, 1, &b); /* a smaller batch in between */
        run(many, &other, 2, &b);
        assert_memory_equal(&a, &b, sizeof a);
        for (int i = 0; i < BRANCHES; i++)
            assert_memory_equal(one.branch[i].d_logits, other.branch[i].d_logits, one.floats * sizeof(float));
        loss_destroy(single);
        loss_destroy(many);
        team_destroy(team);
        maps_free(&one);
        maps_free(&other);
    }
}

/* --- the door --- */

static void bad_input_is_refused(void **state)
{
    (void)state;
    struct maps m;
    struct loss_result r;
    struct loss *loss, *none = NULL;
    maps_init(&m, 4, 3);
    struct loss_config c = config_of(&m, 1), bad = c;
    loss = make_loss(&c, NULL);
    bad.anchors.top_k = SIMOTA_MAX_TOP_K + 1;
    assert_int_equal(loss_create(&bad, NULL, &none), E_ARGUMENT);
    bad = c;
    bad.anchors.most_ratio = 0.5f;
    assert_int_equal(loss_create(&bad, NULL, &none), E_ARGUMENT);
    bad = c;
    bad.anchors.label_smoothing = NAN;
    assert_int_equal(loss_create(&bad, NULL, &none), E_ARGUMENT);
    const float rows[][6] = {
        {3, 0, 0.5f, 0.5f, 0.1f, 0.1f}, {0, 4, 0.5f, 0.5f, 0.1f, 0.1f}, {0, 0, NAN, 0.5f, 0.1f, 0.1f}};
    for (int i = 0; i < COUNT(rows); i++)
        assert_int_equal(loss_run(loss, &m.branch[1], 1, rows[i], 1, &r), E_ARGUMENT);
    struct head plain = {.kind = HEAD_DFL, .nc = 4, .reg_max = 16};
    struct head_output other = m.branch[1];
    other.head = &plain;
    assert_int_equal(loss_run(loss, &other, 1, m.targets[0], 1, &r), E_SHAPE);
    other = m.branch[1];
    other.channels++;
    assert_int_equal(loss_run(loss, &other, 1, m.targets[0], 1, &r), E_SHAPE);
    other = m.branch[1];
    other.anchors++;
    assert_int_equal(loss_run(loss, &other, 1, m.targets[0], 1, &r), E_SHAPE);
    for (size_t i = 0; i < m.floats; i++)
        m.branch[1].logits[i] = NAN;
    run(loss, &m, 1, &r);
    assert_true(isnan(r.total));
    loss_destroy(loss);
    maps_free(&m);
}

static void gains_are_scaled_to_levels_classes_and_size(void **state)
{
    (void)state;
    const struct head head = {.kind = HEAD_ANCHORS, .nc = 20, .n_anchors = 3}, plain = {.nc = 20, .reg_max = 16};
    struct loss_config c = loss_config_of(&head, 2), one = loss_config_of(&plain, 1), kept = one;
    loss_scale_gains(&c, 4, 320);
    assert_true(fabs(c.box_gain - 0.05 * 0.75) < 1e-12 && fabs(c.cls_gain - 0.3 * 0.25 * 0.75) < 1e-12);
    assert_true(fabs(c.anchors.obj_gain - 0.7 * 0.25 * 0.75) < 1e-12 && c.anchors.top_k == 20);
    loss_scale_gains(&one, 4, 320);
    assert_true(one.box_gain == kept.box_gain && one.cls_gain == kept.cls_gain && one.dfl_gain == kept.dfl_gain);
    assert_string_equal(loss_item_name(HEAD_ANCHORS, 1), "obj");
    assert_string_equal(loss_item_name(HEAD_DFL, 2), "dfl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_gradients_are_those_of_the_formulas),
        cmocka_unit_test(candidates_lie_in_the_own_and_the_neighbouring_cells),
        cmocka_unit_test(every_label_gets_its_share),
        cmocka_unit_test(sure_predictions_are_matched),
        cmocka_unit_test(labels_of_wide_pictures_lie_where_they_are),
        cmocka_unit_test(nothing_to_find_is_a_loss_of_objectness_alone),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(gains_are_scaled_to_levels_classes_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
