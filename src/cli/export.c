/* yolo9 export: the inference form of a network for other programs. */
#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/official.h"
#include "cli/output.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"
#include "detect/decode.h"
#include "export/c_source.h"
#include "export/onnx.h"
#include "weights/weights.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const formats[] = {"onnx", "c", "torch", NULL}; /* in the order of format_table */

static const char *const nms_kinds[] = {"onnx", "efficient", NULL}; /* enum onnx_nms_kind without the first */

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRING, NULL, "weights; without them --cfg gives a network of random ones",
     .value = VALUE_WEIGHTS, .heading = "Network"},
    {"cfg", "model", OPTION_STRING, NULL, "network; normally found from the weights", .value = VALUE_NETWORK},
    IMAGE_SIZE_OPTION("network input (default: that of the weights, else 640)", 2),
    {"batch", "batch-size", OPTION_INT, "1", "images at once", 1, 1024},
    {"dynamic", NULL, OPTION_FLAG, NULL, "batch, height and width are left open"},
    {"half", NULL, OPTION_FLAG, NULL, "weights and convolutions in 16 bits; inputs and outputs stay float32"},
    {"format", "include", OPTION_STRING, "onnx", "kind of file: ONNX, a C99 file, or the training form for PyTorch",
     .choices = formats, .heading = "Results"},
    {"out", "output", OPTION_STRING, NULL, "file to write; default: beside the weights, or the network's name",
     .value = VALUE_FILE},
    {"opset", NULL, OPTION_INT, "12", "ONNX operator set", ONNX_OPSET_FIRST, ONNX_OPSET_LAST},
    {"raw", NULL, OPTION_FLAG, NULL, "the head's maps as they are, without decoding: box_8, cls_8, box_16 ..."},
    {"nms", NULL, OPTION_STRING, NULL, "detections after NMS: (k, 7), or the four outputs of TensorRT's node",
     .bare = "onnx", .choices = nms_kinds},
    {"conf", "conf-thres", OPTION_FLOAT, "0.25", "NMS: scores above this", 0, 1},
    {"iou", "iou-thres", OPTION_FLOAT, "0.45", "NMS: boxes that overlap more are one", 0, 1},
    {"max-det", "topk-all", OPTION_INT, "1000", "NMS: detections at most", 1, 100000},
    OFFICIAL_DEVICE,
    {"data", NULL, OPTION_STRING, NULL, "class names come from the weights; numbers where these have none",
     .value = VALUE_FILE, .state = OPTION_IGNORED},
    {"simplify", NULL, OPTION_FLAG, NULL, "the graph that is written is simple already", .state = OPTION_IGNORED},
    {"inplace", NULL, OPTION_FLAG, NULL, "it is a detail of PyTorch", .state = OPTION_IGNORED},
    {"optimize", NULL, OPTION_FLAG, NULL, "it belongs to TorchScript, which is not written", .state = OPTION_IGNORED},
    {"keras", NULL, OPTION_FLAG, NULL, "it belongs to TensorFlow's formats, which are not written",
     .state = OPTION_IGNORED},
    {"workspace", NULL, OPTION_FLOAT, NULL, "it belongs to TensorRT's format, which is not written",
     .state = OPTION_IGNORED},
    {"verbose", NULL, OPTION_FLAG, NULL, "it belongs to TensorRT's format, which is not written",
     .state = OPTION_IGNORED},
    {"int8", NULL, OPTION_FLAG, NULL, "8-bit weights are made by yolo9 quantize and run by yolo9 detect",
     .state = OPTION_REFUSED},
    {"agnostic-nms", NULL, OPTION_FLAG, NULL, "NMS in the file keeps classes apart", .state = OPTION_REFUSED},
    {"topk-per-class", NULL, OPTION_INT, NULL, "NMS in the file is limited by --max-det only", 1, 100000,
     .state = OPTION_REFUSED},
};

