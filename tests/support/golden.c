#include "support/golden.h"

#include "core/cpu.h"
#include "core/path.h"
#include "core/rng.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- a case --- */

static void note_fault(struct golden *g, const char *format, va_list args)
{
    if (!g->faults++)
        vsnprintf(g->message, sizeof g->message, format, args);
}

void golden_fault(struct golden *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note_fault(g, format, args);
    va_end(args);
}

bool golden_ok(struct golden *g, enum status rc)
{
    if (rc != OK)
        golden_fault(g, "%s", fail_text());
    return rc == OK;
}

void golden_skip(struct golden *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g->skipped = true;
    if (!g->faults)
        vsnprintf(g->message, sizeof g->message, format, args);
    va_end(args);
}

bool golden_open(struct golden *g, const char *path)
{
    *g = (struct golden){0};
    arena_init(&g->arena);
    g->texts = json_object();
    if (!golden_ok(g, safetensors_open(path, &g->file)))
        return false;
    g->noise = golden_json(g, "noise");
    const char *seed = golden_text(g, "seed"), *offset = golden_text(g, "bn_bias_offset");
    if (seed && !strncmp(seed, "0x", 2))
        g->seed = strtoull(seed + 2, NULL, 16);
    if (offset)
        g->bias_offset = strtod(offset, NULL);
    return g->faults == 0;
}

int golden_close(struct golden *g, char *message, size_t size, double *worst)
{
    if (!g->faults && !g->skipped && !g->compared)
        golden_fault(g, "nothing was compared");
    snprintf(message, size, "%s", g->message);
    *worst = g->worst;
    int result = g->faults ? g->faults : g->skipped ? -1 : 0;
    json_decref(g->texts);
    safetensors_close(&g->file);
    arena_free(&g->arena);
    return result;
}

/* --- contents --- */

const char *golden_text(const struct golden *g, const char *key)
{
    return safetensors_metadata(&g->file, key);
}

json_t *golden_json(struct golden *g, const char *key)
{
    json_t *known = json_object_get(g->texts, key);
    const char *text = golden_text(g, key);
    if (known || !text)
        return known;
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);
    if (!value)
        golden_fault(g, "metadata %s is not JSON: %s", key, error.text);
    else
        json_object_set_new(g->texts, key, value);
    return value;
}

double golden_number(struct golden *g, const char *key)
{
    json_t *value = golden_json(g, key);
    if (!json_is_number(value))
        golden_fault(g, "metadata has no number %s", key);
    return json_number_value(value);
}

int golden_int(struct golden *g, const char *key)
{
    return (int)golden_number(g, key);
}

bool golden_has(const struct golden *g, const char *name)
{
    return safetensors_find(&g->file, name) != NULL;
}

const struct safetensor *golden_tensor(struct golden *g, const char *name)
{
    const struct safetensor *t = safetensors_find(&g->file, name);
    if (!t)
        golden_fault(g, "the case has no tensor %s", name);
    return t;
}

const float *golden_f32(struct golden *g, const char *name, size_t *count)
{
    const struct safetensor *t = golden_tensor(g, name);
    float *copy = t ? arena_alloc(&g->arena, t->count + 1, sizeof *copy) : NULL;
    if (copy)
        safetensor_read_f32(t, copy);
    if (count)
        *count = copy ? t->count : 0;
    return copy;
}

const double *golden_f64(struct golden *g, const char *name, size_t *count)
{
    const struct safetensor *t = golden_tensor(g, name);
    double *copy = t ? arena_alloc(&g->arena, t->count + 1, sizeof *copy) : NULL;
    for (size_t i = 0; copy && i < t->count; i++)
        copy[i] = dtype_get(t->dtype, t->data + i * dtype_size(t->dtype));
    if (count)
        *count = copy ? t->count : 0;
    return copy;
}

const unsigned char *golden_u8(struct golden *g, const char *name, size_t *count)
{
    const struct safetensor *t = golden_tensor(g, name);
    if (t && dtype_size(t->dtype) != 1) {
        golden_fault(g, "%s does not hold bytes", name);
        t = NULL;
    }
    if (count)
        *count = t ? t->count : 0;
    return t ? t->data : NULL;
}

const char *golden_name(struct golden *g, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *copy = arena_strdup(&g->arena, text);
    return copy ? copy : "";
}

/* --- comparing --- */

static double recorded_noise(const struct golden *g, const char *name)
{
    return json_number_value(json_object_get(g->noise, name)); /* 0 when absent */
}

