# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Requests a second out of SMEV 3's queue, end to end (GetRequest, Ack, SendResponse, all signatures), beside the same requests as signed calls
over SMEV 2, in turns in one run (Q1). SMEV itself is the core of tests/lib, a Python program on the same machine: what it costs is told beside.
It does behind the clock what the caller over SMEV 2 does not do at all: it verifies each signature of the daemon; and, as he signs his
requests before the clock, so it makes ready what of its signatures does not depend on what is signed."""
import os
import pathlib
import re
import selectors
import shutil
import socket
import statistics
import time
import uuid

from instance import Instance
from smev3server import Trouble
from smev3world import Smev3

CONNECTIONS = 16
LARGE = 8
ORGANIZATION, SERVICE = "R7700018", "10000593393"


class QueueDrain:
    def __init__(self, work, binary, n=300):
        directory = pathlib.Path(work) / "queue"
        shutil.rmtree(directory, ignore_errors=True)
        self.n = n
        self.smev = Smev3((("main", "AAAA00001", "1.2", ("in_flight = %d" % CONNECTIONS,)),), directory, interval="50ms")
        self.instance = Instance(directory, binary, log_level="warning", edit=self.smev.edit)

    def cpu_s(self):
        fields = pathlib.Path("/proc/%d/stat" % self.instance.pid()).read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def requests(self, slots):
        """Half reads, half bookings of places of their own: [(method, items)]."""
        who = [("bookId", "none"), ("esiaId", "1000000000")]
        book = self.smev.portal.bare.book_items
        return [("getBookingStatus", who) if i % 2 else ("book", book(str(uuid.uuid4()), next(slots), ORGANIZATION, False, services=[SERVICE]))
                for i in range(self.n)]

    def over_smev2(self, requests):
        client = self.instance.client()
        ready = []
        for method, items in requests:
            body = client.envelope(method, items)
            ready.append(b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nSOAPAction: \"%s\"\r\nContent-Length: %d\r\n\r\n"
                         % (method.encode(), len(body)) + body)
        started, cpu = time.monotonic(), self.cpu_s()
        with selectors.DefaultSelector() as selector:
            left, done, waiting = iter(ready), 0, {}
            for _ in range(CONNECTIONS):
                connection = socket.create_connection(("127.0.0.1", self.instance.smev2_port))
                connection.sendall(next(left))
                waiting[connection] = b""
                selector.register(connection, selectors.EVENT_READ)
            while done < len(ready):
                for key, _ in selector.select(60):
                    connection = key.fileobj
                    data = waiting[connection] + connection.recv(1 << 20)
                    head = re.match(rb"HTTP/1.1 200 .*?content-length: (\d+)\r\n.*?\r\n\r\n", data, re.S | re.I)
                    if head is None and b"\r\n\r\n" in data or not data:
                        raise RuntimeError("not answered: %r" % data[:400])
                    waiting[connection] = data
                    if head is not None and len(data) >= head.end() + int(head.group(1)):
                        done, waiting[connection] = done + 1, b""
                        following = next(left, None)
                        if following is not None:
                            connection.sendall(following)
            for connection in waiting:
                connection.close()
        return {"rps": self.n / (time.monotonic() - started), "daemon_ms": (self.cpu_s() - cpu) / self.n * 1e3}

    def over_smev3(self, requests):
        messages = [self.smev.call(method, items, put=False) for method, items in requests]
        self.smev.core.key.make_ready(3 * len(messages))
        self.smev.core.unverified = []
        core = self.smev.server.cpu_s
        started, cpu = time.monotonic(), self.cpu_s()
        for message in messages:
            self.smev.core.submit(message)
        while not all(m.finals for m in messages):
            time.sleep(0.02)
        out = {"rps": self.n / (time.monotonic() - started), "daemon_ms": (self.cpu_s() - cpu) / self.n * 1e3,
               "core_ms": (self.smev.server.cpu_s - core) / self.n * 1e3}
        while not all(getattr(m, "acked", False) for m in messages):
            time.sleep(0.02)
        if self.smev.core.settle() < 3 * len(messages):  # GetRequest, Ack, SendResponse
            raise RuntimeError("there are fewer signatures than calls")
        return out

    def resident_mib(self):
        status = pathlib.Path("/proc/%d/status" % self.instance.pid()).read_text()
        return [int(re.search(name + r":\s+(\d+)", status).group(1)) / 1024 for name in ("VmRSS", "VmHWM")]

    def lag_ms(self):
        return 1000 * self.instance.metric('zapisd_loop_lag_seconds{window="max"}')

    def large(self, out):
        """Messages of 5 MiB, and of some 4,000 MIME parts, with honest ones between them: what the loop and the memory notice of a queue
        that is configured as usual, in a daemon that has had nothing else."""
        self.instance.stop_daemon()
        self.smev.queues = (("main", "AAAA00001", "1.2", ()),)
        self.instance.start_daemon()
        self.over_smev3([("getRefsList", [])] * 20)
        out["rss_mib"], _ = self.resident_mib()
        out["loop_lag_before_ms"] = self.lag_ms()
        self.smev.server.plan.keep("GetRequest", Trouble(mime="cxf"))
        portal, agency = self.smev.portal, self.smev.agency()
        wanted = [m for _ in range(LARGE) for m in (portal.poison("large", agency, head=False), portal.poison("parts", agency, head=False),
                                                    self.smev.call("getRefsList", []))]
        while not all(m.finals for m in wanted):
            time.sleep(0.02)
        out["large_rss_mib"], out["large_most_mib"] = self.resident_mib()
        out["loop_lag_max_ms"] = self.lag_ms()

    def run(self, rounds):
        try:
            self.instance.up()
            free = self.instance.client().get_slots(ORGANIZATION, services=[SERVICE]).slots
            slots = iter([s["slotId"] for s in free])
            rows = {"smev2": [], "smev3": []}
            self.over_smev3([("getRefsList", [])] * 20)
            for _ in range(rounds):
                rows["smev2"].append(self.over_smev2(self.requests(slots)))
                rows["smev3"].append(self.over_smev3(self.requests(slots)))
            out = {name: {key: statistics.median(r[key] for r in found) for key in found[0]} for name, found in rows.items()}
            out["ratio"] = out["smev3"]["rps"] / out["smev2"]["rps"]
            out["cpu_ratio"] = out["smev2"]["daemon_ms"] / out["smev3"]["daemon_ms"]
            self.large(out)
            return out
        finally:
            self.instance.down()
            self.smev.close()

    @staticmethod
    def tell(out):
        two, three = out["smev2"], out["smev3"]
        print("queue of SMEV 3: %.0f requests/s (daemon %.2f ms of CPU a request, SMEV's core in Python %.2f ms); the same over SMEV 2: %.0f/s "
              "(daemon %.2f ms); ratio %.2f (at least 0.3), by the daemon's processor time alone %.2f" % (three["rps"], three["daemon_ms"], three["core_ms"], two["rps"], two["daemon_ms"], out["ratio"],
                                               out["cpu_ratio"]))
        print("%d messages of 5 MiB and %d of 4,000 parts: loop lag at most %.1f ms (under 50; %.1f before them), resident %.1f MiB before, %.1f behind them, %.1f at most (under 64)"
              % (LARGE, LARGE, out["loop_lag_max_ms"], out["loop_lag_before_ms"], out["rss_mib"], out["large_rss_mib"], out["large_most_mib"]))
