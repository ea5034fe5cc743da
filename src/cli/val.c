/* yolo9 val: the numbers the field compares, of weights on a dataset or of any tool's results file. */
#include "cli/cli.h"
#include "cli/habits.h"
#include "cli/image_size.h"
#include "cli/interrupt.h"
#include "cli/official.h"
#include "cli/output.h"
#include "cli/precision.h"
#include "core/class_match.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"
#include "core/text.h"
#include "data/box_reach.h"
#include "detect/decode.h"
#include "detect/result_names.h"
#include "detect/results.h"
#include "eval/report.h"
#include "eval/results.h"
#include "eval/val_sheets.h"
#include "eval/validate.h"
#include "ops/cpu.h"
#include "weights/weights.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const tasks[] = {"val", "train", "test", "speed", NULL};

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRING, NULL, "weights: .safetensors, or a .pt or .ckpt of any package",
     .value = VALUE_WEIGHTS, .heading = "Network and pictures"},
    {"data", NULL, OPTION_STRING, NULL, "dataset: its YAML, or the folder it lies in", .value = VALUE_DATA},
    {"results", NULL, OPTION_STRING, NULL, "score this COCO results file instead of running a network",
     .value = VALUE_FILE},
    {"cfg", "model", OPTION_STRING, NULL, "network; normally found from the weights", .value = VALUE_NETWORK},
    {"task", NULL, OPTION_STRING, "val", "the split; speed is val, timed as detection would run", .choices = tasks},
    IMAGE_SIZE_OPTION("image size (default: that of the weights, else 640)", 1),
    {"batch", "batch-size", OPTION_INT, "32", "pictures a batch; with --rect it changes shapes and so the numbers", 1,
     1024},
    {"rect", NULL, OPTION_FLAG, "on", "batches of similar shapes, as the official validation"},
    {"square", NULL, OPTION_FLAG, NULL, "the whole input and bilinear resizing, as detection"},
    PRESET_OPTION("whose habits to follow in bringing pictures to the size"),
    {"single-cls", NULL, OPTION_FLAG, NULL, "all classes are one"},
    {"min-items", NULL, OPTION_INT, "0", "leave pictures with fewer labels out", 0, 100000},
    {"no-cache", NULL, OPTION_FLAG, NULL, "neither read nor write the label cache"},
    {"conf", "conf-thres", OPTION_FLOAT, "0.001", "keep scores above this", 0, 1, .heading = "Boxes"},
    {"iou", "iou-thres", OPTION_FLOAT, NULL, "non-maximum suppression above this overlap (default 0.7; YOLOv7 0.65)", 0,
     1},
    {"max-det", NULL, OPTION_INT, "300", "detections a picture", 1, 30000},
    {"verbose", NULL, OPTION_FLAG, NULL, "a line a class, however many there are", .heading = "Results"},
    {"save-txt", NULL, OPTION_FLAG, NULL, "write labels/PICTURE.txt"},
    {"save-conf", NULL, OPTION_FLAG, NULL, "scores in the label files too"},
    {"save-json", NULL, OPTION_FLAG, NULL, "write WEIGHTS_predictions.json in COCO's results format"},
    {"json", NULL, OPTION_STRING, NULL, "all numbers to this file; - is standard output", .value = VALUE_FILE},
    {"noplots", NULL, OPTION_FLAG, NULL, "no pictures: curves, confusion matrices, val_batch sheets"},
    {"project", NULL, OPTION_STRING, "runs/val", "folder of the runs", .value = VALUE_FOLDER},
    {"name", NULL, OPTION_STRING, "exp", "folder of this run: exp, exp2, exp3 ...", .value = VALUE_NAME},
    {"exist-ok", NULL, OPTION_FLAG, NULL, "use the folder if it is there already"},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024, .heading = "Computation"},
    {"workers", NULL, OPTION_INT, "2", "threads that read and letterbox pictures ahead", 0, 64},
    {"exact", NULL, OPTION_FLAG, NULL, "direct convolution only"},
    PRECISION_OPTIONS,
    OFFICIAL_DEVICE,
    OFFICIAL_DNN,
    OFFICIAL_AUGMENT,
    {"save-hybrid", NULL, OPTION_FLAG, NULL,
     "labels among the predictions would give a better score than the network has", .state = OPTION_REFUSED},
};

