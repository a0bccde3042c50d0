#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# formats.sh [BUILD] - packet filters, proxies and DNS servers, each with its export.
#
# A listed sender is blocked, one amid its /64, too; an unlisted one passes; after mxtrap allow the next
# export lets it go.  nft and iptables with ipset refuse real packets; postmap, HAProxy, rbldnsd, Knot with NSD
# as its secondary (IXFR), fail2ban.  What they are told is taken out of docs/consumers/*.md.  Mail servers and
# rspamd: mail.sh.  Programs that are not installed are left out and named.
NAME=formats BUILD=${1:-build}
. "$(dirname "$0")/site.inc"

BOT=198.18.1.7 STAYS=198.18.3.9 THIRD=198.18.4.4 HONEST=198.18.2.8 HONEST6=2001:db8:1801:1::5
BOT6=2001:db8:1800:1:aaaa:bbbb:cccc:dddd MID6=2001:db8:1800:1:1:2:3:4
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
	mkdir -p "$LISTS"
	for f in nftables ipset pf postfix-cidr postscreen-cidr exim opensmtpd sendmail rspamd rbldnsd zone haproxy mikrotik crowdsec fail2ban; do
		mxtrap export $f >"$LISTS/$f.new" || bad "export $f"
		mv "$LISTS/$f.new" "$LISTS/$f"
	done
}

in_set() { # set, element: what nft says, of a set of ours that is small
	mx nft get element inet mxtrap "$1" "{ $2 }" >/dev/null 2>&1
}
cidr() { mx postmap -c "$DIR/postfix/etc" -q "$1" "cidr:$LISTS/postfix-cidr" 2>/dev/null; }
in_filter() { # what says, of the real MX: the listed one, one amid the /64, an unlisted one, the one that may be allowed
	check "$1: another one is refused" says refused $STAYS 198.51.100.20 25
	check "$1: an address amid the /64 is refused" says refused $MID6 2001:db8:51::20 25
	check "$1: an unlisted one passes" says "250*" $HONEST 198.51.100.20 25
	check "$1: an unlisted one passes by IPv6" says "250*" $HONEST6 2001:db8:51::20 25
	check "$1: the decoy still takes who is refused" says reset $STAYS 198.51.100.30 25
	check "$1: the listed one" says "$([ "$2" = 1 ] && echo refused || echo "250*")" $BOT 198.51.100.20 25
}
rbl() { mx dig +short +tries=1 +time=20 -p "$1" @127.0.0.1 "$2.bl.trap.example"; }
with() { # what must hold of: the one that was listed and may be allowed by now, yes or no
	local when=$1 yes=$2
	if have nft; then
		mx nft -f "$LISTS/nftables" || bad "nft takes it $when"
		check "nft, $when: the listed one" test "$(in_set host4 $BOT; echo $?)" = $((1 - yes))
		check "nft, $when: an unlisted one is not" not in_set host4 $HONEST
		# Loaded twice: the rules stand there once.
		snippet nftables rules >"$DIR/rules.nft"
		check "nft, $when: the guide's rules are taken" mx nft -f "$DIR/rules.nft"
		mx nft -f "$DIR/rules.nft"
		in_filter "nft, $when" $yes
		check "nft, $when: three rules refuse" test "$(mx nft list chain inet mxtrap mail | grep -c "reject with tcp reset")" = 3
		mx nft delete table inet mxtrap
	fi
	if have ipset; then
		mx ipset restore <"$LISTS/ipset" || bad "ipset takes it $when"
		check "ipset, $when: the listed one" test "$(mx ipset -q test mxtrap4 $BOT; echo $?)" = $((1 - yes))
		check "ipset, $when: an address amid the /64 is in" mx ipset -q test mxtrap6 $MID6
		check "ipset, $when: an unlisted one is not" not mx ipset -q test mxtrap4 $HONEST
		snippet ipset rules >"$DIR/rules"
		check "iptables, $when: the guide's rules are taken" mx sh -e "$DIR/rules"
		in_filter "iptables, $when" $yes
		sed -i 's/ -I / -D /' "$DIR/rules"
		check "iptables, $when: the guide's way to undo" mx sh -e "$DIR/rules"
	fi
	check "postmap, $when: the listed one" test "$(cidr $BOT | grep -c '^REJECT 5.7.1 .*postmaster@trap.example')" = $yes
	check "postmap, $when: an address amid the /64" eval 'cidr $MID6 | grep -q "^REJECT"'
	check "postmap, $when: nobody else" test -z "$(cidr $HONEST)"
	if have rbldnsd; then
		# shellcheck disable=SC2046
		mx $(snippet rbldnsd command) >"$DIR/rbldnsd.log" 2>&1 &
		local server=$!
		check "rbldnsd, $when: it answers" wait_for 5000 eval '[ "$(rbl 5301 2.0.0.127)" = 127.0.0.2 ]'
		check "rbldnsd, $when: the listed one" test "$(rbl 5301 7.1.18.198)" = "$([ $yes = 1 ] && echo 127.0.0.3)"
		check "rbldnsd, $when: no resolver keeps it long" test "$(mx dig +noall +answer -p 5301 @127.0.0.1 9.3.18.198.bl.trap.example A | awk '{ print $2 }')" = 300
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
		    timeout connect 60s
		    timeout client 60s
		    timeout server 60s
		frontend mx
		    bind 198.51.100.20:2525
		    bind [2001:db8:51::20]:2525
		$(snippet haproxy rule)
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
		fail2ban-regex --print-all-matched "$LISTS/fail2ban" "$HERE/deploy/fail2ban/mxtrap.conf" >"$DIR/f2b" 2>&1
		check "fail2ban-regex, $when: matches all" eval 'grep -q "Lines: .* $((2 + yes)) matched" "$DIR/f2b"'
		check "fail2ban-regex, $when: the listed one" test "$(grep -c "ip=$BOT " "$DIR/f2b")" = $yes
	fi
}
# Postfix must not refuse by itself what the front let through.
mx postconf -c "$DIR/postfix/etc" -e "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination"
mx postfix -c "$DIR/postfix/etc" reload >/dev/null 2>&1

