#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Edge cases 18-20: cancelBooking, getBookingStatus and getSlots, with all that may stand in their way (M1, M3, M4, M8, S1; A10, A24, A26-A28)."""
import time

import edges
from e2e import KAMCHATKA, MOSCOW, OTHER_SERVICE, SERVICE, new_id, together
from edges import MOSCOW_ROOM, Edges, at


class Status(Edges):
    def tearDown(self):
        self.assert_places_sound()

    def visited(self, reply):
        return [s["slotId"] for s in reply.slots]

    # ---- 18 ----------------------------------------------------------------------------------------------------------

    def edge_18_cancel(self):
        """18: cancelBooking: held, booked, twice, after the deadline, after the visit, unknown id, foreign esiaId, during a move"""
        slot = self.slots(1)[0]["slotId"]
        for client in (self.portal(), self.client):
            for preliminary in (True, False):  # held, booked; each twice (A27)
                book_id = new_id()
                self.assert_reply(self.book(slot, book_id, preliminary), "201")
                replies = [self.assert_reply(self.cancel(book_id, client), "301") for _ in range(2)]
                self.assertEqual(replies[0].text("status/statusMessage"), "Вы удалили своё заявление")  # Appendix 1
                self.assertEqual((replies[0].values, replies[0].text("bookId"), replies[0].text("esiaId")), (replies[1].values, book_id, self.person))
                self.assertTrue(self.is_free(self.client, slot))
                self.assertEqual(self.states(book_id), ["HELD" if preliminary else "BOOKED", "CANCELLED_APPLICANT"])
        # several slots of one visit go together
        run, book_id = [s["slotId"] for s in self.neighbours(3)], new_id()
        self.assert_reply(self.book(run, book_id), "201")
        self.assert_reply(self.cancel(book_id), "301")
        self.assertLessEqual(set(run), set(self.offered(areas=[MOSCOW_ROOM])))

        # after the deadline: the visit is in an hour or more, the office wants a month's notice
        book_id = new_id()
        self.assert_reply(self.book(slot, book_id), "201")
        self.sql("update data.organization set cancel_deadline_min = 43200 where organization_id = %s", MOSCOW)
        self.addCleanup(self.sql, "update data.organization set cancel_deadline_min = 0 where organization_id = %s", MOSCOW)
        reply = self.assert_reply(self.cancel(book_id), "201", 4)
        self.assertRegex(reply.text("error/errorDetail/errorMessage"), "[Сс]рок")
        self.assertEqual(self.taken(book_id), {slot})
        self.sql("update data.organization set cancel_deadline_min = 0 where organization_id = %s", MOSCOW)
        # after the visit: nobody has marked it yet; then each outcome
        self.put_back(slot, 2)
        self.assert_reply(self.cancel(book_id), "201", 4)
        self.assertEqual(self.taken(book_id), {slot})
        for say, code in (("visited(%s)", "202"), ("correct(%s, '203', 'ошибка')", "203"), ("correct(%s, '206001', 'ошибка')", "206001")):
            self.assertEqual(self.sql("select status from admin." + say, book_id), [(code,)])
            self.assert_reply(self.cancel(book_id), code, 4)  # A27: the status as it is
            self.assert_reply(self.status(book_id), code)
        # a held visit whose hold ran out: what is over is over, and that is no error
        slot, held = self.slots(1)[0]["slotId"], new_id()
        self.assert_reply(self.hold(slot, held), "201")
        self.end_hold(held, 0.1)
        time.sleep(0.2)
        self.assert_reply(self.cancel(held), "303")

        # unknown and foreign look alike (A26)
        book_id, stranger = new_id(), "1999999999"
        self.assert_reply(self.book(slot, book_id), "201")
        unknown = self.client.cancel_booking(new_id(), stranger)
        foreign = self.client.cancel_booking(book_id, stranger)
        for reply in (unknown, foreign):
            self.assert_reply(reply, None, 2, {"bookId": 2})
        self.assertEqual([v for v in unknown.values if v[0] != "bookId"], [v for v in foreign.values if v[0] != "bookId"])
        self.assert_reply(self.portal(recipient="BBBB00002").cancel_booking(book_id, self.person), None, 2, {"bookId": 2})  # of another agency
        self.assertEqual((self.states(book_id), self.taken(book_id)), (["BOOKED"], {slot}))
        self.assert_reply(self.client.cancel_booking(book_id.upper(), self.person), "301")  # A1

        # during a move: whichever came first, the other saw all of it
        clients = [self.plain(), self.plain()]
        pair = [s["slotId"] for s in self.slots(2)]
        for n in range(12):
            book_id = new_id()
            self.assert_reply(self.book(pair[n % 2], book_id), "201")
            move, cancel = together(2, lambda i: clients[1].cancel_booking(book_id, self.person) if i
                                    else self.book(pair[1 - n % 2], book_id, client=clients[0]))
            self.assert_reply(move, "201")
            self.assert_reply(cancel, "301")
            states, status = self.states(book_id), self.status(book_id)
            self.assertIn(states, (["BOOKED", "BOOKED", "CANCELLED_APPLICANT"], ["BOOKED", "CANCELLED_APPLICANT", "BOOKED"]))
            alive = states[-1] == "BOOKED"
            self.assertEqual((status.status_code, self.visited(status), self.taken(book_id)),
                             ("201", [pair[1 - n % 2]], {pair[1 - n % 2]}) if alive else ("301", [], set()))
            self.assert_reply(self.cancel(book_id), "301")
        # when the agency wants to confirm it: 300 now, the end later (A28)
        self.sql("update data.organization set confirm_cancel = true where organization_id = %s", MOSCOW)
        self.addCleanup(self.sql, "update data.organization set confirm_cancel = false where organization_id = %s", MOSCOW)
        book_id = new_id()
        self.assert_reply(self.book(pair[0], book_id), "201")
        for _ in range(2):
            self.assert_reply(self.cancel(book_id), "300")
        self.assertEqual(self.taken(book_id), {pair[0]})
        self.sql("select admin.confirm(%s)", book_id)
        self.assertEqual((self.pushed(book_id), self.taken(book_id)), (["301"], set()))
        self.assert_reply(self.cancel(book_id), "301")

    # ---- 19 ----------------------------------------------------------------------------------------------------------

    def edge_19_status(self):
        """19: getBookingStatus with an extended code; after expiry; of a booking changed by the agency"""
        signed = self.portal()
        first, second, third = (s["slotId"] for s in self.slots(3))
        # extended
        book_id = new_id()
        self.assert_reply(self.book(first, book_id), "201")
        self.put_back(first, 1)
        for detail in ("0000000", "00a", "-1", "001 002"):
            with self.assertRaises(Exception, msg=detail):
                self.sql("select admin.turned_away(%s, %s, 'x')", book_id, detail)
        self.assert_reply(self.status(book_id), "201")
        self.assertEqual(self.sql("select status from admin.turned_away(%s, '001', 'Нет документа, удостоверяющего личность')", book_id), [("206001",)])
        for client in (signed, self.client):
            reply = self.assert_reply(self.status(book_id, client), "206001")
            self.assertIn("Нет документа, удостоверяющего личность", reply.text("status/statusMessage"))
            self.assertEqual((reply.text("bookId"), reply.text("esiaId")), (book_id, self.person))
        self.assertEqual(self.pushed(book_id), ["206001"])
        # after expiry, before and after somebody swept
        book_id = new_id()
        self.assert_reply(self.hold(second, book_id), "201")
        self.end_hold(book_id, 0.1)
        time.sleep(0.2)
        reply = self.assert_reply(self.status(book_id, signed), "303")
        self.assertRegex(reply.text("status/statusMessage"), "[а-яё]")
        self.assertEqual(reply.slots, [])
        self.sql("select admin.sweep()")
        self.assertEqual(self.assert_reply(self.status(book_id, signed), "303").values, reply.values)
        self.assertEqual(self.states(book_id), ["HELD", "EXPIRED"])
        # changed by the agency: moved, then cancelled with a contact
        book_id = new_id()
        self.assert_reply(self.book(second, book_id), "201")
        self.sql("select admin.move(%s, %s, 'специалист болен')", book_id, third)
        reply = self.assert_reply(self.status(book_id, signed), "201")
        self.assertEqual((self.visited(reply), self.taken(book_id)), ([third], {third}))
        self.assertTrue(self.is_free(self.client, second))
        self.sql("select admin.cancel(%s, 'В здании нет света')", book_id)
        reply = self.assert_reply(self.status(book_id, signed), "302")
        self.assertRegex(reply.text("status/statusMessage"), r"отменено по инициативе .*обращайтесь по .*\+7 000 000-00-01")
        self.assertEqual((reply.slots, self.pushed(book_id)), ([], ["201", "302"]))
        # unknown and foreign (A26)
        for asked, esia_id in ((book_id, "1999999999"), (new_id(), self.person)):
            self.assert_reply(signed.get_booking_status(asked, esia_id), None, 2, {"bookId": 2})

    # ---- 20 ----------------------------------------------------------------------------------------------------------

    def edge_20_get_slots(self):
        """20: empty areaId; unknown organization among known; no free slots: empty list, code 0; horizon of 14 days; holds absent for others, shown to their owner by config; anonymous view"""
        everything = self.offered(services=[OTHER_SERVICE])
        self.assertEqual(self.offered(services=[OTHER_SERVICE], areas=[""]), everything)
        self.assertEqual(self.offered(services=[OTHER_SERVICE], areas=["", "room-12", ""]), self.offered(services=[OTHER_SERVICE], areas=["room-12"]))
        # a partial list would read as "no free time" there
        for organizations in ([MOSCOW, "R0000000"], ["R0000000", MOSCOW], ["R0000000"], [MOSCOW, KAMCHATKA, "r7700018"]):
            reply = self.client.get_slots(organizations)
            self.assertEqual((reply.error_code, reply.fields, reply.texts("slots")), (2, {"organizationId": 2}, []))
        self.assertEqual({s["organizationId"] for s in self.client.get_slots([MOSCOW, KAMCHATKA]).slots}, {MOSCOW, KAMCHATKA})
        # nothing free: an office without slots, and one with its only slot taken
        self.office("E20", window=14)
        for _ in range(2):
            for client in (self.portal(), self.client):
                reply = client.get_slots("E20")
                self.assertEqual((reply.error_code, reply.slots, len(reply.texts("slots"))), (0, [], 1))
            day = str(self.one("select (now() at time zone 'Europe/Moscow')::date + 1"))
            slot = self.add_slot("E20", day + " 12:00") if _ == 0 else None
            if slot:
                self.assert_reply(self.book(slot, organization="E20"), "201")
        # 9.7: fourteen days at least, whatever an operator may think
        with self.assertRaises(Exception) as refused:
            self.sql("update data.organization set booking_window_days = 13 where organization_id = 'E20'")
        self.assertIn("organization_booking_window_range", str(refused.exception))
        inside = self.add_slot("E20", str(self.one("select to_char((now() + interval '14 days -1 hour') at time zone 'Europe/Moscow', 'YYYY-MM-DD HH24:MI')")))
        outside = self.add_slot("E20", str(self.one("select to_char((now() + interval '14 days 1 hour') at time zone 'Europe/Moscow', 'YYYY-MM-DD HH24:MI')")))
        self.assertEqual(self.offered(organization="E20"), [inside])
        self.assert_reply(self.book(outside, organization="E20"), "208", 4)
        for organization in (MOSCOW, KAMCHATKA):
            last = max(at(s["visitTime"]).timestamp() for s in self.client.get_slots(organization).slots)
            self.assertGreater(last, time.time() + 13 * 86400)

        # held: absent for others and, unless configured, for their owner
        slot, later = (s["slotId"] for s in self.slots(2))
        book_id = new_id()
        self.assert_reply(self.hold(slot, book_id), "201")
        mine = lambda **more: self.offered(esia_id=self.person, **more)
        self.assertNotIn(slot, self.offered() + mine())
        self.sql("update data.organization set show_own_holds = true where organization_id = %s", MOSCOW)
        self.addCleanup(self.sql, "update data.organization set show_own_holds = false where organization_id = %s", MOSCOW)
        self.assertNotIn(slot, self.offered())
        self.assertNotIn(slot, self.offered(esia_id=""))
        self.assertEqual(mine(areas=[MOSCOW_ROOM], services=[SERVICE]).count(slot), 1)
        shown = self.client.get_slots(MOSCOW, self.person).slots
        self.assertEqual([at(s["visitTime"]) for s in shown], sorted(at(s["visitTime"]) for s in shown))
        self.assertNotIn(slot, mine(areas=["room-12"]))
        day = next(s["visitTime"][:10] for s in self.client.get_slots(MOSCOW, self.person).slots if s["slotId"] == slot)
        on = lambda d: [("filter", [("simple", [("attributeName", "DATE"), ("condition", "equals"), ("checkAllValues", False), ("value", d)])])]
        self.assertIn(slot, mine(more=on(day)))
        self.assertNotIn(slot, mine(more=on("2026-01-15")))
        self.assert_reply(self.book(slot, book_id), "201")  # booked finally it is nobody's any more
        self.assertNotIn(slot, mine())
        self.assert_reply(self.hold(later, new_id()), "201")
        self.sql("update data.organization set show_own_holds = false where organization_id = %s", MOSCOW)
        self.assertNotIn(later, mine())

        # anonymous: a look, and no booking (item 2.2 в, A10)
        free = self.offered()
        self.assertEqual(self.offered(esia_id=""), free)
        loose = self.loose()
        for user_type in ("ANONYMOUS", "BASIC"):
            self.assertEqual(self.offered(loose, esia_id="", user_type=user_type), free)
            self.assertEqual(self.client.get_slots(MOSCOW, esia_id="", user_type=user_type).fields, {"userType": 1})
            self.assert_reply(self.book(free[0], client=loose, user_type=user_type), "207", 2, {"userType": 1})
        for client in (self.client, loose, self.portal()):
            self.assert_reply(self.book(free[0], client=client, esia_id=""), "207", 2, {"esiaId": 1})
        self.assertIn(free[0], self.offered())


if __name__ == "__main__":
    edges.main()
