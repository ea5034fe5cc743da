/* yolo9 figure gradients: which head sends which gradient to which row, and for objects of which size. */
#include "cli/cli.h"
#include "cli/figure_out.h"
#include "cli/image_size.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"
#include "data/dataset.h"
#include "lab/gradients_figure.h"

#include <string.h>

enum { MOST_STATES = 8, PROBLEMS_SHOWN = 3 };

static const char *const splits[] = {
    [SPLIT_TRAIN] = "train", [SPLIT_VAL] = "val", [SPLIT_TEST] = "test", NULL}; /* enum dataset_split */

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRINGS, NULL, "weights in training form, side by side", .value = VALUE_WEIGHTS,
     .heading = "Networks"},
    {"during", NULL, OPTION_STRINGS, NULL,
     "folders of training runs: the first epoch that --save-period kept (or the start) beside the last",
     .value = VALUE_FOLDER},
    {"cfg", "model", OPTION_STRING, NULL, "a network with random weights, as a training begins",
     .value = VALUE_NETWORK},
    {"seed", NULL, OPTION_INT, "0", "of these weights, of the choice of pictures and of augmentation", 0, 2147483647},
    {"data", NULL, OPTION_STRING, NULL, "dataset: its YAML or the folder of it (default: that of the run)",
     .value = VALUE_DATA, .heading = "Pictures"},
    {"split", NULL, OPTION_STRING, "train", "which of its splits", .choices = splits},
    {"batches", NULL, OPTION_INT, "4", "batches that the numbers are means of", 1, 10000},
    {"batch", "batch-size", OPTION_INT, "8", "pictures in a batch", 1, 256},
    IMAGE_SIZE_OPTION("network input (default: that of the run or the weights, else 640)", 1),
    {"augment", NULL, OPTION_FLAG, NULL, "augmented as in training; without, each picture in its letterbox"},
    {"no-cache", NULL, OPTION_FLAG, NULL, "neither read nor write the label cache"},
    {"aux-weight", NULL, OPTION_FLOAT, NULL,
     "of the auxiliary branches' loss (default: the run's or the weights', else 0.25)", 0, 1000, .heading = "Loss"},
    {"main-weight", NULL, OPTION_FLOAT, NULL, "of the main branch's loss (default: the run's or the weights', else 1)",
     0, 1000},
    FIGURE_OUT_OPTIONS,
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024, .heading = "Computation"},
    {"workers", NULL, OPTION_INT, "1", "threads that read pictures ahead", 0, 64},
};

struct figure {
    const struct options *o;
    const char *data;
    struct dataset_yaml yaml;
    struct dataset *dataset;
    struct team *team;
    struct gradient_state states[MOST_STATES];
    int n;
    struct gradient_settings settings;
    char *folder;
};

static enum status check_options(const struct figure *f)
{
    const struct options *o = f->o;
    int weights, runs;
    option_strings(o, "weights", &weights);
    option_strings(o, "during", &runs);
    const int n = weights + 2 * runs + (option_string(o, "cfg") != NULL);
    if (!n)
        return fail(E_USAGE, "of which network? Give --weights, --during or --cfg");
    if (n > MOST_STATES)
        return fail(E_USAGE, "%d networks; %d fit on a picture (a run of --during is two)", n, MOST_STATES);
    if (!option_string(o, "data") && !runs)
        return fail(E_USAGE, "--data is needed: pictures with labels");
    return figure_out_check(o);
}

/* --- networks --- */

static enum status load_runs(struct figure *f)
{
    int n;
    const char *const *runs = option_strings(f->o, "during", &n);
    for (int i = 0; i < n; i++) {
        struct gradient_state *early = &f->states[f->n];
        f->n += 2;
        TRY(gradient_states_during(runs[i], early, early + 1));
        log_info("%s: early is \"%s\", late is \"%s\"; what a run keeps is the average (EMA) of the weights it trains",
                 runs[i], early->label, early[1].label);
    }
    return OK;
}

static enum status load_weights(struct figure *f)
{
    int n;
    const char *const *files = option_strings(f->o, "weights", &n);
    for (int i = 0; i < n; i++) {
        struct gradient_state *s = &f->states[f->n++];
        TRY(gradient_state_load(files[i], s));
        figure_out_tell_loss(files[i], &s->w);
    }
    return OK;
}

/* The start stands first; it has as many classes as the pictures. */
static enum status make_start(struct figure *f)
{
    const char *cfg = option_string(f->o, "cfg");
    if (!cfg)
        return OK;
    memmove(&f->states[1], &f->states[0], (size_t)f->n * sizeof f->states[0]);
    f->states[0] = (struct gradient_state){0};
    f->n++;
    return gradient_state_start(cfg, f->dataset->nc, (uint64_t)option_int(f->o, "seed"), &f->states[0]);
}

/* --- pictures --- */

