#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A repeat has one effect (B6, C3, C7). Somebody has captured a message of the portal, with the signatures of the portal and
of SMEV, and may cut, add and reorder whatever those do not cover. A generator makes all such edits, alone and several at
once, and sends each for every operation: the database stays as it was, and what comes back is a fault or the first answer,
byte for byte. ZAPISD_SEED=N plays one series again, ZAPISD_ROUNDS=N sets how many mixtures an operation gets.
"""
import datetime
import os
import random
import re
import unittest.mock
import uuid

from e2e import E2E, MOSCOW, SERVICE, main, new_id

import smev2client
import xmlsig
from smev2client import ACTOR_RECIPIENT, ACTOR_SMEV, Fault

SEED = int(os.environ.get("ZAPISD_SEED") or random.randrange(1 << 32))
ROUNDS = int(os.environ.get("ZAPISD_ROUNDS") or 25)
SECURITY = rb"<wsse:Security .*?</wsse:Security>"
HEADER = rb"<smev:Header .*?</smev:Header>"


def blocks(message):
    """Everything before soap:Header's blocks, the blocks, everything behind."""
    start = re.search(rb"<soap:Header[^>]*>", message).end()
    end = message.index(b"</soap:Header>")
    return message[:start], re.findall(SECURITY + b"|" + HEADER + rb"|<x:.*?</x:[^>]*>", message[start:end], re.S), message[end:]


def joined(message, change):
    before, middle, behind = blocks(message)
    return before + b"".join(change(middle)) + behind


def of_actor(actor):
    return lambda block: actor.encode() in block


def without(test):
    return lambda m, rng: joined(m, lambda b: [x for x in b if not test(x)])


def with_block(make):
    return lambda m, rng: joined(m, lambda b: b[:(at := rng.randrange(len(b) + 1))] + [make(rng)] + b[at:])


def replaced(old, new):
    return lambda m, rng: m.replace(old, new, 1)


def in_blocks(old, new):
    """In the unsigned part only: Body stays what it is."""
    return lambda m, rng: joined(m, lambda b: [x.replace(old, new) for x in b])


def is_header(block):
    return block.startswith(b"<smev:Header")


def header(namespace, text):
    return ('<smev:Header xmlns:smev="%s"><smev:NodeId>2</smev:NodeId>%s<smev:TimeStamp>2026-01-01T00:00:00+03:00</smev:TimeStamp></smev:Header>'
            % (namespace, text)).encode()


def with_timestamp(inner):
    stamp = ('<wsu:Timestamp xmlns:wsu="%s">%s</wsu:Timestamp>' % (xmlsig.WSU, inner)).encode()
    return lambda m, rng: joined(m, lambda b: [x.replace(b"<wsse:Binary", stamp + b"<wsse:Binary", 1) for x in b])


