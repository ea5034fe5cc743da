/* Golden kinds t, list, cbfuse and head: one module, forward and backward, in eval and train mode; and fold and merge,
 * a module before and after deployment. */
#include "model/names.h"
#include "support/bare_module.h"
#include "support/bench.h"
#include "support/golden.h"
#include "support/golden_net.h"

#include <stdio.h>
#include <string.h>

enum { MAX_INPUTS = 32 };

struct module_case {
    struct golden g;
    struct bench bench;
    struct bare_module io;
    int n_inputs, input[MAX_INPUTS];    /* graph values */
    const char *input_name[MAX_INPUTS]; /* "in0", "in1.0" */
    int n_outputs, output[MAX_BRANCHES * MAX_LEVELS + MAX_MAPS];
    int batch;
};

static void close_case(struct module_case *c)
{
    bench_free(&c->bench);
}

/* --- building --- */

static int channels_of(struct golden *g, const char *name)
{
    const struct safetensor *t = golden_tensor(g, name);
    return t && t->rank == 4 ? (int)t->shape[1] : 0;
}

/* Inputs named in<i> or in<i>.<j>: channel counts into io, names into the case. */
static void find_inputs(struct module_case *c)
{
    struct golden *g = &c->g;
    for (int i = 0; i < TABLE_MAX_FROM; i++) {
        const char *single = golden_name(g, "in%d", i);
        struct port *port = &c->io.in[i];
        if (golden_has(g, single)) {
            port->map[port->n++] = channels_of(g, single);
            c->input_name[c->n_inputs++] = single;
        } else {
            for (int j = 0; golden_has(g, golden_name(g, "in%d.%d", i, j)); j++) {
                const char *name = golden_name(g, "in%d.%d", i, j);
                port->map[port->n++] = channels_of(g, name);
                c->input_name[c->n_inputs++] = name;
            }
        }
        if (!port->n)
            break;
        c->io.n_in = i + 1;
    }
}

static bool build(struct module_case *c, bool head)
{
    struct golden *g = &c->g;
    const char *class = golden_text(g, "class");
    json_t *args = golden_json(g, "args");
    if (!class || !args) {
        golden_fault(g, "the case names no class or arguments");
        return false;
    }
    find_inputs(c);
    if (head)
        c->io = (struct bare_module){0};
    if (!golden_ok(g, bare_module_build(class, args, &c->bench.graph, &c->io)) || !golden_ok(g, bench_init(&c->bench)))
        return false;
    if (c->bench.n_inputs != c->n_inputs) {
        golden_fault(g, "the graph has %d inputs, the case %d", c->bench.n_inputs, c->n_inputs);
        return false;
    }
    memcpy(c->input, c->bench.inputs, (size_t)c->n_inputs * sizeof *c->input);
    const struct graph *graph = &c->bench.graph;
    for (int b = 0; b < graph->n_branches; b++)
        for (int l = 0; l < graph->branch[bench_branch(graph, b)].n_levels; l++)
            c->output[c->n_outputs++] = graph->branch[bench_branch(graph, b)].level[l];
    for (int j = 0; j < c->io.out.n; j++)
        c->output[c->n_outputs++] = c->io.out.map[j];
    return true;
}

/* Stored under `prefix`, else generated. */
static void fill_parameters(struct module_case *c, const char *prefix)
{
    struct golden *g = &c->g;
    bench_generate(&c->bench, g->seed, g->bias_offset);
    for (int i = 0; i < c->bench.graph.n_params; i++) {
        const struct param *p = &c->bench.graph.params[i];
        const char *name = golden_name(g, "%s%s", prefix, p->name);
        size_t n;
        const float *stored = golden_has(g, name) ? golden_f32(g, name, &n) : NULL;
        if (stored && n == p->count)
            memcpy(c->bench.params + p->first, stored, n * sizeof *stored);
        else if (stored)
            golden_fault(g, "%s: %zu elements, the graph has %zu", name, n, p->count);
        else if (strcmp(prefix, "param/") && !strcmp(golden_text(g, "section"), "fuse"))
            golden_fault(g, "the case does not store %s", name);
    }
}

/* Plan for the stored inputs and write them. */
static bool feed(struct module_case *c, struct bench *b, const int *input)
{
    struct golden *g = &c->g;
    struct extent extents[MAX_INPUTS];
    for (int i = 0; i < c->n_inputs; i++) {
        const struct safetensor *t = golden_tensor(g, c->input_name[i]);
        if (!t || t->rank != 4)
            return false;
        c->batch = (int)t->shape[0];
        extents[i] = (struct extent){(int)t->shape[2], (int)t->shape[3]};
    }
    if (!golden_ok(g, net_plan_inputs(b->net, c->batch, extents)))
        return false;
    for (int i = 0; i < c->n_inputs; i++) {
        struct tensor t = net_value(b->net, input[i]);
        golden_to_tensor(golden_f32(g, c->input_name[i], NULL), &t);
    }
    return true;
}

/* --- running --- */

