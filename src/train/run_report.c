#include "train/run_report.h"

#include "core/mem.h"
#include "core/path.h"
#include "image/chart.h"
#include "train/run_words.h"

#include <stdio.h>

enum { ROWS = 2, COLS = 3, PANELS = ROWS * COLS, LINES = 3 };

/* What a panel shows, and how a person calls it. Without a title: a loss, which the kind of head names. */
struct panel_plan {
    const char *title, *y_label;
    bool unit; /* 0 to 1 */
    struct {
        const char *name;
        int column;
    } lines[LINES];
};

static const char *const loss_titles[HEAD_KINDS][LOSS_ITEMS] = {
    [HEAD_DFL] = {"Box loss", "Class loss", "Distribution focal loss (box edges)"},
    [HEAD_ANCHORS] = {"Box loss", "Objectness loss", "Class loss"},
};

static const struct panel_plan plans[PANELS] = {
    {NULL, "Loss", false, {{"train", RESULT_TRAIN_LOSS}, {"val", RESULT_VAL_LOSS}}},
    {NULL, "Loss", false, {{"train", RESULT_TRAIN_LOSS + 1}, {"val", RESULT_VAL_LOSS + 1}}},
    {NULL, "Loss", false, {{"train", RESULT_TRAIN_LOSS + 2}, {"val", RESULT_VAL_LOSS + 2}}},
    {"Precision and recall", "Share", true, {{"precision", RESULT_PRECISION}, {"recall", RESULT_RECALL}}},
    {"Mean average precision", "mAP", true, {{"mAP50", RESULT_MAP50}, {"mAP50-95", RESULT_MAP}}},
    /* the first line lies on top: the dashed one lets an equal one be seen */
    {"Learning rate", "Rate", false, {{"biases", RESULT_LR0}, {"batch norm", RESULT_LR2}, {"weights", RESULT_LR1}}},
};

/* One figure: its parts point into each other. */
struct figure {
    struct chart charts[PANELS];
    struct series series[PANELS][LINES];
    struct panel panels[PANELS];
    double *epochs, *values; /* (n_rows), (PANELS, LINES, n_rows) */
    char mark[64];
};

/* The losses of the validation are 0 in all rows where they were not measured. */
static bool is_measured(const struct run_progress *p, int column)
{
    if (column < RESULT_VAL_LOSS || column >= RESULT_VAL_LOSS + LOSS_ITEMS)
        return true;
    for (int i = 0; i < p->n_rows; i++) {
        if (p->rows[i][column] != 0)
            return true;
    }
    return false;
}

static void fill_panel(struct figure *f, const struct run_progress *p, int k, int best)
{
    const struct panel_plan *plan = &plans[k];
    int n = 0;
    for (int line = 0; line < LINES && plan->lines[line].name; line++) {
        double *y = f->values + ((size_t)k * LINES + (size_t)line) * (size_t)p->n_rows;
        if (!is_measured(p, plan->lines[line].column))
            continue;
        for (int i = 0; i < p->n_rows; i++)
            y[i] = p->rows[i][plan->lines[line].column];
        f->series[k][n++] = (struct series){.name = plan->lines[line].name,
                                            .style = p->n_rows < 40 ? SERIES_LINE_POINTS : SERIES_LINE,
                                            .x = f->epochs,
                                            .y = y,
                                            .n = p->n_rows,
                                            .width = 2,
                                            .dashed = plan->lines[line].column == RESULT_LR2};
    }
    f->charts[k] =
        (struct chart){.title = plan->title ? plan->title : loss_titles[p->head][k],
                       .x = {.label = "Epoch", .whole = true},
                       .y = {.label = plan->y_label, .low = plan->unit ? -0.02 : 0, .high = plan->unit ? 1.02 : 0},
                       .series = f->series[k],
                       .n_series = n,
                       .mark = best + 1,
                       .mark_name = best >= 0 ? f->mark : NULL};
    f->panels[k] = (struct panel){chart_draw, &f->charts[k]};
}

enum status run_plot_results(const struct run_folder *folder, const struct run_progress *p)
{
    enum status rc = OK;
    if (!p->n_rows)
        return OK;
    int best = run_best_epoch(p);
    char *path = path_join(folder->path, "results.png");
    struct figure *f = mem_calloc(1, sizeof *f);
    TRY_CLEAN(path && f ? OK : E_NOMEM);
    f->epochs = mem_alloc((size_t)p->n_rows, sizeof *f->epochs);
    f->values = mem_alloc((size_t)p->n_rows, PANELS * LINES * sizeof *f->values);
    TRY_CLEAN(f->epochs && f->values ? OK : E_NOMEM);
    for (int i = 0; i < p->n_rows; i++)
        f->epochs[i] = i + 1;
    if (best >= 0)
        snprintf(f->mark, sizeof f->mark, "best epoch: %d", best + 1);
    for (int k = 0; k < PANELS; k++)
        fill_panel(f, p, k, best);
    TRY_CLEAN(figure_write(path, 1500, 860, f->panels, ROWS, COLS));
cleanup:
    if (f) {
        mem_free(f->epochs);
        mem_free(f->values);
    }
    mem_free(f);
    mem_free(path);
    return rc;
}
