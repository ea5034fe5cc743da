/* COCO annotation files: what is accepted holds what dataset.h promises. */
#include "target.h"

#include "data/dataset.h"
#include "input_file.h"

static void check(const struct dataset *d)
{
    for (int i = 0; i < d->n_images; i++) {
        const struct dataset_image *image = &d->images[i];
        size_t objects = (size_t)image->n_objects + (size_t)image->n_crowds;
        if (image->w < 1 || image->h < 1 || image->first_object + objects > d->n_objects)
            abort();
    }
    for (size_t i = 0; i < d->n_objects; i++) {
        const struct dataset_object *o = &d->objects[i];
        if (o->class < 0 || o->class >= d->nc || o->n_points < 0 || o->first_point + (size_t)o->n_points > d->n_points)
            abort();
        for (int k = 0; k < 4; k++) {
            if (!(o->cxcywh[k] >= 0 && o->cxcywh[k] <= 1))
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char words[] = "names: [disc, cross]\nval: input.json\ntrain: input.json\n";
    const struct dataset_options options = {.no_cache = true, .keep_unusable = true, .no_pixels = true};
    struct dataset_yaml yaml;
    struct dataset *d;
    const char *file = input_file("data.yaml", words, sizeof words - 1);
    input_file("input.json", data, size);
    if (dataset_yaml_open(file, &yaml) != OK)
        abort();
    if (dataset_load(&yaml, SPLIT_VAL, &options, &d) == OK) {
        check(d);
        dataset_destroy(d);
    }
    dataset_yaml_close(&yaml);
    return 0;
}
