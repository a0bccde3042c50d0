# SPDX-License-Identifier: GPL-2.0-or-later
"""senders.py - the four mail servers: where their files come from, and their shortened queues.

Each runs in its own namespace.  Exim, OpenSMTPD and Sendmail are unpacked by
deploy/mtas.sh, never installed: each sees its package laid over the machine's own files,
with users of its own.  What is configured here is the name, that mail of this host may
leave, and the queue's times; the rest is what Debian's package says.
"""
import os
import re
import subprocess

import net
import realmx

PACKAGES = os.environ.get("MXTRAP_MTAS", "/var/cache/mxtrap-tests/mtas")
SAYS_READY = "220 "


# A Postfix in a hurry: what it waits for, others and its own processes, does not hurry as its clock does.
PATIENCE = {"qmgr_daemon_timeout": "500000s", "daemon_timeout": "500000s", "qmgr_ipc_timeout": "50000s",
            "ipc_timeout": "50000s", "trigger_timeout": "5000s", "max_idle": "500000s", "smtp_connect_timeout": "3000s",
            "smtp_helo_timeout": "30000s", "smtp_mail_timeout": "30000s", "smtp_rcpt_timeout": "30000s",
            "smtp_quit_timeout": "30000s"}


class Sender:
    """retry: seconds from one try to the next, None: as Debian's package has it; timeout: of a connect."""
    package = library = None
    users = ()
    name = None

    def __init__(self, folder, retry, timeout):
        self.home, self.retry, self.timeout = f"{folder}/{self.name}", retry, timeout
        self.root, self.prefix = f"{self.home}/root", []	# prefix: before its command
        os.makedirs(self.home)

    def lay(self):
        """The package over this machine's files, in a root of its own."""
        for d in ("root", "upper", "work"):
            os.makedirs(f"{self.home}/{d}")
        # A copy, for a layer may not lie inside another one, and ours is all of this machine.
        net.sh("cp", "-a", f"{PACKAGES}/{self.package}", f"{self.home}/package")
        net.sh("mount", "-t", "overlay", "overlay", "-o",
               f"lowerdir={self.home}/package:/,upperdir={self.home}/upper,workdir={self.home}/work", self.root)
        for d in ("proc", "sys", "dev"):
            net.sh("mount", "--rbind", f"/{d}", f"{self.root}/{d}")
        for d in ("tmp", "run"):
            net.sh("mount", "-t", "tmpfs", "tmpfs", f"{self.root}/{d}")
        os.chmod(f"{self.root}/tmp", 0o1777)
        with open("/etc/resolv.conf", encoding="ascii") as fh:
            self.write("etc/resolv.conf", fh.read())
        self.write("etc/hosts", f"127.0.0.1 localhost mail.{self.name}.example mail\n")
        if self.library:
            net.sh("cp", self.library, f"{self.root}/hurry.so")
            self.write("etc/ld.so.preload", "/hurry.so\n")
        self.write("etc/mailname", f"mail.{self.name}.example\n")
        for n, user in enumerate(self.users):
            self.append("etc/passwd", f"{user}:x:{990 + n}:{990 + n}::/nonexistent:/usr/sbin/nologin\n")
            self.append("etc/group", f"{user}:x:{990 + n}:\n")
        return self

    def write(self, path, text):
        whole = f"{self.root}/{path}"
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        if os.path.islink(whole):
            os.unlink(whole)
        with open(whole, "w", encoding="utf-8") as fh:
            fh.write(text)

    def append(self, path, text):
        with open(f"{self.root}/{path}", "a", encoding="utf-8") as fh:
            fh.write(text)

    def folder(self, path, user, group=None, mode=0o755):
        whole = f"{self.root}/{path}"
        os.makedirs(whole, exist_ok=True)
        # The users are this root's own, so that their numbers count, not their names.
        def number(name):
            return 0 if name == "root" else 990 + self.users.index(name)
        os.chown(whole, number(user), number(group or user))
        os.chmod(whole, mode)

    def within(self, *command):
        return ["chroot", self.root, *command]

    def log(self):
        return f"{self.home}/log"

    def hurry(self, library):
        """Its clock runs faster (schedule.py).  Before start."""
        self.library = library

    def kick(self):
        """Called every `retry` seconds, for who has no shorter queue by its configuration."""

    def queue(self):
        """What it says of its queue, for a person."""
        done = subprocess.run(net.inside(self.name, *self.mailq()), capture_output=True, text=True, check=False,
                              timeout=30, stdin=subprocess.DEVNULL)
        return done.stdout + done.stderr

    def ready(self):
        done = subprocess.run(net.inside(self.name, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/25 && read -t 2 -u 3 l && echo $l"),
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        return done.stdout.startswith(SAYS_READY)


class Postfix(Sender):
    name = "postfix"

    def hurry(self, library):
        # It runs on the machine's own files, and passes on what it is told to.
        self.prefix = ["env", f"LD_PRELOAD={library}"]
        self.library = library

    def start(self):
        queue = {} if self.retry is None else {
            "queue_run_delay": f"{self.retry // 2}s", "minimal_backoff_time": f"{self.retry}s",
            "maximal_backoff_time": f"{2 * self.retry}s", "smtp_connect_timeout": f"{self.timeout}s"}
        if self.library:
            queue.update(PATIENCE, import_environment="MAIL_CONFIG LD_PRELOAD")
        realmx.postfix(self.name, self.home, {
            "myhostname": "mail.postfix.example", "inet_interfaces": "127.0.0.1", "smtp_host_lookup": "dns",
            "mynetworks": "127.0.0.0/8", "smtpd_client_event_limit_exceptions": "static:all", **queue}, self.prefix)

    def mailq(self):
        return ["postqueue", "-c", f"{self.home}/etc", "-p"]

    def version(self):
        return net.sh("postconf", "-c", f"{self.home}/etc", "-h", "mail_version").strip()


class Exim(Sender):
    name, package, users = "exim", "exim4-daemon-light", ("Debian-exim",)

    def start(self):
        self.lay()
        for d in ("var/spool/exim4", "var/log/exim4", "run/exim4"):
            self.folder(d, "Debian-exim")
        self.folder("var/lib/exim4", "root")
        # Debian's own way to its configuration; then our queue's times.
        self.write("etc/exim4/update-exim4.conf.conf", "\n".join([
            "dc_eximconfig_configtype='internet'", "dc_other_hostnames=''", "dc_local_interfaces='127.0.0.1'",
            "dc_readhost=''", "dc_relay_domains=''", "dc_minimaldns='false'", "dc_relay_nets=''", "dc_smarthost=''",
            "CFILEMODE='644'", "dc_use_split_config='true'", "dc_hide_mailname=''", "dc_mailname_in_oh='true'",
            "dc_localdelivery='mail_spool'"]) + "\n")
        self.write("etc/exim4/conf.d/main/000_local", "primary_hostname = mail.exim.example\n"
                   "smtp_accept_max = 200\nsmtp_accept_max_per_connection = 0\nsmtp_accept_queue_per_connection = 0\nqueue_run_max = 5\n")
        every = "30m" if self.retry is None else f"{max(5, self.retry // 2)}s"
        if self.retry is not None:
            self.shorten()
        net.sh(*self.within("update-exim4.conf"))
        net.spawn(self.name, self.log(), *self.within("exim4", "-bdf", f"-q{every}"))

    def shorten(self):
        self.write("etc/exim4/conf.d/retry/30_exim4-config", f"*  *  F,4d,{self.retry}s\n")
        transport = "etc/exim4/conf.d/transport/30_exim4-config_remote_smtp"
        with open(f"{self.root}/{transport}", encoding="utf-8") as fh:
            text = fh.read()
        self.write(transport, re.sub(r"(?m)^(\s*driver = smtp)$", rf"\1\n  connect_timeout = {self.timeout}s", text, count=1))

    def mailq(self):
        return self.within("exim4", "-bp")

    def version(self):
        return net.sh(*self.within("exim4", "-bV")).split()[2]


class OpenSMTPD(Sender):
    name, package, users = "opensmtpd", "opensmtpd", ("opensmtpd", "opensmtpq")

    def start(self):
        self.lay()
        self.folder("var/lib/opensmtpd/empty", "root")
        self.folder("var/spool/smtpd", "root", mode=0o711)
        # As the package's own script does; smtpctl refuses to run otherwise.
        os.chown(f"{self.root}/usr/sbin/smtpctl", 0, 990 + self.users.index("opensmtpq"))
        os.chmod(f"{self.root}/usr/sbin/smtpctl", 0o2755)
        self.write("etc/smtpd.conf", "listen on 127.0.0.1 port 25\naction out relay helo mail.opensmtpd.example\n"
                   "match from local for any action out\n")
        net.spawn(self.name, self.log(), *self.within("smtpd", "-d"))

    def kick(self):
        """Its first retry is after 400 s, and no configuration changes that."""
        subprocess.run(net.inside(self.name, *self.within("smtpctl", "schedule", "all")), check=False, timeout=30,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def mailq(self):
        return self.within("smtpctl", "show", "queue")

    def version(self):
        done = subprocess.run(self.within("smtpd", "-h"), capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).split("\n", 1)[0].replace("version: OpenSMTPD ", "")


class Sendmail(Sender):
    name, package, users = "sendmail", "sendmail-bin", ("smmta", "smmsp")

    def start(self):
        self.lay()
        self.folder("var/spool/mqueue", "root", "smmsp", 0o2750)
        self.folder("var/spool/mqueue-client", "smmsp", "smmsp", 0o2770)
        self.folder("var/run/sendmail/mta", "root", "smmsp")
        self.folder("var/lib/sendmail/host_status", "root", "smmsp", 0o2750)
        self.folder("var/lib/sendmail", "root", "smmsp")
        self.write("etc/mail/local-host-names", "localhost\n")
        for path in ("etc/mail/trusted-users", "etc/mail/relay-domains", "etc/aliases"):
            self.write(path, "")
        self.write("etc/mail/sendmail.mc", "\n".join([
            "define(`_USE_ETC_MAIL_')dnl", "include(`/usr/share/sendmail/cf/m4/cf.m4')dnl", "OSTYPE(`debian')dnl",
            "DOMAIN(`debian-mta')dnl", "FEATURE(`no_default_msa')dnl", "FEATURE(`use_cw_file')dnl",
            "DAEMON_OPTIONS(`Family=inet, Name=MTA-v4, Port=smtp, Addr=127.0.0.1')dnl",
            "define(`confDOMAIN_NAME', `mail.sendmail.example')dnl", "undefine(`ALIAS_FILE')dnl",
            "define(`confQUEUE_LA', `500')dnl", "define(`confREFUSE_LA', `500')dnl",
            *([] if self.retry is None else [
                "define(`confMIN_QUEUE_AGE', `0')dnl", f"define(`confTO_CONNECT', `{self.timeout}s')dnl",
                f"define(`confTO_ICONNECT', `{self.timeout}s')dnl", f"define(`confTO_HOSTSTATUS', `{2 * self.retry}s')dnl"]),
            "MAILER_DEFINITIONS", "MAILER(`local')dnl", "MAILER(`smtp')dnl", ""]))
        made = subprocess.run(self.within("m4", "/etc/mail/sendmail.mc"), capture_output=True, text=True, check=False)
        if made.returncode:
            raise SystemExit(f"m4: {made.stderr}")
        self.write("etc/mail/sendmail.cf", made.stdout)
        net.spawn(self.name, self.log(), *self.within("/usr/libexec/sendmail/sendmail", "-bD", f"-q{self.retry or 600}s",
                                                      "-OLogLevel=9"))

    def mailq(self):
        return self.within("/usr/libexec/sendmail/sendmail", "-bp")

    def version(self):
        done = subprocess.run(self.within("/usr/libexec/sendmail/sendmail", "-d0.1", "-bv", "root"), capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL)
        return (done.stdout + done.stderr).split("\n", 1)[0].replace("Version ", "")


ALL = (Postfix, Exim, OpenSMTPD, Sendmail)
