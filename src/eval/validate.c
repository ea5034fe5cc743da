#include "eval/validate.h"

#include "core/clock.h"
#include "core/mem.h"
#include "core/progress.h"
#include "detect/nms.h"

#include <stddef.h>

struct validation {
    struct net *net;
    const struct dataset *dataset;
    const struct validate_config *config;
    struct evaluation *evaluation;
    struct validate_times *times;
    validated_fn *each;
    void *context;
    struct candidates candidates;
    struct nms_workspace nms;
    struct detection *detections; /* max_det */
    struct eval_label *labels;    /* of the picture with most */
};

static enum status forward(struct validation *p, const struct batch *b)
{
    enum status rc = net_plan(p->net, b->n, b->h, b->w);
    if (rc != OK)
        return rc;
    double started = clock_seconds();
    struct tensor x = net_input(p->net);
    for (int i = 0; i < b->n; i++) {
        struct image picture = batch_image(b, i);
        image_to_float(&picture, tensor_image(&x, i), x.pixel_stride);
    }
    net_forward(p->net);
    p->times->net += clock_seconds() - started;
    return OK;
}

static enum status suppress(struct validation *p, const struct head_output *head, int i, int *count)
{
    const struct validate_config *c = p->config;
    const struct candidate_rule rule = {.threshold = c->conf, .multi_label = true};
    const struct nms_config nms = {.iou_threshold = c->iou,
                                   .max_detections = c->max_det,
                                   .agnostic = c->single_cls,
                                   .class_offset = head_class_offset(head->head)};
    TRY(candidates_from_head(&p->candidates, head, i, &rule));
    TRY(nms_apply(&p->nms, &p->candidates, &nms, p->detections, count));
    for (int k = 0; c->single_cls && k < *count; k++)
        p->detections[k].class = 0;
    for (int k = 0; c->classes && !c->single_cls && k < *count; k++)
        p->detections[k].class = c->classes[p->detections[k].class];
    return OK;
}

static enum status judge(struct validation *p, const struct batch *b, int i, const struct head_output *head)
{
    const struct batch_picture *picture = &b->pictures[i];
    const struct dataset_image *image = &p->dataset->images[picture->index];
    double started = clock_seconds();
    int count = 0;
    TRY(suppress(p, head, i, &count));
    boxes_to_photo(&picture->map, picture->photo_h, picture->photo_w, p->detections[0].xyxy, (size_t)count,
                   sizeof *p->detections / sizeof(float));
    p->times->nms += clock_seconds() - started;
    int n_labels = evaluation_labels(p->dataset, image, p->labels);
    TRY(evaluation_add(p->evaluation, image->id, p->detections, count, p->labels, n_labels));
    if (p->each) {
        const struct validated v = {b, i, image, p->detections, count};
        TRY(p->each(p->context, &v));
    }
    return OK;
}

static enum status make_room(struct validation *p)
{
    int most = 1;
    for (int i = 0; i < p->dataset->n_images; i++)
        most = MAX(most, p->dataset->images[i].n_objects + p->dataset->images[i].n_crowds);
    p->labels = mem_alloc((size_t)most, sizeof *p->labels);
    p->detections = mem_calloc((size_t)p->config->max_det, sizeof *p->detections);
    return p->labels && p->detections ? OK : E_NOMEM;
}

enum status validate(struct net *net, struct loader *loader, const struct dataset *dataset,
                     const struct validate_config *config, struct evaluation *e, struct validate_times *times,
                     validated_fn *each, void *context)
{
    enum status rc = OK;
    struct validation p = {.net = net,
                           .dataset = dataset,
                           .config = config,
                           .evaluation = e,
                           .times = times,
                           .each = each,
                           .context = context};
    const struct epoch_config epoch = {0};
    struct progress bar;
    long done = 0;
    TRY_CLEAN(make_room(&p));
    TRY_CLEAN(loader_start(loader, &epoch));
    progress_start(&bar, "val", loader_pictures(loader));
    for (;;) {
        const struct batch *b;
        if (config->stop && *config->stop)
            break;
        TRY_CLEAN(loader_next(loader, &b));
        if (!b)
            break;
        times->read += b->read;
        times->letterbox += b->letterbox;
        TRY_CLEAN(forward(&p, b));
        struct head_output head = net_output(net, config->branch);
        for (int i = 0; i < b->n; i++)
            TRY_CLEAN(judge(&p, b, i, &head));
        done += b->n;
        if (config->progress)
            progress_step(&bar, done);
    }
    if (config->progress)
        progress_end(&bar);
cleanup:
    candidates_free(&p.candidates);
    nms_free(&p.nms);
    mem_free(p.detections);
    mem_free(p.labels);
    return rc;
}
