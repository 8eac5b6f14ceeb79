/* AEAD ciphers through EVP: as TLS 1.3 and TLS 1.2 use them, and as anybody might. */
#include <string.h>

#include <openssl/evp.h>

#include "kernels.h"

enum { MAXIMUM = 9000, SLACK = 16, TAG = 16, RECORD_MAXIMUM = 16384 };

static const char *const names[] = {"ChaCha20-Poly1305", "AES-128-GCM", "AES-192-GCM", "AES-256-GCM", "AES-128-CCM", "AES-256-CCM"};
enum { CHACHA20_POLY1305, AES_128_GCM, AES_192_GCM, AES_256_GCM, AES_128_CCM, AES_256_CCM, CIPHERS };

static EVP_CIPHER *cipher(int which) {
  static EVP_CIPHER *fetched[CIPHERS];
  if (fetched[which] == NULL) fetched[which] = EVP_CIPHER_fetch(NULL, names[which], NULL);
  require(fetched[which] != NULL, names[which]);
  return fetched[which];
}

static uint8_t input[RECORD_MAXIMUM + 2 * SLACK], output[RECORD_MAXIMUM + 2 * SLACK], sealed[RECORD_MAXIMUM + 2 * SLACK];

/* ---- One message at a time, in pieces, the context used again and again. ---- */

static int in_pieces(draws *d, EVP_CIPHER_CTX *context, uint8_t *out, const uint8_t *in, size_t length, int whole) {
  int ok = 1, written;
  while (length > 0 && ok) {
    size_t piece = whole || draw_below(d, 3) ? length : draw_length(d, length);
    ok = EVP_CipherUpdate(context, out, &written, in, (int)piece);
    if (out != NULL) out += piece;
    in += piece;
    length -= piece;
  }
  return ok;
}

typedef struct message {
  uint8_t nonce[64], aad[100], tag[TAG];
  size_t nonce_length, aad_length, length, tag_length;
} message;

/* CCM wants all lengths beforehand, and the message in one piece. */
static int run(draws *d, EVP_CIPHER_CTX *context, const message *m, int ccm, uint8_t *out, const uint8_t *in) {
  int written;
  if (!EVP_CipherInit_ex(context, NULL, NULL, NULL, m->nonce, -1)) return 0;
  if (ccm && !EVP_CipherUpdate(context, NULL, &written, NULL, (int)m->length)) return 0;
  if (!in_pieces(d, context, NULL, m->aad, m->aad_length, ccm)) return 0;
  if (!in_pieces(d, context, out, in, m->length, ccm)) return 0;
  return EVP_CipherFinal_ex(context, out + m->length, &written);
}

/* What nobody should do. Whatever comes of it, both do the same. */
static void misuse(draws *d, EVP_CIPHER_CTX *context, const message *m) {
  enum { GO_ON_AFTER_THE_END, LEAVE_HALF_DONE, AAD_AFTER_TEXT, WAYS } way = draw_below(d, WAYS);
  uint8_t tag[TAG] = {0};
  int written, ok;
  if (way != GO_ON_AFTER_THE_END) note_number(d, EVP_CipherInit_ex(context, NULL, NULL, NULL, m->nonce, -1));
  if (draw_below(d, 2)) note_number(d, EVP_CipherUpdate(context, NULL, &written, m->aad, 5));
  ok = EVP_CipherUpdate(context, sealed, &written, input, 150);
  note_number(d, ok);
  if (ok) note(d, sealed, 150);
  if (way == AAD_AFTER_TEXT) note_number(d, EVP_CipherUpdate(context, NULL, &written, m->aad, 5));
  if (way == LEAVE_HALF_DONE) return;
  ok = EVP_CipherFinal_ex(context, sealed, &written);
  note_number(d, ok);
  if (ok) note_number(d, EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, tag));
  note(d, tag, sizeof tag);
}

static EVP_CIPHER_CTX *keyed(draws *d, int which, const message *m, const uint8_t *key, int encrypt) {
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new(), *copy;
  require(EVP_CipherInit_ex(context, cipher(which), NULL, NULL, NULL, encrypt), "init");
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, (int)m->nonce_length, NULL), "nonce length");
  if (which >= AES_128_CCM) require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)m->tag_length, NULL), "tag length");
  require(EVP_CipherInit_ex(context, NULL, NULL, key, NULL, encrypt), "key");
  if (draw_below(d, 8) == 0) {
    copy = EVP_CIPHER_CTX_new();
    require(EVP_CIPHER_CTX_copy(copy, context), "copy");
    EVP_CIPHER_CTX_free(context);
    context = copy;
  }
  return context;
}

