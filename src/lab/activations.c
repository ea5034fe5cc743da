#include "lab/activations.h"

#include "core/mem.h"
#include "core/rng.h"
#include "graph/net.h"
#include "kernels/c/act_inline.h"
#include "lab/activation_inverse.h"
#include "model/init.h"
#include "model/model.h"
#include "ops/cpu.h"

#include <math.h>
#include <string.h>

enum { SIDE = 128, PICTURES = 2, PLACES = 24, C = ACTIVATION_CHANNELS, STACK_ROW = 2 };

const float activation_example_x[EXAMPLE_NUMBERS] = {-2, -1, 3};
const float activation_example_dy[EXAMPLE_NUMBERS] = {0.5f, 0.5f, 0.5f};

void activation_example(enum act act, const float *x, const float *dy, int n, float *y, float *dx)
{
    for (int i = 0; i < n; i++) {
        y[i] = act_value(x[i], act);
        dx[i] = dy[i] * act_derivative(x[i], act);
    }
}

double activation_step(int i)
{
    static const double steps[ACTIVATION_STEPS] = {1.0 / 16, 1.0 / 256, 1.0 / 4096};
    return steps[i];
}

bool activation_recovers(int depth)
{
    return depth > 0 && (depth & (depth - 1)) == 0;
}

/* --- bits --- */

/* Entropy in bits of act(z), z ~ N(0, 1), told in steps. Values of z on a fine grid carry their share of the density.
 */
static enum status entropy(enum act act, double step, double *bits)
{
    enum { REACH = 6, FINE = 1 << 21 };
    const int cells = (int)(2 * REACH / step) + 2;
    double *share = mem_calloc((size_t)cells, sizeof *share), sum = 0;
    *bits = 0;
    if (!share)
        return E_NOMEM;
    for (int i = 0; i < FINE; i++) {
        const double z = REACH * (2 * (i + 0.5) / FINE - 1), weight = exp(-0.5 * z * z);
        const int cell = (int)floor((double)act_value((float)z, act) / step) + cells / 2;
        share[MIN(MAX(cell, 0), cells - 1)] += weight;
        sum += weight;
    }
    for (int i = 0; i < cells; i++)
        if (share[i] > 0)
            *bits -= share[i] / sum * log2(share[i] / sum);
    mem_free(share);
    return OK;
}

static enum status count_bits(struct activation_result *out)
{
    for (int i = 0; i < ACTIVATION_STEPS; i++) {
        double left;
        TRY(entropy(ACT_NONE, activation_step(i), &out->whole_bits[i]));
        TRY(entropy(out->act, activation_step(i), &left));
        out->lost_bits[i] = out->whole_bits[i] - left;
    }
    return OK;
}

/* --- the stack --- */

struct layer {
    int read, normal, written; /* values: what the convolution reads, what batch normalisation reads, its output */
    const float *weight;       /* (C, C) a rotation */
    double mean[C], deviation[C];
};

struct stack {
    struct table table;
    struct graph graph;
    const struct model_row *rows;
    float *params, *grad;
    struct net *net;
    struct layer layers[ACTIVATION_DEPTH];
};

/* A random rotation: normal numbers, each row made orthogonal to those before it and of length 1. */
static void draw_rotation(float *weight, struct rng *rng)
{
    double row[C][C];
    for (int i = 0; i < C; i++) {
        for (int k = 0; k < C; k++)
            row[i][k] = rng_normal(rng);
        for (int pass = 0; pass < 2; pass++) /* twice is enough (Kahan) */
            for (int j = 0; j < i; j++) {
                double product = 0;
                for (int k = 0; k < C; k++)
                    product += row[i][k] * row[j][k];
                for (int k = 0; k < C; k++)
                    row[i][k] -= product * row[j][k];
            }
        double square = 0;
        for (int k = 0; k < C; k++)
            square += row[i][k] * row[i][k];
        for (int k = 0; k < C; k++) {
            row[i][k] /= sqrt(square);
            weight[i * C + k] = (float)row[i][k];
        }
    }
}

static enum status find_layers(struct stack *s, uint64_t seed)
{
    const struct graph *g = &s->graph;
    int n = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *bn = &g->nodes[i];
        if (bn->row != STACK_ROW || bn->op != OP_BN_ACT)
            continue;
        const struct node *conv = &g->nodes[g->values[bn->src[0]].writer];
        struct rng rng = rng_seed(seed, 77, (uint64_t)n);
        float *weight = s->params + g->params[conv->u.conv.weight].first;
        if (n == ACTIVATION_DEPTH || conv->op != OP_CONV2D || g->params[conv->u.conv.weight].count != C * C)
            return fail(E_SHAPE, "%s: it is not the stack that this figure looks at", s->table.source);
        draw_rotation(weight, &rng);
        s->layers[n++] =
            (struct layer){.read = conv->src[0], .normal = bn->src[0], .written = bn->dst, .weight = weight};
    }
    return n == ACTIVATION_DEPTH ? OK : fail(E_SHAPE, "%s: it has %d layers", s->table.source, n);
}

