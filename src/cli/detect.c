/* yolo9 detect: boxes on photos. Worker threads read and letterbox pictures before the network, and write what is
 * saved of them after it, while the main thread runs the network and prints and collects results in order. */
#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/official.h"
#include "cli/precision.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/prefetch.h"
#include "core/progress.h"
#include "detect/detector.h"
#include "detect/results.h"
#include "detect/sources.h"
#include "image/decode.h"
#include "image/draw.h"
#include "image/encode.h"
#include "weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRING, NULL,
     "weights: .safetensors, or an official .pt of any form; --weights can be left out", .value = VALUE_WEIGHTS,
     .heading = "Network and pictures"},
    {"source", NULL, OPTION_STRINGS, NULL, "pictures: files, folders, patterns, .txt lists; --source can be left out",
     .value = VALUE_PICTURES},
    {"recursive", NULL, OPTION_FLAG, NULL, "folders with all their sub-folders"},
    {"cfg", "model", OPTION_STRING, NULL, "network; normally found from the weights", .value = VALUE_NETWORK},
    IMAGE_SIZE_OPTION("network input (default: that of the weights, else 640)", 2),
    {"rect", NULL, OPTION_FLAG, NULL, "letterbox to the smallest rectangle instead of the whole input"},
    {"conf", "conf-thres", OPTION_FLOAT, "0.25", "keep scores above this", 0, 1, .heading = "Boxes"},
    {"iou", "iou-thres", OPTION_FLOAT, "0.45", "non-maximum suppression above this overlap", 0, 1},
    {"max-det", NULL, OPTION_INT, "1000", "detections a picture", 1, 30000},
    {"classes", NULL, OPTION_INTS, NULL, "keep these classes only, e.g. --classes 0 2", 0, 100000},
    {"agnostic-nms", NULL, OPTION_FLAG, NULL, "classes suppress each other"},
    {"save-txt", NULL, OPTION_FLAG, NULL, "write labels/PICTURE.txt", .heading = "Results"},
    {"save-conf", NULL, OPTION_FLAG, NULL, "scores in the label files too"},
    {"save-crop", NULL, OPTION_FLAG, NULL, "write every box to crops/CLASS/"},
    {"nosave", NULL, OPTION_FLAG, NULL, "write no annotated pictures"},
    {"line-thickness", NULL, OPTION_INT, "0", "box lines in pixels; 0: by the picture's size", 0, 100},
    {"hide-labels", NULL, OPTION_FLAG, NULL, "boxes without class names"},
    {"hide-conf", NULL, OPTION_FLAG, NULL, "labels without scores"},
    {"json", NULL, OPTION_STRING, NULL, "all detections to this file; - is standard output", .value = VALUE_FILE},
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
    {"data", NULL, OPTION_STRING, NULL, "the names of the classes are in the weights", .value = VALUE_FILE,
     .state = OPTION_IGNORED},
    {"view-img", NULL, OPTION_FLAG, NULL, "there is no window; annotated pictures are written",
     .state = OPTION_IGNORED},
    {"visualize", NULL, OPTION_FLAG, NULL, "feature maps are not drawn", .state = OPTION_IGNORED},
    {"update", NULL, OPTION_FLAG, NULL, "weight files are not rewritten here; yolo9 convert does it",
     .state = OPTION_IGNORED},
    {"vid-stride", NULL, OPTION_INT, NULL, "only pictures are read, no video", 1, 1e6, .state = OPTION_IGNORED},
    OFFICIAL_AUGMENT,
};

struct job {
    const struct options *o;
    struct weights weights;
    struct sources sources;
    struct team *team;
    struct detector *detector;
    struct prefetch *prefetch;
    char *folder; /* of the run; NULL when nothing is saved */
    json_t *json; /* array, or NULL */
    bool lines;   /* one line a picture on standard output */
    int failed;
    long detections;
    double read, letterbox, net, nms; /* seconds, summed */
    _Atomic long saving;              /* microseconds, summed by the workers */
};

/* One picture on its way: made by a worker, given its detections by the main thread, saved by a worker. */
struct photo {
    struct image pixels;
    struct detector_input input;
    double read, letterbox;
    struct picture_result result;
    struct detection *detections; /* max_det, like the columns below */
    float *boxes, *scores;        /* in the form that draw_detections takes */
    int *classes;
};

static enum status make_photo(void *context, long item, void *slot)
{
    const struct job *job = context;
    struct photo *p = slot;
    double start = clock_seconds();
    enum status rc = sources_read(&job->sources, item, &p->pixels);
    double read = clock_seconds();
    if (rc == OK)
        rc = detector_prepare(job->detector, &p->pixels, &p->input);
    p->read = read - start;
    p->letterbox = clock_seconds() - read;
    if (!job->folder)
        image_free(&p->pixels);
    return rc;
}

