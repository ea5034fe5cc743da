#include "support/golden_eval.h"

#include "core/mem.h"
#include "detect/boxes.h"
#include "detect/nms.h"
#include "eval/ap.h"
#include "eval/confusion.h"
#include "formats/json.h"
#include "formats/safetensors.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One golden file being checked. Tensors read from it live in its arena. */
struct golden_case {
    struct safetensors st;
    struct arena arena;
    char *message;
    size_t message_size;
    double *worst;
    int failed;
};

static void complain(struct golden_case *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct golden_case *g, const char *format, ...)
{
    if (g->failed++)
        return; /* the first fault is the one to read */
    va_list args;
    va_start(args, format);
    vsnprintf(g->message, g->message_size, format, args);
    va_end(args);
}

static int golden_open(struct golden_case *g, const char *path, char *message, size_t size, double *worst)
{
    memset(g, 0, sizeof(*g));
    arena_init(&g->arena);
    g->message = message;
    g->message_size = size;
    g->worst = worst;
    *worst = 0;
    if (size)
        message[0] = 0;
    if (safetensors_open(path, &g->st) != OK) {
        complain(g, "%s", fail_text());
        return 0;
    }
    return 1;
}

static int golden_close(struct golden_case *g)
{
    safetensors_close(&g->st);
    arena_free(&g->arena);
    return g->failed;
}

struct array {
    int rank;
    size_t shape[SAFETENSORS_RANK], count;
    double *value;
    float *single; /* the same values */
};

/* A named tensor; a missing one is a fault and comes back empty. */
static struct array read_array(struct golden_case *g, const char *name)
{
    struct array a = {0};
    const struct safetensor *t = safetensors_find(&g->st, name);
    if (!t) {
        complain(g, "tensor %s is missing", name);
        return a;
    }
    a.rank = t->rank;
    memcpy(a.shape, t->shape, sizeof(a.shape));
    a.count = t->count;
    a.value = arena_alloc(&g->arena, t->count + 1, sizeof(double));
    a.single = arena_alloc(&g->arena, t->count + 1, sizeof(float));
    if (!a.value || !a.single) {
        complain(g, "out of memory");
        a.count = 0;
        return a;
    }
    for (size_t i = 0; i < t->count; i++)
        a.value[i] = dtype_get(t->dtype, t->data + i * dtype_size(t->dtype));
    for (size_t i = 0; i < t->count; i++)
        a.single[i] = (float)a.value[i];
    return a;
}

static struct array read_indexed(struct golden_case *g, const char *prefix, int index)
{
    char name[64];
    snprintf(name, sizeof(name), "%s%d", prefix, index);
    return read_array(g, name);
}

static double largest(const struct array *a)
{
    double top = 0;
    for (size_t i = 0; i < a->count; i++)
        top = fmax(top, fabs(a->value[i]));
    return top;
}

static void check(struct golden_case *g, const char *what, size_t index, double got, double want, double tolerance)
{
    double error = fabs(got - want);
    if (error / tolerance > *g->worst)
        *g->worst = error / tolerance;
    if (!(error <= tolerance))
        complain(g, "%s[%zu] is %.9g, expected %.9g, tolerance %.3g", what, index, got, want, tolerance);
}

static void check_equal(struct golden_case *g, const char *what, size_t index, double got, double want)
{
    if (got != want)
        complain(g, "%s[%zu] is %.9g, expected exactly %.9g", what, index, got, want);
}

static json_t *read_json(struct golden_case *g, const char *key)
{
    json_t *root = NULL;
    const char *text = safetensors_metadata(&g->st, key);
    if (!text)
        complain(g, "metadata %s is missing", key);
    else if (json_read_memory(key, text, strlen(text), NULL, &root) != OK)
        complain(g, "%s", fail_text());
    return root;
}

static double noise_of(struct golden_case *g, const char *tensor)
{
    json_t *noise = read_json(g, "noise");
    double value = json_number_value(json_object_get(noise, tensor));
    json_decref(noise);
    return value;
}

