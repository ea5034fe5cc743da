/* yolo9 synth: draw a detection set to train on without photos. */
#include "data/synth.h"
#include "cli/cli.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct option_spec table[] = {
    {"out", NULL, OPTION_STRING, NULL, "folder for data.yaml, images/ and labels/", 0, 0},
    {"images", NULL, OPTION_INT, "500", "number of pictures", 1, 999999},
    {"classes", NULL, OPTION_INT, "4", "number of classes: disc, star, cross, triangle, ring ...", 1,
     SYNTH_MAX_CLASSES},
    {"seed", NULL, OPTION_INT, "0", "another seed, another set", 0, 2147483647},
    {"img", "imgsz img-size", OPTION_INTS, "480 640", "size of the pictures: N or H W", 64, 4096, 2},
    {"val-fraction", NULL, OPTION_FLOAT, "0.2", "part of the pictures that is for validation", 0, 1},
    {"threads", NULL, OPTION_INT, NULL, "threads (default: all cores); makes no difference to the pictures", 1, 1024},
};
static const struct verb_spec spec = {
    .name = "synth",
    .summary = "draw a detection set to train on",
    .positional = "out",
    .options = table,
    .n_options = COUNT(table),
    .example = "yolo9 synth --out shapes --images 400 --classes 3\nyolo9 train --data shapes/data.yaml --cfg yolov9-t "
               "--img 320",
};

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct team *team = NULL;
    int n_size, cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    const int *size = option_ints(o, "img", &n_size);
    struct synth_config c = {.folder = option_string(o, "out"),
                             .images = option_int(o, "images"),
                             .classes = option_int(o, "classes"),
                             .h = size[0],
                             .w = size[n_size > 1],
                             .seed = (uint64_t)option_int(o, "seed"),
                             .val_fraction = option_float(o, "val-fraction")};
    TRY(team_create(option_given(o, "threads") ? option_int(o, "threads") : MAX(cores, 1), &team));
    c.team = team;
    TRY(synth_write(&c));
    printf("%s/data.yaml: %d pictures of %d classes\n", c.folder, c.images, c.classes);
cleanup:
    team_destroy(team);
    return rc;
}

int verb_synth(int argc, char **argv)
{
    struct options *o;
    int code = options_begin(&spec, argc, argv, &o);
    if (code >= 0)
        return code;
    if (!option_string(o, "out")) {
        fprintf(stderr, "yolo9 synth: --out FOLDER is missing; yolo9 synth --help\n");
        options_free(o);
        return EXIT_USAGE;
    }
    code = verb_end("synth", run(o));
    options_free(o);
    return code;
}
