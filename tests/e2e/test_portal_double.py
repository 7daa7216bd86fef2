#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""M8: the double of the portal finds what is wrong with a sender: what it would not find would not be proved by it."""
import http.client
import shutil
import subprocess
import unittest

import e2e
from e2e import BUILD, NAME, SOURCE, new_id

import smev2client
import xmlsig
from portal_double import Act, OK, PortalDouble

PKI = BUILD / "e2e" / NAME / "pki"
SLOT = [("slotId", "s"), ("organizationId", "R7700018"), ("areaId", "hall-1"), ("visitTime", "2026-12-02T09:45:00+03:00")]


def items(book_id, status="201", slot=True, esia_id="1000000000", **more):
    return [("bookId", book_id), ("esiaId", esia_id), ("timeslot", SLOT if slot else None), ("status", [("statusCode", status), ("statusMessage", "да")])]


class Double(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(PKI.parent, ignore_errors=True)
        subprocess.run(["bash", SOURCE / "tests/lib/pki.sh", PKI], check=True)

    def setUp(self):
        self.acts = []
        self.portal = PortalDouble(PKI, script=lambda call: self.acts.pop(0) if self.acts else OK).start()
        self.addCleanup(self.portal.stop)

    def sender(self, who="agency-a", sender="AAAA00001", recipient="PGU001001", **more):
        client = smev2client.Client(self.portal.url, PKI / (who + ".key"), PKI / (who + ".pem"), PKI / "ca.pem", sender=sender, recipient=recipient,
                                    expect_signer=PKI / "portal.pem", **more)
        self.addCleanup(client.close)
        return client

    def post(self, octets, client=None, action="updateBookingDetails"):
        client = client or self.sender()
        return client.post(octets, action, {"Content-Type": "text/xml; charset=utf-8"})

    def send(self, book_id, status="201", case=None, client=None, **more):
        client = client or self.sender()
        return client.read(self.post(client.envelope("updateBookingDetails", items(book_id, status, **more), CaseNumber=case or new_id()), client))

    def test_a_good_sender_is_judged_good(self):
        a, b = new_id(), new_id()
        for book_id, status in ((a, "201"), (b, "201"), (a, "302"), (b, "203")):
            reply = self.send(book_id, status, slot=status == "201")
            self.assertEqual((reply.error_code, reply.frame["Status"], reply.frame["Sender"]["Code"]), (0, "RESULT", "PGU001001"))
        at = SLOT[3][1]
        good = {a: [("201", at, "да"), ("302", None, "да")], b: [("201", at, "да"), ("203", None, "да")]}
        self.assertEqual(self.portal.judge(good), [])
        self.assertNotEqual(self.portal.judge({**good, a: list(reversed(good[a]))}), [])
        self.assertNotEqual(self.portal.judge({**good, new_id(): [("201", at, "да")]}), [])
        self.assertNotEqual(self.portal.judge({a: good[a]}), [])

    def test_the_same_message_has_one_effect(self):
        book_id, client = new_id(), self.sender()
        octets = client.envelope("updateBookingDetails", items(book_id), CaseNumber=new_id())
        for _ in range(3):
            self.assertEqual(client.read(self.post(octets, client)).error_code, 0)
        good = {book_id: [("201", SLOT[3][1], "да")]}
        self.assertEqual(self.portal.judge(good), [])
        self.send(book_id)  # the same under another number is a second effect
        self.assertEqual(len(self.portal.judge(good)), 1)

    def test_made_anew_under_its_number_is_found(self):
        book_id, case = new_id(), new_id()
        self.send(book_id, case=case)
        self.send(book_id, case=case)
        self.assertIn("sent again in other octets", "".join(self.portal.judge({book_id: [("201", SLOT[3][1], "да")]})))

    def test_one_that_overtakes_is_found(self):
        book_id = new_id()
        for act in (Act(error=1), Act("lost-after"), Act("unsigned"), Act("cut", at=40), Act(status="ACCEPT")):
            book_id = new_id()
            self.acts = [act]
            try:
                self.send(book_id)
            except (xmlsig.SignatureError, http.client.HTTPException, OSError):
                pass
            self.send(book_id, "302", slot=False)
            found = [w for w in self.portal.judge({}, ()) if "overtook" in w and book_id in w]
            self.assertEqual(len(found), 1, act)
            self.assertEqual([w for w in self.portal.judge({}, (book_id,)) if "overtook" in w and book_id in w], [])

    def test_what_no_portal_would_read(self):
        at = SLOT[3][1]
        stranger, plain = self.sender("stranger"), self.sender()
        cases = [
            ("Sender", lambda: self.send(new_id(), client=self.sender(sender="BBBB00002"))),
            ("Sender", lambda: self.send(new_id(), client=self.sender("portal"))),
            ("Recipient", lambda: self.send(new_id(), client=self.sender(recipient="MNSV00001"))),
            ("signature", lambda: self.send(new_id(), client=stranger)),
            ("content", lambda: self.send("")),
            ("content", lambda: self.send(new_id(), "20")),
            ("CaseNumber", lambda: self.post(plain.envelope("updateBookingDetails", items(new_id())), plain)),
            ("Date", lambda: self.post(plain.envelope("updateBookingDetails", items(new_id()), CaseNumber="1", Date="2026-01-01T00:00:00"), plain)),
            ("Date", lambda: self.post(plain.envelope("updateBookingDetails", items(new_id()), CaseNumber="1", Date="2020-01-01T00:00:00+03:00"), plain)),
            ("Status", lambda: self.post(plain.envelope("updateBookingDetails", items(new_id()), CaseNumber="1", Status="RESULT"), plain)),
            ("wrapper", lambda: self.post(plain.envelope("cancelBooking", [("bookId", "1"), ("esiaId", "1")], CaseNumber="1"), plain)),
            ("SOAPAction", lambda: self.post(plain.envelope("updateBookingDetails", items(new_id()), CaseNumber="1"), plain, "book")),
            ("content", lambda: self.post(plain.envelope("updateBookingDetails", list(reversed(items(new_id()))), CaseNumber="1"), plain)),
            ("content", lambda: self.post(plain.envelope("updateBookingDetails", items(new_id())[:3] + [("status", "201")], CaseNumber="1"), plain)),
        ]
        for i, (word, act) in enumerate(cases):
            with self.subTest(i, word=word, at=at):
                before = len(self.portal.violations)
                try:
                    act()
                except (smev2client.Fault, xmlsig.SignatureError):
                    pass
                self.assertEqual(len(self.portal.violations), before + 1)
                self.assertIn(word, self.portal.violations[-1])
        self.assertEqual(self.portal.calls, [])

    def test_a_changed_octet_is_found(self):
        client = self.sender()
        octets = client.envelope("updateBookingDetails", items(new_id()), CaseNumber=new_id())
        for old, new in ((b">201<", b">301<"), (b"R7700018", b"R7700019"), (b"</soap:Body>", b" </soap:Body>")):
            self.assertIn(old, octets)
            self.assertEqual(self.post(octets.replace(old, new), client).http_status, 500)
        self.assertEqual(len(self.portal.violations), 3)

    def test_each_misbehaviour(self):
        """What the double is told to do is what comes, and only what says yes to the end counts as one."""
        yes = {"answer": OK, "no-case": Act("no-case"), "countersigned": Act("countersigned"), "drip": Act(drip=512), "late": Act(late=0.05)}
        for name, act in yes.items():
            with self.subTest(name):
                self.acts = [act]
                self.assertEqual(self.send(new_id()).error_code, 0)
        no = {"stranger": (Act("stranger"), "authority"), "unsigned": (Act("unsigned"), "."), "lost": (Act("lost-before"), "."),
              "lost after": (Act("lost-after"), "."), "cut": (Act("cut", at=200), "."), "fault": (Act("fault"), "soap:Server"),
              "page": (Act("http", http=503), ".")}
        applied = len(self.portal.applied)
        for name, (act, words) in no.items():
            with self.subTest(name):
                self.acts = [act]
                with self.assertRaisesRegex((smev2client.Fault, xmlsig.SignatureError, http.client.HTTPException, OSError), words):
                    self.send(new_id())
        self.assertEqual(len(self.portal.applied), applied + 2)
        for error, status in ((1, "FAILURE"), (2, "INVALID"), (3, "RESULT"), (4, "REJECT")):
            self.acts = [Act(error=error, message="Время занято")]
            reply = self.send(new_id())
            self.assertEqual((reply.error_code, reply.frame["Status"]), (error, status))
        self.assertEqual(self.portal.violations, [])

    def test_nobody_listens_after_the_end(self):
        self.portal.stop()
        with self.assertRaises(OSError):
            self.send(new_id())
        again = PortalDouble(PKI, port=self.portal.port).start()
        self.addCleanup(again.stop)
        self.assertEqual(self.send(new_id()).error_code, 0)


if __name__ == "__main__":
    e2e.main()