static enum status open_stack(struct stack *s, enum act act, uint64_t seed, struct team *team)
{
    const struct net_config config = {.backend = &cpu_backend, .team = team, .mode = RUN_TRAIN, .keep_all = true};
    TRY(table_open("activations", &s->table));
    s->table.activation = act;
    s->table.has_activation = true;
    TRY(model_build(&s->table, NULL, &s->graph, &s->rows));
    s->params = mem_alloc(s->graph.param_floats, sizeof *s->params);
    s->grad = mem_calloc(s->graph.param_floats, sizeof *s->grad);
    if (!s->params || !s->grad)
        return E_NOMEM;
    model_init(&s->graph, seed, s->params);
    TRY(find_layers(s, seed));
    TRY(net_create(&s->graph, s->params, s->grad, &config, &s->net));
    return net_plan(s->net, PICTURES, SIDE, SIDE);
}

static void close_stack(struct stack *s)
{
    net_destroy(s->net);
    mem_free(s->params);
    mem_free(s->grad);
    graph_free(&s->graph);
    table_free(&s->table);
}

/* Noise forward, and from the head's maps noise backward. */
static void run_stack(struct stack *s, uint64_t seed)
{
    struct rng rng = rng_seed(seed, 78, 0);
    struct tensor input = net_input(s->net);
    for (int i = 0; i < input.n; i++)
        for (int y = 0; y < input.h; y++)
            for (int x = 0; x < input.w; x++)
                for (int c = 0; c < input.c; c++)
                    tensor_pixel(&input, i, y, x)[c] = (float)rng_normal(&rng);
    net_forward(s->net);
    const struct head_output head = net_output(s->net, 0);
    for (int i = 0; i < head.n; i++)
        for (int a = 0; a < head.anchors; a++)
            for (int c = 0; c < head.channels; c++)
                head.d_logits[(size_t)i * head.image_stride + (size_t)a * head.stride + (size_t)c] =
                    (float)rng_normal(&rng);
    net_backward(s->net);
}

/* Place p of a map: its 48 numbers. */
static const float *place(const struct tensor *t, int p)
{
    return tensor_pixel(t, p / (t->h * t->w), p / t->w % t->h, p % t->w);
}

static int places(const struct tensor *t)
{
    return t->n * t->h * t->w;
}

/* Mean and deviation that the layer's batch normalisation divides by. */
static void find_statistics(const struct stack *s, struct layer *l)
{
    const struct tensor t = net_value(s->net, l->normal);
    const int n = places(&t);
    double sum[C] = {0}, squares[C] = {0};
    for (int p = 0; p < n; p++)
        for (int k = 0; k < C; k++)
            sum[k] += (double)place(&t, p)[k];
    for (int p = 0; p < n; p++)
        for (int k = 0; k < C; k++) {
            const double d = (double)place(&t, p)[k] - sum[k] / n;
            squares[k] += d * d;
        }
    for (int k = 0; k < C; k++) {
        l->mean[k] = sum[k] / n;
        l->deviation[k] = sqrt(squares[k] / n + (double)BN_EPSILON);
    }
}

static double map_norm(const struct tensor *t)
{
    double squares = 0;
    for (int p = 0; p < places(t); p++)
        for (int k = 0; k < C; k++)
            squares += (double)place(t, p)[k] * (double)place(t, p)[k];
    return sqrt(squares);
}

static void measure_units(const struct stack *s, enum act act, const struct layer *l, struct activation_layer *out)
{
    const struct tensor t = net_value(s->net, l->normal), d = net_gradient(s->net, l->written);
    const double n = (double)places(&t) * C;
    for (int p = 0; p < places(&t); p++)
        for (int k = 0; k < C; k++) {
            const double z = ((double)place(&t, p)[k] - l->mean[k]) / l->deviation[k];
            const double slope = (double)act_derivative((float)z, act);
            out->none += slope == 0;
            out->scaled += slope != 0 && slope != 1;
            out->reversed += slope < 0;
            out->kept += slope * slope;
        }
    double *const sums[] = {&out->none, &out->scaled, &out->reversed, &out->kept};
    for (int i = 0; i < COUNT(sums); i++)
        *sums[i] /= n;
    out->gradient = map_norm(&d);
}

/* --- rank --- */

/* Orthogonal directions (rows of `basis`) that the layer leaves of those that there are; gives their number. A
 * direction counts where more than 1e-6 of its length is not in those before it. */
