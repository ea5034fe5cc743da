/* Classes: their names, how often each is seen, and what training says of it before it begins. */
#include "core/class_names.h"
#include "core/mem.h"
#include "core/terminal.h"
#include "core/text.h"
#include "data/doctor.h"

#include <stdlib.h>
#include <string.h>

enum { RARE = 10, IMBALANCE = 100, FEW_TRAIN = 100, FEW_VAL = 20, SHOWN = 8 };

/* --- names --- */

struct name {
    const char *text;
    char *loose; /* without what makes no difference to a reader */
    int class;
};

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = strcmp(x->loose, y->loose);
    order = order ? order : strcmp(x->text, y->text);
    return order ? order : x->class - y->class;
}

static bool is_number(const char *text)
{
    char *end;
    strtod(text, &end);
    return end != text && !*end;
}

static enum status check_name(const struct name *n, const struct name *before, struct doctor_report *report)
{
    char words[64];
    enum finding_kind kind = FINDING_KINDS;
    if (!*n->loose)
        kind = FINDING_NAMES_BLANK;
    else if (before && !strcmp(before->text, n->text))
        kind = FINDING_NAMES_TWICE;
    else if (before && !strcmp(before->loose, n->loose))
        kind = FINDING_NAMES_ALIKE;
    else if (is_number(n->text))
        kind = FINDING_NAMES_NUMBERS;
    if (kind == FINDING_KINDS)
        return OK;
    if (kind == FINDING_NAMES_BLANK || kind == FINDING_NAMES_NUMBERS)
        snprintf(words, sizeof words, "class %d", n->class);
    else
        snprintf(words, sizeof words, "class %d, and class %d", n->class, before->class);
    return finding_add_text(report, kind, kind == FINDING_NAMES_BLANK ? words : n->text,
                            kind == FINDING_NAMES_BLANK ? NULL : words);
}

enum status doctor_check_names(const char *const *names, int nc, struct doctor_report *report)
{
    enum status rc = OK;
    struct name *sorted = mem_alloc((size_t)nc, sizeof(*sorted));
    TRY_CLEAN(sorted ? OK : E_NOMEM);
    for (int c = 0; c < nc; c++) {
        sorted[c] = (struct name){names[c], arena_strdup(&report->arena, names[c]), c};
        TRY_CLEAN(sorted[c].loose ? OK : E_NOMEM);
        class_name_loosen(names[c], sorted[c].loose);
    }
    qsort(sorted, (size_t)nc, sizeof(*sorted), compare_names);
    for (int c = 0; c < nc; c++)
        TRY_CLEAN(check_name(&sorted[c], c ? &sorted[c - 1] : NULL, report));
cleanup:
    mem_free(sorted);
    return rc;
}

enum status doctor_same_classes(const struct dataset *train, const struct dataset *val)
{
    for (int c = 0; c < MIN(train->nc, val->nc); c++)
        if (strcmp(train->names[c], val->names[c]) != 0)
            return fail(E_ARGUMENT,
                        "class %d is '%s' in train and '%s' in val: names in the data YAML settle which classes there "
                        "are",
                        c, train->names[c], val->names[c]);
    if (train->nc != val->nc)
        return fail(E_ARGUMENT, "train has %d %s, val %d: names in the data YAML settle which classes there are",
                    train->nc, noun(train->nc, "class", "classes"), val->nc);
    return OK;
}

/* --- labels a class --- */

enum status doctor_count_labels(const struct dataset *d, long **counts)
{
    *counts = mem_calloc((size_t)MAX(d->nc, 1), sizeof(**counts));
    if (!*counts)
        return E_NOMEM;
    for (int i = 0; i < d->n_images; i++)
        for (int k = 0; k < d->images[i].n_objects; k++)
            (*counts)[d->objects[d->images[i].first_object + (size_t)k].class]++;
    return OK;
}

static enum status add_count(struct doctor_report *report, enum finding_kind kind, const char *name, long count,
                             const char *one, const char *many)
{
    char words[64];
    snprintf(words, sizeof words, "%ld %s", count, count == 1 ? one : many);
    return finding_add_text(report, kind, name, words);
}

static enum status check_class(const char *name, long train, long val, bool has_val, long commonest,
                               struct doctor_report *report)
{
    if (!train && val)
        TRY(add_count(report, FINDING_VAL_ONLY_CLASSES, name, val, "label", "labels"));
    if (!train)
        TRY(finding_add_text(report, FINDING_UNSEEN_CLASSES, name, NULL));
    else if (train < RARE)
        TRY(add_count(report, FINDING_RARE_CLASSES, name, train, "label", "labels"));
    else if (train * IMBALANCE < commonest)
        TRY(add_count(report, FINDING_IMBALANCE, name, train, "label", "labels"));
    if (train && has_val && !val)
        TRY(finding_add_text(report, FINDING_UNMEASURED_CLASSES, name, NULL));
    return OK;
}

