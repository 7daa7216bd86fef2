#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""O2, O3: the chapter "Установить" of README.ru.md, typed in as it stands, on a machine that has never heard of us.

The machine is this one under overlays: /etc, /usr and /var are copies that vanish, /run is empty, network and processes are
its own, the cluster is Debian's. So paths, users and the server's files are those of the page. Said aloud and not done:
apt-get (the packages it names must be here) and building (what was built already is installed); systemctl is played from
the unit's own lines. Then the same without one of the steps each: it must not come to a daemon that is ready.

It needs root and namespaces; without them it is skipped.
"""
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from e2e import BUILD, SOURCE

PAGE = SOURCE / "README.ru.md"
UNIT = pathlib.Path("/usr/lib/systemd/system/zapisd.service")
CLUSTER = pathlib.Path("/etc/postgresql/15/main")
UNSHARE = ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--propagation", "private"]
PASSWORD = "install-test"

MACHINE = r"""
set -eu
mkdir "$1/disk"; mount -t tmpfs none "$1/disk"
for d in etc usr var; do
    mkdir "$1/disk/$d" "$1/disk/$d.work"
    mount -t overlay overlay -o "lowerdir=/$d,upperdir=$1/disk/$d,workdir=$1/disk/$d.work" "/$d"
done
mount -t tmpfs -o mode=755 none /run; mount -t proc proc /proc; ip link set lo up
install -d -o postgres -g postgres -m 2775 /run/postgresql
rm -rf /etc/postgresql/15/main /var/lib/postgresql/15/main /etc/zapisd
pg_createcluster 15 main >/dev/null
pg_ctlcluster 15 main start
"""


def steps(chapter="Установить"):
    """The commands of the chapter, each with its here-document."""
    lines = iter(PAGE.read_text().split("## " + chapter)[1].split("\n## ")[0].splitlines())
    for line in lines:
        if not line.startswith("    # "):
            continue
        text = line[6:]
        here = re.search(r"<<'(\w+)'", text)
        while here:
            more = next(lines)[4:]
            text += "\n" + more
            if more == here.group(1):
                break
        yield text + "\n"


# ---- inside ---------------------------------------------------------------------------------------------------------


def service_start():
    """What systemd would do with the unit: its user, its folder, its command, and the word that it is ready."""
    unit = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#"))
    user, folder = unit["User"], pathlib.Path("/run") / unit["RuntimeDirectory"]
    subprocess.run(["install", "-d", "-o", user, "-g", unit["Group"], "-m", unit["RuntimeDirectoryMode"], folder], check=True)
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind("/run/notify")
    os.chmod("/run/notify", 0o777)
    told.settimeout(60)
    with open("/var/log/zapisd.test", "wb") as log:
        child = subprocess.Popen(["setpriv", "--reuid", user, "--regid", unit["Group"], "--init-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--",
                                  *shlex.split(unit["ExecStart"])], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, NOTIFY_SOCKET="/run/notify"))
    while child.poll() is None:
        try:
            if b"READY=1" in told.recv(4096):
                return 0
        except TimeoutError:
            break
    print(pathlib.Path("/var/log/zapisd.test").read_text(errors="replace"))
    return 1


def play(text):
    words = text.split()
    if words[0] == "apt-get":
        missing = [p for p in words[3:] if subprocess.run(["dpkg-query", "-W", p], capture_output=True).returncode]
        print("skipped: apt-get; not here: %s" % missing)
        return len(missing)
    if words[:2] == ["cmake", "--preset"] or words[:2] == ["cmake", "--build"]:
        print("skipped: building; what is installed was built before")
        return 0
    if words[:2] == ["cmake", "--install"]:
        words[2:] = [str(BUILD.resolve()), "--prefix", "/usr"]
        return subprocess.run(words, stdout=subprocess.DEVNULL).returncode
    if words[0] == "systemctl":
        if words[1:] == ["reload", "postgresql"]:
            return subprocess.run(["pg_ctlcluster", "15", "main", "reload"]).returncode
        return service_start() if words[1:] == ["enable", "--now", "zapisd"] else 127
    asked = "%s\n%s\n" % (PASSWORD, PASSWORD) if "--pwprompt" in text else ""
    return subprocess.run(["bash", "-ec", text], input=asked, text=True, start_new_session=True, env=dict(os.environ, PGPASSWORD=PASSWORD)).returncode


def inside(omitted):
    """Ends with 0 when all commands did; the first that failed is the last line."""
    for number, text in enumerate(steps()):
        if number == omitted:
            continue
        print("# " + text, end="", flush=True)
        if play(text) != 0:
            print("FAILED %d" % number, flush=True)
            return 1
    # Nobody is somebody else: neither without a password, nor the service's user as the administrator.
    env = {k: v for k, v in os.environ.items() if k != "PGPASSWORD"}
    for argv in (["psql", "-w", "host=/run/postgresql dbname=zapisd user=operator1", "-c", "select 1"],
                 ["runuser", "-u", "zapisd", "--", "psql", "-w", "host=/run/postgresql dbname=zapisd user=postgres", "-c", "select 1"],
                 ["runuser", "-u", "postgres", "--", "psql", "-w", "host=/run/postgresql dbname=zapisd user=zapisd_daemon", "-c", "select 1"],
                 ["runuser", "-u", "nobody", "--", "cat", "/etc/zapisd/agency.key"]):
        if subprocess.run(argv, env=env, capture_output=True).returncode == 0:
            print("LET IN: %s" % argv)
            return 2
    if "zapisd_daemon" not in subprocess.run(["runuser", "-u", "postgres", "--", "psql", "-XAtc", "select usename from pg_stat_activity", "zapisd"], capture_output=True, text=True).stdout:
        print("NOBODY: the daemon has no session")
        return 2
    return restored()


GONE = """dropdb --force zapisd; psql -Xqc 'drop role zapisd_owner, zapisd_daemon, zapisd_operator, zapisd_registrar, zapisd_auditor, operator1, registrar1'"""


def restored():
    """O4: the chapter of backup and restore; between the two halves nothing of ours is left in the cluster."""
    is_gone = False
    for text in steps("Копия и восстановление"):
        print("# " + text, end="", flush=True)
        if "roles.sql" in text and "psql" in text:
            subprocess.run(["runuser", "-u", "postgres", "--", "bash", "-ec", GONE], check=True, cwd="/")
            is_gone = True
        if play(text) != 0:
            print("FAILED to restore")
            return 2
    for name in ("roles.sql", "zapisd.dump"):  # J3: persons and passwords
        if (pathlib.Path("/var/lib/postgresql") / name).stat().st_mode & 0o777 != 0o600:
            print("READABLE: %s" % name)
            return 2
    return 0 if is_gone and subprocess.run(["psql", "-w", "host=/run/postgresql dbname=zapisd user=operator1", "-c", "select * from admin.offices()"],
                                           env=dict(os.environ, PGPASSWORD=PASSWORD)).returncode == 0 else 2


# ---- outside --------------------------------------------------------------------------------------------------------


@unittest.skipUnless(os.geteuid() == 0 and CLUSTER.parent.parent.exists() and subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0,
                     "needs root, namespaces and PostgreSQL 15 of Debian")
class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="zinst.", dir=BUILD.resolve())
        cls.pki = pathlib.Path(cls.folder.name) / "pki"
        subprocess.run(["bash", str(SOURCE / "tests/lib/pki.sh"), str(cls.pki)], check=True, capture_output=True)
        for name, source in (("agency.key", "agency-a.key"), ("agency.pem", "agency-a.pem"), ("ca.pem", "trust.pem"), ("ca.crl", "ca.crl"), ("portal.pem", "portal.pem")):
            (pathlib.Path(cls.folder.name) / name).write_bytes((cls.pki / source).read_bytes())

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def on_a_machine(self, omitted=-1):
        with tempfile.TemporaryDirectory(prefix="m.", dir=self.folder.name) as folder:
            script = MACHINE + 'cd "$2"; exec /usr/bin/python3 -B "$3" --inside "$4"'
            env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
            env["ZAPISD_BUILD"] = str(BUILD.resolve())
            return subprocess.run([*UNSHARE, "bash", "-c", script, "machine", folder, self.folder.name, os.path.abspath(__file__), str(omitted)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, umask=0o022, env=env)

    def test_as_it_stands(self):
        done = self.on_a_machine()
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotRegex(done.stdout, r"(?m)^BAD ")  # serial numbers have these letters, too
        self.assertRegex(done.stdout, r"put right 0 roles, 0 owners, 0 rights, 0 rights of everybody, \d+ settings")
        self.assertRegex(done.stdout, r"problem \| what *\n-+\+-+\n\(0 rows\)")

    def test_without_one_of_the_steps(self):  # each of them is needed, and what comes after says so
        text = list(steps())
        for what in (r"^systemd-sysusers", r"^install .*10-local", r"agency\.key agency\.pem", r"createdb", r"zapisd migrate", r"pg_ident\.conf", r"pg_hba\.conf", r"--role=zapisd_operator"):
            with self.subTest(without=what):
                number = next(n for n, t in enumerate(text) if re.search(what, t.splitlines()[0]))
                done = self.on_a_machine(number)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertGreater(int(re.search(r"FAILED (\d+)$", done.stdout.strip()).group(1)), number)

    def test_packages_are_those_that_building_needs(self):
        wanted = re.search(r"PACKAGES_BUILD=\(([^)]*)\)", (SOURCE / "dev").read_text()).group(1).split()
        named = next(t for t in steps() if t.startswith("apt-get")).split()
        self.assertEqual([p for p in wanted if p not in named], [])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        sys.exit(inside(int(sys.argv[2])))
    unittest.main()
