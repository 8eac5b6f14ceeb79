/*
 * AES on eight blocks at once, bit by bit: what a circuit would do with one bit, the vectors do with 128. E. Käsper, P. Schwabe,
 * "Faster and timing-attack resistant AES-GCM", CHES 2009. The S-box is the circuit of J. Boyar and R. Peralta, "A new combinational
 * logic minimization technique with applications to cryptology", SEA 2010. There are no tables, and no branch and no address depends
 * on a key or a text.
 *
 * Within a plane the state lies row by row, one row in each lane of 32 bits: byte 4 * row + column. So MixColumns moves whole lanes.
 */
#include "aes.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/modes.h>

/* In memory that might change: see chacha20_rotations. Where each byte comes from. */
uint8_t aes_row_permutations[4][16] = {
    {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}, /* to rows, from columns; and back, for it is its own inverse */
    {0, 1, 2, 3, 5, 6, 7, 4, 10, 11, 8, 9, 15, 12, 13, 14}, /* ShiftRows */
    {0, 1, 2, 3, 7, 4, 5, 6, 10, 11, 8, 9, 13, 14, 15, 12}, /* InvShiftRows */
    {0, 5, 10, 15, 1, 6, 11, 12, 2, 7, 8, 13, 3, 4, 9, 14}, /* ShiftRows, and then to columns */
};
enum { TRANSPOSE, SHIFT_ROWS, INVERSE_SHIFT_ROWS, SHIFT_ROWS_TRANSPOSE };

#define PERMUTATION(which) wasm_v128_load(aes_row_permutations[which])

#define XOR wasm_v128_xor
#define AND wasm_v128_and

static inline __attribute__((always_inline)) void permute_bytes(v128_t q[8], v128_t permutation) {
  for (int i = 0; i < 8; i++) q[i] = wasm_i8x16_swizzle(q[i], permutation);
}

/* ---- Between eight blocks and eight planes. ---- */

/* Exchanges the bits of a that `mask` selects `distance` below with those of b that it selects. */
static inline __attribute__((always_inline)) void exchange(v128_t *a, v128_t *b, int distance, v128_t mask) {
  v128_t different = AND(XOR(wasm_u64x2_shr(*a, distance), *b), mask);
  *b = XOR(*b, different);
  *a = XOR(*a, wasm_i64x2_shl(different, distance));
}

/* Transposes the 8 x 8 bits that each byte's place has in eight vectors. Its own inverse. */
static inline __attribute__((always_inline)) void transpose_bits(v128_t q[8]) {
  const v128_t by1 = wasm_i8x16_splat(0x55), by2 = wasm_i8x16_splat(0x33), by4 = wasm_i8x16_splat(0x0f);
  for (int i = 0; i < 8; i += 2) exchange(&q[i], &q[i + 1], 1, by1);
  for (int i = 0; i < 8; i += 4) exchange(&q[i], &q[i + 2], 2, by2), exchange(&q[i + 1], &q[i + 3], 2, by2);
  for (int i = 0; i < 4; i++) exchange(&q[i], &q[i + 4], 4, by4);
}

/* Planes of eight equal blocks. */
static void spread(v128_t q[8], v128_t block) {
  for (int i = 0; i < 8; i++) {
    v128_t bit = wasm_i8x16_splat((int8_t)(1 << i));
    q[i] = wasm_i8x16_eq(AND(block, bit), bit);
  }
}

/*
 * The S-box below leaves out its constant, 0x63: it is in the keys of all rounds but the first. MixColumns does not change it. The last
 * key is added before ShiftRows, which then is done together with the way back to columns; so its bytes lie where ShiftRows takes them
 * from.
 */
void aes_spread(aes_spread_key *spread_key, const AES_KEY *key) {
  const uint8_t *round_key = (const uint8_t *)key->rd_key;
  for (int round = 0; round <= key->rounds; round++) {
    v128_t k = wasm_i8x16_swizzle(wasm_v128_load(round_key + AES_BLOCK_SIZE * round), PERMUTATION(TRANSPOSE));
    if (round > 0) k = XOR(k, wasm_i8x16_splat(0x63));
    if (round == key->rounds) k = wasm_i8x16_swizzle(k, PERMUTATION(INVERSE_SHIFT_ROWS));
    spread(spread_key->round[round].plane, k);
  }
  spread_key->rounds = key->rounds;
}

void aes_wipe(aes_spread_key *spread_key) {
  for (int round = 0; round <= spread_key->rounds; round++) {
    for (int i = 0; i < 8; i++) ((volatile v128_t *)spread_key->round[round].plane)[i] = wasm_i64x2_const(0, 0);
  }
}

/* ---- Encryption. ---- */

