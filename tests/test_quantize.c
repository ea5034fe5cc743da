/* quant/ and 8-bit weight files: ranges from known histograms, errors of results, the file there and back, files that
 * must be refused, and the verb from outside on a drawn data set. */
#include "core/file.h"
#include "core/path.h"
#include "core/rng.h"
#include "data/synth.h"
#include "formats/safetensors.h"
#include "quant/head_error.h"
#include "quant/histogram.h"
#include "support/programs.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[] = "/tmp/y9-quantize-XXXXXX";

static void need(enum status rc)
{
    if (rc != OK)
        fail_msg("%s", fail_text());
}

/* --- histograms --- */

static void counts_do_not_depend_on_order(void **state)
{
    (void)state;
    enum { N = 5000 };
    float *values = mem_alloc(N, sizeof *values);
    struct rng rng = rng_seed(1, 2, 3);
    struct histogram forward, backward;
    assert_non_null(values);
    for (int i = 0; i < N; i++)
        values[i] = (float)(rng_normal(&rng) * pow(10, rng_range(&rng, -6, 3)));
    need(histogram_init(&forward));
    need(histogram_init(&backward));
    for (int i = 0; i < N; i++) {
        assert_true(histogram_add(&forward, values + i, 1));
        assert_true(histogram_add(&backward, values + N - 1 - i, 1));
    }
    assert_int_equal(forward.exponent, backward.exponent);
    assert_memory_equal(forward.bins, backward.bins, 2 * HISTOGRAM_HALF * sizeof *forward.bins);
    assert_true(forward.min == backward.min && forward.max == backward.max);
    assert_int_equal(forward.total, N);
    uint64_t total = 0;
    for (int i = 0; i < 2 * HISTOGRAM_HALF; i++)
        total += forward.bins[i];
    assert_int_equal(total, N);
    histogram_free(&forward);
    histogram_free(&backward);
    mem_free(values);
}

static void values_lie_in_their_bins(void **state)
{
    (void)state;
    static const float values[] = {-2048, -1, -0.5f, 0, 0.5f, 1, 2047.5f};
    struct histogram h;
    need(histogram_init(&h));
    assert_true(histogram_add(&h, values, COUNT(values)));
    assert_int_equal(h.exponent, 0);
    assert_int_equal(h.bins[0], 1);
    assert_int_equal(h.bins[HISTOGRAM_HALF - 1], 2);
    assert_int_equal(h.bins[HISTOGRAM_HALF], 2);
    assert_int_equal(h.bins[HISTOGRAM_HALF + 1], 1);
    assert_int_equal(h.bins[2 * HISTOGRAM_HALF - 1], 1);
    assert_true(histogram_add(&h, (const float[]){2048}, 1)); /* two bins become one */
    assert_int_equal(h.exponent, 1);
    assert_int_equal(h.bins[HISTOGRAM_HALF - 1], 2);
    assert_int_equal(h.bins[HISTOGRAM_HALF], 3);
    assert_false(histogram_add(&h, (const float[]){1, NAN}, 2));
    assert_false(histogram_add(&h, (const float[]){-INFINITY}, 1));
    assert_true(histogram_add(&h, NULL, 0));
    assert_int_equal(h.total, 8);
    histogram_free(&h);
}

static void ranges_hold_zero(void **state)
{
    (void)state;
    static const struct {
        double low, high, scale;
        int zero;
    } cases[] = {
        {0, 1, 1 / 255.0, 0}, {-1, 0, 1 / 255.0, 255},    {2, 5.1, 5.1 / 255, 0}, {-5.1, -2, 5.1 / 255, 255},
        {0, 0, 1, 0},         {-0.55, 2, 2.55 / 255, 55},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct conv_quant q = histogram_quant_of_range(cases[i].low, cases[i].high);
        assert_true(q.on);
        assert_int_equal(q.zero, cases[i].zero);
        assert_true(fabs((double)q.scale - cases[i].scale) < 1e-6 * cases[i].scale);
    }
}

