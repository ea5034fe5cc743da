#include "train/preset.h"

#include "core/path.h"

#include <stdio.h>
#include <string.h>

#define YOLOV7_VALUES "box=0.05 cls=0.3 obj=0.7 anchor_t=4 translate=0.2"
#define YOLOV7_HABITS                                                                                      \
    .schedule = SCHEDULE_COSINE, .least_warmup = 1000, .clip_norm = 0, .even_steps = true, .lr_lag = true, \
    .close_mosaic = 15, .without = "mosaics of nine pictures (all are of four) and pasted crops (paste_in)"

static const struct preset presets[PRESETS] = {
#define PRESET(id, word, ...) [PRESET_##id] = {.name = word, __VA_ARGS__},
#include "train/presets.def"
#undef PRESET
};

const char *const preset_names[PRESETS + 1] = {
    "auto",
#define PRESET(id, word, ...) [PRESET_##id] = word,
#include "train/presets.def"
#undef PRESET
};

const struct preset *preset_get(enum preset_kind kind)
{
    return &presets[kind];
}

struct hyper preset_hyper(enum preset_kind kind)
{
    struct hyper h = hyper_default();
    char word[32];
    int length;
    for (const char *p = presets[kind].values; sscanf(p, " %31s%n", word, &length) == 1; p += length)
        hyper_set(word, &h, NULL); /* a row of presets.def, which a test reads: it cannot fail */
    return h;
}

enum preset_kind preset_find(const char *word)
{
    for (int i = PRESET_AUTO + 1; i < PRESETS; i++)
        if (!strcmp(presets[i].name, word) || !strcmp(presets[i].file, path_name(word)))
            return (enum preset_kind)i;
    return PRESET_AUTO;
}

enum preset_kind preset_for(const char *network, const struct family *family, const struct graph *training)
{
    const struct branch *main = &training->branch[training->n_branches - 1];
    if (training->head.kind != HEAD_ANCHORS)
        return preset_find(family->recipe);
    for (int i = PRESET_AUTO + 1; network && i < PRESETS; i++)
        if (!strcmp(presets[i].name, network))
            return (enum preset_kind)i;
    return main->n_levels == 4 ? PRESET_YOLOV7_W6 : PRESET_YOLOV7;
}
