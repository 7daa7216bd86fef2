#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Edge cases 23 and 24: messages in all the forms XML has, and who may book as what (V1, C3, M9, M10, B5; A10, A31; items 14, 15, 18-24)."""
import http.client

import edges
from e2e import MOSCOW, SERVICE, new_id
from edges import Edges
from smev2client import EQ, SOAP, Fault

TYPES = EQ + "types/"
# The fields with "Y" in the tables of Appendix 2 (A10 and A31 for what is missing in older callers).
REQUIRED = {
    "getSlots": ["organizationId", "userType", "userKind", "esiaId"],
    "book": ["bookId", "slotId", "organizationId", "userType", "userKind", "esiaId", "preliminaryReservation"],
    "getBookingStatus": ["bookId", "esiaId"],
    "cancelBooking": ["bookId", "esiaId"],
    "getRefAttributesList": ["refNames"],
    "getRefItemsList": ["refName", "treeFiltering", "pageNum", "pageSize"],
}
INN, FIRM_INN, OGRN, OGRNIP = "770000000082", "7700000009", "1277000000001", "321770000000001"


class Xml(Edges):
    def tearDown(self):
        self.assert_places_sound()

    def message(self, method, **change):
        """A right request of a method as pairs; change: other values, None leaves a field out."""
        items = {
            "getSlots": [("organizationId", MOSCOW), ("userType", "SIMPLE"), ("userKind", "PHYSIC"), ("esiaId", self.person)],
            "book": [("bookId", new_id()), ("slotId", "blind_request"), ("organizationId", MOSCOW), ("userType", "SIMPLE"), ("userKind", "PHYSIC"),
                     ("esiaId", self.person), ("lastName", "Тестов"), ("preliminaryReservation", "false")],
            "getBookingStatus": [("bookId", new_id()), ("esiaId", self.person)], "cancelBooking": [("bookId", new_id()), ("esiaId", self.person)],
            "getRefsList": [], "getRefAttributesList": [("refNames", "organizations")],
            "getRefItemsList": [("refName", "organizations"), ("treeFiltering", "ONELEVEL"), ("pageNum", "0"), ("pageSize", "0")]}[method]
        return [(n, change.get(n, v)) for n, v in items]

    def wrap(self, element, head=""):
        return ('%s<s:Envelope xmlns:s="%s"><s:Body>%s</s:Body></s:Envelope>' % (head, SOAP, element)).encode()

    def post(self, data, client=None, **headers):
        client = client or self.client
        return client.read(client.post(data, "", headers))

    def fault(self, data, status=(500,), client=None, **headers):
        client = client or self.client
        reply = client.post(data, "", headers)
        with self.assertRaises(Fault) as raised:
            client.read(reply)
        self.assertIn(reply.http_status, status)
        self.assertRegex(raised.exception.text, "[а-яё]")
        return reply

    # ---- 23 ----------------------------------------------------------------------------------------------------------

    def edge_23_xml(self):
        """23: other prefixes, children unqualified or in `types`, CDATA, BOM, windows-1251, external entities and entity bombs, 10 MiB body, each required field missing, 300-character id"""
        slot, book_id = self.slots(1)[0]["slotId"], new_id()
        body = '<%(p)sbookId>' + book_id + '</%(p)sbookId><%(p)sesiaId>' + self.person + '</%(p)sesiaId>'
        ask = lambda p, declared, inner=None: self.wrap('<%sgetBookingStatusRequest %s>%s</%sgetBookingStatusRequest>' % (p, declared, inner or body % {"p": p}, p))
        self.assert_reply(self.book(slot, book_id), "201")
        forms = {
            "other prefixes": ask("q1:", 'xmlns:q1="%s"' % EQ), "default namespace": ask("", 'xmlns="%s"' % EQ),
            "prefixes that mean something else": ask("soap:", 'xmlns:soap="%s"' % EQ),
            "declared outside": self.wrap('<eq:getBookingStatusRequest>%s</eq:getBookingStatusRequest>' % (body % {"p": "eq:"})).replace(b"<s:Body>", b'<s:Body xmlns:eq="%s">' % EQ.encode()),
            "CDATA": ask("e:", 'xmlns:e="%s"' % EQ, '<e:bookId><![CDATA[%s]]></e:bookId><e:esiaId>%s<![CDATA[%s]]></e:esiaId>' % (book_id, self.person[:3], self.person[3:])),
            "character references": ask("e:", 'xmlns:e="%s"' % EQ, '<e:bookId>%s</e:bookId><e:esiaId>%s</e:esiaId>' % (book_id, "".join("&#x%x;" % ord(c) for c in self.person))),
            "comments": ask("e:", 'xmlns:e="%s"' % EQ, '<!-- a --><e:bookId>%s<!-- b --></e:bookId><e:esiaId>%s</e:esiaId>' % (book_id, self.person)),
            "BOM": b"\xef\xbb\xbf" + ask("e:", 'xmlns:e="%s"' % EQ), "BOM and declaration": b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>' + ask("e:", 'xmlns:e="%s"' % EQ)}
        for name, data in forms.items():
            for client in (self.client, self.loose()):
                with self.subTest(name):
                    reply = self.assert_reply(self.post(data, client), "201")
                    self.assertEqual((reply.text("bookId"), [s["slotId"] for s in reply.slots]), (book_id, [slot]))
        # children unqualified or in `types`: a lenient reader takes them and answers alike, a strict one names each
        bare = '<w:getBookingStatusRequest xmlns:w="%s">%s</w:getBookingStatusRequest>' % (EQ, body % {"p": ""})
        typed = '<w:getBookingStatusRequest xmlns:w="%s" xmlns:t="%s">%s</w:getBookingStatusRequest>' % (EQ, TYPES, body % {"p": "t:"})
        for element, namespace in ((bare, None), (typed, TYPES)):
            reply = self.assert_reply(self.post(self.wrap(element), self.loose()), "201")
            top = reply.root.one(SOAP, "Body").children[0]
            self.assertEqual({n.ns for n in top.walk() if n is not top}, {namespace})
            self.assert_reply(self.post(self.wrap(element)), None, 2, {"bookId": 1, "esiaId": 1})
        foreign = '<w:getBookingStatusRequest xmlns:w="%s" xmlns:t="urn:x">%s</w:getBookingStatusRequest>' % (EQ, body % {"p": "t:"})
        for client in (self.client, self.loose()):
            self.assertEqual(self.post(self.wrap(foreign), client).fields, {"bookId": 1, "esiaId": 1})
        # another encoding, declared or not: a clear refusal
        words = '<e:getRefAttributesListRequest xmlns:e="%s"><e:refNames>услуги</e:refNames></e:getRefAttributesListRequest>' % EQ
        text = self.wrap(words).decode()
        for declared, encoding in (("windows-1251", "cp1251"), ("UTF-8", "cp1251"), ("windows-1251", "utf-8"), ("UTF-16", "utf-16")):
            self.fault(('<?xml version="1.0" encoding="%s"?>' % declared + text).encode(encoding))
        # of the parameters of a media type only charset is looked at, whatever the others are called and hold (RFC 9110, 5.6.6)
        for status, kinds in ((200, ("text/xml", "Text/XML;Charset=\"UTF-8\"", "text/xml ; action=\"a;charset=koi8-r\" ; charset=utf-8",
                                     "text/xml; x-charset=koi8-r", "text/xml;action;;charset=utf-8;", "text/xml; a=\"\\\";charset=koi8-r\"")),
                              (415, ("text/xml; charset=windows-1251", "text/xml; charset=", "text/xml; charset=utf-8; charset=koi8-r", "text/xmlx",
                                     "text/xml; action=\"charset=utf-8\"; charset=koi8-r", "text/xml; a=\"\\\\\";charset=koi8-r", "application/soap+xml"))):
            for kind in kinds:
                self.assertEqual(self.client.post(self.wrap(words), "", {"Content-Type": kind}).http_status, status, kind)
        self.assertEqual(self.post(self.wrap(words)).error_code, 3)  # in UTF-8: no such book
        # entities: refused before they are looked at, and quickly
        bomb = "".join('<!ENTITY a%d "%s">' % (n, "&a%d;" % (n - 1) * 10 if n else "a" * 100) for n in range(10))
        inner = '<e:getRefAttributesListRequest xmlns:e="%s"><e:refNames>%%s</e:refNames></e:getRefAttributesListRequest>' % EQ
        for doctype, use in (('<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "&x;"), ('<!DOCTYPE s SYSTEM "http://127.0.0.1:1/x.dtd">', "x"),
                             ('<!DOCTYPE s [<!ENTITY %% p SYSTEM "file:///etc/hostname"> %%p;]>', "x"), ("<!DOCTYPE s [%s]>" % bomb, "&a9;"),
                             ('<!DOCTYPE s [<!ENTITY q "%s">]>' % ("a" * 100000), "&q;" * 1000), ("<!DOCTYPE s>", "x"), ("", "&nbsp;")):
            spent = self.instance.metric("process_cpu_seconds_total")
            for client in (self.client, self.loose(), self.portal()):
                reply = self.fault(self.wrap(inner % use, doctype), (500,), client if client.key is None else self.client)
                if client.key is not None:  # on the signed listener: a fault too, before any signature is looked for
                    self.assertRaises(Fault, client.read, client.post(self.wrap(inner % use, doctype)))
                self.assertNotIn(b"root:", reply.body)
                self.assertLess(len(reply.body), 4000)
            self.assertLess(self.instance.metric("process_cpu_seconds_total") - spent, 10)
        # 10 MiB: refused by its length, and nothing of it kept
        big = self.wrap("<!--%s-->" % ("x" * (10 << 20)) + inner % "x")
        for client in (self.client, self.portal()):
            try:
                self.assertEqual(client.post(big).http_status, 413)
            except (BrokenPipeError, ConnectionResetError):  # it was told before it had sent all; looked at below
                pass
            client.close()
        connection = http.client.HTTPConnection("127.0.0.1", self.instance.plain_port, timeout=30)
        connection.putrequest("POST", "/equeue")
        for name, value in (("Content-Type", "text/xml; charset=UTF-8"), ("Content-Length", str(10 << 20))):
            connection.putheader(name, value)
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()
        # each required field missing, empty, and 300 characters long
        for method, names in REQUIRED.items():
            for client in (self.client, self.portal()) if method in ("book", "cancelBooking") else (self.client,):
                for name in names:
                    with self.subTest("%s without %s" % (method, name)):
                        for value in (None, ""):
                            if method == "getSlots" and name == "esiaId" and value == "":
                                continue  # may be empty there (A10)
                            reply = client.call(method, self.message(method, **{name: value}))
                            self.assertEqual((reply.error_code, reply.fields.get(name), len(reply.fields)), (2, 1, 1), (value, reply.values))
                            self.assertEqual(reply.status_code, "207" if method == "book" else None)
                reply = client.call(method, [])
                self.assertEqual((reply.error_code, set(reply.fields)), (2, set(names)), reply.values)  # all of them in one answer (M10)
        for method, names in REQUIRED.items():
            for name in names:
                for long in ("x" * 300, "я" * 300, "9" * 300):
                    reply = self.client.call(method, self.message(method, **{name: long}))
                    self.assertIn((reply.error_code, reply.fields.get(name)), ((2, 1), (2, 2)) if name != "refNames" else ((2, 1), (3, None)), (method, name))
                    if name == "bookId":
                        self.assertEqual(reply.text("bookId"), long)  # echoed, whatever it is (A1)
        for name in ("serviceId", "areaId"):
            self.assertEqual(self.client.get_slots(MOSCOW, more=[(name, "x" * 300)]).fields, {name: 1})
        self.assertEqual(self.one("select count(*) from data.booking where esia_id = %s and state <> 'RETURNED'", self.person), 1)
        self.assertEqual(self.one("select count(*) from data.booking as b join data.place as p using (book_key) where b.esia_id = %s and b.state = 'RETURNED'", self.person), 0)
        self.assert_reply(self.status(book_id), "201")  # after all that it still answers

    # ---- 24 ----------------------------------------------------------------------------------------------------------

    def edge_24_user_kinds(self):
        """24: userType/userKind pairs: BUSINESS without INN, PERSBUSINESS with OGRNIP (15 digits), SIMPLE for a service that needs QUALIFIED"""
        slot, book_id = self.slots(1)[0]["slotId"], new_id()
        firm = {"businessINN": FIRM_INN, "businessOGRN": OGRN, "businessName": "ООО «Тест»"}
        trader = {"businessINN": INN, "businessOGRN": OGRNIP}

        def book(user_type, user_kind, applicant, client=None):
            return self.book(slot, book_id, client=client, user_type=user_type, user_kind=user_kind, applicant=applicant, services=[SERVICE])

        for client in (self.client, self.portal()):
            for user_type in ("SIMPLE", "QUALIFIED"):
                for user_kind, applicant in (("PHYSIC", {"lastName": "Тестов", "userINN": INN}), ("BUSINESS", firm), ("PERSBUSINESS", trader)):
                    self.assert_reply(book(user_type, user_kind, applicant, client), "201")
                    self.assertEqual(self.sql("select user_type, user_kind from data.booking where book_key = %s", book_id), [(user_type, user_kind)])
                    self.assertEqual(self.client.get_slots(MOSCOW, self.person, user_type=user_type, user_kind=user_kind).error_code, 0)
        self.assertEqual(self.sql("select business_inn, business_ogrn from data.applicant where book_key = %s", book_id), [(INN, OGRNIP)])
        # without any number: the table of item 19 marks each of them N
        for user_kind in ("BUSINESS", "PERSBUSINESS"):
            for applicant in ({}, {"lastName": "Тестов", "userINN": INN}, {"businessINN": "", "businessName": "ООО «Тест»"}):
                self.assert_reply(book("SIMPLE", user_kind, applicant), "201")
        self.assert_reply(self.cancel(book_id), "301")
        for user_kind, applicant, fields in (
                ("BUSINESS", {**firm, "businessINN": INN}, {"businessINN": 1}),  # a person's has 12
                ("BUSINESS", {**firm, "businessOGRN": OGRNIP}, {"businessOGRN": 1}), ("BUSINESS", {**firm, "businessINN": "7700000008"}, {"businessINN": 1}),
                ("BUSINESS", {**firm, "businessOGRN": "1277000000002"}, {"businessOGRN": 1}),
                ("PERSBUSINESS", {**trader, "businessOGRN": OGRN}, {"businessOGRN": 1}), ("PERSBUSINESS", {**trader, "businessINN": FIRM_INN}, {"businessINN": 1}),
                ("PERSBUSINESS", {**trader, "businessOGRN": OGRNIP[:-1] + "2"}, {"businessOGRN": 1}), ("PERSBUSINESS", {**trader, "businessOGRN": OGRNIP + "0"}, {"businessOGRN": 1}),
                ("PERSBUSINESS", {**trader, "businessOGRN": OGRNIP[:-1]}, {"businessOGRN": 1}), ("PHYSIC", {"userINN": FIRM_INN}, {"userINN": 1}),
                ("PERSON", {}, {"userKind": 1}), ("physic", {}, {"userKind": 1}), ("", {}, {"userKind": 1}), (None, {}, {"userKind": 1})):
            for client in (self.client, self.portal()):
                self.assert_reply(book("QUALIFIED", user_kind, applicant, client), "207", 2, fields)
        for user_type in ("simple", "ANONYMOUS", "BASIC", "", None, "SIMPLE QUALIFIED"):
            self.assert_reply(book(user_type, "PHYSIC", {}), "207", 2, {"userType": 1})
        # an older service that sends no kind (A31)
        loose = self.loose()
        self.assert_reply(book("SIMPLE", None, {"lastName": "Тестов"}, loose), "201")
        self.assertEqual(self.one("select user_kind from data.booking where book_key = %s", book_id), "PHYSIC")
        self.assert_reply(book("SIMPLE", None, firm, loose), "201")
        self.assertEqual(self.one("select user_kind from data.booking where book_key = %s", book_id), "BUSINESS")
        self.assert_reply(self.cancel(book_id), "301")
        # a service that needs QUALIFIED, of legal persons only
        self.sql("update data.organization_service set user_types = '{QUALIFIED}', user_kinds = '{BUSINESS,PERSBUSINESS}' where organization_id = %s and service_id = %s",
                 MOSCOW, SERVICE)
        self.addCleanup(self.sql, "update data.organization_service set user_types = null, user_kinds = null")
        for client in (self.client, self.portal()):
            self.assert_reply(book("SIMPLE", "BUSINESS", firm, client), "207", 2, {"userType": 1})
            self.assert_reply(book("QUALIFIED", "PHYSIC", {}, client), "207", 2, {"userKind": 1})
            self.assert_reply(book("SIMPLE", "PHYSIC", {}, client), "207", 2, {"userType": 1, "userKind": 1})
            self.assertTrue(self.is_free(self.client, slot))
        self.assert_reply(book("QUALIFIED", "BUSINESS", firm), "201")
        self.assert_reply(self.cancel(book_id), "301")
        self.assert_reply(book("QUALIFIED", "PERSBUSINESS", trader), "201")


if __name__ == "__main__":
    edges.main()
