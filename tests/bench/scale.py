# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What becomes of the rates when the database grows, and when everybody wants one slot.

Two instances side by side, alternating: one with 10,000 slots, one with 5,000,000 slots and 1,000,000 bookings. The same
requests over plain SOAP to both, with the same answers: five offices with the same two weeks ahead, and a reference book of
200,000 items. The rest of the large one is the past of these five, and other offices.
"""
import statistics

NAMESPACE = "http://epgu.rtlabs.ru/equeue/ws/"
ZONES = ("Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Kamchatka")
WINDOWS, DAY_SLOTS, DAYS = 7, 20, 14  # of each of the five offices: 9,800 slots in all
REF_ITEMS, PAGE, CHANGES = 200000, 100, 10
HOT_CAPACITY = 1000


def simple(name, condition, value):
    return ("<eq:simple><eq:attributeName>%s</eq:attributeName><eq:condition>%s</eq:condition><eq:checkAllValues>false</eq:checkAllValues>"
            "<eq:value>%s</eq:value></eq:simple>" % (name, condition, value))


def union(kind, *subs):
    return "<eq:union><eq:unionKind>%s</eq:unionKind>%s</eq:union>" % (kind, "".join("<eq:subs>%s</eq:subs>" % s for s in subs))


# Tuesdays and Thursdays in the morning, or any late afternoon in two of the windows
FILTER = "<eq:filter>%s</eq:filter>" % union(
    "OR", union("AND", union("OR", simple("DAYOFWEEK", "equals", "tue"), simple("DAYOFWEEK", "equals", "thu")), simple("HOUR", "lessThan", "12")),
    union("AND", simple("HOUR", "greaterThanOrEquals", "16"), union("OR", simple("areaId", "equals", "w1"), simple("areaId", "endsWith", "2"))))


def envelope(method, content):
    return ('<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><eq:%sRequest xmlns:eq="%s">%s</eq:%sRequest>'
            "</soap:Body></soap:Envelope>\n" % (method, NAMESPACE, content, method))


def get_slots(filter_text=""):
    return envelope("getSlots", "%s<eq:userType>QUALIFIED</eq:userType><eq:userKind>PHYSIC</eq:userKind><eq:esiaId>1000000000</eq:esiaId>%s"
                    % ("".join("<eq:organizationId>R990010%d</eq:organizationId>" % n for n in range(1, 6)), filter_text))


def get_items(page, size, version=""):
    return envelope("getRefItemsList", "<eq:refName>bench</eq:refName><eq:treeFiltering>ONELEVEL</eq:treeFiltering><eq:pageNum>%d</eq:pageNum>"
                    "<eq:pageSize>%d</eq:pageSize>%s" % (page, size, "<eq:version>%s</eq:version>" % version if version else ""))


OFFICES = """
    insert into data.service (service_id, name) values ('9000000001', 'Измерение') on conflict do nothing;
    insert into data.organization (organization_id, agency_code, name, time_zone, latitude, longitude, booking_window_days, horizon_days)
    select 'R990010' || n, 'AAAA00001', 'Измерения, отдел ' || n, z, 55, 37, 15, 0 from unnest('{%(zones)s}'::text[]) with ordinality as t (z, n);
    insert into data.organization (organization_id, agency_code, name, time_zone, latitude, longitude, horizon_days)
    select 'R98' || lpad(n::text, 5, '0'), 'AAAA00001', 'Другой отдел ' || n, 'Europe/Moscow', 55, 37, 0 from generate_series(1, %(others)d) n;
    insert into data.organization_service (organization_id, service_id)
    select organization_id, '9000000001' from data.organization where organization_id ~ '^R(990010|98)';
    insert into data.area (organization_id, area_id, number, name)
    select organization_id, 'w' || k, k, 'Окно ' || k from data.organization, generate_series(1, %(windows)d) k where organization_id ~ '^R(990010|98)';
    insert into data.area_service (area_key, organization_id, service_id)
    select area_key, organization_id, '9000000001' from data.area where organization_id ~ '^R(990010|98)';