static void backward(struct module_case *c, const char *mode)
{
    struct golden *g = &c->g;
    struct bench *b = &c->bench;
    bench_zero_gradients(b);
    for (int i = 0; i < c->n_outputs; i++) {
        const char *name = golden_name(g, "%s/grad_out%d", mode, i);
        const float *gradient = golden_f32(g, name, NULL);
        struct tensor t = net_gradient(b->net, c->output[i]);
        if (!t.data)
            golden_fault(g, "%s: this output takes no gradient", name);
        else if (gradient)
            golden_to_tensor(gradient, &t);
    }
    net_backward(b->net);
    for (int i = 0; i < c->n_inputs; i++) {
        const char *name = golden_name(g, "%s/grad/%s", mode, c->input_name[i]);
        size_t n;
        float *got = bench_gradient(b, c->input[i], &n);
        if (golden_has(g, name) && got)
            golden_compare(g, name, got, n);
        else if (golden_has(g, name))
            golden_fault(g, "%s: no gradient was computed", name);
        mem_free(got);
    }
}

static bool trained(const struct param *p)
{
    return p->role != PARAM_MEAN && p->role != PARAM_VAR && p->role != PARAM_DFL;
}

/* Gradients of parameters, and the running statistics that a training forward leaves. */
static void compare_parameters(struct module_case *c, const char *mode, bool after)
{
    struct golden *g = &c->g;
    for (int i = 0; i < c->bench.graph.n_params; i++) {
        const struct param *p = &c->bench.graph.params[i];
        if (trained(p))
            golden_compare(g, golden_name(g, "%s/grad/%s", mode, p->name), c->bench.d_params + p->first, p->count);
        else if (after && p->role != PARAM_DFL)
            golden_compare(g, golden_name(g, "%s/after/%s", mode, p->name), c->bench.params + p->first, p->count);
    }
}

static void run_mode(struct module_case *c, const char *mode)
{
    struct golden *g = &c->g;
    bool train = !strcmp(mode, "train");
    fill_parameters(c, "param/");
    if (!golden_ok(g, bench_net(&c->bench, train ? RUN_TRAIN : RUN_EVAL_GRAD, c->output, c->n_outputs)) ||
        !feed(c, &c->bench, c->input))
        return;
    net_forward(c->bench.net);
    for (int i = 0; i < c->n_outputs; i++)
        bench_compare(g, &c->bench, c->output[i], golden_name(g, "%s/out%d", mode, i));
    if (golden_has(g, golden_name(g, "%s/out%d", mode, c->n_outputs)))
        golden_fault(g, "the module has %d outputs, the case more", c->n_outputs);
    backward(c, mode);
    compare_parameters(c, mode, train);
}

/* The deployed form must say what the training form says in eval mode. */
static void run_deployed(struct module_case *c)
{
    struct golden *g = &c->g;
    struct bench deployed;
    if (c->n_outputs != 1 || c->n_inputs != 1)
        return; /* a deployed bare module has one input and its last value as output */
    fill_parameters(c, "param/");
    if (golden_ok(g, bench_deploy(&c->bench, &deployed, names_merge, NULL)) &&
        golden_ok(g, bench_net(&deployed, RUN_INFER, (int[]){deployed.graph.n_values - 1}, 1)) &&
        feed(c, &deployed, deployed.inputs)) {
        net_forward(deployed.net);
        bench_compare(g, &deployed, deployed.graph.n_values - 1, "eval/out0");
    }
    bench_free(&deployed);
}

int golden_module(const char *path, char *message, size_t size, double *worst)
{
    struct module_case c = {0};
    if (golden_open(&c.g, path) && build(&c, false)) {
        run_mode(&c, "eval");
        run_mode(&c, "train");
        run_deployed(&c);
    }
    close_case(&c);
    return golden_close(&c.g, message, size, worst);
}

/* --- heads --- */

static int eval_branch(const struct module_case *c, const json_t *branches, int i)
{
    return bench_branch(&c->bench.graph, (int)json_integer_value(json_array_get(branches, (size_t)i)));
}

static void head_eval(struct module_case *c)
{
    struct golden *g = &c->g;
    const bool lead_only = c->bench.graph.head.kind == HEAD_ANCHORS;
    json_t *branches = lead_only ? NULL : golden_json(g, "eval_branches");
    int out = 0, n = lead_only ? 1 : (int)json_array_size(branches);
    if (!n)
        golden_fault(g, "the case names no eval_branches");
    for (int i = 0; i < c->bench.graph.n_branches; i++)
        for (int l = 0; l < c->bench.graph.branch[i].n_levels; l++)
            c->bench.graph.stride[l] = (int)json_integer_value(json_array_get(
                json_object_get(golden_json(g, "args"), "strides"), (size_t)l)); /* a bare head knows no image */
    fill_parameters(c, "param/");
    if (!golden_ok(g, bench_net(&c->bench, RUN_INFER, NULL, 0)) || !feed(c, &c->bench, c->input))
        return;
    net_forward(c->bench.net);
    for (int i = 0; i < n; i++)
        bench_compare_decoded(g, &c->bench, eval_branch(c, branches, i), golden_name(g, "eval/out%d", out++));
    for (int i = 0; i < n; i++) {
        const struct branch *b = &c->bench.graph.branch[eval_branch(c, branches, i)];
        for (int l = 0; l < b->n_levels; l++)
            bench_compare(g, &c->bench, b->level[l], golden_name(g, "eval/out%d", out++));
    }
}

