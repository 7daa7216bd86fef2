#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Whoever is turned away leaves a line and a count, and a crowd of them fills no log (L4)."""
import re
import socket
import subprocess
import time

import e2e
from e2e import E2E, together

from smev2client import Fault

# what is sent, the status it meets, what the line must say beside peer and status
REFUSED = [
    (b"POST /nowhere?esiaId=12345678901 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 404, ["path=/nowhere"]),
    (b"GET /equeue?what HTTP/1.1\r\nHost: a\r\n\r\n", 404, ["path=/equeue"]),
    (b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 415, ["content_type=application/json"]),
    (b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", 415, ["content_type=none"]),
    (b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml; charset=windows-1251\r\nContent-Length: 2\r\n\r\n{}", 415, ["windows-1251"]),
    (b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 415, ["path=/equeue"]),
    (b"DELETE /equeue HTTP/1.1\r\nHost: a\r\n\r\n", 405, []),
    (b"PUT /equeue HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", None, []),
    (b"POST /equeue HTTP/1.1\r\nHost: a\r\n\r\n", 411, ["path=/equeue"]),
    (b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413, ["path=/equeue"]),
    (b"POST /equeue HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20000 + b"\r\n\r\n", 431, ["path=/equeue"]),
    (b"POST /equeue HTTP/3.0\r\n\r\n", 505, []),
    (b"nonsense\r\n\r\n", 400, []),
    (b"GET /%D0%98\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400, []),
    (b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, ["path=/equeue"]),
]


class Log(E2E):
    def say(self, data, port=None):
        """Sends it whole and reads to the end; the status, or None."""
        with socket.create_connection(("127.0.0.1", port or self.instance.plain_port), timeout=e2e.PATIENT_S) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            answer = b""
            while part := s.recv(65536):
                answer += part
        return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else None

    def log_from(self, offset):
        with open(self.instance.log, encoding="utf-8", errors="replace") as f:
            f.seek(offset)
            return f.read()

    def log_size(self):
        return self.instance.log.stat().st_size

    def lines(self, offset, word):
        return [line for line in self.log_from(offset).splitlines() if " %s " % word in line]

    def wait_for(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not (got := condition()):
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)
        return got

    def refused(self):
        return {(m[1], m[2]): float(m[3]) for m in re.finditer(r'zapisd_http_refused_total\{status="(\d+)",reason="([^"]*)"\} (\S+)',
                                                               self.instance.admin("/metrics")[1])}


class Strangers(Log):
    def test_each_refusal_has_a_line_and_a_count(self):
        for data, status, words in REFUSED:
            offset, before = self.log_size(), sum(self.refused().values())
            got = self.say(data)
            self.assertTrue(got is not None and got >= 400 and status in (None, got), (data[:60], got))
            line = self.wait_for(lambda: self.lines(offset, "http-refused"), data[:60])[0]
            for word in ["status=%d" % got, "peer=127.0.0.1:"] + words:
                self.assertIn(word, line)
            self.assertNotIn("12345678901", line)  # a query may hold personal data
            self.assertEqual(sum(self.refused().values()), before + 1, data[:60])

    def test_the_admin_address_too(self):
        offset = self.log_size()
        self.assertEqual(self.instance.admin("/secret?x=1")[0], 404)
        self.assertIn("path=/secret", self.wait_for(lambda: self.lines(offset, "http-refused"), "admin 404")[0])

    def test_whose_certificate_was_refused(self):
        """Subject, issuer and serial number: what its owner will ask for."""
        for who in ("other", "stranger", "expired", "revoked"):
            offset = self.log_size()
            self.assertRaises(Fault, self.portal(who=who).get_refs_list)
            text = subprocess.run(["openssl", "x509", "-in", self.instance.pki / (who + ".pem"), "-noout", "-serial"], capture_output=True, text=True).stdout
            serial = text.strip().partition("=")[2]
            line = self.wait_for(lambda: self.lines(offset, "request"), who)[0]
            self.assertIn("serial %s of issuer [" % serial, line)
            self.assertIn("subject [", line)

    def test_no_detail_is_empty(self):
        for line in self.instance.log.read_text(errors="replace").splitlines():
            self.assertNotIn('=""', line)


class Crowds(Log):
    def test_a_flood_is_counted_and_not_written(self):
        offset, before = self.log_size(), self.refused().get(("404", "no such path"), 0)
        one = b"POST /flood HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
        for _ in range(40):
            self.say(one * 25)
        self.assertEqual(self.refused()[("404", "no such path")] - before, 1000)
        told = self.wait_for(lambda: re.search(r'http-refused kind="no such path" suppressed=(\d+)', self.log_from(offset)), "a summary")
        shown = len([line for line in self.lines(offset, "http-refused") if "path=/flood" in line])
        self.assertLessEqual(shown, 10)
        self.assertGreaterEqual(int(told[1]) + shown, 900)

    def test_junk_is_not_a_line_each(self):
        offset = self.log_size()
        body = b"\x00\x01 junk"
        head = b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(body)
        for _ in range(20):
            self.say((head + body) * 8, self.instance.smev2_port)
        self.wait_for(lambda: re.search(r"request kind=\w+ suppressed=", self.log_from(offset)), "a summary")
        self.assertLessEqual(len([line for line in self.lines(offset, "request") if "suppressed" not in line]), 20)


class DatabaseAway(Log):
    """One line, not twenty a second."""

    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[database]", "[database]\nacquire_timeout = 100ms")}

    def test_one_line_a_kind(self):
        clients = [self.portal("plain", timeout=60) for _ in range(8)]
        clients[0].get_refs_list()
        offset = self.log_size()
        self.instance.stop_database()

        def call(i):
            for _ in range(25):
                try:
                    clients[i].get_refs_list()
                except Fault:
                    pass

        for result in together(8, call):
            self.assertIsNone(result)
        lines = self.log_from(offset).splitlines()
        self.assertTrue([line for line in lines if "error=DATABASE" in line], lines[-5:])
        for word in (" request ", " journal ", " database_connection_lost "):
            told = [line for line in lines if word in line and "suppressed" not in line and "error" in line]
            self.assertLessEqual(len(told), 8, told)
        self.assertEqual([line for line in lines if 'detail=""' in line], [])


if __name__ == "__main__":
    e2e.main()
