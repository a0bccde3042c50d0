#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh [BUILD] [short|full|schedule [DAYS]] - real mail servers against the live trap; see README.md.
#
# All of it lives in a process, mount and network namespace of its own: when the first
# process there ends, however it ends, the kernel takes everything else with it.
# Needs root; 77: skipped.
set -u
. "$(dirname "$0")/../lib/check.inc"
BUILD=$(realpath "${1:-build}")
FORM=${2:-short}
PROGRAM=run.py
[ "$FORM" != schedule ] || PROGRAM=schedule.py
HERE=$(cd "$(dirname "$0")" && pwd)

[ "$(id -u)" = 0 ] || { echo "mtas: SKIP, not root"; exit 77; }
mkdir -p /run/netns
unshare --mount --pid --fork --kill-child --mount-proc true 2>/dev/null ||
    { echo "mtas: SKIP, no namespaces here"; exit 77; }
DIR=$(mktemp -d /tmp/mxtrap-mtas.XXXXXX)
chmod 755 "$DIR"
trap 'rm -rf "$DIR"' EXIT
trap 'exit 130' INT TERM
# The shell stays as the first process: it takes in the orphans of the mail servers.
# shellcheck disable=SC2016
unshare --mount --propagation private --pid --fork --kill-child --mount-proc bash -c '
	mount -t tmpfs -o mode=755 netns /run/netns || exit 77
	mount -t tmpfs -o mode=755 mtas "$2" || exit 77
	python3 "$0" "$1" "$2" "$3" "$4" "$5"; exit $?' "$HERE/$PROGRAM" "$BUILD" "$DIR" "$FORM" "${KEEP:-}" "${3:-1}" &
CHILD=$!
trap 'kill $CHILD 2>/dev/null; exit 130' INT TERM
wait $CHILD
