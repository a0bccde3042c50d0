#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is backed up while mxtrapd runs has all of the list, and a restored one has a new name.
. "$(dirname "$0")/../cases.inc"
live_up
one 198.51.100.66
check "somebody is listed" wait_for 4000 listed 198.51.100.66
check "mxtrap backup takes a copy" cli backup "$DIR/copy.db"
mkdir "$DIR/elsewhere"
cp "$DIR/state/mxtrap.db" "$DIR/elsewhere/"
sed "s|^state-dir .*|state-dir = \"$DIR/elsewhere\"|" "$DIR/conf" >"$DIR/conf3"
"${IN[@]}" "$BUILD/mxtrap" -c "$DIR/conf3" list >"$DIR/list" 2>&1
check "a copy by cp alone is not read as if it were all" grep -qE "without its log|lacks|not filled" "$DIR/list"
generation() { sqlite3 -readonly "$1" 'SELECT generation FROM meta'; }
was=$(generation "$DIR/state/mxtrap.db")
live_stop
rm -rf "$DIR/state2"
mkdir "$DIR/state2"
sed "s|^state-dir .*|state-dir = \"$DIR/state2\"|" "$DIR/conf" >"$DIR/conf2"
CONF=$DIR/conf2
check "mxtrap restore puts it in place" cli restore "$DIR/copy.db"
check "it has who was listed" listed 198.51.100.66
check "and a new name" test "$(generation "$DIR/state2/mxtrap.db")" != "$was"
check "the manual says how to back up" grep -qE "mxtrap backup" "$HERE/docs/mxtrapd.8" "$HERE/docs/database.md"
exit $FAILED
