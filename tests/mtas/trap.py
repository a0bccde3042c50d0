# SPDX-License-Identifier: GPL-2.0-or-later
"""trap.py - mxtrapd at a victim: its configuration, what it says of whom, and replays of the capture beside it."""
import glob
import ipaddress
import json
import os
import shutil
import signal
import sqlite3
import subprocess

import net
from cases import CASES

ROLES = ((10, "nolisting", "none"), (20, "real", "none"), (90, "bogus", None))
LETTER = {0: "low", 1: "real", 2: "bogus"}


def key_text(key):
    """A sender as the database has it: an IPv4 address, or the upper half of an IPv6 address."""
    value = key & (1 << 64) - 1
    if value >> 32 == 0x0000FFFF:
        return str(ipaddress.ip_address(value & 0xFFFFFFFF))
    return f"{ipaddress.IPv6Address(value << 64)}/64"


def sender_of(address):
    """An address, as key_text says its sender."""
    return address if ":" not in address else str(ipaddress.ip_network(f"{address}/64", strict=False))


class Trap:
    def __init__(self, victim, build, folder):
        self.victim, self.build, self.folder = victim, build, folder
        self.home = f"{folder}/trap-{victim.name}"
        self.conf, self.pcap = f"{self.home}/mxtrap.conf", f"{self.home}/beside.pcap"
        os.makedirs(self.home)
        self.configure(self.conf, f"{self.home}/state", victim.judge)

    def configure(self, path, state, judge):
        lines = ['interface = "eth0"', f'state-dir = "{state}"', "publish = yes", 'publish-after = "0s"']
        for c in CASES:
            d = self.victim.domain(c)
            lines += [f'mx-set "{c.name}" {{', f'    domains = {{ "{d}" }}']
            for rung, (preference, role, answer) in enumerate(ROLES):
                host = ("mx0", "mx1", "mx9")[rung]
                quoted = ", ".join(f'"{a}"' for a in self.victim.addresses(c, rung))
                lines.append(f'    exchanger "{host}.{d}" {{ preference = {preference}  role = "{role}"  '
                             f'answer = "{answer or self.victim.answer}"  addresses = {{ {quoted} }} }}')
            lines.append("}")
        lines += ["allow { special-purpose = no }", f"judge {{ {judge} }}", 'web { listen = "127.0.0.1:8725" }']
        with open(path, "w", encoding="ascii") as fh:
            fh.write("\n".join(lines) + "\n")

    def answers(self):
        """Does this build know the configuration?"""
        return subprocess.run([f"{self.build}/mxtrapd", "-c", self.conf, "-n"], capture_output=True, text=True,
                              check=False)

    def start(self):
        self.tcpdump = net.spawn(self.victim.name, f"{self.home}/tcpdump.log", "tcpdump", "-i", "eth0", "-U",
                                 "--immediate-mode", "-s", "128", "-w", self.pcap, "tcp port 25 or icmp or icmp6")
        self.daemon = net.spawn(self.victim.name, f"{self.home}/log", f"{self.build}/mxtrapd", "-c", self.conf)

    def log(self):
        with open(f"{self.home}/log", encoding="utf-8", errors="replace") as fh:
            return fh.read()

    def ready(self):
        return "all processes are ready" in self.log() and os.path.exists(self.pcap)

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        status = self.daemon.wait(20)
        self.tcpdump.send_signal(signal.SIGTERM)
        self.tcpdump.wait(20)
        return status

    def states(self, conf=None):
        """What `mxtrap list --all` says, by sender."""
        done = subprocess.run(net.inside(self.victim.name, f"{self.build}/mxtrap", "-c", conf or self.conf, "list",
                                         "--format", "ndjson", "--all"), capture_output=True, text=True, check=False,
                              timeout=60, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"mxtrap list: exit {done.returncode}: {done.stderr}")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        if not rows or rows[-1].get("type") != "metadata":
            raise RuntimeError(f"mxtrap list has no metadata: {done.stdout[-200:]}")
        return {r["cidr"].removesuffix("/32"): r for r in rows[:-1]}

    def explain(self, address, conf=None):
        done = subprocess.run(net.inside(self.victim.name, f"{self.build}/mxtrap", "-c", conf or self.conf, "explain",
                                         address), capture_output=True, text=True, check=False, timeout=60,
                              stdin=subprocess.DEVNULL)
        return done.stdout + done.stderr

    def database(self, conf=None):
        with open(conf or self.conf, encoding="ascii") as fh:
            state = next(line.split('"')[1] for line in fh if line.startswith("state-dir"))
        found = [p for p in glob.glob(f"{state}/*.db")]
        return sqlite3.connect(f"file:{found[0]}?mode=ro", uri=True)

    def ever(self, conf=None):
        """Who was a suspect (3) or listed (4) at any moment, by the log of the list: {sender: [(time, state)]}."""
        found = {}
        with self.database(conf) as db:
            for key, t, state in db.execute("SELECT sender, time_us, new_state FROM list_change ORDER BY id"):
                if state in (3, 4):
                    found.setdefault(key_text(key), []).append((t / 1e6, "listed" if state == 4 else "suspect"))
        return found

    def attempts(self):
        """Every attempt that it stored: (time, sender, case's name, rung, outcome, SYNs, grade), in order."""
        with self.database() as db:
            return [(t / 1e6, key_text(k), case, LETTER.get(role, "control"), outcome, syns, grade) for
                    t, k, case, role, outcome, syns, grade in db.execute(
                        "SELECT a.time_us, a.sender, t.set_name, t.role, a.outcome, a.n_syns, a.grade FROM attempt a "
                        "JOIN mx_target t ON t.id = a.target ORDER BY a.time_us, a.id")]

    def replay(self, name, judge, *more):
        """The capture again, under another judgement; at its end everything is settled.  The configuration."""
        home = f"{self.home}/{name}"
        shutil.rmtree(home, ignore_errors=True)
        os.makedirs(home)
        conf = f"{home}/mxtrap.conf"
        self.configure(conf, f"{home}/state", judge)
        done = subprocess.run([f"{self.build}/mxtrapd", "-c", conf, "-r", self.pcap, *more], capture_output=True, text=True,
                              check=False, timeout=300, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"mxtrapd -r: exit {done.returncode}: {done.stdout}{done.stderr}")
        return conf
