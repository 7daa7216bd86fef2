#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""O5: the main job with PgBouncer 1.18 in transaction pooling between daemon and database, with fewer server connections
than the daemon has. Nothing may live in a server session."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import unittest

import e2e
from e2e import E2E
from instance import free_ports
from portal_double import PortalDouble
import test_crowd
import test_main_job
import test_push


class PgBouncer(E2E):
    @classmethod
    def setUpClass(cls):
        cls.bouncer = None
        (cls.port,) = free_ports(1)
        super().setUpClass()

    @classmethod
    def options(cls):
        def edit(text):
            if cls.bouncer is None:
                cls.start_bouncer()
            pg = cls.instance.pg
            return text.replace("host=%s port=%s" % (pg["PGHOST"], pg["PGPORT"]), "host=127.0.0.1 port=%d" % cls.port)
        return {"edit": edit}

    @classmethod
    def start_bouncer(cls):
        pg, conf = cls.instance.pg, cls.instance.dir / "pgbouncer.ini"
        users = cls.instance.dir / "users.txt"
        users.write_text('"zapisd_daemon" ""\n')
        conf.write_text("[databases]\nzapisd = host=%s port=%s dbname=zapisd\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"
                        "auth_type = trust\nauth_file = %s\npool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 100\n"
                        % (pg["PGHOST"], pg["PGPORT"], cls.port, users))
        for path in (conf, users, cls.instance.dir):
            os.chmod(path, 0o755)
        argv = ["pgbouncer", "-q", str(conf)]
        # It refuses to run as root; as somebody else it must be able to read its files, so they go in by inheritance.
        if os.getuid() == 0:
            argv = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *argv]
            conf_dir = "/tmp/zapisd-pgbouncer-%d" % os.getpid()
            os.makedirs(conf_dir, exist_ok=True)
            for path in (conf, users):
                with open(os.path.join(conf_dir, path.name), "w", encoding="utf-8") as f:
                    f.write(path.read_text().replace(str(users), os.path.join(conf_dir, users.name)))
            argv[-1] = os.path.join(conf_dir, conf.name)
            cls.conf_dir = conf_dir
        cls.bouncer_log = open(cls.instance.dir / "pgbouncer.log", "wb")
        cls.bouncer = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=cls.bouncer_log, stderr=cls.bouncer_log, cwd="/")
        deadline = time.monotonic() + e2e.PATIENT_S
        while cls.bouncer.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", cls.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("pgbouncer does not listen: " + (cls.instance.dir / "pgbouncer.log").read_text())

    @classmethod
    def tearDownClass(cls):
        try:
            if cls.instance.process is not None:
                cls.instance.stop_daemon()
            if cls.bouncer is not None:
                cls.bouncer.send_signal(signal.SIGTERM)
                cls.bouncer.wait(10)
                cls.bouncer_log.close()
        finally:
            if getattr(cls, "conf_dir", None):
                subprocess.run(["rm", "-rf", cls.conf_dir], check=True)
            super().tearDownClass()

    def test_the_daemon_is_behind_pgbouncer(self):
        self.portal().get_refs_list()
        rows = self.sql("select count(*) from pg_stat_activity where usename = 'zapisd_daemon'")
        self.assertTrue(1 <= rows[0][0] <= 3, rows)


class MainJob(PgBouncer, test_main_job.MainJob):
    pass


class Crowd(PgBouncer, test_crowd.Crowd):
    pass


class Modes(PgBouncer):
    @classmethod
    def options(cls):
        cls.portal_port, = free_ports(1)
        through = super().options()["edit"]
        return {"edit": lambda text: through(text) + test_push.push_sections(cls.portal_port)}

    def test_changes_reach_the_portal(self):
        """M8: taken, kept and told in transactions of their own: leases are in rows."""
        portal = PortalDouble(self.instance.pki, port=self.portal_port).start()
        self.addCleanup(portal.stop)
        ids = [r[0] for r in self.sql("""insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, status_message, service_ids,
            channel, created_at, changed_at) select u, u, '1000000000', %s, 'BOOKED', '201', 'да', '{}', 'portal', now(), now()
            from (select gen_random_uuid()::text as u from generate_series(1, 20)) as t returning book_id""", e2e.MOSCOW)]
        for _ in range(3):
            self.sql("select data.push(b) from data.booking as b where b.book_key = any(%s)", ids)
        e2e.wait_until(lambda: self.sql("select count(*) from data.outbox where state <> 'answered'")[0][0] == 0, e2e.PATIENT_S, "all is told")
        self.assertEqual(portal.judge({b: [("201", None, "да")] * 3 for b in ids}), [])

    def pool_mode(self, mode):
        for path in pathlib.Path(getattr(self, "conf_dir", None) or self.instance.dir).glob("pgbouncer.ini"):
            path.write_text(re.sub("pool_mode = .*", "pool_mode = " + mode, path.read_text()))
        self.bouncer.send_signal(signal.SIGHUP)

    def ready(self, wanted):
        for _ in range(1200):
            status, text = self.instance.admin("/readyz")
            if (status == 200) == wanted:
                return text
            time.sleep(0.1)
        self.fail("/readyz still says %d %s" % (status, text))

    def test_statement_pooling_is_no_pooling_for_us(self):  # L4: it allows no transaction, and every booking would fail
        check = [self.instance.binary, "check", "--config", self.instance.conf]
        self.assertEqual(subprocess.run(check, capture_output=True).returncode, 0)
        self.pool_mode("statement")
        self.assertIn("statement", self.ready(False))
        done = subprocess.run(check, capture_output=True, text=True)
        self.assertEqual((done.returncode, "statement" in done.stdout), (1, True), done.stdout)
        self.pool_mode("transaction")
        self.ready(True)


def load_tests(loader, _tests, _pattern):
    suite = unittest.TestSuite()
    for case in (MainJob, Crowd, Modes):
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    e2e.main()
