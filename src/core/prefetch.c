#include "core/prefetch.h"

#include "core/clock.h"
#include "core/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

enum { SENTENCE = 1024 };

struct slot {
    void *data;
    long item; /* being made or ready; -1: free */
    bool ready;
    enum status status;
    char sentence[SENTENCE];
};

struct prefetch {
    struct prefetch_config config;
    struct slot *slots; /* item i uses slot i % depth */
    pthread_t *threads;
    int n_threads;
    pthread_mutex_t lock;
    pthread_cond_t made, released;
    long next_to_make, next_to_give;
    bool stop;
    double waited;
};

static void make_item(struct prefetch *p, struct slot *s, long item)
{
    s->status = p->config.make(p->config.context, item, s->data);
    if (s->status != OK)
        snprintf(s->sentence, sizeof s->sentence, "%s", fail_text());
}

/* The slot of an item is free once the item `depth` before it was given and given up again. */
static bool slot_is_free(const struct prefetch *p, long item)
{
    return p->slots[item % p->config.depth].item < 0;
}

static void *worker_main(void *argument)
{
    struct prefetch *p = argument;
    pthread_mutex_lock(&p->lock);
    while (!p->stop && p->next_to_make < p->config.items) {
        long item = p->next_to_make;
        if (!slot_is_free(p, item)) {
            pthread_cond_wait(&p->released, &p->lock);
            continue;
        }
        struct slot *s = &p->slots[item % p->config.depth];
        p->next_to_make++;
        s->item = item;
        s->ready = false;
        pthread_mutex_unlock(&p->lock);
        make_item(p, s, item);
        pthread_mutex_lock(&p->lock);
        s->ready = true;
        pthread_cond_broadcast(&p->made);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static enum status start(struct prefetch *p)
{
    for (int i = 0; i < p->config.depth; i++) {
        p->slots[i].item = -1;
        p->slots[i].data = mem_calloc(1, p->config.slot_bytes);
        if (!p->slots[i].data)
            return E_NOMEM;
    }
    for (int i = 0; i < p->config.workers; i++) {
        if (pthread_create(&p->threads[i], NULL, worker_main, p) != 0)
            return fail(E_NOMEM, "loader thread %d could not be started", i + 1);
        p->n_threads++;
    }
    return OK;
}

enum status prefetch_create(const struct prefetch_config *config, struct prefetch **out)
{
    *out = NULL;
    struct prefetch *p = mem_calloc(1, sizeof *p);
    if (!p)
        return E_NOMEM;
    p->config = *config;
    p->config.depth = MAX(config->depth, 2);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->made, NULL);
    pthread_cond_init(&p->released, NULL);
    p->slots = mem_calloc((size_t)p->config.depth, sizeof *p->slots);
    p->threads = mem_calloc((size_t)config->workers + 1, sizeof *p->threads);
    enum status rc = p->slots && p->threads ? start(p) : E_NOMEM;
    if (rc != OK) {
        prefetch_destroy(p);
        return rc;
    }
    *out = p;
    return OK;
}

/* Give the slot of the item before this one back to the workers. */
static void release_previous(struct prefetch *p)
{
    if (p->next_to_give > 0) {
        p->slots[(p->next_to_give - 1) % p->config.depth].item = -1;
        pthread_cond_broadcast(&p->released);
    }
}

enum status prefetch_next(struct prefetch *p, long *item, void **slot)
{
    *slot = NULL;
    double started = clock_seconds();
    pthread_mutex_lock(&p->lock);
    release_previous(p);
    if (p->next_to_give >= p->config.items) {
        pthread_mutex_unlock(&p->lock);
        return OK;
    }
    *item = p->next_to_give++;
    struct slot *s = &p->slots[*item % p->config.depth];
    if (!p->config.workers) {
        s->item = *item;
        make_item(p, s, *item);
    }
    while (p->config.workers && !(s->item == *item && s->ready))
        pthread_cond_wait(&p->made, &p->lock);
    pthread_mutex_unlock(&p->lock);
    p->waited += clock_seconds() - started;
    *slot = s->data;
    return s->status == OK ? OK : fail(s->status, "%s", s->sentence);
}

double prefetch_waited(const struct prefetch *p)
{
    return p->waited;
}

void prefetch_destroy(struct prefetch *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->released);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    for (int i = 0; p->slots && i < p->config.depth; i++) {
        if (p->slots[i].data && p->config.free_slot)
            p->config.free_slot(p->slots[i].data);
        mem_free(p->slots[i].data);
    }
    pthread_cond_destroy(&p->made);
    pthread_cond_destroy(&p->released);
    pthread_mutex_destroy(&p->lock);
    mem_free(p->slots);
    mem_free(p->threads);
    mem_free(p);
}
