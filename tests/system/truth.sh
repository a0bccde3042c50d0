#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# truth.sh [BUILD] - status, page and log never say "well" when it is not.
#
# Each state below is made with the real daemon, in a network namespace of its own, all of them at once.  In each the
# command's status, /healthz, the overview's first sentence and each page of the dashboard in Chromium (tests/browser,
# tour.mjs; where that is not installed the pages are left out) must not say that all is well, and must say what is
# wrong; where -n or the log can know, they must as well.  The first world is well, and says so: else the others would
# prove nothing.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
HERE=$(realpath "$(dirname "$0")/../..")
WORLDS="well off wrong nobogus realdown taken held closed stopped hung full removed damaged empty"
# shellcheck disable=SC2086 # several words
lab truth $WORLDS outside
USERS=three
users_make
lab_end() { umount "$DIR/full/state" 2>/dev/null; }
LOW=203.0.113.10 REAL=203.0.113.20 BOGUS=203.0.113.30

# --- one world: its namespace, its folder, its daemon ----------------------------------------

PAGES=
[ ! -x /usr/bin/chromium ] || [ ! -e "$HERE/tests/browser/node_modules/.ready" ] || PAGES=yes

ns() { ip netns exec "$P-$W" "$@"; }
mxtrap() { ns "$BUILD/mxtrap" -c "$D/conf" "$@"; }
said() { grep -qsE -- "$1" "$D/log"; }
config() { # publish, interface, exchangers above the real one, more of judge
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
	judge { start-grace = "0s" ${4-} }
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
dry() { ns "$BUILD/mxtrapd" -c "$D/conf" -n 2>&1; }
dry_not_well() { # [words]: -n, where the configuration alone shows what is wrong
	check "$W: -n does not say that all is well" not grep -qiE "all is well|all quiet" <(dry)
	[ $# = 0 ] || check "$W: -n says what is wrong" grep -qE -- "$1" <(dry)
}
log_says() { check "$W: the log says what is wrong" wait_for "${2:-20000}" said "$1"; }
# Each page, one world at a time.  What is only to be known stands on the overview alone: then WORDS is "".
tour() { # WORDS [good]
	[ -n "$PAGES" ] || { ok "$W: (no browser here: the pages are left out)"; return; }
	flock "$DIR" ip netns exec "$P-$W" node "$HERE/tests/browser/tour.mjs" "$W" "$@" || FAILED=1
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
	check "well: -n warns of nothing" not grep -q "nobody can be listed" <(dry)
	tour "All quiet" good
}
world_off() {
	begin off no
	not_well "nothing is published"
	page_not_well "nothing is published" 200
	dry_not_well
	log_says "publish = no: nothing is published"
	tour ""
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
	dry_not_well
	tour "eth1 shows no packet"
	log_says "\[eth1\] no packet of an exchanger's address" 90000
}
world_nobogus() {
	begin nobogus yes lo ""
	not_well "nobody can be listed, because there is no exchanger of role"
	page_not_well "nobody can be listed, because there is no exchanger of role" 200
	log_says "nobody can be listed, because there is no exchanger of role"
	dry_not_well "warning: .*nobody can be listed, because there is no"
	check "$W: and exits 0" ns "$BUILD/mxtrapd" -c "$D/conf" -n 2>/dev/null
	tour "nobody can be listed"
}
world_realdown() {
	world realdown
	config yes lo "$WITH_BOGUS"
	daemon
	check "$W: it runs" wait_for 30000 said "all processes are ready"
	not_well "The real MX mx1.example.org has not answered"
	page_not_well "The real MX mx1.example.org has not answered" 200
	log_says "real MX .* does not answer"
	dry_not_well
	tour "mx1.example.org has not answered"
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
	log_says "$BOGUS:25 is held by"
	dry_not_well
	tour "is held by"
}
# A wave of bots from another host, a connection each: more than the gate lets out without a person.  Each hears its
# reset before the next one comes: a queue of connections that overflows is a doubt.
WAVE=1200
world_held() {
	world held
	ip -n "$P-$W" link add eth1 type veth peer name eth1 netns "$P-outside"
	ip -n "$P-$W" addr add 192.0.2.1/24 dev eth1
	ip -n "$P-outside" addr add 192.0.2.2/24 dev eth1
	ip -n "$P-outside" link set lo up
	ip -n "$P-$W" link set eth1 up
	ip -n "$P-outside" link set eth1 up
	ip -n "$P-$W" route add 198.18.0.0/16 via 192.0.2.2
	ip -n "$P-outside" route add 203.0.113.0/24 via 192.0.2.1
	ip -n "$P-outside" route add local 198.18.0.0/16 dev lo
	config yes any "${WITH_BOGUS/dialogue/reset}" 'false-listing = 0.01 list-on = "proven"'
	real_start
	daemon
	check "$W: it runs" wait_for 30000 said "all processes are ready"
	check "$W: nothing is held before the list grew" wait_for 60000 status_says "^(All is well|The list is published)"
	ip netns exec "$P-outside" python3 -c '
import socket, sys
for i in range(int(sys.argv[2])):
    with socket.socket() as s:
        s.settimeout(30)
        s.bind(("198.18.%d.%d" % (i % 250, 1 + i // 250), 0))
        try:
            s.connect((sys.argv[1], 25))
            s.recv(1)
        except OSError:
            pass' $BOGUS $WAVE
	not_well "are held back"
	page_not_well "are held back" 200
	log_says "the list grew from [0-9]+ to [0-9]+ within"
	dry_not_well
	check "$W: the API has the number" grep -qE '"held_since":[0-9]+,"held":[1-9]' <(get /api/v1/overview)
	check "$W: the export has nobody of them" not grep -q "^198\.18\." <(get /export/plain)
	check "$W: the consumer is not said to have all" not grep -q '"holds":"newest"' <(get /api/v1/consumers)
	tour "are held back"
	mxtrap publish --accept >/dev/null
	check "$W: after it was accepted nobody says any more that they are held" wait_for 20000 not status_says "(are|they are) held"
	check "$W: a consumer that came while they were held is not said to have them" not grep -q '"holds":"newest"' <(get /api/v1/consumers)
	check "$W: they leave" wait_for 20000 leaves
	check "$W: and the consumer that came again has them" wait_for 20000 eval "get /api/v1/consumers | grep -q '\"holds\":\"newest\"'"
}
leaves() { get /export/plain | grep -q "^198\.18\."; }
world_closed() {
	begin closed
	check "$W: web is at work" wait_for 20000 known web
	web=$(pid_of web)
	chmod 700 "$D/state"
	kill -9 "$web"
	page_not_well "may not be read" 503
	log_says "may not be read"
	not_well "web .*may not read"
	tour "may not be read"
}
world_stopped() {
	begin stopped
	kill -TERM "$PID"
	wait_for 20000 gone "$PID"
	check "$W: status does not say that all is well, from the first moment" not status_says "All is well"
	not_well "nothing is watched"
	log_says "(stopping|stopped|ends|SIGTERM|signal)"
	check "$W: /healthz answers nobody" not get /healthz
	dry_not_well
}
world_hung() {
	begin hung
	check "$W: watch is at work" wait_for 20000 known watch
	watch=$(pid_of watch)
	kill -STOP "$PID" "$watch"
	not_well "mxtrapd has been silent"
	page_not_well "mxtrapd has been silent" 503
	log_says "mxtrapd has been silent"
	dry_not_well
	tour "mxtrapd has been silent"
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
	log_says "disk is full"
	dry_not_well
	tour "is full"
	rm -f "$D/state/filler" "$D/state/filler2"
}
# Whether mxtrapd itself begins a new database or not: that one was lost is not well.
LOST="no database|was removed|damaged|set aside|new one|Nothing was seen"
lost() { # words of the log
	not_well "$LOST"
	check "$W: the overview's first sentence does not say that all is well" wait_for 20000 not first_says "All quiet"
	log_says "warning: .*($1)"
	check "$W: /healthz does not say ok" not grep -q '"status":"ok"' <(get /healthz)
	dry_not_well
	tour ""
}
world_removed() {
	begin removed
	rm -f "$D/state/mxtrap.db" "$D/state/mxtrap.db-wal" "$D/state/mxtrap.db-shm"
	check "$W: status does not say that all is well, from the first moment" not status_says "All is well"
	lost "removed|gone|replaced"
}
world_damaged() {
	begin damaged
	dd if=/dev/urandom of="$D/state/mxtrap.db" bs=4096 count=20 conv=notrunc 2>/dev/null
	dd if=/dev/urandom of="$D/state/mxtrap.db-wal" bs=4096 count=2 conv=notrunc 2>/dev/null
	lost "damaged|corrupt|malformed|not a database"
}
world_empty() {
	begin empty
	: >"$D/state/mxtrap.db"
	lost "damaged|bytes|set aside"
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
