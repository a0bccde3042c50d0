#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fails-before.sh TEST [COMMIT] - shows that a test fails without the change that it came with.
#
# TEST is test_x:name (a unit test and the name of one row), a scenario (x.scn), or a shell test, whole (tests/system/x.sh) or one
# check of it (tests/system/x.sh:what it says).  COMMIT is by default the one that brought it; name the one that mended what
# it is about where that is another.  Its parent is built in a
# temporary worktree, the tests of the commit are put there, and this one is run.  One line: test, commit, parent, and
# "fails before: yes" or "no"; the exit status is 0 for yes.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib/env.inc
[ $# -ge 1 ] || { sed -n '4,11s/^# \{0,1\}//p' "$0"; exit 2; }
TEST=$1 FILE= NAME=
case $TEST in
test_*:*) FILE=tests/unit/${TEST%%:*}.c NAME=${TEST#*:} ;;
test_*) FILE=tests/unit/$TEST.c ;;
*.scn) FILE=tests/scenario/${TEST##*/} ;;
*.sh:*) FILE=${TEST%%.sh:*}.sh NAME=${TEST#*.sh:} ;;
*.sh) FILE=$TEST ;;
*) echo "fails-before.sh: $TEST is no unit test (test_x:name), scenario (x.scn) or shell test (tests/…/x.sh)" >&2; exit 2 ;;
esac
COMMIT=${2:-}
if [ -z "$COMMIT" ] && [ -n "$NAME" ]; then
	# Rows of a table are joined with its name: what stands in the file is the end of theirs.
	for part in "$NAME" "${NAME#*_}"; do
		[ -n "$COMMIT" ] || COMMIT=$(git log --reverse --format=%h -S"$part" -- "$FILE" | head -1)
	done
fi
[ -n "$COMMIT" ] || [ -n "$NAME" ] || COMMIT=$(git log --diff-filter=A --format=%h -- "$FILE" | tail -1)
[ -n "$COMMIT" ] || { echo "fails-before.sh: no commit brought \"${NAME:-$FILE}\" into $FILE" >&2; exit 2; }
COMMIT=$(git rev-parse --short "$COMMIT^{commit}") && PARENT=$(git rev-parse --short "$COMMIT^") || exit 2

TOP=$PWD
TREE=$(mktemp -d /tmp/mxtrap-before.XXXXXX)
trap 'cd "$TOP" && git worktree remove --force "$TREE/tree" 2>/dev/null; rm -rf "$TREE"; git worktree prune' EXIT
trap 'exit 130' INT TERM
git worktree add -q --detach "$TREE/tree" "$PARENT" || exit 2
git -C "$TREE/tree" checkout -q "$COMMIT" -- tests
# A test that came after the change it is about: as it is now.
[ -e "$TREE/tree/$FILE" ] || git -C "$TREE/tree" checkout -q "$(git rev-parse HEAD)" -- tests
for m in web tests/browser; do
	[ ! -d "$m/node_modules" ] || cp -r "$m/node_modules" "$TREE/tree/$m/"
done
answer() { # yes or no, why
	printf '%s, commit %s, parent %s, fails before: %s\n' "$TEST" "$COMMIT" "$PARENT" "$1${2:+ ($2)}"
	[ "$1" = yes ] || exit 1
	exit 0
}
cd "$TREE/tree" || exit 2
case $FILE in
tests/unit/*) target=build/tests/unit/$(basename "$FILE" .c) ;;
tests/scenario/*) target=build/tests/scenario/run ;;
*) target="build/mxtrapd build/mxtrap build/core.a" ;;
esac
# What the parent needed may be what we need no more.
[ "$(id -u)" != 0 ] || deploy/deps.sh build >/dev/null 2>&1
# shellcheck disable=SC2086
make -j"$(nproc)" $target >"$TREE/build.log" 2>&1 || {
	case $FILE in tests/unit/* | tests/scenario/*) answer yes "it does not build there: $(grep -m1 -E 'error|undefined' "$TREE/build.log")" ;; esac
	tail -5 "$TREE/build.log"
	answer no "the parent does not build"
}
LOG=$TREE/log
case $FILE in
tests/unit/*) timeout 900 "$target" build >"$LOG" 2>&1 </dev/null ;;
tests/scenario/*) timeout 300 "$target" "$FILE" >"$LOG" 2>&1 </dev/null ;;
*) timeout 1500 "$FILE" build >"$LOG" 2>&1 </dev/null ;;
esac
status=$?
[ $status != 77 ] || answer no "left out: $(tail -1 "$LOG")"
if [ -z "$NAME" ]; then
	[ $status = 0 ] && answer no
	answer yes "$(grep -am1 -E '^FAIL |FAILED  \]|ERROR' "$LOG" | cut -c1-120)"
fi
case $FILE in
tests/unit/*)
	grep -aqF "[       OK ] $NAME" "$LOG" && answer no
	grep -aqE "\[  FAILED  \] $NAME|\[ RUN      \] $NAME" "$LOG" && answer yes
	# Its group could not begin, or ended before it.
	[ $status != 0 ] && answer yes "status $status before it came to that"
	answer no "no such test ran"
	;;
*)
	grep -aqF "ok   $NAME" "$LOG" && answer no
	grep -aqF "FAIL $NAME" "$LOG" && answer yes
	[ $status != 0 ] && answer yes "status $status before it came to that"
	answer no "no such check ran"
	;;
esac
