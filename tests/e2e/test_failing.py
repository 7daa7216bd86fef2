#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L3, L4: the nth system call of a kind fails while a message is worked on, for every n there is: an answer, a fault, or a closed
connection, never a wrong effect, a crash, a leak (the sanitized build) or a silence; the next message is served as if nothing had
been. And the nth allocation fails: the process says so and ends (docs/decisions/0003), and after its start the repeat has one effect.

ZAPISD_ALLOCATIONS=N is how many allocations of an operation are tried, evenly over all of them (0: each one)."""
import collections
import errno
import mmap
import os
import signal
import struct
import time

import e2e
from e2e import BINARY, BUILD, E2E, PATIENT_S

import faults_world
from faults_world import Lane

KINDS = ("read", "write", "send", "recv", "accept", "open", "socket", "connect", "allocate")
ERRORS = {
    "read": ("ECONNRESET", "EINTR", "EAGAIN", "ENOMEM"), "write": ("ECONNRESET", "EPIPE", "EINTR", "EAGAIN", "ENOBUFS", "ENOSPC"),
    "send": ("ECONNRESET", "EINTR", "EAGAIN", "ENOMEM"), "recv": ("ECONNRESET", "EINTR", "EAGAIN", "ENOMEM"),
    "accept": ("EMFILE", "ENFILE", "ENOMEM", "EINTR", "ECONNABORTED", "EPERM"), "open": ("EMFILE", "ENOMEM", "EACCES", "EIO"),
    "socket": ("EMFILE", "ENOMEM"), "connect": ("ECONNREFUSED", "EINTR", "ENOMEM"),
}
ENTRY = struct.Struct("=IiiI")  # calls, left, error, failed
SANITIZED = "asan" in str(BINARY)


class Calls:
    """The board of tests/fakes/failing.c."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(b"\0" * (ENTRY.size * len(KINDS)))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)
        self.env = {"FAILING": str(path), "LD_PRELOAD": str((BUILD / "libfailing.so").resolve()), "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def get(self, kind):
        return ENTRY.unpack_from(self.map, KINDS.index(kind) * ENTRY.size)

    def calls(self, kind):
        return self.get(kind)[0]

    def failed(self, kind):
        return self.get(kind)[3]

    def arm(self, kind, nth, error):
        at = KINDS.index(kind) * ENTRY.size
        struct.pack_into("=i", self.map, at + 8, error)
        struct.pack_into("=i", self.map, at + 4, nth)

    def disarm(self, kind):
        struct.pack_into("=i", self.map, KINDS.index(kind) * ENTRY.size + 4, 0)


class FailingLane(Lane):
    """Started with every call of the list within reach; the messages are those of the fault points."""

    def start(self):
        if not hasattr(self, "calls"):
            self.calls = Calls(self.instance.dir / "failing")
        if not self.is_up():
            self.instance.start_daemon(env=self.calls.env)


class Failing(E2E):
    may_die = not SANITIZED

    @classmethod
    def setUpClass(cls):
        faults_world.points_of = lambda binary: {}  # no points are needed
        faults_world.Board = lambda path, points: None
        cls.lane = FailingLane(0)
        cls.lane.up()
        cls.instance, cls.stock = cls.lane.instance, collections.defaultdict(collections.deque)

    NAMES = ("book", "hold", "confirm", "move", "update", "cancel", "replay", "slots", "status", "refs", "attributes", "items", "signed refs", "junk")

    def message(self, name):
        """A new one of its kind."""
        if not self.stock[name]:
            for m in self.lane.prepare():
                self.stock[m.name].append(m)
        return self.stock[name].popleft()

    def ended(self, m):
        """Sent again until it is answered, and all of it is right."""
        m.answer = None if m.is_junk else self.lane.repeat(m)
        if not m.is_junk:
            self.lane.judge_end([m])

    def judge(self, m):
        self.lane.judge_first([m])
        if m.first is not None:
            self.assertIn(m.first.http_status, (200, 400, 500, 503))

    def test_system_calls(self):
        lane, tried = self.lane, collections.Counter()
        pid = lane.instance.pid()
        for kind in ("accept", "read", "write", "send", "recv"):
            for which in self.NAMES:
                m = self.message(which)
                before = lane.calls.calls(kind)
                lane.send_all([m])
                n = min(lane.calls.calls(kind) - before, 12)
                self.ended(m)
                for nth in range(1, n + 1):
                    for name in ERRORS[kind][(nth + self.NAMES.index(which)) % 2::2]:  # each error at every other call of each operation
                        with self.subTest(kind=kind, nth=nth, error=name, message=m.name):
                            m = self.message(which)
                            failed = lane.calls.failed(kind)
                            lane.calls.arm(kind, nth, getattr(errno, name))
                            lane.send_all([m])
                            lane.calls.disarm(kind)
                            tried[kind, name] += lane.calls.failed(kind) - failed
                            self.judge(m)
                            self.ended(m)
                            self.assertEqual(lane.instance.pid(), pid)
        lane.judge_rest()
        print(dict(tried), flush=True)
        self.assertEqual([(k, e) for k in ("accept", "read", "write", "send", "recv") for e in ERRORS[k] if not tried[k, e]], [])

    def test_files_and_connections(self):
        """A reload whose files cannot be opened keeps what was before; a database that cannot be reached is tried again."""
        lane, pid = self.lane, self.lane.instance.pid()
        reloads = lambda: lane.instance.metric("zapisd_reloads_total")
        for kind, work in (("open", self.reload), ("socket", self.reconnect), ("connect", self.reconnect)):
            before = lane.calls.calls(kind)
            work()
            n = min(max(lane.calls.calls(kind) - before, 1), 20)
            for nth in range(1, n + 1):
                for name in ERRORS[kind][nth % 2::2]:
                    with self.subTest(kind=kind, nth=nth, error=name):
                        lane.calls.arm(kind, nth, getattr(errno, name))
                        work()
                        lane.calls.disarm(kind)
                        m = self.message("book")
                        self.ended(m)
                        self.assertEqual(lane.instance.pid(), pid)
        before = reloads()
        self.reload()
        self.assertEqual(reloads(), before + 1)
        self.assertEqual(lane.instance.metric("zapisd_last_reload_successful"), 1)

    def reload(self):
        before = self.lane.instance.metric("zapisd_reloads_total")
        os.kill(self.lane.instance.pid(), signal.SIGHUP)
        deadline = time.monotonic() + PATIENT_S
        while self.lane.instance.metric("zapisd_reloads_total") == before:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def reconnect(self):
        self.lane.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'zapisd_daemon'")
        deadline = time.monotonic() + PATIENT_S
        while self.lane.sql("select count(*) from pg_stat_activity where usename = 'zapisd_daemon'")[0][0] == 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def test_allocations(self):
        """0003: no answer is made without memory; the process says which size it was and ends, and nothing is lost."""
        if SANITIZED:
            self.skipTest("a sanitizer brings a malloc of its own")
        lane, most, ends = self.lane, int(os.environ.get("ZAPISD_ALLOCATIONS", "10")), 0
        for which in self.NAMES:
            m = self.message(which)
            before = lane.calls.calls("allocate")
            lane.send_all([m])
            n = lane.calls.calls("allocate") - before
            self.ended(m)
            self.assertGreater(n, 0)
            for nth in range(1, n + 1, max(1, n // most) if most else 1):
                with self.subTest(nth=nth, of=n, message=m.name):
                    m = self.message(which)
                    failed, offset = lane.calls.failed("allocate"), lane.instance.log.stat().st_size
                    lane.calls.arm("allocate", nth, errno.ENOMEM)
                    lane.send_all([m])
                    lane.calls.disarm("allocate")
                    if lane.calls.failed("allocate") > failed:
                        self.assertTrue(lane.wait_dead())
                        self.assertEqual(lane.instance.process.returncode, -signal.SIGABRT)
                        self.assertIn("error memory why=exhausted bytes=", lane.instance.log.read_text(errors="replace")[offset:])
                        ends += 1
                    self.judge(m)
                    lane.start()
                    self.ended(m)
        print("%d ends" % ends, flush=True)
        self.assertGreater(ends, len(self.NAMES))
        lane.judge_all()


if __name__ == "__main__":
    e2e.main()
