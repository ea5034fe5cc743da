/* One number for the names and shapes of a network's state dict, as the recorded cases have it: the lines
 * "name d0,d1,...\n" of all tensors but the DFL vectors, sorted bytewise, joined, FNV-1a of 64 bits. */
#ifndef Y9_TESTS_STATE_DIGEST_H
#define Y9_TESTS_STATE_DIGEST_H

#include "graph/graph.h"

/* "0x83d1aa3e66effcc0", and how many tensors it is of. A deployed graph gives the digest of the fused form. */
void state_digest(const struct graph *g, char digest[24], int *entries);

#endif
