#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# foreign.sh [BUILD [DAYS]] - somebody else's domains have our bogus backup as their MX, and a real
# Postfix has mail for them in its queue.
#
# Two days of its own schedule of retries (Debian's, nothing of it shortened) pass in a minute: its clock
# runs 1440 times as fast (hurry.c), the kernel's and mxtrapd's do not.  Then the capture is drawn
# out to the two days that Postfix lived through (stretch.py), and judged again with the stored events,
# in simulated time.  In namespaces of its own.  Needs root; 77: skipped.
set -u
. "$(dirname "$0")/../lib/check.inc"
BUILD=$(realpath "${1:-build}")
DAYS=${2:-2}
RATE=1440
P=mxtrap-foreign-$$
DIR=
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../deploy/demo/net.sh"


why=$(net_usable) || { echo "foreign: SKIP, $why"; exit 77; }
command -v postfix >/dev/null || { echo "foreign: SKIP, no Postfix"; exit 77; }
finish() {
	trap - EXIT INT TERM
	net_down >/dev/null 2>&1
	wait 2>/dev/null
	[ -z "${KEEP:-}" ] || cp -r "$DIR/." "$KEEP"
	rm -rf "$DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM
DIR=$(mktemp -d /tmp/mxtrap-foreign.XXXXXX)
chmod 755 "$DIR"

net_up
# One points at our addresses by a name of his own; one at our name, behind a host of his own that is
# no more; and one over IPv6 alone.
dns_start \
    --mx-host=one.example,mx.one.example,10 --host-record=mx.one.example,$BOGUS,$BOGUS6 \
    --mx-host=two.example,gone.two.example,10 --host-record=gone.two.example,203.0.113.77 \
    --mx-host=two.example,mx9.$DOMAIN,20 \
    --mx-host=six.example,mx.six.example,10 --host-record=mx.six.example,$BOGUS6
sink_start
# The hardest on the innocent: one visit lists, a handshake is enough.  The greeting is not delayed,
# for a second would be most of an hour to Postfix.
trap_config "$DIR/sharp.conf" 'visit-gap = "4s"'
sed -e 's/answer = "reset"/answer = "dialogue"/' -e '1i greeting-delay = "0s"' "$DIR/sharp.conf" >"$DIR/mxtrap.conf"
in_ns mx tcpdump -i eth0 -U --immediate-mode -s 128 -w "$DIR/beside.pcap" tcp port 25 2>"$DIR/tcpdump.log" &
TCPDUMP=$!
beside() { grep -q "listening on" "$DIR/tcpdump.log"; }
check "a capture is taken beside it" wait_for 10000 beside
trap_start
BASE=$(($(date +%s) + 12))
gcc -std=c11 -O2 -shared -fPIC -DHURRY_BASE=${BASE}LL -DHURRY_RATE=$RATE -o "$DIR/hurry.so" "$HERE/hurry.c" ||
    { bad "hurry.c is compiled"; exit 1; }
# As Debian has it (queue run and first retry after 300 s, at most 4000 s, 5 days).  Its patience with
# others and among its own processes is longer: what it waits for does not hurry.
LD_PRELOAD=$DIR/hurry.so postfix_start "queue_run_delay = 300s" "minimal_backoff_time = 300s" \
    "import_environment = MAIL_CONFIG LD_PRELOAD" "qmgr_daemon_timeout = 500000s" "daemon_timeout = 500000s" \
    "qmgr_ipc_timeout = 50000s" "ipc_timeout = 50000s" "trigger_timeout = 5000s" "max_idle = 500000s" "smtp_connect_timeout = 3000s" \
    "smtp_helo_timeout = 30000s" "smtp_mail_timeout = 30000s" "smtp_rcpt_timeout = 30000s" "smtp_quit_timeout = 30000s"
check "mxtrapd is ready" wait_for 20000 trap_ready
check "and the web process" wait_for 10000 trap_web_ready
check "the real MX is up" wait_for 10000 sink_ready
check "Postfix is up" wait_for 20000 postfix_ready
[ $FAILED = 0 ] || { cat "$DIR"/*.log; exit 1; }

# --- two days of a queue ---------------------------------------------------------------------

DOMAINS="one two six"
for d in $DOMAINS; do
	for n in 1 2; do
		printf 'From: someone@honest.example\nTo: user%d@%s.example\nSubject: elsewhere\n\nHello.\n' $n $d |
		    in_ns honest sendmail -C "$DIR/postfix/etc" -f someone@honest.example "user$n@$d.example"
	done
done
put_off() { [ "$(grep -oE "to=<user.@$1.example>.*status=deferred.* 451" "$DIR/postfix/maillog" | wc -l)" -ge "${2:-2}" ]; }
for d in $DOMAINS; do check "mail for $d.example is put off by our backup" wait_for 15000 put_off $d; done
db() { sqlite3 -readonly "$1/mxtrap.db" ".timeout 5000" "$2"; }
excused() { trap_cli explain "$1" | grep -q "somebody else's MX points here"; }
check "its IPv4 address is excused" wait_for 5000 excused $HONEST
check "and its IPv6 one" wait_for 5000 excused $HONEST6
warned() { grep -qE "brought mail for (one|two|six).example" "$DIR/mxtrapd.log"; }
check "the operator is warned in the log" wait_for 3000 warned
status_warns() { trap_cli status | grep -q "somebody else's domain"; }
check "and by status" wait_for 3000 status_warns

lived() { [ $((($(date +%s) - BASE) * RATE)) -ge $((DAYS * 86400)) ]; }
check "$DAYS days of its clock pass" wait_for $((DAYS * 86400 * 1000 / RATE + 30000)) lived
in_queue=$(find "$DIR/postfix/queue/deferred" "$DIR/postfix/queue/active" "$DIR/postfix/queue/incoming" -type f | wc -l)
check "all of its mail is still in the queue ($in_queue of 6)" test "$in_queue" = 6
check "none was bounced" sh -c '! grep -qE "status=(bounced|undeliverable)|non-delivery" "$0"' "$DIR/postfix/maillog"
tries=$(grep -cE "status=deferred.* 451" "$DIR/postfix/maillog")
check "it was put off many times over ($tries)" test "$tries" -gt 120

# The bot that comes to the backup first, so that this can fail.
BOT=$(bot_address 1)
in_ns bots timeout 20 python3 - $BOGUS "$BOT" $DOMAIN <<-'END'
import smtplib, sys
s = smtplib.SMTP(sys.argv[1], 25, "mail.bot.example", 10, (sys.argv[2], 0))
s.ehlo(); s.mail("a@bot.example"); s.rcpt("b@" + sys.argv[3]); s.quit()
END
check "a bot with mail for us is listed" wait_for 5000 is_listed "$BOT"

# It is still what it was: its mail for us goes the usual way.
mail_send 1
arrived() { [ "$(mails_arrived)" = 1 ]; }
check "Postfix's mail for us arrives at the real MX" wait_for 20000 arrived
harmed() { trap_cli explain $HONEST --json >"$DIR/explained" && grep -qE '"to":"(listed|suspect)"' "$DIR/explained"; }
unharmed() { ! harmed && [ -s "$DIR/explained" ]; }
check "Postfix was never listed or a suspect" unharmed
ever() { db "$1" "SELECT count(DISTINCT sender) FROM list_change WHERE new_state IN (3, 4)"; }
check "nor anybody else but the bot, at any moment" test "$(ever "$DIR/state")" = 1

kill -TERM $TRAP_PID
check "mxtrapd ends" wait_for 5000 gone $TRAP_PID
wait $TRAP_PID
kill -TERM $TCPDUMP
wait $TCPDUMP

# --- the same two days, judged in simulated time ------------------------------------------------

mkdir -p "$DIR/stretched"
check "the capture is drawn out to $DAYS days" python3 "$HERE/stretch.py" "$DIR/beside.pcap" "$DIR/state/mxtrap.db" \
    $BASE $RATE "$DIR/stretched/beside.pcap" "$DIR/stretched/mxtrap.db"
again() { # NAME, a sed script for the configuration, arguments
	local name=$1
	mkdir -p "$DIR/$name"
	sed -e "s|^state-dir.*|state-dir = \"$DIR/$name\"|" -e "$2" "$DIR/mxtrap.conf" >"$DIR/$name.conf"
	shift 2
	"$BUILD/mxtrapd" -c "$DIR/$name.conf" -r "$DIR/stretched/beside.pcap" "$@"
}
DEFAULTS='s/list-on = "proven"/list-on = "addressed"/; s/false-listing = 0.01/false-listing = 0.0001/; s/visit-gap = "4s"//'
for form in sharp defaults; do
	case $form in sharp) edit='s/visit-gap = "4s"//' ;; *) edit=$DEFAULTS ;; esac
	check "$form: it is judged again" again $form "$edit" --inputs "$DIR/stretched"
	span=$(db "$DIR/$form" "SELECT (max(time_us) - min(time_us)) / 3600000000 FROM attempt")
	check "$form: its visits span $span hours" test "${span:-0}" -ge $((DAYS * 24 - 3))
	visits=$(db "$DIR/$form" "SELECT count(*) FROM visit")
	check "$form: in many visits ($visits)" test "${visits:-0}" -gt 60
	excused=$(db "$DIR/$form" "SELECT count(*) FROM evidence WHERE excused != 0")
	check "$form: what it did is excused ($excused pieces of evidence)" test "${excused:-0}" -gt 20
	check "$form: only the bot is a suspect or listed at any moment" test "$(ever "$DIR/$form")" = 1
	CONF=$DIR/$form.conf
	check "$form: and that is not Postfix" unharmed
	CONF=
done
# So that this can fail: had nobody listened to what it said, it would be listed by its handshakes.
check "deaf: it is judged without what was said" again deaf 's/visit-gap = "4s"//'
CONF=$DIR/deaf.conf
check "deaf: then Postfix would have been listed" harmed
CONF=

[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -20 "$DIR/mxtrapd.log"; echo "--- postfix"; tail -8 "$DIR/postfix/maillog"; trap_cli explain $HONEST | tail -30; }
exit $FAILED