enum { PROBLEMS_SHOWN = 5, CLASSES_SHOWN = 50 };

struct val_job {
    const struct options *o;
    struct weights weights;
    struct dataset_yaml yaml;
    struct dataset *dataset;
    enum dataset_split split;
    enum precision precision;
    struct team *team;
    struct net *net;
    struct loader *loader;
    struct evaluation evaluation;
    struct evaluation_result result;
    long pictures; /* to validate; fewer were, when a signal came */
    struct validate_times times;
    char *folder;
    struct val_sheets sheets;
    int *classes; /* (weights.nc) the dataset's class that each of the network's is; NULL: the same */
    struct results_writer predictions; /* --save-json */
    char *predictions_path;            /* NULL: without */
    const int *category_ids;
    int size;   /* side of the network's input */
    bool quiet; /* standard output belongs to --json - */
};

/* --task names a split; speed measures on val. */
static enum dataset_split find_split(const struct options *o)
{
    for (int s = 0; s < SPLIT_COUNT; s++) {
        if (!strcmp(option_string(o, "task"), dataset_split_name((enum dataset_split)s)))
            return (enum dataset_split)s;
    }
    return SPLIT_VAL;
}

static enum status load_dataset(struct val_job *job)
{
    enum status rc = OK;
    struct buf text = {0};
    struct dataset_options options = {.single_class = option_flag(job->o, "single-cls"),
                                      .min_items = option_int(job->o, "min-items"),
                                      .no_cache = option_flag(job->o, "no-cache"),
                                      .no_pixels = option_string(job->o, "results") != NULL,
                                      .team = job->team};
    TRY_CLEAN(dataset_load(&job->yaml, job->split, &options, &job->dataset));
    TRY_CLEAN(dataset_describe(job->dataset, dataset_split_name(job->split), PROBLEMS_SHOWN, &text));
    terminal_print(stderr, text.data);
    if (!job->dataset->summary.objects)
        print(stderr, "no picture has a label: precision, recall and mAP say nothing here");
    job->category_ids = results_category_ids(&job->yaml, job->split, job->dataset);
cleanup:
    buf_free(&text);
    return rc;
}

/* Which class of the dataset each of the network's is. */
static enum status match_classes(struct val_job *job)
{
    const struct weights *w = &job->weights;
    const struct class_list known = {option_string(job->o, "weights"), (const char *const *)w->names, w->nc};
    const struct class_list wanted = {option_string(job->o, "data"), job->dataset->names, job->dataset->nc};
    enum class_match match;
    struct buf words = {0};
    job->classes = mem_alloc((size_t)w->nc, sizeof *job->classes);
    enum status rc = job->classes ? class_names_match(&known, &wanted, job->classes, &match, &words) : E_NOMEM;
    if (rc == OK && match == CLASSES_RENAMED)
        log_warn("%s", words.data);
    else if (rc == OK && match == CLASSES_REORDERED)
        log_info("%s", words.data);
    buf_free(&words);
    return rc;
}

static enum status load_network(struct val_job *job)
{
    struct weights *w = &job->weights;
    TRY(weights_load(option_string(job->o, "weights"), option_string(job->o, "cfg"), w, NULL));
    if (w->params)
        TRY(weights_deploy(w));
    weights_drop_training(w);
    TRY(precision_of(job->o, w->eight_bit, &job->precision));
    return OK;
}

static enum status open_network(struct val_job *job)
{
    const struct weights *w = &job->weights;
    const struct net_config config = {.backend = &cpu_backend,
                                      .team = job->team,
                                      .mode = RUN_INFER,
                                      .exact = option_flag(job->o, "exact"),
                                      .precision = job->precision};
    if (!option_flag(job->o, "single-cls"))
        TRY(match_classes(job));
    TRY(net_create(&w->deployed, w->deployed_params, NULL, &config, &job->net));
    return OK;
}

