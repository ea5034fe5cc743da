/* The official metric (SPEC 12.4): average precision by interpolation at 101 recalls and the trapezoid rule,
 * precision / recall / F1 curves over the score, and the operating point. All arithmetic is double. */
#ifndef Y9_EVAL_AP_H
#define Y9_EVAL_AP_H

#include "eval/matching.h"

enum { AP_CURVE_POINTS = 1000 };

/* One detection of the whole set. */
struct ap_record {
    float score;
    int class;
    uint16_t correct; /* bits of match_detections */
};

/* Results are about the classes that have labels; row i of every array is class class[i], classes ascending. */
struct ap_result {
    int n_classes;
    int *class;
    uint64_t *labels;         /* [n_classes] */
    double (*ap)[EVAL_IOUS];  /* [n_classes] */
    double *p, *r, *f1;       /* [n_classes] at the operating point */
    double *tp, *fp;          /* [n_classes] there, whole numbers */
    double *p_curve;          /* [n_classes][AP_CURVE_POINTS] over score = i / 999 */
    double *r_curve;          /* the same */
    double *f1_curve;         /* the same */
    double *pr_curve;         /* precision over recall = i / 999, IoU 0.5 */
    int operating_point;      /* index of the best smoothed mean F1: score operating_point / 999 */
    double precision, recall; /* means over the classes there; 0 without labels */
    double map50, map, fitness;
    double *maps; /* [nc] AP50-95 of a class, the overall mean for classes without labels */
};

/* labels[c]: number of labels of class c. Records come in the order they were added; equal scores keep it. */
enum status ap_compute(const struct ap_record *records, size_t n, const uint64_t *labels, int nc,
                       struct ap_result *result);
void ap_free(struct ap_result *result);

/* AP of one curve: n points by falling score. mrec and mpre (n + 2 each) get the curve with its ends and the
 * envelope. */
double ap_of_curve(const double *recall, const double *precision, size_t n, double *mrec, double *mpre);

/* Box filter of about n * fraction taps (101 of 1000 for 0.1) with the ends repeated. */
void curve_smooth(const double *src, int n, double fraction, double *dst);

/* 0.1 mAP50 + 0.9 mAP50-95 */
double ap_fitness(double map50, double map);

#endif
