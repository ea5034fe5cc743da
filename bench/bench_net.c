/* Milliseconds of one network, node by node, with random weights: what docs/notebook quotes.
 *
 *   bench_net MODEL [--size N] [--batch N] [--threads N] [--rounds N] [--exact] [--train] [--nodes]
 *                 [--precision fp32|bf16|int8]
 *
 * The deployed form forward, or with --train the training form forward and backward; --train --nodes has three times a
 * convolution: forward, gradient of its source, gradient of its weights. With one thread the times are processor
 * seconds, which leave out the time slices of other programs. The median and the fastest of the rounds. */
#include "core/clock.h"
#include "core/cpu.h"
#include "core/mem.h"
#include "core/rng.h"
#include "core/terminal.h"
#include "graph/net.h"
#include "graph/op_rules.h"
#include "model/model.h"
#include "ops/conv2d.h"
#include "ops/cpu.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *model;
    int size, batch, threads, rounds;
    bool exact, train, nodes;
    enum precision precision;
};

enum { PASSES = 3 }; /* forward, maps' gradients (all of them but for convolutions), weights' gradients */

struct kind {
    const char *name;
    double flops, seconds, fastest, pass[PASSES]; /* pass: median seconds of each */
    int count;
};

static double now(const struct arguments *a)
{
    return a->threads == 1 ? clock_cpu_seconds() : clock_seconds();
}

