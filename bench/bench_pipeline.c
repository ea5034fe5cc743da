/* What stands around the network: what docs/notebook/pipeline.md quotes.
 *
 *   bench_pipeline steps WEIGHTS PICTURES...   medians of reading, letterbox, network, and decode + NMS as validation
 *                                              asks for them (every class above 0.001, 300 a picture); one thread
 *   bench_pipeline start COMMAND...            the command 20 times: wall clock from fork to exit, peak memory */
#include "core/clock.h"
#include "core/mem.h"
#include "core/terminal.h"
#include "detect/detector.h"
#include "detect/sources.h"
#include "image/decode.h"
#include "weights/weights.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 4, STARTS = 20 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_row(const char *name, double *seconds, int n)
{
    qsort(seconds, (size_t)n, sizeof *seconds, by_value);
    printf("%-12s median %8.3f ms, min %8.3f, max %8.3f\n", name, 1e3 * seconds[n / 2], 1e3 * seconds[0],
           1e3 * seconds[n - 1]);
}

static enum status run_picture(struct detector *d, const char *path, double *read, double *letterbox,
                               struct detector_times *times)
{
    enum status rc = OK;
    struct image photo = {0};
    struct detector_input input = {.pixels = {0}};
    const struct detection *detections;
    int n;
    double start = clock_seconds();
    TRY_CLEAN(image_read(path, &photo));
    *read = clock_seconds() - start;
    start = clock_seconds();
    const struct pixels seen = pixels_of_image(&photo);
    TRY_CLEAN(detector_prepare(d, &seen, &input));
    *letterbox = clock_seconds() - start;
    TRY_CLEAN(detector_run(d, &input, &detections, &n, times));
cleanup:
    image_free(&photo);
    detector_input_free(&input);
    return rc;
}

static enum status steps(const char *path, char *const *pictures, int n_pictures)
{
    static const char *const names[STEPS] = {"read", "letterbox", "network", "decode, NMS"};
    enum status rc = OK;
    struct weights w = {.nc = 0};
    struct sources s = {.count = 0};
    struct detector *d = NULL;
    const struct detector_config config = {
        .h = 640, .w = 640, .conf = 0.001f, .iou = 0.7, .max_det = 300, .multi_label = true};
    double *seconds = NULL;
    TRY_CLEAN(sources_expand(pictures, n_pictures, false, &s));
    TRY_CLEAN(weights_load(path, NULL, &w, NULL));
    if (w.params)
        TRY_CLEAN(weights_deploy(&w));
    TRY_CLEAN(detector_create(&w.deployed, w.deployed_params, &config, &d));
    seconds = mem_calloc((size_t)s.count * STEPS, sizeof *seconds);
    TRY_CLEAN(seconds ? OK : E_NOMEM);
    for (int i = -1; i < s.count; i++) { /* the first picture twice: packing and page faults do not count */
        double *of[STEPS], read, letterbox;
        struct detector_times times = {.net = 0};
        for (int k = 0; k < STEPS; k++)
            of[k] = &seconds[k * s.count + MAX(i, 0)];
        TRY_CLEAN(run_picture(d, s.paths[MAX(i, 0)], &read, &letterbox, &times));
        *of[0] = read;
        *of[1] = letterbox;
        *of[2] = times.net;
        *of[3] = times.nms;
    }
    for (int k = 0; k < STEPS; k++)
        print_row(names[k], seconds + k * s.count, s.count);
cleanup:
    mem_free(seconds);
    detector_destroy(d);
    weights_free(&w);
    sources_free(&s);
    return rc;
}

static enum status start_once(char **command, double *seconds, long *peak_kb)
{
    struct rusage usage;
    int code;
    double start = clock_seconds();
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(null, 2);
        execvp(command[0], command);
        _exit(127);
    }
    if (child < 0 || wait4(child, &code, 0, &usage) != child)
        return fail_errno("%s", command[0]);
    *seconds = clock_seconds() - start;
    *peak_kb = MAX(*peak_kb, usage.ru_maxrss);
    return code ? fail(E_IO, "%s failed", command[0]) : OK;
}

static enum status starts(char **command)
{
    double seconds[STARTS];
    long peak_kb = 0;
    for (int i = 0; i < STARTS; i++)
        TRY(start_once(command, &seconds[i], &peak_kb));
    print_row("start", seconds, STARTS);
    printf("peak %.1f MB\n", (double)peak_kb / 1024);
    return OK;
}

int main(int argc, char **argv)
{
    log_set_sink(terminal_log, NULL);
    enum status rc;
    if (argc >= 4 && !strcmp(argv[1], "steps")) {
        rc = steps(argv[2], argv + 3, argc - 3);
    } else if (argc >= 3 && !strcmp(argv[1], "start")) {
        rc = starts(argv + 2);
    } else {
        fprintf(stderr, "usage: bench_pipeline steps WEIGHTS PICTURES... | start COMMAND...\n");
        return 2;
    }
    if (rc != OK)
        fprintf(stderr, "bench_pipeline: %s\n", fail_text());
    return rc != OK;
}