# What nobody's signature covers. Each takes the message and a source of chance.
EDITS = {
    "as it was": lambda m, rng: m,
    "no signature of SMEV, no smev:Header": lambda m, rng: without(is_header)(without(of_actor(ACTOR_RECIPIENT))(m, rng), rng),
    "no signature of SMEV": without(of_actor(ACTOR_RECIPIENT)),
    "no smev:Header": without(is_header),
    "no signature of the portal": without(of_actor(ACTOR_SMEV)),
    "another order of blocks": lambda m, rng: joined(m, lambda b: rng.sample(b, len(b))),
    "another MessageId": lambda m, rng: re.sub(rb"(<smev:MessageId>)[^<]*", rb"\g<1>" + uuid.uuid4().hex.encode(), m, count=1),
    "another MessageId, no signature of SMEV": lambda m, rng: EDITS["another MessageId"](EDITS["no signature of SMEV"](m, rng), rng),
    "no MessageId": lambda m, rng: re.sub(rb"<smev:MessageId>[^<]*</smev:MessageId>", b"", m, count=1),
    "a header of another revision": with_block(lambda rng: header(smev2client.REV["rev111111"], "<smev:MessageId>%d</smev:MessageId>" % rng.getrandbits(60))),
    "a second header": with_block(lambda rng: header(smev2client.REV["rev120315"], "<smev:MessageId>%d</smev:MessageId>" % rng.getrandbits(60))),
    "a foreign block": with_block(lambda rng: b'<x:B xmlns:x="urn:x" wsu:Id="b%d" xmlns:wsu="%s">%d</x:B>'
                                  % (rng.getrandbits(40), xmlsig.WSU.encode(), rng.getrandbits(60))),
    "a block to be understood": with_block(lambda rng: b'<x:B xmlns:x="urn:x" soap:mustUnderstand="1">1</x:B>'),
    "the message in a foreign block": lambda m, rng: joined(m, lambda b: b + [b'<x:B xmlns:x="urn:x">' + re.search(rb"<soap:Body.*</soap:Body>", m, re.S)[0]
                                                                           .replace(b"body-", b"copy-") + b"</x:B>"]),
    "another actor for SMEV": replaced(ACTOR_RECIPIENT.encode(), b"http://example.org/actors/none"),
    "no actor for SMEV": in_blocks(b' soap:actor="%s"' % ACTOR_RECIPIENT.encode(), b""),
    "actors exchanged": lambda m, rng: m.replace(ACTOR_SMEV.encode(), b"@").replace(ACTOR_RECIPIENT.encode(), ACTOR_SMEV.encode())
                                        .replace(b"@", ACTOR_RECIPIENT.encode()),
    "a good time stamp": with_timestamp("<wsu:Created>%s</wsu:Created>" % smev2client.now_text()),
    "an expired time stamp": with_timestamp("<wsu:Created>2026-01-01T00:00:00Z</wsu:Created><wsu:Expires>2026-01-01T00:05:00Z</wsu:Expires>"),
    "a garbled time stamp": with_timestamp("<wsu:Created>yesterday</wsu:Created>"),
    "blanks between blocks": lambda m, rng: joined(m, lambda b: [x for y in b for x in (y, rng.choice([b" ", b"\n\t", b""]))]),
    "comments between blocks": lambda m, rng: joined(m, lambda b: [*b[:1], b"<!-- x -->", *b[1:]]),
    "no declaration": lambda m, rng: re.sub(rb"^<\?xml.*?\?>\n", b"", m),
    "a byte order mark": lambda m, rng: b"\xef\xbb\xbf" + m,
    "another declaration": replaced(b'version="1.0" encoding="UTF-8"', b"version='1.0' encoding='utf-8' standalone='yes'"),
    "names on the envelope": replaced(b"<soap:Envelope ", b'<soap:Envelope xmlns:z="urn:z" xmlns:smev="urn:none" xml:lang="ru" '),
    "an Id on the envelope": replaced(b"<soap:Envelope ", b'<soap:Envelope Id="e1" '),
    "an attribute on the header": replaced(b"<soap:Header>", b'<soap:Header test="true">'),
    "TestMsg in the header": with_block(lambda rng: b'<x:M xmlns:x="%s"><x:TestMsg>true</x:TestMsg></x:M>' % smev2client.REV["rev120315"].encode()),
    "another prefix for SOAP": lambda m, rng: m.replace(b"<soap:Envelope xmlns:soap=", b"<S:Envelope xmlns:soap=\"%s\" xmlns:S=" % xmlsig.SOAP.encode(), 1)
                                               .replace(b"</soap:Envelope>", b"</S:Envelope>"),
    "entities in the token": lambda m, rng: re.sub(rb"(BinarySecurityToken [^>]*>)(.)", lambda x: x[1] + b"&#%d;" % x[2][0], m, count=1),
    "base64 in lines": lambda m, rng: re.sub(rb"(<ds:SignatureValue>)([^<]*)", lambda x: x[1] + b"\n".join(x[2][i:i + 20] for i in range(0, len(x[2]), 20)), m),
    "the Id of a signature": in_blocks(b"<ds:Signature xmlns", b'<ds:Signature Id="s%d" xmlns' % random.getrandbits(40)),
    "an element behind the body": replaced(b"</soap:Body>", b'</soap:Body><x:T xmlns:x="urn:x"/>'),
}
# Nor do these, which go with the mixtures.
HEADERS = [{}, {"SOAPAction": '""'}, {"SOAPAction": "cancelBooking"}, {"Content-Type": "text/xml"}, {"X-Forwarded-For": "10.0.0.1"},
           {"Content-Type": 'text/xml; charset="utf-8"; action="book"'}]


