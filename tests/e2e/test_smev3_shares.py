#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L1, L4: whatever operation SMEV leaves without an answer, all others go on as if nothing were the matter, and it is told. A call that hangs
does so for as long as the test lasts (ten minutes), and the section may have one of each kind at once: whoever shared a count with it would
never have a turn. More is done beside it than all the calls to one host."""
import os
import pathlib
import signal

import e2e
from e2e import BUILD, NAME, PATIENT_S, wait_until

from smev3server import Trouble
from smev3world import Smev3
from test_push3 import AGENCY, NODE, WAY, Road3

MANY = 40  # more than 16, which is what one kind has
LINES = ("timeout = 10m", "in_flight = 1", "node_id = " + NODE)


class Shares(Road3):
    @classmethod
    def options(cls):
        cls.smev = Smev3((("main", AGENCY, "1.2", LINES),), more=WAY.replace("timeout = 2s", "timeout = 10m") % cls.port,
                         directory=pathlib.Path(BUILD / "e2e" / (NAME + "-" + cls.__name__.lower())))
        return {"edit": cls.smev.edit}

    def setUp(self):
        super().setUp()
        self.server = self.smev.server
        self.addCleanup(self.over)

    def over(self):
        """Nothing hangs any more, and all is done."""
        def look():
            self.nudge()
            self.due_now()
            rows = self.sql("select count(*) from data.inbox where ended_at is null or acked_at is null")[0][0]
            return rows == 0 and not self.smev.agency().responses[NODE].entries()
        self.plan.always.clear()
        self.server.let_go()
        wait_until(look, PATIENT_S, "all of it is answered and acknowledged")

    def due_now(self):
        self.sql("update data.inbox set ack_at = clock_timestamp() where acked_at is null and ack_at > clock_timestamp()")

    # ---- what goes on ------------------------------------------------------------------------------------------------------

    def asked(self, n=MANY):
        """GetRequest, SendResponse."""
        messages = [self.smev.call("getRefsList", []) for _ in range(n)]
        wait_until(lambda: all(m.finals for m in messages), PATIENT_S, "requests are answered")
        return messages

    def acked(self):
        """GetRequest, Ack."""
        messages = [self.smev.call("getRefsList", []) for _ in range(MANY)]
        wait_until(lambda: all(getattr(m, "acked", None) for m in messages), PATIENT_S, "requests are acknowledged")

    def told_all(self, n=6, then="answered"):
        """SendRequest, GetResponse."""
        book_ids = self.bookings(n)
        for book_id in book_ids:
            self.change(book_id, "слово")
        wait_until(lambda: (self.nudge(), all(self.states(b) == [then] for b in book_ids))[1], PATIENT_S, "changes are " + then)

    def heard(self):
        """SendRequest, GetResponse, Ack of an answer."""
        self.told_all()
        wait_until(lambda: not self.smev.agency().responses[NODE].entries(), PATIENT_S, "answers are acknowledged")

    # ---- what hangs --------------------------------------------------------------------------------------------------------

    def hang(self, operation, n, make):
        self.plan.keep(operation, Trouble(silent=True))
        make()
        wait_until(lambda: self.server.silenced[operation] >= n, PATIENT_S, "%d of %s hang" % (n, operation))

    def notes(self, words):
        return [w for w in self.warnings() if words in w]

    def is_told(self, operation, metric, note=None, line=None):
        """As soon as they come to nothing; and that it is over."""
        told = '%s{source="main",agency="%s",operation="%s"}' % (metric, AGENCY, operation)
        unanswered = told.replace("_silent", "_unanswered_total")
        before = self.instance.metric(unanswered)
        self.assertEqual(self.instance.metric(told), 0)
        self.server.let_go()
        wait_until(lambda: self.instance.metric(told) == 1 and self.instance.metric(unanswered) > before, PATIENT_S, "the metrics tell it")
        if note is not None:
            self.assertTrue(self.notes(note), self.warnings())
        if line is not None:
            self.assertIn(line, self.log())
        self.over()
        return told

    def test_acks(self):
        """Of requests: all sixteen calls of their kind, and more that wait."""
        self.hang("Ack", 16, self.asked)
        self.asked()
        self.told_all(30)
        self.asked()
        told = self.is_told("Ack", "zapisd_smev3_silent", "SMEV leaves without an answer what it is told: Ack (UNREACHABLE", "smev3-silent source=main operation=Ack fault=UNREACHABLE")
        wait_until(lambda: self.instance.metric(told) == 0 and not self.notes("without an answer"), PATIENT_S, "it is over")
        self.assertIn("smev3-silent source=main operation=Ack fault=no", self.log())

    def test_acks_of_answers(self):
        self.hang("Ack", 16, lambda: self.told_all(30))
        self.told_all(30)
        self.asked()
        self.is_told("Ack", "zapisd_push_silent", "[smev3 main]: SMEV leaves without an answer what it is told: Ack")

    def test_answers(self):
        self.hang("SendResponse", 1, lambda: [self.smev.call("getRefsList", []) for _ in range(MANY)])
        self.acked()
        self.heard()
        self.is_told("SendResponse", "zapisd_smev3_silent", "what it is told: SendResponse", "queue-unsent source=main error=UNREACHABLE")

    def test_questions_for_requests(self):
        self.plan.keep("SendResponse", Trouble(fault=("SMEVFailure", None, "full")))
        messages = [self.smev.call("getRefsList", []) for _ in range(MANY)]
        wait_until(lambda: self.sql("select count(*) from data.inbox where state = 'answered'")[0][0] == MANY, PATIENT_S, "answers wait")
        self.hang("GetRequest", 1, lambda: None)
        self.plan.keep("SendResponse", None)
        self.sql("update data.inbox set due_at = clock_timestamp() where state = 'answered'")
        wait_until(lambda: all(m.finals for m in messages), PATIENT_S, "answers leave")
        self.heard()
        self.is_told("GetRequest", "zapisd_smev3_silent", "the queue is not asked as it should: UNREACHABLE", "queue source=main fault=UNREACHABLE")

    def test_request_status(self):
        """Its calls hang; answers do not."""
        was = self.instance.conf.read_text()
        self.reload(was.replace("in_flight = 1\n", "in_flight = 1\nstatus_after = 1s\n", 1))
        self.addCleanup(self.reload, was)
        console = self.instance.connect()
        console.autocommit = False
        console.cursor().execute("lock table data.message_seen in access exclusive mode")
        self.hang("SendResponse", 8, lambda: [self.smev.call("getRefsList", []) for _ in range(12)])
        self.plan.keep("SendResponse", None)
        console.close()
        self.asked()
        self.acked()
        self.heard()
        self.assertGreaterEqual(self.server.silenced["SendResponse"], 8, "they hang still")
        self.is_told("RequestStatus", "zapisd_smev3_silent", "what it is told: RequestStatus", "queue-status source=main error=UNREACHABLE")

    def test_questions_for_answers(self):
        self.hang("GetResponse", 1, lambda: None)
        self.told_all(30, "sent")
        self.asked()
        self.acked()
        self.is_told("GetResponse", "zapisd_push_silent", "the portal's answers have not come out of [smev3 main]", "push-answers source=main fault=UNREACHABLE")

    def test_questions_for_errors(self):
        self.hang("GetStatus", 1, lambda: self.reload(self.instance.conf.read_text()))
        self.heard()
        self.asked()
        self.acked()
        self.is_told("GetStatus", "zapisd_push_silent", "what it is told: GetStatus", "smev3-silent source=main operation=GetStatus fault=UNREACHABLE")

    def test_changes(self):
        self.hang("SendRequest", 8, lambda: [self.change(b, "слово") for b in self.bookings(20)])
        self.asked()
        self.acked()
        self.is_told("SendRequest", "zapisd_push_silent")

    def test_z_a_stop_waits_for_no_ack(self):
        """L5: they are said again by whoever is next; ten minutes, and 30 s of drain_timeout, are not waited for."""
        self.hang("Ack", 16, self.asked)
        self.hang("Ack", 17, lambda: self.told_all(2))
        begun = len(self.log())
        os.kill(self.instance.pid(), signal.SIGTERM)
        wait_until(lambda: self.instance.pid() is None, PATIENT_S, "it ends")
        self.assertIn("stopped", self.log()[begun:])
        self.assertNotIn("the drain timeout has passed", self.log()[begun:])
        self.plan.always.clear()
        self.instance.start_daemon()


if __name__ == "__main__":
    e2e.main()
