# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""SMEV 3 in small, for tests: systems, their queues, and what each operation does with them. No network: see smev3server.py.

A system is known by the certificates that sign its calls. Requests wait in one queue a system, answers in one a node of it; what was
delivered and not acked within 15 minutes returns to the head of its queue. Versions 1.1, 1.2 and 1.3 live side by side: a message is
written in the reader's version, whatever the sender's was. Signs and verifies with smev3sig.py, which shares nothing with the daemon.
"""
import base64
import collections
import json
import threading
import time
from xml.sax.saxutils import escape

import gost
import gostfast
import smev3sig
import smev3wire as wire
import smevtransform
import xmlsig
from smev3wire import SmevFault, basic_ns, element, instant, types_ns
from xmlsig import SignatureError

EQ = "http://epgu.rtlabs.ru/equeue/ws/"
METHODS = ("getSlots", "book", "getBookingStatus", "cancelBooking", "getRefsList", "getRefAttributesList", "getRefItemsList",
           "updateBookingDetails")
REDELIVERY_S = 15 * 60
ID_AGE_S = 24 * 3600
SKEW_S = 5 * 60


class Clock:
    """Seconds since 1970; runs with the machine's, from where it was set."""

    def __init__(self):
        self.offset = 0.0

    def now(self):
        return time.time() + self.offset

    def advance(self, seconds):
        self.offset += seconds

    def patience(self, every_s=10.0):
        """To be called while something is waited for. Whoever asked SMEV may have given up before SMEV's answer came (a machine that is slow
        for a moment): SMEV delivers again a quarter of an hour later, which is here every_s of waiting."""
        since = time.monotonic()

        def again():
            nonlocal since
            if time.monotonic() > since + every_s:
                since = time.monotonic()
                self.advance(REDELIVERY_S + 60)
        return again


class System:
    """An information system: mnemonic, name, the certificates that sign for it."""

    def __init__(self, mnemonic, name, certificates=(), vip=False):
        self.mnemonic, self.name, self.vip = mnemonic, name, vip
        self.certificates = list(certificates)
        self.officials = None  # certificates, one of which must sign (ЭП-СП) each business element it sends; None: nobody must
        self.requests, self.responses, self.statuses = Queue(), collections.defaultdict(Queue), Queue()
        self.empty_polls = []


class Entry:
    """A message's place in a queue. times: how often it was delivered from there."""

    def __init__(self, message):
        self.message, self.delivered_at, self.times = message, None, 0


class Queue:
    def __init__(self):
        self.head, self.vip, self.common = collections.deque(), collections.deque(), collections.deque()
        self.unacked = collections.OrderedDict()  # entry: None, in the order of delivery

    def put(self, entry, head=False):
        (self.head if head else self.vip if entry.message.sender.vip else self.common).append(entry)

    def __len__(self):
        return len(self.head) + len(self.vip) + len(self.common)

    def expire(self, now, after):
        """What was not acked in time goes back to the head, the longest delivered first."""
        late = [e for e in self.unacked if now - e.delivered_at >= after]
        for entry in late:
            del self.unacked[entry]
        self.head.extendleft(reversed(late))

    def take(self, now, after, fits):
        self.expire(now, after)
        for line in (self.head, self.vip, self.common):
            for n, entry in enumerate(line):
                if fits(entry.message):
                    del line[n]
                    entry.delivered_at, entry.times = now, entry.times + 1
                    self.unacked[entry] = None
                    return entry
        return None

    def ack(self, message_id):
        found = [e for e in self.unacked if e.message.message_id == message_id]
        for entry in found:
            del self.unacked[entry]
        return found

    def entries(self):
        return [*self.head, *self.vip, *self.common, *self.unacked]


class Message:
    """What one system sent another. data: the sender-provided element, able to stand alone, in the sender's version."""

    def __init__(self, kind, message_id, sender, recipient, data, version, **more):
        self.kind, self.message_id, self.sender, self.recipient, self.data, self.version = kind, message_id, sender, recipient, data, version
        self.signature = None         # text of the sender's ds:Signature
        self.root = None              # (namespace, name) of the business element
        self.reply_to = self.node_id = self.original = self.transaction_code = self.eol = self.refused = None
        self.sent_at = 0.0
        self.attachments = []         # [(content id, octets)]
        self.files = []               # [(uuid, name, octets)]
        self.node = None              # data, parsed
        self.business = None          # of a request that smev3portal.py put in: text of its root element
        self.poison = self.what = None  # a kind of smev3portal.POISONS; of an answer: which of the three it is
        self.shown_recipient = None   # whom the metadata name instead of the recipient
        self.files_gone = False       # named, and not in the store
        self.spoil = None             # why nobody can read it or believe it; "doctype", "unverifiable", of an answer "unsigned" and "cut", are made at each delivery
        self.finals = []              # of a request: the answers that were taken, RequestStatus not among them
        for name, value in more.items():
            setattr(self, name, value)


class Type:
    """A kind of data (вид сведений): the names of the request's and the answer's root, who serves it."""

    def __init__(self, request, response, provider=None, broadcast=False):
        self.request, self.response, self.provider, self.broadcast = request, response, provider, broadcast


