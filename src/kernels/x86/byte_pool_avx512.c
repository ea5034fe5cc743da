#include "kernels/byte_pool_tmpl.h"

const struct byte_pool_kernel byte_pool__avx512 = {"avx512", byte_max, byte_mean};
