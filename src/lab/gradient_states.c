#include "lab/gradient_states.h"

#include "core/class_match.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gradient_state_free(struct gradient_state *s)
{
    weights_free(&s->w);
    run_options_free(&s->run);
    gradients_free(&s->g);
    *s = (struct gradient_state){0};
}

/* "pgi-s0, last" for pgi-s0/weights/last.safetensors where pgi-s0 is the folder of a run, else "last". */
static enum status label_file(const char *path, char *label, size_t size)
{
    enum status rc = OK;
    char *full = path_absolute(path), *stem = path_stem(path), *folder = full ? path_parent(full) : NULL;
    char *run = folder && !strcmp(path_name(folder), "weights") ? path_parent(folder) : NULL;
    char *options = run ? path_join(run, "opt.yaml") : NULL;
    TRY_CLEAN(full && stem && folder ? OK : E_NOMEM);
    if (options && path_exists(options))
        snprintf(label, size, "%.70s, %.40s", path_name(run), stem);
    else
        snprintf(label, size, "%.100s", stem);
cleanup:
    mem_free(full);
    mem_free(stem);
    mem_free(folder);
    mem_free(run);
    mem_free(options);
    return rc;
}

enum status gradient_state_load(const char *path, struct gradient_state *out)
{
    run_options_init(&out->run);
    TRY(weights_load(path, NULL, &out->w, NULL));
    if (!out->w.params)
        return fail(E_UNSUPPORTED,
                    "%s: it is deployed, for inference only; gradients need the training form, with batch "
                    "normalisation and auxiliary branches",
                    path);
    run_options_free(&out->run);
    TRY(run_options_read_recipe(path, out->w.recipe, &out->run));
    return label_file(path, out->label, sizeof out->label);
}

enum status gradient_state_start(const char *cfg, int nc, uint64_t seed, struct gradient_state *out)
{
    run_options_init(&out->run);
    TRY(weights_random(cfg, nc, seed, &out->w));
    snprintf(out->label, sizeof out->label, "%.70s, start (seed %llu)", out->w.table.name, (unsigned long long)seed);
    return OK;
}

/* --- two moments of a run --- */

/* The number of "epoch12.safetensors"; 0: another name. */
static int epoch_of(const char *name)
{
    static const char begin[] = "epoch", end[] = ".safetensors";
    char *rest;
    if (strncmp(name, begin, sizeof begin - 1) != 0)
        return 0;
    const long n = strtol(name + sizeof begin - 1, &rest, 10);
    return n > 0 && n < 1000000000 && !strcmp(rest, end) ? (int)n : 0;
}

/* Epoch of the earliest weights in the folder that --save-period kept; 0: none. */
static enum status first_kept(const char *weights, int *epoch)
{
    char **names;
    int n;
    *epoch = 0;
    TRY(path_list(weights, &names, &n));
    for (int i = 0; i < n; i++) {
        const int one = epoch_of(names[i]);
        if (one && (!*epoch || one < *epoch))
            *epoch = one;
    }
    path_list_free(names, n);
    return OK;
}

/* The run's own options in the place of the defaults. */
static enum status read_options(const char *folder, struct gradient_state *s)
{
    enum status rc = OK;
    struct buf text = {0};
    char *path = path_join(folder, "opt.yaml");
    TRY_CLEAN(path ? OK : E_NOMEM);
    TRY_CLEAN(file_read_text(path, 1 << 20, &text));
    run_options_free(&s->run);
    TRY_CLEAN(run_options_read(path, text.data, text.size, &s->run));
cleanup:
    buf_free(&text);
    mem_free(path);
    return rc;
}

static enum status check_folder(const char *folder, const char *last)
{
    char *options = path_join(folder, "opt.yaml");
    const bool there = options && path_exists(options);
    mem_free(options);
    if (!there)
        return fail(E_IO, "%s: it is no folder of a training run, as there is no opt.yaml in it", folder);
    if (!path_exists(last))
        return fail(E_ARGUMENT, "%s: it has no weights yet (weights/last.safetensors)", folder);
    return OK;
}

static bool same_values(const struct weights *a, const struct weights *b)
{
    return a->training.param_floats == b->training.param_floats &&
           !memcmp(a->params, b->params, a->training.param_floats * sizeof *a->params);
}

