#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh BUILD - times against the least program and the peers: same file, same run, medians.
# QUICK=1 takes a tenth of the sizes and one round; ROUNDS=n another number of rounds.
set -u
build=$(realpath "${1:-build}")
cd "$(dirname "$0")/../.." || exit 2
rounds=${ROUNDS:-5} syns=10000000 whole=2500000 senders=1000000 slice=1000000
if [ -n "${QUICK:-}" ]; then rounds=1 syns=1000000 whole=250000 senders=100000 slice=100000; fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
link="-Wl,--start-group $build/watch.a $build/store.a $build/base.a $build/core.a -Wl,--end-group $(pkg-config --libs libpcap sqlite3) -lm -lpthread"
for p in gen count; do cc -O2 -o "$dir/$p" tests/bench/$p.c -lpcap || exit 1; done
# shellcheck disable=SC2086
cc -O2 -flto=auto -std=c11 -D_GNU_SOURCE -Iinclude -o "$dir/replay" tests/bench/replay.c $link || exit 1
cat > "$dir/mxtrap.conf" <<C
interface = "any"
state-dir = "$dir/state"
mx-set "bench.example" {
    domains = { "bench.example" }
    exchanger "mx0.bench.example" { preference = 10  role = "nolisting"  addresses = { "198.51.100.10", "2001:db8:1::10" } }
    exchanger "mx1.bench.example" { preference = 20  role = "real"  addresses = { "198.51.100.20", "2001:db8:1::20" } }
    exchanger "mx9.bench.example" { preference = 90  role = "bogus"  answer = "reset"  addresses = { "198.51.100.30", "2001:db8:1::30" } }
}
allow { special-purpose = no }
judge { start-grace = "0s" }
limits { senders = $((senders + senders / 20))  attempts = 262144  pools = $senders }
C
"$dir/gen" "$dir/syn.pcap" syn $syns $senders
"$dir/gen" "$dir/whole.pcap" whole $whole $senders
"$dir/gen" "$dir/slice.pcap" syn $slice $((senders / 10))

# seconds COMMAND...: wall time of it
seconds() {
	local a b
	a=$(date +%s%N)
	"$@" > /dev/null 2>&1
	b=$(date +%s%N)
	echo "$a $b" | awk '{printf "%.3f\n", ($2 - $1) / 1e9}'
}
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.1f", a / b}'; }
verdict() { awk -v a="$1" -v op="$2" -v b="$3" 'BEGIN {print ((op == "<=" ? a <= b : a >= b) ? "met" : "MISSED")}'; }

echo "load $(cut -d' ' -f1-3 /proc/loadavg), $rounds rounds, medians"
echo "| what | seconds | ratio | gate | |"
echo "|---|---|---|---|---|"
for f in syn whole; do
	: > "$dir/bare"; : > "$dir/ours"; : > "$dir/stored"
	for _ in $(seq $rounds); do
		seconds "$dir/count" "$dir/$f.pcap" >> "$dir/bare"
		"$dir/replay" "$dir/mxtrap.conf" "$dir/$f.pcap" > "$dir/out"
		cut -d' ' -f1 "$dir/out" >> "$dir/ours"
		rm -rf "$dir/state"
		seconds "$build/mxtrapd" -c "$dir/mxtrap.conf" -r "$dir/$f.pcap" >> "$dir/stored"
	done
	bare=$(median < "$dir/bare") ours=$(median < "$dir/ours") stored=$(median < "$dir/stored")
	echo "| $f: bare pcap_loop | $bare | 1 | | |"
	r=$(ratio "$ours" "$bare"); echo "| $f: packet to verdict | $ours | $r x the bare loop | 8 | $(verdict "$r" '<=' 8) |"
	r=$(ratio "$stored" "$bare"); echo "| $f: with the store | $stored | $r x the bare loop | 12 | $(verdict "$r" '<=' 12) |"
done
bytes=$(cut -d' ' -f2 "$dir/out")
echo "| memory at $senders senders | | $bytes bytes a sender, all tables | 150 at 10 M | |"
ours=$(for _ in $(seq $rounds); do "$dir/replay" "$dir/mxtrap.conf" "$dir/slice.pcap" | cut -d' ' -f1; done | median)
dump=$(for _ in $(seq $rounds); do seconds tcpdump -nn -r "$dir/slice.pcap"; done | median)
r=$(ratio "$dump" "$ours"); echo "| slice: tcpdump -nn -r | $dump | we are $r x as fast | 19 | $(verdict "$r" '>=' 19) |"
peer=$(seconds p0f -r "$dir/slice.pcap" -o "$dir/p0f.log")
r=$(ratio "$peer" "$ours"); echo "| slice: p0f -r | $peer | we are $r x as fast | 45 | $(verdict "$r" '>=' 45) |"
tests/bench/state.sh "$build"
tests/bench/outlets.sh "$build"
tests/bench/live.sh "$build"
tests/bench/api.sh "$build"
tests/bench/decoy.sh "$build"
tests/bench/web.sh "$build"
