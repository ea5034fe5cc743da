/* Golden cases of picture arithmetic, one function a kind (golden/README.md); results as in golden.h. The files hold
 * BGR; everything but HSV treats channels alike. */
#ifndef Y9_TESTS_GOLDEN_IMAGE_H
#define Y9_TESTS_GOLDEN_IMAGE_H

#include <stddef.h>

int golden_letterbox(const char *path, char *message, size_t size, double *worst);
int golden_resize(const char *path, char *message, size_t size, double *worst);
int golden_hsv(const char *path, char *message, size_t size, double *worst);
/* Kind perspective, its pixels only: in<i> warped with the stored M<i> is out<i>. */
int golden_perspective_pixels(const char *path, char *message, size_t size, double *worst);

#endif
