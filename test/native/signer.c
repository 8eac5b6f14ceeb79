/* Keys whose signatures come from elsewhere: the import `sign`, natively, and what it may do. */
#include "harness.h"

int32_t membio_sign(uint32_t signer, uint32_t scheme, const uint8_t *message, uint32_t length, uint8_t *out, uint32_t capacity);
int32_t membio_sign(uint32_t signer, uint32_t scheme, const uint8_t *message, uint32_t length, uint8_t *out, uint32_t capacity) {
  (void)signer, (void)scheme, (void)message, (void)length, (void)out, (void)capacity;
  return -1;
}
void signer_cases(void) {}
