#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Q5, M8: what the agency changes reaches the portal through SMEV 3, and its answers end it, whatever SMEV, the portal and the daemon do
meanwhile. SMEV's core for tests takes and brings (tests/lib/smev3core.py); its record is judged when all is over (smev3judge.py). Pauses,
leases and SMEV's 15 minutes are ended by hand: no verdict is about how soon."""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time

import e2e
from e2e import BINARY, BUILD, NAME, PATIENT_S, wait_until
from test_push import OPEN, SECRET, Deliveries

import smev3wire as wire
from instance import Instance, free_ports
from portal_double import OK, PortalDouble
from smev3core import Message
from smev3server import EMPTY, EMPTY_500, HTML, SeededPolicy, Trouble
from smev3wire import basic_ns, types_ns
from smev3world import Smev3

SPOILS = ("unsigned", "stranger", "other", "inner", "enveloped")  # of Core.SPOILS; all of them: tests/unit/smev
AGENCY, NODE = "AAAA00001", "node-1"
WAY = ("\n[push AAAA00001]\nroad = smev3\nqueue = main\ntimeout = 2s\nin_flight = 8\nurl = http://127.0.0.1:%d/equeue/portal\nportal = PGU001001\n"
       "service_name = PguEqueue\nexchange_type = 2\n")


class Road3(Deliveries):
    """An instance whose first agency tells the portal through a queue of SMEV 3."""

    agencies, renewed, foreign = (AGENCY,), set(), set()

    @classmethod
    def options(cls):
        cls.smev = Smev3((("main", AGENCY, "1.2", ("timeout = 2s", "node_id = " + NODE)),), more=WAY % cls.port,
                         directory=pathlib.Path(BUILD / "e2e" / (NAME + "-" + cls.__name__.lower())))
        return {"edit": cls.smev.edit}

    @classmethod
    def tearDownClass(cls):
        try:
            cls.smev.server.plan.policy = None
            cls.smev.server.plan.always.clear()
            cls.smev.core.clock.advance(16 * 60)
            answers, again = cls.smev.agency().responses[NODE], cls.smev.core.clock.patience()
            wait_until(lambda: not answers.entries() or again(), PATIENT_S, "every answer is acknowledged")
            super().tearDownClass()
        finally:
            cls.smev.close()
        judge = cls.smev.judge(after_refusal=True, renewed=cls.renewed, foreign=cls.foreign)
        assert not judge.problems, "\n".join(judge.problems)

    def setUp(self):
        self.again = self.smev.core.clock.patience()
        self.said = {}  # book_id: what the portal says to its next pushes
        self.smev.portal.push_answer = self.say
        self.smev.portal.push_delay_s, self.smev.portal.spread_order = 0.0, None
        self.plan = self.smev.server.plan
        self.addCleanup(self.end_all)
        self.addCleanup(lambda: (self.plan.queues.clear(), self.plan.always.clear()))

    def say(self, push):
        mine = self.said.get(push.book_id)
        word = mine.pop(0) if mine else 0
        return word(push) if callable(word) else self.smev.portal.push_said(push, word, SECRET) if isinstance(word, int) else word

    def came(self, book_id):
        with self.smev.portal.lock:
            return [p for p in self.smev.portal.pushes if p.book_id == book_id]

    def comments(self, book_id):
        return [p.values.get("statusMessage") for p in self.came(book_id)]

    def nudge(self, leases="dead"):
        super().nudge(leases)
        self.again()

    def wait_state(self, book_id, *states):
        wait_until(lambda: (self.nudge(), self.states(book_id) == list(states))[1], PATIENT_S, "%s of %s: %s" % (states, book_id, self.rows(book_id, "state, last_error")))

    def events(self, book_id):
        return [r[0] for r in self.sql("select event from data.outbox_event where book_key = %s order by event_id", book_id)]

    def told(self, *comments, book_id=None):
        book_id = book_id or self.bookings(1)[0]
        for text in comments:
            self.change(book_id, text)
        return book_id

    def warnings(self):
        return json.loads(self.instance.admin("/readyz")[1]).get("warnings", [])

    def redeliver(self):
        """SMEV's 15 minutes are over."""
        self.smev.core.clock.advance(16 * 60)

    def reload(self, text):
        loaded = self.log().count(" reload result=")
        self.instance.conf.write_text(text)
        os.kill(self.instance.pid(), signal.SIGHUP)
        wait_until(lambda: self.log().count(" reload result=") > loaded, PATIENT_S, "a reload")


