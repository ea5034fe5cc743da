/* What bench_inference.c and bench_train.c share. */
#include "cli/bench.h"

#include <stdlib.h>
#include <sys/resource.h>

enum status bench_load(const struct options *o, struct weights *w)
{
    const char *path = option_string(o, "weights"), *cfg = option_string(o, "cfg");
    if (path)
        return weights_load(path, cfg, w, NULL);
    if (cfg)
        return weights_random(cfg, option_int(o, "nc"), 0, w);
    return fail(E_USAGE, "--weights or --cfg is needed");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double bench_median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double bench_peak_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}
