#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill.sh [BUILD] - kill -9 at any point, and no consumer is left with half a list.
#
# 20,000 listed senders.  While consumers fetch the list, web is killed: what curl calls complete is whole, and
# what is in place is always whole.  lookup and firewall are killed while they take the list in: they
# claim nothing that is not listed, and have all of it afterwards.  watch is killed while the list moves: the
# changes since a state, applied to that state, are the list.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
HERE=$(realpath "$(dirname "$0")/../..")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
N=20000
lab halves mx
users_make
NS=$P-mx
in_ns() { ip netns exec $NS "$@"; }
mxtrap() { in_ns "$BUILD/mxtrap" -c "$DIR/conf" "$@"; }
get() { in_ns curl -sS -f -m 20 "$@" 2>/dev/null; }
starts() { grep -c "mxtrapd: $1 is ready" "$DIR/log"; }
kill9() { # process: and wait until another one has begun
	local before
	before=$(starts "$1")
	kill -9 "$(sed -n "s/.*mxtrapd: $1 is ready (pid \([0-9]*\)).*/\1/p" "$DIR/log" | tail -1)"
	wait_for 8000 eval "[ \"\$(starts $1)\" -gt $before ]"
}

mkdir -p "$DIR/state"
cat >"$DIR/conf" <<-END
interface = "eth0"
state-dir = "$DIR/state"
publish = yes
publish-after = "0s"
mx-set "trap.example" {
    domains = { "trap.example" }
    exchanger "mx0" { preference = 10 role = "nolisting" addresses = { "198.51.100.10" } }
    exchanger "mx1" { preference = 20 role = "real" addresses = { "198.51.100.20" } }
    exchanger "mx9" { preference = 90 role = "bogus" addresses = { "198.51.100.30" } }
}
allow { special-purpose = no }
probe = no
web { }
dnsbl { listen = "127.0.0.1:5353" zone = "bl.trap.example" }
firewall { backend = "nftables" }
END
link="-Wl,--start-group $BUILD/export.a $BUILD/store.a $BUILD/base.a $BUILD/core.a -Wl,--end-group $(pkg-config --libs sqlite3) -lm -lpthread"
# shellcheck disable=SC2086
(cd "$HERE" && cc -O1 -std=c11 -D_GNU_SOURCE -Iinclude -o "$DIR/store" tests/bench/store.c $link) || { echo "FAIL the list's maker builds"; exit 1; }
"$DIR/store" "$DIR/conf" $N 1000 >/dev/null 2>&1
in_ns ip link set lo up
# What the kernel has taken it delivers, whoever died: let it take little.
in_ns sysctl -qw net.ipv4.tcp_wmem="4096 16384 16384" net.ipv4.tcp_rmem="4096 16384 16384"
in_ns ip link add eth0 type veth peer name eth1
in_ns ip link set eth0 up
in_ns ip link set eth1 up
"${AS_INSTALLED[@]}" ip netns exec "$NS" "$BUILD/mxtrapd" -c "$DIR/conf" >"$DIR/log" 2>&1 &
PID=$!
wait_for 15000 grep -q "all processes are ready" "$DIR/log" || { echo "FAIL mxtrapd is ready"; cat "$DIR/log"; exit 1; }
check "the whole list is there" wait_for 5000 eval '[ "$(get http://127.0.0.1:8725/export/plain | grep -vc "^#")" = $N ]'

# --- web -----------------------------------------------------------------------------------

whole() { # what a consumer has in place: all entries, and the format's own end
	case $2 in
	plain) [ "$(grep -vc '^#' "$1")" = $N ] ;;
	ndjson) tail -1 "$1" | grep -q '"type":"metadata"' && [ "$(wc -l <"$1")" = $((N + 1)) ] ;;
	nftables) in_ns nft -c -f "$1" 2>/dev/null ;;
	esac
}
broken=0 cut=0 fetched=0
for i in 1 2 3 4 5 6; do
	set -- plain ndjson nftables
	shift $((i % 3))
	format=$1
	(in_ns curl -sS -f -m 20 --limit-rate 1M "http://127.0.0.1:8725/export/$format" -o "$DIR/$format.new" 2>/dev/null &&
		mv "$DIR/$format.new" "$DIR/$format" && touch "$DIR/fetched.$i") &
	fetch=$!
	sleep 0.$((i * 37 % 60 + 10))	# any point of it
	kill9 web
	wait $fetch
	if [ -e "$DIR/fetched.$i" ]; then fetched=$((fetched + 1)); else cut=$((cut + 1)); fi
	[ ! -e "$DIR/$format" ] || whole "$DIR/$format" $format || broken=$((broken + 1))
