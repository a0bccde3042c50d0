#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fuzz.sh SECONDS [HARNESS...] - libFuzzer with ASan and UBSan, each harness in turn.
#
# Starts from tests/fuzz/corpus; what it finds stays in build-fuzz/found, to be put
# there with the fix.  Without clang: says so and exits 77.
set -u
cd "$(dirname "$0")/../.."
SECONDS_EACH=${1:-60}
shift || :
O=build-fuzz
command -v clang >/dev/null || { echo "fuzz: SKIP, no clang"; exit 77; }
HARNESSES=("$@")
[ ${#HARNESSES[@]} -gt 0 ] || for f in tests/fuzz/fuzz_*.c; do
	f=$(basename "$f" .c); HARNESSES+=("${f#fuzz_}")
done

# Every object instrumented, main programs left out; libFuzzer brings its own main.
make --no-print-directory O=$O CC=clang \
    CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" \
    FUZZING=1 "${HARNESSES[@]/#/$O/tests/fuzz/fuzz_}" >$O.log 2>&1 ||
	{ tail -20 $O.log; echo "fuzz: does not build"; exit 1; }
rm -f $O.log

passed=0 failed=0
for h in "${HARNESSES[@]}"; do
	mkdir -p $O/corpus/"$h" $O/found
	args=(-max_total_time="$SECONDS_EACH" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
	    -artifact_prefix=$O/found/"$h"-)
	[ ! -f tests/fuzz/"$h".dict ] || args+=(-dict=tests/fuzz/"$h".dict)
	if $O/tests/fuzz/fuzz_"$h" "${args[@]}" $O/corpus/"$h" tests/fuzz/corpus/"$h" \
	    >$O/found/"$h".log 2>&1 </dev/null; then
		passed=$((passed + 1))
		echo "ok   $h: $(awk -F: '/number_of_executed_units/ { print $NF + 0 }' $O/found/"$h".log) runs"
	else
		failed=$((failed + 1))
		echo "FAIL $h"
		grep -vE '^#[0-9]+.*(REDUCE|NEW)' $O/found/"$h".log | tail -40
	fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
