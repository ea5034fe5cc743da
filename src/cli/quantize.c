/* yolo9 quantize: weights made ready for 8-bit inference, from photos of the training set. */
#include "quant/quantize.h"
#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/output.h"
#include "core/cpu.h"
#include "core/listing.h"
#include "core/mem.h"
#include "core/terminal.h"
#include "data/dataset.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PROBLEMS_SHOWN = 3 };

static const char *const clips[] = {
    [CLIP_MINMAX] = "minmax", [CLIP_PERCENTILE] = "percentile", [CLIP_MSE] = "mse", NULL};

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRING, NULL, "weights: .safetensors, or a .pt or .ckpt of any package",
     .value = VALUE_WEIGHTS, .heading = "Network and pictures"},
    {"data", NULL, OPTION_STRING, NULL, "dataset: its YAML or the folder of it; its training photos give the ranges",
     .value = VALUE_DATA},
    {"cfg", "model", OPTION_STRING, NULL, "network; normally found from the weights", .value = VALUE_NETWORK},
    {"images", NULL, OPTION_INT, "100", "photos for the ranges, spread over the training set", 1, 100000},
    {"trials", NULL, OPTION_INT, "8", "of these, for measuring what each convolution costs", 1, 1000},
    IMAGE_SIZE_OPTION("network input (default: that of the weights, else 640)", 2),
    {"no-cache", NULL, OPTION_FLAG, NULL, "neither read nor write the label cache"},
    {"clip", NULL, OPTION_STRING, "mse", "how a range is chosen (mse: least squared error)", .choices = clips,
     .heading = "Ranges"},
    {"percentile", NULL, OPTION_FLOAT, "99.99", "with --clip percentile: the share of values on either side", 50, 100},
    {"budget", NULL, OPTION_FLOAT, "0.01", "keep convolutions higher until the result differs by no more than this", 0,
     100},
    {"max-kept", NULL, OPTION_FLOAT, "0.02", "but not more than this share of the work", 0, 1},
    {"keep", NULL, OPTION_STRINGS, NULL, "stay higher in any case: names or their beginnings, e.g. model.0 model.22",
     .value = VALUE_NAME},
    {"out", "output", OPTION_STRING, NULL, "the .safetensors to write", .value = VALUE_FILE, .heading = "Results"},
    {"json", NULL, OPTION_STRING, NULL, "the table to this file; - is standard output", .value = VALUE_FILE},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024, .heading = "Computation"},
    {"workers", NULL, OPTION_INT, "1", "threads that read pictures ahead", 0, 64},
};

struct quantize_job {
    const struct options *o;
    struct weights weights;
    struct dataset_yaml yaml;
    struct dataset *dataset;
    struct team *team;
    struct quantize_result result;
};

/* What is to be written can be: known before the first photo. */
static enum status check_outputs(const struct options *o)
{
    const char *weights = option_string(o, "weights"), *data = option_string(o, "data"), *out = option_string(o, "out");
    const struct output file = {.path = out, .ending = "safetensors", .what = "safetensors", .inputs = {weights, data}};
    const struct output json = {.path = option_string(o, "json"), .inputs = {weights, data, out}};
    enum status rc = output_check(&file);
    return rc == OK ? output_check(&json) : rc;
}

static enum status load(struct quantize_job *j)
{
    enum status rc = OK;
    const char *weights = option_string(j->o, "weights"), *data = option_string(j->o, "data");
    struct dataset_options options = {.no_cache = option_flag(j->o, "no-cache"), .team = j->team};
    struct weights *w = &j->weights;
    struct buf text = {0};
    if (!weights || !data || !option_string(j->o, "out"))
        return fail(E_USAGE, "--weights, --data and --out are needed");
    TRY_CLEAN(check_outputs(j->o));
    TRY_CLEAN(weights_load(weights, option_string(j->o, "cfg"), w, NULL));
    if (w->eight_bit)
        return fail(E_ARGUMENT, "%s: these weights are in 8 bits already; quantize the ones they were made from",
                    weights);
    if (w->params)
        TRY_CLEAN(weights_deploy(w));
    weights_drop_training(w);
    TRY_CLEAN(dataset_yaml_open(data, &j->yaml));
    TRY_CLEAN(dataset_load(&j->yaml, SPLIT_TRAIN, &options, &j->dataset));
    TRY_CLEAN(dataset_describe(j->dataset, dataset_split_name(SPLIT_TRAIN), PROBLEMS_SHOWN, &text));
    terminal_print(stderr, text.data);
    if (w->nc != j->dataset->nc)
        rc = fail(E_SHAPE, "%s knows %d %s, %s has %d", weights, w->nc, noun(w->nc, "class", "classes"), data,
                  j->dataset->nc);
cleanup:
    buf_free(&text);
    return rc;
}

