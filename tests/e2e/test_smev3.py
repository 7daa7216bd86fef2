#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Queues of SMEV 3 (Q1, Q3, Q4, Q6, Q7): requests are taken, stored, acked, worked on, answered; whatever the way does, each is answered
once in effect, and equal. The core of tests/lib is SMEV; a judge that knows nothing of it reads what went over the wire."""
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import threading
import time

import e2e
from e2e import E2E, MOSCOW, SERVICE, new_id, wait_until

from instance import free_ports
import smev3portal
import smev3server
import smev3wire
from smev3server import Trouble
from smev3world import QueueClient, Smev3

VERSIONS = ("1.1", "1.2", "1.3")


class World(E2E):
    """An instance and SMEV around it; what is left of it in the end is judged."""

    queues = (("main", "AAAA00001", "1.2", ()),)
    more = ""
    allowed = ()
    unanswered = ()  # ids of requests that nothing can be said to
    our_mistake = None  # what SMEV has to refuse, for the configuration says so

    @classmethod
    def options(cls):
        import pathlib
        directory = e2e.BUILD / "e2e" / (e2e.NAME + "-" + cls.__name__.lower())
        cls.smev = Smev3(cls.queues, directory=pathlib.Path(directory), more=cls.more)
        return {"edit": cls.smev.edit}

    @classmethod
    def tearDownClass(cls):
        if not cls.unanswered and cls.our_mistake is None:
            cls.smev.settle()
        try:
            super().tearDownClass()
        finally:
            cls.smev.close()
        judge = cls.smev.judge(allowed_rejects=cls.allowed, parked=cls.unanswered)
        problems = [p for p in judge.problems if cls.our_mistake is None or not p.endswith(cls.our_mistake)]
        assert not problems, "\n".join(problems)
        assert cls.our_mistake is None or len(judge.problems) in (1, 2), "it is asked for once in five minutes, or at the start and then"

    def book(self, client, n=0):
        """A booking of its own; its number and the answer."""
        book_id = new_id()
        slot = sorted(client.get_slots([MOSCOW], services=[SERVICE]).slots, key=lambda s: s["visitTime"])[n]
        reply = client.book(book_id, slot["slotId"], MOSCOW, services=[SERVICE])
        return book_id, reply

    def inbox(self, what="count(*)", where="true"):
        return self.instance.psql("select %s from data.inbox where %s" % (what, where)).strip()

    def settled(self):
        self.instance.psql("update data.inbox set ack_at = now() where acked_at is null")
        wait_until(lambda: self.inbox(where="ended_at is null or acked_at is null") == "0", 60, "all of it answered, sent and acked")

    def warnings(self):
        return json.loads(self.instance.admin("/readyz")[1])["warnings"]


class Job(World):
    """Three versions, two agencies, each by itself."""

    queues = (("v11", "AAAA00001", "1.1", ()), ("v12", "AAAA00001", "1.2", ()), ("v13", "BBBB00002", "1.3", ()))

    def test_each_version_and_agency(self):  # Q1
        for version, agency in (("1.1", "AAAA00001"), ("1.3", "BBBB00002"), ("1.2", "AAAA00001")):
            with self.subTest(version=version, agency=agency):
                client = QueueClient(self.smev, agency)
                self.assertFalse(client.call("getRefsList", []).rejected)
        client = QueueClient(self.smev)
        book_id, reply = self.book(client)
        self.assertEqual(reply.status_code, "201")
        self.assertEqual(client.get_booking_status(book_id).status_code, "201")
        self.assertEqual(client.cancel_booking(book_id).status_code, "301")
        self.settled()
        told = re.findall(r"(\w+): (\w+); сообщение № (\S+)", self.instance.psql("select what from admin.why('%s') where kind = 'СМЭВ'" % book_id))  # J1: in order
        for message in dict.fromkeys(m for _, _, m in told):
            calls = [(operation, outcome) for operation, outcome, m in told if m == message]
            self.assertEqual((calls[0], set(calls)), (("GetRequest", "new"), {("GetRequest", "new"), ("Ack", "OK"), ("SendResponse", "sent")}))
        self.assertEqual(len(told), 6, "of book and of cancelBooking")
        self.assertEqual(self.inbox(where="state <> 'sent'"), "0")
        self.assertEqual(self.inbox("count(*)", "octets is not null or answer is not null"), "0", "J3: what it was about has left with the answer")

    def test_journal(self):  # J1
        client = QueueClient(self.smev)
        self.book(client, 3)
        self.settled()
        rows = self.instance.psql("select distinct c.operation || ' ' || (select string_agg(j.direction, ',' order by j.direction) from data.journal as j where j.journal_id = c.journal_id)"
                                  " || ' ' || c.outcome from data.inbox_call as c order by 1").split("\n")
        self.assertEqual([r for r in rows if r], ["Ack in,out OK", "GetRequest in,out new", "SendResponse in,out sent"])

    def test_headers_of_files(self):  # Q6: the default: they are kept with the message, and no file is asked for
        message = self.smev.call("getRefsList", [], files=[("a.zip", b"octets")], attachments=[("_1", b"within")])
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        rows = self.instance.psql("select concat_ws('|', i.files, f.place, f.mime_type, f.hash <> '', f.is_signed, f.size) from admin.inbox as i, admin.inbox_files(i.inbox_id) as f"
                                  " where i.message_id = '%s' order by f.number" % message.message_id)
        self.assertEqual(rows.split(), ["2|message|application/pdf|t", "2|store|application/zip|t|t"])
        self.assertEqual(self.smev.files.tries, {})

    def test_told(self):  # L4
        wait_until(lambda: self.instance.metric('zapisd_smev3_polls_total{source="v12",result="empty"}') > 0, 60, "an empty poll")
        self.assertEqual(self.instance.metric('zapisd_smev3_faulty{source="v13"}'), 0)
        self.assertEqual([w for w in self.warnings() if "smev3" in w], [])
        served = self.instance.admin("/metrics")[1]  # O7: what the rules ask for is told of each queue
        self.assertEqual([x for x in served.splitlines() if 'source="' in x and not re.search(r'source="[^"]*",agency="\w+"', x)], [], "and of each agency: another has a section of that name")
        for name, label, value in set(re.findall(r'(zapisd_smev3_[a-z0-9_]+){(\w+)="(\w+)"', (e2e.SOURCE / "conf/alerts.yml").read_text())):
            self.assertRegex(served, r'(?m)^%s\{source="v12",agency="\w+",%s="%s"\} ' % (name, label, value))


class Way(World):
    """What the way does."""

    queues = (("main", "AAAA00001", "1.2", ("switch_after = 1s", "timeout = 2s")),)

    def said(self, operation, trouble, again=False):
        """With that trouble in the way of one call: the request is answered. again: only when SMEV delivers it once more."""
        plan = self.smev.server.plan
        plan.next(operation, trouble)
        message = self.smev.call("getRefsList", [])
        if again:
            wait_until(lambda: plan.waiting() == 0 and len(self.smev.agency().requests.unacked) > 0, 60, "it was delivered")
            self.smev.core.clock.advance(16 * 60)  # of the queues: what was delivered and not taken comes again
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)

    def test_what_is_lost_is_said_again(self):  # Q3
        for operation, trouble, again in (
                ("Ack", Trouble(lose_request=True), False), ("Ack", Trouble(cut_answer=0.0), False), ("SendResponse", Trouble(cut_answer=0.0), False),
                ("SendResponse", Trouble(lose_request=True), False), ("GetRequest", Trouble(cut_answer=0.5), True),
                ("GetRequest", Trouble(spoil="digest"), True), ("GetRequest", Trouble(fault=("SMEVFailure", None, "full")), False),
                ("SendResponse", Trouble(fault=("SMEVFailure", None, "full")), False), ("SendResponse", Trouble(http=smev3server.HTML), False),
                ("SendResponse", Trouble(spoil="digest"), False), ("SendResponse", Trouble(fault=("StaleMessageId", None, "full")), False),
                ("Ack", Trouble(fault=("SMEVFailure", None, "full")), False), ("GetRequest", Trouble(mime="cxf"), False), ("GetRequest", Trouble(mime="jaxws"), False)):
            with self.subTest(operation=operation, trouble=trouble):
                self.said(operation, trouble, again)
        self.smev.core.clock.advance(16 * 60)
        self.settled()
        # J1: of a question that came to a fault both halves are kept; L4: it is counted by its name
        wait_until(lambda: self.instance.psql("select count(*) from data.journal_refused where listener = 'main' and reason = 'SMEVFailure' and convert_from(head, 'UTF8') ~ 'SMEVFailure'"
                                                " and convert_from(answer, 'UTF8') ~ 'GetRequestRequest'").strip() == "1", 60, "the fault is kept with the question")
        self.assertGreaterEqual(self.instance.metric('zapisd_smev3_faults_total{source="main",fault="SMEVFailure"}'), 3)
        self.assertEqual(self.instance.metric('zapisd_smev3_unkept_total{source="main"}'), 0)

    def test_redelivery_is_one_message(self):  # Q3
        message = self.smev.call("getRefsList", [])
        first = self.smev.portal.answer(message, 60)
        self.smev.core.duplicate(message, head=True)
        wait_until(lambda: self.inbox("count(*)", "message_id = '%s'" % message.message_id) == "1" and self.instance.psql(
            "select count(*) from data.inbox_call as c join data.inbox as i using (inbox_id) where i.message_id = '%s' and c.outcome = 'known'" % message.message_id).strip() == "1",
            60, "the second delivery is known")
        self.settled()
        self.assertEqual(len(self.smev.portal.answers[message.message_id]), 1)
        self.assertIsNotNone(first)

    def test_an_old_answer_for_ever(self):  # Q3, L1: a cache in between; neither a loop nor a disk that fills
        message, core = self.smev.call("getRefsList", []), self.smev.core
        self.smev.portal.answer(message, 60)
        kept, genuine = core.deliver_request(message, "1.2", smev3server.wire.DRESSES["plain"]), core._GetRequest
        known = lambda: int(self.instance.psql("select count(*) from data.inbox_call as c join data.inbox as i using (inbox_id)"
                                               " where i.message_id = '%s' and c.outcome = 'known'" % message.message_id))
        told = lambda: any("again and again" in w for w in self.warnings())
        core._GetRequest = lambda call, trouble, dress: kept
        try:
            wait_until(told, 60, "O3: it is told")
            self.assertLess(known(), 40, "those that were under way, and five pauses that grow")
        finally:
            core._GetRequest = genuine
        self.assertFalse(self.smev.portal.answer(self.smev.call("getRefsList", []), 60).rejected)
        self.assertFalse(told())
        self.assertEqual(len(self.smev.portal.answers[message.message_id]), 1)

    def test_what_cannot_be_stored_is_kept(self):  # Q3: a table locked at a console; SMEV gives nothing again within 15 minutes
        session = self.instance.connect()
        session.autocommit = False
        try:
            session.cursor().execute("lock table data.inbox in access exclusive mode")
            messages = [self.smev.call("getRefsList", []) for _ in range(5)]
            wait_until(lambda: any("does not take" in w for w in self.warnings()), 60, "O3: it is told")
            wait_until(lambda: any("somebody holds rows or tables of the queues" in w and "admin.locks()" in w for w in self.warnings()), 60, "L1: and why, and where to look")
            self.assertGreater(self.instance.metric("zapisd_smev3_locked_seconds"), 0)
        finally:
            session.close()
        for message in messages:
            self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        wait_until(lambda: not any("does not take" in w or "somebody holds" in w for w in self.warnings()), 60, "it is over")
        self.assertEqual(self.instance.metric("zapisd_smev3_locked_seconds"), 0)
        self.assertEqual(self.instance.psql("select count(*) from data.inbox_call as c join data.inbox as i using (inbox_id) where c.outcome = 'known' and i.message_id = any('{%s}')"
                                            % ",".join(m.message_id for m in messages)).strip(), "0", "none was given twice")

    def test_what_was_given_while_the_database_is_away_is_kept(self):  # Q3, L2: all of it fails at once; the first that is taken brings the others
        session = self.instance.connect()
        session.autocommit = True
        cursor = session.cursor()
        cursor.execute("select distinct usename from pg_stat_activity where pid <> pg_backend_pid() and usename <> current_user and backend_type = 'client backend'")
        users = [row[0] for row in cursor.fetchall()]
        self.assertTrue(users, "the daemon has a role of its own")
        messages = [self.smev.call("getRefsList", [], put=False) for _ in range(6)]
        try:
            for user in users:
                cursor.execute('alter role "%s" connection limit 0' % user)
            cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = any(%s)", (users,))
            for message in messages:
                self.smev.core.submit(message)
            wait_until(lambda: any(re.search(r"does not take what came out of the queue \(messages: [2-9]", w) for w in self.warnings()), 60, "several are kept")
        finally:
            for user in users:
                cursor.execute('alter role "%s" connection limit -1' % user)
            session.close()
        wait_until(lambda: all(m.finals for m in messages), 60, "all of them are answered")
        wait_until(lambda: not any("does not take" in w for w in self.warnings()), 60, "it is over")
        self.assertEqual(self.instance.psql("select count(*) from data.inbox_call as c join data.inbox as i using (inbox_id) where c.outcome = 'known' and i.message_id = any('{%s}')"
                                            % ",".join(m.message_id for m in messages)).strip(), "0", "none was given twice")

    def test_reserve(self):  # Q1: the other endpoint, when this one is of no use
        main, reserve = self.smev.server["main"], self.smev.server["reserve"]
        before, main.down = reserve.calls, True
        try:
            QueueClient(self.smev).call("getRefsList", [])
        finally:
            main.down = False
        self.assertGreater(reserve.calls, before)
        self.settled()


class InFront(World):
    """Somebody answers in SMEV's place, or nobody does."""

    queues = (("main", "AAAA00001", "1.2", ("switch_after = 1s", "timeout = 2s")),)

    def test_reserve_of_who_is_not_smev(self):
        """Q1: somebody answers in SMEV's place, whatever he says: the other endpoint is asked. What SMEV itself says is no reason to leave it."""
        server, used = self.smev.server, []
        self.addCleanup(setattr, server.plan, "policy", None)

        def policy(endpoint, operation):
            used.append(endpoint)
            return trouble if endpoint == ill else None
        trouble = ill = None
        server.plan.policy = policy
        self.assertFalse(self.smev.portal.answer(self.smev.call("getRefsList", []), 60).rejected)
        for trouble in (Trouble(fault=(None, None, "none")), Trouble(http=smev3server.HTML), Trouble(http=smev3server.EMPTY), Trouble(http=smev3server.EMPTY_500),
                        Trouble(http=(500, "text/xml; charset=utf-8", smev3wire.fault(None, "1.2", "HTTP routing error", shape="none"))), Trouble(fault=(None, None, "none"))):
            with self.subTest(trouble=trouble):
                ill = used[-1]
                message = self.smev.call("getRefsList", [])
                self.assertFalse(self.smev.portal.answer(message, 60).rejected)
                wait_until(lambda: used[-1] != ill, 60, "the other endpoint is asked")
                self.settled()
        ill, trouble = used[-1], Trouble(fault=("SMEVFailure", None, "full"))
        counted = lambda: self.instance.metric('zapisd_smev3_faults_total{source="main",fault="SMEVFailure"}')
        n, before = len(used), counted()
        wait_until(lambda: counted() >= before + 7, 60, "pauses that double are longer by then than switch_after")  # 50 ms, ... 1.6 s
        self.assertEqual(set(used[n:]), {ill}, "SMEV is alive")
        trouble = None
        self.assertFalse(self.smev.portal.answer(self.smev.call("getRefsList", []), 60).rejected)
        self.settled()

    def test_who_is_not_smev_is_told(self):
        """L4: by a word that the guide explains; it is no refusal of SMEV's."""
        plan = self.smev.server.plan
        self.addCleanup(plan.keep, None, None)
        plan.keep(None, Trouble(fault=(None, None, "none")))
        wait_until(lambda: any("fault: HTTP 500 to GetRequest: a SOAP fault that is none of SMEV's table" in w for w in self.warnings()), 60, "/readyz")
        plan.keep(None, None)
        wait_until(lambda: not any("fault" in w for w in self.warnings()), 60, "and it is over")
        for operation in ("Ack", "SendResponse"):
            plan.next(operation, Trouble(fault=(None, None, "none")))
        self.assertFalse(self.smev.portal.answer(self.smev.call("getRefsList", []), 60).rejected)
        self.settled()
        self.assertNotRegex(self.instance.log.read_text(), "queue-untaken .*fault=fault")

    def test_what_is_lost_is_journalled(self):
        """J1: our half at least, by what became of the other: SMEV may have heard it."""
        plan = self.smev.server.plan
        plan.next("Ack", Trouble(cut_answer=0.0))
        plan.next("SendResponse", Trouble(cut_answer=0.0))
        message = self.smev.call("getRefsList", [])
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.settled()
        halves = self.instance.psql("""select c.operation || ' ' || c.outcome || ' ' || string_agg(j.direction || coalesce(octet_length(j.body), 0)::boolean, ' ' order by j.direction)
            from data.inbox_call as c join data.inbox as i using (inbox_id) join data.journal as j using (journal_id)
            where i.message_id = '%s' and c.outcome = 'UNREACHABLE' group by c.journal_id, c.operation, c.outcome order by 1""" % message.message_id).split("\n")
        self.assertEqual([h for h in halves if h], ["Ack UNREACHABLE infalse outtrue", "SendResponse UNREACHABLE infalse outtrue"])
        plan.next("GetRequest", Trouble(lose_request=True))
        wait_until(lambda: self.instance.psql("""select count(*) from data.journal as a join data.journal as b using (journal_id) where a.direction = 'out' and b.direction = 'in' and a.method = 'GetRequest'
            and b.status = 'UNREACHABLE' and b.body is null and position('GetRequestRequest' in encode(a.body, 'escape')) > 0""").strip() != "0", 60, "a question, too")

    def test_an_answer_that_needs_another_id_is_journalled(self):  # J1: with SMEV's own word
        self.smev.server.plan.next("SendResponse", Trouble(fault=("StaleMessageId", None, "full")))
        message = self.smev.call("getRefsList", [])
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.settled()
        said = self.instance.psql("""select count(*) from data.inbox_call as c join data.inbox as i using (inbox_id) join data.journal as j using (journal_id)
            where i.message_id = '%s' and c.outcome = 'StaleMessageId' and j.direction = 'in' and position('StaleMessageId' in encode(j.body, 'escape')) > 0""" % message.message_id)
        self.assertEqual(said.strip(), "1")


