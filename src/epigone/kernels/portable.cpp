// The build for any processor.
#define MODULE_NAME _portable
#include "module.hpp"
