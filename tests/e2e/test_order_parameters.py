#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""M9, M10: every parameter of every table of Appendix 2 (tests/lint/order-329.txt, typed from the order): what is marked Y is asked for by name and
nothing else is; each is taken, refused by name when it is of another type, kept where it belongs, and told where an answer has it. A parameter that
this file has no value for fails it."""
import re

import e2e
from e2e import MOSCOW, SERVICE, SOURCE, new_id
from edges import MOSCOW_ROOM, Edges

METHODS = {"18": "getSlots", "19": "book", "20": "getBookingStatus", "21": "cancelBooking", "22": "getRefsList", "23": "getRefAttributesList", "24": "getRefItemsList"}
INN, FIRM_INN, OGRN = "770000000082", "7700000009", "1277000000001"
# Of a type of the order, what is not of it.
NOT_OF = {"Boolean": "да", "Integer": "пять", "Enum": "OTHER", "Date": "31.12.2020"}
DOCUMENT = {"docType": "PASSPORT", "docSeries": "0000", "docNumber": "000001", "issueDate": "2020-02-29", "validDate": "2099-12-31",
            "issuedBy": "Отделом выдачи", "issueDept": "000-000"}
CONDITION = {"attributeName": "HOUR", "condition": "greaterThanOrEquals", "checkAllValues": "false", "value": "0"}
# Where a parameter of book is kept: a query of the booking, and what it holds then; None: looked at below.
KEPT = {
    "bookId": ("book_id", None), "organizationId": ("organization_id", MOSCOW), "userType": ("user_type", "QUALIFIED"), "userKind": ("user_kind", "PHYSIC"),
    "esiaId": ("esia_id", None), "lastName": ("last_name", "Тестов"), "firstName": ("first_name", "Тест"), "middleName": ("middle_name", "Тестович"),
    "mobilePhone": ("mobile_phone", "79000000001"), "email": ("email", "test@example.org"), "userSnils": ("user_snils", "11223344595"),
    "userLogin": ("user_login", "test-login"), "userDoc": ("user_doc", DOCUMENT), "userINN": ("user_inn", INN), "businessINN": ("business_inn", FIRM_INN),
    "businessOGRN": ("business_ogrn", OGRN), "businessName": ("business_name", "ООО «Тест»"), "caseNumber": ("case_number", "0000/1"),
    "attributes": ("attributes", None), "slotId": ("(select array_agg(slot_id::text) from data.place as p where p.book_key = b.book_key)", None),
    "preliminaryReservation": ("state::text", "HELD"),
    "preliminaryReservationPeriod": ("round(extract(epoch from hold_until - changed_at) / 60)::integer", 45)}


def tables():
    """{clause: [(parameter, type, Y or N)]}"""
    found, rows = {}, None
    for line in (SOURCE / "tests/lint/order-329.txt").read_text().splitlines():
        head = re.fullmatch(r"\[(.*) \w+\]", line)
        if head:
            rows = found.setdefault(head[1], [])
        elif rows is not None and re.fullmatch(r"\w+ \S+ [YN]", line):
            rows.append(tuple(line.split()))
        else:
            rows = None
    return found


TABLES = tables()


class Parameters(Edges):
    def values(self, method):
        """A value of every parameter of a request, in the order of its table."""
        attributes = [("Attribute", [("name", "test"), ("value", "да")])]
        person = {"lastName": "Тестов", "firstName": "Тест", "middleName": "Тестович", "mobilePhone": "7 900 000 00 01", "email": "test@example.org",
                  "userSnils": "112-233-445 95", "userLogin": "test-login", "userDoc": [("Document", list(DOCUMENT.items()))], "userINN": INN,
                  "businessINN": FIRM_INN, "businessOGRN": OGRN, "businessName": "ООО «Тест»", "caseNumber": "0000/1"}
        who = {"organizationId": MOSCOW, "userType": "QUALIFIED", "userKind": "PHYSIC", "esiaId": self.person, **person, "attributes": attributes}
        condition = [("simple", list(CONDITION.items()))]
        return {
            "getSlots": {**who, "serviceId": SERVICE, "areaId": MOSCOW_ROOM, "filter": condition},
            "book": {**who, "bookId": new_id(), "slotId": "blind_request", "preliminaryReservation": "true", "preliminaryReservationPeriod": "45"},
            "getBookingStatus": {"bookId": self.book_id, "esiaId": self.person}, "cancelBooking": {"bookId": self.book_id, "esiaId": self.person},
            "getRefsList": {}, "getRefAttributesList": {"refNames": "organizations"},
            "getRefItemsList": {"refName": "organizations", "parentRefItemValue": "", "treeFiltering": "SUBTREE", "selectAttributes": "code",
                                "filter": [("simple", [("attributeName", "code"), ("condition", "equals"), ("checkAllValues", "false"), ("value", MOSCOW)])],
                                "orderBy": "code", "pageNum": "1", "pageSize": "10", "version": "0"}}[method]

    def final(self, method):
        """A hold asks for availability only (Appendix 3, note): what data is judged, is at the final booking."""
        values = self.values(method)
        return {**values, "preliminaryReservation": "false"} if method == "book" else values

    def setUp(self):
        super().setUp()
        self.book_id = new_id()
        self.assert_reply(self.book("blind_request", self.book_id), "201")
        self.addCleanup(self.release)

    def release(self):
        """Places for the next one; by SQL, so that nothing of it is in question here."""
        for book_id, in self.sql("select book_id from data.booking where esia_id = %s and state in ('HELD', 'BOOKED')", self.person):
            self.cancel(book_id)

    def requests(self):
        for number, method in METHODS.items():
            yield method, TABLES["2/%s request" % number]

    def good(self, reply, what):
        self.assertEqual(reply.error_code, 0, (what, reply.values))

    def ask(self, method, values, rows, client=None):
        """Sent in the table's order."""
        return (client or self.client).call(method, [(name, values[name]) for name, _, _ in rows if name in values])

    def test_what_is_marked_y_is_asked_for_and_nothing_else(self):
        for method, rows in self.requests():
            for client in (self.client, self.portal()):
                values = self.values(method)
                self.assertEqual(set(values), {r[0] for r in rows}, method)
                self.good(self.ask(method, values, rows, client), method)
                must = [name for name, _, is_must in rows if is_must == "Y"]
                for kind in ("PHYSIC", "BUSINESS", "PERSBUSINESS") if "userKind" in must else (None,):
                    least = {n: v for n, v in self.values(method).items() if n in must}
                    if kind:
                        least["userKind"] = kind
                    with self.subTest("%s with what is marked Y alone" % method, kind=kind):
                        self.good(self.ask(method, least, rows, client), method)
                        self.release()
            for name, _, is_must in rows:
                values = self.values(method)
                del values[name]
                with self.subTest("%s without %s" % (method, name)):
                    reply = self.ask(method, values, rows)
                    if is_must == "Y":
                        self.assertEqual((reply.error_code, reply.fields), (2, {name: 1}), reply.values)
                        self.assertRegex(reply.text("error/fieldErrors/FieldError/errorDetail/errorMessage"), "[а-яё]")
                    else:
                        self.good(reply, name)
                    self.release()

    def test_another_type_is_refused_by_name(self):
        for method, rows in self.requests():
            for name, kind, _ in rows:
                if kind in NOT_OF:
                    with self.subTest("%s of %s" % (name, method)):
                        reply = self.ask(method, {**self.final(method), name: NOT_OF[kind]}, rows)
                        self.assertEqual((reply.error_code, reply.fields), (2, {name: 1}), reply.values)
            for outer, inner, wrap, known in (("userDoc", "2/7 UserDocument", "Document", DOCUMENT), ("filter", "2/5 SimplePredicate", "simple", CONDITION)):
                for name, kind, is_must in TABLES[inner] if outer in {r[0] for r in rows} else ():
                    name = name[0].lower() + name[1:]  # A5
                    self.assertIn(name, known)
                    for value in [NOT_OF.get(kind)] * (kind in NOT_OF) + [None] * (is_must == "Y"):
                        with self.subTest("%s of %s of %s" % (name, outer, method), value=value):
                            made = [(n, v if n != name else value) for n, v in known.items()]
                            reply = self.ask(method, {**self.final(method), outer: [(wrap, made)]}, rows)
                            self.assertEqual((reply.error_code, reply.fields.pop(name, None)), (2, 1), reply.values)
                            self.assertLessEqual(set(reply.fields), {name, "filter"}, reply.values)  # of a filter its parts are named, too

    def test_names_as_the_order_prints_them(self):
        """Items 4 to 6 print Union, Subs and Value: in a strict reading, too, alone and among small letters."""
        simple = [(n if n != "value" else "Value", v) for n, v in CONDITION.items()]
        for made in ([("simple", simple)], [("Union", [("unionKind", "AND"), ("Subs", [("simple", simple)]), ("Subs", [("simple", list(CONDITION.items()))])])],
                     [("union", [("unionKind", "OR"), ("subs", [("Union", [("unionKind", "AND"), ("Subs", [("simple", simple)])])])])]):
            for client in (self.client, self.portal()):
                with self.subTest(str(made)):
                    self.assertEqual({n for n, _, _ in TABLES["2/5 SimplePredicate"]}, {n for n, _ in simple})
                    self.good(client.call("getSlots", [*list(self.values("getSlots").items())[:4], ("filter", made)]), made)

    def test_what_book_is_told_is_kept(self):
        rows = TABLES["2/19 request"]
        self.assertEqual({r[0] for r in rows}, set(KEPT))
        slot = self.slots(1)[0]["slotId"]
        for client in (self.client, self.portal()):
            values = {**self.values("book"), "slotId": slot}
            wanted = {**{n: v for n, (_, v) in KEPT.items()}, "bookId": values["bookId"], "esiaId": self.person, "slotId": [slot],
                      "attributes": [{"name": "test", "value": "да"}]}
            self.assert_reply(self.ask("book", values, rows, client), "201")
            for name, (expression, _) in KEPT.items():
                with self.subTest(name):
                    self.assertEqual(self.one("select %s from data.booking as b join data.applicant using (book_key) where book_key = %%s" % expression,
                                              values["bookId"]), wanted[name])
            self.release()

    def test_an_interval_is_told_with_all_the_order_knows_of_it(self):
        """Where the office says what its room is for: each parameter of TimeSlot, in the order of the table, in every answer that has one."""
        self.sql("select admin.slot_attribute(%s, %s, 'entrance', 'со двора'), admin.queue_numbers(%s, %s, 'А-')", *[MOSCOW, MOSCOW_ROOM] * 2)
        self.addCleanup(self.sql, "select admin.slot_attribute(%s, %s, 'entrance'), admin.queue_numbers(%s, %s, null)", *[MOSCOW, MOSCOW_ROOM] * 2)
        names = [r[0] for r in TABLES["2/18 TimeSlot"]]
        slot, book_id = self.slots(1)[0]["slotId"], new_id()
        self.sql("update data.slot set service_id = %s where slot_id = %s", SERVICE, slot)
        self.addCleanup(self.sql, "update data.slot set service_id = null where slot_id = %s", slot)
        told = {"book": self.assert_reply(self.hold(slot, book_id), "201"), "getBookingStatus": self.assert_reply(self.status(book_id), "201")}
        for method, reply in told.items():
            with self.subTest(method):
                found = dict(reply.values)["timeSlot"]
                self.assertEqual([n for n, _ in found], names)
                found = dict(found)
                self.assertEqual((found["slotId"], found["serviceId"], found["organizationId"], found["areaId"], found["queueNumber"], found["attributes"]),
                                 (slot, SERVICE, MOSCOW, MOSCOW_ROOM, "А-1", [("Attribute", [("name", "entrance"), ("value", "со двора")])]))
                for name in ("visitTime", "bookEndTime"):
                    self.assertRegex(found[name], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+03:00$")
                self.assertEqual(found["duration"], "15")
        # what may be booked: without the end of a hold and without a number in the queue, which nobody has yet
        self.release()
        free = [dict(v) for n, v in dict(self.client.get_slots(MOSCOW, areas=[MOSCOW_ROOM]).values)["slots"]]
        self.assertEqual(list(next(s for s in free if s["slotId"] == slot)), [n for n in names if n not in ("bookEndTime", "queueNumber")])


if __name__ == "__main__":
    e2e.main()
