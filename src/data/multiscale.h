/* --multi-scale (SPEC 10, 10.3): each training batch is brought to a random size before it enters the network. */
#ifndef Y9_DATA_MULTISCALE_H
#define Y9_DATA_MULTISCALE_H

#include "image/image.h"

/* The size for a batch of h x w: its longer side becomes a multiple of `stride` from half to one and a half of `size`.
 * Depends on (seed, epoch, batch) alone. */
void multi_scale_draw(uint64_t seed, uint64_t epoch, uint64_t batch, int size, int stride, int h, int w, int *new_h,
                      int *new_w);

/* dst (h, w, pixel_stride) = the picture as float (byte / 255), resized bilinearly without antialiasing, pixel centres
 * aligned. An equal size gives what image_to_float gives. pixel_stride >= 3; other channels are not touched. */
void image_to_float_resized(const struct image *img, int h, int w, float *dst, size_t pixel_stride);

#endif
