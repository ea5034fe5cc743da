/* A network as a table (YAML), one row a block, in the row form of the official repository:
 *
 *   nc: 80
 *   depth_multiple: 1.0
 *   width_multiple: 1.0
 *   anchors: 3                                 # of an anchor head: [[10,13, 16,30, 33,23], ...], pixels, one a level
 *   activation: nn.SiLU()                      # optional; texts of kernels/act.def
 *   backbone:
 *     - [-1, 1, Conv, [64, 3, 2]]
 *     - [-1, 1, RepNCSPELAN4, [256, 128, 64, 1], B2]   # an optional fifth element is the row's tag
 *   head:
 *     - [[-1, B2], 1, Concat, [1]]
 *     - [[P3, P4, P5], 1, DDetect, [nc]]
 *
 * `from` is -1 (the row before; for row 0 the image), relative (-2 ...), an absolute row, a tag, or a list of them.
 * Keys of our own, all optional: reg_max, and class_width, box_width, box_groups (a number, or a list with one a head
 * branch, null for the formula) and class_tower (plain or light, or such a list) that choose what SPEC 3 has formulas
 * for; family (model/family.h) says whose formulas those are. A table with the key base has the rows and keys of that
 * built-in table, and no rows of its own; its other keys win.
 * In place of the two multiples a table may have `scales: {n: [depth, width, max_channels], ...}`, one network a
 * letter. `scale: n` chooses; without it the letter in the file's name does (yolov8s.yaml), else the first. A table
 * without `family` is ultralytics' if it has scales or a C2f row, or if its head is Detect and depth_multiple,
 * width_multiple and anchors are all absent, which the official program needs; else official.
 *
 * A table knows nothing of modules: model/modules.h gives its rows a meaning. */
#ifndef Y9_MODEL_TABLE_H
#define Y9_MODEL_TABLE_H

#include "core/buf.h"
#include "core/mem.h"
#include "graph/graph.h"
#include "model/head.h"

enum {
    TABLE_MAX_ROWS = 1000,
    TABLE_MAX_FROM = 16,
    TABLE_MAX_ARGS = 16,
    TABLE_MAX_TAG = 31, /* characters */
    TABLE_MAX_BYTES = 1 << 20,
    FROM_PREVIOUS = -1,
};

enum arg_kind { ARG_NONE, ARG_BOOL, ARG_NUMBER, ARG_TEXT, ARG_LIST };

struct arg {
    enum arg_kind kind;
    double number;    /* ARG_NUMBER, ARG_BOOL (0 or 1) */
    const char *text; /* ARG_TEXT: as written; names and arithmetic are evaluated when a model is built */
    int n;            /* ARG_LIST */
    const struct arg *items;
};

struct table_row {
    int line;
    int n_from, from[TABLE_MAX_FROM]; /* FROM_PREVIOUS, or an earlier row */
    int repeats;
    const char *module; /* as written: "nn.Upsample" */
    int n_args;
    const struct arg *args;
    const char *tag; /* NULL if it has none */
};

struct table {
    struct arena arena; /* owns everything below */
    const char *source; /* file name, or "yolov9-t (built in)": for messages */
    const char *name;   /* "yolov9-t" */
    int nc, ch;
    int anchors;       /* boxes a cell of an anchor head; anchor-free heads have the key by custom and ignore it */
    int anchor_levels; /* levels that `anchor` is filled for; 0: the key was a number, or absent */
    float anchor[MAX_LEVELS][MAX_ANCHORS][2]; /* width, height in pixels of the network's input, finest level first */
    double depth_multiple, width_multiple;
    int max_channels;  /* no width is more before it is scaled; 0: no limit */
    const char *scale; /* key of `scales` that was taken; NULL where the table has none */
    enum act activation;
    bool has_activation; /* the key is there */
    int reg_max;         /* FROM_FORMULA where the key is absent */
    const struct family *family;
    bool family_guessed; /* by keys that are missing: who gave the table should hear of it */
    struct head_shape head[MAX_BRANCHES];
    int n_rows, n_backbone;
    struct table_row *rows;
};

/* Each of these fills *out (released with table_free) or leaves nothing to release. E_FORMAT sentences are
 * "source:line: sentence". */
enum status table_read(const char *text, size_t size, const char *source, struct table *out);
enum status table_load(const char *path, struct table *out);
/* A built-in table's name, or else the path of a file. */
enum status table_open(const char *name_or_path, struct table *out);
/* Another name than that of the file it came from. */
enum status table_set_name(struct table *t, const char *name);
/* Other anchors for an anchor head: `from`'s n_anchors and anchor, of n_levels levels. Models that are built from the
 * table have them from then on, and they are saved with it. E_ARGUMENT for too many, or sizes that are not above 0. */
enum status table_set_anchors(struct table *t, int n_levels, const struct head *from);
void table_free(struct table *t);

bool table_has_module(const struct table *t, const char *module);

/* Text of a built-in table; NULL if there is none of that name. */
const char *model_find_table(const char *name);

/* The table as YAML text that table_read understands. */
enum status table_write(const struct table *t, struct buf *out);

/* Row that `from[i]` of row `row` means; -1: the image. */
static inline int table_source_row(const struct table *t, int row, int i)
{
    int from = t->rows[row].from[i];
    return from == FROM_PREVIOUS ? row - 1 : from;
}

/* fail(code, "source:line: row N (Module): sentence") */
enum status table_fail(const struct table *t, int row, enum status code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
