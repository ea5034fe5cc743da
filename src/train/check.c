#include "train/check.h"

#include "core/cpu.h"
#include "core/mem.h"
#include "core/path.h"
#include "graph/op_rules.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* --- numbers --- */

static bool tensor_finite(const struct tensor *t)
{
    for (int i = 0; i < t->n; i++) {
        const float *p = t->data + (size_t)i * t->image_stride;
        for (int k = 0; k < t->h * t->w; k++, p += t->pixel_stride)
            for (int c = 0; c < t->c; c++)
                if (!isfinite(p[c]))
                    return false;
    }
    return true;
}

const char *check_values(const struct graph *g, const struct net *net)
{
    struct tensor image = net_input(net);
    if (!tensor_finite(&image))
        return "the pictures";
    for (int i = 0; i < g->n_nodes; i++) {
        struct tensor t = net_value(net, g->nodes[i].dst);
        if (!tensor_finite(&t))
            return g->nodes[i].name;
    }
    return NULL;
}

static bool param_finite(const struct graph *g, int param, const float *grad)
{
    if (param < 0 || !param_is_trained(&g->params[param]))
        return true;
    const struct param *p = &g->params[param];
    for (size_t i = 0; i < p->count; i++)
        if (!isfinite(grad[p->first + i]))
            return false;
    return true;
}

const char *check_gradients(const struct graph *g, const float *grad)
{
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        const struct node *n = &g->nodes[i];
        int param[MAX_NODE_PARAMS], count = node_params(n, param);
        for (int k = 0; k < count; k++)
            if (!param_finite(g, param[k], grad))
                return n->name;
    }
    return NULL;
}

/* --- settings --- */

enum status check_settings(const struct hyper *h, int epochs, struct buf *words)
{
    if (h->lr0 == 0)
        TRY(buf_printf(words, "the learning rate lr0 is zero: nothing will be learnt\n"));
    if (h->warmup_epochs >= epochs && epochs > 1)
        TRY(buf_printf(words, "warm-up takes %g epochs, the whole run has %d: the learning rate never gets to lr0\n",
                       h->warmup_epochs, epochs));
    if (h->box == 0 || h->cls == 0)
        TRY(buf_printf(words, "the gain of the %s loss is zero: %s will not be learnt\n", h->box == 0 ? "box" : "class",
                       h->box == 0 ? "boxes" : "classes"));
    return OK;
}

/* --- the machine --- */

static size_t resident_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

enum status check_memory(const struct memory_need *need)
{
    const double mb = 1 << 20;
    double there = (double)cpu_memory() + (double)resident_bytes();
    double wanted = (double)need->fixed + (double)need->batches;
    if (wanted <= there)
        return OK;
    int fits = (int)(need->batch * (there - (double)need->fixed) / (double)need->batches);
    if (fits < 1)
        return fail(E_NOMEM,
                    "training needs about %.0f MB of memory at batch %d and image size %d, %.0f MB are there; a "
                    "smaller --img or model is needed",
                    wanted / mb, need->batch, need->size, there / mb);
    return fail(E_NOMEM,
                "training needs about %.0f MB of memory at batch %d and image size %d, %.0f MB are there; --batch "
                "%d would fit",
                wanted / mb, need->batch, need->size, there / mb, fits);
}

/* The disk of a folder that may be made later: that of the nearest one above it. */
static bool disk_of(const char *folder, struct statvfs *s)
{
    char *at = mem_strdup(folder);
    bool found = false;
    while (at && !(found = statvfs(at, s) == 0) && errno == ENOENT && strcmp(at, ".") != 0) {
        char *up = path_parent(at);
        mem_free(at);
        at = up;
    }
    mem_free(at);
    return found;
}

enum status check_disk(const char *folder, size_t bytes)
{
    struct statvfs s;
    if (!disk_of(folder, &s))
        return OK; /* writing will tell */
    double free_bytes = (double)s.f_bavail * (double)s.f_frsize;
    if (free_bytes >= (double)bytes)
        return OK;
    return fail(E_IO, "%s: the run needs about %.0f MB on this disk, %.0f MB are free", folder, (double)bytes / 1048576,
                free_bytes / 1048576);
}