make_exports
with "listed" 1

# Knot holds the zone and hands its changes on; NSD is a secondary.
if have knotd && have nsd; then
	mkdir -p "$DIR/knot" "$DIR/nsd"
	# Both on loopback, at ports of their own.
	cat >"$DIR/knot/knot.conf" <<-END
	server:
	    listen: 127.0.0.1@5302
	    rundir: $DIR/knot
	database:
	    storage: $DIR/knot
	$(snippet knot knot | sed 's/198\.51\.100\.53@53/127.0.0.1@5303/; s/198\.51\.100\.53/127.0.0.1/')
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
	$(snippet knot nsd | sed 's/198\.51\.100\.54@53/127.0.0.1@5302/; s/198\.51\.100\.54/127.0.0.1/')
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

if have knotd && have nsd; then
	mx knotc -c "$DIR/knot/knot.conf" zone-reload bl.trap.example >/dev/null 2>&1
	check "Knot lets it go" wait_for 3000 eval '[ -z "$(rbl 5302 7.1.18.198)" ]'
	check "NSD lets it go, by IXFR" wait_for 10000 eval '[ -z "$(rbl 5303 7.1.18.198)" ]'
	check "and keeps the others" test "$(rbl 5303 9.3.18.198)" = 127.0.0.3
	size=$(mx dig +tcp -p 5302 @127.0.0.1 bl.trap.example IXFR="$serial" | sed -n 's/.*XFR size: .*bytes \([0-9]*\)).*/\1/p')
	echo "     the increment is ${size:-?} bytes"
	check "the increment is smaller than the zone" test "${size:-99999}" -lt 700
fi

# What stands in cron.d, with as little around it as cron gives; what is told to systemd is left out.
printf 'DIR=%s\n' "$LISTS" >"$DIR/fetch.conf"
for guide in nftables ipset haproxy rbldnsd knot fail2ban; do
	cron $guide | sed "s|^mxtrap-fetch|$HERE/deploy/mxtrap-fetch.sh|; s| && systemctl reload haproxy||
	    s|/etc/haproxy/haproxy.cfg|$DIR/haproxy.cfg|; s|knotc |knotc -c $DIR/knot/knot.conf |" >"$DIR/cron"
	check "the guide's line for $guide runs" mx env -i PATH=/usr/bin:/bin MXTRAP_FETCH_CONF="$DIR/fetch.conf" sh -e "$DIR/cron"
done
check "and nft has the list by it" in_set host4 $STAYS
check "ipset, too" mx ipset -q test mxtrap4 $STAYS

# --- nobody is on it, or it is not published: what is read then refuses nobody ----------

