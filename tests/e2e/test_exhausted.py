#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Address space that runs out under requests of a megabyte: an answer, or an end with a line; never SIGSEGV (L3, L4)."""
import os
import pathlib
import random
import re
import resource
import signal
import socket
import unittest

import e2e
from e2e import E2E, MOSCOW, SERVICE, new_id, together

SEED = int(os.environ.get("ZAPISD_SEED", "2"))
ROUNDS = int(os.environ.get("ZAPISD_ROUNDS", "16"))
MIB = 1 << 20


class Exhausted(E2E):
    may_die = True

    @classmethod
    def setUpClass(cls):
        if "asan" in str(e2e.BINARY):
            raise unittest.SkipTest("a sanitizer takes all address space for itself")
        super().setUpClass()

    def size(self):
        text = pathlib.Path("/proc/%d/status" % self.instance.pid()).read_text()
        return int(re.search(r"VmSize:\s+(\d+)", text)[1]) * 1024

    def messages(self, dice):
        """Requests of about a megabyte: of elements, of attributes, of text, of filters, signed and not, and no XML at all."""
        plain = self.portal("plain")
        signed = self.portal()
        n = 950000
        kinds = [
            ("plain", lambda: plain.envelope("getSlots", [("organizationId", MOSCOW), ("userType", "x" * n)])),
            ("plain", lambda: plain.envelope("getSlots", [("organizationId", [MOSCOW] * (n // 60))])),
            ("plain", lambda: b"<a>" + b"<b/>" * 49000 + b" " * (n - 200000) + b"</a>"),
            ("plain", lambda: b"<a>" + b"<b c='d'/>" * 24000 + b"x" * (n - 250000) + b"</a>"),
            ("plain", lambda: bytes(dice.randrange(256) for _ in range(1000)) * (n // 1000)),
            ("smev2", lambda: signed.envelope("getSlots", [("organizationId", MOSCOW), ("userType", "y" * n)])),
            ("smev2", lambda: signed.envelope("book", signed.book_items(new_id(), new_id(), MOSCOW, False, services=[SERVICE] * (n // 70)))),
        ]
        made = []
        for kind, make in kinds:
            message = make()
            made.append((kind, message.encode() if isinstance(message, str) else message))
        return made

    def post(self, kind, message):
        port = self.instance.plain_port if kind == "plain" else self.instance.smev2_port
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
                s.sendall(b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml; charset=utf-8\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                          % len(message) + message)
                answer = s.recv(100)
            return answer[:12].decode()
        except OSError as e:
            return repr(e)

    def test_each_end_is_an_answer_or_a_line(self):
        dice = random.Random(SEED)
        messages = self.messages(dice)
        ends = {}
        for n in range(ROUNDS):
            with self.subTest(seed=SEED, round=n):
                if self.instance.pid() is None:
                    self.instance.start_daemon()
                self.post(*messages[n % len(messages)])  # threads and what is made once is there
                offset = self.instance.log.stat().st_size
                room = int(2 ** dice.uniform(12, 26))
                limit = self.size() + room
                resource.prlimit(self.instance.pid(), resource.RLIMIT_AS, (limit, limit))
                chosen = [dice.choice(messages) for _ in range(12)]
                answers = together(len(chosen), lambda i: self.post(*chosen[i]))
                if not all(str(a).startswith("HTTP/1.1 ") for a in answers):
                    self.instance.process.wait(120)  # it is on its way out, or the answers were owed
                if self.instance.pid() is None:
                    status = self.instance.process.returncode
                    self.assertEqual(status, -signal.SIGABRT, self.instance.log_tail(5))
                    log = self.instance.log.read_text(errors="replace")[offset:]
                    self.assertRegex(log, r"error (memory|out-of-memory|aborted|loop-broken)\b")
                    ends["abort"] = ends.get("abort", 0) + 1
                else:
                    self.assertTrue(all(a.startswith("HTTP/1.1 ") for a in answers), (room, answers))
                    ends["answers"] = ends.get("answers", 0) + 1
                    self.instance.stop_daemon(signal.SIGKILL)
        print("ends:", ends)
        self.assertGreater(ends.get("abort", 0), 0)  # else nothing was tried
        if self.instance.pid() is None:
            self.instance.start_daemon()


if __name__ == "__main__":
    e2e.main()