/* A uniform distribution on [-1, 3) with, if asked for, a few values far away. */
static void fill(struct histogram *h, int outliers, float far)
{
    enum { N = 100000 };
    need(histogram_init(h));
    for (int i = 0; i < N; i++) {
        float x = -1 + 4 * ((float)i + 0.5f) / N;
        assert_true(histogram_add(h, &x, 1));
    }
    for (int i = 0; i < outliers; i++)
        assert_true(histogram_add(h, &far, 1));
}

static double highest(struct conv_quant q)
{
    return (255 - q.zero) * (double)q.scale;
}

static void methods_choose_as_they_say(void **state)
{
    (void)state;
    const struct clip minmax = {CLIP_MINMAX, 0}, percentile = {CLIP_PERCENTILE, 99}, mse = {CLIP_MSE, 0};
    struct histogram plain, tailed;
    fill(&plain, 0, 0);
    fill(&tailed, 3, 30);
    assert_true(fabs(highest(histogram_quant(&plain, &minmax)) - 3) < 0.02);
    assert_true(fabs(highest(histogram_quant(&tailed, &minmax)) - 30) < 0.2);
    for (int i = 0; i < 2; i++) { /* 1 % of the values on either side: 0.04 */
        struct conv_quant q = histogram_quant(i ? &tailed : &plain, &percentile);
        assert_true(fabs(highest(q) - 2.96) < 0.04);
        assert_true(fabs(-q.zero * (double)q.scale + 0.96) < 0.04);
    }
    assert_true(highest(histogram_quant(&plain, &mse)) > 2.9); /* clipping a flat end gains nothing */
    double cut = highest(histogram_quant(&tailed, &mse));
    assert_true(cut > 3 && cut < 30);
    for (int i = 0; i < 2; i++) {
        const struct histogram *h = i ? &tailed : &plain;
        double least = histogram_error(h, histogram_quant(h, &mse));
        assert_true(least <= histogram_error(h, histogram_quant(h, &minmax)));
        assert_true(least <= 1.001 * histogram_error(h, histogram_quant(h, &percentile)));
    }
    histogram_free(&plain);
    histogram_free(&tailed);
}

static void errors_are_those_of_rounding(void **state)
{
    (void)state;
    enum { N = 50000 };
    struct rng rng = rng_seed(5, 0, 0);
    float *values = mem_alloc(N, sizeof *values);
    struct histogram h;
    assert_non_null(values);
    for (int i = 0; i < N; i++) {
        double x = rng_normal(&rng) * 2;
        values[i] = (float)(x / (1 + exp(-x))); /* what SiLU leaves */
    }
    need(histogram_init(&h));
    assert_true(histogram_add(&h, values, N));
    for (double high = 2; high < 8; high *= 1.3) {
        struct conv_quant q = histogram_quant_of_range(-0.3, high);
        double sum = 0;
        for (int i = 0; i < N; i++) {
            double code = fmin(255, fmax(0, rint((double)(values[i] / q.scale)) + q.zero));
            double error = (code - q.zero) * (double)q.scale - (double)values[i];
            sum += error * error / N;
        }
        /* rounding errors are not quite spread evenly: SiLU's values crowd at its minimum */
        assert_true(fabs(sum - histogram_error(&h, q)) < 0.1 * sum);
    }
    histogram_free(&h);
    mem_free(values);
}

