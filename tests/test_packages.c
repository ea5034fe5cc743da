/* Files of other packages through the program: the same network in every dress finds the same boxes, and every verb
 * takes such files as its own. */
#include "core/file.h"
#include "support/make_network.h"
#include "support/programs.h"
#include "support/shared.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char root[64];

static void need(enum status rc)
{
    if (rc != OK)
        fail_msg("%s", fail_text());
}

static void write_network(const char *path, const struct weights *w, const struct network_dress *dress)
{
    struct buf made = {0};
    make_network(&made, &w->training, w->params, NULL, dress);
    need(file_write(path, made.data, made.size));
    buf_free(&made);
}

/* One network of one branch as the official code, Ultralytics and LibreYOLO save it, and in the old layout; one of two
 * as the official code and MultimediaTechLab do. */
static int make_inputs(void **state)
{
    (void)state;
    static const char light_table[] = "base: gelan-t\nfamily: ultralytics\nbox_groups: 1\nclass_tower: light\n";
    struct weights one, two, light;
    struct buf made = {0};
    program_folder(root, sizeof root);
    if (chdir(root) != 0)
        return 1;
    draw_dataset("set", 8);
    need(weights_random("gelan-t", 3, 1, &one));
    need(weights_random("yolov9-t", 3, 2, &two));
    need(file_write("light.yaml", light_table, sizeof light_table - 1));
    need(weights_random("light.yaml", 3, 3, &light));
    write_network("official.pt", &one, &(struct network_dress){.keys = {"model"}});
    write_network("old.pt", &one, &(struct network_dress){.prefix = "module.", .old = true});
    write_network("libre.pt", &one,
                  &(struct network_dress){.keys = {"model"},
                                          .rename = name_of_libre,
                                          .beside = {"model_family", "yolo9", "task", "detect", "size", "t"}});
    write_network("claims.pt", &one, &(struct network_dress){.keys = {"model"}, .nc = 7});
    make_ultralytics(&made, &one.training, one.params, 64, &(struct object_dress){.act = "SiLU"});
    need(file_write("ultralytics.pt", made.data, made.size));
    buf_free(&made);
    make_ultralytics(&made, &light.training, light.params, 64, &(struct object_dress){.bare = true});
    need(file_write("light.pt", made.data, made.size));
    buf_free(&made);
    write_network("light-official.pt", &light, &(struct network_dress){.keys = {"model"}});
    weights_free(&light);
    write_network("both.pt", &two, &(struct network_dress){.keys = {"model"}});
    write_network("multimedia.pt", &two, &(struct network_dress){.rename = name_of_multimedia});
    write_network("lightning.ckpt", &two,
                  &(struct network_dress){.keys = {"state_dict"},
                                          .prefix = "model.model.",
                                          .rename = name_of_multimedia,
                                          .beside = {"pytorch-lightning_version", "2.1.0"}});
    weights_free(&one);
    weights_free(&two);
    return 0;
}

static int remove_inputs(void **state)
{
    (void)state;
    int rc = chdir("/");
    program_remove(root);
    return rc;
}

/* Standard output of `yolo9 ARGUMENTS`, what it says on standard error with `said`. */
static void run(const char *arguments, bool said, struct buf *out)
{
    char command[512];
    out->size = 0;
    snprintf(command, sizeof command, "%s/yolo9 %s", Y9_BINARY_DIR, arguments);
    if (program_run(command, said, out) != 0)
        fail_msg("%s failed: %s", command, out->data);
}

/* The boxes that `file` finds; the same as those of `other`. */
static void find_same(const char *file, const char *other)
{
    struct buf boxes[2] = {{0}, {0}};
    const char *const files[] = {other, file};
    for (int i = 0; i < 2; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments,
                 "detect %s set/images --recursive --img 64 --conf 0.0001 --max-det 9 --nosave --json -", files[i]);
        run(arguments, false, &boxes[i]);
    }
    assert_true(strstr(boxes[0].data, "bbox") != NULL);
    /* classes have names in one of them only: the numbers are what must be equal */
    const char *a = boxes[0].data, *b = boxes[1].data;
    int n = 0;
    while ((a = strstr(a, "\"bbox\"")) && (b = strstr(b, "\"bbox\""))) {
        size_t length = strcspn(a, "}");
        if (strncmp(a, b, length + 1) != 0)
            fail_msg("%s: %.*s instead of %.*s", file, (int)length, b, (int)length, a);
        a += length;
        b += length;
        n++;
    }
    assert_true(n > 8 && !strstr(b ? b : "", "bbox"));
    buf_free(&boxes[0]);
    buf_free(&boxes[1]);
}

static void equal_boxes_in_every_dress(void **state)
{
    (void)state;
    find_same("ultralytics.pt", "official.pt");
    find_same("libre.pt", "official.pt");
    find_same("light.pt", "light-official.pt");
    find_same("old.pt", "official.pt");
    find_same("multimedia.pt", "both.pt");
    find_same("lightning.ckpt", "both.pt");
}

