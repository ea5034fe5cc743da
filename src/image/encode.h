/* Pixels to picture files. Files appear under their name only when they are whole (core/file.h). */
#ifndef Y9_IMAGE_ENCODE_H
#define Y9_IMAGE_ENCODE_H

#include "core/buf.h"
#include "image/image.h"

#include <stdbool.h>

enum image_kind { IMAGE_JPEG, IMAGE_PNG, IMAGE_WEBP };

enum { IMAGE_QUALITY = 95 }; /* of JPEG and WebP where nobody asks for another */

/* The picture's bytes are appended to `out`. quality 1..100 is ignored for PNG. E_LIMIT when the picture is larger
 * than the format can say (JPEG 65500, WebP 16383 pixels a side). */
enum status image_encode(const struct image *img, enum image_kind kind, int quality, struct buf *out);

enum status image_write_jpeg(const char *path, const struct image *img, int quality);
enum status image_write_png(const char *path, const struct image *img);
/* By extension, in any case: .jpg .jpeg .png .webp, else E_UNSUPPORTED. */
enum status image_write(const char *path, const struct image *img);
bool image_can_write(const char *path); /* has it one of these extensions? */

#endif
