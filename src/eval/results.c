#include "eval/results.h"

#include "eval/coco_ids.h"

#include <math.h>
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

static json_t *image_id(const struct dataset_image *image)
{
    return image->number >= 0 ? json_integer(image->number) : json_string(image->stem);
}

enum status results_append(json_t *array, const struct dataset_image *image, const struct detection *detections,
                           int count, const int *category_ids)
{
    for (int i = 0; i < count; i++) {
        const struct detection *d = &detections[i];
        double x = (double)d->xyxy[0], y = (double)d->xyxy[1];
        json_t *entry = json_pack("{s:o, s:i, s:[f,f,f,f], s:f}", "image_id", image_id(image), "category_id",
                                  category_ids ? category_ids[d->class] : d->class, "bbox", rounded(x, 1e3),
                                  rounded(y, 1e3), rounded((double)d->xyxy[2] - x, 1e3),
                                  rounded((double)d->xyxy[3] - y, 1e3), "score", rounded((double)d->score, 1e5));
        if (!entry || json_array_append_new(array, entry) != 0)
            return fail(E_NOMEM, "%s: its result cannot be written as JSON (is the name UTF-8?)", image->path);
    }
    return OK;
}
