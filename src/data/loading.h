/* Inside of dataset.c: pictures on their way from the YAML's words to a struct dataset. */
#ifndef Y9_DATA_LOADING_H
#define Y9_DATA_LOADING_H

#include "core/class_names.h"
#include "core/identity.h"
#include "data/label_file.h"
#include "data/places.h"

enum { LOADING_MAX_CLASSES = 100000 };

enum picture_state { PICTURE_OK, PICTURE_CORRUPT, PICTURE_ABSENT };

struct loading_picture {
    const char *path;
    struct identity identity;
    const char *label_path; /* NULL: labels come from annotations */
    const char *voc;        /* its Pascal VOC annotation; NULL: it has none, or they are of COCO */
    const char *list;       /* the text file that names it, NULL for a folder; its line */
    int line;
    int64_t id;         /* -1: not known yet */
    int told_w, told_h; /* size by the annotations; 0: not told */
    /* found by checking */
    enum picture_state state;
    bool label_missing;
    int w, h, orientation;
    struct label_rows rows;   /* annotations: boxes are x, y, w, h in pixels until they are checked; crowds last */
    int n_crowds;             /* the last of rows.n_objects */
    int flat;                 /* annotated boxes without area in the picture, dropped */
    char *problem;            /* heap sentence, NULL: none */
    enum dataset_fault fault; /* what it is about */
};

struct loading {
    const struct dataset_yaml *yaml;
    const struct dataset_options *options;
    struct dataset *d; /* its arena owns all paths */
    struct loading_picture *pictures;
    int count, capacity;
    struct places places;       /* that relative paths of lists and annotations are tried in; owned by the arena */
    bool annotations;           /* COCO files, names and category ids of d are set; or Pascal VOC files */
    bool voc;                   /* the latter */
    int voc_hint;               /* where the picture of an annotation was found last */
    struct class_index classes; /* of d->names, while pictures are checked */
    bool folders_only;          /* no list file: orphan labels can be told */
};

/* loading.c: a new picture at the end, cleared; NULL when short of memory. */
struct loading_picture *loading_add(struct loading *l);
/* Keep a sentence about how the split was read, for the summary. */
enum status loading_note(struct loading *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
void loading_free(struct loading *l); /* all but d */

/* dataset_paths.c: fill `pictures` with what a split names, sorted, each picture once. */
enum status loading_find(struct loading *l, enum dataset_split split);

/* pose_rows.c: a note where rows that are read as polygons look like a box with key points. */
enum status pose_rows_say(struct loading *l);

/* label_paths.c. When no picture has its label file: those beside the pictures, or a note that says where labels were
 * looked for. */
enum status label_paths_settle(struct loading *l);

/* coco_labels.c: add the pictures and labels of an annotation file. */
enum status loading_add_annotations(struct loading *l, const char *path);

/* voc_labels.c. An entry of a split that is a Pascal VOC set, list, folder or file is added; else *taken is false. */
enum status voc_add_entry(struct loading *l, const char *path, const char *split, bool *taken);
/* Pictures without any label file: their VOC annotations, where there are some. */
enum status voc_take_pictures(struct loading *l, int *found);
/* Read a picture's annotation: size and boxes in pixels, difficult objects as crowds. From several threads. */
enum status voc_take_labels(const struct loading *l, struct loading_picture *p);

/* voc_names.c: class names, where the YAML has none: those of the annotations of all its splits. */
enum status voc_collect_names(struct loading *l, enum dataset_split split);

/* dataset_cache.c: results of checking, kept in a file. The key covers all that the results depend on. */
uint64_t cache_key(const struct loading *l);
char *cache_path(const struct loading *l); /* heap; NULL: nowhere to put it */
/* False, and nothing changed, when there is no cache, it is another's, or it is damaged. */
bool cache_read(const char *path, uint64_t key, struct loading *l);
enum status cache_write(const char *path, uint64_t key, const struct loading *l);

#endif
