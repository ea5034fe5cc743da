#include "data/loader.h"

#include "core/clock.h"
#include "core/mem.h"
#include "core/prefetch.h"
#include "data/picture_store.h"
#include "data/sampling.h"
#include "image/letterbox.h"

#include <string.h>

struct loader {
    struct loader_config config;
    struct picture_store *store;
    struct augment augment;
    struct prefetch *prefetch; /* of the running epoch */
    uint64_t epoch;
    long pictures, batches;
    long first;       /* batch of the running epoch that was wanted first */
    int *order;       /* [n_images] of the epoch (rect: of all epochs): place -> sample */
    int *indices;     /* [n_images] sample -> picture, with image weights; else NULL */
    int (*shapes)[2]; /* [batches] h, w; NULL: all square */
};

/* What a prefetch slot holds; buffers are kept from batch to batch. */
struct loader_slot {
    struct batch batch;
    size_t pixel_capacity;
    int target_capacity, picture_capacity;
    struct augment_work work;
    struct sample sample; /* its image is a view into the batch while a sample is made */
};

static void free_slot(void *data)
{
    struct loader_slot *s = data;
    s->sample.image = (struct image){0};
    sample_free(&s->sample);
    augment_work_free(&s->work);
    mem_free(s->batch.pixels);
    mem_free(s->batch.targets);
    mem_free(s->batch.pictures);
}

struct image batch_image(const struct batch *b, int i)
{
    size_t bytes = (size_t)b->h * (size_t)b->w * 3;
    return (struct image){.data = b->pixels + (size_t)i * bytes, .h = b->h, .w = b->w, .capacity = bytes};
}

/* --- making a batch --- */

static enum status reserve(struct loader_slot *s, int n, int h, int w)
{
    enum { SLACK = 64 }; /* of struct image, after the last picture */
    struct batch *b = &s->batch;
    size_t bytes = (size_t)n * (size_t)h * (size_t)w * 3;
    if (bytes > s->pixel_capacity) {
        mem_free(b->pixels);
        b->pixels = mem_alloc(bytes + SLACK, 1);
        s->pixel_capacity = b->pixels ? bytes : 0;
        if (!b->pixels)
            return E_NOMEM;
        memset(b->pixels + bytes, 0, SLACK);
    }
    if (n > s->picture_capacity) {
        mem_free(b->pictures);
        b->pictures = mem_alloc((size_t)n, sizeof *b->pictures);
        s->picture_capacity = b->pictures ? n : 0;
        if (!b->pictures)
            return E_NOMEM;
    }
    b->n = n;
    b->h = h;
    b->w = w;
    b->n_targets = 0;
    return OK;
}

static enum status add_targets(struct loader_slot *s, int image)
{
    struct batch *b = &s->batch;
    int wanted = b->n_targets + s->sample.count;
    if (wanted > s->target_capacity) {
        int capacity = 2 * wanted + 64;
        void *grown = mem_grow(b->targets, (size_t)s->target_capacity * sizeof *b->targets,
                               (size_t)capacity * sizeof *b->targets);
        if (!grown)
            return E_NOMEM;
        b->targets = grown;
        s->target_capacity = capacity;
    }
    for (int i = 0; i < s->sample.count; i++) {
        float *row = b->targets[b->n_targets++];
        row[0] = (float)image;
        row[1] = (float)s->sample.targets[i].class;
        memcpy(row + 2, s->sample.targets[i].cxcywh, sizeof s->sample.targets[i].cxcywh);
    }
    return OK;
}

static enum status make_sample(struct loader *l, struct loader_slot *s, int sample, int i)
{
    struct batch *b = &s->batch;
    int index = l->indices ? l->indices[sample] : sample;
    const struct dataset_image *photo = &l->config.dataset->images[index];
    const struct pictures *pictures = l->augment.pictures;
    b->pictures[i] = (struct batch_picture){.index = index, .photo_h = photo->h, .photo_w = photo->w};
    s->sample.image = batch_image(b, i);
    if (l->config.training) {
        struct draws d = draws_counted(l->config.seed, l->epoch, (uint64_t)sample);
        TRY(augment_sample(&l->augment, index, b->h, b->w, &d, &s->work, &s->sample));
    } else {
        struct letterbox box;
        double started = clock_seconds();
        s->work.buffer.read = 0;
        TRY(plain_sample(pictures, index, b->h, b->w, &s->work, &box, &s->sample));
        b->read += s->work.buffer.read;
        b->letterbox += clock_seconds() - started - s->work.buffer.read;
        /* the gain is the height's ratio of loading alone, as in the official code */
        b->pictures[i].map = (struct box_map){(double)pictures->items[index].h / photo->h, box.pad_w, box.pad_h};
    }
    TRY(add_targets(s, i));
    return OK;
}

static enum status make_batch(void *context, long place, void *slot)
{
    struct loader *l = context;
    long item = l->first + place;
    struct loader_slot *s = slot;
    const struct loader_config *c = &l->config;
    long first = item * c->batch, n = MIN(c->batch, l->pictures - first);
    int h = l->shapes ? l->shapes[item][0] : c->size, w = l->shapes ? l->shapes[item][1] : c->size;
    TRY(reserve(s, (int)n, h, w));
    s->batch.number = item;
    s->batch.read = s->batch.letterbox = 0;
    for (int i = 0; i < (int)n; i++) {
        /* ranks take turns; places beyond the end begin again */
        long turn = ((first + i) * c->ranks + c->rank) % c->dataset->n_images;
        TRY(make_sample(l, s, l->order[turn], i));
    }
    return OK;
}

