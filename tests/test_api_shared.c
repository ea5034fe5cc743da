/* Many detectors over one set of weights: they share what is large, work in threads of their own, and come and go. */
#include "api/api.h"
#include "core/file.h"
#include "support/folder.h"
#include "support/shared.h"
#include "support/unit.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>

enum { H = 60, W = 90, PICTURES = 6 };

static unsigned char pixels[PICTURES][H * W * 3];

static int make_files(void **state)
{
    for (int i = 0; i < PICTURES; i++)
        for (unsigned k = 0; k < sizeof pixels[i]; k++)
            pixels[i][k] = (unsigned char)((k + (unsigned)i * 977) * 2654435761u >> 24);
    if (folder_make(state))
        return -1;
    draw_weights(folder_path("w.safetensors"));
    return 0;
}

static struct yolo9_detector *open_at(struct yolo9_weights *w, int side, int rect, int threads, double confidence)
{
    struct yolo9_options o;
    yolo9_options_init(&o);
    o.height = o.width = side;
    o.rect = rect;
    o.confidence = confidence;
    o.threads = threads;
    struct yolo9_detector *d = yolo9_detector_open(w, &o);
    if (!d)
        print_error("%s\n", yolo9_error());
    return d;
}

static struct yolo9_detector *open_detector(struct yolo9_weights *w, int side, int rect, int threads)
{
    return open_at(w, side, rect, threads, 1e-6);
}

static struct yolo9_picture picture(int i)
{
    return yolo9_picture_pixels(YOLO9_RGB, pixels[i], H, W, 0);
}

/* A number that two runs share only if all their boxes are equal. */
static uint64_t digest(struct yolo9_detector *d, int i)
{
    const struct yolo9_picture p = picture(i);
    uint64_t sum = 14695981039346656037u;
    if (yolo9_detect(d, &p, 1) != YOLO9_OK)
        return 0;
    const struct yolo9_result *r = yolo9_detector_result(d, 0);
    const unsigned char *bytes = (const unsigned char *)r->detections;
    for (size_t k = 0; k < (size_t)r->count * sizeof *r->detections; k++)
        sum = (sum ^ bytes[k]) * 1099511628211u;
    return r->count ? sum : 0;
}

static uint64_t digest_alone(int side, int rect, int i)
{
    struct yolo9_weights *w = yolo9_weights_open(folder_path("w.safetensors"), NULL);
    struct yolo9_detector *d = open_detector(w, side, rect, 1);
    const uint64_t sum = digest(d, i);
    assert_true(sum != 0);
    yolo9_detector_close(d);
    yolo9_weights_close(w);
    return sum;
}

#if !defined(__SANITIZE_ADDRESS__) /* which has an allocator of its own */
static size_t allocated(void)
{
    const struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}
#endif

static void a_second_detector_costs_its_arena(void **state)
{
    (void)state;
    struct yolo9_weights *w = yolo9_weights_open(folder_path("w.safetensors"), NULL);
    struct yolo9_detector *first = open_at(w, 640, 0, 1, 0.25);
    assert_non_null(first);
    const size_t packed = net_packed_bytes(detector_net(first->detector));
    assert_true(w->gone); /* given up: there is one copy, the packed one */
#if !defined(__SANITIZE_ADDRESS__)
    const size_t before = allocated();
#endif
    struct yolo9_detector *second = open_at(w, 640, 0, 1, 0.25);
    assert_non_null(second);
    const uint64_t sum = digest(second, 0);
#if !defined(__SANITIZE_ADDRESS__)
    const size_t more = allocated() - before, arena = net_arena_bytes(detector_net(second->detector));
    print_message("arena %zu kB, a second detector %zu kB, packed weights %zu kB\n", arena / 1024, more / 1024,
                  packed / 1024);
    assert_true(more <= arena * 12 / 10);
#endif
    assert_int_equal(net_packed_bytes(detector_net(second->detector)), packed);
    assert_true(sum == digest(first, 0));
    yolo9_detector_close(first);
    assert_true(sum == digest(second, 0));
    yolo9_weights_close(w);
    assert_true(sum == digest(second, 0));
    yolo9_detector_close(second);
}

/* Values that were given up are read again, for another size, and for rectangles, which keep them. */
static void other_forms_need_the_file_again(void **state)
{
    (void)state;
    struct yolo9_weights *w = yolo9_weights_open(folder_path("w.safetensors"), NULL);
    struct yolo9_detector *d = open_detector(w, 64, 0, 1), *larger = open_detector(w, 96, 0, 1);
    struct yolo9_detector *rect = open_detector(w, 96, 1, 1);
    assert_false(w->gone);
    struct yolo9_detector *again = open_detector(w, 64, 0, 2);
    assert_false(w->gone); /* the rectangles read them */
    assert_true(digest(d, 1) == digest_alone(64, 0, 1));
    assert_true(digest(again, 1) == digest_alone(64, 0, 1));
    assert_true(digest(larger, 1) == digest_alone(96, 0, 1));
    assert_true(digest(rect, 1) == digest_alone(96, 1, 1));
    yolo9_detector_close(rect);
    assert_true(w->gone);
    assert_true(digest(larger, 2) == digest_alone(96, 0, 2));
    yolo9_detector_close(d);
    yolo9_detector_close(larger);
    yolo9_detector_close(again);
    yolo9_weights_close(w);
}

