/* weights/: the weight files that people have, of whichever program, and the one that we write.
 *
 * A weight file made into a network: its table, graphs, parameters and class names.
 *
 * A file is in training form (BN beside the convolutions; official .pt of either numbering, our own safetensors) or
 * folded (deployed safetensors). From a training form both graphs are filled; a folded file fills the deployed one.
 * Head widths and groups follow the tensors' shapes (SPEC 14.1). */
#ifndef Y9_WEIGHTS_WEIGHTS_H
#define Y9_WEIGHTS_WEIGHTS_H

#include "model/model.h"
#include "weights/checkpoint.h"
#include "weights/network.h"
#include "weights/report.h"

struct weights {
    struct table table;
    struct model_options options; /* widths and classes that the tensors chose */
    struct graph training;
    const struct model_row *rows; /* of the training graph, owned by it */
    float *params;                /* training form; NULL when the file is folded */
    struct graph deployed;
    float *deployed_params; /* NULL until weights_deploy, unless the file is folded */
    bool eight_bit;         /* the deployed graph says what runs in 8 bits (struct conv_quant): `yolo9 quantize` */
    char **names;           /* nc class names, owned */
    int nc;
    int img_h, img_w; /* the image size that it was trained at; 0: unknown */
    char *recipe;     /* JSON text: what it was trained with (checkpoint.h); NULL: unknown. Owned */
};

/* `cfg` (a built-in table's name or a table file) wins over the table in the file; NULL: from the file, else found
 * by the tensors' names and shapes. Every parameter must be in the file: E_SHAPE tells what is missing. `report`
 * (may be NULL; start from {0}) gets what did not match. Release with weights_free, also after a failure. */
enum status weights_load(const char *path, const char *cfg, struct weights *out, struct weights_report *report);
/* The same from a file in memory, borrowed for the call; `name` is for sentences. */
enum status weights_load_memory(const char *name, const void *bytes, size_t size, const char *cfg, struct weights *out);
void weights_free(struct weights *w);

/* The network of a table with first values drawn from `seed` and classes named "0", "1" ...; nc 0: the table's. */
enum status weights_random(const char *cfg, int nc, uint64_t seed, struct weights *out);

/* Rows and columns of the images that it was trained at, rounded up to what the network takes (its largest stride).
 * False: it does not know, and they are 640. */
enum {
    WEIGHTS_IMG_DEFAULT = 640,
    WEIGHTS_IMG_COARSE = 1280, /* of networks with a level of stride 64, which are made for large images */
};
bool weights_image_size(const struct weights *w, int *height, int *width);

/* Fill `deployed_params` from `params` (again: after a change of them). */
enum status weights_deploy(struct weights *w);
/* Drop the training form's values: inference needs the deployed ones only. */
void weights_drop_training(struct weights *w);
/* Drop the deployed values too: a network has packed them in its own form. */
void weights_drop_deployed(struct weights *w);

/* Take what fits by name and shape from a checkpoint into the parameter block of a training-form graph: the start of
 * fine-tuning. The rest of the block stays as it is. `rows` (g->head.nc; NULL: all as they are) gives for each class
 * the one of the file whose outputs it takes; -1: none, its outputs stay as they are. */
enum status weights_transfer(const struct checkpoint *c, const struct graph *g, float *params, const int *rows,
                             struct weights_report *report);

/* --- writing: safetensors with the table, the class names and the form in its metadata --- */
struct weights_meta {
    const struct table *table; /* of the form that is written */
    const char *const *names;
    int nc;
    int img_h, img_w;   /* 0: unknown, not written */
    const char *recipe; /* NULL: unknown, not written */
    bool deployed;
    bool half;      /* floating values as F16 */
    bool eight_bit; /* convolutions whose conv_quant is on as I8 with their scales; deployed only */
};
/* The parameters of `g` in their order. Equal input, equal bytes. */
enum status weights_write(const char *path, const struct graph *g, const float *params,
                          const struct weights_meta *meta);

/* The metadata of such a file, text owned by `memory`: what every file that holds a network says of it. */
enum { WEIGHTS_METADATA = 6 };
enum status weights_metadata(const struct weights_meta *meta, struct arena *memory,
                             struct safetensors_text out[WEIGHTS_METADATA], int *count);

/* Write a loaded model, with what it remembers of its training: in training form, or deployed. E_ARGUMENT if a folded
 * file is asked for its training form. */
enum status weights_save(const char *path, const struct weights *w, bool deployed, bool half);
/* Write the training form for PyTorch: official names, BN counters (0) and an anchor head's buffers beside the
 * parameters (formats/torch_write.h). E_ARGUMENT where the training form is gone. */
enum status weights_save_torch(const char *path, const struct weights *w, bool half);
/* Write the deployed form with 8-bit weights where the graph's conv_quant is on; a quarter of the size. */
enum status weights_save_eight_bit(const char *path, const struct weights *w);

#endif
