/* One door for weight files: official checkpoints (.pt: torch's zip with a pickle, SPEC 14) and safetensors, told
 * apart by their content. It says what the file holds; which network that is and where each tensor goes is model/'s
 * and weights/'s business.
 *
 * Everything is owned by the checkpoint and dies with checkpoint_close; tensor data is borrowed from the mapped file.
 *
 * Metadata of our own safetensors, all text and all optional:
 *   yolo9.form      "training" or "deployed"          yolo9.table    the network table, YAML
 *   yolo9.names     class names, JSON list            yolo9.strides  of the head's levels, JSON list
 *   yolo9.network   the network's name             yolo9.img      rows and columns it was trained at, "480 640"
 *   yolo9.recipe    what it was trained with, JSON: hyper-parameters, epochs, batch, seed ... (train/run_options.h);
 *                   no path, date or number of threads is among it, so that equal training gives equal bytes
 *   yolo9.epoch, yolo9.updates, yolo9.best_fitness    numbers        yolo9.options  training options, YAML
 *   yolo9.date      text
 * Tensors named "ema.<name>" beside "<name>" are the EMA of the same network: they form the model `ema`. */
#ifndef Y9_WEIGHTS_CHECKPOINT_H
#define Y9_WEIGHTS_CHECKPOINT_H

#include "formats/dtype.h"
#include "formats/safetensors.h"
#include "formats/torch_file.h"

enum { CHECKPOINT_RANK = 8, CHECKPOINT_IMG_MOST = 8192 };

enum checkpoint_kind { CHECKPOINT_TORCH, CHECKPOINT_SAFETENSORS };

/* What kind of entry of the state dict a tensor is; safetensors do not say (CHECKPOINT_UNKNOWN). */
enum checkpoint_role {
    CHECKPOINT_UNKNOWN,
    CHECKPOINT_BUFFER,      /* running statistics and their counter */
    CHECKPOINT_BIAS,        /* the official optimizer's group 0 */
    CHECKPOINT_WEIGHT,      /* group 1: weight decay */
    CHECKPOINT_NORM_WEIGHT, /* group 2: BN gamma, YOLOv7's implicit vectors */
};

struct checkpoint_tensor {
    const char *name; /* state_dict name: model.<row>. ... */
    enum dtype dtype;
    enum checkpoint_role role;
    int rank;
    size_t shape[CHECKPOINT_RANK], stride[CHECKPOINT_RANK]; /* strides in elements */
    size_t count;
    bool contiguous, requires_grad;
    const unsigned char *data; /* NOT aligned; read through checkpoint_read_f32 */
};

enum { ACTIVATION_ROWS = 1000 };

/* What the objects of a pickled network say of its convolutions (weights/activations.h). All zero: there are none. */
struct checkpoint_activations {
    const char *common;    /* "nn.SiLU()": what all have that have one */
    const char *odd;       /* "model.3.cv2 has nn.ReLU()": the first that has another one; NULL: none has */
    const char **of_row;   /* [ACTIVATION_ROWS] the other one of a row that is a convolution; NULL (also all): none */
    int plain[8], n_plain; /* rows whose cv1 has none */
};

struct checkpoint_model {
    struct checkpoint_tensor *tensors; /* in the order of the state dict */
    int count;
    struct checkpoint_tensor **sorted; /* by name */
    const char *class_name;            /* "models.yolo.DetectionModel"; NULL for safetensors and bare state dicts */
    const char *family;                /* whose rules its table follows (model/family.h); NULL: not told */
    const char *head_class;            /* class of the last row: "DualDDetect"; NULL likewise */
    const char *table_text;            /* network table as YAML, with nc, ch and activation where given; NULL: none */
    const char *const *names;          /* class names */
    int n_names;                       /* 0: none in the file */
    int nc;                            /* -1: the file does not say */
    const double *strides;             /* of the head's levels */
    int n_strides;                     /* 0: none in the file */
    const int *save;                   /* rows whose output is kept (official attribute) */
    int n_save;
    struct checkpoint_activations activations;
};

/* Optimizer of an official checkpoint that was not stripped. */
struct checkpoint_group {
    double lr, momentum, weight_decay, initial_lr; /* NaN: not there */
    bool nesterov;
    int first, count; /* its parameters' indices */
};
struct checkpoint_slot {
    int index;        /* parameter index, counted through the groups */
    const char *name; /* the parameter's state_dict name, by the official grouping; NULL: shapes disagree */
    double step;      /* Adam's; NaN: not there */
    struct checkpoint_tensor momentum, exp_avg, exp_avg_sq; /* count 0 and data NULL: not there */
};

struct checkpoint {
    const char *path;
    enum checkpoint_kind kind;
    const struct checkpoint_model *model;     /* the one to use: ema if there is one, else raw (SPEC 14) */
    const struct checkpoint_model *raw, *ema; /* NULL: not there */
    bool from_ema;
    bool stripped;            /* of what only a training needs: official code and Ultralytics leave the average then */
    int img_h, img_w;         /* the image size that it was trained at; 0: the file does not say */
    const char *network;      /* name of the network as the metadata says; NULL: it does not */
    const char *package;      /* who wrote it: "the Ultralytics package 8.3.0"; NULL: unknown */
    bool reordered;           /* rows of both branches are in the order of the official training form (rename.h) */
    const char *lightning;    /* version of Lightning that wrote it; NULL: none did */
    const char *recipe;       /* JSON text: what the training was; NULL: unknown */
    const char *form;         /* "training" or "deployed" as the metadata says; NULL: it does not */
    int epoch;                /* -1: stripped or unknown */
    long updates;             /* of the EMA; -1: unknown */
    double best_fitness;      /* NaN: unknown */
    const char *date;         /* NULL: unknown */
    const char *options_text; /* training options as YAML; NULL: none */
    const struct checkpoint_group *groups;
    int n_groups; /* 0: no optimizer */
    const struct checkpoint_slot *slots;
    int n_slots;
    const struct safetensors_text *metadata; /* all of a safetensors file's */
    int n_metadata;

    struct arena arena;
    struct torch_file torch;
    struct safetensors safetensors;
};

/* On failure the checkpoint is empty; closing it again is harmless. */
enum status checkpoint_open(const char *path, struct checkpoint *ckpt);
/* `bytes` is borrowed and must outlive the checkpoint; `name` is for sentences. */
enum status checkpoint_open_memory(const char *name, const void *bytes, size_t size, struct checkpoint *ckpt);
void checkpoint_close(struct checkpoint *ckpt);

const struct checkpoint_tensor *checkpoint_find(const struct checkpoint_model *model, const char *name);
const char *checkpoint_metadata(const struct checkpoint *ckpt, const char *key); /* NULL: absent */

/* All elements in row-major order as float32; dst holds t->count. */
void checkpoint_read_f32(const struct checkpoint_tensor *t, float *dst);

#endif