sed 's/^publish = yes/publish = no/' "$DIR/conf" >"$DIR/unpublished.conf"
entries() { # a listing of a set
	grep -cE 'elements = |timeout [0-9]+$'
}
nobody() { # what is asked of mxtrap, how it is called
	local f
	for f in nftables ipset postfix-cidr haproxy rbldnsd zone fail2ban; do
		mx "$BUILD/mxtrap" -c "$1" export $f --min-score "$2" >"$LISTS/$f" 2>"$DIR/export.err" || bad "export $f, $3"
	done
	check "nft takes a list $3" mx nft -f "$LISTS/nftables"
	check "and lets everybody go" test "$(mx nft list table inet mxtrap | entries)" = 0
	check "ipset takes a list $3" mx ipset restore -f "$LISTS/ipset"
	check "and lets everybody go" test "$({ mx ipset list mxtrap4; mx ipset list mxtrap6; } | sed '/^Header/d' | entries)" = 0
	check "Postfix reads a list $3" test -z "$(cidr $STAYS)$(cidr $MID6)"
	check "without a warning" test -z "$(mx postmap -c "$DIR/postfix/etc" -q $STAYS "cidr:$LISTS/postfix-cidr" 2>&1)"
	check "HAProxy takes a list $3" mx haproxy -c -q -f "$DIR/haproxy.cfg"
	check "rbldnsd takes a list $3, and has the test entries alone" test \
	    "$(mx rbldnsd -d bl.trap.example:combined:"$LISTS/rbldnsd" 2>/dev/null | grep -cE '[[:space:]]A[[:space:]]127')" = 2
	check "NSD takes a zone $3" eval 'nsd-checkzone bl.trap.example "$LISTS/zone" >/dev/null'
	check "fail2ban finds nobody on a list $3" eval 'fail2ban-regex "$LISTS/fail2ban" "$HERE/deploy/fail2ban/mxtrap.conf" | grep -q " 0 matched"'
}
nobody "$DIR/conf" 20 "with nobody on it"
make_exports
mx nft -f "$LISTS/nftables"
mx ipset restore -f "$LISTS/ipset"
check "with somebody on it both are full again" test "$(mx nft list table inet mxtrap | entries)$(mx ipset list mxtrap4 | sed '/^Header/d' | entries)" = 21
nobody "$DIR/unpublished.conf" 0 "that is not published"
mx nft delete table inet mxtrap

# fail2ban, with the guide's jail.  It lets go by its own clock alone, from the list's time on: for that its bans are made
# short, and a list that a busy machine brings too late is brought again.
if have fail2ban-server; then
	mkdir -p "$DIR/fail2ban"
	cp -r /etc/fail2ban/. "$DIR/fail2ban"
	rm -f "$DIR"/fail2ban/jail.d/*
	cp "$HERE/deploy/fail2ban/mxtrap.conf" "$DIR/fail2ban/filter.d"
	cp "$HERE/deploy/fail2ban/mxtrap-nft.conf" "$DIR/fail2ban/action.d"
	snippet fail2ban jail >"$DIR/fail2ban/jail.d/mxtrap.conf"
	f2b() { # program, what to do
		mx "$1" -c "$DIR/fail2ban" -s "$DIR/fail2ban/sock" -p "$DIR/fail2ban/pid" --logtarget "$DIR/fail2ban/log" "${@:2}"
	}
	f2b fail2ban-server -f start >"$DIR/fail2ban/out" 2>&1 &
	FAIL2BAN=$!
	# An IPv6 visitor of the real MX within 3 s before would count as the same host, which excuses: so much time it needs.
	sleep 4
	bot $THIRD
	check "a third one is listed" wait_for 4000 listed $THIRD || { mxtrap explain $THIRD; mxtrap status; tail -30 "$DIR/log"; }
	wait_for 10000 eval 'f2b fail2ban-client status mxtrap >/dev/null 2>&1'
	make_exports
	check "fail2ban refuses the listed one" wait_for 6000 says refused $THIRD 198.51.100.20 25 || tail -5 "$DIR/fail2ban/log"
	check "and one amid the /64" wait_for 2000 says refused $MID6 2001:db8:51::20 25
	check "and nobody else" says "250*" $HONEST 198.51.100.20 25
	f2b fail2ban-client set mxtrap bantime 8 >/dev/null
	f2b fail2ban-client unban --all >/dev/null
	bans() { grep -c "Ban $THIRD" "$DIR/fail2ban/log"; }
	bans_again() { make_exports; try_for 2000 eval '[ "$(bans)" -ge 2 ]'; }
	check "it bans for a short time" wait_for 10000 bans_again
	mxtrap allow $THIRD >/dev/null
	check "it lets go by its own clock who was allowed" wait_for 15000 says "250*" $THIRD 198.51.100.20 25
	f2b fail2ban-client set mxtrap bantime 600 >/dev/null
	make_exports
	check "the next list has it refuse the other again" wait_for 5000 says refused $STAYS 198.51.100.20 25
	check "and not the one that was allowed" says "250*" $THIRD 198.51.100.20 25
	f2b fail2ban-client stop >/dev/null 2>&1
	wait $FAIL2BAN
	check "its bans go with it" says "250*" $STAYS 198.51.100.20 25
fi
kill $PID
wait $PID
exit $FAILED
