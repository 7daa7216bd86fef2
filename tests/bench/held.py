# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What others notice of a lock that somebody holds in psql (L1): bookings of one office while slots of another are locked and 40 clients
wait for them, beside the same bookings undisturbed, alternating in one run."""
import contextlib
import socket
import statistics
import threading
import uuid

from scale import envelope

WAITING = 40
HELD = {"held_slot": "update data.slot set is_closed = true where slot_id = '00000000-0000-1000-8000-ffff00000001'",
        "held_office": "update data.slot set is_closed = true where organization_id = 'R9900002'"}


def booking(n):
    slot = "00000000-0000-1000-8000-ffff%08x" % n
    return envelope("book", "<eq:bookId>%s</eq:bookId><eq:slotId>%s</eq:slotId><eq:organizationId>R9900002</eq:organizationId>"
                    "<eq:userType>QUALIFIED</eq:userType><eq:userKind>PHYSIC</eq:userKind><eq:esiaId>1</eq:esiaId>"
                    "<eq:preliminaryReservation>false</eq:preliminaryReservation>" % (uuid.uuid4(), slot)).encode()


class Held:
    def __init__(self, bench):
        self.bench, self.instance = bench, bench.instance

    @contextlib.contextmanager
    def waiting(self, name):
        """The lock, and clients who want what it is on, again and again until the end."""
        lock, stop = self.instance.connect(), threading.Event()
        lock.autocommit = False
        with lock.cursor() as cursor:
            cursor.execute(HELD[name])

        def client(i):
            while not stop.is_set():
                body = booking(1 if name == "held_slot" else 1 + i)
                with socket.create_connection(("127.0.0.1", self.instance.plain_port), timeout=60) as s:
                    s.sendall(b"POST /equeue HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nSOAPAction: \"book\"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                    s.settimeout(0.2)
                    while not stop.is_set():
                        with contextlib.suppress(TimeoutError):
                            s.recv(65536)
                            break

        threads = [threading.Thread(target=client, args=(i,)) for i in range(WAITING)]
        for t in threads:
            t.start()
        try:
            yield
        finally:
            stop.set()
            for t in threads:
                t.join()
            lock.rollback()
            lock.close()

    def run(self, rounds):
        out = {}
        for name in HELD:
            free, held = [], []
            for _ in range(rounds):
                free.append(self.bench.load("plain"))
                with self.waiting(name):
                    held.append(self.bench.load("plain"))
            median = lambda rows, key: statistics.median(r[key] for r in rows)
            out[name] = {"free_rps": median(free, "rps"), "held_rps": median(held, "rps"), "ratio": median(held, "rps") / median(free, "rps"),
                         "free_p99_ms": median(free, "p99_ms"), "held_p99_ms": median(held, "p99_ms")}
        return out
