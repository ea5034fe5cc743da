/* yolo9 info: what a network is made of and what it costs, in training and in deployed form. */
#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/info_weights.h"
#include "cli/output.h"
#include "core/listing.h"
#include "core/terminal.h"
#include "formats/json.h"
#include "graph/op_rules.h"
#include "model/builtin.h"
#include "model/model.h"
#include "weights/weights.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec options_table[] = {
    {"cfg", "model", OPTION_STRINGS, NULL, "networks; none: all that are built in", .value = VALUE_NETWORK},
    {"weights", NULL, OPTION_STRING, NULL, "a weight file: the network it holds, with its own head widths",
     .value = VALUE_WEIGHTS},
    IMAGE_SIZE_OPTION("input size that FLOPs are counted for (default 640)", 2),
    {"nc", NULL, OPTION_INT, NULL, "number of classes, instead of the table's", 1, MAX_CLASSES},
    {"rows", NULL, OPTION_FLAG, NULL, "list the rows: what each costs, and which only training needs"},
    {"json", NULL, OPTION_STRING, NULL, "write the figures as JSON to this file; - is standard output",
     .value = VALUE_FILE},
};

/* Parameters (M) and GFLOPs of the paper's table 1. */
static const struct {
    const char *model, *params, *gflops;
} paper[] = {
    {"yolov9-t", "2.0M", "7.7"},    {"yolov9-s", "7.1M", "26.4"},   {"yolov9-m", "20.0M", "76.3"},
    {"yolov9-c", "25.3M", "102.1"}, {"yolov9-e", "57.3M", "189.0"},
};

struct cost {
    double params, gflops;
};

struct row_cost {
    const char *module, *tag, *from, *args;
    enum row_use use;
    struct cost cost, auxiliary; /* auxiliary: the part of it that the main branch does not need */
};

/* All figures of one model; strings are the graph's and the table's. */
struct figures {
    struct table table;
    struct graph training, deployed;
    struct cost whole, left; /* training form, deployed form */
    struct row_cost *rows;
    int n_rows, h, w;
    int n_convolutions, n_eight_bit; /* of the deployed form; how many of them a weight file has in 8 bits */
};

static void figures_free(struct figures *r)
{
    mem_free(r->rows);
    graph_free(&r->training);
    graph_free(&r->deployed);
    table_free(&r->table);
    *r = (struct figures){0};
}

/* Is `name` a part of the auxiliary branches of the head in row `row`? */
static bool is_auxiliary_head(const struct graph *g, int row, const char *name)
{
    char prefix[48];
    for (int branch = 0; branch < g->n_branches - 1; branch++) {
        for (int part = HEAD_PART_BOX; part <= HEAD_PART_DFL; part++) {
            int n = snprintf(prefix, sizeof prefix, "model.%d.%s.", row, head_part_name(branch, (enum head_part)part));
            if (!strncmp(name, prefix, (size_t)n))
                return true;
        }
    }
    return false;
}

/* What the auxiliary branches of the head cost. */
static enum status count_auxiliary_head(struct figures *r)
{
    enum status rc = OK;
    const struct graph *g = &r->training;
    int head = r->n_rows - 1;
    struct cost *cost = &r->rows[head].auxiliary;
    struct extent *extents = mem_alloc((size_t)g->n_values, sizeof *extents);
    if (!extents)
        return E_NOMEM;
    TRY_CLEAN(graph_infer(g, &(struct extent){r->h, r->w}, extents));
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        if (n->row == head && is_auxiliary_head(g, head, n->name))
            cost->gflops += 1e-9 * graph_node_flops(g, n, extents[n->dst]);
    }
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        bool statistic = p->role == PARAM_MEAN || p->role == PARAM_VAR;
        if (p->row == head && !statistic && is_auxiliary_head(g, head, p->name))
            cost->params += (double)p->count;
    }
cleanup:
    mem_free(extents);
    return rc;
}

