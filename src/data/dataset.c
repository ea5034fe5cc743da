#include "core/file.h"
#include "core/log.h"
#include "core/path.h"
#include "core/rng.h"
#include "core/terminal.h"
#include "core/text.h"
#include "data/loading.h"
#include "image/decode.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MIN_SIDE = 10, PART = 32 };

/* --- checking one picture and its labels --- */

static __attribute__((format(printf, 4, 5))) void picture_fault(struct loading_picture *p, enum picture_state state,
                                                                enum dataset_fault fault, const char *format, ...)
{
    char sentence[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    text_one_line(sentence);
    mem_free(p->problem);
    p->state = state;
    p->fault = fault;
    p->problem = mem_strdup(sentence);
}

static enum status check_pixels(struct loading_picture *p)
{
    TRY(image_check(p->path, &p->w, &p->h, &p->orientation));
    if (p->orientation >= 5) {
        int w = p->w;
        p->w = p->h;
        p->h = w;
    }
    if (p->w < MIN_SIDE || p->h < MIN_SIDE)
        return fail(E_FORMAT, "%s: %dx%d pixels, smaller than %dx%d", p->path, p->w, p->h, MIN_SIDE, MIN_SIDE);
    if ((p->told_w && p->told_w != p->w) || (p->told_h && p->told_h != p->h))
        return fail(E_FORMAT, "%s: %dx%d pixels, but its annotations say %dx%d", p->path, p->w, p->h, p->told_w,
                    p->told_h);
    return OK;
}

static enum status check_label_file(const struct loading *l, struct loading_picture *p)
{
    enum status rc = OK;
    struct buf text = {0};
    const struct label_rules rules = {l->d->nc, l->options->single_class, l->yaml->key_points, l->yaml->key_values};
    p->label_missing = !path_exists(p->label_path);
    if (p->label_missing)
        return OK;
    TRY_CLEAN(file_read_text(p->label_path, LABEL_FILE_MAX_BYTES, &text));
    TRY_CLEAN(label_text_read(p->label_path, text.data, text.size, &rules, &p->rows));
    if (p->rows.duplicates) {
        picture_fault(p, PICTURE_OK, FAULT_REPEATED_ROWS, "%s: %d label%s twice, counted once", p->label_path,
                      p->rows.duplicates, noun(p->rows.duplicates, " stands", "s stand"));
    }
cleanup:
    buf_free(&text);
    return rc;
}

static float clamp(float x, float high)
{
    return x < 0 ? 0 : x > high ? high : x;
}

/* Annotated boxes from pixels to the normalised form, cut to the picture; what has no area left is dropped. */
static void normalise_annotations(struct loading_picture *p)
{
    int kept = 0, crowds = 0, first_crowd = p->rows.n_objects - p->n_crowds;
    float w = (float)p->w, h = (float)p->h;
    for (int i = 0; i < p->rows.n_objects; i++) {
        struct dataset_object o = p->rows.objects[i];
        float x1 = clamp(o.cxcywh[0], w), y1 = clamp(o.cxcywh[1], h);
        float x2 = clamp(o.cxcywh[0] + o.cxcywh[2], w), y2 = clamp(o.cxcywh[1] + o.cxcywh[3], h);
        if (!(x2 > x1) || !(y2 > y1)) {
            picture_fault(p, PICTURE_OK, FAULT_NO_AREA,
                          "%s: an annotated box has no area inside the picture and is dropped", p->path);
            p->flat++;
            continue;
        }
        o.cxcywh[0] = (x1 + x2) / 2 / w;
        o.cxcywh[1] = (y1 + y2) / 2 / h;
        o.cxcywh[2] = (x2 - x1) / w;
        o.cxcywh[3] = (y2 - y1) / h;
        p->rows.objects[kept++] = o;
        crowds += i >= first_crowd;
    }
    p->rows.n_objects = kept;
    p->n_crowds = crowds;
}

static void check_picture(const struct loading *l, struct loading_picture *p)
{
    p->state = PICTURE_OK;
    p->label_missing = l->voc && !p->voc;
    if (p->voc && voc_take_labels(l, p) != OK) {
        picture_fault(p, PICTURE_CORRUPT, FAULT_LABELS, "%s", fail_text());
        label_rows_free(&p->rows);
        p->n_crowds = 0;
    } else if (l->options->no_pixels && p->told_w && p->told_h) {
        p->w = p->told_w;
        p->h = p->told_h;
        p->orientation = 1;
        normalise_annotations(p);
    } else if (!path_exists(p->path)) {
        if (p->list)
            picture_fault(p, PICTURE_ABSENT, FAULT_ABSENT, "%s:%d: %s does not exist", p->list, p->line, p->path);
        else
            picture_fault(p, PICTURE_ABSENT, FAULT_ABSENT, "%s: it does not exist%s", p->path,
                          l->options->no_pixels ? ", and its annotations do not tell its width and height" : "");
    } else if (check_pixels(p) != OK) {
        picture_fault(p, PICTURE_CORRUPT, FAULT_PICTURE, "%s", fail_text());
        label_rows_free(&p->rows);
    } else if (p->label_path && check_label_file(l, p) != OK) {
        picture_fault(p, PICTURE_CORRUPT, FAULT_LABELS, "%s", fail_text());
        label_rows_free(&p->rows);
    } else if (!p->label_path) {
        normalise_annotations(p);
    }
}

static void check_part(void *context, int part, int thread)
{
    struct loading *l = context;
    (void)thread;
    for (int i = part * PART; i < l->count && i < (part + 1) * PART; i++)
        check_picture(l, &l->pictures[i]);
}

/* Check everything, or take what an earlier run found from the cache. */
static void check_pictures(struct loading *l)
{
    bool use_cache = !l->annotations && !l->options->no_cache;
    uint64_t key = use_cache ? cache_key(l) : 0;
    char *cache = use_cache ? cache_path(l) : NULL;
    l->d->summary.cached = cache && cache_read(cache, key, l);
    if (!l->d->summary.cached) {
        team_run(l->options->team, (l->count + PART - 1) / PART, check_part, l);
        if (cache && cache_write(cache, key, l) != OK)
            log_debug("no label cache: %s", fail_text()); /* a folder that cannot be written to is fine */
        else if (cache)
            l->d->summary.cache = arena_strdup(&l->d->arena, cache);
    }
    mem_free(cache);
}

/* --- putting the split together --- */

/* Room for one more; capacities are 64, 128, 256 ... */
static enum status reserve_problem(struct dataset_summary *s)
{
    size_t n = (size_t)s->n_problems, capacity = n ? 2 * n : 64;
    if (n && (n < 64 || (n & (n - 1))))
        return OK;
    void *problems = mem_grow((void *)s->problems, n * sizeof(*s->problems), capacity * sizeof(*s->problems));
    s->problems = problems ? problems : s->problems;
    void *faults = mem_grow((void *)s->faults, n * sizeof(*s->faults), capacity * sizeof(*s->faults));
    s->faults = faults ? faults : s->faults;
    return problems && faults ? OK : E_NOMEM;
}

/* `path` lives as long as the dataset, or is copied where `copy`. */
static enum status add_problem(struct dataset *d, enum dataset_fault fault, const char *path, bool copy,
                               const char *sentence)
{
    struct dataset_summary *s = &d->summary;
    s->problem_total++;
    if (s->n_problems == DATASET_MAX_PROBLEMS)
        return OK;
    TRY(reserve_problem(s));
    const char *words = arena_strdup(&d->arena, sentence), *where = copy ? arena_strdup(&d->arena, path) : path;
    TRY(words && where ? OK : E_NOMEM);
    ((const char **)s->problems)[s->n_problems] = words;
    ((struct dataset_problem *)s->faults)[s->n_problems++] = (struct dataset_problem){fault, where};
    return OK;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum status add_orphan(struct dataset *d, const char *path)
{
    enum status rc = OK;
    struct buf text = {0};
    const bool loud = strcmp(path_extension(path), "txt") != 0;
    TRY_CLEAN(buf_printf(&text, "%s: a label file without a picture, not used%s", path,
                         loud ? " (label files end in .txt, in small letters)" : ""));
    text_one_line(text.data);
    TRY_CLEAN(add_problem(d, FAULT_ORPHAN, path, true, text.data));
cleanup:
    buf_free(&text);
    return rc;
}

/* Label files of one folder whose picture is not there. `known`: label paths of all pictures, sorted. */
static enum status orphans_of(struct dataset *d, const char *folder, const char *const *known, size_t n_known)
{
    char **names = NULL, *path = NULL;
    int n = 0;
    enum status rc = OK;
    if (!path_is_folder(folder))
        return OK;
    TRY_CLEAN(path_list(folder, &names, &n));
    for (int i = 0; i < n; i++) {
        if (strcasecmp(path_extension(names[i]), "txt") != 0)
            continue;
        path = path_join(folder, names[i]);
        TRY_CLEAN(path ? OK : E_NOMEM);
        const char *key = path;
        if (!bsearch(&key, known, n_known, sizeof(*known), compare_strings)) {
            d->summary.orphans++;
            TRY_CLEAN(add_orphan(d, path));
        }
        mem_free(path);
        path = NULL;
    }
cleanup:
    mem_free(path);
    path_list_free(names, n);
    return rc;
}

static enum status find_orphans(struct loading *l)
{
    enum status rc = OK;
    int n_folders = 0;
    char *folder = NULL, *picture_folder = NULL;
    const char **known = mem_alloc((size_t)l->count, sizeof(*known));
    char **folders = mem_calloc((size_t)l->count, sizeof(*folders));
    TRY_CLEAN(known && folders ? OK : E_NOMEM);
    for (int i = 0; i < l->count; i++) {
        known[i] = l->pictures[i].label_path;
        folder = path_parent(l->pictures[i].label_path);
        picture_folder = path_parent(l->pictures[i].path);
        TRY_CLEAN(folder && picture_folder ? OK : E_NOMEM);
        if (strcmp(folder, picture_folder) != 0 && (n_folders == 0 || strcmp(folder, folders[n_folders - 1]) != 0)) {
            folders[n_folders++] = folder;
            folder = NULL;
        }
        mem_free(picture_folder);
        mem_free(folder);
        folder = picture_folder = NULL;
    }
    qsort(known, (size_t)l->count, sizeof(*known), compare_strings);
    qsort(folders, (size_t)n_folders, sizeof(*folders), compare_strings);
    for (int i = 0; i < n_folders; i++)
        if (i == 0 || strcmp(folders[i], folders[i - 1]) != 0)
            TRY_CLEAN(orphans_of(l->d, folders[i], known, (size_t)l->count));
cleanup:
    mem_free(folder);
    mem_free(picture_folder);
    for (int i = 0; i < n_folders; i++)
        mem_free(folders[i]);
    mem_free(folders);
    mem_free(known);
    return rc;
}

/* Count one picture; true if it stays in the split. */
static bool count_picture(struct loading *l, const struct loading_picture *p)
{
    struct dataset_summary *s = &l->d->summary;
    int labels = p->rows.n_objects - p->n_crowds;
    s->corrupt += p->state == PICTURE_CORRUPT;
    s->bad_labels += p->state == PICTURE_CORRUPT && p->fault == FAULT_LABELS;
    s->absent += p->state == PICTURE_ABSENT;
    if (p->state != PICTURE_OK)
        return false;
    s->duplicates += p->rows.duplicates;
    s->poses += p->rows.poses;
    *(l->voc ? &s->difficult : &s->crowds) += p->n_crowds;
    s->flat += p->flat;
    s->missing += p->label_missing;
    s->empty += !p->label_missing && p->rows.n_objects == 0;
    s->few += labels < l->options->min_items;
    if (labels < l->options->min_items)
        return false;
    s->labelled += labels > 0;
    s->objects += labels;
    return true;
}

static int64_t id_of_name(const char *path, int64_t fallback)
{
    const char *name = path_name(path), *at = name;
    int64_t id = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (id > (INT64_MAX - 9) / 10)
            return fallback;
        id = id * 10 + (*at - '0');
    }
    return at > name && *at == '.' ? id : fallback;
}

static void move_picture(struct dataset *d, const struct loading_picture *p)
{
    struct dataset_image *image = &d->images[d->n_images];
    *image = (struct dataset_image){p->path,
                                    p->id >= 0 ? p->id : id_of_name(p->path, d->n_images),
                                    p->identity.name,
                                    p->identity.stem,
                                    p->id >= 0 ? p->id : p->identity.number,
                                    p->w,
                                    p->h,
                                    p->orientation,
                                    d->n_objects,
                                    p->rows.n_objects - p->n_crowds,
                                    p->n_crowds,
                                    p->label_path,
                                    p->label_missing};
    for (int i = 0; i < p->rows.n_objects; i++) {
        struct dataset_object *o = &d->objects[d->n_objects++];
        *o = p->rows.objects[i];
        o->first_point += d->n_points;
        if (p->label_path || p->voc)
            o->area = (double)o->cxcywh[2] * p->w * ((double)o->cxcywh[3] * p->h);
    }
    if (p->rows.n_points)
        memcpy(d->points + d->n_points, p->rows.points, (size_t)p->rows.n_points * sizeof(*d->points));
    d->n_points += (size_t)p->rows.n_points;
    d->n_images++;
}

static enum status assemble(struct loading *l)
{
    struct dataset *d = l->d;
    size_t objects = 0, points = 0;
    for (int i = 0; i < l->count; i++) {
        objects += (size_t)l->pictures[i].rows.n_objects;
        points += (size_t)l->pictures[i].rows.n_points;
    }
    d->images = mem_alloc((size_t)l->count, sizeof(*d->images));
    d->objects = mem_alloc(objects, sizeof(*d->objects));
    d->points = mem_alloc(points, sizeof(*d->points));
    TRY(d->images && d->objects && d->points ? OK : E_NOMEM);
    d->summary.pictures = l->count + d->summary.repeated;
    for (int i = 0; i < l->count; i++) {
        const struct loading_picture *p = &l->pictures[i];
        if (count_picture(l, p))
            move_picture(d, p);
        if (p->problem)
            TRY(add_problem(d, p->fault, p->path, false, p->problem));
    }
    if (l->folders_only && !l->annotations)
        TRY(find_orphans(l));
    TRY(pose_rows_say(l));
    return OK;
}

static enum status copy_names(struct loading *l)
{
    struct dataset *d = l->d;
    const char **names = arena_alloc(&d->arena, (size_t)l->yaml->nc + 1, sizeof(*names));
    if (!names)
        return E_NOMEM;
    for (int i = 0; i < l->yaml->nc; i++)
        if (!(names[i] = arena_strdup(&d->arena, l->yaml->names[i])))
            return E_NOMEM;
    d->names = names;
    d->nc = l->yaml->nc;
    d->named = l->yaml->named;
    return OK;
}

/* Two classes of one name cannot be told apart in any result. */
static enum status say_twins(struct loading *l)
{
    const struct class_index *index = &l->classes;
    if (index->first_twin < 0)
        return OK;
    return loading_note(l, "classes %d and %d are both called '%s'", index->first_twin, index->second_twin,
                        l->d->names[index->first_twin]);
}

/* One class in place of all (SPEC 11.2); it keeps its own name where there was only one. */
static enum status use_single_class(struct dataset *d)
{
    if (d->nc != 1) {
        const char **names = arena_alloc(&d->arena, 1, sizeof(*names));
        if (!names)
            return E_NOMEM;
        names[0] = "item";
        d->names = names;
        d->nc = 1;
    }
    return OK;
}

enum status dataset_load(const struct dataset_yaml *yaml, enum dataset_split split,
                         const struct dataset_options *options, struct dataset **out)
{
    enum status rc = OK;
    struct loading l = {.yaml = yaml, .options = options};
    const char *name = dataset_split_name(split);
    *out = NULL;
    l.d = mem_calloc(1, sizeof(*l.d));
    if (!l.d)
        return E_NOMEM;
    arena_init(&l.d->arena);
    TRY_CLEAN(copy_names(&l));
    TRY_CLEAN(loading_find(&l, split));
    if (l.voc && !yaml->named)
        TRY_CLEAN(voc_collect_names(&l, split));
    if (l.d->nc == 0) {
        rc = fail(E_FORMAT, "%s: it has no names", yaml->file);
        goto cleanup;
    }
    if (options->single_class)
        TRY_CLEAN(use_single_class(l.d));
    TRY_CLEAN(class_index_make(l.d->names, l.d->nc, &l.d->arena, &l.classes));
    TRY_CLEAN(say_twins(&l));
    check_pictures(&l);
    TRY_CLEAN(assemble(&l));
    const struct dataset_summary *s = &l.d->summary;
    if (l.d->n_images == 0 && options->keep_unusable)
        goto cleanup;
    if (l.d->n_images == 0 && s->few == s->pictures)
        rc = fail(E_FORMAT, "%s: %d of %d %s of split %s have fewer than %d %s", yaml->file, s->pictures, s->pictures,
                  noun(s->pictures, "picture", "pictures"), name, options->min_items,
                  noun(options->min_items, "label", "labels"));
    else if (l.d->n_images == 0)
        rc = fail(E_FORMAT, "%s: no picture of split %s can be used, of %d; the first: %s", yaml->file, name,
                  s->pictures, s->n_problems ? s->problems[0] : "too few labels");
cleanup:
    loading_free(&l);
    if (rc == OK)
        *out = l.d;
    else
        dataset_destroy(l.d);
    return rc;
}

void dataset_destroy(struct dataset *d)
{
    if (!d)
        return;
    mem_free(d->images);
    mem_free(d->objects);
    mem_free(d->points);
    mem_free((void *)d->summary.problems);
    mem_free((void *)d->summary.faults);
    arena_free(&d->arena);
    mem_free(d);
}

enum status dataset_describe(const struct dataset *d, const char *title, int problems, struct buf *out)
{
    const struct dataset_summary *s = &d->summary;
    const struct {
        long count;
        const char *one, *many; /* what it says of one, of several */
    } facts[] = {
        {s->missing, "without a label file (background)", NULL},
        {s->empty, "without a label (background)", NULL},
        {s->corrupt, "left out: damaged picture or faulty labels", NULL},
        {s->absent, "left out: not there", NULL},
        {s->repeated, "named more than once, counted once", NULL},
        {s->few, "left out: too few labels", NULL},
        {s->orphans, "label file without a picture, not used", "label files without a picture, not used"},
        {s->duplicates, "label that stood twice, counted once", "labels that stood twice, counted once"},
        {s->poses, "label with key points: its box is used, the key points are left aside (kpt_shape)",
         "labels with key points: their boxes are used, the key points are left aside (kpt_shape)"},
        {s->crowds, "crowd region: not learned, and ignored in the COCO metric",
         "crowd regions: not learned, and ignored in the COCO metric"},
        {s->difficult, "object marked difficult: not learned, and ignored in the COCO metric",
         "objects marked difficult: not learned, and ignored in the COCO metric"},
        {s->flat, "annotated box without area inside its picture, dropped",
         "annotated boxes without area inside their pictures, dropped"},
    };
    TRY(buf_printf(out, "%s: %d of %d pictures, %d with labels, %ld labels of %d class%s%s\n", title, d->n_images,
                   s->pictures, s->labelled, s->objects, d->nc, noun(d->nc, "", "es"),
                   s->cached ? " (from the cache)" : ""));
    for (int i = 0; i < COUNT(facts); i++)
        if (facts[i].count)
            TRY(buf_printf(out, "  %ld %s\n", facts[i].count,
                           facts[i].count == 1 || !facts[i].many ? facts[i].one : facts[i].many));
    for (int i = 0; i < s->n_notes; i++)
        TRY(buf_printf(out, "  %s\n", s->notes[i]));
    if (s->cache)
        TRY(buf_printf(out, "  this check is kept in %s (--no-cache turns this off)\n", s->cache));
    for (int i = 0; i < s->n_problems && i < problems; i++)
        TRY(buf_printf(out, "  %s\n", s->problems[i]));
    if (s->problem_total > problems && problems > 0)
        TRY(buf_printf(out, "  ... and %ld more\n", s->problem_total - MIN(problems, s->n_problems)));
    return OK;
}

void dataset_sorting_size(const struct dataset_image *image, int *w, int *h)
{
    bool undo = image->orientation == 5 || image->orientation == 7;
    *w = undo ? image->h : image->w;
    *h = undo ? image->w : image->h;
}

uint64_t dataset_fingerprint(const struct dataset *d)
{
    uint64_t h = (uint64_t)d->n_images;
    for (int i = 0; i < d->n_images; i++) {
        const struct dataset_image *image = &d->images[i];
        h = rng_mix(h ^ rng_hash(path_name(image->path)));
        h = rng_mix(h ^ ((uint64_t)image->w << 32 | (uint64_t)image->h));
        for (int k = 0; k < image->n_objects; k++) {
            const struct dataset_object *o = &d->objects[image->first_object + (size_t)k];
            uint64_t box[2];
            memcpy(box, o->cxcywh, sizeof box);
            h = rng_mix(h ^ (uint64_t)o->class);
            h = rng_mix(h ^ box[0]);
            h = rng_mix(h ^ box[1]);
        }
    }
    return h & ~(uint64_t)1; /* 63 bits are kept of it (train/state.h) */
}