static void message_one(draws *d, int which) {
  message m;
  uint8_t key[32];
  EVP_CIPHER_CTX *seal, *open;
  int ccm = which >= AES_128_CCM, messages = 1 + (int)draw_below(d, 3);
  size_t at = draw_below(d, SLACK);
  draw_bytes(d, key, sizeof key);
  m.nonce_length = which == CHACHA20_POLY1305 || draw_below(d, 2) ? 12 : ccm ? 7 + draw_below(d, 7) : 1 + draw_below(d, sizeof m.nonce);
  m.tag_length = ccm ? 4 + 2 * draw_below(d, 7) : which == CHACHA20_POLY1305 || draw_below(d, 2) ? TAG : 1 + draw_below(d, TAG);
  seal = keyed(d, which, &m, key, 1);
  open = keyed(d, which, &m, key, 0);
  for (int i = 0; i < messages; i++) {
    int in_place = (int)draw_below(d, 2), spoilt = draw_below(d, 4) == 0, ok;
    m.length = draw_length(d, MAXIMUM);
    if (ccm && m.length == 0) m.length = 1; /* OpenSSL takes an empty message for the end */
    m.aad_length = draw_below(d, 3) ? draw_below(d, 32) : draw_below(d, sizeof m.aad);
    draw_bytes(d, m.nonce, sizeof m.nonce);
    draw_bytes(d, m.aad, sizeof m.aad);
    draw_bytes(d, input, MAXIMUM + 2 * SLACK);
    if (!ccm && i > 0 && draw_below(d, 8) == 0) misuse(d, seal, &m); /* with a nonce: without one, OpenSSL draws it */
    memcpy(output, input, MAXIMUM + 2 * SLACK);
    ok = run(d, seal, &m, ccm, in_place ? output + at : sealed, output + at);
    ok &= EVP_CIPHER_CTX_ctrl(seal, EVP_CTRL_AEAD_GET_TAG, (int)m.tag_length, m.tag);
    require(ok, "seal");
    if (in_place) memcpy(sealed, output + at, m.length);
    note(d, sealed, m.length);
    note(d, m.tag, m.tag_length);
    if (spoilt) m.tag[draw_below(d, (uint32_t)m.tag_length)] ^= 1 << draw_below(d, 8);
    require(EVP_CIPHER_CTX_ctrl(open, EVP_CTRL_AEAD_SET_TAG, (int)m.tag_length, m.tag), "tag");
    memset(output, 0xaa, m.length);
    ok = run(d, open, &m, ccm, in_place ? sealed : output, sealed);
    require(ok != spoilt, "open");
    if (!spoilt) require(memcmp(in_place ? sealed : output, input + at, m.length) == 0, "what was sealed comes out");
    note_number(d, ok);
  }
  EVP_CIPHER_CTX_free(seal);
  EVP_CIPHER_CTX_free(open);
}

/* ---- Records, by the interface that TLS 1.2 uses: nonce, padding and tag are the cipher's business. ---- */

static void record_header(uint8_t header[13], draws *d, size_t length) {
  draw_bytes(d, header, 11);
  header[11] = (uint8_t)(length >> 8);
  header[12] = (uint8_t)length;
}

static EVP_CIPHER_CTX *record_keyed(int which, uint8_t *key, uint8_t *fixed, int encrypt) {
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  int length = which == CHACHA20_POLY1305 ? 12 : which >= AES_128_CCM ? 4 : encrypt ? -1 : 4;
  require(EVP_CipherInit_ex(context, cipher(which), NULL, NULL, NULL, encrypt), "init");
  if (which >= AES_128_CCM) {
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL), "nonce length");
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, NULL), "tag length");
  }
  require(EVP_CipherInit_ex(context, NULL, NULL, key, NULL, encrypt), "key");
  /* -1: all of it given, nothing drawn from the system's randomness, for otherwise no two runs would be alike */
  require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IV_FIXED, length, fixed) > 0, "fixed part of the nonce");
  return context;
}

