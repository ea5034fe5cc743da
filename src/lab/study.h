/* Studies: small trainings with the same budget, the same data and several seeds, which differ in one thing. A study
 * trains nothing itself: each of its runs is an ordinary run of train/ in the folder PROJECT/ROW-sSEED, so that
 * `yolo9 train --resume` and every other verb know it. What is finished there is not trained again, what was
 * interrupted goes on, and what was trained with other options is refused.
 *
 * After each run the project's folder gets study.csv (a line a run), study.json, study.md (mean and spread of the
 * seeds) and study.svg, study.png. All of them are functions of what the runs hold and of steps.json, where the time of
 * a training step was kept when it was measured: an interrupted study that goes on ends with the same bytes. */
#ifndef Y9_LAB_STUDY_H
#define Y9_LAB_STUDY_H

#include "train/train.h"

enum { STUDY_SETTINGS = 2, STUDY_MAX_ROWS = 16, STUDY_MAX_SEEDS = 100 };

/* A row: a network, and options of train (run_options.h) by their keys where they differ from the other rows'. */
struct study_row {
    const char *name, *cfg;
    const char *what; /* in words */
    struct {
        const char *key, *value;
    } set[STUDY_SETTINGS];
};

struct study_kind {
    const char *name, *question;
    const struct study_row *rows; /* the others are compared with the first */
    int n_rows;
    bool small_objects; /* their AP belongs into the chart */
};
/* All studies; ends with one without a name. */
extern const struct study_kind study_kinds[];
const struct study_kind *study_find(const char *name); /* NULL: there is none */

struct study_events {
    void *context;
    void (*text)(void *context, const char *line); /* a sentence for the user */
    struct train_events (*run)(void *context);     /* in a run's own process: what goes into its log */
};

struct study_config {
    const struct study_kind *kind;
    bool row[STUDY_MAX_ROWS]; /* those that are wanted */
    int seeds;                /* 0 ... seeds-1 */
    const char *project;
    const struct run_options *options; /* of every run; cfg, seed and a row's settings are put in */
    int jobs, threads, workers;        /* runs side by side; compute and loader threads of each */
    bool no_cache;                     /* neither read nor write the label cache */
    const volatile sig_atomic_t *stop; /* not 0: all runs save and end */
    struct study_events events;
};

struct study;

/* Reads the data, builds every network and looks at what the project's folder has. E_ARGUMENT where a run in it was
 * made with other options or of other pictures: the sentence names the first difference. */
enum status study_open(const struct study_config *config, struct study **out);
void study_close(struct study *s);

/* How long a training step of each row takes, where that is not known yet: a few real steps of each. `keep` writes
 * them into the project's folder. */
enum status study_measure(struct study *s, bool keep);

/* What will be done, in lines. */
enum status study_plan(const struct study *s, struct buf *words);

/* Does it. Runs that fail do not end it: E_IO at the end tells how many and the first one's sentence. E_INTERRUPTED:
 * all that were going on are saved. */
enum status study_run(struct study *s);

/* The files of what is finished, validating last weights where that was not done yet; trains nothing. */
enum status study_report(struct study *s);

#endif
