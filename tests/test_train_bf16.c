/* Training in bf16: gradients of a whole network beside those of float32, the same bits for any number of threads and
 * after a cut, and its refusal where no instruction multiplies bf16. */
#include "support/folder.h"
#include "support/programs.h"
#include "support/shared.h"
#include "support/unit.h"

#include "core/cpu.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/rng.h"
#include "graph/net.h"
#include "kernels/bf16_inline.h"
#include "model/model.h"
#include "ops/conv2d.h"
#include "ops/cpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its products are of bf16: the name of the kernel begins with that, of others the instruction set may end with it. */
static bool by_bf16(const struct call *c)
{
    return strncmp(conv2d_variant_name(c), "bf16", 4) == 0;
}

/* --- a convolution: with factors that bf16 holds, what bf16 makes is what float32 makes --- */

struct shape {
    int ic, oc, k, stride, groups, h, w;
};

/* One pass forward and backward with everything in fresh memory: dst, d_src and d_weights, one after another. */
struct conv_run {
    size_t src, dst, weights; /* floats */
    float *memory;            /* src, d_dst, weights, then the results dst, d_src, d_weights */
};

static void conv_run(struct conv_run *r, const struct shape *s, enum precision precision, int threads)
{
    const int oh = (s->h - 1) / s->stride + 1, ow = (s->w - 1) / s->stride + 1, n = 2;
    struct team *team = NULL;
    struct node node = {.op = OP_CONV2D,
                        .name = "test",
                        .n_src = 1,
                        .u.conv = {.oc = s->oc,
                                   .kh = s->k,
                                   .kw = s->k,
                                   .stride = s->stride,
                                   .pad = s->k / 2,
                                   .dilation = 1,
                                   .groups = s->groups,
                                   .act = ACT_NONE}};
    struct rng rng = rng_seed(83, 0, 0);
    const size_t image = (size_t)(s->h * s->w * s->ic), d_image = (size_t)(oh * ow * s->oc);
    r->src = image * (size_t)n;
    r->dst = d_image * (size_t)n;
    r->weights = (size_t)(s->oc * (s->ic / s->groups) * s->k * s->k);
    const size_t inputs = r->src + r->dst + r->weights;
    r->memory = mem_calloc(2 * inputs, sizeof(float));
    for (size_t i = 0; i < inputs; i++)
        r->memory[i] = bf16_value(bf16_of((float)rng_normal(&rng)));
    float *const d_dst = r->memory + r->src, *const w = d_dst + r->dst, *const dst = w + r->weights;
    const struct tensor src = {r->memory, n, s->h, s->w, s->ic, (size_t)s->ic, image, ELEMENT_FLOAT};
    struct call c = {.node = &node, .src = {src}, .param = {w}, .d_param = {dst + r->dst + r->src}, .add = {true}};
    c.options = (struct plan_options){.mode = RUN_TRAIN,
                                      .exact = true, /* not by Winograd, which would be float32's in either case */
                                      .precision = precision,
                                      .features = cpu_features(),
                                      .threads = threads};
    c.dst = (struct tensor){dst, n, oh, ow, s->oc, (size_t)s->oc, d_image, ELEMENT_FLOAT};
    c.d_dst = c.dst;
    c.d_dst.data = d_dst;
    c.d_src[0] = src;
    c.d_src[0].data = dst + r->dst;
    assert_int_equal(team_create(threads, &team), OK);
    c.team = team;
    assert_int_equal(cpu_conv2d.plan(&c), OK);
    for (int i = 0; i < 2; i++)
        c.packed[i] = mem_alloc(c.packed_floats[i], sizeof(float));
    c.scratch = mem_alloc(MAX(c.scratch_floats, c.d_scratch_floats), sizeof(float));
    cpu_conv2d.pack(&c);
    cpu_conv2d.forward(&c);
    cpu_conv2d.backward(&c);
    assert_true((precision == PRECISION_BF16) == by_bf16(&c));
    mem_free(c.packed[0]);
    mem_free(c.packed[1]);
    mem_free(c.scratch);
    team_destroy(team);
}

