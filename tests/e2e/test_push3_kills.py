#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Q5, M8: the delivery over SMEV 3 killed at each edge: a row taken, kept, sent, heard; an answer given, written down, acknowledged. Each
change has its effect once, in order, and each answer is acknowledged. Needs a build with -DZAPISD_FAULTS=ON."""
import signal

import e2e
from e2e import BINARY, PATIENT_S, wait_until
from test_push3 import Road3

from faults import Board, points_of


class Kills(Road3):
    may_die = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.board = Board(cls.instance.dir / "board", points_of(BINARY))
        cls.instance.stop_daemon()
        cls.instance.start_daemon(env=cls.board.env)

    def test_killed_at_each_edge(self):
        points = [p for p in points_of(BINARY) if p.startswith("push_")]
        self.assertGreaterEqual(len(points), 15)
        for point in points:
            with self.subTest(point):
                ids = self.bookings(3)
                self.board.arm(point, "kill")
                for text in ("первое", "второе"):
                    for book_id in ids:
                        self.change(book_id, text)
                wait_until(lambda: self.instance.pid() is None, PATIENT_S, "killed at " + point)
                self.assertEqual(self.instance.process.wait(), -signal.SIGKILL)
                self.board.disarm()
                self.redeliver()
                self.instance.start_daemon(env=self.board.env)
                self.settle(ids)
                for book_id in ids:
                    self.assertEqual(self.comments(book_id), ["первое", "второе"])
                    self.assertEqual(self.events(book_id).count("answered"), 2)


if __name__ == "__main__":
    e2e.main()
