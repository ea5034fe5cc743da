/* BMP by a reader of our own: Windows and OS/2 headers, palettes of 1, 2, 4 and 8 bits, RLE8 and RLE4, 16, 24 and
 * 32 bits with their usual or with given masks, rows from the bottom or from the top. Alpha is dropped. A field of
 * fewer than eight bits becomes the high bits of the byte, as OpenCV does. Pixels that a run-length file skips have the
 * first colour of the palette. */
#include "image/codec.h"

#include <string.h>

enum { FILE_HEADER = 14, CORE_HEADER = 12, MASKS_AT = FILE_HEADER + 40 };
enum { PLAIN, RLE8, RLE4, BITFIELDS, EMBEDDED_JPEG, EMBEDDED_PNG, ALPHA_BITFIELDS };

struct bmp {
    const struct codec_input *in;
    const uint8_t *pixels, *end;
    int w, h, bits, compression;
    bool top_down;
    uint32_t mask[3]; /* red, green, blue of 16 and 32 bits */
    uint8_t colours[256][3];
    int n_colours;
};

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16;
}

static bool bmp_probe(const uint8_t *bytes, size_t size)
{
    if (size < FILE_HEADER + CORE_HEADER || memcmp(bytes, "BM", 2) != 0)
        return false;
    uint32_t header = get32(bytes + FILE_HEADER);
    return header == CORE_HEADER || (header >= 16 && header <= 124 && header % 2 == 0);
}

static size_t row_bytes(const struct bmp *b)
{
    return ((size_t)b->w * (size_t)b->bits + 31) / 32 * 4;
}

/* --- header --- */

static enum status read_size(struct bmp *b, const uint8_t *info, uint32_t header)
{
    bool core = header == CORE_HEADER;
    long long w = core ? (int)get16(info + 4) : (int32_t)get32(info + 4);
    long long h = core ? (int)get16(info + 6) : (int32_t)get32(info + 8);
    b->top_down = h < 0;
    h = h < 0 ? -h : h;
    enum status rc = image_check_size(b->in->name, h, w, b->in->limits);
    b->w = rc == OK ? (int)w : 0;
    b->h = rc == OK ? (int)h : 0;
    b->bits = (int)get16(info + (core ? 10 : 14));
    b->compression = header >= 20 ? (int)MIN(get32(info + 16), 99u) : PLAIN;
    return rc;
}

static enum status check_kind(const struct bmp *b, uint32_t header)
{
    static const struct {
        int compression, bits;
    } kinds[] = {{PLAIN, 1},           {PLAIN, 2}, {PLAIN, 4}, {PLAIN, 8},      {PLAIN, 16},     {PLAIN, 24},
                 {PLAIN, 32},          {RLE8, 8},  {RLE4, 4},  {BITFIELDS, 16}, {BITFIELDS, 32}, {ALPHA_BITFIELDS, 16},
                 {ALPHA_BITFIELDS, 32}};
    bool os2 = header > CORE_HEADER && header != 40 && header != 52 && header != 56 && header < 108;
    for (int i = 0; i < COUNT(kinds); i++) {
        if (kinds[i].compression == b->compression && kinds[i].bits == b->bits && !(os2 && b->compression >= BITFIELDS))
            return OK;
    }
    return fail(E_UNSUPPORTED, "%s: BMP of %d bits a pixel and compression %d is not read: convert to PNG", b->in->name,
                b->bits, b->compression);
}

static enum status read_masks(struct bmp *b, size_t *at)
{
    static const uint32_t five[3] = {0x7c00, 0x03e0, 0x001f}, eight[3] = {0xff0000, 0xff00, 0xff};
    memcpy(b->mask, b->bits == 16 ? five : eight, sizeof b->mask);
    if (b->compression != BITFIELDS && b->compression != ALPHA_BITFIELDS)
        return OK;
    if (b->in->size < MASKS_AT + 12)
        return fail(E_FORMAT, "%s: the BMP ends before its colour masks", b->in->name);
    for (int c = 0; c < 3; c++) {
        uint32_t mask = b->mask[c] = get32(b->in->bytes + MASKS_AT + 4 * c);
        uint32_t low = mask & (~mask + 1);
        if ((mask + low) & mask) /* adding to the lowest bit of a run of ones clears the run */
            return fail(E_FORMAT, "%s: BMP with the colour mask %08x, which is not one run of bits", b->in->name, mask);
    }
    if (*at == MASKS_AT) /* a header of 40 bytes: the masks stand behind it */
        *at += b->compression == BITFIELDS ? 12 : 16;
    return OK;
}

