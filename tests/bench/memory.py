# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What stays in the daemon's memory: behind 200,000 requests on 64 connections beside what there was behind a tenth of them, and with 10,000
connections that are open and say nothing. In an instance of its own, which nothing has filled on purpose before."""
import pathlib
import re
import resource
import shutil
import socket
import time

from instance import SOURCE, Instance
from scale import envelope

REQUESTS = 200000
IDLE = 10000
CONNECTIONS = 64


class Memory:
    def __init__(self, bench):
        self.bench = bench
        self.requests = REQUESTS // 10 if bench.args.quick else REQUESTS
        self.instance = Instance(bench.work / "memory", SOURCE / "build/zapisd", log_level="warning", edit=self.edit)

    @staticmethod
    def edit(text):
        return text + "\n[limits]\nconnections_max = %d\n" % (IDLE + 100)

    def resident_mib(self):
        status = pathlib.Path("/proc/%d/status" % self.instance.pid()).read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def busy(self, out):
        path = self.bench.work / "memory.messages"
        path.write_text(envelope("getRefsList", ""))
        done, early = 0, None
        while done < self.requests:
            row = self.bench.wrk(self.instance, self.instance.plain_port, path, CONNECTIONS, "getRefsList", "</eq:getRefsListResponse>", True)
            done += int(row["rps"] * self.bench.seconds)
            if early is None and done >= self.requests / 10:
                early = self.resident_mib()
        out.update(memory_requests=done, memory_early_mib=early, memory_late_mib=self.resident_mib())

    def idle(self, out):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        n = IDLE if hard == resource.RLIM_INFINITY or hard > IDLE + 1000 else max(hard - 1000, 100)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        crowd = []
        try:
            for _ in range(n):
                crowd.append(socket.create_connection(("127.0.0.1", self.instance.plain_port), timeout=60))
            fds = pathlib.Path("/proc/%d/fd" % self.instance.pid())
            deadline = time.monotonic() + 60
            while len(list(fds.iterdir())) < n and time.monotonic() < deadline:
                time.sleep(0.1)
            out.update(memory_idle=len(list(fds.iterdir())), memory_idle_mib=self.resident_mib())
        finally:
            for s in crowd:
                s.close()

    def run(self):
        shutil.rmtree(self.instance.dir, ignore_errors=True)
        out = {}
        try:
            self.instance.up()
            out["memory_start_mib"] = self.resident_mib()
            self.idle(out)
            self.busy(out)
        finally:
            self.instance.down()
            shutil.rmtree(self.instance.dir, ignore_errors=True)
        return out

    @staticmethod
    def tell(out):
        print("memory: %.1f MiB at the start, %.1f with %d idle connections; with %d that ask, %.1f MiB behind a tenth of %d requests, %.1f behind all"
              % (out["memory_start_mib"], out["memory_idle_mib"], out["memory_idle"], CONNECTIONS, out["memory_early_mib"], out["memory_requests"],
                 out["memory_late_mib"]))
