/* The first frame of a GIF through giflib, on the canvas of its screen: what the frame leaves free has the background
 * colour. As with PNG, transparency is dropped without blending: a transparent pixel has the colour that its place in
 * the palette holds. */
#include "image/codec.h"

#include "core/library.h"
#include "core/mem.h"

#include <gif_lib.h>
#include <pthread.h>
#include <string.h>

/* --- the library, opened at the first GIF --- */

#define GIF_FUNCTIONS(X)    \
    X(DGifOpen)             \
    X(DGifCloseFile)        \
    X(DGifGetExtension)     \
    X(DGifGetExtensionNext) \
    X(DGifGetImageDesc)     \
    X(DGifGetLine)          \
    X(DGifGetRecordType)    \
    X(GifErrorString)

static struct {
    bool there;
    GIF_FUNCTIONS(LIBRARY_POINTER)
} library;

static void open_once(void)
{
    static const struct library_symbol wanted[] = {GIF_FUNCTIONS(LIBRARY_ROW)};
    library.there = library_open(Y9_LIBGIF, wanted, COUNT(wanted));
}

static enum status open_library(const char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_once);
    return codec_needs(library.there, Y9_LIBGIF, "GIF", name);
}

struct gif_reader {
    const struct codec_input *in;
    size_t at;
    GifFileType *gif;
};

static bool gif_probe(const uint8_t *bytes, size_t size)
{
    return size >= 6 && (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0);
}

static int read_bytes(GifFileType *gif, GifByteType *dst, int n)
{
    struct gif_reader *r = gif->UserData;
    size_t given = n > 0 ? MIN((size_t)n, r->in->size - r->at) : 0;
    memcpy(dst, r->in->bytes + r->at, given);
    r->at += given;
    return (int)given;
}

static enum status explain(const struct gif_reader *r, int error)
{
    const char *words = library.GifErrorString(error);
    if (error == D_GIF_ERR_NOT_ENOUGH_MEM)
        return fail_memory(r->in->name, 0);
    if (r->at == r->in->size)
        return fail(E_FORMAT, "%s: the GIF data ends early (truncated file)", r->in->name);
    return fail(E_FORMAT, "%s: damaged GIF: %s", r->in->name, words ? words : "unknown error");
}

/* Up to the pixels of the first frame. */
static enum status find_frame(struct gif_reader *r)
{
    GifRecordType type;
    do {
        if (library.DGifGetRecordType(r->gif, &type) == GIF_ERROR)
            return explain(r, r->gif->Error);
        if (type == EXTENSION_RECORD_TYPE) {
            int code;
            GifByteType *block;
            if (library.DGifGetExtension(r->gif, &code, &block) == GIF_ERROR)
                return explain(r, r->gif->Error);
            while (block) {
                if (library.DGifGetExtensionNext(r->gif, &block) == GIF_ERROR)
                    return explain(r, r->gif->Error);
            }
        }
        if (type == TERMINATE_RECORD_TYPE)
            return fail(E_FORMAT, "%s: a GIF without a picture", r->in->name);
    } while (type != IMAGE_DESC_RECORD_TYPE);
    return library.DGifGetImageDesc(r->gif) == GIF_ERROR ? explain(r, r->gif->Error) : OK;
}

/* Opens, also on failure r->gif is to be closed. A frame that reaches over the screen makes the picture larger. */
static enum status open_frame(struct gif_reader *r, struct codec_header *header)
{
    int error = 0;
    TRY(open_library(r->in->name));
    r->gif = library.DGifOpen(r, read_bytes, &error);
    if (!r->gif)
        return explain(r, error);
    TRY(find_frame(r));
    const GifImageDesc *frame = &r->gif->Image;
    TRY(image_check_size(r->in->name, frame->Height, frame->Width, r->in->limits));
    int h = MAX(r->gif->SHeight, frame->Top + frame->Height), w = MAX(r->gif->SWidth, frame->Left + frame->Width);
    *header = (struct codec_header){.h = h, .w = w, .orientation = 1};
    TRY(image_check_size(r->in->name, h, w, r->in->limits));
    return OK;
}

static void close_frame(struct gif_reader *r)
{
    if (r->gif)
        library.DGifCloseFile(r->gif, NULL);
}

static enum status read_row(struct gif_reader *r, const ColorMapObject *map, GifPixelType *row, uint8_t *rgb)
{
    int w = r->gif->Image.Width;
    if (library.DGifGetLine(r->gif, row, w) == GIF_ERROR)
        return explain(r, r->gif->Error);
    for (int x = 0; x < w; x++, rgb += 3) {
        if (row[x] >= map->ColorCount)
            return fail(E_FORMAT, "%s: a pixel of the GIF has colour %d of a palette of %d", r->in->name, row[x],
                        map->ColorCount);
        const GifColorType *colour = &map->Colors[row[x]];
        rgb[0] = colour->Red;
        rgb[1] = colour->Green;
        rgb[2] = colour->Blue;
    }
    return OK;
}

static enum status read_pixels(struct gif_reader *r, struct image *img)
{
    static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    enum status rc = OK;
    const GifImageDesc *frame = &r->gif->Image;
    const ColorMapObject *screen = r->gif->SColorMap, *map = frame->ColorMap ? frame->ColorMap : screen;
    if (!map)
        return fail(E_FORMAT, "%s: GIF without a palette", r->in->name);
    GifColorType ground = {0};
    if (screen && r->gif->SBackGroundColor < screen->ColorCount)
        ground = screen->Colors[r->gif->SBackGroundColor];
    image_fill(img, ground.Red, ground.Green, ground.Blue);
    GifPixelType *row = mem_alloc((size_t)frame->Width, 1);
    TRY_CLEAN(row ? OK : E_NOMEM);
    for (int pass = frame->Interlace ? 0 : 3; pass < 4; pass++) {
        int by = frame->Interlace ? step[pass] : 1;
        for (int y = frame->Interlace ? first[pass] : 0; y < frame->Height; y += by)
            TRY_CLEAN(read_row(r, map, row,
                               img->data + ((size_t)(frame->Top + y) * (size_t)img->w + (size_t)frame->Left) * 3));
    }
cleanup:
    mem_free(row);
    return rc;
}

static enum status gif_read_size(const struct codec_input *in, struct codec_header *header)
{
    struct gif_reader r = {.in = in};
    enum status rc = open_frame(&r, header);
    close_frame(&r);
    return rc;
}

/* Behind the first frame: does another one begin? Whatever is wrong there does not matter. */
static bool has_more(struct gif_reader *r)
{
    return find_frame(r) == OK;
}

static enum status gif_decode(const struct codec_input *in, struct image *img, struct codec_header *header)
{
    struct gif_reader r = {.in = in};
    enum status rc = OK;
    TRY_CLEAN(open_frame(&r, header));
    TRY_CLEAN(image_init(img, header->h, header->w));
    TRY_CLEAN(read_pixels(&r, img));
    header->more = has_more(&r);
cleanup:
    close_frame(&r);
    return rc;
}

const struct codec codec_gif = {"GIF", gif_probe, gif_read_size, gif_decode, NULL};
