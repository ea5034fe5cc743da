/* Reading recorded cases (tests/golden/README.md): an open case, its parameter generator, its
 * tolerance rule and check vectors. A runner of one kind has the form
 *
 *   int golden_nms(const char *path, char *message, size_t size, double *worst)
 *   {
 *       struct golden g;
 *       if (golden_open(&g, path) != OK) ... return golden_close(&g, message, size, worst) does that as well
 *       const float *pred = golden_f32(&g, "pred", &count);
 *       ...
 *       golden_compare(&g, "out0", mine, count);
 *       return golden_close(&g, message, size, worst);
 *   }
 *
 * and returns 0 = pass, > 0 = number of faults (the first one told in message), < 0 = skipped (the reason told).
 * *worst is the largest error over its tolerance. Faults are collected, so a runner goes on after one. */
#ifndef Y9_TESTS_GOLDEN_H
#define Y9_TESTS_GOLDEN_H

#include "core/parallel.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "graph/tensor.h"

#include <stdint.h>

struct golden {
    struct safetensors file;
    struct arena arena;  /* dies with the case: golden_f32 and friends put their copies here */
    json_t *texts;       /* parsed metadata values, by key */
    json_t *noise;       /* tensor name -> number; borrowed from texts, NULL when absent */
    uint64_t seed;       /* of the parameter generator; 0 when everything is stored */
    double bias_offset;  /* bn_bias_offset */
    double worst;        /* largest error / tolerance so far */
    char worst_name[96]; /* of which tensor */
    int faults, compared;
    bool skipped;
    char message[256]; /* the first fault, or why it was skipped */
};

/* --- a case --- */
/* false: the fault is noted already and golden_close tells it. */
bool golden_open(struct golden *g, const char *path);
int golden_close(struct golden *g, char *message, size_t size, double *worst);
void golden_fault(struct golden *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `rc` with its sentence becomes a fault unless OK; returns rc == OK. */
bool golden_ok(struct golden *g, enum status rc);
void golden_skip(struct golden *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- contents --- */
const char *golden_text(const struct golden *g, const char *key); /* NULL when absent */
/* A metadata value that is JSON text; NULL (and no fault) when absent. Owned by g. */
json_t *golden_json(struct golden *g, const char *key);
int golden_int(struct golden *g, const char *key);       /* absent: a fault and 0 */
double golden_number(struct golden *g, const char *key); /* absent: a fault and 0 */
/* Tensors: NULL and a fault when absent. `name` is a format where the function ends in f. */
bool golden_has(const struct golden *g, const char *name);
const struct safetensor *golden_tensor(struct golden *g, const char *name);
const float *golden_f32(struct golden *g, const char *name, size_t *count);        /* any dtype, aligned copy */
const double *golden_f64(struct golden *g, const char *name, size_t *count);       /* any dtype, aligned copy */
const unsigned char *golden_u8(struct golden *g, const char *name, size_t *count); /* U8 or BOOL as they lie */
const char *golden_name(struct golden *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- comparing --- */
/* The rule for exact-math tensors: tol = max(10*noise, 1e-6*max|x|, 1e-6), noise as recorded or borrowed. */
void golden_compare(struct golden *g, const char *name, const float *yours, size_t count);
/* The same elementwise comparison with a tolerance of the caller's. */
void golden_compare_within(struct golden *g, const char *name, const float *yours, size_t count, double tolerance);
void golden_compare_f64(struct golden *g, const char *name, const double *yours, size_t count, double tolerance);
/* One number. */
void golden_compare_number(struct golden *g, const char *what, double yours, double stored, double tolerance);
/* Bytes, bools and integers: all equal. */
void golden_compare_bytes(struct golden *g, const char *name, const unsigned char *yours, size_t count);
/* Note an error and its tolerance; a fault when error > tolerance or is not a number. */
void golden_note(struct golden *g, const char *what, double error, double tolerance);
/* max(10*noise, relative*scale, floor) with the noise recorded for (or borrowed by) `name`. */
double golden_tolerance(const struct golden *g, const char *name, double relative, double scale, double floor);
double golden_noise(const struct golden *g, const char *name);
double golden_max_abs(const float *x, size_t count);

/* Check vectors [sum, sum|x|, sum x^2, samples...] of `count` elements. */
enum golden_check {
    CHECK_GRADIENT, /* head train/gradck/: max(10*noise, 1e-5*R, 1e-6) */
    CHECK_AFTER,    /* head train/afterck/: max(1e-6*R, 1e-6) */
    CHECK_LAYER,    /* model layer/: max(1e-4*R, 1e-6) */
    CHECK_FUSED,    /* convert fusedck/: max(1e-5*R, 1e-6) */
    CHECK_GRAD0,    /* train grad0 rows: max(1e-3*R, 1e-8) */
};
void golden_check_vector(struct golden *g, const char *name, enum golden_check kind, const float *yours, size_t count);
/* The same for a row of a stored table: `stored` has 3 + samples numbers. */
void golden_check_row(struct golden *g, const char *what, const double *stored, int samples, double tolerance,
                      const float *yours, size_t count);

/* --- generator --- */
/* Parameter `name` (state_dict name; its leaf and rank decide) of `count` elements. */
void golden_parameter(uint64_t seed, double bias_offset, const char *name, int rank, const int *shape, float *out);
void golden_uniform(uint64_t seed, const char *name, double low, double high, float *out, size_t count);

/* --- layout --- */
void golden_to_tensor(const float *nchw, const struct tensor *t); /* NCHW -> t */
void golden_from_tensor(const struct tensor *t, float *nchw);     /* t -> NCHW */

/* A team of Y9_THREADS (default: all processors) threads, made once; NULL when one thread is enough. */
struct team *golden_team(void);

#endif
