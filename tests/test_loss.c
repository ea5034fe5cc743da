/* The loss: thread counts, assignment variants, weights, the door, the class term. Values and gradients are pinned by
 * the golden cases (test_golden --section loss). */
#include "support/unit.h"

#include "core/cpu.h"
#include "core/mem.h"
#include "core/rng.h"
#include "kernels/kernels.h"
#include "support/feature_masks.h"
#include "train/loss.h"
#include "train/loss_terms.h"

#include <math.h>
#include <string.h>

/* --- a random batch --- */

enum { IMAGES = 3, BRANCHES = 3, NC = 5, BINS = 16, H = 96, W = 128, TARGETS = 24 };

struct batch {
    struct head_output branch[BRANCHES];
    float targets[TARGETS][6];
};

static void batch_init(struct batch *b, uint64_t seed)
{
    static const struct head kind = {.kind = HEAD_DFL, .nc = NC, .reg_max = BINS};
    struct rng rng = rng_seed(seed, 1, 2);
    for (int i = 0; i < BRANCHES; i++) {
        struct head_output *o = &b->branch[i];
        *o = (struct head_output){
            .head = &kind, .n = IMAGES, .channels = 4 * BINS + NC, .stride = 4 * BINS + NC + 11, .n_levels = 3};
        for (int l = 0; l < 3; l++) {
            int stride = 8 << l;
            o->level[l].h = H / stride;
            o->level[l].w = W / stride;
            o->level[l].stride = stride;
            o->level[l].first = o->anchors;
            o->anchors += o->level[l].h * o->level[l].w;
        }
        o->image_stride = o->stride * (size_t)o->anchors;
        size_t n = o->image_stride * IMAGES;
        o->logits = mem_calloc(n, sizeof(float));
        o->d_logits = mem_calloc(n, sizeof(float));
        assert_non_null(o->logits);
        assert_non_null(o->d_logits);
        for (size_t k = 0; k < n; k++)
            o->logits[k] = (float)rng_normal(&rng);
    }
    for (int i = 0; i < TARGETS; i++) {
        float *t = b->targets[i];
        t[0] = (float)rng_below(&rng, IMAGES);
        t[1] = (float)rng_below(&rng, NC);
        t[2] = (float)rng_range(&rng, 0.1, 0.9);
        t[3] = (float)rng_range(&rng, 0.1, 0.9);
        t[4] = (float)rng_range(&rng, 0.05, 0.6);
        t[5] = (float)rng_range(&rng, 0.05, 0.6);
    }
}

static void batch_free(struct batch *b)
{
    for (int i = 0; i < BRANCHES; i++) {
        mem_free(b->branch[i].logits);
        mem_free(b->branch[i].d_logits);
    }
}

static struct loss *make_loss(enum loss_assign assign, int top_k, struct team *team)
{
    struct loss_config config = loss_config_default(NC);
    struct loss *loss;
    config.assign = assign;
    config.assigner.top_k = top_k;
    assert_int_equal(loss_create(&config, team, &loss), OK);
    return loss;
}

static void run(struct loss *loss, const struct batch *b, int branches, struct loss_result *result)
{
    assert_int_equal(loss_run(loss, b->branch, branches, b->targets[0], TARGETS, result), OK);
}

/* The same bits with one, two and five threads, in every mode, and after a smaller batch in between. */
static void thread_counts(void **state)
{
    (void)state;
    struct batch one, other;
    batch_init(&one, 7);
    batch_init(&other, 7);
    size_t bytes = one.branch[0].image_stride * IMAGES * sizeof(float);
    for (int assign = ASSIGN_INDEPENDENT; assign <= ASSIGN_LEAD_UNFLOORED; assign++)
        for (int threads = 2; threads <= 5; threads += 3) {
            struct team *team;
            struct loss_result a, b;
            assert_int_equal(team_create(threads, &team), OK);
            struct loss *single = make_loss((enum loss_assign)assign, 10, NULL);
            struct loss *many = make_loss((enum loss_assign)assign, 10, team);
            run(single, &one, 3, &a);
            run(many, &other, 1, &b);
            run(many, &other, 3, &b);
            assert_memory_equal(&a, &b, sizeof a);
            for (int i = 0; i < BRANCHES; i++)
                assert_memory_equal(one.branch[i].d_logits, other.branch[i].d_logits, bytes);
            loss_destroy(single);
            loss_destroy(many);
            team_destroy(team);
        }
    batch_free(&one);
    batch_free(&other);
}

