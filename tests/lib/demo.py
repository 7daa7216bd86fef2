#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""./dev demo: one citizen's booking from the reference books to the cancellation, over signed SMEV 2 messages.

Says what each answer said and whether its signature held; the exit status is 0 only when everything did.
"""
import argparse
import shutil
import signal
import subprocess
import sys
import time
import uuid

from instance import Instance, InstanceError
from smev2client import Fault
from xmlsig import SignatureError

ORGANIZATION, SERVICE, ROOM = "R7700018", "10000593393", "room-11"  # a room serves one visitor at a time


class Play:
    def __init__(self, client):
        self.client, self.failed = client, []

    def step(self, title, call, *expectations):
        """expectations: (what, function of the reply that must be true)."""
        reply = None
        try:
            reply = call()
            wrong = [what for what, holds in expectations if not holds(reply)]
            signature = "good"
        except Fault as e:
            wrong, reply, signature = ["fault %s" % e], e.reply, "good"
        except (SignatureError, OSError) as e:
            wrong, signature = [str(e)], "BAD"
        status = reply.status_code if reply and reply.status_code else "-"
        seconds = "%.1f ms" % (reply.seconds * 1e3) if reply else "-"
        error = reply.error_code if reply and reply.error_code is not None else "-"
        print("%-34s status %-4s error %-3s %9s   signature %-4s  %s" % (title, status, error, seconds, signature,
                                                                    "ok" if not wrong else "WRONG: " + "; ".join(wrong)), flush=True)
        self.failed += wrong
        return reply


def play(client):
    p = Play(client)
    book_id = str(uuid.uuid4())
    code = lambda n: ("error %s" % n, lambda r: r.error_code == n)
    status = lambda s: ("status %s" % s, lambda r: r.status_code == s)
    result = ("frame: RESULT, from the agency to the portal", lambda r: r.frame.get("Status") == "RESULT"
              and r.frame["Sender"]["Code"] == client.recipient and r.frame["Recipient"]["Code"] == client.sender)

    p.step("getRefsList", client.get_refs_list, code(0), result, ("reference books", lambda r: len(r.records("refsList/RefInfo")) > 0))
    reply = p.step("getSlots", lambda: client.get_slots(ORGANIZATION, services=[SERVICE], areas=[ROOM]), code(0), result,
                   ("at least two free slots", lambda r: len(r.slots) >= 2),
                   ("in time order", lambda r: [s["visitTime"] for s in r.slots] == sorted(s["visitTime"] for s in r.slots)),
                   ("zone of the organization, never Z", lambda r: all(s["visitTime"].endswith("+03:00") for s in r.slots)))
    if p.failed:
        return p.failed, book_id
    print("%34s %d free, the first at %s" % ("", len(reply.slots), reply.slots[0]["visitTime"]))
    first, second = reply.slots[0]["slotId"], reply.slots[-1]["slotId"]
    services = {"services": [SERVICE]}
    p.step("book, preliminary (60 min)", lambda: client.book(book_id, first, ORGANIZATION, True, period=60, **services), code(0),
           status("201"), result, ("the end of the hold", lambda r: r.slots and r.slots[0].get("bookEndTime")))
    p.step("getSlots: the held one is gone", lambda: client.get_slots(ORGANIZATION, services=[SERVICE], areas=[ROOM]), code(0),
           ("not offered", lambda r: first not in [s["slotId"] for s in r.slots]))
    p.step("book, final", lambda: client.book(book_id, first, ORGANIZATION, False, **services), code(0), status("201"), result,
           ("no end of a hold", lambda r: r.slots and not r.slots[0].get("bookEndTime")))
    p.step("getBookingStatus", lambda: client.get_booking_status(book_id), code(0), status("201"),
           ("the slot", lambda r: [s["slotId"] for s in r.slots] == [first]))
    p.step("book: move to another slot", lambda: client.book(book_id, second, ORGANIZATION, False, **services), code(0), status("201"),
           ("the new slot", lambda r: [s["slotId"] for s in r.slots] == [second]))
    p.step("getSlots: the first one is back", lambda: client.get_slots(ORGANIZATION, services=[SERVICE], areas=[ROOM]), code(0),
           ("offered, the second not", lambda r: first in (ids := [s["slotId"] for s in r.slots]) and second not in ids))
    p.step("cancelBooking", lambda: client.cancel_booking(book_id), code(0), status("301"), result)
    p.step("getBookingStatus", lambda: client.get_booking_status(book_id), code(0), status("301"))
    return p.failed, book_id


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--binary", required=True)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped then too
    shutil.rmtree(args.dir, ignore_errors=True)
    instance = Instance(args.dir, args.binary)
    failed = ["did not get that far"]
    try:
        started = time.monotonic()
        instance.up()
        print("instance of its own, ready in %.1f s\n%s\n" % (time.monotonic() - started, instance.describe()))
        client = instance.client()
        failed, book_id = play(client)
        client.close()
        print("\nHistory of booking %s, as psql shows it:" % book_id)
        history = """select to_char(at, 'HH24:MI:SS.MS') as at, actor, old_state, new_state, new_status as status, cardinality(slot_ids) as slots,
            portal_time from data.booking_history where book_key = lower('%s') order by history_id""" % book_id
        sys.stdout.flush()
        subprocess.run(["psql", "-Xq", "-c", history, instance.conninfo()], check=True)
        rows = instance.psql("select string_agg(new_state::text, ' ' order by history_id) from data.booking_history where book_key = '%s'" % book_id)
        if rows.split() != ["HELD", "BOOKED", "BOOKED", "CANCELLED_APPLICANT"]:
            failed.append("history: " + rows.strip())
    except InstanceError as e:
        failed = [str(e)]
    finally:
        try:
            instance.down()
        except InstanceError as e:
            failed.append(str(e))
    print("demo: " + ("everything held" if not failed else "FAILED: " + "; ".join(failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
