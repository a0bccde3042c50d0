#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# witness.sh [BUILD] - the real MX stands elsewhere, and its Postfix tells of it.
#
# Three network namespaces: the decoys with mxtrapd, a real Postfix on another network that asks the
# policy service over a private line, and the world.  The wire shows mxtrapd nothing of the real MX; still a
# server that climbs is known to have climbed, one whose message was taken is excused, one that was put off
# has been there, a bot at the backup is listed and then refused by the real MX, and when the MTA cannot ask any
# more nobody is judged by its silence.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
HERE=$(realpath "$(dirname "$0")/../..")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
lab witness mx far out
users_make

in_ns() { local ns=$1; shift; ip netns exec "$P-$ns" "$@"; }
mxtrap() { in_ns mx "$BUILD/mxtrap" -c "$DIR/conf" "$@"; }
explains() { mxtrap explain "$1" 2>/dev/null | grep -qE "$2"; }

# --- three places -------------------------------------------------------------------------

link() { ip link add "$2" netns "$P-$1" type veth peer name "$4" netns "$P-$3"; in_ns "$1" ip link set "$2" up; in_ns "$3" ip link set "$4" up; }
for ns in mx far out; do in_ns $ns ip link set lo up; done
link mx eth0 out wan0
link far eth0 out wan1
link mx line far line
for a in 10 30; do in_ns mx ip addr add 198.51.100.$a/24 dev eth0; done
in_ns far ip addr add 203.0.113.20/24 dev eth0
in_ns out ip addr add 198.51.100.1/24 dev wan0
in_ns out ip addr add 203.0.113.1/24 dev wan1
in_ns mx ip addr add 10.0.0.1/30 dev line
in_ns far ip addr add 10.0.0.2/30 dev line
in_ns mx ip route add 203.0.113.0/24 via 10.0.0.2
in_ns mx ip route add 198.18.0.0/16 via 198.51.100.1
in_ns far ip route add 198.18.0.0/16 via 203.0.113.1
in_ns out ip route add local 198.18.0.0/16 dev lo

etc=$DIR/postfix/etc
mkdir -p "$etc" "$DIR/postfix/queue" "$DIR/postfix/data" "$DIR/state"
chown postfix "$DIR/postfix/data"
cat >"$etc/main.cf" <<-END
compatibility_level = 3.6
queue_directory = $DIR/postfix/queue
data_directory = $DIR/postfix/data
myhostname = mx1.trap.example
mydestination = trap.example
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
local_recipient_maps =
smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination,
    check_policy_service { inet:10.0.0.1:10040, timeout=60s, default_action=DUNNO },
    check_sender_access inline:{ { greylisted@client.example = defer } }
smtpd_end_of_data_restrictions = check_policy_service { inet:10.0.0.1:10040, timeout=60s, default_action=DUNNO }
smtpd_peername_lookup = no
alias_maps =
alias_database =
local_transport = discard
default_transport = discard
maillog_file = $DIR/postfix/maillog
maillog_file_prefixes = $DIR
END
cat >"$etc/master.cf" <<-END
203.0.113.20:25 inet n - n - - smtpd
pickup    unix  n - n 1 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
END
in_ns far postfix -c "$etc" start-fg >"$DIR/postfix.log" 2>&1 &

cat >"$DIR/conf" <<-END
interface = "eth0"
state-dir = "$DIR/state"
publish = yes
publish-after = "0s"
contact = "postmaster@trap.example"
probe-interval = "6s"
mx-set "trap.example" {
    domains = { "trap.example" }
    exchanger "mx0" { preference = 10 role = "nolisting" addresses = { "198.51.100.10" } }
    exchanger "mx1" { preference = 20 role = "real" witness = "postfix" addresses = { "203.0.113.20" } }
    exchanger "mx9" { preference = 90 role = "bogus" answer = "reset" addresses = { "198.51.100.30" } }
}
judge { false-listing = 0.01 list-on = "proven" start-grace = "0s" visit-gap = "10s" }
allow { special-purpose = no }
postfix { listen = "10.0.0.1:10040" }
END
"${AS_INSTALLED[@]}" ip netns exec "$P-mx" "$BUILD/mxtrapd" -c "$DIR/conf" >"$DIR/log" 2>&1 &
PID=$!
if ! wait_for 10000 grep -q "all processes are ready" "$DIR/log"; then
	echo "FAIL mxtrapd is ready"; cat "$DIR/log"; exit 1
