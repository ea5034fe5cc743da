/* own_names WEIGHTS: a program of another project, with functions that have the names of functions inside the library.
 * It prints how many boxes it finds in a drawn picture and the first of them. */
#include "yolo9.h"

#include <stdio.h>
#include <stdlib.h>

/* Were one of these called by the library in place of its own, nothing would work: each counts its calls. */
static int calls;

#define OWN(name)       \
    int name(void);     \
    int name(void)      \
    {                   \
        return ++calls; \
    }

OWN(detect)
OWN(sigmoid)
OWN(concat)
OWN(fail)
OWN(mem_alloc)
OWN(mem_free)
OWN(file_read)
OWN(log_warn)
OWN(kernels_for)
OWN(net_create)
OWN(nms)
OWN(weights_load)

int main(int argc, char **argv)
{
    enum { SIDE = 64 };
    static unsigned char rgb[3 * SIDE * SIDE];
    struct yolo9_options options;
    if (argc != 2)
        return 2;
    for (unsigned i = 0; i < sizeof rgb; i++)
        rgb[i] = (unsigned char)(i * 2654435761u >> 24);
    yolo9_options_init(&options);
    options.height = options.width = SIDE;
    options.confidence = 1e-6;
    struct yolo9_weights *weights = yolo9_weights_open(argv[1], NULL);
    struct yolo9_detector *detector = yolo9_detector_open(weights, &options);
    const struct yolo9_picture picture = yolo9_picture_pixels(YOLO9_RGB, rgb, SIDE, SIDE, 0);
    yolo9_detect(detector, &picture, 1);
    const struct yolo9_result *r = yolo9_detector_result(detector, 0);
    if (!r || !r->count) {
        fprintf(stderr, "%s\n", yolo9_error());
        return 1;
    }
    const struct yolo9_detection *d = &r->detections[0];
    printf("%d boxes, %a %a %a %a %a\n", r->count, (double)d->score, (double)d->x1, (double)d->y1, (double)d->x2,
           (double)d->y2);
    yolo9_detector_close(detector);
    yolo9_weights_close(weights);
    if (calls) {
        fprintf(stderr, "the library called %d of the program's own functions\n", calls);
        return 1;
    }
    return detect() + sigmoid() + concat() == 6 ? 0 : 1;
}
