/* Pictures of the caller, in any of the formats, made ready for the network. */
#include "api/api.h"
#include "core/clock.h"
#include "core/mem.h"
#include "image/decode.h"

_Static_assert((int)PIXELS_RGB == YOLO9_RGB && (int)PIXELS_BGR == YOLO9_BGR && (int)PIXELS_RGBA == YOLO9_RGBA &&
                   (int)PIXELS_BGRA == YOLO9_BGRA && (int)PIXELS_GREY == YOLO9_GREY && (int)PIXELS_NV12 == YOLO9_NV12 &&
                   (int)PIXELS_I420 == YOLO9_I420,
               "formats of image/pixels.h are those of yolo9.h");
_Static_assert((int)PIXELS_BT601_LIMITED == YOLO9_BT601_LIMITED && (int)PIXELS_BT601_FULL == YOLO9_BT601_FULL &&
                   (int)PIXELS_BT709_LIMITED == YOLO9_BT709_LIMITED && (int)PIXELS_BT709_FULL == YOLO9_BT709_FULL,
               "colours of image/pixels.h are those of yolo9.h");

static enum status take_pixels(const struct yolo9_picture *p, struct pixels *out)
{
    if (p->format < 0 || p->format >= PIXELS_FORMATS)
        return fail(E_ARGUMENT, "picture: format %d is none of enum yolo9_format", p->format);
    if (p->colour < 0 || p->colour >= PIXELS_MATRICES)
        return fail(E_ARGUMENT, "picture: colour %d is none of enum yolo9_colour", p->colour);
    TRY(image_check_size("picture", p->height, p->width, NULL));
    *out = (struct pixels){
        .format = (enum pixel_format)p->format, .matrix = (enum pixel_matrix)p->colour, .h = p->height, .w = p->width};
    for (int i = 0; i < pixels_planes(out->format); i++) {
        const size_t row = pixels_row_bytes(out, i);
        if (!p->plane[i])
            return fail(E_ARGUMENT, "picture: plane %d is NULL", i);
        if (p->stride[i] && p->stride[i] < row)
            return fail(E_ARGUMENT, "picture: a stride of %zu bytes is shorter than a row of plane %d, %zu",
                        p->stride[i], i, row);
        out->plane[i] = p->plane[i];
        out->stride[i] = p->stride[i] ? p->stride[i] : row;
    }
    return OK;
}

static enum status decode(const struct yolo9_picture *p, struct yolo9_input *input, struct pixels *out)
{
    if (!p->plane[0])
        return fail(E_ARGUMENT, "picture: %s is NULL", p->format == YOLO9_FILE ? "its path" : "its first byte");
    TRY(p->format == YOLO9_FILE ? image_read(p->plane[0], &input->photo)
                                : image_decode(p->plane[0], p->bytes, "picture", &input->photo));
    *out = pixels_of_image(&input->photo);
    return OK;
}

enum status api_prepare(const struct yolo9_detector *d, const struct yolo9_picture *picture, struct yolo9_input *input)
{
    struct yolo9_picture p;
    struct pixels pixels;
    const double started = clock_seconds();
    input->whole = false;
    TRY(api_take(&p, sizeof p, picture, "picture"));
    TRY(api_check_reserved(p.reserved, COUNT(p.reserved), "picture"));
    const bool packed = p.format == YOLO9_ENCODED || p.format == YOLO9_FILE;
    TRY(packed ? decode(&p, input, &pixels) : take_pixels(&p, &pixels));
    const double read = clock_seconds();
    TRY(detector_prepare(d->detector, &pixels, &input->ready));
    input->read = read - started;
    input->letterbox = clock_seconds() - read;
    input->mark = p.mark;
    input->whole = true;
    return OK;
}

int yolo9_input_prepare(const struct yolo9_detector *d, const struct yolo9_picture *picture, struct yolo9_input **input)
{
    if (!d || !input)
        return api_end(fail(E_ARGUMENT, "the %s is NULL", d ? "address of the input" : "detector"), NULL);
    struct yolo9_input *in = *input ? *input : mem_calloc(1, sizeof *in);
    if (!in)
        return api_end(E_NOMEM, NULL);
    const int code = api_end(api_prepare(d, picture, in), NULL);
    if (code == YOLO9_OK)
        *input = in;
    else if (!*input)
        yolo9_input_close(in);
    return code;
}

void yolo9_input_close(struct yolo9_input *input)
{
    if (!input)
        return;
    image_free(&input->photo);
    detector_input_free(&input->ready);
    mem_free(input);
}
