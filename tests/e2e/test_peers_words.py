#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""J3, L2, M9: what a peer writes where we would write names: elements, attributes, headers, paths, namespaces, algorithms, fields of
smev:Message. None of it reaches the log as it came; what is kept of it has the bounds of docs/limits.md; what is echoed somebody sent."""
import re
import socket

import e2e
from e2e import E2E, MOSCOW, SERVICE, new_id

from smev2client import EQ, SOAP, Client, Fault

# A name and a telephone, as somebody's program may paste them; and what they are in a path.
WORDS = ("Qzivanov79991234567", "Секретовский", "Qz_4509_987654", "Qzivanov" * 6)
NEVER = ("Qzivanov", "9991234567", "Секретовск", "987654", "%D0%A1", "Qz_")
NASTY = {"zero width": "A\u200b-1", "C1 control": "A\u009b2J\u009b31m-1", "override": "A\u202e321", "private use": "\ue000", "marks": "e" + "\u0301" * 31,
         "many marks": "e" + "\u0301" * 400, "long": "x" * 256, "longest": "x" * 1024, "long in letters": "я" * 256, "tag": "A\U000e0041", "soft hyphen": "A\u00adB"}
GOOD = {"a number": "0000/АБВ-1", "as long as it may be": "x" * 255, "marks": "e" + "\u0301" * 30, "astral": "\U0001d504" * 200, "blanks within": "дело 1"}


class Strict(E2E):
    reading = "strict"

    @classmethod
    def options(cls):
        def edit(text):
            text = re.sub(r"(?m)^\[sender PGU001001\]$", "[sender PGU001001]\nreading = %s" % cls.reading, text)
            return re.sub(r"(?m)^(kind = plain)$", r"\1\nreading = %s" % cls.reading, text)
        return {"edit": edit}

    def plain(self):
        client = Client(self.instance.url("plain"))
        self.addCleanup(client.close)
        return client

    # ---- J3: the log -------------------------------------------------------------------------------------------------

    def bare(self, method, inner, attributes="", ns=EQ):
        return '<e:%sRequest xmlns:e="%s"%s>%s</e:%sRequest>' % (method, ns, attributes, inner, method)

    def bodies(self, word):
        """Bare elements that say the word wherever a name stands."""
        fields = "<e:bookId>%s</e:bookId><e:esiaId>1</e:esiaId>" % new_id()
        for method in ("getBookingStatus", "cancelBooking", "getSlots", "book", "getRefItemsList", "getRefAttributesList", "getRefsList", "updateBookingDetails"):
            yield self.bare(method, fields + "<e:%s/>" % word)
            yield self.bare(method, "<e:%s>%s</e:%s>" % (word, word, word) + fields)
            yield self.bare(method, fields, ' %s="%s"' % (word, word))
            yield self.bare(method, "<e:bookId %s='%s'>1</e:bookId><e:esiaId>1</e:esiaId>" % (word, word))
            yield self.bare(method, "<e:bookId><e:%s/></e:bookId><e:esiaId>1</e:esiaId>" % word)
            yield self.bare(method, "<x:bookId xmlns:x='urn:%s'>1</x:bookId>" % word)
            yield self.bare(method, fields + "<e:userDoc><e:%s/></e:userDoc><e:attributes><e:%s/></e:attributes>" % (word, word))
            yield self.bare(method, word + fields)
        yield self.bare(word, fields)
        yield self.bare("book", fields, ns="urn:" + word)
        yield "<%s/>" % word

    def envelopes(self, word, body):
        envelope = '<s:Envelope xmlns:s="%s">%%s<s:Body>%s</s:Body>%%s</s:Envelope>' % (SOAP, body)
        yield envelope % ("", "")
        yield envelope % ('<s:Header><t:%s xmlns:t="urn:%s" s:mustUnderstand="1"/></s:Header>' % (word, word), "")
        yield envelope % ("", "<%s/>" % word)
        yield envelope % ("<%s/>" % word, "")
        yield '<s:Envelope xmlns:s="urn:%s"><s:Body/></s:Envelope>' % word
        yield "<%s/>" % word
        yield "<%s>" % word
        yield "<a %s='1' %s='2'/>" % (word, word)
        yield "<%s:a/>" % word
        yield "<!DOCTYPE %s><a/>" % word
        yield "<a>&%s;</a>" % word
        yield "<?%s?><a/>" % word
        yield "<?xml version='1.0' encoding='%s'?><a/>" % word

    def signed(self, client, word):
        """What a stranger or a sender may write around and into a signature; it is looked at before any digest is."""
        items = [("bookId", new_id()), ("esiaId", "1")]
        whole = client.envelope("getBookingStatus", items).decode()
        yield whole.replace("<soap:Header>", '<soap:Header><t:%s xmlns:t="urn:t" soap:mustUnderstand="1"/>' % word)
        yield whole.replace("</soap:Body>", "</soap:Body><%s/>" % word)
        yield re.sub(r"(<ds:Signature\b)", r"<%s/>\1" % word, whole, count=1)
        for element in ("DigestMethod", "SignatureMethod", "CanonicalizationMethod", "Transform"):
            yield re.sub(r'(<ds:%s\b[^>]*Algorithm=")[^"]*' % element, lambda m: m[1] + "urn:" + word, whole, count=1)
            yield re.sub(r"<ds:%s\b" % element, "<ds:%s" % word, whole, count=1)
        for attribute in ("ValueType", "EncodingType"):
            yield re.sub(r'%s="[^"]*"' % attribute, '%s="urn:%s"' % (attribute, word), whole, count=1)
        yield re.sub(r'URI="#body-[^"]*"', 'URI="#%s"' % word, whole, count=1)
        yield re.sub(r'URI="#body-[^"]*"', 'URI="#%s"' % word, whole, count=1).replace("<soap:Header>", '<soap:Header><%s Id="%s"/>' % (word, word))
        yield re.sub(r"(</ds:SignatureValue>)", r"\1<%s/>" % word, whole, count=1)
        yield re.sub(r"<ds:KeyInfo", "<%s/><ds:KeyInfo" % word, whole, count=1)
        for name in ("sender", "recipient", "ServiceName", "TypeCode", "Status", "Date", "ExchangeType", "RequestIdRef", "OriginRequestIdRef", "ServiceCode", "CaseNumber", "TestMsg"):
            yield client.envelope("getBookingStatus", items, **{name: word}).decode()
        yield client.envelope("getBookingStatus", items, Originator=[("Code", word), ("Name", word)]).decode()
        for body in self.bodies(word):
            method = re.match(r"<e:(\S+)Request", body)
            if method:
                inner = re.sub(r"^<e:[^>]*>(.*)</e:[^>]*>$", r"\1", body, flags=re.S).replace("e:", "eq:")
                yield client.envelope(method[1], inner).decode()

    def requests(self, word):
        path = "".join(c if c.isascii() else "%%%02X" % b for c in word for b in c.encode())
        good = b"Content-Length: 2\r\n\r\n{}"
        for line in ("POST /%s HTTP/1.1", "GET /equeue/%s HTTP/1.1", "POST /equeue?fio=%s HTTP/1.1", "GET /%s?x HTTP/1.1", "%s / HTTP/1.1", "POST /equeue %s", "DELETE /%s HTTP/1.1"):
            yield (line % path).encode() + b"\r\nHost: a\r\n" + good
        for header in ("Content-Type: %s", "Content-Type: text/%s", "Content-Type: text/xml; charset=%s", "Content-Encoding: %s", "Transfer-Encoding: %s", "Host: %s",
                       "Host: a %s", "%s: x", "Content-Length: %s", "Expect: %s", "SOAPAction: \"%s\"", "User-Agent: %s", "Cookie: %s", "Content-Type: text/xml\r\n %s"):
            yield b"POST /equeue HTTP/1.1\r\n" + (b"" if header.startswith("Host") else b"Host: a\r\n") + (header % path).encode() + b"\r\n" + good

    def test_the_log_repeats_no_word_of_a_peer(self):
        sent, plain, portal = 0, self.plain(), self.portal()
        for word in WORDS:
            for body in self.bodies(word):
                plain.post(('<s:Envelope xmlns:s="%s"><s:Body>%s</s:Body></s:Envelope>' % (SOAP, body)).encode(), word if word.isascii() else "")
                sent += 1
            for whole in self.envelopes(word, self.bare("getBookingStatus", "")):
                for client in (plain, portal):
                    client.post(whole.encode())
                    sent += 1
            for whole in self.signed(portal, word):
                portal.post(whole.encode())
                sent += 1
            for data in self.requests(word):
                with socket.create_connection(("127.0.0.1", self.instance.plain_port), timeout=e2e.PATIENT_S) as s:
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
                sent += 1
        self.assertGreater(sent, 500)
        self.instance.stop_daemon()  # what is bounded is said at the end
        self.instance.start_daemon()
        log = self.instance.log.read_text(encoding="utf-8", errors="replace")
        self.assertIn("http-refused", log)
        self.assertIn("bad fields, the first is", log)
        found = [line for line in log.splitlines() if any(n in line for n in NEVER)]
        self.assertEqual(found[:20], [], "%d lines" % len(found))

    def test_known_names_are_told(self):
        """L4: who only writes another version of a name is helped by the line."""
        portal = self.portal()
        whole = portal.envelope("getBookingStatus", [("bookId", new_id()), ("esiaId", "1")]).decode()
        portal.post(re.sub(r'(<ds:DigestMethod[^>]*Algorithm=")[^"]*', r"\1http://www.w3.org/2000/09/xmldsig#sha1", whole, count=1).encode())
        portal.post(whole.replace(SOAP, "http://www.w3.org/2003/05/soap-envelope").encode())
        plain = self.plain()
        plain.post(whole.encode(), headers={"Content-Type": "application/soap+xml; charset=utf-8"})
        log = e2e.wait_until(lambda: (t := self.instance.log.read_text(errors="replace")) and "application/soap+xml" in t and t, e2e.PATIENT_S, "the line") \
            or self.instance.log.read_text(errors="replace")
        self.assertIn("digest algorithm not supported: http://www.w3.org/2000/09/xmldsig#sha1", log)
        self.assertIn("another SOAP version: http://www.w3.org/2003/05/soap-envelope", log)

    # ---- L2: what is kept --------------------------------------------------------------------------------------------

    def booked(self, book_id):
        return (self.sql("select state::text, case_number from data.booking where book_key = %s", book_id) or [(None, None)])[0]

    def test_a_case_number_of_the_frame_has_the_bounds_of_the_field(self):
        portal = self.portal()
        slots = [s["slotId"] for s in self.free_slots(portal)]
        for name, value in NASTY.items():
            with self.subTest(name):
                plain = self.plain().book(new_id(), slots[0], MOSCOW, services=[SERVICE], applicant={"lastName": "Тестов", "caseNumber": value})
                book_id = new_id()
                alone = portal.book(book_id, slots[0], MOSCOW, services=[SERVICE], frame={"CaseNumber": value})
                self.assertEqual((alone.status_code, alone.error_code, alone.fields), (plain.status_code, plain.error_code, {"CaseNumber": plain.fields["caseNumber"]}))
                self.assertEqual(alone.texts("error/fieldErrors/FieldError/errorDetail/errorMessage"), plain.texts("error/fieldErrors/FieldError/errorDetail/errorMessage"))
                self.assertIn(self.booked(book_id), ((None, None), ("RETURNED", None)))
                book_id = new_id()
                beside = portal.book(book_id, slots[0], MOSCOW, services=[SERVICE], frame={"CaseNumber": value}, applicant={"lastName": "Тестов", "caseNumber": "7"})
                self.assertEqual((beside.status_code, self.booked(book_id)), ("201", ("BOOKED", "7")))
                for call in (portal.get_booking_status, portal.cancel_booking):
                    self.assertEqual(call(book_id, CaseNumber=value).error_code, 0)  # it merely accompanies
                portal.get_slots(MOSCOW, CaseNumber=value)
        for name, value in GOOD.items():
            with self.subTest(name):
                book_id = new_id()
                self.assertEqual(portal.book(book_id, slots[0], MOSCOW, services=[SERVICE], frame={"CaseNumber": value}).status_code, "201")
                self.assertEqual(self.booked(book_id), ("BOOKED", value))
                portal.cancel_booking(book_id)
        self.assert_nothing_unseen()

    def test_what_stands_in_the_frame_is_not_kept_as_it_comes(self):
        """Each field of smev:Message and smev:Header, with what no line may hold, in a booking and in what is refused."""
        portal = self.portal()
        slots = [s["slotId"] for s in self.free_slots(portal)]
        for value in ("\u200b", "A\u202e\u009b2J", "\ue000" * 300):
            for name in ("sender", "recipient", "ServiceName", "TypeCode", "Status", "Date", "ExchangeType", "RequestIdRef", "OriginRequestIdRef", "ServiceCode", "CaseNumber", "TestMsg",
                         "Originator"):
                frame = {name: [("Code", value), ("Name", value)] if name == "Originator" else value}
                book_id = new_id()
                for message_id in (None, new_id()):
                    reply = portal.post(portal.envelope("book", portal.book_items(book_id, slots[0], MOSCOW, False, services=[SERVICE]), message_id, **frame), "book")
                    self.assertIn(reply.http_status, (200, 500), (name, value))
                portal.cancel_booking(book_id)
            message = portal.envelope("cancelBooking", [("bookId", new_id()), ("esiaId", "1")], value[:50])
            with self.assertRaises(Fault):
                portal.read(portal.post(message, "cancelBooking"))
        self.assert_nothing_unseen()

    def assert_nothing_unseen(self):
        """No text of any table holds a character that nobody sees (docs/limits.md); what came is kept as octets."""
        columns = self.sql("""select c.table_name, c.column_name from information_schema.columns as c join information_schema.tables as t using (table_schema, table_name)
            where c.table_schema = 'data' and t.table_type = 'BASE TABLE' and c.data_type in ('text', 'jsonb', 'ARRAY')""")
        self.assertIn(("booking", "case_number"), [tuple(c) for c in columns])
        for table, column in columns:
            self.assertEqual(self.one('select count(*) from data."%s" where "%s"::text ~ %%s or length("%s"::text) > 8000 and %%s' % (table, column, column),
                                      "[\u0080-\u009f\u200b\u202e\ue000\u00ad\U000e0041]", False), 0, (table, column))

    # ---- M9: what is echoed ------------------------------------------------------------------------------------------

    def test_what_is_echoed_somebody_sent(self):
        """A value with elements in it is none: nothing is echoed in its place, and it is told as that, not as missing."""
        plain, portal = self.plain(), self.portal()
        for method in ("getBookingStatus", "cancelBooking", "book"):
            for field in ("bookId", "esiaId"):
                for inner in ("1<a/>2", "<![CDATA[1]]><a>x</a>", "<a>1</a>", "<a/>", "<eq:string>1</eq:string>", "1<a><b>2</b></a>3"):
                    items = {"bookId": new_id(), "esiaId": "1000000000"}
                    items[field] = inner
                    canonical = re.sub(r"<(\w+)/>", r"<\1></\1>", inner)  # what is signed is sent
                    content = "".join("<eq:%s>%s</eq:%s>" % (n, v, n) for n, v in items.items())
                    for client in (plain, portal):
                        if client is portal:
                            if "CDATA" in inner:
                                continue
                            content = content.replace(inner, canonical)
                        reply = client.call(method, content)
                        with self.subTest(method=method, field=field, inner=inner):
                            self.assertIn(reply.text(field), (None, ""))
                            other = "esiaId" if field == "bookId" else "bookId"
                            self.assertEqual(reply.text(other), items[other])
                            told = dict(zip(reply.texts("error/fieldErrors/FieldError/fieldName"), reply.texts("error/fieldErrors/FieldError/errorDetail/errorMessage")))
                            self.assertEqual(told.get(field), "В значении поля стоят другие элементы")


class Lenient(Strict):
    reading = "lenient"


if __name__ == "__main__":
    e2e.main()
