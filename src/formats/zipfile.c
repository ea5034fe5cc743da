#include "formats/zipfile.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/* Layouts: PKWARE APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.14 to 4.3.16 (end records). */
enum {
    LOCAL_SIZE = 30,
    ENTRY_SIZE = 46,
    END_SIZE = 22,
    LOCATOR64_SIZE = 20,
    END64_SIZE = 56,
    FLAG_ENCRYPTED = 1 << 0,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
    EXTRA_ZIP64 = 1,
    DEFLATE_RATIO = 1032, /* 258 bytes of match from 2 bits */
};
static const uint32_t sign_local = 0x04034b50, sign_entry = 0x02014b50, sign_end = 0x06054b50;
static const uint32_t sign_end64 = 0x06064b50, sign_locator64 = 0x07064b50;

static uint32_t get16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const unsigned char *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static uint64_t get64(const unsigned char *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

bool zipfile_probe(const void *bytes, size_t size)
{
    return size >= 4 && (get32(bytes) == sign_local || get32(bytes) == sign_end);
}

struct directory {
    uint64_t offset, size, count;
};

/* The end record stands last, followed only by a comment whose length it names. */
static const unsigned char *find_end(const struct zipfile *zip)
{
    size_t reach = MIN(zip->size, (size_t)END_SIZE + 0xffff);
    for (size_t back = END_SIZE; back <= reach; back++) {
        const unsigned char *p = zip->bytes + zip->size - back;
        if (get32(p) == sign_end && get16(p + 20) == back - END_SIZE)
            return p;
    }
    return NULL;
}

static enum status find_directory(const struct zipfile *zip, struct directory *dir)
{
    const unsigned char *end = find_end(zip);
    if (!end)
        return fail(E_FORMAT, "%s: zip archive without an end record (truncated?)", zip->name);
    size_t before = (size_t)(end - zip->bytes); /* the directory must end before this */
    if (get16(end + 4) != 0 || get16(end + 6) != 0 || get16(end + 8) != get16(end + 10))
        return fail(E_UNSUPPORTED, "%s: zip archive in several parts", zip->name);
    *dir = (struct directory){.offset = get32(end + 16), .size = get32(end + 12), .count = get16(end + 10)};
    const unsigned char *locator = before >= LOCATOR64_SIZE ? end - LOCATOR64_SIZE : NULL;
    if (locator && get32(locator) == sign_locator64) {
        uint64_t at = get64(locator + 8);
        if (at > before || before - at < END64_SIZE + LOCATOR64_SIZE || get32(zip->bytes + at) != sign_end64)
            return fail(E_FORMAT, "%s: zip archive with a broken ZIP64 end record", zip->name);
        const unsigned char *end64 = zip->bytes + at;
        if (get32(end64 + 16) != 0 || get32(end64 + 20) != 0 || get64(end64 + 24) != get64(end64 + 32))
            return fail(E_UNSUPPORTED, "%s: zip archive in several parts", zip->name);
        *dir = (struct directory){.offset = get64(end64 + 48), .size = get64(end64 + 40), .count = get64(end64 + 32)};
        before = (size_t)at;
    }
    if (dir->offset > before || dir->size > before - dir->offset)
        return fail(E_FORMAT, "%s: the zip directory lies outside the file", zip->name);
    if (dir->count > dir->size / ENTRY_SIZE || dir->count > INT_MAX)
        return fail(E_FORMAT, "%s: the zip directory is too small for %llu members", zip->name,
                    (unsigned long long)dir->count);
    return OK;
}

/* Sizes and offset that did not fit into 32 bits stand in the ZIP64 extra field, in this order. */
static bool read_extra64(const unsigned char *extra, size_t size, uint64_t *values[3])
{
    bool wanted = *values[0] == UINT32_MAX || *values[1] == UINT32_MAX || *values[2] == UINT32_MAX;
    while (wanted && size >= 4) {
        size_t id = get16(extra), length = get16(extra + 2);
        extra += 4;
        size -= 4;
        if (length > size)
            return false;
        if (id == EXTRA_ZIP64) {
            for (int i = 0; i < 3; i++) {
                if (*values[i] != UINT32_MAX)
                    continue;
                if (length < 8)
                    return false;
                *values[i] = get64(extra);
                extra += 8;
                length -= 8;
            }
            return true;
        }
        extra += length;
        size -= length;
    }
    return !wanted;
}

/* The local header must agree with the directory; finds where the data begins. `end` = offset of the directory. */
static enum status check_local(const struct zipfile *zip, struct zipfile_member *m, uint64_t at, size_t end,
                               uint32_t method)
{
    size_t length = strlen(m->name);
    if (at > end || end - at < LOCAL_SIZE || get32(zip->bytes + at) != sign_local)
        return fail(E_FORMAT, "%s: member %s has no local header", zip->name, m->name);
    const unsigned char *local = zip->bytes + at;
    size_t header = LOCAL_SIZE + get16(local + 26) + get16(local + 28);
    if (header > end - at || get16(local + 26) != length || memcmp(local + LOCAL_SIZE, m->name, length) != 0 ||
        get16(local + 8) != method)
        return fail(E_FORMAT, "%s: member %s has another local header", zip->name, m->name);
    m->offset = (size_t)at + header;
    if (m->packed > end - m->offset)
        return fail(E_FORMAT, "%s: member %s ends after the archive's data", zip->name, m->name);
    return OK;
}

static enum status read_entry(struct zipfile *zip, const unsigned char *p, size_t left, size_t directory,
                              struct zipfile_member *m, size_t *used)
{
    if (left < ENTRY_SIZE || get32(p) != sign_entry)
        return fail(E_FORMAT, "%s: broken zip directory", zip->name);
    size_t name = get16(p + 28), extra = get16(p + 30), comment = get16(p + 32);
    uint32_t flags = get16(p + 8), method = get16(p + 10);
    uint64_t packed = get32(p + 20), size = get32(p + 24), at = get32(p + 42);
    uint64_t *large[3] = {&size, &packed, &at};
    if (name + extra + comment > left - ENTRY_SIZE)
        return fail(E_FORMAT, "%s: broken zip directory", zip->name);
    *used = ENTRY_SIZE + name + extra + comment;
    char *text = arena_alloc(&zip->arena, name + 1, 1);
    if (!text)
        return E_NOMEM;
    memcpy(text, p + ENTRY_SIZE, name);
    m->name = text;
    if (strlen(text) != name)
        return fail(E_FORMAT, "%s: a member's name holds a zero byte", zip->name);
    if (!read_extra64(p + ENTRY_SIZE + name, extra, large))
        return fail(E_FORMAT, "%s: member %s lacks its ZIP64 sizes", zip->name, m->name);
    if (flags & FLAG_ENCRYPTED)
        return fail(E_UNSUPPORTED, "%s: member %s is encrypted", zip->name, m->name);
    if (method != METHOD_STORED && method != METHOD_DEFLATED)
        return fail(E_UNSUPPORTED, "%s: member %s is packed by method %u, which is not supported", zip->name, m->name,
                    method);
    if (packed > zip->size)
        return fail(E_FORMAT, "%s: member %s ends after the archive's data", zip->name, m->name);
    if (method == METHOD_STORED ? size != packed : size > packed * DEFLATE_RATIO)
        return fail(E_FORMAT, "%s: member %s claims %llu bytes from %llu", zip->name, m->name, (unsigned long long)size,
                    (unsigned long long)packed);
    m->deflated = method == METHOD_DEFLATED;
    m->packed = (size_t)packed;
    m->size = (size_t)size;
    m->crc = get32(p + 16);
    return check_local(zip, m, at, directory, method);
}

static int by_name(const void *a, const void *b)
{
    const struct zipfile_member *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int by_offset(const void *a, const void *b)
{
    const struct zipfile_member *const *x = a, *const *y = b;
    return ((*x)->offset > (*y)->offset) - ((*x)->offset < (*y)->offset);
}

/* Names differ and data ranges do not meet. Leaves `sorted` by name. */
static enum status check_neighbours(struct zipfile *zip)
{
    struct zipfile_member **sorted = zip->sorted;
    qsort(sorted, (size_t)zip->count, sizeof *sorted, by_offset);
    for (int i = 0; i + 1 < zip->count; i++) {
        /* between two data ranges lies at least the local header of the second */
        if (sorted[i + 1]->offset - sorted[i]->offset < sorted[i]->packed + LOCAL_SIZE)
            return fail(E_FORMAT, "%s: members %s and %s overlap", zip->name, sorted[i]->name, sorted[i + 1]->name);
    }
    qsort(sorted, (size_t)zip->count, sizeof *sorted, by_name);
    for (int i = 0; i + 1 < zip->count; i++) {
        if (strcmp(sorted[i]->name, sorted[i + 1]->name) == 0)
            return fail(E_FORMAT, "%s: two members named %s", zip->name, sorted[i]->name);
    }
    return OK;
}

static enum status read_directory(struct zipfile *zip)
{
    struct directory dir = {0};
    enum status rc = find_directory(zip, &dir);
    if (rc != OK)
        return rc;
    zip->members = arena_alloc(&zip->arena, (size_t)dir.count, sizeof *zip->members);
    zip->sorted = arena_alloc(&zip->arena, (size_t)dir.count, sizeof *zip->sorted);
    if (!zip->members || !zip->sorted)
        return E_NOMEM;
    const unsigned char *p = zip->bytes + dir.offset;
    size_t left = (size_t)dir.size, used = 0;
    for (uint64_t i = 0; i < dir.count; i++) {
        struct zipfile_member *m = &zip->members[zip->count];
        rc = read_entry(zip, p, left, (size_t)dir.offset, m, &used);
        if (rc != OK)
            return rc;
        zip->sorted[zip->count++] = m;
        p += used;
        left -= used;
    }
    return check_neighbours(zip);
}

enum status zipfile_open_memory(const char *name, const void *bytes, size_t size, size_t limit, struct zipfile *zip)
{
    *zip = (struct zipfile){.bytes = bytes, .size = size, .limit = limit};
    arena_init(&zip->arena);
    zip->name = arena_strdup(&zip->arena, name);
    enum status rc = zip->name ? read_directory(zip) : E_NOMEM;
    if (rc != OK)
        zipfile_close(zip);
    return rc;
}

void zipfile_close(struct zipfile *zip)
{
    for (int i = 0; i < zip->count; i++)
        mem_free(zip->members[i].inflated);
    arena_free(&zip->arena);
    *zip = (struct zipfile){0};
}

struct zipfile_member *zipfile_find(const struct zipfile *zip, const char *name)
{
    struct zipfile_member wanted = {.name = name}, *key = &wanted;
    struct zipfile_member **found = NULL;
    if (zip->count)
        found = bsearch(&key, zip->sorted, (size_t)zip->count, sizeof *zip->sorted, by_name);
    return found ? *found : NULL;
}

/* Exactly m->size bytes from exactly m->packed ones. */
static enum status inflate_member(struct zipfile *zip, struct zipfile_member *m)
{
    if (m->size > zip->limit || zip->inflated > zip->limit - m->size)
        return fail(E_LIMIT, "%s: member %s inflates to %zu bytes, the limit for the archive is %zu", zip->name,
                    m->name, m->size, zip->limit);
    z_stream stream = {0};
    unsigned char *out = mem_alloc(m->size, 1);
    if (!out)
        return E_NOMEM;
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
        mem_free(out);
        return fail_memory(zip->name, 0);
    }
    size_t in = 0, done = 0;
    int code = Z_OK;
    while (code == Z_OK) { /* zlib counts in 32 bits; no progress gives Z_BUF_ERROR */
        size_t in_now = MIN(m->packed - in, (size_t)1 << 30), out_now = MIN(m->size - done, (size_t)1 << 30);
        stream.next_in = (Bytef *)(uintptr_t)(zip->bytes + m->offset + in);
        stream.avail_in = (uInt)in_now;
        stream.next_out = out + done;
        stream.avail_out = (uInt)out_now;
        code = inflate(&stream, Z_NO_FLUSH);
        in += in_now - stream.avail_in;
        done += out_now - stream.avail_out;
    }
    inflateEnd(&stream);
    if (code != Z_STREAM_END || in != m->packed || done != m->size) {
        mem_free(out);
        return fail(E_FORMAT, "%s: member %s does not inflate to its %zu bytes", zip->name, m->name, m->size);
    }
    m->inflated = out;
    zip->inflated += m->size;
    return OK;
}

enum status zipfile_read(struct zipfile *zip, struct zipfile_member *member, const unsigned char **data)
{
    if (member->deflated && !member->inflated) {
        enum status rc = inflate_member(zip, member);
        if (rc != OK)
            return rc;
    }
    *data = member->deflated ? member->inflated : zip->bytes + member->offset;
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION /* a fuzzer cannot guess sums; libFuzzer's customary name */
    if (!member->checked && crc32_z(0, *data, member->size) != member->crc)
        return fail(E_FORMAT, "%s: member %s is damaged (its CRC-32 differs)", zip->name, member->name);
#endif
    member->checked = true;
    return OK;
}
