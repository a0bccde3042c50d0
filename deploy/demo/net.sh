# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# net.sh - a small internet of network namespaces, for the demo and the live tests.
#
# Source it, set P (prefix of the namespaces' names) and DIR (a folder of our own), then
# net_up; net_down ends what runs in these namespaces, by process id, and removes them.
#
#	$P-net		the internet: routes, and answers DNS
#	$P-mx		the victim: mxtrapd, the real MX (smtp-sink), the decoys' addresses
#	$P-honest	an honest sender: a real Postfix
#	$P-bots		bots, each address in a network of its own
#
# Documentation's and benchmarks' address ranges only; nothing leaves the namespaces.

DEMO=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DOMAIN=trap.example
LOW=198.51.100.10 REAL=198.51.100.20 BOGUS=198.51.100.30
LOW6=2001:db8:51::10 REAL6=2001:db8:51::20 BOGUS6=2001:db8:51::30
HONEST=203.0.113.25 HONEST6=2001:db8:203::25
AS_INSTALLED=()
# Debian keeps system programs out of a user's path.
PATH=$PATH:/usr/sbin:/sbin

say() { echo "$*"; }
in_ns() { local ns=$1; shift; ip netns exec "$P-$ns" "$@"; }
# try_for MS COMMAND...: until it holds; 1 if it does not in time.  wait_for: with ten times the usual MS.
# Who sources this may have his own.
if ! declare -F wait_for >/dev/null; then
	now_ms() { echo $(($(date +%s%N) / 1000000)); }
	try_for() {
		local until=$(($(now_ms) + $1))
		shift
		until "$@"; do
			[ "$(now_ms)" -lt $until ] || return 1
			sleep 0.05
		done
	}
	wait_for() { local usual=$1; shift; try_for $((usual * 10)) "$@"; }
fi

net_usable() { # else says why not
	[ "$(id -u)" = 0 ] || { say "not root: network namespaces need it"; return 1; }
	ip netns add "$P-try" 2>/dev/null || { say "no network namespaces here"; return 1; }
	ip netns del "$P-try"
}