static int carry(const struct layer *l, const double slope[C], double basis[C][C], int n)
{
    int left = 0;
    for (int i = 0; i < n; i++) {
        double out[C], before = 0, after = 0;
        for (int k = 0; k < C; k++) {
            out[k] = 0;
            for (int j = 0; j < C; j++)
                out[k] += (double)l->weight[k * C + j] * basis[i][j];
            out[k] *= slope[k] / l->deviation[k];
            before += out[k] * out[k];
        }
        for (int pass = 0; pass < 2; pass++)
            for (int j = 0; j < left; j++) {
                double product = 0;
                for (int k = 0; k < C; k++)
                    product += out[k] * basis[j][k];
                for (int k = 0; k < C; k++)
                    out[k] -= product * basis[j][k];
            }
        for (int k = 0; k < C; k++)
            after += out[k] * out[k];
        if (!(after > 1e-12 * before))
            continue;
        for (int k = 0; k < C; k++) /* left <= i: the row is not needed any more */
            basis[left][k] = out[k] / sqrt(after);
        left++;
    }
    return left;
}

static void measure_rank(const struct stack *s, enum act act, struct activation_result *out)
{
    for (int p = 0; p < PLACES; p++) {
        double basis[C][C] = {{0}}, slope[C];
        int n = C;
        for (int k = 0; k < C; k++)
            basis[k][k] = 1;
        for (int d = 0; d < ACTIVATION_DEPTH; d++) {
            const struct layer *l = &s->layers[d];
            const struct tensor t = net_value(s->net, l->normal);
            for (int k = 0; k < C; k++) {
                const double z = ((double)place(&t, p * (places(&t) / PLACES))[k] - l->mean[k]) / l->deviation[k];
                slope[k] = (double)act_derivative((float)z, act);
            }
            n = carry(l, slope, basis, n);
            out->layer[d].rank += (double)n / PLACES;
        }
    }
}

/* --- back to the input --- */

struct undo {
    const struct stack *stack;
    const struct activation_inverse *inverse;
    struct tensor from, input;
    int depth;
    double *error; /* a place */
};

/* One place's numbers, from the layer's output to the stack's input. */
static void undo_place(void *context, int p, int thread)
{
    (void)thread;
    struct undo *u = context;
    double now[C], before[C];
    for (int k = 0; k < C; k++)
        now[k] = (double)place(&u->from, p)[k];
    for (int d = u->depth - 1; d >= 0; d--) {
        const struct layer *l = &u->stack->layers[d];
        memset(before, 0, sizeof before);
        for (int k = 0; k < C; k++) {
            const double x = activation_undo(u->inverse, now[k]) * l->deviation[k] + l->mean[k];
            for (int j = 0; j < C; j++) /* a rotation's inverse is its transpose */
                before[j] += (double)l->weight[k * C + j] * x;
        }
        memcpy(now, before, sizeof now);
    }
    u->error[p] = 0;
    for (int k = 0; k < C; k++) {
        const double from = now[k] - (double)place(&u->input, p)[k];
        u->error[p] += from * from;
    }
}

static enum status measure_recovered(const struct stack *s, const struct activation_inverse *inverse, struct team *team,
                                     struct activation_result *out)
{
    const struct tensor input = net_value(s->net, s->layers[0].read);
    const int n = places(&input) / 4; /* so many places are enough: 1 % */
    double *error = mem_alloc((size_t)n, sizeof *error), variance = 0;
    if (!error)
        return E_NOMEM;
    for (int p = 0; p < n; p++)
        for (int k = 0; k < C; k++)
            variance += (double)place(&input, p)[k] * (double)place(&input, p)[k];
    for (int d = 1; d <= ACTIVATION_DEPTH; d++) {
        struct undo u = {s, inverse, net_value(s->net, s->layers[d - 1].written), input, d, error};
        double sum = 0;
        out->layer[d - 1].recovered = NAN;
        if (!activation_recovers(d))
            continue;
        team_run(team, n, undo_place, &u);
        for (int p = 0; p < n; p++)
            sum += error[p];
        out->layer[d - 1].recovered = 1 - sum / variance;
    }
    mem_free(error);
    return OK;
}

enum status activations_run(enum act act, uint64_t seed, struct team *team, struct activation_result *out)
{
    enum status rc = OK;
    struct stack s = {0};
    const struct activation_inverse inverse = activation_inverse_of(act);
    *out = (struct activation_result){.act = act, .invertible = activation_invertible(&inverse)};
    TRY_CLEAN(count_bits(out));
    TRY_CLEAN(open_stack(&s, act, seed, team));
    run_stack(&s, seed);
    for (int d = 0; d < ACTIVATION_DEPTH; d++) {
        find_statistics(&s, &s.layers[d]);
        measure_units(&s, act, &s.layers[d], &out->layer[d]);
    }
    for (int d = 0; d < ACTIVATION_DEPTH; d++) /* the last one's is divided last */
        out->layer[d].gradient /= out->layer[ACTIVATION_DEPTH - 1].gradient;
    measure_rank(&s, act, out);
    TRY_CLEAN(measure_recovered(&s, &inverse, team, out));
cleanup:
    close_stack(&s);
    return rc;
}
