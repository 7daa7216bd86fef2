# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Octets of SMEV 3 as its core writes them: namespaces of three versions, envelopes in several dresses, faults, MIME with XOP.

Nothing here knows of queues: see smev3core.py.
"""
import base64
import datetime
import email.parser
import re
import urllib.parse
import uuid
from xml.sax.saxutils import escape

import smevtransform
import xmlsig
from xmlsig import SOAP

VERSIONS = ("1.1", "1.2", "1.3")
_BASE = "urn://x-artefacts-smev-gov-ru/services/message-exchange/types"
XOP = "http://www.w3.org/2004/08/xop/include"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
OPERATIONS = ("SendRequest", "SendResponse", "GetRequest", "GetResponse", "Ack", "GetStatus", "GetIncomingQueueStatistics")
UUID_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Instants without a zone are none.
INSTANT_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_MOSCOW = datetime.timezone(datetime.timedelta(hours=3))


def types_ns(version):
    return "%s/%s" % (_BASE, version)


def basic_ns(version):
    return "%s/basic/%s" % (_BASE, version)


def faults_ns(version):
    return "%s/faults/%s" % (_BASE, version)


def version_of(ns):
    """(version, is it the basic one) of a types namespace, or (None, False)."""
    for version in VERSIONS:
        if ns == types_ns(version):
            return version, False
        if ns == basic_ns(version):
            return version, True
    return None, False


# ---- time and ids -----------------------------------------------------------------------------------------------------

_UUID_EPOCH = 0x01B21DD213814000  # of 1970-01-01 in steps of 100 ns since 1582-10-15
_sequence = [0]


def uuid_at(seconds):
    """A UUID of version 1 made at that instant; lower case, none twice."""
    _sequence[0] += 1
    stamp = int(seconds * 1e7) + _UUID_EPOCH
    fields = (stamp & 0xFFFFFFFF, stamp >> 32 & 0xFFFF, stamp >> 48 & 0x0FFF | 0x1000, _sequence[0] >> 8 & 0x3F | 0x80, _sequence[0] & 0xFF,
              uuid.getnode() ^ (_sequence[0] >> 14 & 0xFFFFFF))
    return str(uuid.UUID(fields=fields))


def uuid_seconds(text):
    """When a UUID of version 1 was made."""
    return (uuid.UUID(text).time - _UUID_EPOCH) / 1e7


def instant(seconds):
    return datetime.datetime.fromtimestamp(seconds, _MOSCOW).isoformat(timespec="milliseconds")


def seconds_of(text):
    """An xs:dateTime with a zone; ValueError for any other text."""
    if not INSTANT_PATTERN.fullmatch(text):
        raise ValueError("not an instant: " + text)
    return datetime.datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", lambda m: m.group(1).ljust(7, "0"), text.replace("Z", "+00:00"))).timestamp()


# ---- writing ----------------------------------------------------------------------------------------------------------

class Dress:
    """How an answer looks, all of it without meaning: prefixes of the envelope and, apart, of what the sender provided; blanks
    between elements; an empty soap:Header; a declaration of XML."""

    def __init__(self, types="ns2", basic="", faults="ns3", inner=None, space="", header=False, declaration=False, soap="soap", blank=""):
        """inner: {"types": prefix, "basic": prefix} for sender-provided data, which then is written anew; blank: what stands in
        its empty fields."""
        self.types, self.basic, self.faults, self.inner = types, basic, faults, inner
        self.space, self.header, self.declaration, self.soap, self.blank = space, header, declaration, soap, blank

    def name(self, which, local):
        prefix = getattr(self, which)
        return "%s:%s" % (prefix, local) if prefix else local

    def scope(self, version):
        return {self.types: types_ns(version), self.basic: basic_ns(version), self.faults: faults_ns(version)}


DRESSES = {
    "plain": Dress(),
    "header": Dress(header=True, declaration=True, soap="S"),
    # As CXF writes: the outer prefixes bound anew inside, to each other's namespace.
    "rebound": Dress(inner={"types": "", "basic": "ns2"}),
    "many": Dress(types="ns4", basic="ns5", faults="ns8", inner={"types": "ns5", "basic": "ns4"}, soap="SOAP-ENV"),
    # Blanks between elements change no signature, for the transform drops them.
    "blanks": Dress(space="\n    ", inner={"types": "ns", "basic": "ns2"}, blank=" "),
}


def element(name, content):
    return "<%s>%s</%s>" % (name, content, name)


def declare(scope):
    return "".join(' xmlns%s="%s"' % (":" + p if p else "", u) for p, u in scope.items())


def standalone(node):
    """The element's own bytes, with the namespaces in scope around it declared in its start tag. Signatures over it hold."""
    data = node.bytes()
    end = re.compile(rb"[\s/>]").search(data, 1).start()
    tag = xmlsig._TAG.match(data).group(0)
    own = {m.decode() for m in re.findall(rb"[\s]xmlns(?::([^\s=]+))?\s*=", tag)}
    more = declare({p: smevtransform._attribute(u) for p, u in node.outer.items() if p != "xml" and u and p not in own})
    return data[:end] + more.encode() + data[end:]


