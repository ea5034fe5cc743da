/* libyolo9: object detection with YOLO networks (YOLOv9, GELAN, YOLOv8, YOLOv7) from C and C++, on the CPU.
 *
 *     struct yolo9_weights *weights = yolo9_weights_open("gelan-c.safetensors", NULL);
 *     struct yolo9_detector *detector = yolo9_detector_open(weights, NULL);
 *     struct yolo9_picture photo = yolo9_picture_file("photo.jpg");
 *     if (yolo9_detect(detector, &photo, 1) == YOLO9_OK) {
 *         const struct yolo9_result *r = yolo9_detector_result(detector, 0);
 *         for (int i = 0; i < r->count; i++)
 *             printf("%s %.2f\n", yolo9_weights_class_name(weights, r->detections[i].class_index),
 * r->detections[i].score); } else { fprintf(stderr, "%s\n", yolo9_error());
 *     }
 *     yolo9_detector_close(detector);
 *     yolo9_weights_close(weights);
 *
 * Weights are opened once; any number of detectors work over them, each in a thread of its own, and share what is
 * large.
 *
 * Threads. Weights may be used by all threads at once. A detector is used by one thread at a time, except that
 * yolo9_input_prepare may run in any number of threads while the detector runs in another, as long as nobody closes it.
 *
 * Errors. Nothing here prints, exits or aborts. A function that returns an int gives YOLO9_OK or one of the negative
 * numbers of enum yolo9_status; one that returns a pointer gives NULL. The sentence is yolo9_error(), of the thread,
 * and yolo9_detector_error(), of the detector. A NULL where something is needed is YOLO9_E_ARGUMENT; closing NULL is
 * fine.
 *
 * Compatibility. Within a major version a program that was built against this header runs with every later library:
 * nothing is taken away and no number changes its meaning. Structures that the caller fills begin with their size, by
 * which the library sees which fields there are; fields that are added later take the place of `reserved` or stand
 * behind it, and their zero means what was before. A library that is older than the program refuses fields that it
 * does not know unless they are zero. Structures that the library fills may get longer at their end: only use them
 * through the pointers that it gives. While the major version is 0, the shared object's number (libyolo9.so.0) is what
 * changes when something is taken away. */
#ifndef YOLO9_H
#define YOLO9_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The version of this header. CMake, the shared object's number and the packages read it here. */
#define YOLO9_VERSION_MAJOR  0
#define YOLO9_VERSION_MINOR  1
#define YOLO9_VERSION_PATCH  0
#define YOLO9_VERSION_NUMBER (YOLO9_VERSION_MAJOR * 10000 + YOLO9_VERSION_MINOR * 100 + YOLO9_VERSION_PATCH)

#if defined(__GNUC__)
#define YOLO9_API __attribute__((visibility("default")))
#else
#define YOLO9_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct yolo9_weights;  /* a network and its parameters */
struct yolo9_detector; /* working memory and threads over weights */
struct yolo9_input;    /* a picture made ready for a detector */

/* --- version, errors, messages --- */

YOLO9_API const char *yolo9_version(void); /* of the library that runs: "0.1.0" */
YOLO9_API int yolo9_version_number(void);  /* the same as YOLO9_VERSION_NUMBER is made */

enum yolo9_status {
    YOLO9_OK = 0,
    YOLO9_E_MEMORY = -1,      /* memory could not be had */
    YOLO9_E_IO = -2,          /* the operating system refused: no such file ... */
    YOLO9_E_FORMAT = -3,      /* bytes are not what their format promises */
    YOLO9_E_UNSUPPORTED = -4, /* well formed, but not handled here */
    YOLO9_E_ARGUMENT = -5,    /* a value of the caller is out of range, or NULL */
    YOLO9_E_SHAPE = -6,       /* tensors or tables that do not fit each other */
    YOLO9_E_LIMIT = -7,       /* larger than a stated limit */
    YOLO9_E_INTERNAL = -8     /* anything else */
};

/* The last failure of this thread, one sentence without a newline; "" if there was none. Valid until the thread's next
 * failure. */
YOLO9_API const char *yolo9_error(void);
YOLO9_API int yolo9_error_code(void); /* its enum yolo9_status */

enum yolo9_log_level { YOLO9_LOG_NOTHING = 0, YOLO9_LOG_WARNING = 1, YOLO9_LOG_INFO = 2, YOLO9_LOG_DEBUG = 3 };

/* `text` is one sentence without a newline, valid during the call. May be called in several threads at once, also in
 * threads of the library, and must not call functions of the library. */
