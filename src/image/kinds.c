#include "image/kinds.h"

#include "core/path.h"

#include <string.h>
#include <strings.h>

/* Each kind's word is the one that its decoder has in image_kind_name. */
#define JPEG_SUFFIXES "jpg, jpeg, jpe, jfif, mpo"
#define BMP_SUFFIXES  "bmp, dib"
#define TIFF_SUFFIXES "tif, tiff"

static const struct {
    const char *suffixes, *word; /* word NULL: not read */
} kinds_by_suffix[] = {
    {JPEG_SUFFIXES, "JPEG"},
    {"png", "PNG"},
    {"webp", "WebP"},
    {BMP_SUFFIXES, "BMP"},
    {TIFF_SUFFIXES, "TIFF"},
    {"gif", "GIF"},
    {"heic, heif, avif, dng, pfm, jxl, jp2", NULL},
};

static bool is_among(const char *suffix, const char *suffixes)
{
    size_t n = strlen(suffix);
    for (const char *at = suffixes; n && at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strcspn(at, ",") == n && !strncasecmp(at, suffix, n))
            return true;
    }
    return false;
}

/* Row of kinds_by_suffix, -1: no picture. */
static int find_kind(const char *path)
{
    for (int i = 0; i < COUNT(kinds_by_suffix); i++) {
        if (is_among(path_extension(path), kinds_by_suffix[i].suffixes))
            return i;
    }
    return -1;
}

bool image_is_picture_name(const char *path)
{
    return find_kind(path) >= 0;
}

const char *image_kind_of_name(const char *path)
{
    int kind = find_kind(path);
    return kind >= 0 ? kinds_by_suffix[kind].word : NULL;
}

const char *image_suffixes(void)
{
    return JPEG_SUFFIXES ", png, webp, " BMP_SUFFIXES ", " TIFF_SUFFIXES ", gif";
}

enum status image_refuse_kind(const uint8_t *bytes, size_t size, const char *name)
{
    static const struct {
        const char *word, *magic;
        size_t at, n;
    } kinds[] = {
        {"AVIF", "ftypavif", 4, 8},
        {"AVIF", "ftypavis", 4, 8},
        {"HEIC", "ftyphe", 4, 6},
        {"HEIF", "ftypmif1", 4, 8},
        {"HEIF", "ftypmsf1", 4, 8},
        {"Canon raw", "ftypcrx ", 4, 8},
        {"JPEG 2000", "\0\0\0\014jP  ", 0, 8},
        {"JPEG 2000", "\xFF\x4F\xFF\x51", 0, 4},
        {"JPEG XL", "\xFF\x0A", 0, 2},
        {"JPEG XL", "\0\0\0\014JXL ", 0, 8},
        {"Photoshop", "8BPS", 0, 4},
        {"PFM", "PF\n", 0, 3},
        {"PFM", "Pf\n", 0, 3},
        {"PPM", "P6", 0, 2},
        {"PGM", "P5", 0, 2},
        {"SVG", "<svg", 0, 4},
        {"PDF", "%PDF", 0, 4},
    };
    for (int i = 0; i < COUNT(kinds); i++) {
        if (size >= kinds[i].at + kinds[i].n && memcmp(bytes + kinds[i].at, kinds[i].magic, kinds[i].n) == 0)
            return fail(E_UNSUPPORTED, "%s: %s pictures are not read: convert to JPEG or PNG", name, kinds[i].word);
    }
    return fail(E_UNSUPPORTED, "%s: not a picture of a kind that is read (JPEG, PNG, WebP, BMP, TIFF, GIF)", name);
}
