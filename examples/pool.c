/* A pool of threads over one set of weights:  pool WEIGHTS THREADS PICTURE...  Each thread has a detector of its own,
 * which shares the weights with the others and works with one processor: more pictures in a second than one detector
 * on all processors, and each of them takes longer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <yolo9.h>

struct work {
    struct yolo9_weights *weights;
    char **paths;
    int count, next, failed;
    pthread_mutex_t lock; /* of next, failed and standard output */
};

static int take(struct work *w)
{
    pthread_mutex_lock(&w->lock);
    const int i = w->next < w->count ? w->next++ : -1;
    pthread_mutex_unlock(&w->lock);
    return i;
}

static void tell(struct work *w, const char *path, const struct yolo9_result *r)
{
    pthread_mutex_lock(&w->lock);
    if (r)
        printf("%s: %d objects, %.1f ms\n", path, r->count, 1e3 * r->network_seconds);
    else
        fprintf(stderr, "%s\n", yolo9_error());
    w->failed += !r;
    pthread_mutex_unlock(&w->lock);
}

static void *worker(void *context)
{
    struct work *w = (struct work *)context;
    struct yolo9_options options;
    yolo9_options_init(&options);
    options.threads = 1;
    struct yolo9_detector *detector = yolo9_detector_open(w->weights, &options);
    if (!detector) {
        tell(w, "", NULL);
        return NULL;
    }
    for (int i = take(w); i >= 0; i = take(w)) {
        struct yolo9_picture picture = yolo9_picture_file(w->paths[i]);
        yolo9_detect(detector, &picture, 1);
        tell(w, w->paths[i], yolo9_detector_result(detector, 0));
    }
    yolo9_detector_close(detector);
    return NULL;
}

int main(int argc, char **argv)
{
    enum { MOST = 64 };
    pthread_t threads[MOST];
    int n = argc > 3 ? atoi(argv[2]) : 0, started = 0;
    if (n < 1 || n > MOST) {
        fprintf(stderr, "usage: %s WEIGHTS THREADS PICTURE...   (1 to %d threads)\n", argv[0], MOST);
        return 2;
    }
    struct work work = {yolo9_weights_open(argv[1], NULL), argv + 3, argc - 3, 0, 0, PTHREAD_MUTEX_INITIALIZER};
    if (!work.weights) {
        fprintf(stderr, "%s\n", yolo9_error());
        return 1;
    }
    while (started < n && pthread_create(&threads[started], NULL, worker, &work) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    yolo9_weights_close(work.weights);
    return work.failed > 0 || work.next < work.count;
}
