#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A visit that names none of ours frees nobody.
. "$(dirname "$0")/../cases.inc"
live_up
one 198.51.100.120
check "it is listed" wait_for 4000 listed 198.51.100.120
one 198.51.100.120 probe@relaytest.example
heard() { cli explain 198.51.100.120 2>&1 | grep -qE "relaytest|excused|RELEASED|another"; }
wait_for 4000 heard
try_for 3000 not listed 198.51.100.120	# long enough to be judged
check "a relay probe does not end its listing" listed 198.51.100.120
live_stop
exit $FAILED
