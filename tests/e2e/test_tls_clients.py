#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""C2, C8, O2, L4: client certificates of TLS are asked for revocation, and told when they are refused. The clients are Python's ssl and
openssl s_client, with GOST suites too."""
import random
import re
import socket
import ssl
import subprocess
import time

import e2e
from e2e import E2E

import oddcerts
from instance import free_ports
from tlspki import GONE, NEXT, NOW, TlsPki

REQUEST = b"GET /equeue?wsdl HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
REVOKED, NO_LIST = "revoked", "no revocation list to judge it by"
# who, the word that stands in the log and in the metric (None: is let in), the alert (RFC 8446 section 6)
CLIENTS = [
    ("good", None, None),
    ("below", None, None),  # by an authority below the root; it sends its own certificate alone
    ("gone", "not in date", "certificate expired"),
    ("next", "not in date", "certificate expired"),
    ("revoked", REVOKED, "certificate revoked"),
    ("below-revoked", REVOKED, "certificate revoked"),
    ("of-revoked", REVOKED, "certificate revoked"),  # its authority is
    ("unlisted", NO_LIST, "unknown CA"),  # its authority has no list
    ("stale", NO_LIST, "unknown CA"),  # has one that is over
    ("server", "not for clients", "unsupported certificate"),
    ("strange", "it cannot be judged", "bad certificate"),
    ("stranger", "of no authority that is believed", "unknown CA"),
    (None, "there is none", "certificate required"),
]


class Clients(E2E):
    @classmethod
    def options(cls):
        cls.port, cls.gost_port, cls.open_port = free_ports(3)
        return {"edit": cls.edit}

    @classmethod
    def make(cls):
        pki = cls.pki = TlsPki(cls.instance.dir / "tls")
        if (pki.folder / "done").exists():
            return
        pki.authority("server-ca")
        pki.leaf("tls", "server-ca", "server_x", cn="localhost")
        pki.authority("root")
        for name in ("sub", "sub-revoked", "sub-unlisted", "sub-stale"):
            pki.authority(name, by="root")
        pki.authority("elsewhere", cn="root")
        for name, by, extensions, dates in (
                ("good", "root", "client_x", NOW), ("below", "sub", "client_x", NOW), ("gone", "root", "client_x", GONE),
                ("next", "root", "client_x", NEXT), ("revoked", "root", "client_x", NOW), ("below-revoked", "sub", "client_x", NOW),
                ("of-revoked", "sub-revoked", "client_x", NOW), ("unlisted", "sub-unlisted", "client_x", NOW), ("stale", "sub-stale", "client_x", NOW),
                ("server", "root", "server_x", NOW), ("strange", "root", "strange_x", NOW), ("stranger", "elsewhere", "client_x", NOW)):
            pki.leaf(name, by, extensions, dates)
        pki.join("clients.pem", "root.pem", "sub.pem", "sub-revoked.pem", "sub-unlisted.pem", "sub-stale.pem")
        lists = pki.folder / "lists"
        lists.mkdir()
        (lists / ".unfinished.crl").write_text("half a li")
        (lists / "README").write_text("not a list")
        for by, revoked, dates in (("root", ["revoked", "sub-revoked"], None), ("sub", ["below-revoked"], None), ("sub-revoked", [], None), ("sub-stale", [], GONE)):
            pki.crl("lists/%s.crl" % by, by, revoked, dates)
        pki.authority("gost-root", gost=True)
        pki.leaf("gost-tls", "gost-root", "server_x", gost=True, cn="localhost")
        for name in ("gost-good", "gost-revoked"):
            pki.leaf(name, "gost-root", gost=True)
        pki.crl("gost.crl", "gost-root", ["gost-revoked"])
        (pki.folder / "done").touch()

    @classmethod
    def edit(cls, text):
        cls.make()
        row = "\n[listener %s]\nkind = plain\naddress = 127.0.0.1:%d\ntls_cert = {0}/%s.pem\ntls_key = {0}/%s.key\ntls_client_ca = {0}/%s\ntls_client_required = yes\n"
        return text + ((row % ("tls", cls.port, "tls", "tls", "clients.pem")) + "tls_client_crl = {0}/lists\n" +
                       (row % ("gost", cls.gost_port, "gost-tls", "gost-tls", "gost-root.pem")) + "tls_client_crl = {0}/gost.crl\n" +
                       (row % ("open", cls.open_port, "tls", "tls", "clients.pem"))).format(cls.pki.folder)

    def log_from(self, offset):
        with open(self.instance.log, encoding="utf-8", errors="replace") as f:
            f.seek(offset)
            return f.read()

    def context(self, who, version=None):
        context = ssl.create_default_context(cafile=self.pki.folder / "server-ca.pem")
        if who is not None:
            context.load_cert_chain(self.pki.folder / (who + ".pem"), self.pki.folder / (who + ".key"))
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context

    def ask(self, who, port=None, version=None, source="127.0.0.1"):
        """Whether the client is let in: it gets an answer to a request."""
        try:
            with socket.create_connection(("127.0.0.1", port or self.port), timeout=e2e.PATIENT_S, source_address=(source, 0)) as s:
                with self.context(who, version).wrap_socket(s, server_hostname="localhost") as tls:
                    tls.sendall(REQUEST)
                    answer = b""
                    while part := tls.recv(65536):
                        answer += part
                    self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:100])
                    return True
        except (ssl.SSLError, ConnectionError):
            return False

    def counted(self, word):
        found = re.search(r'zapisd_http_refused_total\{status="0",reason="client certificate refused: %s"\} (\d+)' % re.escape(word),
                          self.instance.admin("/metrics")[1])
        return int(found[1]) if found else 0

    def wait_for(self, condition, what):
        deadline = time.monotonic() + e2e.PATIENT_S
        while not (got := condition()):
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)
        return got

    def look(self, who, word, letin):
        """One client: let in or refused, counted, and told once with its peer, subject and serial."""
        offset, before = self.instance.log.stat().st_size, self.counted(word or "")
        self.assertEqual(letin(), word is None, who)
        if word is None:
            return
        self.wait_for(lambda: self.counted(word) == before + 1, "%s is not counted as %s" % (who, word))
        line = re.search(r'.* connection-cut .*reason="client certificate refused: %s".*' % re.escape(word), self.log_from(offset))
        self.assertTrue(line, "%s: %s" % (who, self.log_from(offset)))
        self.assertIn(" warning connection-cut ", line[0])
        self.assertIn("peer=127.0.0.1:", line[0])
        if who is not None:
            fingerprint = self.pki.run("x509", "-in", who + ".pem", "-noout", "-fingerprint", "-sha256").strip().partition("=")[2]
            self.assertRegex(line[0], r'detail="certificate sha256 %s, subject \[O=zapisd tests, CN=%s\], issuer \[O=zapisd tests, CN=[^]]+\], serial %s: \S.*; \S'
                             % (fingerprint, who, self.pki.serial_of(who)))

    def s_client(self, who, port, *options):
        """What openssl s_client says; its answer is in there as well."""
        files = [] if who is None else ["-cert", who + ".pem", "-key", who + ".key"]
        done = subprocess.run(["timeout", "60", "openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-quiet", "-ign_eof", *files, *options], input=REQUEST,
                              cwd=self.pki.folder, capture_output=True, env={"OPENSSL_CONF": str(self.pki.folder / "openssl.cnf"), "PATH": "/usr/bin:/bin"})
        return (done.stdout + done.stderr).decode(errors="replace")


class TlsClients(Clients):
    def test_each_client_and_what_is_told(self):
        for who, word, _ in CLIENTS:
            with self.subTest(who=who):
                self.look(who, word, lambda: self.ask(who))

    def test_gost_clients(self):
        for who, word in (("gost-good", None), ("gost-revoked", REVOKED)):
            self.look(who, word, lambda: "HTTP/1.1 200" in self.s_client(who, self.gost_port, "-tls1_2", "-cipher", "GOST2012-KUZNYECHIK-KUZNYECHIKOMAC"))

    def test_python_clients_of_the_older_version(self):
        for who, word, _ in CLIENTS:
            with self.subTest(who=who):
                before = self.counted(word or "")
                self.assertEqual(self.ask(who, version=ssl.TLSVersion.TLSv1_2), word is None)
                if word is not None:
                    self.wait_for(lambda: self.counted(word) == before + 1, "%s is not counted as %s" % (who, word))

    def test_openssl_clients_and_what_they_are_told(self):
        for who, word, alert in CLIENTS:
            said = self.s_client(who, self.port, "-tls1_3")
            with self.subTest(who=who, said=said[-600:]):
                self.assertEqual("HTTP/1.1 200" in said, word is None)
                if word is not None:
                    self.assertRegex(said, "(?i)alert " + alert)

    def test_authorities_that_a_client_sends(self):
        """The path goes over what it sent; its list is the operator's to give."""
        folder = self.pki.folder
        chain = folder / "sent.pem"
        self.pki.authority("sent-sub", by="root")
        self.pki.leaf("sent", "sent-sub")
        chain.write_text((folder / "sent.pem").read_text() + (folder / "sent-sub.pem").read_text())
        self.assertFalse(self.ask("sent"))
        self.assertTrue(self.ask("sent", self.open_port))  # where nobody asks for lists
        self.assertFalse(self.ask("stranger", self.open_port))

    def test_without_lists_revocation_is_not_asked_about(self):
        self.assertTrue(self.ask("revoked", self.open_port))
        self.assertTrue(self.ask("unlisted", self.open_port))
        self.assertFalse(self.ask("gone", self.open_port))

    def test_what_check_and_readiness_say(self):
        done = subprocess.run([e2e.BINARY, "check", "--offline", "--config", self.instance.conf], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stdout)  # a list has run out
        said = done.stdout
        self.assertRegex(said, r"(?m)^BAD   \S+:\d+: listener tls: of clients: revocation list of \[O=zapisd tests, CN=sub-stale\], number \w+: ended .* ago: whom")
        self.assertRegex(said, r"(?m)^warn  \S+:\d+: listener tls: of clients: authority \[O=zapisd tests, CN=sub-unlisted\], serial \w+: there is no revocation list of it")
        self.assertRegex(said, r"(?m)^good  listener tls: of clients: anchor \[O=zapisd tests, CN=root\], serial \w+: \d+ days left")
        self.assertIn("sub-stale", str(self.instance.admin("/readyz")[1]))
        metrics = self.instance.admin("/metrics")[1]
        self.assertRegex(metrics, r'(?m)^zapisd_tls_client_crl_next_update_timestamp_seconds\{listener="tls"\} 1609459200$')
        self.assertRegex(metrics, r'(?m)^zapisd_tls_client_ca_expiry_timestamp_seconds\{listener="open"\} \d+$')
        self.assertNotRegex(metrics, r'crl_next_update_timestamp_seconds\{listener="open"\}')


