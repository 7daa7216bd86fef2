#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L4: defaults an administrator sets for a database or a role change nothing, or the daemon says that it is not ready."""
import time

import e2e
from e2e import E2E, MOSCOW, SERVICE, new_id

HARMLESS = [("database zapisd", name, value) for name, value in (
    ("default_transaction_isolation", "serializable"), ("default_transaction_isolation", "repeatable read"),
    ("default_transaction_deferrable", "on"), ("standard_conforming_strings", "off"), ("array_nulls", "off"), ("DateStyle", "SQL"),
    ("IntervalStyle", "sql_standard"), ("bytea_output", "escape"), ("TimeZone", "Asia/Kamchatka"), ("client_encoding", "WIN1251"),
    ("transform_null_equals", "on"), ("lock_timeout", "1ms"), ("extra_float_digits", "-15"), ("search_path", "pg_temp"))]
TOLD = [("role zapisd_daemon", "default_transaction_isolation", "serializable"),
        ("role zapisd_daemon", "default_transaction_isolation", "repeatable read"),
        ("database zapisd", "session_replication_role", "replica"),
        ("role zapisd_daemon", "standard_conforming_strings", "off"), ("role zapisd_daemon", "array_nulls", "off")]


class Settings(E2E):
    def life(self):
        """A booking from the first look to its end, what is taken twice included."""
        client, book_id = self.portal(), new_id()
        slot = self.free_slots(client)[0]["slotId"]
        said = [client.book(book_id, slot, MOSCOW, True, period=30, message_id=new_id()),
                client.book(book_id, slot, MOSCOW, False), client.book(new_id(), slot, MOSCOW, False),
                client.get_booking_status(book_id), client.cancel_booking(book_id),
                client.get_ref_items_list("organizations", tree="SUBTREE")]
        return [(r.error_code, r.status_code) for r in said]

    def restart(self, wait=True):
        self.instance.stop_daemon()
        self.instance.start_daemon(wait=wait)

    def restore(self, whose, name):
        if whose.startswith("role"):
            kept = {"default_transaction_isolation": "read committed", "standard_conforming_strings": "on", "array_nulls": "on"}[name]
            self.sql("alter %s set %s = '%s'" % (whose, name, kept))
        else:
            self.sql("alter %s reset %s" % (whose, name))

    def test_L4_defaults_change_nothing(self):
        usual = self.life()
        for whose, name, value in HARMLESS:
            with self.subTest(whose=whose, name=name, value=value):
                self.sql("alter %s set %s = '%s'" % (whose, name, value))
                try:
                    self.restart()
                    self.assertEqual(self.life(), usual)
                finally:
                    self.restore(whose, name)

    def test_L4_what_cannot_be_mended_is_told(self):
        for whose, name, value in TOLD:
            with self.subTest(whose=whose, name=name):
                self.sql("alter %s set %s = '%s'" % (whose, name, value))
                try:
                    self.restart(wait=False)
                    deadline = time.monotonic() + 60
                    while True:
                        self.assertLess(time.monotonic(), deadline, "nothing is said")
                        try:
                            status, body = self.instance.admin("/readyz")
                            if status == 503 and "not asked yet" not in body:
                                break
                            self.assertEqual(status, 503, "ready with " + name)
                        except OSError:
                            pass
                        time.sleep(0.05)
                finally:
                    self.restore(whose, name)
        self.restart()

    def test_L4_a_missing_function_is_told(self):
        for door in ("book", "journal_exchange", "lock_bookings", "housekeeping"):
            names = [r[0] for r in self.sql("select oid::regprocedure::text from pg_proc where pronamespace = 'api'::regnamespace and proname = %s", door)]
            for name in names:
                self.sql("alter function %s rename to elsewhere" % name)
            try:
                self.assertIn("api." + door, self.one("select reason from api.ready(null::jsonb)"))
            finally:
                for name in names:
                    self.sql("alter function %s rename to %s" % (name.replace("api." + door, "api.elsewhere"), door))


if __name__ == "__main__":
    e2e.main()
