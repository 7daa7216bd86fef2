# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What others feel of 10,000 connections that send all of a request but its last byte (L3), beside the same load undisturbed.

Run by itself it is the crowd: crush.py PORT N. Whoever is turned away comes again, a few hundred a second in all.
"""
import pathlib
import resource
import select
import socket
import statistics
import subprocess
import sys
import time

CROWD = 9900  # beside the load's own connections under connections_max
BODY = 64 * 1024
AGAIN_PER_S = 300
MESSAGE = (b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % BODY + b"x" * (BODY - 1))


class Crush:
    def __init__(self, bench):
        self.bench = bench

    def metric(self, name):
        return self.bench.instance.metric(name)

    def run(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        n = CROWD if hard == resource.RLIM_INFINITY or hard > CROWD + 1000 else max(hard - 1000, 100)
        twin, crushed = [], []
        for _ in range(self.bench.rounds):
            twin.append(self.bench.load("plain"))
            crowd = subprocess.Popen([sys.executable, "-B", str(pathlib.Path(__file__).resolve()), str(self.bench.instance.plain_port), str(n)],
                                     stdout=subprocess.PIPE, text=True)
            try:
                crowd.stdout.readline()  # all of them have been there once
                crushed.append(self.bench.load("plain"))
            finally:
                crowd.kill()
                crowd.wait()
        out = {"crush_connections": n, "crush_held_mib": self.metric("zapisd_net_bytes_highest") / 2**20}
        for key, value in (("rps", lambda r: r["rps"]), ("p99_ms", lambda r: r["p99_ms"])):
            out["crush_twin_" + key], out["crush_" + key] = (statistics.median(value(r) for r in rows) for rows in (twin, crushed))
        out["crush_rps_ratio"] = out["crush_rps"] / out["crush_twin_rps"]
        out["crush_p99_ratio"] = out["crush_p99_ms"] / out["crush_twin_p99_ms"]
        return out

    @staticmethod
    def tell(out):
        print("beside %d unfinished bodies: %.0f per s (undisturbed %.0f, ratio %.2f), p99 %.1f ms (%.1f, %.2f); at most %.0f MiB held"
              % (out["crush_connections"], out["crush_rps"], out["crush_twin_rps"], out["crush_rps_ratio"], out["crush_p99_ms"],
                 out["crush_twin_p99_ms"], out["crush_p99_ratio"], out["crush_held_mib"]))


def crowd(port, n):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    poll, left, wanted, began, told = select.epoll(), {}, n, time.monotonic(), False
    while True:
        for _ in range(min(wanted, 200)):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
            poll.register(s, select.EPOLLOUT | select.EPOLLIN)
            left[s.fileno()] = [s, memoryview(MESSAGE)]
            wanted -= 1
        if wanted == 0 and not told and (not any(rest for _, rest in left.values()) or time.monotonic() > began + 60):
            told = True
            print("there", flush=True)
        gone = 0
        for fd, event in poll.poll(0.2):
            s, rest = left[fd]
            try:
                if event & select.EPOLLIN:
                    raise ConnectionError
                left[fd][1] = rest[s.send(rest):]
                if not left[fd][1]:
                    poll.modify(fd, select.EPOLLIN)
            except BlockingIOError:
                pass
            except OSError:
                poll.unregister(fd)
                s.close()
                del left[fd]
                gone += 1
        if told and gone:
            wanted += gone
            time.sleep(gone / AGAIN_PER_S)


if __name__ == "__main__":
    crowd(int(sys.argv[1]), int(sys.argv[2]))