/* --- dfl --- */

static void check_dfl_mode(struct golden_case *g, const struct array *in, const char *mode)
{
    enum { BINS = 16 };
    char name[4][64];
    snprintf(name[0], sizeof(name[0]), "%s/out0", mode);
    snprintf(name[1], sizeof(name[1]), "%s/grad_out0", mode);
    snprintf(name[2], sizeof(name[2]), "%s/grad/in0", mode);
    struct array out = read_array(g, name[0]), d_out = read_array(g, name[1]), d_in = read_array(g, name[2]);
    if (in->rank != 3 || in->shape[1] != 4 * BINS || out.count * BINS != in->count || d_in.count != in->count ||
        d_out.count != out.count) {
        complain(g, "unexpected shapes");
        return;
    }
    double tolerance = fmax(10 * noise_of(g, name[0]), fmax(1e-6 * largest(&out), 1e-6));
    double d_tolerance = fmax(10 * noise_of(g, name[2]), fmax(1e-6 * largest(&d_in), 1e-6));
    size_t anchors = in->shape[2];
    for (size_t i = 0; i < out.count; i++) {
        float logits[BINS], softmax[BINS], d_logits[BINS] = {0};
        size_t first = (i / anchors) * BINS * anchors + i % anchors; /* (image, side) then anchor point */
        for (int k = 0; k < BINS; k++)
            logits[k] = in->single[first + (size_t)k * anchors];
        float distance = dfl_expectation(logits, BINS, softmax);
        dfl_backward(softmax, BINS, distance, d_out.single[i], d_logits);
        check(g, name[0], i, distance, out.value[i], tolerance);
        for (int k = 0; k < BINS; k++) {
            size_t at = first + (size_t)k * anchors;
            check(g, name[2], at, d_logits[k], d_in.value[at], d_tolerance);
        }
    }
}

int golden_dfl(const char *safetensors_path, char *message, size_t size, double *worst)
{
    struct golden_case g;
    if (golden_open(&g, safetensors_path, message, size, worst)) {
        struct array in = read_array(&g, "in0");
        check_dfl_mode(&g, &in, "eval");
        check_dfl_mode(&g, &in, "train");
    }
    return golden_close(&g);
}

/* --- nms --- */

static double number_or(const json_t *object, const char *key, double fallback)
{
    const json_t *value = json_object_get(object, key);
    return value ? json_number_value(value) : fallback;
}

/* pred: [n, values, rows], or of an anchor head [n, rows, values]. */
static void check_nms_image(struct golden_case *g, const struct array *pred, int image, const json_t *args,
                            const struct head *head, const bool *class_allowed)
{
    const bool rows_first = head->kind == HEAD_ANCHORS;
    size_t rows = pred->shape[rows_first ? 1 : 2], values = pred->shape[rows_first ? 2 : 1];
    int count = 0;
    struct candidate_rule rule = {(float)number_or(args, "conf_thres", 0.25),
                                  json_is_true(json_object_get(args, "multi_label")), class_allowed};
    struct nms_config config = {number_or(args, "iou_thres", 0.45), (int)number_or(args, "max_det", 300),
                                json_is_true(json_object_get(args, "agnostic")), head_class_offset(head)};
    struct candidates candidates = {0};
    struct nms_workspace workspace = {0};
    struct detection *dst = arena_alloc(&g->arena, (size_t)config.max_detections, sizeof(*dst));
    struct array out = read_indexed(g, "out", image);
    double tolerance = fmax(1e-6 * largest(&out), 1e-6);
    const float *decoded = pred->single + (size_t)image * pred->shape[1] * pred->shape[2];
    if (!dst ||
        candidates_from_decoded(&candidates, head, decoded, (int)rows, rows_first ? values : 1, rows_first ? 1 : rows,
                                &rule) != OK ||
        nms_apply(&workspace, &candidates, &config, dst, &count) != OK)
        complain(g, "%s", fail_text());
    else if ((size_t)count * 6 != out.count)
        complain(g, "image %d has %d detections, expected %zu", image, count, out.count / 6);
    for (int d = 0; d < count && !g->failed; d++) {
        size_t at = (size_t)d * 6;
        for (size_t k = 0; k < 4; k++)
            check(g, "coordinate", at + k, dst[d].xyxy[k], out.value[at + k], tolerance);
        check(g, "score", at + 4, dst[d].score, out.value[at + 4], tolerance);
        check_equal(g, "class", at + 5, dst[d].class, out.value[at + 5]);
    }
    candidates_free(&candidates);
    nms_free(&workspace);
}

