#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# live.sh [BUILD] - the whole trap on real traffic, in network namespaces of its own.
#
# Bots and a real Postfix visit; then the live run is compared with a replay of the
# capture taken beside it, and the interface is deleted and made anew.  frame.sh has
# what happens when processes are killed.  Needs root; 77: skipped.
set -u
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/users.inc"
BUILD=$(realpath "${1:-build}")
P=mxtrap-live-$$
DIR=
. "$(dirname "$0")/../../deploy/demo/net.sh"

why=$(net_usable) || { echo "live: SKIP, $why"; exit 77; }
finish() {
	trap - EXIT INT TERM
	net_down >/dev/null 2>&1
	wait 2>/dev/null
	rm -rf "$DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM
DIR=$(mktemp -d /tmp/mxtrap-live.XXXXXX)
chmod 755 "$DIR"
users_make

net_up
dns_start
sink_start
postfix_start
# The shortest window there is, so that all that a replay settles happens live too.
trap_config "$DIR/mxtrap.conf" 'fallback-window = "60s"  visit-gap = "4s"'
in_ns mx tcpdump -i eth0 -U --immediate-mode -w "$DIR/beside.pcap" tcp port 25 2>"$DIR/tcpdump.log" &
TCPDUMP=$!
beside() { grep -q "listening on" "$DIR/tcpdump.log"; }
trap_start
check "mxtrapd is ready" wait_for 20000 trap_ready
check "the real MX is ready" wait_for 10000 sink_ready
check "the honest Postfix is ready" wait_for 20000 postfix_ready
check "a capture is taken beside it" wait_for 10000 beside
[ $FAILED = 0 ] || { cat "$DIR"/*.log; exit 1; }

# Who comes to the backup first is listed soon: usually within 2 s of his visit.
listed_after() { # address: prints the ms
	local t0
	bot backup-first "$1"
	t0=$(now_ms)
	wait_for 4000 is_listed "$1"
	echo $(($(now_ms) - t0))
}
for a in "$(bot_address 1)" "$(bot_address6 2)"; do
	ms=$(listed_after "$a")
	check "a backup-first bot at $a is listed ($ms ms)" fast 2000 "$ms"
	check "and is listed by mxtrap too" state_is "$a" listed || { trap_cli explain "$a"; tcpdump -nr "$DIR/beside.pcap" host "$a" 2>&1 | head -20; }
done

SENT=0
for habit in reverse primary-only parallel decoys-only climb random forged; do
	mail_send $SENT && SENT=$((SENT + 1))
	bot $habit "$(bot_address $((10 + SENT)))" &
	sleep 0.7
done
bot forged $HONEST
sleep 62		# fallback windows and visits end
all_arrived() { [ "$(mails_arrived)" = "$SENT" ]; }
check "each of $SENT mails of the Postfix arrives ($(mails_arrived))" wait_for 5000 all_arrived
for a in $HONEST $HONEST6; do
	check "the Postfix at $a is not even noticed ($(state_of $a))" \
	    test -n "$(state_of $a | grep -vE 'suspect|listed|noticed')"
done
check "forged SYNs list nobody" test -z "$(state_of "$(bot_address $((10 + SENT)))" | grep -E 'suspect|listed')"
exported() { in_ns mx curl -s -m 20 http://127.0.0.1:8725/export/plain | grep -q "^$1"; }
check "the export over HTTP has the listed bot" exported "$(bot_address 1)"

# The stop is orderly, so that the database holds all of it.
t0=$(now_ms)
kill -TERM $TRAP_PID
wait_for 3000 gone $TRAP_PID
ms=$(($(now_ms) - t0))
check "SIGTERM ends all ($ms ms)" fast 1000 "$ms"
wait $TRAP_PID
check "with status 0" test $? = 0
kill -TERM $TCPDUMP
wait $TCPDUMP

# What the two runs say of each sender: state, class, grade, points and reasons.
verdicts() { # configuration
	CONF=$1 trap_cli list --all --format ndjson | python3 -c '
import json, sys
for line in sorted(sys.stdin):
    r = json.loads(line)
    if "cidr" in r:
        print(r["cidr"], r["state"], r["class"], r["grade"], round(r["score"], 1), round(r["hint"], 1), *sorted(r["reasons"]))' | sort
}
replay() { # name, further arguments
	local name=$1
	shift
	mkdir -p "$DIR/$name"
	sed "s|^state-dir.*|state-dir = \"$DIR/$name\"|" "$DIR/mxtrap.conf" >"$DIR/$name.conf"
	"$BUILD/mxtrapd" -c "$DIR/$name.conf" -r "$DIR/beside.pcap" "$@" >"$DIR/$name.out" 2>&1
}
same() { # name
	verdicts "$DIR/mxtrap.conf" >"$DIR/live.verdicts"
	verdicts "$DIR/$1.conf" >"$DIR/$1.verdicts"
	[ -s "$DIR/live.verdicts" ] && diff -u "$DIR/live.verdicts" "$DIR/$1.verdicts"
}
check "a replay of the capture beside it succeeds" replay wire
check "and gives the same states, points and reasons" same wire
check "with --inputs it succeeds" replay inputs --inputs "$DIR/state"
check "and gives the same" same inputs
echo "     $(tail -1 "$DIR/inputs.out")"

# A recreated interface: capture is back, usually within 5 s.
: >"$DIR/mxtrapd.log"
trap_start
check "mxtrapd starts again on its database" wait_for 20000 trap_ready
in_ns mx ip link del eth0
sleep 0.5
net_link_mx
t0=$(now_ms)
seen() { [ "$(in_ns mx curl -s -m 20 -o /dev/null -w '%{http_code}' "http://127.0.0.1:8725/api/v1/senders/$1")" = 200 ]; }
back=
for n in $(seq 41 90); do
	bot backup-first "$(bot_address $n)"
	try_for 1500 seen "$(bot_address $n)" && { back=$(($(now_ms) - t0)); break; }
	[ $(($(now_ms) - t0)) -lt 60000 ] || break
done
check "an interface deleted and made anew is watched (${back:-never} ms)" fast 5000 "${back:-99999}"
lines=$(wc -l <"$DIR/mxtrapd.log")
check "without filling the log ($lines lines)" test "$lines" -lt 30
kill -TERM $TRAP_PID
wait_for 3000 gone $TRAP_PID

[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -40 "$DIR/mxtrapd.log"; }
exit $FAILED
