#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# packages.sh [BUILD] - each guide's lines stand in a file that Debian's package reads, beside what it ships.
#
# HAProxy, Knot, NSD, fail2ban, nftables: the package's own configuration with the guide's lines, by the program's
# own check.  rbldnsd: started by the package's wrapper out of /etc/default.  CrowdSec: the .local file that wins
# over the .yaml.  Sendmail: the map that Debian's sendmail.mc has already.  Of files that were changed on this host
# nothing is said: skipped.  Exim, OpenSMTPD, rspamd and Postfix run with theirs in mail.sh.
set -u
HERE=$(realpath "$(dirname "$0")/../..")
. "$HERE/tests/lib/check.inc"
DIR=$(mktemp -d)
chmod 755 "$DIR"
trap 'rm -rf "$DIR"' EXIT
MTAS=${MXTRAP_MTAS:-/var/cache/mxtrap-tests/mtas}
snippet() { # guide, block
	awk -v want="\`\`\`$2" '$0 == want { on = 1; next } /^```/ { on = 0 } on' "$HERE/docs/consumers/$1.md" |
	    sed "s|/var/lib/mxtrap-fetch|$DIR/lists|g"
}
# as_shipped FILE: it is on this host as its package brought it.
as_shipped() {
	local sum
	sum=$(dpkg-query -W -f '${Conffiles}\n' "$(dpkg-query -S "$1" 2>/dev/null | cut -d: -f1)" 2>/dev/null | awk -v f="$1" '$1 == f { print $2 }')
	[ -n "$sum" ] && [ "$(md5sum <"$1")" = "$sum  -" ] || { echo "     $1 is not as shipped: skipped"; return 1; }
}
accepts() { "$@" >"$DIR/said" 2>&1 || { cat "$DIR/said"; return 1; }; }
mkdir "$DIR/lists"
echo '192.0.2.7' >"$DIR/lists/haproxy"
: >"$DIR/lists/fail2ban"

if as_shipped /etc/haproxy/haproxy.cfg; then
	{ cat /etc/haproxy/haproxy.cfg; snippet haproxy frontend; } >"$DIR/haproxy.cfg"
	check "HAProxy takes the frontend beside Debian's defaults" accepts haproxy -c -f "$DIR/haproxy.cfg"
	check "without a warning" not grep -q WARNING "$DIR/said"
	check "and the frontend has the guide's rule" grep -qF "$(snippet haproxy rule)" "$DIR/haproxy.cfg"
fi

if as_shipped /etc/knot/knot.conf; then
	{ cat /etc/knot/knot.conf; snippet knot knot; } >"$DIR/knot.conf"
	check "Knot takes the zone beside Debian's knot.conf" accepts knotc -c "$DIR/knot.conf" conf-check
fi

if as_shipped /etc/nsd/nsd.conf; then
	mkdir "$DIR/nsd.conf.d"
	snippet knot nsd >"$DIR/nsd.conf.d/mxtrap.conf"
	sed "s|/etc/nsd/nsd.conf.d|$DIR/nsd.conf.d|" /etc/nsd/nsd.conf >"$DIR/nsd.conf"
	check "NSD includes the file of the guide" eval '[ "$(nsd-checkconf -z bl.example.org -o zonefile "$DIR/nsd.conf")" = /var/lib/nsd/bl.zone ]'
	check "and its unit may write the zone there" grep -q '^ReadWritePaths=.*/var/lib/nsd' /lib/systemd/system/nsd.service
fi

if as_shipped /etc/fail2ban/jail.conf; then
	cp -r /etc/fail2ban "$DIR/fail2ban"
	# As the guide types it, from where make install puts them.
	snippet fail2ban sh | sed "s|/usr/share/doc/mxtrap/|$HERE/deploy/|; s|/etc/fail2ban|$DIR/fail2ban|" >"$DIR/copy.sh"
	check "fail2ban's filter and action are copied" sh -e "$DIR/copy.sh"
	snippet fail2ban jail >"$DIR/fail2ban/jail.d/mxtrap.conf"
	# Where there is no auth.log, Debian's own jail keeps fail2ban from starting, as the guide says.
	[ -e /var/log/auth.log ] || snippet fail2ban sshd >"$DIR/fail2ban/jail.d/sshd.local"
	check "fail2ban takes the jail beside Debian's" accepts fail2ban-client -c "$DIR/fail2ban" -t
	check "and has it" eval 'fail2ban-client -c "$DIR/fail2ban" -d 2>/dev/null | grep -q "'"'mxtrap'"'"'
fi

if as_shipped /etc/nftables.conf; then
	snippet nftables rules >"$DIR/rules.nft"
	{ cat /etc/nftables.conf; echo "include \"$DIR/rules.nft\""; } >"$DIR/nftables.conf"
	if unshare -n true 2>/dev/null; then
		check "nft loads Debian's nftables.conf with the include at its end, twice" accepts unshare -n sh -c 'nft -f "$0" && nft -f "$0" && nft list chain inet mxtrap mail' "$DIR/nftables.conf"
	fi
fi

if as_shipped /etc/default/rbldnsd && unshare -mn true 2>/dev/null; then
	printf '$SOA 60 bl.example.org root.bl.example.org 0 60 60 60 60\n$NS 60 bl.example.org\n$DATASET ip4set list @\n:127.0.0.3:Refused\n192.0.2.7\n' >"$DIR/lists/rbldnsd"
	snippet rbldnsd default >"$DIR/rbldnsd"
	check "Debian's wrapper starts rbldnsd with the line of /etc/default/rbldnsd" accepts unshare -mn sh -c '
		ip link set lo up
		mount --bind "$0" /etc/default/rbldnsd
		/usr/sbin/rbldnsd.wrapper & pid=$!
		n=0
		until [ "$(dig +short +tries=1 +time=1 @127.0.0.1 -p 5301 7.2.0.192.bl.example.org)" = 127.0.0.3 ]; do
			n=$((n + 1)); [ $n -lt 100 ] || break; sleep 0.1
		done
		kill $pid
		[ $n -lt 100 ]' "$DIR/rbldnsd"
fi

BOUNCER=$MTAS/crowdsec-firewall-bouncer
if [ -e "$BOUNCER/.unpacked" ]; then
	cp "$BOUNCER/etc/crowdsec/bouncers/crowdsec-firewall-bouncer.yaml" "$DIR/bouncer.yaml"
	sed -i "s|/var/log/|$DIR/|" "$DIR/bouncer.yaml"
	snippet crowdsec bouncer >"$DIR/bouncer.yaml.local"
	check "CrowdSec's bouncer takes the .yaml.local beside Debian's .yaml" accepts "$BOUNCER/usr/bin/crowdsec-firewall-bouncer" -c "$DIR/bouncer.yaml" -t
	check "Debian writes the file that the guide edits" eval 'grep -q "crowdsec-firewall-bouncer.yaml.local" "$HERE/docs/consumers/crowdsec.md"'
fi

MC=$MTAS/sendmail-bin/usr/share/sendmail/cf
if [ -e "$MC/debian/sendmail.mc" ]; then
	check "Debian's sendmail.mc has the access map already" grep -q '^FEATURE(`access_db' "$MC/debian/sendmail.mc"
	check "and delays its checks to RCPT" grep -q '^FEATURE(`delay_checks' "$MC/debian/sendmail.mc"
fi
exit $FAILED
