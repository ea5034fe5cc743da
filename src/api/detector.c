/* Detectors: opened over weights, their settings. */
#include "api/api.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/mem.h"
#include "ops/cpu.h"

/* --- options --- */

static enum status check_score(const char *name, double x)
{
    return x >= 0 && x <= 1 ? OK : fail(E_ARGUMENT, "%s %g must lie in 0 .. 1", name, x);
}

static enum status check_range(const char *name, int x, int low, int high)
{
    return x >= low && x <= high ? OK : fail(E_ARGUMENT, "%s %d must lie in %d .. %d", name, x, low, high);
}

static enum status check_side(const struct yolo9_options *o, int side, int stride)
{
    if (side < stride || side % stride || side > API_SIDE_MOST)
        return fail(E_ARGUMENT, "an input of %dx%d: both must be multiples of %d up to %d", o->height, o->width, stride,
                    API_SIDE_MOST);
    return OK;
}

static enum status check_options(const struct yolo9_options *o, const struct graph *g)
{
    const int stride = graph_largest_stride(g);
    if (o->height || o->width) {
        TRY(check_side(o, o->height, stride));
        TRY(check_side(o, o->width, stride));
    }
    TRY(check_score("confidence", o->confidence));
    TRY(check_score("iou", o->iou));
    TRY(check_range("max_detections", o->max_detections, 1, API_DETECTIONS_MOST));
    TRY(check_range("batch", o->batch, 1, API_BATCH_MOST));
    TRY(check_range("threads", o->threads, 0, API_THREADS_MOST));
    return api_check_reserved(o->reserved, COUNT(o->reserved), "options");
}

static enum status choose_precision(const struct yolo9_options *o, const struct weights *w, enum precision *out)
{
    switch (o->precision) {
    case YOLO9_AUTOMATIC:
        *out = w->eight_bit ? PRECISION_INT8 : PRECISION_FP32;
        return OK;
    case YOLO9_FP32:
        *out = PRECISION_FP32;
        return OK;
    case YOLO9_BF16:
        *out = cpu_backend.runs(PRECISION_BF16, cpu_features());
        if (*out != PRECISION_BF16)
            log_info("fp32 runs in place of bf16, by which this processor does not gain (%s)", cpu_name());
        return OK;
    case YOLO9_INT8:
        *out = PRECISION_INT8;
        return w->eight_bit ? OK : fail(E_ARGUMENT, "no 8-bit ranges in these weights; yolo9 quantize makes them");
    default:
        return fail(E_ARGUMENT, "precision %d is none of enum yolo9_precision", o->precision);
    }
}

/* --- opening --- */

/* E_ARGUMENT where the values are gone and something is not packed. */
static enum status try_to_settle(struct yolo9_detector *d, struct detector_config *config)
{
    struct yolo9_weights *w = d->weights;
    const bool give_up = w->path && w->readers == 0 && !w->gone;
    bool unused;
    config->params_gone = w->gone;
    TRY(detector_create(&w->weights.deployed, w->weights.deployed_params, config, &d->detector));
    TRY(detector_settle(d->detector, d->batch, give_up, &unused));
    d->reads = !unused;
    if (d->reads)
        w->readers++;
    else if (give_up)
        api_weights_give_up(w);
    return OK;
}

static enum status settle(struct yolo9_detector *d, struct detector_config *config)
{
    struct yolo9_weights *w = d->weights;
    TRY(api_weights_pack(w, config->exact, config->precision, &config->packed));
    const enum status rc = try_to_settle(d, config);
    if (rc == OK || !w->gone)
        return rc;
    detector_destroy(d->detector);
    d->detector = NULL;
    TRY(api_weights_values(w));
    return try_to_settle(d, config);
}

