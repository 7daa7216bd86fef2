#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The instance that every other test stands on: ready is what its own daemon is, and not whoever else has its port."""
import http.server
import os
import shutil
import stat
import threading
import unittest

from e2e import BUILD, NAME

from instance import Instance, InstanceError, free_ports

DIR = (BUILD / "e2e" / NAME).resolve()

# What stands for the daemon: told when to end, or when to listen and say that it is ready.
DIES = """#!/bin/sh
sleep 1
echo "no address is free"
exit 1
"""
SERVES = """#!/usr/bin/python3
import http.server, re, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
port = re.search(r"\\[admin\\]\\naddress = 127.0.0.1:(\\d+)", open(sys.argv[-1]).read()).group(1)
http.server.HTTPServer(("127.0.0.1", int(port)), Ready).serve_forever()
"""


class Ready(http.server.BaseHTTPRequestHandler):
    """Another instance, ready."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


class Readiness(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(DIR, ignore_errors=True)
        DIR.mkdir(parents=True)

    def make(self, script, ports):
        binary = DIR / "daemon"
        binary.write_text(script)
        os.chmod(binary, stat.S_IRWXU)
        instance = Instance(DIR, binary, ports)
        instance.pg = {"PGHOST": str(DIR), "PGPORT": "1"}
        self.addCleanup(lambda: instance.process.poll() is None and instance.process.kill())
        return instance

    def occupy(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ready)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def test_a_stranger_on_the_port_is_not_our_daemon(self):
        """The daemon ends a moment after the other one has answered in its place."""
        port = self.occupy()
        instance = self.make(DIES, (*free_ports(2), port))
        with self.assertRaisesRegex(InstanceError, r"ended with status 1; another process listens on %d:\n(.|\n)*no address is free" % port):
            instance.start_daemon()

    def test_a_stranger_is_named_when_nobody_ends(self):
        port = self.occupy()
        instance = self.make("#!/bin/sh\nexec sleep 60\n", (*free_ports(2), port))
        instance.start_daemon(wait=False)
        with self.assertRaisesRegex(InstanceError, "not ready within 1 s: another process answers on port %d" % port):
            instance.wait_ready(1)

    def test_our_own_is_ready(self):
        instance = self.make(SERVES, free_ports(3))
        instance.start_daemon()
        self.assertIsNone(instance.process.poll())


if __name__ == "__main__":
    unittest.main()
