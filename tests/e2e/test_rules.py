#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Rules of an office over real SOAP: limits (B5), applications (B7, edge 13), admission (edge 24), deadlines (edge 18), buffers
and exclusive areas (B9), channels. What is refused is 208 with error 4 and a text that names the rule; wrong data are 207 with
error 2 and the field. Each rule is set as an operator would, and taken back."""
import e2e
from e2e import E2E, MOSCOW, OTHER_SERVICE, SERVICE, new_id, together

TAKEN = "Отказ в бронировании: превышено допустимое число записей "


class Rules(E2E):
    def setUp(self):
        self.client, self.kiosk = self.portal(), self.portal("plain", timeout=60)
        self.person = str(5000000000 + int(new_id()[:6], 16))
        self.addCleanup(self.sql, """delete from data.booking_limit; delete from data.channel_share;
            update data.organization set move_deadline_min = 0;
            update data.organization_service set user_types = null, cancel_deadline_min = null, booking_window_days = null, buffer_after_min = 0;
            update data.area set buffer_after_min = 0, is_exclusive = false""")

    def limit(self, person, most, period="live", service=None):
        self.sql("insert into data.booking_limit (organization_id, service_id, person, period, max_bookings) values (%s, %s, %s, %s, %s)",
                 MOSCOW, service, person, period, most)

    def book(self, slot, client=None, **more):
        return (client or self.client).book(more.pop("book_id", None) or new_id(), slot, MOSCOW, esia_id=more.pop("esia_id", self.person),
                                            services=more.pop("services", [SERVICE]), **more)

    def slots(self, n):
        slots = [s["slotId"] for s in self.free_slots(self.client)]
        self.assertGreaterEqual(len(slots), n)
        return slots[:n]

    def assert_refused(self, reply, text):
        self.assertEqual((reply.status_code, reply.error_code, reply.text("error/errorDetail/errorMessage")), ("208", 4, text))

    def test_limit_of_a_person(self):  # B5
        self.limit("esiaId", 2)
        s = self.slots(4)
        self.assertEqual([self.book(x).status_code for x in s[:2]], ["201", "201"])
        for client in (self.client, self.kiosk):
            self.assert_refused(self.book(s[2], client), TAKEN + "одного заявителя: не более 2 действующих одновременно")
        self.assertTrue(self.is_free(self.client, s[2]))
        self.assertEqual(self.book(s[3], esia_id=self.person + "1").status_code, "201")

    def test_limit_by_snils_whatever_its_spelling(self):  # B5
        self.limit("userSnils", 1, service=SERVICE)
        s = self.slots(2)
        self.assertEqual(self.book(s[0], applicant={"lastName": "Тестов", "userSnils": "112-233-445 95"}).status_code, "201")
        self.assert_refused(self.book(s[1], applicant={"lastName": "Тестов", "userSnils": "11223344595"}, esia_id=self.person + "1"),
                            TAKEN + "одного заявителя на эту услугу: не более 1 действующих одновременно")

    def test_limit_holds_when_many_come_at_once(self):  # B5
        self.limit("esiaId", 3, "month")
        s = [x["slotId"] for x in self.free_slots(self.kiosk)][:20]
        clients = [self.portal("plain", timeout=60) for _ in s]
        replies = together(len(s), lambda i: self.book(s[i], clients[i]))
        for r in replies:
            if isinstance(r, BaseException):
                raise r
        same_month = self.sql("""select count(*) from data.slot where slot_id = any (%s::uuid[])
            group by date_trunc('month', starts_at at time zone 'Europe/Moscow')""", s)
        self.assertEqual(sum(r.status_code == "201" for r in replies), sum(min(3, n) for n, in same_month))
        self.assertEqual({r.error_code for r in replies if r.status_code != "201"}, {4})

    def test_bookings_of_an_application(self):  # B7, edge 13
        s, case = self.slots(4), {"lastName": "Тестов", "caseNumber": new_id()}
        self.assertEqual([self.book(x, applicant=case).status_code for x in s[:2]], ["201", "201"])
        self.limit("caseNumber", 2)
        self.assert_refused(self.book(s[2], applicant=case, esia_id=self.person + "1"), TAKEN + "по одному заявлению: не более 2 действующих одновременно")

    def test_admission(self):  # edge 24
        self.sql("update data.organization_service set user_types = '{QUALIFIED}' where service_id = %s and organization_id = %s", SERVICE, MOSCOW)
        slot, = self.slots(1)
        for client in (self.client, self.kiosk):
            reply = self.book(slot, client, user_type="SIMPLE")
            self.assertEqual((reply.status_code, reply.error_code), ("207", 2))
            self.assertEqual(reply.texts("error/fieldErrors/FieldError/fieldName"), ["userType"])
            self.assertEqual(reply.texts("error/fieldErrors/FieldError/errorDetail/errorCode"), ["1"])
            self.assertEqual(reply.texts("error/fieldErrors/FieldError/errorDetail/errorMessage"), ["Для записи на эту услугу требуется другой тип учётной записи"])
        self.assertEqual(self.book(slot, user_type="QUALIFIED").status_code, "201")

    def test_deadlines(self):  # B5, edge 18
        s, book_id = self.slots(2), new_id()
        self.assertEqual(self.book(s[0], book_id=book_id).status_code, "201")
        self.sql("update data.organization set move_deadline_min = 43200 where organization_id = %s", MOSCOW)
        self.assert_refused(self.book(s[1], book_id=book_id), "Отказ в бронировании: срок переноса записи истёк")
        self.assertEqual(self.client.get_booking_status(book_id, self.person).texts("timeSlot/slotId"), [s[0]])
        self.sql("update data.organization_service set cancel_deadline_min = 43200 where organization_id = %s and service_id = %s", MOSCOW, SERVICE)
        reply = self.client.cancel_booking(book_id, self.person)
        self.assertEqual((reply.status_code, reply.error_code, reply.text("error/errorDetail/errorMessage")), ("201", 4, "Срок отмены записи истёк"))
        self.sql("update data.organization_service set cancel_deadline_min = 0 where organization_id = %s and service_id = %s", MOSCOW, SERVICE)
        self.assertEqual(self.client.cancel_booking(book_id, self.person).status_code, "301")

    def test_window_of_a_service(self):  # B5, item 9.7
        def last(service, area):
            return max(s["visitTime"] for s in self.client.get_slots(MOSCOW, services=[service], areas=[area]).slots)
        far = last(SERVICE, "room-11"), last(OTHER_SERVICE, "room-12")
        self.sql("update data.organization_service set booking_window_days = 14 where organization_id = %s and service_id = %s", MOSCOW, SERVICE)
        self.assertLess(last(SERVICE, "room-11")[:10], far[0][:10])
        self.assertEqual(last(OTHER_SERVICE, "room-12"), far[1])

    def test_buffer(self):
        self.sql("update data.area set buffer_after_min = 10 where area_id = 'room-11'")
        offered = self.free_slots(self.client)
        # The third of three that follow each other.
        i = next(n for n in range(len(offered) - 2) if offered[n]["visitTime"][:13] == offered[n + 2]["visitTime"][:13])
        before, slot, after = (offered[i + k]["slotId"] for k in range(3))
        self.assertEqual(self.book(slot).status_code, "201")
        free = [s["slotId"] for s in self.free_slots(self.client)]
        self.assertFalse({before, slot, after} & set(free))
        for other in (before, after):
            self.assert_refused(self.book(other), "Отказ в бронировании: Интервал времени занят")

    def test_exclusive_hall(self):  # B9
        self.sql("update data.area set capacity = 1 where area_id = 'hall-1'; update data.area set is_exclusive = true where area_id = 'hall-1'")
        slot = self.slots(1)[0]
        start = next(s["visitTime"] for s in self.free_slots(self.client) if s["slotId"] == slot)
        self.assertEqual(self.book(slot).status_code, "201")
        others = self.client.get_slots(MOSCOW).slots
        self.assertNotIn(start, [s["visitTime"] for s in others])
        hall = self.one("select slot_id from data.slot join data.area using (area_key) where area_id = 'hall-1' and starts_at <= %s and slot.ends_at > %s", start, start)
        self.assert_refused(self.client.book(new_id(), hall, MOSCOW), "Отказ в бронировании: Интервал времени занят")
        self.sql("update data.area set is_exclusive = false; update data.area set capacity = 3 where area_id = 'hall-1'")

    def test_channels(self):
        """The signed listener is the portal, the plain one a kiosk: kiosks may take nothing in room 11."""
        self.sql("insert into data.channel_share (organization_id, area_key, channel, percent) select organization_id, area_key, 'kiosk', 0 "
                 "from data.area where area_id = 'room-11'")
        slot, = self.slots(1)
        self.assertFalse(self.is_free(self.kiosk, slot))
        self.assert_refused(self.book(slot, self.kiosk), "Отказ в бронировании: места этого дня, отведённые для такого способа записи, закончились")
        self.assertTrue(self.is_free(self.client, slot))
        book_id = new_id()
        self.assertEqual(self.book(slot, book_id=book_id).status_code, "201")
        self.assertEqual(self.one("select channel from data.booking where book_key = %s", book_id), "portal")
        book_id = new_id()
        self.sql("delete from data.channel_share")
        self.assertEqual(self.book(self.slots(1)[0], self.kiosk, book_id=book_id).status_code, "201")
        self.assertEqual(self.one("select channel from data.booking where book_key = %s", book_id), "kiosk")

    def test_what_is_said_of_intervals(self):  # M9, item 18: attributes and queueNumber, strict and lenient, signed and plain
        self.addCleanup(self.sql, "update data.area set slot_attributes = null, queue_prefix = null")
        self.sql("select admin.slot_attribute(%s, 'hall-1', 'entrance', '<со двора> & \"налево\"')", MOSCOW)
        self.sql("select admin.slot_attribute(%s, 'hall-1', 'floor', '2')", MOSCOW)
        self.sql("select admin.queue_numbers(%s, 'hall-1', 'А-')", MOSCOW)
        said = [{"name": "entrance", "value": '<со двора> & "налево"'}, {"name": "floor", "value": "2"}]
        for client in (self.client, self.kiosk):
            reply = client.get_slots(MOSCOW, services=[SERVICE], areas=["hall-1"])
            hall = [s for s in reply.slots if s["areaId"] == "hall-1"]
            told = reply.records("slots/TimeSlot/attributes/Attribute")
            self.assertGreater(len(hall), 10)
            self.assertEqual(told, said * len(hall))
            self.assertFalse([s for s in reply.slots if "queueNumber" in s])
            slot, book_id = hall[-1]["slotId"], new_id()
            replies = [self.book(slot, client, book_id=book_id, esia_id=self.person), client.get_booking_status(book_id, self.person)]
            for reply in replies:
                self.assertEqual((reply.status_code, reply.records("timeSlot/attributes/Attribute")), ("201", said))
            self.assertRegex(replies[0].slots[0]["queueNumber"], "^А-[123]$")
            self.assertEqual(replies[1].slots[0]["queueNumber"], replies[0].slots[0]["queueNumber"])
            self.assertEqual(client.cancel_booking(book_id, self.person).status_code, "301")

    def test_zz_nothing_is_left_on(self):
        self.assertEqual(self.sql("select organization_id from data.organization where has_rules"), [])
        self.assertEqual(self.sql("select * from admin.check()"), [])
        self.assert_places_sound()


if __name__ == "__main__":
    e2e.main()
