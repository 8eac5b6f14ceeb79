#!/usr/bin/env bash
# fetch.sh openssl|roots: prints the path of a source archive, fetched if need be and verified always, also when it comes from
# the cache. In order: the cache, the file the user names, the project's release page, Debian's source package.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh"

# The archive: what people call it, its name and hash, where its project offers it, the variable that names a copy; and the Debian
# source package it is in: name, pattern of versions, the file's name there.
case ${1:-} in
  openssl)
    what="OpenSSL $OPENSSL_VERSION" file=openssl-$OPENSSL_VERSION.tar.gz sha256=$OPENSSL_SHA256 url=$OPENSSL_URL variable=OPENSSL_TARBALL
    package=openssl package_version="$OPENSSL_VERSION-.*" package_file=openssl_$OPENSSL_VERSION.orig.tar.gz # that very file
    advice=
    ;;
  roots)
    file=ca-certificates_$ROOTS_VERSION.tar.xz
    what="Mozilla's roots (ca-certificates $ROOTS_VERSION)" sha256=$ROOTS_SHA256 url= variable=ROOTS_TARBALL # Debian is its project
    package=ca-certificates package_version=$ROOTS_VERSION package_file=$file
    advice="
Debian's snapshot archive keeps every version. For another one, change ROOTS_VERSION and ROOTS_SHA256 in openssl-build/versions.env.
To build all but membio/roots: ./build.sh deps toolchain openssl wasm ts"
    ;;
  *) die "usage: fetch.sh openssl|roots" ;;
esac
given=${!variable:-}
archive=$cache/$file
partial=$archive.$$

verified() { [ -f "$1" ] && echo "$sha256  $1" | sha256sum --check --status; }

# accept WHERE: keeps what has just arrived if it is the right file.
accept() {
  if verified "$partial"; then
    mv "$partial" "$archive"
    say "$what from $1, SHA-256 verified"
  else
    rm -f "$partial"
    say "$what: nothing usable from $1"
    return 1
  fi
}

from_path() {
  [ -n "$given" ] || return 1
  verified "$given" || die "$variable=$given is not the file with SHA-256 $sha256"
  cp "$given" "$partial" && accept "$given"
}

# Gives up soon where the network does not lead out, but lets a slow line finish.
from_release() {
  [ -n "$url" ] || return 1
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 8 --speed-limit 1000 --speed-time 15 -o "$partial" "$url" 2>/dev/null || true
  elif command -v wget >/dev/null; then
    wget -q --connect-timeout=8 --read-timeout=15 --tries=1 -O "$partial" "$url" || true
  else
    return 1
  fi
  accept "the release page"
}

# Only one file is wanted. `apt-get source` would insist on the whole source package, and mirrors drop those early, so apt is
# asked for the address and its download helper for the one file.
from_debian() {
  command -v apt-get >/dev/null || return 1
  local apt=$cache/apt-source options offered version line address=
  mkdir -p "$apt/lists/partial" "$apt/sources" "$apt/cache"
  "$here/toolchain.sh" sources deb-src >"$apt/sources/$DEBIAN_SUITE.sources"
  options=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/sources" -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o Debug::NoLocking=true)
  apt-get "${options[@]}" update >"$apt/log" 2>&1 || true
  offered=$(apt-cache "${options[@]}" showsrc "$package" 2>/dev/null | sed -n 's/^Version: //p')
  for version in $(grep -x "$package_version" <<<"$offered"); do
    line=$(apt-get "${options[@]}" source --print-uris "$package=$version" 2>/dev/null | grep -F " $package_file ") || continue
    address=$(printf '%s' "$line" | sed "s/^'\([^']*\)'.*/\1/")
    "$(apt_helper)" "${options[@]}" download-file "$address" "$partial" "SHA256:$sha256" >>"$apt/log" 2>&1 || continue
    break
  done
  rm -rf "$apt/lists" "$apt/cache"
  accept "Debian's source package" && return
  say "this machine's Debian archive offers $package ${offered//$'\n'/, }"
  return 1
}

apt_helper() {
  local libraries=/usr/lib/apt/methods
  eval "$(apt-config shell libraries Dir::Bin::methods/d)"
  echo "$(dirname "$libraries")/apt-helper"
}

mkdir -p "$cache"
trap 'rm -f "$partial"' EXIT
if ! verified "$archive"; then
  rm -f "$archive"
  say "fetching $what"
  from_path || from_release || from_debian || die "$what is out of reach. Get $file by other means and run:
  $variable=/path/to/$file ./build.sh$advice"
fi
echo "$archive"
