#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# readme.sh [BUILD] - README and the guides, typed literally on a Debian 12, before a real Postfix.
#
# Each host is a Debian 12 (tests/readme/root.sh) under an overlay of its own, in a network namespace of its own; the
# documents are followed by their fenced blocks, in order: what is "sh" is typed, what is "conf" is written into
# mxtrap.conf, what is Postfix's into main.cf.  Three layouts: three addresses on one host, the real MX on another
# machine, the real MX behind DNAT.  In each a bot names a recipient at the backup first, and is refused at the real
# MX from then on; honest mail passes, before and after.  mxtrapd runs as its unit says (tests/readme/systemctl.sh),
# with the users that systemd-sysusers makes.  Not part of make check: it takes minutes.  Needs root; 77: skipped.
set -u
HERE=$(realpath "$(dirname "$0")/../..")
BUILD=$(realpath "${1:-build}")
. "$HERE/tests/lib/check.inc"
. "$HERE/tests/lib/ns.inc"
lab_end() {
	local r
	[ ! -d "$DIR/hosts" ] || { for r in "$DIR"/hosts/*/root; do umount -R -l "$r" 2>/dev/null; done; umount -l "$DIR/hosts"; }
}
lab readme out mx real
PLACE=${MXTRAP_README:-$HERE/build/readme}
BEGAN=$(date +%s)
"$HERE/tests/readme/root.sh" "$PLACE" || exit 1
mkdir "$DIR/hosts"
mount -t tmpfs tmpfs "$DIR/hosts"

# --- hosts --------------------------------------------------------------------------------

host() { # NAME: an installed Debian, and nothing else yet
	local at=$DIR/hosts/$1
	mkdir -p "$at/root" "$at/upper" "$at/work"
	mount -t overlay overlay -o "lowerdir=$PLACE/root,upperdir=$at/upper,workdir=$at/work" "$at/root" || exit 1
	mount -t proc proc "$at/root/proc"
	mount -t tmpfs tmpfs "$at/root/dev"
	for d in "null 3" "zero 5" "urandom 9" "random 8"; do mknod -m 666 "$at/root/dev/${d% *}" c 1 "${d#* }"; done
	ln -s /proc/self/fd "$at/root/dev/fd"
	mkdir -p "$at/root/srv/mxtrap"
	printf '%s localhost\n' 127.0.0.1 ::1 >"$at/root/etc/hosts"
	install -m 755 "$HERE/tests/readme/systemctl.sh" "$at/root/usr/local/sbin/systemctl"
}
# on HOST COMMAND...: there, in its network, as root who just logged in, in the sources.
on() {
	local name=$1
	shift
	ip netns exec "$P-$name" chroot "$DIR/hosts/$name/root" env -i HOME=/root USER=root TERM=dumb \
	    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c 'cd /srv/mxtrap; exec "$@"' sh "$@"
}
file() { echo "$DIR/hosts/$1/root$2"; }
# block DOCUMENT TAG N [SECTION]: the n-th such block, behind that heading.
block() {
	awk -v tag="\`\`\`$2" -v n="$3" -v section="${4:-}" '
		BEGIN { here = section == "" }
		/^#/ && !on { here = section == "" || index($0, section) > 0 }
		$0 == tag && here { on = ++k == n; next }
		/^```/ { on = 0 }
		on' "$HERE/$1" | grep . || { echo "readme.sh: $1 has no block $2 $3 behind '${4:-}'" >&2; return 1; }
}
# types HOST DOCUMENT N [SECTION]: the n-th block of commands, as one types it.
types() {
	echo "     on $1: $2${4:+, $4}"
	block "$2" sh "$3" "${4:-}" | tee "$DIR/typed" | sed 's/^/         # /'
	# Its exit status 1 is an answer: something stands there to be looked at.
	sed -i 's/^mxtrap status$/& || [ $? = 1 ]/' "$DIR/typed"
	on "$1" sh -e <"$DIR/typed" >"$DIR/out" 2>&1 || { tail -20 "$DIR/out"; return 1; }
}

# --- the network: everybody outside is one host with many addresses -------------------------

for ns in out mx real; do ip -n "$P-$ns" link set lo up; done
wire() { # HOST OTHER'S NAME THERE: a wire from outside
	ip link add eth0 netns "$P-$1" type veth peer name "to-$1" netns "$P-out"
	ip -n "$P-$1" link set eth0 up
	ip -n "$P-out" link set "to-$1" up
}
BOT=198.18.1.7 HONEST=198.18.2.8
wire mx
wire real
ip -n "$P-out" addr add 198.18.0.1/32 dev lo
ip -n "$P-out" route add local 198.18.0.0/16 dev lo
ip netns exec "$P-out" sysctl -qw net.ipv4.ip_forward=1
gateway() { # HOST ADDRESS/LEN of the gateway; addresses of the host
	local host=$1 gw=$2 a
	shift 2
	ip -n "$P-out" addr add "$gw" dev "to-$host"
	for a; do ip -n "$P-$host" addr add "$a/${gw#*/}" dev eth0; done
	ip -n "$P-$host" route replace default via "${gw%/*}"
}
no_addresses() { # of a stage that is over
	local ns
	for ns in mx real; do
		ip -n "$P-$ns" addr flush dev eth0
		ip -n "$P-out" addr flush dev "to-$ns"
	done
}
# swaks ADDRESS TARGET: what it hears last, of a mail to you@example.org.
mail() {
	ip netns exec "$P-out" chroot "$PLACE/root" swaks --local-interface "$1" --server "$2" --from test@example.net --to you@example.org \
	    --helo client.example.net --timeout 20 >"$DIR/swaks" 2>&1
	grep -E '^<(~|\*|-)|^\*\*\*' "$DIR/swaks" | grep -v '221 ' | tail -1
}
hears() { # wanted, address, target
	local said
	said=$(mail "$2" "$3")
	# shellcheck disable=SC2053
	[[ $said == $1 ]] || { LAST=$said; return 1; }
}
LAST=
heard() { local name=$1; shift; check "$name" "$@" || echo "     heard: $LAST"; }
listed() { on "$1" mxtrap list --format plain 2>/dev/null | grep -qF "$2"; }
refuses='*[Cc]onnection refused*'

