#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Memory and descriptors that strangers want all of: bounded in sum, told of, given back; others are served (L3, L4)."""
import pathlib
import re
import resource
import select
import socket
import time

import e2e
from e2e import E2E, MOSCOW, SERVICE, new_id

MIB = 1 << 20
CLIENTS = 1500


class Crush(E2E):
    def rss(self):
        text = pathlib.Path("/proc/%d/status" % self.instance.pid()).read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024

    def metrics(self):
        return dict(re.findall(r"(?m)^(zapisd_\S+) (\S+)$", self.instance.admin("/metrics")[1]))

    def wait_for(self, condition, what, seconds=120):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

    def book_one(self, slots):
        reply = self.portal("plain", timeout=120).book(new_id(), slots.pop()["slotId"], MOSCOW, False, services=[SERVICE])
        self.assertEqual(reply.status_code, "201")


class Memory(Crush):
    """1,500 connections, each with all of a request but its last byte, and 400 that take no answer."""

    MAX = 16 * MIB

    @classmethod
    def options(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < 2 * CLIENTS + 200:
            raise e2e.unittest.SkipTest("too few descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * CLIENTS + 200), hard))
        return {"edit": lambda text: text.replace("[log]", "[limits]\nbuffers_max = %dMiB\n\n[log]" % (cls.MAX // MIB))}

    def crush(self, message, n, watch, most_left):
        """n connections send the message as far as they are let, until no more than so many are left and those have heard nothing for a while:
        what a slow daemon has not read yet is no verdict. Returns how many were told 503, how many were cut, and who is left."""
        poll, left, told, cut = select.epoll(), {}, 0, 0
        for _ in range(n):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", self.instance.plain_port))
            poll.register(s, select.EPOLLOUT | select.EPOLLIN)
            left[s.fileno()] = [s, memoryview(message)]
        deadline, rounds = time.monotonic() + 240, 0
        while left and time.monotonic() < deadline:
            events = poll.poll(0.5)
            rounds += 1
            if rounds % 50 == 0:
                watch()
            if not events and len(left) <= most_left and not any(entry[1] for entry in left.values()):
                break  # all is said, and nobody has anything to add
            for fd, event in events:
                s, rest = left[fd]
                try:
                    if event & select.EPOLLIN:
                        answer = s.recv(200)
                        told += answer.startswith(b"HTTP/1.1 503")
                        cut += not answer.startswith(b"HTTP/1.1 503")
                        raise ConnectionError
                    left[fd][1] = rest[s.send(rest):]
                    if not left[fd][1]:
                        poll.modify(fd, select.EPOLLIN)
                except BlockingIOError:
                    pass
                except OSError as e:
                    cut += not isinstance(e, ConnectionError) or e.errno is not None
                    poll.unregister(fd)
                    s.close()
                    del left[fd]
        self.assertLess(time.monotonic(), deadline, "%d connections keep what they have sent" % len(left))
        return told, cut, [entry[0] for entry in left.values()]

    def look(self):
        now = self.metrics()
        self.assertLessEqual(float(now["zapisd_net_bytes_highest"]), self.MAX + 2 * MIB)
        self.assertLessEqual(self.rss() - self.idle, self.MAX + 40 * MIB)
        if self.slots:
            self.book_one(self.slots)

    def test_unfinished_requests(self):
        head = b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n"
        body = b"x" * 100000
        chunked = b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [body[i:i + 997] for i in range(0, len(body), 997)])
        for name, message in (("plain", b"Content-Length: %d\r\n\r\n" % (len(body) + 1) + body), ("chunked", chunked)):
            self.slots = self.free_slots(self.portal("plain"))[:12]
            self.idle = self.rss()
            before = float(self.metrics()["zapisd_net_given_back_total"])
            told, cut, open_still = self.crush(head + message, CLIENTS, self.look, (self.MAX + 2 * MIB) // len(body))
            self.look()
            self.assertGreater(float(self.metrics()["zapisd_net_given_back_total"]), before, name)
            self.assertGreaterEqual(told, CLIENTS // 2, (name, told, cut))
            self.assertLessEqual(len(open_still) * len(body), self.MAX + 2 * MIB)
            for s in open_still:
                s.close()
            self.wait_for(lambda: float(self.metrics()['zapisd_net_bytes{for="unfinished_requests"}']) == 0, "all given back")
            self.wait_for(lambda: self.rss() - self.idle < 16 * MIB, "the system has it back: %d MiB" % ((self.rss() - self.idle) // MIB))
        self.assertIn("no memory is left for unfinished requests", self.instance.log.read_text(errors="replace"))

    def test_answers_nobody_takes(self):
        """GET ?xsd, eight in a row, never read: the answers are bytes as well."""
        self.slots = []
        self.idle = self.rss()
        one = b"GET /equeue?xsd=equeue-types.xsd HTTP/1.1\r\nHost: a\r\n\r\n"
        sockets = []
        for i in range(400):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(("127.0.0.1", self.instance.plain_port))
            s.setblocking(False)
            try:
                s.send(one * 40)
            except OSError:
                pass
            sockets.append(s)
            if i % 50 == 0:
                self.look()
        self.look()
        self.book_one(self.free_slots(self.portal("plain"))[-3:])
        for s in sockets:
            s.close()
        self.wait_for(lambda: float(self.metrics()['zapisd_net_bytes{for="answers_not_taken"}']) < MIB, "all given back")


class FewDescriptors(Crush):
    """24 descriptors: fewer are served, the others are told, and the log says it before anybody asks."""

    def test_24_descriptors(self):
        self.instance.stop_daemon()
        self.instance.start_daemon(wrapper=("prlimit", "--nofile=24:24"))
        self.assertRegex(self.instance.log.read_text(errors="replace"), r"few-descriptors limit=24 wanted=\d+ connections=\d+")
        sockets = []
        for _ in range(60):
            s = socket.create_connection(("127.0.0.1", self.instance.plain_port), timeout=60)
            self.addCleanup(s.close)
            s.sendall(b"GET /equeue?wsdl HTTP/1.1\r\nHost: a\r\n\r\n")
            sockets.append(s)
        statuses = []
        for s in sockets:
            try:
                statuses.append(s.recv(12)[9:])
            except ConnectionError:
                statuses.append(b"reset")
        self.assertGreaterEqual(statuses.count(b"200"), 1, statuses)
        self.assertGreaterEqual(statuses.count(b"503"), 30, statuses)
        self.assertLessEqual(statuses.count(b"reset") + statuses.count(b""), 20, statuses)
        self.assertEqual(self.instance.admin("/livez")[0], 200)  # while they are all there
        refused = sum(float(n) for n in re.findall(r'zapisd_http_refused_total\{status="\d+",reason="[^"]*descriptor[^"]*"\} (\S+)', self.instance.admin("/metrics")[1]))
        self.assertGreaterEqual(refused, 30)
        self.assertRegex(self.instance.log.read_text(errors="replace"), "reason=\"[^\"]*descriptor")
        for s in sockets:
            s.close()
        client = self.portal("plain", timeout=60)
        self.wait_for(lambda: self.instance.admin("/readyz")[0] == 200, "ready")
        self.book_one(self.free_slots(client)[-3:])


class Places(Crush):
    """One address takes every place, renews what it loses and keeps nobody out; each that makes way is told of (L1, L3, L4)."""

    PLACES = 60

    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[log]", "[limits]\nconnections_max = %d\n\n[log]" % cls.PLACES)}

    def flood(self, sockets):
        """Until there are as many again as there are places; those that were cut are replaced."""
        for s in [s for s in sockets if select.select([s], [], [], 0)[0]]:
            sockets.remove(s)
            s.close()
        while len(sockets) < self.PLACES:
            s = socket.socket()
            s.bind(("127.0.0.2", 0))
            s.connect(("127.0.0.1", self.instance.plain_port))
            sockets.append(s)

    def made_way(self):
        found = re.search(r'zapisd_http_refused_total\{status="0",reason="a peer with fewer connections took the place"\} (\S+)', self.instance.admin("/metrics")[1])
        return float(found[1]) if found else 0

    def test_one_address_takes_every_place(self):
        slots = self.free_slots(self.portal("plain"))[:5]
        sockets = []
        for _ in range(5):
            self.flood(sockets)
            self.book_one(slots)
        self.assertGreaterEqual(self.made_way(), 1)
        self.assertRegex(self.instance.log.read_text(errors="replace"), 'connection-cut peer=127.0.0.2:\\d+ reason="a peer with fewer connections took the place"')
        self.assertNotRegex(self.instance.log.read_text(errors="replace"), "connection-cut peer=127.0.0.1:")
        for s in sockets:
            s.close()


if __name__ == "__main__":
    e2e.main()
