/* Tensors that were letterboxed elsewhere: boxes of them, or the decoded output. */
#include "api/api.h"
#include "core/clock.h"
#include "core/mem.h"

/* Most floats of a run, so that sizes never overflow: larger ones go through in more calls. */
enum { COUNT_MOST = 1 << 16 };

static enum status take_tensor(const struct yolo9_detector *d, const struct yolo9_tensor *tensor,
                               struct yolo9_tensor *t)
{
    TRY(api_take(t, sizeof *t, tensor, "tensor"));
    TRY(api_check_reserved(t->reserved, COUNT(t->reserved), "tensor"));
    if (t->type < YOLO9_UINT8 || t->type > YOLO9_FLOAT32_255)
        return fail(E_ARGUMENT, "tensor: type %d is none of enum yolo9_type", t->type);
    if (t->layout != YOLO9_NCHW && t->layout != YOLO9_NHWC)
        return fail(E_ARGUMENT, "tensor: layout %d is none of enum yolo9_layout", t->layout);
    if (t->order != YOLO9_RGB && t->order != YOLO9_BGR)
        return fail(E_ARGUMENT, "tensor: order %d is neither YOLO9_RGB nor YOLO9_BGR", t->order);
    if (t->count < 1 || t->count > COUNT_MOST)
        return fail(E_ARGUMENT, "tensor: count %d must lie in 1 .. %d", t->count, COUNT_MOST);
    if (!t->data)
        return fail(E_ARGUMENT, "tensor: its data is NULL");
    return api_check_input(d, t->height, t->width);
}

/* Picture `at` of the tensor as the network's input. */
static void fill(const struct yolo9_tensor *t, int at, float *dst, size_t pixel_stride)
{
    const size_t pixels = (size_t)t->height * (size_t)t->width, first = (size_t)at * pixels * 3;
    const size_t step = t->layout == YOLO9_NCHW ? 1 : 3, plane = t->layout == YOLO9_NCHW ? pixels : 1;
    for (int c = 0; c < 3; c++) {
        const size_t from = first + (size_t)(t->order == YOLO9_BGR ? 2 - c : c) * plane;
        if (t->type == YOLO9_UINT8) {
            const uint8_t *src = (const uint8_t *)t->data + from;
            for (size_t i = 0; i < pixels; i++)
                dst[i * pixel_stride + (size_t)c] = (float)src[i * step] / 255.0f;
        } else {
            const float *src = (const float *)t->data + from;
            const float scale = t->type == YOLO9_FLOAT32 ? 1 : 255;
            for (size_t i = 0; i < pixels; i++)
                dst[i * pixel_stride + (size_t)c] = src[i * step] / scale;
        }
    }
}

/* Called for n pictures that went through the network, the first of which is picture `first` of the tensor. */
typedef enum status take_fn(struct yolo9_detector *d, const struct yolo9_tensor *t, int first, int n, double seconds,
                            void *context);

static enum status run(struct yolo9_detector *d, const struct yolo9_tensor *t, take_fn *take, void *context)
{
    for (int i = 0, n; i < t->count; i += n) {
        struct tensor input;
        const double started = clock_seconds();
        n = t->count - i < d->batch ? 1 : d->batch;
        TRY(detector_begin(d->detector, n, t->height, t->width, &input));
        for (int k = 0; k < n; k++)
            fill(t, i + k, tensor_image(&input, k), input.pixel_stride);
        detector_forward(d->detector);
        TRY(take(d, t, i, n, (clock_seconds() - started) / n, context));
    }
    return OK;
}

/* --- boxes --- */

static enum status take_boxes(struct yolo9_detector *d, const struct yolo9_tensor *t, int first, int n, double seconds,
                              void *context)
{
    (void)context;
    (void)first;
    const struct letterbox whole = {.src_h = t->height, .src_w = t->width, .h = t->height, .w = t->width};
    for (int k = 0; k < n; k++) {
        const double started = clock_seconds();
        struct yolo9_result r = {.height = t->height,
                                 .width = t->width,
                                 .input_height = t->height,
                                 .input_width = t->width,
                                 .network_seconds = seconds};
        TRY(api_results_add(d, k, &whole, &r));
        d->results[d->n_results - 1].boxes_seconds = clock_seconds() - started;
    }
    return OK;
}

