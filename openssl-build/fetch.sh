#!/usr/bin/env bash
# Prints the path of OpenSSL's source archive, fetched if need be and verified always, also when it comes from the cache.
# In order: the cache, the file named in OPENSSL_TARBALL, the project's release page, Debian's source package (whose
# .orig.tar.gz is that very file).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh"

tarball=$cache/openssl-$OPENSSL_VERSION.tar.gz
partial=$tarball.$$

verified() { [ -f "$1" ] && echo "$OPENSSL_SHA256  $1" | sha256sum --check --status; }

# accept WHERE: keeps what has just arrived if it is the right file.
accept() {
  if verified "$partial"; then
    mv "$partial" "$tarball"
    say "OpenSSL $OPENSSL_VERSION from $1, SHA-256 verified"
  else
    rm -f "$partial"
    say "OpenSSL $OPENSSL_VERSION: nothing usable from $1"
    return 1
  fi
}

from_path() {
  [ -n "${OPENSSL_TARBALL:-}" ] || return 1
  verified "$OPENSSL_TARBALL" || die "OPENSSL_TARBALL=$OPENSSL_TARBALL is not the file with SHA-256 $OPENSSL_SHA256"
  cp "$OPENSSL_TARBALL" "$partial" && accept "$OPENSSL_TARBALL"
}

# Gives up soon where the network does not lead out, but lets a slow line finish.
from_release() {
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 8 --speed-limit 1000 --speed-time 15 -o "$partial" "$OPENSSL_URL" 2>/dev/null || true
  elif command -v wget >/dev/null; then
    wget -q --connect-timeout=8 --read-timeout=15 --tries=1 -O "$partial" "$OPENSSL_URL" || true
  else
    return 1
  fi
  accept "the release page"
}

# Only the .orig.tar.gz is wanted. `apt-get source` would insist on the whole source package, and mirrors drop those early,
# so apt is asked for the address and its download helper for the one file.
from_debian() {
  command -v apt-get >/dev/null || return 1
  local apt=$cache/apt-source options version line url=
  mkdir -p "$apt/lists/partial" "$apt/sources" "$apt/cache"
  "$here/toolchain.sh" sources deb-src >"$apt/sources/$DEBIAN_SUITE.sources"
  options=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/sources" -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o Debug::NoLocking=true)
  apt-get "${options[@]}" update >"$apt/log" 2>&1 || true
  for version in $(apt-cache "${options[@]}" showsrc openssl 2>/dev/null | sed -n "s/^Version: \($OPENSSL_VERSION-.*\)/\1/p"); do
    line=$(apt-get "${options[@]}" source --print-uris "openssl=$version" 2>/dev/null |
      grep -F " openssl_$OPENSSL_VERSION.orig.tar.gz ") || continue
    url=$(printf '%s' "$line" | sed "s/^'\([^']*\)'.*/\1/")
    "$(apt_helper)" "${options[@]}" download-file "$url" "$partial" "SHA256:$OPENSSL_SHA256" >>"$apt/log" 2>&1 || continue
    break
  done
  rm -rf "$apt/lists" "$apt/cache"
  accept "Debian's source package"
}

apt_helper() {
  local libraries=/usr/lib/apt/methods
  eval "$(apt-config shell libraries Dir::Bin::methods/d)"
  echo "$(dirname "$libraries")/apt-helper"
}

mkdir -p "$cache"
trap 'rm -f "$partial"' EXIT
if ! verified "$tarball"; then
  rm -f "$tarball"
  say "fetching OpenSSL $OPENSSL_VERSION"
  from_path || from_release || from_debian ||
    die "OpenSSL $OPENSSL_VERSION is out of reach. Get openssl-$OPENSSL_VERSION.tar.gz by other means and run:
  OPENSSL_TARBALL=/path/to/openssl-$OPENSSL_VERSION.tar.gz ./build.sh"
fi
echo "$tarball"
