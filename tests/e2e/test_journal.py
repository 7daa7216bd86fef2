#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What was answered is in the journal, byte for byte, or was not sent (J1, J4); what nobody vouches for has a journal of its own, which
delays and displaces nobody (J4, L3). The oracle is the bytes that came back and the tables."""
import hashlib
import os
import random
import signal
import threading

import e2e
from e2e import E2E, together, wait_until

from smev2client import Fault

SEED = int(os.environ.get("ZAPISD_SEED", random.randrange(2 ** 32)))
TIMEOUT_S = 3


def sha256(body):
    return hashlib.sha256(body).hexdigest()


class JournalTest(E2E):
    def refs(self, client):
        return client.post(client.envelope("getRefsList", []), "getRefsList")

    def rows_of(self, digests):
        """How often each of these answers is in the journal."""
        return dict(self.sql("select encode(sha256(body), 'hex'), count(*) from data.journal where direction = 'out' and encode(sha256(body), 'hex') = any(%s) "
                             "group by 1", list(digests)))

    def assert_journalled(self, replies):
        answered = [sha256(r.body) for r in replies if r.http_status != 503]
        rows = self.rows_of(answered)
        self.assertEqual([d for d in answered if rows.get(d, 0) < answered.count(d)], [])
        return len(answered)


class Burst(JournalTest):
    """An office whose getSlots takes 350 KB."""
    CLIENTS = 100

    @classmethod
    def options(cls):  # however slow the machine: for memory they wait, and nobody's time is over
        return {"edit": lambda text: text.replace("[daemon]", "[daemon]\nrequest_timeout = 300s").replace("[database]", "[database]\nstatement_timeout = 300s")}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.instance.psql("""
            insert into data.organization (organization_id, agency_code, name, time_zone, latitude, longitude, booking_window_days, horizon_days)
            values ('R7700099', 'AAAA00001', 'Большая', 'Europe/Moscow', 55, 37, 365, 0);
            insert into data.organization_service (organization_id, service_id) values ('R7700099', '%s');
            insert into data.area (organization_id, area_id, number, name) values ('R7700099', 'a1', 1, 'Окно');
            insert into data.area_service (area_key, organization_id, service_id) select area_key, organization_id, '%s' from data.area where organization_id = 'R7700099';
            insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
            select ('00000000-0000-1000-8000-ffff' || lpad(to_hex(n), 8, '0'))::uuid, a.organization_id, a.area_key, t, t + interval '15 min'
            from generate_series(1, 1450) n join data.area a on a.organization_id = 'R7700099'
            cross join lateral (select date_trunc('day', now()) + interval '1 day' + n * interval '15 min' as t) x;""" % (e2e.SERVICE, e2e.SERVICE))

    def test_a_burst_of_large_answers(self):  # J1, J4
        """Two large answers to each of a hundred callers at once, more than all of them may have in memory together."""
        def work(_):
            client = self.instance.client("plain", timeout=600)
            try:
                client.post(client.envelope("getRefsList", []), "getRefsList")
                port = client.connection.sock.getsockname()[1]
                return port, [client.post(client.envelope("getSlots", [("organizationId", "R7700099"), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"),
                                                                       ("esiaId", "1000000000")]), "getSlots") for _ in range(2)]
            finally:
                client.close()
        results = together(self.CLIENTS, work)
        self.assertEqual([r for r in results if isinstance(r, BaseException)], [])
        answered = 0
        for port, replies in results:
            good = [r for r in replies if r.http_status != 503]
            answered += len(good)
            self.assertEqual([(r.http_status, len(r.body)) for r in good if r.http_status != 200 or len(r.body) < 300000], [])
            rows = self.sql("select encode(sha256(o.body), 'hex') from data.journal i join data.journal o using (journal_id, at) where i.direction = 'in' "
                            "and o.direction = 'out' and i.peer = %s and i.method = 'getSlots' and o.status = 'error 0'", "127.0.0.1:%d" % port)
            self.assertEqual(sorted(r[0] for r in rows), sorted(sha256(r.body) for r in good), port)
        self.assertGreater(answered, 2 * self.CLIENTS - 20)  # who found no room in time was told so; here all do
        self.assertEqual(self.instance.metric("zapisd_journal_dropped_total"), 0)
        self.assertEqual(self.instance.metric("zapisd_journal_waiting"), 0)
        self.assertEqual(self.instance.metric("zapisd_reads_bytes"), 0)  # each ticket was given back


class Refused(JournalTest):
    """Messages nobody vouches for."""
    BUDGET_KIB = 256

    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[log]", "[limits]\nrefused_peer = %dKiB\n\n[log]" % cls.BUDGET_KIB)}

    def setUp(self):
        self.first = self.one("select coalesce(max(refused_id), 0) from data.journal_refused")

    def restart(self):
        self.assertEqual(self.instance.stop_daemon(), 0)
        self.instance.start_daemon()

    def kept(self):
        return self.sql("select reason, messages, size, encode(digest, 'hex'), head, answer, peer, listener, request_id from data.journal_refused "
                        "where refused_id > %s", self.first)

    def test_an_ordinary_message_is_kept_whole(self):  # J1
        client = self.portal(who="revoked")
        message = client.envelope("getRefsList", [])
        reply = client.post(message)
        plain = self.portal("plain")
        bad = plain.post(b"<a>\xd0\x94</b>")
        self.restart()
        rows = {bytes(r[4]): r for r in self.kept()}
        self.assertEqual(set(rows), {message, b"<a>\xd0\x94</b>"})
        for sent, answer, reason, listener in ((message, reply, "TOKEN", "smev2"), (b"<a>\xd0\x94</b>", bad, "MALFORMED", "plain")):
            row = rows[sent]
            self.assertEqual((row[0], row[1], row[2], row[3], bytes(row[5]), row[7]), (reason, 1, len(sent), sha256(sent), answer.body, listener))
            self.assertTrue(row[6].startswith("127.0.0.1:"))
            self.assertIn(row[8].encode(), bytes(row[5]))  # the reference number of the fault
        self.assertEqual(self.one("select count(*) from data.journal where body = any(%s)", [message, reply.body]), 0)
        seen = self.sql("set role zapisd_operator; select reason, peer, digest from admin.refused()")
        peer = rows[message][6]
        self.assertIn(("TOKEN", peer, sha256(message)), seen)  # this machine's own address hides nobody

    def test_junk_beside_honest_reads(self):  # J4, L3
        """Twelve connections of random megabytes, unsigned, as fast as they go. Honest reads are all answered and all in the journal; none of the junk is;
        what is kept of it is within the budget, and every message is counted."""
        rng, stop, replies = random.Random(SEED), threading.Event(), []
        print("ZAPISD_SEED=%d" % SEED, flush=True)
        junk = [rng.randbytes(rng.randrange(900000, 1048576)) for _ in range(12)]
        sent = [[0, 0, 0] for _ in junk]  # messages, answered otherwise than by refusal, octets

        def throw(i):
            client = self.instance.client(("plain", "smev2")[i % 2], timeout=60)
            while not stop.is_set():
                status = client.post(junk[i]).http_status
                sent[i][0] += 1
                sent[i][1] += status != 500
                sent[i][2] += len(junk[i])
            client.close()

        rows_before = self.one("select count(*) from data.journal")
        threads = [threading.Thread(target=throw, args=(i,)) for i in range(len(junk))]
        for t in threads:
            t.start()
        try:
            wait_until(lambda: all(s[0] > 2 for s in sent), 60, "the junk to flow")
            client = self.instance.client(timeout=60)
            replies = [self.refs(client) for _ in range(60)]
            client.close()
            wait_until(lambda: sum(s[0] for s in sent) > 60, 60, "as much junk as honest reads")
        finally:
            stop.set()
            for t in threads:
                t.join()
        self.assertEqual([r.http_status for r in replies], [200] * 60)
        self.assertEqual(self.assert_journalled(replies), 60)
        self.assertEqual(self.instance.metric("zapisd_journal_dropped_total"), 0)
        self.assertEqual(sum(s[1] for s in sent), 0)
        self.assertEqual(self.one("select count(*) from data.journal") - rows_before, 2 * 60)  # and no junk among them
        self.restart()
        rows = self.kept()
        self.assertEqual((sum(r[1] for r in rows), sum(r[2] for r in rows)), (sum(s[0] for s in sent), sum(s[2] for s in sent)))
        one = [r for r in rows if r[3] is not None]
        self.assertGreater(len(one), 0)
        self.assertLess(sum(len(r[4]) + len(r[5]) for r in one), self.BUDGET_KIB * 1024)
        known = {sha256(j): j for j in junk}
        for row in one:
            self.assertEqual(bytes(row[4]), known[row[3]][:4096])
        self.assertLessEqual({r[0] for r in rows} - {"not kept"}, {"MALFORMED", "ENCODING", "LIMIT", "DOCTYPE"})

    def test_junk_finds_no_way_when_its_table_is_locked(self):  # J4
        """Whoever holds the table of refused messages holds up nobody: neither the refused themselves nor the honest."""
        client, junk = self.portal(), self.portal("plain")
        connection = self.instance.connect()
        connection.autocommit = False
        connection.cursor().execute("lock table data.journal_refused in access exclusive mode")
        try:
            statuses = [junk.post(b"junk %d" % i).http_status for i in range(50)]
            replies = [self.refs(client) for _ in range(20)]
        finally:
            connection.rollback()
            connection.close()
        self.assertEqual((statuses, [r.http_status for r in replies]), ([500] * 50, [200] * 20))
        self.assertEqual(self.assert_journalled(replies), 20)


class Channel(JournalTest):
    """How a message came is known before anything is read of it."""

    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[listener plain]\n", "[listener plain]\nchannel = walk-in\n")}

    def test_every_row_says_by_which_channel_it_came(self):  # J1
        for kind, channel in (("smev2", "portal"), ("plain", "walk-in")):
            client = self.portal(kind)
            for method, fields, status in (("getRefsList", [], 200), ("getRefsList", [("nonsense", "1")], 200), ("book", [], 200), ("noSuchMethod", [], 500)):
                with self.subTest(kind=kind, method=method, fields=fields):
                    message = client.envelope(method, fields)
                    reply = client.post(message, method)
                    self.assertEqual(reply.http_status, status, reply.body)
                    rows = self.sql("select direction, channel from data.journal where body = any(%s)", [message, reply.body])
                    if kind == "plain" and method == "noSuchMethod":
                        self.assertEqual(rows, [])  # nobody vouches for it: it is in the journal apart, which has no channel
                    else:
                        self.assertEqual(sorted(rows), [("in", channel), ("out", None)])


class Hung(JournalTest):
    """The journal cannot be written for a while."""

    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[daemon]", "[daemon]\nrequest_timeout = %ds" % TIMEOUT_S)}

    def reads(self, clients, each):
        def work(i):
            client = self.instance.client(timeout=60)
            try:
                return [self.refs(client) for _ in range(each)]
            finally:
                client.close()
        results = together(clients, work)
        self.assertEqual([r for r in results if isinstance(r, BaseException)], [])
        return [reply for r in results for reply in r]

    def assert_all_accounted(self, replies):
        """Every answer is in the journal; every "come again" that found no way into it is in the one apart, or counted there."""
        self.assert_journalled(replies)
        busy = [sha256(r.body) for r in replies if r.http_status == 503]
        rest = set(busy) - set(self.rows_of(busy))
        wait_until(lambda: not rest - {r[0] for r in self.sql("select encode(sha256(answer), 'hex') from data.journal_refused")}, 30, "the journal apart")
        return len(busy)

    def test_a_locked_journal(self):
        connection = self.instance.connect()
        connection.autocommit = False
        connection.cursor().execute("lock table data.journal in exclusive mode")
        try:
            replies = self.reads(6, 1)
            self.assertEqual([r.http_status for r in replies], [503] * 6)  # nothing of the matter left
            client = self.portal()
            for r in replies:
                with self.assertRaises(Fault):
                    client.read(r)  # signed all the same
        finally:
            connection.rollback()
            connection.close()
        self.assertEqual(self.assert_all_accounted(replies), 6)
        wait_until(lambda: self.instance.metric("zapisd_journal_waiting") == 0, 20, "nobody to wait")
        after = self.reads(6, 2)
        self.assertEqual([r.http_status for r in after], [200] * 12)
        self.assertEqual(self.assert_journalled(after), 12)
        self.assertEqual(self.instance.metric("zapisd_journal_unwritten_total"), 6)

    def test_a_lock_that_goes_in_time(self):
        connection = self.instance.connect()
        connection.autocommit = False
        connection.cursor().execute("lock table data.journal in exclusive mode")
        let_go = threading.Timer(0.5, connection.rollback)
        let_go.start()
        replies = self.reads(10, 2)
        let_go.join()
        connection.close()
        self.assertEqual(self.assert_journalled(replies), len([r for r in replies if r.http_status == 200]))
        self.assertGreater(len([r for r in replies if r.http_status == 200]), 0)

    def test_backends_that_stand_still(self):
        pids = [r[0] for r in self.sql("select pid from pg_stat_activity where usename = 'zapisd_daemon'")]
        rng = random.Random(SEED)
        for moment in range(4):
            stopped = []
            timer = threading.Timer(rng.uniform(0, 0.2), lambda: [stopped.append(p) or os.kill(p, signal.SIGSTOP) for p in pids])
            timer.start()
            again = threading.Timer(TIMEOUT_S * (0.4, 1.5)[moment % 2], lambda: [os.kill(p, signal.SIGCONT) for p in pids])
            again.start()
            replies = self.reads(8, 8)
            timer.join()
            again.join()
            self.assert_all_accounted(replies)
            self.instance.wait_ready()
            pids = [r[0] for r in self.sql("select pid from pg_stat_activity where usename = 'zapisd_daemon'")]

    def test_backends_that_are_ended(self):
        """The connection of a batch goes away before its COMMIT is answered: it is written again."""
        stop = threading.Event()

        def kill():
            while not stop.wait(0.1):
                self.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'zapisd_daemon'")
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            replies = self.reads(6, 30)
        finally:
            stop.set()
            killer.join()
        self.assert_all_accounted(replies)
        self.instance.wait_ready()


if __name__ == "__main__":
    e2e.main()
