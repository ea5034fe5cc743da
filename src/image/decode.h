/* Picture files to pixels: JPEG (libjpeg-turbo; of an MPO file the first picture), PNG (libpng), WebP (libwebp), BMP
 * (our own), TIFF (libtiff, the first page), GIF (giflib, the first frame). The bytes decide, not the extension
 * (kinds.h). Pixels equal OpenCV's imread after swapping its blue and red (SPEC 11.3): accurate integer DCT and fancy
 * upsampling, grey and palettes widened to RGB, 16 bit cut to the high byte (TIFF colours rounded, as libtiff does),
 * alpha dropped without blending, and the orientation of JPEG, PNG and TIFF applied. One difference: a picture whose
 * data is damaged or ends before the last pixel is refused (E_FORMAT) instead of being filled up with grey. */
#ifndef Y9_IMAGE_DECODE_H
#define Y9_IMAGE_DECODE_H

#include "image/image.h"

#include <stdbool.h>

/* `img` must be {0} or a live image (its buffer is used again); on failure it is empty or undefined, but freeable.
 * Sentences begin with the path, or with `name` for bytes in memory. NULL limits = those of image.h; the size in the
 * file's header is held against them before memory for pixels is taken.
 * E_IO, E_NOMEM, E_FORMAT (damaged), E_UNSUPPORTED (another kind of file), E_LIMIT. */
enum status image_read(const char *path, struct image *img);
enum status image_decode(const void *bytes, size_t size, const char *name, struct image *img);
enum status image_decode_limited(const void *bytes, size_t size, const char *name, const struct image_limits *limits,
                                 struct image *img);

/* Only the header: width and height as stored, before the orientation (1..8, 1 = none) is applied. The picture that
 * image_read gives has them exchanged for orientations 5 to 8. Output pointers may be NULL. */
enum status image_probe_size(const char *path, int *w, int *h, int *orientation);

/* The same, and sure that image_read will give the pixels: a file that ends where its format says is not decoded for
 * it, any other is. */
enum status image_check(const char *path, int *w, int *h, int *orientation);

/* The word for the kind of picture ("JPEG", "PNG", "TIFF" ...) or NULL when it is none that can be decoded. */
const char *image_kind_name(const void *bytes, size_t size);

/* Has it an alpha channel, which decoding drops without blending? PNG and WebP tell; false for anything else. */
bool image_has_alpha(const void *bytes, size_t size);

#endif
