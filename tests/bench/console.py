# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What the console costs beside the plain query of the tables (C6): today, find and history, as who is over all agencies and as a clerk of one of
forty offices, 126,000 visitors in all.

The plain query asks for the same rows as the owner of the tables, who is kept back by nothing, and writes nothing down; the commands say who was shown
to whom (J3). Both are timed at the client, over the socket, in turn; the ratios say more than the times.
"""
import statistics
import time

from scale import BOOKINGS, SLOTS

OFFICES, WINDOWS = 40, 7
OFFICE = "R9700007"
MAKE = """
    insert into data.agency (agency_code, name) select 'BENC0000' || n, 'Измерения ' || n from generate_series(1, 4) n;
    insert into data.service (service_id, name) values ('9000000001', 'Измерение') on conflict do nothing;
    insert into data.organization (organization_id, agency_code, name, time_zone, horizon_days)
    select 'R97' || lpad(n::text, 5, '0'), 'BENC0000' || 1 + n %% 4, 'Отдел ' || n, 'Europe/Moscow', 0 from generate_series(1, %(offices)d) n;
    insert into data.organization_service (organization_id, service_id) select organization_id, '9000000001' from data.organization where organization_id ~ '^R97';
    insert into data.area (organization_id, area_id, number, name)
    select organization_id, 'w' || k, k, 'Окно ' || k from data.organization, generate_series(1, %(windows)d) k where organization_id ~ '^R97';
    insert into data.area_service (area_key, organization_id, service_id) select area_key, organization_id, '9000000001' from data.area where organization_id ~ '^R97';
"""
NAMES = "update data.applicant set last_name = translate(left(md5(book_key), 8), '0123456789abcdef', 'абвгдежзиклмнопр') where book_key in (select book_key from data.booking where organization_id ~ '^R97')"
WHO = """
    create role bench_chief login in role zapisd_operator, zapisd_registrar;
    create role bench_clerk login in role zapisd_registrar;
    select admin.grant_office('bench_clerk', (select agency_code from data.organization where organization_id = '%s'), '%s');
""" % (OFFICE, OFFICE)
# where: which offices; the commands know by themselves.
PLAIN = {
    "today": """
        select to_char(s.starts_at at time zone o.time_zone, 'HH24:MI'), a.area_id, p.place_no, n.last_name, n.first_name, n.middle_name, n.mobile_phone, b.book_id, b.status_code, b.state, v.name
        from data.organization as o
        cross join lateral (select t.* from data.slot as t where t.organization_id = o.organization_id and t.starts_at >= (now() at time zone o.time_zone)::date::timestamp at time zone o.time_zone
            and t.starts_at < ((now() at time zone o.time_zone)::date + 1)::timestamp at time zone o.time_zone offset 0) as s
        join data.place as p on p.slot_id = s.slot_id join data.booking as b on b.book_key = p.book_key join data.area as a on a.area_key = s.area_key
        left join data.applicant as n on n.book_key = b.book_key left join data.service as v on v.service_id = b.service_ids[1]
        where o.organization_id {where} order by o.organization_id, s.starts_at, a.area_id, p.place_no""",
    "find": """
        select b.book_id, b.organization_id, b.status_code, b.state, n.last_name, n.first_name, n.mobile_phone, n.user_snils, b.case_number,
            (select min(p.starts_at) from data.place as p where p.book_key = b.book_key) as at
        from data.applicant as n join data.booking as b using (book_key) join data.organization as o using (organization_id)
        where (n.last_name is not null or n.first_name is not null) and data.whole_name_key(n.last_name, n.first_name, n.middle_name) ~>=~ %(name)s
            and data.whole_name_key(n.last_name, n.first_name, n.middle_name) ~<~ %(beyond)s and b.organization_id {where} order by at desc limit 100""",
    "history": """
        select h.at, h.actor, h.db_user, h.old_state, h.new_state, h.old_status, h.new_status, h.reason, h.portal_time, h.slot_ids, h.journal_id
        from data.booking_history as h join data.booking as b using (book_key) where h.book_key = %(key)s and b.organization_id {where} order by h.history_id"""}
COMMANDS = {"today": "select * from admin.today()", "find": "select * from admin.find(%(name)s)", "history": "select * from admin.history(%(key)s)"}
TIMES = {"today": 9, "find": 60, "history": 60}


class Console:
    def __init__(self, bench):
        self.bench, self.instance = bench, bench.instance

    def prepare(self):
        sql = lambda text: self.instance.psql("set session_replication_role = replica; set synchronous_commit = off; " + text)
        sql(MAKE % {"offices": OFFICES, "windows": WINDOWS})
        sql(SLOTS % {"which": "^R97", "first": -30, "last": 14, "slots": 20})
        for when in "<", ">":
            sql(BOOKINGS % {"which": "^R97", "when": when, "per_mille": 500})
        sql(NAMES)
        self.instance.psql(WHO)
        self.instance.psql("vacuum analyze")
        self.instance.psql("checkpoint")

    @staticmethod
    def ask(connection, text, values):
        """Milliseconds, and how many rows."""
        with connection.cursor() as cursor:
            start = time.monotonic()
            cursor.execute(text, values)
            rows = cursor.fetchall()
            return 1000 * (time.monotonic() - start), len(rows)

    def run(self, rounds):
        self.prepare()
        keys = [k.split("|") for k in self.instance.psql("select b.book_key, n.last_name from data.booking as b join data.applicant as n using (book_key) "
                                                         "where b.organization_id = '%s' order by md5(b.book_key) limit 61" % OFFICE).split()]
        plain, out = self.instance.connect(), {}
        for login, where in ("bench_chief", "~ '^R'"), ("bench_clerk", "= '%s'" % OFFICE):
            connection = self.instance.connect(login)
            for name, command in COMMANDS.items():
                times = [], []
                for n in range(TIMES[name] * rounds + 1):  # the first one plans
                    key, last_name = keys[n % len(keys)]
                    values = {"key": key, "name": last_name[:5], "beyond": last_name[:5] + chr(1114111)}
                    told = self.ask(connection, command, values), self.ask(plain, PLAIN[name].format(where=where), values)
                    if told[0][1] != told[1][1] or told[0][1] == 0:
                        raise SystemExit("bench: %s of %s told %d rows, the tables %d" % (name, login, told[0][1], told[1][1]))
                    if n > 0:
                        times[0].append(told[0][0])
                        times[1].append(told[1][0])
                of = "console_%s_%s" % (name, login[6:])
                out[of + "_ms"], out[of + "_plain_ms"] = (statistics.median(t) for t in times)
                out[of + "_ratio"] = out[of + "_ms"] / out[of + "_plain_ms"]
                out[of + "_rows"] = told[0][1]
            connection.close()
        plain.close()
        return out

    @staticmethod
    def tell(out):
        print("%-32s %10s %10s %8s %8s" % ("the console, ms", "command", "plain", "ratio", "rows"))
        for who, label in ("chief", "over all"), ("clerk", "of one office of %d" % OFFICES):
            for name in COMMANDS:
                of = "console_%s_%s" % (name, who)
                print("%-32s %10.2f %10.2f %8.2f %8d" % ("%s, %s" % (name, label), out[of + "_ms"], out[of + "_plain_ms"], out[of + "_ratio"], out[of + "_rows"]))