static void convolutions_are_equal(void **state)
{
    (void)state;
    static const struct shape shapes[] = {{32, 48, 1, 1, 1, 9, 13},  {64, 32, 3, 2, 1, 17, 12}, {16, 16, 3, 1, 1, 5, 7},
                                          {64, 96, 3, 1, 2, 8, 9},   {48, 20, 1, 1, 1, 3, 5},   {18, 34, 3, 2, 1, 8, 8},
                                          {160, 64, 1, 1, 1, 20, 20}};
    for (int i = 0; i < COUNT(shapes); i++) {
        struct conv_run exact, bf16, shared;
        conv_run(&exact, &shapes[i], PRECISION_FP32, 1);
        conv_run(&bf16, &shapes[i], PRECISION_BF16, 1);
        conv_run(&shared, &shapes[i], PRECISION_BF16, 3);
        const size_t results = exact.src + exact.dst + exact.weights;
        double size = 0;
        for (size_t k = results; k < 2 * results; k++)
            size = fmax(size, fabs((double)exact.memory[k]));
        for (size_t k = results; k < 2 * results; k++) {
            const double error = fabs((double)exact.memory[k] - (double)bf16.memory[k]);
            if (!(error <= 2e-6 * size))
                fail_msg("shape %d, number %zu of %zu: %g instead of %g", i, k - results, results,
                         (double)bf16.memory[k], (double)exact.memory[k]);
        }
        assert_memory_equal(bf16.memory, shared.memory, 2 * results * sizeof(float));
        mem_free(exact.memory);
        mem_free(bf16.memory);
        mem_free(shared.memory);
    }
}

/* --- gradients of a network --- */

struct network {
    struct table table;
    struct graph graph;
    float *params;
};

static void network_make(struct network *n, const char *name)
{
    struct model_options options;
    struct rng r = rng_seed(81, 0, 0);
    *n = (struct network){0};
    model_options_init(&options);
    assert_int_equal(table_open(name, &n->table), OK);
    assert_int_equal(model_build(&n->table, &options, &n->graph, NULL), OK);
    n->params = mem_calloc(n->graph.param_floats + 16, sizeof(float));
    for (int i = 0; i < n->graph.n_params; i++) {
        const struct param *p = &n->graph.params[i];
        const double scale = p->role == PARAM_WEIGHT ? 1.4 / sqrt((double)(p->count / (size_t)p->shape[0])) : 0;
        for (size_t k = 0; k < p->count; k++)
            n->params[p->first + k] = p->role == PARAM_WEIGHT ? (float)(scale * rng_normal(&r)) : 1;
    }
}

static void network_free(struct network *n)
{
    mem_free(n->params);
    graph_free(&n->graph);
    table_free(&n->table);
}

/* The convolutions whose forward pass multiplies bf16. */
static int count_bf16(struct net *net)
{
    const struct node_report *reports;
    const int n = net_report(net, &reports);
    int count = 0;
    for (int i = 0; i < n; i++)
        count += reports[i].node->op == OP_CONV2D && by_bf16(reports[i].call);
    return count;
}

