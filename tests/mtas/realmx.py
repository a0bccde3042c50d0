# SPDX-License-Identifier: GPL-2.0-or-later
"""realmx.py - the real MX of every ladder of a victim: one Postfix, as Debian has it.

It delivers into a Maildir, and asks us, by its policy protocol, whom to greylist and whom
to turn away with 421.
"""
import email.parser
import ipaddress
import os
import shutil
import socket
import threading
import time

import net
from cases import CASES

MASTER = """\
smtp      inet  n - n - 200 smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def postfix(ns, home, settings, prefix=()):
    """A Postfix with its own configuration, queue and log; MASTER's services."""
    etc = f"{home}/etc"
    for d in ("etc", "queue", "data"):
        os.makedirs(f"{home}/{d}", exist_ok=True)
    shutil.chown(f"{home}/data", "postfix")
    common = {"compatibility_level": "3.6", "queue_directory": f"{home}/queue", "data_directory": f"{home}/data",
              "mydestination": "", "alias_maps": "", "alias_database": "", "maillog_file": f"{home}/maillog",
              "maillog_file_prefixes": home, "inet_protocols": "all", "smtputf8_enable": "no"}
    with open(f"{etc}/main.cf", "w", encoding="ascii") as fh:
        fh.writelines(f"{k} = {v}\n" for k, v in {**common, **settings}.items())
    with open(f"{etc}/master.cf", "w", encoding="ascii") as fh:
        fh.write(MASTER)
    return net.spawn(ns, f"{home}/log", *prefix, "postfix", "-c", etc, "start-fg")


class Policy:
    """Postfix asks at the connect and at each recipient; a line of ours is the answer."""

    def __init__(self, path, victims, grey_s):
        self.where = {a: c for v in victims for c in CASES for a in v.addresses(c, 1)}
        self.grey_s, self.first, self.busy = grey_s, {}, set()
        self.said = {"421": 0, "451": 0}
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        os.chmod(path, 0o777)
        self.socket.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, client.makefile("rw", encoding="utf-8", errors="replace") as fh:
            asked = {}
            for line in fh:
                key, _, value = line.rstrip("\n").partition("=")
                if key:
                    asked[key] = value
                    continue
                fh.write(f"action={self._answer(asked)}\n\n")
                fh.flush()
                asked = {}

    def _answer(self, asked):
        case = self.where.get(asked.get("server_address"))
        if case is None:
            return "dunno"
        if asked["protocol_state"] == "CONNECT":
            if case.name in self.busy:
                self.said["421"] += 1
                return "421 4.3.2 too busy, try again later"
            return "dunno"
        if not case.grey:
            return "dunno"
        client = ipaddress.ip_address(asked["client_address"])
        network = ipaddress.ip_network(f"{client}/{24 if client.version == 4 else 64}", strict=False)
        t = self.first.setdefault((network, asked["sender"], asked["recipient"]), time.monotonic())
        if time.monotonic() - t >= self.grey_s:
            return "dunno"
        self.said["451"] += 1
        return "451 4.7.1 greylisted, try again later"


class RealMX:
    def __init__(self, victim, folder, policy_path):
        self.victim, self.home = victim, f"{folder}/realmx-{victim.name}"
        os.makedirs(f"{self.home}/mail")
        shutil.chown(f"{self.home}/mail", "nobody")
        addresses = [a for c in CASES for a in victim.addresses(c, 1)]
        postfix(victim.name, self.home, {
            "myhostname": f"mx1.{victim.name}.example",
            "inet_interfaces": ", ".join(f"[{a}]" if ":" in a else a for a in addresses),
            "virtual_mailbox_domains": ", ".join(victim.domain(c) for c in CASES),
            "virtual_mailbox_base": f"{self.home}/mail", "virtual_mailbox_maps": "static:all/",
            "virtual_uid_maps": "static:65534", "virtual_gid_maps": "static:65534", "virtual_minimum_uid": "100",
            "smtpd_delay_reject": "no", "smtpd_peername_lookup": "no", "smtpd_tls_security_level": "none",
            "smtpd_client_restrictions": f"check_policy_service unix:{policy_path}",
            "smtpd_recipient_restrictions": f"reject_unauth_destination, check_policy_service unix:{policy_path}",
            "smtpd_client_event_limit_exceptions": "static:all", "smtpd_policy_service_timeout": "20s"})

    def ready(self):
        """It listens at every address."""
        open_ = net.run_in(self.victim.name, "ss", "-Hltn", "sport = 25")
        return all((f"[{a}]:25" if ":" in a else f" {a}:25") in open_ for c in CASES for a in self.victim.addresses(c, 1))

    def arrived(self):
        """Subjects of what is there: each mail of ours has one of its own."""
        found, where = [], f"{self.home}/mail/all/new"
        for name in os.listdir(where) if os.path.isdir(where) else []:
            with open(f"{where}/{name}", encoding="utf-8", errors="replace") as fh:
                found.append(email.parser.HeaderParser().parse(fh)["subject"])
        return found
