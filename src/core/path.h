/* Path strings and folders. Results are heap strings (mem_free) or views into the argument. */
#ifndef Y9_CORE_PATH_H
#define Y9_CORE_PATH_H

#include "core/status.h"

#include <stdbool.h>

char *path_join(const char *folder, const char *name); /* an absolute name wins; NULL when short of memory */
/* From the root, without ".", ".." and double slashes: text only, links are not followed and nothing needs to exist. */
char *path_absolute(const char *path);
char *path_parent(const char *path);          /* "." for a bare name */
char *path_stem(const char *path);            /* file name without folder and last extension */
const char *path_name(const char *path);      /* view: after the last slash */
const char *path_extension(const char *path); /* view: after the last dot of the name, or "" */

bool path_exists(const char *path);
bool path_is_folder(const char *path);

/* Make a folder and its parents; one that is there already is fine. */
enum status path_make_folder(const char *path);

/* Make the folder root/below and what is missing on the way; "" is root itself, which exists. No link is followed below
 * the root: what `below` says never leads out of it, as long as it has no "..". */
enum status path_make_folder_below(const char *root, const char *below);

/* Could the folder be made, or if it is there, be written to? Says why not, before long work begins; makes nothing. */
enum status path_try_folder(const char *path);

/* `project/name`, or `project/name2`, `name3` ... for the first that does not exist (exist_ok: the first as it
 * is). The folder is made. *out is owned by the caller. */
enum status path_make_run(const char *project, const char *name, bool exist_ok, char **out);

/* Remove a folder in which there is nothing but empty folders; any other stays as it is. For a run that failed before
 * it wrote anything. */
void path_remove_empty(const char *folder);

/* Names (not paths) in a folder, sorted bytewise, without "." and ".."; free with path_list_free. */
enum status path_list(const char *folder, char ***names, int *count);
void path_list_free(char **names, int count);

/* The same with what each name stands for, links followed: other things are devices, pipes and sockets. */
enum path_kind { PATH_FILE, PATH_FOLDER, PATH_OTHER };
struct path_entry {
    char *name;
    enum path_kind kind;
};
enum status path_entries(const char *folder, struct path_entry **entries, int *count);
void path_entries_free(struct path_entry *entries, int count);

#endif
