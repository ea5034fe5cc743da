/* ZIP archives in memory, read through their central directory. Only what checkpoints use: one disk, members stored
 * or deflated, no encryption; ZIP64 is fine. Every record is checked against the archive and its neighbours (inside,
 * no overlap, unique names, local header agrees), so a stored member is a plain borrowed range of bytes.
 *
 * Deflated members are inflated when asked for. Their total is bounded by the limit given at opening, and a member
 * that claims more than deflate can yield from its bytes is refused: a zip bomb costs one sentence. */
#ifndef Y9_FORMATS_ZIPFILE_H
#define Y9_FORMATS_ZIPFILE_H

#include "core/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct zipfile_member {
    const char *name;
    bool deflated;
    size_t offset, packed; /* of its data in the archive; bytes there */
    size_t size;           /* once inflated */
    uint32_t crc;
    bool checked;            /* the sum was compared already */
    unsigned char *inflated; /* owned by the archive; NULL before zipfile_read */
};

struct zipfile {
    const char *name;           /* for sentences */
    const unsigned char *bytes; /* borrowed */
    size_t size;
    struct zipfile_member *members; /* in the directory's order */
    struct zipfile_member **sorted; /* by name */
    int count;
    size_t inflated, limit; /* bytes of memory taken by inflated members; the most there may be */
    struct arena arena;
};

/* `bytes` is borrowed and must outlive the archive. On failure the archive is empty. */
enum status zipfile_open_memory(const char *name, const void *bytes, size_t size, size_t limit, struct zipfile *zip);
void zipfile_close(struct zipfile *zip);

struct zipfile_member *zipfile_find(const struct zipfile *zip, const char *name); /* NULL: absent */

/* The member's member->size bytes, borrowed from the archive until it is closed; CRC-32 is checked the first time. */
enum status zipfile_read(struct zipfile *zip, struct zipfile_member *member, const unsigned char **data);

bool zipfile_probe(const void *bytes, size_t size); /* begins like an archive */

#endif
