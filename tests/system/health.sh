#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# health.sh [BUILD] - when nobody may be judged, over the running daemon, in network namespaces of its own.
#
# The real MX goes down: by the wire within seconds, by the probe too; who was listed shortly before is let
# go.  The decoy's accept queue overflows in a flood of connections: shown, and a doubt.  Processes die, and
# an interface, while honest senders climb: what came first was not seen, and nobody is blamed.  Replays with
# the stored events say the same.  Needs root; 77: skipped.
set -u
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/users.inc"
BUILD=$(realpath "${1:-build}")
P=mxtrap-health-$$
DIR=
. "$(dirname "$0")/../../deploy/demo/net.sh"

why=$(net_usable) || { echo "health: SKIP, $why"; exit 77; }
finish() {
	trap - EXIT INT TERM
	net_down >/dev/null 2>&1
	wait 2>/dev/null
	rm -rf "$DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM
DIR=$(mktemp -d /tmp/mxtrap-health.XXXXXX)
chmod 755 "$DIR"
users_make

net_up
dns_start
postfix_start

# run NAME GRACE: mxtrapd on a database of its own, and a capture beside it.
run() {
	RUN=$1
	trap_config "$DIR/$1.conf" 'fallback-window = "60s"  visit-gap = "4s"'
	sed -i -e "s|^state-dir.*|state-dir = \"$DIR/$1\"|" -e "s|start-grace = \"0s\"|start-grace = \"$2\"|" \
	    -e '1i probe-interval = "6s"' "$DIR/$1.conf"
	CONF=$DIR/$1.conf
	in_ns mx tcpdump -i eth0 -B 65536 -U --immediate-mode -w "$DIR/$1.pcap" tcp port 25 2>"$DIR/tcpdump.log" &
	TCPDUMP=$!
	wait_for 10000 grep -q "listening on" "$DIR/tcpdump.log" || bad "a capture is taken beside it"
	: >"$DIR/mxtrapd.log"
	trap_start "$CONF"
	check "$1: mxtrapd is ready" wait_for 20000 trap_ready
}
stop() {
	kill -TERM "$TRAP_PID"
	wait_for 5000 gone "$TRAP_PID"
	wait "$TRAP_PID" 2>/dev/null
	kill -TERM $TCPDUMP 2>/dev/null
	wait $TCPDUMP 2>/dev/null
	cat "$DIR/mxtrapd.log" >>"$DIR/all.log"
}
said() { grep -q -- "$1" "$DIR/mxtrapd.log"; }
status_says() { trap_cli status 2>/dev/null | grep -q -- "$1"; }
pid_of() { pgrep -P "$TRAP_PID" -f -- "--role $1 "; }
is_not_listed() { ! is_listed "$1"; }
unblamed() { ! state_of "$1" | grep -qE 'suspect|listed|noticed'; }
# excused ADDRESS DOUBT: some evidence of it counts nothing for that reason
excused() {
	trap_cli explain "$1" --json 2>/dev/null | grep -q "\"doubt\": *\"$2\""
}
touch_() { # ADDRESS low|real|bogus...: one connection after the other, as far as each lets it come
	in_ns bots python3 - "$DEMO" "$@" <<-'END'
	import sys
	sys.path.insert(0, sys.argv[1])
	import bot
	for rung in sys.argv[3:]:
	    bot.touch(sys.argv[2], ("low", "real", "bogus").index(rung))
	END
}
sink_stop() {
	local p
	for p in $(in_ns mx ss -Hltnp "sport = 25" | grep -E "$REAL|$REAL6" | grep -oE 'pid=[0-9]+' | cut -d= -f2 | sort -u); do kill "$p"; done
}
sink_gone() { ! in_ns mx ss -Hltn "sport = 25" | grep -qE "$REAL|$REAL6"; }
verdicts() { # configuration
	CONF=$1 trap_cli list --all --format ndjson | python3 -c '
import json, sys
for line in sorted(sys.stdin):
    r = json.loads(line)
    if "cidr" in r and r["state"] != "unknown":
        print(r["cidr"], r["state"], r["grade"], round(r["score"], 1), round(r["hint"], 1))' | sort
}
replays() { # after stop: with the stored events a replay says the same
	mkdir -p "$DIR/$RUN-again"
	sed "s|^state-dir.*|state-dir = \"$DIR/$RUN-again\"|" "$DIR/$RUN.conf" >"$DIR/$RUN-again.conf"
	"$BUILD/mxtrapd" -c "$DIR/$RUN-again.conf" -r "$DIR/$RUN.pcap" --inputs "$DIR/$RUN" >"$DIR/$RUN.out" 2>&1
	check "$RUN: a replay with the stored events succeeds" test $? = 0
	verdicts "$DIR/$RUN.conf" >"$DIR/live.verdicts"
	verdicts "$DIR/$RUN-again.conf" >"$DIR/again.verdicts"
	check "$RUN: and gives the same verdicts" diff -u "$DIR/live.verdicts" "$DIR/again.verdicts"
}

# -- the real MX is down -----------------------------------------------------------------

sink_start
run outage 0s
check "the real MX is ready" wait_for 10000 sink_ready
check "the honest Postfix is ready" wait_for 20000 postfix_ready
check "the probe finds it well" wait_for 15000 status_says "probe of $REAL .* ok, "
check "over IPv6 too" wait_for 15000 status_says "probe of $REAL6 .* ok, "
mail_send 0
arrived() { [ "$(mails_arrived)" = "$1" ]; }
check "mail arrives" wait_for 10000 arrived 1
A=$(bot_address 1)
bot backup-first "$A"
check "a bot is listed" wait_for 3000 is_listed "$A"
sink_stop
wait_for 5000 sink_gone
t0=$(now_ms)
check "two failed probes are noticed" wait_for 20000 status_says "^! The real MX .*$REAL.* has not answered"
ms=$(($(now_ms) - t0))
check "in time ($ms ms; two intervals of 6 s and a second)" fast 13500 "$ms"
check "who was listed shortly before is let go" wait_for 2000 is_not_listed "$A"
check "by a revision that says why" excused "$A" real_down
check "the log says that nothing counts" said "real MX \[$REAL\] does not answer: no evidence counts"
check "status says so" wait_for 3000 status_says "^! .*real MX.*judging is suspended"
mail_send 1
B=$(bot_address 2)
touch_ "$B" bogus
touch_ "$(bot_address 3)" low real bogus
wait_for 5000 excused "$B" real_down
check "whoever comes to the backup meanwhile is excused" excused "$B" real_down
postfix_tried() { grep -q "status=deferred" "$DIR/postfix/maillog"; }
check "the Postfix tries all rungs and keeps its mail" wait_for 40000 postfix_tried
for a in $HONEST $HONEST6 "$A" "$B" "$(bot_address 3)"; do
	check "nobody is blamed: $a is $(state_of "$a")" unblamed "$a"
done
sink_start
check "the real MX is back" wait_for 10000 sink_ready
check "which is noticed" wait_for 20000 said "real MX \[$REAL\] answers again"
check "the mail arrives at last" wait_for 40000 arrived 2
bot backup-first "$(bot_address 4)"
wait_for 5000 excused "$(bot_address 4)" real_down
check "a quarter of an hour of doubt goes on" excused "$(bot_address 4)" real_down
stop
replays

# The wire alone: three networks without an answer, and nobody served.
run wire-alone 0s
sed -i '1i probe = no' "$CONF"
kill -HUP "$TRAP_PID"
again() { [ "$(grep -c "watch is ready" "$DIR/mxtrapd.log")" = 2 ]; }
check "it runs without the probe" wait_for 10000 again
bot backup-first "$A"
check "a bot is listed" wait_for 3000 is_listed "$A"
sink_stop
wait_for 5000 sink_gone
t0=$(now_ms)
for n in 5 6 7; do touch_ "$(bot_address $n)" low real; done
check "three strangers who are refused there let it go" wait_for 3000 is_not_listed "$A"
echo "     $(($(now_ms) - t0)) ms after the outage began"
stop
replays

# -- the accept queue overflows ----------------------------------------------------------

sink_start
wait_for 10000 sink_ready
# An administrator's bound on accept queues; the default of 4096 takes more than a test's flood.
in_ns mx sysctl -qw net.core.somaxconn=16
run fire 0s
bot backup-first "$A"
check "a bot is listed" wait_for 3000 is_listed "$A"
overflows() { trap_cli status | grep "overflows of the decoys' accept queues" | grep -oE '[0-9]+' | head -1; }
check "nothing overflowed so far" test -z "$(overflows)"
cat >"$DIR/flood.py" <<-'END'
	import errno, socket, sys
	n = 0
	while True:
	    batch = []
	    for i in range(300):
	        s = socket.socket()
	        s.setblocking(False)
	        n += 1
	        s.bind(("198.18.%d.%d" % (100 + n % 100, 1 + n // 100 % 250), 0))
	        e = s.connect_ex((sys.argv[1], 25))
	        if e not in (0, errno.EINPROGRESS):
	            sys.exit(e)
	        batch.append(s)
	    for s in batch:
	        s.close()
END
ip netns exec "$P-bots" python3 "$DIR/flood.py" $BOGUS &
FLOOD=$!
t0=$(now_ms)
check "a flood of connections overflows it, and status says so" \
    wait_for 30000 status_says "^[!-] A decoy's queue of connections overflowed: evidence is not counted"
ms=$(($(now_ms) - t0))
check "soon after the flood begins ($ms ms)" fast 3000 "$ms"
kill $FLOOD
wait $FLOOD 2>/dev/null
check "who was listed in the minute before is let go" wait_for 2000 is_not_listed "$A"
check "by a revision that says why" excused "$A" overflow
n=$(overflows)
check "the overflows are counted in status ($n)" test "${n:-0}" -gt 0
metric() { in_ns mx curl -s -m 20 http://127.0.0.1:8725/metrics | awk -v m="$1" '$1 == m { print $2 }'; }
check "and in the metrics ($(metric mxtrap_decoy_overflows_total))" test "$(metric mxtrap_decoy_overflows_total)" -ge "${n:-1}"
check "which count a doubt ($(metric mxtrap_doubts))" test "$(metric mxtrap_doubts)" -ge 1
kernel=$(in_ns mx nstat -asz TcpExtListenOverflows | awk '/ListenOverflows/ { print $2 }')
check "the kernel's own counter agrees ($kernel)" test "$kernel" -ge "${n:-1}"
says_so() { said "queue of connections overflowed: no evidence counts for half an hour"; }
check "the log says so" says_so
check "once" test "$(grep -c "queue of connections overflowed" "$DIR/mxtrapd.log")" = 1
bot backup-first "$B"
wait_for 5000 excused "$B" overflow
check "a bot that comes now is excused" excused "$B" overflow
check "and nobody is listed" test "$(trap_cli list --format plain | wc -l)" = 0
stop
in_ns mx sysctl -qw net.core.somaxconn=4096
replays

# -- who sees is blind -------------------------------------------------------------------

run blind 4s
grace_over() { ! status_says "Just started: evidence does not count"; }
wait_for 5000 status_says "Just started: evidence does not count"
check "the grace of the start ends" wait_for 10000 grace_over
bot backup-first "$(bot_address 10)"
check "a bot is listed" wait_for 3000 is_listed "$(bot_address 10)"
lives() { local p; p=$(pid_of "$1"); [ -n "$p" ] && [ "$p" != "$2" ] && [ "$(grep -c "$1 is ready" "$DIR/mxtrapd.log")" -gt "$3" ]; }
N=20
for signal in KILL STOP; do
	for role in watch decoy web; do
		N=$((N + 2))
		H=$(bot_address $N) G=$(bot_address $((N + 1)))
		old=$(pid_of $role)
		lived=$(grep -c "$role is ready" "$DIR/mxtrapd.log")
		touch_ "$H" low real		# before, and on to the backup afterwards
		kill -$signal "$old"
		touch_ "$G" low real		# unseen, if watch is gone
		check "after SIG$signal of $role it runs again" wait_for 5000 lives $role "$old" "$lived"
		touch_ "$H" bogus
		touch_ "$G" bogus
		sleep 1.5			# the time in which a touch is judged
		check "who climbed before is not blamed ($(state_of "$H" reasons))" unblamed "$H"
		check "nor who climbed meanwhile ($(state_of "$G" reasons))" unblamed "$G"
	done
done
check "the list outlived it all" is_listed "$(bot_address 10)"
wait_for 10000 grace_over

# An interface that is deleted and made anew: until it is captured again, nothing on it is seen.
G=$(bot_address 40)
in_ns mx ip link del eth0
net_link_mx
touch_ "$G" low real
check "an interface made anew is captured again" wait_for 8000 said "capturing again"
touch_ "$G" bogus
bot backup-first "$(bot_address 41)"
sleep 1.5
check "who climbed unseen is not blamed ($(state_of "$G" reasons))" unblamed "$G"
check "nobody who comes in that minute is" unblamed "$(bot_address 41)"
check "status says why" wait_for 3000 status_says "^[!-] Nothing could be seen until a short while ago: judging is still suspended"
stop

[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -40 "$DIR/all.log"; }
exit $FAILED
