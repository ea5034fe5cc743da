/* Exported files in other people's programs: a folder, the runs that a runtime is to make, its results, and our own
 * output of the same network and input beside them. */
#ifndef Y9_TESTS_RUNTIMES_H
#define Y9_TESTS_RUNTIMES_H

#include "core/buf.h"
#include "export/onnx.h"
#include "model/table.h"
#include "support/bench.h"

#include <jansson.h>
#include <stdbool.h>

enum runtime { ONNXRUNTIME, OPENCV };

struct runtimes {
    char folder[64];
    char npm[4096];
    const char *python;
    json_t *jobs;
};

const char *runtime_name(enum runtime runtime);
/* false: the runtime is not here, which was said. */
bool runtimes_begin(struct runtimes *w, enum runtime runtime);
void runtimes_end(struct runtimes *w);
char *runtimes_file(const struct runtimes *w, const char *name);
json_t *runtimes_model(struct runtimes *w, const char *model);
/* `x` is (n, 3, h, w). An output goes to the file "<name>.<output>"; `outputs` ends with NULL. */
void runtimes_add(struct runtimes *w, json_t *runs, const char *name, const float *x, const int dims[4],
                  const char *const *outputs);
void runtimes_run(const struct runtimes *w, enum runtime runtime);
struct buf runtimes_result(const struct runtimes *w, const char *name, const char *output);
/* How far a runtime's output is from ours. */
struct errors {
    double score, box, sure_box; /* sure: where the score is above 0.25 */
    double best;                 /* largest score: a comparison of nothing would show here */
    int sure;
};
/* `ours` is (anchors, 4 + nc), `theirs` (4 + nc, anchors). */
void errors_decoded(const float *ours, const float *theirs, int anchors, int nc, struct errors *e);
void errors_check(const char *what, const struct errors *e, double score, double box, double sure_box);

/* What no built-in network has: fused maps of ratios 22/32, 32/8 ... up and down, BN that no convolution takes in,
 * every activation that is no SiLU, GELU and ReLU as rows of their own, three classes. */
extern const char unusual_table[];

struct net_under_test {
    struct table table;
    struct bench bench; /* deployed */
    const char **names;
};
/* A table's network with generated parameters (support/golden.h), so that maps and scores are of a lively size. `text`:
 * the table itself, `source` is its name then; NULL: source names it. */
void net_open(struct net_under_test *n, const char *source, const char *text);
void net_close(struct net_under_test *n);
struct onnx_options net_export_options(const struct net_under_test *n, int h, int w);
void net_export(const struct runtimes *w, const struct net_under_test *n, const struct onnx_options *o,
                const char *name);
/* A generated batch. For mem_free. */
float *net_draw_input(const int dims[4]);
/* That batch through our own net, compared with what a runtime gave as (n, 4 + nc, anchors). */
void net_compare(struct net_under_test *n, const int dims[4], const float *x, const struct buf *theirs,
                 struct errors *e);

#endif