class Push3(Road3):
    def test_the_offices_word_reaches_the_portal(self):
        book_id, free = self.book()
        self.assertEqual(self.sql("select * from admin.move(%s, %s, 'специалист болен')", book_id, free[0])[0][0], "сделано")
        self.sql("select * from admin.cancel(%s, 'авария в здании', 'телефон +7 000 000-00-01')", book_id)
        self.settle([book_id])
        came = self.came(book_id)
        self.assertEqual([p.status for p in came], ["201", "302"])
        self.assertIn("visitTime", came[0].values)
        self.assertIn("авария в здании", came[1].values["statusMessage"])
        self.assertEqual([(p.message.sender.mnemonic, p.message.node_id, p.message_id[14]) for p in came], [(AGENCY, NODE, "1")] * 2)
        self.assertEqual(self.rows(book_id, "state, road, message_id"), [("answered", "smev3", p.message_id) for p in came])
        self.assertEqual(self.events(book_id), ["queued", "answered"] * 2)
        # J1: SendRequest and what SMEV said; GetResponse and what the portal said; byte for byte
        pairs = self.sql("""select e.event, array_agg(j.direction || ' ' || j.channel order by j.direction desc), bool_or(convert_from(j.body, 'UTF8') like '%%updateBookingDetailsRequest%%'),
            bool_or(convert_from(j.body, 'UTF8') like '%%updateBookingDetailsResponse%%'), bool_or(convert_from(j.body, 'UTF8') like '%%GetResponseRequest%%')
            from data.outbox_event as e join data.journal as j using (journal_id) where e.book_key = %s group by e.event_id, e.event order by e.event_id""", book_id)
        self.assertEqual(pairs, [("queued", ["out smev3", "in smev3"], True, False, False), ("answered", ["out smev3", "in smev3"], False, True, True)] * 2)

    def test_it_is_told(self):
        """O2, O5: what check says of the road, and what is counted."""
        book_id = self.told("первое")
        self.settle([book_id])
        said = subprocess.run([BINARY, "check", "--offline", "--config", self.instance.conf], capture_output=True, text=True)
        self.assertIn("changes go by SMEV 3 as [smev3 main] says", said.stdout + said.stderr)
        for line in ('zapisd_push_answers_total{agency="AAAA00001",outcome="answered"}', 'zapisd_push_attempts_total{agency="AAAA00001",outcome="queued"}',
                     'zapisd_push_polls_total{source="main",result="message"}', 'zapisd_push_acks_total{source="main",result="ok"}'):
            wait_until(lambda: self.instance.metric(line) > 0, 5, line)  # the row is in the database before it is counted

    def test_what_is_refused_stops_its_booking_alone(self):
        async_ = lambda push: self.smev.core.refuse_async(push.message, details=SECRET) and None
        words = {"error 2": 2, "error 3": 3, "error 4": 4, "RequestRejected": ("reject", "NO_DATA", SECRET), "AsyncProcessingStatus": async_,
                 "another answer": lambda push: '<eq:bookResponse xmlns:eq="http://epgu.rtlabs.ru/equeue/ws/"><eq:bookId>%s</eq:bookId></eq:bookResponse>' % push.book_id,
                 "no code": lambda push: '<eq:updateBookingDetailsResponse xmlns:eq="http://epgu.rtlabs.ru/equeue/ws/"><eq:error/></eq:updateBookingDetailsResponse>'}
        ids = dict(zip(words, self.bookings(len(words))))
        other = self.told("чужое")
        for name, book_id in ids.items():
            self.said[book_id] = [words[name]]
            self.told("первое", "второе", book_id=book_id)
        for name, book_id in ids.items():
            with self.subTest(name):
                self.wait_state(book_id, "stopped", "waiting")
                self.assertEqual(len(self.came(book_id)), 1)
                why = self.rows(book_id, "last_error")[0][0]
                self.assertRegex(why, "портал|СМЭВ")
                self.assertEqual(SECRET in why, name not in ("another answer", "no code"))
        self.settle([other])
        self.assertIn("отказал", "\n".join(r[0] for r in self.sql("select t::text from admin.check() as t")))
        self.assertNotIn(SECRET, self.log())
        # O3, L4: whoever reads sees what is, within a second or two; and who has said no
        warned = lambda: self.instance.admin("/readyz")[1]
        wait_until(lambda: "the portal refuses updates (%d)" % (len(ids) - 1) in warned() and "SMEV refuses updates (1)" in warned(), 5, "readyz tells")
        self.assertRegex("\n".join(r[0] for r in self.sql("select t::text from admin.check() as t")), "СМЭВ не берёт исходящие порталу")
        stopped = lambda: self.instance.metric('zapisd_outbox_rows{agency="AAAA00001",state="stopped"}')
        wait_until(lambda: stopped() == len(ids), 5, "the metrics, which are asked for by themselves, too")
        again = ids["RequestRejected"]
        self.renewed.add(self.came(again)[0].message_id)
        self.sql("select admin.outbox_requeue(outbox_id) from data.outbox where book_key = %s order by outbox_id limit 1", again)
        self.settle([again])
        wait_until(lambda: "the portal refuses updates (%d)" % (len(ids) - 2) in warned(), 5, "and that it is over")
        self.assertEqual(self.comments(again), ["первое", "первое", "второе"])

    def test_the_portals_own_failure_is_told_again_as_a_new_message(self):
        """Under the old id SMEV would say that it has it, and nobody would answer."""
        book_id = self.bookings(1)[0]
        self.said[book_id] = [1, 101, 0, 5]
        self.told("первое", "второе", book_id=book_id)
        self.settle([book_id])
        self.assertEqual(self.comments(book_id), ["первое"] * 3 + ["второе"])
        self.assertEqual(len({p.message_id for p in self.came(book_id)}), 4)

    def test_a_portal_that_fails_at_everything_is_asked_rarely(self):
        """Section 3 of decision 0326 holds over SMEV 3, where each try is a new message: the lane closes, one at a time asks, a row's own pauses grow."""
        ids = self.bookings(4)
        for book_id in ids:
            self.said[book_id] = [1] * 100
            self.told("первое", book_id=book_id)
        heard = lambda: sum(len(self.came(b)) for b in ids)
        closed = lambda: self.instance.metric("zapisd_push_is_closed")
        wait_until(lambda: (self.nudge(), closed())[1] == 1, PATIENT_S, "the lane closes")
        wait_until(lambda: all(s == "waiting" for b in ids for s in self.states(b)), PATIENT_S, "all that was on its way is back")
        before, until = heard(), time.monotonic() + 5
        while time.monotonic() < until:  # the rows are due all the time: it is the lane that keeps them
            self.nudge()
            time.sleep(0.1)
        self.assertLess(heard() - before, 5, "asked with one at a time, after 1, 2, 4 s")
        self.sql("update data.outbox set attempts = 6 where book_key = %s", ids[0])
        self.sql("update data.outbox set next_attempt_at = clock_timestamp() + interval '1 hour' where state = 'waiting' and book_key = any(%s)", ids[1:])
        self.sql("update data.outbox set next_attempt_at = clock_timestamp() where state = 'waiting' and book_key = %s", ids[0])
        self.reload(self.instance.conf.read_text())  # a lane is tried at once
        wait_until(lambda: self.rows(ids[0], "state, attempts")[0] == ("waiting", 7), PATIENT_S, "it has failed once more")
        self.assertGreater(self.rows(ids[0], "extract(epoch from next_attempt_at - now())::integer")[0][0], 200)
        self.assertEqual(closed(), 1)
        self.said[ids[0]] = [lambda push: self.smev.core.refuse_async(push.message, details=SECRET) and None]
        self.reload(self.instance.conf.read_text())
        wait_until(lambda: (self.nudge(), self.states(ids[0]) == ["stopped"])[1], PATIENT_S, "SMEV has refused this one")
        self.assertEqual((closed(), "answered with failures alone" in self.instance.admin("/readyz")[1]), (1, True), "SMEV's word is no word of the portal's")
        self.renewed.add(self.came(ids[0])[-1].message_id)
        self.sql("select admin.outbox_requeue(outbox_id) from data.outbox where book_key = %s", ids[0])
        self.assertNotIn(SECRET, self.instance.admin("/readyz")[1])
        self.said.clear()
        self.reload(self.instance.conf.read_text())
        self.settle(ids)
        wait_until(lambda: closed() == 0, 5, "a word of the portal's opens the lane")

    def test_no_error_is_a_yes(self):
        book_id = self.bookings(1)[0]
        self.said[book_id] = [lambda push: '<eq:updateBookingDetailsResponse xmlns:eq="http://epgu.rtlabs.ru/equeue/ws/"><eq:bookId>%s</eq:bookId></eq:updateBookingDetailsResponse>'
                              % push.book_id.upper()]
        self.told("первое", book_id=book_id)
        self.settle([book_id])

    def test_answers_late_and_out_of_order(self):
        ids = self.bookings(8)
        self.smev.portal.push_delay_s, self.smev.portal.spread_order = 0.15, lambda due: sorted(due, key=lambda _: random.random())
        for i in range(4):
            for book_id in ids:
                self.change(book_id, "перемена %d" % i)
        self.settle(ids)
        for book_id in ids:
            self.assertEqual(self.comments(book_id), ["перемена %d" % i for i in range(4)])

    def test_each_trouble_of_a_send_ends_in_the_same_octets(self):
        """Once in effect, the next of the booking behind it; what SMEV had taken it says that it has."""
        fault = lambda name, **more: Trouble(fault=(name, None, "full"), **more)
        troubles = {"cut": Trouble(cut_request=0.5), "lost before": Trouble(lose_request=True), "lost after": Trouble(cut_answer=0.0), "cut in the answer": Trouble(cut_answer=0.6),
                    "a page": Trouble(http=HTML), "nothing": Trouble(http=EMPTY), "nothing, 500": Trouble(http=EMPTY_500), "SMEVFailure": fault("SMEVFailure"),
                    "SMEVFailure, done": fault("SMEVFailure", done=True), "DestinationOverflow": fault("DestinationOverflow"), "QuoteLimitExceeded": Trouble(slow=0.1),
                    "another call's": Trouble(other="operation"), "another's": Trouble(other="id"), "late": Trouble(slow=2.6), "cxf": Trouble(mime="cxf"), "jaxws": Trouble(mime="jaxws"),
                    "a dress": Trouble(dress=wire.DRESSES[sorted(wire.DRESSES)[-1]])}
        troubles.update(("spoiled: " + s, Trouble(spoil=s)) for s in SPOILS)
        troubles.update({"nobody's yes": Trouble(spoil="value", undone=True), "a yes to another": Trouble(other="id", undone=True)})  # SMEV has not taken it
        for trouble in troubles.values():
            for one in (trouble, None, None):  # between them what goes well: SMEV is there
                self.plan.next("SendRequest", one)
        ids = self.bookings(2 * len(troubles))
        for text in ("первое", "второе"):
            for book_id in ids:
                self.change(book_id, text)
        self.settle(ids)
        for book_id in ids:
            self.assertEqual(self.comments(book_id), ["первое", "второе"])
        self.assertEqual(self.plan.waiting(), 0)
        self.assertNotIn(SECRET, self.log())

    def test_the_answer_comes_before_the_send_is_over(self):
        self.plan.next("SendRequest", Trouble(slow=1.0))
        book_id = self.told("первое", "второе")
        self.settle([book_id])
        self.assertEqual(self.comments(book_id), ["первое", "второе"])
        self.assertEqual(self.events(book_id)[0], "answered")

    def test_an_id_that_smev_takes_no_more(self):
        for name in ("StaleMessageId", "InvalidMessageIdFormat"):
            self.plan.next("SendRequest", Trouble(fault=(name, None, "full")))
            book_id = self.told("первое")
            self.settle([book_id])
            self.assertEqual(self.comments(book_id), ["первое"])
            sent = [bytes(r[0]) for r in self.sql("""select j.body from data.outbox_event as e join data.journal as j using (journal_id) where e.book_key = %s
                and j.direction = 'out' and e.event in ('again', 'queued') order by e.event_id""", book_id)]
            ids = [s.split(b"MessageID>")[1][:36] for s in sent]
            self.assertEqual((len(set(ids)), ids[1].decode()), (2, self.came(book_id)[0].message_id))
            content = [s[s.index(b"MessagePrimaryContent>"):s.rindex(b"MessagePrimaryContent>")] for s in sent]
            self.assertEqual(content[0], content[1])
        told = re.findall(r" clock state=refused agency=AAAA00001 age_s=(\d+) ", self.log())
        self.assertTrue(told and int(told[-1]) < 60, "L4: that a new id is stale to SMEV is told at once")

    def test_what_smev_will_never_take_stops(self):
        for name in ("BusinessDataTypeIsNotSupported", "AccessDenied", "EndOfLifeReached", "InvalidContent"):
            with self.subTest(name):
                self.plan.next("SendRequest", Trouble(fault=(name, None, "full")))
                book_id = self.told("первое", "второе")
                self.wait_state(book_id, "stopped", "waiting")
                self.assertIn(name, self.rows(book_id, "last_error")[0][0])
                self.assertEqual(self.came(book_id), [])

    def test_when_nothing_of_ours_is_taken_it_is_tried_rarely(self):
        self.plan.next("SendRequest", Trouble(fault=("SenderIsNotRegistered", None, "full")))
        book_id = self.told("первое")
        wait_until(lambda: self.rows(book_id, "state, last_error is not null")[0] == ("waiting", True), PATIENT_S, "it failed")
        self.assertGreater(self.rows(book_id, "extract(epoch from next_attempt_at - now())::integer")[0][0], 200)
        self.settle([book_id])

    def test_lost_acks(self):
        for trouble in (Trouble(lose_request=True), Trouble(cut_answer=0.0), Trouble(http=HTML), Trouble(fault=("SMEVFailure", None, "full")), Trouble(late=True),
                        Trouble(fault=("TargetMessageIsNotFound", None, "full"), done=True)):
            self.plan.next("Ack", trouble)
            book_id = self.told("первое", "второе")
            self.settle([book_id])
            wait_until(lambda: self.plan.waiting() == 0, PATIENT_S, "the trouble is taken")
            queue = self.smev.agency().responses[NODE]
            left = lambda: [e.message.message_id for e in queue.entries()]
            late = lambda: self.one("select count(*) from data.journal where method = 'GetResponse' and direction = 'in' and status = 'late' and message_id = any(%s)", left())
            for _ in range(5):  # what came again and was written down is acknowledged then, or never
                before = late()
                self.redeliver()
                wait_until(lambda: not left() or late() > before, PATIENT_S, "acknowledged, or written down once more")
            kept = left()
            for message_id in kept:
                queue.ack(message_id)  # nobody waits for it in the end
            self.assertEqual(kept, [], "an answer that came again is acknowledged")
            self.assertEqual(self.events(book_id).count("answered"), 2, "and no second effect")

    def test_answers_to_nothing_have_no_effect(self):
        book_id = self.told("первое")
        self.settle([book_id])
        push = self.came(book_id)[0]
        count = lambda status: self.one("select count(*) from data.journal where method = 'GetResponse' and direction = 'in' and status = %s", status)
        before = {s: count(s) for s in ("late", "other")}
        core, portal = self.smev.core, self.smev.portal
        core.respond(push.message.finals[-1])                  # the same once more
        portal._answer_push(push)                              # another one, to the same
        twin = self.bookings(1)[0]
        self.said[twin] = [lambda p: portal.bare_answer(book_id, p.values["esiaId"], 0, "")]  # that tells another booking
        self.told("первое", book_id=twin)
        wait_until(lambda: {s: count(s) - before[s] for s in before} == {"late": 2, "other": 1}, PATIENT_S, "all are written down")
        self.assertEqual((self.states(twin), self.events(twin)), (["sent"], ["queued", "other"]))
        self.assertRegex(self.one("select waits_for from admin.outbox where book_id = %s", twin), "ответ пришёл, но о другой записи: MessageID .*; обмен № [0-9]+$")
        wait_until(lambda: "answers of the portal tell other bookings (1)" in self.instance.admin("/readyz")[1], PATIENT_S, "/readyz")
        portal._answer_push(self.came(twin)[0])
        self.settle([twin])
        self.assertEqual(self.events(book_id), ["queued", "answered"])
        wait_until(lambda: not self.smev.agency().responses[NODE].entries(), PATIENT_S, "all are acknowledged")
        self.assertIn(" push-answer ", self.log())

    def test_a_row_that_somebody_has_locked_keeps_no_other_waiting(self):
        locked, *others = self.bookings(4)
        self.said[locked] = [lambda push: None]
        self.told("первое", book_id=locked)
        self.wait_state(locked, "sent")
        console = self.instance.connect()
        try:
            console.autocommit = False
            with console.cursor() as cursor:
                cursor.execute("select from data.outbox where book_key = %s for update", (locked,))
                self.smev.portal._answer_push(self.came(locked)[0])
                for book_id in others:
                    self.told("первое", "второе", book_id=book_id)
                self.settle(others)
                self.assertEqual(self.states(locked), ["sent"])
            console.rollback()
        finally:
            console.close()
        self.settle([locked])

    def test_a_row_that_is_held_while_it_is_sent_is_told_when_it_is_over(self):  # L1, M8: docs/decisions/0353
        held, *others = self.bookings(4)
        self.smev.server.plan.next("SendRequest", Trouble(slow=5))
        console = self.instance.connect()
        try:
            console.autocommit = False
            self.told("первое", book_id=held)
            wait_until(lambda: self.states(held) == ["sending"] and self.came(held), PATIENT_S, "it is with SMEV")
            with console.cursor() as cursor:
                cursor.execute("select from data.outbox where book_key = %s for update", (held,))
                for book_id in others:
                    self.told("первое", "второе", book_id=book_id)
                self.settle(others)
            console.rollback()
        finally:
            console.close()
        self.settle([held])
        self.assertEqual(len(self.came(held)), 1, "what SMEV said was kept, so it is not sent twice")
        wait_until(lambda: self.instance.metric("zapisd_push_locked_seconds") == 0, 20, "it is over")

    def test_who_holds_the_outbox_is_told(self):  # L1, L4: a table locked at a console
        held = lambda: any("somebody holds rows or tables of the outbox" in w and "admin.locks()" in w for w in json.loads(self.instance.admin("/readyz")[1]).get("warnings", []))
        book_id, seconds = self.bookings(1)[0], lambda: self.instance.metric("zapisd_push_locked_seconds")
        self.assertEqual((held(), seconds()), (False, 0))
        console = self.instance.connect()
        try:
            console.autocommit = False
            console.cursor().execute("lock table data.outbox_road in access exclusive mode")  # all that is asked for passes by it
            self.told("первое", book_id=book_id)
            wait_until(held, 20, "/readyz says so")
            self.assertGreater(seconds(), 0)
            self.assertEqual(self.states(book_id), ["waiting"])
            console.rollback()
        finally:
            console.close()
        self.settle([book_id])
        wait_until(lambda: not held(), 20, "it is over")
        self.assertEqual(seconds(), 0)

    def status(self, push, text):
        scope = {"t": types_ns("1.2"), "b": basic_ns("1.2")}
        ident = wire.uuid_at(self.smev.core.peer_clock.now())
        data = ('<t:SenderProvidedResponseData%s Id="SIGNED_BY_PROVIDER"><t:MessageID>%s</t:MessageID><t:To>%s</t:To><t:RequestStatus><t:StatusCode>7</t:StatusCode>'
                '<t:StatusDescription>%s</t:StatusDescription></t:RequestStatus></t:SenderProvidedResponseData>' % (wire.declare(scope), ident, push.message.reply_to.replace("&", "&amp;"), text))
        self.smev.core.respond(Message("RESPONSE", ident, self.smev.portal.system, push.message.sender, data.encode(), "1.2", original=push.message, node_id=push.message.node_id))

    def test_the_portal_is_at_it(self):
        book_id = self.bookings(1)[0]
        self.said[book_id] = [lambda push: self.status(push, SECRET)]
        self.told("первое", "второе", book_id=book_id)
        wait_until(lambda: self.events(book_id) == ["queued", "in_work"], PATIENT_S, "it is told")
        self.assertEqual(self.states(book_id), ["sent", "waiting"])
        self.smev.core.refuse_async(self.came(book_id)[0].message, category="requestIsQueued", details="x", typed=False)
        self.smev.portal._answer_push(self.came(book_id)[0])
        self.settle([book_id])
        self.assertNotIn(SECRET, self.log())

    def test_what_smev_has_not_signed_is_no_answer(self):
        """And is not acknowledged: SMEV has it still, for when the trouble is over."""
        for spoil in SPOILS:
            with self.subTest(spoil):
                refused = lambda: self.one("select count(*) from data.journal_refused where listener = 'main'")
                before = refused()
                self.plan.keep("GetResponse", Trouble(spoil=spoil))
                book_id = self.told("первое")
                wait_until(lambda: refused() > before, PATIENT_S, "it is kept apart")
                self.assertEqual(self.states(book_id), ["sent"])
                self.plan.keep("GetResponse", None)
                self.redeliver()
                self.reload(self.instance.conf.read_text())  # asked at once, not after the pause that a stranger's signature costs
                self.settle([book_id])

    def test_polls_in_trouble(self):
        for trouble in (Trouble(cut_answer=0.5), Trouble(http=HTML), Trouble(other="operation"), Trouble(fault=("SMEVFailure", None, "bare")), Trouble(lose_request=True)):
            self.plan.next("GetResponse", trouble)
            self.plan.next("GetResponse", None)
        ids = self.bookings(10)
        for book_id in ids:
            self.change(book_id, "первое")
        wait_until(lambda: self.plan.waiting() == 0, PATIENT_S, "the trouble is taken")
        self.redeliver()
        self.settle(ids)

    def test_a_silent_portal_is_held_and_never_skipped(self):
        book_id = self.bookings(1)[0]
        self.said[book_id] = [lambda push: None]
        self.told("первое", "второе", book_id=book_id)
        self.wait_state(book_id, "sent", "waiting")
        left = self.rows(book_id, "extract(epoch from deadline - now())::integer")[0][0]
        self.assertTrue(86000 < left <= 86400, left)
        self.sql("update data.outbox set deadline = now() where book_key = %s and state = 'sent'", book_id)
        self.sql("select data.keep_outbox()")
        self.assertEqual(self.states(book_id), ["held", "waiting"])
        said = "\n".join(r[0] for r in self.sql("select t::text from admin.check() as t"))
        self.assertIn("задержаны", said)
        self.assertTrue("outbox_requeue" in said and "outbox_release" not in said, "SMEV hands a message on once: " + said)
        self.smev.portal._answer_push(self.came(book_id)[0])  # after all
        self.settle([book_id])
        self.assertEqual(self.events(book_id)[:3], ["queued", "overdue", "answered"])
        self.assertEqual(self.comments(book_id), ["первое", "второе"])

    def test_an_official_signs_too(self):
        """C4: with his key in the [smev3] what is told bears his signature within the agency's; SMEV here refuses what does not."""
        was = self.instance.conf.read_text()
        self.addCleanup(self.reload, was)
        self.addCleanup(self.smev.core.require_official, AGENCY)
        self.reload(was.replace("\nnode_id", "\nofficial_key = %s/portal-512.key\nofficial_cert = %s/portal-512.pem\nnode_id" % (self.instance.pki, self.instance.pki), 1))
        self.smev.core.require_official(AGENCY, "portal-512")
        before = self.smev.core.counters["personal"]
        book_id = self.told("первое", "второе")
        self.settle([book_id])
        self.assertEqual((self.comments(book_id), self.smev.core.counters["personal"] - before), (["первое", "второе"], 2))

    def test_errors_of_notifications(self):
        """GetStatus: written down, acknowledged, and nothing else."""
        self.smev.core.push_error(self.smev.agency(), SECRET)
        self.reload(self.instance.conf.read_text())
        wait_until(lambda: self.one("select count(*) from data.journal where method = 'GetStatus' and direction = 'in'") > 0, PATIENT_S, "it is written down")
        wait_until(lambda: not self.smev.agency().statuses.entries(), PATIENT_S, "it is acknowledged")
        self.assertNotIn(SECRET, self.log())

    def test_that_they_are_refused_is_over_when_it_is(self):
        """GetStatus (L4): told at once, and no more when SMEV gives them, whoever was told so before; silence is no refusal."""
        refused = lambda: "\n".join(r[0] for r in self.sql("select what from admin.check() where what ~ 'запросы сообщений об ошибках'"))
        lost = lambda: self.instance.metric('zapisd_push_polls_total{source="main",result="nothing"}')
        self.plan.next("GetStatus", Trouble(fault=("SenderIsNotRegistered", None, "full")))
        self.reload(self.instance.conf.read_text())
        wait_until(lambda: "SenderIsNotRegistered" in refused(), PATIENT_S, "it is told")
        self.reload(self.instance.conf.read_text())
        wait_until(lambda: not refused(), PATIENT_S, "SMEV gives them")
        self.sql("select api.inbox_refused('main', %s, 'GetStatus', 'AccessDenied')", AGENCY)
        self.instance.stop_daemon()
        self.instance.start_daemon()
        wait_until(lambda: not refused(), PATIENT_S, "a process of before knew otherwise")
        before = lost()
        self.plan.next("GetStatus", Trouble(lose_request=True))
        self.reload(self.instance.conf.read_text())
        wait_until(lambda: lost() > before, PATIENT_S, "it is lost")
        self.assertFalse(refused() or any("errors of notifications" in w for w in self.warnings()), "nobody has refused anything")
        kept = lambda: self.one("""select count(*) from data.journal as a join data.journal as b using (journal_id) where a.direction = 'out' and b.direction = 'in' and a.method = 'GetStatus'
            and b.status = 'UNREACHABLE' and position('GetStatusRequest' in encode(a.body, 'escape')) > 0""")
        wait_until(lambda: kept() > 0, PATIENT_S, "J1: SMEV may have heard it")

    def test_who_is_not_smev_is_left_for_the_reserve(self):
        """Q1: a fault without a name of SMEV's, and a yes to another message, are of whoever stands in front of it."""
        was, server = self.instance.conf.read_text(), self.smev.server
        self.addCleanup(self.reload, was)
        self.reload(was.replace("\nnode_id", "\nswitch_after = 1s\nnode_id", 1))
        used = []
        self.addCleanup(setattr, server.plan, "policy", None)

        def policy(endpoint, operation):
            if operation == "SendRequest":
                used.append(endpoint)
            return trouble if endpoint == ill else None
        trouble = ill = None
        server.plan.policy = policy
        self.settle([self.told("первое")])
        for trouble in (Trouble(fault=(None, None, "none")), Trouble(http=HTML)):
            ill = used[-1]
            book_id = self.told("первое")
            wait_until(lambda: (self.nudge(), used[-1] != ill)[1], PATIENT_S, "the other endpoint is asked")
            self.settle([book_id])
            self.assertEqual(self.comments(book_id), ["первое"])
        self.assertIn("вместо СМЭВ ответил кто-то другой", "\n".join(str(r[0]) for r in self.sql("select reason from data.outbox_event")))

    def test_who_hears_smev_tells_who_waits(self):
        """L4: requests and answers have pauses of their own; that of the one ends when the other hears SMEV."""
        down, away = Trouble(fault=("SMEVFailure", None, "full")), Trouble(fault=("SenderIsNotRegistered", None, "full"))
        for paused, other, words, metric in (("GetResponse", "GetRequest", "answers have not come out", "smev3"), ("GetRequest", "GetResponse", "is not asked as it should", "push")):
            faults = lambda: self.instance.metric('zapisd_%s_polls_total{source="main",result="fault"}' % metric)
            told = lambda: [w for w in self.warnings() if words in w]
            with self.subTest(paused=paused):
                for operation in (other, "GetStatus", "Ack"):  # whichever SMEV answers tells that it is there
                    self.plan.keep(operation, down)
                self.plan.keep(paused, away)  # five minutes
                wait_until(lambda: any("SenderIsNotRegistered" in w for w in told()), PATIENT_S, "it is refused")
                self.plan.keep(paused, None)
                before = faults()
                wait_until(lambda: faults() > before + 1, PATIENT_S, "the other asks on")
                self.assertTrue(told(), "nobody has asked yet")
                self.plan.keep(other, None)
                wait_until(lambda: not told(), PATIENT_S, "the other has heard SMEV")
                self.plan.always.clear()

    def test_who_asks_too_often_asks_less(self):
        """AccessDenied to a poll means slower; a reload asks anew."""
        counters = self.smev.core.counters

        def four():
            """How long four questions take."""
            began, until = time.monotonic(), counters[("GetResponse", "empty")] + 4
            wait_until(lambda: counters[("GetResponse", "empty")] >= until, PATIENT_S, "it is asked")
            return time.monotonic() - began
        before = four()
        for _ in range(4):
            self.plan.next("GetResponse", Trouble(fault=("AccessDenied", None, "full")))
        wait_until(lambda: self.plan.waiting() == 0, PATIENT_S, "it is said")
        after = four()
        self.assertGreater(after, 2 * before, "from 50 ms to 800")
        book_id = self.told("первое")
        self.reload(self.instance.conf.read_text())
        self.settle([book_id])

    def test_a_change_of_road_loses_and_doubles_nothing(self):
        was = self.instance.conf.read_text()
        by_smev2 = was.replace("road = smev3", "road = smev2")
        self.addCleanup(self.reload, was)
        double = PortalDouble(self.instance.pki, script=lambda call: OK, port=self.port).start()
        self.addCleanup(double.stop)
        silent, unsure, new = self.bookings(3)
        self.said[silent] = [lambda push: None]
        self.told("первое", "второе", book_id=silent)
        self.wait_state(silent, "sent", "waiting")
        self.plan.keep("SendRequest", Trouble(cut_request=0.3))
        self.told("первое", book_id=unsure)
        wait_until(lambda: self.rows(unsure, "state, is_unsure") == [("waiting", True)], PATIENT_S, "nobody knows whether it arrived")
        self.reload(by_smev2)
        self.told("первое", book_id=new)
        self.settle([new])
        self.wait_state(unsure, "held")
        self.assertEqual([c.book_id for c in double.calls], [new])
        self.assertEqual(self.states(silent), ["sent", "waiting"])
        # by its own road its answer still comes, and the next goes by the new one
        self.smev.portal._answer_push(self.came(silent)[0])
        self.settle([silent])
        self.assertEqual((self.comments(silent), [c.message for c in double.calls if c.book_id == silent]), (["первое"], ["второе"]))
        self.sql("select admin.outbox_requeue(%s)", unsure)
        self.settle([unsure])
        self.assertEqual([c.message for c in double.calls if c.book_id == unsure], ["первое"])
        # and back: what has not left by SMEV 2 goes by SMEV 3
        double.stop()
        self.told("второе", book_id=new)
        wait_until(lambda: self.rows(new, "state, attempts > 0, is_unsure")[-1] == ("waiting", True, False), PATIENT_S, "nobody is there")
        self.plan.keep("SendRequest", None)
        self.reload(was)
        self.settle([new])
        self.assertEqual(self.comments(new), ["второе"])
        self.assertEqual([m for m in double.violations], [])

    def test_a_change_of_queue_loses_no_answer(self):
        """Q5: what was sent by one NodeID is answered to it, whatever [push] names meanwhile."""
        was = self.instance.conf.read_text()
        self.addCleanup(self.reload, was)
        begin = was.index("[smev3 main]")
        section = was[begin:was.index("\n[", begin)]
        two = was.replace("queue = main", "queue = two") + "\n" + section.replace("[smev3 main]", "[smev3 two]").replace(NODE, "node-2") + "\n"
        silent, new = self.bookings(2)
        self.said[silent] = [lambda push: None]
        self.told("первое", "второе", book_id=silent)
        self.wait_state(silent, "sent", "waiting")
        self.reload(two)
        self.told("первое", book_id=new)
        self.settle([new])
        self.smev.portal._answer_push(self.came(silent)[0])
        self.settle([silent])
        self.assertEqual([p.message.node_id for p in self.came(new) + self.came(silent)], ["node-2", NODE, "node-2"])
        self.assertEqual(self.comments(silent), ["первое", "второе"])
        wait_until(lambda: not any(q.entries() for q in self.smev.agency().responses.values()), PATIENT_S, "all are acknowledged")


    def test_a_change_of_node_loses_no_answer(self):
        """Q5, L4: what was sent by a NodeID is asked for by it, though no section has it any more; before and after that is said."""
        was = self.instance.conf.read_text()
        self.addCleanup(self.reload, was)
        silent, new = self.bookings(2)
        self.said[silent] = [lambda push: None]
        self.told("первое", "второе", book_id=silent)
        self.wait_state(silent, "sent", "waiting")
        self.assertEqual(self.rows(silent, "node_id")[0], (NODE,))
        changed = was.replace("node_id = " + NODE, "node_id = node-3")
        (self.instance.dir / "changed.conf").write_text(changed)
        check = lambda name: subprocess.run([BINARY, "check", "--config", self.instance.dir / name], capture_output=True, text=True).stdout
        self.assertIn("agency %s: 1 changes were sent with NodeID %s, which no [smev3] of its has now" % (AGENCY, NODE), check("changed.conf"))
        self.reload(changed)
        wait_until(lambda: [w for w in self.warnings() if "with NodeID %s," % NODE in w and "asked by that, too" in w], PATIENT_S, "it is told")
        self.told("первое", book_id=new)
        self.settle([new])
        self.smev.portal._answer_push(self.came(silent)[0])
        self.settle([silent])
        self.assertEqual([p.message.node_id for p in self.came(new) + self.came(silent)], ["node-3", NODE, "node-3"])
        self.assertEqual(self.comments(silent), ["первое", "второе"])
        wait_until(lambda: not [w for w in self.warnings() if "NodeID" in w], PATIENT_S, "it is over")
        self.assertNotIn("NodeID", check("changed.conf"))
        wait_until(lambda: not any(q.entries() for q in self.smev.agency().responses.values()), PATIENT_S, "all are acknowledged")


