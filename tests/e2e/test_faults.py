#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Every fault point of include/fault.h with every action it knows (B1, B6, J1, J4, L1, L4, O2, O4). Each case sends messages of
all operations at once, several of them in one transaction, lets the fault happen, restarts what died, sends the same bytes again and
asks faults_world.py what must hold. All cases are played in each run, on several instances side by side; a point that was never
passed, or an action that was never taken, is a failure.

ZAPISD_FAULT_ONLY=REGEX plays the cases whose name matches. Needs a build with -DZAPISD_FAULTS=ON."""
import collections
import dataclasses
import os
import queue
import re
import signal
import subprocess
import threading
import time
import traceback
import unittest

import e2e
from e2e import BINARY, MOSCOW, PATIENT_S, SERVICE, new_id

from faults import points_of
from faults_world import Lane, status_of
from instance import SOURCE

LANES = 6
DELAY_MS = 120
KILLS = ("kill", "half-kill")

# Which passes: of what each message passes, of what each group passes (behind two groups of one), of what there is once.
EACH, GROUP, ONCE = (1, 4, 9), (1, 3), (1,)
MIX = {
    **dict.fromkeys(("accepting", "request_accepted", "decoded", "write_queued", "effect_read", "reply_written", "signed", "answer_queued",
                     "answer_begin", "answer_written", "client_closed"), EACH),
    **dict.fromkeys(("verified", "read_begin", "read_sent", "read_answered", "rows_read"), (1, 3)),
    **dict.fromkeys(("handle_begin", "handle_sent", "handle_done"), (1, 2)),
    **dict.fromkeys(("commit_begin", "journal_sent", "committed"), GROUP),
    **dict.fromkeys(("read_journal_begin", "read_journal_sent", "read_journalled"), (1, 2)),
    **dict.fromkeys(("replay_read", "refused_kept", "refused_begin", "refused_sent", "refused_written", "ready_begin"), ONCE),
}
# What another fault leads to: its point and passes of it.
BEHIND = {
    "commit_lost": ("journal_sent", GROUP), "group_failed": ("journal_sent", GROUP), "write_again": ("handle_sent", (1, 2)),
    "connection_lost": ("journal_sent", ONCE), "connect_begin": ("journal_sent", ONCE), "connected": ("journal_sent", ONCE),
    "group_undone": ("effect_read", EACH), "rollback_begin": ("signed", (1, 4)), "journal_failed": ("read_journal_sent", (1, 2)),
}
# While somebody holds the lock of some: and the point that is waited for before he lets go.
LOCKED = {"lane_given_up": "lane_given_up", "holders_begin": "holders_begin", "group_locked": "group_locked", "lane_kept": "lane_kept", "lane_try": "lane_try",
          "lane_passed": "lane_kept"}
PIECES = {"housekeeping_begin": range(1, 7), "housekeeping_sent": range(1, 7), "housekeeping_done": (1, 3)}
RELOAD = ("reload_read", "reload_begin", "reload_keys", "reload_done")
STOP = ("stop_begun", "drained", "silenced")
START = ("start_prepared", "start_listening")
# In this order, and where a run that is only delayed ends: each of the following ones wants something left to do.
MIGRATE = {"migrate_table": "migrate_begun:1", "migrate_begun": "migrate_begun:2", "migrate_ran": "migrate_begun:2", "migrate_recorded": "migrate_begun:2",
           "migrate_committed": "migrate_begun:2", "functions_begun": "functions_between:1",
           "functions_between": "functions_recorded:1", "functions_recorded": "rights_begun:1", "rights_begun": "demo_ran:1", "demo_ran": None}


@dataclasses.dataclass(frozen=True)
class Case:
    scenario: str
    point: str = ""
    action: str = ""
    nth: int = 1
    for_ever: bool = False
    behind: tuple = ()

    def __str__(self):
        behind = " behind %s:%d" % self.behind if self.behind else ""
        return "%s %s:%d%s:%s%s" % (self.scenario, self.point, self.nth, "+" if self.for_ever else "", self.action, behind)


def cases_of_point(scenario, point, actions, passes, behind=()):
    for action in actions:
        for nth in passes if action != "delay" else passes[:1]:
            yield Case(scenario, point, action, nth, False, behind)
        if action == "fail":
            yield Case(scenario, point, action, 1, True, behind)


def all_cases(points):
    """The long ones first."""
    yield Case("migrate")
    for point, passes in PIECES.items():
        for action in points[point]:
            for nth in passes if action == "kill" else ONCE:
                yield Case("housekeeping", point, action, nth, action != "kill")
    for point in ("housekeeping_failed", "housekeeping_tell"):
        for action in points[point]:
            yield Case("housekeeping", point, action, 1, False, ("housekeeping_sent", 1))
    for point in ("journal_given_up", "journal_refused"):
        yield from cases_of_point(point, point, points[point], ONCE)
    for point in LOCKED:
        yield from cases_of_point("locked", point, points[point], ONCE)
    for point, passes in MIX.items():
        yield from cases_of_point("mix", point, points[point], passes)
    for point, (cause, passes) in BEHIND.items():
        for nth in passes:
            yield from cases_of_point("mix", point, points[point], (1, 3) if point == "write_again" else ONCE, (cause, nth))
    for scenario, names in (("reload", RELOAD), ("stop", STOP), ("start", START)):
        for point in names:
            yield from cases_of_point(scenario, point, points[point], ONCE)


class Player:
    """Plays a case on a lane."""

    def __init__(self, lane, case):
        self.lane, self.case, self.board = lane, case, lane.board

    def arm(self):
        c = self.case
        self.taken = self.board.taken(c.point)
        if c.behind:
            self.board.arm(c.behind[0], "fail", c.behind[1])
        self.board.arm(c.point, c.action, c.nth, DELAY_MS, c.for_ever)

    def was_taken(self, seconds):
        deadline = time.monotonic() + seconds
        while self.board.taken(self.case.point) == self.taken:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def see_fault(self):
        """It happened, and nothing but it; for the first pass of a point it must. What died is started again."""
        must = self.case.nth == 1
        is_taken = self.was_taken(PATIENT_S if must else 0.3)
        if must and not is_taken:
            raise AssertionError("never passed")
        if is_taken and self.case.action in KILLS:
            if not self.lane.wait_dead():
                raise AssertionError("it did not die")
            if self.lane.instance.process.returncode != -signal.SIGKILL:
                raise AssertionError("it ended by itself: %d\n%s" % (self.lane.instance.process.returncode, self.lane.instance.log_tail()))
        elif not self.lane.is_up():
            raise AssertionError("it ended by itself: %d\n%s" % (self.lane.instance.process.returncode, self.lane.instance.log_tail()))
        return is_taken

    def play(self):
        self.lane.start()
        getattr(self, "play_" + self.case.scenario)()

    # ---- messages of all kinds, at once --------------------------------------------------------------------------------

    def settle(self, messages):
        """Everything is sent again, and judged."""
        lane = self.lane
        lane.judge_first(messages)
        self.board.disarm()
        lane.start()
        honest = [m for m in messages if not m.is_junk]
        results = e2e.together(len(honest), lambda i: lane.repeat(honest[i]))
        for m, result in zip(honest, results):
            if isinstance(result, BaseException):
                raise result
            m.answer = result
        lane.judge_end(messages)
        lane.judge_rest()

    def mix(self, after_begin=lambda: None, hold=lambda messages: (), hold_until=None):
        """Two messages that wait for a lock occupy the sessions of writes; those that come meanwhile share what comes then."""
        lane = self.lane
        messages, primers = lane.prepare(), lane.primers()
        slots = [p.places[0] for p in primers] + [p for m in hold(messages) for p in m.places]
        with lane.locked(("select from data.slot where slot_id = any(%s::uuid[]) for update", slots)):
            before = {name: self.board.passes(name) for name in ("write_queued", hold_until or "write_queued")}
            threads = lane.begin(primers)
            lane.wait_for_locks(len(primers))
            self.arm()
            threads += lane.begin(messages)
            self.board.wait_passed("write_queued", before["write_queued"] + len(primers) + 6, 0.05)  # or as many as make it
            if hold_until:
                self.board.wait_passed(hold_until, before[hold_until], 10)
            after_begin()
        for t in threads:
            t.join()
        return messages + primers

    def play_mix(self):
        messages = self.mix()
        self.see_fault()
        self.settle(messages)

    def play_locked(self):
        messages = self.mix(hold=lambda ms: [m for m in ms if m.name == "book"], hold_until=LOCKED[self.case.point])
        self.see_fault()
        self.settle(messages)

    def play_journal_given_up(self):
        lane = self.lane
        messages = lane.prepare()
        with lane.locked(("lock table data.journal in exclusive mode",)):
            self.arm()
            lane.send_all(messages)
        self.see_fault()
        self.settle(messages)

    def play_journal_refused(self):
        lane = self.lane
        messages = lane.prepare()
        lane.sql("""create or replace function data.test_refuses() returns trigger language plpgsql as
            $$ begin if new.method = 'getRefsList' then raise 'the test refuses it'; end if; return new; end $$;
            create trigger test_refuses before insert on data.journal for each row execute function data.test_refuses()""")
        try:
            self.arm()
            lane.send_all(messages)
            self.see_fault()
        finally:
            lane.sql("drop trigger test_refuses on data.journal; drop function data.test_refuses()")
        refused = [m for m in messages if m.name in ("refs", "signed refs")]
        if any(m.first is not None and m.first.http_status == 200 for m in refused):
            raise AssertionError("an answer left that the journal has refused")
        self.settle(messages)

    # ---- the daemon's own doings ---------------------------------------------------------------------------------------

    def play_reload(self):
        messages = self.mix(after_begin=lambda: os.kill(self.lane.instance.pid(), signal.SIGHUP) if self.lane.is_up() else None)
        self.see_fault()
        self.settle(messages)

    def play_stop(self):
        lane = self.lane
        messages = self.mix(after_begin=lambda: os.kill(lane.instance.pid(), signal.SIGTERM))
        if not self.was_taken(PATIENT_S):
            raise AssertionError("never passed")
        if not lane.wait_dead():
            raise AssertionError("it does not end")
        expected = -signal.SIGKILL if self.case.action in KILLS else 0
        if lane.instance.process.returncode != expected:
            raise AssertionError("ended with %d" % lane.instance.process.returncode)
        self.settle(messages)

    def play_start(self):
        lane = self.lane
        lane.instance.stop_daemon()
        self.arm()
        lane.instance.start_daemon(env=self.board.env, wait=False)
        if not self.was_taken(PATIENT_S):
            raise AssertionError("never passed")
        if self.case.action == "delay":
            lane.instance.wait_ready()
        elif not lane.wait_dead():
            raise AssertionError("it does not end")
        if self.case.action == "fail" and (lane.instance.process.returncode, "start-failed" in lane.instance.log_tail()) != (1, True):
            raise AssertionError("ended with %d and %s" % (lane.instance.process.returncode, lane.instance.log_tail()))
        self.board.disarm()
        lane.start()
        lane.judge_rest()

    def play_housekeeping(self):
        """A hold has lapsed and every task is due; whatever happens to its piece, it lapses once."""
        lane, c = self.lane, self.case
        hold = lane._book("hold", new_id(), lane.take_slot(), preliminary=True)
        lane.send_all([hold])
        if hold.first is None or status_of(hold.first.body) != "201":
            raise AssertionError("no hold")
        lane.instance.stop_daemon()
        lane.sql("update data.booking set hold_until = now() where book_key = %s", hold.book_id)
        lane.sql("update data.place set hold_until = now() where book_key = %s", hold.book_id)
        lane.sql("update data.housekeeping set last_run = null, not_before = null, failed_in_row = 0")
        self.arm()
        lane.instance.start_daemon(env=self.board.env)
        if not self.was_taken(PATIENT_S):
            raise AssertionError("never passed")
        if c.for_ever:
            before = self.board.passes(c.point)
            self.board.wait_passed(c.point, before + 4, 20)  # the other tasks' turns
        if c.action in KILLS:
            self.see_fault()
        self.board.disarm()
        lane.start()
        deadline = time.monotonic() + PATIENT_S
        while lane.states([hold.book_id]) != {hold.book_id: ("HELD", "EXPIRED")}:
            if time.monotonic() > deadline:
                raise AssertionError("the hold: %s" % lane.states([hold.book_id]))
            time.sleep(0.02)
        lane.judge_rest()

    # ---- migrate -------------------------------------------------------------------------------------------------------

    def migrate(self, database, fault=None):
        env = dict(os.environ, **({"ZAPIS_FAULT": fault} if fault else {}))
        return subprocess.run([BINARY, "migrate", "--conninfo", self.lane.instance.conninfo(database=database), "--sql-dir", SOURCE / "sql", "--demo"],
                              env=env, capture_output=True, text=True)

    def dump(self, database):
        """Everything but what times and lots made different."""
        instance = self.lane.instance
        schema = subprocess.run(["pg_dump", "--schema-only", instance.conninfo(database=database)], capture_output=True, text=True, check=True).stdout
        schema = "\n".join(line for line in schema.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))
        rows = subprocess.run(["psql", "-XqAt", "-c", "select name, sha256 from data.schema_version order by name", instance.conninfo(database=database)],
                              capture_output=True, text=True, check=True).stdout
        return schema, rows

    def play_migrate(self):
        """One database, migrated in spite of a fault in each run, against one that was left alone: the same in the end."""
        lane, points = self.lane, points_of(BINARY)
        for name in ("alone", "troubled"):
            lane.sql('create database "%s"' % name)
        done = self.migrate("alone")
        if done.returncode:
            raise AssertionError(done.stderr)
        for point in MIGRATE:
            for action in sorted(points[point], key="delay".__eq__):
                self.migrate_once(point, action)
            if point in ("migrate_begun", "migrate_ran", "migrate_recorded", "migrate_committed"):
                self.migrate_once(point, "kill", 2)
        done = self.migrate("troubled")
        if done.returncode:
            raise AssertionError("does not end well after all: %s" % done.stderr)
        if self.dump("alone") != self.dump("troubled"):
            raise AssertionError("another database than the one that was left alone")
        if "nothing to do" not in self.migrate("troubled").stdout:
            raise AssertionError("there was something to do yet")

    def migrate_once(self, point, action, nth=1):
        word = "%s:%d:%s" % (point, nth, "delay-%d" % DELAY_MS if action == "delay" else action)
        is_ended = action == "delay" and MIGRATE[point] is not None
        done = self.migrate("troubled", word + (",%s:kill" % MIGRATE[point] if is_ended else ""))
        tally.note(point, action)
        expected = -signal.SIGKILL if action in KILLS or is_ended else 0 if action == "delay" else 1
        if done.returncode != expected or (expected == 1 and "migrate:" not in done.stderr):
            raise AssertionError("%s: %s" % (word, (done.returncode, done.stdout, done.stderr)))


class Tally:
    def __init__(self):
        self.lock, self.taken = threading.Lock(), collections.Counter()

    def note(self, point, action, n=1):
        with self.lock:
            self.taken[point, action] += n


tally = Tally()


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lanes = [Lane(i) for i in range(LANES)]
        results = e2e.together(LANES, lambda i: cls.lanes[i].up())
        failed = [r for r in results if isinstance(r, BaseException)]
        if failed:
            cls.tearDownClass()
            raise failed[0]

    @classmethod
    def tearDownClass(cls):
        for lane in cls.lanes:
            lane.down()

    def walk(self, lane, todo, failures):
        while True:
            try:
                case = todo.get_nowait()
            except queue.Empty:
                return
            before = lane.board.taken(case.point) if case.point else 0
            began = time.monotonic()
            try:
                Player(lane, case).play()
            except BaseException as e:
                failures.append((case, "".join(traceback.format_exception(e)), lane.instance.log_tail()))
                lane.board.disarm()
                if lane.is_up():
                    lane.instance.stop_daemon(signal.SIGKILL)
            self.durations[str(case)] = time.monotonic() - began
            if case.point:
                tally.note(case.point, case.action, lane.board.taken(case.point) - before)

    def test_walk(self):
        only = re.compile(os.environ.get("ZAPISD_FAULT_ONLY", ""))
        points = points_of(BINARY)
        self.assertGreaterEqual(len(points), 40)
        todo, failures, n = queue.SimpleQueue(), [], 0
        for case in all_cases(points):
            if only.search(str(case)):
                todo.put(case)
                n += 1
        began, self.durations = time.monotonic(), {}
        e2e.together(LANES, lambda i: self.walk(self.lanes[i], todo, failures))
        kills = sum(k for (_, action), k in tally.taken.items() if action in KILLS)
        print("%d cases in %.0f s, %d times killed" % (n, time.monotonic() - began, kills), flush=True)
        for name in sorted(self.durations, key=self.durations.get)[-5:]:
            print("%6.1f s %s" % (self.durations[name], name), flush=True)
        for case, trouble, log in failures:
            with self.subTest(case=str(case)):
                self.fail(trouble + log)
        for i, lane in enumerate(self.lanes):
            with self.subTest(lane=i):
                lane.start()
                lane.judge_all()
        if only.pattern:
            return
        # Of the outbox's way to the portal: test_push_kills.py; of the queues: where there is a SMEV 3 around.
        never = [(p, a) for p, actions in points.items() for a in actions if not tally.taken[p, a] and not p.startswith(("push_", "queue_"))]
        self.assertEqual(never, [], "points that were never passed, or actions never taken there")
        self.assertGreater(sum(lane.shared() for lane in self.lanes), n // 2, "messages did not share their transactions")


if __name__ == "__main__":
    e2e.main()
