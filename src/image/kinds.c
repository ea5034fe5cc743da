#include "image/kinds.h"

#include "core/path.h"

#include <string.h>
#include <strings.h>

/* The usual ones first. Each kind's word is the one that its decoder has in image_kind_name; NULL: not read. */
static const struct {
    const char *suffix, *word;
} suffixes[] = {
    {"jpg", "JPEG"}, {"png", "PNG"},   {"jpeg", "JPEG"}, {"webp", "WebP"}, {"bmp", "BMP"},
    {"tif", "TIFF"}, {"tiff", "TIFF"}, {"gif", "GIF"},   {"jpe", "JPEG"},  {"jfif", "JPEG"},
    {"mpo", "JPEG"}, {"dib", "BMP"},   {"heic", NULL},   {"heif", NULL},   {"avif", NULL},
    {"dng", NULL},   {"pfm", NULL},    {"jxl", NULL},    {"jp2", NULL},
};

/* Row of suffixes, -1: no picture. */
static int find_suffix(const char *path)
{
    for (int i = 0; i < COUNT(suffixes); i++) {
        if (!strcasecmp(path_extension(path), suffixes[i].suffix))
            return i;
    }
    return -1;
}

bool image_is_picture_name(const char *path)
{
    return find_suffix(path) >= 0;
}

const char *image_kind_of_name(const char *path)
{
    const int i = find_suffix(path);
    return i >= 0 ? suffixes[i].word : NULL;
}

const char *image_suffix(int i)
{
    return i < COUNT(suffixes) && suffixes[i].word ? suffixes[i].suffix : NULL;
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
