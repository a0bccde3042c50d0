#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# alone.sh COMMAND... - run in this network, which is a new one, with its loopback up.
ip link set lo up || exit 1
exec "$@"
