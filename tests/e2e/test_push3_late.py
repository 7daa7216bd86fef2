#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Q3, Q5, L4 (docs/decisions/0347): what SMEV says of an answer of ours after it has taken it, whether or not anything is told to the portal over SMEV 3; and what comes
out of the queue of answers and is another program's. SMEV's 15 minutes are ended by hand; a reload ends the minute between two questions."""
import json
import pathlib
import time

import e2e
from e2e import BUILD, NAME, PATIENT_S, wait_until

import smev3wire as wire
from smev3core import Message
from smev3world import Smev3
from test_push import SECRET
from test_push3 import AGENCY, NODE, Road3

REFUSED, WORDS = "responseIsRejectedBySmev", "Ответ не по схеме: " + SECRET
ENDED = "СМЭВ отвергла ответ, который взяла"


class Words(Road3):
    """What the tests below say and ask; of an agency whose queue has no other reader."""

    def ask_now(self):
        """Whoever is asked now and then is asked now."""
        self.reload(self.instance.conf.read_text())

    def inbox(self, message, columns="state"):
        return self.sql("select %s from admin.inbox where message_id = %%s" % columns, message.message_id)[0]

    def wait_inbox(self, message, state):
        wait_until(lambda: self.inbox(message) == (state,), PATIENT_S, state)

    def answered(self):
        """A request of the portal's, and our answer to it, which SMEV has."""
        message = self.smev.call("getRefsList", [])
        answer = self.smev.portal.answer(message, PATIENT_S).message
        self.wait_inbox(message, "sent")
        return message, answer

    def said_of(self, answer, category=REFUSED):
        note = self.smev.core.refuse_async(answer, category=category, details=WORDS, faulty=category == REFUSED)
        self.ask_now()
        return note

    def left(self, node=""):
        return {e.message.message_id for e in self.smev.agency().responses[node].entries()}

    def calls(self, message):
        return [tuple(r) for r in self.sql("select c.operation, c.outcome from admin.inbox as i, admin.inbox_calls(i.inbox_id) as c where i.message_id = %s", message.message_id)]

    def notes(self, words):
        return [n for n in json.loads(self.instance.admin("/readyz")[1])["warnings"] if words in n]

    def check(self, words):
        return [r[0] for r in self.sql("select t::text from admin.check() as t where t::text like %s", "%" + words + "%")]

    def heard(self, answer_id):
        return [r[0] for r in self.sql("select status from data.journal where method = 'GetResponse' and direction = 'in' and message_id = %s order by journal_id", answer_id)]

    def foreigner(self, node=None):
        """An answer to what another program of the agency has asked."""
        core = self.smev.core
        question = Message("REQUEST", wire.uuid_at(core.peer_clock.now()), self.smev.agency(), self.smev.portal.system, b"", "1.2", node_id=node)
        note = core.refuse_async(question, details="чужое")
        self.foreign.add(note.message_id)
        return note


