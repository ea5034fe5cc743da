/* Colour jitter in HSV, with OpenCV's 8-bit conversion (SPEC 11.4, 11.6): H in 0..179 (half degrees), S and V in
 * 0..255. Pictures are RGB here; for BGR bytes exchange the first and third channel before and after. */
#ifndef Y9_IMAGE_HSV_H
#define Y9_IMAGE_HSV_H

#include "image/image.h"

/* Exact bytes of OpenCV's RGB -> HSV. Both hold n pixels of three bytes and may be the same. */
void rgb_to_hsv(const uint8_t *rgb, size_t n, uint8_t *hsv);
/* Back, rounded; OpenCV differs by at most 1 from itself between machines, and so from this. H < 180. */
void hsv_to_rgb(const uint8_t *hsv, size_t n, uint8_t *rgb);

/* Scale hue, saturation and value by the factors r (SPEC 11.6: 1 + gain * U(-1, 1)), in place: hue wraps round,
 * the others are clipped. Factors must be finite and not negative. */
void hsv_adjust(struct image *img, double r_hue, double r_saturation, double r_value);

#endif
