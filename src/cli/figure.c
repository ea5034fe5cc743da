/* yolo9 figure WHAT: the laboratory's pictures, each a part with options of its own (cli/figure.def). */
#include "cli/cli.h"

#define FIGURE(name) extern const struct verb_spec figure_##name;
#include "cli/figure.def"
#undef FIGURE

static const struct verb_spec *const figures[] = {
#define FIGURE(name) &figure_##name,
#include "cli/figure.def"
#undef FIGURE
    NULL,
};

const struct verb_spec verb_figure = {
    .name = "figure",
    .summary = "a picture of what networks do, and its numbers",
    .parts = figures,
    .example = "yolo9 figure features photo.jpg",
};
