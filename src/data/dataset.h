/* data/: pictures with labels: reading data sets, augmenting and batching them, drawing one, and finding what is wrong
 * with one.
 *
 * Datasets: a YAML file names classes and splits (SPEC 11.1), a split is pictures with labels (SPEC 11.2).
 *
 * A split is a folder (searched recursively), a picture, a text file of picture paths, a COCO annotation file (.json),
 * a Pascal VOC set (its folder, a list of ImageSets/Main, XML files; voc_labels.c), or a list of those. Where paths
 * lead is settled in places.h; what was taken for granted is a note of the summary. YOLO labels lie beside the
 * pictures: the last /images/ of the path becomes /labels/, the extension .txt. Every picture's header and every label
 * file is checked while loading; what is wrong with one takes that picture out of the split, is counted, and is told in
 * a sentence "file:line: ...". What was read is kept in a cache beside the label folder (<folder>.y9cache), keyed by
 * paths, sizes, times and inodes of all files; it may be deleted at any time. */
#ifndef Y9_DATA_DATASET_H
#define Y9_DATA_DATASET_H

#include "core/buf.h"
#include "core/parallel.h"
#include "formats/yaml.h"

#include <stdint.h>

enum dataset_split { SPLIT_TRAIN, SPLIT_VAL, SPLIT_TEST, SPLIT_COUNT };
const char *dataset_split_name(enum dataset_split split); /* "train", "val", "test" */

/* The YAML file, read and checked; splits are not looked at yet. */
struct dataset_yaml {
    const char *file;                           /* as given to dataset_yaml_open; owned, like everything here */
    const char *folder;                         /* where the file lies */
    const char *path;                           /* its `path`, NULL when absent */
    const char *const *names;                   /* [nc] */
    int nc;                                     /* 0: no names; then the splits must be annotation files */
    bool named;                                 /* false: only nc was given, the names are class0, class1 ... */
    int key_points, key_values;                 /* kpt_shape: label rows carry key points; 0: they do not */
    const struct yaml_node *split[SPLIT_COUNT]; /* NULL: absent */
    struct yaml doc;
    struct arena arena;
};
enum status dataset_yaml_open(const char *file, struct dataset_yaml *yaml);
void dataset_yaml_close(struct dataset_yaml *yaml);

struct dataset_object {
    int class;
    float cxcywh[4];    /* normalised to the picture */
    int n_points;       /* corners of its polygon; 0: only a box is known */
    size_t first_point; /* of dataset.points */
    double area;        /* photo pixels: COCO's area (of the mask), else the box's */
};

struct dataset_image {
    const char *path;
    int64_t id;       /* COCO's id; else the number that the file name is; else the place in the split: orders pictures
                         where scores tie. Not unique: pictures are told apart by name and number */
    const char *name; /* its identity (core/identity.h) among the pictures of the split: "frame.jpg", "a/frame.jpg" */
    const char *stem; /* the same for files that belong to it: "frame", "a/frame" */
    int64_t number;   /* COCO's id or the number that the file name is, where no other picture has it; else -1 */
    int w, h;         /* upright, as image_read gives it */
    int orientation;  /* EXIF, 1..8 */
    size_t first_object; /* of dataset.objects: n_objects labels, then n_crowds COCO crowds (never for training) */
    int n_objects, n_crowds;
    const char *label_path; /* where its label file is or would be; NULL: labels come from annotations */
    bool label_missing;     /* there is no label file */
};

enum { DATASET_MAX_PROBLEMS = 100000 }; /* sentences that are kept */

/* What a sentence about a problem is about. */
enum dataset_fault {
    FAULT_PICTURE,       /* damaged, too small, or not of the size that its annotations say: left out */
    FAULT_LABELS,        /* its label file cannot be read: left out */
    FAULT_ABSENT,        /* named, but not there: left out */
    FAULT_ORPHAN,        /* a label file without a picture */
    FAULT_REPEATED_ROWS, /* label rows that stood twice */
    FAULT_NO_AREA,       /* an annotated box outside of its picture or without area: dropped */
};

struct dataset_problem {
    enum dataset_fault fault;
    const char *path; /* the picture or, of an orphan, the label file */
};

struct dataset_summary {
    int pictures;    /* named by the split */
    int labelled;    /* with at least one label */
    int missing;     /* without a label file: background */
    int empty;       /* with an empty label file (COCO: without annotations): background */
    int corrupt;     /* left out: the picture or its label file is not right, */
    int bad_labels;  /* of these for the label file */
    int repeated;    /* pictures that the split names twice or more, further times: counted once */
    int absent;      /* left out: named in a list or an annotation file, but not there */
    int few;         /* left out: fewer labels than min_items */
    int orphans;     /* label files whose picture is not there (folders only) */
    long duplicates; /* label rows that stood twice and were removed */
    long objects;
    long poses;                           /* label rows whose key points were left aside (kpt_shape) */
    long crowds;                          /* COCO's crowd regions: ignored in COCO's metric, never learned */
    long difficult;                       /* Pascal VOC's difficult objects: the same */
    long flat;                            /* annotated boxes without area inside their picture: dropped */
    const char *const *problems;          /* sentences about corrupt and absent pictures, orphans, duplicates */
    const struct dataset_problem *faults; /* [n_problems]: what each sentence is about */
    int n_problems;                       /* at most DATASET_MAX_PROBLEMS */
    long problem_total;
    const char *const *notes; /* sentences about how the split was found and read */
    int n_notes;
    bool cached;       /* labels came from the cache */
    const char *cache; /* the cache that was written, NULL: none */
};

/* One split in memory; owned by itself, unchanged after loading and safe to read from several threads. */
struct dataset {
    int nc;
    const char *const *names;
    bool named;                   /* names of the YAML or of annotations; false: only a number of classes was given */
    const int *category_ids;      /* [nc] COCO category ids; NULL without COCO annotations */
    struct dataset_image *images; /* sorted by path (COCO annotations: by id) */
    int n_images;
    struct dataset_object *objects;
    size_t n_objects;
    float (*points)[2]; /* corners of polygons, normalised x, y */
    size_t n_points;
    struct dataset_summary summary;
    struct arena arena;
};

struct dataset_options {
    bool single_class;  /* every label gets class 0; nc becomes 1 */
    int min_items;      /* pictures with fewer labels are left out */
    bool no_cache;      /* neither read nor write the cache */
    bool keep_unusable; /* a split of which no picture can be used is no failure: for reports */
    bool no_pixels; /* pictures of annotation files need not be there: their sizes are told. Nothing can be decoded */
    struct team *team; /* checks pictures in parallel; may be NULL */
};

/* E_IO: the split is not there (the sentence names the places looked at); E_FORMAT: no usable picture in it. */
enum status dataset_load(const struct dataset_yaml *yaml, enum dataset_split split,
                         const struct dataset_options *options, struct dataset **out);
void dataset_destroy(struct dataset *d);

/* The summary in words, one line a fact, then the problems (at most `problems` of them). */
enum status dataset_describe(const struct dataset *d, const char *title, int problems, struct buf *out);

/* Of all that batches depend on: file names, sizes, labels. Where the files lie does not matter. */
uint64_t dataset_fingerprint(const struct dataset *d);

/* Rect batches sort by width and height exchanged for EXIF 6 and 8 only, not for 5 and 7 (SPEC 11.3, a habit of the
 * official code). */
void dataset_sorting_size(const struct dataset_image *image, int *w, int *h);

#endif
