#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A database that is removed or replaced under the daemon is noticed; what is logged as listed is had by all outlets.
. "$(dirname "$0")/../cases.inc"
live_up
in_kernel() { a nft list table inet mxtrapd 2>/dev/null | grep -qF "$1"; }
in_dns() { [ -n "$(a dig +short +tries=1 +time=20 -p 5353 @127.0.0.1 "$(echo "$1" | awk -F. '{ print $4 "." $3 "." $2 "." $1 }').bl.a.example")" ]; }
exported() { get http://127.0.0.1:8725/export/plain | grep -qF "$1"; }
generation() { get http://127.0.0.1:8725/api/v1/status | jq -r .generation; }
# By watch, and for what it is: web's and others' complaints about the same file are not enough.
told() { grep -qE '^mxtrapd/watch: warning.*(removed|replaced|another file)' "$SAID"; }
everywhere() { exported "$1" && in_dns "$1" && in_kernel "$1"; }
later() { # another one that qualifies comes until he is listed: what comes while there is none is lost
	one "$1"
	try_for 3000 everywhere "$1"
}
one 198.51.100.66
check "somebody is listed" wait_for 4000 everywhere 198.51.100.66
cp "$DIR"/state/mxtrap.db "$DIR/restored.db" 2>/dev/null
sqlite3 "$DIR/state/mxtrap.db" ".backup $DIR/restored.db" 2>/dev/null
: >"$SAID"
rm "$DIR"/state/mxtrap.db*
check "a removed database is noticed in the log" try_for 15000 told
check "and by status, or healed" wait_for 5000 eval 'status_says "[Dd]atabase" || [ -s "$DIR/state/mxtrap.db" ]'
check "who is listed afterwards is in export, DNSBL and kernel" try_for 20000 later 198.51.100.67
was=$(generation)
: >"$SAID"
mv "$DIR/restored.db" "$DIR/state/mxtrap.db"
check "another file in its place is noticed, too" try_for 15000 told
check "who is listed then is in export, DNSBL and kernel" try_for 20000 later 198.51.100.68
renamed() { local now; now=$(generation) && [ -n "$now" ] && [ "$now" != null ] && [ "$now" != "$was" ]; }
check "and the list has a new name" try_for 15000 renamed
live_stop
[ $FAILED = 0 ] || tail -30 "$SAID"
exit $FAILED
