/* WebP through libwebp, lossy and lossless. Its EXIF block is not looked at, as OpenCV does not (SPEC 11.3). */
#include "image/codec.h"

#include <string.h>
#include <webp/decode.h>

static bool webp_probe(const uint8_t *bytes, size_t size)
{
    return size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

static enum status explain(const struct codec_input *in, VP8StatusCode code)
{
    switch (code) {
    case VP8_STATUS_OK:
        return OK;
    case VP8_STATUS_OUT_OF_MEMORY:
        return fail(E_NOMEM, "%s: no memory for libwebp", in->name);
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return fail(E_FORMAT, "%s: the WebP data ends early (truncated file)", in->name);
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return fail(E_UNSUPPORTED, "%s: WebP of a kind libwebp does not decode", in->name);
    default:
        return fail(E_FORMAT, "%s: damaged WebP", in->name);
    }
}

static enum status read_features(const struct codec_input *in, WebPBitstreamFeatures *features,
                                 struct codec_header *header)
{
    enum status rc = explain(in, WebPGetFeatures(in->bytes, in->size, features));
    if (rc != OK)
        return rc;
    *header = (struct codec_header){features->height, features->width, 1, features->has_alpha != 0};
    if (features->has_animation)
        return fail(E_UNSUPPORTED, "%s: an animated WebP is not a single picture", in->name);
    return image_check_size(in->name, header->h, header->w, in->limits);
}

static enum status read_header(const struct codec_input *in, struct codec_header *header)
{
    WebPBitstreamFeatures features;
    return read_features(in, &features, header);
}

static enum status webp_decode(const struct codec_input *in, struct image *img, struct codec_header *header)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return fail(E_UNSUPPORTED, "%s: libwebp is not the version this program was built for", in->name);
    enum status rc = read_features(in, &config.input, header);
    if (rc == OK)
        rc = image_init(img, header->h, header->w);
    if (rc != OK)
        return rc;
    config.output.colorspace = MODE_RGB; /* not premultiplied: alpha is dropped */
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = img->data;
    config.output.u.RGBA.stride = img->w * 3;
    config.output.u.RGBA.size = (size_t)img->h * (size_t)img->w * 3;
    rc = explain(in, WebPDecode(in->bytes, in->size, &config));
    WebPFreeDecBuffer(&config.output);
    return rc;
}

const struct codec codec_webp = {"WebP", webp_probe, read_header, webp_decode, NULL};