/* "<mode>/grad/<parameter>" or "<mode>/gradck/<parameter>": the length of "<mode>/", else 0. */
static size_t parameter_gradient_mode(const char *name)
{
    const char *slash = strchr(name, '/');
    if (!slash)
        return 0;
    const char *rest = slash + 1;
    if (!strncmp(rest, "gradck/", 7))
        return (size_t)(rest - name);
    bool input = !strncmp(rest, "grad/in", 7) && rest[7] >= '0' && rest[7] <= '9';
    return !strncmp(rest, "grad/", 5) && !input ? (size_t)(rest - name) : 0;
}

double golden_noise(const struct golden *g, const char *name)
{
    size_t mode = parameter_gradient_mode(name);
    if (mode) { /* one tensor's record can be tiny by luck: all parameter gradients of the mode share the largest */
        double most = 0;
        const char *key;
        json_t *value;
        json_object_foreach(g->noise, key, value)
        {
            if (parameter_gradient_mode(key) == mode && !strncmp(key, name, mode))
                most = MAX(most, json_number_value(value));
        }
        return most;
    }
    if (!strncmp(name, "evalgen/", 8)) {
        char other[128];
        snprintf(other, sizeof other, "eval/%s", name + 8);
        return recorded_noise(g, other);
    }
    return recorded_noise(g, name);
}

double golden_tolerance(const struct golden *g, const char *name, double relative, double scale, double floor)
{
    return MAX(10 * golden_noise(g, name), MAX(relative * scale, floor));
}

double golden_max_abs(const float *x, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = MAX(most, fabs((double)x[i]));
    return most;
}

void golden_note(struct golden *g, const char *what, double error, double tolerance)
{
    double ratio = tolerance > 0 ? error / tolerance : error > 0 ? INFINITY : 0;
    g->compared++;
    if (!(ratio <= g->worst)) { /* also for NaN */
        g->worst = isnan(ratio) ? INFINITY : ratio;
        snprintf(g->worst_name, sizeof g->worst_name, "%.90s", what);
    }
    if (!(ratio <= 1))
        golden_fault(g, "%s: error %.3g, tolerance %.3g", what, error, tolerance);
}

static bool same_count(struct golden *g, const char *name, size_t yours, size_t stored)
{
    if (yours != stored)
        golden_fault(g, "%s: %zu elements, the case has %zu", name, yours, stored);
    return yours == stored;
}

void golden_compare_within(struct golden *g, const char *name, const float *yours, size_t count, double tolerance)
{
    size_t n;
    const float *stored = golden_f32(g, name, &n);
    if (!stored || !same_count(g, name, count, n))
        return;
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double error = fabs((double)yours[i] - (double)stored[i]);
        if (!(error <= worst))
            worst = isnan(error) ? INFINITY : error;
    }
    golden_note(g, name, worst, tolerance);
}

void golden_compare(struct golden *g, const char *name, const float *yours, size_t count)
{
    size_t n;
    const float *stored = golden_f32(g, name, &n);
    if (stored)
        golden_compare_within(g, name, yours, count, golden_tolerance(g, name, 1e-6, golden_max_abs(stored, n), 1e-6));
}

void golden_compare_f64(struct golden *g, const char *name, const double *yours, size_t count, double tolerance)
{
    size_t n;
    const double *stored = golden_f64(g, name, &n);
    if (!stored || !same_count(g, name, count, n))
        return;
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double error = fabs(yours[i] - stored[i]);
        if (!(error <= worst))
            worst = isnan(error) ? INFINITY : error;
    }
    golden_note(g, name, worst, tolerance);
}

void golden_compare_number(struct golden *g, const char *what, double yours, double stored, double tolerance)
{
    golden_note(g, what, fabs(yours - stored), tolerance);
}

void golden_compare_bytes(struct golden *g, const char *name, const unsigned char *yours, size_t count)
{
    size_t n, wrong = 0, first = 0;
    const unsigned char *stored = golden_u8(g, name, &n);
    if (!stored || !same_count(g, name, count, n))
        return;
    for (size_t i = n; i-- > 0;) {
        if (yours[i] != stored[i]) {
            wrong++;
            first = i;
        }
    }
    g->compared++;
    if (wrong)
        golden_fault(g, "%s: %zu of %zu bytes differ, the first at %zu: %d, should be %d", name, wrong, n, first,
                     yours[first], stored[first]);
}

void golden_check_row(struct golden *g, const char *what, const double *stored, int samples, double tolerance,
                      const float *yours, size_t count)
{
    double s1 = 0, s2 = 0, s3 = 0, n = (double)count, t = tolerance;
    for (size_t i = 0; i < count; i++) {
        double x = (double)yours[i];
        s1 += x;
        s2 += fabs(x);
        s3 += x * x;
    }
    double worst = 0;
    for (int k = 0; k < samples; k++) {
        double error = fabs((double)yours[(size_t)k * count / (size_t)samples] - stored[3 + k]);
        if (!(error <= worst))
            worst = isnan(error) ? INFINITY : error;
    }
    golden_note(g, what, worst, t);
    golden_note(g, what, fabs(s1 - stored[0]), n * t + 1e-6 * stored[1]);
    golden_note(g, what, fabs(s2 - stored[1]), n * t + 1e-6 * stored[1]);
    golden_note(g, what, fabs(s3 - stored[2]), 2 * t * stored[1] + n * t * t + 1e-6 * stored[2]);
}

