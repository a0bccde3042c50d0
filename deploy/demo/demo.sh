#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# demo.sh BUILD [SECONDS] - mxtrap live, on a small internet of network namespaces.
#
# Runs until Ctrl-C, or for so many seconds; then says what it found, and leaves nothing
# behind.  Exit 1: a mail was lost, the honest Postfix is suspect or listed, or a bot that
# came to the backup first is not listed.
set -u
BUILD=$(realpath "${1:-build}")
LASTS=${2:-}
P=mxtrap-demo-$$
DIR=
RELAY=
. "$(dirname "$0")/net.sh"

STOP=
FAILED=0
bad() { say "FAILED: $*"; FAILED=1; }

finish() {
	trap - EXIT
	trap '' INT TERM HUP
	[ -z "$RELAY" ] || kill "$RELAY" 2>/dev/null
	net_down >/dev/null 2>&1
	wait 2>/dev/null
	[ -z "$DIR" ] || rm -rf "$DIR"
}

net_usable || exit 1
# What a demo that was killed left behind; one that runs beside this one is not touched.
for left in $(ip netns list 2>/dev/null | sed -n 's/^\(mxtrap-demo-[0-9]*\)-net.*/\1/p'); do
	[ -d "/proc/${left##*-}" ] || (P=$left; net_down) >/dev/null 2>&1
done
trap finish EXIT
trap 'exit 130' INT TERM HUP
DIR=$(mktemp -d /tmp/mxtrap-demo.XXXXXX)
chmod 755 "$DIR"

say "Building a small internet of network namespaces ($P-net, -mx, -honest, -bots) ..."
net_up
dns_start
sink_start
postfix_start
# Shorter than real ones, so that what the end of a visit tells can be seen in a demo.
trap_config "$DIR/mxtrap.conf" 'visit-gap = "10s"  fallback-window = "60s"  # 300s and 30m on a real site'
trap_start
wait_for 10000 trap_ready || { bad "mxtrapd did not start"; cat "$DIR/mxtrapd.log"; exit 1; }
wait_for 5000 trap_web_ready || bad "the dashboard does not answer"
wait_for 10000 sink_ready || { bad "the real MX did not start"; cat "$DIR/sink.log"; exit 1; }
wait_for 20000 postfix_ready || { bad "the honest Postfix did not start"; cat "$DIR/postfix.log" "$DIR/postfix/maillog"; exit 1; }
python3 "$DEMO/relay.py" $P-mx 8725 >"$DIR/relay.port" 2>"$DIR/relay.log" &
RELAY=$!
relayed() { [ -s "$DIR/relay.port" ] || ! kill -0 $RELAY 2>/dev/null; }
wait_for 2000 relayed
PORT=$(cat "$DIR/relay.port")
[ -n "$PORT" ] || { bad "no dashboard on this host: $(cat "$DIR/relay.log")"; RELAY=; }

cat <<END

$DOMAIN is under watch. Its ladder:

  10  mx0.$DOMAIN  $LOW  nolisting: port 25 refuses
  20  mx1.$DOMAIN  $REAL  the real MX: takes mail
  90  mx9.$DOMAIN  $BOGUS  bogus backup: nobody who keeps the order needs it

An honest Postfix ($HONEST) mails its users; bots come from 198.18.0.0/16. What to look at:

  1. http://127.0.0.1:${PORT:-8725}/           the ladder, and the list growing, without reload
  2. the lines below                  who comes, and what mxtrap makes of it
  3. $BUILD/mxtrap -c $DIR/mxtrap.conf list
  4. $BUILD/mxtrap -c $DIR/mxtrap.conf explain $(bot_address 1)     why it is listed
  5. $BUILD/mxtrap -c $DIR/mxtrap.conf explain $HONEST    why the Postfix is not

${LASTS:+It stops by itself after $LASTS s. }Ctrl-C ends it and removes everything.

END
trap 'STOP=1' INT TERM HUP

SENT=0 N=0
FIRST=()			# bots that came to the backup first
T0=$(now_ms)
elapsed() { echo $((($(now_ms) - T0) / 1000)); }
note() { printf '%4d s  %s\n' "$(elapsed)" "$*"; }
# visit HABIT ADDRESS [words]: one visit, and what became of it.
visit() {
	local habit=$1 a=$2 t state=
	bot "$habit" "$a" </dev/null
	if [ "$habit" = backup-first ]; then
		FIRST+=("$a")
		t=$(now_ms)
		wait_for 4000 is_listed "$a" && state="listed after $(($(now_ms) - t)) ms"
	fi
	note "$habit bot $a: ${state:-$(state_of "$a" reasons)}"
}

HABITS=(backup-first reverse primary-only parallel random backup-first forged decoys-only)
while [ -z "$STOP" ] && { [ -z "$LASTS" ] || [ "$(elapsed)" -lt "$LASTS" ]; }; do
	mail_send $SENT && SENT=$((SENT + 1))
	N=$((N + 1))
	habit=${HABITS[$(((N - 1) % ${#HABITS[@]}))]}
	case $habit in
	# In an honest name too: forging must neither list nor move him.
	forged) visit forged "$(bot_address $((N % 250)))"; bot forged $HONEST ;;
	backup-first) [ $((N % 16)) = 6 ] && visit $habit "$(bot_address6 $((N % 250)))" || visit $habit "$(bot_address $((N % 250)))" ;;
	*) visit "$habit" "$(bot_address $((N % 250)))" ;;
	esac
	for _ in 1 2 3 4; do [ -n "$STOP" ] || sleep 0.5; done
done
trap 'exit 130' INT TERM HUP	# a second Ctrl-C does not wait for the report

say ""
all_arrived() { [ "$(mails_arrived)" = "$SENT" ]; }
wait_for 20000 all_arrived
say "--- mxtrap list"
trap_cli list
say ""
say "--- mxtrap list --all: the others, and what their routes earned"
trap_cli list --all
[ ${#FIRST[@]} -gt 0 ] && { say ""; say "--- mxtrap explain ${FIRST[0]}: came to the backup first"; trap_cli explain "${FIRST[0]}"; }
say ""
say "--- mxtrap explain $HONEST: the honest Postfix"
trap_cli explain $HONEST >"$DIR/explain"
head -30 "$DIR/explain"
[ "$(wc -l <"$DIR/explain")" -le 30 ] || say "    ... and $(($(wc -l <"$DIR/explain") - 30)) lines more of the same"
say ""
say "--- the honest Postfix: $SENT mails sent, $(mails_arrived) arrived"
all_arrived || { bad "mail was lost"; grep -E 'status=(deferred|bounced)' "$DIR/postfix/maillog" | tail -5; }
for a in $HONEST $HONEST6; do
	state=$(state_of $a)
	say "--- the honest Postfix at $a: $state"
	case $state in suspect | listed) bad "the honest Postfix is $state" ;; esac
done
listed=0
for a in "${FIRST[@]}"; do state_is "$a" listed && listed=$((listed + 1)) || bad "$a came to the backup first and is $(state_of "$a")"; done
say "--- backup-first bots: ${#FIRST[@]} came, $listed listed"
[ $listed -gt 0 ] || bad "no backup-first bot was listed"
[ $FAILED = 0 ] || { say "--- the daemon's log"; tail -40 "$DIR/mxtrapd.log"; }
exit $FAILED
