#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""capture.py KEPT CASE... - make labelled captures for tests/captures of a run kept with KEEP=KEPT.

One ladder of the sharp victim a capture.  Of each connection only what opens and refuses it is
kept (SYN, SYN-ACK, the first ACK, RST, ICMP errors): what a verdict rests on.
"""
import ipaddress
import json
import os
import struct
import sys

from cases import CASES, SENDERS, Victim, bot, sources, witness

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURES = os.path.join(HERE, "..", "captures")
RUNGS = (("mx10", 10), ("mx20", 20), ("mx30", 90))
SHARP = Victim("sharp", "reset", "", 0xA, "198.51.100")
SNAP = 96


def packets(path):
    with open(path, "rb") as fh:
        head = fh.read(24)
        assert head[:4] == b"\xd4\xc3\xb2\xa1", "a little-endian pcap in microseconds"
        while len(record := fh.read(16)) == 16:
            s, us, caplen, length = struct.unpack("<IIII", record)
            yield s, us, length, fh.read(caplen)


def decode(data):
    """Source, destination, ports and flags; flags None: an ICMP error."""
    kind = struct.unpack_from("!H", data, 12)[0]
    if kind == 0x0800:
        protocol, start = data[23], 14 + (data[14] & 15) * 4
        ends = ipaddress.ip_address(data[26:30]), ipaddress.ip_address(data[30:34])
    elif kind == 0x86DD:
        protocol, start = data[20], 54
        ends = ipaddress.ip_address(data[22:38]), ipaddress.ip_address(data[38:54])
    else:
        return None
    if protocol == 6:
        sport, dport = struct.unpack_from("!HH", data, start)
        return str(ends[0]), str(ends[1]), sport, dport, data[start + 13]
    if protocol == 1 and data[start] == 3:
        return str(ends[0]), str(ends[1]), 0, 0, None
    return None


def make(kept, case):
    ladder = {name: {"pref": pref, "addrs": SHARP.addresses(case, n), "behaviour": "ok" if n == 1 else ("rst", "", "reset")[n]}
              for n, (name, pref) in enumerate(RUNGS)}
    where = {a: name for name, v in ladder.items() for a in v["addrs"]}
    name = f"m-{case.name}.pcap"
    acked, sequence, count, began = set(), {}, 0, None
    with open(os.path.join(CAPTURES, name), "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP, 1))
        for s, us, length, data in packets(f"{kept}/trap-sharp/beside.pcap"):
            d = decode(data)
            if d is None or (d[0] not in where and d[1] not in where):
                continue
            src, dst, sport, dport, flags = d
            if flags is not None and flags & 0x06 == 0:		# neither SYN nor RST
                if dst not in where or (src, sport, dst, dport) in acked:
                    continue
                acked.add((src, sport, dst, dport))
            began = began or s + us / 1e6
            if flags is not None and flags & 0x12 == 0x02 and dst in where:
                sequence.setdefault(src, {}).setdefault((where[dst], sport), round(s + us / 1e6 - began, 3))
            data = data[:SNAP]
            out.write(struct.pack("<IIII", s, us, len(data), length) + data)
            count += 1
    who = [{"sender": s, "truth": "legit", "addrs": sources(s, case), "expect": "honest"} for s in SENDERS]
    who += [{"sender": "witness", "truth": "legit", "addrs": [witness(case)], "expect": "honest"}]
    who += [{"kind": "backup-first", "truth": "bot", "addrs": [bot(case, n)], "expect": "bot"} for n in range(6)]
    who = [w for w in who if any(a in sequence for a in w["addrs"])]
    for w in who:
        w["sequence"] = sorted(({"t": t, "rung": rung, "src": a} for a in w["addrs"]
                                for (rung, _), t in sequence.get(a, {}).items()), key=lambda x: x["t"])[:3]
    return name, {"domain": SHARP.domain(case), "note": case.what, "scenario": case.name, "packets": count, "ladder": ladder,
                  "judge": 'false-listing = 0.01  visit-gap = "25s"  fallback-window = "60s"', "sources": who}


def main():
    kept, names = sys.argv[1], sys.argv[2:]
    path = os.path.join(CAPTURES, "labels.json")
    with open(path, encoding="utf-8") as fh:
        labels = json.load(fh)
    for case in CASES:
        if case.name in names:
            name, entry = make(kept, case)
            labels[name] = entry
            print(name, entry["packets"], "packets", os.path.getsize(os.path.join(CAPTURES, name)), "bytes")
    with open(path, "w", encoding="utf-8") as fh:
        json.dump(labels, fh, indent=1, sort_keys=True)
        fh.write("\n")


if __name__ == "__main__":
    main()
