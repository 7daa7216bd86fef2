#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Whoever is turned away leaves a line and a count, and a crowd of them fills no log (L4)."""
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time

import e2e
from e2e import E2E, together

import oddcerts
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

    def test_no_detail_is_empty(self):
        for line in self.instance.log.read_text(errors="replace").splitlines():
            self.assertNotIn('=""', line)


def openssl_says(pem, *what):
    done = subprocess.run(["openssl", "x509", "-in", pem, "-noout", *what], capture_output=True, text=True, check=True)
    return done.stdout.strip().partition("=")[2]


# whose certificate, what is more, the error, why, what to do (C2, L4)
SIGNERS = [
    ("other", {}, "SENDER", r"the signer of actors/smev is no \[sender\] of the configuration", r"confirms the fingerprint, name it as cert = of a \[sender CODE\] \(\S+zapisd.conf\)"),
    ("renewed", {}, "SENDER", r"no \[sender\] of the configuration", r"\[sender PGU001001\] has one with this subject: .* add it there as another cert = \(\S+zapisd.conf\)"),
    ("smev", {}, "SENDER", r"\[sender SMEV00001\], which is SMEV itself", r"smev = yes is wrong there"),
    ("portal", {"sender": "NOBODY001"}, "SENDER", r"smev:Sender is not the signer, who is \[sender PGU001001\]", r"write PGU001001 into smev:Sender/Code"),
    ("portal", {"sender": "SMEV00001"}, "SENDER", r"smev:Sender is not the signer, who is \[sender PGU001001\]", r"the message says \[sender SMEV00001\]"),
    ("stranger", {}, "TOKEN", r"no issuer of this name signed it", r"anchors \(a root\) or chain of \[trust\]"),
    ("expired", {}, "TOKEN", r"certificate has expired at depth 0", r"in date.*is the clock here right"),
    ("notyet", {}, "TOKEN", r"certificate is not yet valid at depth 0", r"in date.*is the clock here right"),
    ("revoked", {}, "TOKEN", r"revoked.* at depth 0", r"has to sign with another one"),
    ("nousage", {}, "TOKEN", r"not for signatures", r"has to sign with one that is for signatures"),
    ("portal-2001", {}, "ALGORITHM", r".*", r"GOST R 34.10-2012"),
]


