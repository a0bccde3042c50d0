#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# crowdsec.sh [BUILD] - CrowdSec's firewall bouncer as a client of mxtrapd, and cscli that imports the list.
#
# The bouncer of Debian, with a key that mxtrap token made, polls what mxtrapd serves of CrowdSec's local API:
# a listed sender is refused by its nftables sets, an unlisted one passes, one that was allowed passes again;
# also after web was killed between two polls, and with a key that was taken away it keeps what it has.
# By ipset it refuses the whole /64 (by nftables it takes the first address alone: its own fault, told in docs).
# Then CrowdSec's own local API imports the export.  In two network namespaces of its own.  Root; 77: skipped.
NAME=crowdsec BUILD=${1:-build}
ROOT=${MXTRAP_MTAS:-/var/cache/mxtrap-tests/mtas}
CS=$ROOT/crowdsec BOUNCER=$ROOT/crowdsec-firewall-bouncer/usr/bin/crowdsec-firewall-bouncer
[ -x "$BOUNCER" ] && [ -x "$CS/usr/bin/cscli" ] || { echo "crowdsec: SKIP, not unpacked (deploy/deps.sh mtas)"; exit 77; }
. "$(dirname "$0")/site.inc"

BOT=198.18.1.7 LATER=198.18.3.9 THIRD=198.18.4.4 HONEST=198.18.2.8 BOT6=2001:db8:1800:1:aaaa:bbbb:cccc:dddd MID6=2001:db8:1800:1:1:2:3:4
listed() { mxtrap list --format plain | grep -qF "$1"; }
bot $BOT
bot $BOT6
check "there is somebody to block" wait_for 4000 listed $BOT
check "and a /64" wait_for 3000 listed 2001:db8:1800:1::/64
mxtrap firewall off >/dev/null		# or nothing of this would be seen

# --- a bouncer --------------------------------------------------------------------------

