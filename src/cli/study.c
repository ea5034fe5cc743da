/* yolo9 study WHAT: small trainings that differ in one thing, with equal budget and several seeds (lab/study.h). */
#include "lab/study.h"
#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/train_display.h"
#include "cli/train_options.h"
#include "core/terminal.h"

#include <stdio.h>
#include <string.h>

/* What a budget stands for; single options win over it. */
static const struct budget {
    const char *name;
    int epochs, img, seeds;
} budgets[] = {{"small", 10, 160, 3}, {"usual", 20, 320, 3}, {"long", 40, 320, 5}};

enum { USUAL_BATCH = 8, USUAL_NOMINAL_BATCH = 16, CLOSE_PART = 4 };

static const char *const budget_names[] = {"small", "usual", "long", NULL};

static const struct option_spec options_table[] = {
    {"data", NULL, OPTION_STRING, NULL, "dataset: its YAML, or the folder it lies in", .value = VALUE_DATA,
     .heading = "Study"},
    {"rows", NULL, OPTION_STRINGS, NULL, "these rows only, the first is what others are compared with",
     .value = VALUE_NAME},
    {"budget", NULL, OPTION_STRING, "usual",
     "small: 10 epochs at 160, 3 seeds; usual: 20 at 320, 3; long: 40 at 320, 5. Single options win over it",
     .choices = budget_names},
    {"epochs", NULL, OPTION_INT, NULL, "times through the training pictures", 1, 1e6},
    IMAGE_SIZE_OPTION("image size in training and validation", 1),
    {"seeds", NULL, OPTION_INT, NULL, "runs of each row, with the seeds 0, 1, 2 ...", 1, STUDY_MAX_SEEDS},
    {"jobs", NULL, OPTION_INT, "1", "runs side by side. Results do not depend on it", 1, 64},
    {"dry-run", NULL, OPTION_FLAG, NULL, "tell the plan and the time it takes, train nothing"},
    {"report", NULL, OPTION_FLAG, NULL, "write the files of the runs that are finished, train nothing"},
    {"project", NULL, OPTION_STRING, NULL,
     "folder of the study (default runs/study/WHAT); what is finished in it is used, what was interrupted goes on",
     .value = VALUE_FOLDER},
    {"batch", "batch-size", OPTION_INT, "8", "pictures a batch", 1, 4096, .heading = "Training, equal for all rows"},
    {"nominal-batch", NULL, OPTION_INT, "16", "sum gradients over so many pictures before a step", 1, 65536},
    TRAIN_LEARNING_OPTIONS,
    {"close-mosaic", NULL, OPTION_INT, NULL, "last epochs without mosaic (default a quarter of them)", 0, 1e6},
    {"single-cls", NULL, OPTION_FLAG, NULL, "all classes are one"},
    {"min-items", NULL, OPTION_INT, "0", "leave out training pictures with fewer labels", 0, 1e6},
    {"cache", NULL, OPTION_STRING, NULL, "keep pictures in memory", .bare = "ram", .choices = train_caches},
    {"no-cache", NULL, OPTION_FLAG, NULL, "neither read nor write the label cache"},
    {"threads", NULL, OPTION_INT, "1", "compute threads of a run. Results do not depend on it", 1, 1024,
     .heading = "Computation"},
    {"workers", NULL, OPTION_INT, "1", "threads of a run that make batches ahead", 0, 64},
    {"exact", NULL, OPTION_FLAG, NULL, "direct convolution only"},
};

static void show_text(void *context, const char *line)
{
    (void)context;
    terminal_print(stderr, line);
}

/* In a run's own process, whose outputs are its log. */
static struct train_events show_run(void *context)
{
    return train_display_events(context);
}

static enum status read_training(const struct options *o, const struct verb_spec *verb, const struct budget *budget,
                                 struct run_options *out)
{
    TRY(train_options_read(o, verb, out));
    if (!option_given(o, "epochs"))
        out->epochs = budget->epochs;
    if (!option_given(o, "img"))
        out->img = budget->img;
    if (!option_given(o, "batch"))
        out->batch = USUAL_BATCH;
    if (!option_given(o, "nominal-batch"))
        out->nominal_batch = USUAL_NOMINAL_BATCH;
    if (!option_given(o, "close-mosaic"))
        out->close_mosaic = out->epochs / CLOSE_PART;
    out->patience = 0; /* a fixed budget */
    out->noplots = true;
    return OK;
}