/* Parameter gradients of one step on two images, in fresh memory; random gradients stand in place of a loss. */
static float *gradients(struct network *n, enum precision precision, int threads, int *convolutions)
{
    struct rng r = rng_seed(82, 0, 0);
    struct team *team = NULL;
    struct net *net = NULL;
    float *params = mem_alloc(n->graph.param_floats, sizeof *params); /* running statistics change */
    float *d_params = mem_calloc(n->graph.param_floats, sizeof *d_params);
    memcpy(params, n->params, n->graph.param_floats * sizeof *params);
    assert_int_equal(team_create(threads, &team), OK);
    const struct net_config config = {.backend = &cpu_backend, .team = team, .mode = RUN_TRAIN, .precision = precision};
    assert_int_equal(net_create(&n->graph, params, d_params, &config, &net), OK);
    assert_int_equal(net_plan(net, 4, 128, 160), OK);
    const struct tensor image = net_input(net);
    for (size_t i = 0; i < image.image_stride * 2; i++)
        image.data[i] = (float)rng_uniform(&r);
    net_forward(net);
    for (int b = 0; b < n->graph.n_branches; b++) {
        const struct head_output out = net_output(net, b);
        for (int i = 0; i < out.n * out.anchors; i++) {
            float *d =
                out.d_logits + (size_t)(i / out.anchors) * out.image_stride + (size_t)(i % out.anchors) * out.stride;
            for (int k = 0; k < out.channels; k++)
                d[k] = (float)rng_normal(&r);
        }
    }
    net_backward(net);
    *convolutions = count_bf16(net);
    net_destroy(net);
    team_destroy(team);
    mem_free(params);
    return d_params;
}

/* Root mean square of a - b over that of b, of one parameter. */
static double distance(const struct param *p, const float *a, const float *b)
{
    double difference = 0, size = 1e-30;
    for (size_t i = p->first; i < p->first + p->count; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)b[i] * (double)b[i];
    }
    return sqrt(difference / size);
}

static void gradients_are_near(void **state)
{
    (void)state;
    static const char *const names[] = {"yolov9-t", "yolov8n"};
    for (int i = 0; i < COUNT(names); i++) {
        struct network n;
        int none, some, same;
        network_make(&n, names[i]);
        float *exact = gradients(&n, PRECISION_FP32, 1, &none), *bf16 = gradients(&n, PRECISION_BF16, 1, &some);
        float *shared = gradients(&n, PRECISION_BF16, 3, &same);
        double worst = 0, sum = 0;
        int weights = 0;
        for (int k = 0; k < n.graph.n_params; k++) {
            const struct param *p = &n.graph.params[k];
            if (p->role != PARAM_WEIGHT || !param_is_trained(p))
                continue;
            const double d = distance(p, bf16, exact);
            worst = fmax(worst, d);
            sum += d;
            weights++;
        }
        print_message("%s: %d convolutions in bf16; gradients of weights differ by %.4f, at most %.4f\n", names[i],
                      some, sum / weights, worst);
        assert_int_equal(none, 0);
        assert_true(some >= 20);
        assert_true(sum / weights > 1e-5); /* something was rounded */
        assert_true(sum / weights < 0.1); /* of rounding through up to 300 convolutions; it falls with the maps' size */
        assert_true(worst < 0.25);
        assert_memory_equal(bf16, shared, n.graph.param_floats * sizeof *bf16);
        mem_free(exact);
        mem_free(bf16);
        mem_free(shared);
        network_free(&n);
    }
}

/* --- the program --- */

/* Runs yolo9 with these words in the test's folder; its exit code, what it said in *text. */
static int run(const char *environment, const char *words, struct buf *text)
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s; exec 2>&1; env -u Y9_EMULATE %s %s/yolo9 %s", folder, environment,
             Y9_BINARY_DIR, words);
    buf_free(text);
    *text = (struct buf){0};
    return program_run(command, false, text);
}

static void assert_says(const struct buf *text, const char *words)
{
    if (!text->data || !strstr(text->data, words))
        fail_msg("'%s' is not in:\n%s", words, text->data ? text->data : "");
}

#define TRAIN                                                                                                          \
    "train --cfg gelan-t --data set/data.yaml --img 64 --batch 3 --nominal-batch 6 --noplots --project runs --seed 3 " \
    "--precision bf16 "

static void same_files(const char *first, const char *second)
{
    struct buf a = {0}, b = {0};
    assert_int_equal(file_read(folder_path(first), 1 << 30, &a), OK);
    assert_int_equal(file_read(folder_path(second), 1 << 30, &b), OK);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    buf_free(&a);
    buf_free(&b);
}

