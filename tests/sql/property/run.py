#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Property test (B1-B7, B9, B10, S2, S3): random operations from several connections against the model in model.py.

    run.py [--steps 100000] [--seed S] [--only EPISODE] [--workers N]

A step is one operation, or several at once on as many connections; after each the answer, every booking with its state and
history, and the free places of getSlots are compared. Several at once must come out as in one of their orders; while more than one
order explains what was seen, all of them are followed. An episode is an office of its own, with rules of its own, drawn from "seed:episode"; a failure prints both, and --only plays it again (what
ran at once may then run otherwise). Workers have a database each; a worker has CONNECTIONS connections.
"""
import argparse
import concurrent.futures
import copy
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import sys
import tempfile
import time
import uuid

import psycopg2
from psycopg2 import errors

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "lib"))

from instance import Instance, SOURCE, _run  # noqa: E402
from model import Model  # noqa: E402

CONNECTIONS, EPISODE_STEPS = 4, 150
PEOPLE, BOOKS = ("1", "2", "3"), ("b1", "b2", "b3", "b4", "b5", "b6", "b7")
EVENTS = ("confirm", "reject", "invite", "cancel", "visited", "no_show", "turned_away", "correct", "move")


class Failure(Exception):
    pass


def draw_settings(rng):
    yes = lambda p: rng.random() < p
    ruled = yes(0.6)
    limits = []
    if ruled and yes(0.6):
        for person in rng.sample(("esiaId", "userSnils", "caseNumber"), rng.choice((1, 1, 2))):
            limits.append((person, rng.choice((None, None, "s2")), rng.choice(("live", "day")), rng.choice((1, 2, 3))))
    settings = {
        "adjacency": yes(0.8), "max_holds": rng.choice((1, 2, 5)), "confirm_booking": yes(0.35), "confirm_cancel": yes(0.35),
        "move_deadline": yes(0.1), "cancel_deadline": yes(0.1), "limits": limits,
        "area_buffer": {"a2": rng.choice(((0, 10), (15, 0), (5, 5)))} if ruled and yes(0.4) else {},
        "service_buffer": {"s2": rng.choice(((0, 5), (20, 0)))} if ruled and yes(0.3) else {},
        "qualified": {"s2"} if ruled and yes(0.3) else set(),
        "exclusive": ruled and yes(0.5),
        "kiosk_percent": rng.choice((0, 20, 50)) if ruled and yes(0.4) else None,
        "looks_as": rng.choice((None, "portal", "kiosk")),
    }
    return settings


def draw_slots(rng, settings):
    """Areas a1, a2 for one, a3 for two, room r with specialists p1 and p2; two of a1's slots lie under a long one."""
    slots = []
    for area, count, capacity, services in (("a1", 4, 1, "s1"), ("a2", 4, 1, "s1 s2"), ("a3", 2, 2, "s1 s2"), ("r", 2, 1, "s1"), ("p1", 2, 1, "s1"), ("p2", 2, 1, "s1")):
        for n in range(count):
            slots.append({"area": area, "start": 15 * n, "end": 15 * n + 15, "capacity": capacity, "services": set(services.split()), "is_long": False})
    slots.append({"area": "a1", "start": 0, "end": 30, "capacity": 1, "services": {"s1"}, "is_long": True})
    for s in slots:
        s["id"] = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        s["inside"] = {s["area"]} | ({"r"} if s["area"] in ("p1", "p2") else set())
        s["uses"] = {"r"} if settings["exclusive"] and "r" in s["inside"] else set()
    slots.sort(key=lambda s: (s["start"], s["id"]))
    return slots


