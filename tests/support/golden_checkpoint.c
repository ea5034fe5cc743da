/* Golden kind checkpoint: a weight file of another program read from beside its case, and what its network answers. */
#include "core/path.h"
#include "support/bench.h"
#include "support/golden.h"
#include "support/golden_net.h"
#include "weights/weights.h"

#include <string.h>

static void compare_names(struct golden *g, const struct weights *w)
{
    json_t *names = golden_json(g, "class_names");
    for (int i = 0; names && i < w->nc; i++) {
        const char *name = json_string_value(json_array_get(names, (size_t)i));
        if (!name || strcmp(name, w->names[i]) != 0)
            golden_fault(g, "class %d is named %s", i, w->names[i]);
    }
    if (names && json_array_size(names) != (size_t)w->nc)
        golden_fault(g, "%d classes", w->nc);
}

static void compare_answer(struct golden *g, struct bench *b)
{
    json_t *hw = golden_json(g, "hw");
    int h = (int)json_integer_value(json_array_get(hw, 0)), w = (int)json_integer_value(json_array_get(hw, 1));
    if (!golden_ok(g, bench_net(b, RUN_INFER, NULL, 0)) || !golden_ok(g, net_plan(b->net, 1, h, w)))
        return;
    size_t count = (size_t)3 * (size_t)h * (size_t)w;
    float *image = mem_alloc(count, sizeof *image);
    if (!image) {
        golden_fault(g, "out of memory");
        return;
    }
    struct tensor t = net_input(b->net);
    golden_uniform(g->seed, "input.eval", 0, 1, image, count);
    golden_to_tensor(image, &t);
    mem_free(image);
    net_forward(b->net);
    bench_compare_decoded(g, b, 0, "eval/decoded0");
    for (int l = 0; l < b->graph.branch[0].n_levels; l++)
        bench_compare(g, b, b->graph.branch[0].level[l], golden_name(g, "eval/raw0.%d", l));
}

static void run_deployed(struct golden *g, struct weights *w)
{
    struct bench b = {0};
    if (w->params && !golden_ok(g, weights_deploy(w)))
        return;
    b.graph = w->deployed;
    w->deployed = (struct graph){0};
    if (golden_ok(g, bench_init(&b))) {
        memcpy(b.params, w->deployed_params, b.graph.param_floats * sizeof *b.params);
        compare_answer(g, &b);
    }
    bench_free(&b);
}

int golden_checkpoint(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    struct weights w = {0};
    char *folder = path_parent(path), *file = NULL;
    if (golden_open(&g, path) && folder && golden_text(&g, "file"))
        file = path_join(folder, golden_text(&g, "file"));
    if (file) {
        enum status rc = weights_load(file, NULL, &w, NULL);
        if (rc == E_UNSUPPORTED)
            golden_skip(&g, "%s", fail_text());
        else if (golden_ok(&g, rc)) {
            compare_names(&g, &w);
            run_deployed(&g, &w);
        }
    }
    weights_free(&w);
    mem_free(folder);
    mem_free(file);
    return golden_close(&g, message, size, worst);
}
