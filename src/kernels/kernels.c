#include "kernels/kernels.h"

#include "core/cpu.h"

#include <pthread.h>

#define KERNEL(slot, variant, needs, tolerance) extern const struct slot##_kernel variant;
#include "kernels/kernels.def"
#undef KERNEL

enum { MAX_TABLES = 64 }; /* one a combination of the six features */

static void fill(struct kernels *t, unsigned asked)
{
    unsigned have = t->features = asked & cpu_features();
    t->asked = asked;
#define KERNEL(slot, variant, needs, tolerance)          \
    if ((have & (unsigned)(needs)) == (unsigned)(needs)) \
        t->slot = &variant;
#include "kernels/kernels.def"
#undef KERNEL
}

const struct kernels *kernels_for(unsigned features)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct kernels tables[MAX_TABLES];
    static int n_tables;
    features &= MAX_TABLES - 1;
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < n_tables && tables[i].asked != features)
        i++;
    if (i == n_tables)
        fill(&tables[n_tables++], features);
    pthread_mutex_unlock(&lock);
    return &tables[i];
}
