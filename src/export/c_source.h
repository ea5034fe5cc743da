/* The deployed graph at one size of the picture as a C99 file with its header: weights and maps' places are constants,
 * the run is one call a node, memory is one arena that the caller gives. Nothing but libm is needed. With 8-bit weights
 * (conv_quant of the graph) the convolutions and the maps between them are those of int8 inference.
 *
 * The sums are made in the order of the plain C kernels, so that the raw maps are those of `Y9_CPU=c --exact`. */
#ifndef Y9_EXPORT_C_SOURCE_H
#define Y9_EXPORT_C_SOURCE_H

#include "graph/graph.h"

struct c_options {
    int h, w;                 /* of the picture, multiples of the largest stride */
    bool eight_bit;           /* convolutions whose conv_quant is on run in 8 bits */
    bool raw;                 /* no function that makes boxes of the head's maps */
    float class_offset;       /* what NMS shifts the boxes of the next class by (detect/decode.h) */
    const char *model;        /* "gelan-t", for the comments; borrowed */
    const char *const *names; /* graph->head.nc class names, borrowed */
    const char *const *rows;  /* what the rows of the graph are, "RepNCSPELAN4"; NULL, also one of them: not known */
    int n_rows;
};

struct c_sizes {
    size_t weights, arena; /* bytes: constants, and what the caller's arena takes */
};

/* `path` ends in ".c"; the header lies beside it under the same name with ".h". Names in them begin with the file's
 * (letters, digits, _). Equal input gives equal bytes. E_ARGUMENT: a size that cannot be had; E_NUMERIC: a weight that
 * is not finite; E_UNSUPPORTED: something in the network that no C is known for. */
enum status c_source_write(const char *path, const struct graph *graph, float *params, const struct c_options *options,
                           struct c_sizes *sizes);

/* "dir/my net.c" -> "my_net": what the names in the file begin with. For mem_free; NULL: short of memory. */
char *c_source_prefix(const char *path);

#endif
