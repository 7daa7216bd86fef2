#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The same message again (B6, C7): what it costs the journal when somebody has captured it (J1, L3), and what it is told when the first
one's outcome was not known. The oracle is the bytes that came back and the tables."""
import base64
import hashlib
import os
import random
import re
import threading
import time

import e2e
from e2e import E2E, MOSCOW, SERVICE, PATIENT_S, new_id

from smev2client import Fault

SEED = int(os.environ.get("ZAPISD_SEED", random.randrange(2 ** 32)))
BODY_MAX = 1 << 20
AROUND = 64 << 10  # octets around the signed ones that a toolkit may need, and eight times these


def in_header(filler):
    """Behind the start tag of soap:Header, or before its end tag: nobody's signature is there."""
    def edit(message, rng):
        room = rng.randrange(AROUND * 3, BODY_MAX - 64 * 1024) - len(message)
        text = filler(room, rng)
        start, end = re.search(rb"<soap:Header[^>]*>", message).end(), message.index(b"</soap:Header>")
        at = rng.choice((start, end))
        return message[:at] + text + message[at:]
    return edit


def in_body(filler):
    """Where the signature is, but no digest covers it: behind the start tag of soap:Body, or in the middle of a value."""
    def edit(message, rng):
        room = rng.randrange(AROUND * 3, BODY_MAX - 64 * 1024) - len(message)
        at = rng.choice((re.search(rb"<soap:Body[^>]*>", message).end(), re.search(rb"Request [^>]*>", message).end(),
                         message.index(b"</smev:Code>") - 2))
        return message[:at] + filler(room, rng) + message[at:]
    return edit


def block(content):
    return b'<x:B xmlns:x="urn:x">' + content + b"</x:B>"


