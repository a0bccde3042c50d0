#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# formats.sh [BUILD] - each export, read by the program that it is for.
#
# A listed sender is blocked, one amid its /64, too; an unlisted one passes; after mxtrap allow the next
# export lets it go.  nft, ipset, postmap, HAProxy, rbldnsd, Knot with NSD as its secondary (IXFR),
# fail2ban-regex: programs that are not installed are left out and named.
NAME=formats BUILD=${1:-build}
. "$(dirname "$0")/site.inc"

BOT=198.18.1.7 STAYS=198.18.3.9 HONEST=198.18.2.8 BOT6=2001:db8:1800:1:aaaa:bbbb:cccc:dddd MID6=2001:db8:1800:1:1:2:3:4
MID6_NIBBLES=4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.1.0.0.0.0.0.8.1.8.b.d.0.1.0.0.2
listed() { mxtrap list --format plain | grep -qF "$1"; }
have() { command -v "$1" >/dev/null || { echo "     $1 is not installed: left out"; return 1; }; }
bot $BOT
bot $STAYS
bot $BOT6
check "there is somebody to block" wait_for 4000 listed $STAYS
check "and a /64" wait_for 3000 listed 2001:db8:1800:1::/64
mxtrap firewall off >/dev/null		# or nothing of this would be seen

make_exports() {
	local f
	for f in nftables ipset pf postfix-cidr postscreen-cidr exim opensmtpd sendmail rspamd rbldnsd zone haproxy mikrotik crowdsec fail2ban; do
		mxtrap export $f >"$DIR/$f" || bad "export $f"
	done
}

in_set() { # set, element: what nft says, of a set of ours that is small
	mx nft get element inet mxtrap "$1" "{ $2 }" >/dev/null 2>&1
}
cidr() { mx postmap -q "$1" "cidr:$DIR/postfix-cidr" 2>/dev/null; }
rbl() { mx dig +short +tries=1 +time=1 -p "$1" @127.0.0.1 "$2.bl.trap.example"; }
with() { # what must hold of: the one that was listed and may be allowed by now, yes or no
	local when=$1 yes=$2
	if have nft; then
		mx nft -f "$DIR/nftables" || bad "nft takes it $when"
		check "nft, $when: the listed one" test "$(in_set host4 $BOT; echo $?)" = $((1 - yes))
		check "nft, $when: another one is in" in_set host4 $STAYS
		check "nft, $when: the /64 is in" in_set net64 2001:db8:1800:1::
		check "nft, $when: an unlisted one is not" not in_set host4 $HONEST
	fi
	if have ipset; then
		mx ipset restore <"$DIR/ipset" || bad "ipset takes it $when"
		check "ipset, $when: the listed one" test "$(mx ipset -q test mxtrap4 $BOT; echo $?)" = $((1 - yes))
		check "ipset, $when: another one is in" mx ipset -q test mxtrap4 $STAYS
		check "ipset, $when: an address amid the /64 is in" mx ipset -q test mxtrap6 $MID6
		check "ipset, $when: an unlisted one is not" not mx ipset -q test mxtrap4 $HONEST
	fi
	check "postmap, $when: the listed one" test "$(cidr $BOT | grep -c '^REJECT 5.7.1 .*postmaster@trap.example')" = $yes
	check "postmap, $when: an address amid the /64" eval 'cidr $MID6 | grep -q "^REJECT"'
	check "postmap, $when: nobody else" test -z "$(cidr $HONEST)"
	if have rbldnsd; then
		mx rbldnsd -n -b 127.0.0.1/5301 -c 1 bl.trap.example:combined:"$DIR/rbldnsd" >"$DIR/rbldnsd.log" 2>&1 &
		local server=$!
		check "rbldnsd, $when: it answers" wait_for 5000 eval '[ "$(rbl 5301 2.0.0.127)" = 127.0.0.2 ]'
		check "rbldnsd, $when: the listed one" test "$(rbl 5301 7.1.18.198)" = "$([ $yes = 1 ] && echo 127.0.0.3)"
		check "rbldnsd, $when: another one" test "$(rbl 5301 9.3.18.198)" = 127.0.0.3
		check "rbldnsd, $when: an address amid the /64" test "$(rbl 5301 $MID6_NIBBLES)" = 127.0.0.3
		check "rbldnsd, $when: nobody else" test -z "$(rbl 5301 8.2.18.198)"
		for p in $(ip netns pids "$P-mx"); do
			[ "$(cat /proc/$p/comm)" = rbldnsd ] && kill "$p"
		done
		wait $server 2>/dev/null
	fi
	if have haproxy; then
		cat >"$DIR/haproxy.cfg" <<-END
		defaults
		    mode tcp
		    timeout connect 2s
		    timeout client 5s
		    timeout server 5s
		frontend mx
		    bind 198.51.100.20:2525
		    bind [2001:db8:51::20]:2525
		    tcp-request connection reject if { src -f $DIR/haproxy }
		    default_backend real
		backend real
		    server real 198.51.100.20:25
		END
		mx haproxy -db -f "$DIR/haproxy.cfg" >"$DIR/haproxy.log" 2>&1 &
		server=$!
		wait_for 5000 eval '[ "$(mx ss -Hltn "sport = 2525" | wc -l)" = 2 ]'
		check "HAProxy, $when: the listed one" eval 'if [ $yes = 1 ]; then not says "250*" $BOT 198.51.100.20 2525; else says "250*" $BOT 198.51.100.20 2525; fi'
		check "HAProxy, $when: an address amid the /64" not says "250*" $MID6 2001:db8:51::20 2525
		check "HAProxy, $when: everybody else passes" says "250*" $HONEST 198.51.100.20 2525
		for p in $(ip netns pids "$P-mx"); do
			[ "$(cat /proc/$p/comm)" = haproxy ] && kill "$p"
		done
		wait $server 2>/dev/null
	fi
	if have fail2ban-regex; then
		fail2ban-regex --print-all-matched "$DIR/fail2ban" "$HERE/deploy/fail2ban/mxtrap.conf" >"$DIR/f2b" 2>&1
		check "fail2ban-regex, $when: matches all" eval 'grep -q "Lines: .* $((2 + yes)) matched" "$DIR/f2b"'
		check "fail2ban-regex, $when: the listed one" test "$(grep -c "ip=$BOT " "$DIR/f2b")" = $yes
	fi
}
# Postfix must not refuse by itself what the front let through.
mx postconf -c "$DIR/postfix/etc" -e "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination"
mx postfix -c "$DIR/postfix/etc" reload >/dev/null 2>&1

