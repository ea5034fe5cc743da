#include "lab/split_study.h"

#include "core/clock.h"
#include "core/cpu.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"
#include "core/terminal.h"
#include "graph/net.h"
#include "lab/numbers.h"
#include "ops/cpu.h"
#include "weights/weights.h"

#include <stdlib.h>
#include <string.h>

enum { VARIANTS = 2, WARM_UP = 2 };

static void fill_input(struct net *net)
{
    struct rng r = rng_seed(0, 1, 2);
    struct tensor x = net_input(net);
    for (size_t i = 0; i < (size_t)x.n * x.image_stride; i++)
        x.data[i] = (float)rng_uniform(&r);
}

/* Do both heads hold the same floats? */
static bool same_bits(const struct net *a, const struct net *b)
{
    const struct head_output x = net_output(a, 0), y = net_output(b, 0);
    bool same = x.anchors == y.anchors && x.channels == y.channels;
    for (int i = 0; same && i < x.anchors; i++)
        same = !memcmp(x.logits + (size_t)i * x.stride, y.logits + (size_t)i * y.stride,
                       (size_t)x.channels * sizeof *x.logits);
    return same;
}

static void count_copies(struct net *net, struct split_result *out)
{
    const struct node_report *reports;
    int n = net_report(net, &reports);
    for (int i = 0; i < n; i++) {
        const struct tensor *t = &reports[i].call->dst;
        if (reports[i].node->op != OP_COPY)
            continue;
        out->copies++;
        out->megabytes += 1e-6 * sizeof(float) * t->h * t->w * t->c;
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_size);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Both networks run in turn, so that whatever else the machine does meets both. */
static enum status time_both(struct net *const net[VARIANTS], struct split_result *out)
{
    double *seconds = mem_alloc(VARIANTS * (size_t)out->runs, sizeof *seconds);
    if (!seconds)
        return E_NOMEM;
    for (int i = -WARM_UP; i < out->runs; i++) {
        for (int v = 0; v < VARIANTS; v++) {
            fill_input(net[v]);
            double begun = clock_seconds();
            net_forward(net[v]);
            if (i >= 0)
                seconds[v * out->runs + i] = clock_seconds() - begun;
        }
    }
    out->plain_ms = 1e3 * median(seconds, out->runs);
    out->copy_ms = 1e3 * median(seconds + out->runs, out->runs);
    mem_free(seconds);
    return OK;
}

enum status split_measure(const char *cfg, int side, int runs, struct team *team, struct split_result *out)
{
    enum status rc = OK;
    struct weights w = {0};
    struct net *net[VARIANTS] = {NULL, NULL};
    *out = (struct split_result){.network = cfg, .runs = runs};
    TRY_CLEAN(weights_random(cfg, 0, 0, &w));
    TRY_CLEAN(weights_deploy(&w));
    weights_drop_training(&w);
    out->side = graph_round_side(&w.deployed, side);
    for (int v = 0; v < VARIANTS; v++) {
        const struct net_config config = {.backend = &cpu_backend, .team = team, .mode = RUN_INFER, .copies = v == 1};
        TRY_CLEAN(net_create(&w.deployed, w.deployed_params, NULL, &config, &net[v]));
        TRY_CLEAN(net_plan(net[v], 1, out->side, out->side));
    }
    TRY_CLEAN(time_both(net, out));
    count_copies(net[1], out);
    if (!same_bits(net[0], net[1]))
        rc = fail(E_NUMERIC, "%s: with copies the result has other bits", cfg);
cleanup:
    for (int v = 0; v < VARIANTS; v++)
        net_destroy(net[v]);
    weights_free(&w);
    return rc;
}

/* --- the files --- */

static enum status write_markdown(const struct split_result *results, int n, int threads, const char *folder)
{
    enum status rc = OK;
    struct buf text = {0};
    char *path = path_join(folder, "split.md");
    TRY_CLEAN(path ? OK : E_NOMEM);
    TRY_CLEAN(buf_printf(
        &text,
        "# Study split: split and concat as addresses, and as copies\n\n%s, %d %s, fp32, one image, "
        "median of %d runs of both in turn; the results have the same bits.\n\n"
        "| network | size | copies | MB moved | addresses, ms | copies, ms | |\n|---|---|---|---|---|---|---|\n",
        cpu_name(), threads, noun(threads, "thread", "threads"), results[0].runs));
    for (int i = 0; i < n; i++) {
        const struct split_result *r = &results[i];
        TRY_CLEAN(buf_printf(&text, "| %s | %d | %d | %.1f | %.1f | %.1f | %+.1f %% |\n", r->network, r->side,
                             r->copies, r->megabytes, r->plain_ms, r->copy_ms, 100 * (r->copy_ms / r->plain_ms - 1)));
    }
    TRY_CLEAN(file_write(path, text.data, text.size));
cleanup:
    buf_free(&text);
    mem_free(path);
    return rc;
}

enum status split_write(const struct split_result *results, int n, int threads, const char *folder)
{
    enum status rc = OK;
    json_t *rows = json_array(), *about = json_pack("{s:s, s:s, s:i, s:s}", "study", "split", "machine", cpu_name(),
                                                    "threads", threads, "precision", "fp32");
    TRY_CLEAN(rows && about ? OK : fail_memory(NULL, 0));
    for (int i = 0; i < n; i++) {
        const struct split_result *r = &results[i];
        if (json_array_append_new(rows,
                                  json_pack("{s:s, s:i, s:i, s:i, s:f, s:f, s:f}", "network", r->network, "size",
                                            r->side, "runs", r->runs, "copies", r->copies, "megabytes", r->megabytes,
                                            "addresses_ms", r->plain_ms, "copies_ms", r->copy_ms)) != 0)
            TRY_CLEAN(fail_memory(NULL, 0));
    }
    TRY_CLEAN(numbers_write(folder, "split", about, rows));
    TRY_CLEAN(write_markdown(results, n, threads, folder));
cleanup:
    json_decref(rows);
    json_decref(about);
    return rc;
}