class Again(World):
    """Q3: what was not acknowledged is delivered again, with another DeliveryTimestamp, signature, passwords of files, prefixes, and in another
    version where another section asks. Of no kind of message is that another content; another content is told of each."""

    queues = (("v11", "AAAA00001", "1.1", ()), ("v12", "AAAA00001", "1.2", ()), ("v13", "AAAA00001", "1.3", ()))
    unanswered = []

    def others(self):
        return int(self.inbox("sum(others)"))

    def delivered(self, messages, times):
        """Whoever asks, each is taken and acknowledged that many times more."""
        core = self.smev.core
        for n in range(times):
            with core.lock:
                for message in messages:
                    message.acked = None
                    message.data = message.data.replace(b"cid:nothing", b"cid:another-nothing")  # SMEV makes the parts anew
                    message.node = None
                    core.duplicate(message)
            self.smev.server.plan.keep("GetRequest", Trouble(dress=smev3wire.DRESSES[sorted(smev3wire.DRESSES)[n % len(smev3wire.DRESSES)]]))
            again = core.clock.patience()
            wait_until(lambda: all(m.acked for m in messages) or again(), 120, "each is acknowledged again")
        self.smev.server.plan.keep("GetRequest", None)

    def test_no_kind_is_another_by_it(self):
        portal, agency = self.smev.portal, self.smev.agency()
        kinds = [k for k in smev3portal.POISONS if k not in smev3portal.UNHEARD and k != "large"]
        messages = {kind: portal.poison(kind, agency, head=False) for kind in kinds}
        self.unanswered += [messages[k].message_id for k in ("no_reply_to", "foreign")]
        messages["files"] = self.smev.call("getRefsList", [], files=[("a.zip", b"octets")], attachments=[("_1", b"within")])
        messages["signed"] = self.smev.call("getRefsList", [], signed=True)
        messages["test"] = self.smev.call("getRefsList", [], test=True)
        messages["cancel"] = self.smev.core.cancel(messages["files"])
        wait_until(lambda: all(getattr(m, "acked", None) for m in messages.values()), 120, "each is stored and acknowledged")
        self.delivered(list(messages.values()), 4)
        self.assertEqual(self.others(), 0)
        self.assertNotIn("another content", self.instance.log.read_text())
        known = self.instance.psql("select count(distinct i.message_id) from data.inbox as i join data.inbox_call as c using (inbox_id) where c.outcome = 'known'").strip()
        self.assertEqual(known, str(len(messages)), "each did come again")
        for message in messages.values():  # a really other content, and other than none
            message.data = re.sub(rb"(?s)(<b:MessagePrimaryContent>).*(</b:MessagePrimaryContent>)", rb'\1<x:other xmlns:x="urn:x"></x:other>\2', message.data)
            message.signature = ""
        messages["cancel"].original = messages["signed"]
        self.delivered(list(messages.values()), 1)
        self.assertEqual(self.instance.psql("select count(*) from data.inbox where others = 1").strip(), str(len(messages)))
        for inbox_id in self.inbox("string_agg(inbox_id::text, ' ')", "state = 'parked'").split():
            self.instance.psql("select admin.inbox_give_up(%s, 'отвечать некуда')" % inbox_id)

    def test_who_withdraws(self):  # C4: whose word it is, is judged and journalled
        message = self.smev.call("getRefsList", [])
        note = self.smev.core.cancel(message)
        wait_until(lambda: getattr(note, "acked", None), 120, "it is acknowledged")
        self.assertEqual(self.inbox("verdict", "message_id = '%s'" % note.message_id), "good; sender: none")
        self.settled()


