#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# coverage.sh BUILD - line coverage of daemon/core by unit tests, scenarios and corpora.
#
# BUILD was made with --coverage (make coverage).  Fails under 90 %.
set -u
cd "$(dirname "$0")/.."
BUILD=${1:-build-cov}
find "$BUILD" -name '*.gcda' -delete
tests/check.sh "$BUILD" fast | tail -1
lines=0 hit=0
for f in daemon/core/*.c; do
	out=$(gcov -n -o "$BUILD/${f%.c}.o" "$f" 2>/dev/null | grep -A1 "^File '$f'" | tail -1)
	[ -n "$out" ] || { echo "  0.00% $f: never run"; continue; }
	percent=${out#*:}; percent=${percent%%%*}
	n=${out##* }
	printf '%7s%% of %4d  %s\n' "$percent" "$n" "$f"
	lines=$((lines + n))
	hit=$(awk -v h="$hit" -v p="$percent" -v n="$n" 'BEGIN { printf "%d", h + p * n / 100 + 0.5 }')
done
echo "daemon/core: $hit of $lines lines, $((100 * hit / (lines > 0 ? lines : 1))) %"
[ $((100 * hit)) -ge $((90 * lines)) ]
