# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Visits against a model that is a list (B2). intervals.py SEED; the cluster is that of the environment.

Storm: several connections take, free, move and lengthen visits of two windows at once, by api.book and by plain SQL as a
superuser, in transactions that end either way. Whatever each was told, no two visits of a window overlap afterwards, as the
list has it that is read from the table without an index. Calm: one connection tries more of them; now each must be taken
when the list has room for it and refused when it has not.
"""
import itertools
import random
import sys
import threading
import time
import uuid

import psycopg2
from psycopg2 import errors

SEED = int(sys.argv[1])
OFFICE, THREADS, STEPS, CALM = "RI%d" % SEED, 5, 60, 150
SERIALS = itertools.count(1)  # one each: two slots of one area that begin at one time are told apart by it, and none is refused by chance
LENGTHS = (7 * 60, 15 * 60, 20 * 60, 30 * 60, 60 * 60, 1, 90, 8 * 60, 24 * 3600)
WEIGHTS = (6, 6, 6, 6, 2, 3, 3, 4, 1)
REFUSED = (errors.ExclusionViolation, errors.UniqueViolation, errors.CheckViolation, errors.DeadlockDetected,
           errors.ForeignKeyViolation)
MESSAGE = "row('l','plain','p','RACE','RACE00001',%s,'book','good',null,null,sha256(convert_to(%s, 'UTF8')),now(),false,'x', false)::api.message"


def connect():
    c = psycopg2.connect("")
    c.cursor().execute("set statement_timeout = '60s'")
    c.commit()
    return c


def draw(rng, base):
    """A window, seconds from base, and the minutes kept free before and after; around midnight more often than not."""
    length = rng.choices(LENGTHS, WEIGHTS)[0]
    grain = rng.choice((60, 300, 300, 900, 900, 1, 1200))
    start = base + (rng.randrange(0, 6 * 3600) // grain) * grain
    before, after = rng.choice(((0, 0), (0, 0), (0, 0), (5, 0), (0, 10), (3, 4)))
    return rng.randrange(2), start, start + length, before, after


def new_slot(cur, areas, v):
    area, start, end, _, _ = v
    slot = str(uuid.uuid4())
    cur.execute("insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, serial) values "
                "(%s, %s, %s, to_timestamp(%s), to_timestamp(%s), %s)",
                (slot, OFFICE, areas[area], start, end, next(SERIALS)))
    return slot


def take(cur, areas, v, book):
    slot = new_slot(cur, areas, v)
    cur.execute("insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at, before_min, after_min) "
                "select slot_id, 1, %s, 1, area_key, starts_at, ends_at, %s, %s from data.slot where slot_id = %s",
                (book, v[3], v[4], slot))


def book_by_name(cur, slot, book):
    cur.execute("select status_code from api.book(" + MESSAGE + ", %s, %s::text[], %s, 'SIMPLE', 'PHYSIC', %s, '{}', '{}', '{}', "
                "false, 60, null, '{}') where kind = 'answer'", (book, book, book, "{%s}" % slot, OFFICE, book))
    return cur.fetchone()[0]


def step(rng, conn, areas, base, book, n):
    cur = conn.cursor()
    v = draw(rng, base)
    what = rng.choice(("take", "take", "take", "many", "book", "book", "blind", "move", "free", "grow"))
    if what == "take":
        take(cur, areas, v, book)
    elif what == "many":
        for _ in range(rng.randrange(2, 5)):
            take(cur, areas, draw(rng, base), book)
    elif what in ("book", "blind"):
        slot = new_slot(cur, areas, v)
        conn.commit()
        book_by_name(cur, slot if what == "book" else "blind_request", "%s-%s-%s-%d" % (book, threading.get_ident(), what, n))
    else:
        cur.execute("select slot_id from data.place join data.slot using (slot_id) where organization_id = %s "
                    "and data.place.starts_at < now() + interval '20 days' order by random() limit 1", (OFFICE,))
        row = cur.fetchone()
        if row is None:
            return
        if what == "move":
            cur.execute("update data.slot set starts_at = to_timestamp(%s), ends_at = to_timestamp(%s), area_key = %s, serial = %s where slot_id = %s",
                        (v[1], v[2], areas[v[0]], next(SERIALS), row[0]))
        elif what == "grow":
            cur.execute("update data.slot set ends_at = ends_at + make_interval(mins => %s) where slot_id = %s", (rng.choice((-1, 1, 15)), row[0]))
        else:
            cur.execute("delete from data.place where slot_id = %s and book_key = %s", (row[0], book))


def storm(seed, areas, base, book, faults):
    rng = random.Random(seed)
    conn = connect()
    for n in range(STEPS):
        try:
            step(rng, conn, areas, base, book, n)
            if rng.random() < 0.3:
                time.sleep(rng.random() * 0.01)
            conn.commit() if rng.random() < 0.85 else conn.rollback()
        except REFUSED:
            conn.rollback()
        except Exception as e:  # anything else is a fault of ours
            conn.rollback()
            faults.append(repr(e))
            break
    conn.close()


def taken(cur):
    cur.execute("set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off")
    cur.execute("select area_key, extract(epoch from p.starts_at) - 60 * before_min, extract(epoch from p.ends_at) + 60 * after_min "
                "from data.place p where area_key in (select area_key from data.area where organization_id = %s)", (OFFICE,))
    return cur.fetchall()


def overlaps(visits):
    return [(x, y) for i, x in enumerate(visits) for y in visits[:i] if x[0] == y[0] and x[1] < y[2] and y[1] < x[2]]


def old_snapshot(conn, areas, base, book):
    """A transaction whose snapshot is older than its locks would not see who was there first: it is not let in."""
    for level in ("repeatable read", "serializable"):
        conn.set_session(isolation_level=level)
        cur = conn.cursor()
        cur.execute("select 1")
        try:
            take(cur, areas, (0, base + 40 * 86400, base + 40 * 86400 + 600, 0, 0), book)
            return level + " was let in"
        except psycopg2.Error as e:
            if e.pgcode != "25000":
                return "%s: %s" % (level, e)
        conn.rollback()
    conn.set_session(isolation_level="read committed")
    return None


def main():
    rng = random.Random(SEED)
    conn = connect()
    cur = conn.cursor()
    cur.execute("insert into data.agency values ('RACE00001', 'Гонки') on conflict do nothing")
    cur.execute("insert into data.organization (organization_id, agency_code, name, time_zone, booking_window_days) values (%s, 'RACE00001', 'x', 'Europe/Moscow', 60)", (OFFICE,))
    cur.execute("insert into data.area (organization_id, area_id, number, name) select %s, 'w' || n, n, 'Окно' from generate_series(1, 2) n", (OFFICE,))
    cur.execute("select array_agg(area_key order by area_key), floor(extract(epoch from date_trunc('day', now()) + interval '69 hours'))::bigint "
                "from data.area where organization_id = %s", (OFFICE,))
    areas, base = cur.fetchone()
    book = OFFICE.lower() + "-owner"
    far = (0, base + 30 * 86400, base + 30 * 86400 + 600, 0, 0)
    slot = new_slot(cur, areas, far)
    conn.commit()
    status = book_by_name(cur, slot, book)
    conn.commit()
    if status != "201":
        return "the owner's own booking: %s" % status
    faults = []
    threads = [threading.Thread(target=storm, args=(rng.random(), areas, base, book, faults)) for _ in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if faults:
        return "; ".join(faults)
    visits = taken(cur)
    conn.commit()
    if overlaps(visits):
        return "overlap after the storm: %s" % overlaps(visits)[:3]
    answers = {True: 0, False: 0}
    for n in range(CALM):
        v = draw(rng, base)
        mine = (areas[v[0]], v[1] - 60 * v[3], v[2] + 60 * v[4])
        is_free = not [x for x in visits if x[0] == mine[0] and x[1] < mine[2] and mine[1] < x[2]]
        is_by_name = n % 2 == 0 and v[3] == v[4] == 0
        try:
            if is_by_name:
                slot = new_slot(cur, areas, v)
                conn.commit()
                is_taken = book_by_name(cur, slot, "%s-calm-%d" % (book, n)) == "201"
            else:
                take(cur, areas, v, book)
                is_taken = True
            conn.commit()
        except errors.ExclusionViolation:
            conn.rollback()
            is_taken = False
        if is_taken != is_free:
            return "step %d, %s by %s: %s, but the list says %s" % (n, v, "name" if is_by_name else "psql", is_taken, is_free)
        answers[is_taken] += 1
        if answers[False] > 2 * answers[True]:  # the storm left hardly any room: on to hours that it did not reach
            base += 3600
        if is_taken:
            visits.append(mine)
        elif rng.random() < 0.3 and len(visits) > 5:  # make room again
            cur.execute("delete from data.place where ctid = (select ctid from data.place where area_key = %s and book_key = %s "
                        "and starts_at < now() + interval '10 days' order by starts_at limit 1)", (areas[v[0]], book))
            visits = taken(cur)
            conn.commit()
    if min(answers.values()) < 10:
        return "a model that is hardly asked: %s" % answers
    problem = old_snapshot(conn, areas, base, book)
    # places without bookings of their own would be a finding of admin.check
    cur.execute("delete from data.place where book_key = %s and starts_at < now() + interval '20 days'", (book,))
    conn.commit()
    return problem


if __name__ == "__main__":
    wrong = main()
    if wrong:
        print("intervals, seed %d: %s" % (SEED, wrong))
    sys.exit(1 if wrong else 0)
