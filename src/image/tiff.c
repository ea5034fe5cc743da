/* The first page of a TIFF through libtiff's RGBA reader, as OpenCV reads it: strips and tiles, samples of up to 16
 * bits (grey keeps the high byte, colours are rounded), palettes, YCbCr and CMYK. The orientation tag is applied; alpha
 * is dropped (colours that are not yet multiplied by it are: that is libtiff's way).
 *
 * libtiff brings six libraries with it, which would cost every start of the program 2 ms and 1.7 MB (measured on
 * 2026-11-28): it is opened at the first TIFF. */
#include "image/codec.h"

#include "core/library.h"
#include "core/mem.h"
#include "core/text.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

/* Since 4.5 every file has message handlers and limits of its own; before, they are the process's. */
#define OWN_HANDLERS (TIFFLIB_VERSION >= 20221213)
#if OWN_HANDLERS
#define LIBRARY "libtiff.so.6"
#else
#define LIBRARY "libtiff.so.5"
#endif

enum {
    BAND = 64,                        /* rows read at a time, more if a strip or tile has more */
    BYTES_A_PIXEL = 16,               /* what a strip or tile may take, */
    SMALL_BLOCK = 16 << 20,           /* or this, if the picture is smaller than its tiles */
    MAX_ALLOCATION = (2u << 30) - 1u, /* of libtiff, at once */
};

/* --- the library --- */

static struct {
    bool there;
#if OWN_HANDLERS
    __typeof__(TIFFClientOpenExt) *open;
    __typeof__(TIFFOpenOptionsAlloc) *options_create;
    __typeof__(TIFFOpenOptionsFree) *options_destroy;
    __typeof__(TIFFOpenOptionsSetMaxSingleMemAlloc) *options_limit;
    __typeof__(TIFFOpenOptionsSetErrorHandlerExtR) *options_on_error;
    __typeof__(TIFFOpenOptionsSetWarningHandlerExtR) *options_on_warning;
#else
    __typeof__(TIFFClientOpen) *open;
    __typeof__(TIFFSetErrorHandler) *set_error_handler;
    __typeof__(TIFFSetWarningHandler) *set_warning_handler;
#endif
    __typeof__(TIFFClose) *close;
    __typeof__(TIFFGetField) *get;
    __typeof__(TIFFGetFieldDefaulted) *get_or_default;
    __typeof__(TIFFIsTiled) *is_tiled;
    __typeof__(TIFFLastDirectory) *is_last;
    __typeof__(TIFFTileSize64) *tile_size;
    __typeof__(TIFFStripSize64) *strip_size;
    __typeof__(TIFFRGBAImageBegin) *begin;
    __typeof__(TIFFRGBAImageGet) *read;
    __typeof__(TIFFRGBAImageEnd) *end;
} tiff;

static void tiff_open(void)
{
    const struct library_symbol wanted[] = {
#if OWN_HANDLERS
        {&tiff.open, "TIFFClientOpenExt"},
        {&tiff.options_create, "TIFFOpenOptionsAlloc"},
        {&tiff.options_destroy, "TIFFOpenOptionsFree"},
        {&tiff.options_limit, "TIFFOpenOptionsSetMaxSingleMemAlloc"},
        {&tiff.options_on_error, "TIFFOpenOptionsSetErrorHandlerExtR"},
        {&tiff.options_on_warning, "TIFFOpenOptionsSetWarningHandlerExtR"},
#else
        {&tiff.open, "TIFFClientOpen"},
        {&tiff.set_error_handler, "TIFFSetErrorHandler"},
        {&tiff.set_warning_handler, "TIFFSetWarningHandler"},
#endif
        {&tiff.close, "TIFFClose"},
        {&tiff.get, "TIFFGetField"},
        {&tiff.get_or_default, "TIFFGetFieldDefaulted"},
        {&tiff.is_tiled, "TIFFIsTiled"},
        {&tiff.is_last, "TIFFLastDirectory"},
        {&tiff.tile_size, "TIFFTileSize64"},
        {&tiff.strip_size, "TIFFStripSize64"},
        {&tiff.begin, "TIFFRGBAImageBegin"},
        {&tiff.read, "TIFFRGBAImageGet"},
        {&tiff.end, "TIFFRGBAImageEnd"},
    };
    tiff.there = library_open(LIBRARY, wanted, COUNT(wanted));
#if !OWN_HANDLERS
    if (tiff.there) { /* they would print */
        tiff.set_error_handler(NULL);
        tiff.set_warning_handler(NULL);
    }
#endif
}

static bool tiff_ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, tiff_open);
    return tiff.there;
}

/* --- bytes in memory as libtiff's file --- */

