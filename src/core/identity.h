/* What the pictures of one run are called in its results.
 *
 * The identity of a picture is the shortest trailing part of its path that is unique in the run: "frame.jpg", or
 * "a/frame.jpg" where b/frame.jpg takes part too. JSON, JSONL, text files, pictures and crops all use it, so that no
 * two pictures ever share a name. It is made of names and single slashes only, never "." or "..", and does not begin
 * with a slash: it may be used as a path below an output folder. */
#ifndef Y9_CORE_IDENTITY_H
#define Y9_CORE_IDENTITY_H

#include "core/mem.h"

#include <stdint.h>

struct identity {
    const char *name; /* "frame.jpg", "a/frame.jpg" */
    const char *stem; /* the name without its extension ("a/frame"), for files that belong to the picture; the whole
                         name where two pictures differ in their extensions only. As unique as `name`. */
    int64_t number;   /* what the file's stem says where it is all digits ("000000000139.jpg": 139) and no other picture
                         of the run has the same number; else -1 */
    int first;        /* index of the first path of the run that is this very picture; its own index otherwise */
};

/* Identities of `n` paths, as given; out[n] is filled, its strings live in `arena`. Two paths are one picture when they
 * are equal after "." and ".." are resolved in their text: both then have the same identity. E_NOMEM. */
enum status identities_find(const char *const *paths, int n, struct arena *arena, struct identity *out);

/* The number that the file's stem is, "x/000139.jpg": 139; -1 where it is not all digits. */
int64_t identity_number(const char *path);

/* Pictures by any trailing part of their paths, with or without the extension: how results of another tool name them.
 */
struct identity_index {
    int n;
    struct identity_key *names, *stems; /* sorted by their ends */
};
enum { IDENTITY_UNKNOWN = -1, IDENTITY_AMBIGUOUS = -2 };

/* All memory comes from the arena; the paths need not stay. */
enum status identity_index_make(const char *const *paths, int n, struct arena *arena, struct identity_index *out);
/* Index of the only path that ends in these names ("frame.jpg", "frame", "b/frame", "/set/b/frame.jpg"). A path that
 * is wholly what is asked for comes before longer ones. */
int identity_index_find(const struct identity_index *index, const char *text);

#endif
