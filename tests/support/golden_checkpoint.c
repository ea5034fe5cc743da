/* Golden kinds checkpoint and forms: a weight file of another program read from beside its case, and what its network
 * answers. */
#include "core/file.h"
#include "core/path.h"
#include "support/bench.h"
#include "support/golden.h"
#include "support/golden_net.h"
#include "weights/weights.h"

#include <math.h>
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

/* A state dict of the case: names, shapes, and the sum and the sum of magnitudes of each tensor. */
static void compare_state(struct golden *g, const char *file, bool values)
{
    struct checkpoint c;
    json_t *keys = golden_json(g, "state_keys"), *shapes = golden_json(g, "state_shapes");
    size_t count = 0;
    const double *sums = golden_f64(g, "state_ck#f64", &count);
    if (!sums || count != 2 * json_array_size(keys) || !golden_ok(g, checkpoint_open(file, &c)))
        return;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *name = json_string_value(json_array_get(keys, i));
        const struct checkpoint_tensor *t = checkpoint_find(c.model, name);
        json_t *shape = json_array_get(shapes, i);
        bool same = t && (size_t)t->rank == json_array_size(shape);
        for (int k = 0; same && k < t->rank; k++)
            same = (json_int_t)t->shape[k] == json_integer_value(json_array_get(shape, (size_t)k));
        if (!same) {
            golden_fault(g, "%s is missing or of another shape", name);
            continue;
        }
        float *x = mem_alloc(t->count, sizeof *x);
        double sum = 0, magnitude = 0;
        checkpoint_read_f32(t, x);
        for (size_t k = 0; k < t->count; k++) {
            sum += (double)x[k];
            magnitude += fabs((double)x[k]);
        }
        mem_free(x);
        if (values) {
            golden_compare_number(g, name, sum, sums[2 * i], 1e-9 * sums[2 * i + 1]);
            golden_compare_number(g, name, magnitude, sums[2 * i + 1], 1e-9 * sums[2 * i + 1]);
        }
    }
    checkpoint_close(&c);
}

/* Run the network of `b` on the case's image. */
static bool run(struct golden *g, struct bench *b)
{
    json_t *hw = golden_json(g, "hw");
    int h = (int)json_integer_value(json_array_get(hw, 0)), w = (int)json_integer_value(json_array_get(hw, 1));
    if (!golden_ok(g, bench_net(b, RUN_INFER, NULL, 0)) || !golden_ok(g, net_plan(b->net, 1, h, w)))
        return false;
    size_t count = (size_t)3 * (size_t)h * (size_t)w;
    float *image = mem_alloc(count, sizeof *image);
    if (!image) {
        golden_fault(g, "out of memory");
        return false;
    }
    struct tensor t = net_input(b->net);
    golden_uniform(g->seed, "input.eval", 0, 1, image, count);
    golden_to_tensor(image, &t);
    mem_free(image);
    net_forward(b->net);
    return true;
}

/* What branch `branch` answers, as the case's answer `as`. */
static void compare_branch(struct golden *g, struct bench *b, int branch, const char *prefix, int as)
{
    bench_compare_decoded(g, b, branch, golden_name(g, "%s/decoded%d", prefix, as));
    for (int l = 0; l < b->graph.branch[branch].n_levels; l++)
        bench_compare(g, b, b->graph.branch[branch].level[l], golden_name(g, "%s/raw%d.%d", prefix, as, l));
}

