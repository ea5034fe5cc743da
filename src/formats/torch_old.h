/* Inside of formats/torch_file: PyTorch's layout from before version 1.6, which its old flag still writes. Four pickles
 * one after the other (a magic number, a version, the machine that wrote it, the object), a fifth with the keys of the
 * storages, then for each key 8 bytes with its number of elements and the elements. Nothing is packed or aligned. */
#ifndef Y9_FORMATS_TORCH_OLD_H
#define Y9_FORMATS_TORCH_OLD_H

#include "formats/torch_file.h"

bool torch_old_probe(const void *bytes, size_t size); /* begins like one */

/* Fill file->pickle and file->storages. `bytes` is borrowed. */
enum status torch_old_open(struct torch_file *file, const void *bytes, size_t size);

/* The storage that a persistent id means, or the window of it. E_FORMAT: the file has none of that key. */
enum status torch_old_storage(const struct torch_file *file, const struct pickle_value *id, const char *what,
                              struct torch_storage *out);

/* torch_storage.c, for both layouts. */
enum { TORCH_KEY_MOST = 64 }; /* characters of a storage's key: usually a number */
/* Of a class torch.<T>Storage. False: its elements are not supported. */
bool torch_storage_type(const struct pickle_value *class, enum dtype *out);
/* A storage's key: a short text. NULL: it is none. */
const char *torch_storage_key(const struct pickle_value *value);

#endif