PADDING = {
    "blanks": in_header(lambda n, rng: bytes(rng.choice(b" \t\n") for _ in range(1000)) * (n // 1000)),
    "a block of noise": in_header(lambda n, rng: block(base64.b64encode(rng.randbytes(n * 3 // 4 - 100)))),
    "a block of comments": in_header(lambda n, rng: block(b"<!-- %d -->" % rng.getrandbits(60) * (n // 30))),
    "comments in the signed Body": in_body(lambda n, rng: b"<!-- %d -->" % rng.getrandbits(60) * (n // 30)),
    "many blocks": in_header(lambda n, rng: block(b"%020d" % rng.getrandbits(60) * 40) * (n // 900)),
    "long attributes": in_header(lambda n, rng: b"".join(b'<x:B xmlns:x="urn:x" n="%s"/>' % (b"%020d" % rng.getrandbits(60) * 1000)
                                                         for _ in range(n // 20100))),
}


class Captured(E2E):
    REPEATS_KIB = 600

    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[log]", "[limits]\nrepeats = %dKiB\nrefused_peer = 1MiB\n\n[log]" % cls.REPEATS_KIB)}

    def setUp(self):
        self.rng = random.Random(SEED)
        print("ZAPISD_SEED=%d" % SEED, flush=True)
        self.client = self.portal()

    def journal_bytes(self):
        return self.one("select coalesce(sum(octet_length(body)), 0) from data.journal") + self.one(
            "select coalesce(sum(octet_length(head) + octet_length(answer)), 0) from data.journal_refused")

    def booking(self):
        slot = self.free_slots(self.client)[0]["slotId"]
        message = self.client.envelope("book", self.client.book_items(new_id(), [slot], MOSCOW, False, services=[SERVICE]))
        return message, self.client.post(message)

    def eventually_kept(self, digest):
        deadline = time.monotonic() + 120
        while True:
            rows = self.sql("select octet_length(body), verdict, encode(sha256(body), 'hex') from data.journal where direction = 'in' and position(%s in verdict) > 0", digest)
            if rows:
                return rows[0]
            self.assertLess(time.monotonic(), deadline, "what surrounded the message is not told")
            time.sleep(0.05)

    def test_padding_is_not_kept(self):  # J1, L3
        """A megabyte around a captured message: its answer is that of the first time, and what is journalled is what was signed."""
        message, first = self.booking()
        self.assertEqual(self.client.read(first).status_code, "201")
        ask = [("organizationId", MOSCOW), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000")]
        old = self.client.envelope("getRefsList", [], Date="2020-01-01T00:00:00+03:00")
        body = re.search(rb"<soap:Body.*</soap:Body>", message, re.S)[0]
        for name, pad in PADDING.items():
            slots = self.client.envelope("getSlots", ask)
            for what, captured in (("book", message), ("getSlots", slots), ("old", old)):
                padded = pad(captured, self.rng)
                self.assertGreater(len(padded), AROUND + 8 * len(captured), name)
                before = self.journal_bytes()
                reply = self.client.post(padded)
                # Which is the last one is the machine's affair: a repeat's row may be written behind its answer, which is in the journal already.
                kept = self.eventually_kept(hashlib.sha256(padded).hexdigest())
                if what == "book":
                    self.assertEqual(reply.body, first.body, name)
                    self.assertEqual(kept[2], hashlib.sha256(body).hexdigest())  # the canonical Body: it was written so
                elif what == "getSlots":
                    self.assertEqual(self.client.read(reply).error_code, 0, name)
                else:
                    self.assertRaises(Fault, self.client.read, reply)
                self.assertLess(self.journal_bytes() - before, 3 * len(captured) + len(reply.body), (name, what))
                self.assertIn("%d octets" % len(padded), kept[1])

    def test_an_ordinary_repeat_is_kept_whole(self):  # J1
        message, first = self.booking()
        self.assertEqual(self.client.post(message).body, first.body)
        self.assertEqual(self.one("select count(*) from data.journal where direction = 'in' and body = %s", message), 2)
        self.assertEqual(self.one("select count(*) from data.journal where direction = 'out' and body = %s", first.body), 2)

    def test_a_message_adds_so_much_an_hour(self):  # J1, J4, L3
        """Beyond that a write's repeat still gets its bytes, which are in the journal already; a read, whose answer would have to be there, gets none."""
        message, first = self.booking()
        slots = self.client.envelope("getSlots", [("organizationId", MOSCOW), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000")])
        for captured, stored in ((message, first), (slots, None)):
            before, n, beyond = self.journal_bytes(), 0, 0
            size = len(captured) + len(self.client.post(captured).body)
            while beyond < 20:
                reply = self.client.post(captured)
                n += beyond == 0
                self.assertLess(n * size, 4 * self.REPEATS_KIB * 1024, "no end of it")
                if stored is not None:
                    self.assertEqual((reply.http_status, reply.body), (200, stored.body))
                    beyond = self.sql("select count(*) from data.journal_refused where reason = 'repeat'")[0][0]
                elif reply.http_status == 503:
                    self.assertRaises(Fault, self.client.read, reply)
                    beyond += 1
                else:
                    self.assertEqual((reply.http_status, beyond), (200, 0))
                    self.assertEqual(self.one("select count(*) from data.journal where direction = 'out' and body = %s", reply.body), 1)
            self.assertGreater(n * size, self.REPEATS_KIB * 1024)
            self.assertLess(self.one("select coalesce(sum(octet_length(body)), 0) from data.journal where digest = (select digest from data.journal "
                                     "where direction = 'in' and body = %s limit 1)", captured), (self.REPEATS_KIB * 1024) + 2 * size)
            self.assertLess(self.journal_bytes() - before, self.REPEATS_KIB * 1024 + (1 << 20) + 4 * size)
        # another message of the same sender is not touched
        self.assertEqual(self.client.read(self.client.post(self.client.envelope("getRefsList", []))).error_code, 0)


class Waiting(E2E):
    MANY, ELEMENTS, EACH_MIB = 24, 48000, 12

    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[daemon]", "[daemon]\nrequest_timeout = 600s").replace("[database]", "[database]\nstatement_timeout = 600s")}

    def peak_mib(self):
        with open("/proc/%d/status" % self.instance.pid()) as f:
            return int(re.search(r"VmHWM:\s+(\d+) kB", f.read())[1]) / 1024

    def test_what_waits_has_no_documents(self):  # L3
        """Captured messages, as many elements around them as may be, all of them verified and waiting for a lock: a document of one of them takes
        20 MiB, and only those in the hands of the workers have one."""
        client = self.portal()
        slot = self.free_slots(client)[0]["slotId"]
        messages = [client.envelope("book", client.book_items(new_id(), [slot], MOSCOW, False, services=[SERVICE])) for _ in range(self.MANY)]
        padding = block(b"<a b='1'/>" * self.ELEMENTS)
        padded = [m.replace(b"</soap:Header>", padding + b"</soap:Header>") for m in messages]
        self.assertLess(max(map(len, padded)), BODY_MAX)
        client.post(padded.pop())  # what one costs, and what the libraries take once
        base = self.peak_mib()
        lock = self.instance.connect()
        self.addCleanup(lock.close)
        lock.autocommit = False
        lock.cursor().execute("lock table data.message_seen in access exclusive mode")
        replies = []

        def send(message):
            other = self.instance.client(timeout=600)
            replies.append(other.post(message))
            other.close()
        threads = [threading.Thread(target=send, args=(m,)) for m in padded]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 300
        while self.instance.metric("zapisd_writes_waiting") + self.instance.metric("zapisd_lock_waiting") < len(padded) - 8:
            self.assertLess(time.monotonic(), deadline, "they do not wait")
            time.sleep(0.1)
        self.assertEqual(self.instance.metric("zapisd_requests_in_work"), len(padded))
        lock.rollback()
        for thread in threads:
            thread.join()
        self.assertEqual([r.http_status for r in replies], [200] * len(padded))
        self.assertLess(self.peak_mib() - base, self.EACH_MIB * len(padded))


class Uncertain(E2E):
    TIMEOUT_S = 3

    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[daemon]", "[daemon]\nrequest_timeout = %ds" % cls.TIMEOUT_S)}

    def test_a_commit_that_outlasts_its_time(self):  # B6, L1
        """The COMMIT goes on when nobody may wait for it any longer. The answer does not say that nothing was done; the repeat tells what was."""
        self.instance.psql("""
            create table public.gate (held boolean);
            insert into public.gate values (true);
            grant select on public.gate to public;
            create function public.commit_slowly() returns trigger language plpgsql as $$
            begin
                perform set_config('client_connection_check_interval', '0', true); -- a disk does not look who is there
                while exists (select from public.gate where held) loop
                    begin
                        perform pg_sleep(0.05);
                    exception when query_canceled then null; -- nor does it listen
                    end;
                end loop;
                return null;
            end $$;
            create constraint trigger slow after insert on data.booking deferrable initially deferred for each row execute function public.commit_slowly()""")
        client = self.portal(timeout=PATIENT_S)
        other = self.portal(timeout=PATIENT_S)
        slot = self.free_slots(client)[0]["slotId"]
        book_id = new_id()
        message = client.envelope("book", client.book_items(book_id, [slot], MOSCOW, False, services=[SERVICE]))
        with self.assertRaises(Fault) as fault:
            client.read(client.post(message))
        self.assertEqual(fault.exception.reply.http_status, 503)
        self.assertRegex(str(fault.exception), "неизвестно, выполнен ли запрос.*без изменений")
        self.assertNotRegex(str(fault.exception), "не успел|недоступен|не выполнен")
        self.assertIn("error=UNCERTAIN", self.instance.log.read_text(errors="replace"))
        self.assertEqual(self.one("select count(*) from data.booking where book_key = %s", book_id), 0)  # still on its way
        # Meanwhile: whoever asks hears that nothing can be said yet, and makes nothing.
        again = other.post(message)
        self.assertEqual(again.http_status, 503)
        self.sql("update public.gate set held = false")
        deadline = time.monotonic() + PATIENT_S
        while self.one("select count(*) from data.booking where book_key = %s", book_id) == 0:
            self.assertLess(time.monotonic(), deadline, "the COMMIT never ended")
            time.sleep(0.05)
        reply = other.post(message)
        self.assertEqual((reply.http_status, other.read(reply).status_code), (200, "201"))
        self.assertEqual(client.post(message).body, reply.body)
        self.assertEqual(self.one("select count(*) from data.booking where book_key = %s", book_id), 1)
        self.assertEqual(self.one("select count(*) from data.journal where direction = 'out' and body = %s and status = '201'", reply.body), 1)


if __name__ == "__main__":
    e2e.main()
