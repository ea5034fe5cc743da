/* JPEG through libjpeg-turbo with its defaults written out, as SPEC 11.3 asks for equal bytes. */
#include "image/codec.h"

#include "core/library.h"
#include "core/mem.h"

#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>

/* A progressive file can ask for the whole picture to be refined again and again by a few bytes each time. */
enum { MAX_SCANS = 500 };

/* --- the library, opened at the first JPEG --- */

#define JPEG_FUNCTIONS(X)      \
    X(jpeg_std_error)          \
    X(jpeg_CreateDecompress)   \
    X(jpeg_destroy_decompress) \
    X(jpeg_save_markers)       \
    X(jpeg_mem_src)            \
    X(jpeg_read_header)        \
    X(jpeg_start_decompress)   \
    X(jpeg_read_scanlines)     \
    X(jpeg_finish_decompress)

static struct {
    bool there;
    JPEG_FUNCTIONS(LIBRARY_POINTER)
} library;

static void open_once(void)
{
    static const struct library_symbol wanted[] = {JPEG_FUNCTIONS(LIBRARY_ROW)};
    library.there = library_open(Y9_LIBJPEG, wanted, COUNT(wanted));
}

static enum status open_library(const char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_once);
    return codec_needs(library.there, Y9_LIBJPEG, "JPEG", name);
}

/* Everything that lives across the longjmp of a libjpeg error. The `head` members come first: libjpeg hands back
 * pointers to them. */
struct jpeg_reader {
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    enum status rc;
    const struct codec_input *in;
    uint8_t *cmyk_row; /* w * 4 bytes for four-colour files, else NULL */
    bool ran_out;      /* libjpeg asked for bytes beyond the end */
};

static bool jpeg_probe(const uint8_t *bytes, size_t size)
{
    return size >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

static enum status code_of(int message)
{
    switch (message) {
    case JERR_OUT_OF_MEMORY:
        return E_NOMEM;
    case JERR_IMAGE_TOO_BIG:
        return E_LIMIT;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
        return E_UNSUPPORTED;
    default:
        return E_FORMAT;
    }
}

static enum status truncated(const struct jpeg_reader *r)
{
    return fail(E_FORMAT, "%s: the JPEG data ends early (truncated file)", r->in->name);
}

static void give_up(j_common_ptr common)
{
    struct jpeg_reader *r = common->client_data;
    if (r->ran_out) {
        r->rc = truncated(r);
        longjmp(r->escape, 1);
    }
    char text[JMSG_LENGTH_MAX];
    common->err->format_message(common, text);
    r->rc = fail(code_of(common->err->msg_code), "%s: damaged or unusual JPEG: %s", r->in->name, text);
    longjmp(r->escape, 1);
}

/* libjpeg goes on after these with invented pixels; we do not. Other warnings leave the pixels whole. At the end of the
 * bytes libjpeg reads an end marker of its own: whether pixels are missing is seen by JWRN_HIT_MARKER, when one is to
 * be decoded and there are no bits, and by has_every_scan. */
static void on_message(j_common_ptr common, int level)
{
    struct jpeg_reader *r = common->client_data;
    if (level >= 0)
        return;
    switch (common->err->msg_code) {
    case JWRN_JPEG_EOF:
        r->ran_out = true;
        break;
    case JWRN_HIT_MARKER:
        r->rc = truncated(r);
        longjmp(r->escape, 1);
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
        give_up(common);
    }
}

static void on_progress(j_common_ptr common)
{
    struct jpeg_reader *r = common->client_data;
    if (r->d.input_scan_number > MAX_SCANS) {
        r->rc = fail(E_LIMIT, "%s: JPEG with more than %d scans", r->in->name, MAX_SCANS);
        longjmp(r->escape, 1);
    }
}

static void reader_init(struct jpeg_reader *r, const struct codec_input *in)
{
    *r = (struct jpeg_reader){.in = in};
    r->d.err = library.jpeg_std_error(&r->errors);
    r->d.client_data = r;
    r->errors.error_exit = give_up;
    r->errors.emit_message = on_message;
    r->progress.progress_monitor = on_progress;
}

static void reader_free(struct jpeg_reader *r)
{
    library.jpeg_destroy_decompress(&r->d);
    mem_free(r->cmyk_row);
}

static int saved_orientation(const struct jpeg_decompress_struct *d)
{
    for (jpeg_saved_marker_ptr m = d->marker_list; m; m = m->next) {
        if (m->marker == JPEG_APP0 + 1 && m->data_length > 6 && memcmp(m->data, "Exif\0", 6) == 0)
            return exif_orientation(m->data + 6, m->data_length - 6);
    }
    return 1;
}

static enum status open_header(struct jpeg_reader *r, struct codec_header *header)
{
    library.jpeg_CreateDecompress(&r->d, JPEG_LIB_VERSION, sizeof r->d);
    r->d.progress = &r->progress;
    library.jpeg_save_markers(&r->d, JPEG_APP0 + 1, 0xFFFF);
    library.jpeg_mem_src(&r->d, r->in->bytes, r->in->size);
    library.jpeg_read_header(&r->d, TRUE);
    *header = (struct codec_header){
        .h = (int)r->d.image_height, .w = (int)r->d.image_width, .orientation = saved_orientation(&r->d)};
    return image_check_size(r->in->name, header->h, header->w, r->in->limits);
}

/* SPEC 11.3: with the samples as delivered, R = K - (((255 - C) * K) >> 8), and so on for G with M, B with Y. */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, int w)
{
    for (int x = 0; x < w; x++, cmyk += 4, rgb += 3) {
        int k = cmyk[3];
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)(k - (((255 - cmyk[c]) * k) >> 8));
    }
}

