#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Judges a record of SMEV 3 exchanges (smev3server.Record) by its octets, with nothing of the core: what must hold after any trouble.

Every request answered exactly once in effect; what is said again is equal; nothing refused for a failure of ours; pushes of a booking in
order, each after the portal's answer to the one before; taken is only what SMEV signed; nothing that SMEV had to refuse for its form.

    smev3judge.py RECORD
"""
import collections
import hashlib
import json
import re
import struct
import sys
import xml.etree.ElementTree as ET

OURS = {"SignatureVerificationFault", "InvalidContent", "InvalidMessageIdFormat", "SenderIsNotRegistered", "IncorrectResponseContentType",
        "BusinessDataTypeIsNotSupported", "RecipientIsNotFound", "UnknownMessageType", "EndOfLifeReached", "Fault"}


def _local(element):
    return element.tag.rpartition("}")[2]


def _all(element, name):
    """Of SMEV's or of the order's namespaces, whichever it is."""
    end = "}" + name
    return [e for e in element.iter() if e.tag.endswith(end) or e.tag == name]


def _one(element, name):
    end = "}" + name
    return next((e for e in element.iter() if e.tag.endswith(end) or e.tag == name), None)


def _text(element, name):
    found = _one(element, name)
    return None if found is None else found.text or ""


def _same(*elements):
    """What to compare contents by: names, attributes, texts and who is whose child; prefixes and the order of attributes do not matter."""
    told = [(e.tag, sorted(e.attrib.items()), e.text or "", (e.tail or "") if e not in elements else "", len(e)) for top in elements for e in top.iter()]
    return hashlib.sha256(repr(told).encode()).digest()


def _content(data):
    """(kind, what to compare it by) of a SenderProvidedResponseData or SenderProvidedRequestData."""
    for child in data:
        name = _local(child)
        if name == "MessagePrimaryContent":
            return "content", _same(*child)
        if name == "RequestRejected":
            return "rejected", _same(child)
        if name == "RequestStatus":
            return "status", _same(child)
    return "nothing", b""


class Sent:
    """A message of an agency's: all its sendings."""

    def __init__(self, message_id, kind, content, to, at):
        self.message_id, self.kind, self.content, self.to, self.first = message_id, kind, content, to, at
        self.effect, self.faults, self.data, self.last = False, [], set(), at


