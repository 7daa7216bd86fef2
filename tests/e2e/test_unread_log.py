#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A log that nobody reads stops nothing (L1, L4, O2): requests, readiness and the end go on; what was lost is told when it flows again."""
import os
import re
import signal
import subprocess

from e2e import BINARY, E2E, main


class UnreadLog(E2E):
    def test_nobody_reads(self):
        self.instance.stop_daemon()
        self.addCleanup(self.instance.start_daemon)
        there, ours = os.pipe()
        daemon = subprocess.Popen([BINARY, "run", "--config", self.instance.conf], stdin=subprocess.DEVNULL, stdout=ours, stderr=ours, start_new_session=True)
        os.close(ours)
        try:
            self.instance.process = daemon
            self.instance.wait_ready(120)
            client = self.portal("plain")
            for _ in range(1000):  # a line each, and the pipe takes 64 KiB
                self.assertEqual(client.get_refs_list().error_code, 0)
            for path in ("/livez", "/readyz"):
                self.assertEqual(self.instance.admin(path)[0], 200)
            self.assertEqual(self.instance.metric("zapisd_log_lines_lost_total"), 0, "so little is kept")
            os.kill(daemon.pid, signal.SIGTERM)
            self.assertEqual(daemon.wait(60), 0)
        finally:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()
        os.set_blocking(there, False)
        with os.fdopen(there, "rb") as f:
            said = f.read().decode()
        self.assertGreater(len(said), 60000)
        self.assertTrue(all(re.match(r"\S+ (info|notice|warning|error) \S+", line) for line in said.splitlines()[:-1]))


if __name__ == "__main__":
    main()
