/* yolo9 convert IN OUT: any weight file to our safetensors, in training form or deployed, or to a file for PyTorch. */
#include "cli/cli.h"
#include "cli/output.h"
#include "core/path.h"
#include "core/terminal.h"
#include "weights/weights.h"

#include <stdio.h>
#include <strings.h>

static const struct option_spec options_table[] = {
    {"files", NULL, OPTION_STRINGS, NULL, "the weight file to read; the .safetensors, or .pt, to write",
     .value = VALUE_FILE},
    {"deploy", NULL, OPTION_FLAG, NULL, "the inference form: auxiliary branch gone, BN folded, RepConvN merged"},
    {"half", NULL, OPTION_FLAG, NULL, "values as 16-bit floats"},
    {"cfg", "model", OPTION_STRING, NULL, "network; normally found from the weights", .value = VALUE_NETWORK},
};

/* "gelan-t.safetensors: deployed form of gelan-t-coco, 80 classes, 2,094,000 parameters" */
static void say(const char *path, const struct weights *w, bool deployed)
{
    const struct graph *g = deployed ? &w->deployed : &w->training;
    char count[32];
    print(stdout, "%s: %s form of %s, %d %s, %s parameters", path, deployed ? "deployed" : "training", w->table.name,
          w->nc, noun(w->nc, "class", "classes"), text_grouped((double)model_count_params(g, -1), count, sizeof count));
}

/* A file of this name is for PyTorch. */
static bool is_torch(const char *path)
{
    const char *ending = path_extension(path);
    return !strcasecmp(ending, "pt") || !strcasecmp(ending, "pth");
}

static enum status write_weights(const char *path, const struct weights *w, bool torch, const struct options *o)
{
    const bool half = option_flag(o, "half");
    return torch ? weights_save_torch(path, w, half) : weights_save(path, w, option_flag(o, "deploy"), half);
}

static enum status convert(const struct options *o)
{
    enum status rc = OK;
    struct weights w = {0};
    struct weights_report report = {0};
    struct buf text = {0};
    int n;
    const char *const *files = option_strings(o, "files", &n);
    bool deployed = option_flag(o, "deploy");
    if (n != 2)
        return fail(E_USAGE, "two files are needed: the one to read and the one to write");
    const bool torch = is_torch(files[1]);
    if (torch && deployed)
        return fail(E_USAGE, "%s: PyTorch's network is in training form; --deploy is for safetensors", files[1]);
    const struct output output = {.path = files[1],
                                  .ending = torch ? path_extension(files[1]) : "safetensors",
                                  .what = "safetensors",
                                  .inputs = {files[0], option_string(o, "cfg")}};
    TRY_CLEAN(output_check(&output));
    TRY_CLEAN(weights_load(files[0], option_string(o, "cfg"), &w, &report));
    if (deployed && w.params)
        TRY_CLEAN(weights_deploy(&w));
    TRY_CLEAN(report_summary(&report, &text));
    print(stderr, "%s: %s", files[0], text.data);
    TRY_CLEAN(write_weights(files[1], &w, torch, o));
    say(files[1], &w, deployed);
    if (w.eight_bit)
        print(stderr, "%s: its 8-bit weights were written as floats, without their ranges", files[0]);
cleanup:
    buf_free(&text);
    report_free(&report);
    weights_free(&w);
    return rc;
}

const struct verb_spec verb_convert = {
    .name = "convert",
    .summary = "rewrite a weight file as safetensors, or for PyTorch",
    .positional = "files",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 convert yolov9-c.pt yolov9-c.safetensors --deploy --half\n"
               "yolo9 convert best.safetensors best.pt",
    .run = convert,
};
