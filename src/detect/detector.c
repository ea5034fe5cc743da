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

static enum status allow_classes(struct detector *d)
{
    if (!d->config.n_classes)
        return OK;
    d->class_allowed = mem_calloc((size_t)d->graph->head.nc, sizeof *d->class_allowed);
    if (!d->class_allowed)
        return E_NOMEM;
    for (int i = 0; i < d->config.n_classes; i++) {
        int class = d->config.classes[i];
        if (class < 0 || class >= d->graph->head.nc)
            return fail(E_ARGUMENT, "class %d: the model has classes 0 to %d", class, d->graph->head.nc - 1);
        d->class_allowed[class] = true;
    }
    return OK;
}

enum status detector_create(const struct graph *graph, float *params, const struct detector_config *config,
                            struct detector **out)
{
    enum status rc = OK;
    struct net_config net = {.backend = &cpu_backend,
                             .team = config->team,
                             .mode = RUN_INFER,
                             .exact = config->exact,
                             .precision = config->precision};
    struct detector *d = mem_calloc(1, sizeof *d);
    *out = NULL;
    if (!d)
        return E_NOMEM;
    d->config = *config;
    d->graph = graph;
    d->detections = mem_calloc((size_t)config->max_det, sizeof *d->detections);
    if (!d->detections) {
        rc = E_NOMEM;
        goto cleanup;
    }
    TRY_CLEAN(allow_classes(d));
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

enum status detector_settle(struct detector *d, bool *params_unused)
{
    *params_unused = false;
    if (d->config.rect)
        return OK;
    enum status rc = net_plan(d->net, 1, d->config.h, d->config.w);
    *params_unused = rc == OK && net_drop_params(d->net);
    return rc;
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

enum status detector_prepare(const struct detector *d, const struct image *photo, struct detector_input *in)
{
    const struct letterbox_options options = {
        .h = d->config.h, .w = d->config.w, .stride = graph_largest_stride(d->graph), .rect = d->config.rect};
    in->box = letterbox_plan(photo->h, photo->w, &options);
    return image_letterbox(photo, &in->box, &in->pixels);
}

enum status detector_run(struct detector *d, const struct detector_input *in, const struct detection **detections,
                         int *count, struct detector_times *times)
{
    const struct candidate_rule rule = {d->config.conf, d->config.multi_label, d->class_allowed};
    const struct nms_config nms = {d->config.iou, d->config.max_det, d->config.agnostic,
                                   head_class_offset(&d->graph->head), d->config.trace};
    double started = clock_seconds();
    *count = 0;
    *detections = d->detections;
    TRY(net_plan(d->net, 1, in->pixels.h, in->pixels.w));
    struct tensor input = net_input(d->net);
    image_to_float(&in->pixels, input.data, input.pixel_stride);
    net_forward(d->net);
    double forwarded = clock_seconds();

    struct head_output head = net_output(d->net, 0);
    TRY(candidates_from_head(&d->candidates, &head, 0, &rule));
    TRY(nms_apply(&d->nms, &d->candidates, &nms, d->detections, count));
    const struct box_map map = detector_map(d, &in->box);
    boxes_to_photo(&map, in->box.src_h, in->box.src_w, d->detections[0].xyxy, (size_t)*count,
                   sizeof *d->detections / sizeof(float));
    times->net = forwarded - started;
    times->nms = clock_seconds() - forwarded;
    return OK;
}
