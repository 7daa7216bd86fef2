#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Edge cases 21 and 22: predicates and reference books (P1-P4, R1-R6, M5-M7; items 4-6, 11, 22-24; A12-A22), asked over SOAP. Values and
what they must be found by are written down here by hand; test_predicates.py asks at random."""
import datetime
import decimal
import json

import edges
from e2e import MOSCOW, new_id
from edges import Edges, at

ORDERED = {"equals": lambda a, b: a == b, "notEquals": lambda a, b: a != b, "greaterThan": lambda a, b: a > b, "lessThan": lambda a, b: a < b,
           "greaterThanOrEquals": lambda a, b: a >= b, "lessThanOrEquals": lambda a, b: a <= b}
PARTS = {"contains": lambda a, b: b in a, "startsWith": lambda a, b: a.startswith(b), "endsWith": lambda a, b: a.endswith(b),
         "wordStarts": lambda a, b: any(a[i:].startswith(b) for i in range(len(a)) if i == 0 or not a[i - 1].isalnum())}
TYPED = {"LONG": int, "DECIMAL": decimal.Decimal, "BOOLEAN": lambda s: s in ("true", "1"),
         "DATETIME": lambda s: datetime.datetime.fromisoformat(s.replace("Z", "+00:00"))}
# attribute: type, the values of items a, b, c, d ... (None: the item has none), what to ask
BOOK = {
    "name": ("STRING", ["alpha beta", "beta", "gamma", "beta-alpha", None], ["beta", "alpha", "gam", "delta"]),
    "count": ("LONG", ["9", "10", "-5", "100", None], ["10", "9", "0", "-5", "1"]),
    "price": ("DECIMAL", ["1.50", "10.25", "-3.125", "9", None], ["1.5", "9.00", "-3.125", "2", ".5"]),
    "since": ("DATETIME", ["2026-02-01T00:00:00+03:00", "2026-01-31T21:00:00+00:00", "2025-12-31T23:59:59-05:00", "2026-03-01T12:00:00+12:00", None],
              ["2026-01-31T21:00:00Z", "2026-02-01T00:00:00+00:00", "2026-01-01T04:59:59Z"]),
    "open": ("BOOLEAN", ["true", "false", "true", "false", None], ["true", "0", "1", "false"]),
    "text": ("STRING", ["100%_a\\b", "100 процентов", "Ёлка", "ЕЛЬ еловая", "ёлка ель"], []),
}
CODES = "abcde"


def simple(name, condition, value=None, check_all=False):
    return [("simple", [("attributeName", name), ("condition", condition), ("checkAllValues", check_all), ("value", value)])]


def union(kind, *subs):
    return [("union", [("unionKind", kind)] + [("subs", list(s)) for s in subs])]


class Filters(Edges):
    def items(self, book, client=None, filter=None, **more):
        given = dict(tree="ONELEVEL", parent=None, select=(), order=(), page=0, size=0, version=None)
        given.update(more)
        return (client or self.client).call("getRefItemsList", [
            ("refName", book), ("parentRefItemValue", given["parent"]), ("treeFiltering", given["tree"]), ("selectAttributes", list(given["select"])),
            ("filter", filter), ("orderBy", list(given["order"])), ("pageNum", given["page"]), ("pageSize", given["size"]), ("version", given["version"])])

    def codes(self, reply, error_code=0):
        self.assertEqual(reply.error_code, error_code, reply.values)
        return [a["value"] for a in reply.records("items/attributes/RefAttribute") if a["name"] == "code"]

    def attributes(self, reply):
        """{code: {attribute: value}} of a flat answer."""
        found = {}
        for name, value in reply.values:
            if name == "items":
                pairs = [(dict(a)["name"], dict(a)["value"]) for n, v in value if n == "attributes" for _, a in v]
                found[dict(pairs)["code"]] = dict(pairs)
        return found

    def wrong_filter(self, reply, code=1):
        self.assertEqual((reply.error_code, reply.fields.get("filter")), (2, code), reply.values)

    # ---- 21 ----------------------------------------------------------------------------------------------------------

    def edge_21_predicates(self):
        """21: each of 10 conditions x 5 types; nesting 8; both or none of simple/union; allowFiltering=false; %_\\ taken literally; Cyrillic case, ё; checkAllValues four ways"""
        self.sql("select admin.ref_new('edge21', 'Проверка условий')")
        for name, (kind, _, _) in BOOK.items():
            self.sql("select admin.ref_attribute('edge21', %s, %s, %s)", name, name, kind)
        self.sql("select admin.ref_attribute('edge21', 'closed', 'closed', 'STRING', null, false)")
        for n, code in enumerate(CODES):
            values = {name: row[1][n] for name, row in BOOK.items() if row[1][n] is not None}
            self.sql("select admin.ref_put('edge21', %s, %s, %s)", code, "Строка " + code, json.dumps(dict(values, closed="x")))
        asked = 0
        for client in (self.client, self.portal()):
            for name, (kind, values, wanted) in BOOK.items():
                for condition in [*ORDERED, *PARTS]:
                    for value in wanted if client is self.client else wanted[:1]:
                        typed = TYPED.get(kind, str)
                        if condition in PARTS:  # in the text as it is sent
                            meets = lambda v: v is not None and PARTS[condition](v, value)
                        elif condition == "notEquals":  # who has none equals nothing
                            meets = lambda v: v is None or typed(v) != typed(value)
                        else:
                            meets = lambda v: v is not None and ORDERED[condition](typed(v), typed(value))
                        want = [c for c, v in zip(CODES, values) if meets(v)]
                        for spelled in (condition, "".join("_" + x if x.isupper() else x for x in condition).upper()):  # A21
                            got = self.codes(self.items("edge21", client, simple(name, spelled, value)))
                            self.assertEqual(got, want, (name, spelled, value))
                            asked += 1
        self.assertGreater(asked, 300)
        # a value that is none of the type
        for name, value in (("count", "9.5"), ("count", "девять"), ("price", "1,5"), ("price", "1e3"), ("since", "01.02.2026"), ("since", "2026-02-30"), ("since", "2026-02-01"), ("since", "2026-02-01T00:00:00"), ("open", "да")):
            self.wrong_filter(self.items("edge21", filter=simple(name, "equals", value)))
        # of slots: DATE, DAYOFWEEK, HOUR, DAY, MONTH, YEAR with each condition
        everything = self.client.get_slots(MOSCOW).slots
        reads = {"DATE": lambda t: t.date().isoformat(), "DAYOFWEEK": lambda t: t.isoweekday(), "HOUR": lambda t: t.hour, "DAY": lambda t: t.timetuple().tm_yday,
                 "MONTH": lambda t: t.month, "YEAR": lambda t: t.year}
        middle = at(everything[len(everything) // 2]["visitTime"])
        for name, read in reads.items():
            for condition in [*ORDERED, *PARTS]:
                value = read(middle) if condition in ORDERED else str(read(middle))[-2:]
                made = {**ORDERED, **PARTS}[condition]
                of = (lambda s: read(at(s["visitTime"]))) if condition in ORDERED else (lambda s: str(read(at(s["visitTime"]))))
                want = [s["slotId"] for s in everything if made(of(s), value)]
                self.assertEqual(self.offered(more=[("filter", simple(name, condition, value))]), want, (name, condition, value))
        self.assertEqual(self.offered(more=[("filter", simple("DAYOFWEEK", "equals", "mon"))]), [s["slotId"] for s in everything if at(s["visitTime"]).isoweekday() == 1])

        # nesting: eight are good, nine are not; AND and OR mean what they say
        tree = simple("count", "equals", "10")
        for n in range(8):
            tree = union("AND" if n % 2 else "OR", tree)
        self.assertEqual(self.codes(self.items("edge21", filter=tree)), ["b"])
        self.wrong_filter(self.items("edge21", filter=union("OR", tree)))
        nine, slots = union("AND", *[simple("HOUR", "equals", "10")] * 2), simple("HOUR", "equals", "10")
        for n in range(8):
            slots = union("OR", slots)
        self.assertEqual(self.offered(more=[("filter", slots)]), self.offered(more=[("filter", nine)]))
        self.wrong_filter(self.client.get_slots(MOSCOW, more=[("filter", union("AND", slots))]))
        some = union("AND", union("OR", simple("count", "equals", "9"), simple("price", "lessThan", "0")), simple("open", "equals", "true"))
        self.assertEqual(self.codes(self.items("edge21", filter=some)), ["a", "c"])
        # both or none of simple and union, and none inside
        both = simple("count", "equals", "9") + union("AND", simple("count", "equals", "9"))
        for bad in (both, [("simple", "")], [("union", [("unionKind", "AND")])], union("AND", []), union("AND", both), both[::-1]):
            for reply in (self.items("edge21", filter=bad), self.client.get_slots(MOSCOW, more=[("filter", bad)])):
                self.assertEqual(reply.error_code, 2, (bad, reply.values))
        for call in (lambda f: self.client.call("getRefItemsList", '<eq:refName>edge21</eq:refName><eq:treeFiltering>ONELEVEL</eq:treeFiltering>%s'
                                                '<eq:pageNum>0</eq:pageNum><eq:pageSize>0</eq:pageSize>' % f),
                     lambda f: self.client.call("getSlots", '<eq:organizationId>R7700018</eq:organizationId><eq:userType>SIMPLE</eq:userType><eq:userKind>PHYSIC'
                                                '</eq:userKind><eq:esiaId>1</eq:esiaId>' + f)):
            self.wrong_filter(call("<eq:filter></eq:filter>"))
        # an attribute one may not filter by, or that is not there
        self.wrong_filter(self.items("edge21", filter=simple("closed", "equals", "x")))
        self.wrong_filter(self.items("edge21", filter=union("OR", simple("count", "equals", "9"), simple("closed", "equals", "x"))))
        self.wrong_filter(self.items("edge21", filter=simple("colour", "equals", "x")), 2)
        self.wrong_filter(self.client.get_slots(MOSCOW, more=[("filter", simple("colour", "equals", "x"))]), 2)
        # the signs of LIKE are signs
        for condition, value, want in (("contains", "%", ["a"]), ("contains", "_", ["a"]), ("contains", "\\", ["a"]), ("startsWith", "100%", ["a"]), ("startsWith", "1__", []),
                                       ("contains", "0%п", []), ("endsWith", "\\b", ["a"]), ("contains", "%_a\\", ["a"]), ("contains", "100", ["a", "b"]), ("equals", "100%", [])):
            self.assertEqual(self.codes(self.items("edge21", filter=simple("text", condition, value))), want, (condition, value))
        # capital and small letters, ё and е
        for condition, value, want in (("contains", "ёлка", ["c", "e"]), ("contains", "ЕЛКА", ["c", "e"]), ("startsWith", "елк", ["c", "e"]), ("wordStarts", "Ёл", ["c", "d", "e"]),
                                       ("endsWith", "ЁЛКА", ["c"]), ("wordStarts", "ПРОЦ", ["b"]), ("contains", "ЁЛОВ", ["d"]), ("equals", "Ёлка", ["c"]), ("equals", "ёлка", [])):
            self.assertEqual(self.codes(self.items("edge21", filter=simple("text", condition, value))), want, (condition, value))
        # checkAllValues: with a value it does not matter, without one it is the question (A17)
        for value, check_all, want in (("9", True, ["a"]), ("9", False, ["a"]), (None, True, list("abcd")), (None, False, ["e"]), ("", True, list("abcd")), ("", False, ["e"])):
            for condition in ("equals", "greaterThanOrEquals") if value is None or value == "" else ("equals",):
                self.assertEqual(self.codes(self.items("edge21", filter=simple("count", condition, value, check_all))), want, (value, check_all, condition))

    # ---- 22 ----------------------------------------------------------------------------------------------------------

    def edge_22_reference_books(self):
        """22: version equal, older, unknown, absent; page 0/1/last/past; orderBy unknown; cycle in parents; SUBTREE from a leaf; coordinates with a point; 9:00 and 09:00"""
        self.sql("select admin.ref_new('edge22', 'Дерево', 'H')")
        for code, parent in (("r", None), ("r1", "r"), ("r2", "r"), ("r11", "r1"), ("s", None)):
            self.sql("select admin.ref_put('edge22', %s, %s, '{}', %s)", code, "Узел " + code, parent)
        signed, tree = self.portal(), {"tree": "SUBTREE"}
        first = self.items("edge22", signed, **tree)  # absent: all of it
        version = first.text("version")
        self.assertRegex(version, "^[0-9]+$")
        self.assertEqual(first.text("totalItems"), "5")
        # equal
        same = self.items("edge22", signed, version=version, **tree)
        self.assertEqual((same.error_code, same.text("totalItems"), same.text("version"), same.records("items")), (5, "0", version, []))
        self.assertEqual(same.text("error/errorDetail/errorMessage"), "Ваш справочник имеет актуальную версию")
        # older: what changed, with tombstones
        self.sql("select admin.ref_delete('edge22', 's')")
        self.sql("select admin.ref_put('edge22', 'r2', 'Узел второй', '{}', 'r')")
        self.sql("select admin.ref_put('edge22', 'n', 'Новый')")
        delta = self.items("edge22", signed, version=version, **tree)
        self.assertEqual(sorted(self.codes(delta)), ["n", "r2", "s"])
        gone = self.attributes(delta)
        self.assertEqual({c: a.get("isDeleted") for c, a in gone.items()}, {"n": None, "r2": None, "s": "true"})  # A13
        self.assertEqual(delta.text("totalItems"), "3")
        newest = delta.text("version")
        self.assertGreater(int(newest), int(version))
        # unknown, newer, absent: all of it, and nothing of what is gone (A14)
        for unknown in (None, "", "0", "-1", "999999", "v" + version, "1.0", "яблоко"):
            full = self.items("edge22", version=unknown)
            self.assertEqual((sorted(self.codes(full)), full.text("version")), (["n", "r"], newest), unknown)
        # a tree: children of a node, all below it, nothing below a leaf
        self.assertEqual(self.codes(self.items("edge22", parent="r")), ["r1", "r2"])
        for leaf in ("r11", "n"):
            for how in ("SUBTREE", "ONELEVEL"):
                reply = self.items("edge22", tree=how, parent=leaf)
                self.assertEqual((self.codes(reply), reply.text("totalItems"), reply.text("version")), ([], "0", newest))
        below = self.items("edge22", tree="SUBTREE", parent="r")
        self.assertEqual(below.text("totalItems"), "3")  # nested ones too (A19)
        self.assertEqual(self.items("edge22", parent="nowhere").fields, {"parentRefItemValue": 2})
        # a cycle is refused, and the book stays readable
        for code, parent in (("r", "r11"), ("r1", "r1"), ("r1", "r11")):
            with self.assertRaises(Exception, msg=(code, parent)):
                self.sql("select admin.ref_put('edge22', %s, 'Круг', '{}', %s)", code, parent)
            with self.assertRaises(Exception, msg=(code, parent)):
                self.sql("update data.ref_item set parent_code = %s where ref_name = 'edge22' and code = %s", parent, code)
        self.assertEqual(self.items("edge22", **tree).text("totalItems"), "5")
        self.assertEqual(self.items("edge22", version=newest, **tree).error_code, 5)

        # pages
        self.sql("select admin.ref_new('edge22p', 'Страницы')")
        self.sql("select admin.ref_put('edge22p', 'p' || n, 'Строка') from generate_series(1, 7) as n")
        everything = ["p%d" % n for n in range(1, 8)]
        for page, size, want in ((0, 0, everything), (0, 3, everything), (2, 0, everything), (1, 3, everything[:3]), (2, 3, everything[3:6]), (3, 3, everything[6:]),
                                 (4, 3, []), (1, 7, everything), (1, 100, everything), (2, 7, []), (1000000, 1000000, [])):
            reply = self.items("edge22p", page=page, size=size)
            self.assertEqual((self.codes(reply), reply.text("totalItems")), (want, "7"), (page, size))  # A18
        for page, size, field in ((-1, 3, "pageNum"), (1, -3, "pageSize"), ("первая", 3, "pageNum"), ("", 3, "pageNum")):
            self.assertEqual(self.items("edge22p", page=page, size=size).fields, {field: 1})
        # a page of another version than the first one (A16)
        self.assertEqual(self.codes(self.items("edge22p", signed, page=1, size=3)), everything[:3])
        self.sql("select admin.ref_put('edge22p', 'p0', 'Строка')")
        self.assertEqual(self.items("edge22p", signed, page=2, size=3).error_code, 1)
        self.assertEqual(self.codes(self.items("edge22p", signed, page=1, size=3)), ["p0", "p1", "p2"])
        self.assertEqual(self.codes(self.items("edge22p", signed, page=2, size=3)), ["p3", "p4", "p5"])
        # order
        for order in (["colour"], ["code", "colour"], [""]):
            reply = self.items("edge22p", order=order)
            if order != [""]:
                self.assertEqual((reply.error_code, reply.fields), (2, {"orderBy": 2}))
            else:
                self.assertIn(reply.error_code, (0, 2))
        self.assertEqual(self.items("edge22p", select=["colour"]).fields, {"selectAttributes": 2})
        self.assertEqual(self.items("nowhere").error_code, 3)

        # coordinates have a decimal point, hours the form of the order
        office = self.attributes(self.items("organizations", signed))[MOSCOW]
        for name, value in (("latitude", 55.751244), ("longitude", 37.618423)):
            self.assertRegex(office[name], r"^-?[0-9]+\.[0-9]+$")
            self.assertEqual(float(office[name]), value)
        self.office("E22")
        for hours in ("9:00-13:00, 14:00-18:00", "09:00-13:00, 14:00-18:00"):
            self.sql("select admin.set_hours('E22', 'a', 'пн-пт', %s, 30)", hours)
            office = self.attributes(self.items("organizations", signed))["E22"]
            named = {k.lower(): v for k, v in office.items()}
            want = {"monisworking": "true", "monstart": "9:00", "monend": "18:00", "monhasdinner": "true", "mondinnerstart": "13:00", "mondinnerend": "14:00",
                    "sunisworking": "false"}
            self.assertEqual({k: named.get(k) for k in want}, want, hours)
            self.assertNotIn("sunstart", {k for k, v in named.items() if v})


if __name__ == "__main__":
    edges.main()
