#include "weights/checkpoint.h"

#include "weights/checkpoint_parts.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <string.h>

/* safetensors begin with a length below 2^32 and then a brace */
static bool looks_like_safetensors(const unsigned char *bytes, size_t size)
{
    return size >= 9 && memcmp(bytes + 4, "\0\0\0\0{", 5) == 0;
}

/* What is often found under the name of a weight file; the sentence says which it is. */
static enum status refuse_kind(const char *path, const unsigned char *bytes, size_t size)
{
    static const struct {
        const char *magic;
        size_t at, n;
        const char *words;
    } kinds[] = {
        {"ustar", 257, 5, "a tar archive; PyTorch wrote such checkpoints until 2017, which are too old"},
        {"version https://git-lfs", 0, 23,
         "a Git LFS pointer, not the weights it stands for; git lfs pull fetches them"},
        {"<", 0, 1, "a web page or XML, not weights; the download went wrong"},
        {"{", 0, 1, "a JSON text, not weights"},
        {"\x1F\x8B", 0, 2, "a gzip archive; unpack it first"},
        {"\x89HDF", 0, 4, "an HDF5 file (Keras); only PyTorch and safetensors files are read"},
        {"TFL3", 4, 4, "a TensorFlow Lite model; only PyTorch and safetensors files are read"},
        {"GGUF", 0, 4, "a GGUF file; only PyTorch and safetensors files are read"},
        {"ftrt", 0, 4, "a TensorRT engine; only PyTorch and safetensors files are read"},
        {"\x08", 0, 1, "it looks like an ONNX model; only the PyTorch or safetensors weights it was made of are read"},
    };
    size_t blanks = size >= 3 && !memcmp(bytes, "\xEF\xBB\xBF", 3) ? 3 : 0;
    while (blanks < size && isspace(bytes[blanks]))
        blanks++;
    if (!size)
        return fail(E_FORMAT, "%s: the file is empty", path);
    if (blanks < size && (bytes[blanks] == '<' || bytes[blanks] == '{')) {
        bytes += blanks;
        size -= blanks;
    }
    for (int i = 0; i < COUNT(kinds); i++)
        if (size >= kinds[i].at + kinds[i].n && !memcmp(bytes + kinds[i].at, kinds[i].magic, kinds[i].n))
            return fail(E_UNSUPPORTED, "%s: %s", path, kinds[i].words);
    return fail(E_FORMAT, "%s: neither a PyTorch checkpoint nor a safetensors file", path);
}

static enum status read_any(struct checkpoint *ckpt, const unsigned char *bytes, size_t size)
{
    enum status rc;
    if (looks_like_safetensors(bytes, size)) {
        ckpt->kind = CHECKPOINT_SAFETENSORS;
        rc = safetensors_open_memory(ckpt->path, bytes, size, &ckpt->safetensors);
        return rc == OK ? checkpoint_read_safetensors(ckpt) : rc;
    }
    if (zipfile_probe(bytes, size) || (size && bytes[0] == 0x80)) {
        ckpt->kind = CHECKPOINT_TORCH;
        rc = torch_file_open_memory(ckpt->path, bytes, size, &ckpt->torch);
        return rc == OK ? checkpoint_read_torch(ckpt) : rc;
    }
    return refuse_kind(ckpt->path, bytes, size);
}

enum status checkpoint_open_memory(const char *name, const void *bytes, size_t size, struct checkpoint *ckpt)
{
    *ckpt = (struct checkpoint){.epoch = -1, .updates = -1, .best_fitness = NAN};
    arena_init(&ckpt->arena);
    ckpt->path = arena_strdup(&ckpt->arena, name);
    enum status rc = ckpt->path ? read_any(ckpt, bytes, size) : E_NOMEM;
    if (rc != OK) {
        checkpoint_close(ckpt);
        return rc;
    }
    ckpt->from_ema = ckpt->ema != NULL;
    ckpt->model = ckpt->ema ? ckpt->ema : ckpt->raw;
    assert(ckpt->model);
    return OK;
}

enum status checkpoint_open(const char *path, struct checkpoint *ckpt)
{
    struct file_map map;
    *ckpt = (struct checkpoint){0};
    enum status rc = file_map_open(path, &map);
    if (rc != OK)
        return rc;
    rc = checkpoint_open_memory(path, map.data, map.size, ckpt);
    if (rc != OK)
        file_map_close(&map);
    else if (ckpt->kind == CHECKPOINT_TORCH) /* the file's handle closes the mapping */
        ckpt->torch.map = map;
    else
        ckpt->safetensors.map = map;
    return rc;
}

void checkpoint_close(struct checkpoint *ckpt)
{
    arena_free(&ckpt->arena);
    torch_file_close(&ckpt->torch);
    safetensors_close(&ckpt->safetensors);
    *ckpt = (struct checkpoint){0};
}
