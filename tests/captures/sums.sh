#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
exec python3 "$(dirname "$0")/sums.py" "${1:-build}"
