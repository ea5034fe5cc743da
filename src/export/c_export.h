/* Inside of export/: a C file that is being written. */
#ifndef Y9_EXPORT_C_EXPORT_H
#define Y9_EXPORT_C_EXPORT_H

#include "export/c_source.h"
#include "graph/plan.h"

#include <stdint.h>
#include <stdio.h>

enum c_part {
#define PART(id, file) PART_##id,
#include "export/c_parts.def"
#undef PART
    PARTS
};

struct c_export {
    FILE *out;
    const struct graph *g;
    const struct c_options *o;
    struct plan *plan;
    float *base;         /* what the plan is bound to; nothing is stored there */
    const char *prefix;  /* "gelan_t" */
    char *upper;         /* "GELAN_T" */
    struct arena memory; /* of the names */
    const char **region; /* a region of the plan: the name of its map; NULL: no node reads or writes it */
    const char **call;   /* a call of the plan: the name of its constants */
    bool part[PARTS];    /* which are called */
    bool act[ACT_COUNT];
    int most_taps;       /* of a convolution's window */
    size_t weights;      /* bytes of constants so far */
    size_t candidates;   /* where the boxes are gathered, in floats from the arena's start */
    size_t arena_floats; /* with them */
    enum status rc;      /* of a writer that ran out of memory */
    bool *converted;     /* a call: its input is converted first, to the map in its scratch memory */
};

/* What each op is in C (c_nodes.c). */
struct c_op {
    struct op_impl impl; /* for c_backend: scratch memory, nothing else */
    /* Mark what the call needs: parts, activations; E_UNSUPPORTED where no C is known for it. */
    enum status (*need)(struct c_export *e, int call);
    /* Its constants. NULL: it has none. */
    void (*constants)(struct c_export *e, int call);
    /* Its statements. */
    void (*statements)(struct c_export *e, int call);
};
extern const struct c_op *const c_ops[OP_COUNT];
/* The same as a backend, for the planner alone: none of its ops can run. */
extern const struct backend c_backend;

enum { C_FLOAT = 32 };
/* x as a float constant of C: "0.25f", "7680.0f". Returns the buffer. */
const char *c_float(float x, char buffer[C_FLOAT]);
/* "model.4.cv1.conv" -> "model_4_cv1_conv": a part of a C name. For mem_free. */
char *c_identifier(const char *text);
/* Where a map begins: in floats from the arena's start, in a map of bytes in bytes. */
size_t c_first(const struct c_export *e, const struct tensor *t);
/* Numbers of an array, without what stands around them. */
void c_write_floats(struct c_export *e, const char *name, const char *comment, const float *x, size_t count);

#endif