static void results_differ_by_what_changed(void **state)
{
    (void)state;
    enum { NC = 2, BINS = 16, C = 4 * BINS + NC };
    float logits[2 * C], reference[2 * (4 + NC)], decoded[2 * (4 + NC)];
    const struct head kind = {.kind = HEAD_DFL, .nc = NC, .reg_max = BINS};
    struct head_output head = {.head = &kind,
                               .logits = logits,
                               .stride = C,
                               .image_stride = 2 * C,
                               .n = 1,
                               .anchors = 2,
                               .channels = C,
                               .n_levels = 1};
    head.level[0].h = 1;
    head.level[0].w = 2;
    head.level[0].stride = 8;
    struct head_error same = {0}, other = {0};
    for (int i = 0; i < 2 * C; i++)
        logits[i] = i % C < 4 * BINS ? (float)(i % 7) * 0.1f : 0; /* probabilities of 1/2 */
    assert_int_equal(head_error_floats(&head), 12);
    head_error_add(&same, &head, reference, decoded); /* fills `decoded` */
    memcpy(reference, decoded, sizeof reference);
    same = (struct head_error){0};
    head_error_add(&same, &head, reference, decoded);
    assert_true(head_error_value(&same) == 0);
    assert_true(head_error_value(&other) == 0);
    logits[4 * BINS] = 20; /* one of four probabilities becomes 1: 1 * 1/2 of 4 * (1/2)^2 */
    head_error_add(&other, &head, reference, decoded);
    assert_true(fabs(head_error_value(&other) - 0.5) < 1e-4);
}

/* --- files --- */

static const char *in_root(const char *name, char *buffer)
{
    snprintf(buffer, 256, "%s/%s", root, name);
    return buffer;
}

static bool same_bytes(const char *a, const char *b)
{
    struct buf x = {0}, y = {0};
    need(file_read(a, (size_t)1 << 28, &x));
    need(file_read(b, (size_t)1 << 28, &y));
    bool same = x.size == y.size && !memcmp(x.data, y.data, x.size);
    buf_free(&x);
    buf_free(&y);
    return same;
}

/* A deployed network whose every second convolution has a range. */
static void make_half_eight_bit(struct weights *w)
{
    need(weights_random("gelan-t", 2, 7, w));
    need(weights_deploy(w));
    for (int i = 0, n = 0; i < w->deployed.n_nodes; i++) {
        struct node *node = &w->deployed.nodes[i];
        if (node->op == OP_CONV2D && n++ % 2 == 0)
            node->u.conv.quant = (struct conv_quant){.on = true, .scale = 0.01f * (float)n, .zero = n % 256};
    }
}

static void compare_conv(const struct weights *was, const struct weights *is, int node)
{
    const struct conv_attr *a = &was->deployed.nodes[node].u.conv, *b = &is->deployed.nodes[node].u.conv;
    const struct param *p = &was->deployed.params[a->weight];
    const float *x = was->deployed_params + p->first, *y = is->deployed_params + p->first;
    size_t per_channel = p->count / (size_t)a->oc;
    assert_true(a->quant.on == b->quant.on && a->quant.scale == b->quant.scale && a->quant.zero == b->quant.zero);
    for (int c = 0; c < a->oc; c++, x += per_channel, y += per_channel) {
        float most = 0, round = 0;
        for (size_t i = 0; i < per_channel; i++)
            most = fmaxf(most, fabsf(x[i]));
        round = a->quant.on ? most / 127 * 0.501f : most / 2048;
        for (size_t i = 0; i < per_channel; i++)
            assert_true(fabsf(x[i] - y[i]) <= round);
    }
}

static void files_keep_weights_and_ranges(void **state)
{
    (void)state;
    char path[256], again[256], halves[256];
    struct weights was, is;
    struct stat eight, sixteen;
    make_half_eight_bit(&was);
    need(weights_save_eight_bit(in_root("half8.safetensors", path), &was));
    need(weights_save_eight_bit(in_root("again.safetensors", again), &was));
    assert_true(same_bytes(path, again));
    need(weights_load(path, NULL, &is, NULL));
    assert_true(is.eight_bit && !is.params);
    for (int i = 0; i < was.deployed.n_nodes; i++) {
        if (was.deployed.nodes[i].op == OP_CONV2D)
            compare_conv(&was, &is, i);
    }
    need(weights_save_eight_bit(again, &is)); /* what was read is written back bit for bit: rounding is done once */
    struct safetensors a, b;
    need(safetensors_open(path, &a));
    need(safetensors_open(again, &b));
    assert_int_equal(a.count, b.count);
    for (int i = 0; i < a.count; i++) {
        assert_string_equal(a.tensors[i].name, b.tensors[i].name);
        assert_int_equal(a.tensors[i].bytes, b.tensors[i].bytes);
        assert_memory_equal(a.tensors[i].data, b.tensors[i].data, a.tensors[i].bytes);
    }
    safetensors_close(&a);
    safetensors_close(&b);
    need(weights_save(in_root("half16.safetensors", halves), &is, true, true)); /* floats again */
    assert_int_equal(stat(path, &eight) | stat(halves, &sixteen), 0);
    assert_true(eight.st_size < sixteen.st_size);
    weights_free(&is);
    need(weights_load(halves, NULL, &is, NULL));
    assert_false(is.eight_bit);
    weights_free(&is);
    weights_free(&was);
}

