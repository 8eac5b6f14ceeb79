# shellcheck shell=bash
# What the build scripts share: names of places, one way to speak, one way to run something long. Sourced, never run.
# Messages go to stderr: stdout belongs to answers (a path, a hash) that another script reads.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/membio
# shellcheck source=versions.env
source "$repository/openssl-build/versions.env"
export SOURCE_DATE_EPOCH
# shellcheck disable=SC2034 # for those who source this
jobs=$(nproc 2>/dev/null || echo 2)

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

# One hash for the contents of files (and of standard input, given as -); their names and places do not count.
hash_of() { cat -- "$@" | sha256sum | cut -c1-16; }

# logged LOG COMMAND...: runs it with all output in LOG and a dot every five seconds; on failure shows the end of LOG.
logged() {
  local log=$1 status=0 began=$SECONDS
  shift
  mkdir -p "$(dirname "$log")"
  # The dots watch over this script too, and sleep without its stderr, so that nobody waits for them after a kill.
  (while sleep 5 2>/dev/null && kill -0 $$ 2>/dev/null; do printf '.' >&2; done) >/dev/null &
  local dots=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  kill "$dots" 2>/dev/null || true
  wait "$dots" 2>/dev/null || true
  ((SECONDS - began < 5)) || printf '\n' >&2
  [ "$status" = 0 ] || fail_with_log "$log" "$*"
}

fail_with_log() {
  tail -n 40 "$1" >&2
  die "failed: $2 (the full log: $1)"
}

# Installs Debian packages; refreshes the package lists only when they turn out to be missing or old.
install_packages() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then die "please install: $*"; fi
  say "installing $*"
  apt_install "$@" || { apt-get update && apt_install "$@"; } >"$cache/apt.log" 2>&1 || fail_with_log "$cache/apt.log" "apt-get install $*"
}

apt_install() {
  mkdir -p "$cache"
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$cache/apt.log" 2>&1 </dev/null
}

# need COMMAND PACKAGE...: the packages that bring a command, when the command is missing.
need() { command -v "$1" >/dev/null || install_packages "${@:2}"; }