static int run_nms(const char *safetensors_path, enum head_kind kind, char *message, size_t size, double *worst)
{
    struct golden_case g;
    if (golden_open(&g, safetensors_path, message, size, worst)) {
        json_t *args = read_json(&g, "args");
        struct array pred = read_array(&g, "pred");
        const json_t *classes = json_object_get(args, "classes");
        bool *flags = classes && pred.rank == 3 ? arena_alloc(&g.arena, pred.shape[1], sizeof(*flags)) : NULL;
        for (size_t i = 0; flags && i < json_array_size(classes); i++)
            flags[json_integer_value(json_array_get(classes, i))] = true;
        const int values = (int)pred.shape[kind == HEAD_ANCHORS ? 2 : 1];
        const struct head head = {.kind = kind, .nc = values - (kind == HEAD_ANCHORS ? 5 : 4)};
        if (pred.rank != 3 || head.nc < 1)
            complain(&g, "pred has an unexpected shape");
        for (size_t b = 0; !g.failed && b < pred.shape[0]; b++)
            check_nms_image(&g, &pred, (int)b, args, &head, flags);
        json_decref(args);
    }
    return golden_close(&g);
}

int golden_nms(const char *safetensors_path, char *message, size_t size, double *worst)
{
    return run_nms(safetensors_path, HEAD_DFL, message, size, worst);
}

int golden_nms_v7(const char *safetensors_path, char *message, size_t size, double *worst)
{
    return run_nms(safetensors_path, HEAD_ANCHORS, message, size, worst);
}

/* --- scale_boxes --- */

static double number_at(const json_t *array, size_t i, size_t j)
{
    return json_number_value(json_array_get(json_array_get(array, i), j));
}

static int run_scale_boxes(const char *safetensors_path, bool rounded, char *message, size_t size, double *worst)
{
    struct golden_case g;
    if (golden_open(&g, safetensors_path, message, size, worst)) {
        json_t *cases = read_json(&g, "cases");
        if (json_array_size(cases) == 0)
            complain(&g, "no cases");
        for (size_t i = 0; i < json_array_size(cases); i++) {
            const json_t *c = json_array_get(cases, i), *ratio_pad = json_array_get(c, 2);
            struct array in = read_indexed(&g, "in", (int)i), out = read_indexed(&g, "out", (int)i);
            int h = (int)number_at(c, 1, 0), w = (int)number_at(c, 1, 1);
            struct box_map map = box_map_fit((int)number_at(c, 0, 0), (int)number_at(c, 0, 1), h, w);
            if (rounded)
                box_map_round(&map);
            if (!json_is_null(ratio_pad))
                map = (struct box_map){number_at(ratio_pad, 0, 0), number_at(ratio_pad, 1, 0),
                                       number_at(ratio_pad, 1, 1)};
            if (in.count != out.count || in.count % 4) {
                complain(&g, "case %zu has unexpected shapes", i);
                continue;
            }
            boxes_to_photo(&map, h, w, in.single, in.count / 4, 4);
            double tolerance = fmax(1e-6 * largest(&out), 1e-6);
            for (size_t k = 0; k < in.count; k++)
                check(&g, "coordinate", k, in.single[k], out.value[k], tolerance);
        }
        json_decref(cases);
    }
    return golden_close(&g);
}

int golden_scale_boxes(const char *safetensors_path, char *message, size_t size, double *worst)
{
    return run_scale_boxes(safetensors_path, false, message, size, worst);
}

