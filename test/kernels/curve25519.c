/* X25519 and Ed25519, below EVP: any bytes are keys and points there. */
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "crypto/ecx.h"
#pragma GCC diagnostic pop
#include "kernels.h"

enum { BYTES = 32, MESSAGE = 100 };

/* u or y: any bytes, near 0 and near p and 2^255, and with the highest bit. Points of small order are among them. */
static void draw_coordinate(draws *d, uint8_t out[BYTES]) {
  static const uint8_t order8[2][BYTES] = {/* RFC 7748, 7, and https://cr.yp.to/ecdh.html#validate */
                                           {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
                                            0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
                                           {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
                                            0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57}};
  switch (draw_below(d, 5)) {
    case 0:
      memset(out, 0, BYTES);
      out[0] = (uint8_t)draw_below(d, 40);
      break;
    case 1:
      memset(out, 0xff, BYTES);
      out[0] = (uint8_t)(256 - draw_below(d, 60));
      out[31] = 0x7f;
      break;
    case 2: memcpy(out, order8[draw_below(d, 2)], BYTES); break;
    default: draw_bytes(d, out, BYTES);
  }
  if (draw_below(d, 4) == 0) out[31] ^= 0x80;
}

static void x25519_one(draws *d) {
  uint8_t key[BYTES], peer[BYTES], out[BYTES];
  draw_bytes(d, key, sizeof key);
  if (draw_below(d, 3) == 0) {
    ossl_x25519_public_from_private(out, key);
  } else {
    draw_coordinate(d, peer);
    note_number(d, ossl_x25519(out, key, peer));
  }
  note(d, out, sizeof out);
}

typedef struct signed_message {
  uint8_t key[BYTES], public_key[BYTES], signature[2 * BYTES], message[MESSAGE], context[20];
  size_t length, context_length;
  uint8_t has_dom, is_prehashed, needs_context;
} signed_message;

static int sign(signed_message *m) {
  return ossl_ed25519_sign(m->signature, m->message, m->length, m->public_key, m->key, m->has_dom, m->is_prehashed, m->needs_context,
                           m->context, m->context_length, NULL, NULL);
}

static int verify(const signed_message *m) {
  return ossl_ed25519_verify(m->message, m->length, m->signature, m->public_key, m->has_dom, m->is_prehashed, m->needs_context,
                             m->context, m->context_length, NULL, NULL);
}

/* s plus the order, which only a check of its range finds out. */
static void add_order(uint8_t s[BYTES]) {
  static const uint8_t order[BYTES] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                       0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
  unsigned carry = 0;
  for (int i = 0; i < BYTES; i++) {
    carry += s[i] + order[i];
    s[i] = (uint8_t)carry;
    carry >>= 8;
  }
}

static void ed25519_one(draws *d) {
  signed_message m;
  draw_bytes(d, m.key, sizeof m.key);
  draw_bytes(d, m.message, sizeof m.message);
  draw_bytes(d, m.context, sizeof m.context);
  m.length = draw_below(d, MESSAGE + 1);
  m.has_dom = (uint8_t)draw_below(d, 2);
  m.is_prehashed = (uint8_t)draw_below(d, 2);
  m.needs_context = draw_below(d, 8) == 0;
  m.context_length = m.has_dom || draw_below(d, 8) == 0 ? draw_below(d, sizeof m.context + 1) : 0;
  require(ossl_ed25519_public_from_private(NULL, m.public_key, m.key, NULL), "public key");
  note(d, m.public_key, sizeof m.public_key);
  int ok = sign(&m);
  note_number(d, ok);
  if (!ok) return;
  note(d, m.signature, sizeof m.signature);
  uint32_t spoilt = draw_below(d, 10);
  switch (spoilt) {
    case 0: m.signature[draw_below(d, sizeof m.signature)] ^= (uint8_t)(1 << draw_below(d, 8)); break;
    case 1: m.public_key[draw_below(d, BYTES)] ^= (uint8_t)(1 << draw_below(d, 8)); break;
    case 2: add_order(m.signature + BYTES); break;
    case 3: draw_coordinate(d, m.public_key); break;
    case 4: draw_coordinate(d, m.signature); break;
    case 5: /* s = 0: with a key of small order, R can be one that verifies */
      memset(m.signature + BYTES, 0, BYTES);
      draw_coordinate(d, m.public_key);
      memcpy(m.signature, m.public_key, BYTES);
      if (draw_below(d, 2)) memset(m.signature, 0, BYTES), m.signature[0] = 1;
      break;
    default: break;
  }
  ok = verify(&m);
  note_number(d, ok);
  require(spoilt < 6 || ok, "verify");
  note_number(d, ossl_ed25519_pubkey_verify(m.public_key, BYTES));
}

const family x25519_family = {"X25519", x25519_one}, ed25519_family = {"Ed25519", ed25519_one};
