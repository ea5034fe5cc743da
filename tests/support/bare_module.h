/* One module in a graph of its own, from the arguments of a golden case. */
#ifndef Y9_TESTS_BARE_MODULE_H
#define Y9_TESTS_BARE_MODULE_H

#include "model/model.h"

#include <jansson.h>

/* Class and args as golden/README.md lists them; parameters have no prefix.
 * On entry io->in[i].map[j] is the channel count of map j of input i (heads: io->n_in = 0, inputs follow args.ch);
 * on return it is the graph's value, and io->out has the module's outputs (heads: see graph.branch). */
struct bare_module {
    int n_in;
    struct port in[TABLE_MAX_FROM], out;
};
enum status bare_module_build(const char *class, const json_t *args, struct graph *g, struct bare_module *io);

#endif
