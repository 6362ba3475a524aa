#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the fuzzing targets with clang in a folder of their own and runs them on their corpora, all
# at the same time. Prints TAP, one case a target. With PARLEY_TEST_LONG ten times as long.
#
#   tests/fuzz/run.sh SECONDS [BUILD-FOLDER] [TARGET...]
set -u
seconds=${1:?"usage: $0 SECONDS [BUILD-FOLDER] [TARGET...]"}
[ -n "${PARLEY_TEST_LONG:-}" ] && seconds=$((seconds * 10))
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=${2:-$source/build/fuzz}
shift
[ $# -gt 0 ] && shift

if ! command -v clang >/dev/null; then
  echo "1..0 # SKIP no clang"
  exit 0
fi
targets=${*:-$(cd "$here" && for f in fuzz-*.c; do f=${f#fuzz-}; echo "${f%.c}"; done)}

# fuzzer-no-link: the engine itself is instrumented, or the fuzzer would see no coverage.
if [ ! -f "$build/build.ninja" ]; then
  CC=clang meson setup "$build" "$source" -Dfuzzing=true -Ddebug=true \
    -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link \
    >"$build.log" 2>&1 || { sed 's/^/# /' "$build.log"; echo "Bail out! meson failed"; exit 1; }
fi
binaries=$(for t in $targets; do echo "tests/fuzz/fuzz-$t"; done)
# shellcheck disable=SC2086 # a list
if ! ninja -C "$build" $binaries >"$build.log" 2>&1; then
  tail -n 40 "$build.log" | sed 's/^/# /'
  echo "Bail out! the targets do not build"
  exit 1
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
synth=${PARLEY_TEST_BUILD:-$source/build}/tests/tools/synth-model
if [ -x "$synth" ]; then # the vocabulary of fuzz-tokenizer
  PARLEY_FUZZ_VOCAB=$work/vocab.gguf
  export PARLEY_FUZZ_VOCAB
  "$synth" --preset tiny --type q8_0 --embd 32 --ffn 32 --heads 1 --kv-heads 1 --vocab 2048 \
    "$PARLEY_FUZZ_VOCAB" >/dev/null
fi
for target in $targets; do
  # New inputs go to a folder that is thrown away; those of the tree stay few and small.
  mkdir -p "$work/$target"
  [ -d "$here/corpus/$target" ] && cp -r "$here/corpus/$target/." "$work/$target/"
  {
    "$build/tests/fuzz/fuzz-$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 \
      -max_len=65536 -print_final_stats=1 -artifact_prefix="$build/crash-$target-" \
      "$work/$target" >"$work/$target.log" 2>&1
    echo $? >"$work/$target.status"
  } &
done
wait
number=0
failed=0
for target in $targets; do
  number=$((number + 1))
  if [ "$(cat "$work/$target.status" 2>/dev/null)" = 0 ]; then
    grep -E '^stat::number_of_executed_units|^Done' "$work/$target.log" | sed 's/^/# /'
    echo "ok $number - $target"
  else
    tail -n 60 "$work/$target.log" | sed 's/^/# /'
    echo "not ok $number - $target"
    failed=1
  fi
done
echo "1..$number"
exit $failed
