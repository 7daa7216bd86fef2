#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""O3: the operator's guide, typed in as it stands. Reads docs/operator.ru.md, never a copy of its commands.

The chapter of a new organization is played on an instance that has never heard of it, with psql under conf/psqlrc and with
curl, to its first booking, in under ten commands. Then every other command of the guide, under the role its prompt names.
Days of the guide are moved by whole weeks so that they are still to come.
"""
import datetime
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from e2e import BINARY, BUILD, E2E, PATIENT_S, SOURCE, wait_until
import demo
from instance import Instance
import smev3portal
import smev3stand

GUIDE = SOURCE / "docs/operator.ru.md"
PSQLRC = SOURCE / "conf/psqlrc"
WRITTEN = datetime.date(2026, 11, 22)
PROMPT = re.compile(r"^ {4,}(\w+)=[>#] (.*)$")
FIRST = "6b1c0a52-3f1e-4c55-9a57-0d6a3c1f0001"


def chapters():
    """Title and lines of each chapter."""
    found, title = {}, ""
    for line in GUIDE.read_text().splitlines():
        if line.startswith("## "):
            title = line[3:].split(":")[0]
        found.setdefault(title, []).append(line)
    return found


def commands(lines, default=None):
    """(who, command, output) in the order of the text; who is a role, or $ for the shell.

    default: who types an indented statement that has no prompt before it."""
    out, i, in_sql = [], 0, False
    while i < len(lines):
        line = lines[i]
        i += 1
        prompt = PROMPT.match(line)
        if line.startswith("```"):
            in_sql = line == "```sql"
            statement = ""
        elif in_sql:
            statement += line + "\n"
            if line.endswith(";"):
                out.append((default, statement, []))
                statement = ""
        elif prompt:
            shown = []
            while i < len(lines) and lines[i].startswith("    ") and not PROMPT.match(lines[i]) and not lines[i].startswith("    $ "):
                shown.append(lines[i][4:])
                i += 1
            out.append((prompt.group(1), prompt.group(2), shown))
        elif line.startswith("    $ "):
            text = line[6:]
            here = re.search(r"<<'(\w+)'", text)
            while here and lines[i].strip() != here.group(1):
                text += "\n" + lines[i][4:]
                i += 1
            if here:
                text += "\n" + lines[i].strip()
                i += 1
            out.append(("$", text, []))
        elif default and re.match(r"^    (select|insert|update) .*;( +--.*)?$", line):
            out.append((default, line.strip(), []))
    return out


def later(text):
    """Days of the guide, moved by whole weeks."""
    weeks = -((WRITTEN - datetime.date.today()).days // 7)
    move = lambda m: (datetime.date.fromisoformat(m.group(0)) + datetime.timedelta(weeks=weeks)).isoformat()
    return re.sub(r"\b20\d\d-\d\d-\d\d\b", move, text)


def squeeze(line):
    return re.sub(r"\s+", " ", line).strip()


# The visitors of the guide: BOOKED, today from nine and on the day that is closed, whatever the clock says now.
VISITORS = """
set session_replication_role = replica;
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, serial)
select ('00000000-0000-4000-8000-0000000000' || v.n)::uuid, 'R7700018', a.area_key, t.at, t.at + interval '15 min', 9
from (values %s) as v (n, d, k), data.area as a, lateral (select ((now() at time zone 'Europe/Moscow')::date + v.d + time '20:00'
    + v.k * interval '15 min') at time zone 'Europe/Moscow' as at) as t where a.organization_id = 'R7700018' and a.area_id = 'room-12';
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, service_ids, created_at, changed_at)
select k, k, '1000000000', 'R7700018', 'BOOKED', '201', '{10000593394}', now(), now() from (select '6b1c0a52-3f1e-4c55-9a57-0d6a3c1f00' || n as k
    from (values %s) as v (n, d, k)) as x;
