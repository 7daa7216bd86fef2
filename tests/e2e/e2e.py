# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What the end-to-end tests share: an instance for each file, and the looking at what a test left behind."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))

from instance import Instance, PATIENT_S, SOURCE  # noqa: E402  (re-exported)

BUILD = pathlib.Path(os.environ.get("ZAPISD_BUILD", SOURCE / "build"))
BINARY = pathlib.Path(os.environ.get("ZAPISD_BINARY", BUILD / "zapisd"))
NAME = os.environ.get("ZAPISD_E2E_NAME", pathlib.Path(sys.argv[0]).stem.removeprefix("test_"))
SHARED = SOURCE.parent / "shared"  # public samples beside the tree, when somebody has them

MOSCOW, KAMCHATKA = "R7700018", "R4100001"
ROOM = {MOSCOW: "room-11", KAMCHATKA: "window-1"}  # one place at a time; the hall has three
SERVICE, OTHER_SERVICE = "10000593393", "10000593394"


def new_id():
    return str(uuid.uuid4())


def wait_until(condition, seconds, what, every_s=0.02):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("not within %d s: %s" % (seconds, what))
        time.sleep(every_s)


def localhost_pair(folder):
    """A key and its own certificate for localhost, tls.key and tls.pem of the folder; made once. RSA 4096: dear on purpose."""
    if not (folder / "tls.pem").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:4096", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout",
                        folder / "tls.key", "-out", folder / "tls.pem"], check=True, capture_output=True)
    return folder


class E2E(unittest.TestCase):
    """An instance that lives as long as the class. options(): further arguments of Instance."""

    instance = None

    @classmethod
    def options(cls):
        return {}

    @classmethod
    def setUpClass(cls):
        directory = BUILD / "e2e" / (NAME + "-" + cls.__name__.lower())
        shutil.rmtree(directory, ignore_errors=True)
        cls.instance = Instance(directory, BINARY, log_level="debug", **{"templates": BUILD / "e2e" / "templates", **cls.options()})
        try:
            cls.instance.up()
        except BaseException:
            cls.instance.down()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            status = cls.instance.stop_daemon()
            log = cls.instance.log.read_text(errors="replace")
            report = re.search(r"(ERROR: AddressSanitizer|runtime error:|ERROR: LeakSanitizer).*", log)
            if report:
                raise AssertionError("sanitizer: " + log[report.start():report.start() + 4000])
            if status not in (0, None) and not getattr(cls, "may_die", False):
                raise AssertionError("the daemon ended with status %s\n%s" % (status, cls.instance.log_tail()))
        finally:
            cls.instance.stop_database()

    def portal(self, *args, **more):
        """A client that is closed with the test."""
        client = self.instance.client(*args, **more)
        self.addCleanup(client.close)
        return client

    def free_slots(self, client, organization=MOSCOW, **more):
        """The free slots of capacity one."""
        reply = client.get_slots(organization, services=[SERVICE], areas=[ROOM[organization]], **more)
        self.assertEqual(reply.error_code, 0)
        return reply.slots

    def is_free(self, client, slot, organization=MOSCOW):
        return slot in [s["slotId"] for s in self.free_slots(client, organization)]

    def sql(self, text, *args):
        connection = self.instance.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(text, args)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def one(self, text, *args):
        return self.sql(text, *args)[0][0]

    def assert_places_sound(self):
        """B2, B4: places within capacity; every live booking has its places and nobody else does."""
        self.assertEqual(self.sql("""select s.slot_id from data.slot s join data.place p using (slot_id)
            group by s.slot_id, s.capacity having count(*) > s.capacity"""), [])
        self.assertEqual(self.sql("""select b.book_key, b.state from data.booking b where b.state in ('BOOKED', 'HELD')
            and not exists (select from data.place p where p.book_key = b.book_key) and coalesce(b.hold_until > now(), true)"""), [])
        self.assertEqual(self.sql("""select p.book_key from data.place p join data.booking b using (book_key)
            where b.state in ('CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'REFUSED', 'RETURNED')"""), [])


def together(n, work):
    """Runs work(i) on n threads from one barrier; returns the results, exceptions included."""
    results, barrier = [None] * n, threading.Barrier(n)

    def run(i):
        try:
            barrier.wait()
            results[i] = work(i)
        except BaseException as e:  # the caller looks at it
            results[i] = e

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def main():
    if not BINARY.exists():
        print("SKIP: %s was not built" % BINARY)
        sys.exit(77)
    unittest.main(verbosity=2)
