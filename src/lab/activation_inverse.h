/* An activation undone: exactly where it can be, else by the best guess there is. */
#ifndef Y9_LAB_ACTIVATION_INVERSE_H
#define Y9_LAB_ACTIVATION_INVERSE_H

#include "kernels/act.h"

#include <stdbool.h>

enum { ACTIVATION_PIECES = 8 };

/* Pieces on which it goes up, down, or stays the same. */
struct activation_piece {
    float low, high;     /* of z */
    float y_low, y_high; /* at these */
    bool flat;
    double mean; /* of z ~ N(0, 1) on it */
};

struct activation_inverse {
    enum act act;
    int n;
    struct activation_piece piece[ACTIVATION_PIECES];
};

struct activation_inverse activation_inverse_of(enum act act);
/* Goes up (or down) everywhere. */
bool activation_invertible(const struct activation_inverse *inverse);

/* z from y = act(z): where several z have this y, their mean, for z ~ N(0, 1), which has the least squared error of all
 * guesses. A y that no z has is taken for the nearest that one has. */
double activation_undo(const struct activation_inverse *inverse, double y);

#endif
