#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A day of trouble over SMEV 3 (Q1, Q3, Q4, Q7, M8, B2, B4, B6, J1, O5): two daemons on one database at the queues of two agencies, half of the
requests reads. By seed: redelivery, duplicates, lost and late Acks, cut connections, faults of the table, spoiled signatures, an endpoint
that is gone, clocks that step; kill -9 of either daemon at each fault point of the queue, of the group and of the outbox; steps of ours
that fail; restarts of the database. In the end each request was answered once in effect, by what its sender wanted, and never refused for
a failure of ours; the portal has heard of every change by the agency, in order. Two judges, of octets and of rows, know nothing of the daemons.
Needs a build with -DZAPISD_FAULTS=ON.

SMEV3_REQUESTS makes the day as long as wanted, SMEV3_SEED replays its plan; after SMEV3_SECONDS no more of it is begun, which is told."""
import collections
import os
import random
import shutil
import signal
import time
import unittest
import xml.etree.ElementTree as ET

import e2e
from e2e import BINARY, BUILD, KAMCHATKA, MOSCOW, NAME, SERVICE

from faults import Board, points_of
from instance import LIB, Instance, _run, free_ports
from portal_double import OK, Act, PortalDouble
from smev3core import REDELIVERY_S
from smev3server import SeededPolicy
from smev3world import Smev3

SEED = int(os.environ.get("SMEV3_SEED", "20261130"))
REQUESTS = int(os.environ.get("SMEV3_REQUESTS", "600"))
SECONDS = int(os.environ.get("SMEV3_SECONDS", "3600"))
PATIENT_S = 300
WINDOW = max(60, REQUESTS // 20)  # requests that are not answered yet; those of who was killed wait for the end of their leases
CHANGES = max(60, REQUESTS // 12)  # by the agency, about so many in all
ARMED = 3               # points at a time
FLIP_S = 4              # a point that one daemon does not pass is the other's
ODDS = {name: 0.01 for name in ("lost_request", "cut_request", "lost_answer", "cut_answer", "failure", "html", "spoiled", "late_ack", "other", "mime",
                                "dressed", "slow")}
OFFICES = {"AAAA00001": (MOSCOW, "room-11"), "BBBB00002": (KAMCHATKA, "window-1")}
KILLED_AT = ("queue_polled", "queue_stored", "queue_acked", "queue_taken", "queue_keep_begin", "queue_keep_sent", "queue_kept", "queue_answered", "queue_sent",
             "write_queued", "handle_begin", "handle_sent", "handle_done", "effect_read", "reply_written", "signed", "commit_begin", "journal_sent",
             "committed", "push_taken", "push_write_sent", "push_kept", "push_posted", "push_heard", "push_told")
FAILING = (("queue_keep_begin", "fail"), ("queue_keep_sent", "fail"), ("handle_begin", "fail"), ("handle_begin", "half"), ("handle_sent", "fail"), ("effect_read", "fail"),
           ("reply_written", "fail"), ("signed", "fail"), ("commit_begin", "fail"), ("commit_begin", "half"), ("journal_sent", "fail"), ("push_made", "fail"),
           ("push_write_begin", "half"), ("push_heard", "fail"))
PORTAL_TROUBLES = (Act("lost-before"), Act("lost-after"), Act("cut", at=90), Act("http", http=503), Act("fault"), Act("unsigned", applied=True),
                   Act("stranger", applied=True), Act("other-call", applied=True), Act(error=1))


def uuid_of(rng):
    return "%08x-%04x-4%03x-8%03x-%012x" % tuple(rng.getrandbits(n) for n in (32, 16, 12, 12, 48))


# ---- the plan, all of it from the seed -------------------------------------------------------------------------------------


class Chain:
    """Requests of which each is put in when the one before is answered. steps: words; change: what the agency does in the end."""

    def __init__(self, rng, number, agency, steps, change=()):
        self.agency, self.steps, self.change = agency, steps, change
        self.book_id, self.esia, self.places = uuid_of(rng), str(3000000000 + number), [rng.random() for _ in range(3)]
        self.messages, self.slot = [], None
        self.done = 0

    STATUS = {"hold": "201", "book": "201", "confirm": "201", "status": "201", "cancel": "301"}
    STATE = {"hold": "HELD", "book": "BOOKED", "confirm": "BOOKED", "cancel": "CANCELLED_APPLICANT", "move": "BOOKED", "withdraw": "CANCELLED_AGENCY"}

    def states(self):
        return [self.STATE[s] for s in (*self.steps, *self.change) if s in self.STATE]


def make_plan(rng, requests):
    """(chains in the order they begin, {number of requests put in: [things that happen then]})"""
    chains, writes, changes = [], 0, 0
    while writes < requests // 2:
        steps = list(rng.choice((("book",), ("book", "cancel"), ("hold", "confirm"), ("hold", "confirm", "cancel"))))[:requests // 2 - writes]
        change = ()
        if steps[-1] in ("book", "confirm") and changes < CHANGES:
            change = rng.choice((("move",), ("move", "move"), ("move", "withdraw"), ("withdraw",)))
            changes += len(change)
        writes += len(steps)
        chains.append(Chain(rng, len(chains), rng.choice(sorted(OFFICES)) if not change else "AAAA00001", steps, change))
    for chain in chains:  # some of the reads ask for what was just booked
        if not chain.change and chain.steps[-1] in ("book", "confirm") and rng.random() < 0.3:
            chain.steps.append("status")
    reads = requests - sum(len(c.steps) for c in chains)
    chains += [Chain(rng, 0, rng.choice(sorted(OFFICES)), [rng.choice(("refs", "refs", "attributes", "items", "slots"))]) for _ in range(reads)]
    rng.shuffle(chains)
    happens = collections.defaultdict(list)

    def spread(n, what):
        for k in range(n):
            happens[int(requests * (0.05 + 0.85 * (k + rng.random()) / n))].append(what(k))
    big = max(1, requests // 5000)
    points = [(p, "kill") for p in KILLED_AT * big]
    rng.shuffle(points)
    fails = list(FAILING * big)
    rng.shuffle(fails)
    spread(len(points), lambda k: ("arm", rng.randrange(2), *points[k]))
    spread(len(fails), lambda k: ("arm", rng.randrange(2), *fails[k]))
    spread(2 * big, lambda k: ("database", ("immediate", "fast")[k % 2]))
    spread(2 * big, lambda k: ("endpoint", rng.uniform(0.5, 2)))
    spread(max(10, requests // 100), lambda k: ("redeliver",))
    spread(max(4, requests // 250), lambda k: ("clock", rng.uniform(-240, 240)))
    spread(max(20, requests // 20), lambda k: ("duplicate", rng.random()))
    return chains, happens


# ---- the judge of rows -----------------------------------------------------------------------------------------------------


def judge_rows(sql, judge, chains):
    """What is wrong between the plan, the octets of the record (smev3judge.Judge) and the rows; [] when nothing is."""
    wrong = []
    by_target = {judge.by_reply[s.to]: s for s in judge.responses.values() if s.effect and s.kind == "content" and s.to in judge.by_reply}
    for chain in chains:
        for step, message_id in zip(chain.steps, chain.messages):
            sent = by_target.get(message_id)
            if sent is None:
                wrong.append("%s %s of booking %s: no answer of the method" % (step, message_id, chain.book_id))
                continue
            values = collections.defaultdict(list)
            for e in sent.element.iter():
                values[e.tag.rpartition("}")[2]].append(e.text)
            if values["errorCode"] and values["errorCode"] != ["0"]:
                wrong.append("%s %s: answered by error %s %s" % (step, message_id, values["errorCode"], values["errorMessage"]))
            if chain.STATUS.get(step) not in (None, *values["statusCode"][:1]):
                wrong.append("%s %s: answered by status %s" % (step, message_id, values["statusCode"]))
    rows = dict((r[0], r[1:]) for r in sql("select message_id, state, acked_at is not null, answer_id, others from data.inbox"))
    wanted = {m for c in chains for m in c.messages}
    wrong += ["%s is in no row of the inbox" % m for m in wanted - set(rows)]
    for message_id, (state, is_acked, answer_id, others) in rows.items():
        if message_id not in wanted:
            wrong.append("%s is in the inbox, and nobody sent it" % message_id)
        elif state != "sent" or not is_acked or others:
            wrong.append("%s ended %s, acked %s, others %s" % (message_id, state, is_acked, others))
        elif message_id in by_target and by_target[message_id].message_id != answer_id:
            wrong.append("%s was answered by %s, the row says %s" % (message_id, by_target[message_id].message_id, answer_id))
    states = collections.defaultdict(list)
    for book_key, state in sql("select book_key, new_state::text from data.booking_history order by history_id"):
        states[book_key].append(state)
    for chain in chains:
        if states.pop(chain.book_id, []) != chain.states():
            wrong.append("booking %s went through %s, not %s" % (chain.book_id, states.get(chain.book_id), chain.states()))
    wrong += ["booking %s: nobody asked for it" % b for b in states]
    for what, query in (
            ("more than its capacity", "select s.slot_id from data.slot s join data.place p using (slot_id) group by s.slot_id, s.capacity having count(*) > s.capacity"),
            ("a live booking without its place", "select b.book_key from data.booking b where b.state = 'BOOKED' and not exists (select from data.place p where p.book_key = b.book_key)"),
            ("a place of a dead booking", "select p.book_key from data.place p join data.booking b using (book_key) where b.state::text like 'CANCELLED%'"),
            ("a change that the portal was not told", "select outbox_id, state, last_error from data.outbox where state <> 'answered'"),
            ("an answer that left and is not in the journal", "select i.message_id from data.inbox i where not exists (select from data.inbox_call c"
             " where c.inbox_id = i.inbox_id and c.operation = 'SendResponse')"),
            ("a message that came and is not in the journal", "select i.message_id from data.inbox i where not exists (select from data.inbox_call c"
             " join data.journal j using (journal_id) where c.inbox_id = i.inbox_id and c.operation = 'GetRequest' and j.direction = 'in')")):
        wrong += ["%s: %s" % (what, r) for r in sql(query)[:5]]
    return wrong


# ---- the day ---------------------------------------------------------------------------------------------------------------


def conf(text):
    return text.replace("[daemon]\n", "[daemon]\nrequest_timeout = 8s\n").replace("[database]\n", "[database]\nacquire_timeout = 4s\n")


class Daemon:
    """One of the two, and its board. It is started again when it was killed, and nobody waits for it."""

    def __init__(self, instance, number):
        self.instance, self.number, self.deaths = instance, number, 0
        self.board = Board(instance.dir / "board", points_of(BINARY))

    def start(self, wait=False):
        self.instance.start_daemon(env=self.board.env, wait=wait)

    def look(self):
        """Starts it when it is dead; whether it was. Any other death than by -9 is told."""
        if self.instance.process.poll() is None:
            return False
        if self.instance.process.returncode != -signal.SIGKILL:
            raise AssertionError("daemon %d ended with status %d:\n%s" % (self.number, self.instance.process.returncode, self.instance.log_tail()))
        self.board.disarm()
        self.deaths += 1
        self.start()
        return True


class Day(unittest.TestCase):
    def setUp(self):
        self.rng = random.Random(SEED)
        self.chains, self.happens = make_plan(self.rng, REQUESTS)
        directory = BUILD / "e2e" / NAME
        shutil.rmtree(directory, ignore_errors=True)
        port, = free_ports(1)
        push = ("\n[push AAAA00001]\nroad = smev2\nurl = http://127.0.0.1:%d/equeue/portal\nportal = PGU001001\nservice_name = PguEqueue\nexchange_type = 2\n"
                "timeout = 4s\nin_flight = 4\n" % port)
        quick = ("timeout = 4s", "switch_after = 2s", "in_flight = 16")
        # One queue both know by one name, and take each other's work over; at the other each has a name and a version of its own, so
        # that what comes twice comes in two shapes.
        self.smev = Smev3((("main", "AAAA00001", "1.2", quick), ("k11", "BBBB00002", "1.1", quick)), directory / "one", more=push)
        one = Instance(directory / "one", BINARY, edit=lambda text: conf(self.smev.edit(text)))
        self.addCleanup(self.smev.close)
        self.addCleanup(one.stop_database)
        one.dir.mkdir(parents=True)
        _run(["bash", LIB / "pki.sh", one.pki], what="test PKI")
        for kind in (".key", ".pem"):  # of 256 bits too: not the algorithm is in trouble here, and one of 512 costs all sides four times as much
            shutil.copy(one.pki / ("portal-new" + kind), one.pki / ("agency-b" + kind))
        one.start_database("-c max_wal_size=4GB")
        one.create_database()
        self.first, self.console = one, None
        self.sql("update data.slot set capacity = 1000")
        self.portal = PortalDouble(one.pki, script=self.act, port=port).start()
        self.addCleanup(self.portal.stop)
        self.act_rng, self.is_quiet = random.Random(SEED + 1), False
        self.daemons = [Daemon(one, 0)]
        self.addCleanup(lambda: [d.instance.stop_daemon() for d in self.daemons])
        self.daemons[0].start(wait=True)
        second = Smev3((("main", "AAAA00001", "1.2", quick), ("k13", "BBBB00002", "1.3", quick)), more=push)
        second.core, second.server = self.smev.core, self.smev.server
        two = Instance(directory / "two", BINARY, edit=lambda text: conf(second.edit(text)))
        two.dir.mkdir()
        two.pki, two.pg = one.pki, one.pg
        self.daemons.append(Daemon(two, 1))
        self.daemons[1].start(wait=True)
        self.slots, self.days = {}, {}
        for agency, office in OFFICES.items():
            rows = self.sql("select s.slot_id::text, (s.starts_at at time zone o.time_zone)::date::text from data.slot s join data.area a using (area_key)"
                            " join data.organization o on o.organization_id = s.organization_id where s.organization_id = %s and a.area_id = %s"
                            " and s.starts_at > now() + interval '30 hours' order by s.starts_at limit 300", *office)
            self.slots[agency] = [slot for slot, _ in rows]
            self.days.update(rows)
        self.messages, self.armed, self.waiting_arms = [], [], collections.deque()
        self.restarts, self.down_until = 0, None
        self.fired = collections.Counter()

    def act(self, call):
        return self.act_rng.choice(PORTAL_TROUBLES) if not self.is_quiet and self.act_rng.random() < 0.2 else OK

    def sql(self, text, *args):
        """By one connection, until the database is restarted, in this very thread."""
        if self.console is None:
            self.console = self.first.connect()
        with self.console.cursor() as cursor:
            cursor.execute(text, args or None)
            return cursor.fetchall() if cursor.description else None

    # ---- requests --------------------------------------------------------------------------------------------------------

    def slot(self, chain, n):
        slots = self.slots[chain.agency]
        return slots[int(chain.places[n] * len(slots))]

    def put(self, chain):
        step, organization = chain.steps[len(chain.messages)], OFFICES[chain.agency][0]
        own = [("bookId", chain.book_id), ("esiaId", chain.esia)]
        if step in ("hold", "book", "confirm"):
            method, items = "book", self.smev.portal.bare.book_items(chain.book_id, self.slot(chain, 0), organization, step == "hold", services=[SERVICE],
                                                                     esia_id=chain.esia)
        elif step in ("status", "cancel"):
            method, items = ("getBookingStatus" if step == "status" else "cancelBooking"), own
        elif step == "slots":
            method, items = "getSlots", [("organizationId", organization), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000"),
                                         ("serviceId", SERVICE), ("areaId", OFFICES[chain.agency][1]),
                                         ("filter", [("simple", [("attributeName", "DATE"), ("condition", "equals"), ("checkAllValues", False),
                                                                  ("value", self.days[self.slot(chain, 0)])])])]
        elif step == "refs":
            method, items = "getRefsList", []
        elif step == "attributes":
            method, items = "getRefAttributesList", [("refNames", ["organizations"])]
        else:
            method, items = "getRefItemsList", [("refName", "organizations"), ("treeFiltering", "ONELEVEL"), ("pageNum", 0), ("pageSize", 0)]
        message = self.smev.call(method, items, agency=chain.agency)
        chain.messages.append(message.message_id)
        self.messages.append(message)
        chain.last, self.put_at = message, time.monotonic()

    def agency_changes(self, chain):
        """In a transaction each."""
        for n, change in enumerate(chain.change):
            if change == "move":
                self.sql("select admin.move(%s, %s)", chain.book_id, self.slots[chain.agency][(self.slots[chain.agency].index(self.slot(chain, 0)) + n + 1) % len(self.slots[chain.agency])])
            else:
                self.sql("select admin.cancel(%s, 'авария в здании', 'окно 1')", chain.book_id)

    # ---- trouble ---------------------------------------------------------------------------------------------------------

    def happen(self, what, *more):
        if what == "arm":
            self.waiting_arms.append(more)
        elif what == "redeliver":
            self.smev.core.clock.advance(REDELIVERY_S + 1)
        elif what == "clock":
            self.smev.core.peer_clock.offset = more[0]
        elif what == "duplicate":
            if self.messages:
                self.smev.core.duplicate(self.messages[int(more[0] * len(self.messages))])
        elif what == "endpoint":
            self.smev.server.refuse("main")
            self.down_until = time.monotonic() + more[0]
        else:
            if self.console is not None:
                self.console.close()
                self.console = None
            self.first._pg_script('pg_private_run "$(pg_private_bin)/pg_ctl" -D "$PG_PRIVATE_DATA" -m %s -w stop >/dev/null' % more[0])
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                self.look_after()
                time.sleep(0.02)
            self.first._pg_script('pg_private_start "$1" >&2', self.first.dir)
            self.restarts += 1

    def look_after(self):
        """Who died is started; the next point is armed when one of those before was taken. A point that was armed at one who died of
        another is armed there no more, and goes to the other daemon as one that is not passed."""
        for daemon in self.daemons:
            daemon.look()
        if self.down_until is not None and time.monotonic() > self.down_until:
            self.down_until = None
            self.smev.server.refuse("main", False)
        for armed in list(self.armed):
            number, point, action, before, since = armed
            board = self.daemons[number].board
            if board.taken(point) > before:
                self.fired[point, action] += 1
                self.armed.remove(armed)
            elif time.monotonic() - since > FLIP_S:
                board.disarm(point)
                self.armed.remove(armed)
                self.waiting_arms.append((1 - number, point, action))
        while len(self.armed) < ARMED and self.waiting_arms and self.waiting_arms[0][1] not in {a[1] for a in self.armed}:
            number, point, action = self.waiting_arms.popleft()
            board = self.daemons[number].board
            self.armed.append((number, point, action, board.taken(point), time.monotonic()))
            board.arm(point, action)

    def until(self, condition, what, seconds=PATIENT_S):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("not within %d s: %s; seed %d" % (seconds, what, SEED))
            self.look_after()
            self.smev.core.clock.advance(REDELIVERY_S + 1)
            time.sleep(0.3)

    # ---- all of it -------------------------------------------------------------------------------------------------------

    def owed(self):
        return len(self.waiting_arms) + len(self.armed)

    def has_time(self):
        """Less is put in until the points that were due by now have been taken: as much as takes them, of the rare ones too."""
        return self.owed() <= 2 * ARMED or time.monotonic() - self.put_at > 0.05

    def encore(self):
        """The plan is at its end, and some points are not taken: more of the same, until they are."""
        n = len(self.chains)
        chain = Chain(self.rng, n, "AAAA00001", *((["refs"],) if n % 2 else (["book"], ("move",))))
        self.chains.append(chain)
        return chain

    def run_chains(self):
        """Puts all of it in, so many at a time."""
        self.to_come, self.live, self.put_at, self.moved_at = collections.deque(self.chains), [], time.monotonic(), time.monotonic()
        self.marks = collections.deque(sorted(self.happens))
        over_at = time.monotonic() + SECONDS
        while self.to_come or self.live or self.owed():
            if self.to_come and time.monotonic() > over_at:
                self.end_early()
            self.step()
            time.sleep(0.01)

    def end_early(self):
        left = {c.book_id for c in self.to_come}
        self.chains = [c for c in self.chains if c.book_id not in left]
        self.to_come.clear()
        under_way = {(p, a) for _, p, a in self.waiting_arms} | {a[1:3] for a in self.armed} | set(self.fired)
        self.waiting_arms.extend((n % 2, p, "kill") for n, p in enumerate(KILLED_AT) if (p, "kill") not in under_way)

    def step(self):
        for chain in [c for c in self.live if c.last.finals]:
            self.moved_at = time.monotonic()
            if len(chain.messages) < len(chain.steps):
                self.put(chain)
                continue
            self.agency_changes(chain)
            self.live.remove(chain)
        while len(self.live) < WINDOW and (self.to_come or self.owed()) and self.has_time():
            self.live.append(self.to_come.popleft() if self.to_come else self.encore())
            self.put(self.live[-1])
        while self.marks and self.marks[0] <= len(self.messages):
            for thing in self.happens[self.marks.popleft()]:
                self.happen(*thing)
        self.look_after()
        still_s = time.monotonic() - self.moved_at
        if still_s > 5:  # all that is out was delivered and lost
            self.smev.core.clock.advance(REDELIVERY_S + 1)
        if still_s > PATIENT_S:
            raise AssertionError("seed %d: nothing is answered any more: %s of %d" % (SEED, [c.last.message_id for c in self.live][:5], len(self.messages)))

    def test_day(self):
        policy = self.smev.server.plan.policy = SeededPolicy(SEED, ODDS)
        started = time.monotonic()
        self.run_chains()
        policy.quiet = self.is_quiet = True
        self.smev.core.peer_clock.offset = 0
        for daemon in self.daemons:
            daemon.board.disarm()
        self.until(lambda: not any(s.requests.entries() for s in self.smev.systems.values()), "every Ack")
        self.until(lambda: self.sql("select count(*) from data.inbox where ended_at is null or acked_at is null")[0][0] == 0, "an inbox at rest")
        self.until(lambda: self.sql("select count(*) from data.outbox where state <> 'answered'")[0][0] == 0, "an empty outbox")
        took = time.monotonic() - started
        for daemon in self.daemons:
            self.assertEqual(daemon.instance.stop_daemon(), 0)
        self.smev.close()
        judge = self.smev.judge()
        print("a day of %d requests of %d (half reads), seed %d: %.0f s; %d kills, faults of ours %d, restarts of the database %d, troubles on the way %d, exchanges %d, "
              "known again %d, changes told %d in %d calls" % (
                  len(self.messages), REQUESTS, SEED, took, sum(d.deaths for d in self.daemons), sum(n for (_, a), n in self.fired.items() if a != "kill"), self.restarts,
                  sum(policy.thrown.values()), judge.counts["GetRequest"] + judge.counts["Ack"] + judge.counts["SendResponse"],
                  sum(max(0, len(d) - 1) for d in judge.delivered.values()), self.sql("select count(*) from data.outbox")[0][0], len(self.portal.calls)), flush=True)
        missed = [p for p in KILLED_AT if not self.fired[p, "kill"]]
        self.assertEqual(judge.problems[:10], [], "the judge of octets")
        self.assertEqual(judge.counts["requests"], len(self.messages))
        self.assertTrue(len(self.messages) >= REQUESTS or took > SECONDS)
        self.assertEqual(judge_rows(self.sql, judge, self.chains)[:10], [], "the judge of rows")
        self.assertEqual(self.portal.judge(self.told()), [], "what the portal heard")
        self.assertEqual(missed, [], "points at which nobody was killed")
        self.assertGreater(sum(policy.thrown.values()), len(self.messages) / 20)

    def told(self):
        found = collections.defaultdict(list)
        for book_id, *told in self.sql("select book_key, payload #>> '{status,statusCode}', payload #>> '{timeslot,visitTime}',"
                                       " coalesce(payload #>> '{status,statusMessage}', '') from data.outbox order by outbox_id"):
            found[book_id].append(tuple(told))
        self.assertEqual({b: len(t) for b, t in found.items()}, {c.book_id: len(c.change) for c in self.chains if c.change}, "a row a change")
        return found


if __name__ == "__main__":
    e2e.main()
