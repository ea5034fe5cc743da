/* What a plain YAML scalar means; shared by reader and writer. */
#ifndef Y9_FORMATS_YAML_SCALAR_H
#define Y9_FORMATS_YAML_SCALAR_H

#include "formats/yaml.h"

enum yaml_type yaml_resolve(const char *text);
bool yaml_is_true(const char *text);                   /* of a YAML_BOOL */
bool yaml_parse_double(const char *text, double *out); /* of a YAML_INT or YAML_FLOAT; independent of the locale */

#endif
