#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# state.sh BUILD - rows of the table of run.sh: what the database, the export and the look-up cost.
# QUICK=1: a tenth of the sizes.
set -u
build=$(realpath "${1:-build}")
cd "$(dirname "$0")/../.." || exit 2
senders=1000000 attempts=2000000 time=8
if [ -n "${QUICK:-}" ]; then senders=100000 attempts=200000 time=3; fi
dir=$(mktemp -d)
chmod 755 "$dir"		# rbldnsd reads its file as another user
ns=mxtrap-bench-$$
pids=
finish() {
	for p in $pids; do kill "$p" 2>/dev/null; done
	wait 2>/dev/null
	ip netns del $ns 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
link="-Wl,--start-group $build/export.a $build/store.a $build/base.a $build/core.a -Wl,--end-group $(pkg-config --libs sqlite3) -lm -lpthread"
# shellcheck disable=SC2086
cc -O2 -flto=auto -std=c11 -D_GNU_SOURCE -Iinclude -o "$dir/store" tests/bench/store.c $link || exit 1
# shellcheck disable=SC2046
cc -O2 -std=c11 -D_GNU_SOURCE -o "$dir/constant" tests/bench/constant.c $(pkg-config --cflags --libs libmicrohttpd) || exit 1
cat > "$dir/mxtrap.conf" <<C
interface = "eth0"
state-dir = "$dir/state"
publish = yes
publish-after = "0s"
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
dnsbl { listen = "127.0.0.1:5353" zone = "bl.bench.example" }
C
mkdir -p "$dir/state"
verdict() { awk -v a="$1" -v op="$2" -v b="$3" 'BEGIN {print ((op == "<=" ? a <= b : a >= b) ? "met" : "MISSED")}'; }
row() { echo "| $1 | $2 | $3 | $4 | $(verdict "$2" "$5" "$4") |"; }
value() { awk -v n="$1" '$1 == n { print $2 }' "$dir/out"; }

"$dir/store" "$dir/mxtrap.conf" $senders $attempts > "$dir/out" 2> "$dir/err" || { cat "$dir/err"; exit 1; }
row "store: attempts written" "$(value attempts_per_second)" "a second" 500000 '>='
row "store: a snapshot of $senders senders" "$(value snapshot_seconds)" "s" 3 '<='
disk=$(sqlite3 -readonly "$dir/state/mxtrap.db" "SELECT sum(pgsize) FROM dbstat WHERE name IN ('sender', 'sender_state')")
row "store: on disk, table and index of senders" "$(awk -v b="$disk" -v n=$senders 'BEGIN { printf "%.1f", b / n }')" "bytes a sender" 60 '<='
row "store: a start with $senders senders" "$(value start_seconds)" "s" 5 '<='
row "export: plain, $senders entries, rendered and thrown away" "$(value export_plain_seconds)" "s" 0.3 '<='

ip netns add $ns && ip -n $ns link set lo up && ip -n $ns link add eth0 type veth peer name eth1 &&
    ip -n $ns link set eth0 up || exit 77
ip netns exec $ns "$build/mxtrapd" -c "$dir/mxtrap.conf" > "$dir/log" 2>&1 & ours_pid=$! pids="$pids $!"
ip netns exec $ns "$dir/constant" 8726 & pids="$pids $!"
get() { ip netns exec $ns curl -s -m 30 "$@"; }
until get -f -o /dev/null http://127.0.0.1:8725/healthz; do sleep 0.2; done
get http://127.0.0.1:8725/export/plain | grep -v '[#:]' | awk 'NR % 7 == 0' | head -100000 > "$dir/addresses"
# The dashboard in a browser, where there is one.
if [ -x /usr/bin/chromium ] && make -s tests/browser/node_modules/.ready > "$dir/npm" 2>&1; then
	read -r paint slowest tabs <<< "$(ip netns exec $ns node tests/browser/paint.mjs)"
	row "dashboard: first meaningful paint, $senders senders, median of $tabs tabs (the slowest $slowest ms)" "$paint" "ms" 500 '<='
fi
# Exports over HTTP, each rendered for whoever asks; and what others notice of it.
web=$(sed -n 's/.*web is ready (pid \([0-9]*\)).*/\1/p' "$dir/log" | tail -1)
ip netns exec $ns python3 tests/bench/export.py 8725 "$web" "$(head -1 "$dir/addresses")" > "$dir/out" || exit 1
row "export: plain over HTTP, $senders entries, cold" "$(value plain_seconds)" "s" 0.3 '<='
row "export: the first byte of it" "$(value plain_first_ms)" "ms" 50 '<='
row "export: sorted over HTTP, $senders entries, cold" "$(value sorted_seconds)" "s" 1.0 '<='
row "export: the first byte of it" "$(value sorted_first_ms)" "ms" 50 '<='
row "export: 20 clients at once, the last one's first byte (all whole: $(value crowd_whole), $(value crowd_seconds) s)" "$(value crowd_first_ms)" "ms" 50 '<='
row "export: 20 clients at once, resident set grows by" "$(value grown_kib)" "KiB" 16384 '<='
row "web: /api/v1/check while a list is rendered, the slowest (idle $(value check_idle_ms) ms)" "$(value check_ms)" "ms" 50 '<='

# The look-up, beside a server that answers from memory: the same client, each in its turn, twice.
cat > "$dir/check.lua" <<'L'
local a, n = {}, 0
for line in io.lines(os.getenv("ADDRESSES")) do a[#a + 1] = line end
request = function() n = n + 7919; return wrk.format("GET", "/api/v1/check/" .. a[n % #a + 1]) end
L
rate() { ADDRESSES="$dir/addresses" ip netns exec $ns wrk -t1 -c16 -d${time}s -s "$dir/check.lua" "http://127.0.0.1:$1" | awk '/^Requests\/sec/ { print $2 }'; }
best() { sort -n | tail -1; }
ours=$( (rate 8725; rate 8725) | best) theirs=$( (rate 8726; rate 8726) | best)
[ -n "$ours" ] && [ -n "$theirs" ] || { cat "$dir/log"; exit 1; }
r=$(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')
row "web: /api/v1/check, $ours of $theirs a second" "$r" "x a constant server" 0.6 '>='

# The DNSBL beside rbldnsd with the same list, asked by the same client, each in its turn, twice; half are listed.
cc -O2 -std=c11 -D_GNU_SOURCE -o "$dir/dnsload" tests/bench/dnsload.c || exit 1
"$build/mxtrap" -c "$dir/mxtrap.conf" export rbldnsd > "$dir/rbldnsd"
ip netns exec $ns rbldnsd -n -b 127.0.0.1/5301 "bl.bench.example:combined:$dir/rbldnsd" > /dev/null 2>&1 & peer=$! pids="$pids $!"
asks() { ip netns exec $ns "$dir/dnsload" "$1" bl.bench.example "$2" < "$dir/addresses"; }
knows() { asks "$1" 0.2 | awk '{ exit !($2 > 0.4) }'; }
for port in 5301 5353; do
	for _ in $(seq 100); do knows $port && break; sleep 0.2; done
	knows $port || { echo "nobody answers at $port"; exit 1; }
done
rate() { asks "$1" $time | cut -d' ' -f1; }
ours=$( (rate 5353; rate 5353) | best) theirs=$( (rate 5301; rate 5301) | best)
r=$(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')
row "DNSBL: $senders listed, half hits, $ours of $theirs answers a second" "$r" "x rbldnsd" 1.0 '>='

bytes=$(ip netns exec $ns ss -Hunlm "sport = :5353" | sed -n 's/.*,rb\([0-9]*\),.*/\1/p' | head -1)
row "DNSBL: receive buffer" "$((bytes / 2048))" "KiB" 1024 '>='

# The longest time without an answer: the list changes 1,000 times a second; and rbldnsd reads its file anew.
# shellcheck disable=SC2046
cc -O2 -flto=auto -std=c11 -D_GNU_SOURCE -Iinclude -o "$dir/moving" tests/bench/moving.c -Wl,--start-group "$build/lookup.a" \
    "$build/export.a" "$build/store.a" "$build/base.a" "$build/core.a" "$build/supervisor.a" -Wl,--end-group \
    $(pkg-config --libs sqlite3 ldns) -lm -lpthread || exit 1
(sleep $((time / 2)); touch "$dir/rbldnsd"; kill -HUP "$peer") & pids="$pids $!"
read -r _ _ pause slow <<< "$(asks 5301 $time)"
kill "$ours_pid"; wait "$ours_pid"
ip netns exec $ns "$dir/moving" "$dir/mxtrap.conf" $((time * 2 + 4)) 1000 0 5399 > "$dir/moved" 2> "$dir/err" & moving=$!
for _ in $(seq 100); do knows 5399 && break; sleep 0.2; done
read -r _ _ gap p999 <<< "$(asks 5399 $time)"
wait $moving
row "DNSBL: longest time without an answer while the list changes 1,000 times a second $gap ms (999 of 1000 answers within $p999 ms), while rbldnsd reads anew $pause ms ($slow ms)" \
    "$(awk -v a="$gap" -v b="$pause" 'BEGIN { printf "%.2f", a / b }')" "x rbldnsd" 1.0 '<='
read -r _ late _ <<< "$(ip netns exec $ns "$dir/moving" "$dir/mxtrap.conf" 10 50 $senders)"
row "store: a change of the list until it is committed, while $senders senders are written, p99" "$late" "ms" 50 '<='

# The firewall: in pieces through libnftables, beside nft -f with the same elements in one file.
# shellcheck disable=SC2046
cc -O2 -std=c11 -D_GNU_SOURCE -Iinclude -o "$dir/nft" tests/bench/nft.c "$build/firewall.a" "$build/base.a" "$build/core.a" \
    $(pkg-config --libs libnftables) -lm -lpthread || exit 1
n=100000
awk -v n=$n 'BEGIN {
	print "add table inet peer\nadd set inet peer host4 { type ipv4_addr; flags timeout; size 2097152; }"
	printf "add element inet peer host4 {"
	for (i = 0; i < n; i++) printf "%s 11.%d.%d.%d timeout 1d", i ? "," : "", i / 65536, i / 256 % 256, i % 256
	print " }"
}' > "$dir/peer.nft"
read -r all memory worst <<< "$(ip netns exec $ns "$dir/nft" $n)"
read -r peer peer_memory <<< "$(ip netns exec $ns python3 -c 'import resource, subprocess, sys, time
t = time.monotonic(); subprocess.run(["nft", "-f", sys.argv[1]], check=True)
print(round(time.monotonic() - t, 3), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$dir/peer.nft")"
row "firewall: $n entries in $all s, nft -f $peer s" "$(awk -v a="$all" -v b="$peer" 'BEGIN { printf "%.2f", a / b }')" "x nft -f" 1.0 '<='
row "firewall: in $((memory / 1024)) MiB, nft -f $((peer_memory / 1024)) MiB" "$(awk -v a="$memory" -v b="$peer_memory" 'BEGIN { printf "%.2f", a / b }')" "x nft -f" 0.25 '<='
row "firewall: one entry more, the slowest of 100" "$worst" "ms" 1 '<='
