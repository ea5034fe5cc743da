/* Inside of doctor.c: the parts of an examination. All of them add findings to d->report. */
#ifndef Y9_DATA_DOCTOR_PARTS_H
#define Y9_DATA_DOCTOR_PARTS_H

#include "data/doctor.h"

/* An item about one picture; about two that are alike. */
struct finding_item doctor_item(const struct doctor_data *data, struct picture_ref ref);
struct finding_item doctor_pair(const struct doctor_data *data, struct picture_ref ref, struct picture_ref other);

/* doctor_files.c: what loading found; which file a path is, and its size. */
enum status doctor_loading(struct doctor *d);
struct file_id doctor_identify(const char *path, uint64_t *size);

/* doctor_unused.c: files and folders that no split uses. */
enum status doctor_unused(struct doctor *d);

/* doctor_pictures.c: look at every picture; sizes, kinds, copies. */
enum status doctor_look(struct doctor *d);
enum status doctor_check_pictures(struct doctor *d);
enum status doctor_copies(struct doctor *d);

/* doctor_near.c: pictures that look nearly the same. */
enum status doctor_near(struct doctor *d);

#endif
