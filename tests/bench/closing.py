# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What closing a day of a full office costs, and what others feel of it (L1).

An office of 30 windows with 20,000 bookings; its fullest day, 960 of them, is closed: as a plan, by hand in pieces, and by the
daemon's housekeeping while others book elsewhere, beside the same load undisturbed.
"""
import statistics
import threading
import time

OFFICE = """
    insert into data.organization (organization_id, agency_code, name, time_zone, phone, booking_window_days, horizon_days)
    values ('R9900003', 'AAAA00001', 'Измерения, полный отдел', 'Europe/Moscow', '000', 60, 0);
    insert into data.organization_service (organization_id, service_id) values ('R9900003', '9000000001');
    insert into data.area (organization_id, area_id, number, name) select 'R9900003', 'w' || n, n, 'Окно ' || n from generate_series(1, 30) n;
    insert into data.area_service (area_key, organization_id, service_id) select area_key, organization_id, '9000000001' from data.area where organization_id = 'R9900003';
    insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
    select data.slot_uuid(t.at, o.number, a.number), o.organization_id, a.area_key, t.at, t.at + interval '15 min'
    from data.organization o join data.area a using (organization_id), generate_series(1, 30) d, generate_series(0, 31) n,
        lateral (select ((now() at time zone 'Europe/Moscow')::date + d + time '09:00' + n * interval '15 min') at time zone 'Europe/Moscow' as at) t
    where o.organization_id = 'R9900003';
    create temp table pick as select 'full-' || row_number() over (order by starts_at, area_key) as key, s.* from data.slot s where organization_id = 'R9900003'
        order by starts_at, area_key limit 20000;
    insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, service_ids, created_at, changed_at)
    select key, key, '1', organization_id, 'BOOKED', '201', '{9000000001}', now(), now() from pick;
    insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id, slot_ids)
    select key, now(), 'A', session_user, 'BOOKED', '201', organization_id, array[slot_id] from pick;
    insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at) select slot_id, 1, key, 1, area_key, starts_at, ends_at from pick;
"""


class Closing:
    def __init__(self, bench):
        self.bench, self.sql = bench, bench.instance.psql

    def day(self, n):
        return "((now() at time zone 'Europe/Moscow')::date + %d)" % n

    def close(self, n, more=""):
        return "select count(*) from admin.close_day('R9900003', %s, 'учения'%s)" % (self.day(n), more)

    def left(self):
        return int(self.sql("select count(*) from data.closure_booking where state = 'waiting'").split()[0])

    def by_hand(self, n):
        """Seconds of each piece, and bookings done."""
        times = []
        began = time.monotonic()
        self.sql(self.close(n, ", apply => true"))
        times.append(time.monotonic() - began)
        while self.left() > 0:
            began = time.monotonic()
            self.sql("select count(*) from admin.go_on()")
            times.append(time.monotonic() - began)
        return times

    def run(self):
        self.sql(OFFICE)
        self.sql("vacuum analyze data.slot, data.place, data.booking")
        began = time.monotonic()
        bookings = int(self.sql(self.close(3)).split()[0])
        out = {"closing_bookings": bookings, "closing_plan_ms_a_booking": 1000 * (time.monotonic() - began) / bookings}
        pieces = self.by_hand(3)
        out["closing_ms_a_booking"], out["closing_piece_max_ms"] = 1000 * sum(pieces) / bookings, 1000 * max(pieces)
        quiet, busy, seen = [], [], 0
        for n in range(4, 4 + self.bench.rounds):
            quiet.append(self.bench.load("plain"))
            before = self.left()
            closer = threading.Thread(target=self.sql, args=(self.close(n, ", apply => true"),))
            closer.start()
            busy.append(self.bench.load("plain"))
            closer.join()
            seen += bookings + before - self.left()
            deadline = time.monotonic() + 120
            while self.left() > 0 and time.monotonic() < deadline:
                time.sleep(0.5)
        median = lambda rows, key: statistics.median(r[key] for r in rows)
        out.update({"closing_others_ratio": median(busy, "rps") / median(quiet, "rps"), "closing_others_p99_ms": median(busy, "p99_ms"),
                    "quiet_others_p99_ms": median(quiet, "p99_ms"), "closing_bookings_meanwhile": seen / self.bench.rounds})
        return out

    @staticmethod
    def tell(out):
        print("closing a day of %d bookings in a full office: %.1f ms a booking planned, %.1f done by hand, at most %.0f ms a transaction"
              % (out["closing_bookings"], out["closing_plan_ms_a_booking"], out["closing_ms_a_booking"], out["closing_piece_max_ms"]))
        print("others who book while %.0f of a day are moved: ratio %.2f, p99 %.1f ms (undisturbed %.1f)" % (out["closing_bookings_meanwhile"],
              out["closing_others_ratio"], out["closing_others_p99_ms"], out["quiet_others_p99_ms"]))
