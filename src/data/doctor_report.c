/* Findings in words and as JSON. */
#include "core/mem.h"
#include "core/terminal.h"
#include "core/text.h"
#include "data/doctor.h"

#include <stdlib.h>
#include <string.h>

enum { EXAMPLES = 3, WORDS = 8, INDENT = 11, CLASSES = 12, NAME_COLUMNS = 24, LINE_BYTES = 4096 };

static const char *const sections[DOCTOR_SECTIONS] = {"configuration", "files", "pictures", "labels", "balance"};
static const char *const severities[DOCTOR_SEVERITIES] = {"note", "warning", "error"};

/* --- lines --- */

/* A paragraph: its first line behind `lead`, which takes INDENT columns, the others below it. */
static enum status put_paragraph(const char *lead, const char *text, int width, struct buf *out)
{
    enum status rc = OK;
    struct buf wrapped = {0};
    TRY_CLEAN(text_wrap(text, width ? MAX(width - INDENT, 20) : 0, &wrapped));
    for (char *line = wrapped.data, *end; line && *line; line = end, lead = "") {
        end = line + strcspn(line, "\n");
        end += *end ? (*end = 0, 1) : 0;
        TRY_CLEAN(buf_printf(out, "%-*s%s\n", INDENT, lead, line + strspn(line, " ")));
    }
cleanup:
    buf_free(&wrapped);
    return rc;
}

/* Paths as they are seen from the data set's folder. */
static const char *short_path(const struct doctor *d, const char *path)
{
    size_t n = d->opened ? strlen(d->yaml.folder) : 0;
    if (n && !strncmp(path, d->yaml.folder, n) && path[n] == '/')
        path += n + 1;
    while (!strncmp(path, "./", 2))
        path += 2;
    return path;
}

/* A line that loses its beginning where it is too long: paths differ at their ends. */
static enum status put_line(const char *lead, const char *text, int width, struct buf *out)
{
    char line[LINE_BYTES];
    int room = width ? MAX(width - INDENT - (int)strlen(lead), 20) : LINE_BYTES;
    text_fit(text, room, TEXT_CUT_BEGINNING, line, sizeof line);
    return buf_printf(out, "%*s%s%s\n", INDENT, "", lead, line);
}

/* One example: a sentence is wrapped, two pictures that do not fit on a line get one each. */
static enum status put_example(const struct doctor *d, enum finding_kind kind, const struct finding_item *item,
                               const char *lead, int width, struct buf *out)
{
    enum status rc = OK;
    struct buf text = {0}, other = {0};
    char below[32];
    if (item->sentence) {
        TRY_CLEAN(buf_printf(&text, "%s%s", lead, short_path(d, item->detail)));
        TRY_CLEAN(put_paragraph("", text.data, width, out));
        goto cleanup;
    }
    TRY_CLEAN(buf_printf(&text, "%s", short_path(d, item->path)));
    if (item->other_path)
        TRY_CLEAN(buf_printf(&other, "%s", short_path(d, item->other_path)));
    if (item->detail)
        TRY_CLEAN(buf_printf(item->other_path ? &other : &text, ": %s", item->detail));
    snprintf(below, sizeof below, "%*s%s ", (int)strlen(lead), "", finding_between(kind));
    bool fits = !width || !other.data ||
                INDENT + (int)strlen(below) + 1 + text_columns(text.data) + text_columns(other.data) <= width;
    if (fits && other.data)
        TRY_CLEAN(buf_printf(&text, " %s %s", finding_between(kind), other.data));
    TRY_CLEAN(put_line(lead, text.data, width, out));
    if (!fits)
        TRY_CLEAN(put_line(below, other.data, width, out));
cleanup:
    buf_free(&text);
    buf_free(&other);
    return rc;
}

