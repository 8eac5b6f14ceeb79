#!/usr/bin/env bash
# link.sh [LIBRARIES [OUTPUT]]: compiles wasm/**/*.c and links them with OpenSSL to openssl.wasm.
# LIBRARIES is a directory made by openssl-build/compile.sh; OUTPUT defaults to build/wasm/openssl.wasm.
# What is exported comes from build/wasm/exports.txt, which the generator makes from abi.h.
# MEMBIO_NAMES=1 keeps function names, for traces and profiles.
# MEMBIO_KERNELS=0 leaves wasm/simd out: the same module on OpenSSL's C alone, to compare with.
# MEMBIO_WITH=DIRECTORY compiles the C files there too and exports what its exports.txt lists: for tests of what abi.h does not show.
#
# wasm/simd interposes: what its objects define is not taken from libcrypto.a, for objects come first and an archive only fills gaps.
# Where a symbol's archive member has others that stay in use, wasm/simd/wrap.options has the linker lead its callers to us.
#
# The script runs twice: outside it fills a working directory, inside the toolchain (`link.sh inside`) it compiles and links.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../openssl-build/common.sh"
names=${MEMBIO_NAMES:-0}
kernels=${MEMBIO_KERNELS:-1}
with=${MEMBIO_WITH:-}

compile_flags=(
  -O3
  -msimd128           # as OpenSSL itself
  -std=gnu17
  -Wall -Wextra
  -Werror             # the native build has other warnings, and a clean build keeps both readable
  -Iwasm
  -Ilibraries/include # OpenSSL's public headers
  -Ilibraries/private # and its internal ones, for kernels that stand in for its routines
  -Ilibraries
  -Ilibraries/private/providers/common/include
  -Ilibraries/private/providers/implementations/include
)

# shellcheck disable=SC2054 # the commas belong to the linker
link_flags=(
  -O3
  -msimd128
  -mbulk-memory                             # platform-memory.c; engines with SIMD have it, too
  -sSTANDALONE_WASM=1                       # no JavaScript glue: the product is one file
  --no-entry                                # a library: `_initialize` instead of `main`
  -sEXPORTED_FUNCTIONS=@exports.json        # abi.h and nothing else
  -sERROR_ON_UNDEFINED_SYMBOLS=1            # a function nobody provides is an error, not an import
  -sFILESYSTEM=0                            # there are no files
  -sSUPPORT_LONGJMP=0                       # nothing jumps; an attempt is a link error
  -sMALLOC=dlmalloc                         # OpenSSL allocates small and often; emmalloc is smaller and slower
  -sALLOW_MEMORY_GROWTH=1                   # a connection more is a few KB more
  -sINITIAL_HEAP=1MB                        # enough for a first connection
  -sMAXIMUM_MEMORY=4GB                      # what 32-bit pointers can reach
  -sSTACK_SIZE=256KB                        # twenty times what the deepest handshake measured takes; nested ASN.1 may want more
  -Wl,--stack-first                         # the stack grows towards address 0: an overflow traps and overwrites nothing
  @wasm/wrap.options                        # what signer-park.c and session.c stand in front of
  -sBINARYEN_EXTRA_PASSES=--low-memory-unused # smaller addressing; no object lives below 1024, the far end of the stack
)

# ---- Inside the toolchain; the working directory has wasm/, with/, libraries/, objects/ and exports.json ----

