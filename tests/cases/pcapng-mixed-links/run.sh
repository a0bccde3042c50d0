#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sound files with two interfaces are read, or said to be sound, with the way to convert them.
. "$(dirname "$0")/../cases.inc"
for f in ng2snap ng2linkunused ng2link; do
	replay "$CASE/$f.pcapng"
	check "$f is not called damaged" not said "damaged"
	check "$f is read, or the way to convert it is said" eval '{ [ $STATUS = 0 ] && said "packets=[1-9]"; } || said "tshark|editcap"'
done
exit $FAILED
