#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# clang-tidy over src/: tidy.sh SOURCE BUILD. What a check is off for stands in .clang-tidy.
set -u
cd "$1" || exit 1
build=$2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# gcc's own flags are in the compile commands; clang does not know them all.
find src -name '*.c' -print0 | sort -z |
    xargs -0 -n 4 -P "$(nproc)" clang-tidy -quiet -p "$build" --extra-arg=-Wno-unknown-warning-option >"$log" 2>/dev/null
grep -E '(warning|error):' "$log" | sort -u
count=$(find src -name '*.c' | wc -l)
wrong=$(grep -cE '(warning|error):' "$log")
echo "tidy: $count looked at, $wrong wrong"
[ "$wrong" = 0 ] && [ "$count" -gt 0 ]
