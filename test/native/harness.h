/*
 * What the native tests share: cases that print themselves, credentials, and two connections joined in memory. The contract under
 * test is wasm/abi.h; internal.h is only used where a test has to act as a hostile peer with OpenSSL's own means.
 */
#ifndef MEMBIO_TEST_HARNESS_H
#define MEMBIO_TEST_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- Cases ---- */

/* NULL when all went well, else what was expected. */
typedef const char *(*case_body)(const void *argument);

/* Runs a case and prints its line; checks that it leaves no live object. */
void run_case(const char *name, case_body body, const void *argument);

#define TEXT_OF_LINE(line) #line
#define TEXT_OF(line) TEXT_OF_LINE(line)
#define CHECK(condition) \
  do { \
    if (!(condition)) return __FILE__ ":" TEXT_OF(__LINE__) ": expected " #condition; \
  } while (0)
/* For helpers that return such a message themselves. */
#define CHECK_ALL(call) \
  do { \
    const char *failed_ = (call); \
    if (failed_ != NULL) return failed_; \
  } while (0)

/* One function a file. */
void ring_cases(void);
void handshake_cases(void);
void session_cases(void);
void pressure_cases(void);
void hostile_cases(void);
void lifetime_cases(void);
void credential_cases(void);
void datagram_cases(void);
void park_cases(void);
void psk_cases(void);
void live_cases(void);
void trust_cases(void);
void roots_cases(void);
void signer_cases(void);
void odd_signer_cases(void);
void refusal_cases(void);
void x509_cases(void);
void acceleration_cases(void);
void memory_cases(void);
void memory_wrong_cases(void);
void memory_lost_cases(void);
/* The nth allocation from now fails, of those with this size (0: any). disarm: no more of that; returns whether it came to it. */
void memory_arm(long n, size_t size);
int memory_disarm(void);
/* Runs body again and again, while one allocation after the other fails, of each step one. body returns whether all went well. */
void memory_case(const char *name, int (*body)(void), long step);
/* For memory.c, in signer.c. */
int signer_attempt(int later);
void signer_attempts_end(void);
/* Before OpenSSL's first allocation. */
int memory_install(void);

/* ---- Randomness: the host's, which can be made to fail; and the tests' own, which can be repeated. ---- */

extern int entropy_fails;
extern unsigned entropy_calls;

typedef struct noise {
  uint32_t state;
} noise;

uint32_t noise_below(noise *n, uint32_t below);
/* One of the things that happen to bytes on their way; returns the new length, at most capacity. */
size_t noise_mutate(noise *n, uint8_t *bytes, size_t length, size_t capacity);
void pattern_fill(uint8_t *out, size_t length, uint32_t seed);

/* From this number on, signers are those of odd-signer.c. */
#define ODD_SIGNER 100
int32_t odd_sign(uint32_t signer, uint32_t scheme, const uint8_t *message, uint32_t length, uint8_t *out, uint32_t capacity);

/* A signature with a key in PEM, for the schemes 0x0403, 0x0804, 0x0401 and 0x0807. *out_length is the room, and then what was used. */
int sign_with(const char *pem, uint32_t scheme, const uint8_t *message, size_t length, uint8_t *out, size_t *out_length);

/* ---- Credentials, made once and kept until the end ---- */

typedef struct identity {
  char *cert, *key;
} identity;

#define HOST "server.test"

const identity *authority(void);
/* A leaf of the authority for HOST, valid for both roles. */
const identity *leaf_of(const char *type);
/* The same, signed by nobody but itself. */
const identity *self_signed(void);
/* extensions: lines of "name=value" in the syntax of x509v3_config(5). */
identity identity_new(const char *type, const char *extensions, const identity *issuer);
void identity_free(identity *one);
void credentials_free(void);
/* The key of it as SubjectPublicKeyInfo; the caller frees it. */
tls_bytes *public_key_of(const identity *one);

/* What an export takes as "fields" (wasm/fields.c), written by hand. The memory is the C library's: it never fails. */
typedef struct request {
  uint8_t *bytes;
  size_t length;
} request;

void request_add(request *r, const char *name, const void *value, size_t length);
void request_text(request *r, const char *name, const char *text);
/* As one field; empties the group. */
void request_group(request *r, const char *name, request *group);
void request_extension(request *r, const char *name, const char *value);
void request_free(request *r);
/* The request for a certificate: subject "CN=name" or "", extensions as above. The issuer's parts may be NULL. */
request certificate_request(const char *key, const char *subject, const char *extensions, double from, double until,
                            const char *issuer_cert, const char *issuer_key);
/* The same, made. */
tls_bytes *certificate_new(const char *key, const char *subject, const char *extensions, double from, double until,
                           const char *issuer_cert, const char *issuer_key);
/* PEM, in memory that the caller frees. */
char *pem_of(const char *label, const uint8_t *der, size_t length);

/* ---- Two connections ---- */

typedef struct side {
  tls_connection *connection;
  int32_t status;  /* of the last call that drove it */
  int established; /* the handshake is done */
  int idle;        /* leave plaintext where it is */
  uint8_t *plaintext;
  size_t received;
} side;

typedef struct pair {
  tls_context *client_context, *server_context;
  side client, server;
  size_t cut; /* bytes delivered at a time; 0: as many as fit */
} pair;

/* Zero is the default everywhere: any version, P-256, no client certificate, whole deliveries. */
typedef struct pair_options {
  uint32_t version;
  const char *type;
  int mutual;
  size_t cut;
  uint32_t flags; /* TLS_FLAG_*, for both sides; PARK_CLIENT_HELLO only for the server */
  uint32_t client_flags, server_flags;
  const char *alpn_client, *alpn_server; /* one protocol each */
  const identity *server;
  const identity *client; /* with mutual: instead of the authority's leaf */
  const char *identity; /* whom the client expects; default HOST */
} pair_options;

const char *pair_open(pair *p, const pair_options *options);
/* The two halves of it: contexts, and connections in place of those that were there. */
const char *pair_contexts(pair *p, const pair_options *options);
const char *pair_connect(pair *p, const pair_options *options);
void pair_close(pair *p);
void side_drive(side *s);
/* Moves bytes until nothing moves any more. */
void pair_run(pair *p);
/* Delivers bytes to one side and drives it; what does not fit is lost. */
void side_deliver(side *to, const uint8_t *bytes, size_t length, size_t cut);
/* Takes all that is outgoing into a new buffer, which the caller frees. */
uint8_t *side_take(side *from, size_t *length);
const char *pair_establish(pair *p);
/* Writes in one direction and the other, and compares. */
const char *pair_exchange(pair *p, size_t length);
/* The next event of this kind, and none of those before it; NULL if there is none. The caller frees it. */
tls_bytes *side_event(side *s, uint32_t kind);
/* Whether there was such an event. */
int side_saw(side *s, uint32_t kind);
/* The newest session of a side's events in DER, taken; NULL if there is none. */
tls_bytes *side_session(side *s);

#endif