class Repeat(E2E):
    def setUp(self):
        self.client = self.portal()
        self.rng = random.Random(SEED)
        self.answered = 0

    def state(self):
        """All that a message may change."""
        return self.one("""select md5(concat(
            (select string_agg(b::text, '|' order by book_key) from data.booking as b),
            (select string_agg(p::text, '|' order by slot_id, place_no) from data.place as p),
            (select string_agg(a::text, '|' order by book_key) from data.applicant as a),
            (select count(*) from data.booking_history), (select count(*) from data.outbox)))""")

    def call(self, method, items, **frame):
        message = self.client.envelope(method, items, "m-" + new_id(), **frame)
        reply = self.client.read(self.client.post(message, method))
        return message, reply

    def free(self, n=1):
        slots = [s["slotId"] for s in self.free_slots(self.client)]
        return self.rng.sample(slots, n)

    def edited(self):
        """All edits alone, then mixtures of them."""
        for name, edit in EDITS.items():
            yield name, [edit]
        for _ in range(ROUNDS):
            names = self.rng.sample(list(EDITS), self.rng.randrange(2, 5))
            yield " + ".join(names), [EDITS[n] for n in names]

    def replay(self, method, message, check):
        """Each edit of the message: the state stays, check() looks at what is no fault."""
        before = self.state()
        accepted = set()
        for name, edits in self.edited():
            with self.subTest(seed=SEED, method=method, edit=name):
                bad = message
                for edit in edits:
                    bad = edit(bad, self.rng)
                headers = self.rng.choice(HEADERS) if len(edits) > 1 else {}
                answer = self.client.post(bad, method, headers)
                try:
                    self.client.read(answer)
                    check(answer)
                    accepted.add(name)
                except Fault:
                    pass
                self.assertEqual(self.state(), before, "a second effect")
        # The edits are not all nonsense: these leave a message that is as good as the first.
        self.assertLessEqual({"as it was", "no signature of SMEV, no smev:Header", "another order of blocks", "a good time stamp"}, accepted)
        self.assertFalse({"no signature of the portal", "an expired time stamp", "a garbled time stamp", "no smev:Header"} & accepted)

    def same_as(self, first):
        return lambda answer: self.assertEqual(answer.body, first.body)

    def booked(self, preliminary=False, slot=None):
        book_id = new_id()
        message, reply = self.call("book", self.client.book_items(book_id, slot or self.free()[0], MOSCOW, preliminary, services=[SERVICE]))
        self.assertEqual(reply.status_code, "201" if not preliminary else reply.status_code)
        self.assertEqual(reply.error_code, 0)
        return book_id, message, reply

    def cancel(self, book_id):
        message, reply = self.call("cancelBooking", [("bookId", book_id), ("esiaId", "1000000000")])
        self.assertEqual(reply.error_code, 0)
        return message, reply

    def test_book_after_cancel(self):
        book_id, message, first = self.booked()
        self.cancel(book_id)
        self.replay("book", message, self.same_as(first))

    def test_hold_after_cancel(self):
        book_id, message, first = self.booked(preliminary=True)
        self.cancel(book_id)
        self.replay("book", message, self.same_as(first))

    def test_move_after_another_move(self):
        a, b, c = self.free(3)
        book_id, _, _ = self.booked(slot=a)
        message, first = self.call("book", self.client.book_items(book_id, b, MOSCOW, False, services=[SERVICE]))
        self.call("book", self.client.book_items(book_id, c, MOSCOW, False, services=[SERVICE]))
        self.replay("book", message, self.same_as(first))
        self.cancel(book_id)

    def test_cancel_after_booking_anew(self):
        slot = self.free()[0]
        book_id, _, _ = self.booked(slot=slot)
        message, first = self.cancel(book_id)
        _, again = self.call("book", self.client.book_items(book_id, slot, MOSCOW, False, services=[SERVICE]))
        self.assertEqual(again.status_code, "201")
        self.replay("cancelBooking", message, self.same_as(first))
        self.cancel(book_id)

    def test_update_after_another_update(self):
        a, b = self.free(2)
        book_id, _, _ = self.booked(slot=a)
        times = {s["slotId"]: s["visitTime"] for s in self.free_slots(self.client)}

        def update(slot):
            return self.call("updateBookingDetails", [("bookId", book_id), ("esiaId", "1000000000"), ("timeslot", [
                ("slotId", slot), ("organizationId", MOSCOW), ("areaId", "room-11"), ("visitTime", times[slot])]), ("status", [("statusCode", "201")])])
        message, first = update(b)
        self.assertEqual(first.error_code, 0)
        c = next(s for s in times if s not in (a, b))
        self.assertEqual(update(c)[1].error_code, 0)
        self.replay("updateBookingDetails", message, self.same_as(first))
        self.cancel(book_id)

    def test_a_test_stays_a_test(self):
        message, first = self.call("book", self.client.book_items(new_id(), self.free()[0], MOSCOW, False, services=[SERVICE]), TestMsg="true")
        self.assertEqual(first.frame["TestMsg"], "true")
        self.replay("book", message, self.same_as(first))

    def test_reads(self):
        """C7: a read has no effect to repeat; method, sender and recipient stay what was signed."""
        book_id, _, _ = self.booked()
        for method, items in (("getSlots", [("organizationId", MOSCOW), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000")]),
                              ("getBookingStatus", [("bookId", book_id), ("esiaId", "1000000000")]), ("getRefsList", []),
                              ("getRefAttributesList", [("refNames", ["organizations"])]),
                              ("getRefItemsList", [("refName", "services"), ("treeFiltering", "ONELEVEL"), ("pageNum", 0), ("pageSize", 0)])):
            message, first = self.call(method, items)
            self.assertEqual(first.error_code, 0, first.body)

            def check(answer):
                self.assertEqual(answer.element, method + "Response")
                self.assertEqual((answer.frame["Recipient"], answer.frame["Sender"]), (first.frame["Recipient"], first.frame["Sender"]))
                now = first
                while answer.values != now.values:  # time goes by: an hour comes into the window, or is too near by now
                    was, now = now, self.client.call(method, items)
                    self.assertNotEqual(now.values, was.values, answer.body)
            self.replay(method, message, check)
        self.cancel(book_id)

    def test_parts_of_two_messages(self):
        """C7: SMEV's signature and header of one message on the body of another."""
        book_id, one, first = self.booked()
        _, other, _ = self.booked()
        self.cancel(book_id)
        before = self.state()
        for test in (of_actor(ACTOR_RECIPIENT), is_header, lambda b: is_header(b) or of_actor(ACTOR_RECIPIENT)(b), of_actor(ACTOR_SMEV)):
            parts = [b for b in blocks(other)[1] if test(b)]
            bad = joined(one, lambda b: parts + [x for x in b if not test(x)])
            with self.assertRaises(Fault):
                self.client.read(self.client.post(bad, "book"))
            self.assertEqual(self.state(), before)

    def test_sent_again_by_smev(self):
        """B6: SMEV delivers the very same message once more, under a new id and its own new signature; the id is then taken."""
        slot = self.free()[0]
        body = self.client.body("book", self.client.book_items(new_id(), slot, MOSCOW, False, services=[SERVICE]))
        book_id = re.search("<eq:bookId>(.*?)<", body)[1]
        ids = ["m-" + new_id(), "m-" + new_id()]
        message = self.client.sign(body, ids[0])
        first = self.client.read(self.client.post(message, "book"))
        self.cancel(book_id)
        before = self.state()
        octets = re.search(rb"<soap:Body.*</soap:Body>", message, re.S)[0]
        body_id = re.search(rb'wsu:Id="(body-[^"]*)"', octets)[1].decode()
        fresh = re.search(HEADER, self.client.sign(body, ids[1]))[0]
        header_id = re.search(rb'wsu:Id="([^"]*)"', fresh)[1].decode()
        by_smev = xmlsig.security_header(*self.client.smev, ACTOR_RECIPIENT, [(header_id, fresh), (body_id, octets)], "token-" + uuid.uuid4().hex).encode()
        again = joined(message, lambda b: [by_smev] + [x for x in b if of_actor(ACTOR_SMEV)(x)] + [fresh])
        self.same_as(first)(self.client.post(again, "book"))
        self.assertEqual(self.state(), before)
        # Both ids stand for this message now: with other content they are refused by name.
        for one in ids:
            other = self.client.envelope("book", self.client.book_items(new_id(), slot, MOSCOW, False, services=[SERVICE]), one)
            with self.assertRaisesRegex(Fault, "уже использован"):
                self.client.read(self.client.post(other, "book"))
        self.assertEqual(self.state(), before)

    def test_age(self):
        """C7: what the sender signed as its time of creation is within a day of now, whatever the zone says."""
        now = datetime.datetime.now(datetime.timezone.utc)

        def at(hours, zone=3):
            return (now + datetime.timedelta(hours=hours)).astimezone(datetime.timezone(datetime.timedelta(hours=zone))).isoformat(timespec="seconds")
        before = self.state()
        for date in (at(-25), at(-24 * 400), at(25), at(-25, 12), at(-30, -11), "1970-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"):
            for method, items in (("book", self.client.book_items(new_id(), self.free()[0], MOSCOW, False, services=[SERVICE])), ("getRefsList", [])):
                with self.subTest(date=date, method=method), self.assertRaises(Fault) as fault:
                    self.client.call(method, items, Date=date)
                self.assertEqual(fault.exception.code, "wsse:MessageExpired")
        self.assertEqual(self.state(), before)
        for date in (at(-23), at(23), at(-1, 12), at(3, -11)):
            with self.subTest(date=date):
                self.assertEqual(self.client.call("getRefsList", [], Date=date).error_code, 0)
        for date in ("yesterday", "2026-01-01", ""):  # no time at all: told as a bad field, or as a missing part of the frame
            with self.subTest(date=date):
                try:
                    self.assertEqual(self.client.call("getRefsList", [], Date=date).fields, {"Date": 1})
                except Fault:
                    self.assertEqual(date, "")


class Purpose(E2E):
    """V2: what a message is for is said by its Status and by SMEV's MessageClass. Only a request has an effect."""
    OTHERS = ("RESULT", "REJECT", "INVALID", "ACCEPT", "PROCESS", "NOTIFY", "FAILURE", "CANCEL", "STATE", "PACKET", "request", "REQUESTS", "Тест", "1")

    def setUp(self):
        self.client = self.portal()

    def bookings(self):
        return self.one("select md5(string_agg(concat(b.book_key, b.state, b.status_code), '|' order by b.book_key)) from data.booking as b")

    def everything(self, book_id):
        """Each operation with all it needs, as good as can be."""
        slots = [s["slotId"] for s in self.free_slots(self.client)]
        person = [("bookId", book_id), ("esiaId", "1000000000")]
        yield "book", self.client.book_items(new_id(), slots[0], MOSCOW, False, services=[SERVICE]), True
        yield "book", self.client.book_items(book_id, slots[1], MOSCOW, False, services=[SERVICE]), True
        yield "cancelBooking", person, True
        yield "getBookingStatus", person, False
        yield "getSlots", [("organizationId", MOSCOW), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000")], False
        yield "getRefsList", [], False
        yield "getRefItemsList", [("refName", "services"), ("treeFiltering", "ONELEVEL"), ("pageNum", 0), ("pageSize", 0)], False

    def test_status(self):
        book_id = new_id()
        self.assertEqual(self.client.book(book_id, self.free_slots(self.client)[0]["slotId"], MOSCOW, services=[SERVICE]).status_code, "201")
        before, log = self.bookings(), self.instance.log.stat().st_size
        for method, items, is_write in self.everything(book_id):
            for status in self.OTHERS + (("PING",) if is_write else ()):
                with self.subTest(method=method, status=status), self.assertRaises(Fault):
                    self.client.call(method, items, Status=status)
                self.assertEqual(self.bookings(), before)
            if not is_write:
                with self.subTest(method=method, status="PING"):
                    self.assertEqual(self.client.call(method, items, Status="PING").error_code, 0)
        with open(self.instance.log, encoding="utf-8") as f:
            f.seek(log)
            self.assertNotIn("Тест", f.read(), "J3: what a stranger wrote is not told to the log")

    def test_batch(self):
        items = self.client.book_items(new_id(), self.free_slots(self.client)[0]["slotId"], MOSCOW, False, services=[SERVICE])
        before, body = self.bookings(), self.client.body("book", items, Status="PACKET")
        parts = "<smev:SubMessages><smev:SubMessage><smev:SubRequestNumber>1</smev:SubRequestNumber><smev:Status>REQUEST</smev:Status></smev:SubMessage></smev:SubMessages>"
        with self.assertRaises(Fault):
            self.client.read(self.client.post(self.client.sign(body.replace("</smev:Message>", parts + "</smev:Message>")), "book"))
        self.assertEqual(self.bookings(), before)

    def test_class_of_message(self):
        before = self.bookings()
        for text in ("RESPONSE", "request", "CANCEL", "Тест"):
            slot = self.free_slots(self.client)[0]["slotId"]
            with self.subTest(text), unittest.mock.patch.object(smev2client, "MESSAGE_CLASS", text), self.assertRaises(Fault):
                self.client.book(new_id(), slot, MOSCOW, services=[SERVICE], message_id="m-" + new_id())
            self.assertEqual(self.bookings(), before)


class TestMessages(E2E):
    """V2: what means a test is decided per sender; the answer says so, log and metric tell; a listener may refuse tests."""

    @classmethod
    def options(cls):
        other = "[sender OTHR00001]\nname = Другой\ntest_message = present\ncert = %s\n\n"
        return {"edit": lambda text: text + other % (cls.instance.pki / "other.pem")}

    def metric(self):
        return self.instance.metric("zapisd_test_messages_total")

    def book(self, client, text):
        book_id = new_id()
        slot = self.free_slots(self.portal())[0]["slotId"]
        reply = client.book(book_id, slot, MOSCOW, services=[SERVICE], frame={"TestMsg": text})
        self.assertEqual(reply.status_code, "201")
        is_there = self.one("select count(*) from data.booking where book_key = %s", book_id) == 1
        if is_there:
            self.portal().cancel_booking(book_id)
        return reply, is_there

    def test_text(self):
        client, tests = self.portal(), self.metric()
        for text in ("true", "1", "да", "TestMsg", "no", " true "):
            with self.subTest(text):
                reply, is_there = self.book(client, text)
                self.assertFalse(is_there)
                self.assertEqual(reply.frame["TestMsg"], text.strip())
        self.assertEqual(self.metric(), tests + 6)
        self.assertGreaterEqual(self.instance.log.read_text().count("test=yes"), 6)
        for text in (None, "", "false", "FALSE", "False", "0", " ", " false "):
            with self.subTest(text):
                reply, is_there = self.book(client, text)
                self.assertTrue(is_there)
                self.assertNotIn("TestMsg", reply.frame)
        self.assertEqual(self.metric(), tests + 6)

    def test_present(self):
        client, tests = self.portal(who="other", sender="OTHR00001"), self.metric()
        for n, text in enumerate(("", "false", "0", "true"), 1):
            with self.subTest(text):
                reply, is_there = self.book(client, text)
                self.assertFalse(is_there)
                self.assertEqual(reply.frame["TestMsg"], text)
                self.assertEqual(self.metric(), tests + n)
        self.assertTrue(self.book(client, None)[1])

    def test_twice_or_no_text(self):
        """What cannot be understood one way only is refused: nobody guesses whether a booking is meant."""
        client = self.portal()
        bookings = self.one("select count(*) from data.booking")
        body = client.body("book", client.book_items(new_id(), self.free_slots(client)[0]["slotId"], MOSCOW, services=[SERVICE], preliminary=False), TestMsg="@")
        for inner in ("<smev:TestMsg>true</smev:TestMsg><smev:TestMsg></smev:TestMsg>", "<smev:TestMsg><smev:x></smev:x></smev:TestMsg>"):
            with self.subTest(inner), self.assertRaises(Fault):
                client.read(client.post(client.sign(body.replace("<smev:TestMsg>@</smev:TestMsg>", inner)), "book"))
        self.assertEqual(self.one("select count(*) from data.booking"), bookings)


class NoTests(E2E):
    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("kind = smev2", "kind = smev2\nrefuse_test_messages = yes")}

    def test_a_production_listener_refuses_tests(self):  # V2
        client = self.portal()
        for method in ("getRefsList", "getRefItemsList"):
            with self.assertRaisesRegex(Fault, "Тестовые сообщения"):
                client.call(method, [("refName", "services")] if method == "getRefItemsList" else [], TestMsg="true")
        self.assertEqual(client.call("getRefsList", [], TestMsg="").error_code, 0)
        self.assertEqual(client.call("getRefsList", [], TestMsg="false").error_code, 0)


if __name__ == "__main__":
    print("seed %d" % SEED, flush=True)
    main()