static enum status load(const struct options *o, bool trained, struct weights *w)
{
    const char *path = option_string(o, "weights"), *cfg = option_string(o, "cfg");
    if (path)
        TRY(weights_load(path, cfg, w, NULL));
    else if (cfg)
        TRY(weights_random(cfg, 0, 0, w));
    else
        return fail(E_USAGE, "--weights or --cfg is needed");
    if (trained)
        return OK;
    if (w->params)
        TRY(weights_deploy(w));
    weights_drop_training(w);
    return OK;
}

/* runs/best.pt -> runs/best.onnx; yolov9-t -> yolov9-t.onnx */
static char *default_path(const struct options *o, const struct weights *w, const char *ending)
{
    const char *path = option_string(o, "weights");
    struct buf out = {0};
    char *folder = path ? path_parent(path) : mem_strdup(".");
    char *stem = path ? path_stem(path) : mem_strdup(w->table.name);
    bool here = !folder || !strcmp(folder, ".");
    if (folder && stem && buf_printf(&out, "%s%s%s.%s", here ? "" : folder, here ? "" : "/", stem, ending) != OK)
        buf_free(&out);
    mem_free(folder);
    mem_free(stem);
    return out.data;
}

static double megabytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0;
}

/* --- ONNX --- */

/* "gelan-t.onnx: gelan-t, 80 classes, opset 12, images 1x3x640x640 -> output0 (cx cy w h, scores), 9.8 MB" */
static void say_onnx(const char *path, const struct weights *w, const struct onnx_options *o)
{
    char input[64];
    if (o->dynamic)
        snprintf(input, sizeof input, "Nx3xHxW");
    else
        snprintf(input, sizeof input, "%dx3x%dx%d", o->n, o->h, o->w);
    static const char *const outputs[] = {
        [NMS_NONE] = "output0 (cx cy w h, scores)",
        [NMS_ONNX] = "detections (image x1 y1 x2 y2 class score), output0 (cx cy w h, scores)",
        [NMS_EFFICIENT] = "num_dets, det_boxes, det_scores, det_classes (for TensorRT)",
    };
    print(stdout, "%s: %s, %d %s, opset %d%s, images %s -> %s, %.1f MB", path, w->table.name, w->nc,
          noun(w->nc, "class", "classes"), o->opset,
          o->half        ? ", 16-bit weights"
          : o->eight_bit ? ", 8-bit weights"
                         : "",
          input, o->raw ? "raw maps" : outputs[o->nms], megabytes(path));
}

static enum status check_onnx(const struct options *o)
{
    if (option_flag(o, "raw") && option_string(o, "nms"))
        return fail(E_USAGE, "--nms needs the decoded output, --raw writes the head's maps");
    return OK;
}

/* 8-bit weights need operators that the usual set has not. */
static int opset_of(const struct options *o, const struct weights *w)
{
    return w->eight_bit && !option_given(o, "opset") ? ONNX_OPSET_EIGHT_BIT : option_int(o, "opset");
}

static enum status write_onnx(const char *path, const struct options *o, const struct weights *w)
{
    const struct image_size size = image_size_of(o, w);
    const struct onnx_options to = {
        .n = option_int(o, "batch"),
        .h = size.h,
        .w = size.w,
        .dynamic = option_flag(o, "dynamic"),
        .half = option_flag(o, "half"),
        .eight_bit = w->eight_bit,
        .nms = (enum onnx_nms_kind)(1 + option_choice(o, "nms")),
        .raw = option_flag(o, "raw"),
        .conf = (float)option_float(o, "conf"),
        .iou = (float)option_float(o, "iou"),
        .max_det = option_int(o, "max-det"),
        .opset = opset_of(o, w),
        .version = Y9_VERSION,
        .model = w->table.name,
        .names = (const char *const *)w->names,
    };
    TRY(onnx_write(path, &w->deployed, w->deployed_params, &to));
    say_onnx(path, w, &to);
    return OK;
}

/* --- C --- */

