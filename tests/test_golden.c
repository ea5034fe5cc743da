/* Runs the golden conformance kit: every .safetensors and .pt case of a folder (Y9_GOLDEN, else ../shared/golden
 * beside the source tree, else tests/golden), each by its (section, kind). One line a case: pass, fail or skip, the
 * case, its kind, and the worst error over its tolerance. Threads: Y9_THREADS.
 *
 *   test_golden [--section a,b] [--case PATTERN] [--list] */
#include "core/clock.h"
#include "core/mem.h"
#include "core/path.h"
#include "formats/safetensors.h"
#include "support/golden_kinds.h"
#include "support/shared.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct kind {
    const char *section, *kind;
    golden_runner *run; /* NULL: no runner */
} kinds[] = {
#define KIND(section, kind, runner) {section, kind, runner},
#include "support/golden_kinds.def"
#undef KIND
};

struct options {
    const char *sections; /* comma list, NULL: all */
    const char *pattern;  /* of the case's name, NULL: all */
    bool list;
};

struct tally {
    int passed, failed, skipped;
    double worst;
    char worst_case[160];
};

static bool in_list(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        if (!strncmp(p, word, n) && (p[n] == ',' || !p[n]))
            return true;
    }
    return false;
}

/* The kind a case names itself by; "pt" for a checkpoint. E_FORMAT when its section is not its folder. */
static enum status read_kind(const char *path, const char *section, bool checkpoint, char *kind, size_t size)
{
    struct safetensors st;
    if (checkpoint) {
        snprintf(kind, size, "pt");
        return OK;
    }
    enum status rc = safetensors_open(path, &st);
    if (rc != OK)
        return rc;
    const char *own_section = safetensors_metadata(&st, "section"), *own_kind = safetensors_metadata(&st, "kind");
    if (!own_kind || !own_section || strcmp(own_section, section))
        rc = fail(E_FORMAT, "%s: metadata names no kind, or another section", path);
    else
        snprintf(kind, size, "%s", own_kind);
    safetensors_close(&st);
    return rc;
}

static const struct kind *find_kind(const char *section, const char *name)
{
    for (int i = 0; i < COUNT(kinds); i++) {
        if (!strcmp(kinds[i].section, section) && !strcmp(kinds[i].kind, name))
            return &kinds[i];
    }
    return NULL;
}

static void run_case(const char *path, const char *section, const char *stem, bool checkpoint, const struct options *o,
                     struct tally *t)
{
    char kind[32] = "?", label[160], message[512] = "";
    double worst = 0, began = clock_seconds();
    int result = 1;
    snprintf(label, sizeof label, "%s/%s", section, stem);
    enum status rc = read_kind(path, section, checkpoint, kind, sizeof kind);
    const struct kind *k = find_kind(section, kind);
    if (rc != OK) {
        snprintf(message, sizeof message, "%s", fail_text());
    } else if (o->list) {
        printf("%-36s %s\n", label, kind);
        return;
    } else if (!k) {
        snprintf(message, sizeof message, "unknown kind in this section");
    } else if (!k->run) {
        result = -1;
        snprintf(message, sizeof message, "no runner for this kind");
    } else {
        result = k->run(path, message, sizeof message, &worst);
    }
    const char *word = result > 0 ? "fail" : result < 0 ? "skip" : "pass";
    printf("%s  %-36s %-12s %8.3f  %6.2f s%s%s\n", word, label, kind, worst, clock_seconds() - began,
           message[0] ? "  " : "", message);
    fflush(stdout);
    *(result > 0 ? &t->failed : result < 0 ? &t->skipped : &t->passed) += 1;
    if (result == 0 && worst > t->worst) {
        t->worst = worst;
        memcpy(t->worst_case, label, sizeof label);
    }
}

/* A case is a .safetensors that names its kind, or a .pt with its .json beside it; other weight files are inputs. */
static bool is_case(const char *path)
{
    char beside[4096];
    struct safetensors st;
    const char *extension = path_extension(path);
    if (!strcmp(extension, "pt")) {
        snprintf(beside, sizeof beside, "%.*sjson", (int)(extension - path), path);
        return path_exists(beside);
    }
    if (strcmp(extension, "safetensors") != 0)
        return false;
    if (safetensors_open(path, &st) != OK)
        return true; /* a damaged case is a failure that is told */
    bool named = safetensors_metadata(&st, "kind") != NULL;
    safetensors_close(&st);
    return named;
}

static void run_section(const char *folder, const char *section, const struct options *o, struct tally *t)
{
    char **names;
    int count;
    if (path_list(folder, &names, &count) != OK)
        return;
    for (int i = 0; i < count; i++) {
        char *path = path_join(folder, names[i]), *stem = path_stem(names[i]);
        if (is_case(path) && (!o->pattern || fnmatch(o->pattern, stem, 0) == 0))
            run_case(path, section, stem, !strcmp(path_extension(path), "pt"), o, t);
        mem_free(path);
        mem_free(stem);
    }
    path_list_free(names, count);
}

static bool read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--list"))
            o->list = true;
        else if (!strcmp(argv[i], "--section") && i + 1 < argc)
            o->sections = argv[++i];
        else if (!strcmp(argv[i], "--case") && i + 1 < argc)
            o->pattern = argv[++i];
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct tally t = {0};
    const char *folder = golden_folder();
    char **sections;
    int count;
    if (!read_options(argc, argv, &o)) {
        fprintf(stderr, "usage: test_golden [--section a,b] [--case PATTERN] [--list]\n");
        return 2;
    }
    if (path_list(folder, &sections, &count) != OK) {
        fprintf(stderr, "test_golden: %s\n", fail_text());
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char *path = path_join(folder, sections[i]);
        if (path_is_folder(path) && (!o.sections || in_list(o.sections, sections[i])))
            run_section(path, sections[i], &o, &t);
        mem_free(path);
    }
    path_list_free(sections, count);
    if (o.list)
        return 0;
    printf("%s: %d passed, %d failed, %d skipped; worst error %.3f of its tolerance%s%s\n", folder, t.passed, t.failed,
           t.skipped, t.worst, t.worst > 0 ? " in " : "", t.worst_case);
    if (t.passed + t.failed + t.skipped == 0)
        fprintf(stderr, "test_golden: no case found in %s\n", folder);
    return t.failed || t.passed + t.skipped == 0;
}
