#include "core/cpu.h"
#include "core/path.h"
#include "core/progress.h"
#include "core/terminal.h"
#include "data/dataset.h"
#include "lab/study_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- opening --- */

static enum status open_data(struct study *s)
{
    enum status rc = OK;
    const struct run_options *o = s->config.options;
    struct dataset *d = NULL;
    struct dataset_options options = {
        .single_class = o->single_cls, .min_items = o->min_items, .no_cache = s->config.no_cache};
    TRY_CLEAN(dataset_yaml_open(o->data, &s->yaml));
    TRY_CLEAN(dataset_load(&s->yaml, SPLIT_TRAIN, &options, &d));
    s->nc = d->nc;
    s->n_train = d->n_images;
    s->data = dataset_fingerprint(d);
    dataset_destroy(d);
    d = NULL;
    options.min_items = 0;
    TRY_CLEAN(dataset_load(&s->yaml, SPLIT_VAL, &options, &d));
    s->n_val = d->n_images;
cleanup:
    dataset_destroy(d);
    return rc;
}

/* A copy of the study's options through their text, as a run takes them. */
static enum status copy_options(const struct run_options *from, struct run_options *out)
{
    struct buf text = {0};
    enum status rc = run_options_write(from, &text);
    if (rc == OK)
        rc = run_options_read("options", text.data, text.size, out);
    if (rc == OK) {
        out->given_hyper = from->given_hyper;
        out->given_schedule = from->given_schedule;
        out->given_lr_lag = from->given_lr_lag;
        out->given_optimizer = from->given_optimizer;
    }
    buf_free(&text);
    return rc;
}

static enum status set_option(struct run_options *o, const char *key, const char *value)
{
    int n;
    const struct run_field *fields = run_fields(&n);
    for (int i = 0; i < n; i++) {
        if (strcmp(fields[i].key, key) != 0)
            continue;
        if (fields[i].kind == FIELD_TEXT)
            return run_set_text(o, &fields[i], value);
        return fields[i].kind == FIELD_CHOICE ? run_set_choice(o, &fields[i], value)
                                              : run_set_number(o, &fields[i], atof(value));
    }
    return fail(E_ARGUMENT, "training has no option %s", key);
}

static enum status set_row(const struct study *s, const struct study_row *row, struct run_options *out)
{
    TRY(copy_options(s->config.options, out));
    TRY(set_option(out, "cfg", row->cfg));
    for (int i = 0; i < STUDY_SETTINGS && row->set[i].key; i++)
        TRY(set_option(out, row->set[i].key, row->set[i].value));
    return OK;
}

static enum status count(const char *cfg, int nc, int side, struct study_cost *cost)
{
    struct figures f;
    struct model_options options;
    model_options_init(&options);
    options.nc = nc;
    TRY(figures_build(cfg, &options, side, side, &f));
    *cost = (struct study_cost){f.whole, f.left};
    figures_free(&f);
    return OK;
}

static enum status open_line(struct study *s, const struct study_row *row)
{
    enum { PUBLISHED_CLASSES = 80, PUBLISHED_SIDE = 640 };
    enum status rc = OK;
    struct table table = {0};
    struct graph graph = {0};
    struct model_options options;
    struct run_settled told;
    struct study_line *line = &s->line[s->n_lines++];
    *line = (struct study_line){.row = row, .step = {NAN, NAN}};
    TRY_CLEAN(set_row(s, row, &line->asked));
    TRY_CLEAN(set_row(s, row, &line->settled));
    TRY_CLEAN(table_open(row->cfg, &table));
    table.nc = s->nc;
    model_options_init(&options);
    TRY_CLEAN(model_build(&table, &options, &graph, NULL));
    TRY_CLEAN(run_options_settle(&line->settled, &table, &graph, s->n_train, &told));
    TRY_CLEAN(count(row->cfg, s->nc, line->settled.img, &line->own));
    TRY_CLEAN(count(row->cfg, PUBLISHED_CLASSES, PUBLISHED_SIDE, &line->published));
cleanup:
    graph_free(&graph);
    table_free(&table);
    return rc;
}

static enum status open_run(struct study *s, int line, int seed)
{
    enum status rc = OK;
    struct study_run *r = &s->runs[s->n_runs++];
    struct buf name = {0}, log = {0};
    *r = (struct study_run){.study = s, .line = line, .seed = seed};
    TRY_CLEAN(buf_printf(&name, "%s-s%d", s->line[line].row->name, seed));
    TRY_CLEAN(buf_printf(&log, "%s.log", name.data));
    r->name = mem_strdup(name.data);
    r->folder = path_join(s->config.project, name.data);
    r->log = path_join(s->config.project, log.data);
    TRY_CLEAN(r->name && r->folder && r->log ? OK : E_NOMEM);
    TRY_CLEAN(study_look(s, r));
cleanup:
    buf_free(&name);
    buf_free(&log);
    return rc;
}

