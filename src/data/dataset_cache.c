/* Results of checking a split, in a file of our own:
 *   "Y9LABELS", version, a byte-order mark, the key, size and checksum of the rest, then picture by picture.
 * A cache that does not fit in any way is simply not used: it is written anew. */
#include "core/file.h"
#include "core/log.h"
#include "core/path.h"
#include "core/rng.h"
#include "data/loading.h"

#include <string.h>
#include <sys/stat.h>

enum { CACHE_VERSION = 4, CACHE_ORDER = 0x01020304, CACHE_MAX_BYTES = 0x7fffffff, CACHE_MAX_TEXT = 1 << 16 };

static const char magic[8] = {'Y', '9', 'L', 'A', 'B', 'E', 'L', 'S'};

struct cache_header {
    char magic[8];
    uint32_t version, order;
    uint64_t key, size, checksum;
};

/* However its path is written: train's are absolute, val's may be relative. */
static uint64_t mix_file(uint64_t h, const char *path)
{
    struct stat s;
    int64_t facts[6] = {-1, -1, -1, -1, -1, -1};
    if (stat(path, &s) == 0) {
        facts[0] = (int64_t)s.st_size;
        facts[1] = (int64_t)s.st_mtim.tv_sec;
        facts[2] = (int64_t)s.st_mtim.tv_nsec;
        facts[3] = (int64_t)s.st_ctim.tv_sec; /* what a tool that keeps the old time cannot set back */
        facts[4] = (int64_t)s.st_ctim.tv_nsec;
        facts[5] = (int64_t)s.st_ino; /* another file that was moved here */
    }
    char *absolute = path_absolute(path);
    const char *name = absolute ? absolute : path;
    h = rng_hash_bytes(rng_hash_bytes(h, name, strlen(name) + 1), facts, sizeof(facts));
    mem_free(absolute);
    return h;
}

uint64_t cache_key(const struct loading *l)
{
    uint64_t facts[5] = {(uint64_t)l->count, (uint64_t)l->d->nc, l->options->single_class,
                         (uint64_t)l->yaml->key_points, (uint64_t)l->yaml->key_values};
    uint64_t h = rng_hash_bytes(CACHE_VERSION, facts, sizeof(facts));
    for (int i = 0; i < l->count; i++) {
        h = mix_file(h, l->pictures[i].path);
        h = mix_file(h, l->pictures[i].label_path);
    }
    return h;
}

/* Its owner took every right to write away from the folder: that counts for root too, whom the system would let. */
static bool is_write_protected(const char *folder)
{
    struct stat s;
    return stat(folder, &s) != 0 || !(s.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH));
}

char *cache_path(const struct loading *l)
{
    char *folder = path_parent(l->pictures[0].label_path), *home = folder ? path_parent(folder) : NULL, *path = NULL;
    struct buf name = {0};
    if (home && path_is_folder(folder) && !is_write_protected(home) && buf_printf(&name, "%s.y9cache", folder) == OK)
        path = mem_strdup(name.data);
    buf_free(&name);
    mem_free(home);
    mem_free(folder);
    return path;
}

/* What stands in the file of one picture, before its problem, objects and points. */
struct cache_picture {
    int32_t state, label_missing, w, h, orientation, n_objects, n_points, duplicates, poses;
    int32_t fault;          /* what its problem is about */
    uint32_t problem_bytes; /* 0: none */
};

struct cache_object {
    int32_t class;
    float cxcywh[4];
    int32_t first_point, n_points;
};

static enum status put_picture(struct buf *out, const struct loading_picture *p)
{
    const struct label_rows *rows = &p->rows;
    struct cache_picture head = {(int32_t)p->state,
                                 p->label_missing,
                                 p->w,
                                 p->h,
                                 p->orientation,
                                 rows->n_objects,
                                 rows->n_points,
                                 rows->duplicates,
                                 rows->poses,
                                 (int32_t)p->fault,
                                 p->problem ? (uint32_t)strlen(p->problem) : 0};
    TRY(buf_append(out, &head, sizeof(head)));
    if (p->problem)
        TRY(buf_append(out, p->problem, head.problem_bytes));
    for (int i = 0; i < rows->n_objects; i++) {
        const struct dataset_object *o = &rows->objects[i];
        struct cache_object c = {o->class, {0}, (int32_t)o->first_point, o->n_points};
        memcpy(c.cxcywh, o->cxcywh, sizeof(c.cxcywh));
        TRY(buf_append(out, &c, sizeof(c)));
    }
    if (rows->n_points)
        TRY(buf_append(out, rows->points, (size_t)rows->n_points * sizeof(*rows->points)));
    return OK;
}

