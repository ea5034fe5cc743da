/* One YOLO label file (SPEC 11.2): lines `class cx cy w h`, or polygons `class x1 y1 x2 y2 ...`, all normalised. If any
 * line has more than six words the whole file holds polygons. */
#ifndef Y9_DATA_LABEL_FILE_H
#define Y9_DATA_LABEL_FILE_H

#include "data/dataset.h"

enum { LABEL_FILE_MAX_BYTES = 64 << 20, LABEL_FILE_MAX_ROWS = 1 << 20 };

struct label_rows {
    struct dataset_object *objects; /* first_point counts inside `points`; area is 0 */
    int n_objects;
    float (*points)[2];
    int n_points;
    int duplicates; /* rows removed; the others are then sorted */
};
void label_rows_free(struct label_rows *rows); /* leaves {0} */

/* `text` is followed by a zero byte. nc 0: no upper bound of the class; single_class: it is not looked at and becomes
 * 0. E_FORMAT with "name:line: ...". */
enum status label_text_read(const char *name, const char *text, size_t size, int nc, bool single_class,
                            struct label_rows *rows);

#endif