bool golden_write_table(struct golden *g, const char *key, char *path, size_t size)
{
    json_t *rows = golden_text(g, key) ? golden_json(g, key) : NULL;
    size_t n = json_array_size(rows);
    struct buf text = {0};
    if (!n || buf_printf(&text, "nc: %d\n", golden_int(g, "nc")) != OK)
        return false;
    if (golden_text(g, "anchors"))
        buf_printf(&text, "anchors: %s\n", golden_text(g, "anchors"));
    buf_printf(&text, "family: official\nbackbone:\n");
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

/* Both branches as they are trained, then the main one as it is deployed. */
static void run_forms(struct golden *g, struct weights *w, const char *prefix)
{
    struct bench b = {0};
    int main = w->training.n_branches - 1;
    if (w->params && main > 0) {
        b.graph = w->training;
        if (golden_ok(g, bench_init(&b))) {
            memcpy(b.params, w->params, b.graph.param_floats * sizeof *b.params);
            for (int i = 0, ran = run(g, &b); ran && i <= main; i++)
                compare_branch(g, &b, i, prefix, i);
        }
        b.graph = (struct graph){0};
        bench_free(&b);
        b = (struct bench){0};
    }
    if (w->params && !golden_ok(g, weights_deploy(w)))
        return;
    b.graph = w->deployed;
    w->deployed = (struct graph){0};
    if (golden_ok(g, bench_init(&b))) {
        memcpy(b.params, w->deployed_params, b.graph.param_floats * sizeof *b.params);
        if (run(g, &b))
            compare_branch(g, &b, 0, prefix, main);
    }
    bench_free(&b);
}

/* One file: what it holds, and what its network answers. */
static void check_file(struct golden *g, const char *file, const char *table, const char *prefix)
{
    struct weights w = {0};
    enum status rc = weights_load(file, table, &w, NULL);
    if (rc == E_UNSUPPORTED)
        golden_skip(g, "%s", fail_text());
    else if (golden_ok(g, rc)) {
        compare_names(g, &w);
        run_forms(g, &w, prefix);
        compare_state(g, file, !strcmp(prefix, "eval"));
    }
    weights_free(&w);
}

int golden_checkpoint(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    char *folder = path_parent(path), *file = NULL;
    if (golden_open(&g, path) && folder && golden_text(&g, "file"))
        file = path_join(folder, golden_text(&g, "file"));
    if (file) {
        char table[64];
        const char *form = golden_text(&g, "form");
        bool objects = form && (!strcmp(form, "ultralytics") || !strcmp(form, "yolov7")); /* they bring their table */
        bool dual = golden_text(&g, "table_dual") && json_array_size(golden_json(&g, "eval_branches")) > 1;
        bool bare = !objects && golden_write_table(&g, dual ? "table_dual" : "table", table, sizeof table);
        check_file(&g, file, bare ? table : NULL, "eval");
        if (bare)
            remove(table);
    }
    mem_free(folder);
    mem_free(file);
    return golden_close(&g, message, size, worst);
}

/* --- forms: one network in many files, and files that are none --- */

static void check_form(struct golden *g, const char *folder, const json_t *entry, const char *table)
{
    const char *name = json_string_value(json_object_get(entry, "file"));
    const char *expect = json_string_value(json_object_get(entry, "expect"));
    char *file = name && expect ? path_join(folder, name) : NULL;
    struct weights w = {0};
    int before = g->faults;
    if (!file) {
        golden_fault(g, "an entry without a file or an expectation");
    } else if (strcmp(expect, "refuse") != 0) {
        check_file(g, file, table, strstr(name, "bfloat16") ? "eval_bf16" : "eval");
    } else if (weights_load(file, NULL, &w, NULL) == OK) {
        golden_fault(g, "it was read, and should have been refused");
    } else if (!strstr(fail_text(), name) || strchr(fail_text(), '\n')) {
        golden_fault(g, "no sentence that names it: %s", fail_text());
    }
    if (g->skipped || (before == 0 && g->faults)) {
        char sentence[sizeof g->message];
        memcpy(sentence, g->message, sizeof sentence);
        snprintf(g->message, sizeof g->message, "%.60s: %.180s", name ? name : "?", sentence);
    }
    weights_free(&w);
    mem_free(file);
}

int golden_forms(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    char *folder = path_parent(path), table[64];
    if (golden_open(&g, path) && folder && golden_write_table(&g, "table", table, sizeof table)) {
        json_t *files = golden_json(&g, "files"), *entry;
        size_t i;
        json_array_foreach(files, i, entry) check_form(&g, folder, entry, table);
        if (!json_array_size(files))
            golden_fault(&g, "the case names no files");
        remove(table);
    }
    mem_free(folder);
    return golden_close(&g, message, size, worst);
}
