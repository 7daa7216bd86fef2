#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""./dev up beside a neighbour: a port that is taken is named, the way to others too, and nobody else's daemon passes for ours."""
import re
import shutil
import socket
import subprocess
import unittest

import e2e
from e2e import BINARY, BUILD, SOURCE

from instance import Instance

DIRECTORY = BUILD / "e2e/ports"


def up(*args):
    return subprocess.run(["/usr/bin/python3", "-B", SOURCE / "tests/lib/instance.py", "up", "--dir", DIRECTORY, "--binary", BINARY, *args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)


class Ports(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        self.taken = socket.socket()
        self.addCleanup(self.taken.close)
        self.taken.bind(("127.0.0.1", 0))
        self.taken.listen()
        self.port = self.taken.getsockname()[1]

    def assert_refused(self, done, port):
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"in use.*\b%d\b.*--ports" % port)
        self.assertFalse((DIRECTORY / "pg").exists(), "a database was started for it")

    def test_taken_ports(self):
        for ports in ("%d,0,0", "0,%d,0", "0,0,%d"):
            for option in ("--ports", "--usual-ports"):
                with self.subTest(ports=ports, option=option):
                    self.assert_refused(up(option, ports % self.port), self.port)

    def test_ports_that_are_none(self):
        for ports in ("", "8190", "8190,8191", "1,2,3,4", "a,b,c", "-1,0,0", "65536,0,0", "8190 8191 8192"):
            with self.subTest(ports=ports):
                done = up("--ports=" + ports)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn("expected three numbers", done.stderr)

    def test_ports_of_last_time(self):  # --daemon-only asks nobody for them again
        DIRECTORY.mkdir(parents=True)
        made = Instance(DIRECTORY, BINARY, (self.port, 1, 2))
        made.write_conf("dbname=none")
        found = Instance(DIRECTORY, BINARY, (3, 4, 5))
        found.ports_of_conf()
        self.assertEqual((found.plain_port, found.smev2_port, found.admin_port), (self.port, 1, 2))
        self.assert_refused(up("--daemon-only", "--usual-ports", "0,0,0"), self.port)

    def test_help_names_it(self):
        usage = subprocess.run([SOURCE / "dev", "help"], capture_output=True, text=True).stdout
        self.assertRegex(usage, r"up .*--ports PLAIN,SMEV2,ADMIN")
        usual = re.search(r"--usual-ports ([\d,]+)", (SOURCE / "dev").read_text()).group(1)
        for page in (usage, (SOURCE / "README.md").read_text()):
            self.assertIn(usual, page)


if __name__ == "__main__":
    e2e.main()
