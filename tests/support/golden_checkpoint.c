/* Golden kind checkpoint: a weight file of another program read from beside its case, and what its network answers. */
#include "core/file.h"
#include "core/path.h"
#include "support/bench.h"
#include "support/golden.h"
#include "support/golden_net.h"
#include "weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void compare_names(struct golden *g, const struct weights *w)
{
    json_t *names = golden_json(g, "class_names");
    if (!json_array_size(names)) /* the file has none */
        return;
    for (int i = 0; i < w->nc; i++) {
        const char *name = json_string_value(json_array_get(names, (size_t)i));
        if (!name || strcmp(name, w->names[i]) != 0)
            golden_fault(g, "class %d is named %s", i, w->names[i]);
    }
    if (json_array_size(names) != (size_t)w->nc)
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
    size_t main = json_array_size(golden_json(g, "eval_branches")) - 1; /* the deployed form has it alone */
    bench_compare_decoded(g, b, 0, golden_name(g, "eval/decoded%zu", main));
    for (int l = 0; l < b->graph.branch[0].n_levels; l++)
        bench_compare(g, b, b->graph.branch[0].level[l], golden_name(g, "eval/raw%zu.%d", main, l));
}

/* The table of a case whose file has none: its rows as YAML in a file of its own. False: there is none. */
static bool write_table(struct golden *g, char *path, size_t size)
{
    json_t *rows = golden_text(g, "table") ? golden_json(g, "table") : NULL;
    size_t n = json_array_size(rows);
    struct buf text = {0};
    if (!n || buf_printf(&text, "nc: %d\nbackbone:\n", golden_int(g, "nc")) != OK)
        return false;
    for (size_t i = 0; i < n; i++) {
        char *row = json_dumps(json_array_get(rows, i), JSON_COMPACT);
        if (row)
            buf_printf(&text, "%s- %s\n", i + 1 == n ? "head:\n" : "", row);
        free(row);
    }
    snprintf(path, size, "/tmp/golden_table_%ld.yaml", (long)getpid());
    bool written = golden_ok(g, file_write(path, text.data, text.size));
    buf_free(&text);
    return written;
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
        char table[64];
        const char *form = golden_text(&g, "form");
        bool objects = form && !strcmp(form, "ultralytics"); /* they bring their table */
        bool bare = !objects && write_table(&g, table, sizeof table);
        enum status rc = weights_load(file, bare ? table : NULL, &w, NULL);
        if (bare)
            remove(table);
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