static void free_photo(void *slot)
{
    struct photo *p = slot;
    image_free(&p->pixels);
    detector_input_free(&p->input);
    mem_free(p->detections);
    mem_free(p->boxes);
    mem_free(p->scores);
    mem_free(p->classes);
}

/* The detector uses its memory again for the next picture: what is to be saved is copied. */
static enum status keep_result(const struct job *job, const struct picture_result *r, struct photo *p)
{
    size_t most = (size_t)option_int(job->o, "max-det");
    if (!p->detections) {
        p->detections = mem_alloc(most, sizeof *p->detections);
        p->boxes = mem_alloc(most, 4 * sizeof(float));
        p->scores = mem_alloc(most, sizeof(float));
        p->classes = mem_alloc(most, sizeof(int));
    }
    if (!p->detections || !p->boxes || !p->scores || !p->classes)
        return E_NOMEM;
    p->result = *r;
    p->result.detections = p->detections;
    for (int i = 0; i < r->count; i++) {
        p->detections[i] = r->detections[i];
        memcpy(p->boxes + 4 * i, r->detections[i].xyxy, sizeof r->detections[i].xyxy);
        p->scores[i] = r->detections[i].score;
        p->classes[i] = r->detections[i].class;
    }
    return OK;
}

/* --- results --- */

static char *result_path(const struct job *job, const char *folder, const char *stem, const char *extension)
{
    struct buf path = {0};
    if (buf_printf(&path, "%s/%s%s%s%s", job->folder, folder, *folder ? "/" : "", stem, extension) != OK)
        buf_free(&path);
    return path.data;
}

/* The annotated picture keeps its name; a picture whose suffix names no kind that can be written becomes a JPEG. */
static enum status save_annotated(const struct job *job, struct photo *p)
{
    enum status rc = OK;
    static const char *const writable[] = {"jpg", "jpeg", "png", "webp"};
    const struct picture_result *r = &p->result;
    bool known = false;
    for (int i = 0; i < COUNT(writable); i++)
        known |= !strcasecmp(path_extension(r->path), writable[i]);
    char *path = result_path(job, "", path_name(r->path), known ? "" : ".jpg");
    if (!path)
        return E_NOMEM;
    struct draw_options style = {.line_thickness = option_int(job->o, "line-thickness"),
                                 .hide_labels = option_flag(job->o, "hide-labels"),
                                 .hide_conf = option_flag(job->o, "hide-conf")};
    TRY(draw_detections(&p->pixels, p->boxes, p->scores, p->classes, r->count, (const char *const *)job->weights.names,
                        job->weights.nc, &style));
    TRY(image_write(path, &p->pixels));
cleanup:
    mem_free(path);
    return rc;
}

static enum status save_crop(const struct job *job, const struct picture_result *r, const struct image *pixels, int i)
{
    enum status rc = OK;
    const struct detection *d = &r->detections[i];
    struct image crop = {0};
    int box[4];
    char folder[300], number[16] = "", class[256];
    snprintf(class, sizeof class, "%s", job->weights.names[d->class]);
    for (char *p = class; *p; p++)
        *p = *p == '/' ? '_' : *p; /* "and/or" is a class name, not a folder */
    snprintf(folder, sizeof folder, "crops/%s", class);
    char *stem = path_stem(r->path), *dir = result_path(job, folder, "", ""), *path = NULL;
    if (i)
        snprintf(number, sizeof number, "_%d.jpg", i + 1);
    else
        snprintf(number, sizeof number, ".jpg");
    if (!stem || !dir || !(path = result_path(job, folder, stem, number))) {
        rc = E_NOMEM;
        goto cleanup;
    }
    results_crop_box(r, d, box);
    if (box[2] <= box[0] || box[3] <= box[1])
        goto cleanup; /* nothing of it lies inside the picture */
    TRY(path_make_folder(dir));
    TRY(image_crop(pixels, box[0], box[1], box[2], box[3], &crop));
    TRY(image_write_jpeg(path, &crop, IMAGE_QUALITY));
cleanup:
    image_free(&crop);
    mem_free(stem);
    mem_free(dir);
    mem_free(path);
    return rc;
}

static enum status save_labels(const struct job *job, const struct picture_result *r)
{
    char *stem = path_stem(r->path), *path = stem ? result_path(job, "labels", stem, ".txt") : NULL;
    enum status rc = path ? results_write_labels(r, path, option_flag(job->o, "save-conf")) : E_NOMEM;
    mem_free(stem);
    mem_free(path);
    return rc;
}

