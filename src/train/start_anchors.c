/* Auto-anchor of a new run (auto_anchor.h): are the network's anchor boxes right for its labels, and what a user is
 * told. */
#include "core/terminal.h"
#include "train/auto_anchor.h"
#include "train/train_job.h"

#include <string.h>

#define ENOUGH 0.98 /* recall with which boxes stay as they are */

/* "10,13 16,30 33,23 / 30,61 ...": a level after the other. */
static enum status anchor_words(const struct head *head, int n_levels, struct buf *words)
{
    for (int l = 0; l < n_levels; l++)
        for (int a = 0; a < head->n_anchors; a++)
            TRY(buf_printf(words, "%s%g,%g",
                           a   ? " "
                           : l ? " / "
                               : "",
                           (double)head->anchor[l][a][0], (double)head->anchor[l][a][1]));
    return OK;
}

/* Everything that is built of the table, and what was built already, gets these boxes. */
static enum status give_anchors(struct train_job *j, int n_levels, const struct head *head)
{
    TRY(table_set_anchors(&j->table, n_levels, head));
    memcpy(j->graph.head.anchor, head->anchor, sizeof head->anchor);
    memcpy(j->deployed.head.anchor, head->anchor, sizeof head->anchor);
    return OK;
}

static void tell_fit(const struct train_job *j, double recall, const struct label_sizes *s, const char *rest)
{
    char labels[32], tiny[64] = "";
    text_grouped((double)s->n, labels, sizeof labels);
    if (s->tiny)
        snprintf(tiny, sizeof tiny, " (%d more are under two pixels)", s->tiny);
    job_say(j, "anchors: %.1f %% of %s %s%s have one with sides within a factor of %g%s", 100 * recall, labels,
            noun(s->n, "label", "labels"), tiny, j->options.hyper.anchor_t, rest);
}

static enum status find_better(struct train_job *j, int n_levels, const struct label_sizes *s, double before)
{
    enum status rc = OK;
    const double most = j->options.hyper.anchor_t;
    struct head found = j->graph.head;
    struct buf words = {0};
    if (s->n < n_levels * found.n_anchors) {
        tell_fit(j, before, s, "; too few labels to find others");
        return OK;
    }
    TRY(anchors_find(s, n_levels, most, (uint64_t)j->options.seed, &found));
    double after = anchor_fit_of(&found, n_levels, most, s).recall;
    if (after <= before) {
        tell_fit(j, before, s, "; k-means finds no better ones");
        return OK;
    }
    tell_fit(j, before, s, "; they are replaced (--noautoanchor keeps them)");
    TRY_CLEAN(anchor_words(&found, n_levels, &words));
    job_say(j, "new anchors, with %.1f %%: %s", 100 * after, words.data);
    TRY_CLEAN(give_anchors(j, n_levels, &found));
cleanup:
    buf_free(&words);
    return rc;
}

enum status job_fit_anchors(struct train_job *j)
{
    const struct head *head = &j->graph.head;
    const int n_levels = j->graph.branch[0].n_levels;
    struct label_sizes sizes = {0};
    enum status rc = OK;
    if (j->resumed || head->kind != HEAD_ANCHORS)
        return OK;
    TRY_CLEAN(label_sizes_of(j->train, j->options.img, &sizes));
    if (!sizes.n)
        goto cleanup; /* the opening words say so */
    double recall = anchor_fit_of(head, n_levels, j->options.hyper.anchor_t, &sizes).recall;
    if (j->options.noautoanchor)
        tell_fit(j, recall, &sizes, "; they stay (--noautoanchor)");
    else if (recall > ENOUGH)
        tell_fit(j, recall, &sizes, "; they stay");
    else
        TRY_CLEAN(find_better(j, n_levels, &sizes, recall));
cleanup:
    label_sizes_free(&sizes);
    return rc;
}
