#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# decoy.sh BUILD - rows of the decoy: connections a second against the least program and Postfix's smtp-sink.
#
# Two network namespaces and a wire between them; all of mxtrapd runs: what the decoy takes is captured,
# judged and stored meanwhile.  Needs root, else says so.  ROUNDS and QUICK as for run.sh.
set -u
build=$(realpath "${1:-build}")
cd "$(dirname "$0")/../.." || exit 2
PATH=$PATH:/usr/sbin:/sbin
rounds=${ROUNDS:-3} n=50000 talks=20000
if [ -n "${QUICK:-}" ]; then rounds=1 n=10000 talks=4000; fi
P=mxtrap-bench-$$
{ [ "$(id -u)" = 0 ] && ip netns add "$P-mx" 2>/dev/null; } || { echo "| decoy: not measured, needs root and network namespaces | | | | |"; exit 0; }
ip netns add "$P-out"
dir=$(mktemp -d)
pid=
cleanup() {
	trap - EXIT INT TERM
	for ns in mx out; do
		for p in $(ip netns pids "$P-$ns"); do kill -9 "$p" 2>/dev/null; done
		ip netns del "$P-$ns"
	done
	wait 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
mx() { ip netns exec "$P-mx" "$@"; }
out() { ip netns exec "$P-out" "$@"; }
for p in accept connect; do cc -O2 -o "$dir/$p" tests/bench/$p.c || exit 1; done

ip link add eth0 netns "$P-mx" type veth peer name eth0 netns "$P-out"
out ip addr add 198.51.100.1/24 dev eth0
for ns in mx out; do "$ns" ip link set lo up; "$ns" ip link set eth0 up; done
for a in 20 30 31 40 41; do mx ip addr add 198.51.100.$a/24 dev eth0; done
mx ip route add 198.18.0.0/16 via 198.51.100.1
out ip route add local 198.18.0.0/16 dev lo
mx sysctl -qw net.core.somaxconn=4096 net.ipv4.tcp_max_syn_backlog=8192
ulimit -n 16000
cat >"$dir/conf" <<C
interface = "eth0"
state-dir = "$dir/state"
greeting-delay = "0s"
probe = no
mx-set "bench.example" {
    domains = { "bench.example" }
    exchanger "mx1.bench.example" { preference = 20  role = "real"  addresses = { "198.51.100.20" } }
    exchanger "mx8.bench.example" { preference = 80  role = "bogus"  answer = "reset"  addresses = { "198.51.100.30" } }
    exchanger "mx9.bench.example" { preference = 90  role = "bogus"  answer = "dialogue"  addresses = { "198.51.100.31" } }
}
allow { special-purpose = no }
judge { start-grace = "0s" }
C
until_true() { for _ in $(seq 400); do "$@" && return; sleep 0.05; done; echo "decoy.sh: no $*" >&2; exit 1; }
listens() { [ -n "$(mx ss -Hltn "src $1 and sport = 25")" ]; }
start() { # address COMMAND...
	local at=$1
	shift
	ip netns exec "$P-mx" "$@" >>"$dir/log" 2>&1 &
	pid=$!
	until_true listens "$at"
}
stop() { kill -TERM "$pid"; wait "$pid" 2>/dev/null; }
trap_start() {
	: >"$dir/log"
	rm -rf "$dir/state"
	ip netns exec "$P-mx" "$build/mxtrapd" -c "$dir/conf" >>"$dir/log" 2>&1 &
	pid=$!
	until_true grep -q "all processes are ready" "$dir/log"
}
status() { sqlite3 -readonly "$dir/state/mxtrap.db" "SELECT value FROM status WHERE name = '$1'"; }
# What is known of each connection: told by decoy, seen on the wire, its row or its tally stored.
account() { # kind, connections
	local accepted lost attempts rows tallied
	accepted=$(status decoy_accepted) lost=$(($(status decoy_lost) + $(status accepts_lost)))
	attempts=$(status attempts) tallied=$(status tallied)
	rows=$(sqlite3 -readonly "$dir/state/mxtrap.db" "SELECT count(*) FROM attempt")
	echo "$1 $2 $accepted $lost $attempts $((rows + tallied)) $(status said_lost)" >>"$dir/account"
}
hit() { # address, connections, at once, how: connections a second
	out "$dir/connect" "198.51.100.$1" 25 "$2" "$3" "$4" >"$dir/hit" || { cat "$dir/hit" "$dir/log" >&2; exit 1; }
	[ "$(cut -d' ' -f2 "$dir/hit")" = "$2" ] || echo "decoy.sh: of $2 connections to .$1 $(cut -d' ' -f2 "$dir/hit") went as they should" >&2
	cut -d' ' -f1 "$dir/hit"
}
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
: >"$dir/account"
for _ in $(seq "$rounds"); do
	for end in close reset; do
		start 198.51.100.40 "$dir/accept" 198.51.100.40 25 $end
		hit 40 $n 256 knock >>"$dir/bare-$end"
		stop
	done
	trap_start
	hit 30 $n 256 knock >>"$dir/reset"
	sleep 2			# the counters of the last second
	stop
	account reset $n
	start 198.51.100.41 smtp-sink -u nobody -m 1024 -r RCPT 198.51.100.41:25 4096
	hit 41 $talks 256 talk >>"$dir/sink"
	stop
	trap_start
	hit 31 $talks 256 talk >>"$dir/dialogue"
	sleep 2
	stop
	account dialogue $talks
done
row() { # name, ours, theirs, gate
	awk -v n="$1" -v a="$2" -v b="$3" -v g="$4" 'BEGIN { printf "| %s: mxtrapd | %d | %.2f x | %s | %s |\n", n, a, a / b, g, (a >= g * b ? "met" : "MISSED") }'
}
echo
echo "| decoy, beside it all of mxtrapd | a second | ratio | gate | |"
echo "|---|---|---|---|---|"
bare=$(median <"$dir/bare-close") rst=$(median <"$dir/bare-reset") sink=$(median <"$dir/sink")
echo "| reset: accept and close, nothing else | $bare | 1 | | |"
row reset "$(median <"$dir/reset")" "$bare" 0.7
echo "| reset: accept and close with RST, nothing else | $rst | 1 | | |"
row reset "$(median <"$dir/reset")" "$rst" 0.7
echo "| dialogue: smtp-sink -r RCPT | $sink | 1 | | |"
row dialogue "$(median <"$dir/dialogue")" "$sink" 0.5
awk '{ c[$1] += $2; a[$1] += $3; l[$1] += $4; w[$1] += $5; s[$1] += $6; u[$1] += $7 }
    END { for (k in c) printf "| %s: of %d connections reported, seen, stored or tallied | %d, %d, %d | lost %d, said lost %d | 0 | %s |\n", k, c[k], a[k], w[k], s[k], l[k], u[k], (a[k] == c[k] && l[k] == 0 && s[k] == c[k] ? "met" : "MISSED") }' "$dir/account" | sort
