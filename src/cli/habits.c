#include "cli/habits.h"

#include "core/log.h"

#include <string.h>

const char *const habits_names[] = {"official", "ultralytics", NULL};

struct habits {
    const char *name;
    struct detect_habits detect;
    enum load_rule load; /* validation: how pictures are brought to the size */
};

static const struct habits all[] = {
    {"official", {.iou = 0.45, .max_det = 1000, .rect = true}, LOAD_AREA},
    {"ultralytics", {.iou = 0.7, .max_det = 300, .rect = true, .whole_border = true}, LOAD_UP},
};

/* NULL: no preset was chosen. */
static const struct habits *habits_of(const struct options *o)
{
    const char *name = option_string(o, "preset");
    for (int i = 0; name && i < COUNT(all); i++) {
        if (!strcmp(all[i].name, name))
            return &all[i];
    }
    return NULL;
}

struct detect_habits habits_detect(const struct options *o)
{
    const struct habits *p = habits_of(o);
    struct detect_habits h = p ? p->detect : (struct detect_habits){0};
    if (!p || option_given(o, "iou"))
        h.iou = option_float(o, "iou");
    if (!p || option_given(o, "max-det"))
        h.max_det = option_int(o, "max-det");
    if (!p || option_given(o, "rect"))
        h.rect = option_flag(o, "rect");
    if (p)
        log_info("preset %s: iou %g, at most %d boxes a picture, %s, boxes moved back by %s", p->name, h.iou, h.max_det,
                 h.rect ? "smallest rectangle" : "whole input",
                 h.whole_border ? "whole pixels of the border" : "the border's exact half");
    return h;
}

enum load_rule habits_load(const struct options *o, bool rect)
{
    const struct habits *p = habits_of(o);
    if (p && !rect)
        log_info("preset %s: without effect where pictures fill the whole input", p->name);
    else if (p)
        log_info("preset %s: pictures are resized %s", p->name,
                 p->load == LOAD_UP ? "to sizes rounded up, always bilinearly" : "as without it");
    return !rect ? LOAD_LINEAR : p ? p->load : LOAD_AREA;
}
