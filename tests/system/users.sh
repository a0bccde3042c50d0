#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# users.sh [BUILD] - whose the processes and files of mxtrapd are, and what is said where that is wrong.
#
# The state directory follows from numbers to users and back, from root, and out of a narrow umask; a foreign
# owner or group is named with the command that mends it, and the command does.  Each missing capability is named
# with what it costs, and mxtrapd ends on SIGTERM without any of them.  In a network namespace of its own.  Needs
# root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
. "$(dirname "$0")/../lib/onehost.inc"
lab users mx
onehost_up
config() { onehost_conf "$1" 'dnsbl { listen = "127.0.0.1:5353" zone = "bl.example.org" }'; } # state directory
said() { grep -q -- "$1" "$DIR/log"; }
ready() { said "all processes are ready"; }
pid_of() { pgrep -P "$PID" -f -- "--role $1 "; }
# run USERS [PREFIX...]: mxtrapd, with what stands before it
run() {
	: >"$DIR/log"
	USERS=$1
	shift
	users_make
	"${AS_INSTALLED[@]}" ip netns exec "$P-mx" "$@" "$BUILD/mxtrapd" -c "$DIR/conf" >>"$DIR/log" 2>&1 &
	PID=$!
}
start() { run "$@"; wait_for 60000 ready || { bad "mxtrapd is ready"; cat "$DIR/log"; exit 1; }; }
stop() { kill -TERM "$PID"; wait "$PID"; }
status_says() { cli status 2>&1 | grep -q -- "$1"; }
code() { mx curl -s -m 10 -o "$DIR/answer" -w '%{http_code}' "http://127.0.0.1:8725$1"; }
reads() { [ "$(code /api/v1/list)" = 200 ]; }
owner() { stat -c %u:%g "$1"; }
all_of() { [ "$(stat -c %u:%g "$DIR/state" "$DIR"/state/mxtrap.db* | sort -u)" = "$1" ]; }
without() { # capability: what takes it away
	printf 'setpriv\n--bounding-set\n-%s\n--inh-caps\n-%s\n' "$1" "$1"
}

# --- from one to the other ----------------------------------------------------------------

config "$DIR/state"
start none
check "without users the database belongs to the number of watch" wait_for 10000 all_of 61184:61184
check "and web reads it" wait_for 20000 reads
cli allow 198.51.100.1 >/dev/null
stop
start three
check "with users it is theirs" wait_for 10000 all_of $MXTRAP_UID:$MXTRAP_UID
check "which is logged" said "state-dir .* is given to mxtrap:mxtrap"
check "web reads it" wait_for 20000 reads
kept() { cli list --allowed | grep -qF 198.51.100.1; }
check "and what was decided stays" kept
stop
start none
check "and back" wait_for 10000 all_of 61184:61184
stop
chown -R 0:0 "$DIR/state"
chmod 600 "$DIR"/state/mxtrap.*
chmod 700 "$DIR/state"
start three
check "what root left there is handed over" wait_for 10000 all_of $MXTRAP_UID:$MXTRAP_UID
check "and readable for the group" wait_for 20000 reads
stop
rm -rf "$DIR/state"
(umask 077; start three; echo $PID >"$DIR/pid")
PID=$(cat "$DIR/pid")
check "the umask of who starts it does not matter" wait_for 20000 reads
kill -TERM "$PID"
wait_for 20000 gone "$PID"
touch "$DIR/strange"
mkdir -p "$DIR/other"
touch "$DIR/other/letter"
config "$DIR/other"
run three
check "a directory with somebody's files is left alone" wait_for 10000 said "belongs to root:root, expected mxtrap:mxtrap (chown -R mxtrap:mxtrap $DIR/other)"
check "all of it" test "$(owner "$DIR/other")$(owner "$DIR/other/letter")" = 0:00:0
stop
mkdir -m 700 "$DIR/closed"
config "$DIR/closed/state"
run three
check "a way that is closed is named" wait_for 10000 said "may not pass $DIR/closed, expected .* (chmod o+x $DIR/closed)"
stop
config "$DIR/state"

