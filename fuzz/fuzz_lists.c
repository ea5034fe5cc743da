/* Lists of pictures, for detect and as a split of a data set, beside a real picture and its label file. */
#include "target.h"

#include "data/dataset.h"
#include "detect/sources.h"
#include "image/encode.h"
#include "input_file.h"

static const char *write_surroundings(void)
{
    static const char words[] = "names: [disc, cross]\nval: list.txt\ntrain: list.txt\n";
    static const char labels[] = "0 0.5 0.5 0.5 0.5\n";
    struct image img = {0};
    input_file("x.txt", labels, sizeof labels - 1);
    if (image_init(&img, 12, 12) != OK)
        abort();
    image_fill(&img, 1, 2, 3);
    if (image_write(input_file("x.png", "", 0), &img) != OK)
        abort();
    image_free(&img);
    return input_file("data.yaml", words, sizeof words - 1);
}

static void load(const char *file)
{
    const struct dataset_options options = {.no_cache = true, .keep_unusable = true};
    struct dataset_yaml yaml;
    struct dataset *d;
    if (dataset_yaml_open(file, &yaml) != OK)
        abort();
    if (dataset_load(&yaml, SPLIT_VAL, &options, &d) == OK) {
        for (int i = 0; i < d->n_images; i++) {
            if (!d->images[i].path || !d->images[i].name || d->images[i].w < 1 || d->images[i].h < 1)
                abort();
        }
        dataset_destroy(d);
    }
    dataset_yaml_close(&yaml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char data_file[96];
    struct sources s;
    if (!data_file[0])
        strcpy(data_file, write_surroundings());
    char *list = strdup(input_file("list.txt", data, size));
    struct buf words = {0};
    if (!list)
        abort();
    if (sources_expand(&list, 1, false, &s) == OK) {
        for (int i = 0; i < s.count; i++) {
            if (!s.paths[i] || !s.identities[i].name)
                abort();
        }
        if (sources_describe(&s, &words) != OK)
            abort();
        sources_free(&s);
    }
    buf_free(&words);
    free(list);
    load(data_file);
    return 0;
}
