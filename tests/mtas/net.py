# SPDX-License-Identifier: GPL-2.0-or-later
"""net.py - the small internet: namespaces, wires, routes, names, and what goes wrong on the way.

"net" is all that lies between: it routes, answers DNS, translates addresses, loses packets.
Each victim and each sender has a namespace of its own; "others" holds bots and witnesses.
"""
import subprocess

from cases import CASES, SENDERS, pool, source

PROCESSES = []


def sh(*command, **more):
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def inside(ns, *command):
    return ["ip", "netns", "exec", ns, *command]


def run_in(ns, *command, **more):
    return sh(*inside(ns, *command), **more)


def spawn(ns, log, *command, **more):
    """A process of ours in a namespace; it is ended with all others when we end."""
    with open(log, "ab") as out:
        process = subprocess.Popen(inside(ns, *command), stdin=more.pop("stdin", subprocess.DEVNULL), stdout=out,
                                   stderr=subprocess.STDOUT, **more)
    PROCESSES.append(process)
    return process


def batch(ns, lines, v6=False):
    subprocess.run(["ip", *(["-6"] if v6 else []), "-n", ns, "-batch", "-"], input="\n".join(lines) + "\n", text=True,
                   check=True)


def nft(ns, text):
    done = subprocess.run(inside(ns, "nft", "-f", "-"), input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"nft in {ns}: {done.stderr}\n{text}")