enum status study_open(const struct study_config *config, struct study **out)
{
    enum status rc = OK;
    struct study *s = mem_calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return E_NOMEM;
    s->config = *config;
    TRY_CLEAN(open_data(s));
    for (int i = 0; i < config->kind->n_rows; i++) {
        if (config->row[i])
            TRY_CLEAN(open_line(s, &config->kind->rows[i]));
    }
    s->runs = mem_calloc((size_t)s->n_lines * (size_t)config->seeds, sizeof *s->runs);
    TRY_CLEAN(s->runs ? OK : E_NOMEM);
    for (int line = 0; line < s->n_lines; line++) {
        for (int seed = 0; seed < config->seeds; seed++)
            TRY_CLEAN(open_run(s, line, seed));
    }
    study_recall_steps(s);
    *out = s;
    s = NULL;
cleanup:
    study_close(s);
    return rc;
}

void study_close(struct study *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n_runs; i++) {
        mem_free(s->runs[i].name);
        mem_free(s->runs[i].folder);
        mem_free(s->runs[i].log);
    }
    for (int i = 0; i < s->n_lines; i++) {
        run_options_free(&s->line[i].asked);
        run_options_free(&s->line[i].settled);
    }
    dataset_yaml_close(&s->yaml);
    mem_free(s->runs);
    mem_free(s);
}

/* --- the plan --- */

/* Of a validation picture against a training one: a forward pass of the deployed form, without a loss, a backward pass
 * and augmentation. */
#define VALIDATION_SHARE 0.35

/* Seconds that are left of a run; NAN: not known. */
static double seconds_left(const struct study *s, const struct study_run *r)
{
    const struct run_options *o = s->config.options;
    const double step = 1e-3 * s->line[r->line].step.wall_ms;
    const double validation = step / o->batch * VALIDATION_SHARE * s->n_val;
    const int epochs = r->state >= STUDY_TRAINED ? 0 : o->epochs - r->epoch;
    const int validations = r->state == STUDY_DONE ? 0 : epochs + (epochs ? 2 : 1); /* best and last weights */
    return epochs * step * (double)study_batches(s) + validations * validation;
}

double study_seconds_left(const struct study *s)
{
    double sum = 0;
    int open = 0;
    for (int i = 0; i < s->n_runs; i++) {
        const struct study_run *r = &s->runs[i];
        if (r->state == STUDY_DONE || r->failed)
            continue;
        sum += seconds_left(s, r);
        open++;
    }
    const int at_once = MAX(MIN(MIN(s->config.jobs, cpu_count() / MAX(s->config.threads, 1)), open), 1);
    return sum / at_once;
}

static enum status plan_line(const struct study *s, int line, struct buf *words)
{
    const struct study_line *l = &s->line[line];
    int done = 0, half = 0, epochs = 0;
    for (int i = 0; i < s->n_runs; i++) {
        const struct study_run *r = &s->runs[i];
        if (r->line != line)
            continue;
        done += r->state >= STUDY_TRAINED;
        half += r->state == STUDY_HALF;
        epochs += r->state == STUDY_HALF ? r->epoch : 0;
    }
    char time[32] = "";
    TRY(buf_printf(words, "  %s (%s): %s", l->row->name, l->row->cfg, l->row->what));
    if (!isnan(l->step.wall_ms))
        snprintf(time, sizeof time, "; %.0f ms a step", l->step.wall_ms);
    TRY(buf_printf(words, "%s; %d of %d %s done", time, done, s->config.seeds, noun(s->config.seeds, "run", "runs")));
    if (half)
        TRY(buf_printf(words, ", %d begun (%d of %d epochs)", half, epochs, half * s->config.options->epochs));
    return buf_printf(words, "\n");
}

enum status study_plan(const struct study *s, struct buf *words)
{
    const struct run_options *o = s->config.options;
    int trained = 0;
    char time[32];
    for (int i = 0; i < s->n_runs; i++)
        trained += s->runs[i].state >= STUDY_TRAINED;
    TRY(buf_printf(words, "study %s: %s\n", s->config.kind->name, s->config.kind->question));
    TRY(buf_printf(
        words,
        "%d %s: %d %s x %d %s, each %d %s of %ld %s at image size %d, batch %d, %d training and %d validation "
        "pictures, %d %s\n",
        s->n_runs, noun(s->n_runs, "run", "runs"), s->n_lines, noun(s->n_lines, "row", "rows"), s->config.seeds,
        noun(s->config.seeds, "seed", "seeds"), o->epochs, noun(o->epochs, "epoch", "epochs"), study_batches(s),
        noun(study_batches(s), "batch", "batches"), s->line[0].settled.img, o->batch, s->n_train, s->n_val,
        s->config.threads, noun(s->config.threads, "thread", "threads")));
    for (int line = 0; line < s->n_lines; line++)
        TRY(plan_line(s, line, words));
    const double left = study_seconds_left(s);
    progress_time(left, time, sizeof time);
    if (trained == s->n_runs)
        return buf_printf(words, "all %d runs are done\n", s->n_runs);
    TRY(buf_printf(words, "%d of %d runs are done, %d to go, %d side by side", trained, s->n_runs, s->n_runs - trained,
                   MIN(s->config.jobs, s->n_runs - trained)));
    return isnan(left) ? buf_printf(words, "\n") : buf_printf(words, ": about %s\n", time);
}
