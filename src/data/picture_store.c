#include "data/picture_store.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "image/decode.h"
#include "image/resize.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct picture_store {
    struct store_config config;
    struct picture *items;
    struct pictures pictures;
    _Atomic(struct image *) *kept; /* [cacheable] NULL until its first use; then never changed */
    int cacheable;                 /* the first so many fit */
    uint64_t bytes;
    _Atomic uint64_t cached;
};

void picture_buffer_free(struct picture_buffer *b)
{
    image_free(&b->photo);
    image_free(&b->resized);
}

/* --- memory --- */

/* The number behind `key` in a small file of the kernel's; false when it is not there. */
static bool read_number(const char *path, const char *key, uint64_t *out)
{
    char line[256];
    bool found = false;
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof line, f)) {
        unsigned long long value;
        size_t n = strlen(key);
        if (!strncmp(line, key, n) && sscanf(line + n, " %llu", &value) == 1) {
            *out = value;
            found = true;
        }
    }
    if (f)
        fclose(f);
    return found;
}

/* What the machine has left, or the container's share of it where that is less. */
static uint64_t free_memory(void)
{
    uint64_t kilobytes = 0, limit, used;
    uint64_t free_bytes = read_number("/proc/meminfo", "MemAvailable:", &kilobytes) ? kilobytes << 10 : 0;
    if (read_number("/sys/fs/cgroup/memory.max", "", &limit) && read_number("/sys/fs/cgroup/memory.current", "", &used))
        free_bytes = MIN(free_bytes, limit > used ? limit - used : 0);
    return free_bytes;
}

static uint64_t picture_bytes(const struct picture *p)
{
    return (uint64_t)p->h * (uint64_t)p->w * 3 + MEM_ALIGN;
}

static enum status plan_cache(struct picture_store *s)
{
    const double megabyte = 1 << 20;
    uint64_t limit = s->config.cache_bytes ? s->config.cache_bytes : free_memory() / 2, sum = 0;
    for (int i = 0; i < s->pictures.count && sum + picture_bytes(&s->items[i]) <= limit; i++) {
        sum += picture_bytes(&s->items[i]);
        s->cacheable++;
    }
    if (s->cacheable < s->pictures.count)
        log_warn("cache: %.0f MB of %d pictures do not fit into %.0f MB; %d are kept, the others are read each time",
                 (double)s->bytes / megabyte, s->pictures.count, (double)limit / megabyte, s->cacheable);
    s->kept = mem_calloc((size_t)s->cacheable, sizeof *s->kept);
    return s->kept ? OK : E_NOMEM;
}

/* --- pixels --- */

static enum status read_picture(const struct picture_store *s, int index, struct picture_buffer *b,
                                const struct image **out)
{
    const struct dataset_image *image = &s->config.dataset->images[index];
    double started = clock_seconds();
    TRY(image_read(image->path, &b->photo));
    b->read = clock_seconds() - started;
    if (b->photo.h != image->h || b->photo.w != image->w) {
        return fail(E_FORMAT, "%s: is now %d x %d pixels, was %d x %d when the dataset was read", image->path,
                    b->photo.w, b->photo.h, image->w, image->h);
    }
    *out = &b->photo;
    if (s->items[index].h != image->h || s->items[index].w != image->w) {
        TRY(image_load_resize(&b->photo, s->config.size, s->config.rule, &b->resized));
        *out = &b->resized;
    }
    return OK;
}

/* Two workers may read the same picture at once: the first to publish wins, the pixels are equal. */
static void keep(struct picture_store *s, int index, const struct image *pixels)
{
    struct image *copy = mem_calloc(1, sizeof *copy), *expected = NULL;
    if (copy && image_copy(pixels, copy) == OK && atomic_compare_exchange_strong(&s->kept[index], &expected, copy)) {
        s->cached += picture_bytes(&s->items[index]);
        return;
    }
    if (copy)
        image_free(copy);
    mem_free(copy);
}

static enum status get_pixels(void *context, int index, struct picture_buffer *buffer, const struct image **out)
{
    struct picture_store *s = context;
    bool cacheable = index < s->cacheable;
    if (cacheable && (*out = atomic_load(&s->kept[index])) != NULL)
        return OK;
    enum status rc = read_picture(s, index, buffer, out);
    if (rc == OK && cacheable)
        keep(s, index, *out);
    return rc;
}

/* --- life --- */

enum status picture_store_open(const struct store_config *config, struct picture_store **out)
{
    enum status rc = OK;
    const struct dataset *d = config->dataset;
    struct picture_store *s = mem_calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return E_NOMEM;
    s->config = *config;
    s->items = mem_calloc((size_t)d->n_images, sizeof *s->items);
    if (!s->items) {
        rc = E_NOMEM;
        goto cleanup;
    }
    for (int i = 0; i < d->n_images; i++) {
        struct picture *p = &s->items[i];
        enum resize_filter filter;
        load_size(d->images[i].h, d->images[i].w, config->size, config->rule, &p->h, &p->w, &filter);
        p->objects = d->objects + d->images[i].first_object;
        p->n_objects = d->images[i].n_objects;
        s->bytes += picture_bytes(p);
    }
    s->pictures = (struct pictures){s->items, d->n_images, (const float(*)[2])d->points, get_pixels, s};
    if (config->cache)
        TRY_CLEAN(plan_cache(s));
    *out = s;
cleanup:
    if (rc != OK)
        picture_store_close(s);
    return rc;
}

void picture_store_close(struct picture_store *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->cacheable && s->kept; i++) {
        struct image *img = atomic_load(&s->kept[i]);
        if (img)
            image_free(img);
        mem_free(img);
    }
    mem_free(s->kept);
    mem_free(s->items);
    mem_free(s);
}

const struct pictures *picture_store_get(const struct picture_store *s)
{
    return &s->pictures;
}

uint64_t picture_store_bytes(const struct picture_store *s)
{
    return s->bytes;
}

uint64_t picture_store_cached(const struct picture_store *s)
{
    return s->cached;
}
