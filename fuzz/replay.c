/* Runs a fuzz target over files without libFuzzer, so that the targets are ordinary tests:
 *
 *   replay_pt [-m N] FILE|FOLDER...
 *
 * Each file is given as it is and, with -m, in N damaged copies (bytes changed, cut or repeated, the same ones in
 * every run). A target that finds a fault aborts; sanitizers find the rest. */
#include "target.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The target sees a block of exactly `size` bytes, so that a sanitizer sees every step beyond it. */
static void give(const void *bytes, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void damage(struct rng *rng, const struct buf *file, struct buf *out)
{
    static const unsigned char favourites[] = {0, 1, 0x7f, 0x80, 0xff, '"', '[', '(', '.', 't'};
    out->size = 0;
    if (buf_append(out, file->data, file->size) != OK)
        abort();
    size_t first = (size_t)rng_below(rng, file->size), n = (size_t)rng_below(rng, file->size - first) + 1;
    switch (rng_below(rng, 4)) {
    case 0: /* cut */
        out->size = first;
        break;
    case 1: /* repeat a piece at the end */
        if (buf_append(out, file->data + first, n) != OK)
            abort();
        break;
    case 2: /* leave a piece out */
        memmove(out->data + first, out->data + first + n, out->size - first - n);
        out->size -= n;
        break;
    default:
        break;
    }
    for (uint64_t i = rng_below(rng, 8); out->size && i > 0; i--)
        out->data[rng_below(rng, out->size)] = (char)favourites[rng_below(rng, COUNT(favourites))];
}

static int run_file(const char *path, int damaged)
{
    struct buf file = {0}, copy = {0};
    struct rng rng = rng_seed(rng_hash(path_name(path)), 0, 0);
    if (file_read(path, (size_t)64 << 20, &file) != OK) {
        fprintf(stderr, "%s\n", fail_text());
        return 1;
    }
    give(file.data, file.size);
    for (int i = 0; i < damaged && file.size; i++) {
        damage(&rng, &file, &copy);
        give(copy.data, copy.size);
    }
    buf_free(&file);
    buf_free(&copy);
    return 0;
}

static int run_folder(const char *folder, int damaged, int *files)
{
    char **names;
    int count, bad = 0;
    if (path_list(folder, &names, &count) != OK) {
        fprintf(stderr, "%s\n", fail_text());
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char *path = path_join(folder, names[i]);
        if (!path)
            abort();
        bad |= run_file(path, damaged);
        mem_free(path);
    }
    *files += count;
    path_list_free(names, count);
    return bad;
}

int main(int argc, char **argv)
{
    int damaged = 0, files = 0, bad = 0, first = 1;
    if (argc > 2 && strcmp(argv[1], "-m") == 0) {
        damaged = atoi(argv[2]);
        first = 3;
    }
    for (int i = first; i < argc; i++) {
        if (path_is_folder(argv[i])) {
            bad |= run_folder(argv[i], damaged, &files);
        } else {
            bad |= run_file(argv[i], damaged);
            files++;
        }
    }
    bad |= files == 0;
    printf("%s  replay: %d files, %d damaged copies of each\n", bad ? "fail" : "pass", files, damaged);
    return bad;
}
