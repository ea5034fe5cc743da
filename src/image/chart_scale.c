/* Ranges of axes and their ticks. */
#include "image/chart_plot.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

bool axis_usable(const struct axis *a, double v)
{
    return isfinite(v) && (!a->logarithmic || v > 0);
}

double series_x(const struct series *s, int i)
{
    return s->x ? s->x[i] : i;
}

/* Width of a bar in units of x: given, or four fifths of the smallest step. */
double series_bar_width(const struct series *s)
{
    double step = DBL_MAX;
    for (int i = 1; i < s->n; i++) {
        double d = fabs(series_x(s, i) - series_x(s, i - 1));
        if (d > 0)
            step = MIN(step, d);
    }
    return s->width > 0 ? s->width : step < DBL_MAX ? 0.8 * step : 0.8;
}

static void widen(double v, double range[2])
{
    range[0] = MIN(range[0], v);
    range[1] = MAX(range[1], v);
}

static void data_range(const struct chart *c, bool vertical, double range[2])
{
    const struct axis *a = vertical ? &c->y : &c->x;
    range[0] = DBL_MAX;
    range[1] = -DBL_MAX;
    for (int k = 0; k < c->n_series; k++) {
        const struct series *s = &c->series[k];
        double half = s->style == SERIES_BARS && !vertical ? series_bar_width(s) / 2 : 0;
        for (int i = 0; i < s->n; i++) {
            double x = series_x(s, i), y = s->y[i];
            if (!axis_usable(&c->x, x) || !axis_usable(&c->y, y))
                continue;
            widen((vertical ? y : x) - half, range);
            widen((vertical ? y : x) + half, range);
            if (s->style == SERIES_BARS && vertical && !a->logarithmic)
                widen(0, range);
        }
    }
    if (range[0] > range[1]) {
        range[0] = a->logarithmic ? 0.1 : 0;
        range[1] = 1;
    }
}

void axis_scale(const struct chart *c, bool vertical, struct scale *s)
{
    const struct axis *a = vertical ? &c->y : &c->x;
    double range[2];
    s->logarithmic = a->logarithmic;
    s->whole = a->whole;
    if (a->low < a->high) {
        s->low = a->low;
        s->high = a->high;
        return;
    }
    data_range(c, vertical, range);
    if (a->names) {
        widen(-0.5, range);
        widen(a->n_names - 0.5, range);
    }
    if (a->logarithmic) {
        s->low = pow(10, floor(log10(range[0]) + 1e-9));
        s->high = pow(10, ceil(log10(range[1]) - 1e-9));
        if (s->low >= s->high)
            s->high = s->low * 10;
        return;
    }
    if (range[0] == range[1] && a->whole) {
        range[0] -= 0.5;
        range[1] += 0.5;
    } else if (range[0] == range[1]) {
        double room = fabs(range[0]) * 0.1;
        range[0] -= room;
        range[1] += range[0] != 0 ? room : 1;
    } else if (!a->names) {
        double room = (range[1] - range[0]) * (vertical ? 0.05 : 0.02);
        bool from_zero = range[0] == 0, to_zero = range[1] == 0;
        range[0] -= from_zero ? 0 : room;
        range[1] += to_zero ? 0 : room;
    }
    s->low = range[0];
    s->high = range[1];
}

double scale_place(const struct scale *s, double v)
{
    if (s->logarithmic)
        return (log10(v) - log10(s->low)) / (log10(s->high) - log10(s->low));
    return (v - s->low) / (s->high - s->low);
}

/* 1, 2, 2.5 or 5 times a power of ten. */
static double tick_step(double range, int wanted)
{
    double raw = range / MAX(wanted, 1), unit = pow(10, floor(log10(raw)));
    double ratio = raw / unit;
    return unit * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 2.5 ? 2.5 : ratio <= 5 ? 5 : 10);
}

/* So many that neighbours differ: 0.06704, 0.06705. */
static int tick_digits(double v, double step)
{
    int digits = (int)(floor(log10(fabs(v))) - floor(log10(step))) + 2;
    return MIN(MAX(digits, 3), 15);
}

static void tick_text(double v, double step, char text[64])
{
    if (fabs(v) < step * 1e-6)
        snprintf(text, 64, "0");
    else if (fabs(v) >= 1e6 || step < 1e-5)
        snprintf(text, 64, "%.*g", tick_digits(v, step), v);
    else {
        int decimals = (int)MAX(0.0, ceil(-log10(step) - 1e-9));
        if (fabs(step * pow(10, decimals) - rint(step * pow(10, decimals))) > 1e-6)
            decimals++; /* steps of 2.5 */
        snprintf(text, 64, "%.*f", decimals, v);
    }
}

int axis_ticks(const struct scale *s, int wanted, struct tick ticks[MAX_TICKS])
{
    int n = 0;
    if (s->logarithmic) {
        int first = (int)ceil(log10(s->low) - 1e-9), last = (int)floor(log10(s->high) + 1e-9);
        int stride = MAX(1, (last - first) / MAX(wanted, 1));
        for (int e = first - (last - first < 2); e <= last && n < MAX_TICKS - 3; e += stride) {
            /* few decades: 1, 2 and 5 of each */
            for (int step = 1; step <= (last - first < 2 ? 5 : 1); step += 1 + (step > 1) * 2) {
                ticks[n].value = step * pow(10, e);
                if (ticks[n].value < s->low * (1 - 1e-9) || ticks[n].value > s->high * (1 + 1e-9))
                    continue;
                if (e >= -3 && e <= 5)
                    snprintf(ticks[n++].text, sizeof ticks->text, "%.*f", MAX(-e, 0), step * pow(10, e));
                else
                    snprintf(ticks[n++].text, sizeof ticks->text, "%de%d", step, e);
            }
        }
        return n;
    }
    double step = tick_step(s->high - s->low, wanted);
    if (s->whole)
        step = MAX(rint(step), 1.0);
    for (double i = ceil(s->low / step - 1e-9); i * step <= s->high + step * 1e-9 && n < MAX_TICKS; i++) {
        ticks[n].value = i * step;
        tick_text(i * step, step, ticks[n++].text);
    }
    return n;
}
