#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""V4: programs over what generators of other languages make of the served WSDL. Their classes have a field for each parameter, and with
them a visit is held, booked, moved, asked after and cancelled, on a plain listener as it is by default. Of the frame of SMEV 2 the
classes of each revision are made; the test signs what they write."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest
import urllib.request

from lxml import etree

import e2e
from e2e import BUILD, E2E, MOSCOW, SERVICE, new_id

HERE = pathlib.Path(__file__).resolve().parent / "generated"
JAVA = pathlib.Path("/usr/share/java")
JAXWS = ("jaxws-tools jaxws-rt jaxws-api jaxb-api jaxb-core jaxb-runtime jaxb-impl jaxb-xjc jaxb-jxc saaj-impl saaj stax-ex stax2-api streambuffer "
         "metro-policy mimepull gmbal javax.activation FastInfoset istack-commons-runtime istack-commons-tools txw2 dtd-parser rngom xsom "
         "relaxngDatatype jws-api codemodel").split()
AXIS = "axis axis-jaxrpc axis-saaj commons-logging commons-discovery wsdl4j".split()
STEPS = ["getRefsList - 0", "getRefItemsList - 0", "getSlots - 0", "hold 201 0", "book 201 0", "move 201 0", "status 201 0", "cancel 301 0"]
HISTORY = ["HELD", "BOOKED", "BOOKED", "CANCELLED_APPLICANT"]
# Appendix 2, item 19, beside what the portal sends as well
BOOK = ["bookId", "slotId", "organizationId", "userType", "userKind", "esiaId", "lastName", "firstName", "middleName", "mobilePhone", "email", "userSnils",
        "userLogin", "userDoc", "userINN", "businessINN", "businessOGRN", "businessName", "caseNumber", "serviceId", "areaId", "preliminaryReservation",
        "preliminaryReservationPeriod", "attributes"]


def jars(names):
    return ":".join(str(JAVA / (n + ".jar")) for n in names)


def needs(what, *paths):
    """Skips a test whose tool is not there, and says so: ./dev deps installs all of them."""
    missing = [str(p) for p in paths if not (pathlib.Path(p).exists() if "/" in str(p) else shutil.which(p))]
    why = "SKIP: %s: no %s (./dev deps installs it, node's packages ./dev test)" % (what, ", ".join(missing))
    if missing:
        print(why, flush=True)  # first of all: of a test that goes well ctest keeps the beginning
    return unittest.skipIf(missing, why)