class Console(World):
    """Two agencies; somebody holds a row of one of them at a console, and leaves it open. All queues write by one session: none of them waits there."""

    queues = (("a", "AAAA00001", "1.2", ("timeout = 10s",)), ("b", "BBBB00002", "1.2", ("timeout = 10s",)))

    def known(self, message, outcome="known"):
        return int(self.instance.psql("select count(*) from data.inbox_call as c join data.inbox as i using (inbox_id) where i.message_id = '%s' and c.outcome = '%s'" % (message.message_id, outcome)))

    def both_flow(self):
        for _ in range(3):
            for agency in ("BBBB00002", "AAAA00001"):
                self.assertFalse(self.smev.ask("getRefsList", [], agency, 120).rejected)

    def held(self, statement, meanwhile):
        """meanwhile() with the statement's transaction open: no session of the daemon is ever seen waiting for it."""
        console, over, seen = self.instance.connect(), threading.Event(), set()

        def look():
            while not over.wait(0.05):
                seen.update(self.instance.psql("select left(query, 100) from pg_stat_activity where usename = 'zapisd_daemon' and %d = any(pg_blocking_pids(pid))" % console.get_backend_pid()).split("\n"))
        looker = threading.Thread(target=look)
        looker.start()
        try:
            console.autocommit = False
            console.cursor().execute(statement)
            meanwhile()
            console.rollback()
        finally:
            console.close()
            over.set()
            looker.join()
        self.assertEqual(seen - {""}, set())

    def test_a_held_row_is_nobody_elses(self):  # L1, Q3, Q7: docs/decisions/0353
        self.smev.server.plan.keep("SendResponse", Trouble(fault=("SMEVFailure", None, "full")))
        message = self.smev.call("getRefsList", [])
        try:
            wait_until(lambda: self.inbox("state", "message_id = '%s'" % message.message_id) == "answered", 60, "its answer waits")
        finally:
            self.smev.server.plan.keep("SendResponse", None)
        row = "(select inbox_id from data.inbox where message_id = '%s')" % message.message_id

        def redelivered():  # a clerk's verb is not in the way of what is only noted
            self.smev.core.duplicate(message, head=True)
            wait_until(lambda: self.known(message) == 1, 60, "it is known, and said so")
            wait_until(lambda: not self.smev.agency().requests.unacked, 60, "SMEV has its Ack")
            self.both_flow()
            self.assertEqual(self.known(message, "OK"), 1, "the first; this one changes the row")
        self.held("update data.inbox set due_at = due_at where inbox_id = %s" % row, redelivered)
        wait_until(lambda: self.known(message, "OK") == 2, 60, "J1: when it is over, it is noted")

        def left():
            for _ in range(3):
                self.smev.core.duplicate(message, head=True)
            self.both_flow()
            wait_until(lambda: any("somebody holds rows or tables of the queues" in w for w in self.warnings()), 60, "it is told")
            self.both_flow()
            self.assertEqual(self.known(message), 1)
        self.held("select from data.inbox where inbox_id = %s for update" % row, left)
        wait_until(lambda: self.known(message) == 4, 60, "when it is over, all three are noted")
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.settled()
        self.assertEqual(len(self.smev.portal.answers[message.message_id]), 1)

    def test_somebody_inserts_the_same(self):  # L1, Q3: the one thing that is waited for: shortly, by itself; the other agency goes on
        plan = self.smev.server.plan
        plan.keep("GetRequest", Trouble(fault=("SMEVFailure", None, "full")))
        message = self.smev.call("getRefsList", [])
        console = self.instance.connect()
        try:
            console.autocommit = False
            console.cursor().execute("insert into data.inbox (source, agency_code, sender_code, message_id, kind, version, octets, digest, state, reply_to) select 'a', 'AAAA00001', i.sender_code, %s,"
                                     " 'request', '1.2', 'x', 'x', 'stored', 'r' from data.inbox as i where i.agency_code = 'AAAA00001' limit 1", (message.message_id,))
            plan.keep("GetRequest", None)
            wait_until(lambda: any("does not take" in w for w in self.warnings()), 60, "it is told")
            for _ in range(5):
                self.assertFalse(self.smev.ask("getRefsList", [], "BBBB00002", 120).rejected)
            self.assertEqual(self.inbox(where="message_id = '%s'" % message.message_id), "0")
            console.rollback()
        finally:
            plan.keep("GetRequest", None)
            console.close()
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.settled()


