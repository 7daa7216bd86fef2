#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""C5, C8, L4, promise 6: a reload takes certificate, key, client authorities, their lists and ciphers of a listener, part by part; what is of
no use takes the place of nothing; connections keep what they began with. A model of a few lines says who is served what after each
reload of a random walk; ZAPISD_SEED repeats one."""
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import e2e
from e2e import E2E

from instance import free_ports
from tlspki import GONE, NEXT, TlsPki

REQUEST = b"GET /equeue?wsdl HTTP/1.1\r\nHost: localhost\r\n\r\n"
IDENTITIES = ["a", "b", "gone", "next", "mismatch", "garbage", "empty", "missing", "der"]
AUTHORITIES = ["one", "two", "over", "garbage", "missing", None]
LISTS = ["clean", "revoking", "stale", "folder", "garbage", "missing", "empty folder", None]
CLIENTS = {"c1": "one", "c2": "two", None: None}


class Model:
    """What is in force. A part of the new files is taken when it is of use, or when there is nothing better."""

    def __init__(self):
        self.is_on, self.identity, self.authorities, self.lists, self.is_required = True, "a", None, None, False

    def reload(self, w):
        """w: what the files have. Returns whether all of it was taken."""
        if not w["is_on"]:
            self.is_on = False
            return True
        identity_bad, ciphers_bad = w["identity"] not in "ab", w["ciphers"] == "NONSENSE"
        clients_bad = w["authorities"] in ("garbage", "missing") or w["lists"] in ("garbage", "missing", "empty folder")
        if not self.is_on:
            can_be_loaded = w["identity"] in ("a", "b", "gone", "next") and not clients_bad and not ciphers_bad
            if can_be_loaded:
                self.is_on, self.identity, self.authorities, self.lists, self.is_required = True, w["identity"], w["authorities"], w["lists"], w["is_required"]
            return can_be_loaded
        if w["identity"] in ("gone", "next") and self.identity in ("gone", "next"):
            identity_bad = False
        lets_in = self.authorities in ("one", "two") and self.lists != "stale"
        if lets_in and (w["authorities"] == "over" or w["authorities"] is not None and w["lists"] == "stale"):
            clients_bad = True  # nobody would get in, and somebody does
        if not identity_bad:
            self.identity = w["identity"]
        if not clients_bad:
            self.authorities, self.lists, self.is_required = w["authorities"], w["lists"], w["is_required"]
        return not (identity_bad or clients_bad or ciphers_bad)

    def lets_in(self, client):
        if self.authorities is None:
            return True
        if client is None:
            return not self.is_required
        is_known = self.authorities == "two" or self.authorities == CLIENTS[client]
        return is_known and self.lists != "stale" and not (self.lists == "revoking" and client == "c1")


class TlsReloads(E2E):
    @classmethod
    def options(cls):
        cls.port, = free_ports(1)
        return {"edit": cls.edit}

    @classmethod
    def edit(cls, text):
        pki = cls.pki = TlsPki(cls.instance.dir / "tls")
        cls.plain = text
        if not (pki.folder / "done").exists():
            cls.make(pki)
        return text + cls.section(identity="a", authorities=None, lists=None, is_required=False, is_on=True, ciphers=None)

    @staticmethod
    def make(pki):
        pki.authority("server-ca")
        for name, dates in (("a", None), ("b", None), ("gone", GONE), ("next", NEXT)):
            pki.leaf(name, "server-ca", "server_x", *([dates] if dates else []), cn="localhost")
        pki.authority("one")
        pki.authority("two")
        pki.authority("over", dates=GONE)
        for name, by in (("c1", "one"), ("c2", "two")):
            pki.leaf(name, by)
        for name, revoked, dates in (("clean", [], None), ("revoking", ["c1"], None), ("stale", [], GONE)):
            text = "".join(pki.crl("part.crl", by, [r for r in revoked if by == "one"], dates) for by in ("one", "two", "over"))
            (pki.folder / (name + ".crl")).write_text(text)
        for name in ("folder", "empty folder"):
            (pki.folder / name).mkdir()
        shutil.copy(pki.folder / "clean.crl", pki.folder / "folder" / "all.crl")
        pki.join("ca-one.pem", "one.pem")
        pki.join("ca-two.pem", "one.pem", "two.pem")
        pki.join("ca-over.pem", "over.pem")
        pki.run("x509", "-in", "a.pem", "-outform", "DER", "-out", "der.pem")
        shutil.copy(pki.folder / "a.key", pki.folder / "der.key")
        shutil.copy(pki.folder / "a.pem", pki.folder / "mismatch.pem")
        shutil.copy(pki.folder / "b.key", pki.folder / "mismatch.key")
        for name in ("garbage.pem", "garbage.key", "ca-garbage.pem", "garbage.crl"):
            (pki.folder / name).write_text("garbage")
        for name in ("empty.pem", "empty.key"):
            (pki.folder / name).write_text("")
        (pki.folder / "done").touch()

    @classmethod
    def section(cls, identity, authorities, lists, is_required, is_on, ciphers):
        text = "\n[listener tls]\nkind = plain\naddress = 127.0.0.1:%d\n" % cls.port
        if not is_on:
            return text
        folder = cls.pki.folder
        text += "tls_cert = %s/%s.pem\ntls_key = %s/%s.key\n" % (folder, identity, folder, identity)
        if authorities is not None:
            text += "tls_client_ca = %s/ca-%s.pem\ntls_client_required = %s\n" % (folder, authorities, "yes" if is_required else "no")
            if lists is not None:
                text += "tls_client_crl = %s/%s\n" % (folder, lists if "folder" in lists else lists + ".crl")
        return text + ("tls_ciphers = %s\n" % ciphers if ciphers else "")

    def log_from(self, offset):
        with open(self.instance.log, encoding="utf-8", errors="replace") as f:
            f.seek(offset)
            return f.read()

    def reload(self, **wanted):
        """Writes the files' names, reloads, returns the result and what was logged."""
        offset = self.instance.log.stat().st_size
        self.instance.conf.write_text(self.plain + self.section(**wanted))
        os.kill(self.instance.pid(), signal.SIGHUP)
        deadline = time.monotonic() + e2e.PATIENT_S
        while not (found := re.search(r" reload result=(\S+).*\n", self.log_from(offset))):
            self.assertLess(time.monotonic(), deadline, "no word about the reload")
            time.sleep(0.02)
        return found[1], self.log_from(offset)

    def connect(self, client, is_tls=True, session=None):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=e2e.PATIENT_S)
        if not is_tls:
            return s
        context = self.context(client)
        try:
            return context.wrap_socket(s, server_hostname="localhost", session=session)
        except (ssl.SSLError, ConnectionError):
            s.close()
            raise

    def context(self, client):
        """One a client: a session is its context's."""
        if client not in self.contexts:
            context = self.contexts[client] = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # expired ones are looked at, too
            context.maximum_version = ssl.TLSVersion.TLSv1_2 if client == "c2" else ssl.TLSVersion.TLSv1_3
            if client is not None:
                context.load_cert_chain(self.pki.folder / (client + ".pem"), self.pki.folder / (client + ".key"))
        return self.contexts[client]

    @staticmethod
    def ask(s):
        s.sendall(REQUEST)
        answer = b""
        while b"</definitions>" not in answer and b"definitions>\n" not in answer:
            part = s.recv(65536)
            if not part:
                raise ConnectionError(answer)
            answer += part
        return answer

    def try_client(self, client, is_tls, session=None):
        """Who is served: the DER of the server's certificate (b'' in clear), and the session; or None."""
        try:
            with self.connect(client, is_tls, session) as s:
                answer = self.ask(s)
                self.assertEqual(b'schemaLocation="https://' in answer, is_tls)
                return (s.getpeercert(True), s.session) if is_tls else (b"", None)
        except (ssl.SSLError, ConnectionError):
            return None

    def setUp(self):
        self.contexts, self.sessions = {}, {}
        self.reload(identity="a", authorities=None, lists=None, is_required=False, is_on=True, ciphers=None)
        self.der = {name: ssl.PEM_cert_to_DER_cert((self.pki.folder / (name + ".pem")).read_text()) for name in ("a", "b", "gone", "next")}

    def look(self, model, result, said):
        for client in CLIENTS:
            expected = self.der[model.identity] if model.is_on else b""
            for session in (None, self.sessions.get(client)):  # one from before: it must not get in where a new one does not
                got = self.try_client(client, model.is_on, session)
                self.assertEqual(got is not None, model.lets_in(client) or not model.is_on, (client, "with a session" if session else "anew"))
                if got is None:
                    continue
                self.assertEqual(got[0], expected, client)
                self.sessions[client] = got[1]
        body = json.loads(self.instance.admin("/readyz")[1])
        self.assertEqual(body["ready"], True)
        self.assertEqual([w for w in body["warnings"] if "the last reload" in w] == [], result == "taken", body["warnings"])
        if model.is_on:
            self.assertEqual(body["listeners"]["tls"]["ready"], model.identity in "ab", body)
        self.assertEqual(re.search(r'refused="?listener tls', said) is not None, result != "taken", said)

    def step(self, model, wanted):
        old = self.connect("c2", model.is_on) if model.lets_in("c2") or not model.is_on else None
        if old is not None:
            self.ask(old)
        is_whole = model.reload(wanted)
        result, said = self.reload(**wanted)
        self.assertEqual(result, "taken" if is_whole else "taken-in-part", said)
        self.assertNotIn("needs_restart", said)
        if old is not None:
            self.ask(old)  # whatever is in force now
            old.close()
        self.look(model, result, said)
        done = subprocess.run([e2e.BINARY, "check", "--offline", "--only-fatal", "--reload", "--config", self.instance.conf], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)  # so the unit sends its SIGHUP

    def test_walk(self):
        seed = int(os.environ.get("ZAPISD_SEED", "5280"))
        rng = random.Random(seed)
        model = Model()
        print("seed %d" % seed, flush=True)
        for i in range(60):
            authorities = rng.choice(AUTHORITIES + ["one", "two"])
            wanted = {"identity": rng.choice(IDENTITIES + ["a", "b"] * 3), "authorities": authorities,
                      "lists": rng.choice(LISTS + ["clean", "revoking"]) if authorities else None,
                      "is_required": authorities is not None and rng.random() < 0.5, "is_on": rng.random() < 0.9,
                      "ciphers": rng.choice([None, None, None, "ECDHE+AESGCM", "NONSENSE"])}
            with self.subTest(seed=seed, number=i, wanted=wanted):
                self.step(model, wanted)

    def test_a_list_counts_though_the_certificate_is_garbage(self):
        """And a new certificate is served though the list is: neither holds up the other."""
        model = Model()
        good = {"identity": "a", "authorities": "one", "lists": "clean", "is_required": True, "is_on": True, "ciphers": None}
        for changes in ({}, {"identity": "garbage", "lists": "revoking"}, {"identity": "b", "lists": "garbage"}, {}, {"lists": "stale"}, {}):
            self.step(model, {**good, **changes})

    def test_at_a_start_it_must_be_usable(self):
        self.instance.conf.write_text(self.plain + self.section("mismatch", None, None, False, True, None))
        done = subprocess.run([e2e.BINARY, "check", "--offline", "--only-fatal", "--config", self.instance.conf], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^BAD   \S+:\d+: listener tls: .*mismatch.*does not belong|^BAD .*listener tls: .*mismatch.key")
        done = subprocess.run([e2e.BINARY, "run", "--config", self.instance.conf], capture_output=True, text=True, timeout=e2e.PATIENT_S)
        self.assertEqual(done.returncode, 1, done.stderr)


if __name__ == "__main__":
    e2e.main()
