#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""relay.py NAMESPACE PORT - this host's 127.0.0.1:PORT to the same address in a network namespace.

If somebody has the port here, the next free one of twenty is taken; which it is, is printed.  Listens here first and enters the namespace then: an open socket stays where it was made.
"""
import ctypes
import os
import socket
import sys
import threading

CLONE_NEWNET = 0x40000000


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for s, how in ((a, socket.SHUT_RD), (b, socket.SHUT_WR)):
        try:
            s.shutdown(how)
        except OSError:
            pass


def serve(client, port):
    with client, socket.socket() as inside:
        try:
            inside.connect(("127.0.0.1", port))
        except OSError:
            return
        back = threading.Thread(target=pump, args=(inside, client), daemon=True)
        back.start()
        pump(client, inside)
        back.join()


def main():
    namespace, port = sys.argv[1], int(sys.argv[2])
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for here in range(port, port + 20):
        try:
            listener.bind(("127.0.0.1", here))
            listener.listen(64)
            break
        except OSError as e:
            if here == port + 19:
                sys.exit(f"relay: 127.0.0.1:{port} to {here}: {e.strerror}")
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) != 0:
        sys.exit(f"relay: {namespace}: {os.strerror(ctypes.get_errno())}")
    print(here, flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, port), daemon=True).start()


main()
