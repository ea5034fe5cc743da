/* yolo9 detect: boxes on photos. Worker threads read and letterbox pictures before the network, and write what is
 * saved of them after it (detect_photos.c), while the main thread runs the network and tells results in order
 * (detect_results.c). */
#include "cli/cli.h"
#include "cli/detect_job.h"
#include "cli/find_sources.h"
#include "cli/habits.h"
#include "cli/image_size.h"
#include "cli/interrupt.h"
#include "cli/official.h"
#include "cli/options.h"
#include "cli/precision.h"
#include "core/progress.h"
#include "core/terminal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRING, NULL, "weights: .safetensors, or a .pt or .ckpt of any package",
     .value = VALUE_WEIGHTS, .heading = "Network and pictures"},
    {"source", NULL, OPTION_STRINGS, NULL,
     "pictures: files, folders, patterns, .txt lists, - (standard input); --source can be left out",
     .value = VALUE_PICTURES},
    {"recursive", NULL, OPTION_FLAG, NULL, "folders with all their sub-folders"},
    DETECT_OPTIONS,
    {"max-det", NULL, OPTION_INT, "1000", "detections a picture", 1, 30000},
    CLASSES_OPTION,
    {"agnostic-nms", NULL, OPTION_FLAG, NULL, "classes suppress each other"},
    {"save-txt", NULL, OPTION_FLAG, NULL, "write labels/PICTURE.txt", .heading = "Results"},
    {"save-conf", NULL, OPTION_FLAG, NULL, "scores in the label files too"},
    {"save-crop", NULL, OPTION_FLAG, NULL, "write every box to crops/CLASS/"},
    {"nosave", NULL, OPTION_FLAG, NULL, "write no annotated pictures"},
    {"line-thickness", NULL, OPTION_INT, "0", "box lines in pixels; 0: by the picture's size", 0, 100},
    {"hide-labels", NULL, OPTION_FLAG, NULL, "boxes without class names"},
    {"hide-conf", NULL, OPTION_FLAG, NULL, "labels without scores"},
    {"json", NULL, OPTION_STRING, NULL, "all detections to this file; - is standard output", .value = VALUE_FILE},
    {"jsonl", NULL, OPTION_STRING, NULL,
     "a line of JSON a picture to this file, as they are done; - is standard output", .value = VALUE_FILE},
    {"project", NULL, OPTION_STRING, "runs/detect", "folder of the runs", .value = VALUE_FOLDER},
    {"name", NULL, OPTION_STRING, "exp", "folder of this run: exp, exp2, exp3 ...", .value = VALUE_NAME},
    {"exist-ok", NULL, OPTION_FLAG, NULL, "use the folder if it is there already"},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024, .heading = "Computation"},
    {"jobs", "workers", OPTION_INT, "2",
     "threads that read pictures ahead and write results; 0: none, one step after the other", 0, 64},
    {"exact", NULL, OPTION_FLAG, NULL, "direct convolution only"},
    PRECISION_OPTIONS,
    OFFICIAL_DEVICE,
    OFFICIAL_DNN,
    {"data", NULL, OPTION_STRING, NULL, "class names come from the weights; numbers where these have none",
     .value = VALUE_FILE, .state = OPTION_IGNORED},
    {"view-img", NULL, OPTION_FLAG, NULL, "there is no window; annotated pictures are written",
     .state = OPTION_IGNORED},
    {"visualize", NULL, OPTION_FLAG, NULL, "feature maps are not drawn", .state = OPTION_IGNORED},
    {"update", NULL, OPTION_FLAG, NULL, "weight files are not rewritten here; yolo9 convert does it",
     .state = OPTION_IGNORED},
    {"vid-stride", NULL, OPTION_INT, NULL, "only pictures are read, no video", 1, 1e6, .state = OPTION_IGNORED},
    OFFICIAL_AUGMENT,
};

/* --- the pictures --- */

static enum status detect_one(struct detect_job *job, struct photo *p, long i)
{
    TRY(library_status(yolo9_run(job->detector, &p->input, 1)));
    TRY(results_add(job, i, p, yolo9_detector_result(job->detector, 0)));
    return OK;
}

/* A signal, or nobody who reads: what is done so far is finished and written. */
static bool should_stop(const struct detect_job *job)
{
    return *interrupt_flag() || job->unread;
}

static enum status detect_all(struct detect_job *job)
{
    struct progress bar;
    progress_start(&bar, "detect", job->sources.count);
    while (!should_stop(job)) {
        long i;
        void *slot;
        enum status made = prefetch_next(job->prefetch, &i, &slot);
        if (!slot) { /* the end, or something could not be written */
            TRY(made);
            break;
        }
        if (job->sources.count == 1)
            TRY(made);    /* the one sentence that verb_end tells */
        if (made != OK) { /* a broken picture: say so, go on, and fail in the end */
            print(stderr, "yolo9 detect: %s", fail_text());
            job->failed++;
            continue;
        }
        TRY(detect_one(job, slot, i));
        if (!job->lines)
            progress_step(&bar, i + 1);
    }
    TRY(prefetch_stop(job->prefetch));
    if (!job->lines && !should_stop(job))
        progress_end(&bar);
    return OK;
}

/* --- set-up --- */