static enum status open_predictions(struct val_job *job)
{
    const char *weights = option_string(job->o, "weights");
    struct buf path = {0};
    char *stem = path_stem(weights ? weights : "results");
    enum status rc = stem ? buf_printf(&path, "%s/%s_predictions.json", job->folder, stem) : E_NOMEM;
    if (rc == OK)
        rc = (job->predictions_path = mem_strdup(path.data)) ? OK : E_NOMEM;
    if (rc == OK)
        rc = results_writer_open(&job->predictions, path.data, job->category_ids);
    mem_free(stem);
    buf_free(&path);
    return rc;
}

static enum status make_folder(struct val_job *job)
{
    enum status rc = OK;
    const struct options *o = job->o;
    char *labels = NULL;
    TRY_CLEAN(
        path_make_run(option_string(o, "project"), option_string(o, "name"), option_flag(o, "exist-ok"), &job->folder));
    if (option_string(o, "results") && (option_flag(o, "save-json") || option_flag(o, "save-txt"))) {
        log_warn("--save-json and --save-txt have no effect with --results: its detections are in a file already");
        return OK;
    }
    if (option_flag(o, "save-json"))
        TRY_CLEAN(open_predictions(job));
    if (option_flag(o, "save-txt")) {
        labels = path_join(job->folder, "labels");
        rc = labels ? path_make_folder(labels) : E_NOMEM;
    }
cleanup:
    mem_free(labels);
    return rc;
}

static enum status save_labels(const struct val_job *job, const struct validated *v)
{
    struct picture_result r = {.h = v->image->h, .w = v->image->w, .detections = v->detections, .count = v->count};
    char *path;
    enum status rc = result_path(job->folder, "labels", v->image->stem, ".txt", &path);
    if (rc == OK)
        rc = results_write_labels(&r, path, option_flag(job->o, "save-conf"));
    mem_free(path);
    return rc;
}

static enum status each_picture(void *context, const struct validated *v)
{
    struct val_job *job = context;
    if (job->predictions_path)
        TRY(results_writer_add(&job->predictions, v->image, v->detections, v->count));
    if (option_flag(job->o, "save-txt"))
        TRY(save_labels(job, v));
    if (!option_flag(job->o, "noplots"))
        TRY(val_sheets_add(&job->sheets, v));
    return OK;
}

static enum status run_network(struct val_job *job)
{
    const struct options *o = job->o;
    bool speed = !strcmp(option_string(o, "task"), "speed");
    bool rect = option_flag(o, "rect") && !option_flag(o, "square") && !speed;
    struct loader_config loader = {
        .dataset = job->dataset,
        .batch = option_int(o, "batch"),
        .rect = rect,
        .rect_pad = 0.5,
        .load = habits_load(o, rect),
        .ranks = 1,
        .workers = option_int(o, "workers"),
    };
    struct validate_config config = {
        .conf = (float)(speed && !option_given(o, "conf") ? 0.25 : option_float(o, "conf")),
        .max_det = option_int(o, "max-det"),
        .single_cls = option_flag(o, "single-cls"),
        .progress = true,
        .stop = interrupt_flag(),
    };
    TRY(open_network(job));
    config.nc = job->weights.nc;
    config.iou = option_given(o, "iou") ? option_float(o, "iou")
                 : speed                ? 0.45
                                        : head_val_iou(&job->weights.deployed.head);
    config.classes = job->classes;
    loader.size = image_side_of(o, &job->weights);
    loader.stride = graph_largest_stride(&job->weights.deployed);
    image_size_compare(&job->weights, loader.size, loader.size);
    job->size = loader.size;
    TRY(loader_open(&loader, &job->loader));
    job->pictures = loader_pictures(job->loader);
    TRY(make_folder(job));
    job->sheets = (struct val_sheets){job->folder, {.dataset = job->dataset}, {.dataset = job->dataset}};
    interrupt_defer("finishing the batch");
    TRY(validate(job->net, job->loader, job->dataset, &config, &job->evaluation, &job->times, each_picture, job));
    return OK;
}

