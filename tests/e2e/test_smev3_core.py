#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""SMEV's core for tests, itself tested: a core that took a bad signature would prove nothing (Q1, Q3, Q5, Q6, C1). No daemon here.

What is expected comes from the methodical recommendations and the schemas' own comments; with the schemas beside the tree, what the core
and its client write is validated."""
import base64
import http.client
import os
import pathlib
import random
import re
import subprocess
import tempfile
import time
import unittest
from ftplib import FTP, error_perm

import e2e
from e2e import SHARED, SOURCE

import gost
import gostfast
import smev3sig
import smev3wire as wire
import xmlsig
from smev3client import IDENT, Client, SmevFault
from smev3core import EQ, REDELIVERY_S, Core
from smev3ftp import Server as Files
from smev3judge import Judge
from smev3portal import POISONS, Portal
from smev3server import EMPTY, HTML, Endpoint, Record, SeededPolicy, Server, Trouble
from xmlsig import SignatureError

SLOTS = [("organizationId", "R7700018"), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000")]
GOOD = '<eq:getSlotsResponse xmlns:eq="%s"><eq:error><eq:errorDetail><eq:errorCode>0</eq:errorCode></eq:errorDetail></eq:error></eq:getSlotsResponse>' % EQ
HOPELESS = (OSError, http.client.HTTPException, SignatureError, wire.MimeError)


def push(book_id, status="201"):
    return ('<eq:updateBookingDetailsRequest xmlns:eq="%s"><eq:bookId>%s</eq:bookId><eq:esiaId>1</eq:esiaId><eq:status><eq:statusCode>%s'
            '</eq:statusCode></eq:status></eq:updateBookingDetailsRequest>' % (EQ, book_id, status))


class World(unittest.TestCase):
    """A core, a portal and an agency for each test; the keys are made once."""

    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.pki = pathlib.Path(cls.tmp.name)
        subprocess.run(["bash", str(SOURCE / "tests/lib/pki.sh"), cls.tmp.name], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def setUp(self):
        self.core = Core(self.pki)
        self.portal = Portal(self.core)
        self.agency = self.core.add_system("AAAA00001", "Агентство А", ["agency-a", "portal-new"])
        self.other = self.core.add_system("BBBB00002", "Агентство Б", ["agency-b"])
        self.core.add_order_329(self.portal.system)
        self.files = self.core.files = Files().start()
        self.path = self.pki / ("record-" + self.id().rpartition(".")[2])
        self.server = Server(self.core, Record(self.path), ["main", Endpoint("reserve", "/smev/v1.2/reserve")]).start()
        self.client = self.of("agency-a")

    def tearDown(self):
        self.client.close()
        self.server.stop()
        self.files.stop()

    def of(self, who, **more):
        client = Client.of(self.server, who, **more)
        self.addCleanup(client.close)
        return client

    def slots(self, agency=None, **more):
        return self.portal.call(agency or self.agency, "getSlots", SLOTS, **more)

    def refused(self, name, sub, call, *args, **more):
        with self.assertRaises(SmevFault) as raised:
            call(*args, **more)
        self.assertEqual((raised.exception.name, raised.exception.sub), (name, sub), raised.exception)
        return raised.exception

    def judge(self, **more):
        self.server.stop()
        return Judge(self.path, **more)


class Queues(World):
    def test_until_acked(self):
        """15 minutes, then the head of the queue again: another instant, password and signature, the same message."""
        first, second = self.slots(files=[("a.zip", b"x")]), self.slots()
        one = self.client.get_request()
        self.assertEqual(one.message_id, first.message_id)
        self.assertEqual(self.client.get_request().message_id, second.message_id)
        self.assertIsNone(self.client.get_request())
        self.core.clock.advance(REDELIVERY_S - 5)
        self.assertIsNone(self.client.get_request())
        third = self.slots()
        self.core.clock.advance(6)
        again = self.client.get_request()
        self.assertEqual(again.message_id, first.message_id)
        value = lambda d, name: next(n.text for n in d.envelope.walk() if n.local == name)
        for name in ("DeliveryTimestamp", "UserName", "Password", "SignatureValue"):
            self.assertNotEqual(value(one, name), value(again, name), name)
        self.assertEqual(smev3sig.octets(one.data), smev3sig.octets(again.data))
        self.assertEqual(one.reply_to, again.reply_to)
        self.assertEqual([self.client.get_request().message_id for _ in range(2)], [second.message_id, third.message_id])
        for message in (first, second, third):
            self.client.ack(message.message_id)
            self.refused("TargetMessageIsNotFound", None, self.client.ack, message.message_id)
        self.core.clock.advance(10 * REDELIVERY_S)
        self.assertIsNone(self.client.get_request())

    def test_late_ack(self):
        message = self.slots()
        self.client.get_request()
        self.core.clock.advance(REDELIVERY_S + 1)
        self.refused("TargetMessageIsNotFound", None, self.client.ack, message.message_id)
        self.assertEqual(self.client.get_request().message_id, message.message_id)
        self.client.ack(message.message_id, "false")
        self.assertIsNone(self.client.get_request())

    def test_own_queue_only(self):
        self.slots(self.other)
        self.assertIsNone(self.client.get_request())
        stranger = self.of("agency-b")
        message = stranger.get_request()
        self.refused("TargetMessageIsNotFound", None, self.client.ack, message.message_id)
        stranger.ack(message.message_id)

    def test_two_certificates_one_system(self):
        message = self.slots()
        self.assertEqual(self.of("portal-new").get_request().message_id, message.message_id)
        self.client.ack(message.message_id)

    def test_order_of_the_important(self):
        vip = Portal(self.core, "VIP001", "Важный", "other", vip=True)
        ordinary, important = self.slots(), vip.call(self.agency, "getSlots", SLOTS)
        self.assertEqual([self.client.get_request().message_id for _ in range(2)], [important.message_id, ordinary.message_id])
        self.core.clock.advance(REDELIVERY_S + 1)
        vip.call(self.agency, "getSlots", SLOTS)
        self.assertEqual([self.client.get_request().message_id for _ in range(2)], [important.message_id, ordinary.message_id])

    def test_filter(self):
        """By the root of the request or of the answer; all the rest stays where it was."""
        slots, book = self.slots(), self.portal.call(self.agency, "book", [("bookId", "1")])
        self.assertIsNone(self.client.get_request((EQ, "getRefsListRequest")))
        self.assertEqual(self.client.get_request((EQ, "bookRequest")).message_id, book.message_id)
        self.assertEqual(self.client.get_request((EQ, "getSlotsResponse")).message_id, slots.message_id)
        self.refused("UnknownMessageType", None, self.client.get_request, (EQ, "getslotsRequest"))
        self.refused("UnknownMessageType", None, self.client.get_request, ("urn:other", "getSlotsRequest"))

    def test_nodes(self):
        """Answers by node, requests for all."""
        self.client.send_request(push("1"))
        self.client.call("SendRequest", self.client.envelope("SendRequest", self.client.request_data(push("2"), more_before=self.client.t("NodeID", "n1"))))
        self.portal.pump()
        self.assertIn("2", [n.text for n in self.client.get_response(node="n1").business.walk()])
        self.assertIsNone(self.client.get_response(node="n1"))
        self.assertIsNone(self.client.get_response(node="n2"))
        self.assertIn("1", [n.text for n in self.client.get_response().business.walk()])

    def test_duplicate(self):
        message = self.slots()
        self.client.ack(self.client.get_request().message_id)
        self.core.duplicate(message)
        self.assertEqual(self.client.get_request().message_id, message.message_id)
        self.client.ack(message.message_id)

    def test_rate(self):
        """Even polls of an empty queue are too many; a message that comes forgets them, and so does an uneven rhythm."""
        self.core.poll_limit = (10, 30.0)
        def poll(times, gap):
            for n in range(times):
                self.core.clock.advance(gap(n))
                self.client.get_request()
        poll(10, lambda n: 5)
        with self.assertRaises(SmevFault) as raised:
            poll(2, lambda n: 5)
        self.assertEqual(raised.exception.name, "AccessDenied")
        self.slots()
        self.assertIsNotNone(self.client.get_request())
        poll(10, lambda n: 5)
        self.slots()
        self.client.get_request()
        poll(30, lambda n: (2, 9)[n % 2])
        poll(20, lambda n: 31)

    def test_statistics(self):
        self.slots()
        self.assertEqual(self.of("agency-a", version="1.1").statistics()["AAAA00001.requests"], 1)
        self.refused("", None, self.client.statistics)

    def test_cancel(self):
        """1.1 is told of it, signed and to be acked; the others cannot be."""
        message = self.slots()
        note = self.core.cancel(message)
        self.client.ack(self.client.get_request().message_id)
        self.assertIsNone(self.client.get_request())
        old = self.of("agency-a", version="1.1")
        cancel = old.get_request()
        self.assertEqual((cancel.kind, wire.text_of(cancel.node, "MessageReference")), ("CANCEL", message.message_id))
        self.assertEqual(wire.text_of(cancel.node, "MessageID"), note.message_id)
        old.ack(note.message_id)
        self.assertIsNone(old.get_request())

    def test_broadcast(self):
        message = self.slots(kind="BROADCAST")
        got = self.client.get_request()
        self.assertEqual((got.message_id, got.kind, got.reply_to), (message.message_id, "BROADCAST", None))
        self.refused("RecipientIsNotFound", None, self.client.send_response, "", GOOD)

    def test_get_status(self):
        self.assertIsNone(self.client.get_status())
        note = self.core.push_error(self.agency, "Уведомление не доставлено")
        self.assertEqual(self.client.get_status()["OriginalMessageId"], note.message_id)
        self.client.ack(note.message_id)
        self.assertIsNone(self.client.get_status())

    def test_flags(self):
        self.slots(test=True, eol=self.core.clock.now() + 60, transaction_code="tc & 7")
        data = self.client.get_request().data
        self.assertEqual(wire.text_of(data, "TransactionCode"), "tc & 7")
        self.assertEqual(wire.text_of(data, "TestMessage"), "")
        self.assertAlmostEqual(wire.seconds_of(wire.text_of(data, "EOL")), self.core.clock.now() + 60, delta=5)


class Versions(World):
    def test_each_to_each(self):
        """A message keeps its business octets in every version and dress; the sender's signature holds in its own version only."""
        wanted = None
        for written in wire.VERSIONS:
            for read in wire.VERSIONS:
                for name in sorted(wire.DRESSES):
                    with self.subTest(written=written, read=read, dress=name):
                        self.server.dress = wire.DRESSES[name]
                        self.slots(version=written, signed=True)
                        got = self.of("agency-a", version=read).get_request()
                        self.client.ack(got.message_id)
                        octets = smev3sig.octets(got.business)
                        wanted = wanted or octets
                        self.assertEqual(octets, wanted)
                        holder = got.node.find(wire.types_ns(read), "SenderInformationSystemSignature")
                        self.assertEqual(holder is not None, written == read)
                        if holder is not None:
                            smev3sig.verify(got.data, holder, certificates=[self.portal.cert])
        self.server.dress = wire.DRESSES["plain"]

    def test_person(self):
        """ЭП-СП holds over the business element wherever it is read, and not over another."""
        person = (self.portal.key, self.portal.cert)
        for version in wire.VERSIONS:
            self.slots(personal=person, signed=True)
            got = self.of("agency-a", version=version).get_request()
            self.client.ack(got.message_id)
            holder = got.data.find(wire.types_ns(version), "PersonalSignature")
            smev3sig.verify(got.business, holder)
            self.assertRaises(SignatureError, smev3sig.verify, got.data, holder)

    def test_answer_comes_back(self):
        for version in wire.VERSIONS:
            client = self.of("agency-a", version=version)
            message = self.slots()
            got = client.get_request()
            client.ack(got.message_id)
            said = client.send_response(got.reply_to, GOOD)
            self.assertEqual(said["MessageType"], "RESPONSE")
            self.assertEqual(self.portal.answer(message).element, "getSlotsResponse")