static enum status load_network(struct detect_job *job)
{
    struct yolo9_weights_options options;
    yolo9_weights_options_init(&options);
    options.table = option_string(job->o, "cfg");
    job->weights = yolo9_weights_open(option_string(job->o, "weights"), &options);
    TRY(library_opened(job->weights));
    job->nc = yolo9_weights_class_count(job->weights);
    job->class_names = arena_alloc(&job->arena, (size_t)job->nc + 1, sizeof *job->class_names);
    TRY(job->class_names ? OK : E_NOMEM);
    for (int i = 0; i < job->nc; i++)
        job->class_names[i] = yolo9_weights_class_name(job->weights, i);
    return OK;
}

/* The pictures of --source, and the words behind the classes of --classes. */
static enum status find_pictures(struct detect_job *job)
{
    enum status rc = OK;
    int n;
    const char *const *words = option_strings(job->o, "source", &n);
    const struct class_choice *classes = &job->classes;
    char **all = mem_alloc((size_t)(n + classes->n_rest) + 1, sizeof *all);
    if (!all)
        return E_NOMEM;
    for (int i = 0; i < n + classes->n_rest; i++)
        all[i] = (char *)(i < n ? words[i] : classes->rest[i - n]);
    n += classes->n_rest;
    TRY_CLEAN(n ? OK : fail(E_USAGE, "no pictures: name files, folders or patterns"));
    TRY_CLEAN(find_sources(all, n, option_flag(job->o, "recursive"), &job->sources));
cleanup:
    mem_free(all);
    return rc;
}

static struct image_size choose_size(const struct detect_job *job)
{
    struct input_facts facts = {.stride = yolo9_weights_stride(job->weights)};
    facts.known = yolo9_weights_input_size(job->weights, &facts.h, &facts.w);
    return image_size_from(job->o, &facts, true);
}

static enum status make_detector(struct detect_job *job)
{
    enum precision precision;
    struct yolo9_options options;
    const struct image_size size = choose_size(job);
    const struct detect_habits habits = habits_detect(job->o);
    TRY(precision_of(job->o, yolo9_weights_precision(job->weights) == YOLO9_INT8, &precision));
    yolo9_options_init(&options);
    options.height = size.h;
    options.width = size.w;
    options.rect = habits.rect;
    options.whole_border = habits.whole_border;
    options.confidence = option_float(job->o, "conf");
    options.iou = habits.iou;
    options.max_detections = habits.max_det;
    options.class_agnostic = option_flag(job->o, "agnostic-nms");
    options.threads = option_int(job->o, "threads");
    options.exact = option_flag(job->o, "exact");
    options.precision = library_precision(precision);
    job->detector = yolo9_detector_open(job->weights, &options);
    TRY(library_opened(job->detector));
    TRY(library_status(yolo9_set_classes(job->detector, job->classes.classes, job->classes.n)));
    job->max_det = habits.max_det;
    job->found = mem_alloc((size_t)job->max_det, sizeof *job->found);
    return job->found ? OK : E_NOMEM;
}

static enum status run(struct detect_job *job)
{
    enum status rc = OK;
    const char *weights = option_string(job->o, "weights");
    if (!option_given(job->o, "source") && !option_given(job->o, "classes"))
        return fail(E_USAGE, "no pictures: name files, folders or patterns");
    if (!weights)
        return fail(E_USAGE, "--weights is needed: a .safetensors or .pt file");
    TRY(load_network(job));
    TRY(classes_choose(job->o, weights, job->class_names, job->nc, &job->classes));
    TRY(find_pictures(job));
    TRY(results_begin(job));
    TRY(outputs_check(job));
    TRY(results_name_classes(job));
    TRY(make_detector(job));
    TRY(photos_start(job));
    interrupt_defer("finishing this picture");
    TRY(detect_all(job));
    TRY(results_finish(job));
    if (job->unread)
        return rc;
    results_summarise(job);
    if (*interrupt_flag() && job->done + job->failed < job->sources.count)
        rc = fail(E_INTERRUPTED, "stopped after %d of %d %s", job->done + job->failed, job->sources.count,
                  noun(job->sources.count, "picture", "pictures"));
    else if (job->failed)
        rc = fail(E_IO, "%d of %d %s could not be read", job->failed, job->sources.count,
                  noun(job->sources.count, "picture", "pictures"));
    return rc;
}

static enum status detect_pictures(const struct options *o)
{
    struct detect_job job = {.o = o, .sources.input = -1};
    arena_init(&job.arena);
    signal(SIGPIPE, SIG_IGN); /* `| head`: files are finished first */
    enum status rc = run(&job);
    prefetch_destroy(job.prefetch);
    yolo9_detector_close(job.detector);
    yolo9_weights_close(job.weights);
    mem_free(job.found);
    results_close(&job);
    class_choice_free(&job.classes);
    sources_free(&job.sources);
    if (rc == OK && job.unread) { /* then the program ends as any other in a pipe that nobody reads */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    return rc;
}

const struct verb_spec verb_detect = {
    .name = "detect",
    .summary = "find objects in pictures",
    .positional = "source",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 detect gelan-c.safetensors photos/ --conf 0.4 --save-txt\n"
               "yolo9 detect gelan-c.pt --classes person \"traffic light\" --source a.jpg b.jpg\n"
               "yolo9 detect gelan-c.safetensors photos/ --threads 8 --precision bf16",
    .run = detect_pictures,
};
