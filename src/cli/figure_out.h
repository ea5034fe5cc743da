/* Where the figures of yolo9 figure go: a folder of its own for each call, runs/figure/exp, exp2 ... */
#ifndef Y9_CLI_FIGURE_OUT_H
#define Y9_CLI_FIGURE_OUT_H

#include "cli/options.h"
#include "weights/weights.h"

/* clang-format off */
#define FIGURE_OUT_OPTIONS \
    {"project", NULL, OPTION_STRING, "runs/figure", "folder of the figures", .value = VALUE_FOLDER, \
     .heading = "Results"}, \
    {"name", NULL, OPTION_STRING, "exp", "folder of this figure: exp, exp2, exp3 ...", .value = VALUE_NAME}, \
    {"exist-ok", NULL, OPTION_FLAG, NULL, "use the folder if it is there already"}
/* clang-format on */

/* Can the folder be made? Asked before the work. */
enum status figure_out_check(const struct options *o);
/* Makes it; *folder is owned by the caller. */
enum status figure_out_make(const struct options *o, char **folder);
/* What is in the folder, in one line: "runs/figure/exp: network.svg, network.png, network.csv, network.json". After a
 * failure (rc) instead the folder goes away if nothing is in it. `folder` is freed, may be NULL. Returns rc. */
enum status figure_out_close(enum status rc, char *folder, const char *files);

/* Says whose loss is shown: that of the training which the weights remember, or the network's default. */
void figure_out_tell_loss(const char *path, const struct weights *w);

#endif
