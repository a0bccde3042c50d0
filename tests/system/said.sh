#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# said.sh [BUILD] - a decoy that talks, over the running daemon, in network namespaces of its own.
#
# Bots say who their mail is for; somebody else's domain has our backup as its MX, and a real
# Postfix brings its mail there; the same Postfix has mail for us, and climbs.  A replay with the
# stored events says the same.  Needs root; 77: skipped.
set -u
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/users.inc"
BUILD=$(realpath "${1:-build}")
P=mxtrap-said-$$
DIR=
. "$(dirname "$0")/../../deploy/demo/net.sh"

why=$(net_usable) || { echo "said: SKIP, $why"; exit 77; }
command -v postfix >/dev/null || { echo "said: SKIP, no Postfix"; exit 77; }
finish() {
	trap - EXIT INT TERM
	net_down >/dev/null 2>&1
	wait 2>/dev/null
	rm -rf "$DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM
DIR=$(mktemp -d /tmp/mxtrap-said.XXXXXX)
chmod 755 "$DIR"
users_make

net_up
# Somebody else publishes our backup as his own exchanger.
dns_start --mx-host=somebody.example,mx.somebody.example,10 --host-record=mx.somebody.example,$BOGUS
sink_start
trap_config "$DIR/demo.conf" 'fallback-window = "60s"  visit-gap = "4s"'
sed -e 's/answer = "reset"/answer = "dialogue"/' -e 's/list-on = "proven"/list-on = "addressed"/' \
    -e '1i greeting-delay = "1s"' "$DIR/demo.conf" >"$DIR/mxtrap.conf"
in_ns mx tcpdump -i eth0 -U --immediate-mode -w "$DIR/beside.pcap" tcp port 25 2>"$DIR/tcpdump.log" &
TCPDUMP=$!
beside() { grep -q "listening on" "$DIR/tcpdump.log"; }
check "a capture is taken beside it" wait_for 10000 beside
trap_start
postfix_start
check "mxtrapd is ready" wait_for 20000 trap_ready
check "and the web process" wait_for 10000 trap_web_ready
check "the real MX is up" wait_for 10000 sink_ready
check "the honest Postfix is up" wait_for 20000 postfix_ready
[ $FAILED = 0 ] || { cat "$DIR"/*.log; exit 1; }

# talk ADDRESS [early] HELO [DOMAIN]: to the backup, first and only.
talk() {
	in_ns bots python3 - "$BOGUS" "$@" <<-'END'
	import socket, sys
	to, source, early, helo, domain = (sys.argv[1:] + [""])[:5]
	s = socket.socket()
	s.settimeout(10)
	s.bind((source, 0))
	s.connect((to, 25))
	codes = []
	def line(): 
	    data = b""
	    while not data.endswith(b"\n"):
	        more = s.recv(1)
	        if not more: return ""
	        data += more
	    text = data.decode()
	    return line() if text[3:4] == "-" else text[:3]
	if early == "early": s.sendall(b"EHLO %s\r\n" % helo.encode("latin-1"))
	codes.append(line())
	if early != "early": s.sendall(b"EHLO %s\r\n" % helo.encode("latin-1"))
	codes.append(line())
	if domain:
	    for c in (b"MAIL FROM:<a@bot.example>", b"RCPT TO:<b@%s>" % domain.encode("latin-1")):
	        s.sendall(c + b"\r\n"); codes.append(line())
	s.sendall(b"QUIT\r\n"); codes.append(line())
	print(*codes)
	END
}
A=$(bot_address 1) B=$(bot_address 2) C=$(bot_address 3) D=$(bot_address 4)
check "a bot's recipient is put off" test "$(talk "$A" late mail.bot.example $DOMAIN)" = "220 250 250 451 221"
check "mail for us lists it" wait_for 5000 is_listed "$A"
explained() { trap_cli explain "$1" | grep -qF -- "$2"; }
check "explain tells what it said" wait_for 3000 explained "$A" "HELO mail.bot.example, mail for $DOMAIN, which is ours"
check "and why it may be listed" wait_for 3000 explained "$A" "asked for a recipient of ours"
talk "$B" late mail.bot.example >/dev/null
check "one that asks for nobody is a suspect" wait_for 5000 state_is "$B" suspect
talk "$C" early "$C" $DOMAIN >/dev/null
early() { state_of "$C" reasons | grep -q "early_talker" && state_of "$C" reasons | grep -q "bad_helo"; }
check "early talk and a bare address are evidence" wait_for 5000 early
HOSTILE='<b>x</b>&"\'"'\''"
talk "$D" late "$HOSTILE" $DOMAIN >/dev/null
check "what is not printable is shown escaped" wait_for 5000 explained "$D" '<b>x</b>&'
check "and never as it came" test -z "$(trap_cli explain "$D" | grep -a "$(printf '\033\[31m')")"
check "the API tells what was said" test -n "$(in_ns mx curl -s -m 20 "http://127.0.0.1:8725/api/v1/senders/$A" | grep '"said":\["helo","mail","rcpt","ours"\]\|"ours"')"

# The honest Postfix: mail for somebody else, who made it come to us; and mail for us.
printf 'From: someone@honest.example\nTo: x@somebody.example\nSubject: elsewhere\n\nHello.\n' |
    in_ns honest sendmail -C "$DIR/postfix/etc" -f someone@honest.example x@somebody.example
put_off() { grep -q "to=<x@somebody.example>.*status=deferred.* 451" "$DIR/postfix/maillog"; }
check "a foreign domain's mail is put off, not lost" wait_for 20000 put_off
excused() { trap_cli explain $HONEST | grep -q "somebody else's MX points here"; }
check "its sender is excused, and explain says why" wait_for 5000 excused
check "it is no suspect" state_is $HONEST unknown
warned() { grep -q "brought mail for somebody.example" "$DIR/mxtrapd.log"; }
check "the operator is warned in the log" wait_for 2000 warned
status_warns() { trap_cli status | grep -q "somebody else's domain"; }
check "and by status" wait_for 3000 status_warns
mail_send 1
arrived() { [ "$(mails_arrived)" = 1 ]; }
check "its mail for us arrives at the real MX" wait_for 20000 arrived
talk "$A" late mail.bot.example somebody.example >/dev/null
not_listed() { ! is_listed "$A"; }
check "a listing ends when the mail is somebody else's" wait_for 5000 not_listed
never() { ! trap_cli explain $HONEST --json | grep -q '"to":"listed"'; }
check "the honest Postfix was never listed" never
check "nothing was bounced" test -z "$(grep -E 'status=bounced' "$DIR/postfix/maillog")"

kill -TERM $TRAP_PID
wait_for 3000 gone $TRAP_PID
wait $TRAP_PID
kill -TERM $TCPDUMP
wait $TCPDUMP

verdicts() { # configuration
	CONF=$1 trap_cli list --all --format ndjson | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    if "cidr" in r:
        print(r["cidr"], r["state"], r["class"], r["grade"], round(r["score"], 1), round(r["hint"], 1), *sorted(r["reasons"]))' | sort
}
mkdir -p "$DIR/inputs"
sed "s|^state-dir.*|state-dir = \"$DIR/inputs\"|" "$DIR/mxtrap.conf" >"$DIR/inputs.conf"
check "a replay with --inputs succeeds" "$BUILD/mxtrapd" -c "$DIR/inputs.conf" -r "$DIR/beside.pcap" --inputs "$DIR/state"
verdicts "$DIR/mxtrap.conf" >"$DIR/live.verdicts"
verdicts "$DIR/inputs.conf" >"$DIR/inputs.verdicts"
check "and gives the same verdicts" diff -u "$DIR/live.verdicts" "$DIR/inputs.verdicts"

[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -20 "$DIR/mxtrapd.log"; echo "--- postfix"; tail -5 "$DIR/postfix/maillog"; trap_cli explain "$C" | tail -30; trap_cli explain "$D" | tail -30; }
exit $FAILED