struct tiff_reader {
    const struct codec_input *in;
    uint64_t at;
    TIFF *file;
    char said[200]; /* the first error */
};

static tmsize_t read_bytes(thandle_t handle, void *dst, tmsize_t n)
{
    struct tiff_reader *r = handle;
    uint64_t left = r->at < r->in->size ? r->in->size - r->at : 0;
    size_t given = n > 0 ? (size_t)MIN((uint64_t)n, left) : 0;
    if (given)
        memcpy(dst, r->in->bytes + r->at, given);
    r->at += given;
    return (tmsize_t)given;
}

static tmsize_t write_bytes(thandle_t handle, void *src, tmsize_t n)
{
    (void)handle;
    (void)src;
    (void)n;
    return -1;
}

static toff_t seek_to(thandle_t handle, toff_t offset, int whence)
{
    struct tiff_reader *r = handle;
    r->at = whence == SEEK_SET ? offset : whence == SEEK_CUR ? r->at + offset : r->in->size + offset;
    return r->at;
}

static toff_t size_of(thandle_t handle)
{
    return ((struct tiff_reader *)handle)->in->size;
}

/* libtiff takes strips and tiles from where they lie. (4.5.0 also refuses tiles without compression that it has
 * copied.) */
static int map_bytes(thandle_t handle, void **bytes, toff_t *size)
{
    const struct tiff_reader *r = handle;
    memcpy(bytes, &r->in->bytes, sizeof *bytes); /* only read */
    *size = r->in->size;
    return 1;
}

static void unmap_bytes(thandle_t handle, void *bytes, toff_t size)
{
    (void)handle;
    (void)bytes;
    (void)size;
}

static int close_file(thandle_t handle)
{
    (void)handle;
    return 0;
}

#if OWN_HANDLERS
static int on_error(TIFF *file, void *user, const char *module, const char *format, va_list arguments)
{
    struct tiff_reader *r = user;
    (void)file;
    (void)module;
    if (!r->said[0]) {
        vsnprintf(r->said, sizeof r->said, format, arguments);
        r->said[strcspn(r->said, "\n")] = 0;
    }
    return 1; /* handled: nothing is printed */
}