typedef void yolo9_log_function(void *context, int level, const char *text);

/* What the library has to say beside errors (such as class names that are missing in weights), up to `level`. At first,
 * and with log NULL, it is said to nobody. One for the whole process; set it before other threads use the library. */
YOLO9_API void yolo9_set_log(int level, yolo9_log_function *log, void *context);

/* --- weights --- */

struct yolo9_weights_options {
    size_t size;          /* sizeof(struct yolo9_weights_options) */
    const char *table;    /* network name or file of a table; NULL: found from the weights */
    uint64_t reserved[6]; /* 0 */
};

/* Open a weight file: .safetensors, or a PyTorch checkpoint (opening one runs none of its code), and make its inference
 * form. options may be NULL. NULL: yolo9_error() says why.
 * Once a detector has packed the values in its own form they are given up; where another detector needs them in another
 * form (size, precision, rect), they are read from the file again, and a file that has changed meanwhile is refused. */
YOLO9_API struct yolo9_weights *yolo9_weights_open(const char *path, const struct yolo9_weights_options *options);
/* The same from `size` bytes in memory, which are not needed after the call. The values are kept. */
YOLO9_API struct yolo9_weights *yolo9_weights_open_memory(const void *bytes, size_t size,
                                                          const struct yolo9_weights_options *options);
/* Detectors that are open go on working. */
YOLO9_API void yolo9_weights_close(struct yolo9_weights *weights);

/* These are valid as long as the weights, or a detector over them, are open; of NULL they are 0, "" and so on. */
YOLO9_API int yolo9_weights_class_count(const struct yolo9_weights *weights);
YOLO9_API const char *yolo9_weights_class_name(const struct yolo9_weights *weights, int class_index); /* "": no such */
YOLO9_API const char *yolo9_weights_network(const struct yolo9_weights *weights); /* "gelan-c"; "" where unknown */
/* Rows and columns of the input that a detector takes by default: the size it was trained at, else 640 (networks with
 * a stride of 64: 1280). Returns 1 if the weights say so, 0 if it is that default. Pointers may be NULL. */
YOLO9_API int yolo9_weights_input_size(const struct yolo9_weights *weights, int *height, int *width);
YOLO9_API int yolo9_weights_stride(const struct yolo9_weights *weights);    /* sides of inputs are multiples of it */
YOLO9_API int yolo9_weights_precision(const struct yolo9_weights *weights); /* what YOLO9_AUTOMATIC means for them */

/* --- detectors --- */

/* Arithmetic of the convolutions. 8 bits need weights that `yolo9 quantize` made; those use them by default. */
enum yolo9_precision { YOLO9_AUTOMATIC = 0, YOLO9_FP32 = 1, YOLO9_BF16 = 2, YOLO9_INT8 = 3 };

struct yolo9_options {
    size_t size; /* sizeof(struct yolo9_options) */
    int height,
        width; /* network input, multiples of yolo9_weights_stride up to 8192; default 0: yolo9_weights_input_size */
    int rect;  /* 1: the smallest rectangle that holds the picture, at most that input; default 0, all of it */
    int batch; /* pictures that go through the network at once, 1 to 1024; default 1. More memory, the same boxes
                * but for rounding. With rect, pictures of one shape only */
    double confidence;    /* keep scores above this, 0 to 1; default 0.25 */
    double iou;           /* non-maximum suppression above this overlap, 0 to 1; default 0.45 */
    int max_detections;   /* in a picture, 1 to 30000; default 1000 */
    int class_agnostic;   /* 1: classes suppress each other; default 0 */
    int multi_label;      /* 1: every class of a box above the confidence; default 0: its best one */
    int whole_border;     /* 1: boxes go back by the letterbox' border in whole pixels; default 0: by its exact half */
    int threads;          /* of this detector, up to 1024; default 0: one a processor. Results do not depend on it */
    int exact;            /* 1: direct convolution only; default 0 */
    int precision;        /* enum yolo9_precision; default YOLO9_AUTOMATIC. BF16 runs as FP32 on processors that do not
                           * gain by it, which is said to yolo9_set_log */
    uint64_t reserved[8]; /* 0 */
};
/* The defaults, for a structure of that size; yolo9_options_init below fills it in. */
YOLO9_API void yolo9_options_defaults(struct yolo9_options *options, size_t size);

/* Make a detector and, unless `rect`, its memory and packed weights, so that the first picture takes no longer than the
 * others. options may be NULL. A second detector over the same weights with the same input size, precision and `exact`
 * shares the packed weights. NULL: yolo9_error() says why. */
