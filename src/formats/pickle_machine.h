/* Inside of formats/pickle: the machine that pickle operations work on, and what they all need of it. */
#ifndef Y9_FORMATS_PICKLE_MACHINE_H
#define Y9_FORMATS_PICKLE_MACHINE_H

#include "formats/pickle.h"

enum { SMALL_INTS = 256 };

struct machine {
    const char *name;
    const unsigned char *start, *p, *end;
    struct pickle *out;
    struct pickle_value **stack, **memo;
    size_t depth, stack_capacity, memo_count, memo_capacity;
    size_t *marks; /* stack depths */
    size_t n_marks, marks_capacity;
    /* values that never change are made once: half of a module tree's values are of these */
    struct pickle_value *none, *truth[2], *empty_tuple, *small[SMALL_INTS];
    struct pickle_value *persistent; /* every one that was met, as a list; NULL: none yet */
    bool stopped;
    enum status fault; /* why take() gave nothing */
};

/* fail(E_FORMAT) with the place in the pickle. */
enum status machine_broken(const struct machine *m, const char *what);
/* Bytes that live as long as the pickle, within its budget; NULL: m->fault says why. */
void *machine_take(struct machine *m, size_t bytes);
enum status machine_make(struct machine *m, enum pickle_type type, struct pickle_value **out);
/* Room for one more element of 8 bytes (a pointer or a size) in *array. */
enum status machine_grow(void *array, size_t count, size_t *capacity);
enum status machine_push(struct machine *m, struct pickle_value *v);
/* Elements behind those of a container. */
enum status machine_append(struct machine *m, struct pickle_value *v, struct pickle_value *const *items, size_t count);

/* pickle_construct.c: push what a class makes of its arguments: nothing is called. */
enum status machine_construct(struct machine *m, struct pickle_value *callee, struct pickle_value *args);
/* Push what a persistent id stands for. */
enum status machine_persistent(struct machine *m, struct pickle_value *id);

#endif
