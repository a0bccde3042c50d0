#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# allow.sh [BUILD] - an allowance by a slip, and its undo: with the real daemon, by command and by API.
#
# A network that is wider than a /8 wants --force, and each answer says how many listings end.  Removed, or undone, the listings
# continue until their own end, also where watch was killed in between.  What the command answers can be read at once.
# Needs root; 77: skipped.
. "$(dirname "$0")/../cases/cases.inc"
live_up
A=198.51.100.66 B=198.51.100.77
TOKEN=$(cli token add desk --scope admin 2>&1 | grep -oE '[A-Za-z0-9_-]{30,}' | head -1)
ends() { cli list --format ndjson | sed -n "s|.*\"cidr\":\"$1/32\".*\"expires\":\([0-9]*\).*|\1|p"; }
post() { get -X POST -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d "$2" "http://127.0.0.1:8725/api/v1/$1" >"$DIR/answer"; cat "$DIR/answer"; }
said_this() { grep -qF -- "$1" "$DIR/out"; }
run() { cli "$@" >"$DIR/out" 2>&1; local s=$?; sed 's/^/     /' "$DIR/out"; return $s; }
n_listed() { cli list --format plain | grep -c .; }

one $A
check "one is listed by evidence" wait_for 10000 listed $A
check "another by hand" run block $B --for 3d
check "and the list shows it as soon as the command has answered" listed $B
A_ENDS=$(ends $A) B_ENDS=$(ends $B)

# --- by a slip ------------------------------------------------------------------------------

check "allow 0.0.0.0/0 is refused" not run allow 0.0.0.0/0
check "with what it would do" said_this "this ends 2 listings"
check "and the word that it wants" said_this "--force"
check "a /7 and a /15 of IPv6 likewise" eval 'not run allow 198.0.0.0/7 && not run allow 2000::/15'
serial() { sqlite3 -readonly "$DIR/state/mxtrap.db" 'SELECT serial FROM meta'; }
was=$(serial)
check "a /8 is allowed as ever, and says what ends" eval 'run allow 198.0.0.0/8 && said_this "198.0.0.0/8: allowed; this ends 2 listings"'
check "the list is empty as soon as the command has answered" test "$(n_listed)" = 0
check "in one serial ($was, $(serial))" test "$(serial)" = $((was + 1))
check "a second time it says so" eval 'run allow 198.0.0.0/8 && said_this "allowed already"'
check "it is removed" eval 'run allow 198.0.0.0/8 --remove && said_this "no longer allowed; 2 listings continue"'
check "both are listed at once" test "$(n_listed)" = 2
check "until the same end ($A_ENDS, $B_ENDS; $(ends $A), $(ends $B))" test "$(ends $A) $(ends $B)" = "$A_ENDS $B_ENDS"
check "a second time it says that there was none" eval 'run allow 198.0.0.0/8 --remove && said_this "was not allowed"'
check "the firewall refuses them" wait_for 5000 eval 'a nft list table inet mxtrapd | grep -qF $A && a nft list table inet mxtrapd | grep -qF $B'

# --- by the API ---------------------------------------------------------------------------------

post allow '{"cidr":"0.0.0.0/0"}' | grep -q '"status":409.*this ends 2 listings.*force'
check "the API refuses it by 409, and says what it would do" test $? = 0
check "nothing happened" test "$(n_listed)" = 2
post allow '{"cidr":"0.0.0.0/0","force":true,"note":"a laboratory"}' | grep -q '"ended":2'
check "with force it does, and says how many ended" test $? = 0
check "nobody is listed" test "$(n_listed)" = 0
UNDO=$(python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))["undo"]["body"]))' "$DIR/answer")
post allow "$UNDO" | grep -q '"back":2'
check "its undo brings them back" test $? = 0
check "until the same end" test "$(ends $A) $(ends $B)" = "$A_ENDS $B_ENDS"
UNDO=$(python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))["undo"]["body"]))' "$DIR/answer")
post allow "$UNDO" | grep -q '"ended":2'
check "and the undo of that allows it again" test $? = 0
post allow '{"cidr":"0.0.0.0/0","remove":true}' >/dev/null
post list '{"cidr":"192.0.2.99","force":true}' | grep -q '"status":400'
check "no other call knows force" test $? = 0

# --- what is never listed ---------------------------------------------------------------------------

check "an exchanger's address is not listed by hand: it says why" eval 'not run block 192.0.2.20 && said_this "your own ladder"'
check "nor what is allowed: it says that" eval 'run allow 203.0.113.7 && not run block 203.0.113.7 && said_this "it is allowed by hand"'
check "nor a network" eval 'not run block 0.0.0.0/0 && said_this "nothing wider"'

# --- killed in between ------------------------------------------------------------------------------

check "each is allowed" eval 'run allow $A && run allow $B'
kill -9 "$PID"				# mxtrapd first: it would start the others again
wait "$PID" 2>/dev/null
all_gone() { local p; for p in $(ip netns pids "$P-a"); do kill -9 "$p" 2>/dev/null; return 1; done; }
check "mxtrapd is killed, and every process of it" wait_for 5000 all_gone
live_start
check "after a kill nobody is listed" test "$(n_listed)" = 0
check "and each continues when its allowance is removed" eval 'run allow $A --remove && run allow $B --remove && [ "$(ends $A) $(ends $B)" = "$A_ENDS $B_ENDS" ]'
cli explain $B >"$DIR/out" 2>&1
check "the story says by whom it was listed by hand" said_this "listed by hand by root"
check "what is forgotten while it is allowed does not" eval 'run allow $A && run forget $A && run allow $A --remove && not listed $A'
live_stop
exit $FAILED
