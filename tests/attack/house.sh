# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# house.sh - what the attacks have in common: the demo's small internet with an attacker on the
# wire to the victim.  Source it with NAME set; then house_up.
set -u
BUILD=$(realpath "${1:-build}")
P=mxtrap-$NAME-$$
DIR=
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../../deploy/demo/net.sh"
. "$HERE/../lib/check.inc"
. "$HERE/../lib/users.inc"

why=$(net_usable) || { echo "$NAME: SKIP, $why"; exit 77; }
command -v postfix >/dev/null || { echo "$NAME: SKIP, no Postfix"; exit 77; }
finish() {
	trap - EXIT INT TERM
	net_down >/dev/null 2>&1
	wait 2>/dev/null
	rm -rf "$DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM
DIR=$(mktemp -d "/tmp/mxtrap-$NAME.XXXXXX")
chmod 755 "$DIR"
users_make

# house_up [JUDGE KEYS]: all of it runs, and an honest Postfix has delivered.
house_up() {
	${CC:-cc} -O2 -o "$DIR/forge" "$HERE/forge.c" || exit 1
	net_up
	# What nobody has is lost on the way, as on the internet.
	in_ns net ip route add blackhole default
	in_ns net ip -6 route add blackhole default
	MAC=$(in_ns mx cat /sys/class/net/eth0/address)
	dns_start
	sink_start
	trap_config "$DIR/mxtrap.conf" "fallback-window = \"60s\"  visit-gap = \"4s\"  ${1:-}"
	trap_start
	postfix_start
	check "mxtrapd is ready" wait_for 20000 trap_ready
	check "and the web process" wait_for 10000 trap_web_ready
	check "the real MX is up" wait_for 10000 sink_ready
	check "the honest Postfix is up" wait_for 20000 postfix_ready
	MAILS=0
	more_mail 1
	check "the honest Postfix delivers" wait_for 20000 all_arrived
	[ $FAILED = 0 ] || { tail -20 "$DIR"/*.log; exit 1; }
}
more_mail() { for _ in $(seq "$1"); do MAILS=$((MAILS + 1)); mail_send $MAILS; done; }
all_arrived() { [ "$(mails_arrived)" = $MAILS ]; }
forge() { in_ns net "$DIR/forge" "$@"; }		# on the wire to the victim: interface "mx"
# counter NAME: of mxtrapd, as it says it to Prometheus.
counter() { in_ns mx curl -s -m 20 http://127.0.0.1:8725/metrics | awk -v n="mxtrap_$1" '$1 == n { printf "%.0f\n", $2; found = 1 } END { if (!found) print 0 }'; }
# n_ever STATE: senders that were ever in this state, by the log of the list.
n_ever() {
	python3 - "$DIR/state/mxtrap.db" "$1" <<-'END'
	import sqlite3, sys
	db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
	n = {"suspect": 3, "listed": 4}[sys.argv[2]]
	print(db.execute("SELECT count(DISTINCT sender) FROM list_change WHERE new_state = ?", (n,)).fetchone()[0])
	END
}
# score_of ADDRESS: with one digit; 0 if it is not known.
score_of() {
	in_ns mx curl -s -m 20 "http://127.0.0.1:8725/api/v1/senders/$1" | python3 -c '
import json, sys
try: print("%.1f" % json.load(sys.stdin)["entries"][0]["score"])
except Exception: print("0.0")'
}
no_worse() { awk -v was="$1" -v now="$2" 'BEGIN { exit !(now <= was) }'; }
# rss_mb: of the watch process, all that is resident.
rss_mb() {
	local pid
	for pid in $(in_ns mx pgrep -P "$TRAP_PID"); do awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status"; done | sort -n | tail -1
}
house_down() {
	kill -TERM "$TRAP_PID"
	wait_for 5000 gone "$TRAP_PID"
	wait "$TRAP_PID"
	[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -30 "$DIR/mxtrapd.log"; }
	exit $FAILED
}