class Call:
    """A request to SMEV as far as it was understood."""

    def __init__(self):
        self.operation = self.version = self.system = self.message_id = self.accepted = None
        self.root = None


class Answer:
    """What SMEV says: HTTP status, root part, and what a record tells of it."""

    def __init__(self, status, body, operation=None, message_id=None, fault=None, spoiled=None, attachments=()):
        self.status, self.body, self.operation, self.message_id = status, body, operation, message_id
        self.fault, self.spoiled, self.attachments = fault, spoiled, list(attachments)
        self.empty = False


class Core:
    """pki: a directory that pki.sh made. certificates: whose signature SMEV's is; authority: who issues certificates of systems."""

    def __init__(self, pki, smev="smev", strict=True):
        self.pki = pki
        self.key, self.cert = gostfast.PrivateKey(self.read(smev + ".key")), gostfast.Certificate.from_pem(self.read(smev + ".pem"))
        self.authority = gost.Certificate.from_pem(self.read("ca.pem"))
        self.clock, self.peer_clock = Clock(), Clock()  # of the queues; of ids and timestamps of callers
        self.strict = strict        # three transforms are no signature here
        self.header_required = True
        self.poll_limit = None      # (polls, seconds): that many empty polls with a lesser mean interval are one too many
        self.lock = threading.RLock()
        self.systems, self.by_certificate, self.types = {}, {}, {}
        self.requests = {}          # reply_to: Message
        self.sent = {}              # (mnemonic, message id): Message
        self.files = None           # smev3ftp.Server
        self.on_put = None          # hears of each message that submit() takes
        self.counters = collections.Counter()
        self.unverified = None      # a list: signatures of callers are not verified before their calls are answered, but by settle()
        self._certs = {}
        self._chain = {}

    def read(self, name):
        return (self.pki / name).read_text(encoding="ascii")

    # ---- who and what --------------------------------------------------------------------------------------------------

    def add_system(self, mnemonic, name, certificates=(), **more):
        """certificates: names of .pem files of the pki."""
        system = System(mnemonic, name, [gostfast.Certificate.from_pem(self.read(c + ".pem")) for c in certificates], **more)
        self.systems[mnemonic] = system
        for cert in system.certificates:
            self.by_certificate[cert.der] = system
        return system

    def add_type(self, request, response, provider=None, broadcast=False):
        """request, response: (namespace, root name); provider: the system that serves requests of it."""
        kind = Type(request, response, provider, broadcast)
        self.types[request] = kind
        if response:
            self.types[response] = kind
        return kind

    def add_order_329(self, portal):
        """The methods of the order, agencies the providers; updateBookingDetails is the portal's. (An agency takes it too: A2.)"""
        for method in METHODS:
            self.add_type((EQ, method + "Request"), (EQ, method + "Response"), portal if method == "updateBookingDetails" else None)

    # ---- putting in ----------------------------------------------------------------------------------------------------

    def submit(self, message):
        """A message straight into its recipient's queue, as if SendRequest had taken it."""
        with self.lock:
            message.sent_at = self.clock.now()
            if message.kind == "REQUEST" and message.reply_to is None:
                message.reply_to = base64.b64encode(json.dumps({"sid": self.counters["submitted"], "mid": message.message_id, "eol": 0, "slc": "",
                                                                "mnm": message.sender.mnemonic}).encode()).decode()
            if message.reply_to:
                self.requests[message.reply_to] = message
            self.sent[message.sender.mnemonic, message.message_id] = message
            self.counters["submitted"] += 1
            message.recipient.requests.put(Entry(message))
            if self.on_put is not None:
                self.on_put(message)
            return message

    def duplicate(self, message, head=False):
        """The same message once more, as if it had not been acked."""
        with self.lock:
            message.recipient.requests.put(Entry(message), head)

    def respond(self, message):
        """A message into the queue of answers of its recipient's node."""
        with self.lock:
            message.sent_at = self.clock.now()
            message.recipient.responses[message.node_id or ""].put(Entry(message))
            return message

    def cancel(self, message):
        """Tells the recipient of a request that it is wanted no more (1.1)."""
        with self.lock:
            note = Message("CANCEL", wire.uuid_at(self.peer_clock.now()), message.sender, message.recipient, b"", "1.1", original=message,
                           root=message.root)
            note.sent_at = self.clock.now()
            message.recipient.requests.put(Entry(note))
            return note

    def push_error(self, system, details):
        """An error that only GetStatus tells: a notification that did not arrive."""
        with self.lock:
            note = Message("STATUS", wire.uuid_at(self.peer_clock.now()), System("smev", "СМЭВ"), system, b"", "1.2", refused=details)
            system.statuses.put(Entry(note))
            return note

    def refuse_async(self, message, category="requestIsRejectedBySmev", details="Бизнес-данные не соответствуют схеме", typed=True, faulty=True):
        """SMEV's late refusal of a message that it had taken, or (not faulty) another word about it: into the sender's queue of answers."""
        with self.lock:
            data = "".join((element("ns2:OriginalMessageId", message.message_id), element("ns2:StatusCategory", category),
                            element("ns2:StatusDetails", escape(details))))
            version = message.version
            # The type is a name with a prefix in an attribute's value, which the transform cuts loose.
            if faulty:
                data += ('<ns2:SmevFault%s><b:Code>tsmev3:T:TSMEV3_ASYNC_CORE1:TR:ASYNC:PP:BSV:3</b:Code><b:Description>SMEV-403:%s</b:Description>%s'
                         '</ns2:SmevFault>' % (' xmlns:xsi="%s" xsi:type="ns3:InvalidContent"' % wire.XSI if typed else "", escape(details),
                                               '<ns3:ValidationError errorPosition="-1">x</ns3:ValidationError>' if typed else ""))
            own_id = wire.uuid_at(self.peer_clock.now())
            text = ('<ns2:SenderProvidedResponseData xmlns:ns2="%s" xmlns:b="%s" xmlns:ns3="%s" Id="SIGNED_ASYNC_BY_SMEV"><ns2:MessageID>%s'
                    '</ns2:MessageID><ns2:To>%s</ns2:To><ns2:AsyncProcessingStatus>%s</ns2:AsyncProcessingStatus></ns2:SenderProvidedResponseData>'
                    % (types_ns(version), basic_ns(version), wire.faults_ns(version), own_id, "smev", data))
            smev = System("smev", "СМЭВ")
            note = Message("RESPONSE", own_id, smev, message.sender, text.encode(), version, original=message, node_id=message.node_id)
            note.signature = smev3sig.sign_text(self.key, self.cert, text, "SIGNED_ASYNC_BY_SMEV")
            return self.respond(note)

    # ---- a call ----------------------------------------------------------------------------------------------------------

    def call(self, content_type, action, body, trouble=None, dress=wire.DRESSES["plain"]):
        """Octets of an HTTP request to (Call, Answer). trouble: smev3server.Trouble, of which spoil and late matter here."""
        call = Call()
        call.version = "1.2"  # of a fault when the request does not tell
        with self.lock:
            try:
                self._understand(call, content_type, action, body)
                answer = getattr(self, "_" + call.operation)(call, trouble, dress)
                answer.operation = call.operation
            except SmevFault as e:
                answer = self.refuse(call.version, e)
                answer.operation, answer.message_id = call.operation, call.message_id
            self.counters[(call.operation, answer.fault or ("empty" if answer.empty else "ok"))] += 1
            return call, answer

    def refuse(self, version, fault, shape="full"):
        return Answer(500, wire.fault(fault.name, version, fault.text, fault.sub, shape, fault.number), fault=fault.name or "Fault")

    def _understand(self, call, content_type, action, body):
        poor = lambda text: SmevFault("SignatureVerificationFault", text, "PoorSOAPEnvelopeFormat")
        try:
            root_part, parts = wire.read_mime(content_type, body)
            root, header, child = wire.body_child(wire.put_back(root_part, parts))
        except (wire.MimeError, SignatureError) as e:
            raise poor("Формат конверта: %s" % e) from None
        version, basic = wire.version_of(child.ns)
        operation = child.local.removesuffix("Request") if child.local.endswith("Request") else None
        if version is None or basic or operation not in wire.OPERATIONS:
            raise SmevFault(None, "Неизвестная операция {%s}%s" % (child.ns, child.local))
        call.version = version
        if action.strip('"') != "urn:" + operation:
            raise SmevFault(None, "SOAPAction %s не подходит к %s" % (action, child.local))
        if operation == "GetIncomingQueueStatistics" and version != "1.1":
            raise SmevFault(None, "Операции %s нет в версии %s" % (operation, version))
        if self.header_required and not header:
            raise poor("Нет soap:Header")
        call.operation, call.root = operation, child
        self._verify(call, child)

    _SIGNED = {"SendRequest": (False, "SenderProvidedRequestData"), "SendResponse": (False, "SenderProvidedResponseData"),
               "GetRequest": (True, "MessageTypeSelector"), "GetResponse": (True, "MessageTypeSelector"), "Ack": (True, "AckTargetMessage"),
               "GetStatus": (True, "Timestamp"), "GetIncomingQueueStatistics": (True, "Timestamp")}

    def _verify(self, call, child):
        basic, name = self._SIGNED[call.operation]
        t, b = types_ns(call.version), basic_ns(call.version)
        refuse = lambda text, sub: SmevFault("SignatureVerificationFault", text, sub)
        try:
            call.signed = child.one(b if basic else t, name)
        except SignatureError:
            raise self._invalid("нет элемента %s" % name) from None
        holders = child.find_all(t, "CallerInformationSystemSignature")
        if len(holders) != 1 or not holders[0].find(xmlsig.DSIG, "Signature"):
            raise refuse("Не найдена ЭП-ОВ", "NoSignatureFound")
        call.holder = holders[0]
        allowed = {(t, "SenderProvidedRequestData"), (t, "SenderProvidedResponseData"), (b, "MessageTypeSelector"), (b, "AckTargetMessage"),
                   (b, "Timestamp"), (b, "AttachmentContentList"), (t, "CallerInformationSystemSignature"), (t, "NodeID")}
        if any((c.ns, c.local) not in allowed and c.local != "Routing" for c in child.children):
            raise self._invalid("лишний элемент в %s" % child.local)
        transforms = (smev3sig.TRANSFORMS,) if self.strict else (smev3sig.TRANSFORMS, smev3sig.WITH_ENVELOPED)
        try:
            der = base64.b64decode(call.holder.one(xmlsig.DSIG, "Signature").one(xmlsig.DSIG, "KeyInfo").one(xmlsig.DSIG, "X509Data")
                                   .one(xmlsig.DSIG, "X509Certificate").text)
            call.certificate = self._certs.get(der) or gostfast.Certificate(der)
            self._certs[der] = call.certificate
        except (SignatureError, gost.GostError, ValueError):
            raise refuse("Сертификат ЭП-ОВ не найден", "CertificateIsNotFound") from None
        try:
            if der not in self._chain:
                call.certificate.check_issued_by(self.authority)
                self._chain[der] = True
        except gost.GostError as e:
            raise refuse("Сертификат ЭП-ОВ: %s" % e, "CertificateIsExpired" if "dates" in str(e) else "CertificateIsNotFound") from None
        if self.unverified is not None:
            self.unverified.append((call.signed, call.holder, transforms, call.certificate))
        try:
            if self.unverified is None:
                smev3sig.verify(call.signed, call.holder, transforms=transforms, certificate=call.certificate)
        except SignatureError as e:
            sub = "IncorrectSignatureTarget" if str(e).startswith("signed is ") else "SignatureIsInvalid"
            raise refuse("ЭП-ОВ недействительна: %s" % e, sub) from None
        call.system = self.by_certificate.get(der)
        if call.system is None:
            raise SmevFault("SenderIsNotRegistered", "Отправитель не зарегистрирован", code="SMEV-101")

    def settle(self):
        """Verifies what was left unverified; raises SignatureError for the first that is not good, returns how many there were."""
        with self.lock:
            found, self.unverified = self.unverified, None
        for signed, holder, transforms, certificate in found:
            smev3sig.verify(signed, holder, transforms=transforms, certificate=certificate)
        return len(found)

    def _invalid(self, text):
        return SmevFault("InvalidContent", "Содержимое не соответствует схеме: " + text, text, "SMEV-102")

    def _fields(self, node, order):
        """Children of the names given, in that order; "name?" may be absent. InvalidContent otherwise."""
        found, rest = {}, list(node.children)
        for name in order:
            optional = name.endswith("?")
            name = name.rstrip("?")
            if rest and rest[0].local == name and wire.version_of(rest[0].ns)[0]:
                found[name] = rest.pop(0)
            elif not optional:
                raise self._invalid("в %s нет %s" % (node.local, name))
        if rest:
            raise self._invalid("в %s лишний %s" % (node.local, rest[0].local))
        return found

    def _timestamp(self, text):
        try:
            seconds = wire.seconds_of(text)
        except ValueError:
            raise self._invalid("Timestamp %s без часового пояса или не время" % text) from None
        if abs(seconds - self.peer_clock.now()) > SKEW_S:
            raise self._invalid("Timestamp %s далёк от времени СМЭВ" % text)

    # ---- GetRequest, GetResponse, GetStatus ------------------------------------------------------------------------------

    def _selector(self, call):
        named = call.signed.find(basic_ns(call.version), "NamespaceURI") is not None
        fields = self._fields(call.signed, (["NamespaceURI", "RootElementLocalName"] if named else []) + ["Timestamp", "NodeID?"])
        self._timestamp(fields["Timestamp"].text)
        kind = None
        if named:
            name = (fields["NamespaceURI"].text, fields["RootElementLocalName"].text)
            kind = self.types.get(name)
            if kind is None:
                raise SmevFault("UnknownMessageType", "Неизвестный вид сведений {%s}%s" % name, code="SMEV-302")
        node = fields["NodeID"].text if "NodeID" in fields else ""
        return (lambda m: True) if kind is None else (lambda m: m.root in (kind.request, kind.response)), node

    def _slower(self, call):
        """AccessDenied for who asks an empty queue too often and too evenly."""
        if self.poll_limit is None:
            return
        polls, interval = self.poll_limit
        seen = call.system.empty_polls
        seen.append(self.clock.now())
        del seen[:-polls - 1]
        gaps = [b - a for a, b in zip(seen, seen[1:])]
        if len(gaps) >= polls:
            mean = sum(gaps) / len(gaps)
            if mean <= interval and (sum((g - mean) ** 2 for g in gaps) / len(gaps)) ** 0.5 <= max(mean * 0.2, 0.001):
                raise SmevFault("AccessDenied", "Слишком частый опрос пустой очереди", code="SMEV-107")

    def _poll(self, call, queue, fits):
        entry = queue.take(self.clock.now(), REDELIVERY_S, fits)
        if entry is None:
            self._slower(call)
        else:
            call.system.empty_polls.clear()
            call.message_id = entry.message.message_id
        return entry

    def _empty(self, call, dress):
        name = dress.name("types", call.operation + "Response")
        scope = dress.scope(call.version)
        answer = Answer(200, wire.envelope("<%s%s></%s>" % (name, wire.declare(scope), name), dress))
        answer.empty = True
        return answer

    def _GetRequest(self, call, trouble, dress):
        fits, _ = self._selector(call)
        # Only 1.1 can say that a request is wanted no more.
        entry = self._poll(call, call.system.requests, lambda m: fits(m) and (m.kind != "CANCEL" or call.version == "1.1"))
        if entry is None:
            return self._empty(call, dress)
        return self.deliver_request(entry.message, call.version, dress, trouble and trouble.spoil)

    def _GetResponse(self, call, trouble, dress):
        fits, node = self._selector(call)
        entry = self._poll(call, call.system.responses[node], fits)
        if entry is None:
            return self._empty(call, dress)
        return self.deliver_response(entry.message, call.version, dress, trouble and trouble.spoil)

    def _GetStatus(self, call, trouble, dress):
        self._timestamp(call.signed.text)
        entry = self._poll(call, call.system.statuses, lambda m: True)
        if entry is None:
            return self._empty(call, dress)
        version, t = call.version, lambda local: dress.name("types", local)
        data = '<%s Id="SIGNED_BY_SMEV">%s</%s>' % (t("AsyncProcessingStatusData"), element(t("AsyncProcessingStatus"), "".join((
            element(t("OriginalMessageId"), entry.message.message_id), element(t("StatusCategory"), "requestIsRejectedBySmev"),
            element(t("StatusDetails"), escape(entry.message.refused or ""))))), t("AsyncProcessingStatusData"))
        return self._signed_answer(call.operation, version, dress, "SmevAsyncProcessingMessage", data, "", trouble and trouble.spoil, entry.message)

    def _GetIncomingQueueStatistics(self, call, trouble, dress):
        self._timestamp(call.signed.text)
        t = lambda local: dress.name("types", local)
        system = call.system
        rows = [("%s.requests" % system.mnemonic, len(system.requests))] + [("%s.responses.%s" % (system.mnemonic, n or "common"), len(q))
                                                                            for n, q in sorted(system.responses.items())]
        inner = "".join('<%s queueName="%s" pendingMessageNumber="%d"></%s>' % (t("QueueStatistics"), n, k, t("QueueStatistics")) for n, k in rows)
        name = t("GetIncomingQueueStatisticsResponse")
        return Answer(200, wire.envelope("<%s%s>%s</%s>" % (name, wire.declare(dress.scope(call.version)), inner, name), dress))

    # ---- what is delivered -----------------------------------------------------------------------------------------------

    def _metadata(self, message, version, dress, kind, status, delivered=True, ident=None):
        t = lambda local, text: element(dress.name("types", local), text)
        party = lambda which, system: t(which, t("Mnemonic", escape(system.mnemonic))
                                        + (t("HumanReadableName", escape(system.name)) if version != "1.2" else ""))
        parts = [t("MessageId", message.message_id), t("MessageType", kind), party("Sender", message.sender),
                 t("SendingTimestamp", instant(message.sent_at or self.clock.now()))]
        if version == "1.1":
            parts.append(t("DestinationName", "unknown"))
        parts.append(party("Recipient", message.shown_recipient or message.recipient))
        if version == "1.1":
            parts.append(t("SupplementaryData", t("DetectedContentTypeName", "not detected") + t("InteractionType", "NotDetected")))
        if delivered:
            parts.append(t("DeliveryTimestamp", instant(self.clock.now())))
        parts.append(t("Status", status))
        name = dress.name("types", "MessageMetadata")
        return "<%s%s>%s</%s>" % (name, ' Id="%s"' % ident if ident else "", dress.space.join(parts), name)

    def _delivered(self, version):
        return "responseIsDelivered" if version == "1.1" else "messageIsDelivered"

    def _data_in(self, message, version, dress):
        """(text of the sender-provided element in that version and dress, signature that still holds or "")."""
        if version == message.version and dress.inner is None:
            return message.data.decode(), message.signature
        if message.node is None:
            message.node = xmlsig.parse(message.data)
        inner = dress.inner or {"types": "t", "basic": "b"}
        names = {types_ns(message.version): (inner["types"], types_ns(version)), basic_ns(message.version): (inner["basic"], basic_ns(version)),
                 wire.faults_ns(message.version): ("flt", wire.faults_ns(version))}
        text = wire.rewrite(message.node, names, dress.space, dress.blank, lambda n: n.local == "SmevFault" and version == message.version)
        return text, message.signature if version == message.version else None

    def _signature_place(self, dress, name, signature):
        return element(dress.name("types", name), signature) if signature else ""

    def _files(self, message, dress):
        if not message.files or self.files is None:
            return ""
        b = lambda local, text: element(dress.name("basic", local), text)
        rows = []
        for ident, name, data in message.files:
            user, password = self.files.grant(message.message_id, ident, "gone" if message.files_gone else name, data)
            rows.append(b("FSAttachment", b("uuid", ident) + b("UserName", user) + b("Password", password) + b("FileName", escape("/" + name))))
        return b("FSAttachmentsList", "".join(rows))

    def deliver_request(self, message, version, dress, spoil=None):
        t = lambda local, text: element(dress.name("types", local), text)
        s = dress.space
        if message.kind == "CANCEL":
            b = dress.name("basic", "MessageReference")
            inner = ('<%s Id="CANCELLED">%s</%s>' % (b, message.original.message_id, b) + t("MessageID", message.message_id)
                     + self._metadata(message, "1.1", dress, "CANCEL", "cancelled"))
            return self._signed_answer("GetRequest", "1.1", dress, "RequestMessage", '<%s Id="SIGNED_BY_SMEV">%s</%s>'
                                       % (dress.name("types", "Cancel"), inner, dress.name("types", "Cancel")), "", spoil, message)
        data, signature = self._data_in(message, version, dress)
        parts = [data, self._metadata(message, version, dress, message.kind, self._delivered(version)), self._files(message, dress),
                 t("ReplyTo", escape(message.reply_to)) if message.reply_to else (t("ReplyTo", "") if version == "1.1" else ""),
                 self._signature_place(dress, "SenderInformationSystemSignature", signature)]
        name = dress.name("types", "Request")
        request = '<%s Id="SIGNED_BY_SMEV">%s</%s>' % (name, s.join(p for p in parts if p), name)
        answer = self._signed_answer("GetRequest", version, dress, "RequestMessage", request, self._contents(message, dress),
                                     "digest" if message.spoil == "unverifiable" else spoil, message)
        if message.spoil == "doctype":
            answer.body = b'<!DOCTYPE x [<!ENTITY y "z">]>\n' + answer.body
        answer.spoiled = message.spoil or answer.spoiled
        return answer

    def deliver_response(self, message, version, dress, spoil=None):
        t = lambda local, text: element(dress.name("types", local), text)
        data, signature = self._data_in(message, version, dress)
        original = message.original
        parts = [t("OriginalMessageId", original.message_id) if original else "",
                 t("OriginalTransactionCode", escape(original.transaction_code)) if original and original.transaction_code else "",
                 data, self._metadata(message, version, dress, "RESPONSE", self._delivered(version)), self._files(message, dress),
                 self._signature_place(dress, "SenderInformationSystemSignature", signature)]
        name = dress.name("types", "Response")
        response = '<%s Id="SIGNED_BY_SMEV">%s</%s>' % (name, dress.space.join(p for p in parts if p), name)
        answer = self._signed_answer("GetResponse", version, dress, "ResponseMessage", response, self._contents(message, dress),
                                     {"unverifiable": "digest", "unsigned": "unsigned"}.get(message.spoil, spoil), message)
        if message.spoil == "doctype":
            answer.body = b'<!DOCTYPE x [<!ENTITY y "z">]>\n' + answer.body
        if message.spoil == "cut":
            answer.body = answer.body[:-30]
        answer.spoiled = message.spoil or answer.spoiled
        return answer

    def _contents(self, message, dress):
        if not message.attachments:
            return ""
        b = lambda local, text: element(dress.name("basic", local), text)
        return b("AttachmentContentList", "".join(b("AttachmentContent", b("Id", i) + b("Content", base64.b64encode(d).decode()))
                                                  for i, d in message.attachments))

    def _signed_answer(self, operation, version, dress, wrapper, signed, beside, spoil, message):
        """An answer whose element `signed` (with Id SIGNED_BY_SMEV) has SMEV's signature; wrapper may be None."""
        scope = dress.scope(version)
        signed, signature = self._sign(signed, scope, spoil)
        inner = signed + dress.space + beside + (element(dress.name("types", "SMEVSignature"), signature) if signature else "")
        if wrapper:
            inner = element(dress.name("types", wrapper), dress.space + inner + dress.space)
        name = dress.name("types", operation + "Response")
        body = "<%s%s>%s%s%s</%s>" % (name, wire.declare(scope), dress.space, inner, dress.space, name)
        return Answer(200, wire.envelope(body, dress), message_id=message.message_id, spoiled=spoil)

    # What may be wrong with SMEV's signature. Each of them must be refused by a reader.
    SPOILS = ("unsigned", "content", "digest", "value", "stranger", "other", "inner", "enveloped", "c14n", "indented", "twice", "no_certificate")

    def _sign(self, text, scope, spoil):
        key, cert, more, ident = self.key, self.cert, {}, "SIGNED_BY_SMEV"
        octets = smevtransform.transform(text.encode(), scope)
        if spoil == "unsigned":
            return text, ""
        if spoil in ("stranger", "other", "revoked", "expired"):  # by an authority nobody knows; by a system that is not SMEV; by who was SMEV
            key, cert = gostfast.PrivateKey(self.read(spoil + ".key")), gostfast.Certificate.from_pem(self.read(spoil + ".pem"))
        if spoil == "enveloped":
            more["transforms"] = smev3sig.WITH_ENVELOPED
        if spoil == "c14n":
            more["transforms"] = smev3sig.TRANSFORMS[:1]
            octets = xmlsig.canonical(text.encode(), scope)
        if spoil == "inner":  # a good signature over another element: what is delivered is signed by nobody
            octets = smevtransform.transform(b'<x xmlns="urn:x" Id="SIGNED_BY_SMEV"></x>')
        signature = smev3sig.signature(key, cert, ident, octets, **more)
        if spoil == "content":
            at = text.index("SendingTimestamp>") + len("SendingTimestamp>")
            text = text[:at] + ("1" if text[at] == "2" else "2") + text[at + 1:]
        elif spoil == "digest":
            at = signature.index("<ds:DigestValue>") + 16
            signature = signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1:]
        elif spoil == "value":
            at = signature.index("<ds:SignatureValue>") + 19
            signature = signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1:]
        elif spoil == "indented":
            signature = signature.replace("<ds:SignatureMethod", "\n    <ds:SignatureMethod", 1)
        elif spoil == "twice":
            signature += signature
        elif spoil == "no_certificate":
            signature = signature.replace(base64.b64encode(cert.der).decode(), "")
        return text, signature

    # ---- Ack -------------------------------------------------------------------------------------------------------------

    def _Ack(self, call, trouble, dress):
        call.message_id = call.signed.text
        accepted = call.signed.attrs.get((None, "accepted"))
        if accepted not in ("true", "false", "1", "0") and not (accepted is None and call.version == "1.3"):
            raise self._invalid("accepted=%s" % accepted)
        call.accepted = accepted not in ("false", "0")
        system = call.system
        found = []
        for queue in (system.requests, system.statuses, *system.responses.values()):
            if trouble is not None and trouble.late:
                queue.expire(float("inf"), 0)
            queue.expire(self.clock.now(), REDELIVERY_S)
            found += queue.ack(call.message_id)
        if not found and not wire.UUID_PATTERN.fullmatch(call.message_id):
            raise self._invalid("AckTargetMessage %s" % call.message_id)
        if not found:
            raise SmevFault("TargetMessageIsNotFound", "Сообщение %s не найдено среди неподтверждённых" % call.message_id, code="SMEV-501")
        for entry in found:
            entry.message.acked = call.accepted
        if self.files is not None:
            self.files.close(call.message_id)
        name = dress.name("types", "AckResponse")
        return Answer(200, wire.envelope("<%s%s></%s>" % (name, wire.declare(dress.scope(call.version)), name), dress), message_id=call.message_id)

    # ---- SendRequest, SendResponse ---------------------------------------------------------------------------------------

    def _check_id(self, call):
        ident = wire.text_of(call.signed, "MessageID", "")
        call.message_id = ident
        if not wire.UUID_PATTERN.fullmatch(ident) or ident[14] != "1" or ident[19] not in "89ab":
            raise SmevFault("InvalidMessageIdFormat", "MessageID %s не UUID версии 1 строчными буквами" % ident, code="SMEV-201")
        age = self.peer_clock.now() - wire.uuid_seconds(ident)
        if (call.system.mnemonic, ident) in self.sent:
            raise SmevFault("MessageIsAlreadySent", "Сообщение %s уже отправлено" % ident, code="SMEV-203")
        if age > ID_AGE_S or age < -SKEW_S:
            raise SmevFault("StaleMessageId", "MessageID %s создан %d с назад" % (ident, age), code="SMEV-202")
        return ident

    def _business(self, node):
        content = node.find(basic_ns(wire.version_of(node.ns)[0]), "MessagePrimaryContent")
        if content is None:
            return None
        if len(content.children) != 1 or content.text.strip():
            raise self._invalid("в MessagePrimaryContent не один элемент")
        return content.children[0]

    def _personal(self, call, business):
        """ЭП-СП: a good signature of the very business element; of whom is asked where somebody must."""
        holders = call.signed.find_all(types_ns(call.version), "PersonalSignature")
        if not holders and call.system.officials is None:
            return
        refuse = lambda text, sub: SmevFault("SignatureVerificationFault", text, sub)
        if len(holders) != 1:
            raise refuse("Не найдена ЭП-СП", "NoSignatureFound")
        try:
            smev3sig.verify(business, holders[0], authority=self.authority, certificates=call.system.officials)
        except SignatureError as e:
            raise refuse("ЭП-СП недействительна: %s" % e, "SignatureIsInvalid") from None
        self.counters["personal"] += 1

    def require_official(self, mnemonic, *names):
        """The business elements of this system must be signed by one of these (.pem files of the pki); no names: by nobody."""
        self.systems[mnemonic].officials = [gostfast.Certificate.from_pem(self.read(n + ".pem")) for n in names] or None

    def _incoming(self, call, kind, recipient, root):
        holder = call.holder.children[0]
        message = Message(kind, call.message_id, call.system, recipient, wire.standalone(call.signed), call.version, root=root,
                          signature=wire.standalone(holder).decode(), sent_at=self.clock.now())
        listed = call.root.find(basic_ns(call.version), "AttachmentContentList")
        for content in listed.children if listed else []:
            message.attachments.append((wire.text_of(content, "Id", ""), base64.b64decode(wire.text_of(content, "Content", ""))))
        return message

    def _take(self, message, put):
        """It is SMEV's from now on."""
        self.sent[message.sender.mnemonic, message.message_id] = message
        put(message)

    def _sent_answer(self, call, message, dress, kind, status, spoil, ident=None):
        text = self._metadata(message, call.version, dress, kind, status, delivered=False, ident="SIGNED_BY_SMEV")
        if ident:
            text = text.replace(message.message_id, ident)
        return self._signed_answer(call.operation, call.version, dress, None, text, "", spoil, message)

    def _SendResponse(self, call, trouble, dress):
        data = call.signed
        body = ["MessagePrimaryContent", "PersonalSignature?", "AttachmentHeaderList?", "RefAttachmentHeaderList?"]
        which = next((c.local for c in data.children if c.local in ("MessagePrimaryContent", "RequestRejected", "RequestStatus")), None)
        if which == "RequestRejected":
            body = ["RequestRejected"] + ["RequestRejected?"] * 10
        elif which == "RequestStatus":
            body = ["RequestStatus"]
        fields = self._fields(data, ["MessageID", "To"] + body)
        self._check_id(call)
        if len(fields["To"].text) > 4000:
            raise self._invalid("To длиннее 4000")
        request = self.requests.get(fields["To"].text)
        if request is None or request.recipient is not call.system:
            raise SmevFault("RecipientIsNotFound", "Получатель по To не найден", code="SMEV-204")
        root = None
        if which == "MessagePrimaryContent":
            business = self._business(data)
            root = (business.ns, business.local)
            kind = self.types.get(root)
            if kind is None:
                raise SmevFault("BusinessDataTypeIsNotSupported", "Вид сведений не зарегистрирован", (root[1], root[0] or ""), "SMEV-301")
            if self.types.get(request.root) is not kind or root != kind.response:
                raise SmevFault("IncorrectResponseContentType", "Ответ {%s}%s не подходит к запросу" % root, code="SMEV-303")
            self._personal(call, business)
        elif which == "RequestRejected":
            for rejected in data.find_all(types_ns(call.version), "RequestRejected"):
                inner = self._fields(rejected, ["RejectionReasonCode", "RejectionReasonDescription"])
                if inner["RejectionReasonCode"].text not in ("ACCESS_DENIED", "NO_DATA", "UNKNOWN_REQUEST_DESCRIPTION", "FAILURE"):
                    raise self._invalid("RejectionReasonCode")
                if not 0 < len(inner["RejectionReasonDescription"].text) <= 4000:
                    raise self._invalid("RejectionReasonDescription")
        else:
            status = fields["RequestStatus"]
            if wire.text_of(status, "StatusDescription") is None or not (wire.text_of(status, "StatusCode") or "x").lstrip("-").isdigit():
                raise self._invalid("RequestStatus")
        message = self._incoming(call, "RESPONSE", request.sender, root)
        message.original, message.node_id, message.what = request, request.node_id, which
        if trouble is None or not trouble.undone:
            if which != "RequestStatus":
                request.finals.append(message)
            self._take(message, self.respond)
        status = "responseIsAcceptedBySmev" if call.version == "1.1" else "responseIsQueued" if call.version == "1.3" else "responseIsQueued"
        return self._sent_answer(call, message, dress, "RESPONSE", status, trouble and trouble.spoil, trouble and trouble.other_id)

    def _SendRequest(self, call, trouble, dress):
        fields = self._fields(call.signed, ["MessageID", "ReferenceMessageID?", "TransactionCode?", "NodeID?", "EOL?", "MessagePrimaryContent",
                                            "PersonalSignature?", "AttachmentHeaderList?", "RefAttachmentHeaderList?",
                                            "BusinessProcessMetadata?", "TestMessage?"])
        self._check_id(call)
        business = self._business(call.signed)
        root = (business.ns, business.local)
        kind = self.types.get(root)
        if kind is None or root != kind.request or kind.provider is None:
            raise SmevFault("BusinessDataTypeIsNotSupported", "Вид сведений не зарегистрирован", (root[1], root[0] or ""), "SMEV-301")
        self._personal(call, business)
        if "EOL" in fields:
            try:
                eol = wire.seconds_of(fields["EOL"].text)
            except ValueError:
                raise self._invalid("EOL без часового пояса") from None
            if eol <= self.peer_clock.now():
                raise SmevFault("EndOfLifeReached", "Срок жизни запроса истёк", code="SMEV-205")
        message = self._incoming(call, "REQUEST", kind.provider, root)
        message.node_id = fields["NodeID"].text if "NodeID" in fields else None
        message.transaction_code = fields["TransactionCode"].text if "TransactionCode" in fields else None
        if trouble is None or not trouble.undone:
            self._take(message, self.submit)
        return self._sent_answer(call, message, dress, "REQUEST", "requestIsQueued", trouble and trouble.spoil, trouble and trouble.other_id)
