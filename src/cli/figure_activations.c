/* yolo9 figure activations: what activations do to gradients and to the input. */
#include "cli/cli.h"
#include "cli/figure_out.h"
#include "core/cpu.h"
#include "core/listing.h"
#include "core/progress.h"
#include "lab/activations_figure.h"
#include "model/activation.h"

static const struct option_spec options_table[] = {
    {"activation", NULL, OPTION_STRINGS, NULL,
     "which ones, as a table names them, e.g. ReLU leaky0.1 SiLU (default: all)"},
    {"seed", NULL, OPTION_INT, "0", "another seed, other rotations and another input", 0, 2147483647},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024},
    FIGURE_OUT_OPTIONS,
};

/* Those that are asked for, each once, or all. */
static enum status choose(const struct options *o, enum act acts[ACT_COUNT], int *n)
{
    int words;
    const char *const *names = option_strings(o, "activation", &words);
    *n = 0;
    for (int i = 0; i < words; i++) {
        enum act act;
        bool there = false;
        if (!activation_find(names[i], &act))
            return fail(E_USAGE, "--activation %s: there is no such activation; possible are %s", names[i],
                        activation_list);
        for (int k = 0; k < *n; k++)
            there |= acts[k] == act;
        if (!there)
            acts[(*n)++] = act;
    }
    for (int act = 0; !words && act < ACT_COUNT; act++)
        acts[(*n)++] = (enum act)act;
    return figure_out_check(o);
}

/* Percent; worse than a guess is nothing. */
static double back(const struct activation_result *r, int depth)
{
    const double part = r->layer[depth - 1].recovered;
    return part > 0 ? 100 * part : 0;
}

/* The numeric example, and what comes back. */
static enum status print_results(const struct activation_result *results, int n)
{
    static const struct listing_column columns[] = {
        {"activation", LISTING_LEFT, 16},
        {"y of x = -2, -1, 3", LISTING_LEFT, 23},
        {"dL/dx of dL/dy = 0.5", LISTING_LEFT, 23},
        {"back from 1, 8, 32", LISTING_LEFT, 18},
    };
    enum status rc = OK;
    struct listing l;
    listing_init(&l, columns, COUNT(columns));
    for (int i = 0; i < n; i++) {
        const struct activation_result *r = &results[i];
        float y[EXAMPLE_NUMBERS], dx[EXAMPLE_NUMBERS];
        activation_example(r->act, activation_example_x, activation_example_dy, EXAMPLE_NUMBERS, y, dx);
        for (int k = 0; k < EXAMPLE_NUMBERS; k++)
            y[k] += 0.0f; /* no -0 */
        TRY_CLEAN(listing_add(&l, "%s", act_name(r->act)));
        TRY_CLEAN(listing_add(&l, "%.4g, %.4g, %.4g", (double)y[0], (double)y[1], (double)y[2]));
        TRY_CLEAN(listing_add(&l, "%.4g, %.4g, %.4g", (double)dx[0], (double)dx[1], (double)dx[2]));
        TRY_CLEAN(listing_add(&l, "%.0f, %.0f, %.0f %%%s", back(r, 1), back(r, 8), back(r, ACTIVATION_DEPTH),
                              r->invertible ? " *" : ""));
    }
    TRY_CLEAN(print_listing(&l));
    print(stdout, "back: part of the input's variance that is computed back from behind 1, 8 and 32 layers, in "
                  "float32; *: the activation has an exact inverse");
cleanup:
    listing_free(&l);
    return rc;
}

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct activation_result results[ACT_COUNT];
    enum act acts[ACT_COUNT];
    struct team *team = NULL;
    struct progress bar;
    char *folder = NULL;
    int n;
    const int threads = option_int(o, "threads");
    const uint64_t seed = (uint64_t)option_int(o, "seed");
    TRY(choose(o, acts, &n));
    TRY_CLEAN(team_create(threads ? threads : cpu_count(), &team));
    progress_start(&bar, "activations", n);
    for (int i = 0; i < n; i++) {
        TRY_CLEAN(activations_run(acts[i], seed, team, &results[i]));
        progress_step(&bar, i + 1);
    }
    progress_end(&bar);
    TRY_CLEAN(figure_out_make(o, &folder));
    TRY_CLEAN(activations_figure_write(results, n, seed, folder));
    TRY_CLEAN(print_results(results, n));
cleanup:
    team_destroy(team);
    return figure_out_close(rc, folder,
                            "activations.svg, activations.png, activations.csv, activations.json, example.csv, "
                            "example.json");
}

const struct verb_spec figure_activations = {
    .name = "figure activations",
    .summary = "what activations do to gradients and to the input",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 figure activations\n"
               "yolo9 figure activations --activation ReLU leaky0.1 SiLU",
    .run = run,
};
