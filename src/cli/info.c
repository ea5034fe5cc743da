/* yolo9 info: what a network is made of and what it costs, in training and in deployed form. */
#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/info_families.h"
#include "cli/info_weights.h"
#include "cli/output.h"
#include "core/listing.h"
#include "core/log.h"
#include "core/terminal.h"
#include "formats/json.h"
#include "graph/op_rules.h"
#include "model/builtin.h"
#include "model/figures.h"
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
    {"families", NULL, OPTION_FLAG, NULL, "side by side: head, outputs of a cell, losses, assigner, auxiliary branch"},
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

/* The network that a weight file holds: its table, with the head that its tensors have. *told: what the file is. */
/* `cfg` (NULL: none) is the table of weights that bring none and fit no built-in one. */
static enum status figures_of_weights(const char *path, const char *cfg, struct image_size size, bool print,
                                      struct figures *r, json_t **told)
{
    enum status rc = OK;
    struct weights weights = {0};
    rc = weights_load(path, NULL, &weights, NULL);
    if (rc == E_UNSUPPORTED && cfg)
        rc = weights_load(path, cfg, &weights, NULL);
    TRY_CLEAN(rc);
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
    const struct cost aux = figures_auxiliary(r);
    listing_init(&l, columns, COUNT(columns));
    for (int i = 0; i < r->n_rows; i++)
        TRY_CLEAN(add_row(&l, i, &r->rows[i]));
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
    bool quiet, rows, families;
    struct image_size size;
    bool met_t; /* a T was shown: its figures need a word */
    json_t *list;
    struct listing summary;
    struct buf gains; /* of the losses, one line a recipe */
};

static void begin_summary(struct printer *p)
{
    if (p->families)
        families_begin(&p->summary);
    else
        listing_init(&p->summary, summary_columns, COUNT(summary_columns));
}

/* The table so far; a new one begins. */
static enum status flush_summary(struct printer *p)
{
    enum status rc = p->summary.n_cells ? print_listing(&p->summary) : OK;
    listing_free(&p->summary);
    begin_summary(p);
    return rc;
}

static enum status print_figures(struct printer *p, const struct figures *r)
{
    json_t *one = figures_json(r);
    json_array_append_new(p->list, one);
    families_json(r, one);
    if (r->h != p->size.h || r->w != p->size.w)
        log_info("%s: counted for %d x %d, as its sides are multiples of %d", r->table.name, r->h, r->w,
                 graph_largest_stride(&r->training));
    p->met_t |= !strncmp(r->table.name, "yolov9-t", 8) || !strncmp(r->table.name, "gelan-t", 7);
    if (p->quiet)
        return OK;
    if (p->families)
        return families_add(&p->summary, &p->gains, r);
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
    struct printer p = {.quiet = json_path && !strcmp(json_path, "-"),
                        .rows = option_flag(o, "rows"),
                        .families = option_flag(o, "families"),
                        .list = json_array()};
    struct figures r = {0};
    json_t *told = NULL;
    begin_summary(&p);
    struct model_options options;
    model_options_init(&options);
    options.nc = option_given(o, "nc") ? option_int(o, "nc") : 0;
    const struct image_size size = p.size = image_size_of(o, NULL);
    if (p.families && p.rows)
        TRY_CLEAN(fail(E_USAGE, "of --families and --rows only one can be chosen"));
    TRY_CLEAN(output_check(&(struct output){.path = json_path, .inputs = {weights}}));
    if (weights)
        TRY_CLEAN(figures_of_weights(weights, n_models == 1 ? models[0] : NULL, size, !p.quiet, &r, &told));
    if (!p.quiet)
        print(stdout, "Parameters and GFLOPs (2 x multiply-accumulates of convolutions, input %d x %d)\n\n", size.h,
              size.w);
    if (weights) {
        TRY_CLEAN(print_figures(&p, &r));
        json_object_set(json_array_get(p.list, 0), "weights", told);
        figures_free(&r);
    }
    for (int i = 0; all ? builtin_tables[i].name != NULL : i < n_models; i++) {
        if (all && p.families && builtin_tables[i].study)
            continue;
        TRY_CLEAN(figures_build(all ? builtin_tables[i].name : models[i], &options, size.h, size.w, &r));
        TRY_CLEAN(print_figures(&p, &r));
        figures_free(&r);
    }
    TRY_CLEAN(flush_summary(&p));
    if (p.families && !p.quiet)
        families_explain(&p.gains);
    else if (all && !p.quiet)
        print(stdout, "\nHeads, losses, assigners and auxiliary branches side by side: yolo9 info --families");
    if (p.met_t && !p.families && !p.quiet && !options.nc)
        TRY_CLEAN(explain_t(size.h, size.w));
    if (json_path)
        TRY_CLEAN(write_json(json_path, json_array_size(p.list) == 1 ? json_array_get(p.list, 0) : p.list));
cleanup:
    figures_free(&r);
    listing_free(&p.summary);
    buf_free(&p.gains);
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
               "yolo9 info --families\n"
               "yolo9 info yolov9-c --rows\n"
               "yolo9 info yolov9-t.pt\n"
               "yolo9 info yolov9-t --nc 3 --img 384 640 --json -",
    .run = run,
};
