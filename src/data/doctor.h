/* What is wrong with a data set: findings with counts, examples and what to do about them (docs/DATA.md). Checks of the
 * labels are shared with the opening lines of training; those of the pictures decode every one of them. */
#ifndef Y9_DATA_DOCTOR_H
#define Y9_DATA_DOCTOR_H

#include "data/dataset.h"

#include <jansson.h>
#include <signal.h>

enum doctor_severity { DOCTOR_NOTE, DOCTOR_WARNING, DOCTOR_ERROR, DOCTOR_SEVERITIES };
enum doctor_section {
    DOCTOR_CONFIGURATION,
    DOCTOR_FILES,
    DOCTOR_PICTURES,
    DOCTOR_LABELS,
    DOCTOR_BALANCE,
    DOCTOR_SECTIONS
};

enum finding_kind {
#define FINDING(name, ...) FINDING_##name,
#include "data/doctor.def"
#undef FINDING
    FINDING_KINDS
};

struct finding_rule {
    const char *id;
    enum doctor_section section;
    enum doctor_severity severity; /* a finding's own may be higher */
    bool opening;
    const char *one, *many, *advice;
    const char *tag; /* NULL: nothing can be shown */
};
const struct finding_rule *finding_rule(enum finding_kind kind);
const char *finding_between(enum finding_kind kind); /* the word between two pictures: "a.jpg like b.jpg" */

enum { DOCTOR_MAX_ITEMS = 100000, ITEM_BOXES = 8 };

/* A picture of a split, {-1, -1}: none. */
struct picture_ref {
    int split, image;
};

/* One place where something was found. Texts are owned by the report or by a dataset. */
struct finding_item {
    const char *path;                /* a file, or what else it is about: a class, a split, a key */
    const char *detail;              /* more about it; NULL: nothing */
    bool sentence;                   /* `detail` is a sentence that names the file */
    const char *other_path;          /* the file that it equals; NULL: none */
    struct picture_ref image, other; /* for the sheet */
    int boxes[ITEM_BOXES], n_boxes;  /* the first objects that it is about: numbers within the picture */
};

struct finding {
    enum doctor_severity severity;
    long count;                 /* of what the rule's text names; 0: not found */
    struct finding_item *items; /* the first DOCTOR_MAX_ITEMS places */
    int n_items, capacity;
    long item_total;
};

/* Start from {0} and doctor_report_init. */
struct doctor_report {
    int img; /* image size that the findings are about */
    struct finding findings[FINDING_KINDS];
    const char *left_out[8]; /* sentences about what was not looked at */
    int n_left_out;
    struct arena arena;
};
void doctor_report_init(struct doctor_report *report, int img);
void doctor_report_free(struct doctor_report *report);

/* Count `count` more of a kind, found at `item` (copied; its texts are not). E_NOMEM. */
enum status finding_add(struct doctor_report *report, enum finding_kind kind, long count,
                        const struct finding_item *item);
/* The same about a word: a class, a split, a file outside of the splits; both texts are copied, detail may be NULL. */
enum status finding_add_text(struct doctor_report *report, enum finding_kind kind, const char *path,
                             const char *detail);
int doctor_count(const struct doctor_report *report, enum doctor_severity severity); /* findings of it */
/* "12 boxes under 2 pixels at --img 640", and what to do; appended. */
enum status finding_words(const struct doctor_report *report, enum finding_kind kind, struct buf *out);
enum status finding_advice(const struct doctor_report *report, enum finding_kind kind, struct buf *out);

/* --- checks without pixels: linear in the labels --- */

/* The file, whatever its name; {0, 0}: it is not there. */
struct file_id {
    uint64_t device, inode;
};
int file_id_compare(const struct file_id *a, const struct file_id *b); /* an order, 0: the same file */

