#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# site.sh [BUILD] - hosts as sites have them, and what goes wrong there.
#
# The users of the package; a Postfix that holds port 25 of every address; an address that
# the host has not; VLANs; an interface that is renamed; a damaged, a newer database; a
# full disk.  In two network namespaces and a mount namespace of its own.  Needs root; 77:
# skipped.
set -u
BUILD=$(realpath "${1:-build}")
HERE=$(realpath "$(dirname "$0")/../..")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
lab_end() { mountpoint -q "$DIR/small" && umount "$DIR/small"; }
lab site mx out
users_make
PID=

mx() { ip netns exec "$P-mx" "$@"; }
out() { ip netns exec "$P-out" "$@"; }

# --- the two hosts ----------------------------------------------------------------------

link_up() { # the wire between them, and the addresses of the domain
	ip link add eth0 netns "$P-mx" type veth peer name eth0 netns "$P-out"
	out ip addr add 198.51.100.1/24 dev eth0
	out ip addr add 2001:db8:51::1/64 dev eth0 nodad
	out ip link set eth0 up
	mx ip link set eth0 up
	for a in 10 20 30; do
		mx ip addr add 198.51.100.$a/24 dev eth0
		mx ip addr add 2001:db8:51::$a/64 dev eth0 nodad
	done
	mx ip route add 198.18.0.0/16 via 198.51.100.1
}
mx ip link set lo up
out ip link set lo up
out ip route add local 198.18.0.0/16 dev lo
link_up
bot() { out python3 "$HERE/deploy/demo/bot.py" backup-first "$1"; }

config() { # state directory, interface
	cat >"$DIR/conf" <<-END
	interface = "${2:-eth0}"
	state-dir = "$1"
	mx-set "trap.example" {
	    domains = { "trap.example" }
	    exchanger "mx0" { preference = 10 role = "nolisting" addresses = { "198.51.100.10", "2001:db8:51::10" } }
	    exchanger "mx1" { preference = 20 role = "real" addresses = { "198.51.100.20", "2001:db8:51::20" } }
	    exchanger "mx9" { preference = 90 role = "bogus" answer = "reset" addresses = { "198.51.100.30", "2001:db8:51::30" } }
	}
	allow { special-purpose = no }
	judge { start-grace = "0s"  false-listing = 0.01  list-on = "proven"  visit-gap = "10s"  fallback-window = "60s" }
	web { listen = "127.0.0.1:8725" }
	${3:-}
	END
}
said() { grep -q -- "$1" "$DIR/log"; }
ended() { ! kill -0 "$PID" 2>/dev/null; }
run() { # mxtrapd with the users
	: >"$DIR/log"
	"${AS_INSTALLED[@]}" ip netns exec "$P-mx" "$BUILD/mxtrapd" -c "$DIR/conf" >>"$DIR/log" 2>&1 &
	PID=$!
}
start() { run; wait_for 20000 said "all processes are ready" || { bad "mxtrapd is ready"; cat "$DIR/log"; exit 1; }; }
stop() { kill -TERM "$PID"; wait "$PID"; }
cli() { mx "$BUILD/mxtrap" -c "$DIR/conf" "$@"; }
listed() { cli list --format plain | grep -qF "$1"; }
seen() { cli list --all --format plain | grep -qF "$1"; }
status_says() { cli status | grep -qE -- "$1"; }

# --- who may do what --------------------------------------------------------------------