static enum status write_c(const char *path, const struct options *o, const struct weights *w)
{
    const struct image_size size = image_size_of(o, w);
    struct c_sizes sizes;
    const char **rows = mem_calloc((size_t)w->table.n_rows + 1, sizeof *rows);
    if (!rows)
        return E_NOMEM;
    for (int i = 0; i < w->table.n_rows; i++)
        rows[i] = w->table.rows[i].module;
    const struct c_options to = {
        .h = size.h,
        .w = size.w,
        .eight_bit = w->eight_bit,
        .raw = option_flag(o, "raw"),
        .class_offset = head_class_offset(&w->deployed.head),
        .model = w->table.name,
        .names = (const char *const *)w->names,
        .rows = rows,
        .n_rows = w->table.n_rows,
    };
    const enum status rc = c_source_write(path, &w->deployed, w->deployed_params, &to, &sizes);
    if (rc == OK)
        print(stdout, "%s and .h: %s, %d %s, %s weights, %dx%d: constants %.2f MB, arena %.2f MB, source %.1f MB", path,
              w->table.name, w->nc, noun(w->nc, "class", "classes"), w->eight_bit ? "8-bit" : "float", size.h, size.w,
              (double)sizes.weights / 1e6, (double)sizes.arena / 1e6, megabytes(path));
    mem_free(rows);
    return rc;
}

/* --- PyTorch --- */

static enum status write_torch(const char *path, const struct options *o, const struct weights *w)
{
    TRY(weights_save_torch(path, w, option_flag(o, "half")));
    print(stdout, "%s: training form of %s, %d %s, for load_state_dict, %.1f MB", path, w->table.name, w->nc,
          noun(w->nc, "class", "classes"), megabytes(path));
    return OK;
}

/* --- all --- */

/* A kind of file. */
static const struct export_format {
    const char *name, *ending, *what;
    bool trained;      /* it holds the training form */
    const char *lacks; /* options that have no meaning for it, one after another */
    enum status (*check)(const struct options *o);
    enum status (*write)(const char *path, const struct options *o, const struct weights *w);
} format_table[] = {
    {"onnx", "onnx", "ONNX", false, "", check_onnx, write_onnx},
    {"c", "c", "C source", false, "batch dynamic half opset nms conf iou max-det", NULL, write_c},
    {"torch", "pt", "a PyTorch file", true, "img batch dynamic raw opset nms conf iou max-det", NULL, write_torch},
};

/* An option that the user gave and that this kind of file has not. */
static enum status check_options(const struct options *o, const struct export_format *f)
{
    char name[32];
    int length;
    for (const char *at = f->lacks; sscanf(at, " %31s%n", name, &length) == 1; at += length) {
        if (option_given(o, name))
            return fail(E_USAGE, "--%s has no meaning for --format %s", name, f->name);
    }
    return f->check ? f->check(o) : OK;
}

static enum status write_file(const struct options *o)
{
    enum status rc = OK;
    struct weights w = {0};
    char *path = NULL;
    const struct export_format *f = &format_table[option_choice(o, "format")];
    struct output output = {
        .path = option_string(o, "out"), .ending = f->ending, .what = f->what, .inputs = {option_string(o, "weights")}};
    TRY(check_options(o, f));
    TRY_CLEAN(output_check(&output));
    TRY_CLEAN(load(o, f->trained, &w));
    path = output.path ? mem_strdup(output.path) : default_path(o, &w, f->ending);
    TRY_CLEAN(path ? OK : E_NOMEM);
    if (!output.path && path_exists(path)) /* only what the user names is replaced */
        TRY_CLEAN(fail(E_ARGUMENT,
                       "%s: there is a file of this name already; give --out %s to replace it, or another name", path,
                       path));
    output.path = path;
    TRY_CLEAN(output_check(&output));
    TRY_CLEAN(f->write(path, o, &w));
cleanup:
    weights_free(&w);
    mem_free(path);
    return rc;
}

const struct verb_spec verb_export = {
    .name = "export",
    .summary = "write the network for other programs (ONNX, C, PyTorch)",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 export --weights yolov9-c.pt --img 640\n"
               "yolo9 export --weights best.safetensors --dynamic --nms --out best.onnx\n"
               "yolo9 export --weights best.safetensors --format c --img 320 --out detector.c",
    .run = write_file,
};
