/*
 * memcpy, memmove and memset in place of the C library's, which go byte by byte where source and destination differ in alignment; and behind
 * a record header of five bytes they always do. Short ones use vectors, whose loads need no alignment; long ones are the engine's own
 * instructions, which cost a call.
 *
 * Only the WebAssembly build has this file.
 */
#include <stddef.h>
#include <stdint.h>
#include <wasm_simd128.h>

/* Otherwise the compiler makes of these loops calls of themselves. */
#define OURSELVES __attribute__((no_builtin("memcpy", "memmove", "memset"), target("bulk-memory")))
#define LONG 512

typedef uint64_t __attribute__((aligned(1), may_alias)) word64;
typedef uint32_t __attribute__((aligned(1), may_alias)) word32;
typedef uint16_t __attribute__((aligned(1), may_alias)) word16;

/* All is loaded before anything is stored: right for overlapping bytes, too. */
OURSELVES static inline void copy_32(uint8_t *to, const uint8_t *from, size_t n) {
  if (n >= 16) {
    v128_t first = wasm_v128_load(from), last = wasm_v128_load(from + n - 16);
    wasm_v128_store(to, first);
    wasm_v128_store(to + n - 16, last);
  } else if (n >= 8) {
    uint64_t first = *(const word64 *)from, last = *(const word64 *)(from + n - 8);
    *(word64 *)to = first;
    *(word64 *)(to + n - 8) = last;
  } else if (n >= 4) {
    uint32_t first = *(const word32 *)from, last = *(const word32 *)(from + n - 4);
    *(word32 *)to = first;
    *(word32 *)(to + n - 4) = last;
  } else if (n >= 2) {
    uint16_t first = *(const word16 *)from, last = *(const word16 *)(from + n - 2);
    *(word16 *)to = first;
    *(word16 *)(to + n - 2) = last;
  } else if (n == 1) {
    *to = *from;
  }
}

OURSELVES void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  uint8_t *out = to;
  const uint8_t *in = from;
  if (n <= 32) {
    copy_32(out, in, n);
  } else if (n < LONG) {
    v128_t last = wasm_v128_load(in + n - 16);
    for (size_t at = 0; at < n - 16; at += 16) wasm_v128_store(out + at, wasm_v128_load(in + at));
    wasm_v128_store(out + n - 16, last);
  } else {
    __builtin_memcpy(to, from, n); /* memory.copy */
  }
  return to;
}

OURSELVES void *memmove(void *to, const void *from, size_t n) {
  if (n <= 32)
    copy_32(to, from, n);
  else
    __builtin_memmove(to, from, n); /* memory.copy */
  return to;
}

OURSELVES void *memset(void *to, int byte, size_t n) {
  uint8_t *out = to;
  uint64_t all = (uint8_t)byte * 0x0101010101010101u;
  if (n >= LONG) {
    __builtin_memset(to, byte, n); /* memory.fill */
  } else if (n >= 16) {
    v128_t filled = wasm_i64x2_splat((int64_t)all);
    for (size_t at = 0; at < n - 16; at += 16) wasm_v128_store(out + at, filled);
    wasm_v128_store(out + n - 16, filled);
  } else if (n >= 8) {
    *(word64 *)out = all;
    *(word64 *)(out + n - 8) = all;
  } else if (n >= 4) {
    *(word32 *)out = (uint32_t)all;
    *(word32 *)(out + n - 4) = (uint32_t)all;
  } else {
    for (size_t at = 0; at < n; at++) out[at] = (uint8_t)byte;
  }
  return to;
}
