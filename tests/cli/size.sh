#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# size.sh [BUILD] - what is said of a max-size that is too small, and of inputs that are no longer kept.
set -u
. "$(dirname "$0")/../lib/check.inc"
cd "$(dirname "$0")/../.." || exit 1
BUILD=$(realpath "${1:-build}")
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
conf() { # MAX-SIZE
	sed -e "s|^state-dir.*|state-dir = \"$DIR/state\"|" -e '/^store /d' tests/config/captures.in >"$DIR/conf"
	grep -q '^state-dir' "$DIR/conf" || echo "state-dir = \"$DIR/state\"" >>"$DIR/conf"
	echo "store { max-size = \"$1\" }" >>"$DIR/conf"
}
says() { "$BUILD/mxtrapd" -c "$DIR/conf" -n 2>&1 | grep -q "$1"; }
conf 4GiB
check "the default is no reason for a warning" not says max-size
check "and is valid" "$BUILD/mxtrapd" -c "$DIR/conf" -n
check "a capture is replayed" eval '"$BUILD/mxtrapd" -c "$DIR/conf" -r tests/captures/s27-burst-r1.pcap >/dev/null'
conf 16MiB
check "less than 64 MiB is warned of" says 'max-size } is 16 MiB: found less than 64 MiB'
check "and valid all the same" "$BUILD/mxtrapd" -c "$DIR/conf" -n
truncate -s 100M "$DIR/state/mxtrap.db"
conf 64MiB
check "less than the database has is warned of, with both" says 'max-size } is 64 MiB and .*mxtrap.db has 100 MiB'
rm -rf "$DIR/state"
conf 4GiB
"$BUILD/mxtrapd" -c "$DIR/conf" -r tests/captures/s27-burst-r1.pcap >/dev/null
mv "$DIR/state" "$DIR/live"
replay() { rm -rf "$DIR/state"; "$BUILD/mxtrapd" -c "$DIR/conf" -r tests/captures/s27-burst-r1.pcap --inputs "$DIR/live" 2>&1; }
check "a replay with all inputs says nothing of them" eval '! replay | grep -q "no longer kept"'
sqlite3 "$DIR/live/mxtrap.db" "UPDATE meta SET inputs_us = 1790000000000000"
check "one that lacks some says from when on it has them" \
    eval 'replay | grep -q "inputs before 2026-09-21T14:13:20Z are no longer kept"'
exit $FAILED
