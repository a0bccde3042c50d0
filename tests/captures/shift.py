#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""shift.py AGO FOLDER CAPTURE... - copies of captures, moved in time by one and the same step.

The newest packet of all of them is AGO seconds old afterwards: what they prove is young then, on any day on which a
test is run."""
import pathlib
import struct
import sys
import time


def records(data, path):
    """Where each packet's head is, and its second."""
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}.get(bytes(data[:4]))
    if order is None:
        raise SystemExit(f"shift.py: {path} is no pcap file")
    at = 24
    while at + 16 <= len(data):
        second, _, length, _ = struct.unpack_from(order + "IIII", data, at)
        yield order, at, second
        at += 16 + length


def main():
    ago, folder, paths = int(sys.argv[1]), pathlib.Path(sys.argv[2]), [pathlib.Path(p) for p in sys.argv[3:]]
    files = [(p, bytearray(p.read_bytes())) for p in paths]
    newest = max(second for p, data in files for _, _, second in records(data, p))
    step = int(time.time()) - ago - newest
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files:
        for order, at, second in records(data, path):
            struct.pack_into(order + "I", data, at, second + step)
        (folder / path.name).write_bytes(data)


main()
