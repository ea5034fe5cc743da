/* Golden kinds model and convert: whole networks with generated parameters. */
#include "model/model.h"
#include "support/bench.h"
#include "support/golden.h"
#include "support/golden_net.h"
#include "support/state_digest.h"

#include "core/path.h"

#include <stdio.h>
#include <string.h>

struct model_case {
    struct golden g;
    struct table table;
    struct bench bench;
    const struct model_row *rows;
    int h, w;
};

static bool read_size(struct golden *g, int *h, int *w)
{
    json_t *hw = golden_json(g, "hw");
    *h = (int)json_integer_value(json_array_get(hw, 0));
    *w = (int)json_integer_value(json_array_get(hw, 1));
    if (*h < 1 || *w < 1)
        golden_fault(g, "the case names no size");
    return *h > 0 && *w > 0;
}

/* A case brings the table of a network that is not built in. */
static bool open_table(struct golden *g, const char *model, struct table *out)
{
    char path[64];
    if (!golden_text(g, "table"))
        return golden_ok(g, table_open(model, out));
    bool opened = golden_write_table(g, "table", path, sizeof path) && golden_ok(g, table_load(path, out));
    remove(path);
    return opened;
}

static bool build(struct model_case *c, const char *model)
{
    struct golden *g = &c->g;
    struct model_options options;
    model_options_init(&options);
    options.nc = golden_int(g, "nc");
    return model && read_size(g, &c->h, &c->w) && open_table(g, model, &c->table) &&
           golden_ok(g, model_build(&c->table, &options, &c->bench.graph, &c->rows)) &&
           golden_ok(g, bench_init(&c->bench));
}

static void close_case(struct model_case *c)
{
    bench_free(&c->bench);
    table_free(&c->table);
}

/* Generated parameters; the running statistics of `stats` (a case) replace the generated ones where it stores them. */
static void fill_parameters(struct model_case *c, struct golden *stats)
{
    bench_generate(&c->bench, c->g.seed, c->g.bias_offset);
    for (int i = 0; stats && i < c->bench.graph.n_params; i++) {
        const struct param *p = &c->bench.graph.params[i];
        const char *name = golden_name(&c->g, "stats/%s", p->name);
        size_t n;
        const float *stored = golden_has(stats, name) ? golden_f32(stats, name, &n) : NULL;
        bool statistic = p->role == PARAM_MEAN || p->role == PARAM_VAR;
        if (stored && statistic && n == p->count)
            memcpy(c->bench.params + p->first, stored, n * sizeof *stored);
        else if (stored || statistic)
            golden_fault(&c->g, "%s: stored and built statistics do not fit", name);
    }
}

static bool run(struct model_case *c, struct bench *b, enum run_mode mode, int batch, const char *input)
{
    struct golden *g = &c->g;
    if (!golden_ok(g, bench_net(b, mode, NULL, 0)) || !golden_ok(g, net_plan(b->net, batch, c->h, c->w)))
        return false;
    size_t count = (size_t)batch * 3 * (size_t)c->h * (size_t)c->w;
    float *image = mem_alloc(count, sizeof *image);
    if (!image)
        return false;
    struct tensor t = net_input(b->net);
    golden_uniform(g->seed, input, 0, 1, image, count);
    golden_to_tensor(image, &t);
    mem_free(image);
    net_forward(b->net);
    return true;
}

/* --- structure --- */

static void compare_structure(struct model_case *c)
{
    struct golden *g = &c->g;
    const struct graph *graph = &c->bench.graph;
    golden_compare_number(g, "params", (double)model_count_params(graph, -1), golden_number(g, "params"), 0);
    if (golden_text(g, "digest")) {
        char digest[24];
        int entries;
        state_digest(graph, digest, &entries);
        if (strcmp(digest, golden_text(g, "digest")))
            golden_fault(g, "the names or shapes of the state dict give the digest %s", digest);
        golden_compare_number(g, "digest_entries", entries, golden_number(g, "digest_entries"), 0);
    }
    json_t *strides = golden_json(g, "strides");
    for (size_t l = 0; l < json_array_size(strides); l++)
        golden_compare_number(g, "strides", graph->stride[l], json_number_value(json_array_get(strides, l)), 0);
}

/* layer_shapes: "<row>.<map>" -> [n, c, h, w]; layer/<row>.<map>: check vectors of those maps. */
static void compare_layers(struct model_case *c)
{
    struct golden *g = &c->g;
    const char *key;
    json_t *shape;
    int expected = 0, met = 0;
    if (!golden_text(g, "layer_shapes")) /* a case that compares the outputs only */
        return;
    json_object_foreach(golden_json(g, "layer_shapes"), key, shape)
    {
        int row, map;
        expected++;
        if (sscanf(key, "%d.%d", &row, &map) != 2 || row >= c->bench.graph.n_rows || map >= c->rows[row].maps.n) {
            golden_fault(g, "row and map %s do not exist", key);
            continue;
        }
        size_t n;
        struct tensor t = net_value(c->bench.net, c->rows[row].maps.map[map]);
        const int dims[4] = {t.n, t.c, t.h, t.w};
        for (size_t k = 0; k < 4; k++)
            if (dims[k] != json_integer_value(json_array_get(shape, k)))
                golden_fault(g, "row and map %s: dimension %zu is %d", key, k, dims[k]);
        float *got = bench_value(&c->bench, c->rows[row].maps.map[map], &n);
        golden_check_vector(g, golden_name(g, "layer/%s", key), CHECK_LAYER, got, n);
        mem_free(got);
        met++;
    }
    if (!expected || met != expected)
        golden_fault(g, "%d of %d maps were compared", met, expected);
}

/* --- model --- */