done
echo "     web killed 6 times: $cut transfers cut, $fetched complete"
check "a transfer that was cut is no transfer to curl" test $cut -gt 0
check "what is in place is always whole" test $broken = 0
wait_for 3000 get -o /dev/null http://127.0.0.1:8725/healthz
for format in plain ndjson nftables; do
	get "http://127.0.0.1:8725/export/$format" -o "$DIR/$format"
	check "$format is whole again" whole "$DIR/$format" $format
done

# --- lookup, firewall: while they take the list in -------------------------------------------

ONE=$(grep -v '[#:]' "$DIR/plain" | head -1)
reverse() { echo "$1" | awk -F. '{ print $4 "." $3 "." $2 "." $1 }'; }
dns() { in_ns dig +short +tries=1 +time=5 -p 5353 @127.0.0.1 "$(reverse "$1").bl.trap.example"; }
wrong=0
for _ in 1 2 3; do
	kill9 lookup
	for _ in 1 2 3 4 5; do
		case $(dns "$ONE") in ""|127.0.0.*|";;"*) ;; *) wrong=$((wrong + 1)) ;; esac
		case $(dns 192.0.2.250) in ""|";;"*) ;; *) wrong=$((wrong + 1)) ;; esac
	done
done
check "lookup that is killed while it loads claims nobody who is not listed" test $wrong = 0
check "and knows all in the end" wait_for 5000 eval '[ "$(dns "$ONE")" = 127.0.0.3 ]'
in_kernel() { in_ns nft list set inet mxtrapd host4 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+' | sort -u; }
for _ in 1 2; do
	kill9 firewall
	sleep 0.1	# into the filling
done
kill9 firewall
grep -v '[#:]' "$DIR/plain" | sort -u >"$DIR/want"
filled() { in_kernel | cmp -s - "$DIR/want"; }
check "firewall that is killed while it fills has all in the end, and nobody else" wait_for 20000 filled

# --- watch: while the list moves ---------------------------------------------------------------

get "http://127.0.0.1:8725/export/ndjson" -o "$DIR/before"
state=$(get http://127.0.0.1:8725/api/v1/status | jq -r '"\(.generation):\(.serial)"')
for a in $(head -25 "$DIR/want"); do
	mxtrap allow "$a" >/dev/null 2>&1 &
	[ $((RANDOM % 8)) != 0 ] || kill9 watch
done
for p in $(jobs -p); do [ "$p" = $PID ] || wait "$p"; done
kill9 watch
check "watch is back" wait_for 8000 eval 'mxtrap status >/dev/null 2>&1 || [ $? = 1 ]'
sleep 0.3
folds() {
	get "http://127.0.0.1:8725/export/changes?since=$state" -o "$DIR/changes" && get http://127.0.0.1:8725/export/ndjson -o "$DIR/after" &&
	python3 - "$DIR" >"$DIR/folds" <<-'END'
	import json, sys
	where = sys.argv[1]
	def rows(name): return [json.loads(l) for l in open(f"{where}/{name}")]
	have = {r["cidr"] for r in rows("before") if "cidr" in r}
	for r in rows("changes"):
	    if "cidr" in r: (have.add if r["state"] == "listed" else have.discard)(r["cidr"])
	want = {r["cidr"] for r in rows("after") if "cidr" in r}
	print("only by the changes:", sorted(have - want)[:5], "only in the list:", sorted(want - have)[:5], len(want))
	sys.exit(have != want or len(want) < 19000)
	END
}
check "the changes since a state, applied to it, are the list" wait_for 5000 folds
[ $FAILED = 0 ] || { echo "since $state:"; in_ns curl -s -m 5 -o /dev/null -w "%{http_code}" "http://127.0.0.1:8725/export/changes?since=$state"; cat "$DIR/folds"; grep -n "DATABASE\|grew\|killed by\|is ready" "$DIR/log"; sqlite3 -readonly "$DIR/state/mxtrap.db" "SELECT printf('%016x', generation), serial, horizon, n_listed FROM meta"; }
check "the kernel has what the list has" wait_for 20000 eval \
    'get http://127.0.0.1:8725/export/plain | grep -v "[#:]" | sort -u >"$DIR/want"; filled'

kill $PID
wait $PID
STATUS=$?
check "it ends in order ($STATUS)" test $STATUS = 0
[ $FAILED = 0 ] || tail -30 "$DIR/log"
exit $FAILED
