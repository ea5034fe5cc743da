/* The modules a table's row can name: what arguments each takes and which block it builds. */
#ifndef Y9_MODEL_MODULES_H
#define Y9_MODEL_MODULES_H

#include "model/blocks.h"
#include "model/expression.h"
#include "model/head.h"
#include "model/table.h"

enum {
    MAX_MAPS = 16, /* maps of a CBLinear, entries of a CBFuse */
    MAX_SIZES = 3, /* windows of a module */
};

/* Arguments by name, defaults filled in (golden/README.md lists the same names). */
struct module_args {
    int nc;
    int c2, c3, c4, n, elan;
    int k[MAX_SIZES], s, p, g, d; /* k: most modules have one size, and all three are that */
    double e;
    bool shortcut;
    enum act act, cv1_act; /* of the module; of its first convolution where that can differ (SPPF) */
    enum cb block;
    int scale;
    int n_list, list[MAX_MAPS]; /* CBLinear's widths, CBFuse's indices */
};

enum module_kind {
    MODULE_BLOCK, /* one map in, c2 channels out (scaled by width_multiple, rounded up to a multiple of 8) */
    MODULE_MAP,   /* one map in, as many channels out */
    MODULE_MERGE, /* several maps in */
    MODULE_SPLIT, /* several maps out: only a MODULE_FUSE reads them */
    MODULE_FUSE,  /* several CBLinear rows, then a target */
    MODULE_HEAD,
};

/* Maps that a row hands on: one, or a CBLinear's list. */
struct port {
    int n, map[MAX_MAPS];
};

struct emission;

struct module {
    const char *name;
    int (*emit)(const struct emission *e); /* writes it into a graph and returns its map (modules.c); NULL: a head */
    enum module_kind kind;
    const char *signature;     /* "c2 k=1 s=1 p=auto": names in the order of a row's arguments, with defaults */
    const char *row_signature; /* of a table's row where that differs: n of BottleneckCSP and C2f is the repeats */
};

/* NULL if there is no such module. All heads are one module (MODULE_HEAD). */
const struct module *module_find(const char *name);

/* Defaults of a module in a model with this activation and class count. */
void module_defaults(const struct module *m, enum act act, int nc, struct module_args *out);

/* Fill one argument by name or by position. E_FORMAT: the bare sentence, without the row. */
enum status module_set(const struct module *m, const char *name, const struct arg *value,
                       const struct expression_names *names, struct module_args *out);
enum status module_set_row(const struct module *m, const struct table_row *row, const struct expression_names *names,
                           struct module_args *out);

/* Write a module (any but a head) into the builder's graph: in[0..n_in-1] -> *out. */
void module_emit(struct builder *b, const char *name, const struct module *m, const struct port *in, int n_in,
                 const struct module_args *a, struct port *out);

#endif
