/* libyolo9: object detection with YOLOv9 from C, without a Python stack.
 *
 *     struct yolo9_options options;
 *     yolo9_options_init(&options);
 *     struct yolo9 *detector = yolo9_open("gelan-c.safetensors", &options);
 *     if (!detector) { fprintf(stderr, "%s\n", yolo9_error()); return 1; }
 *     int n = yolo9_detect(detector, rgb, height, width, 0);
 *     for (int i = 0; i < n; i++) {
 *         const struct yolo9_detection *d = yolo9_detection(detector, i);
 *         printf("%s %.2f\n", yolo9_class_name(detector, d->class_index), d->score);
 *     }
 *     yolo9_close(detector);
 *
 * A detector is used by one thread at a time; several detectors may work in several threads. Nothing is printed and
 * nothing exits: failures are a NULL or a negative number, and yolo9_error() has the sentence. */
#ifndef YOLO9_H
#define YOLO9_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct yolo9; /* a detector: network, weights, working memory */

/* Arithmetic of the convolutions. 8 bits need weights that `yolo9 quantize` made; those use them by default. */
enum yolo9_precision { YOLO9_AUTOMATIC, YOLO9_FP32, YOLO9_BF16, YOLO9_INT8 };

struct yolo9_options {
    /* network input, multiples of the network's largest stride, which is 32 (YOLOv7-W6: 64); default 0: the size in the
     * weights, else 640 (YOLOv7-W6: 1280) */
    int height, width;
    int rect;                       /* 1: the smallest rectangle that holds the photo; default 0, the whole input */
    float confidence;               /* keep scores above this; default 0.25 */
    float iou;                      /* non-maximum suppression; default 0.45 */
    int max_detections;             /* default 1000 */
    int class_agnostic;             /* 1: classes suppress each other; default 0 */
    int threads;                    /* default 0: one a processor. Results do not depend on it */
    int exact;                      /* 1: direct convolution only; default 0 */
    const char *table;              /* network name or table file; default NULL: found from the weights */
    enum yolo9_precision precision; /* default YOLO9_AUTOMATIC: INT8 for 8-bit weights, else FP32 */
};
void yolo9_options_init(struct yolo9_options *options); /* the defaults */

/* A box in pixels of the photo: corners (x1, y1) and (x2, y2), not rounded, clipped to the photo. */
struct yolo9_detection {
    float x1, y1, x2, y2;
    float score; /* probability of the class */
    int class_index;
};

/* Open a weight file (.safetensors, or an official .pt: opening it runs none of its code) and make its inference
 * form. NULL on failure. options may be NULL. */
struct yolo9 *yolo9_open(const char *weights, const struct yolo9_options *options);
void yolo9_close(struct yolo9 *detector); /* NULL is fine */

/* Detect in height x width pixels of red, green, blue bytes; `stride` bytes from a row to the next, 0: 3 * width.
 * Returns the number of detections (>= 0), or -1. */
int yolo9_detect(struct yolo9 *detector, const unsigned char *rgb, int height, int width, size_t stride);
/* The same for a picture file: JPEG, PNG, WebP, BMP, TIFF or GIF, its orientation applied. */
int yolo9_detect_file(struct yolo9 *detector, const char *path);

/* Result i of the last run, by falling score; NULL if there is none. Owned by the detector, until its next run. */
const struct yolo9_detection *yolo9_detection(const struct yolo9 *detector, int i);

int yolo9_class_count(const struct yolo9 *detector);
const char *yolo9_class_name(const struct yolo9 *detector, int class_index); /* "" if there is no such class */

const char *yolo9_error(void); /* the last failure of this thread; "" if none */
const char *yolo9_version(void);

#ifdef __cplusplus
}
#endif
#endif