/* The file with one tensor changed: by `change`, or left out. */
typedef void change_fn(struct safetensor_source *t);

static void rewrite(const char *from, const char *to, const char *tensor, change_fn *change)
{
    struct safetensors st;
    need(safetensors_open(from, &st));
    struct safetensor_source *sources = mem_calloc((size_t)st.count, sizeof *sources);
    int n = 0;
    assert_non_null(sources);
    for (int i = 0; i < st.count; i++) {
        const struct safetensor *t = &st.tensors[i];
        struct safetensor_source *s = &sources[n];
        *s = (struct safetensor_source){.name = t->name, .dtype = t->dtype, .rank = t->rank, .data = t->data};
        memcpy(s->shape, t->shape, sizeof s->shape);
        bool meant = !strcmp(t->name, tensor);
        if (meant && change)
            change(s);
        n += !(meant && !change);
    }
    need(safetensors_write(to, sources, n, st.metadata, st.n_metadata));
    mem_free(sources);
    safetensors_close(&st);
}

static const float bad_values[] = {0, NAN, INFINITY, -1};
static float many[2048];

static void scale_zero(struct safetensor_source *t)
{
    t->data = &bad_values[0];
}
static void scale_nan(struct safetensor_source *t)
{
    t->data = &bad_values[1];
}
static void scale_infinite(struct safetensor_source *t)
{
    t->data = &bad_values[2];
}
static void scale_negative(struct safetensor_source *t)
{
    t->data = &bad_values[3];
}
static void scales_huge(struct safetensor_source *t)
{
    for (int i = 0; i < COUNT(many); i++)
        many[i] = 3e38f;
    t->data = many;
}
static void fewer(struct safetensor_source *t)
{
    t->shape[0]--;
}
static void another_rank(struct safetensor_source *t)
{
    t->rank = 1;
    t->shape[0] = 1;
}
static void another_type(struct safetensor_source *t)
{
    t->dtype = t->dtype == DTYPE_F32 ? DTYPE_I32 : DTYPE_I8;
}
static void eight_bits(struct safetensor_source *t)
{
    t->dtype = DTYPE_I8;
    t->data = many;
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *tensor, *says;
        change_fn *change;
    } cases[] = {
        {"model.0.conv.input_scale", "model.0.conv.input_scale holds 0", scale_zero},
        {"model.0.conv.input_scale", "finite and above zero", scale_nan},
        {"model.0.conv.input_scale", "finite and above zero", scale_infinite},
        {"model.0.conv.input_scale", "finite and above zero", scale_negative},
        {"model.0.conv.input_scale", "is of type I32, not F32", another_type},
        {"model.0.conv.input_scale", "1 values in 1 dimensions, not 1 in 0", another_rank},
        {"model.0.conv.input_scale", "model.0.conv.weight is in 8 bits, but model.0.conv.input_scale is missing", NULL},
        {"model.0.conv.input_zero_point", "is of type I8, not U8", another_type},
        {"model.0.conv.input_zero_point", "model.0.conv.input_zero_point is missing", NULL},
        {"model.0.conv.weight_scale", "model.0.conv.weight_scale is missing", NULL},
        {"model.0.conv.weight_scale", "15 values in 1 dimensions, not 16 in 1", fewer},
        {"model.0.conv.weight_scale", "times its scale is infinite", scales_huge},
        {"model.0.conv.weight", "model.0.conv.weight", NULL},
        {"model.0.conv.bias", "model.0.conv.bias is in 8 bits: only weights", eight_bits},
        {"model.1.conv.weight", "model.1.conv.weight is in 8 bits, but model.1.conv.weight_scale is missing",
         eight_bits},
    };
    char good[256], bad[256];
    struct weights w;
    make_half_eight_bit(&w);
    need(weights_save_eight_bit(in_root("good.safetensors", good), &w));
    weights_free(&w);
    for (int i = 0; i < COUNT(cases); i++) {
        rewrite(good, in_root("bad.safetensors", bad), cases[i].tensor, cases[i].change);
        if (weights_load(bad, NULL, &w, NULL) == OK)
            fail_msg("%s changed: accepted, not refused with \"%s\"", cases[i].tensor, cases[i].says);
        if (!strstr(fail_text(), bad) || !strstr(fail_text(), cases[i].says))
            fail_msg("%s changed: \"%s\", wanted \"%s\"", cases[i].tensor, fail_text(), cases[i].says);
    }
}

