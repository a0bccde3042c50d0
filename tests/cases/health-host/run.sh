#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# /healthz answers whatever the Host; an address of this host is no DNS rebinding; -n warns of a wildcard without hosts.
. "$(dirname "$0")/../cases.inc"
live_up 's|^web .*|web { listen = "0.0.0.0:8725" }|'
U=http://192.0.2.1:8725
check "/healthz by an own address" wait_for 2000 eval '[ "$(code $U/healthz)" = 200 ]'
check "/metrics by an own address" test "$(code $U/metrics)" = 200
check "/healthz of HTTP/1.0 without a Host" test "$(code --http1.0 -H 'Host:' $U/healthz)" = 200
check "/healthz by any name" test "$(code -H 'Host: probe.example' $U/healthz)" = 200
check "a foreign name gets nothing else" test "$(code -H 'Host: evil.example' $U/api/v1/list)" = 421
check "-n warns that listen is a wildcard and hosts is empty" eval '"${IN[@]}" "$BUILD/mxtrapd" -c "$CONF" -n 2>&1 | grep -q "hosts"'
live_stop
exit $FAILED
