#include "support/runtimes.h"

#include "core/file.h"
#include "core/path.h"
#include "detect/decode.h"
#include "model/model.h"
#include "support/golden.h"
#include "support/programs.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *runtime_name(enum runtime runtime)
{
    return runtime == OPENCV ? "OpenCV" : "ONNX Runtime";
}

bool runtimes_begin(struct runtimes *w, enum runtime runtime)
{
    *w = (struct runtimes){0};
    if (runtime == ONNXRUNTIME ? !program_onnxruntime(w->npm, sizeof w->npm)
                               : !(w->python = program_python("cv2 numpy")))
        return false;
    program_folder(w->folder, sizeof w->folder);
    w->jobs = json_array();
    return true;
}

void runtimes_end(struct runtimes *w)
{
    json_decref(w->jobs);
    program_remove(w->folder);
}

char *runtimes_file(const struct runtimes *w, const char *name)
{
    char *path = path_join(w->folder, name);
    assert_non_null(path);
    return path;
}

json_t *runtimes_model(struct runtimes *w, const char *model)
{
    char *path = runtimes_file(w, model);
    json_t *runs = json_array();
    json_array_append_new(w->jobs, json_pack("{s:s, s:o}", "model", path, "runs", runs));
    mem_free(path);
    return runs;
}

void runtimes_add(struct runtimes *w, json_t *runs, const char *name, const float *x, const int dims[4],
                  const char *const *outputs)
{
    char input[128], path[256];
    snprintf(input, sizeof input, "%s/%s.input", w->folder, name);
    size_t count = (size_t)dims[0] * (size_t)dims[1] * (size_t)dims[2] * (size_t)dims[3];
    assert_int_equal(file_write(input, x, count * sizeof *x), OK);
    json_t *wanted = json_object();
    for (; *outputs; outputs++) {
        snprintf(path, sizeof path, "%s/%s.%s", w->folder, name, *outputs);
        json_object_set_new(wanted, *outputs, json_string(path));
    }
    json_array_append_new(runs, json_pack("{s:s, s:[iiii], s:o}", "input", input, "dims", dims[0], dims[1], dims[2],
                                          dims[3], "outputs", wanted));
}

void runtimes_run(const struct runtimes *w, enum runtime runtime)
{
    char command[8192], *jobs = runtimes_file(w, "jobs.json");
    assert_int_equal(json_write_file(jobs, w->jobs, 0), OK);
    if (runtime == ONNXRUNTIME)
        snprintf(command, sizeof command, "Y9_NPM='%s' node '%s/tests/export/onnxruntime.js' %s", w->npm, Y9_SOURCE_DIR,
                 jobs);
    else
        snprintf(command, sizeof command, "%s '%s/tests/export/opencv.py' %s", w->python, Y9_SOURCE_DIR, jobs);
    json_t *report = program_json(command);
    if (!report)
        fail_msg("%s does not run the exported files", runtime_name(runtime));
    json_decref(report);
    mem_free(jobs);
}

struct buf runtimes_result(const struct runtimes *w, const char *name, const char *output)
{
    char path[256];
    struct buf bytes = {0};
    snprintf(path, sizeof path, "%s/%s.%s", w->folder, name, output);
    assert_int_equal(file_read(path, 1 << 28, &bytes), OK);
    return bytes;
}

/* --- errors --- */

void errors_decoded(const float *ours, const float *theirs, int anchors, int nc, struct errors *e)
{
    for (int a = 0; a < anchors; a++) {
        const float *row = ours + (size_t)a * (size_t)(4 + nc);
        double best = 0, box = 0;
        for (int k = 0; k < 4 + nc; k++) {
            double error = fabs((double)row[k] - (double)theirs[(size_t)k * (size_t)anchors + (size_t)a]);
            error = isnan(error) ? INFINITY : error;
            if (k < 4)
                box = MAX(box, error);
            else
                e->score = MAX(e->score, error);
            if (k >= 4)
                best = MAX(best, (double)row[k]);
        }
        e->box = MAX(e->box, box);
        if (best > 0.25) {
            e->sure_box = MAX(e->sure_box, box);
            e->sure++;
        }
        e->best = MAX(e->best, best);
    }
}

void errors_check(const char *what, const struct errors *e, double score, double box, double sure_box)
{
    print_message("%-28s scores %.2g, boxes %.2g px, %.2g px of %d above 0.25\n", what, e->score, e->box, e->sure_box,
                  e->sure);
    assert_true(e->best > 0.01);
    assert_true(e->score <= score);
    assert_true(e->box <= box);
    assert_true(e->sure_box <= sure_box);
}

/* --- our own output --- */

