#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# outlets.sh BUILD - rows of the table of run.sh: from the verdict to the block, end to end in network namespaces;
# three runs, and one while a flood of a million senders is written into a database of a million others.
# QUICK=1: one run of each, a tenth of the sizes.
set -u
build=$(realpath "${1:-build}")
cd "$(dirname "$0")/../.." || exit 2
bots=100 senders=1000000 runs=3
if [ -n "${QUICK:-}" ]; then bots=20 senders=100000 runs=1; fi
out=$(mktemp)
trap 'rm -f "$out"' EXIT
verdict() { awk -v a="$1" -v b="$2" 'BEGIN { print (a <= b ? "met" : "MISSED") }'; }

# rows WHAT GATE: of what outlets.sh said
rows() {
	local line dns kernel
	line=$(grep 'from the verdict to the DNSBL' "$out") || { grep -E 'SKIP|^FAIL' "$out"; return 1; }
	dns=$(sed 's/.*DNSBL: median [0-9.]* ms, p99 \([0-9.]*\) ms;.*/\1/' <<< "$line")
	kernel=$(sed 's/.*kernel: median [0-9.]* ms, p99 \([0-9.]*\) ms;.*/\1/' <<< "$line")
	echo "| $1, to the DNSBL's answer, p99 | $dns | ms | $2 | $(verdict "$dns" "$2") |"
	echo "| $1, to the kernel's set, p99 | $kernel | ms | $2 | $(verdict "$kernel" "$2") |"
}
for i in $(seq $runs); do
	BOTS=$bots tests/consumer/outlets.sh "$build" > "$out" 2>&1
	rows "outlets: from the verdict (run $i, load $(cut -d' ' -f1 /proc/loadavg))" 50
done
BOTS=$bots SNAPSHOT=$senders FLOOD=${FLOOD:-10000} tests/consumer/outlets.sh "$build" > "$out" 2>&1
rows "outlets: from the verdict, while $senders senders are written (load $(cut -d' ' -f1 /proc/loadavg))" 250
