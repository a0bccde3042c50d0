#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill.sh [BUILD] [MAILS] - does honest mail feel it when mxtrap dies or hangs?
#
# A real Postfix sends mail one by one: first with nothing of mxtrap running, its ports closed; then
# while one process of mxtrap after another is killed or stopped, the supervisor too.  All of it
# arrives, none is bounced; the median times of both are told.  Needs root; 77: skipped.
NAME=kill
. "$(dirname "$0")/house.sh"
EACH=${2:-15}

house_up
kill -TERM "$TRAP_PID"
wait_for 5000 gone "$TRAP_PID"
wait "$TRAP_PID"

# delay FROM: the median of Postfix's own `delay=` from the FROM-th mail on, in seconds.
delay() { sed -n 's/.*to=<user[0-9]*@'"$DOMAIN"'>.*, delay=\([0-9.]*\),.*status=sent.*/\1/p' "$DIR/postfix/maillog" | tail -n "+$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
n_sent() { grep -c "to=<user[0-9]*@$DOMAIN>.*status=sent" "$DIR/postfix/maillog"; }

first=$(($(n_sent) + 1))
for _ in $(seq "$EACH"); do more_mail 1; wait_for 20000 all_arrived; done
check "mail arrives with nothing of mxtrap there" all_arrived
closed=$(delay $first)

first=$(($(n_sent) + 1))
: >"$DIR/mxtrapd.log"
trap_start
check "mxtrapd starts again" wait_for 20000 trap_ready
for n in $(seq "$EACH"); do
	# A child, or every fifth time the supervisor; killed, stopped for a moment, or stopped and killed.
	victim=$(in_ns mx pgrep -P "$TRAP_PID" | sed -n "$((n % 3 + 1))p")
	[ $((n % 5)) != 0 ] || victim=$TRAP_PID
	case $((n % 2)) in
	0) kill -KILL "$victim" 2>/dev/null ;;
	1) kill -STOP "$victim" 2>/dev/null ;;
	esac
	more_mail 1
	wait_for 20000 all_arrived
	kill -CONT "$victim" 2>/dev/null
	if gone "$TRAP_PID"; then
		wait "$TRAP_PID" 2>/dev/null
		: >"$DIR/mxtrapd.log"
		trap_start
		wait_for 20000 trap_ready
	fi
done
check "mail arrives while each process dies and hangs" all_arrived
killed=$(delay $first)
echo "     median delay of $EACH mails: $closed s through closed ports, $killed s while mxtrap dies"
check "about as fast as through closed ports" awk -v a="$closed" -v b="$killed" 'BEGIN { exit !(b <= a + 5) }'
check "none is bounced" test -z "$(grep status=bounced "$DIR/postfix/maillog")"
check "nobody was ever listed" test "$(n_ever listed)" = 0
check "the sender was never a suspect" test "$(n_ever suspect)" = 0
house_down
