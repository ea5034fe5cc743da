#include "quant/quantize.h"

#include "core/prefetch.h"
#include "core/progress.h"
#include "detect/decode.h"
#include "graph/op_rules.h"
#include "image/decode.h"
#include "image/letterbox.h"
#include "model/model.h"
#include "ops/cpu.h"
#include "quant/head_error.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { AHEAD = 4 };

#define NEGLIGIBLE 0.05 /* a convolution's error as a share of the whole: its square is a four-hundredth */

/* A photo on which errors are measured. */
struct trial {
    struct image pixels;
    float *reference; /* the float network's decoded result */
};

struct calibration {
    const struct quantize_config *config;
    const struct dataset *dataset;
    struct weights *weights;
    struct quantize_result *result;
    struct net *net;              /* float32 */
    struct net *eight;            /* 8 bits where conv_quant is on */
    struct histogram *histograms; /* a value; bins NULL: no convolution reads it */
    bool *first;                  /* node -> it is the first convolution that reads its input: the one that counts it */
    const char *infinite;         /* the convolution whose input was not finite; NULL: none */
    struct trial *trials;
    float *decoded;
};

/* --- layers --- */

static bool asked_to_stay(const struct quantize_config *c, const char *name)
{
    for (int i = 0; i < c->n_keep; i++) {
        if (!strncmp(name, c->keep[i], strlen(c->keep[i])))
            return true;
    }
    return false;
}

static void add_layer(struct calibration *j, int node, struct extent dst)
{
    struct quantize_result *r = j->result;
    const struct node *n = &j->weights->deployed.nodes[node];
    struct quantize_layer *l = &r->layers[r->n_layers++];
    *l = (struct quantize_layer){.name = n->name, .node = node};
    l->flops = graph_node_flops(&j->weights->deployed, n, dst);
    l->asked = asked_to_stay(j->config, n->name);
    r->flops += l->flops;
}

/* Slices of a map share its range, so that it can stay in 8 bits between convolutions. */
static struct histogram *histogram_of(const struct calibration *j, int value)
{
    const struct value *values = j->weights->deployed.values;
    while (values[value].parent >= 0)
        value = values[value].parent;
    return &j->histograms[value];
}

static enum status make_histograms(struct calibration *j)
{
    enum status rc = OK;
    const struct graph *g = &j->weights->deployed;
    j->histograms = mem_calloc((size_t)g->n_values, sizeof *j->histograms);
    j->first = mem_calloc((size_t)g->n_nodes, sizeof *j->first);
    bool *counted = mem_calloc((size_t)g->n_values, sizeof *counted);
    if (!j->histograms || !j->first || !counted) {
        rc = E_NOMEM;
        goto cleanup;
    }
    for (int i = 0; i < g->n_nodes; i++) {
        int value = g->nodes[i].src[0];
        if (!node_quant(&g->nodes[i]))
            continue;
        j->first[i] = !counted[value];
        counted[value] = true;
        if (!histogram_of(j, value)->bins)
            TRY_CLEAN(histogram_init(histogram_of(j, value)));
    }
cleanup:
    mem_free(counted);
    return rc;
}

/* Every keep word names something; what it names is found by the beginnings of names. */
static enum status check_keep(const struct calibration *j)
{
    const struct quantize_config *c = j->config;
    for (int i = 0; i < c->n_keep; i++) {
        bool found = false;
        for (int k = 0; k < j->result->n_layers; k++)
            found |= !strncmp(j->result->layers[k].name, c->keep[i], strlen(c->keep[i]));
        if (!found)
            return fail(E_USAGE, "--keep %s: no convolution's name begins like that", c->keep[i]);
    }
    return OK;
}

static enum status find_layers(struct calibration *j)
{
    enum status rc = OK;
    const struct graph *g = &j->weights->deployed;
    struct extent *extents = mem_calloc((size_t)g->n_values, sizeof *extents);
    j->result->layers = mem_calloc((size_t)g->n_nodes, sizeof *j->result->layers);
    if (!extents || !j->result->layers) {
        rc = E_NOMEM;
        goto cleanup;
    }
    TRY_CLEAN(graph_infer(g, &(struct extent){j->config->h, j->config->w}, extents));
    for (int i = 0; i < g->n_nodes; i++) {
        if (node_quant(&g->nodes[i]))
            add_layer(j, i, extents[g->nodes[i].dst]);
    }
    TRY_CLEAN(check_keep(j));
    rc = make_histograms(j);
cleanup:
    mem_free(extents);
    return rc;
}

/* --- ranges --- */

/* Before a convolution runs: its input's values are counted, once for all that read it. */
static void count_input(void *context, const struct call *c)
{
    struct calibration *j = context;
    const struct tensor *t = &c->src[0];
    assert(c->graph == &j->weights->deployed);
    if (!node_quant(c->node) || !j->first[c->node - c->graph->nodes])
        return;
    struct histogram *h = histogram_of(j, c->node->src[0]);
    for (int k = 0; k < t->h * t->w; k++) {
        if (!histogram_add(h, t->data + (size_t)k * t->pixel_stride, (size_t)t->c) && !j->infinite)
            j->infinite = c->node->name;
    }
}

