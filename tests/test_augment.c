/* data/: augmentation and the training loader. */
#include "core/mem.h"
#include "core/path.h"
#include "data/loader.h"
#include "data/multiscale.h"
#include "data/picture_store.h"
#include "data/preview.h"
#include "data/sampling.h"
#include "image/encode.h"
#include "support/golden_augment.h"
#include "support/programs.h"
#include "support/shared.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void run_golden(int (*run)(const char *, char *, size_t, double *), const char *name)
{
    char file[64], message[512];
    double worst;
    snprintf(file, sizeof file, "post/%s.safetensors", name);
    if (run(golden_file(file), message, sizeof message, &worst))
        fail_msg("%s: %s", name, message);
}

static void golden_files(void **state)
{
    static const char *const mosaics[] = {"mosaic4", "mosaic4_rot",   "mosaic4_copypaste",
                                          "mosaic9", "getitem_plain", "getitem_mosaic_mixup"};
    (void)state;
    run_golden(golden_perspective, "random_perspective");
    for (int i = 0; i < COUNT(mosaics); i++)
        run_golden(golden_mosaic, mosaics[i]);
}

/* --- draws --- */

static void a_log_is_kept_to(void **state)
{
    (void)state;
    const double half = 0.5, list[3] = {2, 0, 1};
    const struct draw log[] = {{"random", &half, 1}, {"shuffle", list, 3}};
    int values[3] = {0, 1, 2};

    struct draws d = draws_replay(log, 2);
    assert_true(draws_random(&d) == 0.5);
    assert_int_not_equal(draws_finish(&d), OK); /* one too few */
    draws_shuffle(&d, values, 3);
    assert_int_equal(draws_finish(&d), OK);
    assert_int_equal(values[0], 2);
    assert_int_equal(values[1], 0);
    draws_random(&d);
    assert_int_not_equal(draws_finish(&d), OK); /* one too many */

    d = draws_replay(log, 2);
    draws_uniform(&d, 0, 1); /* another name */
    assert_int_not_equal(draws_finish(&d), OK);
    d = draws_replay(log, 1);
    assert_true(draws_random(&d) == 0.5);
    assert_int_equal(draws_finish(&d), OK);
    d = draws_replay(&(struct draw){"uniform", &half, 1}, 1);
    draws_uniform(&d, 0.6, 1); /* a number that cannot be */
    assert_int_not_equal(draws_finish(&d), OK);
    d = draws_replay(&log[1], 1);
    values[0] = 7; /* an order of something else */
    draws_shuffle(&d, values, 3);
    assert_int_not_equal(draws_finish(&d), OK);
}

static void counted_draws_have_their_distributions(void **state)
{
    enum { N = 20000 };
    (void)state;
    struct draws d = draws_counted(1, 2, 3);
    double sum = 0, squares = 0, low = 1, high = 0;
    int seen[10] = {0}, sampled[3], population[5] = {10, 11, 12, 13, 14}, picked[5] = {0};
    for (int i = 0; i < N; i++) {
        double r = draws_mixup_ratio(&d);
        sum += r;
        squares += (r - 0.5) * (r - 0.5);
        low = fmin(low, r);
        high = fmax(high, r);
        seen[draws_randint(&d, 0, 9)]++;
        draws_sample(&d, population, 5, 3, sampled);
        assert_true(sampled[0] != sampled[1] && sampled[0] != sampled[2] && sampled[1] != sampled[2]);
        picked[sampled[0] - 10]++;
    }
    assert_true(fabs(sum / N - 0.5) < 0.002);
    assert_true(fabs(squares / N * 4 * 65 - 1) < 0.05); /* variance of Beta(a, a) = 1 / (4 (2a + 1)) */
    assert_true(low > 0.2 && high < 0.8);
    for (int i = 0; i < 10; i++)
        assert_true(abs(seen[i] - N / 10) < N / 50);
    for (int i = 0; i < 5; i++)
        assert_true(abs(picked[i] - N / 5) < N / 50);
}

/* --- a small dataset --- */

enum { PICTURES = 11 };

struct small {
    char folder[64], paths[PICTURES][96];
    struct dataset d;
    struct dataset_image images[PICTURES];
    struct dataset_object objects[PICTURES * 4];
    float points[PICTURES * 4 * 5][2];
};

