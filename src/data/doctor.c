#include "data/doctor.h"

#include "core/mem.h"
#include "data/doctor_parts.h"

#include <string.h>

/* --- the data set file --- */

static enum status add_sentence(struct doctor *d, enum finding_kind kind, const char *about)
{
    struct finding_item item = {.path = arena_strdup(&d->report.arena, about),
                                .detail = arena_strdup(&d->report.arena, fail_text()),
                                .sentence = true,
                                .image = {-1, -1},
                                .other = {-1, -1}};
    return item.path && item.detail ? finding_add(&d->report, kind, 1, &item) : E_NOMEM;
}

/* Keys that stand in data sets of other programs and need no word here. */
static bool is_known_key(const char *key)
{
    static const char *const known[] = {"path", "train",    "val",      "test",      "names",
                                        "nc",   "download", "roboflow", "kpt_shape", "flip_idx"};
    for (int i = 0; i < COUNT(known); i++)
        if (!strcmp(key, known[i]))
            return true;
    return false;
}

static enum status check_keys(struct doctor *d)
{
    const struct yaml_node *root = d->yaml.doc.root;
    for (int i = 0; i < root->count; i++) {
        char line[32];
        snprintf(line, sizeof line, "line %d", root->keys[i]->line);
        if (!is_known_key(root->keys[i]->text))
            TRY(finding_add_text(&d->report, FINDING_KEYS_UNUSED, root->keys[i]->text, line));
    }
    return OK;
}

static enum status load_split(struct doctor *d, enum dataset_split s)
{
    enum status rc = OK;
    const char *name = dataset_split_name(s);
    struct dataset_options options = {.no_cache = d->config.no_cache, .keep_unusable = true, .team = d->config.team};
    if (!d->yaml.split[s])
        return s == SPLIT_TEST ? OK : finding_add_text(&d->report, FINDING_SPLIT_MISSING, name, NULL);
    rc = dataset_load(&d->yaml, s, &options, &d->splits[s]);
    if (rc != OK)
        return rc == E_NOMEM ? rc : add_sentence(d, FINDING_SPLIT_FAULT, name);
    if (!d->splits[s]->n_images) {
        char words[64];
        snprintf(words, sizeof words, "none of %d", d->splits[s]->summary.pictures);
        TRY(finding_add_text(&d->report, FINDING_SPLIT_UNUSABLE, name, words));
    }
    return doctor_count_labels(d->splits[s], &d->counts[s]);
}

static enum status load(struct doctor *d)
{
    enum status rc = OK;
    const struct dataset *named = NULL;
    rc = dataset_yaml_open(d->config.data, &d->yaml);
    if (rc != OK)
        return rc == E_NOMEM ? rc : add_sentence(d, FINDING_YAML_FAULT, d->config.data);
    d->opened = true;
    TRY(check_keys(d));
    for (int s = 0; s < SPLIT_COUNT; s++) {
        TRY(load_split(d, (enum dataset_split)s));
        named = named ? named : d->splits[s];
    }
    const struct dataset *train = d->splits[SPLIT_TRAIN], *val = d->splits[SPLIT_VAL];
    if (train && val && doctor_same_classes(train, val) != OK)
        TRY(add_sentence(d, FINDING_NAMES_DIFFER, "names"));
    for (int c = 0; c < d->yaml.nc && !d->yaml.named; c++)
        TRY(finding_add_text(&d->report, FINDING_NAMES_MISSING, d->yaml.names[c], NULL));
    if (d->yaml.nc)
        TRY(doctor_check_names(d->yaml.names, d->yaml.nc, &d->report));
    else if (named) /* names of the categories of an annotation file */
        TRY(doctor_check_names(named->names, named->nc, &d->report));
    return rc;
}

/* --- everything --- */

static enum status check_labels(struct doctor *d)
{
    TRY(doctor_loading(d));
    TRY(doctor_check_boxes(&d->data, &d->report));
    TRY(doctor_check_overlaps(&d->data, &d->report));
    TRY(doctor_check_balance(&d->data, d->counts, &d->report));
    return OK;
}

static enum status check_pictures(struct doctor *d)
{
    TRY(doctor_check_same_files(&d->data, &d->report));
    TRY(doctor_look(d));
    TRY(doctor_check_pictures(d));
    TRY(doctor_copies(d));
    if (!d->config.fast)
        TRY(doctor_near(d));
    TRY(doctor_unused(d));
    return OK;
}

enum status doctor_examine(const struct doctor_config *config, struct doctor *d)
{
    *d = (struct doctor){.config = *config};
    doctor_report_init(&d->report, config->img);
    TRY(load(d));
    if (!d->opened)
        return OK;
    if (config->fast)
        d->report.left_out[d->report.n_left_out++] =
            "pictures were not decoded (--fast): damaged, one-coloured, grey and nearly equal ones were not looked "
            "for; copies that agree byte for byte were";
    TRY(doctor_data_init((const struct dataset *const *)d->splits, &d->data));
    TRY(check_labels(d));
    TRY(check_pictures(d));
    if (d->stopped)
        d->report.left_out[d->report.n_left_out++] = "interrupted: not every picture was looked at";
    return OK;
}

void doctor_free(struct doctor *d)
{
    doctor_data_free(&d->data);
    mem_free(d->looks);
    for (int s = 0; s < SPLIT_COUNT; s++) {
        mem_free(d->counts[s]);
        dataset_destroy(d->splits[s]);
    }
    if (d->opened)
        dataset_yaml_close(&d->yaml);
    doctor_report_free(&d->report);
}
