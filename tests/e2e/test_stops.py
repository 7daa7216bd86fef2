#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The daemon is told to end at random points while everything is in the air: big posts and signed ones with the workers, bookings in
transactions, TLS handshakes, name lookups, reloads, a database that goes away, patience of a millisecond or of seconds. It ends with
status 0, nothing it frees is used again or forgotten (the daemon is built with sanitizers), and what was answered stands (L1, B1, O2, C5).

ZAPISD_STOPS_SEED=N plays one series again, ZAPISD_STOPS_ROUNDS=N a longer one. The seed picks what is in the air and when the end comes;
whatever comes of it, the verdict is the same."""
import os
import random
import re
import signal
import socket
import sys
import threading
import time

import e2e
from e2e import E2E, MOSCOW, SERVICE, localhost_pair, new_id

sys.path.insert(0, str(e2e.SOURCE / "tests/lib"))
from instance import free_ports  # noqa: E402
from tlsflood import Flood  # noqa: E402

SEED = int(os.environ.get("ZAPISD_STOPS_SEED", 20150907))
ROUNDS = int(os.environ.get("ZAPISD_STOPS_ROUNDS", 10))
REPORT = re.compile(r"(ERROR: AddressSanitizer|runtime error:|ERROR: LeakSanitizer|WARNING: ThreadSanitizer)")


class Stops(E2E):
    @classmethod
    def options(cls):
        cls.tls_port, = free_ports(1)
        cls.conf = {"patience": "1ms", "lookup": False}
        return {"edit": cls.edit}

    @classmethod
    def edit(cls, text):
        tls = localhost_pair(cls.instance.dir / "tls")
        text = text.replace("drain_timeout = 10s", "drain_timeout = " + cls.conf["patience"])
        if cls.conf["lookup"]:  # a name first, where nobody listens: it is looked up anew for each connection
            text = re.sub(r"host=(\S+) port=(\d+)", r"host=localhost,\1 port=1,\2", text)
        return text + "\n[listener tls]\nkind = plain\naddress = 127.0.0.1:%d\ntls_cert = %s/tls.pem\ntls_key = %s/tls.key\n" % (
            cls.tls_port, tls, tls)

    # ---- what is in the air: each runs until it is told, and minds no failure ------------------------------------------

    def again_and_again(self, work):
        def run():
            while not self.over.is_set():
                try:
                    work()
                except Exception:  # noqa: BLE001  (the daemon has gone, or is going)
                    self.over.wait(0.01)
        thread = threading.Thread(target=run)
        thread.start()
        self.threads.append(thread)

    def big_posts(self):
        """A megabyte that the workers are long busy with; more of them than there are workers."""
        body = b"<?xml version='1.0' encoding='UTF-8'?><a>" + b"<b c='d'>e</b>" * 70000 + b"</a>"
        head = b"POST /equeue HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(body)

        def post():
            with socket.create_connection(("127.0.0.1", self.instance.plain_port), 5) as s:
                s.sendall(head + body)
                s.settimeout(5)
                s.recv(65536)
        for _ in range(12):
            self.again_and_again(post)

    def signed_reads(self):
        for _ in range(3):
            client = self.instance.client()
            self.again_and_again(client.get_refs_list)

    def bookings(self):
        def book(client, mine):
            slot = mine.pop()
            book_id = new_id()
            reply = client.book(book_id, slot, MOSCOW, False, services=[SERVICE])
            if reply.status_code == "201":
                self.booked.append(book_id)
        for i in range(3):
            client, mine = self.instance.client(), self.slots[i::3]
            self.again_and_again(lambda client=client, mine=mine: book(client, mine))

    def hellos(self):
        flood = Flood(self.tls_port, 40, 0, leave=self.random.random() < 0.5)
        flood.stop = self.over
        self.again_and_again(flood.run)

    def tls_requests(self):
        import http.client
        import ssl
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

        def get():
            connection = http.client.HTTPSConnection("127.0.0.1", self.tls_port, timeout=60, context=context)
            connection.request("GET", "/equeue?wsdl")
            connection.getresponse().read()
            connection.close()
        for _ in range(3):
            self.again_and_again(get)

    def reloads(self):
        def reload():
            os.kill(self.instance.process.pid, signal.SIGHUP)
            self.over.wait(0.005)
        self.again_and_again(reload)

    def database_goes(self):
        """All sessions are cut, again and again: in the middle of calls, while connecting, while names are looked up."""
        def cut():
            self.instance.psql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'zapisd_daemon'")
        self.again_and_again(cut)

    def locks(self):
        """Writes wait in the database, so that the end comes while transactions are open."""
        lock = self.instance.connect()
        lock.autocommit = False
        with lock.cursor() as cursor:
            cursor.execute("select from data.organization where organization_id = %s for update", (MOSCOW,))
        self.closing.append(lock)

    AIR = ("big_posts", "signed_reads", "bookings", "hellos", "tls_requests", "reloads", "database_goes", "locks")

    # ---- the end -------------------------------------------------------------------------------------------------------

    def end(self):
        """SIGTERM, by the dice twice, or as SIGINT, or with a reload just before it or after it."""
        pid = self.instance.process.pid
        for how in self.random.choice(([signal.SIGTERM], [signal.SIGTERM] * 2, [signal.SIGINT, signal.SIGTERM],
                                       [signal.SIGHUP, signal.SIGTERM], [signal.SIGTERM, signal.SIGHUP])):
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass
        return self.instance.process.wait(120)

    def one_round(self, air, delay, patience, lookup):
        self.over, self.threads, self.closing, self.booked = threading.Event(), [], [], []
        self.conf.update(patience=patience, lookup=lookup)
        self.instance.start_daemon()
        self.slots = [s["slotId"] for s in self.free_slots(self.portal())] if "bookings" in air else []
        try:
            for name in air:
                getattr(self, name)()
            time.sleep(delay)
            status = self.end()
        finally:
            self.over.set()
            if self.instance.process.poll() is None:
                self.instance.process.kill()
                self.instance.process.wait()
            for lock in self.closing:
                lock.close()
            for thread in self.threads:
                thread.join()
        log = self.instance.log.read_text(errors="replace")
        report = REPORT.search(log)
        self.assertIsNone(report, log[report.start():report.start() + 5000] if report else "")
        self.assertEqual(status, 0, self.instance.log_tail())
        self.assertIn("stopped", self.instance.log_tail(3))
        for book_id in self.booked:
            self.assertEqual(self.one("select state from data.booking where book_id = %s", book_id), "BOOKED")
        self.assert_places_sound()

    def test_random_points(self):
        self.instance.stop_daemon()
        self.random = random.Random(SEED)
        try:
            for i in range(ROUNDS):
                air = [n for n in self.AIR if self.random.random() < 0.45] or ["big_posts"]
                delay = self.random.choice((0, 0.02, 0.2, 1)) * self.random.random()
                patience, lookup = self.random.choice(("1ms", "1ms", "50ms", "2s")), self.random.random() < 0.3
                with self.subTest(seed=SEED, round=i, air=air, delay=delay, patience=patience, lookup=lookup):
                    self.one_round(air, delay, patience, lookup)
        finally:
            self.conf.update(patience="10s", lookup=False)
            self.instance.start_daemon()

    def test_big_posts_and_no_patience(self):
        """The plain case: all workers busy, more waiting, a millisecond's patience."""
        self.instance.stop_daemon()
        self.random = random.Random(SEED)
        try:
            self.one_round(["big_posts"], 0.3, "1ms", False)
        finally:
            self.conf.update(patience="10s", lookup=False)
            self.instance.start_daemon()

    def test_during_start(self):
        """A signal that comes before everything stands waits until it does: an orderly end, or none that was begun."""
        self.instance.stop_daemon()
        rng = random.Random(SEED)
        for _ in range(5):
            self.instance.start_daemon(wait=False)
            time.sleep(rng.random() * rng.choice((0.01, 0.3)))
            os.kill(self.instance.process.pid, signal.SIGTERM)
            self.assertIn(self.instance.process.wait(60), (0, -signal.SIGTERM), self.instance.log_tail())
        self.assertIsNone(REPORT.search(self.instance.log.read_text(errors="replace")))
        self.instance.start_daemon()


if __name__ == "__main__":
    e2e.main()