static enum status load_epoch(const char *weights, int epoch, struct gradient_state *out)
{
    char name[64];
    snprintf(name, sizeof name, "epoch%d.safetensors", epoch);
    char *path = path_join(weights, name);
    const enum status rc = path ? gradient_state_load(path, out) : E_NOMEM;
    mem_free(path);
    return rc;
}

/* What the run began with, where that can be known again. */
static enum status load_start(const char *folder, const struct gradient_state *late, struct gradient_state *out)
{
    const struct run_options *o = &late->run;
    if (!o->cfg || o->weights)
        return fail(E_ARGUMENT,
                    "%s: only the weights of its end were kept, and it began with weights of a file: a run with "
                    "--save-period 1 keeps those of each epoch",
                    folder);
    TRY(gradient_state_start(o->cfg, late->w.nc, (uint64_t)o->seed, out));
    if (out->w.training.param_floats != late->w.training.param_floats)
        return fail(E_ARGUMENT, "%s: it began with %s, which is another network now than in its last weights", folder,
                    o->cfg);
    return OK;
}

enum status gradient_states_during(const char *folder, struct gradient_state *early, struct gradient_state *late)
{
    enum status rc = OK;
    int epoch;
    char *weights = path_join(folder, "weights"), *last = weights ? path_join(weights, "last.safetensors") : NULL;
    TRY_CLEAN(last ? OK : E_NOMEM);
    TRY_CLEAN(check_folder(folder, last));
    TRY_CLEAN(gradient_state_load(last, late));
    TRY_CLEAN(read_options(folder, late));
    TRY_CLEAN(first_kept(weights, &epoch));
    if (epoch)
        TRY_CLEAN(load_epoch(weights, epoch, early));
    if (!epoch || same_values(&early->w, &late->w)) {
        gradient_state_free(early);
        TRY_CLEAN(load_start(folder, late, early));
    }
    TRY_CLEAN(read_options(folder, early));
cleanup:
    mem_free(weights);
    mem_free(last);
    return rc;
}

/* --- measuring --- */

/* class_of[c]: the network's class of the dataset's class c. */
static enum status match_classes(const struct gradient_state *s, const struct gradient_settings *settings,
                                 int *class_of)
{
    enum status rc = OK;
    const struct class_list from = {settings->data, settings->dataset->names, settings->dataset->nc};
    const struct class_list to = {s->label, (const char *const *)s->w.names, s->w.nc};
    enum class_match match;
    struct buf words = {0};
    TRY_CLEAN(class_names_match(&from, &to, class_of, &match, &words));
    if (match == CLASSES_RENAMED)
        log_warn("%s", words.data);
    else if (match == CLASSES_REORDERED)
        log_info("%s", words.data);
cleanup:
    buf_free(&words);
    return rc;
}

enum status gradient_state_measure(struct gradient_state *s, const struct gradient_settings *settings)
{
    enum status rc = OK;
    struct run_settled told;
    struct run_options *run = &s->run;
    int *class_of = mem_alloc((size_t)settings->dataset->nc, sizeof *class_of);
    TRY_CLEAN(class_of ? OK : E_NOMEM);
    TRY_CLEAN(match_classes(s, settings, class_of));
    run->img = settings->img;
    if (settings->aux_weight >= 0)
        run->aux_weight = settings->aux_weight;
    if (settings->main_weight >= 0)
        run->main_weight = settings->main_weight;
    TRY_CLEAN(run_options_settle(run, &s->w.table, &s->w.training, settings->dataset->n_images, &told));
    const struct gradients_options options = {
        .table = &s->w.table,
        .graph = &s->w.training,
        .rows = s->w.rows,
        .params = s->w.params,
        .loss = run_loss_config(run, &s->w.training),
        .loader = {.dataset = settings->dataset,
                   .size = run->img,
                   .batch = settings->batch,
                   .training = true, /* shuffled */
                   .augment = settings->augment ? hyper_augment(&run->hyper) : (struct augment_config){0},
                   .load = LOAD_LINEAR,
                   .stride = graph_largest_stride(&s->w.training),
                   .seed = settings->seed,
                   .workers = settings->workers,
                   .ranks = 1},
        .mosaic = settings->augment,
        .batches = settings->batches,
        .class_of = class_of,
        .team = settings->team};
    gradients_free(&s->g);
    TRY_CLEAN(gradients_run(&options, &s->g));
cleanup:
    mem_free(class_of);
    return rc;
}
