#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# events.sh [BUILD] - the live side of the dashboard, with the real daemon in a network namespace.
#
# What is listed by hand is on the list, in the stream of events, in the story and the audit, and in a replay.
# A stream goes on while watch is killed and comes back; one that web's death cut off is taken up
# again without a gap.  The same over TLS and a unix socket; a bad certificate is a start error that
# names its place.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
lab events mx bots
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
get() { in_ns curl -fsS -m 20 "http://127.0.0.1:8725$1"; }
post() { in_ns curl -sS -m 20 -X POST -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d "$2" "http://127.0.0.1:8725$1"; }
on_list() { cli list --format plain | grep -qxF "$1/32"; }
not_on_list() { ! on_list "$1"; }
pid_of() { cli status 2>/dev/null | sed -n "s/.*process $1 .*pid \([0-9]*\).*/\1/p"; }
streamed() { grep -q -- "$1" "$DIR/events"; }
last_id() { sed -n 's/^id: //p' "$DIR/events" | tail -1; }
listen() { # file, query: in the background; STREAM is its pid
	in_ns curl -sSN "http://127.0.0.1:8725/api/v1/events?only=changes$2" >"$1" 2>/dev/null &
	STREAM=$!
}
begun() { grep -q "^id: " "$1"; }

ip netns add "$BOTS"
ip link add eth0 netns "$NS" type veth peer name eth0 netns "$BOTS"
for ns in "$NS" "$BOTS"; do
	ip -n "$ns" link set lo up
	ip -n "$ns" link set eth0 up
done
for a in $LOW $REAL $BOGUS; do in_ns ip addr add $a/24 dev eth0; done
in_ns ip route add 198.18.0.0/16 dev eth0
ip -n "$BOTS" route add 203.0.113.0/24 dev eth0
ip -n "$BOTS" addr add 198.18.1.1/32 dev eth0
config() { # web's lines
	cat <<-END
	interface = "eth0"
	probe = no
	state-dir = "$DIR/state"
	publish = yes
	publish-after = "0s"
	mx-set "example.org" {
	    domains = { "example.org" }
	    exchanger "mx0.example.org" { preference = 10 role = "nolisting" addresses = { "$LOW" } }
	    exchanger "mx1.example.org" { preference = 20 role = "real" addresses = { "$REAL" } }
	    exchanger "mx9.example.org" { preference = 90 role = "bogus" answer = "reset" addresses = { "$BOGUS" } }
	}
	allow { special-purpose = no addresses = { "198.18.9.0/24" } }
	judge { start-grace = "0s" list-on = "proven" false-listing = 0.01 }
	web { $1 }
	END
}

# -- by hand, and what comes of it --

