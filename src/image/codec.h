/* Inside of decode.c: what each file kind gives to the probe table. */
#ifndef Y9_IMAGE_CODEC_H
#define Y9_IMAGE_CODEC_H

#include "image/image.h"

#include <stdbool.h>

struct codec_input {
    const uint8_t *bytes;
    size_t size;
    const char *name;                  /* starts every sentence */
    const struct image_limits *limits; /* NULL: the standard ones */
};

/* Size as stored in the file, and the EXIF orientation to apply to the pixels. */
struct codec_header {
    int h, w, orientation;
    bool alpha; /* an alpha channel, which decoding drops; told by PNG and WebP */
    bool more;  /* frames or pages follow, which are not read; told by decoding */
};

struct codec {
    const char *word;
    bool (*probe)(const uint8_t *bytes, size_t size);
    enum status (*read_header)(const struct codec_input *in, struct codec_header *header);
    enum status (*decode)(const struct codec_input *in, struct image *img, struct codec_header *header);
    /* Does the file end where its format says? Then a check need not decode it. NULL: that cannot be told. */
    bool (*is_whole)(const struct codec_input *in);
};

extern const struct codec codec_jpeg, codec_png, codec_webp, codec_bmp, codec_gif, codec_tiff;

/* OK where the library that reads this kind of picture could be opened (core/library.h), else E_UNSUPPORTED. */
enum status codec_needs(bool there, const char *library, const char *kind, const char *name);

/* Tag 0x0112 of IFD0 in a TIFF block of `size` bytes; 1 when it is absent or anything about the block is wrong. */
int exif_orientation(const uint8_t *tiff, size_t size);

#endif
