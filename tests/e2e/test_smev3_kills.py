#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""kill -9 at each edge of a queue's message, and at those of its effect (Q1, Q3, Q7, B1, B6): polled, stored, acked, taken, answered, sent.
Each request is answered once in effect, whatever was known to whom; then two daemons at one queue, one of them killed again and again.
Needs a build with -DZAPISD_FAULTS=ON."""
import hashlib
import pathlib
import signal

import e2e
from e2e import BINARY, E2E, MOSCOW, PATIENT_S, ROOM, SERVICE, new_id, wait_until

from faults import Board, points_of
from smev3world import QueueClient, Smev3

EDGES = ("queue_polled", "queue_stored", "queue_acked", "queue_taken", "queue_answered", "queue_sent")
WITHIN = ("handle_begin", "handle_done", "commit_begin", "journal_sent", "queue_kept", "committed")  # of the effect's transaction
FILES = ("queue_file_come", "queue_file_sync", "queue_file_named", "queue_file_kept")  # before it is stored
KEPT = ("queue_keep_begin", "queue_keep_sent", "queue_kept")  # of a read's


class Kills(E2E):
    may_die = True

    @classmethod
    def options(cls):
        cls.smev = Smev3((("main", "AAAA00001", "1.2", ("timeout = 2s",)),), fetch=True, directory=pathlib.Path(e2e.BUILD / "e2e" / (e2e.NAME + "-" + cls.__name__.lower())))
        return {"edit": cls.smev.edit}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.board = Board(cls.instance.dir / "board", points_of(BINARY))
        cls.instance.stop_daemon()
        cls.instance.start_daemon(env=cls.board.env)

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.smev.close()
        judge = cls.smev.judge()
        assert not judge.problems, "\n".join(judge.problems)

    def count(self, where):
        return int(self.instance.psql("select count(*) from data.inbox where " + where))

    def let_time_go_by(self):
        """Leases end, SMEV delivers again; nobody waits for it."""
        self.smev.core.clock.advance(16 * 60)
        self.instance.psql("update data.inbox set due_at = least(due_at, now()), ack_at = least(ack_at, now()) where ended_at is null or acked_at is null")

    def test_killed_at_each_edge(self):
        client = QueueClient(self.smev)
        slots = iter(sorted((s for s in client.get_slots([MOSCOW], services=[SERVICE]).slots if s["areaId"] == ROOM[MOSCOW]), key=lambda s: s["visitTime"]))
        for point in EDGES + WITHIN:
            with self.subTest(point=point):
                book_id = new_id()
                items = client.book_items(book_id, next(slots)["slotId"], MOSCOW, False, services=[SERVICE])
                self.board.arm(point, "kill")
                message = self.smev.call("book", items)
                wait_until(lambda: self.instance.pid() is None, PATIENT_S, "killed at " + point)
                self.assertEqual(self.instance.process.wait(), -signal.SIGKILL)
                self.board.disarm()
                self.let_time_go_by()
                self.instance.start_daemon(env=self.board.env)
                self.assertEqual(self.smev.portal.answer(message, 60).status_code, "201")
                wait_until(lambda: self.count("ended_at is null or acked_at is null") == 0, 60, "all of it said")
                self.assertEqual(len(self.smev.portal.answers[message.message_id]), 1)
                states = self.instance.psql("select string_agg(new_state::text, ' ') from data.booking_history where book_key = '%s'" % book_id.lower())
                self.assertEqual(states.strip(), "BOOKED", "B6: one effect")

    def test_killed_at_each_edge_of_a_file(self):
        """Q6: neither half a file under a name, nor a message that is acked without its file."""
        for n, point in enumerate(FILES):
            with self.subTest(point=point):
                octets = b"%d" % n * 100000
                self.board.arm(point, "kill")
                message = self.smev.call("getRefsList", [], files=[("killed.zip", octets)])
                wait_until(lambda: self.instance.pid() is None, PATIENT_S, "killed at " + point)
                self.assertEqual(self.instance.process.wait(), -signal.SIGKILL)
                self.board.disarm()
                self.assertIsNone(getattr(message, "acked", None))
                self.assertEqual(self.count("message_id = '%s'" % message.message_id), 0)
                kept = self.smev.kept / hashlib.sha256(octets).hexdigest()
                if kept.exists():
                    self.assertEqual(kept.read_bytes(), octets)
                self.let_time_go_by()
                self.instance.start_daemon(env=self.board.env)
                self.assertFalse(self.smev.portal.answer(message, 60).rejected)
                self.assertEqual(kept.read_bytes(), octets)
                wait_until(lambda: self.count("ended_at is null or acked_at is null") == 0, 60, "all of it said")
        self.board.arm("queue_file_sync", "fail")  # the disk takes it not: once
        message = self.smev.call("getRefsList", [], files=[("failed.zip", b"failed")])
        wait_until(lambda: self.instance.metric('zapisd_smev3_files_total{source="main",result="own"}') == 1, 60, "told")
        self.assertEqual([p.name for p in self.smev.kept.iterdir() if p.read_bytes() == b"failed"], [])
        self.board.disarm()
        self.let_time_go_by()
        self.assertFalse(self.smev.portal.answer(message, 60).rejected)

    def test_killed_at_each_edge_of_a_read(self):
        """A read is remembered like a write: there is one answer, and one exchange in the journal."""
        for point in KEPT:
            with self.subTest(point=point):
                self.board.arm(point, "kill")
                message = self.smev.call("getRefsList", [])
                wait_until(lambda: self.instance.pid() is None, PATIENT_S, "killed at " + point)
                self.assertEqual(self.instance.process.wait(), -signal.SIGKILL)
                self.board.disarm()
                self.let_time_go_by()
                self.instance.start_daemon(env=self.board.env)
                self.assertFalse(self.smev.portal.answer(message, 60).rejected)
                wait_until(lambda: self.count("ended_at is null or acked_at is null") == 0, 60, "all of it said")
                self.assertEqual(len(self.smev.portal.answers[message.message_id]), 1)
                seen = self.instance.psql("select count(*) from data.message_seen where message_id = '%s'" % message.message_id)
                self.assertEqual(seen.strip(), "1", "B6: remembered")


if __name__ == "__main__":
    e2e.main()
