#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Three SOAP toolkits nobody here wrote, unmodified, each from the WSDL the daemon serves (V1, V4): Python zeep, the npm
package soap, and a C client made by gSOAP's own tools. updateBookingDetails is served for them (M8, A2)."""
import json
import os
import pathlib
import subprocess

import e2e
from e2e import BUILD, E2E, MOSCOW, SERVICE, new_id

HERE = pathlib.Path(__file__).resolve().parent
HISTORY = ["HELD", "BOOKED", "BOOKED", "BOOKED", "CANCELLED_APPLICANT"]


class Clients(E2E):
    @classmethod
    def options(cls):
        return {"edit": lambda text: text.replace("[listener plain]\n", "[listener plain]\nupdate_booking_details = yes\n")}

    def history(self, book_id):
        return [r[0] for r in self.sql("select new_state::text from data.booking_history where book_key = %s order by history_id", book_id)]

    def wsdl(self, kind):
        return self.instance.url(kind) + "?wsdl"

    # ---- zeep --------------------------------------------------------------------------------------------------

    def test_zeep(self):
        import zeep
        service = zeep.Client(self.wsdl("plain"), settings=zeep.Settings(strict=True)).service
        book_id = new_id()
        who = {"userType": "QUALIFIED", "userKind": "PHYSIC", "esiaId": "1000000000"}
        self.assertEqual(service.getRefsList().error.errorDetail.errorCode, 0)
        slots = service.getSlots(organizationId=[MOSCOW], serviceId=[SERVICE], **who).slots.TimeSlot
        self.assertGreater(len(slots), 2)

        def book(slot, preliminary):
            answer = service.book(bookId=book_id, slotId=[slot.slotId], organizationId=MOSCOW, lastName="Тестов", firstName="Тест",
                                  serviceId=[SERVICE], preliminaryReservation=preliminary,
                                  preliminaryReservationPeriod=60 if preliminary else None, **who)
            self.assertEqual((answer.status.statusCode, answer.error.errorDetail.errorCode), ("201", 0))
            self.assertEqual([s.slotId for s in answer.timeSlot], [slot.slotId])

        book(slots[0], True)
        book(slots[0], False)
        book(slots[1], False)
        status = service.getBookingStatus(bookId=book_id, esiaId="1000000000")
        self.assertEqual((status.status.statusCode, status.timeSlot[0].slotId), ("201", slots[1].slotId))
        key = {"bookId": book_id, "esiaId": "1000000000"}
        self.assertEqual(service.updateBookingDetails(timeslot=slots[0], status={"statusCode": "201"}, **key).error.errorDetail.errorCode, 0)
        self.assertEqual(service.getBookingStatus(**key).timeSlot[0].slotId, slots[0].slotId)
        refused = service.updateBookingDetails(status={"statusCode": "204", "statusMessage": "?"}, **key).error
        self.assertEqual((refused.errorDetail.errorCode, [f.fieldName for f in refused.fieldErrors.FieldError]), (2, ["status"]))
        self.assertEqual(service.cancelBooking(bookId=book_id, esiaId="1000000000").status.statusCode, "301")
        self.assertEqual(self.history(book_id), HISTORY)
        refused = service.book(bookId=new_id(), slotId=["no-such-slot"], organizationId=MOSCOW, preliminaryReservation=False, **who)
        self.assertIn(refused.error.errorDetail.errorCode, (2, 4))

    def test_zeep_reads_the_smev2_wsdl(self):
        """V4: what is served there, and one revision of SMEV a description."""
        import zeep
        served = {"getSlots", "book", "getBookingStatus", "cancelBooking", "getRefsList", "getRefAttributesList", "getRefItemsList"}
        for query, revision in (("", "rev120315"), ("=rev120315", "rev120315"), ("=rev111111", "rev111111")):
            client = zeep.Client(self.wsdl("smev2") + query)
            operations = {name for service in client.wsdl.services.values() for port in service.ports.values() for name in port.binding._operations}
            self.assertEqual(operations - {"updateBookingDetails"}, served)
            self.assertEqual("updateBookingDetails" in operations, self.serves_updates("smev2"))
            request = client.get_element("{http://epgu.rtlabs.ru/equeue/ws/}bookRequest")
            self.assertEqual([element.qname.text for _, element in request.type.elements],
                             ["{http://smev.gosuslugi.ru/%s}%s" % (revision, name) for name in ("Message", "MessageData")])

    def serves_updates(self, kind):
        section = self.instance.conf.read_text().split("[listener %s]\n" % kind)[1].split("\n[")[0]
        return "update_booking_details = yes" in section

    def test_wsdl_names_this_listener_and_no_file(self):
        import urllib.request
        for kind in ("plain", "smev2"):
            with urllib.request.urlopen(self.wsdl(kind)) as f:
                text = f.read().decode()
            self.assertIn('location="%s"' % self.instance.url(kind), text)
            self.assertNotIn("file:", text)
            self.assertNotIn(str(e2e.SOURCE), text)

    # ---- node ----------------------------------------------------------------------------------------------------

    def test_node(self):
        modules = BUILD / "node/node_modules"
        if not modules.is_dir():
            self.skipTest("SKIP: %s is not there (./dev test fetches it)" % modules)
        book_id = new_id()
        done = subprocess.run(["node", str(HERE / "node/client.js"), self.wsdl("plain"), MOSCOW, SERVICE, book_id], capture_output=True, text=True,
                              env=dict(os.environ, NODE_PATH=str(modules)), timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        steps = {}
        for line in done.stdout.splitlines():
            row = json.loads(line)
            steps[row["step"]] = row.get("answer", row)
        codes = {name: answer.get("status", {}).get("statusCode") for name, answer in steps.items() if name in ("hold", "book", "move", "status", "cancel")}
        self.assertEqual(codes, {"hold": "201", "book": "201", "move": "201", "status": "201", "cancel": "301"})
        for name in (*codes, "update"):
            self.assertEqual(int(steps[name]["error"]["errorDetail"]["errorCode"]), 0, name)
        self.assertEqual(self.history(book_id), HISTORY)
        self.assertEqual(self.sql("select first_name from data.applicant where book_key = %s", book_id), [('Тест <&> "кавычки"',)])

    # ---- gSOAP -----------------------------------------------------------------------------------------------------

    def test_gsoap(self):
        work = self.instance.dir / "gsoap"
        work.mkdir()

        def run(*argv):
            done = subprocess.run([str(a) for a in argv], cwd=work, capture_output=True, text=True, timeout=600)
            self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
            return done.stdout

        # By itself gSOAP reads times into time_t and writes them with Z, which says nothing of the office's own time (T1).
        (work / "typemap.dat").write_text("xsd__dateTime = | char* | char*\n")
        run("wsdl2h", "-c", "-x", "-t", "typemap.dat", "-o", "equeue.h", self.wsdl("plain"))
        run("soapcpp2", "-c", "-C", "-L", "-x", "equeue.h")
        # gSOAP's own code has its warnings; the client over it has none, so that a field of another type is seen.
        run("cc", "-std=gnu17", "-O0", "-w", "-I.", "-c", "soapC.c", "soapClient.c")
        run("cc", "-std=gnu17", "-O0", "-Wall", "-Werror", "-isystem", ".", "-o", "client", HERE / "gsoap/client.c", "soapC.o", "soapClient.o", "-lgsoap")
        book_id = new_id()
        out = run(work / "client", self.instance.url("plain"), MOSCOW, SERVICE, book_id)
        self.assertEqual(out.split("\n"), ["getRefsList - 0", "getSlots - 0", "hold 201 0", "book 201 0", "move 201 0", "status 201 0", "update - 0", "cancel 301 0", ""])
        self.assertEqual(self.history(book_id), HISTORY)


if __name__ == "__main__":
    e2e.main()