def rewrite(node, names, space="", blank="", keep=lambda node: False):
    """An element written anew: names is {namespace: (prefix, namespace to write)}; for others, and where keep(), the bytes as they
    came. Only for elements that have text or children, not both, as SMEV's own are."""
    def one(n, declarations=""):
        if keep(n) or n.ns not in names:
            return standalone(n).decode("utf-8")
        prefix = names[n.ns][0]
        tag = "%s:%s" % (prefix, n.local) if prefix else n.local
        attributes = "".join(' %s="%s"' % (k, smevtransform._attribute(v)) for (ns, k), v in n.attrs.items() if ns is None)
        if n.children:
            inner = space + space.join(one(c) for c in n.children) + space
        else:
            inner = escape(n.text).replace("\r", "&#xD;") or (blank if n is not node else "")
        return "<%s%s%s>%s</%s>" % (tag, declarations, attributes, inner, tag)

    return one(node, declare({prefix: uri for prefix, uri in names.values()}))


def envelope(body, dress, scope=None):
    head = '<?xml version="1.0" encoding="UTF-8"?>\n' if dress.declaration else ""
    s = dress.soap
    return ('%s<%s:Envelope xmlns:%s="%s"%s>%s<%s:Body>%s</%s:Body></%s:Envelope>'
            % (head, s, s, SOAP, declare(scope or {}), "<%s:Header/>" % s if dress.header else "", s, body, s, s)).encode("utf-8")


# ---- faults -----------------------------------------------------------------------------------------------------------

_SENDS, _GETS = ("SendRequest", "SendResponse"), ("GetRequest", "GetResponse", "GetStatus")
_ALL = OPERATIONS
# Name: (operations that may answer it, its own children in the faults namespace). Code and Description stand before them.
FAULTS = {
    "SignatureVerificationFault": (_ALL, lambda sub: [("SignatureVerificationFault", sub or "SignatureIsInvalid")]),
    "InvalidContent": (_ALL, lambda sub: [("ValidationError", sub or "содержимое не соответствует схеме")]),
    "SenderIsNotRegistered": (_ALL, None),
    "SMEVFailure": (_ALL, None),
    "UnknownMessageType": (_GETS, None),
    "TargetMessageIsNotFound": (("Ack",), None),
    "BusinessDataTypeIsNotSupported": (_SENDS, lambda sub: [("RootElementLocalName", (sub or ("x", "urn:x"))[0]),
                                                            ("RootElementNamespaceURI", (sub or ("x", "urn:x"))[1])]),
    "AttachmentContentMiscoordination": (_SENDS, None),
    "AttachmentSizeLimitExceeded": (_SENDS, lambda sub: [("PermittedTotalAttachmentSize", 5242880), ("RealTotalAttachmentSize", 6291456)]),
    "QuoteLimitExceeded": (_SENDS, lambda sub: [("RemainedTotalQuoteSize", 0), ("RealTotalAttachmentSize", 1048576)]),
    "RecipientIsNotFound": (_SENDS, None),
    "DestinationOverflow": (_SENDS, lambda sub: [("MessageBrokerAddress", "tcp://broker.example:61616"), ("DestinationName", "incoming.queue")]),
    "MessageIsAlreadySent": (_SENDS, None),
    "InvalidMessageIdFormat": (_SENDS, None),
    "StaleMessageId": (_SENDS, None),
    "AccessDenied": (("SendRequest", "GetRequest", "GetResponse"), None),
    "PersonalAccessDenied": (("SendRequest",), None),
    "TransactionCodeInvalid": (("SendRequest",), None),
    "EndOfLifeReached": (("SendRequest",), None),
    "IncorrectResponseContentType": (("SendResponse",), None),
}
SIGNATURE_FAULTS = ("PoorSOAPEnvelopeFormat", "NoSignatureFound", "IncorrectSignatureTarget", "SignatureIsInvalid", "CertificateIsNotFound",
                    "CertificateIsExpired")