static enum status count_rows(struct figures *r, const struct model_row *rows)
{
    enum status rc = OK;
    double total, *flops = mem_calloc((size_t)r->training.n_rows, sizeof *flops);
    r->n_rows = r->training.n_rows;
    r->rows = mem_calloc((size_t)r->n_rows, sizeof *r->rows);
    if (!flops || !r->rows) {
        rc = E_NOMEM;
        goto cleanup;
    }
    TRY_CLEAN(model_count_flops(&r->training, r->h, r->w, flops, &total));
    r->whole = (struct cost){(double)model_count_params(&r->training, -1), 1e-9 * total};
    for (int i = 0; i < r->n_rows; i++) {
        struct row_cost *row = &r->rows[i];
        *row = (struct row_cost){rows[i].module, rows[i].tag, rows[i].from, rows[i].args, .use = rows[i].use};
        row->cost = (struct cost){(double)rows[i].params, 1e-9 * flops[i]};
        if (row->use != ROW_MAIN)
            row->auxiliary = row->cost;
    }
    TRY_CLEAN(count_auxiliary_head(r));
cleanup:
    mem_free(flops);
    return rc;
}

/* `table` goes over to *r. */
static enum status figures_count(struct table table, const struct model_options *options, int h, int w,
                                 struct figures *r)
{
    enum status rc = OK;
    const struct model_row *rows;
    double flops;
    *r = (struct figures){.table = table, .h = h, .w = w};
    TRY_CLEAN(model_build(&r->table, options, &r->training, &rows));
    TRY_CLEAN(count_rows(r, rows));
    TRY_CLEAN(model_deploy(&r->table, &r->training, &r->deployed));
    TRY_CLEAN(model_count_flops(&r->deployed, h, w, NULL, &flops));
    r->left = (struct cost){(double)model_count_params(&r->deployed, -1), 1e-9 * flops};
cleanup:
    if (rc != OK)
        figures_free(r);
    return rc;
}

static enum status figures_build(const char *model, const struct model_options *options, int h, int w,
                                 struct figures *r)
{
    struct table table;
    enum status rc = table_open(model, &table);
    return rc == OK ? figures_count(table, options, h, w, r) : rc;
}

/* The network that a weight file holds: its table, with the head that its tensors have. *told: what the file is. */
static enum status figures_of_weights(const char *path, struct image_size size, bool print, struct figures *r,
                                      json_t **told)
{
    enum status rc = OK;
    struct weights weights = {0};
    TRY_CLEAN(weights_load(path, NULL, &weights, NULL));
    TRY_CLEAN(info_weights(path, &weights, print, told));
    struct table table = weights.table;
    weights.table = (struct table){0};
    TRY_CLEAN(figures_count(table, &weights.options, size.h, size.w, r));
    for (int i = 0; i < weights.deployed.n_nodes; i++) {
        const struct node *n = &weights.deployed.nodes[i];
        const struct conv_quant *quant = node_quant(n);
        r->n_convolutions += quant != NULL;
        r->n_eight_bit += quant && quant->on;
    }
cleanup:
    weights_free(&weights);
    return rc;
}

/* --- words --- */

static const struct listing_column summary_columns[] = {
    {"model", LISTING_LEFT, 14, .least = 8}, {"training params", LISTING_RIGHT, 18},
    {"GFLOPs", LISTING_RIGHT, 10},           {"deployed params", LISTING_RIGHT, 18},
    {"GFLOPs", LISTING_RIGHT, 10},           {"paper", LISTING_RIGHT, 9, .drop = 1},
    {"GFLOPs", LISTING_RIGHT, 9, .drop = 1},
};

static enum status add_summary(struct listing *l, const struct figures *r)
{
    char a[32];
    const char *params = "", *gflops = "";
    for (int i = 0; i < COUNT(paper); i++) {
        if (!strcmp(paper[i].model, r->table.name)) {
            params = paper[i].params;
            gflops = paper[i].gflops;
        }
    }
    TRY(listing_add(l, "%s", r->table.name));
    TRY(listing_add(l, "%s", text_grouped(r->whole.params, a, sizeof a)));
    TRY(listing_add(l, "%.2f", r->whole.gflops));
    TRY(listing_add(l, "%s", text_grouped(r->left.params, a, sizeof a)));
    TRY(listing_add(l, "%.2f", r->left.gflops));
    TRY(listing_add(l, "%s", params));
    TRY(listing_add(l, "%s", gflops));
    return OK;
}

