/* yolo9 figure from outside: what a call leaves in its folder, and that val's result is a point of the chart. */
#include "core/buf.h"
#include "core/file.h"
#include "formats/json.h"
#include "support/folder.h"
#include "support/shared.h"
#include "support/unit.h"
#include "support/verb_runs.h"
#include "weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void each_call_has_a_folder_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(verb_run("figure network yolov8n --img 96 160"), 0);
    assert_log("runs/figure/exp: network.svg, network.png, network.csv, network.json");
    assert_int_equal(verb_run("figure network yolov7-w6 --img 96"), 0); /* its stride is 64 */
    assert_log("yolov7-w6: counted for 128 x 128");
    assert_log("runs/figure/exp2: ");
    assert_int_equal(access("runs/figure/exp2/network.svg", R_OK), 0);
    assert_int_equal(verb_run("figure network yolov8n --name exp2 --exist-ok --img 64"), 0);
    json_t *root = NULL;
    assert_ok(json_read_file("runs/figure/exp2/network.json", NULL, &root));
    assert_string_equal(json_string_value(json_object_get(root, "model")), "yolov8n");
    json_decref(root);
}

static void a_fault_leaves_no_folder(void **state)
{
    (void)state;
    assert_ok(file_write("bad.csv", "family,model\n", 13));
    assert_int_equal(verb_run("figure models bad.csv --project faults"), 1);
    assert_log("bad.csv:1: there is no column");
    assert_int_equal(verb_run("figure models none.json --project faults"), 1);
    assert_log("none.json: No such file");
    assert_int_not_equal(access("faults", F_OK), 0);
}

static void weights_are_drawn_with_their_own_head(void **state)
{
    (void)state;
    json_t *root = NULL;
    draw_weights("drawn.safetensors");
    assert_int_equal(verb_run("figure network drawn.safetensors --img 64 --name weights"), 0);
    assert_ok(json_read_file("runs/figure/weights/network.json", NULL, &root));
    json_t *deployed = json_object_get(root, "deployed");
    assert_int_equal(json_integer_value(json_object_get(deployed, "params")), 2094000); /* not the table's 2407632 */
    json_decref(root);
}

static void val_says_which_network_and_becomes_a_point(void **state)
{
    (void)state;
    struct weights w = {0};
    json_t *root = NULL;
    const json_t *row;
    draw_dataset("set", 8);
    assert_ok(weights_random("gelan-t", 3, 1, &w));
    assert_ok(weights_save("three.safetensors", &w, false, false));
    weights_free(&w);
    assert_int_equal(
        verb_run("val --weights three.safetensors --data set --img 64 --noplots --no-cache --json val.json"), 0);
    assert_int_equal(verb_run("figure models val.json --no-published --bench --runs 1 --threads 1 --name point"), 0);
    assert_log("gelan-t, 64 x 64: ");
    assert_ok(json_read_file("runs/figure/point/models.json", NULL, &root));
    assert_int_equal(json_array_size(json_object_get(root, "rows")), 1);
    row = json_array_get(json_object_get(root, "rows"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "model")), "gelan-t");
    assert_int_equal(json_integer_value(json_object_get(row, "width")), 64);
    assert_true(json_number_value(json_object_get(row, "latency_ms")) > 0);
    double params = json_number_value(json_object_get(row, "params_m"));
    assert_true(params > 1.5 && params < 2.407); /* three classes, not 80 */
    json_decref(root);
}

static void assert_holds(const char *path, const char *says)
{
    struct buf text = {0};
    assert_ok(file_read(path, 1 << 20, &text));
    if (!strstr(text.data, says))
        fail_msg("%s: '%s' is not in it", path, says);
    buf_free(&text);
}