class ByNode(Words):
    """Where the portal is told over SMEV 3, with a NodeID: SMEV's word about answers has none."""

    def refused(self):
        message, answer = self.answered()
        note = self.said_of(answer)
        self.wait_inbox(message, "parked")
        wait_until(lambda: note.message_id not in self.left(), PATIENT_S, "it is acknowledged")
        return message, answer, note

    def test_it_is_told_and_sent_anew(self):
        message, first, note = self.refused()
        inbox_id, reason = self.inbox(message, "inbox_id, reason")
        self.assertRegex(reason, "^СМЭВ отказала: %s.*%s" % (REFUSED, "Ответ не по схеме"))
        self.assertNotIn(SECRET, self.log())
        wait_until(lambda: self.notes("took and refused later: 1"), PATIENT_S, "/readyz")
        wait_until(lambda: self.instance.metric('zapisd_smev3_waiting{source="main",result="parked"}') == 1, PATIENT_S, "the metric")
        self.assertRegex(self.check(ENDED)[0], "№ %d.*Ответ не по схеме.*admin.inbox_retry.%d" % (inbox_id, inbox_id))
        self.assertIn(("GetResponse", reason), self.calls(message))
        self.assertEqual(self.heard(note.message_id), ["parked"])
        # a lost Ack, and the same once more: no second effect
        self.smev.core.respond(note)
        self.ask_now()
        wait_until(lambda: self.heard(note.message_id) == ["parked", "late"], PATIENT_S, "it is written down")
        self.assertEqual(self.inbox(message, "state, reason"), ("parked", reason))
        self.assertIn("под новым номером", self.one("select admin.inbox_retry(%s)", inbox_id))
        self.wait_inbox(message, "sent")
        wait_until(lambda: len(message.finals) == 2, PATIENT_S, "the portal has it")
        second = message.finals[-1]
        self.assertNotEqual(second.message_id, first.message_id)
        self.assertFalse(self.check(ENDED))
        # the word about the first, later still; an Ack that is on its way is of both copies of it
        wait_until(lambda: note.message_id not in self.left() or self.again(), PATIENT_S, "it is acknowledged")
        before = self.heard(note.message_id)
        self.smev.core.respond(note)
        self.ask_now()
        wait_until(lambda: len(self.heard(note.message_id)) > len(before), PATIENT_S, "it is known")
        self.assertEqual(set(self.heard(note.message_id)[1:]), {"late"})
        self.assertEqual(self.inbox(message), ("sent",))
        # and about the second: signed anew, and again another id
        self.said_of(second)
        self.wait_inbox(message, "parked")
        self.assertIn("номер новый", self.one("select admin.inbox_resign(%s)", inbox_id))
        self.wait_inbox(message, "sent")
        wait_until(lambda: len(message.finals) == 3, PATIENT_S, "the portal has it")
        self.assertEqual(len({a.message_id for a in message.finals}), 3)

    def test_what_is_another_programs_in_the_queue_of_the_node(self):
        note = self.foreigner(NODE)
        wait_until(lambda: note.message_id in [r[0] for r in self.sql("select message_id from admin.inbox_unread")], PATIENT_S, "it is seen")
        book_id = self.told("первое", "второе")
        self.settle([book_id])
        self.assertIn(note.message_id, self.left(NODE))
        self.smev.agency().responses[NODE].ack(note.message_id)  # by whose it is

    def test_an_answer_to_a_former_message_is_ours(self):
        """What was sent anew by hand is no other program's, though its id is another now."""
        book_id = self.bookings(1)[0]
        self.said[book_id] = [lambda push: None]
        self.told("первое", book_id=book_id)
        self.wait_state(book_id, "sent")
        self.sql("update data.outbox set deadline = now() where book_key = %s", book_id)
        self.sql("select data.keep_outbox()")
        self.renewed.add(self.came(book_id)[0].message_id)
        self.sql("select admin.outbox_requeue(%s)", book_id)
        self.settle([book_id])
        self.smev.portal._answer_push(self.came(book_id)[0])
        wait_until(lambda: not self.left(NODE), PATIENT_S, "it is acknowledged")
        self.assertEqual(self.events(book_id).count("answered"), 1)