class Internet:
    def __init__(self, victims, folder):
        self.victims, self.folder = victims, folder
        self.names = ["net", "others", *(v.name for v in victims), *SENDERS]

    def up(self):
        for ns in self.names:
            sh("ip", "netns", "add", ns)
            batch(ns, ["link set lo up"])
        run_in("net", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
               "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
        for n, ns in enumerate(self.names[1:]):
            # Silence ends a connect sooner than on a real machine: everything here is shortened.
            run_in(ns, "sysctl", "-qw", "net.ipv4.tcp_syn_retries=3", "net.ipv6.ip_nonlocal_bind=1")
            sh("ip", "link", "add", ns, "netns", "net", "type", "veth", "peer", "name", "eth0", "netns", ns)
            batch("net", [f"link set {ns} up", f"addr add 203.0.113.{4 * n + 1}/30 dev {ns}"])
            batch("net", [f"addr add 2001:db8:ffff:{n:x}::1/64 dev {ns} nodad"], v6=True)
            batch(ns, ["link set eth0 up", f"addr add 203.0.113.{4 * n + 2}/30 dev eth0",
                       f"route add default via 203.0.113.{4 * n + 1}"])
            batch(ns, [f"addr add 2001:db8:ffff:{n:x}::2/64 dev eth0 nodad",
                       f"route add default via 2001:db8:ffff:{n:x}::1"], v6=True)
            self._addresses(n, ns)
        self._troubles()
        self._dns()

    def _addresses(self, n, ns):
        to4, to6 = [], []
        via4, via6 = f"via 203.0.113.{4 * n + 2}", f"via 2001:db8:ffff:{n:x}::2"
        for v in self.victims:
            if v.name != ns:
                continue
            all_ = [a for c in CASES for rung in range(3) for a in v.addresses(c, rung)]
            batch(ns, [f"addr add {a}/32 dev eth0" for a in all_ if ":" not in a])
            batch(ns, [f"addr add {a}/128 dev eth0 nodad" for a in all_ if ":" in a], v6=True)
            to4, to6 = [f"{v.net}.0/24"], [f"2001:db8:{v.letter:x}::/48"]
        if ns in SENDERS:
            s = SENDERS.index(ns)
            to4, to6 = [f"198.18.{s * 32}.0/19"], [f"2001:db8:{0x1000 + s * 0x100:x}::/40"]
            batch(ns, [f"addr add {source(ns, c)}/32 dev eth0" for c in CASES])
            batch(ns, [f"addr add {source(ns, c, 6)}/128 dev eth0 nodad" for c in CASES if c.dual], v6=True)
            # Each ladder is visited from the address that is for it.
            routes = [(p, c) for v in self.victims for c in CASES for p in v.prefixes(c)]
            batch(ns, [f"route add {p} via 203.0.113.{4 * n + 1} src {source(ns, c)}" for p, c in routes if ":" not in p])
            batch(ns, [f"route add {p} via 2001:db8:ffff:{n:x}::1 src {source(ns, c, 6)}" for p, c in routes if ":" in p],
                  v6=True)
        if ns == "others":
            to4 = ["198.19.0.0/16"]
            batch(ns, ["route add local 198.19.0.0/16 dev lo"])
        batch("net", [f"route add {p} {via4}" for p in to4])
        batch("net", [f"route add {p} {via6}" for p in to6], v6=True)

    def _troubles(self):
        """Empty sets now; `trouble` fills and empties them."""
        for v in self.victims:
            nft(v.name, """table inet t {
                set refuse { type ipv4_addr; }
                set refuse6 { type ipv6_addr; }
                set silent { type ipv4_addr; }
                set silent6 { type ipv6_addr; }
                chain input { type filter hook input priority 0;
                    tcp dport 25 ip daddr @refuse reject with tcp reset
                    tcp dport 25 ip6 daddr @refuse6 reject with tcp reset
                    tcp dport 25 ip daddr @silent drop
                    tcp dport 25 ip6 daddr @silent6 drop
                }
            }""")
        nat = "\n".join(
            f"ip saddr {source(s, c)} tcp dport 25 snat ip to numgen inc mod 3 map {{ "
            + ", ".join(f"{n} : {a}" for n, a in enumerate(pool(s, c))) + " }"
            for s in SENDERS for c in CASES if c.nat)
        nft("net", """table inet t {
            set path-drop { type ipv4_addr; }
            set path-drop6 { type ipv6_addr; }
            set path-rst { type ipv4_addr; }
            set path-rst6 { type ipv6_addr; }
            set path-back { type ipv4_addr; }
            set path-back6 { type ipv6_addr; }
            chain forward { type filter hook forward priority 0;
                ip saddr 198.18.0.0/16 tcp dport 25 ip daddr @path-drop drop
                ip saddr 198.18.0.0/16 tcp dport 25 ip daddr @path-rst reject with tcp reset
                ip daddr 198.18.0.0/16 tcp sport 25 ip saddr @path-back drop
                ip6 saddr 2001:db8:1000::/36 tcp dport 25 ip6 daddr @path-drop6 drop
                ip6 saddr 2001:db8:1000::/36 tcp dport 25 ip6 daddr @path-rst6 reject with tcp reset
                ip6 daddr 2001:db8:1000::/36 tcp sport 25 ip6 saddr @path-back6 drop
            }
            chain nat { type nat hook postrouting priority 100;
                %s
            }
        }""".replace("%s", nat))

    def trouble(self, case, begins):
        """The network's part of it; 421 is for the real MX itself to say."""
        verb = "add" if begins else "delete"
        for v in self.victims:
            for a in v.addresses(case, 1):
                where = "net" if case.trouble.startswith("path") else v.name
                nft(where, f"{verb} element inet t {case.trouble}{'6' if ':' in a else ''} {{ {a} }}")

    def _dns(self):
        lines = ["no-resolv", "no-hosts", "user=root", "bind-interfaces", "pid-file=", "listen-address=203.0.113.1",
                 "local=/example/", "local=/arpa/"]
        for v in self.victims:
            for c in CASES:
                d = v.domain(c)
                for n, rung in enumerate(("mx0", "mx1", "mx9")):
                    lines.append(f"mx-host={d},{rung}.{d},{(10, 20, 90)[n]}")
                    lines.append(f"host-record={rung}.{d},{','.join(v.addresses(c, n))}")
        for s in SENDERS:
            lines.append(f"host-record={s}.example,mail.{s}.example,{source(s, CASES[0])}")
        conf = f"{self.folder}/dnsmasq.conf"
        with open(conf, "w", encoding="ascii") as fh:
            fh.write("\n".join(lines) + "\n")
        spawn("net", f"{self.folder}/dns.log", "dnsmasq", "--keep-in-foreground", f"--conf-file={conf}")
        with open(f"{self.folder}/resolv.conf", "w", encoding="ascii") as fh:
            fh.write("nameserver 203.0.113.1\n")
        # In our mount namespace only.
        sh("mount", "--bind", f"{self.folder}/resolv.conf", "/etc/resolv.conf")