/* In a worker: all files of one picture. */
static enum status save_photo(void *context, long item, void *slot)
{
    (void)item;
    struct job *job = context;
    struct photo *p = slot;
    enum status rc = OK;
    double start = clock_seconds();
    if (option_flag(job->o, "save-txt"))
        TRY(save_labels(job, &p->result));
    for (int i = 0; option_flag(job->o, "save-crop") && i < p->result.count; i++)
        TRY(save_crop(job, &p->result, &p->pixels, i));
    if (!option_flag(job->o, "nosave"))
        TRY(save_annotated(job, p));
    job->saving += (long)(1e6 * (clock_seconds() - start));
cleanup:
    return rc;
}

/* Up to the first dot, names of files begin like those of the pictures they belong to. */
static size_t name_length(const char *path)
{
    return strcspn(path_name(path), ".");
}

static int by_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    size_t n = name_length(x), m = name_length(y);
    int order = strncasecmp(path_name(x), path_name(y), MIN(n, m));
    return order ? order : (n > m) - (n < m);
}

/* May two pictures write the same file, so that the last one must win, however many threads write? Pictures of equal
 * names in two folders do; crops are numbered, so that "a" and "a_2" may meet. */
static enum status names_collide(const struct job *job, bool *collide)
{
    int n = job->sources.count;
    *collide = option_flag(job->o, "save-crop");
    char **sorted = mem_alloc((size_t)n, sizeof *sorted);
    if (!sorted)
        return E_NOMEM;
    memcpy(sorted, job->sources.paths, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_name);
    for (int i = 1; i < n; i++)
        *collide |= by_name(&sorted[i - 1], &sorted[i]) == 0;
    mem_free(sorted);
    return OK;
}

static enum status print_line(const struct job *job, const struct picture_result *r, const struct photo *p, long i,
                              double ms)
{
    struct buf text = {0};
    char *path = sources_shown_path(&job->sources, i);
    enum status rc =
        path ? results_summary(r, (const char *const *)job->weights.names, job->weights.nc, &text) : E_NOMEM;
    if (rc == OK)
        printf("image %ld/%d %s: %dx%d %s, %.1fms\n", i + 1, job->sources.count, path, p->input.box.h, p->input.box.w,
               text.data, ms);
    mem_free(path);
    buf_free(&text);
    return rc;
}

static enum status detect_one(struct job *job, struct photo *p, long i)
{
    enum status rc = OK;
    struct detector_times times = {0};
    struct picture_result r = {.path = job->sources.paths[i], .h = p->input.box.src_h, .w = p->input.box.src_w};
    TRY(detector_run(job->detector, &p->input, &r.detections, &r.count, &times));
    job->detections += r.count;
    job->read += p->read;
    job->letterbox += p->letterbox;
    job->net += times.net;
    job->nms += times.nms;
    if (job->lines)
        TRY(print_line(job, &r, p, i, 1e3 * times.net));
    if (job->json)
        TRY(results_add_json(&r, (const char *const *)job->weights.names, job->json));
    if (job->folder)
        TRY(keep_result(job, &r, p));
cleanup:
    return rc;
}

static enum status detect_all(struct job *job)
{
    enum status rc = OK;
    struct progress bar;
    progress_start(&bar, "detect", job->sources.count);
    for (;;) {
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
            fprintf(stderr, "yolo9 detect: %s\n", fail_text());
            job->failed++;
            continue;
        }
        TRY(detect_one(job, slot, i));
        if (!job->lines)
            progress_step(&bar, i + 1);
    }
    if (!job->lines)
        progress_end(&bar);
cleanup:
    return rc;
}

/* --- set-up --- */

static enum status load_network(struct job *job)
{
    enum status rc = OK;
    const char *path = option_string(job->o, "weights");
    struct weights *w = &job->weights;
    if (!path)
        return fail(E_USAGE, "--weights is needed: a .safetensors or .pt file");
    TRY(weights_load(path, option_string(job->o, "cfg"), w, NULL));
    if (w->params)
        TRY(weights_deploy(w));
    weights_drop_training(w);
cleanup:
    return rc;
}

static enum status make_detector(struct job *job)
{
    enum status rc = OK;
    bool params_unused;
    int n_classes, threads = option_int(job->o, "threads");
    const struct image_size size = image_size_of(job->o, &job->weights);
    const int *classes = option_ints(job->o, "classes", &n_classes);
    struct detector_config config = {
        .h = size.h,
        .w = size.w,
        .rect = option_flag(job->o, "rect"),
        .conf = (float)option_float(job->o, "conf"),
        .iou = option_float(job->o, "iou"),
        .max_det = option_int(job->o, "max-det"),
        .agnostic = option_flag(job->o, "agnostic-nms"),
        .classes = classes,
        .n_classes = n_classes,
        .exact = option_flag(job->o, "exact"),
    };
    TRY(precision_of(job->o, &job->weights, &config.precision));
    TRY(team_create(threads ? threads : cpu_count(), &job->team));
    config.team = job->team;
    TRY(detector_create(&job->weights.deployed, job->weights.deployed_params, &config, &job->detector));
    TRY(detector_settle(job->detector, &params_unused));
    if (params_unused)
        weights_drop_deployed(&job->weights);
cleanup:
    return rc;
}