YOLO9_API struct yolo9_detector *yolo9_detector_open(struct yolo9_weights *weights,
                                                     const struct yolo9_options *options);
YOLO9_API void yolo9_detector_close(struct yolo9_detector *detector);
YOLO9_API const struct yolo9_weights *yolo9_detector_weights(const struct yolo9_detector *detector); /* those it has */

/* For the runs that follow; what a value may be stands in struct yolo9_options. On failure nothing changes. */
YOLO9_API int yolo9_set_confidence(struct yolo9_detector *detector, double confidence);
YOLO9_API int yolo9_set_iou(struct yolo9_detector *detector, double iou);
YOLO9_API int yolo9_set_max_detections(struct yolo9_detector *detector, int max_detections);
YOLO9_API int yolo9_set_class_agnostic(struct yolo9_detector *detector, int class_agnostic);
/* Keep these classes only (numbers, copied); count 0: all. */
YOLO9_API int yolo9_set_classes(struct yolo9_detector *detector, const int *classes, int count);

/* The last failure of this detector's runs and settings (not of yolo9_input_prepare, which may run in other threads);
 * "" and YOLO9_OK if there was none. */
YOLO9_API const char *yolo9_detector_error(const struct yolo9_detector *detector);
YOLO9_API int yolo9_detector_error_code(const struct yolo9_detector *detector);

/* --- pictures --- */

enum yolo9_format {
    YOLO9_RGB = 0, /* plane[0]: bytes in the order of the letters; alpha is not looked at */
    YOLO9_BGR = 1,
    YOLO9_RGBA = 2,
    YOLO9_BGRA = 3,
    YOLO9_GREY = 4, /* plane[0]: a byte a pixel */
    YOLO9_NV12 = 5, /* plane[0]: brightness; plane[1]: pairs Cb, Cr, one for two by two pixels, sides rounded up */
    YOLO9_I420 = 6, /* plane[0]: brightness; plane[1]: Cb, plane[2]: Cr, each one for two by two pixels */
    YOLO9_ENCODED =
        7,         /* plane[0]: `bytes` bytes of a JPEG, PNG, WebP, BMP, TIFF or GIF file; its orientation is applied */
    YOLO9_FILE = 8 /* plane[0]: the path of such a file, a string */
};

/* What the planes of NV12 and I420 mean. Cameras and decoders give BT.601 limited unless they say otherwise. */
enum yolo9_colour {
    YOLO9_BT601_LIMITED = 0, /* brightness 16 to 235 */
    YOLO9_BT601_FULL = 1,    /* 0 to 255 (JPEG) */
    YOLO9_BT709_LIMITED = 2, /* high definition */
    YOLO9_BT709_FULL = 3
};

/* Pixels are read where they lie, at yolo9_detect or yolo9_input_prepare, and are not needed afterwards. */
struct yolo9_picture {
    size_t size;       /* sizeof(struct yolo9_picture) */
    int format;        /* enum yolo9_format */
    int colour;        /* enum yolo9_colour, of NV12 and I420 */
    int height, width; /* pixels: sides up to 65535, 2^28 in all; not looked at for YOLO9_ENCODED and YOLO9_FILE */
    const void *plane[3];
    size_t stride[3];     /* bytes from a row to the next, of each plane; 0: rows without gaps */
    size_t bytes;         /* of YOLO9_ENCODED */
    int64_t mark;         /* the caller's own (number or time of a frame ...); comes back in the result */
    uint64_t reserved[6]; /* 0 */
};

/* A box in pixels of the picture: corners (x1, y1) and (x2, y2), not rounded, clipped to the picture. */
struct yolo9_detection {
    float x1, y1, x2, y2;
    float score; /* probability of the class */
    int class_index;
    int64_t track; /* number of the object from picture to picture; 0: objects are not followed (no version does yet) */
    uint32_t reserved[4];
};

/* What was found in a picture. Owned by the detector, until its next run. */
struct yolo9_result {
    const struct yolo9_detection *detections; /* by falling score */
    int count;
    int height, width;             /* of the picture as it stands upright, in whose pixels the boxes are */
    int input_height, input_width; /* of the network's input that it was brought to */
    int64_t mark;                  /* of the picture */
    /* Seconds: reading and decoding; letterbox; network (a batch: its share); decode, NMS and the way back. */
    double read_seconds, letterbox_seconds, network_seconds, boxes_seconds;
};

/* Find objects in `count` pictures, an array of structures of pictures[0].size. One that cannot be read fails all of
 * them; prepare them one by one where the others should go on. */
