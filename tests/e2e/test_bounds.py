#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L2, M10, P1: every string, list and tree of every operation to its bound, one beyond it, and far beyond, with fillers that are
nasty to somebody. The bounds are read from docs/limits.md and the elements of the operations from the schema, so that a new element
without a row fails here. Beyond: error 2 that names the field, and no statement reaches PostgreSQL. At the bound: an answer.

What it costs is CPU time of the database's backends and of the loop's thread (/proc), never time of a clock on the wall."""
import os
import re
import unittest
import xml.etree.ElementTree as ElementTree

import e2e
from e2e import E2E, MOSCOW, SERVICE, SOURCE, new_id

from instance import free_ports
from smev2client import EQ, SOAP, Client, Fault, escape

XS = "{http://www.w3.org/2001/XMLSchema}"
DATABASE_MOST_S, LOOP_MOST_S = 0.5, 0.05
MARKS = "\u0301\u0323"
FAR_BYTES = 800 * 1024
FILLERS = {"letter": "я", "astral": "\U0001d504", "wild": "%_\\", "marks": "и" + MARKS * 15, "words": "аб "}
METHODS = ("getSlots", "book", "getBookingStatus", "cancelBooking", "getRefsList", "getRefAttributesList", "getRefItemsList",
           "updateBookingDetails")


def read_bounds():
    """{(type or "", element): (characters, values, is_line)} of docs/limits.md."""
    rows = re.findall(r"^\| (\w+) \| (\w*) \| (\d*) \| (\d*) \| (\w*) \|$", (SOURCE / "docs/limits.md").read_text(), re.M)
    return {(t, e): (int(n or 0), int(m or 0), line == "yes") for e, t, n, m, line in rows}


class Schema:
    def __init__(self):
        root = ElementTree.parse(SOURCE / "schemas/equeue-types.xsd").getroot()
        self.types = {t.get("name"): t for t in root.iter(XS + "complexType")}
        self.groups = {g.get("name"): g for g in root.findall(XS + "group")}

    def elements(self, type_name):
        """(name, type, is_many), each once."""
        found = {}

        def look(node):
            for child in node:
                if child.tag == XS + "group":
                    look(self.groups[child.get("ref")[3:]])
                elif child.tag == XS + "element":
                    found.setdefault(child.get("name"), (child.get("type"), child.get("maxOccurs") == "unbounded"))
                else:
                    look(child)
        look(self.types[type_name])
        return [(name, *rest) for name, rest in found.items()]

    def leaves(self, method):
        """(path of elements, type that has the last one or "", its name, is_many) of a request; predicates inside each other once."""
        def walk(type_name, path, owner):
            for name, kind, is_many in self.elements(type_name):
                inner = kind[3:] if kind.startswith("eq:") and kind[3:] in self.types else None
                if inner is None:
                    yield path + (name,), owner, name, is_many
                elif path.count("subs") == 0 or name == "simple":
                    if is_many and name == "Attribute":
                        yield path + (name,), type_name, name, True
                    yield from walk(inner, path + (name,), inner)
        yield from walk(method[0].upper() + method[1:] + "Request", (), "")


def put(tree, path, values, order):
    """A copy of nested [(name, value)] with these values at the path, in the order of the schema."""
    def at(items, path):
        name = path[0]
        rest = [(n, v) for n, v in items if n != name]
        old = [v for n, v in items if n == name]
        new = values if len(path) == 1 else [at(old[0] if old and isinstance(old[0], list) else [], path[1:])]
        return sorted(rest + [(name, v) for v in new], key=lambda item: order.index(item[0]))
    return at(tree, path)


def xml(items):
    return "".join("<eq:%s>%s</eq:%s>" % (n, xml(v) if isinstance(v, list) else escape(v), n) for n, v in items)


def simple(name, condition, value):
    return [("simple", [("attributeName", name), ("condition", condition), ("checkAllValues", "false"), ("value", value)])]


def union(subs):
    return [("union", [("unionKind", "OR")] + [("subs", s) for s in subs])]


BASE = {
    "getSlots": [("organizationId", MOSCOW), ("userType", "SIMPLE"), ("userKind", "PHYSIC"), ("esiaId", "1000000000")],
    "book": [("bookId", "52f7e417-23dd-4f3c-999a-1cf196e81220"), ("slotId", "e513be00-ee1b-11f1-8001-010000000012"), ("organizationId", MOSCOW),
             ("userType", "SIMPLE"), ("userKind", "PHYSIC"), ("esiaId", "1000000000"), ("preliminaryReservation", "false")],
    "getBookingStatus": [("bookId", "52f7e417-23dd-4f3c-999a-1cf196e81220"), ("esiaId", "1")],
    "cancelBooking": [("bookId", "52f7e417-23dd-4f3c-999a-1cf196e81220"), ("esiaId", "1")],
    "getRefsList": [],
    "getRefAttributesList": [("refNames", "organizations")],
    "getRefItemsList": [("refName", "heavy"), ("treeFiltering", "ONELEVEL"), ("pageNum", "0"), ("pageSize", "0")],
    "updateBookingDetails": [("bookId", "52f7e417-23dd-4f3c-999a-1cf196e81220"), ("esiaId", "1"), ("status", [("statusCode", "205")])],
}
# What stands around a value in a structure.
AROUND = {"userDoc": [("Document", [("docType", "PASSPORT"), ("docNumber", "1")])], "filter": simple("areaId", "equals", "x"),
          "attributes": [("Attribute", [("name", "n"), ("value", "v")])],
          "timeslot": [("slotId", "e513be00-ee1b-11f1-8001-010000000012"), ("organizationId", MOSCOW), ("areaId", "room-11"),
                       ("visitTime", "2030-01-01T10:00:00+03:00")]}
HEAVY = """
insert into data.ref_book (ref_name, title, kind) values ('heavy', 'Книга', 'H');
insert into data.ref_attribute (ref_name, position, name, title, type, allow_filtering)
select 'heavy', 10 + n, 'a' || n, 'Признак', 'STRING', true from generate_series(1, 5) as n;
insert into data.ref_item (ref_name, code, title, attributes)
select 'heavy', 'c' || n, 'Элемент ёлка ' || n, jsonb_build_object('a1', 'Значение ' || n, 'a2', 'Другое ' || n) from generate_series(1, 3000) as n;
insert into data.ref_item (ref_name, code, title, attributes, parent_id)
select 'heavy', 'd' || n, 'Под ' || n, '{}', (select i.item_id from data.ref_item as i where i.ref_name = 'heavy' and i.code = 'c1') from generate_series(1, 150) as n;
"""


class Bounds(E2E):
    @classmethod
    def options(cls):
        cls.ports = dict(zip(("lenient", "strict"), free_ports(2)))

        def edit(text):
            for name, port in cls.ports.items():
                text += "\n[listener %s]\nkind = plain\naddress = 127.0.0.1:%d\nreading = %s\nupdate_booking_details = yes\n" % (name, port, name)
            return text.replace("[database]\n", "[database]\nconnections = 1\n") + "\n[limits]\nref_items_max = 3100\n"
        return {"edit": edit}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.prepare()
        except BaseException:
            cls.instance.down()
            raise

    @classmethod
    def prepare(cls):
        cls.bounds, cls.schema, cls.used = read_bounds(), Schema(), set()
        cls.instance.psql(HEAVY)
        # The statements that PostgreSQL sees of the daemon, the journal of what was refused left out.
        cls.instance.psql("alter system set log_line_prefix = '%u %p '")
        cls.instance.psql("alter role zapisd_daemon set log_statement = 'all'")
        cls.instance.psql("alter role zapisd_daemon set log_parameter_max_length = 0")
        cls.instance.psql("select pg_reload_conf()")
        cls.instance.stop_daemon()  # its next sessions log what they are asked
        cls.instance.start_daemon()
        cls.log = open(cls.instance.pg["PG_PRIVATE_LOG"], errors="replace")
        cls.addClassCleanup(cls.log.close)
        cls.nstatements = 0
        cls.order = {}
        for method in METHODS:
            cls.order[method] = []
            for name in cls.names(method[0].upper() + method[1:] + "Request"):
                if name not in cls.order[method]:
                    cls.order[method].append(name)

    @classmethod
    def names(cls, type_name, seen=()):
        for name, kind, _ in cls.schema.elements(type_name):
            yield name
            if kind.startswith("eq:") and kind[3:] in cls.schema.types and kind[3:] not in seen:
                yield from cls.names(kind[3:], seen + (kind[3:],))

    # ---- asking ------------------------------------------------------------------------------------------------------

    def client(self, reading):
        client = Client("http://127.0.0.1:%d/equeue" % self.ports[reading], timeout=600)
        self.addCleanup(client.close)
        return client

    def statements(self):
        """How often the log tells of one of our calls so far; what the daemon does by itself has other names."""
        for line in self.log:
            type(self).nstatements += bool(re.match(r"zapisd_daemon \d+ LOG: +(?:execute|statement)[^\n]*\bapi\.(?:get_|book|cancel_|update_)", line))
        return self.nstatements

    def backend_cpu(self):
        total = {}
        for pid in self.sql("select pid from pg_stat_activity where usename = 'zapisd_daemon'"):
            with open("/proc/%d/schedstat" % pid) as f:
                total[pid[0]] = int(f.read().split()[0]) / 1e9
        return total

    def loop_cpu(self):
        pid = self.instance.pid()
        with open("/proc/%d/task/%d/schedstat" % (pid, pid)) as f:  # the main thread is the loop
            return int(f.read().split()[0]) / 1e9

    def fields(self, reply):
        error = reply.values and dict(reply.values).get("error")
        listed = dict(error).get("fieldErrors") if error else None
        return {dict(v)["fieldName"]: dict(dict(v)["errorDetail"]) for _, v in listed} if isinstance(listed, list) else {}

    def refused(self, client, method, content, what, field=None, message="не более"):
        before, backends, loop = self.statements(), self.backend_cpu(), self.loop_cpu()
        try:
            reply = client.call(method, content)
        except Fault:
            reply = None
            self.assertIsNone(field, what)
        else:
            self.assertEqual(reply.error_code, 2, what)
            self.assertIn(field, self.fields(reply), what)
            self.assertRegex(self.fields(reply)[field]["errorMessage"], message, what)
        # Of book it is remembered that it was wrong (items 15.1, 20); with what is within its bounds (unit_booking_test_call).
        self.assertEqual(self.statements() - before, 0 if reply is None or method != "book" else 1, "%s reached PostgreSQL" % what)
        self.assertLess(self.loop_cpu() - loop, LOOP_MOST_S, what)
        self.assertLess(sum(now - backends.get(pid, 0) for pid, now in self.backend_cpu().items()), DATABASE_MOST_S, what)

    def answered(self, client, method, content, what):
        backends, loop = self.backend_cpu(), self.loop_cpu()
        reply = client.call(method, content)
        self.assertIn(reply.error_code, range(6), what)
        for message in self.fields(reply).values():
            self.assertNotRegex(message["errorMessage"], "не более", what)
        loop = self.loop_cpu() - loop
        after = self.backend_cpu()
        database = sum(after[p] - backends.get(p, 0) for p in after)
        self.assertLess(database, DATABASE_MOST_S, what)
        self.assertLess(loop, LOOP_MOST_S, what)
        return reply

    # ---- driving -----------------------------------------------------------------------------------------------------

    def field_of(self, path):
        return next((p for p in path if p in ("filter", "attributes")), path[-1])

    def message(self, method, path, values):
        items = list(BASE[method])
        if path[0] in AROUND and len(path) > 1:
            items = put(items, path[:1], [AROUND[path[0]]], self.order[method])
        if path[1:2] == ("attributes",):
            items = put(items, path[:2], [AROUND["attributes"]], self.order[method])
        if "subs" in path or path[:2] == ("filter", "union"):
            items = put(items, ("filter",), [union([simple("areaId", "equals", "x")])], self.order[method])
        return xml(put(items, path, values, self.order[method]))

    def cut(self, filler, n):
        return (filler * (n // len(filler) + 1))[:n]

    def drive(self, reading):
        client = self.client(reading)
        for method in METHODS:
            for path, owner, name, is_many in self.schema.leaves(method):
                self.assertIn((owner, name), self.bounds, "%s has no bound" % name)
                length, count, _ = self.bounds[(owner, name)]
                type(self).used.add((owner, name))
                if length == 0:
                    continue  # a structure: see the lists
                what = "%s, %s, %s" % (reading, method, "/".join(path))
                with self.subTest(what):
                    for kind, filler in FILLERS.items():
                        self.answered(client, method, self.message(method, path, [self.cut(filler, length)]), "%s at its bound, %s" % (what, kind))
                    # What goes no further than the binding cannot be too long: it only has to be refused.
                    field = self.field_of(path)
                    is_word = name in ("preliminaryReservation", "checkAllValues")
                    for n in (length + 1, FAR_BYTES // 2):
                        for kind in ("letter", "marks"):
                            content = self.message(method, path, [self.cut(FILLERS[kind], min(n, FAR_BYTES // len(FILLERS[kind].encode()) * len(FILLERS[kind])))])
                            if not is_word:
                                self.refused(client, method, content, "%s of %d, %s" % (what, n, kind), field)
                    if not is_word:
                        self.refused(client, method, self.message(method, path, ["и" + MARKS * 16]), what + ": marks", field)
        self.assertEqual(set(self.bounds) - self.used, set(), "rows of docs/limits.md that no request has")

    def test_strict(self):
        """L2, M10: every string"""
        self.drive("strict")

    def test_lenient(self):
        """L2: other spellings are allowed, other sizes are not"""
        self.drive("lenient")

    def test_lists(self):
        """L2: every list, of names that exist and of names that do not"""
        known = {"organizationId": [MOSCOW], "serviceId": [SERVICE, "10000593394"], "areaId": ["room-11", "room-12", "hall-1"],
                 "refNames": ["organizations", "services"], "selectAttributes": ["code", "title"], "orderBy": ["title", "a1"],
                 "slotId": [s["slotId"] for s in self.free_slots(self.portal("plain"))][:60]}
        for reading in self.ports:
            client, seen = self.client(reading), 0
            for method in METHODS:
                for path, owner, name, is_many in self.schema.leaves(method):
                    count = self.bounds[(owner, name)][1]
                    if not is_many or count == 0:
                        continue
                    seen += 1
                    value = known.get(name) or [AROUND["attributes"][0][1]]
                    for n, is_good in ((count, True), (count + 1, False), (12000, False)):
                        content = self.message(method, path, [value[i % len(value)] for i in range(n)])
                        what = "%s, %s, %d of %s" % (reading, method, n, "/".join(path))
                        with self.subTest(what):
                            if is_good:
                                self.answered(client, method, content, what)
                            else:
                                self.refused(client, method, content, what, self.field_of(path))
            self.assertGreaterEqual(seen, 12)

    def test_trees(self):
        """L2, P1: filters as deep and as wide as they may be, and beyond, and such as are neither one thing nor the other"""
        def chain(n):
            tree = simple("areaId", "contains", "a")
            for _ in range(n):
                tree = union([tree])
            return tree
        conditions = ("contains", "wordStarts", "equals", "notEquals", "greaterThan")
        for reading in self.ports:
            client = self.client(reading)
            for method, name in (("getSlots", "areaId"), ("getSlots", "DATE"), ("getRefItemsList", "title")):
                def ask(tree):
                    return xml(put(BASE[method], ("filter",), [tree], self.order[method]))
                for condition in conditions:
                    for kind, filler in FILLERS.items():
                        if name == "DATE" and condition not in ("contains", "wordStarts"):
                            filler = "2030-01-01"
                        width = 199 if name != "title" else 100  # of 3,150 items
                        value = filler if name == "DATE" else self.cut(filler, 900)
                        self.answered(client, method, ask(union([simple(name, condition, value)] * width)), "%s %s %s wide %s" % (reading, method, condition, kind))
                self.answered(client, method, ask(chain(8)), "deep")
                self.refused(client, method, ask(chain(9)), "deeper", "filter")
                self.refused(client, method, ask(union([simple(name, "contains", "a")] * 200)), "wider", "filter")
                self.refused(client, method, ask(union([simple(name, "contains", "a")] * 5000)), "far wider", "filter")
                self.refused(client, method, ask(union([union([simple(name, "equals", "a")] * 60)] * 60)), "bushy", "filter")
                both = simple(name, "equals", "a") + union([simple(name, "equals", "a")] * 3000)
                self.refused(client, method, ask(both), "both at once", "union", "либо simple, либо union")

    def test_unseen_characters(self):
        """M9, M10: what nobody sees is in no name, number or identifier; nothing of it is booked"""
        client = self.client("strict")
        tried = 0
        for method in METHODS:
            for path, owner, name, _ in self.schema.leaves(method):
                length, _, is_line = self.bounds[(owner, name)]
                if length < 200 or not is_line:
                    continue
                for c in ("\x7f", "\x85", "\u200b", "\u202e", "\u2066", "\ufeff", "\ue000", "\ufdd0", "\U0001fffe", "\U000e0041"):
                    with self.subTest("%s/%s U+%04X" % (method, "/".join(path), ord(c))):
                        reply = client.call(method, self.message(method, path, ["И" + c + "в"]))
                        self.assertEqual(reply.error_code, 2)
                        self.assertIn(self.field_of(path), self.fields(reply))
                        tried += 1
        self.assertGreater(tried, 400)
        self.assertEqual(self.one("select count(*) from data.applicant where last_name ~ '[^ -я]'"), 0)

    def test_statements_are_counted(self):
        """L2: what the others rely on: a call that reaches PostgreSQL is seen"""
        client, before = self.client("strict"), self.statements()
        for method in METHODS:
            self.answered(client, method, xml(BASE[method]), method)
        self.assertEqual(self.statements(), before + len(METHODS))

    def test_answers(self):
        """L2: a list that is too long for one answer is counted, not written; by page it comes"""
        client = self.client("strict")

        def ask(page, size, **change):
            items = dict(BASE["getRefItemsList"], pageNum=str(page), pageSize=str(size), **change)
            return client.call("getRefItemsList", xml(items.items()))
        before, loop = self.backend_cpu(), self.loop_cpu()
        reply = ask(0, 0, treeFiltering="SUBTREE")
        self.assertEqual((reply.error_code, list(self.fields(reply))), (2, ["pageSize"]))
        self.assertRegex(self.fields(reply)["pageSize"]["errorMessage"], "3100")
        after = self.backend_cpu()
        self.assertLess(sum(after[p] - before.get(p, 0) for p in after), DATABASE_MOST_S)
        self.assertLess(self.loop_cpu() - loop, LOOP_MOST_S)
        reply = ask(0, 0)  # 3,000 of them
        self.assertEqual((reply.error_code, dict(reply.values)["totalItems"]), (0, "3000"))
        reply = ask(1, 3150, treeFiltering="SUBTREE")
        self.assertEqual((reply.error_code, list(self.fields(reply))), (2, ["pageSize"]))
        for page in (1, 2):
            reply = ask(page, 2000, treeFiltering="SUBTREE")
            self.assertEqual((reply.error_code, dict(reply.values)["totalItems"]), (0, "3150"))

    def test_frame(self):
        """L2, V2: fields of the SMEV frame and the certificate"""
        client = self.portal()
        self.assertEqual(client.get_refs_list(CaseNumber="1" * 1024).error_code, 0)
        for name in ("CaseNumber", "ServiceCode", "RequestIdRef", "OriginRequestIdRef", "TypeCode", "ExchangeType"):
            with self.subTest(name), self.assertRaises(Fault):
                client.get_refs_list(**{name: "1" * 1025})
            with self.subTest(name), self.assertRaises(Fault):
                client.get_refs_list(**{name: "и" + MARKS * 100000})
        with self.assertRaises(Fault):
            client.call("getRefsList", [], message_id="m" * 257)
        data = client.envelope("getRefsList", [])
        fat = re.sub(rb"(<wsse:BinarySecurityToken[^>]*>)", lambda m: m.group(1) + b"A" * FAR_BYTES, data)
        self.assertNotEqual(fat, data)
        with self.assertRaises(Fault):
            client.read(client.post(fat, "getRefsList"))


class Doors(E2E):
    """The functions of api.* themselves, for callers other than the daemon."""

    def rows(self, text, *args):
        with self.instance.connect("zapisd_daemon") as connection, connection.cursor() as cursor:
            cursor.execute("set statement_timeout = '60s'")
            cursor.execute("select pg_backend_pid()")
            pid = cursor.fetchone()[0]

            def cpu():
                with open("/proc/%d/schedstat" % pid) as f:
                    return int(f.read().split()[0]) / 1e9
            before = cpu()
            cursor.execute(text, args)
            rows = cursor.fetchall()
            self.assertLess(cpu() - before, DATABASE_MOST_S, text[:60])
            return rows

    def test_lists_and_texts(self):
        """L2: what is far beyond a bound is told by its size alone"""
        far, many = "и" + MARKS * (FAR_BYTES // 4), ["R%07d" % n for n in range(12000)]
        tree = '{"unionKind":"OR","subs":[%s]}' % ",".join(['{"checkAllValues":false,"attributeName":"areaId","condition":"contains","value":"a"}'] * 12000)
        one = '{"checkAllValues":false,"attributeName":"areaId","condition":"contains","value":"%s"}'
        slots = "select kind, error_code, field from api.get_slots('', %s, %s, %s, 'SIMPLE', 'PHYSIC', %s, 20000, %s)"
        for args, field in ((((many, [], [], "1", None)), "organizationId"), (([MOSCOW], many, [], "1", None), "serviceId"),
                            (([MOSCOW], [], many, "1", None), "areaId"), (([MOSCOW], [], [], far, None), "esiaId"),
                            (([MOSCOW], [], [], "1", tree), "filter"), (([MOSCOW], [], [], "1", one % (far * 2)), "filter"), (([far], [], [], "1", None), "organizationId")):
            self.assertEqual(self.rows(slots, *args)[:2], [("answer", 2, None), ("field", 1, field)])
        items = "select kind, error_code, field from api.get_ref_items_list('', %s, %s, 'ONELEVEL', %s, %s, 0, 0, %s, %s)"
        for args, field in ((("services", far, [], [], None, None), "parentRefItemValue"), (("services", None, many, [], None, None), "selectAttributes"),
                            (("services", None, [], many, None, None), "orderBy"), ((far, None, [], [], None, None), "refName"),
                            (("services", None, [], [], far, None), "version"), (("services", None, [], [], None, tree), "filter")):
            self.assertEqual(self.rows(items, *args), [("answer", 2, None), ("field", 1, field)])
        self.assertEqual(self.rows("select kind, error_code, field from api.get_ref_attributes_list('', %s)", many), [("answer", 2, None), ("field", 1, "refNames")])
        self.assertEqual(self.rows("select kind, error_code, field from api.get_booking_status('', %s, '1')", far), [("answer", 2, None), ("field", 1, "bookId")])

    def test_marks(self):
        """P2, L2: normalize() never sees a run of marks that no writing has, and can be broken off in what is left"""
        run = "и" + MARKS * (FAR_BYTES // 5)
        self.instance.psql("grant execute on function data.fold(text) to zapisd_daemon; grant usage on schema data to zapisd_daemon;")
        self.assertEqual(len(self.rows("select data.fold(%s)", run)[0][0]), len(run))
        self.assertEqual(self.rows("select data.fold(%s)", "И\u0306ё")[0][0], "йе")
        self.assertEqual(self.rows("select data.fold(%s)", ("И\u0306" * 1000))[0][0], "й" * 1000)

    def test_what_is_stored(self):
        """M9, L2: nobody stores a name of 50,000 letters"""
        with self.assertRaises(Exception) as caught:
            self.sql("""insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at)
                values ('long', 'long', '1', %s, 'REFUSED', '208', now(), now());
                insert into data.applicant (book_key, last_name) values ('long', repeat('я', 50000))""", MOSCOW)
        self.assertIn("applicant_bounds", str(caught.exception))


if __name__ == "__main__":
    e2e.main()
