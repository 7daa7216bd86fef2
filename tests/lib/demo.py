#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""./dev demo: one citizen's booking from the reference books to the cancellation, over signed SMEV 2 messages; with --smev3 over the
queue of SMEV 3, of which a small one is played beside the daemon, and then a change by the agency that the portal is told.

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


def told_by_the_agency(client, instance, smev):
    """The agency cancels a booking; the portal is told, by a request of the agency's own (SendRequest)."""
    p, book_id = Play(client), str(uuid.uuid4())
    slot = client.get_slots(ORGANIZATION, services=[SERVICE], areas=[ROOM]).slots[0]["slotId"]
    p.step("book, final", lambda: client.book(book_id, slot, ORGANIZATION, False, services=[SERVICE]), ("status 201", lambda r: r.status_code == "201"))
    instance.psql("select * from admin.cancel('%s', 'авария в здании', 'телефон +7 000 000-00-00')" % book_id)
    heard = lambda: [push for push in smev.portal.pushes if push.book_id == book_id]
    answered = lambda: instance.psql("select count(*) from data.outbox where book_key = '%s' and state = 'answered'" % book_id).strip() == "1"
    deadline = time.monotonic() + 60
    while not (heard() and answered()) and time.monotonic() < deadline:
        time.sleep(0.05)
    holds = [push.status for push in heard()] == ["302"] and answered()
    print("%-34s the portal is told: status %s%s" % ("the agency cancels it", ", ".join(push.status for push in heard()) or "-",
                                                     "; it has said yes" if holds else "  WRONG"), flush=True)
    return p.failed + ([] if holds else ["the portal was not told"]), book_id


CLOCKS = {name: "to_char(%s_at, 'HH24:MI:SS.MS') as %s" % (name, name) for name in ("received", "acked", "answered", "ended", "sent", "done")}
# (Russian title, title, query): what an operator sees of it in psql, the words as the guide has them.
LIFE = (
    ("Что было с этой записью", "What became of it", "select * from admin.why('%(book)s')"),
    ("Её история", "Its history", "select to_char(at, 'HH24:MI:SS.MS') as at, actor, old_state, new_state, new_status as status, visit from admin.history('%(book)s')"),
    ("Исходящие: что сказано порталу", "The outbox: what the portal was told",
     "select outbox_id, status, state, road, attempts, %(sent)s, %(done)s from admin.outbox where book_id = '%(book)s'"),
    ("Очередь СМЭВ 3: обращения портала, по порядку", "SMEV 3's queue: the portal's requests in their order",
     "select inbox_id, state, status, attempts, %(received)s, %(acked)s, %(answered)s, %(ended)s from admin.inbox order by inbox_id"),
    ("Обмены со СМЭВ 3 о последнем обращении", "The calls of SMEV 3 about the last of them",
     "select operation, outcome, to_char(at, 'HH24:MI:SS.MS') as at from admin.inbox_calls((select max(inbox_id) from admin.inbox))"),
)


def show_life(instance, book_id):
    """Returns what is missing in it."""
    missing = []
    for russian, english, query in LIFE:
        print("\n%s (%s):" % (russian, english), flush=True)
        query = query % dict(CLOCKS, book=book_id)
        subprocess.run(["psql", "-Xq", "-c", query, instance.conninfo()], check=True)
        if not instance.psql(query).strip():
            missing.append("nothing shown of: " + english)
    return missing


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--smev3", action="store_true")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped then too
    shutil.rmtree(args.dir, ignore_errors=True)
    smev = None
    if args.smev3:
        from smev3world import QueueClient, Smev3
        smev = Smev3(interval="100ms", directory=args.dir, more="\n[push AAAA00001]\nroad = smev3\nqueue = main\n")
    instance = Instance(args.dir, args.binary, edit=smev.edit if smev else None)
    failed = ["did not get that far"]
    try:
        started = time.monotonic()
        instance.up()
        print("instance of its own, ready in %.1f s\n%s\n" % (time.monotonic() - started, instance.describe()))
        client = QueueClient(smev) if smev else instance.client()
        if smev:
            print("Гражданин смотрит время, занимает его, записывается, переносит и отменяет — всё через очередь СМЭВ 3; потом отменяет ведомство.\n"
                  "(A citizen books, moves and cancels through SMEV 3's queue; then the agency cancels.)")
        failed, book_id = play(client)
        if smev:
            wrong, cancelled = told_by_the_agency(client, instance, smev)
            print("\nЗапись %s отменило ведомство; так это видно в psql (the booking the agency has cancelled, as psql shows it)" % cancelled)
            failed += wrong + show_life(instance, cancelled)
        client.close()
        print("\nИстория записи, с которой всё началось: %s (history of the first booking):" % book_id if smev
              else "\nHistory of booking %s, as psql shows it:" % book_id)
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
        if smev:
            smev.close()
    if smev and smev.core:
        judge = smev.judge()
        print("\nСМЭВ насчитала (SMEV counted): %s" % ", ".join("%s %s" % (k, v) for k, v in sorted(judge.counts.items())))
        failed += judge.problems
    print("demo: " + ("everything held" if not failed else "FAILED: " + "; ".join(failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
