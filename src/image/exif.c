#include "image/codec.h"

#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_SIZE = 12 };

static unsigned get16(const uint8_t *p, bool big)
{
    return big ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

static size_t get32(const uint8_t *p, bool big)
{
    return big ? (size_t)get16(p, big) << 16 | get16(p + 2, big) : (size_t)get16(p + 2, big) << 16 | get16(p, big);
}

int exif_orientation(const uint8_t *tiff, size_t size)
{
    if (size < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0))
        return 1;
    bool big = tiff[0] == 'M';
    size_t at = get32(tiff + 4, big);
    if (at > size - 2)
        return 1;
    unsigned entries = get16(tiff + at, big);
    at += 2;
    for (unsigned i = 0; i < entries && size - at >= ENTRY_SIZE; i++, at += ENTRY_SIZE) {
        if (get16(tiff + at, big) != TAG_ORIENTATION)
            continue;
        unsigned value = get16(tiff + at + 8, big);
        bool valid = get16(tiff + at + 2, big) == TYPE_SHORT && get32(tiff + at + 4, big) == 1;
        return valid && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
