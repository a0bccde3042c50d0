#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""sums.py BUILD - the sums beside the rows, after replays: what they are the sums of, and the same each time."""
import json
import os
import sqlite3
import sys
import tempfile

from check import HERE, ROLES, configuration, replay

SUMS = ("SELECT * FROM tally_role", "SELECT * FROM list_day", "SELECT * FROM route_hour", "SELECT * FROM rung_day",
        "SELECT key, sets FROM sender")

# What must be equal in each database: a sum, and what it is the sum of.
PAIRS = (
    ("attempts by role and day are those of tally",
     "SELECT sum(attempts), sum(proven), sum(refused), sum(silent) FROM tally_role WHERE span_s = 86400",
     "SELECT sum(attempts), sum(proven), sum(refused), sum(silent) FROM tally"),
    ("attempts by role and hour likewise",
     "SELECT sum(attempts), sum(first_seen), sum(not_kept) FROM tally_role WHERE span_s = 3600",
     "SELECT sum(attempts), sum(first_seen), sum(not_kept) FROM tally"),
    ("attempts of a role are those at its addresses",
     "SELECT role, sum(attempts) FROM tally_role WHERE span_s = 86400 GROUP BY role HAVING sum(attempts) > 0 ORDER BY role",
     "SELECT role, sum(attempts) FROM tally JOIN mx_target ON id = target GROUP BY role HAVING sum(attempts) > 0 ORDER BY role"),
    ("visits by route are the visits", "SELECT route, sum(visits), sum(real_proven) FROM route_hour GROUP BY route ORDER BY route",
     "SELECT route, count(*), sum(real_proven) FROM visit GROUP BY route ORDER BY route"),
    ("the list of the last day is the list",
     "SELECT coalesce((SELECT listed FROM list_day WHERE listed IS NOT NULL ORDER BY day_s DESC LIMIT 1), 0),"
     " coalesce((SELECT suspects FROM list_day WHERE suspects IS NOT NULL ORDER BY day_s DESC LIMIT 1), 0)",
     "SELECT n_listed, n_suspect FROM meta"),
    ("cleared of the last day are the cleared senders",
     "SELECT coalesce((SELECT cleared FROM list_day WHERE cleared IS NOT NULL ORDER BY day_s DESC LIMIT 1), 0)",
     "SELECT count(*) FROM sender WHERE state = 2"),
    ("senders of a rung are those of its attempts, but for one in a hundred", "SELECT day_s, target, 1 FROM rung_day ORDER BY 1, 2",
     "SELECT day_s, target, abs(senders - n) <= 1 + n / 100 FROM rung_day JOIN (SELECT time_us / 86400000000 * 86400 AS day, target AS t,"
     " count(DISTINCT sender) AS n FROM attempt GROUP BY 1, 2) ON day = day_s AND t = target ORDER BY 1, 2"),
    ("a sender whose visits are remembered has its set", "SELECT 0", "SELECT count(*) FROM sender WHERE coalesce(sets, 0) NOT IN (0, 1)"),
    ("and somebody has it", "SELECT 1", "SELECT count(*) > 0 FROM sender WHERE sets = 1"),
)


def ask(state, sql):
    with sqlite3.connect(f"file:{state}/mxtrap.db?mode=ro", uri=True) as db:
        return db.execute(sql).fetchall()


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    with open(os.path.join(HERE, "labels.json"), encoding="utf-8") as fh:
        labels = json.load(fh)
    faults = {name: [] for name, _, _ in PAIRS}
    other = []
    for name, entry in sorted(labels.items()):
        exchangers = [(rung, v["pref"], ROLES[rung], v["addrs"]) for rung, v in sorted(entry["ladder"].items())]
        found = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as state:
                replay(build, configuration(state, entry["domain"], exchangers, entry.get("judge", "")), state, os.path.join(HERE, name))
                found.append([ask(state, sql) for sql in SUMS])
                for what, sums, rows in PAIRS:
                    if ask(state, sums) != ask(state, rows):
                        faults[what].append(f"{name}: found {ask(state, sums)}, expected {ask(state, rows)}")
        if found[0] != found[1]:
            other.append(name)
    faults["a second replay makes the same sums"] = other
    for what, why in faults.items():
        print("ok" if not why else "FAIL", what)
        for line in why[:5]:
            print("    ", line)
    sys.exit(any(faults.values()))


if __name__ == "__main__":
    main()
