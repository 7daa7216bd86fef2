# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Plays a case: reads its words, makes the requests, sends them, unpacks what comes back."""
import http.client
import pathlib
import re
import uuid

from lxml import etree

import outline
from expect import Expectations, Wrong, words_of
from instance import InstanceError, SOURCE
from outline import CaseError, EQ, Node, SOAP
from smev2client import Fault, REV
from xmlsig import SignatureError

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENT = re.compile(r"\b([MPSBRTVCJEO][1-9][0-9]?|A[1-9][0-9]?|edge [0-9]+)\b")


class Schemas:
    """What the daemon checks by and what it offers others (contract: the folder); loaded by another library than the daemon's binding."""

    def __init__(self, contract):
        load = lambda path: etree.XMLSchema(etree.parse(str(path)))
        self.bare, self.frames = load(SOURCE / "schemas/equeue-bare.xsd"), {r: load(SOURCE / "schemas" / ("smev-%s.xsd" % r)) for r in REV}
        self.offered = load(contract / "equeue-bare.xsd")

    def check(self, schema, element):
        # Copied into a document of its own: what is checked is the element, not what stands around it.
        if not schema.validate(etree.ElementTree(etree.fromstring(etree.tostring(element)))):
            raise Wrong("the answer is not valid: %s" % schema.error_log.last_error.message)


