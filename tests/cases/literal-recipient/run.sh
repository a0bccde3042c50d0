#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What no MX record can be for is no foreign domain; each spelling of ours is ours; one relay test is no alarm.
. "$(dirname "$0")/../cases.inc"
live_up
warns() { status_says "another's MX|somebody else's MX|relay"; }
explains() { cli explain "$1" 2>&1 | grep -qE "$2"; }
one 198.51.100.163 'x@[192.0.2.30]'
one 198.51.100.164 "'u@a.example'"
one 198.51.100.165 'u@a.example,'
for s in 163 164 165; do wait_for 4000 explains 198.51.100.$s "h.foreign.example"; done
check "a literal, quotes and a comma warn of nothing" not warns
check "a literal excuses nobody" not explains 198.51.100.163 "excused|foreign.* 30 days|another's MX"
check "quotes excuse nobody" not explains 198.51.100.164 "excused|foreign.* 30 days|another's MX"
check "a comma excuses nobody" not explains 198.51.100.165 "excused|foreign.* 30 days|another's MX"
n=66
for spelling in user@A.Example user@a.example. '"user"@a.example' USER@B.EXAMPLE; do
	one 198.51.100.$n "$spelling"
	check "$spelling is ours" wait_for 4000 listed 198.51.100.$n
	n=$((n + 1))
done
one 203.0.113.10 test@relaytest.example
wait_for 4000 explains 203.0.113.10 "relaytest|foreign|another|excused"
check "a relay test of one stranger is no alarm" not status_says "^!.*(another's MX|relay|points? at)"
one 203.0.113.40 test@other.example
one 203.0.113.40 test@other.example
one 203.0.113.70 test@other.example
check "a second one is, and relay tests are named" wait_for 5000 status_says "relay"
live_stop
exit $FAILED
