#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# deps.sh build|check|demo|bench - install what that needs, from Debian's packages, and say so first.
# Does nothing, quickly, where everything is there.
set -eu

build="libpcap-dev libmicrohttpd-dev libsqlite3-dev libconfuse-dev pkg-config"
check="$build libcmocka-dev python3 iproute2 nftables tcpdump curl postfix dnsmasq-base socat procps sqlite3
	prometheus valgrind clang clang-tidy cppcheck libclang-rt-14-dev gcovr mandoc"
demo="$build iproute2 nftables python3 postfix dnsmasq-base socat curl procps tcpdump"
bench="$build python3 iproute2 tcpdump p0f wrk curl sqlite3 procps"

case "${1:-}" in
build) want=$build ;;
check) want=$check ;;
demo) want=$demo ;;
bench) want=$bench ;;
*) echo "usage: deps.sh build|check|demo|bench" >&2; exit 2 ;;
esac

missing=
for p in $want; do
	case "$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true)" in
	*' installed') ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

echo "mxtrap needs these Debian packages for '$1' and installs them now:$missing"
if [ "$(id -u)" != 0 ]; then
	echo "not root: run this first, then again: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# A mail server is needed as a program only: none is configured or started here.
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections 2>/dev/null || true
policy=/usr/sbin/policy-rc.d made=
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' > "$policy"
	chmod 755 "$policy"
	made=1
fi
trap '[ -z "$made" ] || rm -f "$policy"' EXIT
log=$(mktemp)
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } > "$log" 2>&1 < /dev/null; then
	tail -n 30 "$log" >&2
	echo "deps.sh: installing failed; the whole log is $log" >&2
	exit 1
fi
rm -f "$log"
