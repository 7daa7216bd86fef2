#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A bounded crowd of TLS clients that only ever say hello: each opens a connection, sends one ClientHello and waits for
the answer (or leaves at once), then comes again. Loopback only. Used by the end-to-end tests and by the benchmarks.

    tlsflood.py PORT CROWD COUNT [--leave] [--from 127.0.0.2]     COUNT 0: until standard input ends
"""
import argparse
import selectors
import socket
import ssl
import sys
import threading
import time


def client_hello():
    """The octets of a ClientHello, made by Python's own library."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


class Flood:
    def __init__(self, port, crowd, count, leave=False, source="127.0.0.1"):
        self.port, self.crowd, self.count, self.leave, self.source = port, crowd, count, leave, source
        self.hello = client_hello()
        self.sent = self.answered = self.cut = 0
        self.selector = selectors.DefaultSelector()
        self.stop = threading.Event()

    def open(self):
        s = socket.socket()
        s.setblocking(False)
        s.bind((self.source, 0))
        s.connect_ex(("127.0.0.1", self.port))
        self.selector.register(s, selectors.EVENT_WRITE)

    def end(self, s):
        self.selector.unregister(s)
        s.close()
        if not self.count or self.sent < self.count:
            self.open()

    def turn(self, s, events):
        try:
            if events & selectors.EVENT_WRITE:
                s.send(self.hello)
                self.sent += 1
                if self.leave:
                    self.end(s)
                else:
                    self.selector.modify(s, selectors.EVENT_READ)
                return
            if s.recv(65536):
                self.answered += 1
            else:
                self.cut += 1
        except BlockingIOError:
            return
        except OSError:
            self.cut += 1
        self.end(s)

    def run(self, seconds=120):
        deadline = time.monotonic() + seconds
        for _ in range(self.crowd):
            self.open()
        while self.selector.get_map() and not self.stop.is_set() and time.monotonic() < deadline:
            for key, events in self.selector.select(0.2):
                self.turn(key.fileobj, events)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("crowd", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--leave", action="store_true")
    parser.add_argument("--from", dest="source", default="127.0.0.1")
    args = parser.parse_args()
    flood = Flood(args.port, args.crowd, args.count, args.leave, args.source)
    if not args.count:
        threading.Thread(target=lambda: (sys.stdin.read(), flood.stop.set()), daemon=True).start()
    flood.run()
    print("sent %d answered %d cut %d" % (flood.sent, flood.answered, flood.cut))


if __name__ == "__main__":
    main()
