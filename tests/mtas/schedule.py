#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""schedule.py BUILD FOLDER schedule KEEP DAYS - when real mail servers come back, by their own queues.

run.sh BUILD schedule [DAYS]: by hand.  Each with the queue that Debian's package gives it, and a clock
that runs 1440 times as fast (hurry.c).  One mail for each of three ladders: the real MX refuses
all the time (`down`), it defers each recipient with 450 (`grey`), all three refuse (`dead`); and to
two more ladders a new mail every five hours.  Prints when each came back, and which way;
KEEP=FOLDER keeps what was on the wire, and queues.py makes captures of it.
"""
import os
import shutil
import struct
import subprocess
import sys
import time

import net
import senders

RATE = 1440
STARTS = 25			# seconds before the clock hurries
HERE = __file__.rsplit("/", 1)[0]
LADDERS = {"down": 10, "grey": 40, "dead": 70, "down-more": 100, "grey-more": 130}
ANSWERS = {"down": ("bogus",), "grey": ("real", "bogus"), "dead": (), "down-more": ("bogus",), "grey-more": ("real", "bogus")}
ANEW = 5 * 3600			# a new mail so often, to the ladders with more
RUNGS = ("low", "real", "bogus")
SHORT = {"low": "10", "real": "20", "bogus": "30"}


def address(ladder, n):
    return f"198.51.100.{LADDERS[ladder] + 10 * n}"


def house(name, n, folder):
    """Two namespaces: the sender's, and its world with DNS and the three ladders."""
    world = f"{name}-world"
    for ns in (name, world):
        net.sh("ip", "netns", "add", ns)
        net.batch(ns, ["link set lo up"])
    net.sh("ip", "link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", "eth0", "netns", world)
    net.batch(name, ["link set eth0 up", f"addr add 198.18.{n}.25/24 dev eth0", f"route add default via 198.18.{n}.1"])
    all_ = [address(d, rung) for d in LADDERS for rung in range(3)]
    net.batch(world, ["link set eth0 up", f"addr add 198.18.{n}.1/24 dev eth0",
                      "addr add 203.0.113.1/32 dev lo", *(f"addr add {a}/32 dev lo" for a in all_)])
    conf = f"{folder}/{name}.dns"
    with open(conf, "w", encoding="ascii") as fh:
        fh.write("no-resolv\nno-hosts\nuser=root\npid-file=\nlisten-address=203.0.113.1\nbind-interfaces\nlocal=/example/\n"
                 "local=/arpa/\n")
        for d in LADDERS:
            for i, rung in enumerate(("mx0", "mx1", "mx9")):
                fh.write(f"mx-host={d}.example,{rung}.{d}.example,{(10, 20, 90)[i]}\n")
                fh.write(f"host-record={rung}.{d}.example,{address(d, i)}\n")
        fh.write(f"host-record={name}.example,mail.{name}.example,198.18.{n}.25\n")
    net.spawn(world, f"{folder}/{name}.dns.log", "dnsmasq", "--keep-in-foreground", f"--conf-file={conf}")
    for d, rungs in ANSWERS.items():
        for rung in rungs:
            net.spawn(world, f"{folder}/sink.log", "smtp-sink", "-u", "nobody", "-r", "rcpt",
                      f"inet:{address(d, RUNGS.index(rung))}:25", "64")
    net.spawn(world, f"{folder}/{name}.tcpdump", "tcpdump", "-i", "eth0", "-U", "--immediate-mode", "-s", "96", "-w",
              f"{folder}/{name}.pcap", "tcp port 25 or icmp")


def attempts(path, base):
    """(told seconds, ladder, rung) of each SYN."""
    where = {address(d, n): (d, RUNGS[n]) for d in LADDERS for n in range(3)}
    found = []
    with open(path, "rb") as fh:
        fh.read(24)
        while len(record := fh.read(16)) == 16:
            s, us, caplen, _ = struct.unpack("<IIII", record)
            data = fh.read(caplen)
            to = ".".join(str(b) for b in data[30:34])
            if to in where and data[23] == 6 and data[14 + (data[14] & 15) * 4 + 13] & 0x12 == 2:
                t = s + us / 1e6 - base
                found.append((t * (RATE if t > 0 else 1), *where[to]))
    return found


def mail(clients, mta, ladders):
    pipe = clients[mta.name].stdin
    for d in ladders:
        pipe.write(f"mail someone@{mta.name}.example user@{d}.example {d}\n")
    pipe.flush()


def told(seconds):
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes}m"
    return f"{seconds / 3600:.1f}h"


def main():
    folder, kept, days = sys.argv[2], sys.argv[4], float(sys.argv[5])
    library, base = f"{folder}/hurry.so", int(time.time()) + STARTS
    net.sh("gcc", "-std=c11", "-O2", "-shared", "-fPIC", f"-DHURRY_BASE={base}LL", f"-DHURRY_RATE={RATE}", "-o", library,
           f"{HERE}/hurry.c")
    with open(f"{folder}/resolv.conf", "w", encoding="ascii") as fh:
        # The kernel's part of a look-up does not hurry, its patience does.
        fh.write("nameserver 203.0.113.1\noptions timeout:30 attempts:5\n")
    net.sh("mount", "--bind", f"{folder}/resolv.conf", "/etc/resolv.conf")
    mtas = [kind(folder, None, None) for kind in senders.ALL]
    for n, m in enumerate(mtas):
        house(m.name, n, folder)
        m.hurry(library)
        m.start()
    clients = {}
    for m in mtas:
        until = time.monotonic() + 30
        while time.monotonic() < until and not m.ready():
            time.sleep(0.3)
        print(f"{m.name} {m.version()} {'is ready' if m.ready() else 'IS NOT READY'}", flush=True)
        clients[m.name] = subprocess.Popen(net.inside(m.name, "python3", f"{HERE}/client.py"), stdin=subprocess.PIPE, text=True)
        mail(clients, m, list(LADDERS))
    time.sleep(max(0.0, base - time.time()))
    with open(f"{folder}/base", "w", encoding="ascii") as fh:
        fh.write(f"{base} {RATE}\n")
    end = base + days * 86400 / RATE
    while (left := end - time.time()) > 0:
        time.sleep(min(left, ANEW / RATE))
        for m in mtas:
            mail(clients, m, [d for d in LADDERS if d.endswith("-more")])
    for m in mtas:
        rows = attempts(f"{folder}/{m.name}.pcap", base)
        for d in LADDERS:
            mine = [(t, rung) for t, ladder, rung in rows if ladder == d]
            climbs = []
            for t, rung in mine:
                # A climb: what follows within two (told) minutes.
                if not climbs or t - climbs[-1][1] > 120:
                    climbs.append([t, t, []])
                climbs[-1][1] = t
                if climbs[-1][2][-1:] != [SHORT[rung]]:
                    climbs[-1][2].append(SHORT[rung])
            first = climbs[0][0] if climbs else 0
            print(f"| {m.name} | {d} | {len(climbs)} | " + ", ".join(
                f"{told(t - first)} {'>'.join(route)}" for t, _, route in climbs[:16])
                + (f", ... {told(climbs[-1][0] - first)}" if len(climbs) > 16 else "") + " |", flush=True)
    if kept:
        os.makedirs(kept, exist_ok=True)
        for name in ("base", *(f"{m.name}.pcap" for m in mtas)):
            shutil.copy(f"{folder}/{name}", kept)


if __name__ == "__main__":
    main()