static void small_object(struct small *s, struct rng *r, int i, int polygons)
{
    struct dataset_object *o = &s->objects[s->d.n_objects++];
    float w = (float)rng_range(r, 0.1, 0.5), h = (float)rng_range(r, 0.1, 0.5);
    float cx = (float)rng_range(r, w / 2, 1 - w / 2), cy = (float)rng_range(r, h / 2, 1 - h / 2);
    *o = (struct dataset_object){.class = i % 3, .cxcywh = {cx, cy, w, h}, .first_point = s->d.n_points};
    for (int k = 0; polygons && k < 5; k++, o->n_points++) {
        double turn = k * 6.283185307179586 / 5;
        s->points[s->d.n_points][0] = cx + w / 2 * (float)cos(turn);
        s->points[s->d.n_points][1] = cy + h / 2 * (float)sin(turn);
        s->d.n_points++;
    }
}

static struct small *small_create(int polygons)
{
    struct small *s = calloc(1, sizeof *s);
    struct rng r = rng_seed(7, 7, 7);
    struct image img = {0};
    strcpy(s->folder, "/tmp/y9_augment_XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    for (int i = 0; i < PICTURES; i++) {
        int h = 40 + 17 * i, w = 230 - 16 * i;
        assert_int_equal(image_init(&img, h, w), OK);
        for (int k = 0; k < h * w * 3; k++)
            img.data[k] = (uint8_t)(k / 7 * (i + 3) + (int)rng_below(&r, 30));
        snprintf(s->paths[i], sizeof s->paths[i], "%s/%d.jpg", s->folder, i);
        assert_int_equal(image_write(s->paths[i], &img), OK);
        s->images[i] = (struct dataset_image){
            .path = s->paths[i], .w = w, .h = h, .orientation = 1, .first_object = s->d.n_objects, .n_objects = i % 5};
        for (int k = 0; k < i % 5; k++)
            small_object(s, &r, i + k, polygons);
    }
    image_free(&img);
    s->d.nc = 3;
    s->d.images = s->images;
    s->d.n_images = PICTURES;
    s->d.objects = s->objects;
    s->d.points = s->points;
    return s;
}

static void small_free(struct small *s)
{
    for (int i = 0; i < PICTURES; i++)
        unlink(s->paths[i]);
    rmdir(s->folder);
    free(s);
}

static struct augment_config full_augment(void)
{
    return (struct augment_config){.hsv_h = 0.015,
                                   .hsv_s = 0.7,
                                   .hsv_v = 0.4,
                                   .geometry = {10, 0.1, 0.9, 5, 0},
                                   .flipud = 0.5,
                                   .fliplr = 0.5,
                                   .mosaic = 0.8,
                                   .mixup = 0.4,
                                   .copy_paste = 0.5};
}

static struct loader_config config_of(const struct dataset *d, bool training)
{
    return (struct loader_config){.dataset = d,
                                  .size = 128,
                                  .batch = 4,
                                  .training = training,
                                  .load = training ? LOAD_LINEAR : LOAD_AREA,
                                  .augment = full_augment(),
                                  .stride = 32,
                                  .seed = 5,
                                  .ranks = 1};
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * 0x100000001B3u;
    return hash;
}

static void check_targets(const struct batch *b, int nc)
{
    int last = 0;
    for (int i = 0; i < b->n_targets; i++) {
        const float *t = b->targets[i];
        assert_true(t[0] >= (float)last && t[0] < (float)b->n && t[0] == floorf(t[0]));
        last = (int)t[0];
        assert_true(t[1] >= 0 && t[1] < (float)nc && t[1] == floorf(t[1]));
        assert_true(t[4] > 0 && t[5] > 0);
        for (int k = 0; k < 2; k++)
            assert_true(t[2 + k] - t[4 + k] / 2 >= -1e-6f && t[2 + k] + t[4 + k] / 2 <= 1 + 1e-6f);
    }
}

