/* Options of the official scripts that mean nothing here, as far as several verbs share them. */
#ifndef Y9_CLI_OFFICIAL_H
#define Y9_CLI_OFFICIAL_H

#include "cli/options.h"

/* clang-format off */
#define OFFICIAL_DEVICE \
    {"device", NULL, OPTION_STRING, NULL, "this program computes on the CPU", .value = VALUE_NAME, \
     .state = OPTION_IGNORED}
#define OFFICIAL_DNN \
    {"dnn", NULL, OPTION_FLAG, NULL, "networks are run by this program itself", .state = OPTION_IGNORED}
#define OFFICIAL_AUGMENT \
    {"augment", NULL, OPTION_FLAG, NULL, "detection at several sizes and mirrored would give other boxes", \
     .state = OPTION_REFUSED}
/* clang-format on */

#endif
