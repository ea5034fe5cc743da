#include "detect/detector.h"

#include "core/clock.h"
#include "core/mem.h"
#include "detect/boxes.h"
#include "ops/cpu.h"

struct detector {
    struct detector_config config;
    const struct graph *graph;
    struct net *net;
    bool *class_allowed; /* NULL: all */
    struct candidates candidates;
    struct nms_workspace nms;
    struct detection *detections; /* max_det */
};

enum status detector_set_classes(struct detector *d, const int *classes, int n)
{
    const int nc = d->graph->head.nc;
    bool *allowed = NULL;
    for (int i = 0; i < n; i++) {
        if (classes[i] < 0 || classes[i] >= nc)
            return fail(E_ARGUMENT, "class %d: the model has classes 0 to %d", classes[i], nc - 1);
    }
    if (n) {
        allowed = mem_calloc((size_t)nc, sizeof *allowed);
        if (!allowed)
            return E_NOMEM;
    }
    for (int i = 0; i < n; i++)
        allowed[classes[i]] = true;
    mem_free(d->class_allowed);
    d->class_allowed = allowed;
    return OK;
}

enum status detector_set_thresholds(struct detector *d, float conf, double iou, int max_det)
{
    struct detection *room = mem_calloc((size_t)max_det, sizeof *room);
    if (!room)
        return E_NOMEM;
    mem_free(d->detections);
    d->detections = room;
    d->config.conf = conf;
    d->config.iou = iou;
    d->config.max_det = max_det;
    return OK;
}

void detector_set_agnostic(struct detector *d, bool agnostic)
{
    d->config.agnostic = agnostic;
}

const struct detector_config *detector_config(const struct detector *d)
{
    return &d->config;
}

enum status detector_create(const struct graph *graph, float *params, const struct detector_config *config,
                            struct detector **out)
{
    enum status rc = OK;
    struct net_config net = {.backend = &cpu_backend,
                             .team = config->team,
                             .mode = RUN_INFER,
                             .exact = config->exact,
                             .precision = config->precision,
                             .packed = config->packed};
    struct detector *d = mem_calloc(1, sizeof *d);
    *out = NULL;
    if (!d)
        return E_NOMEM;
    d->config = *config;
    d->graph = graph;
    TRY_CLEAN(detector_set_thresholds(d, config->conf, config->iou, config->max_det));
    TRY_CLEAN(detector_set_classes(d, config->classes, config->n_classes));
    TRY_CLEAN(net_create(graph, params, NULL, &net, &d->net));
    *out = d;
    d = NULL;
cleanup:
    detector_destroy(d);
    return rc;
}

void detector_destroy(struct detector *d)
{
    if (!d)
        return;
    net_destroy(d->net);
    candidates_free(&d->candidates);
    nms_free(&d->nms);
    mem_free(d->class_allowed);
    mem_free(d->detections);
    mem_free(d);
}

static enum status settle_plan(struct detector *d, int n)
{
    TRY(net_plan(d->net, n, d->config.h, d->config.w));
    return !d->config.params_gone || net_is_packed(d->net) ? OK : fail(E_ARGUMENT, "the weights were given up");
}

enum status detector_settle(struct detector *d, int batch, bool give_up, bool *params_unused)
{
    *params_unused = false;
    if (d->config.rect)
        return !d->config.params_gone ? OK : fail(E_ARGUMENT, "the weights were given up");
    if (batch > 1) {
        TRY(settle_plan(d, batch));
        net_pack(d->net);
    }
    TRY(settle_plan(d, 1));
    if (give_up) {
        *params_unused = net_drop_params(d->net);
    } else {
        net_pack(d->net);
        *params_unused = net_is_packed(d->net);
    }
    return OK;
}

struct net *detector_net(struct detector *d)
{
    return d->net;
}

void detector_input_free(struct detector_input *in)
{
    image_free(&in->pixels);
}

const struct candidates *detector_candidates(const struct detector *d)
{
    return &d->candidates;
}

struct box_map detector_map(const struct detector *d, const struct letterbox *box)
{
    struct box_map map = box_map_fit(box->h, box->w, box->src_h, box->src_w);
    if (d->config.whole_border)
        box_map_round(&map);
    return map;
}

enum status detector_prepare(const struct detector *d, const struct pixels *photo, struct detector_input *in)
{
    const struct letterbox_options options = {
        .h = d->config.h, .w = d->config.w, .stride = graph_largest_stride(d->graph), .rect = d->config.rect};
    in->box = letterbox_plan(photo->h, photo->w, &options);
    return pixels_letterbox(photo, &in->box, &in->pixels);
}

enum status detector_begin(struct detector *d, int n, int h, int w, struct tensor *input)
{
    TRY(net_plan(d->net, n, h, w));
    *input = net_input(d->net);
    return OK;
}

void detector_forward(struct detector *d)
{
    net_forward(d->net);
}

struct head_output detector_output(const struct detector *d)
{
    return net_output(d->net, 0);
}

enum status detector_boxes(struct detector *d, int image, const struct letterbox *box,
                           const struct detection **detections, int *count)
{
    const struct candidate_rule rule = {d->config.conf, d->config.multi_label, d->class_allowed};
    const struct nms_config nms = {d->config.iou, d->config.max_det, d->config.agnostic,
                                   head_class_offset(&d->graph->head), d->config.trace};
    const struct head_output head = detector_output(d);
    *count = 0;
    *detections = d->detections;
    TRY(candidates_from_head(&d->candidates, &head, image, &rule));
    TRY(nms_apply(&d->nms, &d->candidates, &nms, d->detections, count));
    const struct box_map map = detector_map(d, box);
    boxes_to_photo(&map, box->src_h, box->src_w, d->detections[0].xyxy, (size_t)*count,
                   sizeof *d->detections / sizeof(float));
    return OK;
}

enum status detector_run(struct detector *d, const struct detector_input *in, const struct detection **detections,
                         int *count, struct detector_times *times)
{
    struct tensor input;
    double started = clock_seconds();
    *count = 0;
    TRY(detector_begin(d, 1, in->pixels.h, in->pixels.w, &input));
    image_to_float(&in->pixels, input.data, input.pixel_stride);
    detector_forward(d);
    double forwarded = clock_seconds();
    TRY(detector_boxes(d, 0, &in->box, detections, count));
    times->net = forwarded - started;
    times->nms = clock_seconds() - forwarded;
    return OK;
}
