#include "detect/boxes.h"

#include "core/status.h"

#include <math.h>

#define PI 3.14159265358979323846

void box_cxcywh_to_xyxy(const float src[4], float dst[4])
{
    float x = src[0], y = src[1], half_w = src[2] / 2, half_h = src[3] / 2;
    dst[0] = x - half_w;
    dst[1] = y - half_h;
    dst[2] = x + half_w;
    dst[3] = y + half_h;
}

void box_xyxy_to_cxcywh(const float src[4], float dst[4])
{
    float x1 = src[0], y1 = src[1], x2 = src[2], y2 = src[3];
    dst[0] = (x1 + x2) / 2;
    dst[1] = (y1 + y2) / 2;
    dst[2] = x2 - x1;
    dst[3] = y2 - y1;
}

void box_xyxy_to_xywh(const float src[4], float dst[4])
{
    float x1 = src[0], y1 = src[1], x2 = src[2], y2 = src[3];
    dst[0] = x1;
    dst[1] = y1;
    dst[2] = x2 - x1;
    dst[3] = y2 - y1;
}

void box_xywh_to_xyxy(const float src[4], float dst[4])
{
    float x = src[0], y = src[1], w = src[2], h = src[3];
    dst[0] = x;
    dst[1] = y;
    dst[2] = x + w;
    dst[3] = y + h;
}

void box_ltrb_to_xyxy(const float ltrb[4], float x, float y, float dst[4])
{
    float l = ltrb[0], t = ltrb[1], r = ltrb[2], b = ltrb[3];
    dst[0] = x - l;
    dst[1] = y - t;
    dst[2] = x + r;
    dst[3] = y + b;
}

void box_xyxy_to_ltrb(const float xyxy[4], float x, float y, float dst[4])
{
    float x1 = xyxy[0], y1 = xyxy[1], x2 = xyxy[2], y2 = xyxy[3];
    dst[0] = x - x1;
    dst[1] = y - y1;
    dst[2] = x2 - x;
    dst[3] = y2 - y;
}

static float clip(float x, float high)
{
    return x < 0 ? 0 : x > high ? high : x;
}

void box_clip(float xyxy[4], float width, float height)
{
    xyxy[0] = clip(xyxy[0], width);
    xyxy[1] = clip(xyxy[1], height);
    xyxy[2] = clip(xyxy[2], width);
    xyxy[3] = clip(xyxy[3], height);
}

static void fill_ciou_box(struct ciou_box *c, const float xyxy[4], float angle_epsilon)
{
    float w = xyxy[2] - xyxy[0], h = xyxy[3] - xyxy[1] + BOX_EPSILON; /* no epsilon on the width: SPEC 7.3 */
    for (int i = 0; i < 4; i++)
        c->xyxy[i] = xyxy[i];
    c->area = w * h;
    c->angle = atanf(w / (h + angle_epsilon));
}

void ciou_box_init(struct ciou_box *c, const float xyxy[4])
{
    fill_ciou_box(c, xyxy, 0);
}

/* The pieces of CIoU that its gradient looks at again. */
struct ciou_parts {
    float iw, ih, inter, area_sum, iou; /* iw, ih before the clamp; area_sum = union */
    float cw, ch, c2;                   /* enclosing box */
    float dx, dy, rho2;                 /* twice the distance of the centres, and its square / 4 */
    float turn, v, alpha;               /* difference of the angles */
};

static float ciou_parts_of(const struct ciou_box *a, const struct ciou_box *b, struct ciou_parts *p)
{
    const float *s = a->xyxy, *t = b->xyxy;
    p->iw = MIN(s[2], t[2]) - MAX(s[0], t[0]);
    p->ih = MIN(s[3], t[3]) - MAX(s[1], t[1]);
    p->inter = MAX(p->iw, 0) * MAX(p->ih, 0);
    p->area_sum = a->area + b->area - p->inter + BOX_EPSILON;
    p->iou = p->inter / p->area_sum;
    p->cw = MAX(s[2], t[2]) - MIN(s[0], t[0]);
    p->ch = MAX(s[3], t[3]) - MIN(s[1], t[1]);
    p->c2 = p->cw * p->cw + p->ch * p->ch + BOX_EPSILON;
    p->dx = t[0] + t[2] - s[0] - s[2];
    p->dy = t[1] + t[3] - s[1] - s[3];
    p->rho2 = (p->dx * p->dx + p->dy * p->dy) / 4;
    p->turn = b->angle - a->angle;
    p->v = (float)(4 / (PI * PI)) * (p->turn * p->turn);
    p->alpha = p->v / (p->v - p->iou + (1 + BOX_EPSILON));
    return p->iou - (p->rho2 / p->c2 + p->v * p->alpha);
}