class Storm3(Road3):  # O5: two daemons
    """Two daemons, one database, one queue."""

    may_die = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        second = Instance(BUILD / "e2e" / (NAME + "-second"), BINARY, **{"edit": cls.smev.edit})
        second.pg, second.pki = cls.instance.pg, cls.instance.pki
        second.dir.mkdir(parents=True, exist_ok=True)
        second.start_daemon()
        cls.daemons = [cls.instance, second]

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.daemons[1].stop_daemon()

    def live(self):
        return [d.pid() for d in self.daemons]

    def away(self, bookings):
        """The portal asks for nothing until so many bookings wait for its answer; then nobody answers where SMEV is, until a daemon has noticed."""
        self.smev.portal.stop()
        wait_until(lambda: self.one("select count(*) from data.outbox where state = 'sent'") >= bookings, PATIENT_S, "%d wait for the portal" % bookings)
        for name in ("main", "reserve"):
            self.smev.server.refuse(name)

        def is_closed(daemon):
            try:
                return daemon.pid() and daemon.metric("zapisd_push_is_closed")
            except OSError:
                return False  # it was killed
        wait_until(lambda: any(is_closed(d) for d in self.daemons), PATIENT_S, "nobody answers")
        for name in ("main", "reserve"):
            self.smev.server.refuse(name, False)
        self.smev.portal.stopped.clear()
        self.smev.portal.start()

    def test_changes_in_a_day_of_trouble(self):
        """ZAPISD_PUSH3_CHANGES=10000 for the long one (over 1,000 bookings), ZAPISD_SEED to repeat one."""
        changes, seed = int(os.environ.get("ZAPISD_PUSH3_CHANGES", "240")), int(os.environ.get("ZAPISD_SEED", "329"))
        rng, ids, stop = random.Random(seed), self.bookings(max(8, changes // 10)), threading.Event()
        self.plan.policy = SeededPolicy(seed, {k: 0.02 for k in ("lost_request", "cut_request", "lost_answer", "cut_answer", "failure", "html", "spoiled", "late_ack", "other", "mime", "dressed")})
        self.smev.portal.push_delay_s, self.smev.portal.spread_order = 0.02, lambda due: rng.sample(due, len(due))
        dice = random.Random(seed + 1)
        self.smev.portal.push_answer = lambda push: self.smev.portal.push_said(push, 1 if dice.random() < 0.05 else 0)

        def hurry():
            while not stop.wait(0.2):
                self.nudge("all" if rng.random() < 0.1 else "dead")
                if rng.random() < 0.3:
                    self.redeliver()

        worker, away = threading.Thread(target=hurry), threading.Thread(target=self.away, args=(len(ids) // 4,))
        worker.start()
        started = time.monotonic()
        try:
            with self.subTest(seed=seed, changes=changes):
                for i in range(changes):
                    self.change(rng.choice(ids), "перемена %d" % i)
                    if i == changes // 2:
                        away.start()
                    if i % (changes // 3) == changes // 6:
                        victim = rng.choice(self.daemons)
                        os.kill(victim.pid(), signal.SIGKILL)
                        victim.process.wait()
                        victim.start_daemon()
                away.join()
                wait_until(lambda: self.open_rows() == 0, max(10 * PATIENT_S, changes / 2), "an empty outbox", changes / 20000)
        finally:
            stop.set()
            worker.join()
            self.plan.policy.quiet = True
        wanted, all_heard = {b: [] for b in ids}, {b: [] for b in ids}
        for book_id, comment in self.sql("select book_key, payload #>> '{status,statusMessage}' from data.outbox where book_key = any(%s) order by outbox_id", ids):
            wanted[book_id].append(comment)
        for push in self.smev.portal.pushes:
            all_heard.get(push.book_id, []).append(push.values.get("statusMessage"))
        for book_id, heard in all_heard.items():
            self.assertEqual([c for n, c in enumerate(heard) if n == 0 or heard[n - 1] != c], wanted[book_id])
        self.assertEqual(self.one("select count(*) from data.outbox where state <> 'answered' and book_key = any(%s)", ids), 0)
        print("%d changes of %d bookings over SMEV 3, seed %d: %.0f s, %d troubles on the way, the portal heard %d messages" % (
            changes, len(ids), seed, time.monotonic() - started, sum(self.plan.policy.thrown.values()), len(self.smev.portal.pushes)), flush=True)


if __name__ == "__main__":
    e2e.main()
