#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# removed.sh [BUILD] - the database's files are removed, replaced, cut off and overwritten under the running daemon, with the
# three users and everything that reads the list.
#
# After each: the log says it within seconds, status never says well before it is mended, nothing answered durable is lost,
# and kernel, DNSBL, HTTP export and command have one list.  Needs root; 77: skipped.
. "$(dirname "$0")/../cases/cases.inc"
live_up
DB=$DIR/state/mxtrap.db
generation() { get http://127.0.0.1:8725/api/v1/status | jq -r .generation; }
in_kernel() { a nft list table inet mxtrapd 2>/dev/null | grep -qF "$1"; }
in_dns() { a dig +short +tries=1 +time=20 -p 5353 @127.0.0.1 "$(echo "$1" | awk -F. '{ print $4 "." $3 "." $2 "." $1 }').bl.a.example" | grep -q '^127'; }
exported() { get http://127.0.0.1:8725/export/plain | grep -qxF "$1"; }
by_cli() { cli export plain 2>/dev/null | grep -qxF "$1"; }
everywhere() { by_cli "$1" && exported "$1" && in_dns "$1" && in_kernel "$1"; }
nowhere() { ! by_cli "$1" && ! exported "$1" && ! in_dns "$1" && ! in_kernel "$1"; }
agree() { everywhere "$1" || nowhere "$1"; }
later() { one "$1"; try_for 3000 everywhere "$1"; }
warned() { grep -qE "^mxtrapd/watch: warning: DATABASE .*($1)" "$SAID"; }
not_well() { ! status_says "All is well"; }
healthy() { [ "$(code http://127.0.0.1:8725/healthz)" = 200 ]; }
starts() { grep -c "watch is ready" "$SAID"; }
begin() { # NAME
	W=$1
	wait_for 15000 healthy || bad "$W: it is healthy before"
	sleep 1.5		# two looks of the writer: it knows its file
	WAS=$(generation)
	: >"$SAID"
}
renamed() { local now; now=$(generation) && [ -n "$now" ] && [ "$now" != null ] && [ "$now" != "$WAS" ]; }
goes_on() { # SOURCE: one that comes later is listed by all
	check "$W: the list has a new name" wait_for 6000 renamed
	check "$W: who qualifies afterwards is listed everywhere" wait_for 6000 later "$1"
	check "$W: and it is sound" test "$(sqlite3 -readonly "$DB" 'PRAGMA integrity_check')" = ok
}

# --- removed: nothing is lost ---------------------------------------------------------------

one 198.51.100.10
check "somebody is listed" wait_for 4000 everywhere 198.51.100.10
check "a friend is allowed" cli allow 203.0.113.0/24 --note "a friend"

begin "all three files removed"
n=$(starts)
rm "$DB" "$DB-wal" "$DB-shm"
check "$W: status does not say well" not_well
one 198.51.100.11
check "$W: the log says it" wait_for 3000 warned removed
cli allow 198.18.5.5 >/dev/null 2>&1
R=$?
check "$W: who was listed still is, everywhere" wait_for 5000 everywhere 198.51.100.10
check "$W: who came in between is as well" wait_for 5000 everywhere 198.51.100.11
goes_on 198.51.100.12
check "$W: the allowance is still there" test "$(sqlite3 -readonly "$DB" "SELECT count(*) FROM allow WHERE note = 'a friend'")" = 1
check "$W: what was answered as allowed is" test "$R" != 0 -o "$(sqlite3 -readonly "$DB" "SELECT count(*) FROM allow WHERE hex(addr) LIKE '%C6120505'")" = 1
check "$W: watch did not have to start again" test "$(starts)" = 0
check "$W: status goes on to say that it happened" wait_for 3000 status_says "was removed while mxtrapd ran"
check "$W: its owner and mode are as before" test "$(stat -c '%u %g %a' "$DB")" = "$MXTRAP_UID $MXTRAP_UID 640"

begin "the log alone removed"
rm "$DB-wal"
check "$W: the log says it" wait_for 3000 warned removed
check "$W: who was listed still is, everywhere" wait_for 5000 everywhere 198.51.100.12
goes_on 198.51.100.13

begin "the whole folder emptied"
rm -f "$DIR"/state/mxtrap*
check "$W: the log says it" wait_for 3000 warned removed
goes_on 198.51.100.14

begin "moved away"
mv "$DB" "$DIR/state/elsewhere"
check "$W: the log says it" wait_for 3000 warned removed
check "$W: who was listed still is, everywhere" wait_for 5000 everywhere 198.51.100.13
goes_on 198.51.100.15

begin "a restart right after it is removed"
rm "$DB" "$DB-wal" "$DB-shm"
kill -HUP "$PID"
check "$W: who was listed still is, everywhere" wait_for 8000 everywhere 198.51.100.15
check "$W: who qualifies afterwards is listed everywhere" wait_for 6000 later 198.51.100.16

# --- replaced -------------------------------------------------------------------------------

cli backup "$DIR/backup.db" >/dev/null
one 198.51.100.20
check "another is listed after it" wait_for 5000 everywhere 198.51.100.20
begin "a backup moved over it"
chown "$MXTRAP_UID:$MXTRAP_UID" "$DIR/backup.db"
chmod 640 "$DIR/backup.db"
cp -p "$DIR/backup.db" "$DIR/second.db"
mv "$DIR/backup.db" "$DB"
check "$W: the log says it" wait_for 3000 warned replaced
check "$W: it is not well" not_well
check "$W: all have the list of the backup" wait_for 8000 eval 'nowhere 198.51.100.20 && everywhere 198.51.100.16'
goes_on 198.51.100.21

begin "root's file moved over it"
cp "$DIR/second.db" "$DIR/third.db"
chown 0:0 "$DIR/third.db"
chmod 600 "$DIR/third.db"
mv "$DIR/third.db" "$DB"
check "$W: the log says that it may not be opened" wait_for 3000 warned "may not be opened"
check "$W: the list goes on" wait_for 5000 everywhere 198.51.100.21
goes_on 198.51.100.22

begin "a file of no bytes moved over it"
: >"$DIR/nothing"
chown "$MXTRAP_UID:$MXTRAP_UID" "$DIR/nothing"
mv "$DIR/nothing" "$DB"
check "$W: the log says it" wait_for 3000 warned "has no bytes"
check "$W: the list goes on" wait_for 5000 everywhere 198.51.100.22
goes_on 198.51.100.23

# --- damaged --------------------------------------------------------------------------------

damaged() { # NAME COMMAND...: what a damaged database still gives is another test's matter
	begin "$1"
	shift
	"$@" 2>/dev/null
	check "$W: it is not well" not_well
	check "$W: the log says it" wait_for 4000 warned "damaged|CORRUPT|cut off|bytes"
	check "$W: watch starts again" wait_for 8000 said "watch is ready"
	wait_for 5000 healthy
	check "$W: all have one list" wait_for 6000 agree 198.51.100.23
	check "$W: status says that it happened" wait_for 3000 not_well
	goes_on "$N"
}
N=198.51.100.30 damaged "cut to nothing" truncate -s 0 "$DB"
N=198.51.100.31 damaged "its first pages overwritten" dd if=/dev/urandom of="$DB" bs=4096 count=20 conv=notrunc
N=198.51.100.32 damaged "cut in half" truncate -s 65536 "$DB"
middle() { dd if=/dev/urandom of="$DB" bs=4096 seek=8 count=30 conv=notrunc; }
N=198.51.100.33 damaged "its middle overwritten" middle
# As when a disk forgets: nobody wrote to it, by its time, and only who reads meets it.
rots() {
	touch -r "$DB" "$DIR/time"
	dd if=/dev/urandom of="$DB" bs=4096 seek=1 count=$(($(stat -c %s "$DB") / 4096 - 1)) conv=notrunc
	touch -r "$DIR/time" "$DB"
	for i in 1 2 3 4 5 6; do get "http://127.0.0.1:8725/api/v1/senders?limit=$i"; get "http://127.0.0.1:8725/export/plain?i=$i"; sleep 0.2; done >/dev/null
}
N=198.51.100.35 damaged "rotten" rots
N=198.51.100.34 damaged "its log overwritten" dd if=/dev/urandom of="$DB-wal" bs=4096 count=2 conv=notrunc
live_stop
[ $FAILED = 0 ] || tail -40 "$SAID"
exit $FAILED
