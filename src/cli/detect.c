/* yolo9 detect: boxes on photos. Pictures are read and letterboxed by worker threads while the network runs. */
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/precision.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/prefetch.h"
#include "detect/detector.h"
#include "detect/results.h"
#include "detect/sources.h"
#include "image/decode.h"
#include "image/draw.h"
#include "image/encode.h"
#include "weights/weights.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRING, NULL, "weight file: .safetensors, or an official .pt of any form", 0, 0},
    {"source", NULL, OPTION_STRINGS, NULL, "pictures: files, folders, globs, .txt lists (also without --source)", 0, 0},
    {"cfg", "model", OPTION_STRING, NULL, "network name or table file; normally found from the weights", 0, 0},
    {"img", "imgsz img-size", OPTION_INTS, "640", "network input, one number or height and width; multiples of 32", 32,
     8192, 32, 2},
    {"rect", NULL, OPTION_FLAG, NULL, "letterbox to the smallest rectangle instead of the whole input", 0, 0},
    {"conf", "conf-thres", OPTION_FLOAT, "0.25", "keep scores above this", 0, 1},
    {"iou", "iou-thres", OPTION_FLOAT, "0.45", "non-maximum suppression above this overlap", 0, 1},
    {"max-det", NULL, OPTION_INT, "1000", "detections a picture", 1, 30000},
    {"classes", NULL, OPTION_INTS, NULL, "keep these classes only, e.g. --classes 0 2", 0, 100000},
    {"agnostic-nms", NULL, OPTION_FLAG, NULL, "classes suppress each other", 0, 0},
    {"save-txt", NULL, OPTION_FLAG, NULL, "write labels/<picture>.txt", 0, 0},
    {"save-conf", NULL, OPTION_FLAG, NULL, "scores in the label files too", 0, 0},
    {"save-crop", NULL, OPTION_FLAG, NULL, "write every box to crops/<class>/", 0, 0},
    {"nosave", NULL, OPTION_FLAG, NULL, "write no annotated pictures", 0, 0},
    {"line-thickness", NULL, OPTION_INT, "0", "box lines in pixels; 0: by the picture's size", 0, 100},
    {"hide-labels", NULL, OPTION_FLAG, NULL, "boxes without class names", 0, 0},
    {"hide-conf", NULL, OPTION_FLAG, NULL, "labels without scores", 0, 0},
    {"json", NULL, OPTION_STRING, NULL, "all detections to this file; - is standard output", 0, 0},
    {"project", NULL, OPTION_STRING, "runs/detect", "folder of the runs", 0, 0},
    {"name", NULL, OPTION_STRING, "exp", "folder of this run: exp, exp2, exp3 ...", 0, 0},
    {"exist-ok", NULL, OPTION_FLAG, NULL, "use the folder if it is there already", 0, 0},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024},
    {"workers", "jobs", OPTION_INT, "1", "threads that read pictures ahead", 0, 64},
    {"exact", NULL, OPTION_FLAG, NULL, "direct convolution only", 0, 0},
    PRECISION_OPTIONS,
};

static const struct verb_spec spec = {
    .name = "detect",
    .summary = "find objects in pictures",
    .positional = "source",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 detect --weights gelan-c.safetensors photos/ --conf 0.4 --save-txt\n"
               "yolo9 detect --weights gelan-c.safetensors photos/ --precision bf16",
};

/* Detections in the form that draw_detections takes; room for max_det. */
struct drawing {
    float *boxes, *scores;
    int *classes;
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
    struct drawing drawing;
    bool lines; /* one line a picture on standard output */
    int failed;
    long detections;
    double read, letterbox, net, nms; /* seconds, summed */
};

/* One picture on its way: made by a worker, consumed by the main thread. */
struct photo {
    struct image pixels;
    struct detector_input input;
    double read, letterbox;
};

static enum status make_photo(void *context, long item, void *slot)
{
    const struct job *job = context;
    struct photo *p = slot;
    double start = clock_seconds();
    enum status rc = image_read(job->sources.paths[item], &p->pixels);
    double read = clock_seconds();
    if (rc == OK)
        rc = detector_prepare(job->detector, &p->pixels, &p->input);
    p->read = read - start;
    p->letterbox = clock_seconds() - read;
    return rc;
}

