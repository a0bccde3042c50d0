#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""run.py BUILD FOLDER short|full [KEEP] - see README.md; run.sh starts it in namespaces of its own."""
import os
import shutil
import subprocess
import sys
import time

import climbs
import net
import realmx
import senders
from cases import CASES, SENDERS, Victim, bot, sources, witness
from trap import Trap, sender_of

# `sharp` lists on one handshake: the hardest on the innocent.  `plain` has the defaults, with a
# decoy that speaks SMTP.  Neither waits for a quarter of an hour before it judges.
FORMS = {
    # seconds that mail is injected for; between mails; queue; connect; greylisting; windows of sharp
    "full": {"lasts": 840, "every": 75, "retry": 30, "timeout": 10, "grey": 40,
             "windows": 'visit-gap = "25s"  fallback-window = "60s"'},
    "short": {"lasts": 62, "every": 20, "retry": 10, "timeout": 4, "grey": 6,
              "windows": 'visit-gap = "15s"  fallback-window = "60s"'},
}
SHARP = 'start-grace = "0s"  false-listing = 0.01  list-on = "proven"'
PLAIN = 'start-grace = "0s"'
UNLIKE_A_SERVER = {"early_talker", "bad_helo", "descended", "impatient"}


class Run:
    def __init__(self, build, folder, form):
        self.folder, self.form, self.build = folder, FORMS[form], build
        self.full = form == "full"
        self.failed = self.passed = 0
        self.sent = {}			# subject -> (victim's name, case, sender)
        self.bots = []			# (victim, case, address, habit)
        self.seen = {}			# (victim's name, address) -> worst state of the samples
        self.samples = 0

    def check(self, what, good, more=""):
        print(("ok   " if good else "FAIL ") + what + (f" ({more})" if more else ""), flush=True)
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        return good

    def note(self, text):
        print(f"{time.monotonic() - self.t0:6.1f}  {text}", flush=True)

    # --- the house ---------------------------------------------------------------

    def up(self):
        self.t0 = time.monotonic()
        sharp = Victim("sharp", "reset", SHARP + "  " + self.form["windows"], 0xA, "198.51.100")
        self.traps = [Trap(sharp, self.build, self.folder)]
        plain = Trap(Victim("plain", "dialogue", PLAIN, 0xB, "192.0.2"), self.build, self.folder)
        if plain.answers().returncode:
            # A build whose decoys speak no SMTP: the same judgement, on a decoy that resets.
            shutil.rmtree(plain.home)
            plain = Trap(Victim("plain", "reset", PLAIN, 0xB, "192.0.2"), self.build, self.folder)
        self.traps.append(plain)
        for t in self.traps:
            known = t.answers()
            if known.returncode:
                raise SystemExit(f"mxtrapd -n: {known.stdout}{known.stderr}")
        self.net = net.Internet([t.victim for t in self.traps], self.folder)
        self.net.up()
        path = f"{self.folder}/policy.sock"
        self.policy = realmx.Policy(path, [t.victim for t in self.traps], self.form["grey"])
        self.real = [realmx.RealMX(t.victim, self.folder, path) for t in self.traps]
        # What is broken from the beginning is so before anybody comes.
        self.broken = set()
        self.troubles(0.0)
        for t in self.traps:
            t.start()
        self.mtas = [kind(self.folder, self.form["retry"], self.form["timeout"]) for kind in senders.ALL]
        for m in self.mtas:
            m.start()
        here = os.path.dirname(os.path.abspath(__file__))
        self.clients = {ns: net.spawn(ns, f"{self.folder}/client-{ns}.log", "python3", f"{here}/client.py",
                                      stdin=subprocess.PIPE, text=True) for ns in (*SENDERS, "others")}
        ready = [(f"mxtrapd ({t.victim.name}, answer = {t.victim.answer})", t.ready) for t in self.traps]
        ready += [(f"the real MX ({m.victim.name})", m.ready) for m in self.real]
        ready += [(m.name, m.ready) for m in self.mtas]
        for name, is_ready in ready:
            if not self.check(f"{name} is ready", self.wait(30, is_ready)):
                self.logs()
                raise SystemExit(1)
        print("     " + ", ".join(f"{m.name} {m.version()}" for m in self.mtas), flush=True)

    @staticmethod
    def wait(seconds, condition):
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                return False
            time.sleep(0.2)
        return True

    def logs(self):
        for name in sorted(os.listdir(self.folder)):
            for path in (f"{self.folder}/{name}", f"{self.folder}/{name}/log", f"{self.folder}/{name}/maillog"):
                if os.path.isfile(path) and path.endswith("log"):
                    with open(path, encoding="utf-8", errors="replace") as fh:
                        print(f"--- {path}", *fh.read().splitlines()[-12:], sep="\n", flush=True)

    # --- what happens ------------------------------------------------------------

    def tell(self, ns, *words):
        pipe = self.clients[ns].stdin
        pipe.write(" ".join(words) + "\n")
        pipe.flush()

    def troubles(self, share):
        for c in CASES:
            wanted = any(a <= share < b for a, b in c.spans)
            if wanted == (c.name in self.broken):
                continue
            (self.broken.add if wanted else self.broken.discard)(c.name)
            self.note(f"{c.name}: {c.what.split(',')[0] if wanted else 'mended'}")
            if c.trouble == "421":
                (self.policy.busy.add if wanted else self.policy.busy.discard)(c.name)
            else:
                self.net.trouble(c, wanted)

    def inject(self, n):
        for t in self.traps:
            for c in CASES:
                for s in SENDERS:
                    subject = f"{t.victim.name}.{c.name}.{s}.{n}"
                    self.sent[subject] = (t.victim.name, c, s)
                    self.tell(s, "mail", f"someone@{s}.example", f"user{n}@{t.victim.domain(c)}", subject)

    def others(self, n):
        """Where only our senders' way is broken, others go on."""
        for t in self.traps:
            v = t.victim
            for c in CASES:
                if c.trouble.startswith("path"):
                    self.tell("others", "climb", witness(c), v.addresses(c, 0)[0], v.addresses(c, 1)[0],
                              "someone@witness.example", f"other@{v.domain(c)}", f"witness-{n}")

    def send_bots(self, n):
        for t in self.traps:
            v = t.victim
            for c in CASES:
                if not c.bots:
                    continue
                habit, a = ("rude" if n % 2 else "backup"), bot(c, n)
                self.bots.append((t, c, a, habit))
                self.tell("others", habit, a, v.addresses(c, 2)[0], "offers@bot.example", f"user0@{v.domain(c)}")

    def sample(self):
        """Nobody honest is a suspect or listed now; what is seen is kept for the end."""
        self.samples += 1
        for t in self.traps:
            states = t.states()
            for c in CASES:
                for s in SENDERS:
                    for a in sources(s, c):
                        row = states.get(sender_of(a))
                        if row and row["state"] in ("suspect", "listed") and (t.victim.name, a) not in self.seen:
                            self.seen[t.victim.name, a] = row["state"]
                            self.note(f"{s} at {a} ({c.name}, {t.victim.name}) is {row['state']}: {row['reasons']}")

    def act(self):
        f, start = self.form, time.monotonic()
        times = {"mail": 0.0, "other": 0.0, "kick": float(f["retry"]), "bots": f["lasts"] * 0.3,
                 "sample": f["lasts"] * 0.1}
        every = {"mail": f["every"], "other": f["retry"] * 0.7, "kick": f["retry"], "bots": f["lasts"] * 0.35,
                 "sample": f["lasts"] * 0.1}
        counts = dict.fromkeys(times, 0)
        deeds = {"mail": self.inject, "other": self.others, "kick": lambda _: [m.kick() for m in self.mtas],
                 "bots": self.send_bots, "sample": lambda _: self.sample()}
        self.note("mail begins")
        while (now := time.monotonic() - start) < f["lasts"]:
            self.troubles(now / f["lasts"])
            for name, due in times.items():
                if now >= due and (name != "mail" or now <= f["lasts"] * 0.92):
                    deeds[name](counts[name])
                    counts[name], times[name] = counts[name] + 1, due + every[name]
            time.sleep(0.1)
        self.troubles(1.0)
        self.note(f"the last of {len(self.sent)} mails is on its way; the queues have to empty")
        patience = 4 * f["retry"] + 2 * f["grey"]
        until, kicked = time.monotonic() + patience, 0.0
        while time.monotonic() < until and not self.all_there():
            if time.monotonic() - kicked > f["retry"] / 2:
                kicked = time.monotonic()
                for m in self.mtas:
                    m.kick()
            time.sleep(0.5)
        self.note("the queues are empty" if self.all_there() else "the queues are not empty")
        self.sample()

    def all_there(self):
        self.arrived = [s for m in self.real for s in m.arrived() if s in self.sent]
        return len(set(self.arrived)) == len(self.sent)

    # --- what came of it -----------------------------------------------------------

    def verdict(self):
        there = set(self.arrived)
        for s in SENDERS:
            sent = [m for m, (_, _, who) in self.sent.items() if who == s]
            lost = [m for m in sent if m not in there]
            if not self.check(f"every mail of {s} arrives", not lost, f"{len(sent) - len(lost)} of {len(sent)}"):
                print("     not: " + " ".join(lost[:20]))
                print(next(m for m in self.mtas if m.name == s).queue()[-2000:])
        twice = len(self.arrived) - len(there)
        print(f"     {twice} arrived twice; the real MXs said 451 {self.policy.said['451']} times,"
              f" 421 {self.policy.said['421']} times")
        self.check("the real MX did greylist", self.policy.said["451"] > len(SENDERS))
        self.check("and did turn away with 421", self.policy.said["421"] > len(SENDERS))
        for t in self.traps:
            status = t.stop()
            self.check(f"mxtrapd ({t.victim.name}) ends in order", status == 0, f"status {status}")
            self.judged(t, None, "live")
        sharp, plain = self.traps
        # The same traffic under other rules, to the end of every window.
        for t, name, judge in ((sharp, "settled", sharp.victim.judge), (sharp, "sharp-long-windows", SHARP),
                               (sharp, "sharpest", SHARP.replace("0.01", "0.1")),
                               (plain, "settled", PLAIN), (plain, "plain-sharp", 'start-grace = "0s"  false-listing = 0.01')):
            inputs = ["--inputs", f"{t.home}/state"]
            conf = t.replay(name, judge, *inputs)
            self.judged(t, conf, f"replayed, {name}")
        climbs.report(self.traps, self.folder)

    def judged(self, trap, conf, how):
        v = trap.victim
        ever, states = trap.ever(conf), trap.states(conf)
        for c in CASES:
            wrong = []
            for s in SENDERS:
                for a in sources(s, c):
                    worst = ever.get(sender_of(a)) or ([] if conf else [(0, self.seen[v.name, a])]
                                                       if (v.name, a) in self.seen else [])
                    if worst:
                        wrong.append((s, a, worst[-1][1]))
            if c.trouble.startswith("path") and sender_of(witness(c)) in ever:
                wrong.append(("the witness", witness(c), ever[witness(c)][-1][1]))
            if not self.check(f"{v.name}, {how}: {c.name}: {c.what}: nobody honest is a suspect or listed", not wrong,
                              " ".join(f"{s} {a} {state}" for s, a, state in wrong)):
                print(trap.explain(wrong[0][1], conf))
        self.evidence(v, how, states)
        noticed = [f"{s} in {c.name}" for c in CASES for s in SENDERS for a in sources(s, c)
                   if states.get(sender_of(a), {}).get("state") == "noticed"]
        print(f"     {v.name}, {how}: noticed (shown, never exported): {', '.join(sorted(set(noticed))) or 'nobody'}")
        # So that it can fail: those who come to the backup first.
        wanted = {"sharp": ("listed",), "plain": ("suspect", "listed")}[v.name]
        mine = [(c, a, h) for t, c, a, h in self.bots if t is trap]
        missed = [(c.name, a, states.get(a, {}).get("state", "unknown")) for c, a, h in mine
                  if not any(state in wanted for _, state in ever.get(a, []))]
        self.check(f"{v.name}, {how}: bots that come to the backup first are {' or '.join(wanted)}", mine and not missed,
                   f"{len(mine) - len(missed)} of {len(mine)}")
        if missed:
            print("     not:", missed[:8])
            print(trap.explain(missed[0][1], conf))


    def evidence(self, victim, how, states):
        """What a mail server is known for in the end: that it climbs."""
        # `sharp`'s windows are shorter than some climbs, and a pool shows each rung from another address.
        cases = [c for c in CASES if not c.nat and (victim.name == "plain" or c.name == "up")]
        rows = {(s, c.name): [states.get(sender_of(a), {}) for a in sources(s, c)] for s in SENDERS for c in cases}
        missed = [f"{s} in {c}: {[(r.get('state'), r.get('reasons')) for r in of]}" for (s, c), of in rows.items()
                  if not any(r.get("state") == "cleared" and "climbed" in r["reasons"] for r in of)]
        self.check(f"{victim.name}, {how}: each mail server that has one address a family is cleared, for it climbs", not missed,
                   "; ".join(missed[:4]) or f"{len(rows)} of {len(rows)}")
        said = sorted({k for s in SENDERS for c in CASES for a in sources(s, c)
                       for k in states.get(sender_of(a), {}).get("reasons", [])} & UNLIKE_A_SERVER)
        self.check(f"{victim.name}, {how}: none talked early, greeted badly or climbed down", not said, " ".join(said))


def main():
    build, folder, form = sys.argv[1:4]
    run = Run(build, folder, form)
    try:
        run.up()
        run.act()
        run.verdict()
    finally:
        if len(sys.argv) > 4 and sys.argv[4]:
            os.makedirs(sys.argv[4], exist_ok=True)
            subprocess.run(f"cp -r {folder}/trap-* {folder}/*.log {folder}/*/log {folder}/*/maillog {sys.argv[4]}/ 2>/dev/null",
                           shell=True, check=False)
    if run.failed:
        run.logs()
    print(f"{run.passed} passed, {run.failed} failed")
    sys.exit(1 if run.failed else 0)


main()