static enum status check_split(const struct dataset *d, int split, struct doctor_report *report)
{
    const char *name = dataset_split_name((enum dataset_split)split);
    int few = split == SPLIT_TRAIN ? FEW_TRAIN : FEW_VAL;
    if (!d->n_images)
        return OK; /* told as a split of which no picture can be used */
    if (!d->summary.objects) {
        const struct dataset_image *first = &d->images[0];
        char *looked = first->label_missing ? arena_printf(&report->arena, "there is no %s", first->label_path) : NULL;
        TRY(finding_add_text(report, FINDING_NO_LABELS, name, looked));
    }
    if (d->n_images < few)
        TRY(add_count(report, FINDING_FEW_PICTURES, name, d->n_images, "picture", "pictures"));
    return OK;
}

enum status doctor_check_balance(const struct doctor_data *data, long *const counts[SPLIT_COUNT],
                                 struct doctor_report *report)
{
    const struct dataset *train = data->splits[SPLIT_TRAIN], *val = data->splits[SPLIT_VAL];
    long commonest = 0;
    for (int s = 0; s < SPLIT_COUNT; s++)
        if (data->splits[s])
            TRY(check_split(data->splits[s], s, report));
    if (!train || !train->summary.objects)
        return OK;
    bool has_val = val && val->summary.objects && doctor_same_classes(train, val) == OK;
    for (int c = 0; c < train->nc; c++)
        commonest = MAX(commonest, counts[SPLIT_TRAIN][c]);
    for (int c = 0; c < train->nc; c++)
        TRY(check_class(train->names[c], counts[SPLIT_TRAIN][c], has_val ? counts[SPLIT_VAL][c] : 0, has_val, commonest,
                        report));
    return OK;
}

/* --- the opening of training --- */

/* Pictures by the names that results use: paths make the line long. */
static const char *short_name(const struct doctor_data *data, const struct finding_item *item)
{
    const char *name = item->image.split < 0 ? NULL : data->splits[item->image.split]->images[item->image.image].name;
    return name ? name : item->path;
}

static enum status describe(const struct doctor_data *data, const struct doctor_report *report, enum finding_kind kind,
                            struct buf *words)
{
    enum status rc = OK;
    struct buf line = {0};
    const struct finding *f = &report->findings[kind];
    TRY_CLEAN(finding_words(report, kind, &line));
    for (int i = 0; i < f->n_items && i < SHOWN; i++) {
        TRY_CLEAN(buf_printf(&line, "%s%s", i ? ", " : ": ", short_name(data, &f->items[i])));
        if (f->items[i].detail)
            TRY_CLEAN(buf_printf(&line, " (%s)", f->items[i].detail));
    }
    if (f->item_total > SHOWN)
        TRY_CLEAN(buf_printf(&line, " and %ld more", f->item_total - SHOWN));
    TRY_CLEAN(buf_printf(&line, ". "));
    TRY_CLEAN(finding_advice(report, kind, &line));
    text_one_line(line.data); /* names of files may hold anything */
    TRY_CLEAN(buf_printf(words, "%s\n", line.data));
cleanup:
    buf_free(&line);
    return rc;
}

enum status doctor_opening(const struct dataset *train, const struct dataset *val, int img, struct buf *words)
{
    enum status rc = OK;
    struct doctor_report report;
    struct doctor_data data = {{NULL}};
    long *counts[SPLIT_COUNT] = {NULL};
    const struct dataset *splits[SPLIT_COUNT] = {[SPLIT_TRAIN] = train, [SPLIT_VAL] = val};
    doctor_report_init(&report, img);
    TRY_CLEAN(doctor_same_classes(train, val));
    if (!train->summary.objects && train->summary.crowds)
        TRY_CLEAN(
            fail(E_ARGUMENT,
                 "all %ld training annotations are crowd regions (iscrowd: 1), and those are not learned: there is "
                 "nothing to learn",
                 train->summary.crowds));
    if (!train->summary.objects)
        TRY_CLEAN(fail(E_ARGUMENT, "none of the %d training pictures has a label: there is nothing to learn",
                       train->n_images));
    for (int s = 0; s < SPLIT_COUNT; s++)
        if (splits[s])
            TRY_CLEAN(doctor_count_labels(splits[s], &counts[s]));
    TRY_CLEAN(doctor_data_init(splits, &data));
    TRY_CLEAN(doctor_check_names(train->names, train->nc, &report));
    TRY_CLEAN(doctor_check_same_files(&data, &report));
    TRY_CLEAN(doctor_check_boxes(&data, &report));
    TRY_CLEAN(doctor_check_balance(&data, counts, &report));
    for (int k = 0; k < FINDING_KINDS; k++)
        if (report.findings[k].count && finding_rule((enum finding_kind)k)->opening)
            TRY_CLEAN(describe(&data, &report, (enum finding_kind)k, words));
cleanup:
    for (int s = 0; s < SPLIT_COUNT; s++)
        mem_free(counts[s]);
    doctor_data_free(&data);
    doctor_report_free(&report);
    return rc;
}
