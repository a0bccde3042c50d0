#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# soak.sh [BUILD] [SECONDS] [RATE] [MAX-SIZE] - handshakes at two decoys without a pause: what it costs in memory and on the disk.
#
# make soak: 600 s, 2,000 connections a second of 1,000 addresses, max-size 64MiB, so that the bound is reached.  One decoy is
# shown by the wire, the other by its accept() alone.  Each 30 s a row: memory of watch, the database and its log, rows by
# table, how old the status is.  At its end, and on the way, a listing by hand must be exported.  Two network namespaces of
# its own; needs root.
set -u
BUILD=$(realpath "${1:-build}")
SPAN=${2:-600} RATE=${3:-2000} MAX=${4:-64MiB}
cd "$(dirname "$0")/../.." || exit 2
PATH=$PATH:/usr/sbin:/sbin
. tests/lib/check.inc
. tests/lib/ns.inc
. tests/lib/users.inc
lab soak mx out
users_make
mx() { ip netns exec "$P-mx" "$@"; }
out() { ip netns exec "$P-out" "$@"; }
${CC:-cc} -O2 -o "$DIR/connect" tests/bench/connect.c || exit 1
ip link add eth0 netns "$P-mx" type veth peer name eth0 netns "$P-out"
out ip addr add 198.51.100.1/24 dev eth0
for ns in mx out; do "$ns" ip link set lo up; "$ns" ip link set eth0 up; done
for a in 20 30 31; do mx ip addr add 198.51.100.$a/24 dev eth0; done
mx ip route add 198.18.0.0/16 via 198.51.100.1
out ip route add local 198.18.0.0/16 dev lo
mx sysctl -qw net.core.somaxconn=4096 net.ipv4.tcp_max_syn_backlog=8192
cat >"$DIR/conf" <<C
interface = "eth0"
state-dir = "$DIR/state"
probe = no
publish = yes
publish-after = "0s"
mx-set "soak.example" {
    domains = { "soak.example" }
    exchanger "mx1.soak.example" { preference = 20  role = "real"  addresses = { "198.51.100.20" } }
    exchanger "mx8.soak.example" { preference = 80  role = "bogus"  answer = "reset"  addresses = { "198.51.100.30" } }
    exchanger "mx9.soak.example" { preference = 90  role = "bogus"  answer = "reset"  witness = "none"  addresses = { "198.51.100.31" } }
}
allow { special-purpose = no }
store { max-size = "$MAX" }
judge { start-grace = "0s" }
C
"${AS_INSTALLED[@]}" ip netns exec "$P-mx" "$BUILD/mxtrapd" -c "$DIR/conf" >"$DIR/log" 2>&1 &
PID=$!
ready() { grep -q "all processes are ready" "$DIR/log"; }
check "mxtrapd is ready" wait_for 20000 ready
[ $FAILED = 0 ] || { cat "$DIR/log"; exit 1; }
cli() { mx "$BUILD/mxtrap" -c "$DIR/conf" "$@"; }
sql() { sqlite3 -readonly -cmd '.timeout 5000' "$DIR/state/mxtrap.db" "$1"; }
WATCH=$(ps -eo pid,ppid,args | awk -v p="$PID" '$2 == p && /watch/ { print $1; exit }')
check "watch is found" test -n "$WATCH"
rss() { awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$WATCH/status"; }
mb() { stat -c %s "$1" 2>/dev/null | awk '{ printf "%.1f", $1 / 1048576 }'; }
exported() { cli export plain 2>/dev/null | grep -q "^$1"; }
cli block 203.0.113.99 --for 30d >/dev/null
check "what is listed by hand is exported" wait_for 10000 exported 203.0.113.99

echo "| s | connections | watch MB | database MB | log MB | attempts | events | evidence | visits | senders | lost | dropped | status s old |"
echo "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
row() {
	echo "| $(($(date +%s) - T0)) | $sent | $(rss) | $(mb "$DIR/state/mxtrap.db") | $(mb "$DIR/state/mxtrap.db-wal") | $(sql "SELECT
	    (SELECT count(*) FROM attempt) || ' | ' || (SELECT count(*) FROM event) || ' | ' || (SELECT count(*) FROM evidence) || ' | ' ||
	    (SELECT count(*) FROM visit) || ' | ' || (SELECT count(*) FROM sender) || ' | ' ||
	    (SELECT value FROM status WHERE name = 'rows_lost') || ' | ' || (SELECT value FROM status WHERE name = 'rows_dropped') || ' | ' ||
	    (strftime('%s') - (SELECT value FROM status WHERE name = 'clock'))") |"
}
T0=$(date +%s) sent=0 shown=0 oldest=0
row
before=$(rss)
while [ $(($(date +%s) - T0)) -lt "$SPAN" ]; do
	second=$(date +%s%N)
	for a in 30 31; do
		out "$DIR/connect" 198.51.100.$a 25 $((RATE / 2)) 500 knock >/dev/null 2>&1
		sent=$((sent + RATE / 2))
	done
	age=$(sql "SELECT strftime('%s') - value FROM status WHERE name = 'clock'")
	[ "${age:-999}" -le "$oldest" ] || oldest=${age:-999}
	if [ $(($(date +%s) - T0 - shown)) -ge 30 ]; then
		shown=$(($(date +%s) - T0))
		row
		exported 203.0.113.99 || check "it is exported after $shown s" false
	fi
	left=$(((second + 1000000000 - $(date +%s%N)) / 1000000))
	[ $left -le 0 ] || sleep "$(printf '0.%03d' $left)"
done
row
after=$(rss)
echo "     watch: $before MB before, $after MB after; the status was $oldest s old at most"
check "the status was never older than a minute" test "$oldest" -le 60
check "an allowance is taken" cli allow 203.0.113.98 --for 1d
check "a listing by hand, too" cli block 203.0.113.97 --for 30d
check "and is exported" wait_for 10000 exported 203.0.113.97
kill -TERM "$PID"
wait "$PID"
[ $FAILED = 0 ] || tail -30 "$DIR/log"
exit $FAILED
