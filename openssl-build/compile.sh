#!/usr/bin/env bash
# compile.sh build TARGET [DIRECTORY]   libcrypto.a, libssl.a and headers for wasm or native, into the cache or DIRECTORY
# compile.sh path TARGET                where the cache has them
#
# The result holds libcrypto.a, libssl.a, include/ (public and generated headers, and limits.h) and private/ (crypto/, providers/, ssl/: the
# internal headers a replacement for one of OpenSSL's own routines needs).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh"

# Everything the libraries are made from. A fresh clone on the same machine finds them under the same key.
key() {
  local compiler
  if [ "$1" = wasm ]; then
    compiler=$("$here/toolchain.sh" id)
  else
    compiler=$(gcc --version | head -n 1)
  fi
  printf '%s\n' "$1" "$compiler" "$OPENSSL_SHA256" "$SOURCE_DATE_EPOCH" | hash_of "$here"/{configure,cc,compile}.sh "$here/limits.h" -
}

path() { echo "$cache/openssl-$OPENSSL_VERSION-$1-$(key "$1")"; }

in_target() { # TARGET DIRECTORY COMMAND...
  if [ "$1" = wasm ]; then
    "$here/toolchain.sh" run "${@:2}"
  else
    (cd "$2" && env LC_ALL=C TZ=UTC "${@:3}")
  fi
}

build() {
  local target=$1 result=$2 work log tarball
  log=$repository/build/log/openssl-$target.log
  tarball=$("$here/fetch.sh" openssl)
  work=$("$here/toolchain.sh" workdir)
  # shellcheck disable=SC2064 # the directory is known now
  trap "rm -rf '$work'" EXIT
  tar -xzf "$tarball" -C "$work" --strip-components=1
  cp "$here/configure.sh" "$work/membio-configure.sh"
  cp "$here/cc.sh" "$work/membio-cc.sh"
  cp "$here/limits.h" "$work/membio-limits.h"
  logged "$log" in_target "$target" "$work" bash membio-configure.sh "$target"
  compile "$target" "$work" "$log"
  collect "$work" "$result"
}

# make's own output goes to the log; the screen gets a count.
compile() {
  local target=$1 work=$2 log=$3 total
  total=$(grep -c '^[^ :]*\.o: ' "$work/Makefile")
  say "compiling OpenSSL $OPENSSL_VERSION for $target, $jobs at a time: $total files"
  in_target "$target" "$work" make -j"$jobs" build_libs 2>&1 </dev/null | tee -a "$log" | count "$total" ||
    fail_with_log "$log" "make build_libs ($target)"
}

count() {
  awk -v total="$1" '/ -c -o / { if (++n % 100 == 0) { printf "  %d of %d\n", n, total; fflush() } }' >&2
}

collect() {
  local work=$1 result=$2 partial=$2.$$
  mkdir -p "$partial/private"
  cp "$work"/libcrypto.a "$work"/libssl.a "$partial"
  cp -R "$work/include" "$partial"
  cp "$work/membio-limits.h" "$partial/include"
  (cd "$work" && find crypto providers ssl -name '*.h' -print0 | tar -cf - --null -T -) | tar -xf - -C "$partial/private"
  if [ -d "$result" ]; then
    rm -rf "$partial" # another build was faster, and may be reading its own
  else
    mv "$partial" "$result" # whole or not at all
  fi
}

case ${1:-} in
  path) path "$2" ;;
  build)
    result=${3:-$(path "$2")}
    if [ $# -lt 3 ] && [ -d "$result" ]; then
      say "OpenSSL for $2: skipped, already in the cache"
    else
      build "$2" "$result"
    fi
    ;;
  *) die "usage: compile.sh build|path wasm|native [DIRECTORY]" ;;
esac
