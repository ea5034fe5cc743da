/* Auto-anchor: do the anchor boxes of a network fit the labels that it is to learn, and which ones would? A label can
 * be matched at all only where the sides of some anchor box are within a factor (hyper-parameter anchor_t) of its own.
 */
#ifndef Y9_TRAIN_AUTO_ANCHOR_H
#define Y9_TRAIN_AUTO_ANCHOR_H

#include "data/dataset.h"
#include "graph/graph.h"

/* Sizes of the labels in pixels of the network's input, pictures fitted into img x img. */
struct label_sizes {
    float (*size)[2]; /* (n) width, height; owned */
    int n;
    int tiny; /* labels under two pixels, which are left out */
};
enum status label_sizes_of(const struct dataset *d, int img, struct label_sizes *out);
void label_sizes_free(struct label_sizes *s);

struct anchor_fit {
    double recall; /* share of labels with an anchor box near them in shape: the best that can be reached */
    double close;  /* mean over the labels of 1 / the factor to the nearest box in shape; 0 where there is none near */
};
/* Of all n_levels levels of a HEAD_ANCHORS. No label: recall 1. */
struct anchor_fit anchor_fit_of(const struct head *head, int n_levels, double most_ratio, const struct label_sizes *s);

/* k-means on the logarithms of the sizes, the best of some starts, smallest boxes to the finest level: head->anchor of
 * n_levels is replaced. The same for the same seed. E_ARGUMENT: fewer labels than anchor boxes. */
enum status anchors_find(const struct label_sizes *s, int n_levels, double most_ratio, uint64_t seed,
                         struct head *head);

#endif
