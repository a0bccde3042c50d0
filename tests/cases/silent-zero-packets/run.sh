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
exit $FAILED
