/* What a training run was asked to do: the options of `yolo9 train` under their official names, as opt.yaml holds
 * them. Everything that the run's numbers depend on is here; --threads and --workers are not among it. */
#ifndef Y9_TRAIN_RUN_OPTIONS_H
#define Y9_TRAIN_RUN_OPTIONS_H

#include "model/model.h"
#include "train/hyper.h"
#include "train/loss.h"
#include "train/preset.h"

enum run_cache { CACHE_NONE, CACHE_RAM, CACHE_VAL }; /* pictures kept in memory: none, of both splits, of val only */

/* Which assigner finds the targets of a branch: auto is the one of the network's head and family, which a run's folder
 * names. */
enum run_assigner { ASSIGNER_AUTO, ASSIGNER_TAL, ASSIGNER_TAL_INSIDE, ASSIGNER_SIMOTA };

enum { RUN_MAX_FREEZE = 256, RUN_DEFAULT = -1, RUN_OPTIMIZER_AUTO = OPTIMIZER_LION + 1 };

struct run_options {
    const char *cfg, *data, *weights; /* NULL: not given. Owned by `arena` like all text here */
    int epochs, batch, nominal_batch, img;
    int warmup_iterations; /* at least so many; RUN_DEFAULT: as the recipe has it */
    int close_mosaic;      /* RUN_DEFAULT: 15, or 0 when there are fewer than 30 epochs */
    int patience, save_period, min_items, seed;
    double save_minutes; /* a state at least so often; 0: at the end of epochs only */
    double aux_weight, main_weight;
    int optimizer; /* enum optimizer_kind, or RUN_OPTIMIZER_AUTO */
    int assign;    /* enum loss_assign */
    int assigner;  /* enum run_assigner */
    int cls_loss;  /* enum loss_cls */
    int precision; /* enum precision, fp32 or bf16 */
    int schedule;  /* enum schedule_kind */
    int preset;    /* enum preset_kind */
    int cache;     /* enum run_cache */
    bool rect, image_weights, multi_scale, single_cls, noval, nosave, noplots;
    bool lr_lag, official_quirks, exact, noautoanchor;
    int freeze[RUN_MAX_FREEZE], n_freeze;
    struct hyper hyper;
    /* What run_choose_preset leaves alone: all, but for a command line that did not name it. */
    uint64_t given_hyper; /* keys (hyper.h) */
    bool given_schedule, given_lr_lag, given_optimizer;
    struct arena arena;
};

void run_options_init(struct run_options *o); /* the defaults of CLI.md; release with run_options_free */
void run_options_free(struct run_options *o);

/* One option by its key. */
enum run_field_kind { FIELD_TEXT, FIELD_INT, FIELD_DOUBLE, FIELD_BOOL, FIELD_CHOICE };
struct run_field {
    const char *key; /* "batch_size"; the command line's name is `name`, or the key with - for _ */
    const char *name;
    enum run_field_kind kind;
    size_t offset; /* in struct run_options */
    double min, max;
    const char *const *choices; /* FIELD_CHOICE: words of 0, 1, 2 ..., NULL at the end */
    bool added;                 /* runs of older versions lack it: its default is what they did */
    bool aside;                 /* a path, or what is shown and kept: the trained numbers do not depend on it */
};
const struct run_field *run_fields(int *count);
extern const char *const run_optimizer_names[],
    *const run_assign_names[], *const run_assigner_names[], *const run_precision_names[], *const run_cls_loss_names[];

enum status run_set_text(struct run_options *o, const struct run_field *f, const char *text);
enum status run_set_number(struct run_options *o, const struct run_field *f, double value); /* E_ARGUMENT */
enum status run_set_choice(struct run_options *o, const struct run_field *f, const char *word);

/* As YAML text (also the file opt.yaml), and back. Every key must be there; E_FORMAT and E_ARGUMENT are
 * "name:line: ...". `o` is initialised by the call. */
enum status run_options_write(const struct run_options *o, struct buf *out);
enum status run_options_read(const char *name, const char *text, size_t size, struct run_options *o);

/* What weights remember of their training (yolo9.recipe): everything that the numbers depend on, as JSON. No path, date
 * or number of threads is in it, so that equal training gives equal bytes. *out is for mem_free. */
enum status run_options_recipe(const struct run_options *o, char **out);
/* The same back, of weights in the file `name`: paths and what is only shown and kept have their defaults, as all has
 * where there is no recipe (NULL). `o` is initialised by the call; E_FORMAT and E_ARGUMENT as above. */
enum status run_options_read_recipe(const char *name, const char *recipe, struct run_options *o);

/* Put what auto means for so many pictures and classes in its place: optimizer, and lr0, momentum and warmup_bias_lr
 * where they were not given. Gives the number of steps that it went by; 0 where another optimizer was chosen. */
long run_choose_optimizer(struct run_options *o, int pictures, int nc);

/* Put the network's assigner in the place of auto: SimOTA for heads with anchor boxes, the family's for the others.
 * E_USAGE where another one was asked for than the head can be trained with. */
enum status run_choose_assigner(struct run_options *o, const struct family *family, enum head_kind head);

/* Where the preset is PRESET_AUTO, the one of the network takes its place; the preset's values take that of all that
 * was not given. */
void run_choose_preset(struct run_options *o, enum preset_kind of_network);

/* What "as the network has it" and "auto" mean for this network and so many pictures, in the place of such options:
 * assigner, recipe, optimizer, the size in whole strides. `told` gets what there is to say about it. */
struct run_settled {
    enum preset_kind asked; /* PRESET_AUTO: the network chose its recipe */
    int img;                /* as it was asked for */
    long steps;             /* that run_choose_optimizer went by; 0 where the optimizer was chosen */
};
enum status run_options_settle(struct run_options *o, const struct table *table, const struct graph *g, int pictures,
                               struct run_settled *told);
/* The loss that a run of these options, settled ones, trains this training form with. */
struct loss_config run_loss_config(const struct run_options *o, const struct graph *g);

/* Do runs of these options, settled ones, train the same? Where not, `words` gets the first difference: "epochs is 20
 * there and 40 here", a being there. Paths, and what is only shown and kept, do not count. */
enum status run_options_compare(const struct run_options *a, const struct run_options *b, struct buf *words);

int run_close_mosaic(const struct run_options *o); /* with the default put in */
/* Early stopping that can never come, in a run of so many epochs, is none. */
int run_patience(const struct run_options *o);
long run_least_warmup(const struct run_options *o);

#endif
