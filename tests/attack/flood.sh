#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# flood.sh [BUILD] [SYNS] [SOURCES] [RATE] - forged SYNs at all decoys beside honest mail.
#
# make check-attack: 10,000,000 from 1,000,000 sources.  Nobody is listed or suspected by them, no
# honest sender is moved, memory is bounded, each SYN is accounted for, and who really comes is
# judged as ever, in the flood and after it.  Needs root; 77: skipped.
NAME=flood
. "$(dirname "$0")/house.sh"
SYNS=${2:-200000} SOURCES=${3:-50000} RATE=${4:-20000}

house_up
before=$(rss_mb)
was=$(score_of $HONEST) was6=$(score_of $HONEST6)
attempts=$(counter attempts_total) drops=$(counter capture_ring_drops_total)
echo "     $SYNS SYNs of $SOURCES sources, $RATE a second; the honest Postfix stands at $was and $was6"

forge syn mx "$MAC" "$SYNS" "$RATE" "$SOURCES" $LOW $BOGUS $LOW6 $BOGUS6 $LOW $BOGUS >"$DIR/forge.out" &
FORGE=$!
in_flood() { [ "$(counter attempts_tallied_total)" -gt 0 ]; }
check "it is a flood" wait_for 20000 in_flood
more_mail 3
bot backup-first "$(bot_address 1)"
check "who really comes to the backup first is listed in the flood" wait_for 8000 is_listed "$(bot_address 1)"
check "honest mail arrives in the flood" wait_for 60000 all_arrived
peak=$(rss_mb)
while ! gone $FORGE; do
	sleep 1			# its end is awaited; memory is looked at meanwhile
	now=$(rss_mb)
	[ "$now" -le "$peak" ] || peak=$now
done
wait $FORGE
sent=$(cat "$DIR/forge.out")
more_mail 1
check "and after it" wait_for 30000 all_arrived
bot backup-first "$(bot_address 2)"
check "who comes first to the backup after it is listed, too" wait_for 8000 is_listed "$(bot_address 2)"
settled() { local a; a=$(counter attempts_total); sleep 1; [ "$a" = "$(counter attempts_total)" ]; }
wait_for 10000 settled

seen=$(($(counter attempts_total) - attempts)) lost=$(($(counter capture_ring_drops_total) - drops))
now=$(score_of $HONEST) now6=$(score_of $HONEST6)
echo "     sent $sent, seen $seen, lost by the ring $lost; resident $before MB before, $peak MB at most"
check "each SYN is accounted for within 1 %" test $((seen + lost)) -ge $((sent - sent / 100)) -a $((seen + lost)) -le $((sent + sent / 100 + 200))
check "two were ever listed: the two that came" test "$(n_ever listed)" = 2
check "nobody else was ever a suspect ($(n_ever suspect))" test "$(n_ever suspect)" -le 2
check "nothing weighs on the honest Postfix ($now, $now6)" no_worse "$was" "$now"
check "by IPv6 neither" no_worse "$was6" "$now6"
# Tables are made whole at the start; a million senders that wait for the database come on top.
check "memory is bounded" test "$peak" -le 512
check "no sender that is known was evicted" is_listed "$(bot_address 1)"
house_down