config 'listen = "127.0.0.1:8725"' >"$DIR/conf"
in_ns tcpdump -i eth0 -U --immediate-mode -w "$DIR/beside.pcap" tcp port 25 2>"$DIR/tcpdump.log" &
TCPDUMP=$!
beside() { grep -q "listening on" "$DIR/tcpdump.log"; }
check "a capture is taken beside it" wait_for 10000 beside
start
check "mxtrapd is ready" wait_for 20000 ready
TOKEN=$(sed -n 's/.*shown only this once: \(mxt_[0-9a-f]*\).*/\1/p' "$DIR/log")
check "the log told a token" test -n "$TOKEN"
listen "$DIR/events" ""
check "a stream begins with the name of the list's state" wait_for 5000 begun "$DIR/events"
post /api/v1/list '{"cidr":"198.18.5.5","for":"2h","note":"a <b>flood</b>"}' >"$DIR/answer"
check "an address is listed by hand" grep -q '"done":"listed"' "$DIR/answer"
check "with what undoes it" grep -qF '"undo":{"path":"/api/v1/list","body":{"cidr":"198.18.5.5/32","remove":true,"undoes":"' "$DIR/answer"
check "it is on the list" wait_for 2000 on_list 198.18.5.5
check "in the stream" wait_for 2000 streamed '"cidr":"198.18.5.5/32","old_state":"unknown","state":"listed","cause":"admin"'
exported() { get /export/ndjson | grep -F '"cidr":"198.18.5.5/32"' | grep -qF '"by_hand"'; }
check "in the exports, with its reason" wait_for 3000 exported
check "also where a grade is asked for" sh -c "ip netns exec $NS curl -fsS 'http://127.0.0.1:8725/export/plain?grade=accepted' | grep -q 198.18.5.5"
cli explain 198.18.5.5 >"$DIR/story" 2>&1
check "the story says who listed it, and why" grep -q 'listed by hand by api:admin: a <b>flood</b>, until' "$DIR/story"
check "so does the API's" sh -c "ip netns exec $NS curl -fsS http://127.0.0.1:8725/api/v1/senders/198.18.5.5 | grep -qF '\"listed_by_hand\":[{\"cidr\":\"198.18.5.5/32\"'"
get /api/v1/audit >"$DIR/audit"
check "it is in the audit" grep -q '"who":"api:admin","what":"list","cidr":"198.18.5.5/32"' "$DIR/audit"
check "where nothing is markup" sh -c "! grep -q '<' $DIR/audit"
post /api/v1/list '{"cidr":"198.18.9.1"}' >"$DIR/answer"
check "what is allowed is not listed by hand" grep -q '"status":409.*allow section of the configuration' "$DIR/answer"
cli block 198.18.6.6 --for 3h --note "by the command" >"$DIR/did" 2>&1
check "the command lists, too" grep -q "198.18.6.6/32: listed by hand" "$DIR/did"
check "that is on the list" wait_for 2000 on_list 198.18.6.6
cli block 203.0.113.20 >"$DIR/did" 2>&1
check "the real MX cannot be listed" test $? = 1
cli block 198.18.0.0/24 >"$DIR/did" 2>&1
check "nor a network" test $? = 1
cli block 198.18.6.6 --remove >"$DIR/did" 2>&1
check "it is taken away" wait_for 2000 not_on_list 198.18.6.6
ip netns exec "$BOTS" python3 -c "
import socket
s = socket.socket()
s.bind(('198.18.1.1', 0))
s.settimeout(2)
try:
	s.connect(('$BOGUS', 25)); s.recv(1)
except OSError: pass"
check "a bot lists itself" wait_for 5000 on_list 198.18.1.1

# -- a stream, and the deaths of others --

known() { was=$(pid_of "$1"); [ -n "$was" ] && [ "$was" != 0 ]; }
check "watch is known to run" wait_for 5000 known watch
kill -9 "$was"
back() { new=$(pid_of "$1"); [ -n "$new" ] && [ "$new" != "$2" ] && [ "$new" != 0 ]; }
check "watch is killed and comes back" wait_for 10000 back watch "$was"
lists() { cli block "$1" --for 1h >/dev/null 2>&1; }
check "it lists again" wait_for 10000 lists 198.18.7.1
check "the stream goes on" wait_for 5000 streamed '"cidr":"198.18.7.1/32"'
check "it is the same stream" kill -0 "$STREAM"
id=$(last_id)
check "web is known to run" wait_for 5000 known web
kill -9 "$was"
check "web's death ends the stream" wait_for 5000 gone "$STREAM"
check "meanwhile somebody is listed" lists 198.18.7.2
check "web comes back" wait_for 10000 back web "$was"
answers() { get /healthz >/dev/null 2>&1; }
check "and answers" wait_for 10000 answers
check "and somebody else is listed" lists 198.18.7.3
listen "$DIR/events" "&since=$id"
check "the stream is taken up again: what was missed" wait_for 5000 streamed '"cidr":"198.18.7.2/32"'
check "and what came since" wait_for 5000 streamed '"cidr":"198.18.7.3/32"'
check "without a reset" sh -c "! grep -q '^event: reset' $DIR/events"
check "and what was known is not told again" sh -c "! grep -q '198.18.7.1/32' $DIR/events"
kill "$STREAM"
id=$(last_id)
stop
start
check "after a restart of all it is ready" wait_for 20000 ready
check "what was listed by hand still is" on_list 198.18.5.5
listen "$DIR/events" "&since=$id"
check "a stream is taken up across the restart" wait_for 5000 begun "$DIR/events"
post /api/v1/list '{"cidr":"198.18.5.5","remove":true}' >"$DIR/answer"
check "what was listed by hand is taken away after it" wait_for 3000 streamed '"cidr":"198.18.5.5/32","old_state":"listed"'
check "without a reset, too" sh -c "! grep -q '^event: reset' $DIR/events"
kill "$STREAM"
cli list --format plain | sort >"$DIR/live"
stop
kill "$TCPDUMP"
wait "$TCPDUMP" 2>/dev/null
sed "s|$DIR/state|$DIR/again|" "$DIR/conf" >"$DIR/conf2"
"$BUILD/mxtrapd" -c "$DIR/conf2" -r "$DIR/beside.pcap" --inputs "$DIR/state" >"$DIR/replay" 2>&1
"$BUILD/mxtrap" -c "$DIR/conf2" list --format plain | sort >"$DIR/replayed"
check "a replay lists the same: $(tr '\n' ' ' <"$DIR/live")" cmp -s "$DIR/live" "$DIR/replayed" || { diff "$DIR/live" "$DIR/replayed"; tail -12 "$DIR/replay"; }

