/* The numbers of a study's finished runs: study.csv, study.json, study.md and the chart. */
#include "core/cpu.h"
#include "core/file.h"
#include "core/path.h"
#include "core/terminal.h"
#include "lab/numbers.h"
#include "lab/study_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- a line a run --- */

static void put_cost(json_t *row, const struct study_cost *cost, const char *of)
{
    const struct {
        const char *name;
        const struct cost *cost;
    } forms[] = {{"training", &cost->training}, {"deployed", &cost->deployed}};
    char key[64];
    for (int i = 0; i < COUNT(forms); i++) {
        snprintf(key, sizeof key, "params_%s%s", forms[i].name, of);
        json_object_set_new(row, key, json_integer((json_int_t)forms[i].cost->params));
        snprintf(key, sizeof key, "gflops_%s%s", forms[i].name, of);
        json_object_set_new(row, key, json_real(forms[i].cost->gflops));
    }
}

static json_t *row_of(const struct study *s, const struct study_run *r)
{
    const struct study_line *l = &s->line[r->line];
    const struct study_result *x = &r->result;
    static const char *const sizes[STUDY_SIZES] = {"ap_small", "ap_medium", "ap_large"};
    json_t *row = json_pack("{s:s, s:i, s:s}", "row", l->row->name, "seed", r->seed, "network", l->row->cfg);
    if (!row)
        return NULL;
    put_cost(row, &l->own, "");
    put_cost(row, &l->published, "_80");
    json_object_set_new(row, "epochs", json_integer(x->epochs));
    json_object_set_new(row, "map50", json_real(x->map50));
    json_object_set_new(row, "map", json_real(x->map));
    for (int k = 0; k < STUDY_SIZES; k++)
        json_object_set_new(row, sizes[k], number_json(x->ap[k]));
    json_object_set_new(row, "late_map50", json_real(x->late_map50));
    json_object_set_new(row, "late_map", json_real(x->late_map));
    json_object_set_new(row, "best_epoch", json_integer(x->best_epoch));
    json_object_set_new(row, "best_map50", json_real(x->best_map50));
    json_object_set_new(row, "best_map", json_real(x->best_map));
    json_object_set_new(row, "step_cpu_ms", number_json(l->step.cpu_ms));
    return row;
}

static json_t *about_of(const struct study *s)
{
    const struct run_options *o = s->config.options;
    char *recipe = NULL;
    json_t *about = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s}", "study", s->config.kind->name,
                              "question", s->config.kind->question, "data", path_name(o->data), "classes", s->nc,
                              "training_pictures", s->n_train, "validation_pictures", s->n_val, "seeds",
                              s->config.seeds, "threads", s->config.threads, "machine", cpu_name());
    if (about && run_options_recipe(&s->line[0].settled, &recipe) == OK) {
        json_t *options = json_loads(recipe, 0, NULL);
        json_object_del(options, "seed");
        json_object_set_new(about, "options_of_first_row", options);
    }
    mem_free(recipe);
    return about;
}

/* --- Markdown --- */

static enum status put_mean(struct buf *out, struct study_mean m)
{
    if (!m.n)
        return buf_printf(out, " – |");
    if (m.n == 1)
        return buf_printf(out, " %.3f |", m.mean);
    return buf_printf(out, " %.3f ± %.3f |", m.mean, m.deviation);
}

static enum status put_line(const struct study *s, int line, struct buf *out)
{
    const struct study_line *l = &s->line[line];
    TRY(buf_printf(out, "| %s | %d | %.3f → %.3f M | %.2f → %.2f |", l->row->name, study_mean(s, line, study_map).n,
                   1e-6 * l->own.training.params, 1e-6 * l->own.deployed.params, l->own.training.gflops,
                   l->own.deployed.gflops));
    study_value *const values[] = {study_map50, study_map,    study_late_map, study_best_map,
                                   study_small, study_medium, study_large};
    for (int i = 0; i < COUNT(values); i++)
        TRY(put_mean(out, study_mean(s, line, values[i])));
    return isnan(l->step.cpu_ms) ? buf_printf(out, " – |\n") : buf_printf(out, " %.0f |\n", l->step.cpu_ms);
}

/* What can be said about a row against the first one. Two single runs of these rows differ by chance by the root of the
 * sum of their squared deviations, which is what "the spread" is here. */
static enum status put_difference(const struct study *s, int line, study_value *value, struct buf *out)
{
    const struct study_mean first = study_mean(s, 0, value), m = study_mean(s, line, value);
    const double difference = m.mean - first.mean;
    const double spread = sqrt(m.deviation * m.deviation + first.deviation * first.deviation);
    if (m.n < 2 || first.n < 2)
        return buf_printf(out, "%+.3f", difference);
    return buf_printf(out, "%+.3f, %slarger than the spread of the seeds (%.3f)", difference,
                      fabs(difference) > spread ? "" : "not ", spread);
}

