#include "lab/labelled_photo.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "image/decode.h"

#include <string.h>

static enum status find_labels(const struct labelled_options *o, struct labelled_photo *p)
{
    struct arena *arena = &p->dataset.arena;
    p->label_path = o->labels ? arena_strdup(arena, o->labels) : label_path(arena, o->path);
    if (!p->label_path)
        return E_NOMEM;
    if (!o->labels && !path_exists(p->label_path))
        return fail(E_IO, "%s: it has no labels (%s is not there); --labels names their file", o->path, p->label_path);
    return OK;
}

static enum status read_labels(const struct labelled_options *o, struct labelled_photo *p)
{
    enum status rc = OK;
    struct buf text = {0};
    const struct label_rules rules = {.nc = o->nc};
    TRY_CLEAN(find_labels(o, p));
    TRY_CLEAN(file_read_text(p->label_path, LABEL_FILE_MAX_BYTES, &text));
    TRY_CLEAN(label_text_read(p->label_path, text.data, text.size, &rules, &p->rows));
    if (!p->rows.n_objects)
        rc = fail(E_FORMAT, "%s: it holds no object, so that there is nothing to assign", p->label_path);
    else if (p->rows.n_objects > LABELLED_MOST)
        rc = fail(E_LIMIT, "%s: %d objects; up to %d can be shown", p->label_path, p->rows.n_objects, LABELLED_MOST);
cleanup:
    buf_free(&text);
    return rc;
}

static enum status describe_picture(const struct labelled_options *o, struct labelled_photo *p)
{
    struct dataset_image *i = &p->item;
    *i = (struct dataset_image){.path = o->path,
                                .name = path_name(o->path),
                                .stem = path_name(o->path),
                                .number = -1,
                                .n_objects = p->rows.n_objects,
                                .label_path = p->label_path};
    TRY(image_check(o->path, &i->w, &i->h, &i->orientation));
    if (i->orientation >= 5) {
        const int w = i->w;
        i->w = i->h;
        i->h = w;
    }
    return OK;
}

enum status labelled_photo_read(const struct labelled_options *o, struct labelled_photo *p)
{
    *p = (struct labelled_photo){0};
    arena_init(&p->dataset.arena);
    TRY(read_labels(o, p));
    TRY(describe_picture(o, p));
    p->dataset.nc = o->nc;
    p->dataset.names = o->names;
    p->dataset.images = &p->item;
    p->dataset.n_images = 1;
    p->dataset.objects = p->rows.objects;
    p->dataset.n_objects = (size_t)p->rows.n_objects;
    p->dataset.points = p->rows.points;
    p->dataset.n_points = (size_t)p->rows.n_points;
    const struct loader_config config = {.dataset = &p->dataset,
                                         .size = o->size,
                                         .batch = 1,
                                         .rect = true,
                                         .load = LOAD_AREA,
                                         .rect_pad = 0.5,
                                         .stride = MAX(o->stride, 32),
                                         .ranks = 1};
    TRY(loader_open(&config, &p->loader));
    TRY(loader_start(p->loader, &(struct epoch_config){0}));
    TRY(loader_next(p->loader, &p->batch));
    p->input = batch_image(p->batch, 0);
    return OK;
}

void labelled_photo_free(struct labelled_photo *p)
{
    loader_close(p->loader);
    label_rows_free(&p->rows);
    arena_free(&p->dataset.arena);
    *p = (struct labelled_photo){0};
}
