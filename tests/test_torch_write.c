/* Files for PyTorch: read back by our own reader to the same numbers, and by torch.load, where Python has torch. */
#include "core/file.h"
#include "support/folder.h"
#include "support/programs.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char free_table[] = "nc: 3\nbackbone:\n"
                                 "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                 "  - [-1, 1, RepNCSPELAN4, [16, 16, 8, 1]]\n"
                                 "head:\n"
                                 "  - [[0, 1], 1, DDetect, [nc]]\n";

static const char anchor_table[] = "nc: 2\nanchors: [[19,27, 44,40], [96,68, 86,152]]\nbackbone:\n"
                                   "  - [-1, 1, ReOrg, []]\n"
                                   "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                   "  - [-1, 1, RepConv, [8, 3, 1]]\n"
                                   "  - [-1, 1, DownC, [16]]\n"
                                   "head:\n"
                                   "  - [[2, 3], 1, IDetect, [nc, anchors]]\n";

static void draw(const char *cfg, struct weights *w)
{
    assert_ok(weights_random(cfg, 0, 7, w));
    w->img_h = 320;
    w->img_w = 480;
}

/* Equal: every parameter, or nearly where they went through 16 bits. */
static void compare(const struct weights *a, const struct weights *b, double relative)
{
    assert_int_equal(a->training.n_params, b->training.n_params);
    for (int i = 0; i < a->training.n_params; i++) {
        const struct param *p = &a->training.params[i], *q = &b->training.params[i];
        assert_string_equal(p->name, q->name);
        for (size_t k = 0; k < p->count; k++) {
            const double x = (double)a->params[p->first + k], y = (double)b->params[q->first + k];
            assert_true(fabs(x - y) <= relative * fabs(x) + (relative > 0 ? 1e-7 : 0));
        }
    }
    assert_int_equal(a->nc, b->nc);
    for (int k = 0; k < a->nc; k++)
        assert_string_equal(a->names[k], b->names[k]);
    assert_int_equal(b->img_h, 320);
    assert_int_equal(b->img_w, 480);
    for (int l = 0; l < MAX_LEVELS; l++)
        for (int i = 0; i < a->training.head.n_anchors; i++)
            assert_memory_equal(a->training.head.anchor[l][i], b->training.head.anchor[l][i], sizeof(float[2]));
}

static void there_and_back(const char *table, bool half)
{
    struct weights w = {0}, back = {0};
    assert_ok(file_write(folder_path("mini.yaml"), table, strlen(table)));
    draw(folder_path("mini.yaml"), &w);
    if (w.training.head.kind == HEAD_ANCHORS) /* anchors that the table does not have */
        w.training.head.anchor[1][0][0] = 77.3f;
    assert_ok(weights_save_torch(folder_path("mini.pt"), &w, half));
    assert_ok(weights_load(folder_path("mini.pt"), folder_path("mini.yaml"), &back, NULL));
    compare(&w, &back, half ? 1e-3 : 0);
    weights_free(&w);
    weights_free(&back);
}

static void our_reader_gives_the_same_numbers(void **state)
{
    (void)state;
    there_and_back(free_table, false);
    there_and_back(anchor_table, false);
}

static void halves_are_rounded_once(void **state)
{
    (void)state;
    there_and_back(free_table, true);
    there_and_back(anchor_table, true);
}

static void equal_weights_give_equal_bytes(void **state)
{
    (void)state;
    struct weights w = {0};
    struct buf bytes[2] = {{0}};
    assert_ok(file_write(folder_path("mini.yaml"), free_table, sizeof free_table - 1));
    draw(folder_path("mini.yaml"), &w);
    for (int i = 0; i < 2; i++) {
        assert_ok(weights_save_torch(folder_path(i ? "b.pt" : "a.pt"), &w, false));
        assert_ok(file_read(folder_path(i ? "b.pt" : "a.pt"), 1 << 26, &bytes[i]));
    }
    assert_int_equal(bytes[0].size, bytes[1].size);
    assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].size);
    buf_free(&bytes[0]);
    buf_free(&bytes[1]);
    weights_free(&w);
}