/* --- life --- */

static enum status check(const struct loader_config *c)
{
    if (c->dataset->n_images < 1)
        return fail(E_ARGUMENT, "the dataset has no picture");
    if (c->size < 32 || c->size > 8192 || c->stride < 1 || c->size % c->stride)
        return fail(E_ARGUMENT, "image size %d is not a multiple of %d between 32 and 8192", c->size, c->stride);
    if (c->batch < 1 || c->workers < 0)
        return fail(E_ARGUMENT, "batch %d and workers %d must be at least 1 and 0", c->batch, c->workers);
    if (c->ranks < 1 || c->rank < 0 || c->rank >= c->ranks)
        return fail(E_ARGUMENT, "rank %d of %d does not exist", c->rank, c->ranks);
    if (c->rect && c->ranks > 1)
        return fail(E_ARGUMENT, "rect batches are made for one rank only, not for %d", c->ranks);
    return OK;
}

static enum status plan_order(struct loader *l)
{
    const struct loader_config *c = &l->config;
    const struct dataset *d = c->dataset;
    l->order = mem_alloc((size_t)d->n_images, sizeof *l->order);
    if (!l->order)
        return E_NOMEM;
    for (int i = 0; i < d->n_images; i++)
        l->order[i] = i;
    if (c->rect) {
        l->shapes = mem_alloc((size_t)l->batches, sizeof *l->shapes);
        if (!l->shapes)
            return E_NOMEM;
        TRY(rect_batches(d, c->size, c->batch, c->stride, c->rect_pad, l->order, l->shapes));
    }
    return OK;
}

enum status loader_open(const struct loader_config *config, struct loader **out)
{
    enum status rc = OK;
    struct loader *l = NULL;
    *out = NULL;
    TRY_CLEAN(check(config));
    l = mem_calloc(1, sizeof *l);
    if (!l)
        return E_NOMEM;
    l->config = *config;
    l->pictures = (config->dataset->n_images + config->ranks - 1) / config->ranks;
    l->batches = (l->pictures + config->batch - 1) / config->batch;
    TRY_CLEAN(plan_order(l));
    struct store_config store = {.dataset = config->dataset,
                                 .size = config->size,
                                 .rule = config->load,
                                 .cache = config->cache,
                                 .cache_bytes = config->cache_bytes};
    TRY_CLEAN(picture_store_open(&store, &l->store));
    l->augment =
        (struct augment){.config = config->augment, .size = config->size, .pictures = picture_store_get(l->store)};
    *out = l;
cleanup:
    if (rc != OK)
        loader_close(l);
    return rc;
}

void loader_close(struct loader *l)
{
    if (!l)
        return;
    prefetch_destroy(l->prefetch);
    picture_store_close(l->store);
    mem_free(l->order);
    mem_free(l->indices);
    mem_free(l->shapes);
    mem_free(l);
}

enum status loader_start(struct loader *l, const struct epoch_config *epoch)
{
    const struct loader_config *c = &l->config;
    int n = c->dataset->n_images;
    prefetch_destroy(l->prefetch);
    l->prefetch = NULL;
    l->epoch = epoch->epoch;
    if (c->training && !c->rect)
        epoch_order(c->seed, epoch->epoch, n, l->order);
    if (c->training && epoch->weights) {
        if (!l->indices)
            l->indices = mem_alloc((size_t)n, sizeof *l->indices);
        if (!l->indices)
            return E_NOMEM;
        TRY(draw_indices(c->seed, epoch->epoch, epoch->weights, n, l->indices));
    } else {
        mem_free(l->indices);
        l->indices = NULL;
    }
    l->augment.mosaic = epoch->mosaic && !c->rect;
    l->augment.indices = l->indices;
    l->augment.n_indices = n;
    l->first = epoch->first;
    if (l->first < 0 || l->first >= l->batches)
        return l->first == l->batches ? OK : fail(E_ARGUMENT, "an epoch has no batch %ld", l->first);
    long left = l->batches - l->first;
    struct prefetch_config prefetch = {.items = left,
                                       .workers = (int)MIN(c->workers, left),
                                       .depth = (int)MIN(c->workers, left) + 2,
                                       .slot_bytes = sizeof(struct loader_slot),
                                       .make = make_batch,
                                       .free_slot = free_slot,
                                       .context = l};
    TRY(prefetch_create(&prefetch, &l->prefetch));
    return OK;
}

enum status loader_next(struct loader *l, const struct batch **out)
{
    long item;
    void *slot = NULL;
    *out = NULL;
    if (!l->prefetch)
        return OK;
    enum status rc = prefetch_next(l->prefetch, &item, &slot);
    if (rc == OK && slot)
        *out = &((struct loader_slot *)slot)->batch;
    return rc;
}

long loader_batches(const struct loader *l)
{
    return l->batches;
}

long loader_pictures(const struct loader *l)
{
    return l->pictures;
}
