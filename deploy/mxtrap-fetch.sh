#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mxtrap-fetch FORMAT[?OPTIONS] [CHECK [APPLY]] - fetch an export of mxtrapd so that nobody ever reads half of it.
#
# For a host that blocks: copied there as /usr/local/sbin/mxtrap-fetch, called by cron each minute.  The file,
# $DIR/FORMAT, is replaced at once and only by a whole new list that CHECK, a shell command, finds good; then
# APPLY is run.  Both see the file's name as $FILE.  Where either fails, the next minute tries again.  A fetch
# that failed keeps what is there; after $KEEP minutes without a good answer a list without time-outs is emptied,
# for it holds senders that were let go long since.  Needs curl.
#
# /etc/mxtrap-fetch.conf, readable by its user alone:
#	URL=https://trap.example.org
#	TOKEN=mxt_...
# DIR and KEEP can stand there, too.  Without the file: the mxtrapd of this host, which asks for no token.
set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin	# cron's own is short
URL=http://127.0.0.1:8725 TOKEN='' DIR=/var/lib/mxtrap-fetch KEEP=1440
CONF=${MXTRAP_FETCH_CONF:-/etc/mxtrap-fetch.conf}
# shellcheck disable=SC1090
[ ! -e "$CONF" ] || . "$CONF"
case $# in
[123]) ;;
*) echo "usage: mxtrap-fetch FORMAT[?OPTIONS] [CHECK [APPLY]]" >&2; exit 2 ;;
esac
WHAT=$1 CHECK=${2:-} APPLY=${3:-}
FORMAT=${WHAT%%\?*}
LIST=$DIR/$FORMAT
NEW=$LIST.$$ TAG=$LIST.$$.tag

umask 022
mkdir -p "$DIR"
trap 'rm -f "$NEW" "$TAG"' EXIT
trap 'exit 1' HUP INT TERM

say() { echo "mxtrap-fetch: $FORMAT: $*" >&2; }
run() { FILE=$1 sh -c "$2"; }
put() { # what the new file holds, for all to see
	mv "$NEW" "$LIST"
	# Until it is applied the answer is asked for anew.
	echo '"to be applied"' >"$LIST.tag"
	[ -z "$APPLY" ] || run "$LIST" "$APPLY" || { say "'$APPLY' failed"; exit 1; }
}
headed() { # a list of ours says so; a portal's page does not
	case $FORMAT in
	csv) head -n 1 "$NEW" | grep -q '^cidr,' ;;
	crowdsec) head -n 1 "$NEW" | grep -q '^duration,' ;;
	ndjson) tail -n 1 "$NEW" | grep -q '"type":"metadata"' ;;
	*) head -n 2 "$NEW" | grep -q ' mxtrap serial=' ;;
	esac
}
key() { # for curl; it stands in no list of processes
	if [ -n "$TOKEN" ]; then printf 'header = "Authorization: Bearer %s"\n' "$TOKEN"; fi
}
fetch() { # prints the answer's code
	key | curl -K - -fsS --compressed --max-time 50 --etag-compare "$LIST.tag" --etag-save "$TAG" -o "$NEW" \
	    -w '%{http_code}' "$URL/export/$WHAT"
}

good() {
	headed || { say "what came is no list of mxtrapd; the old one stays"; return 1; }
	[ -z "$CHECK" ] || run "$NEW" "$CHECK" || { say "'$CHECK' refuses what came; the old one stays"; return 1; }
}

# The tag is that of the list that is there, and as old as the last good answer.
[ -e "$LIST" ] || rm -f "$LIST.tag"
if code=$(fetch); then
	[ "$code" != 304 ] || { touch "$LIST.tag"; exit 0; }
	if good; then
		put
		mv "$TAG" "$LIST.tag"
		exit 0
	fi
fi
[ -n "$(find "$LIST.tag" -mmin "+$KEEP" 2>/dev/null)" ] || exit 1
case $FORMAT in
plain | pf | postfix-cidr | postscreen-cidr | exim | opensmtpd | sendmail | rspamd | haproxy)
	say "no good answer for $KEEP minutes: emptied"
	grep '^#' "$LIST" >"$NEW"
	put
	;;
esac
exit 1
