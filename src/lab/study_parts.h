/* Inside of study*.c: a study with its rows and runs. */
#ifndef Y9_LAB_STUDY_PARTS_H
#define Y9_LAB_STUDY_PARTS_H

#include "lab/study.h"
#include "lab/study_child.h"
#include "model/figures.h"

/* What a network costs: with the data's classes at the study's image size, and with 80 classes at 640 as published
 * tables have it. */
struct study_cost {
    struct cost training, deployed;
};

/* A training step, loader included: how long it took, for the plan, and how much of processors, which other programs on
 * the machine hardly change. NAN: not measured. */
struct study_step {
    double wall_ms, cpu_ms;
};

struct study_line {
    const struct study_row *row;
    struct run_options asked;   /* of its runs, but for the seed */
    struct run_options settled; /* what they become for the network */
    struct study_cost own, published;
    struct study_step step;
};

enum study_size { STUDY_SMALL, STUDY_MEDIUM, STUDY_LARGE, STUDY_SIZES };

enum { STUDY_LATE = 5 };

struct study_result {
    int epochs; /* trained */
    int best_epoch;
    double map50, map, best_map50, best_map; /* of the last and of the best epoch */
    double late_map50, late_map;             /* means of the last STUDY_LATE epochs: single ones jump */
    double ap[STUDY_SIZES];                  /* of the last epoch's weights, COCO protocol; NAN: no such object */
};

enum study_state { STUDY_NEW, STUDY_HALF, STUDY_TRAINED, STUDY_DONE }; /* trained: its sizes are not known yet */

struct study_run {
    struct study *study;
    int line, seed;
    char *name;   /* "conv-s0" */
    char *folder; /* PROJECT/conv-s0 */
    char *log;    /* PROJECT/conv-s0.log */
    enum study_state state;
    int epoch; /* epochs that are over */
    struct study_result result;
    struct child child;
    double begun; /* clock_seconds; of a child */
    bool failed;
};

struct study {
    struct study_config config;
    struct dataset_yaml yaml;
    int nc, n_train, n_val;
    uint64_t data; /* fingerprint of the training pictures */
    struct study_line line[STUDY_MAX_ROWS];
    int n_lines;
    struct study_run *runs; /* (n_runs) line by line, seeds within */
    int n_runs;
};

void study_say(const struct study *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
long study_batches(const struct study *s); /* of an epoch */
void study_wait(void);                     /* a moment, for loops that look after children */

double study_seconds_left(const struct study *s); /* to the end of all; NAN: not known */

/* study_steps.c */
void study_recall_steps(struct study *s); /* what was kept, if anything was */

/* study_look.c */
enum status study_look(struct study *s, struct study_run *r); /* state and result from its folder */

/* study_work.c: what a run's process does: train what is left of it, validate its last weights. */
enum status study_work(const struct study_run *r);
char *study_sizes_path(const struct study_run *r); /* where the latter is kept; NULL: no memory */
#define STUDY_STEPS "steps"
/* The time of a training step, from a few of a run in the folder project/STUDY_STEPS; and its removal, with `project`.
 */
enum status study_time_steps(const struct study *s, const struct study_line *line, const char *project,
                             struct study_step *step);
void study_forget_steps(const char *project);

/* study_mean.c: over the finished runs of a line; `value` picks a number of a result, those that are NAN do not count.
 */
struct study_mean {
    int n;
    double mean, deviation; /* standard deviation; 0 of a single one */
};
typedef double study_value(const struct study_result *r);
struct study_mean study_mean(const struct study *s, int line, study_value *value);
study_value study_map, study_map50, study_late_map, study_best_map, study_small, study_medium, study_large;

/* study_write.c, study_chart.c: of what is finished; nothing where nothing is. */
enum status study_write(const struct study *s);
enum status study_draw(const struct study *s);

#endif
