/* Detection heads (SPEC 3): one branch or up to three, each a box tower and a class tower a level. Auxiliary
 * branches come first, the main one is the last. */
#ifndef Y9_MODEL_HEAD_H
#define Y9_MODEL_HEAD_H

#include "model/builder.h"
#include "model/family.h"

enum {
    FROM_FORMULA = -1, /* a width that nobody chose */
    REG_MAX = 16,      /* bins of a side, unless a checkpoint says otherwise */
    MAX_REG_MAX = 64,
    MAX_CLASSES = 10000,
};

/* What a checkpoint's tensors or a table may choose for a branch; FROM_FORMULA leaves it to SPEC 3. */
struct head_shape {
    int c_box, c_cls; /* widths of the box and of the class tower */
    int box_groups;   /* of the box tower's second and third convolution */
    int cls_tower;    /* enum cls_tower */
};

enum cls_tower {
    TOWER_PLAIN, /* Conv 3x3, Conv 3x3, 1x1 with bias */
    TOWER_LIGHT, /* twice a depth-wise Conv 3x3 and a Conv 1x1, then the 1x1 with bias */
    TOWER_COUNT,
};
const char *cls_tower_name(enum cls_tower tower); /* "plain", "light" */

void head_shape_init(struct head_shape *s); /* nothing chosen */
/* What `chosen` leaves open is `written`'s. */
struct head_shape head_shape_merge(struct head_shape chosen, struct head_shape written);

struct head_class {
    const char *name; /* "DualDDetect" */
    int n_branches;
    bool grouped; /* the "DD" heads: box tower in 4 groups, one a side */
};

/* NULL if `name` is no head. */
const struct head_class *head_find(const char *name);
/* The head that remains of `head` when its auxiliary branches are gone. */
const struct head_class *head_deployed(const struct head_class *head);

struct head_options {
    int nc, reg_max;
    const struct family *family; /* whose formulas fill what is open */
    struct head_shape shape[MAX_BRANCHES];
};

/* Fill what is FROM_FORMULA in a branch's shape; its first map has ch0 channels. */
void head_resolve(const struct head_class *head, int ch0, struct head_options *options, int branch);

/* Emit the head over `inputs` (levels of branch 1, of branch 2 ...): sets the graph's branches, nc and reg_max. A
 * level's raw map is the concat of 4*reg_max box logits (side by side: left, top, right, bottom) and nc class
 * logits. `shape` of the options is resolved in place. */
void detect(struct builder *b, const char *name, const struct head_class *head, const int *inputs, int n_inputs,
            struct head_options *options);

/* The light class tower of width c over map x; the parameters stand under the builder's path. */
int light_tower(struct builder *b, int x, int c, int nc);

/* "cv4", "cv5" or "dfl2": the official name of a part of branch 0, 1 or 2. */
enum head_part { HEAD_PART_BOX, HEAD_PART_CLS, HEAD_PART_DFL };
const char *head_part_name(int branch, enum head_part part);

#endif