enum status cache_write(const char *path, uint64_t key, const struct loading *l)
{
    enum status rc = OK;
    struct buf out = {0};
    struct cache_header header = {{0}, CACHE_VERSION, CACHE_ORDER, key, 0, 0};
    memcpy(header.magic, magic, sizeof(magic));
    TRY_CLEAN(buf_append(&out, &header, sizeof(header)));
    for (int i = 0; i < l->count; i++)
        TRY_CLEAN(put_picture(&out, &l->pictures[i]));
    header.size = out.size - sizeof(header);
    header.checksum = rng_hash_bytes(key, out.data + sizeof(header), header.size);
    memcpy(out.data, &header, sizeof(header));
    TRY_CLEAN(file_write(path, out.data, out.size));
cleanup:
    buf_free(&out);
    return rc;
}

/* Bytes of the file that are not read yet. */
struct cursor {
    const char *at;
    size_t left;
};

static bool take(struct cursor *c, void *dst, size_t n)
{
    if (n > c->left)
        return false;
    memcpy(dst, c->at, n);
    c->at += n;
    c->left -= n;
    return true;
}

static bool take_objects(struct cursor *c, const struct cache_picture *head, int nc, struct label_rows *rows)
{
    size_t n = (size_t)head->n_objects, points = (size_t)head->n_points;
    if (head->n_objects < 0 || head->n_points < 0 || n > c->left / sizeof(struct cache_object) ||
        points > c->left / sizeof(*rows->points))
        return false;
    rows->objects = n ? mem_alloc(n, sizeof(*rows->objects)) : NULL;
    rows->points = points ? mem_alloc(points, sizeof(*rows->points)) : NULL;
    if ((n && !rows->objects) || (points && !rows->points))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct cache_object o;
        if (!take(c, &o, sizeof(o)) || o.class < 0 || o.class >= nc || o.first_point < 0 || o.n_points < 0 ||
            (size_t)o.first_point + (size_t)o.n_points > points)
            return false;
        rows->objects[i] =
            (struct dataset_object){.class = o.class, .first_point = (size_t)o.first_point, .n_points = o.n_points};
        memcpy(rows->objects[i].cxcywh, o.cxcywh, sizeof(o.cxcywh));
    }
    if (points && !take(c, rows->points, points * sizeof(*rows->points)))
        return false;
    rows->n_objects = head->n_objects;
    rows->n_points = head->n_points;
    rows->duplicates = head->duplicates;
    rows->poses = head->poses;
    return true;
}

static bool take_picture(struct cursor *c, int nc, struct loading_picture *p)
{
    struct cache_picture head;
    if (!take(c, &head, sizeof(head)) || head.state < PICTURE_OK || head.state > PICTURE_ABSENT ||
        head.fault < FAULT_PICTURE || head.fault > FAULT_NO_AREA || head.problem_bytes > CACHE_MAX_TEXT || head.w < 0 ||
        head.h < 0)
        return false;
    if (head.problem_bytes) {
        p->problem = mem_calloc(head.problem_bytes + 1, 1);
        if (!p->problem || !take(c, p->problem, head.problem_bytes))
            return false;
    }
    if (!take_objects(c, &head, nc, &p->rows))
        return false;
    p->state = (enum picture_state)head.state;
    p->fault = (enum dataset_fault)head.fault;
    p->label_missing = head.label_missing != 0;
    p->w = head.w;
    p->h = head.h;
    p->orientation = head.orientation;
    return true;
}

bool cache_read(const char *path, uint64_t key, struct loading *l)
{
    struct buf file = {0};
    struct cache_header header;
    bool good = false;
    if (!path_exists(path) || file_read(path, CACHE_MAX_BYTES, &file) != OK)
        return false;
    struct cursor c = {file.data, file.size};
    if (take(&c, &header, sizeof(header)) && !memcmp(header.magic, magic, sizeof(magic)) &&
        header.version == CACHE_VERSION && header.order == CACHE_ORDER && header.key == key && header.size == c.left &&
        header.checksum == rng_hash_bytes(key, c.at, c.left)) {
        good = true;
        for (int i = 0; i < l->count && good; i++)
            good = take_picture(&c, l->d->nc, &l->pictures[i]);
        good = good && c.left == 0;
        for (int i = 0; i < l->count && !good; i++) { /* as if it had not been there */
            struct loading_picture *p = &l->pictures[i];
            label_rows_free(&p->rows);
            mem_free(p->problem);
            p->problem = NULL;
        }
    }
    log_debug("%s: %s", path, good ? "labels come from this cache" : "not of these files, made again");
    buf_free(&file);
    return good;
}
