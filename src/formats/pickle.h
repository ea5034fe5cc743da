/* Python pickles, protocols 2 to 5, read without Python and without running anything: the reader has no way to call
 * what a pickle names. It builds plain values and inert objects (class, arguments, state); a class or function that
 * is not on a list of harmless ones (SPEC 14) is refused with a sentence that names it.
 *
 * The reader is iterative, its memory is bounded by a multiple of the input's size. The result may be a graph: the
 * same value may be reached twice, even from inside itself, so whoever walks it must bound depth and steps. */
#ifndef Y9_FORMATS_PICKLE_H
#define Y9_FORMATS_PICKLE_H

#include "core/status.h"

#include <stdbool.h>
#include <stdint.h>

enum pickle_type {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_FLOAT,
    PICKLE_STRING, /* text, UTF-8, may hold zero bytes */
    PICKLE_BYTES,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT, /* also OrderedDict and defaultdict: items = key, value, key, value ... in order */
    PICKLE_SET,
    PICKLE_GLOBAL,     /* a class or function: module, name */
    PICKLE_OBJECT,     /* callee(args), then state; entries or elements that were added stand in items */
    PICKLE_PERSISTENT, /* args = the persistent id (torch: a storage) */
};

struct pickle_value {
    enum pickle_type type;
    uint32_t count, capacity; /* of items; bytes of text; pickle_makes() in a PICKLE_GLOBAL */
    union {
        int64_t integer; /* also PICKLE_BOOL */
        double real;
        const char *text; /* count bytes and a zero */
        struct pickle_value **items;
        const char *module; /* PICKLE_GLOBAL: the name stands behind the module's zero byte */
    };
    const struct pickle_value *callee, *args, *state; /* NULL where there is none */
};

enum { PICKLE_MOST = 32 << 20 }; /* bytes of a pickle */

/* Owns every value. */
struct pickle {
    const struct pickle_value *root;
    const struct pickle_value *persistent; /* all persistent ids that were met, a list; NULL: none */
    size_t used;                           /* bytes that it took: another pickle may stand behind it */
    struct pickle_block *blocks;
    size_t memory;
};

/* `name` only appears in sentences; `bytes` is not needed afterwards. On failure the pickle is empty. */
enum status pickle_read(const char *name, const void *bytes, size_t size, struct pickle *pickle);
void pickle_free(struct pickle *pickle);

/* May a pickle name this class or function? Inert all the same: nothing is ever called. */
bool pickle_is_harmless(const char *module, const char *name);
/* What the reader builds where a pickle calls it: one of the few plain containers, else an inert object. */
enum pickle_makes { MAKES_OBJECT, MAKES_ORDERED_DICT, MAKES_DICT, MAKES_SET, MAKES_SIZE, MAKES_BYTES, MAKES_ATTRIBUTE };
enum pickle_makes pickle_makes(const struct pickle_value *global);

const char *pickle_global_name(const struct pickle_value *global); /* of a PICKLE_GLOBAL */
/* True for the global module.name; NULL is fine and false. */
bool pickle_is_global(const struct pickle_value *value, const char *module, const char *name);
/* Of a dict, whose items are key, value, key, value ...; 0 of anything else and of NULL. */
uint32_t pickle_entries(const struct pickle_value *value);
/* Value of a string key in a dict (or among an object's entries); NULL: absent, or no dict. */
const struct pickle_value *pickle_find(const struct pickle_value *dict, const char *key);
/* Attribute of an object: its state's entry. NULL: absent. */
const struct pickle_value *pickle_attribute(const struct pickle_value *object, const char *name);
/* The text of a string without zero bytes; NULL for anything else. */
const char *pickle_text(const struct pickle_value *value);

#endif
