#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L4: builds are told apart, a migration under a daemon that runs says to restart it, a daemon of before is told plainly."""
import re
import shutil
import subprocess

import e2e
from e2e import BINARY, E2E


class Upgrade(E2E):
    def migrate(self, sql):
        done = subprocess.run([BINARY, "migrate", "--conninfo", self.instance.conninfo(), "--sql-dir", sql], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_builds_are_told_apart(self):
        newest = max(p.stem for p in (e2e.SOURCE / "sql/migrations").glob("[0-9]*.sql"))
        said = subprocess.run([BINARY, "--version"], capture_output=True, text=True).stdout
        self.assertRegex(said, r"^zapisd \d+\.\d+\.\d+, schema %s(\.sql)?\n" % newest)
        self.assertRegex(self.instance.log.read_text(), r" starting version=\S+ schema=%s" % newest)

    def test_a_migration_says_who_runs(self):
        sql = self.instance.dir / "sql"
        shutil.copytree(e2e.SOURCE / "sql", sql, dirs_exist_ok=True)
        self.assertNotIn("restart", self.migrate(sql))  # nothing was done
        with open(sql / "api/ready.sql", "a") as f:
            f.write("-- changed\n")
        self.assertRegex(self.migrate(sql), r"(?m)^\d+ sessions of a zapisd that runs: .*restart")
        self.instance.stop_daemon()
        try:
            self.migrate(e2e.SOURCE / "sql")
            with open(sql / "api/ready.sql", "a") as f:
                f.write("-- changed again\n")
            self.assertNotIn("restart", self.migrate(sql))
        finally:
            self.migrate(e2e.SOURCE / "sql")
            self.instance.start_daemon()

    def test_a_program_of_before_is_told_plainly(self):
        """It asks without saying what it needs."""
        connection = self.instance.connect("zapisd_daemon")
        with connection.cursor() as cursor:
            cursor.execute("select ok, reason from api.ready()")
            ok, reason = cursor.fetchone()
        connection.close()
        self.assertFalse(ok)
        self.assertTrue(re.search("newer than this program.*restart", reason), reason)


if __name__ == "__main__":
    e2e.main()