/* SPEC 7.6: whose targets a branch gets. */
static void variants(void **state)
{
    (void)state;
    struct batch b;
    struct loss_result result;
    batch_init(&b, 11);
    size_t points = (size_t)b.branch[0].anchors * IMAGES;
    struct loss *independent = make_loss(ASSIGN_INDEPENDENT, 10, NULL);
    struct loss *wide = make_loss(ASSIGN_INDEPENDENT, 20, NULL);
    struct loss *lead = make_loss(ASSIGN_LEAD, 10, NULL);
    struct loss *coarse = make_loss(ASSIGN_COARSE_TO_FINE, 10, NULL);
    run(independent, &b, 3, &result);
    run(wide, &b, 3, &result);
    run(lead, &b, 3, &result);
    run(coarse, &b, 3, &result);
    struct loss_assignment main = loss_get_assignment(independent, 2), broad = loss_get_assignment(wide, 2);
    for (int i = 0; i < BRANCHES; i++) {
        struct loss_assignment a = loss_get_assignment(lead, i), c = loss_get_assignment(coarse, i);
        assert_memory_equal(a.label, main.label, points * sizeof *a.label);
        assert_memory_equal(a.score, main.score, points * sizeof *a.score);
        assert_true(a.sum == main.sum);
        const struct loss_assignment *want = i == 2 ? &main : &broad;
        assert_memory_equal(c.label, want->label, points * sizeof *c.label);
        assert_memory_equal(c.score, want->score, points * sizeof *c.score);
        assert_true(c.sum == want->sum);
    }
    int narrow_points = 0, broad_points = 0;
    for (size_t i = 0; i < points; i++) {
        narrow_points += main.label[i] >= 0;
        broad_points += broad.label[i] >= 0;
    }
    assert_true(narrow_points > 0 && broad_points > narrow_points);
    struct loss_assignment first = loss_get_assignment(independent, 0);
    assert_true(memcmp(first.score, main.score, points * sizeof *first.score) != 0);
    loss_destroy(independent);
    loss_destroy(wide);
    loss_destroy(lead);
    loss_destroy(coarse);
    batch_free(&b);
}

/* The items add up over branches with their weights, and without d_logits nothing is written. */
static void weights(void **state)
{
    (void)state;
    struct batch b;
    batch_init(&b, 13);
    struct loss *loss = make_loss(ASSIGN_INDEPENDENT, 10, NULL);
    struct loss_result all, one;
    run(loss, &b, 3, &all);
    double sum[LOSS_ITEMS] = {0};
    for (int i = 0; i < BRANCHES; i++) {
        float *d_logits = b.branch[i].d_logits;
        b.branch[i].d_logits = NULL;
        assert_int_equal(loss_run(loss, &b.branch[i], 1, b.targets[0], TARGETS, &one), OK);
        b.branch[i].d_logits = d_logits;
        for (int k = 0; k < LOSS_ITEMS; k++)
            sum[k] += one.item[k] * (i == 2 ? 1 : 0.25);
    }
    for (int k = 0; k < LOSS_ITEMS; k++)
        assert_true(fabs(sum[k] - all.item[k]) <= 1e-12 * all.item[k]);
    assert_true(fabs(all.total - IMAGES * (all.item[0] + all.item[1] + all.item[2])) <= 1e-12 * all.total);
    loss_destroy(loss);
    batch_free(&b);
}

