/* Pictures that look nearly the same: frames of one video, or the same picture shrunk, compressed anew, brightened. */
#include "core/mem.h"
#include "core/terminal.h"
#include "data/doctor_parts.h"
#include "data/look.h"

/* Bounds of one picture's search; where many look alike the first match comes long before. */
enum { MOST_COMPARED = 20000, MOST_VERIFIED = 512, PART = 64 };

static const double SAME_LOOK = 0.98; /* correlation of mean greys */

/* One split's pictures that have a look. */
struct shelf {
    uint64_t *hashes;
    int *facts; /* numbers of d->data.facts, rising */
    int n;
    struct look_index *index;
};

struct near_search {
    const struct doctor *d;
    struct shelf shelves[SPLIT_COUNT];
    int *match; /* [n_facts] the facts that it is like, -1: none */
    bool *cut;  /* [n_facts] the search was given up */
};

struct visit {
    const struct near_search *s;
    const struct shelf *shelf;
    int fact, found, verified;
};

static bool verify(void *context, int entry)
{
    struct visit *v = context;
    const struct doctor *d = v->s->d;
    int other = v->shelf->facts[entry];
    if (look_correlation(d->looks[v->fact], d->looks[other]) >= SAME_LOOK)
        v->found = other;
    return v->found >= 0 || ++v->verified >= MOST_VERIFIED;
}

static bool can_match(const struct picture_facts *f)
{
    return f->decoded && !f->flat;
}

/* How many of the shelf stand before fact i. */
static int place_of(const struct shelf *shelf, int i)
{
    int low = 0, high = shelf->n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (shelf->facts[middle] < i)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A picture of an earlier split first: that is the worse case. Copies and files of two names are told already. */
static void search_one(struct near_search *s, int i)
{
    const struct picture_facts *f = &s->d->data.facts[i];
    if (!can_match(f) || f->copy || f->same_as >= 0)
        return;
    for (int split = 0; split <= f->ref.split && s->match[i] < 0; split++) {
        const struct shelf *shelf = &s->shelves[split];
        struct visit v = {s, shelf, i, -1, 0};
        int end = shelf->n;
        if (split == f->ref.split) /* only those before it, so that each pair is met once */
            end = place_of(shelf, i);
        if (!look_index_search(shelf->index, f->hash, end, MOST_COMPARED, verify, &v) ||
            (v.found < 0 && v.verified >= MOST_VERIFIED))
            s->cut[i] = true;
        s->match[i] = v.found;
    }
}

static void search_part(void *context, int part, int thread)
{
    struct near_search *s = context;
    (void)thread;
    for (int i = part * PART; i < s->d->data.n_facts && i < (part + 1) * PART; i++)
        search_one(s, i);
}

static enum status fill_shelves(struct near_search *s)
{
    const struct doctor *d = s->d;
    for (int split = 0; split < SPLIT_COUNT; split++) {
        struct shelf *shelf = &s->shelves[split];
        size_t most = d->splits[split] ? (size_t)d->splits[split]->n_images : 0;
        shelf->hashes = mem_alloc(most, sizeof(*shelf->hashes));
        shelf->facts = mem_alloc(most, sizeof(*shelf->facts));
        TRY(shelf->hashes && shelf->facts ? OK : E_NOMEM);
        for (int i = 0; i < d->data.n_facts; i++) {
            if (d->data.facts[i].ref.split != split || !can_match(&d->data.facts[i]))
                continue;
            shelf->hashes[shelf->n] = d->data.facts[i].hash;
            shelf->facts[shelf->n++] = i;
        }
        TRY(look_index_create(shelf->hashes, shelf->n, &shelf->index));
    }
    return OK;
}

static enum status add_matches(struct doctor *d, const struct near_search *s)
{
    long cut = 0;
    for (int i = 0; i < d->data.n_facts; i++) {
        cut += s->cut[i];
        if (s->match[i] < 0)
            continue;
        struct picture_ref a = d->data.facts[i].ref, b = d->data.facts[s->match[i]].ref;
        struct finding_item item = doctor_pair(&d->data, a, b);
        TRY(finding_add(&d->report, a.split != b.split ? FINDING_NEAR_ACROSS : FINDING_NEAR_WITHIN, 1, &item));
    }
    if (cut) {
        const char *words = arena_printf(&d->report.arena,
                                         "%ld %s like so many others that the search for nearly equal ones was cut off",
                                         cut, noun(cut, "picture looks", "pictures look"));
        TRY(words ? OK : E_NOMEM);
        d->report.left_out[d->report.n_left_out++] = words;
    }
    return OK;
}

enum status doctor_near(struct doctor *d)
{
    enum status rc = OK;
    struct near_search s = {.d = d};
    s.match = mem_alloc((size_t)d->data.n_facts, sizeof(*s.match));
    s.cut = mem_calloc((size_t)d->data.n_facts, sizeof(*s.cut));
    TRY_CLEAN(s.match && s.cut ? OK : E_NOMEM);
    for (int i = 0; i < d->data.n_facts; i++)
        s.match[i] = -1;
    TRY_CLEAN(fill_shelves(&s));
    team_run(d->config.team, (d->data.n_facts + PART - 1) / PART, search_part, &s);
    TRY_CLEAN(add_matches(d, &s));
cleanup:
    for (int split = 0; split < SPLIT_COUNT; split++) {
        look_index_destroy(s.shelves[split].index);
        mem_free(s.shelves[split].hashes);
        mem_free(s.shelves[split].facts);
    }
    mem_free(s.match);
    mem_free(s.cut);
    return rc;
}
