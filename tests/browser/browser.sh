#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# browser.sh [BUILD] - the dashboard in Debian's Chromium, before a real mxtrapd.
#
# A database that was filled from tests/captures, a live feed of bots in network namespaces, and each page:
# what it shows, what can be done there and undone, deep links, both colour schemes at three widths (pictures in
# BUILD/check/browser), accessibility by axe-core, an empty console.  Needs root and chromium; 77: skipped.
NAME=browser BUILD=${1:-build}
. "$(dirname "$0")/site.inc"
make -s -C "$HERE" tests/browser/node_modules/.ready >"$DIR/npm" 2>&1 || { cat "$DIR/npm"; die "npm brings what the tests need"; }
SHOTS=$BUILD/check/browser
mkdir -p "$SHOTS"
trap_start
wait_for 15000 trap_ready || die "mxtrapd answers"
TOKEN=$(mxtrap token add page --scope admin | grep -o 'mxt_[a-z0-9]*')
export P DIR BUILD SHOTS TRAP TOKEN HERE
mx node "$HERE/tests/browser/run.mjs" "${@:2}"
