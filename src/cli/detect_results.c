/* What detect tells and writes of each picture, in their order: lines, JSON, JSONL, and the closing words. */
#include "cli/cli.h"
#include "cli/detect_job.h"
#include "core/file_name.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINES_ON_TERMINAL = 20 }; /* with more pictures a progress bar stands there instead */

static bool is_standard_output(const char *path)
{
    return path && !strcmp(path, "-");
}

/* --- before the first picture --- */

enum status results_name_classes(struct detect_job *job)
{
    const char *const *names = job->class_names;
    int nc = job->nc, changed = 0, example = 0;
    job->class_json = arena_alloc(&job->arena, (size_t)nc + 1, sizeof *job->class_json);
    TRY(job->class_json ? OK : E_NOMEM);
    for (int i = 0; i < nc; i++)
        TRY((job->class_json[i] = text_utf8(&job->arena, names[i])) ? OK : E_NOMEM);
    if (!option_flag(job->o, "save-crop"))
        return OK;
    TRY(file_names_of(names, nc, &job->arena, &job->class_folders));
    for (int i = nc - 1; i >= 0; i--) {
        if (strcmp(names[i], job->class_folders[i]) != 0) {
            changed++;
            example = i;
        }
    }
    if (changed) {
        char shown[64];
        text_fit(names[example], 40, TEXT_CUT_END, shown, sizeof shown);
        print(stderr, "%d %s crops in a folder of another name: '%s' in crops/%s", changed,
              noun(changed, "class has", "classes have"), shown, job->class_folders[example]);
    }
    return OK;
}

/* Pictures whose results lie or are called otherwise than their file's name says. */
static void tell_names(const struct detect_job *job, int not_utf8)
{
    int below = 0, suffixed = 0;
    const char *folder = NULL, *suffix = NULL;
    bool json = job->json.path || job->jsonl.path;
    bool stems = json || option_flag(job->o, "save-txt") || option_flag(job->o, "save-crop");
    for (int i = job->sources.count - 1; i >= 0; i--) {
        const struct identity *id = &job->sources.identities[i];
        if (strchr(id->name, '/') && ++below)
            folder = id->name;
        if (*path_extension(id->name) && !strcmp(id->stem, id->name) && ++suffixed)
            suffix = id->name;
    }
    if (below && (json || job->saves))
        print(stderr, "%d %s with others: results keep the folder, as %s", below,
              noun(below, "picture shares its name", "pictures share their names"), folder);
    if (suffixed && stems)
        print(stderr, "%d %s from others in the suffix only: results keep it, as %s.txt", suffixed,
              noun(suffixed, "picture differs", "pictures differ"), suffix);
    if (not_utf8 && json)
        print(stderr, "%d %s not UTF-8: other bytes are written as %%FF in JSON", not_utf8,
              noun(not_utf8, "picture's name is", "pictures' names are"));
}

enum status results_begin(struct detect_job *job)
{
    const struct options *o = job->o;
    int not_utf8;
    job->json.path = option_string(o, "json");
    job->jsonl.path = option_string(o, "jsonl");
    job->saves = !option_flag(o, "nosave") || option_flag(o, "save-txt") || option_flag(o, "save-crop");
    bool taken = is_standard_output(job->json.path) || is_standard_output(job->jsonl.path);
    job->lines = !taken && (job->sources.count <= LINES_ON_TERMINAL || !isatty(1));
    job->names = arena_alloc(&job->arena, (size_t)job->sources.count + 1, sizeof *job->names);
    TRY(job->names ? OK : E_NOMEM);
    TRY(result_names_find(job->sources.identities, job->sources.count, &job->arena, job->names, &not_utf8));
    tell_names(job, not_utf8);
    return OK;
}

/* --- a picture --- */

/* After something was written there. A reader who has gone away (head) is no fault: the run ends quietly. */
static enum status flush_output(struct detect_job *job)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return OK;
    if (errno != EPIPE)
        return fail_errno("standard output");
    job->unread = true;
    return OK;
}

static enum status print_line(struct detect_job *job, const struct picture_result *r, const struct yolo9_result *found,
                              long item, double ms)
{
    struct buf text = {0};
    char *path = sources_shown_path(&job->sources, item);
    enum status rc = path ? results_summary(r, job->class_json, job->nc, &text) : E_NOMEM;
    if (rc == OK) {
        print(stdout, "image %ld/%d %s: %dx%d %s, %.1fms", item + 1, job->sources.count, path, found->input_height,
              found->input_width, text.data, ms);
        rc = flush_output(job);
    }
    mem_free(path);
    buf_free(&text);
    return rc;
}

static enum status begin_json(struct json_output *json)
{
    enum status rc = OK;
    if (json->begun)
        return OK;
    if (!is_standard_output(json->path))
        rc = file_writer_open(&json->writer, json->path);
    json->begun = rc == OK;
    if (rc == OK)
        fputs("[", json->writer.stream ? json->writer.stream : stdout);
    return rc;
}

