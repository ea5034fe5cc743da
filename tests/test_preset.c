/* Recipes by name: what they hold, which network takes which, and that what a user gave stays. */
#include "support/unit.h"

#include "core/buf.h"
#include "train/run_options.h"

#include <stdio.h>
#include <string.h>

static void every_row_is_read(void **state)
{
    (void)state;
    for (int i = PRESET_AUTO + 1; i < PRESETS; i++) {
        const struct preset *p = preset_get((enum preset_kind)i);
        struct hyper h = hyper_default();
        char word[32];
        int length;
        assert_string_equal(preset_names[i], p->name);
        assert_int_equal(preset_find(p->name), i);
        for (const char *at = p->values; sscanf(at, " %31s%n", word, &length) == 1; at += length)
            assert_int_equal(hyper_set(word, &h, NULL), OK);
        struct hyper mine = preset_hyper((enum preset_kind)i);
        assert_memory_equal(&h, &mine, sizeof h);
    }
    assert_null(preset_names[PRESETS]);
    assert_int_equal(preset_find("data/hyps/hyp.scratch.tiny.yaml"), PRESET_YOLOV7_TINY);
    assert_int_equal(preset_find("yolov7-tin"), PRESET_AUTO);
}

static void yolov7_is_as_its_release(void **state)
{
    (void)state;
    const struct hyper p5 = preset_hyper(PRESET_YOLOV7), tiny = preset_hyper(PRESET_YOLOV7_TINY),
                       p6 = preset_hyper(PRESET_YOLOV7_W6);
    const struct preset *p = preset_get(PRESET_YOLOV7);
    assert_true(p5.box == 0.05 && p5.cls == 0.3 && p5.obj == 0.7 && p5.anchor_t == 4 && p5.lrf == 0.1);
    assert_true(tiny.box == 0.05 && tiny.cls == 0.5 && tiny.obj == 1 && tiny.lrf == 0.01);
    assert_true(p6.cls == 0.3 && p6.lrf == 0.2 && p6.translate == 0.2 && p6.scale == 0.9 && p6.mixup == 0.15);
    assert_true(p->schedule == SCHEDULE_COSINE && p->least_warmup == 1000 && p->clip_norm == 0 && p->even_steps);
    const struct schedule s = {.epochs = 10, .batches = 20, .warmup_epochs = 3, .least_warmup = p->least_warmup};
    assert_int_equal(schedule_warmup(&s), 1000);
    assert_non_null(strstr(p->without, "paste_in"));
}

static void a_network_takes_its_own(void **state)
{
    (void)state;
    const struct family *official = family_find("official");
    struct graph g = {.n_branches = 1, .head = {.kind = HEAD_DFL}, .branch = {{.n_levels = 3}}};
    assert_int_equal(preset_for("gelan-t", official, &g), PRESET_YOLOV9);
    assert_int_equal(preset_for("yolov8n", family_find("ultralytics"), &g), PRESET_YOLOV8);
    g.head.kind = HEAD_ANCHORS;
    assert_int_equal(preset_for("yolov7-tiny", official, &g), PRESET_YOLOV7_TINY);
    assert_int_equal(preset_for("my-own", official, &g), PRESET_YOLOV7);
    assert_int_equal(preset_for(NULL, official, &g), PRESET_YOLOV7);
    g.n_branches = 2;
    g.branch[1].n_levels = 4;
    assert_int_equal(preset_for("my-own", official, &g), PRESET_YOLOV7_W6);
}

static void what_was_given_stays(void **state)
{
    (void)state;
    struct run_options o;
    run_options_init(&o);
    const struct hyper kept = o.hyper;
    run_choose_preset(&o, PRESET_YOLOV7_TINY); /* all of a run's folder is given */
    assert_true(o.preset == PRESET_YOLOV7_TINY && o.schedule == SCHEDULE_LINEAR);
    assert_memory_equal(&o.hyper, &kept, sizeof kept);

    run_options_init(&o);
    o.given_hyper = 0;
    o.given_schedule = false;
    assert_int_equal(hyper_set("box=0.07", &o.hyper, &o.given_hyper), OK);
    run_choose_preset(&o, PRESET_YOLOV7_TINY);
    assert_true(o.hyper.box == 0.07 && o.hyper.obj == 1 && o.schedule == SCHEDULE_COSINE);

    assert_int_equal(run_least_warmup(&o), 1000);
    o.warmup_iterations = 20;
    assert_int_equal(run_least_warmup(&o), 20);
    run_options_init(&o);
    assert_int_equal(run_least_warmup(&o), 100);
    o.given_hyper = 0;
    o.preset = PRESET_YOLOV7; /* asked for */
    run_choose_preset(&o, PRESET_YOLOV9);
    assert_true(o.preset == PRESET_YOLOV7 && o.hyper.box == 0.05 && o.schedule == SCHEDULE_LINEAR);
    run_options_free(&o);
}