static enum status load_data(struct figure *f)
{
    enum status rc = OK;
    const struct options *o = f->o;
    const struct dataset_options options = {.no_cache = option_flag(o, "no-cache"), .team = f->team};
    const enum dataset_split split = (enum dataset_split)option_choice(o, "split");
    struct buf text = {0};
    f->data = option_string(o, "data") ? option_string(o, "data") : f->states[0].run.data;
    if (!f->data)
        TRY_CLEAN(fail(E_USAGE, "--data is needed: the run does not name its dataset"));
    TRY_CLEAN(dataset_yaml_open(f->data, &f->yaml));
    TRY_CLEAN(dataset_load(&f->yaml, split, &options, &f->dataset));
    TRY_CLEAN(dataset_describe(f->dataset, dataset_split_name(split), PROBLEMS_SHOWN, &text));
    terminal_print(stderr, text.data);
cleanup:
    buf_free(&text);
    return rc;
}

/* One size for all networks: what was given, else that of the first run, else that of the first weights. */
static int choose_size(const struct figure *f)
{
    int runs;
    option_strings(f->o, "during", &runs);
    const struct gradient_state *first = &f->states[f->n > 1 && option_string(f->o, "cfg") ? 1 : 0]; /* not the start */
    if (runs && !option_given(f->o, "img"))
        return first->run.img;
    return image_side_of(f->o, &first->w);
}

static enum status measure(struct figure *f)
{
    const struct options *o = f->o;
    f->settings = (struct gradient_settings){
        .dataset = f->dataset,
        .data = f->data,
        .img = choose_size(f),
        .batch = option_int(o, "batch"),
        .batches = option_int(o, "batches"),
        .seed = (uint64_t)option_int(o, "seed"),
        .augment = option_flag(o, "augment"),
        .aux_weight = option_given(o, "aux-weight") ? option_float(o, "aux-weight") : -1,
        .main_weight = option_given(o, "main-weight") ? option_float(o, "main-weight") : -1,
        .workers = option_int(o, "workers"),
        .team = f->team,
    };
    for (int i = 0; i < f->n; i++) {
        image_size_compare(&f->states[i].w, f->settings.img, f->settings.img);
        TRY(gradient_state_measure(&f->states[i], &f->settings));
    }
    const struct gradients *g = &f->states[0].g;
    log_info("means of %ld %s, %d pictures in all, at %d, %s", g->loss[0].n, noun(g->loss[0].n, "batch", "batches"),
             g->pictures, f->settings.img, f->settings.augment ? "augmented as in training" : "without augmentation");
    return OK;
}

/* --- what is written --- */

static json_t *about_state(const struct gradient_state *s)
{
    const struct run_options *run = &s->run;
    json_t *losses = json_object();
    for (int k = 0; k < LOSS_ITEMS; k++)
        json_object_set_new(losses, loss_item_name(s->w.training.head.kind, k), json_real(tally_mean(&s->g.loss[k])));
    return json_pack("{s:s, s:s, s:i, s:i, s:f, s:f, s:s, s:s, s:i, s:o}", "state", s->label, "network",
                     s->w.table.name, "branches", s->g.n_branches, "img", run->img, "aux_weight", run->aux_weight,
                     "main_weight", run->main_weight, "assign", run_assign_names[run->assign], "assigner",
                     run_assigner_names[run->assigner], "pictures", s->g.pictures, "loss", losses);
}

static enum status write_figure(struct figure *f)
{
    enum status rc = OK;
    const struct gradient_settings *s = &f->settings;
    json_t *states = json_array();
    json_t *about = json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:b, s:O}", "figure", "gradients", "data",
                              path_name(f->data), "split", option_string(f->o, "split"), "batch", s->batch, "batches",
                              s->batches, "seed", (json_int_t)s->seed, "augment", s->augment, "states", states);
    for (int i = 0; i < f->n; i++)
        json_array_append_new(states, about_state(&f->states[i]));
    if (!about)
        TRY_CLEAN(fail(E_ARGUMENT, "%s: its name is no UTF-8 text", f->data));
    TRY_CLEAN(figure_out_make(f->o, &f->folder));
    TRY_CLEAN(gradients_figure_write(f->states, f->n, about, f->folder));
cleanup:
    json_decref(states);
    json_decref(about);
    return rc;
}

static enum status run_figure(struct figure *f)
{
    const int threads = option_int(f->o, "threads");
    TRY(check_options(f));
    TRY(team_create(threads ? threads : cpu_count(), &f->team));
    TRY(load_runs(f));
    TRY(load_weights(f));
    TRY(load_data(f));
    TRY(make_start(f));
    TRY(measure(f));
    return write_figure(f);
}

static enum status run(const struct options *o)
{
    struct figure f = {.o = o};
    const enum status rc = run_figure(&f);
    for (int i = 0; i < f.n; i++)
        gradient_state_free(&f.states[i]);
    dataset_destroy(f.dataset);
    dataset_yaml_close(&f.yaml);
    team_destroy(f.team);
    return figure_out_close(rc, f.folder,
                            "gradients.svg and .png, .csv, .json, by rows; sizes.svg and .png, .csv, "
                            ".json, by size of the objects");
}

const struct verb_spec figure_gradients = {
    .name = "figure gradients",
    .summary = "gradients of main and auxiliary heads, by row and size",
    .positional = "weights",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 figure gradients --during runs/train/exp\n"
               "yolo9 figure gradients --weights deep.pt pgi.pt --data bccd.yaml --img 320",
    .run = run,
};