class Signers(Log):
    def make_odd(self, name, subject, base="other"):
        """One of the authority's, for the key of base."""
        pki = self.instance.pki
        good = oddcerts.gost.pem((pki / (base + ".pem")).read_text(), "CERTIFICATE")
        made = oddcerts.dress(good, oddcerts.gost.PrivateKey((pki / "ca.key").read_text()), subject)
        (pki / (name + ".pem")).write_text(oddcerts.pem(made))
        shutil.copy(pki / (base + ".key"), pki / (name + ".key"))
        return made

    def refused(self, call, who, error, why, advice):
        """One line, in this order; and the answer tells nothing of it."""
        offset, pem = self.log_size(), self.instance.pki / (who + ".pem")
        with self.assertRaises(Fault) as fault:
            call()
        for told in ("sha256", "serial", "[sender", "zapisd.conf"):
            self.assertNotIn(told.encode(), fault.exception.reply.body)
        for told in (openssl_says(pem, "-serial"), openssl_says(pem, "-fingerprint", "-sha256")):  # four digits are in many an id, too
            self.assertNotRegex(fault.exception.reply.body, rb"(?<![\w+/-])%s(?![\w+/-])" % re.escape(told).encode())
        line = self.wait_for(lambda: self.lines(offset, "request"), who)[0]
        self.assertRegex(line, r' error=%s detail="certificate sha256 %s, subject \[[^]]+\], issuer \[O=zapisd tests, CN=Test CA\], serial %s: .*%s.*; .*%s'
                         % (error, openssl_says(pem, "-fingerprint", "-sha256"), openssl_says(pem, "-serial"), why, advice))

    def test_whose_certificate_was_refused(self):
        pki = self.instance.pki
        self.make_odd("renewed", oddcerts.gost.Certificate.from_pem((pki / "portal.pem").read_text()).subject)
        for who, more, error, why, advice in SIGNERS:
            with self.subTest(who=who, **more):
                self.refused(self.portal(who=who, **more).get_refs_list, who, error, why, advice)

    def test_a_changed_body(self):
        client = self.portal()
        message = client.envelope("getRefsList", [])
        bad = message.replace(b"REQUEST", b"PING", 1)
        self.assertNotEqual(bad, message)
        self.refused(lambda: client.read(client.post(bad, "getRefsList")), "portal", "CHECK", r"\S.*", r"whoever has it did not sign what came")

    def test_who_signs_for_smev(self):
        client = self.portal()
        for who, why, advice in (("other", r"the signer of actors/recipient is no \[sender\] of the configuration", r"\[sender CODE\] with smev = yes"),
                                 ("portal", r"the signer of actors/recipient is \[sender PGU001001\], and not SMEV", r"its section wants smev = yes")):
            client.smev = self.portal(who=who).key, self.portal(who=who).cert
            message = client.envelope("getRefsList", [], "11111111-2222-4333-8444-555555555555")
            self.refused(lambda: client.read(client.post(message, "getRefsList")), who, "SENDER", why, advice)


    def test_what_the_guide_says(self):
        """O3: the fingerprint compared, a line added to the section that was named, a reload."""
        self.make_odd("next", oddcerts.gost.Certificate.from_pem((self.instance.pki / "portal.pem").read_text()).subject)
        client, offset, pem = self.portal(who="next"), self.log_size(), self.instance.pki / "next.pem"
        self.assertRaises(Fault, client.get_refs_list)
        line = self.wait_for(lambda: self.lines(offset, "request"), "no line")[0]
        command = re.search(r"(?m)^ +# (openssl x509 .*)$", (e2e.SOURCE / "docs/operator.ru.md").read_text())[1]
        done = subprocess.run(command.replace("новый.pem", str(pem)).split(), capture_output=True, text=True, check=True)
        self.assertIn('detail="certificate sha256 %s, ' % done.stdout.strip().partition("=")[2], line)
        code = re.search(r"\[sender (\w+)\] has one with this subject", line)[1]
        text, offset = self.instance.conf.read_text(), self.log_size()
        self.instance.conf.write_text(text.replace("[sender %s]\n" % code, "[sender %s]\ncert = %s\n" % (code, pem)))
        os.kill(self.instance.pid(), signal.SIGHUP)
        self.wait_for(lambda: self.lines(offset, "reload"), "no reload")
        self.assertEqual(client.get_refs_list().error_code, 0)


class OddSigners(Signers):
    """J3, L4: whatever a stranger's authority has written into a name."""

    def look_at(self, text):
        self.assertNotIn(oddcerts.CANARY, text)
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

    def test_whose_certificate_was_refused(self):
        seed = int(time.time())
        rng, made, files = random.Random(seed), [], []
        for i in range(60):
            who = "odd%d" % i
            made.append(oddcerts.fingerprint(self.make_odd(who, oddcerts.subject_at_random(rng))))
            client = self.portal(who="other")
            client.cert.der = oddcerts.gost.pem((self.instance.pki / (who + ".pem")).read_text(), "CERTIFICATE")
            message = client.envelope("getRefsList", [])
            with self.assertRaises(Fault):
                client.read(client.post(message, "getRefsList"))
            files.append(self.instance.dir / (who + ".xml"))
            files[-1].write_bytes(message)
        text = self.wait_for(lambda: self.log_from(0) if self.lines(0, "request") else None, "no line")
        self.look_at(text)
        told = [line for line in self.lines(0, "request") if re.search(r"error=(SENDER|TOKEN)", line)]
        self.assertGreaterEqual(len(told), 5, "seed %d" % seed)
        for line in told:
            self.assertIn(re.search(r'detail="certificate sha256 ([0-9A-F:]{95}), ', line)[1], made, "seed %d" % seed)
        # The terminal of an operator, who may see a person's name, but no control character; there each of them has a line.
        done = subprocess.run([e2e.BINARY, "dsig", "verify", "--anchors", self.instance.pki / "stranger-ca.pem", *files], capture_output=True)
        said = done.stdout.decode()
        self.assertNotRegex(said, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
        self.assertEqual(len(said.splitlines()), len(files), "seed %d" % seed)
        for line, one in zip(said.splitlines(), made):
            self.assertRegex(line, "  TOKEN: .*%s" % one, "seed %d" % seed)
            self.look_at(line.partition("  TOKEN: ")[2])

    test_a_changed_body = test_who_signs_for_smev = test_what_the_guide_says = None


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