"""
# Slot n of a series has a tenth to a half of its fellows booked, the same ones in both databases.
SLOTS = """
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
    select md5(a.organization_id || a.area_id || t.at)::uuid, a.organization_id, a.area_key, t.at, t.at + interval '30 min'
    from data.area a join data.organization o using (organization_id)
    cross join generate_series(%(first)d, %(last)d) d cross join generate_series(0, %(slots)d - 1) k
    cross join lateral (select ((now() at time zone o.time_zone)::date + d + interval '8 hours' + k * interval '30 min') at time zone o.time_zone as at) t
    where a.organization_id ~ '%(which)s';
"""
BOOKINGS = """
    create temporary table taken as
    select s.*, 'bench-' || s.slot_id as book_key from data.slot s
    where s.organization_id ~ '%(which)s' and s.starts_at %(when)s now() and abs(hashtext(s.slot_id::text)) %% 1000 < %(per_mille)d;
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, user_type, user_kind, service_ids, channel, created_at, changed_at)
    select book_key, book_key, (1000000000 + abs(hashtext(book_key)) %% 1000000)::text, organization_id, 'BOOKED', '201', 'QUALIFIED', 'PHYSIC',
        '{9000000001}', 'portal', now(), now() from taken;
    insert into data.applicant (book_key, last_name, first_name, mobile_phone) select book_key, 'Тестов', 'Тест', '70000000000' from taken;
    alter table data.place disable trigger place_area_once; -- slots of a series do not overlap
    insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at)
    select slot_id, 1, book_key, capacity, area_key, starts_at, ends_at from taken;
    alter table data.place enable trigger place_area_once;
    insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id, slot_ids)
    select book_key, now(), 'A', 'bench', 'BOOKED', '201', organization_id, array[slot_id] from taken;
    drop table taken;
"""
HOT = """
    insert into data.area (organization_id, area_id, number, name, capacity) values ('R9900001', 'hot', 900, 'Все сюда', %(capacity)d);
    insert into data.area_service (area_key, organization_id, service_id)
    select area_key, organization_id, '9000000001' from data.area where organization_id = 'R9900001' and area_id = 'hot';
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, capacity)
    select ('00000000-0000-1000-8000-0e00' || lpad(to_hex(n), 8, '0'))::uuid, a.organization_id, a.area_key, t, t + interval '15 min', %(capacity)d
    from generate_series(0, %(count)d - 1) n join data.area a on a.organization_id = 'R9900001' and a.area_id = 'hot'
    cross join lateral (select date_trunc('day', now()) + interval '1 day' + n * interval '15 min' as t) x;
"""
BOOK = """
    insert into data.ref_item (ref_name, code, title, attributes) select 'bench', 'c' || lpad(n::text, 6, '0'), 'Элемент ' || n,
        jsonb_build_object('a', n::text, 'b', (n * 7919 %% 200003)::text, 'c', (n %% 90)::text) from generate_series(1, %(items)d) n;
