#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# outlets.sh [BUILD] - end to end: a bot comes to the backup, and is refused at the real MX.
#
# mxtrapd with its nftables sets, its DNSBL and its socket for Postfix, before a real Postfix:
# smtpd that asks the policy service, and postscreen that asks the DNSBL.  Each listed sender is
# refused, an unlisted one passes, and one that was allowed passes again; also amid a /64, after a
# ruleset was loaded over ours, after each process was killed.  The time from the verdict to the
# block is measured.  In two network namespaces of its own.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
HERE=$(realpath "$(dirname "$0")/../..")
BOTS=${BOTS:-10}
PATH=$PATH:/usr/sbin:/sbin
P=mxtrap-outlets-$$
[ "$(id -u)" = 0 ] || { echo "outlets: SKIP, not root"; exit 77; }
ip netns add "$P-mx" 2>/dev/null || { echo "outlets: SKIP, no network namespaces"; exit 77; }
ip netns add "$P-out"
DIR=$(mktemp -d /tmp/mxtrap-outlets.XXXXXX)
chmod 755 "$DIR"
FAILED=0
cleanup() {
	local ns p
	trap - EXIT INT TERM
	for ns in mx out; do
		for p in $(ip netns pids "$P-$ns"); do kill -9 "$p" 2>/dev/null; done
		ip netns del "$P-$ns"
	done
	wait 2>/dev/null
	rm -rf "$DIR" "/etc/netns/$P-mx"
	rmdir /etc/netns 2>/dev/null
}
trap cleanup EXIT
trap 'exit 130' INT TERM

ok() { echo "ok   $*"; }
bad() { echo "FAIL $*"; FAILED=1; }
check() { local name=$1; shift; if "$@"; then ok "$name"; else bad "$name"; fi; }
not() { ! "$@"; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
wait_for() {
	local until=$(($(now_ms) + $1))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt $until ] || return 1
		sleep 0.05
	done
}
mx() { ip netns exec "$P-mx" "$@"; }
out() { ip netns exec "$P-out" "$@"; }
mxtrap() { mx "$BUILD/mxtrap" -c "$DIR/conf" "$@"; }

# --- two hosts, a domain, a real MX -----------------------------------------------------

ip link add eth0 netns "$P-mx" type veth peer name eth0 netns "$P-out"
mx ip link set lo up
out ip link set lo up
mx ip link set eth0 up
out ip link set eth0 up
out ip addr add 198.51.100.1/24 dev eth0
out ip addr add 2001:db8:51::1/64 dev eth0 nodad
for a in 10 20 21 30; do
	mx ip addr add 198.51.100.$a/24 dev eth0
	mx ip addr add 2001:db8:51::$a/64 dev eth0 nodad
done
mx ip route add 198.18.0.0/16 via 198.51.100.1
mx ip -6 route add 2001:db8:1800::/40 via 2001:db8:51::1
out sysctl -qw net.ipv6.ip_nonlocal_bind=1
out ip route add local 198.18.0.0/16 dev lo
out ip -6 route add local 2001:db8:1800::/40 dev lo
mkdir -p "/etc/netns/$P-mx"
echo "nameserver 127.0.0.1" >"/etc/netns/$P-mx/resolv.conf"

bot() { out python3 "$HERE/deploy/demo/bot.py" backup-first "$1"; }

# What a client of this address is told at a port: the first line, "refused", or why nothing came.
client() { # source, target, port
	out python3 - "$@" <<-'END'
	import socket, sys
	source, target, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
	s = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET)
	s.settimeout(8)
	s.bind((source, 0))
	try:
	    s.connect((target, port))
	    f = s.makefile("rwb")
	    line = f.readline().decode()
	    if line.startswith("220-"):
	        line = f.readline().decode()
	    # Postfix says no at RCPT, when it knows who is who.
	    for command in (b"EHLO client.example\r\n", b"MAIL FROM:<a@client.example>\r\n", b"RCPT TO:<root@trap.example>\r\n"):
	        if not line.startswith("2"):
	            break
	        f.write(command); f.flush()
	        line = f.readline().decode()
	        while line[3:4] == "-":
	            line = f.readline().decode()
	    print(line.strip())
	except ConnectionRefusedError:
	    print("refused")
	except ConnectionResetError:
	    print("reset")
	except OSError as e:
	    print(e)
	END
}
says() { local want=$1; shift; [[ "$(client "$@")" == $want ]]; }

