/* The runs of a study, some of them side by side, each in a process of its own. Processes and not threads: a run that
 * crashes, or that the system kills for its memory, ends alone; a signal stops each at the end of its batch with its
 * state saved, as it does `yolo9 train`; and each has its one log. Threads never change a result, so neither do they.
 */
#include "core/clock.h"
#include "core/path.h"
#include "core/progress.h"
#include "core/terminal.h"
#include "lab/study_parts.h"

#include <stdio.h>
#include <string.h>

struct study_jobs {
    struct study *study;
    int running, failed;
    char first_failure[CHILD_ANSWER];
};

static bool asked_to_stop(const struct study *s)
{
    return s->config.stop && *s->config.stop;
}

static enum status work(const void *context, char answer[CHILD_ANSWER])
{
    (void)answer;
    return study_work(context);
}

static struct study_run *next_run(const struct study *s)
{
    /* seed by seed, so that an interrupted study has something of every row */
    for (int seed = 0; seed < s->config.seeds; seed++) {
        for (int line = 0; line < s->n_lines; line++) {
            struct study_run *r = &s->runs[line * s->config.seeds + seed];
            if (r->state != STUDY_DONE && !r->failed && !r->child.pid)
                return r;
        }
    }
    return NULL;
}

static int count_done(const struct study *s)
{
    int n = 0;
    for (int i = 0; i < s->n_runs; i++)
        n += s->runs[i].state == STUDY_DONE;
    return n;
}

static enum status start(struct study_jobs *j, struct study_run *r)
{
    static const char *const words[] = {
        [STUDY_NEW] = "begins", [STUDY_HALF] = "goes on", [STUDY_TRAINED] = "validates its last weights"};
    TRY(child_start(r->log, work, r, &r->child));
    r->begun = clock_seconds();
    j->running++;
    study_say(j->study, "%s %s", r->name, words[r->state]);
    return OK;
}

static void tell_done(const struct study *s, const struct study_run *r)
{
    char time[32], left[32], rest[64] = "";
    const double seconds = study_seconds_left(s);
    progress_time(clock_seconds() - r->begun, time, sizeof time);
    progress_time(seconds, left, sizeof left);
    if (seconds > 0)
        snprintf(rest, sizeof rest, ", about %s left", left);
    study_say(s, "%s: mAP50 %.3f, mAP50-95 %.3f after epoch %d, in %s; %d of %d runs done%s", r->name, r->result.map50,
              r->result.map, r->result.epochs, time, count_done(s), s->n_runs, rest);
}

/* A run has ended: its numbers, or why there are none. */
static enum status finish(struct study_jobs *j, struct study_run *r, enum status rc)
{
    struct study *s = j->study;
    if (rc == OK)
        rc = study_look(s, r);
    if (rc == OK && r->state != STUDY_DONE)
        rc = fail(E_IO, "it ended without being finished; see %s", r->log);
    if (rc == OK) {
        TRY(study_write(s));
        tell_done(s, r);
        return OK;
    }
    if (rc == E_INTERRUPTED && asked_to_stop(s))
        return OK;
    r->failed = true;
    if (!j->failed++)
        snprintf(j->first_failure, sizeof j->first_failure, "%s: %s", r->name, fail_text());
    study_say(s, "%s failed: %s (%s)", r->name, fail_text(), r->log);
    return OK;
}

/* Looks after the runs that are going on until one of them is over. */
static enum status wait_for_one(struct study_jobs *j)
{
    struct study *s = j->study;
    char answer[CHILD_ANSWER];
    for (;;) {
        for (int i = 0; i < s->n_runs; i++) {
            struct study_run *r = &s->runs[i];
            enum status rc;
            if (!r->child.pid)
                continue;
            if (asked_to_stop(s))
                child_stop(&r->child);
            if (child_over(&r->child, &rc, answer)) {
                j->running--;
                return finish(j, r, rc);
            }
        }
        study_wait();
    }
}

static void stop_all(struct study_jobs *j)
{
    enum status rc;
    char answer[CHILD_ANSWER];
    for (int i = 0; i < j->study->n_runs; i++)
        child_stop(&j->study->runs[i].child);
    for (int i = 0; i < j->study->n_runs; i++) {
        struct child *c = &j->study->runs[i].child;
        while (c->pid && !child_over(c, &rc, answer))
            study_wait();
    }
}

enum status study_run(struct study *s)
{
    enum status rc = OK;
    struct study_jobs jobs = {.study = s};
    struct study_run *r;
    char sentence[CHILD_ANSWER];
    TRY(path_make_folder(s->config.project));
    while (rc == OK) {
        while (rc == OK && !asked_to_stop(s) && jobs.running < s->config.jobs && (r = next_run(s)))
            rc = start(&jobs, r);
        if (rc == OK && !jobs.running)
            break;
        if (rc == OK)
            rc = wait_for_one(&jobs);
    }
    if (rc != OK) {
        snprintf(sentence, sizeof sentence, "%s", fail_text());
        stop_all(&jobs);
        return fail(rc, "%s", sentence);
    }
    TRY(study_write(s));
    if (asked_to_stop(s))
        return fail(E_INTERRUPTED, "stopped with %d of %d runs done; the same command goes on", count_done(s),
                    s->n_runs);
    if (jobs.failed)
        return fail(E_IO, "%d of %d runs failed; the first: %s", jobs.failed, s->n_runs, jobs.first_failure);
    return OK;
}

enum status study_report(struct study *s)
{
    for (int i = 0; i < s->n_runs; i++)
        s->runs[i].failed = s->runs[i].state < STUDY_TRAINED; /* nothing is trained */
    TRY(study_run(s));
    return count_done(s) ? OK : fail(E_ARGUMENT, "%s: none of its %d runs is finished", s->config.project, s->n_runs);
}
