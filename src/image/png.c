/* PNG through libpng: every colour type to 8-bit RGB as SPEC 11.3 says. */
#include "image/codec.h"

#include "core/library.h"

#include <png.h>
#include <pthread.h>
#include <string.h>

/* --- the library, opened at the first PNG --- */

#define PNG_FUNCTIONS(X)              \
    X(png_create_read_struct)         \
    X(png_create_info_struct)         \
    X(png_destroy_read_struct)        \
    X(png_set_longjmp_fn)             \
    X(png_get_error_ptr)              \
    X(png_get_io_ptr)                 \
    X(png_error)                      \
    X(png_set_user_limits)            \
    X(png_set_read_fn)                \
    X(png_read_info)                  \
    X(png_get_color_type)             \
    X(png_get_bit_depth)              \
    X(png_set_strip_16)               \
    X(png_set_palette_to_rgb)         \
    X(png_set_expand_gray_1_2_4_to_8) \
    X(png_set_gray_to_rgb)            \
    X(png_set_strip_alpha)            \
    X(png_set_interlace_handling)     \
    X(png_read_update_info)           \
    X(png_get_rowbytes)               \
    X(png_read_row)                   \
    X(png_read_end)

static struct {
    bool there;
    PNG_FUNCTIONS(LIBRARY_POINTER)
} library;

static void open_once(void)
{
    static const struct library_symbol wanted[] = {PNG_FUNCTIONS(LIBRARY_ROW)};
    library.there = library_open(Y9_LIBPNG, wanted, COUNT(wanted));
}

static enum status open_library(const char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_once);
    return codec_needs(library.there, Y9_LIBPNG, "PNG", name);
}

struct png_reader {
    const struct codec_input *in;
    size_t at;
    enum status rc;
};

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

static bool png_probe(const uint8_t *bytes, size_t size)
{
    return size >= sizeof signature && memcmp(bytes, signature, sizeof signature) == 0;
}

static size_t get32(const uint8_t *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

/* The orientation in the eXIf chunk, which may stand before or after the pixels. */
static int find_orientation(const uint8_t *bytes, size_t size)
{
    size_t at = sizeof signature;
    while (size - at >= 12) {
        size_t n = get32(bytes + at);
        if (n > size - at - 12)
            break;
        if (memcmp(bytes + at + 4, "eXIf", 4) == 0)
            return exif_orientation(bytes + at + 8, n);
        at += n + 12;
    }
    return 1;
}

static enum status read_header(const struct codec_input *in, struct codec_header *header)
{
    const uint8_t *p = in->bytes + sizeof signature;
    if (in->size < 33 || get32(p) != 13 || memcmp(p + 4, "IHDR", 4) != 0)
        return fail(E_FORMAT, "%s: PNG without a header", in->name);
    size_t w = get32(p + 8), h = get32(p + 12);
    enum status rc = image_check_size(in->name, (long long)h, (long long)w, in->limits);
    if (rc == OK)
        *header = (struct codec_header){(int)h, (int)w, find_orientation(in->bytes, in->size),
                                        (p[17] & PNG_COLOR_MASK_ALPHA) != 0};
    return rc;
}

static void on_error(png_structp png, png_const_charp message)
{
    struct png_reader *r = library.png_get_error_ptr(png);
    r->rc = fail(E_FORMAT, "%s: damaged PNG: %s", r->in->name, message);
    longjmp(*library.png_set_longjmp_fn(png, longjmp, sizeof(jmp_buf)), 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep dst, size_t n)
{
    struct png_reader *r = library.png_get_io_ptr(png);
    if (n > r->in->size - r->at)
        library.png_error(png, "the data ends early (truncated file)");
    memcpy(dst, r->in->bytes + r->at, n);
    r->at += n;
}

/* May longjmp out through on_error. */
static enum status read_pixels(png_structp png, png_infop info, struct png_reader *r, const struct codec_header *header,
                               struct image *img)
{
    library.png_set_user_limits(png, (png_uint_32)header->w, (png_uint_32)header->h);
    library.png_set_read_fn(png, r, read_bytes);
    library.png_read_info(png, info);
    int colour = library.png_get_color_type(png, info), bits = library.png_get_bit_depth(png, info);
    if (bits == 16)
        library.png_set_strip_16(png);
    if (colour == PNG_COLOR_TYPE_PALETTE)
        library.png_set_palette_to_rgb(png);
    else if (colour == PNG_COLOR_TYPE_GRAY && bits < 8)
        library.png_set_expand_gray_1_2_4_to_8(png);
    if (!(colour & PNG_COLOR_MASK_COLOR))
        library.png_set_gray_to_rgb(png);
    library.png_set_strip_alpha(png);
    int passes = library.png_set_interlace_handling(png);
    library.png_read_update_info(png, info);
    size_t row = (size_t)header->w * 3;
    if (library.png_get_rowbytes(png, info) != row)
        library.png_error(png, "unexpected row size");
    if (image_init(img, header->h, header->w) != OK)
        return E_NOMEM;
    for (int pass = 0; pass < passes; pass++) {
        for (int y = 0; y < header->h; y++)
            library.png_read_row(png, img->data + (size_t)y * row, NULL);
    }
    library.png_read_end(png, NULL);
    return OK;
}

static enum status png_decode(const struct codec_input *in, struct image *img, struct codec_header *header)
{
    struct png_reader r = {.in = in};
    TRY(open_library(in->name));
    TRY(read_header(in, header));
    png_structp png = library.png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
    png_infop info = png ? library.png_create_info_struct(png) : NULL;
    if (!info)
        r.rc = fail_memory(in->name, 0);
    else if (setjmp(*library.png_set_longjmp_fn(png, longjmp, sizeof(jmp_buf))) == 0)
        r.rc = read_pixels(png, info, &r, header, img);
    library.png_destroy_read_struct(&png, &info, NULL);
    return r.rc;
}

static bool png_is_whole(const struct codec_input *in)
{
    static const uint8_t end[8] = {'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    return in->size >= sizeof end && memcmp(in->bytes + in->size - sizeof end, end, sizeof end) == 0;
}

const struct codec codec_png = {"PNG", png_probe, read_header, png_decode, png_is_whole};
