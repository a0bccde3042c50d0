#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# truth.sh [BUILD] - status, page and log never say "well" when it is not.
#
# Each state below is made with the real daemon, in a network namespace of its own, all of them at once.  In each the
# command's status, /healthz and the overview's first sentence must not say that all is well, and must say what is
# wrong; where the configuration or the log can know, they must as well.  The first world is well, and says so: else
# the others would prove nothing.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
WORLDS="well off wrong nobogus realdown taken closed stopped hung full removed damaged empty"
# shellcheck disable=SC2086 # several words
lab truth $WORLDS
USERS=three
users_make
lab_end() { umount "$DIR/full/state" 2>/dev/null; }
LOW=203.0.113.10 REAL=203.0.113.20 BOGUS=203.0.113.30

# --- one world: its namespace, its folder, its daemon ----------------------------------------

ns() { ip netns exec "$P-$W" "$@"; }
mxtrap() { ns "$BUILD/mxtrap" -c "$D/conf" "$@"; }
said() { grep -qE -- "$1" "$D/log"; }
config() { # publish, interface, exchangers above the real one
	cat >"$D/conf" <<-END
	interface = "$2"
	state-dir = "$D/state"
	publish = $1
	publish-after = "0s"
	probe-interval = "6s"
	mx-set "example.org" {
	    domains = { "example.org" }
	    exchanger "mx0.example.org" { preference = 10 role = "nolisting" addresses = { "$LOW" } }
	    exchanger "mx1.example.org" { preference = 20 role = "real" addresses = { "$REAL" } }
	    $3
	}
	allow { special-purpose = no }
	judge { start-grace = "0s" }
	web { listen = "127.0.0.1:8725" }
	END
}
WITH_BOGUS="exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" answer = \"dialogue\" addresses = { \"$BOGUS\" } }"
real_start() { # a real MX that takes connections
	ns python3 -c '
import socketserver, sys
class Mail(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 mx1\r\n")
        for line in self.rfile:
            self.wfile.write(b"221 bye\r\n" if line[:4].upper() == b"QUIT" else b"250 ok\r\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer((sys.argv[1], 25), Mail).serve_forever()' $REAL &
}
daemon() {
	"${AS_INSTALLED[@]}" ip netns exec "$P-$W" "$BUILD/mxtrapd" -c "$D/conf" >>"$D/log" 2>&1 &
	PID=$!
}
world() { # NAME: the addresses and a folder
	W=$1 D=$DIR/$1
	mkdir -p "$D"
	ip -n "$P-$W" link set lo up
	for a in $LOW $REAL $BOGUS; do ip -n "$P-$W" addr add $a/32 dev lo; done
}
# What a host says to itself passes lo: there the probe of the real MX shows that frames come.
begin() { # NAME [publish [interface [exchangers]]]
	world "$1"
	config "${2:-yes}" "${3:-lo}" "${4-$WITH_BOGUS}"
	real_start
	daemon
	check "$W: it runs" wait_for 30000 said "all processes are ready"
	wait_for 20000 get /healthz >/dev/null
}
known() { [ -n "$(pid_of "$1")" ]; }
pid_of() { mxtrap status 2>/dev/null | sed -n "s/.*process $1 .*pid \([0-9]*\).*/\1/p"; }
get() { ns curl -s -m 5 "http://127.0.0.1:8725$1"; }
code() { ns curl -s -m 5 -o /dev/null -w '%{http_code}' "http://127.0.0.1:8725$1"; }
status_says() { mxtrap status 2>&1 | grep -qE -- "$1"; }
first_says() { get /api/v1/overview | grep -qE "\"(says|detail)\":(\{\"level\":\"[a-z]*\",\"text\":)?\"[^\"]*($1)"; }
health_is() { [ "$(code /healthz)" = "$1" ]; }
not_well() { # after it was made: nobody says well, and each says what is wrong ($1: words)
	check "$W: status says what is wrong" wait_for 60000 status_says "^([!-]|mxtrap:) .*($1)"
	check "$W: status does not say that all is well" not status_says "All is well"
}
page_not_well() { # words, code of /healthz
	check "$W: the overview's first sentence says what is wrong" wait_for 60000 first_says "$1"
	check "$W: /healthz answers $2" wait_for 60000 health_is "$2"
	check "$W: and does not say ok" not grep -q '"status":"ok"' <(get /healthz)
}

# --- the states ------------------------------------------------------------------------------

world_well() {
	begin well
	check "well: status says so" wait_for 60000 status_says "^All is well"
	check "well: and exits 0" mxtrap status >/dev/null
	check "well: the overview says so" wait_for 20000 first_says "All quiet"
	check "well: /healthz says so" grep -q '"status":"ok"' <(get /healthz)
	check "well: -n warns of nothing" not grep -q "nobody can be listed" <(ns "$BUILD/mxtrapd" -c "$D/conf" -n 2>&1)
}
world_off() {
	begin off no
	not_well "nothing is published"
	page_not_well "nothing is published" 200
}
world_wrong() {
	world wrong
	ip -n "$P-$W" link add eth1 type veth peer name eth2
	ip -n "$P-$W" link set eth1 up
	config yes eth1 "$WITH_BOGUS"
	real_start
	daemon
	check "$W: it runs" wait_for 30000 said "all processes are ready"
	not_well "has been seen on eth1"
	ns python3 -c 'import socket, sys; s = socket.create_connection((sys.argv[1], 25)); s.recv(100)' $BOGUS
	not_well "Nobody can be listed, because eth1 shows no packet"
	page_not_well "Nobody can be listed, because eth1 shows no packet" 200
}
world_nobogus() {
	begin nobogus yes lo ""
	not_well "nobody can be listed, because there is no exchanger of role"
	page_not_well "nobody can be listed, because there is no exchanger of role" 200
	check "$W: the log says so" said "nobody can be listed, because there is no exchanger of role"
	check "$W: -n says so" grep -q "warning: .*nobody can be listed, because there is no" <(ns "$BUILD/mxtrapd" -c "$D/conf" -n 2>&1)
	check "$W: and exits 0" ns "$BUILD/mxtrapd" -c "$D/conf" -n 2>/dev/null
}
world_realdown() {
	world realdown
	config yes lo "$WITH_BOGUS"
	daemon
	check "$W: it runs" wait_for 30000 said "all processes are ready"
	not_well "The real MX mx1.example.org has not answered"
	page_not_well "The real MX mx1.example.org has not answered" 200
	check "$W: the log says so" said "real MX .* does not answer"
}
world_taken() {
	world taken
	config yes lo "$WITH_BOGUS"
	real_start
	ns python3 -c 'import socket, sys, time; s = socket.create_server((sys.argv[1], 25)); time.sleep(3600)' $BOGUS &
	wait_for 10000 eval "ns ss -Hltn 'sport = 25' | grep -q $BOGUS"
	daemon
	not_well "$BOGUS:25 is held by"
	page_not_well "$BOGUS:25 is held by" 200
	check "$W: the log says so" said "$BOGUS:25 is held by"
}
world_closed() {
	begin closed
	check "$W: web is at work" wait_for 20000 known web
	web=$(pid_of web)
	chmod 700 "$D/state"
	kill -9 "$web"
	page_not_well "may not be read" 503
	check "$W: the log says so" wait_for 20000 said "may not be read"
}
world_stopped() {
	begin stopped
	kill -TERM "$PID"
	wait_for 20000 gone "$PID"
	check "$W: status does not say that all is well, from the first moment" not status_says "All is well"
	not_well "nothing is watched"
}
world_hung() {
	begin hung
	check "$W: watch is at work" wait_for 20000 known watch
	watch=$(pid_of watch)
	kill -STOP "$PID" "$watch"
	not_well "mxtrapd has been silent"
	page_not_well "mxtrapd has been silent" 503
	kill -CONT "$PID" "$watch"
}
world_full() {
	world full
	mkdir -p "$D/state"
	mount -t tmpfs -o size=12m,mode=750 truth "$D/state" || { echo "ok   full: (no tmpfs here)"; return; }
	config yes lo "$WITH_BOGUS"
	real_start
	daemon
	check "$W: it runs" wait_for 30000 said "all processes are ready"
	wait_for 20000 get /healthz >/dev/null
	dd if=/dev/zero of="$D/state/filler" bs=64k >/dev/null 2>&1
	dd if=/dev/zero of="$D/state/filler2" bs=1k >/dev/null 2>&1
	not_well "is full"
	page_not_well "is full" 200
	check "$W: status does not say that nothing is watched" not status_says "nothing is watched"
	rm -f "$D/state/filler" "$D/state/filler2"
}
# Whether mxtrapd itself begins a new database or not: that one was lost is not well.
LOST="no database|was removed|damaged|set aside|new one|Nothing was seen"
world_removed() {
	begin removed
	rm -f "$D/state/mxtrap.db" "$D/state/mxtrap.db-wal" "$D/state/mxtrap.db-shm"
	check "$W: status does not say that all is well, from the first moment" not status_says "All is well"
	not_well "$LOST"
	check "$W: the overview's first sentence does not say that all is well" wait_for 20000 not first_says "All quiet"
	check "$W: the log says so" wait_for 20000 said "warning: .*(removed|gone|replaced)"
}
world_damaged() {
	begin damaged
	dd if=/dev/urandom of="$D/state/mxtrap.db" bs=4096 count=20 conv=notrunc 2>/dev/null
	dd if=/dev/urandom of="$D/state/mxtrap.db-wal" bs=4096 count=2 conv=notrunc 2>/dev/null
	not_well "$LOST"
	check "$W: the overview's first sentence does not say that all is well" wait_for 20000 not first_says "All quiet"
	check "$W: the log says so" wait_for 20000 said "warning: .*(damaged|corrupt|malformed|not a database)"
}
world_empty() {
	begin empty
	: >"$D/state/mxtrap.db"
	not_well "$LOST"
	check "$W: the overview's first sentence does not say that all is well" wait_for 20000 not first_says "All quiet"
	check "$W: the log says so" wait_for 20000 said "warning: .*(damaged|bytes|set aside)"
}

for w in $WORLDS; do
	( trap - EXIT INT TERM; FAILED=0; "world_$w" ) >"$DIR/$w.out" 2>&1 &
done
for job in $(jobs -p); do wait "$job"; done
for w in $WORLDS; do
	cat "$DIR/$w.out"
	grep -q '^ok ' "$DIR/$w.out" || bad "$w: made no check"
	! grep -q '^FAIL ' "$DIR/$w.out" || { FAILED=1; tail -15 "$DIR/$w/log" | sed 's/^/    | /'; }
done
exit $FAILED