static void a_file_that_changed_is_refused(void **state)
{
    (void)state;
    struct buf bytes = {0};
    assert_ok(file_read(folder_path("w.safetensors"), 1 << 30, &bytes));
    assert_ok(file_write(folder_path("other"), bytes.data, bytes.size));
    struct yolo9_weights *w = yolo9_weights_open(folder_path("other"), NULL);
    struct yolo9_detector *d = open_detector(w, 64, 0, 1);
    assert_non_null(d);
    assert_ok(file_write(folder_path("other"), bytes.data, bytes.size));
    const struct timeval then[2] = {{1, 0}, {1, 0}};
    assert_int_equal(utimes(folder_path("other"), then), 0);
    struct yolo9_options o;
    yolo9_options_init(&o);
    o.height = o.width = 256;
    o.rect = 1;
    assert_null(yolo9_detector_open(w, &o));
    assert_non_null(strstr(yolo9_error(), "has changed"));
    struct yolo9_detector *same = open_detector(w, 64, 0, 1); /* needs no file */
    assert_non_null(same);
    assert_true(digest(d, 0) == digest(same, 0));
    yolo9_detector_close(same);
    yolo9_detector_close(d);
    yolo9_weights_close(w);
    w = yolo9_weights_open_memory(bytes.data, bytes.size, NULL);
    memset(bytes.data, 0, bytes.size); /* not needed any more */
    buf_free(&bytes);
    d = open_detector(w, 64, 0, 1);
    same = open_detector(w, 96, 0, 1);
    assert_true(digest(d, 3) == digest_alone(64, 0, 3));
    assert_true(digest(same, 3) == digest_alone(96, 0, 3));
    yolo9_detector_close(same);
    yolo9_detector_close(d);
    yolo9_weights_close(w);
}

/* --- threads --- */

struct worker {
    struct yolo9_weights *weights;
    int rect;
    uint64_t sums[PICTURES];
};

static void *work(void *context)
{
    struct worker *me = context;
    struct yolo9_detector *d = open_detector(me->weights, 64, me->rect, 1);
    for (int i = 0; i < PICTURES && d; i++)
        me->sums[i] = digest(d, i);
    yolo9_detector_close(d);
    return NULL;
}

static void detectors_in_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct worker workers[THREADS] = {0};
    struct yolo9_weights *w = yolo9_weights_open(folder_path("w.safetensors"), NULL);
    for (int t = 0; t < THREADS; t++) {
        workers[t] = (struct worker){.weights = w, .rect = t % 2};
        assert_int_equal(pthread_create(&threads[t], NULL, work, &workers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < PICTURES; i++)
            assert_true(workers[t].sums[i] == digest_alone(64, t % 2, i));
    yolo9_weights_close(w);
}

struct preparation {
    const struct yolo9_detector *detector;
    struct yolo9_input *inputs[PICTURES];
    _Atomic int ready; /* inputs that are */
};

static void *prepare(void *context)
{
    struct preparation *me = context;
    for (int i = 0; i < PICTURES; i++) {
        const struct yolo9_picture p = picture(i);
        if (yolo9_input_prepare(me->detector, &p, &me->inputs[i]) != YOLO9_OK)
            break;
        me->ready = i + 1;
    }
    return NULL;
}

static void preparing_beside_the_run(void **state)
{
    (void)state;
    pthread_t thread;
    struct yolo9_weights *w = yolo9_weights_open(folder_path("w.safetensors"), NULL);
    struct yolo9_detector *d = open_detector(w, 64, 0, 1), *other = open_detector(w, 64, 0, 1);
    struct preparation p = {.detector = d};
    assert_int_equal(pthread_create(&thread, NULL, prepare, &p), 0);
    for (int i = 0; i < PICTURES; i++) {
        while (p.ready <= i) {
        }
        assert_int_equal(yolo9_run(d, &p.inputs[i], 1), YOLO9_OK);
        const struct yolo9_picture direct = picture(i);
        assert_int_equal(yolo9_detect(other, &direct, 1), YOLO9_OK);
        const struct yolo9_result *r = yolo9_detector_result(d, 0), *s = yolo9_detector_result(other, 0);
        assert_int_equal(r->count, s->count);
        assert_memory_equal(r->detections, s->detections, (size_t)r->count * sizeof *r->detections);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    struct yolo9_detector *larger = open_detector(w, 96, 0, 1);
    assert_int_equal(yolo9_run(larger, p.inputs, 1), YOLO9_E_ARGUMENT); /* made for another size */
    for (int i = 0; i < PICTURES; i++)
        yolo9_input_close(p.inputs[i]);
    yolo9_detector_close(larger);
    yolo9_detector_close(other);
    yolo9_detector_close(d);
    yolo9_weights_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_detector_costs_its_arena), cmocka_unit_test(other_forms_need_the_file_again),
        cmocka_unit_test(a_file_that_changed_is_refused),    cmocka_unit_test(detectors_in_threads),
        cmocka_unit_test(preparing_beside_the_run),
    };
    return cmocka_run_group_tests(tests, make_files, folder_remove);
}
