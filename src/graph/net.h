/* A runnable network: graph + parameters + packed weights + a small cache of plans.
 *
 * Plans are keyed by (batch, height, width) and share one block of memory that grows to the largest; packed
 * weights are keyed by (node, algorithm) and shared by all plans. net_plan may allocate and fail; net_forward and
 * net_backward cannot. Not safe for use by two threads at once. */
#ifndef Y9_GRAPH_NET_H
#define Y9_GRAPH_NET_H

#include "graph/backend.h"

struct net;

struct net_config {
    const struct backend *backend;
    struct team *team; /* borrowed; NULL runs in the calling thread */
    enum run_mode mode;
    bool exact;
    enum precision precision;
    bool as_given; /* run the graph's own nodes, for an observer that knows them; else a deployed graph is lowered */
    bool copies;   /* split and concat copy their maps: slower, for measuring what it costs (graph_with_copies) */
    struct packed_store *packed; /* borrowed: shared with other networks over the same parameters; NULL: its own */
    bool keep_all; /* no memory reuse between values, all of them floats: for golden tests that look at inner maps */
};

/* `graph` and `params` (g->param_floats floats) are borrowed and must outlive the net. d_params (same layout) is
 * where backward adds gradients; NULL for RUN_INFER. */
enum status net_create(const struct graph *graph, float *params, float *d_params, const struct net_config *config,
                       struct net **out);
void net_destroy(struct net *net);

/* The parameters changed: packed weights are made again by the next net_forward. */
void net_params_changed(struct net *net);

/* Make (or find) the plan for n images of h x w and make it current. */
enum status net_plan(struct net *net, int n, int h, int w);
/* The same for a bare module with several inputs: one extent an input, in order of graph_input. */
enum status net_plan_inputs(struct net *net, int n, const struct extent *inputs);

struct tensor net_input(const struct net *net); /* write the batch here before net_forward */
/* Any map; contents only with keep_all, else reused. data NULL: lowering left it out. */
struct tensor net_value(const struct net *net, int value);
struct tensor net_gradient(const struct net *net, int value); /* RUN_TRAIN; data NULL: not computed */

/* A branch's raw logits: levels lie one after another, so one image is [cells][channels]. A cell is a place of a
 * level's map; where a head has one box a cell it is that box's anchor point. What the channels are: graph/graph.h,
 * enum head_kind. An anchor head's logit o of box b of a cell is channel b*(5 + nc) + o. */
struct head_output {
    const struct head *head; /* the graph's */
    float *logits;           /* image i, cell a, channel k at logits[i*image_stride + a*stride + k] */
    float *d_logits;         /* gradient of the same layout (RUN_TRAIN), else NULL; the loss writes it */
    size_t stride, image_stride;
    int n, anchors, channels; /* anchors: cells of all levels; channels = head_channels() */
    int n_levels;
    struct {
        int h, w, stride, first; /* first = index of its first cell; row-major inside */
    } level[MAX_LEVELS];
};
struct head_output net_output(const struct net *net, int branch);

/* Pack the weights of the current plan now and not at its first run. */
void net_pack(struct net *net);
/* Has the current plan all it reads of the parameters in packed form? Then their values may be gone. */
bool net_is_packed(const struct net *net);

/* Pack the weights of the current plan for good: true when nothing reads the parameters any more. They are given up as
 * packing goes on, so that the caller can only free them. Only plans that there are can run from then on; net_plan of
 * another shape is E_ARGUMENT. RUN_INFER only. Plans made before must be packed (net_pack) already. */
bool net_drop_params(struct net *net);

/* Attributes of the graph's nodes changed (what runs in 8 bits): plans are made again, net_plan must be called. */
void net_graph_changed(struct net *net);

/* Called before a node runs forward, when its sources hold their values (and dst does not); for calibration. */
typedef void net_observer(void *context, const struct call *call);
void net_set_observer(struct net *net, net_observer *observer, void *context); /* NULL: none any more */

void net_forward(struct net *net);
/* From the gradients in d_logits (or net_gradient of a bare module's outputs) to d_params and inner gradients. */
void net_backward(struct net *net);
/* A bare module (no head): declare which values net_backward starts from, and whether inputs get gradients.
 * Call before net_plan. */
enum status net_set_outputs(struct net *net, const int *values, int count, bool input_gradients);

size_t net_arena_bytes(const struct net *net); /* activations, gradients, scratch of the current plan */
size_t net_packed_bytes(const struct net *net);
int net_copies(const struct net *net); /* copy nodes that the current plan needed */

/* Per-node instruments: nodes in execution order, then copies. The array is the net's, until the next report. */
struct node_report {
    const struct node *node;
    const struct call *call;
    double seconds; /* of the last timed run: forward, then backward if any */
    double d_seconds;
};
int net_report(struct net *net, const struct node_report **reports);
void net_set_timing(struct net *net, bool on);

#endif
