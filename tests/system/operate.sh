#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# operate.sh [BUILD] - what an operator does and sees, with the real daemon in a network namespace.
#
# A purge ends what rests on a bad decoy, at once and for good: also after a restart and
# in a replay.  What is not configured is not missed.  A database of a newer version is
# left alone, without hammering at it.  Decoys that do not behave as configured raise an
# alarm, which ends when they do.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
lab operate mx bots
users_make
NS=$P-mx BOTS=$P-bots
LOW=203.0.113.10 REAL=203.0.113.20 BOGUS=203.0.113.30
PID=

in_ns() { ip netns exec "$NS" "$@"; }
said() { grep -q -- "$1" "$DIR/log"; }
start() {
	: >"$DIR/log"
	"${AS_INSTALLED[@]}" ip netns exec "$NS" "$BUILD/mxtrapd" -c "$DIR/conf" >>"$DIR/log" 2>&1 &
	PID=$!
}
stop() {
	kill -TERM "$PID"
	wait_for 3000 gone "$PID"
	wait "$PID" 2>/dev/null
}
ready() { said "all processes are ready"; }
cli() { in_ns "$BUILD/mxtrap" -c "$DIR/conf" "$@"; }
listed() { cli list --format plain | wc -l; }
are_listed() { [ "$(listed)" = "$1" ]; }
serial() { cli list --format ndjson | sed -n 's/.*"serial":\([0-9]*\).*/\1/p'; }

config() { # state directory, exchangers beside the low and the real one, further lines
	cat <<-END
	interface = "eth0"
	probe = no
	state-dir = "$1"
	mx-set "example.org" {
	    domains = { "example.org" }
	    exchanger "mx0.example.org" { preference = 10 role = "nolisting" addresses = { "$LOW" } }
	    exchanger "mx1.example.org" { preference = 20 role = "real" addresses = { "$REAL" } }
	    $2
	}
	allow { special-purpose = no }
	judge { start-grace = "0s" list-on = "proven" false-listing = 0.01 }
	$3
	END
}
WITH_BOGUS="exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" answer = \"reset\" addresses = { \"$BOGUS\" } }"

ip netns add "$BOTS"
ip link add eth0 netns "$NS" type veth peer name eth0 netns "$BOTS"
for ns in "$NS" "$BOTS"; do
	ip -n "$ns" link set lo up
	ip -n "$ns" link set eth0 up
done
for a in $LOW $REAL $BOGUS; do in_ns ip addr add $a/24 dev eth0; done
in_ns ip route add 198.18.0.0/16 dev eth0
ip -n "$BOTS" route add 203.0.113.0/24 dev eth0
# One a /24: neighbours would be one pool.
for n in 1 2 3 4 5 6; do ip -n "$BOTS" addr add 198.18.$n.1/32 dev eth0; done

# -- nothing but what is configured --

config "$DIR/bare" "" "" >"$DIR/conf"
start
told() { cli status >"$DIR/status" 2>&1; grep -q "process watch" "$DIR/status"; }
check "without a decoy that answers and without web it starts" wait_for 20000 told
check "status does not miss a decoy that has nothing to do" test -z "$(grep -i "decoy.*not running" "$DIR/status")"
check "status does not miss a web that is not configured" test -z "$(grep -i "web.*not running" "$DIR/status")"
stop

# -- purge --