KEY=$(mxtrap token add bouncer --scope lapi | grep '^mxt_')
check "a key is made, and shown once" test ${#KEY} = 68
check "the same name twice is refused" eval '! mxtrap token add bouncer --scope lapi >"$DIR/again" 2>&1'
check "and said why" grep -q "already" "$DIR/again"
check "an odd scope, too" eval '! mxtrap token add b --scope everything >"$DIR/again" 2>&1'
check "its hash alone is kept" eval '! grep -rqF "$KEY" "$DIR/state" "$DIR/log"'
bouncer() { # mode, name of its file
	cat >"$DIR/$2.yaml" <<-END
	mode: $1
	pid_dir: $DIR/
	update_frequency: 1s
	daemonize: false
	log_mode: stdout
	log_level: info
	api_url: http://127.0.0.1:8725/
	api_key: $KEY
	disable_ipv6: false
	deny_action: DROP
	supported_decisions_types:
	  - ban
	blacklists_ipv4: crowdsec-blacklists
	blacklists_ipv6: crowdsec6-blacklists
	ipset_type: nethash
	iptables_chains:
	  - INPUT
	nftables:
	  ipv4: { enabled: true, set-only: false, table: crowdsec, chain: crowdsec-chain }
	  ipv6: { enabled: true, set-only: false, table: crowdsec6, chain: crowdsec6-chain }
	prometheus: { enabled: false, listen_addr: 127.0.0.1, listen_port: 60601 }
	END
	bouncer_runs "$2"
}
bouncer_runs() { # name of its file
	ip netns exec "$P-mx" "$BOUNCER" -c "$DIR/$1.yaml" >"$DIR/$1.log" 2>&1 &
	BOUNCER_PID=$!
}
in_nft() { mx nft list table ip crowdsec 2>/dev/null | grep -qF "$1"; }
bouncer nftables bouncer
check "the bouncer of Debian takes the list" wait_for 10000 in_nft $BOT || tail -5 "$DIR/bouncer.log"
dropped() { PATIENCE=4 says "timed out" "$@"; }
check "the listed one is refused" dropped $BOT 198.51.100.20 25
check "an unlisted one passes" says "250*" $HONEST 198.51.100.20 25
bot $LATER
check "a sender that is listed later comes with a delta" eval 'wait_for 4000 listed $LATER && wait_for 5000 in_nft $LATER'
mxtrap allow $LATER >/dev/null
check "one that was allowed is let go" wait_for 5000 not in_nft $LATER
check "and the other is not" in_nft $BOT
known() { mxtrap consumers | grep -qE "^bouncer +lapi .*all of it +crowdsec-firewall-bouncer/"; }
check "mxtrap consumers shows it" wait_for 3000 known
check "mxtrap token list says that it is used" eval 'mxtrap token list | grep -E "^bouncer +lapi +20..-.*20..-" >/dev/null'

# web is killed; who is let go while it is down is told all the same.
WEB=$(sed -n 's/.*mxtrapd: web is ready (pid \([0-9]*\)).*/\1/p' "$DIR/log" | tail -1)
was_back() { [ "$(grep -c "mxtrapd: web is ready" "$DIR/log")" = 2 ]; }
kill -9 "$WEB"
mxtrap allow $BOT >/dev/null
check "who is allowed while web is down is let go by the delta that follows" wait_for 8000 not in_nft $BOT
check "for web is back" was_back

# A key that was taken away: the bouncer keeps what it has, and a new one is refused.
mxtrap token revoke bouncer >/dev/null
refused() { [ "$(mx curl -s -o /dev/null -w '%{http_code}' -H "X-Api-Key: $KEY" 'http://127.0.0.1:8725/v1/decisions/stream')" = 403 ]; }
check "a key that was revoked opens nothing" wait_for 3000 refused
check "and is no consumer any more" wait_for 20000 eval '! mxtrap consumers | grep -q "^bouncer "'
kill $BOUNCER_PID
wait $BOUNCER_PID 2>/dev/null

# --- by ipset, a /64 is a /64 -----------------------------------------------------------

if command -v ipset >/dev/null && mx ip6tables -L >/dev/null 2>&1; then
	KEY=$(mxtrap token add by-ipset --scope lapi | grep '^mxt_')
	# The package's own file, with what the guide says in place of its keys.
	snippet crowdsec bouncer | sed "s/^api_key:.*/api_key: $KEY/; s/^update_frequency:.*/update_frequency: 1s/" >"$DIR/guide"
	{
		awk -v keys="$(sed -n 's/^\([a-z_]*\):.*/\1/p' "$DIR/guide" | tr '\n' ' ')" '
		    /^[a-z_]+:/ { key = $1; sub(":.*", "", key); skip = index(" " keys, " " key " ") } ! skip' \
		    "${BOUNCER%/usr/bin/*}/etc/crowdsec/bouncers/crowdsec-firewall-bouncer.yaml" |
		    sed "s|/var/run/|$DIR/|; s/^daemonize:.*/daemonize: false/; s/^log_mode:.*/log_mode: stdout/; s/  enabled: true$/  enabled: false/"
		cat "$DIR/guide"
	} >"$DIR/by-ipset.yaml"
	bouncer_runs by-ipset
	in_ipset() { mx ipset -q test crowdsec6-blacklists "$1"; }
	check "by ipset, an address amid the /64 is refused" wait_for 10000 in_ipset $MID6 || tail -5 "$DIR/by-ipset.log"
	kill $BOUNCER_PID
	wait $BOUNCER_PID 2>/dev/null
else
	echo "     ip6tables or ipset is not here: its sets left out"
fi

# --- cscli decisions import -------------------------------------------------------------

mkdir -p "$DIR/cs/data" "$DIR/cs/hub" "$DIR/cs/notifications" "$DIR/cs/patterns" "$DIR/cs/plugins"
cp "$CS/etc/crowdsec/profiles.yaml" "$CS/etc/crowdsec/simulation.yaml" "$DIR/cs"
echo '{}' >"$DIR/cs/hub/.index.json"
sed -e "s|/etc/crowdsec/|$DIR/cs/|g; s|/var/lib/crowdsec/data/|$DIR/cs/data/|g; s|/var/lib/crowdsec/hub/|$DIR/cs/hub/|g" \
    -e "s|/usr/lib/crowdsec/plugins/|$DIR/cs/plugins/|; s|/var/log/|$DIR/cs/|; s|log_media: file|log_media: stdout|; s|daemonize: true|daemonize: false|" \
    -e "/online_client/,/credentials_path/d; s|enabled: true|enabled: false|" "$CS/etc/crowdsec/config.yaml" >"$DIR/cs/config.yaml"
cscli() { mx "$CS/usr/bin/cscli" -c "$DIR/cs/config.yaml" "$@"; }
cscli machines add test --auto --force -f "$DIR/cs/local_api_credentials.yaml" -u http://127.0.0.1:8080 >"$DIR/cs/cscli.log" 2>&1
ip netns exec "$P-mx" "$CS/usr/bin/crowdsec" -c "$DIR/cs/config.yaml" -no-cs -no-capi >"$DIR/cs/log" 2>&1 &
CS_PID=$!
lapi() { mx curl -s -o /dev/null http://127.0.0.1:8080/; }
check "CrowdSec's local API is there" wait_for 15000 lapi || tail -5 "$DIR/cs/log" "$DIR/cs/cscli.log"
bot $THIRD
check "another bot is listed" wait_for 4000 listed $THIRD
mxtrap export crowdsec >"$DIR/crowdsec.csv"
check "cscli imports the export" cscli decisions import -i "$DIR/crowdsec.csv"
LAPI_KEY=$(cscli bouncers add asker -o raw 2>/dev/null | tail -1)
decided() { # by its local API, for this very address
	mx curl -s -H "X-Api-Key: $LAPI_KEY" "http://127.0.0.1:8080/v1/decisions?ip=$1" | grep -q '"type":"ban"'
}
check "it has the listed one" decided $THIRD
check "and an address amid the /64" decided $MID6
check "and nobody else" not decided $HONEST
check "mxtrap consumers shows who exported by hand" wait_for 5000 eval 'mxtrap consumers | grep -q "^command:root *crowdsec "'
kill $CS_PID
wait $CS_PID 2>/dev/null
kill $PID
wait $PID
exit $FAILED
