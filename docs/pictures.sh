#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# pictures.sh BUILD - the pictures of docs/dashboard.md, made again: from the site of the browser's tests, with
# some minutes of bots.  Small ones: 64 colours are enough for a page.
NAME=pictures BUILD=${1:-build}
. "$(dirname "$0")/../tests/browser/site.inc"
make -s -C "$HERE" tests/browser/node_modules/.ready || exit 1
SHOTS=$DIR/shots
mkdir "$SHOTS"
trap_start
wait_for 15000 trap_ready || die "mxtrapd answers"
TOKEN=$(mxtrap token add edge-1 --scope admin | grep -o 'mxt_[a-z0-9]*')
export P DIR BUILD SHOTS TRAP TOKEN HERE
mx node "$HERE/tests/browser/pictures.mjs" || exit 1
mkdir -p "$HERE/docs/pictures"
for f in "$SHOTS"/*.png; do
	pngquant --force --speed 1 --strip --output "$HERE/docs/pictures/$(basename "$f")" 64 "$f" || exit 1
done
ls -l "$HERE/docs/pictures"
