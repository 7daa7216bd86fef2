# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What honest reads feel of twelve connections that send a megabyte of noise each, as fast as it is refused (J4), beside the same reads
undisturbed, alternating in one run.

Run by itself it is the noise: junk.py PORT. Sender and service share the processors, so part of what is lost is the sender's own.
"""
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import threading

CONNECTIONS = 12
BODY = os.urandom(1000000)
MESSAGE = b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


class Junk:
    def __init__(self, bench):
        self.bench, self.instance = bench, bench.instance

    def run(self, rounds):
        free, beside = [], []
        name = "zapisd_journal_dropped_total"
        before = self.instance.metric(name)
        for _ in range(rounds):
            free.append(self.bench.load("getslots"))
            junk = subprocess.Popen([sys.executable, "-B", str(pathlib.Path(__file__).resolve()), str(self.instance.plain_port)], stdout=subprocess.PIPE, text=True)
            try:
                junk.stdout.readline()  # the first one was refused
                beside.append(self.bench.load("getslots"))
            finally:
                junk.kill()
                junk.wait()
        out = {"junk_lost": self.instance.metric(name) - before}
        for key in ("rps", "p99_ms"):
            out["junk_twin_" + key], out["junk_" + key] = (statistics.median(r[key] for r in rows) for rows in (free, beside))
        out["junk_ratio"] = out["junk_rps"] / out["junk_twin_rps"]
        return out

    @staticmethod
    def tell(out):
        print("getSlots beside %d connections of junk: %.0f per s (undisturbed %.0f, ratio %.2f), p99 %.1f ms (%.1f); %d lost"
              % (CONNECTIONS, out["junk_rps"], out["junk_twin_rps"], out["junk_ratio"], out["junk_p99_ms"], out["junk_twin_p99_ms"], out["junk_lost"]))


def throw(port):
    is_first = True
    while True:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
            s.sendall(MESSAGE)
            s.recv(65536)
        if is_first:
            print("refused", flush=True)
        is_first = False


if __name__ == "__main__":
    for _ in range(CONNECTIONS):
        threading.Thread(target=throw, args=(int(sys.argv[1]),)).start()
