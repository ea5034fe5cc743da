/* api/: libyolo9: the functions of include/yolo9.h over weights/ and detect/. */
#include "yolo9.h"

#include "core/cpu.h"
#include "core/log.h"
#include "core/mem.h"
#include "detect/detector.h"
#include "image/decode.h"
#include "weights/weights.h"

#include <string.h>

struct yolo9 {
    struct weights weights;
    struct team *team;
    struct detector *detector;
    struct image photo; /* buffers that are used again */
    struct detector_input input;
    const struct detection *detections; /* the detector's */
    int count;
    struct yolo9_detection *results;
};

void yolo9_options_init(struct yolo9_options *options)
{
    *options = (struct yolo9_options){.confidence = 0.25f, .iou = 0.45f, .max_detections = 1000};
}

static enum status check_size(const struct yolo9_options *o, const struct graph *g)
{
    const int stride = graph_largest_stride(g), sides[] = {o->height, o->width};
    for (int i = 0; i < COUNT(sides) && (o->height || o->width); i++)
        if (sides[i] < stride || sides[i] % stride || sides[i] > 8192)
            return fail(E_ARGUMENT, "an input of %dx%d: both must be multiples of %d up to 8192", o->height, o->width,
                        stride);
    return OK;
}

static enum status check(const struct yolo9_options *o)
{
    if (!(o->confidence >= 0 && o->confidence <= 1) || !(o->iou >= 0 && o->iou <= 1))
        return fail(E_ARGUMENT, "confidence %g and iou %g must lie in 0 .. 1", (double)o->confidence, (double)o->iou);
    if (o->max_detections < 1 || o->max_detections > 30000)
        return fail(E_ARGUMENT, "max_detections %d must lie in 1 .. 30000", o->max_detections);
    return OK;
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
        *out = PRECISION_BF16;
        return OK;
    case YOLO9_INT8:
        *out = PRECISION_INT8;
        return w->eight_bit ? OK : fail(E_ARGUMENT, "no 8-bit ranges in these weights; yolo9 quantize makes them");
    }
    return fail(E_ARGUMENT, "precision %d is none of enum yolo9_precision", (int)o->precision);
}

static enum status open_detector(struct yolo9 *y, const char *path, const struct yolo9_options *o)
{
    bool params_unused;
    struct detector_config config = {
        .h = o->height,
        .w = o->width,
        .rect = o->rect,
        .conf = o->confidence,
        .iou = (double)o->iou,
        .max_det = o->max_detections,
        .agnostic = o->class_agnostic,
        .exact = o->exact,
    };
    TRY(check(o));
    TRY(weights_load(path, o->table, &y->weights, NULL));
    TRY(check_size(o, &y->weights.deployed));
    if (!o->height)
        weights_image_size(&y->weights, &config.h, &config.w);
    if (y->weights.params)
        TRY(weights_deploy(&y->weights));
    weights_drop_training(&y->weights);
    TRY(choose_precision(o, &y->weights, &config.precision));
    TRY(team_create(o->threads > 0 ? o->threads : cpu_count(), &y->team));
    config.team = y->team;
    TRY(detector_create(&y->weights.deployed, y->weights.deployed_params, &config, &y->detector));
    TRY(detector_settle(y->detector, &params_unused));
    if (params_unused)
        weights_drop_deployed(&y->weights);
    y->results = mem_calloc((size_t)o->max_detections, sizeof *y->results);
    return y->results ? OK : E_NOMEM;
}

struct yolo9 *yolo9_open(const char *weights, const struct yolo9_options *options)
{
    struct yolo9_options defaults;
    yolo9_options_init(&defaults);
    struct yolo9 *y = mem_calloc(1, sizeof *y);
    log_set_level(LOG_QUIET); /* the promise of yolo9.h: nothing is printed */
    if (y && open_detector(y, weights, options ? options : &defaults) != OK) {
        yolo9_close(y);
        return NULL;
    }
    return y;
}

void yolo9_close(struct yolo9 *y)
{
    if (!y)
        return;
    detector_destroy(y->detector);
    team_destroy(y->team);
    weights_free(&y->weights);
    image_free(&y->photo);
    detector_input_free(&y->input);
    mem_free(y->results);
    mem_free(y);
}

static int run(struct yolo9 *y)
{
    enum status rc = OK;
    struct detector_times times;
    y->count = 0;
    TRY_CLEAN(detector_prepare(y->detector, &y->photo, &y->input));
    TRY_CLEAN(detector_run(y->detector, &y->input, &y->detections, &y->count, &times));
    for (int i = 0; i < y->count; i++) {
        const struct detection *d = &y->detections[i];
        y->results[i] = (struct yolo9_detection){d->xyxy[0], d->xyxy[1], d->xyxy[2], d->xyxy[3], d->score, d->class};
    }
cleanup:
    return rc == OK ? y->count : -1;
}

int yolo9_detect(struct yolo9 *y, const unsigned char *rgb, int height, int width, size_t stride)
{
    y->count = 0;
    if (image_check_size("the picture", height, width, NULL) != OK)
        return -1;
    size_t row = (size_t)width * 3;
    if (stride && stride < row) {
        fail(E_ARGUMENT, "a stride of %zu bytes is shorter than a row of %d pixels", stride, width);
        return -1;
    }
    if (image_init(&y->photo, height, width) != OK)
        return -1;
    for (int i = 0; i < height; i++)
        memcpy(y->photo.data + (size_t)i * row, rgb + (size_t)i * (stride ? stride : row), row);
    return run(y);
}

int yolo9_detect_file(struct yolo9 *y, const char *path)
{
    y->count = 0;
    return image_read(path, &y->photo) == OK ? run(y) : -1;
}

const struct yolo9_detection *yolo9_detection(const struct yolo9 *y, int i)
{
    return i >= 0 && i < y->count ? &y->results[i] : NULL;
}

int yolo9_class_count(const struct yolo9 *y)
{
    return y->weights.nc;
}

const char *yolo9_class_name(const struct yolo9 *y, int i)
{
    return i >= 0 && i < y->weights.nc ? y->weights.names[i] : "";
}

const char *yolo9_error(void)
{
    return fail_text();
}

const char *yolo9_version(void)
{
    return Y9_VERSION;
}
