#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The clock of the whole machine, the daemon's and PostgreSQL's, is a day ahead for a while, and is put right (Q3, M8, L1, L4): no id stays in the future, and nothing
that was put off meanwhile waits for the day to come."""
import glob
import json
import os
import pathlib
import sys
import time
import uuid

import e2e
from e2e import E2E, MOSCOW, SERVICE, new_id, wait_until

from smev3server import Trouble
from smev3world import Smev3

PATIENT_S = 180
AHEAD_S = 86400
PUSH = "\n[push AAAA00001]\nroad = smev3\nqueue = main\ntimeout = 10s\n"
FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)


def made(ident):
    """When an id of version 1 was made, in seconds since 1970."""
    return (uuid.UUID(ident).time - 0x01B21DD213814000) / 1e7


class Clocks(E2E):
    @classmethod
    def options(cls):
        directory = e2e.BUILD / "e2e" / (e2e.NAME + "-" + cls.__name__.lower())
        cls.smev = Smev3(directory=directory, more=PUSH, recorded=False)
        return {"edit": cls.smev.edit}

    @classmethod
    def setUpClass(cls):
        cls.offset = pathlib.Path(e2e.BUILD).resolve() / "e2e" / (e2e.NAME + ".offset")
        cls.offset.parent.mkdir(parents=True, exist_ok=True)
        cls.ahead(0)
        faked = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(cls.offset), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        os.environ["PG_PRIVATE_ENV"] = " ".join("%s=%s" % x for x in faked.items())
        cls.preloaded = faked
        try:
            super().setUpClass()
            cls.instance.stop_daemon()
            cls.instance.start_daemon(env=faked)
        finally:
            del os.environ["PG_PRIVATE_ENV"]

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.smev.close()

    @classmethod
    def ahead(cls, seconds):
        new = cls.offset.with_suffix(".new")
        new.write_text("+%d\n" % seconds)
        new.chmod(0o644)
        new.rename(cls.offset)

    def items(self):
        return [("organizationId", MOSCOW), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000"), ("serviceId", SERVICE), ("areaId", "hall-1")]

    def book(self, slot):
        book_id = new_id()
        return book_id, self.smev.call("book", self.smev.portal.bare.book_items(book_id, slot, MOSCOW, False, services=[SERVICE]))

    def cancel(self, book_id):
        self.assertEqual(self.sql("select * from admin.cancel(%s, 'авария', '')", book_id)[0][0], "сделано")

    def told_portal(self, book_id):
        with self.smev.portal.lock:
            return [p for p in self.smev.portal.pushes if p.book_id == book_id]

    def test_a_day_ahead_for_a_moment(self):
        plan, again = self.smev.server.plan, self.smev.core.clock.patience()
        slots = iter([s["slotId"] for s in self.smev.ask("getSlots", self.items()).slots])
        booked = [self.book(next(slots)) for _ in range(3)]
        wait_until(lambda: again() or all(m.finals for _, m in booked), PATIENT_S, "bookings before")
        for operation in ("SendResponse", "SendRequest"):  # what is ready waits for its next try, over the moment
            plan.keep(operation, Trouble(fault=("SMEVFailure", None, "full")))
        waits = [self.book(next(slots))]
        self.cancel(booked[0][0])
        wait_until(lambda: self.sql("select count(*) from data.inbox where state = 'answered' and last_error is not null") == [(1,)]
                   and self.sql("select count(*) from data.outbox where state = 'waiting' and last_error is not null") == [(1,)], PATIENT_S, "both are put off")

        self.ahead(AHEAD_S)
        self.cancel(booked[1][0])
        far = time.time() + AHEAD_S / 2
        wait_until(lambda: self.sql("select (select count(*) from data.inbox where state = 'answered' and due_at > to_timestamp(%s)), (select count(*) from data.outbox "
                                    "where state = 'waiting' and next_attempt_at > to_timestamp(%s))", far, far) == [(1, 2)], PATIENT_S, "all are put off, a day ahead")
        future = self.sql("select message_id from data.outbox where message_id is not null")
        self.assertTrue(any(made(i) > far for i, in future), "Q3: an id of the future")
        self.ahead(0)
        for operation in ("SendResponse", "SendRequest"):
            plan.keep(operation, None)

        self.cancel(booked[2][0])
        waits.append(self.book(next(slots)))
        wait_until(lambda: again() or all(m.finals for _, m in waits), PATIENT_S, "Q3, L1: what was put off, and what is new, is answered")
        wait_until(lambda: again() or all(self.told_portal(b) for b, _ in booked), PATIENT_S, "M8: so is the portal told")
        now = time.time()
        ids = [m.finals[0].message_id for _, m in waits] + [self.told_portal(b)[-1].message_id for b, _ in booked]
        self.assertEqual([i for i in ids if made(i) > now + 1], [], "Q3: no id is of the future")
        for _, message in waits:
            self.assertEqual(self.smev.portal.answer(message, PATIENT_S).error_code, 0)
        self.assertRegex(self.instance.log.read_text(encoding="utf-8"), r' housekeeping task=clock detail="the clock was ', "L4: it is told in the log,")
        wait_until(lambda: [w for w in json.loads(self.instance.admin("/readyz")[1])["warnings"] if "the clock of the database was wrong" in w], PATIENT_S, "by /readyz,")
        self.assertEqual(self.sql("select count(*) from admin.check() where problem = 'часы базы данных были неверны'"), [(1,)], "and to people")


if __name__ == "__main__":
    if FAKETIME is None:
        print("SKIP: faketime is not installed")
        sys.exit(77)
    e2e.main()
