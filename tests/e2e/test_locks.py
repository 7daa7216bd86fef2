#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L1, B4, B6: somebody holds a lock in psql. Those who need it wait, and are answered before request_timeout; nobody else does. No
booking exists that nobody heard of, whenever the lock goes, the client hangs up or the time is over.

Nothing here is judged by speed: what must not wait is done while the lock is still held, and the lock goes only afterwards."""
import json
import os
import random
import socket
import threading
import time

import e2e
from e2e import E2E, KAMCHATKA, MOSCOW, SERVICE, new_id, together

REQUEST_TIMEOUT = 4  # s
SLACK = 120  # s: what a busy machine may add to that


class Lock:
    """A transaction in a session of its own, open until the block ends."""

    def __init__(self, test, *statements, role="postgres"):
        self.connection = test.instance.connect(role)
        self.connection.autocommit = False
        self.statements = statements

    def __enter__(self):
        with self.connection.cursor() as cursor:
            cursor.execute("set application_name = 'psql of a clerk'")
            for statement in self.statements:
                cursor.execute(*statement if isinstance(statement, tuple) else (statement,))
        return self

    def __exit__(self, *exc):
        self.let_go()

    def let_go(self):
        if not self.connection.closed:
            self.let_go_at = time.monotonic()
            self.connection.rollback()
            self.connection.close()


class Locks(E2E):
    connections = 8
    listener = "plain"

    @classmethod
    def options(cls):
        def edit(text):
            return text.replace("[daemon]\n", "[daemon]\nrequest_timeout = %ds\n" % REQUEST_TIMEOUT).replace(
                "[database]\n", "[database]\nconnections = %d\n" % cls.connections)
        return {"edit": edit}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = cls.instance.client("plain")
        # The latest first: the next one of an office that is open now may have begun when its turn comes.
        cls.slots = [s["slotId"] for s in client.get_slots(MOSCOW, services=[SERVICE], areas=["room-11"]).slots][::-1]
        client.close()

    def take_slots(self, n):
        taken, self.__class__.slots = self.slots[:n], self.slots[n:]
        return taken

    def raw_book(self, slot, book_id=None, organization=MOSCOW):
        """The bytes of a booking over HTTP, for a socket of one's own."""
        client = self.instance.client("plain")
        body = client.envelope("book", client.book_items(book_id or new_id(), slot, organization, False, services=[SERVICE]))
        client.close()
        return (b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: \"book\"\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)) + body

    def open(self, data):
        s = socket.create_connection(("127.0.0.1", self.instance.plain_port), timeout=REQUEST_TIMEOUT + SLACK)
        self.addCleanup(s.close)
        s.sendall(data)
        return s

    def status_of(self, s):
        """HTTP status and how long it took from now; None: ended without an answer."""
        began, data = time.monotonic(), b""
        while b"\r\n\r\n" not in data:
            more = s.recv(65536)
            if not more:
                return None, time.monotonic() - began
            data += more
        return int(data.split(b" ", 2)[1]), time.monotonic() - began

    def eventually(self, question, what, seconds=e2e.PATIENT_S):
        deadline = time.monotonic() + seconds
        while not question():
            self.assertLess(time.monotonic(), deadline, "never: " + what)
            time.sleep(0.02)

    def waiting(self):
        return self.instance.metric("zapisd_lock_waiting") + self.instance.metric("zapisd_lock_sessions")

    def quiet(self):
        self.eventually(lambda: self.waiting() == 0 and self.instance.metric("zapisd_requests_in_work") == 0, "nobody waits any more")

    def book_while_held(self, slots, organization=MOSCOW):
        """Each booked, one after the other; the lock of the caller is held all the while."""
        client = self.portal("plain", timeout=REQUEST_TIMEOUT + SLACK)
        for slot in slots:
            reply = client.book(new_id(), slot, organization, False, services=[SERVICE], esia_id=str(random.randrange(10 ** 9, 2 * 10 ** 9)))
            self.assertEqual((reply.http_status, reply.status_code), (200, "201"))

    # ---- a slot --------------------------------------------------------------------------------------------------

    def locked_crowd(self, lock, slot, others):
        """40 who want the locked slot, and others meanwhile; what became of the 40."""
        with lock:
            crowd = [self.open(self.raw_book(slot)) for _ in range(40)]
            self.eventually(lambda: self.waiting() > 0, "somebody waits for the lock")
            others()
            seen = [self.status_of(s)[0] for s in crowd]
        self.quiet()
        self.assertEqual(self.one("select count(*) from data.booking as b where exists (select from data.place as p"
                                  " where p.book_key = b.book_key and p.slot_id = %s)", slot), 0)
        return seen

    def test_40_for_a_locked_slot(self):
        slot, *others = self.take_slots(31)
        window = [s["slotId"] for s in self.portal("plain").get_slots(KAMCHATKA, services=[SERVICE], areas=["window-1"]).slots][-10:]

        def everybody_else():
            self.book_while_held(others)
            self.book_while_held(window, KAMCHATKA)
            self.assertLessEqual(self.instance.metric("zapisd_lock_sessions"), self.instance.metric("zapisd_lock_sessions_max"))

        seen = self.locked_crowd(Lock(self, ("update data.slot set is_closed = true where slot_id = %s", (slot,))), slot, everybody_else)
        self.assertEqual(seen, [503] * 40)
        self.assertEqual(self.one("select count(*) from data.place where slot_id = any (%s::uuid[])", others), len(others))

    def test_an_advisory_lock(self):
        slot, *others = self.take_slots(11)
        lock = Lock(self, ("select pg_advisory_lock(data.place_lock_key(%s, 1))", (slot,)))
        seen = self.locked_crowd(lock, slot, lambda: self.book_while_held(others))
        self.assertEqual(seen, [503] * 40)

    def test_a_locked_booking(self):
        client, book_id = self.portal("plain", timeout=REQUEST_TIMEOUT + SLACK), new_id()
        first, second, *others = self.take_slots(12)
        self.assertEqual(client.book(book_id, first, MOSCOW, False, services=[SERVICE]).status_code, "201")
        with Lock(self, ("select from data.booking where book_key = %s for update", (book_id,))) as lock:
            moves = [self.open(self.raw_book(second, book_id)) for _ in range(12)]
            self.eventually(lambda: self.waiting() > 0, "the moves wait")
            self.book_while_held(others)
            lock.let_go()
            self.assertEqual({self.status_of(s)[0] for s in moves}, {200})
        self.assertEqual(self.sql("select slot_id::text from data.place where book_key = %s", book_id), [(second,)])

    def test_the_lock_goes_in_time(self):
        """Those who waited are served: the first one gets the slot, the others hear that it is taken."""
        slot, *others = self.take_slots(6)
        with Lock(self, ("update data.slot set is_closed = true where slot_id = %s", (slot,))) as lock:
            crowd = [self.open(self.raw_book(slot)) for _ in range(20)]
            self.eventually(lambda: self.waiting() > 0, "somebody waits for the lock")
            self.book_while_held(others)
            lock.let_go()
            self.assertEqual([self.status_of(s)[0] for s in crowd], [200] * 20)
        self.assertEqual(self.one("select count(*) from data.place where slot_id = %s", slot), 1)

    def test_many_locked_slots(self):
        """A day being closed in one long transaction: each slot is a lock of its own."""
        slots = self.take_slots(80)
        locked, others = slots[:60], slots[60:]
        with Lock(self, ("update data.slot set is_closed = true where slot_id = any (%s::uuid[])", (locked,))):
            crowd = [self.open(self.raw_book(slot)) for slot in locked]
            self.eventually(lambda: self.waiting() > 0, "somebody waits for the lock")
            self.book_while_held(others)
            self.assertLessEqual(self.instance.metric("zapisd_lock_sessions"), self.instance.metric("zapisd_lock_sessions_max"))
            self.assertEqual({self.status_of(s)[0] for s in crowd}, {503})
        self.quiet()

    # ---- a table -------------------------------------------------------------------------------------------------

    def test_a_locked_table_and_reads(self):
        """Reads of it wait and are told so in time; other reads do not; then all is as before."""
        items = self.portal("plain")
        ask = items.envelope("getSlots", [("organizationId", [MOSCOW]), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1")])
        head = b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nSOAPAction: \"getSlots\"\r\nContent-Length: %d\r\n\r\n" % len(ask)
        with Lock(self, "lock table data.slot in access exclusive mode"):
            crowd = [self.open(head + ask) for _ in range(40)] + [self.open(self.raw_book(s)) for s in self.slots[-10:]]
            self.eventually(lambda: self.waiting() > 0, "somebody waits for the lock")
            for _ in range(50):
                self.assertEqual(items.get_refs_list().error_code, 0)
            self.assertEqual(items.get_booking_status(new_id()).error_code, 2)
            self.eventually(lambda: '"ready":true' in self.instance.admin("/readyz")[1], "ready")
            self.assertEqual({self.status_of(s)[0] for s in crowd}, {503})
        self.quiet()
        self.assertEqual(items.get_slots(MOSCOW).error_code, 0)
        self.book_while_held(self.take_slots(3))

    def test_a_lock_in_one_office(self):
        """Every booking of an office waits for a row that is its own; the other office does not."""
        here = self.take_slots(20)
        window = [s["slotId"] for s in self.portal("plain").get_slots(KAMCHATKA, services=[SERVICE], areas=["window-1"]).slots][-10:]
        with Lock(self, ("select from data.organization where organization_id = %s for update", (MOSCOW,))) as lock:
            crowd = [self.open(self.raw_book(slot)) for slot in here]
            self.eventually(lambda: self.waiting() > 0, "somebody waits for the lock")
            self.book_while_held(window, KAMCHATKA)
            lock.let_go()
            self.assertEqual([self.status_of(s)[0] for s in crowd], [200] * 20)
        self.assertEqual(self.one("select count(*) from data.place where slot_id = any (%s::uuid[])", here), 20)

    def test_the_journal_is_locked(self):
        """It is part of every booking: all wait, all are told so, nothing is half done, and then all is as before."""
        slots = self.take_slots(4)
        with Lock(self, "lock table data.journal in access exclusive mode"):
            crowd = [self.open(self.raw_book(slot)) for slot in slots[:3]]
            self.assertEqual([self.status_of(s)[0] for s in crowd], [503] * 3)
            self.assertEqual(self.instance.admin("/livez")[0], 200)
        self.quiet()
        self.assertEqual(self.one("select count(*) from data.place where slot_id = any (%s::uuid[])", slots), 0)
        self.book_while_held(slots[3:])

    # ---- nobody's, and each other's --------------------------------------------------------------------------------

    def test_moves_do_not_lock_each_other_out(self):
        """A few bookings moved at random among a few slots of three places, by many at once: shared transactions, never a circle. The server
        looks for circles at once here; by itself the daemon would hardly let one stand long enough to be seen."""
        if self.connections < 8:
            self.skipTest("nothing is shared crosswise")
        seed = int(os.environ.get("ZAPISD_SEED", random.randrange(2 ** 32)))
        print("ZAPISD_SEED=%d" % seed, flush=True)
        self.sql("alter database zapisd set deadlock_timeout = '1ms'")
        self.instance.stop_daemon()
        self.instance.start_daemon()
        hall = [s["slotId"] for s in self.portal("plain").get_slots(MOSCOW, services=[SERVICE], areas=["hall-1"]).slots if s["areaId"] == "hall-1"]
        taken = {row[0] for row in self.sql("select slot_id::text from data.place")}  # by the other tests
        hall = [slot for slot in hall if slot not in taken][:5]
        books = [new_id() for _ in range(12)]
        for i, book_id in enumerate(books):
            self.assertEqual(self.portal("plain").book(book_id, hall[i % 4], MOSCOW, False, services=[SERVICE]).status_code, "201")
        clients = [self.portal("plain", timeout=60) for _ in range(32)]

        def mover(i):
            rng, seen = random.Random(seed + i), set()
            for _ in range(60):
                reply = clients[i].book(rng.choice(books), rng.choice(hall), MOSCOW, False, services=[SERVICE])
                seen.add((reply.http_status, reply.error_code))
            return seen

        for seen in together(len(clients), mover):
            if isinstance(seen, BaseException):
                raise seen
            self.assertLessEqual(seen, {(200, 0), (200, 4)})
        self.assertGreater(self.instance.metric("zapisd_transaction_members_total"), self.instance.metric("zapisd_transactions_total"))
        self.assertEqual(self.one("select count(*) from data.place where book_key = any (%s)", books), len(books))
        self.sql("alter database zapisd reset deadlock_timeout")
        self.instance.stop_daemon()  # the counter is sure to be told when the sessions have ended
        self.eventually(lambda: self.one("select count(*) from pg_stat_activity where usename = 'zapisd_daemon'") == 0, "the sessions end")
        deadlocks = self.one("select deadlocks from pg_stat_database where datname = current_database()")
        self.instance.start_daemon()
        self.assertEqual(deadlocks, 0)

    # ---- nobody hears of it --------------------------------------------------------------------------------------

    def test_a_client_that_hangs_up_while_it_waits(self):
        slots = self.take_slots(6)
        with Lock(self, ("update data.slot set is_closed = true where slot_id = any (%s::uuid[])", (slots,))) as lock:
            crowd = [self.open(self.raw_book(slot)) for slot in slots]
            self.eventually(lambda: self.waiting() >= len(slots), "all wait")
            for s in crowd[:4]:
                s.close()
            self.eventually(lambda: self.instance.metric("zapisd_requests_in_work") == 2, "four are given up")
            lock.let_go()
            self.assertEqual([self.status_of(s)[0] for s in crowd[4:]], [200, 200])
        self.quiet()
        self.assertEqual(self.sql("select slot_id::text from data.place where slot_id = any (%s::uuid[]) order by 1", slots),
                         sorted((s,) for s in slots[4:]))
        self.assertGreaterEqual(self.instance.metric('zapisd_errors_total{error="GONE"}'), 4)

    def test_a_client_that_only_ends_is_served(self):
        """A half-closed connection is no hang-up: it gets its booking, behind an interim answer perhaps."""
        (slot,) = self.take_slots(1)
        s = self.open(self.raw_book(slot))
        s.shutdown(socket.SHUT_WR)
        data = b"".join(iter(lambda: s.recv(65536), b""))
        self.assertIn(b"HTTP/1.1 200 OK\r\n", data)
        self.assertIn(b"<eq:statusCode>201<", data.replace(b"ns1:", b"eq:"))

    def test_no_effect_that_nobody_hears_of(self):
        """Moments of locking, letting go and hanging up at random: what was refused does not exist, nor what its client had hung up upon
        while it waited; what is there has its answer in the journal, for the one who hung up at the very moment of COMMIT."""
        seed = int(os.environ.get("ZAPISD_SEED", random.randrange(2 ** 32)))
        print("ZAPISD_SEED=%d" % seed, flush=True)
        rng = random.Random(seed)
        given_up = 0
        for _ in range(int(os.environ.get("ZAPISD_ROUNDS", "6"))):
            slots = self.take_slots(8)
            plan = [(slot, new_id(), rng.random() < 0.4, rng.uniform(0, 1.5)) for slot in slots for _ in range(3)]
            hold = rng.choice((0.3, 1.0, REQUEST_TIMEOUT + 0.5))
            locked = rng.sample(slots, 5)
            with Lock(self, ("update data.slot set is_closed = true where slot_id = any (%s::uuid[])", (locked,))) as lock:
                timer = threading.Timer(hold, lock.let_go)
                timer.start()

                def client(i):
                    slot, book_id, hangs_up, after = plan[i]
                    s = self.open(self.raw_book(slot, book_id))
                    if hangs_up:
                        s.settimeout(after)
                        try:
                            return self.status_of(s)[0]
                        except TimeoutError:
                            s.close()
                            return time.monotonic()
                    return self.status_of(s)[0]

                results = together(len(plan), client)
                timer.join()
            self.quiet()
            for (slot, book_id, _, _), result in zip(plan, results):
                if isinstance(result, BaseException):
                    raise result
                has_place = self.one("select count(*) from data.place where book_key = %s", book_id)
                if result is None or result == 200:
                    self.assertEqual(result, 200)
                elif result == 503:
                    self.assertEqual((has_place, self.one("select count(*) from data.booking where book_key = %s", book_id)), (0, 0), "refused, and there")
                elif result < lock.let_go_at and slot in locked:
                    given_up += 1
                    self.assertEqual((has_place, self.one("select count(*) from data.booking where book_key = %s", book_id)), (0, 0),
                                     "its client had gone %.3f s before the lock" % (lock.let_go_at - result))
            self.assertEqual(self.one("""select count(*) from data.booking_history as h where not exists (
                select from data.journal as j where j.journal_id = h.journal_id and j.direction = 'out')"""), 0)
        self.assertGreater(given_up, 0)
        self.assert_places_sound()

    def test_the_waiting_backend_is_killed(self):
        slot, *others = self.take_slots(4)
        with Lock(self, ("update data.slot set is_closed = true where slot_id = %s", (slot,))) as lock:
            s = self.open(self.raw_book(slot))
            killed = lambda: self.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'zapisd_daemon' and wait_event_type = 'Lock'")
            self.eventually(killed, "a backend waits, and is killed")
            self.book_while_held(others)
            lock.let_go()
            self.assertEqual(self.status_of(s)[0], 200)
        self.assertEqual(self.one("select count(*) from data.place where slot_id = %s", slot), 1)

    # ---- what is told --------------------------------------------------------------------------------------------

    def test_it_is_told(self):
        (slot,) = self.take_slots(1)
        with Lock(self, ("update data.slot set is_closed = true where slot_id = %s", (slot,))):
            s = self.open(self.raw_book(slot))
            said = lambda: json.loads(self.instance.admin("/readyz")[1])
            self.eventually(lambda: "slot " + slot in " ".join(said()["warnings"]), "/readyz has a warning")
            self.assertEqual((said()["ready"], said()["reasons"]), (True, []))
            self.assertEqual(self.status_of(s)[0], 503)
            told = lambda: [line for line in self.instance.log.read_text().splitlines() if " lock-wait " in line and slot in line]
            while not told():  # the log is told every ten seconds, and may have been told of another lock just before
                self.assertEqual(self.status_of(self.open(self.raw_book(slot)))[0], 503)
        self.quiet()
        self.eventually(lambda: said()["warnings"] == [], "the note is gone")
        lines = told()
        self.assertLess(len(lines), 10)
        if self.connections >= 8:  # with fewer, tries are short, and the question may miss them
            self.assertIn("psql of a clerk", " ".join(lines))
            self.assertIn("relation=data.slot", " ".join(lines))

    def test_a_lock_is_told_as_long_as_it_is_held(self):
        """A whole table, locked and forgotten: when all who waited have given up, warning and gauges stay, with the role, until it goes."""
        (slot,) = self.take_slots(1)
        self.sql("do $$ begin if not exists (select from pg_roles where rolname = 'forgetful') then create role forgetful login superuser; end if; end $$")
        self.quiet()
        said = lambda: json.loads(self.instance.admin("/readyz")[1])
        held = lambda: [w for w in said()["warnings"] if "is held by process" in w]
        self.eventually(lambda: not held(), "other locks are gone")
        offset = self.instance.log.stat().st_size
        log = lambda: self.instance.log.read_bytes()[offset:].decode(errors="replace")
        with Lock(self, "lock table data.slot in access exclusive mode", role="forgetful"):
            while not held():  # with few connections tries are short, and a question may miss them
                waiters = [self.open(self.raw_book(slot)) for _ in range(2)]
                self.eventually(lambda: held() or self.waiting() == 0, "it is found who holds it, or they give up")
                self.assertEqual([self.status_of(s)[0] for s in waiters], [503, 503])
            self.quiet()
            asked = set()

            def is_asked_again():
                asked.update(self.sql("select query_start from pg_stat_activity where usename = 'zapisd_daemon' and query like '%%api.lock_holders%%'"))
                return len(asked) >= 3
            self.eventually(is_asked_again, "the database is asked again and again")
            (warning, *_) = held()
            self.assertRegex(warning, r"\(data\.slot\) is held by process \d+ of the database, role forgetful \(psql of a clerk\), for \d+ s")
            self.assertGreater(self.instance.metric("zapisd_lock_longest_seconds"), 0)
            self.assertGreaterEqual(self.instance.metric("zapisd_lock_holders"), 1)
            self.eventually(lambda: "holder_role=forgetful" in log(), "the log names the role")
        self.eventually(lambda: said()["warnings"] == [], "the note is gone")
        self.assertEqual((self.instance.metric("zapisd_lock_longest_seconds"), self.instance.metric("zapisd_lock_holders")), (0, 0))


class FewConnections(Locks):
    """The same where two connections are all there is."""
    connections = 2


del E2E

if __name__ == "__main__":
    e2e.main()
