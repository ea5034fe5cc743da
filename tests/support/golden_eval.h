/* Golden cases of detection and evaluation maths, one function a kind (golden/README.md).
 *
 * Each returns 0 when every value is within the page's tolerance; otherwise non-zero, with a sentence in `message`.
 * *worst is the largest error over its tolerance (1 = at the limit). */
#ifndef Y9_TESTS_GOLDEN_EVAL_H
#define Y9_TESTS_GOLDEN_EVAL_H

#include <stddef.h>

int golden_dfl(const char *safetensors_path, char *message, size_t size, double *worst);
int golden_nms(const char *safetensors_path, char *message, size_t size, double *worst);
int golden_nms_v7(const char *safetensors_path, char *message, size_t size, double *worst);
int golden_scale_boxes(const char *safetensors_path, char *message, size_t size, double *worst);
int golden_scale_boxes_rounded(const char *safetensors_path, char *message, size_t size, double *worst);
int golden_ciou(const char *safetensors_path, char *message, size_t size, double *worst);
int golden_ap(const char *safetensors_path, char *message, size_t size, double *worst);
int golden_compute_ap(const char *safetensors_path, char *message, size_t size, double *worst);

#endif