/* Integers where floats belong, scales of nothing. */
static void stray_tensors_are_refused(void **state)
{
    (void)state;
    char good[256], bad[256];
    struct weights w;
    need(weights_random("gelan-t", 2, 7, &w));
    need(weights_save(in_root("good.safetensors", good), &w, false, false));
    weights_free(&w);
    rewrite(good, in_root("bad.safetensors", bad), "model.0.conv.weight", eight_bits);
    assert_int_equal(weights_load(bad, NULL, &w, NULL), E_UNSUPPORTED);
    assert_non_null(strstr(fail_text(), "only weights of a deployed network"));

    make_half_eight_bit(&w);
    for (int i = 0, first = 1; i < w.deployed.n_nodes; i++) { /* one in 8 bits is left, under another's name */
        struct node *n = &w.deployed.nodes[i];
        if (n->op == OP_CONV2D)
            n->u.conv.quant.on = first;
        first = first && n->op != OP_CONV2D;
    }
    need(weights_save_eight_bit(good, &w));
    weights_free(&w);
    need(weights_load(good, NULL, &w, NULL));
    weights_free(&w);
    struct safetensors st;
    need(safetensors_open(good, &st));
    struct safetensor_source *sources = mem_calloc((size_t)st.count + 1, sizeof *sources);
    assert_non_null(sources);
    for (int i = 0; i < st.count; i++) {
        const struct safetensor *t = &st.tensors[i];
        sources[i] = (struct safetensor_source){.name = t->name, .dtype = t->dtype, .rank = t->rank, .data = t->data};
        memcpy(sources[i].shape, t->shape, sizeof t->shape);
    }
    sources[st.count] = (struct safetensor_source){.name = "model.1.conv.input_scale", .data = many};
    need(safetensors_write(bad, sources, st.count + 1, st.metadata, st.n_metadata));
    assert_int_equal(weights_load(bad, NULL, &w, NULL), E_FORMAT);
    assert_non_null(strstr(fail_text(), "4 scales and zero points for 1 weights"));
    sources[st.count] = (struct safetensor_source){.name = "model.99.conv.weight", .dtype = DTYPE_I8, .data = many};
    need(safetensors_write(bad, sources, st.count + 1, st.metadata, st.n_metadata));
    assert_int_equal(weights_load(bad, NULL, &w, NULL), E_FORMAT);
    assert_non_null(strstr(fail_text(), "2 tensors are in 8 bits, of which 1"));
    mem_free(sources);
    safetensors_close(&st);
}

/* --- the verb --- */

/* Runs yolo9 in the test's folder; the exit code, and what it said on both streams. */
static int run(const char *arguments, struct buf *said)
{
    char command[1024], file[256];
    snprintf(command, sizeof command, "cd %s && timeout 300 %s/yolo9 %s >said.txt 2>&1", root, Y9_BINARY_DIR,
             arguments);
    int status = system(command);
    need(file_read(in_root("said.txt", file), (size_t)1 << 24, said));
    if (!WIFEXITED(status))
        fail_msg("yolo9 %s: killed: %s", arguments, said->data);
    return WEXITSTATUS(status);
}

