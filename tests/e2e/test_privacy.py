#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""J3: canaries in every field a person fills in, in good requests and bad ones; then log, metrics and faults are searched."""
import re

import e2e
from e2e import E2E, MOSCOW, SERVICE, new_id

from smev2client import Fault

# Each value is one no program would write by itself. The numbers pass their check digits, so the good request is good.
PERSON = [("lastName", "Канарейкин"), ("firstName", "Кенарь"), ("middleName", "Щеглович"), ("email", "canary.mail@example.org"),
          ("mobilePhone", "+7 (912) 345-67-89"), ("userSnils", "112-233-445 95"), ("userLogin", "canary-login"),
          ("userDoc", [("Document", [("docType", "PASSPORT"), ("docSeries", "4509"), ("docNumber", "987654"), ("issueDate", "2011-02-03"),
                                     ("issuedBy", "ОВД Канарского района"), ("issueDept", "770-777")])]),
          ("userINN", "500100732259")]
ESIA = "1555555555"
CANARIES = ["Канарейкин", "Кенарь", "Щеглович", "canary.mail", "9123456789", "345-67-89", "112-233-445", "11223344595", "canary-login", "987654",
            "Канарского", "500100732259", ESIA, "canary-case"]


class Canaries(E2E):
    def items(self, book_id, slot, person):
        base = self.client.book_items(book_id, slot, MOSCOW, False, esia_id=ESIA, services=[SERVICE], applicant={})
        at = next(i for i, (name, _) in enumerate(base) if name == "esiaId") + 1
        return base[:at] + person + [("caseNumber", "canary-case-1")] + base[at:]

    def test_nothing_personal_is_told(self):
        told = []
        self.client = self.portal()
        for client in (self.client, self.portal("plain")):
            self.client = client
            slots = [s["slotId"] for s in self.free_slots(client)]
            book_id = new_id()
            good = client.call("book", self.items(book_id, slots[0], PERSON))
            self.assertEqual((good.status_code, good.error_code), ("201", 0))
            client.get_booking_status(book_id, ESIA)
            client.get_slots(MOSCOW, esia_id=ESIA)
            client.cancel_booking(book_id, ESIA)
            client.cancel_booking(book_id, "1666666666")
            # Bad ones: each canary in the wrong place, so that messages about values have something to repeat.
            for i, (name, _) in enumerate(PERSON):
                for value in CANARIES:
                    person = [p for j, p in enumerate(PERSON) if j != i] if name == "userDoc" else list(PERSON)
                    if name != "userDoc":
                        person[i] = (name, value)
                    told.append(self.tell(client, "book", self.items(new_id(), slots[1], person)))
            for field in ("bookId", "slotId", "organizationId", "userType", "userKind", "serviceId", "preliminaryReservation", "preliminaryReservationPeriod"):
                for value in CANARIES:
                    items = [(n, value if n == field else v) for n, v in self.items(new_id(), slots[1], PERSON)]
                    told.append(self.tell(client, "book", items))
            for value in CANARIES:
                # As names of elements: an answer may name the element that does not belong there, the log may not.
                self.tell(client, "book", [(value if re.fullmatch(r"\w+", value) and not value[0].isdigit() else "x", value)])
                told.append(self.tell(client, "getRefItemsList", [("refName", value), ("treeFiltering", value), ("pageNum", value), ("pageSize", value)]))
                told.append(self.tell(client, value if value.isalpha() else "x" + re.sub(r"\W", "", value), []))
            # Broken messages
            envelope = client.envelope("book", self.items(new_id(), slots[1], PERSON))
            for bad in (envelope[:-40], envelope.replace(b"PASSPORT", b"<!-- x -->"), envelope.replace(ESIA.encode(), b"\x01" + ESIA.encode()),
                        envelope.replace(b"<eq:lastName>", b'<eq:lastName x="'), envelope.replace("Канарейкин".encode(), "Канарейкин2".encode()),
                        envelope.replace("Канарейкин".encode(), "&Канарейкин;".encode())):
                told.append(self.tell(client, None, bad))
        metrics = self.instance.admin("/metrics")[1]
        ready = self.instance.admin("/readyz")[1]
        self.instance.stop_daemon()
        self.instance.start_daemon()
        log = self.instance.log.read_text(encoding="utf-8", errors="replace")
        self.assertIn("method=book", log)  # the search has something to search in
        self.assertGreater(sum(1 for t in told if t), 20)
        for where, text in (("log", log), ("metrics", metrics), ("readyz", ready), ("faults", "\n".join(told))):
            for canary in CANARIES:
                at = text.find(canary)
                self.assertEqual(at, -1, "%s tells %r: ...%s..." % (where, canary, text[max(0, at - 200):at + 100]))

    def tell(self, client, method, items):
        """What a fault or a refusal says in words; the fields it echoes by contract (bookId, esiaId) are no telling."""
        try:
            if method is None:
                client.read(client.post(items, "book"))
                return ""
            reply = client.read(client.post(client.envelope(method, items)))
            return "\n".join(reply.texts("error/errorDetail/errorMessage") + reply.texts("status/statusMessage")
                             + reply.texts("error/fieldErrors/FieldError/fieldName")
                             + reply.texts("error/fieldErrors/FieldError/errorDetail/errorMessage"))
        except Fault as e:
            return e.text


if __name__ == "__main__":
    e2e.main()