/* Classes, splits, keys: short words that share a line. */
static enum status put_words(const struct finding *f, int width, struct buf *out)
{
    enum status rc = OK;
    struct buf text = {0};
    for (int i = 0; i < f->n_items && i < WORDS; i++) {
        TRY_CLEAN(buf_printf(&text, "%s%s", i ? ", " : "", f->items[i].path));
        if (f->items[i].detail)
            TRY_CLEAN(buf_printf(&text, " (%s)", f->items[i].detail));
    }
    if (f->item_total > WORDS)
        TRY_CLEAN(buf_printf(&text, " and %ld more", f->item_total - WORDS));
    TRY_CLEAN(put_paragraph("", text.data, width, out));
cleanup:
    buf_free(&text);
    return rc;
}

static enum status put_finding(const struct doctor *d, enum finding_kind kind, int width, struct buf *out)
{
    enum status rc = OK;
    struct buf text = {0};
    char lead[INDENT + 1];
    const struct finding *f = &d->report.findings[kind];
    const struct finding_rule *rule = finding_rule(kind);
    bool words = rule->section == DOCTOR_CONFIGURATION || rule->section == DOCTOR_BALANCE;
    snprintf(lead, sizeof lead, "  %s", severities[f->severity]);
    TRY_CLEAN(finding_words(&d->report, kind, &text));
    TRY_CLEAN(put_paragraph(lead, text.data, width, out));
    if (words && f->n_items && !f->items[0].sentence)
        TRY_CLEAN(put_words(f, width, out));
    for (int i = 0; i < f->n_items && i < EXAMPLES && (!words || f->items[0].sentence); i++)
        TRY_CLEAN(put_example(d, kind, &f->items[i],
                              f->item_total <= EXAMPLES ? ""
                              : i                       ? "     "
                                                        : "e.g. ",
                              width, out));
    buf_free(&text);
    TRY_CLEAN(finding_advice(&d->report, kind, &text));
    TRY_CLEAN(put_paragraph("", text.data, width, out));
cleanup:
    buf_free(&text);
    return rc;
}

/* --- classes --- */

struct row {
    const char *name;
    long counts[SPLIT_COUNT];
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    for (int s = 0; s < SPLIT_COUNT; s++)
        if (x->counts[s] != y->counts[s])
            return x->counts[s] > y->counts[s] ? -1 : 1;
    return x < y ? -1 : x > y;
}

static enum status put_row(const struct doctor *d, const char *name, const long *counts, struct buf *out)
{
    char fitted[4 * NAME_COLUMNS + 1];
    text_fit(name, NAME_COLUMNS, TEXT_CUT_END, fitted, sizeof fitted);
    TRY(buf_printf(out, "  %s%*s", fitted, NAME_COLUMNS - text_columns(fitted), ""));
    for (int s = 0; s < SPLIT_COUNT; s++) {
        if (d->splits[s] && counts)
            TRY(buf_printf(out, "%10ld", counts[s]));
        else if (d->splits[s])
            TRY(buf_printf(out, "%10s", dataset_split_name((enum dataset_split)s)));
    }
    TRY(buf_printf(out, "\n"));
    return OK;
}

/* Labels a class, the commonest first; of many classes those at both ends. */
static enum status put_classes(const struct doctor *d, struct buf *out)
{
    enum status rc = OK;
    const struct dataset *first = NULL;
    struct row *rows = NULL;
    for (int s = 0; s < SPLIT_COUNT; s++)
        first = first ? first : d->splits[s];
    if (!first)
        return OK;
    TRY_CLEAN((rows = mem_calloc((size_t)first->nc, sizeof(*rows))) ? OK : E_NOMEM);
    for (int c = 0; c < first->nc; c++) {
        rows[c].name = first->names[c];
        for (int s = 0; s < SPLIT_COUNT; s++)
            rows[c].counts[s] = d->splits[s] && c < d->splits[s]->nc ? d->counts[s][c] : 0;
    }
    qsort(rows, (size_t)first->nc, sizeof(*rows), compare_rows);
    TRY_CLEAN(put_row(d, "labels of class", NULL, out));
    for (int c = 0; c < first->nc; c++) {
        if (first->nc <= CLASSES || c < CLASSES / 2 || c >= first->nc - CLASSES / 2)
            TRY_CLEAN(put_row(d, rows[c].name, rows[c].counts, out));
        else if (c == CLASSES / 2)
            TRY_CLEAN(buf_printf(out, "  ... %d more\n", first->nc - CLASSES / 2 * 2));
    }
cleanup:
    mem_free(rows);
    return rc;
}

