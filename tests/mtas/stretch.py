#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""stretch.py PCAP DATABASE BASE RATE PCAP-OUT DATABASE-OUT - a run with a hurried clock, drawn out again.

Each connection begins when its client's clock (hurry.c: BASE, RATE) said so, and lasts as long as it
did on the wire.  So do the events of decoy that belong to it; other events follow the clock.  What comes
out is judged with `mxtrapd -r PCAP-OUT --inputs FOLDER-OF-DATABASE-OUT`.
"""
import bisect
import sqlite3
import struct
import sys

SECOND = 1000000
OF_A_CONNECTION = (2, 11)		# EVENT_ACCEPT, EVENT_SAID


class Clock:
    def __init__(self, base_s, rate):
        self.base, self.rate = base_s * SECOND, rate

    def told(self, us):
        return us if us <= self.base else self.base + (us - self.base) * self.rate


def ends(data):
    """(source, port, destination, port), flags and sequence number of a TCP packet, addresses as 16 bytes."""
    kind = struct.unpack_from("!H", data, 12)[0]
    if kind == 0x0800 and data[23] == 6:
        a, b = (bytes(10) + b"\xff\xff" + data[n:n + 4] for n in (26, 30))
        start = 14 + (data[14] & 15) * 4
    elif kind == 0x86DD and data[20] == 6:
        a, b, start = data[22:38], data[38:54], 54
    else:
        return None
    sport, dport, sequence = struct.unpack_from("!HHI", data, start)
    return (a, sport, b, dport), data[start + 13], sequence


def stretch_capture(path, out, clock):
    """Also gives {(client, its port): [when a connection began]}."""
    packets, current, began = [], {}, {}
    with open(path, "rb") as fh:
        head = fh.read(24)
        if head[:4] != b"\xd4\xc3\xb2\xa1" or head[20:22] != b"\x01\x00":
            raise SystemExit(f"{path}: not a little-endian Ethernet capture in microseconds")
        while len(record := fh.read(16)) == 16:
            s, us, caplen, length = struct.unpack("<IIII", record)
            data, t = fh.read(caplen), s * SECOND + us
            known = ends(data)
            if known is None:
                continue
            ids, flags, sequence = known
            client = ids if ids[3] == 25 else ids[2:] + ids[:2]
            if flags & 0x12 == 0x02 and current.get(client, (0, None))[1] != sequence:
                current[client] = (t, sequence)
                began.setdefault(client[:2], []).append(t)
            start = current.get(client, (t, None))[0]
            packets.append((clock.told(start) + t - start, data, length))
    packets.sort(key=lambda p: p[0])
    with open(out, "wb") as fh:
        fh.write(head)
        for t, data, length in packets:
            fh.write(struct.pack("<IIII", t // SECOND, t % SECOND, len(data), length) + data)
    return began


def stretch_events(path, out, clock, began):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as src, sqlite3.connect(out) as db:
        src.backup(db)
        rows = db.execute("SELECT id, time_us, kind, addr, port, since_us FROM event ORDER BY id").fetchall()
        moved = []
        for number, t, kind, addr, port, since in rows:
            starts = began.get((addr, port), []) if kind in OF_A_CONNECTION else []
            n = bisect.bisect_right(starts, t)
            new = clock.told(starts[n - 1]) + t - starts[n - 1] if n else clock.told(t)
            moved.append((new, number, clock.told(since) if since > clock.base else since))
        moved.sort()
        # The order is the order of time again, and ids tell it.
        last = len(rows) and max(r[0] for r in rows)
        for n, (t, number, since) in enumerate(moved):
            db.execute("UPDATE event SET id = ?, time_us = ?, since_us = ?, seq = ? WHERE id = ?",
                       (last + 1 + n, t, since, 1 + n, number))
        db.commit()
        return len(moved)


def main():
    capture, database, base, rate, capture_out, database_out = sys.argv[1:]
    clock = Clock(int(base), int(rate))
    began = stretch_capture(capture, capture_out, clock)
    n = stretch_events(database, database_out, clock, began)
    print(f"{sum(map(len, began.values()))} connections and {n} events drawn out")


if __name__ == "__main__":
    main()
