# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""An information system's side of SMEV 3 in small: makes, signs and posts calls, believes no answer it did not verify.

For tests of the core itself, and for parties beside the daemon. Every part of a call may be changed before and after it is signed.
"""
import http.client
import time
import urllib.parse
from xml.sax.saxutils import escape

import gostfast
import smev3sig
import smev3wire as wire
import xmlsig
from smev3wire import basic_ns, instant, types_ns

IDENT = "SIGNED_BY_CALLER"


class SmevFault(Exception):
    """What SMEV refused: name of the element in soap:detail, "" when there is none."""

    def __init__(self, name, sub, text, body):
        super().__init__("%s %s: %s" % (name or "Fault", sub or "", text))
        self.name, self.sub, self.text, self.body = name, sub, text, body


class Delivered:
    """A verified Request, Response or Cancel of a poll."""

    def __init__(self, node, data, metadata, verified, root):
        self.node, self.data, self.metadata, self.octets, self.envelope = node, data, metadata, verified.octets, root
        self.message_id = wire.text_of(metadata, "MessageId") or (wire.text_of(data, "MessageID") if data else None)
        self.kind = wire.text_of(metadata, "MessageType")
        self.reply_to = wire.text_of(node, "ReplyTo")
        content = data.find(None, "MessagePrimaryContent") if data else None
        self.business = content.children[0] if content is not None and content.children else None
        self.files = [{c.local: c.text for c in f.children} for l in node.find_all(None, "FSAttachmentsList") for f in l.children]

    @property
    def tag(self):
        return None if self.business is None else (self.business.ns, self.business.local)


class Client:
    def __init__(self, url, key, cert, smev_cert, version="1.2", clock=time.time, timeout=30):
        """key, cert, smev_cert: PEM texts."""
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.path = parts.hostname, parts.port, parts.path
        self.key, self.cert, self.smev = gostfast.PrivateKey(key), gostfast.Certificate.from_pem(cert), gostfast.Certificate.from_pem(smev_cert)
        self.version, self.clock, self.timeout, self.connection = version, clock, timeout, None

    @classmethod
    def of(cls, server, who, endpoint="main", smev="smev", **more):
        read = server.core.read
        return cls(server[endpoint].url, read(who + ".key"), read(who + ".pem"), read(smev + ".pem"),
                   clock=server.core.peer_clock.now, **more)

    # ---- making ------------------------------------------------------------------------------------------------------------

    def t(self, local, content, attributes=""):
        return "<t:%s%s>%s</t:%s>" % (local, attributes, content, local)

    def b(self, local, content, attributes=""):
        return "<b:%s%s>%s</b:%s>" % (local, attributes, content, local)

    def scope(self):
        return {"t": types_ns(self.version), "b": basic_ns(self.version)}

    def envelope(self, operation, signed, before="", beside="", header=True, edit=None, key=None, ident=IDENT, place="CallerInformationSystemSignature",
                 **more):
        """Octets of a call. signed: the element as text with prefixes t and b and Id=ident; edit: of the finished text."""
        who = key or (self.key, self.cert)
        signature = smev3sig.sign_text(*who, signed, ident, self.scope(), **more)
        body = self.t(operation + "Request", before + signed + beside + (self.t(place, signature) if place else ""), wire.declare(self.scope()))
        octets = wire.envelope(body, wire.Dress(header=header))
        return edit(octets) if edit else octets

    def selector(self, root=None, node=None, at=None):
        named = "" if root is None else self.b("NamespaceURI", escape(root[0])) + self.b("RootElementLocalName", root[1])
        return self.b("MessageTypeSelector", named + self.b("Timestamp", instant(self.clock()) if at is None else at)
                      + ("" if node is None else self.b("NodeID", node)), ' Id="%s"' % IDENT)

    def request_data(self, business, message_id=None, more_before="", more_behind=""):
        return self.t("SenderProvidedRequestData", self.t("MessageID", message_id or self.new_id()) + more_before
                      + self.b("MessagePrimaryContent", business) + more_behind, ' Id="%s"' % IDENT)

    def response_data(self, to, content, message_id=None):
        return self.t("SenderProvidedResponseData", self.t("MessageID", message_id or self.new_id()) + self.t("To", escape(to)) + content,
                      ' Id="%s"' % IDENT)

    def new_id(self):
        return wire.uuid_at(self.clock())

    # ---- sending -----------------------------------------------------------------------------------------------------------

    def post(self, operation, octets, content_type="text/xml; charset=UTF-8", action=None):
        """(HTTP status, Content-Type, body). Nothing is sent twice: who knows what became of it."""
        headers = {"Content-Type": content_type, "SOAPAction": '"%s"' % (action or "urn:" + operation)}
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            self.connection.request("POST", self.path, octets, headers)
            answer = self.connection.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def call(self, operation, octets, **more):
        """The operation's answer element; SmevFault for a refusal."""
        status, kind, body = self.post(operation, octets, **more)
        root_part, parts = wire.read_mime(kind, body)
        root, _, child = wire.body_child(wire.put_back(root_part, parts))
        if (child.ns, child.local) == (xmlsig.SOAP, "Fault"):
            detail = child.find(None, "detail")
            found = detail.children[0] if detail is not None and detail.children else None
            sub = None
            for inner in found.children if found is not None else []:
                sub = inner.text if inner.local == "SignatureVerificationFault" else sub
            raise SmevFault(found.local if found is not None else "", sub, child.find(None, "faultstring").text, body)
        if status != 200 or (child.ns, child.local) != (types_ns(self.version), operation + "Response"):
            raise xmlsig.SignatureError("answer to another call: %d %s" % (status, child.local))
        return root, child

    def _verified(self, element_node, holder):
        if holder is None:
            raise xmlsig.SignatureError("no signature of SMEV")
        return smev3sig.verify(element_node, holder, certificates=[self.smev], certificate=self.smev)

    def poll(self, operation, wrapper, names, root=None, node=None, **more):
        envelope, answer = self.call(operation, self.envelope(operation, self.selector(root, node), **more))
        if not answer.children:
            return None
        message = answer.one(types_ns(self.version), wrapper)
        signed = next(c for c in message.children if c.local in names)
        verified = self._verified(signed, message.find(types_ns(self.version), "SMEVSignature"))
        data = signed.find(None, "SenderProvidedRequestData") or signed.find(None, "SenderProvidedResponseData")
        return Delivered(signed, data, signed.one(None, "MessageMetadata"), verified, envelope)

    def get_request(self, root=None, **more):
        return self.poll("GetRequest", "RequestMessage", ("Request", "Cancel"), root, **more)

    def get_response(self, root=None, node=None, **more):
        return self.poll("GetResponse", "ResponseMessage", ("Response",), root, node, **more)

    def ack(self, message_id, accepted="true", **more):
        attributes = ' Id="%s"' % IDENT + ("" if accepted is None else ' accepted="%s"' % accepted)
        return self.call("Ack", self.envelope("Ack", self.b("AckTargetMessage", message_id, attributes), **more))[1]

    def get_status(self):
        answer = self.call("GetStatus", self.envelope("GetStatus", self.b("Timestamp", instant(self.clock()), ' Id="%s"' % IDENT)))[1]
        if not answer.children:
            return None
        message = answer.children[0]
        self._verified(message.children[0], message.find(None, "SMEVSignature"))
        return {n.local: n.text for n in message.walk()}

    def statistics(self):
        answer = self.call("GetIncomingQueueStatistics", self.envelope("GetIncomingQueueStatistics", self.b("Timestamp", instant(self.clock()),
                                                                                                            ' Id="%s"' % IDENT)))[1]
        return {c.attrs[None, "queueName"]: int(c.attrs[None, "pendingMessageNumber"]) for c in answer.children}

    def _send(self, operation, data, **more):
        answer = self.call(operation, self.envelope(operation, data, **more))[1]
        metadata = answer.one(types_ns(self.version), "MessageMetadata")
        self._verified(metadata, answer.find(types_ns(self.version), "SMEVSignature"))
        return {n.local: n.text for n in metadata.walk()}

    def send_response(self, to, business, message_id=None, **more):
        return self._send("SendResponse", self.response_data(to, self.b("MessagePrimaryContent", business), message_id), **more)

    def reject(self, to, code="FAILURE", text="Отказано", message_id=None, **more):
        rejected = self.t("RequestRejected", self.t("RejectionReasonCode", code) + self.t("RejectionReasonDescription", escape(text)))
        return self._send("SendResponse", self.response_data(to, rejected, message_id), **more)

    def status(self, to, code=1, text="В работе", message_id=None, **more):
        status = self.t("RequestStatus", self.t("StatusCode", str(code)) + self.t("StatusDescription", escape(text)))
        return self._send("SendResponse", self.response_data(to, status, message_id), **more)

    def send_request(self, business, message_id=None, **more):
        return self._send("SendRequest", self.request_data(business, message_id), **more)