/* No --cfg: the network is found by the official names. */
static void a_built_in_network_is_found(void **state)
{
    (void)state;
    struct weights w = {0}, back = {0};
    draw("gelan-t", &w);
    assert_ok(weights_save_torch(folder_path("t.pt"), &w, false));
    assert_ok(weights_load(folder_path("t.pt"), NULL, &back, NULL));
    assert_string_equal(back.table.name, "gelan-t");
    compare(&w, &back, 0);
    weights_free(&w);
    weights_free(&back);
}

static void what_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct weights w = {0};
    struct file_map map;
    assert_ok(file_write(folder_path("mini.yaml"), free_table, sizeof free_table - 1));
    draw(folder_path("mini.yaml"), &w);
    w.params[w.training.params[0].first] = 70000;
    assert_int_equal(weights_save_torch(folder_path("no.pt"), &w, true), E_NUMERIC);
    assert_ok(weights_deploy(&w));
    weights_drop_training(&w);
    assert_int_equal(weights_save_torch(folder_path("no.pt"), &w, false), E_ARGUMENT);
    assert_non_null(strstr(fail_text(), "folded"));
    assert_int_equal(file_map_open(folder_path("no.pt"), &map), E_IO);
    weights_free(&w);
}

/* Names, shapes and a sum of all numbers, as torch sees them; weights_only, where this version knows it. */
static const char program[] =
    "import sys, json, inspect, torch\n"
    "only = {'weights_only': True} if 'weights_only' in inspect.signature(torch.load).parameters else {}\n"
    "c = torch.load(sys.argv[1], **only)\n"
    "s = c['model']\n"
    "print(json.dumps({'names': [c['names'][i] for i in range(c['nc'])], 'imgsz': list(c['imgsz']),\n"
    "                  'tensors': len(s), 'counter': s['model.0.bn.num_batches_tracked'].item(),\n"
    "                  'sum': sum(t.double().abs().sum().item() for t in s.values())}))\n";

static void torch_reads_it(void **state)
{
    (void)state;
    char command[512];
    struct weights w = {0};
    double sum = 0;
    int counters = 0;
    const char *python = program_python("torch");
    if (!python)
        skip();
    assert_ok(file_write(folder_path("mini.yaml"), free_table, sizeof free_table - 1));
    assert_ok(file_write(folder_path("read.py"), program, sizeof program - 1));
    draw(folder_path("mini.yaml"), &w);
    assert_ok(weights_save_torch(folder_path("mini.pt"), &w, false));
    snprintf(command, sizeof command, "%s %s/read.py %s/mini.pt", python, folder, folder);
    json_t *said = program_json(command);
    assert_non_null(said);
    for (int i = 0; i < w.training.n_params; i++) {
        const struct param *p = &w.training.params[i];
        counters += p->role == PARAM_VAR;
        for (size_t k = 0; k < p->count; k++)
            sum += fabs((double)w.params[p->first + k]);
    }
    assert_int_equal(json_integer_value(json_object_get(said, "tensors")), w.training.n_params + counters);
    assert_int_equal(json_array_size(json_object_get(said, "names")), w.nc);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(said, "imgsz"), 1)), 480);
    assert_true(fabs(json_real_value(json_object_get(said, "sum")) - sum) <= 1e-9 * sum);
    json_decref(said);
    weights_free(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_reader_gives_the_same_numbers), cmocka_unit_test(halves_are_rounded_once),
        cmocka_unit_test(equal_weights_give_equal_bytes),    cmocka_unit_test(a_built_in_network_is_found),
        cmocka_unit_test(what_cannot_be_written_is_said),    cmocka_unit_test(torch_reads_it),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
