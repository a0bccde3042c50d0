#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# installed.sh [BUILD] - what `make install` leaves behind, as systemd reads it.
#
# systemd-sysusers makes every user and group out of the installed file, without a complaint; systemd-analyze
# verify has none about the unit.  In a folder of its own: nothing is made on this host.  Without systemd's
# programs: skipped (77).
set -u
. "$(dirname "$0")/../lib/check.inc"
cd "$(dirname "$0")/../.." || exit 1
BUILD=${1:-build}
command -v systemd-sysusers >/dev/null && command -v systemd-analyze >/dev/null || { echo "installed: SKIP, no systemd-sysusers"; exit 77; }
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
ROOT=$DIR/root
case $BUILD in *-san) SAN=SAN=1 ;; *) SAN= ;; esac
# shellcheck disable=SC2086
if ! make -s O="$(basename "$BUILD")" $SAN install PREFIX=/usr DESTDIR="$ROOT" >"$DIR/install" 2>&1; then
	cat "$DIR/install"
	bad "make install"
	exit 1
fi

# --- users --------------------------------------------------------------------------------

SYSUSERS=$ROOT/usr/lib/sysusers.d/mxtrap.conf
mkdir -p "$ROOT/etc"
systemd-sysusers --root="$ROOT" "$SYSUSERS" >"$DIR/sysusers" 2>&1
check "systemd-sysusers succeeds" test $? = 0
check "and has no complaint ($(grep -v '^Creating ' "$DIR/sysusers" | head -1))" sh -c '! grep -qv "^Creating " "$0"' "$DIR/sysusers"
user() { cut -d: -f1,6,7 "$ROOT/etc/passwd" | grep -qx "$1"; }
check "the user mxtrap is made, with its home" user "mxtrap:/var/lib/mxtrap:/usr/sbin/nologin"
check "mxtrap-net too" user "mxtrap-net:/:/usr/sbin/nologin"
check "mxtrap-fw too" user "mxtrap-fw:/:/usr/sbin/nologin"
check "no other user" test "$(wc -l <"$ROOT/etc/passwd")" = 3
group() { cut -d: -f1,4 "$ROOT/etc/group" | grep -qx "$1"; }
check "mxtrap-net is in the group mxtrap, which may read the database" group "mxtrap:mxtrap-net"
for g in mxtrap-net mxtrap-fw mxtrap-admin; do check "nobody else is in the group $g" group "$g:"; done
gids() { cut -d: -f"$1" "$ROOT/etc/$2" | sort -u | wc -l; }
check "each user has a number and a group of its own" test "$(gids 3 passwd)$(gids 4 passwd)" = 33
# The daemon looks for these names, and for no others.
for u in mxtrap mxtrap-net mxtrap-fw; do check "the daemon knows $u" grep -q "\"$u\"" daemon/base/*.c; done

# --- the unit -----------------------------------------------------------------------------

UNIT=$ROOT/usr/lib/systemd/system/mxtrapd.service
# What it leans on: systemd's own targets, and a kill.
for t in sysinit basic shutdown network network-online time-sync multi-user; do
	cp "/usr/lib/systemd/system/$t.target" "$(dirname "$UNIT")/" || bad "systemd has $t.target"
done
mkdir -p "$ROOT/bin"
cp /bin/kill "$ROOT/bin/"
systemd-analyze verify --man=no --root="$ROOT" "${UNIT#"$ROOT"}" >"$DIR/verify" 2>&1
check "systemd-analyze verify succeeds" test $? = 0
check "and has no complaint ($(head -1 "$DIR/verify"))" test ! -s "$DIR/verify"
has() { grep -qE "$1" "$UNIT"; }
check "it starts when the clock is right" has '^After=.*\btime-sync.target'
check "and asks for that" has '^Wants=.*\btime-sync.target'
check "a socket for Postfix's chroot can be made" has '^ReadWritePaths=.*-/var/spool/postfix'
check "its files are for its group, and for nobody else" has '^UMask=0027$'
check "no @ of the build is left in it" not has '@[A-Z]+@'
# Every capability that mxtrapd says it needs, the unit gives.
for c in NET_RAW NET_BIND_SERVICE SETUID SETGID SETPCAP KILL CHOWN DAC_OVERRIDE FOWNER; do
	check "it gives CAP_$c" has "^CapabilityBoundingSet=.*\bCAP_$c\b"
done

[ $FAILED = 0 ] || cat "$DIR/sysusers" "$DIR/verify"
exit $FAILED