static void head_train(struct module_case *c)
{
    struct golden *g = &c->g;
    fill_parameters(c, "param/");
    if (!golden_ok(g, bench_net(&c->bench, RUN_TRAIN, NULL, 0)) || !feed(c, &c->bench, c->input))
        return;
    net_forward(c->bench.net);
    for (int i = 0; i < c->n_outputs; i++)
        bench_compare(g, &c->bench, c->output[i], golden_name(g, "train/out%d", i));
    backward(c, "train");
    for (int i = 0; i < c->bench.graph.n_params; i++) {
        const struct param *p = &c->bench.graph.params[i];
        if (trained(p))
            golden_check_vector(g, golden_name(g, "train/gradck/%s", p->name), CHECK_GRADIENT,
                                c->bench.d_params + p->first, p->count);
        else if (p->role != PARAM_DFL)
            golden_check_vector(g, golden_name(g, "train/afterck/%s", p->name), CHECK_AFTER, c->bench.params + p->first,
                                p->count);
    }
}

int golden_head(const char *path, char *message, size_t size, double *worst)
{
    struct module_case c = {0};
    if (golden_open(&c.g, path) && build(&c, true)) {
        head_eval(&c);
        head_train(&c);
    }
    close_case(&c);
    return golden_close(&c.g, message, size, worst);
}

/* The convolutions that implicit vectors went into. */
static void head_folded(struct module_case *c)
{
    struct golden *g = &c->g;
    struct bench deployed;
    fill_parameters(c, "param/");
    if (golden_ok(g, bench_deploy(&c->bench, &deployed, names_merge, NULL)))
        for (int i = 0; i < deployed.graph.n_params; i++) {
            const struct param *p = &deployed.graph.params[i];
            golden_compare(g, golden_name(g, "folded/%s", p->name), deployed.params + p->first, p->count);
        }
    if (deployed.graph.n_params != 2 * c->bench.graph.branch[0].n_levels)
        golden_fault(g, "the deployed head has %d parameters", deployed.graph.n_params);
    bench_free(&deployed);
}

/* A head with anchors: its gradients are stored whole. */
int golden_head_v7(const char *path, char *message, size_t size, double *worst)
{
    struct module_case c = {0};
    struct golden *g = &c.g;
    if (golden_open(g, path) && build(&c, true)) {
        head_eval(&c);
        fill_parameters(&c, "param/");
        if (golden_ok(g, bench_net(&c.bench, RUN_TRAIN, NULL, 0)) && feed(&c, &c.bench, c.input)) {
            net_forward(c.bench.net);
            for (int i = 0; i < c.n_outputs; i++)
                bench_compare(g, &c.bench, c.output[i], golden_name(g, "train/out%d", i));
            backward(&c, "train");
            compare_parameters(&c, "train", false);
        }
        head_folded(&c);
    }
    close_case(&c);
    return golden_close(g, message, size, worst);
}

/* --- fold and merge --- */

static void compare_fused(struct golden *g, const struct bench *b, const char *leaf)
{
    const char *conv = strcmp(golden_text(g, "kind"), "merge_v7") ? "conv" : "rbr_reparam";
    int index = graph_find_param(&b->graph, golden_name(g, "%s.%s", conv, leaf));
    if (index < 0) {
        golden_fault(g, "the deployed form has no %s.%s", conv, leaf);
        return;
    }
    const struct param *p = &b->graph.params[index];
    golden_compare(g, golden_name(g, "after/%s.%s", conv, leaf), b->params + p->first, p->count);
}

int golden_fuse(const char *path, char *message, size_t size, double *worst)
{
    struct module_case c = {0};
    struct golden *g = &c.g;
    struct bench deployed = {0};
    if (golden_open(g, path) && build(&c, false)) {
        fill_parameters(&c, "before/");
        if (golden_ok(g, bench_net(&c.bench, RUN_INFER, c.output, 1)) && feed(&c, &c.bench, c.input)) {
            net_forward(c.bench.net);
            bench_compare(g, &c.bench, c.output[0], "out_before");
        }
        if (golden_ok(g, bench_deploy(&c.bench, &deployed, names_merge, NULL)) &&
            golden_ok(g, bench_net(&deployed, RUN_INFER, (int[]){deployed.graph.n_values - 1}, 1)) &&
            feed(&c, &deployed, deployed.inputs)) {
            compare_fused(g, &deployed, "weight");
            compare_fused(g, &deployed, "bias");
            net_forward(deployed.net);
            bench_compare(g, &deployed, deployed.graph.n_values - 1, "out_after");
        }
    }
    bench_free(&deployed);
    close_case(&c);
    return golden_close(g, message, size, worst);
}
