/* Pictures on their way: read and letterboxed ahead of the network, their files written behind it. */
#include "cli/detect_job.h"
#include "core/clock.h"
#include "core/mem.h"
#include "image/draw.h"
#include "image/encode.h"

#include <stdio.h>
#include <string.h>

static enum status make_photo(void *context, long item, void *slot)
{
    const struct detect_job *job = context;
    struct photo *p = slot;
    double start = clock_seconds();
    enum status rc = sources_read(&job->sources, item, &p->pixels);
    double read = clock_seconds();
    p->read = read - start;
    if (rc == OK) {
        const struct yolo9_picture picture =
            yolo9_picture_pixels(YOLO9_RGB, p->pixels.data, p->pixels.h, p->pixels.w, 0);
        rc = library_status(yolo9_input_prepare(job->detector, &picture, &p->input));
    }
    if (!job->saves)
        image_free(&p->pixels);
    return rc;
}

static void free_photo(void *slot)
{
    struct photo *p = slot;
    image_free(&p->pixels);
    yolo9_input_close(p->input);
    mem_free(p->detections);
    mem_free(p->boxes);
    mem_free(p->scores);
    mem_free(p->classes);
}

/* The detector uses its memory again for the next picture: what is to be saved is copied. */
enum status photo_keep(const struct detect_job *job, const struct picture_result *r, struct photo *p)
{
    size_t most = (size_t)job->max_det;
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

static enum status save_annotated(const struct detect_job *job, long item, struct photo *p)
{
    enum status rc = OK;
    char *path = NULL;
    struct draw_options style = {.line_thickness = option_int(job->o, "line-thickness"),
                                 .hide_labels = option_flag(job->o, "hide-labels"),
                                 .hide_conf = option_flag(job->o, "hide-conf")};
    TRY_CLEAN(result_path(job->folder, "", job->names[item].picture, "", &path));
    TRY_CLEAN(draw_detections(&p->pixels, p->boxes, p->scores, p->classes, p->result.count, job->class_names, job->nc,
                              &style));
    TRY_CLEAN(image_write(path, &p->pixels));
cleanup:
    mem_free(path);
    return rc;
}

/* The i-th box: crops/CLASS/PICTURE.jpg, PICTURE_2.jpg ... */
static enum status save_crop(const struct detect_job *job, long item, const struct photo *p, int i)
{
    enum status rc = OK;
    const struct detection *d = &p->result.detections[i];
    struct image crop = {0};
    struct buf folder = {0};
    int box[4];
    char number[24] = ".jpg", *path = NULL;
    results_crop_box(&p->result, d, box);
    if (box[2] <= box[0] || box[3] <= box[1])
        return OK; /* nothing of it lies inside the picture */
    if (i)
        snprintf(number, sizeof number, "_%d.jpg", i + 1);
    TRY_CLEAN(buf_printf(&folder, "crops/%s", job->class_folders[d->class]));
    TRY_CLEAN(result_path(job->folder, folder.data, job->names[item].crop, number, &path));
    TRY_CLEAN(image_crop(&p->pixels, box[0], box[1], box[2], box[3], &crop));
    TRY_CLEAN(image_write_jpeg(path, &crop, IMAGE_QUALITY));
cleanup:
    image_free(&crop);
    buf_free(&folder);
    mem_free(path);
    return rc;
}

static enum status save_labels(const struct detect_job *job, long item, const struct photo *p)
{
    char *path;
    enum status rc = result_path(job->folder, "labels", job->names[item].stem, ".txt", &path);
    if (rc == OK)
        rc = results_write_labels(&p->result, path, option_flag(job->o, "save-conf"));
    mem_free(path);
    return rc;
}

/* In a worker: all files of one picture. */
static enum status save_photo(void *context, long item, void *slot)
{
    struct detect_job *job = context;
    struct photo *p = slot;
    double start = clock_seconds();
    if (option_flag(job->o, "save-txt"))
        TRY(save_labels(job, item, p));
    for (int i = 0; option_flag(job->o, "save-crop") && i < p->result.count; i++)
        TRY(save_crop(job, item, p, i));
    if (!option_flag(job->o, "nosave"))
        TRY(save_annotated(job, item, p));
    job->saving += (long)(1e6 * (clock_seconds() - start));
    return OK;
}

enum status photos_start(struct detect_job *job)
{
    int jobs = option_int(job->o, "jobs");
    struct prefetch_config ahead = {.items = job->sources.count,
                                    .workers = MIN(jobs, job->sources.count),
                                    .depth = jobs + 1, /* one in the network */
                                    .slot_bytes = sizeof(struct photo),
                                    .make = make_photo,
                                    .finish = job->saves ? save_photo : NULL,
                                    .free_slot = free_photo,
                                    .context = job};
    return prefetch_create(&ahead, &job->prefetch);
}
