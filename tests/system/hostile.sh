#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hostile.sh [BUILD] - 2,000 hostile strings through the real decoy, and what comes out at every end.
#
# Said as HELO, recipient and garbage to a decoy that talks, shown as User-Agent and as notes: each answer of the API
# is JSON without markup, and each export and what the command prints is printable text.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
cd "$(dirname "$0")/../.." || exit 1
lab hostile mx bots
users_make
NS=$P-mx BOTS=$P-bots
LOW=203.0.113.10 REAL=203.0.113.20 BOGUS=203.0.113.30

in_ns() { ip netns exec "$NS" "$@"; }
cli() { in_ns "$BUILD/mxtrap" -c "$DIR/conf" "$@"; }

ip netns add "$BOTS"
ip link add eth0 netns "$NS" type veth peer name eth0 netns "$BOTS"
for ns in "$NS" "$BOTS"; do
	ip -n "$ns" link set lo up
	ip -n "$ns" link set eth0 up
done
for a in $LOW $REAL $BOGUS; do in_ns ip addr add $a/24 dev eth0; done
# By a gateway: thousands of neighbours would fill the kernel's table of them, which all namespaces of a host share, and a
# test beside this one would reach nobody.
ip -n "$BOTS" addr add 203.0.113.1/24 dev eth0
in_ns ip route add 198.18.0.0/16 via 203.0.113.1
SOURCES=
for n in $(seq 1 20); do
	ip -n "$BOTS" addr add 198.18.$n.1/32 dev eth0
	SOURCES="$SOURCES 198.18.$n.1"
done
cat >"$DIR/conf" <<END
interface = "eth0"
probe = no
state-dir = "$DIR/state"
publish = yes
publish-after = "0s"
greeting-delay = "1s"
limits { dialogues = 1000 dialogues-per-source = 200 }
mx-set "example.org" {
    domains = { "example.org" }
    exchanger "mx0.example.org" { preference = 10 role = "nolisting" addresses = { "$LOW" } }
    exchanger "mx1.example.org" { preference = 20 role = "real" addresses = { "$REAL" } }
    exchanger "mx9.example.org" { preference = 90 role = "bogus" answer = "dialogue" addresses = { "$BOGUS" } }
}
allow { special-purpose = no }
judge { start-grace = "0s" list-on = "proven" false-listing = 0.01 }
web { listen = "127.0.0.1:8725" }
END
"${AS_INSTALLED[@]}" ip netns exec "$NS" "$BUILD/mxtrapd" -c "$DIR/conf" >"$DIR/log" 2>&1 &
PID=$!
ready() { grep -q "all processes are ready" "$DIR/log"; }
check "mxtrapd is ready" wait_for 20000 ready
TOKEN=$(sed -n 's/.*shown only this once: \(mxt_[0-9a-f]*\).*/\1/p' "$DIR/log")
# shellcheck disable=SC2086
said=$(ip netns exec "$BOTS" python3 tests/system/hostile.py send $BOGUS $SOURCES)
check "2,000 of them are said to the decoy (answered: $said)" test "${said:-0}" -ge 1990
sent=$(in_ns python3 tests/system/hostile.py fetch http://127.0.0.1:8725 "$TOKEN")
check "500 are shown as User-Agent and note (taken: $sent)" test "${sent:-0}" -ge 400
mkdir "$DIR/printed"
stored() { [ "$(sqlite3 -readonly "$DIR/state/mxtrap.db" "SELECT count(*) FROM event WHERE kind = 11")" -ge 2000 ]; }
check "what was said is stored" wait_for 10000 stored
cli explain 198.18.3.1 >"$DIR/printed/explain"
cli explain 198.18.3.1 --json >"$DIR/printed/explain.json"
cli list --all >"$DIR/printed/list"
cli list --allowed >"$DIR/printed/allowed"
cli list --all --format ndjson >"$DIR/printed/list.ndjson.txt"
cli consumers >"$DIR/printed/consumers"
cli status >"$DIR/printed/status"
cli risk >"$DIR/printed/risk"
cli report >"$DIR/printed/report"
cp "$DIR/log" "$DIR/printed/log"
# shellcheck disable=SC2086
looked=$(in_ns python3 tests/system/hostile.py check http://127.0.0.1:8725 "$DIR/printed" $SOURCES 2>"$DIR/faults")
# shellcheck disable=SC2086
set -- $looked
check "over 1,200 of the names are told again (${1:-0})" test "${1:-0}" -ge 1200
check "in the answers of the API and the exports (${2:-0} looked at)" test "${2:-0}" -ge 30
check "and nowhere as markup or control characters" test "${3:-1}" = 0
cat "$DIR/faults"

# Connections that somebody on this host leaves open: every consumer here has the same address.
in_ns python3 tests/system/hostile.py hold 127.0.0.1 8725 300 "$DIR/held" &
HOLDER=$!
check "300 idle connections are open" wait_for 20000 test -e "$DIR/held"
fetches() { in_ns curl -fsS -m 5 -o "$DIR/fetched" http://127.0.0.1:8725/export/plain; }
for i in 1 2 3; do check "a consumer of the same address gets its list within 5 s ($i)" fetches; done
check "and status answers" eval 'in_ns curl -fsS -m 5 http://127.0.0.1:8725/api/v1/status | grep -q generation'
evicted() { in_ns curl -fsS -m 5 http://127.0.0.1:8725/metrics | grep -E "^mxtrap_http_evicted_total [1-9]" >/dev/null; }
check "the metrics count those that made room" wait_for 5000 evicted
kill $HOLDER
wait $HOLDER 2>/dev/null

# A list that grows too fast is held, until somebody accepts it; then there is nothing more to accept.
publish() { in_ns curl -sS -m 10 -o "$DIR/answer" -w '%{http_code}' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
    -d '{}' http://127.0.0.1:8725/api/v1/publish; }
gets() { in_ns curl -fsS -m 10 "http://127.0.0.1:8725$1"; }
# It asked while all that is listed was held: it has nothing, or a part where some were listed before; not the newest.
plain_has() { gets /api/v1/consumers | jq -e ".consumers[] | select(.what == \"plain\") | (.holds == \"newest\") == $1" >/dev/null; }
check "nothing is held: it is refused" test "$(publish)" = 409
check "and says why: $(jq -r .detail "$DIR/answer" | head -c 100)" grep -q "nothing is held" "$DIR/answer"
check "no act of it is in the audit" eval '! gets /api/v1/audit | grep -q "\"publish\""'
ip -n "$BOTS" route add local 198.18.0.0/16 dev lo
check "1,400 senders more come" test "$(ip netns exec "$BOTS" python3 tests/system/hostile.py grow $BOGUS 1400)" -ge 1300
is_held() { [ "$(gets /api/v1/status | jq -r '.publishing.held // 0')" -ge 1000 ]; }
check "they are held" wait_for 60000 is_held
gets /export/plain >/dev/null
check "a consumer that asks has not the whole list" plain_has false
check "it is accepted" test "$(publish)" = 200
check "by the second time there is nothing to accept" test "$(publish)" = 409
not_held() { ! is_held; }
check "nothing is held any more" wait_for 20000 not_held
check "nor then, until it comes again" plain_has false
gets /export/plain >/dev/null
check "then it has the newest list" plain_has true
kill -TERM "$PID"
wait "$PID" 2>/dev/null
exit $FAILED
