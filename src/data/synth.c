#include "data/synth.h"

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/progress.h"
#include "data/synth_parts.h"
#include "formats/yaml_write.h"
#include "image/encode.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_DIGITS = 6, PATH_SIZE = 4096, CHUNK = 64 };

static const char *const parts[] = {"train", "val"};

/* --- folders --- */

static const char *const kinds[] = {"images", "labels"}, *const extensions[] = {"jpg", "txt"};

/* Nothing of the user's is mixed with the set: the folder is new, or empty. *made: it is new. */
static enum status prepare(const char *folder, bool *made)
{
    enum status rc = OK;
    char path[PATH_SIZE], **names = NULL;
    int count = 0;
    if (strlen(folder) > PATH_SIZE - 64)
        return fail(E_ARGUMENT, "the folder's name is too long");
    *made = !path_exists(folder);
    if (!*made)
        TRY_CLEAN(path_list(folder, &names, &count));
    if (count)
        TRY_CLEAN(fail(E_ARGUMENT, "%s: the folder is not empty (%s); give a new or an empty one", folder, names[0]));
    for (int i = 0; i < COUNT(kinds); i++) {
        for (int k = 0; k < COUNT(parts); k++) {
            snprintf(path, sizeof path, "%s/%s/%s", folder, kinds[i], parts[k]);
            TRY_CLEAN(path_make_folder(path));
        }
    }
cleanup:
    path_list_free(names, count);
    return rc;
}

/* What was drawn of a set that does not become whole. */
static void discard(const struct synth_config *c, bool made)
{
    char path[PATH_SIZE];
    for (int i = 0; i < COUNT(kinds); i++) {
        for (int k = 0; k < COUNT(parts); k++) {
            for (int number = 0; number < c->images; number++) {
                snprintf(path, sizeof path, "%s/%s/%s/%0*d.%s", c->folder, kinds[i], parts[k], NAME_DIGITS, number,
                         extensions[i]);
                unlink(path);
            }
            snprintf(path, sizeof path, "%s/%s/%s", c->folder, kinds[i], parts[k]);
            rmdir(path);
        }
        snprintf(path, sizeof path, "%s/%s", c->folder, kinds[i]);
        rmdir(path);
    }
    if (made)
        rmdir(c->folder);
}

/* --- pictures --- */

static enum status write_labels(const struct synth_picture *p, const char *path)
{
    char text[SYNTH_MAX_OBJECTS * 80];
    int length = 0;
    for (int i = 0; i < p->n_labels; i++) {
        const struct synth_label *l = &p->labels[i];
        double w = p->image.w, h = p->image.h;
        length +=
            snprintf(text + length, sizeof text - (size_t)length, "%d %.6f %.6f %.6f %.6f\n", l->class,
                     (l->x1 + l->x2) / (2 * w), (l->y1 + l->y2) / (2 * h), (l->x2 - l->x1) / w, (l->y2 - l->y1) / h);
    }
    return file_write(path, text, (size_t)length);
}

struct synth_job {
    const struct synth_config *config;
    int first, n_train;
    pthread_mutex_t lock;
    int failed; /* the lowest picture that failed; -1: none */
    enum status rc;
    char sentence[512];
};

static enum status write_picture(const struct synth_job *job, int number)
{
    enum status rc = OK;
    const struct synth_config *c = job->config;
    const char *part = parts[number >= job->n_train];
    struct synth_picture picture = {.n_labels = 0};
    char path[PATH_SIZE];
    TRY_CLEAN(synth_draw(c->seed, (uint64_t)number, c->classes, c->h, c->w, &picture));
    snprintf(path, sizeof path, "%s/images/%s/%0*d.jpg", c->folder, part, NAME_DIGITS, number);
    TRY_CLEAN(image_write_jpeg(path, &picture.image, picture.quality));
    snprintf(path, sizeof path, "%s/labels/%s/%0*d.txt", c->folder, part, NAME_DIGITS, number);
    TRY_CLEAN(write_labels(&picture, path));
cleanup:
    image_free(&picture.image);
    return rc;
}

static void write_part(void *context, int part, int thread)
{
    struct synth_job *job = context;
    (void)thread;
    enum status rc = write_picture(job, job->first + part);
    if (rc == OK)
        return;
    pthread_mutex_lock(&job->lock);
    if (job->failed < 0 || job->first + part < job->failed) {
        job->failed = job->first + part;
        job->rc = rc;
        snprintf(job->sentence, sizeof job->sentence, "%s", fail_text());
    }
    pthread_mutex_unlock(&job->lock);
}

static enum status write_pictures(const struct synth_config *c, int n_train)
{
    struct synth_job job = {.config = c, .n_train = n_train, .failed = -1};
    struct progress progress;
    pthread_mutex_init(&job.lock, NULL);
    if (!c->quiet)
        progress_start(&progress, "pictures", c->images);
    for (; job.first < c->images && job.failed < 0 && !(c->stop && *c->stop); job.first += CHUNK) {
        team_run(c->team, MIN(CHUNK, c->images - job.first), write_part, &job);
        if (!c->quiet)
            progress_step(&progress, MIN(job.first + CHUNK, c->images));
    }
    if (!c->quiet)
        progress_end(&progress);
    pthread_mutex_destroy(&job.lock);
    if (job.failed >= 0)
        return fail(job.rc, "%s", job.sentence);
    if (job.first < c->images)
        return fail(E_INTERRUPTED, "stopped after %d of %d pictures; none of them is kept", job.first, c->images);
    return OK;
}

/* --- the set --- */

static enum status write_yaml(const struct synth_config *c)
{
    enum status rc = OK;
    struct buf text = {0};
    struct yaml_writer w;
    char path[PATH_SIZE];
    yaml_begin(&w, &text);
    yaml_begin_map(&w, NULL, false);
    yaml_put_string(&w, "train", "images/train");
    yaml_put_string(&w, "val", "images/val");
    yaml_begin_list(&w, "names", false);
    for (int i = 0; i < c->classes; i++)
        yaml_put_string(&w, NULL, shape_name(i));
    yaml_end(&w);
    yaml_end(&w);
    TRY_CLEAN(yaml_finish(&w));
    snprintf(path, sizeof path, "%s/data.yaml", c->folder);
    TRY_CLEAN(file_write(path, text.data, text.size));
cleanup:
    buf_free(&text);
    return rc;
}

enum status synth_write(const struct synth_config *c)
{
    enum status rc = OK;
    if (c->classes < 1 || c->classes > SYNTH_MAX_CLASSES)
        return fail(E_ARGUMENT, "%d classes: 1 to %d can be drawn", c->classes, SYNTH_MAX_CLASSES);
    if (c->images < 1 || c->images > 999999)
        return fail(E_ARGUMENT, "%d pictures: 1 to 999999 can be drawn", c->images);
    if (c->h < 64 || c->w < 64 || c->h > 4096 || c->w > 4096)
        return fail(E_ARGUMENT, "%d x %d pixels: sides may be 64 to 4096", c->w, c->h);
    if (!(c->val_fraction >= 0 && c->val_fraction <= 1))
        return fail(E_ARGUMENT, "validation takes a part of 0 to 1, not %g", c->val_fraction);
    bool made = false, prepared = false;
    TRY_CLEAN(prepare(c->folder, &made));
    prepared = true;
    TRY_CLEAN(write_pictures(c, c->images - (int)rint(c->images * c->val_fraction)));
    TRY_CLEAN(write_yaml(c));
cleanup:
    if (rc != OK && (prepared || made))
        discard(c, made);
    return rc;
}
