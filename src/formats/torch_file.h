/* A file of torch.save: a pickle whose tensors lie in members of a zip archive (SPEC 14), or, in the layout from before
 * PyTorch 1.6, one after the other behind it. Members that are not packed and storages of the old layout are borrowed
 * from the file's mapping, so opening copies no tensor. */
#ifndef Y9_FORMATS_TORCH_FILE_H
#define Y9_FORMATS_TORCH_FILE_H

#include "core/file.h"
#include "formats/dtype.h"
#include "formats/pickle.h"
#include "formats/zipfile.h"

enum { TORCH_RANK = 8 };

struct torch_tensor {
    enum dtype dtype;
    int rank;                                     /* 0 = a single element */
    size_t shape[TORCH_RANK], stride[TORCH_RANK]; /* strides in elements */
    size_t count;                                 /* elements; never more than the storage holds */
    bool contiguous;                              /* row-major without gaps */
    bool parameter, requires_grad;
    const unsigned char *data; /* first element; borrowed from the file; NOT aligned */
};

/* The elements of one or many tensors. */
struct torch_storage {
    const char *key;
    enum dtype dtype;
    bool typed; /* dtype is known */
    const unsigned char *data;
    size_t count;
};

struct torch_file {
    const char *name; /* owned */
    struct pickle pickle;
    struct zipfile zip;
    struct torch_storage *storages; /* of the old layout, sorted by key; NULL: a zip archive */
    int n_storages;
    struct pickle keys; /* of the storages; their texts */
    struct file_map map;
    struct arena arena;
    char *prefix; /* "<stem>/" in front of the members' names; NULL: the old layout */
};

/* `bytes` is borrowed and must outlive the handle. On failure the handle is empty. */
enum status torch_file_open_memory(const char *name, const void *bytes, size_t size, struct torch_file *file);
void torch_file_close(struct torch_file *file);

/* Is the value a tensor or a parameter (of any dtype)? */
bool torch_is_tensor(const struct pickle_value *value);
/* Resolve it: dtype, shape and strides checked against its storage. `what` names it in sentences. */
enum status torch_file_tensor(struct torch_file *file, const struct pickle_value *value, const char *what,
                              struct torch_tensor *out);

/* All elements in row-major order; dst holds t->count. */
void torch_tensor_read_f32(const struct torch_tensor *t, float *dst);

/* A number kept as int, float, bool, numpy scalar or numpy array of one element; false: none of them. */
bool torch_number(const struct pickle_value *value, double *out);

#endif
