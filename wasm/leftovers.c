/*
 * What a handshake leaves behind. libssl keeps some of it until SSL_free(3); on a server with ten thousand idle connections that is memory
 * for nothing, most of all the keys of ML-KEM, 6 to 14 KB; and an ephemeral key that is gone cannot get known any more.
 */
#include "libssl.h"

#include "internal.h"

static void own_keys_free(SSL_CONNECTION *s) {
  size_t i;
  for (i = 0; i < s->s3.tmp.num_ks_pkey; i++) {
    if (s->s3.tmp.pkey == s->s3.tmp.ks_pkey[i]) s->s3.tmp.pkey = NULL;
    EVP_PKEY_free(s->s3.tmp.ks_pkey[i]);
    s->s3.tmp.ks_pkey[i] = NULL;
  }
  s->s3.tmp.num_ks_pkey = 0;
  EVP_PKEY_free(s->s3.tmp.pkey);
  s->s3.tmp.pkey = NULL;
}

/* Up to TLS 1.2 there may be another handshake, which looks after the keys of the last one itself. */
void leftovers_free(tls_connection *c) {
  SSL_CONNECTION *s = SSL_CONNECTION_FROM_SSL(c->ssl);
  if (s == NULL || SSL_version(c->ssl) != TLS1_3_VERSION) return;
  own_keys_free(s);
  if (c->role == TLS_ROLE_CLIENT) return; /* the server's key is asked for: peer.c */
  EVP_PKEY_free(s->s3.peer_tmp);
  s->s3.peer_tmp = NULL;
  if (s->post_handshake_auth != SSL_PHA_NONE) return;
  EVP_MD_CTX_free(s->pha_dgst);
  s->pha_dgst = NULL;
}
