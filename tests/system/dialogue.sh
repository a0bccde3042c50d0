#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dialogue.sh [BUILD] - a backup that talks, in network namespaces of its own.
#
# A real Postfix with mail while the real MX is away; clients that no server is; 5,000 slow
# ones at once, and the memory that they cost.  Needs root; 77: skipped.
set -u
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/users.inc"
BUILD=$(realpath "${1:-build}")
P=mxtrap-dlg-$$
DIR=
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../deploy/demo/net.sh"

why=$(net_usable) || { echo "dialogue: SKIP, $why"; exit 77; }
finish() {
	trap - EXIT INT TERM
	net_down >/dev/null 2>&1
	wait 2>/dev/null
	rm -rf "$DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM
DIR=$(mktemp -d /tmp/mxtrap-dlg.XXXXXX)
chmod 755 "$DIR"
users_make

net_up
dns_start
postfix_start
trap_config "$DIR/mxtrap.conf"
sed -i 's/answer = "reset"/answer = "dialogue"/; s/list-on = "proven"/list-on = "addressed"/; /^state-dir/a greeting-delay = "2s"\nlimits { dialogues = 5010 }' \
    "$DIR/mxtrap.conf"
ulimit -n 16000		# as a service manager gives it
trap_start
check "mxtrapd is ready" wait_for 20000 trap_ready
check "the honest Postfix is ready" wait_for 20000 postfix_ready
[ $FAILED = 0 ] || { cat "$DIR"/*.log; exit 1; }
DECOY=$(pgrep -P "$TRAP_PID" -f -- "--role decoy ")
client() { in_ns bots python3 "$HERE/dialogue_client.py" "$@"; }
status_is() { # name, test, number
	local v
	v=$(trap_cli status --json 2>/dev/null | jq -r ".\"$1\" // empty" 2>/dev/null)
	[ -n "$v" ] || v=$(in_ns mx sqlite3 -readonly "$DIR/state/mxtrap.db" "SELECT value FROM status WHERE name='$1'")
	[ -n "$v" ] && test "$v" "$2" "$3"
}

# --- an honest server, while the real MX is away -----------------------------------------

mail_send 1
# One that only a server with SMTPUTF8 may be given, and a large one with eight-bit lines.
printf 'From: someone@honest.example\nTo: us\303\251r@%s\nSubject: greetings 2\n\nHello.\n' $DOMAIN |
    in_ns honest sendmail -C "$DIR/postfix/etc" -f "somé@honest.example" "usér@$DOMAIN"
{
	printf 'From: someone@honest.example\nTo: user@%s\nSubject: greetings 3\n' $DOMAIN
	printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
	head -c 5000000 /dev/zero | tr '\0' 'x' | fold -w 900
	printf 'gr\303\274\303\237e\n'
} | in_ns honest sendmail -C "$DIR/postfix/etc" -f someone@honest.example "user@$DOMAIN"
deferred() { [ "$(grep -c "relay=mx9.*status=deferred.*said: 451 4.3.0" "$DIR/postfix/maillog")" -ge "$1" ]; }
check "each of three mails is put off by the backup" wait_for 30000 deferred 3
check "a mail that needs SMTPUTF8 and one of 5 MB among them" \
    sh -c 'grep "relay=mx9.*status=deferred" "$0" | grep -q "to=<us.*r@"' "$DIR/postfix/maillog"
in_queue() { find "$DIR/postfix/queue/deferred" "$DIR/postfix/queue/active" -type f | wc -l; }
check "all of them stay in the queue ($(in_queue))" test "$(in_queue)" = 3
check "none is bounced" sh -c '! grep -qE "status=(bounced|undeliverable)|non-delivery" "$0"' "$DIR/postfix/maillog"
# The real MX here, smtp-sink, knows no SMTPUTF8, and would have that mail bounced.
in_ns honest postsuper -c "$DIR/postfix/etc" -d "$(grep -oE '[0-9A-F]+: to=<us[^e].*r@' "$DIR/postfix/maillog" | head -1 | cut -d: -f1)" 2>/dev/null
sink_start
check "the real MX is back" wait_for 10000 sink_ready
in_ns honest postqueue -c "$DIR/postfix/etc" -f
arrived() { in_ns honest postqueue -c "$DIR/postfix/etc" -f; sleep 0.5; [ "$(grep -c 'relay=mx1.*status=sent' "$DIR/postfix/maillog")" = 2 ]; }
check "and what it can take arrives there" wait_for 30000 arrived
check "none was bounced" sh -c '! grep -qE "status=(bounced|undeliverable)|non-delivery" "$0"' "$DIR/postfix/maillog"

# --- clients that no server is ---------------------------------------------------------------

got=$(client pipeline $BOGUS "$(bot_address 1)")
check "a pipeline gets all its answers, and no 354 ($got)" test "$got" = "220 250 250 451 451 221"
got=$(client pipeline $BOGUS6 "$(bot_address6 2)")
check "over IPv6 too ($got)" test "$got" = "220 250 250 451 451 221"
got=$(client early $BOGUS "$(bot_address 3)")
check "who speaks first is greeted after the delay all the same ($got)" test "$got" = "2 220 250 250 451 451 221"
got=$(client tls $BOGUS "$(bot_address 4)")
check "a TLS hello is closed at once ($got)" test "${got%% *}" = 0

# --- decoy dies, or stands still, with a client in the middle of it ------------------------------

for sig in KILL STOP; do
	mkfifo "$DIR/go-$sig"
	client until-end $BOGUS "$(bot_address $((20 + ${#sig})))" <"$DIR/go-$sig" >"$DIR/end-$sig" 2>&1 &
	CLIENT=$!
	exec 7>"$DIR/go-$sig"
	begun() { grep -q 220 "$DIR/end-$sig"; }
	check "a client is in a dialogue" wait_for 10000 begun
	kill -$sig "$DECOY"
	echo go >&7
	wait $CLIENT
	exec 7>&-
	ms=$(tail -1 "$DIR/end-$sig")
	check "SIG$sig to decoy ends its dialogues ($ms ms)" fast 2000 "$ms"
	served() { [ "$(client pipeline $BOGUS "$(bot_address 22)" 2>/dev/null)" = "220 250 250 451 451 221" ]; }
	check "and the next client is served by a new one" wait_for 15000 served
	DECOY=$(pgrep -P "$TRAP_PID" -f -- "--role decoy ")
done

# --- five thousand slow ones ---------------------------------------------------------------

mkfifo "$DIR/stop"
in_ns bots sysctl -qw net.ipv4.ip_local_port_range="10000 65000"
client slow $BOGUS 5000 <"$DIR/stop" >"$DIR/slow.log" 2>&1 &
SLOW=$!
exec 8>"$DIR/stop"
stand() { grep -q "^greeted 5000" "$DIR/slow.log"; }
check "5,000 slow clients are held at once" wait_for 60000 stand
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$DECOY/status")
check "in less than 64 MiB ($rss KiB resident, all of decoy)" test "$rss" -lt 65536
beats() { kill -0 "$DECOY" && [ "$(pgrep -P "$TRAP_PID" -f -- "--role decoy ")" = "$DECOY" ]; }
check "decoy keeps beating" beats
check "who finds no room is reset" wait_for 60000 grep -qE "room: [1-9]" "$DIR/slow.log"
got=$(client pipeline $BOGUS "$(bot_address 5)")
check "another client is served as ever ($got)" test "$got" = "220 250 250 451 451 221"
check "and counted" wait_for 60000 status_is dialogues_full -ge 1
check "the counters tell of the sessions" wait_for 60000 status_is dialogues_total -ge 5000

# --- the end -----------------------------------------------------------------------------------

t0=$(now_ms)
kill -TERM "$TRAP_PID"
gone() { ! kill -0 "$TRAP_PID" 2>/dev/null; }
wait_for 3000 gone
ms=$(($(now_ms) - t0))
check "with all of them open, SIGTERM ends mxtrapd ($ms ms)" fast 1000 "$ms"
echo stop >&8
wait $SLOW
ends=$(grep "^ends" "$DIR/slow.log")
check "and each was told 421 ($ends)" test "$(echo "$ends" | grep -oE "'421': [0-9]+")" = "'421': 5000"
check "nothing of it went wrong" sh -c '! grep -qE "decoy: (warning|fatal)" "$0"' "$DIR/mxtrapd.log"

[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -30 "$DIR/mxtrapd.log"; echo "--- slow"; tail -3 "$DIR/slow.log"; grep -E "status=" "$DIR/postfix/maillog" | tail -12; }
exit $FAILED