static enum status run_results(struct val_job *job, const char *path)
{
    enum status rc = OK;
    struct results_left left = {0};
    const struct results_options options = {.category_ids = job->category_ids,
                                            .max_det = option_int(job->o, "max-det"),
                                            .single_class = option_flag(job->o, "single-cls")};
    TRY_CLEAN(results_evaluate(path, job->dataset, &options, &job->evaluation, &left));
    if (left.unknown)
        print(stderr,
              "%s: %zu of %zu detections are of pictures that are not in the dataset and are left out (the first: "
              "%s)",
              path, left.unknown, left.detections, left.example ? left.example : "?");
    if (2 * left.beyond > left.detections) /* some overshoot is usual, of most it is a mistake */
        print(stderr, "%s: %zu of %zu boxes reach beyond their picture: " BOX_NO_CORNERS, path, left.beyond,
              left.detections);
    if (left.surplus)
        print(stderr, "%s: %zu %s left out, beyond the %d best of a picture (--max-det)", path, left.surplus,
              noun((long)left.surplus, "detection is", "detections are"), options.max_det);
    job->pictures = (long)job->evaluation.images;
    TRY_CLEAN(make_folder(job));
cleanup:
    mem_free(left.example);
    return rc;
}

/* --- output --- */

/* A signal has come before all pictures were seen. */
static bool is_partial(const struct val_job *job)
{
    return (long)job->evaluation.images < job->pictures;
}

static enum status print_tables(const struct val_job *job, const char *const *names)
{
    enum status rc = OK;
    struct buf text = {0};
    const struct validate_times *t = &job->times;
    double n = MAX((double)job->evaluation.images, 1);
    int columns = terminal_columns(STDOUT_FILENO);
    bool per_class = option_flag(job->o, "verbose") || (job->dataset->nc < CLASSES_SHOWN && job->dataset->nc > 1);
    if (is_partial(job))
        TRY_CLEAN(buf_printf(&text, "interrupted: what follows is of %ld of %ld pictures alone\n",
                             (long)job->evaluation.images, job->pictures));
    TRY_CLEAN(report_table(&job->evaluation, &job->result, names, per_class, columns, &text));
    TRY_CLEAN(report_coco_table(&job->result, columns, &text));
    if (job->net)
        TRY_CLEAN(buf_printf(&text, "Speed: %.1f ms read, %.1f ms letterbox, %.1f ms network, %.1f ms NMS a picture\n",
                             1e3 * t->read / n, 1e3 * t->letterbox / n, 1e3 * t->net / n, 1e3 * t->nms / n));
    if (!job->quiet)
        terminal_print(stdout, text.data);
cleanup:
    buf_free(&text);
    return rc;
}

/* What was validated, and what it costs in its deployed form. */
static enum status network_json(const struct val_job *job, json_t **out)
{
    enum status rc = OK;
    const struct graph *g = &job->weights.deployed;
    struct arena arena;
    double flops;
    arena_init(&arena);
    const char *name = text_utf8(&arena, job->weights.table.name);
    TRY_CLEAN(name ? OK : E_NOMEM);
    TRY_CLEAN(model_count_flops(g, job->size, job->size, NULL, &flops));
    *out = json_pack("{s:s, s:[i,i], s:I, s:f}", "name", name, "img", job->size, job->size, "params",
                     (json_int_t)model_count_params(g, -1), "gflops", 1e-9 * flops);
    if (!*out)
        rc = fail_memory(NULL, 0);
cleanup:
    arena_free(&arena);
    return rc;
}