def draw_step(rng, model, count):
    """One operation; mostly such as can go well."""
    book = rng.choice(BOOKS)
    b = model.bookings.get(book)
    esia = b.esia if b is not None and rng.random() < 0.97 else rng.choice(PEOPLE)
    op = {"book": book.upper() if rng.random() < 0.1 else book, "esia": esia, "channel": rng.choice(("portal", "portal", "kiosk", "call-centre")),
          "message": "m%d" % count, "digest": "d", "test": rng.random() < 0.03}
    op["do"] = do = rng.choices(("book", "cancel", "status", "agency", "lapse", "comes", "sweep", "close", "again"),
                                (60, 12, 4, 14, 5, 2, 1.5, 2, 3))[0]
    if do in ("comes", "sweep", "close", "lapse"):
        op["book"] = book
        op.update(slots=[rng.randrange(len(model.slots))], closed=rng.random() < 0.5)
    elif do == "agency":
        op.update(event=rng.choice(EVENTS), slots=[rng.randrange(len(model.slots))], test=False)
    elif do == "again" and count:
        # The same message, or its id with another content.
        op.update(do="cancel", message="m%d" % rng.randrange(count), digest=rng.choice("de"), test=False)
    elif do in ("book", "again"):
        op["do"] = "book"
        first = rng.randrange(len(model.slots))
        kind = rng.choices(("one", "own", "blind", "next", "any", "wrong"), (45, 25, 12, 10, 4, 4))[0]
        slots = [first]
        if kind == "own" and b is not None and b.slots():
            slots = list(b.slots())
        elif kind == "blind":
            slots = ["blind"]
        elif kind == "next":
            here = model.slots[first]
            slots += [n for n, s in enumerate(model.slots) if s["area"] == here["area"] and s["start"] == here["end"]][:1]
            rng.shuffle(slots)
        elif kind == "any":
            slots.append(rng.randrange(len(model.slots)))
        elif kind == "wrong":
            held = list(b.slots()) if b is not None and b.slots() else [first]
            slots = rng.choice(([], ["junk"], [None], held + [None], held + [None], held * 2, ["blind"] + held, ["blind", "blind"]))
        op.update(slots=slots, preliminary=rng.random() < 0.45, period=rng.choice((None, 60, 240)),
                  services=rng.choices(([], ["s1"], ["s2"], ["s1", "s2"], ["s9"]), (50, 20, 20, 7, 3))[0],
                  type=rng.choice(("SIMPLE", "QUALIFIED")), snils=rng.choice((None, "00000000101")), case=rng.choice((None, "77")),
                  bad=["email"] if rng.random() < 0.03 else [], area=rng.choices((None, "a1", "r"), (90, 5, 5))[0])
        if kind == "own" and b is not None and rng.random() < 0.7:  # as the portal confirms
            op.update(services=list(b.services), snils=b.snils, case=b.case, type="QUALIFIED", preliminary=False)
    return op


def differences(got, want):
    return "; ".join("%s: %s, the model says %s" % (key, a.get(key), b.get(key)) for a, b in ((got, want), (got["bookings"], want["bookings"]))
                     for key in sorted(set(a) | set(b)) if a.get(key) != b.get(key) and key != "bookings")


