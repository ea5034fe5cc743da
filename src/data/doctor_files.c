/* Files: which are named twice, and what loading found. */
#include "core/mem.h"
#include "data/doctor_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct finding_item doctor_item(const struct doctor_data *data, struct picture_ref ref)
{
    return (struct finding_item){
        .path = data->splits[ref.split]->images[ref.image].path, .image = ref, .other = {-1, -1}};
}

struct finding_item doctor_pair(const struct doctor_data *data, struct picture_ref ref, struct picture_ref other)
{
    struct finding_item item = doctor_item(data, ref);
    item.other = other;
    item.other_path = data->splits[other.split]->images[other.image].path;
    return item;
}

/* --- which file is which --- */

struct file_id doctor_identify(const char *path, uint64_t *size)
{
    struct stat s;
    bool there = stat(path, &s) == 0;
    *size = there ? (uint64_t)s.st_size : 0;
    return there ? (struct file_id){(uint64_t)s.st_dev, (uint64_t)s.st_ino} : (struct file_id){0, 0};
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

int file_id_compare(const struct file_id *a, const struct file_id *b)
{
    int order = compare_numbers(a->device, b->device);
    return order ? order : compare_numbers(a->inode, b->inode);
}

/* Same files together, in the order of splits and pictures. */
static int compare_files(const void *a, const void *b)
{
    const struct picture_facts *x = *(const struct picture_facts *const *)a,
                               *y = *(const struct picture_facts *const *)b;
    int order = file_id_compare(&x->file, &y->file);
    return order ? order : (x < y ? -1 : x > y);
}

static bool same_file(const struct picture_facts *a, const struct picture_facts *b)
{
    return a->file.inode && file_id_compare(&a->file, &b->file) == 0;
}

static enum status mark_same(struct picture_facts *facts, int n)
{
    struct picture_facts **sorted = mem_alloc((size_t)n, sizeof(*sorted));
    if (!sorted)
        return E_NOMEM;
    for (int i = 0; i < n; i++)
        sorted[i] = &facts[i];
    qsort(sorted, (size_t)n, sizeof(*sorted), compare_files);
    for (int i = 1, first = 0; i < n; i++) {
        if (same_file(sorted[first], sorted[i]))
            sorted[i]->same_as = (int)(sorted[first] - facts);
        else
            first = i;
    }
    mem_free(sorted);
    return OK;
}

enum status doctor_data_init(const struct dataset *const splits[SPLIT_COUNT], struct doctor_data *data)
{
    *data = (struct doctor_data){{NULL}};
    for (int s = 0; s < SPLIT_COUNT; s++) {
        data->splits[s] = splits[s];
        data->first[s] = data->n_facts;
        data->n_facts += splits[s] ? splits[s]->n_images : 0;
    }
    data->facts = mem_calloc((size_t)data->n_facts, sizeof(*data->facts));
    if (!data->facts)
        return E_NOMEM;
    for (int s = 0; s < SPLIT_COUNT; s++) {
        for (int i = 0; splits[s] && i < splits[s]->n_images; i++) {
            struct picture_facts *f = &data->facts[data->first[s] + i];
            f->ref = (struct picture_ref){s, i};
            f->same_as = -1;
            f->file = doctor_identify(splits[s]->images[i].path, &f->size);
        }
    }
    return mark_same(data->facts, data->n_facts);
}

void doctor_data_free(struct doctor_data *data)
{
    for (int i = 0; data->facts && i < data->n_facts; i++)
        mem_free(data->facts[i].fault);
    mem_free(data->facts);
    *data = (struct doctor_data){{NULL}};
}

struct picture_facts *doctor_facts(const struct doctor_data *data, struct picture_ref ref)
{
    return &data->facts[data->first[ref.split] + ref.image];
}

enum status doctor_check_same_files(const struct doctor_data *data, struct doctor_report *report)
{
    for (int i = 0; i < data->n_facts; i++) {
        if (data->facts[i].same_as < 0)
            continue;
        const struct picture_facts *f = &data->facts[i], *first = &data->facts[f->same_as];
        struct finding_item item = doctor_pair(data, f->ref, first->ref);
        bool across = first->ref.split != f->ref.split;
        item.other = (struct picture_ref){-1, -1}; /* one look is enough */
        if (!strcmp(item.path, item.other_path))
            item.other_path = NULL;
        if (across) {
            item.detail = arena_printf(&report->arena, "%s and %s", dataset_split_name(first->ref.split),
                                       dataset_split_name(f->ref.split));
            TRY(item.detail ? OK : E_NOMEM);
        }
        TRY(finding_add(report, across ? FINDING_OVERLAP : FINDING_LISTED_TWICE, 1, &item));
    }
    return OK;
}

/* --- what loading found --- */

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Files that something is wrong with, sorted: what two splits share is told once. */
struct told {
    const char **paths;
    int n;
};

static enum status add_faults(struct doctor *d, const struct dataset *split, struct told *told)
{
    static const enum finding_kind kinds[] = {
        [FAULT_PICTURE] = FINDING_BAD_PICTURES, [FAULT_LABELS] = FINDING_BAD_LABELS,
        [FAULT_ABSENT] = FINDING_ABSENT,        [FAULT_ORPHAN] = FINDING_ORPHANS,
        [FAULT_NO_AREA] = FINDING_NO_AREA,      [FAULT_REPEATED_ROWS] = FINDING_REPEATED_ROWS,
    };
    const struct dataset_summary *s = &split->summary;
    int before = told->n, without_area = 0;
    for (int i = 0; i < s->n_problems; i++) {
        bool orphan = s->faults[i].fault == FAULT_ORPHAN; /* its sentence says nothing more than the finding's */
        struct finding_item item = {.path = s->faults[i].path,
                                    .detail = orphan ? NULL : s->problems[i],
                                    .sentence = !orphan,
                                    .image = {-1, -1},
                                    .other = {-1, -1}};
        if (before && bsearch(&item.path, told->paths, (size_t)before, sizeof(*told->paths), compare_strings))
            continue;
        TRY(finding_add(&d->report, kinds[s->faults[i].fault], 1, &item));
        told->paths[told->n++] = item.path;
        without_area += s->faults[i].fault == FAULT_NO_AREA;
    }
    if (without_area) /* a sentence a picture, which may have several such boxes */
        d->report.findings[FINDING_NO_AREA].count += MAX(s->flat - without_area, 0);
    qsort(told->paths, (size_t)told->n, sizeof(*told->paths), compare_strings);
    if (s->problem_total > s->n_problems) {
        const char *words = arena_printf(&d->report.arena, "%ld more faulty files of the same kinds are not counted",
                                         s->problem_total - s->n_problems);
        TRY(words ? OK : E_NOMEM);
        d->report.left_out[d->report.n_left_out++] = words;
    }
    return OK;
}

/* Background is fine in small part; where most pictures are, the labels were probably not found. */
static enum status add_background(struct doctor *d, int s)
{
    const struct dataset *split = d->splits[s];
    for (int i = 0; i < split->n_images; i++) {
        const struct dataset_image *image = &split->images[i];
        if (image->n_objects || image->n_crowds)
            continue;
        struct picture_ref ref = {s, i};
        struct finding_item item = doctor_item(&d->data, ref);
        if (doctor_facts(&d->data, ref)->same_as >= 0)
            continue;
        TRY(finding_add(&d->report, image->label_missing ? FINDING_MISSING_LABELS : FINDING_EMPTY_LABELS, 1, &item));
    }
    if (2 * split->summary.missing > split->n_images)
        d->report.findings[FINDING_MISSING_LABELS].severity = DOCTOR_WARNING;
    if (2 * split->summary.empty > split->n_images)
        d->report.findings[FINDING_EMPTY_LABELS].severity = DOCTOR_WARNING;
    return OK;
}

static int compare_label_paths(const void *a, const void *b)
{
    const struct dataset_image *x = *(const struct dataset_image *const *)a,
                               *y = *(const struct dataset_image *const *)b;
    int order = strcmp(x->label_path, y->label_path);
    return order ? order : strcmp(x->path, y->path);
}

/* a.jpg and a.png in one folder have one label file. */
static enum status add_shared(struct doctor *d, int s)
{
    enum status rc = OK;
    const struct dataset *split = d->splits[s];
    int n = 0;
    const struct dataset_image **sorted = mem_alloc((size_t)split->n_images, sizeof(*sorted));
    TRY_CLEAN(sorted ? OK : E_NOMEM);
    for (int i = 0; i < split->n_images; i++)
        if (split->images[i].label_path && !split->images[i].label_missing &&
            doctor_facts(&d->data, (struct picture_ref){s, i})->same_as < 0)
            sorted[n++] = &split->images[i];
    qsort(sorted, (size_t)n, sizeof(*sorted), compare_label_paths);
    for (int i = 1; i < n; i++) {
        if (strcmp(sorted[i]->label_path, sorted[i - 1]->label_path) != 0 ||
            !strcmp(sorted[i]->path, sorted[i - 1]->path))
            continue;
        struct picture_ref a = {s, (int)(sorted[i - 1] - split->images)}, b = {s, (int)(sorted[i] - split->images)};
        struct finding_item item = doctor_pair(&d->data, a, b);
        TRY_CLEAN(finding_add(&d->report, FINDING_SHARED_LABELS, 1, &item));
    }
cleanup:
    mem_free(sorted);
    return rc;
}

/* Counts of a split that loading does not tell one by one. */
static enum status add_total(struct doctor *d, enum finding_kind kind, int s, long count)
{
    const struct finding_item item = {
        .path = dataset_split_name((enum dataset_split)s), .image = {-1, -1}, .other = {-1, -1}};
    return count ? finding_add(&d->report, kind, count, &item) : OK;
}

/* Did an earlier split have the same remark? */
static bool is_said(const struct doctor *d, const char *remark)
{
    const struct finding *f = &d->report.findings[FINDING_REMARKS];
    for (int i = 0; i < f->n_items; i++)
        if (!strcmp(f->items[i].detail, remark))
            return true;
    return false;
}

static enum status add_remarks(struct doctor *d, int s)
{
    const struct dataset_summary *summary = &d->splits[s]->summary;
    for (int i = 0; i < summary->n_notes; i++) {
        struct finding_item item = {.path = dataset_split_name((enum dataset_split)s),
                                    .detail = summary->notes[i],
                                    .sentence = true,
                                    .image = {-1, -1},
                                    .other = {-1, -1}};
        if (!is_said(d, item.detail))
            TRY(finding_add(&d->report, FINDING_REMARKS, 1, &item));
    }
    TRY(add_total(d, FINDING_LISTED_TWICE, s, summary->repeated));
    TRY(add_total(d, FINDING_KEY_POINTS, s, summary->poses));
    return OK;
}

enum status doctor_loading(struct doctor *d)
{
    enum status rc = OK;
    struct told told = {0};
    size_t most = 0;
    for (int s = 0; s < SPLIT_COUNT; s++)
        most += d->splits[s] ? (size_t)d->splits[s]->summary.n_problems : 0;
    TRY_CLEAN((told.paths = mem_alloc(most, sizeof(*told.paths))) ? OK : E_NOMEM);
    for (int s = 0; s < SPLIT_COUNT; s++) {
        if (!d->splits[s])
            continue;
        TRY_CLEAN(add_faults(d, d->splits[s], &told));
        TRY_CLEAN(add_remarks(d, s));
        TRY_CLEAN(add_background(d, s));
        TRY_CLEAN(add_shared(d, s));
    }
cleanup:
    mem_free(told.paths);
    return rc;
}
