/* yolo9 train: options in, progress out. The run itself is train/train.c. */
#include "train/train.h"

#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/interrupt.h"
#include "cli/official.h"
#include "cli/output.h"
#include "cli/train_display.h"
#include "cli/train_options.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/path.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEWEST "the newest run"

/* Options of a run are the fields of train/run_options.h, which has their defaults too. */
static const struct option_spec options_table[] = {
    {"cfg", "model", OPTION_STRING, NULL, "network, e.g. yolov9-t; without one that of --weights",
     .value = VALUE_NETWORK, .heading = "Network and data"},
    {"data", NULL, OPTION_STRING, NULL, "dataset: its YAML, or the folder it lies in", .value = VALUE_DATA},
    {"weights", NULL, OPTION_STRING, NULL,
     "start from these: .safetensors, or a .pt or .ckpt of any package; without it, or with '': from random values",
     .value = VALUE_WEIGHTS},
    {"resume", NULL, OPTION_STRING, NULL, "go on with this run (its folder); alone: with the newest", .bare = NEWEST,
     .value = VALUE_FOLDER},
    IMAGE_SIZE_OPTION("image size in training and validation (default 640)", 1),
    {"multi-scale", NULL, OPTION_FLAG, NULL, "every batch at its own size, half to one and a half of --img"},
    {"rect", NULL, OPTION_FLAG, NULL, "batches of similar shapes, no mosaic, no shuffling"},
    {"image-weights", NULL, OPTION_FLAG, NULL, "draw pictures of rare and difficult classes more often"},
    {"single-cls", NULL, OPTION_FLAG, NULL, "all classes are one"},
    {"min-items", NULL, OPTION_INT, "0", "leave out training pictures with fewer labels", 0, 1e6},
    {"cache", NULL, OPTION_STRING, NULL, "keep pictures in memory", .bare = "ram", .choices = train_caches},
    {"no-cache", NULL, OPTION_FLAG, NULL, "neither read nor write the label cache"},
    {"epochs", NULL, OPTION_INT, "100", "times through the training pictures", 1, 1e6, .heading = "Training"},
    {"batch", "batch-size", OPTION_INT, "16", "pictures a batch", -1, 4096},
    {"nominal-batch", NULL, OPTION_INT, "64", "sum gradients over so many pictures before a step", 1, 65536},
    TRAIN_LEARNING_OPTIONS,
    {"close-mosaic", NULL, OPTION_INT, NULL,
     "last epochs without mosaic (default 15, YOLOv8's recipe 10; 0 below 30 epochs)", 0, 1e6},
    {"patience", NULL, OPTION_INT, "100", "stop after so many epochs without a better one; 0: never", 0, 1e6},
    {"noautoanchor", NULL, OPTION_FLAG, NULL, "keep a network's anchor boxes where they do not fit the labels"},
    {"freeze", NULL, OPTION_INTS, NULL, "rows that are not trained: 10 means the first ten, 0 1 2 these", 0, 100000,
     .most = RUN_MAX_FREEZE},
    {"assign", NULL, OPTION_STRING, "independent", "targets of the branches", .choices = run_assign_names},
    {"assigner", NULL, OPTION_STRING, "auto", "how they are found; auto: as the network's head and family do",
     .choices = run_assigner_names},
    {"cls-loss", NULL, OPTION_STRING, "bce",
     "of class scores: binary cross-entropy, or varifocal loss (alpha 0.75, gamma 2)", .choices = run_cls_loss_names},
    {"aux-weight", NULL, OPTION_FLOAT, "0.25", "weight of the auxiliary branch in the loss", 0, 1e6},
    {"main-weight", NULL, OPTION_FLOAT, "1", "weight of the main branch in the loss", 0, 1e6},
    {"label-smoothing", NULL, OPTION_FLOAT, NULL, "of class targets; anchor heads (YOLOv7) only", 0, 1},
    {"seed", NULL, OPTION_INT, "0", "of all random numbers", 0, 2147483647},
    {"lr-lag", NULL, OPTION_FLAG, NULL,
     "epoch e with the learning rate of e - 1; --no-lr-lag: with its own (default of "
     "YOLOv8's recipe)"},
    {"official-quirks", NULL, OPTION_FLAG, NULL,
     "weights rounded to fp16 at the start, left-over gradients dropped, SimOTA by a picture's height alone"},
    {"noval", NULL, OPTION_FLAG, NULL, "validate the last epoch only", .heading = "Results"},
    {"nosave", NULL, OPTION_FLAG, NULL, "write weights after the last epoch only (the state is always written)"},
    {"noplots", NULL, OPTION_FLAG, NULL, "no pictures in the run's folder"},
    {"save-period", NULL, OPTION_INT, "-1", "keep weights/epochN every so many epochs; below 1: never", -1, 1e6},
    {"save-minutes", NULL, OPTION_FLOAT, "10", "save the state at least so often; 0: after epochs only", 0, 1e6},
    {"project", NULL, OPTION_STRING, "runs/train", "folder of the runs", .value = VALUE_FOLDER},
    {"name", NULL, OPTION_STRING, "exp", "folder of this run: exp, exp2, exp3 ...; cfg: the network's name",
     .value = VALUE_NAME},
    {"exist-ok", NULL, OPTION_FLAG, NULL, "begin anew in the folder if it is there already"},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor. Results do not depend on it", 0, 1024,
     .heading = "Computation"},
    {"workers", NULL, OPTION_INT, "2", "threads that make batches ahead. Results do not depend on it", 0, 64},
    {"exact", NULL, OPTION_FLAG, NULL, "direct convolution only"},
    {"precision", NULL, OPTION_STRING, "fp32",
     "of the products of convolutions; weights, sums, normalisation, loss and optimizer are fp32 in any case",
     .choices = run_precision_names},
    OFFICIAL_DEVICE,
    {"sync-bn", NULL, OPTION_FLAG, NULL, "there is one process", .state = OPTION_IGNORED},
    {"local-rank", NULL, OPTION_INT, NULL, "there is one process", -1, 1024, .state = OPTION_IGNORED},
    {"entity", NULL, OPTION_STRING, NULL, "there is no logging service", .state = OPTION_IGNORED},
    {"bucket", NULL, OPTION_STRING, NULL, "there is no logging service", .state = OPTION_IGNORED},
    {"upload-dataset", NULL, OPTION_STRING, NULL, "there is no logging service", .bare = "val",
     .state = OPTION_IGNORED},
    {"bbox-interval", NULL, OPTION_INT, NULL, "there is no logging service", -1, 1e6, .state = OPTION_IGNORED},
    {"artifact-alias", NULL, OPTION_STRING, NULL, "there is no logging service", .state = OPTION_IGNORED},
    {"quad", NULL, OPTION_FLAG, NULL, "batches of four pictures in one", .state = OPTION_REFUSED},
    {"evolve", NULL, OPTION_STRING, NULL, "a search for hyper-parameters", .bare = "300", .state = OPTION_REFUSED},
};

