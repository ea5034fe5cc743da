/* Inputs that a command line names are looked for before any work: a mistyped network or a file that is not there is
 * told at once, not after a dataset was read. */
#ifndef Y9_CLI_INPUTS_H
#define Y9_CLI_INPUTS_H

#include "cli/options.h"

/* Every value that is VALUE_WEIGHTS, VALUE_DATA or VALUE_NETWORK. What was written is replaced by what was found:
 * the built-in network for the official repository's path of it ("models/detect/yolov9-c.yaml"), the YAML for the
 * folder of a dataset. E_USAGE: no such network, or a folder with no YAML or several; E_IO: a file is not there. */
enum status inputs_check(struct options *o);

#endif