static void expect(const char *arguments, int code, const char *says)
{
    struct buf said = {0};
    int is = run(arguments, &said);
    if (is != code || (says && !strstr(said.data ? said.data : "", says)))
        fail_msg("yolo9 %s: code %d, wanted %d and \"%s\"; it said:\n%s", arguments, is, code, says ? says : "",
                 said.data);
    buf_free(&said);
}

#define QUANTIZE "quantize --weights float.safetensors --data set/data.yaml --img 64 --images 6 --trials 2 --no-cache "

static void the_verb_makes_weights_that_run(void **state)
{
    (void)state;
    char a[256], b[256];
    expect(QUANTIZE "--out a.safetensors --threads 1 --workers 0 --json a.json", 0,
           "convolutions, 100.0 % of the work");
    expect(QUANTIZE "--out b.safetensors --threads 2 --workers 2 --json b.json", 0, "ranges from 6 photos");
    assert_true(same_bytes(in_root("a.safetensors", a), in_root("b.safetensors", b)));
    assert_true(same_bytes(in_root("a.json", a), in_root("b.json", b)));
    expect("info --weights a.safetensors", 0, "185 of 185 convolutions in 8 bits");
    expect("detect --weights a.safetensors --img 64 --nosave --conf 0 set/images/val", 0, "2 pictures");
    expect("detect --weights a.safetensors --img 64 --nosave --precision fp32 set/images/val", 0, "2 pictures");
    expect("detect --weights a.safetensors --img 64 --nosave --half set/images/val", 0, "2 pictures");
    expect("val --weights a.safetensors --data set/data.yaml --img 64 --noplots --no-cache", 0, "results in");
    expect("bench --weights a.safetensors --img 64 --runs 1 --json -", 0, "\"precision\": \"int8\"");
    expect("bench --weights a.safetensors --img 64 --runs 1 --json - --half", 0, "\"precision\": \"bf16\"");
    expect("bench --weights a.safetensors --img 64 --runs 1 --json - --precision fp32", 0, "\"precision\": \"fp32\"");
    expect("bench --weights float.safetensors --img 64 --runs 1 --json -", 0, "\"precision\": \"fp32\"");
    expect("convert a.safetensors floats.safetensors --deploy", 0, "written as floats");
    expect("info --weights floats.safetensors", 0, "gelan-t");
}

static void convolutions_stay_higher_as_asked(void **state)
{
    (void)state;
    char path[256];
    struct weights w;
    expect(QUANTIZE "--out k.safetensors --budget 100 --clip minmax --keep model.0 model.22.cv3", 0,
           "stays higher, as asked");
    need(weights_load(in_root("k.safetensors", path), NULL, &w, NULL));
    int kept = 0;
    for (int i = 0; i < w.deployed.n_nodes; i++) {
        const struct node *n = &w.deployed.nodes[i];
        if (n->op != OP_CONV2D)
            continue;
        bool asked = !strncmp(n->name, "model.0", 7) || !strncmp(n->name, "model.22.cv3", 12);
        assert_true(n->u.conv.quant.on == !asked);
        kept += asked;
    }
    assert_int_equal(kept, 10);
    weights_free(&w);
    /* a budget that nothing meets, up to a fifth of the work */
    expect(QUANTIZE "--out k.safetensors --budget 0 --max-kept 0.2 --clip percentile", 0, "is not met");
    need(weights_load(in_root("k.safetensors", path), NULL, &w, NULL));
    kept = 0;
    for (int i = 0; i < w.deployed.n_nodes; i++)
        kept += w.deployed.nodes[i].op == OP_CONV2D && !w.deployed.nodes[i].u.conv.quant.on;
    assert_true(kept > 0 && kept < 185);
    weights_free(&w);
}

