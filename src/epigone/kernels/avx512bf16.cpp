// The build for AVX-512 with its bfloat16 and int8 products (BF16, VNNI).
#define MODULE_NAME _avx512bf16
#include "module.hpp"