class Worker:
    def __init__(self, conninfo, seed):
        self.seed = seed
        self.connections = [psycopg2.connect(conninfo) for _ in range(CONNECTIONS)]
        for c in self.connections:
            c.autocommit = True
        self.pool = concurrent.futures.ThreadPoolExecutor(CONNECTIONS)
        self.steps = self.together = self.deadlocks = self.good = 0

    def ask(self, n, text, *args):
        with self.connections[n].cursor() as cursor:
            cursor.execute(text, args)
            return cursor.fetchone()[0] if cursor.description else None

    def act(self, n, office, op):
        return self.ask(n, "select prop.step(%s, %s)", office, json.dumps(op))

    def open_office(self, office, slots, s):
        text = ["insert into data.organization (organization_id, agency_code, name, phone, address, time_zone, adjacency_required, max_holds, confirm_booking, "
                "confirm_cancel, move_deadline_min, cancel_deadline_min) values ('%s', 'PROP00001', 'x', '1', 'y', 'Europe/Moscow', %s, %d, %s, %s, %d, %d)" % (
                    office, s["adjacency"], s["max_holds"], s["confirm_booking"], s["confirm_cancel"], 43199 * s["move_deadline"],
                    43199 * s["cancel_deadline"])]
        for service in ("s1", "s2"):
            before, after = s["service_buffer"].get(service, (0, 0))
            text.append("insert into data.organization_service (organization_id, service_id, user_types, buffer_before_min, buffer_after_min) "
                        "values ('%s', '%s', %s, %d, %d)" % (office, service, "'{QUALIFIED}'" if service in s["qualified"] else "null", before, after))
        for n, area in enumerate(("a1", "a2", "a3", "r", "p1", "p2")):
            before, after = s["area_buffer"].get(area, (0, 0))
            parent = "(select area_key from data.area where organization_id = '%s' and area_id = 'r')" % office if area[0] == "p" else "null"
            text.append("insert into data.area (organization_id, area_id, number, name, capacity, parent_key, buffer_before_min, buffer_after_min, is_exclusive) "
                        "values ('%s', '%s', %d, 'x', %d, %s, %d, %d, %s)" % (office, area, n, 2 if area == "a3" else 1, parent, before, after, area == "r" and s["exclusive"]))
        text.append("insert into data.area_service select area_key, organization_id, s from data.area, unnest('{s1,s2}'::text[]) s "
                    "where organization_id = '%s' and (s = 's1' or area_id in ('a2', 'a3'))" % office)
        for n, slot in enumerate(slots):
            text.append("insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, capacity, serial) select '%s', '%s', area_key, "
                        "t + interval '%d min', t + interval '%d min', %d, %d from data.area, (select (date_trunc('day', now() at time zone 'Europe/Moscow') "
                        "+ interval '3 days 12 hours') at time zone 'Europe/Moscow' as t) x where organization_id = '%s' and area_id = '%s'"
                        % (slot["id"], office, slot["start"], slot["end"], slot["capacity"], slot["is_long"], office, slot["area"]))
            text.append("insert into prop.slot_no values ('%s', '%s', %d)" % (slot["id"], office, n))
        for person, service, period, most in s["limits"]:
            text.append("insert into data.booking_limit (organization_id, service_id, person, period, max_bookings) values ('%s', %s, '%s', '%s', %d)"
                        % (office, "'%s'" % service if service else "null", person, period, most))
        if s["kiosk_percent"] is not None:
            text.append("insert into data.channel_share (organization_id, channel, percent) values ('%s', 'kiosk', %d)" % (office, s["kiosk_percent"]))
        self.ask(0, "; ".join(text))

    def episode(self, number):
        rng = random.Random("%s:%d" % (self.seed, number))
        settings = draw_settings(rng)
        slots = draw_slots(rng, settings)
        models, office, log, count = [Model(slots, settings)], "e%d." % number, [], 0
        self.open_office(office, slots, settings)
        try:
            while count < EPISODE_STEPS:
                n = rng.choice((2, 2, 3)) if rng.random() < 0.12 else 1
                ops = [draw_step(rng, models[0], count + i) for i in range(n)]
                if n > 1:
                    ops = [op for op in ops if op["do"] in ("book", "cancel", "agency", "status")]
                for op in ops:
                    if op["do"] == "comes" and not all(op["book"] in m.bookings and m.may_come(m.bookings[op["book"]]) for m in models):
                        op["do"] = "status"
                count += n
                who = rng.sample(range(CONNECTIONS), max(1, len(ops)))
                ends_well = rng.random() < 0.8
                log.append((ops, who, ends_well))
                if len(ops) == 1:
                    models = self.alone(models, office, ops[0], who[0])
                elif ops:
                    models = self.at_once(models, office, ops, who, ends_well)
                self.steps += len(ops)
            wrong = self.ask(0, "select string_agg(problem || ' ' || what, '; ') from admin.check() where problem not in "
                             "('порталу не передаётся то, чего требует приказ', 'время посещения прошло, а запись ждёт решения')") if number % 20 == 0 else None
            if wrong:
                raise Failure("admin.check(): " + wrong)
        except Exception as e:
            print("FAILED: %r\nplay again: --seed %s --only %d\nsettings: %s" % (e, self.seed, number, settings))
            for n, s in enumerate(slots):
                print("  slot %2d %s %d-%d of %d%s" % (n, s["area"], s["start"], s["end"], s["capacity"], " exclusive" if s["uses"] else ""))
            for ops, who, ends_well in log[-40:]:
                print("  %s" % " | ".join("%d: %s" % (c, json.dumps({k: v for k, v in op.items() if k not in ("message", "digest") and v not in (None, [], False)}))
                                          for op, c in zip(ops, who)), "" if ends_well or len(ops) == 1 else "(the first is rolled back)")
            raise Failure(str(e)) from e

    def picture(self, models, office, who):
        return self.ask(who, "select prop.picture(%s, %s)", office, models[0].set["looks_as"])

    def alone(self, models, office, op, who):
        answer = self.act(who, office, op)
        self.good += answer.startswith(("201/0", "100/0"))
        wants = [getattr(model, op["do"])(op) for model in models]
        models = [model for model, want in zip(models, wants) if want == answer]
        if not models:
            raise Failure("answer: %r, the model says %r" % (answer, wants))
        got, wants = self.picture(models, office, who), [model.seen() for model in models]
        models = [model for model, want in zip(models, wants) if want == got]
        if not models:
            raise Failure("picture: %s" % differences(got, wants[0]))
        return models

    def at_once(self, models, office, ops, who, ends_well):
        """The first stands uncommitted while the others start; then it is committed or rolled back."""
        if not ends_well and any(op.get("slots") == ["blind"] for op in ops[1:]):
            ends_well = True  # a blind request passes over what is not yet rolled back
        self.together += 1
        first, others = self.connections[who[0]], list(range(1, len(ops)))
        first.autocommit = False
        answers = [self.act(who[0], office, ops[0])]
        futures = [self.pool.submit(self.act, who[i], office, ops[i]) for i in others]
        time.sleep(0.001)
        first.commit() if ends_well else first.rollback()
        first.autocommit = True
        for i, future in zip(others, futures):
            try:
                answers.append(future.result(30))
            except errors.DeadlockDetected:  # the daemon would run it again
                self.deadlocks += 1
                concurrent.futures.wait(futures)
                answers.append(self.act(who[i], office, ops[i]))
        got, found, why = self.picture(models, office, who[0]), [], []
        for model, order in itertools.product(models, itertools.permutations(range(0 if ends_well else 1, len(ops)))):
            trial, said = copy.deepcopy(model), []
            for i in order:
                choice = int(answers[i].split()[1]) if ops[i].get("slots") == ["blind"] and answers[i].startswith(("201/0 ", "100/0 ")) \
                    and "," not in answers[i] else None
                said.append(getattr(trial, ops[i]["do"])(ops[i], choice))
            if said == [answers[i] for i in order] and trial.seen() == got:
                if all(trial != other for other in found):
                    found.append(trial)
            else:
                why.append("%s: %s %s" % (order, said, differences(got, trial.seen())))
        if not found:
            raise Failure("at once: answers %s%s come out in no order; %s" % (answers, "" if ends_well else " (the first rolled back)", "; ".join(why)))
        return found


