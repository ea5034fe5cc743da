/* Optimizers on the parameter block (SPEC 10, 10.2): SGD with Nesterov momentum, Adam, AdamW (amsgrad), LION.
 *
 * The block's layout is the graph's: value, gradient and states share its offsets. Parameters fall into three
 * groups with learning rates of their own; statistics, DFL vectors and frozen rows are not trained. Sums and
 * updates are cut into parts by the layout alone: results do not depend on the number of threads. */
#ifndef Y9_TRAIN_OPTIMIZER_H
#define Y9_TRAIN_OPTIMIZER_H

#include "core/parallel.h"
#include "graph/graph.h"

enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_LION };

enum { GROUP_BIAS, GROUP_WEIGHT, GROUP_GAMMA, GROUPS }; /* biases (BN beta too); weights, with decay; BN gamma */
enum { OPTIMIZER_STATES = 3 };

struct optimizer_config {
    enum optimizer_kind kind;
    double beta;         /* Adam's beta 1 and LION's: hyper-parameter `momentum`, 0.937 */
    double weight_decay; /* already scaled by batch and accumulation; group weight only */
};

struct optimizer;

/* "SGD", "Adam", "AdamW", "LION" in any case; E_ARGUMENT names the choices. */
enum status optimizer_kind_from_name(const char *name, enum optimizer_kind *kind);
const char *optimizer_kind_name(enum optimizer_kind kind);

/* Learning-rate group of a parameter; -1: not trained. */
int optimizer_group(enum param_role role);

/* `frozen` (graph->n_rows flags; may be NULL) is read here only; the graph is not kept. `team` is borrowed. */
enum status optimizer_create(const struct optimizer_config *config, const struct graph *graph, const bool *frozen,
                             struct team *team, struct optimizer **out);
void optimizer_destroy(struct optimizer *o);

/* L2 norm of the gradient of everything that is trained. */
double optimizer_norm(struct optimizer *o, const float *grad);
/* Factor that brings a gradient of this norm down to `limit` (10): min(1, limit / (norm + 1e-6)). */
double optimizer_clip(double norm, double limit);

/* One step with the gradient `scale * grad`; the whole gradient block is zero afterwards. `momentum` is SGD's. */
void optimizer_step(struct optimizer *o, float *value, float *grad, double scale, const double lr[GROUPS],
                    double momentum);

/* For checkpoints: state i is a block of the parameters' layout under the official name ("momentum_buffer",
 * "exp_avg" ...); NULL past the last one. Steps done so far are part of the state. */
float *optimizer_state(struct optimizer *o, int i, const char **name);
long optimizer_steps(const struct optimizer *o);
void optimizer_set_steps(struct optimizer *o, long steps);

#endif