static enum status print_table(const struct quantize_result *r)
{
    static const struct listing_column columns[] = {
        {"convolution", LISTING_LEFT, 36, .least = 14, .cut = TEXT_CUT_BEGINNING},
        {"least", LISTING_RIGHT, 10, .drop = 4},
        {"largest", LISTING_RIGHT, 10, .drop = 4},
        {"scale", LISTING_RIGHT, 10, .drop = 3},
        {"zero", LISTING_RIGHT, 6, .drop = 2},
        {"error", LISTING_RIGHT, 9},
        {"GFLOPs", LISTING_RIGHT, 8, .drop = 1},
        {"", LISTING_LEFT, 0},
    };
    enum status rc = OK;
    struct listing l;
    listing_init(&l, columns, COUNT(columns));
    for (int i = 0; i < r->n_layers; i++) {
        const struct quantize_layer *q = &r->layers[i];
        TRY_CLEAN(listing_add(&l, "%s", q->name));
        TRY_CLEAN(listing_add(&l, "%.3f", (double)q->min));
        TRY_CLEAN(listing_add(&l, "%.3f", (double)q->max));
        TRY_CLEAN(listing_add(&l, "%.3g", (double)q->quant.scale));
        TRY_CLEAN(listing_add(&l, "%d", q->quant.zero));
        TRY_CLEAN(listing_add(&l, "%.5f", q->error));
        TRY_CLEAN(listing_add(&l, "%.3f", 1e-9 * q->flops));
        TRY_CLEAN(listing_add(&l, "%s", q->quant.on ? "" : q->asked ? "stays higher, as asked" : "stays higher"));
    }
    TRY_CLEAN(print_listing(&l));
cleanup:
    listing_free(&l);
    return rc;
}

static json_t *table_json(const struct quantize_result *r)
{
    json_t *layers = json_array();
    for (int i = 0; i < r->n_layers; i++) {
        const struct quantize_layer *l = &r->layers[i];
        json_array_append_new(layers, json_pack("{s:s, s:f, s:f, s:f, s:i, s:f, s:f, s:b}", "name", l->name, "min",
                                                (double)l->min, "max", (double)l->max, "scale", (double)l->quant.scale,
                                                "zero", l->quant.zero, "error", l->error, "gflops", 1e-9 * l->flops,
                                                "int8", l->quant.on));
    }
    return json_pack("{s:i, s:i, s:f, s:f, s:f, s:f, s:o}", "images", r->pictures, "trials", r->trials, "error_all",
                     r->error_all, "error", r->error, "gflops", 1e-9 * r->flops, "kept_gflops", 1e-9 * r->kept_flops,
                     "layers", layers);
}

/* "best-int8.safetensors: 80 of 85 convolutions and 97.1 % of the work in 8 bits, ..." */
static void say(const struct quantize_job *j, const char *path, FILE *stream)
{
    const struct quantize_result *r = &j->result;
    struct stat st;
    double mb = stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0;
    print(stream,
          "%s: %d of %d convolutions, %.1f %% of the work, in 8 bits; ranges from %d %s; the result differs by %.4f "
          "from float32 (all in 8 bits: %.4f); %.1f MB",
          path, r->n_layers - r->n_kept, r->n_layers, 100 * (1 - r->kept_flops / r->flops), r->pictures,
          noun(r->pictures, "photo", "photos"), r->error, r->error_all, mb);
}

static enum status finish(struct quantize_job *j)
{
    enum status rc = OK;
    const char *out = option_string(j->o, "out"), *json = option_string(j->o, "json");
    const struct quantize_result *r = &j->result;
    bool alone = json && !strcmp(json, "-");
    json_t *root = json ? table_json(r) : NULL;
    if (r->n_kept == r->n_layers) {
        rc = fail(E_ARGUMENT, "every convolution stays higher: there is nothing to write in 8 bits");
        goto cleanup;
    }
    TRY_CLEAN(weights_save_eight_bit(out, &j->weights));
    if (!alone)
        TRY_CLEAN(print_table(r));
    say(j, out, alone ? stderr : stdout);
    if (root)
        TRY_CLEAN(output_json(json, root));
    if (r->error > option_float(j->o, "budget"))
        print(stderr, "the budget of %g is not met: raise --max-kept, or measure with yolo9 val what it costs",
              option_float(j->o, "budget"));
cleanup:
    json_decref(root);
    return rc;
}

static enum status run(struct quantize_job *j)
{
    const struct options *o = j->o;
    int threads = option_int(o, "threads");
    struct quantize_config config = {
        .pictures = option_int(o, "images"),
        .trials = option_int(o, "trials"),
        .budget = option_float(o, "budget"),
        .most_kept = option_float(o, "max-kept"),
        .workers = option_int(o, "workers"),
        .progress = true,
    };
    config.keep = option_strings(o, "keep", &config.n_keep);
    config.clip = (struct clip){(enum clip_method)option_choice(o, "clip"), option_float(o, "percentile")};
    TRY(team_create(threads ? threads : cpu_count(), &j->team));
    config.team = j->team;
    TRY(load(j));
    const struct image_size size = image_size_of(o, &j->weights);
    image_size_compare(&j->weights, size.h, size.w);
    config.h = size.h;
    config.w = size.w;
    TRY(quantize(&j->weights, j->dataset, &config, &j->result));
    TRY(finish(j));
    return OK;
}

static enum status quantize_verb(const struct options *o)
{
    struct quantize_job j = {.o = o};
    enum status rc = run(&j);
    quantize_result_free(&j.result);
    dataset_destroy(j.dataset);
    dataset_yaml_close(&j.yaml);
    weights_free(&j.weights);
    team_destroy(j.team);
    return rc;
}

const struct verb_spec verb_quantize = {
    .name = "quantize",
    .summary = "make weights ready for 8-bit inference",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 quantize best.safetensors --data bccd.yaml --out best-int8.safetensors\n"
               "yolo9 detect --weights best-int8.safetensors photos/",
    .run = quantize_verb,
};
