#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""M8: what the agency changes reaches the portal, in order per booking, nothing twice in effect, nothing lost: whatever the portal, the network,
the daemons and the operators do meanwhile. A double of the portal judges (tests/lib/portal_double.py). Pauses and leases are ended by hand:
no verdict is about how soon."""
import collections
import os
import random
import select
import signal
import ssl
import subprocess
import threading
import time
import unittest
import uuid

import e2e
from e2e import BINARY, BUILD, E2E, KAMCHATKA, MOSCOW, NAME, PATIENT_S, ROOM, SERVICE, new_id, wait_until

from instance import Instance, free_ports
from portal_double import Act, OK, PortalDouble

SECRET = "Образцов-Тайный"  # in the portal's words: never in a log
OPEN = "state not in ('answered', 'dropped')"


def push_sections(port, **more):
    keys = dict({"portal": "PGU001001", "service_name": "PguEqueue", "exchange_type": "2", "timeout": "2s", "in_flight": "8"}, **more)
    lines = "".join("%s = %s\n" % item for item in keys.items())
    return "\n[push AAAA00001]\nurl = http://127.0.0.1:%d/equeue/portal\n%s" % (port, lines)


class Deliveries(E2E):
    """An instance whose first agency has a way to a double of the portal."""

    ways = {}

    @classmethod
    def options(cls):
        return {"edit": lambda text: text + push_sections(cls.port, **cls.ways)}

    @classmethod
    def setUpClass(cls):
        cls.port, = free_ports(1)
        super().setUpClass()

    def __init__(self, *args):
        super().__init__(*args)
        self.consoles = threading.local()

    def setUp(self):
        self.acts = {}          # book_id: acts of its next deliveries
        self.otherwise = OK
        self.portal = self.new_portal()
        self.addCleanup(self.portal.stop)
        self.addCleanup(self.end_all)

    def new_portal(self):
        return PortalDouble(self.instance.pki, script=self.act, port=self.port).start()

    def act(self, call):
        mine = self.acts.get(call.book_id)
        return mine.pop(0) if mine else self.otherwise(call) if callable(self.otherwise) else self.otherwise

    def end_all(self):
        """What a test leaves is nobody's any more."""
        self.sql("update data.outbox set state = 'dropped', reason = 'end of a test', done_at = now(), lease_until = null, lease_owner = null, is_behind = false "
                 "where " + OPEN)

    def sql(self, text, *args):
        """By a connection of this thread's own: thousands of them are the dearest part of a long day."""
        own = getattr(self.consoles, "own", None)
        if own is None or own.closed or select.select([own], [], [], 0)[0]:  # nothing is to be read but that it is over
            own = self.consoles.own = self.instance.connect()
        with own.cursor() as cursor:
            cursor.execute(text, args)
            return cursor.fetchall() if cursor.description else None

    # ---- bookings and changes ------------------------------------------------------------------------------------

    def book(self, organization=MOSCOW, agency="AAAA00001"):
        client = self.portal_client(agency)
        slot, *more = [s["slotId"] for s in self.free_slots(client, organization)]
        book_id = new_id()
        self.assertEqual(client.book(book_id, slot, organization, services=[SERVICE]).status_code, "201")
        return book_id, more

    def portal_client(self, agency="AAAA00001"):
        return super().portal(recipient=agency)

    def bookings(self, n):
        """As many as wanted, without their places: what is told of them is the comment."""
        rows = self.sql("""insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, status_message, service_ids, channel,
            created_at, changed_at) select u, u, '1000000000', %s, 'BOOKED', '201', '', '{}', 'portal', now(), now()
            from (select gen_random_uuid()::text as u from generate_series(1, %s)) as t returning book_id""", MOSCOW, n)
        return [r[0] for r in rows]

    def change(self, book_id, comment, cursor=None):
        """By the agency, in a transaction: the booking, and what the portal is to be told of it."""
        text = """update data.booking set status_message = %s, changed_at = clock_timestamp() where book_key = %s;
                  select data.push(b) from data.booking as b where b.book_key = %s"""
        (cursor.execute if cursor is not None else lambda text, args: self.sql(text, *args))(text, (comment, book_id, book_id))

    def rows(self, book_id, columns="state"):
        return self.sql("select %s from data.outbox where book_key = %%s order by outbox_id" % columns, book_id)

    def states(self, book_id):
        return [r[0] for r in self.rows(book_id)]

    def expected(self, book_ids):
        found = {b: [] for b in book_ids}
        for book_id, *told in self.sql("""select book_key, payload #>> '{status,statusCode}', payload #>> '{timeslot,visitTime}',
                coalesce(payload #>> '{status,statusMessage}', '') from data.outbox where state <> 'dropped' order by outbox_id"""):
            if book_id in found:
                found[book_id].append(tuple(told))
        return found

    def live(self):
        return [self.instance.pid()]

    def nudge(self, leases="dead"):
        """Pauses are over, and so are leases: of those who are dead; or all, though somebody may be at it."""
        these = "update data.outbox set %s where outbox_id in (select outbox_id from data.outbox where %s for no key update skip locked)"  # nobody is waited for
        self.sql(these % ("next_attempt_at = clock_timestamp()", "state = 'waiting' and next_attempt_at > clock_timestamp()"))
        self.sql(these % ("lease_until = clock_timestamp()", "state = 'sending' and lease_until > clock_timestamp() and (%s or split_part(lease_owner, ':', 2)::integer <> all(%s))"),
                 leases == "all", [pid for pid in self.live() if pid is not None])

    def open_rows(self, book_ids=None):
        if book_ids is None:
            return self.one("select count(*) from data.outbox where " + OPEN)
        return self.one("select count(*) from data.outbox where book_key = any(%s) and " + OPEN, list(book_ids))

    def settle(self, book_ids, every_s=0.02):
        def is_done():
            if self.open_rows(book_ids) == 0:
                return True
            self.nudge()
            return False
        try:
            wait_until(is_done, PATIENT_S, "an empty outbox", every_s)
        except AssertionError as e:
            raise AssertionError("%s: %s" % (e, self.sql("select state, attempts, last_error from data.outbox where %s limit 20" % OPEN))) from None

    def came(self, book_id):
        return [c for c in list(self.portal.calls) if c.book_id == book_id]

    def wait_came(self, book_id, n=1):
        wait_until(lambda: len(self.came(book_id)) >= n, PATIENT_S, "%d deliveries of %s" % (n, book_id))

    def assert_judged(self, book_ids, dropped=()):
        self.assertEqual(self.portal.judge(self.expected(book_ids), dropped), [])

    def log(self):
        return self.instance.log.read_text(errors="replace")

    def reload(self, text):
        loaded = self.log().count(" reload result=")
        self.instance.conf.write_text(text)
        os.kill(self.instance.pid(), signal.SIGHUP)
        wait_until(lambda: self.log().count(" reload result=") > loaded, PATIENT_S, "a reload")