static inline __attribute__((always_inline)) void add_round_key(v128_t q[8], const aes_planes *key) {
  for (int i = 0; i < 8; i++) q[i] = XOR(q[i], key->plane[i]);
}

/* SubBytes without its constant. Names and order are the paper's; x0 and s0 are the highest bits. */
static inline __attribute__((always_inline)) void sub_bytes(v128_t q[8]) {
  v128_t x0 = q[7], x1 = q[6], x2 = q[5], x3 = q[4], x4 = q[3], x5 = q[2], x6 = q[1], x7 = q[0];
  /* top linear layer: to GF(2^4) over GF(2^2) */
  v128_t y14 = XOR(x3, x5), y13 = XOR(x0, x6), y9 = XOR(x0, x3), y8 = XOR(x0, x5), t0 = XOR(x1, x2), y1 = XOR(t0, x7), y4 = XOR(y1, x3);
  v128_t y12 = XOR(y13, y14), y2 = XOR(y1, x0), y5 = XOR(y1, x6), y3 = XOR(y5, y8), t1 = XOR(x4, y12), y15 = XOR(t1, x5);
  v128_t y20 = XOR(t1, x1), y6 = XOR(y15, x7), y10 = XOR(y15, t0), y11 = XOR(y20, y9), y7 = XOR(x7, y11), y17 = XOR(y10, y11);
  v128_t y19 = XOR(y10, y8), y16 = XOR(t0, y11), y21 = XOR(y13, y16), y18 = XOR(x0, y16);
  /* the inversion */
  v128_t t2 = AND(y12, y15), t3 = AND(y3, y6), t4 = XOR(t3, t2), t5 = AND(y4, x7), t6 = XOR(t5, t2), t7 = AND(y13, y16), t8 = AND(y5, y1);
  v128_t t9 = XOR(t8, t7), t10 = AND(y2, y7), t11 = XOR(t10, t7), t12 = AND(y9, y11), t13 = AND(y14, y17), t14 = XOR(t13, t12);
  v128_t t15 = AND(y8, y10), t16 = XOR(t15, t12), t17 = XOR(t4, t14), t18 = XOR(t6, t16), t19 = XOR(t9, t14), t20 = XOR(t11, t16);
  v128_t t21 = XOR(t17, y20), t22 = XOR(t18, y19), t23 = XOR(t19, y21), t24 = XOR(t20, y18), t25 = XOR(t21, t22), t26 = AND(t21, t23);
  v128_t t27 = XOR(t24, t26), t28 = AND(t25, t27), t29 = XOR(t28, t22), t30 = XOR(t23, t24), t31 = XOR(t22, t26), t32 = AND(t31, t30);
  v128_t t33 = XOR(t32, t24), t34 = XOR(t23, t33), t35 = XOR(t27, t33), t36 = AND(t24, t35), t37 = XOR(t36, t34), t38 = XOR(t27, t36);
  v128_t t39 = AND(t29, t38), t40 = XOR(t25, t39), t41 = XOR(t40, t37), t42 = XOR(t29, t33), t43 = XOR(t29, t40), t44 = XOR(t33, t37);
  v128_t t45 = XOR(t42, t41);
  v128_t z0 = AND(t44, y15), z1 = AND(t37, y6), z2 = AND(t33, x7), z3 = AND(t43, y16), z4 = AND(t40, y1), z5 = AND(t29, y7);
  v128_t z6 = AND(t42, y11), z7 = AND(t45, y17), z8 = AND(t41, y10), z9 = AND(t44, y12), z10 = AND(t37, y3), z11 = AND(t33, y4);
  v128_t z12 = AND(t43, y13), z13 = AND(t40, y5), z14 = AND(t29, y2), z15 = AND(t42, y9), z16 = AND(t45, y14), z17 = AND(t41, y8);
  /* bottom linear layer: back, and the affine transformation */
  v128_t t46 = XOR(z15, z16), t47 = XOR(z10, z11), t48 = XOR(z5, z13), t49 = XOR(z9, z10), t50 = XOR(z2, z12), t51 = XOR(z2, z5);
  v128_t t52 = XOR(z7, z8), t53 = XOR(z0, z3), t54 = XOR(z6, z7), t55 = XOR(z16, z17), t56 = XOR(z12, t48), t57 = XOR(t50, t53);
  v128_t t58 = XOR(z4, t46), t59 = XOR(z3, t54), t60 = XOR(t46, t57), t61 = XOR(z14, t57), t62 = XOR(t52, t58), t63 = XOR(t49, t58);
  v128_t t64 = XOR(z4, t59), t65 = XOR(t61, t62), t66 = XOR(z1, t63), t67 = XOR(t64, t65), s3 = XOR(t53, t66);
  q[7] = XOR(t59, t63);
  q[6] = XOR(t64, s3);
  q[5] = XOR(t55, t67);
  q[4] = s3;
  q[3] = XOR(t51, t66);
  q[2] = XOR(t47, t65);
  q[1] = XOR(t56, t62);
  q[0] = XOR(t48, t60);
}

