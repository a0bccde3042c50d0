#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The same packets in another order, within 100 ms, are judged the same.
. "$(dirname "$0")/../cases.inc"
judged() { # capture: all that was made of it
	replay "$CASE/$1.pcap"
	cli list --all --format ndjson | grep '"cidr"' | jq -cS 'del(.id)' | sort >"$DIR/$1.all"
	grep -oE '(listed|suspects?|excused|noticed|cleared)=[0-9]+' "$SAID" | sort -u >"$DIR/$1.sums"
	for s in $(jq -r .cidr "$DIR/$1.all"); do cli explain "${s%/*}" --json | jq -cS '[.story[]? | select(.type == "evidence") | {kind, grade, score}]'; done >"$DIR/$1.evidence"
	[ -s "$DIR/$1.all" ]
}
for f in base sorted swapped; do check "$f is judged" judged $f; done
for f in sorted swapped; do
	for what in all sums evidence; do check "$f: the same $what" diff "$DIR/base.$what" "$DIR/$f.$what"; done
done
exit $FAILED
