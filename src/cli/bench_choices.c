/* What bench says about the machine, and which algorithm ran each kind of convolution, and why. */
#include "cli/bench.h"
#include "cli/cli.h"
#include "core/cpu.h"
#include "core/listing.h"
#include "core/mem.h"
#include "graph/op_rules.h"
#include "ops/conv2d.h"

#include <stdio.h>
#include <string.h>

/* "avx2, avx512": the sets of a mask. The caller frees it. */
static char *set_names(uint64_t features)
{
    char *names = NULL;
    size_t size;
    FILE *list = open_memstream(&names, &size);
    for (int i = 0; list && i < CPU_SETS; i++) {
        if (features & UINT64_C(1) << i)
            fprintf(list, "%s%s", ftell(list) ? ", " : "", cpu_set_name(i));
    }
    if (list)
        fclose(list);
    return names;
}

static void print_machine(void)
{
    const uint64_t used = cpu_features();
    char *names = set_names(used), *more = set_names(cpu_found() & ~used);
    char caches[96] = "unknown caches";
    const unsigned long long l2 = cpu_cache_bytes(2), l3 = cpu_cache_bytes(3);
    if (l2 && l3)
        snprintf(caches, sizeof caches, "L2 %llu KB a core, L3 %llu MB", l2 / 1024, l3 / 1024 / 1024);
    else if (l2)
        snprintf(caches, sizeof caches, "L2 %llu KB a core", l2 / 1024);
    print(stdout, "%s: %s; kernels for %s%s%s%s", cpu_name(), caches, names && *names ? names : "plain C",
          more && *more ? " (not used: " : "", more ? more : "", more && *more ? ")" : "");
    free(names);
    free(more);
}

/* One row: convolutions of one kernel and stride that ran by one algorithm. */
struct choice {
    char kind[32];
    const char *algorithm, *reason;
    int layers;
    double flops;
};

static void add_choice(struct choice *choices, int *n, const struct call *c)
{
    const struct conv_attr *a = &c->node->u.conv;
    struct choice new = {.algorithm = conv2d_variant_name(c), .reason = conv2d_variant_reason(c)};
    snprintf(new.kind, sizeof new.kind, "%dx%d s%d%s", a->kh, a->kw, a->stride, a->groups > 1 ? " grouped" : "");
    int i = 0;
    while (i < *n && (strcmp(choices[i].kind, new.kind) != 0 || choices[i].algorithm != new.algorithm))
        i++;
    if (i == *n)
        choices[(*n)++] = new;
    choices[i].layers++;
    choices[i].flops += graph_node_flops(c->graph, c->node, (struct extent){c->dst.h, c->dst.w});
}

enum status bench_print_choices(const struct node_report *reports, int n)
{
    static const struct listing_column columns[] = {
        {"convolutions", LISTING_LEFT, 0}, {"layers", LISTING_RIGHT, 8},           {"work", LISTING_RIGHT, 7},
        {" algorithm", LISTING_LEFT, 0},   {" why", LISTING_LEFT, 0, .least = 20},
    };
    enum status rc = OK;
    struct listing l;
    int rows = 0;
    double flops = 0;
    print_machine();
    listing_init(&l, columns, COUNT(columns));
    struct choice *choices = mem_calloc((size_t)MAX(1, n), sizeof *choices);
    if (!choices)
        return E_NOMEM;
    for (int i = 0; i < n; i++) {
        if (reports[i].call->node->op == OP_CONV2D)
            add_choice(choices, &rows, reports[i].call);
    }
    for (int i = 0; i < rows; i++)
        flops += choices[i].flops;
    for (int i = 0; i < rows; i++) {
        TRY_CLEAN(listing_add(&l, "%s", choices[i].kind));
        TRY_CLEAN(listing_add(&l, "%d", choices[i].layers));
        TRY_CLEAN(listing_add(&l, "%.1f %%", flops > 0 ? 100 * choices[i].flops / flops : 0));
        TRY_CLEAN(listing_add(&l, " %s", choices[i].algorithm));
        TRY_CLEAN(listing_add(&l, " %s", choices[i].reason));
    }
    TRY_CLEAN(print_listing(&l));
cleanup:
    listing_free(&l);
    mem_free(choices);
    return rc;
}
