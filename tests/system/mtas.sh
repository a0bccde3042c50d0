#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mtas.sh [BUILD] - the short form of tests/mtas: real mail servers against the live trap.
exec "$(dirname "$0")/../mtas/run.sh" "${1:-build}" short
