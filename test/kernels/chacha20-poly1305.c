/* ChaCha20 and Poly1305, alone and together as EVP and TLS use them. */
#include <string.h>

#include "crypto/chacha.h"
#include "crypto/poly1305.h"
#include "kernels.h"

enum { MAXIMUM = 3000, SLACK = 16 };

static uint8_t input[MAXIMUM + 2 * SLACK], output[MAXIMUM + 2 * SLACK];

/* Any alignment, in place or not, and counters that wrap. */
static void chacha20_one(draws *d) {
  uint32_t key[8], counter[4];
  size_t length = draw_length(d, MAXIMUM), at = draw_below(d, SLACK), to = draw_below(d, SLACK);
  draw_bytes(d, (uint8_t *)key, sizeof key);
  draw_bytes(d, (uint8_t *)counter, sizeof counter);
  if (draw_below(d, 4) == 0) counter[0] = (uint32_t)0 - draw_below(d, 40);
  draw_bytes(d, input, sizeof input);
  if (draw_below(d, 2)) {
    ChaCha20_ctr32(input + at, input + at, length, key, counter);
  } else {
    draw_bytes(d, output, sizeof output); /* what lies around the output must stay */
    ChaCha20_ctr32(output + to, input + at, length, key, counter);
    note(d, output, sizeof output);
  }
  note(d, input, sizeof input);
}

/* r of 0 to 3, and blocks of ones: the sums that lie around 2^130 - 5 and 2^128. */
static void draw_edge(draws *d, uint8_t key[32], uint8_t *message, size_t length) {
  memset(key, 0, 16);
  key[0] = (uint8_t)draw_below(d, 4);
  memset(message, 0xff, length);
  for (size_t i = 0; i < length; i += 16) {
    switch (draw_below(d, 4)) {
      case 0: message[i] = (uint8_t)(0xf8 + draw_below(d, 8)); break;
      case 1: memset(message + i, 0, length - i < 16 ? length - i : 16); break;
      case 2: memset(message + i, (int)draw_below(d, 2), length - i < 16 ? length - i : 16); break;
    }
  }
}

/* A message in pieces. */
static void poly1305_one(draws *d) {
  POLY1305 state;
  uint8_t key[32], tag[16];
  size_t length = draw_length(d, MAXIMUM), at = draw_below(d, SLACK);
  draw_bytes(d, key, 16);
  draw_bytes(d, key + 16, 16);
  draw_bytes(d, input, sizeof input);
  if (draw_below(d, 4) == 0) {
    length = 16 * (1 + draw_below(d, 4));
    draw_edge(d, key, input + at, length);
  }
  Poly1305_Init(&state, key);
  while (length > 0) {
    size_t piece = draw_below(d, 3) ? length : draw_length(d, length);
    Poly1305_Update(&state, input + at, piece);
    at += piece;
    length -= piece;
  }
  Poly1305_Final(&state, tag);
  note(d, tag, sizeof tag);
}

const family chacha20_family = {"ChaCha20", chacha20_one}, poly1305_family = {"Poly1305", poly1305_one};
