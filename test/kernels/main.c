/* The native program: kernels CASES SEED [FAMILY] prints, family by family, the digest of every hundred answers. */
#ifndef __wasm__
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

enum { BATCH = 100 };

int main(int argc, char **argv) {
  uint32_t cases = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : BATCH;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  const char *name;
  for (uint32_t which = 0; (name = kernels_family(which)) != NULL; which++) {
    if (argc > 3 && strstr(name, argv[3]) == NULL) continue;
    for (uint32_t done = 0; done < cases; done += BATCH) {
      printf("%s %" PRIu64 " %016" PRIx64 "\n", name, seed + done, kernels_fuzz(which, seed + done, BATCH));
    }
  }
  return 0;
}
#endif