make_exports
with "listed" 1

# rspamd fetches the map by HTTP and asks the DNSBL.
score_of() { # address: the symbols of ours that a mail from there gets
	printf 'From: a@b.example\nTo: root@trap.example\nSubject: hello\n\nHello.\n' |
	    mx rspamc -h 127.0.0.1:11333 --ip "$1" symbols 2>/dev/null | grep -oE 'MXTRAP_(MAP|RBL)[^ ]* \([0-9.]+\)' | sort | tr '\n' ' '
}
if have rspamd; then
	mkdir -p "$DIR/filter/local.d" "$DIR/filter/run"
	cat >"$DIR/filter/local.d/multimap.conf" <<-END
	MXTRAP_MAP { type = "ip"; map = "http://127.0.0.1:8725/export/rspamd"; score = 4.0; }
	END
	cat >"$DIR/filter/local.d/rbl.conf" <<-END
	rbls {
	  mxtrap {
	    symbol = "MXTRAP_RBL";
	    rbl = "bl.trap.example";
	    ipv6 = true;
	    checks = ["from"];
	    returncodes { MXTRAP_RBL_LISTED = ["127.0.0.3", "127.0.0.4", "127.0.0.5"]; }
	  }
	}
	END
	echo 'symbols { MXTRAP_RBL_LISTED { weight = 3.0; } }' >"$DIR/filter/local.d/rbl_group.conf"
	echo "dns { nameserver = [\"127.0.0.1:53:1\"]; timeout = 1s; retransmits = 1; } map_watch_interval = 1s; disable_hyperscan = true; maps_cache_dir = \"$DIR/filter\";" >"$DIR/filter/local.d/options.inc"
	chown -R _rspamd "$DIR/filter"
	mx rspamd -f -i -c /etc/rspamd/rspamd.conf --var=LOCAL_CONFDIR="$DIR/filter" --var=DBDIR="$DIR/filter" \
	    --var=LOGDIR="$DIR/filter" --var=RUNDIR="$DIR/filter/run" -u _rspamd -g _rspamd >"$DIR/filter/out" 2>&1 &
	check "rspamd scores the listed one by the map and by the DNSBL" wait_for 45000 eval \
	    '[ "$(score_of $BOT)" = "MXTRAP_MAP (4.00) MXTRAP_RBL_LISTED (3.00) " ]'
	check "one amid the /64, too" eval '[ "$(score_of $MID6)" = "MXTRAP_MAP (4.00) MXTRAP_RBL_LISTED (3.00) " ]'
	check "and nobody else" test -z "$(score_of $HONEST)"