# -- TLS, and a unix socket --

(cd "$DIR" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 >/dev/null 2>&1 &&
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.pem -out other-cert.pem -days 2 -subj /CN=other >/dev/null 2>&1)
chmod 600 "$DIR/key.pem"
tls() { config "listen = { \"127.0.0.1:8726\", \"unix:$DIR/web.sock\" } certificate = \"$1\" key = \"$2\""; }
tls "$DIR/cert.pem" "$DIR/other.pem" >"$DIR/conf"
in_ns "$BUILD/mxtrapd" -c "$DIR/conf" >"$DIR/log" 2>&1
check "a key of another certificate is a start error" test $? = 1
check "which names its place" grep -q "conf:14: found $DIR/cert.pem and $DIR/other.pem" "$DIR/log"
tls "$DIR/none.pem" "$DIR/key.pem" >"$DIR/conf"
in_ns "$BUILD/mxtrapd" -c "$DIR/conf" >"$DIR/log" 2>&1
check "so is a file that is not there" grep -q "conf:14: found $DIR/none.pem: No such file" "$DIR/log"
tls "$DIR/cert.pem" "$DIR/key.pem" >"$DIR/conf"
start
check "with a certificate it is ready" wait_for 20000 ready
https() { in_ns curl -sS -m 20 --cacert "$DIR/cert.pem" "$@"; }
served() { https https://localhost:8726/api/v1/status >"$DIR/answer" 2>&1 && grep -q '"generation"' "$DIR/answer"; }
check "it answers over TLS" wait_for 5000 served
check "and not without" sh -c "! ip netns exec $NS curl -fsS -m 20 http://localhost:8726/healthz >/dev/null 2>&1"
https -X POST -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -H "Origin: https://localhost:8726" \
    -d '{"cidr":"198.18.8.8"}' https://localhost:8726/api/v1/list >"$DIR/answer"
check "a page of its own may change something" grep -q '"done":"listed"' "$DIR/answer"
https -X POST -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -H "Origin: https://evil.example" \
    -d '{"cidr":"198.18.8.8","remove":true}' https://localhost:8726/api/v1/list >"$DIR/answer"
check "another's may not" grep -q '"status":403' "$DIR/answer"
https -N "https://localhost:8726/api/v1/events?only=changes" >"$DIR/events" 2>/dev/null &
STREAM=$!
check "events come over TLS" wait_for 3000 begun "$DIR/events"
check "as they happen" lists 198.18.8.9
check "that is" wait_for 3000 streamed '"cidr":"198.18.8.9/32"'
kill "$STREAM" 2>/dev/null
check "web is known to run, too" wait_for 5000 known web
check "web is killed" kill -9 "$was"
check "web comes back with its certificate" wait_for 10000 back web "$was"
check "and answers over TLS again" wait_for 10000 served
socket() { in_ns curl -sS -m 20 --unix-socket "$DIR/web.sock" "$@"; }
socket http://localhost/api/v1/status >"$DIR/answer"
check "the unix socket answers plainly" grep -q '"generation"' "$DIR/answer"
socket http://evil.example/api/v1/status >"$DIR/answer"
check "but not to a foreign name" grep -q '"status":421' "$DIR/answer"
check "its mode keeps others out" test "$(stat -c %a "$DIR/web.sock")" = 660
stop
exit $FAILED