static void compare_branches(struct model_case *c, const char *mode, bool raw)
{
    struct golden *g = &c->g;
    json_t *branches = golden_json(g, "eval_branches");
    for (size_t i = 0; i < json_array_size(branches); i++) {
        int branch = bench_branch(&c->bench.graph, (int)json_integer_value(json_array_get(branches, i)));
        bench_compare_decoded(g, &c->bench, branch, golden_name(g, "%s/decoded%zu", mode, i));
        for (int l = 0; raw && l < c->bench.graph.branch[branch].n_levels; l++)
            bench_compare(g, &c->bench, c->bench.graph.branch[branch].level[l],
                          golden_name(g, "%s/raw%zu.%d", mode, i, l));
    }
}

static void train(struct model_case *c)
{
    struct golden *g = &c->g;
    fill_parameters(c, g);
    if (!run(c, &c->bench, RUN_TRAIN, 2, "input.train"))
        return;
    const struct graph *graph = &c->bench.graph;
    for (int b = 0; b < graph->n_branches; b++)
        for (int l = 0; l < graph->branch[b].n_levels; l++)
            bench_compare(g, &c->bench, graph->branch[bench_branch(graph, b)].level[l],
                          golden_name(g, "train/raw%d.%d", b, l));
    int after = 0;
    for (int i = 0; i < graph->n_params; i++) {
        const struct param *p = &graph->params[i];
        const char *name = golden_name(g, "train/after/%s", p->name);
        if (golden_has(g, name)) {
            golden_compare(g, name, c->bench.params + p->first, p->count);
            after++;
        }
    }
    if (after != 8 && golden_text(g, "layer_shapes"))
        golden_fault(g, "statistics of four BNs are stored, %d tensors were compared", after);
}

int golden_model(const char *path, char *message, size_t size, double *worst)
{
    struct model_case c = {0};
    struct golden *g = &c.g;
    if (golden_open(g, path) && build(&c, golden_text(g, "model"))) {
        compare_structure(&c);
        fill_parameters(&c, g);
        if (run(&c, &c.bench, RUN_INFER, 1, "input.eval")) {
            compare_branches(&c, "eval", true);
            compare_layers(&c);
        }
        if (golden_has(g, "evalgen/decoded0")) {
            fill_parameters(&c, NULL);
            if (run(&c, &c.bench, RUN_INFER, 1, "input.eval"))
                compare_branches(&c, "evalgen", false);
        }
        if (golden_has(g, "train/raw0.0") ||
            !golden_text(g, "digest")) /* recorded networks of other packages may lack it */
            train(&c);
    }
    close_case(&c);
    return golden_close(g, message, size, worst);
}

/* --- convert --- */

/* Every deployed parameter has a check vector of its name, and every check vector a parameter of its shape. */
static void compare_deployed(struct golden *g, const struct bench *b)
{
    json_t *shapes = golden_json(g, "fused_shapes");
    size_t met = 0;
    for (int i = 0; i < b->graph.n_params; i++) {
        const struct param *p = &b->graph.params[i];
        json_t *shape = json_object_get(shapes, p->name);
        if (p->role == PARAM_DFL && !shape)
            continue;
        if ((int)json_array_size(shape) != p->rank) {
            golden_fault(g, "%s is no parameter of the converted model", p->name);
            continue;
        }
        for (int k = 0; k < p->rank; k++)
            if (json_integer_value(json_array_get(shape, (size_t)k)) != p->shape[k])
                golden_fault(g, "%s: dimension %d is %d", p->name, k, p->shape[k]);
        met++;
        if (golden_has(g, golden_name(g, "fusedck/%s", p->name)))
            golden_check_vector(g, golden_name(g, "fusedck/%s", p->name), CHECK_FUSED, b->params + p->first, p->count);
        else if (p->role != PARAM_DFL)
            golden_fault(g, "fusedck/%s is missing", p->name);
    }
    if (!met || met != json_object_size(shapes))
        golden_fault(g, "%zu of %zu parameters were compared", met, json_object_size(shapes));
    golden_compare_number(g, "fused_params", (double)model_count_params(&b->graph, -1),
                          golden_number(g, "fused_params"), 0);
}

int golden_convert(const char *path, char *message, size_t size, double *worst)
{
    struct model_case c = {0};
    struct golden *g = &c.g, stats = {0};
    struct bench deployed = {0};
    char *section = path_parent(path), *kit = path_parent(section), *stats_path = NULL;
    bool opened = golden_open(g, path);
    const char *from = opened ? golden_text(g, "params_from") : NULL;
    stats_path = path_join(kit, from ? from : "");
    if (opened && from && !golden_open(&stats, stats_path))
        golden_fault(g, "%s: %s", stats_path, stats.message);
    else if (from && build(&c, golden_text(g, "source"))) {
        int main = c.bench.graph.n_branches - 1;
        fill_parameters(&c, &stats);
        if (run(&c, &c.bench, RUN_INFER, 1, "input.eval"))
            bench_compare_decoded(g, &c.bench, main, "decoded_main_before");
        if (golden_ok(g, model_deploy(&c.table, &c.bench.graph, &deployed.graph)) &&
            golden_ok(g, bench_evaluate(&c.bench, &deployed))) {
            compare_deployed(g, &deployed);
            if (run(&c, &deployed, RUN_INFER, 1, "input.eval"))
                bench_compare_decoded(g, &deployed, 0, "decoded_converted_fused");
        }
    }
    if (stats.texts)
        golden_close(&stats, (char[8]){0}, 8, &(double){0});
    bench_free(&deployed);
    close_case(&c);
    mem_free(section);
    mem_free(kit);
    mem_free(stats_path);
    return golden_close(g, message, size, worst);
}
