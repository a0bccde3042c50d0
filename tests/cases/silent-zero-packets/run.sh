#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A capture that shows nothing of ours says what it shows instead.
. "$(dirname "$0")/../cases.inc"
for f in pppoe:PPPoE mpls:MPLS triple:VLAN; do
	replay "$CASE/${f%:*}.pcap"
	check "${f%:*}: how many frames there were" said "[1-9][0-9]* frames"
	check "${f%:*}: and what they were (${f#*:})" eval 'grep -qiE "'${f#*:}'" "$SAID"'
done
# An interface that shows nothing of ours for a minute is looked at, and says likewise.
live_up
b python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(1000):
    s.sendto(b"x", ("192.0.2.1", 9))
    time.sleep(0.2)' >/dev/null 2>&1 &
TALKS=$!
check "a live capture says what the interface shows instead" wait_for 120000 said "the interface shows [1-9][0-9]* frames: [1-9][0-9]* not TCP"
instead() { sqlite3 -readonly "$DIR/state/mxtrap.db" "SELECT value FROM status WHERE name = 'instead eth0'" | grep -q "not TCP"; }
check "and the status has it" wait_for 5000 instead
one 198.51.100.7
gone() { [ -z "$(sqlite3 -readonly "$DIR/state/mxtrap.db" "SELECT value FROM status WHERE name = 'instead eth0'")" ]; }
check "until a packet of ours comes" wait_for 10000 gone
kill $TALKS
live_stop
exit $FAILED
