#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Roles and rights are no part of a dump (O2, O4, L4): a restore without them, and a role an administrator made, are put right by
`zapisd migrate`, object by object as they were; databases that can never work are refused before anything is made."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

from e2e import BINARY, BUILD, E2E, NAME, SOURCE, Instance, main, wait_until

RIGHTS = """select o.kind, o.object, o.part, o.owner::text, coalesce(case when a.grantee = 0 then 'PUBLIC' else pg_get_userbyid(a.grantee)::text end, ''),
    coalesce(a.privilege_type, '') from data.rights_objects() as o left join lateral aclexplode(o.acl) as a on true
    where o.object !~ '_[0-9]{4}_[0-9]{2}$' order by 1, 2, 3, 4, 5, 6"""  # partitions come when housekeeping feels like it
SETTINGS = "select unnest(setconfig) from pg_db_role_setting where setrole = 'zapisd_daemon'::regrole order by 1"

ROOMS = """select p.polname, p.polrelid::regclass::text, p.polcmd, p.polroles, regexp_replace(pg_get_expr(p.polqual, p.polrelid), '[()\\s]', '', 'g') from pg_policy as p union all
    select 'row security', c.oid::regclass::text, null, null, row(c.relrowsecurity, c.relforcerowsecurity)::text from pg_class as c where c.relrowsecurity order by 1, 2"""


