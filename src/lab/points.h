/* Accuracy of networks, each a point with what it costs: published ones, and those measured with `yolo9 val --json`. */
#ifndef Y9_LAB_POINTS_H
#define Y9_LAB_POINTS_H

#include "core/mem.h"

#include <stdbool.h>
#include <stddef.h>

enum { POINTS_MOST = 2000 };

/* Numbers that are not known are NAN. */
struct point {
    const char *family, *model; /* "YOLOv9", "T" */
    const char *network;        /* the built-in network that it is, "yolov9-t"; NULL: none */
    int h, w;                   /* input size */
    double params_m, flops_g;   /* millions, GFLOPs (2 x multiply-accumulates) */
    double ap;                  /* 0 .. 100, mean over IoU 0.5 to 0.95 */
    const char *split;          /* "val": COCO val2017; "test-dev"; of a measured one the file's name */
    const char *source;
    bool measured;
    double latency_ms; /* measured on this machine */
};

struct points {
    struct arena arena; /* owns all texts */
    struct point *items;
    int n;
};

/* models/published-points.csv, compiled in (cmake/models.cmake). */
extern const char published_points[];

void points_free(struct points *p);
/* Add those of a text or a file: CSV with the columns family, model, size, params_m, flops_g, ap, split, source (in any
 * order, others are left aside), or the object that `val --json` writes. E_FORMAT names file, line and fault; then *p
 * holds what it held before. */
enum status points_read_memory(const char *name, const char *text, size_t size, struct points *p);
enum status points_read_file(const char *path, struct points *p);

#endif
