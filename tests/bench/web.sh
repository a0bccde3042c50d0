#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# web.sh BUILD - rows of the table of run.sh: the API beside 1,000 slow connections, and beside 200 streams of events.
#
# slowhttptest opens them from four addresses while a wire of its own carries 20,000 SYNs a second; asked is from a
# fifth.  QUICK=1: shorter.
set -u
build=$(realpath "${1:-build}")
cd "$(dirname "$0")/../.." || exit 2
seconds=30
[ -z "${QUICK:-}" ] || seconds=12
dir=$(mktemp -d)
chmod 755 "$dir"
a=mxtrap-bench-a-$$ b=mxtrap-bench-b-$$
pids=
finish() {
	for p in $pids; do kill "$p" 2>/dev/null; done
	wait 2>/dev/null
	ip netns del $a 2>/dev/null
	ip netns del $b 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
cc -O2 -o "$dir/flood" tests/bench/flood.c || exit 1
ip netns add $a && ip netns add $b && ip link add eth0 netns $a type veth peer name eth0 netns $b || exit 77
for n in $a $b; do ip -n $n link set lo up; ip -n $n link set eth0 up; done
mac=$(ip netns exec $b cat /sys/class/net/eth0/address)
for k in 1 2 3 4 5; do
	ip -n $b addr add 10.9.1.$k/32 dev eth0
	ip -n $a addr add 10.9.0.$k/32 dev eth0
done
ip -n $b route add 10.9.0.0/24 dev eth0
for k in 1 2 3 4 5; do ip -n $a route add 10.9.1.$k/32 dev eth0 src 10.9.0.$k; done
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
web { listen = "0.0.0.0:8725" hosts = { "trap.example", "10.9.1.1", "10.9.1.2", "10.9.1.3", "10.9.1.4" } }
C
mkdir -p "$dir/state"
ip netns exec $b "$build/mxtrapd" -c "$dir/mxtrap.conf" > "$dir/log" 2>&1 &
pids="$pids $!"
metric() { ip netns exec $b curl -s -m 5 http://127.0.0.1:8725/metrics | awk -v n="mxtrap_$1" '$1 == n { printf "%.0f\n", $2; f = 1 } END { if (!f) print 0 }'; }
until grep -q "all processes are ready" "$dir/log" && [ "$(metric up)" = 1 ]; do sleep 0.2; done
web=$(sed -n 's/.*web is ready (pid \([0-9]*\)).*/\1/p' "$dir/log")
flood() { ip netns exec $a "$dir/flood" eth0 "$mac" $(($2 * $1)) "$2" 100000 > "$dir/sent" & pids="$pids $!"; flood_pid=$!; }
# ask SECONDS: the API, one question after another, each on a connection of its own; "n p50 p99 max errors" in ms.
ask() {
	ip netns exec $a python3 - "$1" <<-'P'
	import http.client, sys, time
	end, t, bad = time.time() + float(sys.argv[1]), [], 0
	while time.time() < end:
	    for path in ("/api/v1/status", "/api/v1/list?limit=50", "/api/v1/mx-sets"):
	        a = time.time()
	        try:
	            c = http.client.HTTPConnection("10.9.1.5", 8725, timeout=20)
	            c.request("GET", path, headers={"Host": "trap.example"})
	            bad += c.getresponse().read()[:1] != b"{"
	            c.close()
	        except OSError:
	            bad += 1
	        t.append((time.time() - a) * 1000)
	    time.sleep(0.02)
	t.sort()
	print(len(t), *("%.1f" % t[min(len(t) - 1, int(len(t) * q))] for q in (0.5, 0.99, 1)), bad)
	P
}
verdict() { awk -v a="$1" -v b="$2" 'BEGIN { print (a <= b ? "met" : "MISSED") }'; }
drops() { metric capture_ring_drops_total; }

flood $((seconds / 2)) 20000
read -r n p50 p99 most bad <<< "$(ask $((seconds / 2)))"
wait "$flood_pid"
quiet_drops=$(drops)
echo "| API beside 20,000 SYNs a second: p50, p99, slowest of $n | $p50, $p99, $most ms, $bad failed | | | |"
flood "$seconds" 20000
for k in 1 2 3 4; do
	# Slow headers, slow bodies, slow reading: as slowhttptest knows them.
	mode=$(echo "-H -B -X -H" | cut -d' ' -f$k)
	ip netns exec $a slowhttptest "$mode" -c 250 -r 250 -i 2 -l "$seconds" -p 5 -x 8 -w 10 -y 20 -n 1 -z 8 \
	    -t "$([ "$mode" = -B ] && echo POST || echo GET)" -u "http://10.9.1.$k:8725/api/v1/$([ "$mode" = -B ] && echo allow || echo list)" \
	    > "$dir/slow$k" 2>&1 &
	pids="$pids $!"
done
sleep 2
open=$(metric http_open_connections)
read -r n p50 p99 most bad <<< "$(ask $((seconds - 5)))"
wait "$flood_pid"
lost=$(($(drops) - quiet_drops))
echo "| the same beside 1,000 slow connections ($open held at once) | $p50, $p99, $most ms, $bad failed | | p99 1,000 ms | $([ "$bad" = 0 ] && verdict "$p99" 1000 || echo MISSED) |"
echo "| capture drops that they add | $lost | | 0 | $(verdict "$lost" 0) |"

# 200 streams, and how long a change takes to reach the last of them.
sleep 3
cpu() { awk '{ print $14 + $15 }' /proc/"$1"/stat; }
rss() { awk '/^VmRSS/ { print $2 }' /proc/"$1"/status; }
before=$(rss "$web")
idle=$(cpu "$web")
sleep 5
idle=$(($(cpu "$web") - idle))
cat > "$dir/streams.py" <<-'P'
	import os, select, socket, subprocess, sys, time
	conf, build = sys.argv[1:3]
	all = []
	for i in range(200):
	    s = socket.create_connection(("127.0.0.1", 8725))
	    s.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	    while b"id: " not in s.recv(4096): pass
	    all.append(s)
	print("open", flush=True)
	sys.stdin.readline()
	worst = []
	for k in range(10):
	    want = b"192.0.2.%d/32" % k
	    a = time.time()
	    subprocess.run([build + "/mxtrap", "-c", conf, "block", "192.0.2.%d" % k], stdout=subprocess.DEVNULL, check=True)
	    told, got = time.time(), {s: b"" for s in all}
	    wait = set(all)
	    while wait:
	        for s in select.select(list(wait), [], [], 10)[0]:
	            got[s] += s.recv(65536)
	            if want in got[s]: wait.discard(s)
	    worst.append((time.time() - a) * 1000)
	worst.sort()
	print("%.0f %.0f" % (worst[5], worst[-1]), flush=True)
P
mkfifo "$dir/go"
ip netns exec $b python3 "$dir/streams.py" "$dir/mxtrap.conf" "$build" < "$dir/go" > "$dir/streams" 2>&1 &
streams=$!
pids="$pids $streams"
exec 3> "$dir/go"
until grep -q open "$dir/streams"; do sleep 0.1; done
sleep 2
flood 10 1000		# each of them is told or counted
c=$(cpu "$web")
sleep 10
c=$(($(cpu "$web") - c))
after=$(rss "$web")
wait "$flood_pid"
echo >&3
wait $streams
read -r median worst <<< "$(tail -1 "$dir/streams")"
echo "| 200 streams of events, beside 1,000 attempts a second: web's CPU (idle without: $((idle * 20 / 100)) %) and what they add | $((c * 10 / 100)).$((c * 10 % 100 / 10)) %, $(((after - before) / 1024)) MiB | | | |"
echo "| from the command that lists to the last of 200 streams, median and worst of 10 | $median, $worst ms | | 1,000 ms | $(verdict "$worst" 1000) |"