static enum status detect_all(struct yolo9_detector *d, const struct yolo9_tensor *tensor)
{
    struct yolo9_tensor t;
    TRY(take_tensor(d, tensor, &t));
    TRY(api_results_begin(d, t.count));
    return run(d, &t, take_boxes, NULL);
}

int yolo9_detect_tensor(struct yolo9_detector *d, const struct yolo9_tensor *tensor)
{
    if (!d)
        return api_end(fail(E_ARGUMENT, "the detector is NULL"), NULL);
    const enum status rc = detect_all(d, tensor);
    api_results_end(d, rc == OK);
    return api_end(rc, &d->error);
}

/* --- decoded output --- */

struct decoding {
    float *output;
    float *rows; /* of one picture, [points][head_row_width] */
};

static enum status take_decoded(struct yolo9_detector *d, const struct yolo9_tensor *t, int first, int n,
                                double seconds, void *context)
{
    const struct decoding *to = context;
    const struct head_output out = detector_output(d->detector);
    const int rows = head_rows(&out), width = head_row_width(out.head), nc = out.head->nc;
    (void)t;
    (void)seconds;
    for (int k = 0; k < n; k++) {
        float *dst = to->output + (size_t)(first + k) * (size_t)(4 + nc) * (size_t)rows;
        decode_image(&out, k, to->rows);
        for (int i = 0; i < rows; i++) {
            const float *row = to->rows + (size_t)i * (size_t)width;
            for (int c = 0; c < 4; c++)
                dst[(size_t)c * (size_t)rows + (size_t)i] = row[c];
            for (int c = 0; c < nc; c++)
                dst[(size_t)(4 + c) * (size_t)rows + (size_t)i] = head_row_score(out.head, row, c);
        }
    }
    return OK;
}

static enum status count_points(const struct yolo9_detector *d, int h, int w, int *points)
{
    const struct graph *g = &d->weights->weights.deployed;
    const struct branch *b = &g->branch[g->n_branches - 1];
    const struct extent input = {h, w};
    TRY(api_check_input(d, h, w));
    struct extent *e = mem_alloc((size_t)g->n_values, sizeof *e);
    if (!e)
        return E_NOMEM;
    const enum status rc = graph_infer(g, &input, e);
    *points = 0;
    for (int l = 0; l < b->n_levels && rc == OK; l++)
        *points += e[b->level[l]].h * e[b->level[l]].w * head_cell_boxes(&g->head);
    mem_free(e);
    return rc;
}

static enum status decode(struct yolo9_detector *d, const struct yolo9_tensor *tensor, float *output, size_t floats)
{
    struct yolo9_tensor t;
    const struct head *head = &d->weights->weights.deployed.head;
    int points;
    TRY(take_tensor(d, tensor, &t));
    TRY(count_points(d, t.height, t.width, &points));
    const size_t needed = (size_t)t.count * (size_t)(4 + head->nc) * (size_t)points;
    if (!output || floats < needed)
        return fail(E_ARGUMENT, "room for %zu floats: the decoded output has %d x %d x %d", output ? floats : 0,
                    t.count, 4 + head->nc, points);
    struct decoding to = {output, mem_alloc((size_t)points * (size_t)head_row_width(head), sizeof *to.rows)};
    const enum status rc = to.rows ? run(d, &t, take_decoded, &to) : E_NOMEM;
    mem_free(to.rows);
    return rc;
}

int yolo9_decode_tensor(struct yolo9_detector *d, const struct yolo9_tensor *tensor, float *output, size_t floats)
{
    if (!d)
        return api_end(fail(E_ARGUMENT, "the detector is NULL"), NULL);
    api_results_end(d, false);
    return api_end(decode(d, tensor, output, floats), &d->error);
}

int yolo9_points(const struct yolo9_detector *d, int height, int width)
{
    int points = 0;
    if (!d)
        return api_end(fail(E_ARGUMENT, "the detector is NULL"), NULL);
    const struct detector_config *c = detector_config(d->detector);
    const bool own = !height && !width;
    const int code = api_end(count_points(d, own ? c->h : height, own ? c->w : width, &points), NULL);
    return code == YOLO9_OK ? points : code;
}
