#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""M8, Q3: the delivery of the outbox killed, cut and failing at every named point of its way, and drained. What the portal's double judges:
each change had its effect once, in the order of its booking, and what was sent again were the same octets; what left was kept before.
Needs a build with -DZAPISD_FAULTS=ON."""
import collections
import hashlib
import signal
import time

import e2e
from e2e import BINARY, E2E, MOSCOW, PATIENT_S, SERVICE, new_id, wait_until

from faults import Board, points_of
from instance import free_ports
from portal_double import OK, Act, PortalDouble

BOOKINGS, MOVES = 3, 2
AGAIN = ("push_taken", "push_write_sent", "push_told")  # killed at their third pass, too: others of the same take are elsewhere then


def is_of_smev2(point):
    """What comes out of a queue of answers: test_push3.py."""
    return point.startswith("push_") and not point.startswith("push_said_")


class PushKills(E2E):
    may_die = True

    @classmethod
    def options(cls):
        cls.port, = free_ports(1)
        return {"edit": lambda text: text.replace("drain_timeout = 10s", "drain_timeout = %ds" % PATIENT_S) + "".join(
            "\n[push %s]\nroad = smev2\nurl = http://127.0.0.1:%d/equeue/portal\nportal = PGU001001\nservice_name = PguEqueue\nexchange_type = 2\n"
            "timeout = 20s\nin_flight = 4\n" % (agency, cls.port) for agency in ("AAAA00001", "BBBB00002"))}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.board = Board(cls.instance.dir / "board", points_of(BINARY))
        cls.double = PortalDouble(cls.instance.pki, script=lambda call: cls.script(call), port=cls.port).start()
        cls.expected = {}

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.double.stop()

    def setUp(self):
        type(self).script = staticmethod(lambda call: OK)
        self.up()
        client = self.portal()
        self.slots = iter([s["slotId"] for s in self.free_slots(client)])
        self.book = lambda: self.booked(client)

    def booked(self, client):
        book_id = new_id()
        reply = client.read(client.post(client.envelope("book", client.book_items(book_id, next(self.slots), MOSCOW, False, services=[SERVICE]))))
        self.assertEqual(reply.status_code, "201")
        return book_id

    def up(self):
        self.board.disarm()
        if self.instance.pid() is not None:
            self.instance.stop_daemon()
        self.instance.start_daemon(env=self.board.env)

    def change(self, book_ids, moves=MOVES):
        """So many changes of each, one after the other; what the portal should hear of them."""
        for _ in range(moves):
            for book_id in book_ids:
                self.sql("select admin.move(%s, %s)", book_id, next(self.slots))
        for book_id in book_ids:
            self.expected[book_id] = [tuple(r) for r in self.sql(
                "select x.payload #>> '{status,statusCode}', x.payload #>> '{timeslot,visitTime}', x.payload #>> '{status,statusMessage}' from data.outbox as x"
                " join data.booking as b using (book_key) where b.book_id = %s order by x.outbox_id", book_id)]

    def open_rows(self):
        return self.one("select count(*) from data.outbox where state not in ('answered', 'dropped')")

    def lapse(self):
        """What a dead daemon had, is anybody's: time goes by."""
        self.sql("update data.outbox set lease_until = clock_timestamp() where state = 'sending'")

    def delivered(self):
        wait_until(lambda: self.open_rows() == 0, PATIENT_S, "the outbox is empty")
        self.assertEqual(self.double.judge(self.expected), [])
        self.assert_kept()

    def assert_kept(self):
        """What came to the portal is what the database has, whatever happened behind it."""
        kept = {r[0] for r in self.sql("select encode(sha256(octets), 'hex') from data.outbox where octets is not null")}
        self.assertEqual([c.case for c in self.double.calls if c.digest not in kept], [])

    def died(self):
        wait_until(lambda: self.instance.pid() is None, PATIENT_S, "it is killed")
        self.assertEqual(self.instance.process.wait(), -signal.SIGKILL)

    # ---- at every point ------------------------------------------------------------------------------------------

    def killed_at(self, point, action, nth):
        book_ids = [self.book() for _ in range(BOOKINGS)]
        self.board.arm(point, action, nth)
        self.change(book_ids)
        self.died()
        self.assert_kept()
        self.lapse()
        self.up()
        self.delivered()

    def test_killed_at_every_point(self):
        points = {p: a for p, a in points_of(BINARY).items() if is_of_smev2(p)}
        self.assertGreaterEqual(len(points), 10)
        for point, actions in points.items():
            for action in set(actions) & {"kill", "half-kill"}:
                for nth in (1, 3) if action == "kill" and point in AGAIN else (1,):
                    with self.subTest(point=point, action=action, nth=nth):
                        self.killed_at(point, action, nth)

    def test_troubled_at_every_point(self):
        """One after the other at each point that knows the trouble: it fails, half of it leaves, it stands still."""
        for action in ("fail", "half", "delay"):
            points = [p for p, actions in points_of(BINARY).items() if is_of_smev2(p) and action in actions]
            before = {p: self.board.taken(p) for p in points}
            for point in points:
                self.board.arm(point, action, 1, 300)
            with self.subTest(action=action):
                self.change([self.book() for _ in range(BOOKINGS)])
                wait_until(lambda: all(self.board.taken(p) > before[p] for p in points), PATIENT_S, "each point is passed")
                self.lapse()  # what was taken, and nobody knows it
                self.delivered()

    # ---- an orderly end ------------------------------------------------------------------------------------------

    def test_drained(self):
        """What has left is waited for and written down; what has not is given back, and nothing new is taken."""
        book_ids = [self.book() for _ in range(10)]
        type(self).script = staticmethod(lambda call: Act(late=1.0))
        self.change(book_ids, 1)
        seen = lambda: sum(self.double.open.values())
        wait_until(lambda: seen() >= 2, PATIENT_S, "some are on their way")
        came = len(self.double.calls)
        self.assertEqual(self.instance.stop_daemon(), 0)
        states = collections.Counter(r[0] for r in self.sql("select state from data.outbox where state not in ('answered', 'dropped')"))
        self.assertEqual(set(states), {"waiting"})
        self.assertLessEqual(len(self.double.calls), came + 4)
        type(self).script = staticmethod(lambda call: OK)
        self.up()
        self.delivered()
        self.assertEqual(max(self.double.deliveries[c.case] for c in self.double.calls if c.book_id in book_ids), 1)

    def test_drain_that_takes_too_long(self):
        """Whoever is not answered in time is left to its lease; the next sends the same octets."""
        book_id = self.book()
        type(self).script = staticmethod(lambda call: Act("lost-after", late=4.0) if call.nth == 1 else OK)
        self.instance.stop_daemon()
        edit, self.instance.edit = self.instance.edit, lambda text: edit(text).replace("drain_timeout = %ds" % PATIENT_S, "drain_timeout = 1s")
        try:
            self.instance.start_daemon(env=self.board.env)
            self.change([book_id], 1)
            wait_until(lambda: self.double.open[book_id] == 1, PATIENT_S, "it is on its way")
            self.assertEqual(self.instance.stop_daemon(), 0)
        finally:
            self.instance.edit = edit
        self.assertEqual(self.one("select x.state from data.outbox as x join data.booking as b using (book_key) where b.book_id = %s", book_id), "sending")
        self.lapse()
        self.up()
        self.delivered()
        digests = {hashlib.sha256(bytes(r[0])).hexdigest() for r in self.sql("select octets from data.outbox where octets is not null")}
        self.assertTrue({c.digest for c in self.double.calls if c.book_id == book_id} <= digests)
        self.assertEqual(len([c for c in self.double.calls if c.book_id == book_id]), 2)


if __name__ == "__main__":
    e2e.main()