# --- a mail server, as Debian's package makes it ---------------------------------------------

postfix_on() { # HOST ADDRESS
	on "$1" useradd -m you
	on "$1" postconf -e "inet_interfaces = $2" "mydestination = example.org, localhost" "myhostname = mx1.example.org" "inet_protocols = ipv4"
	on "$1" postfix start >"$DIR/out" 2>&1 || { cat "$DIR/out"; bad "Postfix starts"; }
}
installs() { # HOST: README's "Install", with what is built here where it is a Debian 12 too
	local to=$DIR/hosts/$1/"root"/srv/mxtrap
	(cd "$HERE" && git ls-files -z | tar c --null -T - --ignore-failed-read 2>/dev/null) | tar x -C "$to"
	if grep -q bookworm /etc/os-release; then
		mkdir -p "$to/build" && (cd "$BUILD" && tar c --exclude=./readme --exclude=./check --exclude=./tests .) | tar x -C "$to/build"
		# In the order in which make made it.
		mkdir -p "$to/web/node_modules"
		for made in web/node_modules/.ready build/gen/page/.ready build/embed build/gen/assets.c build/gen/migrations.c; do touch "$to/$made"; done
		for made in '*.o' '*.a' mxtrapd mxtrap; do find "$to/build" -name "$made" -exec touch {} +; done
	fi
	check "README's commands install it" types "$1" README.md 1 "Install"
	on "$1" getent passwd mxtrap mxtrap-net mxtrap-fw >"$DIR/out"
	check "with its three users" test "$(wc -l <"$DIR/out")" = 3
}
configure() { # HOST, from the standard input: mxtrap.conf, with the lines to try it
	block README.md try 1 >"$(file "$1" /etc/mxtrap/try.conf)"
	{ cat; echo 'allow { special-purpose = no }'; echo 'include "try.conf"'; } >"$(file "$1" /etc/mxtrap/mxtrap.conf)"
}
starts() { check "README's commands check and start it" types "$1" README.md 2 "Install" || on "$1" cat /var/log/mxtrapd; }
judges() { # HOST: the bot goes to the backup first, by the command of operate.md
	echo "$2 mx9.example.org" >>"$(file out /etc/hosts)"
	block docs/operate.md swaks 1 | sed "s/^swaks /swaks --local-interface $BOT /" >"$DIR/typed"
	on out sh <"$DIR/typed" >"$DIR/swaks" 2>&1
	check "the backup puts the bot off with 451" grep -q '^<\*\* 451 ' "$DIR/swaks"
	check "and it is listed" wait_for 60000 listed "$1" $BOT || { on "$1" mxtrap status; on "$1" mxtrap explain $BOT; }
}

