#include "cli/info_families.h"

#include "cli/cli.h"
#include "train/run_options.h"

#include <stdio.h>
#include <string.h>

static const struct listing_column columns[] = {
    {"network", LISTING_LEFT, 12, .least = 8},
    {"params", LISTING_RIGHT, 7},
    {"GFLOPs", LISTING_RIGHT, 8},
    {" head", LISTING_LEFT, 12},
    {"a cell", LISTING_RIGHT, 7},
    {" losses", LISTING_LEFT, 13},
    {"assigner", LISTING_LEFT, 11},
    {"auxiliary", LISTING_LEFT, 8},
};

/* What there is to say of a network besides its figures. */
struct facts {
    char head[32], losses[32];
    bool coupled; /* one convolution gives all outputs of a level */
    const char *assigner;
    int recipe; /* enum preset_kind */
    struct loss_config loss;
    struct cost auxiliary;
};

static struct facts facts_of(const struct figures *r)
{
    const struct graph *g = &r->training;
    const struct head *head = &g->head;
    struct facts f = {.auxiliary = figures_auxiliary(r)};
    f.coupled = g->values[g->branch[0].level[0]].n_parts < 2;
    f.recipe = preset_for(r->table.name, r->table.family, g);
    const struct hyper hyper = preset_hyper((enum preset_kind)f.recipe);
    f.loss = loss_config_of(head, g->n_branches);
    hyper_apply_loss(&hyper, &f.loss);
    struct run_options options;
    run_options_init(&options);
    run_choose_assigner(&options, r->table.family, head->kind); /* auto: it cannot fail */
    f.assigner = run_assigner_names[options.assigner];
    run_options_free(&options);
    if (head->kind == HEAD_ANCHORS)
        snprintf(f.head, sizeof f.head, "%d anchors", head->n_anchors);
    else
        snprintf(f.head, sizeof f.head, "anchor-free");
    for (int i = 0; i < LOSS_ITEMS; i++)
        snprintf(f.losses + strlen(f.losses), sizeof f.losses - strlen(f.losses), "%s%s", i ? " " : "",
                 loss_item_name(head->kind, i));
    return f;
}

static double gain_of(const struct loss_config *c, const char *item)
{
    return !strcmp(item, "box")   ? c->box_gain
           : !strcmp(item, "cls") ? c->cls_gain
           : !strcmp(item, "dfl") ? c->dfl_gain
                                  : c->anchors.obj_gain;
}

static bool is_told(const struct buf *text, const char *line)
{
    return text->data && strstr(text->data, line);
}

/* "yolov9: box 7.5, cls 0.5, dfl 1.5", and "yolov9, auxiliary branch: times 0.25" */
static enum status add_gains(const struct figures *r, const struct facts *f, struct buf *gains)
{
    char start[64];
    const char *recipe = preset_names[f->recipe];
    snprintf(start, sizeof start, "%s:", recipe);
    if (!is_told(gains, start)) {
        TRY(buf_printf(gains, "%s", start));
        for (int i = 0; i < LOSS_ITEMS; i++) {
            const char *item = loss_item_name(r->training.head.kind, i);
            TRY(buf_printf(gains, "%s %s %g", i ? "," : "", item, gain_of(&f->loss, item)));
        }
        TRY(buf_printf(gains, "\n"));
    }
    snprintf(start, sizeof start, "%s, auxiliary branch: times", recipe);
    if (r->training.n_branches > 1 && !is_told(gains, start))
        return buf_printf(gains, "%s %g\n", start, f->loss.aux_weight);
    return OK;
}

void families_begin(struct listing *l)
{
    listing_init(l, columns, COUNT(columns));
}

enum status families_add(struct listing *l, struct buf *gains, const struct figures *r)
{
    const struct facts f = facts_of(r);
    TRY(listing_add(l, "%s", r->table.name));
    TRY(listing_add(l, "%.2fM", 1e-6 * r->left.params));
    TRY(listing_add(l, "%.2f", r->left.gflops));
    TRY(listing_add(l, " %s", f.head));
    TRY(listing_add(l, "%d", head_channels(&r->training.head)));
    TRY(listing_add(l, " %s", f.losses));
    TRY(listing_add(l, "%s", f.assigner));
    if (f.auxiliary.params > 0)
        TRY(listing_add(l, "+%.2fM", 1e-6 * f.auxiliary.params));
    else
        TRY(listing_add(l, "none"));
    return add_gains(r, &f, gains);
}

void families_explain(const struct buf *gains)
{
    print(stdout, "\nParameters and GFLOPs are those of the deployed form; auxiliary: what training has beyond it.");
    print(stdout,
          "\nAn anchor-free head gives one box a cell, four distances of 16 bins each, and a score a class, from two "
          "towers. A head with anchors gives so many boxes a cell from one convolution, each with x, y, w, h, an "
          "objectness and a score a class. `a cell`: all these numbers.");
    print(stdout,
          "\nbox is CIoU, cls and obj binary cross-entropy, dfl the distribution focal loss. Gains by recipe:\n%s",
          gains->data ? gains->data : "");
    print(stdout,
          "tal: the task-aligned assigner. tal-inside: the same, where only labels around a cell compete for it. "
          "simota: so many candidates a label as its best ones overlap it in sum, the cheapest first.");
}

void families_json(const struct figures *r, json_t *object)
{
    const struct facts f = facts_of(r);
    const struct head *head = &r->training.head;
    json_t *losses = json_object();
    for (int i = 0; i < LOSS_ITEMS; i++) {
        const char *item = loss_item_name(head->kind, i);
        json_object_set_new(losses, item, json_real(gain_of(&f.loss, item)));
    }
    json_object_set_new(object, "head",
                        json_pack("{s:s, s:b, s:i, s:i, s:i}", "kind", f.head, "coupled", f.coupled, "branches",
                                  r->training.n_branches, "boxes_a_cell", head_cell_boxes(head), "outputs_a_cell",
                                  head_channels(head)));
    json_object_set_new(object, "losses", losses);
    json_object_set_new(object, "assigner", json_string(f.assigner));
    json_object_set_new(object, "recipe", json_string(preset_names[f.recipe]));
    json_object_set_new(object, "family", json_string(r->table.family->name));
    json_object_set_new(object, "auxiliary",
                        json_pack("{s:I, s:f, s:f}", "params", (json_int_t)f.auxiliary.params, "gflops",
                                  f.auxiliary.gflops, "weight", f.loss.aux_weight));
}
