/* Box maths in one home. A box is four floats; xyxy = two corners, cxcywh = centre and size, xywh = top-left corner
 * and size (COCO), ltrb = distances from an anchor point to the four sides. Units are the caller's: pixels of the
 * network's input, pixels of the photo, or grid cells. Everything here is pure and allocation-free. */
#ifndef Y9_DETECT_BOXES_H
#define Y9_DETECT_BOXES_H

#include <stddef.h>

#define BOX_EPSILON 1e-7f /* SPEC 7.3 and 12.3 */

/* --- forms; src and dst may be the same memory --- */
void box_cxcywh_to_xyxy(const float src[4], float dst[4]);
void box_xyxy_to_cxcywh(const float src[4], float dst[4]);
void box_xyxy_to_xywh(const float src[4], float dst[4]);
void box_xywh_to_xyxy(const float src[4], float dst[4]);
void box_ltrb_to_xyxy(const float ltrb[4], float x, float y, float dst[4]); /* (x, y): the anchor point */
void box_xyxy_to_ltrb(const float xyxy[4], float x, float y, float dst[4]);
void box_clip(float xyxy[4], float width, float height); /* to [0, width] x [0, height] */

/* --- overlap of xyxy boxes --- */
static inline float box_area(const float b[4])
{
    return (b[2] - b[0]) * (b[3] - b[1]);
}

/* Area of the common part; 0 where the boxes do not meet. */
static inline float box_intersection(const float a[4], const float b[4])
{
    float w = (a[2] < b[2] ? a[2] : b[2]) - (a[0] > b[0] ? a[0] : b[0]);
    float h = (a[3] < b[3] ? a[3] : b[3]) - (a[1] > b[1] ? a[1] : b[1]);
    return (w > 0 ? w : 0) * (h > 0 ? h : 0);
}

/* IoU of matching (SPEC 12.3): inter / (area a + area b - inter + epsilon). NMS uses epsilon 0. */
static inline float box_iou(const float a[4], const float b[4], float epsilon)
{
    float inter = box_intersection(a, b);
    return inter / (box_area(a) + box_area(b) - inter + epsilon);
}

/* --- CIoU (SPEC 7.3; Zheng et al. 2020) --- */
/* What CIoU needs to know of one box. Make it once for a box that meets many others: the arc tangent is the costly
 * part. */
struct ciou_box {
    float xyxy[4];
    float area;  /* w * h, with the height's epsilon */
    float angle; /* atan(w / h) */
};
void ciou_box_init(struct ciou_box *c, const float xyxy[4]);

/* Symmetric in its arguments. In [-1.5, 1]; the assigner clamps it at 0, the box loss is 1 - CIoU. */
float ciou_of(const struct ciou_box *a, const struct ciou_box *b);

/* n CIoUs of one box with boxes[0..n). */
void ciou_of_many(const struct ciou_box *a, const struct ciou_box *boxes, size_t n, float *dst);

/* One pair from corners. */
float box_ciou(const float a[4], const float b[4]);

/* The same, and its gradient by the corners of `pred` (replaced, not added). The target gets none; alpha is a
 * constant; clamp passes the gradient where its argument is >= 0; min and max of equals split it in halves.
 * angle_epsilon: added to the heights in the arc tangent; 0, or BOX_EPSILON as YOLOv7 has it (SPEC-wild C.7). */
float box_ciou_gradient(const float pred[4], const float target[4], float angle_epsilon, float d_pred[4]);

/* --- from the network's input back to the photo (SPEC 12.2) --- */
struct box_map {
    double gain;         /* network pixels per photo pixel */
    double pad_x, pad_y; /* left and top border of the letterbox in network pixels, not rounded */
};
/* The map of a centred letterbox of a photo of height x width. */
struct box_map box_map_fit(int net_h, int net_w, int height, int width);
/* Its pads as the Ultralytics package has them in detection: whole pixels, where the photo lies in the letterbox. */
void box_map_round(struct box_map *map);
/* Subtract the pad, divide by the gain, clip to the photo: n boxes xyxy, `stride` floats from one to the next. */
void boxes_to_photo(const struct box_map *map, int height, int width, float *xyxy, size_t n, size_t stride);

#endif
