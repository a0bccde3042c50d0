#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guides.sh [BUILD] - what README, the guides and the other documents say to type can be typed, also after `make install`.
#
# Each fenced block says what it is.  A block "conf" is a configuration, or a part of one, that mxtrapd -n takes; what
# "sh" types is syntax, and each command and option of mxtrap's is known.  Links, and the paths of what is installed,
# resolve in the sources and below each PREFIX.  A line for cron finds mxtrap-fetch there, and its errors have a name.
set -u
. "$(dirname "$0")/../lib/check.inc"
cd "$(dirname "$0")/../.." || exit 1
BUILD=${1:-build}
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
# none NAME, then lines on standard input: there should be none.
none() {
	local found
	found=$(cat)
	if [ -z "$found" ]; then ok "$1"; else bad "$1: $(echo "$found" | tr '\n' ' ')"; fi
}
DOCS=$(ls README.md docs/*.md docs/consumers/*.md)

# --- fenced blocks ------------------------------------------------------------------------

# Each as a file: GUIDE.NUMBER.TAG.
mkdir "$DIR/blocks"
for f in $DOCS; do
	awk -v out="$DIR/blocks/$(basename "$f" .md)" -v file="$f" '
		/^```/ && !on { on = 1; tag = substr($0, 4); if (tag == "") { print file ":" NR; tag = "none" } name = sprintf("%s.%d.%s", out, ++n, tag); printf "" >name; next }
		/^```/ { on = 0; close(name); next }
		on { print >name }' "$f"
done | none "each fenced block says what it is"
# What others read has a name of its own, by which tests/consumer takes it.
ls "$DIR/blocks" | sed 's/.*\.//' | sort -u | while read -r tag; do
	case $tag in
	conf | sh | cron | try) ;;		# below
	output | hosted | zone | crontab | drop-in | unbound | default | docker | wireguard | remote | swaks | example | mikrotik | pf) ;;
	*) grep -rqwE -- "$tag" tests/consumer/*.sh tests/consumer/*.inc || echo "$tag" ;;
	esac
done | none "and that is a name that a test knows"

BASE='state-dir = "/var/lib/mxtrap"
interface = "eth0"
allow { special-purpose = no }
mx-set "base.example" {
    domains = { "base.example" }
    exchanger "mx0.base.example" { preference = 10  role = "nolisting"  addresses = { "203.0.113.10" } }
    exchanger "mx1.base.example" { preference = 20  role = "real"  addresses = { "203.0.113.20" } }
    exchanger "mx9.base.example" { preference = 90  role = "bogus"  answer = "dialogue"  addresses = { "203.0.113.30" } }
}'
n=0
for f in "$DIR"/blocks/*.conf "$DIR"/blocks/*.try; do
	if grep -q '^ *mx-set' "$f"; then
		cp "$f" "$DIR/one.conf"
		grep -q special-purpose "$f" || echo 'allow { special-purpose = no }' >>"$DIR/one.conf"
	else
		{ grep -q '^ *allow' "$f" && echo "$BASE" | grep -v '^allow' || echo "$BASE"; cat "$f"; } >"$DIR/one.conf"
	fi
	sed -i 's|include "allow-providers.conf"|include "'"$PWD"'/deploy/allow-providers.conf"|' "$DIR/one.conf"
	n=$((n + 1))
	"$BUILD/mxtrapd" -c "$DIR/one.conf" -n >"$DIR/said" 2>&1 || echo "$(basename "$f"): $(cat "$DIR/said")"
done >"$DIR/refused"
none "mxtrapd -n takes each configuration" <"$DIR/refused"
check "there are some ($n)" test $n -gt 8
# A layout that a guide recommends can list; of the one that it warns of, mxtrapd says the same.
for f in "$DIR"/blocks/*.conf "$DIR"/blocks/*.hosted; do
	grep -q '^ *mx-set' "$f" || continue
	{ cat "$f"; echo 'allow { special-purpose = no }'; } >"$DIR/one.conf"
	"$BUILD/mxtrapd" -c "$DIR/one.conf" -n 2>&1 | grep -q "nobody can be listed" && basename "$f"
done >"$DIR/unlistable"
check "each layout can list but the one of which layouts.md says that it cannot ($(tr '\n' ' ' <"$DIR/unlistable"))" eval '[ "$(sed "s/.*\.//" "$DIR/unlistable")" = hosted ]'

# Commands: the words of mxtrap's own against its help.
cat "$DIR"/blocks/*.sh >"$DIR/typed"
for f in "$DIR"/blocks/*.sh; do bash -n "$f" 2>&1 | sed "s|.*/||"; done | none "what is to be typed is shell"
grep -oE '(^|[|&;] *)mxtrap( -c [^ ]+)? [a-z][a-z-]*[^|&;#]*' "$DIR/typed" | sed -E 's/^[|&; ]*//; s/ -c [^ ]+//' | sort -u | while read -r _ command rest; do
	"$BUILD/mxtrap" "$command" --help >"$DIR/help" 2>&1 || { echo "mxtrap $command"; continue; }
	for word in $rest; do
		case $word in
		--*) grep -qE -- "(^|[^a-z-])${word%%=*}([^a-z-]|\$)" "$DIR/help" || echo "mxtrap $command $word" ;;
		esac
	done
