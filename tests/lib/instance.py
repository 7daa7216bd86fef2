#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A whole instance of its own: test PKI, private PostgreSQL with the demonstration data, the daemon on loopback.

Used by ./dev, by the end-to-end tests and by the benchmarks. Everything lies in one directory; only processes whose
number was written there are ever signalled.
"""
import argparse
import fcntl
import hashlib
import http.client
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIB = pathlib.Path(__file__).resolve().parent
PATIENT_S = 120  # for ever, as a test sees it: no verdict is about how soon
SOURCE = LIB.parent.parent
PG_NAMES = ("PGHOST", "PGPORT", "PGUSER", "PG_PRIVATE_DATA", "PG_PRIVATE_LOG", "PG_PRIVATE_MOVED")
DATABASE = "zapisd"


class InstanceError(Exception):
    pass


_RESERVED = []  # files whose locks say that a port is this process's


def _reserve(port):
    """Whether the port is free, and no other test's: several run at once, and each closes what it found before its daemon opens it."""
    folder = pathlib.Path(tempfile.gettempdir(), "zapisd-ports-%d" % os.getuid())
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = open(folder / str(port), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as s:
            s.bind(("127.0.0.1", port))
    except OSError:
        lock.close()
        return False
    _RESERVED.append(lock)
    return True


def free_ports(n):
    """Below those that the kernel gives to whoever calls somebody: one of these may be taken at any moment. This process's to its end."""
    least = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if least < 12000:
        raise InstanceError("no ports are left below net.ipv4.ip_local_port_range: raise its lower end")
    ports, found = random.sample(range(10240, least), min(least - 10240, 500)), []
    while ports and len(found) < n:
        port = ports.pop()
        if _reserve(port):
            found.append(port)
    if len(found) < n:
        raise InstanceError("no free ports")
    return found


def _listens(pid, port):
    """Whether the socket that listens on this port is one of that process."""
    sockets = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path("/proc/%d/net" % pid, table).read_text().splitlines()[1:]:
            _, local, _, state, *more = line.split()
            if state == "0A" and int(local.rpartition(":")[2], 16) == port:
                sockets.add("socket:[%s]" % more[5])
    folder = "/proc/%d/fd" % pid
    for fd in os.listdir(folder):
        try:
            if os.readlink("%s/%s" % (folder, fd)) in sockets:
                return True
        except OSError:  # closed meanwhile
            pass
    return False


def _run(argv, env=None, what=None, **more):
    done = subprocess.run([str(a) for a in argv], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)
    if done.returncode:
        raise InstanceError("%s failed (%d):\n%s%s" % (what or argv[0], done.returncode, done.stdout, done.stderr))
    return done.stdout


class Instance:
    def __init__(self, directory, binary, ports=None, log_level="info", conninfo_more="", edit=None, templates=None):
        """edit: a function on the text of the configuration. ports: plain, smev2, admin; free ones when not given. templates: a folder
        where databases as up() makes them are kept, to be copied by the next."""
        self.dir = pathlib.Path(directory).resolve()
        self.binary = pathlib.Path(binary).resolve()
        self.plain_port, self.smev2_port, self.admin_port = ports or (0, 0, 0)
        self.log_level, self.conninfo_more, self.edit = log_level, conninfo_more, edit
        self.pki, self.conf, self.log = self.dir / "pki", self.dir / "zapisd.conf", self.dir / "zapisd.log"
        self.pid_file, self.env_file = self.dir / "zapisd.pid", self.dir / "env"
        self.pg, self.process = {}, None
        self.templates = templates and pathlib.Path(templates)

    # ---- database ------------------------------------------------------------------------------------------------

    def _pg_script(self, text, *args):
        env = dict(os.environ, **self.pg)
        return _run(["bash", "-c", '. "$0" && ' + text, LIB / "pg.sh", *args], env, "PostgreSQL")

    def start_database(self, options="", template=None):
        self.dir.mkdir(parents=True, exist_ok=True)
        self.pg = {"PG_PRIVATE_OPTIONS": options} if options else {}
        out = self._pg_script('PG_PRIVATE_TEMPLATE=$2; pg_private_start "$1" >&2 && env', self.dir, template or "")
        for line in out.splitlines():
            name, _, value = line.partition("=")
            if name in PG_NAMES:
                self.pg[name] = value
        lines = ["export %s=%s\n" % (n, shlex.quote(v)) for n, v in self.pg.items()]
        self.env_file.write_text("".join(lines) + "export PGDATABASE=%s\n" % DATABASE)

    def template(self):
        """The data directory of a cluster with the database in it, of this SQL and this hour (the demonstration offers slots from now on); made
        when it is missing, while others who want it wait. What is of another hour goes with time."""
        said = hashlib.sha256(time.strftime("%Y-%m-%d %H", time.gmtime()).encode())
        for file in (LIB / "pg.sh", *sorted(p for p in (SOURCE / "sql").rglob("*") if p.is_file())):
            said.update(b"%s %d\n" % (str(file).encode(), file.stat().st_size) + file.read_bytes())
        found = self.templates / said.hexdigest()[:24]
        self.templates.mkdir(parents=True, exist_ok=True)
        with open(self.templates / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not found.exists():
                for old in self.templates.iterdir():
                    if old.is_dir() and time.time() - old.stat().st_ctime > 3 * 3600:
                        shutil.rmtree(old)
                maker = Instance(self.templates / "maker", self.binary)
                shutil.rmtree(maker.dir, ignore_errors=True)
                try:
                    maker.start_database()
                    maker.create_database()
                    maker._pg_script('pg_private_run "$(pg_private_bin)/pg_ctl" -D "$PG_PRIVATE_DATA" -m fast -w stop >/dev/null')
                    made = found.with_suffix(".new")
                    shutil.rmtree(made, ignore_errors=True)
                    _run(["cp", "-a", "--reflink=auto", maker.pg["PG_PRIVATE_DATA"], made])
                    made.rename(found)
                finally:
                    maker.stop_database()
                    shutil.rmtree(maker.dir, ignore_errors=True)
        return found

    def adopt_database(self):
        """Takes over a database that an earlier process left running."""
        if not self.env_file.exists():
            raise InstanceError("no instance in %s" % self.dir)
        for line in self.env_file.read_text().splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            if name in PG_NAMES:
                self.pg[name] = shlex.split(value)[0] if value else ""

    def stop_database(self):
        if self.pg.get("PG_PRIVATE_DATA"):
            self._pg_script("pg_private_stop")
        self.pg = {}
        self.env_file.unlink(missing_ok=True)

    def conninfo(self, user="postgres", database=DATABASE):
        return "host=%s port=%s user=%s dbname=%s" % (self.pg["PGHOST"], self.pg["PGPORT"], user, database)

    def psql(self, sql, *options):
        return _run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *options, "-c", sql, self.conninfo()], what="psql")

    def connect(self, user="postgres"):
        import psycopg2
        connection = psycopg2.connect(self.conninfo(user))
        connection.autocommit = True
        return connection

    def create_database(self):
        """Made when it is missing; brought up to date in any case, the demonstration slots too."""
        exists = _run(["psql", "-XqAt", "-c", "select 1 from pg_database where datname = '%s'" % DATABASE, self.conninfo(database="postgres")])
        if not exists.strip():
            _run(["psql", "-Xq", "-c", 'create database "%s"' % DATABASE, self.conninfo(database="postgres")], what="create database")
        _run([self.binary, "migrate", "--conninfo", self.conninfo(), "--sql-dir", SOURCE / "sql", "--demo"], what="zapisd migrate")

    # ---- daemon --------------------------------------------------------------------------------------------------

    def ports_of_conf(self):
        """Those of the instance that runs or was last up here."""
        text = self.conf.read_text() if self.conf.exists() else ""
        found = dict(re.findall(r"^\[(?:listener )?(plain|smev2|admin)\][^[]*?^address = 127\.0\.0\.1:(\d+)$", text, re.M))
        if len(found) == 3:
            self.plain_port, self.smev2_port, self.admin_port = (int(found[x]) for x in ("plain", "smev2", "admin"))

    def ports_in_use(self):
        """Somebody else's daemon there would answer to our looking whether ours is ready."""
        used = []
        for port in (self.plain_port, self.smev2_port, self.admin_port):
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    used.append(port)
        return used

    def write_conf(self, conninfo=None):
        text = (SOURCE / "conf/demo/zapisd.conf").read_text()
        values = {"SOURCE": SOURCE, "CONTRACT": self.binary.parent / "contract", "PKI": self.pki, "LOG_LEVEL": self.log_level, "PLAIN": self.plain_port, "SMEV2": self.smev2_port,
                  "ADMIN": self.admin_port, "CONNINFO": conninfo or self.conninfo("zapisd_daemon") + self.conninfo_more}
        for name, value in values.items():
            text = text.replace("@%s@" % name, str(value))
        self.conf.write_text(self.edit(text) if self.edit else text)

    def start_daemon(self, env=None, wait=True, wrapper=()):
        free = free_ports(3)
        self.plain_port, self.smev2_port, self.admin_port = self.plain_port or free[0], self.smev2_port or free[1], self.admin_port or free[2]
        self.write_conf()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*wrapper, str(self.binary), "run", "--config", str(self.conf)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True, cwd="/", env=dict(os.environ, **(env or {})))
        self.pid_file.write_text("%d\n" % self.process.pid)
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds=PATIENT_S):
        """Until our own daemon says so: whoever else has its port says nothing about it."""
        deadline, last = time.monotonic() + seconds, "no answer"
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                others = self.ports_in_use()
                raise InstanceError("the daemon ended with status %d%s:\n%s" % (
                    self.process.returncode, "; another process listens on %s" % ", ".join(map(str, others)) if others else "", self.log_tail()))
            try:
                status, last = self.admin("/readyz")
                if status == 200 and self.listens():
                    return
                if status == 200:
                    last = "another process answers on port %d" % self.admin_port
            except OSError:  # nobody answers, or the process has just ended
                pass
            time.sleep(0.02)
        raise InstanceError("not ready within %d s: %s\n%s" % (seconds, last, self.log_tail()))

    def listens(self):
        """Whether the socket on the port of readiness is our daemon's."""
        pid = self.pid()
        return pid is not None and _listens(pid, self.admin_port)

    def admin(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=PATIENT_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metric(self, name):
        """The sum of all samples of a metric that have these labels, as Prometheus selects: NAME or NAME{label="value",…}."""
        name, _, labels = name.rstrip("}").partition("{")
        wanted, total = set(filter(None, labels.split(","))), 0.0
        for line in self.admin("/metrics")[1].splitlines():
            sample, _, value = line.rpartition(" ")
            own, _, labels = sample.rstrip("}").partition("{")
            if own == name and wanted <= set(labels.split(",")):
                total += float(value)
        return total

    def pid(self):
        """The daemon's process, or None when it has ended."""
        if self.process is not None:
            return self.process.pid if self.process.poll() is None else None
        try:
            pid = int(self.pid_file.read_text())
            executable = os.readlink("/proc/%d/exe" % pid).removesuffix(" (deleted)")
        except (OSError, ValueError):
            return None
        return pid if executable == str(self.binary) else None

    def stop_daemon(self, how=signal.SIGTERM, seconds=PATIENT_S):
        """Returns the exit status when it was our child."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, how)
            deadline = time.monotonic() + seconds
            while self.pid() is not None:
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                    raise InstanceError("the daemon did not end within %d s" % seconds)
                time.sleep(0.01)
        self.pid_file.unlink(missing_ok=True)
        return self.process.wait() if self.process is not None else None

    def log_tail(self, lines=30):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    # ---- whole ---------------------------------------------------------------------------------------------------

    def up(self):
        self.dir.mkdir(parents=True, exist_ok=True)
        _run(["bash", LIB / "pki.sh", self.pki], what="test PKI")
        template = self.template() if self.templates else None
        self.start_database(template=template)
        if template is None:
            self.create_database()
        self.start_daemon()

    def down(self):
        try:
            self.stop_daemon()
        finally:
            self.stop_database()

    def client(self, kind="smev2", who="portal", **more):
        import smev2client
        if kind == "plain":
            return smev2client.Client(self.url("plain"), **more)
        recipient = more.setdefault("recipient", "AAAA00001")
        agency = {"AAAA00001": "agency-a.pem", "BBBB00002": "agency-b.pem"}.get(recipient)
        return smev2client.Client(self.url("smev2"), self.pki / (who + ".key"), self.pki / (who + ".pem"), self.pki / "ca.pem",
                                  smev_key=self.pki / "smev.key", smev_cert=self.pki / "smev.pem",
                                  expect_signer=self.pki / agency if agency else None, **more)

    def url(self, kind):
        return "http://127.0.0.1:%d/equeue" % (self.plain_port if kind == "plain" else self.smev2_port)

    def describe(self):
        return """plain        {0}?wsdl   (no signature)
smev2        {1}?wsdl   (signed SMEV 2 messages)
metrics      http://127.0.0.1:{2}/metrics /livez /readyz
keys         {3}: ca portal smev agency-a agency-b (.key .pem)
sender       PGU001001; SMEV itself SMEV00001
recipients   AAAA00001 (R7700018, Europe/Moscow: hall-1 room-11 room-12; services 10000593393 10000593394)
             BBBB00002 (R4100001, Asia/Kamchatka: window-1; service 10000593393)
log, pid     {4} {5}""".format(self.url("plain"), self.url("smev2"), self.admin_port, self.pki, self.log, self.pid_file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=("up", "down"))
    parser.add_argument("--dir", required=True)
    parser.add_argument("--binary", default=SOURCE / "build/zapisd")
    parser.add_argument("--ports", help="plain, smev2, admin; 0 is a free one")
    parser.add_argument("--usual-ports", default="0,0,0", help="where --ports says nothing")
    parser.add_argument("--daemon-only", action="store_true")
    args = parser.parse_args()
    try:
        ports = [int(p) for p in (args.usual_ports if args.ports is None else args.ports).split(",")]
        if len(ports) != 3 or not all(0 <= p < 65536 for p in ports):
            raise ValueError
    except ValueError:
        parser.error("--ports %s: expected three numbers with commas between them, such as 8190,8191,8192" % args.ports)
    instance = Instance(args.dir, args.binary, ports)
    try:
        if args.command == "up":
            running = instance.pid() is not None
            if running or args.daemon_only and args.ports is None:
                instance.ports_of_conf()
            used = [] if running else instance.ports_in_use()
            if running:
                print("the daemon is running already", file=sys.stderr)
            elif used:
                raise InstanceError("in use on 127.0.0.1: %s; other ports: ./dev up --ports 8190,8191,8192 (or 0,0,0: free ones)"
                                    % ", ".join(map(str, used)))
            elif args.daemon_only:
                instance.adopt_database()
                instance.start_daemon()
            else:
                try:
                    instance.up()
                except BaseException:
                    instance.down()
                    raise
            print(instance.describe(), flush=True)
        else:
            if instance.env_file.exists():
                instance.adopt_database()
            instance.down()
    except InstanceError as e:
        print("instance: %s" % e, file=sys.stderr)
        return 1
    except BrokenPipeError:  # ./dev up | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