#define ROW_BELOW(a) wasm_i32x4_shuffle(a, a, 1, 2, 3, 0)
#define TWO_ROWS_BELOW(a) wasm_i32x4_shuffle(a, a, 2, 3, 0, 1)

/* 2a + 3b + c + d, where b, c and d are the rows below a: 2(a + b) + b + (c + d). Times x moves planes up, and adds x^8 = 0x1b. */
static inline __attribute__((always_inline)) void mix_columns(v128_t q[8]) {
  v128_t sum[8];
  for (int i = 0; i < 8; i++) {
    v128_t below = ROW_BELOW(q[i]);
    sum[i] = XOR(q[i], below);
    q[i] = XOR(below, TWO_ROWS_BELOW(sum[i]));
  }
  for (int i = 0; i < 8; i++) q[i] = XOR(q[i], sum[(i + 7) % 8]);
  q[1] = XOR(q[1], sum[7]);
  q[3] = XOR(q[3], sum[7]);
  q[4] = XOR(q[4], sum[7]);
}

/* From the state after the first key to the blocks' own order of bytes. */
static inline __attribute__((always_inline)) void encrypt_rounds(v128_t q[8], const aes_spread_key *key) {
  const v128_t shift_rows = PERMUTATION(SHIFT_ROWS);
  for (int round = 1; round < key->rounds; round++) {
    sub_bytes(q);
    permute_bytes(q, shift_rows);
    mix_columns(q);
    add_round_key(q, &key->round[round]);
  }
  sub_bytes(q);
  add_round_key(q, &key->round[key->rounds]);
  transpose_bits(q);
  permute_bytes(q, PERMUTATION(SHIFT_ROWS_TRANSPOSE));
}

/* ---- Counter mode. ---- */

void aes_ctr_nonce(aes_planes *nonce, const aes_spread_key *key, const uint8_t bytes[12]) {
  uint8_t block[AES_BLOCK_SIZE] = {0};
  memcpy(block, bytes, 12);
  spread(nonce->plane, wasm_i8x16_swizzle(wasm_v128_load(block), PERMUTATION(TRANSPOSE)));
  add_round_key(nonce->plane, &key->round[0]);
}

/*
 * The counter is the last column of the state: the highest byte of each lane, from the top of the counter down. Plane i of it has bit i
 * of that byte, all blocks alike, but for the counter's last three bits, which count the blocks.
 */
static inline __attribute__((always_inline)) void add_counters(v128_t q[8], uint32_t counter) {
  v128_t column = wasm_i32x4_make((int32_t)counter, (int32_t)(counter << 8), (int32_t)(counter << 16), (int32_t)(counter << 24));
  for (int i = 0; i < 8; i++) {
    v128_t bit = wasm_i32x4_shr(wasm_i32x4_shl(column, 7 - i), 31);
    q[i] = XOR(q[i], wasm_i32x4_shl(bit, 24));
  }
  q[0] = XOR(q[0], wasm_i32x4_const(0, 0, 0, (int32_t)0xaa000000));
  q[1] = XOR(q[1], wasm_i32x4_const(0, 0, 0, (int32_t)0xcc000000));
  q[2] = XOR(q[2], wasm_i32x4_const(0, 0, 0, (int32_t)0xf0000000));
}

__attribute__((noinline)) void aes_ctr_eights(const aes_spread_key *key, const aes_planes *nonce, uint32_t counter, uint8_t *out,
                                              const uint8_t *in, size_t count) {
  for (; count > 0; count--, counter += 8, in += AES_EIGHT, out += AES_EIGHT) {
    v128_t q[8];
    for (int i = 0; i < 8; i++) q[i] = nonce->plane[i];
    add_counters(q, counter);
    encrypt_rounds(q, key);
    for (int i = 0; i < 8; i++) q[i] = XOR(q[i], wasm_v128_load(in + AES_BLOCK_SIZE * i));
    for (int i = 0; i < 8; i++) wasm_v128_store(out + AES_BLOCK_SIZE * i, q[i]);
  }
}

/* ---- Decryption: FIPS 197's inverse cipher, with the keys of encryption. ---- */