class Refusals(World):
    def test_signatures(self):
        """Every spelling of a wrong signature, with the name the schema gives it."""
        c, data = self.client, self.client.selector()
        text = lambda **more: c.envelope("GetRequest", data, **more)
        call = lambda octets: c.call("GetRequest", octets)
        strangers = {who: (gostfast.PrivateKey(self.core.read(who + ".key")), gostfast.Certificate.from_pem(self.core.read(who + ".pem")))
                     for who in ("stranger", "expired", "notyet", "other")}
        self.assertIsNotNone(call(text()))
        fault = "SignatureVerificationFault"
        swap = lambda old, new: text(edit=lambda o: o.replace(old, new, 1))
        value = lambda change: text(edit=lambda o: re.sub(rb"(<ds:SignatureValue>)([^<]*)", lambda m: m.group(1) + change(m.group(2)), o))
        raw = lambda change: lambda v: base64.b64encode(change(base64.b64decode(v)))
        c14n, smev = smev3sig.TRANSFORMS
        for sub, octets in (
                ("NoSignatureFound", text(place=None)),
                ("NoSignatureFound", swap(b"<ds:Signature ", b"<ds:Other ").replace(b"</ds:Signature>", b"</ds:Other>")),
                ("NoSignatureFound", text(place="SMEVSignature")),
                ("SignatureIsInvalid", swap(b"<b:Timestamp>2", b"<b:Timestamp>3")), ("SignatureIsInvalid", swap(b"<b:Timestamp>", b"<b:Timestamp> ")),
                ("SignatureIsInvalid", value(raw(lambda v: v[:-1] + bytes([v[-1] ^ 1])))), ("SignatureIsInvalid", value(raw(lambda v: v[32:] + v[:32]))),
                ("SignatureIsInvalid", value(raw(lambda v: v[::-1]))), ("SignatureIsInvalid", value(raw(lambda v: bytes(64)))),
                ("SignatureIsInvalid", value(lambda v: b"")), ("SignatureIsInvalid", value(lambda v: b"!" + v)),
                ("SignatureIsInvalid", text(transforms=(c14n,))), ("SignatureIsInvalid", text(transforms=(smev,))),
                ("SignatureIsInvalid", text(transforms=(smev, c14n))), ("SignatureIsInvalid", text(transforms=smev3sig.WITH_ENVELOPED)),
                ("SignatureIsInvalid", text(transforms=(c14n, smev, smev))),
                ("SignatureIsInvalid", swap(b"<ds:SignatureMethod", b"\n  <ds:SignatureMethod")), ("SignatureIsInvalid", swap(b"<ds:KeyInfo", b"\n<ds:KeyInfo")),
                ("SignatureIsInvalid", text(edit=lambda o: o.replace(b"gostr34112012-256\"></ds:Sig", b"gostr34112012-512\"></ds:Sig"))),
                ("SignatureIsInvalid", text(edit=lambda o: o.replace(b"xml-exc-c14n#\"></ds:Can", b"xml-c14n#\"></ds:Can"))),
                ("IncorrectSignatureTarget", swap(b'URI="#%s"' % IDENT.encode(), b'URI="#OTHER"')),
                ("IncorrectSignatureTarget", swap(b'URI="#%s"' % IDENT.encode(), b'URI=""')),
                ("IncorrectSignatureTarget", swap(b' Id="%s"' % IDENT.encode(), b"")),
                ("IncorrectSignatureTarget", text(ident="OTHER")),
                ("CertificateIsNotFound", text(key=strangers["stranger"])), ("CertificateIsExpired", text(key=strangers["expired"])),
                ("CertificateIsExpired", text(key=strangers["notyet"])),
                ("CertificateIsNotFound", text(edit=lambda o: re.sub(rb"(Certificate>)[^<]+", rb"\1", o))),
                ("CertificateIsNotFound", text(edit=lambda o: re.sub(rb"(Certificate>)[^<]+", rb"\1AAAA", o)))):
            with self.subTest(sub, octets=octets[-1500:-700]):
                self.refused(fault, sub, call, octets)
        self.refused("SenderIsNotRegistered", None, call, text(key=strangers["other"]))
        self.assertEqual([k for k in self.core.counters if k[0] == "GetRequest" and k[1] in ("ok", "empty")], [("GetRequest", "empty")])
        self.assertEqual(self.core.counters["GetRequest", "empty"], 1)

    def test_verified_later(self):
        """What the bench verifies behind its clock is verified."""
        text = self.client.envelope("GetRequest", self.client.selector())
        for n, wrong in ((1, False), (2, True)):
            self.core.unverified = []
            for octets in (text, text.replace(b"<ds:DigestValue>", b"<ds:DigestValue>AAAA", 1) if wrong else text)[:n]:
                self.client.call("GetRequest", octets)
            if wrong:
                self.assertRaises(SignatureError, self.core.settle)
            else:
                self.assertEqual(self.core.settle(), n)
            self.assertIsNone(self.core.unverified)

    def test_wrapping(self):
        """The signed element somewhere else, another in its place."""
        genuine = self.client.envelope("GetRequest", self.client.selector())
        start, end = genuine.index(b"<b:MessageTypeSelector"), genuine.index(b"</b:MessageTypeSelector>") + 24
        element = genuine[start:end]
        forged = element.replace(b"<b:Timestamp>", b"<b:NamespaceURI>urn:x</b:NamespaceURI><b:RootElementLocalName>y</b:RootElementLocalName><b:Timestamp>")
        with_forged = genuine[:start] + forged + genuine[end:]
        self.refused("SignatureVerificationFault", "SignatureIsInvalid", self.client.call, "GetRequest", with_forged)
        places = [(b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object>%s</ds:Object>"), (b"<ds:SignedInfo>", b"<ds:Object>%s</ds:Object><ds:SignedInfo>"),
                  (b"<t:Caller", b"%s<t:Caller"), (b"</t:GetRequestRequest>", b"%s</t:GetRequestRequest>"), (b"<b:Timestamp>", b"%s<b:Timestamp>"),
                  (b"</soap:Body>", b"%s</soap:Body>"), (b"<soap:Header/>", b"<soap:Header>%s</soap:Header>"), (b"<ds:X509Data>", b"%s<ds:X509Data>"),
                  (b"</ds:Signature>", b"</ds:Signature>%s"), (b"<soap:Body>", b"<soap:Body>%s"), (b"</soap:Envelope>", b"%s</soap:Envelope>"),
                  (b"<ds:Transforms>", b"<ds:Transforms>%s"), (b"<ds:SignatureValue>", b"<ds:SignatureValue>%s")]
        scope = wire.declare(self.client.scope()).encode()
        whole = element.replace(b"<b:MessageTypeSelector", b"<b:MessageTypeSelector" + scope, 1)
        for old, new in places:
            bad = with_forged.replace(old, new % whole, 1)
            self.assertNotEqual(bad, with_forged, old)
            with self.assertRaises(SmevFault, msg=old):
                self.client.call("GetRequest", bad)
        self.assertFalse(any(k[1] in ("ok", "empty") for k in self.core.counters if isinstance(k, tuple)))

    def test_form(self):
        c = self.client
        self.refused("SignatureVerificationFault", "PoorSOAPEnvelopeFormat", c.call, "GetRequest", c.envelope("GetRequest", c.selector(), header=False))
        for octets in (b"", b"<a/>", b"x", b"<html></html>", c.envelope("GetRequest", c.selector())[:-5]):
            self.refused("SignatureVerificationFault", "PoorSOAPEnvelopeFormat", c.call, "GetRequest", octets)
        self.refused("", None, c.call, "GetRequest", c.envelope("GetRequest", c.selector()), action="urn:GetResponse")
        self.refused("", None, c.call, "GetRequest", c.envelope("GetRequest", c.selector()), action="GetRequest")
        self.refused("", None, c.call, "GetRequest", c.envelope("GetRequest", c.selector()).replace(b"/1.2", b"/1.4"))
        for at in ("2026-11-29T10:00:00", "yesterday", "", wire.instant(self.core.peer_clock.now() - 600), wire.instant(self.core.peer_clock.now() + 600),
                   wire.instant(self.core.peer_clock.now()).replace("+03:00", "")):
            self.refused("InvalidContent", None, c.call, "GetRequest", c.envelope("GetRequest", c.selector(at=at)))
        self.refused("InvalidContent", None, c.call, "GetRequest", c.envelope("GetRequest", c.selector(node="n").replace("b:NodeID", "b:Node")))
        self.assertIsNotNone(c.call("GetRequest", c.envelope("GetRequest", c.selector(node=""))))

    def test_acks(self):
        message = self.slots()
        self.client.get_request()
        old = self.of("agency-a", version="1.1")
        self.refused("InvalidContent", None, old.ack, message.message_id, None)
        self.refused("InvalidContent", None, self.client.ack, message.message_id, None)
        self.refused("InvalidContent", None, self.client.ack, message.message_id, "yes")
        self.refused("InvalidContent", None, self.client.ack, message.message_id.upper())
        self.refused("InvalidContent", None, self.client.ack, " " + message.message_id)
        self.refused("TargetMessageIsNotFound", None, self.client.ack, wire.uuid_at(time.time()))
        self.of("agency-a", version="1.3").ack(message.message_id, None)

    def test_answers(self):
        c = self.client
        self.slots()
        to = c.get_request().reply_to
        now = self.core.peer_clock.now()
        good = wire.uuid_at(now)
        for name, ident in (("InvalidMessageIdFormat", good.upper()), ("InvalidMessageIdFormat", e2e.new_id()), ("InvalidMessageIdFormat", "1"),
                            ("InvalidMessageIdFormat", good + " "), ("InvalidMessageIdFormat", "{%s}" % good),
                            ("StaleMessageId", wire.uuid_at(now - 24 * 3600 - 60)), ("StaleMessageId", wire.uuid_at(now + 3600))):
            self.refused(name, None, c.send_response, to, GOOD, ident)
        self.refused("RecipientIsNotFound", None, c.send_response, to + "x", GOOD)
        self.refused("RecipientIsNotFound", None, self.of("agency-b").send_response, to, GOOD)
        self.refused("IncorrectResponseContentType", None, c.send_response, to, GOOD.replace("getSlots", "book"))
        self.refused("IncorrectResponseContentType", None, c.send_response, to, GOOD.replace("getSlotsResponse", "getSlotsRequest"))
        self.refused("BusinessDataTypeIsNotSupported", None, c.send_response, to, '<x:a xmlns:x="urn:x"/>')
        self.refused("InvalidContent", None, c.send_response, to, GOOD + GOOD)
        self.refused("InvalidContent", None, c.send_response, to, "")
        self.refused("InvalidContent", None, c.reject, to, "REFUSED")
        self.refused("InvalidContent", None, c.reject, to, "FAILURE", "")
        self.refused("InvalidContent", None, c.reject, to, "FAILURE", "я" * 4001)
        self.refused("InvalidContent", None, c.status, to, "x")
        self.assertEqual(self.portal.pump(), False)
        self.assertEqual(c.status(to)["MessageType"], "RESPONSE")
        c.send_response(to, GOOD, good)
        self.refused("MessageIsAlreadySent", None, c.send_response, to, GOOD, good)
        self.core.peer_clock.advance(25 * 3600)
        self.refused("MessageIsAlreadySent", None, c.send_response, to, GOOD, good)
        self.portal.pump()
        self.assertEqual([m.what for m in self.portal.answers[next(iter(self.portal.submitted))]], ["RequestStatus", "MessagePrimaryContent"])

    def test_requests(self):
        c = self.client
        self.refused("BusinessDataTypeIsNotSupported", None, c.send_request, '<x:a xmlns:x="urn:x"/>')
        self.refused("BusinessDataTypeIsNotSupported", None, c.send_request, GOOD)
        eol = lambda text: c.call("SendRequest", c.envelope("SendRequest", c.request_data(push("1"), more_before=c.t("EOL", text))))
        self.refused("EndOfLifeReached", None, eol, wire.instant(self.core.peer_clock.now() - 1))
        self.refused("InvalidContent", None, eol, "2026-11-29T10:00:00")
        ident = c.new_id()
        self.assertEqual(c.send_request(push("1"), ident)["Status"], "requestIsQueued")
        self.refused("MessageIsAlreadySent", None, c.send_request, push("1"), ident)
        self.portal.pump()
        self.assertEqual([p.book_id for p in self.portal.pushes], ["1"])
        answer = c.get_response()
        self.assertEqual(wire.text_of(answer.node, "OriginalMessageId"), ident)

    def test_late_refusal(self):
        """AsyncProcessingStatus: signed by SMEV twice, typed by a prefix that dangles, to be acked like an answer."""
        for version in wire.VERSIONS:
            c = self.of("agency-a", version=version)
            c.send_request(push("1"))
            message = self.core.sent[max(self.core.sent, key=lambda k: self.core.sent[k].sent_at)]
            note = self.core.refuse_async(message)
            got = c.get_response()
            self.assertEqual((got.message_id, wire.text_of(got.node, "OriginalMessageId")), (note.message_id, message.message_id))
            self.assertEqual(wire.text_of(got.data.find(None, "AsyncProcessingStatus"), "StatusCategory"), "requestIsRejectedBySmev")
            smev3sig.verify(got.data, got.node.find(None, "SenderInformationSystemSignature"), certificates=[self.core.cert])
            self.assertIn(b':type="ns3:InvalidContent"', got.octets)
            c.ack(note.message_id)
            self.assertIsNone(c.get_response())
            self.portal.pump()
            c.ack(c.get_response().message_id)


class Troubles(World):
    def test_spoiled(self):
        """What SMEV did not sign, or signed otherwise: believed by nobody, and delivered again."""
        message = self.slots()
        for spoil in Core.SPOILS:
            self.server.plan.next("GetRequest", Trouble(spoil=spoil))
            with self.assertRaises(HOPELESS, msg=spoil):
                self.client.get_request()
            self.core.clock.advance(REDELIVERY_S + 1)
        self.assertEqual(self.client.get_request().message_id, message.message_id)
        for spoil in Core.SPOILS:
            self.server.plan.next("SendRequest", Trouble(spoil=spoil))
            self.assertRaises(HOPELESS, self.client.send_request, push("1"))

    def test_connections(self):
        """Cut at any octet of request or answer: what was done and what not."""
        for part in (0.0, 0.01, 0.5, 0.99):
            for reset in (False, True):
                self.server.plan.next("SendRequest", Trouble(cut_request=part, reset=reset))
                self.assertRaises(HOPELESS, self.client.send_request, push("cut"))
        self.server.plan.next("SendRequest", Trouble(lose_request=True))
        self.assertRaises(HOPELESS, self.client.send_request, push("cut"))
        self.portal.pump()
        self.assertEqual(self.portal.pushes, [])
        for n, part in enumerate((0.0, 0.01, 0.5, 0.9999)):
            ident = self.client.new_id()
            self.server.plan.next("SendRequest", Trouble(cut_answer=part))
            self.assertRaises(HOPELESS, self.client.send_request, push(str(n)), ident)
            self.refused("MessageIsAlreadySent", None, self.client.send_request, push(str(n)), ident)
        self.portal.pump()
        self.assertEqual([p.book_id for p in self.portal.pushes], ["0", "1", "2", "3"])

    def test_acks(self):
        message = self.slots()
        self.client.get_request()
        self.server.plan.next("Ack", Trouble(late=True))
        self.refused("TargetMessageIsNotFound", None, self.client.ack, message.message_id)
        self.assertEqual(self.client.get_request().message_id, message.message_id)
        self.server.plan.next("Ack", Trouble(cut_answer=0.0))
        self.assertRaises(HOPELESS, self.client.ack, message.message_id)
        self.refused("TargetMessageIsNotFound", None, self.client.ack, message.message_id)

    def test_every_fault(self):
        """The table, each in each shape it was seen in; nothing is done, unless it is said to be."""
        for name, (operations, _) in wire.FAULTS.items():
            for operation in operations:
                for shape in wire.SHAPES:
                    self.server.plan.next(operation, Trouble(fault=(name, None, shape)))
                    with self.assertRaises(SmevFault) as raised:
                        self.client.call(operation, b"<whatever/>")
                    self.assertEqual(raised.exception.name, "" if shape == "none" else name)
        for sub in wire.SIGNATURE_FAULTS:
            self.server.plan.next("Ack", Trouble(fault=("SignatureVerificationFault", sub, "full")))
            self.refused("SignatureVerificationFault", sub, self.client.call, "Ack", b"")
        self.assertFalse(self.server.plan.waiting())
        self.server.plan.next("SendRequest", Trouble(fault=("SMEVFailure", None, "full"), done=True))
        self.refused("SMEVFailure", None, self.client.send_request, push("done"))
        self.portal.pump()
        self.assertEqual([p.book_id for p in self.portal.pushes], ["done"])

    def test_no_answers(self):
        for http_answer in (HTML, EMPTY, (200, "text/xml", b"<a/>"), (200, "application/json", b"{}")):
            self.server.plan.next("GetRequest", Trouble(http=http_answer))
            self.assertRaises(HOPELESS, self.client.get_request)
        for other in ("operation", "id", "before"):
            self.client.send_request(push("1"))
            ident = self.client.new_id()
            self.server.plan.next("SendRequest", Trouble(other=other))
            try:
                self.assertNotEqual(self.client.send_request(push("1"), ident)["MessageId"], ident)
            except SignatureError:
                self.assertEqual(other, "operation")

    def test_slow(self):
        self.server.plan.next("GetRequest", Trouble(slow=0.2))
        self.server.plan.next("GetRequest", Trouble(stall=0.2))
        for _ in range(2):
            started = time.monotonic()
            self.client.get_request()
            self.assertGreater(time.monotonic() - started, 0.19)
        impatient = self.of("agency-a", timeout=0.1)
        self.server.plan.next("GetRequest", Trouble(slow=1))
        self.assertRaises(HOPELESS, impatient.get_request)

    def test_reserve(self):
        """The main endpoint's port is closed; the reserve has the same queues."""
        message = self.slots()
        self.server.refuse("main")
        self.assertRaises(HOPELESS, self.of("agency-a").get_request)
        self.assertEqual(self.of("agency-a", endpoint="reserve").get_request().message_id, message.message_id)
        self.server.refuse("main", False)
        self.of("agency-a").ack(message.message_id)

    def test_mime(self):
        """Both shapes, with files inside the message and signatures of files taken out of what is signed: put back, it verifies."""
        for style in ("cxf", "jaxws"):
            for dress in sorted(wire.DRESSES):
                message = self.slots(signed=True, attachments=[("_1", b"\0\xff--uuid:x\r\n" * 50)])
                self.server.plan.next("GetRequest", Trouble(mime=style, dress=wire.DRESSES[dress]))
                got = self.client.get_request()
                self.assertEqual(got.message_id, message.message_id)
                self.assertTrue(wire.text_of(got.data.find(None, "AttachmentHeaderList").children[0], "SignaturePKCS7"))
                self.client.ack(message.message_id)
        message = self.slots(attachments=[("_1", b"x")])
        self.server.plan.next("GetRequest", Trouble(mime="cxf"))
        status, kind, body = self.client.post("GetRequest", self.client.envelope("GetRequest", self.client.selector()))
        self.assertIn("multipart/related", kind)
        self.assertIn(b"Content-ID: <", body)
        root, parts = wire.read_mime(kind, body)
        self.assertEqual(len(parts), 2)
        self.assertTrue(all("@urn://" in cid for cid in parts))
        self.assertIn(b"@urn%3A%2F%2F", root)
        request = wire.body_child(root)[2].children[0].children[0]
        with self.assertRaisesRegex(SignatureError, "digest"):  # includes left where they are
            smev3sig.verify(request, wire.body_child(root)[2].children[0].find(None, "SMEVSignature"))
        self.assertRaises(wire.MimeError, wire.put_back, root, {"other": b""})
        for bad in (body[:-4], body[:len(body) // 2], body.replace(b"--uuid", b"--duui")):
            self.assertRaises(wire.MimeError, wire.read_mime, kind, bad)
        self.server.plan.next("GetRequest", Trouble(mime="jaxws"))
        kind = self.client.post("GetRequest", self.client.envelope("GetRequest", self.client.selector()))[1]
        self.assertRegex(kind, r'start\*0="<rootpart\*.*"; start\*1="\.sun\.com>"; type="application/xop\+xml"; .*start-info="text/xml";charset=UTF-8$')

    def test_files(self):
        """Reading by FTP with the delivery's own password, until the Ack."""
        message = self.slots(files=[("a.zip", b"abc" * 1000)])
        got = self.client.get_request()
        (one,) = got.files
        def fetch(user, password):
            data = []
            with FTP() as ftp:
                ftp.connect("127.0.0.1", self.files.port, timeout=10)
                ftp.login(user, password)
                ftp.retrbinary("RETR %s%s" % (one["uuid"], one["FileName"]), data.append)
            return b"".join(data)
        self.assertEqual(fetch(one["UserName"], one["Password"]), b"abc" * 1000)
        header = got.data.find(None, "RefAttachmentHeaderList").children[0]
        self.assertEqual(wire.text_of(header, "Hash"), base64.b64encode(gost.digest(gost.STREEBOG256, b"abc" * 1000)).decode())
        self.assertRaises(error_perm, fetch, one["UserName"], "x")
        self.assertRaises(error_perm, fetch, "x", one["Password"])
        self.files.gone = True
        self.assertRaises(error_perm, fetch, one["UserName"], one["Password"])
        self.files.gone, self.files.cut = False, 0.5
        with self.assertRaises(Exception):
            fetch(one["UserName"], one["Password"])
        self.files.cut = None
        self.core.clock.advance(REDELIVERY_S + 1)
        (two,) = self.client.get_request().files
        self.assertRaises(error_perm, fetch, one["UserName"], one["Password"])
        fetch(two["UserName"], two["Password"])
        self.client.ack(message.message_id)
        self.assertRaises(error_perm, fetch, two["UserName"], two["Password"])

    def test_poison(self):
        """Each kind stands at the head of the queue, signed by SMEV like all the rest."""
        for kind in POISONS:
            later = self.slots()
            message = self.portal.poison(kind, self.agency)
            try:
                self.assertEqual(self.client.get_request().message_id, message.message_id)
            except (wire.MimeError, SignatureError):
                self.assertIn(kind, ("include", "doctype", "unverifiable"))
            self.client.ack(message.message_id)
            self.client.ack(self.client.get_request().message_id)
            self.assertTrue(later.acked)


class Judging(World):
    """The judge finds each wrong of an agency, and nothing where there is none."""

    def play(self, wrong=None):
        """An agency that is right but for what wrong says."""
        c, finds = self.client, self.slots()
        got = c.get_request()
        if wrong == "accepts spoiled":
            self.server.plan.next("GetRequest", Trouble(spoil="value"))
            second = self.slots()
            self.assertRaises(SignatureError, c.get_request)
            c.ack(second.message_id)
        if wrong != "no ack":
            c.ack(got.message_id)
        ident = c.new_id()
        content = GOOD
        if wrong == "rejects":
            c.reject(got.reply_to, "FAILURE", "База данных недоступна")
        elif wrong != "no answer":
            if wrong in ("repeat differs", "new id", "lost and repeated"):
                self.server.plan.next("SendResponse", Trouble(lose_request=True))
                self.assertRaises(HOPELESS, c.send_response, got.reply_to, content, ident)
            if wrong == "repeat differs":
                content = content.replace(">0<", ">1<")
            c.send_response(got.reply_to, content, c.new_id() if wrong == "new id" else ident)
            if wrong == "twice":
                c.send_response(got.reply_to, content)
        if wrong == "upper case":
            self.assertRaises(SmevFault, c.send_response, got.reply_to, GOOD, c.new_id().upper())
        if wrong == "broadcast":
            cast = self.slots(kind="BROADCAST", reply_to="to the wind")
            self.core.requests["to the wind"] = cast
            c.ack(c.get_request().message_id)
            c.send_response("to the wind", GOOD)
        first = c.new_id()
        if wrong == "lost and repeated":
            self.server.plan.next("SendRequest", Trouble(cut_answer=0.3))
            self.assertRaises(HOPELESS, c.send_request, push("7", "201"), first)
            self.refused("MessageIsAlreadySent", None, c.send_request, push("7", "201"), first)
        else:
            c.send_request(push("7", "201"), first)
        if wrong == "push before the answer":
            c.send_request(push("7", "301"))
        if wrong == "refused push":
            self.portal.push_answer = lambda p: self.portal.push_said(p, 2, "Неверно") if p.status == "201" else self.portal.push_said(p, 0)
        self.portal.pump()
        c.ack(c.get_response().message_id)
        if wrong == "push again":
            c.send_request(push("7", "201"))
            self.portal.pump()
            c.ack(c.get_response().message_id)
        if wrong != "push before the answer":
            if wrong != "push missing":
                c.send_request(push("7", "999" if wrong == "push wrong" else "301"))
        self.portal.pump()
        if wrong != "push missing":
            c.ack(c.get_response().message_id)
        self.assertIsNotNone(finds)
        return self.judge(expected_pushes={"7": ["201", "301"]})

    def test_right(self):
        for wrong in (None, "lost and repeated"):
            judge = self.play(wrong)
            self.assertEqual(judge.problems, [], wrong)
            self.assertEqual((judge.counts["requests"], judge.counts["pushes"]), (1, 2))
            self.tearDown()
            self.setUp()

    def test_wrong(self):
        for wrong, words in (("no ack", "never acked"), ("no answer", "has no answer"), ("rejects", "refused by SMEV's own refusal"),
                             ("repeat differs", "another content"), ("new id", "SMEV has not said that it takes"), ("twice", "times in effect"),
                             ("accepts spoiled", "never was it delivered whole"), ("upper case", "InvalidMessageIdFormat"), ("broadcast", "cannot be"),
                             ("push before the answer", "before the answer"), ("push again", "under a new MessageID"),
                             ("push wrong", "expected"), ("push missing", "expected"), ("refused push", "follows one that was refused")):
            with self.subTest(wrong):
                problems = self.play(wrong).problems
                self.assertTrue(any(words in p for p in problems), problems)
            self.tearDown()
            self.setUp()

    def test_trouble_without_end(self):
        """A simple agency that is right, under seeded trouble of all kinds: nothing to complain of."""
        rng = random.Random(11)
        odds = {name: 0.04 for name in ("lost_request", "cut_request", "lost_answer", "cut_answer", "failure", "html", "spoiled", "late_ack", "other",
                                        "mime", "dressed")}
        self.server.plan.policy = SeededPolicy(11, odds)
        wanted = {self.slots(vip_test=rng.random()).message_id for _ in range(60)}
        answers, answered, turns = {}, set(), 0
        while answered != wanted:
            turns += 1
            self.assertLess(turns, 2000)
            self.server.plan.policy.quiet = turns > 600
            if rng.random() < 0.1:
                self.core.clock.advance(REDELIVERY_S + 1)
            try:
                got = self.client.get_request()
                if got is None:
                    self.core.clock.advance(REDELIVERY_S + 1)
                else:
                    answers.setdefault(got.message_id, [got.reply_to, self.client.new_id()])
                    self.client.ack(got.message_id)
            except (SmevFault, *HOPELESS):
                pass
            for ident, (to, own) in list(answers.items()):
                if ident not in answered:
                    try:
                        if self.client.send_response(to, GOOD, own)["MessageId"] == own:
                            answered.add(ident)
                    except SmevFault as e:
                        if e.name == "MessageIsAlreadySent":
                            answered.add(ident)
                    except HOPELESS:
                        pass
        self.server.plan.policy.quiet = True
        while True:
            self.core.clock.advance(REDELIVERY_S + 1)
            got = self.client.get_request()
            if got is None:
                break
            self.client.ack(got.message_id)
        judge = self.judge()
        self.assertEqual(judge.problems, [])
        self.assertEqual(judge.counts["requests"], 60)
        self.assertEqual(set(odds) - set(self.server.plan.policy.thrown), set())


class Curve(World):
    def test_against_libgcrypt(self):
        """The quick arithmetic says what libgcrypt says, of right and wrong signatures."""
        for who in ("agency-a", "agency-b", "portal", "portal-2001", "portal-tca", "portal-512"):
            key, cert = self.core.read(who + ".key"), self.core.read(who + ".pem")
            slow, quick = (gost.PrivateKey(key), gost.Certificate.from_pem(cert)), (gostfast.PrivateKey(key), gostfast.Certificate.from_pem(cert))
            quick[0].make_ready(4)  # of the first ones; the others are made as they come
            for n in range(8):
                message = os.urandom(n * 7)
                for signer in (slow, quick):
                    value = signer[0].sign(message)
                    half = len(value) // 2
                    for reader in (slow, quick):
                        self.assertTrue(reader[1].verify(message, value))
                        for wrong in (value[half:] + value[:half], value[::-1], bytes(len(value)), value[:-1], value + b"\0", b"\xff" * len(value),
                                      bytes(half) + value[half:], value[:half] + bytes(half), value[:-1] + bytes([value[-1] ^ 1])):
                            self.assertFalse(reader[1].verify(message, wrong))
                        self.assertFalse(reader[1].verify(message + b"x", value))


class Schemas(World):
    def test_all_that_is_written(self):
        """With the schemas beside the tree: calls, answers and faults of the three versions are valid."""
        folders = {"1.1": "smev3-1.1", "1.2": "smev3-1.2-derived", "1.3": "smev3-1.3"}
        if not (SHARED / "smev").is_dir():
            self.skipTest("SKIP: no schemas of SMEV 3 beside the tree")
        from lxml import etree
        for version, folder in folders.items():
            driver = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">%s</xs:schema>' % "".join(
                '<xs:import namespace="%s" schemaLocation="%s"/>' % (ns(version), SHARED / "smev" / folder / ("smev-message-exchange-%s-%s.xsd" % (n, version)))
                for n, ns in (("types", wire.types_ns), ("basic", wire.basic_ns), ("faults", wire.faults_ns)))
            schema = etree.XMLSchema(etree.fromstring(driver))
            valid = lambda octets: schema.assertValid(etree.fromstring(octets).find("{%s}Body" % xmlsig.SOAP)[0])
            seen = []
            client = self.of("agency-a", version=version)
            post = client.post
            def both(operation, octets, **more):
                answer = post(operation, octets, **more)
                valid(octets)
                valid(answer[2])
                seen.append(operation)
                return answer
            client.post = both
            for name in sorted(set(wire.DRESSES) - {"blanks"}):
                self.server.dress = wire.DRESSES[name]
                self.assertIsNone(client.get_request())
                for kind in ("REQUEST", "BROADCAST"):
                    self.slots(version=version, signed=True, personal=(self.portal.key, self.portal.cert), files=[("a", b"b")], attachments=[("_1", b"x")],
                               test=True, eol=time.time(), node="n", kind=kind)
                    got = client.get_request(node="n")
                    client.ack(got.message_id)
                    if got.reply_to:
                        client.status(got.reply_to)
                        client.send_response(got.reply_to, GOOD)
                self.slots(version="1.1")
                got = client.get_request((EQ, "getSlotsRequest"))
                client.ack(got.message_id, "false")
                client.reject(got.reply_to)
                client.send_request(push("1"))
                self.portal.pump()
                self.core.refuse_async(self.portal.pushes[-1].message)
                for _ in range(2):
                    client.ack(client.get_response().message_id)
                self.core.push_error(self.agency, "x")
                client.ack(client.get_status()["OriginalMessageId"])
                self.assertIsNone(client.get_status())
                if version == "1.1":
                    client.statistics()
                    self.core.cancel(self.slots())
                    client.ack(client.get_request().message_id)
                    client.ack(client.get_request().message_id)
            self.assertGreater(len(seen), 40)
            for name in wire.FAULTS:
                if name == "PersonalAccessDenied" and version != "1.3":
                    continue
                detail = etree.fromstring(wire.fault_detail(name, version, "текст", shape="void"))
                schema.assertValid(detail)
            # The schema's Void forbids what SMEV writes, Code and Description: only the others are valid in full.
            for name in ("SignatureVerificationFault", "InvalidContent", "BusinessDataTypeIsNotSupported", "DestinationOverflow",
                         "QuoteLimitExceeded", "AttachmentSizeLimitExceeded", "TransactionCodeInvalid"):
                schema.assertValid(etree.fromstring(wire.fault_detail(name, version, "текст")))


if __name__ == "__main__":
    e2e.main()
