/* --preset: the habits of another program where ours differ by default. The values stand in one table (habits.c); what
 * the user says himself always wins. */
#ifndef Y9_CLI_HABITS_H
#define Y9_CLI_HABITS_H

#include "cli/options.h"
#include "image/resize.h"

struct detect_habits {
    double iou;
    int max_det;
    bool rect;         /* the smallest rectangle */
    bool whole_border; /* detector_config */
};

/* clang-format off */
#define PRESET_OPTION(help) \
    {"preset", NULL, OPTION_STRING, NULL, help, .choices = habits_names}
/* clang-format on */
extern const char *const habits_names[];

/* Of `val`: how pictures are brought to the size, be it a rectangle or the whole input. Told in a line where a preset
 * is chosen. */
enum load_rule habits_load(const struct options *o, bool rect);
/* Of `detect`: the preset's or our own, and what the user says. Told in a line where a preset is chosen. */
struct detect_habits habits_detect(const struct options *o);

#endif