class Answer:
    """What came back: status, headers, bytes; tree is the outline of the bare element or of the fault."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.tree = self.frame = None

    def lines(self):
        out = ["HTTP %d" % self.status]
        for title, tree in (("frame", self.frame), ("answer", self.tree)):
            if tree is not None:
                out += [title + ":"] + list(tree.lines(1))
        return out if self.tree is not None else out + [self.body.decode("utf-8", "replace")[:2000]]


class Player(Expectations):
    def __init__(self, instance, schemas, show):
        self.instance, self.schemas, self.show = instance, schemas, show
        self.clients, self.steps, self.failures, self.known, self.requirements = {}, 0, [], 0, set()

    # ---- reading a case ------------------------------------------------------------------------------------------

    def play(self, path):
        self.messages, self.frames, self.answers, self.variables, self.kept = {}, {}, {}, {}, {}
        title, _, text = path.read_text(encoding="utf-8").partition("\n")
        self.case, self.title = path.stem, title
        if not REQUIREMENT.search(title):
            raise CaseError("%s: the first line is a title that names requirements" % path.name)
        self.requirements.update(REQUIREMENT.findall(title))
        self.load(text, path.name)

    def load(self, text, where):
        for node in outline.read(text, where):
            words = node.text.split()
            try:
                if words[0] == "use":
                    self.load((HERE / "cases" / words[1]).read_text(encoding="utf-8"), words[1])
                elif words[0] == "let":
                    self.let(words[1], node.rest.partition("=")[2].strip())
                elif words[0] == "message":
                    self.messages[words[1]] = node.children[0]
                elif words[0] == "frame":
                    self.frames[words[1]] = node
                elif words[0] == "answer":
                    self.answers[words[1]] = (words[2:], node.children[0])
                elif words[0] == "step":
                    self.step(node.rest, node.children)
                elif words[0] == "table":
                    self.table(node)
                else:
                    raise CaseError("unknown word '%s'" % words[0])
            except (CaseError, IndexError, KeyError) as e:
                raise CaseError("%s:%d: %r" % (where, node.line, e)) from e

    def let(self, name, value):
        self.variables[name] = str(uuid.uuid4()) if value == "new uuid" else outline.fill(value, self.variables)

    def table(self, node):
        """table MESSAGE -> STATUS ANSWER [ARGUMENTS]; each row below is a step: changes ; changes | arguments."""
        left, _, right = node.rest.partition("->")
        status, answer, *more = words_of(right)
        for row in node.children:
            changes, _, arguments = row.text.rpartition(" |") if " |" in row.text else (row.text, "", "")
            arguments = " ".join([*more, arguments])
            self.step(changes, [Node("send " + left.strip(), row.line, [Node(c.strip(), row.line) for c in changes.split(" ; ") if c.strip() != "as it is"]),
                                Node("expect %s %s %s" % (status, answer, arguments), row.line)])

    # ---- a step --------------------------------------------------------------------------------------------------

    def step(self, title, lines):
        self.steps += 1
        where = "%s, line %d: %s" % (self.case, lines[0].line, title)
        answer = None
        known = next((line.rest for line in lines if line.word == "known"), None)
        try:
            for line in lines:
                if line.word in ("send", "post", "again"):
                    answer = getattr(self, line.word)(line)
                    if self.show:
                        print("\n== %s" % where, *answer.lines(), sep="\n")
                else:
                    getattr(self, "do_" + line.word, self.unknown)(line, answer)
        except (Wrong, InstanceError, SignatureError, etree.XMLSyntaxError, OSError, http.client.HTTPException) as e:
            if known:
                self.known += 1
                print("KNOWN  %s\n  %s\n  %s" % (where, known, e))
                return
            self.failures.append(where)
            print("FAILED %s\n  (%s)\n  %s" % (where, self.title, e))
            if answer is not None and not self.show:
                print("\n".join("    " + t for t in answer.lines()[:60]))
            return
        if known:
            self.failures.append(where)
            print("FAILED %s\n  it works: take the line 'known' out" % where)

    def do_known(self, line, answer):
        """known WHY: the daemon does not do this yet. The expectation stays; once it is met this line is a failure."""

    def unknown(self, line, answer):
        raise CaseError("line %d: unknown word '%s'" % (line.line, line.word))

    # ---- requests ------------------------------------------------------------------------------------------------

    def send(self, line):
        """send MESSAGE [on FRAME], with changes below; or the message itself below. FRAME makes it a signed one."""
        name, _, frame = line.rest.partition(" on ") if not line.rest.startswith("on ") else ("", "", line.rest[3:])
        words = ("set", "without", "add", "header", "as", "frame")
        message = self.messages[name.strip()].copy() if name.strip() else next(c for c in line.children if c.word not in words).copy()
        frame_tree = self.frames[frame.split()[0]].copy() if frame else None
        headers, message_id = {}, None
        for change in line.children:
            if change.word == "header":
                self.header(headers, change)
            elif change.word == "as":
                message_id = outline.fill(change.rest, self.variables)
            elif change.word == "frame":
                self.change(frame_tree.children[0], Node(change.rest, change.line))
            elif change.word in words:
                self.change(message, change)
        filled = message.copy(lambda text: outline.fill(text, self.variables))
        content = "".join(outline.to_xml(c, "eq") for c in filled.children)
        if frame is None or not frame:
            data = '<soap:Envelope xmlns:soap="%s"><soap:Body><eq:%s xmlns:eq="%s">%s</eq:%s></soap:Body></soap:Envelope>' % (
                SOAP, filled.name, EQ, content, filled.name)
            return self.exchange("POST", "/equeue", data.encode(), self.headers(filled.name, headers))
        return self.send_signed(frame_tree.copy(lambda text: outline.fill(text, self.variables)), filled.name, content, headers, message_id)

    def headers(self, element, more):
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"%s"' % element.removesuffix("Request")}
        headers.update(more)
        return {n: v for n, v in headers.items() if v is not None}

    def header(self, headers, line):
        name, _, value = line.rest.partition(":")
        headers[name.strip()] = None if value.strip() == "none" else outline.fill(value.strip(), self.variables)

    def change(self, message, line):
        """set PATH: A | B, without PATH, add NAME: TEXT after NAME; a path goes down from the message."""
        target, after = line.rest, None
        if line.word == "add":
            target, _, after = target.rpartition(" after ")
        path, _, value = target.partition(":")
        *parents, name = path.strip().split("/")
        holder = message
        for parent in parents:
            holder = next((c for c in holder.children if c.name == parent), None)
            if holder is None:
                raise CaseError("line %d: the message has no %s" % (line.line, parent))
        news = [Node("%s: %s" % (name, v.strip())) for v in outline.fill(value, self.variables).split(" | ")]
        if line.word == "add":
            places = [i for i, c in enumerate(holder.children) if c.name == after]
            at = places[-1] + 1 if places else None
        else:
            places = [i for i, c in enumerate(holder.children) if c.name == name]
            at = places[0] if places else None
        if at is None:
            raise CaseError("line %d: the message has no %s" % (line.line, after or name))
        if line.word != "add":
            holder.children = [c for c in holder.children if c.name != name]
        if line.word != "without":
            holder.children[at:at] = news

    def client(self, rev, recipient):
        key = (rev, recipient)
        if key not in self.clients:
            self.clients[key] = self.instance.client(recipient=recipient, rev=rev)
        return self.clients[key]

    def send_signed(self, frame, element, content, headers, message_id):
        rev = frame.rest.split()[1]  # frame NAME REV: the outline below is smev:Message
        message = frame.children[0]
        recipient = outline.find(message, "Recipient/Code")
        client = self.client(rev, recipient[0] if recipient and recipient[0] in ("AAAA00001", "BBBB00002") else "AAAA00001")
        inner = "".join(outline.to_xml(c, "smev") for c in message.children)
        body = ('<eq:%s xmlns:eq="%s"><smev:Message xmlns:smev="%s">%s</smev:Message><smev:MessageData xmlns:smev="%s"><smev:AppData>%s'
                '</smev:AppData></smev:MessageData></eq:%s>') % (element, EQ, REV[rev], inner, REV[rev], content, element)
        return self.exchange_signed(client, client.sign(body, message_id), self.headers(element, headers), rev)

    def again(self, line):
        """again: the same bytes once more, to the signed listener."""
        return self.exchange_signed(*self.last)

    def exchange_signed(self, client, data, headers, rev):
        self.last = client, data, headers, rev
        reply = client.post(data, headers=headers)
        answer = Answer(reply.http_status, reply.headers, reply.body)
        try:
            client.read(reply)  # V3: no answer is looked at whose signature does not hold
        except Fault:
            if reply.signer is None:
                raise Wrong("a fault without a signature") from None
        self.unpack(answer, rev)
        return answer

    def post(self, line):
        """post: lines "| text" are the body, "method", "path", "encoding", "bom", "header" say the rest."""
        method, path, encoding, bom, headers, lines = "POST", "/equeue", "utf-8", b"", {}, []
        for part in line.children:
            if part.text.startswith("|"):
                lines.append(part.text[2:])
            elif part.word == "header":
                self.header(headers, part)
            elif part.word == "method":
                method = part.rest
            elif part.word == "path":
                path = part.rest
            elif part.word == "encoding":
                encoding = part.rest
            elif part.word == "bom":
                bom = b"\xef\xbb\xbf"
            else:
                raise CaseError("line %d: unknown word '%s'" % (part.line, part.word))
        text = outline.fill("\n".join(lines), dict(self.variables))
        headers = {n: v for n, v in {"Content-Type": "text/xml; charset=utf-8", **headers}.items() if v is not None}
        return self.exchange(method, path, bom + text.encode(encoding) if lines else None, headers)

    def exchange(self, method, path, data, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.instance.plain_port, timeout=120)
        try:
            connection.request(method, path, data, headers)
            reply = connection.getresponse()
            answer = Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        finally:
            connection.close()
        if method == "POST" and answer.headers.get("content-type", "").startswith("text/xml"):
            self.unpack(answer, None)
        return answer

    def unpack(self, answer, rev):
        """SOAP 1.1, one element in one Body; the bare element is valid against equeue-bare.xsd, as checked and as offered."""
        if answer.headers.get("content-type", "").replace('"', "").lower() != "text/xml; charset=utf-8":
            raise Wrong("Content-Type is %s" % answer.headers.get("content-type"))
        root = etree.fromstring(answer.body)
        bodies = root.findall("{%s}Body" % SOAP)
        if root.tag != "{%s}Envelope" % SOAP or len(bodies) != 1 or len(bodies[0]) != 1:
            raise Wrong("not one element in one Body of one SOAP 1.1 envelope")
        top = bodies[0][0]
        if top.tag != "{%s}Fault" % SOAP:
            bare = top
            if rev:
                message, data = top
                self.schemas.check(self.schemas.frames[rev], message)
                self.schemas.check(self.schemas.frames[rev], data)
                answer.frame = outline.from_element(message)
                bare = etree.Element(top.tag)
                bare.extend(data[0])
            self.schemas.check(self.schemas.bare, bare)
            self.schemas.check(self.schemas.offered, bare)
            top = bare
        answer.tree = outline.from_element(top)