"""


class Scale:
    """bench: tests/bench/run's, for its load generator. large: slots and bookings of the large instance."""

    def __init__(self, bench, small, large, slots, bookings):
        self.bench, self.instances, self.slots, self.bookings = bench, {"small": small, "large": large}, slots, bookings
        self.rows = {}

    def run(self, rounds):
        for name, instance in self.instances.items():
            self.prepare(instance, name == "large")
        kinds = {"getslots5": ("getSlots", "<eq:errorCode>0</eq:errorCode>", [get_slots()]),
                 "getslots5_filter": ("getSlots", "<eq:errorCode>0</eq:errorCode>", [get_slots(FILTER)]),
                 "refitems_page": ("getRefItemsList", "<eq:totalItems>%d</eq:totalItems>" % REF_ITEMS,
                                   [get_items(1 + i * 7919 % (REF_ITEMS // PAGE), PAGE) for i in range(60)]),
                 "refitems_delta": ("getRefItemsList", "<eq:totalItems>%d</eq:totalItems>" % CHANGES, None)}
        for n in range(rounds + 1):  # the first one warms up
            for kind, (action, good, messages) in kinds.items():
                for name, instance in self.instances.items():
                    path = self.bench.work / "scale.messages"
                    path.write_text("".join(messages or [get_items(0, 0, self.version[name])]))
                    row = self.bench.wrk(instance, instance.plain_port, path, 4, action, good, True)
                    if n > 0:
                        self.rows.setdefault((kind, name), []).append(row)
        return {kind: self.of(kind) for kind in kinds}

    version = {}

    def prepare(self, instance, large):
        name = "large" if large else "small"
        sql = lambda text: instance.psql("set session_replication_role = replica; set synchronous_commit = off; " + text)
        past_days = max(0, min(350, self.slots // 2 // (5 * WINDOWS * DAY_SLOTS))) if large else 0
        each = WINDOWS * DAY_SLOTS * 74  # of each other office: two months back, two weeks ahead
        others = (self.slots - 5 * WINDOWS * DAY_SLOTS * (past_days + DAYS)) // each if large else 0
        instance.psql(OFFICES % {"zones": ",".join(ZONES), "others": others, "windows": WINDOWS})
        ahead = {"which": "^R990010", "first": 1, "last": DAYS, "slots": DAY_SLOTS}
        sql(SLOTS % ahead + BOOKINGS % {"which": "^R990010", "when": ">", "per_mille": 100})
        if large:
            for first in range(-past_days, 0, 50):
                sql(SLOTS % dict(ahead, first=first, last=min(first + 49, -1)))
            for part in range(10):
                sql(SLOTS % {"which": "^R98....%d" % part, "first": -59, "last": DAYS, "slots": DAY_SLOTS})
            share = 1000 * self.bookings // max(1, self.slots)
            sql(BOOKINGS % {"which": "^R990010", "when": "<", "per_mille": share})
            for part in range(10):
                sql(BOOKINGS % {"which": "^R98....%d" % part, "when": "<>", "per_mille": share})
        instance.psql("select admin.ref_new('bench', 'Измерение')")
        instance.psql("select admin.ref_attribute('bench', n, n, 'LONG') from unnest('{a,b,c}'::text[]) n")
        instance.psql(BOOK % {"items": REF_ITEMS})
        self.version[name] = instance.psql("select version from data.ref_book where ref_name = 'bench'").strip()
        instance.psql("update data.ref_item set title = title || '.' where ref_name = 'bench' and code like 'c0001_7'")
        instance.psql("vacuum analyze")
        instance.psql("checkpoint")

    def counts(self, name):
        slots, bookings = self.instances[name].psql("select count(*), (select count(*) from data.booking) from data.slot").strip().split("|")
        return int(slots), int(bookings)

    def of(self, kind):
        rps = {name: statistics.median(r["rps"] for r in self.rows[kind, name]) for name in self.instances}
        return {"small_rps": rps["small"], "large_rps": rps["large"], "ratio": rps["large"] / rps["small"],
                "small_p50_ms": statistics.median(r["p50_ms"] for r in self.rows[kind, "small"]),
                "large_p50_ms": statistics.median(r["p50_ms"] for r in self.rows[kind, "large"])}


class Hot:
    """Bookings of one slot with a thousand places by one client and by 32; full, the next one."""

    def __init__(self, bench, instance):
        self.bench, self.instance, self.next = bench, instance, 0

    def run(self, rounds, seconds):
        most = int(seconds * 5000)
        self.instance.psql(HOT % {"capacity": HOT_CAPACITY, "count": (rounds + 1) * 2 * most // HOT_CAPACITY + 1})
        rows = {1: [], 32: []}
        for n in range(rounds + 1):
            for clients in rows:
                path = self.bench.hot_messages(self.next, most)
                self.next += most
                row = self.bench.wrk(self.instance, self.instance.plain_port, path, clients, "book", "<eq:statusCode>201</eq:statusCode>", False)
                if n > 0:
                    rows[clients].append(row["rps"])
        one, many = statistics.median(rows[1]), statistics.median(rows[32])
        return {"hot_slot_1_rps": one, "hot_slot_32_rps": many, "hot_slot_ratio": many / one}
