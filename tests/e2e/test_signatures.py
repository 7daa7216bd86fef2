#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What must be refused (C1-C3, V3): every message here is a good booking made bad in one respect. Nothing may be booked by
any of them, the fault must be signed, and its words must not tell why beyond the table of errors."""
import base64
import re

import e2e
from e2e import E2E, MOSCOW, SERVICE, new_id

import xmlsig
from smev2client import ACTOR_SMEV, Fault


class Refused(E2E):
    @classmethod
    def options(cls):
        # Certificates a chain check must refuse are registered as the portal's: nothing but the check stands in their way.
        def edit(text):
            bad = "".join("cert = %s/%s.pem\n" % (cls.instance.pki, n) for n in ("revoked", "expired", "notyet", "nousage", "stranger", "portal-2001"))
            return re.sub(r"(?m)^(cert = .*/portal\.pem)$", bad + r"\1", text)
        return {"edit": edit}

    def setUp(self):
        self.client = self.portal()
        self.bookings = self.one("select count(*) from data.booking")

    def items(self):
        if not hasattr(type(self), "slot"):
            type(self).slot = self.free_slots(self.client)[0]["slotId"]
        return self.client.book_items(new_id(), self.slot, MOSCOW, False, services=[SERVICE])

    def message(self, client=None, **frame):
        return (client or self.client).envelope("book", self.items(), **frame)

    def refused(self, message, code, action="book", http=500, headers=None):
        """The answer is a signed fault with this code (a set: any of them), and nothing was booked."""
        reply = self.client.post(message, action, headers)
        with self.assertRaises(Fault) as fault:
            self.client.read(reply)
        if code is not None:
            self.assertIn(fault.exception.code, {code} if isinstance(code, str) else code)
        if http is not None:
            self.assertEqual(reply.http_status, http)
        self.assertEqual(self.one("select count(*) from data.booking"), self.bookings)
        return fault.exception

    def test_the_base_is_good(self):
        message = self.message()
        book_id = re.search(rb"<eq:bookId>(.*?)<", message)[1].decode()
        self.assertEqual(self.client.read(self.client.post(message, "book")).status_code, "201")
        self.client.cancel_booking(book_id)

    def test_changed_body(self):
        good = self.message()
        for old, new in ((b"1000000000", b"1000000001"), (MOSCOW.encode(), b"R7700019"), (b"AAAA00001", b"BBBB00002"),
                         (b"<eq:preliminaryReservation>false", b"<eq:preliminaryReservation>true"), (b"REQUEST", b"PING"),
                         (b"</smev:AppData>", b"<eq:x/></smev:AppData>"), (b"</smev:AppData>", b" </smev:AppData>")):
            with self.subTest(old):
                bad = good.replace(old, new, 1)
                self.assertNotEqual(bad, good)
                self.refused(bad, "wsse:FailedCheck")

    def flip(self, message, tag, at):
        """One bit of a base64 value."""
        match = re.search(rb"<%s>([^<]+)</%s>" % (tag, tag), message)
        value = bytearray(base64.b64decode(match[1]))
        value[at] ^= 1
        return message[:match.start(1)] + base64.b64encode(value) + message[match.end(1):]

    def test_changed_signature(self):
        good = self.message()
        for tag in (b"ds:SignatureValue", b"ds:DigestValue"):
            for at in (0, 31, -1):
                self.refused(self.flip(good, tag, at), "wsse:FailedCheck")
        value = re.search(rb"<ds:SignatureValue>([^<]+)<", good)[1]
        raw = base64.b64decode(value)
        for bad in (raw[32:] + raw[:32], raw[::-1], bytes(64), b"\xff" * 64, raw[:-1], raw + b"\0", b""):
            self.refused(good.replace(value, base64.b64encode(bad), 1), {"wsse:FailedCheck", "wsse:InvalidSecurity"})

    def test_no_signature(self):
        body = self.client.body("book", self.items())
        unsigned = '<soap:Envelope xmlns:soap="%s"><soap:Header></soap:Header><soap:Body>%s</soap:Body></soap:Envelope>' % (xmlsig.SOAP, body)
        self.refused(unsigned.encode(), "wsse:InvalidSecurity")
        self.refused(unsigned.replace("<soap:Header></soap:Header>", "").encode(), {"wsse:InvalidSecurity", "soap:Client"})
        good = self.message()
        self.refused(re.sub(rb"<ds:Signature .*</ds:Signature>", b"", good), "wsse:InvalidSecurity")
        self.refused(good.replace(ACTOR_SMEV.encode(), b"http://example.org/other", 1), {"wsse:InvalidSecurity", "soap:MustUnderstand"})
        self.refused(good.replace(b' soap:actor="%s"' % ACTOR_SMEV.encode(), b"", 1), None)

    def test_two_signatures_for_one_actor(self):
        good = self.message()
        security = re.search(rb"<wsse:Security .*?</wsse:Security>", good)[0]
        self.refused(good.replace(security, security + security, 1), "wsse:InvalidSecurity")
        self.refused(good.replace(security, security + security.replace(b'token-', b'taken-'), 1), "wsse:InvalidSecurity")

    def test_algorithms(self):
        good = self.message()
        for old, new in ((b"gostr34102012-gostr34112012-256", b"gostr34102001-gostr3411"), (b"gostr34112012-256", b"gostr34112012-512"),
                         (b"urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34102012-gostr34112012-256", b"http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
                         (b"urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34102012-gostr34112012-256", b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
                         (b"http://www.w3.org/2001/10/xml-exc-c14n#", b"http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
                         (b"http://www.w3.org/2001/10/xml-exc-c14n#", b"http://www.w3.org/2001/10/xml-exc-c14n#WithComments"),
                         (b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform>',
                          b'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"></ds:Transform>')):
            with self.subTest(new):
                bad = good.replace(old, new, 1)
                self.assertNotEqual(bad, good)
                self.refused(bad, {"wsse:UnsupportedAlgorithm", "wsse:FailedCheck", "wsse:InvalidSecurity"})
        # Signed with the real algorithm of 2001: refused by name, it is not configured (C1).
        old = self.portal(who="portal-2001")
        self.refused(self.message(old), "wsse:UnsupportedAlgorithm")

    def test_certificates(self):  # C2
        for who in ("revoked", "expired", "notyet", "nousage", "stranger"):
            with self.subTest(who):
                self.refused(self.message(self.portal(who=who)), "wsse:InvalidSecurityToken")

    def test_sender_mismatch(self):  # C2: good certificates, wrong person
        self.refused(self.message(self.portal(who="other")), "wsse:FailedAuthentication")
        self.refused(self.message(sender="SMEV00001"), "wsse:FailedAuthentication")
        self.refused(self.message(sender="PGU001002"), "wsse:FailedAuthentication")
        self.refused(self.message(self.portal(who="smev")), "wsse:FailedAuthentication")
        self.refused(self.message(self.portal(who="agency-a")), "wsse:FailedAuthentication")

    def test_recipient_is_not_us(self):
        self.client.expect_signer = None
        self.refused(self.message(recipient="CCCC00003"), "soap:Client")

    def test_header_of_smev_must_be_smevs(self):
        forger = self.portal()
        forger.smev = (self.client.key, self.client.cert)  # the portal plays SMEV
        self.refused(forger.envelope("book", self.items(), "m-" + new_id()), "wsse:FailedAuthentication")
        good = self.client.envelope("book", self.items(), "m-1-" + new_id())
        self.refused(good.replace(b"<smev:MessageId>m-1-", b"<smev:MessageId>m-2-"), "wsse:FailedCheck")

    def test_unsigned_header_of_smev_is_no_message_id(self):
        """An unsigned smev:Header must not choose the key of idempotency (B6)."""
        ids = []
        for _ in range(2):
            book_id = new_id()
            message = self.client.envelope("getBookingStatus", [("bookId", book_id), ("esiaId", "1")])
            header = '<smev:Header xmlns:smev="%s"><smev:MessageId>same</smev:MessageId></smev:Header>' % self.client.rev
            reply = self.client.post(message.replace(b"</soap:Header>", header.encode() + b"</soap:Header>"), "getBookingStatus")
            try:
                ids.append(self.client.read(reply).text("bookId"))
                self.assertEqual(ids[-1], book_id)
            except Fault as e:
                self.assertNotIn("уже использован", e.text)

    # ---- signature wrapping (C3) -------------------------------------------------------------------------------

    def test_wrapping(self):
        """The signed body moved away, another body in its place: every position, with the Id kept, dropped or doubled."""
        good = self.message()
        body = re.search(rb"<soap:Body .*</soap:Body>", good, re.S)[0]
        body_id = re.search(rb'wsu:Id="(body-[^"]+)"', body)[1]
        evil_inner = self.client.body("book", self.items(), sender="PGU001001").encode()
        soap, wsu = xmlsig.SOAP.encode(), xmlsig.WSU.encode()
        evils = {
            "no id": b"<soap:Body>" + evil_inner + b"</soap:Body>",
            "other id": b'<soap:Body xmlns:wsu="' + wsu + b'" wsu:Id="evil">' + evil_inner + b"</soap:Body>",
            "same wsu:Id": b'<soap:Body xmlns:wsu="' + wsu + b'" wsu:Id="' + body_id + b'">' + evil_inner + b"</soap:Body>",
            "same Id": b'<soap:Body Id="' + body_id + b'">' + evil_inner + b"</soap:Body>",
            "same xml:id": b'<soap:Body xml:id="' + body_id + b'">' + evil_inner + b"</soap:Body>",
        }
        wrap = b"<w:x xmlns:w='urn:x'>" + body + b"</w:x>"
        places = {
            "header, wrapped": lambda e: good.replace(body, e).replace(b"</soap:Header>", wrap + b"</soap:Header>", 1),
            "header, first": lambda e: good.replace(body, e).replace(b"<soap:Header>", b"<soap:Header>" + wrap, 1),
            "header, bare": lambda e: good.replace(body, e).replace(b"</soap:Header>", body + b"</soap:Header>", 1),
            "security": lambda e: good.replace(body, e).replace(b"</wsse:Security>", wrap + b"</wsse:Security>", 1),
            "ds:Object": lambda e: good.replace(body, e).replace(b"</ds:Signature>", b"<ds:Object>" + body + b"</ds:Object></ds:Signature>", 1),
            "KeyInfo": lambda e: good.replace(body, e).replace(b"</ds:KeyInfo>", wrap + b"</ds:KeyInfo>", 1),
            "second body, evil first": lambda e: good.replace(body, e + body),
            "second body, evil last": lambda e: good.replace(body, body + e),
            "after the body": lambda e: good.replace(body, e + wrap),
            "before the header": lambda e: good.replace(body, e).replace(b"<soap:Header>", wrap + b"<soap:Header>", 1),
            "inside the evil body": lambda e: good.replace(body, e.replace(b"</soap:Body>", wrap + b"</soap:Body>")),
            "inside AppData": lambda e: good.replace(body, e.replace(b"</smev:AppData>", wrap + b"</smev:AppData>")),
            "two headers": lambda e: good.replace(body, e).replace(b"</soap:Header>", b"</soap:Header><soap:Header>" + wrap + b"</soap:Header>", 1),
        }
        count = 0
        for where, move in places.items():
            for what, evil in evils.items():
                with self.subTest(where=where, what=what):
                    bad = move(evil)
                    self.assertIn(evil_inner[:40], bad)
                    xmlsig.parse(bad)  # well-formed, or the test would prove nothing
                    self.refused(bad, {"wsse:FailedCheck", "wsse:InvalidSecurity", "soap:Client"}, http=None)
                    count += 1
        self.assertEqual(count, len(places) * len(evils))
        self.assertIn(soap, good)

    def test_comments_change_nothing(self):
        """No digest covers a comment: wherever a carrier puts some, what was signed is done, once, and the answer is that (C3, C7)."""
        good = self.message()
        book_id = re.search(rb"<eq:bookId>(.*?)<", good)[1]
        forged = b"<!-- %s --><!-- <eq:bookId>%s</eq:bookId> -->" % (b"x" * 20, new_id().encode())
        commented = re.sub(rb"(<soap:Header>|</soap:Header>|<soap:Body [^>]*>|</soap:Body>|<smev:Code>|</smev:MessageData>)", rb"\1" + forged, good)
        commented = commented.replace(book_id, book_id[:7] + forged + book_id[7:], 1)
        self.assertGreaterEqual(commented.count(forged), 8)
        reply = self.client.post(commented)
        self.assertEqual(self.client.read(reply).status_code, "201")
        self.assertEqual(self.client.read(reply).text("bookId").encode(), book_id)
        self.assertEqual(self.client.post(good).body, reply.body)
        self.assertEqual(self.one("select count(*) from data.booking"), self.bookings + 1)
        self.client.cancel_booking(book_id.decode())
        # and where a digest or a key is read from, none may stand
        for before in (b"<ds:SignedInfo", b"</ds:DigestValue>", b"</ds:SignatureValue>", b"</wsse:BinarySecurityToken>"):
            with self.subTest(before):
                self.bookings = self.one("select count(*) from data.booking")
                self.refused(self.message().replace(before, b"<!-- x -->" + before, 1), {"wsse:InvalidSecurity", "wsse:InvalidSecurityToken"})

    def test_references(self):
        good = self.message()
        body_id = re.search(rb'URI="#(body-[^"]+)"', good)[1]
        for uri in (b"", b"#", b"http://127.0.0.1:9/x", b"file:///etc/passwd", b"#xpointer(/)", b"#xpointer(id('%s'))" % body_id, body_id, b"#nobody"):
            with self.subTest(uri):
                self.refused(good.replace(b'URI="#' + body_id, b'URI="' + uri, 1), {"wsse:FailedCheck", "wsse:InvalidSecurity", "wsse:UnsupportedAlgorithm"})

    def test_dtd_and_encodings(self):
        good = self.message()
        declaration = b'<?xml version="1.0" encoding="UTF-8"?>\n'
        self.refused(good.replace(declaration, declaration + b'<!DOCTYPE x [<!ENTITY e "x">]>\n'), "soap:Client")
        self.refused(good.replace(b"UTF-8", b"windows-1251", 1), "soap:Client")
        self.refused(good.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "soap:Client")
        self.refused(good[:-20], "soap:Client")
        self.refused(b"", None, http=None)

    def test_soap_level(self):
        good = self.message()
        self.refused(good, "soap:Client", action="cancelBooking")  # V1: the action must not say otherwise
        self.refused(good.replace(xmlsig.SOAP.encode(), b"http://www.w3.org/2003/05/soap-envelope"), "soap:VersionMismatch")
        self.refused(good.replace(b"</soap:Header>", b'<t:T xmlns:t="urn:t" soap:mustUnderstand="1"></t:T></soap:Header>', 1), "soap:MustUnderstand")
        unknown = self.client.sign(self.client.body("dropTables", []))
        self.refused(unknown, "soap:Client", action="dropTables")

    def test_fault_tells_nothing_of_the_cause(self):
        texts = {self.refused(self.message(self.portal(who=who)), "wsse:InvalidSecurityToken").text for who in ("revoked", "expired", "stranger")}
        self.assertEqual(len({re.sub(r"[0-9a-f-]{8,}", "REF", t) for t in texts}), 1, texts)

    def test_refused_messages_are_journalled_apart(self):  # J1, J4
        marker = "marker-" + new_id()
        self.refused(self.message(self.portal(who="revoked"), CaseNumber=marker), "wsse:InvalidSecurityToken")
        self.instance.stop_daemon()
        self.instance.start_daemon()
        rows = self.sql("select reason from data.journal_refused where position(%s::bytea in head) > 0", marker.encode())
        self.assertEqual(rows, [("TOKEN",)])
        self.assertEqual(self.one("select count(*) from data.journal where position(%s::bytea in body) > 0", marker.encode()), 0)


if __name__ == "__main__":
    e2e.main()
