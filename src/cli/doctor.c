/* yolo9 doctor: what is wrong with a data set, before a night of training. */
#include "data/doctor.h"
#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "core/cpu.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec options_table[] = {
    {"data", NULL, OPTION_STRING, NULL, "dataset: its YAML, or the folder it lies in", .value = VALUE_DATA},
    IMAGE_SIZE_OPTION("image size that boxes and pictures are judged at (default: 640)", 1),
    {"fast", NULL, OPTION_FLAG, NULL, "read headers only: no damage, no nearly equal pictures"},
    {"strict", NULL, OPTION_FLAG, NULL, "warnings end with exit code 1 too"},
    {"json", NULL, OPTION_STRING, NULL, "everything found to this file; - is standard output", .value = VALUE_FILE},
    {"noplots", NULL, OPTION_FLAG, NULL, "no sheet of the suspicious pictures"},
    {"no-cache", NULL, OPTION_FLAG, NULL, "neither read nor write the label cache"},
    {"project", NULL, OPTION_STRING, "runs/doctor", "folder of the runs", .value = VALUE_FOLDER},
    {"name", NULL, OPTION_STRING, "exp", "folder of this run: exp, exp2, exp3 ...", .value = VALUE_NAME},
    {"exist-ok", NULL, OPTION_FLAG, NULL, "use the folder if it is there already"},
    {"threads", NULL, OPTION_INT, "0", "threads; 0: one a processor", 0, 1024},
};

/* Outputs are tried before the work. */
static enum status check_outputs(const struct options *o)
{
    const struct output json = {.path = option_string(o, "json"), .inputs = {option_string(o, "data")}};
    enum status rc = output_check(&json);
    if (rc == OK && !option_flag(o, "noplots"))
        rc = output_check_run(option_string(o, "project"), option_string(o, "name"));
    return rc;
}

/* The sheet in a folder of its own; *path stays NULL where nothing can be shown. */
static enum status write_sheet(const struct options *o, const struct doctor *d, char **path)
{
    enum status rc = OK;
    char *folder = NULL;
    if (option_flag(o, "noplots") || !doctor_has_sheet(d))
        return OK;
    TRY_CLEAN(
        path_make_run(option_string(o, "project"), option_string(o, "name"), option_flag(o, "exist-ok"), &folder));
    TRY_CLEAN((*path = path_join(folder, "suspicious.jpg")) ? OK : E_NOMEM);
    TRY_CLEAN(doctor_write_sheet(d, *path));
cleanup:
    if (rc != OK && folder)
        path_remove_empty(folder);
    mem_free(folder);
    return rc;
}

static enum status write_json(const struct options *o, struct doctor *d, const char *sheet)
{
    enum status rc = OK;
    json_t *root = NULL;
    if (!option_string(o, "json"))
        return OK;
    TRY_CLEAN(doctor_json(d, sheet, &root));
    TRY_CLEAN(output_json(option_string(o, "json"), root));
cleanup:
    json_decref(root);
    return rc;
}

static enum status print_report(const struct options *o, const struct doctor *d, const char *sheet)
{
    enum status rc = OK;
    struct buf text = {0};
    const char *json = option_string(o, "json");
    int errors = doctor_count(&d->report, DOCTOR_ERROR), warnings = doctor_count(&d->report, DOCTOR_WARNING);
    int notes = doctor_count(&d->report, DOCTOR_NOTE);
    if (json && !strcmp(json, "-"))
        return OK;
    TRY_CLEAN(doctor_write(d, terminal_columns(1), &text));
    TRY_CLEAN(buf_printf(&text, "%d %s, %d %s, %d %s%s%s\n", errors, noun(errors, "error", "errors"), warnings,
                         noun(warnings, "warning", "warnings"), notes, noun(notes, "note", "notes"),
                         sheet ? "; sheet in " : "", sheet ? sheet : ""));
    terminal_print(stdout, text.data);
cleanup:
    buf_free(&text);
    return rc;
}

static enum status examine(const struct options *o, struct team *team, struct doctor *d)
{
    enum status rc = OK;
    char *sheet = NULL;
    const struct doctor_config config = {.data = option_string(o, "data"),
                                         .img = image_side_of(o, NULL),
                                         .fast = option_flag(o, "fast"),
                                         .no_cache = option_flag(o, "no-cache"),
                                         .progress = true,
                                         .team = team,
                                         .stop = interrupt_flag()};
    interrupt_defer("looking at no more pictures; what was found so far follows");
    TRY_CLEAN(doctor_examine(&config, d));
    TRY_CLEAN(write_sheet(o, d, &sheet));
    TRY_CLEAN(print_report(o, d, sheet));
    TRY_CLEAN(write_json(o, d, sheet));
    if (d->stopped)
        rc = fail(E_INTERRUPTED, "interrupted: not every picture was looked at");
    else if (doctor_count(&d->report, DOCTOR_ERROR) ||
             (option_flag(o, "strict") && doctor_count(&d->report, DOCTOR_WARNING)))
        rc = E_FOUND;
cleanup:
    mem_free(sheet);
    return rc;
}

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct doctor d = {0};
    struct team *team = NULL;
    int threads = option_int(o, "threads");
    if (!option_string(o, "data"))
        return fail(E_USAGE, "--data is needed: a dataset's YAML");
    TRY_CLEAN(check_outputs(o));
    TRY_CLEAN(team_create(threads ? threads : cpu_count(), &team));
    TRY_CLEAN(examine(o, team, &d));
cleanup:
    doctor_free(&d);
    team_destroy(team);
    return rc;
}

const struct verb_spec verb_doctor = {
    .name = "doctor",
    .summary = "find out what is wrong with a dataset",
    .positional = "data",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 doctor --data bccd.yaml --img 320\n"
               "yolo9 doctor --data bccd.yaml --fast --strict --json found.json",
    .run = run,
};
