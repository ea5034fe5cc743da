#include "core/parallel.h"

#include "core/mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#define cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define cpu_relax() __asm__ volatile("yield")
#else
#define cpu_relax() ((void)0)
#endif

/* Waiting: pauses first (about 50 us, longer than the gap between two layers), then a few milliseconds of offering the
 * core to others, because a wake through the kernel costs as much as a small layer; only then sleep. */
enum { SPIN_ROUNDS = 4000, YIELD_ROUNDS = 4000 };

/* Parts [next, end) of one thread in one number, so that a claim is a single addition; a cache line of its own. */
struct task_share {
    _Alignas(64) _Atomic uint64_t range; /* end << 32 | next */
};

struct worker {
    struct team *team;
    pthread_t thread;
    int index;
};

struct team {
    int size;
    struct worker *workers;    /* size - 1 */
    struct task_share *shares; /* size */
    pthread_mutex_t lock;
    pthread_cond_t wake, finished;
    _Atomic unsigned generation; /* a new value is a new job */
    _Atomic int left, sleepers;  /* parts that are not done */
    _Atomic bool stop, caller_sleeps;
    part_fn *fn;
    void *context;
};

static bool claim(struct task_share *s, int *part)
{
    const uint64_t range = atomic_fetch_add(&s->range, 1);
    *part = (int)(uint32_t)range;
    return (uint32_t)range < (uint32_t)(range >> 32);
}

/* Every thread has a run of neighbouring parts, the same in each job of as many parts, so that a layer finds in the
 * core's own cache what the layer before it left there; who is done takes from the others. A job ends with its last
 * part: a worker that the system has not let run yet is not waited for. Should it come late, it finds nothing to
 * claim, or parts of the next job, whose fn and context stand before its parts can be claimed. */
static void work(struct team *t, int thread)
{
    int done = 0, part;
    for (int i = 0; i < t->size; i++) {
        struct task_share *s = &t->shares[(thread + i) % t->size];
        for (; claim(s, &part); done++)
            t->fn(t->context, part, thread);
    }
    if (done && atomic_fetch_sub(&t->left, done) == done && thread && atomic_load(&t->caller_sleeps)) {
        pthread_mutex_lock(&t->lock);
        pthread_cond_signal(&t->finished);
        pthread_mutex_unlock(&t->lock);
    }
}

static void deal(struct team *t, int parts)
{
    atomic_store(&t->left, parts);
    for (int i = 0; i < t->size; i++) {
        const uint64_t first = (uint64_t)parts * (uint64_t)i / (uint64_t)t->size;
        const uint64_t end = (uint64_t)parts * (uint64_t)(i + 1) / (uint64_t)t->size;
        atomic_store(&t->shares[i].range, end << 32 | first);
    }
}

static void wait_for_job(struct team *t, unsigned seen)
{
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (atomic_load_explicit(&t->generation, memory_order_acquire) != seen)
            return;
        cpu_relax();
    }
    for (int i = 0; i < YIELD_ROUNDS; i++) {
        if (atomic_load(&t->generation) != seen)
            return;
        sched_yield();
    }
    pthread_mutex_lock(&t->lock);
    atomic_fetch_add(&t->sleepers, 1);
    while (atomic_load(&t->generation) == seen)
        pthread_cond_wait(&t->wake, &t->lock);
    atomic_fetch_sub(&t->sleepers, 1);
    pthread_mutex_unlock(&t->lock);
}

static void *worker_main(void *argument)
{
    struct worker *w = argument;
    struct team *t = w->team;
    for (unsigned seen = 0;;) {
        wait_for_job(t, seen);
        seen = atomic_load(&t->generation);
        if (atomic_load(&t->stop))
            return NULL;
        work(t, w->index);
    }
}

static void publish(struct team *t)
{
    atomic_fetch_add(&t->generation, 1);
    if (atomic_load(&t->sleepers)) {
        pthread_mutex_lock(&t->lock);
        pthread_cond_broadcast(&t->wake);
        pthread_mutex_unlock(&t->lock);
    }
}

static void wait_for_parts(struct team *t)
{
    for (int i = 0; i < SPIN_ROUNDS; i++) {
        if (!atomic_load(&t->left))
            return;
        cpu_relax();
    }
    for (int i = 0; i < YIELD_ROUNDS; i++) {
        if (!atomic_load(&t->left))
            return;
        sched_yield();
    }
    pthread_mutex_lock(&t->lock);
    atomic_store(&t->caller_sleeps, true);
    while (atomic_load(&t->left))
        pthread_cond_wait(&t->finished, &t->lock);
    atomic_store(&t->caller_sleeps, false);
    pthread_mutex_unlock(&t->lock);
}

void team_run(struct team *t, int parts, part_fn *fn, void *context)
{
    if (!t || t->size == 1 || parts <= 1) {
        for (int part = 0; part < parts; part++)
            fn(context, part, 0);
        return;
    }
    t->fn = fn;
    t->context = context;
    deal(t, parts);
    publish(t);
    work(t, 0);
    wait_for_parts(t);
}

int team_size(const struct team *t)
{
    return t ? t->size : 1;
}

enum status team_create(int threads, struct team **out)
{
    *out = NULL;
    if (threads < 1 || threads > 1024)
        return fail(E_ARGUMENT, "%d threads: 1 to 1024 are possible", threads);
    struct team *t = mem_calloc(1, sizeof *t);
    if (!t)
        return E_NOMEM;
    t->size = 1;
    t->workers = mem_calloc((size_t)threads, sizeof *t->workers);
    t->shares = mem_calloc((size_t)threads, sizeof *t->shares);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, NULL);
    pthread_cond_init(&t->finished, NULL);
    for (int i = 1; t->workers && t->shares && i < threads; i++) {
        struct worker *w = &t->workers[i - 1];
        *w = (struct worker){.team = t, .index = i};
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
            team_destroy(t);
            return fail(E_NOMEM, "thread %d of %d could not be started", i + 1, threads);
        }
        t->size++;
    }
    if (!t->workers || !t->shares) {
        team_destroy(t);
        return E_NOMEM;
    }
    *out = t;
    return OK;
}

void team_destroy(struct team *t)
{
    if (!t)
        return;
    atomic_store(&t->stop, true);
    publish(t);
    for (int i = 1; i < t->size; i++)
        pthread_join(t->workers[i - 1].thread, NULL);
    pthread_cond_destroy(&t->wake);
    pthread_cond_destroy(&t->finished);
    pthread_mutex_destroy(&t->lock);
    mem_free(t->shares);
    mem_free(t->workers);
    mem_free(t);
}