/* Pixels of one photo, made by a worker. */
struct calibration_photo {
    struct image read, pixels;
};

static enum status make_photo(void *context, long item, void *slot)
{
    const struct calibration *j = context;
    struct calibration_photo *p = slot;
    const struct letterbox_options options = {.h = j->config->h, .w = j->config->w, .stride = 32};
    long index = item * j->dataset->n_images / j->result->pictures;
    TRY(image_read(j->dataset->images[index].path, &p->read));
    struct letterbox box = letterbox_plan(p->read.h, p->read.w, &options);
    return image_letterbox(&p->read, &box, &p->pixels);
}

static void free_photo(void *slot)
{
    struct calibration_photo *p = slot;
    image_free(&p->read);
    image_free(&p->pixels);
}

/* Is picture i one of the trials (spread evenly), and which? -1: no. */
static int trial_of(const struct quantize_result *r, long i)
{
    int t = (int)((i * r->trials + r->pictures - 1) / r->pictures);
    return t < r->trials && (long)t * r->pictures / r->trials == i ? t : -1;
}

static void set_input(struct net *net, const struct image *pixels)
{
    struct tensor x = net_input(net);
    image_to_float(pixels, x.data, x.pixel_stride);
}

static enum status keep_trial(struct calibration *j, int which, const struct image *pixels)
{
    struct trial *t = &j->trials[which];
    const struct head_output head = net_output(j->net, 0);
    size_t floats = head_error_floats(&head);
    t->reference = mem_alloc(floats, sizeof(float));
    if (!j->decoded)
        j->decoded = mem_alloc(floats, sizeof(float));
    if (!t->reference || !j->decoded)
        return E_NOMEM;
    TRY(image_copy(pixels, &t->pixels));
    decode_image(&head, 0, t->reference);
    return OK;
}

static enum status run_float(struct calibration *j, struct prefetch *ahead)
{
    struct progress bar;
    if (j->config->progress)
        progress_start(&bar, "ranges", j->result->pictures);
    for (;;) {
        long i;
        void *slot;
        enum status made = prefetch_next(ahead, &i, &slot);
        if (!slot)
            break;
        TRY(made);
        const struct calibration_photo *p = slot;
        set_input(j->net, &p->pixels);
        net_forward(j->net);
        if (j->infinite)
            return fail(E_NUMERIC, "the input of %s is not finite on %s", j->infinite,
                        j->dataset->images[i * j->dataset->n_images / j->result->pictures].path);
        if (trial_of(j->result, i) >= 0)
            TRY(keep_trial(j, trial_of(j->result, i), &p->pixels));
        if (j->config->progress)
            progress_step(&bar, i + 1);
    }
    if (j->config->progress)
        progress_end(&bar);
    return OK;
}

static enum status find_ranges(struct calibration *j)
{
    enum status rc = OK;
    struct prefetch *ahead = NULL;
    struct net_config net = {.backend = &cpu_backend, .team = j->config->team, .mode = RUN_INFER, .as_given = true};
    const struct prefetch_config config = {.items = j->result->pictures,
                                           .workers = j->config->workers,
                                           .depth = AHEAD,
                                           .slot_bytes = sizeof(struct calibration_photo),
                                           .make = make_photo,
                                           .free_slot = free_photo,
                                           .context = j};
    TRY_CLEAN(net_create(&j->weights->deployed, j->weights->deployed_params, NULL, &net, &j->net));
    TRY_CLEAN(net_plan(j->net, 1, j->config->h, j->config->w));
    net_set_observer(j->net, count_input, j);
    TRY_CLEAN(prefetch_create(&config, &ahead));
    TRY_CLEAN(run_float(j, ahead));
    for (int i = 0; i < j->result->n_layers; i++) {
        struct quantize_layer *l = &j->result->layers[i];
        int value = j->weights->deployed.nodes[l->node].src[0];
        const struct histogram *h = histogram_of(j, value);
        l->min = h->min;
        l->max = h->max;
        /* pixels are multiples of 1/255 */
        l->quant =
            value == j->weights->deployed.input ? histogram_quant_of_range(0, 1) : histogram_quant(h, &j->config->clip);
    }
cleanup:
    prefetch_destroy(ahead);
    return rc;
}

/* --- errors --- */

static void set_layer(struct calibration *j, const struct quantize_layer *l, bool on)
{
    struct conv_quant *q = &j->weights->deployed.nodes[l->node].u.conv.quant;
    *q = l->quant;
    q->on = on;
}

/* Of the network as conv_quant of its nodes says. */
static enum status measure(struct calibration *j, double *error)
{
    struct head_error sum = {0};
    net_graph_changed(j->eight);
    TRY(net_plan(j->eight, 1, j->config->h, j->config->w));
    for (int i = 0; i < j->result->trials; i++) {
        set_input(j->eight, &j->trials[i].pixels);
        net_forward(j->eight);
        const struct head_output head = net_output(j->eight, 0);
        head_error_add(&sum, &head, j->trials[i].reference, j->decoded);
    }
    *error = head_error_value(&sum);
    return OK;
}