config "$DIR/state"
start
uid_of() { stat -c %u "/proc/$(pgrep -P "$PID" -f -- "--role $1 ")"; }
check "watch runs as mxtrap" test "$(uid_of watch)" = $MXTRAP_UID
check "decoy runs as mxtrap-net" test "$(uid_of decoy)" = $NET_UID
check "web runs as mxtrap-net" test "$(uid_of web)" = $NET_UID
caps() { sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$(pgrep -P "$PID" -f -- "--role $1 ")/status"; }
check "decoy and web have no capability" test "$(caps decoy)$(caps web)" = 00000000000000000000000000000000
check "watch has CAP_NET_RAW alone" test "$(caps watch)" = 0000000000002000
net_may() { # test letter, file
	mx setpriv --reuid $NET_UID --regid $NET_UID --groups $MXTRAP_UID test "$1" "$2"
}
for f in mxtrap.db mxtrap.db-wal mxtrap.db-shm; do
	check "mxtrap-net may read $f" net_may -r "$DIR/state/$f"
	check "and not write it" sh -c '! "$@"' - ip netns exec "$P-mx" setpriv --reuid $NET_UID --regid $NET_UID --groups $MXTRAP_UID \
	    test -w "$DIR/state/$f"
done
check "nor tell watch anything" sh -c '! "$@"' - ip netns exec "$P-mx" setpriv --reuid $NET_UID --regid $NET_UID --groups $MXTRAP_UID \
    test -w "$DIR/state/control.sock"
check "nor make a file there" sh -c '! "$@" 2>/dev/null' - setpriv --reuid $NET_UID --regid $NET_UID --groups $MXTRAP_UID touch "$DIR/state/x"
check "another user cannot read at all" sh -c '! "$@"' - setpriv --reuid $FW_UID --regid $FW_UID --clear-groups \
    test -r "$DIR/state/mxtrap.db"
bot 198.18.1.66
check "and with these users a bot is listed" wait_for 4000 listed 198.18.1.66
listed_over_http() { [ "$(mx curl -s -m 20 -o /dev/null -w '%{http_code}' "http://127.0.0.1:8725/api/v1/check/$1")" = 200 ]; }
check "over HTTP too" wait_for 2000 listed_over_http 198.18.1.66

# --- an interface that goes and comes ----------------------------------------------------

knock() { # one SYN to the backup, or two
	out python3 -c 'import socket, sys
s = socket.socket(); s.bind((sys.argv[1], 0)); s.settimeout(0.2); s.connect_ex(("198.51.100.30", 25))' "$1"
}
known() { [ "$(mx curl -s -m 20 -o /dev/null -w '%{http_code}' "http://127.0.0.1:8725/api/v1/senders/$1")" = 200 ]; }
until_watched() { # address prefix: the ms until somebody is seen
	local n t0
	t0=$(now_ms)
	for n in $(seq 40); do
		knock "$1.$n"
		for k in $(seq "$n"); do known "$1.$k" && { echo $(($(now_ms) - t0)); return; }; done
	done
	echo 99999
}
: >"$DIR/log"
mx ip link set eth0 down
mx ip link set eth0 name old0
mx ip link set old0 up
sleep 1			# long enough to be missed
mx ip link set old0 down
mx ip link set old0 name eth0
mx ip link set eth0 up
for a in 10 20 30; do mx ip addr add 2001:db8:51::$a/64 dev eth0 nodad 2>/dev/null; done
mx ip route add 198.18.0.0/16 via 198.51.100.1 2>/dev/null
ms=$(until_watched 198.18.2)
check "an interface renamed and named back is watched ($ms ms)" fast 5000 "$ms"
mx ip link set eth0 down
sleep 1
mx ip link set eth0 up
mx ip route add 198.18.0.0/16 via 198.51.100.1 2>/dev/null
ms=$(until_watched 198.18.3)
check "one that was down too ($ms ms)" fast 5000 "$ms"
mx ip link del eth0
sleep 1
link_up
ms=$(until_watched 198.18.4)
check "one deleted and made anew too ($ms ms)" fast 5000 "$ms"
lines=$(grep -c eth0 "$DIR/log")
check "and the log has at most 6 lines of it a minute ($lines)" test "$lines" -le 6
stop

# --- port 25 is held --------------------------------------------------------------------

mkdir -p "$DIR/postfix/etc" "$DIR/postfix/queue" "$DIR/postfix/data"
chown postfix "$DIR/postfix/data"
cat >"$DIR/postfix/etc/main.cf" <<-END
compatibility_level = 3.6
queue_directory = $DIR/postfix/queue
data_directory = $DIR/postfix/data
myhostname = mx1.trap.example
mydestination =
inet_interfaces = all
inet_protocols = all
alias_maps =
alias_database =
maillog_file = $DIR/postfix/maillog
maillog_file_prefixes = $DIR
END
printf 'smtp inet n - n - - smtpd\npostlog unix-dgram n - n - 1 postlogd\n' >"$DIR/postfix/etc/master.cf"
mx postfix -c "$DIR/postfix/etc" start-fg >"$DIR/postfix.log" 2>&1 &
POSTFIX=$!
holds() { [ "$(mx ss -Hltn 'sport = 25' | wc -l)" -ge 2 ]; }
check "a Postfix holds port 25 of every address" wait_for 10000 holds
mx ip addr del 2001:db8:51::30/64 dev eth0
start
check "its name is said, and the setting" said '198.51.100.30:25 is held by master (pid [0-9]*); Postfix: set inet_interfaces'
check "of the nolisting decoy too" said '198.51.100.10:25 is held by master.*must refuse'
check "over IPv6 too" said '2001:db8:51::10.:25 is held by master.*inet_interfaces'
check "an address that the host has not is said" said '2001:db8:51::30.:25: this host does not have the address'
check "mxtrap status has the setting" wait_for 4000 status_says '^! 198.51.100.30:25 is held by master .*inet_interfaces to its own addresses'
check "and the address" status_says '^! .2001:db8:51::30.:25: this host does not have'
check "the rest runs" test "$(mx curl -s -m 20 -o /dev/null -w '%{http_code}' http://127.0.0.1:8725/healthz)" = 200
mx ip addr add 2001:db8:51::30/64 dev eth0 nodad
mx postfix -c "$DIR/postfix/etc" stop >>"$DIR/postfix.log" 2>&1
wait $POSTFIX 2>/dev/null
check "the port is had when it is free" wait_for 14000 said '198.51.100.30:25 can be had now'
check "the address when it is there" wait_for 14000 said '2001:db8:51::30.:25 can be had now'
nothing_wrong() { ! status_says '^! .*(held|not have)'; }
check "and status forgets them" wait_for 4000 nothing_wrong
stop

# --- a database that is not ours ----------------------------------------------------------

# Some bytes in the middle are not what they were.
dd if=/dev/urandom of="$DIR/state/mxtrap.db" bs=4096 seek=1 count=3 conv=notrunc 2>/dev/null
start
check "a damaged database is set aside, loudly" said 'warning.*mxtrap.db.*set aside'
set_aside() { ls "$DIR"/state/mxtrap.db.corrupt-* >/dev/null 2>&1; }
check "and kept" set_aside
check "status says so" wait_for 4000 status_says '^[!-] The database was damaged'
bot 198.18.5.66
check "and a new one takes what is seen" wait_for 4000 known 198.18.5.66
stop
sqlite3 "$DIR/state/mxtrap.db" 'PRAGMA user_version = 999' >/dev/null
before=$(sha256sum "$DIR"/state/mxtrap.db*)
run
check "with a newer database nothing runs" wait_for 10000 ended
ended || kill -TERM "$PID"
wait "$PID"
check "which is an error" test $? = 3
check "it says so" said 'newer'
check "and touches nothing" test "$(sha256sum "$DIR"/state/mxtrap.db*)" = "$before"

# --- VLANs ------------------------------------------------------------------------------

# This needs no VLAN driver: the wire carries what is put on it.
tagged() { # address, tags...: its SYN to the backup
	out python3 - "$(mx cat /sys/class/net/eth0/address)" "$@" <<-'END'
	import socket, struct, sys
	mac, src, tags = sys.argv[1], sys.argv[2], [int(t) for t in sys.argv[3:]]
	def total(b):
	    n = sum(struct.unpack(f"!{len(b) // 2}H", b))
	    n = (n >> 16) + (n & 0xFFFF)
	    return ~((n >> 16) + n) & 0xFFFF
	a, d = socket.inet_aton(src), socket.inet_aton("198.51.100.30")
	tcp = struct.pack("!HHIIBBHHHBBH", 40000, 25, 1000, 0, 6 << 4, 2, 64240, 0, 0, 2, 4, 1460)
	tcp = tcp[:16] + struct.pack("!H", total(a + d + struct.pack("!HH", 6, len(tcp)) + tcp)) + tcp[18:]
	ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 7, 0x4000, 64, 6, 0) + a + d
	ip = ip[:10] + struct.pack("!H", total(ip)) + ip[12:]
	f = bytes.fromhex(mac.replace(":", "")) + b"\2\0\0\0\0\1"
	for n, t in enumerate(tags):
	    f += struct.pack("!HH", 0x88A8 if n == 0 and len(tags) > 1 else 0x8100, t)
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind(("eth0", 0))
	s.send(f + b"\x08\0" + ip + tcp)
	END
}
for i in eth0 any; do
	rm -rf "$DIR/state"
	config "$DIR/state" $i
	start
	tagged 198.18.6.1 7
	check "a tagged frame is an attempt on $i" wait_for 10000 known 198.18.6.1
	[ $i = any ] && { stop; break; }	# frames with two tags never come to a cooked capture here
	tagged 198.18.7.1 7 8
	check "one with two tags too" wait_for 10000 known 198.18.7.1
	check "each is one" status_says 'connection attempts +2$'
	stop
done

# --- a full disk --------------------------------------------------------------------------

mkdir "$DIR/small"
mount -t tmpfs -o size=8m,mode=755 tmpfs "$DIR/small"
config "$DIR/small/state"
start
head -c 10m /dev/zero >"$DIR/small/ballast" 2>/dev/null
full() { said 'disk is full'; }
n=0
until full || [ $n = 100 ]; do
	n=$((n + 1))
	bot "198.18.$((n + 20)).66" >/dev/null
done
check "a full disk is said in the log ($n bots)" full
check "and shown by mxtrap status" status_says '^! The disk of .* is full'
# Its reserve is given back then, so that its free bytes alone do not show it.
metric() { mx curl -s -m 20 http://127.0.0.1:8725/metrics | grep -q "^mxtrap_store_disk_full 1"; }
check "and by the metrics" wait_for 3000 metric
check "watch goes on" test "$(uid_of watch)" = $MXTRAP_UID
check "web too" test "$(mx curl -s -m 20 -o /dev/null -w '%{http_code}' http://127.0.0.1:8725/api/v1/list)" = 200
bot 198.18.8.66		# what comes meanwhile
rm -f "$DIR/small/ballast"
check "with room it stores again by itself" wait_for 15000 said 'storing again'
check "what came meanwhile too" wait_for 6000 listed 198.18.8.66
check "and nothing was lost" said 'rows lost so far: 0'
stop

[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -40 "$DIR/log"; }
exit $FAILED
