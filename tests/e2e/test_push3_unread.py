#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Q5, O3: answers of the portal that nobody can read or believe (docs/decisions/0339), at the head of their queue: they keep nobody waiting, are known by the ids they claim,
the outgoing message says so, and a person decides. C4, J1: whose signatures were on what came, and the pairs of the journal."""
import asyncio
import json

import e2e
from e2e import PATIENT_S, wait_until

import smev3sig
from smev3server import Trouble
from smev3wire import basic_ns, declare, types_ns
from test_push3 import NODE, Road3

DEEP = '<x:a xmlns:x="urn:deep">' + "<x:a>" * 100 + "</x:a>" * 100 + "</x:a>"
CROWDED = '<x:a xmlns:x="urn:crowded">' + "<x:b></x:b>" * 70000 + "</x:a>"
LARGE = '<x:a xmlns:x="urn:large">' + "0123456789abcdef" * (9 << 16) + "</x:a>"
KINDS = {"deep": "LIMIT", "crowded": "LIMIT", "large": "LIMIT", "doctype": "DOCTYPE", "cut": "MALFORMED", "unverifiable": "CHECK", "unsigned": "SECURITY", "bad_id": "ENVELOPE"}


class Answers(Road3):
    # ---- whose answer is how ----

    def setUp(self):
        super().setUp()
        self.kinds, self.made = {}, {}  # by MessageID of ours: what is wrong with its answer; the answer
        core = self.smev.core
        genuine = core.respond
        core.respond = lambda message: genuine(self.spoil(message))
        self.addCleanup(setattr, core, "respond", genuine)

    def spoil(self, message):
        ident = message.original.message_id if message.original else None
        kind = self.kinds.pop(ident, None)
        self.made[ident] = message
        if kind == "bad_id":
            message.data = message.data.replace(message.message_id.encode(), b"number-1")
            message.message_id = "number-1"
        elif kind == "unnamed":  # the schemas allow it: without OriginalMessageId
            message.original = None
            return message
        elif kind in ("sender: good", "sender: CHECK"):
            portal, version = self.smev.portal, message.version
            text = message.data.decode()
            signature = smev3sig.sign_text(portal.key, portal.cert, text, "SIGNED_BY_PROVIDER", {"t": types_ns(version), "b": basic_ns(version)})
            at = signature.index("<ds:SignatureValue>") + 19
            message.signature = signature if kind.endswith("good") else signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1:]
            return message
        if kind is not None:
            message.spoil = kind
        return message

    def answered_by(self, kind, *comments):
        """A booking whose first push gets such an answer."""
        book_id = self.bookings(1)[0]
        content = {"deep": DEEP, "crowded": CROWDED, "large": LARGE}.get(kind)

        def word(push):
            self.kinds[push.message_id] = kind
            return content or self.smev.portal.push_said(push, 0)
        self.said[book_id] = [word]
        return self.told(*(comments or ("первое", "второе")), book_id=book_id)

    def made_by_id(self, message_id):
        return next(m for m in self.made.values() if m.message_id == message_id)

    def waiting(self):
        return {e.message.message_id for e in self.smev.agency().responses[NODE].entries()}

    def pair(self, message_id, method):
        """The last exchange with that message: the two halves."""
        return self.sql("""select j.direction, j.channel, j.listener, j.peer, j.sender_code, j.recipient_code, j.message_id, j.method, j.verdict, j.status from data.journal as j
            where j.journal_id = (select max(k.journal_id) from data.journal as k where k.message_id = %s and k.method = %s) order by j.direction desc""", message_id, method)

    # ---- what cannot be read or believed ----

    def test_each_kind_at_the_head_of_the_queue(self):
        books = {kind: self.answered_by(kind) for kind in KINDS}
        honest = self.told("первое", "второе")
        self.settle([honest])  # nobody waits behind them
        for book_id in books.values():
            wait_until(lambda: self.events(book_id) == ["queued", "unread"], PATIENT_S, "its story says so")
        answers = {kind: self.made[self.came(b)[0].message_id].message_id for kind, b in books.items()}
        for kind, book_id in books.items():
            with self.subTest(kind):
                ours = self.came(book_id)[0].message_id
                if kind != "bad_id":
                    rows = self.sql("select error, operation, original_id, outbox_id = (select min(x.outbox_id) from data.outbox as x where x.book_key = %s), source from admin.inbox_unread where message_id = %s", book_id, answers[kind])
                    self.assertEqual(rows, [(KINDS[kind], "GetResponse", ours, True, "main")], "known by the ids that it claims")
                    kept = self.sql("select distinct reason, position(%s in encode(head, 'escape')) > 0 or %s from data.journal_refused where request_id = %s", answers[kind], kind in ("large", "crowded"), answers[kind])
                    self.assertEqual(kept, [(KINDS[kind], True)], "J1: by its MessageID")
                self.assertEqual(self.states(book_id), ["sent", "waiting"], "not the end of it")
                waits = self.sql("select waits_for from admin.outbox where book_id = %s order by outbox_id", book_id)[0][0]
                self.assertRegex(waits, "ответ пришёл, но не читается или не проходит проверку: %s, MessageID %s" % (KINDS[kind], answers[kind] if kind != "bad_id" else "не найден"))
                self.assertIn("не читается или не проходит проверку", "\n".join(str(r) for r in self.sql("select w::text from admin.why(%s) as w", book_id)))
        nameless = self.sql("select operation from admin.inbox_unread where message_id = ''")
        self.assertEqual(nameless, [("GetResponse",)])
        told = self.sql("select what from admin.check() where problem ~ 'ответы портала, которые не удалось прочесть'")
        self.assertEqual(len(told), 1)
        self.assertRegex(told[0][0], "никем не подтверждён.*исходящее № [0-9]+.*admin.inbox_unread_give_up")
        notes = lambda: json.loads(self.instance.admin("/readyz")[1])["warnings"]
        wait_until(lambda: any("answers of the portal's: %d)" % len(KINDS) in n for n in notes()), PATIENT_S, "/readyz")
        self.assertEqual(self.one("select count(*) from data.journal where method = 'Ack' and message_id = any(%s)", list(answers.values())), 0, "nothing is refused by itself")
        self.assertTrue(set(answers.values()) <= self.waiting(), "SMEV has them still")
        # at the deadline its row says what is so
        late = books["deep"]
        self.sql("update data.outbox set deadline = now() where book_key = any(%s) and state = 'sent'", [late, books["bad_id"]])
        self.sql("select data.keep_outbox()")
        for book_id in (late, books["bad_id"]):
            self.assertEqual(self.states(book_id), ["held", "waiting"])
            self.assertRegex(self.rows(book_id, "reason")[0][0], "^ответ портала пришёл, но не читается")
        # given up by hand: SMEV is told, the row is held, and goes again as a new message
        for kind, book_id in books.items():
            self.renewed.add(self.came(book_id)[0].message_id)
            outbox_id = self.rows(book_id, "outbox_id")[0][0]
            if kind != "bad_id":
                said = self.one("select admin.inbox_unread_give_up(%s, 'портал пришлёт другой')", answers[kind])
                self.assertIn("admin.outbox_requeue(%d)" % outbox_id, said)
            self.assertEqual(self.states(book_id)[0], "held")
            self.sql("select admin.outbox_requeue(%s)", outbox_id)
        self.settle(books.values())
        for kind, book_id in books.items():
            self.assertEqual(self.comments(book_id), ["первое", "первое", "второе"])
        uuids = set(answers.values()) - {"number-1"}
        wait_until(lambda: not uuids & self.waiting(), PATIENT_S, "they come no more")
        self.assertTrue(all(self.made_by_id(m).acked is False for m in uuids), "as not accepted")
        self.assertEqual(self.one("select unread_answers from api.inbox_state() where source = 'main'"), 1, "all are decided about but those without an id")
        with self.smev.core.lock:  # SMEV forgets it after some weeks
            self.smev.agency().responses[NODE].expire(float("inf"), 0)
            self.smev.agency().responses[NODE].take(float("inf"), 0, lambda m: m.message_id == "number-1")
            self.smev.agency().responses[NODE].ack("number-1")

    def test_one_that_comes_whole_after_all(self):
        book_id = self.answered_by("unverifiable")
        wait_until(lambda: self.events(book_id) == ["queued", "unread"], PATIENT_S, "it is told")
        answer = self.made[self.came(book_id)[0].message_id]
        self.assertEqual(self.one("select count(*) from admin.inbox_unread where message_id = %s", answer.message_id), 1)
        answer.spoil = None
        self.redeliver()
        self.settle([book_id])
        self.assertEqual(self.events(book_id)[:3], ["queued", "unread", "answered"])
        self.assertEqual(self.one("select count(*) from admin.inbox_unread where message_id = %s", answer.message_id), 0)
        with self.assertRaises(Exception):
            self.sql("select admin.inbox_unread_give_up(%s, 'поздно')", answer.message_id)

    def test_one_that_a_stranger_signed(self):  # C4, L4: SMEV's new certificate, or somebody else's
        core, warned = self.smev.core, lambda: [w for w in self.warnings() if "answers have not come out of [smev3 main]" in w and "SENDER" in w]
        told = lambda: self.one("select count(*) from admin.check() where problem = 'ответы портала из очереди СМЭВ подписаны не тем, кому здесь верят'")
        genuine = core.deliver_response
        self.addCleanup(setattr, core, "deliver_response", genuine)
        core.deliver_response = lambda message, version, dress, spoil=None: genuine(message, version, dress, "stranger")
        book_id = self.told("первое")
        wait_until(lambda: self.events(book_id) == ["queued", "unread"], PATIENT_S, "the row says so")
        wait_until(warned, PATIENT_S, "as do /readyz")
        self.assertEqual(told(), 1, "and admin.check()")
        self.assertEqual(self.one("select count(*) from admin.inbox_unread where operation = 'GetResponse' and error = 'SENDER'"), 0, "which nobody may give up")
        self.assertIn("SENDER", self.one("select waits_for from admin.outbox where book_id = %s", book_id))
        core.deliver_response = genuine
        self.redeliver()
        self.reload(self.instance.conf.read_text() + "\n")
        self.settle([book_id])
        wait_until(lambda: told() == 0 and not warned(), PATIENT_S, "SMEV's have come")

    def test_one_that_does_not_say_what_it_is_to(self):
        """Its signed content names the booking, of which one message at most is out; that an answer comes again makes it nobody else's."""
        book_id = self.answered_by("unnamed")
        self.said[book_id].append(lambda push: None)
        wait_until(lambda: (self.nudge(), self.states(book_id) == ["answered", "sent"])[1], PATIENT_S, "the first is answered")
        answer = self.made[self.came(book_id)[0].message_id]
        late = lambda: self.one("select count(*) from data.journal where message_id = %s and status = 'late'", answer.message_id)
        self.smev.core.respond(answer)  # as if its Ack had been lost
        wait_until(lambda: late() == 1, PATIENT_S, "it is the one that was had")
        self.assertEqual(self.states(book_id), ["answered", "sent"])
        self.kinds[self.came(book_id)[1].message_id] = "unnamed"
        self.smev.portal._answer_push(self.came(book_id)[1])
        self.settle([book_id])

    # ---- C4, J1: of each call about the outbox both halves are in the journal, with whose signature was good ----

    def test_the_portals_own_signature_is_judged(self):
        for kind, word in (("none", "none"), ("sender: good", "good"), ("sender: CHECK", "CHECK")):
            with self.subTest(kind):
                book_id = self.answered_by(kind if kind != "none" else None)
                self.settle([book_id])  # SMEV has vouched for it
                answer = self.made[self.came(book_id)[0].message_id].message_id
                out, came = self.pair(answer, "GetResponse")
                url = self.smev.server["main"].url
                self.assertEqual(came, ("in", "smev3", "main", url, "MNSV05", "AAAA00001", answer, "GetResponse", "good; sender: " + word, "answered"))
                self.assertEqual(out[:3] + out[4:8], ("out", "smev3", "main", "AAAA00001", None, self.came(book_id)[0].message_id, "GetResponse"))
                out, came = self.pair(self.came(book_id)[0].message_id, "updateBookingDetails")
                self.assertEqual((came[0], came[2], came[3], came[7], came[8], came[9], out[7]), ("in", "main", url, "updateBookingDetails", "good", "queued", "updateBookingDetails"))
                wait_until(lambda: len(self.pair(answer, "Ack")) == 2, PATIENT_S, "the Ack")
                out, came = self.pair(answer, "Ack")
                self.assertEqual((came[0], came[2], came[3], came[6], came[9]), ("in", "main", url, answer, "OK"))

    def test_where_it_is_wanted_an_answer_without_it_is_no_answer(self):
        was = self.instance.conf.read_text()
        self.addCleanup(self.reload, was)
        self.reload(was.replace("\nnode_id", "\nrequire_sender_signature = yes\nnode_id", 1))
        for kind, state in ((None, "stopped"), ("sender: CHECK", "stopped"), ("sender: good", "answered")):
            with self.subTest(kind):
                book_id = self.answered_by(kind, "первое")
                self.wait_state(book_id, state)
                self.assertEqual("require_sender_signature" in str(self.rows(book_id, "last_error")), state == "stopped")

    def test_what_smev_had_not_signed_is_written_down_as_such(self):
        self.plan.next("SendRequest", Trouble(fault=("SMEVFailure", None, "full")))
        self.plan.next("SendRequest", Trouble(spoil="digest"))
        book_id = self.told("первое")
        self.settle([book_id])
        verdicts = self.sql("""select j.verdict, j.peer is not null from data.outbox_event as e join data.journal as j using (journal_id)
            where e.book_key = %s and j.direction = 'in' and j.method = 'updateBookingDetails' order by e.event_id""", book_id)
        self.assertEqual(verdicts[:2], [("none", True), ("CHECK", True)], "a fault bears none; and refused")

    def test_refused_acks_are_told(self):
        self.plan.keep("Ack", Trouble(fault=("SenderIsNotRegistered", None, "full")))
        book_id = self.told("первое")
        self.settle([book_id])
        notes = lambda: [n for n in json.loads(self.instance.admin("/readyz")[1])["warnings"] if "refuses our Ack of the portal's answers: SenderIsNotRegistered" in n]
        wait_until(notes, PATIENT_S, "/readyz")
        self.assertEqual(self.instance.metric('zapisd_push_refused{source="main",operation="Ack"}'), 1)
        answer = self.made[self.came(book_id)[0].message_id].message_id
        wait_until(lambda: len(self.pair(answer, "Ack")) == 2, PATIENT_S, "it is a pair of the journal")
        self.assertEqual(self.pair(answer, "Ack")[1][9], "SenderIsNotRegistered")
        untaken = lambda: self.one("select count(*) from admin.check() where what ~ 'подтверждения ответов портала — SenderIsNotRegistered'")
        self.assertEqual(untaken(), 1)
        self.plan.keep("Ack", None)
        self.redeliver()
        wait_until(lambda: not notes() and untaken() == 0, PATIENT_S, "it is over")

    def test_acks_that_are_said_again_keep_to_the_bound(self):
        """Q5: many of them are due at once; SMEV is called no more often at a time than in_flight (4) allows (docs/limits.md)."""
        server, under_way, peak = self.smev.server, [0], [0]
        genuine = server._work

        def work(endpoint, operation, content_type, action, body, trouble):
            if operation == "Ack":
                under_way[0] += 1
                peak[0] = max(peak[0], under_way[0])
                asyncio.get_running_loop().call_later(trouble.slow if trouble is not None else 0, end)
            return genuine(endpoint, operation, content_type, action, body, trouble)

        def end():
            under_way[0] -= 1
        self.plan.keep("Ack", Trouble(lose_request=True))
        books = self.bookings(10)
        for book_id in books:
            self.told("первое", book_id=book_id)
        self.settle(books)
        self.plan.keep("Ack", Trouble(slow=0.4))
        server._work = work
        self.addCleanup(setattr, server, "_work", genuine)
        wait_until(lambda: not self.waiting(), PATIENT_S, "all are acknowledged at last")
        self.assertGreaterEqual(peak[0], 2, "several were due")
        self.assertLessEqual(peak[0], 4)

    def test_an_ack_that_came_to_nothing_is_said_again(self):
        for trouble in (Trouble(fault=("SMEVFailure", None, "full")), Trouble(lose_request=True)):
            self.plan.next("Ack", trouble)
        books = [self.told("первое") for _ in range(2)]
        self.settle(books)
        wait_until(lambda: not self.waiting(), PATIENT_S, "SMEV has not delivered them again")
        answers = [self.made[self.came(b)[0].message_id].message_id for b in books]
        wait_until(lambda: all(self.pair(a, "Ack") and self.pair(a, "Ack")[1][9] == "OK" for a in answers), PATIENT_S, "and has heard of both")
        statuses = [r[0] for r in self.sql("select status from data.journal where method = 'Ack' and direction = 'in' and message_id = any(%s)", answers)]
        self.assertEqual(sorted(statuses), ["OK", "OK", "SMEVFailure", "UNREACHABLE"], "J1: each is a pair, the lost one by what became of it")
        self.assertEqual(self.one("select count(*) from data.journal where method = 'GetResponse' and direction = 'in' and message_id = any(%s)", answers), 2)

    def test_errors_of_notifications_that_are_not_given(self):
        self.plan.keep("GetStatus", Trouble(fault=("SenderIsNotRegistered", None, "full")))
        self.reload(self.instance.conf.read_text())
        notes = lambda: [n for n in json.loads(self.instance.admin("/readyz")[1])["warnings"] if "(GetStatus): SenderIsNotRegistered" in n]
        wait_until(notes, PATIENT_S, "/readyz")
        wait_until(lambda: self.one("select count(*) from data.journal_refused where reason = 'SenderIsNotRegistered' and listener = 'main' and encode(answer, 'escape') ~ 'GetStatusRequest'") > 0, PATIENT_S, "J1: with its question")
        wait_until(lambda: self.one("select count(*) from admin.check() where what ~ 'запросы сообщений об ошибках — SenderIsNotRegistered'") == 1, PATIENT_S, "O3")
        self.plan.keep("GetStatus", None)
        self.smev.core.push_error(self.smev.agency(), "x")
        self.reload(self.instance.conf.read_text())
        wait_until(lambda: not notes(), PATIENT_S, "it is over")
        wait_until(lambda: self.one("select count(*) from data.journal as j where j.method = 'Ack' and j.direction = 'in' and exists "
                                    "(select from data.journal as s where s.method = 'GetStatus' and s.direction = 'in' and s.message_id = j.message_id)") > 0, PATIENT_S, "what it gives is acknowledged, and that is a pair")

    def test_an_idle_queue_fills_no_journal(self):
        count = lambda: self.one("select (select count(*) from data.journal) + (select count(*) from data.journal_refused)")
        polls = self.smev.core.counters[("GetResponse", "empty")]
        before = count()
        wait_until(lambda: self.smev.core.counters[("GetResponse", "empty")] >= polls + 5, PATIENT_S, "it is asked")
        self.assertEqual(count(), before)


if __name__ == "__main__":
    e2e.main()
