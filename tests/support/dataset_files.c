#include "support/dataset_files.h"

#include "support/unit.h"

#include "core/mem.h"
#include "core/path.h"
#include "image/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *in(struct place *p, const char *name)
{
    static char path[8][512];
    static int next;
    next = (next + 1) % 8;
    snprintf(path[next], sizeof(path[next]), "%s/%s", p->folder, name);
    return path[next];
}

int place_set_up(void **state)
{
    static struct place p;
    snprintf(p.folder, sizeof(p.folder), Y9_BINARY_DIR "/dataset-XXXXXX");
    *state = &p;
    return mkdtemp(p.folder) ? 0 : -1;
}

int place_tear_down(void **state)
{
    char command[700];
    struct place *p = *state;
    snprintf(command, sizeof(command), "chmod -R u+w '%s' && rm -r '%s'", p->folder, p->folder);
    return system(command);
}

/* Not file_write: that one waits for the disk. */
void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

void make_text(struct place *p, const char *name, const char *text)
{
    char *folder = path_parent(in(p, name));
    assert_int_equal(path_make_folder(folder), OK);
    write_bytes(in(p, name), text, strlen(text));
    mem_free(folder);
}

void make_picture(struct place *p, const char *name, int w, int h)
{
    struct image img = {0};
    char *folder = path_parent(in(p, name));
    assert_int_equal(path_make_folder(folder), OK);
    assert_int_equal(image_init(&img, h, w), OK);
    image_fill(&img, 10, 200, 30);
    assert_int_equal(image_write(in(p, name), &img), OK);
    image_free(&img);
    mem_free(folder);
}

enum status try_load(const char *yaml_path, enum dataset_split split, const struct dataset_options *options,
                     struct dataset **d)
{
    struct dataset_yaml yaml;
    static const struct dataset_options none;
    *d = NULL;
    enum status rc = dataset_yaml_open(yaml_path, &yaml);
    if (rc == OK) {
        rc = dataset_load(&yaml, split, options ? options : &none, d);
        dataset_yaml_close(&yaml);
    }
    return rc;
}

struct dataset *load(struct place *p, enum dataset_split split, const struct dataset_options *options)
{
    struct dataset *d;
    if (try_load(in(p, "data.yaml"), split, options, &d) != OK)
        fail_msg("%s", fail_text());
    return d;
}

void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' does not say '%s'", text, part);
}

void assert_fails(struct place *p, const char *yaml, enum status code, const char *part)
{
    struct dataset *d;
    make_text(p, "data.yaml", yaml);
    assert_int_equal(try_load(in(p, "data.yaml"), SPLIT_TRAIN, NULL, &d), code);
    assert_null(d);
    assert_contains(fail_text(), part);
}

void assert_notes(const struct dataset *d, const char *part)
{
    for (int i = 0; i < d->summary.n_notes; i++)
        if (strstr(d->summary.notes[i], part))
            return;
    fail_msg("none of %d notes says '%s' (the first: %s)", d->summary.n_notes, part,
             d->summary.n_notes ? d->summary.notes[0] : "");
}
