/* yolo9 VERB --help-json: the options of a verb for other programs. */
#ifndef Y9_CLI_OPTIONS_JSON_H
#define Y9_CLI_OPTIONS_JSON_H

#include "cli/options.h"

#include <jansson.h>

/* {"verb", "summary", "positional", "options": [{"name", "aliases", "type", "value", "default", "range": [low, high],
 *   "most", "bare", "choices", "help", "group", "state"} ...], "examples": [line ...]}
 * Keys that say nothing of an option are left out; "type" is flag, integer, number, text, integers, texts or pairs;
 * "state" is used, ignored or refused. A range without an upper end has null there. */
json_t *options_json(const struct verb_spec *spec); /* NULL when short of memory */

#endif
