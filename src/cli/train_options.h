/* The options of training as words of a command line: what `yolo9 train` and the studies, which train too, share. */
#ifndef Y9_CLI_TRAIN_OPTIONS_H
#define Y9_CLI_TRAIN_OPTIONS_H

#include "cli/options.h"
#include "train/run_options.h"

extern const char *const train_caches[]; /* words of --cache */

/* clang-format off */
#define TRAIN_LEARNING_OPTIONS \
    {"hyp", NULL, OPTION_PAIRS, NULL, \
     "hyper-parameters: a recipe (yolov9, yolov8, yolov7, yolov7-tiny, yolov7-w6; by default that of the network), a " \
     "YAML file, or words as lr0=0.02", \
     .value = VALUE_HYPER}, \
    {"optimizer", NULL, OPTION_STRING, NULL, \
     "how weights follow gradients, auto by the run's length (default of YOLOv8's recipe; else SGD)", \
     .choices = run_optimizer_names}, \
    {"cos-lr", NULL, OPTION_FLAG, NULL, "learning rate along a cosine (default of YOLOv7 networks)"}, \
    {"linear-lr", NULL, OPTION_FLAG, NULL, "along a line (default of the others)"}, \
    {"flat-cos-lr", NULL, OPTION_FLAG, NULL, "constant for one half, then along a cosine"}, \
    {"fixed-lr", NULL, OPTION_FLAG, NULL, "constant after warm-up"}, \
    {"warmup-iterations", NULL, OPTION_INT, NULL, "least iterations of the warm-up (default 100, YOLOv7's recipe 1000)", \
     1, 1e9}
/* clang-format on */

/* The options of a run by what was written; of options that `verb` does not have the defaults. *out is initialised
 * here, and released with run_options_free also after a failure. */
enum status train_options_read(const struct options *o, const struct verb_spec *verb, struct run_options *out);

#endif