static enum status open_detector(struct yolo9_detector *d, const struct yolo9_options *options)
{
    struct yolo9_options o;
    struct yolo9_weights *w = d->weights;
    yolo9_options_init(&o);
    if (options)
        TRY(api_take(&o, sizeof o, options, "options"));
    TRY(check_options(&o, &w->weights.deployed));
    struct detector_config config = {
        .h = o.height,
        .w = o.width,
        .rect = o.rect,
        .whole_border = o.whole_border,
        .conf = (float)o.confidence,
        .iou = o.iou,
        .max_det = o.max_detections,
        .agnostic = o.class_agnostic,
        .multi_label = o.multi_label,
        .exact = o.exact,
    };
    if (!o.height)
        weights_image_size(&w->weights, &config.h, &config.w);
    TRY(choose_precision(&o, &w->weights, &config.precision));
    TRY(team_create(o.threads ? o.threads : cpu_count(), &d->team));
    config.team = d->team;
    d->batch = o.batch;
    pthread_mutex_lock(&w->lock);
    const enum status rc = settle(d, &config);
    pthread_mutex_unlock(&w->lock);
    return rc;
}

struct yolo9_detector *yolo9_detector_open(struct yolo9_weights *weights, const struct yolo9_options *options)
{
    if (!weights) {
        api_end(fail(E_ARGUMENT, "a detector needs weights: they are NULL"), NULL);
        return NULL;
    }
    struct yolo9_detector *d = mem_calloc(1, sizeof *d);
    if (!d) {
        api_end(E_NOMEM, NULL);
        return NULL;
    }
    pthread_mutex_lock(&weights->lock);
    weights->references++;
    pthread_mutex_unlock(&weights->lock);
    d->weights = weights;
    if (api_end(open_detector(d, options), NULL) != YOLO9_OK) {
        yolo9_detector_close(d);
        return NULL;
    }
    return d;
}

void yolo9_detector_close(struct yolo9_detector *d)
{
    if (!d)
        return;
    detector_destroy(d->detector);
    team_destroy(d->team);
    api_weights_release(d->weights, d->reads);
    for (int i = 0; i < d->n_inputs; i++)
        yolo9_input_close(d->inputs[i]);
    mem_free(d->inputs);
    mem_free(d->results);
    mem_free(d->found);
    mem_free(d);
}

/* --- settings --- */

static int no_detector(void)
{
    return api_end(fail(E_ARGUMENT, "the detector is NULL"), NULL);
}

static int set_thresholds(struct yolo9_detector *d, float confidence, double iou, int most)
{
    return api_end(detector_set_thresholds(d->detector, confidence, iou, most), &d->error);
}

int yolo9_set_confidence(struct yolo9_detector *d, double confidence)
{
    if (!d)
        return no_detector();
    const struct detector_config *c = detector_config(d->detector);
    const int code = api_end(check_score("confidence", confidence), &d->error);
    return code ? code : set_thresholds(d, (float)confidence, c->iou, c->max_det);
}

int yolo9_set_iou(struct yolo9_detector *d, double iou)
{
    if (!d)
        return no_detector();
    const struct detector_config *c = detector_config(d->detector);
    const int code = api_end(check_score("iou", iou), &d->error);
    return code ? code : set_thresholds(d, c->conf, iou, c->max_det);
}

int yolo9_set_max_detections(struct yolo9_detector *d, int most)
{
    if (!d)
        return no_detector();
    const struct detector_config *c = detector_config(d->detector);
    const int code = api_end(check_range("max_detections", most, 1, API_DETECTIONS_MOST), &d->error);
    return code ? code : set_thresholds(d, c->conf, c->iou, most);
}

int yolo9_set_class_agnostic(struct yolo9_detector *d, int agnostic)
{
    if (!d)
        return no_detector();
    detector_set_agnostic(d->detector, agnostic != 0);
    return YOLO9_OK;
}

int yolo9_set_classes(struct yolo9_detector *d, const int *classes, int count)
{
    if (!d)
        return no_detector();
    const bool good = count >= 0 && (count == 0 || classes);
    return api_end(good ? detector_set_classes(d->detector, classes, count)
                        : fail(E_ARGUMENT, "%d classes at %s", count, classes ? "an address" : "NULL"),
                   &d->error);
}

const struct yolo9_weights *yolo9_detector_weights(const struct yolo9_detector *d)
{
    return d ? d->weights : NULL;
}

const char *yolo9_detector_error(const struct yolo9_detector *d)
{
    return d ? d->error.text : "the detector is NULL";
}

int yolo9_detector_error_code(const struct yolo9_detector *d)
{
    return d ? d->error.code : YOLO9_E_ARGUMENT;
}
