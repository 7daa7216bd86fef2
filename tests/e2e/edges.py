# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What the tests of the numbered edge cases share. Each case is a function edge_NN_*, named by its number in the list of edge cases,
printed by its name and title with its result; docs/conformance.md tells where each of them is. What a case expects comes from the
order and the resolutions A1-A34, never from what the daemon answers."""
import datetime
import sys
import time
import unittest

import e2e
from e2e import BINARY, E2E, MOSCOW, SERVICE, new_id
from instance import free_ports
from smev2client import Client

MOSCOW_ROOM, MOSCOW_ROOM_2 = "room-11", "room-12"


def at(text):
    """A time of the wire: with a numeric offset, never Z (A: formats)."""
    assert text[-6] in "+-" and text[-3] == ":", text
    return datetime.datetime.fromisoformat(text)


class Edges(E2E):
    """Three readers: the signed portal, a plain listener, and one with a lenient reading."""

    @classmethod
    def options(cls):
        cls.loose_port, = free_ports(1)

        def edit(text):
            text = text.replace("[trust]\n", "[trust]\nmessage_age_max = 0s\n", 1)  # case 3 has times of creation of its own
            text = text.replace("[listener plain]\n", "[listener plain]\nchannel = portal\n", 1)  # the portal is told of what it has booked itself
            text += "\n[listener loose]\nkind = plain\naddress = 127.0.0.1:%d\nreading = lenient\n" % cls.loose_port
            lines = text.split("\n")
            theirs = [line for line in lines if line.startswith("cert = ") and line.endswith("/portal-new.pem")]
            lines = [line for line in lines if line not in theirs]
            return "\n".join(lines) + "\n[sender PGU002002]\nname = ЕПГУ\nreading = lenient\n%s\n" % theirs[0]
        return {"edit": edit}

    @classmethod
    def setUpClass(cls):
        """No new slots while a case compares lists: the daemon's own generation is off, and what it had begun is over."""
        super().setUpClass()
        cls.instance.psql("update data.organization set horizon_days = 0")
        count = None
        while count != (now := cls.instance.psql("select count(*) from data.slot")):
            count = now
            time.sleep(0.5)

    def setUp(self):
        self.client = self.plain()
        self.person = str(6000000000 + int(new_id()[:7], 16))

    def plain(self):
        return self.portal("plain", timeout=60)

    def loose(self):
        client = Client("http://127.0.0.1:%d/equeue" % self.loose_port, timeout=60)
        self.addCleanup(client.close)
        return client

    def lenient_portal(self):
        return self.portal(who="portal-new", sender="PGU002002")

    # ---- saying it shortly -------------------------------------------------------------------------------------------

    def book(self, slot, book_id=None, preliminary=False, client=None, organization=MOSCOW, **more):
        more.setdefault("esia_id", self.person)
        return (client or self.client).book(book_id or new_id(), slot, organization, preliminary, **more)

    def hold(self, slot, book_id, **more):
        return self.book(slot, book_id, True, **more)

    def status(self, book_id, client=None):
        return (client or self.client).get_booking_status(book_id, self.person)

    def cancel(self, book_id, client=None):
        return (client or self.client).cancel_booking(book_id, self.person)

    def assert_reply(self, reply, status_code, error_code=0, fields=None):
        """The pair that says how it went (A32), and the bad fields where there are any."""
        if isinstance(reply, BaseException):
            raise reply
        self.assertEqual((reply.status_code, reply.error_code), (status_code, error_code), reply.values)
        if fields is not None:
            self.assertEqual(reply.fields, fields)
            for text in reply.texts("error/fieldErrors/FieldError/errorDetail/errorMessage"):
                self.assertRegex(text, "[а-яё]")
        return reply

    def later(self, slots, hours=3):
        """Those that are hours away at least: a hold does not outlive the start of its visit."""
        return [s for s in slots if at(s["visitTime"]).timestamp() > time.time() + hours * 3600]

    def slots(self, n, organization=MOSCOW, hours=3):
        """The earliest free slots for one, some hours away."""
        offered = self.later(self.free_slots(self.client, organization), hours)
        self.assertGreaterEqual(len(offered), n)
        return offered[:n]

    def neighbours(self, n, organization=MOSCOW):
        """n free slots of a room that follow each other without a gap."""
        offered = self.later(self.free_slots(self.client, organization))
        for i in range(len(offered) - n + 1):
            run = offered[i:i + n]
            if all(at(a["visitTime"]) + datetime.timedelta(minutes=int(a["duration"])) == at(b["visitTime"]) for a, b in zip(run, run[1:])):
                return run
        self.fail("no %d neighbours" % n)

    def offered(self, client=None, organization=MOSCOW, **more):
        reply = (client or self.client).get_slots(organization, **more)
        self.assertEqual(reply.error_code, 0, reply.values)
        return [s["slotId"] for s in reply.slots]

    # ---- what is in the database -------------------------------------------------------------------------------------

    def states(self, book_id):
        return [r[0] for r in self.sql("select new_state::text from data.booking_history where book_key = %s order by history_id", book_id)]

    def taken(self, book_id):
        return {str(r[0]) for r in self.sql("select slot_id from data.place where book_key = %s", book_id)}

    def pushed(self, book_id):
        """Status codes of what waits to be told to the portal, in order."""
        return [r[0] for r in self.sql("select payload #>> '{status,statusCode}' from data.outbox where book_key = %s order by outbox_id", book_id)]

    def end_hold(self, book_id, seconds):
        """An hour is too long to wait for: the end of a hold is put that many seconds from now. Returns it by our clock, which is the
        database's too."""
        return self.sql("""with ends as (select clock_timestamp() + make_interval(secs => %s) as at),
            places as (update data.place set hold_until = (select at from ends) where book_key = %s)
            update data.booking set hold_until = (select at from ends) where book_key = %s and state = 'HELD' returning hold_until""",
                        seconds, book_id, book_id)[0][0].timestamp()

    def put_back(self, slot, hours):
        """A visit that lies in the past is made by moving its slot there."""
        self.sql("update data.slot set starts_at = now() - make_interval(hours => %s), ends_at = now() - make_interval(hours => %s, mins => -15) "
                 "where slot_id = %s", hours, hours, slot)

    def office(self, organization, zone="Europe/Moscow", agency="AAAA00001", areas=("a",), window=60, service=SERVICE):
        """An office of the test's own, without slots."""
        self.sql("""insert into data.organization (organization_id, agency_code, name, time_zone, booking_window_days, phone)
            values (%s, %s, 'Отдел ' || %s, %s, %s, '+7 000 000-00-09')""", organization, agency, organization, zone, window)
        self.sql("insert into data.organization_service (organization_id, service_id) values (%s, %s)", organization, service)
        for n, area in enumerate(areas, 1):
            self.sql("insert into data.area (organization_id, area_id, number, name) values (%s, %s, %s, %s)", organization, area, n, area)
        self.sql("insert into data.area_service select area_key, organization_id, %s from data.area where organization_id = %s", service, organization)

    def add_slot(self, organization, wall, area="a", minutes=30):
        """A slot at a wall time of the organization ('2028-12-31 10:00'); its number."""
        return str(self.one("""insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at)
            select gen_random_uuid(), o.organization_id, a.area_key, %s::timestamp at time zone o.time_zone,
                %s::timestamp at time zone o.time_zone + make_interval(mins => %s)
            from data.organization as o join data.area as a using (organization_id)
            where o.organization_id = %s and a.area_id = %s returning slot_id""", wall, wall, minutes, organization, area))


class Loader(unittest.TestLoader):
    testMethodPrefix = "edge_"


def main():
    if not BINARY.exists():
        print("SKIP: %s was not built" % BINARY)
        sys.exit(77)
    unittest.main(verbosity=2, testLoader=Loader())
