/* yolo9 figure detections: class scores by level, the distributions behind one box, boxes before and after NMS. */
#include "cli/classes.h"
#include "cli/cli.h"
#include "cli/figure_out.h"
#include "cli/habits.h"
#include "cli/image_size.h"
#include "cli/precision.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"
#include "image/decode.h"
#include "lab/detections_picture.h"

#include <stdio.h>

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRING, NULL, "weights: .safetensors, or a .pt or .ckpt of any package",
     .value = VALUE_WEIGHTS, .heading = "Network and photo"},
    {"source", NULL, OPTION_STRING, NULL, "the photo", .value = VALUE_FILE},
    DETECT_OPTIONS,
    {"max-det", NULL, OPTION_INT, "1000", "detections", 1, 30000},
    {"classes", "class", OPTION_STRINGS, NULL, "look at these classes only: names or numbers", .value = VALUE_CLASSES},
    {"agnostic-nms", NULL, OPTION_FLAG, NULL, "classes suppress each other"},
    {"box", NULL, OPTION_INT, "1", "which box to look into: 1 is the one of highest score", 1, 30000},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024, .heading = "Computation"},
    PRECISION_OPTIONS,
    FIGURE_OUT_OPTIONS,
};

struct figure {
    const struct options *o;
    struct weights weights;
    struct class_choice classes;
    struct image photo;
    struct team *team;
    struct detector_config config;
    struct detections_figure detections;
    char *folder;
};

static enum status check_options(const struct figure *f)
{
    if (!option_string(f->o, "weights"))
        return fail(E_USAGE, "--weights is needed: a .safetensors or .pt file");
    if (!option_string(f->o, "source"))
        return fail(E_USAGE, "a photo is needed, before --classes and its words");
    return figure_out_check(f->o);
}

static enum status load(struct figure *f)
{
    const char *path = option_string(f->o, "weights");
    struct weights *w = &f->weights;
    TRY(weights_load(path, option_string(f->o, "cfg"), w, NULL));
    if (w->params)
        TRY(weights_deploy(w));
    weights_drop_training(w);
    TRY(classes_choose(f->o, path, (const char *const *)w->names, w->nc, &f->classes));
    if (f->classes.n_rest)
        return fail(E_USAGE, "--classes %s: it is no class of %s", f->classes.rest[0], path);
    return image_read(option_string(f->o, "source"), &f->photo);
}

/* As detect has it. */
static enum status configure(struct figure *f)
{
    const struct image_size size = image_size_of(f->o, &f->weights);
    const struct detect_habits habits = habits_detect(f->o);
    const int threads = option_int(f->o, "threads");
    f->config = (struct detector_config){.h = size.h,
                                         .w = size.w,
                                         .rect = habits.rect,
                                         .whole_border = habits.whole_border,
                                         .conf = (float)option_float(f->o, "conf"),
                                         .iou = habits.iou,
                                         .max_det = habits.max_det,
                                         .agnostic = option_flag(f->o, "agnostic-nms"),
                                         .classes = f->classes.classes,
                                         .n_classes = f->classes.n};
    TRY(precision_of(f->o, f->weights.eight_bit, &f->config.precision));
    TRY(team_create(threads ? threads : cpu_count(), &f->team));
    f->config.team = f->team;
    return OK;
}

/* "all classes", "person", "person and 3 more" */
static void name_classes(const struct figure *f, char *text, size_t size)
{
    if (!f->classes.n)
        snprintf(text, size, "all classes");
    else if (f->classes.n == 1)
        snprintf(text, size, "%s", f->weights.names[f->classes.classes[0]]);
    else
        snprintf(text, size, "%s and %d more", f->weights.names[f->classes.classes[0]], f->classes.n - 1);
}

static enum status write_figure(struct figure *f)
{
    enum status rc = OK;
    char shown[160], *path = NULL;
    name_classes(f, shown, sizeof shown);
    const char *photo = path_name(option_string(f->o, "source"));
    const struct detections_sheet sheet = {.figure = &f->detections,
                                           .photo = photo,
                                           .network = f->weights.table.name,
                                           .names = (const char *const *)f->weights.names,
                                           .nc = f->weights.nc,
                                           .shown = shown,
                                           .conf = (double)f->config.conf,
                                           .iou = f->config.iou};
    const struct image *input = &f->detections.input.pixels;
    json_t *about = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:f, s:f}", "figure", "detections", "weights",
                              path_name(option_string(f->o, "weights")), "network", f->weights.table.name, "photo",
                              photo, "height", input->h, "width", input->w, "classes", shown, "conf",
                              option_float(f->o, "conf"), "iou_threshold", f->config.iou);
    if (!about)
        return fail(E_ARGUMENT, "%s: a name is no UTF-8 text", option_string(f->o, "source"));
    TRY_CLEAN(figure_out_make(f->o, &f->folder));
    TRY_CLEAN((path = path_join(f->folder, "detections.png")) ? OK : E_NOMEM);
    TRY_CLEAN(detections_draw(&sheet, path));
    TRY_CLEAN(detections_numbers_write(&sheet, f->folder, about));
cleanup:
    json_decref(about);
    mem_free(path);
    return rc;
}

static void tell(const struct figure *f)
{
    const struct detections_figure *d = &f->detections;
    print(stdout, "%d %s above %g: %d kept, %d suppressed", d->n_boxes, noun(d->n_boxes, "box", "boxes"),
          option_float(f->o, "conf"), d->kept, d->suppressed);
    if (d->left_out)
        print(stdout, "%d %s left out, beyond --max-det %d or the %d best", d->left_out,
              noun(d->left_out, "box is", "boxes are"), f->config.max_det, NMS_MAX_CANDIDATES);
    if (d->chosen < 0)
        print(stdout, "no box is kept: the best cell is looked into instead");
    if (!d->bins)
        print(stdout, "the head has anchor boxes and no distributions: what moves its box is shown instead");
}

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct figure f = {.o = o};
    TRY_CLEAN(check_options(&f));
    TRY_CLEAN(load(&f));
    TRY_CLEAN(configure(&f));
    TRY_CLEAN(detections_figure_make(&f.weights.deployed, f.weights.deployed_params, &f.config, &f.photo,
                                     option_int(o, "box") - 1, &f.detections));
    TRY_CLEAN(write_figure(&f));
    tell(&f);
cleanup:
    detections_figure_free(&f.detections);
    team_destroy(f.team);
    image_free(&f.photo);
    class_choice_free(&f.classes);
    weights_free(&f.weights);
    return figure_out_close(rc, f.folder, "detections.png, detections.csv, detections.json");
}

const struct verb_spec figure_detections = {
    .name = "figure detections",
    .summary = "class scores by level, a box's distributions, NMS",
    .positional = "source",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 figure detections --weights gelan-c.safetensors photo.jpg\n"
               "yolo9 figure detections gelan-c.pt photo.jpg --box 3 --class person",
    .run = run,
};
