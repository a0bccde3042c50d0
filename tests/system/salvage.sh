#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# salvage.sh [BUILD] - a database that is damaged, empty or gone at a start: what people decided goes on to hold.
#
# With the users of the package: an allowance, a listing by hand, a token and "firewall off" outlive a flipped bit, a
# file of zeros, one of no bytes, one that is gone and one that is no database; log, status and /healthz say what was
# saved and what was not, until the damaged file is removed.  Who removes all of it begins again.  In a network namespace of its own.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
. "$(dirname "$0")/../lib/onehost.inc"
lab salvage mx
users_make
onehost_up
onehost_conf "$DIR/state" 'publish = yes
publish-after = "0s"
judge { start-grace = "0s" }
firewall { backend = "nftables" }'
said() { grep -qE -- "$1" "$DIR/log"; }
start() {
	: >"$DIR/log"
	"${AS_INSTALLED[@]}" ip netns exec "$P-mx" "$BUILD/mxtrapd" -c "$DIR/conf" >>"$DIR/log" 2>&1 &
	PID=$!
	wait_for 60000 said "all processes are ready" || { bad "$1: mxtrapd is ready"; cat "$DIR/log"; exit 1; }
}
stop() {
	kill -TERM "$PID"
	wait "$PID"
}
listed() { cli list --format plain | grep -qxF "$1/32"; }
allowed() { cli list --allowed | grep -qF "$1"; }
status_says() { cli status | grep -qE -- "$1"; }
health() { mx curl -s -m 20 http://127.0.0.1:8725/healthz; }
ill() { health | grep -qF '"status":"bad"'; }
token_works() { # an act by HTTP
	[ "$(mx curl -s -m 20 -o /dev/null -w '%{http_code}' -X POST -H "Authorization: Bearer $TOKEN" \
	    -H 'Content-Type: application/json' -d '{"cidr":"198.51.100.200"}' http://127.0.0.1:8725/api/v1/allow)" = 200 ]
}
DB="$DIR/state/mxtrap.db"
asides() { ls "$DB".corrupt-* 2>/dev/null | grep -cE 'corrupt-[0-9]*$'; }

holds() { # what: everything that was decided
	check "$1: the allowance holds" wait_for 10000 allowed 198.51.100.7
	check "$1: what was listed by hand is listed" wait_for 10000 listed 198.51.100.66
	check "$1: the token works" wait_for 10000 token_works
	check "$1: the firewall is off" wait_for 10000 status_says 'firewall blocks nobody: it was switched off'
}
start first
TOKEN=$(grep -o 'mxt_[0-9a-f]*' "$DIR/log")
check "a token is made" test -n "$TOKEN"
check "somebody is allowed" cli allow 198.51.100.7 --note "a partner" >"$DIR/did"
check "somebody is listed by hand" cli block 198.51.100.66 --note "spam" >"$DIR/did"
check "the firewall is switched off" cli firewall off >"$DIR/did"
holds "before"
check "what was decided is copied for watch alone" test "$(stat -c '%a %u' "$DIR/state/mxtrap.keep")" = "600 $MXTRAP_UID"
stop

root_of() { # table: where its first page begins
	sqlite3 -readonly "$DB" "SELECT (rootpage - 1) * 4096 FROM sqlite_schema WHERE name = '$1'"
}
zap() { # offset: bytes there are no longer what they were
	printf '\377' | dd of="$DB" bs=1 seek="$1" conv=notrunc 2>/dev/null
}
harm() {
	case $1 in
	status | allow | token | listing | audit) zap "$(root_of "$1")" ;;
	header) zap 3 ;;
	zeros) dd if=/dev/zero of="$DB" bs=4096 count="$(($(stat -c %s "$DB") / 4096))" conv=notrunc 2>/dev/null ;;
	half) truncate -s $(($(stat -c %s "$DB") / 2)) "$DB" ;;
	empty) : >"$DB" ;;
	gone) rm -f "$DB" "$DB-wal" "$DB-shm" ;;
	esac
}
for how in status allow token listing audit header zeros half empty gone; do
	sqlite3 -readonly "$DB" 'SELECT count(*) FROM allow' >/dev/null
	rm -f "$DB-wal" "$DB-shm"
	harm $how
	n=$(asides)
	start $how
	check "$how: the log says what was saved" said 'warning: .*saved: .*not saved: '
	case $how in
	gone) check "$how: the log says that it is gone" said 'warning: .*is gone, and there was one' ;;
	*) check "$how: the damaged file is kept" test "$(asides)" = $((n + 1)) ;;
	esac
	holds $how
	check "$how: no other token was made" not said 'TOKEN of the HTTP API'
	check "$how: status says what was saved and what was not" status_says '^! The database was damaged.*saved: .*; not saved: '
	check "$how: /healthz does not say that all is well" wait_for 10000 ill
	rm -f "$DB".corrupt-*
	[ $how = gone ] || check "$how: until the damaged file is removed" wait_for 10000 not status_says 'The database was damaged'
	stop
done
start "again"
holds "a start later"
check "status still says it" status_says 'The database was damaged'
stop
rm -f "$DIR/state"/mxtrap.* "$DIR/state"/control.sock
start "all removed"
check "who removes all of it begins again" said 'with a new database'
check "and it is no damage" not status_says 'damaged'
check "nobody is allowed" not allowed 198.51.100.7
stop
exit $FAILED