static enum status write_json(const struct val_job *job, const char *const *names)
{
    enum status rc = OK;
    json_t *root = NULL, *network = NULL;
    const struct validate_times *t = &job->times;
    double n = MAX((double)job->evaluation.images, 1);
    TRY_CLEAN(report_json(&job->evaluation, &job->result, names, &root));
    if (is_partial(job)) {
        json_object_set_new(root, "partial", json_true());
        json_object_set_new(root, "images_wanted", json_integer(job->pictures));
    }
    if (job->net) {
        TRY_CLEAN(network_json(job, &network));
        json_object_set_new(root, "network", network);
        json_object_set_new(root, "speed",
                            json_pack("{s:f, s:f, s:f, s:f}", "read", 1e3 * t->read / n, "letterbox",
                                      1e3 * t->letterbox / n, "net", 1e3 * t->net / n, "nms", 1e3 * t->nms / n));
    }
    TRY_CLEAN(output_json(option_string(job->o, "json"), root));
cleanup:
    json_decref(root);
    return rc;
}

static enum status report(struct val_job *job)
{
    enum status rc = OK;
    const char *const *names = job->dataset->names;
    TRY(evaluation_finish(&job->evaluation, &job->result));
    TRY(print_tables(job, names));
    if (option_string(job->o, "json"))
        TRY(write_json(job, names));
    if (job->predictions_path) {
        TRY(results_writer_commit(&job->predictions));
        print(stderr, "detections in %s", job->predictions_path);
    }
    if (!option_flag(job->o, "noplots"))
        TRY(report_pictures(&job->evaluation, &job->result, names, job->folder));
    print(stderr, "results in %s", job->folder);
    if (is_partial(job))
        rc = fail(E_INTERRUPTED, "stopped after %ld of %ld pictures; the results are of these alone",
                  (long)job->evaluation.images, job->pictures);
    return rc;
}

/* What is to be written can be: known before the first picture. */
static enum status check_outputs(const struct options *o)
{
    const struct output json = {
        .path = option_string(o, "json"),
        .inputs = {option_string(o, "weights"), option_string(o, "data"), option_string(o, "results")}};
    enum status rc = output_check(&json);
    return rc == OK ? output_check_run(option_string(o, "project"), option_string(o, "name")) : rc;
}

static enum status run(struct val_job *job)
{
    enum status rc = OK;
    const char *json = option_string(job->o, "json"), *results = option_string(job->o, "results");
    int threads = option_int(job->o, "threads");
    struct evaluation_config config = {.coco = true};
    job->quiet = json && !strcmp(json, "-");
    if (!option_string(job->o, "data"))
        return fail(E_USAGE, "--data is needed: a dataset's YAML");
    if (!results && !option_string(job->o, "weights"))
        return fail(E_USAGE, "--weights is needed (or --results)");
    TRY_CLEAN(check_outputs(job->o));
    TRY_CLEAN(team_create(threads ? threads : cpu_count(), &job->team));
    job->split = find_split(job->o);
    TRY_CLEAN(dataset_yaml_open(option_string(job->o, "data"), &job->yaml));
    if (!results)
        TRY_CLEAN(load_network(job)); /* a fault of the weights is told before the pictures are read */
    TRY_CLEAN(load_dataset(job));
    TRY_CLEAN(evaluation_init(&job->evaluation, job->dataset->nc, &config));
    TRY_CLEAN(results ? run_results(job, results) : run_network(job));
    TRY_CLEAN(report(job));
cleanup:
    if (rc != OK && job->folder && !option_flag(job->o, "exist-ok"))
        path_remove_empty(job->folder);
    return rc;
}

static enum status validate_verb(const struct options *o)
{
    struct val_job job = {.o = o};
    enum status rc = run(&job);
    loader_close(job.loader);
    net_destroy(job.net);
    weights_free(&job.weights);
    evaluation_result_free(&job.result);
    evaluation_free(&job.evaluation);
    dataset_destroy(job.dataset);
    dataset_yaml_close(&job.yaml);
    team_destroy(job.team);
    results_writer_abort(&job.predictions);
    mem_free(job.predictions_path);
    val_sheets_free(&job.sheets);
    mem_free(job.folder);
    mem_free(job.classes);
    return rc;
}

const struct verb_spec verb_val = {
    .name = "val",
    .summary = "measure accuracy on a dataset",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 val --weights gelan-c.safetensors --data coco.yaml\n"
               "yolo9 val --results boxes.json --data coco.yaml",
    .run = validate_verb,
};
