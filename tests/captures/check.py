#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check.py BUILD - replay each labelled capture, and a capture of forged SYNs; every wrong judgement is a failure."""
import ipaddress
import json
import os
import random
import sqlite3
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROLES = {"mx10": "nolisting", "mx20": "real", "mx20b": "real", "mx30": "bogus"}
SHOWN = {"noticed", "suspect", "listed"}


def configuration(state, domain, exchangers, judge):
    lines = ['interface = "any"', f'state-dir = "{state}"', "publish = yes", 'publish-after = "0s"',
             f'mx-set "{domain}" {{', f'    domains = {{ "{domain}" }}']
    for name, preference, role, addrs in exchangers:
        quoted = ", ".join(f'"{a}"' for a in addrs)
        lines.append(f'    exchanger "{name}.{domain}" {{ preference = {preference}  role = "{role}"  addresses = {{ {quoted} }} }}')
    lines += ["}", "allow { special-purpose = no }", f'judge {{ start-grace = "0s"  list-on = "proven"  {judge} }}',
              "limits { senders = 400000  attempts = 100000  pools = 200000 }"]
    return "\n".join(lines) + "\n"


def replay(build, text, state, capture):
    conf = os.path.join(state, "mxtrap.conf")
    with open(conf, "w", encoding="ascii") as fh:
        fh.write(text)
    run = subprocess.run([f"{build}/mxtrapd", "-c", conf, "-r", capture], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{capture}: mxtrapd -r exited {run.returncode}: {run.stderr}")
    return conf, run.stdout.strip()


def rows(build, conf, which):
    run = subprocess.run([f"{build}/mxtrap", "-c", conf, "list", which, "--format", "ndjson"], capture_output=True,
                         text=True, timeout=120)
    if run.returncode != 0:
        raise SystemExit(f"mxtrap list {which} exited {run.returncode}: {run.stderr}")
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert found and found[-1].get("type") == "metadata", "the last line is the metadata"
    return found[:-1]


def ever_shown(state):
    """Who was a suspect or listed at any moment, though perhaps not at the end: by the log of the list."""
    with sqlite3.connect(f"file:{state}/mxtrap.db?mode=ro", uri=True) as db:
        rows_ = db.execute("SELECT sender, new_state FROM list_change WHERE new_state IN (3, 4)").fetchall()
    found = {}
    for key, number in rows_:
        key &= (1 << 64) - 1
        v4 = key >> 32 == 0xFFFF
        net = ipaddress.ip_network((key & 0xFFFFFFFF, 32) if v4 else (key << 64, 64))
        found.setdefault(net, set()).add({3: "suspect", 4: "listed"}[number])
    return found


def wrong(source, row, real_up, ever):
    expect = source["expect"]
    if expect == "honest" and ever:
        return f"was {' and '.join(sorted(ever))}, expected an honest sender"
    state = row["state"] if row else "unknown"
    framed = source.get("framed")
    if state == "listed" and expect != "bot":
        return f"is listed, expected {expect}"
    if expect == "legit" and state in SHOWN and not (framed and state == "noticed"):
        return f"is {state}, expected nothing of the kind of an honest sender"
    if expect == "unverified" and state == "suspect":
        return "is a suspect by forged packets alone"
    if expect == "bot" and real_up:
        first = source["sequence"][0]["rung"] if source["sequence"] else None
        if first == "mx30" and state not in SHOWN:
            return f"is {state}, but came to the backup first while the real MX took mail"
        if first != "mx30" and not (row and row["reasons"]):
            return "has no evidence at all"
    return None


def judge_capture(build, name, entry):
    exchangers = [(rung, v["pref"], ROLES[rung], v["addrs"]) for rung, v in sorted(entry["ladder"].items())]
    real_up = any(v["behaviour"] == "ok" for rung, v in entry["ladder"].items() if ROLES[rung] == "real")
    faults = []
    with tempfile.TemporaryDirectory() as state:
        conf, _ = replay(build, configuration(state, entry["domain"], exchangers, entry.get("judge", "")), state, os.path.join(HERE, name))
        known = [(ipaddress.ip_network(r["cidr"]), r) for r in rows(build, conf, "--all")]
        ever = ever_shown(state)
    for source in entry["sources"]:
        for text in source["addrs"]:
            net = ipaddress.ip_network(text)
            hits = [r for n, r in known if n.version == net.version and n.overlaps(net)]
            for row in hits or [None]:
                why = wrong(source, row, real_up, ever.get(ipaddress.ip_network(row["cidr"] if row else text)))
                if why:
                    faults.append(f"{text} ({source.get('sender') or source.get('kind')}) {why}")
    return faults


# --- forged SYNs -----------------------------------------------------------------

LOW, REAL, HIGH = "198.51.100.10", "198.51.100.20", "198.51.100.30"
LOW6, REAL6, HIGH6 = "2001:db8:1::10", "2001:db8:1::20", "2001:db8:1::30"
OPTIONS = bytes.fromhex("020405b40402080a000000010000000001030307")


def segment(sport, dport, seq, ack, flags, options=b""):
    return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, (5 + len(options) // 4) << 4, flags, 64240, 0, 0) + options


def frame(src, dst, tcp):
    if ":" in src:
        ends = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
        return b"\2\0\0\0\0\1\2\0\0\0\0\2\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(tcp), 6, 60) + ends + tcp
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 60, 6, 0)
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + head + ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed + tcp


def forged_capture(path, count, honest):
    """Forged SYNs, a tenth of them IPv6 and some in an honest sender's name, between the honest senders' climbs."""
    rng = random.Random(11)
    now = 1_700_000_000_000_000
    every = count // (4 * len(honest))
    with open(path, "wb", buffering=1 << 20) as fh:
        fh.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 128, 1))

        def put(src, dst, tcp):
            nonlocal now
            data = frame(src, dst, tcp)
            fh.write(struct.pack("<IIII", now // 1_000_000, now % 1_000_000, len(data), len(data)) + data)
            now += 50

        def climb(src, sport):
            isn, theirs = rng.getrandbits(32), rng.getrandbits(32)
            low, real = (LOW6, REAL6) if ":" in src else (LOW, REAL)
            put(src, low, segment(sport, 25, isn, 0, 2, OPTIONS))
            put(low, src, segment(25, sport, 0, (isn + 1) % 2**32, 20))
            put(src, real, segment(sport + 1, 25, isn, 0, 2, OPTIONS))
            put(real, src, segment(25, sport + 1, theirs, (isn + 1) % 2**32, 18))
            put(src, real, segment(sport + 1, 25, (isn + 1) % 2**32, (theirs + 1) % 2**32, 16))

        def forge(i):
            src = str(ipaddress.ip_address(0x08000000 + rng.randrange(1 << 24)))
            if i % 97 == 0:
                src = honest[i // 97 % len(honest)]
            elif i % 10 == 0:
                src = str(ipaddress.ip_address((0x2A00 << 112) + (rng.getrandbits(24) << 64) + 7))
            low, high = (LOW6, HIGH6) if ":" in src else (LOW, HIGH)
            dst, sport, isn = high if i % 3 else low, rng.randrange(1024, 65535), rng.getrandbits(32)
            put(src, dst, segment(sport, 25, isn, 0, 2, OPTIONS))
            if i % 11 == 0 and dst == high:    # the answer goes to the true owner; the forger guesses its number
                put(dst, src, segment(25, sport, rng.getrandbits(32), (isn + 1) % 2**32, 18))
                put(src, dst, segment(sport, 25, (isn + 1) % 2**32, rng.getrandbits(32), 16))

        for i in range(count):
            forge(i)
            if i % every == 0:
                climb(honest[i // every % len(honest)], 40000 + i % 20000)


def judge_forged(build, count):
    honest = [f"198.18.{n}.7" for n in range(1, 36)] + [f"2001:db8:5:{n:x}::7" for n in range(1, 6)]
    exchangers = [("mx0", 10, "nolisting", [LOW, LOW6]), ("mx1", 20, "real", [REAL, REAL6]),
                  ("mx9", 90, "bogus", [HIGH, HIGH6])]
    with tempfile.TemporaryDirectory() as state:
        capture = os.path.join(state, "forged.pcap")
        forged_capture(capture, count, honest)
        conf, _ = replay(build, configuration(state, "forged.example", exchangers, "false-listing = 0.01"), state, capture)
        faults = [f"{r['cidr']} is listed" for r in rows(build, conf, "--listed")]
        faults += [f"{r['cidr']} is a suspect" for r in rows(build, conf, "--suspects")]
        cleared = [ipaddress.ip_network(r["cidr"]) for r in rows(build, conf, "--cleared")]
        faults += [f"honest {h} is not cleared" for h in honest if not any(ipaddress.ip_address(h) in n for n in cleared)]
    return faults


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    with open(os.path.join(HERE, "labels.json"), encoding="utf-8") as fh:
        labels = json.load(fh)
    passed = failed = 0
    for name, entry in sorted(labels.items()):
        faults = judge_capture(build, name, entry)
        passed, failed = passed + (not faults), failed + bool(faults)
        print("ok    " if not faults else "not ok", name)
        for fault in faults:
            print("      ", fault)
    faults = judge_forged(build, 200_000)
    passed, failed = passed + (not faults), failed + bool(faults)
    print("ok    " if not faults else "not ok", "200,000 forged SYNs list nobody and move no honest sender")
    for fault in faults[:20]:
        print("      ", fault)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
