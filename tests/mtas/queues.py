#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""queues.py KEPT - captures and their labels of what `KEEP=KEPT run.sh BUILD schedule DAYS` left behind.

One of each ladder, all mail servers in it, drawn out to the days that they lived through (stretch.py).  Where new
mail comes in, Exim alone: it remembers dead hosts, and comes back to the backup without a look at them.
"""
import json
import os
import struct
import sys

from capture import CAPTURES, RUNGS, SNAP, decode, packets
from schedule import ANSWERS, LADDERS, address
from senders import ALL
from stretch import Clock, stretch_capture

WHAT = {"down": "the real MX refuses for days", "grey": "the real MX defers each recipient for days",
        "dead": "all exchangers refuse for days", "down-more": "the real MX refuses for days, new mail comes in",
        "grey-more": "the real MX defers each recipient for days, new mail comes in"}


def of_ladder(kept, ladder):
    """Packets that matter to it, in order, and who sent a SYN there."""
    where, found, seen, acked = {address(ladder, n) for n in range(3)}, [], set(), set()
    for mta in ALL:
        if ladder.endswith("-more") and mta.name != "exim":
            continue
        for s, us, length, data in packets(f"{kept}/{mta.name}.stretched"):
            d = decode(data)
            if d is None or (d[0] not in where and d[1] not in where):
                continue
            if d[4] is not None and d[4] & 0x06 == 0:		# neither SYN nor RST: the first ACK is enough
                if d[1] not in where or d[:4] in acked:
                    continue
                acked.add(d[:4])
            elif d[4] is not None and d[4] & 0x12 == 0x02:
                seen.add((mta.name, d[0]))
                acked.discard(d[:4])
            found.append((s, us, length, data[:SNAP]))
    return sorted(found, key=lambda p: p[:2]), sorted(seen)


def main():
    kept = sys.argv[1]
    with open(f"{kept}/base", encoding="ascii") as fh:
        clock = Clock(*map(int, fh.read().split()))
    for mta in ALL:
        stretch_capture(f"{kept}/{mta.name}.pcap", f"{kept}/{mta.name}.stretched", clock)
    path = os.path.join(CAPTURES, "labels.json")
    with open(path, encoding="utf-8") as fh:
        labels = json.load(fh)
    for ladder in LADDERS:
        found, seen = of_ladder(kept, ladder)
        name = f"q-{ladder}.pcap"
        with open(os.path.join(CAPTURES, name), "wb") as fh:
            fh.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP, 1))
            for s, us, length, data in found:
                fh.write(struct.pack("<IIII", s, us, len(data), length) + data)
        hours = (found[-1][0] - found[0][0]) / 3600
        behaviour = ["rst"] + ["451" if rung in ANSWERS[ladder] else "rst" for rung in ("real", "bogus")]
        labels[name] = {
            "domain": f"{ladder}.example", "note": f"{WHAT[ladder]}: {hours:.0f} h", "scenario": ladder, "packets": len(found),
            "ladder": {rung: {"pref": pref, "addrs": [address(ladder, n)], "behaviour": behaviour[n]}
                       for n, (rung, pref) in enumerate(RUNGS)},
            "judge": "false-listing = 0.01",
            "sources": [{"sender": mta, "truth": "legit", "addrs": [a], "expect": "honest", "sequence": []} for mta, a in seen]}
        print(name, len(found), "packets", f"{hours:.0f} h", len(seen), "senders", os.path.getsize(os.path.join(CAPTURES, name)))
    with open(path, "w", encoding="utf-8") as fh:
        json.dump(labels, fh, indent=1, sort_keys=True)
        fh.write("\n")


main()
