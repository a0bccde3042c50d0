#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# full.sh [BUILD] - a disk that somebody fills under the running daemon: decisions and the list go on, outlets serve the
# last good list beyond ten minutes, and with room again all is as before within a minute.
#
# Readers are given another time with faketime, where it is there: they go by watch's, which is alive.  In a network and a
# mount namespace of its own.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
HERE=$(realpath "$(dirname "$0")/../..")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
lab_end() { mountpoint -q "$DIR/small" && umount "$DIR/small"; }
lab full mx out
users_make
mx() { ip netns exec "$P-mx" "$@"; }
out() { ip netns exec "$P-out" "$@"; }
ip link add eth0 netns "$P-mx" type veth peer name eth0 netns "$P-out"
out ip addr add 198.51.100.1/24 dev eth0
for ns in mx out; do "$ns" ip link set lo up; "$ns" ip link set eth0 up; done
for a in 10 20 30; do mx ip addr add 198.51.100.$a/24 dev eth0; done
mx ip route add 198.18.0.0/16 via 198.51.100.1
out ip route add local 198.18.0.0/16 dev lo
mkdir "$DIR/small"
mount -t tmpfs -o size=24m,mode=755 tmpfs "$DIR/small" || { echo "full: SKIP, no tmpfs"; exit 77; }
cat >"$DIR/conf" <<END
interface = "eth0"
state-dir = "$DIR/small/state"
publish = yes
publish-after = "0s"
probe = no
mx-set "trap.example" {
    domains = { "trap.example" }
    exchanger "mx0" { preference = 10 role = "nolisting" addresses = { "198.51.100.10" } }
    exchanger "mx1" { preference = 20 role = "real" addresses = { "198.51.100.20" } }
    exchanger "mx9" { preference = 90 role = "bogus" answer = "reset" addresses = { "198.51.100.30" } }
}
allow { special-purpose = no }
judge { start-grace = "0s"  false-listing = 0.01  list-on = "proven" }
web { listen = "127.0.0.1:8725" }
dnsbl { listen = "127.0.0.1:53" zone = "bl.trap.example" }
END
"${AS_INSTALLED[@]}" ip netns exec "$P-mx" "$BUILD/mxtrapd" -c "$DIR/conf" >"$DIR/log" 2>&1 &
PID=$!
said() { grep -q -- "$1" "$DIR/log"; }
cli() { mx "$BUILD/mxtrap" -c "$DIR/conf" "$@"; }
bot() { out python3 "$HERE/deploy/demo/bot.py" backup-first "$1" >/dev/null; }
exported() { cli export plain 2>/dev/null | grep -q "^$1"; }
over_http() { mx curl -s -m 20 http://127.0.0.1:8725/export/plain | grep -q "^$1"; }
in_dns() { # address: a question of type A without anything beside it
	mx python3 -c 'import socket, struct, sys
name = ".".join(reversed(sys.argv[1].split("."))) + ".bl.trap.example"
q = struct.pack(">HHHHHH", 7, 256, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0\0\1\0\1"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(20); s.sendto(q, ("127.0.0.1", 53))
a = s.recv(512); sys.exit(0 if a[3] & 15 == 0 and a[-4:-1] == bytes([127, 0, 0]) else 1)' "$1"
}
status_says() { cli status | grep -qE -- "$1"; }
check "mxtrapd is ready" wait_for 20000 said "all processes are ready"
bot 198.18.1.66
check "a bot is listed" wait_for 4000 exported 198.18.1.66
check "and by DNS" wait_for 4000 in_dns 198.18.1.66
check "a part of the disk is kept as a reserve" test "$(stat -c %s "$DIR/small/state/mxtrap.reserve")" -ge 1000000

head -c 100m /dev/zero >"$DIR/small/ballast" 2>/dev/null
n=20
until said 'disk is full' || said 'cannot write' || [ $n = 250 ]; do	# the log takes what it has first
	n=$((n + 1))
	bot 198.18.$n.66
done
check "it says that the disk is full" wait_for 5000 status_says "is full"
check "watch goes on" test "$(pgrep -P "$PID" -cf -- "--role watch ")" = 1
bot 198.18.2.66
check "who comes to the backup first is listed all the same" wait_for 8000 exported 198.18.2.66
check "and handed out over HTTP" wait_for 4000 over_http 198.18.2.66
check "and by DNS, too" wait_for 4000 in_dns 198.18.2.66
check "as who was listed before" in_dns 198.18.1.66
check "an allowance is taken" cli allow 203.0.113.5 --for 1d
check "a listing by hand, too" cli block 203.0.113.6 --for 30d
check "and exported" wait_for 4000 exported 203.0.113.6
check "a token is made" cli token add full --scope export
check "what was allowed is shown" eval 'cli list --allowed | grep -q 203.0.113.5'
check "the last good list is over HTTP" over_http 198.18.1.66
if command -v faketime >/dev/null; then
	for step in +20m +1d +3650d -3650d; do
		later() { FAKETIME_DONT_FAKE_MONOTONIC=1 mx faketime -f "$step" "$BUILD/mxtrap" -c "$DIR/conf" export plain; }
		check "with the clock at $step the command exports the same" eval 'later 2>/dev/null | grep -q "^198.18.1.66"'
	done
fi

rm -f "$DIR/small/ballast"
check "with room it stores again within a minute" try_for 60000 said 'storing again'
healthy() { ! cli status | grep -q 'is full'; }
check "and says so no longer" try_for 60000 healthy
reserve() { [ "$(stat -c %s "$DIR/small/state/mxtrap.reserve")" -ge 1000000 ]; }
check "its reserve is taken again" wait_for 5000 reserve
check "nothing was lost" said 'rows lost so far: 0'
kill -TERM "$PID"
wait "$PID"
[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -40 "$DIR/log"; }
exit $FAILED
