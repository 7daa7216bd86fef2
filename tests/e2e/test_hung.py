#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Disks and name servers that hang (L1, L4, O2): whatever file it is, the daemon serves with what it has, says which file it is at, takes
other files while it hangs, and ends when it is told to."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

import e2e
from e2e import BINARY, BUILD, E2E, PATIENT_S, SOURCE

from smev2client import Fault

FILES = ("agency-a.key", "agency-b.pem", "portal.pem", "trust.pem", "ca.crl")


class Hung(E2E):
    manager = {}  # its part of the environment

    @classmethod
    def setUpClass(cls):
        up = e2e.Instance.start_daemon

        def start(instance, *args, **more):
            more["env"] = cls.environment(instance)
            up(instance, *args, **more)
        e2e.Instance.start_daemon = start
        cls.addClassCleanup(setattr, e2e.Instance, "start_daemon", up)
        super().setUpClass()

    @classmethod
    def options(cls):
        def edit(text):
            (cls.instance.dir / "passfile").write_text("")
            (cls.instance.dir / "passfile").chmod(0o600)
            text = text.replace("workers = 2", "workers = 1")
            # a name first, where nobody listens: it is looked up anew for each connection
            return re.sub(r"host=(\S+) port=(\d+)", r"host=localhost,\1 port=1,\2 connect_timeout=2 passfile=%s/passfile" % cls.instance.dir, text)
        return {"edit": edit}

    @classmethod
    def environment(cls, instance):
        return {**cls.manager, "LD_PRELOAD": str((BUILD / "libhang.so").resolve()), "HANG": str(instance.dir / "hang"), "HANG_NAMES": str(instance.dir / "hang-names")}

    def setUp(self):
        self.heard = []
        self.addCleanup(self.mend)
        if self.instance.pid() is None:
            self.instance.start_daemon()

    def hang(self, path):
        """Every file whose name begins so; at once, as a whole."""
        flag = self.instance.dir / "hang"
        flag.with_suffix(".new").write_text(str(path))
        flag.with_suffix(".new").rename(flag)

    def mend(self):
        (self.instance.dir / "hang").unlink(missing_ok=True)
        (self.instance.dir / "hang-names").unlink(missing_ok=True)

    def until(self, what, look):
        deadline = time.monotonic() + PATIENT_S
        while True:
            found = look()
            if found:
                return found
            self.assertLess(time.monotonic(), deadline, "never: %s\n%s" % (what, self.instance.log_tail()))
            time.sleep(0.02)

    def said(self, offset, pattern):
        with open(self.instance.log, encoding="utf-8", errors="replace") as f:
            f.seek(offset)
            return re.findall(pattern, f.read())

    def sighup(self):
        offset = self.instance.log.stat().st_size
        os.kill(self.instance.pid(), signal.SIGHUP)
        return offset

    def serves(self):
        self.assertEqual(self.portal().get_refs_list().error_code, 0)
        status, text = self.instance.admin("/readyz")
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def test_whatever_file_it_is(self):
        """A reload waits, the daemon does not; what was asked for meanwhile is done when the disk is mended."""
        for path in [self.instance.conf, str(self.instance.conf) + ".d"] + [self.instance.pki / name for name in FILES]:
            with self.subTest(path=path):
                self.hang(path)
                offset = self.sighup()
                self.until("a reload under way", lambda: self.instance.metric("zapisd_reload_running_seconds") > 0)
                self.sighup()
                self.serves()
                self.assertEqual(self.said(offset, r"reload result=(\S+)"), [])
                self.mend()
                self.until("two reloads", lambda: self.said(offset, r"reload result=(\S+)") == ["taken"] * 2)
                self.assertEqual(self.instance.metric("zapisd_reload_running_seconds"), 0)

    def test_the_file_is_told_and_another_may_be_named(self):
        good = self.instance.conf.read_text()
        self.addCleanup(self.instance.conf.write_text, good)
        dead = self.instance.pki / "ca.crl"
        self.hang(dead)
        offset = self.sighup()
        told = self.until("a word about the reload", lambda: self.said(offset, r"error reload state=slow (.*)"))
        self.assertIn(str(dead), told[0])
        warnings = self.serves()["warnings"]
        self.assertTrue([w for w in warnings if str(dead) in w], warnings)
        self.instance.conf.write_text(good.replace(str(dead), str(self.instance.pki / "now.crl")))
        (self.instance.pki / "now.crl").write_bytes((self.instance.pki / "ca.crl").read_bytes())
        self.sighup()
        self.until("the other file", lambda: self.said(offset, r"reload result=(\S+)") == ["taken"])
        self.serves()
        os.kill(self.instance.pid(), signal.SIGTERM)
        self.assertEqual(self.instance.process.wait(PATIENT_S), 0)
        self.assertTrue((self.instance.dir / "hang").exists())
        self.assertTrue(self.said(offset, r"stopping reason=\"a worker does not come home"))

    def test_before_anybody_serves(self):
        """A start and `check` have nobody to ask: they say themselves at which file they are."""
        self.instance.stop_daemon()
        for path in (self.instance.conf, self.instance.pki / "agency-a.key", SOURCE / "schemas"):
            with self.subTest(path=path):
                self.hang(path)
                offset = self.instance.log.stat().st_size
                self.instance.start_daemon(wait=False)
                check = subprocess.Popen([BINARY, "check", "--offline", "--config", self.instance.conf], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                         env=dict(os.environ, **self.environment(self.instance)))
                words = r"warning slow-file at=%s" % re.escape(str(path))
                self.assertRegex(check.stderr.readline(), words)
                self.until("a word of the start", lambda: self.said(offset, words))
                self.mend()
                self.instance.wait_ready()
                check.stderr.close()
                check.wait(PATIENT_S)
                self.instance.stop_daemon()

    def test_an_end_before_anybody_serves(self):
        """Whoever ends a start need not wait for its files."""
        for signum, path in ((signal.SIGTERM, self.instance.pki / "agency-a.key"), (signal.SIGINT, SOURCE / "schemas")):
            with self.subTest(signum=signum, path=path):
                self.instance.stop_daemon()
                self.hang(path)
                offset = self.instance.log.stat().st_size
                self.instance.start_daemon(wait=False)
                self.until("the start begins", lambda: self.said(offset, r"notice (starting) "))
                os.kill(self.instance.pid(), signum)
                self.assertEqual(self.instance.process.wait(PATIENT_S), 0)
                self.mend()
                self.assertEqual(self.said(offset, r"notice (started|stopped)"), ["stopped"])
        self.instance.start_daemon()

    def test_files_that_are_served(self):
        """What a caller asks for is no reason to touch a disk."""
        for folder in (SOURCE / "schemas", self.instance.binary.parent / "contract"):
            self.hang(folder)
            for query in ("wsdl", "xsd=equeue-types.xsd", "xsd=equeue-bare.xsd", "xsd=nothing.xsd"):
                connection = http.client.HTTPConnection("127.0.0.1", self.instance.plain_port, timeout=PATIENT_S)
                connection.request("GET", "/equeue?" + query)
                answer = connection.getresponse()
                self.assertEqual(answer.status, 404 if "nothing" in query else 200)
                connection.close()
            self.serves()

    def cut_sessions(self):
        self.instance.psql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'zapisd_daemon'")

    def without_database(self):
        """There is none, and that is said, by a daemon that is all there."""
        self.until("no session", lambda: self.instance.metric("zapisd_db_pool_connections{state=\"idle\"}") == 0)
        with self.assertRaises(Fault):
            self.portal().get_refs_list()
        self.assertEqual(self.instance.admin("/livez")[0], 200)
        self.assertEqual(self.instance.admin("/readyz")[0], 503)

    def test_what_a_connection_to_the_database_needs(self):
        """A file that libpq reads for each connection, or a name: while it hangs the sessions there are serve, then nobody is kept waiting."""
        for what, text in (("passfile", r"a file it reads"), ("names", r"a name is not looked up in time")):
            with self.subTest(what):
                if what == "names":
                    (self.instance.dir / "hang-names").write_text("")
                else:
                    self.hang(self.instance.dir / "passfile")
                offset = self.instance.log.stat().st_size
                self.cut_sessions()
                self.without_database()
                self.until("a word about it", lambda: self.said(offset, text))
                self.without_database()
                self.mend()
                self.instance.wait_ready()
                self.serves()

    def test_the_end_while_a_connection_hangs(self):
        self.hang(self.instance.dir / "passfile")
        self.cut_sessions()
        self.without_database()
        os.kill(self.instance.pid(), signal.SIGTERM)
        self.assertEqual(self.instance.process.wait(PATIENT_S), 0)

    def test_a_manager_that_is_stopped(self):
        """Its socket takes nothing more: the daemon serves, reloads and ends, and says what it owes when it is heard again."""
        self.instance.stop_daemon()
        address = "/tmp/zapisd-manager-%d" % os.getpid()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as somebody:
            manager.bind(address)
            self.addCleanup(os.unlink, address)
            manager.setblocking(False)
            somebody.setblocking(False)
            with self.assertRaises(BlockingIOError):
                while True:
                    somebody.sendto(b"X=1", address)
            self.manager.update(NOTIFY_SOCKET=address, WATCHDOG_USEC="100000")
            self.addCleanup(self.manager.clear)
            self.instance.start_daemon()
            offset = self.sighup()
            self.until("a reload", lambda: self.said(offset, r"reload result=(\S+)") == ["taken"])
            self.serves()
            heard = self.until("what it owes", lambda: self.hear(manager, b"READY=1"))
            self.assertLess(heard.index(b"RELOADING=1"), heard.index(b"READY=1"))
            os.kill(self.instance.pid(), signal.SIGTERM)
            self.assertEqual(self.instance.process.wait(PATIENT_S), 0)
            self.assertTrue(self.hear(manager, b"STOPPING=1"))

    def hear(self, manager, last):
        """What has come since the test began, in the order of coming, when it has that."""
        try:
            while True:
                self.heard.append(manager.recv(4096).splitlines()[0])
        except BlockingIOError:
            return self.heard if last in self.heard else None


if __name__ == "__main__":
    e2e.main()