static void free_photo(void *slot)
{
    struct photo *p = slot;
    image_free(&p->pixels);
    detector_input_free(&p->input);
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
static enum status save_annotated(struct job *job, const struct picture_result *r, struct image *pixels)
{
    enum status rc = OK;
    static const char *const writable[] = {"jpg", "jpeg", "png", "webp"};
    bool known = false;
    for (int i = 0; i < COUNT(writable); i++)
        known |= !strcasecmp(path_extension(r->path), writable[i]);
    char *path = result_path(job, "", path_name(r->path), known ? "" : ".jpg");
    if (!path)
        return E_NOMEM;
    struct draw_options style = {.line_thickness = option_int(job->o, "line-thickness"),
                                 .hide_labels = option_flag(job->o, "hide-labels"),
                                 .hide_conf = option_flag(job->o, "hide-conf")};
    struct drawing *d = &job->drawing;
    for (int i = 0; i < r->count; i++) {
        memcpy(d->boxes + 4 * i, r->detections[i].xyxy, sizeof r->detections[i].xyxy);
        d->scores[i] = r->detections[i].score;
        d->classes[i] = r->detections[i].class;
    }
    TRY(draw_detections(pixels, d->boxes, d->scores, d->classes, r->count, (const char *const *)job->weights.names,
                        job->weights.nc, &style));
    TRY(image_write(path, pixels));
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

static enum status save(struct job *job, const struct picture_result *r, struct image *pixels)
{
    enum status rc = OK;
    char *stem = NULL, *path = NULL;
    if (job->json)
        TRY(results_add_json(r, (const char *const *)job->weights.names, job->json));
    if (option_flag(job->o, "save-txt")) {
        stem = path_stem(r->path);
        path = stem ? result_path(job, "labels", stem, ".txt") : NULL;
        if (!path) {
            rc = E_NOMEM;
            goto cleanup;
        }
        TRY(results_write_labels(r, path, option_flag(job->o, "save-conf")));
    }
    for (int i = 0; option_flag(job->o, "save-crop") && i < r->count; i++)
        TRY(save_crop(job, r, pixels, i));
    if (!option_flag(job->o, "nosave"))
        TRY(save_annotated(job, r, pixels));
cleanup:
    mem_free(stem);
    mem_free(path);
    return rc;
}

static enum status print_line(const struct job *job, const struct picture_result *r, const struct photo *p, long i,
                              double ms)
{
    struct buf text = {0};
    enum status rc = results_summary(r, (const char *const *)job->weights.names, job->weights.nc, &text);
    if (rc == OK)
        printf("image %ld/%d %s: %dx%d %s, %.1fms\n", i + 1, job->sources.count, r->path, p->input.box.h,
               p->input.box.w, text.data, ms);
    buf_free(&text);
    return rc;
}

static enum status detect_one(struct job *job, struct photo *p, long i)
{
    enum status rc = OK;
    struct detector_times times = {0};
    struct picture_result r = {.path = job->sources.paths[i], .h = p->pixels.h, .w = p->pixels.w};
    TRY(detector_run(job->detector, &p->input, &r.detections, &r.count, &times));
    job->detections += r.count;
    job->read += p->read;
    job->letterbox += p->letterbox;
    job->net += times.net;
    job->nms += times.nms;
    if (job->lines)
        TRY(print_line(job, &r, p, i, 1e3 * times.net));
    TRY(save(job, &r, &p->pixels));
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
        if (!slot)
            break;
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
        return fail(E_ARGUMENT, "--weights is needed: a .safetensors or .pt file");
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
    int n_img, n_classes, threads = option_int(job->o, "threads");
    const int *img = option_ints(job->o, "img", &n_img);
    const int *classes = option_ints(job->o, "classes", &n_classes);
    struct detector_config config = {
        .h = img[0],
        .w = img[n_img > 1],
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
    size_t most = (size_t)option_int(o, "max-det");
    job->drawing.boxes = mem_alloc(most, 4 * sizeof(float));
    job->drawing.scores = mem_alloc(most, sizeof(float));
    job->drawing.classes = mem_alloc(most, sizeof(int));
    if (!job->drawing.boxes || !job->drawing.scores || !job->drawing.classes)
        return E_NOMEM;
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
    if (n > 0)
        fprintf(stderr,
                "%d pictures, %ld detections; a picture: %.1f ms read, %.1f ms letterbox, %.1f ms network, %.1f ms "
                "NMS\n",
                n, job->detections, 1e3 * job->read / n, 1e3 * job->letterbox / n, 1e3 * job->net / n,
                1e3 * job->nms / n);
    if (job->folder)
        fprintf(stderr, "results in %s\n", job->folder);
}

static enum status run(struct job *job)
{
    enum status rc = OK;
    int n;
    const char *const *sources = option_strings(job->o, "source", &n);
    if (!n)
        return fail(E_ARGUMENT, "no pictures: name files, folders or globs");
    TRY(sources_expand((char *const *)sources, n, &job->sources));
    TRY(load_network(job));
    TRY(make_detector(job));
    TRY(prepare_outputs(job));
    struct prefetch_config ahead = {.items = job->sources.count,
                                    .workers = option_int(job->o, "workers"),
                                    .depth = 4,
                                    .slot_bytes = sizeof(struct photo),
                                    .make = make_photo,
                                    .free_slot = free_photo,
                                    .context = job};
    TRY(prefetch_create(&ahead, &job->prefetch));
    TRY(detect_all(job));
    if (job->json)
        TRY(output_json(option_string(job->o, "json"), job->json));
    summarise(job);
    if (job->failed)
        rc = fail(E_IO, "%d of %d pictures could not be read", job->failed, job->sources.count);
cleanup:
    return rc;
}

int verb_detect(int argc, char **argv)
{
    struct options *o = NULL;
    int code = options_begin(&spec, argc, argv, &o);
    if (code >= 0)
        return code;
    struct job job = {.o = o};
    code = verb_end("detect", run(&job));
    prefetch_destroy(job.prefetch);
    detector_destroy(job.detector);
    team_destroy(job.team);
    weights_free(&job.weights);
    sources_free(&job.sources);
    json_decref(job.json);
    mem_free(job.drawing.boxes);
    mem_free(job.drawing.scores);
    mem_free(job.drawing.classes);
    mem_free(job.folder);
    options_free(o);
    return code;
}
