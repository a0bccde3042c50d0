#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Behind 1:1 NAT the exchangers have private addresses; private senders stay never listed.
. "$(dirname "$0")/../cases.inc"
folder
sed "s|/tmp/mxtrap-case|$DIR|" "$CASE/nat.conf" >"$DIR/nat.conf"
"$BUILD/mxtrapd" -c "$DIR/nat.conf" -n >"$DIR/nat.said" 2>&1
cat "$DIR/nat.said"
check "what refuses private exchangers names the way for 1:1 NAT" grep -qiE "NAT|nat" "$DIR/nat.said"
check "there is a key for it in the manual" grep -qiE "1:1 NAT" "$HERE/docs/mxtrap.conf.5"
# With the public address named beside each private one it is a configuration like any other.
public() { # from CONF to CONF
	sed -E "s|/tmp/mxtrap-case|$DIR|; s|addresses = \{ \"10\.0\.1\.([0-9]+)\" \}|& public = { \"9.9.9.\1\" }|; /special-purpose/d" "$1" >"$2"
}
public "$CASE/nat.conf" "$DIR/public.conf"
check "with public addresses it is good" "$BUILD/mxtrapd" -c "$DIR/public.conf" -n
check "and printed with them" eval '"$BUILD/mxtrapd" -c "$DIR/public.conf" -nv | grep -q "public = { \"9.9.9.30\" }"'
public "$CASE/cloud.conf" "$DIR/cloud.conf"
CONF=$DIR/cloud.conf
"$BUILD/mxtrapd" -c "$CONF" -r "$CASE/cloud.pcap" >"$DIR/cloud.said" 2>&1
cat "$DIR/cloud.said"
check "its capture is judged" grep -q 'attempts=[1-9]' "$DIR/cloud.said"
check "a private sender is never listed" test -z "$(cli list --format plain | grep '^10\.')"
exit $FAILED