# --- foreign owners -----------------------------------------------------------------------

chown -R 6:6 "$DIR/state"			# man, which every Debian has
run three
check "a foreign owner is named, and the command" wait_for 10000 \
    said "state-dir $DIR/state belongs to $(id -nu 6):$(getent group 6 | cut -d: -f1), expected mxtrap:mxtrap (chown -R mxtrap:mxtrap $DIR/state)"
stop
"${AS_INSTALLED[@]}" chown -R mxtrap:mxtrap "$DIR/state"
start three
check "which mends it" wait_for 20000 reads
stop
chgrp -R 6 "$DIR/state"
start three
status_names() { status_says "web may not read $DIR/state: group $(getent group 6 | cut -d: -f1), expected mxtrap; chown -R mxtrap:mxtrap $DIR/state"; }
check "a foreign group: status says what web may not read, and the command" wait_for 20000 status_names
check "lookup too" status_says "lookup may not read $DIR/state"
check "so does the log" said "$DIR/state may not be read"
check "and the API" eval '[ "$(code /api/v1/list)" = 503 ] && grep -q "may not be read" "$DIR/answer"'
check "and healthz" eval '[ "$(code /healthz)" = 503 ] && grep -q "may not be read" "$DIR/answer"'
"${AS_INSTALLED[@]}" chown -R mxtrap:mxtrap "$DIR/state"
check "the command mends it while it runs" wait_for 20000 reads
forgotten() { ! status_says "may not read"; }
check "and status forgets it" wait_for 20000 forgotten
stop

# --- something in the way of the control socket ---------------------------------------------

rm -f "$DIR/state/control.sock"
echo "a letter" >"$DIR/state/control.sock"
start three
check "something that is no socket is moved aside" said "control.sock: found something that is no socket; it is"
check "and kept" grep -q "a letter" "$DIR/state/control.sock.aside-1"
check "and the command works" cli allow 198.51.100.2
stop

# --- capabilities ---------------------------------------------------------------------------

mapfile -t pre < <(without kill)
start none "${pre[@]}"
check "without CAP_KILL: the log says what it costs" said "no CAP_KILL: it cannot kill a process that hangs"
check "status too" wait_for 20000 status_says "no CAP_KILL"
stop
check "and it ends in order" test $? = 0
check "with all its processes" said "all processes have ended"
start none "${pre[@]}"
hung=$(pid_of watch)
kill -STOP "$hung"
sleep 0.2			# as it is when it hangs, not before
kill -TERM "$PID"
check "also when a process hangs" wait_for 30000 gone "$PID"
check "which is named, with the command that ends it" said "hangs and cannot be killed without CAP_KILL: kill -9 $hung"
kill -9 "$hung"
wait "$PID" 2>/dev/null
for cap in setuid setgid; do
	mapfile -t pre < <(without $cap)
	run three "${pre[@]}"
	wait "$PID"
	check "root without CAP_${cap^^} is refused" test $? = 3
	check "and told what is missing, and what to do" said "found user root without CAP_${cap^^}, .*cap-add.*setpriv"
	check "before any process began" not said "is ready"
done
mapfile -t pre < <(without net_raw)
run three "${pre[@]}"
check "without CAP_NET_RAW: that it cannot capture" wait_for 10000 said "no CAP_NET_RAW: it cannot capture: nothing is watched"
kill -TERM "$PID"
check "and it ends" wait_for 30000 gone "$PID"
wait "$PID" 2>/dev/null
for cap in net_bind_service setpcap chown; do
	mapfile -t pre < <(without $cap)
	rm -rf "$DIR/state"
	run three "${pre[@]}"
	check "without CAP_${cap^^}: it is named" wait_for 10000 said "mxtrapd has no CAP_${cap^^}: it cannot"
	kill -TERM "$PID"
	check "and it ends" wait_for 30000 gone "$PID"
	wait "$PID" 2>/dev/null
done

[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -40 "$DIR/log"; }
exit $FAILED
