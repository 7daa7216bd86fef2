# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""What bookings are supposed to do, once more and differently: a few dictionaries in one thread, no database, no locks.

Written from order 329 and its resolutions (A3, A6, A7, A23, A24, A26-A28, A32), not from the SQL. A slot is an index into a
list sorted by (start, id); time is minutes. Every method returns the answer as a line: "201/0 3,4", "207/2 slotId:1".
"""
import copy
import json

LIVE = ("BOOKED", "ACCEPTED", "INVITED", "CANCELLING", "HELD")
DONE = ("SERVED", "NO_SHOW", "NO_DATA", "NOT_SERVED")
CODE = {"HELD": "201", "BOOKED": "201", "INVITED": "201", "ACCEPTED": "100", "SERVED": "202", "NO_SHOW": "203", "NO_DATA": "205",
        "NOT_SERVED": "206", "RETURNED": "207", "REFUSED": "208", "CANCELLING": "300", "CANCELLED_APPLICANT": "301",
        "CANCELLED_AGENCY": "302", "CANCELLED": "303", "EXPIRED": "303"}
# The agency's arrows: event, from, to.
AGENCY = {("confirm", "ACCEPTED"): "BOOKED", ("confirm", "CANCELLING"): "CANCELLED_APPLICANT",
          ("reject", "ACCEPTED"): "RETURNED", ("reject", "CANCELLING"): "as it was", ("invite", "BOOKED"): "INVITED"}
for state in ("HELD", "BOOKED", "ACCEPTED", "INVITED"):
    AGENCY["cancel", state] = "CANCELLED_AGENCY"
for state in ("BOOKED", "INVITED", "ACCEPTED", "CANCELLING"):
    AGENCY.update({("visited", state): "SERVED", ("no_show", state): "NO_SHOW", ("turned_away", state): "NOT_SERVED"})
for state in DONE:
    if state != "NO_SHOW":
        AGENCY["correct", state] = "NO_SHOW"
PROMISES = ("BOOKED", "INVITED", "ACCEPTED")
FREED = ("RETURNED", "CANCELLED_APPLICANT", "CANCELLED_AGENCY")


class Booking:
    def __init__(self):
        self.state = self.esia = self.content = self.snils = self.case = self.channel = None
        self.services, self.places, self.history = (), [], []  # places: (slot, before, after)
        self.lapsed, self.holds, self.past, self.said, self.was = False, 0, False, None, None

    def is_live(self):
        return self.state in LIVE and not self.lapsed

    def slots(self):
        return tuple(sorted(p[0] for p in self.places))


class Model:
    def __init__(self, slots, settings):
        """slots: dicts of area, start, end, capacity, services, uses (exclusive areas); settings: as the episode drew them."""
        self.slots, self.set = slots, settings
        self.closed, self.gone, self.bookings, self.messages = set(), set(), {}, {}

    def __deepcopy__(self, memo):
        new = copy.copy(self)
        new.closed, new.gone, new.messages = set(self.closed), set(self.gone), dict(self.messages)
        new.bookings = {}
        for key, b in self.bookings.items():
            c = new.bookings[key] = copy.copy(b)
            c.places, c.history = list(b.places), list(b.history)
        return new

    def __eq__(self, other):
        """Also in what no answer shows: which content a repeated message would be compared with."""
        return (self.closed, self.gone, self.messages, {k: vars(b) for k, b in self.bookings.items()}) == \
            (other.closed, other.gone, other.messages, {k: vars(b) for k, b in other.bookings.items()})

    # ---- places ------------------------------------------------------------------------------------------------------

    def pads(self, slot, services):
        pads = [self.set["area_buffer"].get(self.slots[slot]["area"], (0, 0))]
        pads += [self.set["service_buffer"].get(s, (0, 0)) for s in services]
        return max(p[0] for p in pads), max(p[1] for p in pads)

    def taken(self, without=None):
        return [(b, p) for key, b in self.bookings.items() if key != without and (b.is_live() or b.state in DONE) for p in b.places]

    def fits(self, slot, before, after, others):
        """others: (slot, before, after) of the places that count."""
        me = self.slots[slot]
        start, end, same = self.shift(slot) + me["start"] - before, self.shift(slot) + me["end"] + after, 0
        for other, b, a in others:
            it = self.slots[other]
            same += other == slot
            if other == slot and me["capacity"] == 1:
                return False
            at = self.shift(other)
            overlap = at + it["start"] - b < end and at + it["end"] + a > start
            if overlap and (me["area"] == it["area"] and me["capacity"] == it["capacity"] == 1 or me["uses"] & it["uses"]):
                return False
        return same < me["capacity"]

    def shift(self, slot):
        return -7200 if slot in self.gone else 0

    def free(self, services=(), channel=None, without=None, area=None):
        if channel == "kiosk" and self.set["kiosk_percent"] is not None and self.kiosk_used(without) >= self.kiosk_allowed():
            return []
        others = [p for _, p in self.taken(without)]
        return [n for n, s in enumerate(self.slots) if n not in self.closed and n not in self.gone
                and set(services) <= s["services"] and (area is None or area in s["inside"])
                and self.fits(n, *self.pads(n, services), others)]

    def take(self, b, key, slots, services):
        """The places for a visit, or None."""
        others, mine = [p for _, p in self.taken(key)], []
        for n in slots:
            me = self.slots[n]
            before, after = self.pads(n, services)
            for m in slots:
                if self.slots[m]["area"] == me["area"]:
                    before = 0 if self.slots[m]["end"] == me["start"] else before
                    after = 0 if self.slots[m]["start"] == me["end"] else after
            if not self.fits(n, before, after, others + mine):
                return None
            mine.append((n, before, after))
        return mine

    # ---- rules -------------------------------------------------------------------------------------------------------

    def kiosk_allowed(self):
        total = sum(s["capacity"] for n, s in enumerate(self.slots) if n not in self.closed and n not in self.gone)
        return total * self.set["kiosk_percent"] // 100

    def kiosk_used(self, without=None):
        return sum(1 for b, p in self.taken(without) if b.channel == "kiosk" and p[0] not in self.gone)

    def breaks_limit(self, key, op, is_hold):
        """Holds are counted against holds, bookings against bookings."""
        for person, service, period, most in self.set["limits"]:
            value = {"esiaId": op["esia"], "userSnils": op["snils"], "caseNumber": op["case"]}[person]
            if value is None or service is not None and service not in op["services"]:
                continue
            count = 0
            for other, b in self.bookings.items():
                if other == key or {"esiaId": b.esia, "userSnils": b.snils, "caseNumber": b.case}[person] != value:
                    continue
                if service is not None and service not in b.services:
                    continue
                if is_hold != (b.state == "HELD"):
                    continue
                count += (b.is_live() or period != "live" and b.state in DONE) and not b.past
            if count >= most:
                return True
        return False

    def breaks_share(self, key, op, places):
        if op["channel"] != "kiosk" or self.set["kiosk_percent"] is None:
            return False
        return self.kiosk_used(key) + len(places) > self.kiosk_allowed()

    # ---- the portal --------------------------------------------------------------------------------------------------

    def note(self, b, actor, old, new):
        b.history.append((actor, old, new, b.slots()))

    def lapse_seen(self, b):
        """A hold that ran out is said so before anything else happens to it."""
        if b.state == "HELD" and b.lapsed:
            b.state, b.places, b.lapsed = "EXPIRED", [], False
            self.note(b, "T", "HELD", "EXPIRED")

    def message(self, op, work):
        """B6; V2: a test message is answered as usual."""
        if op["message"] in self.messages:
            return "stored" if self.messages[op["message"]] == op["digest"] else "reused"
        self.messages[op["message"]] = op["digest"]
        if op["test"]:
            return work(copy.deepcopy(self))
        return work(self)

    def wrong_fields(self, op, is_hold):
        """A hold asks for a time alone (Appendix 3, note): the person, and whom a service admits, are the final booking's affair."""
        wrong, slots = set(), op["slots"]
        if not is_hold and op["preliminary"]:
            wrong.update(f + ":1" for f in op["bad"])
        if "s9" in op["services"]:
            wrong.add("serviceId:2")
        if not slots or len(set(slots)) < len(slots) or "blind" in slots and len(slots) > 1 or "junk" in slots:
            wrong.add("slotId:1")
        elif slots != ["blind"] and None not in slots:
            in_time = sorted(slots, key=lambda n: (self.shift(n) + self.slots[n]["start"], n))
            if self.set["adjacency"] and any(
                    self.slots[a]["area"] != self.slots[b]["area"]
                    or self.shift(a) + self.slots[a]["end"] != self.shift(b) + self.slots[b]["start"] for a, b in zip(in_time, in_time[1:])):
                wrong.add("slotId:1")
        if not is_hold and op["type"] == "SIMPLE" and set(op["services"]) & self.set["qualified"]:
            wrong.add("userType:1")
        return wrong

    def unbookable(self, op):
        """Slots are named, and one of them may not be had by anybody."""
        if op["slots"] == ["blind"]:
            return False
        for n in op["slots"]:
            if n is None or n in self.closed or n in self.gone or not set(op["services"]) <= self.slots[n]["services"] \
                    or op["area"] and op["area"] not in self.slots[n]["inside"]:
                return True
        return False

    def returned(self, key, b, op, is_kept, said):
        """Wrong data (items 15.1 and 20): a first request is remembered, a booking that is over lives and ends so, one that lives stays;
        a hold ends with its final booking. The same again says nothing new (B6)."""
        if b is None:
            b = self.bookings[key] = Booking()
            b.esia = op["esia"]
        if is_kept:
            self.note(b, "A", b.state, b.state)
        elif b.state != "RETURNED" or b.said != said:
            old, b.state, b.places = b.state, "RETURNED", []
            b.said = said
            self.note(b, "A", old, "RETURNED")

    def book(self, op, choice=None):
        return self.message(op, lambda model: model.book_now(op, choice))

    def book_now(self, op, choice):
        key = op["book"].lower()
        b = self.bookings.get(key)
        if b is not None and b.esia != op["esia"]:
            return "207/2 bookId:2"
        is_there, blind = b is not None, op["slots"] == ["blind"]
        alive = is_there and b.state in ("BOOKED", "ACCEPTED", "INVITED", "HELD") and not b.lapsed
        content = (key, tuple(op["slots"]), op["type"], op["esia"], op["snils"], op["case"], tuple(op["services"]), op["preliminary"],
                   op["period"], tuple(op["bad"]), op["area"])
        if alive and b.content == content:
            return self.line(b)
        if is_there and b.state in ("CANCELLING",) + DONE or alive and b.past:
            self.note(b, "A", b.state, b.state)
            return "208/4"
        is_hold = op["preliminary"] and not (alive and b.state != "HELD")
        wrong = self.wrong_fields(op, is_hold)
        same = alive and (blind or None not in op["slots"] and b.slots() == tuple(sorted(n for n in op["slots"] if isinstance(n, int)))
                          and len(op["slots"]) == len(set(op["slots"])) and all(isinstance(n, int) for n in op["slots"]))
        if is_there:
            self.lapse_seen(b)
        if wrong or op["bad"] and not op["preliminary"]:
            self.returned(key, b, op, alive and not (same and b.state == "HELD" and not op["preliminary"]), (content, sorted(wrong)))
            return " ".join(["207/2"] + sorted(wrong))

        late = alive and not same and b.state != "HELD" and self.set["move_deadline"]
        refused = (self.unbookable(op) or late) and not same
        places = b.places if same else None
        if same:
            refused = any(not set(op["services"]) <= self.slots[n]["services"] for n in b.slots())
            refused = refused or not blind and op["area"] and any(op["area"] not in self.slots[n]["inside"] for n in b.slots())
            if (set(b.services), b.case, b.snils) != (set(op["services"]), op["case"], op["snils"]) or b.state == "HELD" and not is_hold:
                refused = refused or self.breaks_limit(key, op, is_hold)
        elif not same and not refused:
            slots = op["slots"]
            if blind:
                free = self.free(op["services"], op["channel"], key, op["area"])
                slots = free[:1] if choice is None else [choice] if choice in free else []
            places = self.take(b, key, sorted(slots), op["services"]) if slots else None
            refused = not places or self.breaks_limit(key, op, is_hold) or self.breaks_share(key, op, places)
        old = b.state if is_there else None
        if refused:
            if alive and not (same and b.state == "HELD" and not op["preliminary"]):  # a hold ends with its final booking
                self.note(b, "A", old, old)
            else:
                if not is_there:
                    b = self.bookings[key] = Booking()
                    b.esia = op["esia"]
                b.state, b.lapsed, b.places = "REFUSED", False, []
                self.note(b, "A", old, "REFUSED")
            return "208/4"

        if not is_there:
            b = self.bookings[key] = Booking()
        if alive and old != "HELD":
            # What an office has said holds for the same service, person and application (Appendix 3, notes).
            is_same = (self.is_for(op["services"], [p[0] for p in places]), op["case"], op["snils"]) \
                == (self.is_for(b.services, b.slots()), b.case, b.snils)
            if old != "ACCEPTED" and not is_same:
                b.state = "ACCEPTED" if self.set["confirm_booking"] else "BOOKED"
        elif op["preliminary"]:
            b.holds = 1 if not alive else b.holds + (b.holds < self.set["max_holds"])
            b.state = "HELD"
        else:
            b.state, b.holds = "ACCEPTED" if self.set["confirm_booking"] else "BOOKED", 0
        b.esia, b.content, b.snils, b.case, b.channel = op["esia"], content, op["snils"], op["case"], op["channel"]
        b.services, b.places, b.lapsed, b.past, b.said = tuple(op["services"]), places, False, False, None
        self.note(b, "A", old, b.state)
        return self.line(b)

    def is_for(self, services, slots):
        """Services of a visit: those named, else the one its places are for."""
        return set(services) or {s for n in slots if len(self.slots[n]["services"]) == 1 for s in self.slots[n]["services"]}

    @staticmethod
    def line(b):
        return CODE[b.state] + "/0" + (" " + ",".join(map(str, b.slots())) if b.places else "")

    def cancel(self, op, choice=None):
        return self.message(op, lambda model: model.cancel_now(op))

    def cancel_now(self, op):
        b = self.bookings.get(op["book"].lower())
        if b is None or b.esia != op["esia"]:
            return "-/2 bookId:2"
        self.lapse_seen(b)
        if b.state in ("CANCELLING", "CANCELLED_APPLICANT", "CANCELLED_AGENCY", "CANCELLED", "EXPIRED"):
            return CODE[b.state] + "/0"
        if b.state not in ("HELD", "BOOKED", "ACCEPTED", "INVITED") or b.past or self.set["cancel_deadline"]:
            return CODE[b.state] + "/4"
        old = b.state
        if self.set["confirm_cancel"] and old != "HELD":
            b.state, b.was = "CANCELLING", old
        else:
            b.state, b.places = "CANCELLED_APPLICANT", []
        self.note(b, "A", old, b.state)
        return CODE[b.state] + "/0"

    def status(self, op, choice=None):
        b = self.bookings.get(op["book"].lower())
        if b is None or b.esia != op["esia"]:
            return "-/2 bookId:2"
        return "303/0" if b.state == "HELD" and b.lapsed else self.line(b)

    # ---- the agency, the clock ---------------------------------------------------------------------------------------

    def agency(self, op, choice=None):
        b = self.bookings.get(op["book"].lower())
        if b is None:
            return "unknown"
        self.lapse_seen(b)
        old, event = b.state, op["event"]
        if event == "move":
            n = op["slots"][0]
            places = None
            if old in ("BOOKED", "INVITED") and n not in self.closed and n not in self.gone and (n,) != b.slots() \
                    and set(b.services) <= self.slots[n]["services"]:
                slots = self.going_on(b, n)
                if slots is not None and slots != b.slots():
                    places = self.take(b, op["book"].lower(), sorted(slots), b.services)
            if places is None:
                self.note(b, "G", old, old)
                return "no"
            b.places, b.past, b.content = places, False, None  # what booked it is not the last word any more
            self.note(b, "G", old, old)
            return "yes"
        new = AGENCY.get((event, old))
        new = b.was if new == "as it was" else new
        if new is None or new in PROMISES and b.past or event in ("visited", "no_show", "turned_away") and not b.past:
            self.note(b, "G", old, old)
            return "no"
        b.state = new
        if new in FREED:
            b.places = []
        self.note(b, "G", old, new)
        return "yes"

    def going_on(self, b, n):
        """The slots of a whole visit that is to begin with n: it stays as long as it was, in one room (A6)."""
        mine = sorted(b.slots(), key=lambda m: (self.shift(m) + self.slots[m]["start"], m))
        length = [self.slots[m]["end"] - self.slots[m]["start"] for m in mine]
        slots = [n]
        if self.slots[n]["end"] - self.slots[n]["start"] < sum(length):
            for wanted in length[1:]:
                here = self.slots[slots[-1]]
                after = [m for m, s in enumerate(self.slots) if s["area"] == here["area"] and m not in self.closed and m not in self.gone
                         and s["start"] == here["end"] and s["end"] - s["start"] == wanted
                         and set(b.services) <= s["services"]]
                if not after:
                    return None
                slots.append(after[0])
        if sum(self.slots[m]["end"] - self.slots[m]["start"] for m in slots) < sum(length):
            return None
        return tuple(slots)

    def lapse(self, op, choice=None):
        b = self.bookings.get(op["book"].lower())
        if b is not None and b.state == "HELD":
            b.lapsed = True
        return "ok"

    def comes(self, op, choice=None):
        """The visit of a booking is the day before yesterday now."""
        b = self.bookings.get(op["book"].lower())
        if b is not None and self.may_come(b):
            b.past = True
            self.gone.update(b.slots())
        return "ok"

    def may_come(self, b):
        mine = b.slots()
        if b.state not in ("BOOKED", "INVITED", "ACCEPTED", "CANCELLING") or b.past or any(
                self.slots[n]["is_long"] or self.slots[n]["capacity"] > 1 or self.slots[n]["uses"] for n in mine):
            return False
        # Two days ago there may be visits already, and buffers around them.
        there = copy.copy(self)
        there.gone = self.gone | set(mine)
        others = [p for other, p in self.taken() if other is not b]
        return all(there.fits(*p, others) for p in b.places)

    def sweep(self, op, choice=None):
        for b in self.bookings.values():
            self.lapse_seen(b)
        return "ok"

    def close(self, op, choice=None):
        (self.closed.add if op["closed"] else self.closed.discard)(op["slots"][0])
        return "ok"

    # ---- everything --------------------------------------------------------------------------------------------------

    def picture(self):
        bookings = {}
        for key, b in self.bookings.items():
            shown = list(b.slots()) if b.is_live() or b.state in DONE else []
            bookings[key] = [b.state, CODE[b.state], b.lapsed, b.holds if b.state == "HELD" else 0, shown, len(b.history),
                             [[h[0], h[1], h[2], list(h[3])] for h in b.history[-3:]]]
        return {"bookings": bookings, "free": self.free(channel=self.set["looks_as"])}

    def seen(self):
        """The picture as it comes out of the database."""
        return json.loads(json.dumps(self.picture()))
