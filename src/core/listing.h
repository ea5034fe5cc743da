/* Tables as text, fitted to the width of a terminal: first the space between columns shrinks, then long cells are cut,
 * then the columns that matter least are left out. */
#ifndef Y9_CORE_LISTING_H
#define Y9_CORE_LISTING_H

#include "core/terminal.h"

enum listing_align { LISTING_RIGHT, LISTING_LEFT };

struct listing_column {
    const char *title;
    enum listing_align align;
    int width; /* so many columns at least, where there is room; the gap to the column before is part of them */
    int least; /* cells may be cut to so many columns; 0: never */
    enum text_end cut;
    int drop; /* where there is no room: the largest number is left out first; 0: never */
};

/* Cells come row by row, from left to right. */
struct listing {
    const struct listing_column *columns; /* borrowed */
    int n_columns, n_cells, capacity;
    char **cells; /* owned */
};
void listing_init(struct listing *l, const struct listing_column *columns, int n_columns);
void listing_free(struct listing *l);
enum status listing_add(struct listing *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append titles and rows, a line each, no wider than `limit`; 0: as wide as they are. */
enum status listing_write(const struct listing *l, int limit, struct buf *out);

#endif
