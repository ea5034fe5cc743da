/* Work that is made ahead by worker threads and handed out in order: pictures read while the network runs, batches
 * made while it trains. What an item is depends on its number alone, so results do not depend on the workers. What the
 * caller has put into an item's slot can be finished by the same threads afterwards: annotated pictures written while
 * the network is at the next ones. */
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
    /* What is left to do with a slot once the caller has asked for the next item; NULL: nothing. Not called for items
     * whose making failed. Items are taken up in their order, several at once. */
    prefetch_fn *finish;
    prefetch_free_fn *free_slot; /* releases what a slot owns; may be NULL */
    void *context;               /* borrowed */
};
enum status prefetch_create(const struct prefetch_config *config, struct prefetch **out);

/* The next item in order. *slot stays valid until the next call; NULL after the last item, when all items have been
 * finished. A failure to make the item is returned with its sentence (and the slot), and the next call goes on with the
 * next item. A failure to finish one (the first in the order of items) is returned with *slot NULL, and nothing
 * follows. */
enum status prefetch_next(struct prefetch *p, long *item, void **slot);

/* Hand out nothing more: what was handed out is finished, what was made ahead is dropped. A failure to finish is
 * returned. Only prefetch_next's end and prefetch_destroy may follow. */
enum status prefetch_stop(struct prefetch *p);

void prefetch_destroy(struct prefetch *p); /* stops the workers, even in the middle of the items */

#endif
