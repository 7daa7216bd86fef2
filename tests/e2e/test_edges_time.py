#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Edge cases 3-5: whose clock says what (items 14, 15 and 25; T1, T2, P3, S3). Zones are real ones; days beyond the booking window that
an organization may have are reached by letting the window be longer than the schema allows."""
import calendar
import datetime
import re
import time

import edges
from e2e import KAMCHATKA, MOSCOW, ROOM, SERVICE, new_id
from edges import Edges, at

WIRE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$")


def only(name, value, condition="equals"):
    return [("filter", [("simple", [("attributeName", name), ("condition", condition), ("checkAllValues", False), ("value", value)])])]


class Time(Edges):
    def tearDown(self):
        self.assert_places_sound()

    def found(self, organization, *filters, **more):
        reply = self.client.get_slots(organization, more=list(filters), **more)
        self.assertEqual(reply.error_code, 0, reply.values)
        return [s["slotId"] for s in reply.slots]

    # ---- 3 -----------------------------------------------------------------------------------------------------------

    def edge_03_time_marks(self):
        """3: status row and its time marks: the portal's time with zone and ours; Date without a zone: error 2 (strict) or warning (lenient)"""
        strict, lenient = self.portal(), self.lenient_portal()
        slot, other = (s["slotId"] for s in self.slots(2))
        sent = "2026-01-02T03:04:05.678+10:00"
        book_id, started = new_id(), time.time()
        self.assert_reply(self.book(slot, book_id, client=strict, frame={"Date": sent}), "201")
        self.assert_reply(strict.cancel_booking(book_id, self.person, Date="2026-01-02T03:04:06Z"), "301")
        rows = self.sql("""select new_state::text, portal_time, extract(epoch from portal_at)::float8, extract(epoch from at)::float8
            from data.booking_history where book_key = %s order by history_id""", book_id)
        self.assertEqual([r[:2] for r in rows], [("BOOKED", sent), ("CANCELLED_APPLICANT", "2026-01-02T03:04:06Z")])  # A34
        for row, instant in zip(rows, (sent, "2026-01-02T03:04:06+00:00")):
            self.assertAlmostEqual(row[2], datetime.datetime.fromisoformat(instant).timestamp(), places=3)
            self.assertTrue(started - 1 <= row[3] <= time.time() + 1)
        self.assertEqual(self.one("select portal_created from data.booking where book_key = %s", book_id), sent)

        for date in ("2026-01-02T03:04:05", "2026-01-02T03:04:05.678", "2026-01-02", "вчера", "2026-01-02T03:04:05+3", "2026-01-02 03:04:05+03:00",
                     "2026-13-02T03:04:05+03:00", "2026-02-30T03:04:05+03:00", "2026-01-02T25:04:05+03:00", "2026-01-02T03:04:05 Europe/Moscow"):
            book_id, frame = new_id(), {"Date": date}
            free = self.slots(1)[0]["slotId"]
            with self.subTest(date):
                self.assert_reply(self.book(free, book_id, client=strict, frame=frame), "207", 2, {"Date": 1})
                self.assertEqual((self.states(book_id), self.taken(book_id)), (["RETURNED"], set()))  # item 15.1: remembered, nothing is booked
                reads = (strict.get_slots(MOSCOW, **frame), strict.get_booking_status(book_id, **frame), strict.cancel_booking(book_id, **frame),
                         strict.get_ref_items_list("organizations", **frame), strict.get_refs_list(**frame), strict.get_ref_attributes_list(["organizations"], **frame))
                for reply in reads:
                    self.assertEqual((reply.error_code, reply.fields.get("Date")), (2, 1), reply.values)
                    self.assertEqual(reply.frame["Status"], "INVALID")
        # lenient: taken, and said so in the log and in the metrics; our own mark is there, the portal's is kept as it came
        before, book_id = self.instance.metric('zapisd_leniency_total{kind="date",sender="PGU002002"}'), new_id()
        self.assert_reply(self.book(other, book_id, client=lenient, frame={"Date": "2026-01-02T03:04:05"}), "201")
        self.assertEqual(self.sql("select portal_time, portal_at, at is not null from data.booking_history where book_key = %s", book_id),
                         [("2026-01-02T03:04:05", None, True)])
        self.assertEqual(self.instance.metric('zapisd_leniency_total{kind="date",sender="PGU002002"}'), before + 1)
        self.assertRegex(self.instance.log.read_text(), r"leni?ent=\S*date")
        self.assert_reply(self.book(other, new_id(), client=lenient, frame={"Date": "вчера"}), "207", 2, {"Date": 1})

    # ---- 4 -----------------------------------------------------------------------------------------------------------

    def edge_04_zone_of_the_office(self):
        """4: answers carry creation time with zone; +03:00 requests to an office in +12:00 give visitTime in +12:00"""
        client, book_id = self.portal(recipient="BBBB00002"), new_id()
        date = {"Date": datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=3))).isoformat(timespec="seconds")}
        self.assertTrue(date["Date"].endswith("+03:00"))
        reply = client.get_slots(KAMCHATKA, services=[SERVICE], areas=[ROOM[KAMCHATKA]], **date)
        slots = self.later(reply.slots)
        booked = self.book(slots[0]["slotId"], book_id, True, client, KAMCHATKA, frame=date)
        status = client.get_booking_status(book_id, self.person, **date)
        for answer in (reply, booked, status):
            self.assertEqual(answer.error_code, 0)
            self.assertTrue(answer.slots)
            for slot in answer.slots:
                for name in ("visitTime", "bookEndTime"):
                    if name in slot:
                        self.assertRegex(slot[name], WIRE)
                        self.assertTrue(slot[name].endswith("+12:00"), slot)
        instant, = self.sql("select extract(epoch from starts_at)::float8 from data.slot where slot_id = %s", slots[0]["slotId"])[0]
        self.assertEqual(at(status.slots[0]["visitTime"]).timestamp(), instant)
        self.assertIn("08:30:00", {s["visitTime"][11:19] for s in reply.slots})  # the hour on the office's own wall
        answers = [reply, booked, status, client.cancel_booking(book_id, self.person, **date), client.get_refs_list(**date),
                   client.get_ref_attributes_list(["organizations"], **date), client.get_ref_items_list("organizations", **date),
                   client.get_booking_status("x", **date), client.get_slots("nowhere", **date)]
        for answer in answers:
            self.assertLess(abs(at(re.sub(r"\.\d+", "", answer.frame["Date"])).timestamp() - time.time()), 30)
            self.assertNotIn("Z<", answer.body.decode())

    # ---- 5 -----------------------------------------------------------------------------------------------------------

    def edge_05_days_hours_and_changed_zones(self):
        """5: office in a zone whose rules changed; day filter at 23:30 local; DAY=366 in a leap year; HOUR at midnight"""
        today = datetime.date.today()
        day = (today + datetime.timedelta(days=10)).isoformat()
        after = (today + datetime.timedelta(days=11)).isoformat()
        # 23:30 local is another day in UTC, on either side; so is midnight
        for organization, zone, offset in (("E5A", "Pacific/Niue", "-11:00"), ("E5B", "Europe/Moscow", "+03:00"), ("E5C", "Pacific/Kiritimati", "+14:00"),
                                           ("E5D", "Asia/Kolkata", "+05:30")):
            self.office(organization, zone, areas=("a", "b"))
            late, midnight = self.add_slot(organization, day + " 23:30", minutes=60), self.add_slot(organization, after + " 00:00", "b")
            with self.subTest(zone):
                times = {s["slotId"]: s["visitTime"] for s in self.client.get_slots(organization).slots}
                self.assertEqual(times, {late: day + "T23:30:00" + offset, midnight: after + "T00:00:00" + offset})
                self.assertEqual(self.found(organization, *only("DATE", day)), [late])  # ends the next day, is of its first
                self.assertEqual(self.found(organization, *only("DATE", after)), [midnight])
                self.assertEqual(self.found(organization, *only("HOUR", "23")), [late])
                for hour in ("0", "00", "-0"):
                    self.assertEqual(self.found(organization, *only("HOUR", hour)), [midnight])
                self.assertEqual(self.client.get_slots(organization, more=only("HOUR", "24")).fields, {"filter": 1})
                self.assertEqual(self.found(organization, *only("HOUR", "1", "lessThan")), [midnight])
                weekday = (today + datetime.timedelta(days=10)).isoweekday()
                self.assertEqual(self.found(organization, *only("DAYOFWEEK", str(weekday))), [late])
                self.assertEqual(self.found(organization, *only("DAY", str((today + datetime.timedelta(days=11)).timetuple().tm_yday))), [midnight])

        # The last day of a leap year, years ahead as it may be: the window is made as long.
        leap = next(y for y in range(today.year, today.year + 9) if calendar.isleap(y) and datetime.date(y, 12, 30) > today)
        self.sql("alter table data.organization drop constraint organization_booking_window_range")
        self.office("E5L", "Asia/Kamchatka", window=3000)
        days = {name: self.add_slot("E5L", "%s 10:00" % name) for name in
                ("%d-12-30" % leap, "%d-12-31" % leap, "%d-12-31" % (leap + 1), "%d-01-01" % (leap + 1), "%d-02-28" % leap, "%d-02-29" % leap, "%d-03-01" % leap)}
        evening = self.add_slot("E5L", "%d-12-31 23:30" % leap)
        last = days["%d-12-31" % leap]
        self.assertEqual(self.found("E5L", *only("DAY", "366")), [last, evening])
        self.assertEqual(self.found("E5L", *only("DAY", "365")), [days["%d-12-30" % leap], days["%d-12-31" % (leap + 1)]])
        self.assertEqual(self.found("E5L", *only("DAY", "366", "greaterThan")), [])
        self.assertEqual(self.found("E5L", *only("DAY", "1")), [days["%d-01-01" % (leap + 1)]])
        if datetime.date(leap, 2, 28) > today:
            self.assertEqual(self.found("E5L", *only("DAY", "60")), [days["%d-02-29" % leap]])
            self.assertEqual(self.found("E5L", *only("DATE", "%d-02-29" % leap)), [days["%d-02-29" % leap]])
            self.assertEqual(self.found("E5L", *only("DAY", "61")), [days["%d-03-01" % leap]])
        self.assertEqual(self.found("E5L", *only("MONTH", "12"), *()), [days["%d-12-30" % leap], last, evening, days["%d-12-31" % (leap + 1)]])
        self.assertEqual(self.found("E5L", *only("YEAR", str(leap + 1))), [days["%d-01-01" % (leap + 1)], days["%d-12-31" % (leap + 1)]])
        self.assertEqual(self.client.get_slots("E5L", more=only("DATE", "%d-02-29" % (leap + 1))).fields, {"filter": 1})  # no such day

        # A zone whose rules changed (+04:00 until 2020-12-27, since then +03:00), and the clock put on in the middle of a day
        self.office("E5V", "Europe/Volgograd")
        slot = self.add_slot("E5V", day + " 10:00")
        self.assertEqual([s["visitTime"] for s in self.client.get_slots("E5V").slots], [day + "T10:00:00+03:00"])
        self.assertEqual(self.found("E5V", *only("HOUR", "10")), [slot])
        self.office("E5S", "Europe/Berlin", window=1000)
        spring = max(w for w in calendar.Calendar().itermonthdates(today.year + 1, 3) if w.month == 3 and w.isoweekday() == 7)  # put on
        before, behind = self.add_slot("E5S", "%s 01:30" % spring), self.add_slot("E5S", "%s 03:00" % spring)
        self.assertEqual([s["visitTime"][10:] for s in self.client.get_slots("E5S").slots], ["T01:30:00+01:00", "T03:00:00+02:00"])
        self.assertEqual((self.found("E5S", *only("HOUR", "1")), self.found("E5S", *only("HOUR", "2")), self.found("E5S", *only("HOUR", "3"))),
                         ([before], [], [behind]))

        # The zone of an office changes: what was told stands on the wall; the operator lets the instants follow (T2).
        self.office("E5Z", "Asia/Yekaterinburg")
        self.sql("select admin.set_hours('E5Z', 'a', 'пн-вс', '9:00-12:00', 60)")
        self.sql("select admin.generate('E5Z', current_date + 1, current_date + 3)")
        slots = self.client.get_slots("E5Z").slots
        self.assertEqual({s["visitTime"][11:] for s in slots}, {"09:00:00+05:00", "10:00:00+05:00", "11:00:00+05:00"})
        book_id = new_id()
        self.assert_reply(self.book(slots[-1]["slotId"], book_id, organization="E5Z"), "201")
        self.sql("update data.organization set time_zone = 'Asia/Omsk' where organization_id = 'E5Z'")
        self.assertTrue(self.sql("select * from admin.zone_check()"))
        self.sql("select * from admin.zone_move('E5Z', apply => true)")
        status = self.assert_reply(self.status(book_id), "201")
        self.assertEqual(status.slots[0]["visitTime"], slots[-1]["visitTime"].replace("+05:00", "+06:00"))
        free = self.client.get_slots("E5Z").slots
        self.assertEqual({s["visitTime"][11:] for s in free}, {"09:00:00+06:00", "10:00:00+06:00", "11:00:00+06:00"})
        self.assertEqual(len(self.found("E5Z", *only("HOUR", "9"))), len([s for s in free if "T09" in s["visitTime"]]))


if __name__ == "__main__":
    edges.main()