class Outage(World):
    """Many questions are under way when SMEV falls silent: one trouble, one pause (Q1). Pauses that double with each of them last minutes."""

    queues = (("main", "AAAA00001", "1.2", ("in_flight = 32", "timeout = 2s")),)

    @classmethod
    def options(cls):
        options = super().options()
        cls.smev.interval = "5s"
        return options

    def test_one_trouble_counts_once(self):
        smev = self.smev
        messages = [smev.call("getRefsList", []) for _ in range(150)]
        wait_until(lambda: sum(bool(m.finals) for m in messages) >= 10, 60, "they come")
        smev.server.hold = threading.Event()
        silent_since = time.monotonic()
        wait_until(lambda: time.monotonic() - silent_since > 4 and self.instance.metric('zapisd_smev3_polls_total{source="main",result="nothing"}') >= 6,
                   60, "several are not answered in time, none is under way")
        smev.server.hold.set()
        # What was delivered into nowhere comes again; a pause of minutes would be longer.
        wait_until(lambda: all(m.finals for m in messages) or smev.core.clock.advance(16 * 60), 120, "all are answered")
        wait_until(lambda: not smev.agency().requests.entries() or smev.core.clock.advance(16 * 60), 60, "all are acked")
        self.settled()


class Poison(World):
    """Whatever stands at the head of the queue, what stands behind it is answered."""

    def test_each_kind(self):  # Q4
        said = {}
        for kind in ("unknown_root", "two_children", "no_child", "text", "schema", "file", "eol", "include", "dangling", "broadcast", "xml_id"):
            with self.subTest(kind=kind):
                message = self.smev.portal.poison(kind, self.smev.agency())
                self.assertIsNotNone(QueueClient(self.smev).call("getRefsList", []))
                said[kind] = message
        self.settled()
        for kind, message in said.items():
            with self.subTest(kind=kind):
                if kind == "broadcast":
                    self.assertEqual(self.inbox("state", "message_id = '%s'" % message.message_id), "closed")
                    continue
                answer = self.smev.portal.answer(message, 60)
                if answer.rejected:
                    self.assertRegex(str(answer.rejected), "[А-Яа-я]{4}", "a sentence that a citizen can read")
                if kind in ("two_children", "eol", "include", "schema"):  # a method of the order was meant: it says so itself
                    self.assertEqual((answer.rejected, answer.element, answer.error_code), (None, "%sResponse" % (
                        "getSlots" if kind in ("include", "schema") else "getRefsList"), 2))
                status = self.inbox("status", "message_id = '%s'" % message.message_id)  # what was sent: a word is RequestRejected, an error 2 is one
                self.assertRegex(status, "^[A-Z_]+$" if answer.rejected else "^error %s$" % answer.error_code if answer.error_code else "^[0-9]+$|^error 0$")
                if kind in ("unknown_root", "no_child", "text"):
                    self.assertIsNotNone(answer.rejected)
        self.assertEqual(self.inbox(where="state = 'parked'"), "0")

    def test_large_ones_take_no_more_than_is_said(self):  # Q1, L3: docs/decisions/0346
        self.smev.server.plan.keep("GetRequest", Trouble(mime="cxf"))
        self.addCleanup(self.smev.server.plan.keep, "GetRequest", None)
        process = "/proc/%d/" % self.instance.pid()
        with open(process + "clear_refs", "w") as f:
            f.write("5")  # the highest begins anew
        messages = [self.smev.portal.poison(kind, self.smev.agency(), head=False) for kind in ("large", "parts") * 3]
        wait_until(lambda: all(m.finals for m in messages), e2e.PATIENT_S, "all of them answered")
        with open(process + "status") as f:
            self.assertLess(int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1)) / 1024, 64)

    def test_not_signed_by_smev(self):  # Q1: no request, no Ack; what is behind it goes on; what was meant comes again
        self.smev.server.plan.next("GetRequest", Trouble(spoil="digest"))
        message = self.smev.call("getRefsList", [])
        wait_until(lambda: self.instance.metric('zapisd_smev3_polls_total{source="main",result="untrusted"}') >= 1, 60, "the spoilt one is seen")
        self.assertEqual(self.inbox(where="message_id = '%s'" % message.message_id), "0")
        QueueClient(self.smev).call("getRefsList", [])
        wait_until(lambda: self.instance.psql("select count(*) from data.journal_refused where listener = 'main' and reason = 'CHECK'"
                                                " and request_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'").strip() == "1", 60, "it is kept apart, under a number of its own")
        self.smev.core.clock.advance(16 * 60)
        self.assertIsNotNone(self.smev.portal.answer(message, 60))
        self.settled()


