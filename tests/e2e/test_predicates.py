#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Filters over SOAP (P1-P4; items 4-6, 11, 18, 24; A17, A21, A22; edge 21) against a model written from the words of the order.

The model below shares nothing with the daemon or its SQL: it takes the unfiltered answer, evaluates the predicate on what each slot
or item says of itself, and the filtered answer must be exactly what is left. SEED and ROUNDS may be given in the environment.
"""
import datetime
import decimal
import json
import os
import random
import re

import e2e
from e2e import MOSCOW

SEED = int(os.environ.get("SEED", "329"))
ROUNDS = int(os.environ.get("ROUNDS", "1200"))
CONDITIONS = ["equals", "notEquals", "greaterThan", "lessThan", "greaterThanOrEquals", "lessThanOrEquals", "contains", "startsWith",
              "endsWith", "wordStarts"]
SUBSTRING = CONDITIONS[6:]
# item 11: what slots' own attributes may be
OWN = {"HOUR": range(24), "DAY": range(1, 367), "MONTH": range(1, 13), "YEAR": range(1000, 10000), "DAYOFWEEK": range(1, 8)}
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HOSTILE = ["'; drop table data.slot; --", "' or '1'='1", "%", "_", "\\", "a%", "$1", "${x}", "a'\"b", "]]>", "<a>&amp;", "\\x27", "E'\\n'", "--", "/*",
           "(", ")", "[[:alnum:]]", ".*", "^", "$", "{1,2}", "null", "NULL", "\u00a0", "\u202eabc", "😀", "é", "ё\u0301", "a" * 300, "1e400", "NaN",
           "Infinity", "0x10", "--1", "1;2", "{}", "[]", "\"", "\\u0000", "true", "now()", "current_user", "pg_sleep(9)", "ANY", "|| chr(65) ||"]


# ---- the model ---------------------------------------------------------------------------------------------------------

def fold(text):
    return text.lower().replace("ё", "е")


def in_type(kind, text):
    """The value of a typed text; ValueError when it is none."""
    text = text.strip(" \t\r\n")
    if kind == "LONG":
        if not re.fullmatch(r"[+-]?[0-9]+", text) or not -2 ** 63 <= int(text) < 2 ** 63:
            raise ValueError(text)
        return decimal.Decimal(text)
    if kind == "DECIMAL":
        if not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", text):
            raise ValueError(text)
        return decimal.Decimal(text)
    if kind == "BOOLEAN":
        return {"true": True, "1": True, "false": False, "0": False}[text] if text in ("true", "1", "false", "0") else _raise(text)
    if kind in OWN:
        if kind == "DAYOFWEEK" and text.lower() in WEEKDAYS:
            return decimal.Decimal(WEEKDAYS.index(text.lower()) + 1)
        return decimal.Decimal(text) if re.fullmatch(r"[+-]?[0-9]+", text) and int(text) in OWN[kind] else _raise(text)
    if kind == "DATE":
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        return datetime.date.fromisoformat(text)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})", text):
        raise ValueError(text)
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _raise(text):
    raise ValueError(text)


def is_word_start(text, part):
    at = text.find(part)
    while at >= 0:
        if at == 0 or not text[at - 1].isalnum():
            return True
        at = text.find(part, at + 1)
    return False


def compares(kind, condition, value, wanted):
    if condition in SUBSTRING:
        value, wanted = fold(value), fold(wanted)
        return {"contains": wanted in value, "startsWith": value.startswith(wanted), "endsWith": value.endswith(wanted),
                "wordStarts": is_word_start(value, wanted)}[condition]
    if kind == "STRING":
        if condition in ("equals", "notEquals"):
            value, wanted = value, wanted
        else:
            value, wanted = (fold(value), value), (fold(wanted), wanted)
    else:
        value, wanted = in_type(kind, value), in_type(kind, wanted)
    return {"equals": value == wanted, "notEquals": value != wanted, "greaterThan": value > wanted, "lessThan": value < wanted,
            "greaterThanOrEquals": value >= wanted, "lessThanOrEquals": value <= wanted}[condition]


def camel(condition):
    head, *tail = condition.lower().split("_") if condition.isupper() else [condition]
    return head + "".join(t.capitalize() for t in tail)


def meets(tree, thing, kinds):
    """thing: name -> list of its values; kinds: name -> type."""
    if tree[0] == "union":
        results = [meets(t, thing, kinds) for t in tree[2]]
        return all(results) if tree[1] == "AND" else any(results)
    _, name, condition, check_all, wanted = tree
    values = thing[name]
    if not wanted:
        return bool(values) if check_all else not values or values == [""]
    condition = camel(condition)
    if condition == "notEquals":
        return not any(compares(kinds[name], "equals", v, wanted) for v in values)
    return any(compares(kinds[name], condition, v, wanted) for v in values)


def is_valid(tree, kinds, closed=()):
    if tree[0] == "union":
        return all([is_valid(t, kinds, closed) for t in tree[2]])
    _, name, condition, _, wanted = tree
    if name not in kinds or name in closed:
        return False
    if not wanted or kinds[name] == "STRING":
        return True
    if camel(condition) in SUBSTRING:  # of slots' own, what is in the text of some value
        if kinds[name] == "DATE":
            return re.sub("[0-9]", "0", wanted) in "0000-00-00"
        if kinds[name] == "YEAR":
            return re.fullmatch("[0-9]{1,4}", wanted) is not None
        return kinds[name] not in OWN or any(wanted in str(v) for v in OWN[kinds[name]])
    try:
        in_type(kinds[name], wanted)
        return True
    except ValueError:
        return False


# ---- random predicates -------------------------------------------------------------------------------------------------

class Maker:
    def __init__(self, seed, kinds, values):
        self.random, self.kinds, self.values = random.Random(seed), kinds, values

    def spelled(self, condition):
        if self.random.random() < 0.3:
            return re.sub(r"([A-Z])", r"_\1", condition).upper()
        return condition

    def value(self, name, condition):
        r = self.random
        known = str(r.choice(self.values[name]))
        dice = r.random()
        if dice < 0.12:
            return None if dice < 0.08 else ""
        if dice < 0.16:
            return r.choice(HOSTILE)
        if condition in SUBSTRING and known:
            start = r.randrange(len(known))
            part = known[start:start + r.randint(1, 6)]
            if condition == "startsWith" and r.random() < 0.7:
                part = known[:r.randint(1, 6)]
            if condition == "endsWith" and r.random() < 0.7:
                part = known[-r.randint(1, 4):]
            return r.choice([str.upper, str.lower, str])(part).strip("\r") or "a"
        if self.kinds[name] == "STRING":
            return known or "а"
        return r.choice([known, known, known, " %s " % known]) or "0"

    def simple(self):
        name, condition = self.random.choice(sorted(self.kinds)), self.random.choice(CONDITIONS)
        wanted = self.value(name, condition)
        if wanted is not None and self.kinds[name] == "DAYOFWEEK" and condition not in SUBSTRING and wanted.isdigit() and self.random.random() < 0.4:
            wanted = self.random.choice([str, str.upper, str.capitalize])(WEEKDAYS[int(wanted) - 1])
        return ("simple", name, self.spelled(condition), self.random.random() < 0.5, wanted)

    def tree(self, depth):
        if depth == 0 or self.random.random() < 0.3:
            return self.simple()
        return ("union", self.random.choice(["AND", "OR"]), [self.tree(depth - 1) for _ in range(self.random.choice([1, 2, 2, 3, 4]))])


def to_items(tree):
    if tree[0] == "union":
        return [("union", [("unionKind", tree[1])] + [("subs", to_items(t)) for t in tree[2]])]
    _, name, condition, check_all, wanted = tree
    return [("simple", [("attributeName", name), ("condition", condition), ("checkAllValues", check_all), ("value", wanted)])]


# ---- what there is to find ------------------------------------------------------------------------------------------------

OFFICES = """
insert into data.organization (organization_id, agency_code, name, time_zone, booking_window_days)
select 'P' || n, 'AAAA00001', 'Отдел ' || n, z, 365
from unnest(array['Europe/Moscow', 'Asia/Kamchatka', 'Pacific/Kiritimati', 'Pacific/Niue', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe'])
    with ordinality as t (z, n);
insert into data.service (service_id, name) values ('ЗагсБрак', 'а'), ('53::A16.08', 'б'), ('s_1', 'в'), ('s%1', 'г'), ('s', 'д');
insert into data.organization_service select o, s from (values ('P1', '{ЗагсБрак,s_1,s%1}'::text[]), ('P2', '{53::A16.08,s}'), ('P3', '{s_1,s}'),
    ('P4', '{s%1,s}'), ('P5', '{ЗагсБрак,53::A16.08,s_1,s%1,s}'), ('P6', '{s}'), ('P7', '{s_1}')) as t (o, l), unnest(l) as s;
insert into data.area (organization_id, area_id, number, name)
select 'P' || o, a, n, a from generate_series(1, 7) as o,
    unnest(array['Дом музыки', 'Кабинет ёлка', 'кабинет Ёлка-2', 'a%b', 'a_b', E'a\\\\b', 'ул. "Лесная", 7', '10', 'Я']) with ordinality as t (a, n);
insert into data.area_service
select a.area_key, a.organization_id, s.service_id from data.area as a join data.organization_service as s using (organization_id)
where a.organization_id ~ '^P[0-9]$' and hashtext(a.area_key || s.service_id) % 2 = 0;
select setseed(0.329);
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, service_id)
select gen_random_uuid(), a.organization_id, a.area_key, t.at, t.at + interval '10 min',
    case when random() < 0.4 then (select s.service_id from data.organization_service as s where s.organization_id = a.organization_id
        order by hashtext(s.service_id || n || a.area_key) limit 1) end
from data.area as a cross join generate_series(1, 12) as n
cross join lateral (select date_trunc('hour', now()) + make_interval(hours => (3 + random() * 24 * case when n < 7 then 14 else 360 end)::int,
    mins => n)) as t (at)
where a.organization_id ~ '^P[0-9]$';
-- around the clock's being put back and on
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
select gen_random_uuid(), a.organization_id, a.area_key, t.at + n * interval '20 min', t.at + n * interval '20 min' + interval '9 min'
from data.area as a cross join generate_series(-6, 6) as n
cross join lateral (
    select at from generate_series(date_trunc('day', now()) + interval '2 days', now() + interval '360 days', interval '1 hour') as at
    join data.organization as o on o.organization_id = a.organization_id
    where (at + interval '1 hour') at time zone o.time_zone - at at time zone o.time_zone <> interval '1 hour') as t
where a.organization_id in ('P5', 'P7') and a.number = 1;
"""

ITEM_KINDS = {"code": "STRING", "title": "STRING", "words": "STRING", "count": "LONG", "price": "DECIMAL", "since": "DATETIME", "open": "BOOLEAN"}


def book_rows(r):
    words = ["Ёлка", "елка", "ЗАГС", "Дом", "музыки", "дом", "a%b", "a_b", "a\\b", "«Ромашка»", "Санкт-Петербург", "ул.Ленина", "10%", "Ё", "1-й", "Aa", "aA", "ООО"]
    rows = []
    for n in range(160):
        item = {"code": "%s%03d" % (r.choice(["R", "r", "Ё", "е", "%", "_"]), n),
                "title": " ".join(r.choice(words) for _ in range(r.randint(1, 4)))}
        made = {"words": lambda: r.choice(["", r.choice(words), " ".join(r.choice(words) for _ in range(3))]),
                "count": lambda: str(r.choice([0, 1, 9, 10, 11, 100, -5, 9223372036854775807, -9223372036854775808, r.randint(-50, 50)])),
                "price": lambda: r.choice(["0", "0.0", "1.5", "1.50", "10.25", "-3.125", "9", "100", "%.2f" % r.uniform(-20, 20)]),
                "since": lambda: "2026-%02d-%02dT%02d:00:00%s" % (r.randint(1, 3), r.randint(1, 28), r.randint(0, 23), r.choice(["+03:00", "+12:00", "+00:00", "-05:00"])),
                "open": lambda: r.choice(["true", "false"])}
        for name, make in made.items():
            if r.random() < 0.8:
                item[name] = make()
        rows.append(item)
    return rows


class Predicates(e2e.E2E):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        connection = cls.instance.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(OFFICES)
            cls.rows = book_rows(random.Random(SEED))
            cursor.execute("insert into data.ref_book (ref_name, title, kind) values ('filterTest', 'Справочник для фильтров', 'P')")
            for n, (name, kind) in enumerate(list(ITEM_KINDS.items()) + [("hidden", "STRING")], 1):
                cursor.execute("""insert into data.ref_attribute (ref_name, position, name, title, type, allow_filtering)
                    values ('filterTest', %s, %s, %s, %s, %s)""", (n, name, name, kind, name != "hidden"))
            cursor.execute("""insert into data.ref_item (ref_name, code, title, attributes)
                select 'filterTest', i ->> 'code', i ->> 'title', i - 'code' - 'title' from jsonb_array_elements(%s) as i""",
                           (json.dumps(cls.rows),))
            cursor.execute("select s.slot_id::text, s.service_id, array(select a.service_id from data.area_service as a where a.area_key = s.area_key) "
                           "from data.slot as s where s.organization_id ~ '^P[0-9]$'")
            cls.services = {slot: [own] if own else of_area for slot, own, of_area in cursor.fetchall()}
            cursor.execute("analyze")
        finally:
            connection.close()
        cls.offices = ["P%d" % n for n in range(1, 8)]

    def slots_call(self, client, tree, offices=None):
        more = [] if tree is None else [("filter", to_items(tree))]
        return client.get_slots(offices or self.offices, more=more)

    def items_call(self, client, tree, name="filterTest"):
        return client.call("getRefItemsList", [("refName", name), ("treeFiltering", "SUBTREE"), ("filter", None if tree is None else to_items(tree)),
                                               ("pageNum", 0), ("pageSize", 0)])

    def things(self, client):
        """Slots as the model sees them: by what the answer says of them, and their services."""
        reply = self.slots_call(client, None)
        self.assertEqual(reply.error_code, 0)
        found = {}
        for slot in reply.slots:
            at = datetime.datetime.fromisoformat(slot["visitTime"])  # the wall time of the organization
            found[slot["slotId"]] = {
                "DATE": [at.date().isoformat()], "DAYOFWEEK": [str(at.isoweekday())], "HOUR": [str(at.hour)], "DAY": [str(at.timetuple().tm_yday)],
                "MONTH": [str(at.month)], "YEAR": [str(at.year)], "areaId": [slot["areaId"]], "serviceId": self.services[slot["slotId"]]}
        self.assertGreater(len(found), 700)
        return found

    SLOT_KINDS = {"DATE": "DATE", **{n: n for n in OWN}, "areaId": "STRING", "serviceId": "STRING"}

    def test_P1_P2_P3_slots_as_the_model_has_them(self):
        client = self.portal("plain")
        things = self.things(client)
        values = {n: sorted({v for t in things.values() for v in t[n]}) for n in self.SLOT_KINDS}
        maker = Maker(SEED, self.SLOT_KINDS, values)
        refused = some = 0
        for n in range(ROUNDS):
            tree = maker.tree(n % 5)
            reply = self.slots_call(client, tree)
            if not is_valid(tree, self.SLOT_KINDS):
                refused += 1
                self.assertEqual((reply.error_code, reply.fields), (2, {"filter": 1}), tree)
                continue
            self.assertEqual(reply.error_code, 0, (tree, reply.values))
            want = {s for s, t in things.items() if meets(tree, t, self.SLOT_KINDS)}
            got = [s["slotId"] for s in reply.slots]
            self.assertEqual(len(got), len(set(got)), tree)
            self.assertEqual(set(got), want, (tree, [things[s] for s in list(want ^ set(got))[:3]]))
            some += 0 < len(want) < len(things)
            times = [datetime.datetime.fromisoformat(s["visitTime"]) for s in reply.slots]
            self.assertEqual(times, sorted(times))
        self.assertGreater(some, ROUNDS // 3)  # neither nothing nor everything
        self.assertGreater(refused, 0)

    def test_P1_P2_items_as_the_model_has_them(self):
        client = self.portal("plain")
        things = {row["code"]: {n: [row[n]] if n in row else [] for n in ITEM_KINDS} for row in self.rows}
        values = {n: sorted({v for t in things.values() for v in t[n]}) for n in ITEM_KINDS}
        kinds = dict(ITEM_KINDS)
        maker = Maker(SEED + 1, kinds, values)
        some = 0
        for n in range(ROUNDS):
            tree = maker.tree(n % 5)
            reply = self.items_call(client, tree)
            if not is_valid(tree, kinds):
                self.assertEqual((reply.error_code, reply.fields), (2, {"filter": 1}), tree)
                continue
            self.assertEqual(reply.error_code, 0, (tree, reply.values))
            want = {c for c, t in things.items() if meets(tree, t, kinds)}
            got = {a["value"] for a in reply.records("items/attributes/RefAttribute") if a["name"] == "code"}
            self.assertEqual(got, want, (tree, [things[c] for c in list(want ^ got)[:3]]))
            self.assertEqual(reply.text("totalItems"), str(len(want)))
            some += 0 < len(want) < len(things)
        self.assertGreater(some, ROUNDS // 3)

    def test_every_condition_on_every_type_and_checkAllValues_four_ways(self):
        """Edge 21, not left to chance."""
        client = self.portal("plain")
        things = {row["code"]: {n: [row[n]] if n in row else [] for n in ITEM_KINDS} for row in self.rows}
        sample = {"words": ["Ёлка", "ЁЛК", "дом"], "count": ["10", "-5", "0"], "price": ["1.50", "9", ".5"],
                  "since": ["2026-02-01T00:00:00+03:00", "2026-01-15T12:00:00Z"], "open": ["true", "0", "false"]}
        for name, wanted in sample.items():
            for condition in CONDITIONS:
                for value in wanted + [None, ""]:
                    for check_all in (False, True):
                        tree = ("simple", name, condition, check_all, value)
                        reply = self.items_call(client, tree)
                        got = {a["value"] for a in reply.records("items/attributes/RefAttribute") if a["name"] == "code"}
                        self.assertEqual(reply.error_code, 0, tree)
                        self.assertEqual(got, {c for c, t in things.items() if meets(tree, t, ITEM_KINDS)}, tree)

    def test_signed_and_nested_eight_deep(self):
        client = self.portal()
        everything = client.get_slots(MOSCOW).slots
        dates = sorted({s["visitTime"][:10] for s in everything})
        tree = ("simple", "DATE", "EQUALS", True, dates[1])
        for n in range(8):
            tree = ("union", "AND" if n % 2 else "OR", [tree])
        reply = client.get_slots(MOSCOW, more=[("filter", to_items(tree))])
        self.assertEqual([s["slotId"] for s in reply.slots], [s["slotId"] for s in everything if s["visitTime"].startswith(dates[1])])
        self.assertEqual(client.get_slots(MOSCOW, more=[("filter", to_items(("union", "OR", [tree])))]).fields, {"filter": 1})
        many = ("union", "OR", [("simple", "DATE", "equals", False, dates[1])] * 199)
        self.assertEqual(len(client.get_slots(MOSCOW, more=[("filter", to_items(many))]).slots), len(reply.slots))
        many[2].append(many[2][0])
        self.assertEqual(client.get_slots(MOSCOW, more=[("filter", to_items(many))]).fields, {"filter": 1})

    def test_a_filter_may_name_only_what_it_is_allowed_to(self):
        client = self.portal("plain")
        for name, code, method in (("colour", 2, self.slots_call), ("date", 2, self.slots_call), ("colour", 2, self.items_call), ("hidden", 1, self.items_call)):
            reply = method(client, ("union", "OR", [("simple", name, "equals", False, "x"), ("simple", "DATE" if method == self.slots_call else "code", "equals", False, "2026-01-01")]))
            self.assertEqual((reply.error_code, reply.fields), (2, {"filter": code}))
            self.assertIn("«%s»" % name, reply.text("error/fieldErrors/FieldError/errorDetail/errorMessage"))
        flags = {r["name"]: r["allowFiltering"] for r in client.get_ref_attributes_list(["filterTest"]).records("refAttributesList/RefAttributeInfo")}
        self.assertEqual({n for n in ITEM_KINDS if flags[n] == "true"}, set(ITEM_KINDS))
        self.assertEqual(flags["hidden"], "false")

    def statements(self):
        """Those of every read, and those that are sent when they are due."""
        return ({line for line in part.split("\n") if line and not line.startswith("#")}
                for part in (e2e.SOURCE / "tests/e2e/statements.txt").read_text().split("# And what the daemon sends when it is due.\n"))

    def test_L6_what_is_sent_when_it_is_due_is_all_listed(self):
        """Whether a tick falls into the thousand predicates is the machine's affair: the list is held against the source."""
        always, due = self.statements()
        text = "".join(f.read_text() for f in sorted((e2e.SOURCE / "src").rglob("*.[ch]")))
        text = re.sub(r'"\s*\n\s*"', "", text.replace("\\\n", "\n"))
        text = re.sub(r"\b[A-Z]\w*_SQL\b(?!\s*\")", lambda m: re.search(r"#define %s\s+(\".*\")" % m[0], text)[1], text)
        sent = set(re.findall(r'(?:\.sql = |\(struct db_call\)\{|\[INBOX_\w+\] = \{)"([^"]*)"', text))
        self.assertGreater(len(sent), 8)
        self.assertEqual(sent - always - due, set())

    def test_P4_the_statements_are_the_shipped_ones(self):
        """A thousand predicates with hostile values: what reaches the server is the list of statements.txt and nothing else."""
        always, due = self.statements()
        log = self.instance.pg["PG_PRIVATE_LOG"]
        for value in ("all", "none"):  # a session has what its role had when it began: the daemon is started anew
            self.instance.stop_daemon()
            self.instance.psql("alter role zapisd_daemon set log_statement = '%s'" % value)
            self.instance.start_daemon()
            if value == "all":
                before = os.stat(log).st_size
                self.fuzz(1000)
        with open(log, encoding="utf-8", errors="replace") as f:  # the daemon that said it has ended: it is all there
            f.seek(before)
            text = f.read()
        found = {" ".join(sql.split()) for sql in re.findall(r"LOG:  (?:execute [^:]*|statement): (.*?)(?=^\d{4}-\d\d-\d\d |\Z)", text, re.S | re.M)}
        self.assertEqual(found - due, always - due)  # those when the daemon feels like it
        self.assertEqual(int(self.sql("select count(*) from data.slot where organization_id = 'P1'")[0][0]), 9 * 12)

    def fuzz(self, n):
        client = self.portal("plain")
        r = random.Random(SEED + 2)
        names = list(self.SLOT_KINDS) + list(ITEM_KINDS) + ["hidden", "x' or 1=1 --", "колонка"]

        def tree(depth):
            if depth == 0 or r.random() < 0.3:
                return ("simple", r.choice(names), r.choice(CONDITIONS), r.random() < 0.5, r.choice(HOSTILE + ["10", "2026-12-01", None]))
            return ("union", r.choice(["AND", "OR"]), [tree(depth - 1) for _ in range(r.randint(1, 4))])

        kinds = {**ITEM_KINDS, **self.SLOT_KINDS}
        for i in range(n):
            call = self.slots_call if i % 2 else self.items_call
            names[:] = (list(self.SLOT_KINDS) if i % 2 else list(ITEM_KINDS)) + (["hidden", "x' or 1=1 --"] if i % 7 == 0 else [])
            made = tree(i % 4)
            reply = call(client, made)
            good = is_valid(made, self.SLOT_KINDS if i % 2 else ITEM_KINDS)
            self.assertEqual(reply.error_code, 0 if good else 2, (made, kinds))


if __name__ == "__main__":
    e2e.main()
