#!/usr/bin/env bash
# configure.sh wasm|native: configures OpenSSL in the current directory, which is the root of its source. Runs inside the
# toolchain and needs nothing but bash and perl.
#
# Kept on purpose: TLS 1.0 to 1.3 and DTLS 1.2, CBC and 3DES suites, DHE, static RSA, PSK, ML-KEM, ML-DSA, Ed25519, Ed448,
# X25519, X448, ChaCha20-Poly1305, scrypt (encrypted PKCS#8), certificate transparency, OCSP, error texts. What is allowed by
# default is decided at run time by security levels, not here.
set -euo pipefail

# What the platform does not have, or the module must not use.
platform=(
  no-asm             # no assembler for WebAssembly; our kernels come in through C
  no-threads         # one thread
  no-shared          # static libraries only
  no-pic             # a static library is position independent by default, which costs speed
  no-dso             # no dlopen
  no-module          # providers are linked in
  no-engine          # ENGINE is deprecated and would need the two above
  no-async           # ASYNC_JOB switches stacks
  no-atexit          # a module does not exit
  no-secure-memory   # mlock, mprotect and guard pages have no counterpart; freed secrets are wiped all the same
  no-stdio           # no FILE, no file system: everything goes through memory
  no-posix-io        # the same for file descriptors
  no-ui-console      # no terminal to ask for a passphrase
  no-autoload-config # no openssl.cnf: a library must not change with a file somewhere
  no-filenames       # no source paths in errors: smaller, and the same bytes wherever it is built
  no-multiblock      # needs assembler
  # Not no-sock, although no socket is ever opened: it takes DTLS with it. The linker drops the code.
)

# What is not built at all.
products=(
  no-apps
  no-tests
  no-docs
  no-makedepend # nothing is ever rebuilt in place
)

# Protocols and formats nobody asks a TLS library for.
protocols=(
  no-quic          # datagrams and a clock of its own
  no-dtls1         # RFC 8996; DTLS 1.2 stays
  no-dtls1-method
  no-cms           # S/MIME; PKCS #7 cannot be left out and is enough for certificate bundles
  no-cmp
  no-ts
  no-srp
  no-srtp
  no-nextprotoneg  # replaced by ALPN
  no-comp          # TLS compression is unsafe (CRIME), and certificate compression would need zlib
  no-ssl-trace
  no-rfc3779       # IP address blocks of the RPKI
  no-integrity-only-ciphers # TLS_SHA256_SHA256: no encryption
  # Not no-http: it takes OCSP with it.
)

# Algorithms that no current TLS peer or certificate uses.
algorithms=(
  no-legacy        # the provider of the ones below; so PKCS #12 files made with RC2-40 cannot be opened, those with 3DES can
  no-aria
  no-bf
  no-blake2        # and with it Argon2
  no-camellia
  no-cast
  no-cmac          # and with it AES-SIV
  no-dsa
  no-ec2m          # binary curves
  no-gost
  no-idea
  no-md4
  no-mdc2
  no-ocb
  no-rc2
  no-rc4
  no-rmd160
  no-seed
  no-siphash
  no-slh-dsa       # signatures of 8 to 50 KB; ML-DSA is the one meant for TLS
  no-sm2
  no-sm3
  no-sm4
  no-whirlpool
)

common=(
  # Names that end up in the library; neutral, and nothing is read from there.
  --prefix=/membio
  --openssldir=/membio
  --libdir=lib
  --with-rand-seed=none # entropy comes from the host through a provider of our own: wasm/entropy.c
)

wasm=(
  linux-generic32             # 32-bit limbs with 64-bit products (BN_LLONG): measured faster than 64-bit limbs through __multi3
  enable-ec_nistp_64_gcc_128  # clang has __int128 on WebAssembly; P-256 and P-521 gain
  "CC=bash membio-cc.sh emcc" # -O3 or -Os file by file: cc.sh
  AR=emar
  RANLIB=emranlib
  CFLAGS=-msimd128            # in every engine since 2021 (Safari: 2023)
)

# The same library for the machine's own compiler, so that our C can be tested under sanitizers. -O1 keeps traces readable.
native=(
  linux-generic64
  enable-ec_nistp_64_gcc_128
  "CC=bash membio-cc.sh gcc"
  "CFLAGS=-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -DPEDANTIC"
)

case ${1:-} in
  wasm) target=("${wasm[@]}") ;;
  native) target=("${native[@]}") ;;
  *) echo "usage: configure.sh wasm|native" >&2 && exit 2 ;;
esac

perl Configure "${common[@]}" "${platform[@]}" "${products[@]}" "${protocols[@]}" "${algorithms[@]}" "${target[@]}"