void golden_check_vector(struct golden *g, const char *name, enum golden_check kind, const float *yours, size_t count)
{
    static const struct {
        double relative, floor;
        bool noise;
    } rules[] = {
        [CHECK_GRADIENT] = {1e-5, 1e-6, true}, [CHECK_AFTER] = {1e-6, 1e-6, false}, [CHECK_LAYER] = {1e-4, 1e-6, false},
        [CHECK_FUSED] = {1e-5, 1e-6, false},   [CHECK_GRAD0] = {1e-3, 1e-8, false},
    };
    size_t n;
    const double *stored = golden_f64(g, name, &n);
    if (!stored)
        return;
    if (n < 4 || !count) {
        golden_fault(g, "%s is no check vector of %zu elements", name, count);
        return;
    }
    double r = sqrt(stored[2] / (double)count);
    double t = MAX(rules[kind].relative * r, rules[kind].floor);
    if (rules[kind].noise)
        t = MAX(t, 10 * golden_noise(g, name));
    golden_check_row(g, name, stored, (int)n - 3, t, yours, count);
}

/* --- generator --- */

/* The next draw of a stream: u in [-1, 1), a multiple of 2^-23. */
static double draw(struct rng *stream)
{
    return (double)(rng_next(stream) >> 40) / 8388608.0 - 1.0;
}

static struct rng stream_of(uint64_t seed, const char *name)
{
    return (struct rng){.state = rng_hash(name) ^ seed};
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* value = base + scale * u (or scale * |u|) */
struct rule {
    double base, scale;
    bool absolute, index; /* index: the element's number */
};

static struct rule rule_of(const char *name, double bias_offset, int rank, const int *shape)
{
    const char *leaf = strrchr(name, '.') ? strrchr(name, '.') + 1 : name;
    if (strstr(name, "dfl") && ends_with(name, ".conv.weight"))
        return (struct rule){.index = true};
    if (!strcmp(leaf, "weight") && rank == 4)
        return (struct rule){0, sqrt(3.0 / ((double)shape[1] * shape[2] * shape[3])), false, false};
    if (!strcmp(leaf, "weight"))
        return (struct rule){1, 0.1, false, false};
    if (!strcmp(leaf, "bias"))
        return (struct rule){ends_with(name, "bn.bias") ? bias_offset : 0, 0.1, false, false};
    if (!strcmp(leaf, "running_mean"))
        return (struct rule){0, 0.1, false, false};
    if (!strcmp(leaf, "running_var"))
        return (struct rule){1, 0.5, true, false};
    if (!strcmp(leaf, "implicit"))
        return (struct rule){strstr(name, "im.") ? 1 : 0, 0.1, false, false};
    return (struct rule){0}; /* num_batches_tracked */
}

void golden_parameter(uint64_t seed, double bias_offset, const char *name, int rank, const int *shape, float *out)
{
    struct rng stream = stream_of(seed, name);
    struct rule rule = rule_of(name, bias_offset, rank, shape);
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    for (size_t i = 0; i < count; i++) {
        double u = draw(&stream);
        out[i] = rule.index ? (float)i : (float)(rule.base + rule.scale * (rule.absolute ? fabs(u) : u));
    }
}

void golden_uniform(uint64_t seed, const char *name, double low, double high, float *out, size_t count)
{
    struct rng stream = stream_of(seed, name);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(low + (draw(&stream) + 1) * 0.5 * (high - low));
}

/* --- layout --- */

void golden_to_tensor(const float *nchw, const struct tensor *t)
{
    for (int i = 0; i < t->n; i++)
        for (int c = 0; c < t->c; c++)
            for (int y = 0; y < t->h; y++)
                for (int x = 0; x < t->w; x++)
                    tensor_pixel(t, i, y, x)[c] = *nchw++;
}

void golden_from_tensor(const struct tensor *t, float *nchw)
{
    for (int i = 0; i < t->n; i++)
        for (int c = 0; c < t->c; c++)
            for (int y = 0; y < t->h; y++)
                for (int x = 0; x < t->w; x++)
                    *nchw++ = tensor_pixel(t, i, y, x)[c];
}

struct team *golden_team(void)
{
    static struct team *team;
    static bool made;
    if (!made) {
        const char *text = getenv("Y9_THREADS");
        int threads = text ? atoi(text) : cpu_count();
        made = true;
        if (threads > 1 && team_create(threads, &team) != OK)
            team = NULL;
    }
    return team;
}
