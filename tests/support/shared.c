#include "support/shared.h"

#include "core/path.h"
#include "data/synth.h"
#include "support/bench.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BESIDE Y9_SOURCE_DIR "/../shared"
#define CHOICE Y9_SOURCE_DIR "/tests/golden"

enum { KEPT = 8, PATH_SIZE = 1024 };

static const char *keep(const char *folder, const char *name)
{
    static char kept[KEPT][PATH_SIZE];
    static int next;
    char *path = kept[next++ % KEPT];
    snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    return path;
}

const char *shared_file(const char *name)
{
    const char *hidden = getenv("Y9_SHARED");
    if (hidden && !strcmp(hidden, "off"))
        return NULL;
    const char *path = keep(BESIDE, name);
    return path_exists(path) ? path : NULL;
}

const char *golden_folder(void)
{
    const char *given = getenv("Y9_GOLDEN"), *all = shared_file("golden");
    return given && *given ? given : all ? all : CHOICE;
}

static const char *find_case(const char *name)
{
    const char *path = keep(golden_folder(), name);
    if (!path_exists(path))
        path = keep(CHOICE, name);
    return path_exists(path) ? path : NULL;
}

bool golden_is_here(const char *name)
{
    return find_case(name) != NULL;
}

const char *golden_file(const char *name)
{
    const char *path = find_case(name);
    if (!path)
        fail_msg("%s is neither in %s nor in %s", name, golden_folder(), CHOICE);
    return path;
}

/* --- stand-ins --- */

/* The last convolution of every class tower: lower, so that a part of the scores lies above 0.25. */
static void lower_class_bias(struct bench *b)
{
    for (int i = 0; i < b->graph.n_params; i++) {
        const struct param *p = &b->graph.params[i];
        if (strstr(p->name, ".cv3.") && strstr(p->name, ".2.bias"))
            for (size_t k = 0; k < p->count; k++)
                b->params[p->first + k] -= 14;
    }
}

void draw_weights(const char *path)
{
    enum { CLASSES = 80 };
    struct table table;
    struct bench b = {0};
    struct model_options options;
    static char words[CLASSES][16];
    const char *names[CLASSES];
    model_options_init(&options);
    options.nc = CLASSES;
    options.head[0] = (struct head_shape){.c_box = 64, .c_cls = CLASSES, .box_groups = 1};
    for (int k = 0; k < CLASSES; k++) {
        snprintf(words[k], sizeof words[k], "thing %d", k);
        names[k] = words[k];
    }
    struct weights_meta meta = {.table = &table, .names = names, .nc = CLASSES};
    if (table_open("gelan-t", &table) != OK || model_build(&table, &options, &b.graph, NULL) != OK ||
        bench_init(&b) != OK)
        fail_msg("%s", fail_text());
    bench_generate(&b, 1, 2.0);
    lower_class_bias(&b);
    if (weights_write(path, &b.graph, b.params, &meta) != OK)
        fail_msg("%s", fail_text());
    bench_free(&b);
    table_free(&table);
}

void draw_dataset(const char *folder, int pictures)
{
    struct synth_config config = {.folder = folder,
                                  .images = pictures,
                                  .classes = 3,
                                  .h = 128,
                                  .w = 160,
                                  .seed = 7,
                                  .val_fraction = 0.25,
                                  .quiet = true};
    if (synth_write(&config) != OK)
        fail_msg("%s", fail_text());
}