/* Of a file without an end marker whose pixels could all be decoded: can no further scan have been lost? Arithmetic
 * coding reads zeros beyond the end as a matter of course, so there it stays unknown. */
static bool has_every_scan(const struct jpeg_decompress_struct *d)
{
    if (d->arith_code)
        return false;
    for (int c = 0; c < d->num_components; c++) {
        if (!d->comp_info[c].quant_table) /* set by the component's first scan */
            return false;
        for (int k = 0; d->progressive_mode && k < DCTSIZE2; k++) {
            if (d->coef_bits[c][k] != 0) /* bits still to be refined; -1: no scan yet */
                return false;
        }
    }
    return true;
}

static enum status read_pixels(struct jpeg_reader *r, struct image *img)
{
    struct jpeg_decompress_struct *d = &r->d;
    bool four = d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK;
    if (d->jpeg_color_space == JCS_UNKNOWN)
        return fail(E_UNSUPPORTED, "%s: JPEG with %d components of unknown colours", r->in->name, d->num_components);
    d->out_color_space = four ? JCS_CMYK : JCS_RGB;
    d->dct_method = JDCT_ISLOW;
    d->do_fancy_upsampling = TRUE;
    d->do_block_smoothing = TRUE;
    if (image_init(img, (int)d->image_height, (int)d->image_width) != OK)
        return E_NOMEM;
    if (four && !(r->cmyk_row = mem_alloc((size_t)img->w, 4)))
        return E_NOMEM;
    library.jpeg_start_decompress(d);
    while (d->output_scanline < d->output_height) {
        uint8_t *rgb = img->data + (size_t)d->output_scanline * (size_t)img->w * 3;
        JSAMPROW row = four ? r->cmyk_row : rgb;
        library.jpeg_read_scanlines(d, &row, 1);
        if (four)
            cmyk_to_rgb(row, rgb, img->w);
    }
    bool every_scan = has_every_scan(d);
    library.jpeg_finish_decompress(d); /* up to the end marker */
    return r->ran_out && !every_scan ? truncated(r) : OK;
}

static enum status jpeg_read_size(const struct codec_input *in, struct codec_header *header)
{
    struct jpeg_reader r;
    TRY(open_library(in->name));
    reader_init(&r, in);
    if (setjmp(r.escape) == 0)
        r.rc = open_header(&r, header);
    reader_free(&r);
    return r.rc;
}

static enum status jpeg_decode(const struct codec_input *in, struct image *img, struct codec_header *header)
{
    struct jpeg_reader r;
    TRY(open_library(in->name));
    reader_init(&r, in);
    if (setjmp(r.escape) == 0) {
        r.rc = open_header(&r, header);
        if (r.rc == OK)
            r.rc = read_pixels(&r, img);
    }
    reader_free(&r);
    return r.rc;
}

static bool jpeg_is_whole(const struct codec_input *in)
{
    return in->size >= 4 && in->bytes[in->size - 2] == 0xFF && in->bytes[in->size - 1] == JPEG_EOI;
}

const struct codec codec_jpeg = {"JPEG", jpeg_probe, jpeg_read_size, jpeg_decode, jpeg_is_whole};
