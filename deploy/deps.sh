#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# deps.sh GROUP... - install what Debian packages a target needs.
#
# Groups: build (compile), check (tests, lint), demo, bench, mtas (what tests/mtas sends
# with: Postfix is installed; Exim, OpenSMTPD, Sendmail and CrowdSec are only unpacked, by mtas.sh,
# for as packages they exclude each other).  Nothing missing: says nothing, asks no
# registry, takes a moment.  Anything missing: says what, and installs
# it with apt-get (as root; anyone else is told the command).
set -eu

BUILD="gcc make pkg-config libc6-dev libpcap-dev libmicrohttpd-dev libsqlite3-dev libldns-dev libnftables-dev zlib1g-dev libmaxminddb-dev"
BUILD="$BUILD nodejs npm"			# the page is bundled
LIVE="iproute2 procps python3 postfix dnsmasq-base tcpdump curl openssl"
CHECK="libcmocka-dev valgrind clang libclang-rt-14-dev clang-tidy cppcheck mandoc jq perl sqlite3 nftables prometheus bind9-dnsutils ipset
	rbldnsd knot nsd haproxy fail2ban rspamd iptables"
CHECK="$CHECK p0f chromium fonts-dejavu-core"	# tests/browser
CHECK="$CHECK systemd"	# its systemd-sysusers and systemd-analyze, for tests/config/installed.sh; it is not started
CHECK="$CHECK faketime libfaketime"		# tests/calendar.sh

packages() {
	for group in "$@"; do
		case $group in
		build) echo "$BUILD" ;;
		check) echo "$BUILD $CHECK $LIVE" ;;
		demo) echo "$BUILD $LIVE" ;;
		bench) echo "$BUILD $LIVE p0f wrk sqlite3 nftables rbldnsd slowhttptest" ;;
		mtas) echo "$BUILD $LIVE nftables sqlite3" ;;
		pictures) echo "pngquant" ;;
		readme) echo "iproute2 debootstrap" ;;
		*) echo "deps.sh: no group '$group'; there are build, check, demo, bench, mtas, pictures, readme" >&2; exit 2 ;;
		esac
	done
}

[ $# -gt 0 ] || { echo "usage: deploy/deps.sh build|check|demo|bench|mtas..." >&2; exit 2; }
command -v dpkg-query >/dev/null || exit 0	# not Debian: the compiler will tell what is missing

wanted=$(packages "$@") || exit 2
missing=
# One dpkg-query for all: `all` and `check` begin with this script.
# shellcheck disable=SC2086
have=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' $wanted 2>/dev/null || :)"
for p in $wanted; do
	case "$have$missing " in
	*" $p=installed "* | *" $p "*) continue ;;
	esac
	case $p in
	nodejs) command -v node >/dev/null || missing="$missing $p" ;;
	npm) command -v npm >/dev/null || missing="$missing $p" ;;	# others' nodejs brings it, and excludes the package
	*) missing="$missing $p" ;;
	esac
done
unpack() { case " $* " in *" mtas "*) "$(dirname "$0")/mtas.sh" ;; esac; }
[ -n "$missing" ] || { unpack "$@"; exit 0; }

echo "deps.sh: to be installed:$missing"
if [ "$(id -u)" != 0 ]; then
	echo "deps.sh: not root; run: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

# Two runs beside each other: the second waits, and finds nothing missing.
[ -n "${MXTRAP_DEPS_LOCKED:-}" ] || MXTRAP_DEPS_LOCKED=1 exec flock /run/mxtrap-deps.lock "$0" "$@"

# Nothing that is installed here may start: postfix and prometheus come for their programs.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	trap 'exit 1' INT TERM
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
case "$missing " in
*" postfix "*)
	apt-get -q -y install --no-install-recommends debconf
	echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
	;;
esac
# shellcheck disable=SC2086
apt-get -q -y install --no-install-recommends $missing
unpack "$@"
