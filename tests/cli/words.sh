#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# words.sh [BUILD] - the words of mxtrap: its help, what it makes of a mistyped one, and the completion of the shell.
#
# All of it walks the table of commands, as `mxtrap help` prints it.
set -u
. "$(dirname "$0")/../lib/check.inc"
cd "$(dirname "$0")/../.." || exit 1
BUILD=$(realpath "${1:-build}")
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
cp deploy/mxtrap.conf.example "$DIR/conf"
sed -i "s|^state-dir.*|state-dir = \"$DIR/state\"|" "$DIR/conf"
try() { "$BUILD/mxtrap" "$@" >"$DIR/out" 2>"$DIR/err" </dev/null; STATUS=$?; return $STATUS; }
COMMANDS=$("$BUILD/mxtrap" help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
check "the table has commands ($(echo "$COMMANDS" | wc -l))" test "$(echo "$COMMANDS" | wc -l)" -gt 15

# --- help ---------------------------------------------------------------------------------

# No configuration is needed: there is none at the default place of a new host, or a wrong one.
same() { # words = words
	try $1 && cp "$DIR/out" "$DIR/one" && try $2 && cmp -s "$DIR/one" "$DIR/out" && [ -s "$DIR/out" ] && [ ! -s "$DIR/err" ]
}
narrow() { ! awk 'length($0) > 80' "$1" | grep -q .; }
check "help is --help is -h" same help --help
check "and -h" same help -h
check "help help is help" same help "help help"
check "version is --version" same version --version
check "help fits 80 columns" narrow "$DIR/out"
for c in $COMMANDS; do
	check "help $c is $c --help" same "help $c" "$c --help"
	check "help $c fits 80 columns" narrow "$DIR/out"
	check "help $c has its usage" grep -q "^usage: mxtrap \[-c FILE\] $c" "$DIR/out"
	try -c "$DIR/conf" "$c" --no-such-option
	check "$c refuses an unknown option" test $? = 2
	check "and names it, and what $c takes, in 80 columns" eval 'grep -q "^mxtrap: $c: unknown option --no-such-option$" "$DIR/err" &&
	    grep -q "^usage: mxtrap \[-c FILE\] $c" "$DIR/err" && narrow "$DIR/err"'
done

# --- what was meant -------------------------------------------------------------------------

# Words | what is said.
while IFS='|' read -r words meant; do
	read -ra typed <<<"$words"
	try -c "$DIR/conf" "${typed[@]}"
	check "mxtrap $words: exit status 2" test $? = 2
	check "mxtrap $words: ${meant:-no guess}" eval 'if [ -n "$meant" ]; then grep -qF -e "$meant" "$DIR/err"; else ! grep -q "did you mean" "$DIR/err"; fi'
	[ ! -s "$DIR/out" ] || bad "mxtrap $words: nothing on standard output"
done <<'END'
lst|no command lst; did you mean list?
statsu|did you mean status?
explian 192.0.2.7|did you mean explain?
versoin|did you mean version?
hlep|did you mean help?
help lst|did you mean list?
back-up x|did you mean backup?
frobnicate|
list listed|did you mean --listed?
list suspects|did you mean --suspects?
list --suspect|did you mean --suspects?
list -all|did you mean --all?
list --json --fromat csv|did you mean --format?
list --format tabel|did you mean table?
list --format=cvs|did you mean csv?
list --all --noticed|found two states, expected one
export plian|did you mean plain?
export nftable|did you mean nftables?
export plain --familiy 4|did you mean --family?
firewall shwo|did you mean show?
firewall|found nothing, expected show, flush, off or on
token revok x|did you mean revoke?
token|found nothing, expected add, list or revoke
allow 192.0.2.7 --nte x|did you mean --note?
allow 192.0.2.7 --for|--for: found nothing behind it, expected a value
allow 192.0.2.7 --for 3d --remove|found --for and --remove, expected one of them
allow 192.0.2.7 --remove --for 3d|found --for and --remove, expected one of them
allow|found no address
explain|found no address
export plain --grade provn|did you mean proven?
export plain --include suspect|did you mean suspects?
allow 192.0.2.7 --for 36500d|--for: found 36500d, expected a time like 12h or 30d, 18250d at most
token add x --for 36500d|--for: found 36500d, expected a time like 12h or 90d, 18250d at most
allow 192.0.2.7 --for soon|--for: found soon, expected a time like 12h or 30d
block 192.0.2.7 192.0.2.8|found 192.0.2.8, expected nothing more
forget 192.0.2.7 --for 3d|unknown option --for
purge --evidence|--evidence: found nothing behind it
purge --dry-rnu|did you mean --dry-run?
publish --acept|did you mean --accept?
report --limt 5|did you mean --limit?
report --limit none|--limit: found none, expected a number from 1
risk --limit 0|--limit: found 0, expected 1 to 1000
tail --cuont 3|did you mean --count?
tail --format csv|expected table, ndjson or json
status --jsno|did you mean --json?
status -c x|-c FILE stands before the command: mxtrap -c FILE status
restore x --chekc|did you mean --check?
status now|found now, expected nothing more
consumers all|found all, expected nothing more
version now|found now, expected nothing more
END
# Values that only the configuration makes wrong are bad input.
while IFS='|' read -r words meant; do
	read -ra typed <<<"$words"
	try -c "$DIR/conf" "${typed[@]}"
	check "mxtrap $words: exit status 1, $meant" eval '[ $STATUS = 1 ] && grep -qF -e "$meant" "$DIR/err"'
done <<'END'
purge --evidence backup-first|did you mean backup_first?
purge --evidence imptient|did you mean impatient?
purge --exchanger mx9.example.ogr|did you mean mx9.example.org?
token add x --scope exprot|did you mean export?
allow 192.0.2.7/24|did you mean 192.0.2.0/24?
allow 192.0.2.0/032|did you mean 192.0.2.0/32?
explain 192.0.2.7/24|mxtrap explain 192.0.2.7
explain mx.example.org|names are not resolved
END
for words in --verison --hlep -x; do
	try $words
	check "mxtrap $words is refused" eval '[ $STATUS = 2 ] && grep -q "unknown option $words" "$DIR/err"'
done
try -c
check "-c without its file says so" eval '[ $STATUS = 2 ] && grep -q "^mxtrap: -c: found nothing behind it, expected a configuration file$" "$DIR/err"'
try -c "$DIR/conf" export
check "export without a format lists the formats, and is a usage error" eval '[ $STATUS = 2 ] && grep -q "^  nftables " "$DIR/err" && grep -q "found no format" "$DIR/err"'

# --- mxtrapd ----------------------------------------------------------------------------------

# Words | what is said, last.
while IFS='|' read -r words meant; do
	read -ra typed <<<"$words"
	"$BUILD/mxtrapd" "${typed[@]}" >"$DIR/out" 2>"$DIR/err" </dev/null
	check "mxtrapd $words: exit status 2" test $? = 2
	check "mxtrapd $words: $meant" eval 'tail -1 "$DIR/err" | grep -qxF -e "mxtrapd: found $meant"'
done <<END
|no configuration, expected -c FILE
-n|no configuration, expected -c FILE
-n $DIR/conf|$DIR/conf, expected -c before the configuration
$DIR/conf|$DIR/conf, expected -c before the configuration
-c $DIR/conf -n extra|extra, expected nothing more
-c $DIR/conf -v|-v, expected it with -n
-c $DIR/conf -r|-r with nothing behind it, expected captures
-c $DIR/conf -n -r x|-n and -r, expected one of them
-c $DIR/conf --inputs x|--inputs, expected it with -r
END
sed "s|^state-dir.*|state-dir = \"$DIR/conf\"|" "$DIR/conf" >"$DIR/other"
"$BUILD/mxtrapd" -c "$DIR/other" -n 2>"$DIR/err"
STATUS=$?
check "mxtrapd -n: a state directory that is a file is a fault" eval '[ $STATUS = 1 ] && grep -q "conf: found a file, expected a directory (state-dir)" "$DIR/err"'
sed "s|^state-dir.*|state-dir = \"$DIR/none/state\"|" "$DIR/conf" >"$DIR/other"
"$BUILD/mxtrapd" -c "$DIR/other" -n 2>"$DIR/err"
check "mxtrapd -n: one that cannot be made is named" grep -q "mkdir -p $DIR/none)" "$DIR/err"

# --- English -----------------------------------------------------------------------------------

# Words that many readers stumble over, in what the command prints: strings of its sources, its help and its manual.
BANNED='told|tells of|says so|whoever|whom|anew|so many|so long|let go|taken away|takes away|take away|in the end|hushed'
{
	grep -nE '"' daemon/cli/*.c | sed 's|/\*.*\*/||' | grep -oE '^[^:]*:[0-9]+:|"([^"\\]|\\.)*"' | grep -E '^"'
	for c in '' $COMMANDS; do "$BUILD/mxtrap" help $c; done
	sed 's/^\.\\".*//' docs/mxtrap.1
} | grep -iwE "$BANNED" >"$DIR/banned"
check "no banned word in the command, its help and its manual $(head -3 "$DIR/banned" | tr '\n' ' ')" test ! -s "$DIR/banned"

# --- bash completion --------------------------------------------------------------------------

PATH=$BUILD:$PATH
. deploy/bash-completion/mxtrap
complete_words() { COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=(); _mxtrap; printf '%s\n' "${COMPREPLY[@]}"; }
complete_words mxtrap '' >"$DIR/offered"
for c in $COMMANDS help version; do
	check "the shell offers $c" grep -qx -- "$c" "$DIR/offered"
done
for c in $COMMANDS; do
	complete_words mxtrap -c "$DIR/conf" "$c" '' >"$DIR/offered"
	for o in $("$BUILD/mxtrap" help "$c" | grep -oE -- '--[a-z-]+' | sort -u); do
		grep -qx -- "$o" "$DIR/offered" || echo "$c $o"
	done
done >"$DIR/missing"
check "and each option of each command $(tr '\n' ' ' <"$DIR/missing")" test ! -s "$DIR/missing"
check "and the states of list" eval 'complete_words mxtrap list --su | grep -qx -- --suspects'
check "and the formats of export" eval 'complete_words mxtrap export nft | grep -qx nftables'
exit $FAILED