static enum status measure_layers(struct calibration *j)
{
    struct quantize_result *r = j->result;
    struct progress bar;
    if (j->config->progress)
        progress_start(&bar, "layers", r->n_layers);
    for (int k = 0; k < r->n_layers; k++)
        set_layer(j, &r->layers[k], false);
    TRY(measure(j, &r->error_none));
    for (int i = 0; i < r->n_layers; i++) {
        double error;
        set_layer(j, &r->layers[i], true);
        TRY(measure(j, &error));
        set_layer(j, &r->layers[i], false);
        r->layers[i].error = sqrt(fmax(0, error * error - r->error_none * r->error_none));
        if (j->config->progress)
            progress_step(&bar, i + 1);
    }
    if (j->config->progress)
        progress_end(&bar);
    return OK;
}

static void keep_layer(struct calibration *j, struct quantize_layer *l, bool keep)
{
    l->quant.on = !keep;
    set_layer(j, l, !keep);
    j->result->n_kept += keep ? 1 : -1;
    j->result->kept_flops += keep ? l->flops : -l->flops;
}

/* The convolution that brings the most squared error for its work, that was not tried and may stay higher, and whose
 * error matters beside that of the whole; NULL: none. */
static struct quantize_layer *worst_layer(const struct calibration *j, const bool *tried)
{
    struct quantize_result *r = j->result;
    struct quantize_layer *worst = NULL;
    double most = 0;
    for (int i = 0; i < r->n_layers; i++) {
        struct quantize_layer *l = &r->layers[i];
        double value = l->error * l->error / l->flops;
        bool fits = r->kept_flops + l->flops <= j->config->most_kept * r->flops;
        if (tried[i] || !fits || l->error < NEGLIGIBLE * r->error || value <= most)
            continue;
        worst = l;
        most = value;
    }
    return worst;
}

/* Errors of convolutions can make up for each other: one stays higher only if that was seen to help. */
static enum status keep_worst(struct calibration *j, bool *tried)
{
    struct quantize_result *r = j->result;
    for (struct quantize_layer *l; r->error > j->config->budget && (l = worst_layer(j, tried));) {
        double error;
        tried[l - r->layers] = true;
        keep_layer(j, l, true);
        TRY(measure(j, &error));
        if (error < r->error)
            r->error = error;
        else
            keep_layer(j, l, false);
    }
    return OK;
}

static enum status choose_kept(struct calibration *j)
{
    enum status rc = OK;
    struct quantize_result *r = j->result;
    bool *tried = mem_calloc((size_t)r->n_layers, sizeof *tried);
    if (!tried)
        return E_NOMEM;
    for (int i = 0; i < r->n_layers; i++) {
        set_layer(j, &r->layers[i], true);
        tried[i] = r->layers[i].asked;
        if (tried[i])
            keep_layer(j, &r->layers[i], true);
    }
    TRY_CLEAN(measure(j, &r->error_all));
    r->error = r->error_all;
    rc = keep_worst(j, tried);
cleanup:
    mem_free(tried);
    return rc;
}

/* --- all of it --- */

static void free_job(struct calibration *j)
{
    net_destroy(j->net);
    net_destroy(j->eight);
    for (int i = 0; j->histograms && i < j->weights->deployed.n_values; i++)
        histogram_free(&j->histograms[i]);
    for (int i = 0; j->trials && i < j->result->trials; i++) {
        image_free(&j->trials[i].pixels);
        mem_free(j->trials[i].reference);
    }
    mem_free(j->histograms);
    mem_free(j->first);
    mem_free(j->trials);
    mem_free(j->decoded);
}

enum status quantize(struct weights *w, const struct dataset *dataset, const struct quantize_config *config,
                     struct quantize_result *result)
{
    enum status rc = OK;
    struct calibration j = {.config = config, .dataset = dataset, .weights = w, .result = result};
    const struct net_config eight = {
        .backend = &cpu_backend, .team = config->team, .mode = RUN_INFER, .precision = PRECISION_INT8};
    *result = (struct quantize_result){0};
    result->pictures = MIN(config->pictures, dataset->n_images);
    result->trials = MIN(config->trials, result->pictures);
    j.trials = mem_calloc((size_t)result->trials, sizeof *j.trials);
    if (!j.trials) {
        rc = E_NOMEM;
        goto cleanup;
    }
    TRY_CLEAN(find_layers(&j));
    TRY_CLEAN(find_ranges(&j));
    net_destroy(j.net); /* its memory is not needed any more */
    j.net = NULL;
    TRY_CLEAN(net_create(&w->deployed, w->deployed_params, NULL, &eight, &j.eight));
    TRY_CLEAN(measure_layers(&j));
    TRY_CLEAN(choose_kept(&j));
    w->eight_bit = true;
cleanup:
    free_job(&j);
    return rc;
}

void quantize_result_free(struct quantize_result *result)
{
    mem_free(result->layers);
    *result = (struct quantize_result){0};
}