/* All bytes of an epoch in one number. */
static uint64_t epoch_hash(const struct loader_config *config, const struct epoch_config *epoch)
{
    struct loader *l;
    const struct batch *b;
    uint64_t hash = 1;
    long batches = 0, pictures = 0;
    assert_int_equal(loader_open(config, &l), OK);
    assert_int_equal(loader_start(l, epoch), OK);
    while (loader_next(l, &b) == OK && b) {
        assert_int_equal(b->number, batches++);
        hash = mix_bytes(hash, b->pixels, (size_t)b->n * (size_t)b->h * (size_t)b->w * 3);
        hash = mix_bytes(hash, b->targets, (size_t)b->n_targets * sizeof *b->targets);
        check_targets(b, config->dataset->nc);
        for (int i = 0; i < b->n; i++)
            hash = mix_bytes(hash, &b->pictures[i].index, sizeof b->pictures[i].index);
        pictures += b->n;
    }
    assert_int_equal(batches, loader_batches(l));
    assert_int_equal(pictures, loader_pictures(l));
    loader_close(l);
    return hash;
}

/* --- the loader --- */

static void epochs_do_not_depend_on_workers(void **state)
{
    (void)state;
    struct small *s = small_create(1);
    struct loader_config c = config_of(&s->d, true);
    const double weights[PICTURES] = {0, 1, 2, 3, 0, 0, 1, 1, 1, 5, 1};
    for (int kind = 0; kind < 4; kind++) {
        struct epoch_config e = {.epoch = (uint64_t)kind, .mosaic = kind != 2, .weights = kind == 1 ? weights : NULL};
        uint64_t wanted;
        c.rect = kind == 3;
        c.workers = 0;
        wanted = epoch_hash(&c, &e);
        for (c.workers = 1; c.workers <= 3; c.workers += 2)
            assert_true(epoch_hash(&c, &e) == wanted);
        c.cache = true;
        assert_true(epoch_hash(&c, &e) == wanted);
        c.cache_bytes = 100000; /* some fit */
        assert_true(epoch_hash(&c, &e) == wanted);
        c.cache = false;
        c.cache_bytes = 0;
        e.epoch += 100;
        assert_true(epoch_hash(&c, &e) != wanted);
        e.epoch -= 100;
        c.seed++;
        assert_true(epoch_hash(&c, &e) != wanted);
        c.seed--;
    }
    small_free(s);
}

static void every_picture_comes_once(void **state)
{
    (void)state;
    struct small *s = small_create(0);
    for (int ranks = 1; ranks <= 3; ranks++) {
        int seen[PICTURES] = {0}, total = 0;
        for (int rank = 0; rank < ranks; rank++) {
            struct loader_config c = config_of(&s->d, true);
            struct loader *l;
            const struct batch *b;
            c.rank = rank;
            c.ranks = ranks;
            c.workers = 2;
            assert_int_equal(loader_open(&c, &l), OK);
            for (uint64_t epoch = 0; epoch < 2; epoch++) { /* the first is given up */
                assert_int_equal(loader_start(l, &(struct epoch_config){.epoch = epoch, .mosaic = true}), OK);
                assert_int_equal(loader_next(l, &b), OK);
                assert_non_null(b);
            }
            do {
                for (int i = 0; i < b->n; i++)
                    seen[b->pictures[i].index]++;
                total += b->n;
            } while (loader_next(l, &b) == OK && b);
            loader_close(l);
        }
        assert_int_equal(total, (PICTURES + ranks - 1) / ranks * ranks);
        for (int i = 0; i < PICTURES; i++)
            assert_true(seen[i] >= 1 && seen[i] <= 2);
    }
    small_free(s);
}

