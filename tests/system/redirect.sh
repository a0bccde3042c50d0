#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# redirect.sh [BUILD] - mxtrapd's firewall where the real MX stands behind DNAT, and where others change its table.
#
# Three hosts: outside, the mail host with mxtrapd, and a container whose port 25 the mail host publishes, as Docker
# does (DNAT to another port, masquerade outwards).  A listed sender is refused there, by IPv4 and by IPv6; others,
# a mail under way and the container's own mail are not.  Then another program deletes, adds, flushes: each is put
# right and counted.  In namespaces of its own.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
HERE=$(realpath "$(dirname "$0")/../..")
. "$HERE/tests/lib/check.inc"
. "$HERE/tests/lib/ns.inc"
. "$HERE/tests/lib/users.inc"
lab redirect mx out in
USERS=three
users_make

mx() { ip netns exec "$P-mx" "$@"; }
out() { ip netns exec "$P-out" "$@"; }
in_() { ip netns exec "$P-in" "$@"; }

# --- three hosts ------------------------------------------------------------------------

ip link add eth0 netns "$P-mx" type veth peer name eth0 netns "$P-out"
ip link add docker0 netns "$P-mx" type veth peer name eth0 netns "$P-in"
for ns in mx out in_; do
	$ns ip link set lo up
	$ns ip link set eth0 up
done
mx ip link set docker0 up
out ip addr add 198.51.100.1/24 dev eth0
out ip addr add 2001:db8:51::1/64 dev eth0 nodad
for a in 20 30; do
	mx ip addr add 198.51.100.$a/24 dev eth0
	mx ip addr add 2001:db8:51::$a/64 dev eth0 nodad
done
mx ip addr add 172.17.0.1/16 dev docker0
mx ip addr add fd00:17::1/64 dev docker0 nodad
in_ ip addr add 172.17.0.2/16 dev eth0
in_ ip addr add fd00:17::2/64 dev eth0 nodad
in_ ip route add default via 172.17.0.1
in_ ip -6 route add default via fd00:17::1
mx ip route add 198.18.0.0/16 via 198.51.100.1
mx ip -6 route add 2001:db8:1800::/40 via 2001:db8:51::1
out sysctl -qw net.ipv6.ip_nonlocal_bind=1
out ip route add local 198.18.0.0/16 dev lo
out ip -6 route add local 2001:db8:1800::/40 dev lo
mx sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
mx nft -f - <<-'END'
	table inet docker {
		chain prerouting {
			type nat hook prerouting priority dstnat;
			ip daddr 198.51.100.20 tcp dport 25 dnat ip to 172.17.0.2:2525
			ip6 daddr 2001:db8:51::20 tcp dport 25 dnat ip6 to [fd00:17::2]:2525
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			oifname eth0 masquerade
		}
	}