/* The palette ends where the pixels begin, whatever the header says. */
static enum status read_palette(struct bmp *b, size_t at, size_t pixels, uint32_t told, size_t entry)
{
    if (b->bits > 8)
        return OK;
    size_t n = told > 0 && told < (1u << b->bits) ? told : (size_t)1 << b->bits;
    n = MIN(n, (pixels - at) / entry);
    if (n == 0)
        return fail(E_FORMAT, "%s: BMP without a palette", b->in->name);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *colour = b->in->bytes + at + i * entry;
        b->colours[i][0] = colour[2];
        b->colours[i][1] = colour[1];
        b->colours[i][2] = colour[0];
    }
    b->n_colours = (int)n;
    return OK;
}

static enum status read_header(const struct codec_input *in, struct bmp *b)
{
    *b = (struct bmp){.in = in};
    uint32_t header = get32(in->bytes + FILE_HEADER);
    size_t at = FILE_HEADER + (size_t)header, pixels = get32(in->bytes + 10);
    const uint8_t *info = in->bytes + FILE_HEADER;
    if (at > in->size)
        return fail(E_FORMAT, "%s: the BMP ends inside its header (truncated file)", in->name);
    TRY(read_size(b, info, header));
    TRY(check_kind(b, header));
    TRY(read_masks(b, &at));
    if (pixels < at || pixels >= in->size)
        return fail(E_FORMAT, "%s: the BMP says that its pixels begin at byte %zu of %zu (truncated or damaged file)",
                    in->name, pixels, in->size);
    TRY(read_palette(b, at, pixels, header >= 36 ? get32(info + 32) : 0, header == CORE_HEADER ? 3 : 4));
    b->pixels = in->bytes + pixels;
    b->end = in->bytes + in->size;
    return OK;
}

/* Rows of equal length that the file holds to the last pixel; the last row may lack its padding. */
static bool holds_all_rows(const struct bmp *b)
{
    size_t last = ((size_t)b->w * (size_t)b->bits + 7) / 8;
    return row_bytes(b) * (size_t)(b->h - 1) + last <= (size_t)(b->end - b->pixels);
}

/* --- pixels --- */

static uint8_t *row_of(const struct bmp *b, struct image *img, int y)
{
    return img->data + (size_t)(b->top_down ? y : b->h - 1 - y) * (size_t)b->w * 3;
}

static enum status bad_colour(const struct bmp *b, unsigned index)
{
    return fail(E_FORMAT, "%s: a pixel of the BMP has colour %u of a palette of %d", b->in->name, index, b->n_colours);
}

static enum status indexed_row(const struct bmp *b, const uint8_t *src, uint8_t *rgb)
{
    unsigned highest = 0, mask = (1u << b->bits) - 1;
    for (int x = 0; x < b->w; x++, rgb += 3) {
        int bit = x * b->bits;
        unsigned index = (unsigned)src[bit / 8] >> (8 - b->bits - bit % 8) & mask;
        highest = MAX(highest, index);
        memcpy(rgb, b->colours[index], 3);
    }
    return highest < (unsigned)b->n_colours ? OK : bad_colour(b, highest);
}

struct field {
    int shift; /* of the eight high bits of the field down to a byte; negative: up */
    uint32_t mask;
};

static struct field field_of(uint32_t mask)
{
    int high = 0;
    while (high < 32 && mask >> high)
        high++;
    return (struct field){high - 8, mask};
}

static uint8_t field_byte(struct field f, uint32_t pixel)
{
    pixel &= f.mask;
    return (uint8_t)(f.shift >= 0 ? pixel >> f.shift : pixel << -f.shift);
}

static void masked_row(const struct bmp *b, const uint8_t *src, uint8_t *rgb)
{
    struct field fields[3] = {field_of(b->mask[0]), field_of(b->mask[1]), field_of(b->mask[2])};
    for (int x = 0; x < b->w; x++, rgb += 3, src += b->bits / 8) {
        uint32_t pixel = b->bits == 16 ? get16(src) : get32(src);
        for (int c = 0; c < 3; c++)
            rgb[c] = field_byte(fields[c], pixel);
    }
}

