#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# calendar.sh BUILD [DATE...] - the tests that need no real clock, at other dates: +60d, +400d, and a day near 2^31 s.
#
# A DATE is +400d, or 2037-12-01 12:00:00.  The programs get it from libfaketime, the pages from
# the browser's clock; the monotonic clock stays true, for it measures waits.  What runs live on the wire is not run:
# the kernel stamps its packets with the real date.  The last line is the sum.  Not for SAN=1: both want malloc.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib/env.inc
BUILD=${1:-build}
shift
[ $# -gt 0 ] || set -- +60d +400d "2037-12-01 12:00:00"
command -v faketime >/dev/null || { echo "calendar.sh: no faketime: deploy/deps.sh check"; exit 1; }
case $BUILD in *-san) echo "calendar.sh: not with the sanitizers"; exit 77 ;; esac
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
PASSED=0 FAILED=0 SKIPPED=0
# The kernel's packets go with it.
AHEAD=$(realpath "$BUILD")/tests/ahead.so
${CC:-cc} -O2 -D_GNU_SOURCE -shared -fPIC -o "$AHEAD" tests/lib/ahead.c -ldl || exit 1
LIBRARY=$(env -u LD_PRELOAD faketime -m -f +0s env | sed -n 's/^LD_PRELOAD=//p')
# libfaketime's own remedy for old C libraries would have each timed wait on the monotonic clock end at once.
export FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_FORCE_MONOTONIC_FIX=0
# A process that was killed leaves its semaphore, named by its number; the next one of that number, as another user, finds it
# and ends with 1.  Those of processes that are no more go.
sweep() {
	local f
	for f in /dev/shm/sem.faketime_sem_* /dev/shm/faketime_shm_*; do
		[ ! -e "$f" ] || [ -e "/proc/${f##*_}" ] || rm -f "$f"
	done
}
for date; do
	sweep
	t0=$SECONDS
	case $date in
	+*d) step=$((${date//[+d]/} * 86400)) ;;
	*) step=$(($(date -d "$date" +%s) - $(date +%s))) ;;
	esac
	echo "=== at $date: $(faketime -f "+${step}s" date '+%F %T')"
	MXTRAP_STEP=$step MXTRAP_PRELOAD=$AHEAD:$LIBRARY LOGS=$BUILD/check-calendar STAGES="${STAGES:-unit scenarios captures web shell corpora browser}" \
	    tests/check.sh "$BUILD" all 2>&1 | tee "$LOG"
	line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$LOG" | tail -1)
	read -r passed _ failed _ skipped _ <<<"${line:-0 passed, 1 failed}"
	PASSED=$((PASSED + passed)) FAILED=$((FAILED + ${failed%,})) SKIPPED=$((SKIPPED + ${skipped:-0}))
	echo "=== at $date: $((SECONDS - t0)) s"
done
if [ $SKIPPED = 0 ]; then
	echo "$PASSED passed, $FAILED failed"
else
	echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
fi
[ $FAILED = 0 ] && [ $PASSED -gt 0 ]