static enum status prepare_outputs(struct job *job)
{
    enum status rc = OK;
    const struct options *o = job->o;
    bool saves = !option_flag(o, "nosave") || option_flag(o, "save-txt") || option_flag(o, "save-crop");
    const char *json = option_string(o, "json");
    char *labels = NULL;
    job->lines = !(json && !strcmp(json, "-")) && (job->sources.count <= 20 || !isatty(1));
    if (json && !(job->json = json_array()))
        return fail(E_NOMEM, "out of memory");
    if (!saves)
        return OK;
    TRY(path_make_run(option_string(o, "project"), option_string(o, "name"), option_flag(o, "exist-ok"), &job->folder));
    if (option_flag(o, "save-txt")) {
        labels = path_join(job->folder, "labels");
        rc = labels ? path_make_folder(labels) : E_NOMEM;
    }
cleanup:
    mem_free(labels);
    return rc;
}

static void summarise(const struct job *job)
{
    int n = job->sources.count - job->failed;
    fflush(stdout); /* where both streams go to one file: after the pictures' lines */
    if (n > 0)
        fprintf(stderr,
                "%d pictures, %ld detections; a picture: %.1f ms read, %.1f ms letterbox, %.1f ms network, %.1f ms "
                "NMS, %.1f ms saving\n",
                n, job->detections, 1e3 * job->read / n, 1e3 * job->letterbox / n, 1e3 * job->net / n,
                1e3 * job->nms / n, 1e-3 * (double)job->saving / n);
    if (job->folder)
        fprintf(stderr, "results in %s\n", job->folder);
}

static enum status start_jobs(struct job *job)
{
    int jobs = option_int(job->o, "jobs");
    struct prefetch_config ahead = {.items = job->sources.count,
                                    .workers = MIN(jobs, job->sources.count),
                                    .depth = jobs + 1, /* one in the network */
                                    .slot_bytes = sizeof(struct photo),
                                    .make = make_photo,
                                    .finish = job->folder ? save_photo : NULL,
                                    .free_slot = free_photo,
                                    .context = job};
    enum status rc = names_collide(job, &ahead.one_by_one);
    return rc == OK ? prefetch_create(&ahead, &job->prefetch) : rc;
}

/* What was met beside the pictures. */
static enum status tell_left_out(const struct sources *s)
{
    struct buf text = {0};
    enum status rc = sources_describe(s, &text);
    if (rc == OK && text.size)
        fputs(text.data, stderr);
    buf_free(&text);
    return rc;
}

static enum status run(struct job *job)
{
    enum status rc = OK;
    int n;
    const char *const *sources = option_strings(job->o, "source", &n);
    if (!n)
        return fail(E_USAGE, "no pictures: name files, folders or patterns");
    TRY(sources_expand((char *const *)sources, n, option_flag(job->o, "recursive"), &job->sources));
    TRY(tell_left_out(&job->sources));
    TRY(load_network(job));
    TRY(make_detector(job));
    TRY(prepare_outputs(job));
    TRY(start_jobs(job));
    TRY(detect_all(job));
    if (job->json)
        TRY(output_json(option_string(job->o, "json"), job->json));
    summarise(job);
    if (job->failed)
        rc = fail(E_IO, "%d of %d pictures could not be read", job->failed, job->sources.count);
cleanup:
    return rc;
}

static enum status detect_pictures(const struct options *o)
{
    struct job job = {.o = o};
    enum status rc = run(&job);
    prefetch_destroy(job.prefetch);
    detector_destroy(job.detector);
    team_destroy(job.team);
    weights_free(&job.weights);
    sources_free(&job.sources);
    json_decref(job.json);
    mem_free(job.folder);
    return rc;
}

const struct verb_spec verb_detect = {
    .name = "detect",
    .summary = "find objects in pictures",
    .positional = "source",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 detect gelan-c.safetensors photos/ --conf 0.4 --save-txt\n"
               "yolo9 detect --weights gelan-c.pt --source a.jpg b.jpg --classes 0 2\n"
               "yolo9 detect gelan-c.safetensors photos/ --threads 8 --precision bf16",
    .run = detect_pictures,
};
