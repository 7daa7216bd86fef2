#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""kill -9 at every named point of a request, at random moments under load, and backends killed while their COMMIT is on its
way (B1, B6, O4; facts F1, F2). The oracle: what was acknowledged exists exactly once, what exists was asked for, the same
bytes sent again get one and the same answer, and the daemon is ready again at once. Needs a build with -DZAPISD_FAULTS=ON."""
import hashlib
import http.client
import os
import random
import signal
import threading
import time

import e2e
from e2e import BINARY, E2E, MOSCOW, PATIENT_S, SERVICE, new_id

from faults import Board, points_of
from smev2client import Fault

GONE = (http.client.HTTPException, ConnectionError, TimeoutError)
# Every write passes these, in this order, when nothing else goes wrong; test_faults.py has all the others.
WRITES = ("request_accepted", "verified", "decoded", "write_queued", "handle_begin", "handle_sent", "handle_done", "effect_read", "reply_written",
          "signed", "commit_begin", "journal_sent", "committed", "answer_queued", "answer_begin", "answer_written")
LEFT = ("answer_queued", "answer_begin", "answer_written")  # what was killed there may have answered
READS_ONLY = ("read_begin", "read_sent", "read_answered", "rows_read", "read_journal_begin", "read_journal_sent", "read_journalled")
READY_CPU_SECONDS = 2.0  # the promise is one second on an idle machine; what others do on this one is not counted


class Kills(E2E):
    may_die = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.board = Board(cls.instance.dir / "board", points_of(BINARY))

    def restart(self):
        self.board.disarm()
        if self.instance.pid() is not None:
            self.instance.stop_daemon()
        self.instance.start_daemon(env=self.board.env)
        self.assertLess(self.instance.metric("process_cpu_seconds_total"), READY_CPU_SECONDS)

    def died(self, seconds=PATIENT_S):
        deadline = time.monotonic() + seconds
        while self.instance.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        self.assertEqual(self.instance.process.wait(), -signal.SIGKILL)
        return True

    def states(self, book_id):
        return [r[0] for r in self.sql("select new_state::text from data.booking_history where book_key = %s order by history_id", book_id)]

    def send_until_answered(self, client, message, seconds=PATIENT_S):
        """The portal's patience: the same bytes until there is an answer that is none of our troubles."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                reply = client.post(message)
                if reply.http_status != 503:
                    return client.read(reply)
            except GONE:
                pass
            if time.monotonic() > deadline:
                raise AssertionError("no answer within %d s" % seconds)
            time.sleep(0.02)

    # ---- every point, every kind of change -----------------------------------------------------------------------

    def test_killed_at_every_point(self):
        self.restart()
        self.offered = {s["slotId"]: s for s in self.free_slots(self.portal())}
        slots = iter(self.offered)
        for point in WRITES:
            for operation, before, after in (("book", [], ["BOOKED"]), ("hold", [], ["HELD"]), ("confirm", ["HELD"], ["HELD", "BOOKED"]),
                                             ("move", ["BOOKED"], ["BOOKED", "BOOKED"]), ("update", ["BOOKED"], ["BOOKED", "BOOKED"]),
                                             ("cancel", ["BOOKED"], ["BOOKED", "CANCELLED_APPLICANT"])):
                with self.subTest(point=point, operation=operation):
                    self.killed_at(point, operation, before, after, next(slots), next(slots))
        self.assert_places_sound()

    def killed_at(self, point, operation, before, after, first, second):
        client, book_id = self.portal(), new_id()
        if self.instance.pid() is None:
            self.restart()
        book = lambda slot, preliminary: client.envelope("book", client.book_items(book_id, slot, MOSCOW, preliminary, services=[SERVICE]))
        if before:
            self.assertEqual(client.read(client.post(book(first, before == ["HELD"]))).status_code, "201")
        self.assertEqual(self.states(book_id), before)
        message = {"book": lambda: book(first, False), "hold": lambda: book(first, True), "confirm": lambda: book(first, False),
                   "move": lambda: book(second, False),
                   "update": lambda: client.envelope("updateBookingDetails", [  # M8: the same way for what the portal says
                       ("bookId", book_id), ("esiaId", "1000000000"), ("timeslot", [(n, self.offered[second][n]) for n in (
                           "slotId", "organizationId", "areaId", "visitTime")]), ("status", [("statusCode", "201")])]),
                   "cancel": lambda: client.envelope("cancelBooking", [("bookId", book_id), ("esiaId", "1000000000")])}[operation]()
        self.board.arm(point, "kill")
        try:
            client.post(message)
            answered = True
        except GONE:
            answered = False
        self.assertTrue(self.died(), "%s was never passed" % point)
        self.assertFalse(answered and point not in LEFT, "an answer left before the point that comes before it")
        self.assertIn(self.states(book_id), (before, after))  # everything or nothing
        self.restart()
        answer = self.send_until_answered(client, message)
        self.assertEqual((answer.status_code, answer.error_code), ({"cancel": "301", "update": None}.get(operation, "201"), 0))
        self.assertEqual(self.states(book_id), after)
        self.assertEqual(client.post(message).body, answer.body)
        self.assertEqual(self.states(book_id), after)
        places = [str(r[0]) for r in self.sql("select slot_id from data.place where book_key = %s", book_id)]
        self.assertEqual(places, {"cancel": [], "move": [second], "update": [second]}.get(operation, [first]))
        # J1: the answer is kept, and once more for each time it left
        self.assertGreaterEqual(self.one("select count(*) from data.journal where direction = 'out' and body = %s", answer.body), 1)

    def assert_answers_are_journalled(self, bodies):
        """J1, J4: what came back is in the journal, byte for byte."""
        bodies = list(bodies)
        rows = self.sql("select sha256(body) from data.journal where direction = 'out' and sha256(body) = any(%s)", [hashlib.sha256(b).digest() for b in bodies])
        kept = {bytes(r[0]) for r in rows}
        self.assertEqual([b for b in bodies if hashlib.sha256(b).digest() not in kept], [])

    def test_reads_killed_at_every_point(self):
        """A read has its answer and the journal its row, or neither of them left."""
        for point in ("request_accepted", "decoded", "reply_written", "signed", *READS_ONLY, *LEFT):
            for nth in (1, 2, 5):
                with self.subTest(point=point, nth=nth):
                    self.restart()
                    self.board.arm(point, "kill", nth)
                    client, answers = self.portal(), []
                    try:
                        for _ in range(nth + 1):
                            answers.append(client.post(client.envelope("getRefsList", [])))
                    except GONE:
                        pass
                    self.assertTrue(self.died(), "%s was never passed" % point)
                    self.assertGreaterEqual(len(answers), nth - 1)
                    self.assertEqual({a.http_status for a in answers} - {200}, set())
                    self.assert_answers_are_journalled(a.body for a in answers)
        self.restart()
        self.assertEqual(self.portal().get_refs_list().error_code, 0)

    # ---- COMMIT with an unknown outcome --------------------------------------------------------------------------

    def test_backend_killed_while_commit_is_on_its_way(self):
        """The loop stands still right after COMMIT left; its backend is killed meanwhile. Whether the COMMIT was in time or
        not, the client gets the one true answer, or is asked to come again and gets it then."""
        slots = iter([s["slotId"] for s in self.free_slots(self.portal())][200:])
        for point in ("handle_sent", "handle_done", "journal_sent", "reply_written", "signed"):
            for when in (0.0, 0.05, 0.15):
                with self.subTest(point=point, when=when):
                    self.restart()
                    self.board.arm(point, "delay", ms=300)
                    client, book_id = self.portal(), new_id()
                    message = client.envelope("book", client.book_items(book_id, next(slots), MOSCOW, False, services=[SERVICE]))
                    killer = threading.Timer(when, lambda: self.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'zapisd_daemon'"))
                    killer.start()
                    answer = self.send_until_answered(client, message)
                    killer.join()
                    self.assertEqual((answer.status_code, answer.error_code), ("201", 0))
                    self.assertEqual(self.states(book_id), ["BOOKED"])
                    self.assertEqual(client.post(message).body, answer.body)
                    self.assertIsNotNone(self.instance.pid())

    # ---- random kills under load -----------------------------------------------------------------------------------

    def test_random_kills_under_load(self):
        seed = int(os.environ.get("ZAPISD_SEED", random.randrange(2 ** 32)))
        rng = random.Random(seed)
        print("ZAPISD_SEED=%d" % seed, flush=True)
        rounds = int(os.environ.get("ZAPISD_KILLS", "25"))
        self.restart()
        slots = [s["slotId"] for s in self.free_slots(self.portal())][300:340]
        stop, lock, history, problems, seen = threading.Event(), threading.Lock(), [], [], []

        def worker(i):
            client, mine = self.instance.client(), random.Random(seed + i)
            while not stop.is_set():
                book_id, slot = new_id(), mine.choice(slots)
                esia = str(7000000000 + mine.randrange(10 ** 9))
                message = client.envelope("book", client.book_items(book_id, slot, MOSCOW, False, services=[SERVICE], esia_id=esia))
                try:
                    answer = self.send_until_answered(client, message, 30)
                    with lock:
                        history.append((book_id, slot, answer.status_code, answer.body, message))
                    if answer.status_code == "201":
                        cancel = client.envelope("cancelBooking", [("bookId", book_id), ("esiaId", esia)])
                        again = self.send_until_answered(client, cancel, 30)
                        if again.status_code != "301":
                            problems.append("cancel of %s: %s %s" % (book_id, again.status_code, again.error_code))
                    elif answer.status_code != "208":
                        problems.append("%s: %s %s" % (book_id, answer.status_code, answer.error_code))
                except (AssertionError, Fault, Exception) as e:
                    problems.append("%s: %r" % (book_id, e))
            client.close()

        def reader(i):
            client = self.instance.client(("smev2", "plain")[i % 2])
            while not stop.is_set():
                for method, items in (("getRefsList", []), ("getBookingStatus", [("bookId", new_id()), ("esiaId", "1000000000")])):
                    try:
                        reply = client.post(client.envelope(method, items), method)
                        if reply.http_status != 503:  # "come again" is no answer
                            with lock:
                                seen.append(reply.body)
                    except GONE:
                        pass
            client.close()

        threads = [threading.Thread(target=worker, args=(i,)) for i in range(8)] + [threading.Thread(target=reader, args=(i,)) for i in range(4)]
        for t in threads:
            t.start()
        is_little = lambda: min(len(seen), [h[2] for h in list(history)].count("201")) <= rounds  # noqa: E731
        n = 0
        try:
            while n < rounds or (is_little() and n < 8 * rounds):  # where all is slow, hardly anything happens in a round
                n += 1
                time.sleep(rng.uniform(0.05, 0.4))
                os.kill(self.instance.pid(), signal.SIGKILL)
                self.assertTrue(self.died())
                self.restart()
        finally:
            stop.set()
            for t in threads:
                t.join()
        self.assertEqual(problems, [])
        self.assertGreater(len(seen), rounds)
        self.assert_answers_are_journalled(seen + [h[3] for h in history])  # none of those who were answered is missing
        acknowledged = {h[0] for h in history if h[2] == "201"}
        self.assertGreater(len(acknowledged), rounds)
        rows = dict(self.sql("select book_key, string_agg(new_state::text, ' ' order by history_id) from data.booking_history group by 1"))
        for book_id in acknowledged:
            self.assertEqual(rows.get(book_id), "BOOKED CANCELLED_APPLICANT")
        asked = {h[0] for h in history}
        strangers = self.sql("select book_key from data.booking where esia_id like '7%%' and not book_key = any(%s)", list(asked))
        self.assertEqual(strangers, [])  # each existing booking was asked for and answered
        client = self.portal()
        for book_id, _, _, body, message in rng.sample(history, min(50, len(history))):
            self.assertEqual(client.post(message).body, body, book_id)
        self.assert_places_sound()


if __name__ == "__main__":
    e2e.main()
