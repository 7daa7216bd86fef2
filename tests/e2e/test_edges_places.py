#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Edge cases 1, 2, 14-16: one place and many who want it, a daemon that is killed, answers that are lost (B1, B2, B4, B6; A6, A7, A26, A32).
ZAPISD_EDGE_ROUNDS and ZAPISD_EDGE_KILLS: how often the race of case 1 is run, and how often case 2 kills."""
import datetime
import http.client
import os
import random
import signal
import socket
import threading
import time

import edges
from e2e import KAMCHATKA, MOSCOW, PATIENT_S, SERVICE, new_id, together
from edges import MOSCOW_ROOM, MOSCOW_ROOM_2, Edges, at

GONE = (http.client.HTTPException, ConnectionError, TimeoutError)


class Places(Edges):
    may_die = True  # case 2

    def tearDown(self):
        self.assert_places_sound()

    # ---- 1 -----------------------------------------------------------------------------------------------------------

    def edge_01_last_place(self):
        """1: two book the last place again and again: exactly one 201, the other 208 + error 4; places taken = capacity at every instant"""
        rounds = int(os.environ.get("ZAPISD_EDGE_ROUNDS", "200"))
        room = self.slots(1)[0]["slotId"]
        hall = next(s["slotId"] for s in self.later(self.client.get_slots(MOSCOW, areas=["hall-1"]).slots) if s["areaId"] == "hall-1")
        for _ in range(2):  # the hall has three places; the third is the last
            self.assert_reply(self.book(hall), "201")
        watching, most, peeks = threading.Event(), {room: 0, hall: 0}, [0]

        def watch():
            connection = self.instance.connect()
            with connection.cursor() as cursor:
                while not watching.is_set():
                    cursor.execute("select slot_id::text, count(*) from data.place where slot_id in (%s, %s) group by 1", (room, hall))
                    for slot, n in cursor.fetchall():
                        most[slot] = max(most[slot], n)
                    peeks[0] += 1
            connection.close()

        watcher = threading.Thread(target=watch)
        watcher.start()
        barrier, won, clients = threading.Barrier(2), [0, 0], [self.plain(), self.plain()]

        def racer(i):
            for n in range(rounds):
                slot, book_id, esia_id = (room, hall)[n % 2], new_id(), "200000%d%04d" % (i, n)
                barrier.wait(60)
                reply = clients[i].book(book_id, slot, MOSCOW, False, esia_id=esia_id)
                replies[i] = (reply.status_code, reply.error_code)
                barrier.wait(60)
                self.assertEqual(sorted(replies), [("201", 0), ("208", 4)])
                if reply.status_code == "201":
                    won[i] += 1
                    capacity = 1 if slot == room else 3
                    self.assertEqual(self.one("select count(*) from data.place where slot_id = %s", slot), capacity)
                    self.assertEqual(clients[i].cancel_booking(book_id, esia_id).status_code, "301")

        replies = [None, None]

        def guarded(i):
            try:
                racer(i)
            except BaseException:
                barrier.abort()
                raise

        try:
            results = together(2, guarded)
        finally:
            watching.set()
            watcher.join()
        for r in results:
            if isinstance(r, BaseException) and not isinstance(r, threading.BrokenBarrierError):
                raise r
        self.assertEqual(sum(won), rounds)
        self.assertEqual(most, {room: 1, hall: 3})
        self.assertGreater(peeks[0], rounds)

    # ---- 2 -----------------------------------------------------------------------------------------------------------

    def send_until_answered(self, client, message, seconds=PATIENT_S):
        """The portal's patience: the same bytes until there is an answer."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                reply = client.post(message)
                if reply.http_status != 503:
                    return client.read(reply)
            except GONE:
                pass
            self.assertLess(time.monotonic(), deadline, "no answer")
            time.sleep(0.02)

    def edge_02_killed_in_a_move(self):
        """2: move to slot S2 and area A2, the process killed between the steps: either both old or both new, never mixed"""
        seed = int(os.environ.get("ZAPISD_SEED", random.randrange(2 ** 32)))
        print("ZAPISD_SEED=%d" % seed, flush=True)
        rng, kills = random.Random(seed), int(os.environ.get("ZAPISD_EDGE_KILLS", "12"))
        old = {(s["slotId"], MOSCOW_ROOM) for s in self.neighbours(2)}
        free = self.later(self.client.get_slots(MOSCOW, areas=[MOSCOW_ROOM_2]).slots)
        free = next([a, b] for a, b in zip(free, free[1:]) if at(b["visitTime"]) - at(a["visitTime"]) == datetime.timedelta(minutes=20))
        new = {(s["slotId"], MOSCOW_ROOM_2) for s in free}
        sides, book_id, client = [old, new], new_id(), self.portal()
        envelope = lambda side: client.envelope("book", client.book_items(book_id, sorted(s for s, _ in side), MOSCOW, False, esia_id=self.person))
        there = lambda: {(str(s), a) for s, a in self.sql(
            "select slot_id, a.area_id from data.place join data.area as a using (area_key) where book_key = %s", book_id)}
        self.assertEqual(client.read(client.post(envelope(old))).status_code, "201")
        seen, answered = set(), 0
        for n in range(kills):
            side = sides[(n + 1) % 2]
            message, pid = envelope(side), self.instance.pid()
            killer = threading.Timer(rng.uniform(0, 0.03), os.kill, (pid, signal.SIGKILL))
            killer.start()
            try:
                answered += client.post(message).http_status == 200
            except GONE:
                pass
            killer.join()
            self.assertEqual(self.instance.process.wait(), -signal.SIGKILL)
            self.assertIn(there(), sides)  # at once, and when the database has noticed
            self.instance.start_daemon()
            now = there()
            self.assertIn(now, sides)
            seen.add(now == side)
            self.assertEqual(self.states(book_id)[:1], ["BOOKED"])
            status = self.status(book_id, client)
            self.assertEqual({(s["slotId"], s["areaId"]) for s in status.slots}, now)
            reply = self.assert_reply(self.send_until_answered(client, message), "201")  # the retry gets the true answer
            self.assertEqual({(s["slotId"], s["areaId"]) for s in reply.slots}, side)
            self.assertEqual(there(), side)
            self.assertEqual(client.post(message).body, reply.body)
        self.assertEqual(len(self.states(book_id)), kills + 1)  # each move happened, and once
        print("%d moves killed, %d answered before, old and new found after it: %s" % (kills, answered, sorted(seen)), flush=True)

    # ---- 14 ----------------------------------------------------------------------------------------------------------

    def edge_14_repeated_and_foreign(self):
        """14: identical book after a lost answer: same answer, one booking; same bookId, other esiaId: refused, nothing leaked"""
        slot, other = (s["slotId"] for s in self.slots(2))
        for client, book_id, wanted in ((self.portal(), new_id(), slot), (self.client, new_id(), other)):
            message = client.envelope("book", client.book_items(book_id, wanted, MOSCOW, False, esia_id=self.person))
            with socket.create_connection((client.host, client.port)) as s:  # sent, and nobody waits for the answer
                s.sendall(b"POST /equeue HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml; charset=UTF-8\r\nSOAPAction: \"book\"\r\n"
                          b"Content-Length: %d\r\n\r\n" % len(message) + message)
                deadline = time.monotonic() + PATIENT_S
                while not self.taken(book_id):
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.01)
            replies = [self.assert_reply(client.read(client.post(message, "book")), "201") for _ in range(3)]
            self.assertEqual({r.body for r in replies}, {replies[0].body})
            self.assertEqual((self.states(book_id), self.taken(book_id)), (["BOOKED"], {wanted}))
            # signed or sent anew, the content being the same
            self.assertEqual(self.assert_reply(self.book(wanted, book_id, client=client), "201").slots, replies[0].slots)
            self.assertEqual(self.states(book_id), ["BOOKED"])

            free = self.slots(1)[0]["slotId"]
            for want in (free, wanted):
                for preliminary in (False, True):
                    stranger = self.assert_reply(self.book(want, book_id, preliminary, client, esia_id="1999999999"), "207", 2, {"bookId": 2})
                    self.assertEqual((stranger.slots, stranger.text("esiaId")), ([], "1999999999"))
                    text = stranger.body.decode()
                    self.assertNotIn(self.person, text)
                    self.assertNotIn(wanted, text)
            self.assertEqual((self.states(book_id), self.taken(book_id)), (["BOOKED"], {wanted}))
            self.assertIn(free, self.offered())
            self.assertEqual(self.assert_reply(self.status(book_id, client), "201").slots[0]["slotId"], wanted)
            self.assert_reply(self.cancel(book_id, client), "301")

    # ---- 15 ----------------------------------------------------------------------------------------------------------

    def edge_15_blind_request(self):
        """15: blind_request alone; beside another slotId: error 2; no slots: 208; 50 at once; earliest of this organization; BLIND_REQUEST no keyword"""
        self.office("E15", areas=("a", "b"))
        none = self.assert_reply(self.book("blind_request", organization="E15"), "208", 4)  # no slots
        self.assertTrue(none.text("error/errorDetail/errorMessage"))
        self.assertEqual(none.slots, [])

        slot = self.slots(1)[0]["slotId"]
        book_id = new_id()
        for ids in (["blind_request", slot], [slot, "blind_request"], ["blind_request", "blind_request"]):
            self.assert_reply(self.book(ids, book_id), "207", 2, {"slotId": 1})
        for word in ("BLIND_REQUEST", "Blind_Request", "blind-request", " blind_request", "blindRequest"):
            self.assert_reply(self.book(word, book_id), "207", 2, {"slotId": 1})
        self.assertEqual((set(self.states(book_id)), self.taken(book_id)), ({"RETURNED"}, set()))  # item 15.1: remembered, nothing is booked
        self.assertTrue(self.is_free(self.client, slot))

        # Of this organization: the demonstration offices have earlier places.
        days = [str(r[0]) for r in self.sql("select (now() at time zone 'Europe/Moscow')::date + n from generate_series(20, 21) as n")]
        late, early = self.add_slot("E15", days[1] + " 09:00"), self.add_slot("E15", days[0] + " 17:30", "b")
        for wanted in (early, late):
            reply = self.assert_reply(self.book("blind_request", organization="E15", services=[SERVICE]), "201")
            self.assertEqual([(s["slotId"], s["organizationId"]) for s in reply.slots], [(wanted, "E15")])
        self.assert_reply(self.book("blind_request", organization="E15"), "208", 4)  # nothing left, though others have much
        # held preliminarily as well, and confirmed it keeps its place
        book_id = new_id()
        reply = self.assert_reply(self.hold("blind_request", book_id, services=[SERVICE]), "201")
        self.assertEqual(reply.slots[0]["organizationId"], MOSCOW)
        self.assertEqual(self.assert_reply(self.book(reply.slots[0]["slotId"], book_id, services=[SERVICE]), "201").slots[0]["slotId"], reply.slots[0]["slotId"])

        clients = [self.plain() for _ in range(50)]
        replies = together(50, lambda i: clients[i].book(new_id(), "blind_request", MOSCOW, False, services=[SERVICE], areas=[MOSCOW_ROOM], esia_id=str(4000000000 + i)))
        for reply in replies:
            self.assert_reply(reply, "201")
        places = {(s["slotId"]) for r in replies for s in r.slots}
        self.assertEqual(len(places), 50)

    # ---- 16 ----------------------------------------------------------------------------------------------------------

    def edge_16_several_slots(self):
        """16: three slotIds: one busy: none booked; duplicates in the list; slots of two organizations; not adjacent"""
        run = [s["slotId"] for s in self.neighbours(5)]
        blocker, mine = new_id(), new_id()
        for busy in range(3):
            self.assert_reply(self.book(run[busy], blocker), "201")
            reply = self.assert_reply(self.book(run[:3], new_id(), esia_id=self.person + "1"), "208", 4)
            self.assertEqual(reply.slots, [])
            self.assertEqual(set(run[:3]) & set(self.offered(areas=[MOSCOW_ROOM])), set(run[:3]) - {run[busy]})
        self.assert_reply(self.cancel(blocker), "301")
        for preliminary in (False, True):
            for ids in ([run[0], run[1], run[0]], [run[0], run[0].upper()]):
                self.assert_reply(self.book(ids, mine, preliminary), "207", 2, {"slotId": 1})
        foreign = self.client.get_slots(KAMCHATKA).slots[0]["slotId"]
        self.assert_reply(self.book([run[0], foreign], mine), "207", 2, {"slotId": 1})
        self.assert_reply(self.book([run[0], foreign], mine, organization=KAMCHATKA), "207", 2, {"slotId": 1})
        for ids in ([run[0], run[2]], [run[0], run[1], run[3]], [run[0], run[2], run[4]]):
            self.assert_reply(self.book(ids, mine), "207", 2, {"slotId": 1})
        times = {s["slotId"]: s for s in self.client.get_slots(MOSCOW).slots}
        beside = next(i for i, s in times.items() if s["areaId"] == MOSCOW_ROOM_2 and s["visitTime"][11:16] >= "09:20")
        self.assert_reply(self.book([run[0], beside], mine), "207", 2, {"slotId": 1})  # another room
        self.assertEqual((set(self.states(mine)), self.taken(mine)), ({"RETURNED"}, set()))
        self.assertLessEqual(set(run), set(self.offered(areas=[MOSCOW_ROOM])))
        # and what is right: in whatever order they come, one visit in the order of time (A6, A7)
        reply = self.assert_reply(self.book([run[2], run[0], run[1]], mine), "201")
        self.assertEqual([s["slotId"] for s in reply.slots], run[:3])
        self.assertEqual(self.taken(mine), set(run[:3]))
        # by config: no adjacency
        self.sql("update data.organization set adjacency_required = false where organization_id = %s", MOSCOW)
        self.addCleanup(self.sql, "update data.organization set adjacency_required = true where organization_id = %s", MOSCOW)
        reply = self.assert_reply(self.book([run[0], run[2], run[4]], mine), "201")
        self.assertEqual(([s["slotId"] for s in reply.slots], self.taken(mine)), ([run[0], run[2], run[4]], {run[0], run[2], run[4]}))
        self.assert_reply(self.cancel(mine), "301")


if __name__ == "__main__":
    edges.main()
