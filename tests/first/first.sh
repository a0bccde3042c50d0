#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# first.sh [BUILD] [demo] [check] - what a newcomer types first, on a Debian 12 with git, gcc and make and nothing else.
#
# In one fresh root `make demo SECONDS=30`, in another `make check`, each in a fresh clone and as the first command
# typed: all that they need they bring.  The root of debootstrap is kept in BUILD/first/base.tar, the logs beside it.
# Packages come from where this host has them.  Each root is / of a mount and a process namespace of its own, and goes
# at the end.  Says the minutes and megabytes of each.  By hand: half an hour, 4 GB.  Needs root.
set -u
HERE=$(realpath "$(dirname "$0")/../..")
BUILD=$(realpath -m "${1:-$HERE/build}")
shift
[ $# -gt 0 ] || set -- demo check
PLACE=$BUILD/first
[ "$(id -u)" = 0 ] || { echo "first.sh: not root: a Debian cannot be made without"; exit 77; }
command -v debootstrap >/dev/null || { echo "first.sh: found no debootstrap; run apt-get install debootstrap" >&2; exit 1; }
# The settings of npm that this host's user has; read before the environment is made ours.
mapfile -t ASKED < <(env | grep -iE '^(npm_config_[a-z_]+|NODE_EXTRA_CA_CERTS|https?_proxy|no_proxy)=')
NPMRC=${NPM_CONFIG_USERCONFIG:-$HOME/.npmrc}
. "$HERE/tests/lib/env.inc"
mkdir -p "$PLACE"

if [ ! -e "$PLACE/base.tar" ]; then
	echo "first.sh: debootstrap, once"
	mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
	    sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([a-z]*:[^ ]*\) .*/\2/p' | head -1)
	rm -rf --one-file-system "$PLACE/base"
	debootstrap --variant=minbase --include=ca-certificates,git,gcc,make bookworm "$PLACE/base" "$mirror" >"$PLACE/base.log" 2>&1 || {
		tail -5 "$PLACE/base.log"; exit 1; }
	tar -C "$PLACE/base" --one-file-system -cf "$PLACE/base.tar.new" . && mv "$PLACE/base.tar.new" "$PLACE/base.tar"
	rm -rf --one-file-system "$PLACE/base"
fi

settings() { # ROOT: packages come from where this host has them
	cp /etc/resolv.conf /etc/hosts "$1/etc/"
	cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/preferences.d "$1/etc/apt/" 2>/dev/null
	[ ! -e /etc/apt/sources.list ] || cp /etc/apt/sources.list "$1/etc/apt/"
	cp -r /usr/share/keyrings/. "$1/usr/share/keyrings/"
	cp -r /usr/local/share/ca-certificates/. "$1/usr/local/share/ca-certificates/" 2>/dev/null
	chroot "$1" update-ca-certificates >/dev/null 2>&1
	[ ! -e "$NPMRC" ] || cp "$NPMRC" "$1/root/.npmrc"	# lint: leak: of the root that was made
}
megabytes() { echo $(($(du -skx --apparent-size "$1" | cut -f1) / 1024)); }

FAILED=0
# first NAME COMMAND...: the first command typed in a fresh root, in a fresh clone.
first() {
	local name=$1 root=$PLACE/$1/root t0 before status
	shift
	rm -rf --one-file-system "$root"
	mkdir -p "$root"
	tar -C "$root" -xf "$PLACE/base.tar" || return 1
	settings "$root"
	git clone -q --no-hardlinks "$HERE" "$root/root/mxtrap" || return 1
	before=$(megabytes "$root")
	echo "first.sh: $* in $root; its log is $PLACE/$name.log"
	t0=$SECONDS
	unshare -m -p -f --kill-child --propagation private sh -c '
		mount --bind "$1" "$1" && cd "$1" && mkdir -p old && pivot_root . old && cd / || exit 1
		mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount --rbind /old/dev /dev || exit 1
		mount -t tmpfs -o mode=755 run /run && mkdir -p /run/lock && mount -t tmpfs -o mode=1777 tmp /tmp || exit 1
		umount -l /old && rmdir /old
		shift
		cd /root/mxtrap		# lint: leak: in the root that was made
		exec env -i HOME=/root TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' first \
	    "$root" "${ASKED[@]}" "$@" >"$PLACE/$name.log" 2>&1 </dev/null
	status=$?
	printf '%s: %s, %d min %02d s, %d MB (before it: %d MB)\n' "$*" "$([ $status = 0 ] && echo ok || echo "FAILED, status $status")" \
	    $(((SECONDS - t0) / 60)) $(((SECONDS - t0) % 60)) $(($(megabytes "$root") - before)) "$before"
	grep -aE '^[0-9]+ passed, ' "$PLACE/$name.log" | tail -1
	[ $status = 0 ] || { FAILED=1; grep -aE '^ *FAIL|error:|Error' "$PLACE/$name.log" | head -20; tail -5 "$PLACE/$name.log"; }
	rm -rf --one-file-system "$root"
}
echo "first.sh: $(date '+%F %T'), $(git -C "$HERE" log -1 --format=%h), $(nproc) processors"
for what; do
	case $what in
	demo) first demo make demo SECONDS=30 ;;
	check) first check make check ;;
	*) echo "first.sh: found $what, expected demo or check" >&2; exit 2 ;;
	esac
done
exit $FAILED