END
# The real MX in the container: says 250 to whatever comes.
cat >"$DIR/mta.py" <<'END'
import socketserver, socket, sys
class Mail(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 real.example\r\n")
        for line in self.rfile:
            self.wfile.write(b"250 2.0.0 Ok\r\n")
class Server(socketserver.ThreadingTCPServer):
    address_family, daemon_threads, allow_reuse_address = socket.AF_INET6, True, True
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()
Server(("::", int(sys.argv[1])), Mail).serve_forever()
END
in_ python3 "$DIR/mta.py" 2525 2>/dev/null &
out python3 "$DIR/mta.py" 25 2>/dev/null &

cat >"$DIR/conf" <<-END
	interface = "eth0"
	state-dir = "$DIR/state"
	publish = yes
	publish-after = "0s"
	mx-set "trap.example" {
	    domains = { "trap.example" }
	    exchanger "mx1" { preference = 20 role = "real" addresses = { "198.51.100.20", "2001:db8:51::20" } }
	    exchanger "mx9" { preference = 90 role = "bogus" answer = "dialogue" addresses = { "198.51.100.30", "2001:db8:51::30" } }
	}
	allow { special-purpose = no }
	firewall { backend = "nftables" }
	END
cli() { mx "$BUILD/mxtrap" -c "$DIR/conf" "$@"; }
cp "$BUILD/mxtrapd" "$DIR/"		# where others may execute it
"${AS_INSTALLED[@]}" ip netns exec "$P-mx" "$DIR/mxtrapd" -c "$DIR/conf" >"$DIR/log" 2>&1 &
wait_for 30000 grep -q "all processes are ready" "$DIR/log" || { bad "mxtrapd is ready"; cat "$DIR/log"; exit 1; }

BOT=198.18.1.7 HONEST=198.18.2.8 BOT6=2001:db8:1800:1::7 HONEST6=2001:db8:1801:1::5
says() { # wanted, source, target[, how, the one who connects]: what it hears of port 25 there
	local wanted=$1 who=${4:-out}
	[ "$("$who" python3 - "$2" "$3" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET)
		s.settimeout(10)
		try:
		    s.bind((sys.argv[1], 0))
		    s.connect((sys.argv[2], 25))
		    print("mail" if s.recv(3) == b"220" else "nothing")
		except ConnectionRefusedError:
		    print("refused")
		except OSError as e:
		    print(e)
	END
	)" = "$wanted" ]
}
counted() { [ "$(cli firewall show | sed -n "s/^ *$1 *//p" | tail -1)" "$2" "$3" ]; }

check "the container's mail server is reached" says mail $BOT 198.51.100.20
check "by IPv6 too" says mail $BOT6 2001:db8:51::20

# --- a mail under way, and then its sender is listed -----------------------------------

mkfifo "$DIR/more" "$DIR/heard"
out python3 -c 'import socket, sys
s = socket.socket(); s.bind((sys.argv[1], 0)); s.connect((sys.argv[2], 25)); s.settimeout(20); f = s.makefile("rwb")
out = open(sys.argv[4], "w"); out.write(f.readline().decode()); out.flush()
open(sys.argv[3]).read()
f.write(b"RCPT TO:<a@trap.example>\r\n"); f.flush(); out.write(f.readline().decode()); out.close()' \
    $BOT 198.51.100.20 "$DIR/more" "$DIR/heard" &
exec 4<"$DIR/heard"
read -r -t 30 greeting <&4
cli block $BOT >/dev/null
cli block $BOT6 >/dev/null
check "a listed sender is refused behind DNAT" wait_for 10000 says refused $BOT 198.51.100.20
check "by IPv6 too" wait_for 10000 says refused $BOT6 2001:db8:51::20
check "an unlisted one passes" says mail $HONEST 198.51.100.20
check "by IPv6 too" says mail $HONEST6 2001:db8:51::20
echo >"$DIR/more"
read -r -t 30 answer <&4
check "a mail under way is not cut off" test "${greeting%%[ -]*} ${answer%%[ -]*}" = "220 250"
check "the decoy still takes the listed one" says mail $BOT 198.51.100.30
check "the container sends mail, to a listed host too" says mail 172.17.0.2 $BOT in_
check "by IPv6 too" says mail fd00:17::2 $BOT6 in_
check "what was refused is counted" wait_for 10000 counted "packets refused, IPv4" -gt 0
check "by IPv6 too" wait_for 10000 counted "packets refused, IPv6" -gt 0

# --- others change our table ------------------------------------------------------------

check "what mxtrapd does itself is not taken for another's act" counted "because another program changed the table" -eq 0
repairs=0
meddle() { # what, its command
	mx nft "$2" || { bad "$1: nft"; return; }
	repairs=$((repairs + 1))
	check "$1: noticed and counted" wait_for 60000 counted "because another program changed the table" -ge $repairs
	check "$1: the listed one is refused, no other" wait_for 60000 eval 'says refused $BOT 198.51.100.20 && says mail $HONEST 198.51.100.20'
}
meddle "an element is deleted" "delete element inet mxtrapd host4 { $BOT }"
meddle "an element is added" "add element inet mxtrapd host4 { $HONEST }"
meddle "a set is flushed" "flush set inet mxtrapd host4"
meddle "the rules are flushed" "flush chain inet mxtrapd judge"
meddle "a chain is flushed and deleted" "flush chain inet mxtrapd prerouting; delete chain inet mxtrapd prerouting"
meddle "the table is deleted" "delete table inet mxtrapd"
check "the log names it" grep -q "nftables table inet mxtrapd was changed by another program; recreating it" "$DIR/log"
check "the other table is untouched" eval 'mx nft list table inet docker | grep -q masquerade'
cli allow $BOT >/dev/null
check "an allowed one passes" wait_for 10000 says mail $BOT 198.51.100.20
check "and stays so: no repair of our own removal" counted "because another program changed the table" -eq $repairs
[ $FAILED = 0 ] || tail -30 "$DIR/log"
exit $FAILED
