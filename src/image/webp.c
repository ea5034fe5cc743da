/* WebP through libwebp, lossy and lossless; of an animation the first frame, on its canvas. Its EXIF block is not
 * looked at, as OpenCV does not (SPEC 11.3). */
#include "image/codec.h"

#include "core/library.h"

#include <pthread.h>
#include <string.h>
#include <webp/decode.h>

static bool webp_probe(const uint8_t *bytes, size_t size)
{
    return size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

/* --- the library, opened at the first WebP --- */

#define WEBP_FUNCTIONS(X)            \
    X(WebPInitDecoderConfigInternal) \
    X(WebPGetFeaturesInternal)       \
    X(WebPDecode)                    \
    X(WebPFreeDecBuffer)

static struct {
    bool there;
    WEBP_FUNCTIONS(LIBRARY_POINTER)
} library;

static void open_once(void)
{
    static const struct library_symbol wanted[] = {WEBP_FUNCTIONS(LIBRARY_ROW)};
    library.there = library_open(Y9_LIBWEBP, wanted, COUNT(wanted));
}

static enum status open_library(const char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_once);
    return codec_needs(library.there, Y9_LIBWEBP, "WebP", name);
}

static enum status explain(const struct codec_input *in, VP8StatusCode code)
{
    switch (code) {
    case VP8_STATUS_OK:
        return OK;
    case VP8_STATUS_OUT_OF_MEMORY:
        return fail_memory(in->name, 0);
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return fail(E_FORMAT, "%s: the WebP data ends early (truncated file)", in->name);
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return fail(E_UNSUPPORTED, "%s: WebP of a kind libwebp does not decode", in->name);
    default:
        return fail(E_FORMAT, "%s: damaged WebP", in->name);
    }
}

/* --- the first picture of an animation --- */

enum { CHUNK_HEADER = 8, FRAME_HEADER = 16 };

static size_t get24(const uint8_t *p)
{
    return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
}

/* The first chunk of that name in the file; false when there is none that is whole. */
static bool find_chunk(const struct codec_input *in, const char *name, const uint8_t **data, size_t *size)
{
    for (size_t at = 12; in->size - at >= CHUNK_HEADER;) {
        const uint8_t *chunk = in->bytes + at;
        size_t n = get24(chunk + 4) | (size_t)chunk[7] << 24;
        at += CHUNK_HEADER;
        if (n > in->size - at)
            return false;
        if (memcmp(chunk, name, 4) == 0) {
            *data = chunk + CHUNK_HEADER;
            *size = n;
            return true;
        }
        at += MIN(n + n % 2, in->size - at);
    }
    return false;
}

/* What is drawn where: a still picture covers everything, the first frame of an animation a part of the canvas. */
struct webp_frame {
    struct codec_input bits; /* of the picture itself */
    int x, y, h, w;
    uint8_t ground[3]; /* of the canvas */
};

static enum status find_frame(const struct codec_input *in, const struct codec_header *canvas, struct webp_frame *p)
{
    const uint8_t *frame, *settings;
    size_t size, settings_size;
    if (!find_chunk(in, "ANMF", &frame, &size) || size < FRAME_HEADER)
        return fail(E_FORMAT, "%s: the WebP animation has no whole frame (truncated file)", in->name);
    if (find_chunk(in, "ANIM", &settings, &settings_size) && settings_size >= 4) {
        for (int c = 0; c < 3; c++)
            p->ground[c] = settings[2 - c];
    }
    size_t x = get24(frame) * 2, y = get24(frame + 3) * 2, w = get24(frame + 6) + 1, h = get24(frame + 9) + 1;
    if (x + w > (size_t)canvas->w || y + h > (size_t)canvas->h)
        return fail(E_FORMAT, "%s: the first frame of the WebP goes beyond its canvas", in->name);
    p->bits.bytes = frame + FRAME_HEADER;
    p->bits.size = size - FRAME_HEADER;
    p->x = (int)x;
    p->y = (int)y;
    p->h = (int)h;
    p->w = (int)w;
    return OK;
}

/* --- both --- */

static enum status open_picture(const struct codec_input *in, struct codec_header *header, struct webp_frame *p)
{
    WebPBitstreamFeatures features;
    enum status rc = OK;
    TRY(open_library(in->name));
    TRY(explain(in, library.WebPGetFeaturesInternal(in->bytes, in->size, &features, WEBP_DECODER_ABI_VERSION)));
    *header =
        (struct codec_header){.h = features.height, .w = features.width, .orientation = 1, .alpha = features.has_alpha};
    TRY(image_check_size(in->name, header->h, header->w, in->limits));
    *p = (struct webp_frame){.bits = *in, .h = header->h, .w = header->w};
    header->more = features.has_animation;
    if (features.has_animation)
        rc = find_frame(in, header, p);
    return rc;
}

static enum status read_header(const struct codec_input *in, struct codec_header *header)
{
    struct webp_frame p;
    return open_picture(in, header, &p);
}

static enum status webp_decode(const struct codec_input *in, struct image *img, struct codec_header *header)
{
    WebPDecoderConfig config;
    struct webp_frame p;
    enum status rc = OK;
    TRY(open_library(in->name));
    if (!library.WebPInitDecoderConfigInternal(&config, WEBP_DECODER_ABI_VERSION))
        return fail(E_UNSUPPORTED, "%s: libwebp is not the version this program was built for", in->name);
    TRY(open_picture(in, header, &p));
    TRY(explain(in,
                library.WebPGetFeaturesInternal(p.bits.bytes, p.bits.size, &config.input, WEBP_DECODER_ABI_VERSION)));
    if (config.input.width != p.w || config.input.height != p.h)
        return fail(E_FORMAT, "%s: the first frame of the WebP is not as large as it says", in->name);
    TRY(image_init(img, header->h, header->w));
    if (p.h < img->h || p.w < img->w)
        image_fill(img, p.ground[0], p.ground[1], p.ground[2]);
    size_t row = (size_t)img->w * 3, first = (size_t)p.y * row + (size_t)p.x * 3;
    config.output.colorspace = MODE_RGB; /* not premultiplied: alpha is dropped */
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = img->data + first;
    config.output.u.RGBA.stride = (int)row;
    config.output.u.RGBA.size = (size_t)img->h * row - first;
    rc = explain(in, library.WebPDecode(p.bits.bytes, p.bits.size, &config));
    library.WebPFreeDecBuffer(&config.output);
    return rc;
}

const struct codec codec_webp = {"WebP", webp_probe, read_header, webp_decode, NULL};
