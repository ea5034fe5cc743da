#include "cli/train_display.h"

#include "cli/cli.h"
#include "core/clock.h"
#include "core/progress.h"
#include "core/terminal.h"
#include "eval/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 256, FIGURES = 7, HEADER_EVERY = 20 };

#define REDRAW    0.1  /* seconds between two drawings on a terminal */
#define LOG_EVERY 60.0 /* and between two lines of a log */

/* First come the losses, which the kind of head names. */
static const struct {
    const char *name;
    int column, width;
} figures[FIGURES] = {
    {NULL, RESULT_TRAIN_LOSS, 7}, {NULL, RESULT_TRAIN_LOSS + 1, 7}, {NULL, RESULT_TRAIN_LOSS + 2, 7},
    {"P", RESULT_PRECISION, 6},   {"R", RESULT_RECALL, 6},          {"mAP50", RESULT_MAP50, 6},
    {"mAP", RESULT_MAP, 6},
};

static const char *figure_name(enum head_kind head, int i)
{
    return figures[i].name ? figures[i].name : loss_item_name(head, figures[i].column - RESULT_TRAIN_LOSS);
}

static void show_text(void *context, const char *line)
{
    (void)context;
    terminal_print(stderr, line);
}

/* Four digits or so: "1.234", "12.34", "1234". */
static void write_figure(double x, char *out, size_t size)
{
    int digits = fabs(x) < 10 ? 3 : fabs(x) < 100 ? 2 : fabs(x) < 1000 ? 1 : 0;
    snprintf(out, size, fabs(x) < 1e5 ? "%.*f" : "%.*e", fabs(x) < 1e5 ? digits : 0, x);
}

/* --- after each batch --- */

/* Seconds that an epoch takes, validation and all; below 0: not known yet. */
static double epoch_seconds(const struct train_display *d, const struct progress_line *l, double passed)
{
    if (d->epochs > 0)
        return d->spent / d->epochs;
    return l->rate > 0 && l->total ? (double)l->total / l->rate : passed;
}

static void write_losses(const struct train_tick *t, char *out, size_t size)
{
    char cell[32];
    for (int i = 0, n = 0; i < LOSS_ITEMS; i++) {
        write_figure(t->loss[i], cell, sizeof cell);
        n += snprintf(out + n, size - (size_t)n, "%s%s %s", i ? " " : "", loss_item_name(t->head, i), cell);
    }
}

/* The label, and the times left of the epoch and of the run. */
static void describe(const struct train_display *d, const struct train_tick *t, double now, char *label, char *note,
                     struct progress_line *l)
{
    double done = (double)(t->batch - t->first);
    *l = (struct progress_line){.label = label, .done = t->batch, .total = t->batches, .left = -1, .run_left = -1};
    l->rate = t->seconds > 0 ? done / t->seconds : 0;
    if (l->rate > 0)
        l->left = (double)(t->batches - t->batch) / l->rate;
    if (t->phase == PHASE_FINAL) {
        snprintf(label, TEXT, "best weights");
        return;
    }
    snprintf(label, TEXT, t->phase == PHASE_TRAIN ? "epoch %d/%d" : "epoch %d/%d validation", t->epoch, t->epochs);
    if (t->phase == PHASE_TRAIN) {
        write_losses(t, note, TEXT);
        l->note = note;
    }
    if (l->left < 0)
        return;
    double rest = t->phase == PHASE_TRAIN ? l->left + d->validated : l->left;
    double epoch = t->phase == PHASE_TRAIN || d->epochs > 0 ? epoch_seconds(d, l, now - d->begun) : now - d->begun;
    l->left = rest;
    l->run_left = rest + (t->epochs - t->epoch) * epoch;
}

static void show_tick(void *context, const struct train_tick *t)
{
    struct train_display *d = context;
    char label[TEXT], note[TEXT], text[2 * TEXT];
    struct progress_line line;
    bool terminal = terminal_redraws();
    double now = clock_seconds();
    if (!d->begun && t->phase == PHASE_TRAIN) {
        d->begun = now - t->seconds;
        d->fraction = t->batches ? (double)(t->batches - t->first) / (double)t->batches : 1;
        d->shown = terminal ? 0 : d->begun;
    }
    if (t->phase == PHASE_VALIDATE && t->batch == t->batches)
        d->validated = t->seconds;
    if (now - d->shown < (terminal ? REDRAW : LOG_EVERY))
        return;
    d->shown = now;
    describe(d, t, now, label, note, &line);
    if (terminal) {
        progress_format(&line, MAX(terminal_columns(STDERR_FILENO) - 1, 1), text, sizeof text);
        terminal_status(text);
    } else {
        progress_format(&line, 0, text, sizeof text);
        terminal_print(stderr, text);
    }
}

