#!/usr/bin/env bash
# Where the pinned Emscripten comes from, hidden behind four commands:
#
#   toolchain.sh setup                     make it ready; says which one it is
#   toolchain.sh id                        one line that changes when the compiler changes; part of every cache key
#   toolchain.sh workdir                   a new empty directory the toolchain can see; the caller fills, empties and removes it
#   toolchain.sh run WORKDIR COMMAND...    run a command there
#
# In order: `emcc` on PATH if it is the pinned version, the emsdk container if a Docker engine answers, a private root file
# system of the Debian release that carries the pinned version. All give equal code from equal sources; only the C library,
# compiled by each distributor, may differ.
# shellcheck disable=SC2016 # ${Package} and $(ORIGIN) belong to dpkg and apt
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

rootfs=$cache/toolchain-$DEBIAN_SUITE-$EMSCRIPTEN_VERSION
packages=emscripten,make,perl

emcc_version() { sed -n 's/^emcc .* \([0-9][0-9.]*\) .*/\1/p;s/^emcc .* \([0-9][0-9.]*\)$/\1/p' | head -n 1; }

kind() {
  if command -v emcc >/dev/null && [ "$(emcc --version 2>/dev/null | emcc_version)" = "$EMSCRIPTEN_VERSION" ]; then
    echo path
  elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    echo docker
  elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo debian
  else
    die "no Emscripten $EMSCRIPTEN_VERSION. Any one of these will do:
  - put emcc $EMSCRIPTEN_VERSION on PATH (emsdk install $EMSCRIPTEN_VERSION; emsdk activate $EMSCRIPTEN_VERSION)
  - start Docker; the image $EMSDK_IMAGE is used
  - on Debian or Ubuntu, run this as root; a private Debian $DEBIAN_SUITE is made in $cache"
  fi
}

setup() {
  case $(kind) in
    path) say "emcc $EMSCRIPTEN_VERSION from PATH" ;;
    docker) setup_docker ;;
    debian) setup_debian ;;
  esac
}

setup_docker() {
  if docker image inspect "$EMSDK_IMAGE" >/dev/null 2>&1; then
    say "emcc $EMSCRIPTEN_VERSION from the container $EMSDK_IMAGE"
  else
    say "fetching the container $EMSDK_IMAGE"
    logged "$cache/docker.log" docker pull "$EMSDK_IMAGE"
  fi
}

setup_debian() {
  if [ -f "$rootfs.id" ]; then
    say "emcc $EMSCRIPTEN_VERSION in a private Debian $DEBIAN_SUITE, already there"
    return
  fi
  mkdir -p "$cache"
  exec 9>"$rootfs.lock"
  flock 9 # two builds at once: the second finds the work done
  [ -f "$rootfs.id" ] || make_debian
}

make_debian() {
  need mmdebstrap mmdebstrap
  local sources=$rootfs.sources options=$rootfs.apt.conf
  debian_sources deb >"$sources"
  apt_options >"$options"
  say "installing Emscripten $EMSCRIPTEN_VERSION in a private Debian $DEBIAN_SUITE: 2.4 GB in $rootfs, a minute or two"
  rm -rf "$rootfs"
  logged "$rootfs.log" mmdebstrap --mode=root --variant=apt --include="$packages" --aptopt="$options" "$DEBIAN_SUITE" "$rootfs" "$sources"
  mkdir -p "$rootfs/membio"
  local version
  version=$(chroot "$rootfs" emcc --version | emcc_version)
  [ "$version" = "$EMSCRIPTEN_VERSION" ] ||
    die "Debian $DEBIAN_SUITE brought Emscripten ${version:-none}, versions.env pins $EMSCRIPTEN_VERSION. The package source is $sources"
  # Written last: its presence means the root is whole.
  chroot "$rootfs" dpkg-query --show --showformat '${Package}=${Version}\n' emscripten 'clang-*' 'lld-*' binaryen |
    grep -v '=$' >"$rootfs.id" # not the ones that are only known
}

# The machine's own Debian sources, as apt itself understands them (.list and .sources alike), for the release we need.
# $1 is deb or deb-src. Another origin than Debian (a vendor's repository) has no such release and is left out.
debian_sources() {
  if [ -n "${MEMBIO_APT_SOURCES:-}" ]; then
    cat "$MEMBIO_APT_SOURCES"
    return
  fi
  [ -n "$(list_debian)" ] || logged "$cache/apt.log" apt-get update
  [ -n "$(list_debian)" ] || die "apt on this machine knows no Debian archive to take $DEBIAN_SUITE from.
  Install debian-archive-keyring, write an apt .sources file (types deb and deb-src, suite $DEBIAN_SUITE) and name it in MEMBIO_APT_SOURCES"
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg uri suite
  list_debian | while read -r uri suite; do
    printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\n' "$1" "$uri" "$suite"
    [ ! -f $keyring ] || printf 'Signed-By: %s\n' $keyring
    printf '\n'
  done
}

# "URI suite" a line: bookworm-security becomes trixie-security; backports are not wanted.
list_debian() {
  apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    awk -v release="$DEBIAN_SUITE" '$1 == "Debian" && $2 == "main" && $4 !~ /backports|proposed/ {
      sub(/^[^-\/]+/, release, $4); sub(/\/updates$/, "-security", $4); print $3, $4 }' | LC_ALL=C sort -u
}

# How this machine reaches its archive: proxies, certificates, mirrors whose dates are frozen.
apt_options() {
  apt-config dump | grep -E '^Acquire::(https?|Retries|Check-Valid-Until|Check-Date)(::[^ ]*)? "..*";$' || true
}

id_line() {
  case $(kind) in
    path) echo "path $(emcc --version | head -n 1)" ;;
    docker)
      docker image inspect "$EMSDK_IMAGE" >/dev/null 2>&1 || setup_docker
      echo "docker $(docker image inspect --format '{{.Id}}' "$EMSDK_IMAGE")"
      ;;
    debian)
      [ -f "$rootfs.id" ] || setup_debian
      echo "debian $(tr '\n' ' ' <"$rootfs.id")"
      ;;
  esac
}

workdir() {
  local parent=$cache/work
  [ "$(kind)" != debian ] || parent=$rootfs/membio
  mkdir -p "$parent"
  mktemp -d "$parent/XXXXXXXX"
}

# Objects hold no path: sources are named relative to the working directory, and the prefix map covers what is not.
run() {
  local directory=$1 inside=/membio
  shift
  local settings=(LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" JOBS="$jobs")
  case $(kind) in
    path) (cd "$directory" && env "${settings[@]}" EMCC_CFLAGS="-ffile-prefix-map=$directory=$inside" "$@") ;;
    docker)
      docker run --rm --user "$(id -u):$(id -g)" --volume "$directory:$inside" --workdir "$inside" \
        --env HOME=/tmp "${settings[@]/#/--env=}" "$EMSDK_IMAGE" "$@"
      ;;
    debian)
      inside=/membio/$(basename "$directory")
      chroot "$rootfs" /usr/bin/env -i -C "$inside" PATH=/usr/bin:/bin HOME=/root "${settings[@]}" \
        EMCC_CFLAGS="-ffile-prefix-map=$inside=/membio" "$@"
      ;;
  esac
}

case ${1:-} in
  setup) setup ;;
  id) id_line ;;
  workdir) workdir ;;
  run) shift && run "$@" ;;
  sources) debian_sources "$2" ;;
  options) apt_options ;;
  *) die "usage: toolchain.sh setup | id | workdir | run WORKDIR COMMAND... | sources deb|deb-src | options" ;;
esac
