/* Pictures and tensors through the network. */
#include "api/api.h"
#include "core/clock.h"
#include "core/mem.h"

/* A batch is full, or its pictures go one by one: plans for two sizes, and the same boxes whoever comes along. */
static int group_size(const struct yolo9_detector *d, struct yolo9_input *const *inputs, int count)
{
    const struct image *first = &inputs[0]->ready.pixels;
    if (count < d->batch)
        return 1;
    for (int i = 1; i < d->batch; i++) {
        if (inputs[i]->ready.pixels.h != first->h || inputs[i]->ready.pixels.w != first->w)
            return 1;
    }
    return d->batch;
}

enum status api_check_input(const struct yolo9_detector *d, int h, int w)
{
    const struct detector_config *c = detector_config(d->detector);
    const int stride = yolo9_weights_stride(d->weights);
    const bool fits = c->rect ? h > 0 && w > 0 && h <= c->h && w <= c->w && h % stride == 0 && w % stride == 0
                              : h == c->h && w == c->w;
    return fits ? OK
                : fail(E_ARGUMENT, "an input of %dx%d: this detector takes %s%dx%d", h, w, c->rect ? "at most " : "",
                       c->h, c->w);
}

static enum status run_group(struct yolo9_detector *d, struct yolo9_input *const *inputs, int n)
{
    struct tensor t;
    const double started = clock_seconds();
    TRY(detector_begin(d->detector, n, inputs[0]->ready.pixels.h, inputs[0]->ready.pixels.w, &t));
    for (int i = 0; i < n; i++)
        image_to_float(&inputs[i]->ready.pixels, tensor_image(&t, i), t.pixel_stride);
    detector_forward(d->detector);
    const double network = (clock_seconds() - started) / n;
    for (int i = 0; i < n; i++) {
        const struct letterbox *box = &inputs[i]->ready.box;
        const double forwarded = clock_seconds();
        struct yolo9_result r = {.height = box->src_h,
                                 .width = box->src_w,
                                 .input_height = box->h,
                                 .input_width = box->w,
                                 .mark = inputs[i]->mark,
                                 .read_seconds = inputs[i]->read,
                                 .letterbox_seconds = inputs[i]->letterbox,
                                 .network_seconds = network};
        TRY(api_results_add(d, i, box, &r));
        d->results[d->n_results - 1].boxes_seconds = clock_seconds() - forwarded;
    }
    return OK;
}

static enum status run_all(struct yolo9_detector *d, struct yolo9_input *const *inputs, int count)
{
    if (count < 0 || (count && !inputs))
        return fail(E_ARGUMENT, "%d inputs at %s", count, inputs ? "an address" : "NULL");
    for (int i = 0; i < count; i++) {
        if (!inputs[i] || !inputs[i]->whole)
            return fail(E_ARGUMENT, "input %d is not made ready", i);
        TRY(api_check_input(d, inputs[i]->ready.pixels.h, inputs[i]->ready.pixels.w));
    }
    TRY(api_results_begin(d, count));
    for (int i = 0, n; i < count; i += n) {
        n = group_size(d, inputs + i, count - i);
        TRY(run_group(d, inputs + i, n));
    }
    return OK;
}

static int end_run(struct yolo9_detector *d, enum status rc)
{
    api_results_end(d, rc == OK);
    return api_end(rc, &d->error);
}

int yolo9_run(struct yolo9_detector *d, struct yolo9_input *const *inputs, int count)
{
    return d ? end_run(d, run_all(d, inputs, count)) : api_end(fail(E_ARGUMENT, "the detector is NULL"), NULL);
}

/* --- pictures --- */

static enum status reserve_inputs(struct yolo9_detector *d, int count)
{
    if (count <= d->n_inputs)
        return OK;
    struct yolo9_input **grown =
        mem_grow(d->inputs, (size_t)d->n_inputs * sizeof *grown, (size_t)count * sizeof *grown);
    if (!grown)
        return E_NOMEM;
    d->inputs = grown;
    while (d->n_inputs < count) {
        if (!(d->inputs[d->n_inputs] = mem_calloc(1, sizeof **d->inputs)))
            return E_NOMEM;
        d->n_inputs++;
    }
    return OK;
}

static enum status detect_all(struct yolo9_detector *d, const struct yolo9_picture *pictures, int count)
{
    if (count < 0 || (count && !pictures))
        return fail(E_ARGUMENT, "%d pictures at %s", count, pictures ? "an address" : "NULL");
    TRY(reserve_inputs(d, count));
    for (int i = 0; i < count; i++) { /* the caller's structures may be longer than ours */
        const void *p = (const char *)pictures + (size_t)i * pictures->size;
        const enum status rc = api_prepare(d, p, d->inputs[i]);
        if (rc != OK)
            return count > 1 ? fail_prefix(rc, "picture %d of %d", i + 1, count) : rc;
    }
    return run_all(d, d->inputs, count);
}

int yolo9_detect(struct yolo9_detector *d, const struct yolo9_picture *pictures, int count)
{
    return d ? end_run(d, detect_all(d, pictures, count)) : api_end(fail(E_ARGUMENT, "the detector is NULL"), NULL);
}
