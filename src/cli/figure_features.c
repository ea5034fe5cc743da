/* yolo9 figure features: feature maps of networks with random weights at growing depth. */
#include "lab/features.h"

#include "cli/architectures.h"
#include "cli/cli.h"
#include "cli/figure_out.h"
#include "cli/image_size.h"
#include "core/cpu.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/progress.h"
#include "image/decode.h"
#include "lab/features_picture.h"
#include "lab/numbers.h"
#include "lab/random_net.h"

static const char *const usual[] = {"plainnet", "resnet", "cspnet", "gelan", "reversible"};
static const char *const reductions[] = {
    [REDUCE_MEAN] = "mean", [REDUCE_RMS] = "rms", [REDUCE_MAX] = "max", [REDUCE_COMPONENT] = "component", NULL};

static const struct option_spec options_table[] = {
    {"source", NULL, OPTION_STRING, NULL, "the photo", .value = VALUE_FILE},
    ARCHITECTURES_OPTION("plainnet resnet cspnet gelan reversible"),
    {"depth", NULL, OPTION_INTS, "50 100 150 200",
     "convolutions behind the picture; the row of the network that is nearest is shown", 1, 10000, MOST_ASKED_DEPTHS},
    {"seed", NULL, OPTION_INT, "0", "another seed, other random weights", 0, 2147483647},
    {"reduce", NULL, OPTION_STRING, "mean", "how the channels of a map become one", .choices = reductions},
    IMAGE_SIZE_OPTION("network input (default 640)", 2),
    {"time", NULL, OPTION_FLAG, NULL, "time the networks too"},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024},
    FIGURE_OUT_OPTIONS,
};

struct figure {
    const struct options *o;
    struct image input;
    struct letterbox box;
    struct team *team;
    struct architectures asked;
    struct features networks[MOST_ARCHITECTURES]; /* that ran */
    int n;
    char *folder;
};

/* --- what is asked for --- */

static enum status check_options(struct figure *f)
{
    int n;
    option_strings(f->o, "arch", &n);
    if (!option_string(f->o, "source"))
        return fail(E_USAGE, "a photo is needed%s",
                    n ? "; put it before --arch, whose words end at the next option" : "");
    TRY(architectures_find(f->o, usual, COUNT(usual), &f->asked));
    return figure_out_check(f->o);
}

static int up_to(int side, int stride)
{
    return (side + stride - 1) / stride * stride;
}

static enum status read_photo(struct figure *f)
{
    enum status rc = OK;
    struct image photo = {0};
    const struct image_size size = image_size_of(f->o, NULL);
    int stride;
    TRY_CLEAN(random_net_stride(f->asked.names, f->asked.n, &stride));
    TRY_CLEAN(image_read(option_string(f->o, "source"), &photo));
    f->box =
        letterbox_plan(photo.h, photo.w,
                       &(struct letterbox_options){
                           .h = up_to(size.h, stride), .w = up_to(size.w, stride), .stride = stride, .rect = true});
    TRY_CLEAN(image_letterbox(&photo, &f->box, &f->input));
cleanup:
    image_free(&photo);
    return rc;
}

/* --- the networks --- */

static enum status run_networks(struct figure *f)
{
    int n_depths;
    struct progress bar;
    const int *depths = option_ints(f->o, "depth", &n_depths);
    progress_start(&bar, "networks", f->asked.n);
    for (int i = 0; i < f->asked.n; i++) {
        const struct features_options o = {.network = f->asked.names[i],
                                           .depths = depths,
                                           .n_depths = n_depths,
                                           .seed = (uint64_t)option_int(f->o, "seed"),
                                           .reduction = (enum reduction)option_choice(f->o, "reduce"),
                                           .timed = option_flag(f->o, "time"),
                                           .team = f->team};
        struct features *network = &f->networks[f->n++];
        TRY(features_run(&o, &f->input, &f->box, network));
        architecture_shorten(network->name);
        progress_step(&bar, i + 1);
    }
    progress_end(&bar);
    return OK;
}

/* --- what is written --- */

static json_t *row_json(const struct features *f, const struct feature_map *m, const char *reduction)
{
    json_t *row = json_pack(
        "{s:s, s:i, s:i, s:i, s:s, s:i, s:i, s:i, s:s, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:f}", "architecture",
        f->name, "asked_depth", m->asked, "depth", m->depth, "row", m->row, "module", m->module, "height", m->h,
        "width", m->w, "channels", m->c, "reduction", reduction, "parameters", m->params, "gflops", m->gflops,
        "directions", m->directions, "shown_correlation", m->shown_correlation, "best_channel_correlation",
        m->channel_correlation, "recovered_error", m->recovered_error < 0 ? json_null() : json_real(m->recovered_error),
        "milliseconds", m->milliseconds > 0 ? json_real(m->milliseconds) : json_null(), "network_mb",
        (f->map_bytes + f->weight_bytes) * 1e-6);
    return row;
}

static enum status write_numbers(const struct figure *f)
{
    enum status rc = OK;
    const char *reduction = option_string(f->o, "reduce");
    json_t *rows = json_array(), *about = json_pack("{s:s, s:s, s:i, s:i, s:i}", "figure", "features", "photo",
                                                    path_name(option_string(f->o, "source")), "seed",
                                                    option_int(f->o, "seed"), "height", f->box.h, "width", f->box.w);
    for (int i = 0; i < f->n; i++)
        for (int k = 0; k < f->networks[i].n; k++)
            json_array_append_new(rows, row_json(&f->networks[i], &f->networks[i].maps[k], reduction));
    if (!rows || !about)
        TRY_CLEAN(fail(E_ARGUMENT, "%s: its name is no UTF-8 text", option_string(f->o, "source")));
    TRY_CLEAN(numbers_write(f->folder, "features", about, rows));
cleanup:
    json_decref(about);
    json_decref(rows);
    return rc;
}

static enum status write_figure(struct figure *f)
{
    enum status rc = OK;
    const struct options *o = f->o;
    const struct features_sheet sheet = {.input = &f->input,
                                         .box = &f->box,
                                         .photo = path_name(option_string(o, "source")),
                                         .networks = f->networks,
                                         .n = f->n,
                                         .reduction = (enum reduction)option_choice(o, "reduce"),
                                         .seed = (uint64_t)option_int(o, "seed")};
    char *path = NULL;
    TRY_CLEAN(figure_out_make(o, &f->folder));
    path = path_join(f->folder, "features.png");
    TRY_CLEAN(path ? OK : E_NOMEM);
    TRY_CLEAN(features_draw(&sheet, path));
    TRY_CLEAN(write_numbers(f));
cleanup:
    mem_free(path);
    return rc;
}

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct figure f = {.o = o};
    const int threads = option_int(o, "threads");
    TRY_CLEAN(check_options(&f));
    TRY_CLEAN(read_photo(&f));
    TRY_CLEAN(team_create(threads ? threads : cpu_count(), &f.team));
    TRY_CLEAN(run_networks(&f));
    TRY_CLEAN(write_figure(&f));
cleanup:
    for (int i = 0; i < f.n; i++)
        features_free(&f.networks[i]);
    team_destroy(f.team);
    image_free(&f.input);
    return figure_out_close(rc, f.folder, "features.png, features.csv, features.json");
}

const struct verb_spec figure_features = {
    .name = "figure features",
    .summary = "feature maps of random networks at growing depth",
    .positional = "source",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 figure features photo.jpg\n"
               "yolo9 figure features photo.jpg --arch gelan gelan-dw --depth 20 200 --time",
    .run = run,
};
