// The build for AVX2 and FMA.
#define MODULE_NAME _avx2
#include "module.hpp"
