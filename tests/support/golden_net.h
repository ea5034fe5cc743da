/* Golden cases that run a network: bare modules, heads, whole models, folding, merging, conversion. */
#ifndef Y9_TESTS_GOLDEN_NET_H
#define Y9_TESTS_GOLDEN_NET_H

#include <stddef.h>

int golden_module(const char *path, char *message, size_t size, double *worst); /* kinds t, list, cbfuse */
int golden_head(const char *path, char *message, size_t size, double *worst);
int golden_model(const char *path, char *message, size_t size, double *worst);
int golden_fuse(const char *path, char *message, size_t size, double *worst); /* kinds fold, merge */
int golden_forms(const char *path, char *message, size_t size, double *worst);
int golden_checkpoint(const char *path, char *message, size_t size, double *worst);
int golden_convert(const char *path, char *message, size_t size, double *worst);

#endif
