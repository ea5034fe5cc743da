/* Checkpoints of whole networks as other programs save them: dicts in dicts, prefixes, averages beside them, counters
 * of profilers, module objects of another package. */
#ifndef Y9_TESTS_MAKE_NETWORK_H
#define Y9_TESTS_MAKE_NETWORK_H

#include "graph/graph.h"
#include "support/make_files.h"

enum { DRESS_KEYS = 3 };

struct network_dress {
    const char *keys[DRESS_KEYS]; /* dicts around the network, the outermost first; NULL: none further */
    const char *prefix;           /* in front of every name; NULL: none */
    int skip;                     /* so many bytes at the beginning of names are left out: 6 for "model." */
    bool counters;                /* total_ops and total_params in every module, as the profiler thop leaves them */
    const char *average_keys[DRESS_KEYS]; /* the average in a place of its own */
    const char *average_prefix;           /* or beside the network in its dict */
    bool average_inside;                  /* its place is in the outermost of `keys` */
    int average_lacks;                    /* so many of its last tensors are missing */
    /* another package's name of a tensor, in place of the official one; NULL: the official one */
    const char *(*rename)(const char *official, char *buffer, size_t size);
    const char *stray;     /* name of one more tensor among the network's */
    const char *list;      /* a key in the outermost dict with a list of one tensor */
    const char *beside[6]; /* pairs of key and text in the outermost dict, up to NULL */
    int nc;                /* that the outermost dict tells; 0: it does not */
    bool old;              /* in PyTorch's layout from before 1.6 */
};
/* Storage "0" holds `params`, storage "1" `average` (NULL: none). */
void make_network(struct buf *out, const struct graph *g, const float *params, const float *average,
                  const struct network_dress *dress);

/* Names of other packages, for network_dress.rename: of LibreYOLO for the rows of gelan-t, s, m and c, and of
 * MultimediaTechLab/YOLO for those of yolov9-t and s (both branches). */
const char *name_of_libre(const char *official, char *buffer, size_t size);
const char *name_of_multimedia(const char *official, char *buffer, size_t size);

struct object_dress {
    const char *task;    /* class of the whole; NULL: DetectionModel */
    bool bare;           /* the file is the object itself, with nothing beside it */
    const char *forward; /* the attribute that a fused module asks its own object for; NULL: none */
    const char *act;     /* class of the convolutions' activations; NULL: they have no such object */
    const char *other;   /* of the convolution `place` ("model.9.cv1.") alone */
    const char *place;
    const char *module; /* of the only row in the object's table; NULL: it has no table */
};
/* The same network as objects of Ultralytics, with names of classes, nc and train_args (imgsz). */
void make_ultralytics(struct buf *out, const struct graph *g, const float *params, int imgsz,
                      const struct object_dress *dress);

/* A dict of tensors of these names (up to NULL), one element each. */
void make_named(struct buf *out, const char *const *names);

#endif
