/* yolo9 figure from outside: what a call leaves in its folder, and that val's result is a point of the chart. */
#include "core/buf.h"
#include "core/file.h"
#include "formats/json.h"
#include "support/folder.h"
#include "support/shared.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs yolo9 with these arguments in the test's folder; both streams go to log.txt. */
static int run(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "%s/yolo9 %s >log.txt 2>&1", Y9_BINARY_DIR, arguments);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_log(const char *says)
{
    struct buf text = {0};
    assert_ok(file_read("log.txt", 1 << 20, &text));
    if (!text.data || !strstr(text.data, says))
        fail_msg("'%s', not '%s'", text.data, says);
    buf_free(&text);
}

static void each_call_has_a_folder_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(run("figure network yolov8n --img 96 160"), 0);
    assert_log("runs/figure/exp: network.svg, network.png, network.csv, network.json");
    assert_int_equal(run("figure network yolov7-w6 --img 96"), 0); /* its stride is 64 */
    assert_log("yolov7-w6: counted for 128 x 128");
    assert_log("runs/figure/exp2: ");
    assert_int_equal(access("runs/figure/exp2/network.svg", R_OK), 0);
    assert_int_equal(run("figure network yolov8n --name exp2 --exist-ok --img 64"), 0);
    json_t *root = NULL;
    assert_ok(json_read_file("runs/figure/exp2/network.json", NULL, &root));
    assert_string_equal(json_string_value(json_object_get(root, "model")), "yolov8n");
    json_decref(root);
}

static void a_fault_leaves_no_folder(void **state)
{
    (void)state;
    assert_ok(file_write("bad.csv", "family,model\n", 13));
    assert_int_equal(run("figure models bad.csv --project faults"), 1);
    assert_log("bad.csv:1: there is no column");
    assert_int_equal(run("figure models none.json --project faults"), 1);
    assert_log("none.json: No such file");
    assert_int_not_equal(access("faults", F_OK), 0);
}

static void weights_are_drawn_with_their_own_head(void **state)
{
    (void)state;
    json_t *root = NULL;
    draw_weights("drawn.safetensors");
    assert_int_equal(run("figure network drawn.safetensors --img 64 --name weights"), 0);
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
    assert_int_equal(run("val --weights three.safetensors --data set --img 64 --noplots --no-cache --json val.json"),
                     0);
    assert_int_equal(run("figure models val.json --no-published --bench --runs 1 --threads 1 --name point"), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_has_a_folder_of_its_own),
        cmocka_unit_test(a_fault_leaves_no_folder),
        cmocka_unit_test(weights_are_drawn_with_their_own_head),
        cmocka_unit_test(val_says_which_network_and_becomes_a_point),
    };
    return cmocka_run_group_tests_name("cli_figure", tests, folder_enter, folder_remove);
}
