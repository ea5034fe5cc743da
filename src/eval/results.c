#include "eval/results.h"

#include "core/text.h"
#include "eval/coco_ids.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), e = strlen(end);
    return n >= e && !strcmp(text + n - e, end);
}

const int *results_category_ids(const struct dataset_yaml *yaml, enum dataset_split split, const struct dataset *d)
{
    const struct yaml_node *entry = yaml ? yaml->split[split] : NULL;
    if (d->category_ids)
        return d->category_ids;
    bool coco = d->nc == COCO_CLASSES && entry && entry->type == YAML_STRING && ends_with(entry->text, "val2017.txt");
    return coco ? coco_ids : NULL;
}

static double rounded(double x, double unit)
{
    return rint(x * unit) / unit;
}

enum status results_writer_open(struct results_writer *w, const char *path, const int *category_ids)
{
    *w = (struct results_writer){.category_ids = category_ids};
    return file_writer_open(&w->file, path);
}

/* The picture's id as JSON: a number, or a text in quotes. From json_dumps; NULL when short of memory. */
static char *image_id(const struct dataset_image *image)
{
    struct arena scratch;
    arena_init(&scratch);
    const char *stem = image->number < 0 ? text_utf8(&scratch, image->stem) : NULL;
    json_t *id = image->number >= 0 ? json_integer(image->number) : stem ? json_string(stem) : NULL;
    char *text = id ? json_dumps(id, JSON_ENCODE_ANY) : NULL;
    json_decref(id);
    arena_free(&scratch);
    return text;
}

enum status results_writer_add(struct results_writer *w, const struct dataset_image *image,
                               const struct detection *detections, int count)
{
    char *id = image_id(image);
    if (!id)
        return fail_memory(image->path, 0);
    for (int i = 0; i < count; i++) {
        const struct detection *d = &detections[i];
        double x = (double)d->xyxy[0], y = (double)d->xyxy[1];
        fprintf(w->file.stream,
                "%s{\"image_id\": %s, \"category_id\": %d, \"bbox\": [%.9g, %.9g, %.9g, %.9g], \"score\": %.9g}",
                w->count++ ? ",\n" : "[\n", id, w->category_ids ? w->category_ids[d->class] : d->class, rounded(x, 1e3),
                rounded(y, 1e3), rounded((double)d->xyxy[2] - x, 1e3), rounded((double)d->xyxy[3] - y, 1e3),
                rounded((double)d->score, 1e5));
    } /* a failed write is told by commit */
    free(id);
    return OK;
}

enum status results_writer_commit(struct results_writer *w)
{
    fputs(w->count ? "\n]\n" : "[]\n", w->file.stream);
    return file_writer_commit(&w->file);
}

void results_writer_abort(struct results_writer *w)
{
    file_writer_abort(&w->file);
}