int golden_scale_boxes_rounded(const char *safetensors_path, char *message, size_t size, double *worst)
{
    return run_scale_boxes(safetensors_path, true, message, size, worst);
}

/* --- ciou --- */

int golden_ciou(const char *safetensors_path, char *message, size_t size, double *worst)
{
    struct golden_case g;
    if (golden_open(&g, safetensors_path, message, size, worst)) {
        struct array a = read_array(&g, "box1"), b = read_array(&g, "box2");
        struct array ciou = read_array(&g, "ciou"), gradient = read_array(&g, "grad_box1"), iou = read_array(&g, "iou");
        size_t n = ciou.count;
        if (n == 0 || a.count != 4 * n || b.count != 4 * n || gradient.count != 4 * n || iou.count != n)
            complain(&g, "unexpected shapes");
        for (size_t i = 0; i < n && !g.failed; i++) {
            float d[4], value = box_ciou_gradient(a.single + 4 * i, b.single + 4 * i, 0, d);
            check(&g, "ciou", i, value, ciou.value[i], 2e-6);
            check(&g, "ciou without gradient", i, box_ciou(a.single + 4 * i, b.single + 4 * i), ciou.value[i], 2e-6);
            check(&g, "iou", i, box_iou(a.single + 4 * i, b.single + 4 * i, BOX_EPSILON), iou.value[i], 2e-6);
            for (size_t k = 0; k < 4; k++)
                check(&g, "grad_box1", 4 * i + k, d[k], gradient.value[4 * i + k], 2e-6);
        }
    }
    return golden_close(&g);
}

/* --- ap --- */

/* Everything the images of an `ap` case add up to. */
struct ap_case {
    struct ap_record *records;
    size_t n;
    uint64_t *labels;
    struct confusion confusion;
};

static void add_ap_image(struct golden_case *g, struct ap_case *c, int image)
{
    struct array det = read_indexed(g, "det", image), lab = read_indexed(g, "labels", image);
    struct array expected = read_indexed(g, "correct", image);
    size_t n = det.count / 6, m = lab.count / 5;
    struct detection *detections = arena_alloc(&g->arena, n + 1, sizeof(*detections));
    struct eval_label *labels = arena_alloc(&g->arena, m + 1, sizeof(*labels));
    uint16_t *correct = arena_alloc(&g->arena, n + m + 1, sizeof(*correct));
    if (expected.count != n * EVAL_IOUS || !detections || !labels || !correct) {
        complain(g, "image %d cannot be read", image);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(detections[i].xyxy, det.single + 6 * i, sizeof(detections[i].xyxy));
        detections[i].score = det.single[6 * i + 4];
        detections[i].class = (int)det.single[6 * i + 5];
    }
    for (size_t i = 0; i < m; i++) {
        labels[i].class = (int)lab.single[5 * i];
        memcpy(labels[i].xyxy, lab.single + 5 * i + 1, sizeof(labels[i].xyxy));
        c->labels[labels[i].class]++;
    }
    match_detections(detections, (int)n, labels, (int)m, correct, correct + n);
    for (size_t i = 0; i < n; i++) {
        for (size_t t = 0; t < EVAL_IOUS; t++)
            check_equal(g, "correct", i * EVAL_IOUS + t, (correct[i] >> t) & 1, expected.value[i * EVAL_IOUS + t]);
        c->records[c->n++] = (struct ap_record){detections[i].score, detections[i].class, correct[i]};
    }
    if (confusion_add(&c->confusion, detections, (int)n, labels, (int)m) != OK)
        complain(g, "%s", fail_text());
}

static void check_column(struct golden_case *g, const char *name, const double *got, size_t n, double tolerance)
{
    struct array want = read_array(g, name);
    if (want.count != n) {
        complain(g, "%s has %zu values, expected %zu", name, n, want.count);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (tolerance > 0)
            check(g, name, i, got[i], want.value[i], tolerance);
        else
            check_equal(g, name, i, got[i], want.value[i]);
    }
}

