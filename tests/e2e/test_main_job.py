#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The main job over signed SMEV 2 messages: from the reference books to the cancellation (M1-M6, M10, B6, V1-V3, C1, C5, C6, T1)."""
import re

import e2e
from e2e import E2E, KAMCHATKA, MOSCOW, OTHER_SERVICE, SERVICE, new_id

from smev2client import Fault

OFFSET = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+\d\d:\d\d$")


class MainJob(E2E):
    def setUp(self):
        self.client = self.portal()

    def book(self, book_id, slots, organization=MOSCOW, preliminary=False, client=None, **more):
        more.setdefault("services", [SERVICE])
        return (client or self.client).book(book_id, slots, organization, preliminary, **more)

    def states(self, book_id):
        return [r[0] for r in self.sql("select new_state::text from data.booking_history where book_key = %s order by history_id", book_id)]

    def job(self, client, organization=MOSCOW, offset="+03:00"):
        book_id = new_id()
        slots = self.free_slots(client, organization)
        self.assertGreater(len(slots), 2)
        times = [s["visitTime"] for s in slots]
        self.assertEqual(times, sorted(times))  # M1
        for slot in slots:  # T1
            self.assertRegex(slot["visitTime"], OFFSET)
            self.assertTrue(slot["visitTime"].endswith(offset), slot["visitTime"])
            self.assertEqual(slot["organizationId"], organization)
        first, second = slots[0]["slotId"], slots[-1]["slotId"]

        held = self.book(book_id, first, organization, True, client, period=30)
        self.assertEqual((held.status_code, held.error_code), ("201", 0))  # A3
        self.assertEqual([held.text("bookId"), held.text("esiaId")], [book_id, "1000000000"])
        self.assertEqual([s["slotId"] for s in held.slots], [first])
        self.assertRegex(held.slots[0]["bookEndTime"], OFFSET)
        self.assertFalse(self.is_free(client, first, organization))

        final = self.book(book_id, first, organization, False, client)
        self.assertEqual((final.status_code, final.error_code), ("201", 0))
        self.assertNotIn("bookEndTime", final.slots[0])

        status = client.get_booking_status(book_id)
        self.assertEqual((status.status_code, status.error_code), ("201", 0))
        self.assertEqual([s["slotId"] for s in status.slots], [first])

        moved = self.book(book_id, second, organization, False, client)
        self.assertEqual((moved.status_code, moved.error_code), ("201", 0))
        self.assertTrue(self.is_free(client, first, organization))
        self.assertFalse(self.is_free(client, second, organization))

        for _ in range(2):  # A27: a second cancellation is a success too
            cancelled = client.cancel_booking(book_id)
            self.assertEqual((cancelled.status_code, cancelled.error_code), ("301", 0))
        self.assertTrue(self.is_free(client, second, organization))
        self.assertEqual(self.states(book_id)[:4], ["HELD", "BOOKED", "BOOKED", "CANCELLED_APPLICANT"])
        self.assert_places_sound()

    def test_job_rev120315(self):
        self.job(self.client)

    def test_job_rev111111(self):
        client = self.portal(rev="rev111111")
        self.job(client)

    def test_job_other_agency_key_of_512_bits_zone_of_kamchatka(self):  # C1, C6, T1
        client = self.portal(recipient="BBBB00002")
        self.job(client, KAMCHATKA, "+12:00")

    def test_job_portal_keys_of_every_kind(self):  # C1, C5: the next key works beside the present one
        for who in ("portal-512", "portal-tca", "portal-new"):
            with self.subTest(who):
                client = self.portal(who=who)
                self.job(client)

    def test_answer_frame(self):  # V2
        reply = self.client.get_booking_status(new_id(), ServiceCode="123", CaseNumber="case-7", ExchangeType="4", OriginRequestIdRef="o-1")
        frame = reply.frame
        self.assertEqual(frame["Sender"]["Code"], "AAAA00001")
        self.assertEqual(frame["Recipient"], {"Code": "PGU001001", "Name": "ЕПГУ"})
        self.assertEqual([frame[k] for k in ("ExchangeType", "ServiceCode", "CaseNumber", "TypeCode")], ["4", "123", "case-7", "GSRV"])
        self.assertRegex(frame["Date"], r"[+-]\d\d:\d\d$")
        self.assertEqual(frame["Status"], "INVALID")  # unknown bookId
        good = self.client.get_refs_list()
        self.assertEqual(good.frame["Status"], "RESULT")

    def test_request_id_goes_into_the_answer(self):  # V2: RequestIdRef is the id SMEV gave
        reply = self.client.call("getRefsList", [], message_id="smev-message-1")
        self.assertEqual(reply.frame["RequestIdRef"], "smev-message-1")

    def test_refusal_of_a_taken_slot(self):  # M2, A32
        slot = self.free_slots(self.client)[0]["slotId"]
        first, second = new_id(), new_id()
        self.assertEqual(self.book(first, slot).status_code, "201")
        refused = self.book(second, slot, esia_id="1000000001")
        self.assertEqual((refused.status_code, refused.error_code, refused.frame["Status"]), ("208", 4, "REJECT"))
        self.assertEqual(self.client.get_booking_status(first).status_code, "201")
        self.client.cancel_booking(first)

    def test_failed_move_keeps_the_old_place(self):  # B1, M2
        slots = [s["slotId"] for s in self.free_slots(self.client)][:2]
        mine, other = new_id(), new_id()
        self.assertEqual(self.book(mine, slots[0]).status_code, "201")
        self.assertEqual(self.book(other, slots[1], esia_id="1000000001").status_code, "201")
        self.assertEqual(self.book(mine, slots[1]).error_code, 4)
        status = self.client.get_booking_status(mine)
        self.assertEqual((status.status_code, [s["slotId"] for s in status.slots]), ("201", slots[:1]))
        self.client.cancel_booking(mine)
        self.client.cancel_booking(other, "1000000001")

    def test_blind_request(self):  # B4: the earliest place of that organization and service
        slots = self.free_slots(self.client)
        booked = self.book(book_id := new_id(), "blind_request", areas=["room-11"])
        self.assertEqual((booked.status_code, booked.slots[0]["visitTime"]), ("201", slots[0]["visitTime"]))
        self.client.cancel_booking(book_id)
        two = self.book(new_id(), ["blind_request", slots[0]["slotId"]])
        self.assertEqual((two.status_code, two.error_code), ("207", 2))
        self.assertIn("slotId", two.fields)

    def test_every_bad_field_in_one_answer(self):  # M10
        slot = self.free_slots(self.client)[0]["slotId"]
        reply = self.book(book_id := new_id(), slot, applicant={"lastName": "Тестов", "email": "no-mail", "mobilePhone": "12", "userSnils": "112-233-445 96",
                                                     "userINN": "123456789012"})
        self.assertEqual((reply.status_code, reply.error_code, reply.frame["Status"]), ("207", 2, "INVALID"))
        self.assertEqual(reply.fields, {"email": 1, "mobilePhone": 1, "userSnils": 1, "userINN": 1})
        self.assertTrue(self.is_free(self.client, slot))
        status = self.client.get_booking_status(book_id)
        self.assertEqual((status.status_code, status.error_code, status.slots), ("207", 0, []))  # items 15.1, 20: remembered
        for told in (reply, status):  # Appendix 1: the reason, without a value
            self.assertRegex(told.text("status/statusMessage"), "^Заявление не зарегистрировано, проверьте введенные данные. .*электронной почты.*телефона.*СНИЛС.*ИНН")
            self.assertNotRegex(told.text("status/statusMessage"), "no-mail|112-233|123456789012")
        self.assertEqual(self.book(book_id, slot).status_code, "201")  # put right
        self.client.cancel_booking(book_id)

    def test_beyond_its_bounds_is_remembered_too(self):  # L2, items 15.1 and 20
        slot = self.free_slots(self.client)[0]["slotId"]
        reply = self.book(book_id := new_id(), slot, applicant={"lastName": "Т" * 201, "email": "no-mail"})
        self.assertEqual((reply.status_code, reply.error_code, reply.fields), ("207", 2, {"lastName": 1, "email": 1}))
        self.assertRegex(reply.text("status/statusMessage"), "Фамилия: Значение длиннее допустимого: не более 200 символов")
        status = self.client.get_booking_status(book_id)
        self.assertEqual((status.status_code, status.text("status/statusMessage")), ("207", reply.text("status/statusMessage")))
        self.assertEqual(self.one("select count(*) from data.applicant where book_key = %s", book_id), 0)
        unfit = self.book("7" * 300, slot)
        self.assertEqual((unfit.status_code, list(unfit.fields)), ("207", ["bookId"]))
        self.assertRegex(unfit.text("status/statusMessage"), "Номер заявления об электронной записи: Значение длиннее допустимого")
        self.assertTrue(self.is_free(self.client, slot))

    def test_missing_and_unknown_fields_are_named(self):  # M10
        reply = self.client.call("book", [("lastName", "Тестов"), ("выдумка", "1"), ("zz", "2")])
        self.assertEqual(reply.error_code, 2)
        required = {"bookId", "slotId", "organizationId", "userType", "userKind", "esiaId"}
        self.assertLessEqual(required, set(reply.fields))
        for name in reply.fields:
            self.assertRegex(name, r"^[a-zA-Z]+$|^выдумка$")

    def test_unknown_and_foreign_bookings_look_alike(self):  # A26
        slot = self.free_slots(self.client)[0]["slotId"]
        mine = new_id()
        self.assertEqual(self.book(mine, slot).status_code, "201")
        answers = []
        for book_id in (mine, new_id()):
            for call in (self.client.get_booking_status, self.client.cancel_booking):
                reply = call(book_id, "1999999999")
                self.assertEqual((reply.error_code, reply.fields), (2, {"bookId": 2}))
                answers.append((call.__name__, reply.text("status/statusCode"), reply.text("error/errorDetail/errorMessage")))
        self.assertEqual(answers[:2], answers[2:])
        self.assertEqual(self.client.get_booking_status(mine).status_code, "201")
        self.client.cancel_booking(mine)

    def test_organization_of_another_agency(self):  # C6
        other = self.portal(recipient="BBBB00002")
        slots = self.free_slots(other, KAMCHATKA)
        reply = self.client.get_slots(KAMCHATKA)
        self.assertEqual((reply.error_code, reply.slots), (2, []))
        booked = self.book(new_id(), slots[0]["slotId"], KAMCHATKA)
        self.assertEqual((booked.status_code, booked.error_code), ("207", 2))

    def test_second_service(self):
        rooms = {s["areaId"] for s in self.client.get_slots(MOSCOW, services=[OTHER_SERVICE]).slots}
        self.assertEqual(rooms, {"hall-1", "room-12"})
        self.assertEqual(self.client.get_slots(MOSCOW, services=["no-such-service"]).error_code, 2)

    def test_reference_books(self):  # M5-M7
        names = [r["name"] for r in self.client.get_refs_list().records("refsList/RefInfo")]
        self.assertTrue(names)
        attributes = self.client.get_ref_attributes_list(names)
        self.assertEqual(attributes.error_code, 0)
        self.assertEqual({r["refName"] for r in attributes.records("refAttributesList/RefAttributeInfo")}, set(names))
        for name in names:
            items = self.client.get_ref_items_list(name, tree="SUBTREE")
            self.assertEqual(items.error_code, 0, name)
            version = items.text("version")
            self.assertRegex(version, r"^\d+$")
            again = self.client.get_ref_items_list(name, tree="SUBTREE", version=version)
            self.assertEqual((again.error_code, again.records("items"), again.text("totalItems"), again.text("version")), (5, [], "0", version))
        unknown = self.client.get_ref_items_list("NoSuchBook")  # M10: 3, no such reference book
        self.assertEqual((unknown.error_code, unknown.fields), (3, {}))

    # ---- repetition (B6) ---------------------------------------------------------------------------------------

    def test_same_bytes_same_answer(self):
        slot = self.free_slots(self.client)[0]["slotId"]
        book_id = new_id()
        message = self.client.envelope("book", self.client.book_items(book_id, slot, MOSCOW, False, services=[SERVICE]))
        answers = [self.client.post(message, "book") for _ in range(3)]
        self.assertEqual(self.client.read(answers[0]).status_code, "201")
        self.assertEqual([a.body for a in answers], [answers[0].body] * 3)
        self.assertEqual(self.states(book_id), ["BOOKED"])
        self.instance.stop_daemon()  # what is remembered is not in the process
        self.instance.start_daemon()
        self.assertEqual(self.client.post(message, "book").body, answers[0].body)
        self.assertEqual(self.states(book_id), ["BOOKED"])
        self.client.cancel_booking(book_id)
        self.assertEqual(self.client.post(message, "book").body, answers[0].body)
        self.assertEqual(self.client.get_booking_status(book_id).status_code, "301")

    def test_same_content_signed_anew(self):
        slot = self.free_slots(self.client)[0]["slotId"]
        book_id = new_id()
        for _ in range(2):
            self.assertEqual(self.book(book_id, slot).status_code, "201")
        self.assertEqual(self.states(book_id), ["BOOKED"])
        self.client.cancel_booking(book_id)

    def test_same_message_id_other_content(self):
        slot = self.free_slots(self.client)[0]["slotId"]
        book_id, message_id = new_id(), "m-" + new_id()
        items = self.client.book_items(book_id, slot, MOSCOW, False, services=[SERVICE])
        first = self.client.post(self.client.envelope("book", items, message_id), "book")
        self.assertEqual(self.client.read(first).status_code, "201")
        other = self.client.envelope("cancelBooking", [("bookId", book_id), ("esiaId", "1000000000")], message_id)
        with self.assertRaises(Fault) as fault:
            self.client.read(self.client.post(other, "cancelBooking"))
        self.assertEqual(fault.exception.code, "soap:Client")
        self.assertRegex(fault.exception.text, "уже использован")
        self.assertEqual(self.client.get_booking_status(book_id).status_code, "201")
        self.assertEqual(self.states(book_id), ["BOOKED"])
        self.client.cancel_booking(book_id)

    def test_test_message_leaves_nothing(self):  # V2
        slot = self.free_slots(self.client)[0]["slotId"]
        book_id = new_id()
        reply = self.book(book_id, slot, frame={"TestMsg": "да"})
        self.assertEqual((reply.status_code, reply.error_code), ("201", 0))
        self.assertEqual(self.states(book_id), [])
        self.assertTrue(self.is_free(self.client, slot))

    # ---- journal (J1) ------------------------------------------------------------------------------------------

    def test_journal_holds_both_messages_byte_for_byte(self):
        slot = self.free_slots(self.client)[0]["slotId"]
        book_id = new_id()
        message = self.client.envelope("book", self.client.book_items(book_id, slot, MOSCOW, False, services=[SERVICE]))
        answer = self.client.post(message, "book")
        rows = self.sql("""select i.body, o.body, i.verdict, i.sender_code, i.recipient_code, i.method from data.journal i
            join data.journal o on o.journal_id = i.journal_id and o.at = i.at and o.direction = 'out'
            join data.booking_history h on h.journal_id = i.journal_id where i.direction = 'in' and h.book_key = %s""", book_id)
        self.assertEqual(len(rows), 1)
        self.assertEqual((bytes(rows[0][0]), bytes(rows[0][1])), (message, answer.body))
        self.assertEqual(rows[0][2:], ("good", "PGU001001", "AAAA00001", "book"))
        self.client.cancel_booking(book_id)


if __name__ == "__main__":
    e2e.main()
