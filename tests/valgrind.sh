#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# valgrind.sh BUILD - the core's unit tests under valgrind: leaks and uninitialised reads.
#
# ASan does not see the latter.  A test of daemon/core/X.c is tests/unit/test_X.c; the
# others of the core are named here.
set -u
cd "$(dirname "$0")/.."
BUILD=${1:-build}
ALSO="trap ladder packet"
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
command -v valgrind >/dev/null || { echo "valgrind: SKIP, not installed"; exit 77; }

names=$(for f in daemon/core/*.c; do basename "$f" .c; done; printf '%s\n' $ALSO)
passed=0 failed=0
for n in $(echo "$names" | sort -u); do
	[ -f tests/unit/test_"$n".c ] && [ -x "$BUILD"/tests/unit/test_"$n" ] || continue
	if timeout 240 valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
	    "$BUILD"/tests/unit/test_"$n" >"$LOG" 2>&1 </dev/null; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL test_$n"
		grep -vE '^\[ +(RUN|OK) +' "$LOG" | tail -40
	fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
