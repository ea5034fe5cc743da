/* --arch of the figures with random networks: words for the tables that are made for them, or any network. */
#ifndef Y9_CLI_ARCHITECTURES_H
#define Y9_CLI_ARCHITECTURES_H

#include "cli/options.h"

enum { MOST_ARCHITECTURES = 16, MOST_ASKED_DEPTHS = 16, ARCHITECTURE_NAME = 512 };

/* clang-format off */
#define ARCHITECTURES_OPTION(usual) \
    {"arch", NULL, OPTION_STRINGS, NULL, \
     "plainnet, resnet, resnet-relu, cspnet, gelan (also gelan-conv, -res, -dark, -dw), reversible, " \
     "reversible-main, or any network's name or table (default " usual ")"}
/* clang-format on */

struct architectures {
    int n;
    const char *names[MOST_ARCHITECTURES]; /* of tables; into `room`: not to be copied by assignment */
    char room[MOST_ARCHITECTURES][ARCHITECTURE_NAME];
};

/* The words of --arch, or the usual ones. E_USAGE names the word that is none, and the nearest that is. */
enum status architectures_find(const struct options *o, const char *const *usual, int n_usual,
                               struct architectures *out);

/* "features-gelan" is shown as "gelan", another name as it is. In place. */
void architecture_shorten(char *name);

#endif