class Alone(World):
    """A configuration with a queue and nobody who calls: no smev2 listener, no sender but SMEV. Reloads and stops while messages are in work."""

    @classmethod
    def options(cls):
        options = super().options()
        edit = options["edit"]

        def alone(text):
            text = re.sub(r"(?s)\[listener smev2\].*?(?=\[agency AAAA)", "", text)
            text = re.sub(r"(?s)(# The portal before[^\n]*\n)?\[sender PGU001001\].*?(?=\[sender SMEV00001\])", "", text)
            return cls.change(edit(text))
        cls.change = staticmethod(lambda text: text)
        return dict(options, edit=alone)

    def test_reload_while_messages_are_in_work(self):  # C5: a queue that is changed begins anew, one that is gone finishes
        messages, made = [], 1
        wait_until(lambda: "queue source=main agency=" in self.instance.log.read_text(), 60, "the queue of the start: a reload may be quicker")
        for interval in ("60ms", "70ms", "80ms"):
            type(self).change = staticmethod(lambda text, interval=interval: text.replace("poll_interval = 50ms", "poll_interval = " + interval))
            messages += [self.smev.call("getRefsList", []) for _ in range(10)]
            self.instance.write_conf()
            self.instance.process.send_signal(signal.SIGHUP)
            made += 1  # two signals of which the second comes before the first is read are one reload
            wait_until(lambda: len(re.findall(r"queue source=main agency=", self.instance.log.read_text())) >= made, 60, "each reload made a queue")
            for message in messages:
                self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.settled()
        self.assertEqual(self.inbox(where="state <> 'sent'"), "0")
        self.assertNotIn("fatal", self.instance.log.read_text())

    def test_stop_finishes_what_was_fetched(self):  # L1: no new questions, what was fetched is stored and acked, and waits for whoever comes
        for n in range(3):
            messages = [self.smev.call("getRefsList", []) for _ in range(20)]
            self.assertEqual(self.instance.stop_daemon(), 0)
            self.assertEqual(len(self.smev.agency().requests.unacked), 0, "nothing was fetched and not acked")
            self.instance.start_daemon(wait=False)
            for message in messages:
                self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.settled()