class Push(Deliveries):
    def test_the_offices_word_reaches_the_portal(self):
        book_id, free = self.book()
        time_of = lambda: self.one("select data.visit_json(b) ->> 'visitTime' from data.booking as b where book_key = %s", book_id)
        self.assertEqual(self.sql("select * from admin.move(%s, %s, 'специалист болен')", book_id, free[0])[0][0], "сделано")
        moved = time_of()
        self.sql("select * from admin.cancel(%s, 'авария в здании', 'телефон +7 000 000-00-01')", book_id)
        self.settle([book_id])
        self.assert_judged([book_id])
        self.assertEqual([(c.status, c.timeslot.get("visitTime")) for c in self.came(book_id)], [("201", moved), ("302", None)])
        first = self.came(book_id)[0]
        self.assertEqual((first.timeslot["organizationId"], first.timeslot["areaId"], first.agency), (MOSCOW, ROOM[MOSCOW], "AAAA00001"))
        self.assertIn("авария в здании", self.came(book_id)[1].message)
        self.assertEqual(self.states(book_id), ["answered", "answered"])

    def test_both_messages_are_journalled_as_a_pair(self):
        """J1: ours and the portal's, byte for byte."""
        book_id, = self.bookings(1)
        self.change(book_id, "одно")
        self.settle([book_id])
        (journal_id,), = self.rows(book_id, "journal_id")
        pair = {d: (bytes(body), channel) for d, body, channel in self.sql("select direction, body, channel from data.journal where journal_id = %s", journal_id)}
        self.assertEqual(sorted(pair), ["in", "out"])
        frame, values = self.portal.read(pair["out"][0])
        self.assertEqual((values["book_id"], frame["CaseNumber"]), (book_id, self.came(book_id)[0].case))
        self.assertIn(b"updateBookingDetailsResponse", pair["in"][0])

    def test_whose_word_an_answer_was_is_in_the_journal(self):
        """J1: with each answer where it came from and what was found of its signature, also when it was refused."""
        book_id, = self.bookings(1)
        self.acts = {book_id: [Act("unsigned"), Act("stranger"), Act("http", http=503), Act("other-sender")]}
        self.change(book_id, "одно")
        self.settle([book_id])
        pairs = self.sql("""select j.verdict, j.method, j.peer, j.status, o.method, o.message_id = j.message_id from data.outbox_event as e join data.journal as j on j.journal_id = e.journal_id and j.direction = 'in'
            join data.journal as o on o.journal_id = e.journal_id and o.direction = 'out' where e.book_key = %s order by e.event_id""", book_id)
        url, method = "http://127.0.0.1:%d/" % self.port, "updateBookingDetails"
        self.assertEqual([(p[0], p[3]) for p in pairs], [("SECURITY", "again"), ("TOKEN", "again"), ("ENVELOPE", "again"), ("good", "again"), ("good", "answered")])
        self.assertTrue(all((p[1], p[2].startswith(url), p[4], p[5]) == (method, True, method, True) for p in pairs), pairs)

    def test_an_agency_without_a_way_waits(self):
        """L5: and keeps nobody waiting."""
        far, _ = self.book(KAMCHATKA, "BBBB00002")
        near, = self.bookings(1)
        self.sql("select * from admin.cancel(%s, 'авария', 'телефон +7 000 000-00-01')", far)
        self.change(near, "дошло")
        self.settle([near])
        self.assert_judged([near])
        self.assertEqual(self.states(far), ["waiting"])
        self.assertEqual(self.came(far), [])
        self.assertEqual(self.rows(far, "attempts"), [(0,)])

    def test_the_portal_is_down_for_a_while(self):
        ids = self.bookings(5)
        self.portal.stop()
        for i in range(4):
            for book_id in ids:
                self.change(book_id, "перемена %d" % i)
        wait_until(lambda: self.one("select count(*) from data.outbox where attempts > 0 and state = 'waiting' and book_key = any(%s)", ids) == 5, PATIENT_S, "five were tried")
        self.assertEqual(self.one("select count(*) from data.outbox where message_id is not null and book_key = any(%s)", ids), 5)
        self.portal = self.new_portal()
        self.addCleanup(self.portal.stop)
        self.settle(ids)
        self.assert_judged(ids)
        self.assertEqual(len(self.portal.calls), 20)

    def test_a_message_of_the_day_before_yesterday_is_made_anew(self):
        """The portal was away so long that it would refuse the old one for its date."""
        book_id, young = self.bookings(2)
        self.acts = {b: [Act("lost-before")] for b in (book_id, young)}
        self.change(book_id, "давно")
        self.change(young, "только что")
        wait_until(lambda: self.one("select count(*) from data.outbox where state = 'waiting' and last_error is not null and book_key = any(%s)", [book_id, young]) == 2, PATIENT_S, "both were tried")
        old = self.came(book_id)[0].case
        self.assertEqual(old[14], "1")
        two_days = 2 * 86400 * 10_000_000  # in the ticks of a version 1 UUID
        u = uuid.UUID(old)
        ticks = u.time - two_days
        aged = str(uuid.UUID(fields=(ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF | 0x1000, u.clock_seq_hi_variant, u.clock_seq_low, u.node)))
        self.sql("update data.outbox set message_id = %s, case_number = %s where book_key = %s", aged, aged, book_id)
        self.settle([book_id, young])
        self.assert_judged([book_id, young], dropped=[book_id])
        self.assertNotIn(self.came(book_id)[1].case, (old, aged))
        self.assertEqual(len({c.case for c in self.came(young)}), 1)
        self.assertEqual(self.rows(book_id, "message_id")[0][0], self.came(book_id)[1].case)

    def test_each_trouble_ends_in_the_same_octets(self):
        """Whatever comes instead of an answer: sent again as it was, once in effect, and the next of the booking behind it."""
        troubles = {
            "late": Act(late=3), "lost before": Act("lost-before"), "lost after": Act("lost-after"), "cut in the head": Act("cut", at=10), "cut in the body": Act("cut", at=900),
            "500": Act("http", http=500), "503": Act("http", http=503), "404": Act("http", http=404, text="not found", type="text/plain"), "302": Act("http", http=302),
            "a page": Act("http", http=200, text="<html>%s</html>" % SECRET), "nothing": Act("http", http=200, text=""), "202": Act("http", http=202, text=""),
            "a fault of the server": Act("fault", message=SECRET), "an unsigned fault": Act("fault", code="soap:Client", signed=False, message=SECRET),
            "unsigned": Act("unsigned", applied=True), "a stranger": Act("stranger", applied=True), "another call's": Act("other-call"), "another's": Act("other-sender"),
            "error 1": Act(error=1, message=SECRET), "error 101": Act(error=101, message=SECRET), "FAILURE": Act(status="FAILURE"), "NOTIFY": Act(status="NOTIFY"),
            "ACCEPT": Act(status="ACCEPT"), "too large": Act("http", http=200, text="<a>%s</a>" % ("x" * 600000), type="text/xml"),
            "twice lost": Act("lost-after"), "SMEV in its place": Act(signer="smev", applied=True), "a revoked one": Act(signer="revoked", applied=True),
            "the agency itself": Act(signer="agency-a", applied=True), "one who is no sender": Act(signer="other", applied=True),
        }
        ids = dict(zip(troubles, self.bookings(len(troubles))))
        for name, act in troubles.items():
            self.acts[ids[name]] = [act] + [Act("lost-after")] * (name == "twice lost")
        good = self.bookings(2 * len(troubles))
        for i, (name, book_id) in enumerate(ids.items()):  # between them what goes well: the portal is there
            self.change(book_id, "первое: " + name)
            self.change(book_id, "второе: " + name)
            self.change(good[2 * i], "хорошее")
            self.change(good[2 * i + 1], "хорошее")
        self.settle([*ids.values(), *good])
        self.assert_judged([*ids.values(), *good])
        for name, book_id in ids.items():
            with self.subTest(name):
                came = self.came(book_id)
                self.assertEqual(len(came), 4 if name == "twice lost" else 3)
                self.assertEqual(len({c.digest for c in came[:-1]}), 1)
                self.assertEqual(self.states(book_id), ["answered"] * 2)
        self.assertNotIn(SECRET, self.log())

    def test_answers_that_are_good_in_other_ways(self):
        ways = {"countersigned by SMEV": Act("countersigned"), "without a number": Act("no-case"), "in pieces": Act(drip=700), "HTTP 500": Act(http=500), "error 5": Act(error=5, applied=True),
                "the next key": Act(signer="portal-new"), "512 bits": Act(signer="portal-512")}
        ids = dict(zip(ways, self.bookings(len(ways))))
        for name, book_id in ids.items():
            self.acts[book_id] = [ways[name]]
            self.change(book_id, name)
        wait_until(lambda: self.open_rows(ids.values()) == 0, PATIENT_S, "all are answered")
        for name, book_id in ids.items():
            self.assertEqual(len(self.came(book_id)), 1, name)

    def test_what_the_portal_refuses_stops_its_booking_alone(self):
        refusals = {"error 2": Act(error=2, message=SECRET), "error 3": Act(error=3, message=SECRET), "error 4": Act(error=4, message=SECRET), "REJECT": Act(status="REJECT"),
                    "INVALID": Act(status="INVALID"), "fault": Act("fault", code="soap:Client", message=SECRET)}
        ids = dict(zip(refusals, self.bookings(len(refusals))))
        other, = self.bookings(1)
        for name, book_id in ids.items():
            self.acts[book_id] = [refusals[name]]
            self.change(book_id, "первое")
            self.change(book_id, "второе")
        self.change(other, "чужое")
        wait_until(lambda: all(self.states(b) == ["stopped", "waiting"] for b in ids.values()), PATIENT_S, "all are stopped: %s" % {n: self.rows(b, "state, last_error") for n, b in ids.items()})
        self.settle([other])
        self.nudge()
        for name, book_id in ids.items():
            self.assertEqual(len(self.came(book_id)), 1, name)
            why = self.rows(book_id, "last_error")[0][0]
            self.assertIn("портал", why)
            if refusals[name].message == SECRET:
                self.assertIn(SECRET, why)
        alarms = "\n".join(r[0] for r in self.sql("select t::text from admin.check() as t"))
        self.assertIn("отказал", alarms)
        metrics = self.instance.admin("/metrics")[1]
        refused = [line for line in metrics.splitlines() if line.startswith('zapisd_push_attempts_total{agency="AAAA00001",outcome="refused"}')]
        self.assertGreaterEqual(float(refused[0].rsplit(" ", 1)[1]), len(ids))
        for said in (self.log(), metrics, self.instance.admin("/readyz")[1]):
            self.assertNotIn(SECRET, said)
        # one goes again, as a new message; of another the first is given up, and the second goes
        again, given_up = ids["error 4"], ids["REJECT"]
        old = self.came(again)[0].case
        self.assertEqual(self.one("select admin.outbox_requeue(outbox_id) from data.outbox where book_key = %s order by outbox_id limit 1", again), 1)
        self.assertEqual(self.one("select admin.outbox_drop(outbox_id, 'записи на портале нет') from data.outbox where book_key = %s order by outbox_id limit 1", given_up), 1)
        self.settle([again, given_up])
        self.assertNotEqual(self.came(again)[1].case, old)
        self.assertEqual([c.message for c in self.came(again)], ["первое", "первое", "второе"])
        self.assertEqual([c.message for c in self.came(given_up)], ["первое", "второе"])
        self.assertEqual(self.states(given_up), ["dropped", "answered"])

    def test_held_by_hand(self):
        held, free = self.bookings(2)
        self.portal.is_down = True
        for text in ("первое", "второе"):
            self.change(held, text)
            self.change(free, text)
        def hold():
            try:
                return self.one("select admin.outbox_hold(%s, 'проверяем')", held)
            except Exception as e:  # it is under way: who asks is told so, and asks again
                self.assertIn("сейчас передаётся", str(e))
                return 0
        wait_until(lambda: hold() > 0 or self.states(held) == ["held", "held"], PATIENT_S, "it is held")
        self.portal.is_down = False
        self.settle([free])
        self.assertEqual(self.came(held), [])
        self.sql("select admin.outbox_release(%s)", held)
        self.settle([held])
        self.assert_judged([held, free])

    def test_told_again_as_it_is_now(self):
        book_id, = self.bookings(1)
        self.change(book_id, "одно")
        self.settle([book_id])
        self.sql("select admin.outbox_resend(%s)", book_id)
        self.settle([book_id])
        self.assertEqual([c.message for c in self.came(book_id)], ["одно", "одно"])
        self.assert_judged([book_id])

    def test_a_reload_changes_the_way(self):
        """Another portal's address, and none at all: nothing is lost and nothing sent twice."""
        a, b = self.bookings(2)
        was = self.instance.conf.read_text()
        reload = self.reload
        self.addCleanup(reload, was)
        elsewhere, = free_ports(1)
        reload(was.replace("127.0.0.1:%d/equeue/portal" % self.port, "127.0.0.1:%d/equeue/portal" % elsewhere))
        self.change(a, "первое")
        wait_until(lambda: self.rows(a, "attempts, state")[0] >= (1, "waiting"), PATIENT_S, "it was tried")
        reload(was[:was.index("[push ")])
        self.change(b, "без дороги")
        self.nudge()
        self.assertEqual((self.came(a), self.came(b)), ([], []))
        reload(was)
        self.settle([a, b])
        self.assert_judged([a, b])


    def test_a_portal_over_tls(self):
        """Whom ca has signed is spoken to; whoever else listens there hears nothing of anybody."""
        was = self.instance.conf.read_text()
        self.addCleanup(self.reload, was)
        good, wrong = self.instance.dir / "good", self.instance.dir / "wrong"
        for stem in (good, wrong):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout",
                            "%s.key" % stem, "-out", "%s.pem" % stem], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("%s.pem" % good, "%s.key" % good)
        self.portal.tls = context
        over_tls = lambda stem: was.replace("http://127.0.0.1:%d/" % self.port, "https://localhost:%d/" % self.port) + "ca = %s.pem\n" % stem
        self.reload(over_tls(wrong))
        book_id, = self.bookings(1)
        self.change(book_id, "тайное")
        wait_until(lambda: self.rows(book_id, "last_error")[0][0] is not None, PATIENT_S, "it was tried")
        self.assertEqual(self.came(book_id), [])
        self.reload(over_tls(good))
        self.settle([book_id])
        self.assert_judged([book_id])


