/* yolo9 synth: draw a detection set to train on without photos. */
#include "data/synth.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "core/cpu.h"
#include "core/terminal.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec options_table[] = {
    {"out", NULL, OPTION_STRING, NULL, "folder for data.yaml, images/ and labels/", .value = VALUE_FOLDER},
    {"images", NULL, OPTION_INT, "500", "number of pictures", 1, 999999},
    {"classes", NULL, OPTION_INT, "4", "number of classes: disc, star, cross, triangle, ring ...", 1,
     SYNTH_MAX_CLASSES},
    {"seed", NULL, OPTION_INT, "0", "another seed, another set", 0, 2147483647},
    {"img", "imgsz img-size", OPTION_INTS, "480 640", "size of the pictures", 64, 4096, .most = 2, .value = VALUE_SIZE},
    {"val-fraction", NULL, OPTION_FLOAT, "0.2", "part of the pictures that is for validation", 0, 1},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor. Pictures do not depend on it", 0, 1024},
};

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct team *team = NULL;
    int threads = option_int(o, "threads");
    struct synth_config c = {.folder = option_string(o, "out"),
                             .images = option_int(o, "images"),
                             .classes = option_int(o, "classes"),
                             .seed = (uint64_t)option_int(o, "seed"),
                             .val_fraction = option_float(o, "val-fraction")};
    if (!c.folder)
        return fail(E_USAGE, "--out is needed: a folder to draw into");
    option_size(o, "img", &c.h, &c.w);
    TRY_CLEAN(team_create(threads ? threads : cpu_count(), &team));
    c.team = team;
    c.stop = interrupt_flag();
    interrupt_defer("removing what was drawn");
    TRY_CLEAN(synth_write(&c));
    print(stdout, "%s/data.yaml: %d %s of %d %s", c.folder, c.images, noun(c.images, "picture", "pictures"), c.classes,
          noun(c.classes, "class", "classes"));
cleanup:
    team_destroy(team);
    return rc;
}

const struct verb_spec verb_synth = {
    .name = "synth",
    .summary = "draw a detection set to train on",
    .positional = "out",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 synth --out shapes --images 400 --classes 3\n"
               "yolo9 train --data shapes/data.yaml --cfg yolov9-t --img 320",
    .run = run,
};
