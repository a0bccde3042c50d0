#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""export.py PORT PID ADDRESS - what a large export costs over HTTP; a figure a line.

Each rendering is a cold one: options that all entries meet make another document of the same list.
`check` is asked on a connection of its own all the while, of ADDRESS, every 2 ms.
"""
import selectors, socket, statistics, sys, threading, time

PORT, PID, ADDRESS = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def dial():
    s = socket.create_connection(("127.0.0.1", PORT))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def ask(s, path, more=""):
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n".encode())


def fetch(path, clients=1):
    """Seconds to the first byte of the last client's head, and to the end of the last body; bytes of the shortest."""
    poll = selectors.DefaultSelector()
    ends = {}
    buffer = bytearray(1 << 20)
    begun = time.monotonic()
    for _ in range(clients):
        s = dial()
        ask(s, path, "Connection: close\r\n")
        ends[s] = [None, None, 0, b""]
        poll.register(s, selectors.EVENT_READ)
    left = clients
    while left:
        for key, _ in poll.select():
            end = ends[key.fileobj]
            n = key.fileobj.recv_into(buffer)
            if n == 0:
                end[1] = time.monotonic() - begun
                poll.unregister(key.fileobj)
                key.fileobj.close()
                left -= 1
                continue
            end[0] = end[0] or time.monotonic() - begun
            end[2] += n
            end[3] = (end[3] + bytes(buffer[:n][-5:]))[-5:] if end[2] > n else bytes(buffer[:n])
    return max(e[0] for e in ends.values()), max(e[1] for e in ends.values()), min(e[2] for e in ends.values())


def resident():
    with open(f"/proc/{PID}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


class Watch(threading.Thread):
    """Asks for one address again and again; the longest answer, and what is resident."""

    def __init__(self):
        super().__init__(daemon=True)
        self.longest, self.resident, self.go = 0, 0, True
        self.socket = dial()
        self.start()

    def run(self):
        while self.go:
            begun = time.monotonic()
            ask(self.socket, "/api/v1/check/" + ADDRESS)
            self.socket.recv(4096)
            self.longest = max(self.longest, time.monotonic() - begun)
            self.resident = max(self.resident, resident())
            time.sleep(0.002)

    def end(self):
        self.go = False
        self.join()


FRESH = iter([f"{g}{s}" for g in ("", "grade=syn", "grade=resyn", "grade=proven", "grade=addressed") for s in ("", "&include=suspects")][1:])


def cold(limit=""):
    return "/export/plain?" + "&".join(x for x in (next(FRESH).strip("&"), limit) if x)


before = resident()
plain = [fetch(cold()) for _ in range(3)]
print("bytes", plain[0][2])
print("plain_seconds", round(statistics.median(x[1] for x in plain), 3))
print("plain_first_ms", round(max(x[0] for x in plain) * 1000, 1))
ordered = [fetch(cold("limit=1000000")) for _ in range(3)]
print("sorted_seconds", round(statistics.median(x[1] for x in ordered), 3))
print("sorted_first_ms", round(max(x[0] for x in ordered) * 1000, 1))
watch = Watch()
time.sleep(0.2)
idle = watch.longest
first, all_, shortest = fetch(cold(), 20)
watch.end()
print("crowd_seconds", round(all_, 3))
print("crowd_first_ms", round(first * 1000, 1))
print("crowd_whole", int(abs(shortest - plain[0][2]) < 65536))
print("grown_kib", watch.resident - before)
print("check_idle_ms", round(idle * 1000, 1))
watch = Watch()
fetch(cold("limit=1000000"))
watch.end()
print("check_ms", round(watch.longest * 1000, 1))
