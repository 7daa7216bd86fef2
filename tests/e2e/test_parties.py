#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L5: one party's trouble is one party's. L4: it is said, by reload, log, /readyz and metrics. What cannot be signed is not booked."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import e2e
from e2e import BINARY, E2E, KAMCHATKA, MOSCOW, SERVICE, new_id

from instance import free_ports
from smev2client import Client, Fault


class Reloading(E2E):
    def setUp(self):
        self.good = self.instance.conf.read_text()
        self.addCleanup(self.reload, self.good, "taken")

    def log_from(self, offset):
        with open(self.instance.log, encoding="utf-8", errors="replace") as f:
            f.seek(offset)
            return f.read()

    def reload(self, text, result):
        """Writes a configuration, reloads, returns what was logged."""
        offset = self.instance.log.stat().st_size
        self.instance.conf.write_text(text)
        os.kill(self.instance.pid(), signal.SIGHUP)
        deadline = time.monotonic() + 60
        while " reload result=" not in self.log_from(offset):
            self.assertLess(time.monotonic(), deadline, "no word about the reload")
            time.sleep(0.02)
        said = self.log_from(offset)
        self.assertIn(" reload result=%s " % result, said.replace("\n", " \n"))
        return said

    def restart(self, text):
        """At a start there is nothing to be kept. Returns what was logged."""
        offset = self.instance.log.stat().st_size
        self.instance.stop_daemon()
        self.instance.edit = lambda _: text
        self.instance.start_daemon(wait=False)
        deadline = time.monotonic() + 60
        while True:
            try:
                if not self.ready()[1]["reasons"][:1] or "no agency can sign" in self.ready()[1]["reasons"]:
                    break
            except OSError:
                pass
            self.assertLess(time.monotonic(), deadline, "the daemon does not get ready")
            time.sleep(0.02)
        return self.log_from(offset)

    def check(self, *options):
        done = subprocess.run([BINARY, "check", "--config", self.instance.conf, *options], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def ready(self, path="/readyz"):
        status, body = self.instance.admin(path)
        return status, json.loads(body)

    def metric(self, line):
        self.assertIn(line + "\n", self.instance.admin("/metrics")[1])

    def bookings(self):
        return self.one("select count(*) from data.booking")


class Parties(Reloading):
    def test_own_certificates_that_are_of_no_use(self):
        """Run out, revoked, not for signatures, from the start: refused before anything is booked; the other agency goes on."""
        ours, theirs = self.portal(), self.portal(recipient="BBBB00002")
        ours.expect_signer = None  # faults in the name of an agency that cannot sign are signed by one that can
        slot, other = self.free_slots(ours)[0]["slotId"], [s["slotId"] for s in self.free_slots(theirs, KAMCHATKA)]
        for i, name in enumerate(("expired", "revoked", "nousage", "notyet")):
            said = self.restart(self.good.replace("agency-a.", name + "."))
            self.assertRegex(said, r'trouble about="agency AAAA00001" at=\S+ detail=.*nothing is booked in its name')
            before = self.bookings()
            with self.assertRaises(Fault) as fault:
                ours.book(new_id(), slot, MOSCOW, services=[SERVICE])
            self.assertEqual((fault.exception.reply.http_status, fault.exception.code), (503, "soap:Server"))
            self.assertEqual(self.bookings(), before, name)
            self.assertEqual(theirs.book(new_id(), other[i], KAMCHATKA, services=[SERVICE]).status_code, "201")
            status, body = self.ready()
            self.assertEqual((status, body["ready"], body["agencies"]["AAAA00001"]["ready"], body["agencies"]["BBBB00002"]["ready"]), (200, True, False, True))
            self.assertEqual(self.ready("/readyz?agency=AAAA00001")[0], 503)
            self.assertEqual(self.ready("/readyz?agency=BBBB00002"), (200, {"ready": True, "reasons": []}))
            self.metric('zapisd_agency_ready{agency="AAAA00001"} 0')
            self.metric('zapisd_agency_ready{agency="BBBB00002"} 1')
        self.reload(self.good, "taken")
        self.assertEqual(ours.book(new_id(), slot, MOSCOW, services=[SERVICE]).status_code, "201")
        self.assertEqual(self.instance.admin("/readyz?agency=CCCC00003")[0], 404)

    def test_an_agency_that_one_side_alone_knows(self):
        """Told by check, and no reason against a start; what somebody has locked cannot be looked at, and keeps it from nothing."""
        def told(text):
            self.instance.conf.write_text(text)
            code, said = self.check()
            return code, re.findall(r"^warn  database: (agency .*|not everything .*)$", said, re.M)
        self.addCleanup(self.instance.conf.write_text, self.good)
        self.assertEqual(told(self.good), (0, []))
        self.assertEqual(told(self.good.replace("[agency BBBB00002]", "[agency CCCC00003]")), (0, [
            "agency BBBB00002 has organizations and no [agency] section: its messages are refused",
            "agency CCCC00003 of the configuration is not in data.agency: its messages find no organization"]))
        self.sql("update data.organization set is_active = false where agency_code = 'BBBB00002'")
        self.assertEqual(told(self.good.replace("[agency BBBB00002]", "[agency AAAA00009]"))[1],
                         ["agency AAAA00009 of the configuration is not in data.agency: its messages find no organization"])
        self.sql("update data.organization set is_active = true where agency_code = 'BBBB00002'")
        with self.instance.connect() as held, held.cursor() as c:
            c.execute("begin; lock table data.agency in access exclusive mode")
            code, said = told(self.good)
            c.execute("rollback")
        self.assertEqual((code, len(said)), (0, 1), said)
        self.assertRegex(said[0], "^not everything can be looked at now: ")

    def test_what_was_answered_is_answered_again(self):  # B6
        """While its agency cannot sign: the stored bytes are as good as they were. Nothing new is made, for whatever reason."""
        client = self.portal()
        client.expect_signer = None
        slots = [s["slotId"] for s in self.free_slots(client)]
        book_id = new_id()
        booked = client.envelope("book", client.book_items(book_id, slots[:1], MOSCOW, False, services=[SERVICE]), new_id())
        wrong = client.envelope("book", client.book_items(new_id(), ["nonsense"], MOSCOW, False, services=[SERVICE]), new_id())
        cancelled = client.envelope("cancelBooking", [("bookId", book_id), ("esiaId", "1000000000")], new_id())
        read = client.envelope("getRefsList", [])
        fresh = client.envelope("book", client.book_items(new_id(), slots[1:2], MOSCOW, False, services=[SERVICE]))
        said = {m: client.post(m) for m in (booked, wrong, cancelled)}
        self.assertEqual([r.http_status for r in said.values()], [200, 200, 200])
        client.post(read)
        self.restart(self.good.replace("agency-a.", "expired."))
        before = self.bookings(), self.one("select count(*) from data.message_seen")
        for message, first in said.items():
            for edited in (message, re.sub(rb"<smev:Header .*?</smev:Header>", b"", message, flags=re.S)):
                again = client.post(edited)
                if edited is message:
                    self.assertEqual((again.http_status, again.body), (200, first.body))
                else:  # SMEV's signature is broken now: a fault, whoever signs it
                    self.assertNotEqual(again.http_status, 200)
            alone = re.sub(rb"<wsse:Security [^>]*actors/recipient.*?</wsse:Security>", b"", message, flags=re.S)
            self.assertEqual(client.post(alone).body, first.body)
        for message in (fresh, read, client.envelope("book", client.book_items(new_id(), ["nonsense"], MOSCOW, False, services=[SERVICE]))):
            with self.assertRaises(Fault) as fault:
                client.read(client.post(message))
            self.assertEqual((fault.exception.reply.http_status, fault.exception.code), (503, "soap:Server"))
        self.assertEqual((self.bookings(), self.one("select count(*) from data.message_seen")), before)
        self.assertEqual(self.one("select count(*) from data.journal where status = 'replay' and body = %s", said[booked].body), 2)
        self.reload(self.good, "taken")
        self.assertEqual(client.read(client.post(fresh)).status_code, "201")

    def test_no_agency_can_sign(self):
        self.restart(self.good.replace("agency-a.", "expired.").replace("agency-b.", "expired."))
        deadline = time.monotonic() + 60
        while self.ready()[1]["reasons"] != ["no agency can sign"]:  # the database is asked meanwhile
            self.assertLess(time.monotonic(), deadline, self.ready())
            time.sleep(0.02)
        self.assertEqual(self.ready()[0], 503)

    def test_a_reload_takes_the_new_list_whoever_has_a_mistake(self):
        """A partner's old certificate beside its new one, and another's file that is garbage: the new list counts all the same."""
        for name in ("ca.crl", "index.txt", "crlnumber"):
            shutil.copy(self.instance.pki / name, self.instance.pki / (name + ".kept"))
            self.addCleanup(shutil.move, self.instance.pki / (name + ".kept"), self.instance.pki / name)
        env = {"PATH": os.environ["PATH"], "OPENSSL_CONF": str(self.instance.pki / "openssl.cnf")}
        text = self.good.replace("/portal.pem\n", "/portal.pem\ncert = %s/expired.pem\n" % self.instance.pki)
        self.instance.conf.write_text(text)
        status, said = self.check()
        self.assertEqual(status, 0, said)
        self.assertRegex(said, "(?m)^warn .*expired.pem")
        (self.instance.pki / "smev-now.pem").write_text("garbage")
        text = text.replace("/smev.pem", "/smev-now.pem")
        for args in (["ca", "-revoke", "portal.pem"], ["ca", "-gencrl", "-out", "ca.crl"]):
            subprocess.run(["openssl", *args], cwd=self.instance.pki, env=env, check=True, capture_output=True)
        said = self.reload(text, "taken-in-part")
        self.assertIn('refused="sender SMEV00001"', said)
        self.assertRegex(self.check()[1], r"(?m)^BAD .*:\d+: sender SMEV00001: .*smev-now.pem")
        self.assertEqual(self.check("--only-fatal")[0], 0)  # so the unit reloads, and starts
        with self.assertRaises(Fault) as fault:
            self.portal().get_refs_list()
        self.assertEqual(fault.exception.code, "wsse:InvalidSecurityToken")
        # SMEV is what it was before
        self.assertEqual(self.portal(who="portal-new").call("getRefsList", [], message_id="m-" + new_id()).error_code, 0)
        body = self.ready()[1]
        self.assertEqual((body["senders"]["PGU001001"]["ready"], body["senders"]["SMEV00001"]["ready"]), (True, True))
        self.assertIn("smev-now.pem", " ".join(body["senders"]["SMEV00001"]["warnings"]))
        self.assertIn("revoked", " ".join(body["troubles"]))
        # C5, promise 6: an agency whose new files do not fit signs with its old ones
        said = self.reload(self.good.replace("agency-a.key", "agency-b.key"), "taken-in-part")
        self.assertIn('refused="agency AAAA00001"', said)
        self.assertEqual(self.portal(who="portal-new").get_refs_list().error_code, 0)

    def test_nobody_would_be_believed(self):
        """A list that has run out refuses everybody: check, the reload's lines, /readyz and metrics say it."""
        shutil.copy(self.instance.pki / "ca.crl", self.instance.pki / "ca.crl.kept")
        self.addCleanup(shutil.move, self.instance.pki / "ca.crl.kept", self.instance.pki / "ca.crl")
        env = {"PATH": os.environ["PATH"], "OPENSSL_CONF": str(self.instance.pki / "openssl.cnf")}
        subprocess.run(["openssl", "ca", "-gencrl", "-crlsec", "5", "-out", "ca.crl"], cwd=self.instance.pki, env=env, check=True, capture_output=True)
        self.reload(self.good, "taken")
        deadline = time.monotonic() + 60
        while self.ready()[0] == 200:
            self.assertLess(time.monotonic(), deadline, "nobody noticed that the list has run out")
            time.sleep(0.1)
        said = self.reload(self.good, "taken")
        self.assertIn("CRL has expired", said)
        status, said = self.check()
        self.assertEqual(status, 1)
        self.assertRegex(said, r"(?m)^BAD .*sender PGU001001: .*portal.pem: CRL has expired")
        self.assertRegex(said, r"(?m)^warn .*trust: revocation list of .*ended")
        status, body = self.ready()
        self.assertEqual((status, body["reasons"]), (503, ["no sender would be believed"]))
        self.metric('zapisd_sender_ready{sender="PGU001001"} 0')

    def test_what_needs_a_restart_is_said(self):
        said = self.reload(self.good.replace("workers = 2", "workers = 3").replace("path = /equeue", "path = /other", 1), "taken")
        self.assertRegex(said, r'needs_restart="\[daemon\] workers, \[listener plain\] path[",]')

    def test_time_goes_by(self):
        """A certificate that runs out while nobody reloads is noticed, said once, and nothing is booked."""
        pki = self.instance.pki
        env = {"PATH": os.environ["PATH"], "OPENSSL_CONF": str(pki / "openssl.cnf")}
        end = time.time() + 25
        subprocess.run(["openssl", "req", "-new", "-key", "agency-a.key", "-subj", "/C=RU/O=zapisd tests/CN=Test agency A", "-out", "short.csr"],
                       cwd=pki, env=env, check=True, capture_output=True)
        subprocess.run(["openssl", "ca", "-batch", "-notext", "-in", "short.csr", "-out", "short.pem", "-extensions", "leaf", "-enddate",
                        time.strftime("%Y%m%d%H%M%SZ", time.gmtime(end))], cwd=pki, env=env, check=True, capture_output=True)
        self.reload(self.good.replace("agency-a.pem", "short.pem"), "taken")
        offset = self.instance.log.stat().st_size
        deadline = time.monotonic() + 120
        while self.ready("/readyz?agency=AAAA00001")[0] == 200:
            self.assertLess(time.monotonic(), deadline, "nobody noticed")
            time.sleep(0.1)
        self.assertGreaterEqual(time.time(), end - 1)
        said = [line for line in self.log_from(offset).splitlines() if " trouble " in line]
        self.assertEqual(len(said), 1, said)
        self.assertIn("about=agency code=AAAA00001", said[0])
        before, client = self.bookings(), self.portal()
        client.expect_signer = None
        self.assertRaises(Fault, client.book, new_id(), "1", MOSCOW, services=[SERVICE])
        self.assertEqual(self.bookings(), before)


class PlainOfOneAgency(Reloading):
    """C6: a listener without signatures that serves one agency needs no key of its: it serves that agency, and no other, whatever has become of the key."""

    @classmethod
    def options(cls):
        cls.ours_port, cls.theirs_port = free_ports(2)
        return {"edit": lambda text: text + "".join("\n[listener %s]\nkind = plain\naddress = 127.0.0.1:%d\nagency = %s\n" % row for row in (
            ("ours", cls.ours_port, "AAAA00001"), ("theirs", cls.theirs_port, "BBBB00002")))}

    def served(self, port, own, other):
        """Books, asks and cancels in its own agency; in the other one there is nothing for it, and nothing is booked."""
        client = Client("http://127.0.0.1:%d/equeue" % port)
        self.addCleanup(client.close)
        slot, foreign = self.free_slots(client, own)[0]["slotId"], self.free_slots(self.portal("plain"), other)[0]["slotId"]
        book_id = new_id()
        self.assertEqual(client.book(book_id, slot, own, services=[SERVICE]).status_code, "201")
        self.assertEqual(self.one("select agency_code from data.booking join data.organization using (organization_id) where book_id = %s", book_id),
                         self.one("select agency_code from data.organization where organization_id = %s", own))
        self.assertEqual(client.get_booking_status(book_id).status_code, "201")
        self.assertEqual([(r.error_code, r.slots) for r in (client.get_slots(other, services=[SERVICE]),)], [(2, [])])
        before = self.bookings()
        self.assertNotEqual(client.book(new_id(), foreign, other, services=[SERVICE]).status_code, "201")
        self.assertEqual(self.bookings(), before)
        self.assertEqual(client.cancel_booking(book_id).error_code, 0)
        self.assertEqual(self.sql("select distinct recipient_code from data.journal where listener = %s", "ours" if port == self.ours_port else "theirs"),
                         [("AAAA00001" if port == self.ours_port else "BBBB00002",)])

    def test_an_agency_that_cannot_sign(self):
        """Its certificate has run out; its key is not there; both are garbage. At a start, so nothing is kept from before."""
        pki = self.instance.pki
        (pki / "garbage.pem").write_text("garbage")
        for text in (self.good, self.good.replace("agency-a.", "expired."), self.good.replace("agency-a.key", "gone.key"),
                     self.good.replace("agency-a.key", "garbage.pem").replace("agency-a.pem", "garbage.pem")):
            if text is not self.good:
                self.restart(text)
                self.assertEqual(self.ready("/readyz?agency=AAAA00001")[0], 503)
            self.served(self.ours_port, MOSCOW, KAMCHATKA)
            self.served(self.theirs_port, KAMCHATKA, MOSCOW)

    def test_an_agency_that_a_reload_takes_away(self):
        """A listener goes on until the restart, for the agency it was opened for; it does not become one for all."""
        text = re.sub(r"(?ms)^\[agency BBBB00002\].*?(?=^\[)", "", self.good)
        for left in (text.replace("agency = BBBB00002\n", ""), text.replace("agency = BBBB00002\n", "agency = AAAA00001\n")):
            self.assertNotIn("BBBB00002", left)
            self.assertRegex(self.reload(left, "taken"), r'needs_restart=".*\[listener theirs\] agency')
            self.served(self.theirs_port, KAMCHATKA, MOSCOW)
            self.served(self.ours_port, MOSCOW, KAMCHATKA)


class TlsDates(Reloading):
    """The certificate of a listener for TLS (L4, O2)."""

    @classmethod
    def options(cls):
        cls.tls_port, = free_ports(1)
        return {"edit": cls.edit}

    @classmethod
    def make(cls, end):
        pki = cls.instance.pki
        env = {"PATH": os.environ["PATH"], "OPENSSL_CONF": str(pki / "openssl.cnf")}
        subprocess.run(["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "tls.key.new", "-subj", "/C=RU/O=zapisd tests/CN=localhost",
                        "-out", "tls.csr"], cwd=pki, env=env, check=True, capture_output=True)
        subprocess.run(["openssl", "ca", "-batch", "-notext", "-in", "tls.csr", "-out", "tls.pem", "-enddate", time.strftime("%Y%m%d%H%M%SZ", time.gmtime(end))],
                       cwd=pki, env=env, check=True, capture_output=True)
        (pki / "tls.key.new").rename(pki / "tls.key")

    @classmethod
    def edit(cls, text):
        if not (cls.instance.pki / "tls.pem").exists():
            cls.end = int(time.time()) + 60
            cls.make(cls.end)
        return text + "\n[listener tls]\nkind = plain\naddress = 127.0.0.1:%d\ntls_cert = %s/tls.pem\ntls_key = %s/tls.key\n" % (
            cls.tls_port, cls.instance.pki, cls.instance.pki)

    def test_it_runs_out(self):
        """Nobody reloads: it is said once, in /readyz and by the metric; the others are served. A new one in the same file is taken by a reload."""
        pem = str(self.instance.pki / "tls.pem")
        self.metric('zapisd_tls_certificate_expiry_timestamp_seconds{listener="tls"} %d' % self.end)
        self.assertIn(pem + ": 0 days left", self.ready()[1]["troubles"])
        deadline = time.monotonic() + 300
        while pem + ": has expired: callers will not connect" not in self.ready()[1]["troubles"]:
            self.assertLess(time.monotonic(), deadline, "nobody noticed")
            time.sleep(0.1)
        self.assertGreaterEqual(time.time(), self.end - 1)
        said = [line for line in self.log_from(0).splitlines() if " trouble " in line and "has expired" in line]
        self.assertEqual(len(said), 1, said)
        self.assertIn("error trouble about=listener code=tls", said[0])
        status, body = self.ready()
        self.assertEqual((status, body["listeners"]["tls"]["ready"]), (200, False))
        # a reload looks at the files: what is no better is taken, for there is nothing to be kept
        self.assertRegex(self.reload(self.good, "taken"), r'trouble about="listener tls" at=\S+ detail=.*has expired')
        self.make(time.time() + 86400 * 100)
        self.assertNotIn("needs_restart", self.reload(self.good, "taken"))
        self.assertNotIn(pem, str(self.ready()[1]["troubles"]))
        self.assertEqual(self.ready()[1]["listeners"]["tls"]["ready"], True)
        kept = (self.instance.pki / "tls.pem").read_bytes()
        (self.instance.pki / "tls.pem").write_text("nonsense")
        self.addCleanup((self.instance.pki / "tls.pem").write_bytes, kept)
        self.assertRegex(self.reload(self.good, "taken-in-part"), "tls.pem: no usable certificate.*; what was loaded before stays")
        self.assertIn(pem + ": no usable certificate", str(self.ready()[1]["troubles"]))
        self.assertEqual(self.ready()[1]["listeners"]["tls"]["ready"], True)
        (self.instance.pki / "tls.pem").write_bytes(kept)


if __name__ == "__main__":
    e2e.main()