class Choice(World):
    """What a section says of its queue: by which name SMEV knows us, which requests are asked for, whether their senders must sign."""

    queues = (("signed", "AAAA00001", "1.2", ("require_sender_signature = yes", "update_booking_details = yes", "refuse_test_messages = yes")),
              ("chosen", "BBBB00002", "1.3", ("namespace = http://epgu.rtlabs.ru/equeue/ws/", "roots = getRefsListRequest, getSlotRequest, getBookingStatusRequest", "node_id = n1", "mnemonic = ELSE01")))

    our_mistake = "SMEV had to refuse GetRequest with UnknownMessageType"

    def test_a_sender_who_must_sign(self):  # C2
        bare, signed = self.smev.call("getRefsList", []), self.smev.call("getRefsList", [], signed=True)
        type(self).allowed += (bare.message_id,)
        self.assertFalse(self.smev.portal.answer(signed, 60).rejected)
        self.assertIn("подпись", str(self.smev.portal.answer(bare, 60).rejected))
        self.settled()

    def test_switches(self):  # A2, Q6: the portal's own method, and tests that are not wanted
        book_id, reply = self.book(QueueClient(self.smev, signed=True))
        self.assertEqual(reply.status_code, "201")
        told = self.smev.call("updateBookingDetails", [("bookId", book_id), ("esiaId", "1000000000"), ("status", [("statusCode", "301")])], signed=True)
        trial = self.smev.call("getRefsList", [], signed=True, test=True)
        self.assertEqual((self.smev.portal.answer(told, 60).rejected, self.smev.portal.answer(told, 60).error_code), (None, 0))
        self.assertEqual(QueueClient(self.smev, signed=True).get_booking_status(book_id).status_code, "301")
        self.assertRegex(self.smev.portal.answer(trial, 60).rejected[1], "пробные")
        type(self).allowed += (trial.message_id,)
        self.settled()

    def test_kinds_that_are_asked_for(self):  # Q1: the others stay where they are
        other = self.smev.call("getSlots", [("organizationId", MOSCOW)], "BBBB00002")
        mine = [self.smev.portal.poison("foreign", self.smev.agency("BBBB00002"), head=False) for _ in range(2)]
        for message in mine:
            self.assertFalse(self.smev.portal.answer(message, 60).rejected, "named by the mnemonic that is ours")
        self.assertEqual([e.message.message_id for e in self.smev.agency("BBBB00002").requests.entries()], [other.message_id])
        type(self).unanswered = (other.message_id,)

    def test_a_kind_that_smev_does_not_know(self):  # Q3: it is configuration; the others are asked for meanwhile
        wait_until(lambda: "UnknownMessageType getSlotRequest" in str(self.instance.admin("/readyz")), 60, "which of them is told")
        for _ in range(2):
            message = self.smev.portal.poison("foreign", self.smev.agency("BBBB00002"), head=False)
            self.assertFalse(self.smev.portal.answer(message, 60).rejected)

    def test_names_are_no_burst(self):  # Q1: an empty queue is asked for one name after the other, a part of the interval each (two of three are known)
        core, asked, ends = self.smev.core, [], [None]
        plain = core._poll

        def timed(call, queue, fits):
            if call.system is not self.smev.agency("BBBB00002"):
                return plain(call, queue, fits)
            asked.append(None if ends[0] is None else time.monotonic() - ends[0])
            try:
                return plain(call, queue, fits)
            finally:
                ends[0] = time.monotonic()
        core._poll = timed
        try:
            wait_until(lambda: len(asked) > 10, 60, "it is asked")
        finally:
            core._poll = plain
        self.assertGreater(min(asked[1:]), 0.024)