static void yolov8_is_as_its_package(void **state)
{
    (void)state;
    struct run_options o;
    run_options_init(&o);
    assert_int_equal(run_close_mosaic(&o), 15);
    o.given_hyper = 0;
    o.given_lr_lag = o.given_optimizer = o.given_schedule = false;
    run_choose_preset(&o, PRESET_YOLOV8);
    assert_true(o.hyper.scale == 0.5 && o.hyper.mixup == 0 && o.hyper.copy_paste == 0 && o.hyper.momentum == 0.937);
    assert_true(!o.lr_lag && o.schedule == SCHEDULE_LINEAR && o.optimizer == RUN_OPTIMIZER_AUTO);
    assert_int_equal(run_close_mosaic(&o), 10);

    /* auto: ceil(205 / 64) * 30 steps, and above 10,000 */
    o.epochs = 30;
    assert_int_equal(run_choose_optimizer(&o, 205, 3), 120);
    assert_int_equal(o.optimizer, OPTIMIZER_ADAMW);
    assert_true(o.hyper.lr0 == 0.001429 && o.hyper.momentum == 0.9 && o.hyper.warmup_bias_lr == 0);
    assert_int_equal(run_choose_optimizer(&o, 205, 3), 0); /* chosen */
    o.optimizer = RUN_OPTIMIZER_AUTO;
    assert_int_equal(run_choose_optimizer(&o, 64 * 1000, 80), 30000);
    assert_int_equal(o.optimizer, OPTIMIZER_SGD);
    assert_true(o.hyper.lr0 == 0.01 && o.hyper.momentum == 0.9);
    o.optimizer = RUN_OPTIMIZER_AUTO; /* what was given stays */
    assert_int_equal(hyper_set("lr0=0.5", &o.hyper, &o.given_hyper), OK);
    assert_int_equal(run_choose_optimizer(&o, 205, 3), 120);
    assert_true(o.hyper.lr0 == 0.5 && o.hyper.warmup_bias_lr == 0);
    run_options_free(&o);
}

/* What is said of given values, "idle|words". */
static const char *said(const char *words, enum head_kind head)
{
    static char text[1024];
    struct hyper h = hyper_default();
    struct buf idle = {0}, warnings = {0};
    uint64_t given = 0;
    char word[32];
    int length;
    for (const char *at = words; sscanf(at, " %31s%n", word, &length) == 1; at += length)
        assert_int_equal(hyper_set(word, &h, &given), OK);
    assert_int_equal(hyper_check_given(&h, given, head, &idle, &warnings), OK);
    snprintf(text, sizeof text, "%s|%s", idle.size ? idle.data : "", warnings.size ? warnings.data : "");
    buf_free(&idle);
    buf_free(&warnings);
    return text;
}

static void values_without_effect_are_told(void **state)
{
    (void)state;
    assert_string_equal(said("lr0=0.02 obj=0.7", HEAD_DFL), "|"); /* as every official file has it */
    assert_non_null(strstr(said("obj=1 anchor_t=3", HEAD_DFL), "obj (the loss has no objectness), anchor_t ("));
    assert_string_equal(said("obj=1 anchor_t=3 box=0.05 label_smoothing=0.1", HEAD_ANCHORS), "|");
    assert_non_null(strstr(said("dfl=2 box=0.05", HEAD_ANCHORS), "dfl ("));
    assert_non_null(strstr(said("iou_t=0.3", HEAD_DFL), "iou_t ("));
    assert_non_null(strstr(said("box=0.05", HEAD_DFL), "|box is 0.05"));
    assert_string_equal(said("box=0.05 dfl=0.01", HEAD_DFL), "|");
    assert_non_null(strstr(said("", HEAD_ANCHORS), "|box is 7.5"));
    assert_non_null(strstr(said("obj=0 box=0.05", HEAD_ANCHORS), "nothing will be found"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_read),        cmocka_unit_test(yolov7_is_as_its_release),
        cmocka_unit_test(yolov8_is_as_its_package), cmocka_unit_test(a_network_takes_its_own),
        cmocka_unit_test(what_was_given_stays),     cmocka_unit_test(values_without_effect_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
