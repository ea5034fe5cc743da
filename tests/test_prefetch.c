/* Items made ahead, handed out in order and finished by the same threads. */
#include "core/mem.h"
#include "core/prefetch.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ITEMS = 61, BROKEN = 17 }; /* every 17th cannot be made */

struct work {
    pthread_mutex_t lock;
    int made[ITEMS], finished[ITEMS];
    int running, most_running, faults;
    long fails; /* items from here on cannot be finished */
};

struct slot {
    long item;
    bool touched; /* by the caller */
    char *text;
};

static enum status make(void *context, long item, void *slot)
{
    struct work *w = context;
    struct slot *s = slot;
    pthread_mutex_lock(&w->lock);
    w->made[item]++;
    pthread_mutex_unlock(&w->lock);
    s->item = item;
    s->touched = false;
    s->text = s->text ? s->text : mem_calloc(32, 1);
    snprintf(s->text, 32, "item %ld", item);
    usleep((unsigned)(item % 3) * 200);
    return item % BROKEN ? OK : fail(E_FORMAT, "item %ld is broken", item);
}

static enum status finish(void *context, long item, void *slot)
{
    struct work *w = context;
    struct slot *s = slot;
    pthread_mutex_lock(&w->lock);
    w->faults += !s->touched || s->item != item || item % BROKEN == 0;
    w->finished[item]++;
    w->running++;
    w->most_running = MAX(w->most_running, w->running);
    pthread_mutex_unlock(&w->lock);
    usleep((unsigned)(item % 4) * 300);
    pthread_mutex_lock(&w->lock);
    w->running--;
    pthread_mutex_unlock(&w->lock);
    return item >= w->fails ? fail(E_IO, "item %ld finds the disk full", item) : OK;
}

static void free_slot(void *slot)
{
    mem_free(((struct slot *)slot)->text);
}

/* All items through a fresh prefetch; the status and sentence that end it. */
static enum status run_all(struct work *w, const struct prefetch_config *config, long *given)
{
    struct prefetch *p;
    enum status rc;
    assert_int_equal(prefetch_create(config, &p), OK);
    for (*given = 0;; ++*given) {
        long item;
        void *data;
        rc = prefetch_next(p, &item, &data);
        if (!data)
            break;
        struct slot *s = data;
        char text[32];
        snprintf(text, sizeof text, item % BROKEN ? "item %ld" : "item %ld is broken", item);
        assert_int_equal(item, *given);
        assert_int_equal(rc, item % BROKEN ? OK : E_FORMAT);
        assert_string_equal(item % BROKEN ? s->text : fail_text(), text);
        s->touched = true;
    }
    assert_int_equal(w->running, 0);
    assert_int_equal(w->faults, 0);
    if (rc == OK) /* after the end it stays at the end */
        assert_int_equal(prefetch_next(p, given, &(void *){NULL}), OK);
    *given = rc == OK ? ITEMS : *given;
    prefetch_destroy(p);
    return rc;
}

static struct prefetch_config config_of(struct work *w, int workers, int depth)
{
    return (struct prefetch_config){.items = ITEMS,
                                    .workers = workers,
                                    .depth = depth,
                                    .slot_bytes = sizeof(struct slot),
                                    .make = make,
                                    .free_slot = free_slot,
                                    .context = w};
}

static void every_item_is_made_given_and_finished_once(void **state)
{
    (void)state;
    for (int workers = 0; workers <= 4; workers++) {
        for (int mode = 0; mode < 2; mode++) { /* nothing to finish, several at once */
            struct work w = {.lock = PTHREAD_MUTEX_INITIALIZER, .fails = ITEMS};
            struct prefetch_config config = config_of(&w, workers, workers + 2);
            long given;
            config.finish = mode ? finish : NULL;
            assert_int_equal(run_all(&w, &config, &given), OK);
            assert_int_equal(given, ITEMS);
            for (int i = 0; i < ITEMS; i++) {
                assert_int_equal(w.made[i], 1);
                assert_int_equal(w.finished[i], mode && i % BROKEN);
            }
            assert_true(w.most_running <= MAX(1, workers));
        }
    }
}

/* Stopped in the middle: what was handed out is finished, once each, and nothing else is. */
static void stopping_finishes_what_was_handed_out(void **state)
{
    (void)state;
    enum { GIVEN_ITEMS = 7 };
    for (int workers = 0; workers <= 4; workers++) {
        struct work w = {.lock = PTHREAD_MUTEX_INITIALIZER, .fails = ITEMS};
        struct prefetch_config config = config_of(&w, workers, workers + 2);
        struct prefetch *p;
        long item;
        void *slot;
        config.finish = finish;
        assert_int_equal(prefetch_create(&config, &p), OK);
        for (int i = 0; i < GIVEN_ITEMS; i++) {
            prefetch_next(p, &item, &slot);
            assert_int_equal(item, i);
            ((struct slot *)slot)->touched = true;
        }
        assert_int_equal(prefetch_stop(p), OK);
        for (int i = 0; i < ITEMS; i++)
            assert_int_equal(w.finished[i], i < GIVEN_ITEMS && i % BROKEN);
        assert_int_equal(prefetch_next(p, &item, &slot), OK);
        assert_null(slot);
        prefetch_destroy(p);
    }
}

static void the_first_failure_to_finish_ends_it(void **state)
{
    (void)state;
    for (int workers = 0; workers <= 4; workers++) {
        struct work w = {.lock = PTHREAD_MUTEX_INITIALIZER, .fails = 23};
        struct prefetch_config config = config_of(&w, workers, workers + 2);
        long given;
        config.finish = finish;
        assert_int_equal(run_all(&w, &config, &given), E_IO);
        assert_string_equal(fail_text(), "item 23 finds the disk full");
        assert_true(given > 23 && given <= 23 + workers + 3);
        for (int i = 1; i < 23; i++)
            assert_int_equal(w.finished[i], i % BROKEN != 0);
    }
}

static void it_can_be_given_up_in_the_middle(void **state)
{
    (void)state;
    for (int stop = 0; stop < 6; stop++) {
        struct work w = {.lock = PTHREAD_MUTEX_INITIALIZER, .fails = ITEMS};
        struct prefetch_config config = config_of(&w, 3, 5);
        struct prefetch *p;
        config.finish = finish;
        assert_int_equal(prefetch_create(&config, &p), OK);
        for (int i = 0; i < stop; i++) {
            long item;
            void *data;
            prefetch_next(p, &item, &data);
            ((struct slot *)data)->touched = true;
        }
        prefetch_destroy(p);
        assert_int_equal(w.running, 0);
    }
    prefetch_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_made_given_and_finished_once),
        cmocka_unit_test(stopping_finishes_what_was_handed_out),
        cmocka_unit_test(the_first_failure_to_finish_ends_it),
        cmocka_unit_test(it_can_be_given_up_in_the_middle),
    };
    return cmocka_run_group_tests_name("prefetch", tests, NULL, NULL);
}
