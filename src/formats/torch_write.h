/* A file of torch.save, written: a dict of tensors and what is known of them, in a zip archive. Its pickle names
 * nothing but OrderedDict, torch's storages and its function that makes a tensor of one, so that torch.load reads it
 * with weights_only=True too. */
#ifndef Y9_FORMATS_TORCH_WRITE_H
#define Y9_FORMATS_TORCH_WRITE_H

#include "formats/safetensors.h"

struct torch_source {
    const struct safetensor_source *tensors; /* F32, F16 or I64, each in a storage of its own */
    int count;
    const char *const *names; /* of the classes, UTF-8 */
    int n_names;
    int img_h, img_w; /* 0: unknown, not written */
};

/* {"model": OrderedDict of the tensors, "names": {0: ...}, "nc": n, "imgsz": [h, w]}. Equal input gives equal bytes.
 * E_NUMERIC: a number that F16 cannot hold; E_LIMIT: more than a zip archive without extensions takes, 4 GB. */
enum status torch_write(const char *path, const struct torch_source *source);

#endif
