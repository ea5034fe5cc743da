/* The laboratory: the gradient of training taken apart by head branch and by the size of objects. */
#include "core/mem.h"
#include "data/dataset.h"
#include "data/multiscale.h"
#include "lab/gradients.h"
#include "ops/cpu.h"
#include "support/folder.h"
#include "support/shared.h"
#include "support/unit.h"
#include "train/run_options.h"
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 96, BATCH = 3, BATCHES = 2 };

static struct dataset_yaml yaml;
static struct dataset *dataset;

static int open_set(void **state)
{
    const int rc = folder_enter(state);
    draw_dataset("set", 10);
    assert_ok(dataset_yaml_open("set/data.yaml", &yaml));
    assert_ok(dataset_load(&yaml, SPLIT_TRAIN, &(struct dataset_options){.no_cache = true}, &dataset));
    return rc;
}

static int close_set(void **state)
{
    dataset_destroy(dataset);
    dataset_yaml_close(&yaml);
    return folder_remove(state);
}

/* A network with random weights and all that its gradients are measured with. */
struct subject {
    struct weights w;
    struct run_options run;
    struct gradients_options o;
};

static void open_subject(struct subject *s, const char *network, double aux, double main)
{
    struct run_settled told;
    assert_ok(weights_random(network, dataset->nc, 3, &s->w));
    run_options_init(&s->run);
    s->run.img = SIDE;
    s->run.aux_weight = aux;
    s->run.main_weight = main;
    assert_ok(run_options_settle(&s->run, &s->w.table, &s->w.training, dataset->n_images, &told));
    s->o = (struct gradients_options){.table = &s->w.table,
                                      .graph = &s->w.training,
                                      .rows = s->w.rows,
                                      .params = s->w.params,
                                      .loss = run_loss_config(&s->run, &s->w.training),
                                      .loader = {.dataset = dataset,
                                                 .size = s->run.img,
                                                 .batch = BATCH,
                                                 .training = true,
                                                 .load = LOAD_LINEAR,
                                                 .stride = graph_largest_stride(&s->w.training),
                                                 .ranks = 1},
                                      .batches = BATCHES};
}

static void close_subject(struct subject *s)
{
    weights_free(&s->w);
    run_options_free(&s->run);
}

static void measure(const char *network, double aux, double main, struct gradients *out)
{
    struct subject s;
    open_subject(&s, network, aux, main);
    assert_ok(gradients_run(&s.o, out));
    close_subject(&s);
}

static void assert_near(double a, double b, double share)
{
    if (!(fabs(a - b) <= share * fmax(fabs(a), fabs(b))))
        fail_msg("%.9g is not near %.9g", a, b);
}

/* The norm of the gradient that a training step leaves in each row, the mean of the batches: forward pass, loss and
 * backward pass as training makes them, memory reused. */
static void train_norms(const char *network, double *norm)
{
    struct subject s;
    struct loader *loader;
    struct loss *loss;
    struct net *net;
    open_subject(&s, network, 0.25, 1);
    const struct graph *g = &s.w.training;
    const struct net_config config = {.backend = &cpu_backend, .mode = RUN_TRAIN};
    float *grad = mem_calloc(g->param_floats, sizeof *grad);
    assert_ok(net_create(g, s.w.params, grad, &config, &net));
    assert_ok(loss_create(&s.o.loss, NULL, &loss));
    assert_ok(loader_open(&s.o.loader, &loader));
    assert_ok(loader_start(loader, &(struct epoch_config){0}));
    for (int i = 0; i < BATCHES; i++) {
        const struct batch *b;
        struct head_output branches[MAX_BRANCHES];
        struct loss_result result;
        assert_ok(loader_next(loader, &b));
        assert_ok(net_plan(net, b->n, b->h, b->w));
        struct tensor input = net_input(net);
        for (int k = 0; k < b->n; k++) {
            const struct image picture = batch_image(b, k);
            image_to_float_resized(&picture, b->h, b->w, tensor_image(&input, k), input.pixel_stride);
        }
        net_forward(net);
        for (int k = 0; k < g->n_branches; k++)
            branches[k] = net_output(net, k);
        assert_ok(loss_run(loss, branches, g->n_branches, (const float *)b->targets, b->n_targets, &result));
        memset(grad, 0, g->param_floats * sizeof *grad);
        net_backward(net);
        for (int r = 0; r < g->n_rows; r++) {
            double squares = 0;
            for (int p = 0; p < g->n_params; p++)
                for (size_t k = 0; g->params[p].row == r && param_is_trained(&g->params[p]) && k < g->params[p].count;
                     k++)
                    squares += (double)grad[g->params[p].first + k] * grad[g->params[p].first + k];
            norm[r] += sqrt(squares) / b->n / BATCHES;
        }
    }
    loader_close(loader);
    loss_destroy(loss);
    net_destroy(net);
    mem_free(grad);
    close_subject(&s);
}

static void parts_add_up_to_the_gradient_of_training(void **state)
{
    (void)state;
    static const char *const networks[] = {"gelan-t-pgi", "gelan-t-deep", "yolov7-tiny"};
    for (int k = 0; k < COUNT(networks); k++) {
        double norm[200] = {0};
        struct gradients g;
        int rows = 0;
        measure(networks[k], 0.25, 1, &g);
        train_norms(networks[k], norm);
        for (int r = 0; r < g.n_rows; r++) {
            if (g.rows[r].params == 0)
                continue;
            assert_int_equal(g.rows[r].whole.n, BATCHES);
            assert_near(g.rows[r].whole.mean, norm[r], 1e-4);
            rows++;
        }
        assert_true(rows > 10);
        gradients_free(&g);
    }
}

