#include "lab/activation_inverse.h"

#include "core/status.h"
#include "kernels/c/act_inline.h"

/* Beyond it N(0, 1) has nothing, and SiLU's derivative is 0 in float32. */
#define REACH 10.0f

static double density(double z)
{
    return exp(-0.5 * z * z);
}

static int direction(enum act act, float z)
{
    const float d = act_derivative(z, act);
    return d > 0 ? 1 : d < 0 ? -1 : 0;
}

static void close_piece(struct activation_inverse *inverse, float low, float high, bool flat)
{
    struct activation_piece *p = &inverse->piece[inverse->n++];
    double sum = 0, moment = 0;
    const int parts = 4096;
    *p = (struct activation_piece){low, high, act_value(low, inverse->act), act_value(high, inverse->act), flat, 0};
    for (int i = 0; i < parts; i++) {
        const double z = low + (high - low) * (i + 0.5) / parts;
        sum += density(z);
        moment += z * density(z);
    }
    p->mean = moment / sum;
}

struct activation_inverse activation_inverse_of(enum act act)
{
    enum { STEPS = 1 << 15 };
    struct activation_inverse inverse = {.act = act};
    const float step = 2 * REACH / STEPS;
    float low = -REACH;
    int now = direction(act, -REACH + step / 2);
    for (int i = 1; i < STEPS && inverse.n < ACTIVATION_PIECES - 1; i++) {
        const int next = direction(act, -REACH + step * ((float)i + 0.5f));
        if (next == now)
            continue;
        close_piece(&inverse, low, -REACH + step * (float)i, now == 0);
        low = -REACH + step * (float)i;
        now = next;
    }
    close_piece(&inverse, low, REACH, now == 0);
    return inverse;
}

bool activation_invertible(const struct activation_inverse *inverse)
{
    int up = 0, down = 0, flat = 0;
    for (int i = 0; i < inverse->n; i++) {
        const struct activation_piece *p = &inverse->piece[i];
        up += !p->flat && p->y_high > p->y_low;
        down += !p->flat && p->y_high < p->y_low;
        flat += p->flat;
    }
    return !flat && !(up && down);
}

/* The z of the piece whose value is y, which lies between those of its ends. */
static double solve(const struct activation_inverse *inverse, const struct activation_piece *p, double y)
{
    double low = p->low, high = p->high;
    const bool up = p->y_high > p->y_low;
    for (int i = 0; i < 40; i++) {
        const double middle = (low + high) / 2;
        const bool above = (double)act_value((float)middle, inverse->act) > y;
        if (above == up)
            high = middle;
        else
            low = middle;
    }
    return (low + high) / 2;
}

/* The end of a piece whose value is nearest. */
static double nearest(const struct activation_inverse *inverse, double y)
{
    double best = INFINITY, z = 0;
    for (int i = 0; i < inverse->n; i++) {
        const struct activation_piece *p = &inverse->piece[i];
        const double ends[2][2] = {{p->y_low, p->low}, {p->y_high, p->high}};
        for (int k = 0; k < 2; k++)
            if (fabs(ends[k][0] - y) < best) {
                best = fabs(ends[k][0] - y);
                z = p->flat ? p->mean : ends[k][1];
            }
    }
    return z;
}

double activation_undo(const struct activation_inverse *inverse, double y)
{
    double sum = 0, moment = 0;
    for (int i = 0; i < inverse->n; i++) {
        const struct activation_piece *p = &inverse->piece[i];
        if (p->flat && y == (double)p->y_low)
            return p->mean;
        if (p->flat || y < fmin(p->y_low, p->y_high) || y > fmax(p->y_low, p->y_high))
            continue;
        const double z = solve(inverse, p, y);
        const double slope = fabs((double)act_derivative((float)z, inverse->act));
        const double weight = density(z) / fmax(slope, 1e-6);
        sum += weight;
        moment += weight * z;
    }
    return sum > 0 ? moment / sum : nearest(inverse, y);
}