static void expect(const struct buf *text, const char *const *words)
{
    for (; *words; words++)
        if (!strstr(text->data, *words))
            fail_msg("\"%s\" is not in %s", *words, text->data);
}

static void info_says_what_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *file, *words[6];
    } files[] = {
        {"ultralytics.pt", {"Ultralytics package 8.3.0", "a pickled module", "yolov9t", "thing0", "64 x 64"}},
        {"libre.pt", {"LibreYOLO", "a dict of tensors", "gelan-t", "without names", "one branch"}},
        {"old.pt", {"in the layout from before 1.6", "gelan-t"}},
        {"multimedia.pt", {"MultimediaTechLab/YOLO", "yolov9-t", "with the auxiliary branch", "3, without"}},
        {"lightning.ckpt", {"MultimediaTechLab/YOLO", "Lightning checkpoint (2.1.0), left by a training (epoch 3)"}},
    };
    struct buf out = {0};
    for (int i = 0; i < COUNT(files); i++) {
        char arguments[128];
        snprintf(arguments, sizeof arguments, "info --weights %s", files[i].file);
        run(arguments, false, &out);
        expect(&out, files[i].words);
    }
    run("info --weights claims.pt", true, &out);
    expect(&out, (const char *const[]){"claims.pt: it says that it has 7 classes, its head has 3: the head's are taken",
                                       NULL});
    run("info --weights official.pt", true, &out);
    assert_int_equal(out.size, 0);
    run("info --weights old.pt --json -", false, &out);
    expect(&out,
           (const char *const[]){"\"kept_as\": \"PyTorch, a dict of tensors, in the layout from before 1.6\"", NULL});
    buf_free(&out);
}

static void every_verb_takes_them(void **state)
{
    (void)state;
    static const struct {
        const char *name, *taken;
    } files[] = {{"ultralytics.pt", "1118 of 1118 tensors taken"},
                 {"libre.pt", "1118 of 1118 tensors taken"},
                 {"multimedia.pt", "1481 of 1481 tensors taken"},
                 {"light.pt", "1148 of 1148 tensors taken"}};
    struct buf out = {0};
    for (int i = 0; i < COUNT(files); i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "convert %s deployed.safetensors --deploy", files[i].name);
        run(arguments, true, &out);
        find_same("deployed.safetensors", files[i].name);
        snprintf(arguments, sizeof arguments, "export %s --img 64 --out net.onnx", files[i].name);
        run(arguments, true, &out);
        assert_int_equal(access("net.onnx", R_OK), 0);
        snprintf(arguments, sizeof arguments, "val %s --data set --img 64 --batch 4 --noplots --conf 0.01",
                 files[i].name);
        run(arguments, true, &out);
        snprintf(arguments, sizeof arguments,
                 "train --weights %s --data set --img 64 --batch 4 --epochs 1 --noplots --project runs --name %d",
                 files[i].name, i);
        run(arguments, true, &out);
        expect(&out, (const char *const[]){files[i].taken, NULL});
        snprintf(arguments, sizeof arguments, "runs/%d/weights/last.safetensors", i);
        assert_int_equal(access(arguments, R_OK), 0);
    }
    buf_free(&out);
}

/* A file with both branches for the network with one, and what training on says of its tensors. */
static void both_branches_go_on(void **state)
{
    (void)state;
    struct buf out = {0};
    run("convert multimedia.pt one.safetensors --cfg gelan-t", true, &out);
    find_same("one.safetensors", "multimedia.pt");
    run("info --weights one.safetensors", false, &out);
    expect(&out, (const char *const[]){"gelan-t", NULL});
    buf_free(&out);
}

static void habits_of_other_programs(void **state)
{
    (void)state;
    struct buf out = {0};
    run("detect official.pt set/images/val --img 64 --nosave --preset ultralytics", true, &out);
    expect(&out, (const char *const[]){"iou 0.7, at most 300 boxes", "smallest rectangle", "whole pixels", NULL});
    run("detect official.pt set/images/val --img 64 --nosave --preset ultralytics --iou 0.6 --no-rect", true, &out);
    expect(&out, (const char *const[]){"iou 0.6, at most 300 boxes", "whole input", NULL});
    run("detect official.pt set/images/val --img 64 --nosave --preset official", true, &out);
    expect(&out, (const char *const[]){"iou 0.45, at most 1000 boxes", "smallest rectangle", "exact half", NULL});
    run("val official.pt --data set --img 64 --noplots --preset ultralytics --conf 0.01", true, &out);
    expect(&out, (const char *const[]){"sizes rounded up, always bilinearly", NULL});
    run("val official.pt --data set --img 64 --noplots --square --preset ultralytics --conf 0.01", true, &out);
    expect(&out, (const char *const[]){"without effect", NULL});
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_boxes_in_every_dress), cmocka_unit_test(info_says_what_they_are),
        cmocka_unit_test(every_verb_takes_them),      cmocka_unit_test(both_branches_go_on),
        cmocka_unit_test(habits_of_other_programs),
    };
    return cmocka_run_group_tests(tests, make_inputs, remove_inputs);
}
