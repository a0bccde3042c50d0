#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A frame whose time 32 bits of seconds cannot hold is not judged, is counted and said once; the replay ends.
. "$(dirname "$0")/../cases.inc"
for f in ngx_mix ngx_offmin ngx_res6max; do
	replay "$CASE/$f.pcapng"
	check "$f: the replay ends ($STATUS)" test $STATUS = 0
	check "$f: impossible times are said once" test "$(grep -cE '[0-9]+ frames? .*impossible time' "$SAID")" = 1
	check "$f: nobody is listed by them" test -z "$(cli list --format plain | grep -v '^#')"
	check "$f: nothing overflows" not said "runtime error|integer overflow"
done
exit $FAILED