static enum status compare(const struct study *s, int line, struct buf *out)
{
    const char *name = s->line[line].row->name, *against = s->line[0].row->name;
    if (!study_mean(s, line, study_map).n || !study_mean(s, 0, study_map).n)
        return buf_printf(out, "- **%s**: nothing to compare yet.\n", name);
    TRY(buf_printf(out, "- **%s** (%s), mAP50-95 against %s: ", name, s->line[line].row->what, against));
    TRY(put_difference(s, line, study_map, out));
    TRY(buf_printf(out, "; late ones "));
    TRY(put_difference(s, line, study_late_map, out));
    const bool single = study_mean(s, line, study_map).n < 2 || study_mean(s, 0, study_map).n < 2;
    return buf_printf(out, single ? "; of one of them there is a single run, so the spread is not known.\n" : ".\n");
}

static enum status put_head(const struct study *s, struct buf *out)
{
    const struct run_options *o = &s->line[0].settled;
    int done = 0;
    for (int i = 0; i < s->n_runs; i++)
        done += s->runs[i].state == STUDY_DONE;
    TRY(buf_printf(out, "# Study %s: %s\n\n", s->config.kind->name, s->config.kind->question));
    TRY(buf_printf(
        out,
        "%s: %d training and %d validation pictures of %d %s. From nothing, %d %s at image size %d, batch %d, "
        "nominal batch %d, the last %d without mosaic; seeds 0 to %d, %d %s a run, %s. %d of %d runs are "
        "finished.\n\n",
        path_name(s->config.options->data), s->n_train, s->n_val, s->nc, noun(s->nc, "class", "classes"), o->epochs,
        noun(o->epochs, "epoch", "epochs"), o->img, o->batch, o->nominal_batch, run_close_mosaic(o),
        s->config.seeds - 1, s->config.threads, noun(s->config.threads, "thread", "threads"), cpu_name(), done,
        s->n_runs));
    TRY(buf_printf(out,
                   "| row | runs | parameters, trained → used | GFLOPs at %d | mAP50 | mAP50-95 | late mAP50-95 | best "
                   "mAP50-95 | AP small | AP medium "
                   "| AP large | ms a step |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
                   o->img));
    return OK;
}

static enum status put_foot(const struct study *s, struct buf *out)
{
    TRY(buf_printf(out,
                   "\nMean ± standard deviation over seeds, of the **last** epoch: the budget is fixed and no epoch is "
                   "picked. \"late\" is the mean of the last %d epochs, as single ones jump; \"best\" is the mean of "
                   "each run's best epoch, picked on the validation pictures themselves. "
                   "AP by size of objects is that of the COCO protocol (small below 32², large from 96² pixels of the "
                   "photo); – where the pictures have none. A step is a batch of training; its time is that of the "
                   "processor, measured once.\n\n",
                   STUDY_LATE));
    for (int line = 1; line < s->n_lines; line++)
        TRY(compare(s, line, out));
    return OK;
}

static enum status write_markdown(const struct study *s)
{
    enum status rc = OK;
    struct buf text = {0};
    char *path = path_join(s->config.project, "study.md");
    TRY_CLEAN(path ? OK : E_NOMEM);
    TRY_CLEAN(put_head(s, &text));
    for (int line = 0; line < s->n_lines; line++)
        TRY_CLEAN(put_line(s, line, &text));
    TRY_CLEAN(put_foot(s, &text));
    TRY_CLEAN(file_write(path, text.data, text.size));
cleanup:
    buf_free(&text);
    mem_free(path);
    return rc;
}

/* --- all of it --- */

enum status study_write(const struct study *s)
{
    enum status rc = OK;
    json_t *rows = json_array(), *about = about_of(s);
    TRY_CLEAN(rows && about ? OK : fail_memory(NULL, 0));
    for (int i = 0; i < s->n_runs; i++) {
        if (s->runs[i].state == STUDY_DONE && json_array_append_new(rows, row_of(s, &s->runs[i])) != 0)
            TRY_CLEAN(fail_memory(NULL, 0));
    }
    if (!json_array_size(rows))
        goto cleanup;
    TRY_CLEAN(numbers_write(s->config.project, "study", about, rows));
    TRY_CLEAN(write_markdown(s));
    TRY_CLEAN(study_draw(s));
cleanup:
    json_decref(rows);
    json_decref(about);
    return rc;
}
