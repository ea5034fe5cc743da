/* yolo9 export: the inference form of a network for other programs. */
#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/options.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/path.h"
#include "export/onnx.h"
#include "weights/weights.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRING, NULL, "weight file; without one --cfg gives a network of random weights", 0, 0},
    {"cfg", "model", OPTION_STRING, NULL, "network name (yolov9-t) or table file", 0, 0},
    {"format", "include", OPTION_STRING, "onnx", "onnx", 0, 0},
    {"out", "output", OPTION_STRING, NULL, "file to write; default: beside the weights, or the network's name", 0, 0},
    IMAGE_SIZE_OPTION("network input, N or H W; default: that of the weights, else 640", 2),
    {"batch", "batch-size", OPTION_INT, "1", "images at once", 1, 1024},
    {"dynamic", NULL, OPTION_FLAG, NULL, "batch, height and width are left open", 0, 0},
    {"half", NULL, OPTION_FLAG, NULL, "weights and convolutions in 16 bits; inputs and outputs stay float32", 0, 0},
    {"nms", NULL, OPTION_FLAG, NULL, "one more output: detections after NMS (n, 6), for a batch of 1", 0, 0},
    {"raw", NULL, OPTION_FLAG, NULL, "the head's maps as they are, without decoding: box_8, cls_8, box_16 ...", 0, 0},
    {"conf", "conf-thres", OPTION_FLOAT, "0.25", "NMS: scores above this", 0, 1},
    {"iou", "iou-thres", OPTION_FLOAT, "0.45", "NMS: boxes that overlap more are one", 0, 1},
    {"max-det", "topk-all", OPTION_INT, "1000", "NMS: detections at most", 1, 100000},
    {"opset", NULL, OPTION_INT, "12", "ONNX operator set", ONNX_OPSET_FIRST, ONNX_OPSET_LAST},
};

static const struct verb_spec spec = {
    .name = "export",
    .summary = "write the network for other programs (ONNX)",
    .positional = NULL,
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 export --weights yolov9-c.pt --img 640\n"
               "  yolo9 export --weights best.safetensors --dynamic --nms --out best.onnx",
};

static enum status load(const struct options *o, struct weights *w)
{
    enum status rc = OK;
    const char *path = option_string(o, "weights"), *cfg = option_string(o, "cfg");
    if (path)
        TRY(weights_load(path, cfg, w, NULL));
    else if (cfg)
        TRY(weights_random(cfg, 0, 0, w));
    else
        return fail(E_ARGUMENT, "--weights or --cfg is needed");
    if (w->params)
        TRY(weights_deploy(w));
    weights_drop_training(w);
cleanup:
    return rc;
}

/* runs/best.pt -> runs/best.onnx; yolov9-t -> yolov9-t.onnx */
static char *default_path(const struct options *o, const struct weights *w)
{
    const char *path = option_string(o, "weights");
    struct buf out = {0};
    char *folder = path ? path_parent(path) : mem_strdup(".");
    char *stem = path ? path_stem(path) : mem_strdup(w->table.name);
    bool here = !folder || !strcmp(folder, ".");
    if (folder && stem && buf_printf(&out, "%s%s%s.onnx", here ? "" : folder, here ? "" : "/", stem) != OK)
        buf_free(&out);
    mem_free(folder);
    mem_free(stem);
    return out.data;
}

/* "gelan-t.onnx: gelan-t, 80 classes, opset 12, images 1x3x640x640 -> output0 (cx cy w h, scores), 9.8 MB" */
static void say(const char *path, const struct weights *w, const struct onnx_options *o)
{
    struct stat st;
    double mb = stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0;
    char input[64];
    if (o->dynamic)
        snprintf(input, sizeof input, "%sx3xHxW", o->nms ? "1" : "N");
    else
        snprintf(input, sizeof input, "%dx3x%dx%d", o->n, o->h, o->w);
    const char *output = o->raw   ? "raw maps"
                         : o->nms ? "output0 (cx cy w h, scores), detections (x1 y1 x2 y2 score class)"
                                  : "output0 (cx cy w h, scores)";
    printf("%s: %s, %d classes, opset %d%s, images %s -> %s, %.1f MB\n", path, w->table.name, w->nc, o->opset,
           o->half ? ", 16-bit weights" : "", input, output, mb);
}

static enum status write_file(const struct options *o)
{
    enum status rc = OK;
    struct weights w = {0};
    const char *format = option_string(o, "format");
    char *path = NULL;
    struct onnx_options to = {
        .n = option_int(o, "batch"),
        .dynamic = option_flag(o, "dynamic"),
        .half = option_flag(o, "half"),
        .nms = option_flag(o, "nms"),
        .raw = option_flag(o, "raw"),
        .conf = (float)option_float(o, "conf"),
        .iou = (float)option_float(o, "iou"),
        .max_det = option_int(o, "max-det"),
        .opset = option_int(o, "opset"),
    };
    if (strcmp(format, "onnx") != 0)
        return fail(E_ARGUMENT, "--format %s: only onnx is known", format);
    TRY(load(o, &w));
    const struct image_size size = image_size_of(o, option_string(o, "weights") ? &w : NULL);
    to.h = size.h;
    to.w = size.w;
    path = option_string(o, "out") ? mem_strdup(option_string(o, "out")) : default_path(o, &w);
    if (!path) {
        rc = E_NOMEM;
        goto cleanup;
    }
    to.model = w.table.name;
    to.names = (const char *const *)w.names;
    TRY(onnx_write(path, &w.deployed, w.deployed_params, &to));
    say(path, &w, &to);
cleanup:
    weights_free(&w);
    mem_free(path);
    return rc;
}

int verb_export(int argc, char **argv)
{
    struct options *o = NULL;
    int code = options_begin(&spec, argc, argv, &o);
    if (code >= 0)
        return code;
    code = verb_end("export", write_file(o));
    options_free(o);
    return code;
}
