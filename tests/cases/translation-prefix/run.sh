#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Behind a translation prefix of one's own the IPv4 address is the sender; a /64 of all of IPv4 is never listed.
. "$(dirname "$0")/../cases.inc"
replay "$CASE/nsp.pcap"
check "the whole of IPv4 is not listed for one of it" not eval 'cli list --format plain | grep -qF 2001:db8:64::/64'
exit $FAILED