/* --- after each epoch --- */

static void figure_text(const struct train_epoch *e, int i, char *out, size_t size)
{
    if (!e->validated && figures[i].column >= RESULT_PRECISION && figures[i].column <= RESULT_MAP)
        snprintf(out, size, "-");
    else
        write_figure(e->row[figures[i].column], out, size);
}

static int epoch_width(int epochs)
{
    return MAX(snprintf(NULL, 0, "%d/%d", epochs, epochs), (int)strlen("epoch"));
}

/* A row of the table on a terminal; the time stands there where there is room. */
static void show_row(struct train_display *d, const struct train_epoch *e, double seconds)
{
    char line[TEXT], cell[32];
    int n, width = epoch_width(e->epochs), all = width + 8;
    for (int i = 0; i < FIGURES; i++)
        all += figures[i].width;
    bool timed = terminal_columns(STDERR_FILENO) >= all;
    if (d->rows++ % HEADER_EVERY == 0) {
        n = snprintf(line, sizeof line, "%*s", width, "epoch");
        for (int i = 0; i < FIGURES; i++)
            n += snprintf(line + n, sizeof line - (size_t)n, "%*s", figures[i].width, figure_name(e->head, i));
        snprintf(line + n, sizeof line - (size_t)n, timed ? "%8s" : "%.0s", "time");
        terminal_print(stderr, line);
    }
    snprintf(cell, sizeof cell, "%d/%d", e->epoch, e->epochs);
    n = snprintf(line, sizeof line, "%*s", width, cell);
    for (int i = 0; i < FIGURES; i++) {
        figure_text(e, i, cell, sizeof cell);
        n += snprintf(line + n, sizeof line - (size_t)n, "%*s", figures[i].width, cell);
    }
    progress_time(seconds, cell, sizeof cell);
    snprintf(line + n, sizeof line - (size_t)n, timed ? "%8s" : "%.0s", cell);
    terminal_print(stderr, line);
}

/* "epoch 3/100: box 1.234 cls 0.981 dfl 1.021, P 0.512 R 0.431 mAP50 0.455 mAP 0.251, 0:29, run 47:12 left" */
static void log_row(const struct train_epoch *e, double seconds, double left)
{
    char line[2 * TEXT], cell[32], time[32];
    int n = snprintf(line, sizeof line, "epoch %d/%d:", e->epoch, e->epochs);
    for (int i = 0; i < FIGURES; i++) {
        bool first = figures[i].column == RESULT_PRECISION;
        figure_text(e, i, cell, sizeof cell);
        n += snprintf(line + n, sizeof line - (size_t)n, "%s %s %s", first ? "," : "", figure_name(e->head, i), cell);
    }
    progress_time(seconds, cell, sizeof cell);
    progress_time(left, time, sizeof time);
    if (e->epoch < e->epochs)
        print(stderr, "%s, %s, run %s left%s", line, cell, time, e->best ? ", best so far" : "");
    else
        print(stderr, "%s, %s%s", line, cell, e->best ? ", best so far" : "");
}

static void show_epoch(void *context, const struct train_epoch *e)
{
    struct train_display *d = context;
    double seconds = clock_seconds() - d->begun;
    if (d->begun) {
        d->spent += seconds;
        d->epochs += d->fraction;
    }
    double left = d->epochs > 0 ? (e->epochs - e->epoch) * d->spent / d->epochs : 0;
    if (terminal_redraws())
        show_row(d, e, seconds);
    else
        log_row(e, seconds, left);
    d->begun = 0;
}

/* --- at the end --- */

static void show_final(void *context, const struct evaluation *e, const struct evaluation_result *r,
                       const char *const *names)
{
    (void)context;
    struct buf table = {0};
    if (report_table(e, r, names, e->nc > 1, terminal_columns(STDOUT_FILENO), &table) == OK)
        terminal_print(stdout, table.data);
    fflush(stdout);
    buf_free(&table);
}

struct train_events train_display_events(struct train_display *d)
{
    return (struct train_events){
        .context = d, .text = show_text, .tick = show_tick, .epoch = show_epoch, .final = show_final};
}