static void validation_batches(void **state)
{
    (void)state;
    struct small *s = small_create(0);
    struct loader_config c = config_of(&s->d, false);
    struct loader *l;
    const struct batch *b;
    for (int rect = 0; rect < 2; rect++) {
        double before = 0;
        int objects = 0;
        c.rect = rect;
        c.rect_pad = 0.5;
        assert_int_equal(loader_open(&c, &l), OK);
        assert_int_equal(loader_start(l, &(struct epoch_config){0}), OK);
        for (int place = 0; loader_next(l, &b) == OK && b;) {
            check_targets(b, 3);
            if (!rect)
                assert_true(b->h == 128 && b->w == 128);
            for (int i = 0, t = 0; i < b->n; i++, place++) {
                const struct batch_picture *p = &b->pictures[i];
                double ratio = (double)p->photo_h / p->photo_w;
                assert_true(rect ? ratio >= before : p->index == place);
                before = ratio;
                /* every label comes back to where it was on the photo, but for the cut fraction of its height */
                for (int k = 0; k < s->images[p->index].n_objects; k++, t++, objects++) {
                    const float *got = b->targets[t],
                                *want = s->objects[s->images[p->index].first_object + (size_t)k].cxcywh;
                    double x = (got[2] * b->w - p->map.pad_x) / p->map.gain,
                           y = (got[3] * b->h - p->map.pad_y) / p->map.gain;
                    double slack = 1 + 0.03 * MAX(p->photo_w, p->photo_h);
                    assert_true(fabs(x - want[0] * p->photo_w) < slack && fabs(y - want[1] * p->photo_h) < slack);
                }
            }
        }
        assert_int_equal(objects, (int)s->d.n_objects);
        loader_close(l);
    }
    small_free(s);
}

static void rect_shapes(void **state)
{
    (void)state;
    struct dataset_image images[4] = {
        {.w = 640, .h = 640, .orientation = 1},
        {.w = 640, .h = 480, .orientation = 1},
        {.w = 640, .h = 480, .orientation = 1},
        {.w = 100, .h = 200, .orientation = 1},
    };
    struct dataset d = {.images = images, .n_images = 4};
    int order[4], shapes[4][2];
    assert_int_equal(rect_batches(&d, 640, 2, 32, 0.5, order, shapes), OK);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 2);
    assert_int_equal(order[2], 0);
    assert_int_equal(order[3], 3);
    assert_true(shapes[0][0] == 512 && shapes[0][1] == 672); /* ceil(15 + 0.5), ceil(20 + 0.5) */
    assert_true(shapes[1][0] == 672 && shapes[1][1] == 672); /* low is not above 1 */
    assert_int_equal(rect_batches(&d, 640, 1, 32, 0, order, shapes), OK);
    assert_true(shapes[3][0] == 640 && shapes[3][1] == 320);
}

static void unseen_pictures_make_no_difference(void **state)
{
    (void)state;
    for (int polygons = 0; polygons < 2; polygons++) {
        struct small *s = small_create(polygons);
        struct picture_store *store;
        struct augment_work work[2] = {{.paint_all = false}, {.paint_all = true}};
        struct sample out[2] = {{.count = 0}, {.count = 0}};
        assert_int_equal(
            picture_store_open(&(struct store_config){.dataset = &s->d, .size = 96, .rule = LOAD_LINEAR, .cache = true},
                               &store),
            OK);
        struct augment a = {.config = full_augment(), .size = 96, .mosaic = true, .pictures = picture_store_get(store)};
        for (int i = 0; i < 200; i++) {
            a.config.geometry.perspective = i % 4 == 0 ? 0.001 : 0;
            for (int k = 0; k < 2; k++) {
                struct draws d = draws_counted(3, 0, (uint64_t)i);
                assert_int_equal(augment_sample(&a, i % PICTURES, 96, 96, &d, &work[k], &out[k]), OK);
            }
            assert_memory_equal(out[0].image.data, out[1].image.data, 96 * 96 * 3);
            assert_int_equal(out[0].count, out[1].count);
        }
        for (int k = 0; k < 2; k++) {
            augment_work_free(&work[k]);
            sample_free(&out[k]);
        }
        assert_true(picture_store_cached(store) > 0 && picture_store_cached(store) <= picture_store_bytes(store));
        picture_store_close(store);
        small_free(s);
    }
}

static void a_missing_picture_is_told(void **state)
{
    (void)state;
    struct small *s = small_create(0);
    struct loader_config c = config_of(&s->d, false);
    struct loader *l;
    const struct batch *b;
    int failures = 0, batches = 0;
    unlink(s->paths[5]);
    s->images[9].w += 1;
    c.workers = 2;
    assert_int_equal(loader_open(&c, &l), OK);
    assert_int_equal(loader_start(l, &(struct epoch_config){0}), OK);
    for (int i = 0; i < loader_batches(l); i++) {
        if (loader_next(l, &b) != OK) {
            assert_non_null(strstr(fail_text(), failures ? "9.jpg" : "5.jpg"));
            failures++;
        } else {
            batches++;
        }
    }
    assert_int_equal(failures, 2);
    assert_int_equal(batches, 1);
    loader_close(l);
    c.size = 100;
    assert_int_equal(loader_open(&c, &l), E_ARGUMENT);
    small_free(s);
}

