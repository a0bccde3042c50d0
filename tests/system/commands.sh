#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# commands.sh [BUILD] - what mxtrapd answers to the commands that decide, as text and with --json.
#
# A refusal names its reason, and what was no decision is no success in disguise: an address that nobody has seen, a
# list of which nothing is held.  In a network namespace of its own.  Needs root; 77: skipped.
set -u
BUILD=$(realpath "${1:-build}")
. "$(dirname "$0")/../lib/check.inc"
. "$(dirname "$0")/../lib/ns.inc"
. "$(dirname "$0")/../lib/users.inc"
lab commands mx out
mx() { ip netns exec "$P-mx" "$@"; }
out() { ip netns exec "$P-out" "$@"; }
mx ip link set lo up
for a in 45.10.1.10 45.10.1.20 45.10.1.30 45.10.1.77; do mx ip addr add $a/32 dev lo; done
mx ip link add up0 type veth peer name eth0 netns "$P-out"
mx ip addr add 45.10.2.2/24 dev up0
mx ip link set up0 up
for a in 45.10.2.1 45.10.2.9; do out ip addr add $a/24 dev eth0; done
out ip link set eth0 up
out ip route add 45.10.1.0/24 via 45.10.2.2 src 45.10.2.9
mx ip route add default via 45.10.2.1
cat >"$DIR/conf" <<END
interface = "up0"
state-dir = "$DIR/state"
publish = yes
publish-after = "0s"
control-addresses = { "45.10.1.40" }
mx-set "example.org" {
    domains = { "example.org" }
    exchanger "mx0" { preference = 10 role = "nolisting" addresses = { "45.10.1.10" } }
    exchanger "mx1" { preference = 20 role = "real" addresses = { "45.10.1.20" } }
    exchanger "mx9" { preference = 90 role = "bogus" answer = "reset" addresses = { "45.10.1.30" } }
}
allow { addresses = { "45.20.0.0/24" } }
firewall { backend = "nftables" }
END
users_make
"${AS_INSTALLED[@]}" ip netns exec "$P-mx" "$BUILD/mxtrapd" -c "$DIR/conf" >"$DIR/log" 2>&1 &
PID=$!
ready() { grep -q "all processes are ready" "$DIR/log"; }
wait_for 60000 ready || { bad "mxtrapd is ready"; cat "$DIR/log"; exit 1; }
cli() { mx "$BUILD/mxtrap" -c "$DIR/conf" "$@"; }
# says STATUS TEXT WORDS...: the exit status, and what is said, on standard output if it was done, else on the other.
says() {
	local want=$1 text=$2
	shift 2
	cli "$@" >"$DIR/out" 2>"$DIR/err"
	got=$?
	cat "$DIR/out" "$DIR/err" >"$DIR/both"
	check "mxtrap $*: $want, $text ($got: $(tr '\n' ' ' <"$DIR/both"))" eval '[ $got = $want ] && grep -qF -- "$text" "$DIR/both"'
}
# object DONE TEXT WORDS...: the same with --json; DONE true or false.
object() {
	local want=$1 text=$2
	shift 2
	cli "$@" --json >"$DIR/out" 2>"$DIR/err"
	got=$?
	check "mxtrap $* --json: $want, $text ($(cat "$DIR/out" "$DIR/err"))" python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
done = sys.argv[2] == "true"
sys.exit(not (o["done"] is done and sys.argv[3] in o["says"] and o["command"] == sys.argv[4] and o["mxtrap"] and int(sys.argv[5]) == (0 if done else 1)))' \
	    "$DIR/out" "$want" "$text" "$1" "$got"
}

# --- who is never listed, and why -----------------------------------------------------------

own_known() { cli block 45.10.1.77 2>&1 | grep -q "address of this host"; }
check "the host's own addresses are known" wait_for 30000 own_known
cli allow 45.30.0.0/24 >/dev/null
says 1 "allowed by hand: mxtrap list --allowed" block 45.30.0.9	# in the same moment
says 1 "an address of your own ladder" block 45.10.1.20
says 1 "an address of your own ladder" block 45.10.1.40
says 1 "an address of this host" block 45.10.1.77
says 1 "a gateway of this host" block 45.10.2.1
says 1 "in the allow section of the configuration" block 45.20.0.7
says 1 "allowed by hand: mxtrap list --allowed" block 45.30.0.7
says 1 "of a special purpose" block 10.1.2.3
says 1 "nothing wider" block 45.40.0.0/24
says 0 "45.40.0.1/32: listed by hand" block 45.40.0.1
cli allow 45.30.0.0/24 --remove >/dev/null
says 0 "45.30.0.7/32: listed by hand" block 45.30.0.7

# --- what was nothing to do -------------------------------------------------------------------

says 0 "45.40.0.2/32: mxtrap knows nothing of it: there was nothing to forget" forget 45.40.0.2
says 0 "45.50.0.0/16: mxtrap knows nothing of it" forget 45.50.0.0/16
says 0 "45.40.0.1/32: forgotten" forget 45.40.0.1
cli block 45.40.0.3 >/dev/null
says 0 "45.40.0.3/32: forgotten" forget 45.40.0.3	# in the same moment
says 0 "45.0.0.0/8: forgotten" forget 45.0.0.0/8
says 0 "nothing was held: there was nothing to accept" publish --accept
says 1 "there is no token nix" token revoke nix
cli token add shop >/dev/null
says 1 "there is no token nix; the tokens are: " token revoke nix
says 1 "there is a token shop already" token add shop
says 0 "shop: revoked" token revoke shop

# --- as objects ---------------------------------------------------------------------------------

object true "45.60.0.1/32: allowed" allow 45.60.0.1 --note "a \"friend\", é"
object true "no longer allowed" allow 45.60.0.1 --remove
object true "listed by hand" block 45.60.0.2 --for 2h
object false "an address of your own ladder" block 45.10.1.20
object true "forgotten" forget 45.60.0.2
object true "nothing was held" publish --accept
object true "took back" purge --since 1h
object true "the firewall is off" firewall off
object true "the firewall is on" firewall on
object true "a token for export" token add desk
check "with the token" python3 -c 'import json, sys; sys.exit(not json.load(open(sys.argv[1]))["token"].startswith("mxt_"))' "$DIR/out"
object true "revoked" token revoke desk
for words in "firewall show" "status" "token list" "consumers" "list --allowed" "explain 45.60.0.2" "report" "risk" "export" "export nftables"; do
	# shellcheck disable=SC2086
	cli $words --json >"$DIR/out" 2>"$DIR/err"
	check "mxtrap $words --json parses" python3 -m json.tool "$DIR/out" /dev/null
done

# --- as they come, until a signal ------------------------------------------------------------------

ip netns exec "$P-mx" "$BUILD/mxtrap" -c "$DIR/conf" tail --json >"$DIR/tail" 2>&1 &
TAIL=$!
begun() { [ -s "$DIR/tail" ]; }
check "tail begins its object" wait_for 10000 begun
came() { out timeout 5 bash -c 'exec 3<>/dev/tcp/45.10.1.10/25' 2>/dev/null; grep -q '"outcome"' "$DIR/tail"; }
check "an attempt comes" wait_for 60000 came
kill -TERM $TAIL
wait $TAIL
check "a signal ends it as it should" test $? = 0
check "and the object is whole" python3 -m json.tool "$DIR/tail" /dev/null

kill -TERM "$PID"
wait "$PID"
exit $FAILED