def work(args, conninfo, number, workers, queue):
    started, last = time.monotonic(), time.monotonic()
    worker = Worker(conninfo, args.seed)
    failed = None
    episodes = [args.only] if args.only is not None else itertools.count(number, workers)
    try:
        for e in episodes:
            worker.episode(e)
            if worker.steps >= args.steps / workers:
                break
            if time.monotonic() - last > 15:
                last = time.monotonic()
                print("worker %d: %d steps in %d s" % (number, worker.steps, last - started), flush=True)
    except BaseException as e:
        failed = repr(e)
    queue.put((failed, worker.steps, worker.together, worker.deadlocks, worker.good))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=int(os.environ.get("PROPERTY_STEPS", 100000)))
    parser.add_argument("--seed", default=os.environ.get("PROPERTY_SEED", str(random.SystemRandom().randrange(10**9))))
    parser.add_argument("--only", type=int)
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1))
    args = parser.parse_args()
    workers = 1 if args.only is not None else args.workers
    print("seed %s" % args.seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="zprop.") as directory:
        os.chmod(directory, 0o755)
        instance = Instance(directory, "/bin/false")
        # What survives a crash is tested elsewhere.
        instance.start_database("-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_wal_size=4GB -c jit=off -c autovacuum_naptime=5s")
        try:
            return play(args, instance, workers)
        finally:
            instance.stop_database()


def play(args, instance, workers):
    _run(["psql", "-Xq", "-c", "create database prop", instance.conninfo(database="postgres")])
    files = {folder: sorted((SOURCE / "sql" / folder).rglob("*.sql")) for folder in ("migrations", "inner", "api", "admin", "afterwards")}
    for step in [[file] for file in files.pop("migrations")] + [sum(files.values(), []), [HERE / "world.sql"]]:  # a transaction each, as migrating does
        _run(["psql", "-Xq1", "-v", "ON_ERROR_STOP=1", "-c", "set check_function_bodies = off", *(word for file in step for word in ("-f", file)),
              instance.conninfo(database="prop")], what=step[0].name)
    _run(["psql", "-Xq1", "-v", "ON_ERROR_STOP=1", "-c", "do $$ begin perform data.built_note(); end $$; insert into data.agency (agency_code, name) values ('PROP00001', 'x'); insert into data.service "
          "(service_id, name) values ('s1', 'x'), ('s2', 'x')", instance.conninfo(database="prop")])
    queue, processes, started = multiprocessing.Queue(), [], time.monotonic()
    _run(["psql", "-XqAt", "-c", "select data.rights_repair()", instance.conninfo(database="prop")])
    for n in range(workers):
        _run(["psql", "-Xq", "-c", "create database prop%d template prop" % n, instance.conninfo(database="postgres")])
        conninfo = instance.conninfo(database="prop%d" % n) + " options='-c client_min_messages=warning'"
        processes.append(multiprocessing.Process(target=work, args=(args, conninfo, n, workers, queue)))
    for p in processes:
        p.start()
    results = [queue.get() for _ in processes]
    for p in processes:
        p.join()
    failed = [r[0] for r in results if r[0]]
    steps, together, deadlocks, good = (sum(r[i] for r in results) for i in (1, 2, 3, 4))
    print("%d steps in %.0f s on %d connections, %d times several at once (%d deadlocks run again), %d bookings went well, seed %s"
          % (steps, time.monotonic() - started, workers * CONNECTIONS, together, deadlocks, good, args.seed))
    if failed or (args.only is None and steps < args.steps):
        print("FAILED: %s" % ("; ".join(failed) or "too few steps"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