static enum status add_row(struct listing *l, int number, const struct row_cost *row)
{
    static const char *const use[] = {[ROW_MAIN] = "", [ROW_AUXILIARY] = "training only", [ROW_UNUSED] = "unused"};
    char a[32];
    TRY(listing_add(l, "%d", number));
    TRY(listing_add(l, "%s", row->from));
    TRY(listing_add(l, "%s", row->module));
    TRY(listing_add(l, "%s", row->args));
    TRY(listing_add(l, "%s", row->tag ? row->tag : ""));
    TRY(listing_add(l, "%s", text_grouped(row->cost.params, a, sizeof a)));
    TRY(listing_add(l, "%.3f", row->cost.gflops));
    if (row->use == ROW_MAIN && row->auxiliary.params > 0)
        TRY(listing_add(l, " %s and %.3f of it training only", text_grouped(row->auxiliary.params, a, sizeof a),
                        row->auxiliary.gflops));
    else
        TRY(listing_add(l, "%s%s", *use[row->use] ? " " : "", use[row->use]));
    return OK;
}

static enum status print_rows(const struct figures *r)
{
    static const struct listing_column columns[] = {
        {"row", LISTING_RIGHT, 4},
        {"from", LISTING_LEFT, 13, .least = 4, .drop = 3},
        {"module", LISTING_LEFT, 17, .least = 8},
        {"arguments", LISTING_LEFT, 31, .least = 9, .drop = 2},
        {"tag", LISTING_LEFT, 6, .drop = 4},
        {"params", LISTING_RIGHT, 13},
        {"GFLOPs", LISTING_RIGHT, 10},
        {"", LISTING_LEFT, 0, .least = 14, .drop = 1},
    };
    enum status rc = OK;
    struct listing l;
    char a[32];
    struct cost aux = {0};
    listing_init(&l, columns, COUNT(columns));
    for (int i = 0; i < r->n_rows; i++) {
        TRY_CLEAN(add_row(&l, i, &r->rows[i]));
        aux.params += r->rows[i].auxiliary.params;
        aux.gflops += r->rows[i].auxiliary.gflops;
    }
    print(stdout, "\n");
    TRY_CLEAN(print_listing(&l));
    if (aux.params > 0)
        print(stdout,
              "\nAuxiliary branch: %s parameters and %.2f GFLOPs, which training needs and the deployed form drops.",
              text_grouped(aux.params, a, sizeof a), aux.gflops);
cleanup:
    listing_free(&l);
    return rc;
}

/* The paper's figures of T are those of a narrower class tower: shown by counting that head. */
static enum status explain_t(int h, int w)
{
    enum status rc = OK;
    struct model_options narrow;
    struct figures grouped_box = {0}, dense_box = {0};
    char a[32], b[32];
    model_options_init(&narrow);
    narrow.head[1].c_cls = 80;
    TRY_CLEAN(figures_build("yolov9-t", &narrow, h, w, &grouped_box));
    narrow.head[1].box_groups = 1;
    TRY_CLEAN(figures_build("yolov9-t", &narrow, h, w, &dense_box));
    print(stdout,
          "\nT: the official table and code give a class tower of 128 channels; the paper's figures are those of 80 "
          "(%s parameters, %.2f GFLOPs). The known COCO weights have 80 and a box tower without groups: %s parameters, "
          "%.2f GFLOPs. yolo9 takes these widths from the weights.",
          text_grouped(grouped_box.left.params, a, sizeof a), grouped_box.left.gflops,
          text_grouped(dense_box.left.params, b, sizeof b), dense_box.left.gflops);
cleanup:
    figures_free(&grouped_box);
    figures_free(&dense_box);
    return rc;
}

/* --- JSON --- */

static json_t *cost_json(const struct cost *c)
{
    return json_pack("{s:I, s:f}", "params", (json_int_t)c->params, "gflops", c->gflops);
}

static json_t *figures_json(const struct figures *r)
{
    static const char *const use[] = {[ROW_MAIN] = "main", [ROW_AUXILIARY] = "auxiliary", [ROW_UNUSED] = "unused"};
    json_t *rows = json_array();
    for (int i = 0; i < r->n_rows; i++) {
        const struct row_cost *row = &r->rows[i];
        json_array_append_new(rows, json_pack("{s:i, s:s, s:s, s:s, s:s*, s:s, s:I, s:f, s:o}", "row", i, "from",
                                              row->from, "module", row->module, "args", row->args, "tag", row->tag,
                                              "use", use[row->use], "params", (json_int_t)row->cost.params, "gflops",
                                              row->cost.gflops, "auxiliary", cost_json(&row->auxiliary)));
    }
    json_t *root = json_pack("{s:s, s:[i,i], s:o, s:o, s:o}", "model", r->table.name, "img", r->h, r->w, "training",
                             cost_json(&r->whole), "deployed", cost_json(&r->left), "rows", rows);
    if (r->n_eight_bit)
        json_object_set_new(root, "int8_convolutions", json_pack("[i,i]", r->n_eight_bit, r->n_convolutions));
    return root;
}

