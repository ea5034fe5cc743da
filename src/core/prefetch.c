#include "core/prefetch.h"

#include "core/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

enum { SENTENCE = 1024 };

enum slot_state { FREE, MAKING, READY, GIVEN, RETURNED, FINISHING };

struct prefetch_slot {
    void *data;
    long item; /* unless it is FREE */
    enum slot_state state;
    enum status status;
    char sentence[SENTENCE];
};

struct prefetch {
    struct prefetch_config config;
    struct prefetch_slot *slots; /* item i uses slot i % depth */
    pthread_t *threads;
    int n_threads;
    pthread_mutex_t lock;
    pthread_cond_t made, released; /* the caller waits for the first, workers for the second */
    long next_to_make, next_to_give, next_to_finish;
    int finishing;
    bool stop;
    long failed; /* lowest item whose finish failed; -1: none */
    enum status failure;
    char sentence[SENTENCE];
};

static struct prefetch_slot *slot_of(const struct prefetch *p, long item)
{
    return &p->slots[item % p->config.depth];
}

static void make_item(struct prefetch *p, struct prefetch_slot *s)
{
    s->status = p->config.make(p->config.context, s->item, s->data);
    if (s->status != OK)
        snprintf(s->sentence, sizeof s->sentence, "%s", fail_text());
}

static void keep_failure(struct prefetch *p, enum status rc, long item)
{
    if (rc == OK || (p->failed >= 0 && p->failed < item))
        return;
    p->failed = item;
    p->failure = rc;
    snprintf(p->sentence, sizeof p->sentence, "%s", fail_text());
}

/* The functions below are called with the lock held and give it up while they work. */
static void finish_item(struct prefetch *p, struct prefetch_slot *s)
{
    p->next_to_finish++;
    if (s->status == OK && p->config.finish) {
        s->state = FINISHING;
        p->finishing++;
        pthread_mutex_unlock(&p->lock);
        enum status rc = p->config.finish(p->config.context, s->item, s->data);
        pthread_mutex_lock(&p->lock);
        keep_failure(p, rc, s->item);
        p->finishing--;
    }
    s->state = FREE;
    pthread_cond_broadcast(&p->made);
    pthread_cond_broadcast(&p->released);
}

static void worker_make(struct prefetch *p, struct prefetch_slot *s)
{
    s->item = p->next_to_make++;
    s->state = MAKING;
    pthread_mutex_unlock(&p->lock);
    make_item(p, s);
    pthread_mutex_lock(&p->lock);
    s->state = READY;
    pthread_cond_broadcast(&p->made);
}

static bool can_finish(const struct prefetch *p)
{
    const struct prefetch_slot *s = slot_of(p, p->next_to_finish);
    return p->failed < 0 && s->state == RETURNED && s->item == p->next_to_finish;
}

static void *worker_main(void *argument)
{
    struct prefetch *p = argument;
    pthread_mutex_lock(&p->lock);
    while (!p->stop && p->next_to_finish < p->config.items) {
        if (can_finish(p)) /* before more is made: it frees a slot */
            finish_item(p, slot_of(p, p->next_to_finish));
        else if (p->next_to_make < p->config.items && slot_of(p, p->next_to_make)->state == FREE)
            worker_make(p, slot_of(p, p->next_to_make));
        else
            pthread_cond_wait(&p->released, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static enum status start(struct prefetch *p)
{
    for (int i = 0; i < p->config.depth; i++) {
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
    p->failed = -1;
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
    struct prefetch_slot *s = p->next_to_give > 0 ? slot_of(p, p->next_to_give - 1) : NULL;
    if (!s || s->state != GIVEN)
        return;
    s->state = RETURNED;
    if (p->config.workers && p->config.finish)
        pthread_cond_broadcast(&p->released);
    else
        finish_item(p, s);
}

/* A finish failed: those under way may still fail for an earlier item. */
static enum status wait_for_failure(struct prefetch *p)
{
    while (p->finishing)
        pthread_cond_wait(&p->made, &p->lock);
    return fail(p->failure, "%s", p->sentence);
}

static enum status wait_for_rest(struct prefetch *p)
{
    while (p->failed < 0 && (p->next_to_finish < p->config.items || p->finishing))
        pthread_cond_wait(&p->made, &p->lock);
    return p->failed < 0 ? OK : wait_for_failure(p);
}

static struct prefetch_slot *wait_for_item(struct prefetch *p, long item)
{
    struct prefetch_slot *s = slot_of(p, item);
    if (!p->config.workers) {
        s->item = item;
        make_item(p, s);
        s->state = READY;
    }
    while (!(s->state == READY && s->item == item))
        pthread_cond_wait(&p->made, &p->lock);
    s->state = GIVEN;
    return s;
}

enum status prefetch_next(struct prefetch *p, long *item, void **slot)
{
    enum status rc;
    *slot = NULL;
    pthread_mutex_lock(&p->lock);
    release_previous(p);
    if (p->failed >= 0) {
        rc = wait_for_failure(p);
    } else if (p->next_to_give == p->config.items) {
        rc = wait_for_rest(p);
    } else {
        *item = p->next_to_give++;
        struct prefetch_slot *s = wait_for_item(p, *item);
        *slot = s->data;
        rc = s->status == OK ? OK : fail(s->status, "%s", s->sentence);
    }
    pthread_mutex_unlock(&p->lock);
    return rc;
}

enum status prefetch_stop(struct prefetch *p)
{
    pthread_mutex_lock(&p->lock);
    p->config.items = p->next_to_give;
    release_previous(p);
    pthread_cond_broadcast(&p->released); /* workers that wait for more to make */
    enum status rc = wait_for_rest(p);
    pthread_mutex_unlock(&p->lock);
    return rc;
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