class Alone(Words):
    """Nothing is told to the portal by anybody."""

    agencies = ()

    @classmethod
    def options(cls):
        cls.smev = Smev3((("main", AGENCY, "1.2", ("timeout = 2s",)),), directory=pathlib.Path(BUILD / "e2e" / (NAME + "-" + cls.__name__.lower())))
        return {"edit": cls.smev.edit}

    def test_other_words_are_written_down_alone(self):
        message, answer = self.answered()
        for category in ("responseIsAcceptedBySmev", "responseIsQueued"):
            note = self.said_of(answer, category)
            wait_until(lambda: note.message_id not in self.left(), PATIENT_S, "it is acknowledged")
            self.assertEqual((self.heard(note.message_id), self.inbox(message)), (["noted"], ("sent",)))
        self.assertEqual([o for o, _ in self.calls(message)].count("GetResponse"), 2)

    def test_what_is_another_programs_is_left_to_it(self):
        self.sql("delete from data.inbox_unread")
        note = self.foreigner()
        self.ask_now()
        wait_until(lambda: self.notes("answers to messages of another program"), PATIENT_S, "/readyz")
        self.assertIn(note.message_id, self.left(), "SMEV has it still")
        rows = "select error, operation, times from admin.inbox_unread where message_id = %s"
        self.assertEqual(self.sql(rows, note.message_id), [("FOREIGN", "GetResponse", 1)])
        self.assertRegex(self.check("выходит не наше")[0], "NodeID.*admin.inbox_unread_give_up.*" + note.message_id)
        message, answer = self.answered()
        for times in (2, 3):  # it comes again, and what is behind it comes, too
            self.redeliver()
            said = self.said_of(answer, "responseIsQueued")
            wait_until(lambda: said.message_id not in self.left(), PATIENT_S, "nobody waits behind it")
            wait_until(lambda: self.sql(rows, note.message_id)[0][2] >= times, PATIENT_S, "it is counted")
        self.assertEqual(self.heard(note.message_id), ["unknown"], "whole once")
        self.assertEqual(self.notes("is there a cache"), [])
        # a person ends it
        self.sql("select admin.inbox_unread_give_up(%s, 'такой программы больше нет')", note.message_id)
        self.redeliver()
        self.ask_now()
        wait_until(lambda: note.message_id not in self.left() and not self.notes("another program"), PATIENT_S, "it is over")
        self.assertEqual(self.check("выходит не наше"), [])

    def polls(self, source):
        return sum(self.instance.metric('zapisd_push_polls_total{source="%s",result="%s"}' % (source, r)) or 0 for r in ("message", "empty"))

    def held(self):
        return self.instance.metric('zapisd_outbox_rows{agency="AAAA00001",state="held"}')

    def asked_so_often(self, seconds):
        counters = self.smev.core.counters
        before = counters[("GetResponse", "empty")]
        time.sleep(seconds)
        return counters[("GetResponse", "empty")] - before

    def test_who_is_asked(self):
        """A row that never left over SMEV 3 asks nobody; one that did asks each queue once; a section with roots is asked for nothing else."""
        book_id = self.bookings(1)[0]
        self.change(book_id, "первое")
        self.sql("select admin.outbox_hold(%s, 'уточняем адрес')", book_id)
        wait_until(lambda: self.held() == 1, PATIENT_S, "it is known to be held")
        self.assertLessEqual(self.asked_so_often(1), 1, "once a minute")
        was = self.instance.conf.read_text()
        self.addCleanup(self.reload, was)
        begin = was.index("[smev3 main]")
        section = was[begin:].split("\n[", 1)[0]
        more = "\n".join(["", section.replace("[smev3 main]", "[smev3 two]"), section.replace("[smev3 main]", "[smev3 three]") + "namespace = http://epgu.rtlabs.ru/equeue/ws/\nroots = bookRequest", ""])
        self.reload(was + more)
        wait_until(lambda: self.polls("main") > 0, PATIENT_S, "it is asked now and then")
        self.assertEqual((self.polls("two"), self.polls("three")), (0, 0), "the same queue; with roots")
        self.sql("update data.outbox set road = 'smev3', message_id = 'x', octets = 'x' where book_key = %s", book_id)
        before = self.polls("main")
        wait_until(lambda: (self.held(), self.polls("main") > before + 10)[1], PATIENT_S, "it may be answered")
        self.assertEqual((self.polls("two"), self.polls("three")), (0, 0), "asked by two, SMEV would be asked twice as often")
        # nor now and then beside that, which a reload would do at once, as it asks for errors of notifications
        self.reload((was + more).replace("poll_interval = 50ms", "poll_interval = 10m"))
        given = lambda operation: self.smev.core.counters[(operation, "empty")]
        for _ in range(2):
            asked = given("GetStatus")
            self.ask_now()
            wait_until(lambda: given("GetStatus") > asked, PATIENT_S, "what a reload asks at once is asked")
        before = given("GetResponse")
        for _ in range(2):
            asked = given("GetStatus")
            self.ask_now()
            wait_until(lambda: given("GetStatus") > asked, PATIENT_S, "what a reload asks at once is asked")
        self.assertEqual(given("GetResponse"), before, "it is asked in the ordinary way")
        self.sql("select admin.outbox_drop(%s, 'проверка')", book_id)


if __name__ == "__main__":
    e2e.main()
