# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A day with many closures (M8): so many rows of the outbox told to the portal over SMEV 2, while signed getSlots and book come at a steady rate; the
same rate without them before and behind it, in one run. Latency is counted from the instant a request was due.

Run by itself it is the portal: it signs what it answers, and verifies nothing (tests/e2e do), so that little is its own of what is measured.
"""
import os
import pathlib
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import gostfast  # noqa: E402
import smev2client  # noqa: E402
from instance import Instance, free_ports  # noqa: E402
from smev2client import EQ, REV, elements, now_text  # noqa: E402

ORGANIZATION, SERVICE, AGENCY, PORTAL = "R7700018", "10000593393", "AAAA00001", "PGU001001"
RATE = 20         # requests a second
CONNECTIONS = 16
QUIET_S = 8       # between two parts of the rows
WAY = ("\n[push %s]\nurl = http://127.0.0.1:%d/equeue/portal\nportal = %s\nservice_name = PguEqueue\nexchange_type = 2\nin_flight = %d\n")


class PushDrain:
    def __init__(self, work, binary, pushes, in_flight=8, portal_ms=0):
        self.directory = pathlib.Path(work) / "push"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.pushes, self.in_flight, self.portal_ms = pushes, in_flight, portal_ms
        self.port, = free_ports(1)
        self.portal = None
        self.instance = Instance(self.directory, binary, log_level="warning", edit=self.edit)

    def edit(self, text):
        return text + WAY % (AGENCY, self.port, PORTAL, self.in_flight)

    def start_portal(self):
        argv = [sys.executable, "-B", str(pathlib.Path(__file__).resolve()), str(self.port), str(self.instance.pki), str(self.portal_ms)]
        self.portal = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self.portal.stdout.readline()

    # ---- processor time ------------------------------------------------------------------------------------------

    @staticmethod
    def ticks_of(pids, with_children=()):
        """Of processes, and of the children of others, those that have ended too."""
        ticks = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, fields = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            if pid in pids or int(fields[1]) in with_children:
                ticks += int(fields[11]) + int(fields[12])
            elif pid in with_children:
                ticks += sum(int(f) for f in fields[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def cpu(self):
        server = int((pathlib.Path(self.instance.pg["PG_PRIVATE_DATA"]) / "postmaster.pid").read_text().split()[0])
        return {"daemon": self.ticks_of({self.instance.pid()}), "server": self.ticks_of((), {server}), "portal": self.ticks_of({self.portal.pid})}

    # ---- requests ------------------------------------------------------------------------------------------------

    def make_requests(self, n):
        """Half reads, half bookings; signed before they are wanted."""
        client = self.instance.client()
        client.key = gostfast.PrivateKey((self.instance.pki / "portal.key").read_text())
        who = [("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000")]
        out = []
        for i in range(n):
            method, items = ("getSlots", [("organizationId", ORGANIZATION), *who, ("serviceId", SERVICE)]) if i % 2 else (
                "book", client.book_items(str(uuid.uuid4()), self.slots[i % len(self.slots)], ORGANIZATION, False, services=[SERVICE]))
            body = client.envelope(method, items)
            out.append(b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nSOAPAction: \"%s\"\r\nContent-Length: %d\r\n\r\n" % (method.encode(), len(body)) + body)
        return out

    def ask(self, requests, until):
        """Puts them in at the rate until `until` says so or they are at an end; milliseconds of each."""
        took, due_at, waiting, idle = [], {}, {}, []
        started, sent = time.monotonic(), 0
        with selectors.DefaultSelector() as selector:
            for _ in range(CONNECTIONS):
                connection = socket.create_connection(("127.0.0.1", self.instance.smev2_port))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ)
                idle.append(connection)
            is_over = False
            while not is_over or waiting:
                now = time.monotonic()
                is_over = is_over or sent == len(requests) or until()
                if is_over and not waiting:
                    break
                while not is_over and idle and sent < len(requests) and started + sent / RATE <= now:
                    connection = idle.pop()
                    due_at[connection], waiting[connection] = started + sent / RATE, b""
                    connection.sendall(requests[sent])
                    sent += 1
                for key, _ in selector.select(60 if is_over else max(0, min(0.1, started + sent / RATE - time.monotonic())) if idle else 0.1):
                    connection = key.fileobj
                    data = waiting[connection] + connection.recv(1 << 20)
                    head = re.match(rb"HTTP/1.1 200 .*?content-length: (\d+)\r\n.*?\r\n\r\n", data, re.S | re.I)
                    if head is None and b"\r\n\r\n" in data or not data:
                        raise RuntimeError("not answered: %r" % data[:400])
                    waiting[connection] = data
                    if head is not None and len(data) >= head.end() + int(head.group(1)):
                        if b"errorCode>" in data and b"errorCode>0<" not in data:
                            raise RuntimeError("refused: %r" % data[-600:])
                        took.append(1000 * (time.monotonic() - due_at[connection]))
                        del waiting[connection]
                        idle.append(connection)
            for connection in idle:
                connection.close()
        return took

    # ---- phases --------------------------------------------------------------------------------------------------

    def phase(self, seconds, rows=0):
        """Of so many seconds; with rows, until they are told, and so many at most."""
        requests = self.make_requests(int(seconds * RATE))
        if rows:
            self.put_rows(rows)
        before = self.cpu()
        started = time.monotonic()
        until = self.drained() if rows else lambda: False
        took = self.ask(requests, until)
        lasted = time.monotonic() - started
        after = self.cpu()
        return took, lasted, {name: after[name] - before[name] for name in after}

    def put_rows(self, n):
        """A booking each, of which the agency has said something."""
        self.instance.psql("""
            insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, status_message, service_ids, channel, created_at, changed_at)
            select u, u, '1000000000', '%s', 'BOOKED', '201', 'день закрыт: авария в здании', '{}', 'portal', now(), now()
            from (select gen_random_uuid()::text as u from generate_series(1, %d)) as t;
            select count(*) from (select data.push(b) from data.booking as b where b.service_ids = '{}' and b.created_at = now()) as pushed""" % (ORGANIZATION, n))

    def open_rows(self):
        return int(self.instance.psql("select count(*) from data.outbox where state not in ('answered', 'dropped')"))

    def drained(self):
        """A function that is true when all is told; it looks now and then, in a thread of its own."""
        over = threading.Event()

        def look():
            while self.open_rows():
                time.sleep(0.25)
            over.set()
        threading.Thread(target=look, daemon=True).start()
        return over.is_set

    def run(self, rounds):
        try:
            self.instance.up()
            self.start_portal()
            self.instance.psql("update data.slot set capacity = 1000")
            self.slots = [s["slotId"] for s in self.instance.client().get_slots(ORGANIZATION, services=[SERVICE]).slots][:200]
            self.phase(3)
            quiet, drain, seconds, cpu, spent = [], [], 0.0, {}, {}
            for _ in range(rounds):
                took, lasted, usual = self.phase(QUIET_S)
                quiet += took
                n = self.pushes // rounds
                requests_s = max(60, n / 20)
                took, drain_s, all_of_it = self.phase(requests_s, n)
                if self.open_rows():
                    raise SystemExit("bench: the outbox is not empty after %d s" % requests_s)
                drain += took
                seconds += drain_s
                for name in usual:
                    cpu[name] = cpu.get(name, 0) + all_of_it[name] - usual[name] * drain_s / lasted
                    spent[name] = spent.get(name, 0) + all_of_it[name]
            took, _, _ = self.phase(QUIET_S)
            quiet += took
            n = self.pushes // rounds * rounds
            found = lambda times: {"p50_ms": statistics.median(times), "p99_ms": sorted(times)[len(times) * 99 // 100]}  # noqa: E731
            out = {"rows_s": n / seconds, "seconds": seconds, "n": n, "quiet": found(quiet), "drain": found(drain),
                   "cpu_ms": {name: 1000 * cpu[name] / n for name in cpu}, "share": {name: spent[name] / seconds for name in spent}}
            out["ratio"] = out["drain"]["p99_ms"] / out["quiet"]["p99_ms"]
            out["deliveries"] = self.instance.metric("zapisd_push_attempts_total")
            return out
        finally:
            if self.portal is not None:
                self.portal.kill()
                self.portal.wait()
            self.instance.down()

    @staticmethod
    def tell(out):
        print("outbox: %d pushes told in %.0f s, %.0f/s, beside %d signed requests a second; of processor time a push takes %.2f ms of the daemon, %.2f ms of PostgreSQL, "
              "%.2f ms of the portal in Python" % (out["n"], out["seconds"], out["rows_s"], RATE, out["cpu_ms"]["daemon"], out["cpu_ms"]["server"], out["cpu_ms"]["portal"]))
        print("requests meanwhile: p50 %.1f ms, p99 %.1f ms; without pushes %.1f and %.1f; p99 times %.2f (at most 1.5). Of a processor: daemon %.2f, PostgreSQL %.2f, portal %.2f" % (out["drain"]["p50_ms"], out["drain"]["p99_ms"], out["quiet"]["p50_ms"], out["quiet"]["p99_ms"], out["ratio"],
                                        out["share"]["daemon"], out["share"]["server"], out["share"]["portal"]))


# ---- the portal --------------------------------------------------------------------------------------------------


class QuickPortal:
    def __init__(self, port, pki, delay_ms):
        self.delay_ms = delay_ms
        self.client = smev2client.Client("http://127.0.0.1/", pki / "portal.key", pki / "portal.pem")
        self.client.key = gostfast.PrivateKey((pki / "portal.key").read_text())
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(128)

    def answer(self, octets):
        text = octets.decode()
        said = lambda name: re.search(r"<(?:\w+:)?%s>([^<]*)</" % name, text).group(1)  # noqa: E731
        content = elements([("bookId", said("bookId")), ("esiaId", said("esiaId")), ("error", [("errorDetail", [("errorCode", 0), ("errorMessage", "ОК")])])])
        message = elements([("Sender", [("Code", PORTAL), ("Name", "ЕПГУ")]), ("Recipient", [("Code", AGENCY), ("Name", "Агентство")]), ("ServiceName", "PguEqueue"),
                            ("TypeCode", "GSRV"), ("Status", "RESULT"), ("Date", now_text()), ("ExchangeType", "2"), ("CaseNumber", said("CaseNumber"))], "smev")
        rev = re.search(r"http://smev.gosuslugi.ru/(rev\d+)", text).group(1)
        body = ('<eq:updateBookingDetailsResponse xmlns:eq="%s"><smev:Message xmlns:smev="%s">%s</smev:Message><smev:MessageData xmlns:smev="%s"><smev:AppData>%s</smev:AppData>'
                '</smev:MessageData></eq:updateBookingDetailsResponse>' % (EQ, REV[rev], message, REV[rev], content))
        signed = self.client.sign(body)
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(signed) + signed

    def serve(self):
        later = []  # (when, connection, answer)
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            came = {}
            while True:
                for key, _ in selector.select(max(0, later[0][0] - time.monotonic()) if later else None):
                    connection = key.fileobj
                    if connection is self.socket:
                        connection, _ = self.socket.accept()
                        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        selector.register(connection, selectors.EVENT_READ)
                        came[connection] = b""
                        continue
                    chunk = connection.recv(65536)
                    if not chunk:
                        selector.unregister(connection)
                        connection.close()
                        continue
                    data = came[connection] + chunk
                    head = re.search(rb"content-length: (\d+)\r\n(?:.*?\r\n)?\r\n", data, re.S | re.I)
                    came[connection] = data
                    if head is not None and len(data) >= head.end() + int(head.group(1)):
                        came[connection] = b""
                        later.append((time.monotonic() + self.delay_ms / 1000, connection, self.answer(data[head.end():])))
                while later and later[0][0] <= time.monotonic():
                    _, connection, answer = later.pop(0)
                    connection.sendall(answer)


if __name__ == "__main__":
    portal = QuickPortal(int(sys.argv[1]), pathlib.Path(sys.argv[2]), float(sys.argv[3]))
    portal.client.sign("<a/>")  # tables are made
    print("ready", flush=True)
    portal.serve()