void net_open(struct net_under_test *n, const char *source, const char *text)
{
    struct bench training = {0};
    struct model_options options;
    *n = (struct net_under_test){0};
    model_options_init(&options);
    enum status rc = text ? table_read(text, strlen(text), source, &n->table) : table_open(source, &n->table);
    if (rc != OK || model_build(&n->table, &options, &training.graph, NULL) != OK || bench_init(&training) != OK ||
        model_deploy(&n->table, &training.graph, &n->bench.graph) != OK)
        fail_msg("%s: %s", source, fail_text());
    bench_generate(&training, 1, 2.0);
    assert_int_equal(bench_evaluate(&training, &n->bench), OK);
    bench_free(&training);
    n->names = mem_alloc((size_t)n->bench.graph.head.nc, sizeof *n->names);
    assert_non_null(n->names);
    for (int k = 0; k < n->bench.graph.head.nc; k++)
        n->names[k] = "thing";
    assert_int_equal(bench_net(&n->bench, RUN_INFER, NULL, 0), OK);
}

void net_close(struct net_under_test *n)
{
    mem_free(n->names);
    bench_free(&n->bench);
    table_free(&n->table);
}

struct onnx_options net_export_options(const struct net_under_test *n, int h, int w)
{
    return (struct onnx_options){
        .n = 1, .h = h, .w = w, .opset = ONNX_OPSET, .model = n->table.name, .names = n->names};
}

void net_export(const struct runtimes *w, const struct net_under_test *n, const struct onnx_options *o,
                const char *name)
{
    char *path = runtimes_file(w, name);
    if (onnx_write(path, &n->bench.graph, n->bench.params, o) != OK)
        fail_msg("%s: %s", n->table.name, fail_text());
    mem_free(path);
}

float *net_draw_input(const int dims[4])
{
    size_t count = (size_t)dims[0] * (size_t)dims[1] * (size_t)dims[2] * (size_t)dims[3];
    float *x = mem_alloc(count, sizeof *x);
    assert_non_null(x);
    golden_uniform(3, "images", 0, 1, x, count);
    return x;
}

void net_compare(struct net_under_test *n, const int dims[4], const float *x, const struct buf *theirs,
                 struct errors *e)
{
    if (net_plan(n->bench.net, dims[0], dims[2], dims[3]) != OK)
        fail_msg("%s", fail_text());
    struct tensor input = net_input(n->bench.net);
    golden_to_tensor(x, &input);
    net_forward(n->bench.net);
    struct head_output head = net_output(n->bench.net, 0);
    int nc = n->bench.graph.head.nc, rows = head_rows(&head), width = head_row_width(head.head);
    size_t count = (size_t)rows * (size_t)(4 + nc);
    float *ours = mem_alloc(count, sizeof *ours), *decoded_rows = mem_alloc((size_t)rows, (size_t)width * sizeof *ours);
    assert_non_null(ours);
    assert_non_null(decoded_rows);
    assert_int_equal(theirs->size, (size_t)dims[0] * count * sizeof *ours);
    for (int i = 0; i < dims[0]; i++) {
        decode_image(&head, i, decoded_rows);
        for (int r = 0; r < rows; r++) { /* a score a class, objectness and all */
            const float *row = decoded_rows + (size_t)r * (size_t)width;
            float *to = ours + (size_t)r * (size_t)(4 + nc);
            memcpy(to, row, 4 * sizeof *to);
            for (int k = 0; k < nc; k++)
                to[4 + k] = head_row_score(head.head, row, k);
        }
        errors_decoded(ours, (const float *)(const void *)theirs->data + (size_t)i * count, rows, nc, e);
    }
    mem_free(ours);
    mem_free(decoded_rows);
}

const char unusual_table[] = "nc: 3\nactivation: nn.ReLU()\nbackbone:\n"
                             "  - [-1, 1, Silence, []]\n"
                             "  - [-1, 1, Conv, [16, 3, 2]]\n"
                             "  - [0, 1, Conv, [16, 3, 3, None, 1, 1, nn.LeakyReLU(0.1)]]\n"
                             "  - [-1, 1, CBLinear, [[24, 16]]]\n"
                             "  - [[3, 1], 1, CBFuse, [[1]]]\n"
                             "  - [-1, 1, BottleneckCSP, [24]]\n"
                             "  - [-1, 1, CBLinear, [[16]]]\n"
                             "  - [[6, 2], 1, CBFuse, [[0]]]\n"
                             "  - [-1, 1, CBLinear, [[32]]]\n"
                             "  - [5, 1, Conv, [32, 3, 2, None, 1, 1, nn.ReLU6()]]\n"
                             "  - [-1, 1, Conv, [32, 3, 2, None, 1, 1, nn.Hardswish()]]\n"
                             "  - [[8, -1], 1, CBFuse, [[0]]]\n"
                             "  - [-1, 1, nn.GELU, []]\n"
                             "  - [-1, 1, ADown, [32]]\n"
                             "  - [-1, 1, ADown, [32]]\n"
                             "  - [-1, 1, nn.ReLU, []]\n"
                             "head:\n"
                             "  - [[12, 13, 15], 1, DDetect, [nc]]\n";