/* A branch without weight sends nothing, and what the other one sends does not depend on it. */
static void a_branch_alone_is_what_it_adds(void **state)
{
    (void)state;
    struct gradients both, main, aux;
    int shared = 0;
    measure("gelan-t-pgi", 0.25, 1, &both);
    measure("gelan-t-pgi", 0, 1, &main);
    measure("gelan-t-pgi", 0.25, 0, &aux);
    assert_int_equal(both.n_branches, 2);
    for (int r = 0; r < both.n_rows; r++) {
        const struct gradient_row *row = &both.rows[r];
        if (row->params == 0)
            continue;
        assert_true(main.rows[r].norm[0].mean == 0 && aux.rows[r].norm[1].mean == 0);
        assert_near(row->norm[1].mean, main.rows[r].whole.mean, 1e-5);
        assert_near(row->norm[0].mean, aux.rows[r].whole.mean, 1e-5);
        assert_int_equal(main.rows[r].cosine[0].n, 0); /* there is no angle to nothing */
        if (row->cosine[1].n)                          /* of the main branch with itself */
            assert_near(row->cosine[1].mean, 1, 1e-12);
        if (row->use == ROW_AUXILIARY)
            assert_true(row->norm[1].mean == 0 && row->cosine[0].n == 0);
        if (row->cosine[0].n) {
            shared++;
            assert_true(fabs(row->cosine[0].mean) < 1);
            assert_true(row->whole.mean <= row->norm[0].mean + row->norm[1].mean);
        }
    }
    assert_true(shared >= 5); /* of the backbone, and the head */
    gradients_free(&both);
    gradients_free(&main);
    gradients_free(&aux);
}

static void one_head_has_no_auxiliary_gradient(void **state)
{
    (void)state;
    struct gradients g;
    measure("gelan-t", 0.25, 1, &g);
    assert_int_equal(g.n_branches, 1);
    assert_string_equal(branch_name(0, 1), "main");
    for (int r = 0; r < g.n_rows; r++)
        if (g.rows[r].params > 0)
            assert_near(g.rows[r].norm[0].mean, g.rows[r].whole.mean, 1e-9);
    for (int l = 0; l < 3; l++)
        assert_int_equal(g.level[l].stride, 8 << l);
    gradients_free(&g);
}

/* Every anchor point stands in one of the parts; positives are what the assigner gave. */
static void sizes_add_up(void **state)
{
    (void)state;
    struct gradients g;
    long labels = 0;
    assert_int_equal(object_size_of(32 * 32 - 0.1), SIZE_SMALL);
    assert_int_equal(object_size_of(32 * 32), SIZE_MEDIUM);
    assert_int_equal(object_size_of(96 * 96), SIZE_LARGE);
    measure("gelan-t-pgi", 0.25, 1, &g);
    assert_int_equal(g.pictures, BATCH * BATCHES);
    for (int size = 0; size < SIZE_NONE; size++)
        labels += g.objects[size];
    assert_true(labels > 0 && g.objects[SIZE_NONE] == 0);
    for (int b = 0; b < g.n_branches; b++) {
        long positives = 0;
        for (int l = 0; l < g.n_levels; l++) {
            long points = 0;
            for (int size = 0; size < OBJECT_SIZES; size++) {
                const struct level_part *p = &g.level[l].part[b][size];
                points += p->positives;
                if (size != SIZE_NONE)
                    positives += p->positives;
                assert_int_equal(p->head.n, BATCHES);
                assert_true((p->positives > 0) == (p->head.mean > 0));
                assert_true(g.objects[size] || size == SIZE_NONE || (p->positives == 0 && p->map.mean == 0));
            }
            assert_int_equal(points, BATCH * BATCHES * (SIDE / g.level[l].stride) * (SIDE / g.level[l].stride));
        }
        assert_true(positives >= labels && positives <= 10 * labels); /* the assigner's top-k */
    }
    assert_int_equal(g.level[0].row, 5); /* B3, B4, B5: behind B5 only the main branch goes on */
    assert_int_equal(g.level[1].row, 7);
    assert_int_equal(g.level[2].row, 9);
    gradients_free(&g);
}

static void threads_do_not_change_a_number(void **state)
{
    (void)state;
    struct subject s;
    struct team *team;
    struct gradients a, b;
    open_subject(&s, "gelan-t-deep", 0.25, 1);
    assert_ok(gradients_run(&s.o, &a));
    assert_ok(team_create(3, &team));
    s.o.team = team;
    assert_ok(gradients_run(&s.o, &b));
    assert_memory_equal(a.rows, b.rows, sizeof *a.rows * (size_t)a.n_rows);
    assert_memory_equal(a.level, b.level, sizeof a.level);
    gradients_free(&a);
    gradients_free(&b);
    team_destroy(team);
    close_subject(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_add_up_to_the_gradient_of_training), cmocka_unit_test(a_branch_alone_is_what_it_adds),
        cmocka_unit_test(one_head_has_no_auxiliary_gradient),       cmocka_unit_test(sizes_add_up),
        cmocka_unit_test(threads_do_not_change_a_number),
    };
    return cmocka_run_group_tests_name("lab_gradients", tests, open_set, close_set);
}
