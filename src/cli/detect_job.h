/* Inside of `yolo9 detect`: one run. detect.c sets it up and runs it, detect_photos.c makes pictures ready and saves
 * what belongs to each in worker threads, detect_results.c tells and writes what is found, in order, in the main
 * thread, detect_check.c sees before the work that it can be written and overwrites nothing. */
#ifndef Y9_CLI_DETECT_JOB_H
#define Y9_CLI_DETECT_JOB_H

#include "cli/classes.h"
#include "cli/library.h"
#include "core/file.h"
#include "core/parallel.h"
#include "core/prefetch.h"
#include "detect/result_names.h"
#include "detect/results.h"
#include "detect/sources.h"

/* --json: begun with the first picture, under a temporary name until it is whole. */
struct json_output {
    const char *path;          /* NULL: not asked for; "-": standard output */
    struct file_writer writer; /* of a file */
    bool begun;
    long objects;
};

/* --jsonl: a line a picture, under its own name from the first line on, so that it can be followed. */
struct jsonl_output {
    const char *path; /* as above */
    FILE *stream;
};

struct detect_job {
    const struct options *o;
    struct yolo9_weights *weights;
    const char **class_names; /* theirs */
    int nc;
    struct class_choice classes;
    struct sources sources;
    struct result_names *names; /* of the sources' pictures */
    const char **class_json;    /* names of classes as UTF-8 */
    const char **class_folders; /* and as names of folders */
    struct arena arena;         /* of these names */
    struct yolo9_detector *detector;
    struct detection *found; /* max_det: of the picture that the detector has just seen */
    int max_det;
    struct prefetch *prefetch;
    bool saves;   /* something goes to a run's folder */
    char *folder; /* of the run; NULL until the first picture has a result */
    struct json_output json;
    struct jsonl_output jsonl;
    bool lines;  /* one line a picture on standard output */
    bool unread; /* nobody reads standard output any more */
    int done, failed;
    long detections;
    double read, letterbox, net, nms; /* seconds, summed */
    _Atomic long saving;              /* microseconds, summed by the workers */
};

/* One picture on its way: made by a worker, given its detections by the main thread, saved by a worker. */
struct photo {
    struct image pixels;
    struct yolo9_input *input;
    double read;
    struct picture_result result;
    struct detection *detections; /* max_det, like the columns below */
    float *boxes, *scores;        /* in the form that draw_detections takes */
    int *classes;
};

/* --- detect_photos.c --- */
enum status photos_start(struct detect_job *job); /* the workers */
/* Keep what the detector has found with the picture, for its files. */
enum status photo_keep(const struct detect_job *job, const struct picture_result *r, struct photo *p);

/* --- detect_results.c --- */
enum status results_begin(struct detect_job *job); /* what the options say, and names of results, before the work */
enum status results_name_classes(struct detect_job *job); /* when the weights are there */
/* Tell and write what the library found in one picture; the run's folder is made with the first one. */
enum status results_add(struct detect_job *job, long item, struct photo *p, const struct yolo9_result *found);
enum status results_finish(struct detect_job *job); /* the JSON file gets its name */
void results_summarise(const struct detect_job *job);
void results_close(struct detect_job *job); /* what is not finished is dropped */

/* --- detect_check.c --- */
/* E_USAGE, E_IO: an output that cannot be written, or that is one of the inputs. */
enum status outputs_check(const struct detect_job *job);

#endif
