/* A float network that computes what 8-bit convolutions would: inputs and weights of chosen convolutions are rounded.
 */
#ifndef Y9_QUANT_SIMULATE_H
#define Y9_QUANT_SIMULATE_H

#include "graph/net.h"

struct simulation;
enum status simulation_create(const struct graph *g, const float *params, struct team *team, struct simulation **out);
void simulation_destroy(struct simulation *s);
void simulation_set(struct simulation *s); /* conv_quant of the graph's nodes changed */
struct net *simulation_net(struct simulation *s);
void simulation_forward(struct simulation *s);

#endif
