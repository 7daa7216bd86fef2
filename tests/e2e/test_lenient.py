#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""M9, M10: strict and lenient reading, caller by caller (A4-A6, A9-A11, A21, A30, A31), over signed and plain SOAP. The answer
comes in the namespace of the request's fields, and its signature is checked by a client that shares nothing with us (C1, C3)."""
import os
import re
import signal
import time

import e2e
from e2e import E2E, MOSCOW, ROOM, SERVICE, new_id

from instance import free_ports
from smev2client import EQ, SOAP, Client, Fault

TYPES = EQ + "types/"
SPACES = {"ws": EQ, "types": TYPES, "none": None}


def fields(items, space="ws"):
    """[(name, text or children)] in canonical form; each top element declares what it uses. A name may be "prefix:name"."""
    def write(name, value, top):
        tag = {"ws": "eq:", "types": "t:", "none": ""}[space] + name
        declared = ' xmlns:t="%s"' % TYPES if top and space == "types" else ""
        inner = "".join(write(n, v, False) for n, v in value) if isinstance(value, list) else value
        return "<%s%s>%s</%s>" % (tag, declared, inner, tag)
    return "".join(write(n, v, True) for n, v in items)


class Lenient(E2E):
    @classmethod
    def options(cls):
        cls.ports = dict(zip(("loose", "picky", "shaped"), free_ports(3)))

        def edit(text):
            for name, keys in (("loose", "reading = lenient\nupdate_booking_details = yes"),
                               ("picky", "reading = lenient\nlenient = namespaces, names, unknown, arrays, values, user_type, date\nupdate_booking_details = yes"),
                               ("shaped", "update_booking_details = yes\nomit_error_on_success = yes\nstatus_as_text = yes\nsingle_timeslot = yes\n"
                                          "doc_types = BIRTH CERTIFICATE, VISA")):
                text += "\n[listener %s]\nkind = plain\naddress = 127.0.0.1:%d\n%s\n" % (name, cls.ports[name], keys)
            return re.sub(r"(?m)^\[sender PGU001001\]$", "[sender PGU001001]\nreading = lenient", text)
        return {"edit": edit}

    def plain(self, name):
        client = Client(self.instance.url("plain") if name == "strict" else "http://127.0.0.1:%d/equeue" % self.ports[name])
        self.addCleanup(client.close)
        return client

    def slot(self, n=0):
        return self.free_slots(self.plain("strict"))[n]["slotId"]

    def spaces_of(self, reply):
        """The namespaces of everything inside the response element, the frame of SMEV left out."""
        top = reply.root.one(SOAP, "Body").children[0]
        self.assertEqual(top.ns, EQ)
        if reply.frame:
            top = top.children[1].children[0]
        return {node.ns for node in top.walk() if node is not top}

    def book(self, book_id, slot, **change):
        items = {"bookId": book_id, "slotId": slot, "organizationId": MOSCOW, "userType": "SIMPLE", "userKind": "PHYSIC", "esiaId": "1000000000",
                 "lastName": "Тестов", "preliminaryReservation": "false"}
        items.update(change)
        return [(n, v) for n, v in items.items() if v is not None]

    def states(self, book_id):
        return [r[0] for r in self.sql("select state::text from data.booking where book_key = %s", book_id)]

    def places(self, book_id):
        return self.one("select count(*) from data.place where book_key = %s", book_id)

    def leniency(self, kind, caller):
        match = re.search(r'zapisd_leniency_total\{kind="%s",sender="%s"\} (\d+)' % (kind, caller), self.instance.admin("/metrics")[1])
        return int(match[1]) if match else 0

    # ---- signed ----------------------------------------------------------------------------------------------------

    def test_signed_life_of_a_booking_in_every_namespace(self):
        client = self.portal()
        for space, ns in SPACES.items():
            with self.subTest(space):
                before = self.leniency("namespaces", "PGU001001")
                call = lambda method, items: client.call(method, fields(items, space))
                book_id = new_id()
                slots = call("getSlots", [("areaId", ROOM[MOSCOW]), ("esiaId", ""), ("userType", "ANONYMOUS"), ("ServiceID", [("string", SERVICE)]),
                                          ("organizationId", [("string", MOSCOW)])])
                self.assertEqual((slots.error_code, self.spaces_of(slots)), (0, {ns}))
                items = self.book(book_id, slots.slots[0]["slotId"], userKind=None)
                items.reverse()
                held = call("book", [("reasonId", "7"), *items])
                self.assertEqual((held.status_code, held.text("bookId"), self.spaces_of(held)), ("201", book_id, {ns}))
                self.assertEqual(self.states(book_id), ["BOOKED"])
                status = call("getBookingStatus", [("ESIAID", "1000000000"), ("bookid", book_id)])
                self.assertEqual((status.status_code, self.spaces_of(status)), ("201", {ns}))
                wrong = call("cancelBooking", [("esiaId", "1"), ("bookId", "no such number")])
                self.assertEqual((wrong.error_code, wrong.fields, self.spaces_of(wrong)), (2, {"bookId": 1}, {ns}))
                cancelled = call("cancelBooking", [("esiaId", "1000000000"), ("bookId", book_id)])
                self.assertEqual((cancelled.status_code, self.spaces_of(cancelled)), ("301", {ns}))
                self.assertEqual(self.leniency("namespaces", "PGU001001") - before, 0 if space == "ws" else 5)

    def test_reference_books_in_every_namespace(self):
        client = self.portal()
        for space, ns in SPACES.items():
            books = client.call("getRefsList", "")
            self.assertEqual((books.error_code, self.spaces_of(books)), (0, {EQ}))  # nothing to go by
            about = client.call("getRefAttributesList", fields([("refNames", [("string", "organizations")])], space))
            self.assertEqual(self.spaces_of(about), {ns})
            items = client.call("getRefItemsList", fields([("pageNum", "0"), ("pageSize", "0"), ("treeFiltering", "OneLevel"),
                                                           ("refName", books.texts("refsList/RefInfo/name")[0])], space))
            self.assertEqual((items.error_code, self.spaces_of(items)), (0, {ns}))

    def test_reference_books_by_their_names_in_any_case(self):
        """M6, M7, A5: working callers write Organizations. The answer says the book's own name."""
        strict, loose = self.plain("strict"), self.plain("loose")
        about = fields([("refNames", "Organizations"), ("refNames", "services"), ("refNames", "SERVICES")])
        page = [("refName", "Organizations"), ("treeFiltering", "SUBTREE"), ("selectAttributes", "code"), ("pageNum", "1"), ("pageSize", "1")]
        for method, message in (("getRefAttributesList", about), ("getRefItemsList", fields(page))):
            before = self.leniency("names", "loose")
            self.assertEqual(strict.call(method, message).error_code, 3)
            self.assertEqual(loose.call(method, message).error_code, 0)
            self.assertEqual(self.leniency("names", "loose"), before + 1)
        books = loose.call("getRefAttributesList", about).texts("refAttributesList/RefAttributeInfo/refName")
        self.assertEqual(sorted(set(books)), ["organizations", "services"])
        self.assertEqual(books.count("services"), 4)
        version = loose.call("getRefItemsList", fields(page)).text("version")
        self.assertEqual(loose.call("getRefItemsList", fields([*page, ("version", version)])).error_code, 5)
        self.assertEqual(loose.call("getRefItemsList", fields([("refName", "Organisations"), *page[1:]])).error_code, 3)
        before = self.leniency("names", "loose")
        self.assertEqual(loose.call("getRefItemsList", fields([("refName", "organizations"), *page[1:]])).error_code, 0)
        self.assertEqual(self.leniency("names", "loose"), before)
        self.sql("select admin.ref_new('SERVICES', 'Другие')")  # now Services could be either of two: neither is guessed
        try:
            for name, code in (("Services", 3), ("SERVICES", 0), ("services", 0)):
                self.assertEqual(loose.call("getRefAttributesList", fields([("refNames", name)])).error_code, code, name)
        finally:
            self.sql("select admin.ref_drop('SERVICES')")

    def test_an_empty_document_is_none(self):
        """M9: toolkits write empty elements for what they have not got."""
        book_id = new_id()
        items = self.book(book_id, self.slot())
        message = fields([*items[:-1], ("userDoc", ""), items[-1]])
        refused = self.plain("strict").call("book", message)
        self.assertEqual((refused.status_code, set(refused.fields)), ("207", {"Document", "docType", "docNumber"}))
        taken = self.plain("loose").call("book", message)
        self.assertEqual((taken.error_code, taken.status_code), (0, "201"))
        self.assertEqual(self.sql("select user_doc from data.applicant where book_key = %s", book_id)[0][0], None)
        self.plain("strict").cancel_booking(book_id)

    def test_what_is_verified_is_what_is_read(self):
        """C3: a lenient reading looks into the signed octets only, and at nothing that was added or changed."""
        client, book_id = self.portal(), new_id()
        good = client.envelope("book", fields(self.book(book_id, self.slot(-1)), "none"))
        for old, new in ((b"<lastName>", b"<BOOKID>1</BOOKID><lastName>"), (b"<userKind>PHYSIC</userKind>", b""),
                         (b"<bookId>", b"<bookID>"), (b"</bookId>", b"</bookId><junk></junk>")):
            bad = good.replace(old, new, 1).replace(b"</bookId>", b"</bookID>", 1) if new == b"<bookID>" else good.replace(old, new, 1)
            self.assertNotEqual(bad, good)
            with self.assertRaises(Fault) as fault:
                client.read(client.post(bad, "book"))
            self.assertEqual(fault.exception.code, "wsse:FailedCheck")
        unsigned = good.replace(b"</soap:Header>", b"<bookRequest><bookId>1</bookId><userKind>BUSINESS</userKind></bookRequest></soap:Header>")
        self.assertNotEqual(unsigned, good)
        self.assertEqual(self.states(book_id), [])
        reply = client.read(client.post(unsigned, "book"))
        self.assertEqual((reply.status_code, reply.text("bookId")), ("201", book_id))
        client.cancel_booking(book_id)

    def test_a_field_twice_is_never_resolved(self):
        for client in (self.portal(), self.plain("loose"), self.plain("strict")):
            slot, book_id, other = self.slot(), new_id(), new_id()
            self.assertEqual(client.call("book", fields(self.book(book_id, slot, preliminaryReservation="true"))).status_code, "201")
            for items in ([("bookId", book_id), ("bookId", other), ("esiaId", "1000000000")], [("bookId", book_id), ("bookId", book_id), ("esiaId", "1000000000")]):
                reply = client.call("cancelBooking", fields(items))
                self.assertEqual((reply.error_code, reply.fields.get("bookId")), (2, 1), items)
            reply = client.call("cancelBooking", fields([("bookId", book_id), ("esiaId", "1000000000"), ("esiaId", "2")]))
            self.assertEqual((reply.error_code, reply.fields.get("esiaId")), (2, 1))
            if client.port != self.instance.plain_port:
                reply = client.call("cancelBooking", fields([("bookId", other), ("BOOKID", book_id), ("esiaId", "1000000000")], "none"))
                self.assertEqual((reply.error_code, reply.fields), (2, {"bookId": 1}))
                self.assertEqual(reply.text("bookId"), "")
            # neither the one nor the other, and the hold of neither is freed
            for items in ([("bookId", other), *self.book(book_id, slot)], [("bookId", book_id), *self.book(other, slot)]):
                reply = client.call("book", fields(items))
                self.assertEqual((reply.error_code, reply.status_code, reply.fields), (2, "207", {"bookId": 1}))
            reply = client.call("book", fields([*self.book(book_id, slot), ("esiaId", "1000000000")]))
            self.assertEqual((reply.error_code, reply.fields), (2, {"esiaId": 1}))
            self.assertEqual((self.states(book_id), self.states(other)), (["HELD"], []))
            self.assertEqual(client.call("cancelBooking", fields([("bookId", book_id), ("esiaId", "1000000000")])).status_code, "301")
        self.assert_places_sound()

    # ---- plain -----------------------------------------------------------------------------------------------------

    # what a caller does differently, by the kind of leniency it needs, and the fields a strict reading tells of
    DEPARTURES = (
        ("namespaces", "none", lambda items: items, None),
        ("namespaces", "types", lambda items: items, None),
        ("order", "ws", lambda items: items[1:] + items[:1], {"bookId"}),
        ("names", "ws", lambda items: [("BookId" if n == "bookId" else n, v) for n, v in items], {"bookId", "BookId"}),
        ("unknown", "ws", lambda items: [*items, ("declarantType", "1")], {"declarantType"}),
        ("arrays", "ws", lambda items: [(n, [("string", v)] if n == "slotId" else v) for n, v in items], {"slotId"}),
        ("values", "ws", lambda items: [(n, v.lower() if n == "userType" else v) for n, v in items], {"userType"}),
        ("user_kind", "ws", lambda items: [i for i in items if i[0] != "userKind"], {"userKind"}),
    )

    def test_each_departure_strictly_and_leniently(self):
        strict, loose = self.plain("strict"), self.plain("loose")
        slot = self.slot()
        for kind, space, change, told in self.DEPARTURES:
            with self.subTest(kind):
                before, book_id = self.leniency(kind, "loose"), new_id()
                message = fields(change(self.book(book_id, slot)), space)
                refused = strict.call("book", message)
                self.assertEqual((refused.error_code, refused.status_code), (2, "207"))
                if told is not None:
                    self.assertEqual(set(refused.fields), told)
                # item 15.1: remembered, unless there is no bookId to ask for it by; no time is taken
                is_nameless = told is None or "bookId" in told
                self.assertEqual((self.states(book_id), self.places(book_id)), ([] if is_nameless else ["RETURNED"], 0))
                taken = loose.call("book", message)
                self.assertEqual((taken.error_code, taken.status_code, self.spaces_of(taken)), (0, "201", {SPACES[space]}))
                self.assertEqual(self.states(book_id), ["BOOKED"])
                self.assertEqual(self.leniency(kind, "loose"), before + 1)
                self.assertEqual(strict.cancel_booking(book_id).status_code, "301")
        self.assertIn('lenient="unknown" unknown="declarantType"'.replace('"', ""), self.instance.log.read_text().replace('"', ""))
        for kind in ("order", "names", "user_kind"):
            self.assertEqual(self.leniency(kind, "plain"), 0)  # the strict listener grants nothing and counts nothing

    def test_each_switch(self):
        picky, book_id = self.plain("picky"), new_id()
        slot = self.slot()
        items = self.book(book_id, slot)
        refused = picky.call("book", fields(items[1:] + items[:1], "none"))
        self.assertEqual((refused.error_code, refused.fields), (2, {"bookId": 1}))
        self.assertEqual(self.states(book_id), [])
        refused = picky.call("book", fields([i for i in items if i[0] != "userKind"], "none"))
        self.assertEqual((refused.error_code, refused.fields, self.spaces_of(refused)), (2, {"userKind": 1}, {None}))
        self.assertEqual((self.states(book_id), self.places(book_id)), (["RETURNED"], 0))
        self.assertEqual(picky.call("book", fields(items, "none")).status_code, "201")
        self.assertEqual((self.states(book_id), self.places(book_id)), (["BOOKED"], 1))
        picky.cancel_booking(book_id)

    def test_all_bad_fields_in_one_answer(self):
        """M10: those of the reading, of the schema and of the rules together."""
        reply = self.plain("loose").call("book", fields([("esiald", "1"), ("esiaId", "1"), ("bookId", "x"), ("slotId", "s"), ("userType", "ROBOT"),
                                                         ("USERSNILS", "1"), ("organizationId", MOSCOW), ("preliminaryReservation", "no")], "none"))
        self.assertEqual((reply.error_code, set(reply.fields)), (2, {"esiaId", "bookId", "userType", "userSnils", "preliminaryReservation"}))

    def test_update_booking_details(self):
        """A2, A4, A5: the portal's own method in the spellings of the facts, signed and plain; status as text or structure."""
        code, text = [("statusCode", "201")], " 201 "
        for client, caller in ((self.portal(), "PGU001001"), (self.plain("loose"), "loose")):
            for (space, ns), status, slot_name in zip(SPACES.items(), (text, [("StatusCode", "201")], text), ("timeSlot", "TIMESLOT", "timeslot")):
                with self.subTest(caller=caller, space=space):
                    before = self.leniency("status", caller)
                    book_id, (to, at) = new_id(), self.free_slots(self.plain("strict"))[:2]
                    self.assertEqual(client.call("book", fields(self.book(book_id, at["slotId"]))).status_code, "201")
                    slot = [("visitTime", to["visitTime"]), ("areaID", ""), ("unknown", "1"), ("organizationId", MOSCOW), ("slotId", to["slotId"])]
                    reply = client.call("updateBookingDetails", fields([("status", status), (slot_name, slot), ("esiaId", "1000000000"), ("bookId", book_id)], space))
                    self.assertEqual((reply.error_code, reply.text("bookId"), reply.text("status"), self.spaces_of(reply)), (0, book_id, None, {ns}))
                    self.assertEqual(self.sql("select slot_id::text from data.place where book_key = %s", book_id), [(to["slotId"],)])
                    self.assertEqual(self.leniency("status", caller) - before, int(status == text))
                    wrong = client.call("updateBookingDetails", fields([("status", "204"), ("bookId", book_id), ("esiaId", "1000000000")], space))
                    self.assertEqual((wrong.error_code, wrong.fields, self.spaces_of(wrong)), (2, {"status": 1}, {ns}))
                    gone = client.call("updateBookingDetails", fields([("status", "301"), ("BookId", book_id), ("esiaId", "1000000000")], space))
                    self.assertEqual((gone.error_code, self.states(book_id)), (0, ["CANCELLED_APPLICANT"]))

        book_id = new_id()
        self.assertEqual(self.plain("loose").call("book", fields(self.book(book_id, self.slot()))).status_code, "201")
        key = [("bookId", book_id), ("esiaId", "1000000000")]
        loose, picky, shaped = (self.plain(name) for name in ("loose", "picky", "shaped"))
        for client, items, bad in ((loose, [*key, ("status", "301"), ("status", "301")], {"status": 1}), (loose, [*key, ("status", "301"), ("Status", code)], {"status": 1}),
                                   (loose, [*key, ("BOOKID", book_id), ("status", "301")], {"bookId": 1}), (loose, [*key, ("status", "20")], {"status": 1, "statusCode": 1}),
                                   (loose, [*key, ("status", [("code", "301")])], {"status": 1, "statusCode": 1}),
                                   (loose, [*key, ("timeslot", [("slotId", "1")]), ("timeSlot", [("slotId", "2")]), ("status", code)], {"timeslot": 1}),
                                   (loose, [*key, ("timeslot", "text"), ("status", code)], {"timeslot": 1, "slotId": 1}),
                                   (picky, [*key, ("status", "301")], {"status": 1}), (picky, [("status", [("statusCode", "301")]), *key], None),
                                   (shaped, [*key, ("status", "301")], {"status": 1}), (shaped, [("status", [("statusCode", "301")]), *key], None),
                                   (shaped, [*key, ("Status", [("statusCode", "301")])], None)):
            with self.subTest(items=items):
                reply = client.call("updateBookingDetails", fields(items))
                self.assertEqual(reply.error_code, 2)
                if bad is not None:
                    self.assertLessEqual(set(bad.items()), set(reply.fields.items()), reply.fields)
                self.assertEqual(self.states(book_id), ["BOOKED"])
        # item 17 requires error, whatever the listener leaves out elsewhere
        done = shaped.call("updateBookingDetails", fields([*key, ("status", [("statusCode", "301")])]))
        self.assertEqual((done.error_code, self.states(book_id)), (0, ["CANCELLED_APPLICANT"]))
        # A2: off by default, whatever the spelling
        for name in ("updateBookingDetails", "UPDATEBOOKINGDETAILS"):
            self.assertRaises(Fault, self.plain("strict").call, name, fields([*key, ("status", code)]))

    def test_user_kind_of_a_firm(self):
        """A31: BUSINESS when businessINN is there; then the number must be a firm's."""
        loose = self.plain("loose")
        reply = loose.call("book", fields(self.book(new_id(), self.slot(), userKind=None, businessINN="770000000082")))
        self.assertEqual((reply.error_code, reply.fields), (2, {"businessINN": 1}))
        book_id = new_id()
        items = self.book(book_id, self.slot(), userKind=None)
        items.insert(-1, ("businessINN", "7700000009"))
        self.assertEqual(loose.call("book", fields(items)).status_code, "201")
        loose.cancel_booking(book_id)

    def test_the_wrapper_and_the_action(self):
        post = lambda client, element, action: client.post(
            ('<s:Envelope xmlns:s="%s"><s:Body>%s</s:Body></s:Envelope>' % (SOAP, element)).encode(), action)
        loose, strict = self.plain("loose"), self.plain("strict")
        for element, action in (("<getrefslistRequest/>", "getRefsList"), ('<x:GetRefsListRequest xmlns:x="%s"/>' % TYPES, "GETREFSLIST"),
                                ('<x:getRefsListRequest xmlns:x="%s"/>' % EQ, "getrefslist")):
            self.assertEqual(loose.read(post(loose, element, action)).error_code, 0)
            self.assertRaises(Fault, strict.read, post(strict, element, action))
        for element, action in (('<x:getRefsListRequest xmlns:x="urn:other"/>', ""), ("<getRefsList/>", ""), ("<getRefsListRequests/>", ""),
                                ('<getRefsListRequest xmlns="%s"/>' % EQ, "book"), ("<getRefsListRequest/><getRefsListRequest/>", "")):
            self.assertRaises(Fault, loose.read, post(loose, element, action))

    def test_the_shape_of_answers(self):
        shaped, book_id = self.plain("shaped"), new_id()
        free = self.free_slots(self.plain("strict"))
        pair = next((a, b) for a, b in zip(free, free[1:]) if a["visitTime"][:10] == b["visitTime"][:10] and minutes(b) - minutes(a) == 15)
        items = [i for i in self.book(book_id, pair[0]["slotId"])]
        items.insert(2, ("slotId", pair[1]["slotId"]))
        document = ("userDoc", [("Document", [("docType", "BIRTH CERTIFICATE"), ("docNumber", "1")])])  # A9
        items.insert(-1, document)
        self.assertEqual(set(self.plain("strict").call("book", fields(items)).fields), {"docType"})
        booked = shaped.call("book", fields(items))
        self.assertEqual((booked.error_code, booked.status_code), (None, "201"))  # A11; A4: book keeps the structure
        self.assertEqual([(s["slotId"], s["duration"]) for s in booked.slots], [(pair[0]["slotId"], "30")])  # A6
        status = shaped.get_booking_status(book_id)
        self.assertEqual((status.error_code, status.text("status"), len(status.slots)), (None, "201", 1))
        self.assertEqual(len(self.plain("strict").get_booking_status(book_id).slots), 2)
        self.assertEqual(shaped.cancel_booking(book_id).text("status"), "301")
        self.assertEqual(shaped.cancel_booking("x").error_code, 2)

    def test_ten_thousand_unknown_elements(self):
        message = fields([*[("u%d" % i, "") for i in range(10000)], ("bookId", new_id()), ("esiaId", "1")], "none")
        client = self.plain("loose")
        spent = self.instance.metric("process_cpu_seconds_total")
        reply = client.call("getBookingStatus", message)
        self.assertEqual((reply.error_code, reply.fields), (2, {"bookId": 2}))
        self.assertLess(self.instance.metric("process_cpu_seconds_total") - spent, 1)

    def test_no_personal_data_in_the_log(self):
        """J3: element names are a peer's words; what is not a name of a field is not repeated."""
        self.plain("loose").call("getBookingStatus", fields([("Секретов", "1"), ("bookId", "1"), ("esiaId", "1"), ("s4509987654", "Секретов")], "none"))
        log = self.instance.log.read_text()
        self.assertNotIn("Секретов", log)
        self.assertNotIn("4509987654", log)

    def test_z_a_reload_changes_the_reading_of_a_sender(self):
        """M9 per caller: the switch of a sender is taken up while the daemon runs."""
        client = self.portal()
        message = fields([("esiaId", "1"), ("bookId", new_id())])
        self.assertEqual(client.call("getBookingStatus", message).fields, {"bookId": 2})
        conf = self.instance.conf
        old = conf.read_text()
        self.addCleanup(conf.write_text, old)
        conf.write_text(old.replace("[sender PGU001001]\nreading = lenient", "[sender PGU001001]\nreading = strict"))
        os.kill(self.instance.pid(), signal.SIGHUP)
        deadline = time.monotonic() + e2e.PATIENT_S
        while "bookId" not in (told := client.call("getBookingStatus", message).fields) or told["bookId"] != 1:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)


def minutes(slot):
    return int(slot["visitTime"][11:13]) * 60 + int(slot["visitTime"][14:16])


if __name__ == "__main__":
    e2e.main()
