/* The time of a training step of each row, measured once and kept in PROJECT/steps.json. */
#include "core/path.h"
#include "formats/json.h"
#include "lab/study_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *path_of(const struct study *s)
{
    return path_join(s->config.project, "steps.json");
}

/* What the times depend on beside the row. */
static json_t *circumstances(const struct study *s)
{
    const struct run_options *o = s->config.options;
    return json_pack("{s:i, s:i, s:i, s:i}", "img", s->line[0].settled.img, "batch", o->batch, "threads",
                     s->config.threads, "classes", s->nc);
}

/* What the project's folder keeps of such circumstances: milliseconds by row; NULL: nothing. */
static json_t *kept(const struct study *s)
{
    const struct json_limits limits = {.bytes = 1 << 20, .values = 10000, .depth = 8};
    json_t *root = NULL, *here = circumstances(s), *times = NULL;
    char *path = path_of(s);
    if (path && path_exists(path) && json_read_file(path, &limits, &root) == OK &&
        json_equal(json_object_get(root, "of"), here))
        times = json_incref(json_object_get(root, "milliseconds"));
    json_decref(root);
    json_decref(here);
    mem_free(path);
    return times;
}

void study_recall_steps(struct study *s)
{
    json_t *times = kept(s);
    for (int i = 0; i < s->n_lines; i++) {
        const json_t *row = json_object_get(times, s->line[i].row->name);
        const json_t *wall = json_object_get(row, "wall"), *cpu = json_object_get(row, "cpu");
        if (json_is_number(wall) && json_is_number(cpu))
            s->line[i].step = (struct study_step){json_number_value(wall), json_number_value(cpu)};
    }
    json_decref(times);
}

/* Beside those of rows that are not looked at this time. */
static enum status keep_steps(const struct study *s)
{
    enum status rc = OK;
    json_t *times = kept(s), *root = NULL;
    char *path = path_of(s);
    if (!json_is_object(times)) {
        json_decref(times);
        times = json_object();
    }
    for (int i = 0; i < s->n_lines; i++) {
        const struct study_step *step = &s->line[i].step;
        if (!isnan(step->wall_ms))
            json_object_set_new(times, s->line[i].row->name,
                                json_pack("{s:f, s:f}", "wall", step->wall_ms, "cpu", step->cpu_ms));
    }
    root = json_pack("{s:o, s:o}", "of", circumstances(s), "milliseconds", times);
    TRY_CLEAN(path && root ? OK : fail_memory(NULL, 0));
    TRY_CLEAN(path_make_folder(s->config.project));
    TRY_CLEAN(json_write_file(path, root, JSON_INDENT(1) | JSON_REAL_PRECISION(6)));
cleanup:
    json_decref(root);
    mem_free(path);
    return rc;
}

struct timing {
    const struct study *study;
    const struct study_line *line;
    const char *project;
};

static enum status time_in_child(const void *context, char answer[CHILD_ANSWER])
{
    const struct timing *t = context;
    struct study_step step;
    TRY(study_time_steps(t->study, t->line, t->project, &step));
    snprintf(answer, CHILD_ANSWER, "%.4g %.4g", step.wall_ms, step.cpu_ms);
    return OK;
}

static enum status measure(struct study *s, struct study_line *line)
{
    enum status rc = OK;
    struct child child;
    char answer[CHILD_ANSWER];
    const char *temporary = getenv("TMPDIR");
    struct buf project = {0};
    TRY_CLEAN(buf_printf(&project, "%s/yolo9-study-XXXXXX", temporary && *temporary ? temporary : "/tmp"));
    if (!mkdtemp(project.data)) {
        rc = fail_errno("%s: a folder for measuring cannot be made", project.data);
        buf_free(&project);
        return rc;
    }
    const struct timing timing = {s, line, project.data};
    TRY_CLEAN(child_start(NULL, time_in_child, &timing, &child));
    while (!child_over(&child, &rc, answer)) {
        if (s->config.stop && *s->config.stop)
            child_stop(&child);
        study_wait();
    }
    if (rc == OK && sscanf(answer, "%lf %lf", &line->step.wall_ms, &line->step.cpu_ms) != 2)
        rc = fail(E_NUMERIC, "a step's time is \"%s\"", answer);
    if (rc != OK)
        fail_prefix(rc, "%s", line->row->name);
cleanup:
    if (project.data)
        study_forget_steps(project.data);
    buf_free(&project);
    return rc;
}

enum status study_measure(struct study *s, bool keep)
{
    int measured = 0;
    for (int i = 0; i < s->n_lines; i++) {
        if (!isnan(s->line[i].step.wall_ms))
            continue;
        TRY(measure(s, &s->line[i]));
        measured++;
    }
    return measured && keep ? keep_steps(s) : OK;
}