static void random_params(const struct graph *g, float *params)
{
    struct rng r = rng_seed(3, 0, 0);
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        double scale = 0.1, offset = 0;
        if (p->role == PARAM_WEIGHT)
            scale = 1.6 / sqrt((double)(p->count / (size_t)p->shape[0]));
        else if (p->role == PARAM_GAMMA || p->role == PARAM_VAR)
            offset = 1;
        for (size_t k = 0; k < p->count; k++)
            params[p->first + k] = (float)(offset + scale * rng_uniform(&r) * (p->role == PARAM_VAR ? 1 : 1.7) -
                                           (p->role == PARAM_VAR ? 0 : scale * 0.85));
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The passes of one node alone, after a whole pass: its memory may hold anything then, which its time does not depend
 * on. */
static void time_passes(const struct arguments *a, const struct call *from, float *scratch, double *times)
{
    const struct op_impl *op = cpu_backend.ops[from->node->op];
    const bool conv = from->node->op == OP_CONV2D;
    struct call c = *from;
    c.scratch = scratch;
    double t = now(a);
    op->forward(&c);
    times[0] = now(a) - t;
    if (!c.d_dst.c)
        return;
    struct call maps = c;
    if (conv)
        memset(maps.d_param, 0, sizeof maps.d_param);
    t = now(a);
    op->backward(&maps);
    times[a->rounds] = now(a) - t;
    c.d_src[0].data = NULL;
    t = now(a);
    if (conv)
        op->backward(&c);
    times[2 * a->rounds] = now(a) - t;
}

/* One round through the calls; adds to times[(node * PASSES + pass) * rounds + round] and returns the whole time. */
static double run_round(const struct arguments *a, struct net *net, float *scratch, double *times, int round)
{
    const struct node_report *reports;
    const int n = net_report(net, &reports);
    const double start = now(a);
    if (a->train) {
        net_forward(net);
        net_backward(net);
        const double seconds = now(a) - start;
        for (int i = 0; i < n && a->nodes; i++)
            time_passes(a, reports[i].call, scratch, times + i * PASSES * a->rounds + round);
        return seconds;
    }
    for (int i = 0; i < n; i++) {
        const struct call *c = reports[i].call;
        const double t = now(a);
        cpu_backend.ops[c->node->op]->forward(c);
        times[i * PASSES * a->rounds + round] = now(a) - t;
    }
    return now(a) - start;
}

static const char *kind_of(const struct call *c)
{
    if (c->node->op != OP_CONV2D)
        return op_name(c->node->op);
    const struct conv_attr *v = &c->node->u.conv;
    if (c->src[0].c == 3)
        return "conv stem";
    if (v->groups > 1)
        return "conv groups";
    if (v->kh == 1 && v->kw == 1)
        return "conv 1x1";
    return v->stride == 1 ? "conv 3x3 s1" : "conv 3x3 s2";
}

static void print_nodes(const struct arguments *a, struct net *net, double *times)
{
    static struct kind kinds[16];
    int n_kinds = 0;
    const struct node_report *reports;
    const int n = net_report(net, &reports);
    for (int i = 0; i < n; i++) {
        const struct call *c = reports[i].call;
        struct extent extent = {c->dst.h, c->dst.w};
        const double flops = graph_node_flops(c->graph, c->node, extent) * c->dst.n;
        double pass[PASSES], seconds = 0, best = 0;
        for (int k = 0; k < PASSES; k++) {
            double *of = times + (i * PASSES + k) * a->rounds;
            qsort(of, (size_t)a->rounds, sizeof *of, compare_doubles);
            seconds += pass[k] = of[a->rounds / 2];
            best += of[0];
        }
        int k = 0;
        while (k < n_kinds && strcmp(kinds[k].name, kind_of(c)))
            k++;
        if (k == n_kinds && n_kinds < COUNT(kinds))
            kinds[n_kinds++] = (struct kind){.name = kind_of(c)};
        kinds[k].flops += flops;
        kinds[k].seconds += seconds;
        kinds[k].fastest += best;
        kinds[k].count++;
        for (int j = 0; j < PASSES; j++)
            kinds[k].pass[j] += pass[j];
        if (!a->nodes)
            continue;
        printf("%-34s %-12s %4dx%-4d %4d->%-4d", c->node->name ? c->node->name : "", kind_of(c), c->dst.h, c->dst.w,
               c->src[0].c, c->dst.c);
        for (int j = 0; j < (a->train ? PASSES : 1); j++)
            printf(" %8.3f ms %5.0f GFLOP/s", pass[j] * 1e3, pass[j] > 0 ? flops / pass[j] * 1e-9 : 0.0);
        printf(" %s\n", c->node->op == OP_CONV2D ? conv2d_variant_name(c) : "");
    }
    double fastest = 0;
    for (int k = 0; k < n_kinds && a->train; k++)
        printf("  %-12s %4d nodes %6.2f GFLOP, median %8.2f ms = forward %7.2f (%4.0f GFLOP/s) + maps %7.2f (%4.0f) + "
               "weights %7.2f (%4.0f)\n",
               kinds[k].name, kinds[k].count, kinds[k].flops * 1e-9, kinds[k].seconds * 1e3, kinds[k].pass[0] * 1e3,
               kinds[k].flops / kinds[k].pass[0] * 1e-9, kinds[k].pass[1] * 1e3,
               kinds[k].flops / kinds[k].pass[1] * 1e-9, kinds[k].pass[2] * 1e3,
               kinds[k].flops / kinds[k].pass[2] * 1e-9);
    for (int k = 0; k < n_kinds && !a->train; fastest += kinds[k++].fastest)
        printf("  %-12s %4d nodes %6.2f GFLOP, median %8.2f ms %4.0f GFLOP/s, fastest %8.2f ms %4.0f GFLOP/s\n",
               kinds[k].name, kinds[k].count, kinds[k].flops * 1e-9, kinds[k].seconds * 1e3,
               kinds[k].flops / kinds[k].seconds * 1e-9, kinds[k].fastest * 1e3,
               kinds[k].flops / kinds[k].fastest * 1e-9);
    if (!a->train)
        printf("  sum of the fastest of each node: %.2f ms\n", fastest * 1e3);
}

static size_t most_scratch(struct net *net)
{
    const struct node_report *reports;
    const int n = net_report(net, &reports);
    size_t most = 16;
    for (int i = 0; i < n; i++)
        most = MAX(most, MAX(reports[i].call->scratch_floats, reports[i].call->d_scratch_floats));
    return most;
}

/* Ranges of what each convolution reads, from one image: good enough for times. */
static void observe(void *context, const struct call *call)
{
    struct graph *g = context;
    const struct tensor *t = &call->src[0];
    float low = 0, high = 1e-3f;
    if (call->node->op != OP_CONV2D)
        return;
    for (int i = 0; i < t->n * t->h * t->w; i++) {
        for (int c = 0; c < t->c; c++) {
            const float x = tensor_pixel(t, i / (t->h * t->w), 0, i % (t->h * t->w))[c];
            low = fminf(low, x);
            high = fmaxf(high, x);
        }
    }
    const float scale = (high - low) / 255;
    g->nodes[call->node - g->nodes].u.conv.quant = (struct conv_quant){true, scale, (int)lrintf(-low / scale)};
}

static enum status calibrate(struct graph *g, float *params, const struct arguments *a)
{
    enum status rc = OK;
    struct net *net = NULL;
    TRY_CLEAN(net_create(g, params, NULL,
                         &(struct net_config){.backend = &cpu_backend, .mode = RUN_INFER, .as_given = true}, &net));
    TRY_CLEAN(net_plan(net, 1, a->size, a->size));
    struct tensor image = net_input(net);
    struct rng r = rng_seed(1, 2, 3);
    for (size_t i = 0; i < image.image_stride; i++)
        image.data[i] = (float)rng_uniform(&r);
    net_set_observer(net, observe, g);
    net_forward(net);
cleanup:
    net_destroy(net);
    return rc;
}

static enum status bench(const struct arguments *a)
{
    enum status rc = OK;
    struct table table = {0};
    struct graph training = {0}, deployed = {0}, *g = &training;
    struct team *team = NULL;
    struct net *net = NULL;
    float *params = NULL, *d_params = NULL, *scratch = NULL;
    double *times = NULL, *whole = NULL;
    struct model_options options;
    model_options_init(&options);
    TRY_CLEAN(table_open(a->model, &table));
    TRY_CLEAN(model_build(&table, &options, &training, NULL));
    if (!a->train) {
        TRY_CLEAN(model_deploy(&table, &training, &deployed));
        g = &deployed;
    }
    TRY_CLEAN(team_create(a->threads, &team));
    params = mem_calloc(g->param_floats + 16, sizeof *params);
    d_params = mem_calloc(g->param_floats + 16, sizeof *d_params);
    struct net_config config = {.backend = &cpu_backend,
                                .team = team,
                                .mode = a->train ? RUN_TRAIN : RUN_INFER,
                                .exact = a->exact,
                                .precision = a->precision};
    random_params(g, params);
    if (a->precision == PRECISION_INT8)
        TRY_CLEAN(calibrate(g, params, a));
    TRY_CLEAN(net_create(g, params, a->train ? d_params : NULL, &config, &net));
    TRY_CLEAN(net_plan(net, a->batch, a->size, a->size));
    struct tensor image = net_input(net);
    struct rng r = rng_seed(1, 2, 3);
    for (size_t i = 0; i < image.image_stride * (size_t)image.n; i++)
        image.data[i] = (float)rng_uniform(&r);
    net_forward(net); /* packs */
    if (a->train)
        for (int k = 0; k < g->n_branches; k++) {
            struct head_output h = net_output(net, k);
            for (size_t i = 0; i < h.image_stride * (size_t)h.n; i++)
                h.d_logits[i] = (float)(rng_uniform(&r) - 0.5);
        }
    scratch = mem_alloc(most_scratch(net), sizeof *scratch);
    times = mem_calloc((size_t)(g->n_nodes + 64) * (size_t)a->rounds * PASSES, sizeof *times);
    whole = mem_calloc((size_t)a->rounds, sizeof *whole);
    for (int i = 0; i < a->rounds; i++)
        whole[i] = run_round(a, net, scratch, times, i);
    qsort(whole, (size_t)a->rounds, sizeof *whole, compare_doubles);
    printf("%s %d, batch %d, %d thread(s), %s%s%s%s: median %.2f ms, fastest %.2f ms; arena %.1f MB, packed %.1f MB\n",
           a->model, a->size, a->batch, a->threads, cpu_level(cpu_features()), a->exact ? ", exact" : "",
           a->train ? ", forward and backward" : "",
           a->precision == PRECISION_BF16   ? ", bf16"
           : a->precision == PRECISION_INT8 ? ", int8"
                                            : "",
           whole[a->rounds / 2] * 1e3, whole[0] * 1e3, (double)net_arena_bytes(net) * 1e-6,
           (double)net_packed_bytes(net) * 1e-6);
    if (!a->train || a->nodes)
        print_nodes(a, net, times);
cleanup:
    mem_free(times);
    mem_free(whole);
    net_destroy(net);
    mem_free(params);
    mem_free(d_params);
    mem_free(scratch);
    team_destroy(team);
    graph_free(&deployed);
    graph_free(&training);
    table_free(&table);
    return rc;
}

int main(int argc, char **argv)
{
    log_set_sink(terminal_log, NULL);
    struct arguments a = {.size = 640, .batch = 1, .threads = 1, .rounds = 9};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--exact"))
            a.exact = true;
        else if (!strcmp(argv[i], "--train"))
            a.train = true;
        else if (!strcmp(argv[i], "--nodes"))
            a.nodes = true;
        else if (argv[i][0] != '-')
            a.model = argv[i];
        else {
            int n = atoi(value);
            i++;
            if (!strcmp(argv[i - 1], "--precision") && (!strcmp(value, "bf16") || !strcmp(value, "int8")))
                a.precision = value[0] == 'b' ? PRECISION_BF16 : PRECISION_INT8;
            else if (!strcmp(argv[i - 1], "--size") && n > 0)
                a.size = n;
            else if (!strcmp(argv[i - 1], "--batch") && n > 0)
                a.batch = n;
            else if (!strcmp(argv[i - 1], "--threads") && n > 0)
                a.threads = n;
            else if (!strcmp(argv[i - 1], "--rounds") && n > 0)
                a.rounds = n;
            else
                a.model = NULL, i = argc;
        }
    }
    if (!a.model) {
        fprintf(stderr, "usage: bench_net MODEL [--size N] [--batch N] [--threads N] [--rounds N] [--exact] [--train] "
                        "[--nodes] [--precision bf16|int8]\n");
        return 2;
    }
    if (bench(&a) != OK) {
        fprintf(stderr, "%s\n", fail_text());
        return 1;
    }
    return 0;
}
