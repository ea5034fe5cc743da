#include "lab/photo_set.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "data/label_file.h"
#include "image/decode.h"
#include "image/resize.h"

#include <string.h>

struct candidate {
    const char *path, *labels; /* labels NULL: not there */
};

/* --- which photos --- */

/* labels/a.txt for .../a.jpg */
static const char *labels_in(struct arena *arena, const char *folder, const char *picture)
{
    const char *name = path_name(picture), *dot = path_extension(name);
    const size_t stem = *dot ? (size_t)(dot - 1 - name) : strlen(name);
    return arena_printf(arena, "%s/%.*s.txt", folder, (int)stem, name);
}

static enum status find_labels(struct arena *arena, char *const *paths, int n, const char *folder,
                               struct candidate *out, int *found)
{
    const char *first = NULL;
    *found = 0;
    for (int i = 0; i < n; i++) {
        const char *labels = folder ? labels_in(arena, folder, paths[i]) : label_path(arena, paths[i]);
        if (!labels)
            return E_NOMEM;
        first = first ? first : labels;
        out[i] = (struct candidate){paths[i], path_exists(labels) ? labels : NULL};
        *found += out[i].labels != NULL;
    }
    return folder && !*found
               ? fail(E_IO, "%s: no picture has its label file there; the first one looked for is %s", folder, first)
               : OK;
}

/* Those with labels to the front, where there are some. Returns how many can be taken. */
static int leave_out(struct photo_set *s, struct candidate *c, int n, int found)
{
    int kept = 0;
    s->labelled = found > 0;
    for (int i = 0; i < n && found; i++) {
        if (c[i].labels)
            c[kept++] = c[i];
        else if (!s->unlabelled++)
            s->example = c[i].path;
    }
    return found ? kept : n;
}

/* --- a photo --- */

/* Its middle square. */
struct square {
    int side, left, top, w, h; /* of a photo w x h */
};

static enum status read_picture(const char *path, int size, struct square *q, struct image *out)
{
    enum status rc = OK;
    struct image photo = {0}, middle = {0};
    TRY_CLEAN(image_read(path, &photo));
    *q = (struct square){.side = MIN(photo.h, photo.w), .w = photo.w, .h = photo.h};
    q->left = (photo.w - q->side) / 2;
    q->top = (photo.h - q->side) / 2;
    TRY_CLEAN(image_crop(&photo, q->left, q->top, q->left + q->side, q->top + q->side, &middle));
    TRY_CLEAN(image_resize(&middle, size, size, size < q->side ? RESIZE_AREA : RESIZE_LINEAR, out));
cleanup:
    image_free(&photo);
    image_free(&middle);
    return rc;
}

static enum status read_boxes(const char *path, const struct square *q, struct lab_photo *p)
{
    enum status rc = OK;
    struct buf text = {0};
    struct label_rows rows = {0};
    const struct label_rules rules = {.single_class = true};
    TRY_CLEAN(file_read_text(path, LABEL_FILE_MAX_BYTES, &text));
    TRY_CLEAN(label_text_read(path, text.data, text.size, &rules, &rows));
    p->boxes = mem_alloc((size_t)rows.n_objects, sizeof *p->boxes);
    TRY_CLEAN(p->boxes ? OK : E_NOMEM);
    for (; p->n_boxes < rows.n_objects; p->n_boxes++) {
        const float *b = rows.objects[p->n_boxes].cxcywh;
        const float side = (float)q->side, w = (float)q->w, h = (float)q->h;
        const float x = (b[0] * w - (float)q->left) / side, y = (b[1] * h - (float)q->top) / side;
        const float half_w = b[2] * w / side / 2, half_h = b[3] * h / side / 2;
        const float box[4] = {x - half_w, y - half_h, x + half_w, y + half_h};
        memcpy(p->boxes[p->n_boxes], box, sizeof box);
    }
cleanup:
    label_rows_free(&rows);
    buf_free(&text);
    return rc;
}

/* --- all --- */

enum status photo_set_read(char *const *paths, int n, const char *labels, int size, int most, struct photo_set *out)
{
    enum status rc = OK;
    struct arena arena;
    int found;
    *out = (struct photo_set){.size = size};
    arena_init(&arena);
    struct candidate *all = mem_calloc((size_t)n, sizeof *all);
    TRY_CLEAN(all ? OK : E_NOMEM);
    TRY_CLEAN(find_labels(&arena, paths, n, labels, all, &found));
    const int kept = leave_out(out, all, n, found), count = MIN(kept, most);
    out->items = mem_calloc((size_t)count, sizeof *out->items);
    TRY_CLEAN(out->items ? OK : E_NOMEM);
    while (out->n < count) {
        const struct candidate *c = &all[(long)out->n * kept / count];
        struct lab_photo *p = &out->items[out->n++];
        struct square q;
        p->path = c->path;
        TRY_CLEAN(read_picture(c->path, size, &q, &p->picture));
        if (c->labels)
            TRY_CLEAN(read_boxes(c->labels, &q, p));
    }
cleanup:
    mem_free(all);
    arena_free(&arena);
    return rc;
}

void photo_set_free(struct photo_set *s)
{
    for (int i = 0; i < s->n; i++) {
        image_free(&s->items[i].picture);
        mem_free(s->items[i].boxes);
    }
    mem_free(s->items);
    *s = (struct photo_set){0};
}

bool photo_has_object(const struct lab_photo *p, double x, double y)
{
    for (int i = 0; i < p->n_boxes; i++) {
        const float *b = p->boxes[i];
        if (x >= b[0] && x < b[2] && y >= b[1] && y < b[3])
            return true;
    }
    return false;
}