static void record_one(draws *d, int which) {
  uint8_t key[32], fixed[12], header[13];
  size_t explicit = which == CHACHA20_POLY1305 ? 0 : 8;
  EVP_CIPHER_CTX *seal, *open;
  draw_bytes(d, key, sizeof key);
  draw_bytes(d, fixed, sizeof fixed);
  seal = record_keyed(which, key, fixed, 1);
  open = record_keyed(which, key, fixed, 0);
  for (int i = 1 + (int)draw_below(d, 3); i > 0; i--) {
    size_t length = draw_length(d, MAXIMUM), all = explicit + length + TAG, at = draw_below(d, SLACK);
    int spoilt = draw_below(d, 4) == 0, ok;
    record_header(header, d, explicit + length);
    draw_bytes(d, input, all);
    if (which >= AES_128_CCM) memset(input, i, explicit); /* TLS writes this part itself */
    memcpy(sealed + at, input, all);
    ok = EVP_CIPHER_CTX_ctrl(seal, EVP_CTRL_AEAD_TLS1_AAD, sizeof header, header);
    require(ok == TAG, "header");
    note_number(d, EVP_Cipher(seal, sealed + at, sealed + at, (unsigned)all));
    note(d, sealed + at, all);
    if (spoilt) sealed[at + explicit + draw_below(d, (uint32_t)(length + TAG))] ^= 1 << draw_below(d, 8);
    header[11] = (uint8_t)(all >> 8);
    header[12] = (uint8_t)all;
    ok = EVP_CIPHER_CTX_ctrl(open, EVP_CTRL_AEAD_TLS1_AAD, sizeof header, header);
    require(ok == TAG, "header");
    ok = EVP_Cipher(open, sealed + at, sealed + at, (unsigned)all);
    note_number(d, ok);
    require((ok < 0) == spoilt, "open");
    if (spoilt) note(d, sealed + at + explicit, length); /* zeros: nothing that was not authenticated gets out */
    else require(memcmp(sealed + at + explicit, input + explicit, length) == 0, "what was sealed comes out");
  }
  EVP_CIPHER_CTX_free(seal);
  EVP_CIPHER_CTX_free(open);
}

static void one(draws *d, int which) {
  if (draw_below(d, 3) == 0) record_one(d, which);
  else message_one(d, which);
}

static void chacha20_poly1305_one(draws *d) { one(d, CHACHA20_POLY1305); }
static void gcm_one(draws *d) { one(d, AES_128_GCM + (int)draw_below(d, 3)); }
static void ccm_one(draws *d) { one(d, AES_128_CCM + (int)draw_below(d, 2)); }

const family chacha20_poly1305_family = {"ChaCha20-Poly1305", chacha20_poly1305_one};
const family gcm_family = {"AES-GCM", gcm_one}, ccm_family = {"AES-CCM", ccm_one};

/* ---- Measurements: one record, by the calls that ssl/record/methods/tls13_meth.c makes. ---- */

static EVP_CIPHER_CTX *sealing, *opening;
static uint8_t tag[TAG];
static const uint8_t nonce[12] = {1, 2, 3}, header[5] = {23, 3, 3};

static void seal_run(size_t size) {
  int length;
  EVP_CipherInit_ex(sealing, NULL, NULL, NULL, nonce, 1);
  EVP_CipherUpdate(sealing, NULL, &length, header, sizeof header);
  EVP_CipherUpdate(sealing, sealed, &length, input, (int)size);
  EVP_CipherFinal_ex(sealing, sealed + length, &length);
  EVP_CIPHER_CTX_ctrl(sealing, EVP_CTRL_AEAD_GET_TAG, TAG, tag);
}

static void open_run(size_t size) {
  int length, ok;
  EVP_CipherInit_ex(opening, NULL, NULL, NULL, nonce, 0);
  EVP_CIPHER_CTX_ctrl(opening, EVP_CTRL_AEAD_SET_TAG, TAG, tag);
  EVP_CipherUpdate(opening, NULL, &length, header, sizeof header);
  EVP_CipherUpdate(opening, output, &length, sealed, (int)size);
  ok = EVP_CipherFinal_ex(opening, output + length, &length);
  require(ok, "open");
}

static void prepare(int which, size_t size) {
  static const uint8_t key[32] = {1};
  EVP_CIPHER_CTX_free(sealing);
  EVP_CIPHER_CTX_free(opening);
  sealing = EVP_CIPHER_CTX_new();
  opening = EVP_CIPHER_CTX_new();
  EVP_CipherInit_ex(sealing, cipher(which), NULL, key, NULL, 1);
  EVP_CipherInit_ex(opening, cipher(which), NULL, key, NULL, 0);
  require(size <= RECORD_MAXIMUM, "size");
  seal_run(size);
}

static void chacha20_poly1305_prepare(size_t size) { prepare(CHACHA20_POLY1305, size); }
static void aes_128_gcm_prepare(size_t size) { prepare(AES_128_GCM, size); }
static void aes_256_gcm_prepare(size_t size) { prepare(AES_256_GCM, size); }

const measure chacha20_poly1305_seal = {"ChaCha20-Poly1305 seal", chacha20_poly1305_prepare, seal_run};
const measure chacha20_poly1305_open = {"ChaCha20-Poly1305 open", chacha20_poly1305_prepare, open_run};
const measure aes_128_gcm_seal = {"AES-128-GCM seal", aes_128_gcm_prepare, seal_run};
const measure aes_128_gcm_open = {"AES-128-GCM open", aes_128_gcm_prepare, open_run};
const measure aes_256_gcm_seal = {"AES-256-GCM seal", aes_256_gcm_prepare, seal_run};
const measure aes_256_gcm_open = {"AES-256-GCM open", aes_256_gcm_prepare, open_run};
