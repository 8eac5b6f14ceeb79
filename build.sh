#!/usr/bin/env bash
# Builds membio. Each step is cached by the hash of what goes into it; run it as often as you like.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/openssl-build/common.sh"
cd "$repository"

help() {
  cat <<'EOF'
./build.sh [step...]     without a step: all

  all         everything the package needs: deps toolchain openssl wasm roots ts
  deps        npm packages
  toolchain   the pinned Emscripten: from PATH, a container, or a private Debian (as root)
  openssl     OpenSSL's source, verified; libcrypto.a and libssl.a for WebAssembly
  wasm        bindings from wasm/abi.h; dist/openssl.wasm, and dist/inline.js made from it
  roots       Mozilla's CA certificates, verified; dist/roots.js
  ts          the other dist/*.js and their types
  kernels     for tests and measurements of wasm/simd: the module without it, and both with single primitives exported
  native      the same C under AddressSanitizer and UBSan: build/native/test
  peers       other TLS programs the tests talk to
  ecosystem   servers and clients for `npm run test:ecosystem`
  packaging   bundlers and checkers for `npm run test:package`
  runtimes    the runtimes for `npm run test:runtimes`
  bench       what `npm run bench` compares with, and the runtimes it runs on
  verify      build everything compiled again from scratch and compare with openssl-build/SHA256SUMS
              (verify --quick: only compare dist/openssl.wasm; verify --update: write the file)
  clean       remove build/ and dist/; the caches stay
  help        this text

  OPENSSL_TARBALL=FILE      take OpenSSL's source from FILE
  ROOTS_TARBALL=FILE        take Mozilla's certificates from FILE, Debian's source of ca-certificates
  MEMBIO_APT_SOURCES=FILE   take Debian from the archive in this apt .sources file (types deb and deb-src)
  MEMBIO_NAMES=1            keep function names in openssl.wasm
EOF
  say "caches: $cache"
}

# ---- What a step depends on, and whether it has changed ----

# stamped NAME HASH PRODUCT: true if NAME was last built from HASH and its product is still there.
stamped() { [ -e "$3" ] && [ "$(cat "build/stamps/$1" 2>/dev/null)" = "$2" ]; }

stamp() {
  mkdir -p build/stamps
  echo "$2" >"build/stamps/$1"
}

# The hash of all files in some places, names included; places that do not exist (yet) are fine.
tree_hash() {
  local place places=()
  for place; do [ ! -e "$place" ] || places+=("$place"); done
  find "${places[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | hash_of -
}

# ---- Steps. No `a && b` between commands that may fail: `set -e` does not look inside such a chain. ----

deps() {
  local hash
  hash=$(tree_hash package-lock.json)
  if stamped deps "$hash" node_modules; then
    say "deps: skipped, node_modules is up to date"
    return
  fi
  if [ -f package-lock.json ]; then
    say "deps: npm ci"
    logged build/log/npm.log npm ci --no-audit --no-fund
  else
    say "deps: npm install, for want of a package-lock.json"
    logged build/log/npm.log npm install --no-audit --no-fund
  fi
  stamp deps "$(tree_hash package-lock.json)"
}

toolchain() { openssl-build/toolchain.sh setup; }

openssl() { openssl-build/compile.sh build wasm; }

bindings() { npm run -s build:abi; }

wasm() {
  local libraries hash
  bindings
  libraries=$(openssl-build/compile.sh path wasm)
  [ -d "$libraries" ] || openssl
  hash=$({ tree_hash wasm build/wasm/exports.txt openssl-build/common.sh && echo "$libraries ${MEMBIO_NAMES:-0}"; } | hash_of -)
  if stamped wasm "$hash" dist/openssl.wasm && [ -e dist/inline.js ]; then
    say "wasm: skipped, dist/openssl.wasm is up to date"
    return
  fi
  say "wasm: compiling wasm/*.c, linking openssl.wasm"
  wasm/link.sh "$libraries" build/wasm/openssl.wasm
  mkdir -p dist
  cp build/wasm/openssl.wasm dist/openssl.wasm
  npm run -s build:inline
  stamp wasm "$hash"
}

# What wasm/simd gains and whether it is right shows against the same module without it. Nothing of this is shipped.
kernels() {
  local libraries hash
  bindings
  libraries=$(openssl-build/compile.sh path wasm)
  [ -d "$libraries" ] || openssl
  hash=$({ tree_hash wasm test/kernels build/wasm/exports.txt openssl-build/common.sh && echo "$libraries"; } | hash_of -)
  if stamped kernels "$hash" build/wasm/primitives-portable.wasm; then
    say "kernels: skipped, build/wasm/*.wasm are up to date"
    return
  fi
  say "kernels: linking openssl.wasm without wasm/simd, and both with test/kernels"
  MEMBIO_KERNELS=0 wasm/link.sh "$libraries" build/wasm/openssl-portable.wasm
  MEMBIO_WITH=test/kernels wasm/link.sh "$libraries" build/wasm/primitives.wasm
  MEMBIO_KERNELS=0 MEMBIO_WITH=test/kernels wasm/link.sh "$libraries" build/wasm/primitives-portable.wasm
  stamp kernels "$hash"
}

roots() {
  local hash tarball source=build/roots/source
  hash=$({ tree_hash openssl-build/{roots,certdata}.ts src/roots.d.ts && echo "$ROOTS_SHA256"; } | hash_of -)
  if stamped roots "$hash" dist/roots.js; then
    say "roots: skipped, dist/roots.js is up to date"
    return
  fi
  need xz xz-utils
  tarball=$(openssl-build/fetch.sh roots)
  rm -rf "$source"
  mkdir -p "$source"
  tar -xJf "$tarball" -C "$source" --strip-components=1
  say "roots: reading Mozilla's list"
  npm run -s build:roots -- "$source" "$ROOTS_VERSION"
  stamp roots "$hash"
}

ts() {
  local hash
  bindings
  hash=$(tree_hash src test samples bench openssl-build/certdata.ts build.mjs tsconfig.json package.json package-lock.json)
  if stamped ts "$hash" dist/index.js; then
    say "ts: skipped, dist/ is up to date"
    return
  fi
  say "ts: compiling TypeScript"
  npm run -s build:ts
  stamp ts "$hash"
}

# Our C as the machine's own compiler sees it, with every memory error and every undefined operation fatal. platform*.c stay out: the
# test runs on a real system. The kernels of wasm/simd stand in for OpenSSL's C in a program of their own.
native() {
  local libraries hash sources product=build/native/test
  if ! compgen -G 'test/native/*.c' >/dev/null; then
    say "native: skipped, there is no test/native/*.c"
    return
  fi
  need gcc gcc libc6-dev
  need make make
  perl -MFindBin -MIPC::Cmd -e 1 2>/dev/null || install_packages perl # a bare Debian has a part of it only
  openssl-build/compile.sh build native
  libraries=$(openssl-build/compile.sh path native)
  hash=$({ tree_hash wasm test/native test/kernels build.sh && echo "$libraries"; } | hash_of -)
  if stamped native "$hash" "$product"; then
    say "native: skipped, $product is up to date"
    return
  fi
  mkdir -p build/native
  mapfile -t sources < <(find wasm test/native -maxdepth 1 -name '*.c' ! -name 'platform*.c' | LC_ALL=C sort)
  say "native: compiling ${#sources[@]} files with gcc and sanitizers"
  native_program "$product" "$libraries" "${sources[@]}" @wasm/wrap.options "$libraries/libssl.a"
  [ -e /usr/include/simde ] || install_packages libsimde-dev
  mapfile -t sources < <(find test/kernels -maxdepth 1 -name '*.c' | LC_ALL=C sort)
  native_program build/native/kernels-portable "$libraries" "${sources[@]}"
  mapfile -t sources < <(find test/kernels wasm/simd wasm/acceleration.c -maxdepth 1 -name '*.c' | LC_ALL=C sort)
  native_program build/native/kernels "$libraries" "${sources[@]}" @wasm/simd/wrap.options
  constant_time_program build/native/constant-time "$libraries"
  stamp native "$hash"
}

native_program() { # PRODUCT LIBRARIES what else gcc takes...
  logged build/log/native.log gcc -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
    -std=gnu17 -Wall -Wextra -Iwasm -Itest/native -I"$2" -I"$2/include" -I"$2/private" \
    -I"$2/private/providers/common/include" -I"$2/private/providers/implementations/include" \
    "${@:3}" "$2/libcrypto.a" -lm -o "$1"
}

# The kernels for valgrind, without sanitizers: test/kernels/constant-time/main.c says what for. SSSE3 has the swizzle, which SIMDe would
# otherwise make of array accesses.
constant_time_program() { # PRODUCT LIBRARIES
  local machine=()
  need valgrind valgrind libc6-dbg
  [ "$(uname -m)" != x86_64 ] || machine=(-mssse3)
  logged build/log/native.log gcc -O2 -g "${machine[@]}" -std=gnu17 -Wall -Wextra -DKERNELS_UNDER_VALGRIND -Iwasm/simd -Itest/native \
    -I"$2/include" -I"$2/private" test/kernels/constant-time/*.c wasm/simd/{aes,aes-bitslice,aes-gcm,chacha20-poly1305,ghash}.c \
    wasm/simd/{p256,x25519,edwards25519,curve25519-field,limbs29,invert,modexp,montgomery}.c -o "$1"
}

# Without them the tests that need them are skipped, so this is an offer, not a requirement.
peers() {
  local missing=()
  # type -P, not command -v: openssl is also a step of this script.
  type -P openssl >/dev/null || missing+=(openssl)
  type -P curl >/dev/null || missing+=(curl)
  [ -d /usr/share/ca-certificates/mozilla ] || missing+=(ca-certificates)
  type -P gnutls-cli >/dev/null || missing+=(gnutls-bin)
  if ((${#missing[@]} == 0)); then
    say "peers: skipped, all there"
  elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    install_packages "${missing[@]}"
  else
    say "peers: to run every interoperability test, install: ${missing[*]}"
  fi
}

# What `npm run test:ecosystem` talks to: servers from Debian, clients from npm. The package needs none of it.
ecosystem() {
  ts
  debian_packages ecosystem "$(node build/test/ecosystem/run.js --packages)"
  own_packages ecosystem
  ln -sfn ../../ecosystem/node_modules build/test/ecosystem/node_modules # where the rows look for them
}

# What `npm run test:runtimes` runs on, from npm and Debian. The package needs none of it.
runtimes() {
  ts
  debian_packages runtimes "$(node build/test/runtimes/run.js --packages)"
  own_packages runtimes
}

# What `npm run test:package` lets loose on the package.
packaging() { own_packages packaging; }

# debian_packages STEP NAMES: those that are missing.
debian_packages() {
  local package missing=()
  for package in $2; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    say "$1: Debian's packages are all there"
  else
    without_daemons install_packages "${missing[@]}"
  fi
}

# own_packages STEP: npm packages of test/STEP, in build/STEP. Their install scripts would fetch what the packages already have.
own_packages() {
  local hash product=build/$1/node_modules
  hash=$(tree_hash "test/$1/package.json" "test/$1/package-lock.json")
  if stamped "$1" "$hash" "$product"; then
    say "$1: skipped, $product is up to date"
    return
  fi
  say "$1: npm ci"
  mkdir -p "build/$1"
  cp "test/$1"/package{,-lock}.json "build/$1"
  logged "build/log/npm-$1.log" npm ci --prefix "build/$1" --ignore-scripts --no-audit --no-fund
  stamp "$1" "$hash"
}

# What `npm run bench` compares membio with. Nothing of it is shipped, nor bundled into anything that is: some of it is under the LGPL.
bench() {
  local hash product=build/bench/packages
  if [ -e /usr/bin/chromium ]; then
    say "bench: Chromium is there"
  elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    install_packages chromium
  else
    say "bench: to measure in Chromium, install chromium"
  fi
  hash=$(tree_hash bench/package.json bench/package-lock.json)
  if stamped bench "$hash" "$product/node_modules"; then
    say "bench: skipped, $product is up to date"
  else
    say "bench: npm ci"
    mkdir -p "$product"
    cp bench/package{,-lock}.json "$product"
    logged build/log/npm-bench.log npm ci --prefix "$product" --ignore-scripts --no-audit --no-fund
    stamp bench "$hash"
  fi
  ln -sfn packages/node_modules build/bench/node_modules # where the adapters look for them
}

# without_daemons COMMAND...: packages that it installs do not start their services; who needs a server starts it.
without_daemons() {
  local policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ] || [ "$(id -u)" != 0 ]; then
    "$@"
    return
  fi
  # shellcheck disable=SC2064 # the name is known now
  trap "rm -f $policy" EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  "$@"
  rm "$policy"
  trap - EXIT
}

# ---- Reproducibility ----

verify() {
  local mode=${1:-} sums=openssl-build/SHA256SUMS fresh=$repository/build/verify
  if [ "$mode" = --quick ]; then
    (cd dist && grep ' openssl\.wasm$' "../$sums" | sha256sum --check --status -) || die "dist/openssl.wasm is not the one in $sums"
    say "verify: dist/openssl.wasm is the one in $sums"
    return
  fi
  toolchain
  deps
  bindings
  rm -rf "$fresh" build/wasm/objects
  mkdir -p "$fresh"
  openssl-build/compile.sh build wasm "$fresh/libraries"
  MEMBIO_NAMES=0 wasm/link.sh "$fresh/libraries" "$fresh/openssl.wasm"
  cp "$fresh"/libraries/lib{crypto,ssl}.a "$fresh"
  {
    echo "# Made with Emscripten $EMSCRIPTEN_VERSION of Debian $DEBIAN_SUITE. Another distributor's C library gives other bytes for openssl.wasm."
    (cd "$fresh" && sha256sum libcrypto.a libssl.a openssl.wasm)
  } >"$fresh/SHA256SUMS"
  [ "$mode" != --update ] || cp "$fresh/SHA256SUMS" "$sums"
  diff -u "$sums" "$fresh/SHA256SUMS" >&2 || die "the build differs from $sums; what was built is in build/verify"
  say "verify: libcrypto.a, libssl.a and openssl.wasm are as in $sums"
}

clean() {
  rm -rf build dist
  say "removed build/ and dist/; the caches in $cache stay"
}

# ---- Which steps ----

(($# > 0)) || set -- all
while (($# > 0)); do
  step=$1
  shift
  began=$SECONDS
  case $step in
    all) set -- deps toolchain openssl wasm roots ts "$@" ;;
    deps | toolchain | openssl | wasm | kernels | roots | ts | native | peers | ecosystem | packaging | runtimes | bench | clean) "$step" ;;
    verify)
      option=
      case ${1:-} in --*) option=$1 && shift ;; esac
      verify "$option"
      ;;
    help | --help | -h) help ;;
    *) die "no such step: $step (./build.sh help)" ;;
  esac
  ((SECONDS - began < 3)) || say "$step: done in $((SECONDS - began)) s"
done
