/* yolo9 version: which program this is and what it computes with. */
#include "cli/cli.h"
#include "core/cpu.h"

#include <stdio.h>

static enum status run(const struct options *o)
{
    (void)o;
    printf("yolo9 %s (%s, %s kernels)\n", Y9_VERSION, cpu_name(), cpu_level(cpu_features()));
    return OK;
}

const struct verb_spec verb_version = {
    .name = "version",
    .summary = "version, processor and kernels",
    .example = "yolo9 version",
    .run = run,
};
