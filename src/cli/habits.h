/* --preset: the habits of another program where ours differ by default. The values stand in one table (habits.c); what
 * the user says himself always wins. */
#ifndef Y9_CLI_HABITS_H
#define Y9_CLI_HABITS_H

#include "cli/image_size.h"
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
/* The network, how a picture is brought to its size, and which boxes count: of `detect` and of the figure of it. */
#define DETECT_OPTIONS \
    {"cfg", "model", OPTION_STRING, NULL, "network; normally found from the weights", .value = VALUE_NETWORK}, \
    IMAGE_SIZE_OPTION("network input (default: that of the weights, else 640)", 2), \
    {"rect", NULL, OPTION_FLAG, NULL, "letterbox to the smallest rectangle instead of the whole input"}, \
    PRESET_OPTION("whose habits hold where --iou, --max-det and --rect do not say otherwise"), \
    {"conf", "conf-thres", OPTION_FLOAT, "0.25", "keep scores above this", 0, 1, .heading = "Boxes"}, \
    {"iou", "iou-thres", OPTION_FLOAT, "0.45", "non-maximum suppression above this overlap", 0, 1}
/* clang-format on */
extern const char *const habits_names[];

/* Of `val`: how pictures are brought to the size, be it a rectangle or the whole input. Told in a line where a preset
 * is chosen. */
enum load_rule habits_load(const struct options *o, bool rect);
/* Of `detect`: the preset's or our own, and what the user says. Told in a line where a preset is chosen. */
struct detect_habits habits_detect(const struct options *o);

#endif
