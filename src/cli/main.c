/* yolo9 VERB [options] [arguments]: finds the verb, runs it, and sees that its output arrived. */
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "core/cpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct verb {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};

static const struct verb verbs[] = {
#define VERB(name, summary) {#name, summary, verb_##name},
#include "cli/verbs.def"
#undef VERB
    {NULL, NULL, NULL},
};

static void print_usage(FILE *stream)
{
    fprintf(stream, "yolo9: YOLOv9 in C: train, evaluate, run.\n\n"
                    "Usage: yolo9 VERB [options] [arguments]\n"
                    "       yolo9 VERB --help\n"
                    "       yolo9 --version\n\nVerbs:\n");
    for (const struct verb *v = verbs; v->name; v++)
        fprintf(stream, "  %-10s %s\n", v->name, v->summary);
}

static int unknown_verb(const char *word)
{
    const char *names[COUNT(verbs)] = {NULL};
    int n = 0;
    for (const struct verb *v = verbs; v->name; v++)
        names[n++] = v->name;
    const char *near = nearest_name(word, names, n);
    if (near)
        fprintf(stderr, "yolo9: unknown verb '%s'; did you mean %s?\n", word, near);
    else
        fprintf(stderr, "yolo9: unknown verb '%s'; yolo9 --help lists the verbs\n", word);
    return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_usage(stdout);
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("yolo9 %s (%s, %s kernels)\n", Y9_VERSION, cpu_name(), cpu_level(cpu_features()));
        return EXIT_DONE;
    }
    for (const struct verb *v = verbs; v->name; v++) {
        if (!strcmp(argv[1], v->name))
            return v->run(argc - 1, argv + 1);
    }
    return unknown_verb(argv[1]);
}

int main(int argc, char **argv)
{
    interrupt_start();
    int code = run(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_DONE) {
        fprintf(stderr, "yolo9: standard output: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    return code;
}
