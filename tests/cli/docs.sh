#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# docs.sh [BUILD] - what the documents say to type exists, and what --help says is documented.
#
# The words of each command in its help and in the manual page; the configuration of the
# example (tests/cli/guides.sh has those of README and the guides); the make targets and commands of the README; the keys that the
# configuration knows and its manual page; the tests and files that docs/security.md names.
set -u
. "$(dirname "$0")/../lib/check.inc"
cd "$(dirname "$0")/../.." || exit 1
BUILD=${1:-build}
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
# same NAME ONE OTHER: two files of words, sorted here, are equal.
same() {
	sort -u -o "$2" "$2"
	sort -u -o "$3" "$3"
	if [ -s "$2" ] && cmp -s "$2" "$3"; then ok "$1"; else bad "$1: $(diff "$2" "$3" | grep '^[<>]' | tr '\n' ' ')"; fi
}
# none NAME, then lines on standard input: there should be none.
none() {
	local found
	found=$(cat)
	if [ -z "$found" ]; then ok "$1"; else bad "$1: $(echo "$found" | tr '\n' ' ')"; fi
}

# --- manual pages and --help -----------------------------------------------------------

COMMANDS=$("$BUILD/mxtrap" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
synopsis() { sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' docs/mxtrap.1; }
echo "$COMMANDS" >"$DIR/help"
for word in help version; do
	check "mxtrap(1) has $word" eval 'synopsis | grep -qx "\.Ar $word"'
done
for o in $("$BUILD/mxtrap" list --help | grep -oE '^--[a-z-]+'); do
	check "mxtrap(1) has $o, which is of all commands" grep -qE "^\.It Fl $(echo "$o" | cut -c2-)( |\$)" docs/mxtrap.1
done
synopsis | sed -n 's/^\.Cm //p' | tr -d '|' | tr ' ' '\n' | sed '/^$/d' >"$DIR/page"
same "mxtrap(1) has the commands of --help" "$DIR/help" "$DIR/page"
for c in $COMMANDS; do
	# The states of list are a list of their own, behind its item; --inputs is mxtrapd's.
	sed -n "/^\.It Cm $c\b/,/^\.It Cm/p" docs/mxtrap.1 | grep -E '^\.(It|Fl)' |
	    grep -E "^\.It (Cm $c\b|Fl)|^\.Fl" | grep -oE '(Fl|,) -[a-z]+(-[a-z]+)*' | grep -v inputs | sed 's/.* -/--/' >"$DIR/page"
	"$BUILD/mxtrap" "$c" --help | sed '/^$/,$d' | grep -oE -- '--[a-z-]+' >"$DIR/help"	# the usage
	# Some have none, which is equal too.
	echo "$c" | tee -a "$DIR/page" >>"$DIR/help"
	same "mxtrap(1) has the options of $c" "$DIR/help" "$DIR/page"
done
"$BUILD/mxtrapd" --help | grep -oE -- '^  --?[a-z-]+|, --[a-z]+' | grep -oE -- '-+[a-z]+' >"$DIR/help"
while read -r o; do
	[ "$o" = -nv ] || grep -qE -- "^\.(It|Op|Nm|Fl).*Fl ${o#-}( |\$)" docs/mxtrapd.8 || echo "$o"
done <"$DIR/help" | none "mxtrapd(8) has the options of --help"

# --- configurations --------------------------------------------------------------------

good() { # name, file
	if "$BUILD/mxtrapd" -c "$2" -n 2>"$DIR/said"; then ok "$1"; else bad "$1: $(cat "$DIR/said")"; fi
}
good "the example is a good configuration" deploy/mxtrap.conf.example
for section in "" judge limits capture store web allow pool; do
	if [ -z "$section" ]; then echo 'nothing = 1'; elif [ $section = pool ]; then echo 'pool "x" { nothing = 1 }'; else echo "$section { nothing = 1 }"; fi >"$DIR/wrong.conf"
	"$BUILD/mxtrapd" -c "$DIR/wrong.conf" -n 2>&1 | sed -n 's/.*found unknown key "nothing", expected one of: //p' | tr -d ' ' | tr ',' '\n'
done >"$DIR/keys"
n=$(wc -l <"$DIR/keys")
if [ "$n" -gt 30 ]; then ok "$n keys are known"; else bad "the keys are told"; fi
while read -r key; do
	grep -qE "^\.(It|Ic|Cm).*\b$key\b|^\.Sh ${key^^}\$" docs/mxtrap.conf.5 || echo "$key"
done <"$DIR/keys" | none "mxtrap.conf(5) has each key"

# --- what the README says to type --------------------------------------------------------

grep -oE '^make( [a-z]+)?|`make [a-z-]+' README.md | grep -oE 'make [a-z-]+' | sort -u | while read -r _ target; do
	grep -qE "^$target:" Makefile || echo "make $target"
done | none "the README's make targets exist"
grep -oE '`mxtrap( -c FILE)? [a-z]+' README.md | awk '{ print $NF }' | sort -u | while read -r c; do
	echo "$COMMANDS" | grep -qx "$c" || echo "$c"
done | none "the README's commands exist"
grep -ohE '\b(docs|deploy|tests|daemon|include|web|sql)/[A-Za-z0-9_./-]*[A-Za-z0-9_]' README.md docs/*.md | sort -u | while read -r f; do
	[ -e "$f" ] || [ -n "$(compgen -G "$f*")" ] || echo "$f"
done | none "files that the documents name exist"

# --- what docs/security.md rests on ------------------------------------------------------

# shellcheck disable=SC2016 # backquotes are meant
grep -oE '`[a-z0-9]+(_[a-z0-9]+){2,}`' docs/security.md | tr -d '`' | sort -u | while read -r name; do
	[ -e "tests/scenario/$name.scn" ] || grep -rqw -- "$name" tests daemon include web sql || echo "$name"
done | none "what docs/security.md names exists"
exit $FAILED
