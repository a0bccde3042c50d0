#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check.sh BUILD all|fast - run what is built, stage by stage.
#
# fast leaves the live runs out; STAGES="unit browser" runs these alone.  Every stage says its name, its seconds
# and how many passed; then come the ten slowest tests; the last line is the sum.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib/env.inc
BUILD=${1:-build}
TIER=${2:-all}
LOGS=${LOGS:-$BUILD/check}
PASSED=0 FAILED=0 SKIPPED=0
mkdir -p "$LOGS"
export LOGS
rm -f "$LOGS"/*.status "$LOGS"/*.seconds
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
# So many seconds from now (tests/calendar.sh); SECONDS and waits are the real ones.
AT=()
[ -z "${MXTRAP_STEP:-}" ] || AT=(env LD_PRELOAD="$MXTRAP_PRELOAD" FAKETIME="+${MXTRAP_STEP}s")
# Test programs take the build's programs from here.
MXTRAP_BUILD=$(realpath "$BUILD")
export MXTRAP_BUILD

begin() { STAGE=$1 T0=$(date +%s) P0=$PASSED F0=$FAILED S0=$SKIPPED; echo "== $1"; }
end() {
	local skipped=$((SKIPPED - S0))
	printf -- '-- %s: %d s, %d passed, %d failed%s\n' "$STAGE" $(($(date +%s) - T0)) \
	    $((PASSED - P0)) $((FAILED - F0)) "$([ $skipped = 0 ] || echo ", $skipped skipped")"
}
# run NAME COMMAND...: what it counted, or one, by its exit status; 77 is a skip.

run() { local name=$1; shift; execute "$name" "$@"; judge "$name"; }
log_of() { echo "$LOGS/$(echo "$STAGE $1" | tr ' /' '__').log"; }
execute() { # its exit status is beside its log, and its milliseconds
	local log t0
	log=$(log_of "$1")
	shift
	t0=${EPOCHREALTIME/[.,]/}
	timeout -k 5 "${LIMIT:-1500}" "${AT[@]}" "$@" >"$log" 2>&1 </dev/null
	echo $? >"$log.status"
	echo $(((${EPOCHREALTIME/[.,]/} - t0) / 1000)) >"$log.seconds"
}
judge() {
	local name=$1 log status ok bad
	log=$(log_of "$name")
	status=$(cat "$log.status")
	# cmocka's own lines, "ok NAME"/"FAIL NAME" of the shell tests, "N passed, N failed".
	ok=$(grep -acE '^\[       OK \]|^ok ' "$log")
	# cmocka names a failed test twice; its count stands before the list.
	bad=$(awk '/^\[  FAILED  \] [0-9]+ test/ { n += $4 } /^FAIL / { n++ } END { print n + 0 }' "$log")
	if [ "$ok$bad" = 00 ] && grep -aqE '^[0-9]+ passed, [0-9]+ failed' "$log"; then
		ok=$(grep -aE '^[0-9]+ passed, ' "$log" | tail -1 | cut -d' ' -f1)
		bad=$(grep -aE '^[0-9]+ passed, ' "$log" | tail -1 | cut -d' ' -f3)
	fi
	if [ $status = 77 ]; then
		SKIPPED=$((SKIPPED + 1))
		echo "  SKIP  $name: $(tail -1 "$log")"
		return
	fi
	[ "$ok" -gt 0 ] || [ $status != 0 ] || ok=1
	[ $status = 0 ] || [ "$bad" -gt 0 ] || bad=1
	PASSED=$((PASSED + ok)) FAILED=$((FAILED + bad))
	if [ $status = 0 ] && [ "$bad" = 0 ]; then
		[ -z "${V:-}" ] || echo "  ok    $name ($ok)"
		return
	fi
	[ $status != 124 ] || echo "(took over ${LIMIT:-1500} s)" >>"$log"
	echo "  FAIL  $name (status $status), end of $log:"
	grep -aE '^FAIL |^\[  FAILED|^\[ +ERROR|ERROR|error:|WRONG' "$log" | head -30 | sed 's/^/    | /'
	tail -25 "$log" | sed 's/^/    /'
}
programs() { for f in "$@"; do [ -x "$f" ] && [ -f "$f" ] && printf '%s\n' "$f"; done; }

wanted() { [ -z "${STAGES:-}" ] || case " $STAGES " in *" $1 "*) ;; *) return 1 ;; esac; }
# Unit tests listen on this machine's addresses: each has a network of its own, where that can be had.
ALONE=
[ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null || ! command -v ip >/dev/null || ALONE="unshare -n tests/lib/alone.sh"
stage() { # name, then programs; a stage without any does not appear.  ABREAST=n: so many at once
	local f name=$1 under_way=0
	shift
	wanted "$name" && [ -n "$(programs "$@")" ] || return 0
	begin "$name"
	for f in $(programs "$@"); do
		[ "$under_way" -lt "${ABREAST:-1}" ] || { wait -n; under_way=$((under_way - 1)); }
		execute "$(basename "$f")" ${WRAP:-} "$f" "$BUILD" &
		under_way=$((under_way + 1))
	done
	wait
	for f in $(programs "$@"); do judge "$(basename "$f")"; done
	end
}

# Only what has a source: a test that was removed may still lie in the build folder.
UNIT=()
for f in tests/unit/test_*.c; do UNIT+=("$BUILD/${f%.c}"); done
# They mostly wait.
WRAP=$ALONE ABREAST=$((2 * $(nproc))) stage "unit" "${UNIT[@]}"

if wanted scenarios; then
	begin "scenarios"
	run scenarios "$BUILD/tests/scenario/run" tests/scenario/*.scn
	end
fi

stage "captures" tests/captures/check.sh tests/captures/sums.sh
stage "web" tests/web/*.sh
stage "shell" tests/config/*.sh tests/cli/*.sh

if wanted corpora; then
	begin "corpora"
	for f in tests/fuzz/fuzz_*.c; do
		name=$(basename "$f" .c)
		corpus=tests/fuzz/corpus/${name#fuzz_}
		[ -x "$BUILD/tests/fuzz/$name" ] && [ -d "$corpus" ] || continue
		run "$name" "$BUILD/tests/fuzz/$name" "$corpus"
	done
	end
fi

if [ "$TIER" = all ]; then
	# They mostly wait, each in namespaces of its own.
	ABREAST=2 stage "system" tests/system/*.sh
	ABREAST=2 stage "consumer" tests/consumer/*.sh
	stage "cases" tests/cases/check.sh
	stage "browser" tests/browser/*.sh
	stage "attack" tests/attack/flood.sh tests/attack/forged.sh tests/attack/kill.sh
fi

echo "The slowest:"
for f in "$LOGS"/*.seconds; do
	[ -f "$f" ] && printf '%8d ms  %s\n' "$(cat "$f")" "$(basename "$f" .log.seconds)"
done | sort -rn | head -10

# What failed is named above; this is the line that is counted.
if [ $SKIPPED = 0 ]; then
	echo "$PASSED passed, $FAILED failed"
else
	echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
fi
[ $FAILED = 0 ] && [ $PASSED -gt 0 ]
