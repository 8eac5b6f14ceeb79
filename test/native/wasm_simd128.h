/* WebAssembly's vectors on this machine, so that wasm/simd can run under sanitizers and valgrind: SIMDe, which Debian packages. */
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
