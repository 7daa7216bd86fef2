#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A day of trouble at a queue (Q1, Q3, Q7, L1, O5): two daemons on one database, both asking; calls and answers are lost, cut, late, refused, or
are not SMEV's; messages come twice; daemons are killed and stopped, the database is started anew and crashes, leases end too early,
SMEV's clock differs from ours. In the end each request is answered once in effect, equally however often, and none was refused for a failure
of ours. ZAPISD_SEED=N plays a day again, ZAPISD_REQUESTS=N makes it longer."""
import os
import pathlib
import random
import re
import signal
import subprocess

import e2e
from e2e import BINARY, E2E, MOSCOW, ROOM, SERVICE, new_id, wait_until

from instance import free_ports
from smev3server import SeededPolicy
from smev3world import QueueClient, Smev3

SEED = int(os.environ.get("ZAPISD_SEED") or random.randrange(1 << 32))
REQUESTS = int(os.environ.get("ZAPISD_REQUESTS") or 120)
ODDS = {"lost_request": 0.02, "cut_request": 0.02, "lost_answer": 0.03, "cut_answer": 0.02, "failure": 0.04, "html": 0.02, "spoiled": 0.02,
        "late_ack": 0.03, "other": 0.02, "slow": 0.05, "mime": 0.2, "dressed": 0.2}


class Day(E2E):
    may_die = True

    @classmethod
    def options(cls):
        lines = ("timeout = 2s", "switch_after = 1s", "in_flight = 8")
        cls.smev = Smev3((("main", "AAAA00001", "1.2", lines), ("old", "AAAA00001", "1.1", lines), ("far", "BBBB00002", "1.3", lines)),
                         directory=pathlib.Path(e2e.BUILD / "e2e" / (e2e.NAME + "-" + cls.__name__.lower())))
        return {"edit": cls.smev.edit}

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.smev.close()
        judge = cls.smev.judge()
        assert not judge.problems, "seed %d\n%s" % (SEED, "\n".join(judge.problems[:40]))

    # ---- the other daemon ------------------------------------------------------------------------------------------------------

    def other_start(self):
        text = self.instance.conf.read_text()
        for port, free in zip((self.instance.plain_port, self.instance.smev2_port, self.instance.admin_port), free_ports(3)):
            text = text.replace("127.0.0.1:%d" % port, "127.0.0.1:%d" % free)
        conf = self.instance.dir / "other.conf"
        conf.write_text(text)
        with open(self.instance.dir / "other.log", "ab") as log:
            self.other = subprocess.Popen([str(BINARY), "run", "--config", str(conf)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")

    def other_end(self, how):
        self.other.send_signal(how)
        self.other.wait(60)

    # ---- the day -----------------------------------------------------------------------------------------------------------------

    def trouble(self, rng):
        what = rng.choice(("kill one", "kill other", "stop other", "leases", "redelivery", "database", "crash", "clock", "duplicate"))
        if what == "kill one":
            self.instance.stop_daemon(signal.SIGKILL)
            self.instance.start_daemon()
        elif what in ("kill other", "stop other"):
            self.other_end(signal.SIGKILL if what == "kill other" else signal.SIGTERM)
            self.other_start()
        elif what == "redelivery":
            self.smev.core.clock.advance(16 * 60)
        elif what == "database":
            self.instance.psql("select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'zapisd_daemon'")
        elif what == "crash":
            self.instance._pg_script('pg_private_run "$(pg_private_bin)/pg_ctl" -D "$PG_PRIVATE_DATA" -m immediate -w stop >/dev/null')
            self.instance.start_database()
        elif what == "clock":  # SMEV's against ours: what it judges by is some minutes off, this way and that
            self.smev.core.peer_clock.offset = rng.uniform(-200, 200)
        elif what == "duplicate" and self.messages:
            self.smev.core.duplicate(rng.choice(self.messages), head=True)
        if what in ("leases", "kill one", "kill other"):
            self.hasten()

    def is_over(self):
        """SMEV delivers again, leases end; whether anything is still to come."""
        self.smev.core.clock.advance(16 * 60)
        self.hasten()
        left = self.instance.psql("select count(*) from data.inbox where ended_at is null or acked_at is null").strip()
        return left == "0" and all(self.smev.portal.answers[m.message_id] for m in self.messages)

    def come(self, left):
        """Until fewer are unanswered."""
        again = self.smev.core.clock.patience()
        wait_until(lambda: sum(not self.smev.portal.answers[m.message_id] for m in self.messages) < left or again(), 120, "some are answered")

    def hasten(self):
        """Pauses and leases end; not those of rows that somebody writes to at this moment."""
        self.instance.psql("update data.inbox set due_at = least(due_at, now()), ack_at = least(ack_at, now()) where inbox_id in (select inbox_id from data.inbox"
                           " where ended_at is null or acked_at is null order by inbox_id for no key update skip locked)")

    def test_day(self):
        rng = random.Random(SEED)
        client = QueueClient(self.smev)
        slots = [s["slotId"] for s in sorted(client.get_slots([MOSCOW], services=[SERVICE]).slots, key=lambda s: s["visitTime"]) if s["areaId"] == ROOM[MOSCOW]]
        self.messages, booked = [], {}
        policy = self.smev.server.plan.policy = SeededPolicy(rng.random(), ODDS)
        self.other_start()
        for n in range(REQUESTS):
            if rng.random() < 0.5:
                message = self.smev.call("getRefsList", [], rng.choice(("AAAA00001", "BBBB00002")), version=rng.choice(("1.1", "1.2", "1.3")))
            else:
                book_id = new_id()
                message = self.smev.call("book", client.book_items(book_id, slots[n % len(slots)], MOSCOW, False, services=[SERVICE]))
                booked[book_id] = message
            self.messages.append(message)
            if rng.random() < 0.06:
                self.trouble(rng)
            if n % 8 == 0:  # they come as the day goes by
                self.come(30 + rng.randrange(60))
        policy.quiet = True
        wait_until(self.is_over, 120, "all are answered, and SMEV knows; seed %d" % SEED)
        self.other_end(signal.SIGTERM)
        twice = self.instance.psql("select book_key, count(*) from data.booking_history where new_state = 'BOOKED' group by 1 having count(*) > 1").strip()
        self.assertEqual(twice, "", "seed %d: B6: an effect twice" % SEED)
        for book_id, message in booked.items():
            told = self.smev.portal.answer(message, 1).status_code
            stands = self.instance.psql("select left(status_code, 3) from data.booking where book_key = '%s'" % book_id).strip()
            self.assertIn((told, stands), (("201", "201"), ("208", ""), ("208", "208")), "seed %d: what was told is what stands" % SEED)
        log = (self.instance.dir / "other.log").read_text() + self.instance.log.read_text()
        self.assertIsNone(re.search(r"AddressSanitizer|runtime error:", log), "seed %d" % SEED)
        print("seed %d: %d requests, trouble: %s" % (SEED, REQUESTS, dict(policy.thrown)), flush=True)


if __name__ == "__main__":
    e2e.main()
