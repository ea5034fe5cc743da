/* What a block needs while it writes itself into a graph: the path of names ("model.4.cv2.0"), the model's
 * activation, and the first fault found. After a fault the builder emits nothing more; whoever knows the table's
 * row turns the fault into a status. */
#ifndef Y9_MODEL_BUILDER_H
#define Y9_MODEL_BUILDER_H

#include "graph/graph.h"

enum {
    BUILDER_NAME = 256,     /* longest name, with its zero */
    MAX_CHANNELS = 1 << 16, /* of one map */
    MAX_DEPTH = 100,        /* repeats of a block, of a row */
};

struct builder {
    struct graph *graph;
    enum act act; /* of every Conv and RepConvN that does not ask for another one */
    char path[BUILDER_NAME];
    bool failed;
    char fault[200]; /* "3 groups do not divide 16 channels" */
};

void builder_init(struct builder *b, struct graph *graph, enum act act);

/* Append ".name" to the path (an empty name appends nothing); give the result to builder_leave. */
size_t builder_enter(struct builder *b, const char *name);
size_t builder_enter_number(struct builder *b, int number);
void builder_leave(struct builder *b, size_t mark);

/* path + "." + name, in `buffer` of BUILDER_NAME bytes. An empty result becomes "out". */
const char *builder_join(const struct builder *b, const char *name, char *buffer);

/* Keep the first fault. Returns 0 so that a block can `return builder_fail(...)`. */
int builder_fail(struct builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Channels of a value; 1 after a fault. */
int builder_channels(const struct builder *b, int value);

#endif