class CutOff(World):
    """Two daemons, one of which SMEV does not answer: what it cannot say the other says, and at once."""

    queues = (("main", "AAAA00001", "1.2", ("timeout = 2s",)),)

    def test_who_reaches_smev_says_it(self):  # Q3, Q7
        for _ in range(3):
            self.smev.portal.answer(self.smev.call("getRefsList", []), 60)
        self.settled()
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(100)
            text = self.instance.conf.read_text()
            for port, free in zip((self.instance.plain_port, self.instance.smev2_port, self.instance.admin_port), free_ports(3)):
                text = text.replace("127.0.0.1:%d" % port, "127.0.0.1:%d" % free)
            conf, log = self.instance.dir / "other.conf", self.instance.dir / "other.log"
            conf.write_text(re.sub(r"(?m)^(endpoint\S* = http://127.0.0.1:)\d+", r"\g<1>%d" % silent.getsockname()[1], text))
            with open(log, "wb") as out:
                other = subprocess.Popen([str(self.instance.binary), "run", "--config", str(conf)], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/")
            try:
                wait_until(lambda: "fault=TIMEOUT" in log.read_text(), 60, "the other daemon has asked SMEV")
                self.instance.process.send_signal(signal.SIGSTOP)
                self.instance.psql("update data.inbox set acked_at = null, ack_at = now()")
                until = time.monotonic() + 11  # it looks every ten seconds
                while time.monotonic() < until and self.inbox(where="ack_at > now()") == "0":
                    time.sleep(0.2)
                self.assertEqual(self.inbox(where="ack_at > now()"), "0", "who does not reach SMEV takes no Acks")
                self.instance.process.send_signal(signal.SIGCONT)
                wait_until(lambda: self.inbox(where="acked_at is null") == "0", 30, "acknowledged before a lease of the other's would end")
            finally:
                other.terminate()
                other.wait(60)


class Renamed(World):
    """A section that is renamed, or gets another agency or version, while its messages wait (C5, L4, Q7)."""

    queues = (("main", "AAAA00001", "1.2", ("timeout = 2s",)),)
    change = staticmethod(lambda text: text)

    @classmethod
    def options(cls):
        edit = super().options()["edit"]
        return {"edit": lambda text: cls.change(edit(text))}

    def section(self, change):
        type(self).change = staticmethod(change)
        self.instance.write_conf()
        self.instance.process.send_signal(signal.SIGHUP)

    def unserved(self):
        return self.instance.metric("zapisd_smev3_unserved")

    def checked(self):
        return subprocess.run([str(self.instance.binary), "check", "--config", str(self.instance.conf), "--user", pwd.getpwuid(os.geteuid()).pw_name],
                              capture_output=True, text=True).stdout

    def test_what_waits_has_a_section(self):
        plan = self.smev.server.plan
        wait_until(lambda: self.instance.psql("select version from data.inbox_section where source = 'main'").strip() == "1.2", 60, "the sections of the start are told")
        plan.keep("SendResponse", Trouble(http=smev3server.HTML))
        message = self.smev.call("getRefsList", [])
        wait_until(lambda: self.inbox("state", "acked_at is not null") == "answered", 60, "its answer waits")
        kept = self.inbox("answer_id")
        for change, word in ((lambda t: t.replace("[smev3 main]", "[smev3 other]"), "другое имя"), (lambda t: t.replace("agency = AAAA00001\nversion", "agency = BBBB00002\nversion"), "другое ведомство"),
                             (lambda t: t.replace("version = 1.2", "version = 1.3"), "другая версия")):
            with self.subTest(word):
                self.section(change)
                wait_until(lambda: self.unserved() == 1, 30, "told at once")
                wait_until(lambda: self.inbox("state") == "answered", 30, "what the section was at is over")
                plan.keep("SendResponse", None)
                self.assertTrue(any("main (1)" in w for w in self.warnings()), self.warnings())
                self.assertIn("sections=", self.instance.log.read_text())
                self.assertEqual(self.instance.psql("select count(*) from admin.check() where problem ~ 'некому' and what ~ 'inbox_move'").strip(), "1")
                self.assertRegex(self.checked(), "no .smev3 main. of agency AAAA00001 with version 1.2 is there: 1 messages")
                self.assertEqual(self.inbox("state || ' ' || answer_id"), "answered " + kept, "nobody touches it")
                plan.keep("SendResponse", Trouble(http=smev3server.HTML))
                self.section(lambda t: t)
                wait_until(lambda: self.unserved() == 0, 30, "the section is back")
        self.section(lambda t: t.replace("[smev3 main]", "[smev3 other]"))
        wait_until(lambda: self.unserved() == 1 and self.inbox("state") == "answered", 30, "gone for good")
        plan.keep("SendResponse", None)
        self.assertEqual(self.instance.psql("select admin.inbox_move('main', 'other')").strip(), "Передано: 1")
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)
        self.settled()
        self.assertEqual(self.inbox("source || ' ' || answer_id"), "other " + kept)


