/* Golden cases that run a network: bare modules, heads, whole models, folding, merging, conversion. */
#ifndef Y9_TESTS_GOLDEN_NET_H
#define Y9_TESTS_GOLDEN_NET_H

#include "support/golden.h"

#include <stddef.h>

int golden_module(const char *path, char *message, size_t size, double *worst); /* kinds t, list, cbfuse */
int golden_head(const char *path, char *message, size_t size, double *worst);
int golden_head_v7(const char *path, char *message, size_t size, double *worst);
int golden_model(const char *path, char *message, size_t size, double *worst);
int golden_fuse(const char *path, char *message, size_t size, double *worst); /* kinds fold, merge, merge_v7 */
int golden_forms(const char *path, char *message, size_t size, double *worst);
int golden_checkpoint(const char *path, char *message, size_t size, double *worst);
int golden_convert(const char *path, char *message, size_t size, double *worst);

/* The table of a case whose network is not built in: its rows (metadata `key`) as YAML in a new file, whose name goes
 * to path. False: there is none. */
bool golden_write_table(struct golden *g, const char *key, char *path, size_t size);

#endif