config "$DIR/state" "$WITH_BOGUS" 'web { listen = "127.0.0.1:8725" }' >"$DIR/conf"
in_ns tcpdump -i eth0 -U --immediate-mode -w "$DIR/beside.pcap" tcp port 25 2>"$DIR/tcpdump.log" &
TCPDUMP=$!
beside() { grep -q "listening on" "$DIR/tcpdump.log"; }
check "a capture is taken beside it" wait_for 10000 beside
start
check "mxtrapd is ready" wait_for 20000 ready
bot() { # number: to the backup, first and only
	ip netns exec "$BOTS" python3 -c "
import socket
s = socket.socket()
s.bind(('198.18.$1.1', 0))
s.settimeout(2)
try:
	s.connect(('$BOGUS', 25)); s.recv(1)
except OSError: pass"
}
for n in 1 2 3 4 5; do bot $n; done
check "five bots are listed" wait_for 5000 are_listed 5
was=$(serial)
cli purge --exchanger mx9.example.org --dry-run >"$DIR/dry" 2>&1
check "a dry run says what it would do" grep -q "would take back 5 pieces of evidence of 5 senders: 5 listings would end" "$DIR/dry"
check "and does nothing" are_listed 5
cli purge --exchanger mx77.example.org >"$DIR/no" 2>&1
check "an unknown exchanger is a no" test $? = 1
check "that says which there are" grep -q "mx0.example.org mx1.example.org mx9.example.org" "$DIR/no"
cli purge --exchanger mx9.example.org --note "it was misrouted" >"$DIR/did" 2>&1
check "a purge says what it did" grep -q "took back 5 pieces of evidence of 5 senders: 5 listings ended" "$DIR/did"
check "nobody is listed any more" are_listed 0
check "in one serial ($was, $(serial))" test "$(serial)" = $((was + 1))
told_in_story() { cli explain 198.18.1.1 >"$DIR/story"; grep -q "$1" "$DIR/story"; }
check "the story says that it was purged" told_in_story "purged by the operator"
# Evidence is stored within a second, behind the list.
check "and why the points are gone" wait_for 3000 told_in_story "Taken back because the operator purged it"
check "the daemon's log says who and what" said "PURGE \[exchanger mx9.example.org\] by root: took back 5"
bot 6
check "who comes afterwards counts" wait_for 5000 are_listed 1
code=$(in_ns curl -s -m 20 -o "$DIR/risk.json" -w '%{http_code}' http://127.0.0.1:8725/api/v1/risk)
check "mail at risk is told over HTTP ($code)" test "$code" = 200
check "the page asks for it" test -n "$(in_ns curl -s -m 20 http://127.0.0.1:8725/risk.js | grep /api/v1/risk)"
stop
kill -TERM $TCPDUMP
wait $TCPDUMP 2>/dev/null

start
check "it starts again" wait_for 20000 ready
check "and they stay off the list" are_listed 1
stop

states() { # configuration
	"$BUILD/mxtrap" -c "$1" list --all --format ndjson | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    if "cidr" in r:
        print(r["cidr"], r["state"], round(r["score"], 1), round(r["hint"], 1))' | sort
}
replay() { # name, further arguments
	local name=$1
	shift
	mkdir -p "$DIR/$name"
	sed "s|^state-dir.*|state-dir = \"$DIR/$name\"|" "$DIR/conf" >"$DIR/$name.conf"
	"$BUILD/mxtrapd" -c "$DIR/$name.conf" -r "$DIR/beside.pcap" "$@" >"$DIR/$name.out" 2>&1
}
check "a replay of the capture alone succeeds" replay wire
check "and lists all six: it knows of no purge" test "$(states "$DIR/wire.conf" | grep -c ' listed ')" = 6
check "a replay with the stored events succeeds" replay inputs --inputs "$DIR/state"
states "$DIR/conf" >"$DIR/live.states"
states "$DIR/inputs.conf" >"$DIR/inputs.states"
check "and takes back the same" diff -u "$DIR/live.states" "$DIR/inputs.states"

# -- decoys that do not behave as configured --

start
check "it starts once more" wait_for 20000 ready
visit() { # number, address
	ip netns exec "$BOTS" python3 -c "
import socket
s = socket.socket()
s.bind(('198.18.$1.1', 0))
s.settimeout(2.5)
try:
	s.connect(('$2', 25)); s.recv(1)
except OSError: pass"
}
serve() { # address: takes connections at its port 25; the process into SERVER
	: >"$DIR/served"
	ip netns exec "$NS" python3 -c "
import socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('$1', 25)); s.listen()
print('serving', flush=True)
while True: s.accept()[0].close()" >"$DIR/served" 2>&1 &
	SERVER=$!
	served() { grep -q serving "$DIR/served"; }
	wait_for 5000 served
}
unserve() {
	kill "$SERVER"
	wait "$SERVER" 2>/dev/null
}
status_says() { cli status >"$DIR/status" 2>&1; grep -q "$1" "$DIR/status"; }
status_has_no() { ! status_says "$1"; }
alarms() { test "$(in_ns curl -s -m 20 http://127.0.0.1:8725/metrics | sed -n 's/^mxtrap_decoy_alarms //p')" = "$1"; }

check "no alarm at first" status_has_no "and should"
check "something else takes connections at the low decoy" serve $LOW
visit 1 $LOW
check "status says so, and what it costs" wait_for 3000 status_says "^! .*takes connections and should refuse: mail may be lost there"
check "the metrics count it" wait_for 3000 alarms 1
check "nobody is listed for that" are_listed 1 || { cli list --all; cli explain 198.18.6.1 | tail -20; cat "$DIR/log"; }
unserve
visit 2 $LOW
check "it refuses again, and the alarm is over" wait_for 3000 status_has_no "takes connections and should refuse"
check "also in the metrics" wait_for 3000 alarms 0
check "what was is told among the notes" status_says "a decoy that should refuse takes connections"
in_ns ip route add blackhole 198.18.3.0/24
visit 3 $LOW
check "a low decoy that is silent: status says what it costs" wait_for 3000 status_says "^! .*is silent and should refuse: honest senders wait there for minutes"
visit 3 $BOGUS
check "a backup decoy that does not answer: status says what it costs" wait_for 3000 status_says "^! .*does not answer and should: nothing can be proven there"
check "two alarms are open" wait_for 3000 alarms 2
check "the page is told" test -n "$(in_ns curl -s -m 20 http://127.0.0.1:8725/api/v1/status | grep '"alarm 2":"203.0.113.30 does not answer')"
in_ns ip route del blackhole 198.18.3.0/24
visit 4 $LOW
visit 4 $BOGUS
check "both behave again, and no alarm is open" wait_for 3000 alarms 0

# -- what publishing would block --

check "the real MX takes connections" serve $REAL
visit 6 $REAL
report_first() { cli report >"$DIR/report" 2>&1; grep -A4 "LOOK AT THESE FIRST" "$DIR/report" | grep -q 198.18.6.1; }
check "who is listed and completed a session at the real MX comes first in the report" wait_for 5000 report_first
check "with what to do about it" grep -q "mxtrap explain ADDR, for those at the top" "$DIR/report"
unserve
stop

# -- a database of a newer version --

python3 -c "
import sqlite3
d = sqlite3.connect('$DIR/state/mxtrap.db')
d.execute('PRAGMA user_version = 999'); d.commit()
d.execute('PRAGMA wal_checkpoint(TRUNCATE)'); d.close()"
start
check "with a newer database it ends" wait_for 10000 gone "$PID"
wait "$PID"
check "with the status of what cannot be had" test $? = 3
check "and says why, once" test "$(grep -c "is of a newer mxtrap" "$DIR/log")" = 1
cli status >"$DIR/newer" 2>&1
check "status exits with 3" test $? = 3
check "and says why" grep -q "newer mxtrap" "$DIR/newer"

[ $FAILED = 0 ] || { echo "--- log"; tail -40 "$DIR/log"; }
exit $FAILED
