#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# backup.sh [BUILD] - a backup of the live database, and its way back, with the real daemon and everything that reads the list.
#
# Taken while senders are listed, by root, by watch's user and by one who may read; put back while mxtrapd is stopped, and
# only then.  After the start all is as at the backup: list, firewall, DNSBL, HTTP, tokens, allowances; and who had the
# list under its old name has to fetch all of it.  Needs root; 77: skipped.
. "$(dirname "$0")/../cases/cases.inc"
live_up
A=198.51.100.66 B=198.51.100.77 C=198.51.100.88 D=198.51.100.99
DB=$DIR/state/mxtrap.db
sql() { sqlite3 -readonly "$1" "$2"; }
generation() { sql "$1" 'SELECT generation FROM meta'; }
as() { # user number, command
	local uid=$1
	shift
	setpriv --reuid "$uid" --regid "$uid" --groups "$MXTRAP_UID" --bounding-set=-all "$@"
}
refuses() { a nft list table inet mxtrapd 2>/dev/null | grep -qF "$1"; }
names() { a dig +short +timeout=5 -p 5353 @127.0.0.1 "$(echo "$1" | awk -F. '{ print $4 "." $3 "." $2 "." $1 }').bl.a.example" | grep -q '^127'; }
exports() { get http://127.0.0.1:8725/export/plain | grep -qxF "$1"; }
everywhere() { listed "$1" && refuses "$1" && names "$1" && exports "$1"; }
nowhere() { ! listed "$1" && ! refuses "$1" && ! names "$1" && ! exports "$1"; }

# --- a state to keep --------------------------------------------------------------------

one $A
check "who came to the backup is listed everywhere" wait_for 10000 everywhere $A
check "another is listed by hand" cli block $B --for 7d --note "abuse report"
check "a network is allowed" cli allow 203.0.113.0/24 --note "a friend"
cli token add nightly --scope export >"$DIR/token" 2>&1
TOKEN=$(grep -oE '[A-Za-z0-9_-]{30,}' "$DIR/token" | head -1)
check "it is listed everywhere too" wait_for 10000 everywhere $B

# --- taken under load ---------------------------------------------------------------------

flood() { for i in $(seq 1 40); do one "198.51.101.$i" nobody@elsewhere.example & done; wait; }
b ip route add local 198.51.101.0/24 dev lo
a ip route add 198.51.101.0/24 dev eth0
flood >"$DIR/flood" 2>&1 &
FLOOD=$!
check "root takes a backup while senders come" cli backup "$DIR/copy.db"
wait $FLOOD
check "it is one file, its owner's alone" test "$(stat -c '%a %h' "$DIR/copy.db")" = "600 1" -a ! -e "$DIR/copy.db-wal"
check "it is sound" test "$(sql "$DIR/copy.db" 'PRAGMA integrity_check')" = ok
check "it has both listings, the allowance and the token" test \
    "$(sql "$DIR/copy.db" "SELECT (SELECT count(*) FROM list WHERE state = 4 AND sender IN (SELECT sender FROM listing)) >= 2, (SELECT count(*) FROM allow), (SELECT count(*) FROM token WHERE name = 'nightly')")" = "1|1|1"
cp "$BUILD/mxtrap" "$DIR/mxtrap"
for who in $MXTRAP_UID $NET_UID; do
	install -d -m 700 -o "$who" -g "$who" "$DIR/of-$who"
	check "user $who, who may read the database, takes one" as "$who" "$DIR/mxtrap" -c "$CONF" backup "$DIR/of-$who/copy.db"
done
as 64999 "$DIR/mxtrap" -c "$CONF" backup "$DIR/of-$NET_UID/other.db" >"$DIR/no" 2>&1
check "one who may not write there is told" grep -q "Permission denied" "$DIR/no"
cli backup "$DIR/copy.db" >"$DIR/no" 2>&1
check "nothing is overwritten" grep -q "is there already.*--force" "$DIR/no"
check "mxtrapd goes on" kill -0 "$PID"

# --- what happens after it ------------------------------------------------------------------

one $C
check "a third is listed after the backup" wait_for 10000 everywhere $C
check "the second is no longer listed by hand" cli block $B --remove
check "the network is no longer allowed" cli allow 203.0.113.0/24 --remove
check "the token is revoked" cli token revoke nightly
was=$(generation "$DB") serial=$(sql "$DB" 'SELECT serial FROM meta')
GEN=$(printf '%016x' "$was")
have() { code "http://127.0.0.1:8725/export/changes?since=$GEN:$serial"; }
check "a consumer has the list up to here" test "$(have)" = 200
etag() { get -D - -o /dev/null http://127.0.0.1:8725/export/plain | tr -d '\r' | sed -n 's/^[Ee][Tt]ag: //p'; }
ETAG=$(etag)
check "also by its ETag" test "$(code -H "If-None-Match: $ETAG" http://127.0.0.1:8725/export/plain)" = 304

cli restore "$DIR/copy.db" >"$DIR/no" 2>&1
check "a restore is refused while mxtrapd runs, with the next command" grep -q "systemctl stop mxtrapd" "$DIR/no"
check "and changed nothing" test "$(generation "$DB") $(ls "$DIR/state" | grep -c before-restore)" = "$was 0"

# --- back ---------------------------------------------------------------------------------------

live_stop
timeout 2 "$BUILD/mxtrap" -c "$DIR/conf" tail >"$DIR/no" 2>&1
check "stopped, tail warns that nothing comes" grep -q "mxtrapd is not running: nothing comes" "$DIR/no"
cli restore "$DIR/copy.db" >"$DIR/restored" 2>&1
check "stopped, it is restored" test $? = 0
sed 's/^/     /' "$DIR/restored"
check "under a new generation at once" test "$(generation "$DB")" != "$was"
check "its owner and mode are as before" test "$(stat -c '%u %a' "$DB")" = "$MXTRAP_UID 640"
KEPT=$(ls "$DIR"/state/mxtrap.db.before-restore-* | grep -v -- -wal)
check "what was there is kept" test "$(sql "$KEPT" "SELECT generation FROM meta")" = "$was"
check "no log of the old one is left" test ! -e "$DB-wal"
check "the command reads it before the start" listed $B
live_start
check "the first is listed everywhere" wait_for 20000 everywhere $A
check "the second is listed by hand again" wait_for 20000 everywhere $B
check "the third is listed nowhere" wait_for 20000 nowhere $C
check "the network is allowed again" grep -q 203.0.113.0/24 <(cli list --allowed --format plain; get http://127.0.0.1:8725/api/v1/allow; sql "$DB" "SELECT '203.0.113.0/24' FROM allow")
check "the token opens again" test "$(code -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8725/export/plain)" = 200
check "who had the old list fetches all" test "$(have)" = 410
check "also by its ETag" test "$(code -H "If-None-Match: $ETAG" http://127.0.0.1:8725/export/plain)" = 200
one $D
check "a new one is listed everywhere" wait_for 10000 everywhere $D
check "and the old serial, which is reached again, is not taken for the same" test "$(have)" = 410

# --- stopped, and damaged ---------------------------------------------------------------------------

live_stop
check "a backup is taken while it is stopped" cli backup "$DIR/stopped.db"
check "also by one who may only read" as "$NET_UID" "$DIR/mxtrap" -c "$CONF" backup "$DIR/of-$NET_UID/stopped.db"
was=$(generation "$DB")
cp "$DIR/stopped.db" "$DIR/bad.db"
dd if=/dev/urandom of="$DIR/bad.db" bs=4096 seek=10 count=20 conv=notrunc status=none
cli restore "$DIR/bad.db" >"$DIR/no" 2>&1
check "a damaged backup is refused, with what was found" test $? = 1
check "and named as such" grep -q "bad.db is damaged: " "$DIR/no"
check "the database is as it was" test "$(generation "$DB")" = "$was"
as "$NET_UID" "$DIR/mxtrap" -c "$CONF" restore "$DIR/of-$NET_UID/stopped.db" >"$DIR/no" 2>&1
check "one who may only read restores nothing" grep -q "you may not write there; run this as root" "$DIR/no"
check "watch's own user restores" as "$MXTRAP_UID" "$DIR/mxtrap" -c "$CONF" restore "$DIR/of-$MXTRAP_UID/copy.db"
live_start
check "and it runs" wait_for 20000 everywhere $A
live_stop
exit $FAILED
