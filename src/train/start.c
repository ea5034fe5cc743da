/* How a new run starts from weights: which tensors and classes they give it, and what a user must know of that. */
#include "core/class_match.h"
#include "core/mem.h"
#include "core/terminal.h"
#include "train/train_job.h"
#include "weights/weights.h"

#include <string.h>

static struct class_list classes_of_file(const struct checkpoint *c)
{
    return (struct class_list){c->path, c->model->names, c->model->n_names};
}

static struct class_list classes_here(const struct train_job *j)
{
    return (struct class_list){j->options.data, j->train->names, j->train->nc};
}

/* Where the file knows as many classes and some of ours stand elsewhere in it, outputs go by name. *rows is NULL where
 * all stay in their places. */
static enum status find_rows(const struct train_job *j, const struct checkpoint *c, int **rows)
{
    const struct class_list from = classes_of_file(c), here = classes_here(j);
    bool moved = false;
    *rows = NULL;
    if (from.n != here.n || !class_names_known(&from) || !class_names_known(&here))
        return OK;
    int *places = mem_alloc((size_t)here.n, sizeof *places);
    enum status rc = places ? class_names_find(&here, &from, places) : E_NOMEM;
    for (int i = 0; rc == OK && i < here.n; i++)
        moved |= places[i] >= 0 && places[i] != i;
    if (rc != OK || !moved) {
        mem_free(places);
        return rc;
    }
    *rows = places;
    return OK;
}

/* What became of the outputs of the classes. */
static enum status tell_classes(const struct train_job *j, const struct checkpoint *c, const int *rows)
{
    const struct class_list from = classes_of_file(c), here = classes_here(j);
    int found = 0, other = 0;
    if (rows) {
        for (int i = 0; i < here.n; i++)
            found += rows[i] >= 0;
        job_say(j, "%s: its classes stand in another order: %d of %d take their outputs by name%s", c->path, found,
                here.n, found < here.n ? ", the others start anew" : "");
        return OK;
    }
    if (!class_names_known(&from) || !class_names_known(&here))
        return OK;
    int *places = mem_alloc((size_t)here.n, sizeof *places);
    enum status rc = places ? class_names_find(&here, &from, places) : E_NOMEM;
    for (int i = 0; rc == OK && i < here.n; i++)
        found += places[i] >= 0;
    while (other + 1 < here.n && other + 1 < from.n && !strcmp(here.names[other], from.names[other]))
        other++;
    if (rc == OK && from.n != here.n)
        job_say(j, "%s: it knows %d %s (%s ...), here are %d (%s ...): their outputs start anew, the rest is taken",
                c->path, from.n, noun(from.n, "class", "classes"), from.names[0], here.n, here.names[0]);
    else if (rc == OK && found < here.n)
        job_say(j, "%s: %d of its %d classes have other names here (%s is %s): their outputs are taken by number",
                c->path, here.n - found, here.n, here.names[other], from.names[other]);
    mem_free(places);
    return rc;
}

/* Weights of another network give next to nothing, and a run should not begin so unnoticed. */
static void tell_share(const struct train_job *j, const struct checkpoint *c, const struct weights_report *r)
{
    const char *network = weights_network(c);
    if (2 * r->taken >= r->wanted)
        return;
    job_say(j, "warning: %s: only %d of %d tensors of %s are in these weights, which are of %s (%s)",
            10 * r->taken < r->wanted ? "the start is as good as random"
                                      : "most of the network starts from random values",
            r->taken, r->wanted, j->table.name, network ? network : "another network", c->path);
}

static void tell_size(const struct train_job *j, const struct checkpoint *c)
{
    const int img = j->options.img;
    if (c->img_h && (c->img_h != img || c->img_w != img))
        job_say(j, "warning: %s was trained at --img %d%s, this run is at %d", c->path, MAX(c->img_h, c->img_w),
                c->img_h == c->img_w ? "" : " (the longer side)", img);
}

/* Outputs of an anchor head are factors of its boxes: with other boxes they mean others. */
static void tell_anchors(const struct train_job *j, const struct checkpoint *c)
{
    const struct head *here = &j->graph.head;
    struct table table;
    bool folded, same = true;
    if (here->kind != HEAD_ANCHORS || weights_table(c, &table, &folded) != OK)
        return;
    if (table.anchor_levels == j->graph.branch[0].n_levels && table.anchors == here->n_anchors) {
        for (int l = 0; l < table.anchor_levels; l++)
            same &= !memcmp(table.anchor[l], here->anchor[l], (size_t)here->n_anchors * sizeof here->anchor[l][0]);
        if (!same)
            job_say(j,
                    "warning: %s was trained with other anchor boxes than %s has (first %g,%g, here %g,%g): its boxes "
                    "are off until they are learnt anew; without --cfg its own are taken",
                    c->path, j->table.source, (double)table.anchor[0][0][0], (double)table.anchor[0][0][1],
                    (double)here->anchor[0][0][0], (double)here->anchor[0][0][1]);
    }
    table_free(&table);
}

enum status job_start_from(struct train_job *j, const struct checkpoint *c)
{
    enum status rc = OK;
    struct weights_report report = {0};
    struct buf words = {0};
    int *rows = NULL;
    TRY_CLEAN(find_rows(j, c, &rows));
    TRY_CLEAN(weights_transfer(c, &j->graph, j->start, rows, &report));
    TRY_CLEAN(report_summary(&report, &words));
    job_say(j, "%s: %s", c->path, words.data);
    if (!report.taken)
        TRY_CLEAN(fail(E_SHAPE, "%s: no tensor of it fits %s", c->path, j->table.source));
    tell_share(j, c, &report);
    tell_size(j, c);
    tell_anchors(j, c);
    if (2 * report.taken >= report.wanted)
        TRY_CLEAN(tell_classes(j, c, rows));
cleanup:
    mem_free(rows);
    report_free(&report);
    buf_free(&words);
    return rc;
}
