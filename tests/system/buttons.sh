#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# buttons.sh [BUILD] - every admin act, by HTTP and by the command, however mxtrapd is started.
#
# As installed (three users); as root without any of the users, when each process has a number of its own and none
# is root; as one plain user, when each act needs a token, on the control socket too.  Who did it is never the
# asker's own word.  Each act goes on working when web or watch was killed.  In a network namespace of its own.
# Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
. "$(dirname "$0")/../lib/onehost.inc"
lab buttons mx
PLAIN_UID=64931 OPERATOR_UID=64932
onehost_up
onehost_conf "$DIR/state" 'publish = yes
publish-after = "0s"
judge { start-grace = "0s" }
firewall { backend = "nftables" }
dnsbl { listen = "127.0.0.1:5353" zone = "bl.example.org" }'
said() { grep -q -- "$1" "$DIR/log"; }
ready() { said "all processes are ready"; }
pid_of() { pgrep -P "$PID" -f -- "--role $1 "; }
uid_of() { stat -c %u "/proc/$(pid_of "$1")"; }

# start HOW: PID, TOKEN; the command needs SHOW before its words
start() {
	local as=()
	: >"$DIR/log"
	rm -rf "$DIR/state"
	USERS=three
	[ "$1" = three ] || USERS=none
	users_make
	if [ "$1" = plain ]; then
		mkdir "$DIR/state"
		chown $PLAIN_UID:$PLAIN_UID "$DIR/state"
		as=(setpriv --reuid $PLAIN_UID --regid $PLAIN_UID --clear-groups --inh-caps +net_raw,+net_bind_service,+net_admin
		    --ambient-caps +net_raw,+net_bind_service,+net_admin)
	fi
	"${AS_INSTALLED[@]}" ip netns exec "$P-mx" "${as[@]}" "$BUILD/mxtrapd" -c "$DIR/conf" >>"$DIR/log" 2>&1 &
	PID=$!
	wait_for 60000 ready || { bad "$1: mxtrapd is ready"; cat "$DIR/log"; exit 1; }
	ok "$1: mxtrapd is ready"
	TOKEN=$(grep -o 'mxt_[0-9a-f]*' "$DIR/log")
	check "$1: a first token is in the log" test -n "$TOKEN"
	printf '%s\n' "$TOKEN" >"$DIR/token"
	SHOW=()
	[ "$1" != plain ] || SHOW=(--token-file "$DIR/token")
}
stop() {
	kill -TERM "$PID"
	wait "$PID"
	check "$1: mxtrapd ends in order" test $? = 0
}
# By HTTP.
post() { # token, path, body: the status; the answer is in $DIR/answer
	mx curl -s -m 20 -o "$DIR/answer" -w '%{http_code}' -X POST -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
	    -d "$3" "http://127.0.0.1:8725$2"
}
posts() { # name, path, body, what the answer holds
	local got
	got=$(post "$TOKEN" "$2" "$3")
	if [ "$got" = 200 ] && grep -qF -- "$4" "$DIR/answer"; then ok "$1"; else bad "$1: $got $(head -c 200 "$DIR/answer")"; fi
}
undoes() { # name: what the last answer says that undoes it, done
	local path body
	path=$(jq -r '.undo.path' "$DIR/answer")
	body=$(jq -c '.undo.body' "$DIR/answer")
	posts "$1" "$path" "$body" '"says":'
}
# By the command.
cli() { mx "$BUILD/mxtrap" -c "$DIR/conf" "${SHOW[@]}" "$@"; }
runs() { # name, what it says, words...
	local name=$1 want=$2
	shift 2
	if cli "$@" >"$DIR/did" 2>&1 && grep -qF -- "$want" "$DIR/did"; then ok "$name"; else bad "$name: $(head -c 200 "$DIR/did")"; fi
}
listed() { cli list --format plain | grep -qxF "$1/32"; }
allowed() { cli list --allowed | grep -qF "$1"; }
last_who() { mx curl -s -m 20 'http://127.0.0.1:8725/api/v1/audit?limit=1' | jq -r '.entries[0].who'; }