/* --- sampling and sizes --- */

static void weights_prefer_rare_and_weak_classes(void **state)
{
    (void)state;
    struct dataset_object objects[6] = {{.class = 0}, {.class = 0}, {.class = 0},
                                        {.class = 1}, {.class = 2}, {.class = 0}};
    struct dataset_image images[5] = {{.first_object = 0, .n_objects = 3},
                                      {.first_object = 3, .n_objects = 1},
                                      {.first_object = 4, .n_objects = 1},
                                      {.first_object = 5, .n_objects = 1},
                                      {.first_object = 6, .n_objects = 0}};
    struct dataset d = {.nc = 3, .images = images, .n_images = 5, .objects = objects, .n_objects = 6};
    const double ap[3] = {0.5, 0.5, 0};
    double w[5];
    enum { N = 10000 };
    static double many[N];
    static int drawn[N];
    int count[5] = {0};
    assert_int_equal(image_weights(&d, ap, w), OK);
    assert_true(fabs(w[0] - 3 * w[3]) < 1e-12 && fabs(w[1] - 4 * w[3]) < 1e-12 && fabs(w[2] - 4 * w[1]) < 1e-12);
    assert_true(w[4] == 0);
    for (int i = 0; i < N; i++)
        many[i] = w[i % 5];
    assert_int_equal(draw_indices(1, 0, many, N, drawn), OK);
    for (int i = 0; i < N; i++)
        count[drawn[i] % 5]++;
    double sum = w[0] + w[1] + w[2] + w[3];
    for (int i = 0; i < 5; i++)
        assert_true(fabs(count[i] - N * w[i] / sum) < 0.02 * N);
    memset(many, 0, sizeof many);
    assert_int_equal(draw_indices(1, 0, many, N, drawn), OK); /* all alike */
    assert_true(drawn[0] != drawn[1] || drawn[1] != drawn[2]);
}

static void multi_scale(void **state)
{
    (void)state;
    int seen[40] = {0}, h, w;
    for (int i = 0; i < 2100; i++) {
        multi_scale_draw(1, 0, (uint64_t)i, 640, 32, 640, 640, &h, &w);
        assert_true(h == w && h % 32 == 0 && h >= 320 && h <= 960);
        seen[h / 32]++;
    }
    for (int k = 10; k <= 30; k++)
        assert_true(seen[k] > 50 && seen[k] < 160);

    struct image img = {0};
    struct rng r = rng_seed(1, 2, 3);
    static const int sizes[][2] = {{31, 23}, {96, 64}, {40, 70}, {17, 11}};
    float got[96 * 96 * 4];
    assert_int_equal(image_init(&img, 40, 70), OK);
    for (int i = 0; i < 40 * 70 * 3; i++)
        img.data[i] = (uint8_t)rng_next(&r);
    for (int s = 0; s < COUNT(sizes); s++) {
        h = sizes[s][0];
        w = sizes[s][1];
        image_to_float_resized(&img, h, w, got, 4);
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                double sy = fmax((y + 0.5) * 40 / h - 0.5, 0), sx = fmax((x + 0.5) * 70 / w - 0.5, 0);
                int y0 = (int)sy, x0 = (int)sx, y1 = MIN(y0 + 1, 39), x1 = MIN(x0 + 1, 69);
                for (int c = 0; c < 3; c++) {
#define AT(y, x) (img.data[((y)*70 + (x)) * 3 + c] / 255.0)
                    double want = (1 - sy + y0) * ((1 - sx + x0) * AT(y0, x0) + (sx - x0) * AT(y0, x1)) +
                                  (sy - y0) * ((1 - sx + x0) * AT(y1, x0) + (sx - x0) * AT(y1, x1));
#undef AT
                    assert_true(fabs(want - got[(y * w + x) * 4 + c]) < 2e-5);
                }
            }
        }
    }
    image_free(&img);
}

/* --- photos --- */