fi

# Knot holds the zone and hands its changes on; NSD is a secondary.
if have knotd && have nsd; then
	mkdir -p "$DIR/knot" "$DIR/nsd"
	cp "$DIR/zone" "$DIR/knot/bl.zone"
	cat >"$DIR/knot/knot.conf" <<-END
	server:
	    listen: 127.0.0.1@5302
	    rundir: $DIR/knot
	database:
	    storage: $DIR/knot
	remote:
	  - id: second
	    address: 127.0.0.1@5303
	acl:
	  - id: second
	    address: 127.0.0.1
	    action: transfer
	zone:
	  - domain: bl.trap.example
	    file: $DIR/knot/bl.zone
	    zonefile-load: difference-no-serial
	    zonefile-sync: -1
	    journal-content: all
	    notify: second
	    acl: second
	END
	cat >"$DIR/nsd/nsd.conf" <<-END
	server:
	    ip-address: 127.0.0.1@5303
	    username: ""
	    zonesdir: "$DIR/nsd"
	    database: ""
	    pidfile: "$DIR/nsd/pid"
	    xfrdfile: "$DIR/nsd/xfrd"
	    zonelistfile: "$DIR/nsd/list"
	    logfile: "$DIR/nsd/log"
	    verbosity: 2
	remote-control:
	    control-enable: no
	zone:
	    name: bl.trap.example
	    zonefile: bl.zone
	    allow-notify: 127.0.0.1 NOKEY
	    request-xfr: 127.0.0.1@5302 NOKEY
	END
	mx knotd -c "$DIR/knot/knot.conf" >"$DIR/knot/log" 2>&1 &
	check "Knot serves the zone" wait_for 5000 eval '[ "$(rbl 5302 7.1.18.198)" = 127.0.0.3 ]'
	mx nsd -d -c "$DIR/nsd/nsd.conf" >"$DIR/nsd/out" 2>&1 &
	check "NSD gets it by AXFR" wait_for 10000 eval '[ "$(rbl 5303 7.1.18.198)" = 127.0.0.3 ]'
	check "with the /64 as a wildcard" test "$(rbl 5303 $MID6_NIBBLES)" = 127.0.0.3
	check "and nobody else" test -z "$(rbl 5303 8.2.18.198)"
	serial=$(mx dig +short -p 5303 @127.0.0.1 bl.trap.example SOA | awk '{ print $3 }')
fi

mxtrap allow $BOT >/dev/null
make_exports
check "plain has lost it" eval '! mxtrap export plain | grep -q "^$BOT$"'
with "allowed" 0

if have rspamd; then
	check "rspamd lets it go: at once by the DNSBL, by the map within its minute" wait_for 10000 eval \
	    '! score_of $BOT | grep -q RBL'
fi
if have knotd && have nsd; then
	cp "$DIR/zone" "$DIR/knot/bl.zone"
	mx knotc -c "$DIR/knot/knot.conf" zone-reload bl.trap.example >/dev/null 2>&1
	check "Knot lets it go" wait_for 3000 eval '[ -z "$(rbl 5302 7.1.18.198)" ]'
	check "NSD lets it go, by IXFR" wait_for 10000 eval '[ -z "$(rbl 5303 7.1.18.198)" ]'
	check "and keeps the others" test "$(rbl 5303 9.3.18.198)" = 127.0.0.3
	size=$(mx dig +tcp -p 5302 @127.0.0.1 bl.trap.example IXFR="$serial" | sed -n 's/.*XFR size: .*bytes \([0-9]*\)).*/\1/p')
	echo "     the increment is ${size:-?} bytes"
	check "the increment is smaller than the zone" test "${size:-99999}" -lt 700
fi
kill $PID
wait $PID
exit $FAILED