for how in three none plain; do
	start $how

	# --- who runs -------------------------------------------------------------------------

	uids=$(for r in watch decoy web lookup firewall; do uid_of $r; done | tr '\n' ' ')
	case $how in
	three) want="$MXTRAP_UID $NET_UID $NET_UID $NET_UID $FW_UID " ;;
	none) want="61184 61185 61186 61187 61188 " ;;
	plain) want="$PLAIN_UID $PLAIN_UID $PLAIN_UID $PLAIN_UID $PLAIN_UID " ;;
	esac
	check "$how: no process runs as root, each as it should ($uids)" test "$uids" = "$want"
	[ $how != none ] || check "$how: the log has the command that makes the users" said 'systemd-sysusers; or, without it: useradd '
	[ $how != plain ] || check "$how: the log says that acts need a token" said 'under one user.*needs a token'

	# --- by HTTP --------------------------------------------------------------------------

	posts "$how: POST allow" /api/v1/allow '{"cidr":"198.51.100.1","note":"a friend"}' '"done":"allowed"'
	check "$how: it is allowed" wait_for 10000 allowed 198.51.100.1
	check "$how: by the token that was shown ($(last_who))" test "$(last_who)" = api:admin
	undoes "$how: its undo"
	check "$how: it is not allowed any more" wait_for 10000 not allowed 198.51.100.1
	posts "$how: POST list" /api/v1/list '{"cidr":"198.51.100.2","for":"2h"}' '"done":"listed"'
	check "$how: it is listed" wait_for 10000 listed 198.51.100.2
	undoes "$how: its undo"
	check "$how: it is not listed any more" wait_for 10000 not listed 198.51.100.2
	posts "$how: POST list again" /api/v1/list '{"cidr":"198.51.100.3"}' '"done":"listed"'
	posts "$how: POST list, withdrawn" /api/v1/list '{"cidr":"198.51.100.3","remove":true}' '"done":"withdrawn"'
	posts "$how: POST allow, withdrawn" /api/v1/allow '{"cidr":"198.51.100.3","remove":true}' '"done":"withdrawn"'
	posts "$how: POST forget" /api/v1/forget '{"cidr":"198.51.100.3"}' '"done":"forgotten"'
	check "$how: POST publish, where nothing is held" test "$(post "$TOKEN" /api/v1/publish '{}')" = 409
	posts "$how: POST tokens" /api/v1/tokens '{"name":"desk","scope":"export"}' '"token":"mxt_'
	EXPORT=$(jq -r .token "$DIR/answer")
	check "$how: that token may not allow" test "$(post "$EXPORT" /api/v1/allow '{"cidr":"198.51.100.4"}')" = 403
	posts "$how: POST tokens/revoke" /api/v1/tokens/revoke '{"name":"desk"}' 'revoked'
	check "$how: without a good token nothing is done" test "$(post mxt_0 /api/v1/allow '{"cidr":"198.51.100.4"}')" = 401
	check "$how: nothing was" not allowed 198.51.100.4

	# --- by the command -------------------------------------------------------------------

	[ $how = plain ] && who='root (token admin)' || who=root
	runs "$how: mxtrap allow" "198.51.100.5/32: allowed" allow 198.51.100.5 --note "a customer"
	check "$how: by who did it ($(last_who))" test "$(last_who)" = "$who"
	runs "$how: mxtrap allow --remove" "no longer allowed" allow 198.51.100.5 --remove
	runs "$how: mxtrap block" "198.51.100.6/32: listed by hand" block 198.51.100.6 --for 2h
	check "$how: it is listed" wait_for 10000 listed 198.51.100.6
	runs "$how: mxtrap block --remove" "no longer listed by hand" block 198.51.100.6 --remove
	runs "$how: mxtrap forget" "198.51.100.6/32: forgotten" forget 198.51.100.6
	runs "$how: mxtrap purge" "took back" purge --since 1h
	runs "$how: mxtrap publish" "nothing was held" publish --accept
	runs "$how: mxtrap firewall off" "the firewall is off" firewall off
	no_table() { ! mx nft list table inet mxtrapd >/dev/null 2>&1; }
	check "$how: the kernel's table is gone" wait_for 10000 no_table
	runs "$how: mxtrap firewall on" "the firewall is on" firewall on
	check "$how: it is there" wait_for 10000 not no_table
	runs "$how: mxtrap firewall flush" "filled" firewall flush
	runs "$how: mxtrap token add" "mxt_" token add shop
	runs "$how: mxtrap token revoke" "revoked" token revoke shop
	if [ $how = plain ]; then
		SHOW=()
		for words in "allow 198.51.100.7" "block 198.51.100.7" "forget 198.51.100.7" "purge --since 1h" "publish --accept" \
		    "firewall off" "token add mine --scope admin" "token revoke admin"; do
			# shellcheck disable=SC2086
			cli $words >"$DIR/did" 2>&1
			check "$how: mxtrap $words without a token is refused" test $? = 1
			check "$how: and says what to do" grep -q -- '--token-file' "$DIR/did"
		done
		# The same user, and root, alike: any process of mxtrapd is that user.
		mx setpriv --reuid $PLAIN_UID --regid $PLAIN_UID --clear-groups "$BUILD/mxtrap" -c "$DIR/conf" allow ::/0 >"$DIR/did" 2>&1
		check "$how: also as the user that it runs as" test $? = 1
		MXTRAP_TOKEN=$TOKEN cli allow 198.51.100.7 >"$DIR/did" 2>&1
		check "$how: MXTRAP_TOKEN is taken" grep -q allowed "$DIR/did"
		cli --token "$TOKEN" allow 198.51.100.7 --remove >"$DIR/did" 2>&1
		check "$how: --token too" grep -q "no longer allowed" "$DIR/did"
		cli allow 198.51.100.7 --token "$EXPORT" >"$DIR/did" 2>&1
		check "$how: one that was revoked is not" grep -q "opens nothing" "$DIR/did"
		SHOW=(--token-file "$DIR/token")
	fi

	# --- whoever was killed ---------------------------------------------------------------

	works() { [ "$(post "$TOKEN" /api/v1/allow '{"cidr":"198.51.100.8"}')" = 200 ]; }
	for role in web watch web; do
		old=$(pid_of $role)
		kill -9 "$old"
		other() { local p; p=$(pid_of $role) && [ -n "$p" ] && [ "$p" != "$old" ]; }
		check "$how: $role is back after a kill" wait_for 20000 other
		check "$how: and POST allow works" wait_for 20000 works
	done

	# --- others on this host --------------------------------------------------------------

	if [ $how = three ]; then
		as_operator() { # groups, words...
			local groups=$1
			shift
			mx setpriv --reuid $OPERATOR_UID --regid $OPERATOR_UID --groups "$groups" "$BUILD/mxtrap" -c "$DIR/conf" "$@" >"$DIR/did" 2>&1
		}
		check "a member of the groups mxtrap-admin and mxtrap may decide" as_operator $ADMIN_GID,$MXTRAP_UID allow 198.51.100.9
		check "and is named in the audit ($(last_who))" test "$(last_who)" = "uid $OPERATOR_UID"
		check "a member of mxtrap alone may read" as_operator $MXTRAP_UID list
		check "and decide nothing" not as_operator $MXTRAP_UID allow 198.51.100.10
		check "nobody else may read" not as_operator $OPERATOR_UID list
		may_ask() { # user, groups: a process of that user opens the control socket
			mx setpriv --reuid "$1" --regid "$1" --groups "$2" python3 -c '
import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).connect(sys.argv[1])' "$DIR/state/control.sock" 2>/dev/null
		}
		check "a process of web, lookup or decoy cannot open the control socket" not may_ask $NET_UID $MXTRAP_UID
	fi
	stop $how
done

[ $FAILED = 0 ] || { echo "--- mxtrapd"; tail -40 "$DIR/log"; }
exit $FAILED
