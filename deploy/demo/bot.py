#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bot.py HABIT ADDRESS... - one visit of a bot to the demo's domain.

ADDRESS is the bot's own, IPv4 or IPv6.  Only for the namespaces that net.sh makes: the
targets are documentation's addresses.
"""
import random
import socket
import struct
import sys
import threading
import time

LADDER = {4: ("198.51.100.10", "198.51.100.20", "198.51.100.30"),
          6: ("2001:db8:51::10", "2001:db8:51::20", "2001:db8:51::30")}
LOW, REAL, BOGUS = 0, 1, 2


def touch(source, rung):
    """One connection, as far as the other side lets it come; says how it ended."""
    version = 6 if ":" in source else 4
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET) as s:
        s.settimeout(5)
        s.bind((source, 0))
        try:
            s.connect((LADDER[version][rung], 25))
            s.recv(200)
            if rung == REAL:
                s.sendall(b"QUIT\r\n")
                s.recv(200)
            return "answered"
        except ConnectionRefusedError:
            return "refused"
        except ConnectionResetError:
            return "reset"
        except OSError as e:
            return str(e)


def walk(source, rungs, pause):
    for n, rung in enumerate(rungs):
        if n:
            time.sleep(pause)
        touch(source, rung)


def parallel(source):
    threads = [threading.Thread(target=touch, args=(source, rung)) for rung in (LOW, REAL, BOGUS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def forged(source, count=3):
    """SYNs in somebody else's name to the backup: what anybody on the internet can send."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        for _ in range(count):
            src, dst = socket.inet_aton(source), socket.inet_aton(LADDER[4][BOGUS])
            head = struct.pack("!HHIIBBHHH", random.randint(1024, 65535), 25, random.getrandbits(32), 0,
                               6 << 4, 2, 64240, 0, 0) + b"\x02\x04\x05\xb4"
            pseudo = src + dst + struct.pack("!BBH", 0, 6, len(head))
            tcp = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 60, 6, 0, src, dst)
            s.sendto(ip + tcp, (LADDER[4][BOGUS], 0))


HABITS = {
    "backup-first": lambda a: touch(a, BOGUS),
    "reverse": lambda a: walk(a, (BOGUS, REAL, LOW), 1.2),
    "primary-only": lambda a: touch(a, LOW),
    "parallel": parallel,
    "random": lambda a: walk(a, random.sample((LOW, REAL, BOGUS), 3), 1.2),
    "forged": forged,
    "climb": lambda a: walk(a, (LOW, REAL), 0.2),
    "decoys-only": lambda a: walk(a, (LOW, BOGUS), 0.5),
}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in HABITS:
        sys.exit(__doc__ + "\nhabits: " + " ".join(HABITS))
    for address in sys.argv[2:]:
        HABITS[sys.argv[1]](address)