/* --- the report --- */

/* The split's line as training says it; what else that says are findings here. */
static enum status put_splits(const struct doctor *d, int width, struct buf *out)
{
    enum status rc = OK;
    struct buf text = {0};
    for (int s = 0; s < SPLIT_COUNT; s++) {
        if (!d->splits[s])
            continue;
        buf_free(&text);
        TRY_CLEAN(dataset_describe(d->splits[s], dataset_split_name((enum dataset_split)s), 0, &text));
        text.data[strcspn(text.data, "\n")] = 0;
        TRY_CLEAN(text_wrap(text.data, width, out));
        TRY_CLEAN(buf_printf(out, "%s", out->data[out->size - 1] == '\n' ? "" : "\n"));
    }
cleanup:
    buf_free(&text);
    return rc;
}

static enum status put_section(const struct doctor *d, enum doctor_section section, int width, struct buf *out)
{
    bool any = false;
    TRY(buf_printf(out, "\n%s\n", sections[section]));
    if (section == DOCTOR_BALANCE)
        TRY(put_classes(d, out));
    for (int severity = DOCTOR_ERROR; severity >= DOCTOR_NOTE; severity--) {
        for (int k = 0; k < FINDING_KINDS; k++) {
            const struct finding *f = &d->report.findings[k];
            if (!f->count || (int)f->severity != severity || finding_rule((enum finding_kind)k)->section != section)
                continue;
            TRY(put_finding(d, (enum finding_kind)k, width, out));
            any = true;
        }
    }
    bool loaded = section == DOCTOR_CONFIGURATION;
    for (int i = 0; i < SPLIT_COUNT; i++)
        loaded = loaded || d->splits[i];
    if (!any)
        TRY(buf_printf(out, "  %s\n", loaded ? "nothing found" : "not looked at: no split could be loaded"));
    return OK;
}

enum status doctor_write(const struct doctor *d, int width, struct buf *out)
{
    enum status rc = OK;
    struct buf text = {0};
    TRY_CLEAN(put_splits(d, width, out));
    for (int s = 0; s < (d->opened ? DOCTOR_SECTIONS : 1); s++)
        TRY_CLEAN(put_section(d, (enum doctor_section)s, width, out));
    TRY_CLEAN(buf_printf(out, "\n"));
    for (int i = 0; i < d->report.n_left_out; i++)
        TRY_CLEAN(put_paragraph("left out:", d->report.left_out[i], width, out));
cleanup:
    buf_free(&text);
    return rc;
}

/* --- JSON --- */

/* Paths come from the file system and may hold any bytes. NULL when short of memory. */
static json_t *json_text(struct doctor *d, const char *text)
{
    const char *utf8 = text_utf8(&d->report.arena, text);
    return utf8 ? json_string(utf8) : NULL;
}

static json_t *json_box(struct doctor *doctor, const struct dataset *d, const struct dataset_object *o)
{
    return json_pack("{s:o, s:[f, f, f, f]}", "class", json_text(doctor, d->names[o->class]), "cxcywh",
                     (double)o->cxcywh[0], (double)o->cxcywh[1], (double)o->cxcywh[2], (double)o->cxcywh[3]);
}

