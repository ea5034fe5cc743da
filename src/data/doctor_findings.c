#include "data/doctor.h"

#include "core/mem.h"
#include "core/text.h"

#include <string.h>

const struct finding_rule *finding_rule(enum finding_kind kind)
{
    static const struct finding_rule rules[FINDING_KINDS] = {
#define FINDING(name, id, section, severity, opening, one, many, advice, tag) \
    {id, DOCTOR_##section, DOCTOR_##severity, opening, one, many, advice, tag},
#include "data/doctor.def"
#undef FINDING
    };
    return &rules[kind];
}

const char *finding_between(enum finding_kind kind)
{
    switch (kind) {
    case FINDING_NEAR_ACROSS:
    case FINDING_NEAR_WITHIN:
        return "like";
    case FINDING_SHARED_LABELS:
    case FINDING_CONFLICTS:
        return "and";
    default:
        return "=";
    }
}

void doctor_report_init(struct doctor_report *report, int img)
{
    *report = (struct doctor_report){.img = img};
    arena_init(&report->arena);
}

void doctor_report_free(struct doctor_report *report)
{
    for (int k = 0; k < FINDING_KINDS; k++)
        mem_free(report->findings[k].items);
    arena_free(&report->arena);
    *report = (struct doctor_report){0};
}

enum status finding_add(struct doctor_report *report, enum finding_kind kind, long count,
                        const struct finding_item *item)
{
    struct finding *f = &report->findings[kind];
    f->severity = MAX(f->severity, finding_rule(kind)->severity);
    f->count += count;
    f->item_total++;
    if (f->n_items == DOCTOR_MAX_ITEMS)
        return OK;
    if (f->n_items == f->capacity) {
        int capacity = 2 * f->capacity + 16;
        void *grown = mem_grow(f->items, (size_t)f->capacity * sizeof(*f->items), (size_t)capacity * sizeof(*f->items));
        if (!grown)
            return E_NOMEM;
        f->items = grown;
        f->capacity = capacity;
    }
    f->items[f->n_items++] = *item;
    return OK;
}

enum status finding_add_text(struct doctor_report *report, enum finding_kind kind, const char *path, const char *detail)
{
    char *word = arena_strdup(&report->arena, path), *more = detail ? arena_strdup(&report->arena, detail) : NULL;
    if (!word || (detail && !more))
        return E_NOMEM;
    if (finding_rule(kind)->section != DOCTOR_FILES) /* a word of the data set file, not a path that must stay true */
        text_one_line(word);
    struct finding_item item = {.path = word, .detail = more, .image = {-1, -1}, .other = {-1, -1}};
    return finding_add(report, kind, 1, &item);
}

int doctor_count(const struct doctor_report *report, enum doctor_severity severity)
{
    int n = 0;
    for (int k = 0; k < FINDING_KINDS; k++)
        n += report->findings[k].count > 0 && report->findings[k].severity == severity;
    return n;
}

/* `text` with the image size in place of {img}. */
static enum status put_text(const struct doctor_report *report, const char *text, struct buf *out)
{
    static const char mark[] = "{img}";
    for (const char *at; (at = strstr(text, mark)); text = at + sizeof(mark) - 1)
        TRY(buf_printf(out, "%.*s%d", (int)(at - text), text, report->img));
    TRY(buf_printf(out, "%s", text));
    return OK;
}

enum status finding_words(const struct doctor_report *report, enum finding_kind kind, struct buf *out)
{
    const struct finding_rule *rule = finding_rule(kind);
    long count = report->findings[kind].count;
    enum status rc = buf_printf(out, "%ld ", count);
    return rc == OK ? put_text(report, count == 1 ? rule->one : rule->many, out) : rc;
}

enum status finding_advice(const struct doctor_report *report, enum finding_kind kind, struct buf *out)
{
    return put_text(report, finding_rule(kind)->advice, out);
}