class PoisonAtHead(World):
    """All kinds of it one behind the other, an honest request behind each. The queue is asked again in ten minutes when it is empty, or
    when it stood still: who waits that long is not answered within a poll (Q4, Q6)."""

    queues = (("main", "AAAA00001", "1.2", ()), ("old", "BBBB00002", "1.1", ()))
    unanswered = []

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.instance.stop_daemon()
        cls.smev.interval = "600s"

    def test_nobody_waits_behind_it(self):
        smev, heard = self.smev, [k for k in smev3portal.POISONS if k not in smev3portal.UNHEARD]
        honest, poisons = [], {}
        for agency in ("AAAA00001", "BBBB00002"):
            for kind in heard:
                poisons[agency, kind] = smev.portal.poison(kind, smev.agency(agency), head=False)
                honest.append(smev.call("getRefsList", [], agency))
        smev.core.cancel(honest[-1])
        honest.append(smev.call("getRefsList", [], "BBBB00002"))
        lost = [m.message_id for (_, kind), m in poisons.items() if kind == "no_reply_to"]
        self.unanswered += lost
        smev.server.plan.keep("GetRequest", Trouble(mime="cxf"))
        self.instance.psql("delete from data.inbox_section")  # of the daemon before, if it came to that
        self.instance.start_daemon()
        wait_until(lambda: self.instance.psql("select count(*) from data.inbox_section").strip() == "2", 60, "which sections there are is told")
        self.instance.psql("update data.inbox_section set until = now() - interval '1 s'; insert into data.inbox_section values ('gone', 'else', 'AAAA00001', '1.2', now(), now() - interval '1 s'),"
                           " ('another', 'else', 'AAAA00001', '1.2', now(), now() + interval '20 min')")
        for message in honest:
            answer = smev.portal.answer(message, 300)  # half of what another poll would take
            self.assertEqual((answer.rejected, answer.error_code), (None, 0))
        wait_until(lambda: self.inbox(where="acked_at is null or ended_at is null and state <> 'parked'") == "0", 120, "all of it at rest")
        for (agency, kind), message in poisons.items():
            with self.subTest(agency=agency, kind=kind):
                state = self.inbox("state", "message_id = '%s' and agency_code = '%s'" % (message.message_id, agency))
                self.assertEqual(state, {"broadcast": "closed", "no_reply_to": "parked", "foreign": "parked"}.get(kind, "sent"))
                if state == "sent":
                    answer = smev.portal.answer(message, 10)
                    self.assertRegex(str(answer.rejected) if answer.rejected else str(answer.values), "[А-Яа-я]{4}", "what a citizen can read")
        told = self.instance.psql("select what from admin.check() where problem ~ 'отложено'")
        self.assertEqual(told.count("ReplyTo"), len(lost), "Q4: who cannot be answered is nobody's broadcast; somebody is told")
        self.assertEqual(told.count("mnemonic раздела"), 2, "C5: a mnemonic that is mistyped refuses nobody")
        for (agency, kind), message in poisons.items():
            if kind == "foreign":
                mine = "message_id = '%s' and agency_code = '%s'" % (message.message_id, agency)
                reason = self.inbox("reason", mine)
                self.assertRegex(reason, r"назван ELSE01, а mnemonic раздела \[smev3 \w+\] — \w+:", "who is named, and who we are")
                self.instance.psql("select admin.inbox_retry(inbox_id) from admin.inbox where %s" % mine)
                wait_until(lambda: self.inbox("state || ' ' || attempts", mine) in ("parked 2", "parked 3"), 60, "nobody has said that another's is ours")
                self.assertEqual(self.inbox("reason", mine), reason)
                self.instance.psql("select admin.inbox_retry(inbox_id, true) from admin.inbox where %s" % mine)
                self.assertEqual(smev.portal.answer(message, 60).error_code, 0, "a person has said that it is ours")
        for inbox_id in self.inbox("string_agg(inbox_id::text, ' ')", "state = 'parked'").split():
            self.instance.psql("select admin.inbox_give_up(%s, 'отвечать некуда')" % inbox_id)
        sections = lambda: self.instance.psql("select string_agg(case when owner in ('gone', 'another') then owner else source end || (until > now()), ' ' order by source, owner) from data.inbox_section").strip()
        wait_until(lambda: sections() == "anothertrue maintrue oldtrue", 60, "Q7: said again while it lives, and nothing of another daemon's but what nobody says any more")

    def test_not_smevs_word(self):
        """What cannot be believed is no message; one poll later comes what is behind it, however many of them there are."""
        smev = self.smev
        self.instance.stop_daemon()
        smev.interval = "1s"
        for _ in range(2):
            for kind in smev3portal.UNHEARD:
                self.unanswered.append(smev.portal.poison(kind, smev.agency(), head=False).message_id)
        honest = smev.call("getRefsList", [])
        self.instance.start_daemon()
        self.assertEqual(smev.portal.answer(honest, 90).error_code, 0, "pauses that double would last for minutes")
        mine = self.unanswered[-2 * len(smev3portal.UNHEARD):]
        self.assertEqual(self.inbox(where="message_id = any('{%s}')" % ",".join(mine)), "0")
        # Each is known by its id, and that whose id is none together with its like (Q4); none is acknowledged but by hand.
        uuids = sorted(i for i in mine if not i.startswith("number"))
        unread = lambda: self.instance.psql("select coalesce(string_agg(message_id, ' ' order by message_id), '') from admin.inbox_unread where message_id <> ''").strip().split()
        wait_until(lambda: unread() == uuids, 60, "each is told by its id")
        self.assertEqual(self.instance.psql("select count(*) from admin.inbox_unread where message_id = '' and times >= 2").strip(), "1")
        wait_until(lambda: self.instance.metric('zapisd_smev3_waiting{source="main",result="unread"}') == len(uuids) + 1, 60, "L4: counted")
        self.assertTrue(any("unverified: " in w for w in self.warnings()))
        waiting = lambda: {e.message.message_id for e in smev.agency().requests.entries()}
        self.assertTrue(set(uuids) <= waiting(), "SMEV has them still")
        for message_id in uuids:
            self.instance.psql("select admin.inbox_unread_give_up('%s', 'оператор СМЭВ согласен')" % message_id)
        wait_until(lambda: not set(uuids) & waiting(), 60, "O3: given up by hand, they come no more")


if __name__ == "__main__":
    e2e.main()