static json_t *json_item(struct doctor *d, const struct finding_item *item)
{
    json_t *o = json_object();
    if (item->image.split >= 0)
        json_object_set_new(o, "split", json_string(dataset_split_name((enum dataset_split)item->image.split)));
    json_object_set_new(o, "path", json_text(d, item->path));
    if (item->other_path)
        json_object_set_new(o, "other", json_text(d, item->other_path));
    if (item->detail)
        json_object_set_new(o, "detail", json_text(d, item->detail));
    if (item->n_boxes) {
        const struct dataset *split = d->splits[item->image.split];
        json_t *boxes = json_array();
        for (int i = 0; i < item->n_boxes; i++)
            json_array_append_new(
                boxes,
                json_box(d, split,
                         &split->objects[split->images[item->image.image].first_object + (size_t)item->boxes[i]]));
        json_object_set_new(o, "boxes", boxes);
    }
    return o;
}

static enum status json_finding(struct doctor *d, enum finding_kind kind, json_t *list)
{
    enum status rc = OK;
    struct buf words = {0}, advice = {0};
    const struct doctor_report *report = &d->report;
    const struct finding *f = &report->findings[kind];
    const struct finding_rule *rule = finding_rule(kind);
    TRY_CLEAN(finding_words(report, kind, &words));
    TRY_CLEAN(finding_advice(report, kind, &advice));
    json_t *items = json_array();
    for (int i = 0; i < f->n_items; i++)
        json_array_append_new(items, json_item(d, &f->items[i]));
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:o}", "id", rule->id, "section", sections[rule->section],
                  "severity", severities[f->severity], "count", (json_int_t)f->count, "what", words.data, "advice",
                  advice.data, "items_total", (json_int_t)f->item_total, "items", items);
    rc = o && json_array_append_new(list, o) == 0 ? OK : fail_memory(NULL, 0);
cleanup:
    buf_free(&words);
    buf_free(&advice);
    return rc;
}

static json_t *json_split(struct doctor *d, int s)
{
    const struct dataset *split = d->splits[s];
    json_t *classes = json_array();
    for (int c = 0; c < split->nc; c++)
        json_array_append_new(classes, json_pack("{s:o, s:I}", "name", json_text(d, split->names[c]), "labels",
                                                 (json_int_t)d->counts[s][c]));
    return json_pack("{s:s, s:i, s:i, s:i, s:I, s:o}", "split", dataset_split_name((enum dataset_split)s), "pictures",
                     split->summary.pictures, "usable", split->n_images, "labelled", split->summary.labelled, "labels",
                     (json_int_t)split->summary.objects, "classes", classes);
}

enum status doctor_json(struct doctor *d, const char *sheet, json_t **out)
{
    enum status rc = OK;
    json_t *splits = json_array(), *findings = json_array(), *left_out = json_array();
    for (int s = 0; s < SPLIT_COUNT; s++)
        if (d->splits[s])
            json_array_append_new(splits, json_split(d, s));
    for (int k = 0; k < FINDING_KINDS; k++)
        if (d->report.findings[k].count)
            TRY_CLEAN(json_finding(d, (enum finding_kind)k, findings));
    for (int i = 0; i < d->report.n_left_out; i++)
        json_array_append_new(left_out, json_string(d->report.left_out[i]));
    *out = json_pack("{s:o, s:i, s:b, s:i, s:i, s:i, s:O, s:O, s:O, s:o}", "data", json_text(d, d->config.data), "img",
                     d->config.img, "fast", d->config.fast, "errors", doctor_count(&d->report, DOCTOR_ERROR),
                     "warnings", doctor_count(&d->report, DOCTOR_WARNING), "notes",
                     doctor_count(&d->report, DOCTOR_NOTE), "splits", splits, "findings", findings, "left_out",
                     left_out, "sheet", sheet ? json_text(d, sheet) : json_null());
    rc = *out ? OK : fail_memory(NULL, 0);
cleanup:
    json_decref(splits);
    json_decref(findings);
    json_decref(left_out);
    return rc;
}
