#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Measures the Vulkan engine on a bare x86-64 machine: a Vulkan driver and glibc 2.36 or later are
# all it needs.
#
#   tests/bench/gpu.sh pack FILE.tar.gz [BUILD]   here: makes the kit from a build (build-bench)
#   ./gpu.sh [MODEL:TYPE...]                      there, in the unpacked folder: makes each model with
#                                                 random weights, measures it, and removes it
#   ./gpu.sh --quick MODEL:TYPE                   a short trial
#   ./gpu.sh --kernels [VARIANT]                  single kernels, all or those that begin so
#   ./gpu.sh --plain [--quick] [MODEL:TYPE...]    without cooperative matrices and integer dot
#                                                 products, to compare
#   ./gpu.sh --integer-dot [--quick] [MODEL:TYPE...]  with integer dot products, quick there or not
#
# The table goes to the terminal and to results.txt, JSON lines to results.json. PARLEY_VULKAN_DEVICE
# names the device (an index or UUID; software devices only so), MODELS the folder for the models.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

pack() {
  out=$1
  build=${2:-build-bench}
  root=$here/../..
  dir=$(mktemp -d)
  kit=$dir/parley-bench-kit
  mkdir -p "$kit/lib"
  if [ "$build" = build-bench ] && [ ! -f "$root/$build/build.ninja" ]; then
    meson setup "$root/$build" "$root" --buildtype=release >/dev/null
  fi
  case $build in /*) ;; *) build=$root/$build ;; esac
  ninja -C "$build" --quiet src/cli/parley-bench tests/tools/synth-model tests/kernels/test-vulkan-kernels
  cp "$build/src/cli/parley-bench" "$build/tests/tools/synth-model" \
    "$build/tests/kernels/test-vulkan-kernels" "$kit/"
  strip "$kit/parley-bench" "$kit/synth-model" "$kit/test-vulkan-kernels"
  cp "$here/gpu.sh" "$kit/"
  # Kernels are inside parley-bench. Libraries other than the C library's come along; so does the
  # Vulkan loader, which is used only where the machine has none.
  for program in "$kit/parley-bench" "$kit/synth-model" "$kit/test-vulkan-kernels"; do
    ldd "$program" | awk '$3 ~ /^\// { print $3 }'
  done | sort -u | grep -v -E '/(libc|libm|libdl|libpthread|ld-linux[^/]*)\.so' | while read -r lib; do
    cp -L "$lib" "$kit/lib/"
  done
  mkdir "$kit/loader"
  loader=$(ldconfig -p 2>/dev/null | awk '/libvulkan\.so\.1 .*x86-64/ { print $NF; exit }')
  [ -z "$loader" ] || cp -L "$loader" "$kit/loader/libvulkan.so.1"
  tar -C "$dir" -czf "$out" parley-bench-kit
  rm -rf "$dir"
  echo "$out"
}

# Libraries of the kit where the machine has none.
find_libraries() {
  LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  if ! ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1' && [ -f "$here/loader/libvulkan.so.1" ]; then
    LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$here/loader
  fi
  export LD_LIBRARY_PATH
}

measure() {
  mode=--gpu
  case ${1:-} in
  --plain) export PARLEY_VULKAN_TIER=plain && shift ;;
  --integer-dot) export PARLEY_VULKAN_TIER=integer_dot && shift ;;
  esac
  if [ "${1:-}" = --quick ]; then
    mode=--gpu-quick
    shift
  fi
  [ $# -gt 0 ] || set -- llama-1b:q4_k_m llama-1b:f16 llama-3b:q4_k_m llama-8b:q4_k_m llama-8b:q4_0 \
    llama-8b:q8_0 qwen3-0.6b:q8_0 qwen3-8b:q4_k_m qwen3-30b-a3b:q4_k_m
  find_libraries
  models=${MODELS:-$here}
  {
    date -u '+%Y-%m-%d %H:%M UTC'
    uname -srm
    [ -z "${PARLEY_VULKAN_TIER:-}" ] || echo "kernels up to the tier $PARLEY_VULKAN_TIER"
    sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c
  } | tee -a results.txt >&2
  failed=0
  for wanted in "$@"; do
    model=$models/${wanted%%:*}-${wanted##*:}.gguf
    if ! "$here/synth-model" --preset "${wanted%%:*}" --type "${wanted##*:}" "$model"; then
      echo "$wanted cannot be made" | tee -a results.txt >&2
      failed=1
      continue
    fi
    if "$here/parley-bench" "$mode" "$model" >one.json 2>one.txt; then
      cat one.json >>results.json
    else
      echo "$wanted was not measured whole" >>one.txt
      failed=1
    fi
    tee -a results.txt <one.txt >&2
    rm -f "$model" one.json one.txt
  done
  return "$failed"
}

case ${1:-} in
pack)
  [ $# -ge 2 ] || { sed -n '3,16p' "$0" >&2; exit 2; }
  shift
  pack "$@"
  ;;
--kernels)
  find_libraries
  "$here/test-vulkan-kernels" --bench "${2:-}" | tee -a results.txt
  ;;
-h | --help) sed -n '3,16p' "$0" ;;
*) measure "$@" ;;
esac