static void doors(void **state)
{
    (void)state;
    struct batch b;
    struct loss_result result;
    batch_init(&b, 17);
    struct loss *loss = make_loss(ASSIGN_INDEPENDENT, 10, NULL);
    const struct {
        int column;
        float value;
    } bad[] = {{0, IMAGES}, {0, -1}, {1, NC}, {1, -0.5f}, {2, NAN}, {4, INFINITY}};
    for (int i = 0; i < COUNT(bad); i++) {
        float kept = b.targets[3][bad[i].column];
        b.targets[3][bad[i].column] = bad[i].value;
        assert_int_equal(loss_run(loss, b.branch, 2, b.targets[0], TARGETS, &result), E_ARGUMENT);
        assert_non_null(strstr(fail_text(), "target 3"));
        b.targets[3][bad[i].column] = kept;
    }
    b.branch[1].level[1].h++;
    assert_int_equal(loss_run(loss, b.branch, 2, b.targets[0], TARGETS, &result), E_SHAPE);
    b.branch[1].level[1].h--;
    b.branch[0].logits[40] = NAN;
    b.branch[0].logits[4 * BINS + 1] = NAN;
    assert_int_equal(loss_run(loss, b.branch, 2, b.targets[0], TARGETS, &result), OK);
    assert_true(isnan(result.total));
    loss_destroy(loss);

    struct loss_config config = loss_config_default(NC);
    config.assigner.top_k = 0;
    assert_int_equal(loss_create(&config, NULL, &loss), E_ARGUMENT);
    config = loss_config_default(NC);
    config.aux_weight = -1;
    assert_int_equal(loss_create(&config, NULL, &loss), E_ARGUMENT);
    batch_free(&b);
}

static void given_box(void *context, int anchor, struct ciou_box *box)
{
    (void)anchor;
    ciou_box_init(box, context);
}

/* One anchor point in two labels, whose predicted box fits a third one best, which does not hold the point. The
 * official assigner gives it to that one; YOLOv8's to the better of the two around it. */
static void claimed_twice(void **state)
{
    (void)state;
    static const float corners[3][4] = {{0, 0, 30, 30}, {2, 2, 32, 32}, {12, 12, 44, 44}};
    const float x = 10, y = 10, scores[2] = {0.5f, 0.5f};
    float predicted[4] = {5, 5, 40, 40}, score;
    struct assign_label labels[3];
    struct assign_scratch scratch = {0};
    struct ciou_box box;
    unsigned char ready;
    int label;
    for (int i = 0; i < 3; i++) {
        labels[i] = (struct assign_label){.class = 1, .valid = true};
        ciou_box_init(&labels[i].box, corners[i]);
    }
    struct assign_image image = {.anchors = 1,
                                 .x = &x,
                                 .y = &y,
                                 .scores = scores,
                                 .score_stride = 2,
                                 .boxes = &box,
                                 .ready = &ready,
                                 .decode = given_box,
                                 .context = predicted,
                                 .labels = labels,
                                 .n_labels = 3};
    struct assign_config config = {.top_k = 1, .alpha = 0.5f, .beta = 6};
    assert_int_equal(assign_scratch_reserve(&scratch, 1, 3), OK);
    for (int inside = 0; inside < 2; inside++) {
        config.inside = inside;
        ready = 0;
        assign_run(&config, &image, &scratch, &label, &score);
        assert_int_equal(label, inside ? 1 : 2);
        assert_true(score > 0.4);
    }
    labels[1].valid = false; /* no longer claimed twice */
    ready = 0;
    assign_run(&config, &image, &scratch, &label, &score);
    assert_int_equal(label, 0);
    assign_scratch_free(&scratch);
}

/* The kernel of a level against libm in double, over the whole range of a float's useful logits; nothing behind the
 * last one is written. */
static void softplus_accuracy(const struct softplus_kernel *kernel)
{
    enum { LOGITS = 71 }; /* whole steps of vectors, single ones and a tail */
    double worst_value = 0, worst_sigmoid = 0;
    for (double x = -86; x < 100;) {
        float logits[LOGITS], d[LOGITS + 1] = {[LOGITS] = 77};
        double want = 0;
        for (int i = 0; i < LOGITS; i++, x += 0.0137) {
            logits[i] = (float)x;
            want += fmax(logits[i], 0) + log1p(exp(-fabs((double)logits[i])));
        }
        double value = kernel->run(logits, d, 3, LOGITS);
        worst_value = fmax(worst_value, fabs(value - want) / want);
        for (int i = 0; i < LOGITS; i++) {
            double e = exp(-fabs((double)logits[i])), sigmoid = 3 * (logits[i] < 0 ? e : 1) / (1 + e);
            worst_sigmoid = fmax(worst_sigmoid, fabs(d[i] - sigmoid) / sigmoid);
        }
        assert_true(d[LOGITS] == 77);
    }
    print_message("%s: softplus %.2g, sigmoid %.2g relative\n", kernel->name, worst_value, worst_sigmoid);
    assert_true(worst_value < 6e-7 && worst_sigmoid < 6e-7);
}

