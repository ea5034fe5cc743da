/* One YOLO label file (SPEC 11.2), all coordinates normalised. Each row is read by its own length: five words are a box
 * `class cx cy w h`; in a pose set (kpt_shape) more words are a box with key points, which are left aside; else they
 * are a polygon `class x1 y1 x2 y2 x3 y3 ...`. Any other length is refused. The official code reads all rows of a file
 * as polygons when one of them has more than six words, which makes wrong boxes of box rows (docs/NUMERICS.md). */
#ifndef Y9_DATA_LABEL_FILE_H
#define Y9_DATA_LABEL_FILE_H

#include "data/dataset.h"

enum { LABEL_FILE_MAX_BYTES = 64 << 20, LABEL_FILE_MAX_ROWS = 1 << 20 };

struct label_rules {
    int nc;            /* 0: no upper bound of the class */
    bool single_class; /* the class is not looked at and becomes 0 */
    int key_points;    /* kpt_shape of the YAML: so many key points of `key_values` values each; 0: no pose set */
    int key_values;
};

struct label_rows {
    struct dataset_object *objects; /* first_point counts inside `points`; area is 0 */
    int n_objects;
    float (*points)[2];
    int n_points;
    int duplicates; /* rows removed; the others are then sorted */
    int poses;      /* rows whose key points were left aside, duplicates too */
};
void label_rows_free(struct label_rows *rows); /* leaves {0} */

/* `text` is followed by a zero byte. Overshoots of up to a thousandth are clipped to the picture. E_FORMAT with
 * "name:line: ...". */
enum status label_text_read(const char *name, const char *text, size_t size, const struct label_rules *rules,
                            struct label_rows *rows);

/* .../images/a/b.jpg -> .../labels/a/b.txt; without an images folder the label lies beside the picture. Of the arena,
 * NULL when short of memory. */
const char *label_path(struct arena *arena, const char *picture);

#endif
