#include "lab/study_parts.h"

#include <math.h>

double study_map(const struct study_result *r)
{
    return r->map;
}

double study_map50(const struct study_result *r)
{
    return r->map50;
}

double study_small(const struct study_result *r)
{
    return r->ap[STUDY_SMALL];
}

double study_medium(const struct study_result *r)
{
    return r->ap[STUDY_MEDIUM];
}

double study_large(const struct study_result *r)
{
    return r->ap[STUDY_LARGE];
}

double study_late_map(const struct study_result *r)
{
    return r->late_map;
}

double study_best_map(const struct study_result *r)
{
    return r->best_map;
}

struct study_mean study_mean(const struct study *s, int line, study_value *value)
{
    struct study_mean m = {0};
    double sum = 0, squares = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int seed = 0; seed < s->config.seeds; seed++) {
            const struct study_run *r = &s->runs[line * s->config.seeds + seed];
            const double x = r->state == STUDY_DONE ? value(&r->result) : NAN;
            if (isnan(x))
                continue;
            m.n += pass == 0;
            sum += pass == 0 ? x : 0;
            squares += pass == 1 ? (x - m.mean) * (x - m.mean) : 0;
        }
        m.mean = m.n ? sum / m.n : NAN;
    }
    m.deviation = m.n > 1 ? sqrt(squares / (m.n - 1)) : 0;
    return m;
}
