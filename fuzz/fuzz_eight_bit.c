/* 8-bit weights of a checkpoint into a network: whatever is accepted has finite weights and sensible ranges. */
#include "target.h"

#include "tiny_table.h"
#include "weights/bind.h"
#include "weights/eight_bit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct weights network;

static void build(void)
{
    if (table_read(tiny_table, strlen(tiny_table), "tiny", &network.table) != OK ||
        model_build(&network.table, NULL, &network.training, &network.rows) != OK ||
        model_deploy(&network.table, &network.training, &network.deployed) != OK)
        abort();
    network.deployed_params = mem_calloc(network.deployed.param_floats, sizeof(float));
    if (!network.deployed_params)
        abort();
}

static void check(void)
{
    const struct graph *g = &network.deployed;
    for (size_t i = 0; i < g->param_floats; i++) {
        if (!isfinite(network.deployed_params[i]))
            abort();
    }
    for (int i = 0; i < g->n_nodes; i++) {
        const struct conv_quant *q = &g->nodes[i].u.conv.quant;
        if (g->nodes[i].op == OP_CONV2D && q->on &&
            !(isfinite(q->scale) && q->scale > 0 && q->zero >= 0 && q->zero <= 255))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct checkpoint c;
    struct weights_report report = {0};
    if (!network.deployed_params)
        build();
    for (int i = 0; i < network.deployed.n_nodes; i++) {
        if (network.deployed.nodes[i].op == OP_CONV2D)
            network.deployed.nodes[i].u.conv.quant = (struct conv_quant){0};
    }
    memset(network.deployed_params, 0, network.deployed.param_floats * sizeof(float));
    if (checkpoint_open_memory("fuzz", data, size, &c) == OK &&
        bind_tensors(&c, &network.deployed, network.deployed_params, NULL, NULL, &report) == OK &&
        eight_bit_read(&c, &network) == OK)
        check();
    report_free(&report);
    checkpoint_close(&c);
    return 0;
}
