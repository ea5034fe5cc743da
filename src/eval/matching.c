#include "eval/matching.h"

#include "detect/boxes.h"

#include <string.h>

void matching_thresholds(float dst[EVAL_IOUS])
{
    const float first = 0.5f, last = 0.95f;
    const float step = (last - first) / (float)(EVAL_IOUS - 1);
    for (int t = 0; t < EVAL_IOUS; t++) /* from the nearer end, as torch.linspace does */
        dst[t] = t < EVAL_IOUS / 2 ? first + step * (float)t : last - step * (float)(EVAL_IOUS - 1 - t);
}

/* A detection's candidate is its best label of the same class, whatever the threshold; a label then goes to the first
 * detection (the one of the highest score) that asks for it, not to the best overlap: SPEC 12.3. */
void match_detections(const struct detection *detections, int n_detections, const struct eval_label *labels,
                      int n_labels, uint16_t *correct, uint16_t *taken)
{
    float threshold[EVAL_IOUS];
    matching_thresholds(threshold);
    memset(taken, 0, (size_t)n_labels * sizeof(*taken));
    for (int d = 0; d < n_detections; d++) {
        int best_label = -1;
        float best = -1;
        for (int l = 0; l < n_labels; l++) {
            if (labels[l].class != detections[d].class)
                continue;
            float iou = box_iou(labels[l].xyxy, detections[d].xyxy, BOX_EPSILON);
            if (iou > best) { /* of equal overlaps the first label */
                best = iou;
                best_label = l;
            }
        }
        correct[d] = 0;
        for (int t = 0; t < EVAL_IOUS && best_label >= 0 && best >= threshold[t]; t++) {
            uint16_t bit = (uint16_t)(1u << t);
            if (!(taken[best_label] & bit))
                correct[d] |= bit;
            taken[best_label] |= bit;
        }
    }
}