static void class_accuracy(void **state)
{
    (void)state;
    uint64_t levels[MASKS_MOST];
    const int n_levels = masks_of_levels(levels);
    for (int i = 0; i < n_levels; i++)
        softplus_accuracy(kernels_for(levels[i]).softplus);
}

/* The derivative of every class term, by differences. */
static void class_gradient(void **state)
{
    (void)state;
    const struct class_term terms[] = {
        {1, 0, 1, false}, {2, 0, 1, false}, {1, 1.5, 1, false}, {3, 0.5, 1, false}, {1, 0, 1, true}};
    for (int k = 0; k < COUNT(terms); k++)
        for (float x = -4; x <= 4; x += 0.5f)
            for (float t = 0; t <= 1; t += 0.25f) {
                float d, ignored;
                class_positive(&terms[k], x, t, &d);
                float low = x - 0.0078125f, high = x + 0.0078125f;
                /* class_positive is relative to target 0: add that back */
                double at_low =
                    class_positive(&terms[k], low, t, &ignored) + class_zero(&terms[k], &low, 1, &ignored, 1, 1, 1);
                double at_high =
                    class_positive(&terms[k], high, t, &ignored) + class_zero(&terms[k], &high, 1, &ignored, 1, 1, 1);
                double want = (at_high - at_low) / ((double)high - (double)low);
                assert_true(fabs(d - want) < 1e-4 * (1 + fabs(want)));
            }
}

/* Varifocal values from the published formula: -t (t ln p + (1 - t) ln(1 - p)) of positives, -0.75 p^2 ln(1 - p) of
 * negatives. */
static void varifocal_values(void **state)
{
    (void)state;
    const struct class_term term = {1, 0, 1, true};
    for (float x = -6; x <= 6; x += 0.75f) {
        const double p = 1 / (1 + exp(-(double)x)), zero = -0.75 * p * p * log(1 - p);
        float d;
        assert_true(fabs(class_zero(&term, &x, 1, &d, 1, 1, 1) - zero) < 1e-9);
        for (float t = 0.125f; t <= 1; t += 0.125f) {
            double want = -t * (t * log(p) + (1 - t) * log(1 - p));
            assert_true(fabs(class_positive(&term, x, t, &d) + zero - want) < 1e-9);
        }
    }
}

/* What it cannot be combined with is refused where the loss is made. */
static void varifocal_doors(void **state)
{
    (void)state;
    struct loss_config config = loss_config_default(NC);
    struct loss *loss;
    config.cls_loss = CLS_LOSS_VFL;
    assert_int_equal(loss_create(&config, NULL, &loss), OK);
    loss_destroy(loss);
    config.focal_gamma = 1.5;
    assert_int_equal(loss_create(&config, NULL, &loss), E_ARGUMENT);
    assert_non_null(strstr(fail_text(), "fl_gamma must be 0"));
    const struct head anchors = {.kind = HEAD_ANCHORS, .nc = NC};
    config = loss_config_of(&anchors, 1);
    config.cls_loss = CLS_LOSS_VFL;
    assert_int_equal(loss_create(&config, NULL, &loss), E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_counts),   cmocka_unit_test(variants),
        cmocka_unit_test(weights),         cmocka_unit_test(claimed_twice),
        cmocka_unit_test(doors),           cmocka_unit_test(class_accuracy),
        cmocka_unit_test(class_gradient),  cmocka_unit_test(varifocal_values),
        cmocka_unit_test(varifocal_doors),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
