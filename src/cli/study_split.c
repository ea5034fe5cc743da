/* yolo9 study split: what it is worth that split and concat move nothing. */
#include "cli/cli.h"
#include "cli/figure_out.h"
#include "cli/image_size.h"
#include "core/parallel.h"
#include "lab/split_study.h"

#include <stdio.h>

static const char *const usual_networks[] = {"gelan-t", "gelan-s", "gelan-c"};

static const struct option_spec options_table[] = {
    {"cfg", "model", OPTION_STRINGS, NULL, "networks (default gelan-t gelan-s gelan-c)", .value = VALUE_NETWORK,
     .heading = "Networks"},
    IMAGE_SIZE_OPTION("image size (default 640)", 1),
    {"runs", NULL, OPTION_INT, "20", "timed runs of each, both forms in turn", 1, 10000},
    {"threads", NULL, OPTION_INT, "1", "compute threads", 1, 1024},
    {"project", NULL, OPTION_STRING, "runs/study", "folder of the studies", .value = VALUE_FOLDER,
     .heading = "Results"},
    {"name", NULL, OPTION_STRING, "split", "folder of this one: split, split2, split3 ...", .value = VALUE_NAME},
    {"exist-ok", NULL, OPTION_FLAG, NULL, "use the folder if it is there already"},
};

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct split_result results[SPLIT_MAX_NETWORKS];
    struct team *team = NULL;
    char *folder = NULL;
    int n = 0, side = option_given(o, "img") ? image_side_of(o, NULL) : 640;
    const char *const *networks = option_strings(o, "cfg", &n);
    if (!n) {
        networks = usual_networks;
        n = COUNT(usual_networks);
    }
    if (n > SPLIT_MAX_NETWORKS)
        return fail(E_USAGE, "--cfg: %d networks; %d are possible", n, SPLIT_MAX_NETWORKS);
    TRY(figure_out_check(o));
    TRY_CLEAN(team_create(option_int(o, "threads"), &team));
    for (int i = 0; i < n; i++) {
        struct split_result *r = &results[i];
        TRY_CLEAN(split_measure(networks[i], side, option_int(o, "runs"), team, r));
        print(stdout, "%s at %d: %.1f ms; with %d copies of %.1f MB %.1f ms (%+.1f %%)", r->network, r->side,
              r->plain_ms, r->copies, r->megabytes, r->copy_ms, 100 * (r->copy_ms / r->plain_ms - 1));
    }
    TRY_CLEAN(figure_out_make(o, &folder));
    TRY_CLEAN(split_write(results, n, option_int(o, "threads"), folder));
cleanup:
    team_destroy(team);
    return figure_out_close(rc, folder, "split.md, split.csv, split.json");
}

const struct verb_spec study_split = {
    .name = "study split",
    .summary = "time of split and concat as addresses and as copies",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 study split\n"
               "yolo9 study split --cfg gelan-c yolov9-e --runs 50",
    .run = run,
};
