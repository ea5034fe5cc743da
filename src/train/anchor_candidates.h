/* Which anchor boxes of an anchor head may answer for which label (SPEC-wild C.5): those whose shape is near the
 * label's, in the cell of the label's centre and in its neighbours. simota.h chooses among them. */
#ifndef Y9_TRAIN_ANCHOR_CANDIDATES_H
#define Y9_TRAIN_ANCHOR_CANDIDATES_H

#include "graph/net.h"

/* How far a centre may be from the border of a neighbouring cell, in cells, so that it becomes a candidate too. */
#define CANDIDATE_NEAREST 0.5f /* the nearer neighbour in each direction: at most three cells */
#define CANDIDATE_ALL     1.0f /* all four neighbours: at most five cells */

struct anchor_candidate {
    int image, anchor, y, x; /* an anchor box of the cell (y, x) of a level */
    int target;              /* the row of the targets that it was found for */
};

struct anchor_candidates {
    struct anchor_candidate *items;
    int count, capacity;
};
void anchor_candidates_free(struct anchor_candidates *list);

struct anchor_rule {
    float most_ratio; /* of the sides of label and anchor box, anchor_t: 4 */
    float reach;      /* CANDIDATE_NEAREST or CANDIDATE_ALL */
};

/* Candidates of one level of `shape` (head and level are read) replace the list: first every label's own cell, then
 * left, upper, right and lower neighbours; within each of them by anchor, then in the order of the targets. The same
 * place may stand there twice, for two labels. `targets`: (n, 6) rows as in loss_run, which has checked them. */
enum status anchor_candidates_find(const struct head_output *shape, int level, const struct anchor_rule *rule,
                                   const float *targets, int n, struct anchor_candidates *list);

#endif