# full: as the schema has it; void: the same without Code and Description; empty: the element and nothing in it; none: no detail;
# client: as the node of 2023 wrote, with the namespaces of three versions declared at once.
SHAPES = ("full", "void", "empty", "none", "client")
FAULT_CODE = "tsmev3:TEST_AREA:TSMEV3_CORE1 : TR:SYNC:SPS:4"  # 45 characters; the real one has 51, over the bound of schema 1.1
FAULT_CODE_LONG = "tsmev3:PRODUCTION_AREA:TSMEV3_CORE2 : TR:SYNC:SPS:4"


class SmevFault(Exception):
    """A refusal by SMEV: name of the table above, or None for a fault without detail."""

    def __init__(self, name, text, sub=None, code="SMEV-100"):
        super().__init__("%s: %s" % (name, text))
        self.name, self.text, self.sub, self.number = name, text, sub, code


def fault_detail(name, version, text="", sub=None, shape="full", number="SMEV-100", code=FAULT_CODE):
    """The element of soap:detail with its own declarations."""
    scope = {"ns3": faults_ns(version), "ns2": types_ns(version), "": basic_ns(version)}
    if shape == "client":
        for n, v in enumerate(VERSIONS):
            scope.update({"v%dt" % n: types_ns(v), "v%db" % n: basic_ns(v), "v%df" % n: faults_ns(v)})
    inner = ""
    if shape == "full":
        inner = element("Code", escape(code)) + element("Description", escape("%s:%s" % (number, text)))
    children = FAULTS[name][1]
    if children and shape not in ("empty", "client"):
        for local, value in children(sub):
            attribute = ' errorPosition="1"' if local == "ValidationError" else ""
            inner += "<ns3:%s%s>%s</ns3:%s>" % (local, attribute, escape(str(value)), local)
    return "<ns3:%s%s>%s</ns3:%s>" % (name, declare(scope), inner, name)


def fault(name, version, text="Сообщение об ошибке", sub=None, shape="full", number="SMEV-100", code=FAULT_CODE):
    detail = fault_detail(name, version, text, sub, shape, number, code) if name and shape != "none" else ""
    s, who, lang = ("SOAP-ENV", "SOAP-ENV:Client", ' xml:lang="ru"') if shape == "client" else ("soap", "soap:Server", "")
    body = ("<%s:Fault><faultcode>%s</faultcode><faultstring%s>%s</faultstring>%s</%s:Fault>"
            % (s, who, lang, escape(text), element("detail", detail) if detail else "", s))
    return envelope(body, Dress(soap=s, header=shape == "client"))


# ---- MIME -------------------------------------------------------------------------------------------------------------

def _part(headers, data):
    return b"".join(("%s: %s\r\n" % h).encode() for h in headers) + b"\r\n" + data


def include(cid):
    return '<xop:Include xmlns:xop="%s" href="cid:%s"/>' % (XOP, urllib.parse.quote(cid, safe="@"))