postfix_start() {
	local etc=$DIR/postfix/etc
	mkdir -p "$etc" "$DIR/postfix/queue" "$DIR/postfix/data"
	chown postfix "$DIR/postfix/data"
	cat >"$etc/main.cf" <<-END
	compatibility_level = 3.6
	queue_directory = $DIR/postfix/queue
	data_directory = $DIR/postfix/data
	myhostname = mx1.trap.example
	mydestination = trap.example
	mynetworks = 127.0.0.0/8
	inet_protocols = all
	local_recipient_maps =
	smtpd_recipient_restrictions = check_policy_service { unix:$DIR/postfix.sock, timeout=3s, default_action=DUNNO }, permit_mynetworks, reject_unauth_destination
	smtpd_peername_lookup = no
	postscreen_dnsbl_sites = bl.trap.example=127.0.0.[3..5]
	postscreen_dnsbl_action = enforce
	postscreen_greet_action = ignore
	postscreen_greet_wait = 1s
	postscreen_cache_map =
	postscreen_access_list =
	alias_maps =
	alias_database =
	maillog_file = $DIR/postfix/maillog
	maillog_file_prefixes = $DIR
	END
	cat >"$etc/master.cf" <<-END
	198.51.100.20:25 inet n - n - - smtpd
	[2001:db8:51::20]:25 inet n - n - - smtpd
	198.51.100.21:25 inet n - n - 1 postscreen
	smtpd     pass  - - n - - smtpd
	dnsblog   unix  - - n - 0 dnsblog
	pickup    unix  n - n 1 1 pickup
	cleanup   unix  n - n - 0 cleanup
	qmgr      unix  n - n 300 1 qmgr
	rewrite   unix  - - n - - trivial-rewrite
	bounce    unix  - - n - 0 bounce
	defer     unix  - - n - 0 bounce
	proxymap  unix  - - n - - proxymap
	error     unix  - - n - - error
	local     unix  - n n - - local
	anvil     unix  - - n - 1 anvil
	postlog   unix-dgram n - n - 1 postlogd
	END
	mx postfix -c "$etc" start-fg >"$DIR/postfix.log" 2>&1 &
}
postfix_ready() { [ "$(mx ss -Hltn 'sport = 25' | grep -cE '100.20|100.21')" = 2 ]; }

cat >"$DIR/conf" <<-END
interface = "eth0"
state-dir = "$DIR/state"
publish = yes
publish-after = "0s"
contact = "postmaster@trap.example"
probe-interval = "6s"
mx-set "trap.example" {
    domains = { "trap.example" }
    exchanger "mx0" { preference = 10 role = "nolisting" addresses = { "198.51.100.10", "2001:db8:51::10" } }
    exchanger "mx1" { preference = 20 role = "real" addresses = { "198.51.100.20", "198.51.100.21", "2001:db8:51::20" } }
    exchanger "mx9" { preference = 90 role = "bogus" answer = "reset" addresses = { "198.51.100.30", "2001:db8:51::30" } }
}
judge { false-listing = 0.01 list-on = "proven" start-grace = "0s" }
allow { special-purpose = no }
dnsbl { listen = "127.0.0.1:53" zone = "bl.trap.example" }
postfix { listen = "unix:$DIR/postfix.sock" group = "postfix" }
firewall { backend = "nftables" }
END
mkdir "$DIR/state"
mx nft add table inet others
mx nft add set inet others keep '{ type ipv4_addr; elements = { 203.0.113.77 }; }'

postfix_start
check "the real MX is ready" wait_for 15000 postfix_ready
ip netns exec "$P-mx" "$BUILD/mxtrapd" -c "$DIR/conf" >"$DIR/log" 2>&1 &
PID=$!
ready() { grep -q "all processes are ready" "$DIR/log" && grep -q "the kernel refuses" "$DIR/log"; }
wait_for 10000 ready || { bad "mxtrapd is ready, with lookup and firewall"; cat "$DIR/log"; exit 1; }
ok "mxtrapd is ready, with lookup and firewall"
no_doubt() { mxtrap status | grep -q "All is well"; }
check "and knows that the real MX answers" wait_for 15000 no_doubt

# --- one bot, four outlets --------------------------------------------------------------

