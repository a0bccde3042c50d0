#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# root.sh FOLDER - a Debian 12 as README supposes it, with what `make` installs: made once, kept in FOLDER/root.
#
# debootstrap's minbase with git, gcc and make; then deploy/deps.sh build, as `make` runs it, and its count and size
# are kept in FOLDER/built-with; then a mail server as Debian sets it up, and the tools of the tests.  A change of
# deploy/deps.sh makes it again.  Debian comes from where this host has it.  Needs root and some 2 GB.
set -eu
HERE=$(realpath "$(dirname "$0")/../..")
PLACE=$1
ROOT=$PLACE/root
WANTED=$(cat "$HERE/deploy/deps.sh" "$0" | sha256sum | cut -d' ' -f1)
[ "$(cat "$PLACE/made-by" 2>/dev/null)" != "$WANTED" ] || exit 0
command -v debootstrap >/dev/null || { echo "root.sh: found no debootstrap; apt-get install debootstrap" >&2; exit 1; }
rm -rf --one-file-system "${ROOT:?}"
mkdir -p "$PLACE"
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
    sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([a-z]*:[^ ]*\) .*/\2/p' | head -1)
echo "root.sh: debootstrap into $ROOT"
debootstrap --variant=minbase --include=ca-certificates,git,gcc,make bookworm "$ROOT" "$mirror" >"$PLACE/log" 2>&1
in_root() { chroot "$ROOT" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
umounts() { umount "$ROOT/proc" 2>/dev/null || :; }
trap umounts EXIT
mount -t proc proc "$ROOT/proc"
cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/preferences.d "$ROOT/etc/apt/" 2>/dev/null || :
[ ! -e /etc/apt/sources.list ] || cp /etc/apt/sources.list "$ROOT/etc/apt/"
cp -r /usr/share/keyrings/. "$ROOT/usr/share/keyrings/"
cp -r /usr/local/share/ca-certificates/. "$ROOT/usr/local/share/ca-certificates/" 2>/dev/null || :
in_root update-ca-certificates >>"$PLACE/log" 2>&1

count() { in_root dpkg-query -W -f '${db:Status-Status}\n' | grep -c '^installed$'; }
size() { du -skx --apparent-size "$ROOT" | cut -f1; }
packages=$(count) kilobytes=$(size)
cp "$HERE/deploy/deps.sh" "$HERE/deploy/mtas.sh" "$ROOT/srv/"
echo "root.sh: deps.sh build, as make runs it"
in_root sh /srv/deps.sh build >>"$PLACE/log" 2>&1
in_root apt-get clean
echo "$(($(count) - packages)) packages, $((($(size) - kilobytes) / 1024)) MB" >"$PLACE/built-with"

# Debian's own mail server, as an administrator answers its questions; nothing of it is started.
printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
chmod 755 "$ROOT/usr/sbin/policy-rc.d"
echo mx1.example.org >"$ROOT/etc/mailname"
printf 'postfix postfix/main_mailer_type select Internet Site\npostfix postfix/mailname string mx1.example.org\n' | in_root debconf-set-selections
in_root apt-get -q -y install --no-install-recommends postfix systemd iproute2 python3 swaks procps curl nftables sqlite3 adduser >>"$PLACE/log" 2>&1
in_root apt-get clean
rm -f "$ROOT/usr/sbin/policy-rc.d"
echo "$WANTED" >"$PLACE/made-by"