def mime(root, style, attachments=(), move=True):
    """(Content-Type, body) of an envelope as multipart/related. style: "cxf" or "jaxws". attachments: [(content id, octets)] beside
    what move takes out of the envelope: each SignaturePKCS7 and Content becomes an xop:Include."""
    boundary = "uuid:%s" % uuid.uuid4()
    parts = list(attachments)
    if move:

        def out(match):
            value = match.group(2)
            if not value:
                return match.group(0)
            cid = ("%s-%d@urn://x-artefacts-smev-gov-ru/services" % (uuid.uuid4(), len(parts) + 1) if style == "cxf"
                   else "%s@example.jaxws.sun.com" % uuid.uuid4())
            parts.append((cid, base64.b64decode(value)))
            return match.group(1) + include(cid).encode() + match.group(3)

        root = re.sub(rb"(<(?:\w+:)?(?:SignaturePKCS7|Content)>)([A-Za-z0-9+/=\s]*)(</)", out, root)
    if style == "cxf":
        name = "root.message@cxf.apache.org"
        kind = ('multipart/related; type="application/xop+xml"; boundary="%s"; start="<%s>"; start-info="text/xml"' % (boundary, name))
        first = [("Content-Type", 'application/xop+xml; charset=UTF-8; type="text/xml"'), ("Content-Transfer-Encoding", "binary"),
                 ("Content-ID", "<%s>" % name)]
        other = lambda cid: [("Content-Type", "application/octet-stream"), ("Content-Transfer-Encoding", "binary"), ("Content-ID", "<%s>" % cid)]
    else:
        name = "rootpart*%s@example.jaxws.sun.com" % uuid.uuid4()
        # RFC 2231: a parameter in pieces, and no blank before the last one.
        kind = ('multipart/related; start*0="<%s"; start*1="%s>"; type="application/xop+xml"; boundary="%s"; start-info="text/xml";charset=UTF-8'
                % (name[:-8], name[-8:], boundary))
        first = [("Content-Id", "<%s>" % name), ("Content-Type", 'application/xop+xml;charset=utf-8;type="text/xml"'),
                 ("Content-Transfer-Encoding", "binary")]
        other = lambda cid: [("Content-Id", "<%s>" % cid), ("Content-Type", "application/octet-stream"), ("Content-Transfer-Encoding", "binary")]
    pieces = [_part(first, root)] + [_part(other(cid), data) for cid, data in parts]
    line = b"--" + boundary.encode()
    start = b"\r\n" if style == "cxf" else b""
    return kind, start + b"".join(line + b"\r\n" + p + b"\r\n" for p in pieces) + line + b"--" + (b"\r\n" if style == "cxf" else b"")


class MimeError(Exception):
    pass


def read_mime(content_type, body):
    """(root part, {content id: octets}) of an HTTP body; anything but multipart/related is its own root part."""
    if not content_type.lower().lstrip().startswith("multipart/"):
        return body, {}
    head = email.parser.BytesHeaderParser().parsebytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n")
    boundary = head.get_boundary()
    if not boundary:
        raise MimeError("no boundary")
    line = b"--" + boundary.encode()
    chunks = (b"\r\n" + body).split(b"\r\n" + line)
    if len(chunks) < 3 or not chunks[-1].startswith(b"--"):
        raise MimeError("the closing boundary is missing")
    parts, first = {}, None
    for chunk in chunks[1:-1]:
        head_text, _, data = chunk.lstrip(b" \t")[2:].partition(b"\r\n\r\n")
        headers = email.parser.BytesHeaderParser().parsebytes(head_text + b"\r\n\r\n")
        if headers.get("Content-Transfer-Encoding", "binary").lower() == "base64":
            data = base64.b64decode(data)
        cid = re.sub(r"\s", "", headers.get("Content-ID", "")).strip("<>")
        parts[cid] = data
        first = cid if first is None else first
    start = head.get_param("start")
    if isinstance(start, tuple):
        start = start[2]
    root = parts.pop((start or first).strip("<>"), None)
    if root is None:
        raise MimeError("no root part")
    return root, parts


_INCLUDE = re.compile(rb"<(?:[\w.-]+:)?Include\b[^>]*?href\s*=\s*[\"']cid:([^\"']*)[\"'][^>]*?(?:/>|>\s*</(?:[\w.-]+:)?Include\s*>)")


def put_back(root, parts):
    """Includes back to base64 where they stood."""

    def put(match):
        cid = urllib.parse.unquote(match.group(1).decode())
        if cid not in parts:
            raise MimeError("no part " + cid)
        return base64.b64encode(parts[cid])

    return _INCLUDE.sub(put, root) if parts else root


# ---- reading ----------------------------------------------------------------------------------------------------------

def text_of(node, local, default=None):
    found = node.find_all(None, local)
    return found[0].text if found else default


def body_child(data):
    """(root, has a soap:Header, the child of soap:Body); xmlsig.SignatureError when it is no such thing."""
    root = xmlsig.parse(data)
    if (root.ns, root.local) != (SOAP, "Envelope"):
        raise xmlsig.SignatureError("not a SOAP 1.1 envelope")
    body = root.one(SOAP, "Body")
    if len(body.children) != 1:
        raise xmlsig.SignatureError("%d elements in soap:Body" % len(body.children))
    return root, bool(root.find(SOAP, "Header")), body.children[0]
