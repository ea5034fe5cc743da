/* Recipes by name: hyper-parameters, and the habits of a trainer that are no hyper-parameter. --hyp chooses one; else
 * the network does. */
#ifndef Y9_TRAIN_PRESET_H
#define Y9_TRAIN_PRESET_H

#include "model/family.h"
#include "train/hyper.h"

enum preset_kind {
    PRESET_AUTO, /* not chosen yet: the network's (preset_for) */
#define PRESET(id, ...) PRESET_##id,
#include "train/presets.def"
#undef PRESET
    PRESETS
};

struct preset {
    const char *name;
    const char *file;   /* of the release it is from: that name means these values where no such file lies */
    const char *values; /* "lrf=0.1 box=0.05": where it differs from hyper_default */
    enum schedule_kind schedule;
    long least_warmup;   /* iterations */
    double clip_norm;    /* 0: no clipping */
    bool lr_lag;         /* an epoch runs with the learning rate of the one before */
    bool auto_optimizer; /* run_choose_optimizer; else SGD */
    int close_mosaic;    /* last epochs without mosaic */
    bool even_steps;     /* a step where the iteration's number is a multiple of the accumulation */
    const char *without; /* what this program leaves out of it; NULL: nothing */
};

extern const char *const preset_names[];                /* by enum preset_kind, "auto" first, NULL at the end */
const struct preset *preset_get(enum preset_kind kind); /* not of PRESET_AUTO */
struct hyper preset_hyper(enum preset_kind kind);

/* By its name or the name of its file; PRESET_AUTO where the word is none. */
enum preset_kind preset_find(const char *word);
/* The one of a network: of its family, or where it has anchor boxes of its name, else of its levels. */
enum preset_kind preset_for(const char *network, const struct family *family, const struct graph *training);

#endif
