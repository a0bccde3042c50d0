#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mtas.sh - fetch the mail servers that tests/mtas sends with, and CrowdSec, and unpack them.
#
# Exim, OpenSMTPD and Sendmail each want to be the machine's only one, and CrowdSec registers
# itself with its makers when it is installed, so none is: Debian's packages, with what they need and the machine lacks, are unpacked
# side by side below $MXTRAP_MTAS, a folder each, and tests/mtas lays each over the
# machine's own files in a mount namespace.  No maintainer script runs and nothing
# starts.  All there: says nothing, downloads none.
set -eu

ROOT=${MXTRAP_MTAS:-/var/cache/mxtrap-tests/mtas}
PACKAGES="exim4-daemon-light opensmtpd sendmail-bin crowdsec crowdsec-firewall-bouncer"

missing=
for p in $PACKAGES; do [ -e "$ROOT/$p/.unpacked" ] || missing="$missing $p"; done
[ -n "$missing" ] || exit 0
echo "mtas.sh: to be fetched into $ROOT (not installed):$missing"
mkdir -p "$ROOT" || { echo "mtas.sh: cannot write $ROOT; set MXTRAP_MTAS to another folder" >&2; exit 1; }
# Two runs beside each other: the second waits, and finds nothing missing.
[ -n "${MXTRAP_MTAS_LOCKED:-}" ] || MXTRAP_MTAS_LOCKED=1 exec flock "$ROOT/.lock" "$0" "$@"

apt-get -q update
for p in $missing; do
	rm -rf "${ROOT:?}/$p" "$ROOT/$p.deb"
	mkdir -p "$ROOT/$p" "$ROOT/$p.deb"
	# What apt would install for it; what it would remove for it stays.
	needed=$(apt-get -s --no-install-recommends install "$p" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
	[ -n "$needed" ] || needed=$p	# it is installed here
	# shellcheck disable=SC2086
	(cd "$ROOT/$p.deb" && apt-get -q -o APT::Sandbox::User=root download $needed)
	for deb in "$ROOT/$p.deb"/*.deb; do dpkg-deb -x "$deb" "$ROOT/$p"; done
	rm -rf "$ROOT/$p.deb"
	# Laid over a machine whose /lib is a link to /usr/lib, a folder /lib would hide it.
	for d in bin sbin lib lib64; do
		[ ! -d "$ROOT/$p/$d" ] || { mkdir -p "$ROOT/$p/usr/$d"; cp -a "$ROOT/$p/$d/." "$ROOT/$p/usr/$d"; rm -rf "${ROOT:?}/$p/$d"; }
	done
	touch "$ROOT/$p/.unpacked"
done