class Restore(E2E):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        directory = BUILD / "e2e" / (NAME + "-elsewhere")
        shutil.rmtree(directory, ignore_errors=True)
        cls.elsewhere = Instance(directory, BINARY)
        cls.elsewhere.start_database()

    @classmethod
    def tearDownClass(cls):
        cls.elsewhere.stop_database()
        super().tearDownClass()

    def sql_of(self, conninfo, text):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", text, conninfo], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def restore(self, cluster, database, *dump_options, create=""):
        """Into a new database, as somebody does who does not read the errors."""
        self.sql_of(cluster.conninfo(database="postgres"), "create database %s %s" % (database, create))
        dump = subprocess.run(["pg_dump", *dump_options, self.instance.conninfo()], capture_output=True, check=True).stdout
        done = subprocess.run(["psql", "-Xq", cluster.conninfo(database=database)], input=dump, capture_output=True)
        return done.stderr.decode().count("ERROR:")

    def migrate(self, conninfo, *more):
        return subprocess.run([BINARY, "migrate", "--conninfo", conninfo, "--sql-dir", SOURCE / "sql", *more], capture_output=True, text=True)

    def whole(self, conninfo):
        self.assertEqual(self.sql_of(conninfo, RIGHTS), self.sql_of(self.instance.conninfo(), RIGHTS))
        self.assertEqual(self.sql_of(conninfo, SETTINGS), self.sql_of(self.instance.conninfo(), SETTINGS))
        self.assertEqual(self.sql_of(conninfo, ROOMS), self.sql_of(self.instance.conninfo(), ROOMS))
        self.assertGreater(len(self.sql_of(conninfo, ROOMS)), 80)

    def test_row_security_that_is_lost(self):  # C6: a dump that was edited, a table made by hand: told by check, made anew by migrate
        self.restore(self.instance, "open")
        conninfo = self.instance.conninfo(database="open")
        self.assertEqual(self.migrate(conninfo).returncode, 0)
        self.sql_of(conninfo, "alter table data.booking disable row level security; drop policy offices_read on data.slot; alter policy offices_read on data.place using (true)")
        lost = "row security data.booking", "policy offices_read on data.slot", "policy offices_read on data.place"
        told = " ".join(self.sql_of(conninfo, "select * from api.concerns()"))
        self.assertEqual([x for x in lost if x not in told], [])
        self.assertEqual(self.migrate(conninfo).returncode, 0)
        self.whole(conninfo)

    def test_a_cluster_without_the_roles(self):  # O4
        errors = self.restore(self.elsewhere, "moved")
        self.assertGreater(errors, 100)
        conninfo = self.elsewhere.conninfo(database="moved")
        told = self.migrate(conninfo, "--dry-run")
        self.assertEqual((told.returncode, "would put right 5 roles" in told.stdout), (0, True), told.stdout + told.stderr)
        self.assertNotEqual(self.sql_of(conninfo, "select count(*) from pg_roles where rolname ~ '^zapisd'"), ["5"])
        done = self.migrate(conninfo)
        self.assertEqual((done.returncode, "put right 5 roles" in done.stdout), (0, True), done.stdout + done.stderr)
        self.whole(conninfo)
        self.assertIn("nothing to do", self.migrate(conninfo).stdout)
        # The daemon's role can do its work there.
        self.assertEqual(self.sql_of(self.elsewhere.conninfo("zapisd_daemon", "moved"), "select ok from api.ready(null::jsonb)"), ["t"])

    def test_a_dump_without_owners_and_privileges(self):  # O4
        self.restore(self.instance, "bare", "--no-owner", "--no-privileges")
        conninfo = self.instance.conninfo(database="bare")
        done = self.migrate(conninfo)
        self.assertEqual((done.returncode, "put right 0 roles" in done.stdout), (0, True), done.stdout + done.stderr)
        self.whole(conninfo)

    def test_single_losses(self):  # L4: each is told and put back, what an administrator chose stays
        conninfo = self.instance.conninfo()
        for loss in ("revoke execute on all functions in schema api from zapisd_daemon", "revoke usage on schema api from zapisd_daemon",
                     "alter table data.slot owner to postgres", "revoke select on data.slot from zapisd_operator", "grant execute on function api.ready(text) to public",
                     "revoke select (book_key) on data.booking from zapisd_auditor", "alter role zapisd_daemon reset all", "revoke usage on type api.message from zapisd_daemon"):
            with self.subTest(loss):
                before = self.sql_of(conninfo, RIGHTS), self.sql_of(conninfo, SETTINGS)
                self.sql_of(conninfo, loss)
                done = self.migrate(conninfo)
                self.assertEqual((done.returncode, "put right" in done.stdout), (0, True), done.stdout + done.stderr)
                self.assertEqual((self.sql_of(conninfo, RIGHTS), self.sql_of(conninfo, SETTINGS)), before)
        self.sql_of(conninfo, "alter role zapisd_daemon set statement_timeout = '20s'")
        self.assertIn("nothing to do", self.migrate(conninfo).stdout)
        self.sql_of(conninfo, "alter role zapisd_daemon set statement_timeout = '9s'")

    def test_what_somebody_granted_by_hand(self):  # C6, O4: noted is what the files grant, in the transaction that does; by hand is told, kept, not restored
        chance = random.Random(329)
        self.sql_of(self.instance.conninfo(database="postgres"), "create database hand template template0 encoding 'UTF8' locale 'C.UTF-8'")
        conninfo = self.instance.conninfo(database="hand")
        sql = BUILD / "e2e" / (NAME + "-sql")
        shutil.rmtree(sql, ignore_errors=True)
        shutil.copytree(SOURCE / "sql", sql)
        run = lambda: subprocess.run([BINARY, "migrate", "--conninfo", conninfo, "--sql-dir", sql], capture_output=True, text=True)  # noqa: E731
        self.assertEqual(run().returncode, 0)
        things = [(verb, "data." + table, role) for table in ("applicant", "message_seen", "probe")
                  for verb in ("select", "insert") for role in ("zapisd_operator", "zapisd_auditor", "zapisd_registrar")]
        ours, byhand, known = set(), set(), set(self.sql_of(conninfo, "select kind, object, part, grantee, privilege from data.rights"))

        def say(right, word):
            return "%s %s on table %s %s %s;" % (word, right[0], right[1], "to" if word == "grant" else "from", right[2])

        for step in range(16):
            for right in chance.sample(things, 3):  # an administrator at work
                if right in byhand:
                    self.sql_of(conninfo, say(right, "revoke"))
                    byhand.discard(right)
                elif right not in ours:
                    self.sql_of(conninfo, say(right, "grant"))
                    byhand.add(right)
            changes = {right: right not in ours for right in chance.sample(things, 3)}
            file = sql / "migrations" / ("%03d_step.sql" % (900 + step))
            text = "".join(say(right, "grant" if is_new else "revoke") for right, is_new in changes.items())
            will_fail = chance.random() < 0.4
            later = sql / "migrations" / ("%03d_later.sql" % (950 + step))
            file.write_text(text)
            if will_fail:  # the file before stands, the one that fails has left nothing
                later.write_text("".join(say(right, "grant") for right in things) + "select 1 / 0;")
            if chance.random() < 0.3:
                with open(sql / "api" / "ready.sql", "a") as f:
                    f.write("-- %d\n" % step)
            done = run()
            self.assertEqual(done.returncode, 1 if will_fail else 0, done.stderr)
            later.unlink(missing_ok=True)
            for right, is_new in changes.items():
                ours.add(right) if is_new else ours.discard(right)
            byhand -= ours
            if will_fail:
                done = run()
                self.assertEqual(done.returncode, 0, done.stderr)
            noted = set(self.sql_of(conninfo, "select kind, object, part, grantee, privilege from data.rights")) - known
            self.assertEqual(noted, {"relation|%s||%s|%s" % (o, r, v.upper()) for v, o, r in ours}, "step %d" % step)
            stands = {t for t in things if self.sql_of(conninfo, "select 1 from data.rights_now() where object = '%s' and grantee = '%s' and privilege = '%s'" % (t[1], t[2], t[0].upper()))}
            self.assertEqual(stands, ours | byhand, "step %d" % step)
            self.assertEqual(done.stderr.count("no file of ours grants"), len(byhand), done.stderr)
        self.sql_of(self.instance.conninfo(database="postgres"), "drop database hand")

    def test_databases_that_can_never_work(self):  # L4
        for create, word in (("template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'", "LC_CTYPE"),
                             ("template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'", "SQL_ASCII"),
                             ("template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'", "LATIN1")):
            with self.subTest(create):
                self.sql_of(self.elsewhere.conninfo(database="postgres"), "create database wrong %s" % create)
                conninfo = self.elsewhere.conninfo(database="wrong")
                done = self.migrate(conninfo)
                self.assertEqual((done.returncode, word in done.stderr, "createdb" in done.stderr), (1, True, True), done.stderr)
                self.assertEqual(self.sql_of(conninfo, "select count(*) from pg_namespace where nspname in ('data', 'api', 'admin')"), ["0"])
                self.sql_of(self.elsewhere.conninfo(database="postgres"), "drop database wrong")

    def test_a_restore_into_such_a_database(self):  # L4: where everything seems to be there, but Russian search finds nothing
        self.restore(self.elsewhere, "mute", create="template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'")
        conninfo = self.elsewhere.conninfo(database="mute")
        self.assertNotEqual(self.sql_of(conninfo, "select lower('Ж')"), ["ж"])
        (ok, reason), = (line.split("|", 1) for line in self.sql_of(conninfo, "select * from api.ready(null::jsonb)"))
        self.assertEqual((ok, "LC_CTYPE" in reason), ("f", True), reason)
        self.sql_of(self.elsewhere.conninfo(database="postgres"), "drop database mute")

    def ready(self, wanted, word=""):
        """Waits until /readyz says so."""
        for _ in range(1200):
            status, text = self.instance.admin("/readyz")
            if (status == 200) == wanted and word in text:
                return
            time.sleep(0.1)
        self.fail("/readyz still says %d %s" % (status, text))

    def check(self):
        done = subprocess.run([BINARY, "check", "--config", self.instance.conf], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def test_a_program_newer_than_its_database(self):  # L4
        newest = max(p.name for p in (SOURCE / "sql/migrations").glob("*.sql"))
        row = self.sql("select sha256 from data.schema_version where name = %s", newest)[0][0]
        self.sql("delete from data.schema_version where name = %s", newest)
        self.ready(False, newest)
        code, text = self.check()
        self.assertEqual((code, newest in text), (1, True), text)
        self.sql("insert into data.schema_version (name, sha256, applied_at) values (%s, %s, now())", newest, row)
        self.ready(True)
        self.assertEqual(self.check()[0], 0)

    def test_a_disk_that_takes_no_more(self):  # L4: readyz and check find out before a citizen does
        self.sql("""create function public.full() returns trigger language plpgsql as
            $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$""")
        # A dump, or whoever reads the table and goes to lunch, is no full disk.
        holder = self.instance.connect()
        holder.autocommit = False
        holder.cursor().execute("lock table data.probe in access share mode")
        self.assertEqual(self.check()[0], 0)
        holder.close()
        self.sql("create trigger full_disk before insert on data.probe for each row execute function public.full()")
        self.ready(False, "No space left")
        self.assertEqual(self.check()[0], 1)
        self.sql("drop trigger full_disk on data.probe")
        self.ready(True)
        self.assertEqual(self.one("select count(*) from data.probe"), 0)

    def test_a_crash_behind_a_look_at_the_disk(self):
        """L4: what had a file for a moment and was rolled back, keeps no server from starting: the moment is in the log, its end is not yet."""
        self.sql("alter system set wal_writer_delay = '10s'")
        self.sql("select pg_reload_conf()")
        prober = self.instance.connect("zapisd_daemon")
        prober.autocommit = False
        prober.cursor().execute("select api.probe()")
        self.sql("create table public.crashed ()")  # takes the log to the disk, as anybody's commit does
        prober.rollback()
        data = pathlib.Path(self.instance.pg["PG_PRIVATE_DATA"])
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        wait_until(lambda: not (data / "postmaster.pid").exists(), 60, "the server is gone")
        self.instance._pg_script('pg_private_start "$1" >&2', self.instance.dir)
        self.sql("drop table public.crashed")
        self.sql("alter system reset wal_writer_delay")
        self.sql("select pg_reload_conf()")
        self.ready(True)
        self.assertEqual(self.sql("select relname from pg_class where relpersistence = 'u'"), [])

    def test_personal_data_and_the_servers_log(self):  # J3
        code, text = self.check()
        self.assertEqual((code, "personal data" in text), (0, False), text)
        secret = "Секретов-%d" % os.getpid()
        log = pathlib.Path(self.instance.pg["PG_PRIVATE_LOG"])
        # What PostgreSQL puts into the first line of an error itself ("invalid input syntax ...") no setting keeps out.
        for sql in ("insert into data.applicant (book_key, last_name) values (null, '%s')" % secret,
                    "select pg_sleep(0.01), '%s'" % secret, "insert into data.applicant (book_key, last_name) values ('none', '%s')" % secret):
            subprocess.run(["psql", "-XqAt", "-c", sql, self.instance.conninfo()], capture_output=True)
        self.assertNotIn(secret, log.read_text(errors="replace"))
        self.sql("alter database zapisd set log_min_duration_statement = 0")
        code, text = self.check()
        self.assertEqual((code, "log_min_duration_statement is 0" in text), (0, True), text)
        self.sql("alter database zapisd reset log_min_duration_statement")
        self.assertIn("put right", self.migrate(self.instance.conninfo()).stdout)
        self.assertNotIn("personal data", self.check()[1])


if __name__ == "__main__":
    main()
