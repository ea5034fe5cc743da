/* yolo9 figure network: a network drawn from its table and graph. */
#include "cli/cli.h"
#include "cli/figure_out.h"
#include "cli/image_size.h"
#include "core/log.h"
#include "lab/network_figure.h"
#include "model/figures.h"
#include "weights/weights.h"

static const struct option_spec options_table[] = {
    {"cfg", "model", OPTION_STRING, NULL, "network, e.g. yolov9-t", .value = VALUE_NETWORK, .heading = "Network"},
    {"weights", NULL, OPTION_STRING, NULL, "a weight file: the network it holds, with its own head widths",
     .value = VALUE_WEIGHTS},
    {"nc", NULL, OPTION_INT, NULL, "number of classes, instead of the table's", 1, MAX_CLASSES},
    IMAGE_SIZE_OPTION("input size that sizes on the wires are told for (default 640)", 2),
    FIGURE_OUT_OPTIONS,
};

static enum status count(const struct options *o, struct figures *f)
{
    enum status rc = OK;
    const char *path = option_string(o, "weights"), *cfg = option_string(o, "cfg");
    struct weights weights = {0};
    struct model_options options;
    struct image_size size = {0};
    model_options_init(&options);
    if (path) {
        TRY_CLEAN(weights_load(path, cfg, &weights, NULL));
        size = image_size_of(o, &weights);
        struct table table = weights.table; /* goes over to *f */
        weights.table = (struct table){0};
        TRY_CLEAN(figures_count(table, &weights.options, size.h, size.w, f));
    } else {
        size = image_size_of(o, NULL);
        options.nc = option_given(o, "nc") ? option_int(o, "nc") : 0;
        TRY_CLEAN(figures_build(cfg, &options, size.h, size.w, f));
    }
    if (f->h != size.h || f->w != size.w)
        log_info("%s: counted for %d x %d, as its sides are multiples of %d", f->table.name, f->h, f->w,
                 graph_largest_stride(&f->training));
cleanup:
    weights_free(&weights);
    return rc;
}

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct figures f = {0};
    char *folder = NULL;
    if (!option_string(o, "weights") && !option_string(o, "cfg"))
        return fail(E_USAGE, "which network? Name one, or give --weights");
    if (option_string(o, "weights") && option_given(o, "nc"))
        return fail(E_USAGE, "--nc is for a table: weights have their own number of classes");
    TRY(figure_out_check(o));
    TRY_CLEAN(count(o, &f));
    TRY_CLEAN(figure_out_make(o, &folder));
    TRY_CLEAN(network_figure_write(&f, folder, "network"));
cleanup:
    figures_free(&f);
    return figure_out_close(rc, folder, "network.svg, network.png, network.csv, network.json");
}

const struct verb_spec figure_network = {
    .name = "figure network",
    .summary = "a network drawn: levels, branches, channels and sizes",
    .positional = "cfg",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 figure network yolov9-t\n"
               "yolo9 figure network yolov7-w6 --img 1280",
    .run = run,
};