host out
host mx

# --- three addresses on one host ------------------------------------------------------------

echo "--- three addresses on one host"
gateway mx 198.51.100.1/24 198.51.100.10 198.51.100.20 198.51.100.30
postfix_on mx 198.51.100.20
installs mx
block README.md conf 1 | configure mx
starts mx
heard "honest mail passes" hears '*250 *' $HONEST 198.51.100.20
judges mx 198.51.100.30
check "operate.md's commands show it" on mx sh -c "mxtrap list && mxtrap explain $BOT" >"$DIR/out" 2>&1

echo "--- and docs/consumers/postfix.md"
check "its directory is made" types mx docs/consumers/postfix.md 1
block docs/consumers/postfix.md conf 1 | sed '/^dnsbl/d' >>"$(file mx /etc/mxtrap/mxtrap.conf)"
block docs/consumers/postfix.md policy 1 >>"$(file mx /etc/postfix/main.cf)"
sed -i 's/^smtpd_recipient_restrictions/\n&/' "$(file mx /etc/postfix/main.cf)"
check "Debian's smtpd is chrooted" grep -qE '^smtp +inet +n +- +y ' "$(file mx /etc/postfix/master.cf)"
# Its second command shows that nobody is listed who is not: exit status 1.
block docs/consumers/postfix.md sh 2 >"$DIR/typed"
on mx sh <"$DIR/typed" >"$DIR/out" 2>&1
check "its commands restart both" on mx postfix status
heard "the bot is refused at the real MX by the policy service, with the contact" wait_for 30000 hears '*554 5.7.1*postmaster@example.org*' $BOT 198.51.100.20
heard "honest mail passes" hears '*250 *' $HONEST 198.51.100.20

echo "--- and docs/consumers/nftables.md"
block docs/consumers/nftables.md conf 1 >>"$(file mx /etc/mxtrap/mxtrap.conf)"
mkdir -p "$(file mx /etc/systemd/system/mxtrapd.service.d)"
block docs/consumers/nftables.md drop-in 1 >"$(file mx /etc/systemd/system/mxtrapd.service.d/override.conf)"
check "it starts with them" on mx systemctl restart mxtrapd
heard "the bot is refused by a reset" wait_for 30000 hears "$refuses" $BOT 198.51.100.20
heard "honest mail passes" hears '*250 *' $HONEST 198.51.100.20
check "the guide's commands show it" types mx docs/consumers/nftables.md 1
echo "--- and docs/operate.md, Uninstall"
check "its commands uninstall it" types mx docs/operate.md 1 Uninstall
check "and remove the rest" types mx docs/operate.md 2 Uninstall
check "nothing of it is left" eval '! on mx sh -c "getent passwd mxtrap || getent group mxtrap-admin || ls /usr/sbin/mxtrapd /var/lib/mxtrap /usr/share/doc/mxtrap || nft list table inet mxtrapd" >"$DIR/out" 2>&1'
heard "and mail still passes" hears '*250 *' $BOT 198.51.100.20 || true
on mx postfix stop >/dev/null 2>&1
no_addresses