done | none "mxtrap knows each command and option"
check "there are some ($(grep -c mxtrap "$DIR/typed"))" test "$(grep -c mxtrap "$DIR/typed")" -gt 10

# The lines to try it, as README says: a file beside the example, which includes it.
cp deploy/mxtrap.conf.example "$DIR/mxtrap.conf"
cp "$DIR"/blocks/README.*.try "$DIR/try.conf"
echo 'include "try.conf"' >>"$DIR/mxtrap.conf"
check "the example with the lines to try it is good" eval '"$BUILD/mxtrapd" -c "$DIR/mxtrap.conf" -n 2>"$DIR/said"'
check "README and operate.md have the same lines" sh -c 'grep -lxFf "$0" "$1"/operate.*.conf | grep -q .' "$DIR/try.conf" "$DIR/blocks"

# --- links ----------------------------------------------------------------------------------

links() { # folder: what does not resolve below it
	(cd "$1" && find . -name '*.md' | sed 's|^\./||' | sort) | while read -r f; do
		sed '/^```/,/^```/d' "$1/$f" | grep -oE '\]\([^)]*\)' | sed 's/^](//; s/)$//' | grep -vE '^[a-z]+:' | while read -r link; do
			local to=${link%%#*} at
			[ -n "$to" ] || to=$(basename "$f")
			at=$1/$(dirname "$f")/$to
			[ -e "$at" ] || { echo "$f: $link"; continue; }
			case $link in
			*'#'*) sed -n 's/^##* //p' "$at" | tr '[:upper:]' '[:lower:]' | tr -d '`,.:()"'"'" | tr ' ' '-' | grep -qx -- "${link#*#}" || echo "$f: $link" ;;
			esac
		done
	done
}
mkdir -p "$DIR/sources"
cp -r README.md docs "$DIR/sources/"
links "$DIR/sources" | none "each link resolves in the sources"

# --- and as installed -----------------------------------------------------------------------

case $BUILD in *-san) SAN=SAN=1 ;; *) SAN= ;; esac
for prefix in /usr /usr/local; do
	root=$DIR/root$prefix
	# shellcheck disable=SC2086
	make -s O="$(basename "$BUILD")" $SAN install PREFIX=$prefix DESTDIR="$DIR/root" >"$DIR/install" 2>&1 || { bad "make install"; cat "$DIR/install"; exit 1; }
	doc=$root/share/doc/mxtrap
	links "$doc" | none "each link resolves below $prefix/share/doc/mxtrap"
	grep -rhoE "/usr(/local)?/(share/doc/mxtrap|s?bin/mxtrap)[A-Za-z0-9_./-]*[A-Za-z0-9]" "$doc" | sort -u | while read -r path; do
		case $path in */mxtrap-makemap) continue ;; esac	# the reader writes it
		case $path in /usr/local/sbin/mxtrap-fetch) continue ;; esac	# a copy on another host
		[ -e "$DIR/root$path" ] || echo "$path"
	done | none "each path of mxtrap's in the documents is there, PREFIX=$prefix"
	check "mxtrap-fetch has its manual page, PREFIX=$prefix" test -s "$root/share/man/man8/mxtrap-fetch.8"
	for f in "$DIR"/blocks/*.cron; do
		grep -q '^PATH=' "$f" || echo "$(basename "$f"): no PATH"
		sed -n 's/^PATH=//p' "$f" | tr : '\n' | while read -r d; do [ ! -x "$DIR/root$d/mxtrap-fetch" ] || echo found; done | grep -q . ||
		    echo "$(basename "$f"): mxtrap-fetch is not in its PATH"
		grep mxtrap-fetch "$f" | grep -v ' 2>&1 | logger -t mxtrap-fetch$'
	done | none "each line for cron finds mxtrap-fetch, and logs by its name, PREFIX=$prefix"
	make -s uninstall PREFIX=$prefix DESTDIR="$DIR/root" >/dev/null
	find "$DIR/root" ! -type d | none "make uninstall leaves nothing, PREFIX=$prefix"
done
exit $FAILED
