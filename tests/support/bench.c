#include "support/bench.h"

#include "detect/decode.h"
#include "ops/cpu.h"
#include "ops/recipe.h"

#include <string.h>

enum status bench_init(struct bench *b)
{
    size_t floats = b->graph.param_floats + 16;
    b->params = mem_calloc(floats, sizeof *b->params);
    b->d_params = mem_calloc(floats, sizeof *b->d_params);
    b->inputs = mem_calloc((size_t)b->graph.n_values + 1, sizeof *b->inputs);
    if (!b->params || !b->d_params || !b->inputs)
        return E_NOMEM;
    for (int i = 0; i < b->graph.n_values; i++) {
        const struct value *v = &b->graph.values[i];
        if (v->writer < 0 && v->parent < 0 && !v->n_parts)
            b->inputs[b->n_inputs++] = i;
    }
    return OK;
}

void bench_free(struct bench *b)
{
    net_destroy(b->net);
    mem_free(b->params);
    mem_free(b->d_params);
    mem_free(b->inputs);
    graph_free(&b->graph);
    *b = (struct bench){0};
}

enum status bench_net(struct bench *b, enum run_mode mode, const int *outputs, int n_outputs)
{
    struct net_config config = {.backend = &cpu_backend, .team = golden_team(), .mode = mode, .keep_all = true};
    int levels[MAX_BRANCHES * MAX_LEVELS], n = 0;
    net_destroy(b->net);
    b->net = NULL;
    TRY(net_create(&b->graph, b->params, b->d_params, &config, &b->net));
    if (!outputs) {
        for (int k = 0; k < b->graph.n_branches; k++)
            for (int l = 0; l < b->graph.branch[k].n_levels; l++)
                levels[n++] = b->graph.branch[k].level[l];
        outputs = levels;
        n_outputs = n;
    }
    TRY(net_set_outputs(b->net, outputs, n_outputs, mode != RUN_INFER));
    return OK;
}

void bench_generate(struct bench *b, uint64_t seed, double bias_offset)
{
    for (int i = 0; i < b->graph.n_params; i++) {
        const struct param *p = &b->graph.params[i];
        golden_parameter(seed, bias_offset, p->name, p->rank, p->shape, b->params + p->first);
    }
    if (b->net)
        net_params_changed(b->net);
}

void bench_zero_gradients(struct bench *b)
{
    memset(b->d_params, 0, b->graph.param_floats * sizeof *b->d_params);
}

enum status bench_evaluate(const struct bench *from, struct bench *to)
{
    enum status rc = bench_init(to);
    if (rc == OK)
        recipe_evaluate(&from->graph, from->params, &to->graph, to->params);
    return rc;
}

enum status bench_deploy(const struct bench *from, struct bench *to, deploy_rename_fn *rename, void *context)
{
    *to = (struct bench){0};
    enum status rc = graph_deploy(&from->graph, &to->graph, rename, context);
    return rc == OK ? bench_evaluate(from, to) : rc;
}

static float *copy_out(struct tensor t, size_t *count)
{
    size_t n = (size_t)t.n * (size_t)t.h * (size_t)t.w * (size_t)t.c;
    float *copy = t.data ? mem_alloc(n, sizeof *copy) : NULL;
    if (copy)
        golden_from_tensor(&t, copy);
    *count = copy ? n : 0;
    return copy;
}

float *bench_value(const struct bench *b, int value, size_t *count)
{
    return copy_out(net_value(b->net, value), count);
}

float *bench_gradient(const struct bench *b, int value, size_t *count)
{
    return copy_out(net_gradient(b->net, value), count);
}

void bench_compare(struct golden *g, const struct bench *b, int value, const char *name)
{
    size_t n;
    float *got = bench_value(b, value, &n);
    golden_compare(g, name, got, n);
    mem_free(got);
}

int bench_branch(const struct graph *g, int official)
{
    return g->head.kind == HEAD_ANCHORS ? g->n_branches - 1 - official : official;
}

void bench_compare_decoded(struct golden *g, const struct bench *b, int branch, const char *name)
{
    struct head_output head = net_output(b->net, branch);
    size_t a = (size_t)head_rows(&head), c = (size_t)head_row_width(head.head), count = (size_t)head.n * a * c;
    float *rows = mem_alloc(count, sizeof *rows), *columns = mem_alloc(count, sizeof *columns);
    for (int i = 0; i < head.n; i++) {
        float *image = rows + (size_t)i * a * c;
        decode_image(&head, i, image);
        for (size_t k = 0; k < c; k++)
            for (size_t j = 0; j < a; j++)
                columns[((size_t)i * c + k) * a + j] = image[j * c + k];
    }
    golden_compare(g, name, head.head->kind == HEAD_ANCHORS ? rows : columns, count);
    mem_free(rows);
    mem_free(columns);
}