# What an earlier run that was killed left behind: only names of ours.
net_down() {
	local ns pid
	for ns in mx honest bots net; do
		ip netns list 2>/dev/null | grep -qE "^$P-$ns( |\$)" || continue
		for pid in $(ip netns pids "$P-$ns" 2>/dev/null); do kill "$pid" 2>/dev/null; done
	done
	for ns in mx honest bots net; do
		ip netns list 2>/dev/null | grep -qE "^$P-$ns( |\$)" || continue
		try_for 1500 ns_empty "$ns"
		for pid in $(ip netns pids "$P-$ns" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
		ip netns del "$P-$ns"
	done
	rm -rf "/etc/netns/$P-honest"
	rmdir /etc/netns 2>/dev/null || :
}
ns_empty() { [ -z "$(ip netns pids "$P-$1" 2>/dev/null)" ]; }

# net_resolver NS ADDRESS: whom it asks.  Another run may remove the empty folder of all, just now.
net_resolver() {
	for _ in 1 2 3 4 5 6 7 8 9; do
		mkdir -p "/etc/netns/$P-$1" 2>/dev/null && break
	done
	echo "nameserver $2" >"/etc/netns/$P-$1/resolv.conf"
}

# net_link NS INTERFACE: a wire from $P-net (where it is called like the namespace) to NS.
net_link() {
	ip link add "$1" netns "$P-net" type veth peer name "$2" netns "$P-$1"
	in_ns net ip link set "$1" up
	in_ns "$1" ip link set "$2" up
}
net_link_mx() {
	net_link mx eth0
	in_ns net ip addr add 198.51.100.1/24 dev mx
	in_ns net ip addr add 2001:db8:51::1/64 dev mx nodad
	in_ns mx ip addr add 198.51.100.2/24 dev eth0
	in_ns mx ip addr add 2001:db8:51::2/64 dev eth0 nodad
	for a in $LOW $REAL $BOGUS; do in_ns mx ip addr add $a/24 dev eth0; done
	for a in $LOW6 $REAL6 $BOGUS6; do in_ns mx ip addr add $a/64 dev eth0 nodad; done
	in_ns mx ip route add default via 198.51.100.1
	in_ns mx ip -6 route add default via 2001:db8:51::1
}

net_up() {
	local ns a
	for ns in net mx honest bots; do
		ip netns add "$P-$ns"
		in_ns "$ns" ip link set lo up
	done
	in_ns net sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
	    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	net_link honest eth0
	net_link bots eth0
	net_link_mx

	in_ns net ip addr add 203.0.113.1/24 dev honest
	in_ns net ip addr add 2001:db8:203::1/64 dev honest nodad
	in_ns honest ip addr add $HONEST/24 dev eth0
	in_ns honest ip addr add $HONEST6/64 dev eth0 nodad
	in_ns honest ip route add default via 203.0.113.1
	in_ns honest ip -6 route add default via 2001:db8:203::1

	in_ns net ip addr add 192.0.2.1/24 dev bots
	in_ns net ip addr add 2001:db8:192::1/64 dev bots nodad
	in_ns bots ip addr add 192.0.2.2/24 dev eth0
	in_ns bots ip addr add 2001:db8:192::2/64 dev eth0 nodad
	in_ns bots ip route add default via 192.0.2.1
	in_ns bots ip -6 route add default via 2001:db8:192::1
	# One bot a /24 (a /48): neighbours would be one pool, and one excuses the other.
	in_ns net ip route add 198.18.0.0/15 via 192.0.2.2
	in_ns net ip -6 route add 2001:db8:1800::/40 via 2001:db8:192::2
	in_ns bots sysctl -qw net.ipv6.ip_nonlocal_bind=1
	# All of it is the bots' own; an answer to a forged SYN ends there unheard.
	in_ns bots ip route add local 198.18.0.0/16 dev lo
	in_ns bots ip -6 route add local 2001:db8:1800::/40 dev lo
}

# The domain as everybody sees it; further arguments are dnsmasq's.
dns_start() {
	in_ns net dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root \
	    --pid-file= --bind-interfaces --listen-address=203.0.113.1 \
	    --mx-host=$DOMAIN,mx0.$DOMAIN,10 --mx-host=$DOMAIN,mx1.$DOMAIN,20 --mx-host=$DOMAIN,mx9.$DOMAIN,90 \
	    --host-record=mx0.$DOMAIN,$LOW,$LOW6 --host-record=mx1.$DOMAIN,$REAL,$REAL6 \
	    --host-record=mx9.$DOMAIN,$BOGUS,$BOGUS6 "$@" >"$DIR/dns.log" 2>&1 &
	net_resolver honest 203.0.113.1
}

# The real MX: takes every mail and keeps it, a file each, in $DIR/mail.
sink_start() {
	mkdir -p "$DIR/mail"
	chmod 777 "$DIR/mail"
	for a in "$REAL" "[$REAL6]"; do
		(cd "$DIR" && exec ip netns exec "$P-mx" smtp-sink -u nobody -h mx1.$DOMAIN -d "mail/m." "inet:$a:25" 128) \
		    >>"$DIR/sink.log" 2>&1 &
	done
}
sink_ready() { [ "$(in_ns mx ss -Hltn 'sport = 25' | grep -cE "$REAL|$REAL6")" = 2 ]; }
mails_arrived() { cat "$DIR"/mail/m.* 2>/dev/null | sed -n 's/^Subject: greetings \([0-9]*\).*/\1/p' | sort -un | wc -l; }

# The honest sender: a Postfix as it is, with its own configuration and queue.
# postfix_start ["NAME = VALUE"...]: by default its queue is hurried.
postfix_start() {
	local etc=$DIR/postfix/etc
	[ $# -gt 0 ] || set -- "queue_run_delay = 10s" "minimal_backoff_time = 10s"
	mkdir -p "$etc" "$DIR/postfix/queue" "$DIR/postfix/data"
	chown postfix "$DIR/postfix/data"
	cat >"$etc/main.cf" <<-END
	compatibility_level = 3.6
	queue_directory = $DIR/postfix/queue
	data_directory = $DIR/postfix/data
	myhostname = mail.honest.example
	mydestination =
	inet_interfaces = loopback-only
	inet_protocols = all
	smtp_host_lookup = dns
	alias_maps =
	alias_database =
	maillog_file = $DIR/postfix/maillog
	maillog_file_prefixes = $DIR
	END
	printf '%s\n' "$@" >>"$etc/main.cf"
	cat >"$etc/master.cf" <<-END
	pickup    unix  n - n 1 1 pickup
	cleanup   unix  n - n - 0 cleanup
	qmgr      unix  n - n 300 1 qmgr
	rewrite   unix  - - n - - trivial-rewrite
	bounce    unix  - - n - 0 bounce
	defer     unix  - - n - 0 bounce
	trace     unix  - - n - 0 bounce
	verify    unix  - - n - 1 verify
	flush     unix  n - n 1000? 0 flush
	proxymap  unix  - - n - - proxymap
	smtp      unix  - - n - - smtp
	relay     unix  - - n - - smtp
	showq     unix  n - n - - showq
	error     unix  - - n - - error
	retry     unix  - - n - - error
	discard   unix  - - n - - discard
	local     unix  - n n - - local
	anvil     unix  - - n - 1 anvil
	scache    unix  - - n - 1 scache
	postlog   unix-dgram n - n - 1 postlogd
	END
	in_ns honest postfix -c "$etc" start-fg >"$DIR/postfix.log" 2>&1 &
}
postfix_ready() { [ -S "$DIR/postfix/queue/public/pickup" ] && grep -q "daemon started" "$DIR/postfix/maillog" 2>/dev/null; }
# mail_send N: to a user of the domain.
mail_send() {
	printf 'From: someone@honest.example\nTo: user%d@%s\nSubject: greetings %d\n\nHello.\n' $(($1 % 3)) $DOMAIN "$1" |
	    in_ns honest sendmail -C "$DIR/postfix/etc" -f someone@honest.example "user$(($1 % 3))@$DOMAIN"
}

# bot HABIT ADDRESS [ADDRESS6]
bot() { in_ns bots python3 "$DEMO/bot.py" "$@"; }
bot_address() { echo "198.18.$1.66"; }
bot_address6() { printf '2001:db8:18%02x::66\n' "$1"; }

# trap_config FILE [JUDGE KEYS]
trap_config() {
	cat >"$1" <<-END
	interface = "eth0"
	state-dir = "$DIR/state"

	# The demo is over in a minute: it publishes at once, and judges from its first second.
	# A real site leaves these three out: it looks on for a day before anything is blocked.
	publish = yes
	publish-after = "0s"

	mx-set "$DOMAIN" {
	    domains = { "$DOMAIN" }
	    exchanger "mx0.$DOMAIN" {
	        preference = 10  role = "nolisting"
	        addresses = { "$LOW", "$LOW6" }
	    }
	    exchanger "mx1.$DOMAIN" {
	        preference = 20  role = "real"
	        addresses = { "$REAL", "$REAL6" }
	    }
	    exchanger "mx9.$DOMAIN" {
	        preference = 90  role = "bogus"  answer = "reset"
	        addresses = { "$BOGUS", "$BOGUS6" }
	    }
	}

	# These namespaces use documentation's and benchmarks' addresses, which are never listed elsewhere.
	allow { special-purpose = no }

	judge {
	    start-grace = "0s"		# see above
	    # One visit shall list here, for a minute is too short for two at least an hour apart.
	    # A real site keeps 0.0001: one backup-first visit then makes a suspect, two a listing.
	    false-listing = 0.01
	    # The decoy resets and speaks no SMTP, so nobody can name a recipient. On the open
	    # internet anybody can point his own MX at our decoy and have honest servers listed so.
	    list-on = "proven"
	    ${2:-}
	}

	web { listen = "127.0.0.1:8725" }
	END
}
# trap_start [CONFIG]: mxtrapd in the victim's namespace; its pid in TRAP_PID.
trap_start() {
	# Without in_ns: $! has to be mxtrapd itself.  Tests say AS_INSTALLED: with the users of the package.
	"${AS_INSTALLED[@]}" ip netns exec "$P-mx" "$BUILD/mxtrapd" -c "${1:-$DIR/mxtrap.conf}" >>"$DIR/mxtrapd.log" 2>&1 &
	TRAP_PID=$!
}
trap_ready() { grep -q "all processes are ready" "$DIR/mxtrapd.log"; }
trap_web_ready() { in_ns mx curl -fsS -m 20 -o /dev/null http://127.0.0.1:8725/healthz 2>/dev/null; }
# trap_cli ARGUMENTS: mxtrap, as the administrator calls it.
trap_cli() { in_ns mx "$BUILD/mxtrap" -c "${CONF:-$DIR/mxtrap.conf}" "$@"; }
# state_of ADDRESS [reasons]: as mxtrap sees it, or unknown; with the evidence.
state_of() {
	trap_cli list --all --format ndjson 2>/dev/null | python3 -c '
import ipaddress, json, sys
who = ipaddress.ip_address(sys.argv[1])
for line in sys.stdin:
    row = json.loads(line)
    net = ipaddress.ip_network(row["cidr"], strict=False) if "cidr" in row else None
    if net and net.version == who.version and who in net:
        print(row["state"] + (" for " + ", ".join(row["reasons"]) if len(sys.argv) > 2 else ""))
        break
else:
    print("unknown" + (", no evidence" if len(sys.argv) > 2 else ""))' "$@"
}
# By the API, which answers in a moment: else a command's start would be measured too.
is_listed() { [ "$(in_ns mx curl -s -m 20 -o /dev/null -w '%{http_code}' "http://127.0.0.1:8725/api/v1/check/$1")" = 200 ]; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
