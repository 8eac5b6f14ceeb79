#!/usr/bin/env bash
# cc.sh COMPILER ...: OpenSSL's C compiler. The last argument is the source, as OpenSSL's makefile writes it.
# Emscripten's optimizes with -O3 where time is spent and with -Os elsewhere. Against -O3 throughout this makes openssl.wasm 16 % smaller
# (gzip: 12 %), and handshakes, signatures and records are as fast within the noise of a few per cent.
set -euo pipefail
insides=()
case ${!#} in
  ssl/*) insides=(-include membio-limits.h) ;; # limits.h
esac
[ "$1" = emcc ] || exec "$@" "${insides[@]}"
case ${!#} in
  crypto/bn/bn_asm.c | crypto/bn/bn_mul.c | crypto/bn/bn_sqr.c | crypto/bn/bn_mont.c | crypto/bn/bn_exp.c) # RSA, DH
    flags=(-O3) ;;
  crypto/ec/ecp_nistp*) # P-256, P-384, P-521: long field functions, which inlining only triples in size
    flags=(-O3 -fno-inline-functions) ;;
  crypto/ec/curve25519.c | crypto/ml_kem/* | crypto/ml_dsa/*)
    flags=(-O3) ;;
  crypto/aes/* | crypto/modes/* | crypto/chacha/* | crypto/poly1305/* | crypto/sha/* | providers/implementations/ciphers/*) # bulk
    flags=(-O3) ;;
  ssl/record/* | crypto/mem* | crypto/lhash/* | crypto/hashtable/*) # every record, every allocation, every fetch
    flags=(-O3) ;;
  *)
    flags=(-Os) ;;
esac
exec "$@" "${insides[@]}" "${flags[@]}"