static enum status write_json(const char *path, json_t *root)
{
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(12);
    if (strcmp(path, "-"))
        return json_write_file(path, root, flags);
    if (json_dumpf(root, stdout, flags) != 0)
        return fail(E_IO, "standard output cannot be written");
    putchar('\n');
    return OK;
}

/* --- the verb --- */

struct printer {
    bool quiet, rows;
    bool met_t; /* a T was shown: its figures need a word */
    json_t *list;
    struct listing summary;
};

/* The table so far; a new one begins. */
static enum status flush_summary(struct printer *p)
{
    enum status rc = p->summary.n_cells ? print_listing(&p->summary) : OK;
    listing_free(&p->summary);
    listing_init(&p->summary, summary_columns, COUNT(summary_columns));
    return rc;
}

static enum status print_figures(struct printer *p, const struct figures *r)
{
    json_array_append_new(p->list, figures_json(r));
    p->met_t |= !strncmp(r->table.name, "yolov9-t", 8) || !strncmp(r->table.name, "gelan-t", 7);
    if (p->quiet)
        return OK;
    TRY(add_summary(&p->summary, r));
    if (r->n_eight_bit || p->rows)
        TRY(flush_summary(p));
    if (r->n_eight_bit)
        print(stdout, "%d of %d convolutions in 8 bits", r->n_eight_bit, r->n_convolutions);
    if (p->rows)
        TRY(print_rows(r));
    return OK;
}

static enum status run(const struct options *o)
{
    enum status rc = OK;
    int n_models;
    const char *const *models = option_strings(o, "cfg", &n_models);
    const char *json_path = option_string(o, "json"), *weights = option_string(o, "weights");
    bool all = n_models == 0 && !weights;
    struct printer p = {
        .quiet = json_path && !strcmp(json_path, "-"), .rows = option_flag(o, "rows"), .list = json_array()};
    struct figures r = {0};
    json_t *told = NULL;
    listing_init(&p.summary, summary_columns, COUNT(summary_columns));
    struct model_options options;
    model_options_init(&options);
    options.nc = option_given(o, "nc") ? option_int(o, "nc") : 0;
    const struct image_size size = image_size_of(o, NULL);
    TRY_CLEAN(output_check(&(struct output){.path = json_path, .inputs = {weights}}));
    if (weights)
        TRY_CLEAN(figures_of_weights(weights, size, !p.quiet, &r, &told));
    if (!p.quiet)
        print(stdout, "Parameters and GFLOPs (2 x multiply-accumulates of convolutions, input %d x %d)\n\n", size.h,
              size.w);
    if (weights) {
        TRY_CLEAN(print_figures(&p, &r));
        json_object_set(json_array_get(p.list, 0), "weights", told);
        figures_free(&r);
    }
    for (int i = 0; all ? builtin_tables[i].name != NULL : i < n_models; i++) {
        TRY_CLEAN(figures_build(all ? builtin_tables[i].name : models[i], &options, size.h, size.w, &r));
        TRY_CLEAN(print_figures(&p, &r));
        figures_free(&r);
    }
    TRY_CLEAN(flush_summary(&p));
    if (p.met_t && !p.quiet && !options.nc)
        TRY_CLEAN(explain_t(size.h, size.w));
    if (json_path)
        TRY_CLEAN(write_json(json_path, json_array_size(p.list) == 1 ? json_array_get(p.list, 0) : p.list));
cleanup:
    figures_free(&r);
    listing_free(&p.summary);
    json_decref(told);
    json_decref(p.list);
    return rc;
}

const struct verb_spec verb_info = {
    .name = "info",
    .summary = "networks, their rows, parameters and FLOPs",
    .positional = "cfg",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 info\n"
               "yolo9 info yolov9-c --rows\n"
               "yolo9 info yolov9-t.pt\n"
               "yolo9 info yolov9-t --nc 3 --img 384 640 --json -",
    .run = run,
};
