/* yolo9 bench: inference of one model at one size, with GFLOP/s and what ran. */
#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/output.h"
#include "cli/precision.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/listing.h"
#include "core/mem.h"
#include "graph/net.h"
#include "graph/op_rules.h"
#include "model/model.h"
#include "ops/cpu.h"

#include <stdio.h>
#include <string.h>

struct bench {
    struct weights weights;
    char model[64];
    enum precision asked, precision; /* precision: what runs */
    struct team *team;
    struct net *net;
    int n, h, w, threads, runs;
    double *seconds;       /* runs, sorted */
    double *layer_seconds; /* a node: the sum over the timed runs */
    double median, flops;
};

static enum status load(struct bench *b, const struct options *o)
{
    struct weights *w = &b->weights;
    TRY(bench_load(o, w));
    if (w->params)
        TRY(weights_deploy(w));
    weights_drop_training(w);
    snprintf(b->model, sizeof b->model, "%s", w->table.name);
    TRY(precision_asked(o, w->eight_bit, &b->asked));
    return precision_of(o, w->eight_bit, &b->precision);
}

static void fill_input(struct net *net)
{
    struct tensor x = net_input(net);
    for (size_t i = 0; i < (size_t)x.n * x.image_stride; i++)
        x.data[i] = (float)(i * 2654435761u % 256) / 255.0f;
}

static enum status run(struct bench *b, bool per_layer)
{
    const struct node_report *reports;
    TRY(net_plan(b->net, b->n, b->h, b->w));
    if (net_drop_params(b->net)) /* as detection does */
        weights_drop_deployed(&b->weights);
    b->seconds = mem_calloc((size_t)b->runs, sizeof *b->seconds);
    b->layer_seconds = mem_calloc((size_t)b->weights.deployed.n_nodes, sizeof *b->layer_seconds);
    if (!b->seconds || !b->layer_seconds)
        return E_NOMEM;
    net_set_timing(b->net, per_layer);
    for (int i = -2; i < b->runs; i++) { /* two runs to warm up: packing, page faults, clock */
        fill_input(b->net);
        double start = clock_seconds();
        net_forward(b->net);
        if (i >= 0)
            b->seconds[i] = clock_seconds() - start;
        int n = i >= 0 && per_layer ? net_report(b->net, &reports) : 0;
        for (int k = 0; k < MIN(n, b->weights.deployed.n_nodes); k++)
            b->layer_seconds[k] += reports[k].seconds;
    }
    b->median = bench_median(b->seconds, b->runs);
    return OK;
}

static double median_ms(const struct bench *b)
{
    return 1e3 * b->median / b->n;
}

/* What the op chose for this shape; empty where there is nothing to choose. */
static const char *algorithm(const struct call *c)
{
    const struct op_impl *op = cpu_backend.ops[c->node->op];
    return op->variant_name ? op->variant_name(c) : "";
}

static double node_flops(const struct bench *b, const struct call *c)
{
    return b->n * graph_node_flops(c->graph, c->node, (struct extent){c->dst.h, c->dst.w});
}

static enum status print_layers(struct bench *b)
{
    static const struct listing_column columns[] = {
        {"node", LISTING_LEFT, 40, .least = 14, .cut = TEXT_CUT_BEGINNING},
        {"what", LISTING_LEFT, 21, .least = 12, .drop = 1},
        {"output", LISTING_LEFT, 11, .drop = 2},
        {"ms", LISTING_RIGHT, 10},
        {"GFLOP/s", LISTING_RIGHT, 9},
        {" algorithm", LISTING_LEFT, 0, .least = 9},
    };
    enum status rc = OK;
    const struct node_report *reports;
    struct listing l;
    int n = MIN(net_report(b->net, &reports), b->weights.deployed.n_nodes);
    listing_init(&l, columns, COUNT(columns));
    for (int i = 0; i < n; i++) {
        const struct call *c = reports[i].call;
        char what[64];
        double seconds = b->layer_seconds[i] / b->runs;
        node_describe(c->graph, c->node, what, sizeof what);
        TRY_CLEAN(listing_add(&l, "%s", c->node->name));
        TRY_CLEAN(listing_add(&l, "%s", what));
        TRY_CLEAN(listing_add(&l, "%dx%d", c->dst.h, c->dst.w));
        TRY_CLEAN(listing_add(&l, "%.3f", 1e3 * seconds));
        TRY_CLEAN(listing_add(&l, "%.1f", seconds > 0 ? 1e-9 * node_flops(b, c) / seconds : 0));
        TRY_CLEAN(listing_add(&l, " %s", algorithm(c)));
    }
    TRY_CLEAN(print_listing(&l));
cleanup:
    listing_free(&l);
    return rc;
}

