# SPDX-License-Identifier: GPL-2.0-or-later
"""climbs.py - how each mail server climbed, as the trap stored it: a table for people."""
from cases import CASES, SENDERS, sources
from trap import sender_of

SHORT = {"low": "10", "real": "20", "bogus": "30", "control": "c"}


def sequences(attempts, gap):
    """Attempts cut into climbs where nothing happened for `gap` seconds; equal neighbours told once."""
    found, last = [], None
    for t, rung in attempts:
        if last is None or t - last > gap:
            found.append([])
        if not found[-1] or found[-1][-1] != rung:
            found[-1].append(rung)
        last = t
    return [">".join(SHORT[r] for r in route) for route in found]


def report(traps, _folder, gap=5.0):
    for trap in traps:
        attempts = trap.attempts()
        print(f"     how they climbed at {trap.victim.name} (answer = {trap.victim.answer}); a climb ends after {gap:.0f} s")
        for c in CASES:
            for s in SENDERS:
                mine = {sender_of(a) for a in sources(s, c)}
                rows = [(t, rung) for t, who, case, rung, *_ in attempts if who in mine and case == c.name]
                counts = {}
                for route in sequences(rows, gap):
                    counts[route] = counts.get(route, 0) + 1
                told = ", ".join(f"{r} x{n}" for r, n in sorted(counts.items(), key=lambda x: -x[1])[:6])
                print(f"     | {c.name} | {s} | {len(rows)} | {told} |")