static void plain_row(const uint8_t *bgr, uint8_t *rgb, int w)
{
    for (int x = 0; x < w; x++, bgr += 3, rgb += 3) {
        rgb[0] = bgr[2];
        rgb[1] = bgr[1];
        rgb[2] = bgr[0];
    }
}

static enum status read_rows(const struct bmp *b, struct image *img)
{
    const uint8_t *src = b->pixels;
    for (int y = 0; y < b->h; y++, src += row_bytes(b)) {
        uint8_t *rgb = row_of(b, img, y);
        if (b->bits == 24)
            plain_row(src, rgb, b->w);
        else if (b->bits > 8)
            masked_row(b, src, rgb);
        else if (indexed_row(b, src, rgb) != OK)
            return E_FORMAT;
    }
    return OK;
}

/* n pixels of a run-length file from (x, y) on: with `literal` their colours stand one after the other in `src`, else
 * the one byte there is repeated (of RLE4: its two halves in turn). */
static enum status put_run(const struct bmp *b, struct image *img, int x, int y, int n, const uint8_t *src,
                           bool literal)
{
    if (y >= b->h || n > b->w - x)
        return fail(E_FORMAT, "%s: a run of the BMP goes beyond the edge of the picture", b->in->name);
    uint8_t *rgb = row_of(b, img, y) + (size_t)x * 3;
    for (int i = 0; i < n; i++, rgb += 3) {
        unsigned byte = src[!literal ? 0 : b->bits == 8 ? i : i / 2];
        unsigned index = b->bits == 8 ? byte : i % 2 ? byte & 15 : byte >> 4;
        if (index >= (unsigned)b->n_colours)
            return bad_colour(b, index);
        memcpy(rgb, b->colours[index], 3);
    }
    return OK;
}

static enum status read_runs(const struct bmp *b, struct image *img)
{
    enum status rc = OK;
    int x = 0, y = 0;
    image_fill(img, b->colours[0][0], b->colours[0][1], b->colours[0][2]);
    for (const uint8_t *at = b->pixels; b->end - at >= 2;) {
        int n = *at++, code = *at++;
        if (n > 0) {
            TRY(put_run(b, img, x, y, n, at - 1, false));
            x += n;
        } else if (code == 0) { /* end of the row */
            x = 0;
            y++;
        } else if (code == 1) { /* end of the picture */
            return OK;
        } else if (code == 2) { /* a step to the right and up */
            if (b->end - at < 2)
                break;
            x += *at++;
            y += *at++;
        } else {
            int bytes = b->bits == 8 ? code : (code + 1) / 2;
            if (b->end - at < bytes)
                break;
            TRY(put_run(b, img, x, y, code, at, true));
            x += code;
            at += MIN(bytes + bytes % 2, b->end - at);
        }
        if (x > b->w || y > b->h)
            return fail(E_FORMAT, "%s: a step of the BMP goes beyond the edge of the picture", b->in->name);
    }
    if (y < b->h - 1 || (y == b->h - 1 && x < b->w))
        rc = fail(E_FORMAT, "%s: the BMP data ends early (truncated file)", b->in->name);
    return rc;
}

static enum status bmp_read_size(const struct codec_input *in, struct codec_header *header)
{
    struct bmp b;
    enum status rc = read_header(in, &b);
    *header = (struct codec_header){.h = b.h, .w = b.w, .orientation = 1};
    return rc;
}

static bool bmp_is_whole(const struct codec_input *in)
{
    struct bmp b;
    return read_header(in, &b) == OK && b.bits > 8 && holds_all_rows(&b); /* nothing inside can be wrong */
}

static enum status bmp_decode(const struct codec_input *in, struct image *img, struct codec_header *header)
{
    struct bmp b;
    TRY(read_header(in, &b));
    *header = (struct codec_header){.h = b.h, .w = b.w, .orientation = 1};
    bool runs = b.compression == RLE8 || b.compression == RLE4;
    if (!runs && !holds_all_rows(&b))
        return fail(E_FORMAT, "%s: the BMP data ends early (truncated file)", in->name);
    TRY(image_init(img, b.h, b.w));
    return runs ? read_runs(&b, img) : read_rows(&b, img);
}

const struct codec codec_bmp = {"BMP", bmp_probe, bmp_read_size, bmp_decode, bmp_is_whole};