static enum status write_json(struct detect_job *job, const struct picture_result *r, const struct result_words *words)
{
    struct buf text = {0};
    struct json_output *json = &job->json;
    enum status rc = begin_json(json);
    if (rc == OK)
        rc = results_write_json(r, words, &json->objects, &text);
    if (rc == OK && text.size)
        fwrite(text.data, 1, text.size, json->writer.stream ? json->writer.stream : stdout);
    if (rc == OK && !json->writer.stream)
        rc = flush_output(job);
    else if (rc == OK && ferror(json->writer.stream))
        rc = fail_errno("%s: cannot be written", json->path);
    buf_free(&text);
    return rc;
}

static enum status write_json_line(struct detect_job *job, const struct picture_result *r,
                                   const struct result_words *words, const struct result_times *ms)
{
    struct buf text = {0};
    struct jsonl_output *jsonl = &job->jsonl;
    if (!jsonl->stream && is_standard_output(jsonl->path))
        jsonl->stream = stdout;
    if (!jsonl->stream && !(jsonl->stream = fopen(jsonl->path, "we")))
        return fail_errno("%s: cannot be written", jsonl->path);
    enum status rc = results_write_json_line(r, words, ms, &text);
    if (rc == OK)
        fwrite(text.data, 1, text.size, jsonl->stream);
    if (rc == OK && jsonl->stream == stdout)
        rc = flush_output(job);
    else if (rc == OK && (fflush(jsonl->stream) != 0 || ferror(jsonl->stream)))
        rc = fail_errno("%s: cannot be written", jsonl->path);
    buf_free(&text);
    return rc;
}

/* Not before there is something to put into it: a start that fails leaves no empty folder. */
static enum status make_folder(struct detect_job *job)
{
    const struct options *o = job->o;
    return job->folder ? OK
                       : path_make_run(option_string(o, "project"), option_string(o, "name"),
                                       option_flag(o, "exist-ok"), &job->folder);
}

/* The library's detections in the form that the writers of results take. */
static struct picture_result take_result(struct detect_job *job, const struct yolo9_result *found)
{
    for (int i = 0; i < found->count; i++) {
        const struct yolo9_detection *d = &found->detections[i];
        job->found[i] = (struct detection){{d->x1, d->y1, d->x2, d->y2}, d->score, d->class_index};
    }
    return (struct picture_result){found->height, found->width, job->found, found->count};
}

enum status results_add(struct detect_job *job, long item, struct photo *p, const struct yolo9_result *found)
{
    const struct result_names *names = &job->names[item];
    const struct picture_result r = take_result(job, found);
    struct result_words words = {names->image, names->image_id, job->sources.identities[item].number, job->class_json};
    struct result_times ms = {1e3 * (p->read + found->letterbox_seconds), 1e3 * found->network_seconds,
                              1e3 * found->boxes_seconds};
    job->done++;
    job->detections += r.count;
    job->read += p->read;
    job->letterbox += found->letterbox_seconds;
    job->net += found->network_seconds;
    job->nms += found->boxes_seconds;
    if (job->lines)
        TRY(print_line(job, &r, found, item, ms.net));
    if (job->json.path)
        TRY(write_json(job, &r, &words));
    if (job->jsonl.path)
        TRY(write_json_line(job, &r, &words, &ms));
    if (job->saves) {
        TRY(make_folder(job));
        TRY(photo_keep(job, &r, p));
    }
    return OK;
}

/* --- the end --- */

enum status results_finish(struct detect_job *job)
{
    struct json_output *json = &job->json;
    if (!json->path)
        return OK;
    enum status rc = begin_json(json); /* no picture could be read: an empty array */
    if (rc != OK)
        return rc;
    fputs(json->objects ? "\n]\n" : "]\n", json->writer.stream ? json->writer.stream : stdout);
    return json->writer.stream ? file_writer_commit(&json->writer) : flush_output(job);
}

void results_summarise(const struct detect_job *job)
{
    int n = job->done;
    fflush(stdout); /* where both streams go to one file: after the pictures' lines */
    if (n > 0)
        print(stderr,
              "%d %s, %ld %s; a picture: %.1f ms read, %.1f ms letterbox, %.1f ms network, %.1f ms NMS, %.1f ms saving",
              n, noun(n, "picture", "pictures"), job->detections, noun(job->detections, "detection", "detections"),
              1e3 * job->read / n, 1e3 * job->letterbox / n, 1e3 * job->net / n, 1e3 * job->nms / n,
              1e-3 * (double)job->saving / n);
    if (job->folder)
        print(stderr, "results in %s", job->folder);
}

void results_close(struct detect_job *job)
{
    file_writer_abort(&job->json.writer);
    if (job->jsonl.stream && job->jsonl.stream != stdout)
        fclose(job->jsonl.stream);
    mem_free(job->folder);
    arena_free(&job->arena);
}
