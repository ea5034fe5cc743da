/* A file of torch.save in its zip form: a pickle whose tensors lie in members of the archive (SPEC 14).
 * Stored members are borrowed from the file's mapping, so opening copies no tensor. */
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

struct torch_file {
    const char *name; /* borrowed from the archive */
    struct pickle pickle;
    struct zipfile zip;
    struct file_map map;
    char *prefix; /* "<stem>/" in front of the members' names */
};

/* On failure the handle is empty. */
enum status torch_file_open(const char *path, struct torch_file *file);
/* `bytes` is borrowed and must outlive the handle. */
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