BOT=198.18.1.7 HONEST=198.18.2.8 BOT6=2001:db8:1800:1:aaaa:bbbb:cccc:dddd MID6=2001:db8:1800:1:1:2:3:4 HONEST6=2001:db8:1801:1::5
listed() { mxtrap list --format plain | grep -qF "$1"; }
in_dns() { [ "$(mx dig +short +tries=1 +time=2 @127.0.0.1 "$1.bl.trap.example")" = "$2" ]; }
policy() { mx postmap -q "$1" "socketmap:unix:$DIR/postfix.sock:mxtrap" 2>/dev/null; }

# The first thing that anybody does: what the other family does at the real MX meanwhile excuses.
bot $BOT
bot $BOT6
check "after it, it is listed" wait_for 3000 listed $BOT
check "and refused at the real MX by a TCP reset" wait_for 1000 says refused $BOT 198.51.100.20 25
check "at each of its addresses" says refused $BOT 198.51.100.21 25
check "the decoy still takes it" says reset $BOT 198.51.100.30 25
check "an unlisted sender passes" says "250*" $HONEST 198.51.100.20 25
mx python3 -c '
import socket
s = [socket.create_server(("198.51.100.20", p)) for p in (465, 587)]
for x in s: x.settimeout(20)
for x in s:
    c, _ = x.accept(); c.send(b"450 submission\r\n"); c.close()' &
SUBMIT=$!
wait_for 3000 eval '[ "$(mx ss -Hltn "sport = 465 or sport = 587" | wc -l)" = 2 ]'
check "port 465 is not touched" says "450*" $BOT 198.51.100.20 465
check "nor is 587" says "450*" $BOT 198.51.100.20 587
wait $SUBMIT

check "a sender by IPv6 is listed by its /64" wait_for 3000 listed 2001:db8:1800:1::/64
check "an address from its middle is refused" wait_for 1000 says refused $MID6 2001:db8:51::20 25
check "its neighbour is not" says "250*" $HONEST6 2001:db8:51::20 25

check "the DNSBL has it" in_dns 7.1.18.198 127.0.0.3
check "by TCP, too" eval '[ "$(mx dig +tcp +short @127.0.0.1 7.1.18.198.bl.trap.example)" = 127.0.0.3 ]'
check "and says who is to be asked" eval 'mx dig +short @127.0.0.1 7.1.18.198.bl.trap.example TXT | grep -q "contact postmaster@trap.example"'
check "and the middle of the /64" in_dns 4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.1.0.0.0.0.0.8.1.8.b.d.0.1.0.0.2 127.0.0.3
check "not the unlisted one" in_dns 8.2.18.198 ""
check "the test entry is there" in_dns 2.0.0.127 127.0.0.2
check "socketmap rejects it" eval 'policy $BOT | grep -q "^REJECT 5.7.1 .*postmaster@trap.example"'
check "and nobody else" eval '[ -z "$(policy $HONEST)" ]'

# Without the firewall in front, the others are seen.
mxtrap firewall off >/dev/null
check "with the firewall off its table is gone" wait_for 3000 eval '! mx nft list table inet mxtrapd >/dev/null 2>&1'
check "smtpd refuses by the policy service, with the contact" says "554 5.7.1 *contact postmaster@trap.example*" $BOT 198.51.100.20 25
check "an address amid the /64, too" says "554 5.7.1 *" $MID6 2001:db8:51::20 25
check "and lets others pass" says "250*" $HONEST 198.51.100.20 25
check "postscreen refuses by the DNSBL" says "550 5.7.1 *" $BOT 198.51.100.21 25
check "and lets others pass" says "[24]5*" $HONEST 198.51.100.21 25
mxtrap firewall on >/dev/null
check "switched on again, it is full again" wait_for 3000 says refused $BOT 198.51.100.20 25

# --- harm -------------------------------------------------------------------------------

mx nft flush ruleset
check "a ruleset that was flushed by others is made again" wait_for 3000 says refused $BOT 198.51.100.20 25
mx nft add table inet others
mx nft add set inet others keep '{ type ipv4_addr; elements = { 203.0.113.77 }; }'
for who in firewall lookup watch; do
	pid=$(sed -n "s/.*mxtrapd: $who is ready (pid \([0-9]*\)).*/\1/p" "$DIR/log" | tail -1)
	kill -9 "$pid"
	check "after kill -9 of $who the listed one is still refused" says refused $BOT 198.51.100.20 25
	check "and nobody else" says "250*" $HONEST 198.51.100.20 25
	again() { [ "$(grep -c "mxtrapd: $who is ready" "$DIR/log")" -ge 2 ]; }
	check "$who is back" wait_for 5000 again
