/* From words of 32 bits to limbs of 29, and back. */
#include "limbs29.h"

void limbs_from_words(limbs *out, const uint32_t words[8]) {
  uint64_t bits = 0;
  for (int i = 0, have = 0, next = 0; i < LIMBS; i++) {
    if (have < LIMB_BITS && next < 8) {
      bits |= (uint64_t)words[next++] << have;
      have += 32;
    }
    out->at[i] = (int64_t)(bits & LIMB_MASK);
    bits >>= LIMB_BITS;
    have -= LIMB_BITS;
  }
}

void limbs_to_words(uint32_t words[8], const limbs *a) {
  uint64_t bits = 0;
  for (int i = 0, have = 0, next = 0; i < LIMBS; i++) {
    bits |= (uint64_t)a->at[i] << have;
    have += LIMB_BITS;
    if (have >= 32 && next < 8) {
      words[next++] = (uint32_t)bits;
      bits >>= 32;
      have -= 32;
    }
  }
}
