#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Many at once: the last place, the same message twice at the same moment, blind requests (B2, B4, B6; facts F9)."""
import collections

import e2e
from e2e import E2E, MOSCOW, SERVICE, new_id, together


class Crowd(E2E):
    def plain(self):
        return self.portal("plain", timeout=60)

    def outcomes(self, results):
        for r in results:
            if isinstance(r, BaseException):
                raise r
        return collections.Counter((r.http_status, r.status_code, r.error_code) for r in results)

    def test_200_clients_after_the_last_place(self):
        slot = self.free_slots(self.plain())[0]["slotId"]
        clients = [self.plain() for _ in range(200)]
        results = together(200, lambda i: clients[i].book(new_id(), slot, MOSCOW, False, services=[SERVICE], esia_id=str(2000000000 + i)))
        self.assertEqual(self.outcomes(results), {(200, "201", 0): 1, (200, "208", 4): 199})
        self.assertEqual(self.one("select count(*) from data.place where slot_id = %s", slot), 1)
        self.assert_places_sound()

    def test_signed_crowd_after_the_last_place(self):
        """Fewer, since the client's own signatures cost most of the time."""
        client = self.portal()
        slot = self.free_slots(client)[1]["slotId"]
        clients = [self.portal(timeout=60) for _ in range(40)]
        messages = [c.envelope("book", c.book_items(new_id(), slot, MOSCOW, False, services=[SERVICE], esia_id=str(3000000000 + i)))
                    for i, c in enumerate(clients)]
        results = together(40, lambda i: clients[i].post(messages[i], "book"))
        for c, r in zip(clients, results):
            c.read(r)
        self.assertEqual(self.outcomes(results), {(200, "201", 0): 1, (200, "208", 4): 39})
        self.assert_places_sound()

    def test_one_message_from_many_connections(self):
        """B6: one effect, and everybody gets the same bytes."""
        client = self.portal()
        slot = self.free_slots(client)[2]["slotId"]
        for message_id in (None, "m-" + new_id()):
            book_id = new_id()
            message = client.envelope("book", client.book_items(book_id, slot, MOSCOW, False, services=[SERVICE]), message_id)
            clients = [self.portal(timeout=60) for _ in range(16)]
            results = together(16, lambda i: clients[i].post(message, "book"))
            for r in results:
                if isinstance(r, BaseException):
                    raise r
            self.assertEqual({(r.http_status, r.body) for r in results}, {(200, results[0].body)})
            self.assertEqual(client.read(results[0]).status_code, "201")
            self.assertEqual(self.one("select count(*) from data.booking_history where book_key = %s", book_id), 1)
            client.cancel_booking(book_id)

    def test_50_blind_requests_get_50_places(self):  # B4
        clients = [self.plain() for _ in range(50)]
        results = together(50, lambda i: clients[i].book(new_id(), "blind_request", MOSCOW, False, services=[SERVICE], areas=["room-11"], esia_id=str(4000000000 + i)))
        self.assertEqual(self.outcomes(results), {(200, "201", 0): 50})
        self.assertEqual(len({r.slots[0]["slotId"] for r in results}), 50)
        self.assert_places_sound()

    def test_movers_in_circles(self):
        """Everybody wants his neighbour's place: nobody may lose his own, nothing may deadlock."""
        slots = [s["slotId"] for s in self.free_slots(self.plain())[-8:]]
        clients, ids = [self.plain() for _ in slots], [new_id() for _ in slots]
        for i, client in enumerate(clients):
            self.assertEqual(client.book(ids[i], slots[i], MOSCOW, False, services=[SERVICE], esia_id=str(5000000000 + i)).status_code, "201")

        def walk(i):
            seen = []
            for step in range(1, 9):
                reply = clients[i].book(ids[i], slots[(i + step) % len(slots)], MOSCOW, False, services=[SERVICE], esia_id=str(5000000000 + i))
                seen.append((reply.http_status, reply.error_code))
            return seen

        for result in together(len(slots), walk):
            if isinstance(result, BaseException):
                raise result
            self.assertLessEqual(set(result), {(200, 0), (200, 4)})
        self.assertEqual(self.one("select count(*) from data.place p join data.booking b using (book_key) where b.book_id = any(%s)", ids), len(ids))
        self.assert_places_sound()


if __name__ == "__main__":
    e2e.main()