static void the_verb_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } cases[] = {
        {"quantize", 2, "--weights, --data and --out are needed"},
        {QUANTIZE "--out x.safetensors --images 0", 2, "--images"},
        {QUANTIZE "--out x.safetensors --clip kl", 2, "--clip kl: must be minmax, percentile or mse"},
        {QUANTIZE "--out x.safetensors --keep model.77", 2, "--keep model.77: no convolution's name"},
        {QUANTIZE "--out x.safetensors --keep model", 1, "nothing to write in 8 bits"},
        {QUANTIZE "--out no/x.safetensors", 1, "no/x.safetensors"},
        {"quantize --weights a.safetensors --data set/data.yaml --out x.safetensors", 1, "in 8 bits already"},
        {"quantize --weights other.safetensors --data set/data.yaml --out x.safetensors --no-cache", 1,
         "other.safetensors knows 2 classes, set/data.yaml has 3"},
        {"quantize --weights float.safetensors --data empty.yaml --out x.safetensors", 1, "no picture"},
        {"train --weights a.safetensors --data set/data.yaml --epochs 1", 1, "a.safetensors: its BN is folded"},
        {"convert a.safetensors x.safetensors", 1, "folded already"},
        {"detect --weights float.safetensors --precision int8 set/images/val", 1, "yolo9 quantize makes weights"},
        {"val --weights float.safetensors --data set/data.yaml --no-cache --precision int8", 1,
         "float.safetensors: no 8"},
        {"bench --cfg gelan-t --precision int8", 1, "random weights: no 8-bit ranges"},
        {"bench --cfg gelan-t --precision half", 2, "--precision half: must be fp32, bf16 or int8"},
        {"bench --cfg gelan-t --precision fp32 --half", 2, "--half means --precision bf16, not fp32"},
        {"bench --weights a.safetensors --train", 1, "training needs their training form"},
    };
    char path[256];
    for (int i = 0; i < COUNT(cases); i++)
        expect(cases[i].arguments, cases[i].code, cases[i].says);
    assert_false(path_exists(in_root("x.safetensors", path)));
    struct buf found = {0};
    char command[320];
    snprintf(command, sizeof command, "find %s -name '*.tmp*' | grep -q .", root);
    assert_int_not_equal(system(command), 0);
    buf_free(&found);
}

static int make_inputs(void **state)
{
    (void)state;
    char path[256];
    struct weights w;
    if (!mkdtemp(root))
        return -1;
    struct synth_config synth = {.folder = in_root("set", path),
                                 .images = 8,
                                 .classes = 3,
                                 .h = 64,
                                 .w = 96,
                                 .seed = 4,
                                 .val_fraction = 0.25,
                                 .quiet = true};
    need(synth_write(&synth));
    for (int nc = 2; nc <= 3; nc++) {
        need(weights_random("gelan-t", nc, 3, &w));
        need(weights_save(in_root(nc == 3 ? "float.safetensors" : "other.safetensors", path), &w, false, false));
        weights_free(&w);
    }
    static const char yaml[] = "path: .\ntrain: nothing\nval: nothing\nnames: [a, b, c]\n";
    need(file_write(in_root("empty.yaml", path), yaml, sizeof yaml - 1));
    return mkdir(in_root("nothing", path), 0777);
}

static int remove_inputs(void **state)
{
    (void)state;
    program_remove(root);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_do_not_depend_on_order),
        cmocka_unit_test(values_lie_in_their_bins),
        cmocka_unit_test(ranges_hold_zero),
        cmocka_unit_test(methods_choose_as_they_say),
        cmocka_unit_test(errors_are_those_of_rounding),
        cmocka_unit_test(results_differ_by_what_changed),
        cmocka_unit_test(files_keep_weights_and_ranges),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(stray_tensors_are_refused),
        cmocka_unit_test(the_verb_makes_weights_that_run),
        cmocka_unit_test(convolutions_stay_higher_as_asked),
        cmocka_unit_test(the_verb_refuses),
    };
    return cmocka_run_group_tests_name("quantize", tests, make_inputs, remove_inputs);
}
