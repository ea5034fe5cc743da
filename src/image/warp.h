/* Affine and perspective warps with the exact bytes of OpenCV 4.6 (SPEC 11.4, golden/README "perspective"): bilinear
 * with 5 fractional bits, outside of the photo IMAGE_BORDER. */
#ifndef Y9_IMAGE_WARP_H
#define Y9_IMAGE_WARP_H

#include "image/image.h"

/* m, row-major, maps photo (x, y, 1) to output places; it is inverted here in double. A singular one gives an output of
 * one colour. dst (h, w) as in image_init, not src. Sides of src and dst at most 32767. E_NOMEM. */
enum status image_warp_affine(const struct image *src, const double m[6], int h, int w, struct image *dst);
enum status image_warp_perspective(const struct image *src, const double m[9], int h, int w, struct image *dst);

#endif
