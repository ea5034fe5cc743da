/* Frames as a camera or a decoder gives them:  stream WEIGHTS HEIGHT WIDTH <frames.nv12  reads NV12 frames from
 * standard input, one after the other, and prints what is in each. A second thread reads and prepares the next frame
 * while the network is at this one. Try:  ffmpeg -i film.mp4 -f rawvideo -pix_fmt nv12 - | stream WEIGHTS 720 1280 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <yolo9.h>

struct feed {
    const struct yolo9_detector *detector;
    struct yolo9_input *input; /* the frame that was prepared last */
    unsigned char *bytes;
    int height, width, number, code; /* code 1: there are no more frames */
};

static void *prepare_next(void *context)
{
    struct feed *f = (struct feed *)context;
    const size_t light = (size_t)f->height * (size_t)f->width;
    const size_t colour = (size_t)((f->height + 1) / 2) * (size_t)((f->width + 1) / 2) * 2;
    f->code = 1;
    if (fread(f->bytes, 1, light + colour, stdin) != light + colour)
        return NULL;
    struct yolo9_picture frame = yolo9_picture_pixels(YOLO9_NV12, f->bytes, f->height, f->width, 0);
    frame.plane[1] = f->bytes + light;
    frame.mark = f->number++;
    f->code = yolo9_input_prepare(f->detector, &frame, &f->input);
    return NULL;
}

static void print_boxes(const struct yolo9_result *r, const struct yolo9_weights *weights)
{
    printf("frame %lld: %d\n", (long long)r->mark, r->count);
    for (int i = 0; i < r->count; i++) {
        const struct yolo9_detection *d = &r->detections[i];
        printf("  %s %.3f  %.1f %.1f %.1f %.1f\n", yolo9_weights_class_name(weights, d->class_index), (double)d->score,
               (double)d->x1, (double)d->y1, (double)d->x2, (double)d->y2);
    }
}

int main(int argc, char **argv)
{
    struct feed feed = {NULL, NULL, NULL, argc > 3 ? atoi(argv[2]) : 0, argc > 3 ? atoi(argv[3]) : 0, 0, 0};
    if (argc != 4 || feed.height < 1 || feed.width < 1 || feed.height > 16384 || feed.width > 16384) {
        fprintf(stderr, "usage: %s WEIGHTS HEIGHT WIDTH <frames.nv12\n", argv[0]);
        return 2;
    }
    struct yolo9_weights *weights = yolo9_weights_open(argv[1], NULL);
    struct yolo9_detector *detector = weights ? yolo9_detector_open(weights, NULL) : NULL;
    feed.detector = detector;
    feed.bytes = (unsigned char *)malloc((size_t)(feed.height + 1) * (size_t)(feed.width + 1) * 2);
    int code = detector && feed.bytes ? YOLO9_OK : YOLO9_E_MEMORY;
    if (code == YOLO9_OK)
        prepare_next(&feed);
    while (code == YOLO9_OK && feed.code == YOLO9_OK) {
        pthread_t thread;
        struct yolo9_input *now = feed.input;
        feed.input = NULL;
        const int started = pthread_create(&thread, NULL, prepare_next, &feed) == 0;
        code = yolo9_run(detector, &now, 1);
        if (code == YOLO9_OK)
            print_boxes(yolo9_detector_result(detector, 0), weights);
        if (started)
            pthread_join(thread, NULL);
        yolo9_input_close(now);
    }
    if (code != YOLO9_OK || feed.code < 0)
        fprintf(stderr, "%s\n", yolo9_error());
    yolo9_input_close(feed.input);
    yolo9_detector_close(detector);
    yolo9_weights_close(weights);
    free(feed.bytes);
    return code != YOLO9_OK || feed.code < 0;
}
