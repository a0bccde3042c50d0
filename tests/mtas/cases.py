# SPDX-License-Identifier: GPL-2.0-or-later
"""cases.py - what happens to a ladder, and the addresses of everyone: a plan, it does nothing.

Each case is a domain with a ladder of its own, and each mail server visits each ladder
from an address of its own (in a /24 and /48 of its own), so that no case hides another.
Documentation's and benchmarks' ranges only.
"""
from dataclasses import dataclass, field

SENDERS = ("postfix", "exim", "opensmtpd", "sendmail")


@dataclass(frozen=True)
class Case:
    name: str
    what: str
    trouble: str = ""		# refuse silent 421 at the real MX; path-drop path-rst path-back for these senders only
    spans: tuple = ()		# when, as shares of the run
    grey: bool = False		# the real MX answers 451 at first
    dual: bool = False		# every rung has an AAAA too
    nat: bool = False		# a pool of three addresses, another for each connection
    # Bots come here too: the real MX is up for all but these senders.  Not on a ladder of two families:
    # all stacks here are alike, so that a bot may pass for the other family of who came just before.
    bots: bool = False
    number: int = field(default=0, compare=False)


# An outage from the beginning: the first that anybody sees of these senders is the ladder
# without its real MX.  And a second one, when all of them have climbed.
EARLY, AGAIN = (0.0, 0.24), (0.48, 0.62)
CASES = [
    Case("up", "the real MX is up", bots=True),
    Case("rst", "it refuses for minutes, twice", "refuse", (EARLY, AGAIN)),
    Case("silent", "it is silent for minutes, twice", "silent", (EARLY, AGAIN)),
    Case("busy", "it says 421 for minutes, twice", "421", (EARLY, AGAIN)),
    Case("grey", "it greylists: 451 at first", grey=True, bots=True),
    Case("dual", "IPv4 and IPv6", dual=True),
    Case("dual-grey", "IPv4 and IPv6, greylisting", dual=True, grey=True),
    Case("dual-rst", "IPv4 and IPv6, the real MX refuses, twice", "refuse", (EARLY, AGAIN), dual=True),
    Case("dual-silent", "IPv4 and IPv6, the real MX is silent, twice", "silent", (EARLY, AGAIN), dual=True),
    Case("nat", "a pool of three addresses, alternating", nat=True, bots=True),
    Case("nat-grey", "the same, greylisting", nat=True, grey=True, bots=True),
    Case("nat-rst", "the same, the real MX refuses, twice", "refuse", (EARLY, AGAIN), nat=True),
    Case("path-drop", "their SYNs to the real MX are lost on the way, twice", "path-drop", (EARLY, AGAIN), bots=True),
    Case("path-rst", "a box on their way refuses for the real MX, twice", "path-rst", (EARLY, AGAIN), bots=True),
    Case("path-back", "the real MX's answers to them are lost, twice", "path-back", (EARLY, AGAIN), bots=True),
    # The sixteenth, and the last that a /24 has room for.
    Case("dual-path", "their SYNs to the real MX are lost in both families, twice", "path-drop", (EARLY, AGAIN), dual=True),
]
CASES = [Case(**{**c.__dict__, "number": n}) for n, c in enumerate(CASES)]


@dataclass(frozen=True)
class Victim:
    name: str
    answer: str
    judge: str
    letter: int			# fourth hextet of its IPv6 addresses
    net: str

    def domain(self, case):
        return f"{case.name}.{self.name}.example"

    def addresses(self, case, rung):
        """Of rung 0 (the low decoy), 1 (the real MX), 2 (the bogus backup)."""
        found = [f"{self.net}.{case.number * 16 + 4 + rung}"]
        if case.dual:
            found.append(f"2001:db8:{self.letter:x}:{case.number:x}::{10 * (rung + 1)}")
        return found

    def prefixes(self, case):
        found = [f"{self.net}.{case.number * 16}/28"]
        return found + ([f"2001:db8:{self.letter:x}:{case.number:x}::/64"] if case.dual else [])


def source(sender, case, version=4):
    n = SENDERS.index(sender)
    if version == 4:
        return f"198.18.{n * 32 + case.number}.25"
    return f"2001:db8:{0x1000 + n * 0x100 + case.number:x}::25"


def pool(sender, case):
    base = source(sender, case).rsplit(".", 1)[0]
    return [f"{base}.{n}" for n in (41, 42, 43)]


def sources(sender, case):
    """All addresses that the trap may see of it."""
    found = pool(sender, case) if case.nat else [source(sender, case)]
    return found + ([source(sender, case, 6)] if case.dual else [])


def witness(case):
    """A sender that nothing is wrong with, from elsewhere."""
    return f"198.19.{case.number}.7"


def bot(case, n):
    return f"198.19.{64 + case.number + 32 * n}.66"
