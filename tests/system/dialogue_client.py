#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dialogue_client.py WHAT TO FROM|N - clients that no mail server is, to a decoy that talks.

pipeline  all commands at once      early  speaks before the greeting
tls       begins with a TLS hello   slow   N connections, a byte now and then
until-end begins, and waits for the end
pipeline, early, tls: from the source FROM; slow: each from a source of its own in 198.18.0.0/16, twenty a /24.
"""
import ipaddress
import re
import select
import socket
import sys
import time

TALK = b"EHLO client.example\r\nMAIL FROM:<x@client.example>\r\nRCPT TO:<you@trap.example>\r\nDATA\r\nQUIT\r\n"

# A command that does not end; what cannot become one ends the session at once.
SLOWLY = b"EHLO " + b"x" * 400


def connect(to, source, timeout=10):
    s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
    s.settimeout(timeout)
    s.bind((source, 0))
    s.connect((to, 25))
    return s


def all_of(s):
    text = b""
    try:
        while part := s.recv(4096):
            text += part
    except ConnectionResetError:
        text += b"<reset>"
    return text


def codes(text):
    return " ".join(re.findall(r"^(\d{3}) ", text.decode("ascii", "replace"), re.M)) + \
        (" reset" if text.endswith(b"<reset>") else "")


def pipeline(to, source):
    with connect(to, source) as s:
        first = s.recv(4096)
        s.sendall(TALK)
        print(codes(first + all_of(s)))


def early(to, source):
    with connect(to, source) as s:
        t0 = time.monotonic()
        s.sendall(TALK)
        first = s.recv(4096)
        print("%.0f" % (time.monotonic() - t0), codes(first + all_of(s)))


def tls(to, source):
    with connect(to, source) as s:
        s.sendall(bytes.fromhex("16030102000100") + bytes(100))
        t0 = time.monotonic()
        text = all_of(s)
        print("%.0f" % (time.monotonic() - t0), text)


def until_end(to, source):
    """Begins, says so, and tells how long after that it was cut off: by the clock of whoever reads its first line."""
    with connect(to, source, 30) as s:
        print(s.recv(4096)[:3].decode(), flush=True)
        sys.stdin.readline()
        t0 = time.monotonic()
        all_of(s)
        print("%.0f" % ((time.monotonic() - t0) * 1000), flush=True)


def crowd(to, n):
    """n connections more, all open before the first is read: prints how many of them found no room."""
    base = int(ipaddress.ip_address("198.18.0.1"))
    socks, full = [], 0
    for i in range(n):
        try:
            socks.append(connect(to, str(ipaddress.ip_address(base + i % 250 * 256 + 77))))
        except ConnectionResetError:
            full += 1
    by_fd, poll = {s.fileno(): s for s in socks}, select.poll()     # select() knows 1,024 of them
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    for _ in range(300):
        ready = poll.poll(100)
        for fd, _ in ready:
            try:
                if by_fd[fd].recv(4096):
                    continue
            except ConnectionResetError:
                full += 1
            poll.unregister(fd)
        if full > 0 and not ready:
            break
    for s in socks:
        s.close()
    print("found no room:", full, "reset", flush=True)


def slow(to, n):
    """n connections that stay: prints when they stand, sends 30 more at once, then drips until a line comes on stdin.

    The decoy gives each a minute to end a command: on a busy machine there is no time to start another program.
    """
    base = int(ipaddress.ip_address("198.18.0.1"))
    socks = [connect(to, str(ipaddress.ip_address(base + i % 250 * 256 + i // 250))) for i in range(n)]
    print("stand", len(socks), flush=True)
    for s in socks:
        s.settimeout(0)
    greeted, heard = set(), {s: b"" for s in socks}
    turn, full = 0, False
    while True:
        if select.select([sys.stdin], [], [], 1)[0]:
            break
        for s in socks:
            try:
                heard[s] += s.recv(4096)
                if heard[s].startswith(b"220 "):
                    greeted.add(s)
            except OSError:
                pass
        for s in greeted:
            try:
                s.send(SLOWLY[turn % len(SLOWLY):][:1])
            except OSError:
                pass
        turn += len(greeted) > 0
        print("greeted", len(greeted), flush=True)
        if len(greeted) == n and not full:
            full = True
            crowd(to, 30)
    # The decoy was told to stop: how do they end?
    ends = {"421": 0, "reset": 0, "else": 0}
    for s in socks:
        s.settimeout(5)
        try:
            heard[s] += all_of(s)
        except OSError:
            pass
        ends["421" if b"\n421 " in heard[s] else "reset" if heard[s].endswith(b"<reset>") else "else"] += 1
    print("ends", ends, flush=True)


WHAT = {"pipeline": pipeline, "early": early, "tls": tls, "until-end": until_end}
if sys.argv[1] == "slow":
    slow(sys.argv[2], int(sys.argv[3]))
else:
    WHAT[sys.argv[1]](sys.argv[2], sys.argv[3])
