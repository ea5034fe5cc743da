/* Libraries that are opened when they are first needed, so that a start of the program does not pay for them. They stay
 * for the whole process. */
#ifndef Y9_CORE_LIBRARY_H
#define Y9_CORE_LIBRARY_H

#include <stdbool.h>

struct library_symbol {
    void *function; /* a pointer to the function pointer to set */
    const char *name;
};

/* For a list X(function) of a library's functions: the members of a structure of pointers to them, and the rows that
 * library_open fills it by. */
#define LIBRARY_POINTER(function) __typeof__(function) *function;
#define LIBRARY_ROW(function)     {&library.function, #function},

/* Open the shared library (by the name of its binary interface, "libtiff.so.6") and look up all of the n symbols.
 * False when it or one of them is not there. */
bool library_open(const char *name, const struct library_symbol *symbols, int n);

#endif
