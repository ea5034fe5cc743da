/* yolo9 bench: the time of the network alone, or of a training step. */
#include "cli/bench.h"
#include "cli/image_size.h"
#include "cli/precision.h"

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRING, NULL, "weights; without them --cfg runs with random ones", .value = VALUE_WEIGHTS,
     .heading = "Network"},
    {"cfg", "model", OPTION_STRING, NULL, "network, e.g. yolov9-t", .value = VALUE_NETWORK},
    {"nc", NULL, OPTION_INT, "0", "classes with --cfg; 0: the table's", 0, 10000},
    IMAGE_SIZE_OPTION("network input (default: that of the weights, else 640)", 2),
    {"batch", "batch-size", OPTION_INT, "1", "images at once", 1, 1024},
    {"train", NULL, OPTION_FLAG, NULL, "a training step: forward, loss, backward, optimizer"},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024, .heading = "Computation"},
    {"exact", NULL, OPTION_FLAG, NULL, "direct convolution only"},
    PRECISION_OPTIONS,
    {"runs", NULL, OPTION_INT, "20", "timed runs", 1, 100000, .heading = "Results"},
    {"per-layer", NULL, OPTION_FLAG, NULL, "a line a node: time, GFLOP/s, algorithm"},
    {"json", NULL, OPTION_STRING, NULL, "machine-readable result to this file; - is standard output",
     .value = VALUE_FILE},
};

static enum status bench(const struct options *o)
{
    if (!option_flag(o, "train"))
        return bench_inference(o);
    return bench_train(o);
}

const struct verb_spec verb_bench = {
    .name = "bench",
    .summary = "time the network",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 bench --cfg gelan-c --threads 1 --per-layer\n"
               "yolo9 bench --weights gelan-c-int8.safetensors --precision int8",
    .run = bench,
};
