#include "core/library.h"

#include <dlfcn.h>
#include <string.h>

bool library_open(const char *name, const struct library_symbol *symbols, int n)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    bool all = library != NULL;
    for (int i = 0; i < n && all; i++) {
        void *address = dlsym(library, symbols[i].name);
        memcpy(symbols[i].function, &address, sizeof address);
        all = address != NULL;
    }
    return all;
}
