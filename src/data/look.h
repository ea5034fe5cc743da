/* How a picture looks, in few bytes: a hash of 64 bits that changes little when the picture is shrunk, compressed anew
 * or made brighter, and a second, finer measure for pairs whose hashes are near. */
#ifndef Y9_DATA_LOOK_H
#define Y9_DATA_LOOK_H

#include "image/image.h"

#include <stdbool.h>

enum { LOOK_SIDE = 16, LOOK_BYTES = LOOK_SIDE * LOOK_SIDE };

struct look {
    uint64_t hash; /* bit y*8 + x: is the mean grey of cell (y, x) of 8 x 9 cells below that of its right neighbour? */
    uint8_t grey[LOOK_BYTES]; /* mean greys of 16 x 16 cells, row by row */
    bool flat;                /* no cell differs from the mean by more than noise: its hash says nothing */
    bool colourless;          /* red, green and blue agree everywhere */
};
void look_of(const struct image *img, struct look *out);

/* Correlation of two pictures' mean greys, -1 to 1; 0 where one is flat. */
double look_correlation(const uint8_t a[LOOK_BYTES], const uint8_t b[LOOK_BYTES]);

/* --- near hashes among many --- */

enum { LOOK_RADIUS = 7 }; /* bits in which near hashes may differ */

/* Multi-index hashing (Norouzi, Punjani, Fleet 2012): of two hashes that differ in at most seven bits, one of the four
 * quarters differs in at most one. Each quarter has a table of what is where, so that a search looks at 4 * 17 of 65536
 * buckets instead of at everything. */
struct look_index;
enum status look_index_create(const uint64_t *hashes, int n, struct look_index **out); /* hashes are borrowed */
void look_index_destroy(struct look_index *index);

/* Calls `visit` once for each entry among the first `end` whose hash is near, in no particular order, until it returns
 * true. At most `most` entries are compared: false when that was not enough. Safe to call from several threads. */
typedef bool look_visit(void *context, int entry);
bool look_index_search(const struct look_index *index, uint64_t hash, int end, long most, look_visit *visit,
                       void *context);

#endif
