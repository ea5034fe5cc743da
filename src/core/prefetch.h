/* Work that is made ahead by worker threads and handed out in order: pictures read while the network runs, batches
 * made while it trains. What an item is depends on its number alone, so results do not depend on the workers. */
#ifndef Y9_CORE_PREFETCH_H
#define Y9_CORE_PREFETCH_H

#include "core/status.h"

struct prefetch;

/* Makes item number `item` in `slot` (slot_bytes, zeroed before its first use, then used again and again, so that
 * buffers inside can be kept). Runs in a worker thread; several items are made at once. */
typedef enum status prefetch_fn(void *context, long item, void *slot);
typedef void prefetch_free_fn(void *slot);

struct prefetch_config {
    long items;  /* 0 .. items-1 are made */
    int workers; /* threads; 0: each item is made by prefetch_next itself */
    int depth;   /* slots: at most this many items are ready or held; at least 2 */
    size_t slot_bytes;
    prefetch_fn *make;
    prefetch_free_fn *free_slot; /* releases what a slot owns; may be NULL */
    void *context;               /* borrowed */
};
enum status prefetch_create(const struct prefetch_config *config, struct prefetch **out);

/* The next item in order. *slot stays valid until the next call; NULL after the last item. A failure to make the
 * item is returned with its sentence (and the slot), and the next call goes on with the next item. */
enum status prefetch_next(struct prefetch *p, long *item, void **slot);

/* Seconds the caller has spent waiting in prefetch_next. */
double prefetch_waited(const struct prefetch *p);

void prefetch_destroy(struct prefetch *p); /* stops the workers, even in the middle of the items */

#endif