/* Of this thread: other work on the machine does not count. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double milliseconds_a_sample(struct loader *l, uint64_t epoch, bool mosaic)
{
    const struct batch *b;
    double began = cpu_seconds();
    assert_int_equal(loader_start(l, &(struct epoch_config){.epoch = epoch, .mosaic = mosaic}), OK);
    while (loader_next(l, &b) == OK && b)
        check_targets(b, 3);
    return (cpu_seconds() - began) * 1000 / (double)loader_pictures(l);
}

/* Sheets of this set, kept when Y9_KEEP names a folder. */
static void preview_of(const struct loader_config *c, const struct epoch_config *e)
{
    const char *keep = getenv("Y9_KEEP");
    char folder[256] = "/tmp/y9_preview_XXXXXX", path[512];
    struct loader *l;
    const struct batch *b;
    if (keep)
        snprintf(folder, sizeof folder, "%s", keep);
    else
        assert_non_null(mkdtemp(folder));
    assert_int_equal(loader_open(c, &l), OK);
    assert_int_equal(loader_start(l, e), OK);
    assert_int_equal(loader_next(l, &b), OK);
    snprintf(path, sizeof path, "%s/train_batch0.png", folder);
    assert_int_equal(preview_batch(b, c->dataset, path), OK);
    if (!keep)
        assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/labels.png", folder);
    assert_int_equal(preview_labels(c->dataset, path), OK);
    if (!keep) {
        assert_int_equal(unlink(path), 0);
        rmdir(folder);
    }
    loader_close(l);
}

static void photos(void **state)
{
    (void)state;
    char drawn[] = "/tmp/yolo9-photos-XXXXXX", yaml_path[64];
    const char *file = shared_file("data/bccd/bccd.yaml");
    bool real = file != NULL;
    if (!real) {
        assert_non_null(mkdtemp(drawn));
        draw_dataset(drawn, 48);
        snprintf(yaml_path, sizeof yaml_path, "%s/data.yaml", drawn);
        file = yaml_path;
    }
    struct dataset_yaml yaml;
    struct dataset *d;
    struct loader *l;
    assert_int_equal(dataset_yaml_open(file, &yaml), OK);
    assert_int_equal(dataset_load(&yaml, SPLIT_TRAIN, &(struct dataset_options){.no_cache = true}, &d), OK);
    struct loader_config c = config_of(d, true);
    c.size = 320;
    c.batch = 16;
    c.augment = (struct augment_config){.hsv_h = 0.015,
                                        .hsv_s = 0.7,
                                        .hsv_v = 0.4,
                                        .geometry = {0, 0.1, 0.9, 0, 0},
                                        .fliplr = 0.5,
                                        .mosaic = 1,
                                        .mixup = 0.15,
                                        .copy_paste = 0.3};
    for (int cache = 0; cache < 2; cache++) {
        c.cache = cache;
        assert_int_equal(loader_open(&c, &l), OK);
        double first = milliseconds_a_sample(l, 0, true), second = milliseconds_a_sample(l, 1, true);
        print_message("%d photos at 320, %s: %.2f and %.2f ms a mosaic sample, %.2f ms without mosaic\n", d->n_images,
                      cache ? "kept in memory" : "read each time", first, second, milliseconds_a_sample(l, 2, false));
        loader_close(l);
    }
    c.cache = false;
    struct epoch_config e = {.epoch = 3, .mosaic = true};
    preview_of(&c, &e);
    uint64_t alone = epoch_hash(&c, &e);
    c.workers = 3;
    assert_true(epoch_hash(&c, &e) == alone);
    dataset_destroy(d);
    dataset_yaml_close(&yaml);
    if (!real)
        program_remove(drawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_files),
        cmocka_unit_test(a_log_is_kept_to),
        cmocka_unit_test(counted_draws_have_their_distributions),
        cmocka_unit_test(epochs_do_not_depend_on_workers),
        cmocka_unit_test(every_picture_comes_once),
        cmocka_unit_test(validation_batches),
        cmocka_unit_test(rect_shapes),
        cmocka_unit_test(unseen_pictures_make_no_difference),
        cmocka_unit_test(a_missing_picture_is_told),
        cmocka_unit_test(weights_prefer_rare_and_weak_classes),
        cmocka_unit_test(multi_scale),
        cmocka_unit_test(photos),
    };
    return cmocka_run_group_tests_name("augment", tests, NULL, NULL);
}