class OddClients(Clients):
    """J3: whatever stands in the name of a certificate, the log has its fingerprint and no person."""

    def test_names_of_strangers(self):
        folder, seed = self.pki.folder, int(time.time())
        rng, made = random.Random(seed), {}
        person = oddcerts.name([[(oddcerts.CN, oddcerts.UTF8, oddcerts.CANARY)], [(oddcerts.SNILS, oddcerts.IA5, "00000000000")], [(oddcerts.O, oddcerts.UTF8, "Проба")]])
        good, wrong_key = oddcerts.gost.pem((folder / "gost-good.pem").read_text(), "CERTIFICATE"), oddcerts.gost.PrivateKey((folder / "gost-good.key").read_text())
        while len(made) < 5:  # as many lines as come at once
            octets = oddcerts.dress(good, wrong_key, oddcerts.subject_at_random(rng) if made else person)
            (folder / "odd.pem").write_text(oddcerts.pem(octets))
            if made and subprocess.run(["openssl", "x509", "-in", folder / "odd.pem", "-noout"], capture_output=True).returncode != 0:
                continue  # no client of OpenSSL could show it: tests/unit/crypto/test_tls_clients.c does
            (folder / "odd.key").write_text((folder / "gost-good.key").read_text())
            offset = self.instance.log.stat().st_size
            self.s_client("odd", self.gost_port, "-tls1_2", "-cipher", "GOST2012-KUZNYECHIK-KUZNYECHIKOMAC")
            said = self.wait_for(lambda at=offset: re.search(r'connection-cut .* detail="(.*)', self.log_from(at)), "seed %d: no line" % seed)[1]
            made[oddcerts.fingerprint(octets)] = said
            self.assertRegex(said, r"^certificate sha256 %s, subject \[[^]]+\], issuer \[[^]]+\], serial \w+: .*no issuer of this name signed it.*tls_client_ca" % oddcerts.fingerprint(octets))
            self.assertNotIn(oddcerts.CANARY, said)
            self.assertNotRegex(said, "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
        self.assertIn("subject [O=Проба, a person]", next(iter(made.values())))


class Crowd(Clients):
    def test_a_crowd_of_refused_is_bounded_and_counted(self):
        """L1, L4: some lines, and every one in the count."""
        offset, before = self.instance.log.stat().st_size, self.counted(REVOKED)
        for _ in range(60):
            self.assertFalse(self.ask("revoked"))
        self.wait_for(lambda: self.counted(REVOKED) == before + 60, "not all are counted")
        told = re.search(r'connection-cut kind="client certificate refused: revoked" suppressed=(\d+)',
                         self.wait_for(lambda: (lambda t: t if "suppressed=" in t else None)(self.log_from(offset)), "a summary"))
        self.assertTrue(told)
        self.assertLessEqual(len(re.findall(r'connection-cut .*peer=\S+ .*refused: revoked"', self.log_from(offset))), 12)


if __name__ == "__main__":
    e2e.main()