static json_t *layers_json(struct bench *b)
{
    const struct node_report *reports;
    json_t *layers = json_array();
    int n = MIN(net_report(b->net, &reports), b->weights.deployed.n_nodes);
    for (int i = 0; i < n; i++) {
        const struct call *c = reports[i].call;
        char what[64];
        double seconds = b->layer_seconds[i] / b->runs;
        node_describe(c->graph, c->node, what, sizeof what);
        json_array_append_new(layers, json_pack("{s:s, s:s, s:i, s:i, s:f, s:f, s:s}", "name", c->node->name, "what",
                                                what, "h", c->dst.h, "w", c->dst.w, "ms", 1e3 * seconds, "gflops",
                                                1e-9 * node_flops(b, c), "algorithm", algorithm(c)));
    }
    return layers;
}

static enum status report(struct bench *b, const struct options *o)
{
    const char *json = option_string(o, "json");
    const char *level = cpu_level(cpu_features());
    double gflops = 1e-9 * b->flops;
    bool layers = option_flag(o, "per-layer");
    if (!json || strcmp(json, "-") != 0) {
        enum status told = layers ? print_layers(b) : OK;
        if (told != OK)
            return told;
        print(stdout, "%s %dx%d batch %d, %d %s, %s, %s kernels, %s", b->model, b->h, b->w, b->n, b->threads,
              noun(b->threads, "thread", "threads"), precision_name(b->precision), level, cpu_name());
        print(stdout,
              "median %.2f ms, min %.2f ms an image; %.2f GFLOP, %.1f GFLOP/s effective; peak %.0f MB (arena %.1f, "
              "packed weights %.1f)",
              median_ms(b), 1e3 * b->seconds[0] / b->n, gflops, gflops / median_ms(b) * 1e3, bench_peak_mb(),
              (double)net_arena_bytes(b->net) / 1048576, (double)net_packed_bytes(b->net) / 1048576);
        const struct node_report *reports;
        const int n = net_report(b->net, &reports);
        TRY(bench_print_choices(reports, n));
    }
    if (!json)
        return OK;
    json_t *root =
        json_pack("{s:s, s:[i,i], s:i, s:i, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:s, s:s}", "model", b->model, "img",
                  b->h, b->w, "batch", b->n, "threads", b->threads, "precision", precision_name(b->precision), "asked",
                  precision_name(b->asked), "median_ms", median_ms(b), "min_ms", 1e3 * b->seconds[0] / b->n, "gflops",
                  gflops, "effective_gflops", gflops / median_ms(b) * 1e3, "peak_mb", bench_peak_mb(), "kernels", level,
                  "cpu", cpu_name());
    if (layers)
        json_object_set_new(root, "layers", layers_json(b));
    enum status rc = output_json(json, root);
    json_decref(root);
    return rc;
}

/* The network of b->weights, planned and run. */
static enum status measure(struct bench *b, bool exact, bool per_layer)
{
    TRY(team_create(b->threads, &b->team));
    struct net_config config = {
        .backend = &cpu_backend, .team = b->team, .mode = RUN_INFER, .exact = exact, .precision = b->precision};
    TRY(net_create(&b->weights.deployed, b->weights.deployed_params, NULL, &config, &b->net));
    TRY(model_count_flops(&b->weights.deployed, b->h, b->w, NULL, &b->flops));
    return run(b, per_layer);
}

static void close_bench(struct bench *b)
{
    net_destroy(b->net);
    team_destroy(b->team);
    weights_free(&b->weights);
    mem_free(b->seconds);
    mem_free(b->layer_seconds);
}

enum status bench_inference(const struct options *o)
{
    struct bench b = {.n = option_int(o, "batch"),
                      .runs = option_int(o, "runs"),
                      .threads = option_int(o, "threads") ? option_int(o, "threads") : cpu_count()};
    enum status rc = OK;
    TRY_CLEAN(
        output_check(&(struct output){.path = option_string(o, "json"), .inputs = {option_string(o, "weights")}}));
    TRY_CLEAN(load(&b, o));
    const struct image_size size = image_size_of(o, &b.weights);
    b.h = size.h;
    b.w = size.w;
    TRY_CLEAN(measure(&b, option_flag(o, "exact"), option_flag(o, "per-layer")));
    TRY_CLEAN(report(&b, o));
cleanup:
    close_bench(&b);
    return rc;
}

enum status bench_latency(const char *cfg, int h, int w, int threads, int runs, double *ms)
{
    enum status rc = OK;
    struct bench b = {.n = 1, .h = h, .w = w, .runs = runs, .threads = threads};
    TRY_CLEAN(weights_random(cfg, 0, 0, &b.weights));
    TRY_CLEAN(weights_deploy(&b.weights));
    weights_drop_training(&b.weights);
    b.h = graph_round_side(&b.weights.deployed, h);
    b.w = graph_round_side(&b.weights.deployed, w);
    TRY_CLEAN(measure(&b, false, false));
    *ms = median_ms(&b);
cleanup:
    close_bench(&b);
    return rc;
}
