/* Outputs that the user names, tried before the work begins, so that an hour's work is not lost to a typing error. */
#ifndef Y9_CLI_OUTPUT_H
#define Y9_CLI_OUTPUT_H

#include "core/status.h"

struct output {
    const char *path;      /* NULL and "-" (standard output): nothing to check */
    const char *ending;    /* what files of this kind end in, "onnx"; NULL: any */
    const char *what;      /* "ONNX": the kind, for the sentence; with `ending` */
    const char *inputs[3]; /* files that are read and must not be replaced; NULL where there are fewer */
};

/* Can that file be written? Its folder must be there and take new files, it must be no folder, none of the inputs, and
 * its name must not promise another kind of file. A file of that name may be replaced (core/file.h). Nothing is left
 * behind. The sentence tells what is wrong. */
enum status output_check(const struct output *o);

/* Can project/name be made? The folders that are there already must take new ones. */
enum status output_check_run(const char *project, const char *name);

#endif
