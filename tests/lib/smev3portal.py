# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""The portal on top of SMEV's core: puts requests of order 329 into queues, reads answers, hears changes of bookings and answers them.

It does not speak over the network: it is a part of the core's own process.
"""
import base64
import threading
import time
import uuid
from xml.sax.saxutils import escape

import gost
import gostfast
import smev2client
import smev3sig
import smev3wire as wire
import xmlsig
from smev3core import EQ, REDELIVERY_S, Message
from smev3wire import basic_ns, instant, types_ns

POISONS = ("unknown_root", "two_children", "no_child", "text", "schema", "foreign", "file", "eol", "include", "deep", "dangling", "broadcast",
           "xml_id", "large", "parts", "no_reply_to", "crowded", "bad_id", "doctype", "unverifiable")
UNHEARD = ("deep", "crowded", "bad_id", "doctype", "unverifiable")  # whether SMEV signed it nobody can say: never acked, SMEV keeps it


class Push:
    """A change of a booking as it arrived: in this order."""

    def __init__(self, message, values):
        self.message, self.values, self.answered_at = message, values, None
        self.message_id, self.book_id = message.message_id, values.get("bookId")

    @property
    def status(self):
        return self.values.get("statusCode")


class Portal:
    """who: certificate and key of the pki, which sign where signed=True; the real portal signs nothing."""

    def __init__(self, core, mnemonic="MNSV05", name="Портал", who="portal", version="1.2", vip=False):
        self.core, self.version = core, version
        self.system = core.add_system(mnemonic, name, [who], vip=vip)
        self.key, self.cert = gostfast.PrivateKey(core.read(who + ".key")), self.system.certificates[0]
        self.submitted, self.answers, self.pushes, self.statuses = {}, {}, [], {}
        self.bare = smev2client.Client("http://127.0.0.1:1/")
        self.push_answer = None     # function of Push: business text, ("reject", code, text), or None for no answer; None: error code 0
        self.push_delay_s = 0.0
        self.delayed = []
        self.thread, self.stopped, self.lock = None, threading.Event(), threading.RLock()
        self.spread_order = None    # function of the list of answers that wait: puts them into another order

    # ---- requests ----------------------------------------------------------------------------------------------------------

    def business(self, method, items):
        return self.bare.body(method, items)

    def call(self, agency, method, items, **more):
        return self.submit(agency, self.business(method, items), (EQ, method + "Request"), **more)

    def submit(self, agency, business, root, version=None, message_id=None, transaction_code="tc-1", node=None, eol=None, test=False, signed=False,
               personal=None, files=(), attachments=(), hashed=gost.STREEBOG256, kind="REQUEST", put=True, **more):
        """A request into an agency's queue. business: text of the root element, declarations and all. personal: (key, certificate) of a
        person; files: [(name, octets)] in the store, named by that digest; attachments: [(id, octets)] in the message."""
        version, message_id = version or self.version, message_id or wire.uuid_at(self.core.peer_clock.now())
        t, b = (lambda n, x: "<t:%s>%s</t:%s>" % (n, x, n)), (lambda n, x: "<b:%s>%s</b:%s>" % (n, x, n))
        scope = {"t": types_ns(version), "b": basic_ns(version)}
        parts = [t("MessageID", message_id)]
        parts += [t("TransactionCode", escape(transaction_code))] if transaction_code else []
        parts += [t("NodeID", escape(node))] if node is not None else []
        parts += [t("EOL", instant(eol))] if eol is not None else []
        signature = ""
        if personal:
            at = min(i for i in (business.find(c) for c in " >/") if i > 0)
            business = business[:at] + ' Id="PERSONAL_SIGNATURE"' + business[at:]
            signature = t("PersonalSignature", smev3sig.sign_text(*personal, business, "PERSONAL_SIGNATURE", scope))
        parts += [b("MessagePrimaryContent", business), signature]
        fake_cms = base64.b64encode(b"0\x80 detached signature of a file \x00\x00" + bytes(range(64))).decode()
        if attachments:
            parts.append(b("AttachmentHeaderList", "".join(b("AttachmentHeader", b("contentId", i) + b("MimeType", "application/pdf")
                                                             + b("SignaturePKCS7", fake_cms)) for i, _ in attachments)))
        stored = [(str(uuid.uuid1()), name, data) for name, data in files]
        if stored:
            digest = lambda data: base64.b64encode(gost.digest(hashed, data)).decode()
            parts.append(b("RefAttachmentHeaderList", "".join(b("RefAttachmentHeader", b("uuid", i) + b("Hash", digest(d))
                                                                + b("MimeType", "application/zip") + b("SignaturePKCS7", fake_cms))
                                                              for i, _, d in stored)))
        parts += [t("TestMessage", "")] if test else []
        text = "<t:SenderProvidedRequestData%s Id=\"SIGNED_BY_CONSUMER\">%s</t:SenderProvidedRequestData>" % (wire.declare(scope), "".join(parts))
        message = Message(kind, message_id, self.system, agency, text.encode(), version, root=root, node_id=node, transaction_code=transaction_code,
                          eol=eol, files=stored, attachments=list(attachments), **more)
        message.business = business
        if signed:
            message.signature = smev3sig.sign_text(self.key, self.cert, text, "SIGNED_BY_CONSUMER")
        with self.lock:
            self.submitted[message_id] = message
            self.answers.setdefault(message_id, [])
        return self.core.submit(message) if put else message

    def poison(self, kind, agency, head=True, **more):
        """Something no agency can make sense of, at the head of its queue."""
        good = self.business("getRefsList", [])
        name = (EQ, "getRefsListRequest")
        now = self.core.peer_clock.now()
        if kind == "unknown_root":
            message = self.submit(agency, '<x:question xmlns:x="urn:unknown"><x:a>1</x:a></x:question>', ("urn:unknown", "question"), put=False, **more)
        elif kind == "two_children":
            message = self.submit(agency, good + good, name, put=False, **more)
        elif kind == "no_child":
            message = self.submit(agency, "", name, put=False, **more)
        elif kind == "text":
            message = self.submit(agency, "текст", name, put=False, **more)
        elif kind == "schema":
            message = self.submit(agency, '<eq:getSlotsRequest xmlns:eq="%s"><eq:wrong>1</eq:wrong></eq:getSlotsRequest>' % EQ, (EQ, "getSlotsRequest"),
                                  put=False, **more)
        elif kind == "foreign":  # the queue is ours, the frame names somebody else
            other = self.core.systems.get("ELSE01") or self.core.add_system("ELSE01", "Другое ведомство")
            message = self.submit(agency, good, name, put=False, shown_recipient=other, **more)
        elif kind == "file":  # named in the message, in the store never
            message = self.submit(agency, good, name, put=False, files=[("gone.zip", b"")], **more)
            message.files_gone = True
        elif kind == "eol":
            message = self.submit(agency, good, name, put=False, eol=now - 3600, **more)
        elif kind == "include":
            message = self.submit(agency, '<eq:getSlotsRequest xmlns:eq="%s"><eq:organizationId>%s</eq:organizationId></eq:getSlotsRequest>'
                                  % (EQ, wire.include("nothing@example")), (EQ, "getSlotsRequest"), put=False, **more)
        elif kind == "deep":
            message = self.submit(agency, '<x:a xmlns:x="urn:deep">' + "<x:a>" * 3000 + "</x:a>" * 3000 + "</x:a>", ("urn:deep", "a"), put=False, **more)
        elif kind == "dangling":
            message = self.submit(agency, '<eq:getRefsListRequest xmlns:eq="%s" xmlns:xsi="%s" xsi:type="eq:None"></eq:getRefsListRequest>'
                                  % (EQ, wire.XSI), name, put=False, **more)
        elif kind == "broadcast":
            message = self.submit(agency, good, name, put=False, kind="BROADCAST", **more)
        elif kind == "large":
            message = self.submit(agency, '<x:a xmlns:x="urn:large">%s</x:a>' % ("0123456789abcdef" * (5 << 16)), ("urn:large", "a"), put=False, **more)
        elif kind == "crowded":
            message = self.submit(agency, '<x:a xmlns:x="urn:large">%s</x:a>' % ("<x:b></x:b>" * 200000), ("urn:large", "a"), put=False, **more)
        elif kind == "parts":  # told as MIME: each of them, and its signature
            message = self.submit(agency, good, name, put=False, attachments=[("_%d" % n, b"x") for n in range(1990)], **more)
        elif kind == "no_reply_to":
            message = self.submit(agency, good, name, put=False, **more)
        elif kind == "bad_id":
            message = self.submit(agency, good, name, put=False, message_id="number-" + uuid.uuid4().hex[:8], **more)
        elif kind in ("doctype", "unverifiable"):
            message = self.submit(agency, good, name, put=False, **more)
        elif kind == "xml_id":
            message = self.submit(agency, '<eq:getRefsListRequest xmlns:eq="%s" Id="SIGNED_BY_SMEV"></eq:getRefsListRequest>' % EQ, name, put=False, **more)
        else:
            raise ValueError(kind)
        message.poison, message.spoil = kind, kind if kind in UNHEARD else None
        with self.core.lock:
            if kind == "no_reply_to":
                message.reply_to = ""
            self.core.submit(message)
            if head:
                queue = agency.requests
                for line in (queue.common, queue.vip):
                    for entry in [e for e in line if e.message is message]:
                        line.remove(entry)
                        queue.head.appendleft(entry)
        return message

    # ---- what comes ----------------------------------------------------------------------------------------------------------

    def pump(self):
        """Takes what waits for the portal; True when there was something."""
        busy = False
        with self.core.lock, self.lock:
            now = self.core.clock.now()
            for queue in [self.system.requests, *list(self.system.responses.values())]:
                while True:
                    entry = queue.take(now, REDELIVERY_S, lambda m: True)
                    if entry is None:
                        break
                    queue.ack(entry.message.message_id)
                    busy = True
                    (self._hear_push if queue is self.system.requests else self._hear_answer)(entry.message)
            due = [p for p in self.delayed if p[0] <= time.monotonic()]
            self.delayed = [p for p in self.delayed if p not in due]
            if self.spread_order is not None:
                due = self.spread_order(due)
            for _, push in due:
                self._answer_push(push)
        return busy

    def _hear_answer(self, message):
        original = message.original.message_id if message.original is not None else None
        self.answers.setdefault(original, []).append(message)

    def _hear_push(self, message):
        node = xmlsig.parse(message.data)
        business = node.find(None, "MessagePrimaryContent").children[0]
        push = Push(message, {n.local: n.text for n in business.walk() if not n.children})
        self.pushes.append(push)
        if self.push_delay_s:
            self.delayed.append((time.monotonic() + self.push_delay_s, push))
        else:
            self._answer_push(push)

    def _answer_push(self, push):
        made = self.push_answer(push) if self.push_answer is not None else self.push_said(push, 0)
        if made is None:
            return None
        version = push.message.version
        scope = {"t": types_ns(version), "b": basic_ns(version)}
        if isinstance(made, tuple):
            content = ("<t:RequestRejected><t:RejectionReasonCode>%s</t:RejectionReasonCode><t:RejectionReasonDescription>%s"
                       "</t:RejectionReasonDescription></t:RequestRejected>" % (made[1], escape(made[2])))
        else:
            content = "<b:MessagePrimaryContent>%s</b:MessagePrimaryContent>" % made
        ident = wire.uuid_at(self.core.peer_clock.now())
        text = ('<t:SenderProvidedResponseData%s Id="SIGNED_BY_PROVIDER"><t:MessageID>%s</t:MessageID><t:To>%s</t:To>%s</t:SenderProvidedResponseData>'
                % (wire.declare(scope), ident, escape(push.message.reply_to), content))
        answer = Message("RESPONSE", ident, self.system, push.message.sender, text.encode(), version, original=push.message,
                         node_id=push.message.node_id, root=None if isinstance(made, tuple) else (EQ, "updateBookingDetailsResponse"))
        push.answered_at = self.core.clock.now()
        push.message.finals.append(answer)
        return self.core.respond(answer)

    def push_said(self, push, code, text="Успешно"):
        return self.bare_answer(push.values.get("bookId", ""), push.values.get("esiaId", ""), code, text)

    def bare_answer(self, book_id, esia_id, code, text):
        return ('<eq:updateBookingDetailsResponse xmlns:eq="%s"><eq:bookId>%s</eq:bookId><eq:esiaId>%s</eq:esiaId><eq:error><eq:errorDetail>'
                '<eq:errorCode>%d</eq:errorCode><eq:errorMessage>%s</eq:errorMessage></eq:errorDetail></eq:error></eq:updateBookingDetailsResponse>'
                % (EQ, escape(book_id), escape(esia_id), code, escape(text)))

    # ---- reading -------------------------------------------------------------------------------------------------------------

    def answer(self, message, seconds=30.0, final=True):
        """The values of the first (final) answer: smev2client's records; waits for it."""
        deadline, again = time.monotonic() + seconds, self.core.clock.patience()
        while True:
            if self.thread is None:
                self.pump()
            with self.lock:
                found = [m for m in self.answers.get(message.message_id, ()) if not final or getattr(m, "what", None) != "RequestStatus"]
            if found:
                return Answer(found[0])
            if time.monotonic() > deadline:
                raise AssertionError("no answer to %s within %d s" % (message.message_id, seconds))
            again()
            time.sleep(0.005)

    def start(self):
        """Pumps in a thread of its own."""
        def run():
            while not self.stopped.is_set():
                if not self.pump():
                    self.stopped.wait(0.01)
        self.thread = threading.Thread(target=run, name="portal", daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.stopped.set()
        if self.thread is not None:
            self.thread.join()
            self.thread = None


class Answer(smev2client.Reply):
    """An agency's answer: values as smev2client.Reply has them, or what was refused."""

    def __init__(self, message):
        super().__init__(200, message.data, 0.0)
        node = xmlsig.parse(message.data)
        self.message, self.rejected, self.request_status = message, None, None
        content = node.find(None, "MessagePrimaryContent")
        if content is not None:
            values = smev2client._tree(content.children[0])
            self.element, self.values = content.children[0].local, values if isinstance(values, list) else []
            self.octets = smev3sig.octets(content.children[0])
        for rejected in node.find_all(None, "RequestRejected"):
            self.rejected = (wire.text_of(rejected, "RejectionReasonCode"), wire.text_of(rejected, "RejectionReasonDescription"))
        status = node.find(None, "RequestStatus")
        if status is not None:
            self.request_status = (wire.text_of(status, "StatusCode"), wire.text_of(status, "StatusDescription"))