class Storms(Deliveries):
    """Two daemons, one database, one portal."""

    may_die = True
    ways = {"timeout": "1s"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemons = [cls.instance]
        second = Instance(BUILD / "e2e" / (NAME + "-second"), BINARY, **cls.options())
        second.pg, second.pki = cls.instance.pg, cls.instance.pki
        second.dir.mkdir(parents=True, exist_ok=True)
        second.start_daemon()
        cls.daemons.append(second)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.daemons[1].stop_daemon()
        finally:
            super().tearDownClass()

    def live(self):
        return [d.pid() for d in self.daemons]

    def kill_one(self, rng):
        victim = rng.choice(self.daemons)
        os.kill(victim.pid(), signal.SIGKILL)
        victim.process.wait()
        victim.start_daemon()

    def troubled(self, rng):
        """Of ten deliveries one or two go wrong."""
        acts = [Act("lost-before"), Act("lost-after"), Act("cut", at=60), Act("cut", at=1500), Act("http", http=503), Act(error=1), Act("unsigned", applied=True), Act("fault"),
                Act(late=1.3), Act("other-call"), Act("stranger")]
        lock = threading.Lock()

        def act(call):
            with lock:
                return rng.choice(acts) if rng.random() < 0.15 else Act(late=rng.random() * 0.01)
        return act

    def storm(self, seed, changes, ids, verb=None, kills=3):
        """Changes of several clerks, a portal in trouble and down for a while, daemons that die."""
        rng = random.Random(seed)
        self.otherwise = self.troubled(random.Random(seed + 1))
        todo = [(rng.choice(ids), i) for i in range(changes)]
        problems, stop = [], threading.Event()

        def clerk(part):
            connection = self.instance.connect()
            try:
                with connection.cursor() as cursor:
                    for book_id, i in part:
                        self.change(book_id, "перемена %d" % i, cursor)
            except Exception as e:
                problems.append(e)
            finally:
                connection.close()

        def hurry():
            own = random.Random(seed + 2)
            while not stop.wait(0.2):
                try:
                    self.nudge("all" if verb is None and own.random() < 0.2 else "dead")
                    if verb is not None:
                        verb(own)
                except Exception as e:
                    problems.append(e)

        # by booking, so that the order of its changes is the order they were made in
        place = {b: n for n, b in enumerate(ids)}
        parts = [[t for t in todo if place[t[0]] % 3 == k] for k in range(3)]
        workers = [threading.Thread(target=clerk, args=(p,)) for p in parts] + [threading.Thread(target=hurry)]
        for w in workers:
            w.start()
        try:
            for n in range(kills):
                wait_until(lambda: len(self.portal.calls) >= (n + 1) * changes // (kills + 2) or self.open_rows() == 0, 10 * PATIENT_S, "deliveries")
                self.kill_one(rng)
                if n == 1:
                    self.portal.is_down = True
                    wait_until(lambda: self.one("select count(*) from data.outbox where state = 'waiting' and attempts > 0 and last_error is not null and book_key = any(%s)", ids) > 0
                               or self.open_rows(ids) == 0, PATIENT_S, "it is felt")
                    self.portal.is_down = False
            for w in workers[:-1]:
                w.join()
        finally:
            self.portal.is_down = False
            stop.set()
            workers[-1].join()
        self.assertEqual(problems, [])

    def test_changes_in_a_day_of_trouble(self):
        """ZAPISD_PUSH_CHANGES=10000 for the long one, ZAPISD_SEED to repeat one."""
        changes, seed = int(os.environ.get("ZAPISD_PUSH_CHANGES", "300")), int(os.environ.get("ZAPISD_SEED", "329"))
        ids = self.bookings(max(10, changes // 10))
        with self.subTest(seed=seed, changes=changes):
            self.storm(seed, changes, ids)
            self.settle(ids, changes / 20000)
            self.assert_judged(ids)
            self.assertEqual(len(self.portal.applied), changes)
            self.assertGreater(len(self.portal.calls), changes)  # there was trouble

    def test_every_verb_against_the_delivery(self):
        """hold, release, requeue, drop, done, resend at any moment: order stays, what was not given up arrives, what flies is let fly."""
        seed = int(os.environ.get("ZAPISD_SEED", "329"))
        ids = self.bookings(12)
        verbs = ("outbox_hold(%s)", "outbox_release(%s)", "outbox_requeue(%s)", "outbox_drop(%s, 'снято')", "outbox_done(%s)", "outbox_resend(%s)")
        told = collections.Counter()

        def verb(rng):
            connection = self.instance.connect("postgres")
            try:
                with connection.cursor() as cursor:
                    for _ in range(4):
                        word, book_id = rng.choice(verbs), rng.choice(ids)
                        try:
                            cursor.execute("select admin." + word, (book_id,))
                            told[word] += 1
                        except Exception as e:  # refused by name, in Russian, and nothing is changed
                            self.assertRegex(str(e), "передаётся|передано|говорит то же|задержан|Сначала|стоит|снято")
                            told["refused"] += 1
            finally:
                connection.close()

        self.storm(seed, 120, ids, verb, kills=2)
        self.sql("select admin.outbox_release(x.outbox_id) from data.outbox as x where x.state = 'held' and x.book_key = any(%s)", ids)
        self.settle(ids)
        self.assertEqual([w for w in self.portal.violations], [])
        rows = collections.defaultdict(list)
        for book_id, comment, state, done_by in self.sql("select book_key, payload #>> '{status,statusMessage}', state, done_by from data.outbox where book_key = any(%s) order by outbox_id", ids):
            rows[book_id].append((int(comment.split()[1]), state == "answered" and done_by is None))
        for book_id in ids:
            came = [int(c.message.split()[1]) for c in self.portal.effects[book_id]]
            self.assertEqual(came, sorted(came), "out of order")
            must = {n for n, is_told in rows[book_id] if is_told}
            self.assertEqual(must - set(came), set(), "said to be answered and never came")
        self.assertGreater(sum(told.values()) - told["refused"], 0)

    def test_a_closures_many_keep_within_their_bounds(self):
        """L1, L3: sessions and calls are bounded; requests are answered meanwhile. ZAPISD_PUSH_MANY=2000 for a large one."""
        ids = self.bookings(int(os.environ.get("ZAPISD_PUSH_MANY", "500")) // 4)
        self.sql("select data.push(b) from data.booking as b, generate_series(1, 4) where b.book_key = any(%s)", ids)
        client = self.portal_client()
        most = asked = 0
        while self.open_rows(ids) > 0:
            most = max(most, self.one("select count(*) from pg_stat_activity where usename = 'zapisd_daemon'"))
            self.assertEqual(client.get_refs_list().error_code, 0)
            asked += 1
        self.assertGreater(asked, 1)
        self.assertLessEqual(most, 2 * 8)  # [database] connections of two daemons
        self.assertLessEqual(self.portal.most_open, 2 * 8)
        self.assert_judged(ids)


if __name__ == "__main__":
    e2e.main()
