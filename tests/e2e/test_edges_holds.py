#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Edge cases 6-13 and 17: the sequences of Appendix 3, hold by hold (M1-M4, M7, M8, B3, B5, B7; A3, A23, A24, A32). Ends of holds are
put a second or two from now in the database (end_hold) where the order speaks of an hour; the waiting itself is real."""
import os
import pathlib
import threading
import time

import edges
from e2e import KAMCHATKA, MOSCOW, OTHER_SERVICE, SERVICE, new_id, together
from edges import MOSCOW_ROOM, MOSCOW_ROOM_2, Edges, at

HOUR = 3600


class Holds(Edges):
    def tearDown(self):
        self.assert_places_sound()

    def left(self, reply):
        """Seconds to the end of the hold that an answer tells."""
        return at(reply.slots[0]["bookEndTime"]).timestamp() - time.time()

    def edge_06_base_sequence(self):
        """6: getRefItemsList, getSlots, book(preliminary, 60), book(final, same bookId, same slot): 201, bookEndTime gone; push 202"""
        client = self.portal()
        items = client.get_ref_items_list("organizations")
        codes = [a["value"] for a in items.records("items/attributes/RefAttribute") if a["name"] == "code"]
        self.assertEqual((items.error_code, codes.count(MOSCOW)), (0, 1))
        organization = codes[codes.index(MOSCOW)]
        slot = self.later(self.free_slots(client, organization))[0]
        book_id = new_id()
        held = self.assert_reply(self.hold(slot["slotId"], book_id, client=client, organization=organization, period=60), "201")
        self.assertEqual([s["slotId"] for s in held.slots], [slot["slotId"]])
        self.assertAlmostEqual(self.left(held), HOUR, delta=50)
        self.assertIn("bookEndTime", self.status(book_id, client).slots[0])
        self.assertFalse(self.is_free(client, slot["slotId"], organization))
        final = self.assert_reply(self.book(slot["slotId"], book_id, client=client, organization=organization), "201")
        self.assertEqual([s["slotId"] for s in final.slots], [slot["slotId"]])
        for reply in (final, self.assert_reply(self.status(book_id, client), "201")):
            self.assertNotIn("bookEndTime", reply.slots[0])
            self.assertNotIn("bookEndTime", reply.body.decode())
        self.assertEqual((self.states(book_id), self.pushed(book_id)), (["HELD", "BOOKED"], []))
        # The day has come: the visit lies in the past, and a clerk says that the visitor was received.
        self.put_back(slot["slotId"], 1)
        self.assertEqual(self.sql("select status from admin.visited(%s)", book_id), [("202",)])
        self.assertEqual(self.pushed(book_id), ["202"])
        payload, = self.sql("select payload ->> 'bookId', payload ->> 'esiaId', payload #>> '{status,statusMessage}' from data.outbox where book_key = %s", book_id)
        self.assertEqual(payload[:2], (book_id, self.person))
        self.assertRegex(payload[2], "^Время посещения ")  # in the words of Appendix 1
        self.assert_reply(self.status(book_id, client), "202")

    def edge_07_hold_that_lapses(self):
        """7: alternative 1: hold, nothing more; at its end the slot is in getSlots again; getBookingStatus shows the lapse; nothing is pushed"""
        for span in (1.5, 12, 100):  # one of them is long enough to look in, however slow we are
            slot, book_id = self.slots(1)[0]["slotId"], new_id()
            held = self.assert_reply(self.hold(slot, book_id), "201")  # without a period: the hour of Appendix 3
            self.assertAlmostEqual(self.left(held), HOUR, delta=50)
            end = self.end_hold(book_id, span)
            before = after = 0
            while after <= 2:
                started = time.time()
                free, status = self.is_free(self.client, slot), self.status(book_id)
                ended = time.time()
                if ended < end:
                    before += 1
                    self.assertEqual((free, status.status_code, len(status.slots)), (False, "201", 1))
                elif started >= end:
                    after += 1
                    self.assertTrue(free)
                    self.assertEqual((status.status_code, status.error_code, status.slots), ("303", 0, []))  # A24
                    self.assertRegex(status.text("status/statusMessage"), "[Сс]рок")
            if before > 2:
                break
        self.assertGreater(before, 2)
        self.assertEqual(self.pushed(book_id), [])
        other = self.assert_reply(self.book(slot, esia_id=self.person + "1"), "201")
        self.assertEqual([s["slotId"] for s in other.slots], [slot])
        self.assert_reply(self.status(book_id), "303")
        self.assertEqual(self.pushed(book_id), [])
        # where an organization wants it, the portal is told, once
        self.sql("update data.organization set push_lapsed = true where organization_id = 'R7700018'")
        book_id = new_id()
        self.assert_reply(self.hold(self.slots(1)[0]["slotId"], book_id), "201")
        time.sleep(max(0, self.end_hold(book_id, 0.2) - time.time()) + 0.1)
        for _ in range(2):
            self.sql("select admin.sweep()")
        self.assertEqual(self.pushed(book_id), ["303"])
        self.sql("update data.organization set push_lapsed = false where organization_id = 'R7700018'")

    def edge_08_final_at_the_last_moment(self):
        """8: final booking 1 s before, at, and 1 s after the end; after it with the slot free: booked anew; with the slot taken: 208, owner untouched"""
        slots = iter(s["slotId"] for s in self.slots(10))
        # 1 s before: confirmed, and the old end means nothing any more
        for span in (1, 10, 100):  # one of them is long enough to book in, however slow we are
            slot, book_id = next(slots), new_id()
            self.assert_reply(self.hold(slot, book_id), "201")
            end = self.end_hold(book_id, span)
            self.assert_reply(self.book(slot, book_id), "201")
            if time.time() < end:
                break
        else:
            self.fail("never before the end")
        while time.time() < end + 0.2:
            time.sleep(0.05)
        self.assert_reply(self.status(book_id), "201")
        self.assertFalse(self.is_free(self.client, slot))
        self.assertEqual(self.states(book_id), ["HELD", "BOOKED"])
        # at the end: whichever side of it the row lock was got on, the history says so and the answer is true
        for _ in range(4):
            slot, book_id = next(slots), new_id()
            self.assert_reply(self.hold(slot, book_id), "201")
            end = self.end_hold(book_id, 0.3)
            while time.time() < end - 0.002:
                pass
            self.assert_reply(self.book(slot, book_id), "201")
            self.assertIn(self.states(book_id), (["HELD", "BOOKED"], ["HELD", "EXPIRED", "BOOKED"]))
            self.assertEqual(self.taken(book_id), {slot})
        # 1 s after, nobody else came: booked anew
        (free, mine), (lost, theirs) = ((next(slots), new_id()) for _ in range(2))
        for slot, book_id in ((free, mine), (lost, theirs)):
            self.assert_reply(self.hold(slot, book_id), "201")
            self.end_hold(book_id, 0.2)
        time.sleep(1.2)
        owner = new_id()
        self.assert_reply(self.book(lost, owner, esia_id=self.person + "1"), "201")
        reply = self.assert_reply(self.book(free, mine), "201")
        self.assertEqual(([s["slotId"] for s in reply.slots], self.taken(mine)), ([free], {free}))
        self.assertNotIn("bookEndTime", reply.slots[0])
        self.assertEqual(self.states(mine), ["HELD", "EXPIRED", "BOOKED"])
        # and somebody did: 208, the other owner untouched
        reply = self.assert_reply(self.book(lost, theirs), "208", 4)
        self.assertEqual((reply.slots, self.taken(theirs), self.taken(owner)), ([], set(), {lost}))
        self.assert_reply(self.client.get_booking_status(owner, self.person + "1"), "201")
        self.assert_reply(self.status(theirs), "208")

    def edge_09_another_hold(self):
        """9: alternative 2: S1, then S2 by the same bookId: S1 free, clock restarts; S2 busy: 208 and S1 still held with its old end; other office, other specialist"""
        s1, s2, s3 = (s["slotId"] for s in self.slots(3))
        book_id = new_id()
        self.assert_reply(self.hold(s1, book_id), "201")
        self.end_hold(book_id, 600)
        moved = self.assert_reply(self.hold(s2, book_id), "201")
        self.assertAlmostEqual(self.left(moved), HOUR, delta=50)
        self.assertEqual((self.is_free(self.client, s1), self.is_free(self.client, s2), self.taken(book_id)), (True, False, {s2}))
        # S3 is busy, held or booked
        end = self.end_hold(book_id, 600)
        for preliminary in (True, False):
            blocker = new_id()
            self.assert_reply(self.book(s3, blocker, preliminary, esia_id=self.person + "1"), "201")
            for ask in (True, False):
                self.assert_reply(self.book(s3, book_id, ask), "208", 4)
                status = self.assert_reply(self.status(book_id), "201")
                self.assertEqual([s["slotId"] for s in status.slots], [s2])
                self.assertAlmostEqual(at(status.slots[0]["bookEndTime"]).timestamp(), end, delta=1)
            self.client.cancel_booking(blocker, self.person + "1")
        # another specialist (room), another office with another zone
        elsewhere = next(s for s in self.later(self.client.get_slots(MOSCOW).slots) if s["areaId"] == MOSCOW_ROOM_2)["slotId"]
        self.assert_reply(self.hold(elsewhere, book_id), "201")
        self.assertEqual((self.taken(book_id), self.is_free(self.client, s2)), ({elsewhere}, True))
        far = self.later(self.client.get_slots(KAMCHATKA).slots)[0]["slotId"]
        self.assert_reply(self.hold(far, book_id, organization=KAMCHATKA), "207", 2, {"organizationId": 1})  # of another agency (C6)
        self.assertEqual(self.taken(book_id), {elsewhere})
        agency = "update data.organization set agency_code = %s where organization_id = %s"
        self.sql(agency, "AAAA00001", KAMCHATKA)
        self.addCleanup(self.sql, agency, "BBBB00002", KAMCHATKA)
        reply = self.assert_reply(self.hold(far, book_id, organization=KAMCHATKA), "201")
        self.assertEqual((self.taken(book_id), reply.slots[0]["organizationId"]), ({far}, KAMCHATKA))
        self.assertTrue(reply.slots[0]["bookEndTime"].endswith("+12:00"))
        self.assertAlmostEqual(self.left(reply), HOUR, delta=50)
        self.assertIn(elsewhere, self.offered())
        # another office that has it busy: what is held stays held
        self.assert_reply(self.book(s3, new_id(), esia_id=self.person + "1"), "201")
        self.assert_reply(self.hold(s3, book_id), "208", 4)
        self.assertEqual(self.taken(book_id), {far})
        self.assert_reply(self.cancel(book_id), "301")

    def edge_10_portal_style_change(self):
        """10: cancelBooking(old) then book(new id); and the crossed order, new book first, cancel second"""
        s1, s2, s3 = (s["slotId"] for s in self.slots(3))
        old, new, newer = new_id(), new_id(), new_id()
        self.assert_reply(self.book(s1, old), "201")
        self.assert_reply(self.cancel(old), "301")
        self.assert_reply(self.book(s2, new), "201")
        self.assertEqual((self.is_free(self.client, s1), self.taken(new)), (True, {s2}))
        # crossed: to another time
        self.assert_reply(self.book(s3, newer), "201")
        self.assert_reply(self.cancel(new), "301")
        self.assertEqual((self.taken(new), self.taken(newer), self.is_free(self.client, s2)), (set(), {s3}, True))
        self.assert_reply(self.status(newer), "201")
        # crossed: the same time is taken by the old one until it is cancelled
        last = new_id()
        self.assert_reply(self.book(s3, last), "208", 4)
        self.assert_reply(self.cancel(newer), "301")
        self.assert_reply(self.book(s3, last), "201")
        self.assertEqual((self.taken(newer), self.taken(last)), (set(), {s3}))
        # a late second cancellation of an old one harms nobody
        for book_id in (old, new, newer):
            self.assert_reply(self.cancel(book_id), "301")
        self.assert_reply(self.status(last), "201")
        # both at once, the same time: the new one has it, or nobody has
        for _ in range(5):
            fresh, clients = new_id(), [self.plain(), self.plain()]
            replies = together(2, lambda i: clients[i].cancel_booking(last, self.person) if i else self.book(s3, fresh, client=clients[0]))
            self.assert_reply(replies[1], "301")
            self.assertIn((replies[0].status_code, replies[0].error_code), (("201", 0), ("208", 4)))
            self.assertEqual(self.taken(fresh), {s3} if replies[0].error_code == 0 else set())
            if replies[0].error_code:
                self.assert_reply(self.book(s3, fresh), "201")
            last = fresh

    def edge_11_final_check_fails(self):
        """11: alternative 3: the final check fails (form control, payment, rules): 207 with reason or 208; hold freed; text reaches the portal"""
        slot, client = self.slots(1)[0]["slotId"], self.portal()

        def held():
            book_id = new_id()
            self.assert_reply(self.hold(slot, book_id, services=[SERVICE]), "201")
            self.assertFalse(self.is_free(self.client, slot))
            return book_id

        def freed(book_id, code, states):
            self.assertTrue(self.is_free(self.client, slot))
            self.assertEqual((self.states(book_id), self.taken(book_id)), (states, set()))
            return self.assert_reply(self.status(book_id, client), code).text("status/statusMessage")

        # form control: the field and a text for people
        book_id = held()
        reply = self.assert_reply(self.book(slot, book_id, client=client, services=[SERVICE],
                                            applicant={"lastName": "Тестов", "userSnils": "112-233-445 96"}), "207", 2, {"userSnils": 1})
        self.assertRegex(reply.text("status/statusMessage"), "^Заявление не зарегистрировано, проверьте введенные данные. СНИЛС")
        self.assertEqual(freed(book_id, "207", ["HELD", "RETURNED"]), reply.text("status/statusMessage"))
        # rules: an account of another kind is needed now
        book_id = held()
        self.addCleanup(self.sql, "update data.organization_service set user_types = null")
        self.sql("update data.organization_service set user_types = '{QUALIFIED}' where organization_id = %s and service_id = %s", MOSCOW, SERVICE)
        self.assert_reply(self.book(slot, book_id, client=client, services=[SERVICE], user_type="SIMPLE"), "207", 2, {"userType": 1})
        self.sql("update data.organization_service set user_types = null")
        freed(book_id, "207", ["HELD", "RETURNED"])
        # rules: another service than the one the time was given for
        book_id = held()
        reply = self.assert_reply(self.book(slot, book_id, client=client, services=[OTHER_SERVICE]), "208", 4)
        self.assertRegex(reply.text("error/errorDetail/errorMessage"), "услуга не оказывается")
        freed(book_id, "208", ["HELD", "REFUSED"])
        # payment and the like: the agency looks by hand, and refuses
        self.sql("update data.organization set confirm_booking = true where organization_id = %s", MOSCOW)
        self.addCleanup(self.sql, "update data.organization set confirm_booking = false where organization_id = %s", MOSCOW)
        for code, state in (("207", "RETURNED"), ("208", "REFUSED")):
            book_id = held()
            self.assert_reply(self.book(slot, book_id, client=client, services=[SERVICE]), "100")  # A3
            self.assertFalse(self.is_free(self.client, slot))
            self.sql("select admin.reject(%s, 'Пошлина не оплачена', %s)", book_id, code)
            self.assertIn("Пошлина не оплачена", freed(book_id, code, ["HELD", "ACCEPTED", state]))
            self.assertEqual(self.pushed(book_id), [code])
            text = self.one("select payload #>> '{status,statusMessage}' from data.outbox where book_key = %s", book_id)
            self.assertIn("Пошлина не оплачена", text)
        self.assertEqual(self.assert_reply(self.book(slot, client=client, services=[SERVICE]), "100").slots[0]["slotId"], slot)

    def outbound(self):
        """Connections of the daemon to anywhere but its listeners and the database's socket."""
        inodes = set()
        for fd in pathlib.Path("/proc/%d/fd" % self.instance.pid()).iterdir():
            try:
                link = os.readlink(fd)
            except OSError:
                continue
            if link.startswith("socket:["):
                inodes.add(link[8:-1])
        ports = {self.instance.plain_port, self.instance.smev2_port, self.instance.admin_port, self.loose_port}
        if not self.instance.pg["PGHOST"].startswith("/"):
            ports.add(int(self.instance.pg["PGPORT"]))
        found = []
        for table in ("tcp", "tcp6", "udp", "udp6"):
            for line in pathlib.Path("/proc/net/" + table).read_text().splitlines()[1:]:
                cells = line.split()
                if cells[9] in inodes and not {int(cells[n].rsplit(":", 1)[1], 16) for n in (1, 2)} & ports:
                    found.append((table, *cells[1:4]))
        return found

    def edge_12_holds_under_load(self):
        """12: preliminary booking answers under load and does no external checks"""
        clients = [self.plain() for _ in range(16)]
        slots = [s["slotId"] for s in self.slots(16 * 6)]
        stop, seen = threading.Event(), []

        def spy():
            while not stop.is_set():
                seen.extend(self.outbound())
                time.sleep(0.005)

        watcher = threading.Thread(target=spy)
        watcher.start()

        def work(i):
            replies = []
            for n in range(6):
                slot, book_id = slots[i * 6 + n], new_id()
                replies.append(clients[i].book(book_id, slot, MOSCOW, True, esia_id="71%02d%04d" % (i, n), period=60))
                clients[i].get_slots(MOSCOW, services=[SERVICE])
            return replies

        try:
            results = together(16, work)
        finally:
            stop.set()
            watcher.join()
        for result in results:
            if isinstance(result, BaseException):
                raise result
            for reply in result:
                self.assert_reply(reply, "201")
                self.assertAlmostEqual(self.left(reply), HOUR, delta=60)
        self.assertEqual(seen, [])
        # Only that the time is free is looked at: what the final booking will want of the form is not asked for yet.
        slot = self.slots(1)[0]["slotId"]
        self.assert_reply(self.hold(slot, new_id(), applicant={}), "201")

    def edge_13_after_the_order_was_filed(self):
        """13: caseNumber filled, direct final book; several bookIds for one caseNumber; limit of bookings per caseNumber"""
        slots, case = [s["slotId"] for s in self.slots(6)], {"lastName": "Тестов", "caseNumber": "0000/АБВ-" + new_id()[:8]}
        client, ids = self.portal(), [new_id() for _ in range(6)]
        for slot, book_id in zip(slots[:3], ids):
            reply = self.assert_reply(self.book(slot, book_id, client=client, applicant=case), "201")
            self.assertNotIn("bookEndTime", reply.slots[0])
        self.assertEqual({r[0] for r in self.sql("select case_number from data.booking where book_key = any(%s)", ids)}, {case["caseNumber"]})
        self.assertEqual([self.states(i) for i in ids[:3]], [["BOOKED"]] * 3)
        self.sql("insert into data.booking_limit (organization_id, person, period, max_bookings) values (%s, 'caseNumber', 'live', 4)", MOSCOW)
        self.addCleanup(self.sql, "delete from data.booking_limit")
        self.assert_reply(self.book(slots[3], ids[3], applicant=case), "201")  # by another way: the same application
        reply = self.assert_reply(self.book(slots[4], ids[4], client=client, applicant=case, esia_id=self.person + "1"), "208", 4)
        self.assertRegex(reply.text("error/errorDetail/errorMessage"), "по одному заявлению")
        self.assertTrue(self.is_free(client, slots[4]))
        self.assert_reply(self.book(slots[4], client=client, applicant={"caseNumber": "another"}), "201")
        self.assert_reply(self.book(slots[5], ids[0], client=client, applicant=case), "201")  # a move is not one more
        self.assert_reply(self.cancel(ids[1]), "301")  # and a cancelled one does not count
        self.assert_reply(self.book(slots[0], ids[5], applicant=case), "201")

    def edge_17_periods(self):
        """17: preliminaryReservation true without period; period 0, -1, 100000; false with period 240"""
        slot, book_id = self.slots(1, hours=30)[0]["slotId"], new_id()  # days away: a hold does not outlive the start of its visit
        for period, minutes in ((None, 60), ("", 60), (0, 60), (100000, 1440), (1, 5), (240, 240)):  # A23
            reply = self.assert_reply(self.hold(slot, book_id, period=period), "201")
            end = at(self.assert_reply(self.status(book_id), "201").slots[0]["bookEndTime"])
            self.assertAlmostEqual(self.left(reply), minutes * 60, delta=50)
            self.assertEqual(end, at(reply.slots[0]["bookEndTime"]))
            self.assert_reply(self.cancel(book_id), "301")
        for period in (-1, "-1000000000000", "час", "1.5", "1e2"):
            self.assert_reply(self.hold(slot, book_id, period=period), "207", 2, {"preliminaryReservationPeriod": 1})
            self.assertTrue(self.is_free(self.client, slot))
        reply = self.assert_reply(self.book(slot, book_id, False, period=240), "201")
        self.assertNotIn("bookEndTime", reply.slots[0])
        self.assertIsNone(self.one("select hold_until from data.booking where book_key = %s", book_id))
        self.assertEqual(self.sql("select hold_until from data.place where book_key = %s", book_id), [(None,)])


if __name__ == "__main__":
    edges.main()
