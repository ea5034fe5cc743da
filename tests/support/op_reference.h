/* One node on maps of its own, and what it must give: the ops' formulas, written plainly and in double. */
#ifndef Y9_TESTS_OP_REFERENCE_H
#define Y9_TESTS_OP_REFERENCE_H

#include "graph/backend.h"

struct op_case {
    const char *name;
    struct node node;
    enum run_mode mode;
    int n, c, h, w;              /* of dst */
    struct extent size[MAX_SRC]; /* of the sources */
    int src_c;                   /* channels of the sources; 0: those of dst */
};

/* Channels of its sources. */
int op_source_channels(const struct op_case *o);

/* dst from sources and parameters (in the order of struct call), all of them dense. */
void op_reference(const struct op_case *o, const double *const *src, const double *const *param, double *dst);

#endif