float ciou_of(const struct ciou_box *a, const struct ciou_box *b)
{
    struct ciou_parts p;
    return ciou_parts_of(a, b, &p);
}

void ciou_of_many(const struct ciou_box *a, const struct ciou_box *boxes, size_t n, float *dst)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = ciou_of(a, &boxes[i]);
}

float box_ciou(const float a[4], const float b[4])
{
    struct ciou_box one, two;
    ciou_box_init(&one, a);
    ciou_box_init(&two, b);
    return ciou_of(&one, &two);
}

/* d max(a, b) / d a; d min(a, b) / d a = d max(b, a) / d b = share(b, a). */
static float share(float a, float b)
{
    return a > b ? 1.0f : a == b ? 0.5f : 0.0f;
}

float box_ciou_gradient(const float pred[4], const float target[4], float angle_epsilon, float d_pred[4])
{
    struct ciou_box a, b;
    struct ciou_parts p;
    fill_ciou_box(&a, pred, angle_epsilon);
    fill_ciou_box(&b, target, angle_epsilon);
    float value = ciou_parts_of(&a, &b, &p);
    float w = pred[2] - pred[0], h = pred[3] - pred[1] + BOX_EPSILON;

    /* iou = inter / union, union = w*h + ... - inter */
    float d_union = -p.iou / p.area_sum;
    float d_inter = 1 / p.area_sum - d_union;
    float d_iw = p.iw >= 0 ? d_inter * MAX(p.ih, 0) : 0;
    float d_ih = p.ih >= 0 ? d_inter * MAX(p.iw, 0) : 0;
    float d_w = d_union * h, d_h = d_union * w;

    /* -alpha*v: v falls with the square of the turn, and the turn with the angle of pred */
    float ratio_h = h + angle_epsilon, ratio = w / ratio_h;
    float d_ratio = p.alpha * (float)(4 / (PI * PI)) * 2 * p.turn / (ratio * ratio + 1);
    d_w += d_ratio / ratio_h;
    d_h -= d_ratio * ratio / ratio_h;

    /* -rho2/c2 */
    float d_c2 = p.rho2 / (p.c2 * p.c2);
    float d_cw = d_c2 * 2 * p.cw, d_ch = d_c2 * 2 * p.ch;
    float d_x = p.dx / (2 * p.c2), d_y = p.dy / (2 * p.c2); /* the same for both corners */

    d_pred[0] = -d_iw * share(pred[0], target[0]) - d_w - d_cw * share(target[0], pred[0]) + d_x;
    d_pred[1] = -d_ih * share(pred[1], target[1]) - d_h - d_ch * share(target[1], pred[1]) + d_y;
    d_pred[2] = d_iw * share(target[2], pred[2]) + d_w + d_cw * share(pred[2], target[2]) + d_x;
    d_pred[3] = d_ih * share(target[3], pred[3]) + d_h + d_ch * share(pred[3], target[3]) + d_y;
    return value;
}

struct box_map box_map_fit(int net_h, int net_w, int height, int width)
{
    struct box_map map;
    map.gain = MIN((double)net_h / height, (double)net_w / width);
    map.pad_x = (net_w - width * map.gain) / 2;
    map.pad_y = (net_h - height * map.gain) / 2;
    return map;
}

void box_map_round(struct box_map *map)
{
    map->pad_x = rint(map->pad_x - 0.1); /* rint is Python's round: halves go to the even side */
    map->pad_y = rint(map->pad_y - 0.1);
}

void boxes_to_photo(const struct box_map *map, int height, int width, float *xyxy, size_t n, size_t stride)
{
    float gain = (float)map->gain, pad_x = (float)map->pad_x, pad_y = (float)map->pad_y;
    for (size_t i = 0; i < n; i++) {
        float *b = xyxy + i * stride;
        b[0] = (b[0] - pad_x) / gain;
        b[1] = (b[1] - pad_y) / gain;
        b[2] = (b[2] - pad_x) / gain;
        b[3] = (b[3] - pad_y) / gain;
        box_clip(b, (float)width, (float)height);
    }
}
