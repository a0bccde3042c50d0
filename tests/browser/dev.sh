#!/bin/bash
NAME=browserdev BUILD=${1:-build}
. "$(dirname "$0")/site.inc"
trap_start
wait_for 15000 trap_ready || die "mxtrapd answers"
TOKEN=$(mxtrap token add page --scope admin | grep -o 'mxt_[A-Za-z0-9_-]*' | head -1)
echo "$P" > /tmp/h5x/ns; echo "$DIR" > /tmp/h5x/dir; echo "$TOKEN" > /tmp/h5x/token
N=0
HABITS=(backup-first reverse primary-only parallel random backup-first forged decoys-only)
while :; do
	N=$((N+1)); h=${HABITS[$((N % 8))]}
	if [ $((N % 5)) = 0 ] && [ $h != forged ]; then bot $h "2001:db8:18$(printf %02x $((N % 120)))::66"; else bot $h 198.18.$((N % 250)).66; fi
	sleep 0.5
done
