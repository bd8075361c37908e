// The build for AVX-512 (F, BW, DQ, VL).
#define MODULE_NAME _avx512
#include "module.hpp"
