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
# BOTS=n measures so many.  SNAPSHOT=n: while a flood from n senders is written into a database of n others.
NAME=outlets BUILD=${1:-build} BOTS=${BOTS:-10}
if [ -n "${SNAPSHOT:-}" ]; then
	MORE="limits { senders = $((SNAPSHOT * 2 + SNAPSHOT / 5)) }"
	prepare() {
		local libs
		libs=$(pkg-config --libs sqlite3)
		cc -O2 -o "$DIR/forge" "$HERE/tests/attack/forge.c" || exit 1
		# shellcheck disable=SC2086
		cc -O2 -flto=auto -std=c11 -D_GNU_SOURCE -I"$HERE/include" -o "$DIR/store" "$HERE/tests/bench/store.c" -Wl,--start-group \
		    "$BUILD/export.a" "$BUILD/store.a" "$BUILD/base.a" "$BUILD/core.a" -Wl,--end-group $libs -lm -lpthread || exit 1
		"$DIR/store" "$DIR/conf" "$SNAPSHOT" 0 0 >/dev/null 2>&1
		chown -R mxtrap:mxtrap "$DIR/state" 2>/dev/null || :
	}
fi
. "$(dirname "$0")/site.inc"

# --- one bot, four outlets --------------------------------------------------------------

BOT=198.18.1.7 HONEST=198.18.2.8 BOT6=2001:db8:1800:1:aaaa:bbbb:cccc:dddd MID6=2001:db8:1800:1:1:2:3:4 HONEST6=2001:db8:1801:1::5
listed() { mxtrap list --format plain | grep -qF "$1"; }
in_dns() { [ "$(mx dig +short +tries=1 +time=20 @127.0.0.1 "$1.bl.trap.example")" = "$2" ]; }
policy() { mx postmap -c "$DIR/postfix/etc" -q "$1" "socketmap:unix:$DIR/postfix.sock:mxtrap" 2>/dev/null; }

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
for x in s: x.settimeout(120)
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

check "the DNSBL has it" wait_for 3000 in_dns 7.1.18.198 127.0.0.3
check "by TCP, too" eval '[ "$(mx dig +tcp +short @127.0.0.1 7.1.18.198.bl.trap.example)" = 127.0.0.3 ]'
mid=4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.1.0.0.0.0.0.8.1.8.b.d.0.1.0.0.2
edns() { mx dig "$@" @127.0.0.1 7.1.18.198.bl.trap.example | grep -c 'EDNS: version: 0'; }
check "who asks with EDNS is answered with it" test "$(edns +edns=0)$(edns +edns=0 +tcp)" = 11
check "who asks without is answered without" test "$(edns +noedns)" = 0
check "a /64 answers by TCP, with and without EDNS" test \
    "$(mx dig +tcp +short @127.0.0.1 $mid.bl.trap.example)$(mx dig +tcp +noedns +short @127.0.0.1 $mid.bl.trap.example)" = 127.0.0.3127.0.0.3
check "and says who is to be asked" eval 'mx dig +short @127.0.0.1 7.1.18.198.bl.trap.example TXT | grep -q "contact postmaster@trap.example"'
check "and the middle of the /64" wait_for 3000 in_dns $mid 127.0.0.3
check "not the unlisted one" wait_for 3000 in_dns 8.2.18.198 ""
check "the test entry is there" wait_for 3000 in_dns 2.0.0.127 127.0.0.2
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
# What is killed while it makes the table again leaves a part of it: until it is back, and this is about another moment.
table() { mx nft -a list table inet mxtrapd 2>/dev/null | grep -m1 handle; }
stays() { local was; was=$(table); sleep 1; [ -n "$was" ] && [ "$(table)" = "$was" ] && says refused $BOT 198.51.100.20 25; }
check "and is not made once more" wait_for 6000 stays
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
check "after mxtrap allow it passes" wait_for 1000 says "250*" $BOT 198.51.100.20 25
check "the DNSBL lets it go" wait_for 1000 in_dns 7.1.18.198 ""
check "the policy service, too" wait_for 1000 eval '[ -z "$(policy $BOT)" ]'
mxtrap allow 2001:db8:1800::/48 >/dev/null
check "an allowed network frees the /64 in it" wait_for 1000 says "250*" $MID6 2001:db8:51::20 25

# --- how fast ---------------------------------------------------------------------------

counter() { mx curl -s http://127.0.0.1:8725/metrics | awk -v n="$1" 'BEGIN { v = 0 } $1 == n { v = $2 } END { print v }'; }
if [ -n "${SNAPSHOT:-}" ]; then
	# Forged SYNs from the other end of the wire: each source is a record that is to be written, again and again.
	MAC=$(mx cat /sys/class/net/eth0/address)
	rows=$(counter mxtrap_store_rows_total)
	out "$DIR/forge" syn eth0 "$MAC" 1000000000 "${FLOOD:-20000}" "$SNAPSHOT" 198.51.100.10 198.51.100.30 >/dev/null &
	FORGE=$!
	flooded() { [ "$(counter mxtrap_store_rows_total)" -gt $((rows + SNAPSHOT / 10)) ]; }
	check "the flood is being written" wait_for 30000 flooded
fi

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
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(30)
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
	    end = time.time() + 60; dns = None
	    while time.time() < end:
	        s.sendto(q, ("127.0.0.1", 53)); r = s.recv(512)
	        if r[7] == 1: dns = time.time(); break
	        time.sleep(0.002)
	    end = time.time() + 60
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
if [ -n "${SNAPSHOT:-}" ]; then
	kill $FORGE
	echo "     $(($(counter mxtrap_store_rows_total) - rows)) rows were written meanwhile"
fi
check "each bot of $BOTS was blocked" eval '[ "$(wc -l <"$DIR/times")" = $BOTS ]'
check "all of them soon after the verdict" eval 'awk "{ if (\$2 > 60000 || \$3 > 60000) exit 1 }" "$DIR/times"'

check "another table was never touched" eval 'mx nft list set inet others keep | grep -q 203.0.113.77'
sed -i 's/^firewall /#&/' "$DIR/conf"
kill -HUP $PID
check "a configuration without a firewall takes its table away" wait_for 5000 eval '! mx nft list table inet mxtrapd >/dev/null 2>&1'
sed -i 's/^#\(firewall \)/\1/' "$DIR/conf"
kill -HUP $PID
check "with one again it is full again" wait_for 10000 says refused 198.18.10.9 198.51.100.20 25
kill $PID
wait $PID
STATUS=$?
check "it ends in order ($STATUS)" test $STATUS = 0
check "the kernel goes on refusing until the time-outs" says refused 198.18.10.9 198.51.100.20 25
[ $FAILED = 0 ] || tail -30 "$DIR/log"
exit $FAILED