# --- the real MX on another machine ----------------------------------------------------------

echo "--- the real MX on another machine (docs/layouts.md)"
host real
sed -i '/mx9/d' "$(file out /etc/hosts)"
gateway mx 203.0.113.1/24 203.0.113.10 203.0.113.30
gateway real 198.51.100.1/24 198.51.100.20
ip link add private netns "$P-mx" type veth peer name private netns "$P-real"
ip -n "$P-mx" addr add 10.0.0.1/24 dev private
ip -n "$P-real" addr add 10.0.0.2/24 dev private
for ns in mx real; do ip -n "$P-$ns" link set private up; done
installs mx
block docs/layouts.md conf 1 "The real MX on another machine" | configure mx
block docs/layouts.md remote 1 "The real MX on another machine" | sed 's/^smtpd_/\n&/' >>"$(file real /etc/postfix/main.cf)"
starts mx
postfix_on real 198.51.100.20
heard "honest mail passes" hears '*250 *' $HONEST 198.51.100.20
judges mx 203.0.113.30
heard "the bot is refused at the real MX" wait_for 30000 hears '*554 5.7.1*' $BOT 198.51.100.20
heard "honest mail passes" hears '*250 *' $HONEST 198.51.100.20
on mx systemctl stop mxtrapd
rm -rf "$(file mx /var/lib/mxtrap)"
heard "mail passes while mxtrapd is away" hears '*250 *' $HONEST 198.51.100.20
on real postfix stop >/dev/null 2>&1
no_addresses

# --- the real MX behind DNAT -----------------------------------------------------------------

echo "--- the real MX behind DNAT (docs/layouts.md)"
gateway mx 198.51.100.1/24 198.51.100.10 198.51.100.20 198.51.100.30
ip -n "$P-mx" addr replace 172.17.0.1/16 dev private
ip -n "$P-real" addr replace 172.17.0.2/16 dev private
ip -n "$P-real" route replace default via 172.17.0.1
ip netns exec "$P-mx" sysctl -qw net.ipv4.ip_forward=1
# What Docker makes of --publish 198.51.100.20:25:25.
on mx nft -f - <<-'END'
	table ip nat {
		chain PREROUTING { type nat hook prerouting priority dstnat; ip daddr 198.51.100.20 tcp dport 25 dnat to 172.17.0.2:25; }
		chain POSTROUTING { type nat hook postrouting priority srcnat; ip saddr 172.17.0.0/16 oifname eth0 masquerade; }
	}
	END
sed -i '/mx9/d' "$(file out /etc/hosts)"
block docs/layouts.md conf 1 "Docker and DNAT" | configure mx
mkdir -p "$(file mx /etc/systemd/system/mxtrapd.service.d)"
block docs/consumers/nftables.md drop-in 1 >"$(file mx /etc/systemd/system/mxtrapd.service.d/override.conf)"
starts mx
on real sed -i '/check_policy_service/d; /^smtpd_recipient_restrictions/d; /^smtpd_end_of_data/d' /etc/postfix/main.cf
on real postconf -e inet_interfaces=172.17.0.2
on real postfix start >/dev/null 2>&1
heard "honest mail passes" wait_for 30000 hears '*250 *' $HONEST 198.51.100.20
judges mx 198.51.100.30
heard "the bot is refused behind DNAT by a reset" wait_for 30000 hears "$refuses" $BOT 198.51.100.20
heard "honest mail passes" hears '*250 *' $HONEST 198.51.100.20

echo "--- $(date +%Y-%m-%d): $(($(date +%s) - BEGAN)) s; building needs $(cat "$PLACE/built-with")"
exit $FAILED
