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
exit $FAILED
