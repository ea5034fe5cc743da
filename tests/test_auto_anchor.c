/* Auto-anchor: recall of anchor boxes over labels, and boxes found by k-means. */
#include "support/unit.h"

#include "core/mem.h"
#include "core/rng.h"
#include "train/auto_anchor.h"

#include <math.h>
#include <string.h>

enum { LEVELS = 3, BOXES = 2, KINDS = LEVELS * BOXES, EACH = 40 };

static const float true_size[KINDS][2] = {{6, 9}, {12, 7}, {30, 20}, {25, 60}, {110, 70}, {90, 200}};

/* Labels scattered about six sizes. */
static struct label_sizes scattered(float spread)
{
    struct rng rng = rng_seed(4, 5, 6);
    struct label_sizes s = {.size = mem_alloc(KINDS * EACH, sizeof *s.size)};
    assert_non_null(s.size);
    for (; s.n < KINDS * EACH; s.n++)
        for (int side = 0; side < 2; side++)
            s.size[s.n][side] = true_size[s.n % KINDS][side] * expf(spread * (float)rng_normal(&rng));
    return s;
}

static void recall_is_the_share_of_labels_with_a_box_near_them(void **state)
{
    (void)state;
    const struct head head = {.kind = HEAD_ANCHORS, .n_anchors = 1, .anchor = {{{10, 10}}, {{100, 10}}}};
    float size[][2] = {{10, 10}, {39.9f, 10}, {40, 10}, {10, 41}, {2.6f, 39}, {26, 39}};
    const struct label_sizes s = {.size = size, .n = COUNT(size)};
    struct anchor_fit fit = anchor_fit_of(&head, 2, 4, &s);
    assert_true(fabs(fit.recall - 5.0 / 6) < 1e-9); /* all but 10x41 */
    const double closest[] = {1, 39.9 / 100, 40.0 / 100, 0, 2.6 / 10 < 10.0 / 39 ? 2.6 / 10 : 10.0 / 39, 10.0 / 39};
    double close = 0;
    for (int i = 0; i < COUNT(closest); i++)
        close += closest[i] / 6;
    assert_true(fabs(fit.close - close) < 1e-6);
    fit = anchor_fit_of(&head, 1, 4, &s); /* the first level alone */
    assert_true(fabs(fit.recall - 4.0 / 6) < 1e-9);
    assert_true(anchor_fit_of(&head, 2, 4, &(struct label_sizes){0}).recall == 1);
}

static void clusters_are_found_and_stand_by_size(void **state)
{
    (void)state;
    struct label_sizes s = scattered(0.03f);
    struct head head = {.kind = HEAD_ANCHORS, .n_anchors = BOXES}, again = head;
    assert_int_equal(anchors_find(&s, LEVELS, 4, 1, &head), OK);
    for (int k = 0; k < KINDS; k++)
        for (int side = 0; side < 2; side++)
            assert_true(fabsf(head.anchor[k / BOXES][k % BOXES][side] / true_size[k][side] - 1) < 0.1f);
    assert_int_equal(anchors_find(&s, LEVELS, 4, 1, &again), OK);
    assert_memory_equal(&head, &again, sizeof head);
    label_sizes_free(&s);
}

static void found_boxes_fit_better_than_foreign_ones(void **state)
{
    (void)state;
    struct label_sizes s = scattered(0.6f);
    struct head head = {.kind = HEAD_ANCHORS, .n_anchors = BOXES};
    for (int l = 0; l < LEVELS; l++)
        for (int a = 0; a < BOXES; a++)
            head.anchor[l][a][0] = head.anchor[l][a][1] = (float)(300 + 10 * l + a);
    double before = anchor_fit_of(&head, LEVELS, 4, &s).recall;
    assert_int_equal(anchors_find(&s, LEVELS, 4, 1, &head), OK);
    double after = anchor_fit_of(&head, LEVELS, 4, &s).recall;
    assert_true(before < 0.5 && after > 0.97);
    label_sizes_free(&s);
}

static void few_and_equal_labels(void **state)
{
    (void)state;
    float size[KINDS][2];
    struct head head = {.kind = HEAD_ANCHORS, .n_anchors = BOXES};
    for (int i = 0; i < KINDS; i++)
        size[i][0] = size[i][1] = 20;
    struct label_sizes s = {.size = size, .n = KINDS - 1};
    assert_int_equal(anchors_find(&s, LEVELS, 4, 1, &head), E_ARGUMENT);
    s.n = KINDS; /* six times the same: every box is it */
    assert_int_equal(anchors_find(&s, LEVELS, 4, 1, &head), OK);
    for (int k = 0; k < KINDS; k++)
        assert_true(head.anchor[k / BOXES][k % BOXES][0] == 20);
}

static void sizes_are_those_at_the_networks_input(void **state)
{
    (void)state;
    struct dataset_object objects[] = {{.cxcywh = {0.5f, 0.5f, 0.5f, 0.25f}}, {.cxcywh = {0.5f, 0.5f, 0.5f, 0.001f}}};
    struct dataset_image image = {.w = 200, .h = 400, .n_objects = 2};
    const struct dataset d = {.images = &image, .n_images = 1, .objects = objects, .n_objects = 2};
    struct label_sizes s;
    assert_int_equal(label_sizes_of(&d, 640, &s), OK);
    assert_true(s.n == 1 && s.tiny == 1 && s.size[0][0] == 160 && s.size[0][1] == 160);
    label_sizes_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recall_is_the_share_of_labels_with_a_box_near_them),
        cmocka_unit_test(clusters_are_found_and_stand_by_size),
        cmocka_unit_test(found_boxes_fit_better_than_foreign_ones),
        cmocka_unit_test(few_and_equal_labels),
        cmocka_unit_test(sizes_are_those_at_the_networks_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