/* Two epochs, each kept: early and late stand side by side; of a run with one state its start is drawn again. */
static void gradients_are_seen_early_and_late(void **state)
{
    (void)state;
    draw_dataset("few", 8);
    const char *train = "train --cfg gelan-t-deep --data few --img 64 --batch 4 --noplots --noval --no-cache ";
    char command[300];
    snprintf(command, sizeof command, "%s--epochs 2 --save-period 1 --project r --name kept", train);
    assert_int_equal(verb_run(command), 0);
    assert_int_equal(verb_run("figure gradients --during r/kept --batches 2 --batch 2 --no-cache --name g"), 0);
    assert_log("early is \"kept, epoch1\", late is \"kept, last\"");
    assert_log("means of 2 batches, 4 pictures in all, at 64, without augmentation");
    static const char *const files[] = {"gradients.svg", "gradients.png", "gradients.json",
                                        "sizes.svg",     "sizes.png",     "sizes.json"};
    for (int i = 0; i < COUNT(files); i++) {
        char path[100];
        snprintf(path, sizeof path, "runs/figure/g/%s", files[i]);
        assert_int_equal(access(path, R_OK), 0);
    }
    assert_holds("runs/figure/g/gradients.csv",
                 "state,network,row,module,use,parameters,main_norm,main_norm_deviation,auxiliary_norm,");
    assert_holds("runs/figure/g/gradients.csv", "\"kept, epoch1\",gelan-t-deep,0,Conv,main,464,");
    assert_holds("runs/figure/g/gradients.csv", "\"kept, last\",gelan-t-deep,22,DualDDetect,");
    assert_holds("runs/figure/g/sizes.csv", "\"kept, last\",gelan-t-deep,auxiliary,8,4,RepNCSPELAN4,small,");
    assert_int_equal(verb_run("train --resume r/kept"), 0); /* looking at it did not touch it */
    snprintf(command, sizeof command, "%s--epochs 1 --project r --name one --seed 5", train);
    assert_int_equal(verb_run(command), 0);
    assert_int_equal(verb_run("figure gradients --during r/one --batches 1 --batch 2 --no-cache --augment"), 0);
    assert_log("early is \"gelan-t-deep, start (seed 5)\"");
    assert_log("augmented as in training");
    assert_int_equal(
        verb_run("train --weights r/one/weights/last.safetensors --data few --img 64 --batch 4 --noplots --noval "
                 "--no-cache --epochs 1 --project r --name more"),
        0);
    assert_int_equal(verb_run("figure gradients --during r/more --no-cache"), 1);
    assert_log("only the weights of its end were kept");
}

static void gradients_refuse_what_has_none(void **state)
{
    (void)state;
    char command[300];
    struct weights w = {0};
    draw_dataset("few2", 8);
    assert_ok(weights_random("gelan-t", 3, 1, &w));
    assert_ok(weights_deploy(&w));
    assert_ok(weights_save("deployed.safetensors", &w, true, false));
    weights_free(&w);
    assert_int_equal(verb_run("figure gradients deployed.safetensors --data few2 --no-cache"), 1);
    assert_log("deployed.safetensors: it is deployed, for inference only");
    assert_int_equal(verb_run("figure gradients --during few2 --no-cache"), 1);
    assert_log("few2: it is no folder of a training run");
    assert_int_equal(verb_run("figure gradients --data few2"), 2);
    assert_log("of which network?");
    assert_int_equal(verb_run("figure gradients --cfg gelan-t"), 2);
    assert_log("--data is needed");
    snprintf(command, sizeof command,
             "figure gradients --weights r/kept/weights/last.safetensors --cfg gelan-t --data few2 "
             "--batches 1 --batch 2 --no-cache --name both");
    assert_int_equal(verb_run(command), 0);
    assert_log("--img 64 from the weights");
    assert_int_equal(
        verb_run("figure gradients --cfg gelan-t --data few2 --img 64 --batches 1 --batch 2 --no-cache --name h"),
        0); /* one head: no column for another */
    assert_holds("runs/figure/h/gradients.csv", "parameters,main_norm,main_norm_deviation,sum_norm,");
}

static void activations_print_the_example(void **state)
{
    (void)state;
    assert_int_equal(verb_run("figure activations --activation ReLU leaky0.1 relu --name a"), 0);
    assert_log("ReLU             0, 0, 3                0, 0, 0.5  ");
    assert_log("0.05, 0.05, 0.5");
    assert_holds("runs/figure/a/example.csv", "ReLU,-2,0,0.5,0\nReLU,-1,0,0.5,0\nReLU,3,3,0.5,0.5\n");
    assert_holds("runs/figure/a/example.csv", "leaky ReLU 0.1,-2,-0.2,0.5,0.05\n");
    assert_holds("runs/figure/a/activations.csv", "activation,invertible,depth,no_gradient,");
    assert_int_equal(access("runs/figure/a/activations.png", R_OK), 0);
    assert_int_equal(access("runs/figure/a/activations.svg", R_OK), 0);
    assert_int_equal(verb_run("figure activations --activation relo"), 2);
    assert_log("--activation relo: there is no such activation");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_has_a_folder_of_its_own),
        cmocka_unit_test(a_fault_leaves_no_folder),
        cmocka_unit_test(weights_are_drawn_with_their_own_head),
        cmocka_unit_test(val_says_which_network_and_becomes_a_point),
        cmocka_unit_test(gradients_are_seen_early_and_late),
        cmocka_unit_test(gradients_refuse_what_has_none),
        cmocka_unit_test(activations_print_the_example),
    };
    return cmocka_run_group_tests_name("cli_figure", tests, folder_enter, folder_remove);
}
