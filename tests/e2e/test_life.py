#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Start, reload, drain, databases that come and go, clients that dawdle (O2, C5; facts F2, F10, F20)."""
import os
import signal
import socket
import subprocess
import threading
import time

import e2e
from e2e import BINARY, E2E, PATIENT_S, MOSCOW, SERVICE, new_id, wait_until

from smev2client import Fault


class Life(E2E):
    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[log]", "[limits]\nhead_timeout = 2s\nidle_timeout = 3s\n\n[log]")}

    def setUp(self):
        self.client = self.portal()

    def log_from(self, offset):
        with open(self.instance.log, encoding="utf-8", errors="replace") as f:
            f.seek(offset)
            return f.read()

    def log_size(self):
        return self.instance.log.stat().st_size

    # ---- reload ------------------------------------------------------------------------------------------------

    def reload(self, text):
        """Writes a configuration, reloads, returns the verdict's line."""
        offset = self.log_size()
        self.instance.conf.write_text(text)
        os.kill(self.instance.pid(), signal.SIGHUP)
        wait_until(lambda: " reload " in self.log_from(offset) or "reload " in self.log_from(offset), PATIENT_S, "a word about the reload")
        return next(line for line in self.log_from(offset).splitlines() if "reload" in line)

    def test_reload(self):
        good = self.instance.conf.read_text()
        self.addCleanup(lambda: self.reload(good))
        for bad in (good + "\n[nonsense]\nx = 1\n", good.replace("agency-a.key", "agency-b.key"), good.replace("portal.pem", "missing.pem"),
                    good.replace("level = debug", "level = shouting"), ""):
            self.assertIn("refused", self.reload(bad))
            self.assertNotIn("\\n", self.instance.admin("/readyz")[1].replace("}\n", ""), "O2: mistakes are told in one line")
            self.assertEqual(self.client.get_refs_list().error_code, 0)  # the old one serves on
        # C5: without the portal's present certificate the next one still works, and the present one is refused
        line = "cert = %s/portal.pem\n" % self.instance.pki
        self.assertIn("taken", self.reload(good.replace(line, "")))
        self.assertRaises(Fault, self.client.get_refs_list)
        self.assertEqual(self.portal(who="portal-new").get_refs_list().error_code, 0)
        self.assertIn("taken", self.reload(good))
        self.assertEqual(self.client.get_refs_list().error_code, 0)

    def test_agency_key_changes_without_a_gap(self):  # C5, F20
        good = self.instance.conf.read_text()
        stop, results = threading.Event(), []

        def caller():
            client = self.portal()
            client.expect_signer = None
            while not stop.is_set():
                try:
                    results.append(client.get_refs_list().signer.serial)
                except Exception as e:
                    results.append(e)
            client.close()

        thread = threading.Thread(target=caller)
        thread.start()
        for _ in range(5):
            self.assertIn("taken", self.reload(good.replace("agency-a.", "other.")))
            self.assertIn("taken", self.reload(good))
        stop.set()
        thread.join()
        self.assertEqual([r for r in results if isinstance(r, BaseException)], [])
        self.assertLessEqual(len(set(results)), 2)

    def test_check_says_file_and_line(self):
        bad = self.instance.dir / "bad.conf"
        text = self.instance.conf.read_text().replace("kind = plain", "kind = plane")
        bad.write_text(text)
        line = text.splitlines().index("kind = plane") + 1
        done = subprocess.run([BINARY, "check", "--offline", "--config", bad], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("%s:%d:" % (bad, line), done.stderr + done.stdout)
        done = subprocess.run([BINARY, "check", "--config", self.instance.conf], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    # ---- stop --------------------------------------------------------------------------------------------------

    def test_drain_finishes_what_is_in_work(self):
        """A request that waits for a row lock is answered although SIGTERM came meanwhile; new connections are not taken."""
        slot = self.free_slots(self.client)[0]["slotId"]
        lock = self.instance.connect()
        lock.autocommit = False
        with lock.cursor() as cursor:
            cursor.execute("select from data.slot where slot_id = %s for update", (slot,))
            cursor.execute("select from data.organization where organization_id = %s for update", (MOSCOW,))
        book_id, answers = new_id(), []
        thread = threading.Thread(target=lambda: answers.append(self.client.book(book_id, slot, MOSCOW, False, services=[SERVICE])))
        thread.start()
        wait_until(lambda: self.one("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") > 0 or answers, PATIENT_S, "the request to wait")
        self.assertEqual(answers, [], "the lock did not hold the request: the test proves nothing")
        os.kill(self.instance.pid(), signal.SIGTERM)

        def refused():
            try:
                socket.create_connection(("127.0.0.1", self.instance.smev2_port), 1).close()
                return False
            except OSError:
                return True
        wait_until(refused, PATIENT_S, "the listener to close")
        lock.rollback()
        lock.close()
        thread.join(PATIENT_S)
        self.assertEqual([a.status_code for a in answers], ["201"])
        self.assertEqual(self.instance.stop_daemon(), 0)
        self.instance.start_daemon()
        self.assertEqual(self.client.get_booking_status(book_id).status_code, "201")
        self.client.cancel_booking(book_id)

    def test_reads_are_journalled_before_the_end(self):  # J1
        marker = "case-" + new_id()
        for _ in range(20):
            self.client.get_refs_list(CaseNumber=marker)
        self.assertEqual(self.instance.stop_daemon(), 0)
        self.instance.start_daemon()
        self.assertEqual(self.one("select count(*) from data.journal where direction = 'in' and case_number = %s", marker), 20)

    # ---- database ----------------------------------------------------------------------------------------------

    def test_database_goes_and_comes_back(self):
        slot = self.free_slots(self.client)[0]["slotId"]
        self.instance._pg_script('pg_private_run "$(pg_private_bin)/pg_ctl" -D "$PG_PRIVATE_DATA" -m immediate -w stop >/dev/null')
        wait_until(lambda: self.instance.admin("/readyz")[0] == 503, PATIENT_S, "readiness to go")
        self.assertEqual(self.instance.admin("/livez")[0], 200)
        book_id = new_id()
        message = self.client.envelope("book", self.client.book_items(book_id, slot, MOSCOW, False, services=[SERVICE]))
        reply = self.client.post(message, "book")
        with self.assertRaises(Fault) as fault:
            self.client.read(reply)
        self.assertEqual((reply.http_status, fault.exception.code), (503, "soap:Server"))
        self.assertIn("retry-after", reply.headers)
        self.instance.start_database()
        self.instance.wait_ready()
        self.assertEqual(self.client.read(self.client.post(message, "book")).status_code, "201")
        self.client.cancel_booking(book_id)

    def test_backend_killed_under_a_request(self):  # F2
        slot = self.free_slots(self.client)[0]["slotId"]
        lock = self.instance.connect()
        lock.autocommit = False
        with lock.cursor() as cursor:
            cursor.execute("select from data.organization where organization_id = %s for update", (MOSCOW,))
            cursor.execute("select from data.slot where slot_id = %s for update", (slot,))
        book_id, answers = new_id(), []
        message = self.client.envelope("book", self.client.book_items(book_id, slot, MOSCOW, False, services=[SERVICE]))
        thread = threading.Thread(target=lambda: answers.append(self.client.post(message, "book")))
        thread.start()
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and usename = 'zapisd_daemon'"
        wait_until(lambda: self.one(waiting) > 0, PATIENT_S, "the request to wait")
        self.sql("select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and usename = 'zapisd_daemon'")
        lock.rollback()
        lock.close()
        thread.join(PATIENT_S)
        # Either it was settled and done again, or a fault that may be retried; never a lie.
        try:
            self.assertEqual(self.client.read(answers[0]).status_code, "201")
        except Fault as e:
            self.assertEqual((e.code, answers[0].http_status), ("soap:Server", 503))
            self.assertEqual(self.client.read(self.client.post(message, "book")).status_code, "201")
        self.assertEqual(self.one("select count(*) from data.booking_history where book_key = %s", book_id), 1)
        self.client.cancel_booking(book_id)

    def test_database_freezes(self):  # F3
        """The backends stand still: the loop does not, and the waiting request is answered afterwards."""
        slot = self.free_slots(self.client)[0]["slotId"]
        book_id, answers = new_id(), []
        backends = [r[0] for r in self.sql("select pid from pg_stat_activity where usename = 'zapisd_daemon'")]
        self.assertTrue(backends)
        for pid in backends:
            os.kill(pid, signal.SIGSTOP)
        try:
            thread = threading.Thread(target=lambda: answers.append(self.client.book(book_id, slot, MOSCOW, False, services=[SERVICE])))
            thread.start()
            for _ in range(10):  # who waited for a frozen backend would wait for as long as we keep it so
                self.assertEqual(self.instance.admin("/livez")[0], 200)
                time.sleep(0.1)
            self.assertEqual(answers, [])
        finally:
            for pid in backends:
                os.kill(pid, signal.SIGCONT)
        thread.join(PATIENT_S)
        self.assertEqual([a.status_code for a in answers], ["201"])
        self.client.cancel_booking(book_id)

    def test_start_without_a_database(self):
        self.instance.stop_daemon()
        self.instance._pg_script('pg_private_run "$(pg_private_bin)/pg_ctl" -D "$PG_PRIVATE_DATA" -m fast -w stop >/dev/null')
        self.instance.start_daemon(wait=False)
        wait_until(lambda: self.livez() == 200, PATIENT_S, "life")
        status, body = self.instance.admin("/readyz")
        self.assertEqual(status, 503)
        self.assertIn("reason", body)
        self.instance.start_database()
        self.instance.wait_ready()

    def livez(self):
        try:
            return self.instance.admin("/livez")[0]
        except OSError:
            return None

    # ---- slow clients ------------------------------------------------------------------------------------------

    def test_slow_clients_are_let_go_and_hold_nobody_up(self):  # F10
        slow = []
        for i in range(50):
            s = socket.create_connection(("127.0.0.1", self.instance.smev2_port))
            s.sendall(b"POST /equeue HTTP/1.1\r\nHost: x\r\nX-Slow: "[: 1 + i % 40])
            slow.append(s)
        stop = threading.Event()

        def drip():
            while not stop.wait(0.2):
                for s in slow:
                    try:
                        s.send(b"a")
                    except OSError:
                        pass

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            # Who waited for a slow one would wait for its head_timeout, each of the fifty times.
            self.assertLess(min(self.client.get_refs_list().seconds for _ in range(50)), 2)
            for s in slow:
                s.settimeout(PATIENT_S)
                try:
                    while s.recv(4096):
                        pass
                except ConnectionError:
                    pass
        except TimeoutError:
            self.fail("a slow client was never let go (head_timeout is 2 s)")
        finally:
            stop.set()
            thread.join()
            for s in slow:
                s.close()

    def test_wrong_paths_and_methods(self):
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", self.instance.plain_port, timeout=10)
        for method, path, statuses in (("GET", "/", {404}), ("GET", "/equeue", {404}), ("GET", "/equeue?xsd=../conf/zapisd.conf", {404}),
                                       ("DELETE", "/equeue", {405}), ("POST", "/other", {404}), ("GET", "/metrics", {404})):
            connection.request(method, path, body=b"<x/>" if method == "POST" else None)
            answer = connection.getresponse()
            answer.read()
            self.assertIn(answer.status, statuses, (method, path))
        connection.close()


class UnsafeDatabase(E2E):
    """A database that may lose what it acknowledged is not good enough: not ready, and it says why (F7)."""

    def test_not_ready_without_durability(self):
        for setting in ("synchronous_commit", "full_page_writes", "fsync"):
            with self.subTest(setting):
                self.sql("alter system set %s = off" % setting)
                self.sql("select pg_reload_conf()")
                wait_until(lambda: self.instance.admin("/readyz")[0] == 503, PATIENT_S, "readiness to go")
                self.assertIn(setting, self.instance.admin("/readyz")[1])
                self.sql("alter system reset %s" % setting)
                self.sql("select pg_reload_conf()")
                wait_until(lambda: self.instance.admin("/readyz")[0] == 200, PATIENT_S, "readiness to come back")


if __name__ == "__main__":
    e2e.main()
