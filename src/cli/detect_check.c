/* Before the work begins: what detect is asked to write can be written, and overwrites nothing that it reads. */
#include "cli/detect_job.h"
#include "core/mem.h"
#include "core/path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool same_file(const struct stat *a, const char *path)
{
    struct stat b;
    return path && stat(path, &b) == 0 && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

/* A named output: no folder, no input. "-" is always possible. */
static enum status check_file(const struct detect_job *job, const char *option, const char *path)
{
    static const char *const inputs[] = {"weights", "cfg"};
    struct stat st;
    int n;
    const char *const *words = option_strings(job->o, "source", &n);
    if (!path || !strcmp(path, "-"))
        return OK;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        for (int i = 0; i < COUNT(inputs); i++) {
            if (same_file(&st, option_string(job->o, inputs[i])))
                return fail(E_USAGE, "--%s %s: that is the file of --%s", option, path, inputs[i]);
        }
        for (int i = 0; i < n; i++) {
            if (same_file(&st, words[i]))
                return fail(E_USAGE, "--%s %s: that is one of the sources", option, path);
        }
        for (int i = 0; i < job->sources.count; i++) {
            if (same_file(&st, job->sources.paths[i]))
                return fail(E_USAGE, "--%s %s: that is one of the pictures", option, path);
        }
    }
    return file_try_output(path);
}

/* By name, for files that are not there yet, and by what the names lead to. */
static enum status check_different(const char *json, const char *jsonl)
{
    struct stat st;
    char *a = path_absolute(json), *b = path_absolute(jsonl);
    enum status rc = a && b ? OK : E_NOMEM;
    if (rc == OK && (!strcmp(a, b) || (stat(json, &st) == 0 && S_ISREG(st.st_mode) && same_file(&st, jsonl))))
        rc = fail(E_USAGE, "--json and --jsonl both name %s", !strcmp(json, "-") ? "standard output" : json);
    mem_free(a);
    mem_free(b);
    return rc;
}

static enum status check_named_files(const struct detect_job *job)
{
    const char *json = option_string(job->o, "json"), *jsonl = option_string(job->o, "jsonl");
    enum status rc = json && jsonl ? check_different(json, jsonl) : OK;
    if (rc == OK)
        rc = check_file(job, "json", json);
    return rc == OK ? check_file(job, "jsonl", jsonl) : rc;
}

/* --- a run's folder that is there already --- */

static int by_file(const void *a, const void *b)
{
    const struct stat *x = a, *y = b;
    if (x->st_dev != y->st_dev)
        return x->st_dev < y->st_dev ? -1 : 1;
    return x->st_ino < y->st_ino ? -1 : x->st_ino > y->st_ino;
}

/* Would an annotated picture take the place of one that is read? */
static enum status check_pictures(const struct detect_job *job, const char *folder)
{
    enum status rc = OK;
    int n = job->sources.count, found = 0;
    struct stat *read = mem_alloc((size_t)n, sizeof *read), st;
    TRY_CLEAN(read ? OK : E_NOMEM);
    for (int i = 0; i < n; i++)
        found += stat(job->sources.paths[i], &read[found]) == 0;
    qsort(read, (size_t)found, sizeof *read, by_file);
    for (int i = 0; i < n && rc == OK; i++) {
        char *path = path_join(folder, job->names[i].picture);
        if (!path)
            rc = E_NOMEM;
        else if (stat(path, &st) == 0 && bsearch(&st, read, (size_t)found, sizeof *read, by_file))
            rc = fail(E_USAGE, "%s: the annotated picture would overwrite a source; choose another --project or --name",
                      path);
        mem_free(path);
    }
cleanup:
    mem_free(read);
    return rc;
}

/* Crops are named while the run goes on: none of the sources may lie among them. */
static enum status check_crops(const struct detect_job *job, const char *folder)
{
    enum status rc = OK;
    char *own = path_absolute(folder), *crops = own ? path_join(own, "crops/") : NULL;
    TRY_CLEAN(crops ? OK : E_NOMEM);
    for (int i = 0; i < job->sources.count && rc == OK; i++) {
        char *path = path_absolute(job->sources.paths[i]);
        if (!path)
            rc = E_NOMEM;
        else if (!strncmp(path, crops, strlen(crops)))
            rc = fail(E_USAGE, "%s: a source among the crops of this run; choose another --project or --name", path);
        mem_free(path);
    }
cleanup:
    mem_free(own);
    mem_free(crops);
    return rc;
}

static enum status check_folder(const struct detect_job *job)
{
    enum status rc = OK;
    const char *project = option_string(job->o, "project");
    char *folder = NULL;
    TRY_CLEAN(path_try_folder(project));
    if (!option_flag(job->o, "exist-ok"))
        return OK;
    TRY_CLEAN((folder = path_join(project, option_string(job->o, "name"))) ? OK : E_NOMEM);
    if (!path_is_folder(folder))
        goto cleanup;
    TRY_CLEAN(path_try_folder(folder));
    if (!option_flag(job->o, "nosave"))
        TRY_CLEAN(check_pictures(job, folder));
    if (option_flag(job->o, "save-crop"))
        TRY_CLEAN(check_crops(job, folder));
cleanup:
    mem_free(folder);
    return rc;
}

enum status outputs_check(const struct detect_job *job)
{
    enum status rc = check_named_files(job);
    return rc == OK && job->saves ? check_folder(job) : rc;
}
