#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check.sh [BUILD] [NAME...] - each case beside this file, or these; a line for each.
#
# NAME/xfail has the checks that are known to fail, `NAME OF THE CHECK | why`; one of them that passes is a failure.
# What a case said is in BUILD/check/cases.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/env.inc
BUILD=${1:-build}
shift
OUT=${LOGS:-$BUILD/check}/cases
FAILED=0
mkdir -p "$OUT"
[ $# -gt 0 ] || set -- $(cd tests/cases && ls -d */ | tr -d /)

judge() { # name, exit status
	local name=$1 status=$2 log=$OUT/$1.log expected=tests/cases/$1/xfail line check why wrong=() known=()
	if [ "$status" = 77 ]; then
		echo "     $name left out: $(tail -1 "$log")"
		return
	fi
	while IFS= read -r line; do
		check=${line#FAIL }
		if [ -f "$expected" ] && grep -qF -e "$check |" "$expected"; then known+=("$check"); else wrong+=("$check"); fi
	done < <(grep -a '^FAIL ' "$log")
	if [ -f "$expected" ]; then
		while IFS='|' read -r check why; do
			check=${check% }
			[ -z "$check" ] || ! grep -qaxF "ok   $check" "$log" || wrong+=("passes, but is expected to fail: $check")
			[ -z "$check" ] || grep -qaF " $check" "$log" || wrong+=("was not asked: $check")
		done <"$expected"
	fi
	[ "$status" = 0 ] || [ ${#wrong[@]} -gt 0 ] || [ ${#known[@]} -gt 0 ] || wrong+=("exit status $status")
	[ "$(grep -ca '^ok \|^FAIL ' "$log")" -gt 0 ] || wrong+=("nothing was checked")
	if [ ${#wrong[@]} -gt 0 ]; then
		FAILED=1
		echo "FAIL $name: $(printf '%s; ' "${wrong[@]}")see $log"
	elif [ ${#known[@]} -gt 0 ]; then
		why=$(grep -F -e "${known[0]} |" "$expected" | cut -d'|' -f2)
		echo "ok   $name, as far as it is expected to: ${#known[@]} not yet (${why# })"
	else
		echo "ok   $name"
	fi
}

under_way=0
for name; do
	[ $under_way -lt 3 ] || { wait -n; under_way=$((under_way - 1)); }
	{ timeout -k 5 600 "tests/cases/$name/run.sh" "$BUILD" >"$OUT/$name.log" 2>&1 </dev/null; echo $? >"$OUT/$name.status"; } &
	under_way=$((under_way + 1))
done
wait
for name; do judge "$name" "$(cat "$OUT/$name.status")"; done
exit $FAILED
