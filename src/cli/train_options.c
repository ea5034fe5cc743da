#include "cli/train_options.h"

#include "core/log.h"
#include "core/path.h"

#include <stdio.h>
#include <string.h>

const char *const train_caches[] = {"ram", "val", "disk", "none", NULL};

static const struct option_spec *find_option(const struct verb_spec *verb, const char *name)
{
    for (int i = 0; i < verb->n_options; i++) {
        if (!strcmp(verb->options[i].name, name))
            return &verb->options[i];
    }
    return NULL;
}

/* The verb has such an option, and it was written. */
static bool is_given(const struct options *o, const struct verb_spec *verb, const char *name)
{
    return find_option(verb, name) && option_given(o, name);
}

/* Of several words later ones win; a recipe is all that was said before. */
static enum status read_hyper(const struct options *o, const struct verb_spec *verb, struct run_options *out)
{
    int count;
    const char *const *words = option_strings(o, "hyp", &count);
    out->given_hyper = 0;
    for (int i = 0; i < count; i++) {
        enum preset_kind preset = preset_find(words[i]);
        if (preset != PRESET_AUTO && !path_exists(words[i])) {
            out->preset = (int)preset;
            out->given_hyper = 0;
        } else if (strchr(words[i], '=')) {
            TRY(hyper_set(words[i], &out->hyper, &out->given_hyper) == OK ? OK : E_USAGE);
        } else {
            TRY(hyper_read(words[i], &out->hyper, &out->given_hyper));
        }
    }
    if (is_given(o, verb, "label-smoothing")) {
        char word[64];
        snprintf(word, sizeof word, "label_smoothing=%.17g", option_float(o, "label-smoothing"));
        TRY(hyper_set(word, &out->hyper, &out->given_hyper));
    }
    return OK;
}

static enum status read_schedule(const struct options *o, struct run_options *out)
{
    static const struct {
        const char *name;
        enum schedule_kind kind;
    } kinds[] = {{"linear-lr", SCHEDULE_LINEAR},
                 {"cos-lr", SCHEDULE_COSINE},
                 {"flat-cos-lr", SCHEDULE_FLAT_COSINE},
                 {"fixed-lr", SCHEDULE_FIXED}};
    int chosen = 0;
    for (int i = 0; i < COUNT(kinds); i++) {
        if (!option_flag(o, kinds[i].name))
            continue;
        out->schedule = kinds[i].kind;
        chosen++;
    }
    out->given_schedule = chosen > 0;
    return chosen > 1 ? fail(E_USAGE, "of --linear-lr, --cos-lr, --flat-cos-lr and --fixed-lr only one can be chosen")
                      : OK;
}

/* The command line's name of a field: its own, or its key with - for _. */
static const char *field_name(const struct run_field *f, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s", f->name ? f->name : f->key);
    for (char *p = buffer; *p; p++)
        *p = *p == '_' ? '-' : *p;
    return buffer;
}

/* Every option that is a field of the run goes there by its name. */
static enum status read_fields(const struct options *o, const struct verb_spec *verb, struct run_options *out)
{
    int count;
    const struct run_field *fields = run_fields(&count);
    for (int i = 0; i < count; i++) {
        const struct run_field *f = &fields[i];
        char name[64];
        if (!is_given(o, verb, field_name(f, name, sizeof name)))
            continue;
        const enum option_type type = find_option(verb, name)->type;
        if (!strcmp(name, "img"))
            continue; /* a list, see below */
        if (!strcmp(name, "batch") && option_int(o, name) < 1)
            continue; /* the official -1: by the GPU's memory, and 16 on a CPU */
        if (f->kind == FIELD_TEXT)
            TRY(run_set_text(out, f, option_string(o, name)));
        else if (!strcmp(name, "cache") && !strcmp(option_string(o, name), "disk"))
            log_info("--cache disk has no effect: the system keeps files in memory that are read often");
        else if (f->kind == FIELD_CHOICE)
            TRY(run_set_choice(out, f, option_string(o, name)));
        else
            TRY(run_set_number(out, f,
                               type == OPTION_FLAG  ? option_flag(o, name)
                               : type == OPTION_INT ? option_int(o, name)
                                                    : option_float(o, name)));
    }
    return OK;
}

enum status train_options_read(const struct options *o, const struct verb_spec *verb, struct run_options *out)
{
    run_options_init(out);
    TRY(read_fields(o, verb, out));
    if (is_given(o, verb, "batch") && option_int(o, "batch") < 1)
        log_info("batch %d: without a GPU there is no automatic size", out->batch);
    if (option_given(o, "img")) {
        int width;
        option_size(o, "img", &out->img, &width); /* rounded when the network is built, to its largest stride */
    }
    TRY(read_schedule(o, out));
    out->given_optimizer = option_given(o, "optimizer");
    out->given_lr_lag = is_given(o, verb, "lr-lag");
    TRY(read_hyper(o, verb, out));
    if (is_given(o, verb, "freeze")) {
        int count;
        const int *freeze = option_ints(o, "freeze", &count);
        memcpy(out->freeze, freeze, (size_t)count * sizeof *freeze);
        out->n_freeze = count == 1 && freeze[0] == 0 ? 0 : count;
    }
    return OK;
}
