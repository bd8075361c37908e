// The build for AVX-512 with the tiles of AMX for bfloat16.
#define MODULE_NAME _amx
#include "module.hpp"