/* What is known of a picture's file, once for each picture of a split. */
struct picture_facts {
    struct picture_ref ref;
    struct file_id file;
    uint64_t size, content; /* bytes and, where `read`, a hash of them */
    uint64_t hash;          /* of its look (data/look.h) */
    int same_as;            /* the first of these facts that is of the same file; -1: this is the first */
    bool read, decoded;
    bool flat, grey;  /* where decoded */
    bool alpha;       /* has an alpha channel */
    bool copy;        /* of another picture, byte for byte */
    const char *kind; /* "JPEG"; NULL: not known */
    char *fault;      /* heap sentence: it cannot be decoded */
};

/* The splits that are looked at, and facts of all their pictures in the order of splits and pictures. */
struct doctor_data {
    const struct dataset *splits[SPLIT_COUNT]; /* borrowed; NULL: not there */
    struct picture_facts *facts;
    int n_facts;
    int first[SPLIT_COUNT]; /* number of a split's first facts */
};
/* Which files they are, without reading any. E_NOMEM; `data` can be freed then too. */
enum status doctor_data_init(const struct dataset *const splits[SPLIT_COUNT], struct doctor_data *data);
void doctor_data_free(struct doctor_data *data);
struct picture_facts *doctor_facts(const struct doctor_data *data, struct picture_ref ref);

enum status doctor_check_names(const char *const *names, int nc, struct doctor_report *report);
/* Boxes of every picture (once, however many splits name it) at the report's image size. */
enum status doctor_check_boxes(const struct doctor_data *data, struct doctor_report *report);
/* Boxes that cover another one of their picture. */
enum status doctor_check_overlaps(const struct doctor_data *data, struct doctor_report *report);
/* Labels a class and pictures a split. counts[split][class] is owned by the caller; NULL for splits that are not
 * there. */
enum status doctor_count_labels(const struct dataset *d, long **counts);
enum status doctor_check_balance(const struct doctor_data *data, long *const counts[SPLIT_COUNT],
                                 struct doctor_report *report);

/* Files that two splits name, or one split twice. */
enum status doctor_check_same_files(const struct doctor_data *data, struct doctor_report *report);

/* Do class numbers mean the same in both? E_ARGUMENT with a sentence that names the first that does not. */
enum status doctor_same_classes(const struct dataset *train, const struct dataset *val);

/* What training says before its first epoch, a line a finding, appended to `words`: those of the checks above that
 * matter most. E_ARGUMENT when no training picture has a label. */
enum status doctor_opening(const struct dataset *train, const struct dataset *val, int img, struct buf *words);

/* --- the whole examination --- */

struct doctor_config {
    const char *data; /* the data set's YAML */
    int img;
    bool fast;     /* no decoding */
    bool no_cache; /* as in dataset_options */
    bool progress; /* show a progress bar */
    struct team *team;
    const volatile sig_atomic_t *stop; /* not 0: look at no more pictures; may be NULL */
};

struct doctor {
    struct doctor_config config;
    struct dataset_yaml yaml;
    bool opened; /* the YAML */
    struct dataset *splits[SPLIT_COUNT];
    long *counts[SPLIT_COUNT]; /* [nc] labels a class */
    struct doctor_data data;
    uint8_t (*looks)[256]; /* [n_facts] 16 x 16 mean greys of the pictures that were decoded */
    bool stopped;          /* not all pictures were looked at */
    struct doctor_report report;
};
/* What is wrong with the data is a finding, not a failure: E_NOMEM only. */
enum status doctor_examine(const struct doctor_config *config, struct doctor *d);
void doctor_free(struct doctor *d);

/* A report for people, no line longer than `width` columns where words allow it; the last line is left to the caller.
 */
enum status doctor_write(const struct doctor *d, int width, struct buf *out);
enum status doctor_json(struct doctor *d, const char *sheet, json_t **out);

/* Pictures that something was found about, with the boxes in question. */
bool doctor_has_sheet(const struct doctor *d);
enum status doctor_write_sheet(const struct doctor *d, const char *path);

#endif