/* The inverse of the affine transformation, without its constant. */
static inline __attribute__((always_inline)) void undo_affine(v128_t q[8]) {
  v128_t a[8];
  memcpy(a, q, sizeof a);
  for (int i = 0; i < 8; i++) q[i] = XOR(XOR(a[(i + 2) % 8], a[(i + 5) % 8]), a[(i + 7) % 8]);
}

/* The S-box inverts in the field and then applies the affine transformation: undone around the same circuit, inversion is left. */
static inline __attribute__((always_inline)) void inverse_sub_bytes(v128_t q[8]) {
  undo_affine(q);
  sub_bytes(q);
  undo_affine(q);
}

static inline __attribute__((always_inline)) void times_x(v128_t q[8]) {
  v128_t carry = q[7];
  for (int i = 7; i > 0; i--) q[i] = q[i - 1];
  q[0] = carry;
  q[1] = XOR(q[1], carry);
  q[3] = XOR(q[3], carry);
  q[4] = XOR(q[4], carry);
}

/* 4(a + c) added to a and c, and 4(b + d) to b and d, makes MixColumns its own inverse. */
static inline __attribute__((always_inline)) void inverse_mix_columns(v128_t q[8]) {
  v128_t four[8];
  for (int i = 0; i < 8; i++) four[i] = XOR(q[i], TWO_ROWS_BELOW(q[i]));
  times_x(four);
  times_x(four);
  for (int i = 0; i < 8; i++) q[i] = XOR(q[i], four[i]);
  mix_columns(q);
}

/* Eight blocks, in place. */
static __attribute__((noinline)) void decrypt_eight(v128_t blocks[8], const aes_spread_key *key) {
  const v128_t transpose = PERMUTATION(TRANSPOSE), inverse_shift_rows = PERMUTATION(INVERSE_SHIFT_ROWS);
  v128_t q[8]; /* variables of its own: what others might see would be in memory at all times */
  memcpy(q, blocks, sizeof q);
  permute_bytes(q, transpose);
  transpose_bits(q);
  permute_bytes(q, inverse_shift_rows);
  add_round_key(q, &key->round[key->rounds]);
  for (int round = key->rounds - 1; round > 0; round--) {
    inverse_sub_bytes(q);
    add_round_key(q, &key->round[round]);
    inverse_mix_columns(q);
    permute_bytes(q, inverse_shift_rows);
  }
  inverse_sub_bytes(q);
  add_round_key(q, &key->round[0]);
  transpose_bits(q);
  permute_bytes(q, transpose);
  memcpy(blocks, q, sizeof q);
}

void AES_decrypt(const unsigned char *in, unsigned char *out, const AES_KEY *key) {
  aes_spread_key spread_key;
  v128_t q[8];
  aes_spread(&spread_key, key);
  for (int i = 0; i < 8; i++) q[i] = wasm_v128_load(in);
  decrypt_eight(q, &spread_key);
  wasm_v128_store(out, q[0]);
  aes_wipe(&spread_key);
}

/* ---- CBC: a block can be encrypted only after the one before it, but many can be decrypted at once. ---- */

static void cbc_decrypt(const uint8_t *in, uint8_t *out, size_t length, const AES_KEY *key, uint8_t iv[AES_BLOCK_SIZE]) {
  aes_spread_key spread_key;
  v128_t before = wasm_v128_load(iv), q[8], ciphertext[8];
  aes_spread(&spread_key, key);
  while (length > 0) {
    size_t now = length < AES_EIGHT ? length / AES_BLOCK_SIZE : 8;
    for (size_t i = 0; i < 8; i++) q[i] = ciphertext[i] = i < now ? wasm_v128_load(in + AES_BLOCK_SIZE * i) : wasm_i64x2_const(0, 0);
    decrypt_eight(q, &spread_key);
    for (size_t i = 0; i < now; i++) {
      wasm_v128_store(out + AES_BLOCK_SIZE * i, XOR(q[i], before));
      before = ciphertext[i];
    }
    in += AES_BLOCK_SIZE * now;
    out += AES_BLOCK_SIZE * now;
    length -= AES_BLOCK_SIZE * now;
  }
  wasm_v128_store(iv, before);
  aes_wipe(&spread_key);
}

/* Whole blocks are ours; what else the length may say, OpenSSL knows what it does with. */
void AES_cbc_encrypt(const unsigned char *in, unsigned char *out, size_t length, const AES_KEY *key, unsigned char *iv, const int encrypt) {
  if (encrypt) CRYPTO_cbc128_encrypt(in, out, length, key, iv, (block128_f)AES_encrypt);
  else if (length % AES_BLOCK_SIZE == 0) cbc_decrypt(in, out, length, key, iv);
  else CRYPTO_cbc128_decrypt(in, out, length, key, iv, (block128_f)AES_decrypt);
}
