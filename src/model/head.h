/* Detection heads: one branch or up to three. Auxiliary branches come first, the main one is the last.
 * Anchor-free ones (SPEC 3) have a box tower and a class tower a level; anchor-based ones (YOLOv7's) one convolution a
 * level, in training between implicit vectors that are added before it and multiplied after it. */
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
    enum head_kind kind;
    int n_branches;
    bool grouped;    /* the "DD" heads: box tower in 4 groups, one a side */
    bool implicit;   /* the "I" heads: implicit vectors in the main branch */
    bool lead_first; /* a table lists the levels of the main branch before those of the auxiliary one */
};

/* NULL if `name` is no head. */
const struct head_class *head_find(const char *name);
/* The head that a table's row means: a Detect that is given anchors beside its number of classes is the anchor-based
 * one. */
const struct head_class *head_find_row(const char *name, int n_args);
/* Which of a head's inputs is the first level of a branch. */
int head_first_input(const struct head_class *head, int branch, int n_levels);
/* The head that remains of `head` when its auxiliary branches are gone. */
const struct head_class *head_deployed(const struct head_class *head);

struct head_options {
    int nc, reg_max;
    const struct family *family; /* whose formulas fill what is open */
    struct head_shape shape[MAX_BRANCHES];
    int anchor_levels, n_anchors; /* an anchor head's: levels that have anchors, boxes a cell */
    const float (*anchor)[MAX_ANCHORS][2];
};

/* Emit the head over `inputs`: sets the graph's branches and its description of the head. An anchor-free level's raw
 * map is the concat of 4*reg_max box logits (side by side: left, top, right, bottom) and nc class logits. `shape` of
 * the options is resolved in place. */
void detect(struct builder *b, const char *name, const struct head_class *head, const int *inputs, int n_inputs,
            struct head_options *options);

/* The light class tower of width c over map x; the parameters stand under the builder's path. */
int light_tower(struct builder *b, int x, int c, int nc);

/* "cv4", "cv5" or "dfl2": the official name of a part of branch 0, 1 or 2 of an anchor-free head. */
enum head_part { HEAD_PART_BOX, HEAD_PART_CLS, HEAD_PART_DFL };
const char *head_part_name(int branch, enum head_part part);

/* The branch that a head's parameter belongs to, -1 if none has such a part: `rest` is its name without the row,
 * "cv4.0.0.conv.weight". */
int head_branch_of(enum head_kind kind, int n_branches, const char *rest);
/* The same parameter's name in the head that is deployed, "cv2.0.0.conv.weight", written into buffer; NULL if that one
 * has no such parameter. */
const char *head_deployed_name(enum head_kind kind, int n_branches, const char *rest, char *buffer, size_t size);
/* The other way: from the deployed head's name to that of the main branch of a head of n_branches. */
const char *head_main_name(enum head_kind kind, int n_branches, const char *rest, char *buffer, size_t size);

#endif