YOLO9_API int yolo9_detect(struct yolo9_detector *detector, const struct yolo9_picture *pictures, int count);

/* Of picture `index` of the last run; NULL: there is none (the run failed, or had fewer pictures). */
YOLO9_API const struct yolo9_result *yolo9_detector_result(const struct yolo9_detector *detector, int index);

/* The same in two steps, so that pictures are made ready in some threads while the network runs in another.
 * *input NULL: a new one, else its memory is used again. It fits the detector it was made with, and others over the
 * same weights whose size and rect are equal. After a failure it is empty. */
YOLO9_API int yolo9_input_prepare(const struct yolo9_detector *detector, const struct yolo9_picture *picture,
                                  struct yolo9_input **input);
YOLO9_API void yolo9_input_close(struct yolo9_input *input);
YOLO9_API int yolo9_run(struct yolo9_detector *detector, struct yolo9_input *const *inputs, int count);

/* --- tensors: inputs that were letterboxed elsewhere --- */

enum yolo9_type {
    YOLO9_UINT8 = 0,      /* 0 to 255 */
    YOLO9_FLOAT32 = 1,    /* 0 to 1 */
    YOLO9_FLOAT32_255 = 2 /* 0 to 255 */
};
enum yolo9_layout { YOLO9_NCHW = 0, YOLO9_NHWC = 1 };

struct yolo9_tensor {
    size_t size;          /* sizeof(struct yolo9_tensor) */
    const void *data;     /* count x 3 channels x height x width values without gaps, aligned for their type */
    int type;             /* enum yolo9_type */
    int layout;           /* enum yolo9_layout */
    int order;            /* of the channels: YOLO9_RGB or YOLO9_BGR */
    int count;            /* pictures */
    int height, width;    /* the detector's input; with `rect` multiples of the stride up to it */
    uint64_t reserved[6]; /* 0 */
};

/* Boxes, by yolo9_detector_result, in pixels of the tensor. */
YOLO9_API int yolo9_detect_tensor(struct yolo9_detector *detector, const struct yolo9_tensor *tensor);

/* The decoded output without NMS: count x (4 + classes) x points floats, as exported networks give it: rows of centre
 * x, centre y, width, height in pixels of the tensor, then a row of scores a class (of heads with an objectness: times
 * it). `floats` is the room in `output`; too little is YOLO9_E_ARGUMENT. There are no results then. */
YOLO9_API int yolo9_decode_tensor(struct yolo9_detector *detector, const struct yolo9_tensor *tensor, float *output,
                                  size_t floats);
/* Points for an input of that size (0, 0: the detector's own); negative: a failure. */
YOLO9_API int yolo9_points(const struct yolo9_detector *detector, int height, int width);

/* --- short ways to fill a structure: compiled into the program, with its size --- */

static inline void yolo9_options_init(struct yolo9_options *options)
{
    yolo9_options_defaults(options, sizeof *options);
}

static inline void yolo9_weights_options_init(struct yolo9_weights_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
}

/* Everything 0 but the size: what is left is RGB, and has to be given planes, height and width. */
static inline void yolo9_picture_init(struct yolo9_picture *picture)
{
    memset(picture, 0, sizeof *picture);
    picture->size = sizeof *picture;
}

static inline void yolo9_tensor_init(struct yolo9_tensor *tensor)
{
    memset(tensor, 0, sizeof *tensor);
    tensor->size = sizeof *tensor;
}

static inline struct yolo9_picture yolo9_picture_file(const char *path)
{
    struct yolo9_picture picture;
    yolo9_picture_init(&picture);
    picture.format = YOLO9_FILE;
    picture.plane[0] = path;
    return picture;
}

static inline struct yolo9_picture yolo9_picture_encoded(const void *data, size_t bytes)
{
    struct yolo9_picture picture;
    yolo9_picture_init(&picture);
    picture.format = YOLO9_ENCODED;
    picture.plane[0] = data;
    picture.bytes = bytes;
    return picture;
}

/* Of a format with one plane; stride 0: rows without gaps. */
static inline struct yolo9_picture yolo9_picture_pixels(int format, const void *pixels, int height, int width,
                                                        size_t stride)
{
    struct yolo9_picture picture;
    yolo9_picture_init(&picture);
    picture.format = format;
    picture.plane[0] = pixels;
    picture.height = height;
    picture.width = width;
    picture.stride[0] = stride;
    return picture;
}

#ifdef __cplusplus
}
#endif
#endif
