#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""L4, C6: builds are told apart, a database of another build or changed by hand is told by name, a migration under a daemon that runs says to restart it, a daemon of before is told plainly."""
import random
import re
import shutil
import subprocess
import time

import psycopg2

import e2e
from e2e import BINARY, E2E


JUDGES = "inner/rights/rights.sql", "inner/rights/built.sql"  # by their functions migrating judges all the others
FOLDERS = "inner", "api", "admin", "afterwards"  # of functions, in the order they are applied in


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

    def ready(self, wanted, *words):
        """Waits until /readyz says so, by name."""
        deadline = time.monotonic() + 120
        while True:
            status, text = self.instance.admin("/readyz")
            if (status == 200) == wanted and all(w in text for w in words):
                return
            self.assertLess(time.monotonic(), deadline, "/readyz still says %d %s" % (status, text))
            time.sleep(0.1)

    def check(self):
        done = subprocess.run([BINARY, "check", "--config", self.instance.conf], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def test_L4_a_database_of_another_build(self):
        """The same names, other texts; and which of the two is of before. Each is told by name, and again all is well."""
        sql = self.instance.dir / "other"
        for change, name, word in (("api/book.sql", "api/book.sql", "another build"), ("inner/words/known.sql", "inner/words/known.sql", "another build"),
                                   ("migrations/990_later.sql", "990_later.sql", "newer than this program")):
            with self.subTest(change):
                shutil.copytree(e2e.SOURCE / "sql", sql, dirs_exist_ok=True)
                with open(sql / change, "a") as f:
                    f.write("-- of another build\n" if not change.startswith("migrations/") else "select 1;\n")
                self.assertIn(name, subprocess.run([BINARY, "migrate", "--conninfo", self.instance.conninfo(), "--sql-dir", sql],
                                                   capture_output=True, text=True).stderr)
                self.ready(False, name, word)
                code, text = self.check()
                self.assertEqual((code, name in text, word in text), (1, True, True), text)
                shutil.rmtree(sql)
                self.sql("delete from data.schema_version where name = '990_later.sql'")
                self.migrate(e2e.SOURCE / "sql")
                self.ready(True)
                self.assertEqual(self.check()[0], 0)

    def test_C6_a_new_function_is_its_owners(self):
        """What a file grants to nobody nobody may call: from the build that brings it on, and when a later build knows it no more; wherever it stood before."""
        sql, name = self.instance.dir / "new", "data.new_and_old(text)"
        whose = """select p.proowner::regrole::text, coalesce((select string_agg(coalesce(nullif(a.grantee, 0)::regrole::text, 'public'), ' ')
            from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a), '') from pg_proc as p where p.oid = to_regprocedure('%s')""" % name
        for folder, file in ("inner/time", "new.sql"), ("inner/rights", "rights.sql"):  # these are replaced before anything else
            shutil.copytree(e2e.SOURCE / "sql", sql)
            with open(sql / folder / file, "a") as f:
                f.write("create or replace function data.new_and_old(t text) returns text language sql return t;\n")
            for loss in "select %r", "grant execute on function %s to public", "drop function %s", "alter function %s owner to postgres":
                with self.subTest(folder=folder, loss=loss):
                    self.sql(loss % name)
                    self.migrate(sql)
                    self.assertEqual(self.sql(whose), [("zapisd_owner", "zapisd_owner")])
            self.migrate(e2e.SOURCE / "sql")
            self.assertEqual(self.sql(whose), [("zapisd_owner", "zapisd_owner")])
            self.assertEqual(self.sql("select * from data.rights where object = %s and grantee = 'public'", name), [])
            self.sql("drop function %s" % name)
            self.sql("delete from data.built where object = %s", name)  # as it is told: nothing is to make it any more
            shutil.rmtree(sql)
        self.assertIn("nothing to do", self.migrate(e2e.SOURCE / "sql"))

    def test_C6_clerks_of_before(self):
        """With one agency each clerk of before has it, and it is said; with several those who see nobody now are named. Operators are not restricted."""
        roles = [("before_clerk", "login in role zapisd_registrar"), ("before_auditor", "login in role zapisd_auditor"), ("before_group", "in role zapisd_registrar"),
                 ("before_both", "login in role zapisd_registrar, zapisd_operator"), ("before_operator", "login in role zapisd_operator")]
        for name, what in roles:
            self.sql("create role %s %s" % (name, what))
        try:
            for agencies, wanted in (0, set()), (1, {("before_clerk", "A1", None), ("before_auditor", "A1", None)}), (2, set()):
                self.sql("create database before template template0 encoding 'UTF8' locale 'C.UTF-8'")
                connection = psycopg2.connect(self.instance.conninfo(database="before"))
                connection.autocommit = True
                cursor = connection.cursor()
                for file in sorted((e2e.SOURCE / "sql/migrations").glob("[0-9]*.sql")):
                    if file.name.startswith("052_"):
                        cursor.execute("insert into data.agency (agency_code, name) select 'A' || n, 'x' from generate_series(1, %s) as n", [agencies])
                        del connection.notices[:]
                    cursor.execute(file.read_text())
                    if file.name.startswith("052_"):
                        said = "".join(connection.notices)
                cursor.execute("select member, agency_code, organization_id from data.office_member")
                self.assertEqual(set(cursor.fetchall()), wanted)
                self.assertEqual(("before_clerk" in said, "before_auditor" in said, "grant_office" in said), (True, True, agencies != 1), said)
                self.assertNotIn("before_both", said)
                connection.close()
                self.sql("drop database before")
        finally:
            for name, _ in roles:
                self.sql("drop role %s" % name)

    def test_L4_a_database_of_before_that_question(self):
        self.sql("alter function api.ready(jsonb) rename to elsewhere")
        try:
            self.ready(False, "run zapisd migrate")
            code, text = self.check()
            self.assertEqual((code, "zapisd migrate" in text), (1, True), text)
        finally:
            self.sql("alter function api.elsewhere(jsonb) rename to ready")
        self.ready(True)

    def by_hand(self, chance):
        """Ways to change one of ours: (object as it is told, statement, whether migrating puts it right)."""
        files = "".join(p.read_text() for f in FOLDERS for p in (e2e.SOURCE / "sql" / f).rglob("*.sql"))
        routines = [r for r in self.sql("""select p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.oid::regproc::text, p.prosqlbody is null, p.provolatile, p.prokind
            from pg_proc as p where p.pronamespace in ('api'::regnamespace, 'data'::regnamespace, 'admin'::regnamespace) order by 1""")]
        for name, definition, short, has_text, volatility, kind in chance.sample([r for r in routines if r[3] and r[5] == "f"], 8):
            self.assertTrue(definition.rstrip().endswith("$function$"))
            yield name, definition.rstrip()[:-len("$function$")] + "\n-- by hand\n$function$", "create or replace function %s(" % short in files
        for name, _, short, _, volatility, _ in chance.sample(routines, 4):
            ours = "create or replace function %s(" % short in files
            yield name, "alter routine %s set geqo_seed = 0.5" % name, ours
            yield name, "alter routine %s %s" % (name, "volatile" if volatility != "v" else "stable"), ours
        for name, _, short, _, _, _ in chance.sample([r for r in routines if r[0].startswith("api.") and r[0] not in ("api.ready(jsonb)", "api.concerns()")], 3):
            yield name, "alter routine %s rename to elsewhere" % name, True
        for name, definition in chance.sample(self.sql("select quote_ident(schemaname) || '.' || quote_ident(viewname), definition from pg_views where schemaname in ('data', 'admin')"), 2):
            yield name, "create or replace view %s as select * from (%s) as v where random() < 2" % (name, definition.rstrip(";")), "view %s" % name in files or name.startswith("data.my_")  # data.office_guard() makes these
        for policy, table in chance.sample(self.sql("select p.polname, p.polrelid::regclass::text from pg_policy as p order by 1, 2"), 4):  # C6
            yield "policy %s on %s" % (policy, table), chance.choice(["drop policy %s on %s", "alter policy %s on %s using (true)"]) % (policy, table), True
        for (table,) in chance.sample(self.sql("select c.oid::regclass::text from pg_class as c where c.relrowsecurity order by 1"), 2):
            yield "row security %s" % table, "alter table %s %s row level security" % (table, chance.choice(["disable", "force"])), True
        for trigger, table in chance.sample(self.sql("""select t.tgname, t.tgrelid::regclass::text from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
            where not tgisinternal and not c.relispartition and c.relnamespace = 'data'::regnamespace"""), 3):
            yield "%s on %s" % (trigger, table), "alter table %s disable trigger %s" % (table, trigger), False

    def test_L4_changed_by_hand(self):
        """It is told by name; what the files make migrating puts right, what only a migration made stays told, and is not noted as ours."""
        chance = random.Random(20261128)
        connection = self.instance.connect()
        connection.autocommit = False
        cursor = connection.cursor()
        files = {p.relative_to(e2e.SOURCE / "sql").as_posix(): p for p in (e2e.SOURCE / "sql").rglob("*.sql")}
        # What requests go through is a reason against taking them; the console's views and commands are told beside it.
        reason = "select r.reason, (select string_agg(c, ' ') from api.concerns() as c) from api.ready(null::jsonb) as r"

        def is_told(name, kind_of_console):
            cursor.execute(reason)
            against, beside = cursor.fetchone()
            self.assertNotIn(name, (against if kind_of_console else beside) or "")
            return name in ((beside if kind_of_console else against) or "")

        views = {r[0] for r in self.sql("select quote_ident(schemaname) || '.' || quote_ident(viewname) from pg_views where schemaname in ('data', 'admin')")}
        for n, (name, statement, is_made_anew) in enumerate(list(self.by_hand(chance))):
            with self.subTest(n=n, name=name):
                of_console = name.startswith(("admin.", "policy ", "row security ")) or name in views
                cursor.execute("savepoint by_hand")  # not of the transaction that migrates
                cursor.execute(statement)
                cursor.execute("release savepoint by_hand")
                self.assertTrue(is_told(name, of_console))
                cursor.execute("select count(*) from admin.check() where problem = 'изменено вручную' and position(%s in what) > 0", [name])
                self.assertEqual(cursor.fetchone()[0], 1)
                cursor.execute("set local check_function_bodies = off")  # as migrating does: the judges first
                for file in JUDGES:
                    cursor.execute(files[file].read_text())
                cursor.execute("select data.rights_own(), data.built_note_own()")
                cursor.execute("select data.built_aside()")
                for file in sorted((f for f in files if f.startswith(FOLDERS)), key=lambda f: (FOLDERS.index(f.split("/")[0]), f)) if n % 6 == 0 or not is_made_anew else ():
                    cursor.execute(files[file].read_text())
                cursor.execute("select data.rights_own(), data.built_note()")
                was_applied = n % 6 == 0 or not is_made_anew or name.startswith(("data.built_", "data.rights_", "data.server_major("))
                self.assertEqual(is_told(name, of_console), not (was_applied and is_made_anew))
            connection.rollback()
        connection.close()

    def judges(self):
        """The functions of those two files: (name with arguments, statement that makes it raise, one that makes it say nothing)."""
        made = {m for file in JUDGES for m in re.findall(r"create or replace function (data\.\w+)\(", (e2e.SOURCE / "sql" / file).read_text())}
        for name, short, arguments, result in self.sql("""select p.oid::regprocedure::text, p.oid::regproc::text, pg_get_function_arguments(p.oid),
            pg_get_function_result(p.oid) from pg_proc as p where p.pronamespace = 'data'::regnamespace order by 1"""):
            if short in made:
                head = "create or replace function %s(%s) returns %s language plpgsql as $f$ begin " % (short, arguments, result)
                yield (name, head + "raise exception 'by hand'; end $f$",
                       head + ("return; end $f$" if result == "void" or result.startswith(("TABLE", "SETOF")) else "return null; end $f$"))

    def test_L4_what_judges_by_hand(self):
        """Each function that tells changes by hand, or rights, raises, says nothing or is gone: migrating replaces it first, all is well again."""
        chance = random.Random(20261129)
        judges = list(self.judges())
        self.assertGreater(len(judges), 15)
        ways = {"raises": lambda j: j[1], "says nothing": lambda j: j[2], "is gone": lambda j: "drop function if exists %s cascade" % j[0]}
        storms = [(way, judges) for way in ways] + [(chance.choice(list(ways)), [j]) for j in chance.sample(judges, 5)]
        storms += [("raises", [j]) for j in judges if j[0] in ("data.built_aside()", "data.built_note()", "data.built_wrong()")]
        for way, broken in storms:
            with self.subTest(way=way, broken=[j[0] for j in broken]):
                for j in broken:
                    self.sql(ways[way](j))
                self.assertIn("replace inner/rights/", self.migrate(e2e.SOURCE / "sql"))
                self.assertEqual(self.sql("select * from data.built_wrong()"), [])
                self.assertIn("nothing to do", self.migrate(e2e.SOURCE / "sql"))
        self.ready(True)

    def test_L4_what_judges_of_another_build(self):
        """Other texts of the same functions come with an upgrade: they are ours, nothing is told as changed by hand."""
        sql = self.instance.dir / "judges"
        shutil.copytree(e2e.SOURCE / "sql", sql)
        for file in JUDGES:
            text = (sql / file).read_text()
            (sql / file).write_text(text.replace("as $$\n", "as $$\n-- of another build\n"))
        for folder in sql, e2e.SOURCE / "sql":
            said = self.migrate(folder)
            self.assertEqual([f in said for f in JUDGES], [True, True], said)
            self.assertEqual(self.sql("select * from data.built_wrong()"), [])
        self.ready(True)

    def test_L4_what_was_put_there_before_the_upgrade(self):
        """Somebody has put what the next build brings into the database by hand: from the upgrade on it is ours, and what no file makes stays told."""
        sql = self.instance.dir / "put_before"
        shutil.copytree(e2e.SOURCE / "sql", sql)
        texts = {}
        for name, old, new in (("inner/people/people.sql", "as $$\n", "as $$\n-- of the next build\n"), ("inner/time/clock_text.sql", "immutable", "stable"),
                               ("admin/bookings/arrows.sql", "order by ", "order by 1, ")):
            texts[name] = (sql / name).read_text().replace(old, new)
            self.assertNotEqual(texts[name], (sql / name).read_text())
            (sql / name).write_text(texts[name])
        for text in texts.values():
            self.sql("set check_function_bodies = off;" + text.replace("%", "%%"))
        self.sql("alter function data.state_code(data.booking_state) volatile")
        wrong = {row[0] for row in self.sql("select object from data.built_wrong()")}
        self.assertIn("data.state_code(data.booking_state)", wrong)
        self.assertGreater(len(wrong), 3)
        self.migrate(sql)
        self.assertEqual(self.sql("select object from data.built_wrong()"), [("data.state_code(data.booking_state)",)])
        self.sql("alter function data.state_code(data.booking_state) immutable")
        self.assertEqual(self.sql("select count(*) from pg_proc where proconfig::text ~ 'zapisd.aside'"), [(0,)])
        self.migrate(e2e.SOURCE / "sql")
        self.assertEqual(self.sql("select * from data.built_wrong()"), [])
        self.ready(True)

    def test_L1_who_has_a_table_keeps_nobody_from_asking(self):
        """Comparing wants the server's words, and these want tables: who has locked them makes neither readiness nor a start wait."""
        connection = self.instance.connect()
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("select string_agg(c.oid::regclass::text, ', ') from pg_class as c where c.relnamespace = 'data'::regnamespace and c.relkind in ('r', 'p') "
                           "and c.relname not in ('built', 'schema_version', 'rights')")
            cursor.execute("lock table %s in access exclusive mode" % cursor.fetchone()[0])
        try:
            daemon = self.instance.connect("zapisd_daemon")
            for _ in range(2):  # the first look may be the one that words what it had not
                with daemon.cursor() as cursor:
                    cursor.execute("select ok, reason from api.ready(null::jsonb)")
                    self.assertEqual(cursor.fetchone()[:1], (True,))
            daemon.close()
            code, text = self.check()
            self.assertEqual((code, "not everything can be looked at now" in text), (0, True), text)
        finally:
            connection.close()
        self.assertNotIn("not everything can be looked at now", self.check()[1])

    def test_L4_by_hand_and_the_program(self):
        self.sql("alter function api.book(%s) set geqo_seed = 0.5" % self.one("select pg_get_function_identity_arguments('api.book'::regproc)"))
        self.sql("alter table data.booking disable trigger %s" % self.one("select tgname from pg_trigger where tgrelid = 'data.booking'::regclass and not tgisinternal order by 1 limit 1"))
        self.ready(False, "api.book(", "data.booking", "run zapisd migrate")
        done = subprocess.run([BINARY, "migrate", "--conninfo", self.instance.conninfo(), "--sql-dir", e2e.SOURCE / "sql"], capture_output=True, text=True)
        self.assertEqual((done.returncode, "replace the functions" in done.stdout, "data.booking" in done.stderr, "api.book" in done.stderr), (0, True, True, False), done.stderr)
        self.sql("alter table data.booking enable trigger all")
        self.ready(True)
        self.sql("create function api.book(x integer) returns integer language sql return x")
        code, text = self.check()
        self.assertEqual((code, "no file of ours makes the routine api.book(integer)" in text), (0, True), text)
        self.migrate(e2e.SOURCE / "sql")
        self.assertIn("api.book(integer)", self.check()[1])  # it has not become ours
        self.sql("drop function api.book(integer)")
        self.assertIn("nothing to do", self.migrate(e2e.SOURCE / "sql"))
        self.assertEqual(self.one("select count(*) from data.built_foreign()"), 0)


if __name__ == "__main__":
    e2e.main()
