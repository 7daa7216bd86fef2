#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""A portal in small: makes SMEV 2 messages of the booking service, posts them, believes no answer it did not verify.

Shares nothing with the daemon: libgcrypt and Python's own XML. Library and command:

    smev2client.py --url http://127.0.0.1:8181/equeue --key portal.key --cert portal.pem --ca ca.pem \\
        getSlots organizationId=R7700018 userType=QUALIFIED userKind=PHYSIC esiaId=1000000000

Arguments NAME=VALUE become elements in the order given; a dot makes a child (userDoc.Document.docType=PASSPORT).
"""
import argparse
import datetime
import http.client
import json
import sys
import time
import urllib.parse
import uuid
from xml.sax.saxutils import escape

import gost
import xmlsig
from xmlsig import SOAP, WSU, SignatureError

EQ = "http://epgu.rtlabs.ru/equeue/ws/"
REV = {"rev120315": "http://smev.gosuslugi.ru/rev120315", "rev111111": "http://smev.gosuslugi.ru/rev111111"}
ACTOR_SMEV = "http://smev.gosuslugi.ru/actors/smev"
MESSAGE_CLASS = "REQUEST"  # what SMEV says a message is
ACTOR_RECIPIENT = "http://smev.gosuslugi.ru/actors/recipient"
METHODS = ("getSlots", "book", "getBookingStatus", "cancelBooking", "getRefsList", "getRefAttributesList", "getRefItemsList",
           "updateBookingDetails")


class Fault(Exception):
    """A SOAP fault; carries the reply it came in."""

    def __init__(self, reply, code, text):
        super().__init__("%s: %s" % (code, text))
        self.reply, self.code, self.text = reply, code, text


def elements(items, prefix="eq"):
    """[(name, value)] to XML in canonical form; a value is text, None (left out), a list of values or [(name, value)]."""
    out = []
    for name, value in items:
        if value is None:
            continue
        for one in value if isinstance(value, list) and not (value and isinstance(value[0], tuple)) else [value]:
            inner = elements(one, prefix) if isinstance(one, list) else escape(str(one).lower() if isinstance(one, bool) else str(one))
            out.append("<%s:%s>%s</%s:%s>" % (prefix, name, inner.replace("\r", "&#xD;"), prefix, name))
    return "".join(out)


def now_text():
    return datetime.datetime.now().astimezone(datetime.timezone(datetime.timedelta(hours=3))).isoformat(timespec="milliseconds")


class Reply:
    """What came back: HTTP status, bytes, the verdict on the signature, and the values."""

    def __init__(self, status, body, seconds, headers=None):
        self.http_status, self.body, self.seconds, self.headers = status, body, seconds, headers or {}
        self.signer = None   # gost.Certificate when the signature is good
        self.frame = {}      # smev:Message: {"Sender": {"Code": ...}, "Status": "RESULT", ...}
        self.root = None
        self.values = []     # [(name, text or [(name, ...)])] inside the response element (SMEV 2: inside AppData)
        self.element = None

    def texts(self, path):
        """All texts at 'slots/TimeSlot/slotId'."""
        found = [("", self.values)]
        for step in path.split("/"):
            found = [c for _, v in found if isinstance(v, list) for c in v if c[0] == step]
        return [v if isinstance(v, str) else "" for _, v in found]

    def text(self, path, default=None):
        return (self.texts(path) or [default])[0]

    def records(self, path):
        """Each element at the path as a dict of its text children."""
        found = [("", self.values)]
        for step in path.split("/"):
            found = [c for _, v in found if isinstance(v, list) for c in v if c[0] == step]
        return [{n: t for n, t in v if isinstance(t, str)} if isinstance(v, list) else {} for _, v in found]

    @property
    def slots(self):
        return self.records("slots/TimeSlot") or self.records("timeSlot")

    @property
    def status_code(self):
        return self.text("status/statusCode")

    @property
    def error_code(self):
        code = self.text("error/errorDetail/errorCode")
        return None if code is None else int(code)

    @property
    def fields(self):
        """{field: code} of the field errors."""
        found = {}
        for name, value in self._walk(self.values):
            if name == "FieldError":
                parts = dict((n, v) for n, v in value)
                found[parts["fieldName"]] = int(dict(parts["errorDetail"])["errorCode"])
        return found

    def _walk(self, values):
        for name, value in values:
            yield name, value
            if isinstance(value, list):
                yield from self._walk(value)


def _tree(node):
    if not node.children:
        return node.text
    return [(c.local, _tree(c)) for c in node.children]


class Client:
    def __init__(self, url, key=None, cert=None, ca=None, sender="PGU001001", sender_name="ЕПГУ", recipient="AAAA00001",
                 recipient_name="Агентство", rev="rev120315", smev_key=None, smev_cert=None, timeout=120, expect_signer=None):
        """key, cert, ca, smev_*, expect_signer: file names. Without key: bare messages for a plain listener."""
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.path = parts.hostname, parts.port, parts.path
        self.key, self.cert = (gost.PrivateKey(_read(key)), gost.Certificate.from_pem(_read(cert))) if key else (None, None)
        self.smev = (gost.PrivateKey(_read(smev_key)), gost.Certificate.from_pem(_read(smev_cert))) if smev_key else None
        self.authority = gost.Certificate.from_pem(_read(ca)) if ca else None
        self.expect_signer = gost.Certificate.from_pem(_read(expect_signer)) if expect_signer else None
        self.sender, self.sender_name, self.recipient, self.recipient_name = sender, sender_name, recipient, recipient_name
        self.rev, self.timeout, self.connection = REV.get(rev, rev), timeout, None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    # ---- making --------------------------------------------------------------------------------------------------

    def frame(self, **more):
        """smev:Message. Further fields in the order of the schema: RequestIdRef, OriginRequestIdRef, ServiceCode, CaseNumber, TestMsg."""
        party = lambda code, name: [("Code", code), ("Name", name)]
        return elements([
            ("Sender", party(more.get("sender", self.sender), self.sender_name)),
            ("Recipient", party(more.get("recipient", self.recipient), self.recipient_name)),
            ("Originator", more.get("Originator")),
            ("ServiceName", more.get("ServiceName", "EQUEUE" if self.rev == REV["rev120315"] else None)),
            ("TypeCode", more.get("TypeCode", "GSRV")), ("Status", more.get("Status", "REQUEST")),
            ("Date", more.get("Date", now_text())), ("ExchangeType", more.get("ExchangeType", "2")),
            ("RequestIdRef", more.get("RequestIdRef")), ("OriginRequestIdRef", more.get("OriginRequestIdRef")),
            ("ServiceCode", more.get("ServiceCode")), ("CaseNumber", more.get("CaseNumber")), ("TestMsg", more.get("TestMsg"))], "smev")

    def body(self, method, items, **frame):
        """The child of soap:Body, in canonical form."""
        content = items if isinstance(items, str) else elements(items)
        if self.key is None:
            return '<eq:%sRequest xmlns:eq="%s">%s</eq:%sRequest>' % (method, EQ, content, method)
        # In exclusive canonical form a prefix is declared where it is first used: on smev:Message and smev:MessageData.
        return ('<eq:%sRequest xmlns:eq="%s"><smev:Message xmlns:smev="%s">%s</smev:Message><smev:MessageData xmlns:smev="%s">'
                '<smev:AppData>%s</smev:AppData></smev:MessageData></eq:%sRequest>'
                % (method, EQ, self.rev, self.frame(**frame), self.rev, content, method))

    def envelope(self, method, items, message_id=None, **frame):
        """A whole request as bytes; message_id: SMEV itself adds smev:Header and its signature (needs smev_key)."""
        return self.sign(self.body(method, items, **frame), message_id)

    def sign(self, body, message_id=None):
        if self.key is None:
            return ('<soap:Envelope xmlns:soap="%s"><soap:Body>%s</soap:Body></soap:Envelope>' % (SOAP, body)).encode()
        body_id = "body-" + uuid.uuid4().hex
        # What is signed is what is sent: the element below is its own canonical form once soap and wsu are declared in it.
        octets = '<soap:Body xmlns:soap="%s" xmlns:wsu="%s" wsu:Id="%s">%s</soap:Body>' % (SOAP, WSU, body_id, body)
        headers = xmlsig.security_header(self.key, self.cert, ACTOR_SMEV, [(body_id, octets.encode())], "token-" + uuid.uuid4().hex)
        if message_id:
            header_id = "header-" + uuid.uuid4().hex
            header = ('<smev:Header xmlns:smev="%s" xmlns:wsu="%s" wsu:Id="%s"><smev:NodeId>1</smev:NodeId><smev:MessageId>%s</smev:MessageId>'
                      '<smev:TimeStamp>%s</smev:TimeStamp><smev:MessageClass>%s</smev:MessageClass></smev:Header>'
                      % (self.rev, WSU, header_id, escape(message_id), now_text(), MESSAGE_CLASS))
            headers = xmlsig.security_header(*self.smev, ACTOR_RECIPIENT, [(header_id, header.encode()), (body_id, octets.encode())],
                                             "token-" + uuid.uuid4().hex) + headers + header
        return ('<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="%s"><soap:Header>%s</soap:Header>%s</soap:Envelope>'
                % (SOAP, headers, octets)).encode()

    # ---- sending and believing -----------------------------------------------------------------------------------

    def post(self, data, action="", headers=None):
        """Bytes there, Reply back; nothing is checked. A stale kept-alive connection is made anew once, before any answer came."""
        send = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '"%s"' % action}
        send.update(headers or {})
        started = time.monotonic()
        for fresh in (False, True):
            if self.connection is None or fresh:
                self.close()
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
                fresh = True
            try:
                self.connection.request("POST", self.path, data, send)
                answer = self.connection.getresponse()
                body = answer.read()
                return Reply(answer.status, body, time.monotonic() - started, dict((k.lower(), v) for k, v in answer.getheaders()))
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if fresh:
                    raise
            except BaseException:
                self.close()
                raise

    def read(self, reply):
        """Verifies and unpacks; raises SignatureError or Fault."""
        root = xmlsig.parse(reply.body)
        reply.root = root
        if (root.ns, root.local) != (SOAP, "Envelope"):
            raise SignatureError("not a SOAP 1.1 envelope")
        body = root.one(SOAP, "Body")
        if self.key is not None:
            header = root.one(SOAP, "Header")
            ours = [s for s in header.find_all(xmlsig.WSSE, "Security") if s.attrs.get((SOAP, "actor")) == ACTOR_SMEV]
            if len(ours) != 1:
                raise SignatureError("%d signatures for actors/smev" % len(ours))
            cert, covered = xmlsig.verify_security(root, ours[0], self.authority)
            if covered != [body] or root.children != [header, body]:
                raise SignatureError("the signature does not cover the body")
            if self.expect_signer is not None and cert.der != self.expect_signer.der:
                raise SignatureError("signed by somebody else")
            reply.signer = cert
        if len(body.children) != 1:
            raise SignatureError("%d elements in the body" % len(body.children))
        top = body.children[0]
        if (top.ns, top.local) == (SOAP, "Fault"):
            raise Fault(reply, (top.find(None, "faultcode") or top).text, (top.find(None, "faultstring") or top).text)
        reply.element = top.local
        if self.key is not None:
            if [(c.ns, c.local) for c in top.children] != [(self.rev, "Message"), (self.rev, "MessageData")]:
                raise SignatureError("the answer has no SMEV frame")
            reply.frame = {n: dict(v) if isinstance(v, list) else v for n, v in _tree(top.children[0])}
            values = _tree(top.children[1].one(self.rev, "AppData"))
        else:
            values = _tree(top)
        reply.values = values if isinstance(values, list) else []
        return reply

    def call(self, method, items, message_id=None, **frame):
        return self.read(self.post(self.envelope(method, items, message_id, **frame), method))

    # ---- the methods of the order ----------------------------------------------------------------------------------

    def get_slots(self, organization, esia_id="1000000000", services=(), areas=(), user_type="QUALIFIED", user_kind="PHYSIC", more=(), **frame):
        organizations = organization if isinstance(organization, list) else [organization]
        return self.call("getSlots", [("organizationId", organizations), ("userType", user_type), ("userKind", user_kind), ("esiaId", esia_id),
                                      ("serviceId", list(services)), ("areaId", list(areas)), *more], **frame)

    def book_items(self, book_id, slots, organization, preliminary, esia_id="1000000000", period=None, services=(), areas=(),
                   user_type="QUALIFIED", user_kind="PHYSIC", applicant=None):
        person = {"lastName": "Тестов", "firstName": "Тест", "middleName": "Тестович"} if applicant is None else applicant
        return [("bookId", book_id), ("slotId", slots if isinstance(slots, list) else [slots]), ("organizationId", organization),
                ("userType", user_type), ("userKind", user_kind), ("esiaId", esia_id), *person.items(), ("serviceId", list(services)),
                ("areaId", list(areas)), ("preliminaryReservation", preliminary), ("preliminaryReservationPeriod", period)]

    def book(self, book_id, slots, organization, preliminary=False, message_id=None, frame=None, **more):
        return self.call("book", self.book_items(book_id, slots, organization, preliminary, **more), message_id, **(frame or {}))

    def get_booking_status(self, book_id, esia_id="1000000000", **frame):
        return self.call("getBookingStatus", [("bookId", book_id), ("esiaId", esia_id)], **frame)

    def cancel_booking(self, book_id, esia_id="1000000000", **frame):
        return self.call("cancelBooking", [("bookId", book_id), ("esiaId", esia_id)], **frame)

    def get_refs_list(self, **frame):
        return self.call("getRefsList", [], **frame)

    def get_ref_attributes_list(self, names, **frame):
        return self.call("getRefAttributesList", [("refNames", list(names))], **frame)

    def get_ref_items_list(self, name, tree="ONELEVEL", parent=None, select=(), order=(), page=0, size=0, version=None, **frame):
        return self.call("getRefItemsList", [("refName", name), ("parentRefItemValue", parent), ("treeFiltering", tree),
                                             ("selectAttributes", list(select)), ("orderBy", list(order)), ("pageNum", page),
                                             ("pageSize", size), ("version", version)], **frame)


def _read(path):
    with open(path, encoding="ascii", errors="replace") as f:
        return f.read()


def _arguments(pairs):
    """NAME=VALUE with dots to nested lists, in order."""
    items = []
    for pair in pairs:
        name, _, value = pair.partition("=")
        at, *path = name.split(".")
        where = items
        while path:
            if not where or where[-1][0] != at or not isinstance(where[-1][1], list):
                where.append((at, []))
            where, at = where[-1][1], path.pop(0)
        where.append((at, value))
    return items


def main():
    parser = argparse.ArgumentParser(description="signed SMEV 2 calls of the booking service")
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", help="PEM, GOST; without it the message is bare (plain listener)")
    parser.add_argument("--cert")
    parser.add_argument("--ca", help="authority the answer's certificate must come from")
    parser.add_argument("--sender", default="PGU001001")
    parser.add_argument("--recipient", default="AAAA00001")
    parser.add_argument("--rev", default="rev120315", choices=sorted(REV))
    parser.add_argument("--raw", action="store_true", help="print the answer as it came")
    parser.add_argument("--print-request", action="store_true", help="print the signed request and send nothing")
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("arguments", nargs="*", metavar="NAME=VALUE")
    args = parser.parse_args()
    if args.key and not args.ca and not args.print_request:
        parser.error("--key without --ca: the answer could not be verified")
    client = Client(args.url, args.key, args.cert, args.ca, args.sender, recipient=args.recipient, rev=args.rev)
    request = client.envelope(args.method, _arguments(args.arguments))
    if args.print_request:
        sys.stdout.buffer.write(request)
        return 0
    reply = client.post(request, args.method)
    if args.raw:
        sys.stdout.buffer.write(reply.body)
        return 0
    try:
        client.read(reply)
    except Fault as e:
        print("fault %s" % e)
        return 1
    except SignatureError as e:
        print("answer not believed: %s" % e)
        return 1
    print(json.dumps(reply.values, ensure_ascii=False, indent=1))
    print("http %d, %.1f ms, signature %s, error %s" % (reply.http_status, reply.seconds * 1e3, "good" if reply.signer else "none", reply.error_code))
    return 0 if reply.error_code in (0, None) else 1


if __name__ == "__main__":
    sys.exit(main())