/* Emulated where there is no instruction, so that this runs everywhere. */
static void a_resumed_run_goes_on(void **state)
{
    (void)state;
    const char *const emulate = "Y9_EMULATE=1";
    struct buf text = {0};
    draw_dataset(folder_path("set"), 9);
    assert_int_equal(run(emulate, TRAIN "--epochs 2 --name whole --threads 1 --workers 0", &text), 0);
    /* killed after its first epoch of two */
    assert_int_equal(run(emulate,
                         TRAIN "--epochs 2 --name cut --threads 2 --save-minutes 0.0001 & p=$!; "
                               "while [ ! -s runs/cut/results.csv ] && kill -0 $p; do sleep 0.01; done; "
                               "kill -9 $p; wait $p; true",
                         &text),
                     0);
    assert_int_equal(run(emulate, "train --resume runs/cut --threads 2", &text), 0);
    same_files("runs/whole/weights/last.safetensors", "runs/cut/weights/last.safetensors");
    struct buf options = {0};
    assert_int_equal(file_read(folder_path("runs/cut/opt.yaml"), 1 << 20, &options), OK);
    assert_says(&options, "precision: bf16");
    buf_free(&options);
    buf_free(&text);
}

static void refused_without_instruction(void **state)
{
    (void)state;
    struct buf text = {0};
    assert_int_equal(run("Y9_CPU=c", TRAIN "--epochs 1 --name refused", &text), 1);
    assert_says(&text, "training in bf16 needs a processor that multiplies bf16 numbers");
    /* so is a run that began elsewhere */
    assert_int_equal(run("Y9_EMULATE=1",
                         TRAIN "--epochs 3 --name begun --save-minutes 0.0001 & p=$!; "
                               "while [ ! -s runs/begun/state.safetensors ] && kill -0 $p; do sleep 0.01; "
                               "done; kill -9 $p; wait $p; true",
                         &text),
                     0);
    assert_int_equal(run("Y9_CPU=c", "train --resume runs/begun", &text), 1);
    assert_says(&text, "training in bf16 needs a processor that multiplies bf16 numbers");
    buf_free(&text);
}

/* Inference runs fp32 in place of bf16, and says so. */
static void inference_never_loses(void **state)
{
    (void)state;
    struct buf text = {0};
    assert_int_equal(run("Y9_CPU=c", "bench --cfg gelan-t --img 32 --runs 1 --precision bf16 --json bench.json", &text),
                     0);
    assert_says(&text, "fp32 runs in place of bf16");
    struct buf json = {0};
    assert_int_equal(file_read(folder_path("bench.json"), 1 << 20, &json), OK);
    json_t *root = json_loadb(json.data, json.size, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(root, "precision")), "fp32");
    assert_string_equal(json_string_value(json_object_get(root, "asked")), "bf16");
    json_decref(root);
    buf_free(&json);
    assert_int_equal(run("Y9_CPU=c Y9_EMULATE=1", "bench --cfg gelan-t --img 32 --runs 1 --precision bf16", &text), 0);
    assert_says(&text, ", bf16, c kernels");
    assert_int_equal(cpu_backend.runs(PRECISION_BF16, CPU_AVX512_BF16 | CPU_AVX512), PRECISION_FP32);
    assert_int_equal(cpu_backend.runs(PRECISION_BF16, CPU_AVX512_BF16 | CPU_BF16_FAST), PRECISION_BF16);
    assert_int_equal(cpu_backend.runs(PRECISION_INT8, 0), PRECISION_INT8);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_are_equal), cmocka_unit_test(gradients_are_near),
        cmocka_unit_test(a_resumed_run_goes_on),  cmocka_unit_test(refused_without_instruction),
        cmocka_unit_test(inference_never_loses),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