static enum status choose_rows(const struct options *o, struct study_config *c)
{
    int n;
    const char *const *words = option_strings(o, "rows", &n);
    for (int k = 0; k < c->kind->n_rows; k++)
        c->row[k] = n == 0;
    for (int i = 0; i < n; i++) {
        struct buf names = {0};
        bool found = false;
        for (int k = 0; k < c->kind->n_rows; k++) {
            const char *name = c->kind->rows[k].name;
            c->row[k] |= !strcmp(words[i], name);
            found |= !strcmp(words[i], name);
            TRY(buf_printf(&names, "%s%s", k ? ", " : "", name));
        }
        enum status rc = found ? OK : fail(E_USAGE, "--rows %s is none of %s", words[i], names.data);
        buf_free(&names);
        TRY(rc);
    }
    return OK;
}

static enum status tell_plan(struct study *s)
{
    struct buf words = {0};
    enum status rc = study_plan(s, &words);
    if (rc == OK)
        terminal_print(stdout, words.data);
    fflush(stdout);
    buf_free(&words);
    return rc;
}

static enum status carry_out(const struct options *o, const struct study_config *c)
{
    enum status rc = OK;
    struct study *s = NULL;
    const bool dry = option_flag(o, "dry-run"), report = option_flag(o, "report");
    TRY_CLEAN(study_open(c, &s));
    if (!report) {
        print(stderr, "measuring training steps");
        TRY_CLEAN(study_measure(s, !dry));
    }
    TRY_CLEAN(tell_plan(s));
    if (!dry) {
        TRY_CLEAN(report ? study_report(s) : study_run(s));
        print(stdout, "%s: study.md, study.csv, study.json, study.svg, study.png", c->project);
    }
cleanup:
    study_close(s);
    return rc;
}

static enum status run_study(const struct options *o, const struct verb_spec *verb)
{
    enum status rc = OK;
    struct train_display display = {0};
    struct run_options options = {0};
    struct study_config config = {.kind = study_find(verb_last_word(verb)),
                                  .options = &options,
                                  .jobs = option_int(o, "jobs"),
                                  .threads = option_int(o, "threads"),
                                  .workers = option_int(o, "workers"),
                                  .no_cache = option_flag(o, "no-cache"),
                                  .stop = interrupt_flag(),
                                  .events = {.context = &display, .text = show_text, .run = show_run}};
    const struct budget *budget = &budgets[option_choice(o, "budget")];
    char folder[64];
    snprintf(folder, sizeof folder, "runs/study/%s", config.kind->name);
    config.project = option_given(o, "project") ? option_string(o, "project") : folder;
    config.seeds = option_given(o, "seeds") ? option_int(o, "seeds") : budget->seeds;
    if (!option_given(o, "data"))
        TRY_CLEAN(fail(E_USAGE, "--data (a dataset's YAML) is needed"));
    if (option_flag(o, "dry-run") && option_flag(o, "report"))
        TRY_CLEAN(fail(E_USAGE, "--dry-run writes nothing, --report writes files: choose one"));
    TRY_CLEAN(choose_rows(o, &config));
    TRY_CLEAN(output_check_run(config.project, "x"));
    TRY_CLEAN(read_training(o, verb, budget, &options));
    interrupt_defer("the runs finish their batches and save");
    TRY_CLEAN(carry_out(o, &config));
cleanup:
    run_options_free(&options);
    return rc;
}

#define STUDY(word, line)                                                          \
    static const struct verb_spec study_##word;                                    \
    static enum status run_##word(const struct options *o)                         \
    {                                                                              \
        return run_study(o, &study_##word);                                        \
    }                                                                              \
    static const struct verb_spec study_##word = {                                 \
        .name = "study " #word,                                                    \
        .summary = line,                                                           \
        .options = options_table,                                                  \
        .n_options = COUNT(options_table),                                         \
        .example = "yolo9 study " #word " --data my.yaml --dry-run\n"              \
                   "yolo9 study " #word " --data my.yaml --budget small --jobs 2", \
        .run = run_##word,                                                         \
    };
#include "cli/study.def"
#undef STUDY

extern const struct verb_spec study_split; /* study_split.c: it trains nothing */

static const struct verb_spec *const studies[] = {
#define STUDY(word, line) &study_##word,
#include "cli/study.def"
#undef STUDY
    &study_split,
    NULL,
};

const struct verb_spec verb_study = {
    .name = "study",
    .summary = "small trainings that differ in one thing, side by side",
    .parts = studies,
    .example = "yolo9 study pgi --data my.yaml --jobs 2",
};
