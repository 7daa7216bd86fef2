# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The portal as it hears updateBookingDetails over SMEV 2: a server that verifies what comes, answers signed, and can be told to misbehave.

Shares nothing with the daemon: libgcrypt, Python's own XML, and the schemas read by lxml. It keeps what came in its order, applies a message
once (it knows it by CaseNumber), and judges afterwards: nothing of the frame wrong, nothing twice in effect, each booking in its order.

    portal = PortalDouble(pki, script=lambda call: Act("http", status=503) if call.nth == 1 else OK)
    portal.start(); ... portal.url ...; portal.stop()
"""
import collections
import dataclasses
import datetime
import hashlib
import pathlib
import re
import socket
import threading
import time
import uuid

from lxml import etree

import gost
import smev2client
import xmlsig
from smev2client import ACTOR_SMEV, EQ, REV, elements
from xmlsig import SOAP, SignatureError

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent.parent / "schemas"
HEAD_MAX, BODY_MAX = 65536, 1 << 20
STATUS_OF_ERROR = {0: "RESULT", 1: "FAILURE", 2: "INVALID", 4: "REJECT"}


@dataclasses.dataclass
class Act:
    """What to do with one delivery. kind, and what it means for the portal's state:

    answer        error 0, or `error`, or Status `status` without content; applied when it says yes
    lost-before   the connection ends before anything was applied; `at` octets of the request are read, None: all
    lost-after    applied, and the connection ends without an answer
    cut           applied; the answer ends after `at` octets (of head and body)
    http          an answer of HTTP without SOAP, status `http`; `text`, `type`
    fault         a fault, `code`; signed
    unsigned, stranger, other-call, other-sender, no-case, countersigned: an answer with what the word says
    """
    kind: str = "answer"
    error: int = 0
    status: str = None
    http: int = None
    at: int = None
    code: str = "soap:Server"
    text: str = "<html><body>Service Unavailable</body></html>"
    type: str = "text/html"
    signed: bool = True
    late: float = 0.0  # seconds between the effect and the answer
    drip: int = 0      # octets at a time
    message: str = "ОК"
    applied: bool = None  # in spite of what kind says
    signer: str = None    # a name of pki.sh, in the portal's place


OK = Act()


@dataclasses.dataclass
class Call:
    """One delivery that was read and believed."""
    number: int         # of all, from 1
    nth: int            # of this message, from 1
    agency: str
    case: str
    book_id: str
    esia_id: str
    status: str
    message: str
    timeslot: dict      # {} when nothing is told of it
    digest: str         # of the octets as they came
    at: float
    act: Act = None
    answered: str = ""  # what was said: taken, refused, nothing, ...


class Refused(Exception):
    """What a portal would not read."""


def _names(text):
    return [etree.QName(n).localname for n in text]


class PortalDouble:
    def __init__(self, pki, script=None, code="PGU001001", who="portal", agencies=None, stranger="stranger", port=0):
        """pki: folder of pki.sh. script(call) gives an Act; None: all is taken. agencies: {code: certificate's name}."""
        self.pki, self.code, self.script = pathlib.Path(pki), code, script or (lambda call: OK)
        self.authority = self._cert("ca")
        self.agencies = {c: self._cert(n) for c, n in (agencies or {"AAAA00001": "agency-a", "BBBB00002": "agency-b"}).items()}
        self.signers = {name: self._signer(name) for name in (who, stranger)}
        self.who, self.stranger = who, stranger
        parser = etree.XMLParser(no_network=True)
        self.content = etree.XMLSchema(etree.parse(str(SCHEMAS / "equeue-bare.xsd"), parser))
        self.frames = {REV[r]: etree.XMLSchema(etree.parse(str(SCHEMAS / ("smev-%s.xsd" % r)), parser)) for r in REV}
        self.lock = threading.Lock()
        self.calls, self.violations = [], []
        self.by_book = collections.defaultdict(list)   # book_id: [Call], of the same
        self.oddities = []                        # (book_id, case, case): the latter came though the former had no yes for an answer
        self.answered = set()                     # cases that were told a yes, whole
        self.deliveries = collections.Counter()   # by case
        self.digests = {}                         # case: digest of its first delivery
        self.applied = {}                         # case: Call that had the effect
        self.effects = collections.defaultdict(list)   # book_id: [Call]
        self.open = collections.Counter()         # deliveries in work
        self.most_open = 0
        self.is_down = False
        self.port, self.socket, self.connections = port, None, set()
        self.tls = None                           # an ssl.SSLContext: it speaks TLS alone

    def _read(self, name):
        return (self.pki / name).read_text(encoding="ascii", errors="replace")

    def _cert(self, name):
        return gost.Certificate.from_pem(self._read(name + ".pem"))

    def _signer(self, name):
        return smev2client.Client("http://127.0.0.1/", self.pki / (name + ".key"), self.pki / (name + ".pem"), smev_key=self.pki / "smev.key",
                                  smev_cert=self.pki / "smev.pem")

    # ---- a server ------------------------------------------------------------------------------------------------

    @property
    def url(self):
        return "http://127.0.0.1:%d/equeue/portal" % self.port

    def start(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self.port = self.socket.getsockname()[1]
        self.socket.listen(128)
        threading.Thread(target=self._accept, args=(self.socket,), daemon=True).start()
        return self

    def stop(self):
        """Nobody listens any more, and what was open is cut."""
        listener, self.socket = self.socket, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self.lock:
            open_ones = list(self.connections)
        for c in open_ones:
            self._hang_up(c)

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _hang_up(connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.tls is not None:
                connection = self._wrapped(connection)
            rest = b""
            while True:
                rest = self._one(connection, rest)
                if rest is None:
                    return
        except OSError:
            pass
        except Exception as e:  # a mistake of ours must not pass for a quiet portal
            with self.lock:
                self.violations.append("the double failed: %r" % e)
        finally:
            with self.lock:
                self.connections.discard(connection)
            self._hang_up(connection)

    def _wrapped(self, connection):
        wrapped = self.tls.wrap_socket(connection, server_side=True)
        with self.lock:
            self.connections.discard(connection)
            self.connections.add(wrapped)
        return wrapped

    @staticmethod
    def _more(connection):
        chunk = connection.recv(65536)
        if not chunk:
            raise OSError("ended")
        return chunk

    def _one(self, connection, data):
        """One request; what came behind it, or None when the connection is to end."""
        while b"\r\n\r\n" not in data:
            data += self._more(connection)
            if len(data) > HEAD_MAX:
                raise OSError("head")
        head, _, body = data.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {k.strip().lower(): v.strip() for k, _, v in (f.partition(":") for f in fields)}
        wrong = self._look_at_head(line, headers)
        size = int(headers.get("content-length", "0"))
        if size > BODY_MAX:
            raise OSError("body")
        if self.is_down:
            return None
        while len(body) < size:
            body += self._more(connection)
        body, rest = body[:size], body[size:]
        return rest if self._answer(connection, body, wrong) else None

    def _look_at_head(self, line, headers):
        if not re.fullmatch(r"POST /equeue/portal HTTP/1\.1", line):
            return "request line: %s" % line
        if headers.get("soapaction") != '"updateBookingDetails"':
            return "SOAPAction: %s" % headers.get("soapaction")
        if headers.get("content-type", "").lower() != "text/xml; charset=utf-8":
            return "Content-Type: %s" % headers.get("content-type")
        if "expect" in headers or "transfer-encoding" in headers or "content-length" not in headers:
            return "headers: %s" % sorted(headers)
        return None

    # ---- what came -----------------------------------------------------------------------------------------------

    def read(self, octets):
        """The message, verified; Refused with what is wrong with it."""
        try:
            root = xmlsig.parse(octets)
            if (root.ns, root.local) != (SOAP, "Envelope") or [c.local for c in root.children] != ["Header", "Body"]:
                raise Refused("not an envelope of Header and Body")
            header, body = root.children
            if [(c.local, c.attrs.get((SOAP, "actor"))) for c in header.children] != [("Security", ACTOR_SMEV)]:
                raise Refused("headers: %s" % [c.local for c in header.children])
            cert, covered = xmlsig.verify_security(root, header.children[0], self.authority)
        except SignatureError as e:
            raise Refused("signature: %s" % e) from None
        if covered != [body] or len(body.children) != 1:
            raise Refused("the signature does not cover the body, or the body holds something else")
        wrapper = body.children[0]
        if (wrapper.ns, wrapper.local) != (EQ, "updateBookingDetailsRequest") or [c.local for c in wrapper.children] != ["Message", "MessageData"]:
            raise Refused("wrapper %s of %s" % (wrapper.local, [c.local for c in wrapper.children]))
        frame = self._frame(wrapper.children[0], cert)
        if [(c.ns, c.local) for c in wrapper.children[1].children] != [(wrapper.children[0].ns, "AppData")]:
            raise Refused("MessageData holds %s" % [c.local for c in wrapper.children[1].children])
        return frame, self._values(wrapper.children[1].children[0])

    def _frame(self, node, cert):
        schema = self.frames.get(node.ns)
        if schema is None:
            raise Refused("revision %s" % node.ns)
        tree = etree.fromstring(node.canonical())
        if not schema.validate(tree):
            raise Refused("frame: %s" % schema.error_log.last_error)
        flat = lambda e: {etree.QName(c).localname: (flat(c) if len(c) else c.text or "") for c in e}
        frame = flat(tree)
        sender = frame["Sender"]["Code"]
        if sender not in self.agencies or self.agencies[sender].der != cert.der:
            raise Refused("Sender %s did not sign" % sender)
        if frame["Recipient"]["Code"] != self.code:
            raise Refused("Recipient %s" % frame["Recipient"]["Code"])
        if frame["Status"] != "REQUEST" or not frame.get("CaseNumber"):
            raise Refused("Status %s, CaseNumber %s" % (frame["Status"], frame.get("CaseNumber")))
        at = datetime.datetime.fromisoformat(frame["Date"])
        if at.tzinfo is None or not re.search(r"[+-]\d\d:\d\d$", frame["Date"]):
            raise Refused("Date without a numeric zone: %s" % frame["Date"])
        if abs((datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()) > 86400:
            raise Refused("Date %s" % frame["Date"])
        frame["rev"] = node.ns
        return frame

    def _values(self, app_data):
        content = etree.Element("{%s}updateBookingDetailsRequest" % EQ, nsmap={"eq": EQ})
        content.extend(list(etree.fromstring(app_data.canonical())))
        text = etree.tostring(content)
        tree = etree.fromstring(text)
        if not self.content.validate(tree):
            raise Refused("content: %s" % self.content.error_log.last_error)
        if _names(c.tag for c in tree) not in (["bookId", "esiaId", "status"], ["bookId", "esiaId", "timeslot", "status"]):
            raise Refused("content: %s" % _names(c.tag for c in tree))
        at = lambda path: tree.findtext("/".join("{%s}%s" % (EQ, s) for s in path.split("/")))
        slot = tree.find("{%s}timeslot" % EQ)
        timeslot = {etree.QName(c).localname: c.text or "" for c in slot if not len(c)} if slot is not None else {}
        return {"book_id": at("bookId"), "esia_id": at("esiaId"), "status": at("status/statusCode"), "message": at("status/statusMessage") or "",
                "timeslot": timeslot}

    def _take_in(self, octets):
        frame, values = self.read(octets)
        digest = hashlib.sha256(octets).hexdigest()
        with self.lock:
            case = frame["CaseNumber"]
            self.deliveries[case] += 1
            if self.digests.setdefault(case, digest) != digest:
                self.violations.append("%s: sent again in other octets" % case)
            call = Call(len(self.calls) + 1, self.deliveries[case], frame["Sender"]["Code"], case, digest=digest, at=time.monotonic(), **values)
            before = next((c for c in reversed(self.by_book[call.book_id]) if c.case != case), None)
            if before is not None and before.case not in self.answered:
                self.oddities.append((call.book_id, before.case, case))
            self.calls.append(call)
            self.by_book[call.book_id].append(call)
            self.open[call.book_id] += 1
            self.most_open = max(self.most_open, sum(self.open.values()))
        return frame, call

    def _apply(self, call):
        with self.lock:
            if call.case not in self.applied:
                self.applied[call.case] = call
                self.effects[call.book_id].append(call)

    # ---- what goes back ------------------------------------------------------------------------------------------

    def _answer(self, connection, octets, wrong):
        """True: the connection may go on."""
        try:
            if wrong:
                raise Refused(wrong)
            frame, call = self._take_in(octets)
        except (Refused, etree.XMLSyntaxError, KeyError, ValueError) as e:
            with self.lock:
                self.violations.append(str(e))
            self._send(connection, 500, self._fault("soap:Client", str(e), True), Act())
            return True
        try:
            call.act = self.script(call)
            return self._act(connection, frame, call, call.act)
        finally:
            with self.lock:
                self.open[call.book_id] -= 1

    def _act(self, connection, frame, call, act):
        says_yes = act.kind in ("lost-after", "cut", "no-case", "countersigned") or act.kind == "answer" and not act.error and act.status in (None, "RESULT")
        if says_yes if act.applied is None else act.applied:
            self._apply(call)
        if act.late:
            self._rest(act.late)
        if act.kind in ("lost-before", "lost-after"):
            call.answered = "nothing"
            return False
        if act.kind == "http":
            call.answered = "http"
            self._send(connection, act.http, act.text.encode(), act, act.type)
            return True
        if act.kind == "fault":
            call.answered = "fault"
            self._send(connection, 500, self._fault(act.code, act.message, act.signed), act)
            return True
        # What had its effect is answered as it was: the same message is no second one.
        body = self._response(frame, call, act)
        call.answered = "taken" if says_yes and act.kind != "cut" else "other"
        if call.answered == "taken":
            with self.lock:
                self.answered.add(call.case)
        self._send(connection, act.http or 200, body, act)
        return act.kind != "cut"

    @staticmethod
    def _rest(seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(min(0.05, seconds))

    def _response(self, frame, call, act):
        status = act.status or STATUS_OF_ERROR.get(act.error, "RESULT")
        content = elements([("bookId", call.book_id), ("esiaId", call.esia_id),
                            ("error", [("errorDetail", [("errorCode", act.error), ("errorMessage", act.message)])])])
        party = lambda code, name: [("Code", code), ("Name", name)]
        sender = "OTHER0001" if act.kind == "other-sender" else self.code
        case = str(uuid.uuid4()) if act.kind == "other-call" else None if act.kind == "no-case" else call.case
        message = elements([("Sender", party(sender, "ЕПГУ")), ("Recipient", party(call.agency, frame["Sender"]["Name"])),
                            ("ServiceName", frame.get("ServiceName")), ("TypeCode", frame["TypeCode"]), ("Status", status), ("Date", smev2client.now_text()),
                            ("ExchangeType", frame["ExchangeType"]), ("CaseNumber", case)], "smev")
        data = "" if act.status and act.kind == "answer" else (
            '<smev:MessageData xmlns:smev="%s"><smev:AppData>%s</smev:AppData></smev:MessageData>' % (frame["rev"], content))
        body = ('<eq:updateBookingDetailsResponse xmlns:eq="%s"><smev:Message xmlns:smev="%s">%s</smev:Message>%s</eq:updateBookingDetailsResponse>'
                % (EQ, frame["rev"], message, data))
        if act.kind == "unsigned":
            return self._bare(body)
        name = act.signer or (self.stranger if act.kind == "stranger" else self.who)
        signer = self.signers.get(name) or self._signer(name)
        return signer.sign(body, str(uuid.uuid4()) if act.kind == "countersigned" else None)

    def _fault(self, code, text, signed):
        body = "<soap:Fault><faultcode>%s</faultcode><faultstring>%s</faultstring></soap:Fault>" % (code, smev2client.escape(text))
        return self.signers[self.who].sign(body) if signed else self._bare(body)

    @staticmethod
    def _bare(body):
        return ('<soap:Envelope xmlns:soap="%s"><soap:Body>%s</soap:Body></soap:Envelope>' % (SOAP, body)).encode()

    def _send(self, connection, status, body, act, kind="text/xml; charset=utf-8"):
        head = "HTTP/1.1 %d x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (status, kind, len(body))
        data = head.encode() + body
        if act.kind == "cut":
            data = data[:act.at if act.at is not None else len(data) // 2]
        if not act.drip:
            connection.sendall(data)
            return
        for i in range(0, len(data), act.drip):
            connection.sendall(data[i:i + act.drip])
            time.sleep(0.001)  # in pieces, each in a segment of its own

    # ---- judging -------------------------------------------------------------------------------------------------

    def judge(self, expected, dropped=()):
        """What is wrong with what came, [] when nothing is. expected: {book_id: [(status, visit time or None, comment), ...]} in the order of the changes;
        dropped: book_ids of which a message was given up by hand, so that the next may overtake it."""
        with self.lock:
            wrong = list(self.violations)
            for book_id, changes in expected.items():
                came = [(c.status, c.timeslot.get("visitTime"), c.message) for c in self.effects.get(book_id, [])]
                if came != changes:
                    wrong.append("%s: %s came instead of %s" % (book_id, came, changes))
            wrong += ["%s: nobody changed it" % b for b in self.effects if b not in expected]
            wrong += ["%s: %s overtook %s" % (b, later, earlier) for b, earlier, later in self.oddities if b not in dropped]
            return wrong