done
check "the DNSBL answers as before" wait_for 3000 in_dns 7.1.18.198 127.0.0.3
check "the policy service, too" wait_for 3000 eval 'policy $BOT | grep -q REJECT'

mxtrap allow $BOT --note "a test" >/dev/null
check "after mxtrap allow it passes within a second" wait_for 1000 says "250*" $BOT 198.51.100.20 25
check "the DNSBL lets it go" wait_for 1000 in_dns 7.1.18.198 ""
check "the policy service, too" wait_for 1000 eval '[ -z "$(policy $BOT)" ]'
mxtrap allow 2001:db8:1800::/48 >/dev/null
check "an allowed network frees the /64 in it" wait_for 1000 says "250*" $MID6 2001:db8:51::20 25

# --- how fast ---------------------------------------------------------------------------

# Each bot comes to the backup; how long after the verdict do the kernel and the DNSBL know it?
mx python3 - "$DIR" "$BUILD" "$BOTS" >"$DIR/times" 2>"$DIR/times.err" <<-'END' &
	import socket, struct, subprocess, sys, time
	where, build, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
	log = open(where + "/log"); log.seek(0, 2)
	monitor = subprocess.Popen(["stdbuf", "-oL", "nft", "monitor", "new", "elements"], stdout=subprocess.PIPE, text=True, bufsize=1)
	import threading
	nft = {}
	def watch():
	    for line in monitor.stdout:
	        now = time.time()
	        if "mxtrapd host4" in line:
	            for a in [f"198.18.{i}.9" for i in range(10, 10 + n)]:
	                if a + " " in line: nft.setdefault(a, now)
	threading.Thread(target=watch, daemon=True).start()
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
	open(where + "/go", "w").close()
	said = {}
	def follow():
	    while True:
	        line = log.readline()
	        if not line: time.sleep(0.001); continue
	        if "LISTED [" in line: said.setdefault(line.split("[")[1].split("]")[0], time.time())
	threading.Thread(target=follow, daemon=True).start()
	for i in range(10, 10 + n):
	    a = f"198.18.{i}.9"
	    name = b"".join(bytes([len(x)]) + x.encode() for x in f"9.{i}.18.198.bl.trap.example".split(".")) + b"\0"
	    q = struct.pack(">HHHHHH", i, 256, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1)
	    end = time.time() + 10; dns = None
	    while time.time() < end:
	        s.sendto(q, ("127.0.0.1", 53)); r = s.recv(512)
	        if r[7] == 1: dns = time.time(); break
	        time.sleep(0.002)
	    end = time.time() + 3
	    while a not in nft and time.time() < end: time.sleep(0.002)
	    t = said.get(a, 0)
	    print(a, round((dns - t) * 1000, 1), round((nft.get(a, 1e12) - t) * 1000, 1), flush=True)
	monitor.kill()
	END
MEASURE=$!
wait_for 5000 test -e "$DIR/go"
for i in $(seq 10 $((9 + BOTS))); do
	bot 198.18.$i.9
	wait_for 5000 grep -qs "^198.18.$i.9 " "$DIR/times"
done
wait_for 10000 eval '! kill -0 $MEASURE 2>/dev/null'
p99() { awk -v c="$1" '{ print $c }' "$DIR/times" | sort -n | awk '{ a[NR] = $1 } END { i = int(NR * 0.99 + 0.999); print NR ? a[i] : 99999 }'; }
half() { awk -v c="$1" '{ print $c }' "$DIR/times" | sort -n | awk '{ a[NR] = $1 } END { print NR ? a[int((NR + 1) / 2)] : 99999 }'; }
echo "     from the verdict to the DNSBL: median $(half 2) ms, p99 $(p99 2) ms; to the kernel: median $(half 3) ms, p99 $(p99 3) ms; $(wc -l <"$DIR/times") bots"
check "each bot of $BOTS was blocked" eval '[ "$(wc -l <"$DIR/times")" = $BOTS ]'
check "all of them within 2 s of the verdict" eval 'awk "{ if (\$2 > 2000 || \$3 > 2000) exit 1 }" "$DIR/times"'

check "another table was never touched" eval 'mx nft list set inet others keep | grep -q 203.0.113.77'
kill $PID
wait $PID
STATUS=$?
check "it ends in order ($STATUS)" test $STATUS = 0
check "the kernel goes on refusing until the time-outs" says refused 198.18.10.9 198.51.100.20 25
[ $FAILED = 0 ] || tail -30 "$DIR/log"
exit $FAILED