/* --- the newest run --- */

/* The folder of `project` whose state is the youngest; heap. */
static enum status find_newest(const char *project, char **out)
{
    char **names = NULL;
    int n = 0;
    struct timespec youngest = {0};
    *out = NULL;
    bool is_there = stat(project, &(struct stat){0}) == 0;
    enum status rc = is_there ? path_list(project, &names, &n) : OK;
    for (int i = 0; i < n && rc == OK; i++) {
        struct stat st;
        char *folder = path_join(project, names[i]), *state = folder ? path_join(folder, "state.safetensors") : NULL;
        if (!state)
            rc = E_NOMEM;
        else if (stat(state, &st) == 0 &&
                 (st.st_mtim.tv_sec > youngest.tv_sec ||
                  (st.st_mtim.tv_sec == youngest.tv_sec && st.st_mtim.tv_nsec > youngest.tv_nsec))) {
            youngest = st.st_mtim;
            mem_free(*out);
            *out = folder;
            folder = NULL;
        }
        mem_free(state);
        mem_free(folder);
    }
    path_list_free(names, n);
    if (rc == OK && !*out)
        rc = fail(E_ARGUMENT,
                  "%s: there is no run to resume; give its folder (--resume DIR), or where it lies (--project DIR)",
                  project);
    return rc;
}