static void check_ap_result(struct golden_case *g, const struct ap_case *c, int nc)
{
    struct ap_result r;
    if (ap_compute(c->records, c->n, c->labels, nc, &r) != OK) {
        complain(g, "%s", fail_text());
        return;
    }
    size_t rows = (size_t)r.n_classes;
    struct array classes = read_array(g, "ap_class"), confusion = read_array(g, "confusion");
    check_column(g, "tp", r.tp, rows, 0);
    check_column(g, "fp", r.fp, rows, 0);
    check_column(g, "p", r.p, rows, 1e-6);
    check_column(g, "r", r.r, rows, 1e-6);
    check_column(g, "f1", r.f1, rows, 1e-6);
    check_column(g, "ap", &r.ap[0][0], rows * EVAL_IOUS, 1e-6);
    double summary[5] = {r.precision, r.recall, r.map50, r.map, r.fitness};
    check_column(g, "summary#f64", summary, 5, 1e-6);
    for (size_t i = 0; i < rows && i < classes.count; i++)
        check_equal(g, "ap_class", i, r.class[i], classes.value[i]);
    if (confusion.count != (size_t)(nc + 1) * (size_t)(nc + 1))
        complain(g, "confusion has %zu cells", confusion.count);
    for (size_t i = 0; i < confusion.count && !g->failed; i++)
        check_equal(g, "confusion", i, (double)c->confusion.cells[i], confusion.value[i]);
    ap_free(&r);
}

int golden_ap(const char *safetensors_path, char *message, size_t size, double *worst)
{
    struct golden_case g;
    if (golden_open(&g, safetensors_path, message, size, worst)) {
        const char *nc_text = safetensors_metadata(&g.st, "nc"), *images_text = safetensors_metadata(&g.st, "images");
        int nc = nc_text ? atoi(nc_text) : 0, images = images_text ? atoi(images_text) : 0;
        struct ap_case c = {.records = arena_alloc(&g.arena, 100000, sizeof(*c.records)),
                            .labels = arena_alloc(&g.arena, (size_t)nc + 1, sizeof(*c.labels))};
        if (nc < 1 || images < 1 || !c.records || !c.labels || confusion_init(&c.confusion, nc) != OK)
            complain(&g, "metadata nc or images is missing");
        for (int i = 0; i < images && !g.failed; i++)
            add_ap_image(&g, &c, i);
        if (!g.failed)
            check_ap_result(&g, &c, nc);
        confusion_free(&c.confusion);
    }
    return golden_close(&g);
}

/* --- compute_ap --- */

int golden_compute_ap(const char *safetensors_path, char *message, size_t size, double *worst)
{
    struct golden_case g;
    if (golden_open(&g, safetensors_path, message, size, worst)) {
        struct array recall = read_array(&g, "recall#f64"), precision = read_array(&g, "precision#f64");
        struct array in = read_array(&g, "smooth_in#f64");
        size_t n = recall.count;
        double *mrec = arena_alloc(&g.arena, n + 2, sizeof(double));
        double *mpre = arena_alloc(&g.arena, n + 2, sizeof(double));
        double *smooth = arena_alloc(&g.arena, in.count + 1, sizeof(double));
        if (n == 0 || precision.count != n || in.count == 0 || !mrec || !mpre || !smooth) {
            complain(&g, "unexpected shapes");
        } else {
            double ap = ap_of_curve(recall.value, precision.value, n, mrec, mpre);
            check_column(&g, "ap#f64", &ap, 1, 1e-9);
            check_column(&g, "mrec#f64", mrec, n + 2, 1e-9);
            check_column(&g, "mpre#f64", mpre, n + 2, 1e-9);
            curve_smooth(in.value, (int)in.count, 0.1, smooth);
            check_column(&g, "smooth_out_01#f64", smooth, in.count, 1e-9);
            curve_smooth(in.value, (int)in.count, 0.05, smooth);
            check_column(&g, "smooth_out_005#f64", smooth, in.count, 1e-9);
        }
    }
    return golden_close(&g);
}