class Generated(E2E):
    def setUp(self):
        self.wsdl = self.instance.url("plain") + "?wsdl"
        self.work = self.instance.dir / self._testMethodName
        self.work.mkdir()

    def run_in(self, *argv, **more):
        done = subprocess.run([str(a) for a in argv], cwd=self.work, capture_output=True, text=True, timeout=600, **more)
        self.assertEqual(done.returncode, 0, "%s\n%s\n%s" % (argv[0], done.stdout[-3000:], done.stderr[-3000:]))
        return done.stdout

    def books(self, *program, **more):
        """The whole way of a visit, and what the database knows of it."""
        book_id = new_id()
        out = self.run_in(*program, MOSCOW, SERVICE, book_id, **more)
        self.assertEqual(out.split("\n"), STEPS + [""])
        states = self.sql("select new_state::text from data.booking_history where book_key = %s order by history_id", book_id)
        self.assertEqual([r[0] for r in states], HISTORY)
        self.assertEqual(self.sql("select last_name, first_name from data.applicant where book_key = %s", book_id), [("Тестов", "Тест")])
        return book_id

    def has_document(self, book_id):
        document = self.sql("select user_doc::text from data.applicant where book_key = %s", book_id)[0][0]
        self.assertIn("2015-05-20", document)

    def compile(self, classpath, *sources):
        out = self.work / "classes"
        out.mkdir()
        self.run_in("javac", "-nowarn", "-encoding", "UTF-8", "-cp", classpath, "-d", out, *sources, *self.work.rglob("*.java"))
        return "%s:%s" % (classpath, out)

    def getters(self, classpath, name):
        """{field: type} of a class, by its getters."""
        said = self.run_in("javap", "-public", "-cp", classpath, name)
        return {n[0].lower() + n[1:]: kind for kind, n in re.findall(r"public (\S+) (?:get|is)(\w+)\(\)", said)}

    def wsimport(self, url):
        self.run_in("java", "-cp", jars(JAXWS), "com.sun.tools.ws.WsImport", "-keep", "-quiet", "-Xnocompile", "-d", self.work, url)
        # One list of anything in place of fields: what came of a choice of orders. ObjectFactory makes elements, which are such.
        for path in self.work.rglob("*.java"):
            if path.name != "ObjectFactory.java":
                self.assertNotIn("JAXBElement<", path.read_text(), path.name)

    # ---- Java --------------------------------------------------------------------------------------------------------

    @needs("wsimport", "javac", JAVA / "jaxws-tools.jar")
    def test_jaxws(self):
        self.wsimport(self.wsdl)
        classpath = self.compile(jars(JAXWS), HERE / "Jaxws.java")
        fields = self.getters(classpath, "ru.rtlabs.epgu.equeue.ws.BookRequest")
        self.assertLessEqual({n.lower() for n in BOOK}, {n.lower() for n in fields})
        self.assertEqual([fields[n] for n in ("email", "mobilePhone", "preliminaryReservation", "preliminaryReservationPeriod")],
                         ["java.lang.String", "java.lang.String", "boolean", "java.lang.Integer"])
        port = self.run_in("javap", "-cp", classpath, "ru.rtlabs.epgu.equeue.ws.EqueuePortType")
        self.assertEqual(len(re.findall(r"public abstract", port)), 7, port)  # updateBookingDetails is not served here
        self.has_document(self.books("java", "-cp", classpath, "Jaxws", self.wsdl))

    @needs("Axis 1.4", "javac", JAVA / "axis.jar")
    def test_axis(self):
        self.run_in("java", "-cp", jars(AXIS), "org.apache.axis.wsdl.WSDL2Java", "-o", self.work, self.wsdl)
        classpath = self.compile(jars(AXIS), HERE / "Axis.java")
        fields = self.getters(classpath, "ru.rtlabs.epgu.equeue.ws.BookRequest")
        self.assertLessEqual({n.lower() for n in BOOK}, {n.lower() for n in fields})
        self.has_document(self.books("java", "-cp", classpath, "Axis", self.instance.url("plain")))

    # ---- .NET --------------------------------------------------------------------------------------------------------

    @needs("Mono", "wsdl", "mcs", "mono")
    def test_mono(self):
        self.run_in("wsdl", "-nologo", "-out:Equeue.cs", self.wsdl)
        text = (self.work / "Equeue.cs").read_text()
        self.assertNotRegex(text, r"\bItems\b|ItemsElementName")
        request = text[text.index("class BookRequest"):]
        fields = re.findall(r"(?m)^    public (\S+) (\w+) \{", request[:request.index("\n}\n")])
        self.assertEqual([n for _, n in fields if n in BOOK and not n.endswith("Specified")], [n for n in self.order_of_fields("BookRequest")])
        self.run_in("mcs", "-nologo", "-out:Client.exe", "-r:System.Web.Services", "-r:System.Xml", "Equeue.cs", HERE / "Mono.cs")
        self.has_document(self.books("mono", "Client.exe", self.instance.url("plain")))

    def order_of_fields(self, name):
        with urllib.request.urlopen(self.instance.url("plain") + "?xsd=equeue-types.xsd") as f:
            root = etree.fromstring(f.read())
        xs = "{http://www.w3.org/2001/XMLSchema}"
        return [e.get("name") for e in root.find("%scomplexType[@name='%s']" % (xs, name)).iter(xs + "element")]

    # ---- languages that make their classes as they run -----------------------------------------------------------------

    @needs("PHP", "php", "/usr/share/doc/php-soap")
    def test_php(self):
        self.has_document(self.books("php", HERE / "client.php", self.wsdl))

    @needs("suds", "/usr/lib/python3/dist-packages/suds")
    def test_suds(self):
        self.has_document(self.books("/usr/bin/python3", "-B", HERE / "client.py", self.wsdl))

    @needs("strong-soap", "node", BUILD / "node/node_modules/strong-soap")
    def test_strong_soap(self):
        self.has_document(self.books("node", HERE / "strong.js", self.wsdl, env=dict(os.environ, NODE_PATH=str(BUILD / "node/node_modules"))))

    # ---- the frame of SMEV 2 ---------------------------------------------------------------------------------------------

    def framed(self, query, revision):
        url = self.instance.url("smev2")
        self.wsimport(url + query)
        (self.work / "Framed.java").write_text((HERE / "Framed.java").read_text().replace("@REVISION@", revision))
        classpath = self.compile(jars(JAXWS))
        frame = self.getters(classpath, "ru.rtlabs.epgu.equeue.ws.Frame")
        kind = "ru.gosuslugi.smev.%s.Message" % revision
        self.assertEqual((frame["message"], frame["messageData"]), (kind + "Type", kind + "DataType"))
        message = self.getters(classpath, kind + "Type")
        self.assertLessEqual({"sender", "recipient", "originator", "typeCode", "status", "date", "exchangeType", "requestIdRef", "originRequestIdRef",
                              "serviceCode", "caseNumber", "testMsg", "oKTMO"}, set(message))
        program = subprocess.Popen(["java", "-cp", classpath, "Framed", "%s?xsd=equeue-smev2-%s.xsd" % (url, revision)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, encoding="utf-8", cwd=self.work)
        self.addCleanup(program.wait)
        self.addCleanup(program.stdin.close)
        self.addCleanup(program.stdout.close)
        client = self.portal("smev2", rev=revision)

        def say(line):
            program.stdin.write(line + "\n")
            program.stdin.flush()
            return program.stdout.readline().rstrip("\n")

        def call(method, **values):
            asked = etree.fromstring(say(" ".join(["ask", method] + ["%s=%s" % item for item in values.items()])))
            body = etree.tostring(asked, method="c14n", exclusive=True).decode()
            reply = client.read(client.post(client.sign(body), method))  # a good signature
            answer = etree.fromstring(reply.body).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")[0]
            self.assertNotIn("\n", etree.tostring(answer, encoding="unicode"))
            return say("read " + etree.tostring(answer, encoding="unicode")), reply

        who = {"userType": "QUALIFIED", "userKind": "PHYSIC", "esiaId": "1000000000"}
        said, reply = call("getSlots", organizationId=MOSCOW, **who, serviceId=SERVICE)
        self.assertEqual(said, "getSlotsResponse RESULT - 0")
        book_id, key = new_id(), {"esiaId": "1000000000"}
        said = [call("book", bookId=book_id, slotId=reply.slots[0]["slotId"], organizationId=MOSCOW, **who, lastName="Тестов", firstName="Тест",
                     email="test@example.com", mobilePhone="+79000000000", serviceId=SERVICE, preliminaryReservation="false")[0],
                call("getBookingStatus", bookId=book_id, **key)[0], call("cancelBooking", bookId=book_id, **key)[0],
                call("book", bookId=new_id(), slotId="no-such-slot", organizationId=MOSCOW, **who, preliminaryReservation="false")[0]]
        self.assertEqual(said[:3], ["bookResponse RESULT 201 0", "getBookingStatusResponse RESULT 201 0", "cancelBookingResponse RESULT 301 0"])
        self.assertRegex(said[3], r"^bookResponse (INVALID|REJECT) 20[78] [24]$")

    @needs("wsimport", "javac", JAVA / "jaxws-tools.jar")
    def test_frame_of_the_usual_revision(self):
        self.framed("?wsdl", "rev120315")

    @needs("wsimport", "javac", JAVA / "jaxws-tools.jar")
    def test_frame_of_the_older_revision(self):
        self.framed("?wsdl=rev111111", "rev111111")


if __name__ == "__main__":
    e2e.main()
