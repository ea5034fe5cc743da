/* A graph with parameters and a net to run it, for tests: what a test would otherwise write again and again. */
#ifndef Y9_TESTS_BENCH_H
#define Y9_TESTS_BENCH_H

#include "graph/net.h"
#include "support/golden.h"

#include <stdbool.h>
#include <stdint.h>

struct bench {
    struct graph graph; /* owned: filled by the test (model_build, bare_module_build, graph_deploy) */
    float *params, *d_params;
    struct net *net;
    int *inputs; /* values that are inputs, in order of graph_input */
    int n_inputs;
};

/* After `graph` is filled: zeroed parameter and gradient blocks, list of inputs. */
enum status bench_init(struct bench *b);
void bench_free(struct bench *b); /* also after a failed init; graph too */

/* (Re)make the net. Outputs (a bare module's, or NULL: the head's) start the backward pass; inputs get gradients. */
enum status bench_net(struct bench *b, enum run_mode mode, const int *outputs, int n_outputs);

/* Parameters of the golden generator, prefix in front of each name. */
void bench_generate(struct bench *b, uint64_t seed, double bias_offset);
void bench_zero_gradients(struct bench *b);

/* Deploy: `to` becomes the inference form of `from`, parameters evaluated. */
enum status bench_deploy(const struct bench *from, struct bench *to, deploy_rename_fn *rename, void *context);
enum status bench_evaluate(const struct bench *from, struct bench *to); /* to->graph is deployed from from->graph */

/* One image's or batch's values as NCHW in fresh memory (mem_free). */
float *bench_value(const struct bench *b, int value, size_t *count);
float *bench_gradient(const struct bench *b, int value, size_t *count); /* NULL: not computed */

/* Compare a map (NCHW), or the decoded main values of a branch (n, 4 + nc, anchor points), with a stored tensor. */
void bench_compare(struct golden *g, const struct bench *b, int value, const char *name);
int bench_branch(const struct graph *g, int official); /* anchor heads: the official code has the lead branch first */
/* [n, values, rows], or of an anchor head [n, rows, values] as the official code gives it. */
void bench_compare_decoded(struct golden *g, const struct bench *b, int branch, const char *name);

#endif
