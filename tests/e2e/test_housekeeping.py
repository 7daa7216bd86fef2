#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""T2, O3, L1, L4: what the daemon does by itself: slots up to the horizon, lapsed holds, a closure that was interrupted, partitions of the journal;
beside citizens who book meanwhile, and without anybody's hand."""
import json
import time

import psycopg2

import e2e
from e2e import E2E, MOSCOW, SERVICE, new_id


class Housekeeping(E2E):
    def eventually(self, question, seconds=e2e.PATIENT_S):
        deadline = time.monotonic() + seconds
        while not self.sql(question)[0][0]:
            self.assertLess(time.monotonic(), deadline, question)
            time.sleep(0.1)

    def test_does_what_is_due(self):
        self.eventually("select bool_and(due_from > (now() at time zone time_zone)::date + booking_window_days)"
                        " from data.schedule_state join data.organization using (organization_id)")
        self.eventually("select count(*) >= 2 from pg_class where relname ~ '^journal_2[0-9]{3}_[0-9]{2}$' and relkind = 'r'")
        self.assertEqual(self.sql("select count(*) from data.slot where starts_at at time zone 'Asia/Kamchatka' <> wall_at and organization_id = 'R4100001'")[0][0], 0)

        client = self.portal()
        day = self.sql("select (min(starts_at) at time zone 'Europe/Moscow')::date from data.slot where organization_id = %s and starts_at > now() + interval '3 days'", MOSCOW)[0][0]
        slots = [r[0] for r in self.sql("select slot_id::text from data.slot join data.area using (area_key) where slot.organization_id = %s and area_id = 'room-11'"
                                        " and (starts_at at time zone 'Europe/Moscow')::date = %s order by starts_at limit 6", MOSCOW, day)]
        books = [new_id() for _ in slots]
        for book_id, slot in zip(books, slots):
            self.assertEqual(client.book(book_id, slot, MOSCOW, book_id == books[-1], services=[SERVICE]).status_code, "201")
        # interrupted before the first booking; the hold runs out meanwhile
        self.sql("select count(*) from admin.close_day(%s, %s, 'учения', apply => true, at_most => 0)", MOSCOW, day)
        self.sql("update data.booking set hold_until = now() where book_key = %s returning 1", books[-1])
        self.sql("update data.place set hold_until = now() where book_key = %s returning 1", books[-1])
        self.instance.stop_daemon()
        self.instance.start_daemon()
        self.eventually("select bool_and(state = 'done') from data.closure")
        self.assertEqual(self.sql("select state::text from data.booking where book_key = %s", books[-1])[0][0], "EXPIRED")
        self.assertEqual(self.sql("select count(*), count(distinct book_key) from data.outbox where book_key = any (%s)", books)[0], (5, 5))
        self.assertEqual(self.sql("select count(*) from data.place join data.slot using (slot_id) where book_key = any (%s)"
                                  " and (slot.starts_at at time zone 'Europe/Moscow')::date = %s", books, day)[0][0], 0)
        told = [line for line in self.instance.log.read_text().splitlines() if " housekeeping " in line]
        self.assertTrue(any("task=closure" in line for line in told), told)
        self.assertFalse([line for line in told if " warning " in line], told)
        metrics = self.instance.admin("/metrics")[1]
        for task in ("sweep", "outcomes", "closure", "generate", "journal"):
            self.assertRegex(metrics, r'zapisd_housekeeping_runs_total\{task="%s"\} [1-9]' % task)
            self.assertRegex(metrics, r'zapisd_housekeeping_failures_total\{task="%s"\} 0\n' % task)
            self.assertRegex(metrics, r'zapisd_housekeeping_behind\{task="%s"\} 0\n' % task)
        self.assertEqual(json.loads(self.instance.admin("/readyz")[1])["warnings"], [])

    def test_one_task_that_cannot_go_on_stops_no_other(self):  # L1, L4
        client = self.portal()
        slot, other = [r[0] for r in self.sql(
            "select slot_id::text from data.slot as s join data.area using (area_key) where s.organization_id = %s and area_id = 'room-11' and not is_closed"
            " and starts_at > now() + interval '6 days' and not exists (select from data.place as p where p.slot_id = s.slot_id) order by starts_at limit 2", MOSCOW)]
        book_id = new_id()
        self.assertEqual(client.book(book_id, slot, MOSCOW, True, services=[SERVICE]).status_code, "201")
        self.sql("update data.booking set hold_until = now() where book_key = %s returning 1", book_id)
        self.sql("update data.place set hold_until = now() where book_key = %s returning 1", book_id)
        self.instance.stop_daemon()
        self.sql("update data.housekeeping set last_run = null where task = 'sweep' returning 1")
        locked = psycopg2.connect(self.instance.conninfo())
        try:
            locked.cursor().execute("lock table data.closure in access exclusive mode")
            self.instance.start_daemon()
            self.eventually("select state = 'EXPIRED' from data.booking where book_key = '%s'" % book_id)
            self.eventually("select last_error = 'a lock was not to be had in time (55P03)' and not_before > last_run from data.housekeeping where task = 'closure'")
            self.eventually("select last_run is not null and failures = 0 from data.housekeeping where task = 'sweep'")
            self.assertEqual(client.book(new_id(), other, MOSCOW, False, services=[SERVICE]).status_code, "201")
        finally:
            locked.close()
        self.eventually("select failed_in_row = 0 from data.housekeeping where task = 'closure'", 90)


if __name__ == "__main__":
    e2e.main()