class Judge:
    """allowed_rejects: ids of requests that may be refused by SMEV's own RequestRejected; parked: ids that may stay without an answer.
    expected_pushes: {bookId: [statusCode, ...]} in order, when known. after_refusal: whether a booking's later pushes may follow one that
    the portal refused. renewed: messages of pushes that somebody has had sent anew, by hand. foreign: answers to another program's messages, which
    are not to be acknowledged."""

    def __init__(self, path, allowed_rejects=(), parked=(), expected_pushes=None, after_refusal=False, renewed=(), foreign=()):
        self.problems, self.counts = [], collections.Counter()
        self.allowed_rejects, self.parked, self.expected, self.after_refusal = set(allowed_rejects), set(parked), expected_pushes, after_refusal
        self.put, self.by_reply, self.renewed, self.foreign = {}, {}, set(renewed), set(foreign)
        self.refused_late = set()  # answers that SMEV took, and has told whose they are that it refuses
        self.responses, self.requests = collections.OrderedDict(), collections.OrderedDict()
        self.delivered, self.acked = collections.defaultdict(list), collections.defaultdict(list)
        self.good_delivery, self.push_answered, self.push_refused, self.push_failed = set(), {}, set(), set()
        for head, request, answer in self._read(path):
            self._take(head, request, answer)
        self._conclude()

    def _read(self, path):
        with open(path, "rb") as f:
            while True:
                size = f.read(4)
                if len(size) < 4:
                    return
                head = json.loads(f.read(struct.unpack("<I", size)[0]))
                yield head, f.read(head["request"]), f.read(head["answer"])

    def wrong(self, text, *values):
        self.problems.append(text % values if values else text)

    # ---- one exchange ------------------------------------------------------------------------------------------------------

    def _take(self, head, request, answer):
        operation = head["operation"]
        self.counts[operation] += 1
        if operation == "put":
            self.put[head["message"]] = head
            if head.get("reply_to"):
                self.by_reply[head["reply_to"]] = head["message"]
            return
        if head["fault"] in OURS and head["trouble"] is None:
            self.wrong("exchange %d: SMEV had to refuse %s with %s", head["n"], operation, head["fault"])
        if not head["whole"]:
            return
        if operation in ("SendResponse", "SendRequest"):
            self._sent(head, request)
        elif operation in ("GetRequest", "GetResponse", "GetStatus"):
            self._polled(head, answer)
        elif operation == "Ack":
            self._acked(head, request)

    def _sent(self, head, request):
        root = ET.fromstring(self._root_part(request))
        data = _one(root, "SenderProvidedResponseData" if head["operation"] == "SendResponse" else "SenderProvidedRequestData")
        if data is None:
            self.wrong("exchange %d: %s without its data", head["n"], head["operation"])
            return
        kind, content = _content(data)
        ident = _text(data, "MessageID")
        known = self.responses if head["operation"] == "SendResponse" else self.requests
        sent = known.get(ident)
        if sent is None:
            sent = known[ident] = Sent(ident, kind, content, _text(data, "To"), head["at"])
            sent.element, sent.number, sent.system = data, head["n"], head["system"]
        elif (sent.kind, sent.content) != (kind, content):
            self.wrong("%s %s: said again with another content", head["operation"], ident)
        elif sent.to != _text(data, "To"):
            self.wrong("SendResponse %s: said again to another", ident)
        if head["operation"] == "SendRequest":
            sent.data.add(_same(data))
        if head["effect"] or head["fault"] == "MessageIsAlreadySent":
            if head["effect"] and sent.effect:
                self.wrong("%s %s took effect twice", head["operation"], ident)
            sent.effect = True
        if head["fault"]:
            sent.faults.append(head["fault"])
        sent.last = head["at"]

    def _polled(self, head, answer):
        if head["message"] is None or head["fault"]:
            return
        whole = head["fate"] is None
        self.delivered[head["message"]].append((head["n"], head["spoiled"], whole))
        if head["spoiled"] is None and whole and not head["replaced"]:
            is_known = head["message"] in self.good_delivery
            self.good_delivery.add(head["message"])
            if head["operation"] == "GetResponse":
                root = ET.fromstring(self._root_part(answer))
                original = _text(root, "OriginalMessageId")
                original = original or (None if is_known else self._meant(root))
                if _text(root, "StatusCategory") == "responseIsRejectedBySmev":
                    self.refused_late.add(original)
                if original is not None and _one(root, "RequestStatus") is None:
                    self.push_answered.setdefault(original, head["n"])
                    codes = [e.text for e in _all(root, "errorCode")]
                    if codes and codes[0] not in ("0", "2", "3", "4", "5"):
                        self.push_failed.add(original)  # the portal's failure: once more, which is a new message
                    if _one(root, "RequestRejected") is not None or _one(root, "AsyncProcessingStatus") is not None or codes and codes[0] in ("2", "4"):
                        self.push_refused.add(original)

    def _meant(self, root):
        """An answer without OriginalMessageId is to the first push of its booking that SMEV has and that has no answer yet; None: to none."""
        book = _text(root, "bookId")
        return next((s.message_id for s in self.requests.values() if book is not None and s.effect and s.message_id not in self.push_answered
                     and (_text(s.element, "bookId") or "").lower() == book.lower()), None)

    def _acked(self, head, request):
        root = ET.fromstring(self._root_part(request))
        target = _one(root, "AckTargetMessage")
        accepted = target.get("accepted") not in ("false", "0")
        self.acked[target.text].append((head["n"], accepted, head["effect"]))
        if accepted and target.text not in self.good_delivery:
            self.wrong("exchange %d: %s acked as accepted, and never was it delivered whole and signed by SMEV", head["n"], target.text)

    def _root_part(self, octets):
        """The envelope within a MIME body; whatever stands around it is no XML."""
        found = re.search(rb"<(?:[\w.-]+:)?Envelope\b.*</(?:[\w.-]+:)?Envelope\s*>", octets, re.S)
        return found.group(0) if found else octets

    # ---- all of it ---------------------------------------------------------------------------------------------------------

    def _conclude(self):
        finals = collections.defaultdict(list)
        for sent in self.responses.values():
            target = self.by_reply.get(sent.to)
            if target is None:
                self.wrong("SendResponse %s goes to nobody's ReplyTo", sent.message_id)
            elif sent.kind != "status":
                finals[target].append(sent)
        for ident, head in self.put.items():
            if head["kind"] != "REQUEST" or not head["agency"]:
                if finals.get(ident):
                    self.wrong("%s %s was answered, and cannot be", head["kind"], ident)
                continue
            self._one_request(ident, head, finals[ident])
        for ident, deliveries in self.delivered.items():
            good = [d for d in deliveries if d[1] is None and d[2]]
            if ident in self.foreign:
                if any(accepted for _, accepted, _ in self.acked[ident]):
                    self.wrong("%s is an answer to another program, and was acked as taken", ident)
            elif good and not any(accepted and effect for _, accepted, effect in self.acked[ident]):
                self.wrong("%s was delivered %d times and never acked in effect", ident, len(good))
        self._pushes()

    def _one_request(self, ident, head, finals):
        effective = [s for s in finals if s.effect and s.message_id not in self.refused_late]
        self.counts["requests"] += 1
        if not effective and ident not in self.parked:
            self.wrong("request %s (%s) has no answer; %d deliveries", ident, head["poison"] or head["root"], len(self.delivered[ident]))
        if len({(s.kind, s.content) for s in finals}) > 1:
            self.wrong("request %s was answered with %d contents", ident, len({(s.kind, s.content) for s in finals}))
        for before, after in zip(finals, finals[1:]):
            if not {"StaleMessageId", "InvalidMessageIdFormat"} & set(before.faults) and before.message_id not in self.refused_late:
                self.wrong("request %s: a new MessageID %s for the answer, and SMEV has not said that it takes %s no more", ident, after.message_id, before.message_id)
        if len(effective) > 1:
            self.wrong("request %s was answered %d times in effect", ident, len(effective))
        for sent in finals:
            if sent.kind == "rejected":
                self.counts["rejected"] += 1
                if ident not in self.allowed_rejects and not head["poison"]:
                    self.wrong("request %s was refused by SMEV's own refusal: %s", ident, "".join(sent.element.itertext())[-200:])
            if sent.kind == "nothing":
                self.wrong("request %s: an answer without content", ident)

    def _pushes(self):
        books = collections.OrderedDict()
        for sent in self.requests.values():
            books.setdefault(_text(sent.element, "bookId"), []).append(sent)
            if len(sent.data) > 1:
                self.wrong("SendRequest %s was sent with other octets", sent.message_id)
        self.counts["pushes"] = len(self.requests)
        for book, sents in books.items():
            for before, after in zip(sents, sents[1:]):
                answered = self.push_answered.get(before.message_id)
                again = before.content == after.content
                if again and not {"StaleMessageId", "InvalidMessageIdFormat"} & set(before.faults) \
                        and before.message_id not in self.push_failed | self.renewed:
                    self.wrong("booking %s: the same push under a new MessageID %s", book, after.message_id)
                elif not again and (answered is None or answered > after.number):
                    self.wrong("booking %s: push %s went out before the answer to %s", book, after.message_id, before.message_id)
                if before.message_id in self.push_refused and not again and not self.after_refusal:
                    self.wrong("booking %s: push %s follows one that was refused", book, after.message_id)
            if self.expected is not None:
                codes = [_text(s.element, "statusCode") for n, s in enumerate(sents) if s.effect and (n == 0 or sents[n - 1].content != s.content)]
                if codes != self.expected.get(book, []):
                    self.wrong("booking %s: pushed %s, expected %s", book, codes, self.expected.get(book, []))
        for book in set(self.expected or ()) - set(books):
            self.wrong("booking %s: nothing pushed, expected %s", book, self.expected[book])


def main():
    judge = Judge(sys.argv[1])
    print(", ".join("%s %d" % (k, v) for k, v in sorted(judge.counts.items(), key=str)))
    for problem in judge.problems:
        print(problem)
    print("%d problems" % len(judge.problems))
    return 1 if judge.problems else 0


if __name__ == "__main__":
    sys.exit(main())
