/* A folder for the files of a data set that a test makes, and loading it. */
#ifndef Y9_TESTS_DATASET_FILES_H
#define Y9_TESTS_DATASET_FILES_H

#include "data/dataset.h"

struct place {
    char folder[256];
};

/* cmocka's set-up and tear-down: *state is a struct place of a new folder in the build tree. */
int place_set_up(void **state);
int place_tear_down(void **state);

/* The path of a file in it; good for the next seven calls. */
char *in(struct place *p, const char *name);
void write_bytes(const char *path, const void *bytes, size_t size);
/* Files with their folders. */
void make_text(struct place *p, const char *name, const char *text);
void make_picture(struct place *p, const char *name, int w, int h);

enum status try_load(const char *yaml_path, enum dataset_split split, const struct dataset_options *options,
                     struct dataset **d);
/* data.yaml of the place; options may be NULL. */
struct dataset *load(struct place *p, enum dataset_split split, const struct dataset_options *options);

void assert_contains(const char *text, const char *part);
/* The train split of this YAML is refused with that. */
void assert_fails(struct place *p, const char *yaml, enum status code, const char *part);
/* One of the notes of the summary contains `part`. */
void assert_notes(const struct dataset *d, const char *part);

#endif
