#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# never.sh [BUILD] - who is never listed, over the running daemon, in network namespaces of its own.
#
# A listed bot is allowed by command, another by the API: each is off the list, the exports, the look-up
# and the page's own data within a second.  A third one's address becomes the host's own.  Whoever takes
# our mail is excused.  A replay with the stored events says the same.  Needs root; 77: skipped.
set -u
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/users.inc"
BUILD=$(realpath "${1:-build}")
P=mxtrap-never-$$
DIR=
. "$(dirname "$0")/../../deploy/demo/net.sh"

why=$(net_usable) || { echo "never: SKIP, $why"; exit 77; }
finish() {
	trap - EXIT INT TERM
	net_down >/dev/null 2>&1
	wait 2>/dev/null
	rm -rf "$DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM
DIR=$(mktemp -d /tmp/mxtrap-never.XXXXXX)
chmod 755 "$DIR"
users_make

net_up
trap_config "$DIR/mxtrap.conf" 'fallback-window = "60s"  visit-gap = "4s"'
in_ns mx tcpdump -i eth0 -U --immediate-mode -w "$DIR/beside.pcap" tcp port 25 2>"$DIR/tcpdump.log" &
TCPDUMP=$!
beside() { grep -q "listening on" "$DIR/tcpdump.log"; }
check "a capture is taken beside it" wait_for 10000 beside
trap_start
check "mxtrapd is ready" wait_for 20000 trap_ready
check "and the web process" wait_for 10000 trap_web_ready
[ $FAILED = 0 ] || { cat "$DIR"/*.log; exit 1; }

URL=http://127.0.0.1:8725
fetch() { in_ns mx curl -s -m 20 "$@"; }
says() { fetch "$URL$2" | grep -qF -- "$1"; }		# needle path
is_not_listed() { ! is_listed "$1"; }
# Everywhere at once: the export, the look-up, what the page draws, the command.
is_everywhere() { is_listed "$1" && says "$1" /export/plain && says "$1" /export/nftables &&
	    says "\"$1/" "/api/v1/list?state=listed" && trap_cli list --format plain | grep -q "^$1/"; }
is_nowhere() {
	is_not_listed "$1" && ! says "$1" /export/plain && ! says "$1" /export/nftables &&
	    ! says "\"$1/" "/api/v1/list?state=listed" && ! trap_cli list --format plain | grep -q "^$1/"
}
changed_to() { # address state
	trap_cli explain "$1" --json | python3 -c '
import json, sys
rows = [r for r in json.load(sys.stdin)["story"] if r["type"] == "change"]
sys.exit(0 if rows and rows[-1]["to"] == sys.argv[1] else 1)' "$2"
}

A=$(bot_address 1) B=$(bot_address 2) C=$(bot_address 3) D=$(bot_address 4) E=$(bot_address 5)
for a in "$A" "$B" "$C"; do bot backup-first "$a"; done
for a in "$A" "$B" "$C"; do check "$a is listed everywhere" wait_for 5000 is_everywhere "$a"; done

# By command.  The command's own time counts, too.
t0=$(now_ms)
trap_cli allow "$A" --for 30d --note "a customer" >"$DIR/allow.out"
check "mxtrap allow says that it is done" grep -q "$A/32: allowed" "$DIR/allow.out"
wait_for 3000 is_not_listed "$A"
wait_for 3000 is_nowhere "$A"
ms=$(($(now_ms) - t0))
check "by command it is off the list, exports, look-up and page ($ms ms)" fast 1000 "$ms"
check "and the last change of the list says so" changed_to "$A" allowed
check "the log says until when" grep -q "ALLOWED \[$A\] until 20" "$DIR/mxtrapd.log"
trap_cli list --allowed >"$DIR/allowed.out"
check "mxtrap list --allowed names it, with the note" grep -q "$A/32 .* a customer" "$DIR/allowed.out"

# By the API.
TOKEN=$(sed -n 's/.*shown only this once: \(mxt_[0-9a-f]*\).*/\1/p' "$DIR/mxtrapd.log")
check "the token is shown once in the log" test "$(grep -c "mxt_" "$DIR/mxtrapd.log")" = 1
check "and is not in the database" sh -c "! grep -aq '$TOKEN' '$DIR'/state/mxtrap.db*"
post() { # path body [curl options]
	local path=$1 body=$2
	shift 2
	fetch -X POST -H "Content-Type: application/json" "$@" -d "$body" -o "$DIR/post.out" -w '%{http_code}' "$URL$path"
}
check "without the token the API refuses" test "$(post /api/v1/allow "{\"cidr\":\"$B\"}")" = 401
check "and so it does from another site" test "$(post /api/v1/allow "{\"cidr\":\"$B\"}" -H "Authorization: Bearer $TOKEN" -H "Origin: http://evil.example")" = 403
check "and nothing has changed" is_listed "$B"
t0=$(now_ms)
code=$(post /api/v1/allow "{\"cidr\":\"$B\",\"for\":\"1h\",\"note\":\"by API\"}" -H "Authorization: Bearer $TOKEN")
check "with it the API does it ($code)" test "$code" = 200
wait_for 3000 is_nowhere "$B"
ms=$(($(now_ms) - t0))
check "by the API it is off everywhere ($ms ms)" fast 1000 "$ms"
audit() { python3 - "$DIR/state/mxtrap.db" "$1" <<-'END'
	import sqlite3, sys
	db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
	print(db.execute("SELECT count(*) FROM audit WHERE who LIKE ?", (sys.argv[2],)).fetchone()[0])
	END
}
check "each is in the audit" test "$(audit api:admin) $(audit root)" = "1 1"
code=$(post /api/v1/forget "{\"cidr\":\"$C\"}" -H "Authorization: Bearer $TOKEN")
wait_for 3000 is_nowhere "$C"
check "forgetting by the API takes it off, too ($code)" is_nowhere "$C"
check "and is in the audit" test "$(audit api:admin)" = 2

# An address that becomes the host's own, and ceases to be.
bot backup-first "$D"
check "$D is listed" wait_for 5000 is_listed "$D"
t0=$(now_ms)
in_ns mx ip addr add "$D/32" dev lo
wait_for 3000 is_nowhere "$D"
ms=$(($(now_ms) - t0))
check "an address that becomes our own is off everywhere ($ms ms)" fast 1000 "$ms"
in_ns mx ip addr del "$D/32" dev lo
no_longer() { changed_to "$D" unknown; }
check "and when it is our own no longer, nothing weighs on it" wait_for 3000 no_longer
check "the gateway is never listed, nor our own addresses" \
    test "$(python3 - "$DIR/state/mxtrap.db" <<-'END'
	import sqlite3, sys
	db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
	rows = {bytes(a)[12:]: w for a, w in db.execute("SELECT addr, why FROM own_address WHERE hex(addr) LIKE '00000000000000000000FFFF%'")}
	print(rows.get(bytes([198, 51, 100, 1])), rows.get(bytes([198, 51, 100, 2])))
	END
)" = "8 4"

# Who takes our mail.
in_ns bots python3 -c '
import socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], 25)); s.listen()
print("up", flush=True)
while True: s.accept()[0].close()' "$E" >"$DIR/listener.out" 2>&1 &
LISTENER=$!
listens() { grep -q up "$DIR/listener.out"; }
check "somebody takes mail at $E" wait_for 5000 listens
in_ns mx timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/25"' "$E"
corresponds() { trap_cli status | grep -qE "correspondents +1$"; }
wait_for 5000 corresponds
bot backup-first "$E"
excused() { trap_cli explain "$E" | grep -q "we send mail to it"; }
check "who takes our mail is excused, and explain says why" wait_for 5000 excused
check "and is not listed" is_not_listed "$E"
kill $LISTENER

kill -TERM $TRAP_PID
wait_for 3000 gone $TRAP_PID
wait $TRAP_PID
kill -TERM $TCPDUMP
wait $TCPDUMP

# The same again from the capture and the stored events.
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
check "of four senders, one being forgotten" test "$(wc -l <"$DIR/live.verdicts")" = 4

# A second start has a token already.
: >"$DIR/mxtrapd.log"
trap_start
check "mxtrapd starts again" wait_for 20000 trap_ready
check "and tells no token again" test "$(grep -c "mxt_" "$DIR/mxtrapd.log")" = 0
check "the old one still opens" test "$(post /api/v1/allow "{\"cidr\":\"$B\",\"remove\":true}" -H "Authorization: Bearer $TOKEN")" = 200
kill -TERM $TRAP_PID
wait_for 3000 gone $TRAP_PID

[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -40 "$DIR/mxtrapd.log"; }
exit $FAILED
