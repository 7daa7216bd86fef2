#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The queue of SMEV 3 under trouble of every kind that the core of tests/lib knows (Q1, Q3, Q4, Q6): the methods, all shapes of what is
delivered, every row of the table of faults, everything that can be lost, kill -9, and a while of dice. In the end the judge reads the octets."""
import json
import os
import re
import signal
import time

import e2e
from e2e import E2E, KAMCHATKA, MOSCOW, SERVICE, new_id, wait_until

import smev3wire as wire
import xmlsig
from smev2client import Fault
from smev3core import REDELIVERY_S, Core
from smev3server import EMPTY, HTML, SeededPolicy, Trouble
from smev3world import QueueClient, Smev3

PATIENT_S = 120
AREA = {MOSCOW: "hall-1", KAMCHATKA: "window-1"}


class Trouble3(E2E):
    """One instance for all, for nothing of what is done here may leave a trace. Its last test kills the daemon."""

    may_die = True

    @classmethod
    def options(cls):
        cls.smev = Smev3((("main", "AAAA00001", "1.2", ()), ("old", "BBBB00002", "1.1", ())), e2e.BUILD / "e2e" / (e2e.NAME + "-" + cls.__name__.lower()))
        return {"edit": cls.smev.edit}

    @classmethod
    def tearDownClass(cls):
        cls.smev.server.plan.policy = None
        try:
            deadline = time.monotonic() + PATIENT_S
            while any(s.requests.entries() for s in cls.smev.systems.values()) and time.monotonic() < deadline:
                cls.again()
                time.sleep(0.3)
        finally:
            try:
                super().tearDownClass()
            finally:
                cls.smev.close()
        judge = cls.smev.judge()
        if judge.problems or not judge.counts["requests"]:
            raise AssertionError("the judge: %d requests\n%s" % (judge.counts["requests"], "\n".join(judge.problems[:20])))

    def setUp(self):
        self.plan = self.smev.server.plan
        if not hasattr(type(self), "slots"):
            type(self).slots = iter(self.offered())

    def tearDown(self):
        self.plan.policy = None
        self.assertEqual(self.plan.waiting(), 0, "trouble that nobody met")

    @classmethod
    def again(cls):
        """What SMEV believes lost it delivers again."""
        cls.smev.core.clock.advance(REDELIVERY_S + 1)

    def items(self, organization=MOSCOW):
        return [("organizationId", organization), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000"), ("serviceId", SERVICE),
                ("areaId", AREA[organization])]

    def offered(self, organization=MOSCOW, agency="AAAA00001"):
        return [s["slotId"] for s in self.ask("getSlots", self.items(organization), agency=agency).slots]

    def ask(self, method, items, **more):
        return self.smev.ask(method, items, seconds=PATIENT_S, **more)

    def read(self, **more):
        return self.smev.call("getRefsList", [], **more)

    def book(self):
        """(its number, the request put in)"""
        book_id = new_id()
        return book_id, self.smev.call("book", self.smev.portal.bare.book_items(book_id, next(self.slots), MOSCOW, False, services=[SERVICE]))

    def answered(self, messages, advance=False):
        """Each by one answer of error 0."""
        wait_until(lambda: all(m.finals for m in messages) or advance and self.again(), PATIENT_S, "every answer")
        for message in messages:
            reply = self.smev.portal.answer(message, PATIENT_S)
            self.assertEqual((reply.error_code, reply.rejected, len(message.finals)), (0, None, 1), message.message_id)

    def acked(self, messages):
        wait_until(lambda: all(getattr(m, "acked", None) for m in messages) or self.again(), PATIENT_S, "every Ack")

    def effects(self, book_id):
        return [r[0] for r in self.sql("select new_state::text from data.booking_history where book_key = %s order by history_id", book_id)]

    # ---- methods and shapes ------------------------------------------------------------------------------------------------

    def test_1_job_of_either_version(self):
        """The sequence of the order, over 1.2 and, for another zone and key, over 1.1 (Q1)."""
        for agency, organization in (("AAAA00001", MOSCOW), ("BBBB00002", KAMCHATKA)):
            with self.subTest(agency):
                book_id, client = new_id(), QueueClient(self.smev, agency)
                slot = self.offered(organization, agency)[-1]
                for preliminary in (True, False):
                    booked = client.book(book_id, slot, organization, preliminary, services=[SERVICE])
                    self.assertEqual((booked.status_code, booked.error_code, booked.text("bookId")), ("201", 0, book_id))
                self.assertEqual(client.get_booking_status(book_id).status_code, "201")
                self.assertEqual(client.cancel_booking(book_id).status_code, "301")
                self.assertEqual(self.effects(book_id), ["HELD", "BOOKED", "CANCELLED_APPLICANT"])

    def test_2_same_as_over_smev2(self):
        """One list of steps: what another carrier is answered the queue is answered; business refusals are business answers (Q4)."""
        bare, queue = self.portal("plain"), QueueClient(self.smev)
        nobody = [("bookId", new_id()), ("esiaId", "1000000000")]
        refs = [("refName", "AREA"), ("treeFiltering", "ONELEVEL"), ("pageNum", 0), ("pageSize", 0)]
        for method, items in (("getRefsList", []), ("getRefItemsList", refs), ("getSlots", self.items()), ("getSlots", []), ("getBookingStatus", nobody),
                              ("cancelBooking", nobody), ("getSlots", self.items() + [("unknown", "x")]), ("book", [("bookId", "x" * 300)]),
                              ("getRefAttributesList", [("refNames", "nothing of that name")])):
            with self.subTest(method, items=len(items)):
                over = queue.call(method, items)
                self.assertIsNone(over.rejected)
                try:
                    self.assertEqual(over.values, bare.call(method, items).values)
                except Fault as e:
                    self.assertEqual(over.error_code, 2, e)

    def test_3_every_shape(self):
        """Prefixes rebound, blanks between elements, MIME of CXF and JAX-WS with files and signatures of files taken out, the sender's
        signature and a person's, three versions of the sender (Q6)."""
        person, messages = (self.smev.portal.key, self.smev.portal.cert), []
        for style in (None, "cxf", "jaxws"):
            for dress in sorted(wire.DRESSES):
                for agency in ("AAAA00001", "BBBB00002"):
                    self.plan.keep("GetRequest", Trouble(mime=style, dress=wire.DRESSES[dress]))
                    more = [{}, {"signed": True}, {"personal": person}, {"signed": True, "personal": person, "attachments": [("_1", b"--uuid:\0\r\n" * 99)]}]
                    messages += [self.read(agency=agency, version=wire.VERSIONS[n % 3], **m) for n, m in enumerate(more)]
                    wait_until(lambda: not len(self.smev.agency(agency).requests), PATIENT_S, "all of it fetched")
        self.plan.keep("GetRequest", None)
        self.answered(messages)

    def test_4_answers_are_addressed(self):
        message = self.read(node="node-7")
        answer = self.smev.portal.answer(message, PATIENT_S).message
        self.assertEqual((answer.sender.mnemonic, wire.text_of(xmlsig.parse(answer.data), "To")), ("AAAA00001", message.reply_to))
        self.assertRegex(answer.message_id, r"^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab]")
        self.assertNotEqual(answer.message_id, message.message_id)

    def test_5_cancel(self):
        """1.1: acked, and without effect."""
        message = self.read(agency="BBBB00002")
        note = self.smev.core.cancel(message)
        self.acked([note])
        self.answered([message])

    def test_6_test_message(self):
        """TestMessage: answered as if, and nothing of it stays (Q6)."""
        book_id, slot = new_id(), next(self.slots)
        reply = self.ask("book", self.smev.portal.bare.book_items(book_id, slot, MOSCOW, False, services=[SERVICE]), test=True)
        self.assertEqual((reply.status_code, reply.error_code, reply.rejected), ("201", 0, None))
        self.assertEqual(self.effects(book_id), [])
        self.assertEqual(self.one("select count(*) from data.booking where book_key = %s", book_id), 0)
        self.assertIn(slot, self.offered())

    # ---- what is lost ------------------------------------------------------------------------------------------------------

    def test_lost_acks(self):
        """The message comes again, later and otherwise dressed: acked again, one booking, one answer (Q3)."""
        troubles = (Trouble(lose_request=True), Trouble(cut_answer=0.0), Trouble(cut_request=0.5, reset=True), Trouble(late=True),
                    Trouble(fault=("SMEVFailure", None, "full")), Trouble(fault=("TargetMessageIsNotFound", None, "client"), done=True), Trouble(http=HTML))
        for trouble in troubles:
            self.plan.next("Ack", trouble)
        books = [self.book() for _ in troubles]
        messages = [m for _, m in books]
        self.answered(messages)
        for dress in ("rebound", "blanks"):
            self.plan.keep("GetRequest", Trouble(dress=wire.DRESSES[dress]))
            self.acked(messages)
            for message in messages:
                message.acked = None
                self.smev.core.duplicate(message)
            self.acked(messages)
        self.plan.keep("GetRequest", None)
        for book_id, _ in books:
            self.assertEqual(self.effects(book_id), ["BOOKED"])
        self.answered(messages)

    def test_lost_answers(self):
        """SendResponse lost, cut, disbelieved or answered by somebody else's answer: the same octets until SMEV has it, once (Q3)."""
        troubles = (Trouble(lose_request=True), Trouble(cut_answer=0.0), Trouble(cut_answer=0.5), Trouble(cut_request=0.2), Trouble(http=HTML),
                    Trouble(http=EMPTY), Trouble(other="operation"), Trouble(other="id"), Trouble(fault=(None, None, "none"), done=True),
                    *[Trouble(spoil=s) for s in Core.SPOILS],
                    # and a yes of nobody's, or about another message, to what SMEV has not taken
                    *[Trouble(spoil=s, undone=True) for s in Core.SPOILS], Trouble(other="id", undone=True), Trouble(other="id", undone=True))
        for trouble in troubles:
            self.plan.next("SendResponse", trouble)
        books = [self.book() for _ in range(3)]
        self.answered([self.read() for _ in troubles] + [m for _, m in books])
        for book_id, _ in books:
            self.assertEqual(self.effects(book_id), ["BOOKED"])

    def test_an_answer_of_yesterday_keeps_its_number(self):
        """SMEV has it and nobody here knows: under another number it would be a second answer. Only SMEV says that a number is too old (Q3)."""
        self.plan.keep("SendResponse", Trouble(cut_answer=0.0))
        message = self.read()
        wait_until(lambda: message.finals, PATIENT_S, "SMEV has it")
        older = """update data.inbox set answered_at = answered_at - interval '47 hours', due_at = clock_timestamp() + interval '1 hour'
            where message_id = %s and state = 'answered' returning answer_id"""
        kept = []
        wait_until(lambda: kept.extend(self.sql(older, message.message_id)) or kept, PATIENT_S, "it waits for its next sending")
        self.plan.keep("SendResponse", None)
        self.due_now()
        row = lambda: self.sql("select state, answer_id from data.inbox where message_id = %s", message.message_id)[0]
        wait_until(lambda: row()[0] == "sent", PATIENT_S, "SMEV says that it has had it")
        self.assertEqual(row()[1], kept[0][0])
        self.answered([message])

    def test_lost_deliveries(self):
        """What did not arrive whole, or is not SMEV's word, is not acked: it comes again (Q1, Q3)."""
        troubles = (Trouble(cut_answer=0.3), Trouble(cut_answer=0.999), Trouble(other="operation"), Trouble(mime="cxf", uncut=True),
                    *[Trouble(spoil=s) for s in Core.SPOILS])
        messages = [self.read(put=False) for _ in troubles]
        for message, trouble in zip(messages, troubles):
            with self.smev.core.lock:  # the next delivery is this one's: an empty poll in between would take the trouble away
                waiting = self.plan.waiting()
                self.smev.core.submit(message)
                self.plan.next("GetRequest", trouble)
            wait_until(lambda: self.plan.waiting() <= waiting and not len(message.recipient.requests), PATIENT_S, "the delivery")
        self.answered(messages, advance=True)

    # ---- the table of faults -----------------------------------------------------------------------------------------------

    def test_faults_that_are_tried_again(self):
        names = [("SMEVFailure", s) for s in wire.SHAPES] + [("QuoteLimitExceeded", "full"), ("DestinationOverflow", "full"), (None, "none")]
        for name, shape in names:
            self.plan.next("SendResponse", Trouble(fault=(name, None, shape)))
        self.answered([self.read() for _ in names])

    def test_faults_that_are_put_aside(self):
        """... until a person says that it may be tried: then the answer that was made is taken."""
        names = ("InvalidContent", "BusinessDataTypeIsNotSupported", "AttachmentContentMiscoordination", "AttachmentSizeLimitExceeded",
                 "RecipientIsNotFound", "IncorrectResponseContentType")
        for name in names:
            self.plan.next("SendResponse", Trouble(fault=(name, None, "full")))
        messages = [self.read() for _ in names]
        parked = lambda: self.sql("select inbox_id, message_id from admin.inbox where state = 'parked' and message_id = any(%s)",
                                  [m.message_id for m in messages])
        wait_until(lambda: len(parked()) == len(names), PATIENT_S, "all put aside")
        self.assertEqual([m.finals for m in messages], [[] for _ in messages])
        for inbox_id, _ in parked():
            self.one("select admin.inbox_retry(%s)", inbox_id)
        self.answered(messages)

    def test_faults_that_want_another_number(self):
        """Under another MessageID, with the same content: the judge compares."""
        for name in ("StaleMessageId", "InvalidMessageIdFormat"):
            self.plan.next("SendResponse", Trouble(fault=(name, None, "full")))
        self.answered([self.read() for _ in range(2)])
        self.assertRegex(self.instance.log.read_text(encoding="utf-8"), r" clock state=refused source=\S+ age_s=\d+ detail=\"SMEV calls a MessageID stale ",
                         "L4: a new id that is stale to SMEV is told at once as a trouble of a clock")

    def test_faults_that_want_another_number_for_long(self):
        """L4: whatever it is given, SMEV calls it stale: the clock is told in /readyz and to people, until it takes one."""
        title = "СМЭВ называет устаревшими номера, созданные только что: неверны часы"
        told = lambda: [w for w in self.warnings() if "StaleMessageId" in w]
        checked = lambda: [r[0] for r in self.sql("select what from admin.check() where problem = %s", title)]
        self.plan.keep("SendResponse", Trouble(fault=("StaleMessageId", None, "full")))
        message = self.read()
        try:
            wait_until(lambda: told() and checked(), PATIENT_S, "it is told")
            self.assertIn("сверьте часы этой машины", checked()[0])
            self.assertEqual(self.checked(), "", "nothing is the matter with the certificate")
        finally:
            self.plan.keep("SendResponse", None)
        self.answered([message])
        wait_until(lambda: not told() and not checked(), PATIENT_S, "and no more")

    def test_faults_of_polls(self):
        for name in ("AccessDenied", None):
            self.plan.next("GetRequest", Trouble(fault=(name, None, "full" if name else "none")))
            wait_until(lambda: not self.plan.waiting(), PATIENT_S, "a poll")
        said = [w for w in json.loads(self.instance.admin("/readyz")[1])["warnings"] if "SMEV has said AccessDenied to what was more often" in w]
        self.assertEqual(len(said), 1, "L4: that it is asked rarely is told when the fault is over, too")
        self.assertGreater(self.instance.metric("zapisd_smev3_poll_interval_seconds"), 0)
        self.answered([self.read()])
        # O2: the word alone is no diagnosis
        self.plan.keep("GetRequest", Trouble(http=HTML))
        wait_until(lambda: re.search(r"not asked as it should: MALFORMED: HTTP \d+", self.instance.admin("/readyz")[1]), PATIENT_S, "what came is told")
        self.plan.keep("GetRequest", None)
        self.reload(self.instance.conf.read_text())

    def test_x_nothing_can_be_signed(self):
        """L4: told as what it is at once, by the queue's own words and figures, and SMEV is not asked; it goes on with a good key."""
        edit, log = self.instance.edit, lambda: self.instance.log.read_text(encoding="utf-8")
        self.instance.stop_daemon()
        begun = len(log())
        self.instance.edit = lambda text: edit(text).replace("agency-a.", "expired.")
        try:
            self.instance.start_daemon(wait=False)
            wait_until(lambda: re.search(r" queue source=main fault=AGENCY detail=.*zapisd check", log()[begun:]), PATIENT_S, "the log has it")
            wait_until(lambda: self.instance.metric('zapisd_smev3_faulty{source="main"}') == 1, PATIENT_S, "the metrics have it")
            self.assertEqual(self.instance.metric('zapisd_smev3_polls_total{source="main",result="nothing"}'), 0)
            self.assertIn("smev3 main: the queue is not asked as it should: AGENCY", self.instance.admin("/readyz")[1])
        finally:
            self.instance.stop_daemon()
            self.instance.edit = edit
            self.instance.start_daemon()
        wait_until(lambda: self.instance.metric("zapisd_smev3_faulty") == 0, PATIENT_S, "and that it is over")
        self.answered([self.read()])

    # ---- our own signature -------------------------------------------------------------------------------------------------

    def warnings(self):
        return [w for w in json.loads(self.instance.admin("/readyz")[1])["warnings"] if "refuses our" in w]

    def checked(self):
        return "\n".join(r[0] for r in self.sql("select what from admin.check() where problem = 'СМЭВ не принимает подписанное ведомством'"))

    def due_now(self):
        self.sql("update data.inbox set due_at = clock_timestamp() where state = 'answered'")
        self.sql("update data.inbox set ack_at = clock_timestamp() where acked_at is null")

    def test_refusals_of_our_signature_are_told_at_once(self):
        """Though the queue gives messages as before (L4): by the word of the fault, to people and machines; and no more when it is over."""
        for operation, fault, word in (("SendResponse", ("SignatureVerificationFault", "CertificateIsExpired", "full"), "CertificateIsExpired"),
                                       ("SendResponse", ("AccessDenied", None, "full"), "AccessDenied"), ("Ack", ("SenderIsNotRegistered", None, "full"), "SenderIsNotRegistered")):
            with self.subTest(operation=operation, fault=word):
                counted = 'zapisd_smev3_faults_total{source="main",fault="%s"}' % word
                self.plan.keep(operation, Trouble(fault=fault))
                message = self.read()
                wait_until(self.warnings, PATIENT_S, "it is told")
                self.assertEqual(self.warnings(), ["smev3 main: SMEV refuses our %s: %s" % (operation, word)])
                wait_until(lambda: word in self.checked(), PATIENT_S, "and by admin.check")
                self.assertGreaterEqual(self.instance.metric(counted), 1)
                self.assertEqual(self.instance.metric('zapisd_smev3_refused{source="main",operation="%s"}' % operation), 1)
                if word == "CertificateIsExpired":
                    due = lambda: self.sql("select state, extract(epoch from due_at - clock_timestamp())::integer from data.inbox where message_id = %s", message.message_id)[0]
                    wait_until(lambda: due()[0] == "answered", PATIENT_S, "it waits")
                    self.assertGreater(due()[1], 200, "what SMEV will not take is told to it rarely")
                self.plan.keep(operation, None)
                if operation == "SendResponse":
                    wait_until(lambda: self.one("select state from data.inbox where message_id = %s", message.message_id) == "answered", PATIENT_S, "it is at rest")
                    self.one("select admin.inbox_resign(inbox_id) from admin.inbox where message_id = %s", message.message_id)
                else:
                    wait_until(lambda: self.due_now() or not self.warnings(), PATIENT_S, "the next one is taken")
                self.answered([message])
                wait_until(lambda: self.due_now() or not self.warnings() and not self.checked(), PATIENT_S, "it is over")
                outcomes = [r[0] for r in self.sql("select outcome from admin.inbox_calls((select inbox_id from admin.inbox where message_id = %s)) where operation = 'SendResponse' order by at", message.message_id)]
                self.assertEqual(outcomes[-2:] if operation == "SendResponse" else outcomes, ["renewed", "sent"] if operation == "SendResponse" else ["sent"])

    def test_what_a_process_of_before_was_refused_is_over(self):  # L4
        self.sql("select api.inbox_refused('main', 'AAAA00001', v, 'AccessDenied') from unnest(array['Ack', 'SendResponse']) as v")
        self.assertIn("AccessDenied", self.checked())
        self.instance.stop_daemon()
        self.instance.start_daemon()
        self.answered([self.read()])
        wait_until(lambda: not self.checked(), PATIENT_S, "SMEV takes it now")

    def test_the_key_is_changed_while_answers_wait(self):
        """C5: what was signed with the old one is signed anew under the id it has; SMEV knows the new one alone by then."""
        self.plan.keep("SendResponse", Trouble(fault=("SMEVFailure", None, "full")))
        messages = [self.read(), self.smev.call("getSlots", self.items())]
        ids = lambda: dict(self.sql("select message_id, answer_id from data.inbox where message_id = any(%s) and answer_id is not null", [m.message_id for m in messages]))
        wait_until(lambda: len(ids()) == len(messages), PATIENT_S, "answers are kept")
        was, agency, core = ids(), self.smev.agency(), self.smev.core
        plain = self.instance.conf.read_text()
        try:
            new = core.add_system("AAAA00001+", "новый ключ", ["other"]).certificates[0]
            core.by_certificate[new.der] = agency
            self.reload(plain.replace("agency-a.", "other."))
            before = core.counters[("GetRequest", "empty")]
            wait_until(lambda: core.counters[("GetRequest", "empty")] >= before + 20, PATIENT_S, "calls that were signed before are over")
            old = agency.certificates[0]
            del core.by_certificate[old.der]
            self.plan.keep("SendResponse", None)
            wait_until(lambda: self.due_now() or all(m.finals for m in messages), PATIENT_S, "the answers are taken")
            self.answered(messages)
            for message in messages:
                self.assertEqual(message.finals[0].message_id, was[message.message_id], "under the id they had")
            core.by_certificate[old.der] = agency
        finally:
            self.plan.keep("SendResponse", None)
            self.reload(plain)
        self.answered([self.read()])

    def reload(self, text):
        log = lambda: self.instance.log.read_text(encoding="utf-8")
        loaded = log().count(" reload result=")
        self.instance.conf.write_text(text)
        os.kill(self.instance.pid(), signal.SIGHUP)
        wait_until(lambda: log().count(" reload result=") > loaded, PATIENT_S, "a reload")

    # ---- all at once -------------------------------------------------------------------------------------------------------

    def test_y_dice(self):
        """Of every kind some, by seed (SMEV3_SEED): each request is answered once, without SMEV's own refusal."""
        seed = int(os.environ.get("SMEV3_SEED", "11"))
        odds = {name: 0.015 for name in ("lost_request", "cut_request", "lost_answer", "cut_answer", "failure", "html", "spoiled", "late_ack", "other",
                                         "mime", "dressed")}
        policy = self.plan.policy = SeededPolicy(seed, odds)
        messages = [self.read() if n % 2 else self.smev.call("getSlots", self.items()) for n in range(60)]
        wait_until(lambda: all(m.finals for m in messages) or self.again(), PATIENT_S, "answers under seed %d" % seed)
        policy.quiet = True
        self.answered(messages)
        self.assertGreater(sum(policy.thrown.values()), 10)

    def test_z_killed_again_and_again(self):
        """kill -9 wherever it hits, the Ack or the answer lost besides; started anew it goes on (Q3, Q7)."""
        books = []
        for n in range(4):
            self.plan.next("SendResponse" if n % 2 else "Ack", Trouble(lose_request=True))
            books.append(self.book())
            wait_until(lambda: not self.plan.waiting(), PATIENT_S, "what is lost is on its way")
            os.kill(self.instance.pid(), signal.SIGKILL)
            self.instance.process.wait()
            self.again()
            books.append(self.book())
            self.instance.start_daemon()
        # The leases of the dead run out.
        self.sql("update data.inbox set due_at = clock_timestamp() where state in ('working', 'sending')")
        self.answered([m for _, m in books], advance=True)
        for book_id, _ in books:
            self.assertEqual(self.effects(book_id), ["BOOKED"])


if __name__ == "__main__":
    e2e.main()
