#include "train/run_words.h"

#include "core/terminal.h"
#include "eval/ap.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

static enum status tell_schedule(const struct run_subject *s, struct buf *words)
{
    const struct run_options *o = s->options;
    TRY(buf_printf(words, "%d %s of %ld %s: image size %d, batch %d, %s with learning rate %g, seed %d, %d %s",
                   o->epochs, noun(o->epochs, "epoch", "epochs"), s->batches, noun(s->batches, "batch", "batches"),
                   o->img, o->batch, run_optimizer_names[o->optimizer], o->hyper.lr0, o->seed, s->threads,
                   noun(s->threads, "thread", "threads")));
    if (s->memory)
        TRY(buf_printf(words, ", about %.0f MB of memory", (double)s->memory / 1048576));
    TRY(buf_printf(words, "\n"));
    return OK;
}

enum status run_opening_words(const struct run_subject *s, struct buf *words)
{
    char all[32], left[32];
    size_t params = model_count_params(s->training, -1), kept = model_count_params(s->deployed, -1);
    text_grouped((double)params, all, sizeof all);
    text_grouped((double)kept, left, sizeof left);
    TRY(buf_printf(words, "%s for %d %s: %s parameters while it is trained, %s when it is used\n", s->network, s->nc,
                   noun(s->nc, "class", "classes"), all, left));
    TRY(tell_schedule(s, words));
    return OK;
}

int run_best_epoch(const struct run_progress *p)
{
    int best = -1;
    double most = -1;
    for (int i = 0; i < p->n_rows; i++) {
        double fitness = ap_fitness(p->rows[i][RESULT_MAP50], p->rows[i][RESULT_MAP]);
        if (fitness >= most) {
            most = fitness;
            best = i;
        }
    }
    return best;
}

static enum status tell_what_to_try(const struct run_options *o, const struct run_progress *p, long batches,
                                    struct buf *words)
{
    TRY(buf_printf(words, "mAP stayed near 0. Things to try: look %s, whether boxes lie where they should",
                   o->noplots ? "at labels.png and train_batch0.jpg of a run without --noplots"
                              : "at labels.png and train_batch0.jpg"));
    long iterations = batches * p->n_rows;
    if (iterations < 2000)
        TRY(buf_printf(words, "; more epochs (%ld %s made, a start from nothing needs thousands)", iterations,
                       noun(iterations, "iteration was", "iterations were")));
    if (!o->weights)
        TRY(buf_printf(words, "; start from trained weights (--weights)"));
    int class = RESULT_TRAIN_LOSS;
    while (strcmp(loss_item_name(p->head, class - RESULT_TRAIN_LOSS), "cls") != 0)
        class ++;
    if (p->rows[p->n_rows - 1][class] > 2 * p->rows[0][class])
        TRY(buf_printf(words, "; a smaller learning rate (--hyp lr0=%g), for the loss grew", o->hyper.lr0 / 10));
    TRY(buf_printf(words, "\n"));
    return OK;
}

enum status run_closing_words(const struct run_options *o, const struct run_progress *p, long batches,
                              struct buf *words)
{
    int best = run_best_epoch(p);
    if (best < 0)
        return OK;
    TRY(buf_printf(words, "best epoch %d of %d: mAP50 %.3f, mAP50-95 %.3f\n", best + 1, p->n_rows,
                   p->rows[best][RESULT_MAP50], p->rows[best][RESULT_MAP]));
    if (p->stopped)
        TRY(buf_printf(words, "stopped early: %d %s without a better one (--patience)\n", o->patience,
                       noun(o->patience, "epoch", "epochs")));
    if (p->rows[best][RESULT_MAP50] < 0.01 && !o->noval)
        TRY(tell_what_to_try(o, p, batches, words));
    return OK;
}
