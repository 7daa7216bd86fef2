# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""An instance under faults: messages of every operation sent at once, several in one transaction, and a model of what must
hold whatever happened to the daemon meanwhile. Knows nothing of which fault it was."""
import contextlib
import dataclasses
import datetime
import hashlib
import http.client
import re
import shutil
import threading
import time

from e2e import BINARY, BUILD, MOSCOW, NAME, PATIENT_S, SERVICE, new_id

import smev2client
from faults import Board, points_of
from instance import Instance

GONE = (http.client.HTTPException, ConnectionError)  # a silence is none of them
UNCERTAIN = "Пока неизвестно".encode()
CONNECTIONS = 3  # two groups at once and one session for the rest: who does not find one shares


def conf(text):
    """A stop waits for its clients, however late the machine lets them take their answers: a drain that is broken off passes no point."""
    return (text.replace("[daemon]\n", "[daemon]\nrequest_timeout = 4s\n").replace("drain_timeout = 10s", "drain_timeout = %ds" % PATIENT_S)
            .replace("[database]\n", "[database]\nconnections = %d\nacquire_timeout = 2s\n" % CONNECTIONS))


@dataclasses.dataclass
class Message:
    name: str
    body: bytes
    port: str = "plain"
    book_id: str = None
    esia: str = None
    before: tuple = ()
    after: tuple = ()
    places: tuple = ()
    status: str = None       # statusCode of its answer; None: it has none
    is_write: bool = False
    is_junk: bool = False
    first: object = None     # what came the first time: a Reply, or None when the connection was closed
    answer: object = None    # and in the end
    known: bytes = None      # the answer it has had long before


def status_of(body):
    found = re.search(rb"statusCode>(\d+)<", body)
    return found[1].decode() if found else None


def content(body):
    """What is worth reading of an answer."""
    found = re.search(rb"<[^>]*statusCode>.*|<faultcode>.*", body, re.S)
    return (found[0] if found else body)[:600].decode(errors="replace")


class Lane:
    def __init__(self, number):
        directory = BUILD / "e2e" / ("%s-%d" % (NAME, number))
        shutil.rmtree(directory, ignore_errors=True)
        self.instance = Instance(directory, BINARY, log_level="debug", edit=conf)
        self.persons = 0

    def up(self):
        self.instance.dir.mkdir(parents=True)
        self.board = Board(self.instance.dir / "board", points_of(BINARY))
        self.instance.start_database()
        try:
            from instance import _run, LIB
            _run(["bash", LIB / "pki.sh", self.instance.pki], what="test PKI")
            self.instance.create_database()
            self.db = self.instance.connect()
            self.start()
            self.signed, self.plain = self.instance.client(), self.instance.client("plain")
            # Room for whatever is booked, however little of the day is left: beside the hall's, twenty places in each interval of a room.
            self.sql("update data.slot as s set capacity = 20 from data.area as a where a.area_key = s.area_key and a.area_id = 'room-11'"
                     " and s.organization_id = %s", MOSCOW)
            self.offered, self.slots = {}, iter(())
        except BaseException:
            self.down()
            raise

    def down(self):
        self.instance.down()

    def take_slot(self):
        """One that is free when the list is read; the list is read anew when it is used up."""
        slot = next(self.slots, None)
        if slot is None:
            soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)  # none begins while it waits in the list
            offered = [s for area in ("room-11", "hall-1") for s in self.plain.get_slots(MOSCOW, services=[SERVICE], areas=[area]).slots
                       if datetime.datetime.fromisoformat(s["visitTime"]) > soon]
            self.offered.update((s["slotId"], s) for s in offered)
            self.slots = iter([s["slotId"] for s in offered])
            slot = next(self.slots)
        return slot

    def sql(self, text, *args):
        with self.db.cursor() as cursor:
            cursor.execute(text, args)
            return cursor.fetchall() if cursor.description else None

    # ---- the daemon ----------------------------------------------------------------------------------------------------

    def is_up(self):
        return self.instance.pid() is not None

    def start(self):
        if not self.is_up():
            self.instance.start_daemon(env=self.board.env)

    def wait_dead(self, seconds=PATIENT_S):
        deadline = time.monotonic() + seconds
        while self.is_up():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    # ---- messages ------------------------------------------------------------------------------------------------------

    def _book(self, name, book_id, slot, before=(), after=("BOOKED",), preliminary=False, signed=True, esia=None):
        client = self.signed if signed else self.plain
        if esia is None:  # a person of its own: nobody has two visits at one time
            self.persons += 1
            esia = str(3000000000 + self.persons)
        body = client.envelope("book", client.book_items(book_id, slot, MOSCOW, preliminary, services=[SERVICE], esia_id=esia))
        return Message(name, body, "smev2" if signed else "plain", book_id, esia, before, after, (slot,), "201", True)

    def _update(self, old, slot):
        items = [("bookId", old.book_id), ("esiaId", old.esia),
                 ("timeslot", [(n, self.offered[slot][n]) for n in ("slotId", "organizationId", "areaId", "visitTime")]), ("status", [("statusCode", "201")])]
        return Message("update", self.signed.envelope("updateBookingDetails", items), "smev2", old.book_id, old.esia, ("BOOKED",), ("BOOKED", "BOOKED"),
                       (slot,), None, True)

    def prepare(self):
        """What is there before the fault, and the messages about it and about what is not there yet."""
        take = self.take_slot
        held, moved, updated, cancelled, old = [self._book("before", new_id(), take(), preliminary=k == 0) for k in range(5)]
        held.after = ("HELD",)
        for m in self.send_all([held, moved, updated, cancelled, old]):
            if m.first is None or status_of(m.first.body) != "201":
                raise AssertionError("could not be prepared: %s" % (m.first and content(m.first.body)))
        slot, twice = take(), self._book("twice", new_id(), take())
        cancel = self.signed.envelope("cancelBooking", [("bookId", cancelled.book_id), ("esiaId", cancelled.esia)])
        plain = lambda name, method, items: Message(name, self.plain.envelope(method, items))
        return [
            self._book("book", new_id(), take()),
            self._book("plain", new_id(), take(), signed=False),  # known by nothing but its content: done again, it is the same
            self._book("hold", new_id(), take(), after=("HELD",), preliminary=True),
            self._book("confirm", held.book_id, held.places[0], ("HELD",), ("HELD", "BOOKED"), esia=held.esia),
            self._book("move", moved.book_id, slot, ("BOOKED",), ("BOOKED", "BOOKED"), esia=moved.esia),
            self._update(updated, take()),
            Message("cancel", cancel, "smev2", cancelled.book_id, cancelled.esia, ("BOOKED",), ("BOOKED", "CANCELLED_APPLICANT"), (), "301", True),
            dataclasses.replace(old, name="replay", before=("BOOKED",), first=None, known=old.first.body),
            twice, dataclasses.replace(twice),
            plain("slots", "getSlots", [("organizationId", ["R4100001"]), ("userType", "QUALIFIED"), ("userKind", "PHYSIC"), ("esiaId", "1000000000"),
                                        ("serviceId", [SERVICE]), ("areaId", ["window-1"])]),
            plain("status", "getBookingStatus", [("bookId", old.book_id), ("esiaId", old.esia)]),
            plain("refs", "getRefsList", []),
            plain("attributes", "getRefAttributesList", [("refNames", ["organizations"])]),
            plain("items", "getRefItemsList", [("refName", "organizations"), ("treeFiltering", "ONELEVEL"), ("pageNum", 0), ("pageSize", 0)]),
            Message("signed refs", self.signed.envelope("getRefsList", []), "smev2"),
            Message("junk", b"<a/>", "smev2", is_junk=True),
        ]

    def primers(self):
        return [self._book("primer", new_id(), self.take_slot()) for _ in range(CONNECTIONS - 1)]

    # ---- sending -------------------------------------------------------------------------------------------------------

    def send(self, m):
        """Once, on a connection of its own; None: it was closed without an answer, or in the middle of one."""
        client = smev2client.Client(self.instance.url(m.port), timeout=PATIENT_S)
        try:
            return client.post(m.body)
        except GONE:
            return None
        finally:
            client.close()

    def begin(self, messages):
        def work(m):
            m.first = self.send(m)
        threads = [threading.Thread(target=work, args=(m,)) for m in messages]
        for t in threads:
            t.start()
        return threads

    def send_all(self, messages):
        for t in self.begin(messages):
            t.join()
        return messages

    def repeat(self, m):
        """The portal's patience: the same bytes until there is an answer that is none of our troubles."""
        deadline = time.monotonic() + PATIENT_S
        while True:
            reply = self.send(m)
            if reply is not None and reply.http_status == 200:
                return reply
            if time.monotonic() > deadline:
                raise AssertionError("%s: no answer, the last was %s" % (m.name, reply and (reply.http_status, reply.body)))
            time.sleep(0.02)

    @contextlib.contextmanager
    def locked(self, *statements):
        """Somebody holds what is named until the end; (text, parameters) each."""
        holder = self.instance.connect()
        holder.autocommit = False
        try:
            for text, *args in statements:
                holder.cursor().execute(text, args)
            yield holder
        finally:
            holder.close()

    def wait_for_locks(self, n, seconds=0.06):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.sql("select count(*) from pg_stat_activity where usename = 'zapisd_daemon' and wait_event_type = 'Lock'")[0][0] >= n:
                return True
            time.sleep(0.002)
        return False

    # ---- the model -----------------------------------------------------------------------------------------------------

    def states(self, ids):
        rows = self.sql("select book_key, string_agg(new_state::text, ' ' order by history_id) from data.booking_history where book_key = any(%s) group by 1", ids)
        return {key: tuple(text.split()) for key, text in rows}

    def unjournalled(self, bodies):
        digests = {hashlib.sha256(b).digest(): b for b in bodies}
        rows = self.sql("select sha256(body) from data.journal where direction = 'out' and written_at > now() - interval '5 minutes' and sha256(body) = any(%s)",
                        list(digests))
        kept = {bytes(r[0]) for r in rows}
        return [b for d, b in digests.items() if d not in kept]

    def judge_first(self, messages):
        """Before anything is sent again: what was said stands, what was refused for our troubles' sake does not (J4, B6)."""
        lost = self.unjournalled(m.first.body for m in messages if m.first is not None and m.first.http_status == 200)
        if lost:
            raise AssertionError("answers that left are not in the journal: %s" % lost[:2])
        states = self.states([m.book_id for m in messages if m.is_write])
        for m in messages:
            if not m.is_write:
                continue
            state = states.get(m.book_id, ())
            if state not in (m.before, m.after):
                raise AssertionError("%s: half an effect: %s" % (m.name, state))
            if m.first is not None and m.first.http_status == 200 and state != m.after:
                raise AssertionError("%s was answered, and its effect is not there: %s %s" % (m.name, state, m.first.body))
            sure = m.first is not None and m.first.http_status != 200 and UNCERTAIN not in m.first.body
            if sure and m.name not in ("twice", "replay") and state != m.before:
                raise AssertionError("%s was refused, and its effect is there: %s %s" % (m.name, state, m.first.body))

    def judge_end(self, messages):
        """All have been sent again and answered (B2, B4, B6, J1)."""
        lost = self.unjournalled(m.answer.body for m in messages if m.answer is not None)
        if lost:
            raise AssertionError("answers are not in the journal: %s" % lost[:2])
        ids = [m.book_id for m in messages if m.is_write]
        states = self.states(ids)
        places = dict(self.sql("select book_key, array_agg(slot_id::text) from data.place where book_key = any(%s) group by 1", ids))
        for m in messages:
            if not m.is_write:
                continue
            said = status_of(m.answer.body)
            if m.status != (said if m.status else None):
                raise AssertionError("%s: %s" % (m.name, content(m.answer.body)))
            if states.get(m.book_id) != m.after or tuple(places.get(m.book_id, ())) != m.places:
                raise AssertionError("%s: %s at %s" % (m.name, states.get(m.book_id), places.get(m.book_id)))
            earlier = m.known or (m.first.body if m.first is not None and m.first.http_status == 200 else None)
            if earlier is not None and earlier != m.answer.body:
                raise AssertionError("%s: the repeat gets other bytes: %s, first %s" % (m.name, m.answer.body, earlier))
        twice = [m.answer.body for m in messages if m.name == "twice"]
        if len(set(twice)) > 1:
            raise AssertionError("one message, two answers: %s" % twice)

    def judge_rest(self):
        """Nothing is in work, no session hangs in a transaction, nobody waits."""
        deadline = time.monotonic() + PATIENT_S
        while True:
            busy = self.instance.metric("zapisd_requests_in_work") + self.instance.metric("zapisd_journal_waiting")
            hung = self.sql("select state, wait_event_type, query from pg_stat_activity where usename = 'zapisd_daemon' and state <> 'idle'")
            if busy == 0 and not hung:
                return
            if time.monotonic() > deadline:
                raise AssertionError("not at rest: %s in work, sessions %s" % (busy, hung))
            time.sleep(0.01)

    def judge_all(self):
        """The whole database, at the end of all."""
        checks = (
            ("more than its capacity", """select s.slot_id from data.slot s join data.place p using (slot_id) group by s.slot_id, s.capacity
                having count(*) > s.capacity"""),
            ("a live booking without its place", """select b.book_key from data.booking b where b.state in ('BOOKED', 'HELD')
                and not exists (select from data.place p where p.book_key = b.book_key) and coalesce(b.hold_until > now(), true)"""),
            ("a place of a dead booking", """select p.book_key from data.place p join data.booking b using (book_key)
                where b.state in ('CANCELLED_APPLICANT', 'CANCELLED_AGENCY', 'CANCELLED', 'REFUSED', 'RETURNED', 'EXPIRED')"""),
            ("a booking without its history", """select b.book_key from data.booking b where not exists
                (select from data.booking_history h where h.book_key = b.book_key and h.new_state = b.state)"""),
            ("an effect whose answer is not in the journal", """select h.book_key from data.booking_history h where h.journal_id is not null
                and not exists (select from data.journal j where j.journal_id = h.journal_id and j.direction = 'out')"""),
        )
        for what, query in checks:
            found = self.sql(query)
            if found:
                raise AssertionError("%s: %s" % (what, found[:5]))

    def shared(self):
        """Transactions with the effects of several messages."""
        return self.sql("select count(*) from (select from data.booking_history group by xmin::text having count(distinct book_key) > 1) as t")[0][0]
