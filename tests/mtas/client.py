#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""client.py - small clients; one deed a line on standard input, each in a thread of its own.

    mail FROM TO SUBJECT [HOST]		a mail by 127.0.0.1's mail server, or by HOST's
    climb SOURCE LOW REAL FROM TO SUBJECT	an honest sender: the low decoy, then the real MX
    backup SOURCE BOGUS FROM TO		a bot: the backup at once, as far as it is let
    rude SOURCE BOGUS FROM TO		the same, talks before it is greeted, and greets with a bare address
"""
import smtplib
import socket
import sys
import threading
import time


def mail(sender, to, subject, host="127.0.0.1", source=None):
    body = f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\r\nHello.\r\n"
    with smtplib.SMTP(host, 25, "client.example", 30, (source, 0) if source else None) as smtp:
        smtp.sendmail(sender, [to], body)


def climb(source, low, real, sender, to, subject):
    try:
        socket.create_connection((low, 25), 5, (source, 0)).close()
    except OSError:
        pass
    mail(sender, to, subject, real, source)


def speak(source, bogus, lines, early):
    try:
        with socket.create_connection((bogus, 25), 10, (source, 0)) as s:
            s.settimeout(20)
            if not early:
                s.recv(500)
            for line in lines:
                s.sendall(line.encode() + b"\r\n")
                if not s.recv(500):
                    break
    except OSError:
        pass			# a decoy that resets ends it here


def backup(source, bogus, sender, to, early=False):
    name = source if early else "mailer.bot.example"
    speak(source, bogus, [f"EHLO {name}", f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "QUIT"], early)


def rude(source, bogus, sender, to):
    backup(source, bogus, sender, to, True)


DEEDS = {"mail": mail, "climb": climb, "backup": backup, "rude": rude}


def do(words):
    try:
        DEEDS[words[0]](*words[1:])
    except (OSError, smtplib.SMTPException) as e:
        print(time.strftime("%H:%M:%S"), *words, "::", e, flush=True)


def main():
    for line in sys.stdin:
        threading.Thread(target=do, args=(line.split(),), daemon=True).start()
        time.sleep(0.02)


main()
