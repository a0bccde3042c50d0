#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# forged.sh [BUILD] [ACKS] - segments in the name of others.
#
# A real, delivering Postfix is framed: SYNs in its name at the decoys, in each order.  A live host
# that never came is framed: its own kernel answers our SYN-ACK with a RST.  Handshakes are
# guessed at.  Nothing is proven, nobody is listed or suspected.  Needs root; 77: skipped.
NAME=forged
. "$(dirname "$0")/house.sh"
ACKS=${2:-20000}

house_up
was=$(score_of $HONEST)
proven=$(counter handshakes_total)

# -- a delivering Postfix --
for order in "$BOGUS" "$BOGUS $LOW" "$LOW $BOGUS" "$BOGUS $REAL" "$LOW"; do
	# shellcheck disable=SC2086
	forge from mx "$MAC" 20 200 $HONEST $order >/dev/null
	forge from mx "$MAC" 20 200 $HONEST6 ${BOGUS6} >/dev/null
done
more_mail 2
check "the framed Postfix goes on delivering" wait_for 30000 all_arrived
judged() { [ "$(counter attempts_total)" -ge 100 ]; }
wait_for 5000 judged
sleep 2			# a touch is judged one second after it; that nothing comes cannot be awaited
now=$(score_of $HONEST)
check "nothing weighs on it (score $was before, $now after)" no_worse "$was" "$now"
never_shown() { ! trap_cli explain "$1" --json | grep -qE '"to": ?"(listed|suspect)"'; }
check "and was never suspected" never_shown $HONEST

# -- a live host that never came --
LIVE=203.0.113.77
in_ns honest ip addr add $LIVE/24 dev eth0
forge from mx "$MAC" 10 5 $LIVE $BOGUS >/dev/null
withdrawn() { trap_cli explain $LIVE --json | grep -q '"withdrawn"'; }
check "its kernel answers with a RST, and that is seen" wait_for 5000 withdrawn
sleep 2
check "it is not proven" test -z "$(trap_cli explain $LIVE --json | grep -o '"outcome": *"proven"')"
check "and no suspect" never_shown $LIVE

# -- guesses --
before=$(counter handshakes_total)
forge ack mx "$MAC" $((ACKS + ACKS / 4)) 20000 1000 $BOGUS $BOGUS6 >/dev/null
guessed() { [ "$(counter wrong_acks_total)" -ge $((ACKS / 8)) ]; }		# the first of each four: then it is refused
check "guesses are counted" wait_for 10000 guessed
echo "     wrong ACKs counted: $(counter wrong_acks_total)"
settled() { local a; a=$(counter packets_total); sleep 1; [ "$a" = "$(counter packets_total)" ]; }
wait_for 10000 settled
after=$(counter handshakes_total)
check "of $ACKS guessed ACKs none proves anything ($before, $after)" test "$after" = "$before"
check "nobody was ever listed" test "$(n_ever listed)" = 0
check "nobody was ever a suspect" test "$(n_ever suspect)" = 0
check "real handshakes were proven meanwhile ($proven, $before)" test "$before" -gt "$proven"
more_mail 1
check "and mail still arrives" wait_for 30000 all_arrived
house_down
