/* Activations: the list of act.def as numbers. */
#ifndef Y9_KERNELS_ACT_H
#define Y9_KERNELS_ACT_H

enum act {
#define ACTIVATION(id, ...) ACT_##id,
#include "kernels/act.def"
#undef ACTIVATION
    ACT_COUNT
};
_Static_assert(ACT_NONE == 0, "what sets no activation has none");

/* The `acts` of a kernel that has every row: bit ACT_id each. */
_Static_assert(ACT_COUNT < 31, "kernels/act.def has more rows than `acts` (an int's positive half) has bits");
enum { ACTS_ALL = (1 << ACT_COUNT) - 1 };

/* "SiLU", for reports and messages; "unknown" beyond the list. */
static inline const char *act_name(enum act act)
{
    static const char *const names[] = {
#define ACTIVATION(id, form, parameter, name, ...) [ACT_##id] = name,
#include "kernels/act.def"
#undef ACTIVATION
    };
    return (unsigned)act < ACT_COUNT ? names[act] : "unknown";
}

#endif
