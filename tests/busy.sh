#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# busy.sh BUILD [TIMES] - all of `make check`, three times in a row, beside six processes that only spin.
#
# Goes on in the background when the caller hangs up; STAGES="unit shell" chooses stages.  What it says is also in
# BUILD/check-busy.log.  The last line is the sum of all runs.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib/env.inc
BUILD=${1:-build} TIMES=${2:-3}
LOG=$BUILD/check-busy.log
SPINNERS=()
trap '' HUP
finish() {
	trap - EXIT INT TERM
	[ ${#SPINNERS[@]} = 0 ] || kill "${SPINNERS[@]}" 2>/dev/null
	wait 2>/dev/null
}
trap finish EXIT
trap 'exit 130' INT TERM
for _ in 1 2 3 4 5 6; do
	# Each ends by itself when we are killed: its parent is another one then.
	bash -c 'me=$PPID; while :; do for ((i = 0; i < 1000000; i++)); do :; done; [ -d /proc/$me ] || exit; done' &
	SPINNERS+=($!)
done
: >"$LOG"
passed=0 failed=0
for n in $(seq "$TIMES"); do
	t0=$SECONDS
	echo "=== busy, run $n of $TIMES: $(date '+%F %T'), load $(cut -d' ' -f1 /proc/loadavg)"
	LOGS=$BUILD/check-busy-$n tests/check.sh "$BUILD" all 2>&1
	echo "=== busy, run $n: $((SECONDS - t0)) s"
done > >(tee -a "$LOG")
sleep 0.2
while read -r p _ f _; do
	passed=$((passed + p)) failed=$((failed + ${f%,}))
done < <(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$LOG")
[ "$(grep -acE '^[0-9]+ passed, [0-9]+ failed' "$LOG")" = "$TIMES" ] || failed=$((failed + 1))
echo "$passed passed, $failed failed" | tee -a "$LOG"
[ $failed = 0 ] && [ $passed -gt 0 ]