insert into data.applicant (book_key, last_name, first_name, mobile_phone) select book_key, 'Образцов', 'Тест', '70000000000' from data.booking where organization_id = 'R7700018';
insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id)
select book_key, now(), 'A', session_user, 'BOOKED', '201', 'R7700018' from data.booking where organization_id = 'R7700018';
insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at)
select slot_id, 1, '6b1c0a52-3f1e-4c55-9a57-0d6a3c1f00' || right(slot_id::text, 2), capacity, area_key, starts_at, ends_at from data.slot where serial = 9;
"""


class Guide(E2E):
    def type_in(self, who, text, with_notices=False):
        """A statement or a shell command as it stands; what comes back. psql runs with the guide's own psqlrc."""
        env = dict(os.environ, **{k: v for k, v in self.instance.pg.items() if k.startswith("PGH") or k == "PGPORT"}, PSQLRC=str(PSQLRC), PGDATABASE="zapisd")
        env.pop("PGOPTIONS", None)
        where = self.instance.dir / "typed"
        where.mkdir(exist_ok=True)
        if who == "$":
            text = text.replace("http://127.0.0.1:8180/equeue", self.instance.url("plain"))
            argv = ["bash", "-ec", text]
        else:
            argv = ["psql", "-v", "ON_ERROR_STOP=1", "-v", "org=R7700018", "-U", who]
            text = later(text) + "\n"
        done = subprocess.run(argv, env=env, cwd=where, input=None if who == "$" else text, capture_output=True, text=True, timeout=600, umask=0o022)
        self.assertEqual((done.returncode, "ERROR" in done.stderr), (0, False), "%s> %s\n%s%s" % (who, text, done.stdout, done.stderr))
        return done.stdout + (done.stderr if with_notices else "")

    def assert_shown(self, shown, got, command):
        """The table of the guide has the columns of the real one."""
        if shown and not shown[0].startswith(("NOTICE", "…")) and len(shown) > 1 and set(shown[1]) <= set("─┼"):
            self.assertIn(squeeze(shown[0]), [squeeze(x) for x in got.splitlines()], command)

    def test_an_office_from_nothing(self):  # O3: to its first booking in under ten commands
        chapter = next(v for k, v in chapters().items() if k.startswith("Новая организация"))
        first, booked = [], None
        self.type_in("postgres", "create role operator1 login in role zapisd_operator;")  # README.ru.md, step 4
        for who, text, shown in commands(chapter):
            if who == "$" and text.startswith("cat "):
                self.type_in(who, text)  # a file, not a command
                continue
            if booked is None or FIRST in text:
                first.append(text)
            got = self.type_in(who, text)
            self.assert_shown(shown, got, text)
            if who == "$":
                booked = got
                self.assertRegex(got, r"<[^>]*statusCode>201</", text)
                self.assertRegex(got, r"visitTime>20\d\d-\d\d-\d\dT(09|1[0-7]):[0-5]\d:00\+05:00<")  # the nearest: on a working day today's
            elif FIRST in text:
                self.assertIn("201 забронировано", got)
                self.assertIn("Т*** Т.", got)
        self.assertIsNotNone(booked, "the chapter books nothing")
        self.assertLess(len(first), 10, first)
        self.assertEqual(self.sql("select count(*) from data.booking where book_id = %s and state = 'BOOKED' and organization_id = 'R6600001'", FIRST), [(1,)])

        # Every other chapter: each command does as it is typed, under the role whose prompt it has.
        rows = ", ".join(["('%d', 0, %d)" % (n, n - 51) for n in range(51, 56)] + ["('%d', 4, %d)" % (n, n - 20) for n in range(20, 24)])
        self.sql(VISITORS % (rows, rows))
        self.type_in("postgres", "create role registrar1 login in role zapisd_registrar; create role ivanova in role zapisd_registrar; create role petrova in role zapisd_registrar;")
        self.assertIn("registrar1", self.type_in("operator1", "select what from admin.check();"))  # C6: she sees nobody yet, and that is told
        self.type_in("operator1", "select admin.grant_office('registrar1', 'AAAA00001');")  # README.ru.md, step 4
        tried = 0
        for title, lines in chapters().items():
            if title.startswith("Новая организация"):
                lines = lines[next(i for i, x in enumerate(lines) if x.startswith("Своими словами")):]
            session, role = "", None
            for who, text, shown in commands(lines, default="registrar1" if title.startswith("День") else "operator1"):
                with self.subTest(chapter=title, command=text):
                    tried += 1
                    if title.startswith("Справочник"):  # ref_csv is a table of the session: the chapter is one sitting
                        session += text + "\n"
                        continue
                    self.assert_shown(shown, self.type_in(who, text), text)
            if session:
                self.type_in("operator1", session)
        self.assertGreater(tried, 60)
        self.assertEqual((self.instance.dir / "typed/завтра.html").stat().st_mode & 0o777, 0o600)  # J3: persons are in it
        # The tables of commands: "| what | `admin.…(…)` |".
        for text in re.findall(r"^\|[^|`]*\| `(admin\.[^`]*)`", GUIDE.read_text(), re.M):
            with self.subTest(command=text):
                self.type_in("operator1", "begin; select * from %s; rollback;" % text)
        self.assertEqual(self.sql("select count(*) from admin.check()"), [(0,)])

    def test_shortcuts(self):  # O3: each shortcut of psqlrc that stands alone
        self.type_in("postgres", "create role clerk1 login in role zapisd_registrar, zapisd_operator;")
        for name in re.findall(r"^\\set (\w+) +'select .*;'$", PSQLRC.read_text(), re.M):
            with self.subTest(name=name):
                self.assertTrue(self.type_in("clerk1", ":" + name))

    def test_psqlrc(self):
        """O3: the clock of the prompt is a time; before an organization is chosen, a shortcut says which there are."""
        clock = re.search(r"^\\set PROMPT1 '.*%`(.*?)`", PSQLRC.read_text(), re.M).group(1)
        self.assertRegex(subprocess.run(["sh", "-c", clock], capture_output=True, text=True).stdout, r"^\d\d:\d\d\n$")
        env = dict(os.environ, **{k: v for k, v in self.instance.pg.items() if k.startswith("PGH") or k == "PGPORT"}, PSQLRC=str(PSQLRC), PGDATABASE="zapisd")
        self.type_in("postgres", "create role clerk3 login in role zapisd_registrar, zapisd_operator;")
        for name, wanted in (("day", r"(?m)^ visit .*applicant"), ("load", "Какая организация"), ("free", "Какая организация"), ("waiting", r"(?m)Какая организация|^ *asked .*book_id|\(0 rows\)")):
            with self.subTest(name=name):
                done = subprocess.run(["psql", "-U", "clerk3"], env=env, input=":%s\n" % name, capture_output=True, text=True, timeout=600)
                self.assertNotIn("syntax error", done.stderr)
                self.assertRegex(done.stdout + done.stderr, wanted)
        said = self.type_in("operator3", "select admin.add_organization('R7700777', 'AAAA00001', 'Отдел', 'Europe/Moscow', latitude => 37.617, longitude => 55.755);", with_notices=True) \
            if self.type_in("postgres", "create role operator3 login in role zapisd_operator;") is not None else ""
        self.assertIn("не переставлены ли", said)
        self.type_in("postgres", "delete from data.organization where organization_id = 'R7700777';")

    @unittest.skipIf(pathlib.Path("/etc/zapisd/zapisd.conf").exists(), "a configuration is installed here")
    def test_migrate_says_what_is_missing(self):  # L4
        for given, missing in (([], "--conninfo"), (["--conninfo", "host=/nowhere"], "--sql-dir")):
            with self.subTest(given=given):
                done = subprocess.run([BINARY, "migrate", *given], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (2, "migrate: %s is not given, and there is no /etc/zapisd/zapisd.conf that says it\n" % missing))

    def test_names_of_the_pages_exist(self):  # L4: a metric to be watched is served, a line that is explained can be logged
        page = (SOURCE / "README.ru.md").read_text()
        served = self.instance.admin("/metrics")[1]
        for name in sorted(set(re.findall(r"`(zapisd_[a-z0-9_]+)[`{]", page.split("## За чем следить")[1].split("\n## ")[0]))):
            with self.subTest(metric=name):
                self.assertRegex(served, r"(?m)^# TYPE %s " % name)
        rules = (SOURCE / "conf/alerts.yml").read_text()  # O7
        self.assertGreater(len(re.findall(r"(?m)^      - alert: \w+\n        expr: ", rules)), 10)
        for name in sorted(set(re.findall(r"\bzapisd_[a-z0-9_]+", rules))):
            with self.subTest(rule=name):
                self.assertRegex(served, r"(?m)^# TYPE %s " % name)
        watched = page.split("## За чем следить")[1].split("\n## ")[0]
        for name, body in re.findall(r"(?ms)^      - alert: (\w+)\n(.*?)(?=^      - alert: |^      #|\Z)", rules):
            asked = re.search(r"(?m)^        expr: (.*)$", body).group(1)
            for metric in re.findall(r"\((zapisd_\w+) >=? 0\)", asked):  # what such a filter takes out is "never", and rings as well
                with self.subTest(rule=name):
                    self.assertRegex(asked, r"or \(max by \(source, agency\) \(%s\) (== 0|< 0)\)" % metric)
            self.assertNotRegex(asked, r"by \(source(?!, agency\b)", "two agencies may have a section of one name")
            held = re.findall(r"(?m)^        for: (\d+)m$", body)
            for metric in set(re.findall(r"\bzapisd_[a-z0-9_]+", asked)):
                for when in re.findall(r"(?m)^\| `%s` \| ([^|]*) \|" % metric, watched):  # README and rules call people for the same
                    with self.subTest(rule=name, when=when):
                        for number in re.findall(r"(?:больше |> )(\d+)", when):
                            self.assertRegex(asked, r"> %s\b" % number)
                        self.assertLessEqual(set(re.findall(r"дольше (\d+) минут", when)), set(held))
        code = "".join(p.read_text() for p in (SOURCE / "src").rglob("*.c"))
        lines = page.split("## Что пишут check и журнал")[1].split("\n## ")[0]
        rows = [x.split("|")[1] for x in lines[lines.index("| `trouble`"):].splitlines() if x.startswith("| ")]
        names = set(re.findall(r"\bX\((\w+)", "".join(p.read_text() for p in (SOURCE / "src").rglob("*.h"))))  # of lists that are strings elsewhere
        for word in [w for row in rows for w in re.findall(r"`([a-z_-]+)", row)]:
            with self.subTest(word=word):
                self.assertTrue('"%s"' % word in code or word in names, "no line of the log has it")
        said = re.sub(r'"\s*"', "", code) + "".join(p.read_text() for p in (SOURCE / "sql").rglob("*.sql"))
        for note in [w for x in page.split("## Что говорит /readyz")[1].split("\n## ")[0].splitlines() if x.startswith("| `") for w in re.findall(r"`([^`]+)`", x.split("|")[1])]:
            with self.subTest(note=note):
                self.assertTrue(note in said, "no warning of /readyz says so")

    def test_file_of_a_refused_message(self):  # J4: the page's own command brings back what was sent
        sent = b'<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>nobody signed this</s:Body></s:Envelope>'
        request = urllib.request.Request(self.instance.url("smev2"), sent, {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"book"'})
        with self.assertRaises(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=PATIENT_S)
        ask, deadline = "select request_id from admin.refused() where size = %s", time.monotonic() + PATIENT_S
        while not self.sql(ask, len(sent)):
            self.assertLess(time.monotonic(), deadline, "it is not in the journal")
            time.sleep(0.05)
        command = re.search(r"^    # (\(umask 077; runuser -u postgres -- psql .* \| base64 -d > файл\.xml\))$", (SOURCE / "README.ru.md").read_text(), re.M).group(1)
        command = command.replace("runuser -u postgres -- ", "")
        self.type_in("$", command.replace("НОМЕР", self.sql(ask, len(sent))[0][0]).replace("psql ", "psql -U postgres "))
        self.assertEqual((self.instance.dir / "typed/файл.xml").read_bytes(), sent)
        self.assertEqual((self.instance.dir / "typed/файл.xml").stat().st_mode & 0o777, 0o600)  # J3
        ours = re.search(r"^    # (\(umask 077; .*encode\(answer, .*наше\.xml\))$", (SOURCE / "README.ru.md").read_text(), re.M).group(1).replace("runuser -u postgres -- ", "")
        self.type_in("$", ours.replace("НОМЕР", self.sql(ask, len(sent))[0][0]).replace("psql ", "psql -U postgres "))
        self.assertIn(b"Fault", (self.instance.dir / "typed/наше.xml").read_bytes())  # J1: the other half of the exchange

    def test_nobody_else_reads_what_printed_commands_write(self):
        """J3: whatever a page has printed to be typed that writes a file with persons or keys in it: under umask 077, or with its mode."""
        seen = 0
        for page in (SOURCE / "README.ru.md", GUIDE):
            for line in page.read_text().splitlines():
                if re.match(r"^ {4,}[#$] ", line) and re.search(r"\bpg_dump|\bpsql .*(> \S+\)?$| -o )|-out \S+\.key", line):
                    seen += 1
                    self.assertIn("umask 077;", line, page.name)
        self.assertGreaterEqual(seen, 5)

    def test_nothing_found(self):
        """O3: it is said by what was looked for and what to try; what was typed is not repeated."""
        self.type_in("postgres", "create role clerk2 login in role zapisd_registrar;")
        self.type_in("postgres", "select admin.grant_office('clerk2', 'AAAA00001');")
        for what, words in (("Абразцов", "начало фамилии"), ("Борис", "начало фамилии"), ("79990000000", "телефон или СНИЛС целиком"), ("ffff-12", "начало номера записи")):
            with self.subTest(what=what):
                said = self.type_in("clerk2", "\\o /dev/null\nselect * from admin.find('%s');" % what, with_notices=True)
                self.assertRegex(said, "NOTICE:  Ничего не нашлось.*" + words)
                self.assertIn("HINT:", said)
                self.assertNotIn(what, said)

    def test_links_of_installed_pages(self):  # O3: a page of the installed documents leads to pages that are installed beside it
        text = (SOURCE / "src/CMakeLists.txt").read_text()
        for page in (SOURCE / "README.ru.md", GUIDE):
            for name in set(re.findall(r"\]\((docs/[^)]*)\)|\b(docs/[a-z.]+\.md)", page.read_text())):
                with self.subTest(page=page.name, link=name):
                    self.assertIn("${CMAKE_SOURCE_DIR}/" + "".join(name), text.split("CMAKE_INSTALL_DOCDIR}/docs")[0].split("install(")[-1])

    def test_commands_of_guide_are_installed(self):  # O3
        text = (SOURCE / "src/CMakeLists.txt").read_text()
        self.assertRegex(text, r"conf/psqlrc DESTINATION \$\{CMAKE_INSTALL_DATADIR\}/zapisd")
        self.assertIn("docs/operator.ru.md", text)


class World(unittest.TestCase):
    """O3: what ./dev up --smev3 leaves running, and ./dev smev: the chapters on SMEV 3 can be walked with psql as the guide has it."""

    @classmethod
    def setUpClass(cls):
        cls.dir = BUILD / "e2e/guide-world"
        shutil.rmtree(cls.dir, ignore_errors=True)
        cls.instance = Instance(cls.dir, BINARY)
        cls.addClassCleanup(cls.stop)
        cls.stand("start")
        cls.own = cls.dir / "zapisd.conf.d/smev3.conf"
        cls.own.write_text(cls.own.read_text().replace("= 1s", "= 100ms").replace("= 10s", "= 2s"))  # no patience of a person here
        cls.instance = Instance(cls.dir, BINARY)
        cls.instance.up()
        cls.instance.psql("create role operator1 login in role zapisd_operator")

    @classmethod
    def stop(cls):
        cls.instance.down()
        cls.stand("stop")
        if cls.own.exists() or (cls.dir / "smev3.sock").exists():
            raise AssertionError("something was left behind")

    @classmethod
    def stand(cls, command, *words):
        done = subprocess.run(["/usr/bin/python3", "-B", SOURCE / "tests/lib/smev3stand.py", command, "--dir", cls.dir, *words], capture_output=True, text=True)
        if done.returncode:
            raise AssertionError("%s %s: %s" % (command, " ".join(words), done.stdout + done.stderr))
        return done.stdout

    def smev(self, text):
        good, said = smev3stand.ask(self.dir, text.split())
        self.assertTrue(good, said)
        return said

    def operator(self, sql):
        return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, self.instance.conninfo("operator1")], check=True, capture_output=True,
                              text=True).stdout.strip()

    def shown(self, sql, wanted):
        wait_until(lambda: re.search(wanted, self.operator(sql)), PATIENT_S, "%s of %s" % (wanted, sql))

    def ready_says(self, wanted):
        wait_until(lambda: (re.search(wanted, self.instance.admin("/readyz")[1]) is not None), PATIENT_S, wanted)

    def reload(self, *changes):
        text = self.own.read_text()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.own.write_text(text)
        os.kill(self.instance.pid(), signal.SIGHUP)

    def booked(self):
        said = self.smev("book")
        self.assertRegex(said, "статус 201; запись [0-9a-f-]{36} на ")
        return re.search("запись ([0-9a-f-]{36})", said).group(1)

    def test_words(self):
        said = self.stand("ask", "help")
        for word in ("getSlots", "book", "cancel", "portal", "trouble", "poison", "later"):
            self.assertIn("./dev smev " + word, said)
        for poison in smev3portal.POISONS:  # each with what becomes of it
            self.assertRegex(said, r"(?m)^    %s +\S.*\S" % poison)
        nowhere = subprocess.run(["/usr/bin/python3", "-B", SOURCE / "tests/lib/smev3stand.py", "ask", "--dir", self.dir / "nowhere", "help"], capture_output=True, text=True)
        self.assertEqual((nowhere.returncode, nowhere.stdout), (0, said), "with nothing running, too")
        reader, writer = os.pipe()
        os.close(reader)
        cut = subprocess.run(["/usr/bin/python3", "-B", SOURCE / "tests/lib/smev3stand.py", "ask", "--dir", self.dir], stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        self.assertEqual(cut.stderr, "", "whoever reads may have read enough")
        self.assertIn("ошибка 4", self.smev("portal refuse 4"))
        self.smev("portal good")
        with self.assertRaises(AssertionError):
            self.stand("ask", "weather")
        for wrong in ("trouble rain", "portal sings", "poison tea", "weather", "book 1 2 3", "book 0", "book many", "portal refuse x"):
            with self.subTest(wrong=wrong), self.assertRaises(AssertionError):
                self.smev(wrong)

    def test_a_citizen_and_the_outbox(self):
        self.assertRegex(self.smev("getSlots"), r"свободно \d+, ближайшее 20\d\d-")
        outbox = "select state, status, last_error from admin.outbox where book_id = '%s'"
        first = self.booked()
        self.assertIn("статус 201", self.smev("status"))
        self.smev("portal refuse")
        self.operator("select admin.cancel('%s', 'авария', 'телефон')" % first)
        self.shown(outbox % first, r"stopped\|302\|портал отказал: ошибка 3")
        self.shown("select problem from admin.check()", "портал отказал")
        self.smev("portal good")
        self.operator("select admin.outbox_requeue('%s')" % first)
        self.shown(outbox % first, "answered")
        second = self.booked()
        self.smev("portal late")
        self.operator("select admin.cancel('%s', 'авария', 'телефон')" % second)
        self.shown(outbox % second, "sent")
        self.assertIn("без ответа: 1", self.smev(""))
        self.smev("portal answer")
        self.shown(outbox % second, "answered")
        self.shown("select what from admin.why('%s') where kind = 'порталу'" % second, "302")
        self.assertEqual(demo.show_life(self.instance, second), [])  # as ./dev demo --smev3 shows it
        self.booked()
        self.assertIn("статус 301", self.smev("cancel"))

    def test_each_poison_does_what_is_said(self):
        fates = {"отказ": r"sent\|[A-Z_]+", "ответ с ошибкой 2": r"sent\|(error 2|INPUT)", "ответ как обычно": r"sent\|error 0", "отложено": r"parked\|.*", "рассылка": r"closed\|.*"}
        told = {kind: re.sub(r"^.*?: |, .*| \(.*", "", words) if kind != "broadcast" else "рассылка" for kind, words in smev3stand.POISONED.items()}
        came = {}
        for kind in smev3portal.POISONS:
            came[kind] = re.search("очереди (\\S+)", self.smev("poison " + kind)).group(1)
        for kind, ident in came.items():
            with self.subTest(kind=kind, told=told[kind]):
                if told[kind] in fates:
                    self.shown("select state, status from admin.inbox where message_id = '%s'" % ident, "^%s$" % fates[told[kind]])
                else:
                    self.assertIn(told[kind], ("остаётся в очереди", "то же", "остаётся в очереди без MessageID"))
                    self.shown("select count(*) from admin.inbox_unread where message_id = '%s'" % (ident if kind != "bad_id" else ""), "^1$")
        self.operator("select admin.inbox_give_up(inbox_id, 'проверка') from admin.inbox where state = 'parked'")
        self.operator("select admin.inbox_unread_give_up(message_id, 'проверка') from admin.inbox_unread where message_id <> '' and given_up_at is null")

    def test_answers_of_the_portal_that_are_none(self):
        third = self.booked()
        outbox = "select state, coalesce(waits_for, '') from admin.outbox where book_id = '%s'" % third
        self.smev("portal unreadable")
        self.operator("select admin.cancel('%s', 'авария', 'телефон')" % third)
        self.shown(outbox, "sent.*не читается")
        self.smev("portal answer")
        self.smev("later")
        self.shown(outbox, "answered")
        self.smev("portal other")
        fourth = self.booked()
        self.operator("select admin.cancel('%s', 'авария', 'телефон')" % fourth)
        self.shown("select problem from admin.check()", "ответ портала — о другой записи")
        self.smev("portal good")
        for poison in ("foreign_answer", "refused_later"):
            self.assertIn("В очереди ответов", self.smev("poison " + poison))
        self.shown("select problem from admin.check()", "выходит не наше")
        self.shown("select reason from admin.inbox where state = 'parked'", "СМЭВ отказала: responseIsRejectedBySmev")
        self.operator("select admin.inbox_give_up(inbox_id, 'проверка') from admin.inbox where reason ~ '^СМЭВ отказала'")

    def test_troubles(self):
        self.reload(("#namespace = ", "namespace = "), ("#roots = ", "roots = "))
        for kind, word in (("html", "MALFORMED"), ("refused", "UNREACHABLE"), ("silence", "TIMEOUT"), ("sender", "SenderIsNotRegistered"),
                           ("root", "UnknownMessageType getSlotsRequest")):
            with self.subTest(kind=kind):
                self.smev("trouble " + kind)
                self.ready_says("epgu[^\"]*" + word)
                self.smev("trouble off")
                self.reload()
        self.reload(("\nnamespace = ", "\n#namespace = "), ("\nroots = ", "\n#roots = "))
        self.smev("poison foreign")
        self.shown("select state, reason from admin.inbox", "parked.*mnemonic")
        said = self.smev("poison unverifiable")
        self.shown("select count(*) from admin.inbox_unread where message_id = '%s'" % re.search("очереди (\\S+)", said).group(1), "1")
        with self.subTest(kind="certificate"):
            self.smev("trouble certificate")
            self.smev("poison schema")
            self.ready_says("epgu[^\"]*SENDER")
            self.reload(("#[sender SMEV00001]\n#cert", "[sender SMEV00001]\ncert"))
            self.smev("later")
            self.booked()
        with self.subTest(kind="key"):
            self.smev("key")
            own = self.own.with_name("key.conf")
            own.write_text("[agency AAAA00001]\nkey = %s\ncert = %s\n" % tuple(self.dir / "pki" / ("agency-a-new" + end) for end in (".key", ".pem")))
            self.reload()
            self.ready_says("epgu[^\"]*SenderIsNotRegistered")
            self.smev("register")
            self.reload()
            self.booked()
        self.smev("trouble denied")
        self.ready_says("AccessDenied")


if __name__ == "__main__":
    unittest.main()
