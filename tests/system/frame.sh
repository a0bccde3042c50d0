#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# frame.sh [BUILD] - the process frame under fire, in a network namespace of its own.
#
# Kills and stops each process in turn.  From 1.5 s later on a client at the bogus
# address must be refused or reset, never left hanging; what was killed runs again
# (usually within 3 s); nothing outlives a killed supervisor.  Needs root; 77: skipped.
set -u
BUILD=${1:-build}
MXTRAPD=$(realpath "$BUILD/mxtrapd")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
lab frame mx
users_make
NS=$P-mx
LOW=203.0.113.10 BOGUS=203.0.113.30 BOGUS6=2001:db8::30 HELD=203.0.113.31
PID=

in_ns() { ip netns exec "$NS" "$@"; }

# How a connection to $1 port $2 ends: refused, reset, closed or hangs (after $3 s, else 10).
ends() {
	local out rc
	out=$(in_ns timeout "${3:-10}" bash -c 'exec 3<>"/dev/tcp/$0/$1" && cat <&3' "$1" "$2" 2>&1)
	rc=$?
	case "$rc:$out" in
	124:*) echo hangs ;;
	*refused*) echo refused ;;
	*reset*) echo reset ;;
	*) echo closed ;;
	esac
}
turned_away() { case $(ends "$1" 25) in refused | reset) ;; *) return 1 ;; esac; }
pid_of() { pgrep -P "$PID" -f -- "--role $1 "; }
state_of() { ps -o stat= -p "$1" 2>/dev/null | cut -c1; }
said() { grep -q -- "$1" "$DIR/log"; }
all_run() { [ -n "$(pid_of watch)" ] && [ -n "$(pid_of decoy)" ] && [ -n "$(pid_of web)" ]; }
runs_anew() { local p; p=$(pid_of "$1"); [ -n "$p" ] && [ "$p" != "$2" ]; }
resets() { [ "$(ends $BOGUS 25)" = reset ]; }
none_left() { [ -z "$(in_ns pgrep -f -- "^mxtrapd --role .*$DIR")" ]; }

config() { # further lines
	cat <<-END
	interface = "lo"
	state-dir = "$DIR/state"
	mx-set "example.org" {
	    domains = { "example.org" }
	    exchanger "mx0" { preference = 10 role = "nolisting" addresses = { "$LOW" } }
	    exchanger "mx1" { preference = 20 role = "real" addresses = { "203.0.113.20" } }
	    exchanger "mx9" { preference = 90 role = "bogus" answer = "reset" addresses = { "$BOGUS", "$BOGUS6" $1 } }
	}
	allow { special-purpose = no }
	judge { start-grace = "0s" }
	web { listen = "127.0.0.1:8725" }
	END
}

start() {
	: >"$DIR/log"
	# In place, not in_ns: $! must be mxtrapd itself.
	"${AS_INSTALLED[@]}" ip netns exec "$NS" "$MXTRAPD" -d -c "$DIR/conf" >>"$DIR/log" 2>&1 &
	PID=$!
	wait_for 20000 said "all processes are ready" || { bad "mxtrapd is ready"; cat "$DIR/log"; exit 1; }
}

in_ns ip link set lo up
for a in $LOW $BOGUS $HELD 203.0.113.20; do in_ns ip addr add $a/32 dev lo; done
in_ns ip addr add $BOGUS6/128 dev lo nodad

config "" >"$DIR/conf"
start
check "a nolisting decoy refuses" test "$(ends $LOW 25)" = refused
check "a bogus exchanger resets over IPv4" resets
check "a bogus exchanger resets over IPv6" test "$(ends $BOGUS6 25)" = reset
check "the web port is open" test "$(ends 127.0.0.1 8725)" != refused
for role in watch decoy web; do
	check "$role has no new privileges" grep -q 'NoNewPrivs:.1' /proc/"$(pid_of $role)"/status
	[ $role = watch ] && want=0000000000002000 || want=0000000000000000
	check "$role holds the capabilities $want" grep -q "CapPrm:.$want" /proc/"$(pid_of $role)"/status
	# By its number: what a name says depends on who looks from where (another mount namespace, a chroot).
	check "$role inherits no descriptor of a terminal" test "$(stat -L -c %t:%T /proc/"$(pid_of $role)"/fd/0)" = 1:3
done

for signal in KILL STOP; do
	for role in decoy watch web; do
		old=$(pid_of $role)
		t0=$(now_ms)
		kill -$signal "$old"
		# Who comes while nobody knows yet must not wait for ever either: usually 1.5 s.
		early=$(ends $BOGUS 25 15)
		check "after SIG$signal of $role an early client ends ($early, $(($(now_ms) - t0)) ms)" test "$early" != hangs
		hung=0
		for _ in 1 2 3 4 5; do turned_away $BOGUS || hung=$((hung + 1)); done
		check "from then on each client is turned away ($hung not)" test $hung = 0
		check "after SIG$signal $role runs again" wait_for 3000 runs_anew $role "$old"
		check "and the bogus exchanger resets again" wait_for 2000 resets
	done
done

kill -STOP "$PID"
sleep 1.5
check "with a stopped supervisor a client is turned away" turned_away $BOGUS
old=$(pid_of decoy)
sleep 1.5
kill -CONT "$PID"
sleep 0.5
check "a supervisor that was stopped kills nobody for it" test "$(pid_of decoy)" = "$old"

old=$(pid_of decoy)
echo 'nonsense = 1' >>"$DIR/conf"
kill -HUP "$PID"
check "a bad new configuration is named with its line" wait_for 2000 said 'conf:[0-9]*: found unknown key "nonsense"'
check "and changes nothing" test "$(pid_of decoy)" = "$old"
config ", \"$HELD\"" >"$DIR/conf"
kill -HUP "$PID"
check "a good one starts decoy anew" wait_for 3000 runs_anew decoy "$old"
held_resets() { [ "$(ends $HELD 25)" = reset ]; }
check "with the new address" wait_for 3000 held_resets

wait_for 5000 all_run
kill -STOP "$(pid_of watch)"		# the slowest case: one that does not listen to SIGTERM
t0=$(now_ms)
kill -TERM "$PID"
wait_for 2000 gone "$PID"
t=$(($(now_ms) - t0))
check "SIGTERM ends all ($t ms)" fast 1000 "$t"
wait "$PID"
check "with status 0" test $? = 0
check "and nobody is left" none_left

ip netns exec "$NS" perl -MIO::Socket::INET -e '@s = map { IO::Socket::INET->new(LocalAddr => $_,
    LocalPort => 25, Listen => 5, ReuseAddr => 1) or die } @ARGV; sleep 1000' $HELD $LOW &
HOLDER=$!
listens() { [ -n "$(in_ns ss -Hltn "src $1")" ]; }
wait_for 5000 listens $LOW
start
check "a held port is told with the holder's name" said "$HELD:25 is held by perl (pid"
check "a low decoy that answers is told too" said "$LOW:25 is held by perl (pid .*must refuse"
check "the other addresses answer" resets
kill -9 $HOLDER
wait $HOLDER 2>/dev/null
check "and is taken when it is free" wait_for 14000 said "$HELD:25 can be had now"
check "and answers" wait_for 3000 held_resets

wait_for 5000 all_run
kill -STOP "$(pid_of watch)"
kill -9 "$PID"
wait "$PID" 2>/dev/null
check "nothing outlives a killed supervisor" wait_for 500 none_left
check "and the port refuses" test "$(ends $BOGUS 25)" = refused

[ $FAILED = 0 ] || { echo "--- log"; cat "$DIR/log"; }
exit $FAILED
