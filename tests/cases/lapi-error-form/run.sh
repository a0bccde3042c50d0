#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every error under /v1/ is CrowdSec's: an object with a message, and Debian's bouncer outlives it.
. "$(dirname "$0")/../cases.inc"
live_up 's|^web .*|web { listen = "0.0.0.0:8725" }|'
U=http://127.0.0.1:8725
KEY=$(cli token add bouncer --scope lapi | grep '^mxt_')
has_message() { # curl's arguments: no 2xx, and a message
	local body status
	body=$(get -w '\n%{http_code}' "$@")
	status=${body##*$'\n'}
	[ "$status" -ge 400 ] && [ "$status" -lt 600 ] && echo "${body%$'\n'*}" | jq -e '.message | type == "string" and length > 0' >/dev/null
}
check "the key opens it" wait_for 2000 eval '[ "$(code -H "X-Api-Key: $KEY" $U/v1/decisions/stream)" = 200 ]'
check "a wrong key has a message" has_message -H "X-Api-Key: BADKEY" $U/v1/decisions/stream
check "no key has a message" has_message $U/v1/decisions/stream
check "a parameter that is not had has a message" has_message -H "X-Api-Key: $KEY" "$U/v1/decisions/stream?scopes=range&nonsense=1"
check "an unknown path has a message" has_message -H "X-Api-Key: $KEY" $U/v1/nonsense
check "another method has a message" has_message -X DELETE -H "X-Api-Key: $KEY" $U/v1/decisions
check "another Host has a message" has_message -H "Host: evil.example" -H "X-Api-Key: $KEY" $U/v1/decisions/stream
for q in scopes=ip 'scenarios_not_containing=ssh' startup=maybe; do
	get -o "$DIR/answer" -w '%{http_code}' -H "X-Api-Key: $KEY" "$U/v1/decisions/stream?$q" >"$DIR/code"
	check "$q is answered, or refused with a message" eval '[ "$(cat "$DIR/code")" = 200 ] || jq -e .message "$DIR/answer" >/dev/null'
done
BOUNCER=${MXTRAP_MTAS:-/var/cache/mxtrap-tests/mtas}/crowdsec-firewall-bouncer/usr/bin/crowdsec-firewall-bouncer
bouncer_dies() { grep -qE "panic|SIGSEGV|nil pointer" "$DIR/bouncer.log"; }
begins() { # the bouncer, with this key, and more lines of its file
	sed "s|^pid_dir:.*|pid_dir: $DIR/|; s|^mode:.*|mode: nftables|; s|^log_level:.*|log_level: info|; s|^api_key:.*|api_key: $1|" \
	    "$CASE/bouncer.yaml" >"$DIR/bouncer.yaml"
	[ -z "${2:-}" ] || echo "$2" >>"$DIR/bouncer.yaml"
	[ -z "${3:-}" ] || sed -i "s|^api_url:.*|api_url: $3|" "$DIR/bouncer.yaml"
	a timeout 60 "$BOUNCER" -c "$DIR/bouncer.yaml" >"$DIR/bouncer.log" 2>&1 &
	W=$!
}
ends() {
	kill $W 2>/dev/null
	wait $W 2>/dev/null
	grep -aE "error|panic" "$DIR/bouncer.log" | head -3 | sed 's/^/     /'
}
logs() { grep -qiE -- "$1" "$DIR/bouncer.log"; }
or_gone() { "$@" || gone $W; }
if [ -x "$BOUNCER" ]; then
	begins BADKEY
	wait_for 20000 or_gone logs "API error"
	ends
	check "Debian's bouncer with a wrong key says so, and does not crash" eval '! bouncer_dies && logs "API error"'
	for more in 'scopes: [ip]' 'scenarios_not_containing: ["ssh"]' 'scenarios_containing: ["ssh"]'; do
		begins "$KEY" "$more"
		wait_for 20000 or_gone logs "API error"
		ends
		check "with $more it says so, and does not crash" eval '! bouncer_dies && logs "API error"'
	done
	begins "$KEY" "" http://192.0.2.20:8725/
	fetched() { cli consumers | grep -qE "^bouncer .*crowdsec-firewall-bouncer"; }
	check "by an address that is in no hosts it gets the list" wait_for 20000 fetched
	cli token revoke bouncer >/dev/null
	wait_for 20000 or_gone logs "API error"
	check "with a key that is revoked while it runs it says so, and does not crash" eval '! bouncer_dies && logs "API error"'
	ends
fi
cli token revoke bouncer >/dev/null 2>&1
check "a revoked key has a message" wait_for 3000 has_message -H "X-Api-Key: $KEY" $U/v1/decisions/stream
live_stop
exit $FAILED
