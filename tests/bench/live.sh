#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# live.sh BUILD - rows of the table of run.sh: live, from a wire of its own, beside a receiver that only counts.
#
# The highest rate at which the bare receiver drops nothing is looked for; then mxtrapd is sent 0.65
# of it for ten seconds.  QUICK=1: shorter, and a tenth of the senders.
set -u
build=$(realpath "${1:-build}")
cd "$(dirname "$0")/../.." || exit 2
senders=1000000 seconds=10
if [ -n "${QUICK:-}" ]; then senders=100000 seconds=3; fi
dir=$(mktemp -d)
a=mxtrap-bench-a-$$ b=mxtrap-bench-b-$$
pid=
finish() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	wait 2>/dev/null
	ip netns del $a 2>/dev/null
	ip netns del $b 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
cc -O2 -o "$dir/flood" tests/bench/flood.c && cc -O2 -o "$dir/receive" tests/bench/receive.c -lpcap || exit 1
ip netns add $a && ip netns add $b && ip link add eth0 netns $a type veth peer name eth0 netns $b || exit 77
for n in $a $b; do ip -n $n link set lo up; ip -n $n link set eth0 up; done
mac=$(ip netns exec $b cat /sys/class/net/eth0/address)
# The kernel behind the capture shall not answer: what is measured is the capture.
ip netns exec $b sysctl -qw net.ipv4.conf.all.arp_ignore=8
cat > "$dir/mxtrap.conf" <<C
interface = "eth0"
state-dir = "$dir/state"
mx-set "bench.example" {
    domains = { "bench.example" }
    exchanger "mx0.bench.example" { preference = 10  role = "nolisting"  addresses = { "198.51.100.10", "2001:db8:1::10" } }
    exchanger "mx1.bench.example" { preference = 20  role = "real"  addresses = { "198.51.100.20", "2001:db8:1::20" } }
    exchanger "mx9.bench.example" { preference = 90  role = "bogus"  addresses = { "198.51.100.30", "2001:db8:1::30" } }
}
allow { special-purpose = no }
probe = no
limits { senders = $((senders + senders / 20)) }
web { listen = "127.0.0.1:8725" }
C
mkdir -p "$dir/state"
flood() { ip netns exec $a "$dir/flood" eth0 "$mac" "$1" "$2" $senders; }
# free RATE: does the bare receiver take a second of it without a drop?
free() {
	ip netns exec $b "$dir/receive" eth0 > "$dir/received" &
	local r=$!
	until grep -q ready "$dir/received"; do sleep 0.05; done
	flood "$1" "$1" > "$dir/sent"
	wait $r
	echo "$(cut -d' ' -f1 "$dir/sent") $(tail -1 "$dir/received")" | awk '{ exit !($2 >= $1 && $3 == 0) }'
}
highest=0
limit="the bare receiver drops above it"
for rate in 100000 200000 300000 400000 600000 800000 1000000 1300000 1600000; do
	free $rate || break
	highest=$rate reached=$(cut -d' ' -f2 "$dir/sent")
	if [ "$reached" -lt $((rate * 9 / 10)) ]; then
		highest=$reached limit="the sender reaches no more"
		break
	fi
done
[ $highest -gt 0 ] || { echo "| live: the bare receiver drops at any rate here | | | | MISSED |"; exit 0; }
rate=$((highest * 65 / 100))
ip netns exec $b "$build/mxtrapd" -c "$dir/mxtrap.conf" > "$dir/log" 2>&1 &
pid=$!
metric() { ip netns exec $b curl -s -m 5 http://127.0.0.1:8725/metrics | awk -v n="mxtrap_$1" '$1 == n { printf "%.0f\n", $2; f = 1 } END { if (!f) print 0 }'; }
until [ "$(metric up)" = 1 ] && grep -q "all processes are ready" "$dir/log"; do sleep 0.2; done
rss() { awk '/^VmRSS/ { print int($2 / 1024) }' /proc/"$1"/status; }
watch=$(sed -n 's/.*watch is ready (pid \([0-9]*\)).*/\1/p' "$dir/log")
before=$(rss "$watch")
sent=$(flood $((rate * seconds)) $rate | cut -d' ' -f1)
last=-1 now=0
while [ "$now" != "$last" ]; do last=$now; sleep 1.2; now=$(metric packets_total); done
drops=$(metric capture_ring_drops_total) after=$(rss "$watch")
echo "| live: the bare receiver, drop-free | | $highest packets a second ($limit) | | |"
echo "| live: mxtrapd at 0.65 of it, $seconds s | | $drops of $sent dropped, $now seen | 0 | $([ "$drops" = 0 ] && echo met || echo MISSED) |"
echo "| live: resident, before and after | | $before and $after MB | | |"