static int on_warning(TIFF *file, void *user, const char *module, const char *format, va_list arguments)
{
    (void)file;
    (void)user;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static TIFF *open_memory(struct tiff_reader *r)
{
    TIFFOpenOptions *options = tiff.options_create();
    if (!options)
        return NULL;
    tiff.options_limit(options, (tmsize_t)MAX_ALLOCATION);
    tiff.options_on_error(options, on_error, r);
    tiff.options_on_warning(options, on_warning, r);
    TIFF *file = tiff.open(r->in->name, "r", r, read_bytes, write_bytes, seek_to, close_file, size_of, map_bytes,
                           unmap_bytes, options);
    tiff.options_destroy(options);
    return file;
}
#else
static TIFF *open_memory(struct tiff_reader *r)
{
    return tiff.open(r->in->name, "r", r, read_bytes, write_bytes, seek_to, close_file, size_of, map_bytes,
                     unmap_bytes);
}
#endif

static enum status damaged(const struct tiff_reader *r)
{
    return fail(E_FORMAT, "%s: damaged TIFF%s%s", r->in->name, r->said[0] ? ": " : "", r->said);
}

/* --- header --- */

static bool tiff_probe(const uint8_t *bytes, size_t size)
{
    return size >= 8 && (memcmp(bytes, "II*\0", 4) == 0 || memcmp(bytes, "MM\0*", 4) == 0 ||
                         memcmp(bytes, "II+\0", 4) == 0 || memcmp(bytes, "MM\0+", 4) == 0);
}

/* Files of cameras are built as TIFF, and their first page is a small preview. */
static bool is_raw(const struct tiff_reader *r)
{
    const uint8_t *version;
    uint32_t kind = 0;
    uint16_t pages = 0;
    uint64_t *at;
    if (r->in->size >= 10 && memcmp(r->in->bytes + 8, "CR", 2) == 0)
        return true;
    if (tiff.get(r->file, TIFFTAG_DNGVERSION, &version))
        return true;
    tiff.get_or_default(r->file, TIFFTAG_SUBFILETYPE, &kind);
    return (kind & FILETYPE_REDUCEDIMAGE) && tiff.get(r->file, TIFFTAG_SUBIFD, &pages, &at);
}

/* A strip or a tile is decoded as a whole: its size is the file's word and is held against the picture's. */
static enum status check_blocks(const struct tiff_reader *r, const struct codec_header *header)
{
    uint64_t block = tiff.is_tiled(r->file) ? tiff.tile_size(r->file) : tiff.strip_size(r->file);
    uint64_t allowed = MAX((uint64_t)SMALL_BLOCK, (uint64_t)header->h * (uint64_t)header->w * BYTES_A_PIXEL);
    if (block == 0)
        return damaged(r);
    if (block > allowed)
        return fail(E_LIMIT, "%s: TIFF with parts of %llu bytes for a picture of %d x %d pixels", r->in->name,
                    (unsigned long long)block, header->w, header->h);
    return OK;
}

/* r->file is to be closed, also on failure. */
static enum status open_page(struct tiff_reader *r, struct codec_header *header)
{
    uint32_t w = 0, h = 0;
    uint16_t orientation = 1;
    TRY(codec_needs(tiff_ready(), LIBRARY, "TIFF", r->in->name));
    r->file = open_memory(r);
    if (!r->file)
        return damaged(r);
    if (is_raw(r))
        return fail(E_UNSUPPORTED, "%s: raw pictures of cameras (DNG ...) are not read: convert to JPEG or PNG",
                    r->in->name);
    if (!tiff.get(r->file, TIFFTAG_IMAGEWIDTH, &w) || !tiff.get(r->file, TIFFTAG_IMAGELENGTH, &h))
        return fail(E_FORMAT, "%s: TIFF without a size", r->in->name);
    TRY(image_check_size(r->in->name, h, w, r->in->limits));
    tiff.get_or_default(r->file, TIFFTAG_ORIENTATION, &orientation);
    bool known = orientation >= 1 && orientation <= 8;
    *header = (struct codec_header){.h = (int)h, .w = (int)w, .orientation = known ? orientation : 1};
    header->more = !tiff.is_last(r->file);
    return check_blocks(r, header);
}

static void close_page(struct tiff_reader *r)
{
    if (r->file)
        tiff.close(r->file);
}

/* --- pixels --- */

static int band_rows(const struct tiff_reader *r, int h)
{
    uint32_t rows = 1;
    tiff.get_or_default(r->file, tiff.is_tiled(r->file) ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, &rows);
    rows = MIN(MAX(rows, 1u), (uint32_t)h);
    return (int)(rows * MAX(1u, BAND / rows));
}

static enum status read_bands(struct tiff_reader *r, TIFFRGBAImage *page, struct image *img)
{
    int band = MIN(band_rows(r, img->h), img->h);
    enum status rc = OK;
    uint32_t *raster = mem_alloc((size_t)band * (size_t)img->w, sizeof *raster);
    TRY_CLEAN(raster ? OK : E_NOMEM);
    page->orientation = page->req_orientation = ORIENTATION_TOPLEFT; /* as stored: image_orient turns it */
    for (int y = 0; y < img->h; y += band) {
        int rows = MIN(band, img->h - y);
        page->row_offset = y;
        if (!tiff.read(page, raster, (uint32_t)img->w, (uint32_t)rows)) {
            rc = damaged(r);
            goto cleanup;
        }
        uint8_t *rgb = img->data + (size_t)y * (size_t)img->w * 3;
        for (size_t i = 0; i < (size_t)rows * (size_t)img->w; i++, rgb += 3) {
            rgb[0] = (uint8_t)TIFFGetR(raster[i]);
            rgb[1] = (uint8_t)TIFFGetG(raster[i]);
            rgb[2] = (uint8_t)TIFFGetB(raster[i]);
        }
    }
cleanup:
    mem_free(raster);
    return rc;
}

static enum status read_pixels(struct tiff_reader *r, struct image *img)
{
    TIFFRGBAImage page;
    char words[1024] = "";
    if (!tiff.begin(&page, r->file, 1, words)) {
        text_one_line(words);
        return fail(E_UNSUPPORTED, "%s: TIFF of a kind that libtiff does not turn into RGB (%s): convert to PNG",
                    r->in->name, words[0] ? words : r->said);
    }
    enum status rc = read_bands(r, &page, img);
    tiff.end(&page);
    return rc;
}

static enum status tiff_read_size(const struct codec_input *in, struct codec_header *header)
{
    struct tiff_reader r = {.in = in};
    enum status rc = open_page(&r, header);
    close_page(&r);
    return rc;
}

static enum status tiff_decode(const struct codec_input *in, struct image *img, struct codec_header *header)
{
    struct tiff_reader r = {.in = in};
    enum status rc = OK;
    TRY_CLEAN(open_page(&r, header));
    TRY_CLEAN(image_init(img, header->h, header->w));
    rc = read_pixels(&r, img);
cleanup:
    close_page(&r);
    return rc;
}

const struct codec codec_tiff = {"TIFF", tiff_probe, tiff_read_size, tiff_decode, NULL};