# Objects are named by the hash of what they are made from, so that a changed file is the only one compiled again.
inside() {
  local shared without='' file object todo=() all=()
  [ "$names" = 0 ] || link_flags+=(--profiling-funcs)
  [ "$kernels" = 1 ] || without=wasm/simd
  [ "$kernels" = 0 ] || link_flags+=(@wasm/simd/wrap.options)
  find wasm with -path "$without" -prune -o -name '*.c' -print | LC_ALL=C sort >sources # a file: a bare root has no /dev/fd
  shared=$({ find wasm -name '*.h' | LC_ALL=C sort | xargs cat && echo "${compile_flags[*]}" && cat libraries/key; } | hash_of -)
  while read -r file; do
    case $file in
      with/*) object=objects/$(basename "$file" .c)-$(echo "$shared $file" | hash_of - with/*).o ;;
      *) object=objects/$(basename "$file" .c)-$(echo "$shared $file" | hash_of - "$file").o ;;
    esac
    all+=("$object")
    [ -f "$object" ] || todo+=("$file" "$object")
  done <sources
  ((${#todo[@]} == 0)) || printf '%s\0' "${todo[@]}" | xargs -0 -n 2 -P "${JOBS:-2}" bash wasm/link.sh one
  [ "$kernels" = 0 ] || [ "$with" != '' ] || keep_only "${all[@]}"
  emcc "${all[@]}" libraries/libssl.a libraries/libcrypto.a "${link_flags[@]}" -o openssl.wasm
}

keep_only() {
  printf '%s\n' "$@" | LC_ALL=C sort >objects.now
  find objects -name '*.o' | LC_ALL=C sort | LC_ALL=C comm -23 - objects.now | xargs -r rm
}

# Under another name first: an interrupted compilation must not look like an object.
one() { emcc "${compile_flags[@]}" -c "$1" -o "$2.partial.o" && mv "$2.partial.o" "$2"; }

# ---- Outside ----

outside() {
  local libraries=$1 output=$2 work
  work=$("$here/../openssl-build/toolchain.sh" workdir)
  # shellcheck disable=SC2064 # the directory is known now
  trap "rm -rf '$work'" EXIT
  mkdir -p "$work/openssl-build" "$work/objects" "$repository/build/wasm/objects"
  cp -R "$here" "$work/wasm"
  mkdir "$work/with"
  [ -z "$with" ] || find "$with" -maxdepth 1 '(' -name '*.[ch]' -o -name exports.txt ')' -exec cp {} "$work/with" ';'
  cp "$repository"/openssl-build/{common.sh,versions.env} "$work/openssl-build"
  cp -R "$libraries" "$work/libraries"
  basename "$libraries" >"$work/libraries/key"
  cp -R "$repository/build/wasm/objects" "$work"
  find "$repository/build/wasm/exports.txt" "$work/with" -name exports.txt -exec cat {} + |
    sed 's/.*/"_&"/' | paste -sd, | sed 's/.*/[&]/' >"$work/exports.json"
  logged "$repository/build/log/wasm.log" "$here/../openssl-build/toolchain.sh" run "$work" \
    env MEMBIO_NAMES="$names" MEMBIO_KERNELS="$kernels" MEMBIO_WITH="$with" bash wasm/link.sh inside
  rm -rf "$repository/build/wasm/objects"
  cp -R "$work/objects" "$repository/build/wasm/objects"
  check_imports "$work/openssl.wasm" "$(basename "$output")"
  mkdir -p "$(dirname "$output")"
  cp "$work/openssl.wasm" "$output"
}

# The host gives entropy, the time, signatures where a private key is somewhere else, the choice of a pre-shared key, its own
# cryptography where that is faster, and nothing more: no WASI, no Emscripten, no file, no socket.
check_imports() {
  node --input-type=module - "$1" "$2" <<'EOF'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
const [, , file, name] = process.argv
const bytes = readFileSync(file)
const module = new WebAssembly.Module(bytes)
const imports = WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`).sort()
const foreign = imports.filter((name) => !name.startsWith('membio.'))
if (foreign.length > 0) {
  console.error(`error: openssl.wasm imports ${foreign.join(', ')}: wasm/platform.c should answer for the host`)
  process.exit(1)
}
const kb = (length) => `${Math.round(length / 1000)} KB`
console.error(`${name}: ${kb(bytes.length)}, gzip ${kb(gzipSync(bytes, { level: 9 }).length)}; imports ${imports.join(', ')}`)
EOF
}

case ${1:-} in
  inside) inside ;;
  one) one "$2" "$3" ;;
  *) outside "${1:-$("$here/../openssl-build/compile.sh" path wasm)}" "${2:-$repository/build/wasm/openssl.wasm}" ;;
esac