fi
far_ready() { [ "$(in_ns far ss -Hltn 'sport = 25' | wc -l)" = 1 ]; }
check "the real MX is ready" wait_for 15000 far_ready

# A sender that climbs the ladder from this address; what it is told last.
send() { # source, envelope sender, exchangers in order
	in_ns out python3 - "$@" <<-'END'
	import socket, sys
	source, sender, last = sys.argv[1], sys.argv[2], "nothing"
	for target in sys.argv[3:]:
	    s = socket.socket()
	    s.settimeout(60)
	    s.bind((source, 0))
	    try:
	        s.connect((target, 25))
	        f = s.makefile("rwb")
	        last = f.readline().decode()
	        for command in ("EHLO client.example", f"MAIL FROM:<{sender}>", "RCPT TO:<root@trap.example>", "DATA", "Subject: x\r\n\r\nx\r\n."):
	            f.write(command.encode() + b"\r\n")
	            f.flush()
	            last = f.readline().decode()
	            while last[3:4] == "-":
	                last = f.readline().decode()
	            if last[0] not in "23":
	                break
	        else:
	            break
	    except OSError as e:
	        last = type(e).__name__
	    s.close()
	print(last.strip())
	END
}

# --- what is told -------------------------------------------------------------------------

# shellcheck disable=SC2034 # in what is evaluated
LOW=198.51.100.10 REAL=203.0.113.20 BACKUP=198.51.100.30
check "a server that climbs delivers" eval '[[ "$(send 198.18.1.7 a@client.example $LOW $REAL $BACKUP)" == 250* ]]'
check "it is known to have climbed, though the wire showed nothing of it" wait_for 4000 explains 198.18.1.7 "climbed"
check "and its message to have been taken" wait_for 2000 explains 198.18.1.7 "had a message taken by the real MX"
probed() { mxtrap status | grep -Eq "kinds of doubt that keep evidence from counting now +0$"; }
check "nothing is in doubt" wait_for 200000 probed

check "a server that is put off goes on to the backup" eval 'send 198.18.2.8 greylisted@client.example $LOW $REAL $BACKUP >/dev/null'
check "it reached the real one first" wait_for 4000 explains 198.18.2.8 "reached_real"
check "nothing is held against it" eval '! mxtrap list --suspects --format plain | grep -q 198.18.2.8'

in_ns out python3 "$HERE/deploy/demo/bot.py" backup-first 198.18.3.9
listed() { mxtrap list --format plain | grep -qF "$1"; }
check "a bot at the backup is listed" wait_for 4000 listed 198.18.3.9
check "and refused by the real MX elsewhere, with the contact" eval \
    '[[ "$(send 198.18.3.9 b@bot.example $REAL)" == "554 5.7.1 "*"contact postmaster@trap.example"* ]]'

in_ns out python3 "$HERE/deploy/demo/bot.py" backup-first 198.18.1.7
check "whose message was taken is excused for a day" wait_for 4000 explains 198.18.1.7 "delivered|accepted|climbed"
check "and not listed" eval '! mxtrap list --format plain | grep -q 198.18.1.7'

# --- who cannot ask any more ----------------------------------------------------------------

pid=$(sed -n 's/.*mxtrapd: lookup is ready (pid \([0-9]*\)).*/\1/p' "$DIR/log" | tail -1)
kill -9 "$pid"
check "while lookup is dead the real MX takes mail" eval '[[ "$(send 198.18.4.1 c@client.example $LOW $REAL)" == 250* ]]'
again() { [ "$(grep -c 'mxtrapd: lookup is ready' "$DIR/log")" -ge 2 ]; }
check "lookup is back" wait_for 5000 again
doubted() { mxtrap status | tee "$DIR/status" | grep -qE "counting now +[1-9]"; }
check "what it heard and could not tell any more is a doubt for a minute" wait_for 4000 doubted
check "and hears again" eval 'send 198.18.5.1 d@client.example $LOW $REAL >/dev/null; wait_for 4000 explains 198.18.5.1 "climbed"'

kill $PID
wait $PID
STATUS=$?
check "it ends in order ($STATUS)" test $STATUS = 0
[ $FAILED = 0 ] || { tail -30 "$DIR/log"; cat "$DIR/status"; }
exit $FAILED