/* --- the verb --- */

/* What the command line says, into options or the run to resume. Text that must live as long goes to *memory. */
static enum status read_request(const struct options *o, struct run_options *options, struct train_request *request,
                                char **memory)
{
    request->data = option_string(o, "data");
    request->resume = option_string(o, "resume");
    if (request->resume && !strcmp(request->resume, NEWEST)) {
        TRY(find_newest(option_string(o, "project"), memory));
        request->resume = *memory;
    }
    if (request->resume)
        return OK;
    if (!option_given(o, "cfg") && !option_given(o, "weights"))
        TRY(fail(E_USAGE, "--cfg (a network to train from nothing), --weights (one to go on with) or --resume (a "
                          "run) is needed"));
    if (!option_given(o, "data"))
        TRY(fail(E_USAGE, "--data (a dataset's YAML) is needed"));
    TRY(train_options_read(o, &verb_train, options));
    request->options = options;
    return OK;
}

static enum status run(const struct options *o, struct train_request *request)
{
    enum status rc = OK;
    struct team *team = NULL;
    char *stem = NULL;
    int threads = option_int(o, "threads");
    if (request->options && !strcmp(request->name, "cfg") && request->options->cfg) {
        TRY_CLEAN((stem = path_stem(request->options->cfg)) ? OK : E_NOMEM);
        request->name = stem;
    }
    if (request->options)
        TRY_CLEAN(output_check_run(request->project, request->name));
    TRY_CLEAN(team_create(threads ? threads : cpu_count(), &team));
    request->team = team;
    TRY_CLEAN(train_run(request));
cleanup:
    team_destroy(team);
    mem_free(stem);
    return rc;
}

/* Options of the run come from its folder when it is resumed. */
static void tell_unused(const struct options *o)
{
    static const char *const used[] = {"resume", "data", "threads", "workers", "project", "no-cache"};
    for (int i = 0; option_given(o, "resume") && i < COUNT(options_table); i++) {
        bool known = false;
        for (int k = 0; k < COUNT(used); k++)
            known |= !strcmp(options_table[i].name, used[k]);
        known |= options_table[i].state != OPTION_USED;
        if (!known && option_given(o, options_table[i].name))
            log_warn("--%s is not used: a resumed run keeps its options", options_table[i].name);
    }
}

static enum status train(const struct options *o)
{
    enum status rc = OK;
    struct train_display display = {0};
    struct train_request request = {
        .project = option_string(o, "project"),
        .name = option_string(o, "name"),
        .exist_ok = option_flag(o, "exist-ok"),
        .workers = option_int(o, "workers"),
        .no_cache = option_flag(o, "no-cache"),
        .events = train_display_events(&display),
    };
    request.events.stop = interrupt_flag();
    struct run_options options = {0};
    char *memory = NULL;
    TRY_CLEAN(read_request(o, &options, &request, &memory));
    tell_unused(o);
    interrupt_defer("finishing the batch, then saving");
    TRY_CLEAN(run(o, &request));
cleanup:
    run_options_free(&options);
    mem_free(memory);
    return rc;
}

const struct verb_spec verb_train = {
    .name = "train",
    .summary = "train a network, or go on with a run",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 train --cfg yolov9-t --data bccd.yaml --epochs 50 --batch 8\n"
               "yolo9 train --weights yolov9-c.pt --data bccd.yaml --freeze 10 --hyp lr0=0.002\n"
               "yolo9 train --resume runs/train/exp",
    .run = train,
};
